"""
GOV.UK Notify in place of a mail server, over a real socket to one that behaves as Notify does: it takes a message,
gives it a status, finds it by its reference, and would send the same one twice.
"""

import json
import re
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from pytest_django import Settings

from casework.jobs import delivery
from casework.models import Contact, OutboxMessage
from config.notify import NotifyAway, NotifyBusy, NotifyError, NotifyRefused
from tests.stage.mail import Sink
from tests.stage.story import Story

BACKEND = "config.notify.EmailBackend"
SERVICE, SECRET, TEMPLATE = (str(uuid.uuid4()) for _ in range(3))
MINUTE = timedelta(minutes=1)


@dataclass
class Notify:
    """
    What it took, and how it behaves.

    `when_asked` and `when_sent` are the statuses of its next answers, instead of what it would say; 0 hangs up when the
    work is done.
    """

    taken: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    when_asked: list[int] = field(default_factory=list)
    when_sent: list[int] = field(default_factory=list)
    thinks: float = 0
    says: bytes | None = None

    def knows(self, reference: str) -> list[dict[str, Any]]:
        return [each for each in self.taken if each["reference"] == reference]


class _Door(BaseHTTPRequestHandler):
    notify: Notify

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        assert address.path == "/v2/notifications"
        (reference,) = parse_qs(address.query)["reference"]
        self.notify.asked.append(reference)
        fails = self.notify.when_asked.pop(0) if self.notify.when_asked else None
        self._answer(fails, 200, {"notifications": self.notify.knows(reference), "links": {}})

    def do_POST(self) -> None:
        assert self.path == "/v2/notifications/email"
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        fails = self.notify.when_sent.pop(0) if self.notify.when_sent else None
        if not fails:
            self.notify.taken.append({"id": str(uuid.uuid4()), "status": "created"} | body)
        self._answer(fails, 201, {"id": str(uuid.uuid4()), "reference": body.get("reference")})

    def _answer(self, fails: int | None, status: int, document: dict[str, Any]) -> None:
        self.notify.tokens.append(self.headers["Authorization"])
        time.sleep(self.notify.thinks)
        if fails == 0:
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if fails:
            status = fails
            document = {"status_code": status, "errors": [{"error": "Error", "message": "dsl@school.example"}]}
        said = json.dumps(document).encode() if self.notify.says is None else self.notify.says
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(said)))
        # Whoever asked may have gone.
        with suppress(BrokenPipeError):
            self.end_headers()
            self.wfile.write(said)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the server's own name for it
        pass


@pytest.fixture
def notify(settings: Settings) -> Iterator[Notify]:
    """A stand-in for Notify on this machine, and the settings for it."""
    notify = Notify()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Door", (_Door,), {"notify": notify}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    settings.NOTIFY_API_KEY = f"front_door-{SERVICE}-{SECRET}"
    settings.NOTIFY_TEMPLATE_ID = TEMPLATE
    settings.NOTIFY_BASE_URL = f"http://127.0.0.1:{server.server_port}"
    yield notify
    server.shutdown()
    server.server_close()
    thread.join()


def connect() -> BaseEmailBackend:
    return get_connection(BACKEND)


def drain(at: datetime) -> delivery.Delivered:
    return delivery.drain(clock=lambda: at, connect=connect)


def acknowledgement(contact: Contact) -> OutboxMessage:
    return OutboxMessage.objects.get(contact=contact, kind="acknowledgement")


class TestSending:
    def test_a_message_goes_by_the_template_with_its_reference(self, story: Story, notify: Notify, sink: Sink) -> None:
        contact = story.contact()
        assert drain(story.later(minutes=1)) == (1, 0)
        (taken,) = notify.taken
        # The same message by a mail server: subject, text and identity are the same.
        by_mail = delivery._email(acknowledgement(contact))
        sink.connect().send_messages([by_mail])
        (letter,) = sink.letters
        assert taken["email_address"] == letter["To"] == "dsl@school.example"
        assert taken["template_id"] == TEMPLATE
        assert taken["personalisation"] == {"subject": letter["Subject"], "body": by_mail.body}
        assert taken["reference"] == letter["Idempotency-Key"]
        assert acknowledgement(contact).sent_at == story.now

    def test_it_says_who_we_are_by_a_token_of_the_moment(self, story: Story, notify: Notify) -> None:
        story.contact()
        drain(story.now)
        assert len(notify.tokens) == 2
        for header in notify.tokens:
            claims = jwt.decode(header.removeprefix("Bearer "), SECRET, algorithms=["HS256"])
            assert claims["iss"] == SERVICE
            assert abs(claims["iat"] - time.time()) < 30

    def test_nothing_but_subject_text_and_address_leaves_the_house(self, story: Story, notify: Notify) -> None:
        story.contact()
        drain(story.now)
        (taken,) = notify.taken
        ours = {"email_address", "template_id", "personalisation", "reference"}
        assert set(taken) == ours | {"id", "status"}
        assert set(taken["personalisation"]) == {"subject", "body"}

    def test_each_message_of_many(self, story: Story, notify: Notify) -> None:
        for _ in range(3):
            story.contact()
        assert drain(story.now) == (3, 0)
        assert len({taken["reference"] for taken in notify.taken}) == 3


class TestOnce:
    """Notify does not recognise a repeated message, so the service asks before it sends again."""

    @pytest.mark.parametrize("status", ["created", "sending", "delivered", "permanent-failure", "temporary-failure"])
    def test_one_whose_answer_was_lost_is_not_sent_again(self, story: Story, notify: Notify, status: str) -> None:
        contact = story.contact()
        notify.when_sent = [0]
        assert drain(story.now) == (0, 1)
        assert acknowledgement(contact).last_error == "NotifyAway"
        notify.taken[0]["status"] = status
        assert drain(story.later(minutes=1)) == (1, 0)
        assert len(notify.taken) == 1
        assert acknowledgement(contact).sent_at == story.now

    def test_one_that_a_killed_worker_had_sent_is_not_sent_again(self, story: Story, notify: Notify) -> None:
        contact = story.contact()
        message = delivery._claim(story.now)
        assert message is not None
        connect().send_messages([delivery._email(message)])
        assert drain(story.later(minutes=3)) == (1, 0)
        assert len(notify.taken) == 1
        assert acknowledgement(contact).sent_at == story.now

    def test_one_that_notify_took_and_could_not_hand_on_is_sent_again(self, story: Story, notify: Notify) -> None:
        """Notify says that such a message must be sent again."""
        story.contact()
        notify.when_sent = [0]
        drain(story.now)
        notify.taken[0]["status"] = "technical-failure"
        assert drain(story.later(minutes=1)) == (1, 0)
        assert len(notify.taken) == 2

    def test_another_message_is_another_message(self, story: Story, notify: Notify) -> None:
        story.contact()
        drain(story.now)
        story.contact()
        drain(story.later())
        assert len(notify.taken) == len(set(notify.asked)) == 2

    def test_while_it_cannot_be_asked_nothing_is_sent(self, story: Story, notify: Notify) -> None:
        story.contact()
        notify.when_asked = [503]
        assert drain(story.now) == (0, 1)
        assert notify.taken == []


class TestFailing:
    @pytest.mark.parametrize(
        ("status", "error"),
        [
            (400, NotifyRefused), (403, NotifyRefused), (404, NotifyRefused), (429, NotifyBusy), (500, NotifyAway),
            (502, NotifyAway), (503, NotifyAway), (504, NotifyAway),
        ],
    )  # fmt: skip
    def test_what_is_not_taken_is_tried_again(
        self, story: Story, notify: Notify, status: int, error: type[NotifyError]
    ) -> None:
        contact = story.contact()
        notify.when_sent = [status]
        assert drain(story.now) == (0, 1)
        message = acknowledgement(contact)
        assert (message.last_error, message.not_before) == (error.__name__, story.now + MINUTE)
        assert drain(story.later(minutes=1)) == (1, 0)
        assert len(notify.taken) == 1

    def test_a_message_without_an_identity_is_sent_and_not_asked_for(self, notify: Notify) -> None:
        """`manage.py sendtestemail` sends one, to see that key and template are right."""
        message = EmailMessage("Subject", "Text", to=["dsl@school.example"])
        notify.when_sent = [403]
        with pytest.raises(NotifyRefused) as refused:
            connect().send_messages([message])
        assert str(refused.value) == "Notify says 403."
        assert connect().send_messages([message]) == 1
        assert (len(notify.taken), notify.asked) == (1, [])

    def test_nobody_listens(self, story: Story, notify: Notify, settings: Settings) -> None:
        with socket.create_server(("127.0.0.1", 0)) as bound:
            settings.NOTIFY_BASE_URL = f"http://127.0.0.1:{bound.getsockname()[1]}"
        contact = story.contact()
        assert drain(story.now) == (0, 1)
        assert acknowledgement(contact).last_error == "NotifyAway"

    def test_it_does_not_answer_in_time(self, story: Story, notify: Notify, settings: Settings) -> None:
        settings.EMAIL_TIMEOUT = 0.2
        notify.thinks = 8
        contact = story.contact()
        began = time.monotonic()
        assert drain(story.now) == (0, 1)
        assert time.monotonic() - began < 6
        assert acknowledgement(contact).last_error == "NotifyAway"

    @pytest.mark.parametrize("said", [b"<html>An error</html>", b""])
    def test_it_answers_nonsense(self, story: Story, notify: Notify, said: bytes) -> None:
        contact = story.contact()
        notify.says = said
        assert drain(story.now) == (0, 1)
        assert acknowledgement(contact).last_error == "NotifyAway"
        notify.says = None
        assert drain(story.later(minutes=1)) == (1, 0)
        assert len(notify.taken) == 1

    def test_its_words_may_quote_an_address_and_are_not_logged(
        self, story: Story, notify: Notify, caplog: pytest.LogCaptureFixture
    ) -> None:
        story.contact()
        notify.when_sent = [400]
        drain(story.now)
        assert "message not sent" in caplog.text
        assert "dsl@school.example" not in caplog.text

    def test_silently_where_that_is_asked_for(self, notify: Notify) -> None:
        notify.when_sent = [500]
        quiet = get_connection(BACKEND, fail_silently=True)
        message = EmailMessage("Subject", "Text", to=["dsl@school.example"])
        assert quiet.send_messages([message, message]) == 1


def test_the_template_is_described_where_the_settings_ask_for_it() -> None:
    import config.notify

    assert config.notify.__doc__
    assert set(re.findall(r"\(\((\w+)\)\)", config.notify.__doc__)) == {"subject", "body"}
