"""
Asks ClamAV whether a file contains a virus: `clamd`, at `CLAMAV_URL`, over TCP or a socket of this machine.

The file goes over in pieces (clamd's INSTREAM): clamd needs no access to the storage, and nobody holds a whole file.
"""

import socket
import struct
from collections.abc import Iterable
from urllib.parse import urlsplit

from django.conf import settings

from errors import ServiceError

# Of each step, not of the whole: a file of 20 MB takes seconds.
TIMEOUT = 30
LONGEST_ANSWER = 4096
CLEAN, FOUND = "OK", " FOUND"


class ScannerAwayError(ServiceError):
    """Nobody answered, or the answer was neither yes nor no. The file is checked again later."""


def is_there_one() -> bool:
    """Whether a virus scanner is configured."""
    return bool(settings.CLAMAV_URL)


def scan(pieces: Iterable[bytes]) -> str:
    """
    What the scanner found; empty if nothing.

    :raises ScannerAwayError: it gave no answer.
    """
    try:
        with _connected() as scanner:
            try:
                scanner.sendall(b"zINSTREAM\0")
                for piece in pieces:
                    scanner.sendall(struct.pack(">I", len(piece)) + piece)
                scanner.sendall(struct.pack(">I", 0))
            except (BrokenPipeError, ConnectionResetError):
                # It stops listening when it has heard enough, and says why.
                pass
            answer = _answer(scanner)
    except OSError as away:
        raise ScannerAwayError(f"The virus scanner does not answer: {type(away).__name__}.") from away
    said = answer.removeprefix("stream: ").strip()
    if said == CLEAN:
        return ""
    if said.endswith(FOUND):
        return said.removesuffix(FOUND)[:200] or "a virus"
    raise ScannerAwayError(f"The virus scanner could not check the file: {said or 'no answer'}.")


def _connected() -> socket.socket:
    url = urlsplit(settings.CLAMAV_URL)
    if url.scheme == "unix":
        local = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        local.settimeout(TIMEOUT)
        try:
            local.connect(url.path)
        except OSError:
            local.close()
            raise
        return local
    return socket.create_connection((url.hostname or "localhost", url.port or 3310), timeout=TIMEOUT)


def _answer(scanner: socket.socket) -> str:
    received = b""
    while b"\0" not in received and len(received) < LONGEST_ANSWER:
        piece = scanner.recv(LONGEST_ANSWER)
        if not piece:
            break
        received += piece
    return received.split(b"\0")[0].decode(errors="replace")
