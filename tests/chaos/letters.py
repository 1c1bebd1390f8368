"""A mail server that writes down every letter it takes, and falls silent when it is told to."""

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
    """A letter that the server took: when, by which door, and what was on it."""

    at: datetime
    door: str
    to: str
    subject: str
    key: str
    message_id: str

    @property
    def contact(self) -> str | None:
        """The contact that it names in its subject, if it does."""
        found = REFERENCE.search(self.subject)
        return found[0] if found else None


@dataclass
class MailServer:
    """
    Runs in a thread of its own, behind any number of doors: each host that sends has its own, so that the server
    knows who sent a letter.

    `is_silent`: it takes connections and answers nothing. `says_nothing_to`: by this door it takes letters, and does
    not say so. `waiting` and `unanswered` are how many clients that keeps waiting.
    """

    letters: list[Letter] = field(default_factory=list)
    is_silent: bool = False
    says_nothing_to: str = ""
    waiting: int = 0
    unanswered: int = 0

    def __post_init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._doors: list[asyncio.Server] = []
        self._thread = threading.Thread(target=self._loop.run_forever, name="mail", daemon=True)
        self._thread.start()

    def open_door(self, name: str, bound: socket.socket) -> None:
        """Listen on a socket, which may be of another network namespace."""

        async def listen() -> None:
            handler = _Door(self, name)
            connected: Callable[[], SMTP] = lambda: SMTP(handler, hostname="mail.example", loop=self._loop)  # noqa: E731
            self._doors.append(await self._loop.create_server(connected, sock=bound))

        asyncio.run_coroutine_threadsafe(listen(), self._loop).result(10)

    def speak(self) -> None:
        """Answer everybody again."""
        self.is_silent, self.says_nothing_to = False, ""

    def close(self) -> None:
        async def leave() -> None:
            for door in self._doors:
                door.close()
            us = asyncio.current_task()
            for conversation in asyncio.all_tasks():
                if conversation is not us:
                    conversation.cancel()
            await asyncio.sleep(0.05)

        asyncio.run_coroutine_threadsafe(leave(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


class _Door:
    """What the server does at each step. A client that leaves while it waits ends the conversation."""

    def __init__(self, mail: MailServer, name: str) -> None:
        self._mail = mail
        self._name = name

    async def handle_EHLO(  # noqa: N802  # the server's own name for it
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        await self._may_speak()
        return responses

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        await self._may_speak()
        letter = message_from_bytes(envelope.content, policy=policy.default)
        self._mail.letters.append(
            Letter(
                at=datetime.now(UTC),
                door=self._name,
                to=", ".join(envelope.rcpt_tos),
                subject=str(letter["Subject"]),
                key=str(letter["Idempotency-Key"]),
                message_id=str(letter["Message-ID"]).strip(),
            )
        )
        if self._mail.says_nothing_to == self._name:
            self._mail.unanswered += 1
            try:
                while self._mail.says_nothing_to == self._name:  # noqa: ASYNC110  # another thread says so
                    await asyncio.sleep(0.02)
            finally:
                self._mail.unanswered -= 1
        return "250 OK"

    async def _may_speak(self) -> None:
        if self._mail.is_silent:
            self._mail.waiting += 1
            try:
                while self._mail.is_silent:  # noqa: ASYNC110  # another thread says so
                    await asyncio.sleep(0.02)
            finally:
                self._mail.waiting -= 1
