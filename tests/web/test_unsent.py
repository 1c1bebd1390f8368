"""What somebody sent when their session had ended is theirs to send again: without JavaScript, and theirs alone."""

from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from casework.models import Contact, Decision
from localities.models import User
from tests.stage.staff import SignedIn, path_of
from tests.stage.story import Story
from tests.stage.web_client import Page, a_working_morning, browser

PASSWORD = "correct horse battery staple"
WHY = "The school sees him each day, and his mother\r\nasks for help."
SAID = {"decide-pathway": "advice", "decide-level": "2", "decide-rationale": WHY, "decide-history": ""}


@pytest.fixture(autouse=True)
def _passwords(db: None) -> None:
    for user in User.objects.filter(username__in=["amina", "maya"]):
        user.set_password(PASSWORD)
        user.save()


@pytest.fixture
def contact(_passwords: None) -> Contact:
    return Story(a_working_morning()).contact()


def sign_in(client: Client, name: str, next_page: str = "/") -> Page:
    sent = {"login": name, "password": PASSWORD, "next": next_page}
    return Page(client.post("/accounts/login/", sent, follow=True))


def ended(client: Client) -> None:
    """The session ends: nothing of it is left on the server."""
    Session.objects.filter(pk=client.cookies["sessionid"].value).delete()


def sent_too_late(name: str, address: str, **sent: Any) -> Client:
    """Somebody opens a page, their session ends, and they send its form."""
    client = browser()
    sign_in(client, name, address)
    ended(client)
    answer = client.post(address, sent)
    assert answer.headers["Location"].startswith("/accounts/login/?next=")
    return client


class TestARationaleTypedWhenTheSessionEnds:
    def test_is_there_after_signing_in_and_goes_on_to_the_answers(self, contact: Contact) -> None:
        address = f"{path_of(contact)}decide/"
        form = SignedIn("amina").open(contact, "decide/").form(address)
        client = sent_too_late("amina", address, **form | SAID)
        page = sign_in(client, "amina", address)
        assert page.heading == "You were signed out before this was sent"
        assert "The school sees him each day" in page.text
        assert not Decision.objects.exists()
        again = [each for each in page.main.all("form", action=address) if each.all("input", name="decide-rationale")]
        filled = {each["name"]: each["value"] for each in again[0].all("input")}
        answer = Page(client.post(address, filled))
        assert answer.form(address)["decide-rationale"].split() == WHY.split()
        assert "unsent_forms" not in client.session
        assert not Decision.objects.exists(), "what was sent is an answer to check, as it would have been"

    def test_opens_the_form_again(self, contact: Contact) -> None:
        address = f"{path_of(contact)}decide/"
        form = SignedIn("amina").open(contact, "decide/").form(address)
        client = sent_too_late("amina", address, **form | SAID)
        page = sign_in(client, "amina", address)
        (again,) = [
            each for each in page.main.all("form", action=address) if each.all("input", name="decide-rationale")
        ]
        assert [each.text for each in again.all("button")] == ["Open the form with this text", "Send it now"]
        filled = {each["name"]: each["value"] for each in again.all("input")}
        assert client.post(address, filled | {"keep": "stay"}).headers["Location"] == address
        page = Page(client.get(address))
        assert page.heading.startswith("Record a decision: Robin Ashworth")
        assert page.form(address)["decide-rationale"].split() == WHY.split()
        assert page.form(address)["decide-pathway"] == "advice"
        assert not Decision.objects.exists()
        client.post(address, page.form(address) | {"keep": "clear"})
        assert "The school" not in Page(client.get(address)).html

    def test_is_deleted_on_demand(self, contact: Contact) -> None:
        address = f"{path_of(contact)}decide/"
        client = sent_too_late("amina", address, **SAID)
        sign_in(client, "amina", address)
        assert client.post(address, {"let_go": "yes"}).headers["Location"] == address
        page = Page(client.get(address))
        assert page.heading.startswith("Record a decision")
        assert "The school" not in page.html

    def test_is_shown_to_nobody_else(self, contact: Contact) -> None:
        address = f"{path_of(contact)}decide/"
        client = sent_too_late("amina", address, **SAID)
        page = sign_in(client, "maya", address)
        assert page.heading.startswith("Record a decision")
        assert "The school" not in page.html
        assert "unsent_forms" not in client.session, "nor is it kept any longer"

    def test_stands_at_its_own_address_alone(self, contact: Contact) -> None:
        client = sent_too_late("amina", f"{path_of(contact)}decide/", **SAID)
        assert "The school" not in sign_in(client, "amina").html
        assert "The school" not in Page(client.get(path_of(contact))).html
        assert "The school" in Page(client.get(f"{path_of(contact)}decide/")).text


class TestTwoPagesThatAreSentTooLate:
    def test_are_both_there_after_signing_in(self, contact: Contact) -> None:
        decide, correct = f"{path_of(contact)}decide/", f"{path_of(contact)}correct/family/"
        client = sent_too_late("amina", decide, **SAID)
        client.post(correct, {"contact-why": "The mother rang and told us."})
        assert "The school sees him" in sign_in(client, "amina", decide).text
        assert "The mother rang" in Page(client.get(correct)).text
        client.post(correct, {"let_go": "yes"})
        assert "The school sees him" in Page(client.get(decide)).text, "each is let go by itself"

    def test_are_the_last_ten_at_most(self, contact: Contact) -> None:
        client = sent_too_late("amina", f"{path_of(contact)}decide/", **SAID)
        for number in range(10):
            client.post(f"{path_of(contact)}matches/{number}/undo/", {"undo-reason": "They are cousins."})
        kept = [address for address, _ in client.session["unsent_forms"]["forms"]]
        assert kept == [f"{path_of(contact)}matches/{number}/undo/" for number in range(10)]


def test_a_session_of_an_earlier_version_is_no_error(contact: Contact) -> None:
    address = f"{path_of(contact)}decide/"
    client = browser()
    sign_in(client, "amina", address)
    session = client.session
    session["unsent"] = {"by": User.objects.get(username="amina").pk, "path": address, "sent": "decide-level=2"}
    session.save()
    assert Page(client.get(address)).heading.startswith("Record a decision")


def test_what_was_kept_names_its_record_and_what_was_chosen(contact: Contact) -> None:
    address = f"{path_of(contact)}decide/"
    text = sign_in(sent_too_late("amina", address, **SAID | {"decide-rag": "amber"}), "amina", address).text
    assert str(contact.reference) in text
    for answer in ("What happens next?Advice", "Level of needLevel 2", "RatingAmber"):
        assert answer in text


def test_the_sign_in_page_says_that_it_is_kept(contact: Contact) -> None:
    kept = "What you typed is kept. Sign in to get it back."
    client = sent_too_late("amina", f"{path_of(contact)}decide/", **SAID)
    assert kept in Page(client.get("/accounts/login/")).text
    assert kept not in Page(browser().get("/accounts/login/")).text


def test_the_page_of_a_correction_says_that_what_is_typed_is_kept(contact: Contact) -> None:
    page = sign_in(browser(), "amina", f"{path_of(contact)}correct/family/")
    assert "What you type here is kept while you type" in page.text


class TestASignInFormWithAnOldToken:
    """Somebody signed in meanwhile in another tab, and so their browser has another token."""

    def sent(self, client: Client) -> Page:
        sent = {"login": "amina", "password": PASSWORD, "next": "/reminders/", "csrfmiddlewaretoken": "x" * 64}
        return Page(client.post("/accounts/login/", sent, follow=True))

    def test_leads_on_whoever_is_signed_in(self, contact: Contact) -> None:
        client = Client(enforce_csrf_checks=True)
        client.get("/accounts/login/")
        client.force_login(User.objects.get(username="amina"))
        assert self.sent(client).heading == "Your reminders"

    def test_shows_the_form_again_to_others(self, contact: Contact) -> None:
        client = Client(enforce_csrf_checks=True)
        client.get("/accounts/login/")
        assert self.sent(client).heading == "Sign in"

    def test_says_what_is_wrong_where_cookies_are_off(self, contact: Contact) -> None:
        assert self.sent(Client(enforce_csrf_checks=True)).heading == "The form was not sent"


@pytest.mark.parametrize(
    ("page", "sent"),
    [
        ("sign-off", {"sign_off-answer": "decline", "sign_off-rationale": "Ask the health visitor."}),
        ("correct/family", {"contact-why": "The mother rang and told us."}),
        ("matches/1/undo", {"undo1-reason": "They are cousins."}),
    ],
)
def test_so_are_other_texts(contact: Contact, page: str, sent: dict[str, str]) -> None:
    address, (*_, text) = f"{path_of(contact)}{page}/", sent.values()
    client = sent_too_late("amina", address, **sent)
    assert text in sign_in(client, "amina", address).text


def test_nothing_of_a_stranger_is_kept(contact: Contact) -> None:
    client = browser()
    assert client.post(f"{path_of(contact)}decide/", SAID).status_code == 302
    assert not client.cookies.get("sessionid")
    client.cookies["typist"] = "1"
    client.post(f"{path_of(contact)}decide/", SAID)
    assert not client.cookies.get("sessionid")


def test_no_password_is_kept(contact: Contact) -> None:
    client = sent_too_late("amina", "/accounts/password/change/", oldpassword=PASSWORD, password1="x", password2="x")
    assert "unsent_forms" not in client.session


def test_what_a_script_saves_by_itself_is_not(contact: Contact) -> None:
    client = browser()
    sign_in(client, "amina")
    ended(client)
    client.post("/contacts/new/save/", {"worries": "He is often alone."}, headers={"Accept": "application/json"})
    assert "unsent_forms" not in client.session


@pytest.mark.parametrize(
    ("origin", "shown"), [("http://testserver", True), ("https://else.example", False), ("", False)]
)
def test_a_form_of_before_another_sign_in_gives_back_its_text(contact: Contact, origin: str, shown: bool) -> None:
    """Its token is of the old sign-in. What another site sends is not shown as if somebody had typed it here."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.get(username="amina"))
    headers = {"Origin": origin} if origin else {}
    answer = client.post(f"{path_of(contact)}decide/", SAID, headers=headers)
    assert answer.status_code == 403
    assert ("The school sees him" in Page(answer).text) is shown
