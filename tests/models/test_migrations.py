"""
What earlier releases left in a database comes through the migrations that are about it.

Each dump was told by the service's own actions and brought back to the release before those migrations. It goes only
through them: `test_upgrade.py` takes a whole database all the way.
"""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from django.core.management import call_command

from casework.models import UnfinishedForm
from config.local.preparation import check_not_newer
from config.local.processes import CannotStart
from localities.models import User
from tests.stage.earlier import restored
from tests.stage.moments import local
from tests.stage.sql import run
from tests.stage.story import Story


def test_handoffs_learn_what_they_are_and_a_case_that_came_back_has_its_clock(
    django_db_setup: None, django_db_blocker: Any
) -> None:
    """
    One case was handed on between teams, up and down, and offered once more; each offer was first withdrawn. Another
    was accepted back by the front door, where the release of that time started no clock; a third was returned to it.
    """
    with django_db_blocker.unblock(), restored("2026-11-20-handed-on.sql.xz"):
        call_command("migrate", "casework", "0003", verbosity=0)

        assert run("SELECT id, kind, ordinal, is_bounce FROM casework_handoff ORDER BY id") == [
            (1, "allocation", 1, False),
            (2, "transfer", 2, False), (3, "transfer", 2, False),
            (4, "transfer", 3, True), (5, "transfer", 3, True),
            (6, "step_up", 4, False), (7, "step_up", 4, False),
            (8, "step_down", 5, True), (9, "step_down", 5, True),
            (10, "other_authority", 6, False),
            (11, "allocation", 1, False), (12, "transfer", 2, True),
            (13, "allocation", 1, False),
        ]  # fmt: skip
        waiting = run(
            "SELECT case_id, started_at, warn_at, due_at, escalate_at, next_at FROM casework_clock "
            "WHERE kind = 'next_team_offered' AND stopped_at IS NULL ORDER BY case_id"
        )
        assert [case for case, *_ in waiting] == [2, 3]
        starts, warns, is_due, escalates = map(
            local,
            ("Fri 20 Nov 2026 09:00", "Fri 20 Nov 2026 16:00", "Mon 23 Nov 2026 09:00", "Tue 24 Nov 2026 09:00"),
        )
        assert waiting[0][1:] == (starts, warns, is_due, escalates, warns)


CLOCKS = "SELECT id, started_at, due_at, escalate_at, warn_at, next_at FROM casework_clock ORDER BY id"
# The clocks that warned by night, as the release of that time let them, and today's warning. The council is closed on
# Friday 20, which was said after two of them had started.
MOVED = {
    2: "Thu 19 Nov 2026 16:30",
    12: "Thu 19 Nov 2026 16:30",
    15: "Thu 19 Nov 2026 16:30",  # whose warning was said already
    18: "Thu 19 Nov 2026 16:30",
    25: "Mon 23 Nov 2026 16:30",  # of a contact that came after hours
    17: "Mon 23 Nov 2026 16:30",  # extended
    21: "Thu 19 Nov 2026 16:30",  # paused: the council's own promise, which its closure pauses too
}
SAID, PAUSED, IN_HOURS = 15, 21, 27


@pytest.fixture(scope="module")
def before(django_db_setup: None, django_db_blocker: Any) -> Iterator[list[Any]]:
    """The moments of all clocks, before the migrations."""
    with django_db_blocker.unblock(), restored("2026-11-22-typed-reasons.sql.xz"):
        before = run(CLOCKS)
        call_command("migrate", "casework", "0009", verbosity=0)
        yield before


class TestWhatALaterReleaseDid:
    """Typed reasons stood in the audit, warnings were moved, and one number made two children one person."""

    def test_why_rule_sets_came_back_stands_on_their_pages(self, before: list[Any]) -> None:
        """The audit of before keeps what it says, and what somebody wrote there is read on the page of the version."""
        why = "Read it again.\nThen send it."
        ((draft, kind, by, at, reason),) = run(
            "SELECT rule_set_id, kind, by_id, at, reason FROM casework_rulesetreason"
        )
        assert (draft, kind, reason) == (2, "sent_back", why)
        assert at == local("Thu 19 Nov 2026 14:01")
        assert run("SELECT username FROM localities_user WHERE id = %s", by) == [("sam",)]
        events = run("SELECT event, detail->>'reason' FROM casework_auditevent WHERE detail ? 'reason' ORDER BY id")
        assert events == [("rule_set_sent_back", why), ("rule_set_proposed", why)]

    def test_a_clock_warns_in_hub_hours(self, before: list[Any]) -> None:
        """When it is due stays, and so does what was said. What counts in hours warns by day and night."""
        after = {clock: (warn_at, next_at) for clock, *_, warn_at, next_at in run(CLOCKS)}
        assert len(before) == len(after) == 28
        assert [row[:-2] for row in run(CLOCKS)] == [row[:-2] for row in before]
        for clock, _, due_at, _, warned_at, next_before in before:
            warn_at = local(MOVED[clock]) if clock in MOVED else warned_at
            assert (warn_at == warned_at) is (clock not in MOVED)
            next_at = due_at if clock == SAID else None if clock == PAUSED else warn_at
            assert after[clock] == (warn_at, next_at if clock in MOVED else next_before), clock
        assert after[IN_HOURS][0] == local("Fri 20 Nov 2026 00:00")
        said = run("SELECT created_at FROM casework_reminder WHERE clock_id = %s", SAID)
        assert said == [(local("Fri 20 Nov 2026 04:00"),)]

    def test_two_children_who_were_one_person_are_two(self, before: list[Any]) -> None:
        """And the second stands on the case, which held only the first."""
        on_contact = run(
            "SELECT child.person_id, person.first_name FROM casework_contactchild child "
            "JOIN casework_person person ON person.id = child.person_id "
            "WHERE contact_id IN (SELECT id FROM casework_contact WHERE case_id = 1) ORDER BY position"
        )
        assert [name for _, name in on_contact] == ["Jude", "Alex"]
        assert on_contact[0][0] == 3
        on_case = run("SELECT person_id FROM casework_casechild WHERE case_id = 1")
        assert {person for (person,) in on_case} == {person for person, _ in on_contact}


@pytest.mark.usefixtures("db")
def test_why_a_case_is_returned_is_found_on_its_page(story: Story, ben: User) -> None:
    """What somebody typed on the case's page and did not record, when returning had no page of its own."""
    at, why, now = f"/cases/{story.offered().case}/", ["They moved."], story.now
    for number, (action, field) in enumerate((("answer", "answer-reason"), ("withdraw", "withdraw-reason"))):
        typed = {"handoff": ["1"], field: why}
        UnfinishedForm.objects.create(
            key=f"{number:032x}", owner=ben, address=f"{at}{action}/", typed=typed, saved_at=now
        )
    run(import_module("casework.migrations.0066_returning_has_a_page").Migration.operations[0].sql)
    assert [*UnfinishedForm.objects.order_by("key").values_list("address", "typed")] == [
        (f"{at}return/", {"handoff": ["1"], "return-reason": why}),
        (f"{at}withdraw/", {"handoff": ["1"], "withdraw-reason": why}),
    ]


def recorded(migration: str) -> None:
    """A migration of casework that some release ran on this database."""
    run("INSERT INTO django_migrations (app, name, applied) VALUES ('casework', %s, now())", migration)


@pytest.mark.usefixtures("db")
class TestWhichReleaseMadeTheData:
    def test_data_of_a_later_one_are_refused(self) -> None:
        recorded("9999_to_come")
        with pytest.raises(CannotStart, match=r"come from a newer release \(it has casework\.9999_to_come\)"):
            check_not_newer()

    def test_an_earlier_one_may_have_squashed_less(self) -> None:
        recorded("0001_squashed_0029_namesakes_in_hiding")
        check_not_newer()
