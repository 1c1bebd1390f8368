"""The models of the story."""

from casework.models.cases import Case, CaseChild, Handoff, Milestone, MilestoneKind, Outcome, Responsibility
from casework.models.clocks import Clock, ClockEnd, ClockPolicy, Reminder, Step
from casework.models.contacts import (
    Channel,
    Contact,
    ContactAdult,
    ContactChild,
    ContactType,
    MatchStatus,
    ParentsTold,
    Person,
    PersonMatch,
    SharingBasis,
)
from casework.models.judgement import Decision, Recommendation, SignOff
from casework.models.record import ActorKind, AuditEvent, Event, Message, OutboxMessage, StatusChange
from casework.models.rule_sets import Recheck, Replay, ReplayedContact, ThresholdChecks

__all__ = [
    "ActorKind",
    "AuditEvent",
    "Case",
    "CaseChild",
    "Channel",
    "Clock",
    "ClockEnd",
    "ClockPolicy",
    "Contact",
    "ContactAdult",
    "ContactChild",
    "ContactType",
    "Decision",
    "Event",
    "Handoff",
    "MatchStatus",
    "Message",
    "Milestone",
    "MilestoneKind",
    "OutboxMessage",
    "Outcome",
    "ParentsTold",
    "Person",
    "PersonMatch",
    "Recheck",
    "Recommendation",
    "Reminder",
    "Replay",
    "ReplayedContact",
    "Responsibility",
    "SharingBasis",
    "SignOff",
    "StatusChange",
    "Step",
    "ThresholdChecks",
]
