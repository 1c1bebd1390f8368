"""Opening the open list, to print it or as a file. It leaves the service then, so that the audit says who took it."""

from collections.abc import Sequence
from datetime import datetime

from casework.access import permissions
from casework.models import Event
from casework.record import audit
from errors import NotPermitted
from localities.models import Team, User
from localities.working_time import local_day


def open_lists(*, team_code: str, as_file: bool, by: User, now: datetime) -> Sequence[Team]:
    """
    The teams whose open lists this user opens. The audit says which.

    :param team_code: of one team; empty for all whose lists they may open.
    :raises NotPermitted: they may open the list of none of them.
    """
    teams = [team for team in readable(by, now) if team_code in ("", team.code)]
    if not teams:
        raise NotPermitted("Only whoever leads a team, or a service manager, can open its open list.")
    event = Event.OPEN_LIST_EXPORTED if as_file else Event.OPEN_LIST_OPENED
    audit.record(event, by=by, at=now, teams=[team.code for team in teams])
    return teams


def readable(by: User, now: datetime) -> list[Team]:
    """The teams whose open lists this user may open."""
    on = local_day(now)
    every = Team.objects.select_related("locality").order_by("name")
    return [team for team in every if permissions.allows(permissions.check_can_read_open_list, team, by, on)]
