"""Links with which people set their own passwords: who gets one, what a stranger learns, and that each works once."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from casework.actions import passwords
from casework.jobs import delivery
from casework.models import AuditEvent, Event, OutboxMessage, PasswordLink
from casework.record import audit
from casework.web.views.passwords import COOKIE
from errors import InvalidInput, NotAllowedInStatus, NotPermitted
from localities.models import User
from tests.stage.administrator import Administrator
from tests.stage.mail import Sink
from tests.stage.sql import asked
from tests.stage.web_client import Page, browser

FORGOTTEN, SENT, SET = "/accounts/password/reset/", "/accounts/password/reset/sent/", "/accounts/password/set/"
OLD, NEW = "correct horse battery staple", "a long enough password"
ENDED = "This link no longer works"


@pytest.fixture
def ben(ben: User) -> User:
    ben.set_password(OLD)
    ben.save()
    return ben


@pytest.fixture
def adele(db: None) -> Administrator:
    return Administrator("adele")


@pytest.fixture
def link(ben: User, adele: Administrator) -> PasswordLink:
    return passwords.send_link(user_id=ben.pk, by=adele.user, now=timezone.now())


def follow(client: Client, link: PasswordLink | str) -> Page:
    token = link if isinstance(link, str) else link.token
    return Page(client.get(f"{SET}{token}/", follow=True))


def set_password(client: Client, password: str = NEW, again: str | None = None) -> Page:
    return Page(client.post(SET, {"password": password, "again": password if again is None else again}, follow=True))


def forget(client: Client, name: str) -> Page:
    return Page(client.post(FORGOTTEN, {"name": name}, follow=True))


def events(event: Event) -> list[dict[str, Any]]:
    return [*AuditEvent.objects.filter(event=event).values_list("detail", flat=True)]


class TestSettingAPassword:
    def test_with_a_link_and_then_signing_in_with_it(self, client: Client, ben: User, link: PasswordLink) -> None:
        page = follow(client, link)
        assert (page.status, page.heading) == (200, "Set your password")
        assert "user name ben" in page.text
        page = set_password(client)
        assert page.heading == "Sign in"
        assert "Your password is set. Sign in with it." in page.text
        answer = client.post("/accounts/login/", {"login": "ben", "password": NEW})
        assert answer.headers["Location"] == "/"

    def test_the_address_loses_the_token_at_once(self, client: Client, link: PasswordLink) -> None:
        """So that it stands in no history, no page and no header that says where somebody came from."""
        answer = client.get(f"{SET}{link.token}/")
        assert answer.headers["Location"] == SET
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        cookie = answer.cookies[COOKIE]
        assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == ("/", True, "Lax")
        assert link.token not in Page(client.get(SET)).html

    def test_no_log_has_it(self, client: Client, link: PasswordLink, caplog: pytest.LogCaptureFixture) -> None:
        """Neither the one that works nor the one that no longer does."""
        caplog.set_level("DEBUG")
        follow(client, link)
        set_password(client)
        assert follow(browser(), link).status == 410
        said = " ".join(str(vars(record)) for record in caplog.records if record.name.startswith("django"))
        assert "accounts/password/set/<slug:token>/" in said
        assert link.token.partition("-")[2] not in said

    def test_following_it_stores_nothing(self, link: PasswordLink) -> None:
        """Mail servers follow links: the person can still use it."""
        for _ in range(3):
            assert follow(browser(), link).status == 200
        link.refresh_from_db()
        assert (link.used_at, link.withdrawn_at) == (None, None)

    def test_it_works_once(self, client: Client, ben: User, link: PasswordLink) -> None:
        elsewhere = browser()
        for one in (client, elsewhere):
            follow(one, link)
        set_password(client)
        for page in (set_password(elsewhere, "another long password"), follow(elsewhere, link)):
            assert (page.status, page.heading) == (410, ENDED)
        ben.refresh_from_db()
        assert ben.check_password(NEW)

    def test_every_session_ends(self, client: Client, ben: User, link: PasswordLink) -> None:
        there = Administrator("ben")
        follow(client, link)
        set_password(client)
        assert there.client.get("/").status_code == 302

    def test_whoever_was_signed_in_here_is_signed_out(self, signed_in: Any, amina: User, link: PasswordLink) -> None:
        """The link of one person, in the browser of another: they sign in as themselves."""
        client = signed_in(amina)
        follow(client, link)
        assert set_password(client).heading == "Sign in"

    @pytest.mark.parametrize("password", ["eleven char", "password1234", "ben@front-door.example"])
    def test_one_that_is_easy_to_guess_is_refused(
        self, client: Client, ben: User, link: PasswordLink, password: str
    ) -> None:
        follow(client, link)
        page = set_password(client, password)
        assert page.status == 422
        assert page.error_at("id_password")
        assert password not in page.html
        assert set_password(client).heading == "Sign in", "the link still works"

    def test_what_is_missing_or_differs_is_said_at_its_field(self, client: Client, link: PasswordLink) -> None:
        follow(client, link)
        page = set_password(client, "")
        assert page.error_at("id_password") == "Enter a new password"
        assert page.error_at("id_again") == "Enter the new password again"
        assert set_password(client, again=f"{NEW}!").error_at("id_again") == "Enter the same password twice"

    def test_the_audit_says_who_and_for_whom(self, client: Client, ben: User, link: PasswordLink) -> None:
        follow(client, link)
        set_password(client)
        assert events(Event.PASSWORD_LINK_MADE) == [{"user": ben.pk, "link": link.pk, "why": "sent"}]
        assert events(Event.PASSWORD_SET) == [{"user": ben.pk, "link": link.pk}]
        assert AuditEvent.objects.get(event=Event.PASSWORD_SET).by_user == ben
        assert AuditEvent.objects.get(event=Event.PASSWORD_LINK_MADE).by_user == link.made_by

    def test_only_the_person_of_the_link_sets_it(self, link: PasswordLink, amina: User) -> None:
        with pytest.raises(NotPermitted):
            passwords.set_own(link_id=link.pk, password="", by=amina, now=timezone.now())


class TestALinkEnds:
    def ended(self, link: PasswordLink) -> bool:
        return follow(browser(), link).status == 410

    def test_when_its_time_is_over(self, ben: User, adele: Administrator) -> None:
        before = timezone.now() - passwords.SENT_FOR
        link = passwords.send_link(user_id=ben.pk, by=adele.user, now=before - timedelta(seconds=1))
        assert self.ended(link)
        assert PasswordLink.objects.opened_by(link.token, link.ends_at - timedelta(seconds=1)) == link
        assert PasswordLink.objects.opened_by(link.token, link.ends_at) is None

    def test_when_another_is_sent(self, ben: User, link: PasswordLink, adele: Administrator) -> None:
        another = passwords.send_link(user_id=ben.pk, by=adele.user, now=timezone.now())
        assert self.ended(link)
        assert not self.ended(another)

    @pytest.mark.parametrize("change", [
        lambda ben: ben.set_password("changed in another way"),
        lambda ben: setattr(ben, "email", "benjamin@front-door.example"),
        lambda ben: setattr(ben, "is_active", False),
    ], ids=["password", "address", "account closed"])  # fmt: skip
    def test_when_what_it_was_made_for_changes(
        self, ben: User, link: PasswordLink, change: Callable[[User], None]
    ) -> None:
        ben.refresh_from_db()
        change(ben)
        ben.save()
        assert self.ended(link)

    def test_when_an_administrator_ends_the_password(self, ben: User, link: PasswordLink, adele: Administrator) -> None:
        passwords.end_password(user_id=ben.pk, by=adele.user, now=timezone.now())
        assert self.ended(link)

    @pytest.mark.parametrize("change", [
        lambda token: token[:-1] + ("0" if token[-1] != "0" else "1"),
        lambda token: token.replace("-", "-0"),
        lambda token: token.upper(),
        lambda token: str(int(token.split("-")[0]) + 1) + token[token.index("-"):],
        lambda token: token.split("-")[0],
        lambda token: "9" * 40 + "-x",
        lambda token: "²-x",
        lambda token: "x",
    ])  # fmt: skip
    def test_no_other_token_opens_it(self, link: PasswordLink, change: Callable[[str], str]) -> None:
        assert PasswordLink.objects.opened_by(link.token, timezone.now()) == link
        assert PasswordLink.objects.opened_by(change(link.token), timezone.now()) is None

    def test_a_number_that_is_given_again_has_another_token(self, link: PasswordLink, amina: User) -> None:
        """After a database was restored from yesterday's copy."""
        again = PasswordLink(pk=link.pk, user=amina, made_at=link.made_at)
        assert again.token != link.token
        again = PasswordLink(pk=link.pk, user=link.user, made_at=link.made_at + timedelta(microseconds=1))
        assert again.token != link.token

    def test_with_the_key_of_the_service(self, link: PasswordLink, settings: Settings) -> None:
        """Whoever reads the database and does not have the key can make no link."""
        token = link.token
        settings.SECRET_KEY = "another"
        assert PasswordLink.objects.opened_by(token, timezone.now()) is None

    def test_without_any_token_the_page_says_so(self, client: Client, db: None) -> None:
        for page in (Page(client.get(SET)), set_password(client)):
            assert (page.status, page.heading) == (410, ENDED)


class TestForgotten:
    def test_the_email_brings_the_link(self, client: Client, ben: User, sink: Sink) -> None:
        page = Page(client.get("/accounts/login/"))
        assert FORGOTTEN in [link["href"] for link in page.main.all("a")]
        page = forget(client, "ben")
        assert page.heading == "Check your email"
        delivery.drain(clock=timezone.now, connect=sink.connect)
        (letter,) = sink.letters
        assert letter["To"] == ben.email
        text = letter.get_content()
        assert "Ben Carter, set your password here:" in text
        assert re.search("[0-9]{1,2} [A-Z][a-z]+ 20[0-9]{2} at [0-9]{2}:[0-9]{2}", text)
        found = re.search(r"http://localhost:8000/accounts/password/set/(\S+)/", text)
        assert found
        follow(client, found[1])
        set_password(client)
        ben.refresh_from_db()
        assert ben.check_password(NEW)

    def test_the_email_says_no_more_of_a_person_than_the_name(self, client: Client, ben: User, sink: Sink) -> None:
        forget(client, "ben")
        delivery.drain(clock=timezone.now, connect=sink.connect)
        said = sink.letters[0].get_content()
        assert not re.search(r"Aylesbury|lead|\bben\b|@", said)

    @pytest.mark.parametrize("name", ["ben", " BEN ", "Ben@Front-Door.example"])
    def test_by_user_name_or_address_in_any_case(self, client: Client, ben: User, name: str) -> None:
        forget(client, name)
        assert OutboxMessage.objects.get().to == ben.email

    def test_the_answer_is_the_same_whether_or_not_there_is_an_account(self, ben: User, amina: User) -> None:
        """Amina has no password."""
        said = set()
        for name in ("ben", "nobody", "amina", "x" * 254, "nobody@front-door.example"):
            answer = browser().post(FORGOTTEN, {"name": name})
            said.add((answer.status_code, answer.headers["Location"], answer.content))
        assert said == {(302, SENT, b"")}
        assert [message.to for message in OutboxMessage.objects.all()] == [ben.email]

    def test_the_answer_leaves_at_a_whole_step_of_time(self, ben: User, settings: Settings, monkeypatch: Any) -> None:
        settings.API_ANSWER_STEP_MS = 100
        waited: list[float] = []
        monkeypatch.setattr("casework.access.in_step.time.sleep", waited.append)
        for name in ("ben", "nobody"):
            browser().post(FORGOTTEN, {"name": name})
        assert [0 <= each < 0.1 for each in waited] == [True, True]

    def test_whoever_has_no_password_gets_none(self, client: Client, ben: User, adele: Administrator) -> None:
        """An administrator ended it, or they sign in by other means."""
        passwords.end_password(user_id=ben.pk, by=adele.user, now=timezone.now())
        forget(client, "ben")
        assert not OutboxMessage.objects.exists()
        assert not PasswordLink.objects.exists()

    def test_nor_whoever_left(self, client: Client, ben: User) -> None:
        ben.is_active = False
        ben.save()
        forget(client, "ben")
        assert not OutboxMessage.objects.exists()

    def test_whoever_asks_again_at_once_gets_one_email(self, client: Client, ben: User) -> None:
        """Nobody's mailbox is filled, also while Valkey is away and counts nothing."""
        now = timezone.now()
        for seconds in (0, 1, 299):
            passwords.ask_for_link(name="ben", by=audit.SYSTEM, now=now + timedelta(seconds=seconds))
        assert OutboxMessage.objects.count() == 1
        passwords.ask_for_link(name="ben", by=audit.SYSTEM, now=now + passwords.NOT_AGAIN_FOR)
        assert OutboxMessage.objects.count() == 2

    def test_one_address_asks_for_twenty_and_no_more(self, ben: User) -> None:
        for number in range(20):
            forget(browser(), f"nobody-{number}")
        assert forget(browser(), "ben").heading == "Check your email"
        assert not OutboxMessage.objects.exists()

    def test_a_name_is_needed(self, client: Client, db: None) -> None:
        page = forget(client, " ")
        assert page.status == 422
        assert page.error_at("id_name") == "Enter your user name or your work email address"

    @pytest.mark.parametrize("name", ["nul\x00", "é" * 200, "'; --"])
    def test_what_cannot_be_a_name_is_nobodys(self, db: None, name: str) -> None:
        assert forget(browser(), name).status in (200, 422)

    def test_the_audit_says_for_whom_and_that_nobody_had_signed_in(self, client: Client, ben: User) -> None:
        forget(client, "ben")
        (said,) = events(Event.PASSWORD_LINK_MADE)
        assert (said["user"], said["why"]) == (ben.pk, "forgotten")
        assert AuditEvent.objects.get(event=Event.PASSWORD_LINK_MADE).actor == "system"

    def test_the_old_password_works_meanwhile(self, client: Client, ben: User) -> None:
        """Whoever types in somebody else's name does not lock them out."""
        forget(browser(), "ben")
        assert client.post("/accounts/login/", {"login": "ben", "password": OLD}).headers["Location"] == "/"


class TestTheAdministratorsPage:
    def path(self, user: User) -> str:
        return reverse("admin:localities_user_password", args=[user.pk])

    def press(self, by: Administrator, user: User, button: str) -> Page:
        return Page(by.client.post(self.path(user), {button: "yes"}, follow=True))

    def test_somebody_new_is_sent_a_link(self, adele: Administrator, client: Client) -> None:
        page = adele.send(
            "/admin/localities/user/add/", username="nina", name="Nina Patel", email="nina@front-door.example",
            is_active="on",
        )  # fmt: skip
        nina = User.objects.get(username="nina")
        assert page.heading == "Password"
        assert "Nina Patel has no password." in page.text
        assert "End the password" not in page.text
        page = self.press(adele, nina, "send")
        assert "The link is on its way." in page.text
        assert "sent by Adele" in page.text
        assert OutboxMessage.objects.get().to == "nina@front-door.example"
        follow(client, nina.password_links.get())
        set_password(client)
        assert client.post("/accounts/login/", {"login": "nina", "password": NEW}).headers["Location"] == "/"
        assert "Nina Patel has a password." in adele.open(self.path(nina)).text

    def test_the_page_of_a_person_leads_there(self, adele: Administrator, ben: User) -> None:
        page = adele.open(f"/admin/localities/user/{ben.pk}/change/")
        assert self.path(ben) in [link["href"] for link in page.root.all("a")]
        assert "new_password" not in page.html

    def test_ending_a_password_ends_what_is_open(self, adele: Administrator, ben: User) -> None:
        there = Administrator("ben")
        page = self.press(adele, ben, "end")
        assert "Ben Carter has no password." in page.text
        assert there.client.get("/").status_code == 302
        assert events(Event.PASSWORD_ENDED) == [{"user": ben.pk}]
        assert AuditEvent.objects.get(event=Event.PASSWORD_ENDED).by_user == adele.user

    def test_no_link_is_shown_to_the_administrator(self, adele: Administrator, ben: User, link: PasswordLink) -> None:
        for path in (self.path(ben), "/admin/casework/outboxmessage/",
                     f"/admin/casework/outboxmessage/{OutboxMessage.objects.get().pk}/change/"):  # fmt: skip
            assert link.token.partition("-")[2] not in adele.open(path).html

    @pytest.mark.parametrize("name", ["ben", "maya", "sam", "ava", "iris", "amina"])
    @pytest.mark.parametrize("button", ["send", "end"])
    def test_nobody_else_may(self, ben: User, name: str, button: str) -> None:
        answer = Administrator(name).client.post(self.path(ben), {button: "yes"})
        assert answer.status_code in (302, 403)
        ben.refresh_from_db()
        assert ben.check_password(OLD)
        assert not PasswordLink.objects.exists()

    def test_whoever_signs_in_with_a_council_account_alone_is_left_alone(
        self, adele: Administrator, ben: User, link: PasswordLink, settings: Settings
    ) -> None:
        SocialAccount.objects.create(user=ben, provider="council", uid="ben")
        settings.OIDC_ISSUER, settings.OIDC_ONLY = "https://council.example", True
        assert "signs in with a council account" in adele.open(self.path(ben)).text
        assert self.press(adele, ben, "send").status == 409
        browser_ = browser()
        follow(browser_, link)
        assert set_password(browser_).status == 410
        passwords.ask_for_link(name="ben", by=audit.SYSTEM, now=timezone.now() + timedelta(days=1))
        assert [*PasswordLink.objects.all()] == [link]
        ben.refresh_from_db()
        assert ben.check_password(OLD)

    def test_a_page_costs_the_same_with_many_links(self, adele: Administrator, ben: User) -> None:
        def cost(client: Client, path: str) -> int:
            with asked() as statements:
                client.get(path)
            return statements.statements

        few = cost(adele.client, self.path(ben))
        for minute in range(12):
            passwords.send_link(user_id=ben.pk, by=adele.user, now=timezone.now() + timedelta(minutes=minute))
        assert cost(adele.client, self.path(ben)) == few <= 5
        follow(stranger := browser(), ben.password_links.latest("pk"))
        assert cost(stranger, SET) <= 2
        assert cost(stranger, FORGOTTEN) == cost(stranger, SENT) == 0

    def test_a_closed_account_is_sent_nothing(self, adele: Administrator, ben: User) -> None:
        ben.is_active = False
        ben.save()
        assert "The account is closed" in adele.open(self.path(ben)).text
        assert self.press(adele, ben, "send").status == 409
        assert not OutboxMessage.objects.exists()


class TestTheFirstAdministrator:
    WHO = {"username": "alex.moore", "name": "Alex Moore", "email": "alex@front-door.example"}  # noqa: RUF012  # what is typed

    def add(self, now: datetime | None = None, **other: str) -> PasswordLink:
        return passwords.add_first_administrator(**self.WHO | other, by=audit.SYSTEM, now=now or timezone.now())

    @pytest.fixture(autouse=True)
    def _nobody_yet(self, db: None) -> None:
        """Adele is an administrator by her role, and has no password."""
        assert not User.objects.get(username="adele").has_usable_password()

    def test_sets_a_password_and_administers(self, client: Client) -> None:
        link = self.add()
        follow(client, link)
        set_password(client)
        client.post("/accounts/login/", {"login": "alex.moore", "password": NEW})
        assert client.get("/admin/localities/user/").status_code == 200
        assert client.get("/contacts/new/").status_code == 403

    def test_another_link_ends_the_first(self) -> None:
        first, second = self.add(), self.add()
        assert first.user == second.user
        assert [PasswordLink.objects.opened_by(link.token, timezone.now()) for link in (first, second)] == [
            None,
            second,
        ]

    def test_is_refused_once_there_is_one(self, client: Client) -> None:
        follow(client, self.add())
        set_password(client)
        with pytest.raises(NotAllowedInStatus, match=r"^There is an administrator already: alex\.moore\. Ask them"):
            self.add(username="eve", email="eve@front-door.example")
        assert not User.objects.filter(username="eve").exists()

    def test_takes_nobodys_name(self, ben: User) -> None:
        with pytest.raises(InvalidInput, match="Somebody already signs in with this name"):
            self.add(username="ben")
        with pytest.raises(InvalidInput, match="valid email address"):
            self.add(email="nowhere")

    def test_the_audit_says_so(self) -> None:
        link = self.add()
        assert events(Event.PASSWORD_LINK_MADE) == [
            {"user": link.user_id, "link": link.pk, "why": "first_administrator"}
        ]
        assert [(said["role"], said["user"]) for said in events(Event.SETTING_CHANGED)] == [
            ("administrator", link.user_id)
        ]
