"""
A virus scanner: a stand-in for ClamAV's `clamd`, over a real socket. It knows one virus, EICAR, and reads in the pieces
in which a file comes.
"""

import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.stage.files import EICAR

FOUND = b"stream: Eicar-Test-Signature FOUND\0"
CLEAN = b"stream: OK\0"


@dataclass
class Scanner:
    """What it was sent. `says` is what it answers in place of what it finds."""

    url: str = ""
    says: bytes | None = None
    pieces: list[int] = field(default_factory=list)
    asked: int = 0


@contextmanager
def clamd(*, socket_file: Path | None = None) -> Iterator[Scanner]:
    """:param socket_file: listens there, in place of a port."""
    scanner = Scanner()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            scanner.asked += 1
            if self.rfile.read(10) != b"zINSTREAM\0":
                self.wfile.write(b"UNKNOWN COMMAND\0")
                return
            received = b""
            while length := struct.unpack(">I", self.rfile.read(4))[0]:
                scanner.pieces.append(length)
                received += self.rfile.read(length)
            self.wfile.write(scanner.says or (FOUND if EICAR in received else CLEAN))

    if socket_file is None:
        server: socketserver.TCPServer = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        scanner.url = f"tcp://127.0.0.1:{server.socket.getsockname()[1]}"
    else:
        server = socketserver.ThreadingUnixStreamServer(str(socket_file), Handler)
        scanner.url = f"unix://{socket_file}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield scanner
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
