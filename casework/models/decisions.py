"""Recommendations by the rules, decisions by people, and their sign-offs. All three are append-only."""

from typing import ClassVar

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Func, Q, Value

from casework.models.cases import Case
from casework.models.choices import RAGS
from casework.models.contacts import Contact
from casework.models.refusals import NOT_BLANK, append_only, refuse_if
from localities.models import Team, User
from triage.models import RuleSetVersion


class Recommendation(models.Model):
    """
    What the rules recommended at a moment.

    It stores the facts and the version of the rule set, so that it can be recomputed at any time.
    """

    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="recommendations")
    rule_set = models.ForeignKey(RuleSetVersion, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    facts = models.JSONField()
    result = models.JSONField()
    pathway = models.CharField(max_length=50)
    rag = models.CharField(max_length=5, choices=RAGS)
    level = models.PositiveSmallIntegerField()
    hold = models.CharField(max_length=20, blank=True)
    # The names of the rules and aggravators that fired, so that reports count them without reading every result.
    rules = models.GeneratedField(
        expression=Func(F("result"), Value("$.reasons[*].rule"), function="jsonb_path_query_array"),
        output_field=models.JSONField(),
        db_persist=True,
    )

    class Meta:
        ordering: ClassVar = ["id"]
        triggers: ClassVar = append_only("a_recommendation_never_changes", "A recommendation never changes.")

    def __str__(self) -> str:
        return f"{self.pathway}, {self.rag}"


class StaleRecommendation(models.Model):
    """
    A note that the recommendation of a waiting contact is stale: a case of one of its children has opened, a match of
    somebody in its household was settled, one of them was corrected, or an address was hidden or shown again.

    A job renews the recommendation within seconds, and deletes the note.
    """

    contact = models.OneToOneField(Contact, on_delete=models.PROTECT, primary_key=True, related_name="+")
    since = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["since"]

    def __str__(self) -> str:
        return f"{self.contact} since {self.since:%Y-%m-%d %H:%M}"


class Decision(models.Model):
    """What a named person decided, and why. It takes effect at once, or when a second person signs it off."""

    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="decisions")
    recommendation = models.ForeignKey(Recommendation, on_delete=models.PROTECT, related_name="decisions")
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField()
    pathway = models.CharField(max_length=50)
    level = models.PositiveSmallIntegerField()
    rag = models.CharField(max_length=5, choices=RAGS)
    overrides = models.BooleanField(help_text="It differs from the recommendation.")
    rationale = models.TextField()
    # What the household's history is and means, as the decider weighed it. Empty without history, and before November
    # 2026.
    history = models.TextField(blank=True, default="", db_default="")
    needs_sign_off = models.BooleanField()
    sign_off_reasons = ArrayField(models.TextField(), default=list)
    chosen_team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, related_name="+")
    chosen_team_reason = models.TextField(blank=True)
    chosen_case = models.ForeignKey(
        Case, on_delete=models.PROTECT, null=True, related_name="+", db_index=False,
        help_text="Of several open cases of the family, the one that the contact belongs to.",
    )  # fmt: skip
    answers_follow = ArrayField(
        models.BigIntegerField(), default=list, db_default=[],
        help_text="The questions to partners whose answers are passed on after the decision; all others end with it.",
    )  # fmt: skip

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(rationale__regex=NOT_BLANK), name="a_decision_has_a_rationale"),
            models.CheckConstraint(condition=Q(level__gte=1, level__lte=4), name="a_decision_is_at_level_1_2_3_or_4"),
            models.CheckConstraint(
                condition=Q(chosen_team__isnull=True) | Q(chosen_team_reason__regex=NOT_BLANK),
                name="a_team_is_chosen_for_a_reason",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["decided_at"], name="decision_by_moment")]
        triggers: ClassVar = [
            *append_only("a_decision_never_changes", "A decision never changes: decide again."),
            refuse_if(
                """EXISTS (
                       SELECT FROM public.casework_recommendation r
                       JOIN public.casework_contact c ON c.id = r.contact_id
                       WHERE r.id = NEW.recommendation_id AND r.hold = 'screening' AND c.screened_at IS NULL
                   )""",
                on=pgtrigger.Insert,
                name="what_waits_for_screening_is_not_decided",
                message="Nothing is decided on this contact until somebody has screened it.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pathway}, {self.rag}"


class SignOff(models.Model):
    """A second person's answer to a decision: agreed or declined."""

    decision = models.OneToOneField(Decision, on_delete=models.PROTECT, related_name="sign_off")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    agreed = models.BooleanField()
    rationale = models.TextField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(rationale__regex=NOT_BLANK), name="a_sign_off_has_a_rationale")
        ]
        indexes: ClassVar = [models.Index(fields=["at"], name="sign_off_by_moment")]
        triggers: ClassVar = [
            *append_only("a_sign_off_never_changes", "A sign-off never changes."),
            refuse_if(
                """EXISTS (
                       SELECT FROM public.casework_decision WHERE id = NEW.decision_id AND decided_by_id = NEW.by_id
                   )""",
                on=pgtrigger.Insert,
                name="the_second_person_is_another_person",
                message="The second person must be another person.",
            ),
            refuse_if(
                """NEW.agreed AND EXISTS (
                       SELECT FROM public.casework_decision d JOIN public.casework_contact c ON c.id = d.contact_id
                       WHERE d.id = NEW.decision_id AND d.recommendation_id IS DISTINCT FROM c.recommendation_id
                   )""",
                on=pgtrigger.Insert,
                name="what_was_overtaken_is_not_agreed_to",
                message="More is known since this was decided: it is decided again.",
            ),
        ]

    def __str__(self) -> str:
        return "agreed" if self.agreed else "declined"
