from django.apps import AppConfig


class LocalitiesConfig(AppConfig):
    """Who and where."""

    name = "localities"
    default_auto_field = "django.db.models.BigAutoField"
