"""Screening: a named person at the front door says which indicators apply, or that none does."""

from typing import Any

import pytest

from casework.access import conditions
from casework.actions import learning, receiving
from casework.facts import past_contacts
from casework.jobs.rechecks import recheck
from casework.models import AuditEvent, Contact, Event, Message, OutboxMessage, Recommendation
from casework.record import integrity
from errors import InvalidInput, NotAllowedInStatus, NotPermitted, TakenBySomeoneElse
from localities.models import Agency
from tests.stage.documents import child, contact_document
from tests.stage.drafts import Drafts
from tests.stage.story import Story, person

BARE: dict[str, Any] = {"family_indicators": [], "domestic_abuse": {}, "referrer_level": None, "adults": []}
KIM = {"ref": "c2", "first_name": "Kim", "date_of_birth": "2015-08-21", "nhs_number": "9990000026"}


@pytest.fixture
def contact(story: Story) -> Contact:
    """Two children, of whom nobody has said anything that the rules read."""
    return unscreened(story)


def unscreened(story: Story, **changes: Any) -> Contact:
    return story.contact(**(BARE | {"children": [child(indicators=[]), child(**KIM, indicators=[])]} | changes))


def screen(story: Story, contact: Contact, *of_children: list[str], by: str = "oliver", **changes: Any) -> Contact:
    """Screens the contact with a list of indicators for each child."""
    contact.refresh_from_db()
    said: dict[str, Any] = {"recommendation_id": contact.recommendation_id, "family": [], "none_applies": False}
    children = dict(zip(contact.children.values_list("pk", flat=True), of_children, strict=False))
    said |= {"children": children} | changes
    return learning.screen(contact_id=contact.pk, by=person(by), now=story.later(minutes=10), **said)


def latest(contact: Contact) -> Recommendation:
    return contact.recommendations.latest("pk")


def faults(refused: pytest.ExceptionInfo[InvalidInput]) -> dict[str, str]:
    return {fault.place: fault.message for fault in refused.value.faults}


class TestWhatItMeans:
    def test_until_then_nobody_has_said_anything(self, contact: Contact) -> None:
        assert latest(contact).facts["screened"] is None
        assert (latest(contact).hold, latest(contact).rag) == ("screening", "green")

    def test_what_was_chosen_counts_for_its_child_and_for_the_family(self, story: Story, contact: Contact) -> None:
        screened = screen(story, contact, ["L3-12"], ["L2-01", "L2-01"], family=["L3-36"])
        facts = latest(contact).facts
        assert facts["screened"] is True
        assert [each["indicators"] for each in facts["children"]] == [["L3-12"], ["L2-01"]]
        assert facts["family"]["indicators"] == ["L3-36"]
        assert (latest(contact).pathway, latest(contact).hold) == ("family_help", "")
        assert (screened.screened_by, screened.screened_at) == (person("oliver"), story.now)

    def test_that_none_applies_is_an_answer_too(self, story: Story, contact: Contact) -> None:
        screen(story, contact, none_applies=True)
        assert (latest(contact).pathway, latest(contact).rag, latest(contact).hold) == ("advice", "blue", "")

    def test_the_version_stays_that_of_the_first_triage(self, story: Story, drafts: Drafts, contact: Contact) -> None:
        before = latest(contact).rule_set
        drafts.published()
        screen(story, contact, none_applies=True)
        assert latest(contact).rule_set == before

    def test_it_leaves_its_event_and_no_code(self, story: Story, contact: Contact) -> None:
        screen(story, contact, ["L3-12"], family=["L2-01"])
        screen(story, contact, none_applies=True, by="amina")
        events = AuditEvent.objects.filter(event=Event.CONTACT_SCREENED).order_by("pk")
        assert [(event.contact, event.by_user, event.detail) for event in events] == [
            (contact, person("oliver"), {"chosen": 2, "again": False}),
            (contact, person("amina"), {"chosen": 0, "again": True}),
        ]

    def test_the_clocks_follow_and_a_red_one_is_told_of(self, story: Story, contact: Contact) -> None:
        assert contact.clocks.running().filter(kind="final_decision_green").exists()
        screen(story, contact, ["L4-01"])
        contact.refresh_from_db()
        assert contact.rag == "red"
        running = set(contact.clocks.running().values_list("kind", flat=True))
        assert {kind for kind in running if kind.startswith("final_decision")} == {"final_decision_red"}
        assert OutboxMessage.objects.filter(kind=Message.RED_CONTACT, contact=contact).exists()
        assert not [finding for finding in integrity.check() if finding.broken]


class TestIndicatorsThatTheRulesDoNotKnow:
    """A code that the live catalogue does not know is kept, and nothing is decided until somebody has read it."""

    @pytest.mark.parametrize(
        "changes",
        [
            {"children": [child(indicators=["L9-99"])]},
            {"children": [child(indicators=["L3-12", "L9-99"])]},
            {"family_indicators": ["L2-01", "CP-7"]},
            # The rules would take the referrer at their word, and end it with advice.
            {"children": [child(indicators=["L9-99"])], "referrer_level": 1},
            {"children": [child(indicators=["L4-01", "L9-99"])], "immediate_danger": True},
        ],
        ids=["alone", "beside another", "of the family", "level 1", "in danger"],
    )
    def test_hold_a_contact_until_it_is_screened(self, story: Story, changes: dict[str, Any]) -> None:
        contact = unscreened(story, **changes)
        assert latest(contact).hold == "screening"
        assert conditions.waits_for_screening(contact)
        with pytest.raises(NotAllowedInStatus, match="Nobody has screened"):
            story.decided(contact, by="maya")
        screen(story, contact, none_applies=True)
        assert latest(contact).hold == (latest(contact).result["hold"] or "")
        assert story.decided(contact, by="maya").contact == contact
        assert not [finding for finding in integrity.check() if finding.broken]

    def test_never_wait_with_what_is_urgent(self, story: Story) -> None:
        contact = unscreened(story, children=[child(indicators=["L4-01", "L9-99"])])
        assert (contact.rag, latest(contact).pathway) == ("red", "strategy_discussion")
        assert OutboxMessage.objects.filter(kind=Message.RED_CONTACT, contact=contact).exists()

    def test_are_kept_and_those_that_are_known_count(self, story: Story) -> None:
        contact = unscreened(story, children=[child(indicators=["L9-99", "L3-12"])])
        assert contact.document["children"][0]["indicators"] == ["L9-99", "L3-12"]
        assert contact.children.get().indicators == ["L3-12"]
        assert [(detail.path, detail.kind) for detail in contact.details_to_check.all()] == [
            (["children", 0, "indicators", 0], "not_read")
        ]

    def test_come_out_the_same_when_recommendations_are_checked(self, story: Story) -> None:
        contact = unscreened(story, children=[child(indicators=["L3-12", "L9-99"])])
        assert recheck(now=story.now, sample=None).differing == []
        # A replay compares rules with rules.
        today = story.now.date()
        (stored,) = [each.recommendation for piece in past_contacts.pieces(today, today) for each in piece]
        assert (stored.hold, latest(contact).hold) == ("", "screening")
        screen(story, contact, none_applies=True)
        assert recheck(now=story.now, sample=None).checked == 2
        assert recheck(now=story.now, sample=None).differing == []


class TestWhatTheReferrerSaid:
    def test_stays_and_counts_whatever_the_front_door_says(self, story: Story) -> None:
        contact = unscreened(story, children=[child(indicators=["L3-12"])], family_indicators=["L2-01"])
        screen(story, contact, ["L2-06"], family=["L3-36"])
        screen(story, contact, none_applies=True)
        contact.refresh_from_db()
        on_contact = contact.children.get()
        assert (on_contact.indicators, on_contact.screened_indicators) == (["L3-12"], [])
        assert (contact.family_indicators, contact.screened_family_indicators) == (["L2-01"], [])
        facts = latest(contact).facts
        assert (facts["children"][0]["indicators"], facts["family"]["indicators"]) == (["L3-12"], ["L2-01"])

    def test_what_both_say_counts_once(self, story: Story) -> None:
        contact = unscreened(story, children=[child(indicators=["L3-12"])])
        screen(story, contact, ["L2-01", "L3-12"])
        assert latest(contact).facts["children"][0]["indicators"] == ["L3-12", "L2-01"]

    def test_what_was_sent_stays_as_it_was_sent(self, story: Story, contact: Contact) -> None:
        before = contact.document
        screen(story, contact, ["L3-12"])
        contact.refresh_from_db()
        assert contact.document == before

    @pytest.mark.parametrize("field", ["screened", "screened_at", "screened_family_indicators"])
    def test_a_referrer_cannot_say_that_it_is_screened(self, story: Story, school: Agency, field: str) -> None:
        document = contact_document(**BARE, children=[child(indicators=[])]) | {field: True}
        with pytest.raises(InvalidInput) as refused:
            receiving.receive(document=document, by=school, now=story.now)
        assert faults(refused)[field] == "is not a field that is known here; correct its name or remove it."

    def test_nor_does_whoever_types_a_contact_in(self, story: Story) -> None:
        """Typing a contact in records what was said. Screening is a separate step."""
        document = contact_document(**BARE, children=[child(indicators=[])])
        typed = receiving.receive(document=document, by=person("oliver"), now=story.now).contact
        assert (typed.screened_at, latest(typed).hold) == (None, "screening")


class TestWhoAndWhen:
    @pytest.mark.parametrize("name", ["oliver", "amina", "maya", "erin"])
    def test_whoever_works_at_the_front_door(self, story: Story, contact: Contact, name: str) -> None:
        assert screen(story, contact, none_applies=True, by=name).screened_by == person(name)

    @pytest.mark.parametrize("name", ["sam", "ava", "iris"])
    def test_overseers_do_not(self, story: Story, contact: Contact, name: str) -> None:
        with pytest.raises(NotPermitted, match="Only front-door staff can work on"):
            screen(story, contact, none_applies=True, by=name)

    @pytest.mark.parametrize("name", ["ben", "carol", "adele"])
    def test_nobody_else_sees_it(self, story: Story, contact: Contact, name: str) -> None:
        with pytest.raises(Contact.DoesNotExist):
            screen(story, contact, none_applies=True, by=name)

    def test_not_once_it_is_decided(self, story: Story, contact: Contact) -> None:
        screen(story, contact, ["L2-01"])
        story.decided(contact)
        with pytest.raises(NotAllowedInStatus, match="is decided already"):
            screen(story, contact, none_applies=True)

    def test_not_from_a_page_that_was_overtaken(self, story: Story, contact: Contact) -> None:
        seen = contact.recommendation_id
        screen(story, contact, ["L3-12"])
        with pytest.raises(TakenBySomeoneElse, match="The recommendation changed"):
            screen(story, contact, none_applies=True, recommendation_id=seen)
        assert latest(contact).facts["children"][0]["indicators"] == ["L3-12"]


class TestWhatIsWrong:
    def test_everything_at_once(self, story: Story, contact: Contact) -> None:
        first, second = contact.children.values_list("pk", flat=True)
        with pytest.raises(InvalidInput) as refused:
            screen(story, contact, ["L9-99", "L3-12", "L8-88"], ["L2-01"], family=["X"], none_applies=True)
        assert faults(refused) == {
            f"children[{first}]": "There is no indicator L9-99 or L8-88.",
            "family": "There is no indicator X.",
            "none_applies": "You selected indicators. Take them away, or do not say that none applies.",
        }
        assert second

    def test_silence_is_no_answer(self, story: Story, contact: Contact) -> None:
        with pytest.raises(InvalidInput) as refused:
            screen(story, contact, [], [])
        assert faults(refused) == {"none_applies": "Select the indicators that apply, or say that none of them does"}
        contact.refresh_from_db()
        assert contact.screened_at is None

    def test_a_child_of_another_contact(self, story: Story, contact: Contact) -> None:
        other = unscreened(story, children=[child(**KIM, indicators=[])]).children.get()
        with pytest.raises(InvalidInput) as refused:
            screen(story, contact, children={other.pk: ["L3-12"]})
        assert faults(refused) == {f"children[{other.pk}]": "This child is not on the contact."}


class TestDeciding:
    WAITS = "Nobody has screened .* yet"

    def test_nothing_is_decided_before_it(self, story: Story, contact: Contact) -> None:
        with pytest.raises(NotAllowedInStatus, match=self.WAITS):
            story.decided(contact)

    def test_not_by_overriding_either(self, story: Story, contact: Contact) -> None:
        with pytest.raises(NotAllowedInStatus, match=self.WAITS):
            story.decided(contact, by="maya", pathway="strategy_discussion", level=4, rag="red")
        assert not contact.decisions.exists()

    def test_then_it_is(self, story: Story, contact: Contact) -> None:
        screen(story, contact, ["L2-01"])
        assert story.decided(contact).pathway == "early_help"

    def test_rules_that_hold_even_what_is_screened_hold_nobody_for_ever(self, story: Story, contact: Contact) -> None:
        """A council's rule set may be written so; its contacts can be decided all the same."""
        screen(story, contact, none_applies=True)
        contact.refresh_from_db()
        assert contact.recommendation is not None
        contact.recommendation.hold = "screening"
        assert not conditions.waits_for_screening(contact)

    def test_where_somebody_chose_an_indicator_nobody_needs_to(self, story: Story) -> None:
        contact = unscreened(story, children=[child(indicators=["L2-01"])])
        story.decided(contact)
        assert (contact.screened_at, contact.status) == (None, "decided")
