"""Searches. The audit records each: who searched, by what kinds of facts, why, and how many were found."""

from datetime import datetime

from casework.access.reasons import TO_CHOOSE, own_reason
from casework.families.finding import Found, run_query
from casework.families.typed_search import Query
from casework.models import Event
from casework.record import audit
from errors import Fault, InvalidInput
from localities.models import User
from localities.working_time import local_day


def check(*, query: Query, reason: str, by: User, now: datetime) -> None:
    """
    Checks that there is something to search for, and a reason.

    :param reason: one of `TO_CHOOSE`; empty if the user need not give one.
    :raises InvalidInput: a reason is missing, or there is nothing to search for.
    """
    faults = []
    if not query.kinds:
        # What was typed may have been left out, for a reason.
        why = next(iter(query.notes), "Enter a reference, name, date of birth, number, postcode or address")
        faults.append(Fault(("text",), why))
    elif query.is_too_little:
        faults.append(Fault(("text",), "This would find too many people. Add a name, or a full date of birth."))
    if own_reason(by, local_day(now)) is None and reason not in TO_CHOOSE:
        faults.append(Fault(("reason",), "Select why you search"))
    if faults:
        raise InvalidInput(faults)


def search(*, query: Query, reason: str = "", by: User, now: datetime) -> Found:
    """
    Searches, and writes it to the audit: never what was typed.

    :raises InvalidInput: see `check`.
    """
    check(query=query, reason=reason, by=by, now=now)
    found = run_query(query, by, now)
    own = own_reason(by, local_day(now))
    audit.record(
        Event.SEARCHED, by=by, at=now, by_what=list(query.kinds), found=found.number, restricted=len(found.closed),
        why=own.value if own else reason,
    )  # fmt: skip
    return found
