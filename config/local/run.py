"""
make run: everything on one machine, under one supervisor. Ctrl-C, SIGTERM or a failed child stops it all.

The servers are embedded unless DATABASE_URL and REDIS_URL name others. PORT and DATA_DIR are honoured, so that
several copies run side by side.
"""

import contextlib
import fcntl
import json
import os
import re
import secrets
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from config.local import embedded, stopping
from config.local.embedded import CannotStart, Child

BASE_DIR = Path(__file__).resolve().parents[2]
READY_TIMEOUT = 90.0
CONNECT_TIMEOUT = 10
# Servers of the person's own: which schemes there are, and an example.
ADDRESSES = {
    "DATABASE_URL": ({"postgres", "postgresql"}, "postgresql://user:password@host/name"),
    "REDIS_URL": ({"redis", "rediss", "unix"}, "redis://:password@host:6379/0"),
}


def main() -> int:
    """Run until stopped. 0 after a stop that somebody asked for, 1 when something failed."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # a terminal that does not know "…"
    stopping.listen()
    children: list[Child] = []
    failed = False
    # The folder stays locked until the last process that works on it has ended.
    with contextlib.ExitStack() as held:
        try:
            _run(children, held, is_alone=_alone())
        except stopping.Stopped:
            pass
        except CannotStart as error:
            failed = True
            say(str(error), to=sys.stderr)
        finally:
            stopping.listen_no_more()
            if children:
                say("Stopping …")
            for child in reversed(children):
                child.stop()
    if children and not failed:
        say("Everything is stopped. The data stay.")
    return 1 if failed else 0


def _alone() -> Callable[[], bool]:
    """Whether whoever could stop us is gone without a word: the process that started us, or the terminal."""
    parent = os.getppid()
    at_terminal = sys.stdin is not None and sys.stdin.isatty()
    return lambda: os.getppid() != parent or (at_terminal and not sys.stdin.isatty())


def _run(children: list[Child], held: contextlib.ExitStack, *, is_alone: Callable[[], bool]) -> None:
    port = _port()
    data_dir = _data_dir()
    own = {name for name in ADDRESSES if os.environ.get(name)}
    for name in own:
        _check_address(name)
    held.enter_context(_locked(data_dir))
    _check_port_is_free(port)
    environment = _environment(data_dir, port) | {name: os.environ[name] for name in own}
    if "REDIS_URL" in own:
        _check_redis()
    if own != ADDRESSES.keys():
        folders = embedded.prepare(data_dir)
    if "DATABASE_URL" not in own:
        say("Starting PostgreSQL …")
        # A PGPORT or PGOPTIONS of the person's own is about another server.
        for name in [name for name in os.environ if name.startswith("PG")]:
            del os.environ[name]
        children.append(embedded.start_postgres(folders))
        environment["DATABASE_URL"] = embedded.database_url(folders)
    if "REDIS_URL" not in own:
        say("Starting Valkey …")
        children.append(embedded.start_valkey(folders))
        environment["REDIS_URL"] = embedded.redis_url(folders)
    _write_service_env(data_dir, environment)
    os.environ.update(environment)
    os.environ.setdefault("PGCONNECT_TIMEOUT", str(CONNECT_TIMEOUT))
    demonstration = _prepare(data_dir, environment["BASE_URL"], own)
    say("Starting web server, worker and beat …")
    # Warnings are for developers; `make check` and the tests show them.
    quiet = {**os.environ, "PYTHONWARNINGS": "ignore"}
    for name, command in commands(port).items():
        children.append(embedded.start_child(name, command, environment=quiet))
    _wait_until_ready(port, check=lambda: _check_all_is_well(children, is_alone))
    _welcome(demonstration, data_dir)
    while True:
        _check_all_is_well(children, is_alone)
        time.sleep(0.5)


# ---- before the start


def _port() -> int:
    given = os.environ.get("PORT") or "8000"
    if not re.fullmatch("[0-9]{1,5}", given) or not 0 < int(given) < 65536:
        raise CannotStart(f"PORT is {given!r}. Choose a number from 1 to 65535, as: make run PORT=8001")
    return int(given)


def _data_dir() -> Path:
    given = os.environ.get("DATA_DIR") or BASE_DIR / "var"
    try:
        return Path(given).expanduser().absolute()
    except RuntimeError:
        raise CannotStart(f"There is no home folder {given}. Choose another: make run DATA_DIR=/a/folder") from None


def _check_address(name: str) -> None:
    """An address with a stray @ or / in its password is read as another host, which error messages would then show."""
    schemes, example = ADDRESSES[name]
    try:
        parts = urlsplit(os.environ[name])
        stray = "@" in parts.path + parts.query + parts.fragment or parts.port == 0
        names_it = name != "DATABASE_URL" or parts.path.strip("/")
        readable = parts.scheme in schemes and names_it and not stray
    except ValueError:
        readable = False
    if not readable:
        raise CannotStart(
            f"{name} cannot be read. Write it as {example}, and in a password @ as %40, : as %3A, / as %2F, "
            "# as %23, ? as %3F and % as %25."
        )


@contextlib.contextmanager
def _locked(data_dir: Path) -> Iterator[None]:
    """One copy at a time on one folder."""
    embedded.make_data_dir(data_dir)
    try:
        lock: IO[str] = (data_dir / "lock").open("a+")
    except OSError as error:
        raise CannotStart(
            f"{data_dir / 'lock'} cannot be written ({error.strerror}). Start as the user who made this folder, or "
            "choose another: make run DATA_DIR=/a/folder"
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            raise CannotStart(
                f"Another copy runs on the folder {data_dir} (process {lock.read().strip() or 'unknown'}). "
                "Stop it, or choose another folder: make run DATA_DIR=/a/folder PORT=8001"
            ) from None
        lock.seek(0)
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _check_port_is_free(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise CannotStart(f"Port {port} is reserved for root. Choose another: make run PORT=8001") from None
        except OSError:
            other = port + 1 if port < 65535 else 8000
            raise CannotStart(
                f"Port {port} is taken by another program. Choose another: make run PORT={other}"
            ) from None


def _environment(data_dir: Path, port: int) -> dict[str, str]:
    """What the service is told. The secret key stays the same from run to run, so that people stay signed in."""
    kept: dict[str, str] = {}
    with contextlib.suppress(OSError):
        for line in (data_dir / "service.env").read_text().splitlines():
            name, _, value = line.partition("=")
            kept[name] = value
    return {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "FRONT_DOOR_MODE": "development",
        "SECRET_KEY": os.environ.get("SECRET_KEY") or kept.get("SECRET_KEY") or secrets.token_urlsafe(64),
        "BASE_URL": f"http://localhost:{port}",
        "DATA_DIR": str(data_dir),
    }


def _write_service_env(data_dir: Path, environment: dict[str, str]) -> None:
    """So that manage.py commands beside the service find it. Read by nobody but its owner."""
    without = {"DATA_DIR", "DJANGO_SETTINGS_MODULE"}
    lines = [f"{name}={value}" for name, value in environment.items() if name not in without]
    _write_private(data_dir / "service.env", "\n".join(lines) + "\n")


def _write_private(path: Path, text: str) -> None:
    """Whole or not at all, and for its owner only."""
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    unfinished.replace(path)


def _prepare(data_dir: Path, base_url: str, own: set[str]) -> dict[str, Any]:
    """Migrate, load the reference data, make the demonstration, and write down how to sign in."""
    import django
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import CommandError, call_command
    from django.db import DatabaseError, connections, transaction

    try:
        django.setup()
        say("Preparing the database …")
        _check_not_newer()
        call_command("migrate", verbosity=0, interactive=False)
        if "DATABASE_URL" in own:
            _check_is_a_demonstration()
        say("Loading the reference data …")
        call_command("load_reference_data", verbosity=0)
        from casework.demonstration import prepare

        written = data_dir / "demo.json"
        # All of it or nothing: one that was cut short would look finished the next time.
        with transaction.atomic():
            demonstration = prepare(_read_json(written), base_url=base_url, progress=say)
        _write_private(written, json.dumps(demonstration, indent=2) + "\n")
    except ImproperlyConfigured as error:
        raise CannotStart(str(error)) from None
    except CommandError as error:
        raise CannotStart(f"The set-up stopped: {error}") from None
    except DatabaseError as error:
        says = _first_line(error)
        mend = "Check DATABASE_URL" if "DATABASE_URL" in own else f"Its log is {data_dir / 'log' / 'postgres.log'}"
        raise CannotStart(f"The database refused: {says}. {mend}, then run this again.") from None
    except OSError as error:
        raise CannotStart(f"{error.filename or data_dir} cannot be written ({error.strerror}).") from None
    connections.close_all()
    return demonstration


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def _check_redis() -> None:
    """Ask it before anything is done: the worker and the web server would ask it for ever."""
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


def _check_is_a_demonstration() -> None:
    """The demonstration gives everybody a new password. A real service's people must never get one from it."""
    from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX

    from casework.demonstration.credentials import CLIENT_NAME
    from casework.models import Contact
    from localities.models import AgencyClient, Membership

    cannot_sign_in = {"user__password__startswith": UNUSABLE_PASSWORD_PREFIX}
    in_use = Contact.objects.exists() or Membership.objects.exclude(**cannot_sign_in).exists()
    if in_use and not AgencyClient.objects.filter(name=CLIENT_NAME).exists():
        raise CannotStart(
            "The database of DATABASE_URL holds a service that is no demonstration, and make run would give its people "
            "new passwords. Choose an empty database; for a real service, see docs/running.md."
        )


def _check_not_newer() -> None:
    from django.db import connection
    from django.db.migrations.loader import MigrationLoader

    loader = MigrationLoader(connection)
    ours = {"casework", "localities", "triage"}
    unknown = sorted(
        f"{app}.{name}"
        for app, name in loader.applied_migrations
        if app in ours and (app, name) not in loader.disk_migrations
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


# ---- running


def commands(port: int, *, processes: int = 2) -> dict[str, list[str]]:
    """
    What the service is made of, beside its servers.

    :param processes: how many the worker and the web server have each.
    """
    celery = [sys.executable, "-m", "celery", "--app", "config.celery", "--quiet"]
    return {
        "the worker": [
            *celery,
            "worker",
            f"--concurrency={processes}",
            "--without-gossip",
            "--without-mingle",
            "--loglevel=warning",
        ],
        "beat": [*celery, "beat", "--scheduler=celery.beat:Scheduler", "--pidfile="],
        "the web server": [
            *(sys.executable, "-m", "gunicorn", "config.wsgi"),
            f"--bind=127.0.0.1:{port}",
            *(f"--workers={processes}", "--threads=4", "--log-level=warning", "--graceful-timeout=10"),
        ],
    }


def _wait_until_ready(port: int, *, check: Callable[[], None]) -> None:
    # Straight to our own server, whatever proxy the machine is told to use.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    ends_at = time.monotonic() + READY_TIMEOUT
    says = "it does not answer"
    while True:
        check()
        try:
            with opener.open(f"http://127.0.0.1:{port}/readyz", timeout=5):
                return
        except urllib.error.HTTPError as error:
            says = error.read().decode(errors="replace").strip()
        except OSError:
            pass
        if time.monotonic() > ends_at:
            raise CannotStart(f"The service did not get ready within {READY_TIMEOUT:.0f} seconds: {says}")
        time.sleep(0.2)


def _check_all_is_well(children: list[Child], is_alone: Callable[[], bool]) -> None:
    stopping.check()
    if is_alone():
        raise stopping.Stopped
    for child in children:
        code = child.process.poll()
        if code is not None:
            how = f"signal {-code}" if code < 0 else f"code {code}"
            words = f"its log is {child.log}" if child.log else "what it said is above"
            raise CannotStart(f"{child.name[0].upper()}{child.name[1:]} ended by itself ({how}): {words}.")


def _welcome(demonstration: dict[str, Any], data_dir: Path) -> None:
    say(f"\nReady: {demonstration['base_url']}\n")
    say(f"  {'Sign in as':24}{'with the password':28}{'role':32}team")
    for user in demonstration["users"]:
        say(f"  {user['username']:24}{user['password']:28}{user['role']:32}{user['team'] or ''}")
    say(f"\n  Partner systems' credentials, and all of this: {data_dir / 'demo.json'}")
    say("  Ctrl-C stops everything.\n")


# ---- saying what goes on


def say(text: str, to: IO[str] | None = None) -> None:
    """A line for the person at the terminal."""
    stream = to or sys.stdout
    try:
        stream.write(text + "\n")
        stream.flush()
    except OSError:
        # The terminal is gone, or whoever read this. There is nobody to tell, and still everything to stop.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    sys.exit(main())
