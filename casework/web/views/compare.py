"""Both records of a possible match side by side, for whoever says whether they are of one person."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from casework.access import permissions
from casework.actions import viewing
from casework.models import PersonMatch
from casework.reading.both_records import BothRecords, both_records
from casework.statuses import MatchStatus
from casework.web.forms import TellApartForm, UndoMatchForm
from casework.web.hiding import without_hidden_addresses
from casework.web.signed_in import user_of
from casework.web.submitting import errors_of, status_of
from localities.working_time import local_day


@require_safe
def show(request: HttpRequest, reference: str, match_id: int) -> HttpResponse:
    """Shows both records, the score and why, and the forms to settle the match or to undo that."""
    return page(request, reference, match_id, timezone.now())


def page(
    request: HttpRequest,
    reference: str,
    match_id: int,
    now: datetime,
    *,
    apart: TellApartForm | None = None,
    undo: UndoMatchForm | None = None,
) -> HttpResponse:
    """The page, with the form that had faults. Viewing it is audited."""
    user = user_of(request)
    contact, match = viewing.view_match(reference=reference, match_id=match_id, by=user, now=now)
    both = both_records(match, user, now)
    works_on_it = permissions.allows(permissions.check_can_work_on, contact, user, local_day(now))
    waits = match.status == MatchStatus.PROPOSED
    context: dict[str, Any] = {
        "contact": contact,
        "match": match,
        "both": both,
        "history": match.status_changes.select_related("by").order_by("pk"),
        "back": _came_from(request, match, both),
        "waits": waits,
        "one_already": waits and match.row.person_id == match.known.pk,
        "settles": works_on_it and waits,
        "apart": apart,
        "undo": undo or (works_on_it and not waits and UndoMatchForm(prefix=f"undo{match.pk}")),
        "errors": errors_of(*filter(None, (apart, undo))),
    }
    answer = render(request, "front_door/contacts/compare.html", context, status=status_of(context["errors"]))
    return without_hidden_addresses(answer, [contact, *both.one.known.contacts, *both.other.known.contacts])


def _came_from(request: HttpRequest, match: PersonMatch, both: BothRecords) -> dict[str, str] | None:
    """The person from whose page the reader came, if it is one of these two: the Back link leads to nobody else."""
    reference = request.GET.get("from") or request.POST.get("from")
    people = ((match.row.person, both.one), (match.known, both.other))
    came = (
        {"reference": reference, "name": side.known.name} for person, side in people if person.reference == reference
    )
    return next(came, None)
