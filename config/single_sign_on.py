"""
Sign-in with a council account (OpenID Connect), where it is configured.

It says who somebody is, and no more: it opens the account that an administrator made, and roles stay here. The first
time, the account is found by a claim that the council vouches for; from then on by the subject of the provider.
"""

import logging
import time
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY, record_authentication
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.base import AuthProcess
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.http import require_safe

from casework.actions import signing_in
from localities.models import User

logger = logging.getLogger(__name__)

NOT_ANEW = "Sign in again with your own council account."
NO_TIME = (
    "The council’s sign-in does not say when you signed in there, so it cannot show that it is you now. Use another "
    "way, if there is one below, and tell your administrator: “the provider sends no auth_time”."
)
# In the state of a sign-in there: when the person was asked, in seconds of the Unix epoch; None: it does not say.
AT = "asked_at"
# How old a sign-in at the provider may be that was asked for again: the clocks of two hosts differ.
ANEW = 5 * 60


class CouncilAdapter(DefaultSocialAccountAdapter):
    """Links a council account to the user whom its claim names, and makes nobody an account."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        claims = _claims_of(sociallogin)
        process = sociallogin.state.get("process")
        sociallogin.state[AT] = _when(claims or {})
        if claims is None or process == AuthProcess.CONNECT:
            raise ImmediateHttpResponse(_unknown(request))
        if process == AuthProcess.REDIRECT:
            self._again(request, sociallogin)
        elif not sociallogin.is_existing:
            user = _user_of(claims)
            if user is None:
                raise ImmediateHttpResponse(_unknown(request))
            sociallogin.connect(request, user)
            signing_in.record_account_linked(by=user, now=timezone.now())

    def _again(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """
        Notes that whoever is signed in has shown at the provider once more that it is them.

        :raises ImmediateHttpResponse: it was somebody else, or too long ago: they are asked again.
        """
        # A browser can leave out what asks the provider to be strict. Its answer alone shows that it was.
        at = sociallogin.state[AT]
        is_theirs = sociallogin.is_existing and sociallogin.user == request.user
        ways = get_adapter(request).get_reauthentication_methods(request.user)
        if is_theirs and at is not None and time.time() - at < ANEW and "council" in {way["id"] for way in ways}:
            record_authentication(request, sociallogin.user, "socialaccount", reauthenticated=True)
            return
        if is_theirs and at is None:
            logger.warning("the council's provider sent no auth_time")
        messages.error(request, NO_TIME if is_theirs and at is None else NOT_ANEW)
        asks = urlencode({"next": sociallogin.get_redirect_url(request) or "/"})
        raise ImmediateHttpResponse(redirect(f"{reverse('council-again')}?{asks}"))


def _claims_of(sociallogin: SocialLogin) -> dict[str, Any] | None:
    """What the provider says; None if its two answers are about two people. What is stored is the subject alone."""
    said = sociallogin.account.extra_data
    token, info = said.get("id_token", {}), said.get("userinfo", {})
    sociallogin.account.extra_data = {}
    if sociallogin.account.pk:
        sociallogin.account.save(update_fields=["extra_data"])
    if not token.get("sub") or info.get("sub", token["sub"]) != token["sub"]:
        return None
    return {**info, **token}


def _when(claims: dict[str, Any]) -> float | None:
    """When the provider last asked who it is; None if it does not say so in a way that can be read."""
    at = claims.get("auth_time")
    if not isinstance(at, int | float) or isinstance(at, bool):
        return None
    # The clocks of two hosts differ by no more.
    return float(at) if at < time.time() + ANEW else None


def note_when(request: HttpRequest, sociallogin: SocialLogin) -> None:
    """
    Notes for how long whoever signs in counts as having shown that it is them: the provider may have let them through
    without asking, because they signed in there this morning.
    """
    *before, last = request.session[AUTHENTICATION_METHODS_SESSION_KEY]
    at = min(last["at"], sociallogin.state[AT] or 0)
    request.session[AUTHENTICATION_METHODS_SESSION_KEY] = [*before, last | {"at": at}]


def _user_of(claims: dict[str, Any]) -> User | None:
    """The one user whom the claim names."""
    if settings.OIDC_LINK_BY == "email":
        email = claims.get("email")
        is_vouched_for = bool(email) and claims.get("email_verified") is True
        found = User.objects.filter(email__iexact=str(email)) if is_vouched_for else User.objects.none()
    else:
        number = claims.get(settings.OIDC_EMPLOYEE_ID_CLAIM)
        found = User.objects.filter(employee_id=str(number)) if number else User.objects.none()
    users = list(found[:2])
    return users[0] if len(users) == 1 else None


def _unknown(request: HttpRequest) -> HttpResponse:
    return render(request, "socialaccount/unknown.html", status=403)


@require_safe
def again(request: HttpRequest) -> HttpResponse:
    """Asks somebody who is signed in to show at the provider that it is them."""
    asked = request.GET.get("next", "/")
    next_ = asked if url_has_allowed_host_and_scheme(asked, {request.get_host()}) else "/"
    # `max_age` is for providers that do not heed `prompt`.
    sends = urlencode({"process": "redirect", "next": next_, "auth_params": "prompt=login&max_age=0"})
    return render(request, "socialaccount/again.html", {"sends": sends})
