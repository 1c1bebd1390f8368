"""The reminders of the person who is signed in: what they have not seen yet, and what they put off."""

import re

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from casework.actions import reminders
from casework.models import Reminder
from casework.reading import worklists
from casework.web.forms import SnoozeForm
from casework.web.signed_in import user_of
from casework.web.views.contacts import UNPROCESSABLE, errors_of
from errors import InvalidInput

A_PAGE = 25


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """All of them, the soonest due first."""
    return _page(request)


@require_http_methods(["GET", "HEAD", "POST"])
def seen(request: HttpRequest, reminder_id: int) -> HttpResponse:
    """The person has seen it."""
    if request.method != "POST":
        return redirect("reminders")
    try:
        reminders.see(reminder_id=reminder_id, by=user_of(request), now=timezone.now())
    except Reminder.DoesNotExist:
        raise Http404 from None
    return _back(request)


@require_http_methods(["GET", "HEAD", "POST"])
def snooze(request: HttpRequest, reminder_id: int) -> HttpResponse:
    """Put it off."""
    if request.method != "POST":
        return redirect("reminders")
    form = SnoozeForm(request.POST, prefix=f"snooze{reminder_id}")
    if form.is_valid():
        said = form.cleaned_data
        try:
            look = reminders.snooze(
                reminder_id=reminder_id, until=said["until"], reason=said["reason"], by=user_of(request),
                now=timezone.now(),
            )  # fmt: skip
        except Reminder.DoesNotExist:
            raise Http404 from None
        except InvalidInput as invalid:
            form.take(invalid)
        else:
            until = timezone.localtime(look.snoozed_until)
            messages.success(request, f"It is off your list until {until:%A %-d %B, %H:%M}. Its clock runs on.")
            return _back(request)
    return _page(request, reminder_id, form)


def _back(request: HttpRequest) -> HttpResponse:
    """To the page of the list from which the person came: the address of an action carries its number."""
    number = request.GET.get("page", "")
    return redirect(f"{reverse('reminders')}?page={number}" if re.fullmatch("[0-9]{1,9}", number) else "reminders")


def _page(request: HttpRequest, reminder_id: int = 0, form: SnoozeForm | None = None) -> HttpResponse:
    user, now = user_of(request), timezone.now()
    page = Paginator(worklists.my_reminders(user, now), A_PAGE).get_page(request.GET.get("page"))
    rows = [
        (reminder, form if form and reminder.pk == reminder_id else SnoozeForm(prefix=f"snooze{reminder.pk}"))
        for reminder in page
    ]
    wrong = form is not None and bool(form.errors)
    context = {
        "now": now,
        "page": page,
        "rows": rows,
        "snoozed": worklists.my_snoozed(user, now),
        "errors": errors_of(form) if wrong else [],
    }
    return render(request, "front_door/reminders.html", context, status=UNPROCESSABLE if wrong else 200)
