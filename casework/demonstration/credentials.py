"""The sign-ins of the demonstration: its users' passwords and its partner systems' secrets."""

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.utils import timezone

from casework.demonstration.seeding import seed
from casework.demonstration.systems import system_of
from casework.models import Contact
from localities.models import Agency, Membership, User
from localities.working_time import local_day

CONTACTS = 40


def prepare(earlier: Mapping[str, Any], *, base_url: str, progress: Callable[[str], None]) -> dict[str, Any]:
    """
    Makes the demonstration, or keeps the one that exists.

    :param earlier: the result of an earlier start, or {}. Passwords and secrets in it that still work stay the same.
    :returns: the address and every sign-in, as in `DATA_DIR/demo.json`.
    """
    if not Contact.objects.exists():
        progress(f"Making {CONTACTS} contacts for the demonstration …")
        seed(contacts=CONTACTS, seed=1, until=timezone.now(), progress=progress)
    passwords = {user["username"]: user["password"] for user in _entries(earlier, "users", "username", "password")}
    clients = {
        client["client_id"]: client["client_secret"]
        for client in _entries(earlier, "api", "client_id", "client_secret")
    }
    memberships = _memberships()
    progress(f"Preparing the sign-ins of {len(memberships)} people …")
    return {
        "base_url": base_url,
        "api": [_client(agency, clients) for agency in Agency.objects.filter(is_active=True).order_by("pk")],
        "users": [_user(membership, passwords) for membership in memberships],
    }


def _entries(earlier: Mapping[str, Any], name: str, *keys: str) -> list[dict[str, str]]:
    """The entries of a list that have all these keys as text: somebody may have edited the file."""
    entries = earlier.get(name)
    if not isinstance(entries, list):
        return []
    return [
        entry for entry in entries if isinstance(entry, dict) and all(isinstance(entry.get(key), str) for key in keys)
    ]


def _memberships() -> list[Membership]:
    """The first current membership of each user."""
    current = Membership.objects.current(local_day(timezone.now()))
    first_of_each: dict[int, Membership] = {}
    for membership in current.select_related("user", "team").order_by("pk"):
        first_of_each.setdefault(membership.user_id, membership)
    return list(first_of_each.values())


def _user(membership: Membership, passwords: Mapping[str, str]) -> dict[str, str | None]:
    user: User = membership.user
    password = passwords.get(user.username, "")
    # Nobody chose it, so few rounds are enough. `user.check_password` would hash it again with many.
    if not password or not check_password(password, user.password):
        password = secrets.token_urlsafe(12)
        user.password = make_password(password, hasher=str(settings.OAUTH2_PROVIDER["CLIENT_SECRET_HASHER"]))
        user.save(update_fields=["password"])
    team = membership.team.code if membership.team else None
    return {"username": user.username, "password": password, "role": membership.role, "team": team}


def _client(agency: Agency, known: Mapping[str, str]) -> dict[str, str]:
    client = system_of(agency)
    secret = known.get(client.client_id, "")
    if not check_password(secret, client.client_secret):
        secret = client.client_secret = secrets.token_urlsafe(32)
        client.save()
    return {"agency": agency.code, "client_id": client.client_id, "client_secret": secret}
