"""Signing in and out: who can, what a stranger learns, and how often somebody may try."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache, caches
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from django.utils.dateformat import format as date_format
from django.utils.formats import get_format
from pytest_django import Settings

from casework.models import SignInEvent
from config.local import embedded
from config.local.folders import make_folders
from config.local.processes import Child
from localities import limits
from localities.models import KnownDevice, Membership, Tries, User
from localities.working_time import local_day
from tests.stage import logs
from tests.stage.sql import asked
from tests.stage.web_client import Page, browser

SIGN_IN, SIGN_OUT, CHANGE = "/accounts/login/", "/accounts/logout/", "/accounts/password/change/"
PASSWORD = "correct horse battery staple"
WRONG = "The username and/or password you specified are not correct."
MUST_WAIT = "There were too many wrong tries. Try again in a minute."


@pytest.fixture
def ben(ben: User) -> User:
    """Ben, with a password."""
    ben.set_password(PASSWORD)
    ben.save()
    return ben


def sign_in(client: Client, name: str = "ben", password: str = PASSWORD, **fields: str) -> Page:
    """Tries to sign in, and follows the redirects."""
    return Page(client.post(SIGN_IN, {"login": name, "password": password, **fields}, follow=True))


def is_in(client: Client) -> bool:
    return client.get("/").status_code == 200


def says(page: Page) -> str:
    return " ".join(text for _, text in page.summary)


class TestSigningIn:
    def test_with_name_and_password_to_the_worklist(self, client: Client, ben: User) -> None:
        page = sign_in(client)
        assert page.heading == "Your worklist"
        assert "Ben Carter" in page.root.text

    @pytest.mark.parametrize("name", ["BEN", "Ben", " ben ", "bEn"])
    def test_in_any_case(self, client: Client, ben: User, name: str) -> None:
        sign_in(client, name)
        assert is_in(client)

    def test_a_password_keeps_its_case_and_its_spaces(self, client: Client, ben: User) -> None:
        for password in (PASSWORD.upper(), f" {PASSWORD}", f"{PASSWORD} "):
            assert says(sign_in(client, password=password)) == WRONG
        assert not is_in(client)

    def test_not_with_an_email_address(self, client: Client, ben: User) -> None:
        assert says(sign_in(client, ben.email)) == WRONG

    def test_a_wrong_password_and_an_unknown_name_look_alike(self, client: Client, ben: User) -> None:
        pages = [sign_in(client, "ben", "guessed"), sign_in(client, "nobody", "guessed")]
        assert {says(page) for page in pages} == {WRONG}
        # What was typed as name stands in the form again, and nothing else differs.
        assert pages[0].text == pages[1].text
        assert not is_in(client)

    def test_somebody_without_a_password_looks_like_a_wrong_one(self, client: Client, amina: User) -> None:
        assert not amina.has_usable_password()
        for password in ("", amina.password, "!"):
            sign_in(client, "amina", password)
        assert not is_in(client)
        assert says(sign_in(client, "amina", "guessed")) == WRONG

    def test_what_is_missing_is_said_at_its_field(self, client: Client, db: None) -> None:
        page = sign_in(client, "", "")
        assert page.error_at("id_login")
        assert page.error_at("id_password")

    @pytest.mark.parametrize("name", ["nul\x00", "x" * 10_000, "ben'--", "é" * 200])
    def test_what_cannot_be_a_name_is_a_wrong_one(self, ben: User, name: str) -> None:
        client = browser()
        assert sign_in(client, name).status in (200, 400)
        assert not is_in(client)

    def test_a_password_is_never_shown_again(self, client: Client, ben: User) -> None:
        assert "guessed-it" not in sign_in(client, "ben", "guessed-it").html

    def test_whoever_is_in_already_goes_to_the_worklist(self, client: Client, ben: User) -> None:
        sign_in(client)
        assert client.get(SIGN_IN).headers["Location"] == "/"


class TestWhoCannot:
    def test_somebody_who_left(self, client: Client, ben: User) -> None:
        ben.is_active = False
        ben.save()
        assert sign_in(client).heading == "You cannot sign in"
        assert not is_in(client)
        assert says(sign_in(client, password="guessed")) == WRONG, "only with the password does anybody learn it"

    def test_somebody_who_leaves_while_signed_in(self, client: Client, ben: User) -> None:
        sign_in(client)
        ben.is_active = False
        ben.save()
        assert not is_in(client)

    def test_somebody_whose_roles_have_ended_comes_in_and_sees_nothing(self, client: Client, ben: User) -> None:
        today = local_day(timezone.now())
        Membership.objects.filter(user=ben).update(ends_on=today - timedelta(days=1))
        page = sign_in(client)
        assert "Nothing waits for you here." in page.text
        assert client.get("/teams/aylesbury/").status_code == 404
        assert client.get("/contacts/new/").status_code == 403

    def test_somebody_whose_roles_begin_tomorrow(self, client: Client, ben: User) -> None:
        tomorrow = local_day(timezone.now()) + timedelta(days=1)
        Membership.objects.filter(user=ben).update(starts_on=tomorrow)
        assert "Nothing waits for you here." in sign_in(client).text
        assert client.get("/teams/aylesbury/").status_code == 404

    @pytest.mark.parametrize("name", ["signup", "password/reset", "email", "password/set", "3rdparty", "confirm-email"])
    def test_nobody_makes_an_account_or_sets_a_password(self, client: Client, db: None, name: str) -> None:
        path = f"/accounts/{name}/"
        before = set(User.objects.values_list("username", "password"))
        form = {"username": "eve", "password1": PASSWORD, "password2": PASSWORD, "email": "ben@front-door.example"}
        for answer in (client.get(path), client.post(path, form)):
            page = Page(answer)
            assert page.status in (404, 410, 422) or page.heading in ("Sign in", "Forgotten your password?")
        assert set(User.objects.values_list("username", "password")) == before

    def test_the_page_says_who_helps(self, client: Client, db: None) -> None:
        page = Page(client.get(SIGN_IN))
        assert "Contact your administrator to get an account." in page.text
        assert not [link for link in page.main.all("a") if "signup" in link["href"]]


@contextmanager
def later(monkeypatch: pytest.MonkeyPatch, **passed: float) -> Iterator[None]:
    """As if so much time had passed."""
    real = timezone.now
    with monkeypatch.context() as patched:
        patched.setattr(timezone, "now", lambda: real() + timedelta(**passed))
        yield


@pytest.fixture
def own_valkey() -> Iterator[tuple[str, Child]]:
    """The address of a Valkey of the test's own, and its process."""
    with TemporaryDirectory(prefix="front-door-") as place:
        Path(place).chmod(0o711)
        folders = make_folders(Path(place))
        valkey = embedded.start_valkey(folders)
        yield embedded.redis_url(folders), valkey
        valkey.stop()


class TestTries:
    def tries(self, client: Client, name: str, number: int) -> list[str]:
        return [says(sign_in(client, name, f"guess {n}")) for n in range(number)]

    def test_after_five_a_name_must_wait(self, client: Client, ben: User) -> None:
        assert self.tries(client, "ben", 5) == [WRONG] * 5
        assert says(sign_in(client)) == MUST_WAIT, "also with the right one, on a device where he never signed in"
        assert not is_in(client)

    def test_it_is_never_locked(self, client: Client, ben: User, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tries(client, "ben", 5)
        with later(monkeypatch, seconds=31):
            sign_in(client)
            assert is_in(client)

    def test_each_failure_makes_the_next_wait_longer_and_none_waits_for_ever(
        self, client: Client, ben: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.tries(client, "ben", 5)
        passed, waits = 0.0, []
        for _ in range(9):
            with later(monkeypatch, seconds=passed):
                said = says(sign_in(client, password="guessed"))
                assert said.startswith("There were too many wrong tries. Try again in ")
                until = Tries.objects.get(key=limits.key("account", "ben")).not_before
                assert until is not None
                waits.append(round((until - timezone.now()).total_seconds() / 30))
            passed += waits[-1] * 30 + 1
            with later(monkeypatch, seconds=passed):
                assert says(sign_in(client, password="guessed")) == WRONG
        assert waits == [1, 2, 4, 8, 16, 30, 30, 30, 30], "in half minutes: at most a quarter of an hour"

    def test_what_was_long_ago_is_forgiven(self, client: Client, ben: User, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tries(client, "ben", 5)
        with later(monkeypatch, minutes=31):
            assert self.tries(client, "ben", 3) == [WRONG, WRONG, MUST_WAIT], "two in half an hour"
        with later(monkeypatch, days=1):
            assert self.tries(client, "ben", 6) == [WRONG] * 5 + [MUST_WAIT]

    def test_whatever_its_case(self, client: Client, ben: User) -> None:
        for name in ("ben", "Ben", "BEN", "bEn", " ben "):
            sign_in(client, name, "guessed")
        assert says(sign_in(client)) == MUST_WAIT

    def test_from_wherever(self, client: Client, ben: User) -> None:
        for number in range(5):
            client.post(SIGN_IN, {"login": "ben", "password": "guessed"}, REMOTE_ADDR=f"192.0.2.{number}")
        assert says(sign_in(client)) == MUST_WAIT

    def test_an_unknown_name_is_counted_and_told_the_same(self, client: Client, ben: User) -> None:
        assert self.tries(client, "nobody", 6) == [WRONG] * 5 + [MUST_WAIT]
        assert self.tries(client, "ben", 6) == [WRONG] * 5 + [MUST_WAIT]
        pages = [sign_in(client, name, "guessed") for name in ("ben", "nobody")]
        assert pages[0].text == pages[1].text

    def test_an_unknown_name_costs_as_many_statements(self, client: Client, ben: User) -> None:
        self.tries(client, "ben", 1)
        costs = []
        for name in ("ben", "nobody"):
            with asked() as cost:
                sign_in(client, name, "guessed")
            costs.append(cost.statements)
        assert costs[0] == costs[1]

    def test_others_are_not_kept_out_by_it(self, client: Client, ben: User, amina: User) -> None:
        amina.set_password(PASSWORD)
        amina.save()
        self.tries(client, "ben", 6)
        sign_in(client, "amina")
        assert is_in(client)

    def test_one_network_tries_twenty_names_and_then_waits(self, client: Client, ben: User) -> None:
        for number in range(20):
            sign_in(client, f"name-{number}", "guessed")
        assert says(sign_in(client)) == MUST_WAIT
        assert says(Page(client.post(SIGN_IN, {"login": "ben", "password": "x"}, REMOTE_ADDR="192.0.2.7"))) == WRONG

    def test_of_an_ipv6_address_the_first_half_is_the_network(self, client: Client, ben: User) -> None:
        for number in range(20):
            client.post(SIGN_IN, {"login": f"name-{number}", "password": "x"}, REMOTE_ADDR=f"2001:db8:0:1::{number}")
        for address, said in (("2001:db8:0:1:ffff::9", MUST_WAIT), ("2001:db8:0:2::1", WRONG)):
            assert says(Page(client.post(SIGN_IN, {"login": "ben", "password": "x"}, REMOTE_ADDR=address))) == said

    def test_many_networks_together_wait_too(self, client: Client, ben: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "EVERYBODY", replace(limits.EVERYBODY, free=12))
        for number in range(12):
            sent = {"login": f"name-{number}", "password": "x"}
            assert says(Page(client.post(SIGN_IN, sent, REMOTE_ADDR=f"198.51.{number}.1"))) == WRONG
        assert says(sign_in(client)) == MUST_WAIT

    def test_a_forged_address_is_not_believed(self, client: Client, ben: User) -> None:
        for number in range(20):
            forged = {"X-Forwarded-For": f"192.0.2.{number}"}
            client.post(SIGN_IN, {"login": f"name-{number}", "password": "guessed"}, headers=forged)
        answer = client.post(SIGN_IN, {"login": "ben", "password": "x"}, headers={"X-Forwarded-For": "192.0.2.99"})
        assert says(Page(answer)) == MUST_WAIT

    def test_whoever_knows_the_password_is_not_counted(self, ben: User) -> None:
        for _ in range(25):
            client = browser()
            sign_in(client)
            assert is_in(client)
        assert {row.failed for row in Tries.objects.all()} == {0}

    def test_the_cache_has_no_part_in_it(self, client: Client, ben: User) -> None:
        self.tries(client, "ben", 5)
        cache.clear()
        assert says(sign_in(client)) == MUST_WAIT

    def test_it_holds_while_valkey_is_away(
        self, client: Client, ben: User, settings: Settings, own_valkey: tuple[str, Child],
        caplog: pytest.LogCaptureFixture,
    ) -> None:  # fmt: skip
        address, valkey = own_valkey
        cache_there = settings.CACHES["default"] | {"LOCATION": address}
        settings.CACHES = settings.CACHES | {"default": cache_there}
        assert caches["default"].add("answers", 1)
        assert self.tries(client, "ben", 2) == [WRONG] * 2
        valkey.stop()
        caplog.clear()
        caches["default"].get("answers")
        assert [line["event"] for line in logs.lines(caplog)] == ["nothing is counted: Redis or Valkey does not answer"]
        assert self.tries(client, "ben", 4) == [WRONG] * 3 + [MUST_WAIT]

    def test_no_name_and_no_address_stands_in_the_counts(self, client: Client, db: None) -> None:
        sign_in(client, "a-password-in-the-wrong-field", "x")
        assert [key for key in Tries.objects.values_list("key", flat=True) if "password" in key or "127" in key] == []

    def test_the_present_password_is_guessed_no_more_often_by_whoever_finds_a_browser_open(
        self, client: Client, ben: User
    ) -> None:
        sign_in(client)
        sent = {"password1": "teal bicycle gravy", "password2": "teal bicycle gravy"}
        said = [
            Page(client.post(CHANGE, sent | {"oldpassword": f"guess {n}"})).error_at("id_oldpassword")
            for n in range(11)
        ]
        assert set(said[:10]) == {"Please type your current password."}
        assert said[10] == MUST_WAIT


class TestAKnownDevice:
    """Somebody signed in there before: strangers' guesses do not keep them out."""

    @pytest.fixture
    def known(self, ben: User) -> Client:
        client = browser()
        sign_in(client)
        client.post(SIGN_OUT)
        return client

    def strangers_guess(self, name: str = "ben") -> None:
        for number in range(6):
            browser().post(SIGN_IN, {"login": name, "password": "guessed"}, REMOTE_ADDR=f"192.0.2.{number}")

    def test_the_right_password_is_let_in_while_strangers_guess(self, known: Client) -> None:
        self.strangers_guess()
        assert says(sign_in(browser())) == MUST_WAIT
        sign_in(known)
        assert is_in(known)

    def test_also_where_its_whole_network_must_wait(self, known: Client) -> None:
        for number in range(20):
            sign_in(browser(), f"name-{number}", "guessed")
        assert says(sign_in(browser())) == MUST_WAIT
        sign_in(known)
        assert is_in(known)

    def test_it_has_ten_tries_of_its_own(self, known: Client) -> None:
        assert {says(sign_in(known, password=f"guess {n}")) for n in range(10)} == {WRONG}
        assert says(sign_in(known)) == MUST_WAIT
        assert is_in_after(browser()), "and they count nowhere else"

    def test_to_others_it_is_a_stranger(self, known: Client, amina: User) -> None:
        self.strangers_guess("amina")
        assert says(sign_in(known, "amina")) == MUST_WAIT

    def test_several_people_may_share_it(self, known: Client, amina: User) -> None:
        amina.set_password(PASSWORD)
        amina.save()
        sign_in(known, "amina")
        known.post(SIGN_OUT)
        for name in ("ben", "amina"):
            self.strangers_guess(name)
            sign_in(known, name)
            assert is_in(known)
            known.post(SIGN_OUT)

    def test_it_is_none_any_more_when_the_password_changes(self, known: Client, ben: User) -> None:
        ben.set_password(PASSWORD)
        ben.save()
        self.strangers_guess()
        assert says(sign_in(known)) == MUST_WAIT

    def test_but_for_the_one_where_it_was_changed(self, known: Client, ben: User) -> None:
        elsewhere, new = browser(), "teal bicycle gravy"
        for client in (known, elsewhere):
            sign_in(client)
        sent = {"oldpassword": PASSWORD, "password1": new, "password2": new}
        assert known.post(CHANGE, sent).status_code == 302
        known.post(SIGN_OUT)
        self.strangers_guess()
        assert says(sign_in(elsewhere, password=new)) == MUST_WAIT
        assert is_in_after(known, password=new)

    def test_nor_when_the_persons_other_sessions_are_ended_elsewhere(self, known: Client, ben: User) -> None:
        here = browser()
        sign_in(here)
        assert here.post("/account/sessions/end/").status_code == 302
        here.post(SIGN_OUT)
        self.strangers_guess()
        assert says(sign_in(known)) == MUST_WAIT
        assert is_in_after(here)

    def test_nor_after_ninety_days(self, known: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        for days, said in ((89, ""), (90, MUST_WAIT)):
            KnownDevice.objects.update(used_at=timezone.now() - timedelta(days=days))
            self.strangers_guess()
            assert says(sign_in(known)) == said
            known.post(SIGN_OUT)

    def test_its_cookie_is_signed_and_its_secret_is_stored_as_a_hash(self, known: Client, ben: User) -> None:
        cookie = known.cookies["device"]
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
        assert cookie["max-age"] == 90 * 24 * 3600
        secret = cookie.value.split(":")[0]
        device = KnownDevice.objects.get(user=ben)
        assert secret not in (device.secret_hash, device.session_hash)
        forged = browser()
        forged.cookies["device"] = secret
        self.strangers_guess()
        assert says(sign_in(forged)) == MUST_WAIT

    def test_guessing_makes_none(self, ben: User) -> None:
        client = browser()
        sign_in(client, password="guessed")
        assert "device" not in client.cookies
        assert not KnownDevice.objects.exists()


def is_in_after(client: Client, password: str = PASSWORD) -> bool:
    sign_in(client, password=password)
    return is_in(client)


class TestWhatIsRecorded:
    def recorded(self) -> list[tuple[str, str, str | None]]:
        """Kind, user name and address, in order."""
        events = SignInEvent.objects.order_by("id").select_related("user")
        return [(each.kind, each.user.username if each.user else "", each.address) for each in events]

    def test_signing_in_and_out(self, client: Client, ben: User) -> None:
        agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0"
        client.post(
            SIGN_IN, {"login": "ben", "password": PASSWORD}, REMOTE_ADDR="192.0.2.7", headers={"User-Agent": agent}
        )
        client.post(SIGN_OUT, REMOTE_ADDR="192.0.2.8")
        assert self.recorded() == [("signed_in", "ben", "192.0.2.7"), ("signed_out", "ben", "192.0.2.8")]
        came = SignInEvent.objects.earliest("id")
        assert (came.device, came.is_known_device) == ("Firefox on Windows", False)
        sign_in(client)
        assert SignInEvent.objects.latest("id").is_known_device

    def test_a_wrong_password_and_the_one_that_makes_the_next_wait(self, client: Client, ben: User) -> None:
        for _ in range(7):
            sign_in(client, password="guessed")
        assert [kind for kind, _, _ in self.recorded()] == ["failed"] * 4 + ["slowed"], "a flood fills no table"
        assert {name for _, name, _ in self.recorded()} == {"ben"}

    def test_a_name_that_nobody_has_is_not_stored(self, client: Client, db: None) -> None:
        sign_in(client, "my-own-password", "my-other-password")
        assert self.recorded() == [("failed", "", "127.0.0.1")]
        assert "my-" not in str(SignInEvent.objects.values().get())

    def test_the_right_password_of_somebody_who_left(self, client: Client, ben: User) -> None:
        ben.is_active = False
        ben.save()
        sign_in(client)
        assert self.recorded() == [("account_closed", "ben", "127.0.0.1")]

    def test_a_password_that_was_changed(self, client: Client, ben: User) -> None:
        sign_in(client)
        sent = {"oldpassword": PASSWORD, "password1": "teal bicycle gravy", "password2": "teal bicycle gravy"}
        client.post(CHANGE, sent)
        assert [kind for kind, _, _ in self.recorded()] == ["signed_in", "password_changed"]

    def test_a_page_that_was_refused(self, client: Client, ben: User) -> None:
        sign_in(client)
        assert client.get("/contacts/new/").status_code == 403
        refused = SignInEvent.objects.latest("id")
        assert (refused.kind, refused.user, refused.page) == ("refused", ben, "contact-new")

    def test_the_address_is_the_one_that_the_proxy_saw(
        self, client: Client, ben: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
        sent = {"login": "ben", "password": PASSWORD}
        client.post(SIGN_IN, sent, headers={"X-Forwarded-For": "203.0.113.9, 192.0.2.7"}, REMOTE_ADDR="10.0.0.1")
        assert self.recorded() == [("signed_in", "ben", "192.0.2.7")]


def test_a_long_form_says_how_long_somebody_is_signed_in(client: Client, oliver: User) -> None:
    """What is typed is saved until then, and not after that."""
    oliver.set_password(PASSWORD)
    oliver.save()
    began = timezone.now()
    sign_in(client, "oliver")
    ends = timezone.localtime(began + timedelta(hours=10))
    said = Page(client.get(f"/contacts/new/{'0' * 32}/concern/")).text
    assert any(
        f"You are signed in until {date_format(at, get_format('DATETIME_FORMAT'))} at the latest" in said
        for at in (ends, ends + timedelta(minutes=1))
    )


class TestWhereItLeads:
    def test_to_the_page_that_was_asked_for(self, client: Client, ben: User) -> None:
        asked = client.get("/teams/aylesbury/")
        assert asked.headers["Location"] == f"{SIGN_IN}?next=/teams/aylesbury/"
        form = Page(client.get(asked.headers["Location"])).form(SIGN_IN)
        answer = client.post(SIGN_IN, form | {"login": "ben", "password": PASSWORD})
        assert answer.headers["Location"] == "/teams/aylesbury/"

    @pytest.mark.parametrize(
        "next_",
        ["https://elsewhere.example/", "//elsewhere.example/", "///elsewhere.example", "https:elsewhere.example",
         "/\\elsewhere.example", "javascript:alert(1)", "http://testserver@elsewhere.example/", "\thttps://elsewhere.example",
         "https://testserver.elsewhere.example/", ""],
    )  # fmt: skip
    def test_never_elsewhere(self, client: Client, ben: User, next_: str) -> None:
        for path, field in ((f"{SIGN_IN}?next={quote(next_)}", {}), (SIGN_IN, {"next": next_})):
            answer = client.post(path, {"login": "ben", "password": PASSWORD, **field})
            assert answer.headers["Location"] == "/"
            answer = client.get(f"{SIGN_IN}?next={quote(next_)}")
            assert answer.headers["Location"] == "/", "nor for whoever is in already"
            answer = client.post(f"{SIGN_OUT}?next={quote(next_)}", field)
            assert answer.headers["Location"].startswith(SIGN_IN)


class TestSessions:
    def test_the_cookie_is_ours_alone_and_ends_with_the_browser(self, client: Client, ben: User) -> None:
        sign_in(client)
        session, token = client.cookies["sessionid"], client.cookies["csrftoken"]
        assert session["httponly"] is True
        assert token["httponly"] is True
        assert session["samesite"] == token["samesite"] == "Lax"
        assert (session["max-age"], session["expires"]) == ("", "")
        assert session["path"] == "/"

    def test_it_ends_after_a_day_of_work_at_the_latest(self, client: Client, ben: User) -> None:
        sign_in(client)
        assert client.session.get_expiry_age() == 10 * 3600
        Session.objects.filter(pk=client.session.session_key).update(expire_date=timezone.now() - timedelta(seconds=1))
        assert not is_in(client)

    def test_signing_in_begins_a_new_one(self, client: Client, ben: User) -> None:
        """A session id that an attacker has planted does not survive the sign-in."""
        client.get(SIGN_IN)
        planted = client.session
        planted["planted"] = True
        planted.save()
        sign_in(client)
        assert client.session.session_key != planted.session_key

    def test_signing_out_ends_it(self, client: Client, ben: User) -> None:
        sign_in(client)
        key = client.cookies["sessionid"].value
        answer = client.post(SIGN_OUT)
        assert (answer.status_code, answer.headers["Location"]) == (302, SIGN_IN)
        client.cookies["sessionid"] = key
        assert not is_in(client), "the old cookie opens nothing"

    def test_a_link_signs_nobody_out(self, client: Client, ben: User) -> None:
        sign_in(client)
        page = Page(client.get(SIGN_OUT))
        assert page.heading == "Sign out"
        assert SIGN_OUT in page.actions
        assert is_in(client)


class TestChangingAPassword:
    NEW = "a different long password"

    def change(self, client: Client, old: str = PASSWORD, new: str = NEW, again: str | None = None) -> Page:
        sent = {"oldpassword": old, "password1": new, "password2": new if again is None else again}
        return Page(client.post(CHANGE, sent, follow=True))

    def test_needs_the_old_one_and_the_new_one_twice(self, client: Client, ben: User) -> None:
        sign_in(client)
        self.change(client)
        ben.refresh_from_db()
        assert ben.check_password(self.NEW)
        assert is_in(client), "whoever changes it stays in"

    def test_is_for_whoever_is_signed_in(self, client: Client, db: None) -> None:
        for answer in (client.get(CHANGE), client.post(CHANGE, {})):
            assert answer.headers["Location"].startswith(SIGN_IN)

    def test_not_with_a_wrong_old_one(self, client: Client, ben: User) -> None:
        sign_in(client)
        assert self.change(client, old="guessed").error_at("id_oldpassword") == "Please type your current password."
        ben.refresh_from_db()
        assert ben.check_password(PASSWORD)

    def test_not_with_two_different_new_ones(self, client: Client, ben: User) -> None:
        sign_in(client)
        assert self.change(client, again=self.NEW + "!").error_at("id_password2")
        ben.refresh_from_db()
        assert ben.check_password(PASSWORD)

    @pytest.mark.parametrize("new", ["eleven char", "password1234", "ben@front-door.example"])
    def test_not_to_one_that_is_easy_to_guess(self, client: Client, ben: User, new: str) -> None:
        sign_in(client)
        assert self.change(client, new=new).error_at("id_password1")
        ben.refresh_from_db()
        assert ben.check_password(PASSWORD)

    def test_nor_to_the_persons_own_name(self, client: Client, maya: User) -> None:
        """An attacker tries the user's name first."""
        maya.name = "Maya Brooks-Hernandez"
        maya.set_password(PASSWORD)
        maya.save()
        sign_in(client, "maya")
        assert self.change(client, new="Maya Brooks-Hernandez").error_at("id_password1")

    def test_ends_every_other_session(self, client: Client, ben: User) -> None:
        elsewhere = Client()
        for one in (client, elsewhere):
            sign_in(one)
        self.change(client)
        assert is_in(client)
        assert not is_in(elsewhere)


def test_every_page_asks_for_a_sign_in_but_those_that_cannot(client: Client, db: None) -> None:
    """The addresses that need no sign-in are listed here. Those of the API may have a slash after them."""
    is_open = {
        path
        for path, pattern in _addresses(get_resolver())
        if not getattr(pattern.callback, "login_required", True) and not path.startswith("admin/")
    }
    api = {
        "api/v1", "api/v1/contacts", "api/v1/contacts/<reference:reference>",
        "api/v1/contacts/<reference:reference>/withdraw", "api/v1/contacts/<reference:reference>/chase",
        "api/v1/contacts/<reference:reference>/escalate",
        "api/v1/contact-batches", "api/v1/contact-batches/<slug:key>", "api/v1/partner-checks",
        "api/v1/events",
        "api/v1/partner-checks/<slug:key>", "api/v1/partner-checks/<slug:key>/replies",
        "api/v1/contacts/<reference:reference>/files", "api/v1/contacts/<reference:reference>/information",
        "api/v1/agency/quality", "api/v1/threshold-check", "api/v1/reference-data", "api/v1/schema", "api/v1/docs",
    }  # fmt: skip
    assert is_open == api | {f"{address}/" for address in api} | {
        "accessibility/",
        "accounts/login/", "accounts/login/second-step/", "accounts/login/passkey/",
        "accounts/council/<slug:provider_id>/", "accounts/council/<slug:provider_id>/back/",
        "accounts/logout/", "accounts/inactive/", "accounts/signup/", "accounts/password/reset/",
        "accounts/password/reset/sent/", "accounts/password/set/", "accounts/password/set/<slug:token>/",
        "o/token", "o/token/", "o/revoke", "favicon.ico", "healthz", "readyz", "metrics",
    }  # fmt: skip


def _addresses(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        here = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _addresses(entry, here)
        else:
            yield here, entry


def test_people_sign_in_while_valkey_is_away(client: Client, ben: User, settings: Settings) -> None:
    """Valkey holds nothing that matters, and tries are counted elsewhere."""
    away = {"LOCATION": "unix:///nowhere/valkey.sock"}
    settings.CACHES = {name: cache | away for name, cache in settings.CACHES.items()}
    answer = client.post(SIGN_IN, {"login": "ben", "password": PASSWORD})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")


def test_no_large_body_is_read_from_a_stranger(db: None) -> None:
    large = SimpleUploadedFile("large", b"x" * (3 * 1024 * 1024))
    answer = browser().post(SIGN_IN, {"login": "ben", "password": "x", "file": large})
    assert answer.status_code == 413
