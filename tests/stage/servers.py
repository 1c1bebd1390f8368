"""
Real servers for the tests: PostgreSQL and Valkey, started once, before Django reads its settings.

A pytest plugin (`-p tests.stage.servers`). Under xdist the controller starts the servers and its workers inherit
their addresses; each worker has a database, and a Valkey database, of its own.
"""

import contextlib
import fcntl
import gc
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TextIO

import psutil
import pytest

from config.local import embedded
from config.local.folders import make_folders
from config.local.processes import Child
from tests.stage import kept

# The server of a test run lives for minutes, and its tables are small.
SETTINGS = {
    "autovacuum": "off",
    "checkpoint_timeout": "1d",
    "jit": "off",
    # To look for the best order of joins takes longer than the query.
    "join_collapse_limit": "1",
    "update_process_title": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}

# Each worker has one, and one for its service.
VALKEY_DATABASES = 128

# Linux keeps this folder in memory. A database is copied there in a twentieth of a second, on a disk in up to one.
MEMORY = Path("/dev/shm")
# More than a whole run has written at any moment. A container's folder is often smaller.
ROOM = 6 * 1024**3

# A file that is locked as long as the run lives.
LOCK = "tests.lock"

_started: list[Child] = []
_locks: list[TextIO] = []
_folder: list[Path] = []


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Starts the servers, before Django reads its settings."""
    # Until all tests are collected nothing becomes garbage, and looking for it took a fifth of the time.
    gc.disable()
    if "PYTEST_XDIST_WORKER" in os.environ:
        # Each worker has a database number of its own, so that none clears another's.
        number = int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw")) + 1
        os.environ["REDIS_URL"] = os.environ["REDIS_URL"].rsplit("=", 1)[0] + f"={number}"
        return
    _remove_left_over()
    # A short name: the services that tests start make the folders of their sockets below it.
    folder = Path(tempfile.mkdtemp(prefix="tests-", dir=_memory()))
    _locks.append((folder / LOCK).open("w"))
    fcntl.flock(_locks[-1], fcntl.LOCK_EX)
    # When root runs the tests, the database's own user may pass through the folder without reading it.
    folder.chmod(0o711)
    _folder.append(folder)
    folders = make_folders(folder)

    def say(text: str) -> None:
        capture = early_config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled() if capture else contextlib.nullcontext():
            print(text, file=sys.stderr)  # noqa: T201  # there is no reporter yet

    kept.copy_into(folders, say)
    with (folders.postgres / "postgresql.conf").open("a") as settings:
        settings.writelines(f"{name} = {value}\n" for name, value in SETTINGS.items())
    _started.append(embedded.start_postgres(folders, durable=False))
    _started.append(embedded.start_valkey(folders, databases=VALKEY_DATABASES))
    os.environ |= {
        "FRONT_DOOR_MODE": "development",
        "SECRET_KEY": "for-tests-only",
        "DATABASE_URL": embedded.database_url(folders),
        "REDIS_URL": embedded.redis_url(folders),
        "DATA_DIR": str(folder),
        "FILES_DIR": str(folder / "files"),
        "CONTINUITY_FOLDER": str(folder / "continuity"),
        "TMPDIR": str(folder),
        "LOG_LEVEL": "WARNING",
        "FRONT_DOOR_TEST_SOCKETS": str(folders.sockets),
    }
    tempfile.tempdir = None  # read TMPDIR anew


def _memory() -> Path | None:
    """A folder in memory, where there is room in it and nobody asked for another; None for the usual one."""
    roomy = MEMORY.is_dir() and min(shutil.disk_usage(MEMORY).free, psutil.virtual_memory().available) >= ROOM
    return MEMORY if roomy and "TMPDIR" not in os.environ else None


def _remove_left_over() -> None:
    """Removes from memory what a run that was killed has left there."""
    for lock in MEMORY.glob(f"tests-*/{LOCK}"):
        # It is locked, or somebody else's, or another run removes it.
        with contextlib.suppress(OSError), lock.open() as opened:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """Stops the servers and removes their folders."""
    for child in reversed(_started):
        child.stop()
    _started.clear()
    for lock in _locks:
        lock.close()
    _locks.clear()
    for folder in _folder:
        shutil.rmtree(folder, ignore_errors=True)
    _folder.clear()
