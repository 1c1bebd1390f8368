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

from casework.models import AuditEvent, Event
from config import single_sign_on
from localities.models import User
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

    @pytest.mark.parametrize("only", [False, True])
    def test_a_password_still_does_unless_the_council_says_otherwise(
        self, ben: User, amina: User, settings: Settings, only: bool
    ) -> None:
        for user in (ben, amina):
            user.set_password(PASSWORD)
            user.save()
        settings.OIDC_ONLY = only
        goes_there(browser(), COUNCIL, BEN)
        for name, gets_in in (("ben", not only), ("amina", True)):
            client = browser()
            client.post(SIGN_IN, {"login": name, "password": PASSWORD})
            assert is_in(client) == gets_in, "whoever has no council account keeps the password"

    def test_the_second_step_is_asked_for_too(self, ben: User) -> None:
        Authenticator.objects.create(user=ben, type="totp", data={"secret": ""})
        client = browser()
        answer = goes_there(client, COUNCIL, BEN)
        assert answer.headers["Location"] == "/accounts/login/second-step/"
        assert not is_in(client)


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

    def test_nor_will_one_that_does_not_say_when(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whoever finds a browser open can leave out what asks the provider to be strict."""
        path, real = self.asked(client), single_sign_on._claims_of

        def without_time(sociallogin: Any) -> dict[str, Any] | None:
            claims = real(sociallogin) or {}
            return {name: value for name, value in claims.items() if name != "auth_time"}

        monkeypatch.setattr(single_sign_on, "_claims_of", without_time)
        assert "/accounts/again/council/" in goes_there(client, path, BEN).headers["Location"]
        assert client.get("/account/let-in/").status_code == 302

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
