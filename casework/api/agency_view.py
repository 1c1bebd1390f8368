"""
What all views for agencies have in common: each answer says how many more calls there may be, in the fields
RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers-10), and repeats the caller's X-Correlation-ID.
"""

import re
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from casework.api.throttling import AgencyThrottle
from casework.record import audit

CORRELATION_ID = "X-Correlation-ID"
# No blank: what somebody writes about a family has one.
_IS_AN_ID = re.compile(r"[\x21-\x7e]{1,100}")


class AgencyView(APIView):
    """A view for agencies."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        sent = request.headers.get(CORRELATION_ID, "")
        self.correlation_id = sent if _IS_AN_ID.fullmatch(sent) else ""
        with audit.correlated(self.correlation_id):
            answer: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return answer

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        # The limits that were asked, those that refused too.
        self.asked_limits: list[AgencyThrottle] = []
        return super().initialize_request(request, *args, **kwargs)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        if self.correlation_id:
            response[CORRELATION_ID] = self.correlation_id
        if self.asked_limits:
            response["RateLimit-Policy"] = ", ".join(limit.limit for limit in self.asked_limits)
            response["RateLimit"] = ", ".join(limit.left for limit in self.asked_limits)
        return super().finalize_response(request, response, *args, **kwargs)
