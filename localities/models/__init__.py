"""The models of who and where."""

from localities.models.people import (
    ADMIN_ROLES,
    FRONT_DOOR_KINDS,
    FRONT_DOOR_ROLES,
    LEADING_ROLES,
    OVERSEEING_ROLES,
    SERVICE_ROLES,
    Agency,
    AgencyClient,
    Membership,
    PastPassword,
    Role,
    Team,
    TeamKind,
    User,
)
from localities.models.places import Catchment, Locality, OtherAuthority, Postcode
from localities.models.signing_in import KnownDevice, Tries
from localities.models.time import CalendarDay, DayKind, HubHours
from localities.models.versions import ReferenceVersion, has_a_version

__all__ = [
    "ADMIN_ROLES",
    "FRONT_DOOR_KINDS",
    "FRONT_DOOR_ROLES",
    "LEADING_ROLES",
    "OVERSEEING_ROLES",
    "SERVICE_ROLES",
    "Agency",
    "AgencyClient",
    "CalendarDay",
    "Catchment",
    "DayKind",
    "HubHours",
    "KnownDevice",
    "Locality",
    "Membership",
    "OtherAuthority",
    "PastPassword",
    "Postcode",
    "ReferenceVersion",
    "Role",
    "Team",
    "TeamKind",
    "Tries",
    "User",
    "has_a_version",
]
