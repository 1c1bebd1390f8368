"""
What all views for agencies have in common: each answer says how many more calls there may be, in the fields
RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers-10).
"""

from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from casework.api.throttling import AgencyThrottle


class AgencyView(APIView):
    """A view for agencies."""

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        # The limits that were asked, those that refused too.
        self.asked_limits: list[AgencyThrottle] = []
        return super().initialize_request(request, *args, **kwargs)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        if self.asked_limits:
            response["RateLimit-Policy"] = ", ".join(limit.limit for limit in self.asked_limits)
            response["RateLimit"] = ", ".join(limit.left for limit in self.asked_limits)
        return super().finalize_response(request, response, *args, **kwargs)
