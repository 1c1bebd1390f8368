"""What changed for an agency: for systems that ask, where nothing can be sent to them."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from casework.actions import viewing
from casework.api import examples
from casework.api.agency_view import AgencyView
from casework.api.authentication import asking_agency
from casework.api.schema import EventListSerializer, problems
from casework.api.throttling import ReadingThrottle
from errors import Fault, InvalidInput

MOST_LISTED = 100
# The greatest that a column for numbers holds.
GREATEST = 2**63 - 1
NUMBER = f"must be the id of an event, a whole number from 0 to {GREATEST}."


class AfterSerializer(serializers.Serializer[Any]):
    """Which events are asked for."""

    after = serializers.IntegerField(
        default=0,
        min_value=0,
        max_value=GREATEST,
        help_text="The id of the last event that you have. Without it, the oldest that we keep comes first.",
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value", "max_string_length"), NUMBER),
    )


class EventsView(AgencyView):
    """What changed about the contacts that the agency sent."""

    not_valid = "Correct the address, and ask again."
    required_scopes = {"GET": "contacts:read"}  # noqa: RUF012  # DRF reads it; nobody writes it
    throttle_classes = (ReadingThrottle,)

    @extend_schema(
        operation_id="listEvents",
        summary="List what changed",
        description=(
            "What changed about the contacts that your agency sent, in order: an event that you have not read never "
            f"comes below one that you have. At most {MOST_LISTED} at a time. Keep `next`, and ask there the next "
            "time; while `has_more`, ask at once. An event says that something changed, and nothing of anybody: read "
            "its `url` for how things stand now. Events are kept for 90 days."
        ),
        parameters=[AfterSerializer],
        responses={200: EventListSerializer, **problems(400)},
        examples=[examples.answered("Somebody looks at a contact", examples.EVENTS)],
    )
    def get(self, request: Request) -> Response:
        after = _after(request)
        events = viewing.list_own_events(
            after=after, at_most=MOST_LISTED + 1, shown=MOST_LISTED, by=asking_agency(request), now=timezone.now()
        )
        listed = events[:MOST_LISTED]
        last = listed[-1].number if listed else after
        answer = {
            "events": [
                {
                    "id": event.number,
                    "type": event.kind,
                    "reference": event.contact.reference,
                    "url": reverse("api-contact", [event.contact.reference], request=request),
                    "at": event.at.isoformat(),
                }
                for event in listed
            ],
            "has_more": len(events) > MOST_LISTED,
            "next": f"{reverse('api-events', request=request)}?after={last}",
        }
        return Response(answer)


def _after(request: Request) -> int:
    """:raises InvalidInput: it is no number, or there is a parameter that is not known."""
    form = AfterSerializer(data=request.query_params)
    form.is_valid()
    faults = [Fault((), f"{name}: {says}") for name, found in form.errors.items() for says in found]
    unknown = sorted(request.query_params.keys() - form.fields.keys())
    faults += [Fault((), f"{name}: is not a parameter here. There is after.") for name in unknown]
    if faults:
        raise InvalidInput(faults)
    after: int = form.validated_data["after"]
    return after
