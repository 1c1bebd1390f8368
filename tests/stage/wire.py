"""Requests as bytes on a socket: what no client library would send, or would send too well."""

import contextlib
import json
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from tests.stage.documents import child, contact_document

JSON = "Content-Type: application/json"
CHUNKED = "Transfer-Encoding: chunked"
FORM = "Content-Type: application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Said:
    """What the server said: the status of its first answer, and all of it. 0 where it said nothing."""

    status: int
    all: bytes

    @property
    def answers(self) -> int:
        return self.all.count(b"HTTP/1.1 ") + self.all.count(b"HTTP/1.0 ")


# In seconds, on a busy machine: less than HEAD_WITHIN, WITHIN and IDLE_FOR of `config/web_server.py`. A server that
# slow senders hold answers only when their time is over.
AT_ONCE = 10


def connect(base_url: str, *, room: int = 0, timeout: float = AT_ONCE) -> socket.socket:
    """
    A connection to the server.

    :param room: how many bytes of an answer the system keeps for a client that does not read.
    """
    connection = socket.socket()
    if room:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
    connection.settimeout(timeout)
    to = urlsplit(base_url)
    connection.connect((to.hostname, to.port))
    return connection


def head(method: str, path: str, *headers: str) -> bytes:
    """The head of a request, to its end."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers]
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1") + b"\r\n"


def chunks(*parts: bytes) -> bytes:
    """A body in chunks, to its end."""
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (*parts, b""))


def say(base_url: str, *parts: bytes, timeout: float = AT_ONCE) -> Said:
    """Sends all of it, and listens until the server closes the connection."""
    with connect(base_url, timeout=timeout) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for part in parts:
                connection.sendall(part)
        return listen(connection)


def listen(connection: socket.socket) -> Said:
    """What the server says until it closes the connection."""
    heard = b""
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65536):
            heard += part
    words = heard.split(None, 2)
    return Said(int(words[1]) if len(words) > 1 and words[0].startswith(b"HTTP/") else 0, heard)


@contextlib.contextmanager
def many(base_url: str, parts: Iterable[bytes], *, room: int = 0) -> Iterator[list[socket.socket]]:
    """Connections that stay open, on each of which one of these was sent."""
    with contextlib.ExitStack() as opened:
        connections = []
        for part in parts:
            connection = opened.enter_context(connect(base_url, room=room))
            connection.sendall(part)
            connections.append(connection)
        yield connections


def a_contact(**changes: Any) -> bytes:
    """A document about a family of its own."""
    name = f"Wire{uuid4().hex[:10]}"
    people = {"children": [child(last_name=name, nhs_number=None)], "adults": [], "agency_reference": name}
    return json.dumps(contact_document(**people | changes)).encode()
