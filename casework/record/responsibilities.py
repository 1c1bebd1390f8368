"""Who answers for a case: one team at every instant from its opening to its closing, without a gap."""

from datetime import datetime

from django.contrib.postgres.fields import DateTimeRangeField
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Func, Value
from django.db.models.functions import Lower

from casework.models import Case, Handoff, Responsibility
from localities.models import Team


def take(case: Case, *, team: Team, at: datetime, handoff: Handoff | None = None) -> None:
    """From this instant the team answers for the case."""
    Responsibility.objects.create(case=case, team=team, period=DateTimeTZRange(at, None), handoff=handoff)


def let_go(case: Case, *, at: datetime) -> None:
    """At this instant the team that holds the case stops answering for it."""
    until_now = Func(Lower("period"), Value(at), function="tstzrange", output_field=DateTimeRangeField())
    Responsibility.objects.filter(case=case, period__endswith__isnull=True).update(period=until_now)


def pass_on(case: Case, *, handoff: Handoff, at: datetime) -> None:
    """In one instant the sender stops and the receiver starts."""
    let_go(case, at=at)
    take(case, team=handoff.to_team, at=at, handoff=handoff)


def holder(case: Case) -> Team:
    """The team that answers for a case; for a closed one, the team that answered for it last."""
    return Responsibility.objects.select_related("team").filter(case=case).latest("period").team


def current(case: Case) -> Responsibility:
    """Who answers for an open case now."""
    return Responsibility.objects.select_related("team").get(case=case, period__endswith__isnull=True)
