"""What an agency reads of the questions to it, and what becomes of its answers."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from casework.actions import partner_checks, restrictions
from casework.jobs import late_answers
from casework.messages.wording import write
from casework.models import AuditEvent, Contact, Event, Message, OutboxMessage, PartnerCheck, PartnerReply, Reminder
from casework.record import integrity
from errors import InvalidInput, NotAllowedInStatus
from localities.models import Agency
from tests.stage.documents import address, child
from tests.stage.story import Story, person
from tests.stage.web_client import Partner, pointers, problem

CHECKS = "/api/v1/partner-checks"
ASKS = "Has the child been seen with injuries since September?"
SCOPES = "contacts:read contacts:write checks:answer"


@pytest.fixture
def surgery(db: None) -> Partner:
    """The system of the agency that is asked."""
    agency = Agency.objects.get(code="example-surgery")
    agency.checks_email = "questions@surgery.example"
    agency.save()
    return Partner(agency, scope=SCOPES)


def ask(
    story: Story, contact: Contact, agency: str = "example-surgery", *, in_system: bool = True, **said: Any
) -> PartnerCheck:
    children = [each.pk for each in contact.children.all()]
    return partner_checks.ask(
        contact_id=contact.pk, agency_id=Agency.objects.get(code=agency).pk, question=ASKS, in_system=in_system,
        **{"child_ids": children} | said, by=person("oliver"), now=story.later(),
    )  # fmt: skip


def get(partner: Partner, path: str = "", **headers: str) -> Any:
    return partner.http.get(f"{CHECKS}{path}", headers=partner.headers | headers)


def reply(partner: Partner, check: PartnerCheck, *, key: str | None = None, **said: Any) -> Any:
    headers = partner.headers | ({"Idempotency-Key": key} if key else {})
    return partner.http.post(f"{CHECKS}/{check.key}/replies", said, "application/json", headers=headers)


def nothing_is_broken() -> bool:
    return {each.sentence: each.broken for each in integrity.check() if each.broken} == {}


class TestAsking:
    def test_the_agency_reads_the_question_the_children_and_when_it_is_due(
        self, story: Story, surgery: Partner
    ) -> None:
        check = ask(story, story.contact())
        (shown,) = get(surgery).json()["checks"]
        assert (shown["id"], shown["status"], shown["question"]) == (check.key, "open", ASKS)
        assert shown["due_at"] == check.clocks.get().due_at.isoformat()
        assert [(each["first_name"], each["date_of_birth"]) for each in shown["children"]] == [("Robin", "2019-03-04")]
        assert get(surgery, f"/{check.key}").json() == shown

    def test_it_learns_neither_the_contact_nor_an_address_nor_who_asked(self, story: Story, surgery: Partner) -> None:
        contact = story.contact(children=[child(address=address("HP20 1UA"))])
        check = ask(story, contact)
        said = get(surgery, f"/{check.key}").content.decode()
        for secret in (contact.reference, "HP20 1UA", "Example Road", person("oliver").name, contact.rag):
            assert secret not in said

    def test_only_the_children_who_were_selected_are_named(self, story: Story, surgery: Partner) -> None:
        contact = story.contact(children=[child(), child(first_name="Kim", nhs_number=None)])
        (kim,) = contact.children.filter(first_name="Kim")
        ask(story, contact, child_ids=[kim.pk])
        assert [each["first_name"] for each in get(surgery).json()["checks"][0]["children"]] == ["Kim"]

    def test_of_several_children_some_must_be_selected_and_of_this_contact(
        self, story: Story, surgery: Partner
    ) -> None:
        contact = story.contact(children=[child(), child(first_name="Kim", nhs_number=None)])
        elsewhere = story.contact(children=[child(first_name="Noor", nhs_number=None)]).children.get()
        for chosen in ([], [elsewhere.pk]):
            with pytest.raises(InvalidInput, match="Select the children"):
                ask(story, contact, child_ids=chosen)
        assert not PartnerCheck.objects.exists()

    def test_an_agency_without_a_system_is_asked_by_telephone(self, story: Story) -> None:
        contact = story.contact()
        with pytest.raises(InvalidInput, match="has no system here"):
            ask(story, contact)
        assert ask(story, contact, in_system=False).key is None

    def test_what_is_asked_by_telephone_is_not_in_its_system(self, story: Story, surgery: Partner) -> None:
        ask(story, story.contact(), in_system=False)
        assert get(surgery).json()["checks"] == []

    def test_its_address_hears_that_a_question_waits_and_of_nobody(self, story: Story, surgery: Partner) -> None:
        contact = story.contact()
        ask(story, contact)
        letter = write(OutboxMessage.objects.get(kind=Message.CHECK_ASKED))
        assert OutboxMessage.objects.get(kind=Message.CHECK_ASKED).to == "questions@surgery.example"
        for secret in ("Robin", contact.reference, ASKS):
            assert secret not in letter.text + letter.subject

    def test_nobody_of_a_restricted_record_is_named(self, story: Story, surgery: Partner) -> None:
        contact = story.contact()
        check = ask(story, contact)
        restrict(contact, story)
        assert get(surgery, f"/{check.key}").json()["children"] == []
        partner_checks.withdraw(check_id=check.pk, reason="By telephone.", by=person("maya"), now=story.later())

    def test_a_restricted_record_is_asked_about_by_telephone(self, story: Story, surgery: Partner) -> None:
        contact = story.contact()
        restrict(contact, story)
        with pytest.raises(InvalidInput, match="restricted"):
            partner_checks.ask(
                contact_id=contact.pk, agency_id=surgery.agency.pk, question=ASKS, in_system=True,
                by=person("maya"), now=story.later(),
            )  # fmt: skip


def restrict(contact: Contact, story: Story) -> None:
    """Only Maya, and Iris, who owns the restriction, may open it."""
    maya, iris = person("maya"), person("iris")
    restrictions.restrict(
        contact_id=contact.pk, person_id=contact.children.get().person_id, kind="relative_of_staff",
        reason="A colleague's child.", owner_id=iris.pk, reader_ids=[maya.pk], without_readers=False, by=iris,
        now=story.later(),
    )  # fmt: skip


class TestAnswering:
    def test_an_answer_ends_the_question_and_whoever_asked_is_told(self, story: Story, surgery: Partner) -> None:
        check = ask(story, story.contact())
        answer = reply(surgery, check, kind="answer", text=" A bruise in November. ")
        assert answer.status_code == 201, answer.content
        check.refresh_from_db()
        assert (check.status, check.answer, check.ended_by) == ("answered", "A bruise in November.", None)
        assert not check.clocks.running().exists()
        assert OutboxMessage.objects.get(kind=Message.PARTNER_REPLIED).to == person("oliver").email
        assert get(surgery).json()["checks"] == []
        (answered,) = get(surgery, "?status=answered").json()["checks"]
        assert answered["replies"] == [{name: answer.json()[name] for name in ("at", "kind", "text")}]
        assert nothing_is_broken()

    @pytest.mark.parametrize("text", [None, "", "  ", "We moved to another system in June."])
    def test_that_nothing_is_known_is_an_answer(self, story: Story, surgery: Partner, text: str | None) -> None:
        check = ask(story, story.contact())
        assert reply(surgery, check, kind="nothing_known", text=text).status_code == 201
        check.refresh_from_db()
        assert check.answer == f"Nothing is known. {(text or '').strip()}".strip()

    def test_who_asks_back_leaves_it_open_and_reads_what_we_say(self, story: Story, surgery: Partner) -> None:
        check = ask(story, story.contact())
        reply(surgery, check, kind="asks_back", text="Which surname?")
        check.refresh_from_db()
        assert check.status == "asked"
        assert check.clocks.running().exists(), "the time runs on"
        assert OutboxMessage.objects.filter(kind=Message.PARTNER_REPLIED).count() == 1
        partner_checks.tell(check_id=check.pk, text="Ashworth, formerly Lee.", by=person("amina"), now=story.later())
        (shown,) = get(surgery).json()["checks"]
        assert [(each["kind"], each["text"]) for each in shown["replies"]] == [
            ("asks_back", "Which surname?"), ("told", "Ashworth, formerly Lee."),
        ]  # fmt: skip

    def test_nobody_is_told_in_a_system_who_was_asked_by_telephone(self, story: Story, surgery: Partner) -> None:
        check = ask(story, story.contact(), in_system=False)
        with pytest.raises(NotAllowedInStatus, match="by telephone or e-mail"):
            partner_checks.tell(check_id=check.pk, text="More.", by=person("amina"), now=story.later())

    def test_an_answer_after_the_decision_is_kept_and_the_team_is_told(self, story: Story, surgery: Partner) -> None:
        contact = story.contact()
        check = ask(story, contact)
        story.decided(contact)
        (closed,) = get(surgery, "?status=closed").json()["checks"]
        assert (closed["id"], closed["due_at"]) == (check.key, None)
        assert reply(surgery, check, kind="answer", text="A bruise in November.").status_code == 201
        check.refresh_from_db()
        assert (check.status, check.answer) == ("withdrawn", "")
        assert PartnerReply.objects.get().text == "A bruise in November."
        told = OutboxMessage.objects.filter(kind__in=(Message.PARTNER_ANSWERED, Message.PARTNER_REPLIED))
        assert {message.contact for message in told} == {contact}
        assert nothing_is_broken()

    def test_what_is_said_after_an_answer_is_kept_beside_it(self, story: Story, surgery: Partner) -> None:
        check = ask(story, story.contact())
        for text in ("A bruise.", "And a burn."):
            assert reply(surgery, check, kind="answer", text=text).status_code == 201
        check.refresh_from_db()
        assert check.answer == "A bruise."
        assert [each.text for each in check.replies.all()] == ["A bruise.", "And a burn."]

    def test_the_same_key_is_answered_as_before_and_stored_once(self, story: Story, surgery: Partner) -> None:
        check = ask(story, story.contact())
        first = reply(surgery, check, key="a", kind="answer", text="A bruise.")
        again = reply(surgery, check, key="a", kind="answer", text="A bruise.")
        assert (again.status_code, again.json(), again.headers["Idempotency-Replayed"]) == (201, first.json(), "true")
        problem(reply(surgery, check, key="a", kind="answer", text="A burn."), 422, "idempotency-key-reused")
        assert PartnerReply.objects.count() == 1

    @pytest.mark.parametrize(
        ("said", "at"),
        [({"text": "A bruise."}, "#/kind"), ({"kind": "told", "text": "So."}, "#/kind"), ({"kind": "answer"}, "#/text"),
         ({"kind": "answer", "text": "\u200b"}, "#/text"), ({"kind": "asks_back", "text": " "}, "#/text"),
         ({"kind": "answer", "text": 7}, "#/text"), ({"kind": "answer", "text": "x" * 20_001}, "#/text"),
         ({"kind": "answer", "text": "So.", "colour": "blue"}, "#/colour")],
    )  # fmt: skip
    def test_what_is_no_reply_is_refused_and_nothing_happens(
        self, story: Story, surgery: Partner, said: dict[str, Any], at: str
    ) -> None:
        check = ask(story, story.contact())
        assert list(pointers(problem(reply(surgery, check, **said), 400, "invalid"))) == [at]
        check.refresh_from_db()
        assert (check.status, PartnerReply.objects.count()) == ("asked", 0)


class TestWhoMay:
    def test_another_agency_neither_reads_nor_answers(self, story: Story, surgery: Partner, police: Agency) -> None:
        check, others = ask(story, story.contact()), Partner(police, scope=SCOPES)
        assert get(others).json()["checks"] == []
        problem(get(others, f"/{check.key}"), 404, "not-found")
        problem(reply(others, check, kind="answer", text="So."), 404, "not-found")

    def test_a_system_without_the_scope_does_not(self, story: Story, surgery: Partner) -> None:
        check = ask(story, story.contact())
        without = Partner(surgery.agency)
        for answer in (get(without), get(without, f"/{check.key}"), reply(without, check, kind="answer", text="So.")):
            problem(answer, 403, "permission-denied")


class TestReading:
    def test_until_something_changes_the_answer_is_304_and_the_audit_names_it_once(
        self, story: Story, surgery: Partner
    ) -> None:
        check = ask(story, story.contact())
        tag = get(surgery).headers["ETag"]
        for _ in range(3):
            assert get(surgery, **{"If-None-Match": tag}).status_code == 304
        (event,) = AuditEvent.objects.filter(event=Event.PARTNER_CHECKS_VIEWED)
        assert (event.by_agency, event.detail["checks"]) == (surgery.agency, [check.pk])
        reply(surgery, check, kind="asks_back", text="Which surname?")
        assert get(surgery, **{"If-None-Match": tag}).status_code == 200

    @pytest.mark.parametrize("query", ["?status=late", "?state=open", "?cursor=none"])
    def test_a_parameter_that_is_none_is_refused(self, surgery: Partner, query: str) -> None:
        problem(get(surgery, query), 400, "invalid")

    def test_a_long_list_comes_in_pages(self, story: Story, surgery: Partner) -> None:
        for number in range(51):
            ask(story, story.contact(children=[child(first_name=f"Child{number}", nhs_number=None)]))
        first = get(surgery).json()
        second = surgery.http.get(first["next"], headers=surgery.headers).json()
        assert (len(first["checks"]), len(second["checks"]), second["next"]) == (50, 1, None)

    def test_it_costs_no_more_for_many_than_for_one(self, story: Story, surgery: Partner) -> None:
        cost = []
        for number in range(2):
            for _ in range(1 + 8 * number):
                ask(story, story.contact(children=[child(nhs_number=None)]))
            with CaptureQueriesContext(connection) as statements:
                assert get(surgery).status_code == 200
            cost.append(len(statements))
        assert cost[0] == cost[1] <= 10


class TestLateAnswers:
    @pytest.fixture
    def late(self, story: Story, surgery: Partner) -> tuple[PartnerCheck, datetime]:
        check = ask(story, story.contact())
        return check, check.clocks.get().due_at

    def test_the_agency_is_told_once_by_email_without_a_name(self, late: tuple[PartnerCheck, datetime]) -> None:
        check, due_at = late
        assert late_answers.tell(now=due_at - timedelta(seconds=1)) == 0
        assert [late_answers.tell(now=due_at) for _ in range(2)] == [1, 0]
        letter = write(OutboxMessage.objects.get(kind=Message.CHECK_LATE))
        assert check.contact.reference not in letter.text + letter.subject

    def test_who_has_answered_is_not_told(self, late: tuple[PartnerCheck, datetime], surgery: Partner) -> None:
        check, due_at = late
        reply(surgery, check, kind="nothing_known")
        assert late_answers.tell(now=due_at) == 0

    def test_an_agency_without_an_address_is_not(self, late: tuple[PartnerCheck, datetime], surgery: Partner) -> None:
        Agency.objects.filter(pk=surgery.agency.pk).update(checks_email="")
        assert late_answers.tell(now=late[1]) == 0
        assert not OutboxMessage.objects.filter(kind=Message.CHECK_LATE).exists()

    def test_its_system_reads_that_it_is_late(self, late: tuple[PartnerCheck, datetime], surgery: Partner) -> None:
        # The story is a working morning two days back.
        assert late[1] < timezone.now()
        assert get(surgery).json()["checks"][0]["is_late"]
        assert not Reminder.objects.exists(), "the sweep has its own reminders"
