"""How many calls an agency may make in a minute. `AgencyView` tells its systems, in the fields of the IETF's draft."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from casework.api.authentication import agency_of

if TYPE_CHECKING:
    # The framework's own views import this module by the settings.
    from rest_framework.views import APIView


class AgencyThrottle(SimpleRateThrottle):
    """Limits what an agency sends per minute, over all its systems."""

    scope = "agency"
    calls = "api-calls"
    policy = "sending"
    num_requests: int
    duration: int

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        agency = agency_of(request)
        return f"{self.calls}-of-{agency.pk}" if agency else None

    def allow_request(self, request: Request, view: APIView) -> bool:
        is_allowed: bool = super().allow_request(request, view)
        # The description of the API is no agency's view, and has the same limit where a token comes with the call.
        getattr(view, "asked_limits", []).append(self)
        return is_allowed

    @property
    def limit(self) -> str:
        """How many calls there are in how many seconds, as RateLimit-Policy has it."""
        return f'"{self.policy}";q={self.num_requests};w={self.duration}'

    @property
    def left(self) -> str:
        """How many calls are left, and after how many seconds there is another one, as RateLimit has it."""
        left = self.num_requests - len(self.history)
        seconds = ceil(self.history[-1] + self.duration - self.now) if self.history else 0
        return f'"{self.policy}";r={max(0, left)};t={seconds}'


class ReadingThrottle(AgencyThrottle):
    """The same limit for what is read, counted separately: reading never blocks the agency's contacts."""

    calls = "api-reads"
    policy = "reading"


class UrgentThrottle(AgencyThrottle):
    """The same limit once more, for what an agency sends beyond it that may not wait: see `ContactsView`."""

    calls = "api-urgent"
    policy = "urgent"


class ThresholdCheckThrottle(AgencyThrottle):
    """The same limit for threshold checks, counted separately, for the same reason."""

    calls = "threshold-checks"
    policy = "threshold-checks"


class BatchThrottle(AgencyThrottle):
    """How many batches an agency sends per minute: they come to as many contacts as it may send one by one."""

    scope = "batches"
    calls = "api-batches"
    policy = "batches"
