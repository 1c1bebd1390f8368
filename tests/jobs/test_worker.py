"""
Worker and beat in real processes, when things go wrong: a worker is told to stop, a process is killed, beat runs twice,
the broker dies and comes back empty. Deadline happens, and happens once.
"""

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from django.conf import settings
from django.utils import timezone
from pytest_django import Settings
from redis import Redis

from casework.models import Contact, File, FileState, OpenListCopy, OutboxMessage, Reminder
from config.celery import app
from config.local import embedded
from config.local.folders import Folders, make_folders
from config.local.processes import Child, start_child
from config.local.run import commands
from tests.stage.clamd import EICAR, clamd
from tests.stage.files import PDF, picture, put
from tests.stage.mail import Sink
from tests.stage.service import PATIENCE, database_url, wait_until
from tests.stage.story import Story

FIRST, SECOND = "first@school.example", "second@school.example"
Start = Callable[..., Child]


@pytest.fixture
def start(committed: str, sink: Sink) -> Iterator[Start]:
    """Starts a part of the service on a database of the test's own; what still runs in the end is stopped."""
    children = []

    def start(command: list[str], **given: str) -> Child:
        environment = {
            **os.environ,
            "DATABASE_URL": database_url(committed),
            "EMAIL_URL": f"smtp://127.0.0.1:{sink.port}",
            "PYTHONWARNINGS": "ignore",
            **given,
        }
        children.append(start_child(command[5], command, environment=environment))
        return children[-1]

    yield start
    for child in reversed(children):
        child.stop()


@pytest.fixture
def own_valkey() -> Iterator[Folders]:
    """Where a Valkey of the test's own can live."""
    place = Path(tempfile.mkdtemp(prefix="front-door-worker-"))
    place.chmod(0o711)
    yield make_folders(place)
    shutil.rmtree(place, ignore_errors=True)


def contact_from(address: str) -> Contact:
    """A contact that comes in now: the other processes' clocks are real. Its acknowledgement is due at once."""
    now = timezone.now()
    agreement = {"service": "given", "given_by": "mother", "on": (now - timedelta(days=1)).date().isoformat()}
    return Story(now).contact(referrer={"name": "A teacher", "email": address}, agreement=agreement)


def make_late(contact: Contact) -> None:
    """As if twenty days had passed: each of its clocks warns, is late and is still late a working day on."""
    now, day = timezone.now(), timedelta(days=1)
    moments = {"warn_at": now - 20 * day, "due_at": now - 19 * day, "escalate_at": now - 18 * day}
    assert contact.clocks.running().update(**moments, next_at=moments["warn_at"]) == 3


def acknowledgement(contact: Contact) -> OutboxMessage:
    return OutboxMessage.objects.get(contact=contact, kind="acknowledgement")


def is_being_sent(contact: Contact) -> bool:
    return acknowledgement(contact).leased_until is not None


def is_sent(contact: Contact) -> bool:
    return acknowledgement(contact).sent_at is not None


def send_task(name: str) -> None:
    app.send_task(f"casework.tasks.{name}")


def left_at_the_broker() -> tuple[int, int]:
    """Tasks that wait, and tasks that somebody has and has not finished."""
    with Redis.from_url(settings.REDIS_URL) as valkey:
        return valkey.llen(settings.CELERY_TASK_DEFAULT_QUEUE), valkey.hlen("unacked")


def each_went_once(sink: Sink) -> bool:
    return set(Counter(letter["Idempotency-Key"] for letter in sink.letters).values()) == {1}


def test_a_worker_that_is_told_to_stop_finishes_what_it_sends(start: Start, sink: Sink) -> None:
    contact = contact_from(FIRST)
    sink.takes[FIRST] = 4
    worker = start(commands(0, processes=1)["the worker"])
    send_task("drain_outbox")
    wait_until(lambda: is_being_sent(contact), "the worker sends")
    worker.process.terminate()
    assert worker.process.wait(PATIENCE) == 0
    assert is_sent(contact)
    assert sink.addresses() == [FIRST]
    assert left_at_the_broker() == (0, 0)


def test_what_a_killed_process_had_is_done_by_another(start: Start, sink: Sink) -> None:
    """Another process gets the task at once. A message that the killed process had claimed waits for its lease."""
    killed, other = contact_from(FIRST), contact_from(SECOND)
    sink.takes[FIRST] = 60
    worker = start(commands(0, processes=1)["the worker"])
    send_task("drain_outbox")
    wait_until(lambda: is_being_sent(killed), "the worker sends")
    (process,) = psutil.Process(worker.process.pid).children()
    process.kill()
    wait_until(lambda: is_sent(other), "another process has taken the task on")
    wait_until(lambda: left_at_the_broker() == (0, 0), "the task is finished")
    assert sink.addresses() == [SECOND]
    assert not is_sent(killed)

    sink.takes.clear()
    OutboxMessage.objects.filter(sent_at=None).update(leased_until=timezone.now())
    send_task("drain_outbox")
    wait_until(lambda: is_sent(killed), "it is sent after all")
    assert sink.addresses() == [SECOND, FIRST]


def test_two_beats_remind_nobody_twice(start: Start, sink: Sink) -> None:
    late = contact_from(FIRST)
    make_late(late)
    # Long enough that the next drain begins while this one sends.
    sink.takes[FIRST] = 6
    start(commands(0)["the worker"])
    for _ in range(2):
        start(commands(0)["beat"])
    wait_until(lambda: Reminder.objects.filter(step="escalation").exists(), "the sweep has told")
    reminders = Reminder.objects.count()
    # Both beats go round a few times more.
    began = timezone.now()
    wait_until(lambda: timezone.now() > began + timedelta(seconds=12), "a few rounds")
    wait_until(lambda: not OutboxMessage.objects.filter(sent_at=None).exists(), "everything is sent")
    assert Reminder.objects.count() == reminders == Reminder.objects.values("clock", "step").distinct().count()
    assert {clock.kind for clock in late.clocks.running()} >= {"next_step_decision"}
    # What waited together for one address went in one letter.
    assert len(sink.letters) == OutboxMessage.objects.filter(carried_by=None).count() > 3
    assert each_went_once(sink)


def test_a_worker_copies_the_open_list_checks_files_and_draws_previews(
    start: Start, settings: Settings, tmp_path: Path
) -> None:
    story, folder = Story(timezone.now() - timedelta(hours=5)), tmp_path / "continuity"
    contact = story.contact()
    with clamd() as scanner:
        settings.CLAMAV_URL = scanner.url
        safe, infected = (put(contact, story, content) for content in (picture(), PDF + EICAR))
        start(
            commands(0, processes=1)["the worker"], CONTINUITY_FOLDER=str(folder), CLAMAV_URL=scanner.url,
            FILES_DIR=settings.STORAGES["files"]["OPTIONS"]["location"],
        )  # fmt: skip
        send_task("copy_open_list")
        wait_until(lambda: OpenListCopy.objects.exists(), "the open list is copied")
        assert {str(contact) in page.read_text() for page in folder.glob("*Z/whole-service.*")} == {True}
        send_task("check_files")
        wait_until(lambda: not File.objects.filter(checked_at=None).exists(), "both files are checked")
        send_task("draw_previews")
        wait_until(lambda: File.objects.get(pk=safe.pk).has_preview, "the picture is drawn smaller")
        assert File.objects.get(pk=infected.pk).state == FileState.REFUSED
    wait_until(lambda: left_at_the_broker() == (0, 0), "every task is finished")


def test_a_broker_that_comes_back_empty_is_served_within_a_minute(
    start: Start, sink: Sink, own_valkey: Folders
) -> None:
    """What was in hand when it died is finished once; what came in while it was away goes out, and is reminded of."""
    address = {"REDIS_URL": embedded.redis_url(own_valkey)}
    valkey = embedded.start_valkey(own_valkey)
    try:
        before = contact_from(FIRST)
        sink.takes[FIRST] = 6
        worker, beat = start(commands(0)["the worker"], **address), start(commands(0)["beat"], **address)
        wait_until(lambda: is_being_sent(before), "the worker sends")
        valkey.process.kill()
        valkey.process.wait()
        meanwhile = contact_from(SECOND)
        make_late(meanwhile)
        wait_until(lambda: is_sent(before), "what was in hand is finished")
        valkey = embedded.start_valkey(own_valkey)
        wait_until(lambda: is_sent(meanwhile), "the outbox is drained again", seconds=60)
        wait_until(
            lambda: Reminder.objects.filter(clock__contact=meanwhile).exists(), "the clocks are swept", seconds=60
        )
        assert each_went_once(sink)
        assert (worker.process.poll(), beat.process.poll()) == (None, None)
    finally:
        valkey.stop()


def test_a_connection_that_broke_with_a_task_in_hand_can_be_closed(own_valkey: Folders) -> None:
    """The next task is waited for at that moment, as it is wherever a worker has more than one process."""
    valkey = embedded.start_valkey(own_valkey)
    broker = app.connection_for_read(url=f"redis+socket://{own_valkey.sockets}/valkey.sock")
    app.send_task("casework.tasks.drain_outbox", connection=broker)
    # A worker listens to its remote control beside.
    app.control.mailbox.Node("a-worker", channel=broker.channel()).listen()
    in_hand: list[object] = []
    consumer = broker.Consumer(app.amqp.queues[settings.CELERY_TASK_DEFAULT_QUEUE], accept=["json"])
    consumer.register_callback(lambda body, message: in_hand.append(message))
    consumer.consume()
    broker.drain_events(timeout=PATIENCE)
    with suppress(TimeoutError):
        broker.drain_events(timeout=0.1)
    assert len(in_hand) == 1
    valkey.process.kill()
    valkey.process.wait()
    # As a worker does that has lost its connection.
    broker.collect(socket_timeout=1)
    broker.close()
    assert not broker.connected
