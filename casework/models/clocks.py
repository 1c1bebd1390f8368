"""Clocks: deadlines as stored moments. Nothing ticks; whether a clock is late is computed when it is read."""

from datetime import datetime
from typing import Any, ClassVar

import pgtrigger
from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from casework.models.cases import Case, Handoff, Responsibility
from casework.models.contacts import Contact, PartnerCheck
from casework.models.indexes import where_set
from casework.models.refusals import NOT_BLANK, append_only, never_emptied, refuse_if
from casework.models.visibility import is_open_clock
from localities.models import DayKind, Role, Team, User, has_a_version

ESCALATION_ROLES = (Role.FRONT_DOOR_MANAGER, Role.TEAM_LEAD, Role.SERVICE_MANAGER)


class ClockPolicy(models.Model):
    """
    The deadline of a kind of clock, from a day on.

    A clock keeps the policy that it started under. To change a deadline, add a policy with a later day.
    """

    class Subject(models.TextChoices):
        CONTACT = "contact", "Contact"
        # As the file of the policies calls it.
        PARTNER_CHECK = "partner_request", "Request to a partner"
        HANDOFF = "handoff", "Handoff"
        CASE = "case", "Case"

    class Unit(models.TextChoices):
        HOUR = "hour", "Hours, day and night"
        WORKING_DAY = "working_day", "Working days"
        WEEK = "week", "Weeks"
        MONTH = "month", "Months"

    class Ends(models.TextChoices):
        SAME_TIME = "same_time", "At the same time of day"
        END_OF_DAY = "end_of_day", "At the end of the day"

    kind = models.SlugField(max_length=50, db_index=False)
    effective_from = models.DateField("holds from")
    subject = models.CharField(max_length=20, choices=Subject)
    starts_at = models.CharField("starts when", max_length=50)
    limit = models.PositiveSmallIntegerField()
    unit = models.CharField(max_length=20, choices=Unit)
    ends = models.CharField(max_length=20, choices=Ends)
    warn_at_share = models.FloatField("warns after this share of the time")
    escalates_to = models.CharField(max_length=30, choices=[(role.value, role.label) for role in ESCALATION_ROLES])
    may_pause = models.BooleanField(
        "may be paused",
        default=False,
        help_text="While a family's agreement is sought, on a contact that is not red.",
    )
    basis = models.TextField(
        help_text='Where the promise comes from. One that begins with "local" is the council\'s own.'
    )

    class Meta:
        ordering: ClassVar = ["kind", "-effective_from"]
        verbose_name_plural = "clock policies"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "effective_from"], name="a_clock_has_one_policy_from_a_day"),
            models.CheckConstraint(
                condition=Q(limit__gte=1, limit__lte=10_000), name="a_clock_runs_for_at_least_one_unit"
            ),
            models.CheckConstraint(
                condition=Q(warn_at_share__gt=0, warn_at_share__lt=1),
                name="a_clock_warns_between_its_start_and_its_end",
                violation_error_message="The share must lie between 0 and 1, as 0.75.",
            ),
            models.CheckConstraint(
                condition=~Q(unit="hour", ends="end_of_day"),
                name="hours_end_at_a_time",
                violation_error_message="Hours run day and night and end at a time of day.",
            ),
            models.CheckConstraint(
                condition=Q(may_pause=False) | Q(subject="contact", basis__startswith="local") & ~Q(unit="hour"),
                name="only_local_promises_about_contacts_pause",
                violation_error_message="Only a local deadline about a contact can be paused, and none in hours.",
            ),
        ]
        triggers: ClassVar = [
            refuse_if(
                "EXISTS (SELECT FROM public.casework_clock WHERE policy_id = OLD.id)",
                on=pgtrigger.Update | pgtrigger.Delete,
                name="a_policy_that_clocks_started_under_stays",
                message="Clocks started under this policy: add one with a later day instead.",
            ),
            has_a_version(),
        ]

    def __str__(self) -> str:
        return f"{self.kind.replace('_', ' ')} from {self.effective_from:%-d %B %Y}"

    @property
    def is_local(self) -> bool:
        """Whether the deadline is the council's own. The council's closure days pause such a clock."""
        return self.basis.startswith("local")


class ClockEnd(models.TextChoices):
    """Why a clock stopped."""

    DONE = "done", "Done"
    REPLACED = "replaced", "Replaced by another clock"
    OVERTAKEN = "overtaken", "No longer needed"


SUBJECTS = ("contact", "case", "handoff", "partner_check")


class ClockQuerySet(models.QuerySet["Clock"]):
    def running(self) -> "ClockQuerySet":
        return self.filter(stopped_at__isnull=True)

    def open_to(self, user: User, now: datetime) -> "ClockQuerySet":
        """Without the clocks of contacts and cases that are closed to a user."""
        return self.filter(is_open_clock(user, now))

    def of_teams(self, teams: Any) -> "ClockQuerySet":
        """
        The clocks that these teams have to keep: of a contact, a case or an answer that is theirs now.

        :param teams: the teams, their ids, or a query for either.
        """
        responsible = Responsibility.objects.filter(
            case=OuterRef("case"), period__endswith__isnull=True, team__in=teams
        )
        return self.filter(
            Q(contact__team__in=teams)
            | Q(partner_check__contact__team__in=teams)
            | Q(handoff__to_team__in=teams)
            | Exists(responsible)
        )


class Clock(models.Model):
    """
    One deadline of a contact, case, handoff or partner check.

    `next_at` is the moment of the next step (warning, breach, escalation), or null after the last one and while the
    clock is paused. The sweep reads an index of the running clocks by this moment. When people or the calendar move
    the moments, each `ClockChange` says why.
    """

    # No index: no query selects clocks by policy.
    policy = models.ForeignKey(ClockPolicy, on_delete=models.PROTECT, related_name="clocks", db_index=False)
    kind = models.CharField(max_length=50)
    # A clock has exactly one of these four. Their partial indexes are below.
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, null=True, related_name="clocks", db_index=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, null=True, related_name="clocks", db_index=False)
    handoff = models.ForeignKey(Handoff, on_delete=models.PROTECT, null=True, related_name="clocks", db_index=False)
    partner_check = models.ForeignKey(
        PartnerCheck, on_delete=models.PROTECT, null=True, related_name="clocks", db_index=False
    )
    started_at = models.DateTimeField()
    warn_at = models.DateTimeField()
    due_at = models.DateTimeField()
    escalate_at = models.DateTimeField()
    next_at = models.DateTimeField(null=True)
    paused_at = models.DateTimeField(null=True)
    stopped_at = models.DateTimeField(null=True)
    ended = models.CharField(max_length=10, choices=ClockEnd, blank=True)

    objects = ClockQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["due_at", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(contact__isnull=False, case__isnull=True, handoff__isnull=True, partner_check__isnull=True)
                | Q(contact__isnull=True, case__isnull=False, handoff__isnull=True, partner_check__isnull=True)
                | Q(contact__isnull=True, case__isnull=True, handoff__isnull=False, partner_check__isnull=True)
                | Q(contact__isnull=True, case__isnull=True, handoff__isnull=True, partner_check__isnull=False),
                name="a_clock_has_one_subject",
            ),
            models.CheckConstraint(
                condition=Q(paused_at__isnull=True) | Q(next_at__isnull=True, stopped_at__isnull=True),
                name="nobody_looks_at_a_paused_clock",
            ),
            models.CheckConstraint(
                condition=Q(stopped_at__isnull=True, ended="") | (Q(stopped_at__isnull=False) & ~Q(ended="")),
                name="a_stopped_clock_says_when_and_why",
            ),
            models.CheckConstraint(
                condition=Q(stopped_at__isnull=True) | Q(stopped_at__gte=F("started_at")),
                name="a_clock_stops_after_it_starts",
            ),
            models.CheckConstraint(
                condition=Q(warn_at__lte=F("due_at"), due_at__lte=F("escalate_at")),
                name="a_clock_warns_then_is_due_then_escalates",
            ),
            *(
                models.UniqueConstraint(
                    fields=[subject, "kind"],
                    condition=Q(stopped_at__isnull=True, **{f"{subject}__isnull": False}),
                    name=f"a_{subject}_has_one_running_clock_of_a_kind",
                )
                for subject in SUBJECTS
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["next_at"],
                name="clock_to_sweep",
                condition=Q(stopped_at__isnull=True, next_at__isnull=False),
            ),
            models.Index(fields=["due_at"], name="clock_running", condition=Q(stopped_at__isnull=True)),
            *where_set("clock", *SUBJECTS),
        ]
        triggers: ClassVar = [
            refuse_if(
                """TG_OP = 'DELETE' OR OLD.stopped_at IS NOT NULL OR
                   (NEW.started_at, NEW.policy_id, NEW.kind, NEW.contact_id, NEW.case_id, NEW.handoff_id,
                    NEW.partner_check_id)
                   IS DISTINCT FROM
                   (OLD.started_at, OLD.policy_id, OLD.kind, OLD.contact_id, OLD.case_id, OLD.handoff_id,
                    OLD.partner_check_id)""",
                on=pgtrigger.Update | pgtrigger.Delete,
                name="a_clock_never_restarts",
                message="A clock never restarts, and a stopped one stays stopped.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} due {self.due_at:%Y-%m-%d %H:%M}"

    @property
    def about(self) -> Contact | Case:
        """The contact or case that the clock is about, also when its subject is a handoff or a partner check."""
        if self.handoff is not None:
            return self.handoff.case
        if self.partner_check is not None:
            return self.partner_check.contact
        about = self.contact or self.case
        assert about is not None, "a clock has one subject"
        return about

    @property
    def received_at(self) -> datetime:
        """When the contact arrived that the clock's subject comes from."""
        about = self.about
        return about.received_at if isinstance(about, Case) else about.counts_from


class ClockChangeKind(models.TextChoices):
    """The ways in which a running clock's moments change."""

    PAUSED = "paused", "Paused"
    RESUMED = "resumed", "Resumed"
    EXTENDED = "extended", "Extended"
    RECOMPUTED = "recomputed", "Computed again, as the calendar changed"


class CalendarEdit(models.Model):
    """
    An edit of the calendar: a day was added, changed or removed. The worker recomputes the clocks that run over it.

    `before` and `after` are the kinds of the day ("": as England's calendar has it).
    """

    date = models.DateField()
    before = models.CharField(max_length=20, choices=DayKind, blank=True)
    after = models.CharField(max_length=20, choices=DayKind, blank=True)
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    looked_at = models.PositiveIntegerField("clocks looked at", default=0)
    up_to = models.BigIntegerField("clocks looked at up to this number", default=0)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(before=F("after")), name="an_edit_of_the_calendar_changes_a_day")
        ]
        indexes: ClassVar = [
            models.Index(fields=["id"], name="calendar_edit_unfinished", condition=Q(finished_at__isnull=True))
        ]
        triggers: ClassVar = [
            refuse_if(
                """TG_OP = 'DELETE' OR OLD.finished_at IS NOT NULL
                   OR (NEW.date, NEW.before, NEW.after, NEW.at, NEW.by_id)
                      IS DISTINCT FROM (OLD.date, OLD.before, OLD.after, OLD.at, OLD.by_id)""",
                on=pgtrigger.Update | pgtrigger.Delete,
                name="an_edit_of_the_calendar_stays",
                message="What was changed in the calendar stays written down.",
            ),
            never_emptied("edits_of_the_calendar_are_never_emptied", "Edits of the calendar are never deleted."),
        ]

    def __str__(self) -> str:
        return f"{self.date:%-d %B %Y}: {self.before or 'as usual'} to {self.after or 'as usual'}"


class ClockChange(models.Model):
    """A change of a running clock: who made it, why, and when the clock was due before and after. Append-only."""

    clock = models.ForeignKey(Clock, on_delete=models.PROTECT, related_name="changes")
    kind = models.CharField(max_length=10, choices=ClockChangeKind)
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", help_text="Null: the service.")
    reason = models.TextField()
    due_before = models.DateTimeField()
    due_after = models.DateTimeField()
    edit = models.ForeignKey(CalendarEdit, on_delete=models.PROTECT, null=True, related_name="changes")

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(reason__regex=NOT_BLANK), name="a_clock_changes_for_a_reason"),
            models.CheckConstraint(
                condition=Q(kind=ClockChangeKind.RECOMPUTED, edit__isnull=False)
                | (~Q(kind=ClockChangeKind.RECOMPUTED) & Q(edit__isnull=True)),
                name="a_clock_is_computed_again_for_an_edit_of_the_calendar",
            ),
            models.CheckConstraint(
                condition=~Q(kind="extended") | Q(due_after__gt=F("due_before")),
                name="an_extended_clock_is_due_later",
            ),
        ]
        triggers: ClassVar = append_only("a_clocks_change_stays", "What was done to a clock stays written down.")

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.clock}"


class Step(models.TextChoices):
    """The steps at which a clock reminds somebody."""

    WARNING = "warning", "Soon due"
    BREACH = "breach", "Late"
    ESCALATION = "escalation", "Still late a working day on"


class Reminder(models.Model):
    """
    A reminder about a clock. Each clock has at most one for each step.

    It goes to one person (`user`), to everybody who has `role` in `team` (in the whole service if team is null), or to
    the whole team (if `role` is empty).
    """

    # No index of its own: the unique constraint's index starts with it.
    clock = models.ForeignKey(Clock, on_delete=models.PROTECT, related_name="reminders", db_index=False)
    step = models.CharField(max_length=10, choices=Step)
    created_at = models.DateTimeField()
    user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="reminders", db_index=False)
    role = models.CharField(max_length=30, choices=Role, blank=True)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, related_name="reminders", db_index=False)

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["clock", "step"], name="a_clock_reminds_of_a_step_once"),
            models.CheckConstraint(
                condition=Q(user__isnull=False, role="", team__isnull=True)
                | (Q(user__isnull=True) & (~Q(role="") | Q(team__isnull=False))),
                name="a_reminder_goes_to_a_person_a_role_or_a_team",
            ),
        ]
        indexes: ClassVar = where_set("reminder", "user", "team")
        triggers: ClassVar = append_only("a_reminder_never_changes", "A reminder never changes.")

    def __str__(self) -> str:
        return f"{self.get_step_display()}: {self.clock}"


class ReminderLook(models.Model):
    """
    A person saw a reminder, or snoozed it until a moment, for a reason.

    Nobody marks a reminder as done: its clock stops when the work is done.
    """

    reminder = models.ForeignKey(Reminder, on_delete=models.PROTECT, related_name="looks")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="reminder_looks")
    at = models.DateTimeField()
    snoozed_until = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["reminder", "user"],
                condition=Q(snoozed_until__isnull=True),
                name="somebody_sees_a_reminder_for_the_first_time_once",
            ),
            models.CheckConstraint(
                condition=Q(snoozed_until__isnull=True, reason="")
                | Q(snoozed_until__isnull=False, snoozed_until__gt=F("at"), reason__regex=NOT_BLANK),
                name="a_reminder_is_snoozed_for_a_reason_until_later",
            ),
        ]
        triggers: ClassVar = append_only("a_look_at_a_reminder_stays", "Who saw a reminder when stays written down.")

    def __str__(self) -> str:
        return f"{self.reminder}: {'snoozed' if self.snoozed_until else 'seen'}"
