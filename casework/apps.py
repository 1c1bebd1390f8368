from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate

NEVER = "SELECT FALSE"
IGNORE_NOTHING = f"""
CREATE OR REPLACE FUNCTION "public"._pgtrigger_should_ignore(trigger_name NAME) RETURNS BOOLEAN
AS $$ {NEVER} $$ LANGUAGE sql IMMUTABLE
"""


class CaseworkConfig(AppConfig):
    """Contacts and cases: see `casework/__init__.py`."""

    name = "casework"
    verbose_name = "Work"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        post_migrate.connect(_keep_triggers_on, sender=self)


def _keep_triggers_on(using: str, **_: Any) -> None:
    """
    Makes sure that no session can switch the triggers off.

    pgtrigger lets a session ignore triggers by a setting. After every migration, the function that reads this setting
    is replaced by one that always answers no.
    """
    with connections[using].cursor() as cursor:
        cursor.execute(IGNORE_NOTHING)
