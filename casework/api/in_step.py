"""Answers to partners that leave at whole steps of time (`casework/access/in_step.py`)."""

import time
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from casework.access.in_step import wait_for_step
from casework.api.agency_view import AgencyView


class InStep(AgencyView):
    """
    A view whose answers to what is sent, also its refusals, leave `API_ANSWER_STEP_MS` after the request, or at a
    multiple of it. What is read are an agency's own contacts, and tells nothing by its time.
    """

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        began = time.monotonic()
        answer: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        if request.method == "POST":
            wait_for_step(began)
        return answer
