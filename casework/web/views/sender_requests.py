"""Answering what the sender of a contact asks."""

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone

from casework.actions import sender_requests
from casework.web.forms import AnswerSenderForm
from casework.web.signed_in import by_post, user_of
from casework.web.views.contacts import fetch, submit_on_page


@by_post(or_show="contact")
def answer(request: HttpRequest, reference: str, request_id: int) -> HttpResponse:
    """Answers it. The sender reads the answer."""
    user, now = user_of(request), timezone.now()
    contact = fetch(user, reference, now)
    if not contact.sender_requests.filter(pk=request_id).exists():
        raise Http404
    name = f"sender{request_id}"
    return submit_on_page(
        request, contact, now, name, AnswerSenderForm(request.POST, prefix=name),
        lambda said: sender_requests.answer(request_id=request_id, text=said["text"], by=user, now=now),
        says="Answer saved. The referrer can read it.",
    )  # fmt: skip
