"""The devices on which somebody has signed in before. Strangers who guess do not slow them there."""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256

from localities.models import KnownDevice, User

# A device where nobody has signed in for so long is unknown again.
KNOWN_FOR = timedelta(days=90)


def new_secret() -> str:
    return secrets.token_urlsafe(32)


def known(secret: str, username: str, *, now: datetime) -> KnownDevice | None:
    """The device with this secret, if this person signed in there, and has had the same password since."""
    found = (
        KnownDevice.objects.filter(
            secret_hash=_hash(secret), user__username__iexact=username, used_at__gt=now - KNOWN_FOR
        )
        .select_related("user")
        .first()
    )
    return found if found is not None and found.session_hash == _hash(found.user.get_session_auth_hash()) else None


def remember(secret: str, user: User, *, now: datetime) -> None:
    """Notes that this person has signed in on the device with this secret."""
    said = {"session_hash": _hash(user.get_session_auth_hash()), "used_at": now}
    KnownDevice.objects.update_or_create(user=user, secret_hash=_hash(secret), defaults=said)


def forget_all_of(user: User) -> None:
    """Makes every device unknown to this person: their sessions were ended, as after a theft."""
    KnownDevice.objects.filter(user=user).delete()


def forget(*, now: datetime) -> None:
    """Deletes the devices that are unknown again."""
    KnownDevice.objects.filter(used_at__lte=now - KNOWN_FOR).delete()


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
