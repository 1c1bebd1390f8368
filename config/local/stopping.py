"""
Stop signals: from Ctrl-C, from a service manager, from a terminal that closes.

The handler raises `Stopped` where the signal arrives. While `subprocess` starts a process, Python prints that exception
and drops it, so every loop that waits calls `check` as well. No signal is ever ignored with SIG_IGN: a child process
would inherit that and could not be stopped.
"""

import signal
import threading
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_asked = threading.Event()


class Stopped(BaseException):
    """Somebody asked us to stop. A BaseException, so that no `except Exception` swallows it."""


def listen() -> None:
    """Installs the signal handlers."""
    for number in SIGNALS:
        signal.signal(number, _stop)


def listen_no_more() -> None:
    """Makes the handlers do nothing, so that a second Ctrl-C does not interrupt the clean-up."""
    _asked.set()


def check() -> None:
    """:raises Stopped: a stop signal has arrived."""
    if _asked.is_set():
        raise Stopped


def _stop(number: int, frame: FrameType | None) -> None:
    if not _asked.is_set():
        _asked.set()
        raise Stopped
