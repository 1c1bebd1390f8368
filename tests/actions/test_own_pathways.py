"""A rule set with pathways of its own: every action reads what they are from the rule set."""

from datetime import date
from typing import Any

import pytest

from casework.actions import handoffs, learning
from casework.families.household import household, is_ours, last_case
from casework.models import Case, Contact
from errors import InvalidInput
from tests.conftest import THURSDAY
from tests.stage.documents import child
from tests.stage.drafts import Drafts
from tests.stage.rule_documents import Json, having
from tests.stage.story import Story, person

# What a document says of a pathway, beside its title. Nothing in the code knows these names.
OWN: dict[str, Json] = {
    "parenting_group": {"team": "locality", "work": "early_help", "voluntary": True},
    "court_work": {"team": "child_protection", "work": "social_care", "gravest": True},
    "young_carers": {"team": "locality", "work": "neither"},
    "next_council": {"team": "out_of_area", "work": "other_authority"},
}
TITLES = {name: name.replace("_", " ").capitalize() for name in OWN}


def with_own_pathways(document: Json) -> Json:
    pathways = [{"id": name, "title": TITLES[name], **said} for name, said in OWN.items()]
    also_on = {
        "family_help_plan": "parenting_group", "strategy_discussion": "court_work",
        "lead_practitioner_named": "next_council", "first_family_contact": "next_council",
    }  # fmt: skip
    clocks = []
    for clock in document["clocks"]:
        ((kind, names),) = [(kind, names) for kind, names in clock.items() if kind != "id"]
        more = [also_on[clock["id"]]] if clock["id"] in also_on else []
        clocks.append(clock | {kind: [*names, *more]})
    return document | {"pathways": [*document["pathways"], *pathways], "clocks": clocks}


@pytest.fixture(scope="class")
def own_once(told_for_a_class: None) -> Story:
    drafts = Drafts(Story(THURSDAY))
    draft = drafts.copied()
    drafts.published(drafts.changed(draft, with_own_pathways(draft.document), by="sam"))
    drafts.story.later(days=1)
    return drafts.story


@pytest.fixture
def own(own_once: Story) -> Story:
    """The story, once a rule set with pathways of its own is live, which a service manager has approved."""
    return own_once.goes_on()


def stranger(name: str) -> dict[str, Any]:
    born = "2013-05-16" if name == "Noor" else "2014-02-03"
    return {
        "children": [child(first_name=name, last_name="Haddad", nhs_number=None, date_of_birth=born)],
        "adults": [], "agreement": {"service": "given"},
    }  # fmt: skip


def opened(story: Story, pathway: str, level: int = 3, rag: str = "green", **who: Any) -> Case:
    contact = story.contact(**(stranger("Noor") | who))
    story.decided(contact, by="maya", pathway=pathway, level=level, rag=rag)
    if contact.case is None:
        story.signed_off(contact, by="sam")
    contact.refresh_from_db()
    assert contact.case is not None
    return contact.case


def facts_of_next(story: Story) -> dict[str, Any]:
    """The facts of the family on a second contact."""
    story.later(days=1)
    contact = story.contact(**stranger("Noor"))
    assert contact.recommendation is not None
    family: dict[str, Any] = contact.recommendation.facts["family"]
    return family


def running(case: Case) -> set[str]:
    return set(case.clocks.running().values_list("kind", flat=True))


def accepted(story: Story, case: Case, by: str = "ben") -> Case:
    handoffs.accept(handoff_id=case.handoffs.get().pk, by=person(by), now=story.later())
    return case


class TestAVoluntaryPathway:
    def test_a_decision_before_the_family_was_asked_is_refused(self, own: Story) -> None:
        contact = own.contact(**(stranger("Noor") | {"agreement": {"service": "not_sought"}}))
        said: dict[str, Any] = {"pathway": "parenting_group", "level": 3, "rag": "green"}
        with pytest.raises(InvalidInput, match="The family has not answered yet"):
            own.decided(contact, **said)
        learning.record_agreement(
            contact_id=contact.pk, service="given", given_by="mother", on=date(2026, 11, 19), by=person("oliver"),
            now=own.later(),
        )  # fmt: skip
        assert own.decided(contact, **said).needs_sign_off is False

    def test_other_pathways_need_no_agreement(self, own: Story) -> None:
        contact = own.contact(**(stranger("Noor") | {"agreement": {"service": "not_sought"}}))
        own.decided(contact, pathway="young_carers", level=3, rag="green")
        assert contact.case is not None


class TestTheGravestPathway:
    @pytest.mark.parametrize(("level", "rag"), [(4, "amber"), (3, "red")])
    def test_another_level_or_rating_is_refused(self, own: Story, level: int, rag: str) -> None:
        contact = own.contact(**stranger("Noor"))
        with pytest.raises(InvalidInput, match="Court work is at level 4 and red"):
            own.decided(contact, pathway="court_work", level=level, rag=rag)
        own.decided(contact, pathway="court_work", level=4, rag="red")
        assert contact.case is not None


class TestOpenWork:
    @pytest.mark.parametrize(
        ("pathway", "level", "rag", "open_work"),
        [
            ("parenting_group", 3, "green", "early_help"),
            ("court_work", 4, "red", "social_care"),
            ("young_carers", 3, "green", "early_help"),
            ("next_council", 3, "green", None),
        ],
    )
    def test_open_work_is_the_kind_that_its_pathway_says(
        self, own: Story, pathway: str, level: int, rag: str, open_work: str | None
    ) -> None:
        opened(own, pathway, level=level, rag=rag)
        assert facts_of_next(own)["open_work"] == open_work

    @pytest.mark.parametrize(("pathway", "is_early_help"), [("parenting_group", True), ("young_carers", False)])
    def test_only_early_help_counts_as_closed_without_progress(
        self, own: Story, pathway: str, is_early_help: bool
    ) -> None:
        case = accepted(own, opened(own, pathway))
        own.closed(case, outcome="no_progress")
        facts = facts_of_next(own)
        assert facts["early_help_closed_without_progress_12_months"] is is_early_help
        assert facts["closed_days_ago"] == 1

    def test_cases_of_another_authority_cannot_be_linked(self, own: Story) -> None:
        case = opened(own, "next_council")
        contact = Contact.objects.get(case=case)
        assert last_case(household(contact), contact) is None


class TestClocks:
    def test_a_case_has_the_clocks_of_its_pathway(self, own: Story) -> None:
        plan = accepted(own, opened(own, "parenting_group"))
        assert running(plan) == {"lead_practitioner_named", "first_family_contact", "family_help_plan"}
        plain = accepted(own, opened(own, "young_carers", **stranger("Samira")))
        assert running(plain) == {"lead_practitioner_named", "first_family_contact"}

    def test_clocks_of_the_gravest_pathway_run_from_the_decision(self, own: Story) -> None:
        case = opened(own, "court_work", level=4, rag="red")
        assert "strategy_discussion" in running(case)
        assert "social_work_assessment" not in running(case)

    def test_a_case_of_another_authority_has_no_clocks_for_a_practitioner(self, own: Story) -> None:
        case = accepted(own, opened(own, "next_council"), "dan")
        assert not running(case)


@pytest.fixture(scope="class")
def before_once(told_for_a_class: None) -> tuple[Story, int]:
    """A case is on offer when the next version comes, in which family help is social care and has no plan."""
    drafts = Drafts(Story(THURSDAY))
    case = opened(drafts.story, "family_help")
    draft = drafts.copied()
    document = having(draft.document, "pathways", "family_help", work="social_care")
    document = having(document, "clocks", "family_help_plan", only_on=[])
    drafts.published(drafts.changed(draft, document, by="sam"))
    return drafts.story, case.pk


class TestTheVersionOfTheDecision:
    """The same name may mean something else in the next version. A case keeps the meaning that it was opened with."""

    @pytest.fixture
    def story(self, before_once: tuple[Story, int]) -> Story:
        return before_once[0].goes_on()

    @pytest.fixture
    def before(self, before_once: tuple[Story, int]) -> Case:
        return Case.objects.get(pk=before_once[1])

    def test_open_work_keeps_the_kind_of_that_version(self, story: Story, before: Case) -> None:
        assert facts_of_next(story)["open_work"] == "early_help"
        opened(story, "family_help")
        assert facts_of_next(story)["open_work"] == "social_care"

    def test_the_clocks_of_that_version_start(self, story: Story, before: Case) -> None:
        every_time = {"lead_practitioner_named", "first_family_contact", "family_help_assessment"}
        assert running(accepted(story, before)) == {*every_time, "family_help_plan"}
        assert running(accepted(story, opened(story, "family_help"))) == every_time

    def test_the_version_is_read_with_the_cases_in_one_query(
        self, story: Story, before: Case, django_assert_num_queries: Any
    ) -> None:
        after = opened(story, "family_help")
        cases = household(Contact.objects.get(case=after)).cases()
        with django_assert_num_queries(1):
            assert {case.work for case in cases if is_ours(case)} == {"early_help", "social_care"}
