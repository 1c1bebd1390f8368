"""
Before the decision, on a contact's page: partners are asked and their answers kept; a contact passes between the day
team and emergency duty, with a note, and a named person takes it on.
"""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from casework.actions import partner_checks
from casework.models import AuditEvent, Contact, Event, OutboxMessage, PartnerCheck, ReplyKind
from casework.record import integrity
from localities.models import Agency, AgencyClient
from tests.stage.pages import WHY
from tests.stage.staff import (
    ANOTHER_FAMILY,
    SignedIn,
    as_recommended,
    is_decided,
    is_done,
    is_refused,
    is_wrong,
    offered,
    path_of,
    views,
)
from tests.stage.story import Story
from tests.stage.web_client import Page, a_working_morning

WHO_SEES_IT = ("amina", "oliver", "maya", "erin", "sam", "ava", "iris")
QUESTION = "Have you been called to the home since September?"
NOTHING = "They know nothing of the family."
NOTE = "His aunt has him until Monday. Ring her first."
SENT = {"handover-note": NOTE}


@pytest.fixture(scope="module")
def told(told_for_a_module: None) -> tuple[Story, int]:
    """
    A contact that waits for a decision, with the day team. The story ends before today: the pages look at the clock on
    the wall.
    """
    story = Story(a_working_morning())
    return story, story.contact().pk


@pytest.fixture(scope="module")
def waiting(told: tuple[Story, int]) -> dict[str, Page]:
    """The contact's page, as everybody finds it who sees it."""
    return views(Contact.objects.get(pk=told[1]), WHO_SEES_IT)


@pytest.fixture
def story(told: tuple[Story, int], db: None) -> Story:
    """The story goes on."""
    return told[0].goes_on()


@pytest.fixture
def contact(told: tuple[Story, int], db: None) -> Contact:
    return Contact.objects.get(pk=told[1])


def did(event: Event) -> list[str]:
    """The users who did this, in order."""
    return [str(each.by_user and each.by_user.username) for each in AuditEvent.objects.filter(event=event)]


def sent(agency: Agency) -> dict[str, Any]:
    return {"ask-agency": agency.pk, "ask-question": QUESTION}


class TestAskingAPartner:
    def test_the_form_is_for_whoever_works_on_it(
        self, contact: Contact, waiting: dict[str, Page], police: Agency
    ) -> None:
        assert offered(waiting, contact, "partners") == {"amina", "oliver", "maya", "erin"}
        for name in ("sam", "ava", "iris"):
            answer = SignedIn(name).post(contact, "partners", **sent(police))
            is_refused(answer, 403, f"Only front-door staff can work on {contact}.")
        assert not contact.partner_checks.exists()

    def test_which_and_what_and_why(self, contact: Contact, waiting: dict[str, Page]) -> None:
        says = {
            "id_ask-agency": "Select the partner that is asked",
            "id_ask-question": "Enter what the partner is asked, and why",
        }
        amina, page = SignedIn("amina"), waiting["amina"]
        is_wrong(amina.send(contact, "partners", page), says)
        page = is_wrong(
            amina.send(contact, "partners", page, **{"ask-question": QUESTION}),
            {"id_ask-agency": says["id_ask-agency"]},
        )
        assert page.form(f"{path_of(contact)}partners/")["ask-question"] == QUESTION, "what was typed is not lost"


class TestAskingInItsSystem:
    @pytest.fixture
    def police(self, police: Agency) -> Agency:
        AgencyClient.objects.create(agency=police, name="A system")
        return police

    def ask(self, contact: Contact, page: Page, police: Agency, *children: object) -> Any:
        chosen = {"ask-in_system": "yes", "ask-child_ids": [str(child) for child in children]}
        return SignedIn("amina").send(contact, "partners", page, **sent(police), **chosen)

    def test_it_is_asked_about_the_children_who_are_selected(
        self, contact: Contact, waiting: dict[str, Page], police: Agency
    ) -> None:
        child = contact.children.get()
        is_done(self.ask(contact, waiting["amina"], police, child.pk), contact)
        check = contact.partner_checks.get()
        assert (check.key is not None, check.child_ids) == (True, [child.pk])
        page = SignedIn("maya").open(contact)
        assert f"It reads this in its own system, with the names of {child.called}." in page.text

    def test_an_agency_without_one_is_asked_otherwise(
        self, contact: Contact, waiting: dict[str, Page], school: Agency
    ) -> None:
        says = "Example Primary School has no system here. Ask by telephone or e-mail."
        is_wrong(self.ask(contact, waiting["amina"], school), {"id_ask-in_system": says})
        assert not contact.partner_checks.exists()

    def test_what_it_asks_back_is_answered_on_the_page(
        self, contact: Contact, waiting: dict[str, Page], police: Agency
    ) -> None:
        self.ask(contact, waiting["amina"], police)
        check = contact.partner_checks.get()
        said: dict[str, Any] = {"key": check.key, "by": police, "now": timezone.now()}
        partner_checks.reply(**said, kind=ReplyKind.ASKS_BACK, text="Which surname does she use?")
        oliver, action = SignedIn("oliver"), f"partners/{check.pk}/tell"
        page = oliver.open(contact)
        assert "Which surname does she use?" in page.text
        is_wrong(oliver.send(contact, action, page), {f"id_tell{check.pk}-text": "Enter what the partner should know"})
        is_done(oliver.send(contact, action, page, **{f"tell{check.pk}-text": "Ashworth."}), contact)
        refused = SignedIn("sam").post(contact, action, **{f"tell{check.pk}-text": "Lee."})
        is_refused(refused, 403, f"Only front-door staff can work on {contact}.")
        partner_checks.reply(**said, kind=ReplyKind.NOTHING_KNOWN, text="")
        page = oliver.open(contact)
        assert "Told by the front door, Oliver" in page.text
        assert "in its own system: Nothing is known." in page.text
        assert did(Event.PARTNER_TOLD) == ["oliver"]


class TestPartners:
    @pytest.fixture(scope="class")
    @classmethod
    def seen(cls, told: tuple[Story, int], waiting: dict[str, Page], told_for_a_class: None) -> dict[str, Page]:
        """Amina asks the police. The contact's page, as everybody finds it then."""
        contact = Contact.objects.get(pk=told[1])
        police = Agency.objects.get(code="example-police")
        is_done(SignedIn("amina").send(contact, "partners", waiting["amina"], **sent(police)), contact)
        return views(contact, WHO_SEES_IT)

    @pytest.fixture
    def asked(self, seen: dict[str, Page], contact: Contact) -> PartnerCheck:
        """The open question."""
        return contact.partner_checks.get()

    def answer(self, check: PartnerCheck, by: str = "oliver", says: str = NOTHING) -> Any:
        action = f"partners/{check.pk}/answer"
        return SignedIn(by).post(check.contact, action, **{f"answer{check.pk}-answer": says})

    def withdraw(self, check: PartnerCheck, by: str = "oliver", says: str = "The school knew.") -> Any:
        action = f"partners/{check.pk}/withdraw"
        return SignedIn(by).post(check.contact, action, **{f"withdraw{check.pk}-reason": says})

    def test_one_is_asked_and_the_clock_for_its_answer_runs(self, asked: PartnerCheck, seen: dict[str, Page]) -> None:
        page = seen["maya"]
        assert "Example Police, asked by Amina Hussain" in page.text
        assert QUESTION in page.text
        assert "Partner's answer: Example Police" in page.text
        assert asked.clocks.running().exists()
        assert did(Event.PARTNER_ASKED) == ["amina"]

    def test_not_twice_at_a_time(self, contact: Contact, asked: PartnerCheck, seen: dict[str, Page]) -> None:
        says = "Example Police is asked already, and has not answered yet."
        answer = SignedIn("maya").send(contact, "partners", seen["maya"], **sent(asked.agency))
        page = is_wrong(answer, {"id_ask-agency": says})
        assert page.form(f"{path_of(contact)}partners/")["ask-question"] == QUESTION
        is_done(self.answer(asked), contact)
        is_done(SignedIn("maya").send(contact, "partners", **sent(asked.agency)), contact)

    def test_that_it_knows_nothing_is_an_answer(self, contact: Contact, asked: PartnerCheck) -> None:
        is_done(self.answer(asked), contact)
        page = SignedIn("amina").open(contact)
        assert "recorded by Oliver Grant: They know nothing of the family." in page.text
        assert "Answered after" in page.text
        assert not asked.clocks.running().exists()
        assert did(Event.PARTNER_ANSWERED) == ["oliver"]
        assert f"{path_of(contact)}partners/{asked.pk}/answer/" not in page.actions

    def test_silence_is_none(self, contact: Contact, asked: PartnerCheck) -> None:
        says = {f"id_answer{asked.pk}-answer": "Enter what the partner said, even if it knows nothing"}
        for empty in ("", " \n"):
            is_wrong(self.answer(asked, says=empty), says)
        assert asked.clocks.running().exists()

    def test_a_question_is_withdrawn_for_a_reason_that_stays_in_view(
        self, contact: Contact, asked: PartnerCheck
    ) -> None:
        is_wrong(self.withdraw(asked, says=""), {f"id_withdraw{asked.pk}-reason": "Enter why the request is withdrawn"})
        is_done(self.withdraw(asked), contact)
        page = SignedIn("amina").open(contact)
        assert "Withdrawn by Oliver Grant" in page.text
        assert "The school knew." in page.text

    def test_whoever_was_slower_reads_that_it_is_done(self, asked: PartnerCheck) -> None:
        self.answer(asked)
        is_refused(self.answer(asked, by="amina"), 409, "This request is answered already.")
        is_refused(self.withdraw(asked, by="amina"), 409, "This request is answered already.")

    def test_overseers_look_and_do_not_touch(
        self, contact: Contact, asked: PartnerCheck, seen: dict[str, Page]
    ) -> None:
        for name in ("sam", "ava", "iris"):
            says = f"Only front-door staff can work on {contact}."
            is_refused(self.answer(asked, by=name), 403, says)
            is_refused(self.withdraw(asked, by=name), 403, says)
            assert not any("partners" in action for action in seen[name].actions)

    def test_whoever_must_not_see_the_family_finds_nothing(self, asked: PartnerCheck, story: Story) -> None:
        for name in ("carol", "adele", "ben"):
            assert self.answer(asked, by=name).status_code == 404
            assert self.withdraw(asked, by=name).status_code == 404
            assert SignedIn(name).post(asked.contact, "partners", **sent(asked.agency)).status_code == 404

    def test_a_question_is_answered_on_its_own_contact(self, asked: PartnerCheck, story: Story) -> None:
        other = story.contact(**ANOTHER_FAMILY)
        for number in (asked.pk, "9" * 30, 0):
            for action in ("answer", "withdraw"):
                assert SignedIn("amina").post(other, f"partners/{number}/{action}").status_code == 404

    def test_a_partner_that_answers_while_a_second_person_is_awaited_is_heard(
        self, contact: Contact, asked: PartnerCheck, story: Story
    ) -> None:
        story.now = timezone.now() - timedelta(minutes=61)
        story.decided(contact, pathway="advice", level=1, rag="blue")
        assert contact.status == "sign_off"
        path = f"{path_of(contact)}partners/{asked.pk}/"
        actions = SignedIn("oliver").open(contact).actions
        assert {f"{path}answer/", f"{path}withdraw/"} <= actions
        assert f"{path_of(contact)}partners/" not in actions, "nobody else is asked now"
        is_done(self.answer(asked), contact)

    def test_whoever_decides_says_what_becomes_of_the_request(
        self, contact: Contact, asked: PartnerCheck, seen: dict[str, Page]
    ) -> None:
        """The form has no answer filled in. The decision is made only after one."""
        page, of_check = SignedIn("amina").open(contact, "decide/"), f"decide-check_{asked.pk}"
        assert "Example Police has not answered. What becomes of the request?" in page.text
        assert "Example Police has not answered, asked" in page.text, "it is among what is still open"
        assert of_check not in page.form(f"{path_of(contact)}decide/")
        says = "Example Police has not answered yet. Say what becomes of the request, or wait for the answer."
        decides = as_recommended(contact) | WHY
        is_wrong(SignedIn("amina").send(contact, "decide", page, **decides), {f"id_{of_check}": says})
        asked.refresh_from_db()
        assert asked.status == "asked"
        is_done(self.answer(asked), contact)
        assert "What becomes of the request?" not in SignedIn("amina").open(contact, "decide/").text
        is_decided(SignedIn("amina").send(contact, "decide", page, **decides), contact)

    def test_an_answer_is_one_only_to_the_questions_on_the_page(
        self, contact: Contact, asked: PartnerCheck, seen: dict[str, Page]
    ) -> None:
        """A colleague asks another partner while the page is open: whoever decides reads of it and is asked again."""
        form = SignedIn("amina").open(contact, "decide/").form(f"{path_of(contact)}decide/")
        surgery = Agency.objects.get(code="example-surgery")
        is_done(SignedIn("oliver").post(contact, "partners", **sent(surgery)), contact)
        new = contact.partner_checks.get(agency=surgery)
        says = "Example Surgery has not answered yet. Say what becomes of the request, or wait for the answer."
        answers = form | as_recommended(contact) | WHY | {f"decide-check_{asked.pk}": "withdraw"}
        page = is_wrong(SignedIn("amina").post(contact, "decide", **answers), {f"id_decide-check_{new.pk}": says})
        assert page.form(f"{path_of(contact)}decide/")[f"decide-check_{asked.pk}"] == "withdraw"
        is_decided(SignedIn("amina").send(contact, "decide", page, **{f"decide-check_{new.pk}": "withdraw"}), contact)

    def test_an_answer_that_nobody_waits_for_goes_to_the_team(
        self, contact: Contact, asked: PartnerCheck, seen: dict[str, Page]
    ) -> None:
        decides = as_recommended(contact) | WHY | {f"decide-check_{asked.pk}": "follow"}
        amina = SignedIn("amina")
        is_decided(amina.send(contact, "decide", **decides), contact)
        asked.refresh_from_db()
        assert asked.status == "asked"
        assert asked.clocks.running().exists(), "somebody chases it"
        assert [finding for finding in integrity.check() if finding.broken] == []
        assert "Example Police has not answered: record the answer on" in amina.open(contact, "decided/").text
        is_done(self.answer(asked), contact)
        assert {*OutboxMessage.objects.filter(kind="partner_answered").values_list("to", flat=True)} == {
            "ben@front-door.example", "bea@front-door.example",
        }  # fmt: skip

    def test_the_second_person_reads_which_questions_end(
        self, contact: Contact, asked: PartnerCheck, story: Story
    ) -> None:
        story.now = timezone.now() - timedelta(minutes=61)
        story.decided(contact, pathway="advice", level=1, rag="blue")
        says = "If you agree, the requests to Example Police end without an answer."
        assert says in SignedIn("maya").open(contact, "sign-off/").text
        is_done(self.answer(asked), contact)
        assert says not in SignedIn("maya").open(contact, "sign-off/").text

    def test_a_decision_waits_for_nobody(self, contact: Contact, asked: PartnerCheck, seen: dict[str, Page]) -> None:
        decides = as_recommended(contact) | WHY | {f"decide-check_{asked.pk}": "withdraw"}
        is_decided(SignedIn("amina").send(contact, "decide", **decides), contact)
        page = SignedIn("amina").open(contact)
        assert "It was decided without the answer." in page.text
        assert not any("partners" in action for action in page.actions)
        is_refused(self.answer(asked), 409, "This request is withdrawn already.")
        is_refused(
            SignedIn("amina").post(contact, "partners", **sent(asked.agency)),
            409,
            f"{contact} is decided already.",
        )


class TestPassingItOn:
    def test_only_whoever_has_it_passes_it_on(self, contact: Contact, waiting: dict[str, Page]) -> None:
        assert offered(waiting, contact, "hand-over") == {"amina", "oliver", "maya"}
        assert "Hand over to emergency duty" in waiting["oliver"].text
        for name in ("erin", "sam", "ava", "iris"):
            answer = SignedIn(name).post(contact, "hand-over", **SENT)
            is_refused(answer, 403, f"Only Front door can hand {contact} over.")
        assert not contact.handovers.exists()

    def test_the_note_is_needed(self, contact: Contact, waiting: dict[str, Page]) -> None:
        says = "Enter what the next team must know: what was done, what comes next, by when"
        for note in ("", " \n"):
            answer = SignedIn("amina").send(contact, "hand-over", waiting["amina"], **{"handover-note": note})
            is_wrong(answer, {"id_handover-note": says})
        assert not contact.handovers.exists()

    def test_where_there_is_nobody_to_pass_it_to_the_note_is_not_lost(
        self, contact: Contact, waiting: dict[str, Page], story: Story
    ) -> None:
        night = story.team("emergency-duty")
        night.is_active = False
        night.save()
        says = "There is no team to pass it to: no such team takes work."
        page = Page(SignedIn("amina").send(contact, "hand-over", waiting["amina"], **SENT))
        assert (page.status, page.summary) == (422, [("", says)])
        assert page.form(f"{path_of(contact)}hand-over/")["handover-note"] == NOTE


class TestTheNextShift:
    @pytest.fixture(scope="class")
    @classmethod
    def passed(cls, told: tuple[Story, int], waiting: dict[str, Page], told_for_a_class: None) -> dict[str, Page]:
        """Amina passes the contact to emergency duty. Its page, as everybody finds it then."""
        contact = Contact.objects.get(pk=told[1])
        is_done(SignedIn("amina").send(contact, "hand-over", waiting["amina"], **SENT), contact)
        return views(contact, WHO_SEES_IT)

    def test_it_passes_with_a_note_and_waits_to_be_taken_on(self, contact: Contact, passed: dict[str, Page]) -> None:
        assert contact.team.code == "emergency-duty"
        page = passed["erin"]
        assert "From Front door to Emergency duty team" in page.text
        assert f"by Amina Hussain: {NOTE} Nobody has taken it on yet." in page.text
        assert "Waiting for a decision, with Emergency duty team" in page.text
        assert "Contact taken on" in page.text, "its clock"
        assert did(Event.CONTACT_HANDED_OVER) == ["amina"]

    def test_a_named_person_takes_it_on(self, contact: Contact, passed: dict[str, Page]) -> None:
        assert offered(passed, contact, "take-on") == {"erin"}
        is_done(SignedIn("erin").send(contact, "take-on", passed["erin"]), contact)
        pages = views(contact, WHO_SEES_IT)
        page = pages["amina"]
        assert "Taken on by Erin Walsh after" in page.text
        assert "Nobody has taken it on" not in page.text
        assert did(Event.CONTACT_TAKEN_ON) == ["erin"]
        assert offered(pages, contact, "take-on") == set()
        assert not contact.clocks.running().filter(kind="contact_taken_on").exists()

    def test_and_back_again(self, contact: Contact, passed: dict[str, Page]) -> None:
        assert offered(passed, contact, "hand-over") == set(), "not before somebody has it"
        erin = SignedIn("erin")
        erin.send(contact, "take-on", passed["erin"])
        page = erin.open(contact)
        assert "Hand over to the day team" in page.text
        is_done(erin.send(contact, "hand-over", page, **{"handover-note": "She sleeps."}), contact)
        assert Contact.objects.get(pk=contact.pk).team.code == "front-door"
        assert offered(views(contact, WHO_SEES_IT), contact, "take-on") == {"amina", "oliver", "maya"}

    def test_and_only_whoever_was_asked_takes_it_on(self, contact: Contact, passed: dict[str, Page]) -> None:
        for name in ("amina", "sam", "ava"):
            says = f"Only Emergency duty team can take {contact} on."
            is_refused(SignedIn(name).post(contact, "take-on"), 403, says)
        for name in ("carol", "adele", "ben"):
            for action in ("take-on", "hand-over"):
                assert SignedIn(name).post(contact, action, **SENT).status_code == 404

    def test_whoever_was_slower_reads_that_it_is_done(self, contact: Contact, passed: dict[str, Page]) -> None:
        says = f"{contact} was passed to Emergency duty team, and nobody has taken it on yet."
        is_refused(SignedIn("maya").post(contact, "hand-over", **SENT), 409, says)
        SignedIn("erin").post(contact, "take-on")
        is_refused(SignedIn("erin").post(contact, "take-on"), 409, f"{contact} was taken on already.")

    def test_whoever_decides_has_it(self, contact: Contact, passed: dict[str, Page]) -> None:
        says = "Nobody has taken this contact on since it was handed over to Emergency duty team. It will be yours."
        assert says in SignedIn("erin").open(contact, "decide/").text
        is_decided(SignedIn("erin").send(contact, "decide", **as_recommended(contact) | WHY), contact)
        page = SignedIn("erin").open(contact)
        assert says not in page.text
        assert "Taken on by Erin Walsh after" in page.text
        is_refused(SignedIn("erin").post(contact, "take-on"), 409, f"{contact} was taken on already.")
        is_refused(SignedIn("erin").post(contact, "hand-over", **SENT), 409, f"{contact} is decided already.")

    def test_the_worklist_says_that_nobody_has_it(self, contact: Contact, passed: dict[str, Page]) -> None:
        assert "nobody has taken it on" in SignedIn("amina").open("/").text
        SignedIn("erin").send(contact, "take-on", passed["erin"])
        assert "nobody has taken it on" not in SignedIn("amina").open("/").text
