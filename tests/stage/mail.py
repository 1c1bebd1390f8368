"""A real mail server on a socket, which keeps the e-mails that it gets and can refuse them."""

import asyncio
import socket
from asyncio import AbstractServer
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend

SMTP = "django.core.mail.backends.smtp.EmailBackend"


@dataclass
class Sink:
    """
    What the server got, and how it behaves.

    `refuses` says by address what the server answers instead of taking a message: "550 nobody here", "421 not now".
    `hangs_up_over` are the addresses at which it ends the connection without an answer.
    `takes` says by address for how many seconds it thinks before it takes one.
    """

    port: int
    letters: list[EmailMessage] = field(default_factory=list)
    senders: list[tuple[str, int]] = field(default_factory=list)
    """The host and port that each letter came from: those of one connection are the same."""
    hangs_up_over: set[str] = field(default_factory=set)
    refuses: dict[str, str] = field(default_factory=dict)
    takes: dict[str, float] = field(default_factory=dict)

    def connect(self) -> BaseEmailBackend:
        """Connects to the server: the `connect` of `delivery.drain`."""
        return get_connection(SMTP, host="127.0.0.1", port=self.port, timeout=5)

    def to(self, address: str) -> list[EmailMessage]:
        return [letter for letter in self.letters if letter["To"] == address]

    # No property: the server reads every property of its handler anew for each connection.
    def addresses(self) -> list[str]:
        return [str(letter["To"]) for letter in self.letters]

    async def handle_RCPT(  # noqa: N802  # the server's own name for it
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if address in self.refuses:
            return self.refuses[address]
        if address in self.hangs_up_over:
            server.transport.abort()
        await asyncio.sleep(self.takes.get(address, 0))
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  # as aiosmtpd calls it
        letter = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(letter, EmailMessage)
        self.letters.append(letter)
        self.senders.append(session.peer)
        return "250 OK"


class _Server(Controller):
    """Listens on a socket that is bound already, so that no other process can take its port."""

    def __init__(self, handler: Sink, bound: socket.socket) -> None:
        super().__init__(handler, hostname="127.0.0.1", port=handler.port)
        self._bound = bound

    def _create_server(self) -> Awaitable[AbstractServer]:
        created: Awaitable[AbstractServer] = self.loop.create_server(self._factory_invoker, sock=self._bound)
        return created


@contextmanager
def mail_server() -> Iterator[Sink]:
    """A mail server that runs until the end of the block."""
    bound = listen()
    sink = Sink(port=bound.getsockname()[1])
    server = _Server(sink, bound)
    server.start()
    try:
        yield sink
    finally:
        server.stop()


def listen() -> socket.socket:
    """A socket on our own loopback, at a port that is free. Named as TCP: asyncio sends small answers at once then."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.bind(("127.0.0.1", 0))
    return bound


def nobody_listens() -> BaseEmailBackend:
    """Connects to a mail server that is down."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port = bound.getsockname()[1]
    return get_connection(SMTP, host="127.0.0.1", port=port, timeout=5)


class Killed(BaseException):
    """The worker is gone in the middle of its work, as by SIGKILL: nothing in it tidies up."""


def dies_after_sending(sink: Sink, error: type[BaseException] = Killed) -> Callable[[], BaseEmailBackend]:
    """The server has the message; whoever sent it never hears so."""

    class DiesAfter(EmailBackend):
        def send_messages(self, email_messages: Any) -> int:
            super().send_messages(email_messages)
            raise error

    return lambda: DiesAfter(host="127.0.0.1", port=sink.port)
