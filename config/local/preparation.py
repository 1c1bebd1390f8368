"""
Prepares the service on its servers: migrates, loads the reference data and makes the demonstration.

Django is imported inside the functions: the settings are read only once the servers' addresses are known.
"""

import json
import os
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from config.local.environment import write_private
from config.local.processes import CannotStart
from config.local.terminal import say

CONNECT_TIMEOUT = 10  # seconds


def check_redis() -> None:
    """Connects to the Redis of REDIS_URL first: the worker and the web server would try to connect for ever."""
    from redis import Redis, RedisError
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    timeout = CONNECT_TIMEOUT
    try:
        with Redis.from_url(
            os.environ["REDIS_URL"], socket_timeout=timeout, socket_connect_timeout=timeout, retry=Retry(NoBackoff(), 0)
        ) as server:
            version = str(server.info("server")["redis_version"])
    except (RedisError, ValueError, OSError) as error:
        raise CannotStart(
            f"Redis or Valkey refused: {_first_line(error)}. Check REDIS_URL, then run this again."
        ) from None
    if [int(number) for number in re.findall("[0-9]+", version)[:2]] < [6, 2]:
        raise CannotStart(f"Redis 6.2 or later is needed, or Valkey; the server of REDIS_URL is {version}.")


def prepare(data_dir: Path, base_url: str, own: Collection[str]) -> dict[str, Any]:
    """
    Migrates, loads the reference data, makes the demonstration and writes its sign-ins to demo.json.

    :param own: the names in `ADDRESSES` of the servers that the person brought.
    :return: the content of demo.json.
    :raises CannotStart: with what to do.
    """
    import django
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import CommandError, call_command
    from django.db import DatabaseError, connections, transaction

    try:
        django.setup()
        say("Preparing the database …")
        check_not_newer()
        call_command("migrate", verbosity=0, interactive=False)
        if "DATABASE_URL" in own:
            _check_is_a_demonstration()
        say("Loading the reference data …")
        call_command("load_demonstration", verbosity=0)
        call_command("recheck_hidden_addresses")
        from casework.demonstration import prepare as make_demonstration

        path = data_dir / "demo.json"
        # In one transaction: an interrupted demonstration would look finished at the next start.
        with transaction.atomic():
            demonstration = make_demonstration(_read_json(path), base_url=base_url, progress=say)
        write_private(path, json.dumps(demonstration, indent=2) + "\n")
    except ImproperlyConfigured as error:
        raise CannotStart(str(error)) from None
    except CommandError as error:
        raise CannotStart(f"The set-up stopped: {error}") from None
    except DatabaseError as error:
        reason = _first_line(error)
        remedy = "Check DATABASE_URL" if "DATABASE_URL" in own else f"Its log is {data_dir / 'log' / 'postgres.log'}"
        raise CannotStart(f"The database refused: {reason}. {remedy}, then run this again.") from None
    except OSError as error:
        raise CannotStart(f"{error.filename or data_dir} cannot be written ({error.strerror}).") from None
    connections.close_all()
    return demonstration


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def _check_is_a_demonstration() -> None:
    """Refuses the database of a real service: the demonstration would give its users new passwords."""
    from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX

    from casework.demonstration.systems import CLIENT_NAME
    from casework.models import Contact
    from localities.models import AgencyClient, Membership

    cannot_sign_in = {"user__password__startswith": UNUSABLE_PASSWORD_PREFIX}
    in_use = Contact.objects.exists() or Membership.objects.exclude(**cannot_sign_in).exists()
    if in_use and not AgencyClient.objects.filter(name=CLIENT_NAME).exists():
        raise CannotStart(
            "The database of DATABASE_URL holds a service that is no demonstration, and make run would give its people "
            "new passwords. Choose an empty database; for a real service, see docs/running.md."
        )


def check_not_newer() -> None:
    """
    Refuses data that a newer release has migrated.

    A squashed migration is no sign of one: a later squash takes its place, and what it stands for is recorded as well.
    """
    from django.db import connection
    from django.db.migrations.loader import MigrationLoader

    loader = MigrationLoader(connection)
    ours = {"casework", "localities", "triage"}
    unknown = sorted(
        f"{app}.{name}"
        for app, name in loader.applied_migrations
        if app in ours and (app, name) not in loader.disk_migrations and "_squashed_" not in name
    )
    if unknown:
        raise CannotStart(
            f"The data come from a newer release (it has {unknown[-1]}). Update this copy, or choose another DATA_DIR."
        )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}
