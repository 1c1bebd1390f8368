"""
Who knows a family already: the teams of its other open cases, and whoever led earlier work with it. A family should
not have to tell its story again, so that this is in view before its case is offered elsewhere.

Source: domain page, "Handoffs": changes of worker are kept to a minimum and made only for good reason.
"""

from dataclasses import dataclass
from datetime import datetime

from dateutil.relativedelta import relativedelta
from django.db.models import Q

from casework.families.household import household_of
from casework.models import Case, Responsibility
from localities.models import FRONT_DOOR_KINDS, Membership, Team
from localities.working_time import local_day

# Further back, family and worker are strangers again.
KNOWN_FOR = relativedelta(years=2)


@dataclass(frozen=True)
class Tie:
    """A team that knows the family; how, as a sentence. No case is named: who reads this may not see it."""

    team: Team
    says: str


def ties(case: Case, holder: Team, *, now: datetime) -> list[Tie]:
    """
    The teams beside its holder that know the family of this case: those that hold open cases of its children or their
    brothers and sisters, and those in which whoever led earlier work with them works today. The front door and
    emergency duty work with no family: nobody is sent there.
    """
    since = now - KNOWN_FOR
    known = (other for other in household_of(case).own_cases if other.pk != case.pk)
    others = [other for other in known if other.closed_at is None or other.closed_at >= since]
    # The one that closed last comes last, and those that are open after it.
    others.sort(key=lambda other: (other.closed_at is None, other.closed_at))
    if not others:
        return []
    # Whoever led twice knows them since the last time.
    led = {other.lead_practitioner_id: other for other in others if other.closed_at and other.lead_practitioner_id}
    holding = Responsibility.objects.filter(case__in=others, period__endswith__isnull=True)
    posts = Membership.objects.current(local_day(now)).filter(user__in=led, team__is_active=True)
    elsewhere = ~Q(team=holder) & ~Q(team__kind__in=FRONT_DOOR_KINDS)
    found = [
        Tie(held.team, f"{held.team} works with a brother or sister, or with the same child.")
        for held in holding.filter(elsewhere).select_related("team").order_by("pk")
    ]
    found += [
        Tie(post.team, f"{post.user} of {post.team} led the work with this family, until {local_day(until):%-d %B %Y}.")
        for post in posts.filter(elsewhere).select_related("team", "user").order_by("pk")
        if post.team is not None and (until := led[post.user_id].closed_at)
    ]
    return list(dict.fromkeys(found))
