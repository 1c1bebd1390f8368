"""
A number and a telephone that staff recorded find their person as one that a contact brought does; and it counts how
sure they are.
"""

from typing import Any

import pytest

from casework.actions import corrections, matches, people
from casework.families.finding import run_query
from casework.families.likeness.describing import Written
from casework.families.likeness.weights import shipped
from casework.families.sameness import open_matches
from casework.families.typed_search import of_person, read_typed
from casework.models import Contact, ContactChild, Person, PersonDetail, PersonMatch, StatusChange
from casework.reading.both_records import both_records
from casework.reading.likenesses import why_alike
from tests.stage.documents import address, child, nhs_number
from tests.stage.integrity import broken
from tests.stage.story import Story, person

NHS, UPN, TELEPHONE = nhs_number(301), "H801200001001", "07700 900451"
WITHOUT: dict[str, Any] = {"nhs_number": None, "upn": None, "also_known_as": []}
NADIA: dict[str, Any] = WITHOUT | {"first_name": "Nadia", "last_name": "Brannigan", "date_of_birth": "2014-05-17",
                                   "sex": "F", "address": address("HP20 1UA")}  # fmt: skip
# Nothing of her says that she is Nadia.
UNLIKE: dict[str, Any] = WITHOUT | {"first_name": "Wilhelmina", "last_name": "Okonjo", "date_of_birth": "2009-11-02",
                                    "sex": "F", "address": address("SL7 1AA")}  # fmt: skip
SAM = {"first_name": "Sam", "last_name": "Brannigan", "relationship": "mother"}
ON = "which staff recorded on 19 November 2026"


def about(story: Story, described: dict[str, Any], **changes: Any) -> ContactChild:
    return story.contact(children=[child(**described | changes)], adults=[]).children.get()


def record(story: Story, who: Person, kind: str, value: str, qualifier: str = "") -> PersonDetail:
    said = people.Said(kind, value, qualifier=qualifier, said_by="The Spine")
    return people.add_detail(person_id=who.pk, said=said, by=person("amina"), now=story.later(minutes=1))


def takes_back(action: Any, story: Story, detail: PersonDetail) -> None:
    """Ends what was recorded, or says that it was in error."""
    action(
        person_id=detail.person_id, detail_id=detail.pk, reason="We know better.", by=person("amina"),
        now=story.later(minutes=1),
    )  # fmt: skip


def confirm(story: Story, match: PersonMatch) -> None:
    said: dict[str, Any] = {"same": True, "by": person("amina"), "now": story.later(minutes=1)}
    matches.settle(contact_id=match.row.contact_id, match_id=match.pk, **said)


def found(story: Story, query: Any) -> dict[str, tuple[str, ...]]:
    return {hit.name: hit.why for hit in run_query(query, person("amina"), story.now).hits}


@pytest.mark.parametrize(
    ("kind", "value", "status", "says"),
    [
        ("nhs_number", NHS, "verified", f"Same NHS number, {ON}; its status is verified"),
        ("upn", UPN, "", f"Same unique pupil number, {ON}"),
    ],
)
def test_a_child_is_found_by_a_number(story: Story, kind: str, value: str, status: str, says: str) -> None:
    """Everything else contradicts it, so it is asked. Where nothing does, the records are joined. Each may have two."""
    who = about(story, NADIA, **{kind: {"nhs_number": nhs_number(302), "upn": "X801200001002"}[kind]}).person
    spaced = f"{value[:3]} {value[3:6]} {value[6:]}"
    record(story, who, kind, spaced, status)
    looked = {kind: value} | ({} if kind == "nhs_number" else {"date_of_birth": "2014-05-17"})
    assert "Nadia Brannigan" in found(story, of_person(Written(**looked)))
    assert "Nadia Brannigan" in found(story, read_typed(spaced))

    entry = about(story, UNLIKE, **{kind: value})
    (match,) = open_matches(entry.contact)
    assert (match.known, match.score) == (who, shipped().worth_proposing)
    assert {says, "First names differ"} <= set(match.reasons)
    (numbers,) = (each for each in both_records(match, person("amina"), story.now).fields if each.label == "Number")
    assert numbers.says[0].startswith(f"{says}. ")

    assert about(story, NADIA, **{kind: value}).person == who
    assert broken() == {}


def test_an_adult_is_found_by_a_telephone(story: Story) -> None:
    """In whatever way it is typed, also when it is another's by now; but not when it was recorded in error."""
    who = story.contact(children=[child(**NADIA)], adults=[SAM]).adults.get().person
    detail = record(story, who, "telephone", "+44 (0)7700 900451 or 01296 000451", "not_safe")
    samantha = {"first_name": "Samantha", "last_name": "Branigan", "phone": TELEPHONE}

    def told() -> list[PersonMatch]:
        contact = story.contact(children=[child(**UNLIKE)], adults=[samantha])
        return [match for match in open_matches(contact) if match.known == who]

    says = f"Same telephone number, {ON}"
    (match,) = told()
    assert says in match.reasons
    assert says not in why_alike([match], hidden=[who.pk])[match.pk]
    looked = of_person(Written("Sam", phone=TELEPHONE))
    assert says in found(story, looked)["Sam Brannigan"]
    takes_back(people.end_detail, story, detail)
    assert says in told()[0].reasons
    takes_back(people.say_in_error, story, detail)
    assert told() == []
    assert says not in found(story, looked)["Sam Brannigan"]


class TestHowSureANumberIs:
    @pytest.mark.parametrize("status", ["conflict", "not_found"])
    def test_a_number_in_doubt_joins_nobody(self, story: Story, status: str) -> None:
        """Whoever has it is asked about, however alike, and also who has the number of a contact."""
        who = about(story, NADIA).person
        other = about(story, NADIA, nhs_number=NHS, last_name="Quill", address=address("HP5 1AA")).person
        record(story, who, "nhs_number", NHS, status)
        says = f"Same NHS number, {ON}; its status is {status.replace('_', ' ')}"
        entry = about(story, NADIA, nhs_number=NHS)
        assert entry.person == entry.recorded_as
        reasons = {match.known: match.reasons for match in open_matches(entry.contact)}
        assert says in reasons[who]
        assert says in reasons[other]
        assert says in open_matches(about(story, UNLIKE, nhs_number=NHS).contact)[0].reasons
        # It says nothing against somebody either.
        unlike = open_matches(about(story, NADIA, nhs_number=nhs_number(303)).contact)
        assert "NHS numbers differ" not in [each for match in unlike if match.known == who for each in match.reasons]

    def test_a_status_that_changes_takes_effect(self, story: Story) -> None:
        """What the service joined by the number is asked again. What somebody confirmed stays."""
        who = about(story, NADIA).person
        sure = record(story, who, "nhs_number", NHS, "verified")
        certain = about(story, NADIA, nhs_number=NHS)
        likely = about(story, NADIA, nhs_number=NHS, last_name="Branigan")
        confirmed = about(story, NADIA, nhs_number=NHS, last_name="Branningan")
        confirm(story, confirmed.matches.get(person=who))
        waiting = likely.matches.get(person=who)
        score = waiting.score

        takes_back(people.end_detail, story, sure)
        doubt = record(story, who, "nhs_number", NHS, "conflict")
        for entry in (certain, likely, confirmed):
            entry.refresh_from_db()
        waiting.refresh_from_db()
        assert (certain.person, confirmed.person) == (certain.recorded_as, who)
        match = certain.matches.get()
        assert (match.status, waiting.score < score) == ("proposed", True)
        for each in (match, waiting):
            assert f"Same NHS number, {ON}; its status is conflict" in each.reasons
        assert StatusChange.objects.get(match=match).why == "Staff recorded that it is not sure whose number it is."
        entry = about(story, NADIA, nhs_number=NHS)
        assert entry.person == entry.recorded_as

        takes_back(people.end_detail, story, doubt)
        record(story, who, "nhs_number", NHS, "verified")
        waiting.refresh_from_db()
        assert waiting.score == score
        entry = about(story, NADIA, nhs_number=NHS)
        assert entry.person != entry.recorded_as
        certain.refresh_from_db()
        assert certain.person == certain.recorded_as
        assert broken() == {}

    def test_a_number_that_ended_is_asked_and_one_in_error_is_not(self, story: Story) -> None:
        who = about(story, NADIA).person
        detail = record(story, who, "upn", UPN)
        waits = about(story, UNLIKE, upn=UPN).contact
        takes_back(people.end_detail, story, detail)
        entry = about(story, NADIA, upn=UPN)
        assert entry.person == entry.recorded_as
        reasons = {match.known: match.reasons for match in open_matches(entry.contact)}
        assert f"Same unique pupil number, {ON}; it has ended" in reasons[who]

        takes_back(people.say_in_error, story, detail)
        assert open_matches(waits) == []
        assert who not in {match.known for match in open_matches(about(story, UNLIKE, upn=UPN).contact)}

    def test_whoever_is_on_record_with_a_number_is_proposed_when_staff_record_it(self, story: Story) -> None:
        other = about(story, UNLIKE, nhs_number=NHS)
        who = about(story, NADIA).person
        assert not PersonMatch.objects.exists()
        record(story, who, "nhs_number", NHS, "not_traced")
        match = PersonMatch.objects.get()
        assert (match.record, match.person, match.status) == (who, other.person, "proposed")
        assert f"Same NHS number, {ON}; its status is not traced" in match.reasons

    def test_a_status_is_of_the_person(self, story: Story) -> None:
        """Joined, the last that was recorded of any record counts for all; told apart, each has its own again."""
        who = about(story, NADIA, nhs_number=NHS).person
        likely = about(story, NADIA, first_name="Nadine", address=address("SL7 1AA"))
        match = likely.matches.get(person=who)
        doubt = record(story, likely.person, "nhs_number", NHS, "conflict")
        confirm(story, match)
        again = about(story, NADIA, nhs_number=NHS).matches.get(person=who)
        assert again.status == "proposed"
        fields = both_records(again, person("amina"), story.now).fields
        assert "its status is conflict" in "".join(says for each in fields for says in each.says)

        record(story, who, "nhs_number", NHS, "verified")
        assert [each[2] for each in Person.objects.get(pk=doubt.person_id).other_numbers] == ["verified"]
        assert about(story, NADIA, nhs_number=NHS).matches.get(person=who).status == "certain"
        said: dict[str, Any] = {"reason": "Cousins.", "by": person("amina"), "now": story.later()}
        matches.undo(contact_id=likely.contact_id, match_id=match.pk, **said)
        assert [each[2] for each in Person.objects.get(pk=doubt.person_id).other_numbers] == ["conflict"]
        assert broken() == {}


@pytest.fixture
def twins(story: Story) -> Contact:
    """Nadia and her twin, of whom the contact that came before says that she has the number of Nadia."""
    about(story, NADIA, nhs_number=NHS, upn=UPN)
    twin = NADIA | {"first_name": "Wanda", "ref": "c2", "upn": None}
    return story.contact(children=[child(**NADIA | {"nhs_number": NHS}), child(**twin)], adults=[])


def test_a_twin_with_the_others_number_is_asked_about(story: Story, twins: Contact) -> None:
    """Nadia is joined by another number. One of the two numbers is wrong."""
    nadia, wanda = twins.children.order_by("position")
    known = nadia.matches.get(status="certain").person
    assert nadia.person == known
    assert known not in {match.known for match in open_matches(twins) if match.row == wanda}
    said = {"source": "partner", "why": "The school has it.", "children": [{"ref": "c2", "upn": UPN}]}
    corrections.learn(contact_id=twins.pk, document=said, by=person("amina"), now=story.later())

    twin = NADIA | {"first_name": "Wanda", "ref": "c2", "upn": UPN}
    again = story.contact(children=[child(**NADIA | {"nhs_number": NHS}), child(**twin)], adults=[])
    for contact in (twins, again):
        twin_on_it = contact.children.get(ref="c2")
        asked = [match for match in open_matches(contact) if match.row == twin_on_it and match.known == known]
        assert ["Same unique pupil number" in match.reasons for match in asked] == [True]
    assert broken() == {}
