"""Middleware of the service's own."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


class NeverCacheMiddleware:
    """Every answer that the application makes is not to be stored. Static files never come this far."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response["Cache-Control"] = "no-store"
        return response
