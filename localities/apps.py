from django.apps import AppConfig


class LocalitiesConfig(AppConfig):
    """Who and where."""

    name = "localities"
    verbose_name = "Who and where"
    default_auto_field = "django.db.models.BigAutoField"
