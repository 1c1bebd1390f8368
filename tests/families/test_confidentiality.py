"""Confidential once is confidential everywhere, until a named person lifts it with a reason."""

from typing import Any

import pytest

from casework.actions import corrections, matches, protecting
from casework.families import sameness
from casework.families.household import household
from casework.families.likeness.describing import describe
from casework.families.person_keys import keys_of, written
from casework.families.recorded import LIVES_HIDDEN, lives_hidden, living_hidden
from casework.jobs import stale_recommendations
from casework.models import (
    AddressProtection,
    AuditEvent,
    ContactChild,
    Person,
    PersonMatch,
    Recommendation,
    StaleRecommendation,
)
from casework.models import Contact as ContactRow
from errors import InvalidInput, NotAllowedInStatus, NotPermitted
from localities.models import TeamKind
from tests.stage.documents import address, child
from tests.stage.families import KIM
from tests.stage.sql import run
from tests.stage.story import Story, person

ANOTHER_STREET = {"lines": ["77 Another Street"], "postcode": "HP20 1UA"}
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


def matching_is_careful(contact: ContactRow) -> bool:
    return bool(sameness.careful(sameness.open_matches(contact)))


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

    def test_whoever_has_the_same_last_name_at_the_very_address(self, story: Story) -> None:
        """A brother who comes alone, with nothing else that ties him to the child in hiding."""
        alone: dict[str, Any] = {"date_of_birth": "2009-09-30", "nhs_number": None, "also_known_as": [], "sex": "F"}
        said_by_the_police(story)
        brother = story.contact(children=[child(**alone, first_name="Zara", address=address("hp20 1ua"))], adults=[])
        assert not PersonMatch.objects.filter(child__contact=brother).exists()
        assert hidden(brother) == [True]
        for shown in (
            child(**alone | {"date_of_birth": "2012-02-11"}, first_name="Ada", last_name="Okafor", address=HOME),
            child(**alone | {"date_of_birth": "2013-11-05"}, first_name="Mei", address=ELSEWHERE),
            child(**alone | {"date_of_birth": "2014-06-19"}, first_name="Ivy", address=ANOTHER_STREET),
        ):  # fmt: skip
            assert hidden(story.contact(children=[shown], adults=[])) == [False]
        for known in (
            {"first_name": "Pip", "last_name": "Green", "also_known_as": ["Robin Áshworth"]},
            {"first_name": "Yves", "last_name": "Ash-Worth"},
            {"first_name": "Yara", "last_name": "Ashworth-Jones"},
            {"first_name": "ROBIN", "last_name": "Smythers", "date_of_birth": None, "age_years": 12},
            {"first_name": "Yuri", "last_name": "Ashwroth", "date_of_birth": "2008-08-08"},
            {"first_name": "Rob", "last_name": "Quince", "date_of_birth": "2007-07-17"},
        ):
            assert hidden(story.contact(children=[child(**alone | known, address=HOME)], adults=[])) == [True], known
        # What a manager says is safe to show stays shown, and so does his when nobody is in hiding any more.
        lifted(story, ContactChild.objects.earliest("pk").person)
        assert hidden(brother) == [False]

    @pytest.mark.parametrize(
        ("adults", "is_hidden"),
        [
            ([("Leane", "Drury")], True),
            ([("Lee", "Druery"), ("Craig", "Foss")], True),
            ([("Leanne", "Foss")], True),
            ([("Unknown Unknown", None)], True),
            ([], True),
            ([("Craig", "Foss")], False),
        ],
    )
    def test_a_slip_in_the_name_and_the_birth_of_a_child_and_of_the_mother_at_the_very_address(
        self, story: Story, adults: list[tuple[str, str | None]], is_hidden: bool
    ) -> None:
        """No likeness is worth proposing. Whoever lives there by names of their own is another family."""
        tyler = child(first_name="Tyler", last_name="Drury", date_of_birth="2015-09-09", nhs_number=None)
        mother = {"first_name": "Leanne", "last_name": "Drury", "date_of_birth": "1988-04-04", "same_address": True}
        said_by_the_police(story, tyler | {"also_known_as": [], "address": IN_HIDING}, adults=[mother])
        slips = {"first_name": "Tylor", "last_name": "Druery", "date_of_birth": "2015-10-08", "also_known_as": []}
        beside = [{"first_name": first, "last_name": last, "same_address": True} for first, last in adults]
        contact = story.contact(children=[tyler | slips | {"address": HOME}], adults=beside)
        assert not PersonMatch.objects.filter(child__contact=contact).exists()
        assert hidden(contact) == [is_hidden]
        assert contact.recommendation is not None
        assert contact.recommendation.facts["family"]["in_area"] is (None if is_hidden else True)

    def test_a_brother_elsewhere_is_not(self, story: Story) -> None:
        both = said_by_the_police(story, robin(address=IN_HIDING), kim(address=ELSEWHERE))
        assert hidden(both) == [True, False]
        assert hidden(story.contact(children=[kim(address=ELSEWHERE)])) == [False]

    def test_a_brother_who_is_at_a_new_address_since_then(self, story: Story) -> None:
        """They may have gone there together."""
        said_by_the_police(story, robin(address=IN_HIDING | {"lines": [], "postcode": None}), kim(address=ELSEWHERE))
        new = story.contact(children=[kim(address={"lines": ["9 Third Way"], "postcode": "HP5 1AA"})])
        assert hidden(new) == [True]

    def test_a_new_address_is_new_also_at_the_postcode_of_the_old_one(self, story: Story) -> None:
        """A neighbour's home is another, where it is asked what may be shown."""
        said_by_the_police(story, robin(address=IN_HIDING | {"lines": [], "postcode": None}), kim(address=HOME))
        assert hidden(story.contact(children=[kim(address=HOME)])) == [False]
        assert hidden(story.contact(children=[kim(address=ANOTHER_STREET)])) == [True]

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

    def test_whoever_lives_with_an_adult_who_may_be_one_in_hiding(self, story: Story) -> None:
        """Until somebody says that they are two."""
        known = story.contact(children=[kim(address=ELSEWHERE)], adults=[MOTHER])
        other = story.contact(children=[robin(address=HOME)], adults=[MOTHER | {"first_name": "Samm"}])
        match = PersonMatch.objects.get(adult__contact=other)
        mother = known.adults.get().person
        assert (match.status, match.known) == ("proposed", mother)
        protecting.protect(person_id=mother.pk, reason="She fled.", by=person("amina"), now=story.later())
        assert hidden(known) == hidden(other) == [True]
        later = story.contact(children=[robin(address=ELSEWHERE)], adults=[MOTHER | {"first_name": "Samm"}])
        assert hidden(later) == [True]
        for match in PersonMatch.objects.filter(adult__contact__in=[other, later], status="proposed"):
            matches.settle(
                contact_id=match.row.contact_id, match_id=match.pk, same=match.known != mother, by=person("amina"),
                reason="Another Sam.", now=story.later(),
            )  # fmt: skip
        assert hidden(known) == [True]
        assert hidden(other) == hidden(later) == [False]

    def test_a_brother_of_a_child_who_is_only_likely_in_hiding(self, story: Story) -> None:
        said_by_the_police(story)
        both = story.contact(children=[LIKELY | {"address": HOME}, kim()])
        alone = story.contact(children=[kim()])
        assert (hidden(both), hidden(alone)) == ([True, True], [True])
        assert alone.children.get().recorded_as.postcode == ""
        assert alone.recommendation is not None
        assert alone.recommendation.facts["family"]["in_area"] is None

    def test_also_if_the_protection_came_last(self, story: Story) -> None:
        robins = story.contact(children=[robin()])
        both = story.contact(children=[LIKELY | {"address": HOME}, kim()])
        alone = story.contact(children=[kim()])
        protecting.protect(
            person_id=robins.children.get().person_id, reason="She fled.", by=person("amina"), now=story.later()
        )
        assert (hidden(both), hidden(alone)) == ([True, True], [True])

    def test_a_child_who_may_be_one_in_hiding_since_the_name_was_corrected(self, story: Story) -> None:
        said_by_the_police(story)
        unknown = {"first_name": None, "last_name": None, "date_of_birth": None, "age_years": 7}
        contact = story.contact(children=[LIKELY | unknown | {"address": HOME}], adults=[])
        assert hidden(contact) == [False]
        named = {name: LIKELY[name] for name in ("first_name", "last_name", "date_of_birth")}
        document = {"source": "family", "why": "She called.", "children": [{"ref": "c1"} | named]}
        corrections.learn(contact_id=contact.pk, document=document, by=person("amina"), now=story.later(minutes=5))
        assert hidden(contact) == [True]
        assert contact.children.get().recorded_as.postcode == ""

    def test_whoever_is_a_little_alike_at_the_same_address(self, story: Story) -> None:
        """Nothing but the mother's name is alike, because the address in hiding is not compared."""
        mother = {"first_name": "Ana", "last_name": "Núñez", "same_address": True}
        zoe = child(first_name="Zoë", last_name="Núñez", nhs_number=None, also_known_as=[], date_of_birth="2015-02-03")
        said_by_the_police(story, zoe | {"address": IN_HIDING, "sex": "M"}, adults=[mother])
        other = zoe | {"first_name": "Zoe", "last_name": "Nunez", "date_of_birth": "2015-02-04", "sex": "F"}
        contact = story.contact(children=[other | {"address": HOME}], adults=[mother])
        assert not matching_is_careful(contact)
        assert hidden(contact) == [True]
        assert contact.recommendation is not None
        assert contact.recommendation.facts["family"]["in_area"] is None
        another = {"address": ELSEWHERE}
        assert hidden(story.contact(children=[other | {"first_name": "Tess"} | another], adults=[mother])) == [False]

    def test_a_stranger_is_not(self, story: Story) -> None:
        said_by_the_police(story)
        stranger = child(
            first_name="Noor", last_name="Haddad", also_known_as=[], nhs_number=None, date_of_birth="2015-08-21"
        )
        assert hidden(story.contact(children=[stranger | {"address": HOME}], adults=[])) == [False]


class TestTheFirstRecommendation:
    """It looks at what is shown and hidden in the end, and so is what the rules would say if they were asked again."""

    def first(self, contact: ContactRow) -> bool | None:
        recommendation = Recommendation.objects.get(contact=contact)
        assert not StaleRecommendation.objects.filter(contact=contact).exists()
        in_area: bool | None = recommendation.facts["family"]["in_area"]
        contact.refresh_from_db()
        assert (contact.recommendation, contact.rag) == (recommendation, recommendation.rag)
        return in_area

    def test_beside_a_hidden_neighbour(self, story: Story) -> None:
        said_by_the_police(story)
        stranger = child(first_name="Ada", last_name="Obi", date_of_birth="2011-07-08", nhs_number=None)
        beside = stranger | {"also_known_as": [], "address": ANOTHER_STREET}
        contact = story.contact(children=[beside], adults=[])
        assert (hidden(contact), self.first(contact)) == ([False], True)
        assert contact.children.get().recorded_as.postcode == "HP20 1UA"

    def test_of_a_child_whose_mother_may_be_one_in_hiding_and_who_lives_elsewhere(self, story: Story) -> None:
        """The likeness hides every address of the contact at first."""
        mother = {"first_name": "Ana", "last_name": "Núñez", "same_address": True}
        said_by_the_police(story, adults=[mother])
        tess = child(first_name="Tess", last_name="Obi", date_of_birth="2011-07-08", nhs_number=None, also_known_as=[])
        contact = story.contact(
            children=[tess | {"address": ANOTHER_STREET | {"postcode": "HP20 1UB"}}], adults=[mother]
        )
        assert PersonMatch.objects.filter(adult__contact=contact).exists()
        assert (hidden(contact), self.first(contact)) == ([False], True)
        assert contact.children.get().recorded_as.postcode == "HP20 1UB"

    def test_of_a_brother_who_stands_unmarked_beside_a_marked_child(self, story: Story) -> None:
        contact = said_by_the_police(story, robin(address=IN_HIDING), kim(address=HOME))
        assert (hidden(contact), self.first(contact)) == ([True, True], None)

    def test_of_a_namesake_at_the_very_address(self, story: Story) -> None:
        said_by_the_police(story)
        alone = child(first_name="Zara", date_of_birth="2009-09-30", nhs_number=None, also_known_as=[], address=HOME)
        contact = story.contact(children=[alone], adults=[])
        assert (hidden(contact), self.first(contact)) == ([True], None)
        assert contact.children.get().recorded_as.postcode == ""

    def test_a_red_contact_beside_a_hidden_neighbour_is_with_emergency_duty_at_night(self, story: Story) -> None:
        said_by_the_police(story)
        beside = child(first_name="Ada", last_name="Obi", nhs_number=None, also_known_as=[], address=ANOTHER_STREET)
        contact = story.contact(children=[beside], adults=[], immediate_danger=True, at=story.later(hours=12))
        assert self.first(contact) is True
        assert (contact.rag, contact.team.kind) == ("red", TeamKind.EMERGENCY_DUTY)


class TestWhatIsKeptOfIt:
    """Nothing, where it would be compared or found: neither with the child nor with whoever lives there."""

    @staticmethod
    def keys_of_home(record: Person) -> int:
        """How many of the keys are stored by which somebody of this name is found at home."""
        somebody = written(record)._replace(address="1 Example Road", postcode="HP20 1UA")
        elsewhere = somebody._replace(address="", postcode="")
        keys = set(keys_of(describe(somebody))) - set(keys_of(describe(elsewhere)))
        return int(
            run(
                "SELECT count(*) FROM casework_personkey WHERE person_id = %s AND key IN ("
                "SELECT hashtextextended(home, 0) FROM unnest(%s::text[]) home)",
                record.same_as_id or record.pk, sorted(keys),
            )[0][0]
        )  # fmt: skip

    def test_no_line_no_postcode_and_no_key_until_it_is_shown_again(self, story: Story) -> None:
        contact = story.contact(children=[robin()], adults=[MOTHER])
        records = [contact.children.get().recorded_as, contact.adults.get().recorded_as]

        def kept() -> list[tuple[str, str, bool]]:
            for record in records:
                record.refresh_from_db()
            return [(record.address, record.postcode, self.keys_of_home(record) > 0) for record in records]

        at_home = [(", ".join(HOME["lines"]), "HP20 1UA", True)] * 2
        assert kept() == at_home
        marked = said_by_the_police(story)
        assert kept() == [("", "", False)] * 2
        lifted(story, marked.children.get().person)
        assert kept() == at_home

    def test_an_adult_of_the_same_address_as_one_in_hiding_is_at_no_address(self, story: Story) -> None:
        """It does not say whose of the children's."""
        both = said_by_the_police(story, robin(address=IN_HIDING), kim(address=ELSEWHERE), adults=[MOTHER])
        assert hidden(both) == [True, False]
        records = [both.children.get(ref="c2").recorded_as, both.adults.get().recorded_as]
        assert [record.postcode for record in records] == ["SL7 1AA", ""]

    @pytest.mark.parametrize("lines", [["2 New Way"], None])
    def test_lines_that_were_corrected_come_back_as_they_are_now(self, story: Story, lines: list[str] | None) -> None:
        contact = story.contact(children=[robin()])
        moved = {"ref": "c1", "address": {"lines": lines}}
        document = {"source": "family", "why": "She called.", "children": [moved]}
        corrections.learn(contact_id=contact.pk, document=document, by=person("amina"), now=story.later(minutes=5))
        record = contact.children.get().recorded_as
        now = (", ".join(lines or []), "HP20 1UA")
        assert (record.address, record.postcode) == now
        marked = said_by_the_police(story)
        record.refresh_from_db()
        assert (record.address, record.postcode) == ("", "")
        lifted(story, marked.children.get().person)
        record.refresh_from_db()
        assert (record.address, record.postcode) == now


class TestWhoIsWho:
    @pytest.fixture
    def likely(self, story: Story) -> ContactRow:
        said_by_the_police(story)
        return story.contact(children=[LIKELY | {"address": HOME}])

    def settle(self, story: Story, likely: ContactRow, *, same: bool) -> None:
        match = PersonMatch.objects.get(child__contact=likely)
        said: dict[str, Any] = {"contact_id": likely.pk, "match_id": match.pk, "by": person("amina")}
        matches.settle(same=same, reason="" if same else "Another Robin.", now=story.later(), **said)

    def test_somebody_else_is_shown(self, story: Story, likely: ContactRow) -> None:
        self.settle(story, likely, same=False)
        assert hidden(likely) == [False]
        likely.refresh_from_db()
        assert likely.recommendation is not None
        assert likely.recommendation.facts["family"]["in_area"] is True
        assert likely.children.get().person.postcode == "HP20 1UA"

    def test_not_without_a_reason(self, story: Story, likely: ContactRow) -> None:
        """Whoever says no to a likeness with somebody in hiding says why. The reason stands with what was said."""
        match = PersonMatch.objects.get(child__contact=likely)
        said: dict[str, Any] = {"contact_id": likely.pk, "match_id": match.pk, "by": person("amina")}
        with pytest.raises(InvalidInput, match="Enter why they are not the same, and how you know"):
            matches.settle(same=False, reason=" ", now=story.later(), **said)
        assert hidden(likely) == [True]
        assert list(match.status_changes.all()) == []
        self.settle(story, likely, same=False)
        assert match.status_changes.get().why == "Another Robin."

    def test_without_a_reason_where_nothing_is_shown_by_it(self, story: Story) -> None:
        """The other is in hiding as well; or no address is known."""
        said_by_the_police(story)
        for home in (IN_HIDING, {}):
            likely = story.contact(children=[LIKELY | {"address": home}], adults=[])
            for match in PersonMatch.objects.filter(child__contact=likely, status="proposed").order_by("-score"):
                matches.settle(
                    contact_id=likely.pk, match_id=match.pk, same=False, by=person("amina"), now=story.later()
                )
            assert hidden(likely) == [home == IN_HIDING]

    def test_not_while_the_mothers_may_be_one(self, story: Story) -> None:
        """The children are two; nobody has said whether their mothers are."""
        mother = MOTHER | {"phone": "07700 900123"}
        said_by_the_police(story, adults=[mother])
        likely = story.contact(children=[LIKELY | {"address": HOME}], adults=[mother])
        self.settle(story, likely, same=False)
        assert hidden(likely) == [True]
        match = PersonMatch.objects.get(adult__contact=likely)
        said: dict[str, Any] = {"contact_id": likely.pk, "match_id": match.pk, "by": person("amina")}
        matches.settle(same=False, reason="Another mother.", now=story.later(), **said)
        assert hidden(likely) == [False]

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
        assert hidden(both) == [True, True]
        story.later()
        moved = story.contact(children=[kim(address=ELSEWHERE)])
        assert hidden(moved) == [True]
        lifted(story, moved.children.get().person)
        assert (hidden(both), hidden(moved)) == ([True, True], [False])
        story.later()
        assert hidden(story.contact(children=[kim(address=ELSEWHERE)])) == [False]
        third = {"lines": ["9 Third Street"], "postcode": "HP11 1BB"}
        assert hidden(story.contact(children=[kim(address=third)])) == [True]

    def test_nobody_is_shown_where_somebody_in_hiding_lives(self, story: Story) -> None:
        """A child's address is safe to show, and the mother who lives there is still in hiding: it stays hidden."""
        contact = story.contact(children=[robin(), kim()], adults=[MOTHER])
        mother, child_of_hers = contact.adults.get().person, contact.children.get(ref="c1").person
        for who in (mother, child_of_hers):
            protecting.protect(person_id=who.pk, reason="She fled.", by=person("amina"), now=story.later())
        lifted(story, child_of_hers)
        assert hidden(contact) == [True, True]
        assert hidden(story.contact(children=[robin()], adults=[MOTHER])) == [True]
        lifted(story, mother)
        assert hidden(contact) == [False, False]

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
            with pytest.raises(InvalidInput, match="Enter"):
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


FATHERS = {"lines": ["9 Quincunx Parade"], "postcode": "HP22 6AA"}
FATHER: dict[str, Any] = {
    "first_name": "Lee", "last_name": "Druery", "date_of_birth": "1984-05-06", "relationship": "Father",
    "same_address": False, "address": FATHERS,
}  # fmt: skip
HIS_IN_HIDING = FATHER | {"address": FATHERS | {"confidential": True}}


def hidden_adults(contact: ContactRow) -> list[bool]:
    return list(contact.adults.order_by("position").values_list("address_is_confidential", flat=True))


def kept(contact: ContactRow) -> list[tuple[str, str]]:
    """Where the records of the adults say that they live."""
    return list(contact.adults.order_by("position").values_list("recorded_as__address", "recorded_as__postcode"))


class TestAnAdultsOwnAddress:
    def test_is_kept_with_the_adult_and_with_nobody_else(self, story: Story) -> None:
        contact = story.contact(children=[robin()], adults=[FATHER, MOTHER])
        assert hidden_adults(contact) == [False, False]
        assert kept(contact) == [("9 Quincunx Parade", "HP22 6AA"), ("1 Example Road", "HP20 1UA")]
        assert contact.adults.get(position=0).postcode == "HP22 6AA"
        assert contact.children.get().person.postcode == "HP20 1UA"

    @pytest.mark.parametrize("lives_with_them", [False, None])
    def test_that_is_confidential_is_kept_nowhere_and_the_children_are_shown(
        self, story: Story, lives_with_them: bool | None
    ) -> None:
        contact = story.contact(children=[robin()], adults=[HIS_IN_HIDING | {"same_address": lives_with_them}])
        assert (hidden_adults(contact), kept(contact)) == ([True], [("", "")])
        assert hidden(contact) == [False]
        protection = AddressProtection.objects.get()
        assert (protection.person, protection.contact) == (contact.adults.get().person, contact)
        assert contact.recommendation is not None
        assert contact.recommendation.facts["family"]["in_area"] is True
        assert story.decided(contact).chosen_team is None

    def test_is_hidden_where_another_agency_sends_it_unmarked(self, story: Story) -> None:
        story.contact(children=[robin()], adults=[HIS_IN_HIDING])
        for adult in (FATHER, FATHER | {"date_of_birth": None}, FATHER | {"address": {"postcode": "hp22-6aa"}}):
            contact = story.contact(by="example-police", children=[kim()], adults=[adult])
            assert (hidden_adults(contact), kept(contact)) == ([True], [("", "")]), adult

    def test_is_hidden_on_contacts_that_came_before(self, story: Story) -> None:
        earlier = story.contact(by="example-police", children=[kim()], adults=[FATHER])
        story.contact(children=[robin()], adults=[HIS_IN_HIDING])
        assert (hidden_adults(earlier), kept(earlier)) == ([True], [("", "")])
        assert not set(keys_of(describe(written(earlier.adults.get().recorded_as)))) & {"house HP22 6AA 9"}

    def test_hides_a_child_who_comes_to_live_there(self, story: Story) -> None:
        story.contact(children=[robin()], adults=[HIS_IN_HIDING])
        assert hidden(story.contact(children=[robin(address=FATHERS)], adults=[])) == [True]
        # Nobody says where the child lives but "with his father".
        there = story.contact(children=[robin(address=ELSEWHERE)], adults=[FATHER | {"same_address": True}])
        assert hidden(there) == [True]

    def test_hides_a_stranger_of_the_same_name_at_the_very_address(self, story: Story) -> None:
        story.contact(children=[robin()], adults=[HIS_IN_HIDING])
        alone: dict[str, Any] = {"date_of_birth": "2009-09-30", "nhs_number": None, "also_known_as": [], "sex": "F"}
        for name, is_hidden in (("Drury", True), ("Okafor", False)):
            other = story.contact(
                children=[child(**alone, first_name="Zara", last_name=name, address=FATHERS)], adults=[]
            )
            assert hidden(other) == [is_hidden], name

    def test_is_hidden_where_it_is_the_home_of_a_child_in_hiding(self, story: Story) -> None:
        there = {"address": {"lines": ["1, example rd"], "postcode": "hp2o 1ua"}, "same_address": False}
        contact = said_by_the_police(story, robin(address=IN_HIDING), adults=[FATHER | there])
        assert (hidden_adults(contact), kept(contact)) == ([True], [("", "")])
        # So is the telephone, which leads there.
        father = contact.adults.annotate(lives_hidden=LIVES_HIDDEN).get()
        assert lives_hidden(father)
        assert living_hidden([father.person_id]) == {father.person_id}
        alone = story.contact(children=[kim(address=ELSEWHERE)], adults=[FATHER | there])
        assert hidden_adults(alone) == [True]

    def test_is_hidden_of_whoever_may_have_gone_with_a_child_in_hiding(self, story: Story) -> None:
        unknown = IN_HIDING | {"lines": [], "postcode": None}
        with_child = {"same_address": True, "address": None}
        said_by_the_police(story, robin(address=unknown), adults=[FATHER | with_child])
        later = story.contact(children=[kim(address=ELSEWHERE)], adults=[FATHER])
        assert (hidden_adults(later), kept(later)) == ([True], [("", "")])

    def test_is_shown_of_whoever_lives_elsewhere_than_a_child_in_hiding(self, story: Story) -> None:
        contact = said_by_the_police(story, robin(address=IN_HIDING), adults=[FATHER])
        assert (hidden_adults(contact), hidden(contact)) == ([False], [True])
        assert kept(contact) == [("9 Quincunx Parade", "HP22 6AA")]

    def test_is_shown_again_when_it_is_lifted(self, story: Story) -> None:
        contact = story.contact(children=[robin()], adults=[HIS_IN_HIDING])
        lifted(story, contact.adults.get().person)
        assert (hidden_adults(contact), kept(contact)) == ([False], [("9 Quincunx Parade", "HP22 6AA")])

    def test_is_hidden_by_staff(self, story: Story) -> None:
        contact = story.contact(children=[robin()], adults=[FATHER])
        father = contact.adults.get().person
        protecting.protect(person_id=father.pk, reason="He fled.", by=person("amina"), now=story.later())
        assert (hidden_adults(contact), kept(contact), hidden(contact)) == ([True], [("", "")], [False])

    def test_never_leads_a_childs_family_to_a_team(self, story: Story) -> None:
        """The father lives in Marlow, and nobody knows where the child is."""
        contact = story.contact(children=[robin(address=None)], adults=[FATHER | {"address": ELSEWHERE}])
        assert contact.recommendation is not None
        assert contact.recommendation.facts["family"]["in_area"] is None
        with pytest.raises(InvalidInput, match="No child has a postcode"):
            story.decided(contact)

    def test_that_somebody_says_later_is_hidden_at_once(self, story: Story) -> None:
        contact = story.contact(children=[robin()], adults=[FATHER | {"address": None}])
        said = {"adults": [{"number": 1, "address": FATHERS | {"confidential": True}}], "why": "He is in a refuge."}
        assert contact.agency is not None
        corrections.learn(contact_id=contact.pk, document=said, by=contact.agency, now=story.later())
        assert (hidden_adults(contact), kept(contact), hidden(contact)) == ([True], [("", "")], [False])
        assert contact.adults.get().person.address_is_protected

    def test_that_is_corrected_moves_the_adult(self, story: Story) -> None:
        contact = story.contact(children=[robin()], adults=[FATHER])
        said = {"source": "family", "why": "He moved.", "adults": [{"number": 1, "address": ELSEWHERE}]}
        corrections.learn(contact_id=contact.pk, document=said, by=person("amina"), now=story.later())
        assert kept(contact) == [("4 Other Street", "SL7 1AA")]
        assert contact.children.get().person.postcode == "HP20 1UA"

    def test_says_how_alike_two_adults_are(self, story: Story) -> None:
        """Without a date of birth the name alone is that of many."""
        vague: dict[str, Any] = {"date_of_birth": None, "first_name": "L"}
        story.contact(children=[robin()], adults=[FATHER])
        found = {}
        for lives, home in (("there", FATHERS), ("elsewhere", ELSEWHERE)):
            other = child(first_name="Zara", last_name="Okafor", date_of_birth="2009-09-30", nhs_number=None)
            contact = story.contact(
                children=[other | {"address": ELSEWHERE}], adults=[FATHER | vague | {"address": home}]
            )
            match = PersonMatch.objects.filter(adult__contact=contact, person__contact_adults__contact__lt=contact.pk)
            found[lives] = match.order_by("-score").first()
        assert found["there"] is not None
        assert "Same address" in found["there"].reasons
        assert found["elsewhere"] is None or found["elsewhere"].score < found["there"].score

    def test_brings_no_child_who_lives_there_into_the_household(self, story: Story) -> None:
        first = story.contact(children=[robin()], adults=[FATHER])
        zara = child(first_name="Zara", last_name="Okafor", date_of_birth="2009-09-30", nhs_number=None)
        other = story.contact(children=[zara | {"also_known_as": [], "address": FATHERS}], adults=[])
        assert not PersonMatch.objects.filter(child__contact=other).exists()
        assert other.children.get().person_id not in household(first).people
        assert first.children.get().person_id not in household(other).people
