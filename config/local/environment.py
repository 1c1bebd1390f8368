"""
What a start of `make run` is given: PORT, DATA_DIR, DATABASE_URL and REDIS_URL, and the environment for the service.

Every check here comes before anything is started, and its sentence says what to do.
"""

import contextlib
import fcntl
import os
import re
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from config.local.folders import make_data_dir
from config.local.processes import CannotStart

BASE_DIR = Path(__file__).resolve().parents[2]
# The servers that the person may name instead of the embedded ones: the schemes of each, and an example.
ADDRESSES = {
    "DATABASE_URL": ({"postgres", "postgresql"}, "postgresql://user:password@host/name"),
    "REDIS_URL": ({"redis", "rediss", "unix"}, "redis://:password@host:6379/0"),
}


def read_port() -> int:
    """The port of the web server."""
    given = os.environ.get("PORT") or "8000"
    if not re.fullmatch("[0-9]{1,5}", given) or not 0 < int(given) < 65536:
        raise CannotStart(f"PORT is {given!r}. Choose a number from 1 to 65535, as: make run PORT=8001")
    return int(given)


def read_data_dir() -> Path:
    """The folder for the data, as an absolute path."""
    given = os.environ.get("DATA_DIR") or BASE_DIR / "var"
    try:
        return Path(given).expanduser().absolute()
    except RuntimeError:
        raise CannotStart(f"There is no home folder {given}. Choose another: make run DATA_DIR=/a/folder") from None


def check_address(name: str) -> None:
    """
    Checks the address of the person's own server.

    Python reads a stray @ or / in a password as the start of the host, and error messages would then show it.

    :param name: a key of `ADDRESSES`.
    :raises CannotStart: the address cannot be read.
    """
    schemes, example = ADDRESSES[name]
    try:
        parts = urlsplit(os.environ[name])
        stray = "@" in parts.path + parts.query + parts.fragment or parts.port == 0
        has_name = name != "DATABASE_URL" or parts.path.strip("/")
        readable = parts.scheme in schemes and has_name and not stray
    except ValueError:
        readable = False
    if not readable:
        raise CannotStart(
            f"{name} cannot be read. Write it as {example}, and in a password @ as %40, : as %3A, / as %2F, "
            "# as %23, ? as %3F and % as %25."
        )


def check_port_is_free(port: int) -> None:
    """:raises CannotStart: another program uses the port, or it is reserved for root."""
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


@contextlib.contextmanager
def locked(data_dir: Path) -> Iterator[None]:
    """Locks the data folder, so that only one copy of the service runs on it."""
    make_data_dir(data_dir)
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


def make_environment(data_dir: Path, port: int) -> dict[str, str]:
    """The environment for the service. The secret key stays the same from run to run, so that people stay signed in."""
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
        "FILES_DIR": str(data_dir / "files"),
        "CONTINUITY_FOLDER": os.environ.get("CONTINUITY_FOLDER") or str(data_dir / "continuity"),
    }


def write_service_env(data_dir: Path, environment: dict[str, str]) -> None:
    """Writes the environment where manage.py finds it. Only the file's owner can read it."""
    left_out = {"DATA_DIR", "DJANGO_SETTINGS_MODULE"}
    lines = [f"{name}={value}" for name, value in environment.items() if name not in left_out]
    write_private(data_dir / "service.env", "\n".join(lines) + "\n")


def write_private(path: Path, text: str) -> None:
    """Writes the whole file or nothing. Only its owner can read it."""
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    unfinished.replace(path)
