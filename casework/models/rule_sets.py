"""Replays of a rule set over past contacts, re-checks of stored recommendations, and counts of threshold checks."""

from typing import ClassVar

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from casework.models.choices import RAGS
from casework.models.contacts import Contact
from casework.models.refusals import NOT_BLANK, append_only, never_emptied, refuse_if
from localities.models import Agency, User
from triage.direction import Direction
from triage.models import RuleSetVersion

ENDED = Q(finished_at__isnull=False) | Q(cancelled_at__isnull=False) | Q(failed_at__isnull=False)


class ReplayQuerySet(models.QuerySet["Replay"]):
    def unfinished(self) -> "ReplayQuerySet":
        """The replays that wait or run."""
        return self.exclude(ENDED)


class Replay(models.Model):
    """
    A replay: what a rule set would have recommended on the stored facts of past contacts.

    Somebody asks for it; a worker claims it with a lease and runs it. After a crash another worker starts it again.
    `result` is kept for ever.
    """

    rule_set = models.ForeignKey(RuleSetVersion, on_delete=models.PROTECT, related_name="replays")
    edition = models.PositiveIntegerField(help_text="Of the rule set, when somebody asked for it.")
    first_day = models.DateField()
    last_day = models.DateField()
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    leased_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    contacts = models.PositiveIntegerField(null=True, help_text="How many there are in the period.")
    done = models.PositiveIntegerField(default=0)
    finished_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)
    cancelled_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    failed_at = models.DateTimeField(null=True)
    failure = models.TextField(blank=True)
    result = models.JSONField(null=True)

    objects = ReplayQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(last_day__gte=F("first_day")), name="a_replay_ends_after_it_begins"),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True, result__isnull=True)
                | Q(finished_at__isnull=False, result__isnull=False, cancelled_at__isnull=True, failed_at__isnull=True),
                name="a_finished_replay_and_no_other_has_a_result",
            ),
            models.CheckConstraint(
                condition=Q(cancelled_at__isnull=True, cancelled_by__isnull=True)
                | Q(cancelled_at__isnull=False, cancelled_by__isnull=False),
                name="a_cancelled_replay_says_who",
            ),
            models.CheckConstraint(
                condition=Q(failed_at__isnull=True, failure="") | (Q(failed_at__isnull=False) & ~Q(failure="")),
                name="a_failed_replay_says_why",
            ),
            models.UniqueConstraint(
                fields=["rule_set"], condition=~ENDED, name="a_rule_set_is_replayed_once_at_a_time"
            ),
        ]
        triggers: ClassVar = [
            refuse_if(
                "TG_OP = 'DELETE' OR OLD.finished_at IS NOT NULL OR OLD.cancelled_at IS NOT NULL",
                on=pgtrigger.Update | pgtrigger.Delete,
                name="the_result_of_a_replay_is_kept",
                message="The result of a replay is kept as it is.",
            ),
            never_emptied("replays_are_never_emptied", "Replays are kept."),
        ]

    def __str__(self) -> str:
        return f"{self.rule_set}, {self.first_day} to {self.last_day}"


class ReplayedContact(models.Model):
    """
    A contact whose recommendation the replayed rule set would change: before, after, and what people decided.

    `direction` is that of the change. `agrees_with_people` is true if the decision differed from the old recommendation
    in the same direction. A team is the code of a locality team, or the kind of another team.
    """

    replay = models.ForeignKey(Replay, on_delete=models.PROTECT, related_name="changed", db_index=False)
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="+")
    before_pathway = models.CharField(max_length=50)
    before_rag = models.CharField(max_length=5, choices=RAGS)
    before_level = models.PositiveSmallIntegerField()
    before_hold = models.CharField(max_length=20, blank=True)
    before_team = models.CharField(max_length=50, blank=True)
    after_pathway = models.CharField(max_length=50)
    after_rag = models.CharField(max_length=5, choices=RAGS)
    after_level = models.PositiveSmallIntegerField()
    after_hold = models.CharField(max_length=20, blank=True)
    after_team = models.CharField(max_length=50, blank=True)
    decided_pathway = models.CharField(max_length=50, blank=True)
    decided_rag = models.CharField(max_length=5, choices=RAGS, blank=True)
    direction = models.CharField(max_length=10, choices=[(each.value, each.value) for each in Direction], blank=True)
    agrees_with_people = models.BooleanField()

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["replay", "contact"], name="a_replay_lists_a_contact_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["replay", "direction", "id"], name="replayed_by_direction"),
            models.Index(fields=["replay", "id"], name="replayed_with_people", condition=Q(agrees_with_people=True)),
        ]
        triggers: ClassVar = [
            refuse_if(
                """EXISTS (
                       SELECT FROM public.casework_replay
                       WHERE id IN (OLD.replay_id, NEW.replay_id) AND finished_at IS NOT NULL
                   )""",
                on=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
                name="what_a_finished_replay_found_stays",
                message="What a finished replay found is kept as it is.",
            ),
            never_emptied("what_replays_found_is_never_emptied", "What replays found is kept."),
        ]

    def __str__(self) -> str:
        return f"{self.contact}: {self.before_pathway} to {self.after_pathway}"


class RuleSetReasonKind(models.TextChoices):
    """The steps for which somebody must give a reason."""

    SENT_BACK = "sent_back", "Sent back"
    CALLED_OFF = "called_off", "Called off"


class RuleSetReason(models.Model):
    """
    Why a proposal was sent back, or a published version called off, in the words of who did it.

    The audit says that it happened; what somebody wrote stands here.
    """

    rule_set = models.ForeignKey(RuleSetVersion, on_delete=models.PROTECT, related_name="reasons")
    kind = models.CharField(max_length=10, choices=RuleSetReasonKind)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()
    reason = models.TextField()

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(reason__regex=NOT_BLANK), name="a_rule_set_comes_back_for_a_reason")
        ]
        triggers: ClassVar = append_only(
            "why_a_rule_set_came_back_stays", "Why a rule set was sent back or called off stays as it was written."
        )

    def __str__(self) -> str:
        return f"{self.rule_set}: {self.get_kind_display().lower()}"


class Recheck(models.Model):
    """A re-check of stored recommendations. Those in `differing` came out differently from what was stored."""

    at = models.DateTimeField()
    checked = models.PositiveIntegerField()
    differing = ArrayField(models.BigIntegerField(), default=list, help_text="Recommendations that did not.")

    class Meta:
        ordering: ClassVar = ["-id"]
        triggers: ClassVar = append_only("a_recheck_never_changes", "What a re-check found is kept as it is.")

    def __str__(self) -> str:
        return f"{self.checked} checked, {len(self.differing)} differ"


class ThresholdChecks(models.Model):
    """The number of threshold checks that an agency made on a day. The service keeps nothing else about them."""

    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+", db_index=False)
    day = models.DateField()
    count = models.PositiveIntegerField()

    class Meta:
        ordering: ClassVar = ["-day"]
        verbose_name = verbose_name_plural = "threshold checks"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["agency", "day"], name="checks_of_an_agency_are_counted_by_day")
        ]

    def __str__(self) -> str:
        return f"{self.agency}, {self.day}: {self.count}"
