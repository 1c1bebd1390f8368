"""What an agency asks about a contact that it sent: to withdraw it, what became of it, or to decide otherwise."""

from typing import Any

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from casework.actions import sender_requests
from casework.api import examples
from casework.api.answers import moment
from casework.api.authentication import asking_agency
from casework.api.idempotency import IDEMPOTENCY_KEY, IS_REPLAYED, idempotency_key, replayed
from casework.api.in_step import InStep
from casework.api.schema import (
    ChaseSerializer,
    DisagreementSerializer,
    SenderRequestSerializer,
    WithdrawalSerializer,
    problems,
)
from casework.facts.typed import in_one_line, readable
from casework.models import Contact, RequestKind
from casework.models.sender_requests import LONGEST_TEXT
from errors import Fault, InvalidInput

ANSWERS: dict[Any, Any] = {201: SenderRequestSerializer, **problems(400, 404, 408, 409, 413, 415, 422, 503)}


class AsksView(InStep):
    """A view that takes something that the sender of a contact asks."""

    not_valid = "Nothing was taken in. Correct the errors and send it again."
    required_scopes = {"POST": "contacts:write"}  # noqa: RUF012  # DRF reads it; nobody writes it
    kind: RequestKind
    # The field of the body that says why.
    field: str

    def ask(self, request: Request, reference: str) -> Response:
        text = _said(request.data, self.field, is_needed=self.kind != RequestKind.CHASE)
        try:
            asked = sender_requests.ask(
                reference=reference, kind=self.kind, text=text, idempotency_key=idempotency_key(request),
                by=asking_agency(request), now=timezone.now(),
            )  # fmt: skip
        except Contact.DoesNotExist:
            raise Http404 from None
        url = reverse("api-contact", [reference], request=request)
        made = asked.request
        answer = {
            "reference": reference, "url": url, "kind": made.kind, "step": made.step, "at": moment(made.at),
            "due_at": moment(made.due_at),
        }  # fmt: skip
        return Response(answer, status=201, headers={"Location": url, **replayed(asked.is_new)})


class WithdrawView(AsksView):
    """Ask to withdraw a contact."""

    kind, field = RequestKind.WITHDRAW, "reason"

    @extend_schema(
        operation_id="withdrawContact",
        summary="Ask to withdraw a contact",
        description=(
            "Where it was sent in error, or about other children. A person reads your `reason` and decides what that "
            "means; nothing is deleted. What they say stands among the `requests` of the contact. Once the contact is "
            "decided, the answer is 409."
        ),
        parameters=[IDEMPOTENCY_KEY, IS_REPLAYED],
        request={"application/json": WithdrawalSerializer},
        responses=ANSWERS,
        examples=[
            examples.sent("The wrong child", examples.WITHDRAWAL),
            examples.answered("A person looks at it", examples.WITHDRAWAL_ASKED, 201),
        ],
    )
    def post(self, request: Request, reference: str) -> Response:
        return self.ask(request, reference)


class ChaseView(AsksView):
    """Ask what became of a contact."""

    kind, field = RequestKind.CHASE, "message"

    @extend_schema(
        operation_id="chaseContact",
        summary="Ask what became of a contact",
        description=(
            "Where you have heard nothing. Read the contact first: its status may say it. The front door has a working "
            "day to answer. Once in a day; after you were told what was decided, the answer is 409."
        ),
        parameters=[IDEMPOTENCY_KEY, IS_REPLAYED],
        request={"application/json": ChaseSerializer},
        responses=ANSWERS,
        examples=[
            examples.sent("Nothing was heard", examples.CHASE),
            examples.answered("Taken in", examples.CHASED, 201),
        ],
    )
    def post(self, request: Request, reference: str) -> Response:
        return self.ask(request, reference)


class EscalateView(AsksView):
    """Disagree with the decision on a contact."""

    kind, field = RequestKind.ESCALATE, "why"

    @extend_schema(
        operation_id="escalateContact",
        summary="Disagree with a decision",
        description=(
            "Step by step: whoever decided, their manager, the service manager, the safeguarding partnership. Each has "
            "its time (1, 2, 5 and 10 working days). The next step can be taken when the last one is answered, or "
            "late; before that, the answer is 409. If a child is in danger, do not wait for any of them."
        ),
        parameters=[IDEMPOTENCY_KEY, IS_REPLAYED],
        request={"application/json": DisagreementSerializer},
        responses=ANSWERS,
        examples=[
            examples.sent("The first step", examples.DISAGREEMENT),
            examples.answered("Taken in", examples.DISAGREED, 201),
        ],
    )
    def post(self, request: Request, reference: str) -> Response:
        return self.ask(request, reference)


def _said(data: Any, field: str, *, is_needed: bool) -> str:
    """:raises InvalidInput: with every fault."""
    if not isinstance(data, dict):
        raise InvalidInput([Fault((), f"This is one JSON object with `{field}`.")])
    faults = [Fault((name,), "is not known here.") for name in data if name != field]
    text = "" if data.get(field) is None else data[field]
    if not isinstance(text, str):
        faults.append(Fault((field,), "must be a text."))
    elif len(text) > LONGEST_TEXT:
        faults.append(Fault((field,), f"has {len(text):,} characters; at most {LONGEST_TEXT:,} are taken."))
    elif is_needed and not in_one_line(text):
        faults.append(Fault((field,), "must say something."))
    if faults:
        raise InvalidInput(faults)
    return readable(text).strip()
