"""The roles that a user's memberships give them on a day."""

from dataclasses import dataclass
from datetime import date

from localities.models import FRONT_DOOR_KINDS, FRONT_DOOR_ROLES, Membership, Role, User


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
    def front_door_roles(self) -> frozenset[str]:
        """The roles in which the user works at the front door or on emergency duty."""
        return frozenset(
            each.role for each in self.roles if each.role in FRONT_DOOR_ROLES and each.team_kind in FRONT_DOOR_KINDS
        )


def roles_of(user: User, on: date) -> StaffRoles:
    """The user's roles on this day. One query; the result is cached on the object, which lives for one request."""
    cached: dict[date, StaffRoles] = user.__dict__.setdefault("_staff_roles", {})
    if on not in cached:
        rows = Membership.objects.current(on).filter(user=user).values_list("role", "team_id", "team__kind")
        cached[on] = StaffRoles(tuple(TeamRole(*row) for row in rows))
    return cached[on]
