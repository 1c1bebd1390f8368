"""Who answers for a case: one team at every instant from its opening to its closing, without a gap."""

from datetime import datetime

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from casework.models import Case, Handoff, Responsibility
from localities.models import Team


def take(case: Case, *, team: Team, at: datetime, handoff: Handoff | None = None) -> None:
    """From this instant the team answers for the case."""
    Responsibility.objects.create(case=case, team=team, period=DateTimeTZRange(at, None), handoff=handoff)


def let_go(case: Case, *, at: datetime) -> None:
    """At this instant the team that holds the case stops answering for it."""
    held = current(case)
    held.period = DateTimeTZRange(held.period.lower, at)
    held.save(update_fields=["period"])


def pass_on(case: Case, *, handoff: Handoff, at: datetime) -> None:
    """In one instant the sender stops and the receiver starts."""
    let_go(case, at=at)
    take(case, team=handoff.to_team, at=at, handoff=handoff)


def current(case: Case) -> Responsibility:
    """Who answers for an open case now."""
    return Responsibility.objects.select_related("team").get(case=case, period__endswith__isnull=True)
