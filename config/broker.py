"""
The connection to the broker, with a workaround for a bug in kombu 5.7.

When Redis or Valkey goes away while a task runs, kombu closes the broken channel only half-way: it first reads the
answer that the channel waits for, and skips the rest when that read fails. The next attempt then finds no connection
on which to return its tasks, and the worker ends with an "unrecoverable error" instead of reconnecting.
"""

from contextlib import suppress
from queue import Empty

from kombu.transport import redis


class Channel(redis.Channel):
    """A channel that closes completely, even when its last read fails."""

    def close(self) -> None:
        if self._in_poll:
            with suppress(Empty, *self.connection_errors):
                self._brpop_read()
        super().close()


class Transport(redis.Transport):
    """Replaces kombu's own transport for redis:// and rediss:// (config/celery.py)."""

    Channel = Channel
