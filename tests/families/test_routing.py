"""Routing: full postcode, area, locality, team; always with the reason, and nothing is ever unplaced."""

from typing import Any

import pytest
from django.db.backends.postgresql.psycopg_any import DateRange

from casework.actions import handoffs, matches
from casework.models import Case, Handoff
from casework.record import integrity
from errors import InvalidInput
from localities import reference
from localities.models import Catchment, Locality, Postcode, Team, User
from localities.working_time import local_day
from tests.stage.documents import address, child
from tests.stage.story import Story


def living_at(*postcodes: str | None, confidential: bool = False) -> dict[str, Any]:
    """A contact about children of one family, each with an address of its own."""
    children = [
        child(
            ref=f"c{n}", first_name=f"Child{n}", nhs_number=None, address=address(postcode, confidential=confidential)
        )
        for n, postcode in enumerate(postcodes)
    ]
    return {"children": children, "adults": []}


@pytest.mark.parametrize(
    ("postcode", "team"),
    [
        ("HP20 1UA", "aylesbury"),
        ("HP11 1BB", "wycombe-and-marlow"),
        ("SL9 0AA", "south-bucks"),
        ("MK18 1AA", "north-vale"),
        ("HP27 0AA", "west-vale"),
        ("HP6 5AA", "chiltern"),
    ],
)
def test_a_case_goes_to_the_team_of_the_familys_locality(story: Story, postcode: str, team: str) -> None:
    prefix = postcode.split(" ")[0]
    real = Postcode.objects.filter(pk__startswith=f"{prefix} ").order_by("pk")[0].pk
    handoff = story.offered(story.contact(**living_at(real)))
    assert handoff.to_team.code == team
    assert handoff.case.locality == handoff.to_team.locality
    assert handoff.case.route_reason == f"{real} lies in {handoff.to_team.locality} (catchment {prefix})."


def test_the_full_postcode_says_whether_it_is_ours(story: Story) -> None:
    """At most a third of SL1 is in Buckinghamshire. The rest is in Slough."""
    ours = Postcode.objects.filter(pk__startswith="SL1 ").first()
    assert ours is not None
    assert reference.current().places.place(ours.pk, local_day(story.now)).in_area
    assert not reference.current().places.place("SL1 1AA", local_day(story.now)).in_area


def test_the_longest_prefix_wins(story: Story) -> None:
    wycombe = Locality.objects.get(code="wycombe-and-marlow")
    Catchment.objects.create(locality=wycombe, prefix="HP20 1", period=DateRange(local_day(story.now)))
    assert story.offered(story.contact(**living_at("HP20 1UA"))).to_team.code == "wycombe-and-marlow"


def test_a_catchment_counts_on_its_days_only(story: Story) -> None:
    wycombe = Locality.objects.get(code="wycombe-and-marlow")
    ended = DateRange(local_day(story.now).replace(day=1), local_day(story.now))
    Catchment.objects.create(locality=wycombe, prefix="HP20 1", period=ended)
    assert story.offered(story.contact(**living_at("HP20 1UA"))).to_team.code == "aylesbury"


def test_mk1_does_not_claim_mk17(story: Story) -> None:
    Catchment.objects.filter(prefix="MK17").delete()
    real = Postcode.objects.filter(pk__startswith="MK17 ").order_by("pk")[0].pk
    assert reference.current().places.place(real, local_day(story.now)).locality is None


def test_outside_the_area_the_desk_has_it_and_a_person_names_the_council(story: Story, dan: User) -> None:
    from casework.actions import cases
    from localities.models import OtherAuthority

    contact = story.contact(**living_at("OX1 1AA"))
    assert contact.recommendation is not None
    assert contact.recommendation.pathway == "other_authority"
    handoff = story.offered(contact)
    assert handoff.to_team.code == "out-of-area"
    assert handoff.case.other_authority is None
    handoffs.accept(handoff_id=handoff.pk, by=dan, now=story.later())
    case = Case.objects.get(pk=handoff.case_id)
    with pytest.raises(InvalidInput, match="Name the other authority first"):
        story.closed(case, by="dan", outcome="other_authority")
    oxfordshire = OtherAuthority.objects.get(name="Oxfordshire")
    cases.name_other_authority(case_id=case.pk, authority_id=oxfordshire.pk, by=dan, now=story.later())
    assert story.closed(case, by="dan", outcome="other_authority").other_authority == oxfordshire
    assert not case.clocks.filter(kind__in=["lead_practitioner_named", "first_family_contact"]).exists()


class TestAPersonPicks:
    @pytest.mark.parametrize(
        ("family", "why"),
        [
            (living_at(None), "No child has a postcode"),
            (living_at("HP20 1UA", confidential=True), "An address is confidential"),
            (living_at("HP20 1UA", "HP11 1BB"), "The children live in different localities"),
        ],
    )
    def test_where_the_route_cannot_tell(self, story: Story, family: dict[str, Any], why: str) -> None:
        Postcode.objects.get_or_create(pk="HP11 1BB")
        contact = story.contact(**family)
        with pytest.raises(InvalidInput) as excinfo:
            story.decided(contact)
        assert {fault.place for fault in excinfo.value.faults} == {"team", "team_reason"}
        assert why in str(excinfo.value)
        assert not Case.objects.exists()

        chosen = story.team("chiltern")
        story.decided(contact, chosen_team_id=chosen.pk, chosen_team_reason="The grandmother lives there.")
        handoff = Handoff.objects.get(case__contacts=contact)
        assert handoff.to_team == chosen
        assert handoff.case.route_reason == "Picked by a person: The grandmother lives there."

    def test_a_team_that_takes_no_work_cannot_be_picked(self, story: Story) -> None:
        chiltern = story.team("chiltern")
        Team.objects.filter(pk=chiltern.pk).update(is_active=False)
        with pytest.raises(InvalidInput, match="No child has a postcode"):
            story.decided(
                story.contact(**living_at(None)), chosen_team_id=chiltern.pk, chosen_team_reason="They know them."
            )

    def test_a_confidential_address_neither_drives_nor_shows_the_routing(self, story: Story) -> None:
        contact = story.contact(**living_at("HP20 1UA", confidential=True))
        assert contact.recommendation is not None
        assert contact.recommendation.facts["family"]["in_area"] is None
        assert contact.children.get().person.postcode == ""
        chosen = story.team("chiltern")
        story.decided(contact, chosen_team_id=chosen.pk, chosen_team_reason="The refuge works with it.")
        assert "HP20" not in Case.objects.get(contacts=contact).route_reason

    def test_a_brother_or_sister_elsewhere_does_not_lead_to_a_child_in_hiding(self, story: Story) -> None:
        family = living_at("HP20 1UA", "HP20 1UA")
        family["children"][1]["address"]["confidential"] = True
        with pytest.raises(InvalidInput, match="An address is confidential"):
            story.decided(story.contact(**family))

    def test_nor_does_the_team_that_knew_the_family_before(self, story: Story) -> None:
        story.closed()
        story.later(days=90)
        contact = story.contact(children=[child(address=address("HP20 1UA", confidential=True))])
        with pytest.raises(InvalidInput, match="An address is confidential"):
            story.decided(contact)
        story.decided(contact, chosen_team_id=story.team("chiltern").pk, chosen_team_reason="The refuge is here.")
        case = Case.objects.get(contacts=contact)
        assert case.handoffs.get().to_team.code == "chiltern"

    def test_who_knows_better_is_heard(self, story: Story) -> None:
        contact, chiltern = story.contact(), story.team("chiltern")
        with pytest.raises(InvalidInput, match="Enter why you pick this team"):
            story.decided(contact, chosen_team_id=chiltern.pk)
        story.decided(contact, chosen_team_id=chiltern.pk, chosen_team_reason="They move to Chesham on Monday.")
        case = Case.objects.get(contacts=contact)
        assert case.handoffs.get().to_team == chiltern
        assert case.route_reason == "Picked by a person: They move to Chesham on Monday."

    def test_but_not_where_no_team_is_wanted(self, story: Story) -> None:
        with pytest.raises(InvalidInput, match="No team is picked for that"):
            story.decided(
                story.contact(), pathway="advice", level=1, rag="blue",
                chosen_team_id=story.team("chiltern").pk, chosen_team_reason="They are kind.",
            )  # fmt: skip

    def test_where_the_locality_has_no_team(self, story: Story) -> None:
        Team.objects.filter(code="aylesbury").update(is_active=False)
        with pytest.raises(InvalidInput, match="Aylesbury has no team that takes work"):
            story.decided(story.contact())


def test_a_child_with_a_postcode_stands_for_a_sibling_without(story: Story) -> None:
    assert story.offered(story.contact(**living_at("HP20 1UA", None))).to_team.code == "aylesbury"


def test_a_family_goes_back_to_the_team_that_had_it(story: Story) -> None:
    """The family moved to Chesham three months after Aylesbury's work ended. It goes back to the team that it knows."""
    story.closed()
    story.later(days=90)
    moved = Postcode.objects.filter(pk__startswith="HP5 ").order_by("pk")[0].pk
    contact = story.contact(children=[child(address=address(moved))])
    handoff = story.offered(contact)
    assert handoff.to_team.code == "aylesbury"
    assert "it goes back there" in handoff.case.route_reason
    assert handoff.case.runner_up == story.team("chiltern")


def test_but_not_after_more_than_six_months(story: Story) -> None:
    story.closed()
    story.later(days=200)
    moved = Postcode.objects.filter(pk__startswith="HP5 ").order_by("pk")[0].pk
    assert story.offered(story.contact(children=[child(address=address(moved))])).to_team.code == "chiltern"


def unlisted(prefix: str) -> str:
    """A postcode that is not in our list, such as that of a new house or of a typing slip."""
    return next(f"{prefix}{n}ZZ" for n in range(10) if not Postcode.objects.filter(pk=f"{prefix}{n}ZZ").exists())


class TestWhatNoListSays:
    """Only a postcode that is truly elsewhere is another authority's. A person settles what is not known."""

    @pytest.mark.parametrize("postcode", ["ZZ99 3VZ", "ZZ99 3WZ", "ZZ99 9ZZ", "BF1 2AA", "XX1 1XX"])
    def test_what_is_no_place_is_not_known(self, story: Story, postcode: str) -> None:
        self.not_known(story, postcode, f"{postcode} is no place: it stands for no fixed abode, the forces, abroad or")

    def test_a_new_house_in_a_sector_or_a_district_of_ours(self, story: Story) -> None:
        """HP20 is ours as a whole; of HP8 and SL8 there is one sector; of SL6, which we share, only some are ours."""
        for new, district in ((unlisted("HP20 "), "HP20"), ("HP8 9ZZ", "HP8"), ("SL8 1XX", "SL8"), ("SL1 9XX", "SL1")):
            self.not_known(story, new, f"{new} is not in our list, although {district} is ours too: it may be new")
        shared = Postcode.objects.filter(pk__startswith="SL6 ").order_by("pk")[0].pk[:-2]
        new = next(code for last in "ZYXW" if not Postcode.objects.filter(pk=(code := f"{shared}Z{last}")).exists())
        self.not_known(story, new, f"{new} is not in our list, although {shared} is ours too: it may be new, or")

    def test_a_district_that_there_is_not_is_a_slip(self, story: Story) -> None:
        self.not_known(story, "HP28 1AA", "HP28 1AA may be mistyped: nobody lives in a postcode district HP28.")

    def not_known(self, story: Story, postcode: str, why: str) -> None:
        contact = story.contact(**living_at(postcode))
        assert contact.recommendation is not None
        assert contact.recommendation.facts["family"]["in_area"] is None
        assert contact.recommendation.pathway != "other_authority"
        with pytest.raises(InvalidInput, match=f"{why}.* Pick the team, and say why") as refused:
            story.decided(contact)
        assert {fault.path for fault in refused.value.faults} == {("team",), ("team_reason",)}

    @pytest.mark.parametrize(
        "postcode", ["MK9 3XX", "SL1 1AA", "RG9 1AB", "OX1 1AA", "LU1 2AB", "LS1 4AP", "G1 1AA", "JE2 3AB"]
    )
    def test_what_is_truly_elsewhere_is_another_authoritys(self, story: Story, postcode: str) -> None:
        contact = story.contact(**living_at(postcode))
        assert contact.recommendation is not None
        assert (contact.recommendation.facts["family"]["in_area"], contact.recommendation.pathway) == (
            False, "other_authority",
        )  # fmt: skip

    def test_a_postcode_that_is_no_longer_in_use_places_an_old_address(self, story: Story) -> None:
        terminated = Postcode.objects.filter(pk__startswith="OX6 ").order_by("pk")[0].pk
        contact = story.contact(**living_at(terminated))
        assert contact.recommendation is not None
        assert contact.recommendation.facts["family"]["in_area"] is True

    def test_one_child_elsewhere_and_one_who_is_not_known_are_not_known(self, story: Story) -> None:
        contact = story.contact(**living_at("LS1 4AP", "ZZ99 3VZ"))
        assert contact.recommendation is not None
        assert contact.recommendation.facts["family"]["in_area"] is None


class TestOpenWork:
    def test_a_likeness_that_nobody_confirmed_puts_no_story_into_another_familys_record(
        self, story: Story, amina: User
    ) -> None:
        case = story.accepted()
        story.later(days=2)
        contact = story.contact(children=[child(nhs_number=None, first_name="Robyn")])
        assert contact.recommendation is not None
        assert contact.recommendation.pathway == "link_to_open_work", "until somebody says no, their history counts"
        with pytest.raises(InvalidInput, match="nobody has said yet that they are the same people"):
            story.decided(contact)
        match = contact.children.get().matches.get()
        matches.settle(contact_id=contact.pk, match_id=match.pk, same=True, by=amina, now=story.later())
        story.decided(contact)
        assert contact.case == case

    def test_a_father_of_the_same_name_does_not_either(self, story: Story) -> None:
        """A match of adults only adds to the history. Nobody confirms it."""
        father = {"first_name": "John", "last_name": "Smith", "date_of_birth": "1985-02-03", "relationship": "father"}
        story.accepted(story.contact(adults=[father]))
        story.later(days=2)
        contact = story.contact(children=[child(nhs_number=None, first_name="Zo", last_name="Haddad",
                                                date_of_birth="2010-01-02")], adults=[father])  # fmt: skip
        with pytest.raises(InvalidInput, match="nobody has said yet that they are the same people"):
            story.decided(contact, pathway="link_to_open_work")

    def test_a_contact_about_open_work_goes_to_those_who_do_it(self, story: Story) -> None:
        case = story.accepted()
        story.later(days=2)
        contact = story.contact()
        story.decided(contact)
        assert contact.case == case
        assert Case.objects.count() == 1
        assert Handoff.objects.count() == 1
        recipients = case.messages.filter(kind="contact_linked").values_list("to", flat=True)
        assert set(recipients) == {"ben@front-door.example", "bea@front-door.example"}

    def test_a_new_brother_or_sister_joins_the_case(self, story: Story) -> None:
        case = story.accepted()
        story.later(days=2)
        baby = child(ref="c2", first_name="Baby", nhs_number=None, date_of_birth="2026-10-01", indicators=[])
        story.decided(story.contact(children=[child(), baby]))
        assert {person.first_name for person in case.children.all()} == {"Robin", "Baby"}

    def test_work_that_closed_last_week_is_offered_to_the_same_team(self, story: Story) -> None:
        story.closed()
        story.later(days=7)
        contact = story.contact()
        assert contact.recommendation is not None
        assert contact.recommendation.pathway == "link_to_open_work"
        handoff = story.offered(contact)
        assert handoff.to_team.code == "aylesbury"
        assert Case.objects.count() == 2


def test_a_team_that_vanished_before_the_sign_off_leaves_the_case_with_the_front_door(story: Story) -> None:
    """The case waits at the front door, with a clock for finding a team."""
    refused = {"service": "refused", "given_by": "mother", "on": "2026-11-18"}
    contact = story.contact(agreement=refused)
    story.decided(contact, pathway="family_help", level=3, rag="green")
    Team.objects.filter(code="aylesbury").update(is_active=False)
    story.signed_off(contact)
    case = Case.objects.get(contacts=contact)
    assert not case.handoffs.exists()
    assert [spell.team.code for spell in case.responsibilities.all()] == ["front-door"]
    assert case.clocks.running().filter(kind="next_team_offered").exists()
    assert [finding for finding in integrity.check() if finding.broken] == []


def test_only_known_children_are_compared(story: Story, amina: User) -> None:
    """A possible match does not count as known, and a rejected one does not count at all."""
    story.contact(children=[child(nhs_number=None)], adults=[])
    story.later(days=3)
    contact = story.contact(children=[child(nhs_number=None, first_name="Robyn")], adults=[])
    match = contact.children.get().matches.get()
    assert match.status == "proposed"
    assert contact.recommendation is not None
    assert contact.recommendation.facts["family"]["contacts_3_months"] == 2
    matches.settle(contact_id=contact.pk, match_id=match.pk, same=False, by=amina, now=story.later())
    contact.refresh_from_db()
    assert contact.recommendation.facts["family"]["contacts_3_months"] == 1
