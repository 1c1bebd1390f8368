"""A case's history of responsibility: its handoffs, each team's time, and the time that it waited for answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from casework.models import Case, Handoff, Responsibility
from casework.statuses import HandoffStatus
from localities.models import Team


@dataclass(frozen=True)
class Spell:
    """
    A period in which one team was responsible. `share` is its percentage of the case's whole time so far; `percent` is
    the share as a whole number, rounded so that the spells of a case add up to 100. `starts` is the share of the time
    before it.
    """

    team: Team
    since: datetime
    until: datetime | None
    took: timedelta
    starts: float
    share: float
    percent: int


@dataclass(frozen=True)
class ResponsibilityHistory:
    """The figures of a case. `waited` is the time that its offers waited for an answer, all together."""

    spells: tuple[Spell, ...]
    offered: int
    accepted: int
    returned: int
    bounces: int
    waited: timedelta


def responsibility_history(
    case: Case, handoffs: Sequence[Handoff], responsibilities: Sequence[Responsibility], now: datetime
) -> ResponsibilityHistory:
    """Computes the figures of a case from its handoffs and responsibilities, both in order."""
    # This host's clock may be behind that of the host that wrote the rows.
    now = max([now, case.opened_at, *(each.period.lower for each in responsibilities)])
    whole = (case.closed_at or now) - case.opened_at
    spells: list[Spell] = []
    up_to_here = 0.0
    for each in responsibilities:
        took = (each.period.upper or now) - each.period.lower
        share = 100 * took / whole if whole else 100.0
        percent = round(up_to_here + share) - round(up_to_here)
        spells.append(Spell(each.team, each.period.lower, each.period.upper, took, up_to_here, share, percent))
        up_to_here += share
    accepted = [handoff for handoff in handoffs if handoff.status == HandoffStatus.ACCEPTED]
    return ResponsibilityHistory(
        spells=tuple(spells),
        offered=len(handoffs),
        accepted=len(accepted),
        returned=sum(handoff.status == HandoffStatus.RETURNED for handoff in handoffs),
        bounces=sum(handoff.is_bounce for handoff in accepted),
        waited=sum(((handoff.answered_at or now) - handoff.offered_at for handoff in handoffs), timedelta()),
    )
