"""Two people correct a note at the same moment, and one corrects it while it is read."""

from datetime import datetime
from functools import partial
from typing import Any

from casework.actions import notes
from casework.models import AuditEvent, Event, Note
from errors import TakenBySomeoneElse
from tests.stage.racing import TIMES, family, only_one_succeeds, race
from tests.stage.story import Story, person


def corrects(note: Note, by: str, now: datetime) -> Any:
    """An action to run in a race."""
    return partial(
        notes.correct, note_id=note.pk, seen_edition=1, kind="call", text=f"As {by} heard it.", was_wrong="The hour.",
        happened_at=None, child_ids=[], adult_ids=[], contact_id=note.contact_id, by=person(by), now=now,
    )  # fmt: skip


def test_of_two_corrections_at_once_one_is_added_and_the_other_hears_who_was_faster(story: Story) -> None:
    for number in range(TIMES):
        note = story.note(story.contact(**family(number)))
        now = story.later()
        outcomes = race(corrects(note, "amina", now), corrects(note, "maya", now))
        only_one_succeeds(outcomes)
        (late,) = (outcome for outcome in outcomes if isinstance(outcome, Exception))
        assert isinstance(late, TakenBySomeoneElse)
        (correction,) = note.corrections.all()
        assert str(correction.written_by) in str(late)
        assert AuditEvent.objects.filter(event=Event.NOTE_CORRECTED, contact=note.contact).count() == 1
