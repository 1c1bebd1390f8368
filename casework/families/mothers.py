"""
The mother of a baby, kept with the record of the baby: babies of one ward are born on one day, often without a name.

Only for a baby: somebody else may be called the mother of an older child, and she says less about who that child is.
"""

from collections.abc import Collection, Iterable
from datetime import timedelta

from casework.families.likeness.names import fold
from casework.models import ContactAdult, ContactChild
from localities.working_time import local_day

MOTHERS = frozenset({"mother", "mum", "mummy", "mom", "mam", "birth mother", "biological mother", "natural mother"})
A_BABY = timedelta(days=2 * 365)


def keep_mothers(children: Iterable[ContactChild], adults: Collection[ContactAdult]) -> list[ContactChild]:
    """
    Writes into the records of the babies on one contact who their mother is, as far as it names one of the family.
    Nothing is stored.

    :returns: the children of whom it is another than before.
    """
    named = [adult.recorded_as for adult in adults if adult.in_family and fold(adult.relationship) in MOTHERS]
    mother = ("", None) if len(named) != 1 else (named[0].first_name, named[0].date_of_birth)
    changed = []
    for child in children:
        record = child.recorded_as
        own = mother if child.in_family and _is_baby(child) else ("", None)
        if (record.mother_first_name, record.mother_born) != own:
            record.mother_first_name, record.mother_born = own
            changed.append(child)
    return changed


def _is_baby(child: ContactChild) -> bool:
    born = child.date_of_birth
    return born is not None and born > local_day(child.contact.received_at) - A_BABY
