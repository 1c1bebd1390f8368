"""Closing a case: what is asked, who closes where nobody was in contact with the family, and asking the lead to."""

from typing import Any

import pytest

from casework.actions import cases, closing, handoffs
from casework.models import AuditEvent, Case, ClosingRequest, Event, OutboxMessage
from errors import InvalidInput, NotAllowedInStatus, NotPermitted
from localities.models import OtherAuthority
from tests.stage.documents import address, child
from tests.stage.story import Story, how_it_ended, person

NOBODY_SEEN: dict[str, Any] = {
    "children_seen": False, "children_note": "Nobody opened, on four visits.", "adults_seen": False,
    "adults_note": "Nobody answers the telephone either.", "family_asked": False,
    "family_says": "Nobody could be asked.", "outcome": "moved_away",
}  # fmt: skip
MOVED = "They live abroad now, and their new school has them."


def close(story: Story, case: Case, by: str, **said: Any) -> Case:
    return closing.close(case_id=case.pk, ended=how_it_ended(**said), by=person(by), now=story.later())


def ask(story: Story, case: Case, by: str = "bea", **said: Any) -> ClosingRequest:
    ended = how_it_ended(**NOBODY_SEEN | said)
    return closing.ask_lead(case_id=case.pk, ended=ended, by=person(by), now=story.later())


class TestWhatIsAsked:
    def test_a_case_closes_with_who_was_seen_and_what_the_family_says(self, story: Story) -> None:
        case = close(story, story.accepted(), "bea", family_says="  “Thank you.”\n")
        said = case.closing
        assert (case.status, case.closing_summary) == ("closed", "They know where to turn.")
        assert (said.children_seen, said.children_note) == (True, "Both, at home, by Ben on Tuesday.")
        assert (said.family_says, said.without_contact, said.lead_reason) == ("“Thank you.”", False, "")

    @pytest.mark.parametrize("name", ["summary", "children_note", "adults_note", "support"])
    @pytest.mark.parametrize("text", ["", "x", "All done."])
    def test_a_text_that_says_nothing_is_asked_about(self, story: Story, name: str, text: str) -> None:
        with pytest.raises(InvalidInput) as raised:
            close(story, story.accepted(), "bea", **{name: text})
        assert [fault.place for fault in raised.value.faults] == [name]

    def test_that_the_family_was_not_asked_is_an_answer_and_needs_the_reason(self, story: Story) -> None:
        case = story.accepted()
        with pytest.raises(InvalidInput, match="why it was not asked"):
            close(story, case, "bea", family_asked=False, family_says=" ")
        assert close(story, case, "bea", family_asked=False, family_says="She died.").status == "closed"


class TestWithoutContact:
    def test_a_practitioner_closes_no_case_whose_family_nobody_met(self, story: Story) -> None:
        case = story.accepted()
        with pytest.raises(NotPermitted, match="Ask whoever leads the team"):
            close(story, case, "bea", **NOBODY_SEEN, lead_reason=MOVED)
        case.refresh_from_db()
        assert case.status == "open"

    @pytest.mark.parametrize("by", ["ben", "sam"])
    def test_the_lead_or_the_service_manager_agrees_and_says_why(self, story: Story, by: str) -> None:
        case = story.accepted()
        ask(story, case)
        with pytest.raises(InvalidInput, match="although nobody was in contact"):
            close(story, case, by, **NOBODY_SEEN, lead_reason="Moved.")
        closed = close(story, case, by, **NOBODY_SEEN, lead_reason=MOVED)
        assert (closed.closing.without_contact, closed.closing.lead_reason) == (True, MOVED)
        assert AuditEvent.objects.get(event=Event.CASE_CLOSED).detail["without_contact"] is True

    @pytest.mark.parametrize("by", ["ben", "sam"])
    def test_nobody_closes_it_alone(self, story: Story, by: str) -> None:
        case = story.accepted()
        with pytest.raises(NotAllowedInStatus, match="Two people close such a case"):
            close(story, case, by, **NOBODY_SEEN, lead_reason=MOVED)

    def test_whoever_asks_does_not_agree(self, story: Story) -> None:
        case = story.accepted()
        ask(story, case, "ben")
        with pytest.raises(NotPermitted, match="Another person must agree"):
            close(story, case, "ben", **NOBODY_SEEN, lead_reason=MOVED)
        assert close(story, case, "sam", **NOBODY_SEEN, lead_reason=MOVED).closed_by == person("sam")

    def test_a_lead_who_is_the_lead_practitioner_does_not_agree(self, story: Story) -> None:
        case = story.accepted()
        cases.name_lead(case_id=case.pk, lead_id=person("ben").pk, by=person("ben"), now=story.later())
        ask(story, case, "bea")
        with pytest.raises(NotPermitted, match="You are the lead practitioner"):
            close(story, case, "ben", **NOBODY_SEEN, lead_reason=MOVED)
        assert close(story, case, "sam", **NOBODY_SEEN, lead_reason=MOVED).status == "closed"

    def test_nobody_says_that_the_needs_are_met_of_a_family_that_nobody_met(self, story: Story) -> None:
        case = story.accepted()
        met = NOBODY_SEEN | {"outcome": "needs_met"}
        with pytest.raises(InvalidInput) as asks:
            ask(story, case, **met)
        ask(story, case)
        with pytest.raises(InvalidInput) as agrees:
            close(story, case, "ben", **met, lead_reason=MOVED)
        assert [fault.place for each in (asks, agrees) for fault in each.value.faults] == ["outcome", "outcome"]
        case.refresh_from_db()
        assert case.status == "open"

    @pytest.mark.parametrize(
        ("kind", "was_contact"), [("first_family_contact", True), ("strategy_discussion_held", False)]
    )
    def test_a_milestone_with_the_family_is_contact_and_professionals_alone_are_not(
        self, story: Story, kind: str, was_contact: bool
    ) -> None:
        case, by = story.accepted(), person("bea")
        cases.record_milestone(case_id=case.pk, kind=kind, at=story.later(), by=by, now=story.later())
        if was_contact:
            assert close(story, case, "bea", **NOBODY_SEEN).closing.without_contact is False
        else:
            with pytest.raises(NotPermitted):
                close(story, case, "bea", **NOBODY_SEEN)

    def test_the_other_authority_meets_its_own_families(self, story: Story) -> None:
        handoff = story.offered(story.contact(children=[child(address=address("MK9 3EP"))]))
        handoffs.accept(handoff_id=handoff.pk, by=person("dan"), now=story.later())
        case = handoff.case
        authority = OtherAuthority.objects.earliest("pk")
        cases.name_other_authority(case_id=case.pk, authority_id=authority.pk, by=person("dan"), now=story.later())
        closed = close(story, case, "dan", **NOBODY_SEEN | {"outcome": "other_authority"})
        assert closed.closing.without_contact is False


class TestAskingTheLead:
    def test_the_lead_is_told_and_the_case_has_a_deadline_for_the_answer(self, story: Story) -> None:
        case = story.accepted()
        request = ask(story, case)
        assert (request.asked_by, request.children_note) == (person("bea"), NOBODY_SEEN["children_note"])
        assert [message.to for message in OutboxMessage.objects.filter(kind="closing_asked")] == [
            "ben@front-door.example"
        ]
        assert case.clocks.running().filter(kind="closing_asked").exists()
        case.refresh_from_db()
        assert case.status == "open"

    @pytest.mark.parametrize("asks", ["ben", "bea"])
    def test_where_nobody_else_leads_the_team_the_service_manager_is_told(self, story: Story, asks: str) -> None:
        """Ben is the only lead of Aylesbury, and either asks himself or is the lead practitioner."""
        case = story.accepted()
        if asks == "bea":
            cases.name_lead(case_id=case.pk, lead_id=person("ben").pk, by=person("ben"), now=story.later())
        ask(story, case, asks)
        assert [message.to for message in OutboxMessage.objects.filter(kind="closing_asked")] == [
            "sam@front-door.example"
        ]

    def test_nobody_asks_twice(self, story: Story) -> None:
        case = story.accepted()
        ask(story, case)
        with pytest.raises(NotAllowedInStatus, match="is asked already"):
            ask(story, case)

    def test_closing_answers_it(self, story: Story) -> None:
        case = story.accepted()
        request = ask(story, case)
        close(story, case, "ben", **NOBODY_SEEN, lead_reason=MOVED)
        request.refresh_from_db()
        assert (request.answered_by, request.stays_open_because) == (person("ben"), "")
        assert not case.clocks.running().exists()

    def test_the_lead_keeps_it_open_with_a_reason_and_whoever_asked_is_told(self, story: Story) -> None:
        case = story.accepted()
        request, now = ask(story, case), story.later()
        with pytest.raises(NotPermitted):
            closing.decline(case_id=case.pk, reason="No.", by=person("bea"), now=now)
        with pytest.raises(InvalidInput):
            closing.decline(case_id=case.pk, reason=" ", by=person("ben"), now=now)
        closing.decline(case_id=case.pk, reason="Go to the school first.", by=person("ben"), now=now)
        request.refresh_from_db()
        assert (request.answered_by, request.stays_open_because) == (person("ben"), "Go to the school first.")
        assert [message.to for message in OutboxMessage.objects.filter(kind="closing_declined")] == [
            "bea@front-door.example"
        ]
        assert not case.clocks.running().filter(kind="closing_asked").exists()
        with pytest.raises(NotAllowedInStatus, match="Nobody asks to close"):
            closing.decline(case_id=case.pk, reason="No.", by=person("ben"), now=story.later())
        ask(story, case)
