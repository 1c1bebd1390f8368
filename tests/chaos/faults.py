"""The faults that are injected, one after the other, while the work goes on."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import psycopg

from tests.chaos.ledger import Ledger, SentFile
from tests.chaos.reckoning import Fault
from tests.chaos.stage import AGENCIES, BEAT, POSTGRES, PROCESSES, VALKEY, WEB, Stage, worker_on
from tests.chaos.stream import Stream, System, pdf, photo
from tests.stage.service import NeverHappened, is_ready

ONE, TWO = "host-one", "host-two"
# Longer than the ten seconds that the service gives a mail server for an answer.
SILENCE = 25.0
# Longer than the workers' five seconds between two looks for files.
AWAY = 12.0
# How long a message stays claimed by a sender that died.
LEASE = timedelta(minutes=2)
DRAWING = (
    "SELECT FROM casework_file "
    "WHERE idempotency_key = %(key)s AND previews > 0 AND preview_after IS NOT NULL FOR UPDATE"
)
# How many seconds a recovery may go without a step forward: see `Stage.wait_until`.
PATIENCE = 120.0


@dataclass
class Chaos:
    """The stage, the ledger, the work that goes on, and the faults so far."""

    stage: Stage
    ledger: Ledger
    stream: Stream
    faults: list[Fault] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def kill(self, what: str) -> tuple[datetime, datetime]:
        """Kills a process. Returns when the kill started and ended."""
        at = datetime.now(UTC)
        self.stage.kill(what)
        return at, datetime.now(UTC)

    def over(self, name: str, when: tuple[datetime, datetime], *, senders: int = 0) -> Fault:
        """Records a fault whose process runs again."""
        fault = Fault(name, *when, datetime.now(UTC), senders)
        self.faults.append(fault)
        return fault

    def recover(self, fault: Fault) -> None:
        """Waits until a contact sent after the fault is answered, and a letter about it comes out."""
        stage = self.stage

        def answered() -> datetime | None:
            """When the first contact was answered that was sent after the process was down."""
            moments = (
                contact.answered_at
                for contact in self.ledger.answered()
                if contact.answered_at and contact.asked_at and contact.asked_at >= fault.down_at
            )
            return min(moments, default=None)

        def first_letter() -> datetime | None:
            """When the first letter came out about a contact that was sent after the fault was over."""
            after = {
                reference
                for contact in self.ledger.answered()
                if contact.first_sent_at >= fault.over_at
                for reference in contact.references
            }
            return min((letter.at for letter in list(stage.mail.letters) if letter.contact in after), default=None)

        try:
            stage.wait_until(answered, f"a contact is answered after: {fault.name}", seconds=PATIENCE)
            stage.wait_until(first_letter, f"a letter comes out after: {fault.name}", seconds=PATIENCE)
            stage.wait_until(lambda: is_ready(stage.base_url), f"/readyz is 200 after: {fault.name}", seconds=PATIENCE)
        finally:
            for name, moment in (("answered_after", answered()), ("wrote_after", first_letter())):
                if moment is not None:
                    setattr(fault, name, (moment - fault.at).total_seconds())

    def letters_by(self, host: str, since: datetime) -> int:
        """The number of letters that a host has sent since then."""
        return sum(letter.host == host and letter.at >= since for letter in list(self.stage.mail.letters))


def worker_before_the_letter_is_taken(chaos: Chaos) -> None:
    """The worker is killed while it waits for the mail server to take a letter."""
    chaos.stage.mail.is_silent = True
    _kill_worker(chaos, "worker killed, letter not taken", lambda: chaos.stage.mail.waiting)


def worker_after_the_letter_is_taken(chaos: Chaos) -> None:
    """The worker is killed when the mail server has accepted a letter and not confirmed it: it is sent again."""
    chaos.stage.mail.silent_to = ONE
    _kill_worker(chaos, "worker killed, letter taken", lambda: chaos.stage.mail.unanswered)


def _kill_worker(chaos: Chaos, name: str, in_flight: Callable[[], object]) -> None:
    stage = chaos.stage
    stage.wait_until(in_flight, "a letter is in the air", seconds=PATIENCE)
    when = chaos.kill(worker_on(ONE))
    stage.mail.answer_again()
    stage.start(worker_on(ONE))
    chaos.recover(chaos.over(name, when, senders=PROCESSES))


def one_of_two_workers(chaos: Chaos) -> None:
    """
    A second host's worker shares the work. When both have done some, the first is killed while it sends a letter. The
    second goes on alone until the service has recovered; then the first comes back.
    """
    stage = chaos.stage
    if TWO not in stage.hosts:
        stage.add_host(TWO)
    since = datetime.now(UTC)
    stage.wait_until(lambda: chaos.letters_by(ONE, since), f"{ONE} sends a letter", seconds=PATIENCE)
    stage.wait_until(lambda: chaos.letters_by(TWO, since), f"{TWO} sends a letter", seconds=PATIENCE)
    tasks = _tasks_by_host()
    apart = "each with a network of its own" if stage.hosts[TWO].has_own_network else "separate processes"
    chaos.notes.append(
        f"Two hosts ({apart}): "
        + "; ".join(
            f"{host} ran {tasks.get(host, 0)} tasks, sent {chaos.letters_by(host, since)} letters"
            for host in (ONE, TWO)
        )
        + "."
    )
    stage.mail.silent_to = ONE
    stage.wait_until(lambda: stage.mail.unanswered, "a letter is in the air", seconds=PATIENCE)
    when = chaos.kill(worker_on(ONE))
    stage.mail.answer_again()
    chaos.recover(chaos.over("one of two workers killed", when, senders=PROCESSES))
    stage.start(worker_on(ONE))


def _tasks_by_host() -> dict[str, int]:
    """The number of tasks that each worker reports."""
    from config.celery import app

    # It waits no longer than until both have answered.
    stats = app.control.inspect(timeout=5, limit=2).stats() or {}
    return {name.removeprefix("worker@"): sum(said["total"].values()) for name, said in stats.items()}


def web_over_an_upload(chaos: Chaos) -> None:
    """The web server is killed when the content of a file is stored, and its row is not."""
    stage, system = chaos.stage, chaos.stream.system(AGENCIES[0])
    content = pdf()
    file = _file_on_a_contact(system, "report.pdf", content)
    before = set(stage.content.glob("??/*"))

    def is_stored() -> bool:
        new = set(stage.content.glob("??/*")) - before
        return any(each.stat().st_size == len(content) for each in new)

    with _sent_meanwhile(system, file, "report.pdf", content):
        with psycopg.connect(stage.database, connect_timeout=10) as connection:
            # The row waits for the contact's.
            connection.execute("SELECT FROM casework_contact WHERE reference = %s FOR UPDATE", [file.contact])
            stage.wait_until(is_stored, "the content of a file is stored", seconds=PATIENCE)
            when = chaos.kill(WEB)
            connection.rollback()
        if stage.ask("SELECT FROM casework_file WHERE idempotency_key = %(key)s", key=file.key):
            chaos.findings.append("the web server was killed over an upload whose row was there")
        stage.start(WEB)
        chaos.recover(chaos.over("web server killed, file stored", when))


def worker_over_a_check(chaos: Chaos) -> None:
    """The workers are killed while they wait for what the virus scanner says of a file."""
    stage, system = chaos.stage, chaos.stream.system(AGENCIES[0])
    stage.scanner.answers.clear()
    content = pdf()
    system.put(_file_on_a_contact(system, "report.pdf", content), "report.pdf", content)
    stage.wait_until(lambda: stage.scanner.waiting, "a file is with the scanner", seconds=PATIENCE)
    _kill_workers(chaos, "workers killed, file with scanner", stage.scanner.answers.set)


def worker_over_a_preview(chaos: Chaos) -> None:
    """The workers are killed while they draw a smaller picture."""
    stage, system = chaos.stage, chaos.stream.system(AGENCIES[0])
    content = photo(6000, 5000)
    file = _file_on_a_contact(system, "photo.png", content)
    system.put(file, "photo.png", content)
    with psycopg.connect(stage.database, connect_timeout=10) as connection:

        def is_held() -> bool:
            """Looks for a second without a pause, for it takes no longer. Found, the row waits: it cannot be done."""
            ends_at = time.monotonic() + 1
            while time.monotonic() < ends_at:
                if connection.execute(DRAWING, {"key": file.key}).fetchone() is not None:
                    return True
                time.sleep(0.01)
            return False

        stage.wait_until(is_held, "a picture is drawn", seconds=PATIENCE)
        _kill_workers(chaos, "workers killed over a picture", connection.rollback)


def _kill_workers(chaos: Chaos, name: str, then: Callable[[], object]) -> None:
    stage = chaos.stage
    at = datetime.now(UTC)
    for host in stage.hosts:
        stage.kill(worker_on(host))
    when = (at, datetime.now(UTC))
    then()
    for host in stage.hosts:
        stage.start(worker_on(host))
    chaos.recover(chaos.over(name, when, senders=PROCESSES * len(stage.hosts)))


def files_away(chaos: Chaos) -> None:
    """Where files are nothing can be read or written for a while; contacts come in meanwhile."""
    stage, system = chaos.stage, chaos.stream.system(AGENCIES[0])
    content = photo()
    file = _file_on_a_contact(system, "photo.png", content)
    at = datetime.now(UTC)
    stage.take_files_away()
    with _sent_meanwhile(system, file, "photo.png", content):
        # Workers look for files to check and to draw every five seconds.
        stage.sleep(AWAY)
        stage.bring_files_back()
        if file.ids:
            chaos.findings.append("a file was taken while there was nowhere to put it")
        chaos.recover(chaos.over("files away", (at, at)))


def _file_on_a_contact(system: System, name: str, content: bytes) -> SentFile:
    """A file that is not sent yet, on a new contact."""
    contact, document = system.make_contact()
    if not system.send(contact, document):
        raise NeverHappened("a contact is answered, to put a file on it")
    return system.make_file(contact, name, content)


@contextmanager
def _sent_meanwhile(system: System, file: SentFile, name: str, content: bytes) -> Iterator[None]:
    """The file is sent until it is answered, and the block is over when it is."""
    thread = threading.Thread(target=system.put, args=(file, name, content), daemon=True)
    thread.start()
    yield
    thread.join(PATIENCE)
    if thread.is_alive():
        raise NeverHappened(f"waited {PATIENCE:.0f} s until a file on {file.contact} is answered")


def valkey_wiped(chaos: Chaos) -> None:
    """
    Valkey is killed while the worker sends a letter, its data are deleted, and an empty one starts. The worker can no
    longer acknowledge its task, and drops it.
    """
    stage = chaos.stage
    stage.mail.silent_to = ONE
    stage.wait_until(lambda: stage.mail.unanswered, "a letter is in the air", seconds=PATIENCE)
    when = chaos.kill(VALKEY)
    stage.empty_valkey()
    stage.start(VALKEY)
    stage.mail.answer_again()
    chaos.recover(chaos.over("Valkey killed and wiped", when, senders=PROCESSES * len(stage.hosts)))


def postgres_crashes(chaos: Chaos) -> None:
    """PostgreSQL and all its processes are killed; it recovers from its log."""
    stage = chaos.stage
    log = stage.folders.logs / "postgres.log"
    read = log.stat().st_size
    when = chaos.kill(POSTGRES)
    stage.start(POSTGRES)
    fault = chaos.over("PostgreSQL killed", when, senders=PROCESSES * len(stage.hosts))
    if "automatic recovery in progress" not in log.read_text(errors="replace")[read:]:
        chaos.findings.append("PostgreSQL was killed and recovered from nothing")
    chaos.recover(fault)


def mail_falls_silent(chaos: Chaos) -> None:
    """The mail server accepts connections and does not answer for longer than the service waits; then it answers."""
    stage = chaos.stage
    at = datetime.now(UTC)
    stage.mail.is_silent = True
    stage.sleep(SILENCE)
    stage.mail.answer_again()
    chaos.recover(chaos.over("mail server silent", (at, at)))


def web_killed(chaos: Chaos) -> None:
    """The web server is killed with all its processes, in the middle of its requests."""
    when = chaos.kill(WEB)
    chaos.stage.start(WEB)
    chaos.recover(chaos.over("web server killed", when))


def beat_killed(chaos: Chaos) -> None:
    """Beat is killed: nothing else sends the scheduled tasks."""
    when = chaos.kill(BEAT)
    chaos.stage.start(BEAT)
    chaos.recover(chaos.over("beat killed", when))


# The faults that leave messages and files claimed or delayed come first, so that those wait while the others run.
FAULTS: dict[str, Callable[[Chaos], None]] = {
    "worker-check": worker_over_a_check,
    "worker-picture": worker_over_a_preview,
    "worker-before": worker_before_the_letter_is_taken,
    "worker-after": worker_after_the_letter_is_taken,
    "two-hosts": one_of_two_workers,
    "valkey": valkey_wiped,
    "postgres": postgres_crashes,
    "mail": mail_falls_silent,
    "files": files_away,
    "web": web_killed,
    "web-upload": web_over_an_upload,
    "beat": beat_killed,
}
SMOKE = ("worker-check", "web-upload", "postgres", "worker-before", "two-hosts")


def release_waiting_reminders(chaos: Chaos) -> None:
    """Makes the reminders due that wait to go in one letter."""
    chaos.stage.ask(
        "UPDATE casework_outboxmessage SET not_before = now() "
        "WHERE sent_at IS NULL AND parked_at IS NULL AND attempts = 0 AND not_before > now()"
    )


def end_leases(chaos: Chaos) -> None:
    """
    Ends the leases of messages that a killed process had claimed, as if two minutes had passed, and the waits of files.
    It is called some seconds after the last fault, when the living processes have marked what they did before it.
    """
    for wait in ("check_after", "preview_after"):
        chaos.stage.ask(f"UPDATE casework_file SET {wait} = now() WHERE {wait} > now()")
    chaos.stage.ask(
        "UPDATE casework_outboxmessage SET leased_until = now(), not_before = least(not_before, now()) "
        "WHERE sent_at IS NULL AND leased_until <= %(until)s AND leased_until > now()",
        until=chaos.faults[-1].over_at + LEASE,
    )
