from django.apps import AppConfig


class TriageConfig(AppConfig):
    """What and why: facts in, recommendation out."""

    name = "triage"
    verbose_name = "Rules"
    default_auto_field = "django.db.models.BigAutoField"
