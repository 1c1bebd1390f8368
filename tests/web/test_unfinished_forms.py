"""What somebody types into a form about a record is kept while they type: for them alone, until it is recorded."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from casework import web
from casework.actions import decisions, matches, protecting
from casework.models import Case, Contact, Decision, UnfinishedForm
from casework.web.draft_form import new_key
from casework.web.unfinished import PURPOSES
from localities.models import Agency, User
from tests.stage.documents import address, child
from tests.stage.pages import agreeing
from tests.stage.restricted import restrict
from tests.stage.staff import ANOTHER_FAMILY, SignedIn, is_decided, is_done, path_of
from tests.stage.story import Story, person
from tests.stage.web_client import Answer, Page, day_of

WHY = "The school sees him each day, and his mother asks for help."
NOT_YET = "not recorded yet."


@pytest.fixture
def waiting(story: Story) -> Contact:
    """A contact on which Amina decided, and that waits for a second person."""
    waits = story.contact(children=[child(indicators=["L4-01"], first_name="Ivo", nhs_number=None)], adults=[])
    story.decided(waits, by="maya", pathway="family_help", level=3, rag="amber")
    return waits


class Tab:
    """The page of a form that somebody has open in a tab."""

    def __init__(self, name: str, at: str, on: str = "") -> None:
        """
        :param at: where the form is sent to.
        :param on: the page on which it stands, if that is another.
        """
        self.by, self.at = SignedIn(name), at
        page = self.by.open(on or at)
        self.fields: dict[str, Any] = page.form("" if "correct" in at else at)

    def type(self, **fields: Any) -> "Tab":
        self.fields |= fields
        return self

    def save(self, *, answer_is_lost: bool = False) -> dict[str, Any]:
        """As the script of the page does while somebody types."""
        answer = self.by.client.post(self.at, self.fields | {"keep": "script"}, headers={"Accept": "application/json"})
        said: dict[str, Any] = answer.json()
        if answer.status_code == 200 and not answer_is_lost:
            self.fields |= {name: said[name] for name in ("version", "kept") if name in said}
        return said | {"status": answer.status_code}

    def press(self, **button: str) -> Answer:
        return self.by.client.post(self.at, self.fields | button)


def decide(contact: Contact) -> str:
    return f"{path_of(contact)}decide/"


def deciding(contact: Contact, name: str = "amina", why: str = WHY) -> Tab:
    return Tab(name, decide(contact)).type(**{"decide-rationale": why})


def rationale(page: Page, contact: Contact) -> str:
    return str(page.form(decide(contact))["decide-rationale"])


def texts() -> list[str]:
    """The rationales that are kept, in the order in which they were begun."""
    return [form.typed["decide-rationale"][0] for form in UnfinishedForm.objects.order_by("pk")]


def kept_form_of(answer: Answer) -> list[str]:
    """The address that the script of the page puts into the history."""
    return [meta["content"] for meta in Page(answer).root.all("meta", name="kept-form")]


class TestWhatIsTyped:
    def test_is_filled_in_for_whoever_opens_the_page_again(self, contact: Contact) -> None:
        tab = deciding(contact).type(**{"decide-level": "2"})
        said = tab.save()
        assert said["line"].startswith("Saved at ")
        assert said["line"].endswith(NOT_YET)
        page = SignedIn("amina").open(decide(contact))
        assert (page.status, page.summary) == (200, [])
        assert (rationale(page, contact), page.form(decide(contact))["decide-level"]) == (WHY, "2")
        assert said["line"] in page.text
        assert not Decision.objects.exists()

    def test_is_seen_by_nobody_else(self, contact: Contact) -> None:
        deciding(contact).save()
        for name in ("maya", "oliver", "sam", "ava"):
            for page in (decide(contact), path_of(contact)):
                assert WHY not in SignedIn(name).open(page).html, (name, page)

    def test_is_kept_by_a_button_without_javascript(self, contact: Contact) -> None:
        tab = deciding(contact)
        is_done(tab.press(keep="later"), path_of(contact))
        page = tab.by.open(contact)
        assert "What you typed is saved, and not recorded yet." in page.text
        assert WHY in page.text
        (again,) = [link["href"] for link in page.main.all("a") if link.text == "Open the form with this text"]
        assert rationale(tab.by.open(again), contact) == WHY

    def test_enter_keeps_it_and_stays(self, contact: Contact) -> None:
        tab = deciding(contact)
        (form,) = tab.by.open(decide(contact)).main.all("form", action=decide(contact))
        first = form.all("button")[0]
        assert (first["name"], first["value"]) == ("keep", "stay")
        is_done(tab.press(keep="stay"), decide(contact))
        assert texts() == [WHY]

    def test_is_cleared_on_demand(self, contact: Contact) -> None:
        tab = deciding(contact)
        tab.save()
        is_done(tab.press(keep="clear"), decide(contact))
        page = tab.by.open(decide(contact))
        assert "What you typed is cleared." in page.text
        assert rationale(page, contact) == ""
        assert not UnfinishedForm.objects.exists()

    def test_goes_when_it_is_recorded(self, contact: Contact) -> None:
        tab = deciding(contact).type(**agreeing(contact))
        tab.save()
        check = Page(tab.press())
        assert len(texts()) == 1, "until it is confirmed"
        is_decided(tab.by.client.post(decide(contact), check.form(decide(contact))), contact)
        assert not UnfinishedForm.objects.exists()

    def test_is_nothing_where_nothing_is_typed_or_everything_is_deleted_again(self, contact: Contact) -> None:
        tab = deciding(contact, why="  ")
        assert tab.save()["version"] == 0
        assert not UnfinishedForm.objects.exists()
        tab.type(**{"decide-rationale": WHY}).save()
        tab.type(**{"decide-rationale": ""}).save()
        assert not UnfinishedForm.objects.exists()

    def test_with_faults_it_is_kept_for_whoever_leaves_the_page(self, contact: Contact) -> None:
        assert deciding(contact).press().status_code == 422
        assert rationale(SignedIn("amina").open(decide(contact)), contact) == WHY

    def test_is_kept_where_the_service_fails(self, contact: Contact, monkeypatch: pytest.MonkeyPatch) -> None:
        def fails(**_: Any) -> None:
            raise RuntimeError

        monkeypatch.setattr(decisions, "decide", fails)
        assert deciding(contact).type(**agreeing(contact)).press().status_code == 500
        monkeypatch.undo()
        assert rationale(SignedIn("amina").open(decide(contact)), contact) == agreeing(contact)["decide-rationale"]

    def test_stands_beside_what_the_rules_say_now(self, contact: Contact) -> None:
        deciding(contact).save()
        answered = {"agreement-service": "refused", "agreement-given_by": "mother"}
        answered |= day_of(timezone.now() - timedelta(days=1), "agreement-on")
        is_done(SignedIn("oliver").send(contact, "agreement", **answered), path_of(contact))
        page = SignedIn("amina").open(decide(contact))
        assert "Nothing is recorded yet. Was: Family help, level 3 Green Now: Review by a social worker" in page.text
        contact.refresh_from_db()
        assert page.form(decide(contact))["decide-recommendation"] == str(contact.recommendation_id)


class TestAnAnswerToAForm:
    def test_names_the_address_of_its_own_text_for_back(self, story: Story, contact: Contact) -> None:
        faulty, whole = deciding(contact, why="First."), deciding(contact).type(**agreeing(contact))
        for tab, status in ((faulty, 422), (whole, 200)):
            answer = tab.press()
            assert (answer.status_code, kept_form_of(answer)) == (
                status,
                [f"{decide(contact)}?form={tab.fields['kept']}&back"],
            )
        assert rationale(faulty.by.open(kept_form_of(faulty.press())[0]), contact) == "First."
        story.decided(contact, by="maya")
        answer = whole.press(confirmed="yes")
        assert (answer.status_code, len(kept_form_of(answer))) == (409, 1)

    def test_is_no_page_that_is_opened(self, contact: Contact) -> None:
        tab = deciding(contact)
        tab.save()
        assert kept_form_of(tab.by.client.get(decide(contact))) == []


class TestTabs:
    def test_do_not_overwrite_each_other(self, contact: Contact) -> None:
        first, second = deciding(contact, why="First."), deciding(contact, why="Second.")
        first.save()
        second.save()
        assert texts() == ["First.", "Second."]
        page = SignedIn("amina").open(decide(contact))
        assert rationale(page, contact) == "Second."
        assert "You typed something else here in another tab" in page.text
        assert "First." in page.text

    def test_that_show_the_same_text_part_when_both_go_on(self, contact: Contact) -> None:
        first = deciding(contact, why="He is")
        first.save()
        second = Tab("amina", decide(contact))
        second.type(**{"decide-rationale": "He is well."}).save()
        assert texts() == ["He is well."]
        said = first.type(**{"decide-rationale": "He is cold."}).save()
        assert said["says"].startswith("This form was changed in another tab.")
        assert texts() == ["He is well.", "He is cold."]
        first.type(**{"decide-rationale": "He is cold and hungry."}).save()
        assert texts() == ["He is well.", "He is cold and hungry."]

    def test_whose_answer_was_lost_say_it_again(self, contact: Contact) -> None:
        tab = deciding(contact, why="He")
        tab.save(answer_is_lost=True)
        tab.type(**{"decide-rationale": "He is"}).save(answer_is_lost=True)
        assert texts() == ["He is"]

    def test_keep_their_text_when_another_tab_records(self, contact: Contact) -> None:
        this, other = deciding(contact).type(**agreeing(contact)), deciding(contact, why="And his sister?")
        other.save()
        check = Page(this.press())
        is_decided(this.by.client.post(decide(contact), check.form(decide(contact))), contact)
        assert "And his sister?" in SignedIn("amina").open(contact).text


class TestWhoeverLosesSight:
    def test_gets_nothing_back(self, story: Story, contact: Contact) -> None:
        deciding(contact).save()
        restrict(story, contact)
        for page in (decide(contact), path_of(contact)):
            found = SignedIn("amina").open(page)
            assert (found.status, WHY in found.html) == (404, False)

    def test_gets_back_what_they_send_to_copy_it(self, story: Story, contact: Contact) -> None:
        tab = deciding(contact)
        restrict(story, contact)
        page = Page(tab.press())
        assert page.status == 404
        assert "Copy what you need: you cannot see it again when you leave this page." in page.text
        assert WHY in page.text

    def test_finds_an_address_masked_that_is_hidden_since(self, story: Story) -> None:
        home = address("HP20 1UA") | {"lines": ["45 Park Street", "Aylesbury"]}
        contact = story.contact(children=[child(address=home)], adults=[])
        deciding(contact, why="They are at 45 Park Street.").save()
        protecting.protect(
            person_id=contact.children.get().person_id, reason="She fled.", by=person("amina"), now=story.later()
        )
        for page in (decide(contact), path_of(contact)):
            found = SignedIn("amina").open(page).html
            assert "45 Park Street" not in found
            assert "They are at [confidential address]." in found

    def test_finds_it_masked_also_where_somebody_else_has_decided(self, story: Story) -> None:
        home = address("HP20 1UA") | {"lines": ["45 Park Street", "Aylesbury"]}
        contact = story.contact(children=[child(address=home)], adults=[])
        deciding(contact, why="They are at 45 Park Street.").save()
        story.decided(contact, by="maya")
        protecting.protect(
            person_id=contact.children.get().person_id, reason="She fled.", by=person("maya"), now=story.later()
        )
        page = SignedIn("amina").open(decide(contact))
        assert (page.status, "45 Park Street" in page.html) == (409, False)
        assert "They are at [confidential address]." in page.text

    def test_nobody_takes_the_form_of_somebody_else(self, contact: Contact) -> None:
        """Somebody else has signed in in the same browser, or knows the key of the form."""
        tab = deciding(contact)
        tab.save()
        maya = SignedIn("maya")
        for sent in (tab.fields, tab.fields | {"keep": "script"}):
            answer = maya.client.post(decide(contact), sent)
            assert (answer.status_code, WHY in answer.content.decode()) == (403, False)
        taken = tab.fields | {"typist": str(maya.user.pk)}
        maya.client.post(decide(contact), taken | {"keep": "clear"})
        maya.client.post(decide(contact), taken | {"keep": "script", "decide-rationale": "Mine."})
        assert texts() == [WHY, "Mine."]
        assert {form.owner.username for form in UnfinishedForm.objects.all()} == {"amina", "maya"}


class TestTwoAtOnce:
    def is_kept(self, tab: Tab, contact: Contact, text: str, says: str) -> None:
        """The slower one reads who was faster and when, and finds what they typed until they clear it."""
        page = Page(tab.press())
        assert page.status == 409
        assert says in page.text
        assert "It is kept for you until you clear it." in page.text
        for again in (tab.by.open(tab.at), tab.by.open(contact)):
            assert text in again.text
        assert says in tab.by.open(tab.at).text
        (form,) = UnfinishedForm.objects.all()
        assert text not in SignedIn("iris").open(contact).html
        sent = {"kept": form.key, "keep": "clear"}
        assert tab.by.client.post(tab.at, sent).status_code == 302
        assert text not in tab.by.open(contact).html
        is_done(tab.by.client.get(tab.at), path_of(contact))

    def test_who_decide(self, story: Story, contact: Contact) -> None:
        slower = deciding(contact, "maya").type(**{"decide-level": "2"})
        decision = story.decided(contact)
        assert f"{contact} is decided already. {decision.decided_by} decided on " in Page(slower.press()).text
        self.is_kept(slower, contact, WHY, f"{decision.decided_by} decided on ")

    def test_who_decide_what_then_waits_for_a_second_person(self, waiting: Contact, story: Story) -> None:
        contact = story.contact(**ANOTHER_FAMILY)
        slower = deciding(contact, "maya")
        story.decided(contact, pathway="advice", level=1, rag="blue")
        assert contact.status == "sign_off"
        self.is_kept(slower, contact, WHY, f"{person('amina')} decided on ")

    def test_who_sign_off(self, story: Story, waiting: Contact) -> None:
        at = f"{path_of(waiting)}sign-off/"
        slower = Tab("david", at).type(**{"sign_off-answer": "decline", "sign_off-rationale": WHY})
        slower.save()
        assert slower.by.open(at).form(at)["sign_off-rationale"] == WHY
        decisions.sign_off(
            contact_id=waiting.pk, agreed=False, rationale="Ask the health visitor first.", by=person("sam"),
            now=story.later(),
        )  # fmt: skip
        self.is_kept(slower, waiting, WHY, f"{person('sam')} declined on ")

    def test_who_correct(self, contact: Contact) -> None:
        at = f"{path_of(contact)}correct/referrer/"
        slower, faster = Tab("oliver", at), Tab("amina", at)
        why = {"fact-source": "referrer", "fact-why": "She rang."}
        assert faster.type(**why | {"fact-referrer_role": "Head"}).press().status_code == 302
        slower.type(**{"fact-source": "referrer", "fact-why": WHY, "fact-referrer_name": "Jo Park"})
        assert slower.press().status_code == 409
        page = slower.by.open(at)
        assert page.status == 200
        assert NOT_YET in page.text
        filled = page.form("")
        assert (filled["fact-why"], filled["fact-referrer_name"]) == (WHY, "Jo Park")
        assert filled["fact-referrer_role"] == "Head", "what they left as it stood is as it is now"
        assert slower.by.client.post(at, filled).status_code == 302
        assert not UnfinishedForm.objects.exists()

    def test_who_undo_a_match(self, story: Story, contact: Contact) -> None:
        again = story.contact(children=[child(nhs_number=None)], adults=[])
        match = again.children.get().matches.get()
        said: dict[str, Any] = {"contact_id": again.pk, "match_id": match.pk}
        matches.settle(**said, same=True, by=person("amina"), now=story.later())
        at = f"{path_of(again)}matches/{match.pk}/undo/"
        slower = Tab("oliver", at, path_of(again)).type(**{f"undo{match.pk}-reason": "They are cousins."})
        slower.save()
        for page in (path_of(again), f"{path_of(again)}matches/{match.pk}/compare/"):
            assert slower.by.open(page).form(at)[f"undo{match.pk}-reason"] == "They are cousins."
        matches.undo(**said, reason="Another birthday.", by=person("maya"), now=story.later())
        assert slower.press().status_code == 409
        assert "They are cousins." in slower.by.open(again).text


class TestFormsOnThePageOfARecord:
    def test_an_answer_of_a_partner(self, story: Story, contact: Contact) -> None:
        check = story.asked(contact, "example-police")
        at = f"{path_of(contact)}partners/{check.pk}/answer/"
        tab = Tab("oliver", at, path_of(contact)).type(**{f"answer{check.pk}-answer": "They know him."})
        tab.save()
        assert tab.by.open(contact).form(at)[f"answer{check.pk}-answer"] == "They know him."
        story.answered(check)
        page = tab.by.open(contact)
        assert at not in page.actions
        assert "They know him." in page.text, "though the form is gone"

    def test_a_request_to_a_partner(self, contact: Contact) -> None:
        at, police = f"{path_of(contact)}partners/", Agency.objects.get(code="example-police")
        tab = Tab("oliver", at, path_of(contact))
        is_done(
            tab.type(**{"ask-question": "Is he known?", "ask-agency": police.pk}).press(keep="later"), path_of(contact)
        )
        filled = tab.by.open(contact).form(at)
        assert (filled["ask-question"], filled["ask-agency"]) == ("Is he known?", str(police.pk))
        is_done(tab.by.client.post(at, filled), path_of(contact))
        assert not UnfinishedForm.objects.exists()

    def test_what_the_family_says(self, story: Story, contact: Contact) -> None:
        at = f"{path_of(contact)}agreement/"
        said = {"agreement-service": "given", "agreement-given_by": "his mother, on the telephone"}
        said |= day_of(story.now, "agreement-on")
        tab = Tab("oliver", at, path_of(contact)).type(**said)
        tab.save()
        filled = tab.by.open(contact).form(at)
        assert {name: filled[name] for name in said} == said
        is_done(tab.by.client.post(at, filled), path_of(contact))
        assert not UnfinishedForm.objects.exists()
        contact.refresh_from_db()
        assert (contact.agreement, contact.agreement_given_by) == ("given", "his mother, on the telephone")

    def test_what_the_family_says_is_found_though_somebody_has_decided(self, story: Story) -> None:
        """What the form was filled in with is not their own words."""
        answered = {"service": "given", "given_by": "his father", "on": story.now.date().isoformat()}
        contact = story.contact(agreement=answered)
        at = f"{path_of(contact)}agreement/"
        Tab("amina", at, path_of(contact)).type(**{"agreement-service": "refused"}).save()
        tab = Tab("oliver", at, path_of(contact)).type(**{"agreement-given_by": "his mother"})
        tab.save()
        story.decided(contact)
        assert at not in tab.by.open(contact).actions
        for name, says in (("oliver", "Given byhis mother"), ("amina", "Refused")):
            (kept,) = SignedIn(name).open(contact).main.all("section", **{"aria-labelledby": "unfinished-heading"})
            assert says in kept.text, name
            assert "his father" not in kept.text, name

    def test_a_closing_summary(self, story: Story) -> None:
        case: Case = story.accepted()
        at = f"{path_of(case)}close/"
        tab = Tab("ben", at).type(**{"close-summary": "He sleeps at home again."})
        tab.save()
        page = tab.by.open(at)
        assert page.form(at)["close-summary"] == "He sleeps at home again."
        assert "He sleeps" not in SignedIn("sam").open(case).html


def test_every_form_that_a_template_keeps_has_a_purpose() -> None:
    """Without one, its page looks the same, and what is typed is lost."""
    templates = Path(web.__file__).parent / "templates"
    keeps = re.compile(r"{% url '([\w-]+)' [^%]* as address %}{% unfinished_form ")
    found = {name for path in templates.rglob("*.html") for name in keeps.findall(path.read_text())}
    assert len(found) > 10
    assert found <= PURPOSES.keys(), "Add these to PURPOSES in casework/web/unfinished.py"


class TestWhatNoPageSends:
    """Somebody who writes the request themselves: nothing breaks, and nothing is kept that no page would show."""

    @pytest.mark.parametrize(
        "more", [{"page": "a\0b"}, {"decide-a\0b": "x"}, {"version": "9" * 30}, {"page": "a" * 99}]
    )
    def test_is_kept_as_far_as_it_can_be_read(self, contact: Contact, more: dict[str, str]) -> None:
        tab = deciding(contact).type(**more)
        assert tab.save()["status"] == 200
        assert texts() == [WHY]

    def test_is_not_kept_at_the_address_of_no_form(self, contact: Contact) -> None:
        reader = contact.children.get().person.reference
        for at in (
            f"{path_of(contact)}correct/{'a' * 300}/",
            f"/contacts/{'A' * 300}/decide/",
            f"{path_of(contact)}feedback/",
            f"/people/{reader}/protect/",
        ):
            for keep in ("script", "later", "stay"):
                sent = {"kept": new_key(), "keep": keep, "decide-rationale": WHY}
                answer = SignedIn("amina").client.post(at, sent)
                assert answer.status_code < 400, at
        assert not UnfinishedForm.objects.exists()


def test_what_is_sent_with_the_token_of_an_earlier_sign_in_is_kept(contact: Contact) -> None:
    client = Client(enforce_csrf_checks=True)
    user = User.objects.get(username="amina")
    client.force_login(user)
    sent = {"kept": new_key(), "typist": str(user.pk), "decide-rationale": WHY}
    for origin, keeps in (("https://else.example", []), ("http://testserver", [WHY])):
        answer = client.post(decide(contact), sent, headers={"Origin": origin})
        assert (answer.status_code, texts()) == (403, keeps)
    assert "It is kept for you until you clear it." in Page(answer).text
    answer = client.post(decide(contact), sent | {"typist": "0"}, headers={"Origin": "http://testserver"})
    assert (answer.status_code, WHY in answer.content.decode()) == (403, False)
