"""
Restricted records: who may open them, who broke the glass, and who has a conflict of interest.

A restriction is of a person. A contact or case is closed to a user when somebody on it is restricted and the user is
neither the owner nor named nor has broken the glass; or when the user has a conflict of interest in somebody on it. So
it is when somebody on it is a child of such a person, or may be such a person or child, until somebody says whether
they are one (`visibility.CLOSES`).
Whether a record is closed is asked when it is read, and stored nowhere.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar

import pgtrigger
from django.db import models
from django.db.models import F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Coalesce

from casework.models.indexes import where_set
from casework.models.people import Person
from casework.models.refusals import NOT_BLANK, never_deleted, refuse_if
from casework.models.visibility import closes_one_of, keeps_out
from casework.references import new_restriction_reference
from localities.models import User

# How long a broken glass lets somebody in: long enough for a night's visit, over before the next shift.
GLASS_IS_BROKEN_FOR = timedelta(hours=4)
# A record may be joined with an older one, which then stands for the person.
REPRESENTATIVE = Coalesce("person__same_as", "person")


class RestrictionKind(models.TextChoices):
    """Why few may open a record."""

    RELATIVE_OF_STAFF = "relative_of_staff", "Relative of a member of staff"
    ADOPTED = "adopted", "Adopted child"
    HIGH_PROFILE = "high_profile", "High profile"
    POLICE_PROTECTION = "police_protection", "Police protection"
    OTHER = "other", "Another reason"


class RestrictionQuerySet(models.QuerySet["Restriction"]):
    def of(self, people: Any) -> RestrictionQuerySet:
        """:param people: the ids of records that stand for people, or a query for them."""
        return self.annotate(stands=REPRESENTATIVE).filter(stands__in=people)

    def closing(self, people: Any) -> RestrictionQuerySet:
        """
        Those that close a record with these people on it: of one of them, of a parent of one, or of somebody who one of
        them may be.

        :param people: the ids of records that stand for people, or a query for them.
        """
        return self.filter(closes_one_of(REPRESENTATIVE, people))

    def people(self) -> QuerySet[Any, Any]:
        """The ids of the records that stand for the restricted people."""
        return self.order_by().values(stands=REPRESENTATIVE)

    def in_force(self) -> RestrictionQuerySet:
        return self.filter(lifted_at__isnull=True)

    def manageable_by(self, user: User) -> RestrictionQuerySet:
        """Those of people in whom, and in whoever they may be, this user has no conflict of interest."""
        return self.exclude(pk__in=self.closing(ConflictPerson.objects.in_force(user).people()))

    def closed_to(self, user: User | OuterRef, now: datetime) -> RestrictionQuerySet:
        """
        The restrictions in force that keep this user out at this moment.

        :param user: a user, or the column of an outer query that holds the id of one.
        """
        return self.filter(keeps_out(user if isinstance(user, OuterRef) else Value(user.pk), now))


class Restriction(models.Model):
    """
    A restriction of a person's records to its owner and those who are named.

    `person` is the record that was restricted. All records that are joined with it are restricted as long as they are.
    """

    reference = models.CharField(max_length=13, unique=True, default=new_restriction_reference, editable=False)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=20, choices=RestrictionKind)
    reason = models.TextField()
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    restricted_at = models.DateTimeField()
    restricted_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    lifted_at = models.DateTimeField(null=True)
    lifted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    lift_reason = models.TextField(blank=True)

    objects = RestrictionQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["person"],
                condition=Q(lifted_at__isnull=True),
                name="a_record_is_restricted_once_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=RestrictionKind.values), name="a_restriction_is_of_a_known_kind"
            ),
            models.CheckConstraint(condition=Q(reason__regex=NOT_BLANK), name="a_restriction_has_a_reason"),
            models.CheckConstraint(
                condition=Q(lifted_at__isnull=True, lifted_by__isnull=True, lift_reason="")
                | Q(
                    lifted_at__isnull=False,
                    lifted_at__gte=F("restricted_at"),
                    lifted_by__isnull=False,
                    lift_reason__regex=NOT_BLANK,
                ),
                name="a_lifted_restriction_says_who_when_and_why",
            ),
        ]
        triggers: ClassVar = [
            *never_deleted("a_restriction_stays", "A restriction is lifted, never deleted."),
            refuse_if(
                """OLD.lifted_at IS NOT NULL OR (
                       NEW.reference, NEW.person_id, NEW.kind, NEW.reason, NEW.restricted_at, NEW.restricted_by_id
                   ) IS DISTINCT FROM (
                       OLD.reference, OLD.person_id, OLD.kind, OLD.reason, OLD.restricted_at, OLD.restricted_by_id
                   )""",
                on=pgtrigger.Update,
                name="a_restriction_is_lifted_once",
                message="A restriction stays as it was made, and is lifted once.",
            ),
        ]

    def __str__(self) -> str:
        return self.reference


class RestrictedAccessQuerySet(models.QuerySet["RestrictedAccess"]):
    def in_force(self, now: datetime) -> RestrictedAccessQuerySet:
        return self.filter(Q(until__isnull=True) | Q(until__gt=now))

    def broken_glass(self) -> RestrictedAccessQuerySet:
        return self.filter(given_by__isnull=True)


class RestrictedAccess(models.Model):
    """
    A user's way into a restricted record: somebody named them (`given_by`), or they broke the glass (null).

    `until` is null for somebody who is named, until they are taken off; a broken glass always has an end. `contact` or
    `case` is what was opened by breaking the glass.
    """

    restriction = models.ForeignKey(Restriction, on_delete=models.PROTECT, related_name="access", db_index=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    given_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    reason = models.TextField()
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    contact = models.ForeignKey(
        "casework.Contact", on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    case = models.ForeignKey("casework.Case", on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    reviewed_at = models.DateTimeField(null=True)
    reviewed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    review = models.TextField(blank=True)

    objects = RestrictedAccessQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["id"]
        verbose_name_plural = "restricted access"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["restriction", "user"],
                condition=Q(given_by__isnull=False, until__isnull=True),
                name="somebody_is_named_once_at_a_time",
            ),
            models.CheckConstraint(condition=Q(reason__regex=NOT_BLANK), name="who_opens_a_restricted_record_says_why"),
            models.CheckConstraint(condition=~Q(given_by=F("user")), name="nobody_names_themselves"),
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gte=F("since")), name="access_ends_after_it_begins"
            ),
            models.CheckConstraint(
                condition=Q(given_by__isnull=False) | Q(until__isnull=False), name="a_broken_glass_has_an_end"
            ),
            models.CheckConstraint(
                condition=Q(reviewed_at__isnull=True, reviewed_by__isnull=True, review="")
                | (
                    Q(
                        given_by__isnull=True,
                        reviewed_at__isnull=False,
                        reviewed_by__isnull=False,
                        review__regex=NOT_BLANK,
                    )
                    & ~Q(reviewed_by=F("user"))
                ),
                name="another_person_reviews_a_broken_glass",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["restriction", "user"], name="restricted_access_of_user"),
            models.Index(
                fields=["since"],
                name="broken_glass_to_review",
                condition=Q(given_by__isnull=True, reviewed_at__isnull=True),
            ),
        ]
        triggers: ClassVar = [
            *never_deleted("who_could_open_a_restricted_record_stays", "Who could open a restricted record stays."),
            refuse_if(
                """EXISTS (
                    SELECT FROM public.casework_restriction WHERE id = NEW.restriction_id AND lifted_at IS NOT NULL
                )""",
                on=pgtrigger.Insert,
                name="nobody_is_let_in_where_a_restriction_was_lifted",
                message="This restriction was lifted: everybody may open the record.",
            ),
            refuse_if(
                """OLD.reviewed_at IS NOT NULL OR NEW.until > OLD.until OR (OLD.until IS NOT NULL AND NEW.until IS NULL)
                   OR (NEW.restriction_id, NEW.user_id, NEW.given_by_id, NEW.reason, NEW.since, NEW.contact_id,
                       NEW.case_id)
                      IS DISTINCT FROM (OLD.restriction_id, OLD.user_id, OLD.given_by_id, OLD.reason, OLD.since,
                       OLD.contact_id, OLD.case_id)""",
                on=pgtrigger.Update,
                name="access_is_never_prolonged",
                message="Access to a restricted record ends, and is never prolonged. A review stays as it is.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.restriction}: {self.user}"


class ConflictOfInterest(models.Model):
    """A user's conflict of interest in the people of a record, who are in `people`. Another person ends it."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    contact = models.ForeignKey(
        "casework.Contact", on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    case = models.ForeignKey("casework.Case", on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    reason = models.TextField()
    declared_at = models.DateTimeField()
    declared_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    end_reason = models.TextField(blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name_plural = "conflicts of interest"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(contact__isnull=False, case__isnull=True) | Q(contact__isnull=True, case__isnull=False),
                name="a_conflict_of_interest_is_in_a_contact_or_a_case",
            ),
            models.CheckConstraint(condition=Q(reason__regex=NOT_BLANK), name="a_conflict_of_interest_has_a_reason"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_by__isnull=True, end_reason="")
                | (
                    Q(
                        ended_at__isnull=False,
                        ended_at__gte=F("declared_at"),
                        ended_by__isnull=False,
                        end_reason__regex=NOT_BLANK,
                    )
                    & ~Q(ended_by=F("user"))
                ),
                name="another_person_ends_a_conflict_of_interest",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["user"], name="conflict_of_interest_in_force", condition=Q(ended_at__isnull=True)),
            *where_set("conflict", "contact", "case"),
        ]
        triggers: ClassVar = [
            *never_deleted("a_conflict_of_interest_stays", "A conflict of interest is ended, never deleted."),
            refuse_if(
                """OLD.ended_at IS NOT NULL
                   OR (NEW.user_id, NEW.contact_id, NEW.case_id, NEW.reason, NEW.declared_at, NEW.declared_by_id)
                      IS DISTINCT FROM
                      (OLD.user_id, OLD.contact_id, OLD.case_id, OLD.reason, OLD.declared_at, OLD.declared_by_id)""",
                on=pgtrigger.Update,
                name="a_conflict_of_interest_ends_once",
                message="A conflict of interest stays as it was declared, and ends once.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.contact or self.case}"


class ConflictPersonQuerySet(models.QuerySet["ConflictPerson"]):
    def closing(self, people: Any) -> ConflictPersonQuerySet:
        """
        Those that close a record with these people on it: see `RestrictionQuerySet.closing`.

        :param people: the ids of records that stand for people, or a query for them.
        """
        return self.filter(closes_one_of(REPRESENTATIVE, people))

    def people(self) -> QuerySet[Any, Any]:
        """The ids of the records that stand for these people."""
        return self.order_by().values(stands=REPRESENTATIVE)

    def in_force(self, user: User | OuterRef) -> ConflictPersonQuerySet:
        """The people in whom this user has a conflict of interest now."""
        return self.filter(conflict__user=_of(user), conflict__ended_at__isnull=True)


class ConflictPerson(models.Model):
    """A person in whom somebody has a conflict of interest: their record on the contact or case. See `Restriction`."""

    conflict = models.ForeignKey(ConflictOfInterest, on_delete=models.PROTECT, related_name="people", db_index=False)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)

    objects = ConflictPersonQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "conflict people"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["conflict", "person"], name="a_person_is_in_a_conflict_once"),
        ]
        triggers: ClassVar = never_deleted("a_person_in_a_conflict_stays", "Who is in a conflict of interest stays.")

    def __str__(self) -> str:
        return f"{self.conflict}: person"


def _of(user: User | OuterRef) -> Any:
    """In a subquery, the column of an outer query is one query further out."""
    return OuterRef(user) if isinstance(user, OuterRef) else user
