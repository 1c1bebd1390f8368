"""The roles that a user's memberships give them on a day."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import connection
from django.db.models import JSONField
from django.db.models.expressions import RawSQL

from localities.models import FRONT_DOOR_KINDS, FRONT_DOOR_ROLES, LEADING_ROLES, Role, User

# Every page and every action asks it. The ORM takes 0.7 ms of processor time to compose it.
OF_MEMBERSHIPS = """
FROM localities_membership membership
JOIN localities_user member ON member.id = membership.user_id AND member.is_active
LEFT JOIN localities_team team ON team.id = membership.team_id
WHERE membership.user_id = %s
  AND (membership.starts_on IS NULL OR membership.starts_on <= %s)
  AND (membership.ends_on IS NULL OR membership.ends_on >= %s)
"""
ROLES_OF = f"SELECT membership.role, membership.team_id, team.kind {OF_MEMBERSHIPS}"
ROLES_FOR_QUERY = f"""ARRAY(SELECT jsonb_build_object(
    'role', membership.role, 'team_id', membership.team_id, 'team_kind', team.kind) {OF_MEMBERSHIPS})"""


CACHED = "_staff_roles"


@dataclass(frozen=True)
class TeamRole:
    """One membership as plain values: a role, and the team that it is in (None for the whole service)."""

    role: str
    team_id: int | None
    team_kind: str | None


@dataclass(frozen=True)
class StaffRoles:
    """All roles that a user has on one day."""

    roles: tuple[TeamRole, ...]

    def has(self, *roles: Role, team_id: int | None = None) -> bool:
        """Whether the user has one of these roles; if a team is given, in that team."""
        return any(each.role in roles and team_id in (None, each.team_id) for each in self.roles)

    @property
    def team_ids(self) -> frozenset[int]:
        return frozenset(each.team_id for each in self.roles if each.team_id is not None)

    @property
    def led_teams(self) -> frozenset[int]:
        """The teams that the user leads: a team that works with families, the front door or emergency duty."""
        return frozenset(each.team_id for each in self.roles if each.role in LEADING_ROLES and each.team_id is not None)

    @property
    def front_door_roles(self) -> frozenset[str]:
        """The roles in which the user works at the front door or on emergency duty."""
        return frozenset(
            each.role for each in self.roles if each.role in FRONT_DOOR_ROLES and each.team_kind in FRONT_DOOR_KINDS
        )


def roles_of(user: User, on: date) -> StaffRoles:
    """The user's roles on this day. One query; the result is cached on the object, which lives for one request."""
    cached = _cached(user)
    if on not in cached:
        with connection.cursor() as cursor:
            cursor.execute(ROLES_OF, [user.pk, on, on])
            cached[on] = StaffRoles(tuple(TeamRole(*row) for row in cursor.fetchall()))
    return cached[on]


def roles_for_query(user_id: int, on: date) -> RawSQL:
    """The user's roles as an annotation of a query about something else. Give its value to `cache_roles`."""
    return RawSQL(ROLES_FOR_QUERY, [user_id, on, on], output_field=ArrayField(JSONField()))  # noqa: S611  # our own


def cache_roles(user: User, on: date, rows: Iterable[Mapping[str, Any]]) -> None:
    """Caches what `roles_for_query` read, so that `roles_of` needs no query."""
    _cached(user)[on] = StaffRoles(tuple(TeamRole(**row) for row in rows))


def _cached(user: User) -> dict[date, StaffRoles]:
    # Of the user itself: a request's user is wrapped, and `__dict__` would be that of the wrapper.
    cached: dict[date, StaffRoles] | None = getattr(user, CACHED, None)
    if cached is None:
        setattr(user, CACHED, cached := {})
    return cached
