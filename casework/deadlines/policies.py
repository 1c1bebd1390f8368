"""
Clock policies and their arithmetic: when a clock is due, and when it warns. It needs no database.

Source: the council's policy on deadlines, which says how clocks count, and its table (`data/clocks.csv`).
"""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Annotated, Literal, Protocol

from dateutil.relativedelta import relativedelta
from pydantic import BeforeValidator, Field

from errors import Fault, InvalidInput
from localities.working_time import LONDON, WorkingTime, at, end_of_day, local_day, shipped_hours
from triage.documents import Document, Text, fault, quoted, read

SHIPPED = Path(__file__).parent / "data" / "clocks.csv"

ONLY_LOCAL_PROMISES_PAUSE = "only a local deadline about a contact can be paused, and none in hours; leave it empty."
HOURS_END_AT_A_TIME = "hours run day and night and end at a time; write same_time."
# A warning that falls into closed hours goes out this long before the hub closes.
BEFORE_CLOSING = timedelta(hours=1)
YES_OR_NO = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False, "": False}
Name = Annotated[Text, Field(pattern=re.compile(r"^[a-z][a-z0-9_]*$"))]


def _yes_or_no(value: object) -> object:
    if not isinstance(value, str):
        return value
    if (word := value.strip().lower()) not in YES_OR_NO:
        raise fault(f"must be yes or no, not {quoted(value)}.")
    return YES_OR_NO[word]


YesOrNo = Annotated[bool, BeforeValidator(_yes_or_no)]


class Terms(Protocol):
    """The fields of a policy that the arithmetic needs, from a file or from the database."""

    @property
    def limit(self) -> int: ...
    @property
    def unit(self) -> str: ...
    @property
    def ends(self) -> str: ...
    @property
    def warn_at_share(self) -> float: ...
    @property
    def is_local(self) -> bool: ...


class Policy(Document):
    """
    One kind of clock. It starts at the event `starts_at` of its subject and is due `limit` units later.

    `warn_at_share` is the share of the time from start to due after which the clock warns; a clock that counts working
    days warns in hub hours. A `basis` that starts with "local" is the council's own deadline, which its closure days
    pause. A clock with `may_pause` can be paused while a family's agreement is sought, on a contact that is not red;
    the column is optional.
    """

    kind: Name
    subject: Literal["contact", "partner_request", "handoff", "case"]
    starts_at: Name
    # Ten thousand of any unit are within Python's calendar. More is a typing error.
    limit: Annotated[int, Field(ge=1, le=10_000)]
    unit: Literal["hour", "working_day", "week", "month"]
    ends: Literal["same_time", "end_of_day"]
    warn_at_share: Annotated[float, Field(gt=0, lt=1)]
    escalates_to: Literal["front_door_manager", "team_lead", "service_manager"]
    may_pause: YesOrNo = False
    basis: Annotated[Text, Field(min_length=1)]

    @property
    def is_local(self) -> bool:
        return self.basis.startswith("local")


@dataclass(frozen=True)
class Moments:
    """
    The moments of a clock, in UTC.

    `started_at` is the real start; the clock may count from a later moment, when the hub opens. `escalate_at` is one
    working day after `due_at`: a clock that is still late then goes to the service manager.
    """

    started_at: datetime
    warn_at: datetime
    due_at: datetime
    escalate_at: datetime


def moments(policy: Terms, start: datetime, working_time: WorkingTime, *, due_at: datetime | None = None) -> Moments:
    """
    The moments of a clock of this policy that starts at `start` (aware).

    :param due_at: the due moment after a pause or an extension, in place of the policy's.
    """
    local = policy.is_local
    here = start.astimezone(LONDON)
    if policy.unit == "hour":
        # Hours run day and night, through both clock changes: they are counted in UTC.
        begin = start.astimezone(UTC)
        due = begin + timedelta(hours=policy.limit)
    elif policy.ends == "end_of_day":
        begin = here
        due = end_of_day(_later(policy, here, working_time))
    elif policy.unit == "working_day":
        begin = working_time.counted_start(here, local=local)
        due = at(_later(policy, begin, working_time), begin.time())
    else:
        begin = here
        due = at(_later(policy, begin, working_time), begin.time())
    begin, due = begin.astimezone(UTC), (due_at or due).astimezone(UTC)
    warn = begin + timedelta(seconds=int((due - begin).total_seconds() * policy.warn_at_share))
    if policy.unit == "working_day":
        warn = in_hub_hours(warn, begin, working_time, local=local)
    # If the calendar moves the start past a due moment that a person has named, the warning comes at that moment.
    warn = min(warn, due)
    late = working_time.counted_start(due, local=False)
    escalate = at(working_time.add_working_days(late.date(), 1, local=False), late.time())
    return Moments(start.astimezone(UTC), warn, due, escalate.astimezone(UTC))


def in_hub_hours(warn_at: datetime, begins_at: datetime, working_time: WorkingTime, *, local: bool) -> datetime:
    """
    The moment of a warning of a clock that counts working days. A warning in closed hours moves to one hour before the
    hub last closed, so that somebody can still act.

    :param begins_at: the moment from which the clock counts: it does not warn earlier.
    :param local: whether the council's own closures are days off, too.
    """
    closed_at = working_time.closed_since(warn_at, local=local)
    return warn_at if closed_at is None else min(warn_at, max(begins_at, closed_at - BEFORE_CLOSING))


def due_after_pause(
    policy: Terms, due_at: datetime, paused_at: datetime, resumed_at: datetime, working_time: WorkingTime
) -> datetime:
    """
    The due moment of a clock after a pause: later by the hub's open time during the pause. A pause over a weekend does
    not move it.
    """
    local = policy.is_local
    lost = working_time.open_time(paused_at, resumed_at, local=local)
    later = working_time.after_open_time(due_at, lost, local=local)
    return end_of_day(local_day(later)).astimezone(UTC) if policy.ends == "end_of_day" else later


def _later(policy: Terms, begin: datetime, working_time: WorkingTime) -> date:
    day = begin.date()
    if policy.unit == "working_day":
        return working_time.add_working_days(day, policy.limit, local=policy.is_local)
    if policy.unit == "week":
        return day + timedelta(weeks=policy.limit)
    return day + relativedelta(months=policy.limit)


def parse(text: str) -> dict[str, Policy]:
    """
    Reads policies from CSV with a header line, like `data/clocks.csv`. Returns them by kind, in the order of the file.

    :raises InvalidInput: with every fault; each names the line and the column.
    """
    reader = csv.DictReader(StringIO(text), strict=True)
    try:
        # The number of the row's first line: the line on which it ends, minus the line breaks in it.
        rows = [(reader.line_num - _line_ends(row), row) for row in reader]
    except csv.Error as error:
        raise InvalidInput([Fault((f"line {reader.line_num}",), f"is not CSV: {error}.")]) from None
    found: dict[str, Policy] = {}
    faults: list[Fault] = []
    needed = [name for name, field in Policy.model_fields.items() if field.is_required()]
    if missing := [name for name in needed if name not in (reader.fieldnames or ())]:
        raise InvalidInput([Fault((f"column {name}",), "is missing from the header line.") for name in missing])
    columns = list(reader.fieldnames or ())
    if twice := sorted({name for name in columns if columns.count(name) > 1}):
        raise InvalidInput([Fault((f"column {name}",), "stands twice in the header line.") for name in twice])
    for number, row in rows:
        if row.get("unit") == "hour" and row.get("ends") == "end_of_day":
            faults.append(Fault((f"line {number}", "ends"), HOURS_END_AT_A_TIME))
        if _pauses_and_must_not(row):
            faults.append(Fault((f"line {number}", "may_pause"), ONLY_LOCAL_PROMISES_PAUSE))
        try:
            policy = read(Policy, _row(row))
        except InvalidInput as invalid:
            faults += [Fault((f"line {number}", *each.path), each.message) for each in invalid.faults]
            continue
        if policy.kind in found:
            faults.append(Fault((f"line {number}", "kind"), f"{policy.kind} stands in the file more than once."))
        found[policy.kind] = policy
    if not faults and not found:
        faults.append(Fault((), "The file holds no policy."))
    if faults:
        raise InvalidInput(faults)
    return found


def _line_ends(row: Mapping[str | None, object]) -> int:
    return sum(value.count("\n") for value in row.values() if isinstance(value, str))


def _pauses_and_must_not(row: Mapping[str | None, object]) -> bool:
    """Checks the raw row, so that this fault is named together with the row's other faults."""
    pauses, basis = str(row.get("may_pause") or ""), str(row.get("basis") or "")
    fits = row.get("subject") == "contact" and row.get("unit") != "hour" and basis.strip().startswith("local")
    return YES_OR_NO.get(pauses.strip().lower(), False) and not fits


def _row(row: Mapping[str | None, object]) -> dict[str, object]:
    return {
        ("a column too many" if name is None else name): value
        for name, value in row.items()
        if name != "may_pause" or value is not None
    }


def load_file(path: Path) -> dict[str, Policy]:
    """
    Reads policies from a file.

    :raises InvalidInput: with every fault.
    :raises OSError: the file cannot be read.
    """
    try:
        return parse(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise InvalidInput([Fault((), "The file is not text in UTF-8.")]) from None


@cache
def shipped() -> Mapping[str, Policy]:
    """The policies that come with the product."""
    return load_file(SHIPPED)


@cache
def shipped_working_time() -> WorkingTime:
    """Buckinghamshire's hub hours and the bank holidays of England."""
    return WorkingTime(hours=shipped_hours())
