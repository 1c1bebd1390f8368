"""
Offering a case, on a page of its own: what whoever offers it is told first, what is asked of them from the third time
on and where somebody knows the family, and who may offer it then.
"""

from typing import Any

import pytest

from casework.models import Case, Handoff
from tests.stage.families import brothers, passed
from tests.stage.staff import SignedIn, is_done, is_refused, is_wrong, path_of
from tests.stage.story import Story
from tests.stage.web_client import Page, a_working_morning

ONCE_MORE = "Why is it right for the children to change hands once more?"
WHY_NOT_THEM = "If it does not go to those who know the family: why not?"
A_BROTHER = "Chiltern team works with a brother or sister, or with the same child."
LATELY = "had this case in the last 30 days. If you offer it back, the family is passed to and fro."
TWICE = "This family has changed hands twice or more. Each time it begins again with somebody it does not know."
SAY_WHY = "The family has changed hands twice. Say why once more is right for the children."


@pytest.fixture(scope="class")
def told_case(told_for_a_class: None) -> int:
    return Story(a_working_morning()).accepted().pk


@pytest.fixture(scope="class")
def told_twice(told_for_a_class: None) -> int:
    story = Story(a_working_morning())
    case = story.accepted()
    passed(story, case, "chiltern", by="ben", accepts="chris")
    return case.pk


@pytest.fixture(scope="class")
def told_brothers(told_for_a_class: None) -> int:
    return brothers(Story(a_working_morning()))[0].pk


@pytest.fixture
def case(told_case: int, db: None) -> Case:
    """A case that Aylesbury is responsible for, as the first team after the front door."""
    return Case.objects.get(pk=told_case)


@pytest.fixture
def twice(told_twice: int, db: None) -> Case:
    """A case that was passed on twice. Chiltern is responsible for it."""
    return Case.objects.get(pk=told_twice)


@pytest.fixture
def brothers_case(told_brothers: int, db: None) -> Case:
    """Robin's case, which Aylesbury is responsible for. Chiltern works with his brother Kim."""
    return Case.objects.get(pk=told_brothers)


def sent(story: Story, to: str, **more: str) -> dict[str, Any]:
    said = {f"offer-{name}": value for name, value in more.items()}
    return {"offer-to_team": story.team(to).pk, "offer-reason": "They moved."} | said


def warnings(page: Page) -> list[str]:
    """The warnings above the form that offers the case."""
    return [text.text.removeprefix("Warning") for text in page.main.all(class_="govuk-warning-text__text")]


def labels(page: Page) -> set[str]:
    return {label.text for label in page.main.all("label")}


def offered(case: Case) -> Handoff:
    return case.handoffs.get(status="offered")


class TestTheFirstTimes:
    def test_nothing_more_is_asked_but_who_had_it_lately_is_said(self, story: Story, case: Case) -> None:
        page = SignedIn("ben").open(case, "offer/")
        assert warnings(page) == [f"Front door {LATELY}"]
        assert labels(page).isdisjoint({ONCE_MORE, WHY_NOT_THEM})
        is_done(SignedIn("bea").send(case, "offer", **sent(story, "chiltern")), case)
        assert (offered(case).lead_reason, offered(case).despite, offered(case).is_bounce) == ("", "", False)

    def test_whoever_is_asked_reads_that_it_comes_back(self, story: Story, case: Case) -> None:
        is_done(SignedIn("ben").send(case, "offer", **sent(story, "front-door")), case)
        assert "Front door had it less than 30 days before." in SignedIn("amina").open(case).text
        (row,) = [row for row in SignedIn("amina").open("/").main.all("tr") if str(case) in row.text]
        assert "Back within 30 days" in row.text

    def test_what_was_withdrawn_does_not_count(self, story: Story, case: Case) -> None:
        for _ in range(3):
            is_done(SignedIn("ben").send(case, "offer", **sent(story, "chiltern")), case)
            answer = SignedIn("ben").send(case, "withdraw", **{"withdraw-reason": "They stay."})
            is_done(answer, case)
        assert ONCE_MORE not in labels(SignedIn("ben").open(case, "offer/"))


class TestTheThirdTime:
    def test_it_is_questioned_before_it_is_made(self, story: Story, twice: Case) -> None:
        page = SignedIn("chris").open(twice, "offer/")
        assert TWICE in warnings(page)
        lately = f"Aylesbury team and Front door {LATELY}"
        assert lately in warnings(page)
        assert ONCE_MORE in labels(page)

    def test_it_needs_its_leads_reason(self, story: Story, twice: Case) -> None:
        chris = SignedIn("chris")
        page = is_wrong(chris.send(twice, "offer", **sent(story, "south-bucks")), {"id_offer-lead_reason": SAY_WHY})
        form = page.form(f"{path_of(twice)}offer/")
        assert form["offer-to_team"] == str(story.team("south-bucks").pk), "what was chosen is not lost"
        assert form["offer-reason"] == "They moved."
        assert TWICE in warnings(page), "and it is still questioned"
        why = "Their aunt there takes them in for good."
        is_done(chris.send(twice, "offer", **sent(story, "south-bucks", lead_reason=why)), twice)
        assert (offered(twice).ordinal, offered(twice).lead_reason) == (3, why)
        page = SignedIn("sofia").open(twice)
        assert "handoff 3 of this case" in page.text
        assert f"Why once more: {why}" in page.text

    def test_everything_that_is_missing_is_said_at_once(self, twice: Case) -> None:
        is_wrong(
            SignedIn("chris").send(twice, "offer"),
            {
                "id_offer-to_team": "Select a team that takes work",
                "id_offer-reason": "Enter why the case should go to this team",
                "id_offer-lead_reason": SAY_WHY,
            },
        )

    def test_or_a_service_manager(self, story: Story, twice: Case) -> None:
        page = SignedIn("sam").open(twice, "offer/")
        assert TWICE in warnings(page)
        is_done(
            SignedIn("sam").send(twice, "offer", **sent(story, "south-bucks", lead_reason="Nobody is left.")), twice
        )
        is_done(SignedIn("sam").send(twice, "withdraw", **{"withdraw-reason": "They stay after all."}), twice)


class TestWhoMakesIt:
    def test_only_whoever_leads_the_team_makes_it(self, story: Story) -> None:
        case = story.accepted()
        passed(story, case, "chiltern", by="ben", accepts="chris")
        passed(story, case, "aylesbury", by="chris", accepts="ben", lead_reason="Home again.")
        page = SignedIn("bea").open(case)
        assert f"{path_of(case)}offer/" not in page.html
        assert "Whoever leads your team can offer it once more, and says why." in page.text
        says = f"{case} changed hands twice already. Whoever leads your team offers it once more, and says why."
        answer = SignedIn("bea").post(case, "offer", **sent(story, "south-bucks", lead_reason="They asked."))
        is_refused(answer, 403, says)
        is_refused(SignedIn("bea").client.get(f"{path_of(case)}offer/"), 403, says)
        assert "Whoever leads your team" not in SignedIn("ben").open(case).text
        is_done(SignedIn("ben").send(case, "offer", **sent(story, "south-bucks", lead_reason="They asked.")), case)


class TestWhoKnowsTheFamily:
    def test_is_said_before_it_is_offered(self, brothers_case: Case) -> None:
        page = SignedIn("ben").open(brothers_case, "offer/")
        assert warnings(page)[0] == A_BROTHER
        assert WHY_NOT_THEM in labels(page)

    def test_elsewhere_needs_a_reason(self, story: Story, brothers_case: Case) -> None:
        ben, says = SignedIn("ben"), f"{A_BROTHER} Offer it there, or say why not."
        page = is_wrong(ben.send(brothers_case, "offer", **sent(story, "south-bucks")), {"id_offer-despite": says})
        assert page.form(f"{path_of(brothers_case)}offer/")["offer-reason"] == "They moved.", (
            "what was typed is not lost"
        )
        assert not brothers_case.handoffs.filter(status="offered").exists()
        why = "Kim lives with another family."
        is_done(ben.send(brothers_case, "offer", **sent(story, "south-bucks", despite=why)), brothers_case)
        assert offered(brothers_case).despite == why
        says = f"Why not to those who know the family: {why}"
        for tab in ("", "handoffs/"):
            assert SignedIn("sofia").open(brothers_case, tab).text.count(says) == 1, "with the offer, and in its story"

    def test_to_them_it_just_goes(self, story: Story, brothers_case: Case) -> None:
        is_done(SignedIn("ben").send(brothers_case, "offer", **sent(story, "chiltern")), brothers_case)
        assert offered(brothers_case).despite == ""

    def test_the_brothers_case_is_not_named(self, brothers_case: Case) -> None:
        """The user who offers the case may not see the other one."""
        other = Case.objects.exclude(pk=brothers_case.pk).get()
        html = SignedIn("ben").open(brothers_case, "offer/").html
        assert str(other) not in html
        assert "Kim" not in html.replace("Kim Ashworth", "")
