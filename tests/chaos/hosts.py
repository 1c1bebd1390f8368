"""Hosts on one machine: each has a folder and, if the system allows it, a network and a host name of its own."""

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
# A network with nothing but its loopback interface, and a host name.
NETWORK_SCRIPT = 'ip link set lo up && echo "$0" > /proc/sys/kernel/hostname && echo ready && exec sleep infinity'


class Host:
    """
    A host whose processes share only the database and the broker with those of another host.

    `has_own_network`: it has a network namespace of its own. Without Linux, or without the right to make one, its
    processes are only separate, in a folder of their own.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder / name
        self.folder.mkdir()
        self._network = self._start_network()

    @property
    def has_own_network(self) -> bool:
        return self._network is not None

    def command(self, command: list[str]) -> list[str]:
        """The command that runs this command in the host's folder and network."""
        here = ["sh", "-c", 'cd "$0" && exec "$@"', str(self.folder), *command]
        if self._network is None:
            return here
        return ["nsenter", "--target", str(self._network.process.pid), "--net", "--uts", "--", *here]

    def bind(self) -> socket.socket:
        """A socket on the host's own loopback interface: only its processes can connect to it."""
        if self._network is None:
            return listen()
        # A thread enters the namespace and ends; the socket stays in the namespace.
        with ThreadPoolExecutor(1) as executor:
            return executor.submit(self._bind_inside, self._network.process.pid).result()

    def close(self) -> None:
        if self._network is not None:
            self._network.stop()

    @staticmethod
    def _bind_inside(process: int) -> socket.socket:
        with Path(f"/proc/{process}/ns/net").open() as network:
            if ctypes.CDLL(None, use_errno=True).setns(network.fileno(), 0):
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number))
        return listen()

    def _start_network(self) -> Child | None:
        """Starts a process that keeps the namespaces open; None if the system does not allow it."""
        if sys.platform != "linux" or not all(map(shutil.which, ("unshare", "nsenter", "ip"))):
            return None
        said = self.folder / "said"
        child = start_child(
            self.name, ["unshare", "--net", "--uts", "--", "sh", "-c", NETWORK_SCRIPT, self.name], log=said
        )
        ends_at = time.monotonic() + START_TIMEOUT
        while "ready" not in said.read_text():
            if child.process.poll() is not None or time.monotonic() > ends_at:
                child.stop()
                return None
            time.sleep(0.02)
        return child
