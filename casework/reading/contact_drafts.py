"""The drafts of contacts that somebody may continue, and those that a manager may take over."""

import re
from datetime import datetime
from typing import NamedTuple

from django.db.models import Count, Q, QuerySet

from casework.access import permissions
from casework.models import ContactDraft
from localities.models import User
from localities.working_time import local_day


class Numbers(NamedTuple):
    """How many drafts somebody has, and how many of others they may take over."""

    own: int
    left: int


def numbers(user: User, now: datetime) -> Numbers:
    """Counts both in one statement."""
    counted = to_finish(user, now).aggregate(
        own=Count("pk", filter=Q(owner=user)), left=Count("pk", filter=~Q(owner=user))
    )
    return Numbers(**counted)


def to_finish(user: User, now: datetime) -> QuerySet[ContactDraft]:
    """The user's own drafts, and those of others that they may take over."""
    return ContactDraft.objects.of(user).open() | _left_by_others(user, now)


def own(user: User) -> list[tuple[ContactDraft, str]]:
    """Each draft of the user with the names of its children, the last saved first."""
    return [(draft, _children(draft)) for draft in ContactDraft.objects.of(user).open().select_related("split_from")]


def left_by_others(user: User, now: datetime) -> list[ContactDraft]:
    """What others did not finish within an hour, the oldest first: whose it is and since when, and nothing typed."""
    return list(_left_by_others(user, now).defer("typed").select_related("owner").order_by("started_at"))


def _left_by_others(user: User, now: datetime) -> QuerySet[ContactDraft]:
    if not permissions.allows(permissions.check_can_take_over_drafts, user, local_day(now)):
        return ContactDraft.objects.none()
    return ContactDraft.objects.left_by_others(user, now)


def _children(draft: ContactDraft) -> str:
    """The names of the children, as they were typed."""
    names = []
    # A draft that somebody began by looking first has its first child, and no list of them yet.
    for number in draft.typed.get("children", ["0"]):
        parts = (draft.typed.get(f"child-{number}-{name}", [""])[-1] for name in ("first_name", "last_name"))
        names.append(re.sub(r"\s+", " ", " ".join(parts)).strip())
    return ", ".join(filter(None, names))
