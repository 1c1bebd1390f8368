"""
Who knows a family already is in view before its case is offered elsewhere: the teams that work with its other
children, and whoever led earlier work with it. To offer it elsewhere all the same needs a reason.
"""

from datetime import datetime, timedelta

import pytest
from dateutil.relativedelta import relativedelta

from casework.actions import cases, decisions, handoffs
from casework.families.continuity import ties
from casework.families.household import household_of
from casework.models import Case, Handoff
from casework.record.responsibilities import current
from errors import InvalidInput
from localities.models import Membership, Role, Team, User
from localities.working_time import LONDON
from tests.conftest import THURSDAY
from tests.stage.documents import child
from tests.stage.families import KIM, about, brothers, once_together, with_team
from tests.stage.story import SharedStory, Story, person

BROTHER_IN_AYLESBURY = "Aylesbury team works with a brother or sister, or with the same child."


def offer(story: Story, case: Case, to: str, by: str, despite: str = "") -> Handoff:
    return handoffs.offer(
        case_id=case.pk, to_team_id=story.team(to).pk, reason="They live there now.", despite=despite,
        by=person(by), now=story.later(),
    )  # fmt: skip


def said(story: Story, case: Case) -> list[str]:
    return [tie.sentence for tie in ties(case, household_of(case), current(case).team, now=story.now)]


@pytest.fixture(scope="class")
def two_brothers(told_for_a_class: None) -> SharedStory:
    """Robin and Kim once stood on a contact together. Aylesbury works with Robin, and Chiltern with Kim."""
    story = Story(THURSDAY)
    return SharedStory(story, tuple(case.pk for case in brothers(story)))


@pytest.fixture(scope="class")
def led_once(told_for_a_class: None) -> SharedStory:
    story = Story(THURSDAY)
    return SharedStory(story, (led(story).pk,))


class TestABrotherOrSister:
    @pytest.fixture
    def story(self, db: None, two_brothers: SharedStory) -> Story:
        return two_brothers.story.goes_on()

    @pytest.fixture
    def brothers_case(self, db: None, two_brothers: SharedStory) -> Case:
        return Case.objects.get(pk=two_brothers.about[0])

    @pytest.fixture
    def case(self, db: None, two_brothers: SharedStory) -> Case:
        return Case.objects.get(pk=two_brothers.about[1])

    def test_who_works_with_them_is_known(self, story: Story, case: Case, brothers_case: Case) -> None:
        assert said(story, case) == [BROTHER_IN_AYLESBURY]
        assert said(story, brothers_case) == [BROTHER_IN_AYLESBURY.replace("Aylesbury", "Chiltern")]

    def test_nobody_is_named_and_no_case(self, story: Story, case: Case, brothers_case: Case) -> None:
        """The reader of the sentence may not see the other case."""
        says = " ".join(said(story, case))
        assert str(brothers_case) not in says
        assert "Ashworth" not in says
        assert "Robin" not in says

    def test_elsewhere_needs_a_reason(self, story: Story, case: Case) -> None:
        with pytest.raises(InvalidInput, match=f"{BROTHER_IN_AYLESBURY} Offer it there, or say why not.") as caught:
            offer(story, case, "wycombe-and-marlow", "chris")
        assert [fault.path for fault in caught.value.faults] == [("despite",)]
        assert case.handoffs.count() == 1

    def test_which_is_kept(self, story: Story, case: Case) -> None:
        handoff = offer(story, case, "wycombe-and-marlow", "chris", despite=" The father works there. ")
        assert handoff.despite == "The father works there."

    def test_a_blank_one_is_none(self, story: Story, case: Case) -> None:
        with pytest.raises(InvalidInput, match="or say why not"):
            offer(story, case, "wycombe-and-marlow", "chris", despite=" \n")

    def test_to_those_who_know_the_family_it_just_goes(self, story: Story, case: Case) -> None:
        handoff = offer(story, case, "aylesbury", "chris", despite="To be safe.")
        assert handoff.despite == "", "nobody asked for it"

    def test_once_their_work_has_ended_they_are_not_asked(self, story: Story, case: Case, brothers_case: Case) -> None:
        story.closed(brothers_case, by="ben")
        assert said(story, case) == []
        assert offer(story, case, "wycombe-and-marlow", "chris").despite == ""

    def test_where_one_team_has_both_nobody_else_knows_them(
        self, story: Story, case: Case, brothers_case: Case
    ) -> None:
        handoff = offer(story, case, "aylesbury", "chris")
        handoffs.accept(handoff_id=handoff.pk, by=person("ben"), now=story.later())
        assert said(story, case) == said(story, brothers_case) == []

    def test_that_the_front_door_waits_for_a_team_for_them_says_nothing(
        self, story: Story, case: Case, brothers_case: Case
    ) -> None:
        """The front door knows every family, so a tie to it has no meaning."""
        handoff = offer(story, brothers_case, "front-door", "ben", despite="Nobody there has time.")
        handoffs.accept(handoff_id=handoff.pk, by=person("amina"), now=story.later())
        assert said(story, case) == []

    def test_strangers_are_none(self, story: Story, case: Case) -> None:
        other = child(first_name="Noor", last_name="Haddad", date_of_birth="2012-05-16", nhs_number=None)
        alone = with_team(story, about(story, other), "south-bucks", "sofia")
        assert said(story, alone) == []


def led(story: Story, by: str = "bea") -> Case:
    """Work of Aylesbury with Robin, which this person led and which has ended."""
    case = with_team(story, about(story, child()), "aylesbury", "ben")
    cases.name_lead(case_id=case.pk, lead_id=person(by).pk, by=person("ben"), now=story.later())
    return story.closed(case, by="ben")


LED = "Bea Thornton of Chiltern team led the work with this family, until 19 November 2026."


def moves(user: str, to: str) -> None:
    Membership.objects.filter(user__username=user).update(team=Team.objects.get(code=to))


class TestWhoLedEarlierWork:
    """Somebody who led earlier work knows the family, so that it need not tell its story again."""

    @pytest.fixture
    def story(self, db: None, led_once: SharedStory) -> Story:
        return led_once.story.goes_on()

    @pytest.fixture
    def earlier(self, db: None, led_once: SharedStory) -> Case:
        return Case.objects.get(pk=led_once.about[0])

    def test_works_in_another_team_today(self, story: Story) -> None:
        moves("bea", "chiltern")
        story.now += timedelta(days=60)
        case = with_team(story, about(story, child()), "aylesbury", "ben")
        assert said(story, case) == [LED]
        with pytest.raises(InvalidInput, match=f"{LED} Offer it there, or say why not."):
            offer(story, case, "wycombe-and-marlow", "ben")
        assert offer(story, case, "chiltern", "ben").despite == ""

    def test_in_the_team_that_has_it_is_here_already(self, story: Story) -> None:
        story.now += timedelta(days=60)
        case = with_team(story, about(story, child()), "aylesbury", "ben")
        assert said(story, case) == []
        assert offer(story, case, "wycombe-and-marlow", "ben").despite == ""

    @pytest.mark.parametrize("gone", ["left", "post ended", "not yet there", "team takes no work", "front door"])
    def test_and_cannot_be_asked_today(self, story: Story, gone: str) -> None:
        moves("bea", "front-door" if gone == "front door" else "chiltern")
        story.now += timedelta(days=60)
        match gone:
            case "left":
                User.objects.filter(username="bea").update(is_active=False)
            case "post ended":
                Membership.objects.filter(user__username="bea").update(ends_on=story.now.date() - timedelta(days=1))
            case "not yet there":
                Membership.objects.filter(user__username="bea").update(starts_on=story.now.date() + timedelta(days=1))
            case "team takes no work":
                Team.objects.filter(code="chiltern").update(is_active=False)
        assert said(story, with_team(story, about(story, child()), "aylesbury", "ben")) == []

    @pytest.mark.parametrize(("seconds", "known"), [(-1, True), (0, True), (1, False)])
    def test_two_years_back_and_no_further(self, story: Story, earlier: Case, seconds: int, known: bool) -> None:
        moves("bea", "chiltern")
        assert earlier.closed_at is not None
        story.now += timedelta(days=700)
        case = with_team(story, about(story, child()), "aylesbury", "ben")
        now = earlier.closed_at + relativedelta(years=2) + timedelta(seconds=seconds)
        assert bool(ties(case, household_of(case), current(case).team, now=now)) is known

    def test_twice_the_last_time_is_named(self, story: Story) -> None:
        story.now = datetime(2027, 3, 1, 10, 0, tzinfo=LONDON)
        led(story)
        moves("bea", "chiltern")
        story.now += timedelta(days=60)
        case = with_team(story, about(story, child()), "aylesbury", "ben")
        assert said(story, case) == [LED.replace("19 November 2026", "1 March 2027")]

    def test_in_two_teams_can_be_asked_in_both(self, story: Story) -> None:
        moves("bea", "chiltern")
        Membership.objects.create(user=person("bea"), team=story.team("south-bucks"), role=Role.TEAM_MEMBER)
        story.now += timedelta(days=60)
        case = with_team(story, about(story, child()), "aylesbury", "ben")
        assert said(story, case) == [LED, LED.replace("Chiltern", "South Bucks")]
        assert offer(story, case, "south-bucks", "ben").despite == ""


class TestEarlierWorkOfAnotherStory:
    def test_of_a_brother_as_well(self, story: Story) -> None:
        once_together(story)
        led(story)
        moves("bea", "chiltern")
        story.now += timedelta(days=60)
        assert said(story, with_team(story, about(story, child(**KIM)), "aylesbury", "ben")) == [LED]

    def test_of_work_that_goes_on_is_not_earlier(self, story: Story) -> None:
        """The responsible team counts, whoever leads the work."""
        once_together(story)
        brothers_case = with_team(story, about(story, child()), "aylesbury", "ben")
        cases.name_lead(case_id=brothers_case.pk, lead_id=person("bea").pk, by=person("ben"), now=story.later())
        moves("bea", "south-bucks")
        assert said(story, with_team(story, about(story, child(**KIM)), "chiltern", "chris")) == [BROTHER_IN_AYLESBURY]

    def test_its_end_is_told_by_the_day_that_it_was_here(self, story: Story) -> None:
        """In summer, half past midnight local time is still the day before in UTC."""
        story.now = datetime(2026, 6, 10, 21, 30, tzinfo=LONDON)
        agreed = {"service": "given", "given_by": "mother", "on": "2026-06-09"}
        contact = story.contact(agreement=agreed, adults=[])
        case = with_team(story, contact, "aylesbury", "ben")
        cases.name_lead(case_id=case.pk, lead_id=person("bea").pk, by=person("ben"), now=story.now)
        ended = story.closed(case, by="ben")
        assert ended.closed_at == datetime(2026, 6, 11, 0, 30, tzinfo=LONDON)
        moves("bea", "chiltern")
        story.now = datetime(2026, 11, 19, 10, 0, tzinfo=LONDON)
        again = with_team(story, about(story, child()), "aylesbury", "ben")
        assert said(story, again) == [LED.replace("19 November 2026", "11 June 2026")]


def test_a_decision_is_not_questioned(story: Story) -> None:
    """Whoever decides sees the household's history, and says why they pick another team."""
    once_together(story)
    with_team(story, about(story, child()), "aylesbury", "ben")
    contact = about(story, child(**KIM))
    assert contact.recommendation is not None
    decisions.decide(
        contact_id=contact.pk, recommendation_id=contact.recommendation.pk, pathway="family_help", level=3,
        rag="green", rationale="Kim lives with his father.",
        history="So it was before, too.", chosen_team_id=story.team("chiltern").pk,
        chosen_team_reason="The father lives there.", by=person("amina"), now=story.later(),
    )  # fmt: skip
    handoff = Handoff.objects.get(case__contacts=contact)
    assert (handoff.to_team.code, handoff.despite) == ("chiltern", "The father lives there.")
