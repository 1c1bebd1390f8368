"""
Sends one request to an address that an agency gave, and reads nothing of the answer but its status.

The address is another's, and whoever gives it may mean harm: it must not lead into our own network. So the name is
resolved once, every address it has must be a public one, and the connection goes to that very address. Redirects are
answers like others, and nobody follows them. The whole takes no longer than `LONGEST`, however slowly the other side
drips.
"""

import ipaddress
import socket
import ssl
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

LONGEST = 10.0
CONNECT_WITHIN = 5.0
# Of an answer's beginning: the interim answers that some servers send first, and the status.
MOST_READ = 16_384
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
_NEVER = [ipaddress.ip_network(net) for net in ("2001::/23", "2002::/16", "2001:db8::/32", "3fff::/20")]


class NotDeliveredError(Exception):
    """It was not delivered. The text is a word for the log, and holds nothing of the answer."""


def is_public(address: str) -> bool:
    """
    Whether an address is one of the public internet.

    Narrower than `is_global`, which lets through multicast, the old site-local addresses and those that carry an IPv4
    address inside: 64:ff9b::/96, ::/96, ::ffff:0:0/96, 6to4 and Teredo.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        return ip in _GLOBAL_UNICAST and ip.is_global and not any(ip in net for net in _NEVER)
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def check_url(url: str, *, loopback: bool) -> None:
    """
    :param loopback: whether this machine and plain HTTP may be named, as in development.
    :raises ValueError: nothing can be sent there.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and not (loopback and parts.scheme == "http"):
        raise ValueError("The address must begin with https://.")
    if not parts.hostname or parts.username or parts.password or parts.fragment or not url.isascii():
        raise ValueError("The address must have a host name and no password.")
    if any(character <= " " or character == "\x7f" for character in url):
        raise ValueError("The address must have no blanks.")
    try:
        _ = parts.port
    except ValueError:
        raise ValueError("The port is no number.") from None


def post(url: str, body: bytes, headers: Mapping[str, str], *, loopback: bool) -> int:
    """
    Sends the body, and returns the status of the answer.

    :raises NotDeliveredError: there was no answer, or the address is none to which we send.
    """
    ends_at = time.monotonic() + LONGEST
    try:
        check_url(url, loopback=loopback)
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        address = _resolve(host, port, loopback=loopback)
        with socket.create_connection((address, port), timeout=CONNECT_WITHIN) as plain:
            _keep_to(ends_at, plain)
            if parts.scheme != "https":
                return _exchange(plain, _request(url, body, headers), ends_at)
            with ssl.create_default_context().wrap_socket(plain, server_hostname=host) as sealed:
                return _exchange(sealed, _request(url, body, headers), ends_at)
    except TimeoutError:
        raise NotDeliveredError("too slow") from None
    except ssl.SSLError:
        raise NotDeliveredError("no trusted certificate") from None
    except OSError:
        raise NotDeliveredError("no connection") from None
    except ValueError:
        raise NotDeliveredError("address refused") from None


def _resolve(host: str, port: int, *, loopback: bool) -> str:
    """The address to connect to. One that is not public among several is as bad as if it were the only one."""
    found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for address in found:
        if not is_public(address) and not (loopback and ipaddress.ip_address(address).is_loopback):
            raise NotDeliveredError("address refused")
    if not found:
        raise NotDeliveredError("no connection")
    return found[0]


def _request(url: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    head = {
        "Host": parts.netloc, "Content-Type": "application/json", "Content-Length": str(len(body)),
        "User-Agent": "locality-front-door", "Connection": "close", **headers,
    }  # fmt: skip
    lines = [f"POST {target} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items()), "", ""]
    return "\r\n".join(lines).encode("ascii") + body


def _exchange(connection: socket.socket, request: bytes, ends_at: float) -> int:
    _keep_to(ends_at, connection)
    connection.sendall(request)
    read = b""
    while True:
        line, ended, rest = read.partition(b"\r\n")
        if ended:
            status = _status(line)
            if status >= 200:
                return status
            # An interim answer: the other one comes after its blank line.
            _, ended, rest = read.partition(b"\r\n\r\n")
            if ended:
                read = rest
                continue
        if len(read) > MOST_READ:
            raise NotDeliveredError("no answer of HTTP")
        _keep_to(ends_at, connection)
        more = connection.recv(2_048)
        if not more:
            raise NotDeliveredError("no answer of HTTP")
        read += more


def _status(line: bytes) -> int:
    words = line.split(b" ", 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or len(words[1]) != 3 or not words[1].isdigit():
        raise NotDeliveredError("no answer of HTTP")
    return int(words[1])


def _keep_to(ends_at: float, connection: socket.socket) -> None:
    left = ends_at - time.monotonic()
    if left <= 0:
        raise TimeoutError
    connection.settimeout(left)
