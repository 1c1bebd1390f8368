"""
Loads the reference data: places, teams, agencies and users, the clock policies, and the rule set.

They come from folders of CSV files, which a council replaces with its own. Rows that exist stay as they are: an
administrator's edits are never overwritten, and newer shipped rules come as a draft beside the live ones. All files are
loaded or none, and every fault is named at once.
"""

from collections.abc import Iterable
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from casework.actions import rule_sets
from casework.deadlines import policies
from casework.models import ClockPolicy
from casework.record import audit
from errors import Fault, InvalidInput
from localities.loading import FIRST_DAY, POLICIES, load_files


@transaction.atomic
def load(*folders: Path) -> dict[str, int]:
    """
    Loads everything that is missing.

    :param folders: with CSV files named as in `localities/data`, one after the other. Without one, the rules and the
        deadlines are loaded, and no places.
    :returns: the number of new rows of each file.
    :raises InvalidInput: with every fault; each names the file, and the line or the column.
    """
    faults: list[Fault] = []
    counts: dict[str, int] = {}
    for folder in folders:
        counts |= load_files(folder, faults)
    counts[POLICIES] = _load_policies(folders, faults)
    counts["rule set"] = int(rule_sets.bring_shipped(by=audit.SYSTEM, now=timezone.now()) is not None)
    if faults:
        raise InvalidInput(faults)
    return counts


def _load_policies(folders: Iterable[Path], faults: list[Fault]) -> int:
    """Loads the deadlines of the first folder that has some, or the shipped ones."""
    path = next((folder / POLICIES for folder in folders if (folder / POLICIES).exists()), None)
    try:
        by_kind = policies.load_file(path) if path else policies.shipped()
    except InvalidInput as invalid:
        faults += [Fault((POLICIES, *fault.path), fault.message) for fault in invalid.faults]
        return 0
    known = set(ClockPolicy.objects.values_list("kind", flat=True))
    new = [
        ClockPolicy(effective_from=FIRST_DAY, **policy.model_dump())
        for policy in by_kind.values()
        if policy.kind not in known
    ]
    ClockPolicy.objects.bulk_create(new)
    return len(new)
