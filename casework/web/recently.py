"""
Before a restricted record is opened, a role is changed or a file is exported, somebody who did not sign in just now
shows once more that it is them. What they sent is kept meanwhile (`unsent.py`).
"""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect

from casework.web import unsent
from errors import NotPermitted

Answer = TypeVar("Answer", bound=HttpResponseBase)


def signed_in_recently(request: HttpRequest) -> bool:
    """Whether whoever is signed in showed in the last minutes, in this session, that it is them."""
    signed_in = request.session.get("account_authentication_methods") or [{"at": 0}]
    return bool(time.time() - signed_in[-1]["at"] < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)


def recently(view: Callable[..., Answer]) -> Callable[..., Answer | HttpResponseRedirect]:
    """A view for somebody who signed in just now. Others are asked to, and come back."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Answer | HttpResponseRedirect:
        return view(request, *args, **kwargs) if signed_in_recently(request) else ask_again(request)

    return guarded


def ask_again(request: HttpRequest) -> HttpResponseRedirect:
    """Leads to the page where somebody shows that it is them, and from there back here."""
    match = request.resolver_match
    # A code or a passkey that is sent is for this moment only.
    if request.method == "POST" and match is not None and not match.func.__module__.startswith("allauth."):
        unsent.keep(request)
    ways = get_adapter(request).get_reauthentication_methods(request.user)
    if not ways:
        raise NotPermitted("You have no way to show that it is you. Ask your administrator.")
    return HttpResponseRedirect(f"{ways[0]['url']}?{urlencode({'next': request.get_full_path()})}")
