"""Partner checks: what the front door asks an agency about children, and what the agency says."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.throttling import BaseThrottle

from casework.actions import partner_checks, viewing
from casework.api import examples
from casework.api.agency_view import AgencyView
from casework.api.answers import moment
from casework.api.authentication import asking_agency
from casework.api.idempotency import IDEMPOTENCY_KEY, IS_REPLAYED, idempotency_key, replayed
from casework.api.news import IF_NONE_MATCH, NOTHING_NEW, NothingNewError, check_is_news, tag_of
from casework.api.schema import CheckListSerializer, CheckSerializer, ReplySerializer, SentReplySerializer, problems
from casework.api.throttling import AgencyThrottle, ReadingThrottle
from casework.facts.typed import in_one_line, readable
from casework.models import ContactChild, PartnerCheck, PartnerReply, ReplyKind
from casework.models.contacts import LONGEST_REPLY as LONGEST_TEXT
from casework.statuses import AskedStatus, PartnerCheckStatus
from errors import Fault, InvalidInput

SCOPE = "checks:answer"
OF_STATUS = {
    AskedStatus.OPEN: PartnerCheckStatus.ASKED,
    AskedStatus.ANSWERED: PartnerCheckStatus.ANSWERED,
    AskedStatus.CLOSED: PartnerCheckStatus.WITHDRAWN,
}
STATUS_OF = {status: asked for asked, status in OF_STATUS.items()}
STATUS = OpenApiParameter(
    "status", enum=[*AskedStatus.values], description="Only those with this status. `open` unless you say so."
)
CURSOR = OpenApiParameter("cursor", str, description="In `next`: follow that address as it stands.")


class ChecksView(AgencyView):
    """What the front door asks the agency."""

    not_valid = "Correct the address, and ask again."
    required_scopes = {"GET": SCOPE}  # noqa: RUF012  # DRF reads it; nobody writes it
    throttle_classes = (ReadingThrottle,)

    @extend_schema(
        operation_id="listChecks",
        summary="List the questions to your agency",
        description=(
            "What the front door asks about children whom you may know, those first that were asked last. Answer as "
            "soon as you can: a decision about a child waits for it. Read the list with the ETag that you have: until "
            "something changes, the answer is 304."
        ),
        parameters=[STATUS, CURSOR, IF_NONE_MATCH],
        responses={200: CheckListSerializer, 304: NOTHING_NEW, **problems(400)},
        examples=[examples.answered("One question", examples.CHECKS)],
    )
    def get(self, request: Request) -> Response:
        pages, status = _Pages(), _wanted(request)
        return _shown(
            request,
            lambda checks: pages.of(checks.filter(status=OF_STATUS[status]), request, self),
            lambda shown: {"checks": [_check(check, request) for check in shown], "next": pages.get_next_link()},
        )


class CheckView(AgencyView):
    """One question to the agency."""

    required_scopes = {"GET": SCOPE}  # noqa: RUF012  # DRF reads it; nobody writes it
    throttle_classes = (ReadingThrottle,)

    @extend_schema(
        operation_id="readCheck",
        summary="Read a question to your agency",
        description="With what was said about it since, by your agency and by the front door.",
        parameters=[IF_NONE_MATCH],
        responses={200: CheckSerializer, 304: NOTHING_NEW, **problems(404)},
        examples=[examples.answered("Asked back, and told", examples.CHECK)],
    )
    def get(self, request: Request, key: str) -> Response:
        return _shown(request, lambda checks: [checks.get(key=key)], lambda shown: _check(shown[0], request))


class RepliesView(AgencyView):
    """Answer a question, or ask back."""

    not_valid = "The reply was not taken in. Correct the errors and send it again."
    required_scopes = {"POST": SCOPE}  # noqa: RUF012  # DRF reads it; nobody writes it

    def get_throttles(self) -> list[BaseThrottle]:
        return [AgencyThrottle()]

    @extend_schema(
        operation_id="replyToCheck",
        summary="Answer a question, or ask back",
        description=(
            "`answer` says what you know; `nothing_known` that you know nothing of these children, which is an answer, "
            "too; `asks_back` asks us, and the question stays open: read it again for what we say. An answer that "
            "comes late, or after another, is kept and read all the same."
        ),
        parameters=[IDEMPOTENCY_KEY, IS_REPLAYED],
        request={"application/json": SentReplySerializer},
        responses={201: ReplySerializer, **problems(400, 404, 408, 413, 415, 422, 503)},
        examples=[
            examples.sent("What is known", examples.SENT_REPLY),
            examples.answered("Taken in", examples.REPLIED, 201),
        ],
    )
    def post(self, request: Request, key: str) -> Response:
        kind, text = _said(request.data)
        try:
            replied = partner_checks.reply(
                key=key, kind=kind, text=text, idempotency_key=idempotency_key(request), by=asking_agency(request),
                now=timezone.now(),
            )  # fmt: skip
        except PartnerCheck.DoesNotExist:
            raise Http404 from None
        url = reverse("api-check", [key], request=request)
        answer = {"url": url, **_reply(replied.reply)}
        return Response(answer, status=201, headers={"Location": url, **replayed(replied.is_new)})


class _Pages(CursorPagination):
    """Pages of the newest questions first."""

    ordering = ("-asked_at", "-id")
    page_size = 50

    def of(self, checks: QuerySet[PartnerCheck], request: Request, view: AgencyView) -> Sequence[PartnerCheck]:
        """:raises InvalidInput: the cursor is none that was given out."""
        try:
            return self.paginate_queryset(checks, request, view=view) or []
        except (NotFound, ValidationError):
            raise InvalidInput([Fault((), "cursor: is none that this address has given.")]) from None


def _wanted(request: Request) -> AskedStatus:
    """:raises InvalidInput: the address has a parameter that is not known, or a status that is none."""
    faults = [
        Fault((), f"{name}: is not a parameter here. There are status and cursor.")
        for name in sorted(request.query_params.keys() - {"status", "cursor"})
    ]
    status = request.query_params.get("status", AskedStatus.OPEN)
    if status not in AskedStatus.values:
        faults.append(Fault((), f"status: must be one of {', '.join(AskedStatus.values)}."))
    if faults:
        raise InvalidInput(faults)
    return AskedStatus(status)


def _shown(request: Request, narrowed: Any, as_answer: Any) -> Response:
    """The answer with these questions, or 304 where the caller has it."""
    answer: dict[str, Any] = {}

    def check(shown: Sequence[PartnerCheck]) -> None:
        answer.update(as_answer(shown))
        check_is_news(request, tag_of(answer))

    try:
        viewing.list_own_checks(narrowed=narrowed, check=check, by=asking_agency(request), now=timezone.now())
    except PartnerCheck.DoesNotExist:
        raise Http404 from None
    except NothingNewError as nothing_new:
        return nothing_new.response
    return Response(answer, headers={"ETag": tag_of(answer)})


def _said(data: Any) -> tuple[ReplyKind, str]:
    """:raises InvalidInput: with every fault."""
    if not isinstance(data, dict):
        raise InvalidInput([Fault((), "A reply is one JSON object.")])
    kinds = [str(kind) for kind in ReplyKind if kind != ReplyKind.TOLD]
    faults = [Fault((name,), "is not known here.") for name in sorted(data.keys() - {"kind", "text"})]
    kind, text = data.get("kind"), data.get("text")
    if kind not in kinds:
        faults.append(Fault(("kind",), f"must be one of {', '.join(kinds)}."))
    text = "" if text is None else text
    if not isinstance(text, str):
        faults.append(Fault(("text",), "must be a text."))
    elif len(text) > LONGEST_TEXT:
        faults.append(Fault(("text",), f"has {len(text):,} characters; at most {LONGEST_TEXT:,} are taken."))
    elif kind != ReplyKind.NOTHING_KNOWN and not in_one_line(text):
        faults.append(Fault(("text",), "must say something."))
    if faults:
        raise InvalidInput(faults)
    return ReplyKind(str(kind)), readable(text).strip()


def _check(check: PartnerCheck, request: Request) -> dict[str, Any]:
    """What an agency may know of a question to it. Never the contact, nor who else was asked."""
    shown: Any = check  # with what `viewing` adds
    return {
        "id": check.key,
        "url": reverse("api-check", [check.key], request=request),
        "status": STATUS_OF[PartnerCheckStatus(check.status)],
        "asked_at": moment(check.asked_at),
        "due_at": moment(shown.due_at),
        "is_late": shown.due_at is not None and shown.due_at <= timezone.now(),
        "question": check.question,
        "children": [_child(child) for child in shown.named],
        "replies": [_reply(reply) for reply in check.replies.all()],
    }


def _child(child: ContactChild) -> dict[str, Any]:
    """Whom it is about. Never an address: it may be hidden from somebody at the agency."""
    born = child.date_of_birth
    return {
        "first_name": child.first_name or None,
        "last_name": child.last_name or None,
        "also_known_as": child.also_known_as,
        "date_of_birth": born.isoformat() if born is not None else None,
        "age_years": child.age_years,
        "expected_date_of_delivery": str(child.expected_date_of_delivery) if child.expected_date_of_delivery else None,
    }


def _reply(reply: PartnerReply) -> dict[str, Any]:
    return {"at": moment(reply.at), "kind": reply.kind, "text": reply.text}
