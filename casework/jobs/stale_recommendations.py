"""
Renews the recommendations that became stale.

A case opens, a match is settled, a contact or a person is corrected, or an address is hidden or shown again. Other
contacts about the same people may wait with a recommendation that does not know of it. `families/household.py` and
`families/confidentiality.py` note these contacts, and this job renews their recommendations within seconds.
"""

from datetime import datetime

from casework.actions import recommendations
from casework.models import StaleRecommendation
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
    return sum(recommendations.renew(contact_id=contact_id, now=now) for contact_id in contact_ids)
