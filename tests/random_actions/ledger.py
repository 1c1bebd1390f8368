"""
The ledger: the expected state, kept in plain Python beside the service. It knows which team is responsible for which
contact and case, which clocks run, and who may do what. The state machine compares it with the database.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from localities.loading import DEMONSTRATION

THIRTY_DAYS = timedelta(days=30)
FRONT = frozenset({"front-door", "emergency-duty"})
# Of a case that was returned to a team that works with families: as usual, and red.
RETURNED_CASE = ("returned_case_settled", "returned_case_settled_red")
DAY, NIGHT = "front-door", "emergency-duty"
AT_FRONT_DOOR = frozenset({"contact_officer", "social_worker", "front_door_manager"})
OVERSEERS = frozenset({"service_manager", "practice_lead", "auditor", "information_governance"})

# The clocks of a case that a milestone stops, and those that it starts.
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


def _read_roles() -> dict[str, list[tuple[str, str]]]:
    with (DEMONSTRATION / "users.csv").open(encoding="utf-8", newline="") as file:
        return {row["username"]: [(row["role"], row["team"])] for row in csv.DictReader(file)}


# The roles of each user, by user name: role and team ("" for the whole service).
ROLES = _read_roles()
CAST = sorted(ROLES)


def works_in(who: str, *teams: str) -> bool:
    return any(team in teams for _, team in ROLES[who])


def works_in_a_team(who: str) -> bool:
    return any(team for _, team in ROLES[who])


def has(who: str, *roles: str, team: str | None = None) -> bool:
    return any(role in roles and team in (None, where) for role, where in ROLES[who])


def is_front_door(who: str, *roles: str) -> bool:
    """Whether somebody works at the front door or on emergency duty; if roles are given, in one of them."""
    return any(team in FRONT and role in (roles or AT_FRONT_DOOR) for role, team in ROLES[who])


def oversees(who: str) -> bool:
    return has(who, *OVERSEERS)


@dataclass
class OfferEntry:
    pk: int
    from_team: str
    to_team: str
    ordinal: int
    is_bounce: bool
    is_step_up: bool
    offered_at: datetime


@dataclass
class CaseEntry:
    pk: int
    pathway: str
    rag: str
    received_at: datetime
    # Team, from when, until when. The last team is responsible now.
    responsibilities: list[tuple[str, datetime, datetime | None]]
    offer: OfferEntry | None = None
    counted: int = 0
    lead: str | None = None
    other_authority: bool = False
    contacted: bool = False
    is_open: bool = True
    running: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)

    @property
    def team(self) -> str:
        return self.responsibilities[-1][0]

    def is_seen_by(self, who: str) -> bool:
        return oversees(who) or works_in(who, self.team) or bool(self.offer and works_in(who, self.offer.to_team))

    def rated_with(self, to: str) -> str:
        """A rating that a step to this team can give: a step up is red or amber, and another lowers nothing here."""
        return "amber" if to == "child-protection" and self.rag != "red" else self.rag

    def opens(self) -> None:
        if self.pathway == "strategy_discussion":
            self.running.add("strategy_discussion")
        if self.pathway in ("social_work_assessment", "strategy_discussion"):
            self.running.add("social_work_assessment")

    def waits_for_a_team(self) -> None:
        if self.team in FRONT:
            self.running.add("next_team_offered_red" if self.rag == "red" else "next_team_offered")

    def is_offered(self, offer: OfferEntry) -> None:
        self.offer, self.counted = offer, self.counted + 1
        self.running -= {"next_team_offered", "next_team_offered_red", *RETURNED_CASE}

    def is_accepted(self, now: datetime) -> None:
        assert self.offer is not None
        team, since, _ = self.responsibilities[-1]
        self.responsibilities[-1] = (team, since, now)
        self.responsibilities.append((self.offer.to_team, now, None))
        self.offer, self.lead = None, None
        if self.team in FRONT:
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
        if self.team not in FRONT and not withdrawn:
            self.running.add(RETURNED_CASE[self.rag == "red"])

    def names(self, lead: str) -> None:
        self.lead = lead
        self.running -= {"lead_practitioner_named", *RETURNED_CASE}

    def records(self, milestone: str) -> None:
        self.contacted |= milestone != "strategy_discussion_held"
        self.done |= self.running & ANSWERS[milestone]
        self.running -= ANSWERS[milestone]
        self.running |= STARTS.get(milestone, set())

    def closes(self, now: datetime) -> None:
        team, since, _ = self.responsibilities[-1]
        self.responsibilities[-1] = (team, since, now)
        self.is_open = False
        self.running.clear()

    def would_bounce(self, to: str, now: datetime) -> bool:
        return any(team == to and until and until >= now - THIRTY_DAYS for team, _, until in self.responsibilities)


@dataclass
class ContactEntry:
    pk: int
    reference: str
    team: str
    received_at: datetime
    by_agency: bool
    has_email: bool
    by_phone: bool
    rag: str
    status: str = "received"
    decider: str = ""
    case: CaseEntry | None = None
    # Whether it was passed on and nobody has taken it on yet; and when it last passed to emergency duty.
    passed: bool = False
    left_for_the_night_at: datetime | None = None
    # The open requests to partners by their ids: the agency and the kind of clock.
    asked: dict[int, tuple[str, str]] = field(default_factory=dict)
    screened: bool = False
    # Whether more was learned since a decision was proposed; and the latest that was learned (its id).
    overtaken: bool = False
    learned: int = 0
    acknowledged: bool = False
    fed_back: bool = False
    confirmed: bool = False

    def is_seen_by(self, who: str) -> bool:
        return is_front_door(who) or oversees(who) or bool(self.case and self.case.is_seen_by(who))

    def is_noted_by(self, who: str) -> bool:
        """Whoever works in a team, or leads practice, writes notes on what they see."""
        return self.is_seen_by(who) and (works_in_a_team(who) or has(who, "service_manager", "practice_lead"))

    def passes_to(self, team: str, now: datetime) -> None:
        self.team, self.passed = team, True
        if team == NIGHT:
            self.left_for_the_night_at = now

    def is_corrected_by(self, who: str) -> bool:
        """The front door corrects what waits and what is worked on; the responsible team what it works on."""
        works_on_it = self.case is not None and self.case.is_open
        return is_front_door(who) or bool(works_on_it and self.case and works_in(who, self.case.team))

    @property
    def takes_information(self) -> bool:
        return self.status != "decided" or bool(self.case and self.case.is_open)

    def takes_effect(self) -> None:
        self.status, self.passed = "decided", False
        self.asked.clear()
        self.fed_back = self.by_agency and not self.has_email

    def runs(self, rag: str, hold: str) -> set[str]:
        """The kinds of clock that must run, by the present rating and hold."""
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
    contacts: dict[int, ContactEntry] = field(default_factory=dict)
    cases: dict[int, CaseEntry] = field(default_factory=dict)
    # What was sent: the document, the sender, and the idempotency key.
    documents: list[tuple[dict[str, Any], str, str]] = field(default_factory=list)
    # The case of every handoff, by the handoff's id.
    handoffs: dict[int, int] = field(default_factory=dict)
    # The contact of every question, by the question's id.
    questions: dict[int, int] = field(default_factory=dict)
    # The messages that were parked at some time: later messages may go out before them.
    parked: set[int] = field(default_factory=set)

    @property
    def waiting(self) -> list[ContactEntry]:
        return [contact for contact in self.contacts.values() if contact.status == "received"]

    @property
    def for_a_second_person(self) -> list[ContactEntry]:
        return [contact for contact in self.contacts.values() if contact.status == "sign_off"]

    @property
    def to_take_on(self) -> list[ContactEntry]:
        return [contact for contact in self.contacts.values() if contact.passed]

    @property
    def open_cases(self) -> list[CaseEntry]:
        return [case for case in self.cases.values() if case.is_open]

    @property
    def on_offer(self) -> list[CaseEntry]:
        return [case for case in self.open_cases if case.offer]

    @property
    def to_offer(self) -> list[CaseEntry]:
        return [case for case in self.open_cases if not case.offer]

    @property
    def worked_on(self) -> list[CaseEntry]:
        return [case for case in self.to_offer if case.team not in FRONT]

    def at_night(self, opened_at: datetime) -> list[ContactEntry]:
        """The contacts that pass to the day team when the hub opens."""
        return [
            contact
            for contact in self.contacts.values()
            if contact.team == NIGHT
            and contact.status != "decided"
            and not (contact.left_for_the_night_at and contact.left_for_the_night_at >= opened_at)
        ]

    def clocks(self, rated: dict[int, tuple[str, str]]) -> set[tuple[str, int, str]]:
        """
        Every clock that must run: the kind of its subject, the subject's id, and the clock's kind.

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
                other = "handoff_acceptance_step_up" if case.offer.is_step_up else "handoff_acceptance"
                wanted.add(("handoff", case.offer.pk, "handoff_acceptance_red" if case.rag == "red" else other))
        return wanted


def out_of_order(letters: Iterable[tuple[str, int, int | None, int | None]]) -> list[int]:
    """
    The messages that went out after a later one to the same address about the same contact or case.

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
