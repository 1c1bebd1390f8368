"""The pages of a case: who may open them, what stands on each and on all of them."""

import pytest

from casework.models import Case, Handoff
from localities.models import Team, User
from tests.stage.pages import OVERSEERS
from tests.stage.staff import TABS_OF_A_CASE, SignedIn, looks
from tests.stage.story import Story

ON_THIS_PAGE = {"aria-label": "On this page"}
TABS = ("", *(f"{tab}/" for tab in TABS_OF_A_CASE))


@pytest.mark.parametrize("tab", TABS)
def test_whoever_may_not_see_the_family_finds_no_page_of_the_case(case: Case, tab: str) -> None:
    for name in ("carol", "amina", "adele"):
        assert SignedIn(name).open(case, tab).status == 404
    assert looks() == []


@pytest.mark.parametrize("tab", TABS)
def test_each_page_says_whose_case_it_is_and_is_audited(story: Story, tab: str) -> None:
    mother = {"first_name": "Sam", "last_name": "Ashworth", "risk_to_staff": True}
    case = story.accepted(story.contact(adults=[mother]))
    Team.objects.filter(code="aylesbury").update(telephone="01632 960 100")
    User.objects.filter(username="bea").update(telephone="01632 960 107")
    Case.objects.filter(pk=case.pk).update(lead_practitioner=User.objects.get(username="bea"))
    page = SignedIn("ben").open(case, tab)
    assert page.status == 200
    for says in (
        "Robin Ashworth (7)", "Risk to staff", "With Aylesbury team, 01632 960 100",
        "Lead practitioner: Bea Thornton, 01632 960 107", "Lead practitioner named due in",
    ):  # fmt: skip
        assert says in page.text, says
    assert looks() == [("ben", str(case))]


@pytest.mark.parametrize("name", sorted(OVERSEERS))
def test_overseers_read_every_page(case: Case, name: str) -> None:
    assert {SignedIn(name).open(case, tab).status for tab in TABS} == {200}


def test_the_chronology_tells_of_the_contact_the_decision_and_the_case(case: Case) -> None:
    text = SignedIn("ben").open(case, "chronology/").text
    for says in ("Case opened", "Decision: Family help", "Contact from", "Front door to Aylesbury team"):
        assert says in text, says


def test_the_plan_says_what_the_family_wants_and_what_is_due(story: Story) -> None:
    concern = {"worries": "Outbursts in class.", "wanted": "Help with the mornings.", "working_well": "He likes maths."}
    page = SignedIn("ben").open(story.accepted(story.contact(concern=concern)), "plan/")
    for says in ("Help with the mornings.", "He likes maths.", "Family help plan", "Nothing is recorded yet."):
        assert says in page.text, says


def test_a_person_on_several_contacts_has_one_card(story: Story) -> None:
    case = story.accepted()
    again = story.contact()
    story.decided(again)
    assert again.case == case
    page = SignedIn("ben").open(case, "people/")
    assert page.text.count("Child: Robin Ashworth") == 1
    assert f"As told in {again}" in page.text


def test_handoffs_say_who_had_the_case_and_what_became_of_each_offer(offer: Handoff) -> None:
    page = SignedIn("ben").open(offer.case, "handoffs/")
    assert "1. Front door" in page.text
    assert "Front door to Aylesbury team, offered" in page.text


@pytest.mark.parametrize(("name", "acts"), [("ben", True), ("ava", False)])
def test_the_top_of_the_overview_leads_to_its_parts(case: Case, name: str, acts: bool) -> None:
    page = SignedIn(name).open(case)
    (links,) = page.root.all("nav", **ON_THIS_PAGE)
    leads_to = [link["href"] for link in links.all("a")]
    assert leads_to == ["#story-heading", *["#work-heading"] * acts, "#who-sees-heading"]
    assert {href[1:] for href in leads_to} <= set(page.ids)
    assert not SignedIn(name).open(case, "plan/").root.all("nav", **ON_THIS_PAGE)


def test_on_offer_it_leads_to_the_offer(story: Story) -> None:
    page = SignedIn("ben").open(story.offered().case)
    (links,) = page.root.all("nav", **ON_THIS_PAGE)
    assert [link["href"] for link in links.all("a")] == ["#offer-heading", "#story-heading", "#who-sees-heading"]
    assert "offer-heading" in page.ids


def test_whoever_names_the_lead_practitioner_reads_who_it_is_now(case: Case) -> None:
    ben = SignedIn("ben")
    assert "Lead practitioner now: nobody yet" in ben.open(case).text
    Case.objects.filter(pk=case.pk).update(lead_practitioner=User.objects.get(username="bea"))
    assert "Lead practitioner now: Bea Thornton" in ben.open(case).text
    Case.objects.filter(pk=case.pk).update(lead_left_on="2026-11-20")
    assert "Lead practitioner now: nobody now" in ben.open(case).text
