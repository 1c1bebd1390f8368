"""Drafts of contacts: nothing typed is lost, nobody else reads it, no tab destroys another's, and it is one contact."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from casework.actions import contact_drafts
from casework.models import AuditEvent, Contact, ContactDraft, Event
from casework.models.contact_drafts import UNFINISHED_AFTER
from errors import NotPermitted, TakenBySomeoneElse
from tests.stage.staff import SignedIn
from tests.stage.story import person
from tests.stage.web_client import Page

pytestmark = pytest.mark.django_db

NEW, SAVE, DRAFTS = "/contacts/new/", "/contacts/new/save/", "/contacts/drafts/"
LEAST = {
    "contact-type": "safeguarding_concern", "contact-source_code": "2A", "contact-worries": "He comes hungry.",
    "child-0-first_name": "Robin",
}  # fmt: skip


class Tab:
    """A form for a contact that somebody has open in a tab, as its script saves it."""

    def __init__(self, by: SignedIn, address: str = NEW) -> None:
        self.by = by
        self.page = by.open(address)
        self.fields = self.page.form(NEW)

    def type(self, **fields: str) -> "Tab":
        self.fields |= {name.replace("__", "-"): value for name, value in fields.items()}
        return self

    def save(self, *, answer_is_lost: bool = False) -> dict[str, Any]:
        answer = self.by.client.post(SAVE, self.fields)
        said: dict[str, Any] = answer.json()
        if answer.status_code == 200 and not answer_is_lost:
            self.fields |= {"key": said["key"], "version": str(said["version"])}
        return said | {"status": answer.status_code}

    def press(self, **button: str) -> Any:
        return self.by.client.post(NEW, self.fields | button)


@pytest.fixture
def amina() -> SignedIn:
    return SignedIn("amina")


def worries() -> list[str]:
    """The worries in all drafts that are open, in the order of their start."""
    drafts = ContactDraft.objects.open().order_by("pk")
    return [draft.typed["contact-worries"][0] for draft in drafts]


def left(minutes: float) -> ContactDraft:
    """What Oliver began to type so many minutes ago."""
    then = timezone.now() - timedelta(minutes=minutes)
    typed = {"contact-worries": ["Half a sent"], "child-0-first_name": ["Robin"]}
    key = f"{int(minutes * 60):032x}"
    return contact_drafts.save(
        key=key, typed=typed, seen_version=0, page="p", by=person("oliver"), now=then
    ).draft  # fmt: skip


class TestSaving:
    def test_what_was_typed_is_there_again_wherever_its_owner_signs_in(self, amina: SignedIn) -> None:
        tab = Tab(amina)
        first = tab.type(**{"contact-worries": "Half a", "child-0-date_of_birth_month": "Mar", "x": "y"}).save()
        second = tab.type(**{"contact-worries": "Half a sent\x00\r\nence", "child-0-first_name": "Robin"}).save()
        assert (first["version"], second["version"], first["key"]) == (1, 2, second["key"])
        draft = ContactDraft.objects.get()
        assert second["saved"] == f"{timezone.localtime(draft.saved_at):%H:%M}"
        assert "x" not in draft.typed
        # Another browser.
        again = SignedIn("amina")
        (line, _) = [link for link in again.open(DRAFTS).main.all("a") if link["href"] == second["address"]]
        assert line.text == "Robin"
        page = again.open(second["address"])
        assert page.form(NEW)["contact-worries"] == "Half a sent\r\nence"
        assert page.form(NEW)["child-0-date_of_birth_month"] == "Mar"
        assert not page.summary
        assert f"Saved at {second['saved']}" in page.text
        for where in ("/", "/contacts/new/look/", NEW):
            assert "Your drafts (1)" in again.open(where).text

    def test_every_button_saves_and_none_but_the_last_submits(self, amina: SignedIn) -> None:
        for button in ({"save": "stay"}, {"save": "later"}, {"add": "children"}, {"remove_children": "0"}, {}):
            tab = Tab(amina).type(**LEAST | {"contact-worries": f"Half a sent {button}"})
            assert tab.press(**button).status_code == 302, button
            assert worries()[-1] == f"Half a sent {button}"
        assert not Contact.objects.exists()
        Tab(amina).type(**{"contact-worries": "Not enough to submit"}).press(submit="yes")
        assert worries()[-1] == "Not enough to submit"

    @pytest.mark.parametrize(
        ("group", "adds", "removed_at"), [("children", "part-child-1", "add-children"), ("adults", "part-adult-1", "")]
    )
    def test_another_person_has_the_focus(self, amina: SignedIn, group: str, adds: str, removed_at: str) -> None:
        """The address names the new heading, which can have the focus."""
        answer = Tab(amina).press(add=group)
        address, fragment = answer.headers["Location"].split("#")
        page = amina.open(address)
        (heading,) = page.root.all(id=fragment)
        assert (fragment, heading.tag, heading["tabindex"]) == (adds, "h2", "-1")
        if removed_at:
            assert Tab(amina, address).press(remove_children="0").headers["Location"].endswith(f"#{removed_at}")
            assert removed_at in page.ids

    def test_nobody_else_reads_it(self, amina: SignedIn) -> None:
        address = Tab(amina).type(**LEAST).save()["address"]
        key = address.rpartition("=")[2]
        for name in ("oliver", "maya"):
            other = SignedIn(name)
            assert other.client.get(address).status_code == 404
            assert other.client.get(f"{DRAFTS}{key}/delete/").status_code == 404
            assert other.client.post(f"{DRAFTS}{key}/delete/").status_code == 404
            assert "Robin" not in other.open(DRAFTS).text
            # What they type under its key is theirs, and it stays as it is.
            said = Tab(other).type(**{"key": key, "version": "1", "contact-worries": "Another"}).save()
            assert said["key"] != key
        for name in ("ben", "sam", "ava", "iris", "adele"):
            client = SignedIn(name).client
            for answer in (client.get(DRAFTS), client.post(SAVE, LEAST)):
                assert answer.status_code == 403
        assert ContactDraft.objects.get(key=key).typed["contact-worries"] == ["He comes hungry."]

    def test_who_signs_in_in_the_same_browser_gets_nothing_of_it(self, amina: SignedIn) -> None:
        tab = Tab(amina).type(**LEAST)
        tab.by = SignedIn("oliver")
        said = tab.save()
        assert said["status"] == 403
        assert said["says"].startswith("Somebody else opened this form.")
        assert tab.press(submit="yes").status_code == 403
        assert not ContactDraft.objects.exists()


class TestTwoTabs:
    def test_the_second_becomes_a_draft_of_its_own(self, amina: SignedIn) -> None:
        one = Tab(amina)
        address = one.type(**LEAST).save()["address"]
        two = Tab(amina, address)
        two.type(**{"contact-worries": "From the second tab."}).save()
        said = one.type(**{"contact-worries": "From the first tab."}).save()
        assert "is a draft of its own" in said["says"]
        one.type(**{"contact-worries": "From the first tab, still."}).save()
        assert worries() == ["From the second tab.", "From the first tab, still."]
        assert "What you typed here is a draft of its own." in amina.open(said["address"]).text

    def test_also_where_an_answer_was_lost_or_nothing_changed(self, amina: SignedIn) -> None:
        one = Tab(amina)
        address = one.type(**LEAST).save()["address"]
        one.type(**{"contact-worries": "Lost answer."}).save(answer_is_lost=True)
        assert "says" not in one.type(**{"contact-worries": "And on."}).save()
        two = Tab(amina, address)
        one.type(**{"contact-worries": "And on again."}).save()
        two.type(**{"contact-worries": "And on again."}).save()
        for text in ("Apart.", "Apart, once."):
            two.type(**{"contact-worries": text, "version": "1"}).save(answer_is_lost=True)
        assert worries() == ["And on again.", "Apart, once."]

    def test_a_tab_that_did_not_see_the_latest_submits_nothing(self, amina: SignedIn) -> None:
        one = Tab(amina)
        address = one.type(**LEAST).save()["address"]
        two = Tab(amina, address)
        one.type(**{"contact-worries": "More."}).save()
        answer = two.press(submit="yes")
        assert answer.status_code == 302
        assert not Contact.objects.exists()
        assert worries() == ["More.", "He comes hungry."]
        draft = ContactDraft.objects.earliest("pk")
        with pytest.raises(TakenBySomeoneElse):
            contact_drafts.submit(
                key=draft.key, seen_version=1, document={}, by=person("amina"), now=timezone.now()
            )  # fmt: skip


class TestSubmitting:
    def test_it_is_one_contact_and_holds_nothing_then(self, amina: SignedIn) -> None:
        tab = Tab(amina).type(**LEAST)
        address = tab.save()["address"]
        tab.press(submit="yes")
        contact = Contact.objects.get()
        draft = ContactDraft.objects.get()
        assert (draft.contact, draft.typed, contact.idempotency_key) == (contact, {}, draft.key)
        tab.press(submit="yes")
        # The script of a page that the browser went back to.
        said = tab.type(**{"contact-worries": "More."}).save()
        assert (said["status"], said["submitted"]) == (409, True)
        assert f"in already, as {contact}" in said["says"]
        assert tab.press(save="stay").status_code == 409
        assert f"This form was submitted as {contact}." in amina.open(address).text
        assert Contact.objects.count() == ContactDraft.objects.count() == 1
        assert "You have no drafts." in amina.open(DRAFTS).text


class TestDeleting:
    def test_its_owner_is_asked_and_what_is_typed_after_it_is_kept(self, amina: SignedIn) -> None:
        tab = Tab(amina).type(**LEAST)
        address = tab.save()["address"]
        where = f"{DRAFTS}{address.rpartition('=')[2]}/delete/"
        assert "Are you sure you want to delete this draft?" in amina.open(where).heading
        assert ContactDraft.objects.open().exists()
        assert amina.client.post(where).status_code == 302
        assert ContactDraft.objects.get().typed == {}
        assert amina.client.get(address).status_code == amina.client.get(where).status_code == 404
        assert amina.client.post(where).status_code == 409
        assert "is a draft of its own" in tab.type(**{"contact-worries": "After all."}).save()["says"]
        assert worries() == ["After all."]


class TestLeft:
    def test_a_manager_sees_it_after_an_hour_and_takes_it_over(self) -> None:
        draft, maya, now = left(minutes=61), SignedIn("maya"), timezone.now()
        for said in (maya.open("/").text, maya.open("/contacts/new/look/").text):
            assert "1 draft of others not finished after an hour" in said
        listed = maya.open(DRAFTS).text
        assert "Oliver" in listed
        assert "Robin" not in listed
        assert "others" not in SignedIn("amina").open("/").text
        take = f"{DRAFTS}{draft.key}/take-over/"
        assert SignedIn("amina").client.post(take).status_code == 403
        assert maya.client.get(take).status_code == 302
        page = Page(maya.client.post(take, follow=True))
        assert page.form(NEW)["contact-worries"] == "Half a sent"
        event = AuditEvent.objects.get(event=Event.DRAFT_TAKEN_OVER)
        assert (event.by_user, event.detail) == (person("maya"), {"draft": draft.pk, "owner": person("oliver").pk})
        # Oliver goes on typing where he was.
        kept = contact_drafts.save(
            key=draft.key, typed={"contact-worries": ["Half a sentence."]}, seen_version=1, page="p",
            by=person("oliver"), now=now,
        )  # fmt: skip
        assert kept.is_apart
        assert worries() == ["Half a sent", "Half a sentence."]

    def test_not_a_second_before(self) -> None:
        draft, maya = left(minutes=10), person("maya")
        due = draft.started_at + UNFINISHED_AFTER
        for at in (due - timedelta(seconds=1), due):
            assert ContactDraft.objects.left_by_others(maya, at).exists() is (at == due)
        with pytest.raises(ContactDraft.DoesNotExist):
            contact_drafts.take_over(key=draft.key, by=maya, now=due - timedelta(seconds=1))
        with pytest.raises(NotPermitted):
            contact_drafts.take_over(key=draft.key, by=person("amina"), now=due)
