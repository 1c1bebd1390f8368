"""Tells agencies that read questions in their own system that an answer is late: once, by e-mail, without a name."""

from datetime import datetime

from django.db import transaction

from casework.actions.partner_checks import told
from casework.messages import outbox
from casework.models import Clock, Message, PartnerCheck
from casework.models.indexes import is_among
from casework.statuses import PartnerCheckStatus

A_RUN = 100


@transaction.atomic
def tell(*, now: datetime) -> int:
    """
    Writes the messages about answers that are late. Staff are reminded by the sweep.

    :returns: how many agencies were told.
    """
    late = Clock.objects.running().filter(partner_check__isnull=False, due_at__lte=now, paused_at__isnull=True)
    checks = PartnerCheck.objects.filter(
        is_among(late.order_by().values("partner_check"), "pk"),
        status=PartnerCheckStatus.ASKED, key__isnull=False, told_late_at__isnull=True,
    ).exclude(agency__checks_email="")  # fmt: skip
    locked = checks.select_related("agency").select_for_update(of=("self",), skip_locked=True, no_key=True)
    found = list(locked.order_by("pk")[:A_RUN])
    outbox.write([message for check in found for message in told(Message.CHECK_LATE, check, now)])
    PartnerCheck.objects.filter(pk__in=[check.pk for check in found]).update(told_late_at=now)
    return len(found)
