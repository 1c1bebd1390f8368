"""/metrics: who may read the figures, what they are, and that they cost the same beside fifteen years of history."""

import json
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import DjangoAssertNumQueries, DjangoDbBlocker, Settings
from redis import Redis

from casework.actions import contact_batches
from casework.actions.contact_batches import ToTakeIn
from casework.jobs import sweep
from casework.jobs.contact_batches import take_in
from casework.models import Clock, Contact, OutboxMessage
from config.celery import app
from config.heartbeats import heartbeats
from config.metrics import FROM_A_PROXY
from localities.models import Agency, User
from tests.bench.filling import fill
from tests.stage.sql import run
from tests.stage.story import Story
from tests.stage.web_client import a_working_morning, browser, todays_document

TOKEN = "a-token-of-more-than-twenty-characters"
ELSEWHERE = "10.1.2.3"
DATABASE = {
    "front_door_batched_contacts_lag_seconds", "front_door_batched_contacts_waiting",
    "front_door_clocks_late", "front_door_clocks_running", "front_door_contacts_waiting",
    "front_door_outbox_lag_seconds", "front_door_outbox_parked", "front_door_outbox_refused",
    "front_door_outbox_waiting", "front_door_sweep_lag_seconds",
}  # fmt: skip
BROKER = {'front_door_queue_length{queue="front-door"}', "front_door_queue_unacknowledged", "front_door_workers"}
UP = {'front_door_up{part="database"}', 'front_door_up{part="broker"}'}


@pytest.fixture
def story(db: None) -> Story:
    return Story(a_working_morning())


@pytest.fixture
def with_token(settings: Settings) -> dict[str, str]:
    """The headers with the token."""
    settings.METRICS_TOKEN = TOKEN
    return {"Authorization": f"Bearer {TOKEN}"}


def figures(answer: Any) -> dict[str, float]:
    """Every figure by its name and labels, as Prometheus reads them."""
    assert answer.status_code == 200, answer.content
    found = {}
    for family in text_string_to_metric_families(answer.content.decode()):
        assert (family.type, bool(family.documentation)) == ("gauge", True)
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sample.labels.items())
            found[sample.name + (f"{{{labels}}}" if labels else "")] = sample.value
    return found


def read() -> dict[str, float]:
    return figures(browser().get("/metrics"))


@pytest.mark.django_db
class TestWhoMayRead:
    @pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
    def test_this_machine_itself(self, client: Client, address: str) -> None:
        answer = client.get("/metrics", REMOTE_ADDR=address)
        assert set(figures(answer)) == DATABASE | BROKER | UP
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert answer.headers["Cache-Control"] == "no-store"

    def test_nobody_else_on_the_network(self, client: Client) -> None:
        assert client.get("/metrics", REMOTE_ADDR=ELSEWHERE).status_code == 404

    @pytest.mark.parametrize("header", sorted(FROM_A_PROXY))
    def test_nobody_who_came_through_a_proxy_on_this_machine(self, client: Client, header: str) -> None:
        assert client.get("/metrics", headers={header: "203.0.113.7"}).status_code == 404

    def test_nobody_behind_a_proxy_that_says_nothing(self, client: Client, settings: Settings) -> None:
        settings.BEHIND_TLS_PROXY = True
        assert client.get("/metrics").status_code == 404

    def test_whoever_has_the_token_from_wherever(
        self, client: Client, settings: Settings, with_token: dict[str, str]
    ) -> None:
        settings.BEHIND_TLS_PROXY = True
        headers = with_token | {"X-Forwarded-For": "203.0.113.7"}
        assert client.get("/metrics", headers=headers, REMOTE_ADDR=ELSEWHERE).status_code == 200
        headers["Authorization"] = f"bearer {TOKEN}"
        assert client.get("/metrics", headers=headers, REMOTE_ADDR=ELSEWHERE).status_code == 200

    @pytest.mark.parametrize(
        "given",
        [f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer", "Bearer ", f"Basic {TOKEN}", TOKEN, "Bearer \u00e9", ""],
    )
    def test_nobody_with_another(self, client: Client, with_token: dict[str, str], given: str) -> None:
        headers = {"Authorization": given}
        assert client.get("/metrics", headers=headers, REMOTE_ADDR=ELSEWHERE).status_code == 404

    @pytest.mark.parametrize("given", ["Bearer", "Bearer ", "Bearer None"])
    def test_where_there_is_no_token_none_is_right(self, client: Client, settings: Settings, given: str) -> None:
        assert settings.METRICS_TOKEN == ""
        headers = {"Authorization": given}
        assert client.get("/metrics", headers=headers, REMOTE_ADDR=ELSEWHERE).status_code == 404

    @pytest.mark.parametrize("method", ["get", "head", "post", "put", "delete", "options"])
    @pytest.mark.parametrize("signed_in", [False, True])
    def test_everybody_else_finds_what_they_find_at_an_unknown_address(
        self, amina: User, method: str, signed_in: bool
    ) -> None:
        """The answer does not show that the address exists."""
        client = browser(enforce_csrf_checks=True)
        if signed_in:
            client.force_login(amina)

        def find(path: str) -> tuple[int, str, dict[str, str]]:
            answer = getattr(client, method)(path, REMOTE_ADDR=ELSEWHERE)
            headers = {name: value for name, value in answer.headers.items() if name != "X-Request-ID"}
            return answer.status_code, re.sub(r'(?<=nonce=")[^"]+|(?<=token" value=")[^"]+', "", _text(answer)), headers

        assert find("/metrics") == find("/no-such-page")
        assert find("/metrics")[0] == 404

    def test_it_is_only_looked_at(self, client: Client) -> None:
        head = client.head("/metrics")
        assert (head.status_code, head.content) == (200, b"")
        for method in (client.post, client.put, client.delete):
            assert method("/metrics").status_code == 405

    def test_it_is_read_over_plain_http_from_inside(self, client: Client, settings: Settings) -> None:
        settings.SECURE_SSL_REDIRECT = True
        assert Client().get("/metrics").status_code == 200
        assert Client().get("/accounts/login/").status_code == 301

    def test_a_newer_format_is_given_to_those_who_ask(self, client: Client) -> None:
        accepts = "application/openmetrics-text;version=1.0.0;q=0.9,text/plain;version=0.0.4;q=0.5"
        answer = client.get("/metrics", headers={"Accept": accepts})
        assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
        assert answer.content.endswith(b"# EOF\n")


def _text(answer: Any) -> str:
    text: str = answer.content.decode()
    return text


class TestTheOutbox:
    def test_nothing_waits(self, db: None) -> None:
        assert {name: value for name, value in read().items() if name in DATABASE} == dict.fromkeys(DATABASE, 0)

    def test_what_is_due_waits_and_grows_old(self, story: Story) -> None:
        message = _acknowledgement(story)
        _due(message, ago=90)
        found = read()
        assert found["front_door_outbox_waiting"] == 1
        assert 90 <= found["front_door_outbox_lag_seconds"] < 120

    def test_what_is_due_later_waits_and_is_not_late(self, story: Story) -> None:
        message = _acknowledgement(story)
        _due(message, ago=-600)
        OutboxMessage.objects.filter(pk=message.pk).update(last_error="SMTPServerDisconnected")
        found = read()
        assert found["front_door_outbox_waiting"] == found["front_door_outbox_refused"] == 1
        assert found["front_door_outbox_lag_seconds"] == 0

    def test_what_was_given_up_waits_no_more(self, story: Story) -> None:
        message = _acknowledgement(story)
        _due(message, ago=90)
        OutboxMessage.objects.filter(pk=message.pk).update(parked_at=timezone.now(), last_error="NotifyRefused")
        found = read()
        assert found["front_door_outbox_parked"] == 1
        assert found["front_door_outbox_waiting"] == found["front_door_outbox_lag_seconds"] == 0
        assert found["front_door_outbox_refused"] == 0

    def test_what_was_sent_is_history(self, story: Story) -> None:
        message = _acknowledgement(story)
        _due(message, ago=90)
        OutboxMessage.objects.filter(pk=message.pk).update(sent_at=timezone.now())
        found = read()
        assert found["front_door_outbox_waiting"] == found["front_door_outbox_lag_seconds"] == 0


class TestTheClocks:
    def test_what_runs_and_what_is_late(self, story: Story) -> None:
        contact = story.contact()
        now = timezone.now()
        _move(contact, "next_step_decision", warn_at=now - timedelta(hours=2), due_at=now - timedelta(minutes=1))
        _move(contact, "final_decision_green", warn_at=now + timedelta(hours=1), due_at=now + timedelta(hours=2))
        _move(contact, "acknowledge_referrer", warn_at=now + timedelta(hours=1), due_at=now + timedelta(hours=2))
        found = read()
        assert (found["front_door_clocks_running"], found["front_door_clocks_late"]) == (3, 1)
        assert 7200 <= found["front_door_sweep_lag_seconds"] < 7300, "nobody has looked since the warning"

        sweep.sweep(now=now)
        found = read()
        assert found["front_door_clocks_late"] == 1, "it is still late"
        assert found["front_door_sweep_lag_seconds"] == 0, "and somebody was told"

    def test_a_stopped_clock_is_history(self, story: Story) -> None:
        contact = story.contact()
        story.decided(contact)
        assert read()["front_door_clocks_running"] == Clock.objects.running().count()
        assert contact.clocks.exclude(stopped_at=None).exists()

    def test_contacts_that_wait(self, story: Story) -> None:
        second_person, decided, _ = (story.contact() for _ in range(3))
        story.decided(second_person, pathway="advice", level=1, rag="blue")
        story.decided(decided)
        assert second_person.status == "sign_off"
        assert read()["front_door_contacts_waiting"] == 2

    def test_a_contact_of_a_batch_waits_until_it_is_taken_in(self, story: Story, school: Agency) -> None:
        came = timezone.now() - timedelta(minutes=2)
        contact_batches.keep(contacts=[ToTakeIn("a", todays_document())], by=school, now=came)
        found = read()
        assert found["front_door_batched_contacts_waiting"] == 1
        assert 120 <= found["front_door_batched_contacts_lag_seconds"] < 180
        take_in(clock=timezone.now)
        found = read()
        assert found["front_door_batched_contacts_waiting"] == found["front_door_batched_contacts_lag_seconds"] == 0


@pytest.mark.django_db
class TestTheBroker:
    def test_tasks_of_every_priority_and_those_in_hand(self) -> None:
        with app.connection_for_write() as broker:
            for priority in (0, 3, 6, 9, 9):
                app.send_task("casework.tasks.drain_outbox", connection=broker, priority=priority)
            queue = app.amqp.queues[django_settings.CELERY_TASK_DEFAULT_QUEUE](broker.default_channel)
            taken = [queue.get(), queue.get()]
            found = read()
            for message in taken:
                message.ack()
        assert found['front_door_queue_length{queue="front-door"}'] == 3
        assert found["front_door_queue_unacknowledged"] == 2

    def test_workers_by_their_heartbeats(self) -> None:
        for name in ("a-host:1", "a-host:1", "b-host:1"):
            heartbeats().record_worker(name)
        assert read()["front_door_workers"] == 2


class TestAPartThatIsAway:
    """The metrics answer while a part of the service is down."""

    def test_redis_or_valkey(self, story: Story, settings: Settings) -> None:
        story.contact()
        away = {"LOCATION": "unix:///nowhere/valkey.sock"}
        settings.CACHES = {name: each | away for name, each in django_settings.CACHES.items()}
        found = read()
        assert set(found) == DATABASE | UP
        assert (found['front_door_up{part="database"}'], found['front_door_up{part="broker"}']) == (1, 0)
        assert found["front_door_contacts_waiting"] == 1

    def test_postgresql(
        self, django_db_setup: None, django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        heartbeats().record_worker("a-host:1")
        with django_db_blocker.unblock():
            connection.close()
            monkeypatch.setitem(connection.settings_dict["OPTIONS"], "host", "/nowhere")
            try:
                found = read()
            finally:
                connection.close()
        assert set(found) == BROKER | UP
        assert (found['front_door_up{part="database"}'], found['front_door_up{part="broker"}']) == (0, 1)
        assert found["front_door_workers"] == 1

    def test_no_figure_of_a_server_that_was_wiped_is_missing(self, db: None) -> None:
        with Redis.from_url(django_settings.REDIS_URL) as valkey:
            valkey.flushdb()
        found = read()
        assert {found[name] for name in BROKER} == {0}


def test_it_names_nobody(story: Story) -> None:
    contact = story.contact()
    text = _text(browser().get("/metrics"))
    for word in (str(contact), "school", "aylesbury", "dsl@"):
        assert word not in text.lower()


class TestWhatItCosts:
    def test_a_few_queries(self, story: Story, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        for _ in range(3):
            story.contact()
        with django_assert_num_queries(7):
            read()

    def test_the_same_beside_a_long_history(self, committed: str) -> None:
        """Four thousand decided contacts, stopped clocks and sent messages add no page to what is read."""
        story = Story(a_working_morning())
        decided = story.contact()
        story.decided(decided)
        for _ in range(5):
            story.contact()
        without, _ = pages_read()
        fill(4_000)
        run("UPDATE casework_clock SET stopped_at = started_at, ended = 'done' WHERE contact_id > 1000000")
        run(
            'INSERT INTO casework_outboxmessage (kind, idempotency_key, "to", created_at, not_before, attempts, '
            "last_error, drop_reason, sent_at) "
            "SELECT kind, idempotency_key || n, \"to\", created_at, not_before, 1, '', '', not_before "
            "FROM casework_outboxmessage, generate_series(1, 4000) AS n WHERE contact_id = %s",
            decided.pk,
        )
        run("VACUUM ANALYZE")
        with_history, indexes = pages_read()
        assert Contact.objects.count() > 4_000
        assert with_history <= without + 10
        assert indexes >= {"clock_running", "clock_to_sweep", "contact_waiting", "outbox_parked"}
        assert indexes & {"outbox_to_send", "outbox_waiting_for"}, "either holds only what waits"


def pages_read() -> tuple[int, set[str]]:
    """How many pages of the database the figures cost, and by which indexes they were found."""
    with CaptureQueriesContext(connection) as captured:
        read()
    pages, indexes = 0, set()
    for query in captured:
        ((plan,),) = run(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query['sql']}")
        (top,) = plan if isinstance(plan, list) else json.loads(plan)
        pages += top["Plan"]["Shared Hit Blocks"] + top["Plan"]["Shared Read Blocks"]
        indexes |= set(re.findall(r"'Index Name': '(\w+)'", str(top)))
    return pages, indexes


def _acknowledgement(story: Story) -> OutboxMessage:
    return OutboxMessage.objects.get(contact=story.contact(), kind="acknowledgement")


def _due(message: OutboxMessage, *, ago: float) -> None:
    moment = timezone.now() - timedelta(seconds=ago)
    OutboxMessage.objects.filter(pk=message.pk).update(created_at=min(message.created_at, moment), not_before=moment)


def _move(contact: Contact, kind: str, *, warn_at: datetime, due_at: datetime) -> None:
    escalate_at = due_at + timedelta(days=1)
    moved = contact.clocks.filter(kind=kind)
    assert moved.update(warn_at=warn_at, due_at=due_at, escalate_at=escalate_at, next_at=warn_at) == 1
