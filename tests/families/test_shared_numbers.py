"""
Two children of one contact who were given one number, mostly by a copying slip: it is evidence for each, and proof for
neither.
"""

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps

from casework.actions import corrections, people
from casework.actions.people import Said
from casework.families import merging
from casework.models import Contact, ContactChild, Person, PersonMatch
from casework.statuses import MatchStatus
from tests.stage.documents import child
from tests.stage.sql import run
from tests.stage.story import Story, person

NHS, UPN = "9990000018", "H801200001001"
ONE_NUMBER = [("nhs_number", NHS, "NHS number"), ("upn", UPN, "unique pupil number")]
HOLDER = child(first_name="Ada", last_name="Obi", date_of_birth=None, nhs_number=None, also_known_as=[], address=None)


def twins(**numbers: Any) -> list[dict[str, Any]]:
    both: dict[str, Any] = {"nhs_number": None, "also_known_as": [], "address": None, "date_of_birth": "2016-05-06"}
    return [
        child(ref=ref, first_name=name, last_name="Lee") | both | numbers
        for ref, name in (("t1", "Kit"), ("t2", "Pat"))
    ]


def corrected(story: Story, contact: Contact, *children: dict[str, Any]) -> None:
    said = {"source": "referrer", "why": "The school looked it up.", "children": [*children]}
    corrections.learn(contact_id=contact.pk, document=said, by=person("amina"), now=story.later())


def asked_about(contact: Contact) -> list[tuple[str, int, list[str]]]:
    """The status, the person and what is said of the number, of every match on a contact."""
    found = PersonMatch.objects.filter(child__contact=contact).order_by("child__position")
    return [(each.status, each.person_id, [says for says in each.reasons if "number" in says]) for each in found]


@pytest.mark.parametrize(("field", "number", "called"), ONE_NUMBER)
def test_the_known_holder_is_proposed_to_both_and_joined_to_neither(
    story: Story, field: str, number: str, called: str
) -> None:
    """The holder has no date of birth on record, nor anything else in common with the two."""
    holder = story.contact(children=[HOLDER | {field: number}], adults=[]).children.get().person_id
    contact = story.contact(children=twins(**{field: number}), adults=[])
    says = [f"Same {called}, which two children on one contact were given"]
    assert asked_about(contact) == [(MatchStatus.PROPOSED, holder, says)] * 2
    assert {child.person_id for child in contact.children.all()}.isdisjoint({holder})
    assert [detail.field for detail in contact.details_to_check.all()] == [f"children.{field}"] * 2


def test_the_holder_is_not_joined_by_it_however_alike(story: Story) -> None:
    kit, pat = twins(nhs_number=NHS)
    known = story.contact(children=[kit], adults=[]).children.get()
    contact = story.contact(children=[kit, pat], adults=[])
    match = PersonMatch.objects.get(child__contact=contact, child__first_name="Kit")
    assert (match.status, match.person_id) == (MatchStatus.PROPOSED, known.person_id)
    assert match.score > 0.9
    assert contact.children.get(first_name="Kit").person_id != known.person_id


def test_whoever_comes_with_the_number_later_is_asked_about_both(story: Story) -> None:
    contact = story.contact(children=twins(nhs_number=NHS), adults=[])
    later = story.contact(children=[HOLDER | {"nhs_number": NHS}], adults=[])
    found = PersonMatch.objects.filter(child__contact=later, status=MatchStatus.PROPOSED)
    assert {match.person_id for match in found} == {child.person_id for child in contact.children.all()}


def test_the_doubt_is_not_of_whoever_else_has_the_number(story: Story) -> None:
    """The slip of one sender does not keep the holder's own contacts apart."""
    first = story.contact(children=[child()]).children.get()
    story.contact(children=twins(nhs_number=first.nhs_number), adults=[])
    assert story.contact(children=[child()]).children.get().person_id == first.person_id


class TestWhoseItIs:
    def known(self, contact: Contact, name: str) -> list[list[str]]:
        numbers: list[list[str]] = contact.children.get(first_name=name).recorded_as.shared_numbers
        return numbers

    def test_somebody_says_so(self, story: Story) -> None:
        contact = story.contact(children=twins(nhs_number=NHS), adults=[])
        corrected(story, contact, {"number": 1, "nhs_number": NHS})
        assert contact.children.get(first_name="Kit").recorded_as.nhs_number == NHS
        assert self.known(contact, "Kit") == self.known(contact, "Pat") == []
        assert not PersonMatch.objects.filter(child__contact=contact).exists()

    def test_somebody_says_what_the_others_is(self, story: Story) -> None:
        contact = story.contact(children=twins(nhs_number=NHS), adults=[])
        corrected(story, contact, {"number": 2, "nhs_number": "9990000026"})
        assert (self.known(contact, "Kit"), self.known(contact, "Pat")) == ([["nhs_number", NHS]], [])

    def test_one_whose_name_is_corrected_is_not_asked_about_the_other(self, story: Story) -> None:
        contact = story.contact(children=twins(nhs_number=NHS), adults=[])
        corrected(story, contact, {"number": 1, "first_name": "Kitty"})
        assert not PersonMatch.objects.filter(child__contact=contact).exists()

    def test_a_number_that_is_added_and_is_another_childs(self, story: Story) -> None:
        """What was there stays, and the holder is asked about."""
        holder = story.contact(children=[HOLDER | {"nhs_number": NHS}], adults=[]).children.get().person_id
        contact = story.contact(children=twins(), adults=[])
        corrected(story, contact, *({"number": number, "nhs_number": NHS} for number in (1, 2)))
        assert self.known(contact, "Kit") == self.known(contact, "Pat") == [["nhs_number", NHS]]
        assert {(status, person) for status, person, _ in asked_about(contact)} == {(MatchStatus.PROPOSED, holder)}
        assert not ContactChild.objects.filter(contact=contact).exclude(nhs_number="").exists()


class TestWhatEarlierReleasesThrewAway:
    """The number is read again from what was sent and learned, as if it had been kept."""

    def upgrade(self) -> None:
        run("UPDATE casework_person SET shared_numbers = '{}'")
        merging.keep_keys_again(Person.objects.filter(same_as=None).values_list("pk", flat=True))
        import_module("casework.migrations.0058_numbers_that_were_dropped").fill(apps, None)

    def kept(self) -> tuple[list[Any], list[Any]]:
        return (
            run("SELECT id, shared_numbers FROM casework_person ORDER BY id"),
            run("SELECT key, person_id FROM casework_personkey ORDER BY key, person_id"),
        )

    @pytest.mark.parametrize(("field", "number"), [("nhs_number", "999 OOO 0018"), ("upn", "H801-2000-01001")])
    def test_is_kept_with_both(self, story: Story, field: str, number: str) -> None:
        story.contact(children=twins(**{field: number}), adults=[])
        kept = self.kept()
        self.upgrade()
        assert self.kept() == kept
        later = story.contact(children=[HOLDER | {field: number}], adults=[])
        assert PersonMatch.objects.filter(child__contact=later, status=MatchStatus.PROPOSED).count() == 2

    def test_was_added_later(self, story: Story) -> None:
        contact = story.contact(children=twins(), adults=[])
        corrected(story, contact, *({"number": number, "nhs_number": NHS} for number in (1, 2)))
        kept = self.kept()
        assert run("SELECT count(*) FROM casework_person WHERE shared_numbers <> '{}'") == [(2,)]
        self.upgrade()
        assert self.kept() == kept

    def test_of_the_other_only_where_one_has_another_number_now(self, story: Story) -> None:
        contact = story.contact(children=twins(nhs_number=NHS), adults=[])
        corrected(story, contact, {"number": 2, "nhs_number": "9990000026"})
        kept = self.kept()
        self.upgrade()
        assert self.kept() == kept
        assert run("SELECT count(*) FROM casework_person WHERE shared_numbers <> '{}'") == [(1,)]

    def test_not_where_somebody_said_since_whose_it_is(self, story: Story) -> None:
        corrected(story, story.contact(children=twins(nhs_number=NHS), adults=[]), {"number": 1, "nhs_number": NHS})
        contact = story.contact(children=twins(upn=UPN), adults=[])
        said = Said(kind="upn", value=UPN, said_by="The school")
        who = contact.children.get(first_name="Pat").person_id
        people.add_detail(person_id=who, said=said, by=person("amina"), now=story.later())
        self.upgrade()
        assert run("SELECT count(*) FROM casework_person WHERE shared_numbers <> '{}'") == [(0,)]
