"""What a person may be here today: the roles that their memberships give."""

from dataclasses import dataclass
from datetime import date

from localities.models import FRONT_DOOR_KINDS, FRONT_DOOR_ROLES, Membership, Role, User


@dataclass(frozen=True)
class Post:
    """One membership, flat: a role, and the team that it is in (None for the whole service)."""

    role: str
    team_id: int | None
    team_kind: str | None


@dataclass(frozen=True)
class StaffRoles:
    """Everything that a person is on one day."""

    posts: tuple[Post, ...]

    def has(self, *roles: Role, team_id: int | None = None) -> bool:
        """Whether the person has one of these roles; where a team is given, in that team."""
        return any(post.role in roles and team_id in (None, post.team_id) for post in self.posts)

    @property
    def team_ids(self) -> frozenset[int]:
        return frozenset(post.team_id for post in self.posts if post.team_id is not None)

    @property
    def front_door_roles(self) -> frozenset[str]:
        """The roles in which the person works at the front door or on emergency duty."""
        return frozenset(
            post.role for post in self.posts if post.role in FRONT_DOOR_ROLES and post.team_kind in FRONT_DOOR_KINDS
        )


def roles_of(user: User, on: date) -> StaffRoles:
    """The person's standing on this day: one query, then remembered on the object (one request, one object)."""
    remembered: dict[date, StaffRoles] = user.__dict__.setdefault("_staff_roles", {})
    if on not in remembered:
        rows = Membership.objects.current(on).filter(user=user).values_list("role", "team_id", "team__kind")
        remembered[on] = StaffRoles(tuple(Post(*row) for row in rows))
    return remembered[on]
