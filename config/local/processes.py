"""
Child processes that end when their parent ends.

Each runs in a process group of its own, so that a Ctrl-C reaches only the parent. The parent then stops its children
in order: the web server and the worker before the servers that they use. It uses only the standard library, because
the set-up needs it before any package is installed.
"""

import contextlib
import ctypes
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

STOP_TIMEOUT = 30.0


class CannotStart(Exception):
    """Why something does not start, as a sentence that says what to do."""


@dataclass
class Child:
    """A process that this one started, in a process group of its own."""

    name: str
    process: subprocess.Popen[bytes]
    stop_signal: signal.Signals = signal.SIGTERM
    log: Path | None = None
    stop_timeout: float = STOP_TIMEOUT

    def stop(self) -> None:
        """Asks the process to end and waits for it. Kills it after the timeout, and its whole group in any case."""
        if self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(self.stop_timeout)
        # Processes that it left behind in its group end, too.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def start_child(
    name: str,
    command: list[str],
    *,
    environment: Mapping[str, str] | None = None,
    user: pwd.struct_passwd | None = None,
    log: Path | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
) -> Child:
    """Starts a process that ends when this one does."""
    output = log.open("ab") if log else None
    try:
        process = subprocess.Popen(  # noqa: S603  # our own commands
            command,
            env=environment,
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=die_with_parent(stop_signal),  # one thread, and nothing but system calls
        )
    finally:
        if output:
            output.close()
    return Child(name, process, stop_signal, log)


def die_with_parent(by: signal.Signals) -> Callable[[], None] | None:
    """A `preexec_fn`: the new process asks Linux for this signal when its parent ends, even by kill -9."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    pr_set_pdeathsig = 1
    parent = os.getpid()

    def ask_for_the_signal() -> None:
        prctl(pr_set_pdeathsig, int(by), 0, 0, 0)
        if os.getppid() != parent:  # the parent ended before we asked
            os._exit(1)

    return ask_for_the_signal
