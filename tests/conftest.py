"""
The cast and the stage. Reference data are loaded once into each worker's database.

Amina is a social worker on the front door, Maya and David manage it; Ben leads the Aylesbury team that receives;
Carol leads another team and must never see the family.
"""

import gc
import os
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.template import Template
from django.test import Client
from xdist.scheduler import LoadScopeScheduling

from config.garbage import leave_alone_what_is_loaded
from localities.models import Agency, User
from localities.working_time import LONDON
from tests.stage.databases import another_database, own_database, using, workers_database
from tests.stage.drafts import Drafts
from tests.stage.mail import Sink, mail_server
from tests.stage.provider import provider
from tests.stage.service import Service, running
from tests.stage.sessions import sign_in
from tests.stage.story import Story
from tests.stage.web_client import browser

# A Thursday morning with the hub open, far from any bank holiday.
THURSDAY = datetime(2026, 11, 19, 10, 0, tzinfo=LONDON)

# What only uses a running service. Two workers take it, each with a service and a browser that it starts once: alone,
# one of them is the last to be ready by minutes.
AT_THE_SERVICE = {"browser", "journeys"}
# The first takes the browser's tests up to this name, the second all others.
FIRST_SERVICE_UP_TO = "test_password"
SERVICES = ("the first service", "the second service")
# What starts processes of its own or simulates months of work. Each test goes to whichever worker is free, and they go
# first: nobody waits for one of them alone in the end. The longest first.
LONG = (
    "chaos",
    "test_running.py",
    "bench",
    "test_demonstration.py",
    "test_worker.py",
    "test_buckets.py",
    "test_random_actions.py",
)


# A test that proves something about time says so itself: a machine that has other things to do breaks no property.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

# As Django has it, before its test environment puts its own in place.
RENDER = Template._render  # type: ignore[attr-defined]  # Django has it; its type stubs leave out private methods


def pytest_xdist_auto_num_workers() -> int:
    """Two more than there are cores: a test of the whole service mostly waits for its processes."""
    return (os.cpu_count() or 1) + 2


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist comes without types
    """
    Gives each worker one file after another, but takes those at a service together and the long ones singly.

    xdist's own groups (`--dist loadgroup`) do nothing under pytest 9.2, and do not say so.
    """

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.split("::", 1)[0]
        place = _place(Path(path))
        return _service_of(Path(path)) if place == 0 else path if place > len(LONG) else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    """Who runs what, in the order of `pytest_collection_modifyitems`."""
    return Scheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests at the service first, then the long ones, then all others."""
    items.sort(key=lambda item: _place(item.path))


def _place(path: Path) -> int:
    if not AT_THE_SERVICE.isdisjoint(path.parts):
        return 0
    return next((place for place, name in enumerate(LONG, 1) if name in path.parts), len(LONG) + 1)


def _service_of(path: Path) -> str:
    is_first = "browser" in path.parts and path.name[: len(FIRST_SERVICE_UP_TO)] <= FIRST_SERVICE_UP_TO
    return SERVICES[0] if is_first else SERVICES[1]


def pytest_collection_finish() -> None:
    """The garbage collector leaves alone what is loaded, as in the service's processes."""
    leave_alone_what_is_loaded()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _nobody_looks_on(django_test_environment: None) -> None:
    """Templates are rendered as for users: Django's test environment copies the context of each, and no test asks."""
    Template._render = RENDER  # type: ignore[attr-defined]  # as above


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords(django_test_environment: None) -> None:
    """The hasher of people's passwords is slow on purpose: half a second for each. The other is as good for tests."""
    settings.PASSWORD_HASHERS = settings.PASSWORD_HASHERS[::-1]


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_modify_db_settings: None, django_db_blocker: Any
) -> Iterator[None]:
    """
    This worker's database, with Buckinghamshire in it.

    In place of pytest-django's own, which makes no database for a run whose tests all bring one of their own.
    """
    undone = ExitStack()
    with django_db_blocker.unblock():
        undone.enter_context(workers_database())
    yield
    with django_db_blocker.unblock():
        undone.close()


def _told(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """
    What fixtures of this scope write stays for all tests of the class, or of the module. Each test finds it as it was
    told: what the test itself writes is undone.

    Hand out ids, or read the rows anew for each test: an object that one test changes is changed for the next.
    """
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)


told_for_a_class = pytest.fixture(scope="class")(_told)
told_for_a_module = pytest.fixture(scope="module")(_told)


@pytest.fixture(autouse=True)
def _as_it_was_told(request: pytest.FixtureRequest) -> None:
    """What a test writes over a story that was told before is undone, whether or not the test asks for `db`."""
    if {"told_for_a_class", "told_for_a_module"} & {*request.fixturenames}:
        request.getfixturevalue("db")


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """A database of this test's own, in which transactions really commit. Its name."""
    with django_db_blocker.unblock(), own_database() as name:
        yield name


@pytest.fixture(scope="session")
def _running_service(django_db_setup: None, django_db_blocker: Any) -> Iterator[Service]:
    """The service in processes of its own, started once for everybody on this worker who only uses it."""
    # A third worker that comes here shows that the scheduling above does nothing any more.
    assert any(_is_first_at(Path(os.environ["DATA_DIR"]) / name) for name in SERVICES)
    undone = ExitStack()
    with django_db_blocker.unblock():
        database = undone.enter_context(another_database())
        with using(database):
            council = {
                "OIDC_ISSUER": undone.enter_context(provider()),
                "OIDC_CLIENT_ID": "a",
                "OIDC_CLIENT_SECRET": "b",
            }
            service = undone.enter_context(running(database, **council))
    yield service
    with django_db_blocker.unblock():
        undone.close()


def _is_first_at(path: Path) -> bool:
    try:
        path.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


@pytest.fixture(scope="module")
def service(_running_service: Service, django_db_blocker: Any) -> Iterator[Service]:
    """The running service; its database is the one of this module's own queries."""
    with django_db_blocker.unblock(), using(_running_service.database):
        yield _running_service


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    """Rate limits count from nothing in every test."""
    yield
    cache.clear()


@pytest.fixture
def now() -> datetime:
    return THURSDAY


@pytest.fixture
def story(db: None, now: datetime) -> Story:
    """Tells a contact's story through the real actions, from Thursday morning on."""
    return Story(now)


@pytest.fixture
def drafts(story: Story) -> Drafts:
    """Tells a rule set's story through the real actions, as time passes in `story`."""
    return Drafts(story)


def _user(name: str) -> Any:
    @pytest.fixture(name=name)
    def person(db: None) -> User:
        return User.objects.get(username=name)

    return person


amina = _user("amina")  # social worker, front door
oliver = _user("oliver")  # contact officer, front door
maya = _user("maya")  # manager, front door
david = _user("david")  # manager, front door
erin = _user("erin")  # social worker, emergency duty
ben = _user("ben")  # lead, Aylesbury
bea = _user("bea")  # member, Aylesbury
carol = _user("carol")  # lead, Wycombe and Marlow: must never see the family
pat = _user("pat")  # lead, child protection
dan = _user("dan")  # lead, out-of-area desk
sam = _user("sam")  # service manager
paula = _user("paula")  # practice lead
ava = _user("ava")  # auditor
iris = _user("iris")  # information governance
adele = _user("adele")  # administrator


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A mail server that keeps what it is sent."""
    with mail_server() as server:
        yield server


@pytest.fixture
def school(db: None) -> Agency:
    return Agency.objects.get(code="example-primary-school")


@pytest.fixture
def police(db: None) -> Agency:
    return Agency.objects.get(code="example-police")


@pytest.fixture
def client() -> Client:
    """A browser at a service whose middleware is loaded once; an error is raised."""
    return browser(raises=True)


@pytest.fixture
def signed_in(client: Client) -> Any:
    """Sign somebody in: `signed_in(amina).get("/")`."""

    def client_of(user: User) -> Client:
        sign_in(client, user)
        return client

    return client_of
