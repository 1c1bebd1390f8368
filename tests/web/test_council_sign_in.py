"""Signing in with a council account, at a real provider that the tests start."""

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.test import Client
from pytest_django import Settings

from casework.models import AuditEvent, Event, SecondFactorRule, SignInEvent
from config import single_sign_on
from localities.models import User
from tests.stage.passkeys import Passkey, options_on
from tests.stage.provider import goes_there, provider
from tests.stage.web_client import Page, browser

SIGN_IN, COUNCIL, PASSWORD = "/accounts/login/", "/accounts/council/council/", "correct horse battery staple"
BEN = "ben-at-the-council"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with provider() as address:
        yield address


@pytest.fixture(autouse=True)
def _configured(issuer: str, settings: Settings, db: None) -> None:
    app = {
        "provider_id": "council", "name": "Council account", "client_id": "front-door", "secret": "secret",
        "settings": {"server_url": issuer, "oauth_pkce_enabled": True},
    }  # fmt: skip
    settings.OIDC_ISSUER = issuer
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [app]}}


def is_in(client: Client) -> bool:
    return client.get("/").status_code == 200


class TestTheFirstTime:
    def test_the_button_leads_there_and_back_and_signs_in(self, ben: User) -> None:
        client = browser()
        (button,) = [b.text for b in Page(client.get(SIGN_IN)).main.all("button") if "council" in b.text]
        assert button == "Sign in with your council account"
        answer = goes_there(client, COUNCIL, BEN)
        assert (answer.status_code, answer.headers["Location"]) == (302, "/")
        assert "Ben Carter" in Page(client.get("/")).root.text
        assert SocialAccount.objects.get().user == ben
        assert AuditEvent.objects.get(event=Event.ACCOUNT_LINKED).by_user == ben

    def test_to_the_page_that_was_asked_for(self, ben: User) -> None:
        answer = goes_there(browser(), f"{COUNCIL}?next=/teams/aylesbury/", BEN)
        assert answer.headers["Location"] == "/teams/aylesbury/"

    def test_nothing_of_what_the_provider_says_is_stored_but_the_subject(self, ben: User) -> None:
        for _ in range(2):
            goes_there(browser(), COUNCIL, BEN)
            assert SocialAccount.objects.get().extra_data == {}
        assert not SocialToken.objects.exists()

    @pytest.mark.parametrize("sub", ["a-stranger", "nobody-vouches", "somebody@new.example"])
    def test_nobody_gets_an_account_by_it(self, ben: User, sub: str) -> None:
        before = User.objects.count()
        client = browser()
        answer = goes_there(client, COUNCIL, sub)
        page = Page(answer)
        assert (page.status, page.heading) == (403, "You have no account here")
        assert "Ask your team lead or an administrator" in page.text
        assert not is_in(client)
        assert (User.objects.count(), SocialAccount.objects.count()) == (before, 0)

    def test_an_address_of_two_users_opens_neither(self, ben: User, amina: User) -> None:
        amina.email = ben.email.upper()
        amina.save()
        assert goes_there(browser(), COUNCIL, BEN).status_code == 403

    def test_by_employee_number_where_the_council_says_so(self, ben: User, amina: User, settings: Settings) -> None:
        settings.OIDC_LINK_BY = "employee_id"
        assert goes_there(browser(), COUNCIL, BEN).status_code == 403, "the address no longer counts"
        amina.employee_id = "E-2002"
        amina.save()
        client = browser()
        goes_there(client, COUNCIL, "by-number")
        assert "Amina Hussain" in Page(client.get("/")).root.text

    def test_somebody_who_left_does_not_get_in(self, ben: User) -> None:
        ben.is_active = False
        ben.save()
        client = browser()
        answer = goes_there(client, COUNCIL, BEN)
        assert Page(client.get(answer.headers["Location"])).heading == "You cannot sign in"
        assert not is_in(client)

    def test_who_cancels_is_told_so(self, ben: User) -> None:
        page = Page(goes_there(browser(), COUNCIL, ""))
        assert page.heading == "You were not signed in"

    def test_an_answer_that_nobody_asked_for_signs_nobody_in(self, ben: User) -> None:
        client = browser()
        client.get(f"{COUNCIL}back/?code=x&state=y")
        assert not is_in(client)

    def test_nobody_links_an_account_of_their_own_choice(self, ben: User, amina: User, settings: Settings) -> None:
        client = browser()
        goes_there(client, COUNCIL, BEN)
        settings.OIDC_LINK_BY = "employee_id"
        amina.employee_id = "E-2002"
        amina.save()
        for sub in ("a-stranger", "by-number"):
            assert goes_there(client, f"{COUNCIL}?process=connect", sub).status_code == 403
        assert SocialAccount.objects.get().user == ben

    def test_a_link_alone_starts_nothing(self) -> None:
        assert Page(browser().get(COUNCIL)).heading == "Sign in"


class TestAfterwards:
    def test_the_subject_counts_and_no_longer_the_address(self, ben: User) -> None:
        goes_there(browser(), COUNCIL, BEN)
        ben.email = "carter@front-door.example"
        ben.save()
        client = browser()
        goes_there(client, COUNCIL, BEN)
        assert is_in(client)

    def test_a_password_still_does(self, ben: User) -> None:
        ben.set_password(PASSWORD)
        ben.save()
        goes_there(browser(), COUNCIL, BEN)
        client = browser()
        client.post(SIGN_IN, {"login": "ben", "password": PASSWORD})
        assert is_in(client)

    def test_the_second_step_is_asked_for_too(self, ben: User) -> None:
        Authenticator.objects.create(user=ben, type="totp", data={"secret": ""})
        client = browser()
        answer = goes_there(client, COUNCIL, BEN)
        assert answer.headers["Location"] == "/accounts/login/second-step/"
        assert not is_in(client)

    @pytest.mark.parametrize("sub", [BEN, "two-steps-there"])
    def test_a_second_step_at_the_provider_is_not_ours(self, ben: User, sub: str) -> None:
        """Whatever its `amr` and `acr` say: a role that needs a second step needs one of this service."""
        SecondFactorRule.objects.filter(role="team_lead").update(kind="any")
        client = browser()
        goes_there(client, COUNCIL, sub)
        assert client.get("/").headers["Location"] == "/accounts/second-step/"
        Authenticator.objects.create(user=ben, type="totp", data={"secret": ""})
        client = browser()
        assert goes_there(client, COUNCIL, sub).headers["Location"] == "/accounts/login/second-step/"


class TestNothingButACouncilAccount:
    """With `OIDC_ONLY`, but for the accounts that `OIDC_BREAK_GLASS` names."""

    @pytest.fixture(autouse=True)
    def _only(self, ben: User, amina: User, settings: Settings) -> None:
        for user in (ben, amina):
            user.set_password(PASSWORD)
            user.save()
        settings.OIDC_ONLY = True
        settings.OIDC_BREAK_GLASS = ["amina"]

    def test_no_password_does(self) -> None:
        for name, gets_in in (("ben", False), ("amina", True), ("AMINA", True)):
            client = browser()
            page = Page(client.post(SIGN_IN, {"login": name, "password": PASSWORD}, follow=True))
            assert is_in(client) == gets_in
        assert "Sign in with your council account. A password or a passkey" in Page(browser().get(SIGN_IN)).text
        assert page.status == 200

    def test_the_answer_is_that_to_a_wrong_password(self) -> None:
        told = [Page(browser().post(SIGN_IN, {"login": "ben", "password": each})) for each in (PASSWORD, "guessed")]
        assert told[0].text == told[1].text
        assert told[0].summary == told[1].summary

    @pytest.mark.parametrize(("name", "gets_in"), [("ben", False), ("amina", True)])
    def test_no_passkey_does(self, settings: Settings, name: str, gets_in: bool) -> None:
        settings.OIDC_ONLY = False
        client, passkey = browser(), Passkey()
        client.post(SIGN_IN, {"login": name, "password": PASSWORD})
        passkey.add(client)
        settings.OIDC_ONLY = True
        client = browser()
        answer = passkey.signs_in(client)
        assert is_in(client) == gets_in
        if not gets_in:
            assert "Sign in with your council account." in Page(client.get(answer.headers["Location"])).text
            assert not client.session.get("account_authentication_methods")
            event = SignInEvent.objects.latest("id")
            assert (event.kind, event.user and event.user.username) == ("refused", name)

    def test_a_passkey_is_still_the_second_step_after_it(self, settings: Settings) -> None:
        settings.OIDC_ONLY = False
        client, passkey = browser(), Passkey()
        client.post(SIGN_IN, {"login": "ben", "password": PASSWORD})
        passkey.add(client)
        settings.OIDC_ONLY = True
        client = browser()
        step = Page(client.get(goes_there(client, COUNCIL, BEN).headers["Location"]))
        client.post("/accounts/login/second-step/", {"credential": passkey.answer(options_on(step)["request_options"])})
        assert is_in(client)

    def test_the_council_account_does(self) -> None:
        client = browser()
        goes_there(client, COUNCIL, BEN)
        assert is_in(client)


class TestShowingAgain:
    """What needs a recent sign-in leads to the provider, which asks anew."""

    @pytest.fixture
    def client(self, ben: User) -> Client:
        """Ben's, who signed in a while ago."""
        client = browser()
        goes_there(client, COUNCIL, BEN)
        session = client.session
        for each in session["account_authentication_methods"]:
            each["at"] -= 16 * 60
        session.save()
        return client

    def asked(self, client: Client) -> str:
        answer = client.get("/account/let-in/")
        assert answer.headers["Location"].startswith("/accounts/again/council/?next=")
        page = Page(client.get(answer.headers["Location"]))
        (form,) = [form["action"] for form in page.main.all("form")]
        return form

    def test_the_provider_is_told_to_ask(self, client: Client) -> None:
        leads_there = client.post(self.asked(client)).headers["Location"]
        sent = parse_qs(urlsplit(leads_there).query)
        assert (sent["prompt"], sent["max_age"]) == (["login"], ["0"])

    def test_and_the_session_goes_on_with_the_page(self, client: Client) -> None:
        key = client.session.session_key
        answer = goes_there(client, self.asked(client), BEN)
        assert answer.headers["Location"] == "/account/let-in/"
        assert client.get("/account/let-in/").status_code == 200
        assert client.session.session_key == key

    def test_a_provider_that_did_not_ask_will_not_do(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        """By its answer, the sign-in there is older than the question."""
        real = time.time
        path = self.asked(client)
        monkeypatch.setattr(time, "time", lambda: real() + 6 * 60)
        assert "/accounts/again/council/" in goes_there(client, path, BEN).headers["Location"]

    def without_time(self, monkeypatch: pytest.MonkeyPatch, **instead: object) -> None:
        """A provider that does not say when somebody signed in there, or says it in a way of its own."""
        real = single_sign_on._claims_of

        def claims_of(sociallogin: Any) -> dict[str, Any] | None:
            claims = real(sociallogin) or {}
            return {name: value for name, value in claims.items() if name != "auth_time"} | instead

        monkeypatch.setattr(single_sign_on, "_claims_of", claims_of)

    @pytest.mark.parametrize(
        "instead", [{}, {"auth_time": "1764547200"}, {"auth_time": None}, {"auth_time": True}, {"auth_time": 9e12}]
    )
    def test_the_page_says_that_the_provider_does_not_say_when(
        self, client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, instead: dict[str, Any]
    ) -> None:
        path = self.asked(client)
        self.without_time(monkeypatch, **instead)
        page = Page(client.get(goes_there(client, path, BEN).headers["Location"]))
        assert "The council’s sign-in does not say when you signed in there" in page.text
        assert "tell your administrator: “the provider sends no auth_time”" in page.text
        assert "the council's provider sent no auth_time" in caplog.text
        assert client.get("/account/let-in/").status_code == 302

    def test_signing_in_there_without_being_asked_is_no_recent_sign_in(
        self, ben: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whoever finds a browser open at the council's provider could sign out here, and in again."""
        an_hour_ago = int(time.time()) - 3600
        self.without_time(monkeypatch, auth_time=an_hour_ago)
        client = browser()
        goes_there(client, COUNCIL, BEN)
        assert is_in(client)
        assert client.get("/account/let-in/").headers["Location"].startswith("/accounts/again/council/")

    def test_being_asked_there_is(self, ben: User) -> None:
        client = browser()
        goes_there(client, COUNCIL, BEN)
        assert client.get("/account/let-in/").status_code == 200

    def test_nor_is_signing_in_at_a_provider_that_does_not_say_when(
        self, ben: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.without_time(monkeypatch)
        client = browser()
        goes_there(client, COUNCIL, BEN)
        assert is_in(client)
        assert client.get("/account/let-in/").status_code == 302

    @pytest.mark.parametrize("path", ["app/", "passkeys/add/", "recovery-codes/new/"])
    def test_a_second_step_is_set_up_by_whoever_was_asked(self, client: Client, ben: User, path: str) -> None:
        """Also of somebody without a password: allauth would take them at their word."""
        ben.set_unusable_password()
        ben.save()
        client = browser()
        goes_there(client, COUNCIL, BEN)
        session = client.session
        session["account_authentication_methods"][-1]["at"] -= 16 * 60
        session.save()
        for answer in (client.get(f"/accounts/second-step/{path}"), client.post(f"/accounts/second-step/{path}")):
            assert answer.headers["Location"].startswith("/accounts/again/council/?next=")

    def test_whoever_owes_a_second_step_may_go_there(self, client: Client) -> None:
        SecondFactorRule.objects.filter(role="team_lead").update(kind="any")
        app = "/accounts/second-step/app/"
        asks = client.get(app).headers["Location"]
        (form,) = [form["action"] for form in Page(client.get(asks)).main.all("form")]
        assert goes_there(client, form, BEN).headers["Location"] == app
        assert client.get(app).status_code == 200

    def test_another_persons_account_will_not_do(self, client: Client) -> None:
        answer = goes_there(client, self.asked(client), "a-stranger")
        assert "/accounts/again/council/" in answer.headers["Location"]
        assert client.get("/account/let-in/").status_code == 302


def test_without_a_configuration_there_is_no_button_and_no_door(settings: Settings) -> None:
    settings.OIDC_ISSUER = ""
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": []}}
    client = browser()
    assert "council account" not in Page(client.get(SIGN_IN)).text
    answers: list[Any] = [client.get(COUNCIL), client.post(COUNCIL)]
    assert [answer.status_code for answer in answers] == [404, 404]
