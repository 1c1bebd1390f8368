from django.apps import AppConfig


class TriageConfig(AppConfig):
    """The rules: see `triage/__init__.py`."""

    name = "triage"
    verbose_name = "Rules"
    default_auto_field = "django.db.models.BigAutoField"
