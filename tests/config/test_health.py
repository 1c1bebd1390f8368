"""Whether the process is up, and whether everything is there that it needs: /healthz and /readyz."""

import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery.signals import heartbeat_sent, task_success
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoDbBlocker, Settings
from redis import Redis

from casework import tasks
from casework.models import OpenListCopy
from config import health
from config.celery import app
from config.heartbeats import heartbeats
from tests.stage.web_client import browser

CHECKS = {"database", "migrations", "broker", "worker", "schedule", "open list"}
NO_SWEEP = "No sweep of the clocks has come to its end in the last minute: see that beat and a worker run."
# Nothing listens there.
DEAD = {"socket": "/nowhere/valkey.sock", "port": "redis://127.0.0.1:1/0"}


@pytest.fixture(autouse=True)
def _a_process_that_has_seen_nothing() -> Iterator[None]:
    """A process remembers that it saw every migration applied; here each test is a process that has just started."""
    health._migrations_applied = False
    yield
    health._migrations_applied = False


@pytest.fixture(autouse=True)
def _a_copy_of_the_open_list(request: pytest.FixtureRequest) -> None:
    """The open list was copied just now."""
    if "db" in request.fixturenames:
        request.getfixturevalue("db")
        now = timezone.now()
        OpenListCopy.objects.create(quarter=now, made_at=now, records=0)


@pytest.fixture
def worker() -> None:
    """A worker with a heartbeat of this moment, and a finished sweep."""
    heartbeats().record_worker("a-host:1")
    heartbeats().record_sweep()


def failing(answer: Any) -> dict[str, str]:
    """The failed checks with their sentences. The shape of the answer is checked as well."""
    assert answer.headers["Content-Type"] == "application/json"
    body = answer.json()
    assert set(body["checks"]) == CHECKS
    found = {name: says for name, says in body["checks"].items() if says != "ok"}
    assert (answer.status_code, body["status"]) == ((503, "not ready") if found else (200, "ready"))
    return found


class TestHealthz:
    def test_the_process_answers_whatever_else_is_missing(self, client: Client) -> None:
        """No database is open in this test, and no Valkey is asked."""
        answer = client.get("/healthz")
        assert (answer.status_code, answer.json()) == (200, {"status": "up"})

    @pytest.mark.parametrize("path", ["/healthz", "/readyz"])
    def test_it_is_only_looked_at(self, client: Client, db: None, worker: None, path: str) -> None:
        assert client.head(path).status_code == 200
        for method in (client.post, client.put, client.delete):
            assert method(path).status_code == 405


class TestReadyz:
    def test_everything_is_there(self, client: Client, db: None, worker: None) -> None:
        assert failing(client.get("/readyz")) == {}

    def test_it_asks_nobody_to_sign_in_and_is_not_kept(self, client: Client, db: None, worker: None) -> None:
        assert client.get("/readyz").headers["Cache-Control"] == "no-store"

    def test_no_worker_had_a_heartbeat(self, client: Client, db: None) -> None:
        heartbeats().record_sweep()
        says = "No worker had a heartbeat in the last 30 seconds."
        assert failing(client.get("/readyz")) == {"worker": says}

    def test_a_workers_heartbeat_is_one_and_goes_out_by_itself(self, client: Client, db: None) -> None:
        heartbeats().record_sweep()
        heartbeat_sent.send(sender=None)
        assert failing(client.get("/readyz")) == {}
        with Redis.from_url(django_settings.REDIS_URL) as valkey:
            assert 0 < valkey.ttl(heartbeats().make_key("workers")) <= 30

    def test_a_worker_that_fell_silent_is_not_counted_with_the_others(self, db: None) -> None:
        heartbeats().record_worker("a-host:1")
        with Redis.from_url(django_settings.REDIS_URL) as valkey:
            valkey.zincrby(heartbeats().make_key("workers"), -31, "a-host:1")
        assert heartbeats().workers() == 0
        for _ in range(2):
            heartbeats().record_worker("a-host:2")
        heartbeats().record_worker("b-host:2")
        assert heartbeats().workers() == 2

    def test_nobody_sweeps_though_a_worker_lives(self, client: Client, db: None) -> None:
        """Beat has stopped, or each sweep fails, so nobody gets reminders."""
        heartbeat_sent.send(sender=None)
        task_success.send(sender=tasks.drain_outbox, result=None)
        assert failing(client.get("/readyz")) == {"schedule": NO_SWEEP}

    def test_a_sweep_that_came_to_its_end_is_seen_for_a_minute(self, client: Client, db: None) -> None:
        heartbeat_sent.send(sender=None)
        task_success.send(sender=tasks.sweep_clocks, result=None)
        assert failing(client.get("/readyz")) == {}
        with Redis.from_url(django_settings.REDIS_URL) as valkey:
            assert 0 < valkey.ttl(heartbeats().make_key("swept")) <= 60

    def test_a_migration_is_missing(self, client: Client, db: None, worker: None) -> None:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM django_migrations WHERE app = 'casework'")
        assert failing(client.get("/readyz")) == {"migrations": "Migrations are missing: run manage.py migrate."}

    def test_once_it_is_applied_the_process_need_not_look_again(self, client: Client, db: None, worker: None) -> None:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM django_migrations WHERE app = 'casework' RETURNING id, app, name, applied")
            rows = cursor.fetchall()
            assert failing(client.get("/readyz"))
            cursor.executemany("INSERT INTO django_migrations (id, app, name, applied) VALUES (%s, %s, %s, %s)", rows)
        assert failing(client.get("/readyz")) == {}

    def test_the_database_does_not_answer(
        self, django_db_setup: None, django_db_blocker: DjangoDbBlocker, worker: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with django_db_blocker.unblock():
            connection.close()
            monkeypatch.setitem(connection.settings_dict["OPTIONS"], "host", "/nowhere")
            try:
                says = failing(browser().get("/readyz"))
            finally:
                connection.close()
        assert says == dict.fromkeys(("database", "migrations", "open list"), "PostgreSQL does not answer.")

    @pytest.mark.parametrize("dead", DEAD)
    def test_the_cache_does_not_answer(
        self, client: Client, db: None, worker: None, settings: Settings, dead: str
    ) -> None:
        address = f"unix://{DEAD[dead]}" if dead == "socket" else DEAD[dead]
        settings.CACHES = {name: each | {"LOCATION": address} for name, each in django_settings.CACHES.items()}
        assert failing(client.get("/readyz")) == {
            "worker": "Redis or Valkey does not answer, so that no worker can be seen.",
            "schedule": "Redis or Valkey does not answer, so that no sweep can be seen.",
        }

    def test_the_broker_does_not_answer(self, db: None, worker: None, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(app.conf, "broker_read_url", f"redis+socket://{DEAD['socket']}")
        assert failing(browser().get("/readyz")) == {"broker": "Redis or Valkey does not answer."}

    def test_everything_that_fails_is_named_at_once(self, client: Client, db: None) -> None:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM django_migrations WHERE app = 'triage'")
        assert set(failing(client.get("/readyz"))) == {"migrations", "worker", "schedule"}

    def test_no_answer_holds_an_address_or_a_password(
        self, django_db_setup: None, django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with django_db_blocker.unblock():
            connection.close()
            monkeypatch.setitem(connection.settings_dict["OPTIONS"], "host", "/nowhere")
            monkeypatch.setitem(connection.settings_dict, "PASSWORD", "secret-of-the-database")
            try:
                text = browser().get("/readyz").content.decode()
            finally:
                connection.close()
        assert "/nowhere" not in text
        assert "secret" not in text


@pytest.mark.parametrize("number", ["0", "7"])
def test_the_broker_is_the_database_of_valkey_that_was_named(monkeypatch: pytest.MonkeyPatch, number: str) -> None:
    """Two services on one Valkey, each with a number of its own, must not take each other's tasks."""
    address = django_settings.REDIS_URL.rsplit("=", 1)[0] + f"={number}"
    monkeypatch.setenv("REDIS_URL", address)
    read = runpy.run_path(str(Path(health.__file__).with_name("settings.py")))
    with app.connection_for_read(url=read["CELERY_BROKER_URL"]) as broker:
        pool = broker.default_channel.client.connection_pool
        assert str(pool.connection_kwargs["db"]) == number
