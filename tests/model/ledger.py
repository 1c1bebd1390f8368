"""
The ledger: what must be so, kept in plain Python beside the service. Who has which contact and which case, what runs,
and who may do what next, as the design and the page "How clocks count" have it; the machine compares.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from localities.loading import BUCKINGHAMSHIRE

THIRTY_DAYS = timedelta(days=30)
FRONT = frozenset({"front-door", "emergency-duty"})
DAY, NIGHT = "front-door", "emergency-duty"
AT_FRONT_DOOR = frozenset({"contact_officer", "social_worker", "front_door_manager"})
OVERSEERS = frozenset({"service_manager", "practice_lead", "auditor", "information_governance"})

# Which clocks of a case a milestone answers, and which ones it starts.
ANSWERS = {
    "first_family_contact": {"first_family_contact"},
    "family_help_assessment": {"family_help_assessment"},
    "plan_agreed": {"family_help_plan"},
    "plan_reviewed": {"plan_review", "later_plan_review"},
    "social_work_assessment": {"social_work_assessment"},
    "strategy_discussion_held": {"strategy_discussion"},
    "initial_conference_held": {"initial_conference"},
    "core_group_held": {"core_group"},
    "review_conference_held": {"first_review_conference", "later_review_conference"},
}
STARTS = {
    "plan_agreed": {"plan_review"},
    "plan_reviewed": {"later_plan_review"},
    "strategy_discussion_held": {"initial_conference"},
    "initial_conference_held": {"core_group", "first_review_conference"},
    "review_conference_held": {"later_review_conference"},
}


def _posts() -> dict[str, list[tuple[str, str]]]:
    with (BUCKINGHAMSHIRE / "users.csv").open(encoding="utf-8", newline="") as file:
        return {row["username"]: [(row["role"], row["team"])] for row in csv.DictReader(file)}


# By user name: the roles that somebody has, each with its team ("" for the whole service).
POSTS = _posts()
CAST = sorted(POSTS)


def works_in(who: str, *teams: str) -> bool:
    return any(team in teams for _, team in POSTS[who])


def has(who: str, *roles: str, team: str | None = None) -> bool:
    return any(role in roles and team in (None, where) for role, where in POSTS[who])


def is_front_door(who: str, *roles: str) -> bool:
    """Whether somebody works at the front door or on emergency duty, in one of these roles where any are given."""
    return any(team in FRONT and role in (roles or AT_FRONT_DOOR) for role, team in POSTS[who])


def oversees(who: str) -> bool:
    return has(who, *OVERSEERS)


@dataclass
class AnOffer:
    pk: int
    from_team: str
    to_team: str
    ordinal: int
    is_bounce: bool
    offered_at: datetime


@dataclass
class ACase:
    pk: int
    pathway: str
    rag: str
    received_at: datetime
    # Team, from when, until when: the last one has it.
    hands: list[tuple[str, datetime, datetime | None]]
    offer: AnOffer | None = None
    counted: int = 0
    lead: str | None = None
    other_authority: bool = False
    is_open: bool = True
    running: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)

    @property
    def holder(self) -> str:
        return self.hands[-1][0]

    def is_seen_by(self, who: str) -> bool:
        return oversees(who) or works_in(who, self.holder) or bool(self.offer and works_in(who, self.offer.to_team))

    def opens(self) -> None:
        if self.pathway == "strategy_discussion":
            self.running.add("strategy_discussion")
        if self.pathway in ("social_work_assessment", "strategy_discussion"):
            self.running.add("social_work_assessment")

    def waits_for_a_team(self) -> None:
        if self.holder in FRONT:
            self.running.add("next_team_offered_red" if self.rag == "red" else "next_team_offered")

    def is_offered(self, offer: AnOffer) -> None:
        self.offer, self.counted = offer, self.counted + 1
        self.running -= {"next_team_offered", "next_team_offered_red"}

    def is_accepted(self, now: datetime) -> None:
        assert self.offer is not None
        team, since, _ = self.hands[-1]
        self.hands[-1] = (team, since, now)
        self.hands.append((self.offer.to_team, now, None))
        self.offer, self.lead = None, None
        if self.holder in FRONT:
            self.waits_for_a_team()
            return
        if self.pathway != "other_authority":
            self.running.add("lead_practitioner_named")
            self.running |= {"first_family_contact"} - self.done
        if self.pathway == "family_help":
            self.running |= {"family_help_assessment", "family_help_plan"} - self.done

    def is_not_accepted(self, *, withdrawn: bool) -> None:
        self.offer, self.counted = None, self.counted - withdrawn
        self.waits_for_a_team()

    def names(self, lead: str) -> None:
        self.lead = lead
        self.running.discard("lead_practitioner_named")

    def records(self, milestone: str) -> None:
        self.done |= self.running & ANSWERS[milestone]
        self.running -= ANSWERS[milestone]
        self.running |= STARTS.get(milestone, set())

    def closes(self, now: datetime) -> None:
        team, since, _ = self.hands[-1]
        self.hands[-1] = (team, since, now)
        self.is_open = False
        self.running.clear()

    def would_bounce(self, to: str, now: datetime) -> bool:
        return any(team == to and until and until >= now - THIRTY_DAYS for team, _, until in self.hands)


@dataclass
class AContact:
    pk: int
    reference: str
    team: str
    received_at: datetime
    by_agency: bool
    has_email: bool
    by_phone: bool
    status: str = "received"
    decider: str = ""
    case: ACase | None = None
    # When it passed to the team that has it, while nobody has taken it on; and when it last passed to the night.
    passed: bool = False
    left_for_the_night_at: datetime | None = None
    # The questions to partners by their ids: the agency and the kind of clock, of those that are open.
    asked: dict[int, tuple[str, str]] = field(default_factory=dict)
    acknowledged: bool = False
    fed_back: bool = False
    confirmed: bool = False

    def is_seen_by(self, who: str) -> bool:
        return is_front_door(who) or oversees(who) or bool(self.case and self.case.is_seen_by(who))

    def passes_to(self, team: str, now: datetime) -> None:
        self.team, self.passed = team, True
        if team == NIGHT:
            self.left_for_the_night_at = now

    def takes_effect(self) -> None:
        self.status, self.passed = "decided", False
        self.asked.clear()
        self.fed_back = self.by_agency and not self.has_email

    def runs(self, rag: str, hold: str) -> set[str]:
        """The clocks that must run, as it is rated and held now."""
        decided = self.status == "decided"
        wanted = {
            "acknowledge_referrer": not self.acknowledged,
            "written_confirmation": self.by_phone and not self.confirmed,
            "next_step_decision": not decided,
            f"final_decision_{rag}": not decided,
            "agreement_sought": not decided and hold == "agreement",
            "contact_taken_on": self.passed,
            "feedback_to_referrer": decided and not self.fed_back,
        }
        return {kind for kind, runs in wanted.items() if runs}


@dataclass
class Ledger:
    contacts: dict[int, AContact] = field(default_factory=dict)
    cases: dict[int, ACase] = field(default_factory=dict)
    # What was sent in: the document, by whom, and the idempotency key.
    documents: list[tuple[dict[str, Any], str, str]] = field(default_factory=list)
    # Every handoff that was ever offered, by its id: its case.
    handoffs: dict[int, int] = field(default_factory=dict)
    # Every question that was ever asked, by its id: its contact.
    questions: dict[int, int] = field(default_factory=dict)
    # The messages that were parked at some time: what was written later goes out before them.
    parked: set[int] = field(default_factory=set)

    @property
    def waiting(self) -> list[AContact]:
        return [contact for contact in self.contacts.values() if contact.status == "received"]

    @property
    def for_a_second_person(self) -> list[AContact]:
        return [contact for contact in self.contacts.values() if contact.status == "sign_off"]

    @property
    def to_take_on(self) -> list[AContact]:
        return [contact for contact in self.contacts.values() if contact.passed]

    @property
    def open_cases(self) -> list[ACase]:
        return [case for case in self.cases.values() if case.is_open]

    @property
    def on_offer(self) -> list[ACase]:
        return [case for case in self.open_cases if case.offer]

    @property
    def to_offer(self) -> list[ACase]:
        return [case for case in self.open_cases if not case.offer]

    @property
    def worked_on(self) -> list[ACase]:
        return [case for case in self.to_offer if case.holder not in FRONT]

    def at_night(self, opened_at: datetime) -> list[AContact]:
        """What the day team must have once the hub has opened."""
        return [
            contact
            for contact in self.contacts.values()
            if contact.team == NIGHT
            and contact.status != "decided"
            and not (contact.left_for_the_night_at and contact.left_for_the_night_at >= opened_at)
        ]

    def clocks(self, rated: dict[int, tuple[str, str]]) -> set[tuple[str, int, str]]:
        """
        Every clock that must run: what it is about, its id, and the kind.

        :param rated: each contact's rating and hold.
        """
        wanted = {
            ("contact", contact.pk, kind)
            for contact in self.contacts.values()
            for kind in contact.runs(*rated[contact.pk])
        }
        for contact in self.contacts.values():
            wanted |= {("partner_check", pk, kind) for pk, (_, kind) in contact.asked.items()}
        for case in self.cases.values():
            wanted |= {("case", case.pk, kind) for kind in case.running}
            if case.offer:
                red = case.rag == "red"
                wanted.add(("handoff", case.offer.pk, "handoff_acceptance_red" if red else "handoff_acceptance"))
        return wanted


def overtaken(letters: Iterable[tuple[str, int, int | None, int | None]]) -> list[int]:
    """
    The messages that went out before an earlier one to the same address about the same thing.

    :param letters: in the order in which they went out: address, message, contact, case.
    """
    last: dict[tuple[str, str, int], int] = defaultdict(int)
    late = []
    for to, pk, contact, case in letters:
        for about, subject in (("contact", contact), ("case", case)):
            if subject is None:
                continue
            if pk < last[to, about, subject]:
                late.append(pk)
            last[to, about, subject] = max(pk, last[to, about, subject])
    return late
