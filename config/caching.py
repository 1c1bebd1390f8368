"""What is remembered, and what must not be: counts that may be lost, pages and files that nobody keeps."""

from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings
from django.core.cache.backends.redis import RedisCache
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import HttpRequest, HttpResponse
from redis.exceptions import RedisError

log = structlog.get_logger()


class NeverCacheMiddleware:
    """Every answer that the application makes is not to be stored. Static files never come this far."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response["Cache-Control"] = "no-store"
        return response


class CacheThatMayBeAway(RedisCache):
    """
    Redis or Valkey holds nothing that matters: while it is away nothing is counted, and people still sign in, and
    partners' contacts still come in.
    """

    def add(self, *args: Any, **kwargs: Any) -> Any:
        return self._or(True, super().add, *args, **kwargs)

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return self._or(default, super().get, key, default, version)

    def set(self, *args: Any, **kwargs: Any) -> Any:
        return self._or(None, super().set, *args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        return self._or(False, super().delete, *args, **kwargs)

    def incr(self, *args: Any, **kwargs: Any) -> Any:
        return self._or(1, super().incr, *args, **kwargs)

    def _or(self, instead: Any, ask: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            return ask(*args, **kwargs)
        except RedisError:
            log.warning("nothing is counted: Redis or Valkey does not answer")
            return instead


class NoFiles(FileUploadHandler):
    """Nobody sends files here. A large body is refused unread, and a small file is not kept."""

    def handle_raw_input(
        self, input_data: Any, meta: Any, content_length: int, boundary: str, encoding: str | None = None
    ) -> None:
        if content_length > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise RequestDataTooBig("The body is larger than any form.")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        raise StopUpload(connection_reset=False)

    def file_complete(self, file_size: int) -> None:
        return None
