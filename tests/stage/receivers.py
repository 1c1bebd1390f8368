"""Receivers of webhooks: servers on this machine, on real sockets, that do as a test says."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Behaviour = Callable[[socket.socket], None]


def read_request(connection: socket.socket) -> bytes:
    read = b""
    while b"\r\n\r\n" not in read:
        read += connection.recv(4_096)
    head, _, body = read.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
    )
    while len(body) < length:
        body += connection.recv(4_096)
    return head + b"\r\n\r\n" + body


@contextmanager
def receiver(behave: Behaviour) -> Iterator[tuple[str, list[bytes]]]:
    """A server on this machine that takes requests one by one, and what it was sent."""
    server = socket.create_server(("127.0.0.1", 0))
    requests: list[bytes] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                requests.append(read_request(connection))
                behave(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/hook?of=us", requests
    finally:
        # Closing alone does not wake whoever waits in accept().
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()


def says(answer: bytes) -> Behaviour:
    return lambda connection: connection.sendall(answer)
