"""
Renews the recommendations that became stale.

A case opens, a match is settled, a contact or a person is corrected, or an address is hidden or shown again. Other
contacts about the same people may wait with a recommendation that does not know of it. `families/household.py` and
`families/confidentiality.py` note these contacts, and this job renews their recommendations within seconds.
"""

from datetime import datetime

from django.db import transaction

from casework.actions.recommendations import lock_people, recommend_again
from casework.models import Contact, StaleRecommendation
from casework.record import audit
from casework.statuses import ContactStatus

BATCH_SIZE = 200


def renew(*, now: datetime) -> int:
    """
    Renews the recommendations of the noted contacts, each in a transaction of its own. Safe to run twice, and at the
    same time as itself. A contact that waits for a sign-off is renewed only if the sign-off is declined.

    :returns: the number of contacts that were handled.
    """
    stale = StaleRecommendation.objects.exclude(contact__status=ContactStatus.SIGN_OFF).order_by("since", "contact")
    contact_ids = list(stale.values_list("contact", flat=True)[:BATCH_SIZE])
    return sum(renew_one(contact_id=contact_id, now=now) for contact_id in contact_ids)


@transaction.atomic
def renew_one(*, contact_id: int, now: datetime, only_if_noted: bool = True) -> bool:
    """
    Renews the recommendation of one contact. Does nothing while another transaction has locked the contact.

    :param only_if_noted: whether to renew only a contact that is noted in `StaleRecommendation`.
    :returns: whether the contact was handled.
    """
    free = Contact.objects.locked(skip_locked=True)
    contact = free.filter(pk=contact_id).exclude(status=ContactStatus.SIGN_OFF).first()
    if contact is None:
        return False
    lock_people(contact)
    was_stale, _ = StaleRecommendation.objects.filter(contact=contact).delete()
    if not was_stale and only_if_noted:
        return False
    if contact.status == ContactStatus.RECEIVED:
        recommend_again(contact, audit.SYSTEM, now)
    return True
