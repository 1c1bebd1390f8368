"""What staff record about a person, beside what contacts say: with a period, and who said so."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import F, Func, Q

from casework.models.indexes import where_set
from casework.models.people import Person
from casework.models.refusals import NOT_BLANK, never_emptied, refuse_if
from localities.models import User


class Plain(Func):
    """A text in capitals, without blanks and punctuation: "PNC 12/345x" and "pnc12345X" are one."""

    template = r"UPPER(REGEXP_REPLACE(%(expressions)s, '[\W_]', '', 'g'))"
    output_field = models.CharField()


class DetailKind(models.TextChoices):
    """What a detail says."""

    CURRENT_NAME = "current_name", "Current name"
    FORMER_NAME = "former_name", "Former name"
    ALSO_KNOWN_AS = "also_known_as", "Also known as"
    ADDRESS = "address", "Address"
    NHS_NUMBER = "nhs_number", "NHS number"
    UPN = "upn", "Unique pupil number"
    POLICE = "police", "Police reference"
    SCHOOL = "school", "School reference"
    OWN = "own", "Our own reference in another system"
    TELEPHONE = "telephone", "Telephone"
    EMAIL = "email", "Email"
    RELATIONSHIP = "relationship", "Relationship"
    DEATH = "death", "Died"
    ESTIMATED_BIRTH = "estimated_birth", "Estimated date of birth"


class NumberStatus(models.TextChoices):
    """How sure an NHS number is. Source: NHS Data Dictionary, NHS number status indicator."""

    VERIFIED = "verified", "Number present and verified"
    NOT_VERIFIED = "not_verified", "Number present but not verified"
    NOT_FOUND = "not_found", "Traced, not found"
    CONFLICT = "conflict", "Traced, more than one person or a conflict"
    NOT_TRACED = "not_traced", "Not traced"


class SafeToUse(models.TextChoices):
    """Whether it is safe to reach somebody by this telephone or email address."""

    SAFE = "safe", "Safe to use"
    NOT_SAFE = "not_safe", "Not safe to use"
    NOT_KNOWN = "not_known", "Not known whether it is safe"


class PersonDetail(models.Model):
    """
    Something that somebody said about a person: from a day, to a day, if these are known.

    It stays on record. When it no longer applies it ends, and still shows former names and homes. What was recorded in
    error never was so: it stays on record, and nobody is found or compared by it.

    `qualifier` is a `NumberStatus` for an NHS number, a `SafeToUse` for a telephone or an email address, and what the
    other is to the person for a relationship.
    """

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="details")
    kind = models.CharField(max_length=20, choices=DetailKind)
    value = models.CharField(max_length=300, blank=True)
    postcode = models.CharField(max_length=8, blank=True)
    qualifier = models.CharField(max_length=100, blank=True)
    other = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    from_date = models.DateField(null=True)
    to_date = models.DateField(null=True)
    said_by = models.CharField(max_length=200)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    ended_because = models.TextField(blank=True)
    in_error_at = models.DateTimeField(null=True)
    in_error_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    in_error_because = models.TextField(blank=True, default="", db_default="")

    class Meta:
        ordering: ClassVar = ["kind", "-id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(value__regex=NOT_BLANK)
                | Q(postcode__regex=NOT_BLANK)
                | Q(kind__in=[DetailKind.DEATH, DetailKind.ESTIMATED_BIRTH], from_date__isnull=False)
                | Q(kind=DetailKind.RELATIONSHIP, other__isnull=False, qualifier__regex=NOT_BLANK),
                name="a_detail_of_a_person_says_something",
            ),
            models.CheckConstraint(condition=Q(said_by__regex=NOT_BLANK), name="a_detail_of_a_person_says_who_said_so"),
            models.CheckConstraint(
                condition=Q(from_date__isnull=True) | Q(to_date__isnull=True) | Q(to_date__gte=F("from_date")),
                name="a_detail_of_a_person_ends_after_it_begins",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_by__isnull=True, ended_because="")
                | Q(
                    ended_at__isnull=False,
                    ended_at__gte=F("recorded_at"),
                    ended_by__isnull=False,
                    ended_because__regex=NOT_BLANK,
                ),
                name="a_detail_that_ended_says_who_when_and_why",
            ),
            models.CheckConstraint(
                condition=Q(in_error_at__isnull=True, in_error_by__isnull=True, in_error_because="")
                | Q(
                    in_error_at__isnull=False,
                    in_error_at__gte=F("recorded_at"),
                    in_error_by__isnull=False,
                    in_error_because__regex=NOT_BLANK,
                ),
                name="a_detail_in_error_says_who_when_and_why",
            ),
        ]
        indexes: ClassVar = [
            # For searches.
            models.Index(Plain("value"), name="detail_of_person_by_value", condition=Q(in_error_at__isnull=True)),
            *where_set("detail_of_person", "other"),
        ]
        triggers: ClassVar = [
            refuse_if(
                """TG_OP = 'DELETE' OR OLD.in_error_at IS NOT NULL
                   OR (OLD.ended_at IS NOT NULL OR NEW.ended_at IS NULL)
                   AND (to_jsonb(NEW) - ARRAY['in_error_at', 'in_error_by_id', 'in_error_because'])
                       IS DISTINCT FROM (to_jsonb(OLD) - ARRAY['in_error_at', 'in_error_by_id', 'in_error_because'])
                   OR OLD.to_date IS NOT NULL AND NEW.to_date IS DISTINCT FROM OLD.to_date
                   OR (to_jsonb(NEW) - ARRAY['ended_at', 'ended_by_id', 'ended_because', 'to_date',
                                             'in_error_at', 'in_error_by_id', 'in_error_because'])
                      IS DISTINCT FROM
                      (to_jsonb(OLD) - ARRAY['ended_at', 'ended_by_id', 'ended_because', 'to_date',
                                             'in_error_at', 'in_error_by_id', 'in_error_because'])""",
                on=pgtrigger.Update | pgtrigger.Delete,
                name="a_detail_of_a_person_ends_once",
                message="What was said about a person ends once, is in error once, and stays on record.",
            ),
            never_emptied("details_of_people_are_never_emptied", "What was said about people stays on record."),
        ]

    def __str__(self) -> str:
        return f"{self.person_id}: {self.kind}"
