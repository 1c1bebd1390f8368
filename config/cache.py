"""The cache: counts that may be lost."""

from collections.abc import Callable
from typing import Any

import structlog
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

log = structlog.get_logger()


class OptionalRedisCache(RedisCache):
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
