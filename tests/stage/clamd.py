"""
A virus scanner: a stand-in for ClamAV's `clamd`, over a real socket. It knows one virus, EICAR, and reads in the pieces
in which a file comes. It stops answering when it is told to.
"""

import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

# https://www.eicar.org: every virus scanner takes it for a virus. In two parts, or one would take this file for it.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR" + rb"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
FOUND = b"stream: Eicar-Test-Signature FOUND\0"
CLEAN = b"stream: OK\0"


@dataclass
class Scanner:
    """
    What it was sent. `says` is what it answers in place of what it finds. While `answers` is not set, it takes files
    and says nothing: `waiting` counts them.
    """

    url: str = ""
    says: bytes | None = None
    answers: threading.Event = field(default_factory=threading.Event)
    waiting: int = 0
    pieces: list[int] = field(default_factory=list)
    asked: int = 0


@contextmanager
def clamd(*, socket_file: Path | None = None) -> Iterator[Scanner]:
    """:param socket_file: listens there, in place of a port."""
    scanner = Scanner()
    scanner.answers.set()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            scanner.asked += 1
            # Who asked may have been killed meanwhile.
            with suppress(ConnectionError, struct.error):
                self.answer()

        def answer(self) -> None:
            if self.rfile.read(10) != b"zINSTREAM\0":
                self.wfile.write(b"UNKNOWN COMMAND\0")
                return
            received = b""
            while length := struct.unpack(">I", self.rfile.read(4))[0]:
                scanner.pieces.append(length)
                received += self.rfile.read(length)
            if not scanner.answers.is_set():
                scanner.waiting += 1
                scanner.answers.wait()
                scanner.waiting -= 1
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
        scanner.answers.set()
        server.shutdown()
        thread.join()
        server.server_close()
