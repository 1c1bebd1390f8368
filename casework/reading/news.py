"""
What was learned about a family in work since it was decided, and makes a difference: by the rules, which were asked
again, by where the home is now, and by what the family says. Each is news until the work is where it belongs.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, cast

from django.db.models import Exists, F, OuterRef

from casework.actions.recommendations import is_graver
from casework.models import Case, Contact, ContactChild, FactChange, Responsibility
from casework.statuses import CaseStatus
from localities import reference
from localities.models import Team, TeamKind
from localities.placing import Places
from localities.working_time import local_day

ENDED = {"refused": "The family refuses the service now.", "withdrawn": "The family has withdrawn its agreement."}


class News(NamedTuple):
    """A sentence, and the contact of the case whose part of the page says more."""

    says: str
    contact: Contact


def since_decided(cases: Collection[Case], now: datetime) -> Mapping[int, list[News]]:
    """What is news in these cases, by their ids. Where nothing was learned, one statement says so."""
    found: dict[int, list[News]] = defaultdict(list)
    learned = (
        Contact.objects.filter(case__in=[case.pk for case in cases if case.status == CaseStatus.OPEN])
        .exclude(recommendation=F("decision_in_effect__recommendation"))
        .select_related("recommendation", "decision_in_effect__recommendation")
        .defer("document")
        .order_by("pk")
    )
    contacts = {contact.pk: contact for contact in learned}
    if not contacts:
        return found
    moved = _moved(contacts, now)
    for contact in contacts.values():
        assert contact.case_id is not None
        decision, recommendation = contact.decision_in_effect, contact.recommendation
        assert decision is not None
        assert recommendation is not None
        says = []
        if is_graver(recommendation, decision):
            says.append("It is graver than decided, by what is known now.")
        agreed, agrees = (each.facts.get("agreement") for each in (decision.recommendation, recommendation))
        if agrees != agreed and agrees in ENDED:
            says.append(ENDED[agrees])
        says += moved.get(contact.pk, ())
        found[contact.case_id] += (News(each, contact) for each in says)
    return found


def with_news(cases: Iterable[Case], now: datetime) -> list[Case]:
    """These cases, each with its `news`."""
    cases = list(cases)
    found = since_decided(cases, now)
    for case in cases:
        cast("Any", case).news = found.get(case.pk, [])
    return cases


def _moved(contacts: Mapping[int, Contact], now: datetime) -> Mapping[int, list[str]]:
    """
    Where the homes that were corrected since the decision are now, if that is not the area of the responsible team: by
    the ids of the contacts. Of a confidential home nothing is said.
    """
    corrected = FactChange.objects.filter(
        child=OuterRef("pk"), field="address.postcode",
        information__at__gte=OuterRef("contact__decision_in_effect__decided_at"),
    ).exclude(after=F("before"))  # fmt: skip
    children = list(
        ContactChild.objects.filter(
            Exists(corrected), contact__in=contacts, in_family=True, address_is_confidential=False
        ).exclude(postcode="")
    )
    if not children:
        return {}
    cases = {contact.case_id for contact in contacts.values()}
    held = Responsibility.objects.filter(case__in=cases, period__endswith__isnull=True).select_related("team__locality")
    holders = {each.case_id: each.team for each in held}
    places, found = reference.current().places, dict[int, dict[str, None]]()
    for child in children:
        holder = holders[contacts[child.contact_id].case_id or 0]
        if says := _where(child.postcode, holder, places, now):
            found.setdefault(child.contact_id, {})[says] = None
    return {contact: list(says) for contact, says in found.items()}


def _where(postcode: str, holder: Team, places: Places, now: datetime) -> str:
    place = places.place(postcode, local_day(now))
    if place.in_area is False and holder.kind != TeamKind.OUT_OF_AREA:
        return "The home is now outside our area."
    if place.locality and holder.locality and place.locality != holder.locality:
        return f"The home is now in {place.locality}, the area of another team."
    return ""
