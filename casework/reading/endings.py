"""
Sentences about what else a decision, a closing or a withdrawal ends, so that nobody ends colleagues' work unknowingly.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from django.utils.text import get_text_list

from casework.deadlines.clocks import AGREEMENT_SOUGHT, DECISION_CLOCKS
from casework.deadlines.titles import title_of
from casework.models import Clock, ContactHandover, Handoff, PartnerCheck, ReminderLook
from casework.statuses import PartnerCheckStatus
from localities.models import User


def of_deciding(clocks: Iterable[Clock], handovers: Iterable[ContactHandover], *, by: User, now: datetime) -> list[str]:
    """
    What a decision on a contact ends, without unanswered requests to partners, which the form asks about.

    :param clocks: the contact's clocks, with those of its requests to partners.
    """
    running = [clock for clock in clocks if clock.stopped_at is None]
    found = [
        f"Nobody has taken this contact on since it was handed over to {handover.to_team}. It will be yours."
        for handover in handovers
        if handover.is_open
    ]
    if any(clock.kind == AGREEMENT_SOUGHT for clock in running):
        found.append("The deadline for asking the family ends.")
    stops = [clock for clock in running if clock.kind in {*DECISION_CLOCKS, AGREEMENT_SOUGHT} or clock.partner_check]
    return found + _put_off(stops, by, now)


def of_agreeing(checks: Iterable[PartnerCheck], answers_follow: Collection[int]) -> list[str]:
    """
    What the second person's agreement to a decision ends.

    :param answers_follow: the ids of the requests that the decision leaves open.
    """
    asked = [check for check in checks if check.status == PartnerCheckStatus.ASKED]
    ends = [check for check in asked if check.pk not in answers_follow]
    stays = [check for check in asked if check.pk in answers_follow]
    found = [f"If you agree, the requests to {named(ends)} end without an answer."] if ends else []
    return found + ([f"No reply yet from {named(stays)}. Any reply is passed on when it comes."] if stays else [])


def of_closing(clocks: Iterable[Clock], *, by: User, now: datetime) -> list[str]:
    """What closing a case ends."""
    running = [clock for clock in clocks if clock.stopped_at is None]
    kinds = ", ".join(title_of(clock.kind) for clock in running)
    found = [f"These deadlines end, whether or not they are met: {kinds}."] if running else []
    return found + _put_off(running, by, now)


def of_withdrawing(handoff: Handoff) -> list[str]:
    """What withdrawing an offer ends."""
    return [f"{handoff.to_team} can no longer accept it."]


def named(checks: Iterable[PartnerCheck]) -> str:
    """The names of the partners: "Example Police and Health"."""
    return get_text_list([str(check.agency) for check in checks], "and")


def _put_off(stops: list[Clock], by: User, now: datetime) -> list[str]:
    """Reminders that colleagues snoozed and that will not come back."""
    looks = ReminderLook.objects.filter(reminder__clock__in=stops, snoozed_until__gt=now).exclude(user=by)
    names = list(looks.order_by("user__name").values_list("user__name", flat=True).distinct())
    return [f"Reminders do not come back that were put off by: {', '.join(names)}."] if names else []
