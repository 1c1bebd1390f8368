"""A mail server that records every letter that it accepts, and stops answering when it is told to."""

import asyncio
import re
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import Any

from aiosmtpd.smtp import SMTP

REFERENCE = re.compile(r"CON-\w{4}-\w{4}")


@dataclass(frozen=True)
class Letter:
    """A letter that the server accepted: when, from which host, and its headers."""

    at: datetime
    host: str
    to: str
    subject: str
    key: str
    message_id: str

    @property
    def contact(self) -> str | None:
        """The reference of the contact in its subject, if there is one."""
        found = REFERENCE.search(self.subject)
        return found[0] if found else None


@dataclass
class MailServer:
    """
    Runs in a thread of its own and listens on a socket for each host, so that it knows which host sent a letter.

    `is_silent`: it accepts connections and answers nothing. `silent_to`: it accepts letters from this host and does not
    confirm them. `waiting` and `unanswered` count the clients that wait because of the two.
    """

    letters: list[Letter] = field(default_factory=list)
    is_silent: bool = False
    silent_to: str = ""
    waiting: int = 0
    unanswered: int = 0

    def __post_init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._servers: list[asyncio.Server] = []
        self._thread = threading.Thread(target=self._loop.run_forever, name="mail", daemon=True)
        self._thread.start()

    def listen_for(self, name: str, bound: socket.socket) -> None:
        """Listens on a socket, which may be in another network namespace."""

        async def listen() -> None:
            handler = _Handler(self, name)
            connected: Callable[[], SMTP] = lambda: SMTP(handler, hostname="mail.example", loop=self._loop)  # noqa: E731  # it needs its type
            self._servers.append(await self._loop.create_server(connected, sock=bound))

        asyncio.run_coroutine_threadsafe(listen(), self._loop).result(10)

    def answer_again(self) -> None:
        """Answers everybody again."""
        self.is_silent, self.silent_to = False, ""

    def close(self) -> None:
        async def leave() -> None:
            for server in self._servers:
                server.close()
            us = asyncio.current_task()
            for conversation in asyncio.all_tasks():
                if conversation is not us:
                    conversation.cancel()
            await asyncio.sleep(0.05)

        asyncio.run_coroutine_threadsafe(leave(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


class _Handler:
    """The SMTP handler of one host. A client that disconnects while it waits ends the conversation."""

    def __init__(self, mail: MailServer, name: str) -> None:
        self._mail = mail
        self._name = name

    async def handle_EHLO(  # noqa: N802  # the server's own name for it
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        await self._wait_while_silent()
        return responses

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  # as aiosmtpd calls it
        await self._wait_while_silent()
        letter = message_from_bytes(envelope.content, policy=policy.default)
        self._mail.letters.append(
            Letter(
                at=datetime.now(UTC),
                host=self._name,
                to=", ".join(envelope.rcpt_tos),
                subject=str(letter["Subject"]),
                key=str(letter["Idempotency-Key"]),
                message_id=str(letter["Message-ID"]).strip(),
            )
        )
        if self._mail.silent_to == self._name:
            self._mail.unanswered += 1
            try:
                while self._mail.silent_to == self._name:  # noqa: ASYNC110  # another thread says so
                    await asyncio.sleep(0.02)
            finally:
                self._mail.unanswered -= 1
        return "250 OK"

    async def _wait_while_silent(self) -> None:
        if self._mail.is_silent:
            self._mail.waiting += 1
            try:
                while self._mail.is_silent:  # noqa: ASYNC110  # another thread says so
                    await asyncio.sleep(0.02)
            finally:
                self._mail.waiting -= 1
