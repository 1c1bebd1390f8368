"""What an agency sends that may not wait is taken in beyond its limit of calls."""

from abc import ABC, abstractmethod

from rest_framework.exceptions import APIException, Throttled
from rest_framework.request import Request

from casework.api.in_step import InStep
from casework.api.throttling import UrgentThrottle
from errors import InvalidInput


class UrgentFirst(InStep, ABC):
    """A view that takes in contacts: a child in danger now does not wait for the agency's other contacts."""

    @abstractmethod
    def may_not_wait(self, request: Request) -> bool:
        """
        Whether what is sent is taken in beyond the limit.

        :raises APIException: it cannot be read, as for any view; then it waits.
        :raises InvalidInput: it cannot be read.
        """

    def check_throttles(self, request: Request) -> None:
        try:
            super().check_throttles(request)
        except Throttled:
            if request.method != "POST" or not self._is_let_through(request):
                raise

    def _is_let_through(self, request: Request) -> bool:
        try:
            may_not_wait = self.may_not_wait(request)
        except (APIException, InvalidInput):
            return False
        return may_not_wait and UrgentThrottle().allow_request(request, self)
