"""The faults that are injected, one after the other, while the work goes on."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.chaos.ledger import Ledger
from tests.chaos.reckoning import Fault
from tests.chaos.stage import BEAT, POSTGRES, PROCESSES, VALKEY, WEB, Stage, worker_on
from tests.stage.service import is_ready

ONE, TWO = "host-one", "host-two"
# Longer than the ten seconds that the service gives a mail server for an answer.
SILENCE = 25.0
# How long a message stays claimed by a sender that died.
LEASE = timedelta(minutes=2)
# How many seconds a recovery may go without a step forward: see `Stage.wait_until`.
PATIENCE = 120.0


@dataclass
class Chaos:
    """The stage, the ledger, and the faults so far."""

    stage: Stage
    ledger: Ledger = field(default_factory=Ledger)
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


# The faults that leave messages claimed or delayed come first, so that those messages wait while the others run.
FAULTS: dict[str, Callable[[Chaos], None]] = {
    "worker-before": worker_before_the_letter_is_taken,
    "worker-after": worker_after_the_letter_is_taken,
    "two-hosts": one_of_two_workers,
    "valkey": valkey_wiped,
    "postgres": postgres_crashes,
    "mail": mail_falls_silent,
    "web": web_killed,
    "beat": beat_killed,
}
SMOKE = ("postgres", "worker-before", "two-hosts")


def release_waiting_reminders(chaos: Chaos) -> None:
    """Makes the reminders due that wait to go in one letter."""
    chaos.stage.ask(
        "UPDATE casework_outboxmessage SET not_before = now() "
        "WHERE sent_at IS NULL AND parked_at IS NULL AND attempts = 0 AND not_before > now()"
    )


def end_leases(chaos: Chaos) -> None:
    """
    Ends the leases of messages that a killed process had claimed, as if two minutes had passed. It is called some
    seconds after the last fault, when the living processes have marked what they sent before it.
    """
    chaos.stage.ask(
        "UPDATE casework_outboxmessage SET leased_until = now(), not_before = least(not_before, now()) "
        "WHERE sent_at IS NULL AND leased_until <= %(until)s AND leased_until > now()",
        until=chaos.faults[-1].over_at + LEASE,
    )
