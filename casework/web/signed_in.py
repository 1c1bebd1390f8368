"""The signed-in user, for views; and views that change something, by POST alone."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from casework.access import permissions
from localities.models import User
from localities.working_time import local_day

View = Callable[..., HttpResponse]

OTHER_TYPIST = "Somebody else opened this form. They must sign in again to save what they typed."


def user_of(request: HttpRequest) -> User:
    assert isinstance(request.user, User), "LoginRequiredMiddleware lets nobody in who has not signed in"
    return request.user


def who_enters_contacts(request: HttpRequest) -> tuple[User, datetime]:
    """
    The signed-in user, and the time.

    :raises NotPermitted: they may not enter contacts.
    """
    user, now = user_of(request), timezone.now()
    permissions.check_can_enter_contacts(user, local_day(now))
    return user, now


def by_post(*, or_show: str) -> Callable[[View], View]:
    """
    A view that changes something, by POST. A GET, such as the one after somebody signs in again, shows a page instead.

    :param or_show: the URL name of that page; it takes the view's `reference` or `handover_id`, if the view has one.
    """

    def decorate(view: View) -> View:
        @require_http_methods(["GET", "HEAD", "POST"])
        @wraps(view)
        def act(request: HttpRequest, **address: Any) -> HttpResponse:
            if request.method != "POST":
                about: dict[str, Any] = {
                    name: address[name] for name in ("reference", "handover_id") if name in address
                }
                return redirect(reverse(or_show, kwargs=about))
            return view(request, **address)

        return act

    return decorate
