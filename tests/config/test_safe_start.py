"""Production does not start on a database with a demonstration in it, and says what to do."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from django.contrib.auth.hashers import make_password
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.utils import timezone
from pytest_django import Settings

from casework.demonstration import in_production
from casework.demonstration.credentials import prepare
from casework.demonstration.systems import CLIENT_NAME
from casework.jobs import reference_data
from casework.models import AuditEvent, ClockPolicy, Event
from config import safe_start
from config.local.processes import start_child
from config.local.run import commands
from errors import InvalidInput
from localities.loading import BUCKINGHAMSHIRE
from localities.models import Agency, AgencyClient, Catchment, Locality, Membership, Team, User
from tests.stage.databases import another_database, new_name
from tests.stage.service import client_of, database_url, free_port, wait_until
from tests.stage.story import Story

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "PATH": os.environ["PATH"],
    "DATA_DIR": "/nonexistent",
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "FRONT_DOOR_MODE": "production",
    "SECRET_KEY": "abcdefghijklmnopqrstuvwxyz-0123456789-ABCDEFGHIJKLMNOP",
    "ALLOWED_HOSTS": "front-door.example",
    "BASE_URL": "https://front-door.example",
    "EMAIL_URL": "smtp://localhost:25",
    "DEFAULT_FROM_EMAIL": "front-door@front-door.example",
    "FILES_DIR": "/nonexistent",
}
STAFF = (
    "The database has invented staff who can sign in: 22 with an address at front-door.example. To end it, run: "
    "manage.py end_demonstration"
)


def started(*command: str, database: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A process of the service in production, on this database. It must end by itself."""
    servers = {"DATABASE_URL": database_url(database), "REDIS_URL": os.environ["REDIS_URL"]}
    return subprocess.run(
        command, cwd=ROOT, env=PRODUCTION | servers | environment, capture_output=True, text=True, check=False,
        timeout=120,
    )  # fmt: skip


@pytest.mark.parametrize("part", ["the web server", "the worker", "beat"])
def test_no_part_starts_on_a_demonstration(committed: str, part: str) -> None:
    """As `make run` starts them, and compose.yaml."""
    done = started(*commands(free_port(), processes=1)[part], database=committed)
    assert done.returncode == 1, done.stderr
    assert "The service does not start like this:\n" in done.stderr
    assert f"  - {STAFF}\n" in done.stderr
    assert "Traceback" not in done.stderr


def test_it_refuses_what_compose_starts() -> None:
    """The commands of compose.yaml load the module that refuses, and the web server before it has processes."""
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    for name in ("worker", "beat"):
        assert services[name]["command"].startswith(f"celery --app config.celery {name} ")
    web = next(line for line in (ROOT / "Dockerfile").read_text().splitlines() if line.startswith("CMD"))
    assert '"gunicorn", "config.wsgi", "--preload"' in web
    # In a container it could write none.
    assert "--no-control-socket" in web


def test_the_check_for_deployment_asks_the_database_that_it_finds(committed: str) -> None:
    check = (sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING")
    done = started(*check, database=committed)
    assert done.returncode == 1
    assert f"(front_door.E003) {STAFF}" in done.stderr
    ended = started(sys.executable, "manage.py", "end_demonstration", database=committed)
    assert ended.returncode == 0, ended.stderr
    assert "22 staff ended" in ended.stdout
    assert "9 agencies ended" in ended.stdout
    done = started(*check, database=committed)
    assert "E003" not in done.stderr
    assert "(front_door.E004) The service is a superuser of its database" in done.stderr, "as these tests are"
    # And a part starts: to see that, it need not run. The web server's processes are forked then, and each must connect
    # by itself.
    asks = "import config.wsgi; from django.db import connection as c; print(c.connection, c._connection_pools)"
    loads = started(sys.executable, "-c", asks, database=committed, STATIC_ROOT="/nonexistent", DATABASE_POOL_SIZE="4")
    assert (loads.returncode, loads.stdout) == (0, "None {}\n"), loads.stderr


@pytest.mark.parametrize("part", ["the web server", "the worker", "beat"])
def test_no_part_works_before_the_database_answers(committed: str, part: str, tmp_path: Path) -> None:
    """It waits, and then looks: a demonstration that comes with the database is refused as at any start."""
    port, log, name = free_port(), tmp_path / "log", new_name()
    own = {"DATABASE_URL": database_url(name), "REDIS_URL": os.environ["REDIS_URL"], "STATIC_ROOT": "/nonexistent"}
    child = start_child(part, commands(port, processes=1)[part], environment=PRODUCTION | own, log=log)
    try:
        wait_until(lambda: "waiting for the database" in log.read_text(), "it says so")
        time.sleep(2)
        assert child.process.poll() is None
        with pytest.raises(requests.ConnectionError):
            requests.get(f"http://127.0.0.1:{port}/healthz", timeout=2)
        with another_database(name=name):
            wait_until(lambda: child.process.poll() is not None, "it looked, and ended")
        assert STAFF in log.read_text()
    finally:
        child.stop()


def test_a_training_copy_is_asked_for_by_name(committed: str) -> None:
    """In production, DEMONSTRATION=true is the only way to load it and to start on it."""
    load = (sys.executable, "manage.py", "load_demonstration")
    done = started(*load, database=committed)
    assert done.returncode == 1
    assert "This is production" in done.stderr
    assert "set DEMONSTRATION=true" in done.stderr
    seeds = started(sys.executable, "manage.py", "seed_demo", database=committed)
    assert (seeds.returncode, "set DEMONSTRATION=true" in seeds.stderr) == (1, True)
    assert started(*load, database=committed, DEMONSTRATION="true").returncode == 0
    loads = (sys.executable, "-c", "import config.wsgi")
    assert started(*loads, database=committed, DEMONSTRATION="true", STATIC_ROOT="/nonexistent").returncode == 0


def bens_account(_: Any) -> None:
    User.objects.filter(username="ben").update(is_active=True)


def quick_password(_: Any) -> None:
    hasher = "pbkdf2_sha256_client_secret"
    User.objects.create(username="x", name="X", email="x@council.gov.uk", password=make_password("x", hasher=hasher))


def example_agency(_: Any) -> None:
    Agency.objects.filter(code="example-police").update(is_active=True)


def example_system(_: Any) -> None:
    client_of("example-police")


def demonstrations_system(_: Any) -> None:
    own = Agency.objects.create(code="police", name="The police", source_code="6")
    AgencyClient.objects.create(agency=own, name=CLIENT_NAME)


class TestWhatIsFound:
    @pytest.fixture(autouse=True)
    def _ended(self, story: Story) -> None:
        in_production.end(now=story.now)
        assert in_production.found() == []

    @pytest.mark.parametrize(
        ("make", "says"),
        [
            (bens_account, "invented staff who can sign in: 1"),
            (quick_password, "passwords of a demonstration: 1"),
            (example_agency, "invented agencies that may send contacts: 1; and systems: 0"),
            (example_system, "invented agencies that may send contacts: 0; and systems: 1"),
            (demonstrations_system, "invented agencies that may send contacts: 0; and systems: 1"),
        ],
        ids=["staff", "password", "agency", "system of an agency", "system of the demonstration"],
    )  # fmt: skip
    def test_is_said_and_can_be_ended(self, story: Story, make: Callable[[Story], Any], says: str) -> None:
        make(story)
        (sentence,) = in_production.found()
        assert says in sentence
        assert sentence.endswith("To end it, run: manage.py end_demonstration")
        in_production.end(now=story.now)
        assert in_production.found() == []

    def test_families_stay_and_another_database_is_needed(self, story: Story) -> None:
        story.contact()
        (sentence,) = in_production.found()
        assert "invented families, which nobody can take out" in sentence
        assert "Start with an empty database" in sentence
        said = StringIO()
        call_command("end_demonstration", stdout=said)
        assert "Start with an empty database" in said.getvalue()

    def test_what_a_council_named_itself_is_its_own(self, story: Story) -> None:
        """A real service that began with the examples is never locked out of its own records."""
        Agency.objects.filter(code="example-primary-school").update(name="Elm Road Primary School", is_active=True)
        User.objects.filter(username="ben").update(email="ben.carter@council.gov.uk", is_active=True)
        story.contact()
        assert in_production.found() == []


def test_ending_it_leaves_nobody_a_way_in(story: Story) -> None:
    # It makes no families of its own then, which takes half a minute.
    story.contact()
    prepare({}, base_url="http://localhost", progress=lambda said: None)
    before = User.objects.count(), Membership.objects.count(), Agency.objects.count()
    ended = in_production.end(now=timezone.now())
    assert ended == {"passwords": 22, "staff": 22, "agencies": 9, "systems": 9}
    assert not [user for user in User.objects.all() if user.is_active or user.has_usable_password()]
    assert not AgencyClient.objects.exists()
    assert (User.objects.count(), Membership.objects.count(), Agency.objects.count()) == before, "records name them"
    events = AuditEvent.objects.filter(event=Event.SETTING_CHANGED, detail__setting="localities.User")
    assert events.count() == 44


class TestTheCheck:
    def ids(self) -> list[str]:
        found = run_checks(include_deployment_checks=True)
        return [str(each.id) for each in found if str(each.id).startswith("front_door.")]

    def test_says_nothing_where_a_demonstration_was_asked_for(self, db: None) -> None:
        assert self.ids() == []

    def test_finds_it_where_it_was_not(self, db: None, settings: Settings, monkeypatch: Any) -> None:
        # The test's transaction is in this connection.
        monkeypatch.setattr(connection, "close", lambda: None)
        settings.DEMONSTRATION = False
        assert self.ids() == ["front_door.E003", "front_door.E003"]

    def test_says_when_nobody_looked(self, settings: Settings, monkeypatch: Any) -> None:
        def away() -> list[str]:
            raise DatabaseError

        monkeypatch.setattr(safe_start, "_found", away)
        settings.DEMONSTRATION = False
        assert self.ids() == ["front_door.I001"]


class TestReferenceData:
    """Places, deadlines and rules are for everybody; people, teams and agencies are a council's own."""

    @pytest.fixture(autouse=True)
    def _nothing_yet(self, db: None) -> None:
        for model in (Membership, User, Team, Agency, Catchment, Locality):
            model._default_manager.all().delete()

    def test_bring_no_people_no_teams_and_no_agencies(self) -> None:
        reference_data.load(BUCKINGHAMSHIRE)
        assert Locality.objects.count() == 6
        assert ClockPolicy.objects.exists()
        assert [model for model in (Team, User, Agency) if model._default_manager.exists()] == []

    @pytest.mark.parametrize(("places", "localities"), [("buckinghamshire", 6), ("none", 0), ("own", 1)])
    def test_come_with_the_places_that_a_council_names(
        self, tmp_path: Path, settings: Settings, places: str, localities: int
    ) -> None:
        (tmp_path / "localities.csv").write_text("code,name\nnorth,North\n")
        settings.PLACES = str(tmp_path) if places == "own" else places
        call_command("load_reference_data", verbosity=0)
        assert Locality.objects.count() == localities
        assert ClockPolicy.objects.exists()

    def test_a_council_brings_the_files_that_it_has(self, tmp_path: Path) -> None:
        reference_data.load()
        (tmp_path / "teams.csv").write_text("code,name,kind,locality,email\nfront-door,The hub,front_door,,\n")
        (tmp_path / "users.csv").write_text(
            "username,name,email,role,team\nnia,Nia Rees,nia@council.gov.uk,social_worker,front-door\n"
        )
        counts = reference_data.load(tmp_path)
        assert (counts["teams.csv"], counts["users.csv"]) == (1, 1)
        assert "agencies.csv" not in counts
        assert str(Membership.objects.get()) == "Nia Rees: Social worker, The hub"
        assert in_production.found() == []

    def test_a_file_of_another_name_is_said(self, tmp_path: Path) -> None:
        (tmp_path / "user.csv").write_text("username\n")
        with pytest.raises(InvalidInput, match=r"user\.csv: is none of localities\.csv, .*, clocks\.csv\."):
            reference_data.load(tmp_path)

    def test_so_is_a_folder_without_any(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="has no file to load"):
            call_command("load_reference_data", folder=tmp_path)
