"""The base of the state machine: the time, the ledger, how an action is attempted, and the checks after every step."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any, ClassVar, NamedTuple, TypeVar

from django.apps import apps
from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.db.models import Model
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant

from casework.models import Clock, Message
from casework.models.prepared import Prepared, send
from errors import InvalidInput, ServiceError
from localities import calendar
from localities.models import CalendarDay
from localities.working_time import local_day
from tests.random_actions.ledger import CAST, DAY, NIGHT, Ledger, out_of_order
from tests.stage.documents import address, child, contact_document, nhs_number
from tests.stage.integrity import BROKEN, named
from tests.stage.mail import Sink
from tests.stage.moments import local
from tests.stage.sql import settle

SENTENCES = (ServiceError, InvalidInput, ObjectDoesNotExist)
SECOND, DAYS = timedelta(seconds=1), timedelta(days=1)
Thing = TypeVar("Thing")

# What the machine draws from. A number picks one of those who may, or of what waits; a name is that person.
WHO = st.one_of(st.integers(0, 5), st.integers(0, 5), st.sampled_from(CAST))
WHICH = st.integers(0, 29)
WORDS = st.sampled_from(["So it is, all in all."] * 5 + ["", " \n"])
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


# What is asked after every step. PostgreSQL plans it once: planning takes longer than the answers of a few rows.
VERSIONS = Prepared("model_versions", " UNION ALL ".join(
    f"SELECT {number}, count(*), sum(hashtextextended(ctid::text || xmin::text, 0)) FROM {table}"
    for number, table in enumerate(TABLES)
) + " ORDER BY 1")  # fmt: skip
RATINGS = Prepared("model_ratings", "SELECT id, rag FROM casework_contact")
CONTACTS = Prepared(
    "model_contacts",
    """SELECT c.id, c.status, t.code, c.case_id, c.screened_at IS NOT NULL, c.rag, COALESCE(r.hold, '')
       FROM casework_contact c JOIN localities_team t ON t.id = c.team_id
       LEFT JOIN casework_recommendation r ON r.id = c.recommendation_id""",
)
PASSED = Prepared(
    "model_passed",
    "SELECT contact_id FROM casework_contacthandover WHERE taken_on_at IS NULL AND lapsed_at IS NULL",
)
ASKED = Prepared("model_asked", "SELECT id FROM casework_partnercheck WHERE status = 'asked'")
CASES = Prepared(
    "model_cases",
    """SELECT c.id, c.status, u.username
       FROM casework_case c LEFT JOIN localities_user u ON u.id = c.lead_practitioner_id""",
)
PERIODS = Prepared(
    "model_periods",
    """SELECT r.case_id, t.code, lower(r.period), upper(r.period)
       FROM casework_responsibility r JOIN localities_team t ON t.id = r.team_id""",
)
OFFERED = Prepared(
    "model_offered",
    """SELECT h.id, h.case_id, t.code
       FROM casework_handoff h JOIN localities_team t ON t.id = h.to_team_id WHERE h.status = 'offered'""",
)
RUNNING = Prepared(
    "model_running",
    """SELECT kind, contact_id, case_id, handoff_id, partner_check_id, paused_at, next_at,
           warn_at, due_at, escalate_at, ARRAY(SELECT step FROM casework_reminder r WHERE r.clock_id = c.id)
       FROM casework_clock c WHERE stopped_at IS NULL""",
)
REMINDERS = Prepared("model_reminders", "SELECT id, clock_id, step FROM casework_reminder")
MESSAGES = Prepared(
    "model_messages",
    """SELECT id, kind, "to", idempotency_key, contact_id, case_id, carried_by_id, sent_at, parked_at, dropped_at
       FROM casework_outboxmessage ORDER BY id""",
)
Rows = list[tuple[Any, ...]]


class Running(NamedTuple):
    """A clock that runs: a row of `RUNNING`."""

    kind: str
    contact_id: int | None
    case_id: int | None
    handoff_id: int | None
    partner_check_id: int | None
    paused_at: datetime | None
    next_at: datetime | None
    warn_at: datetime
    due_at: datetime
    escalate_at: datetime
    reminder_steps: list[str]


class Letter(NamedTuple):
    """A message: a row of `MESSAGES`."""

    pk: int
    kind: str
    to: str
    idempotency_key: str
    contact_id: int | None
    case_id: int | None
    carried_by_id: int | None
    sent_at: datetime | None
    parked_at: datetime | None
    dropped_at: datetime | None


def fingerprint() -> Rows:
    """A value that changes as soon as any row of `casework` is written."""
    (rows,) = send(VERSIONS())
    return rows


def steps_left(clock: Clock | Running, reminder_steps: Iterable[str]) -> list[datetime]:
    """The moments of the steps after the last one that the clock reminded of."""
    done = max((STEPS.index(step) for step in reminder_steps), default=-1)
    return [clock.warn_at, clock.due_at, clock.escalate_at][done + 1 :]


def is_said(message: str) -> bool:
    """Whether a refusal is a sentence, or says what to do as the Design System writes it, without a full stop."""
    return message.endswith(".") or message.startswith(("Enter ", "Select "))


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
        (ratings,) = send(RATINGS())
        rated: dict[int, str] = dict(ratings)
        for contact in self.ledger.contacts.values():
            became_red = rated[contact.pk] == "red" and contact.rag != "red"
            contact.rag = rated[contact.pk]
            if became_red and contact.status != "decided" and contact.team == DAY and not is_open(self.now):
                contact.passes_to(NIGHT, self.now)

    def _was_refused(self, name: str, error: Exception, may: bool | None, before: list[tuple[Any, ...]] | None) -> None:
        assert may is not True, f"{name} was refused: {error!r}"
        says = [fault.message for fault in error.faults] if isinstance(error, InvalidInput) else [str(error)]
        assert all(map(is_said, says)), f"{name} was refused without a sentence: {error!r}"
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
        (counts,), contacts, passed, asked, cases, periods, offered, running, reminders, messages = send(
            BROKEN(), CONTACTS(), PASSED(), ASKED(), CASES(), PERIODS(), OFFERED(), RUNNING(), REMINDERS(), MESSAGES()
        )
        assert named(counts) == {}, "the invariants that are broken"
        self.check_contacts(contacts, passed, asked)
        self.check_cases(cases, periods, offered)
        self.check_running_clocks(contacts, [Running(*row) for row in running])
        self.check_reminders(reminders)
        self.check_emails([Letter(*row) for row in messages])

    def check_contacts(self, rows: Rows, passed: Rows, asked: Rows) -> None:
        contacts = self.ledger.contacts.values()
        assert {row[:5] for row in rows} == {
            (each.pk, each.status, each.team, each.case.pk if each.case else None, each.screened) for each in contacts
        }
        assert set(passed) == {(each.pk,) for each in contacts if each.passed}
        assert set(asked) == {(pk,) for each in contacts for pk in each.asked}

    def check_cases(self, rows: Rows, periods: Rows, offered: Rows) -> None:
        cases = self.ledger.cases.values()
        assert set(rows) == {(each.pk, "open" if each.is_open else "closed", each.lead) for each in cases}
        assert set(periods) == {(case.pk, *period) for case in cases for period in case.responsibilities}
        assert set(offered) == {(each.offer.pk, each.pk, each.offer.to_team) for each in cases if each.offer}

    def check_running_clocks(self, contacts: Rows, running: list[Running]) -> None:
        rated = {pk: (rag, hold) for pk, *_, rag, hold in contacts}
        assert Counter(
            (subject, pk, clock.kind)
            for clock in running
            for subject in ("contact", "case", "handoff", "partner_check")
            if (pk := getattr(clock, f"{subject}_id"))
        ) == Counter(self.ledger.clocks(rated))
        for clock in running:
            left = steps_left(clock, clock.reminder_steps)
            # A paused clock reminds nobody; otherwise the sweep comes back for the next step.
            assert clock.next_at == (None if clock.paused_at or not left else left[0]), clock

    def check_reminders(self, rows: Rows) -> None:
        reminders_seen = {pk: (clock, step) for pk, clock, step in rows}
        assert reminders_seen.items() >= self.reminders_seen.items(), "a reminder was taken back"
        assert len(set(reminders_seen.values())) == len(reminders_seen)
        self.reminders_seen = reminders_seen

    def check_emails(self, written: list[Letter]) -> None:
        messages = {hashlib.sha256(each.idempotency_key.encode()).hexdigest()[:32]: each for each in written}
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
