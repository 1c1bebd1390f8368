"""
Whoever owes a second step of signing in is led to set it up, and can open nothing else until then. What they send is
kept meanwhile (`unsent.py`): a rule may begin while they type.
"""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from casework.web import unsent

# What somebody needs who sets one up, or leaves.
OPEN = frozenset({
    "account_login", "account_logout", "account_reauthenticate", "accessibility", "council-again", "mfa_activate_totp",
    "mfa_add_webauthn", "mfa_index", "mfa_reauthenticate", "mfa_reauthenticate_webauthn", "mfa_view_recovery_codes",
    "openid_connect_callback", "openid_connect_login",
})  # fmt: skip
# The doors of systems and of monitoring know no users.
SYSTEMS = ("/api/", "/o/", "/healthz", "/readyz", "/metrics", "/favicon.ico")


class SecondStepMiddleware:
    """Asks what `StaffBackend` found with the user: it costs no statement."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        match = request.resolver_match
        if request.path.startswith(SYSTEMS) or (match is not None and match.view_name in OPEN):
            return None
        if not getattr(request.user, "owes_factor", None):
            return None
        if request.method == "POST":
            unsent.keep(request)
        return redirect("mfa_index")
