"""
The teams that know a family already. They are shown before its case is offered to another team, because a family
should not have to tell its story again.

Source: docs/adr/0017-handoffs.md. Changes of worker are kept to a minimum and made only for good reason.
"""

from dataclasses import dataclass
from datetime import datetime

from dateutil.relativedelta import relativedelta
from django.db.models import Q

from casework.families.household import Household
from casework.models import Case, Responsibility
from localities.models import FRONT_DOOR_KINDS, Membership, Team
from localities.working_time import local_day

# Work that ended earlier than this does not count.
KNOWN_FOR = relativedelta(years=2)


@dataclass(frozen=True)
class Tie:
    """A team that knows the family, and a sentence that says how. It names no case: the reader may not see it."""

    team: Team
    sentence: str


def ties(case: Case, family: Household, responsible: Team, *, now: datetime) -> list[Tie]:
    """
    The teams that know the family of this case, without the responsible team and the front door.

    A team knows the family if it is responsible for an open case of the children or their brothers and sisters, or if
    somebody who led earlier work with them is in the team today.
    """
    since = now - KNOWN_FOR
    known = (other for other in family.own_cases if other.pk != case.pk)
    others = [other for other in known if other.closed_at is None or other.closed_at >= since]
    # Sorted by when they closed; open cases come last.
    others.sort(key=lambda other: (other.closed_at is None, other.closed_at))
    if not others:
        return []
    # Of two cases with the same lead practitioner, the later one counts.
    led = {other.lead_practitioner_id: other for other in others if other.closed_at and other.lead_practitioner_id}
    current = Responsibility.objects.filter(case__in=others, period__endswith__isnull=True)
    memberships = Membership.objects.current(local_day(now)).filter(user__in=led, team__is_active=True)
    elsewhere = ~Q(team=responsible) & ~Q(team__kind__in=FRONT_DOOR_KINDS)
    result = [
        Tie(each.team, f"{each.team} works with a brother or sister, or with the same child.")
        for each in current.filter(elsewhere).select_related("team").order_by("pk")
    ]
    result += [
        Tie(each.team, f"{each.user} of {each.team} led the work with this family, until {local_day(until):%-d %B %Y}.")
        for each in memberships.filter(elsewhere).select_related("team", "user").order_by("pk")
        if each.team is not None and (until := led[each.user_id].closed_at)
    ]
    return list(dict.fromkeys(result))
