"""
What the developer of a partner's system asks first: what this API can do, within which limits, and which codes it
knows. It says nothing of anybody, so no token is needed.
"""

from typing import Any

from django.conf import settings
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.cache import get_conditional_response
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from casework.api.authentication import AgencyThrottle
from casework.api.parsing import LARGEST as LARGEST_BODY
from casework.api.reference_data import reference_data
from casework.api.schema import CAPABILITIES, AboutSerializer, ReferenceDataSerializer, problems
from casework.api.views import LONGEST_KEY
from casework.facts.contact_document import MOST_ADULTS, MOST_CHILDREN
from casework.models.files import LARGEST as LARGEST_FILE
from triage.published_rules import live

IN_DANGER = "If a child is in immediate danger, call 999. This address is not watched at every moment."


class OpenView(APIView):
    """A view for which no token is needed. It says nothing of anybody, so it may be stored, and is asked for anew."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()

    def answer(self, request: Request, response: Response) -> HttpResponseBase:
        """The response, or 304 without a body where the caller has it already."""
        response["Cache-Control"] = "no-cache"
        known = get_conditional_response(request._request, response.get("ETag"), None, response)
        assert known is not None, "it is given a response"
        return known


class AboutView(OpenView):
    """What this API can do."""

    @extend_schema(
        operation_id="about",
        summary="Ask what this API can do",
        description="Its version, what can be done with it here, its limits, and where to go from here.",
        responses={200: AboutSerializer, **problems(token=False)},
    )
    def get(self, request: Request) -> HttpResponseBase:
        throttle: Any = AgencyThrottle()
        links = {
            "token": "token",
            "contacts": "api-contacts",
            "threshold_check": "api-threshold-check",
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
        return self.answer(request, Response(about))


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
        parameters=[
            OpenApiParameter(
                "If-None-Match", OpenApiTypes.STR, OpenApiParameter.HEADER, description="The ETag that you have."
            )
        ],
        responses={
            200: ReferenceDataSerializer,
            304: OpenApiResponse(description="Nothing has changed since."),
            **problems(503, token=False),
        },
    )
    def get(self, request: Request) -> HttpResponseBase:
        codes, tag = reference_data(live(timezone.now()).version_id)
        return self.answer(request, Response(codes, headers={"ETag": tag}))
