"""
Heartbeats: each worker's, and the sweep's.

They are kept in Redis or Valkey and expire by themselves. When it is wiped, the next ones come within seconds.
"""

from typing import Any, cast

from django.core.cache import caches
from django.core.cache.backends.redis import RedisCache

WORKER_EXPIRES = 30  # seconds
SWEEP_EXPIRES = 60  # seconds


class Heartbeats(RedisCache):
    """The workers write them; /readyz and /metrics read them. A read costs the same for any number of workers."""

    def record_worker(self, name: str) -> None:
        """
        Records that this worker is alive.

        :param name: unique among the workers of all hosts.
        """
        server = self.server()
        now = _now(server)
        with server.pipeline(transaction=False) as pipe:
            pipe.zadd(self._workers, {name: now})
            pipe.zremrangebyscore(self._workers, "-inf", now - WORKER_EXPIRES)
            pipe.expire(self._workers, WORKER_EXPIRES)
            pipe.execute()

    def workers(self) -> int:
        """How many workers were alive in the last 30 seconds."""
        server = self.server()
        return int(server.zcount(self._workers, _now(server) - WORKER_EXPIRES, "+inf"))

    def record_sweep(self) -> None:
        """Records that a sweep of the clocks has finished."""
        self.set("swept", "yes", timeout=SWEEP_EXPIRES)

    def has_swept(self) -> bool:
        """Whether a sweep has finished in the last minute."""
        return self.get("swept") is not None

    def server(self) -> Any:
        """The client for Redis or Valkey, which is the broker as well."""
        return self._cache.get_client(write=True)

    @property
    def _workers(self) -> str:
        return self.make_key("workers")


def heartbeats() -> Heartbeats:
    return cast("Heartbeats", caches["heartbeats"])


def _now(server: Any) -> int:
    """The time by the server's clock, in seconds: the clocks of the hosts may differ."""
    return int(server.time()[0])
