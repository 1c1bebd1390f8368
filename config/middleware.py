"""The service's own middleware."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


class NeverCacheMiddleware:
    """Forbids browsers and proxies to store any response of the application. Static files are served before this."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response["Cache-Control"] = "no-store"
        return response
