"""What else ends with a decision, a closing or a withdrawal is said before it is done."""

from typing import Any

import pytest

from casework.actions import partner_checks, reminders
from casework.jobs import sweep
from casework.models import Clock, Contact
from casework.reading import endings
from localities.models import User
from tests.stage.story import Story

NOT_ASKED: dict[str, Any] = {"agreement": {"service": "not_sought"}}


def of_deciding(contact: Contact, by: User, story: Story) -> list[str]:
    clocks = Clock.objects.filter(contact=contact)
    put_off = endings.put_off_until_decided(clocks, by=by, now=story.now)
    return endings.of_deciding(clocks, contact.handovers.select_related("to_team"), put_off)


class TestDeciding:
    def test_nothing_is_said_where_nothing_ends(self, story: Story, amina: User) -> None:
        assert of_deciding(story.contact(), amina, story) == []

    def test_that_nobody_asks_the_family_any_more(self, story: Story, amina: User) -> None:
        assert of_deciding(story.contact(**NOT_ASKED), amina, story) == ["The deadline for asking the family ends."]

    def test_whose_reminders_do_not_come_back(self, story: Story, amina: User, maya: User) -> None:
        contact = story.contact()
        clock = contact.clocks.get(kind="next_step_decision")
        story.now = clock.warn_at
        sweep.sweep(now=story.now)
        reminders.snooze(
            reminder_id=clock.reminders.get().pk, until="hour", reason="Ring first.", by=amina, now=story.now
        )
        assert of_deciding(contact, maya, story) == ["Reminders do not come back that were put off by: Amina Hussain."]
        assert of_deciding(contact, amina, story) == []
        story.later(hours=1)
        assert of_deciding(contact, maya, story) == [], "they came back"


@pytest.mark.parametrize(
    ("codes", "says"),
    [
        ([], []),
        (["example-police"], ["If you agree, the requests to Example Police end without an answer."]),
        (
            ["example-police", "example-surgery"],
            ["If you agree, the requests to Example Police and Example Surgery end without an answer."],
        ),
    ],
)
def test_agreeing(story: Story, codes: list[str], says: list[str]) -> None:
    contact = story.contact()
    for code in codes:
        story.asked(contact, code)
    assert endings.of_agreeing(partner_checks.unanswered(contact), []) == says


def test_agreeing_leaves_open_what_the_decision_leaves_open(story: Story) -> None:
    contact = story.contact()
    checks = [story.asked(contact, code) for code in ("example-police", "example-surgery")]
    assert endings.of_agreeing(checks, [checks[1].pk]) == [
        "If you agree, the requests to Example Police end without an answer.",
        "No answer yet from Example Surgery. Any answer is passed on when it comes.",
    ]


def test_closing(story: Story, ben: User) -> None:
    case = story.accepted()
    running = case.clocks.running().order_by("due_at")
    assert endings.of_closing(running, endings.put_off_until_closed(running, by=ben, now=story.now))[0].startswith(
        "These deadlines end, whether or not they are met: lead practitioner named, "
    )
    story.closed(case)
    clocks = case.clocks.all()
    assert endings.of_closing(clocks, endings.put_off_until_closed(clocks, by=ben, now=story.now)) == []
