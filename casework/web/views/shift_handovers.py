"""The sheet that one shift hands to the next: it is given, read, added to, and can be read again."""

from datetime import datetime, timedelta

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from casework.access import permissions
from casework.actions import shift_handovers
from casework.models import Case, Contact, ShiftHandover, ShiftHandoverAddition, UnfinishedForm
from casework.models.indexes import is_among
from casework.reading import shift_handovers as reading
from casework.web.forms import ActionForm, reason_field
from casework.web.hiding import without_hidden_addresses
from casework.web.signed_in import by_post, user_of
from casework.web.submitting import errors_of, status_of, submit
from casework.web.unfinished import OpenForm, opened_among
from localities.models import FRONT_DOOR_KINDS, Team
from localities.roles import roles_of
from localities.working_time import local_day

A_PAGE = 30
A_MONTH = timedelta(days=31)


class GiveForm(ActionForm):
    """What the next shift must know."""

    # By the prefix what was typed is known as such: see `typed.py`.
    prefix = "shift"
    note = reason_field(
        "What must the next shift know?",
        "Beyond what stands below: what worries you, what was promised to whom, what to look at first.",
    )


class AddForm(ActionForm):
    """An addition to a sheet that was given."""

    prefix = "shift"
    text = reason_field("What do you add or correct?", "The sheet itself stays as it was given.")


@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    """Lists the sheets, the last first; and leads to that of the user's own shift."""
    user, now = user_of(request), timezone.now()
    permissions.check_can_read_shift_handovers(user, local_day(now))
    own = Team.objects.filter(pk__in=roles_of(user, local_day(now)).team_ids, kind__in=FRONT_DOOR_KINDS)
    given = ShiftHandover.objects.select_related("from_team", "to_team", "given_by", "read_by")
    context = {"own": own, "page": Paginator(given, A_PAGE).get_page(request.GET.get("page"))}
    return render(request, "front_door/duty/handovers.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def give(request: HttpRequest, reference: str) -> HttpResponse:
    """Shows the sheet of a team's shift as it is now, and gives it to the next. `reference` is the team's code."""
    user, now = user_of(request), timezone.now()
    team = get_object_or_404(Team, code=reference, kind__in=FRONT_DOOR_KINDS)
    permissions.check_can_hand_over_shift(team, user, local_day(now))
    address = reverse("shift-handover", args=[reference])
    form = GiveForm(request.POST if request.method == "POST" else None)

    def page() -> HttpResponse:
        says = shift_handovers.sheet(team, user, now)
        sheet = reading.for_reader(says, user, now)
        left, coming = shift_handovers.shifts(team, now)
        kept = _opened(request, reference, address, form)
        errors = errors_of(form) if form.is_bound else []
        context = {
            "team": team, "form": form, "errors": errors, "address": address, "kept": kept, "sheet": sheet,
            "left": left, "coming": coming, "now": now,
        }  # fmt: skip
        answer = render(request, "front_door/duty/give.html", context, status=status_of(errors))
        return without_hidden_addresses(answer, _about(says, now, now))

    if request.method != "POST":
        return page()
    return submit(
        request, form,
        lambda said: shift_handovers.give(from_team_id=team.pk, note=said["note"], by=user, now=now),
        says="The shift is handed over.", then=lambda given: reverse("shift-handover-sheet", args=[given.pk]),
        again=page,
    )  # fmt: skip


@require_safe
def show(request: HttpRequest, handover_id: int) -> HttpResponse:
    """Shows a sheet as it was given."""
    return _show(request, handover_id, AddForm())


@by_post(or_show="shift-handover-sheet")
def confirm(request: HttpRequest, handover_id: int) -> HttpResponse:
    """Confirms that the coming shift has read a sheet."""
    _check_reads(request)
    get_object_or_404(ShiftHandover, pk=handover_id)
    shift_handovers.confirm_read(handover_id=handover_id, by=user_of(request), now=timezone.now())
    return redirect("shift-handover-sheet", handover_id)


@by_post(or_show="shift-handover-sheet")
def add(request: HttpRequest, handover_id: int) -> HttpResponse:
    """Adds to a sheet that was given."""
    _check_reads(request)
    get_object_or_404(ShiftHandover, pk=handover_id)
    form = AddForm(request.POST)
    return submit(
        request, form,
        lambda said: shift_handovers.add(
            handover_id=handover_id, text=said["text"], by=user_of(request), now=timezone.now()
        ),
        says=_added, then=reverse("shift-handover-sheet", args=[handover_id]),
        again=lambda: _show(request, handover_id, form),
    )  # fmt: skip


def _added(addition: ShiftHandoverAddition) -> str:
    """Whoever has read the sheet is not told by the service."""
    read_by = addition.handover.read_by
    return (
        f"The addition is saved. {read_by} has read the sheet already: tell them."
        if read_by
        else "The addition is saved."
    )


def _opened(request: HttpRequest, about: str, address: str, form: ActionForm) -> OpenForm:
    """The form at this address, with what the user typed there before: see `opened`."""
    return opened_among(UnfinishedForm.objects.of(user_of(request)).filter(record=about), request, address, form)


def _check_reads(request: HttpRequest) -> None:
    if not permissions.allows(permissions.check_can_read_shift_handovers, user_of(request), local_day(timezone.now())):
        raise Http404


def _show(request: HttpRequest, handover_id: int, form: AddForm) -> HttpResponse:
    user, now = user_of(request), timezone.now()
    _check_reads(request)
    today = local_day(now)
    given = ShiftHandover.objects.select_related("from_team", "to_team", "given_by", "read_by")
    handover = get_object_or_404(given.prefetch_related("additions__by"), pk=handover_id)
    sheet = reading.for_reader(handover.says, user, now)
    may_add = permissions.allows(permissions.check_can_hand_over_shift, handover.from_team, user, today)
    may_confirm = permissions.allows(permissions.check_can_confirm_shift, handover, user, today)
    address = reverse("shift-handover-add", args=[handover_id])
    kept = _opened(request, str(handover_id), address, form) if may_add else None
    errors = errors_of(form) if form.is_bound else []
    context = {
        "handover": handover, "sheet": sheet, "form": form if may_add else None, "errors": errors,
        "address": address, "kept": kept,
        "confirms": may_confirm and handover.read_at is None, "now": handover.given_at,
    }  # fmt: skip
    answer = render(request, "front_door/duty/sheet.html", context, status=status_of(errors))
    told = [handover.given_at, *(addition.at for addition in handover.additions.all())]
    return without_hidden_addresses(answer, _about(handover.says, told[0], max(told)))


def _about(says: reading.Says, given_at: datetime, last_told_at: datetime) -> QuerySet[Contact]:
    """
    The contacts whose hidden addresses are taken out of a sheet: those that it names, and those of the cases that it
    names, also if they are closed to the reader, and all that came in the month before it was given and in the month
    after somebody last told something in it, which may be of any of them. However old a sheet becomes, these are no
    more; an address that is hidden later is hidden on the family's earlier contacts as well.
    """
    lines = [line for lines in says.values() for line in lines]
    numbers = {line["contact"] for line in lines if line.get("contact")}
    references = {line["about"] for line in lines if "about" in line and not line["contact"]}
    cases = Case.objects.filter(reference__in=references).order_by().values("pk")
    recent = Q(received_at__gte=given_at - A_MONTH, received_at__lte=last_told_at + A_MONTH)
    named = Q(pk__in=numbers) | Q(is_among(cases, "case"))
    return Contact.objects.filter(named | recent).order_by().only("pk")
