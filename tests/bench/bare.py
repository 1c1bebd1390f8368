"""The service's addresses and one more: the least that could take in a contact, for `tests/bench/intake.py`."""

from django.urls import path
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from casework.api.authentication import agency_of
from casework.models import AuditEvent, Event
from config.urls import urlpatterns as service


class BareView(APIView):
    """Authenticates as the API does, reads the JSON, and inserts one row."""

    required_scopes = {"POST": "contacts:write"}  # noqa: RUF012  # DRF reads it; nobody writes it

    def post(self, request: Request) -> Response:
        event = AuditEvent.objects.create(
            event=Event.CONTACT_VIEWED, at=timezone.now(), actor="agency", by_agency=agency_of(request),
            detail=request.data,
        )  # fmt: skip
        return Response({"id": event.pk}, status=201)


urlpatterns = [*service, path("bare", BareView.as_view())]
