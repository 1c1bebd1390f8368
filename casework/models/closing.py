"""What is said when a case is closed: who was seen, what the family says, and who supports it now."""

from typing import Any, ClassVar

import pgtrigger
from django.db import models
from django.db.models import F, Q

from casework.models.cases import Case, Outcome
from casework.models.refusals import NOT_BLANK, append_only, never_emptied, refuse_if
from localities.models import User


class ClosingWords(models.Model):
    """
    What whoever closes a case, or asks to, says beside its outcome and what was done.

    A note says when and by whom somebody was seen, or why nobody was; what the family says in its own words, or why it
    was not asked.
    """

    children_seen = models.BooleanField()
    children_note = models.TextField()
    adults_seen = models.BooleanField()
    adults_note = models.TextField()
    family_asked = models.BooleanField()
    family_says = models.TextField()
    support = models.TextField(help_text="What happens next, and who supports the family now.")

    class Meta:
        abstract = True
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(condition=Q(children_note__regex=NOT_BLANK), name="a_%(class)s_has_the_children"),
            models.CheckConstraint(condition=Q(adults_note__regex=NOT_BLANK), name="a_%(class)s_has_the_adults"),
            models.CheckConstraint(condition=Q(family_says__regex=NOT_BLANK), name="a_%(class)s_has_the_family"),
            models.CheckConstraint(condition=Q(support__regex=NOT_BLANK), name="a_%(class)s_has_the_support"),
        ]


class Closing(ClosingWords):
    """
    What was said when a case was closed. Cases that were closed before this was asked have none.

    :ivar without_contact: nobody had been in contact with the family, so a lead closed it, and said why.
    """

    case = models.OneToOneField(Case, on_delete=models.PROTECT, related_name="closing")
    without_contact = models.BooleanField()
    lead_reason = models.TextField(blank=True)

    class Meta(ClosingWords.Meta):
        abstract = False
        constraints: ClassVar = [
            *ClosingWords.Meta.constraints,
            models.CheckConstraint(
                condition=Q(without_contact=False)
                | Q(lead_reason__regex=NOT_BLANK, children_seen=False, adults_seen=False),
                name="a_case_closes_without_contact_for_a_leads_reason",
            ),
        ]
        triggers: ClassVar = [
            *append_only("a_closing_never_changes", "What was said when a case closed stays."),
            refuse_if(
                """NOT EXISTS (
                    SELECT FROM public.casework_closingrequest request
                    JOIN public.casework_case subject ON subject.id = request.case_id
                    WHERE request.case_id = NEW.case_id AND request.stays_open_because = ''
                    AND request.answered_by_id = subject.closed_by_id AND request.asked_by_id <> subject.closed_by_id
                    AND subject.lead_practitioner_id IS DISTINCT FROM subject.closed_by_id
                )""",
                on=pgtrigger.Insert,
                where="NEW.without_contact",
                name="two_people_close_without_contact",
                message="Two people close a case whose family nobody met: one asks, another who leads the team agrees.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case}: closing"


class ClosingRequest(ClosingWords):
    """
    A practitioner asks whoever leads the team to close a case whose family nobody was in contact with.

    It is answered by closing the case, or by a reason why it stays open.
    """

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="closing_requests")
    outcome = models.CharField(max_length=20, choices=Outcome)
    summary = models.TextField()
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    answered_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    answered_at = models.DateTimeField(null=True)
    stays_open_because = models.TextField(blank=True)

    class Meta(ClosingWords.Meta):
        abstract = False
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            *ClosingWords.Meta.constraints,
            models.CheckConstraint(condition=Q(outcome__in=Outcome.values), name="a_closingrequest_has_an_outcome"),
            models.CheckConstraint(condition=Q(summary__regex=NOT_BLANK), name="a_closingrequest_says_what_was_done"),
            models.UniqueConstraint(
                fields=["case"], condition=Q(answered_at__isnull=True), name="a_case_has_one_open_closing_request"
            ),
            models.CheckConstraint(
                condition=Q(answered_at__isnull=True, answered_by__isnull=True, stays_open_because="")
                | Q(answered_at__isnull=False, answered_at__gte=F("asked_at"), answered_by__isnull=False),
                name="an_answered_closing_request_says_who_and_when",
            ),
        ]
        triggers: ClassVar = [
            refuse_if(
                """TG_OP = 'DELETE' OR OLD.answered_at IS NOT NULL
                   OR to_jsonb(NEW) - '{answered_at,answered_by_id,stays_open_because}'::text[]
                      <> to_jsonb(OLD) - '{answered_at,answered_by_id,stays_open_because}'::text[]""",
                on=pgtrigger.Update | pgtrigger.Delete,
                name="a_closing_request_is_answered_once",
                message="A request to close a case is answered once, and stays as it was written.",
            ),
            never_emptied("closing_requests_are_never_emptied", "Requests to close a case are never deleted."),
        ]

    def __str__(self) -> str:
        return f"{self.case}: request to close"
