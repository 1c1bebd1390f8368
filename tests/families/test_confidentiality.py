"""Confidential once is confidential everywhere, until a named person lifts it with a reason."""

from typing import Any

import pytest

from casework.actions import matches, protecting
from casework.families.household import household
from casework.jobs import stale_recommendations
from casework.models import (
    AddressProtection,
    AuditEvent,
    ContactChild,
    Person,
    PersonMatch,
    StaleRecommendation,
)
from casework.models import Contact as ContactRow
from errors import InvalidInput, NotAllowedInStatus, NotPermitted
from tests.stage.documents import address, child
from tests.stage.families import KIM
from tests.stage.story import Story, person

HOME, ELSEWHERE = address("HP20 1UA"), {"lines": ["4 Other Street"], "postcode": "SL7 1AA"}
IN_HIDING = address("HP20 1UA", confidential=True)
MOTHER = {"first_name": "Sam", "last_name": "Ashworth", "same_address": True, "date_of_birth": "1985-02-03"}
# Robin, as somebody else describes him: no number, so that he is only likely the same.
LIKELY = child(nhs_number=None, also_known_as=[])


def robin(**changes: Any) -> dict[str, Any]:
    return child(address=HOME) | changes


def kim(**changes: Any) -> dict[str, Any]:
    return child(**KIM) | {"address": HOME} | changes


def hidden(contact: ContactRow) -> list[bool]:
    return list(contact.children.order_by("position").values_list("address_is_confidential", flat=True))


def said_by_the_police(story: Story, *children: dict[str, Any], **changes: Any) -> ContactRow:
    return story.contact(by="example-police", children=[*children] or [robin(address=IN_HIDING)], **changes)


def lifted(story: Story, who: Person, by: str = "maya") -> None:
    protecting.lift(person_id=who.pk, reason="He is in prison.", by=person(by), now=story.later())


class TestWhatIsHidden:
    def test_the_same_address_that_another_agency_sends_unmarked(self, story: Story) -> None:
        said_by_the_police(story)
        contact = story.contact(children=[robin()])
        assert hidden(contact) == [True]
        assert contact.recommendation is not None
        assert contact.recommendation.facts["family"]["in_area"] is None
        with pytest.raises(InvalidInput, match="An address is confidential"):
            story.decided(contact)

    def test_also_if_the_child_is_only_likely_the_same(self, story: Story) -> None:
        said_by_the_police(story)
        contact = story.contact(children=[LIKELY | {"address": HOME}])
        assert contact.children.get().person != ContactChild.objects.earliest("pk").person
        assert hidden(contact) == [True]
        assert contact.children.get().person.postcode == ""

    def test_also_if_the_likely_child_came_first(self, story: Story) -> None:
        earlier = story.contact(children=[LIKELY | {"address": HOME}])
        said_by_the_police(story)
        assert hidden(earlier) == [True]

    def test_what_earlier_contacts_said(self, story: Story) -> None:
        earlier = story.contact(children=[robin()], adults=[MOTHER])
        assert (hidden(earlier), earlier.adults.get().person.postcode) == ([False], "HP20 1UA")
        said_by_the_police(story)
        assert hidden(earlier) == [True]
        assert earlier.adults.get().person.postcode == ""
        assert earlier.children.get().person.postcode == ""

    def test_another_address_that_came_before_or_comes_after(self, story: Story) -> None:
        earlier = story.contact(children=[robin(address=ELSEWHERE)])
        said_by_the_police(story)
        later = story.contact(children=[robin(address={"lines": ["9 Third Way"], "postcode": "HP5 1AA"})])
        assert hidden(earlier) == hidden(later) == [True]

    def test_a_brother_at_the_same_address(self, story: Story) -> None:
        said_by_the_police(story, robin(address=IN_HIDING), kim(address=HOME))
        (both,) = ContactRow.objects.all()
        assert hidden(both) == [True, True]
        alone = story.contact(children=[kim(address={"lines": ["1, example rd."], "postcode": "hp2o 1ua"})])
        assert hidden(alone) == [True]

    def test_a_brother_elsewhere_is_not(self, story: Story) -> None:
        both = said_by_the_police(story, robin(address=IN_HIDING), kim(address=ELSEWHERE))
        assert hidden(both) == [True, False]
        assert hidden(story.contact(children=[kim(address=ELSEWHERE)])) == [False]

    def test_a_brother_who_is_at_a_new_address_since_then(self, story: Story) -> None:
        """They may have gone there together."""
        said_by_the_police(story, robin(address=IN_HIDING | {"lines": [], "postcode": None}), kim(address=ELSEWHERE))
        new = story.contact(children=[kim(address={"lines": ["9 Third Way"], "postcode": "HP5 1AA"})])
        assert hidden(new) == [True]

    def test_whoever_lives_with_an_adult_in_hiding(self, story: Story) -> None:
        contact = story.contact(children=[robin()], adults=[MOTHER])
        mother = contact.adults.get().person
        protecting.protect(person_id=mother.pk, reason="She fled.", by=person("amina"), now=story.later())
        assert hidden(contact) == [True]

    def test_but_not_whoever_lives_elsewhere(self, story: Story) -> None:
        contact = story.contact(children=[robin()], adults=[MOTHER | {"same_address": False}])
        protecting.protect(
            person_id=contact.adults.get().person.pk, reason="She fled.", by=person("amina"), now=story.later()
        )
        assert hidden(contact) == [False]

    def test_a_stranger_is_not(self, story: Story) -> None:
        said_by_the_police(story)
        stranger = child(first_name="Noor", last_name="Haddad", nhs_number=None, date_of_birth="2015-08-21")
        assert hidden(story.contact(children=[stranger | {"address": HOME}], adults=[])) == [False]


class TestWhoIsWho:
    @pytest.fixture
    def likely(self, story: Story) -> ContactRow:
        said_by_the_police(story)
        return story.contact(children=[LIKELY | {"address": HOME}])

    def settle(self, story: Story, likely: ContactRow, *, same: bool) -> None:
        match = PersonMatch.objects.get(child__contact=likely)
        matches.settle(contact_id=likely.pk, match_id=match.pk, same=same, by=person("amina"), now=story.later())

    def test_somebody_else_is_shown(self, story: Story, likely: ContactRow) -> None:
        self.settle(story, likely, same=False)
        assert hidden(likely) == [False]
        likely.refresh_from_db()
        assert likely.recommendation is not None
        assert likely.recommendation.facts["family"]["in_area"] is True
        assert likely.children.get().person.postcode == "HP20 1UA"

    def test_the_same_stays_hidden(self, story: Story, likely: ContactRow) -> None:
        self.settle(story, likely, same=True)
        assert hidden(likely) == [True]

    def test_whoever_is_joined_to_somebody_in_hiding_is_hidden(self, story: Story) -> None:
        first = story.contact(children=[robin()])
        second = story.contact(children=[LIKELY | {"address": ELSEWHERE}])
        protecting.protect(
            person_id=second.children.get().person.pk, reason="Foster carers.", by=person("amina"), now=story.later()
        )
        self.settle(story, second, same=True)
        assert hidden(first) == hidden(second) == [True]
        known = first.children.get().person
        assert (known.address_is_protected, known.postcode) == (True, "")


class TestLifting:
    def test_every_contact_shows_it_again(self, story: Story) -> None:
        earlier, marked = story.contact(children=[robin()], adults=[MOTHER]), said_by_the_police(story)
        lifted(story, marked.children.get().person)
        assert hidden(earlier) == hidden(marked) == [False]
        assert earlier.children.get().person.postcode == "HP20 1UA"
        assert earlier.adults.get().person.postcode == "HP20 1UA"
        protection = AddressProtection.objects.get()
        assert protection.lifted_by is not None
        assert (protection.lifted_by.username, protection.lifted_because) == ("maya", "He is in prison.")
        assert hidden(story.contact(children=[robin()])) == [False]

    def test_it_is_hidden_again_when_somebody_says_so_again(self, story: Story) -> None:
        first = said_by_the_police(story)
        lifted(story, first.children.get().person)
        said_by_the_police(story)
        assert hidden(first) == [True]

    def test_a_brothers_address_is_safe_to_show_and_his_next_one_is_not(self, story: Story) -> None:
        both = said_by_the_police(story, robin(address=IN_HIDING), kim(address=HOME))
        lifted(story, both.children.get(ref="c2").person)
        assert hidden(both) == [True, False]
        story.later()
        assert hidden(story.contact(children=[kim()])) == [False]
        assert hidden(story.contact(children=[kim(address=ELSEWHERE)])) == [True]

    def test_nobody_but_a_manager_lifts_it(self, story: Story) -> None:
        who = said_by_the_police(story).children.get().person
        for name in ("amina", "oliver", "ava", "iris"):
            with pytest.raises(NotPermitted, match="Only a front-door manager or a service manager"):
                lifted(story, who, by=name)
        for name in ("carol", "adele"):
            with pytest.raises(Person.DoesNotExist):
                lifted(story, who, by=name)
        lifted(story, who, by="sam")

    def test_a_reason_is_needed_for_both(self, story: Story) -> None:
        who = story.contact(children=[robin()]).children.get().person
        for action, by in ((protecting.protect, "amina"), (protecting.lift, "maya")):
            with pytest.raises(InvalidInput, match="Say"):
                action(person_id=who.pk, reason=" \n", by=person(by), now=story.later())
            if action == protecting.protect:
                action(person_id=who.pk, reason="She says so.", by=person(by), now=story.later())
        with pytest.raises(NotAllowedInStatus, match="confidential already"):
            protecting.protect(person_id=who.pk, reason="Again.", by=person("amina"), now=story.later())
        lifted(story, who)
        with pytest.raises(NotAllowedInStatus, match="Nothing of this address is hidden"):
            lifted(story, who)

    def test_it_is_in_the_audit_without_a_word_of_it(self, story: Story) -> None:
        marked = said_by_the_police(story)
        who = marked.children.get().person
        lifted(story, who)
        began, ended = AuditEvent.objects.filter(event__startswith="address_protect").order_by("pk")
        assert (began.event, began.contact, str(began.by_agency)) == ("address_protected", marked, "Example Police")
        assert (ended.event, ended.by_user, ended.detail) == (
            "address_protection_lifted", person("maya"), {"person": who.reference},
        )  # fmt: skip


def test_the_rules_are_asked_again_on_what_waits(story: Story) -> None:
    waiting = story.contact(children=[robin()])
    said_by_the_police(story)
    assert StaleRecommendation.objects.filter(contact=waiting).exists()
    stale_recommendations.renew(now=story.later())
    waiting.refresh_from_db()
    assert waiting.recommendation is not None
    assert waiting.recommendation.facts["family"]["in_area"] is None
    assert household(waiting).contacts().count() == 2


def test_the_sender_hears_nothing_of_what_another_said(story: Story) -> None:
    said_by_the_police(story)
    contact = story.contact(children=[robin()])
    assert not contact.details_to_check.exists()
