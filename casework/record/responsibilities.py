"""The responsibility for a case: one team at every instant from its opening to its closing, without a gap."""

from datetime import datetime

from django.contrib.postgres.fields import DateTimeRangeField
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Func, Value
from django.db.models.functions import Lower

from casework.models import Case, Contact, Handoff, Responsibility
from localities.models import Team


def start(case: Case, *, team: Team, at: datetime, handoff: Handoff | None = None) -> None:
    """Makes the team responsible for the case from this instant on."""
    Responsibility.objects.create(case=case, team=team, period=DateTimeTZRange(at, None), handoff=handoff)


def end_current(case: Case, *, at: datetime) -> None:
    """Ends the responsibility of the present team at this instant."""
    until_now = Func(Lower("period"), Value(at), function="tstzrange", output_field=DateTimeRangeField())
    Responsibility.objects.filter(case=case, period__endswith__isnull=True).update(period=until_now)


def pass_on(case: Case, *, handoff: Handoff, at: datetime) -> None:
    """Passes the responsibility from the sender to the receiver in one instant."""
    end_current(case, at=at)
    start(case, team=handoff.to_team, at=at, handoff=handoff)


def responsible_team(case: Case) -> Team:
    """The team that is responsible for a case; for a closed case, the last one."""
    return Responsibility.objects.select_related("team").filter(case=case).latest("period").team


def team_id_of(record: Contact | Case) -> int | None:
    """The id of the team that is responsible for a case, or was last; of a contact, for its case, if it has one."""
    case_id = record.case_id if isinstance(record, Contact) else record.pk
    if case_id is None:
        return None
    return Responsibility.objects.filter(case=case_id).latest("period").team_id


def current(case: Case) -> Responsibility:
    """The current responsibility for an open case."""
    return Responsibility.objects.select_related("team").get(case=case, period__endswith__isnull=True)
