"""The cache. It counts API calls, and these counts may be lost. Tries to sign in are counted in PostgreSQL."""

from collections.abc import Callable
from typing import Any

import structlog
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

log = structlog.get_logger()


class OptionalRedisCache(RedisCache):
    """
    A Redis cache that the service works without.

    While Redis or Valkey does not answer, nothing is counted. People still sign in, and partners still send contacts.
    """

    def add(self, *args: Any, **kwargs: Any) -> Any:
        return self._or_default(True, super().add, *args, **kwargs)

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return self._or_default(default, super().get, key, default, version)

    def set(self, *args: Any, **kwargs: Any) -> Any:
        return self._or_default(None, super().set, *args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        return self._or_default(False, super().delete, *args, **kwargs)

    def incr(self, *args: Any, **kwargs: Any) -> Any:
        return self._or_default(1, super().incr, *args, **kwargs)

    def _or_default(self, default: Any, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        try:
            return call(*args, **kwargs)
        except RedisError:
            log.warning("nothing is counted: Redis or Valkey does not answer")
            return default
