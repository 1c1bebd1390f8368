"""Cases, the team that is responsible for each at every instant, and the handoffs between teams."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.functional import cached_property

from casework.models.choices import RAGS
from casework.models.people import Person
from casework.models.refusals import NOT_BLANK, lacks_sign_off, never_emptied, refuse, refuse_if
from casework.models.restrictions import Restriction
from casework.models.visibility import is_closed_by, is_open_case, sees_case
from casework.references import new_case_reference
from casework.statuses import CaseStatus, HandoffStatus
from localities.models import Locality, OtherAuthority, Team, TeamKind, User
from triage.published_rules import of_version
from triage.rule_set_document import Work
from triage.ruleset import Rag, RuleSet

# From its third handoff on, only the team's lead or the service manager offers a case, and says why.
LEAD_OFFERS_FROM = 3
DECIDED_UNDER = "opened_by_decision__recommendation__rule_set_id"


class Outcome(models.TextChoices):
    """How work with a family ended."""

    NEEDS_MET = "needs_met", "The family's needs are met"
    UNIVERSAL_SERVICES = "universal_services", "Universal services carry on"
    NO_PROGRESS = "no_progress", "Ended without progress"
    DECLINED = "declined", "The family ended its agreement"
    MOVED_AWAY = "moved_away", "The family moved away"
    OTHER_AUTHORITY = "other_authority", "Passed to another authority"


# The variables of `one_responsible_team`. Its triggers are deferred to the end of the transaction, in which
# responsibility may pass from one team to the next.
RESPONSIBILITY_VARIABLES = [
    ("subject", "public.casework_case%ROWTYPE"),
    ("holders", "INTEGER"),
    ("held", "TSTZMULTIRANGE"),
]


def one_responsible_team(case_id: str) -> str:
    """The body of a trigger: an open case has one responsible team, a closed one has none, and there is no gap."""
    return f"""
        SELECT * INTO subject FROM public.casework_case WHERE id = {case_id};
        SELECT count(*) FILTER (WHERE upper_inf(period)), range_agg(period) INTO holders, held
        FROM public.casework_responsibility WHERE case_id = {case_id};
        IF subject.status = 'open' AND holders <> 1 THEN
            {refuse("an_open_case_has_one_responsible_team", "An open case has exactly one responsible team.")}
        END IF;
        IF subject.status = 'closed' AND holders <> 0 THEN
            {refuse("a_closed_case_has_no_responsible_team", "A closed case has no responsible team any more.")}
        END IF;
        IF held IS DISTINCT FROM tstzmultirange(tstzrange(subject.opened_at, subject.closed_at)) THEN
            {refuse("a_case_is_always_in_somebodys_hands", "From its opening to its closing a team holds a case.")}
        END IF;
        RETURN NULL;
    """  # noqa: S608  # the column's name, from our own models


class CaseQuerySet(models.QuerySet["Case"]):
    def visible_to(self, user: User, now: datetime) -> CaseQuerySet:
        """
        The cases that this user may see at this moment.

        Those who oversee practice see all. A team sees the cases that it is responsible for or that it is offered, and
        the closed cases that it was responsible for last. Nobody sees what is closed to them.
        """
        return self.in_scope_of(user, now).open_to(user, now)

    def in_scope_of(self, user: User, now: datetime) -> CaseQuerySet:
        """The cases that this user's roles would show them, were none restricted."""
        return self.filter(sees_case(user, now))

    def open_to(self, user: User, now: datetime) -> CaseQuerySet:
        """Without the cases that are closed to a user, by a child in them or by an adult on one of their contacts."""
        return self.filter(is_open_case(user, now, F("pk")))

    def with_restricted(self) -> CaseQuerySet:
        """`is_restricted` says whether a child or an adult of the case is restricted, or closed by somebody who is."""
        restricted = Restriction.objects.in_force().people()
        children = CaseChild.objects.filter(is_closed_by(F("person"), restricted), case=OuterRef("pk"))
        adults = Person.objects.filter(is_closed_by(F("pk"), restricted), contact_adults__contact__case=OuterRef("pk"))
        either = Q(Exists(children)) | Q(Exists(adults))
        return self.annotate(is_restricted=models.ExpressionWrapper(either, output_field=models.BooleanField()))

    def locked(self, *, skip_locked: bool = False) -> CaseQuerySet:
        """
        Locks the rows until the transaction ends. Every action on a case locks the case's row first.

        :param skip_locked: whether to leave out rows that another transaction has locked, and not wait for it.
        """
        return self.with_rule_set().select_for_update(of=("self",), no_key=True, skip_locked=skip_locked)

    def with_rule_set(self) -> CaseQuerySet:
        """With the version of the rules that each was decided under, which says what its pathway is."""
        return self.annotate(decided_under=F(DECIDED_UNDER))


class Case(models.Model):
    """A spell of work with a family. Exactly one team is responsible for it from its opening to its closing."""

    reference = models.CharField(max_length=13, unique=True, default=new_case_reference, editable=False)
    status = models.CharField(max_length=10, choices=CaseStatus, default=CaseStatus.OPEN)
    opened_at = models.DateTimeField()
    opened_by_decision = models.OneToOneField("casework.Decision", on_delete=models.PROTECT, related_name="opened_case")
    received_at = models.DateTimeField(help_text="When the contact that opened it arrived.")
    pathway = models.CharField(max_length=50)
    rag = models.CharField(max_length=5, choices=RAGS)
    locality = models.ForeignKey(Locality, on_delete=models.PROTECT, null=True, related_name="cases")
    route_reason = models.TextField()
    runner_up = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, related_name="+")
    lead_practitioner = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="led_cases")
    lead_left_on = models.DateField(
        null=True,
        help_text="The last day of the lead practitioner in the team, if they left and no other is named.",
    )
    other_authority = models.ForeignKey(OtherAuthority, on_delete=models.PROTECT, null=True, related_name="cases")
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    outcome = models.CharField(max_length=20, choices=Outcome, blank=True)
    closing_summary = models.TextField(blank=True)
    children = models.ManyToManyField(Person, through="CaseChild", related_name="cases")

    objects = CaseQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-opened_at", "-id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(status=CaseStatus.OPEN, closed_at__isnull=True, closed_by__isnull=True, outcome="")
                | (Q(status=CaseStatus.CLOSED, closed_at__isnull=False, closed_by__isnull=False) & ~Q(outcome="")),
                name="a_closed_case_says_who_when_and_with_what_outcome",
            ),
            models.CheckConstraint(
                condition=Q(lead_left_on__isnull=True) | Q(lead_practitioner__isnull=False),
                name="a_lead_who_left_was_named",
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True) | Q(closed_at__gte=models.F("opened_at")),
                name="a_case_closes_after_it_opens",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["opened_at"], name="case_open", condition=Q(status=CaseStatus.OPEN)),
        ]
        triggers: ClassVar = [
            pgtrigger.Trigger(
                name="an_open_case_has_one_responsible_team",
                when=pgtrigger.After,
                operation=pgtrigger.Insert | pgtrigger.Update,
                timing=pgtrigger.Deferred,
                declare=RESPONSIBILITY_VARIABLES,
                func=one_responsible_team("NEW.id"),
            ),
            refuse_if(
                lacks_sign_off("NEW.opened_by_decision_id"),
                on=pgtrigger.Insert | pgtrigger.Update,
                name="a_case_opens_by_a_decision_in_effect",
                message="The decision that opens this case still waits for a second person.",
            ),
            pgtrigger.Trigger(
                name="a_case_closes_with_what_was_said",
                when=pgtrigger.After,
                operation=pgtrigger.Update,
                timing=pgtrigger.Deferred,
                condition=pgtrigger.Condition("NEW.status = 'closed' AND OLD.status <> 'closed'"),
                func=f"""
        IF NOT EXISTS (SELECT FROM public.casework_closing WHERE case_id = NEW.id) THEN
            {refuse("a_case_closes_with_what_was_said", "Whoever closes a case says who was seen.")}
        END IF;
        RETURN NULL;
    """,  # our own words
            ),
            refuse_if(
                f"""NEW.rag <> OLD.rag AND NOT EXISTS (
                    SELECT FROM public.casework_handoff
                    WHERE case_id = NEW.id AND rag = NEW.rag AND rag_before = OLD.rag AND (
                        (kind = 'step_up' AND status = 'offered')
                        OR (kind = 'step_down' AND status = 'accepted'
                            AND (OLD.rag <> '{Rag.RED}' OR answered_by_id <> offered_by_id))
                    )
                )""",  # our own words
                on=pgtrigger.Update,
                name="a_step_changes_a_cases_rating",
                message="A case's rating changes with a step up or down. Red is lowered by two people.",
            ),
            refuse_if(
                "TG_OP = 'DELETE' OR OLD.status = 'closed'",
                on=pgtrigger.Update | pgtrigger.Delete,
                name="a_closed_case_stays_closed",
                message="A closed case stays as it is, and no case is deleted.",
            ),
            never_emptied("cases_are_never_emptied", "Cases are never deleted."),
        ]

    def __str__(self) -> str:
        return self.reference

    @cached_property
    def rule_set_id(self) -> int:
        """The version of the rules that it was decided under. A query, unless it was read `with_rule_set`."""
        read: int | None = getattr(self, "decided_under", None)
        return read or Case.objects.values_list(DECIDED_UNDER, flat=True).get(pk=self.pk)

    @property
    def rules(self) -> RuleSet:
        """The rules of the decision. They define the pathway."""
        return of_version(self.rule_set_id).rule_set

    @property
    def pathway_called(self) -> str:
        return self.rules.pathways[self.pathway].called

    @property
    def work(self) -> Work | None:
        """Whose work it is, and what kind of work."""
        return self.rules.pathways[self.pathway].work


class CaseChild(models.Model):
    """A child in a case: somebody who stands for a child of the family on one of its contacts."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, db_index=False)
    person = models.ForeignKey(Person, on_delete=models.PROTECT)

    class Meta:
        verbose_name_plural = "case children"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case", "person"], name="a_child_is_in_a_case_once"),
        ]
        triggers: ClassVar = [
            # Unless the child on the contact turns out to be somebody else, or of another family.
            refuse_if(
                """EXISTS (
                    SELECT FROM public.casework_contactchild child
                    JOIN public.casework_contact contact ON contact.id = child.contact_id
                    WHERE contact.case_id = OLD.case_id AND child.person_id = OLD.person_id AND child.in_family
                )""",
                on=pgtrigger.Delete,
                name="a_child_of_a_case_stays",
                message="A child with whom a case worked stays in it.",
            ),
            never_emptied("a_child_of_a_case_stays_all", "A child with whom a case worked stays in it."),
        ]

    def __str__(self) -> str:
        return f"{self.case}: child"


class HandoffKind(models.TextChoices):
    """The kinds of handoff. The two teams decide which one it is."""

    ALLOCATION = "allocation", "From the front door to a team"
    TRANSFER = "transfer", "Transfer"
    STEP_UP = "step_up", "Step up"
    STEP_DOWN = "step_down", "Step down"
    OUT_OF_HOURS = "out_of_hours", "From emergency duty to the day team"
    OTHER_AUTHORITY = "other_authority", "To another authority"

    @property
    def is_step(self) -> bool:
        """Whether the family gets more or less help than before."""
        return self in {HandoffKind.STEP_UP, HandoffKind.STEP_DOWN}

    def ratings_from(self, before: str) -> list[Rag]:
        """
        The ratings that a step can give a case, the gravest first. Children's social care is level 4, so a step up is
        red or amber (domain/early-help-first.md, rules 1 to 6), and never less than before. A step down does not raise
        the rating; blue is advice, not a service.
        """
        now = Rag(before)
        if self is HandoffKind.STEP_UP:
            return [Rag.RED] if now is Rag.RED else [Rag.RED, Rag.AMBER]
        ratings = list(Rag)
        return [rag for rag in ratings[ratings.index(now) :] if rag in (now, Rag.AMBER, Rag.GREEN)]

    @classmethod
    def step_of(cls, team: Team) -> HandoffKind | None:
        """The step that a team can offer: more help, or less; the front door offers none."""
        match TeamKind(team.kind):
            case TeamKind.CHILD_PROTECTION:
                return cls.STEP_DOWN
            case TeamKind.LOCALITY | TeamKind.OUT_OF_AREA:
                return cls.STEP_UP
            case _:
                return None

    @classmethod
    def between(cls, sender: Team, receiver: Team) -> HandoffKind:
        """The kind of a handoff between these teams."""
        match TeamKind(sender.kind), TeamKind(receiver.kind):
            case _, TeamKind.OUT_OF_AREA:
                return cls.OTHER_AUTHORITY
            case TeamKind.EMERGENCY_DUTY, TeamKind.FRONT_DOOR:
                return cls.OUT_OF_HOURS
            case ((TeamKind.FRONT_DOOR | TeamKind.EMERGENCY_DUTY), _):
                return cls.ALLOCATION
            case TeamKind.CHILD_PROTECTION, TeamKind.CHILD_PROTECTION:
                return cls.TRANSFER
            case TeamKind.CHILD_PROTECTION, TeamKind.LOCALITY:
                return cls.STEP_DOWN
            case _, TeamKind.CHILD_PROTECTION:
                return cls.STEP_UP
            case _:
                return cls.TRANSFER


class Handoff(models.Model):
    """
    One team's offer of a case to another. The receiving team accepts it, or returns it with a reason.

    `ordinal` is the number of this handoff among those of its case, without the withdrawn ones. `is_bounce` is true if
    the receiving team was responsible for the case in the 30 days before. `despite` is the sender's reason for offering
    the case to a team other than those that know the family. `rag` and `rag_before` are empty unless it is a step up or
    down. `answer_reason` is why the offer was returned or
    withdrawn: in the forms and actions for that, it is called `reason`.
    """

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="handoffs")
    from_team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="+")
    to_team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="handoffs_offered")
    status = models.CharField(max_length=10, choices=HandoffStatus, default=HandoffStatus.OFFERED)
    kind = models.CharField(max_length=20, choices=HandoffKind)
    ordinal = models.PositiveSmallIntegerField()
    is_bounce = models.BooleanField(default=False)
    reason = models.TextField()
    lead_reason = models.TextField(blank=True, help_text="Why the family changes hands once more: the lead says so.")
    family_told = models.TextField(
        blank=True, default="", db_default="", help_text="What the family was told, of a step up or down."
    )
    family_agrees = models.BooleanField(null=True, help_text="Of a step down: whether the family agrees to it.")
    in_danger = models.BooleanField(null=True, help_text="Of a step up: whether a child is in immediate danger.")
    rag = models.CharField(
        max_length=5, choices=RAGS, blank=True, default="", db_default="",
        help_text="The rating that a step gives the case: a step up at once, a step down when it is accepted.",
    )  # fmt: skip
    rag_before = models.CharField(
        max_length=5, choices=RAGS, blank=True, default="", db_default="", help_text="The case's rating until then."
    )
    despite = models.TextField(blank=True, help_text="Why it does not go to those who know the family.")
    offered_at = models.DateTimeField()
    offered_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    answered_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    answer_reason = models.TextField(blank=True)

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["case"], condition=Q(status=HandoffStatus.OFFERED), name="a_case_has_one_open_handoff"
            ),
            models.CheckConstraint(condition=Q(status__in=HandoffStatus.values), name="a_handoff_has_a_known_status"),
            models.CheckConstraint(condition=~Q(from_team=models.F("to_team")), name="a_handoff_goes_to_another_team"),
            models.CheckConstraint(condition=Q(reason__regex=NOT_BLANK), name="a_handoff_has_a_reason"),
            models.CheckConstraint(condition=Q(kind__in=HandoffKind.values), name="a_handoff_is_of_a_known_kind"),
            models.CheckConstraint(
                condition=Q(rag__in=["", *Rag]) & Q(rag_before__in=["", *Rag]), name="a_step_is_of_a_known_rating"
            ),
            models.CheckConstraint(
                condition=Q(ordinal__lt=LEAD_OFFERS_FROM) | Q(lead_reason__regex=NOT_BLANK),
                name="a_third_handoff_has_a_leads_reason",
            ),
            models.CheckConstraint(
                condition=Q(status=HandoffStatus.OFFERED, answered_at__isnull=True, answered_by__isnull=True)
                | (~Q(status=HandoffStatus.OFFERED) & Q(answered_at__isnull=False, answered_by__isnull=False)),
                name="an_answered_handoff_says_who_and_when",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=[HandoffStatus.RETURNED, HandoffStatus.WITHDRAWN])
                | Q(answer_reason__regex=NOT_BLANK),
                name="a_handoff_is_returned_or_withdrawn_for_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(answered_at__isnull=True) | Q(answered_at__gte=models.F("offered_at")),
                name="a_handoff_is_answered_after_it_is_offered",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["to_team"], name="handoff_open", condition=Q(status=HandoffStatus.OFFERED)),
        ]
        triggers: ClassVar = [
            refuse_if(
                r"""NEW.family_told !~ '\S' OR (NEW.kind = 'step_down' AND NEW.family_agrees IS DISTINCT FROM TRUE)""",
                on=pgtrigger.Insert,
                where="NEW.kind IN ('step_up', 'step_down')",
                name="the_family_knows_of_a_step",
                message="A step up or down says what the family was told, and it agrees to a step down.",
            ),
            refuse_if(
                f"""NEW.rag_before = ''
                    OR (NEW.kind = 'step_up' AND (NEW.rag NOT IN ('{Rag.RED}', '{Rag.AMBER}') OR NEW.in_danger IS NULL
                        OR (NEW.rag <> '{Rag.RED}' AND (NEW.in_danger OR NEW.rag_before = '{Rag.RED}'))))
                    OR (NEW.kind = 'step_down' AND NEW.rag NOT IN ('{Rag.RED}', '{Rag.AMBER}', '{Rag.GREEN}')
                        AND NEW.rag <> NEW.rag_before)""",
                on=pgtrigger.Insert,
                where="NEW.kind IN ('step_up', 'step_down')",
                name="a_step_says_the_rating",
                message="A step up is red or amber, never less than before; a step down is to a service.",
            ),
            refuse_if(
                """TG_OP = 'DELETE' OR OLD.status <> 'offered'
                   OR (NEW.case_id, NEW.from_team_id, NEW.to_team_id, NEW.kind, NEW.ordinal, NEW.is_bounce,
                       NEW.reason, NEW.lead_reason, NEW.despite, NEW.family_told, NEW.family_agrees,
                       NEW.in_danger, NEW.rag, NEW.rag_before, NEW.offered_at, NEW.offered_by_id)
                      IS DISTINCT FROM
                      (OLD.case_id, OLD.from_team_id, OLD.to_team_id, OLD.kind, OLD.ordinal, OLD.is_bounce,
                       OLD.reason, OLD.lead_reason, OLD.despite, OLD.family_told, OLD.family_agrees,
                       OLD.in_danger, OLD.rag, OLD.rag_before, OLD.offered_at, OLD.offered_by_id)""",
                on=pgtrigger.Update | pgtrigger.Delete,
                name="a_handoff_is_answered_once",
                message="A handoff is answered once, and stays as it was offered.",
            ),
            pgtrigger.Trigger(
                name="an_accepted_handoff_passes_responsibility",
                when=pgtrigger.After,
                operation=pgtrigger.Insert | pgtrigger.Update,
                timing=pgtrigger.Deferred,
                func=f"""
        IF NEW.status = 'accepted' AND NOT EXISTS (
            SELECT FROM public.casework_responsibility
            WHERE handoff_id = NEW.id AND team_id = NEW.to_team_id AND lower(period) = NEW.answered_at
        ) THEN
            {refuse("an_accepted_handoff_passes_responsibility", "Who accepts a case is responsible from then on.")}
        END IF;
        RETURN NULL;
    """,  # noqa: S608  # our own words
            ),
            never_emptied("handoffs_are_never_emptied", "Handoffs are never deleted."),
        ]

    def __str__(self) -> str:
        return f"{self.case} to {self.to_team}"


class Responsibility(models.Model):
    """
    A team's responsibility for a case. `period` includes its start and excludes its end; without an end it is current.
    """

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="responsibilities")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="responsibilities")
    period = DateTimeRangeField()
    handoff = models.OneToOneField(Handoff, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering: ClassVar = ["id"]
        verbose_name_plural = "responsibilities"
        constraints: ClassVar = [
            ExclusionConstraint(
                name="a_case_has_one_responsible_team_at_an_instant",
                expressions=[("case", RangeOperators.EQUAL), ("period", RangeOperators.OVERLAPS)],
            ),
            models.CheckConstraint(
                condition=Q(period__isempty=False, period__startswith__isnull=False),
                name="a_responsibility_starts_at_a_moment_and_lasts",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["team"], name="responsibility_now", condition=Q(period__endswith__isnull=True)),
        ]
        triggers: ClassVar = [
            pgtrigger.Trigger(
                name="an_open_case_is_never_let_go",
                when=pgtrigger.After,
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
                timing=pgtrigger.Deferred,
                declare=RESPONSIBILITY_VARIABLES,
                func=one_responsible_team("COALESCE(NEW.case_id, OLD.case_id)"),
            ),
            refuse_if(
                """TG_OP = 'DELETE' OR NOT upper_inf(OLD.period)
                   OR (NEW.case_id, NEW.team_id, NEW.handoff_id, lower(NEW.period))
                      IS DISTINCT FROM (OLD.case_id, OLD.team_id, OLD.handoff_id, lower(OLD.period))""",
                on=pgtrigger.Update | pgtrigger.Delete,
                name="a_past_responsibility_stays",
                message="Who was responsible when stays as it was.",
            ),
            never_emptied("responsibilities_are_never_emptied", "Responsibilities are never deleted."),
        ]

    def __str__(self) -> str:
        return f"{self.case}: {self.team}"


class MilestoneKind(models.TextChoices):
    """The steps of work with a family that have a deadline. Recording one stops its clock."""

    FIRST_FAMILY_CONTACT = "first_family_contact", "First contact with the family"
    FAMILY_HELP_ASSESSMENT = "family_help_assessment", "Family help assessment finished"
    PLAN_AGREED = "plan_agreed", "Plan agreed with the family"
    PLAN_REVIEWED = "plan_reviewed", "Plan reviewed"
    SOCIAL_WORK_ASSESSMENT = "social_work_assessment", "Social work assessment finished"
    STRATEGY_DISCUSSION_HELD = "strategy_discussion_held", "Strategy discussion held"
    INITIAL_CONFERENCE_HELD = "initial_conference_held", "Initial child protection conference held"
    CORE_GROUP_HELD = "core_group_held", "Core group met"
    REVIEW_CONFERENCE_HELD = "review_conference_held", "Review conference held"


class Milestone(models.Model):
    """A step of work in a case: what was done, when, and who recorded it."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="milestones")
    kind = models.CharField(max_length=30, choices=MilestoneKind)
    at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["at", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(recorded_at__gte=models.F("at")), name="a_milestone_is_recorded_after_it_happened"
            )
        ]

    def __str__(self) -> str:
        return f"{self.case}: {self.get_kind_display()}"
