"""The front door's worklist: which contacts wait for what, whose they are and when they are due."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.contrib.humanize.templatetags.humanize import ordinal
from django.db.models import BooleanField, CharField, Count, Exists, F, OuterRef, QuerySet, Subquery, Value, When
from django.db.models import Case as SqlCase
from django.db.models.functions import Coalesce

from casework.deadlines import clocks
from casework.families.naming import name_rows
from casework.models import (
    Case,
    CaseChild,
    Clock,
    Contact,
    ContactChild,
    ContactHandover,
    Decision,
    PartnerCheck,
    RequestKind,
    Responsibility,
    SenderRequest,
    SignOff,
    away_on,
)
from casework.models.clocks import ClockQuerySet
from casework.models.indexes import is_among
from casework.reading import contact_drafts, worklists
from casework.statuses import CaseStatus, ContactStatus, PartnerCheckStatus
from localities import reference
from localities.models import User
from localities.working_time import begin_of_day, local_day
from triage.ruleset import Hold

# From this contact of the household in three months on, the list says so.
SAID_FROM = 2


class Tab(NamedTuple):
    """A part of the worklist. `code` stands in its address; `empty` is said where nothing is in it."""

    code: str
    title: str
    empty: str


TO_TRIAGE = Tab("to-triage", "To triage", "No contacts awaiting a decision.")
INFORMATION = Tab("information", "Waiting for information", "No contact is waiting for a partner’s answer.")
AGREEMENT = Tab("agreement", "Waiting for agreement", "No contact is waiting for a family’s agreement.")
SIGN_OFF = Tab("sign-off", "To sign off", "No decision is awaiting sign-off.")
RETURNED = Tab("returned", "Returned or declined", "Nothing has come back to you or to the front door.")
MINE = Tab("mine", "Mine", "No contact is assigned to you.")
ASKED_OF_US = Tab("referrers", "Referrers ask", "No referrer is waiting for an answer.")
DECIDED = Tab("decided", "Decided today", "Nothing has been decided today.")
# Counted with the tabs, and none of them.
DRAFTS = "drafts"
TABS = (TO_TRIAGE, INFORMATION, AGREEMENT, SIGN_OFF, RETURNED, ASKED_OF_US, MINE, DECIDED)

ASKED = Exists(PartnerCheck.objects.filter(contact=OuterRef("pk"), status=PartnerCheckStatus.ASKED))
# It was decided and is awaiting a decision again: the second person declined.
WAS_DECIDED = Exists(Decision.objects.filter(contact=OuterRef("pk")))
# Since when the contact has been with its team: the last contact handover, or the receipt.
WITH_TEAM_SINCE = Coalesce(
    Subquery(ContactHandover.objects.filter(contact=OuterRef("pk")).order_by("-pk").values("passed_at")[:1]),
    F("received_at"),
)


@dataclass(frozen=True)
class Row:
    """
    A contact as the list shows it.

    `children`: as `name_rows` left them. `number`: "3rd" for the household's third contact in three months, or empty.
    `open_with`: the teams that work with a child on it now, each with the lead practitioner's name, if there is one.
    `used`: how much of the time until the deadline has gone, in per cent; None without a deadline. `asks`: what its
    sender asks, in words, where that is listed.
    """

    contact: Contact
    children: Sequence[ContactChild]
    number: str
    open_with: tuple[tuple[str, str], ...]
    used: int | None
    asks: str


def awaiting(user: User, now: datetime) -> QuerySet[Contact]:
    """
    The contacts that the user may see and that await a decision or a second person: the gravest first, and of those the
    first due.

    `due_at` and `started_at` are those of the decision's next deadline, `here_since` is the moment since which the
    contact has been with its team, and `to_take_on` says that nobody there has taken it on.
    """
    due = _decision_clocks().order_by("due_at", "pk")
    return (
        _waiting(user, now)
        .annotate(
            here_since=WITH_TEAM_SINCE,
            due_at=Subquery(due.values("due_at")[:1]),
            started_at=Subquery(due.values("started_at")[:1]),
            owner_away=away_on(local_day(now), "owner"),
            to_take_on=Exists(ContactHandover.objects.open().filter(contact=OuterRef("pk"))),
        )
        .order_by(worklists.GRAVITY, F("due_at").asc(nulls_last=True), "received_at", "pk")
    )


def decided_today(user: User, now: datetime) -> QuerySet[Contact]:
    """The contacts that the user may see on which a decision took effect today, the last first."""
    midnight = begin_of_day(local_day(now))
    decided = Decision.objects.filter(decided_at__gte=midnight, needs_sign_off=False).order_by().values("pk")
    agreed = SignOff.objects.filter(at__gte=midnight, agreed=True).order_by().values("decision")
    in_effect = Contact.objects.visible_to(user, now).filter(decision_in_effect__in=decided.union(agreed))
    return in_effect.order_by("-decision_in_effect")


def asked_of_us(user: User, now: datetime) -> QuerySet[Contact]:
    """
    The contacts that the user may see and whose senders wait for an answer, the first due first. `due_at` and
    `started_at` are those of the answer that is due first; the rest is as in `awaiting`.
    """
    waits = SenderRequest.objects.filter(contact=OuterRef("pk"), ended_at__isnull=True).order_by("due_at", "pk")
    asked = Contact.objects.visible_to(user, now).filter(
        is_among(SenderRequest.objects.filter(ended_at__isnull=True).order_by().values("contact"), "pk")
    )
    return asked.annotate(
        here_since=WITH_TEAM_SINCE,
        due_at=Subquery(waits.values("due_at")[:1]),
        started_at=Subquery(waits.values("at")[:1]),
        asks=Subquery(waits.values("kind")[:1]),
        owner_away=away_on(local_day(now), "owner"),
    ).order_by("due_at", "pk")


def of_tab(tab: Tab, user: User, now: datetime) -> QuerySet[Contact]:
    """The contacts in this tab."""
    if tab == DECIDED:
        return decided_today(user, now)
    if tab == ASKED_OF_US:
        return with_proposals(asked_of_us(user, now))
    if tab == MINE:
        return with_proposals(awaiting(user, now).filter(owner=user))
    if tab == SIGN_OFF:
        return with_proposals(awaiting(user, now).filter(status=ContactStatus.SIGN_OFF))
    found = awaiting(user, now).annotate(tab=_tab_of(user)).filter(tab=tab.code)
    return with_who_declined(found) if tab == RETURNED else found


def with_proposals(contacts: QuerySet[Contact]) -> QuerySet[Contact]:
    """
    The contacts with the last decision on each, which a second person answers: `proposed_pathway`, `proposed_level` and
    `proposed_by`, a name.
    """
    last = Decision.objects.filter(contact=OuterRef("pk")).order_by("-pk")
    return contacts.annotate(
        proposed_pathway=Subquery(last.values("pathway")[:1]),
        proposed_level=Subquery(last.values("level")[:1]),
        proposed_by=Subquery(last.values("decided_by__name")[:1]),
    )


def with_who_declined(contacts: QuerySet[Contact]) -> QuerySet[Contact]:
    """The contacts with who declined a decision on each last: `declined_by`, a name, and `declined_at`."""
    declined = SignOff.objects.filter(decision__contact=OuterRef("pk"), agreed=False).order_by("-pk")
    return contacts.annotate(
        declined_by=Subquery(declined.values("by__name")[:1]), declined_at=Subquery(declined.values("at")[:1])
    )


class Filter(NamedTuple):
    """What the list is narrowed by: codes, the id of an owner or `nobody`, and the contacts of the locality."""

    agency: str = ""
    level: str = ""
    rating: str = ""
    kind: str = ""
    owner: str = ""
    of_locality: frozenset[int] | None = None

    def __bool__(self) -> bool:
        return self != Filter()


def filter_of(chosen: Mapping[str, str], user: User, now: datetime) -> Filter:
    """
    :param chosen: the values of the filter's fields, those of `Filter` and `locality`, a code.
    """
    rest = dict(chosen)
    locality = rest.pop("locality", "")
    return Filter(**rest, of_locality=_of_locality(locality, user, now) if locality else None)


def narrowed(contacts: QuerySet[Contact], by: Filter) -> QuerySet[Contact]:
    """Those of the contacts that the filter asks for."""
    conditions: dict[str, Any] = {
        "agency__code": by.agency, "recommendation__level": by.level, "rag": by.rating, "type": by.kind,
    }  # fmt: skip
    found = contacts.filter(**{column: value for column, value in conditions.items() if value})
    if by.owner:
        found = found.filter(owner=None if by.owner == "nobody" else int(by.owner))
    return found if by.of_locality is None else found.filter(pk__in=by.of_locality)


def _of_locality(locality: str, user: User, now: datetime) -> frozenset[int]:
    """The contacts of all tabs with a child in the locality. A confidential address leads nowhere."""
    listed = _waiting(user, now).order_by().values("pk").union(
        decided_today(user, now).order_by().values("pk"), asked_of_us(user, now).order_by().values("pk")
    )  # fmt: skip
    children = ContactChild.objects.filter(contact__in=listed, address_is_confidential=False)
    places, today = reference.current().places, local_day(now)
    found = set()
    for contact, postcode in children.exclude(postcode="").order_by().values_list("contact", "postcode"):
        place = places.place(postcode, today)
        if place.locality is not None and place.locality.code == locality:
            found.add(contact)
    return frozenset(found)


class Counts(NamedTuple):
    """How much is in each tab, how much of that is overdue, and how many drafts there are to finish."""

    tabs: Mapping[Tab, int]
    overdue: Mapping[Tab, int]
    drafts: contact_drafts.Numbers


def counts(user: User, teams: Iterable[int], by: Filter, now: datetime) -> Counts:
    """
    How much there is of everything on the front door's worklist, in one statement.

    The filter asks for contacts. With one, the cases that came back are not listed, and do not count; drafts do.

    :param teams: the ids of the front-door teams in which the user works: a case that none has taken on is with them.
    """
    no, as_tab = Value(False, output_field=BooleanField()), CharField()

    def counted(what: QuerySet[Any], tab: Any, is_mine: Any, is_late: Any) -> QuerySet[Any, Any]:
        told_apart = what.order_by().annotate(of=tab, is_mine=is_mine, is_late=is_late)
        grouped: QuerySet[Any, Any] = told_apart.values("of", "is_mine", "is_late")
        rows: QuerySet[Any, Any] = grouped.annotate(number=Count("pk")).values_list(
            "of", "is_mine", "is_late", "number"
        )
        return rows

    is_own = SqlCase(When(owner=user, then=Value(True)), default=no)
    is_late = SqlCase(When(due_at__lte=now, then=Value(True)), default=no)
    waiting = narrowed(_waiting(user, now), by)
    contacts = counted(waiting, _tab_of(user), is_own, Exists(_decision_clocks().filter(due_at__lte=now)))
    decided = narrowed(decided_today(user, now), by)
    others = [
        counted(decided, Value(DECIDED.code, output_field=as_tab), no, no),
        counted(narrowed(asked_of_us(user, now), by), Value(ASKED_OF_US.code, output_field=as_tab), no, is_late),
        counted(contact_drafts.to_finish(user, now), Value(DRAFTS, output_field=as_tab), is_own, no),
    ]
    if not by:
        came_back = returned_cases(user, teams, now)
        others.append(counted(came_back, Value(RETURNED.code, output_field=as_tab), no, is_late))
    found: Counter[str] = Counter()
    overdue: Counter[str] = Counter()
    of_drafts: Counter[bool] = Counter()
    for code, is_mine, late, number in contacts.union(*others, all=True):
        if code == DRAFTS:
            of_drafts[is_mine] += number
            continue
        for tab in (code, MINE.code) if is_mine else (code,):
            found[tab] += number
            overdue[tab] += number if late else 0
    return Counts(
        {tab: found[tab.code] for tab in TABS},
        {tab: overdue[tab.code] for tab in TABS},
        contact_drafts.Numbers(of_drafts[True], of_drafts[False]),
    )


def returned_cases(user: User, teams: Iterable[int], now: datetime) -> QuerySet[Case]:
    """The open cases with these front-door teams that no other team has taken on, and that are on offer to none."""
    cases: Any = worklists.open_cases(user, list(teams), now)
    came_back: QuerySet[Case] = cases.filter(needs_team=True)
    return came_back


def rows(contacts: Iterable[Contact], user: User, now: datetime) -> list[Row]:
    """What the list shows of these contacts of `of_tab`, in two statements."""
    found = list(contacts)
    children = ContactChild.objects.select_related("person").order_by("position")
    by_contact: dict[int, list[ContactChild]] = defaultdict(list)
    for child in children.filter(contact__in=found, in_family=True) if found else ():
        by_contact[child.contact_id].append(child)
    everybody = [child for each in by_contact.values() for child in each]
    name_rows(everybody, user, now)
    open_with = _open_with({child.person_id for child in everybody}, user, now) if everybody else {}
    return [
        Row(
            contact=contact,
            children=by_contact[contact.pk],
            number=_number(contact),
            open_with=tuple(dict.fromkeys(
                each for child in by_contact[contact.pk] for each in open_with.get(child.person_id, ())
            )),
            used=_used(contact, now),
            asks=RequestKind(asks).label if (asks := getattr(contact, "asks", "")) else "",
        )
        for contact in found
    ]  # fmt: skip


def _decision_clocks() -> ClockQuerySet:
    """The running deadlines for the decision on a contact, for the query of contacts that this stands in."""
    return Clock.objects.running().filter(
        contact=OuterRef("pk"), kind__in=clocks.DECISION_CLOCKS, paused_at__isnull=True
    )


def _waiting(user: User, now: datetime) -> QuerySet[Contact]:
    return Contact.objects.visible_to(user, now).undecided()


def _tab_of(user: User) -> SqlCase:
    """In which tab a contact stands that awaits a decision or a second person."""
    return SqlCase(
        When(status=ContactStatus.SIGN_OFF, then=Value(SIGN_OFF.code)),
        When(WAS_DECIDED, owner=user, then=Value(RETURNED.code)),
        When(ASKED, then=Value(INFORMATION.code)),
        When(recommendation__hold=Hold.AGREEMENT, then=Value(AGREEMENT.code)),
        default=Value(TO_TRIAGE.code),
        output_field=CharField(),
    )


def _open_with(people: Iterable[int], user: User, now: datetime) -> Mapping[int, list[tuple[str, str]]]:
    """The teams that work with each of these people now, as far as their cases are open to the user."""
    current = Responsibility.objects.filter(case=OuterRef("case"), period__endswith__isnull=True)
    is_open = Case.objects.open_to(user, now).filter(status=CaseStatus.OPEN, pk=OuterRef("case"))
    found: dict[int, list[tuple[str, str]]] = defaultdict(list)
    lines = CaseChild.objects.filter(Exists(is_open), person__in=people).order_by("pk").values_list(
        "person", Subquery(current.values("team__name")[:1]), "case__lead_practitioner__name"
    )  # fmt: skip
    for person, team, lead in lines:
        found[person].append((team, lead or ""))
    return found


def _number(contact: Contact) -> str:
    if contact.recommendation is None:
        return ""
    number = contact.recommendation.facts.get("family", {}).get("contacts_3_months", 1)
    return "" if number < SAID_FROM else str(ordinal(number))


def _used(contact: Contact, now: datetime) -> int | None:
    started: datetime | None = getattr(contact, "started_at", None)
    return None if started is None else worklists.used(started, getattr(contact, "due_at", None), now)
