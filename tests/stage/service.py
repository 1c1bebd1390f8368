"""
The whole service in processes of its own, on a database of its own: web server, worker and beat, as in production,
and a mail server that keeps what it is sent. For journeys and for the browser.
"""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import requests
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MessageHandler
from django.conf import settings

from config.local.processes import Child, start_child
from config.local.run import commands
from tests.stage.servers import VALKEY_DATABASES

PASSWORD = "a-long-enough-password"
# How often in seconds who waits asks for progress: to ask a service takes its processor time, which a start needs.
LOOKS_EVERY = 1.0
# How many seconds to wait at most for what comes: a machine that has other things to do is slow, and fails no test.
PATIENCE = 120.0


class Mailbox(MessageHandler):
    """Keeps every e-mail."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[Message] = []

    def handle_message(self, message: Message) -> None:
        self.messages.append(message)


@dataclass
class Service:
    """A running service, with what a client needs to use it."""

    base_url: str
    database: str
    mailbox: Mailbox
    client_id: str
    client_secret: str
    environment: dict[str, str] = field(default_factory=dict)
    children: list[Child] = field(default_factory=list)

    def token(self, scope: str = "contacts:write contacts:read") -> str:
        answer = requests.post(
            f"{self.base_url}/o/token",
            data={"grant_type": "client_credentials", "scope": scope},
            auth=(self.client_id, self.client_secret),
            timeout=PATIENCE,
        )
        answer.raise_for_status()
        token: str = answer.json()["access_token"]
        return token

    @contextmanager
    def another_web_server(self, **more: str) -> Iterator[str]:
        """The address of one more web server of this service, which has this in its environment beside."""
        port = free_port()
        base_url, command = f"http://127.0.0.1:{port}", commands(port, processes=1)["the web server"]
        child = start_child("another web server", command, environment={**self.environment, **more})
        try:
            wait_until(lambda: is_ready(base_url), "the other web server is ready",
                       progress=lambda: progress_of_start(base_url, [child]))  # fmt: skip
            yield base_url
        finally:
            child.stop()

    def person(self, username: str) -> "Person":
        return Person(self.base_url, username)

    @contextmanager
    def web_server_killed(self) -> Iterator[None]:
        """Without its web server, which is killed with whatever it has in hand, and started again at the end."""
        (place,) = [place for place, child in enumerate(self.children) if child.name == "the web server"]
        killed = self.children[place].process
        os.killpg(killed.pid, signal.SIGKILL)
        killed.wait()
        try:
            yield
        finally:
            port = int(self.base_url.rpartition(":")[2])
            command = commands(port, processes=1)["the web server"]
            self.children[place] = start_child("the web server", command, environment=self.environment)
            wait_until(lambda: is_ready(self.base_url), "the web server is ready again")


class NeverHappened(AssertionError):
    """Something did not happen in time: what, and how long the test waited for it."""


class Refused(AssertionError):
    """The answer is not the page that was asked for."""

    def __init__(self, path: str, answer: requests.Response) -> None:
        super().__init__(f"{path}: {answer.status_code} {_says(answer.text)}")
        self.status = answer.status_code


class Person:
    """
    A user at a browser without JavaScript, who opens pages and sends forms. They are signed in: checking a password
    takes half a second, and the tests in Chromium do it by the form.
    """

    def __init__(self, base_url: str, username: str) -> None:
        from tests.stage.sessions import key_of

        self.base_url = base_url
        self.session = requests.Session()
        self.session.cookies.set(settings.SESSION_COOKIE_NAME, key_of(username))

    def open(self, path: str) -> str:
        answer = self.session.get(self.base_url + path, timeout=PATIENCE)
        if answer.status_code != 200:
            raise Refused(path, answer)
        return answer.text

    def send(self, path: str, data: dict[str, Any], *, form_on: str, page: str | None = None) -> str:
        """
        Sends a form of a page, and returns the page that it leads to.

        :param page: what the page says, where it is open already.
        """
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page or self.open(form_on))
        assert token, f"no form on {form_on}"
        answer = self.session.post(
            self.base_url + path,
            {"csrfmiddlewaretoken": token[1], **data},
            headers={"Referer": self.base_url + form_on},
            timeout=PATIENCE,
        )
        if answer.status_code != 200:
            raise Refused(path, answer)
        return answer.text


def database_url(database: str) -> str:
    """The address of a database on the tests' server."""
    return f"postgresql://postgres@/{database}?host={quote(os.environ['FRONT_DOOR_TEST_SOCKETS'])}"


def redis_url_of_a_service() -> str:
    """A part of Valkey that no test uses, nor another service: its worker must not take their tasks."""
    server, _, number = os.environ["REDIS_URL"].rpartition("=")
    return f"{server}={int(number) + VALKEY_DATABASES // 2}"


@contextmanager
def running(database: str, **more: str) -> Iterator[Service]:
    """
    The service on this database, which this process is connected to as well.

    The people of the reference data can sign in with `PASSWORD`; the primary school has a client.

    :param more: what its environment has beside.
    """
    let_people_sign_in()
    client_id, client_secret = client_of("example-primary-school")
    mailbox = Mailbox()
    mail = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    mail.start()
    port = free_port()
    base_url = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(database),
        "REDIS_URL": redis_url_of_a_service(),
        "BASE_URL": base_url,
        "EMAIL_URL": f"smtp://127.0.0.1:{mail.port}",
        "PYTHONWARNINGS": "ignore",
        **more,
    }
    service = Service(base_url, database, mailbox, client_id, client_secret, environment)
    try:
        for name, command in commands(port, processes=1).items():
            service.children.append(start_child(name, command, environment=environment))

        def is_up() -> bool:
            for child in service.children:
                assert child.process.poll() is None, f"{child.name} ended by itself: {child.process.returncode}"
            return is_ready(base_url)

        wait_until(is_up, "the service is ready", progress=lambda: progress_of_start(base_url, service.children))
        yield service
    finally:
        for child in reversed(service.children):
            child.stop()
        mail.stop()


def wait_until(
    happens: Callable[[], Any], what: str, *, seconds: float = PATIENCE, progress: Callable[[], object] = lambda: None
) -> None:
    """
    Wait for something that other processes do; say what never happened.

    :param seconds: how long at most, counted from the last time that `progress` gave something new: a busy machine is
        slow, and nothing is wrong with it.
    :raises NeverHappened: after so many seconds.
    """
    seen, looks_at, ends_at = progress(), time.monotonic() + LOOKS_EVERY, time.monotonic() + seconds
    while not happens():
        if (at := time.monotonic()) >= min(looks_at, ends_at):
            looks_at = at + LOOKS_EVERY
            if (now := progress()) != seen:
                seen, ends_at = now, at + seconds
        if at > ends_at:
            raise NeverHappened(f"waited {seconds:.0f} s for this: {what}")
        time.sleep(0.1)


def run_while_it_speaks(command: list[str], *, silence: float, **options: Any) -> tuple[int, str]:
    """
    Run a command to its end: its exit code, and all that it said.

    :param silence: after so many seconds without a word it is killed, and the test fails.
    :param options: for `subprocess.Popen`.
    """
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, **options)
        try:
            wait_until(
                lambda: process.poll() is not None, f"the end of {' '.join(command)}",
                seconds=silence, progress=lambda: os.fstat(said.fileno()).st_size,
            )  # fmt: skip
        finally:
            process.kill()
            process.wait()
        said.seek(0)
        return process.returncode, said.read().decode()


def let_people_sign_in() -> None:
    """Give everybody the password of the tests and a session, in the database that this process is connected to."""
    from django.contrib.auth.hashers import make_password

    from localities.models import User
    from tests.stage.sessions import keep_sessions

    # As the service hashes it: it would hash it anew when somebody signs in, and end their sessions.
    User.objects.update(password=make_password(PASSWORD, hasher="pbkdf2_sha256"))
    keep_sessions()


def client_of(agency: str) -> tuple[str, str]:
    """Make a client for an agency's system: its id and its secret."""
    from localities.models import Agency, AgencyClient

    client = AgencyClient(
        agency=Agency.objects.get(code=agency),
        name="The agency's system",
        client_type=AgencyClient.CLIENT_CONFIDENTIAL,
        authorization_grant_type=AgencyClient.GRANT_CLIENT_CREDENTIALS,
    )
    secret = client.client_secret
    client.save()
    return client.client_id, secret


def is_ready(base_url: str) -> bool:
    return readiness(base_url)[0] == 200


def readiness(base_url: str) -> tuple[int, str]:
    """The status and the text of /readyz, which says what is missing: 0 while nobody answers."""
    try:
        answer = requests.get(f"{base_url}/readyz", timeout=5)
    except (requests.ConnectionError, requests.Timeout):
        return 0, ""
    return answer.status_code, answer.text


def progress_of_start(base_url: str, children: Iterable[Child]) -> object:
    """
    How far a start has come: what /readyz says, and the processor time of each process in whole seconds, which a
    process that waits does not use up in half a minute.
    """
    taken = []
    for child in children:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = psutil.Process(child.process.pid).cpu_times()
            taken.append(int(times.user + times.system))
    return readiness(base_url), taken


def images_web_server(port: int, *more: str) -> list[str]:
    """The command of the image's web server, on a port of this machine, with one process."""
    dockerfile = Path(__file__).parents[2] / "Dockerfile"
    (line,) = [line for line in dockerfile.read_text().splitlines() if line.startswith("CMD ")]
    command = [word for word in json.loads(line.removeprefix("CMD ")) if not word.startswith(("--bind", "--workers"))]
    return [sys.executable, "-m", *command, f"--bind=127.0.0.1:{port}", "--workers=1", *more]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _says(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page.split("<main")[-1]).split())[:600]
