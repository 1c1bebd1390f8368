"""Which teams had a family: how often it was passed, how long each team had it, how long it waited; by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from hypothesis import given
from hypothesis import strategies as st

from casework.actions import closing, handoffs
from casework.models import Case, Responsibility
from casework.reading.responsibility import ResponsibilityHistory, responsibility_history
from localities.models import Team
from tests.stage.families import passed
from tests.stage.staff import SignedIn
from tests.stage.story import Story, how_it_ended, person
from tests.stage.web_client import a_working_morning

HOUR = timedelta(hours=1)


def history_of(case: Case, now: datetime) -> ResponsibilityHistory:
    return responsibility_history(
        case, list(case.handoffs.all()), list(case.responsibilities.select_related("team")), now
    )


def spells(found: ResponsibilityHistory) -> list[tuple[str, float, float]]:
    """Each period of responsibility: the team, its hours and its share of the whole time."""
    return [(spell.team.code, spell.took / HOUR, spell.share) for spell in found.spells]


def to_and_fro(story: Story) -> Case:
    """
    Opened with the front door at 11:00 (day 1); Aylesbury returns it at 13:00, and accepts it at 17:00. Its offer to
    Chiltern at 04:00 (day 2) is withdrawn at 05:00; the next, at 05:00, is accepted at 06:00. Back to Aylesbury it is
    offered at 10:00 and accepted at 11:00.
    """
    handoff = story.offered()
    ben, amina = person("ben"), person("amina")
    handoffs.return_to_sender(handoff_id=handoff.pk, reason="Known in Chiltern.", by=ben, now=story.later(hours=2))
    case, aylesbury = handoff.case, story.team("aylesbury").pk
    again = handoffs.offer(
        case_id=case.pk, to_team_id=aylesbury, reason="They are not.", by=amina, now=story.later(hours=1)
    )
    handoffs.accept(handoff_id=again.pk, by=ben, now=story.later(hours=3))
    once_more: dict[str, Any] = {
        "to_team_id": story.team("chiltern").pk,
        "reason": "They moved.",
        "lead_reason": "For good.",
    }
    slip = handoffs.offer(case_id=case.pk, by=ben, now=story.later(hours=11), **once_more)
    handoffs.withdraw(handoff_id=slip.pk, reason="Not yet.", by=ben, now=story.later(hours=1))
    story.now -= HOUR
    passed(story, case, "chiltern", by="ben", accepts="chris", lead_reason="For good.")
    story.later(hours=3)
    passed(story, case, "aylesbury", by="chris", accepts="ben", lead_reason="Not for good.")
    return Case.objects.get(pk=case.pk)


class TestByHand:
    def test_a_case_that_the_front_door_just_opened(self, story: Story) -> None:
        handoff = story.offered()
        found = history_of(handoff.case, story.now)
        assert spells(found) == [("front-door", 0, 100)]
        assert (found.offered, found.accepted, found.returned, found.bounces, found.waited) == (1, 0, 0, 0, 0 * HOUR)

    def test_to_and_fro(self, story: Story) -> None:
        case = to_and_fro(story)
        found = history_of(case, case.opened_at + 48 * HOUR)
        assert spells(found) == [
            ("front-door", 6, 12.5), ("aylesbury", 13, 100 * 13 / 48), ("chiltern", 5, 100 * 5 / 48),
            ("aylesbury", 24, 50),
        ]  # fmt: skip
        # 12.5 and 27.1 and 10.4 and 50.0 of a hundred.
        assert [spell.percent for spell in found.spells] == [12, 28, 10, 50]
        assert (found.offered, found.accepted, found.returned, found.bounces) == (5, 3, 1, 1)
        assert found.waited == (2 + 3 + 1 + 1 + 1) * HOUR

    def test_what_is_on_offer_waits_until_now(self, story: Story) -> None:
        handoff = story.offered()
        assert history_of(handoff.case, story.now + 90 * HOUR).waited == 90 * HOUR
        handoffs.accept(handoff_id=handoff.pk, by=person("ben"), now=story.now + 91 * HOUR)
        assert history_of(handoff.case, story.now + 1000 * HOUR).waited == 91 * HOUR

    def test_only_a_handoff_that_was_accepted_is_a_bounce(self, story: Story) -> None:
        case = story.accepted()
        back = handoffs.offer(
            case_id=case.pk, to_team_id=story.team("front-door").pk, reason="They moved.", by=person("ben"),
            now=story.later(),
        )  # fmt: skip
        assert back.is_bounce
        assert history_of(case, story.now).bounces == 0
        handoffs.accept(handoff_id=back.pk, by=person("amina"), now=story.later())
        assert history_of(case, story.now).bounces == 1

    def test_a_closed_case_is_in_nobodys_hands_any_more(self, story: Story) -> None:
        case = story.accepted()
        ends = story.later(hours=3)
        closing.close(
            case_id=case.pk,
            ended=how_it_ended(),
            by=person("ben"),
            now=ends,
        )
        case.refresh_from_db()
        found = history_of(case, ends + 500 * HOUR)
        assert spells(found) == [("front-door", 1, 25), ("aylesbury", 3, 75)]
        assert found.spells[-1].until == ends


@given(st.lists(st.integers(min_value=1, max_value=10**6), min_size=1, max_size=12), st.booleans())
def test_shares_add_up_to_a_hundred_however_the_time_was_shared(minutes: list[int], is_open: bool) -> None:
    opened = at = datetime(2026, 11, 19, 10, tzinfo=UTC)
    responsibilities = []
    for number in minutes:
        ends = at + timedelta(minutes=number)
        responsibilities.append(Responsibility(team=Team(name="A team"), period=DateTimeTZRange(at, ends)))
        at = ends
    if is_open:
        responsibilities[-1].period = DateTimeTZRange(responsibilities[-1].period.lower, None)
    found = responsibility_history(Case(opened_at=opened, closed_at=None if is_open else at), [], responsibilities, at)
    assert sum(spell.share for spell in found.spells) == pytest.approx(100)
    assert sum(spell.percent for spell in found.spells) == 100
    for spell in found.spells:
        assert abs(spell.percent - spell.share) < 1


def test_they_stand_on_the_cases_page(db: None) -> None:
    case = to_and_fro(Story(a_working_morning()))
    page = SignedIn("ben").open(case, "handoffs/")
    assert "5 offered, 3 accepted, 1 returned, 1 back and forth within 30 days" in page.text
    assert "8 hours in total, over all offers" in page.text
    (table,) = [part.all("table")[0] for part in page.main.all("section") if part["aria-labelledby"] == "hands-heading"]
    rows = [[cell.text for cell in row.children] for row in table.all("tbody")[0].all("tr")]
    assert [(team, took) for team, _, took, _ in rows][:3] == [
        ("1. Front door", "6 hours"), ("2. Aylesbury team", "13 hours"), ("3. Chiltern team", "5 hours"),
    ]  # fmt: skip
    assert sum(int(share.removesuffix("%")) for *_, share in rows) == 100
    for said in ("Known in Chiltern.", "Not yet.", "Why once more: Not for good.", "back within 30 days"):
        assert said in page.text
