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
    """The story."""

    name = "casework"
    verbose_name = "Work"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        post_migrate.connect(_no_way_round_the_refusals, sender=self)


def _no_way_round_the_refusals(using: str, **_: Any) -> None:
    """
    The trigger package lets a session switch triggers off by a setting. What must never be false must not have such
    a switch: after every migration the function that reads the setting answers no.
    """
    with connections[using].cursor() as cursor:
        cursor.execute(IGNORE_NOTHING)
