"""Drafts of contacts: nothing typed is lost, nobody else reads it, tabs do not overwrite each other, and a draft
makes only one contact."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from casework.actions import contact_drafts
from casework.actions.contact_drafts import Task
from casework.models import AuditEvent, Contact, ContactDraft, Event
from casework.models.contact_drafts import UNFINISHED_AFTER
from casework.web.draft_form import new_key
from errors import NotPermitted, TakenBySomeoneElse
from tests.stage.staff import SignedIn
from tests.stage.story import person
from tests.stage.web_client import Page

pytestmark = pytest.mark.django_db

NEW, DRAFTS = "/contacts/new/", "/contacts/drafts/"
WORRIES = {"contact-worries": "He comes hungry."}


class Tab:
    """A page of a draft that somebody has open in a tab, as its script saves it."""

    def __init__(self, by: SignedIn, address: str = "", page: str = "concern") -> None:
        """:param address: of the draft, or of one of its pages. Without it, a new draft."""
        self.by = by
        self.address = address or f"{NEW}{new_key()}/{page}/"
        if len(self.address.strip("/").split("/")) == 3:
            self.address += f"{page}/"
        self.fields = by.open(self.address).form(self.address)

    @property
    def key(self) -> str:
        return self.address.split("/")[3]

    def type(self, **fields: str) -> "Tab":
        self.fields |= fields
        return self

    def save(self, *, answer_is_lost: bool = False) -> dict[str, Any]:
        answer = self.by.client.post(f"{self.address}save/", self.fields)
        said: dict[str, Any] = answer.json()
        if answer.status_code == 200 and not answer_is_lost:
            self.address = said["address"]
            self.fields |= {"version": str(said["version"])}
        return said | {"status": answer.status_code}

    def press(self, **button: str) -> Any:
        return self.by.client.post(self.address, self.fields | button)

    def submit(self) -> Any:
        """Submit the draft, with what its other pages need."""
        for page, typed in REST.items():
            Tab(self.by, f"{NEW}{self.key}/{page}/").type(**typed).press()
        check = f"{NEW}{self.key}/check/"
        return self.by.client.post(check, self.by.open(check).form(check))


REST = {
    "referrer": {"contact-type": "safeguarding_concern", "contact-source_code": "2A"},
    "children": {"child-0-first_name": "Robin"},
}


@pytest.fixture
def amina() -> SignedIn:
    return SignedIn("amina")


def worries() -> list[str]:
    """The worries in all drafts that are open, in the order of their start."""
    drafts = ContactDraft.objects.open().order_by("pk")
    return [draft.typed["contact-worries"][0] for draft in drafts]


def abandoned_draft(minutes: float) -> ContactDraft:
    """A draft that Oliver began this many minutes ago and left."""
    then = timezone.now() - timedelta(minutes=minutes)
    typed = {"contact-worries": ["Half a sent"], "child-0-first_name": ["Robin"]}
    key = f"{int(minutes * 60):032x}"
    task = Task("concern", typed, typed, "p")
    return contact_drafts.save(key=key, task=task, seen_version=0, by=person("oliver"), now=then).draft


class TestSaving:
    def test_what_was_typed_is_there_again_wherever_its_owner_signs_in(self, amina: SignedIn) -> None:
        tab = Tab(amina)
        first = tab.type(**{"contact-worries": "Half a", "child-0-first_name": "Not here", "x": "y"}).save()
        second = tab.type(**{"contact-worries": "Half a sent\x00\r\nence"}).save()
        assert (first["version"], second["version"], first["address"]) == (1, 2, second["address"])
        child = {"child-0-date_of_birth_month": "Mar", "child-0-first_name": "Robin"}
        Tab(amina, tab.address.replace("concern", "children")).type(**child).save()
        draft = ContactDraft.objects.get()
        assert second["saved"] == f"{timezone.localtime(draft.saved_at):%H:%M}"
        assert not {"x", "version", "page", "typist"} & set(draft.typed)
        # Another browser.
        again = SignedIn("amina")
        (line, _) = [link for link in again.open(DRAFTS).main.all("a") if link["href"] == f"{NEW}{draft.key}/"]
        assert line.text == "Robin"
        assert f"Saved at {second['saved']} In progress" in again.open(line["href"]).text
        for page, field, value in (
            ("concern", "contact-worries", "Half a sent\r\nence"), ("children", "child-0-date_of_birth_month", "Mar"),
        ):  # fmt: skip
            tab = Tab(again, line["href"], page)
            assert tab.fields[field] == value
            shown = again.open(tab.address)
            assert not shown.summary
            assert f"Saved at {second['saved']}" in shown.text
        for where in ("/", "/contacts/new/look/", NEW):
            assert "Your drafts (1)" in again.open(where).text

    def test_every_button_saves_and_none_but_the_last_submits(self, amina: SignedIn) -> None:
        for button in ({"save": "stay"}, {"save": "later"}, {"submit": "yes"}, {}):
            tab = Tab(amina).type(**{"contact-worries": f"Half a sent {button}"})
            assert tab.press(**button).status_code == 302, button
            assert worries()[-1] == f"Half a sent {button}"
        for button in ({"add": "children"}, {"remove": "0"}, {"undo": "3"}):
            tab = Tab(amina, page="children").type(**{"child-0-first_name": f"Half a name {button}"})
            assert tab.press(**button).status_code == 302, button
            typed = ContactDraft.objects.latest("pk").typed
            assert typed["child-0-first_name"] == [f"Half a name {button}"]
        assert not Contact.objects.exists()

    @pytest.mark.parametrize(
        ("group", "adds", "removed_at"), [("children", "part-child-1", "add-children"), ("adults", "part-adult-1", "")]
    )
    def test_adding_or_removing_a_person_moves_the_focus(
        self, amina: SignedIn, group: str, adds: str, removed_at: str
    ) -> None:
        """The address names the new heading, which can have the focus."""
        answer = Tab(amina, page="children" if group == "children" else "household").press(add=group)
        address, fragment = answer.headers["Location"].split("#")
        page = amina.open(address)
        (heading,) = page.root.all(id=fragment)
        assert (fragment, heading.tag, heading["tabindex"]) == (adds, "h2", "-1")
        if removed_at:
            assert Tab(amina, address).press(remove="0").headers["Location"].endswith(f"#{removed_at}")
            assert removed_at in page.ids

    def test_nobody_else_reads_it(self, amina: SignedIn) -> None:
        tab = Tab(amina).type(**WORRIES)
        address, key = tab.save()["address"], tab.key
        Tab(amina, address.replace("concern", "children")).type(**{"child-0-first_name": "Robin"}).save()
        for name in ("oliver", "maya"):
            other = SignedIn(name)
            for page in ("", "concern/", "children/", "check/"):
                assert other.client.get(f"{NEW}{key}/{page}").status_code == 404
            assert other.client.get(NEW, {"form": key}).status_code == 404
            assert other.client.post(f"{NEW}{key}/check/", {"version": "2", "typist": other.user.pk}).status_code == 404
            assert other.client.get(f"{DRAFTS}{key}/delete/").status_code == 404
            assert other.client.post(f"{DRAFTS}{key}/delete/").status_code == 404
            assert "Robin" not in other.open(DRAFTS).text
            # What they type under its key is theirs, and it stays as it is.
            theirs = Tab(other).type(**{"version": "1", "contact-worries": "Another"})
            theirs.address = address
            said = theirs.save()
            assert key not in said["address"]
            assert "Robin" not in said["so_far"]
            assert "Robin" not in str(ContactDraft.objects.latest("pk").typed)
        for name in ("ben", "sam", "ava", "iris", "adele"):
            client = SignedIn(name).client
            for answer in (client.get(DRAFTS), client.post(f"{address}save/", WORRIES), client.get(address)):
                assert answer.status_code == 403
        assert ContactDraft.objects.get(key=key).typed["contact-worries"] == ["He comes hungry."]

    def test_the_next_person_at_the_same_browser_cannot_read_it(self, amina: SignedIn) -> None:
        tab = Tab(amina).type(**WORRIES)
        tab.by = SignedIn("oliver")
        said = tab.save()
        assert said["status"] == 403
        assert said["says"].startswith("Somebody else opened this form.")
        assert tab.press().status_code == 403
        assert not ContactDraft.objects.exists()


class TestTwoTabs:
    def test_the_second_tab_becomes_a_draft_of_its_own(self, amina: SignedIn) -> None:
        one = Tab(amina)
        address = one.type(**WORRIES).save()["address"]
        two = Tab(amina, address)
        two.type(**{"contact-worries": "From the second tab."}).save()
        said = one.type(**{"contact-worries": "From the first tab."}).save()
        assert "is a draft of its own" in said["says"]
        one.type(**{"contact-worries": "From the first tab, still."}).save()
        assert worries() == ["From the second tab.", "From the first tab, still."]
        assert "What you typed here is a draft of its own." in amina.open(said["address"]).text

    def test_saving_again_after_a_lost_answer_makes_no_second_draft(self, amina: SignedIn) -> None:
        one = Tab(amina)
        address = one.type(**WORRIES).save()["address"]
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
        one.type(**WORRIES).save()
        for page, typed in REST.items():
            Tab(amina, f"{NEW}{one.key}/{page}/").type(**typed).press()
        check = f"{NEW}{one.key}/check/"
        shown = amina.open(check).form(check)
        one.type(**{"contact-worries": "More."}).save()
        answer = Page(amina.client.post(check, shown, follow=True))
        assert "This draft was changed in another tab." in answer.text
        assert "More." in answer.text
        assert not Contact.objects.exists()
        assert worries() == ["More."]
        draft = ContactDraft.objects.earliest("pk")
        with pytest.raises(TakenBySomeoneElse):
            contact_drafts.submit(
                key=draft.key, seen_version=1, document={}, by=person("amina"), now=timezone.now()
            )  # fmt: skip

    def test_tabs_with_different_pages_of_one_draft_do_not_conflict(self, amina: SignedIn) -> None:
        concern = Tab(amina)
        concern.type(**WORRIES).save()
        children = Tab(amina, concern.address.replace("concern", "children"))
        concern.type(**{"contact-worries": "He comes hungry, and cold."}).save()
        assert "says" not in children.type(**{"child-0-first_name": "Robin"}).save()
        assert "says" not in concern.type(**{"contact-worries": "He comes hungry, cold and late."}).save()
        typed = ContactDraft.objects.get().typed
        assert (typed["child-0-first_name"], typed["contact-worries"]) == (
            ["Robin"], ["He comes hungry, cold and late."]
        )  # fmt: skip

    def test_the_draft_of_its_own_has_the_other_pages_too(self, amina: SignedIn) -> None:
        one = Tab(amina)
        one.type(**WORRIES).save()
        Tab(amina, one.address.replace("concern", "children")).type(**{"child-0-first_name": "Robin"}).save()
        two = Tab(amina, one.address)
        one.type(**{"contact-worries": "More."}).save()
        two.type(**{"contact-worries": "Else."}).save()
        assert [draft.typed["child-0-first_name"] for draft in ContactDraft.objects.open()] == [["Robin"], ["Robin"]]


class TestSubmitting:
    def test_submitting_makes_one_contact_and_empties_the_draft(self, amina: SignedIn) -> None:
        tab = Tab(amina).type(**WORRIES)
        address = tab.save()["address"]
        check = f"{NEW}{tab.key}/check/"
        tab.submit()
        contact = Contact.objects.get()
        draft = ContactDraft.objects.get()
        assert (draft.contact, draft.typed, contact.idempotency_key) == (contact, {}, draft.key)
        again = amina.client.post(check, {"version": draft.version, "typist": amina.user.pk}, follow=True)
        assert f"This form is in already, as {contact}." in Page(again).text
        # The script of a page that the browser went back to.
        said = tab.type(**{"contact-worries": "More."}).save()
        assert (said["status"], said["submitted"]) == (409, True)
        assert f"in already, as {contact}" in said["says"]
        assert tab.press(save="stay").status_code == 409
        for where in (address, check, f"{NEW}{tab.key}/"):
            assert f"This form was submitted as {contact}." in amina.open(where).text
        # Its text is with the contact now: the page does not say that nothing was answered.
        emptied = amina.open(check).text
        assert "Nothing entered" not in emptied
        assert "Needed before you submit" not in emptied
        assert Contact.objects.count() == ContactDraft.objects.count() == 1
        assert "You have no drafts." in amina.open(DRAFTS).text


class TestDeleting:
    def test_the_owner_confirms_and_text_typed_afterwards_becomes_a_new_draft(self, amina: SignedIn) -> None:
        tab = Tab(amina).type(**WORRIES)
        address = tab.save()["address"]
        where = f"{DRAFTS}{tab.key}/delete/"
        assert "Are you sure you want to delete this draft?" in amina.open(where).heading
        assert ContactDraft.objects.open().exists()
        assert amina.client.post(where).status_code == 302
        assert ContactDraft.objects.get().typed == {}
        assert amina.client.get(address).status_code == amina.client.get(where).status_code == 404
        assert amina.client.post(where).status_code == 409
        assert "is a draft of its own" in tab.type(**{"contact-worries": "After all."}).save()["says"]
        assert worries() == ["After all."]


class TestAbandonedDrafts:
    def test_a_manager_sees_it_after_an_hour_and_takes_it_over(self) -> None:
        draft, maya, now = abandoned_draft(minutes=61), SignedIn("maya"), timezone.now()
        for said in (maya.open("/").text, maya.open("/contacts/new/look/").text):
            assert "1 draft of others not finished after an hour" in said
        listed = maya.open(DRAFTS).text
        assert "Oliver" in listed
        assert "Robin" not in listed
        assert "others" not in SignedIn("amina").open("/").text
        take = f"{DRAFTS}{draft.key}/take-over/"
        assert SignedIn("amina").client.post(take).status_code == 403
        assert maya.client.get(take).status_code == 302
        assert maya.client.post(take).headers["Location"] == f"{NEW}{draft.key}/"
        assert Tab(maya, f"{NEW}{draft.key}/").fields["contact-worries"] == "Half a sent"
        event = AuditEvent.objects.get(event=Event.DRAFT_TAKEN_OVER)
        assert (event.by_user, event.detail) == (person("maya"), {"draft": draft.pk, "owner": person("oliver").pk})
        # Oliver goes on typing where he was.
        typed = {"contact-worries": ["Half a sentence."]}
        task = Task("concern", typed, typed, "p")
        kept = contact_drafts.save(key=draft.key, task=task, seen_version=1, by=person("oliver"), now=now)
        assert kept.is_apart
        assert worries() == ["Half a sent", "Half a sentence."]

    def test_a_manager_cannot_see_or_take_it_a_second_before(self) -> None:
        draft, maya = abandoned_draft(minutes=10), person("maya")
        due = draft.started_at + UNFINISHED_AFTER
        for at in (due - timedelta(seconds=1), due):
            assert ContactDraft.objects.left_by_others(maya, at).exists() is (at == due)
        with pytest.raises(ContactDraft.DoesNotExist):
            contact_drafts.take_over(key=draft.key, by=maya, now=due - timedelta(seconds=1))
        with pytest.raises(NotPermitted):
            contact_drafts.take_over(key=draft.key, by=person("amina"), now=due)
