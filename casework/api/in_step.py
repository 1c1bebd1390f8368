"""
When answers leave: at whole steps of time, so that how long one took does not tell whether a family is known.

To look at the history of a known family takes longer than to find that there is none, and to hide an address longer
still. See docs/adr/0008-what-partners-may-learn.md.
"""

import time
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.views import APIView


class InStep(APIView):
    """A view whose answers, also its refusals, leave `API_ANSWER_STEP_MS` after the request, or at a multiple of it."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        began = time.monotonic()
        answer: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        # The action's transaction has ended: nobody waits for its locks meanwhile.
        if wait := until_next_step(time.monotonic() - began, settings.API_ANSWER_STEP_MS / 1000):
            time.sleep(wait)
        return answer


def until_next_step(taken: float, step: float) -> float:
    """
    How many seconds an answer waits.

    :param taken: seconds since the request came.
    :param step: seconds; 0 for none.
    """
    return -taken % step if step else 0.0
