"""
Loading what the service needs to know before the first contact: who and where, the clock policies, the rule set.

From a folder of CSV files, which a council replaces by its own. What is there already stays as it is: an
administrator's edits are never overwritten. All or nothing, with every fault at once.
"""

import csv
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import yaml
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import models, transaction
from django.db.backends.postgresql.psycopg_any import DateRange, DateTimeTZRange

from casework import clock_policies
from casework.models import ClockPolicy
from localities.models import (
    Agency,
    Catchment,
    HubHours,
    Locality,
    Membership,
    OtherAuthority,
    Postcode,
    Team,
    User,
)
from localities.postcodes import normalise
from localities.working_time import LONDON
from triage.documents import Fault, InvalidDocument
from triage.models import RuleSetVersion
from triage.ruleset import SHIPPED as SHIPPED_RULE_SET
from triage.ruleset import parse

BUCKINGHAMSHIRE = Path(__file__).resolve().parent.parent / "localities" / "data" / "buckinghamshire"
# The first of everything holds since before the first contact.
SINCE_EVER = date(2000, 1, 1)

Row = Mapping[str, str]


@transaction.atomic
def load(folder: Path = BUCKINGHAMSHIRE) -> dict[str, int]:
    """
    Load everything that is missing.

    :param folder: the CSV files of who and where, named as in `localities/data/buckinghamshire`.
    :returns: how many rows of each file were new.
    :raises InvalidDocument: with every fault; each names the file, the line and the column.
    """
    faults: list[Fault] = []
    counts: dict[str, int] = {}
    for name, columns, read in FILES:
        counts[name] = _load_file(folder / name, columns, read, faults)
    counts["clocks.csv"] = _load_policies(folder, faults)
    counts["rule set"] = _load_rule_set()
    if faults:
        raise InvalidDocument(faults)
    return counts


def _load_file(path: Path, columns: Iterable[str], read: Callable[[list[Row]], list[Any]], faults: list[Fault]) -> int:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows: list[Row] = [{key: (value or "").strip() for key, value in row.items() if key} for row in reader]
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
    except OSError as error:
        faults.append(Fault((path.name,), f"cannot be read: {error.strerror}."))
        return 0
    except UnicodeDecodeError:
        faults.append(Fault((path.name,), "is not text in UTF-8."))
        return 0
    if missing:
        faults += [Fault((path.name, name), "is a column that is missing from the header line.") for name in missing]
        return 0
    found = read(rows)
    faults += [
        Fault((path.name, f"line {number}"), says)
        for number, outcome in enumerate(found, start=2)
        if isinstance(outcome, Wrong)
        for says in outcome.sentences
    ]
    return sum(1 for outcome in found if outcome is True)


class Wrong:
    """What is wrong with a line, as sentences."""

    def __init__(self, sentences: Iterable[str]) -> None:
        self.sentences = list(sentences)


def _each(add: Callable[[Row], bool]) -> Callable[[list[Row]], list[Any]]:
    """Line by line: whether the line was new, or what is wrong with it."""

    def read(rows: list[Row]) -> list[Any]:
        outcomes: list[Any] = []
        for row in rows:
            try:
                outcomes.append(add(row))
            except ValidationError as error:
                outcomes.append(Wrong(error.messages))
            except ObjectDoesNotExist as error:
                outcomes.append(Wrong([f"names something that no other file has: {error}"]))
            except ValueError as error:
                outcomes.append(Wrong([str(error)]))
        return outcomes

    return read


def _new(model: type[models.Model], key: Mapping[str, Any], values: Mapping[str, Any] | None = None) -> bool:
    """Add a row unless there is one with this key. Its rules are checked first, so that a fault is a sentence."""
    if model._default_manager.filter(**key).exists():
        return False
    row = model(**key, **(values or {}))
    row.full_clean()
    row.save()
    return True


def _locality(row: Row) -> bool:
    return _new(Locality, {"code": row["code"]}, {"name": row["name"]})


def _catchment(row: Row) -> bool:
    locality = Locality.objects.get(code=row["locality"])
    # A prefix that an administrator moved, or ended, stays where it was put.
    return _new(Catchment, {"prefix": row["prefix"].upper()}, {"locality": locality, "period": DateRange(SINCE_EVER)})


def _team(row: Row) -> bool:
    locality = Locality.objects.get(code=row["locality"]) if row["locality"] else None
    values = {"name": row["name"], "kind": row["kind"], "locality": locality, "email": row["email"]}
    return _new(Team, {"code": row["code"]}, values)


def _agency(row: Row) -> bool:
    return _new(Agency, {"code": row["code"]}, {"name": row["name"], "source_code": row["source_code"]})


def _authority(row: Row) -> bool:
    return _new(OtherAuthority, {"name": row["name"]})


def _hours(row: Row) -> bool:
    values = {"opens": time.fromisoformat(row["opens"]), "closes": time.fromisoformat(row["closes"])}
    return _new(HubHours, {"weekday": int(row["weekday"])}, values)


def _user(row: Row) -> bool:
    team = Team.objects.get(code=row["team"]) if row["team"] else None
    if User.objects.filter(username__iexact=row["username"]).exists():
        return False
    user = User(username=row["username"], name=row["name"], email=row["email"])
    user.set_unusable_password()
    user.full_clean()
    user.save()
    membership = Membership(user=user, role=row["role"], team=team)
    membership.full_clean()
    membership.save()
    return True


def _postcodes(rows: list[Row]) -> list[Any]:
    """All at once: there are tens of thousands."""
    outcomes: list[Any] = []
    known = set(Postcode.objects.values_list("pk", flat=True))
    fresh: list[Postcode] = []
    for row in rows:
        try:
            postcode = normalise(row["postcode"])
            place = Postcode(postcode, int(row["easting"] or 0) or None, int(row["northing"] or 0) or None)
        except ValueError as error:
            outcomes.append(Wrong([f"{row['postcode']}: {error}"]))
            continue
        outcomes.append(postcode not in known)
        if postcode not in known:
            known.add(postcode)
            fresh.append(place)
    Postcode.objects.bulk_create(fresh, batch_size=5000)
    return outcomes


FILES: list[tuple[str, tuple[str, ...], Callable[[list[Row]], list[Any]]]] = [
    ("localities.csv", ("code", "name"), _each(_locality)),
    ("catchments.csv", ("locality", "prefix"), _each(_catchment)),
    ("teams.csv", ("code", "name", "kind", "locality", "email"), _each(_team)),
    ("agencies.csv", ("code", "name", "source_code"), _each(_agency)),
    ("other-authorities.csv", ("name",), _each(_authority)),
    ("hub-hours.csv", ("weekday", "opens", "closes"), _each(_hours)),
    ("users.csv", ("username", "name", "email", "role", "team"), _each(_user)),
    ("postcodes.csv", ("postcode", "easting", "northing"), _postcodes),
]


def _load_policies(folder: Path, faults: list[Fault]) -> int:
    """A council's own clocks.csv stands in its folder; without one, the shipped policies hold."""
    path = folder / "clocks.csv"
    try:
        policies = clock_policies.load_file(path) if path.exists() else clock_policies.shipped()
    except InvalidDocument as invalid:
        faults += [Fault((path.name, *fault.path), fault.says) for fault in invalid.faults]
        return 0
    known = set(ClockPolicy.objects.values_list("kind", flat=True))
    fresh = [
        ClockPolicy(effective_from=SINCE_EVER, **policy.model_dump())
        for policy in policies.values()
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
    since = datetime.combine(SINCE_EVER, time.min, tzinfo=LONDON)
    RuleSetVersion.objects.create(
        name=rules.ruleset,
        version=rules.version,
        document=document,
        published_at=since,
        live=DateTimeTZRange(since, None),
    )
    return 1
