"""
Tries to sign in, and the devices where somebody has signed in: what `localities.limits` and `localities.devices` need
to know of a request.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse

from casework.record.sign_ins import address_of
from localities import devices, limits
from localities.models import KnownDevice, User

DEVICE = "device"
ONE_MINUTE = timedelta(minutes=1)


def begin(request: HttpRequest, username: str, *, now: datetime) -> limits.Charge:
    """
    Counts a try to sign in as failed. Give it back if it was right.

    On a device where this person signed in before, their own tries there count, and nobody else's.

    :raises ValidationError: it must wait. The sentence is the same for a user name that nobody has.
    """
    name = username.strip().lower()
    device = known_device(request, name, now=now)
    if device is not None:
        budgets = {limits.key("device", device.pk): limits.DEVICE}
    else:
        budgets = {
            limits.key("account", name): limits.ACCOUNT,
            limits.key("network", limits.network_of(address_of(request))): limits.NETWORK,
            limits.key("everybody", ""): limits.EVERYBODY,
        }
    return _charged(budgets, now)


def begin_code(request: HttpRequest, user: User, *, now: datetime) -> limits.Charge:
    """
    Counts a code of a second step as wrong. Give it back if it was right.

    Whoever tries one has the password already, or the person's open browser.

    :raises ValidationError: it must wait.
    """
    device = known_device(request, user.username, now=now)
    if device is not None:
        return _charged({limits.key("device's code", device.pk): limits.DEVICE}, now)
    return _charged({limits.key("code", user.pk): limits.ACCOUNT}, now)


def _charged(budgets: dict[str, limits.Budget], now: datetime) -> limits.Charge:
    charged = limits.charge(budgets, now=now)
    if isinstance(charged, limits.Charge):
        return charged
    raise ValidationError(f"There were too many wrong tries. Try again in {in_words(charged, now)}.", code="slowed")


def may_ask_for_link(request: HttpRequest, *, now: datetime) -> bool:
    """Whether somebody may ask for a link to set a password: an e-mail may go out for each. It is counted."""
    network = limits.network_of(address_of(request))
    return isinstance(limits.charge({limits.key("link", network): limits.LINKS}, now=now), limits.Charge)


def may_use_passkey(request: HttpRequest, *, now: datetime) -> bool:
    """Whether a browser may be asked for a passkey: what it is asked is kept for each. It is counted."""
    network = limits.network_of(address_of(request))
    return isinstance(limits.charge({limits.key("passkey", network): limits.PASSKEYS}, now=now), limits.Charge)


def in_words(until: datetime, now: datetime) -> str:
    """How long somebody must wait, in whole minutes."""
    minutes = max(1, -((now - until) // ONE_MINUTE))
    return "a minute" if minutes == 1 else f"{minutes} minutes"


def known_device(request: HttpRequest, username: str, *, now: datetime) -> KnownDevice | None:
    """The device, if this person has signed in there before."""
    secret = _secret(request)
    return devices.known(secret, username, now=now) if secret else None


def remember_device(request: HttpRequest, response: HttpResponse, user: User, *, now: datetime) -> None:
    """Notes that this person has signed in here. Several people may share a device."""
    secret = _secret(request) or devices.new_secret()
    devices.remember(secret, user, now=now)
    response.set_signed_cookie(
        _cookie(), secret, salt=DEVICE, max_age=devices.KNOWN_FOR, secure=settings.SESSION_COOKIE_SECURE, httponly=True,
        samesite="Lax",
    )  # fmt: skip


def keep_device(request: HttpRequest, user: User, *, now: datetime) -> None:
    """The device stays known to whoever has just chosen another password there."""
    if (secret := _secret(request)) and request.user == user:
        devices.remember(secret, user, now=now)


def _secret(request: HttpRequest) -> str | None:
    said: str | None = request.get_signed_cookie(_cookie(), default=None, salt=DEVICE)
    return said


def _cookie() -> str:
    return f"{settings.COOKIE_PREFIX}{DEVICE}"
