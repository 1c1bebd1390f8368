"""The signed-in user, for views; and views that change something, by POST alone."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from localities.models import User

View = Callable[..., HttpResponse]


def user_of(request: HttpRequest) -> User:
    assert isinstance(request.user, User), "LoginRequiredMiddleware lets nobody in who has not signed in"
    return request.user


def by_post(*, or_show: str) -> Callable[[View], View]:
    """
    A view that changes something, by POST. A GET, such as the one after somebody signs in again, shows a page instead.

    :param or_show: the URL name of that page; it takes the view's `reference`, if the view has one.
    """

    def decorate(view: View) -> View:
        @require_http_methods(["GET", "HEAD", "POST"])
        @wraps(view)
        def act(request: HttpRequest, **address: Any) -> HttpResponse:
            if request.method != "POST":
                return redirect(
                    reverse(or_show, kwargs={name: address[name] for name in address if name == "reference"})
                )
            return view(request, **address)

        return act

    return decorate
