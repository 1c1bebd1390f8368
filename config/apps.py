"""The admin screens as an application of their own: our site, and our screens only."""

from importlib import import_module

from django.contrib.admin.apps import SimpleAdminConfig


class FrontDoorAdminConfig(SimpleAdminConfig):
    """
    Team leads' and administrators' screens; what they may see comes from their roles.

    Other packages' screens are not taken in: they would ask for Django's permissions, which nobody has here.
    """

    default_site = "config.admin.FrontDoorAdminSite"

    def ready(self) -> None:
        super().ready()
        import_module("casework.admin")
        import_module("config.time_limits")
