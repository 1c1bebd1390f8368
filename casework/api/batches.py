"""Contacts that are sent together: each is taken in on its own, and what became of it is read here."""

from collections.abc import Iterator
from typing import Any

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.throttling import BaseThrottle

from casework.actions import contact_batches, viewing
from casework.actions.contact_batches import ToTakeIn
from casework.api import examples
from casework.api.agency_view import AgencyView
from casework.api.answers import received
from casework.api.authentication import asking_agency
from casework.api.idempotency import A_KEY, is_a_key
from casework.api.lists import problem_document
from casework.api.news import IF_NONE_MATCH, NOTHING_NEW, NothingNewError, check_is_news, tag_of
from casework.api.parsing import BatchParser
from casework.api.schema import BatchSerializer, SentBatchSerializer, problems
from casework.api.throttling import BatchThrottle, ReadingThrottle
from casework.api.urgent import UrgentFirst
from casework.facts.contact_document import says_danger
from casework.models import BatchEntry, BatchState, ContactBatch, WhyRefused
from casework.models.contact_batches import MOST_CONTACTS
from errors import Fault, InvalidInput

NOT_TAKEN_IN = "The contact was not taken in. Correct the errors and send it again."
REFUSALS = {
    WhyRefused.INVALID: (400, NOT_TAKEN_IN),
    WhyRefused.KEY_REUSED: (422, "This idempotency key came before with another contact. Use a new key for a new one."),
}


class BatchesView(UrgentFirst):
    """Send contacts together."""

    not_valid = "No contact was taken in. Correct the errors and send the batch again."
    required_scopes = {"POST": "contacts:write"}  # noqa: RUF012  # DRF reads it; nobody writes it
    parser_classes = (BatchParser,)

    def get_throttles(self) -> list[BaseThrottle]:
        return [BatchThrottle()]

    def may_not_wait(self, request: Request) -> bool:
        return any(says_danger(each.document) for each in _sent(request.data))

    @extend_schema(
        operation_id="sendContacts",
        summary="Send up to 100 contacts together",
        description=(
            f"From 1 to {MOST_CONTACTS} contacts, each with an idempotency key of its own. The answer comes before "
            "they are taken in: read its `url` until nothing is `waiting`. A contact that is not valid is refused by "
            "itself, and the others are taken in. Those with `immediate_danger` come first; where minutes count, send "
            "such a contact alone, and ring. After a timeout, send the batch again: what came before is taken in once, "
            "and is `replayed`."
        ),
        request={"application/json": SentBatchSerializer},
        responses={202: BatchSerializer, **problems(400, 408, 413, 415, 503)},
        examples=[
            examples.sent("Two contacts", examples.SENT_BATCH),
            examples.answered("One is refused, the other one waits", examples.BATCH, 202),
        ],
    )
    def post(self, request: Request) -> Response:
        batch = contact_batches.keep(
            contacts=_sent(request.data), by=asking_agency(request), now=timezone.now(),
            correlation_id=self.correlation_id,
        )  # fmt: skip
        answer = _as_answered(batch, request)
        return Response(answer, status=202, headers={"Location": answer["url"]})


class BatchView(AgencyView):
    """What became of contacts that the agency sent together."""

    # Whoever may send them may hear what they would have heard for each.
    required_scopes = {"GET": "contacts:write"}  # noqa: RUF012  # DRF reads it; nobody writes it
    throttle_classes = (ReadingThrottle,)

    @extend_schema(
        operation_id="readBatch",
        summary="Read what became of a batch",
        description=(
            "For each contact the answer that it would have had alone: `contact` is the one to `POST /contacts`, "
            "`problem` the refusal. It can be read for 30 days. What became of a contact since, its `url` says."
        ),
        parameters=[IF_NONE_MATCH],
        responses={200: BatchSerializer, 304: NOTHING_NEW, **problems(404)},
        examples=[examples.answered("Both are settled", examples.SETTLED_BATCH)],
    )
    def get(self, request: Request, key: str) -> Response:
        answer: dict[str, Any] = {}

        def check(batch: ContactBatch) -> None:
            answer.update(_as_answered(batch, request))
            check_is_news(request, tag_of(answer))

        try:
            viewing.view_own_batch(key=key, check=check, by=asking_agency(request), now=timezone.now())
        except ContactBatch.DoesNotExist:
            raise Http404 from None
        except NothingNewError as nothing_new:
            return nothing_new.response
        return Response(answer, headers={"ETag": tag_of(answer)})


def _sent(data: object) -> list[ToTakeIn]:
    """:raises InvalidInput: it is no batch, with every fault. What is wrong with one contact is not."""
    contacts = data.get("contacts") if isinstance(data, dict) else None
    if not isinstance(contacts, list) or not isinstance(data, dict):
        raise InvalidInput([Fault((), "A batch is one JSON object with a list of `contacts`.")])
    faults = [Fault((name,), "is not a field of a batch.") for name in data if name != "contacts"]
    if not 1 <= len(contacts) <= MOST_CONTACTS:
        faults.append(Fault(("contacts",), f"must hold from 1 to {MOST_CONTACTS} contacts, not {len(contacts)}."))
    for position, entry in enumerate(contacts):
        faults += [Fault(("contacts", position, *fault.path), fault.message) for fault in _faults_of(entry)]
    if faults:
        raise InvalidInput(faults)
    return [ToTakeIn(entry["idempotency_key"].strip(), entry["contact"]) for entry in contacts]


def _faults_of(entry: object) -> Iterator[Fault]:
    if not isinstance(entry, dict):
        yield Fault((), "must be an object with `idempotency_key` and `contact`.")
        return
    for name in sorted(entry.keys() - {"idempotency_key", "contact"}):
        yield Fault((name,), "is not known here: what belongs to the contact stands in `contact`.")
    key = entry.get("idempotency_key")
    if not isinstance(key, str) or not key.strip():
        yield Fault(("idempotency_key",), "must be given: a text of yours, a new one for each contact.")
    elif not is_a_key(key.strip()):
        yield Fault(("idempotency_key",), A_KEY)
    if not isinstance(entry.get("contact"), dict):
        yield Fault(("contact",), "must be given: the contact, as an object.")


def _as_answered(batch: ContactBatch, request: Request) -> dict[str, Any]:
    entries = batch.entries.all()
    states = [entry.state for entry in entries]
    return {
        "id": batch.key,
        "url": reverse("api-batch", [batch.key], request=request),
        "received_at": batch.received_at.isoformat(),
        **{str(state): states.count(state) for state in BatchState},
        "results": [_result(entry, request) for entry in entries],
    }


def _result(entry: BatchEntry, request: Request) -> dict[str, Any]:
    contact = problem = None
    if entry.contact is not None:
        contact = received(entry.contact, [detail.warning for detail in entry.contact.details_to_check.all()], request)
    elif entry.why_refused:
        faults = [Fault(tuple(path), says) for path, says in entry.faults]
        status, detail = REFUSALS[WhyRefused(entry.why_refused)]
        problem = problem_document(status, entry.why_refused, detail, faults, more=entry.faults_left_out)
    return {
        "idempotency_key": entry.idempotency_key,
        "state": entry.state,
        "replayed": entry.came_before,
        "contact": contact,
        "problem": problem,
    }
