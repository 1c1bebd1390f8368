"""
The secrets of partners' systems: a new one while the former one still works for a while, so that nobody has to change
it everywhere in one moment.
"""

from datetime import datetime, timedelta

from django.db import transaction
from oauth2_provider.generators import generate_client_secret

from casework.access import permissions
from casework.models import Event
from casework.record import audit
from errors import NotAllowedInStatus
from localities.models import AgencyClient, User
from localities.working_time import local_day

FORMER_WORKS_FOR = timedelta(days=7)


@transaction.atomic
def renew(*, client_id: int, by: User, now: datetime) -> tuple[AgencyClient, str]:
    """
    Gives a partner's system a new secret. The former one works for `FORMER_WORKS_FOR` more; one before that ends.

    :returns: the system, and the secret, which nobody can read again.
    :raises NotPermitted: `by` is no administrator.
    """
    client = _locked(client_id, by, now)
    secret = str(generate_client_secret())
    client.former_secret, client.former_until = client.client_secret, now + FORMER_WORKS_FOR
    # The field keeps a hash.
    client.client_secret = secret
    client.save(update_fields=["client_secret", "former_secret", "former_until"])
    _record(client, "client_secret", by, now)
    return client, secret


@transaction.atomic
def end_former(*, client_id: int, by: User, now: datetime) -> AgencyClient:
    """
    Ends the former secret of a partner's system at once.

    :raises NotPermitted: `by` is no administrator.
    :raises NotAllowedInStatus: no former secret works.
    """
    client = _locked(client_id, by, now)
    if not client.has_former_secret(now):
        raise NotAllowedInStatus("No former secret works any more.")
    client.former_secret, client.former_until = "", None
    client.save(update_fields=["former_secret", "former_until"])
    _record(client, "former_secret", by, now)
    return client


def _locked(client_id: int, by: User, now: datetime) -> AgencyClient:
    permissions.check_can_manage_systems(by, local_day(now))
    client: AgencyClient = (
        AgencyClient.objects.select_for_update(of=("self",)).select_related("agency").get(pk=client_id)
    )
    return client


def _record(client: AgencyClient, field: str, by: User, now: datetime) -> None:
    audit.record(
        Event.SETTING_CHANGED, by=by, at=now, setting=client._meta.label, key=client.pk, what="changed", fields=[field]
    )
