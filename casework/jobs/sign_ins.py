"""What is kept of signing in for a time only: counts of tries, known devices, and the addresses where people were."""

from datetime import datetime, timedelta

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef

from casework.models import SignInEvent
from localities import devices, limits

# So many rows at once: the first night after a long time must not lock them all for long.
AT_ONCE = 5_000


def forget(*, now: datetime) -> None:
    """Deletes what its time is up for. The events stay, without address and device."""
    limits.forget(now=now)
    devices.forget(now=now)
    # The address and the device of a session that is gone. allauth deletes them when the person signs in again; whoever
    # has left does not.
    session = Session.objects.filter(session_key=OuterRef("session_key"))
    UserSession.objects.filter(~Exists(session)).delete()
    before = now - timedelta(days=settings.SIGN_IN_ADDRESS_DAYS)
    old = SignInEvent.objects.filter(at__lt=before, address__isnull=False).order_by("at", "id").values("pk")
    while SignInEvent.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:AT_ONCE])).update(
        address=None, device=""
    ):
        pass
