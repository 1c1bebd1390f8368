"""Deciding: a named person, a rationale, a second person where two are needed, and everything that follows at once."""

from datetime import date
from typing import Any

import pytest

from casework.actions import decisions, learning
from casework.jobs import stale_recommendations
from casework.models import AuditEvent, Case, Contact, Handoff, OutboxMessage
from casework.statuses import ContactStatus
from errors import InvalidInput, NotAllowedInStatus, NotPermitted, TakenBySomeoneElse
from localities.models import Membership, User
from tests.conftest import THURSDAY
from tests.stage.documents import child
from tests.stage.families import KIM, about, brothers, once_together
from tests.stage.restricted import restrict
from tests.stage.story import SharedStory, Story


def faults(excinfo: pytest.ExceptionInfo[InvalidInput]) -> set[str]:
    return {fault.place for fault in excinfo.value.faults}


def test_the_case_opens_with_the_front_door_and_is_offered_in_the_same_instant(story: Story, amina: User) -> None:
    contact = story.contact()
    decision = story.decided(contact)
    case = Case.objects.get(contacts=contact)
    handoff = Handoff.objects.get(case=case)
    assert contact.status == ContactStatus.DECIDED
    assert contact.decision_in_effect == decision
    assert case.opened_at == handoff.offered_at == decision.decided_at
    assert [spell.team.code for spell in case.responsibilities.all()] == ["front-door"]
    assert (handoff.from_team.code, handoff.to_team.code, handoff.status) == ("front-door", "aylesbury", "offered")
    assert list(case.children.all()) == [contact.children.get().person]
    assert decision.decided_by == amina
    assert not decision.overrides


def test_the_decision_clocks_stop_and_the_feedback_clock_starts(story: Story) -> None:
    contact = story.contact()
    story.decided(contact)
    assert set(contact.clocks.running().values_list("kind", flat=True)) == {
        "acknowledge_referrer",  # stops when the message is sent
        "feedback_to_referrer",
    }


def test_it_leaves_its_events_and_messages(story: Story, amina: User) -> None:
    contact = story.contact()
    story.decided(contact)
    events = AuditEvent.objects.filter(by_user=amina).values_list("event", flat=True)
    assert list(events) == ["decision_made", "case_opened", "handoff_offered"]
    kinds = OutboxMessage.objects.values_list("kind", "to")
    assert ("feedback", "dsl@school.example") in kinds
    assert ("handoff_offered", "ben@front-door.example") in kinds


def test_advice_ends_at_the_front_door(story: Story) -> None:
    contact = story.contact(children=[child(indicators=["L2-01"])], family_indicators=[], referrer_level=2)
    story.decided(contact, pathway="advice")
    assert contact.status == ContactStatus.DECIDED
    assert contact.case is None
    assert not Case.objects.exists()


def test_an_override_is_kept_as_one(story: Story) -> None:
    contact = story.contact()
    decision = story.decided(contact, pathway="social_work_assessment", level=4, rag="amber")
    assert decision.overrides
    assert (decision.pathway, decision.recommendation.pathway) == ("social_work_assessment", "family_help")


class TestWhoDecides:
    @pytest.mark.parametrize("somebody", ["oliver"])
    def test_a_contact_officer_does_not(self, story: Story, somebody: str) -> None:
        with pytest.raises(NotPermitted, match="Only a social worker or a manager"):
            story.decided(story.contact(), by=somebody)

    def test_after_a_hard_stop_a_manager_does(self, story: Story) -> None:
        contact = story.contact(children=[child(indicators=["L3-01", "L4-01"])])
        with pytest.raises(NotPermitted, match="A manager decides"):
            story.decided(contact)
        decision = story.decided(contact, by="maya")
        assert (decision.pathway, decision.rag) == ("strategy_discussion", "red")
        assert Handoff.objects.get(case__contacts=contact).to_team.code == "child-protection"

    def test_where_help_at_level_2_was_refused_a_manager_does(self, story: Story) -> None:
        refused = {"service": "refused", "given_by": "mother", "on": "2026-11-18"}
        contact = story.contact(children=[child(indicators=["L2-01"])], family_indicators=[], agreement=refused)
        with pytest.raises(NotPermitted, match="A manager decides"):
            story.decided(contact)
        assert story.decided(contact, by="maya").pathway == "advice"

    @pytest.mark.parametrize("stranger", ["ben", "carol", "adele"])
    def test_nobody_else_even_finds_it(self, story: Story, stranger: str) -> None:
        contact = story.contact()
        with pytest.raises(Contact.DoesNotExist):
            story.decided(contact, by=stranger)

    @pytest.mark.parametrize("overseer", ["sam", "ava", "iris"])
    def test_those_who_oversee_see_it_and_do_not_decide(self, story: Story, overseer: str) -> None:
        with pytest.raises(NotPermitted):
            story.decided(story.contact(), by=overseer)


class TestWhatIsTyped:
    def test_the_rationale_is_a_sentence(self, story: Story) -> None:
        contact = story.contact()
        for rationale in (".", "ok", "As the rules.", "… – …"):
            with pytest.raises(InvalidInput, match="Enter in a sentence why") as excinfo:
                story.decided(contact, rationale=rationale)
            assert faults(excinfo) == {"rationale"}
        assert story.decided(contact, rationale="The family agrees: help.").pk

    def test_what_the_history_means_is_said_where_there_is_any(self, story: Story) -> None:
        assert story.decided(story.contact(), history="").history == ""
        again = story.contact()
        for history in ("", " \n", "None known."):
            with pytest.raises(InvalidInput, match="which history you considered") as excinfo:
                story.decided(again, history=history)
            assert faults(excinfo) == {"history"}
        history = "One contact last week, about the same mornings."
        assert story.decided(again, history=f" {history}\n").history == history

    def test_history_is_what_the_rules_no_longer_count_too(self, story: Story) -> None:
        """A brother's contact of 14 months ago, which ended with advice; one that was sent again is not earlier."""
        once_together(story)
        story.later(days=430)
        contact = about(story, child(**KIM))
        assert contact.recommendation is not None
        assert contact.recommendation.facts["family"]["contacts_12_months"] == 1
        with pytest.raises(InvalidInput) as excinfo:
            story.decided(contact, history="")
        assert faults(excinfo) == {"history"}

    def test_but_not_what_is_closed_to_the_decider(self, story: Story) -> None:
        """To ask would tell that there is something."""
        once_together(story)
        story.later(days=430)
        restrict(story, Contact.objects.get())
        contact = about(story, child(**KIM))
        assert story.decided(contact, history="").history == ""

    def test_everything_that_is_wrong_is_said_at_once(self, story: Story) -> None:
        with pytest.raises(InvalidInput) as excinfo:
            story.decided(story.contact(), pathway="prison", level=7, rag="purple", rationale="  ")
        assert faults(excinfo) == {"pathway", "level", "rag", "rationale"}
        assert not Case.objects.exists()

    @pytest.mark.parametrize("agreement", [{"service": "not_sought"}, {"service": "not_known"}, {}])
    def test_nobody_is_sent_to_a_voluntary_service_before_the_family_answers(
        self, story: Story, agreement: dict[str, str]
    ) -> None:
        contact = story.contact(agreement=agreement)
        with pytest.raises(InvalidInput, match="The family has not answered yet"):
            story.decided(contact)
        assert contact.status == ContactStatus.RECEIVED

    def test_parents_whom_it_is_not_safe_to_tell_are_not_asked_for_agreement(self, story: Story) -> None:
        unsafe = {"answer": "unsafe", "reason": "He watches the phone."}
        contact = story.contact(agreement={"service": "not_known"}, parents_told=unsafe)
        with pytest.raises(InvalidInput, match="not safe to tell the parents, so do not ask them"):
            story.decided(contact)
        answered = story.contact(parents_told=unsafe)
        assert answered.agreement == "given"
        story.decided(answered)


def test_once_the_family_has_agreed_it_goes_on(story: Story, amina: User) -> None:
    contact = story.contact(agreement={"service": "not_sought"})
    learning.record_agreement(
        contact_id=contact.pk, service="given", given_by="mother", on=date(2026, 11, 19), by=amina, now=story.later()
    )
    contact.refresh_from_db()
    assert contact.recommendation is not None
    assert contact.recommendation.hold == ""
    assert not contact.clocks.running().filter(kind="agreement_sought").exists()
    story.decided(contact)
    assert Handoff.objects.get(case__contacts=contact).to_team.code == "aylesbury"


def test_a_refusal_at_level_3_is_looked_at_again_and_keeps_the_receipt(story: Story, amina: User) -> None:
    """The clock of the new rating starts at the original receipt."""
    contact = story.contact(agreement={"service": "not_sought"})
    received = contact.received_at
    learning.record_agreement(
        contact_id=contact.pk, service="refused", given_by="father", on=date(2026, 11, 19), by=amina, now=story.later()
    )
    contact.refresh_from_db()
    assert contact.recommendation is not None
    assert (contact.recommendation.pathway, contact.rag) == ("social_worker_review", "amber")
    assert contact.clocks.get(kind="final_decision_green").ended == "replaced"
    amber = contact.clocks.running().get(kind="final_decision_amber")
    assert amber.started_at == received


def test_a_recommendation_that_changed_while_it_was_read_is_not_decided_on(story: Story, amina: User) -> None:
    contact = story.contact(agreement={"service": "not_sought"})
    assert contact.recommendation is not None
    seen = contact.recommendation.pk
    learning.record_agreement(
        contact_id=contact.pk, service="refused", given_by="father", on=date(2026, 11, 19), by=amina, now=story.later()
    )
    with pytest.raises(TakenBySomeoneElse, match="changed while you were reading"):
        decisions.decide(
            contact_id=contact.pk, recommendation_id=seen, pathway="family_help", level=3, rag="green",
            rationale="As read an hour ago.", by=amina, now=story.later(),
        )  # fmt: skip


def test_a_decided_contact_is_not_decided_again(story: Story) -> None:
    contact = story.contact()
    story.decided(contact)
    with pytest.raises(NotAllowedInStatus, match="decided already"):
        story.decided(contact)


LEVEL_4: dict[str, Any] = {"children": [child(indicators=["L4-01"])], "family_indicators": []}
REFUSED: dict[str, Any] = {"agreement": {"service": "refused", "given_by": "mother", "on": "2026-11-18"}}


class TestTwoPeople:
    @pytest.mark.parametrize(
        ("contact_is", "decided", "why"),
        [
            ({}, {"pathway": "advice"}, "level 3 or 4"),
            ({}, {"pathway": "no_further_action"}, "level 3 or 4"),
            (REFUSED, {"pathway": "family_help", "level": 3, "rag": "green"}, "refused or withdrew"),
            (LEVEL_4, {"pathway": "social_work_assessment", "rag": "amber"}, "lowers a red rating"),
            (LEVEL_4, {"pathway": "social_work_assessment"}, "overrules a hard stop"),
        ],
    )
    def test_are_needed_here(self, story: Story, contact_is: Any, decided: Any, why: str) -> None:
        contact = story.contact(**contact_is)
        decision = story.decided(contact, by="maya", **decided)
        assert decision.needs_sign_off
        assert any(why in reason for reason in decision.sign_off_reasons)
        assert contact.status == ContactStatus.SIGN_OFF
        assert not Case.objects.exists()
        assert contact.clocks.running().filter(kind="next_step_decision").exists()

    def test_are_needed_to_close_a_third_contact_in_three_months(self, story: Story) -> None:
        little: dict[str, Any] = {"children": [child(indicators=["L2-01"])], "family_indicators": []}
        for _ in range(2):
            story.contact(**little)
            story.later(days=5)
        decision = story.decided(story.contact(**little), pathway="advice", level=1, rag="blue")
        assert decision.sign_off_reasons == ["It closes a third contact in three months."]

    def test_are_needed_to_end_it_where_nobody_chose_an_indicator(self, story: Story, oliver: User) -> None:
        """Two people are needed even after a screening that found no indicator."""
        contact = story.contact(
            children=[child(indicators=[])], family_indicators=[], domestic_abuse={}, referrer_level=None, adults=[]
        )
        assert contact.recommendation is not None
        learning.screen(
            contact_id=contact.pk, recommendation_id=contact.recommendation.pk, children={}, family=[],
            none_applies=True, by=oliver, now=story.later(),
        )  # fmt: skip
        decision = story.decided(contact)
        assert (decision.pathway, decision.rag, decision.overrides) == ("advice", "blue", False)
        says = "It ends with advice or no further action, and nobody chose an indicator."
        assert decision.sign_off_reasons == [says]

    @pytest.mark.parametrize(
        "decided", [{}, {"pathway": "early_help", "level": 2}, {"pathway": "social_work_assessment", "rag": "amber"}]
    )
    def test_are_not_needed_here(self, story: Story, decided: Any) -> None:
        assert not story.decided(story.contact(), **decided).needs_sign_off

    def test_the_second_is_told_and_the_decider_is_not(self, story: Story) -> None:
        story.decided(story.contact(), by="maya", pathway="advice")
        recipients = OutboxMessage.objects.filter(kind="sign_off_wanted").values_list("to", flat=True)
        assert list(recipients) == ["david@front-door.example"]

    def test_the_decider_is_not_the_second(self, story: Story) -> None:
        contact = story.contact()
        story.decided(contact, by="maya", pathway="advice")
        with pytest.raises(NotPermitted, match="Another person must agree"):
            story.signed_off(contact, by="maya")

    @pytest.mark.parametrize("somebody", ["amina", "oliver", "ava"])
    def test_the_second_is_a_manager(self, story: Story, somebody: str) -> None:
        contact = story.contact()
        story.decided(contact, by="maya", pathway="advice")
        with pytest.raises(NotPermitted, match="Only a front-door manager or a service manager"):
            story.signed_off(contact, by=somebody)

    @pytest.mark.parametrize("somebody", ["david", "sam"])
    def test_when_the_second_agrees_it_takes_effect(self, story: Story, somebody: str) -> None:
        contact = story.contact()
        decision = story.decided(contact, by="maya", pathway="advice")
        story.signed_off(contact, by=somebody)
        assert contact.status == ContactStatus.DECIDED
        assert contact.decision_in_effect == decision
        assert not contact.clocks.running().filter(kind="next_step_decision").exists()

    def test_when_the_second_declines_it_is_decided_again(self, story: Story) -> None:
        contact = story.contact()
        story.decided(contact, by="maya", pathway="advice")
        story.signed_off(contact, by="david", agreed=False)
        assert contact.status == ContactStatus.RECEIVED
        assert contact.decision_in_effect is None
        story.decided(contact)
        assert Case.objects.filter(contacts=contact).exists()

    def test_nothing_else_is_decided_meanwhile(self, story: Story) -> None:
        contact = story.contact()
        story.decided(contact, by="maya", pathway="advice")
        with pytest.raises(NotAllowedInStatus, match="waits for a second person"):
            story.decided(contact)

    def test_the_case_opens_when_the_second_agrees(self, story: Story) -> None:
        contact = story.contact(**REFUSED)
        story.decided(contact, pathway="family_help", level=3, rag="green")
        story.signed_off(contact, by="maya")
        assert Handoff.objects.get(case__contacts=contact).to_team.code == "aylesbury"


class TestACaseThatOpenedMeanwhile:
    """Two contacts about one child wait, and each decision would open a case."""

    def test_the_second_decider_looks_again_and_then_it_is_linked(self, story: Story) -> None:
        first, second = story.contact(), story.contact(by="example-police")
        story.decided(first)
        with pytest.raises(TakenBySomeoneElse, match=r"^CAS-.* was opened for this family in the meantime"):
            story.decided(second)
        assert stale_recommendations.renew(now=story.later()) == 1
        second.refresh_from_db()
        assert second.recommendation is not None
        assert second.recommendation.pathway == "link_to_open_work"
        story.decided(second)
        assert second.case == first.case
        assert Case.objects.count() == 1

    def test_nor_does_a_second_person_agree_to_it(self, story: Story) -> None:
        first, second = story.contact(agreement=REFUSED["agreement"]), story.contact(by="example-police")
        story.decided(first, pathway="family_help", level=3, rag="green")
        assert first.status == ContactStatus.SIGN_OFF
        story.decided(second)
        with pytest.raises(TakenBySomeoneElse, match="was opened for this family"):
            story.signed_off(first)
        story.signed_off(first, agreed=False)
        assert first.status == ContactStatus.RECEIVED


def test_a_strategy_discussion_is_at_level_4_and_red(story: Story) -> None:
    contact = story.contact()
    for level, rag in ((1, "red"), (4, "blue")):
        with pytest.raises(InvalidInput, match="Strategy discussion is at level 4 and red"):
            story.decided(contact, pathway="strategy_discussion", level=level, rag=rag)
    assert not story.decided(contact, pathway="strategy_discussion", level=4, rag="red").needs_sign_off


def test_where_nobody_else_is_on_duty_another_teams_manager_is_asked_to_agree(story: Story) -> None:
    night = story.now.replace(hour=23)
    contact = story.contact(at=night, children=[child(indicators=["L4-01"])])
    assert contact.team.code == "emergency-duty"
    Membership.objects.filter(team=contact.team, role="front_door_manager").delete()
    story.now = night
    story.decided(contact, by="maya", pathway="social_work_assessment")
    recipients = OutboxMessage.objects.filter(kind="sign_off_wanted").values_list("to", flat=True)
    assert set(recipients) == {"david@front-door.example"}


class TestOneOfSeveralOpenCases:
    @pytest.fixture(scope="class")
    @classmethod
    def told(cls, told_for_a_class: None) -> SharedStory:
        """Aylesbury works with Robin, Chiltern with Kim. Somebody tells us of both."""
        story = Story(THURSDAY)
        robin, kim = brothers(story)
        contact = about(story, child(), child(**KIM), agency_reference="both")
        assert contact.recommendation is not None
        assert contact.recommendation.pathway == "link_to_open_work"
        return SharedStory(story, (contact.pk, robin.pk, kim.pk))

    @pytest.fixture
    def story(self, db: None, told: SharedStory) -> Story:
        return told.story.goes_on()

    @pytest.fixture
    def contact(self, db: None, told: SharedStory) -> Contact:
        return Contact.objects.get(pk=told.about[0])

    @pytest.fixture
    def robins(self, db: None, told: SharedStory) -> Case:
        return Case.objects.get(pk=told.about[1])

    def test_whoever_decides_says_which(self, story: Story, contact: Contact, robins: Case) -> None:
        """The older of the two; by itself it would go to the newer."""
        with pytest.raises(InvalidInput, match="Select which of the open cases") as excinfo:
            story.decided(contact)
        assert faults(excinfo) == {"case"}
        decision = story.decided(contact, chosen_case_id=robins.pk)
        assert (contact.case, decision.chosen_case) == (robins, robins)
        told = OutboxMessage.objects.filter(kind="contact_linked", contact=contact)
        assert {to.split("@")[0] for to in told.values_list("to", flat=True)} == {"ben", "bea"}

    def test_what_is_chosen_counts_only_where_it_is_linked(self, story: Story, contact: Contact, robins: Case) -> None:
        decision = story.decided(contact, pathway="social_work_assessment", level=4, chosen_case_id=robins.pk)
        assert (decision.chosen_case, contact.case == robins) == (None, False)

    def test_it_goes_to_no_other_where_the_chosen_one_has_closed(
        self, story: Story, contact: Contact, robins: Case
    ) -> None:
        story.closed(robins)
        with pytest.raises(InvalidInput, match="Select which of the open cases"):
            story.decided(contact, chosen_case_id=robins.pk)

    def test_nor_when_a_second_person_agrees(self, story: Story, robins: Case) -> None:
        graver = about(story, child(), child(**KIM), indicators=["L4-01"], agency_reference="graver")
        decision = story.decided(graver, by="maya", pathway="link_to_open_work", chosen_case_id=robins.pk)
        assert decision.needs_sign_off
        story.closed(robins)
        with pytest.raises(TakenBySomeoneElse, match="The open cases of this family have changed"):
            story.signed_off(graver, by="david")
        story.signed_off(graver, by="david", agreed=False)
        assert graver.status == "received"
