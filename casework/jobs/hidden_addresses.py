"""
Checks again whose address is hidden, where an upgrade noted that this is needed.

`families/confidentiality.py` keeps `address_is_confidential` up to date around whoever a contact, a match or a person
touches. Families that nobody has touched since the rule grew have what the rule of before said. A release that changes
the rule notes in its migration everybody who has, or had, a protected or hidden address: nothing is hidden that does
not follow from one of them.
"""

from collections.abc import Callable
from datetime import datetime

from django.db import connection, transaction

from casework.families.confidentiality import bring_up_to_date, lock_around
from casework.models import HidingToCheck

# Each lot is a transaction of its own, so that nobody waits long for a family.
A_LOT = 20
LOTS_A_ROUND = 25
NOTE_ALL = """
INSERT INTO casework_hidingtocheck (person_id)
SELECT COALESCE(record.same_as_id, record.id)
FROM casework_addressprotection protection JOIN casework_person record ON record.id = protection.person_id
UNION SELECT person_id FROM casework_contactchild WHERE address_is_confidential
UNION SELECT person_id FROM casework_contactadult WHERE address_is_confidential
ON CONFLICT DO NOTHING
"""


def note_all() -> None:
    """Notes everybody who has, or had, a protected or hidden address."""
    with connection.cursor() as cursor:
        cursor.execute(NOTE_ALL)


def recheck(
    *, now: datetime, lots: int | None = LOTS_A_ROUND, progress: Callable[[int], None] = lambda done: None
) -> int:
    """
    Hides and shows the addresses around those who are noted, as the rule of today says. Safe to run twice, and at the
    same time as itself; stopped in between, it goes on where it stopped.

    :param lots: how many lots at most; None for all.
    :param progress: called after each lot with the number of people that are done.
    :returns: the number of people that were done.
    """
    done, left = 0, lots
    while left is None or left > 0:
        people = _recheck_lot(now)
        if not people:
            break
        done += people
        progress(done)
        left = None if left is None else left - 1
    return done


@transaction.atomic
def _recheck_lot(now: datetime) -> int:
    noted = HidingToCheck.objects.select_for_update(skip_locked=True).order_by("person")
    people = list(noted.values_list("person", flat=True)[:A_LOT])
    if people:
        lock_around(people)
        bring_up_to_date(people, now=now)
        HidingToCheck.objects.filter(person__in=people).delete()
    return len(people)
