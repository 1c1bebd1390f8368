"""
Setting one's own password, with a link that works once; and asking for such a link.

Nobody has signed in here. The token leaves the address at once: it goes into a cookie of this host alone, until it was
used, and the page has an address without it. Nothing is stored when somebody, or a mail server, follows the link.
"""

import time

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from casework.access.in_step import wait_for_step
from casework.actions import passwords
from casework.models import PasswordLink, SignInKind
from casework.record import audit, sign_ins
from casework.web import tries
from casework.web.password_forms import ForgottenForm, SetPasswordForm
from casework.web.submitting import errors_of, status_of
from errors import InvalidInput, NotAllowedInStatus

COOKIE = f"{settings.COOKIE_PREFIX}password_link"
# Long enough to think of a password.
COOKIE_AGE = 3600
GONE = 410


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def forgotten(request: HttpRequest) -> HttpResponse:
    """Asks who forgot the password. The answer, and how long it takes, is the same for everybody."""
    began = time.monotonic()
    form = ForgottenForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        name = form.cleaned_data["name"]
        now = timezone.now()
        if tries.may_ask_for_link(request, now=now):
            passwords.ask_for_link(name=name, by=audit.SYSTEM, now=now)
        wait_for_step(began)
        return redirect("password-link-sent")
    errors = errors_of(form)
    return render(
        request, "front_door/passwords/forgotten.html", {"form": form, "errors": errors}, status=status_of(errors)
    )


@login_not_required
@require_safe
def link_sent(request: HttpRequest) -> HttpResponse:
    hours = int(passwords.FORGOTTEN_FOR.total_seconds() // 3600)
    return render(request, "front_door/passwords/sent.html", {"hours": hours})


@login_not_required
@require_safe
def follow(request: HttpRequest, token: str) -> HttpResponse:
    """Takes the token out of the address."""
    answer = redirect("password-set")
    answer.set_cookie(
        COOKIE, token, max_age=COOKIE_AGE, secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax"
    )  # fmt: skip
    answer["Referrer-Policy"] = "no-referrer"
    return answer


@login_not_required
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def set_own(request: HttpRequest) -> HttpResponse:
    """The page on which somebody sets their password, and the sign-in page after it."""
    now = timezone.now()
    link = PasswordLink.objects.opened_by(request.COOKIES.get(COOKIE, ""), now)
    if link is None:
        return _ended(request)
    form = SetPasswordForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            passwords.set_own(link_id=link.pk, password=form.cleaned_data["password"], by=link.user, now=now)
        except InvalidInput as invalid:
            form.add_faults(invalid)
        except NotAllowedInStatus:
            return _ended(request)
        else:
            sign_ins.record(SignInKind.PASSWORD_CHANGED, of=link.user, request=request, at=now)
            logout(request)
            messages.success(request, "Your password is set. Sign in with it.")
            return _without_link(redirect("account_login"))
    errors = errors_of(form)
    context = {"form": form, "errors": errors, "person": link.user, "ends_at": link.ends_at}
    return render(request, "front_door/passwords/set.html", context, status=status_of(errors))


def _ended(request: HttpRequest) -> HttpResponse:
    return _without_link(render(request, "front_door/passwords/ended.html", status=GONE))


def _without_link(answer: HttpResponse) -> HttpResponse:
    answer.delete_cookie(COOKIE, samesite="Lax")
    return answer
