"""Who is on duty and who is away: the overview, the rota of a week, and absences."""

from datetime import date, timedelta

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from casework.access import permissions
from casework.actions import absences, duties
from casework.models import Absence, Duty, UnfinishedForm
from casework.reading import cover
from casework.web.duty_forms import AbsenceForm, RotaForm
from casework.web.forms import id_of
from casework.web.signed_in import by_post, user_of
from casework.web.submitting import errors_of, status_of, submit
from casework.web.unfinished import opened_among
from localities.models import Membership, User
from localities.roles import roles_of
from localities.working_time import begin_of_day, local_day


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """Shows who is on duty, who is away and who covers."""
    user, now = user_of(request), timezone.now()
    today = local_day(now)
    away = list(cover.absences(now))
    context = {
        "now": now,
        "on_duty": cover.on_duty_today(now),
        "monday": _monday(today),
        "next_monday": _monday(today) + duties.A_WEEK,
        "types_rota": permissions.allows(permissions.check_can_type_rota, user, today),
        "away": [(each, _may_change(each.person, user, today)) for each in away],
        "today": today,
        "reads_handovers": permissions.allows(permissions.check_can_read_shift_handovers, user, today),
    }
    return render(request, "front_door/duty/show.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def rota(request: HttpRequest, monday: str) -> HttpResponse:
    """Shows the rota of a week, with its gaps; and sets it, if the user types it."""
    user, now = user_of(request), timezone.now()
    today = local_day(now)
    first = _week(monday)
    before, after = first - duties.A_WEEK, first + duties.A_WEEK
    this_week = list(duties.of_week(first))
    may_type = permissions.allows(permissions.check_can_type_rota, user, today)
    copies = may_type and request.GET.get("copy") == "last" and not this_week
    shown = _a_week_later(list(duties.of_week(before))) if copies else this_week
    if request.method == "POST":
        # Whoever may not type it hears why, whatever the form says.
        permissions.check_can_type_rota(user, today)
    sent = request.POST if request.method == "POST" else None
    form = RotaForm(first, shown, duties.version_of(this_week), today, sent)

    def page() -> HttpResponse:
        mine = UnfinishedForm.objects.of(user).filter(record=monday) if may_type else ()
        kept = opened_among(mine, request, request.path, form)
        touching = list(Duty.objects.between(begin_of_day(first), begin_of_day(after)))
        errors = errors_of(form) if form.is_bound else []
        context = {
            "monday": first, "sunday": first + timedelta(days=6), "before": before, "after": after,
            "form": form if may_type else None, "duties": this_week, "gaps": cover.gaps(first, touching),
            "copies": copies and kept.kept is None, "may_copy": may_type and not this_week and kept.kept is None,
            "errors": errors, "kept": kept,
        }  # fmt: skip
        return render(request, "front_door/duty/rota.html", context, status=status_of(errors))

    if request.method != "POST":
        return page()
    return submit(
        request, form,
        lambda said: duties.set_week(monday=first, entries=form.entries(), seen=said["seen"], by=user, now=now),
        says="The rota is saved.", then=request.path, again=page,
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
def absence(request: HttpRequest, absence_id: int | None = None) -> HttpResponse:
    """Records an absence, or changes one."""
    user, now = user_of(request), timezone.now()
    today = local_day(now)
    known = None
    if absence_id is not None:
        standing = Absence.objects.standing().select_related("person", "covered_by")
        known = get_object_or_404(standing, pk=absence_id)
        permissions.check_can_record_absence(known.person, user, today)
    form = AbsenceForm(user, _people(user, today), now, known, request.POST if request.method == "POST" else None)

    def page() -> HttpResponse:
        errors = errors_of(form) if form.is_bound else []
        context = {"form": form, "absence": known, "errors": errors}
        return render(request, "front_door/duty/absence.html", context, status=status_of(errors))

    if request.method != "POST":
        return page()

    def save(said: dict[str, User]) -> Absence:
        cover_id = id_of(said["covered_by"])
        if known is not None:
            return absences.change(
                absence_id=known.pk, last_day=form.day("last_day"), covered_by_id=cover_id, by=user, now=now
            )
        return absences.record(
            person_id=id_of(said["person"]), first_day=form.day("first_day"), last_day=form.day("last_day"),
            covered_by_id=cover_id, by=user, now=now,
        )  # fmt: skip

    return submit(request, form, save, says="The absence is saved.", then=reverse("duty"), again=page)


@by_post(or_show="duty")
def withdraw(request: HttpRequest, absence_id: int) -> HttpResponse:
    """Withdraws an absence."""
    absences.withdraw(absence_id=absence_id, by=user_of(request), now=timezone.now())
    messages.success(request, "The absence is withdrawn.")
    return redirect("duty")


def _may_change(person: User, by: User, on: date) -> bool:
    return permissions.allows(permissions.check_can_record_absence, person, by, on)


def _people(user: User, on: date) -> list[User]:
    """For whom a user may record an absence: themselves, and those of the teams that they lead."""
    who = roles_of(user, on)
    every = Membership.objects.current(on).select_related("user")
    if not who.has(*permissions.SERVICE_LEADS):
        every = every.filter(team__in=who.led_teams)
    return [user, *dict.fromkeys(each.user for each in every if each.user_id != user.pk)]


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _week(text: str) -> date:
    """
    :raises Http404: it is no Monday.
    """
    try:
        monday = date.fromisoformat(text)
    except ValueError:
        raise Http404 from None
    if monday.weekday() or not 2000 < monday.year < 2100:
        raise Http404
    return monday


def _a_week_later(last: list[Duty]) -> list[Duty]:
    """The rota of last week as one for this week, at the same local times. It is not stored yet."""
    return [
        Duty(
            person=each.person, role=each.role, starts_at=duties.later_by_days(each.starts_at, 7),
            ends_at=duties.later_by_days(each.ends_at, 7),
        )
        for each in last
    ]  # fmt: skip
