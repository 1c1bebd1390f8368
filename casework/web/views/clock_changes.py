"""Pausing, resuming and extending the clocks of a contact."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from casework.actions import clock_changes
from casework.web.clock_forms import ExtendForm, PauseForm, ResumeForm
from casework.web.signed_in import by_post, user_of
from casework.web.views.contacts import fetch, submit_on_page


@by_post(or_show="contact")
def pause(request: HttpRequest, reference: str) -> HttpResponse:
    """Pauses a clock while the family is asked."""
    user, now = user_of(request), timezone.now()
    contact = fetch(user, reference, now)
    return submit_on_page(
        request, contact, now, "pause", PauseForm(contact.clocks.running(), request.POST, prefix="pause"),
        lambda said: clock_changes.pause(clock_id=said["clock"], reason=said["reason"], by=user, now=now),
        says="Deadline paused. It resumes when you record the family’s answer.",
    )  # fmt: skip


@by_post(or_show="contact")
def resume(request: HttpRequest, reference: str) -> HttpResponse:
    """Resumes a paused clock."""
    user, now = user_of(request), timezone.now()
    contact = fetch(user, reference, now)
    return submit_on_page(
        request, contact, now, "resume", ResumeForm(contact.clocks.running(), request.POST, prefix="resume"),
        lambda said: clock_changes.resume(clock_id=said["clock"], reason=said["reason"], by=user, now=now),
        says="Deadline resumed.",
    )  # fmt: skip


@by_post(or_show="contact")
def extend(request: HttpRequest, reference: str) -> HttpResponse:
    """Gives a clock more time."""
    user, now = user_of(request), timezone.now()
    contact = fetch(user, reference, now)
    form = ExtendForm(contact.clocks.running(), request.POST, prefix="extend")
    return submit_on_page(
        request, contact, now, "extend", form,
        lambda said: clock_changes.extend(
            clock_id=said["clock"], to=form.moment(), reason=said["reason"], by=user, now=now
        ),
        says="Deadline extended. The page still shows when it was due first.",
    )  # fmt: skip
