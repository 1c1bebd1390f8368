"""Screening on pages: what stands where the decision would, the form, and what each side said."""

from typing import Any

import pytest

from casework.models import Contact
from tests.stage.documents import child
from tests.stage.sql import asked, within
from tests.stage.staff import SignedIn, is_done, is_refused, is_wrong, looks, path_of
from tests.stage.story import Story
from triage.ruleset import shipped

BARE: dict[str, Any] = {"family_indicators": [], "domestic_abuse": {}, "referrer_level": None, "adults": []}
KIM = child(ref="c2", first_name="Kim", date_of_birth="2015-08-21", nhs_number=None, indicators=[])
NONE = {"screening-none_applies": "on"}
# With what was learned since, and the hidden addresses that people's words may have in them.
# How often the page waits for the database, and how many statements that are.
WAITS, STATEMENTS = 11, 16


@pytest.fixture
def contact(story: Story) -> Contact:
    """A contact about Robin and Kim without any indicator."""
    return story.contact(**BARE, children=[child(indicators=[]), KIM])


def field(contact: Contact, position: int) -> str:
    return f"screening-child_{contact.children.get(position=position).pk}"


def says(code: str) -> str:
    return f"{shipped().catalogue.entries[code].says} ({code})"


class TestThePage:
    def test_shows_the_concern_and_the_child_s_words_and_nothing_else_of_the_contact(self, story: Story) -> None:
        concern = {"worries": "He comes to school hungry.", "childs_words": "My tummy hurts.", "wanted": "Breakfast."}
        contact = story.contact(**BARE, children=[child(indicators=[])], concern=concern)
        page = SignedIn("oliver").open(contact, "screening/")
        for words in (concern["worries"], concern["childs_words"], "Robin Ashworth"):
            assert words in page.text
        for words in (concern["wanted"], "Date of birth", "HP20", "Basis for sharing", "Agreement to a service"):
            assert words not in page.text
        assert path_of(contact) in [link["href"] for link in page.main.all("a", class_="govuk-link")]


class TestWhereTheDecisionWouldStand:
    def test_the_form_stands_and_nobody_can_decide(self, contact: Contact) -> None:
        for name in ("oliver", "amina", "maya"):
            page = SignedIn(name).open(contact)
            assert "Nothing can be decided until somebody has read what we were told" in page.text
            assert path_of(contact) + "screening/" in page.actions
            assert path_of(contact) + "decide/" not in {link["href"] for link in page.root.all("a")}
            assert "Where it would go" not in page.text, "the pathway is not known yet"
        assert "held for screening" in page.text
        # Whoever opens the page for a decision all the same is led to the screening.
        page = SignedIn("maya").open(contact, "decide/")
        assert path_of(contact) + "screening/" in {link["href"] for link in page.root.all("a")}
        assert path_of(contact) + "decide/" not in page.actions
        is_done(SignedIn("oliver").send(contact, "screening", **NONE), contact)
        assert "Where it would go" in SignedIn("amina").open(contact).text

    def test_what_is_sent_to_the_address_all_the_same_is_refused(self, contact: Contact) -> None:
        sent = {"decide-recommendation": contact.recommendation_id, "decide-pathway": "strategy_discussion",
                "decide-level": "4", "decide-rag": "red", "decide-rationale": "I know enough."}  # fmt: skip
        is_refused(SignedIn("maya").post(contact, "decide", **sent), 409, f"Nobody has screened {contact} yet.")

    def test_overseers_read_that_it_waits_and_have_no_form(self, contact: Contact) -> None:
        page = SignedIn("ava").open(contact)
        assert "held for screening" in page.text
        assert page.actions == set()

    def test_the_worklist_says_what_waits_for_it(self, story: Story, contact: Contact) -> None:
        assert "To be screened: no indicators selected" in SignedIn("oliver").open("/").text
        is_done(SignedIn("oliver").send(contact, "screening", **NONE), contact)
        assert "To be screened" not in SignedIn("oliver").open("/").text

    def test_one_with_indicators_is_screened_on_a_page_of_its_own(self, story: Story) -> None:
        contact = story.contact(**BARE, children=[child(indicators=["L2-01"])])
        page = SignedIn("oliver").open(contact)
        assert path_of(contact) + "screening/" not in page.actions
        assert path_of(contact) + "screening/" in {link["href"] for link in page.root.all("a")}
        is_done(SignedIn("oliver").post(contact, "screening", **{
            **SignedIn("oliver").open(contact, "screening/").form(path_of(contact) + "screening/"),
            field(contact, 0): ["L3-12"],
        }), contact)  # fmt: skip
        contact.refresh_from_db()
        assert contact.recommendation is not None
        assert contact.recommendation.level == 3


class TestTheForm:
    def test_each_child_has_a_group_by_name_and_the_family_one(self, contact: Contact) -> None:
        page = SignedIn("oliver").open(contact, "screening/")
        assert page.status == 200
        groups = [legend.text for legend in page.root.all("legend")]
        assert groups == ["Robin Ashworth", "Kim Ashworth", "The family as a whole"]
        codes = {box["value"] for box in page.root.all("input", name=field(contact, 0))}
        assert codes == set(shipped().catalogue.entries)
        assert "What we were told" in page.text

    def test_two_children_of_one_name_are_told_apart(self, story: Story) -> None:
        unborn = {"expected_date_of_delivery": story.now.date().isoformat()}
        twins = story.contact(**BARE, children=[{"ref": ref, **unborn} for ref in ("a", "b")])
        groups = [legend.text for legend in SignedIn("oliver").open(twins, "screening/").root.all("legend")]
        assert groups[:2] == ["Unborn child (child 1)", "Unborn child (child 2)"]

    def test_what_is_selected_is_saved_for_each(self, contact: Contact) -> None:
        oliver = SignedIn("oliver")
        selected = {field(contact, 1): ["L3-12", "L2-01"], "screening-family": ["L3-36"]}
        is_done(oliver.send(contact, "screening", **selected), contact)
        page = oliver.open(contact)
        assert "Saved. The recommendation has been updated." in page.text
        assert f"Selected at screening{says('L3-12')} {says('L2-01')}" in page.text
        assert f"Selected at screening{says('L3-36')}" in page.text
        assert "ScreenedBy Oliver" in page.text

    def test_who_screens_again_begins_with_what_the_front_door_said(self, contact: Contact) -> None:
        oliver = SignedIn("oliver")
        is_done(oliver.send(contact, "screening", **{field(contact, 0): ["L3-12"]}), contact)
        again = oliver.open(contact, "screening/").form(path_of(contact) + "screening/")
        assert again[field(contact, 0)] == "L3-12"

    def test_that_none_applies_is_said_on_the_contact(self, contact: Contact) -> None:
        is_done(SignedIn("oliver").send(contact, "screening", **NONE), contact)
        assert "no indicator applies" in SignedIn("ava").open(contact).text

    def test_what_the_referrer_selected_stands_beside_it_and_stays(self, story: Story) -> None:
        contact = story.contact(**BARE, children=[child(indicators=["L3-12"])])
        oliver = SignedIn("oliver")
        assert f"The referrer selected, and it counts: {says('L3-12')}." in oliver.open(contact, "screening/").text
        is_done(
            oliver.post(contact, "screening", **NONE, **{"screening-recommendation": contact.recommendation_id}),
            contact,
        )
        page = oliver.open(contact)
        assert f"What was said{says('L3-12')}" in page.text
        assert "Selected at screening" not in page.text

    def test_silence_is_refused_at_the_box(self, contact: Contact) -> None:
        wrong = {"id_screening-none_applies": "Select the indicators that apply, or say that none of them does"}
        is_wrong(SignedIn("oliver").send(contact, "screening"), wrong)

    def test_both_are_refused_and_what_was_selected_is_kept(self, contact: Contact) -> None:
        says_both = NONE | {field(contact, 0): ["L3-12"]}
        page = is_wrong(
            SignedIn("oliver").send(contact, "screening", **says_both),
            {"id_screening-none_applies":
             "You selected indicators. Take them away, or do not say that none applies."},
        )  # fmt: skip
        assert page.form(path_of(contact) + "screening/")[field(contact, 0)] == "L3-12"

    def test_a_code_that_there_is_not_is_refused_at_its_child(self, contact: Contact) -> None:
        wrong = {f"id_{field(contact, 1)}": "There is no indicator L9-99."}
        is_wrong(SignedIn("oliver").send(contact, "screening", **{field(contact, 1): ["L9-99"]}), wrong)

    @pytest.mark.parametrize("seen", ["1", "", "x"])
    def test_a_page_that_was_overtaken_is_refused(self, contact: Contact, seen: str) -> None:
        sent = NONE | {"screening-recommendation": seen}
        answer = SignedIn("oliver").post(contact, "screening", **sent)
        assert answer.status_code in (409, 422)
        contact.refresh_from_db()
        assert contact.screened_at is None


class TestWhoOpensIt:
    @pytest.mark.parametrize(("name", "status"), [("ben", 404), ("carol", 404), ("adele", 404), ("ava", 403)])
    def test_nobody_but_the_front_door(self, contact: Contact, name: str, status: int) -> None:
        signed_in = SignedIn(name)
        assert signed_in.open(contact, "screening/").status == status
        assert signed_in.post(contact, "screening", **NONE).status_code == status
        contact.refresh_from_db()
        assert contact.screened_at is None
        assert looks() == []

    def test_not_once_it_is_decided(self, story: Story) -> None:
        contact = story.contact()
        story.decided(contact)
        signed_in = SignedIn("oliver")
        is_refused(signed_in.client.get(path_of(contact) + "screening/"), 409, f"{contact} is decided already.")
        is_refused(signed_in.post(contact, "screening", **NONE), 409, f"{contact} is decided already.")

    def test_a_look_at_it_leaves_its_trace(self, contact: Contact) -> None:
        SignedIn("oliver").open(contact, "screening/")
        assert looks() == [("oliver", str(contact))]

    def test_what_it_costs_does_not_follow_the_children(self, story: Story, contact: Contact) -> None:
        children = [child(ref=f"c{n}", first_name=f"Child {n}", nhs_number=None, indicators=[]) for n in range(6)]
        many = story.contact(**BARE, children=children)
        costs = []
        for of in (contact, many):
            with asked() as cost:
                assert SignedIn("oliver").open(of, "screening/").status == 200
            costs.append((cost.round_trips, cost.statements))
        assert costs[0] == costs[1]
        assert within(costs[0][0], WAITS)
        assert within(costs[0][1], STATEMENTS)
