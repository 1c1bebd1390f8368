"""Whose browser it is: a signed cookie says who last opened a page in it, also when their session has ended."""

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

TYPIST = "typist"


def typist_of(request: HttpRequest) -> int | None:
    said = request.get_signed_cookie(_cookie(), default=None)
    return int(said) if said else None


def say_whose(response: HttpResponseBase, typist: int) -> None:
    response.set_signed_cookie(
        _cookie(), str(typist), secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax"
    )


def _cookie() -> str:
    return f"{settings.COOKIE_PREFIX}{TYPIST}"
