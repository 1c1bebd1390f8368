"""The service's own middleware."""

import re
from collections.abc import Callable

from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware


class PackingMiddleware(GZipMiddleware):
    """Packs pages. Files go out as they are: their formats are packed already, and a browser is told their size."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        return response if isinstance(response, FileResponse) else super().process_response(request, response)


# Overrides, embeddings and isolates of the direction of writing, in UTF-8.
DIRECTIONS = re.compile(rb"\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]")


class DirectionMiddleware:
    """
    Takes out of pages and tables what turns the direction of writing around: with it, somebody can have a name or a
    sentence read as another. Arabic and Hebrew need none of it. The records keep what was sent.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not response.streaming and response.get("Content-Type", "").startswith("text/"):
            response.content = DIRECTIONS.sub(b"", response.content)
        return response


class NeverCacheMiddleware:
    """
    Forbids browsers and proxies to store a response, but for one that says "no-cache": it holds nothing of anybody, and
    may be stored by whoever asks each time whether it still holds. Static files are served before this.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.headers.get("Cache-Control") != "no-cache":
            response["Cache-Control"] = "no-store"
        return response
