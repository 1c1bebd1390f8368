"""
When a case of a child opens, other contacts about that child may wait with a recommendation that does not know of it.
Whoever opens the case notes them (`actions/decisions.py`); here the rules are asked again about each, within seconds.
"""

from datetime import datetime

from casework.actions import recommendations
from casework.models import StaleRecommendation
from casework.statuses import ContactStatus

AT_ONCE = 200


def renew(*, now: datetime) -> int:
    """
    Ask the rules again about the contacts that were noted, each in a transaction of its own. Safe to run twice, and at
    the same time as itself. What waits for a second person is asked about once it is declined.

    :returns: how many were seen to.
    """
    stale = StaleRecommendation.objects.exclude(contact__status=ContactStatus.SIGN_OFF).order_by("since", "contact")
    contact_ids = list(stale.values_list("contact", flat=True)[:AT_ONCE])
    return sum(recommendations.renew(contact_id=contact_id, now=now) for contact_id in contact_ids)
