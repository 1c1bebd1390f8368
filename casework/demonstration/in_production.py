"""
The demonstration and production: it is made only where it is asked for by name, found where it does not belong, and
ended.

Its staff have addresses at a domain that nobody can own, its agencies are examples by code and by name, and its
passwords are hashed quickly. What a council has given a name or an address of its own is no longer the demonstration's.
"""

from datetime import datetime

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import Q, QuerySet

from casework.demonstration.systems import CLIENT_NAME
from casework.models import Contact, Event
from casework.record import audit
from errors import NotPermitted
from localities.models import Agency, AgencyClient, User

STAFF = Q(email__iendswith="@front-door.example")
EXAMPLES = Q(code__startswith="example-", name__startswith="Example ")
END_IT = "To end it, run: manage.py end_demonstration"


def check_may_be_made() -> None:
    """:raises NotPermitted: this is production, and nobody has asked for a demonstration."""
    if not settings.DEMONSTRATION:
        raise NotPermitted(
            "This is production, and a demonstration's people could sign in. For a training copy, in which no real "
            "family will ever be, set DEMONSTRATION=true. For a trial on one machine, use make run."
        )


def found() -> list[str]:
    """What the database has of a demonstration, a sentence for each, with what to do."""
    staff, passwords = _staff().count(), _passwords().count()
    agencies, systems = _agencies().count(), _systems().count()
    says = []
    if staff:
        says.append(f"The database has invented staff who can sign in: {staff} with an address at front-door.example.")
    if passwords:
        says.append(f"The database has passwords of a demonstration: {passwords}.")
    if agencies or systems:
        says.append(f"The database has invented agencies that may send contacts: {agencies}; and systems: {systems}.")
    says = [f"{sentence} {END_IT}" for sentence in says]
    if Contact.objects.filter(agency__in=Agency.objects.filter(EXAMPLES)).exists():
        says.append(
            "The database has invented families, which nobody can take out: their contacts came from agencies that are "
            "examples. Start with an empty database; or, for a training copy, set DEMONSTRATION=true."
        )
    return says


@transaction.atomic
def end(*, now: datetime) -> dict[str, int]:
    """
    Closes the accounts of the demonstration's staff and agencies, ends its passwords and removes its systems. Nobody
    and nothing is deleted that a record may name.

    :returns: how many of each there were.
    """
    gone: dict[str, int] = {}
    no_password = {"password": make_password(None)}
    for what, rows, changes in (
        ("passwords", _passwords(), no_password),
        ("staff", _staff(), {"is_active": False, **no_password}),
        ("agencies", _agencies(), {"is_active": False}),
    ):  # fmt: skip
        keys = [*rows.values_list("pk", flat=True)]
        rows.model._default_manager.filter(pk__in=keys).update(**changes)
        for key in keys:
            audit.record(
                Event.SETTING_CHANGED, by=audit.SYSTEM, at=now, setting=rows.model._meta.label, key=key,
                what="changed", fields=sorted(changes),
            )  # fmt: skip
        gone[what] = len(keys)
    systems = [*_systems()]
    for system in systems:
        audit.record(
            Event.SETTING_CHANGED, by=audit.SYSTEM, at=now, setting=system._meta.label, key=system.pk, what="removed"
        )
        system.delete()
    return gone | {"systems": len(systems)}


def _staff() -> QuerySet[User]:
    return User.objects.filter(STAFF, is_active=True)


def _passwords() -> QuerySet[User]:
    """Of whomever: `credentials` gives everybody in a demonstration a password that is hashed quickly."""
    hashed = f"{settings.OAUTH2_PROVIDER['CLIENT_SECRET_HASHER']}$"
    return User.objects.filter(password__startswith=hashed)


def _agencies() -> QuerySet[Agency]:
    return Agency.objects.filter(EXAMPLES, is_active=True)


def _systems() -> QuerySet[AgencyClient]:
    systems: QuerySet[AgencyClient] = AgencyClient.objects.filter(
        Q(name=CLIENT_NAME) | Q(agency__in=Agency.objects.filter(EXAMPLES))
    )
    return systems
