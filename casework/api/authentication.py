"""Partner systems sign in with OAuth 2 client credentials, and act as their agency."""

from __future__ import annotations

from abc import ABC, abstractmethod
from base64 import b64decode
from collections.abc import Callable
from datetime import datetime
from math import ceil
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote_plus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views import View
from oauth2_provider.contrib.rest_framework import OAuth2Authentication
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.views import RevokeTokenView, TokenView
from rest_framework.exceptions import MethodNotAllowed, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from casework.record.sign_ins import address_of
from localities import limits
from localities.models import Agency, AgencyClient

if TYPE_CHECKING:
    # The views' own module imports this one by the settings.
    from rest_framework.views import APIView


class CountsTries(View, ABC):
    """A view that asks a client for its secret. Wrong ones make its next try from the same network wait."""

    @abstractmethod
    def answer_to(self, request: HttpRequest) -> HttpResponse:
        """The answer to a try that need not wait."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        now, network = timezone.now(), limits.network_of(address_of(request))
        tries = {limits.key("client", (network, client_id)): limits.CLIENT for client_id in _client_ids(request)}
        charged = limits.charge(tries, now=now)
        if isinstance(charged, datetime):
            seconds = ceil((charged - now).total_seconds())
            says = {"error": "temporarily_unavailable", "error_description": f"Try again in {seconds} seconds."}
            return JsonResponse(says, status=429, headers={"Retry-After": str(seconds)})
        answer = self.answer_to(request)
        if answer.status_code < 400:
            charged.give_back()
        return answer


class ClientTokenView(CountsTries, TokenView):
    """Issues tokens for client credentials only, without the package's device flow."""

    def answer_to(self, request: HttpRequest) -> HttpResponse:
        answer: HttpResponse = self.authorization_flow_token_response(request)
        return answer


class ClientRevokeView(CountsTries, RevokeTokenView):
    """Revokes a token of the client that says its secret."""

    def answer_to(self, request: HttpRequest) -> HttpResponse:
        answer: HttpResponse = RevokeTokenView.post(self, request)
        return answer


def _client_ids(request: HttpRequest) -> set[str]:
    """Who the client says it is: in the header, in the form, or both, and the package tries one after the other."""
    scheme, _, said = request.headers.get("Authorization", "").partition(" ")
    try:
        in_header = unquote_plus(b64decode(said).decode().partition(":")[0]) if scheme == "Basic" else ""
    except ValueError:
        in_header = ""
    return {in_header, str(request.POST.get("client_id", ""))} - {""} or {""}


class ClientValidator(OAuth2Validator):
    """Checks the client that asks for a token."""

    def _load_application(self, client_id: str | None, request: Any) -> AgencyClient | None:
        # PostgreSQL raises an error for a text with NUL in a query.
        return None if "\x00" in (client_id or "") else super()._load_application(client_id, request)

    def _authenticate_basic_auth(self, request: Any) -> bool:
        return _with_either_secret(super()._authenticate_basic_auth, request)

    def _authenticate_request_body(self, request: Any) -> bool:
        return _with_either_secret(super()._authenticate_request_body, request)


def _with_either_secret(is_right: Callable[[Any], bool], request: Any) -> bool:
    """Whether the client says its secret, or the one before, while that works."""
    if is_right(request):
        return True
    client = request.client
    if not isinstance(client, AgencyClient) or not client.has_former_secret(timezone.now()):
        return False
    # The package compares with the client that the request has, and loads no other. It is not saved.
    secret, client.client_secret = client.client_secret, client.former_secret
    try:
        return is_right(request)
    finally:
        client.client_secret = secret


class AgencyAuthentication(OAuth2Authentication):
    """Authenticates a bearer token of an agency's client. `request.auth` is the token; `request.user` is None."""

    www_authenticate_realm = "front-door"

    def authenticate(self, request: Request) -> Any:
        # The header alone. The package takes a token from the body, too, and would parse what any stranger sends; and
        # from the address, which RFC 9700 (4.3.2) forbids: addresses end up in logs.
        head: Any = HttpRequest()
        head.method, head.path, head.META = "GET", request.path, request.META | {"QUERY_STRING": ""}
        found = super().authenticate(head)
        # What is wrong with the token, for the challenge (RFC 6750, 3.1). Without a token nothing is wrong with it.
        cast("Any", request).oauth2_error = getattr(head, "oauth2_error", {})
        return found


class InsufficientScope(PermissionDenied):
    """The token is good, and has not the scope that this needs (RFC 6750, 3.1)."""

    default_detail = "This token does not allow this. Ask for one with the scope that the documentation names."

    def __init__(self, scope: str) -> None:
        super().__init__()
        realm = AgencyAuthentication.www_authenticate_realm
        self.auth_header = f'Bearer realm="{realm}",error="insufficient_scope",scope="{scope}"'


class IsAgencyWithScope(BasePermission):
    """The agency may send contacts, and its token has the scope that the view requires for this method."""

    message = "Your agency may not send contacts at the moment. Ask the council why."

    def has_permission(self, request: Request, view: APIView) -> bool:
        agency, token = agency_of(request), cast("Any", request.auth)
        if agency is None:
            return False
        scopes: dict[str, str] = getattr(view, "required_scopes", {})
        method = "GET" if request.method == "HEAD" else str(request.method)
        if method not in scopes:
            raise MethodNotAllowed(method)
        if not token.allow_scopes([scopes[method]]):
            raise InsufficientScope(scopes[method])
        return agency.is_active


def agency_of(request: Request) -> Agency | None:
    """The agency whose client holds the token; None without a token."""
    client: Any = getattr(request.auth, "application", None)
    return client.agency if isinstance(client, AgencyClient) else None


def asking_agency(request: Request) -> Agency:
    """The agency that asks, in a view that its permission protects."""
    agency = agency_of(request)
    assert agency is not None, "the permission lets nobody in without one"
    return agency
