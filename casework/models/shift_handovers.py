"""The sheet that one shift hands to the next: what it said, who gave it, who has read it, and what was added."""

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import F, Q

from casework.models.refusals import NOT_BLANK, append_only, never_deleted, refuse_if
from localities.models import Team, User


class ShiftHandover(models.Model):
    """
    A shift handed over to the next, between the day team and emergency duty. `says` is what the sheet said then.

    `says` names families: each line is about a record, and is shown to those who may open that record.
    """

    from_team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="+", db_index=False)
    to_team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="shifts_handed_over")
    since = models.DateTimeField(help_text="When the shift that hands over began.")
    until = models.DateTimeField(help_text="When the coming shift ends.")
    note = models.TextField()
    says = models.JSONField()
    given_at = models.DateTimeField()
    given_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    read_at = models.DateTimeField(null=True)
    read_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)

    class Meta:
        ordering: ClassVar = ["-given_at", "-id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(from_team=F("to_team")), name="a_shift_hands_over_to_another_team"),
            models.CheckConstraint(condition=Q(note__regex=NOT_BLANK), name="a_shift_that_hands_over_says_something"),
            models.CheckConstraint(
                condition=Q(since__lte=F("given_at"), until__gt=F("given_at")),
                name="a_shift_hands_over_between_its_beginning_and_the_next_end",
            ),
            models.CheckConstraint(
                condition=Q(read_at__isnull=True, read_by__isnull=True)
                | Q(read_at__gte=F("given_at"), read_by__isnull=False) & ~Q(read_by=F("given_by")),
                name="somebody_else_reads_a_handover_sheet",
            ),
        ]
        triggers: ClassVar = [
            refuse_if(
                """OLD.read_at IS NOT NULL
                   OR (NEW.from_team_id, NEW.to_team_id, NEW.since, NEW.until, NEW.note, NEW.says, NEW.given_at,
                       NEW.given_by_id)
                      IS DISTINCT FROM
                      (OLD.from_team_id, OLD.to_team_id, OLD.since, OLD.until, OLD.note, OLD.says, OLD.given_at,
                       OLD.given_by_id)""",
                on=pgtrigger.Update,
                name="a_handover_sheet_stays_as_it_was_given",
                message="A handover sheet stays as it was given, and is read once. Add to it instead.",
            ),
            *never_deleted("handover_sheets_are_never_deleted", "Handover sheets are never deleted."),
        ]

    def __str__(self) -> str:
        return f"{self.from_team} to {self.to_team}"


class ShiftHandoverAddition(models.Model):
    """What somebody added to a handover sheet after it was given, as a correction."""

    handover = models.ForeignKey(ShiftHandover, on_delete=models.PROTECT, related_name="additions")
    text = models.TextField()
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(text__regex=NOT_BLANK), name="an_addition_says_something")
        ]
        triggers: ClassVar = append_only("an_addition_stays", "What was added to a handover sheet stays.")

    def __str__(self) -> str:
        return f"added to {self.handover}"
