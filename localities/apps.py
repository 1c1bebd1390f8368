from django.apps import AppConfig


class LocalitiesConfig(AppConfig):
    """People, teams and places."""

    name = "localities"
    verbose_name = "People, teams and places"
    default_auto_field = "django.db.models.BigAutoField"
