"""The base of the state machine: the time, the ledger, how an action is attempted, and the checks after every step."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar

from django.apps import apps
from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.db.models import Model
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant

from casework.models import (
    Case,
    Clock,
    Contact,
    ContactHandover,
    Handoff,
    Message,
    OutboxMessage,
    PartnerCheck,
    Reminder,
    Responsibility,
)
from casework.record import integrity
from errors import InvalidInput, ServiceError
from localities import calendar
from localities.models import CalendarDay
from localities.working_time import local_day
from tests.model.ledger import CAST, DAY, NIGHT, Ledger, out_of_order
from tests.stage.documents import address, child, contact_document, nhs_number
from tests.stage.mail import Sink
from tests.stage.moments import local
from tests.stage.sql import run, settle

SENTENCES = (ServiceError, InvalidInput, ObjectDoesNotExist)
SECOND, DAYS = timedelta(seconds=1), timedelta(days=1)
Thing = TypeVar("Thing")

# What the machine draws from. A number picks one of those who may, or of what waits; a name is that person.
WHO = st.one_of(st.integers(0, 5), st.integers(0, 5), st.sampled_from(CAST))
WHICH = st.integers(0, 29)
WORDS = st.sampled_from(["So it is."] * 5 + ["", " \n"])
TEAMS = st.sampled_from([
    "aylesbury", "chiltern", "wycombe-and-marlow", "child-protection", "out-of-area", "front-door", "emergency-duty",
])  # fmt: skip

NEEDS: dict[str, list[str]] = {
    "harm": ["L4-01"], "strong": ["L4-10b"], "three": ["L3-12"], "two": ["L2-01"], "none": [],
}  # fmt: skip
# First name, last name, date of birth, and the serial of an NHS number (None: no number).
FAMILIES: list[list[tuple[str, str, str, int | None]]] = [
    [("Robin", "Ashby", "2019-03-04", 1), ("Kim", "Ashby", "2015-08-21", 2), ("Lou", "Ashby", "2012-01-30", 3)],
    [("Noor", "Haddad", "2012-05-16", 4), ("Sami", "Haddad", "2017-10-02", 5)],
    [("Jo", "Quill", "2016-06-06", None), ("Max", "Quill", "2020-02-29", None)],
    [("Lea", "Vance", "2021-12-24", 6)],
]
AGENCIES = ["example-primary-school", "example-police", "example-health-visiting"]
MODELS: list[type[Model]] = [*apps.get_app_config("casework").get_models(), CalendarDay]
TABLES = [model._meta.db_table for model in MODELS]
STEPS = ("warning", "breach", "escalation")


def is_open(now: datetime) -> bool:
    return calendar.current().is_open(now)


def not_blank(words: str) -> bool:
    return bool(words.strip())


def pick(number: int, likely: Sequence[Thing], others: Sequence[Thing] = ()) -> Thing:
    """Picks by a number: four times in five one of the likely ones, else one of the others."""
    among = likely if likely and (number < 24 or not others) else others or likely
    return among[number % len(among)]


def choose_person(who: int | str, right: Iterable[str]) -> str:
    """A number picks one of those who may; a name is that person, whether they may or not."""
    if isinstance(who, str):
        return who
    may = sorted(right)
    return may[who % len(may)] if may else CAST[who]


def fingerprint() -> list[tuple[Any, ...]]:
    """A value that changes as soon as any row of `casework` is written."""
    versions = " UNION ALL ".join(
        f"SELECT {number}, count(*), sum(hashtextextended(ctid::text || xmin::text, 0)) FROM {table}"
        for number, table in enumerate(TABLES)
    )
    return run(f"{versions} ORDER BY 1")


def broken() -> dict[str, int]:
    """The invariants that are broken, counted in one statement."""
    (counts,) = run("SELECT " + ", ".join(f"({each.counts})" for each in integrity.INVARIANTS))
    return {each.sentence: count for each, count in zip(integrity.INVARIANTS, counts, strict=True) if count}


def steps_of(clock: Clock) -> list[tuple[str, datetime]]:
    return list(zip(STEPS, (clock.warn_at, clock.due_at, clock.escalate_at), strict=True))


def steps_left(clock: Clock) -> list[datetime]:
    """The moments of the steps after the last one that the clock reminded of."""
    done = [STEPS.index(reminder.step) for reminder in clock.reminders.all()]
    return [moment for _, moment in steps_of(clock)][max(done, default=-1) + 1 :]


class Stage(RuleBasedStateMachine):
    """A run starts without any contact, and is rolled back when it ends."""

    sink: ClassVar[Sink]
    actions: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger()
        self.reminders_seen: dict[int, tuple[int, str]] = {}
        self.now = local("Thu 19 Nov 2026 10:00")
        self.sink.letters.clear()
        self.sink.refuses.clear()
        self.cleanup = ExitStack()
        self.cleanup.enter_context(transaction.atomic())
        self.cleanup.callback(transaction.set_rollback, True)

    def teardown(self) -> None:
        self.cleanup.close()

    def attempt(self, may: bool | None, action: Callable[..., Thing], **said: Any) -> Thing | None:
        """
        Calls the action and returns its result, or None if it was refused with a sentence and changed nothing.

        :param may: whether the ledger allows it; None if the ledger cannot tell.
        """
        name = f"{action.__module__.rpartition('.')[2]}.{action.__name__}"
        before = None if may else fingerprint()
        try:
            given = action(**said)
            settle()
        except SENTENCES as error:
            self._was_refused(name, error, may, before)
            return None
        assert may is not False, f"{name} went through"
        self.actions[name] += 1
        self.follow_ratings()
        self.now += SECOND
        return given

    def follow_ratings(self) -> None:
        """A contact that became red while the hub is closed has passed to emergency duty."""
        rated = dict(Contact.objects.values_list("pk", "rag"))
        for contact in self.ledger.contacts.values():
            became_red = rated[contact.pk] == "red" and contact.rag != "red"
            contact.rag = rated[contact.pk]
            if became_red and contact.status != "decided" and contact.team == DAY and not is_open(self.now):
                contact.passes_to(NIGHT, self.now)

    def _was_refused(self, name: str, error: Exception, may: bool | None, before: list[tuple[Any, ...]] | None) -> None:
        assert may is not True, f"{name} was refused: {error!r}"
        assert str(error).endswith("."), f"{name} was refused without a sentence: {error!r}"
        assert fingerprint() == before, f"{name} was refused, and changed something: {error!r}"
        self.actions[f"{name}, refused"] += 1

    def about(
        self, family: int, need: str, *, children: int = 1, home: str | None = "HP20 1UA", asked: str = "given"
    ) -> dict[str, Any]:
        """A contact document about some children of a family: each bit of `children` selects one."""
        members = FAMILIES[family]
        some = [each for place, each in enumerate(members) if children >> place & 1] or members
        entries = [
            child(
                ref=f"c{place}", first_name=first, last_name=last, date_of_birth=born, also_known_as=[],
                nhs_number=nhs_number(number) if number else None, indicators=NEEDS[need], address=address(home),
            )
            for place, (first, last, born, number) in enumerate(some)
        ]  # fmt: skip
        answered = {"given_by": "mother", "on": local_day(self.now).isoformat()} if asked != "not_sought" else {}
        agreement = {"service": asked} | answered
        return contact_document(children=entries, adults=[], family_indicators=[], agreement=agreement)

    # ---- the checks after every step

    @invariant()
    def check_everything(self) -> None:
        assert broken() == {}
        self.check_rows_against_the_ledger()
        self.check_running_clocks()
        self.check_reminders()
        self.check_emails()

    def check_rows_against_the_ledger(self) -> None:
        contacts, cases = self.ledger.contacts.values(), self.ledger.cases.values()
        assert set(Contact.objects.values_list("pk", "status", "team__code", "case")) == {
            (each.pk, each.status, each.team, each.case.pk if each.case else None) for each in contacts
        }
        screened = Contact.objects.filter(screened_at__isnull=False).values_list("pk", flat=True)
        assert set(screened) == {each.pk for each in contacts if each.screened}
        passed = ContactHandover.objects.open().values_list("contact", flat=True)
        assert set(passed) == {each.pk for each in contacts if each.passed}
        asked = PartnerCheck.objects.filter(status="asked").values_list("pk", flat=True)
        assert set(asked) == {pk for each in contacts for pk in each.asked}
        assert set(Case.objects.values_list("pk", "status", "lead_practitioner__username")) == {
            (each.pk, "open" if each.is_open else "closed", each.lead) for each in cases
        }
        rows = Responsibility.objects.values_list("case", "team__code", "period__startswith", "period__endswith")
        assert set(rows) == {(case.pk, *period) for case in cases for period in case.responsibilities}
        assert set(Handoff.objects.filter(status="offered").values_list("pk", "case", "to_team__code")) == {
            (each.offer.pk, each.pk, each.offer.to_team) for each in cases if each.offer
        }

    def check_running_clocks(self) -> None:
        rows = Contact.objects.values_list("pk", "rag", "recommendation__hold")
        rated = {pk: (rag, hold or "") for pk, rag, hold in rows}
        running = list(Clock.objects.running().prefetch_related("reminders"))
        assert Counter(
            (subject, pk, clock.kind)
            for clock in running
            for subject in ("contact", "case", "handoff", "partner_check")
            if (pk := getattr(clock, f"{subject}_id"))
        ) == Counter(self.ledger.clocks(rated))
        for clock in running:
            left = steps_left(clock)
            # A paused clock reminds nobody; otherwise the sweep comes back for the next step.
            assert clock.next_at == (None if clock.paused_at or not left else left[0]), clock

    def check_reminders(self) -> None:
        reminders_seen = {pk: (clock, step) for pk, clock, step in Reminder.objects.values_list("pk", "clock", "step")}
        assert reminders_seen.items() >= self.reminders_seen.items(), "a reminder was taken back"
        assert len(set(reminders_seen.values())) == len(reminders_seen)
        self.reminders_seen = reminders_seen

    def check_emails(self) -> None:
        messages = {
            hashlib.sha256(each.idempotency_key.encode()).hexdigest()[:32]: each
            for each in OutboxMessage.objects.order_by("pk")
        }
        keys = [str(letter["Idempotency-Key"]) for letter in self.sink.letters]
        sent = [key for key, each in messages.items() if each.sent_at and not each.carried_by_id]
        assert Counter(keys) == Counter(sent), "sent, and not at the server once; or the other way round"
        carried = defaultdict(list)
        by_pk = {each.pk: each for each in messages.values()}
        for each in messages.values():
            if each.carried_by_id:
                carried[each.carried_by_id].append(each)
                leader = by_pk[each.carried_by_id]
                together = (leader.to, leader.sent_at, leader.parked_at, leader.dropped_at)
                assert (each.to, each.sent_at, each.parked_at, each.dropped_at) == together, "a letter came apart"
        went = [
            each for key in keys for each in sorted([messages[key], *carried[messages[key].pk]], key=lambda m: m.pk)
        ]
        # A reminder may wait for the half hour, and delays no other message meanwhile.
        in_turn = [each for each in went if each.pk not in self.ledger.parked and each.kind != Message.REMINDER]
        late = out_of_order((each.to, each.pk, each.contact_id, each.case_id) for each in in_turn)
        assert late == [], "what was written first went out later"
