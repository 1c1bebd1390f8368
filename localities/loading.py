"""
Loads localities, catchments, teams, agencies, hub hours, users and postcodes from a folder of CSV files.

A council replaces the files with its own, and brings as many of them as it likes. Rows that exist stay as they are: an
administrator's edits are never overwritten.
"""

import csv
from collections.abc import Callable, Iterable, Mapping
from datetime import date, time
from pathlib import Path
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import connection, models
from django.db.backends.postgresql.psycopg_any import DateRange

from errors import Fault
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

_DATA = Path(__file__).resolve().parent / "data"
# The places of Buckinghamshire, and the invented people, teams and agencies of the demonstration.
BUCKINGHAMSHIRE, DEMONSTRATION = _DATA / "buckinghamshire", _DATA / "demonstration"
# The first version of everything is valid from this day, which is before the first contact.
FIRST_DAY = date(2000, 1, 1)

Row = Mapping[str, str]


def load_files(folder: Path, faults: list[Fault]) -> dict[str, int]:
    """
    Adds every row that is missing from the files that the folder has.

    :param faults: the list that every fault is added to; each names the file, and the line or the column.
    :returns: the number of new rows of each file.
    """
    there = {path.name for path in folder.glob("*.csv")}
    known = [*(name for name, _, _ in FILES), POLICIES]
    # A name that is mistyped would leave its rows out.
    faults += [Fault((name,), f"is none of {', '.join(known)}.") for name in sorted(there - {*known})]
    if not there:
        faults.append(Fault((folder.name,), f"has no file to load. Its files are named {', '.join(known)}."))
    return {name: _load_file(folder / name, columns, read, faults) for name, columns, read in FILES if name in there}


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
    outcomes = read(rows)
    faults += [
        Fault((path.name, f"line {number}"), sentence)
        for number, outcome in enumerate(outcomes, start=2)
        if isinstance(outcome, Wrong)
        for sentence in outcome.sentences
    ]
    return sum(1 for outcome in outcomes if outcome is True)


class Wrong:
    """The outcome of a line with faults, as sentences."""

    def __init__(self, sentences: Iterable[str]) -> None:
        self.sentences = list(sentences)


def _each(add: Callable[[Row], bool]) -> Callable[[list[Row]], list[Any]]:
    """Makes a reader that adds line by line. A line's outcome is True (new), False (already there) or `Wrong`."""

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


def _add(model: type[models.Model], key: Mapping[str, Any], values: Mapping[str, Any] | None = None) -> bool:
    """Adds a row unless one with this key exists. It validates the row first, so that a fault is a sentence."""
    if model._default_manager.filter(**key).exists():
        return False
    row = model(**key, **(values or {}))
    row.full_clean()
    row.save()
    return True


def _locality(row: Row) -> bool:
    return _add(Locality, {"code": row["code"]}, {"name": row["name"]})


def _catchment(row: Row) -> bool:
    locality = Locality.objects.get(code=row["locality"])
    # A prefix that an administrator has moved or ended stays as it is.
    return _add(Catchment, {"prefix": row["prefix"].upper()}, {"locality": locality, "period": DateRange(FIRST_DAY)})


def _team(row: Row) -> bool:
    locality = Locality.objects.get(code=row["locality"]) if row["locality"] else None
    values = {"name": row["name"], "kind": row["kind"], "locality": locality, "email": row["email"]}
    return _add(Team, {"code": row["code"]}, values)


def _agency(row: Row) -> bool:
    values = {"name": row["name"], "source_code": row["source_code"], "email_domains": row["email_domains"].split()}
    return _add(Agency, {"code": row["code"]}, values)


def _authority(row: Row) -> bool:
    return _add(OtherAuthority, {"name": row["name"]})


def _hours(row: Row) -> bool:
    values = {"opens": time.fromisoformat(row["opens"]), "closes": time.fromisoformat(row["closes"])}
    return _add(HubHours, {"weekday": int(row["weekday"])}, values)


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
    fresh: list[tuple[str, int | None, int | None]] = []
    for row in rows:
        try:
            postcode = normalise(row["postcode"])
            place = (postcode, int(row["easting"] or 0) or None, int(row["northing"] or 0) or None)
        except ValueError as error:
            outcomes.append(Wrong([f"{row['postcode']}: {error}"]))
            continue
        outcomes.append(postcode not in known)
        if postcode not in known:
            known.add(postcode)
            fresh.append(place)
    table = Postcode._meta.db_table
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} (postcode, easting, northing) FROM STDIN") as copy:
        for place in fresh:
            copy.write_row(place)
    return outcomes


# The deadlines, which `casework/jobs/reference_data.py` loads.
POLICIES = "clocks.csv"
FILES: list[tuple[str, tuple[str, ...], Callable[[list[Row]], list[Any]]]] = [
    ("localities.csv", ("code", "name"), _each(_locality)),
    ("catchments.csv", ("locality", "prefix"), _each(_catchment)),
    ("teams.csv", ("code", "name", "kind", "locality", "email"), _each(_team)),
    ("agencies.csv", ("code", "name", "source_code", "email_domains"), _each(_agency)),
    ("other-authorities.csv", ("name",), _each(_authority)),
    ("hub-hours.csv", ("weekday", "opens", "closes"), _each(_hours)),
    ("users.csv", ("username", "name", "email", "role", "team"), _each(_user)),
    ("postcodes.csv", ("postcode", "easting", "northing"), _postcodes),
]
