"""What happens at the door is recorded: who, from which address, and with what kind of device."""

from datetime import datetime

from allauth.account.adapter import get_adapter
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from casework.models import SignInEvent, SignInKind
from localities.models import User

# The first that fits: a browser names others beside itself.
BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"), ("CriOS", "Chrome"), ("Chrome", "Chrome"), ("Safari", "Safari"),
)  # fmt: skip
SYSTEMS = (
    ("Windows", "Windows"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Mac OS", "Mac"),
    ("CrOS", "Chromebook"), ("Linux", "Linux"),
)  # fmt: skip


def record(
    kind: SignInKind, *, of: User | None, request: HttpRequest, at: datetime, is_known_device: bool = False
) -> None:
    """
    Writes what happened.

    :param of: the person who was signed in or whose user name was typed; None: nobody has it.
    """
    match = request.resolver_match
    page = (match.view_name or "") if match is not None and kind == SignInKind.REFUSED else ""
    SignInEvent.objects.create(
        kind=kind, user=of, at=at, address=address_of(request), device=device_of(request), page=page[:60],
        is_known_device=is_known_device,
    )  # fmt: skip


def address_of(request: HttpRequest) -> str | None:
    """The address that the request came from; None if nothing says it. What a client claims does not count."""
    try:
        address: str = get_adapter(request).get_client_ip(request)
    except PermissionDenied:
        return None
    # PostgreSQL knows no zones of addresses within one network.
    return address.partition("%")[0]


def device_of(request: HttpRequest) -> str:
    """The browser and the system in words, such as Firefox on Windows; empty if it says nothing that we know."""
    return device_in_words(request.headers.get("User-Agent", ""))


def device_in_words(agent: str) -> str:
    """What a browser says of itself, in words."""
    browser = next((name for sign, name in BROWSERS if sign in agent), "")
    system = next((name for sign, name in SYSTEMS if sign in agent), "")
    return " on ".join(filter(None, (browser, system)))
