"""Which passwords are refused, and what is said of each."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import pytest
from django.contrib.auth.password_validation import password_changed, validate_password
from django.core.exceptions import ValidationError
from pytest_django import Settings

from config import passwords
from localities.models import PastPassword, User
from tests.stage import logs

GOOD_ONE = "teal bicycle gravy"


def refused(password: str, user: User | None = None) -> list[str]:
    """What is said of it; nothing if it is taken."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        return error.messages
    return []


@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("Password123!", passwords.COMMON),
        ("P@ssw0rd2026!!", passwords.COMMON),
        ("drowssap1234", passwords.COMMON),
        ("iloveyou12345", passwords.COMMON),
        ("manchesterunited", passwords.COMMON),
        ("liverpool2024!", passwords.COMMON),
        ("qwertyuiop[]", passwords.COMMON),
        ("zxcvbnm,./''", passwords.KEYS),
        ("aaaaaaaaaaaa", passwords.SAME_AGAIN),
        ("abcabcabcabc", passwords.SAME_AGAIN),
        ("Letmeinletmein", passwords.COMMON),
        ("a" * 5000, passwords.SAME_AGAIN),
        ("abcdefghijkl", passwords.SEQUENCE),
        ("123456789012", passwords.NUMBERS),
        ("01/02/1984 03/04", passwords.NUMBERS),
        ("07700 900123 07700", passwords.NUMBERS),
        ("Summer2026!!", passwords.TIME_OF_YEAR),
        ("November2026!", passwords.TIME_OF_YEAR),
        ("Monday2026!!!", passwords.TIME_OF_YEAR),
        ("January01012026", passwords.TIME_OF_YEAR),
        ("Ben Carter 2026", passwords.OWN_NAME),
        ("Carter.Ben1984", passwords.OWN_NAME),
        ("B3nC4rter!!!", passwords.OWN_NAME),
        ("ben@front-door.example", passwords.OWN_NAME),
        ("Buckinghamshire1", passwords.SERVICE),
        ("FrontDoor!!2026", passwords.SERVICE),
        ("Safeguarding2026", passwords.SERVICE),
        ("Aylesbury2026!", passwords.SERVICE),
    ],
)
def test_what_is_guessed_first_is_refused_with_a_sentence_that_says_why(ben: User, password: str, says: str) -> None:
    assert refused(password, ben) == [says]


@pytest.mark.parametrize(
    "password",
    [GOOD_ONE, "correct horse battery staple", "x8Kq2mZw9LpT", "a-long-enough-password", "żółta łódź płynie"],
)
def test_what_is_hard_to_guess_is_taken(ben: User, password: str) -> None:
    assert refused(password, ben) == []


def test_what_is_short_is_refused(ben: User) -> None:
    assert refused("x8Kq2mZw9Lp", ben) == ["This password is too short. It must contain at least 12 characters."]


def test_the_councils_own_name_is_refused(ben: User, settings: Settings) -> None:
    assert refused("Rutherglenshire27", ben) == []
    settings.COUNCIL_NAME = "Rutherglenshire Council"
    assert refused("Rutherglenshire27", ben) == [passwords.SERVICE]


def test_none_of_it_shows_what_was_typed(ben: User) -> None:
    for password in ("Password123!", "Ben Carter 2026", "abcdefghijkl"):
        assert password.lower() not in " ".join(refused(password, ben)).lower()


class TestOnesOwnPasswords:
    def had(self, user: User, *words: str) -> None:
        for word in words:
            user.set_password(f"{word} bicycle gravy")
            user.save()

    def test_the_one_that_somebody_has_is_refused(self, ben: User) -> None:
        self.had(ben, "teal")
        PastPassword.objects.all().delete()
        assert refused(GOOD_ONE, ben) == [passwords.USED_BEFORE], "also one that was set before these were kept"

    def test_so_are_the_last_five(self, ben: User) -> None:
        self.had(ben, "teal", "olive", "amber", "ochre", "umber")
        assert refused(GOOD_ONE, ben) == [passwords.USED_BEFORE]
        self.had(ben, "mauve")
        assert refused(GOOD_ONE, ben) == []
        assert refused("olive bicycle gravy", ben) == [passwords.USED_BEFORE]
        assert PastPassword.objects.filter(user=ben).count() == passwords.KEPT

    def test_others_may_have_had_it(self, ben: User, amina: User) -> None:
        self.had(ben, "teal")
        assert refused(GOOD_ONE, amina) == []

    def test_hashes_alone_are_kept(self, ben: User) -> None:
        self.had(ben, "teal")
        kept = PastPassword.objects.get(user=ben).password
        assert kept == ben.password
        assert kept.startswith("pbkdf2_")

    def test_whoever_has_none_yet_or_is_not_stored_yet_is_asked_nothing(self, amina: User) -> None:
        assert refused(GOOD_ONE, amina) == []
        assert refused(GOOD_ONE, User(username="nina")) == []
        assert refused(GOOD_ONE) == []
        amina.set_unusable_password()
        amina.save()
        password_changed(GOOD_ONE)
        assert not PastPassword.objects.filter(user=amina).exists()


class Stolen(BaseHTTPRequestHandler):
    """A list of stolen passwords, as the range service has it: lines of the rest of a hash and a count."""

    asked: list[str]
    answers: str
    waits: Event | None
    status = 200

    def do_GET(self) -> None:
        self.asked.append(f"{self.path} {self.headers['Add-Padding']}")
        if self.waits is not None:
            self.waits.wait(timeout=30)
        self.send_response(self.status)
        self.send_header("Location", "/elsewhere/")
        self.end_headers()
        self.wfile.write(self.answers.encode())

    def log_message(self, *args: Any) -> None:
        """Says nothing."""


@contextmanager
def stolen(settings: Settings, *lines: str, status: int = 200, waits: Event | None = None) -> Iterator[list[str]]:
    """A list that answers this, on a socket of its own. What it was asked."""
    asked: list[str] = []
    says = {"asked": asked, "answers": "\r\n".join(lines), "status": status, "waits": waits}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Stolen,), says))
    thread = Thread(target=server.serve_forever)
    thread.start()
    settings.PWNED_PASSWORDS_URL = f"http://127.0.0.1:{server.server_port}/range/"
    try:
        yield asked
    finally:
        if waits is not None:
            waits.set()
        server.shutdown()
        server.server_close()
        thread.join()


HASH = sha1(GOOD_ONE.encode(), usedforsecurity=False).hexdigest().upper()
OTHER = "0" * 35


class TestStolenPasswords:
    def test_nobody_is_asked_unless_the_council_says_so(self, ben: User, settings: Settings) -> None:
        assert settings.PWNED_PASSWORDS_URL == ""
        assert refused(GOOD_ONE, ben) == []

    def test_one_on_the_list_is_refused(self, ben: User, settings: Settings) -> None:
        with stolen(settings, f"{OTHER}:7", f"{HASH[5:]}:2") as asked:
            assert refused(GOOD_ONE, ben) == [passwords.STOLEN]
        assert asked == [f"/range/{HASH[:5]} true"], "five signs of the hash leave the service, and nothing else"

    @pytest.mark.parametrize("lines", [(), (f"{OTHER}:7",), (f"{HASH[5:]}:0",), ("<html>",), (f"{HASH[5:-1]}:2",)])
    def test_one_that_is_not_on_it_is_taken(self, ben: User, settings: Settings, lines: tuple[str, ...]) -> None:
        with stolen(settings, *lines) as asked:
            assert refused(GOOD_ONE, ben) == []
        assert len(asked) == 1

    def test_where_it_answers_with_an_error_the_password_is_taken_and_the_log_says_so(
        self, ben: User, settings: Settings, caplog: pytest.LogCaptureFixture
    ) -> None:
        for status in (500, 429, 404):
            with stolen(settings, f"{HASH[5:]}:2", status=status):
                assert refused(GOOD_ONE, ben) == []
            log = logs.lines(caplog)
            assert [line["event"] for line in log] == ["the list of stolen passwords was not asked"]
            assert HASH[:5] not in str(log)

    def test_it_is_followed_nowhere_else(self, ben: User, settings: Settings) -> None:
        with stolen(settings, status=302) as asked:
            assert refused(GOOD_ONE, ben) == []
        assert len(asked) == 1

    def test_where_it_does_not_answer_nobody_waits_for_long(
        self, ben: User, settings: Settings, caplog: pytest.LogCaptureFixture
    ) -> None:
        settings.PWNED_PASSWORDS_TIMEOUT = 0.1
        with stolen(settings, f"{HASH[5:]}:2", waits=Event()):
            assert refused(GOOD_ONE, ben) == []
        assert [line["error"] for line in logs.lines(caplog)] == ["ReadTimeout"]
