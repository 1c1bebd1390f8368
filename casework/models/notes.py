"""Notes: what somebody wrote down about a contact or a case. A note never changes; a correction is added to it."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length

from casework.models.cases import Case
from casework.models.contacts import Contact
from casework.models.indexes import where_set
from casework.models.refusals import NOT_BLANK, append_only, refuse_if
from casework.models.visibility import reads_note
from localities.models import Team, User

LONGEST_NOTE = 20_000


class NoteKind(models.TextChoices):
    """What a note tells of."""

    CALL = "call", "Telephone call"
    VISIT = "visit", "Visit"
    MEETING = "meeting", "Meeting"
    DISCUSSION = "discussion", "Professional discussion"
    OVERSIGHT = "oversight", "Management oversight"
    OTHER = "other", "Other"


class NoteReaders(models.TextChoices):
    """Who may read a note, of those who may open its record."""

    RECORD = "record", "Everybody who may open the record"
    TEAM = "team", "The writer's team, and those who oversee practice"


class NoteQuerySet(models.QuerySet["Note"]):
    def readable_by(self, user: User, now: datetime) -> NoteQuerySet:
        """Those that this user may read, of the notes of records that they may open."""
        return self.filter(reads_note(user, now))

    def firsts(self) -> NoteQuerySet:
        """Without corrections."""
        return self.filter(corrects__isnull=True)


class Note(models.Model):
    """
    What somebody wrote down about a contact or a case, or a correction of that.

    A correction is a whole note, which refers to the first: what it says stands now, and the earlier stays readable.
    `edition` is 1 for the first, and counts on with each correction. `child_ids` and `adult_ids` are the children and
    adults on contacts that it is about: those of its contact, or of the contacts of its case.
    """

    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, null=True, related_name="notes", db_index=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, null=True, related_name="notes", db_index=False)
    corrects = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, related_name="corrections", db_index=False
    )
    edition = models.PositiveSmallIntegerField(default=1)
    kind = models.CharField(max_length=10, choices=NoteKind)
    written_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    written_at = models.DateTimeField()
    happened_at = models.DateTimeField(null=True, help_text="When it happened, where that was said.")
    text = models.TextField()
    was_wrong = models.TextField(blank=True, help_text="What was wrong before, in a correction.")
    child_ids = ArrayField(models.BigIntegerField(), default=list, help_text="The children on contacts.")
    adult_ids = ArrayField(models.BigIntegerField(), default=list, help_text="The adults on contacts.")
    readers = models.CharField(max_length=10, choices=NoteReaders, default=NoteReaders.RECORD)
    team = models.ForeignKey(
        Team, on_delete=models.PROTECT, null=True, related_name="+", db_index=False,
        help_text="That may read it, where not everybody may.",
    )  # fmt: skip

    objects = NoteQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-written_at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["corrects", "edition"], name="a_note_is_corrected_one_after_another"),
            models.CheckConstraint(
                condition=Q(contact__isnull=False, case__isnull=True) | Q(contact__isnull=True, case__isnull=False),
                name="a_note_is_of_a_contact_or_a_case",
            ),
            models.CheckConstraint(condition=Q(kind__in=NoteKind.values), name="a_note_is_of_a_known_kind"),
            models.CheckConstraint(condition=Q(text__regex=NOT_BLANK), name="a_note_has_a_text"),
            models.CheckConstraint(
                condition=models.lookups.LessThanOrEqual(Length("text"), LONGEST_NOTE), name="a_note_is_not_too_long"
            ),
            models.CheckConstraint(
                condition=Q(happened_at__isnull=True) | Q(happened_at__lte=F("written_at")),
                name="a_note_tells_of_what_has_happened",
            ),
            models.CheckConstraint(
                condition=Q(corrects__isnull=True, edition=1, was_wrong="")
                | Q(corrects__isnull=False, edition__gt=1, was_wrong__regex=NOT_BLANK),
                name="a_correction_says_what_was_wrong",
            ),
            models.CheckConstraint(
                condition=Q(readers=NoteReaders.RECORD, team__isnull=True)
                | Q(readers=NoteReaders.TEAM, team__isnull=False),
                name="a_note_says_who_may_read_it",
            ),
        ]
        indexes: ClassVar = where_set("note", "contact", "case")
        triggers: ClassVar = [
            *append_only("a_note_never_changes", "A note stays as it was written. Correct it by an addition."),
            refuse_if(
                """NOT EXISTS (
                    SELECT FROM public.casework_note first
                    WHERE first.id = NEW.corrects_id AND first.corrects_id IS NULL
                      AND (first.contact_id, first.case_id, first.readers, first.team_id)
                          IS NOT DISTINCT FROM (NEW.contact_id, NEW.case_id, NEW.readers, NEW.team_id)
                )""",
                on=pgtrigger.Insert,
                where="NEW.corrects_id IS NOT NULL",
                name="a_correction_is_read_by_whoever_reads_the_first",
                message="A correction belongs to the record of the first note, and has the same readers.",
            ),
            refuse_if(
                """EXISTS (
                    SELECT FROM unnest(NEW.child_ids) about(id) WHERE NOT EXISTS (
                        SELECT FROM public.casework_contactchild child
                        JOIN public.casework_contact contact ON contact.id = child.contact_id
                        WHERE child.id = about.id AND (contact.id = NEW.contact_id OR contact.case_id = NEW.case_id)))
                OR EXISTS (
                    SELECT FROM unnest(NEW.adult_ids) about(id) WHERE NOT EXISTS (
                        SELECT FROM public.casework_contactadult adult
                        JOIN public.casework_contact contact ON contact.id = adult.contact_id
                        WHERE adult.id = about.id AND (contact.id = NEW.contact_id OR contact.case_id = NEW.case_id)))
                """,
                on=pgtrigger.Insert,
                where="NEW.child_ids <> '{}' OR NEW.adult_ids <> '{}'",
                name="a_note_is_about_people_of_its_record",
                message="A note is about children and adults of its own record.",
            ),
        ]

    def __str__(self) -> str:
        return f"note {self.pk}"

    @property
    def first_id(self) -> int:
        """The id of the note that this one, or a correction of it, is."""
        return self.corrects_id or self.pk
