"""
The words of every message that goes out. Facts in, text out; no child's or family's name can get in.

A message names a reference and links to the page that holds the story, behind sign-in.
"""

from dataclasses import dataclass

from django.conf import settings

from casework.models import Message, OutboxMessage
from casework.policies import hears_outcomes
from casework.rules import of_version


@dataclass(frozen=True)
class Letter:
    """What is sent: a subject line and a text."""

    subject: str
    text: str


def write(message: OutboxMessage) -> Letter:
    """The letter for a message whose contact, case and reminder are loaded."""
    match Message(message.kind):
        case Message.ACKNOWLEDGEMENT:
            return _letter(
                f"We have your contact {message.contact}",
                "Thank you. The front door has what you told us and will decide what happens next within one working "
                f"day. Please keep the reference {message.contact}.",
                "If a child is in immediate danger, call 999. If you learn more, or hear nothing in time, call us.",
            )
        case Message.RED_CONTACT:
            return _letter(
                f"Red: {message.contact} waits for a decision",
                "The rules rate this contact red. It must be decided within hours, day or night.",
                _link(message),
            )
        case Message.FEEDBACK:
            return _letter(f"What we decided about your contact {message.contact}", *_outcome(message))
        case Message.CASE_CLOSED:
            return _letter(
                f"The work that began with your contact {message.contact} has ended",
                f"It ended like this: {message.case.get_outcome_display().lower()}.",  # type: ignore[union-attr]
                "If you are worried about the child again, please contact us again.",
            )
        case Message.HANDOFF_OFFERED:
            return _letter(
                f"A case is offered to your team: {message.case}",
                "Its whole story is attached to it. Please accept it, or return it with a reason.",
                _link(message),
            )
        case Message.HANDOFF_RETURNED:
            return _letter(
                f"A case came back to your team: {message.case}",
                "The team to which it was offered returned it, with a reason. Your team is still responsible.",
                _link(message),
            )
        case Message.CONTACT_LINKED:
            return _letter(
                f"New information about your team's case {message.case}",
                f"Somebody contacted us about this family: {message.contact}.",
                _link(message),
            )
        case Message.SIGN_OFF_WANTED:
            return _letter(
                f"A decision waits for a second person: {message.contact}",
                "It takes effect only when somebody other than the decider agrees.",
                _link(message),
            )
        case Message.REMINDER:
            return _reminder(message)
        case Message.RULE_SET_PROPOSED:
            return _letter(
                f"A rule set waits for approval: {message.rule_set}",
                "Its scenarios pass and it was replayed over past contacts. Read what it changes, then approve it or "
                "send it back.",
                _link(message),
            )
        case Message.RULE_SET_SENT_BACK:
            return _letter(
                f"Your proposal came back: {message.rule_set}",
                "Somebody read it and sent it back, with a reason.",
                _link(message),
            )
        case Message.RECHECK_DIFFERS:
            return _letter(
                "Stored recommendations do not come out as they were stored",
                "Last night's re-check computed stored recommendations again from their facts and their version of the "
                "rules, and found some that differ. Until this is understood, do not publish new rules.",
                f"{settings.BASE_URL}/admin/casework/recheck/",
            )


def _outcome(message: OutboxMessage) -> tuple[str, ...]:
    contact = message.contact
    assert contact is not None
    decision = contact.decision_in_effect
    if decision is None or not hears_outcomes(contact):
        return (
            "Thank you. We looked into what you told us and decided what happens next. We must keep the rest private.",
            "If you are worried again, please contact us again.",
        )
    pathway = of_version(decision.recommendation.rule_set_id).rule_set.pathways[decision.pathway]
    return (
        f"We decided: {pathway.title.lower()}.",
        "If you disagree, please call us: we will talk it through, and you can ask for a manager.",
    )


def _reminder(message: OutboxMessage) -> Letter:
    reminder = message.reminder
    assert reminder is not None
    what = reminder.clock.kind.replace("_", " ")
    subject = message.case or message.contact
    return _letter(f"{reminder.get_step_display()}: {what}, {subject}", f"{subject}: {what}.", _link(message))


def _link(message: OutboxMessage) -> str:
    if message.rule_set is not None:
        return f"{settings.BASE_URL}/admin/triage/rulesetversion/{message.rule_set_id}/"
    if message.case is not None:
        return f"{settings.BASE_URL}/cases/{message.case}/"
    return f"{settings.BASE_URL}/contacts/{message.contact}/"


def _letter(subject: str, *paragraphs: str) -> Letter:
    return Letter(subject, "\n\n".join(paragraphs) + f"\n\n{settings.COUNCIL_NAME}, the front door\n")
