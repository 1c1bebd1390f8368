"""
Loads the reference data: teams, users and places, the clock policies, and the rule set.

They come from a folder of CSV files, which a council replaces with its own. Rows that exist stay as they are: an
administrator's edits are never overwritten, and newer shipped rules come as a draft beside the live ones. All files are
loaded or none, and every fault is named at once.
"""

from pathlib import Path

from django.db import transaction
from django.utils import timezone

from casework.actions import rule_sets
from casework.deadlines import policies
from casework.models import ClockPolicy
from casework.record import audit
from errors import Fault, InvalidInput
from localities.loading import BUCKINGHAMSHIRE, FIRST_DAY, load_files


@transaction.atomic
def load(folder: Path = BUCKINGHAMSHIRE) -> dict[str, int]:
    """
    Loads everything that is missing.

    :param folder: CSV files named as in `localities/data/buckinghamshire`.
    :returns: the number of new rows of each file.
    :raises InvalidInput: with every fault; each names the file, and the line or the column.
    """
    faults: list[Fault] = []
    counts = load_files(folder, faults)
    counts["clocks.csv"] = _load_policies(folder, faults)
    counts["rule set"] = int(rule_sets.bring_shipped(by=audit.SYSTEM, now=timezone.now()) is not None)
    if faults:
        raise InvalidInput(faults)
    return counts


def _load_policies(folder: Path, faults: list[Fault]) -> int:
    """Loads the clocks.csv in the folder, or the shipped policies if it has none."""
    path = folder / "clocks.csv"
    try:
        by_kind = policies.load_file(path) if path.exists() else policies.shipped()
    except InvalidInput as invalid:
        faults += [Fault((path.name, *fault.path), fault.message) for fault in invalid.faults]
        return 0
    known = set(ClockPolicy.objects.values_list("kind", flat=True))
    new = [
        ClockPolicy(effective_from=FIRST_DAY, **policy.model_dump())
        for policy in by_kind.values()
        if policy.kind not in known
    ]
    ClockPolicy.objects.bulk_create(new)
    return len(new)
