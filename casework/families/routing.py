"""
The route of a family after the decision: full postcode, area, locality, team. Every route has a reason.

A family that has a team, or had one in the last six months, goes back to it. If there is no address, or a confidential
one, or children live in several localities, a person picks the team and gives a reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dateutil.relativedelta import relativedelta
from django.db.models import QuerySet

from casework.families.household import Household, last_case, open_cases
from casework.models import Case, Contact, ContactChild, Responsibility
from casework.statuses import CaseStatus
from localities.models import Locality, Team, TeamKind
from localities.placing import Place
from localities.reference import Reference
from localities.working_time import local_day
from triage.ruleset import PathwayTeam, RuleSet

PICKED_FROM = (TeamKind.LOCALITY, TeamKind.CHILD_PROTECTION, TeamKind.OUT_OF_AREA)


@dataclass(frozen=True)
class Route:
    """
    The team of a case, and why.

    `team` is None if a person must pick it (`pick` is a sentence that says why), or if the pathway ends at the front
    door (`ends_here`). `link_to` is the case that the contact belongs to. `choose_from` are the open cases of the
    family if a person must choose to which of several it belongs.
    """

    reason: str
    team: Team | None = None
    locality: Locality | None = None
    runner_up: Team | None = None
    link_to: Case | None = None
    choose_from: tuple[Case, ...] = ()
    pick: str = ""
    ends_here: bool = False


def route(
    contact: Contact,
    children: Sequence[ContactChild],
    pathway: str,
    people: Household,
    rules: RuleSet,
    reference: Reference,
    *,
    chosen_case_id: int | None = None,
    now: datetime,
) -> Route:
    """
    The route of this contact on this pathway, by the present data.

    :param chosen_case_id: of several open cases of the family, the one that a person chose.
    """
    kind = rules.pathways[pathway].team
    places = _places(children, reference, now)
    match kind:
        case None:
            return Route("It ends at the front door.", ends_here=True)
        case PathwayTeam.SAME_TEAM:
            return _same_team(contact, people, chosen_case_id)
        case PathwayTeam.LOCALITY:
            return _locality(children, places, people, reference, now)
        case _:
            return _only_team(TeamKind(kind.value), places, reference)


def teams_to_pick_from() -> QuerySet[Team]:
    """The teams that a person may pick when the route finds none."""
    return Team.objects.filter(is_active=True, kind__in=PICKED_FROM)


def _same_team(contact: Contact, people: Household, chosen_case_id: int | None) -> Route:
    opened = open_cases(people)
    case = next((case for case in opened if case.pk == chosen_case_id), None)
    # One that has closed since it was chosen: the contact does not go to another by itself.
    if case is None and (len(opened) > 1 or (opened and chosen_case_id is not None)):
        says = "The family has several open cases." if len(opened) > 1 else "Another case of the family is open."
        return Route(says, choose_from=tuple(opened))
    case = case or last_case(people, contact)
    if case is None and people.cases().filter(status=CaseStatus.OPEN).exists():
        says = "We may work with this family, and nobody has said yet that they are the same people. Say so first"
        return Route("", pick=f"{says}, or pick the team, and say why.")
    if case is None:
        return Route("", pick="We found no open work with this family. Pick the team, and say why.")
    last = Responsibility.objects.filter(case=case).select_related("team").order_by("period").last()
    team = last.team if last else None
    if case.status == CaseStatus.OPEN:
        return Route(f"The family's case {case} is open.", team=team, locality=case.locality, link_to=case)
    if team is None or not team.is_active:
        return Route("", pick="The team that worked with this family takes no work now. Pick another, and say why.")
    return Route(f"The family's case {case} closed in the last 28 days.", team=team, locality=case.locality)


def _only_team(kind: TeamKind, where: Sequence[Place], reference: Reference) -> Route:
    teams = reference.teams_of(kind)
    if len(teams) != 1:
        return Route("", pick=f"There is not exactly one {kind.label.lower()} team. Pick the team, and say why.")
    localities = {lying.locality for lying in where if lying.locality}
    locality = localities.pop() if len(localities) == 1 else None
    reason = f"It is the {kind.label.lower()} team's work for the whole area."
    if kind == TeamKind.OUT_OF_AREA:
        reason = " ".join([reason, *(f"{lying.doubt} Check it first." for lying in where if lying.doubt)])
    return Route(reason, team=teams[0], locality=locality)


def _locality(
    children: Sequence[ContactChild],
    where: Sequence[Place],
    people: Household,
    reference: Reference,
    now: datetime,
) -> Route:
    by_postcode = _by_postcode(where, reference)
    earlier = _earlier_team(people, now)
    if any(child.address_is_confidential for child in children):
        # Somebody may look for a family in hiding at its earlier team. So a person decides, and sees that team.
        runner_up = earlier.team if earlier else None
        return Route("", pick="An address is confidential. Pick the team, and say why.", runner_up=runner_up)
    if earlier is not None and earlier.team != by_postcode.team:
        return Route(
            f"{earlier.team} works with this family, or did in the last six months: it goes back there.",
            team=earlier.team,
            locality=earlier.team.locality,
            runner_up=by_postcode.team,
        )
    return by_postcode


def _by_postcode(where: Sequence[Place], reference: Reference) -> Route:
    if not where:
        return Route("", pick="No child has a postcode. Pick the team, and say why.")
    localities = {lying.locality for lying in where if lying.locality}
    if len(localities) > 1:
        return Route("", pick="The children live in different localities. Pick one team for the family, and say why.")
    if not localities:
        if all(lying.in_area is False for lying in where):
            why = "The address lies outside our area."
        else:
            why = " ".join(lying.doubt for lying in where if lying.doubt) or "No catchment has this postcode."
        return Route("", pick=f"{why} Pick the team, and say why.")
    locality = localities.pop()
    lying = next(lying for lying in where if lying.locality == locality)
    team = next((team for team in reference.teams_of(TeamKind.LOCALITY) if team.locality == locality), None)
    if team is None:
        return Route("", locality=locality, pick=f"{locality} has no team that takes work. Pick one, and say why.")
    return Route(f"{lying.postcode} lies in {locality} (catchment {lying.prefix}).", team=team, locality=locality)


def _places(children: Sequence[ContactChild], reference: Reference, now: datetime) -> list[Place]:
    """The places where the children live, without confidential addresses."""
    postcodes = {child.postcode for child in children if child.postcode and not child.address_is_confidential}
    return [reference.places.place(postcode, local_day(now)) for postcode in sorted(postcodes)]


def _earlier_team(people: Household, now: datetime) -> Responsibility | None:
    if not people.own_cases:
        return None
    half_a_year_back = now - relativedelta(months=6)
    responsibilities = Responsibility.objects.filter(
        case__in=people.own_cases, team__kind=TeamKind.LOCALITY, team__is_active=True
    ).select_related("team__locality")
    for responsibility in responsibilities.order_by("-period"):
        if responsibility.period.upper is None or responsibility.period.upper >= half_a_year_back:
            return responsibility
    return None
