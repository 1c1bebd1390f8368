"""What is done about a contact beside deciding: its clocks, questions to partners, the passing to another shift."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from casework.actions import clock_changes, contact_handovers, partner_checks
from casework.models import Clock, Contact, PartnerCheck
from casework.web.clock_forms import ExtendForm, PauseForm, ResumeForm
from casework.web.forms import ActionForm, AskPartnerForm, HandoverForm, PartnerAnswerForm, PartnerWithdrawForm
from casework.web.signed_in import action_of, user_of
from casework.web.views import contacts
from errors import InvalidInput


@action_of("contact")
def pause(request: HttpRequest, reference: str) -> HttpResponse:
    """A clock stands still while the family is asked."""
    form = PauseForm(_clocks(request, reference), request.POST, prefix="pause")
    return _try(
        request, reference, "pause", form, "The clock stands still. It goes on when the family has answered.",
        lambda said, by, now: clock_changes.pause(clock_id=said["clock"], reason=said["reason"], by=by, now=now),
    )  # fmt: skip


@action_of("contact")
def resume(request: HttpRequest, reference: str) -> HttpResponse:
    """A paused clock goes on."""
    form = ResumeForm(_clocks(request, reference), request.POST, prefix="resume")
    return _try(
        request, reference, "resume", form, "The clock goes on.",
        lambda said, by, now: clock_changes.resume(clock_id=said["clock"], reason=said["reason"], by=by, now=now),
    )  # fmt: skip


@action_of("contact")
def extend(request: HttpRequest, reference: str) -> HttpResponse:
    """A promise has more time."""
    form = ExtendForm(_clocks(request, reference), request.POST, prefix="extend")
    return _try(
        request, reference, "extend", form, "There is more time. When it was due first stays in view.",
        lambda said, by, now: clock_changes.extend(
            clock_id=said["clock"], to=form.moment(), reason=said["reason"], by=by, now=now
        ),
    )  # fmt: skip


@action_of("contact")
def hand_over(request: HttpRequest, reference: str) -> HttpResponse:
    """Pass the contact to the other shift."""
    contact = _fetch(request, reference)
    form = HandoverForm(request.POST, prefix="handover")
    return _try(
        request, reference, "handover", form, "The contact is passed on, with your note.",
        lambda said, by, now: contact_handovers.hand_over(contact_id=contact.pk, note=said["note"], by=by, now=now),
    )  # fmt: skip


@action_of("contact")
def take_on(request: HttpRequest, reference: str) -> HttpResponse:
    """Take on what the other shift passed."""
    contact = _fetch(request, reference)
    contact_handovers.take_on(contact_id=contact.pk, by=user_of(request), now=timezone.now())
    messages.success(request, "You have taken this contact on.")
    return redirect("contact", reference)


@action_of("contact")
def ask_partner(request: HttpRequest, reference: str) -> HttpResponse:
    """Ask a partner what it knows."""
    contact = _fetch(request, reference)
    form = AskPartnerForm(request.POST)
    return _try(
        request, reference, "ask", form, "The question is kept, and the clock for its answer runs.",
        lambda said, by, now: partner_checks.ask(
            contact_id=contact.pk, agency_id=said["agency"], question=said["question"], by=by, now=now
        ),
    )  # fmt: skip


@action_of("contact")
def partner_answer(request: HttpRequest, reference: str, check_id: int) -> HttpResponse:
    """Write down what a partner answered."""
    _check(request, reference, check_id)
    form = PartnerAnswerForm(request.POST, prefix=f"answer{check_id}")
    return _try(
        request, reference, f"answer{check_id}", form, "The answer is kept.",
        lambda said, by, now: partner_checks.record_answer(check_id=check_id, answer=said["answer"], by=by, now=now),
    )  # fmt: skip


@action_of("contact")
def partner_withdraw(request: HttpRequest, reference: str, check_id: int) -> HttpResponse:
    """Ask a partner no more."""
    _check(request, reference, check_id)
    form = PartnerWithdrawForm(request.POST, prefix=f"withdraw{check_id}")
    return _try(
        request, reference, f"withdraw{check_id}", form, "The question is withdrawn.",
        lambda said, by, now: partner_checks.withdraw(check_id=check_id, reason=said["reason"], by=by, now=now),
    )  # fmt: skip


def _fetch(request: HttpRequest, reference: str) -> Contact:
    return contacts.fetch(user_of(request), reference, timezone.now())


def _clocks(request: HttpRequest, reference: str) -> list[Clock]:
    return list(_fetch(request, reference).clocks.running().order_by("due_at"))


def _check(request: HttpRequest, reference: str, check_id: int) -> None:
    if not PartnerCheck.objects.filter(pk=check_id, contact=_fetch(request, reference)).exists():
        raise Http404


def _try(
    request: HttpRequest, reference: str, name: str, form: ActionForm, says: str, act: Callable[[Any, Any, Any], object]
) -> HttpResponse:
    """Do it and say so; or show the page again with everything that is wrong at its field."""
    now = timezone.now()
    if form.is_valid():
        try:
            act(form.cleaned_data, user_of(request), now)
        except InvalidInput as invalid:
            form.take(invalid)
        else:
            messages.success(request, says)
            return redirect("contact", reference)
    return contacts.page(request, reference, now, **{name: form})
