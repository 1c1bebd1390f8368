"""
The connection to the broker, with a fault of kombu 5.7 put right.

Where Redis or Valkey goes away while a task is in hand, kombu closes the broken channel half-way: it first reads the
answer that the channel waits for, and leaves all the rest when that fails. The next attempt then finds no connection to
give its tasks back to, and the worker ends with an "unrecoverable error" instead of connecting anew.
"""

from contextlib import suppress
from queue import Empty

from kombu.transport import redis


class Channel(redis.Channel):
    """One that closes altogether, whatever the server says to its last read."""

    def close(self) -> None:
        if self._in_poll:
            with suppress(Empty, *self.connection_errors):
                self._brpop_read()
        super().close()


class Transport(redis.Transport):
    """Takes the place of kombu's own for redis:// and rediss:// (config/celery.py)."""

    Channel = Channel
