"""
A production service does not start on a database with a demonstration in it: anybody who has seen one could sign in.

The web server, the worker and beat ask when they start, and `manage.py check --deploy` asks whatever database it finds;
also, whether the service could switch off what the database refuses, and whether files can be kept in the bucket.
"""

import sys
from collections.abc import Sequence
from typing import Any

import structlog
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Info, register
from django.core.files.storage import storages
from django.db import DatabaseError, connection

log = structlog.get_logger()


def refuse_demonstration() -> None:
    """Ends the process with a sentence for each thing that was found, and exit code 1."""
    if settings.DEMONSTRATION:
        return
    try:
        found = _found()
    except DatabaseError as error:
        # `/readyz` says that the database is away, or not migrated yet. People do not wait for a restart then.
        log.warning("nobody looked for a demonstration in the database", error=type(error).__name__)
        return
    if found:
        sys.exit("The service does not start like this:\n" + "\n".join(f"  - {sentence}" for sentence in found))


@register(deploy=True)
def check_demonstration(app_configs: Any, **_: Any) -> Sequence[CheckMessage]:
    """Asks the database of the settings, if one answers. Django's own checks of a database run only when named."""
    if settings.DEMONSTRATION:
        return []
    try:
        return [Error(sentence, id="front_door.E003") for sentence in _found()]
    except DatabaseError:
        return [Info("The database did not answer: nobody looked for a demonstration in it.", id="front_door.I001")]


@register(deploy=True)
def check_role(app_configs: Any, **_: Any) -> Sequence[CheckMessage]:
    """Asks what the service's role may do in the database, if one answers."""
    if not settings.PRODUCTION:
        return []
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT rolsuper, EXISTS (SELECT FROM pg_class WHERE relowner = role.oid AND relkind = 'r') "
                "FROM pg_roles role WHERE rolname = current_user"
            )
            is_superuser, owns_tables = cursor.fetchone()
    except DatabaseError:
        return []  # The check above says that it did not answer.
    finally:
        connection.close()
    remedy = "Make the roles of docs/database-roles.sql, and connect as front_door."
    if is_superuser:
        says = "The service is a superuser of its database, and can switch every refusal off."
        return [Error(says, remedy, id="front_door.E004")]
    if owns_tables:
        says = "The service owns its tables, and can switch their refusals off."
        return [checks.Warning(says, remedy, id="front_door.W001")]
    return []


@register(deploy=True)
def check_bucket(app_configs: Any, **_: Any) -> Sequence[CheckMessage]:
    """Tries the bucket in which files are kept, where one is configured."""
    if not settings.FILES_S3_BUCKET:
        return []
    bucket: Any = storages["files"]
    return [Error(sentence, id="front_door.E005") for sentence in bucket.faults()]


def _found() -> list[str]:
    # Imported here because every command imports this module, before the models are loaded.
    from casework.demonstration.in_production import found

    try:
        return found()
    finally:
        # Processes that are started from this one must not share its connection.
        connection.close()
