"""The versions of rule sets, as the database keeps them."""

from datetime import datetime
from typing import Any, ClassVar

import pgtrigger
from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q

from triage.said_as import version_said


class Stage(models.TextChoices):
    """Where a version stands. Moments are stored, this word is derived from them."""

    DRAFT = "draft", "Draft"
    PROVED = "proved", "Proved, waits for approval"
    SCHEDULED = "scheduled", "Published, not live yet"
    LIVE = "live", "Published, live now"
    RETIRED = "retired", "Retired"
    CALLED_OFF = "called_off", "Called off before it was live"
    DISCARDED = "discarded", "Discarded"


PEOPLE_AND_MOMENTS = (
    "based_on_id", "edition", "shipped_as", "drafted_by_id", "drafted_at", "safety_changed_by_id", "proposed_by_id",
    "proposed_at", "proposal", "approved_by_id", "discarded_at",
)  # fmt: skip


def _columns(row: str) -> str:
    return ", ".join(f"{row}.{name}" for name in PEOPLE_AND_MOMENTS)


def _person(what: str) -> "models.ForeignKey[Any, Any]":
    return models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=what
    )


class RuleSetVersion(models.Model):
    """
    A version of a rule set: a draft that is worked on, or what was published and never changes again.

    `live` is the time in which contacts are triaged by it; it includes its first moment, which may lie ahead, and
    excludes its last; the version that is live now has no last moment yet. `edition` counts the changes of a draft: a
    replay belongs to the edition that it ran. What comes with the product nobody drafted: it is live from the start in
    a new service, and a draft where another version is live. `shipped_as` is what the product calls such a draft, whose
    number here is another where a council has used that one.
    """

    name = models.CharField(max_length=100)
    version = models.PositiveIntegerField()
    document = models.JSONField()
    based_on = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="drafts")
    edition = models.PositiveIntegerField(default=1)
    shipped_as = models.CharField(max_length=120, blank=True)
    drafted_by = _person("drafted by")
    drafted_at = models.DateTimeField(null=True, blank=True)
    safety_changed_by = _person("safety scenarios changed by")
    proposed_by = _person("proposed by")
    proposed_at = models.DateTimeField(null=True, blank=True)
    proposal = models.TextField("what it is for", blank=True)
    approved_by = _person("approved by")
    published_at = models.DateTimeField(null=True, blank=True)
    live = DateTimeRangeField(null=True, blank=True)
    discarded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["name", "version"]
        verbose_name = "rule set"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["name", "version"], name="a_rule_set_has_each_version_once"),
            models.UniqueConstraint(
                fields=["shipped_as"], condition=~Q(shipped_as=""), name="what_the_product_brings_comes_once"
            ),
            ExclusionConstraint(
                name="one_rule_set_is_live_at_an_instant", expressions=[("live", RangeOperators.OVERLAPS)]
            ),
            models.CheckConstraint(
                condition=Q(live__isnull=True) | Q(published_at__isnull=False),
                name="a_live_rule_set_is_published",
            ),
            models.CheckConstraint(
                condition=Q(drafted_by__isnull=True, drafted_at__isnull=True)
                | Q(drafted_by__isnull=False, drafted_at__isnull=False),
                name="a_draft_says_who_and_when",
            ),
            models.CheckConstraint(
                condition=Q(proposed_by__isnull=True, proposed_at__isnull=True)
                | Q(proposed_by__isnull=False, proposed_at__isnull=False, proposal__regex=r"\S"),
                name="a_proposal_says_who_when_and_what_for",
            ),
            models.CheckConstraint(
                condition=Q(published_at__isnull=True, approved_by__isnull=True)
                | Q(drafted_by__isnull=True, based_on__isnull=True, approved_by__isnull=True)
                | (
                    Q(published_at__isnull=False, approved_by__isnull=False, proposed_by__isnull=False)
                    & ~Q(approved_by=F("proposed_by"))
                ),
                name="two_people_publish_a_draft",
            ),
            models.CheckConstraint(
                condition=Q(discarded_at__isnull=True) | Q(published_at__isnull=True),
                name="what_is_published_is_not_discarded",
            ),
        ]
        triggers: ClassVar = [
            pgtrigger.Trigger(
                name="a_published_rule_set_never_changes",
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
                func=f"""
                    IF TG_OP = 'UPDATE' AND OLD.published_at IS NULL THEN
                        RETURN NEW;
                    END IF;
                    IF TG_OP = 'DELETE' AND OLD.published_at IS NULL THEN
                        RETURN OLD;
                    END IF;
                    -- All that may still happen to it: to go live, to stop being live, and, as long as a moment lies
                    -- ahead, that this moment is taken back.
                    IF TG_OP = 'UPDATE'
                        AND (NEW.id, NEW.name, NEW.version, NEW.document, NEW.published_at, {_columns("NEW")})
                            IS NOT DISTINCT FROM
                            (OLD.id, OLD.name, OLD.version, OLD.document, OLD.published_at, {_columns("OLD")})
                        AND (OLD.live IS NULL
                            OR (lower(NEW.live) = lower(OLD.live)
                                AND (upper_inf(OLD.live) OR upper(OLD.live) > now()))
                            OR (NEW.live IS NULL AND lower(OLD.live) > now()))
                    THEN
                        RETURN NEW;
                    END IF;
                    RAISE EXCEPTION 'A published rule set never changes: publish a new version instead.'
                        USING ERRCODE = 'integrity_constraint_violation',
                              CONSTRAINT = 'a_published_rule_set_never_changes';
                """,
            ),
            pgtrigger.Trigger(
                name="what_was_proposed_stays_as_it_was_proved",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                func="""
                    IF OLD.proposed_at IS NOT NULL AND NEW.proposed_at IS NOT NULL
                        AND (NEW.document, NEW.edition) IS DISTINCT FROM (OLD.document, OLD.edition)
                    THEN
                        RAISE EXCEPTION 'A proposed rule set stays as it was proved: take the proposal back first.'
                            USING ERRCODE = 'integrity_constraint_violation',
                                  CONSTRAINT = 'what_was_proposed_stays_as_it_was_proved';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}/{self.version}"

    @property
    def called(self) -> str:
        """The version as people read it."""
        return version_said(str(self))

    def stage(self, now: datetime) -> Stage:
        """Where this version stands at a moment."""
        if self.discarded_at is not None:
            return Stage.DISCARDED
        if self.published_at is None:
            return Stage.PROVED if self.proposed_at is not None else Stage.DRAFT
        if self.live is None:
            return Stage.CALLED_OFF
        if self.live.lower > now:
            return Stage.SCHEDULED
        return Stage.RETIRED if self.live.upper is not None and self.live.upper <= now else Stage.LIVE
