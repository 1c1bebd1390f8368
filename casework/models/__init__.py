"""
The models: people; contacts with their partner checks and their handovers between day and night; recommendations and
decisions; cases with their handoffs; files; restrictions; clocks and reminders; duty and absence; notes; batches and
drafts of contacts, what agencies are told of theirs, and unfinished forms; links to set a password; audit events,
status changes and messages.

What is not known is stored as null, and in text as the empty string; only unique text (a person's NHS number, an
idempotency key) is null, and choices with a value of their own for it store that value (sex "U", parents told
"not_known").
"""

from casework.models.agency_events import AgencyEvent, AgencyEventKind
from casework.models.cases import (
    LEAD_OFFERS_FROM,
    Case,
    CaseChild,
    CaseQuerySet,
    Handoff,
    HandoffKind,
    Milestone,
    MilestoneKind,
    Outcome,
    Responsibility,
)
from casework.models.clocks import (
    CalendarEdit,
    Clock,
    ClockChange,
    ClockChangeKind,
    ClockEnd,
    ClockPolicy,
    Reminder,
    ReminderLook,
    Step,
)
from casework.models.closing import Closing, ClosingRequest
from casework.models.contact_batches import BatchEntry, BatchState, ContactBatch, WhyRefused
from casework.models.contact_drafts import ContactDraft
from casework.models.contacts import (
    Channel,
    Contact,
    ContactAdult,
    ContactChild,
    ContactHandover,
    ContactType,
    FamilyAgreement,
    ParentsTold,
    PartnerCheck,
    PartnerReply,
    PersonMatch,
    ReplyKind,
    SharingBasis,
)
from casework.models.cover import Absence, Duty, DutyRole, away_on
from casework.models.decisions import Decision, Recommendation, SignOff, StaleRecommendation
from casework.models.details import CheckKind, DetailToCheck, sentence_of
from casework.models.files import File, FileKind, FileState, files_on, listed_files
from casework.models.learned import FactChange, Information, InformationKind, Source
from casework.models.notes import LONGEST_NOTE, Note, NoteKind, NoteReaders
from casework.models.open_lists import OpenListCopy
from casework.models.password_links import PasswordLink
from casework.models.people import Person, PersonKey
from casework.models.person_details import DetailKind, NumberStatus, PersonDetail, SafeToUse
from casework.models.protections import AddressProtection, HidingToCheck
from casework.models.record import ActorKind, AuditEvent, Event, Message, OutboxMessage, StatusChange
from casework.models.restrictions import (
    GLASS_IS_BROKEN_FOR,
    ConflictOfInterest,
    ConflictPerson,
    RestrictedAccess,
    Restriction,
    RestrictionKind,
)
from casework.models.rule_sets import (
    Recheck,
    Replay,
    ReplayedContact,
    RuleSetReason,
    RuleSetReasonKind,
    ThresholdChecks,
)
from casework.models.sender_requests import DisagreementStep, RequestKind, RequestState, SenderRequest
from casework.models.shift_handovers import ShiftHandover, ShiftHandoverAddition
from casework.models.sign_ins import SignInEvent, SignInKind
from casework.models.signing_in import FactorKind, FactorReset, SecondFactorRule
from casework.models.unfinished_forms import UnfinishedForm, unfinished_forms_of
from casework.models.webhooks import SignsWith, WebhookDelivery, WebhookEndpoint

__all__ = [
    "GLASS_IS_BROKEN_FOR",
    "LEAD_OFFERS_FROM",
    "LONGEST_NOTE",
    "Absence",
    "ActorKind",
    "AddressProtection",
    "AgencyEvent",
    "AgencyEventKind",
    "AuditEvent",
    "BatchEntry",
    "BatchState",
    "CalendarEdit",
    "Case",
    "CaseChild",
    "CaseQuerySet",
    "Channel",
    "CheckKind",
    "Clock",
    "ClockChange",
    "ClockChangeKind",
    "ClockEnd",
    "ClockPolicy",
    "Closing",
    "ClosingRequest",
    "ConflictOfInterest",
    "ConflictPerson",
    "Contact",
    "ContactAdult",
    "ContactBatch",
    "ContactChild",
    "ContactDraft",
    "ContactHandover",
    "ContactType",
    "Decision",
    "DetailKind",
    "DetailToCheck",
    "DisagreementStep",
    "Duty",
    "DutyRole",
    "Event",
    "FactChange",
    "FactorKind",
    "FactorReset",
    "FamilyAgreement",
    "File",
    "FileKind",
    "FileState",
    "Handoff",
    "HandoffKind",
    "HidingToCheck",
    "Information",
    "InformationKind",
    "Message",
    "Milestone",
    "MilestoneKind",
    "Note",
    "NoteKind",
    "NoteReaders",
    "NumberStatus",
    "OpenListCopy",
    "OutboxMessage",
    "Outcome",
    "ParentsTold",
    "PartnerCheck",
    "PartnerReply",
    "PasswordLink",
    "Person",
    "PersonDetail",
    "PersonKey",
    "PersonMatch",
    "Recheck",
    "Recommendation",
    "Reminder",
    "ReminderLook",
    "Replay",
    "ReplayedContact",
    "ReplyKind",
    "RequestKind",
    "RequestState",
    "Responsibility",
    "RestrictedAccess",
    "Restriction",
    "RestrictionKind",
    "RuleSetReason",
    "RuleSetReasonKind",
    "SafeToUse",
    "SecondFactorRule",
    "SenderRequest",
    "SharingBasis",
    "ShiftHandover",
    "ShiftHandoverAddition",
    "SignInEvent",
    "SignInKind",
    "SignOff",
    "SignsWith",
    "Source",
    "StaleRecommendation",
    "StatusChange",
    "Step",
    "ThresholdChecks",
    "UnfinishedForm",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WhyRefused",
    "away_on",
    "files_on",
    "listed_files",
    "sentence_of",
    "unfinished_forms_of",
]
