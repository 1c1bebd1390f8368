"""Who is signed in, for views, and where the address of an action leads whoever only opens it."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from localities.models import User

View = Callable[..., HttpResponse]


def user_of(request: HttpRequest) -> User:
    assert isinstance(request.user, User), "LoginRequiredMiddleware lets nobody in who has not signed in"
    return request.user


def action_of(page: str) -> Callable[[View], View]:
    """
    A view that does something, by POST. Who comes by GET, as after signing in anew, is led to the page of its subject.

    :param page: the name of that page's address, which has the same `reference`.
    """

    def decorate(view: View) -> View:
        @require_http_methods(["GET", "HEAD", "POST"])
        @wraps(view)
        def act(request: HttpRequest, reference: str, **rest: Any) -> HttpResponse:
            if request.method != "POST":
                return redirect(page, reference)
            return view(request, reference, **rest)

        return act

    return decorate
