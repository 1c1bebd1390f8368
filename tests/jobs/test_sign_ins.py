"""What is kept of signing in for a time only."""

from datetime import datetime, timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone
from pytest_django import Settings

from casework.jobs import sign_ins
from casework.models import SignInEvent, SignInKind
from localities import devices, limits
from localities.models import KnownDevice, Tries, User


def happened(now: datetime, *, days: int, user: User | None) -> SignInEvent:
    return SignInEvent.objects.create(
        kind=SignInKind.SIGNED_IN,
        at=now - timedelta(days=days),
        user=user,
        address="192.0.2.7",
        device="Firefox on Mac",
    )


def test_addresses_are_deleted_when_their_time_is_up_and_the_events_stay(
    ben: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SIGN_IN_ADDRESS_DAYS = 180
    monkeypatch.setattr(sign_ins, "AT_ONCE", 2)
    now = timezone.now()
    old = [happened(now, days=days, user=ben).pk for days in (181, 182, 183, 400, 1000)]
    young = [happened(now, days=days, user=None).pk for days in (0, 179)]
    sign_ins.forget(now=now)
    assert set(SignInEvent.objects.filter(pk__in=old).values_list("address", "device", "user")) == {(None, "", ben.pk)}
    assert set(SignInEvent.objects.filter(pk__in=young).values_list("address", flat=True)) == {"192.0.2.7"}


def test_counts_are_deleted_when_they_mean_nothing_any_more(db: None) -> None:
    now = timezone.now()
    for name, ago in (("old", timedelta(days=2, seconds=1)), ("young", timedelta(days=1))):
        limits.charge({limits.key("account", name): limits.ACCOUNT}, now=now - ago)
    sign_ins.forget(now=now)
    assert list(Tries.objects.values_list("key", flat=True)) == [limits.key("account", "young")]


def test_devices_are_deleted_when_they_are_unknown_again(ben: User, amina: User) -> None:
    now = timezone.now()
    devices.remember("one", ben, now=now - devices.KNOWN_FOR)
    devices.remember("one", amina, now=now - devices.KNOWN_FOR + timedelta(seconds=1))
    sign_ins.forget(now=now)
    assert [each.user for each in KnownDevice.objects.all()] == [amina]


def test_the_address_of_a_session_goes_with_it(ben: User) -> None:
    """Also of somebody who never signs in again: whoever does is seen to by allauth."""
    for name in ("gone", "goes on"):
        session = SessionStore()
        session["name"] = name
        session.save()
        UserSession.objects.create(user=ben, ip="192.0.2.7", user_agent=name, session_key=session.session_key)
        if name == "gone":
            session.delete()
    sign_ins.forget(now=timezone.now())
    assert list(UserSession.objects.values_list("user_agent", flat=True)) == ["goes on"]
