"""The whole service in processes of its own, under a supervisor that can kill each of them and start it again."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

import psutil
import psycopg

from config.local import embedded, stopping
from config.local.folders import make_folders
from config.local.processes import Child, start_child
from config.local.run import commands
from tests.chaos.hosts import Host
from tests.chaos.letters import MailServer
from tests.stage import kept
from tests.stage.clamd import Scanner, clamd
from tests.stage.service import free_port, is_ready, progress_of_start, readiness, wait_until

ROOT = Path(__file__).resolve().parents[2]
PROCESSES = 2
AGENCIES = ("example-primary-school", "example-health-visiting", "example-police")
# The web server's environment in compose.yaml.
WEB_ENVIRONMENT = {"DATABASE_POOL_SIZE": "4", "DATABASE_STATEMENT_TIMEOUT_MS": "30000"}
SCANNER_SOCKET, CONTENT, NOWHERE = "clamd.ctl", "content", "away"
WEB, BEAT, POSTGRES, VALKEY = "the web server", "beat", "PostgreSQL", "Valkey"


class Stage:
    """
    PostgreSQL (durable, as in production), Valkey, web server, beat, a worker on each host that has one, a mail server
    and a virus scanner. Files are in a folder that can go away, as one on another machine.

    A process that ends by itself is started again at once, as a service manager would; `ended` says which and how.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mail = MailServer()
        self.scanner: Scanner
        self._closing = contextlib.ExitStack()
        self.content = folder / CONTENT
        self.content.mkdir(mode=0o700)
        (folder / "files").symlink_to(CONTENT)
        self.hosts: dict[str, Host] = {}
        self.ended: list[str] = []
        self.clients: dict[str, tuple[str, str]] = {}
        self._children: dict[str, Child] = {}
        self._starts: dict[str, Callable[[], Child]] = {}
        self.folders = make_folders(folder / "data")
        self.database = embedded.database_url(self.folders)
        self._port = free_port()
        self.base_url = f"http://127.0.0.1:{self._port}"
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PG")},
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "FRONT_DOOR_MODE": "development",
            "SECRET_KEY": "for-chaos-only",
            "BASE_URL": self.base_url,
            "DATABASE_URL": self.database,
            "REDIS_URL": embedded.redis_url(self.folders),
            "EMAIL_URL": "smtp://127.0.0.1:1",
            "DATA_DIR": str(folder / "data"),
            "FILES_DIR": str(folder / "files"),
            "CLAMAV_URL": f"unix://{folder / SCANNER_SOCKET}",
            "LOG_LEVEL": "INFO",
            "PYTHONPATH": str(ROOT),
            # A killed process leaves its temporary files here, and they are deleted with the folder.
            "TMPDIR": str(folder),
            "PYTHONWARNINGS": "ignore",
        }

    # ---- starting and stopping

    def prepare(self, say: Callable[[str], None]) -> None:
        """
        The servers, the tables, the reference data, and how partners and people sign in.

        :param say: is told what takes a while.
        """
        kept.copy_into(self.folders, say)
        self._starts[POSTGRES] = lambda: embedded.start_postgres(self.folders)
        self._starts[VALKEY] = lambda: embedded.start_valkey(self.folders)
        self.start(POSTGRES)
        self.start(VALKEY)
        # Of our own doings, a line for each step of the plan is enough.
        os.environ |= self._environment | {"LOG_LEVEL": "ERROR"}
        import django
        from django.core.management import call_command
        from django.db import connections

        django.setup()
        call_command("load_demonstration", verbosity=0)
        from tests.stage.service import client_of, let_people_sign_in

        self.scanner = self._closing.enter_context(clamd(socket_file=self.folder / SCANNER_SOCKET))

        let_people_sign_in()
        self.clients = {agency: client_of(agency) for agency in AGENCIES}
        connections.close_all()

    def open(self, *hosts: str) -> None:
        """Web server, beat, and a worker on each of these hosts."""
        parts = commands(self._port, processes=PROCESSES)
        self._starts[WEB] = lambda: self._run(WEB, parts[WEB], WEB_ENVIRONMENT)
        self._starts[BEAT] = lambda: self._run(BEAT, parts[BEAT])
        for name in hosts:
            self.add_host(name)
        self.start(BEAT)
        self.start(WEB)
        self.wait_until(
            lambda: is_ready(self.base_url), "the service is ready", seconds=30,
            progress=lambda: progress_of_start(self.base_url, self._children.values()),
        )  # fmt: skip

    def add_host(self, name: str) -> None:
        """Adds a host with a worker. The host has a folder, an environment and a mail socket of its own."""
        host = self.hosts[name] = Host(name, self.folder)
        mail_socket = host.bind()
        port = mail_socket.getsockname()[1]
        self.mail.listen_for(name, mail_socket)
        own = {
            "DATABASE_URL": f"{self.database}&application_name={name}",
            "EMAIL_URL": f"smtp://127.0.0.1:{port}",
        }
        command = [*commands(self._port, processes=PROCESSES)["the worker"], f"--hostname=worker@{name}"]
        worker = worker_on(name)
        self._starts[worker] = lambda: self._run(worker, host.command(command), own)
        self.start(worker)

    def start(self, name: str) -> None:
        self._children[name] = self._starts[name]()

    def close(self) -> None:
        """Stops everything: the service before its servers."""
        self.mail.answer_again()
        servers = [self._children.pop(name) for name in (VALKEY, POSTGRES) if name in self._children]
        for child in self._children.values():
            child.process.terminate()
        for child in (*self._children.values(), *servers):
            child.stop()
        for host in self.hosts.values():
            host.close()
        self.mail.close()
        self._closing.close()

    def _run(self, name: str, command: list[str], also: Mapping[str, str] | None = None) -> Child:
        log = self.folders.logs / f"{name.replace(' ', '-')}.log"
        return start_child(name, command, environment={**self._environment, **(also or {})}, log=log)

    # ---- killing

    def kill(self, name: str) -> None:
        """Kills (-9) a process and then its children: in this order it cannot replace a killed child."""
        child = self._children.pop(name)
        family = [psutil.Process(child.process.pid)]
        family += family[0].children(recursive=True)
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        child.process.wait()
        _, alive = psutil.wait_procs(family[1:], timeout=30)
        assert not alive, f"{alive} cannot be killed"

    def empty_valkey(self) -> None:
        """Deletes all data of Valkey."""
        shutil.rmtree(self.folders.valkey)
        make_folders(self.folders.data)

    def take_files_away(self) -> None:
        """From now on, nothing can be read or written where files are."""
        self._link_files(NOWHERE)

    def bring_files_back(self) -> None:
        self._link_files(CONTENT)

    def _link_files(self, to: str) -> None:
        """In one step: whoever found nothing there would make a folder."""
        link = self.folder / "link"
        link.symlink_to(to)
        link.replace(self.folder / "files")

    # ---- watching

    def watch(self) -> None:
        """Starts every process again that has ended by itself. :raises Stopped: somebody asked us to stop."""
        stopping.check()
        for name, child in list(self._children.items()):
            code = child.process.poll()
            if code is not None:
                how = f"signal {-code}" if code < 0 else f"code {code}"
                self.ended.append(
                    f"{name} ended by itself ({how}) and was started again; its last words: {_last(child)}"
                )
                child.stop()
                self.start(name)

    def sleep(self, seconds: float) -> None:
        ends_at = time.monotonic() + seconds
        while (left := ends_at - time.monotonic()) > 0:
            self.watch()
            time.sleep(min(0.2, left))

    def wait_until(
        self,
        happens: Callable[[], object],
        what: str,
        *,
        seconds: float,
        progress: Callable[[], object] | None = None,
    ) -> None:
        """
        Waits for something while it watches the processes.

        :param seconds: how long at most, counted from the last progress: by default, from the last time that /readyz
            said something new. A service that recovers on a busy machine is given time for each step.
        :raises NeverHappened: after so many seconds.
        """

        def happened() -> object:
            if found := happens():
                return found
            self.watch()
            return None

        wait_until(happened, what, seconds=seconds, progress=progress or (lambda: readiness(self.base_url)))

    def ask(self, sql: str, **names: object) -> list[tuple[object, ...]]:
        """Runs a query or a statement on a connection of its own."""
        with psycopg.connect(self.database, connect_timeout=10) as connection:
            cursor = connection.execute(sql, names)
            return list(cursor.fetchall()) if cursor.description else []

    def tidy_files(self) -> None:
        """The nightly clean-up of files, as on the day after tomorrow: what is there has no upload on its way then."""
        from django.db import connections
        from django.utils import timezone

        from casework.jobs import files

        files.tidy(now=timezone.now() + timedelta(days=2))
        connections.close_all()

    def check_integrity(self) -> str | None:
        """The output of `manage.py check_integrity` if an invariant is broken, else None."""
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), "check_integrity"],
            env=self._environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return None if done.returncode == 0 else done.stdout + done.stderr


def _last(child: Child) -> str:
    lines = child.log.read_text(errors="replace").strip().splitlines() if child.log else []
    return lines[-1].strip() if lines else "none"


def worker_on(host: str) -> str:
    """What the worker of a host is called."""
    return f"the worker on {host}"
