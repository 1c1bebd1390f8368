"""Recording requests to partners about the children on a contact, and their answers."""

from datetime import datetime

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone

from casework.actions import partner_checks
from casework.models import Contact
from casework.web.forms import AskPartnerForm, PartnerAnswerForm, PartnerWithdrawForm, TellPartnerForm, id_of
from casework.web.signed_in import by_post, user_of
from casework.web.views.contacts import fetch, submit_on_page
from localities.models import User


@by_post(or_show="contact")
def ask(request: HttpRequest, reference: str) -> HttpResponse:
    """Asks a partner, or records that it is asked."""
    user, now = user_of(request), timezone.now()
    contact = fetch(user, reference, now)
    form = AskPartnerForm(request.POST, children=contact.children.all())
    return submit_on_page(
        request, contact, now, "ask", form,
        lambda said: partner_checks.ask(
            contact_id=contact.pk, agency_id=id_of(said["agency"]), question=said["question"],
            in_system=said["in_system"] == "yes", child_ids=form.of_children(), by=user, now=now,
        ),
        says="Request recorded. The deadline for the answer has started.",
    )  # fmt: skip


@by_post(or_show="contact")
def answer(request: HttpRequest, reference: str, check_id: int) -> HttpResponse:
    """Records a partner's answer."""
    user, now = user_of(request), timezone.now()
    contact = _fetch_with_check(user, reference, check_id, now)
    name = f"answer{check_id}"
    return submit_on_page(
        request, contact, now, name, PartnerAnswerForm(request.POST, prefix=name),
        lambda said: partner_checks.record_answer(check_id=check_id, answer=said["answer"], by=user, now=now),
        says="Answer saved.",
    )  # fmt: skip


@by_post(or_show="contact")
def tell(request: HttpRequest, reference: str, check_id: int) -> HttpResponse:
    """Answers what a partner asked back in its own system."""
    user, now = user_of(request), timezone.now()
    contact = _fetch_with_check(user, reference, check_id, now)
    name = f"tell{check_id}"
    return submit_on_page(
        request, contact, now, name, TellPartnerForm(request.POST, prefix=name),
        lambda said: partner_checks.tell(check_id=check_id, text=said["text"], by=user, now=now),
        says="Sent. The partner reads it in its own system.",
    )  # fmt: skip


@by_post(or_show="contact")
def withdraw(request: HttpRequest, reference: str, check_id: int) -> HttpResponse:
    """Withdraws a request."""
    user, now = user_of(request), timezone.now()
    contact = _fetch_with_check(user, reference, check_id, now)
    name = f"withdraw{check_id}"
    return submit_on_page(
        request, contact, now, name, PartnerWithdrawForm(request.POST, prefix=name),
        lambda said: partner_checks.withdraw(check_id=check_id, reason=said["reason"], by=user, now=now),
        says="Request withdrawn.",
    )  # fmt: skip


def _fetch_with_check(user: User, reference: str, check_id: int, now: datetime) -> Contact:
    """
    The contact of a request.

    :raises Http404: the request is about another contact.
    """
    contact = fetch(user, reference, now)
    if not contact.partner_checks.filter(pk=check_id).exists():
        raise Http404
    return contact
