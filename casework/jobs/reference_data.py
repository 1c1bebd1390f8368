"""
Loading what the service needs to know before the first contact: who and where, the clock policies, the rule set.

From a folder of CSV files, which a council replaces by its own. What is there already stays as it is: an
administrator's edits are never overwritten. All or nothing, with every fault at once.
"""

from datetime import datetime, time
from pathlib import Path

import yaml
from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from casework.deadlines import policies
from casework.models import ClockPolicy
from errors import Fault, InvalidInput
from localities.loading import BUCKINGHAMSHIRE, FIRST_DAY, load_files
from localities.working_time import LONDON
from triage.models import RuleSetVersion
from triage.ruleset import SHIPPED as SHIPPED_RULE_SET
from triage.ruleset import parse


@transaction.atomic
def load(folder: Path = BUCKINGHAMSHIRE) -> dict[str, int]:
    """
    Load everything that is missing.

    :param folder: the CSV files of who and where, named as in `localities/data/buckinghamshire`.
    :returns: how many rows of each file were new.
    :raises InvalidInput: with every fault; each names the file, the line and the column.
    """
    faults: list[Fault] = []
    counts = load_files(folder, faults)
    counts["clocks.csv"] = _load_policies(folder, faults)
    counts["rule set"] = _load_rule_set()
    if faults:
        raise InvalidInput(faults)
    return counts


def _load_policies(folder: Path, faults: list[Fault]) -> int:
    """A council's own clocks.csv stands in its folder; without one, the shipped policies hold."""
    path = folder / "clocks.csv"
    try:
        found = policies.load_file(path) if path.exists() else policies.shipped()
    except InvalidInput as invalid:
        faults += [Fault((path.name, *fault.path), fault.says) for fault in invalid.faults]
        return 0
    known = set(ClockPolicy.objects.values_list("kind", flat=True))
    fresh = [
        ClockPolicy(effective_from=FIRST_DAY, **policy.model_dump())
        for policy in found.values()
        if policy.kind not in known
    ]
    ClockPolicy.objects.bulk_create(fresh)
    return len(fresh)


def _load_rule_set() -> int:
    """The shipped rule set goes live where none was ever published; a council's own is never displaced."""
    if RuleSetVersion.objects.filter(published_at__isnull=False).exists():
        return 0
    document = yaml.safe_load(SHIPPED_RULE_SET.read_text(encoding="utf-8"))
    rules = parse(document).document
    since = datetime.combine(FIRST_DAY, time.min, tzinfo=LONDON)
    RuleSetVersion.objects.create(
        name=rules.ruleset,
        version=rules.version,
        document=document,
        published_at=since,
        live=DateTimeTZRange(since, None),
    )
    return 1
