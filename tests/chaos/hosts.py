"""Hosts on one machine: a folder and, where the system allows it, a network and a name of its own for each."""

import ctypes
import os
import shutil
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from config.local.processes import Child, start_child
from tests.stage.mail import listen

START_TIMEOUT = 10.0
# A network with nothing in it but its own loopback, and the host's own name.
LIVE = 'ip link set lo up && echo "$0" > /proc/sys/kernel/hostname && echo ready && exec sleep infinity'


class Host:
    """
    Somewhere to run processes that share nothing with those of another host but the database and the broker.

    `is_apart`: in a network namespace of its own. Elsewhere than on Linux, or without the right to make one, its
    processes are merely others, in a folder of their own.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder / name
        self.folder.mkdir()
        self._lives = self._live()

    @property
    def is_apart(self) -> bool:
        return self._lives is not None

    def command(self, command: list[str]) -> list[str]:
        """The command as it runs here: in our folder, and inside our network."""
        here = ["sh", "-c", 'cd "$0" && exec "$@"', str(self.folder), *command]
        if self._lives is None:
            return here
        return ["nsenter", "--target", str(self._lives.process.pid), "--net", "--uts", "--", *here]

    def bind(self) -> socket.socket:
        """A socket on our own loopback, to which only our processes can speak."""
        if self._lives is None:
            return listen()
        # A thread enters the namespace, and ends; the socket stays there.
        with ThreadPoolExecutor(1) as visitor:
            return visitor.submit(self._bind_inside, self._lives.process.pid).result()

    def close(self) -> None:
        if self._lives is not None:
            self._lives.stop()

    @staticmethod
    def _bind_inside(process: int) -> socket.socket:
        with Path(f"/proc/{process}/ns/net").open() as network:
            if ctypes.CDLL(None, use_errno=True).setns(network.fileno(), 0):
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number))
        return listen()

    def _live(self) -> Child | None:
        """A process that keeps the namespaces open; None where there can be none."""
        if sys.platform != "linux" or not all(map(shutil.which, ("unshare", "nsenter", "ip"))):
            return None
        said = self.folder / "said"
        child = start_child(self.name, ["unshare", "--net", "--uts", "--", "sh", "-c", LIVE, self.name], log=said)
        ends_at = time.monotonic() + START_TIMEOUT
        while "ready" not in said.read_text():
            if child.process.poll() is not None or time.monotonic() > ends_at:
                child.stop()
                return None
            time.sleep(0.02)
        return child
