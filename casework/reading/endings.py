"""
Sentences about what else a decision, a closing or a withdrawal ends, so that nobody ends colleagues' work unknowingly.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils.text import get_text_list

from casework.deadlines.clocks import AGREEMENT_SOUGHT, DECISION_CLOCKS
from casework.deadlines.titles import title_of
from casework.models import Case, Clock, ContactHandover, PartnerCheck, ReminderLook
from casework.statuses import PartnerCheckStatus
from localities.models import LEADING_ROLES, Membership, Role, User
from localities.working_time import local_day


def of_deciding(clocks: Iterable[Clock], handovers: Iterable[ContactHandover], put_off: Iterable[str]) -> list[str]:
    """
    What a decision on a contact ends, without unanswered requests to partners, which the form asks about.

    :param clocks: the contact's clocks, with those of its requests to partners.
    :param put_off: see `put_off_until_decided`.
    """
    found = [
        f"Nobody has taken this contact on since it was handed over to {handover.to_team}. It will be yours."
        for handover in handovers
        if handover.is_open
    ]
    if any(clock.kind == AGREEMENT_SOUGHT for clock in _running(clocks)):
        found.append("The deadline for asking the family ends.")
    return found + _do_not_come_back(put_off)


def put_off_until_decided(clocks: Iterable[Clock], *, by: User, now: datetime) -> QuerySet[ReminderLook, str]:
    """The names of colleagues who snoozed reminders that a decision ends."""
    kinds = {*DECISION_CLOCKS, AGREEMENT_SOUGHT}
    return _put_off([clock for clock in _running(clocks) if clock.kind in kinds or clock.partner_check_id], by, now)


def of_agreeing(checks: Iterable[PartnerCheck], answers_follow: Collection[int]) -> list[str]:
    """
    What the second person's agreement to a decision ends.

    :param answers_follow: the ids of the requests that the decision leaves open.
    """
    asked = [check for check in checks if check.status == PartnerCheckStatus.ASKED]
    ends = [check for check in asked if check.pk not in answers_follow]
    stays = [check for check in asked if check.pk in answers_follow]
    found = [f"If you agree, the requests to {named(ends)} end without an answer."] if ends else []
    return found + ([f"No answer yet from {named(stays)}. Any answer is passed on when it comes."] if stays else [])


def who_may_close(case: Case, now: datetime) -> QuerySet[Membership]:
    """Who leads the team of an open case, and who manages the service: of these, another than who asks closes it."""
    leads = Q(role__in=LEADING_ROLES, team__responsibilities__case=case, team__responsibilities__period__endswith=None)
    memberships = Membership.objects.current(local_day(now)).filter(leads | Q(role=Role.SERVICE_MANAGER))
    return memberships.filter(user__is_active=True).select_related("user").distinct()


def of_closing(clocks: Iterable[Clock], put_off: Iterable[str]) -> list[str]:
    """
    What closing a case ends.

    :param put_off: see `put_off_until_closed`.
    """
    kinds = ", ".join(title_of(clock.kind) for clock in _running(clocks))
    found = [f"These deadlines end, whether or not they are met: {kinds}."] if kinds else []
    return found + _do_not_come_back(put_off)


def put_off_until_closed(clocks: Iterable[Clock], *, by: User, now: datetime) -> QuerySet[ReminderLook, str]:
    """The names of colleagues who snoozed reminders that closing the case ends."""
    return _put_off(_running(clocks), by, now)


def named(checks: Iterable[PartnerCheck]) -> str:
    """The names of the partners: "Example Police and Health"."""
    return get_text_list([str(check.agency) for check in checks], "and")


def _running(clocks: Iterable[Clock]) -> list[Clock]:
    return [clock for clock in clocks if clock.stopped_at is None]


def _put_off(stops: list[Clock], by: User, now: datetime) -> QuerySet[ReminderLook, str]:
    looks = ReminderLook.objects.filter(reminder__clock__in=stops, snoozed_until__gt=now).exclude(user=by)
    return looks.order_by("user__name").values_list("user__name", flat=True).distinct()


def _do_not_come_back(put_off: Iterable[str]) -> list[str]:
    names = ", ".join(put_off)
    return [f"Reminders do not come back that were put off by: {names}."] if names else []
