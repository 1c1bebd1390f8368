"""
The partner API: a contact in, and what became of it out; and, before one is sent, what the rules would say of a family
without a name. An agency sees only what it sent.
"""

from collections.abc import Sequence
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, UnreadablePostError
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ParseError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.throttling import BaseThrottle

from casework.actions import corrections, files, receiving, threshold_checks, viewing
from casework.api import examples, threshold_check
from casework.api.agency_view import AgencyView
from casework.api.answers import file_of, in_a_list, received, status_of, warnings_of
from casework.api.authentication import asking_agency
from casework.api.idempotency import IDEMPOTENCY_KEY, IS_REPLAYED, idempotency_key, replayed
from casework.api.in_step import InStep
from casework.api.listing import Pages, WantedSerializer, wanted
from casework.api.news import IF_NONE_MATCH, NOTHING_NEW, NothingNewError, check_is_news, tag_of
from casework.api.parsing import FileTooLarge
from casework.api.schema import (
    ContactListSerializer,
    ContactReceivedSerializer,
    ContactStatusSerializer,
    FileSerializer,
    InformationSerializer,
    SentFileSerializer,
    ThresholdCheckSerializer,
    problems,
)
from casework.api.throttling import AgencyThrottle, ReadingThrottle, ThresholdCheckThrottle
from casework.api.urgent import UrgentFirst
from casework.facts.contact_document import ContactDocument, says_danger
from casework.facts.learned import InformationDocument
from casework.files import storing
from casework.files.content import ALLOWED
from casework.files.uploads import UPLOAD_IS_TOO_LARGE, check_was_kept, let_go
from casework.models import Contact
from errors import Fault, InvalidInput
from triage.facts import Facts
from triage.published_rules import live


class ContactsView(UrgentFirst):
    """Send a contact about children, or list those that the agency sent."""

    required_scopes = {"POST": "contacts:write", "GET": "contacts:read"}  # noqa: RUF012  # as above

    @property
    def not_valid(self) -> str:
        if self.request.method == "POST":
            return "The contact was not taken in. Correct the errors and send it again."
        return "Correct the address, and ask again."

    def get_throttles(self) -> list[BaseThrottle]:
        return [AgencyThrottle() if self.request.method == "POST" else ReadingThrottle()]

    def may_not_wait(self, request: Request) -> bool:
        """A child in danger now does not, nor what came before: its sender hears again what it was answered."""
        key = idempotency_key(request)
        if says_danger(request.data):
            return True
        return key is not None and Contact.objects.filter(agency=asking_agency(request), idempotency_key=key).exists()

    @extend_schema(
        operation_id="sendContact",
        summary="Send a contact",
        description=(
            "Give every contact an Idempotency-Key of your own: sent again with the same key and the same body, for "
            "example after a timeout, it is taken in once, and the answer is the same. What a person typed (a name, a "
            "date, a number, a postcode, a code) never turns a contact away: what cannot be read is kept as it was "
            "sent, and named in `warnings`."
        ),
        parameters=[IDEMPOTENCY_KEY, IS_REPLAYED],
        request={"application/json": ContactDocument},
        responses={201: ContactReceivedSerializer, **problems(400, 408, 413, 415, 422, 503)},
        examples=[
            examples.sent("A concern about a child at school", examples.CONTACT),
            examples.answered("Taken in", examples.RECEIVED, 201),
        ],
    )
    def post(self, request: Request) -> Response:
        agency = asking_agency(request)
        data: Any = request.data
        if not isinstance(data, dict):
            raise InvalidInput([Fault((), "A contact is one JSON object.")])
        taken_in = receiving.receive(
            document=data, by=agency, now=timezone.now(), idempotency_key=idempotency_key(request)
        )
        answer = received(taken_in.contact, [detail.warning for detail in taken_in.to_check], request)
        return Response(answer, status=201, headers={"Location": answer["url"], **replayed(taken_in.is_new)})

    @extend_schema(
        operation_id="listContacts",
        summary="List the contacts that you sent",
        description=(
            "The newest first, page by page: follow `next`. To hear what has changed, read the list of those that are "
            "not decided yet, with the ETag that you have: 304 costs you and us nearly nothing."
        ),
        parameters=[WantedSerializer, IF_NONE_MATCH],
        responses={200: ContactListSerializer, 304: NOTHING_NEW, **problems(400)},
        examples=[examples.answered("The newest", examples.LIST)],
    )
    def get(self, request: Request) -> Response:
        asked, pages, answer = wanted(request), Pages(), {}

        def check(contacts: Sequence[Contact]) -> None:
            listed = [in_a_list(contact, request) for contact in contacts]
            answer.update({"contacts": listed, "next": pages.get_next_link()})
            check_is_news(request, tag_of(answer))

        try:
            viewing.list_own_contacts(
                narrowed=lambda contacts: pages.of(contacts, asked, request, self), check=check,
                by=asking_agency(request), now=timezone.now(),
            )  # fmt: skip
        except NothingNewError as nothing_new:
            return nothing_new.response
        return Response(answer, headers={"ETag": tag_of(answer)})


class ContactView(AgencyView):
    """What became of a contact that the agency sent, and what it could still put right."""

    required_scopes = {"GET": "contacts:read"}  # noqa: RUF012  # DRF reads it; nobody writes it
    throttle_classes = (ReadingThrottle,)

    @extend_schema(
        operation_id="readContact",
        summary="Read what became of a contact",
        description=(
            "Send the ETag of the answer that you have as If-None-Match: until something changes, the answer is 304."
        ),
        parameters=[IF_NONE_MATCH],
        responses={200: ContactStatusSerializer, 304: NOTHING_NEW, **problems(404)},
        examples=[examples.answered("Decided", examples.STATUS)],
    )
    def get(self, request: Request, reference: str) -> Response:
        answer: dict[str, Any] = {}

        def check(contact: Contact) -> None:
            answer.update(status_of(contact, request))
            check_is_news(request, tag_of(answer))

        try:
            viewing.view_own_contact(reference=reference, check=check, by=asking_agency(request), now=timezone.now())
        except Contact.DoesNotExist:
            raise Http404 from None
        except NothingNewError as nothing_new:
            return nothing_new.response
        return Response(answer, headers={"ETag": tag_of(answer)})


class InformationView(InStep):
    """Say more about a contact that the agency sent, or put a detail right, also when we work with the family."""

    not_valid = "Nothing was taken in. Correct the errors and send it again."
    required_scopes = {"POST": "contacts:write"}  # noqa: RUF012  # DRF reads it; nobody writes it

    @extend_schema(
        operation_id="addInformation",
        summary="Add information to a contact",
        description=(
            "Send only what is new or different of a contact that you sent. A child or an adult is named by `number`, "
            "in the order in which you sent them; a child also by the `ref` that you gave, or by c1, c2 and so on. An "
            "entry without either adds somebody. Null is the same as a field that you leave out. An empty text, an "
            "empty list or `not known` says nothing: what was known stays, and `warnings` names the field. To take "
            "something back, say so in `why`: a person reads it. Indicators are added to those that you sent. What you "
            "sent first stays as you sent it; the rules are asked again at once, and the team that answers for the "
            "family hears of it. Where nobody works with the family any more, the answer is 409: send a new contact."
        ),
        parameters=[IDEMPOTENCY_KEY, IS_REPLAYED],
        request={"application/json": InformationDocument},
        responses={201: InformationSerializer, **problems(400, 404, 408, 409, 413, 415, 422, 503)},
        examples=[
            examples.sent("A date of birth, and a worry", examples.INFORMATION),
            examples.answered("Taken in", examples.ADDED, 201),
        ],
    )
    def post(self, request: Request, reference: str) -> Response:
        agency = asking_agency(request)
        data: Any = request.data
        if not isinstance(data, dict):
            raise InvalidInput([Fault((), "Information is one JSON object.")])
        contact = get_object_or_404(Contact.objects.filter(agency=agency), reference=reference)
        learned = corrections.learn(
            contact_id=contact.pk, document=data, by=agency, now=timezone.now(),
            idempotency_key=idempotency_key(request),
        )  # fmt: skip
        url = reverse("api-contact", [contact.reference], request=request)
        # What could not be read of what the agency sent. Never what others said of the same.
        warnings = [Fault(detail.path, detail.check.sentence) for detail in learned.to_check]
        answer = {
            "reference": contact.reference,
            "url": url,
            "received_at": learned.information.at.isoformat(),
            **warnings_of(warnings),
        }
        return Response(answer, status=201, headers={"Location": url, **replayed(learned.is_new)})


class FilesView(InStep):
    """Put a file on a contact that the agency sent: a report, a letter, a picture."""

    not_valid = "The file was not taken in. Correct the errors and send it again."
    required_scopes = {"POST": "contacts:write"}  # noqa: RUF012  # DRF reads it; nobody writes it
    parser_classes = (MultiPartParser,)

    @extend_schema(
        operation_id="addFile",
        summary="Add a file to a contact",
        description=(
            f"One file of at most 20 MB: {ALLOWED}, without macros or a password. What it is is found in its content, "
            "not in its name. The same file, or the same Idempotency-Key with the same file, is kept once. While the "
            "state is `being_checked`, nobody here can open it; read the contact to see what became of it. Nothing is "
            "given back: keep your own copy. Where nobody works with the family any more, the answer is 409."
        ),
        parameters=[IDEMPOTENCY_KEY, IS_REPLAYED],
        request={"multipart/form-data": SentFileSerializer},
        responses={201: FileSerializer, **problems(400, 404, 408, 409, 413, 415, 422, 503)},
        examples=[examples.answered("Taken in", examples.FILE, 201)],
    )
    def post(self, request: Request, reference: str) -> Response:
        agency = asking_agency(request)
        contact = get_object_or_404(Contact.objects.filter(agency=agency), reference=reference)
        key = idempotency_key(request)
        try:
            data: Any = request.data
        except UnreadablePostError:
            let_go(request._request)
            raise ParseError("The body was cut off.") from None
        sent, about = data.get("file"), data.get("about", "")
        has_more = len(data.getlist("file")) > 1
        if getattr(request._request, UPLOAD_IS_TOO_LARGE, False):
            raise FileTooLarge
        check_was_kept(request._request)
        if has_more or not isinstance(sent, UploadedFile) or not isinstance(about, str):
            raise InvalidInput([Fault(("file",), "Send one file, as the part `file` of multipart/form-data.")])
        file, is_new = storing.take_in_and(
            lambda stored: files.add_to_contact(
                contact_id=contact.pk, stored=stored, name=sent.name or "", about=about, idempotency_key=key,
                by=agency, now=timezone.now(),
            ),
            sent,
        )  # fmt: skip
        url = reverse("api-contact", [contact.reference], request=request)
        # What came before is answered as then.
        answer = file_of(file) | {"state": file.state_when_added}
        return Response(answer, status=201, headers={"Location": url, **replayed(is_new)})


class ThresholdCheckView(AgencyView):
    """
    Ask, before a contact is sent, what the rules would say of a family without a name.

    The answer is a function of what was sent and of the rule set that is live: none of our records is read for it, so
    that it is the same whether or not the family is known. Nothing is kept but how many checks an agency made on a day.
    """

    not_valid = "Nothing was checked. Correct the errors and send it again."
    required_scopes = {"POST": "threshold:check"}  # noqa: RUF012  # DRF reads it; nobody writes it
    throttle_classes = (ThresholdCheckThrottle,)

    @extend_schema(
        operation_id="checkThreshold",
        summary="Check the threshold",
        description=(
            "Send what you know of a family, **without any name**, and hear which level and pathway the rules would "
            "recommend, why, what would change it, and what to try first. Nothing that you send is kept, and nothing "
            "that we know is looked at. It is advice, not a decision: if you are worried about a child, send a contact "
            "whatever it says."
        ),
        request={"application/json": Facts},
        responses={200: ThresholdCheckSerializer, **problems(400, 408, 413, 415, 503)},
        examples=[
            examples.sent("A child who misses school", examples.FACTS),
            examples.answered("Early help, once the family is asked", examples.CHECKED),
        ],
    )
    def post(self, request: Request) -> Response:
        # A body that got lost on the way must not be answered as a family without any need.
        data: Any = request.data if request.stream is not None else None
        if not isinstance(data, dict):
            raise InvalidInput([Fault((), "The facts are one JSON object.")])
        now = timezone.now()
        rules = live(now).rule_set
        answer = threshold_check.answer(rules, threshold_check.read_facts(data, rules))
        threshold_checks.count(by=asking_agency(request), now=now)
        return Response(answer)
