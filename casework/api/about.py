"""
What the developer of a partner's system asks first: what this API can do, within which limits, and which codes it
knows. It says nothing of anybody, so no token is needed.
"""

from typing import Any

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from casework.api.idempotency import LONGEST_KEY
from casework.api.news import IF_NONE_MATCH, NOTHING_NEW, answer_if_new
from casework.api.parsing import LARGEST as LARGEST_BODY
from casework.api.reference_data import reference_data
from casework.api.schema import CAPABILITIES, AboutSerializer, ReferenceDataSerializer, problems
from casework.api.throttling import AgencyThrottle, BatchThrottle
from casework.facts.contact_document import MOST_ADULTS, MOST_CHILDREN
from casework.models.contact_batches import MOST_CONTACTS
from casework.models.files import LARGEST as LARGEST_FILE
from triage.published_rules import live

IN_DANGER = "If a child is in immediate danger, call 999. This address is not watched at every moment."


class OpenView(APIView):
    """A view for which no token is needed. It says nothing of anybody, so it may be stored, and is asked for anew."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response["Cache-Control"] = "no-cache"
        return super().finalize_response(request, response, *args, **kwargs)


class AboutView(OpenView):
    """What this API can do."""

    @extend_schema(
        operation_id="about",
        summary="Ask what this API can do",
        description="Its version, what can be done with it here, its limits, and where to go from here.",
        responses={200: AboutSerializer, **problems(token=False)},
    )
    def get(self, request: Request) -> Response:
        throttle: Any = AgencyThrottle()
        batches: Any = BatchThrottle()
        links = {
            "token": "token",
            "contacts": "api-contacts",
            "batches": "api-batches",
            "threshold_check": "api-threshold-check",
            "quality": "api-quality",
            "partner_checks": "api-checks",
            "events": "api-events",
            "reference_data": "api-reference-data",
            "schema": "api-schema",
            "docs": "api-docs",
        }
        about = {
            "title": settings.SPECTACULAR_SETTINGS["TITLE"],
            "council": settings.COUNCIL_NAME,
            "version": settings.SPECTACULAR_SETTINGS["VERSION"],
            "in_danger": IN_DANGER,
            "capabilities": CAPABILITIES,
            "limits": {
                "contacts_in_a_batch": MOST_CONTACTS,
                "batches": batches.num_requests,
                "batches_in_seconds": batches.duration,
                "calls": throttle.num_requests,
                "in_seconds": throttle.duration,
                "body_bytes": LARGEST_BODY,
                "file_bytes": LARGEST_FILE,
                "children": MOST_CHILDREN,
                "adults": MOST_ADULTS,
                "idempotency_key_characters": LONGEST_KEY,
            },
            "links": {name: reverse(view, request=request) for name, view in links.items()},
        }
        return Response(about)


class ReferenceDataView(OpenView):
    """Every code that a contact may hold and an answer may name."""

    @extend_schema(
        operation_id="readReferenceData",
        summary="Read every code in words",
        description=(
            "Every code that a contact may hold and an answer may name, each in words, as they are in force now: fill "
            "your lists from here. Keep the ETag of the answer and send it as If-None-Match: the answer is 304, "
            "without a body, until something changes."
        ),
        parameters=[IF_NONE_MATCH],
        responses={
            200: ReferenceDataSerializer,
            304: NOTHING_NEW,
            **problems(503, token=False),
        },
    )
    def get(self, request: Request) -> Response:
        codes, tag = reference_data(live(timezone.now()).version_id)
        return answer_if_new(request, codes, tag)
