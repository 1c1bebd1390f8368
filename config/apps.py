"""The admin site as a Django app: our own site class, with our own screens only."""

from importlib import import_module

from django.contrib.admin.apps import SimpleAdminConfig


class FrontDoorAdminConfig(SimpleAdminConfig):
    """
    Team leads' and administrators' screens. A user's roles decide what they may see.

    Other packages' screens are not registered: they ask for Django's permissions, which nobody has here.
    """

    default_site = "config.admin.FrontDoorAdminSite"

    def ready(self) -> None:
        super().ready()
        import_module("casework.admin")
        import_module("config.factors")
        import_module("config.time_limits")
        import_module("config.safe_start")
