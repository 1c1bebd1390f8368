"""The record: audit events, changes of status, and the outbox."""

from functools import reduce
from operator import or_
from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import F, Q

from casework.models.cases import Case, Handoff
from casework.models.clocks import Reminder
from casework.models.contacts import Contact, PartnerCheck, PersonMatch
from casework.models.indexes import where_set
from casework.models.password_links import PasswordLink
from casework.models.refusals import NOT_BLANK, append_only, never_emptied, refuse_if
from casework.models.restrictions import Restriction
from localities.models import Agency, User
from triage.models import RuleSetVersion


class Event(models.TextChoices):
    """The kinds of audit event."""

    CONTACT_RECEIVED = "contact_received", "Contact received"
    CONTACT_VIEWED = "contact_viewed", "Contact viewed"
    CONTACTS_LISTED = "contacts_listed", "Own contacts listed by a partner's system"
    BATCH_RECEIVED = "batch_received", "Batch of contacts received"
    RECOMMENDATION_MADE = "recommendation_made", "Recommendation made"
    AGREEMENT_RECORDED = "agreement_recorded", "Agreement recorded"
    CONTACT_SCREENED = "contact_screened", "Contact screened"
    INFORMATION_ADDED = "information_added", "Facts added or corrected"
    CHECKS_RECORDED = "checks_recorded", "What the records say recorded"
    MATCH_CONFIRMED = "match_confirmed", "The same person: confirmed"
    MATCH_REJECTED = "match_rejected", "The same person: rejected"
    PERSON_VIEWED = "person_viewed", "Person viewed"
    SEARCHED = "searched", "Records searched"
    PERSON_DETAIL_ADDED = "person_detail_added", "Something said about a person recorded"
    PERSON_DETAIL_ENDED = "person_detail_ended", "Something said about a person: no longer so"
    PERSON_DETAIL_IN_ERROR = "person_detail_in_error", "Something said about a person: recorded in error"
    ADDRESS_PROTECTED = "address_protected", "Address made confidential"
    ADDRESS_PROTECTION_LIFTED = "address_protection_lifted", "Confidential address: lifted"
    MATCH_UNDONE = "match_undone", "The same person: undone"
    REFERRER_ACKNOWLEDGED = "referrer_acknowledged", "Referrer acknowledged"
    CONFIRMED_IN_WRITING = "confirmed_in_writing", "Telephone contact confirmed in writing"
    DECISION_MADE = "decision_made", "Decision made"
    SIGN_OFF_GIVEN = "sign_off_given", "Second person agreed"
    SIGN_OFF_DECLINED = "sign_off_declined", "Second person declined"
    CONTACT_CLOSED = "contact_closed", "Contact ended at the front door"
    CONTACT_LINKED = "contact_linked", "Contact linked to open work"
    FEEDBACK_GIVEN = "feedback_given", "Referrer told the outcome"
    CASE_OPENED = "case_opened", "Case opened"
    CASE_CHILD_LEFT = "case_child_left", "Child is not of the family: no longer in the case"
    CASE_VIEWED = "case_viewed", "Case viewed"
    HANDOFF_OFFERED = "handoff_offered", "Handoff offered"
    HANDOFF_ACCEPTED = "handoff_accepted", "Handoff accepted"
    HANDOFF_RETURNED = "handoff_returned", "Handoff returned"
    HANDOFF_WITHDRAWN = "handoff_withdrawn", "Handoff withdrawn"
    LEAD_NAMED = "lead_named", "Lead practitioner named"
    MILESTONE_RECORDED = "milestone_recorded", "Milestone recorded"
    OTHER_AUTHORITY_NAMED = "other_authority_named", "Other authority named"
    CLOSING_ASKED = "closing_asked", "Lead asked to close a case"
    CLOSING_DECLINED = "closing_declined", "Lead kept a case open"
    LEAD_LEFT = "lead_left", "Lead practitioner left the team"
    CASE_CLOSED = "case_closed", "Case closed"
    FILE_ADDED = "file_added", "File added"
    FILE_CHECKED = "file_checked", "File checked for viruses"
    FILE_REFUSED = "file_refused", "File refused: it may contain a virus"
    FILE_VIEWED = "file_viewed", "Page of a file viewed"
    FILE_DOWNLOADED = "file_downloaded", "File downloaded, or looked at"
    FILE_REMOVED = "file_removed", "File removed from its record"
    FILE_DELETED = "file_deleted", "File deleted from a draft"
    NOTE_WRITTEN = "note_written", "Note written"
    NOTE_CORRECTED = "note_corrected", "Note corrected"
    REMINDER_SENT = "reminder_sent", "Reminder made"
    MESSAGE_SENT = "message_sent", "Message sent"
    MESSAGE_PARKED = "message_parked", "Message parked after too many failures"
    MESSAGE_RETRIED = "message_retried", "Parked message sent on its way again"
    MESSAGE_DROPPED = "message_dropped", "Parked message dropped"
    SENDER_ASKED = "sender_asked", "Sender asked to withdraw, what became of it, or disagreed"
    SENDER_ANSWERED = "sender_answered", "Sender's question answered"
    PARTNER_ASKED = "partner_asked", "Partner asked"
    PARTNER_ANSWERED = "partner_answered", "Partner's answer recorded"
    PARTNER_ASKED_BACK = "partner_asked_back", "Partner asked back"
    PARTNER_TOLD = "partner_told", "Partner's question back answered"
    PARTNER_CHECKS_VIEWED = "partner_checks_viewed", "Requests read by the partner's system"
    PARTNER_CHECK_WITHDRAWN = "partner_check_withdrawn", "Partner request withdrawn"
    CONTACT_HANDED_OVER = "contact_handed_over", "Contact passed between emergency duty and the day team"
    DRAFT_DELETED = "draft_deleted", "Draft of a contact deleted"
    DRAFT_TAKEN_OVER = "draft_taken_over", "Draft of a contact taken over"
    CONTACT_ASSIGNED = "contact_assigned", "Contact assigned"
    CONTACT_TAKEN_ON = "contact_taken_on", "Contact taken on by the next team"
    CASE_BOUNCED = "case_bounced", "Back with a team that held it lately"
    CLOCK_PAUSED = "clock_paused", "Clock paused"
    CLOCK_RESUMED = "clock_resumed", "Clock resumed"
    CLOCK_EXTENDED = "clock_extended", "Clock extended"
    CLOCKS_RECOMPUTED = "clocks_recomputed", "Clocks computed again, as the calendar changed"
    REMINDER_SNOOZED = "reminder_snoozed", "Reminder put off"
    INTEGRITY_CHECKED = "integrity_checked", "Every invariant counted"
    SETTING_CHANGED = "setting_changed", "Setting changed"
    PASSWORD_LINK_MADE = "password_link_made", "Link to set a password made"
    PASSWORD_SET = "password_set", "Password set by a link"
    PASSWORD_ENDED = "password_ended", "Password ended by an administrator"
    RULE_SET_DRAFTED = "rule_set_drafted", "Rule set copied to a draft"
    RULE_SET_CHANGED = "rule_set_changed", "Draft of a rule set changed"
    RULE_SET_PROPOSED = "rule_set_proposed", "Rule set proposed for approval"
    RULE_SET_SENT_BACK = "rule_set_sent_back", "Proposal of a rule set sent back"
    RULE_SET_PUBLISHED = "rule_set_published", "Rule set approved and published"
    RULE_SET_CALLED_OFF = "rule_set_called_off", "Rule set called off before it was live"
    RULE_SET_DISCARDED = "rule_set_discarded", "Draft of a rule set discarded"
    REPLAY_ASKED_FOR = "replay_asked_for", "Replay asked for"
    REPLAY_CANCELLED = "replay_cancelled", "Replay cancelled"
    REPLAY_FINISHED = "replay_finished", "Replay finished"
    REPLAY_EXPORTED = "replay_exported", "Replay exported"
    RECORD_RESTRICTED = "record_restricted", "Record restricted"
    RESTRICTION_LIFTED = "restriction_lifted", "Restriction lifted"
    RESTRICTION_PASSED_ON = "restriction_passed_on", "Restriction passed to another owner"
    READER_NAMED = "reader_named", "Reader of a restricted record named"
    READER_REMOVED = "reader_removed", "Reader of a restricted record removed"
    GLASS_BROKEN = "glass_broken", "Restricted record opened by breaking the glass"
    GLASS_REVIEWED = "glass_reviewed", "Breaking of the glass reviewed"
    CONFLICT_DECLARED = "conflict_declared", "Conflict of interest declared"
    CONFLICT_ENDED = "conflict_ended", "Conflict of interest ended"
    OPEN_LIST_OPENED = "open_list_opened", "Open list opened"
    OPEN_LIST_EXPORTED = "open_list_exported", "Open list exported"
    SHIFT_HANDED_OVER = "shift_handed_over", "Shift handed over"
    SHIFT_HANDOVER_READ = "shift_handover_read", "Handover sheet read"
    SHIFT_HANDOVER_ADDED_TO = "shift_handover_added_to", "Handover sheet added to"
    ROTA_CHANGED = "rota_changed", "Rota changed"
    ABSENCE_RECORDED = "absence_recorded", "Absence recorded"
    ABSENCE_CHANGED = "absence_changed", "Absence changed"
    ABSENCE_WITHDRAWN = "absence_withdrawn", "Absence withdrawn"
    FACTOR_ADDED = "factor_added", "Second step of signing in set up"
    FACTOR_REMOVED = "factor_removed", "Second step of signing in removed"
    FACTOR_RESET_ASKED = "factor_reset_asked", "Letting somebody in: asked for"
    FACTOR_RESET_AGREED = "factor_reset_agreed", "Letting somebody in: second person agreed"
    FACTOR_RESET_DECLINED = "factor_reset_declined", "Letting somebody in: declined"
    SIGN_INS_VIEWED = "sign_ins_viewed", "Sign-ins viewed"
    SESSIONS_ENDED = "sessions_ended", "Sessions ended by their owner"
    ACCOUNT_LINKED = "account_linked", "Council account linked"
    RECOMMENDATIONS_RECHECKED = "recommendations_rechecked", "Stored recommendations computed again"


class ActorKind(models.TextChoices):
    """Who acts: a person, a partner's system, or the service itself."""

    USER = "user", "A person"
    AGENCY = "agency", "A partner's system"
    SYSTEM = "system", "The service"


class AuditEvent(models.Model):
    """What happened, who did it, and when. `detail` holds codes, statuses and references, never a name or free text."""

    at = models.DateTimeField()
    event = models.CharField(max_length=30, choices=Event)
    actor = models.CharField(max_length=10, choices=ActorKind)
    by_user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    by_agency = models.ForeignKey(Agency, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, null=True, related_name="events", db_index=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, null=True, related_name="events", db_index=False)
    handoff = models.ForeignKey(Handoff, on_delete=models.PROTECT, null=True, related_name="events", db_index=False)
    detail = models.JSONField(default=dict)

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(actor=ActorKind.USER, by_user__isnull=False, by_agency__isnull=True)
                | Q(actor=ActorKind.AGENCY, by_user__isnull=True, by_agency__isnull=False)
                | Q(actor=ActorKind.SYSTEM, by_user__isnull=True, by_agency__isnull=True),
                name="an_audit_event_says_who",
            )
        ]
        indexes: ClassVar = where_set("event", "by_user", "by_agency", "contact", "case", "handoff")
        triggers: ClassVar = append_only("an_audit_event_never_changes", "An audit event never changes.")

    def __str__(self) -> str:
        return self.get_event_display()


# What has a status.
SUBJECTS = ("contact", "case", "handoff", "partner_check", "match")


class StatusChange(models.Model):
    """
    A contact, partner check, handoff, case or match moved from one status to another: when, by whom, and why.

    `by` is null where the service moved it, after what an agency sent.
    """

    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, null=True, related_name="status_changes")
    handoff = models.ForeignKey(Handoff, on_delete=models.PROTECT, null=True, related_name="status_changes")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, null=True, related_name="status_changes")
    partner_check = models.ForeignKey(PartnerCheck, on_delete=models.PROTECT, null=True, related_name="status_changes")
    match = models.ForeignKey(PersonMatch, on_delete=models.PROTECT, null=True, related_name="status_changes")
    from_status = models.CharField(max_length=10)
    to_status = models.CharField(max_length=10)
    why = models.TextField(blank=True)

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=reduce(
                    or_,
                    (Q(**{f"{subject}__isnull": subject != its_own for subject in SUBJECTS}) for its_own in SUBJECTS),
                ),
                name="a_status_change_has_one_subject",
            )
        ]
        triggers: ClassVar = append_only("a_status_change_never_changes", "A status change never changes.")

    def __str__(self) -> str:
        return f"{self.from_status} to {self.to_status}"


class Message(models.TextChoices):
    """What a message in the outbox is about."""

    ACKNOWLEDGEMENT = "acknowledgement", "We have your contact"
    RED_CONTACT = "red_contact", "A red contact waits"
    FEEDBACK = "feedback", "What we decided"
    CASE_CLOSED = "case_closed", "The work has ended"
    LEAD_LEFT = "lead_left", "A lead practitioner has left"
    CLOSING_ASKED = "closing_asked", "A lead is asked to close a case"
    CLOSING_DECLINED = "closing_declined", "A case that was to be closed stays open"
    HANDOFF_OFFERED = "handoff_offered", "A case is offered to your team"
    HANDOFF_RETURNED = "handoff_returned", "A case came back"
    CASE_BOUNCED = "case_bounced", "A case is back with a team that held it lately"
    CONTACT_HANDED_OVER = "contact_handed_over", "A contact passed to your team"
    CONTACT_LINKED = "contact_linked", "New information about a case of your team"
    INFORMATION_ADDED = "information_added", "More is known about a contact"
    GRAVER_THAN_DECIDED = "graver_than_decided", "What is known now is graver than what was decided"
    CONTACT_ASSIGNED = "contact_assigned", "A contact is assigned to you"
    PARTNER_ANSWERED = "partner_answered", "A partner answered after the decision"
    PARTNER_REPLIED = "partner_replied", "A partner replied in its system"
    SENDER_ASKED = "sender_asked", "A referrer asks, or disagrees"
    SENDER_ANSWERED = "sender_answered", "We answered your question"
    CHECK_ASKED = "check_asked", "An agency is asked about a child"
    CHECK_LATE = "check_late", "An agency's answer is late"
    FILE_ADDED = "file_added", "An agency sent a file"
    FILE_REFUSED = "file_refused", "A file may contain a virus"
    COVER_NAMED = "cover_named", "You cover for a colleague"
    SIGN_OFF_WANTED = "sign_off_wanted", "A decision is awaiting sign-off"
    SIGN_OFF_DECLINED = "sign_off_declined", "Your decision was declined"
    REMINDER = "reminder", "A deadline is near, or has passed"
    RESTRICTED_CONTACT = "restricted_contact", "A restricted contact waits"
    RESTRICTION_CHANGED = "restriction_changed", "A restriction of yours has changed"
    GLASS_BROKEN = "glass_broken", "Somebody opened a restricted record"
    RULE_SET_PROPOSED = "rule_set_proposed", "A rule set waits for approval"
    RULE_SET_SENT_BACK = "rule_set_sent_back", "A proposal came back"
    INTEGRITY_BROKEN = "integrity_broken", "Something that must never be false is"
    PASSWORD_LINK = "password_link", "A link to set a password"
    FACTOR_ADDED = "factor_added", "A second step of signing in is set up"
    FACTOR_REMOVED = "factor_removed", "A second step of signing in is removed"
    CODES_MADE = "codes_made", "New recovery codes are made"
    FACTOR_RESET_ASKED = "factor_reset_asked", "Somebody asked to let you in without your second step"
    FACTORS_REMOVED = "factors_removed", "Your second step of signing in is removed"
    ADDRESS_CHANGED = "address_changed", "Your e-mail address is another"
    WEBHOOK_ENDED = "webhook_ended", "Events are no longer sent to an agency"
    RECHECK_DIFFERS = "recheck_differs", "A stored recommendation does not come out as it was stored"


class OutboxMessage(models.Model):
    """
    A message to send.

    A worker claims it with a lease, sends it, then marks it as sent. After a crash between the last two it is sent
    again, with the same idempotency key, so that the receiver can recognise it.

    When several reminders wait for one address, one e-mail carries them all: `carried_by` is the message that carries
    this one. A parked message waits until a person retries it, or drops it and says why.
    """

    kind = models.CharField(max_length=20, choices=Message)
    idempotency_key = models.CharField(max_length=100)
    to = models.EmailField()
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, null=True, related_name="messages", db_index=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, null=True, related_name="messages", db_index=False)
    # No index: no query selects messages by reminder.
    reminder = models.ForeignKey(Reminder, on_delete=models.PROTECT, null=True, related_name="messages", db_index=False)
    rule_set = models.ForeignKey(RuleSetVersion, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    restriction = models.ForeignKey(Restriction, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    password_link = models.ForeignKey(
        PasswordLink, on_delete=models.PROTECT, null=True, related_name="messages", db_index=False
    )
    created_at = models.DateTimeField()
    not_before = models.DateTimeField()
    leased_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.TextField(blank=True)
    sent_at = models.DateTimeField(null=True)
    parked_at = models.DateTimeField(null=True)
    carried_by = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="carries", db_index=False)
    dropped_at = models.DateTimeField(null=True)
    dropped_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    drop_reason = models.TextField(blank=True)

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["idempotency_key"], name="a_message_is_written_once"),
            models.CheckConstraint(
                condition=Q(sent_at__isnull=True) | Q(parked_at__isnull=True), name="a_sent_message_is_not_parked"
            ),
            models.CheckConstraint(
                condition=Q(not_before__gte=F("created_at")), name="a_message_goes_out_after_it_is_written"
            ),
            models.CheckConstraint(
                condition=Q(dropped_at__isnull=True, dropped_by__isnull=True, drop_reason="")
                | Q(
                    dropped_at__isnull=False,
                    dropped_by__isnull=False,
                    drop_reason__regex=NOT_BLANK,
                    parked_at__isnull=False,
                ),
                name="a_dropped_message_was_parked_and_says_who_and_why",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["not_before", "id"],
                name="outbox_to_send",
                condition=Q(sent_at__isnull=True, parked_at__isnull=True),
            ),
            models.Index(
                fields=["parked_at"],
                name="outbox_parked",
                condition=Q(parked_at__isnull=False, dropped_at__isnull=True),
            ),
            # The messages that wait for one address, in the order in which they go.
            models.Index(
                fields=["to", "id"],
                name="outbox_waiting_for",
                condition=Q(sent_at__isnull=True, parked_at__isnull=True),
            ),
            models.Index(fields=["to", "created_at"], name="outbox_reminded", condition=Q(reminder__isnull=False)),
            *where_set(
                "message", "contact", "case", "rule_set", "restriction", "password_link", "carried_by", "dropped_by"
            ),
        ]
        triggers: ClassVar = [
            refuse_if(
                "TG_OP = 'DELETE' OR OLD.sent_at IS NOT NULL",
                on=pgtrigger.Update | pgtrigger.Delete,
                name="a_sent_message_is_never_sent_again",
                message="A message that was sent stays as it is, and none is deleted.",
            ),
            refuse_if(
                "OLD.dropped_at IS NOT NULL",
                on=pgtrigger.Update,
                name="a_dropped_message_stays_dropped",
                message="A message that somebody dropped stays dropped.",
            ),
            never_emptied("messages_are_never_emptied", "Messages are never deleted."),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.idempotency_key}"
