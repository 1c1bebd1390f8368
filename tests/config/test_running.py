"""make run, in real processes: it starts, says what is wrong, keeps the data, and leaves nothing behind."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest
import requests

from casework.demonstration import credentials
from casework.models import Contact
from config.local.preparation import prepare
from config.local.processes import Child, start_child
from localities.models import User
from tests.stage.service import database_url, free_port, wait_until

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "config.local.run"]
# A machine that has other things to do is given time; a test that passes does not take it. Where something is said on
# the way, it counts from the last word: the migrations of an empty database say none.
PATIENCE = 300.0


@pytest.fixture
def place() -> Iterator[Path]:
    """An empty folder, through which the embedded servers' own user may pass where root runs the tests."""
    place = Path(tempfile.mkdtemp(prefix="front-door-run-"))
    place.chmod(0o711)
    yield place
    shutil.rmtree(place, ignore_errors=True)


def environment(place: Path, **given: object) -> dict[str, str]:
    """What a copy is told. Nothing of the tests' own servers is inherited."""
    variables = {
        "PATH": os.environ["PATH"],
        "TMPDIR": str(place),
        "DATA_DIR": str(place / "data"),
        "PORT": str(free_port()),
    }
    return variables | {name: str(value) for name, value in given.items()}


class Copy:
    """A copy of the service that `make run` has started, and what it says."""

    def __init__(self, child: Child, said: Path) -> None:
        self.process = psutil.Process(child.process.pid)
        self._child = child
        self._said = said

    @property
    def said(self) -> str:
        return self._said.read_text()

    def says(self, text: str) -> None:
        """Wait until it says this."""

        def heard() -> bool:
            assert text in self.said or self._child.process.poll() is None, self.said
            return text in self.said

        wait_until(heard, f"{text!r} after:\n{self.said}", seconds=PATIENCE, progress=lambda: self.said)

    def part(self, name: str) -> psutil.Process:
        """The process that it started with this in its command."""
        return next(child for child in self.process.children() if name in " ".join(child.cmdline()))

    def ends(self, when: Callable[[], object]) -> int:
        """Do this, and wait until nothing of the copy is left. Its exit code."""
        everything = [self.process, *self.process.children(recursive=True)]
        when()
        code = self._child.process.wait(PATIENCE)
        wait_until(lambda: not any(map(_lives, everything)), "every process has ended", seconds=PATIENCE)
        return code


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@contextmanager
def running(place: Path, **given: object) -> Iterator[Copy]:
    said = place / f"said-{time.monotonic_ns()}"
    child = start_child("make run", COMMAND, environment=environment(place, **given), log=said)
    try:
        yield Copy(child, said)
    finally:
        child.stop()


# The worker makes these folders when it first has something to keep there.
MADE_WHEN_NEEDED = {"continuity", "files"}


def demonstration(place: Path) -> dict[str, Any]:
    written = place / "data" / "demo.json"
    assert written.stat().st_mode & 0o777 == 0o600
    document: dict[str, Any] = json.loads(written.read_text())
    return document


def contacts(place: Path) -> int:
    """How many contacts there are, by the address for manage.py commands."""
    service_env = (place / "data" / "service.env").read_text()
    with psycopg.connect(re.findall("^DATABASE_URL=(.*)$", service_env, re.MULTILINE)[0]) as connection:
        row = connection.execute("SELECT count(*) FROM casework_contact").fetchone()
    assert row
    return int(row[0])


def test_a_start_that_was_cut_short_is_put_right_and_the_data_stay(place: Path) -> None:
    # A space in its name, as people have it, and a socket's address cannot.
    data = place / "my data"
    (place / "data").symlink_to(data)
    port = free_port()
    with running(place, PORT=port, DATA_DIR=data) as first:
        first.says(" 4 of 40 contacts")
        first.ends(first.process.kill)

    with running(place, PORT=port, DATA_DIR=data) as copy:
        copy.says("Ctrl-C stops everything")
        # Once; up to three more come at the end, for what is rare.
        made = contacts(place)
        assert 40 <= made <= 43
        folders = {folder.name: folder.stat().st_mode & 0o777 for folder in data.iterdir() if folder.is_dir()}
        assert folders.keys() - MADE_WHEN_NEEDED == {"postgres", "valkey", "log"}
        assert set(folders.values()) == {0o700}
        assert data.stat().st_mode & 0o066 == 0, "nobody else lists the folder"
        check_the_sign_ins(before := demonstration(place), copy.said, port)

        refused = start_and_wait(place, DATA_DIR=data)
        assert refused.startswith(f"Another copy runs on the folder {data} (process {copy.process.pid}). Stop it, or ")
        assert requests.get(f"http://127.0.0.1:{port}/readyz", timeout=PATIENCE).status_code == 200, (
            "the first is not harmed"
        )
        assert copy.ends(copy.process.terminate) == 0
        assert "Everything is stopped. The data stay." in copy.said

    with running(place, PORT=port, DATA_DIR=data) as copy:
        copy.says("Ctrl-C stops everything")
        assert demonstration(place) == before
        assert contacts(place) == made
        assert copy.ends(copy.part("postgres").kill) == 1
        assert f"PostgreSQL ended by itself (signal 9): its log is {data / 'log' / 'postgres.log'}." in copy.said


def check_the_sign_ins(document: dict[str, Any], said: str, port: int) -> None:
    assert set(document) == {"base_url", "api", "users"}
    assert document["base_url"] == f"http://localhost:{port}"
    assert {key for client in document["api"] for key in client} == {"agency", "client_id", "client_secret"}
    for user in document["users"]:
        assert set(user) == {"username", "password", "role", "team"}
        assert re.search(rf"^  {user['username']} +{re.escape(user['password'])} +{user['role']}", said, re.MULTILINE)

    with requests.Session() as browser:
        address = document["base_url"] + "/accounts/login/"
        form = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', browser.get(address, timeout=PATIENCE).text)
        assert form
        sent = {"login": document["users"][0]["username"], "password": document["users"][0]["password"]}
        page = browser.post(address, {"csrfmiddlewaretoken": form[1], **sent}, timeout=PATIENCE)
        assert (page.status_code, urlsplit(page.url).path) == (200, "/")

    client = document["api"][0]
    answer = requests.post(
        f"{document['base_url']}/o/token",
        {"grant_type": "client_credentials"},
        auth=(client["client_id"], client["client_secret"]),
        timeout=PATIENCE,
    )
    assert answer.status_code == 200, answer.text


def test_servers_of_ones_own_are_used_and_none_is_started_beside_them(
    place: Path, committed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first start of a copy fills an empty database of one's own; the next finds it filled, and serves."""
    own = {"DATABASE_URL": database_url(committed), "REDIS_URL": os.environ["REDIS_URL"]}
    # Few are enough: the story above has all of them.
    monkeypatch.setattr(credentials, "CONTACTS", 3)
    prepare(place, "http://localhost:8000", own.keys())
    made = Contact.objects.count()
    assert 3 <= made <= 6
    (place / "demo.json").unlink()

    with running(place, **own) as copy:
        copy.says("Ctrl-C stops everything")
        assert contacts(place) == made
        assert "PostgreSQL" not in copy.said
        assert "Valkey" not in copy.said
        kept = {path.name for path in (place / "data").iterdir()}
        assert kept - MADE_WHEN_NEEDED == {"demo.json", "lock", "service.env"}
        parts = [" ".join(part.cmdline()) for part in copy.process.children()]
        assert len(parts) == 3, parts
        # Even kill -9 of the supervisor, which can then stop nobody, leaves nobody behind.
        copy.ends(copy.process.kill)


def test_a_real_services_people_keep_their_passwords(place: Path, committed: str) -> None:
    ben = User.objects.get(username="ben")
    ben.set_password("a-long-enough-password")
    ben.save()
    said = start_and_wait(place, DATABASE_URL=database_url(committed), REDIS_URL=os.environ["REDIS_URL"])
    assert "holds a service that is no demonstration" in said
    assert "Choose an empty database" in said
    ben.refresh_from_db()
    assert ben.check_password("a-long-enough-password")


def start_and_wait(place: Path, **given: object) -> str:
    """Start what will not start. What it says to the person, which says nothing secret and has no traceback."""
    done = subprocess.run(
        COMMAND,
        cwd=ROOT,
        env=environment(place, **given),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "hidden-password" not in done.stdout + done.stderr
    assert "Ready" not in done.stdout
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr.strip()


@pytest.mark.parametrize("port", ["0", "abc", "70000", "-1", "²"])
def test_a_port_that_is_none_is_refused(place: Path, port: str) -> None:
    said = start_and_wait(place, PORT=port)
    assert said == f"PORT is '{port}'. Choose a number from 1 to 65535, as: make run PORT=8001"
    assert not (place / "data").exists(), "nothing was begun"


def test_a_taken_port_is_refused(place: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = start_and_wait(place, PORT=port)
    assert re.fullmatch(rf"Port {port} is taken by another program\. Choose another: make run PORT=\d+", said)


def test_a_folder_that_cannot_be_used_is_refused(place: Path) -> None:
    (place / "file").touch()
    for folder in (place / "file", place / "file" / "below"):
        said = start_and_wait(place, DATA_DIR=folder)
        assert said == f"{folder} is not a folder. Choose another: make run DATA_DIR=/a/folder"
    said = start_and_wait(place, DATA_DIR="/proc/nowhere")
    assert said.startswith("The folder /proc/nowhere cannot be written (")
    assert said.endswith("Choose another: make run DATA_DIR=/a/folder")


def test_data_of_another_postgresql_are_left_alone(place: Path) -> None:
    database = place / "data" / "postgres"
    database.mkdir(parents=True)
    (database / "PG_VERSION").write_text("17\n")
    if os.geteuid() == 0:
        # The user whom the tests' own servers have, too.
        shutil.chown(database, "front-door-servers")
    said = start_and_wait(place)
    assert f"The data in {database} were made by PostgreSQL 17, and this release brings 18." in said
    assert [path.name for path in database.iterdir()] == ["PG_VERSION"]


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ({"DATABASE_URL": "postgresql://a:hidden-password@host:port/name"}, "DATABASE_URL cannot be read. Write it as"),
        ({"DATABASE_URL": "postgresql://a:x/hidden-password@host/name"}, "DATABASE_URL cannot be read. Write it as"),
        ({"DATABASE_URL": "mysql://a:hidden-password@host/name"}, "DATABASE_URL cannot be read. Write it as"),
        ({"DATABASE_URL": "postgresql://a:hidden-password@host"}, "DATABASE_URL cannot be read. Write it as"),
        ({"REDIS_URL": "hidden-password"}, "REDIS_URL cannot be read. Write it as"),
        ({"REDIS_URL": "redis://:hidden-password@127.0.0.1:1/0"}, "Redis or Valkey refused: .* Check REDIS_URL"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused(place: Path, address: dict[str, str], says: str) -> None:
    assert re.match(says, start_and_wait(place, **address))
    assert not (place / "data" / "postgres").exists(), "nothing was started"


def test_a_server_that_refuses_is_named_without_its_password(place: Path) -> None:
    redis_url = os.environ["REDIS_URL"]
    missing = database_url("no_such_database").replace("postgres@", "postgres:hidden-password@")
    said = start_and_wait(place, DATABASE_URL=missing, REDIS_URL=redis_url)
    assert re.match(r'The database refused: .*"no_such_database" does not exist\. Check DATABASE_URL', said)
    said = start_and_wait(place, REDIS_URL=redis_url.replace("unix://", "unix://nobody:hidden-password@"))
    assert re.match(r"Redis or Valkey refused: .* Check REDIS_URL", said)


def test_who_says_stop_while_a_process_is_being_started_is_heard_a_moment_later() -> None:
    """Python drops what is raised in the middle of a fork: a Ctrl-C then would be lost, and so would every other."""
    said = subprocess.run(
        [sys.executable, "-c", STOPPED_IN_A_FORK],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert said.stdout == "started\nstopped\n15\n", "and what is started meanwhile can be stopped"
    assert "Exception ignored" in said.stderr


STOPPED_IN_A_FORK = """
import os, signal, subprocess
from config.local import stopping

stopping.listen()
os.register_at_fork(after_in_parent=lambda: os.kill(os.getpid(), signal.SIGINT))
subprocess.run(["true"], preexec_fn=lambda: None)
print("started", flush=True)
try:
    stopping.check()
except stopping.Stopped:
    print("stopped", flush=True)
late = subprocess.Popen(["sleep", "60"])
late.terminate()
print(-late.wait(10))
"""
