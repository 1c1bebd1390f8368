"""
A production service does not start on a database with a demonstration in it: anybody who has seen one could sign in.

The web server, the worker and beat ask when they start, and `manage.py check --deploy` asks whatever database it finds;
also, whether the service could switch off what the database refuses, who could reach the broker, and whether files can
be kept in the bucket.
"""

import sys
import time
from collections.abc import Sequence
from itertools import count
from typing import Any

import structlog
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Info, register
from django.core.files.storage import storages
from django.db import DatabaseError, connection

log = structlog.get_logger()
# A process that waits for the database says so after so many seconds again.
SAYS_AGAIN = 30


def refuse_demonstration() -> None:
    """
    Ends the process with a sentence for each thing that was found, and exit code 1.

    Waits for a database that does not answer, or has no tables yet: nobody is served and no task is done before
    somebody could look.
    """
    if settings.DEMONSTRATION:
        return
    for tries in count():
        try:
            found = _found()
            break
        except DatabaseError as error:
            if tries % SAYS_AGAIN == 0:
                log.warning("waiting for the database, to look for a demonstration in it", error=type(error).__name__)
            time.sleep(1)
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


@register(deploy=True)
def check_broker(app_configs: Any, **_: Any) -> Sequence[CheckMessage]:
    """Without a password the settings refuse the start, unless somebody says what stands in its place."""
    if not (settings.PRODUCTION and settings.REDIS_WITHOUT_PASSWORD):
        return []
    says = "Redis or Valkey asks the service for no password, because REDIS_WITHOUT_PASSWORD is true."
    return [Info(says, "See that it refuses everybody else, as by TLS certificates.", id="front_door.I002")]


def _found() -> list[str]:
    # Imported here because every command imports this module, before the models are loaded.
    from casework.demonstration.in_production import found

    try:
        return found()
    finally:
        # Processes that are started from this one must share neither its connection nor a pool with one in it.
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's
