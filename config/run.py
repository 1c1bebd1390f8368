"""
make run: everything on one machine, under one supervisor. Ctrl-C, SIGTERM or a failed child stops it all.

The servers are embedded unless DATABASE_URL and REDIS_URL name others. PORT and DATA_DIR are honoured, so that
several copies run side by side.
"""

import contextlib
import fcntl
import json
import os
import secrets
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import IO, Any

from config import embedded
from config.embedded import CannotStart, Child

BASE_DIR = Path(__file__).resolve().parent.parent
READY_TIMEOUT = 90.0


class Stopped(Exception):
    """Somebody asked us to stop."""


def main() -> int:
    """Run until stopped. 0 after a stop that somebody asked for, 1 when something failed."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    children: list[Child] = []
    try:
        _run(children)
    except Stopped:
        failed = False
    except CannotStart as error:
        say(f"\n{error}")
        failed = True
    finally:
        # A second Ctrl-C must not cut the tidying short.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if children:
            say("\nStopping.")
        for child in reversed(children):
            child.stop()
    if children and not failed:
        say("Everything is stopped. The data stay.")
    return 1 if failed else 0


def _stop(number: int, frame: FrameType | None) -> None:
    raise Stopped


def _run(children: list[Child]) -> None:
    port = _port()
    data_dir = Path(os.environ.get("DATA_DIR") or BASE_DIR / "var").expanduser().absolute()
    with _locked(data_dir):
        _check_port_is_free(port)
        environment = _environment(data_dir, port)
        if not os.environ.get("DATABASE_URL") or not os.environ.get("REDIS_URL"):
            folders = embedded.prepare(data_dir)
            if not os.environ.get("DATABASE_URL"):
                with _step("Starting PostgreSQL"):
                    children.append(embedded.start_postgres(folders))
                environment["DATABASE_URL"] = embedded.database_url(folders)
            if not os.environ.get("REDIS_URL"):
                with _step("Starting Valkey"):
                    children.append(embedded.start_valkey(folders))
                environment["REDIS_URL"] = embedded.redis_url(folders)
        _write_service_env(data_dir, environment)
        os.environ.update(environment)
        demonstration = _prepare(data_dir, environment["BASE_URL"])
        # Warnings are for developers; `make check` and the tests show them.
        quiet = {**os.environ, "PYTHONWARNINGS": "ignore"}
        for name, command in _commands(port).items():
            children.append(embedded.start_child(name, command, environment=quiet))
        with _step("Starting web server, worker and beat"):
            _wait_until_ready(environment["BASE_URL"], children)
        _welcome(demonstration, data_dir)
        _watch(children)


# ---- before the start


def _port() -> int:
    given = os.environ.get("PORT") or "8000"
    if not given.isdigit() or not 0 < int(given) < 65536:
        raise CannotStart(f"PORT is {given!r}. Choose a number from 1 to 65535, as: make run PORT=8001")
    return int(given)


@contextlib.contextmanager
def _locked(data_dir: Path) -> Iterator[None]:
    """One copy at a time on one folder."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        lock: IO[str] = (data_dir / "lock").open("a+")
    except OSError as error:
        raise CannotStart(
            f"The folder {data_dir} cannot be written ({error.strerror}). Choose another: make run DATA_DIR=/a/folder"
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
            raise CannotStart(
                f"Port {port} is taken by another program. Choose another: make run PORT={port + 1}"
            ) from None


def _environment(data_dir: Path, port: int) -> dict[str, str]:
    """What the service is told. The secret key stays the same from run to run, so that people stay signed in."""
    kept: dict[str, str] = {}
    with contextlib.suppress(OSError):
        for line in (data_dir / "service.env").read_text().splitlines():
            name, _, value = line.partition("=")
            kept[name] = value
    return {
        "FRONT_DOOR_MODE": "development",
        "SECRET_KEY": os.environ.get("SECRET_KEY") or kept.get("SECRET_KEY") or secrets.token_urlsafe(64),
        "BASE_URL": f"http://localhost:{port}",
        "DATA_DIR": str(data_dir),
    }


def _write_service_env(data_dir: Path, environment: dict[str, str]) -> None:
    """So that manage.py commands beside the service find it. Read by nobody but its owner."""
    lines = [f"{name}={value}" for name, value in environment.items() if name != "DATA_DIR"]
    _write_private(data_dir / "service.env", "\n".join(lines) + "\n")


def _write_private(path: Path, text: str) -> None:
    """Whole or not at all, and for its owner only."""
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    unfinished.replace(path)


def _prepare(data_dir: Path, base_url: str) -> dict[str, Any]:
    """Migrate, load the reference data, make the demonstration, and write down how to sign in."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import CommandError, call_command
    from django.db import DatabaseError, connections

    try:
        django.setup()
        with _step("Preparing the database"):
            _check_not_newer()
            call_command("migrate", verbosity=0, interactive=False)
        with _step("Loading the reference data"):
            call_command("load_reference_data", verbosity=0)
        from casework.demonstration import prepare

        written = data_dir / "demo.json"
        demonstration = prepare(_read_json(written), base_url=base_url, progress=say)
        _write_private(written, json.dumps(demonstration, indent=2) + "\n")
    except ImproperlyConfigured as error:
        raise CannotStart(str(error)) from None
    except CommandError as error:
        raise CannotStart(f"The set-up stopped: {error}") from None
    except DatabaseError as error:
        says = str(error).strip().splitlines()[0] if os.environ.get("DATABASE_URL") else type(error).__name__
        raise CannotStart(f"The database refused: {says}. Check DATABASE_URL, then run this again.") from None
    connections.close_all()
    return demonstration


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


def _commands(port: int) -> dict[str, list[str]]:
    celery = [sys.executable, "-m", "celery", "--app", "config.celery", "--quiet"]
    return {
        "the worker": [
            *celery,
            "worker",
            "--concurrency=2",
            "--without-gossip",
            "--without-mingle",
            "--loglevel=warning",
        ],
        "beat": [*celery, "beat", "--scheduler=celery.beat:Scheduler", "--pidfile="],
        "the web server": [
            *(sys.executable, "-m", "gunicorn", "config.wsgi"),
            f"--bind=127.0.0.1:{port}",
            *("--workers=2", "--threads=4", "--log-level=warning", "--graceful-timeout=10"),
        ],
    }


def _wait_until_ready(base_url: str, children: list[Child]) -> None:
    ends_at = time.monotonic() + READY_TIMEOUT
    while True:
        _check_children(children)
        try:
            with urllib.request.urlopen(f"{base_url}/readyz", timeout=5) as answer:  # noqa: S310  # our own address
                if answer.status == 200:
                    return
        except urllib.error.HTTPError as error:
            last = error.read().decode(errors="replace")
        except OSError as error:
            last = str(error)
        if time.monotonic() > ends_at:
            raise CannotStart(f"The service does not get ready: {last}")
        time.sleep(0.2)


def _watch(children: list[Child]) -> None:
    parent = os.getppid()
    while True:
        _check_children(children)
        # Where whoever started us is gone without a word, nobody could stop us any more.
        if os.getppid() != parent:
            raise Stopped
        time.sleep(0.5)


def _check_children(children: list[Child]) -> None:
    for child in children:
        code = child.process.poll()
        if code is not None:
            raise CannotStart(f"{child.name[0].upper()}{child.name[1:]} ended by itself (code {code}): see above.")


def _welcome(demonstration: dict[str, Any], data_dir: Path) -> None:
    say(f"\nReady: {demonstration['base_url']}\n")
    say(f"  {'Sign in as':24}{'with the password':28}{'role':32}team")
    for user in demonstration["users"]:
        say(f"  {user['username']:24}{user['password']:28}{user['role']:32}{user['team'] or ''}")
    say(f"\n  Partner systems' credentials, and all of this: {data_dir / 'demo.json'}")
    say("  Ctrl-C stops everything.\n")


# ---- saying what goes on


def say(text: str) -> None:
    """A line for the person at the terminal."""
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


@contextlib.contextmanager
def _step(name: str) -> Iterator[None]:
    """Show that something goes on, and how long it took."""
    started = time.monotonic()
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(f"{name} … ")
        sys.stdout.flush()
    yield
    say(f"done ({time.monotonic() - started:.1f} s)")


if __name__ == "__main__":
    sys.exit(main())
