"""
Signs of life: that a worker lives, that the clocks were swept. They lie in Redis or Valkey and go out by themselves, so
that nothing is lost when it is wiped: the next ones come within seconds.
"""

from typing import Any, cast

from django.core.cache import caches
from django.core.cache.backends.redis import RedisCache

WORKER_LASTS = 30
SWEEP_LASTS = 60


class Heartbeats(RedisCache):
    """Left by the worker's processes, looked for by /readyz and /metrics. Reading them costs the same at any size."""

    def record_worker(self, name: str) -> None:
        """
        Say that this worker lives.

        :param name: one for each worker, on whatever host.
        """
        server = self.server()
        now = _now(server)
        with server.pipeline(transaction=False) as pipe:
            pipe.zadd(self._workers, {name: now})
            pipe.zremrangebyscore(self._workers, "-inf", now - WORKER_LASTS)
            pipe.expire(self._workers, WORKER_LASTS)
            pipe.execute()

    def workers(self) -> int:
        """How many workers have lived in the last 30 seconds."""
        server = self.server()
        return int(server.zcount(self._workers, _now(server) - WORKER_LASTS, "+inf"))

    def swept(self) -> None:
        """Say that a sweep of the clocks has come to its end."""
        self.set("swept", "yes", timeout=SWEEP_LASTS)

    def swept_lately(self) -> bool:
        """Whether a sweep has come to its end in the last minute."""
        return self.get("swept") is not None

    def server(self) -> Any:
        """Redis or Valkey itself: it is the broker, too."""
        return self._cache.get_client(write=True)

    @property
    def _workers(self) -> str:
        return self.make_key("workers")


def heartbeats() -> Heartbeats:
    return cast("Heartbeats", caches["heartbeats"])


def _now(server: Any) -> int:
    """By the server's clock: those of the hosts may differ."""
    return int(server.time()[0])
