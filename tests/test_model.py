"""
Whatever people do, in whatever order: a machine picks actions, legal and illegal, by anybody, as minutes and weeks
pass, and after each of them everything that must be so is counted and compared with the ledger (tests/ledger.py).

What is legal goes through. What is not ends with a sentence and changes nothing. No case is ever in nobody's hands, no
clock is lost, nothing is said twice, and no letter goes out twice or out of turn.

Every run takes the same ways. `MODEL_RUNS=200 pytest tests/test_model.py` takes so many others, new ones each time; a
failure prints the shortest way to it.
"""

import hashlib
import logging
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, TypeVar

import pytest
from django.apps import apps
from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.db.models import Model
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from casework import clocks, integrity
from casework.actions import (
    calendar,
    cases,
    clock_changes,
    contacts,
    decisions,
    handoffs,
    handovers,
    looking,
    outbox,
    partner_checks,
    reminder_looks,
    reminders,
)
from casework.errors import CaseworkError
from casework.history import household
from casework.models import (
    CalendarEdit,
    Case,
    Clock,
    Contact,
    ContactHandover,
    Decision,
    Handoff,
    Message,
    MilestoneKind,
    OutboxMessage,
    PartnerCheck,
    PersonMatch,
    Reminder,
    Responsibility,
)
from localities import calendar as calendar_now
from localities.models import Agency, CalendarDay, DayKind, OtherAuthority, Team, User
from localities.working_time import at, local_day
from tests.documents import address, child, contact_document
from tests.ledger import (
    CAST,
    DAY,
    FRONT,
    NIGHT,
    ACase,
    AContact,
    AnOffer,
    Ledger,
    has,
    in_order,
    is_front_door,
    works_in,
)
from tests.mail import Sink, mail_server
from tests.moments import local
from tests.races.test_races import nhs_number
from tests.sql import run, settle
from triage.documents import InvalidDocument

RUNS = int(os.environ.get("MODEL_RUNS", "0"))
WAYS = settings(
    max_examples=RUNS or 10,
    stateful_step_count=50,
    derandomize=not RUNS,
    deadline=None,
    database=None,
    report_multiple_bugs=False,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)

SENTENCES = (CaseworkError, InvalidDocument, ObjectDoesNotExist)
SECOND, MINUTE, HOUR, DAYS = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Thing = TypeVar("Thing")

# ---- what the machine picks from. Whole numbers pick among those who may, or what waits; names are anybody.

WHO = st.one_of(st.integers(0, 5), st.integers(0, 5), st.sampled_from(CAST))
WHICH = st.integers(0, 29)
WORDS = st.sampled_from(["So it is."] * 5 + ["", " \n"])
TEAMS = st.sampled_from([
    "aylesbury", "chiltern", "wycombe-and-marlow", "child-protection", "out-of-area", "front-door", "emergency-duty",
])  # fmt: skip
MOMENTS = [
    "Thu 19 Nov 2026 10:00", "Fri 20 Nov 2026 16:50", "Sat 21 Nov 2026 23:30", "Sat 24 Oct 2026 23:30",
    "Sat 27 Mar 2027 23:30", "Wed 23 Dec 2026 11:00", "Thu 24 Dec 2026 16:50", "Wed 31 Mar 2027 17:20",
]  # fmt: skip
HOMES = ["HP20 1UA", "HP20 1UA", "HP5 1AA", "SL7 1AA", "OX1 1AA", None]
NEEDS: dict[str, list[str]] = {
    "harm": ["L4-01"],
    "strong": ["L4-10b"],
    "three": ["L3-12"],
    "two": ["L2-01"],
    "none": [],
}
PATHWAYS = [
    ("family_help", 3, "green"), ("early_help", 2, "green"), ("social_work_assessment", 4, "amber"),
    ("social_worker_review", 3, "amber"), ("strategy_discussion", 4, "red"), ("advice", 1, "blue"),
    ("no_further_action", 1, "blue"), ("other_authority", 2, "green"), ("link_to_open_work", 2, "green"),
    ("strategy_discussion", 2, "green"), ("prison", 9, "purple"),
]  # fmt: skip
FAMILIES: list[list[tuple[str, str, str, int | None]]] = [
    [("Robin", "Ashby", "2019-03-04", 1), ("Kim", "Ashby", "2015-08-21", 2), ("Lou", "Ashby", "2012-01-30", 3)],
    [("Noor", "Haddad", "2012-05-16", 4), ("Sami", "Haddad", "2017-10-02", 5)],
    [("Jo", "Quill", "2016-06-06", None), ("Max", "Quill", "2020-02-29", None)],
    [("Lea", "Vance", "2021-12-24", 6)],
]  # fmt: skip
AGENCIES = ["example-primary-school", "example-police", "example-health-visiting"]
ADDRESSES = [f"{who}@front-door.example" for who in ("amina", "maya", "ben", "sam")] + ["dsl@school.example"]
MODELS: list[type[Model]] = [*apps.get_app_config("casework").get_models(), CalendarDay]
TABLES = [model._meta.db_table for model in MODELS if not model._meta.proxy]


def person(username: str) -> User:
    """Fresh, as a request has it."""
    return User.objects.get(username=username)


def words(said: str) -> bool:
    return bool(said.strip())


def pick(number: int, likely: Sequence[Thing], others: Sequence[Thing] = ()) -> Thing:
    """By its number: mostly one of the likely ones, else whatever there is."""
    among = likely if likely and (number < 24 or not others) else others or likely
    return among[number % len(among)]


def fingerprint() -> list[tuple[Any, ...]]:
    """Changes when any row of the story changes."""
    versions = " UNION ALL ".join(
        f"SELECT {number}, count(*), sum(hashtextextended(ctid::text || xmin::text, 0)) FROM {table}"
        for number, table in enumerate(TABLES)
    )
    return run(f"{versions} ORDER BY 1")


def broken() -> dict[str, int]:
    """Every invariant that is broken, in one statement."""
    (counts,) = run("SELECT " + ", ".join(f"({each.counts})" for each in integrity.INVARIANTS))
    return {each.says: count for each, count in zip(integrity.INVARIANTS, counts, strict=True) if count}


class FrontDoor(RuleBasedStateMachine):
    """The service, its people, the families, and time."""

    sink: Sink
    steps: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger()
        self.documents: list[tuple[dict[str, Any], str, str]] = []
        self.reminded: dict[int, tuple[int, str]] = {}
        self.now = local(MOMENTS[0])
        self.sink.letters.clear()
        self.sink.refuses.clear()
        self.undone = ExitStack()
        self.undone.enter_context(transaction.atomic())
        self.undone.callback(transaction.set_rollback, True)

    def teardown(self) -> None:
        self.undone.close()

    @initialize(moment=st.sampled_from(MOMENTS), needs=st.lists(st.sampled_from(list(NEEDS)), min_size=2, max_size=4))
    def it_is(self, moment: str, needs: list[str]) -> None:
        """Some families are known already: one waits, another has its team."""
        self.now = local(moment)
        for family, need in enumerate(needs):
            contact = self._receive(self.about(family, need), AGENCIES[0], f"key {family}")
            if family % 2 and contact:
                self._decide(contact, 0)

    def attempt(self, may: bool | None, action: Callable[..., Thing], **said: Any) -> Thing | None:
        """
        Do it, and return what it gave; None where it was refused: with a sentence, and nothing changed.

        :param may: whether the ledger allows it; None where it cannot tell.
        """
        name = f"{action.__module__.rpartition('.')[2]}.{action.__name__}"
        before = None if may else fingerprint()
        refused = None
        try:
            given = action(**said)
            settle()
        except SENTENCES as error:
            refused = error
        if refused is not None:
            assert may is not True, f"{name} was refused: {refused!r}"
            assert str(refused).endswith("."), refused
            assert before is None or fingerprint() == before, f"{name} was refused and changed something: {refused!r}"
            self.steps[f"{name}, refused"] += 1
            return None
        assert may is not False, f"{name} went through"
        self.steps[name] += 1
        self.now += SECOND
        return given

    def somebody(self, who: int | str, right: Iterable[str]) -> str:
        """By a number one of those who may; by a name that person, whoever it is."""
        may = sorted(right)
        if isinstance(who, str):
            return who
        return may[who % len(may)] if may else CAST[who]

    # ---- time

    @rule(
        how=st.one_of(
            st.sampled_from([1, 7, 30, 60, 61, 240, 720, 1440, 4320, 10080, 20160, 43200]),
            st.tuples(st.sampled_from(["due", "due", "opening"]), st.integers(0, 3), st.integers(-1, 1)),
        )
    )
    def time_passes(self, how: int | tuple[str, int, int]) -> None:
        """By minutes, until the hub opens, or to the very second of one of the next steps of a clock."""
        if isinstance(how, int):
            self.now += how * MINUTE
            return
        what, which, seconds = how
        if what == "opening":
            tomorrow = at(local_day(self.now) + DAYS, datetime.min.time())
            self.now = calendar_now.current().counted_start(tomorrow, local=True) + seconds * SECOND
            return
        ahead = Clock.objects.running().filter(next_at__gt=self.now + SECOND).order_by("next_at")[:4]
        if moments := [clock.next_at for clock in ahead if clock.next_at]:
            self.now = moments[which % len(moments)] + seconds * SECOND

    # ---- contacts

    @rule(
        family=st.integers(0, len(FAMILIES) - 1), children=st.integers(0, 6), need=st.sampled_from(list(NEEDS)),
        asked=st.sampled_from(["given", "not_sought", "not_sought", "refused"]), home=st.sampled_from(HOMES),
        by=st.one_of(st.sampled_from(AGENCIES), st.sampled_from(["oliver", "amina", "erin", "ben", "sam"])),
        phone=st.booleans(), email=st.booleans(), level_4=st.sampled_from([False] * 5 + [True]),
    )  # fmt: skip
    def receive(
        self, family: int, children: int, need: str, asked: str, home: str | None, by: str, phone: bool, email: bool,
        level_4: bool,
    ) -> None:  # fmt: skip
        document = self.about(family, need, children=children, home=home, asked=asked) | {
            "received_by_phone": phone,
            "referrer_level": 4 if level_4 else 2,
            "referrer": {"name": "A teacher", "email": "dsl@school.example" if email else None},
        }
        self._receive(document, by, f"key {len(self.documents)}")

    def about(
        self, family: int, need: str, *, children: int = 1, home: str | None = "HP20 1UA", asked: str = "given"
    ) -> dict[str, Any]:
        """What a contact says about some children of a family: one bit for each."""
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

    def _receive(self, document: dict[str, Any], by: str, key: str) -> AContact | None:
        is_agency = by in AGENCIES
        actor: User | Agency = Agency.objects.get(code=by) if is_agency else person(by)
        now, is_open = self.now, calendar_now.current().is_open(self.now)
        received = self.attempt(
            is_agency or is_front_door(by), contacts.receive, document=document, by=actor, now=now, idempotency_key=key
        )
        if received is None:
            return None
        contact, self.documents = received.contact, [*self.documents, (document, by, key)]
        assert received.is_new
        assert contact.team.code == (NIGHT if contact.rag == "red" and not is_open else DAY)
        known = self.ledger.contacts[contact.pk] = AContact(
            pk=contact.pk, reference=contact.reference, team=contact.team.code, received_at=now, by_agency=is_agency,
            has_email=bool(document["referrer"]["email"]), by_phone=document["received_by_phone"],
            acknowledged=is_agency and not document["referrer"]["email"],
        )  # fmt: skip
        return known

    @precondition(lambda self: self.documents)
    @rule(which=WHICH, changed=st.sampled_from([False, False, True]))
    def receive_again(self, which: int, changed: bool) -> None:
        """The same key: the contact that it brought, or a sentence where the document is another."""
        document, by, key = pick(which, self.documents)
        actor: User | Agency = Agency.objects.get(code=by) if by in AGENCIES else person(by)
        document = document | {"received_by_phone": not document["received_by_phone"]} if changed else document
        before = fingerprint()
        again = self.attempt(
            not changed, contacts.receive, document=document, by=actor, now=self.now, idempotency_key=key
        )
        assert again is None or not again.is_new
        assert fingerprint() == before

    @precondition(lambda self: self.ledger.contacts)
    @rule(which=WHICH, who=WHO)
    def look_at_a_contact(self, which: int, who: int | str) -> None:
        contact = pick(which, self.ledger.waiting, list(self.ledger.contacts.values()))
        looker = self.somebody(who, filter(contact.is_seen_by, CAST))
        self.attempt(
            contact.is_seen_by(looker), looking.at_contact, reference=contact.reference, by=person(looker), now=self.now
        )

    @precondition(lambda self: self.ledger.contacts)
    @rule(
        which=WHICH, who=WHO, said=WORDS, tomorrow=st.sampled_from([False] * 5 + [True]),
        service=st.sampled_from(["given", "given", "refused", "withdrawn", "not_sought", "perhaps"]),
    )  # fmt: skip
    def record_agreement(self, which: int, who: int | str, said: str, tomorrow: bool, service: str) -> None:
        contact = pick(which, self.ledger.waiting, list(self.ledger.contacts.values()))
        by = self.somebody(who, filter(is_front_door, CAST))
        told = service == "not_sought" or words(said)
        may = is_front_door(by) and contact.status == "received" and service != "perhaps" and told and not tomorrow
        self.attempt(
            may, contacts.record_agreement, contact_id=contact.pk, service=service, given_by=said,
            on=local_day(self.now) + tomorrow * DAYS, by=person(by), now=self.now,
        )  # fmt: skip

    @precondition(lambda self: self.ledger.contacts)
    @rule(which=WHICH, who=WHO, stale=st.sampled_from([False] * 4 + [True]), plan=st.sampled_from([None, False, True]))
    def record_checks(self, which: int, who: int | str, stale: bool, plan: bool | None) -> None:
        contact = pick(which, self.ledger.waiting, list(self.ledger.contacts.values()))
        by = self.somebody(who, filter(is_front_door, CAST))
        row = Contact.objects.get(pk=contact.pk)
        seen = row.recommendations.earliest("pk").pk if stale else row.recommendation_id
        may = is_front_door(by) and contact.status == "received" and seen == row.recommendation_id
        self.attempt(
            may, contacts.record_checks, contact_id=contact.pk, recommendation_id=seen, sibling_on_cp_plan=plan,
            children={entry.pk: (plan, None) for entry in row.children.all()}, by=person(by), now=self.now,
        )  # fmt: skip

    @precondition(lambda self: self.ledger.waiting)
    @rule(which=WHICH, who=WHO, same=st.booleans())
    def settle_a_match(self, which: int, who: int | str, same: bool) -> None:
        matches = list(PersonMatch.objects.select_related("child").order_by("status", "pk"))
        if not matches:
            return
        match = pick(which, [each for each in matches if each.status == "proposed"], matches)
        contact = self.ledger.contacts[match.child.contact_id]
        by = self.somebody(who, filter(is_front_door, CAST))
        may = is_front_door(by) and contact.status == "received" and match.status == "proposed"
        self.attempt(
            may, contacts.settle_match, contact_id=contact.pk, match_id=match.pk, same=same, by=person(by), now=self.now
        )

    @precondition(lambda self: self.ledger.contacts)
    @rule(which=WHICH, who=WHO, how=st.sampled_from(["acknowledge", "feed back", "confirm"]))
    def tell_the_referrer(self, which: int, who: int | str, how: str) -> None:
        contact = pick(which, list(self.ledger.contacts.values()))
        by = self.somebody(who, filter(is_front_door, CAST))
        may, action = is_front_door(by), contacts.acknowledge
        match how:
            case "acknowledge":
                may &= not contact.acknowledged
            case "feed back":
                may, action = may and contact.status == "decided" and not contact.fed_back, contacts.give_feedback
            case _:
                may, action = may and contact.by_phone and not contact.confirmed, contacts.confirm_in_writing
        if self.attempt(may, action, contact_id=contact.pk, by=person(by), now=self.now):
            contact.acknowledged |= how == "acknowledge"
            contact.fed_back |= how == "feed back"
            contact.confirmed |= how == "confirm"

    # ---- partners

    @precondition(lambda self: self.ledger.contacts)
    @rule(which=WHICH, who=WHO, agency=st.sampled_from([*AGENCIES, "nobody"]), question=WORDS)
    def ask_a_partner(self, which: int, who: int | str, agency: str, question: str) -> None:
        contact = pick(which, self.ledger.waiting, list(self.ledger.contacts.values()))
        by = self.somebody(who, filter(is_front_door, CAST))
        asked = {name for name, _ in contact.asked.values()}
        may = (
            is_front_door(by) and contact.status == "received" and words(question) and agency not in {"nobody", *asked}
        )
        found = Agency.objects.filter(code=agency).first()
        red = Contact.objects.get(pk=contact.pk).rag == "red"
        check = self.attempt(
            may, partner_checks.ask, contact_id=contact.pk, agency_id=found and found.pk, question=question,
            by=person(by), now=self.now,
        )  # fmt: skip
        if check:
            contact.asked[check.pk] = (agency, "partner_check_red" if red else "partner_check")
            self.ledger.questions[check.pk] = contact.pk

    @precondition(lambda self: self.ledger.questions)
    @rule(which=WHICH, who=WHO, answers=st.booleans(), said=WORDS)
    def hear_from_a_partner(self, which: int, who: int | str, answers: bool, said: str) -> None:
        asked = [pk for pk, contact in self.ledger.questions.items() if pk in self.ledger.contacts[contact].asked]
        pk = pick(which, asked, list(self.ledger.questions))
        contact = self.ledger.contacts[self.ledger.questions[pk]]
        by = self.somebody(who, filter(is_front_door, CAST))
        action: Callable[..., PartnerCheck] = partner_checks.record_answer if answers else partner_checks.withdraw
        may = is_front_door(by) and pk in contact.asked and words(said)
        if self.attempt(
            may, action, check_id=pk, **{"answer" if answers else "reason": said}, by=person(by), now=self.now
        ):
            del contact.asked[pk]

    # ---- between night and day

    @precondition(lambda self: self.ledger.contacts)
    @rule(which=WHICH, who=WHO, note=WORDS)
    def hand_a_contact_over(self, which: int, who: int | str, note: str) -> None:
        contact = pick(which, self.ledger.waiting, list(self.ledger.contacts.values()))
        by = self.somebody(who, [each for each in CAST if works_in(each, contact.team)])
        may = works_in(by, contact.team) and contact.status == "received" and not contact.passed and words(note)
        now = self.now
        if self.attempt(may, handovers.hand_over, contact_id=contact.pk, note=note, by=person(by), now=now):
            contact.passes_to(DAY if contact.team == NIGHT else NIGHT, now)

    @precondition(lambda self: self.ledger.contacts)
    @rule(which=WHICH, who=WHO)
    def take_a_contact_on(self, which: int, who: int | str) -> None:
        everything = list(self.ledger.contacts.values())
        contact = pick(which, [each for each in everything if each.passed], everything)
        by = self.somebody(who, [each for each in CAST if works_in(each, contact.team)])
        may = works_in(by, contact.team) and contact.passed
        if self.attempt(may, handovers.take_on, contact_id=contact.pk, by=person(by), now=self.now):
            contact.passed = False

    def pass_to_the_day_team(self) -> None:
        working_time, now = calendar_now.current(), self.now
        expected: list[AContact] = []
        if working_time.is_open(now):
            today = local_day(now)
            expected = self.ledger.at_night(at(today, working_time.hours[today.weekday()].opens))
        assert self.attempt(True, handovers.pass_at_opening, now=now) == len(expected)
        for contact in expected:
            contact.passes_to(DAY, now)

    # ---- clocks and the calendar

    @precondition(lambda self: self.ledger.contacts)
    @rule(which=WHICH, who=WHO, reason=WORDS, how=st.sampled_from(["pause", "pause", "resume"]))
    def stop_or_start_a_clock(self, which: int, who: int | str, reason: str, how: str) -> None:
        every = list(Clock.objects.select_related("policy", "contact").order_by("pk"))
        sought = {clock.contact_id for clock in every if clock.kind == "agreement_sought" and not clock.stopped_at}
        paused = [clock for clock in every if clock.paused_at]
        could = [clock for clock in every if clock.policy.may_pause and clock.contact_id in sought]
        clock = pick(which, paused if how == "resume" else could, every)
        by = self.somebody(who, filter(is_front_door, CAST))
        may = is_front_door(by) and words(reason)
        if how == "resume":
            may &= clock.paused_at is not None
        else:
            may &= clock in could and not clock.paused_at and not clock.stopped_at and clock.due_at > self.now
            may &= clock.contact is not None and clock.contact.rag != "red"
        action = clock_changes.resume if how == "resume" else clock_changes.pause
        due_at = clock.due_at
        changed = self.attempt(may, action, clock_id=clock.pk, reason=reason, by=person(by), now=self.now)
        if changed:
            assert changed.due_at >= due_at
            assert (changed.paused_at is None) == (how == "resume")

    @precondition(lambda self: self.ledger.contacts)
    @rule(which=WHICH, who=WHO, reason=WORDS, days=st.sampled_from([1, 1, 3, 10, 91, 93, -1, None]))
    def extend_a_clock(self, which: int, who: int | str, reason: str, days: int | None) -> None:
        every = list(Clock.objects.select_related("policy").order_by("pk"))
        running = [each for each in every if not each.stopped_at and each.policy.unit != "hour"]
        clock = pick(which, [each for each in running if each.contact_id or each.case_id], every)
        holder = None
        if clock.contact_id:
            holder = self.ledger.contacts[clock.contact_id].team
        elif clock.case_id and self.ledger.cases[clock.case_id].is_open:
            holder = self.ledger.cases[clock.case_id].holder
        right = [
            each
            for each in CAST
            if has(each, "service_manager") or (holder and has(each, clock.policy.escalates_to, team=holder))
        ]
        by = self.somebody(who, right)
        due_at = max(clock.due_at, self.now) if days and days > 0 else clock.due_at
        to = None if days is None else due_at + days * DAYS
        may = (
            by in right and holder is not None and clock in running and not clock.paused_at and words(reason)
            and to is not None and max(clock.due_at, self.now) < to <= clock.due_at + 92 * DAYS
        )  # fmt: skip
        changed = self.attempt(
            may, clock_changes.extend, clock_id=clock.pk, to=to, reason=reason, by=person(by), now=self.now
        )
        assert changed is None or changed.due_at == to

    @rule(days=st.integers(-2, 12), kind=st.sampled_from([*DayKind.values, ""]))
    def change_the_calendar(self, days: int, kind: str) -> None:
        on: date = local_day(self.now) + days * DAYS
        stands = CalendarDay.objects.filter(date=on).first()
        said = {"by": person("adele"), "now": self.now}
        if kind:
            day = CalendarDay(pk=stands.pk if stands else None, date=on, kind=kind, name="So it is")
            self.attempt(True, calendar.change_day, day=day, before=stands, **said)
        elif stands:
            self.attempt(True, calendar.remove_day, day=stands, **said)

    def compute_clocks_again(self) -> None:
        """Whatever was paused, extended and edited in between: each clock is due as if it had been known all along."""
        self.attempt(True, calendar.recompute, clock=lambda: self.now)
        assert not CalendarEdit.objects.filter(finished_at=None).exists()
        working_time = calendar_now.current()
        for clock in Clock.objects.running().select_related("policy"):
            when = clocks.recomputed(clock, clock.changes.all(), working_time)
            assert (clock.warn_at, clock.due_at, clock.escalate_at) == (when.warn_at, when.due_at, when.escalate_at), (
                clock, when,
            )  # fmt: skip

    # ---- decisions

    @precondition(lambda self: self.ledger.contacts)
    @rule(
        which=WHICH, who=WHO, looks=st.sampled_from([True, True, False]), rationale=WORDS,
        how=st.one_of(st.none(), st.none(), st.sampled_from(PATHWAYS)), stale=st.sampled_from([False] * 5 + [True]),
        team=st.one_of(st.none(), st.none(), TEAMS),
    )  # fmt: skip
    def decide(
        self, which: int, who: int | str, looks: bool, rationale: str, how: tuple[str, int, str] | None, stale: bool,
        team: str | None,
    ) -> None:  # fmt: skip
        contact = pick(which, self.ledger.waiting, list(self.ledger.contacts.values()))
        self._decide(contact, who, looks=looks, rationale=rationale, how=how, stale=stale, team=team)

    def _decide(
        self, contact: AContact, who: int | str, *, looks: bool = True, rationale: str = "So it is.",
        how: tuple[str, int, str] | None = None, stale: bool = False, team: str | None = None,
    ) -> None:  # fmt: skip
        if looks:
            self.attempt(True, looking.at_contact, reference=contact.reference, by=person("amina"), now=self.now)
        row = Contact.objects.get(pk=contact.pk)
        recommended = row.recommendation
        assert recommended is not None
        pathway, level, rag = how or (recommended.pathway, recommended.level, recommended.rag)
        hard_stop = any(reason["rule"] == "hard_stop" for reason in recommended.result["reasons"])
        managers_only = hard_stop or recommended.hold == "manager"
        roles = ["front_door_manager"] if managers_only else ["front_door_manager", "social_worker"]
        right = [each for each in CAST if is_front_door(each, *roles)]
        by = self.somebody(who, right)
        seen = row.recommendations.earliest("pk").pk if stale else recommended.pk
        may = (
            contact.status == "received" and by in right and seen == recommended.pk and words(rationale)
            and pathway != "prison" and (pathway != "strategy_discussion" or (level, rag) == (4, "red"))
            and not (pathway in ("family_help", "early_help") and row.agreement == "not_sought")
            and not self.opened_since(row, recommended.made_at)
        )  # fmt: skip
        chosen = where = None
        if pathway != "prison":
            where = decisions.preview(row, pathway, household(row), now=self.now)
            team = team or ("aylesbury" if where.pick else None)
            chosen = Team.objects.get(code=team) if team else None
            may &= chosen is None or not (where.ends_here or where.link_to or team in FRONT)
        decision = self.attempt(
            may, decisions.decide, contact_id=contact.pk, recommendation_id=seen, pathway=pathway, level=level, rag=rag,
            rationale=rationale, chosen_team_id=chosen and chosen.pk, chosen_team_reason="They know them.",
            by=person(by), now=self.now,
        )  # fmt: skip
        if decision is None:
            return
        contact.decider = by
        if decision.needs_sign_off:
            contact.status = "sign_off"
        else:
            self.takes_effect(contact, decision)
            if contact.case and contact.case.offer and where and not where.link_to:
                assert contact.case.offer.to_team == (chosen or where.team).code  # type: ignore[union-attr]

    @staticmethod
    def opened_since(row: Contact, moment: datetime) -> bool:
        """Whether a case of one of its children opened since then, and is open."""
        children = row.children.values("person")
        opened = Case.objects.filter(casechild__person__in=children, opened_at__gt=moment, status="open")
        return opened.exclude(pathway="other_authority").exists()

    def takes_effect(self, contact: AContact, decision: Decision) -> None:
        """Whatever follows from a decision in that instant."""
        since = self.now - SECOND
        contact.takes_effect()
        row = Contact.objects.select_related("case").get(pk=contact.pk)
        if row.case is None:
            return
        if row.case.opened_by_decision_id != decision.pk:
            contact.case = self.ledger.cases[row.case.pk]
            assert contact.case.is_open
            return
        case = contact.case = self.ledger.cases[row.case.pk] = ACase(
            pk=row.case.pk, pathway=decision.pathway, rag=decision.rag, received_at=contact.received_at,
            hands=[(contact.team, since, None)],
        )  # fmt: skip
        case.opens()
        handoff = Handoff.objects.select_related("from_team", "to_team").filter(case=row.case).first()
        if handoff is None:
            case.waits_for_a_team()
        else:
            self.is_offered(case, handoff, to=handoff.to_team.code, now=since)

    def is_offered(self, case: ACase, handoff: Handoff, *, to: str, now: datetime) -> None:
        offer = AnOffer(
            pk=handoff.pk, from_team=case.holder, to_team=to, ordinal=case.counted + 1,
            is_bounce=case.would_bounce(to, now), offered_at=now,
        )  # fmt: skip
        assert (handoff.from_team.code, handoff.to_team.code) == (offer.from_team, offer.to_team)
        assert (handoff.ordinal, handoff.is_bounce) == (offer.ordinal, offer.is_bounce)
        case.is_offered(offer)
        self.ledger.handoffs[handoff.pk] = case.pk

    @precondition(lambda self: self.ledger.contacts)
    @rule(which=WHICH, who=WHO, agreed=st.sampled_from([True, True, False]), rationale=WORDS)
    def sign_off(self, which: int, who: int | str, agreed: bool, rationale: str) -> None:
        everything = list(self.ledger.contacts.values())
        contact = pick(which, [each for each in everything if each.status == "sign_off"], everything)
        row = Contact.objects.get(pk=contact.pk)
        right = {each for each in CAST if is_front_door(each, "front_door_manager") or has(each, "service_manager")}
        by = self.somebody(who, right - {contact.decider})
        may = by in right - {contact.decider} and contact.status == "sign_off" and words(rationale)
        if may and agreed:
            seen = row.decisions.latest("pk").recommendation
            may = not self.opened_since(row, seen.made_at)
        decision = self.attempt(
            may, decisions.sign_off, contact_id=contact.pk, agreed=agreed, rationale=rationale, by=person(by),
            now=self.now,
        )  # fmt: skip
        if decision is not None and agreed:
            self.takes_effect(contact, decision)
        elif decision is not None:
            contact.status = "received"

    # ---- cases

    @precondition(lambda self: self.ledger.cases)
    @rule(which=WHICH, who=WHO, to=TEAMS, reason=WORDS, lead_reason=WORDS, despite=WORDS)
    def offer(self, which: int, who: int | str, to: str, reason: str, lead_reason: str, despite: str) -> None:
        held = [case for case in self.ledger.open_cases if not case.offer]
        case = pick(which, held, list(self.ledger.cases.values()))
        questioned = case.counted >= 2
        right = {
            each
            for each in CAST
            if has(each, "service_manager")
            or (
                has(each, "team_lead", "front_door_manager", team=case.holder)
                if questioned
                else works_in(each, case.holder)
            )
        }
        by = self.somebody(who, right)
        may: bool | None = (
            by in right and case in held and to != case.holder and words(reason)
            and (not questioned or words(lead_reason))
        )  # fmt: skip
        if may and not words(despite):
            may = None  # Whether somebody knows the family is for tests/test_continuity.py.
        now = self.now
        handoff = self.attempt(
            may, handoffs.offer, case_id=case.pk, to_team_id=Team.objects.get(code=to).pk, reason=reason,
            lead_reason=lead_reason, despite=despite, by=person(by), now=now,
        )  # fmt: skip
        if handoff is not None:
            self.is_offered(case, handoff, to=to, now=now)

    @precondition(lambda self: self.ledger.handoffs)
    @rule(which=WHICH, who=WHO, how=st.sampled_from(["accept"] * 4 + ["return", "withdraw"]), reason=WORDS)
    def answer_an_offer(self, which: int, who: int | str, how: str, reason: str) -> None:
        open_ones = [case.offer.pk for case in self.ledger.on_offer if case.offer]
        self._answer(pick(which, open_ones, list(self.ledger.handoffs)), who, how, reason)

    def _answer(self, pk: int, who: int | str, how: str, reason: str) -> None:
        case = self.ledger.cases[self.ledger.handoffs[pk]]
        offer = case.offer if case.offer and case.offer.pk == pk else None
        side = (offer.from_team if how == "withdraw" else offer.to_team) if offer else case.holder
        by = self.somebody(who, [each for each in CAST if works_in(each, side)])
        may = offer is not None and works_in(by, side) and (how == "accept" or words(reason))
        now = self.now
        match how:
            case "accept":
                answered = self.attempt(may, handoffs.accept, handoff_id=pk, by=person(by), now=now)
            case "return":
                answered = self.attempt(
                    may, handoffs.return_to_sender, handoff_id=pk, reason=reason, by=person(by), now=now
                )
            case _:
                answered = self.attempt(may, handoffs.withdraw, handoff_id=pk, reason=reason, by=person(by), now=now)
        if answered is None or offer is None:
            return
        if how != "accept":
            case.is_not_accepted(withdrawn=how == "withdraw")
            return
        case.is_accepted(now)
        told = OutboxMessage.objects.filter(
            kind=Message.CASE_BOUNCED, idempotency_key__startswith=f"case_bounced:{pk}:"
        )
        assert told.exists() == offer.is_bounce

    @rule(family=st.integers(0, 3), need=st.sampled_from(["harm", "strong", "three"]), who=st.integers(0, 5))
    def a_team_takes_a_family_on(self, family: int, need: str, who: int) -> None:
        """The usual way, all at once: so that there is something to hand on."""
        contact = self._receive(self.about(family, need), AGENCIES[0], f"key {len(self.documents)}")
        assert contact is not None
        self._decide(contact, who)
        if contact.case and contact.case.offer:
            self._answer(contact.case.offer.pk, who, "accept", "")

    @precondition(lambda self: self.ledger.cases)
    @rule(which=WHICH, who=WHO, lead=WHO)
    def name_a_lead(self, which: int, who: int | str, lead: int | str) -> None:
        case = pick(which, self.ledger.open_cases, list(self.ledger.cases.values()))
        here = [each for each in CAST if works_in(each, case.holder)]
        by, named = self.somebody(who, here), self.somebody(lead, here)
        may = case.is_open and by in here and named in here
        if self.attempt(may, cases.name_lead, case_id=case.pk, lead_id=person(named).pk, by=person(by), now=self.now):
            case.names(named)

    @precondition(lambda self: self.ledger.cases)
    @rule(
        which=WHICH, who=WHO, kind=st.sampled_from([*MilestoneKind.values, "party"]),
        ago=st.sampled_from([0, 0, 0, 60, 86_400, 86_400_000, -60]),
    )  # fmt: skip
    def record_a_milestone(self, which: int, who: int | str, kind: str, ago: int) -> None:
        case = pick(which, self.ledger.open_cases, list(self.ledger.cases.values()))
        here = [each for each in CAST if works_in(each, case.holder)]
        by, happened = self.somebody(who, here), self.now - ago * SECOND
        may = case.is_open and by in here and kind != "party" and case.received_at <= happened <= self.now
        if self.attempt(
            may, cases.record_milestone, case_id=case.pk, kind=kind, at=happened, by=person(by), now=self.now
        ):
            case.records(kind)

    @precondition(lambda self: self.ledger.cases)
    @rule(which=WHICH, who=WHO, known=st.sampled_from([True, True, False]))
    def name_the_other_authority(self, which: int, who: int | str, known: bool) -> None:
        case = pick(which, self.ledger.open_cases, list(self.ledger.cases.values()))
        here = [each for each in CAST if works_in(each, case.holder)]
        by = self.somebody(who, here)
        authority = OtherAuthority.objects.earliest("pk").pk if known else None
        if self.attempt(
            case.is_open and by in here and known, cases.name_other_authority, case_id=case.pk, authority_id=authority,
            by=person(by), now=self.now,
        ):  # fmt: skip
            case.other_authority = True

    @precondition(lambda self: self.ledger.cases)
    @rule(
        which=WHICH, who=WHO, summary=WORDS,
        outcome=st.sampled_from(["needs_met", "needs_met", "no_progress", "other_authority", "bliss"]),
    )  # fmt: skip
    def close(self, which: int, who: int | str, summary: str, outcome: str) -> None:
        case = pick(which, self.ledger.open_cases, list(self.ledger.cases.values()))
        here = [each for each in CAST if works_in(each, case.holder)]
        by, now = self.somebody(who, here), self.now
        may = (
            case.is_open and by in here and case.holder not in FRONT and not case.offer and words(summary)
            and outcome != "bliss" and (outcome != "other_authority" or case.other_authority)
            and "strategy_discussion" not in case.running
        )  # fmt: skip
        if self.attempt(may, cases.close, case_id=case.pk, outcome=outcome, summary=summary, by=person(by), now=now):
            case.closes(now)

    # ---- what goes on by itself

    @rule(what=st.sampled_from(["sweep", "sweep", "drain", "drain", "recompute", "pass"]))
    def the_worker_runs(self, what: str) -> None:
        match what:
            case "sweep":
                self.sweep()
            case "drain":
                self.drain()
            case "recompute":
                self.compute_clocks_again()
            case _:
                self.pass_to_the_day_team()

    def sweep(self) -> None:
        """Everything that is due is said, to somebody."""
        now = self.now
        self.attempt(True, reminders.sweep, now=now)
        for clock in Clock.objects.running().filter(paused_at=None).prefetch_related("reminders"):
            said = {reminder.step for reminder in clock.reminders.all()}
            due = [step for step, moment in steps_of(clock) if moment <= now]
            assert not due or due[-1] in said or "escalation" in said, f"{clock}: {due[-1]} was not said"
        assert not Reminder.objects.filter(messages=None).exists(), "nobody was told"

    def drain(self) -> None:
        self.attempt(True, outbox.drain, clock=lambda: self.now, connect=self.sink.connect)
        for pk, kind in (
            OutboxMessage.objects.exclude(sent_at=None).exclude(contact=None).values_list("contact", "kind")
        ):
            self.ledger.contacts[pk].acknowledged |= kind == Message.ACKNOWLEDGEMENT
            self.ledger.contacts[pk].fed_back |= kind == Message.FEEDBACK
        self.ledger.parked.update(OutboxMessage.objects.exclude(parked_at=None).values_list("pk", flat=True))

    @rule(
        address=st.sampled_from(ADDRESSES), answer=st.sampled_from(["421 not now", "550 nobody here", ""]),
        for_days=st.booleans(),
    )  # fmt: skip
    def the_mail_server_changes_its_mind(self, address: str, answer: str, for_days: bool) -> None:
        self.sink.refuses.pop(address, None)
        if answer:
            self.sink.refuses[address] = answer
        if for_days:
            # What is refused has been tried as often as it can be, but once.
            tried = OutboxMessage.objects.filter(sent_at=None, parked_at=None, carried_by=None, attempts__gt=0)
            tried.filter(to__in=self.sink.refuses).update(attempts=outbox.MOST_ATTEMPTS - 1, not_before=self.now)
            self.drain()

    @rule(which=WHICH, who=WHO, reason=WORDS, drops=st.booleans())
    def see_to_a_message(self, which: int, who: int | str, reason: str, drops: bool) -> None:
        every = list(OutboxMessage.objects.order_by("pk"))
        if not every:
            return
        parked = [each for each in every if each.parked_at and not each.dropped_at and not each.carried_by_id]
        message = pick(which, parked, every)
        by = self.somebody(who, ["adele", "sam"])
        may = by in ("adele", "sam") and message in parked and (not drops or words(reason))
        said: dict[str, Any] = {"message_id": message.pk, "by": person(by), "now": self.now}
        if drops:
            self.attempt(may, outbox.drop, reason=reason, **said)
        else:
            self.attempt(may, outbox.retry, **said)

    @rule(
        which=WHICH, who=WHO, reason=WORDS,
        until=st.sampled_from(["", "", "hour", "half_day", "next_working_day", "for ever"]),
    )  # fmt: skip
    def see_or_snooze_a_reminder(self, which: int, who: int | str, reason: str, until: str) -> None:
        every = list(Reminder.objects.select_related("clock", "user", "team").order_by("pk"))
        if not every:
            return
        reminder = pick(which, [each for each in every if not each.clock.stopped_at], every)
        if reminder.user:
            right = [reminder.user.username]
        elif reminder.team is None:
            right = [each for each in CAST if has(each, reminder.role, team="")]
        elif reminder.role:
            right = [each for each in CAST if has(each, reminder.role, team=reminder.team.code)]
        else:
            right = [each for each in CAST if works_in(each, reminder.team.code)]
        by = self.somebody(who, right)
        said = {"reminder_id": reminder.pk, "by": person(by), "now": self.now}
        if not until:
            self.attempt(by in right, reminder_looks.see, **said)
            return
        may = by in right and not reminder.clock.stopped_at and until != "for ever" and words(reason)
        look = self.attempt(may, reminder_looks.snooze, until=until, reason=reason, **said)
        assert look is None or (look.snoozed_until and look.snoozed_until > look.at)

    # ---- what must be so, after every step

    @invariant()
    def what_must_be_so(self) -> None:
        assert broken() == {}
        self.everything_stands_where_the_ledger_has_it()
        self.no_clock_is_lost_and_none_runs_for_nothing()
        self.nothing_is_said_twice()
        self.every_letter_goes_out_once_and_in_its_turn()

    def everything_stands_where_the_ledger_has_it(self) -> None:
        ledger = self.ledger
        assert set(Contact.objects.values_list("pk", "status", "team__code", "case")) == {
            (each.pk, each.status, each.team, each.case.pk if each.case else None) for each in ledger.contacts.values()
        }
        assert set(ContactHandover.objects.open().values_list("contact", flat=True)) == {
            each.pk for each in ledger.contacts.values() if each.passed
        }
        assert set(PartnerCheck.objects.filter(status="asked").values_list("pk", flat=True)) == {
            pk for each in ledger.contacts.values() for pk in each.asked
        }
        assert set(Case.objects.values_list("pk", "status", "lead_practitioner__username")) == {
            (each.pk, "open" if each.is_open else "closed", each.lead) for each in ledger.cases.values()
        }
        held = Responsibility.objects.values_list("case", "team__code", "period__startswith", "period__endswith")
        assert set(held) == {(each.pk, *hand) for each in ledger.cases.values() for hand in each.hands}
        assert set(Handoff.objects.filter(status="offered").values_list("pk", "case", "to_team__code")) == {
            (each.offer.pk, each.pk, each.offer.to_team) for each in ledger.on_offer if each.offer
        }

    def no_clock_is_lost_and_none_runs_for_nothing(self) -> None:
        rated = {
            pk: (rag, hold or "") for pk, rag, hold in Contact.objects.values_list("pk", "rag", "recommendation__hold")
        }
        running = list(Clock.objects.running().prefetch_related("reminders"))
        subjects = ("contact", "case", "handoff", "partner_check")
        found = [
            (subject, pk, clock.kind)
            for clock in running
            for subject in subjects
            if (pk := getattr(clock, f"{subject}_id"))
        ]
        assert Counter(found) == Counter(self.ledger.clocks(rated))
        for clock in running:
            said = [reminder.step for reminder in clock.reminders.all()]
            left = [moment for step, moment in steps_of(clock) if not said or step not in upto(said)]
            # Nobody is told while it is paused; else the sweep comes back for the next step.
            assert clock.next_at == (None if clock.paused_at or not left else left[0]), (clock, said)

    def nothing_is_said_twice(self) -> None:
        reminded = {pk: (clock, step) for pk, clock, step in Reminder.objects.values_list("pk", "clock", "step")}
        assert reminded.items() >= self.reminded.items(), "a reminder was taken back"
        assert len(set(reminded.values())) == len(reminded)
        self.reminded = reminded

    def every_letter_goes_out_once_and_in_its_turn(self) -> None:
        sent = Counter(str(letter["Idempotency-Key"]) for letter in self.sink.letters)
        messages = list(OutboxMessage.objects.order_by("pk"))
        keys = {hashlib.sha256(each.idempotency_key.encode()).hexdigest()[:32]: each for each in messages}
        assert sent == Counter(key for key, each in keys.items() if each.sent_at and not each.carried_by_id)
        carried = {each.pk: [other for other in messages if other.carried_by_id == each.pk] for each in messages}
        for leader in messages:
            stands = (leader.sent_at, leader.to, leader.dropped_at)
            assert {(each.sent_at, each.to, each.dropped_at) for each in carried[leader.pk]} <= {stands}
        went = [keys[str(letter["Idempotency-Key"])] for letter in self.sink.letters]
        told = [each for leader in went for each in sorted([leader, *carried[leader.pk]], key=lambda one: one.pk)]
        overtaken = in_order(
            (each.to, each.pk, each.contact_id, each.case_id) for each in told if each.pk not in self.ledger.parked
        )
        assert overtaken == [], "what was written first went out later"


def steps_of(clock: Clock) -> list[tuple[str, datetime]]:
    return [("warning", clock.warn_at), ("breach", clock.due_at), ("escalation", clock.escalate_at)]


def upto(said: Iterable[str]) -> list[str]:
    """The steps up to the last one that was said: what comes before it is not said any more."""
    steps = ["warning", "breach", "escalation"]
    return steps[: max(steps.index(step) for step in said) + 1]


def test_whatever_people_do(
    committed: str, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    # That a message was refused is no news here.
    caplog.set_level(logging.ERROR, "casework.actions.outbox")
    with mail_server() as sink:
        FrontDoor.sink = sink
        FrontDoor.steps.clear()
        run_state_machine_as_test(FrontDoor, settings=WAYS)
    if RUNS:
        with capsys.disabled():
            sys.stdout.write(f"\n{sum(FrontDoor.steps.values())} actions: {FrontDoor.steps}\n")
