"""What a referrer asks afterwards, on the contact's page and on the worklist: whoever may answer it does so there."""

from typing import Any

import pytest
from django.utils import timezone

from casework.actions import sender_requests
from casework.models import Contact, RequestKind, SenderRequest
from tests.stage.staff import SignedIn, is_done, is_refused, is_wrong, path_of
from tests.stage.story import Story, person
from tests.stage.web_client import a_working_morning

WHY = "It is about a child of the same name at another school."
ANSWER = "Thank you. We close it as sent in error."


@pytest.fixture
def story(db: None) -> Story:
    """The pages look at the clock on the wall."""
    return Story(a_working_morning())


@pytest.fixture
def contact(story: Story) -> Contact:
    return story.contact()


def asked(story: Story, contact: Contact, kind: RequestKind = RequestKind.WITHDRAW) -> SenderRequest:
    said: dict[str, Any] = {"kind": kind, "text": WHY, "by": contact.agency, "now": story.later()}
    return sender_requests.ask(reference=contact.reference, **said).request


def answer(by: str, request: SenderRequest, says: str = ANSWER) -> Any:
    action = f"asked/{request.pk}/answer"
    return SignedIn(by).send(request.contact, action, **{f"sender{request.pk}-text": says})


class TestOnTheContactsPage:
    def test_it_says_what_is_asked_by_when_and_that_nothing_happens_by_itself(
        self, story: Story, contact: Contact
    ) -> None:
        asked(story, contact)
        text = SignedIn("amina").open(contact).text
        assert "Asks to withdraw the contact" in text
        assert WHY in text
        assert "To be answered by" in text
        assert "Nothing happens by itself." in text

    def test_front_door_staff_answer_and_everybody_reads_it(self, story: Story, contact: Contact) -> None:
        request = asked(story, contact)
        is_wrong(answer("oliver", request, " "), {f"id_sender{request.pk}-text": "Enter what the referrer should know"})
        is_done(answer("oliver", request), contact)
        page = SignedIn("maya").open(contact)
        assert ANSWER in page.text
        assert f"{path_of(contact)}asked/{request.pk}/answer/" not in page.actions

    def test_a_second_answer_is_refused(self, story: Story, contact: Contact) -> None:
        request = asked(story, contact)
        says = {f"sender{request.pk}-text": ANSWER}
        for by in ("oliver", "amina"):
            sent = SignedIn(by).post(contact, f"asked/{request.pk}/answer", **says)
        is_refused(sent, 409, "This is answered already.")

    def test_a_step_of_a_disagreement_is_for_those_above(self, story: Story, contact: Contact) -> None:
        story.decided(contact)
        first = asked(story, contact, RequestKind.ESCALATE)
        is_done(answer("amina", first), contact)
        second = asked(story, contact, RequestKind.ESCALATE)
        assert "A front-door manager answers this." in SignedIn("amina").open(contact).text
        refused = SignedIn("amina").post(contact, f"asked/{second.pk}/answer", **{f"sender{second.pk}-text": ANSWER})
        is_refused(refused, 403, "A front-door manager, or a service manager, answers this step of a disagreement.")
        is_done(answer("maya", second), contact)

    def test_what_belongs_to_another_contact_is_not_found(self, story: Story, contact: Contact) -> None:
        request = asked(story, story.contact(adults=[]))
        sent = SignedIn("amina").post(contact, f"asked/{request.pk}/answer", **{f"sender{request.pk}-text": ANSWER})
        assert sent.status_code == 404


class TestOnTheWorklist:
    def test_it_stands_in_a_tab_of_its_own_also_after_the_decision(self, story: Story, contact: Contact) -> None:
        story.decided(contact)
        request = asked(story, contact, RequestKind.ESCALATE)
        address = "/?tab=referrers"
        page = SignedIn("amina").client.get(address).content.decode()
        assert contact.reference in page
        assert "Disagrees with the decision." in page
        sender_requests.answer(request_id=request.pk, text=ANSWER, by=person("amina"), now=timezone.now())
        assert contact.reference not in SignedIn("amina").client.get(address).content.decode()
