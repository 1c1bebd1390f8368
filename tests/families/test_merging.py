"""Whatever is joined and undone, in whatever order, with contacts arriving between: undone, all is as it was."""

from typing import Any

from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casework.actions import matches
from casework.families.sameness import open_matches
from casework.models import CaseChild, Contact, ContactAdult, ContactChild, Person, PersonMatch
from casework.record import integrity
from errors import NotAllowedInStatus
from tests.stage.documents import child
from tests.stage.sql import run
from tests.stage.story import Story, person

NAMES = ("Robin", "Robyn", "Rob")


def state() -> dict[str, Any]:
    """Who stands for whom, on contacts and cases, and by what they are found."""
    return {
        "records": set(Person.objects.values_list("pk", "same_as")),
        "children": set(ContactChild.objects.values_list("pk", "person")),
        "adults": set(ContactAdult.objects.values_list("pk", "person")),
        "cases": set(CaseChild.objects.values_list("case", "person")),
        "keys": set(run("SELECT key, person_id FROM casework_personkey")),
    }


@settings(
    max_examples=12, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(st.lists(st.sampled_from(["contact", "case", "join", "join", "undo"]), min_size=3, max_size=9), st.randoms())
def test_joined_then_undone_is_as_it_was(story: Story, steps: list[str], chance: Any) -> None:
    with transaction.atomic():
        said: dict[str, Any] = {"by": person("amina")}
        for step in ["contact", "contact", *steps]:
            in_force = list(PersonMatch.objects.filter(status="confirmed"))
            if step == "contact":
                story.contact(children=[child(first_name=chance.choice(NAMES), nhs_number=None)])
            elif step == "case":
                waiting = Contact.objects.filter(status="received").first()
                if waiting is not None and not open_matches(waiting):
                    story.decided(waiting, chosen_team_id=story.team("aylesbury").pk, chosen_team_reason="So it is.")
            elif step == "undo" and in_force:
                match = chance.choice(in_force)
                matches.undo(
                    contact_id=match.row.contact_id, match_id=match.pk, reason="No.", now=story.later(), **said
                )
            elif step == "join":
                found = [match for contact in Contact.objects.all() for match in open_matches(contact)]
                if found:
                    match = chance.choice(found)
                    try:
                        matches.settle(
                            contact_id=match.row.contact_id, match_id=match.pk, same=True, now=story.later(), **said
                        )
                    except NotAllowedInStatus:
                        continue
        in_force = list(PersonMatch.objects.filter(status="confirmed"))
        chance.shuffle(in_force)
        for match in in_force:
            matches.undo(contact_id=match.row.contact_id, match_id=match.pk, reason="No.", now=story.later(), **said)
        alone = state()
        assert {same_as for _, same_as in alone["records"]} == {None}
        assert alone["children"] == set(ContactChild.objects.values_list("pk", "recorded_as"))
        assert alone["adults"] == set(ContactAdult.objects.values_list("pk", "recorded_as"))
        of_cases = ContactChild.objects.filter(contact__case__isnull=False)
        assert alone["cases"] == set(of_cases.values_list("contact__case", "recorded_as"))
        assert [finding.sentence for finding in integrity.check() if finding.broken] == []
        transaction.set_rollback(True)
