"""The folders that the embedded servers use, and the system user who owns them when root runs the service."""

import hashlib
import os
import pwd
import re
import stat
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from config.local.processes import CannotStart

SERVERS_USER = "front-door-servers"
# A socket's address holds 107 bytes, and PostgreSQL adds `.s.PGSQL.5432` and a lock file's ending.
LONGEST_SOCKET_FOLDER = 80


@dataclass(frozen=True)
class Folders:
    """The servers' folders, and the system user who owns them (None: the user who runs this process)."""

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


def make_data_dir(data_dir: Path) -> None:
    """
    Makes the data folder, unless it exists. Only its owner can read it.

    When root runs the service, the servers' own user may pass through the folder without reading it.

    :raises CannotStart: the folder cannot be made or written.
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


def make_folders(data_dir: Path) -> Folders:
    """
    Makes the data folder and the servers' folders in it, unless they exist.

    :raises CannotStart: a folder cannot be written, or belongs to another user.
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
    """The system user for the servers. It is made when root needs one: PostgreSQL refuses to run as root."""
    try:
        return pwd.getpwnam(SERVERS_USER)
    except KeyError:
        pass
    try:
        subprocess.run(  # noqa: S603  # our own command
            ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SERVERS_USER],  # noqa: S607  # where the system has it
            check=True,
            capture_output=True,
        )
        return pwd.getpwnam(SERVERS_USER)
    except (OSError, subprocess.CalledProcessError, KeyError):
        raise CannotStart(
            "PostgreSQL does not run as root, and no user could be made for it. Run this as an ordinary user."
        ) from None


def let_through(folder: Path, owner: pwd.struct_passwd) -> None:
    """Lets the servers' user pass through this folder and its parents. It still cannot list or read them."""
    for each in (folder, *folder.parents):
        mode = each.stat().st_mode
        if each.stat().st_uid != owner.pw_uid and not mode & stat.S_IXOTH:
            sys.stdout.write(f"  (made {each} passable for the database's own user: chmod o+x)\n")
            try:
                each.chmod(mode | stat.S_IXOTH)
            except OSError:
                raise CannotStart(
                    f"The database's user cannot pass through {each}. Choose another DATA_DIR, or run as another user."
                ) from None
