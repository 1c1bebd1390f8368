"""A database of an earlier release, with data in it, comes through the migrations whole."""

import json
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import QuerySet

from casework.actions import clock_changes, handoffs
from casework.jobs import sweep
from casework.models import AuditEvent, Case, Clock, Contact, Handoff, RuleSetReason
from casework.record import integrity
from localities.models import CalendarDay
from tests.conftest import THURSDAY
from tests.stage.documents import address, child
from tests.stage.drafts import Drafts
from tests.stage.moments import day, local
from tests.stage.racing import FIRST_NAMES, LAST_NAMES, birth
from tests.stage.sql import run
from tests.stage.story import Story, person

AT_HANDOFFS = ["id", "kind", "ordinal", "is_bounce"]
NOT_ASKED = {"agreement": {"service": "not_sought"}}
HARM = {"children": [child(indicators=["L4-01"])]}


@pytest.fixture
def committed_story(committed: str) -> Story:
    """A story in a database of its own."""
    return Story(THURSDAY)


def test_a_story_of_before_is_what_it_would_be_today(committed_story: Story) -> None:
    """Handoffs learn what they are; a case that came back to the front door, where none was started, has its clock."""
    to_and_fro(committed_story)
    waiting, clock = back_at_the_front_door(committed_story)
    handoffs_today = list(Handoff.objects.order_by("pk").values_list(*AT_HANDOFFS))
    assert {ordinal for _, _, ordinal, _ in handoffs_today} == {1, 2, 3, 4, 5, 6}
    forget(clock)

    call_command("migrate", "casework", "0002", verbosity=0)
    call_command("migrate", verbosity=0)

    assert list(Handoff.objects.order_by("pk").values_list(*AT_HANDOFFS)) == handoffs_today
    again = waiting.get(case=clock.case)
    assert (again.started_at, again.warn_at, again.due_at, again.escalate_at, again.next_at) == (
        clock.started_at, clock.warn_at, clock.due_at, clock.escalate_at, clock.warn_at,
    )  # fmt: skip
    assert waiting.count() == 2
    assert [finding for finding in integrity.check() if finding.broken] == []


def test_why_rule_sets_came_back_stands_on_their_pages(committed_story: Story) -> None:
    """The audit of before keeps what it says, and what somebody wrote there is read on the page of the version."""
    draft = Drafts(committed_story).proposed()
    said = {"rule_set": str(draft), "reason": "Read it again.\nThen send it."}
    call_command("migrate", "casework", "0003", verbosity=0)
    for event in ("rule_set_sent_back", "rule_set_proposed"):
        run(
            "INSERT INTO casework_auditevent (at, event, actor, by_user_id, detail) VALUES (%s, %s, 'user', %s, %s)",
            committed_story.now, event, person("sam").pk, json.dumps(said),
        )  # fmt: skip

    call_command("migrate", verbosity=0)

    (why,) = RuleSetReason.objects.all()
    assert (why.rule_set, why.kind, why.by, why.at, why.reason) == (
        draft, "sent_back", person("sam"), committed_story.now, "Read it again.\nThen send it.",
    )  # fmt: skip
    assert AuditEvent.objects.get(event="rule_set_sent_back").detail == said
    assert [finding for finding in integrity.check() if finding.broken] == []


# As the release before moved a clock's warning, which was said already or is still to come.
WARN_AT = """
UPDATE casework_clock SET warn_at = %(to)s, next_at = CASE next_at WHEN warn_at THEN %(to)s ELSE next_at END
WHERE id = %(id)s
"""


def test_a_clock_of_before_warns_in_hub_hours(committed_story: Story) -> None:
    """When it is due stays, and so does what was said. What counts in hours warns by day and night."""
    CalendarDay.objects.create(date=day("Fri 20 Nov 2026"), kind="closure", name="Training")
    said = contact_at(committed_story, "Thu 19 Nov 2026 10:00")
    sweep.sweep(now=local("Fri 20 Nov 2026 04:00"))
    runs = contact_at(committed_story, "Thu 19 Nov 2026 10:00")
    asking = contact_at(committed_story, "Wed 18 Nov 2026 11:00", **NOT_ASKED)
    night = contact_at(committed_story, "Fri 20 Nov 2026 17:40")
    red = contact_at(committed_story, "Thu 19 Nov 2026 22:00", **HARM)
    extended = clock_changes.extend(
        clock_id=running(runs, "final_decision_green").pk, to=local("Wed 25 Nov 2026 22:00"), reason="They are away.",
        by=person("maya"), now=local("Thu 19 Nov 2026 11:00"),
    )  # fmt: skip
    paused = clock_changes.pause(
        clock_id=running(asking, "final_decision_green").pk, reason="Amina rings them.", by=person("oliver"),
        now=local("Thu 19 Nov 2026 11:00"),
    )  # fmt: skip
    warnings = [
        # a clock, its warning before, its warning today
        (running(said, "next_step_decision"), "Fri 20 Nov 2026 04:00", "Thu 19 Nov 2026 16:30"),
        (running(runs, "next_step_decision"), "Fri 20 Nov 2026 04:00", "Thu 19 Nov 2026 16:30"),
        (running(night, "next_step_decision"), "Tue 24 Nov 2026 03:00", "Mon 23 Nov 2026 16:30"),
        (extended, "Tue 24 Nov 2026 07:00", "Mon 23 Nov 2026 16:30"),
        # The council's own promise, which its closure pauses too.
        (paused, "Sun 22 Nov 2026 23:00", "Thu 19 Nov 2026 16:30"),
        # In hours.
        (running(red, "final_decision_red"), "Fri 20 Nov 2026 00:00", "Fri 20 Nov 2026 00:00"),
    ]
    today = moments_of_all_clocks()
    with connection.cursor() as cursor:
        for clock, before, _ in warnings:
            cursor.execute(WARN_AT, {"id": clock.pk, "to": local(before)})

    call_command("migrate", "casework", "0004", verbosity=0)
    call_command("migrate", verbosity=0)

    for clock, _, warn_at in warnings:
        clock.refresh_from_db()
        assert clock.warn_at == local(warn_at), clock
    assert moments_of_all_clocks() == today
    assert [clock.next_at for clock, *_ in warnings] == [
        warnings[0][0].due_at, local("Thu 19 Nov 2026 16:30"), local("Mon 23 Nov 2026 16:30"),
        local("Mon 23 Nov 2026 16:30"), None, local("Fri 20 Nov 2026 00:00"),
    ]  # fmt: skip
    assert warnings[0][0].reminders.get().created_at == local("Fri 20 Nov 2026 04:00")
    assert [finding for finding in integrity.check() if finding.broken] == []


def test_two_children_who_were_one_person_are_two(committed_story: Story) -> None:
    """And the second stands on the case, which held only the first."""
    two = [child(), child(ref="c2", first_name="Alex", nhs_number=None)]
    case = committed_story.accepted(committed_story.contact(children=two))
    first, second = case.contacts.get().children.all()
    call_command("migrate", "casework", "0008", verbosity=0)
    run("UPDATE casework_contactchild SET person_id = %s WHERE id = %s", first.person_id, second.pk)
    run("ALTER TABLE casework_casechild DISABLE TRIGGER USER")
    run("DELETE FROM casework_casechild WHERE person_id = %s", second.person_id)
    run("ALTER TABLE casework_casechild ENABLE TRIGGER USER")

    call_command("migrate", verbosity=0)

    on_contact = [entry.person for entry in case.contacts.get().children.all()]
    assert [person.first_name for person in on_contact] == ["Robin", "Alex"]
    assert on_contact[0] == first.person
    assert set(case.children.all()) == set(on_contact)
    assert [finding for finding in integrity.check() if finding.broken] == []


def contact_at(committed_story: Story, at: str, **changes: Any) -> Contact:
    """A contact about a family of its own."""
    number = Contact.objects.count()
    entry = child(
        first_name=FIRST_NAMES[number], last_name=LAST_NAMES[number], also_known_as=[], date_of_birth=birth(number),
        nhs_number=None,
    )  # fmt: skip
    return committed_story.contact(at=local(at), **{"children": [entry], "adults": [], **changes})


def running(contact: Contact, kind: str) -> Clock:
    return contact.clocks.running().get(kind=kind)


def moments_of_all_clocks() -> list[tuple[Any, ...]]:
    return list(
        Clock.objects.order_by("pk").values_list("pk", "started_at", "warn_at", "due_at", "escalate_at", "next_at")
    )


def to_and_fro(committed_story: Story) -> None:
    """Handed on between teams, up and down, and offered once more."""
    case = committed_story.accepted(
        committed_story.contact(children=[child(first_name="Sami", last_name="Quill", nhs_number=None)], adults=[])
    )
    for giver, taker, team in (
        ("ben", "chris", "chiltern"), ("chris", "ben", "aylesbury"), ("ben", "pat", "child-protection"),
        ("pat", "chris", "chiltern"),
    ):  # fmt: skip
        withdrawn = offered(committed_story, case, giver, team)
        handoffs.withdraw(handoff_id=withdrawn.pk, reason="Not yet.", by=person(giver), now=committed_story.later())
        handoff = offered(committed_story, case, giver, team)
        handoffs.accept(handoff_id=handoff.pk, by=person(taker), now=committed_story.later())
    offered(committed_story, case, "chris", "out-of-area")


def back_at_the_front_door(committed_story: Story) -> tuple[QuerySet[Clock], Clock]:
    """Two cases that came back: one was accepted there, one returned. Their running clocks, and the first one's."""
    case = committed_story.accepted()
    back = offered(committed_story, case, "ben", "front-door")
    handoffs.accept(handoff_id=back.pk, by=person("maya"), now=committed_story.later())
    other = committed_story.contact(
        children=[child(first_name="Noor", last_name="Haddad", nhs_number=None, address=address("HP5 1AA"))], adults=[]
    )
    returned = committed_story.offered(other)
    handoffs.return_to_sender(
        handoff_id=returned.pk, reason="They moved.", by=person("chris"), now=committed_story.later()
    )
    waiting = Clock.objects.running().filter(kind="next_team_offered").order_by("pk")
    clock = waiting.get(case=case)
    return waiting, clock


def forget(clock: Clock) -> None:
    """The release before started none where the front door accepted a case."""
    run("SET session_replication_role = replica")
    run("DELETE FROM casework_clock WHERE id = %s", clock.pk)
    run("SET session_replication_role = origin")


def offered(story: Story, case: Case, by: str, team: str) -> Handoff:
    return handoffs.offer(
        case_id=case.pk, to_team_id=story.team(team).pk, reason="They moved.", lead_reason="They moved.",
        despite="They moved.", by=person(by), now=story.later(),
    )  # fmt: skip
