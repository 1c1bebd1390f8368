"""One's own account: sessions, the second step of signing in, what asks for it again, and who lets somebody in."""

import re
import time
from datetime import timedelta
from importlib import import_module
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from casework.actions import passwords, signing_in
from casework.messages import wording
from casework.models import AuditEvent, Event, FactorReset, OutboxMessage, SecondFactorRule, SignInEvent
from errors import NotAllowedInStatus
from localities.models import Agency, AgencyClient, KnownDevice, Membership, Role, User
from tests.stage.administrator import Administrator
from tests.stage.passkeys import Passkey, asked, options_on
from tests.stage.staff import SignedIn
from tests.stage.story import Story, person
from tests.stage.web_client import Page, browser

SIGN_IN, STEP, APP, CODE = (
    "/accounts/login/",
    "/accounts/second-step/",
    "/accounts/second-step/app/",
    "/accounts/login/second-step/",
)
PASSWORD = "correct horse battery staple"
WRONG_CODE = "Enter the code that the app shows now, or a recovery code that you have not used"
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36"


@pytest.fixture
def ben(ben: User) -> User:
    """Ben, with a password."""
    ben.set_password(PASSWORD)
    ben.save()
    return ben


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> "Hands":
    return Hands(monkeypatch)


class Hands:
    """The clock that allauth and our doors look at. A code of an app is good for one half minute."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.moved, real = 0.0, time.time
        monkeypatch.setattr(time, "time", lambda: real() + self.moved)

    def pass_(self, *, minutes: float) -> None:
        self.moved += minutes * 60


def sign_in(client: Client, name: str = "ben", **headers: str) -> Page:
    return Page(client.post(SIGN_IN, {"login": name, "password": PASSWORD}, follow=True, headers=headers))


def code_of(secret: str) -> str:
    code: str = totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30))
    return code


def set_up_an_app(client: Client) -> tuple[str, list[str]]:
    """The secret of the app, and the recovery codes that are shown then."""
    page = Page(client.get(APP))
    secret = page.root.all("code")[0].text
    page = Page(client.post(APP, {"code": code_of(secret)}, follow=True))
    assert page.heading == "Recovery codes"
    return secret, [item.text for item in page.main.all("code")]


def is_in(client: Client) -> bool:
    return client.get("/").status_code == 200


class TestACodeFromAnApp:
    def test_is_asked_for_after_the_password(self, ben: User, clock: Hands) -> None:
        client = browser()
        sign_in(client)
        secret, _ = set_up_an_app(client)
        clock.pass_(minutes=1)
        elsewhere = browser()
        assert sign_in(elsewhere).heading == "Second step of signing in"
        assert not is_in(elsewhere)
        page = Page(elsewhere.post(CODE, {"code": "000000"}, follow=True))
        assert page.error_at("id_code") == WRONG_CODE
        assert not is_in(elsewhere)
        elsewhere.post(CODE, {"code": code_of(secret)})
        assert is_in(elsewhere)

    def test_that_is_wrong_sets_up_no_app(self, ben: User) -> None:
        client = browser()
        sign_in(client)
        client.get(APP)
        assert Page(client.post(APP, {"code": "000000"})).error_at("id_code") == "Enter the code that the app shows now"
        assert not Authenticator.objects.exists()

    def test_signs_in_once(self, ben: User, clock: Hands, settings: Settings) -> None:
        """Whoever looks over a shoulder cannot use it again; also while Redis, which remembers codes, is away."""
        client = browser()
        sign_in(client)
        secret, _ = set_up_an_app(client)
        clock.pass_(minutes=1)
        away = {"LOCATION": "unix:///nowhere/valkey.sock"}
        settings.CACHES = {name: cache | away for name, cache in settings.CACHES.items()}
        code = code_of(secret)
        for client, gets_in in ((browser(), True), (browser(), False)):
            sign_in(client)
            client.post(CODE, {"code": code})
            assert is_in(client) == gets_in

    def test_is_stored_so_that_whoever_reads_the_database_can_make_none(self, ben: User) -> None:
        client = browser()
        sign_in(client)
        secret, codes = set_up_an_app(client)
        stored = str(list(Authenticator.objects.values_list("data", flat=True)))
        assert secret not in stored
        assert not any(code in stored for code in codes)
        assert len(codes) == 10

    def test_an_older_key_still_decrypts(self, ben: User, settings: Settings, clock: Hands) -> None:
        client = browser()
        sign_in(client)
        secret, _ = set_up_an_app(client)
        clock.pass_(minutes=1)
        settings.FACTORS_KEYS = ["a new key of forty characters or of more than that", *settings.FACTORS_KEYS]
        elsewhere = browser()
        sign_in(elsewhere)
        elsewhere.post(CODE, {"code": code_of(secret)})
        assert is_in(elsewhere)

    def test_its_secret_is_encrypted_in_the_session_while_it_is_set_up(self, ben: User) -> None:
        client = browser()
        sign_in(client)
        secret = Page(client.get(APP)).root.all("code")[0].text
        assert secret not in str(dict(client.session.items()))
        again = Page(client.post(APP, {"code": "000000"}))
        assert again.root.all("code")[0].text == secret
        assert secret not in str(dict(client.session.items()))
        client.post(APP, {"code": code_of(secret)})
        assert Authenticator.objects.filter(user=ben, type="totp").exists()
        assert totp.SECRET_SESSION_KEY not in client.session

    def test_one_that_was_begun_under_an_earlier_version_begins_anew(self, ben: User) -> None:
        client = browser()
        sign_in(client)
        session = client.session
        session[totp.SECRET_SESSION_KEY] = before = totp.generate_totp_secret()
        session.save()
        page = Page(client.post(APP, {"code": code_of(before)}))
        assert page.root.all("code")[0].text != before
        assert not Authenticator.objects.filter(user=ben).exists()

    def test_a_recovery_code_stands_in_for_it_once(self, ben: User) -> None:
        client = browser()
        sign_in(client)
        _, codes = set_up_an_app(client)
        for client, gets_in in ((browser(), True), (browser(), False)):
            sign_in(client)
            client.post(CODE, {"code": codes[0]})
            assert is_in(client) == gets_in

    def test_that_set_up_the_app_signs_nobody_in(self, ben: User, django_capture_on_commit_callbacks: Any) -> None:
        """Whoever looked over a shoulder then saw it, too."""
        client = browser()
        sign_in(client)
        with django_capture_on_commit_callbacks(execute=True):
            secret, _ = set_up_an_app(client)
        elsewhere = browser()
        sign_in(elsewhere)
        assert Page(elsewhere.post(CODE, {"code": code_of(secret)})).error_at("id_code") == WRONG_CODE
        assert not is_in(elsewhere)

    @pytest.mark.parametrize(
        ("used_before", "says"),
        [(0, "9 are left."), (5, "4 are left."), (6, "3 are left. Make new ones now"), (8, "1 is left. Make new ones"),
         (9, "none is left. Make new ones now")],
    )  # fmt: skip
    def test_after_a_recovery_code_the_page_says_how_many_are_left(
        self, ben: User, used_before: int, says: str
    ) -> None:
        client = browser()
        sign_in(client)
        _, codes = set_up_an_app(client)
        kept = Authenticator.objects.get(user=ben, type="recovery_codes")
        kept.data["used_mask"] = (1 << used_before) - 1
        kept.save()
        elsewhere = browser()
        sign_in(elsewhere)
        page = Page(elsewhere.post(CODE, {"code": codes[9]}, follow=True))
        assert page.heading == "Your worklist"
        assert f"You used a recovery code: {says}" in page.text
        assert ("Make new ones now" in page.text) == (used_before >= 6)
        (link,) = [each for each in page.main.all("a") if each.text == "Make new recovery codes"]
        assert Page(elsewhere.get(link["href"])).heading == "Make new recovery codes"
        warned = "Few recovery codes are left" in Page(elsewhere.get(STEP)).text
        assert warned == (used_before >= 6)
        assert "recovery code" not in Page(elsewhere.get("/")).text, "it is said once"

    def test_after_a_code_from_the_app_it_says_nothing(self, ben: User, clock: Hands) -> None:
        client = browser()
        sign_in(client)
        secret, _ = set_up_an_app(client)
        clock.pass_(minutes=1)
        elsewhere = browser()
        sign_in(elsewhere)
        assert "recovery" not in Page(elsewhere.post(CODE, {"code": code_of(secret)}, follow=True)).text

    def test_recovery_codes_are_shown_once(self, ben: User) -> None:
        client = browser()
        sign_in(client)
        _, codes = set_up_an_app(client)
        again = Page(client.get("/accounts/second-step/recovery-codes/"))
        assert not any(code in again.html for code in codes)

    def test_what_is_set_up_and_removed_is_in_the_audit(
        self, ben: User, django_capture_on_commit_callbacks: object
    ) -> None:
        client = browser()
        sign_in(client)
        with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]  # pytest-django's fixture
            set_up_an_app(client)
        assert OutboxMessage.objects.get(kind="factor_added").to == ben.email, "a stranger may have done it"
        page = Page(client.post(f"{APP}remove/", follow=True))
        assert "Set up an app" in page.text
        events = AuditEvent.objects.filter(by_user=ben, event__in=("factor_added", "factor_removed"))
        assert {(each.event, each.detail["kind"]) for each in events} == {
            ("factor_added", "totp"), ("factor_added", "recovery_codes"),
            ("factor_removed", "totp"), ("factor_removed", "recovery_codes"),
        }  # fmt: skip

    def test_new_recovery_codes_are_in_the_audit_and_their_person_is_told(
        self, ben: User, django_capture_on_commit_callbacks: Any
    ) -> None:
        client = browser()
        sign_in(client)
        with django_capture_on_commit_callbacks(execute=True):
            set_up_an_app(client)
        assert not OutboxMessage.objects.filter(kind="codes_made").exists(), "the first come with the app"
        with django_capture_on_commit_callbacks(execute=True):
            client.post("/accounts/second-step/recovery-codes/new/")
        told = OutboxMessage.objects.get(kind="codes_made")
        assert told.to == ben.email
        assert AuditEvent.objects.filter(by_user=ben, event="factor_added", detail__kind="recovery_codes").count() == 2

    def test_who_removes_a_passkey_is_told_and_information_governance_reads_it(self, ben: User) -> None:
        client = browser()
        sign_in(client)
        Passkey().add(client)
        held = Authenticator.objects.get(user=ben, type="webauthn")
        client.post(f"{STEP}passkeys/{held.pk}/remove/")
        assert not Authenticator.objects.filter(user=ben).exists()
        assert OutboxMessage.objects.get(kind="factor_removed").to == ben.email
        read = Administrator("iris").open("/admin/casework/auditevent/?event__exact=factor_removed")
        assert "Second step of signing in removed" in read.text
        assert "Ben Carter" in read.text

    def test_what_they_are_told_names_no_secret(self, ben: User, django_capture_on_commit_callbacks: Any) -> None:
        client = browser()
        sign_in(client)
        with django_capture_on_commit_callbacks(execute=True):
            secret, codes = set_up_an_app(client)
            client.post("/accounts/second-step/recovery-codes/new/")
            client.post(f"{APP}remove/")
        letters = [wording.write(each) for each in OutboxMessage.objects.filter(to=ben.email)]
        assert len(letters) == 3
        for letter in letters:
            assert "call your administrator now" in letter.text
            assert "/account/" in letter.text
            assert not any(each in letter.subject + letter.text for each in (secret, *codes, "ben", "Ben"))


class TestAPasskeyThatARoleNeeds:
    """It must be used, not only be there."""

    @pytest.fixture
    def passkey(self, ben: User, clock: Hands) -> Passkey:
        """Ben's, who has an app, too. His role needs a passkey."""
        client, passkey = browser(), Passkey()
        sign_in(client)
        self.secret, self.codes = set_up_an_app(client)
        passkey.add(client)
        SecondFactorRule.objects.filter(role="team_lead").update(kind="passkey")
        clock.pass_(minutes=1)
        return passkey

    def test_no_code_signs_in(self, passkey: Passkey) -> None:
        client = browser()
        page = sign_in(client)
        assert "Your role needs the passkey." in page.text
        assert "If you have lost your passkey" in page.text
        assert "Type one of your recovery codes" not in page.text
        assert [each for each in page.main.all("input") if each["name"] == "code"] == []
        for code in (code_of(self.secret), self.codes[0]):
            page = Page(client.post(CODE, {"code": code}))
            assert "Use your passkey: your role needs it" in page.text
            assert not is_in(client)
        kept = Authenticator.objects.get(type="recovery_codes").wrap()
        assert len(kept.get_unused_codes()) == 10, "a code that is refused is not used up"

    def test_the_passkey_does_as_the_second_step_and_by_itself(self, passkey: Passkey) -> None:
        client = browser()
        options = options_on(sign_in(client))["request_options"]
        client.post(CODE, {"credential": passkey.answer(options)})
        assert is_in(client)
        client = browser()
        passkey.signs_in(client)
        assert is_in(client)

    def test_it_alone_shows_again_that_it_is_them(self, passkey: Passkey, clock: Hands) -> None:
        client = browser()
        passkey.signs_in(client)
        clock.pass_(minutes=16)
        again = "/accounts/again/passkey/"
        assert client.get("/account/let-in/").headers["Location"] == f"{again}?next=%2Faccount%2Flet-in%2F"
        for path, sent in (("", {"password": PASSWORD}), ("code/", {"code": self.codes[0]})):
            client.post(f"/accounts/again/{path}", sent)
            assert client.get("/account/let-in/").status_code == 302
        page = Page(client.get(again))
        assert "Other ways" not in page.text
        client.post(again, {"credential": passkey.answer(options_on(page)["request_options"])})
        assert client.get("/account/let-in/").status_code == 200

    def test_others_may_still_type_a_code(self, passkey: Passkey) -> None:
        SecondFactorRule.objects.filter(role="team_lead").update(kind="any")
        client = browser()
        sign_in(client)
        client.post(CODE, {"code": self.codes[0]})
        assert is_in(client)

    def test_who_has_none_yet_sets_it_up_with_the_code_of_the_app(self, passkey: Passkey) -> None:
        Authenticator.objects.filter(type="webauthn").delete()
        client = browser()
        sign_in(client)
        client.post(CODE, {"code": code_of(self.secret)})
        assert client.get("/").headers["Location"] == STEP
        Passkey().add(client)
        assert is_in(client)

    def test_who_lost_it_is_let_in_by_two_others(self, passkey: Passkey, maya: User) -> None:
        ben, now = person("ben"), timezone.now()
        reset = signing_in.ask_to_let_in(person_id=ben.pk, reason="Stolen. I called back.", by=maya, now=now)
        signing_in.agree_to_let_in(reset_id=reset.pk, by=person("sam"), now=now)
        client = browser()
        assert "Your role needs a passkey." in sign_in(client).text
        Passkey().add(client)
        assert is_in(client)

    def test_an_answer_of_it_is_taken_once(self, passkey: Passkey) -> None:
        client = browser()
        answer = passkey.answer(asked(client))
        client.post("/accounts/login/passkey/", {"credential": answer})
        assert is_in(client)
        client.post("/accounts/logout/")
        for elsewhere in (client, browser()):
            asked(elsewhere)
            elsewhere.post("/accounts/login/passkey/", {"credential": answer})
            assert not is_in(elsewhere)

    @pytest.mark.parametrize(
        "credential", ["", "x", "[]", "null", '{"response": []}', '{"response": {"userHandle": 5}}',
                       '{"response": {"userHandle": "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5"}}'],
    )  # fmt: skip
    def test_what_is_no_passkey_signs_nobody_in_and_breaks_nothing(self, passkey: Passkey, credential: str) -> None:
        client = browser(raises=True)
        asked(client)
        assert client.post("/accounts/login/passkey/", {"credential": credential}).status_code == 302
        assert not is_in(client)

    def test_an_office_behind_one_address_uses_many(self, passkey: Passkey) -> None:
        for _ in range(30):
            client = browser()
            passkey.signs_in(client)
            assert is_in(client)

    def test_a_flood_of_questions_waits(self, db: None) -> None:
        """Each is kept in a session of its own."""
        asks = {"Accept": "application/json"}
        answers = [browser().get("/accounts/login/passkey/", headers=asks).status_code for _ in range(110)]
        assert answers[:99] == [200] * 99
        assert answers[-1] == 429


class TestBetweenTheSteps:
    """Somebody has typed the password, and not yet the code."""

    @pytest.fixture
    def waiting(self, ben: User) -> tuple[Client, str]:
        client, elsewhere = browser(), browser()
        sign_in(client)
        _, codes = set_up_an_app(client)
        assert sign_in(elsewhere).heading == "Second step of signing in"
        return elsewhere, codes[0]

    def test_who_changes_the_password_shuts_out_whoever_typed_the_old_one(
        self, waiting: tuple[Client, str], ben: User
    ) -> None:
        client, code = waiting
        ben.set_password("another horse battery staple")
        ben.save()
        assert client.post(CODE, {"code": code}).headers["Location"] == SIGN_IN
        assert not is_in(client)

    def test_a_closed_account_is_not_signed_in(self, waiting: tuple[Client, str], ben: User) -> None:
        client, code = waiting
        before = SignInEvent.objects.filter(kind="signed_in").count()
        User.objects.filter(pk=ben.pk).update(is_active=False)
        assert client.post(CODE, {"code": code}).headers["Location"] == SIGN_IN
        assert not is_in(client)
        assert SignInEvent.objects.filter(kind="signed_in").count() == before
        assert KnownDevice.objects.filter(user=ben).count() == 1, "of the first browser alone"


class TestARoleThatNeedsIt:
    def rule(self, kind: str) -> None:
        SecondFactorRule.objects.filter(role="team_lead").update(kind=kind)

    def test_in_a_demonstration_no_role_does(self, db: None) -> None:
        assert set(SecondFactorRule.objects.values_list("kind", flat=True)) == {"none"}
        assert SecondFactorRule.objects.count() == 10

    def test_in_production_those_who_open_everything_do_from_the_start(self, settings: Settings) -> None:
        settings.PRODUCTION = True
        added: list[Any] = []
        model = Mock(side_effect=SimpleNamespace, objects=SimpleNamespace(bulk_create=added.extend))
        migration = import_module("casework.migrations.0072_signing_in")
        migration.add_rules(SimpleNamespace(get_model=lambda *_: model), None)
        assert {each.role for each in added if each.kind == "any"} == {
            "administrator", "information_governance", "auditor"
        }  # fmt: skip
        assert {each.role for each in added} == set(Role)

    @pytest.mark.parametrize(
        "path", ["/", "/teams/aylesbury/", "/admin/", "/account/", "/search/", "/accounts/password/change/"]
    )
    def test_leads_to_set_it_up_and_opens_nothing_else(self, ben: User, path: str) -> None:
        self.rule("any")
        client = browser()
        sign_in(client)
        assert client.get(path).headers["Location"] == STEP
        assert client.post(path).headers["Location"] == STEP
        assert "Your role needs a passkey or a code from an app." in Page(client.get(STEP)).text
        set_up_an_app(client)
        assert is_in(client)

    def test_what_somebody_typed_when_it_began_is_kept(self, ben: User) -> None:
        client = browser()
        sign_in(client)
        self.rule("any")
        client.post("/search/", {"text": "Ashworth"})
        set_up_an_app(client)
        page = Page(client.get("/search/"))
        assert page.heading == "Send this now?"
        assert "Ashworth" in page.html

    def test_a_code_is_not_enough_where_a_passkey_is_needed(self, ben: User) -> None:
        client = browser()
        sign_in(client)
        set_up_an_app(client)
        self.rule("passkey")
        assert client.get("/").headers["Location"] == STEP
        assert "Your role needs a passkey." in Page(client.get(STEP)).text
        Authenticator.objects.create(user=ben, type="webauthn", data={"name": "Key", "credential": {}})
        assert is_in(client)

    def test_others_go_on(self, db: None) -> None:
        self.rule("passkey")
        assert SignedIn("amina").client.get("/").status_code == 200
        assert SignedIn("ben").client.get("/").headers["Location"] == STEP

    def test_so_does_monitoring(self, ben: User) -> None:
        self.rule("any")
        client = browser()
        sign_in(client)
        assert client.get("/healthz").status_code == 200
        assert client.get("/accessibility/").status_code == 200

    def test_an_administrator_sets_it_and_the_audit_says_so(self, db: None) -> None:
        rule = SecondFactorRule.objects.get(role="team_lead")
        Administrator("adele").change(rule, kind="passkey")
        rule.refresh_from_db()
        assert rule.kind == "passkey"
        event = AuditEvent.objects.filter(event=Event.SETTING_CHANGED).latest("pk")
        assert event.detail["setting"] == "casework.SecondFactorRule"
        assert event.detail["fields"] == ["Second step of signing in"]


class TestSessions:
    def test_each_says_its_device_and_which_is_this_one(self, ben: User) -> None:
        here, elsewhere = browser(), browser()
        sign_in(here, **{"User-Agent": CHROME})
        sign_in(elsewhere, **{"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Version/18 Safari/604"})
        text = Page(here.get("/account/")).text
        assert "Chrome on Windows" in text
        assert "Safari on iPhone" in text
        assert text.count("You are here") == 1
        assert text.count("from 127.0.0.1") == 2

    def test_one_is_ended(self, ben: User) -> None:
        here, elsewhere = browser(), browser()
        sign_in(here)
        sign_in(elsewhere)
        page = Page(here.get("/account/"))
        (action,) = [action for action in page.actions if re.fullmatch(r"/account/sessions/\d+/end/", action)]
        here.post(action)
        assert is_in(here)
        assert not is_in(elsewhere)
        assert "That session has ended already." in Page(here.post(action, follow=True)).text

    def test_all_others_are_ended(self, ben: User) -> None:
        here, *elsewhere = (browser() for _ in range(3))
        for client in (here, *elsewhere):
            sign_in(client)
        here.post("/account/sessions/end/")
        assert is_in(here)
        assert not any(is_in(client) for client in elsewhere)
        assert AuditEvent.objects.get(event=Event.SESSIONS_ENDED).detail["number"] == 2

    SAYS = "You were signed out from another device"

    def test_who_was_signed_out_elsewhere_is_told_and_led_back(self, ben: User) -> None:
        here, one, another = (browser() for _ in range(3))
        for client in (here, one, another):
            sign_in(client)
            client.get("/")
        page = Page(here.get("/account/"))
        here.post(next(each for each in page.actions if re.fullmatch(r"/account/sessions/\d+/end/", each)))
        here.post("/account/sessions/end/")
        for client in (one, another):
            answer = client.get("/teams/aylesbury/")
            assert answer.headers["Location"] == f"{SIGN_IN}?next=/teams/aylesbury/"
            assert self.SAYS in Page(client.get(answer.headers["Location"])).text
            client.post(SIGN_IN, {"login": "ben", "password": PASSWORD, "next": "/teams/aylesbury/"})
            assert client.get("/teams/aylesbury/").status_code == 200

    def test_what_they_sent_then_is_kept(self, ben: User) -> None:
        here, elsewhere = browser(), browser()
        sign_in(here)
        sign_in(elsewhere)
        elsewhere.get("/search/")
        here.post("/account/sessions/end/")
        page = Page(elsewhere.post("/search/", {"text": "Ashworth"}, follow=True))
        assert self.SAYS in page.text
        assert "What you typed is kept." in page.text
        elsewhere.post(SIGN_IN, {"login": "ben", "password": PASSWORD})
        assert "Ashworth" in Page(elsewhere.get("/search/")).html

    @pytest.mark.parametrize("by", ["own", "administrator", "closed"])
    def test_after_another_password_or_a_closed_account_the_page_says_so(self, ben: User, by: str) -> None:
        client = browser()
        sign_in(client)
        if by == "own":
            ben.set_password("another horse battery staple")
            ben.save()
        elif by == "administrator":
            passwords.end_password(user_id=ben.pk, by=person("adele"), now=timezone.now())
        else:
            User.objects.filter(pk=ben.pk).update(is_active=False)
        page = Page(client.get("/teams/aylesbury/", follow=True))
        assert page.heading == "Sign in"
        says = "an administrator closed your account" if by == "closed" else "your password was changed, or an admini"
        assert f"You were signed out because {says}" in page.text
        assert "ben" not in page.text.lower()
        User.objects.filter(pk=ben.pk).update(is_active=True)
        assert not is_in(client), "an account that is opened again does not bring back its sessions"

    def test_after_two_others_let_them_in_it_says_so(self, ben: User, maya: User) -> None:
        client = browser()
        sign_in(client)
        set_up_an_app(client)
        reset = signing_in.ask_to_let_in(person_id=ben.pk, reason="Stolen.", by=maya, now=timezone.now())
        signing_in.agree_to_let_in(reset_id=reset.pk, by=person("sam"), now=timezone.now())
        assert "two colleagues let you in" in Page(client.get("/", follow=True)).text

    def test_without_the_cache_it_says_that_they_were_signed_out(self, ben: User, settings: Settings) -> None:
        away = {"LOCATION": "unix:///nowhere/valkey.sock"}
        settings.CACHES = {name: cache | away for name, cache in settings.CACHES.items()}
        here, elsewhere = browser(), browser()
        for client in (here, elsewhere):
            sign_in(client)
            client.get("/")
        here.post("/account/sessions/end/")
        assert "You were signed out: the time" in Page(elsewhere.get("/", follow=True)).text

    @pytest.mark.parametrize("key", ["", "a" * 32, "nobodys-session-of-32-characters"])
    def test_a_browser_that_had_no_session_is_told_nothing(self, db: None, key: str) -> None:
        client = browser()
        if key:
            client.cookies["sessionid"] = key
        before = Session.objects.count()
        assert "You were signed out" not in Page(client.get("/", follow=True)).text
        assert Session.objects.count() == before, "and stores nothing"

    def test_nor_is_one_whose_person_signed_out(self, ben: User) -> None:
        client = browser()
        sign_in(client)
        client.get("/")
        client.post("/accounts/logout/")
        assert "You were signed out" not in Page(client.get("/", follow=True)).text

    def test_nobody_ends_another_persons(self, ben: User) -> None:
        client = browser()
        sign_in(client)
        SignedIn("amina").client.post(f"/account/sessions/{UserSession.objects.get(user=ben).pk}/end/")
        assert is_in(client)

    def test_one_from_before_the_upgrade_goes_on_and_is_on_the_page(self, db: None) -> None:
        assert not UserSession.objects.exists()
        assert "You are here" in SignedIn("ben").open("/account/").text


class TestARecentSignIn:
    """What opens a restricted record, changes a role or exports is for somebody who signed in just now."""

    AGAIN = "/accounts/again/"

    @pytest.mark.parametrize(
        ("name", "path"),
        [("amina", "/restricted/open/"), ("sam", "/reports/quality/figures.csv"), ("ben", "/account/let-in/"),
         ("ben", "/open-list/open-list.csv"), ("adele", "/admin/localities/agencyclient/add/"),
         ("adele", "/admin/localities/user/2/password/"), ("adele", "/admin/localities/user/add/"),
         ("adele", "/admin/casework/secondfactorrule/1/change/")],
    )  # fmt: skip
    def test_is_asked_for_after_a_quarter_of_an_hour(self, db: None, clock: Hands, name: str, path: str) -> None:
        path = path.replace("/1/", f"/{SecondFactorRule.objects.earliest('pk').pk}/").replace(
            "/2/", f"/{person('ben').pk}/"
        )
        user = person(name)
        user.set_password(PASSWORD)
        user.save()
        client = browser()
        sign_in(client, name)
        clock.pass_(minutes=14.9)
        assert client.get(path).status_code == 200
        clock.pass_(minutes=0.2)
        for answer in (client.get(path), client.post(path) if ".csv" not in path else client.get(path)):
            assert answer.headers["Location"] == f"{self.AGAIN}?next={path.replace('/', '%2F')}"
        assert Page(client.get(answer.headers["Location"])).heading == "Sign in again to go on"
        wrong = client.post(self.AGAIN, {"password": "guessed", "next": path})
        assert Page(wrong).error_at("id_password")
        assert client.get(path).status_code == 302
        answer = client.post(self.AGAIN, {"password": PASSWORD, "next": path})
        assert answer.headers["Location"] == path
        assert client.get(path).status_code == 200

    def test_keeps_what_was_typed_and_goes_on_with_it(self, story: Story, clock: Hands, amina: User) -> None:
        amina.set_password(PASSWORD)
        amina.save()
        client = browser()
        sign_in(client, "amina")
        clock.pass_(minutes=16)
        typed = {"glass-reference": "CON-0000-0000", "glass-reason": "The father is at the door."}
        answer = client.post("/restricted/open/", typed)
        page = Page(client.get(answer.headers["Location"]))
        assert "What you typed is kept." in page.text
        answer = client.post(self.AGAIN, {"password": PASSWORD, "next": "/restricted/open/"})
        page = Page(client.get(answer.headers["Location"]))
        assert page.heading == "Send this now?"
        assert "The father is at the door." in page.text
        page = Page(client.post("/restricted/open/", page.sent_by(page.main.all("form")[0])))
        assert page.status == 422
        assert "The father is at the door." in page.html

    def test_in_the_admin_too_and_no_password_is_kept(self, db: None, clock: Hands, adele: User, ben: User) -> None:
        adele.set_password(PASSWORD)
        adele.save()
        client = browser()
        sign_in(client, "adele")
        clock.pass_(minutes=16)
        path = f"/admin/localities/user/{ben.pk}/change/"
        client.post(path, {"name": "Benjamin Carter", "new_password": "secret words of mine"})
        client.post(self.AGAIN, {"password": PASSWORD, "next": path})
        page = Page(client.get(path))
        assert page.heading == "Send this now?"
        assert "Benjamin Carter" in page.html
        assert "secret words of mine" not in page.html

    @pytest.mark.parametrize("does", ["name-reader", "pass-restriction-on", "lift-restriction"])
    def test_nor_is_a_restricted_record_opened_to_others_without_it(self, db: None, clock: Hands, does: str) -> None:
        iris = person("iris")
        iris.set_password(PASSWORD)
        iris.save()
        client = browser()
        sign_in(client, "iris")
        clock.pass_(minutes=16)
        answer = client.post(reverse(does, args=["CON-2345-6789"]), {"reason": "The father is at the door."})
        assert answer.headers["Location"].startswith(self.AGAIN)

    @pytest.mark.parametrize("path", ["/admin/localities/agencyclient/{}/delete/", "/admin/localities/agencyclient/"])
    def test_nor_is_a_system_taken_away_without_it(self, db: None, clock: Hands, adele: User, path: str) -> None:
        """On its own page, or among others on the list."""
        made = AgencyClient.objects.create(
            agency=Agency.objects.all()[0], name="S", client_type="confidential",
            authorization_grant_type="client-credentials",
        )  # fmt: skip
        adele.set_password(PASSWORD)
        adele.save()
        client = browser()
        sign_in(client, "adele")
        clock.pass_(minutes=16)
        path = path.format(made.pk)
        sent = {"post": "yes", "action": "delete_selected", "_selected_action": str(made.pk)}
        assert client.post(path, sent).headers["Location"].startswith(self.AGAIN)
        assert AgencyClient.objects.filter(pk=made.pk).exists()

    def test_a_code_will_do(self, ben: User, clock: Hands) -> None:
        client = browser()
        sign_in(client)
        secret, _ = set_up_an_app(client)
        clock.pass_(minutes=16)
        assert "/accounts/again/code/" in Page(client.get(self.AGAIN)).html
        client.post("/accounts/again/code/", {"code": code_of(secret)})
        assert client.get("/account/let-in/").status_code == 200


class TestLettingSomebodyIn:
    REASON = "Her telephone was stolen. I called her back on her desk number."

    @pytest.fixture
    def erin(self, erin: User) -> User:
        """Erin, who has an app, and whose telephone is gone."""
        erin.set_password(PASSWORD)
        erin.save()
        client = browser()
        sign_in(client, "erin")
        set_up_an_app(client)
        self.signed_in = client
        return erin

    def ask(self, name: str, person: User) -> Page:
        sent = {"person": str(person.pk), "reason": self.REASON}
        return Page(SignedIn(name).client.post("/account/let-in/", sent, follow=True))

    def agree(self, name: str) -> Page:
        reset = FactorReset.objects.latest("pk")
        return Page(SignedIn(name).client.post(f"/account/let-in/{reset.pk}/agree/", follow=True))

    def test_two_others_let_them_in_and_they_set_up_a_new_one(self, erin: User) -> None:
        SecondFactorRule.objects.filter(role="social_worker").update(kind="any")
        SecondFactorRule.objects.filter(role="contact_officer").update(kind="any")
        assert "can sign in as soon as another person agrees" in self.ask("maya", erin).text
        assert Authenticator.objects.filter(user=erin).exists()
        assert "sets up a second step anew" in self.agree("ben").text
        assert not Authenticator.objects.filter(user=erin).exists()
        assert not is_in(self.signed_in), "a session on the lost telephone ends"
        client = browser()
        assert sign_in(client, "erin").heading == "Second step of signing in"
        assert "Your role needs" in Page(client.get(STEP)).text
        set_up_an_app(client)
        assert is_in(client)
        told = OutboxMessage.objects.filter(to=erin.email).exclude(kind="factor_added").order_by("pk")
        assert [each.kind for each in told] == ["factor_reset_asked", "factors_removed"]
        events = AuditEvent.objects.filter(event__startswith="factor_reset").order_by("pk")
        assert [(each.event, each.by_user and each.by_user.username) for each in events] == [
            ("factor_reset_asked", "maya"), ("factor_reset_agreed", "ben"),
        ]  # fmt: skip

    def test_so_does_whoever_waits_at_the_second_step(self, erin: User) -> None:
        client = browser()
        assert sign_in(client, "erin").heading == "Second step of signing in"
        self.ask("maya", erin)
        self.agree("ben")
        assert Page(client.get("/", follow=True)).heading == "Sign in"
        sign_in(client, "erin")
        assert is_in(client)

    def test_one_alone_does_not(self, erin: User) -> None:
        self.ask("maya", erin)
        assert self.agree("maya").status == 403
        assert Authenticator.objects.filter(user=erin).exists()
        assert "agree" not in str(SignedIn("maya").open("/account/let-in/").actions)

    def test_nobody_does_for_themself(self, erin: User, maya: User, ben: User) -> None:
        Authenticator.objects.create(user=maya, type="totp", data={})
        assert self.ask("maya", maya).status == 422
        self.ask("ben", maya)
        assert self.agree("maya").status == 403
        assert Authenticator.objects.filter(user=maya).exists()

    @pytest.mark.parametrize("name", ["amina", "oliver", "bea", "ava"])
    def test_nor_does_anybody_else(self, erin: User, name: str) -> None:
        assert SignedIn(name).open("/account/let-in/").status == 403
        assert self.ask(name, erin).status == 403
        self.ask("maya", erin)
        assert self.agree(name).status == 403
        assert "Let somebody in" not in SignedIn(name).open("/account/").text

    def test_whom_it_is_about_declines_what_they_did_not_ask_for(self, erin: User) -> None:
        self.ask("maya", erin)
        page = Page(self.signed_in.get("/account/"))
        assert "asked to let you in without your second step" in page.text
        (action,) = [each for each in page.actions if each.endswith("/decline/")]
        self.signed_in.post(action)
        assert self.agree("ben").status == 409
        assert Authenticator.objects.filter(user=erin).exists()

    def test_says_what_is_missing(self, erin: User, oliver: User) -> None:
        page = Page(SignedIn("maya").client.post("/account/let-in/", {}))
        assert page.error_at("id_person") == "Select whom you let in"
        assert page.error_at("id_reason")
        self.ask("maya", erin)
        assert "asked already" in self.ask("ben", erin).error_at("id_person")

    def test_once(self, erin: User) -> None:
        self.ask("maya", erin)
        self.agree("ben")
        assert self.agree("sam").status == 409
        assert FactorReset.objects.get().answered_by == person("ben")

    def test_within_a_day(self, erin: User, maya: User, ben: User) -> None:
        now = timezone.now()
        reset = signing_in.ask_to_let_in(person_id=erin.pk, reason=self.REASON, by=maya, now=now)
        with pytest.raises(NotAllowedInStatus, match="more than a day ago"):
            signing_in.agree_to_let_in(reset_id=reset.pk, by=ben, now=now + timedelta(hours=25))
        assert Authenticator.objects.filter(user=erin).exists()
        signing_in.agree_to_let_in(reset_id=reset.pk, by=ben, now=now + timedelta(hours=23))

    @pytest.mark.parametrize("is_closed", [True, False])
    def test_by_two_who_both_may_today(self, erin: User, maya: User, is_closed: bool) -> None:
        self.ask("maya", erin)
        if is_closed:
            User.objects.filter(pk=maya.pk).update(is_active=False)
        else:
            Membership.objects.filter(user=maya).delete()
        assert self.agree("ben").status == 409
        assert Authenticator.objects.filter(user=erin).exists()

    def test_who_left_is_let_in_by_nobody(self, erin: User, story: Story) -> None:
        erin.is_active = False
        erin.save()
        assert self.ask("maya", erin).status == 422
