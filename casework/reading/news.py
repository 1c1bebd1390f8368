"""
What was learned about a family in work since it was decided, and makes a difference: by the rules, which were asked
again, by where the home is now, and by what the family says. Each is news until the work is where it belongs.

A home is learned of by a correction, and by a newer contact about a child of the case, in the case or beside it. Of one
that is hidden nothing is said, nor is another compared with it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

from django.db import connection
from django.db.models import Exists, F, OuterRef
from django.db.models.expressions import RawSQL

from casework.actions.recommendations import is_graver
from casework.families.likeness.homes import are_one_home, read_home
from casework.models import Case, Contact, ContactChild, FactChange, Responsibility
from casework.statuses import CaseStatus
from localities import reference
from localities.models import Team, TeamKind, User
from localities.placing import Places
from localities.working_time import local_day

# Contacts of these open cases about which something was learned; and newer ones with another home of a child of the
# case than the contact has that opened it. What is kept with a record of a home is what is shown (`kept_homes`).
LEARNED = """
SELECT contact.id FROM casework_contact contact JOIN casework_decision decided ON decided.id = decision_in_effect_id
WHERE contact.case_id = ANY(%(cases)s) AND contact.recommendation_id <> decided.recommendation_id
"""
NEWER = """
FROM casework_case open_case
JOIN casework_decision decided ON decided.id = open_case.opened_by_decision_id
JOIN casework_casechild in_case ON in_case.case_id = open_case.id
JOIN casework_contactchild newer ON newer.person_id = in_case.person_id AND newer.contact_id > decided.contact_id
JOIN casework_person record ON record.id = newer.recorded_as_id
WHERE open_case.id = ANY(%(cases)s) AND newer.in_family AND (record.address <> '' OR record.postcode <> '')
AND NOT EXISTS (
    SELECT FROM casework_contactchild known JOIN casework_person described ON described.id = known.recorded_as_id
    WHERE known.contact_id = decided.contact_id AND known.in_family
    AND described.address = record.address AND described.postcode = record.postcode)
"""
# Each with the homes of the family on the contact that opened the case.
HOMES = f"""
SELECT open_case.id, newer.person_id, newer.contact_id, record.address, record.postcode, ARRAY(
    SELECT ARRAY[described.address, described.postcode]
    FROM casework_contactchild known JOIN casework_person described ON described.id = known.recorded_as_id
    WHERE known.contact_id = decided.contact_id AND known.in_family
    AND (described.address <> '' OR described.postcode <> '')
    ORDER BY known.person_id = newer.person_id DESC, known.position)
{NEWER} AND newer.contact_id = ANY(%(contacts)s) ORDER BY newer.contact_id
"""  # noqa: S608  # our own text
ENDED = {"refused": "The family refuses the service now.", "withdrawn": "The family has withdrawn its agreement."}


class News(NamedTuple):
    """A sentence, and the contact of the case whose part of the page says more."""

    says: str
    contact: Contact


def since_decided(cases: Collection[Case], user: User, now: datetime) -> Mapping[int, list[News]]:
    """
    What is news in these cases, by their ids, from contacts that the user may see. Where nothing was learned, one
    statement says so.
    """
    found: dict[int, list[News]] = defaultdict(list)
    ids = [case.pk for case in cases if case.status == CaseStatus.OPEN]
    concerned = RawSQL(  # noqa: S611  # our own text
        f"{LEARNED} UNION SELECT newer.contact_id {NEWER}".replace("%(cases)s", "%s"), [ids, ids]
    )
    contacts = {
        contact.pk: contact
        for contact in Contact.objects.visible_to(user, now)
        .filter(pk__in=concerned)
        .select_related("recommendation", "decision_in_effect__recommendation")
        .defer("document")
        .order_by("pk")
    }
    if not contacts:
        return found
    learned = {
        pk: contact
        for pk, contact in contacts.items()
        if contact.case_id in ids
        and contact.decision_in_effect is not None
        and contact.decision_in_effect.recommendation_id != contact.recommendation_id
    }
    current = Responsibility.objects.filter(case__in=ids, period__endswith__isnull=True)
    teams = {each.case_id: each.team for each in current.select_related("team__locality")}
    elsewhere = list(_elsewhere(ids, contacts, teams, now))
    for case, sentence, contact in elsewhere:
        found[case].append(News(sentence, contact))
    listed = {contact.pk for *_, contact in elsewhere}
    moved = _moved({pk: contact for pk, contact in learned.items() if pk not in listed}, teams, now)
    for contact in learned.values():
        assert contact.case_id is not None
        decision, recommendation = contact.decision_in_effect, contact.recommendation
        assert decision is not None
        assert recommendation is not None
        says = []
        if is_graver(recommendation, decision):
            says.append("It is more serious than decided, by what is known now.")
        agreed, agrees = (each.facts.get("agreement") for each in (decision.recommendation, recommendation))
        if agrees != agreed and agrees in ENDED:
            says.append(ENDED[agrees])
        says += moved.get(contact.pk, ())
        found[contact.case_id] += (News(each, contact) for each in says)
    return found


def with_news(cases: Iterable[Case], user: User, now: datetime) -> list[Case]:
    """These cases, each with its `news`."""
    cases = list(cases)
    found = since_decided(cases, user, now)
    for case in cases:
        cast("Any", case).news = found.get(case.pk, [])
    return cases


def _elsewhere(
    cases: Sequence[int], contacts: Mapping[int, Contact], teams: Mapping[int, Team], now: datetime
) -> Iterator[tuple[int, str, Contact]]:
    """
    Where the newest contact about a child gives another home than the contact that opened the case: the case, a
    sentence, and the contact.
    """
    with connection.cursor() as cursor:
        cursor.execute(HOMES, {"cases": list(cases), "contacts": list(contacts)})
        # Of each child the newest, which comes last.
        newest = {(case, person): home for case, person, *home in cursor.fetchall()}
    places, said = reference.current().places, set[tuple[int, int]]()
    for (case, _), (contact, address, postcode, opening) in sorted(newest.items()):
        home, before = read_home(address, postcode), [read_home(*each) for each in opening]
        if home is None or not before or any(each and are_one_home(each, home) for each in before):
            continue
        says = _where(postcode, teams[case], places, now) if postcode else ""
        if (case, contact) not in said and (says or not _has_followed(postcode, opening[0][1], places, now)):
            said.add((case, contact))
            yield case, f"A newer contact gives another address. {says}".strip(), contacts[contact]


def _has_followed(postcode: str, before: str, places: Places, now: datetime) -> bool:
    """Whether a home that is in the area of the responsible team was in another's when the case was opened."""
    if not (postcode and before):
        return False
    now_in, then_in = (places.place(each, local_day(now)).locality for each in (postcode, before))
    return now_in != then_in


def _moved(contacts: Mapping[int, Contact], teams: Mapping[int, Team], now: datetime) -> Mapping[int, list[str]]:
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
    places, found = reference.current().places, dict[int, dict[str, None]]()
    for child in children:
        team = teams[contacts[child.contact_id].case_id or 0]
        if says := _where(child.postcode, team, places, now):
            found.setdefault(child.contact_id, {})[says] = None
    return {contact: list(says) for contact, says in found.items()}


def _where(postcode: str, team: Team, places: Places, now: datetime) -> str:
    place = places.place(postcode, local_day(now))
    if place.in_area is False and team.kind != TeamKind.OUT_OF_AREA:
        return "The home is now outside our area."
    if place.locality and team.locality and place.locality != team.locality:
        return f"The home is now in {place.locality}, the area of another team."
    return ""
