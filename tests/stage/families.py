"""Families that several teams know: brothers with cases of different teams, who were once on one contact."""

from typing import Any

from casework.actions import handoffs
from casework.models import Case, Contact, Handoff
from tests.stage.documents import child
from tests.stage.story import Story, person

KIM: dict[str, Any] = {"ref": "c2", "first_name": "Kim", "date_of_birth": "2015-08-21", "nhs_number": "9990000026"}


def about(story: Story, *children: dict[str, Any], indicators: list[str] | None = None, **changes: Any) -> Contact:
    """A contact about these children only, by default with a level 3 need."""
    ticked = ["L3-12"] if indicators is None else indicators
    children = tuple(entry | {"indicators": ticked} for entry in children)
    return story.contact(children=list(children), adults=[], family_indicators=[], **changes)


def with_team(story: Story, contact: Contact, team: str, by: str) -> Case:
    """A case that was offered to a team that a person picked, and accepted there."""
    story.decided(
        contact, pathway="family_help", level=3, rag="green", chosen_team_id=story.team(team).pk,
        chosen_team_reason="Their school is there.",
    )  # fmt: skip
    handoff = Handoff.objects.get(case__contacts=contact)
    handoffs.accept(handoff_id=handoff.pk, by=person(by), now=story.later())
    return Case.objects.get(pk=handoff.case_id)


def once_together(story: Story) -> None:
    """Robin and Kim stood on a contact together, which ended with advice."""
    story.decided(about(story, child(), child(**KIM), indicators=["L2-01"]), pathway="advice")


def brothers(story: Story) -> tuple[Case, Case]:
    """Aylesbury works with Robin, Chiltern with Kim."""
    once_together(story)
    robin = with_team(story, about(story, child()), "aylesbury", "ben")
    return robin, with_team(story, about(story, child(**KIM)), "chiltern", "chris")


def passed(story: Story, case: Case, to: str, *, by: str, accepts: str, **why: Any) -> Handoff:
    """Offers a case to another team, which accepts it."""
    handoff = handoffs.offer(
        case_id=case.pk, to_team_id=story.team(to).pk, reason="They live there now.", by=person(by), now=story.later(),
        **why,
    )  # fmt: skip
    return handoffs.accept(handoff_id=handoff.pk, by=person(accepts), now=story.later())


def returned_to_aylesbury(story: Story, case: Case | None = None, reason: str = "They did not move.") -> Case:
    """A case of Aylesbury that Bea offered to Chiltern, which returned it."""
    case = case or story.accepted()
    onward = handoffs.offer(
        case_id=case.pk, to_team_id=story.team("chiltern").pk, reason="They live there now.", by=person("bea"),
        now=story.later(),
    )  # fmt: skip
    handoffs.return_to_sender(handoff_id=onward.pk, reason=reason, by=person("chris"), now=story.later())
    return case
