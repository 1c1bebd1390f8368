"""The list of an agency's own contacts: which it asks for, page by page."""

from collections.abc import Sequence
from datetime import datetime, time
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.dateparse import parse_date
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.views import APIView

from casework.models import Contact
from casework.statuses import SenderStatus
from errors import Fault, InvalidInput
from localities.working_time import LONDON

MOST_LISTED, USUALLY_LISTED = 100, 50
COUNT = f"must be a whole number from 1 to {MOST_LISTED}."
MOMENT = "must be a day, as 2026-11-30, or a moment with its offset, as 2026-11-30T09:00:00Z."
DAY = len("2026-11-30")


@extend_schema_field(OpenApiTypes.STR)
class Moment(serializers.DateTimeField):
    """A moment, or a day, which stands for its beginning in England."""

    def to_internal_value(self, value: Any) -> datetime:
        try:
            day = parse_date(value) if len(value) == DAY else None
        except ValueError:
            self.fail("invalid", format=MOMENT)
        return datetime.combine(day, time(), tzinfo=LONDON) if day else super().to_internal_value(value)


class WantedSerializer(serializers.Serializer[Any]):
    """Which contacts are asked for, and how many on a page."""

    status = serializers.ChoiceField(
        choices=SenderStatus.choices,
        required=False,
        help_text="Only those with this status.",
        error_messages={"invalid_choice": f"must be one of {', '.join(SenderStatus.values)}."},
    )
    received_from = Moment(
        required=False, help_text="A day, or a moment with its offset.", error_messages={"invalid": MOMENT}
    )
    received_before = Moment(
        required=False, help_text="A day, or a moment with its offset.", error_messages={"invalid": MOMENT}
    )
    agency_reference = serializers.CharField(required=False, help_text="Your own reference, as we keep it.")
    limit = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=MOST_LISTED,
        help_text=f"How many on a page: {USUALLY_LISTED} unless you say so.",
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value", "max_string_length"), COUNT),
    )
    cursor = serializers.CharField(required=False, help_text="In `next`: follow that address as it stands.")


def wanted(request: Request) -> dict[str, Any]:
    """
    What the address asks for.

    :raises InvalidInput: with every fault. A parameter that is not known is one: whoever mistypes a filter must not
        take all contacts for those that it asked for.
    """
    form = WantedSerializer(data=request.query_params)
    form.is_valid()
    faults = [Fault((), f"{name}: {says}") for name, found in form.errors.items() for says in found]
    there_are = f"There are {', '.join(form.fields)}."
    unknown = sorted(request.query_params.keys() - form.fields.keys())
    faults += [Fault((), f"{name}: is not a parameter here. {there_are}") for name in unknown]
    if faults:
        raise InvalidInput(faults)
    asked: dict[str, Any] = form.validated_data
    return asked


class Pages(CursorPagination):
    """Pages of the newest contacts first. What comes in meanwhile moves nothing."""

    ordering = ("-received_at", "-id")
    page_size = USUALLY_LISTED
    max_page_size = MOST_LISTED
    page_size_query_param = "limit"

    def of(
        self, contacts: QuerySet[Contact], asked: dict[str, Any], request: Request, view: APIView
    ) -> Sequence[Contact]:
        """
        The contacts of one page.

        :raises InvalidInput: the cursor is none that was given out.
        """
        filters = {
            "sender_status": asked.get("status"),
            "received_at__gte": asked.get("received_from"),
            "received_at__lt": asked.get("received_before"),
            "agency_reference": asked.get("agency_reference"),
        }
        narrowed = contacts.filter(**{name: value for name, value in filters.items() if value is not None})
        try:
            return self.paginate_queryset(narrowed, request, view=view) or []
        except (NotFound, ValidationError):
            raise InvalidInput([Fault((), "cursor: is none that this address has given.")]) from None
