"""The reminders of the person who is signed in: what they have not seen yet, and what they put off."""

import re

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from casework.actions import reminders
from casework.models import ReminderLook
from casework.reading import worklists
from casework.web.family_names import family_names
from casework.web.forms import SnoozeForm
from casework.web.signed_in import by_post, user_of
from casework.web.submitting import errors_of, status_of, submit

A_PAGE = 25


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """Shows all reminders of the user, the soonest due first."""
    return _page(request)


@by_post(or_show="reminders")
def seen(request: HttpRequest, reminder_id: int) -> HttpResponse:
    """Marks a reminder as seen."""
    reminders.see(reminder_id=reminder_id, by=user_of(request), now=timezone.now())
    return redirect(_list(request))


@by_post(or_show="reminders")
def snooze(request: HttpRequest, reminder_id: int) -> HttpResponse:
    """Snoozes a reminder."""
    user, now = user_of(request), timezone.now()
    form = SnoozeForm(request.POST, prefix=f"snooze{reminder_id}")

    def says(look: ReminderLook) -> str:
        return (
            f"It is off your list until {timezone.localtime(look.snoozed_until):%A %-d %B, %H:%M}. Its clock runs on."
        )

    return submit(
        request, form,
        lambda said: reminders.snooze(
            reminder_id=reminder_id, until=said["until"], reason=said["reason"], by=user, now=now
        ),
        says=says, then=_list(request), again=lambda: _page(request, reminder_id, form),
    )  # fmt: skip


def _list(request: HttpRequest) -> str:
    """The path of the list at the page that the form was on, whose number is in the form's address."""
    number = request.GET.get("page", "")
    return reverse("reminders") + (f"?page={number}" if re.fullmatch("[0-9]{1,9}", number) else "")


def _page(request: HttpRequest, reminder_id: int = 0, form: SnoozeForm | None = None) -> HttpResponse:
    user, now = user_of(request), timezone.now()
    page = Paginator(worklists.my_reminders(user, now), A_PAGE).get_page(request.GET.get("page"))
    names = family_names({reminder.clock.about for reminder in page}, user, now)
    rows = [
        (
            reminder,
            names.get(reminder.clock.about, ""),
            form if form and reminder.pk == reminder_id else SnoozeForm(prefix=f"snooze{reminder.pk}"),
        )
        for reminder in page
    ]
    errors = errors_of(form) if form else []
    context = {
        "now": now,
        "page": page,
        "rows": rows,
        "snoozed": worklists.my_snoozed(user, now),
        "errors": errors,
    }
    return render(request, "front_door/reminders.html", context, status=status_of(errors))
