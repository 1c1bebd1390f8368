"""
Being asked to stop: by Ctrl-C, by a service manager, by a terminal that closes.

It is raised where the signal arrives. Where that is in the middle of starting a process, Python prints the exception
and goes on as if nothing had been: whoever waits for something asks with `check`. No signal is ever set to be ignored:
a process that is started then would ignore it too, and could not be stopped.
"""

import signal
import threading
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_asked = threading.Event()


class Stopped(BaseException):
    """Somebody asked us to stop. No `except Exception` on the way may swallow it."""


def listen() -> None:
    """From now on, a signal stops us."""
    for number in SIGNALS:
        signal.signal(number, _stop)


def listen_no_more() -> None:
    """A second Ctrl-C must not cut the tidying short."""
    _asked.set()


def check() -> None:
    """:raises Stopped: we were asked to."""
    if _asked.is_set():
        raise Stopped


def _stop(number: int, frame: FrameType | None) -> None:
    if not _asked.is_set():
        _asked.set()
        raise Stopped
