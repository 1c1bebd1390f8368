"""Restricted records: restricting, naming who may open them, opening them with a reason, and reviewing that."""

from datetime import datetime
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from casework.access import permissions
from casework.actions import broken_glass, conflicts, restrictions
from casework.families.naming import seen_by
from casework.models import GLASS_IS_BROKEN_FOR, Case, ConflictOfInterest, Contact, Restriction
from casework.reading import cover
from casework.reading import restrictions as reading
from casework.references import as_reference
from casework.web.forms import ActionForm, everybody_on, id_of
from casework.web.hiding import without_hidden_addresses
from casework.web.recently import recently
from casework.web.restriction_forms import (
    BreakGlassForm,
    ConflictForm,
    EndConflictForm,
    LiftForm,
    NameReaderForm,
    PassOnForm,
    RestrictForm,
    ReviewForm,
    staff,
)
from casework.web.signed_in import by_post, user_of
from casework.web.submitting import errors_of, status_of, submit
from casework.web.views.contacts import fetch
from localities.models import User
from localities.working_time import local_day

A_PAGE = 50


@require_http_methods(["GET", "HEAD", "POST"])
def restrict(request: HttpRequest, reference: str) -> HttpResponse:
    """Restricts the record of a person on a contact."""
    user, now = user_of(request), timezone.now()
    contact = fetch(user, reference, now)
    permissions.check_can_restrict(user, local_day(now))
    people = {each.person_id: each for each in everybody_on(contact)}.values()

    def page(form: RestrictForm) -> HttpResponse:
        return _page(request, "restrict", form, {"contact": contact})

    if request.method != "POST":
        return page(RestrictForm(people, user, local_day(now)))
    form = RestrictForm(people, user, local_day(now), request.POST)
    return submit(
        request, form,
        lambda said: restrictions.restrict(
            contact_id=contact.pk, person_id=said["person"], kind=said["kind"], reason=said["reason"],
            owner_id=id_of(said["owner"]), reader_ids=[reader.pk for reader in said["readers"]],
            without_readers=form.has_confirmed(), by=user, now=now,
        ),
        says=lambda done: f"The record is restricted. The restriction is {done}.",
        then=lambda done: reverse("restriction", args=[done.reference]), again=lambda: page(form),
    )  # fmt: skip


@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    """Lists restrictions, broken glass to review, and conflicts of interest. It names nobody whose record it is."""
    return _list(request)


@require_safe
def show(request: HttpRequest, reference: str) -> HttpResponse:
    """Shows a restriction and who may open the record; the person only to those who may."""
    user, now, restriction = _restriction(request, reference)
    return _show(request, user, now, restriction)


@by_post(or_show="restriction")
@recently
def name_reader(request: HttpRequest, reference: str) -> HttpResponse:
    """Names somebody who may open the record."""
    user, now, restriction = _restriction(request, reference)
    form = NameReaderForm(restriction, local_day(now), request.POST)
    return submit(
        request, form,
        lambda said: restrictions.name_reader(
            restriction_id=restriction.pk, user_id=id_of(said["user"]), reason=said["reason"], by=user, now=now
        ),
        says=lambda access: f"{access.user} may open the record now.", then=_address(restriction),
        again=lambda: _show(request, user, now, restriction, name_reader=form),
    )  # fmt: skip


@by_post(or_show="restriction")
def remove_reader(request: HttpRequest, reference: str, access_id: int) -> HttpResponse:
    """Takes somebody off who may open the record."""
    user, now, restriction = _restriction(request, reference)
    restrictions.remove_reader(access_id=get_object_or_404(restriction.access, pk=access_id).pk, by=user, now=now)
    return redirect(_address(restriction))


@by_post(or_show="restriction")
@recently
def pass_on(request: HttpRequest, reference: str) -> HttpResponse:
    """Passes the restriction to another owner."""
    user, now, restriction = _restriction(request, reference)
    form = PassOnForm(restriction, local_day(now), request.POST)
    return submit(
        request, form,
        lambda said: restrictions.change_owner(
            restriction_id=restriction.pk, owner_id=id_of(said["owner"]), by=user, now=now
        ),
        says=lambda done: f"{done.owner} owns the restriction now.", then=_address(restriction),
        again=lambda: _show(request, user, now, restriction, pass_on=form),
    )  # fmt: skip


@by_post(or_show="restriction")
@recently
def lift(request: HttpRequest, reference: str) -> HttpResponse:
    """Lifts the restriction."""
    user, now, restriction = _restriction(request, reference)
    form = LiftForm(request.POST, prefix="lift")
    return submit(
        request, form,
        lambda said: restrictions.lift(restriction_id=restriction.pk, reason=said["reason"], by=user, now=now),
        says="The restriction is lifted.", then=_address(restriction),
        again=lambda: _show(request, user, now, restriction, lift=form),
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@recently
def break_glass(request: HttpRequest) -> HttpResponse:
    """Opens a restricted record with a reason, for some hours."""
    user, now = user_of(request), timezone.now()
    hours = GLASS_IS_BROKEN_FOR.total_seconds() / 3600

    def page(form: BreakGlassForm) -> HttpResponse:
        return _page(
            request, "break_glass", form, {"hours": f"{hours:.0f}", "now": now, "on_duty": cover.on_duty_today(now)}
        )

    if request.method != "POST":
        return page(BreakGlassForm(initial={"reference": request.GET.get("reference", "")[:40]}, prefix="glass"))
    form = BreakGlassForm(request.POST, prefix="glass")
    return submit(
        request, form,
        lambda said: broken_glass.break_glass(reference=said["reference"], reason=said["reason"], by=user, now=now),
        says=f"You can read {as_reference(str(form['reference'].value()))}, and what else is restricted with it, for "
        f"{hours:.0f} hours. The owner was told.",
        then=lambda record: _where(record, user, now), again=lambda: page(form),
    )  # fmt: skip


@by_post(or_show="restrictions")
def review(request: HttpRequest, access_id: int) -> HttpResponse:
    """Reviews a broken glass."""
    user, now = user_of(request), timezone.now()
    form = ReviewForm(request.POST, prefix=f"review{access_id}")
    return submit(
        request, form,
        lambda said: broken_glass.review(access_id=access_id, says=said["says"], by=user, now=now),
        says="Review saved.", then=reverse("restrictions"),
        again=lambda: _list(request, **{f"review{access_id}": form}),
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
def conflict_in_contact(request: HttpRequest, reference: str) -> HttpResponse:
    """Declares a conflict of interest in the people on a contact."""
    user, now = user_of(request), timezone.now()
    contact = fetch(user, reference, now)
    return _conflict(
        request, contact, reverse("contact", args=[reference]),
        lambda said: conflicts.declare_in_contact(
            contact_id=contact.pk, user_id=id_of(said.get("user")), reason=said["reason"], by=user, now=now
        ),
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
def conflict_in_case(request: HttpRequest, reference: str) -> HttpResponse:
    """Declares a conflict of interest in the people of a case."""
    user, now = user_of(request), timezone.now()
    case = get_object_or_404(Case.objects.visible_to(user, now), reference=reference)
    return _conflict(
        request, case, reverse("case", args=[reference]),
        lambda said: conflicts.declare_in_case(
            case_id=case.pk, user_id=id_of(said.get("user")), reason=said["reason"], by=user, now=now
        ),
    )  # fmt: skip


@by_post(or_show="restrictions")
def end_conflict(request: HttpRequest, conflict_id: int) -> HttpResponse:
    """Ends a colleague's conflict of interest."""
    user, now = user_of(request), timezone.now()
    form = EndConflictForm(request.POST, prefix=f"conflict{conflict_id}")
    return submit(
        request, form,
        lambda said: conflicts.end_conflict(conflict_id=conflict_id, reason=said["reason"], by=user, now=now),
        says="The conflict of interest has ended.", then=reverse("restrictions"),
        again=lambda: _list(request, **{f"conflict{conflict_id}": form}),
    )  # fmt: skip


# ---- what the pages are made of


def _conflict(request: HttpRequest, record: Contact | Case, back: str, declare: Any) -> HttpResponse:
    user, today = user_of(request), local_day(timezone.now())
    may_restrict = permissions.allows(permissions.check_can_restrict, user, today)
    colleagues = staff(today).exclude(pk=user.pk) if may_restrict else None

    def page(form: ConflictForm) -> HttpResponse:
        return _page(request, "conflict", form, {"record": record, "back": back})

    if request.method != "POST":
        return page(ConflictForm(colleagues))
    form = ConflictForm(colleagues, request.POST)

    def says(conflict: ConflictOfInterest) -> str:
        if conflict.user_id == user.pk:
            return "Your conflict of interest is kept. You see this record no longer."
        return f"The conflict of interest of {conflict.user} is kept. They see this record no longer."

    def then(conflict: ConflictOfInterest) -> str:
        return reverse("worklist") if conflict.user_id == user.pk else back

    return submit(request, form, declare, says=says, then=then, again=lambda: page(form))


def _page(request: HttpRequest, name: str, form: ActionForm, context: dict[str, Any]) -> HttpResponse:
    errors = errors_of(form) if form.is_bound else []
    shown = context | {"form": form, "errors": errors}
    answer = render(request, f"front_door/restricted/{name}.html", shown, status=status_of(errors))
    match context.get("record") or context.get("contact"):
        # A name may have the address in it. What somebody typed stays as it was typed.
        case Contact() as contact if not form.is_bound:
            return without_hidden_addresses(answer, [contact])
        case Case() as case if not form.is_bound:
            return without_hidden_addresses(answer, case.contacts.all())
    return answer


def _restriction(request: HttpRequest, reference: str) -> tuple[User, datetime, Restriction]:
    """The user, the time and the restriction, for those who may read which records are restricted."""
    user, now = user_of(request), timezone.now()
    _check_reads(user, now)
    named = Restriction.objects.manageable_by(user).select_related("person", "owner", "restricted_by", "lifted_by")
    return user, now, get_object_or_404(named, reference=reference)


def _check_reads(user: User, now: datetime) -> None:
    """:raises Http404: this user may not read which records are restricted."""
    if not permissions.allows(permissions.check_can_read_restrictions, user, local_day(now)):
        raise Http404


def _address(restriction: Restriction) -> str:
    return reverse("restriction", args=[restriction.reference])


def _where(record: Contact | Case | Restriction, user: User, now: datetime) -> str:
    """The page of what was opened."""
    if isinstance(record, Restriction):
        contact = Contact.objects.visible_to(user, now).with_people(reading.person_of(record)).first()
        return reverse("worklist") if contact is None else reverse("contact", args=[contact.reference])
    return reverse("contact" if isinstance(record, Contact) else "case", args=[record.reference])


def _show(
    request: HttpRequest, user: User, now: datetime, restriction: Restriction, **shown: ActionForm
) -> HttpResponse:
    today = local_day(now)
    opens = not Restriction.objects.closed_to(user, now).filter(pk=restriction.pk).exists()
    of_person = Contact.objects.visible_to(user, now).with_people(reading.person_of(restriction))
    context: dict[str, Any] = {
        "restriction": restriction,
        "opens": opens,
        "called": next(iter(seen_by(user, now, reading.person_of(restriction)).values()), None) if opens else None,
        "contacts": list(of_person.only("reference", "received_at")) if opens else [],
        "access": list(restriction.access.select_related("user", "given_by", "ended_by", "reviewed_by")),
        "viewings": reading.viewings(restriction),
        "manages": restriction.lifted_at is None and permissions.allows(permissions.check_can_restrict, user, today),
        "name_reader": shown.get("name_reader") or NameReaderForm(restriction, today),
        "pass_on": shown.get("pass_on") or PassOnForm(restriction, today),
        "lift": shown.get("lift") or LiftForm(prefix="lift"),
        "errors": errors_of(*shown.values()),
    }
    return render(request, "front_door/restricted/show.html", context, status=status_of(context["errors"]))


def _list(request: HttpRequest, **shown: ActionForm) -> HttpResponse:
    user, now = user_of(request), timezone.now()
    _check_reads(user, now)
    today = local_day(now)
    manages = permissions.allows(permissions.check_can_restrict, user, today)
    context: dict[str, Any] = {
        "page": Paginator(reading.in_force(user, today), A_PAGE).get_page(request.GET.get("page")),
        "to_review": [
            (access, _form(shown, f"review{access.pk}", ReviewForm, permissions.allows(
                permissions.check_can_review, access, user, today
            )))
            for access in reading.glass_to_review(user)
        ],
        "conflicts": [
            (conflict, _form(shown, f"conflict{conflict.pk}", EndConflictForm, manages and conflict.user_id != user.pk))
            for conflict in reading.conflicts(user)
        ],
        "errors": errors_of(*shown.values()),
    }  # fmt: skip
    return render(request, "front_door/restricted/list.html", context, status=status_of(context["errors"]))


def _form(shown: dict[str, ActionForm], prefix: str, form: type[ActionForm], may: bool) -> ActionForm | None:
    """The form under this prefix, with its faults if it had some; None for somebody who may not send it."""
    return shown.get(prefix) or form(prefix=prefix) if may else None
