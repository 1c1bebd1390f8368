"""
The wording of every message. No child's or family's name can get in.

A message has a reference and a link to the page, which needs a sign-in.
"""

from dataclasses import dataclass

from django.conf import settings

from casework.access.conditions import is_told_outcomes, is_told_outcomes_by_email
from casework.deadlines.titles import title_of
from casework.models import AuditEvent, Event, Message, OutboxMessage, PasswordLink, Step
from localities.working_time import in_words
from triage.published_rules import of_version
from triage.ruleset import Rag


@dataclass(frozen=True)
class Letter:
    """An e-mail: a subject line and a text."""

    subject: str
    text: str


# E-mails to staff: a subject, and what has happened and what to do. A link follows.
TO_STAFF = {
    Message.RED_CONTACT: (
        "Red: {contact} waits for a decision",
        "The rules rate this contact red. It must be decided within hours, day or night.",
    ),
    Message.HANDOFF_OFFERED: (
        "A case is offered to your team: {case}",
        "Its whole story is attached to it. Please accept it, or return it with a reason.",
    ),
    Message.HANDOFF_RETURNED: (
        "A case came back to your team: {case}",
        (
            "The team to which it was offered returned it, with a reason. Your team is still responsible. Please read "
            "the reason, then offer the case again or keep it."
        ),
    ),
    Message.CLOSING_ASKED: (
        "You are asked to close a case: {case}",
        "Nobody was in contact with the family, so two people close the case. Please agree to it, or keep it open.",
    ),
    Message.CLOSING_DECLINED: (
        "A case that you asked to close stays open: {case}",
        "Whoever leads the team says why, and what should be done. Please read it.",
    ),
    Message.LEAD_LEFT: (
        "A case needs a lead practitioner: {case}",
        "Its lead practitioner has left the team. Please name another: the family must know whom to turn to.",
    ),
    Message.CASE_BOUNCED: (
        "Sent to and fro: {case}",
        "A team that let this case go less than 30 days ago has it again. Please talk it through between you.",
    ),
    Message.CONTACT_HANDED_OVER: (
        "A contact passed to your team: {contact}",
        "It waits for a decision. Please take it on: until somebody does, nobody knows that it is in good hands.",
    ),
    Message.CONTACT_LINKED: (
        "New information about your team's case {case}",
        "Somebody contacted us about this family: {contact}.",
    ),
    Message.INFORMATION_ADDED: (
        "More is known about {contact}",
        "Facts were added or corrected. Please read them: they may change what is right for the children.",
    ),
    Message.GRAVER_THAN_DECIDED: (
        "More serious than decided: {contact}",
        "By what is known now, the rules recommend something more serious. Please look at it at once.",
    ),
    Message.CONTACT_ASSIGNED: (
        "Assigned to you: {contact}",
        "A colleague assigned this contact to you. If you cannot see to it, assign it to somebody who can.",
    ),
    Message.COVER_NAMED: (
        "You cover for a colleague who is away",
        "While they are away, their reminders and their new work are told to you, too. The page says whose, and when.",
    ),
    Message.PARTNER_ANSWERED: (
        "A partner answered about your team's case {case}",
        "The decision on {contact} did not wait for this answer. Please read it with the contact.",
    ),
    Message.SENDER_ASKED: (
        "A referrer asks about {contact}",
        "The agency that sent this contact wants to withdraw it, asks what became of it, or disagrees. Please answer.",
    ),
    Message.PARTNER_REPLIED: (
        "A partner replied about {contact}",
        "It answers your question in its own system, or asks back. Please read it with the contact.",
    ),
    Message.FILE_ADDED: (
        "A file was sent about {contact}",
        "The agency that told us about this family sent a file. Please read it: it may change what is right.",
    ),
    Message.FILE_REFUSED: (
        "A file may contain a virus",
        (
            "The virus scanner found something in a file that somebody put on a record. Nobody can open it. Whoever "
            "put it there: do not open your own copy, and tell your IT service."
        ),
    ),
    Message.WEBHOOK_ENDED: (
        "Events are no longer sent to an agency's system",
        (
            "Its address says that it is gone, or took nothing for five days. Please tell the agency: until it is put "
            "right, its system hears nothing by itself of what becomes of its contacts."
        ),
    ),
    Message.SIGN_OFF_WANTED: (
        "A decision is awaiting sign-off: {contact}",
        "It takes effect only when somebody other than the decider agrees.",
    ),
    Message.SIGN_OFF_DECLINED: (
        "Declined: the decision on {contact}",
        "The second person declined it, with a reason. The contact must be decided again.",
    ),
    Message.RESTRICTED_CONTACT: (
        "A restricted contact waits: {contact}",
        (
            "Somebody on this contact has a restricted record, or may have. Only those who are named can open it: make "
            "sure that one of them does, in time."
        ),
    ),
    Message.GLASS_BROKEN: (
        "Somebody opened a restricted record: {restriction}",
        "They gave a reason and can read the record for some hours. Please read the reason now, and review it.",
    ),
    Message.RESTRICTION_CHANGED: (
        "A restriction that you own changed: {restriction}",
        "Somebody made it, passed it to you, named or removed a reader, or lifted it.",
    ),
    Message.RULE_SET_PROPOSED: (
        "A rule set waits for approval: {rule_set.called}",
        (
            "Its scenarios pass, and it was replayed over past contacts. Read what it changes, then approve it or "
            "send it back."
        ),
    ),
    Message.RULE_SET_SENT_BACK: (
        "Your proposal came back: {rule_set.called}",
        "Somebody read it and sent it back, with a reason.",
    ),
    Message.FACTOR_ADDED: (
        "A second step of signing in is set up for your account",
        "If it was not you, call your administrator now: somebody knows your password.",
    ),
    Message.FACTOR_REMOVED: (
        "A second step of signing in is removed from your account",
        "If it was not you, call your administrator now: somebody else may be signed in as you.",
    ),
    Message.CODES_MADE: (
        "New recovery codes are made for your account",
        (
            "The old ones no longer work. If it was not you, call your administrator now: somebody else may be signed "
            "in as you."
        ),
    ),
    Message.FACTOR_RESET_ASKED: (
        "Somebody asked to let you in without your second step of signing in",
        "If you did not ask for this, sign in and decline it, or call your administrator now.",
    ),
    Message.FACTORS_REMOVED: (
        "Your second step of signing in is removed",
        (
            "Two people agreed to it, and you were signed out everywhere. Sign in with your password and set it up "
            "anew. If you did not ask for this, call your administrator now."
        ),
    ),
}

# What somebody is told of how they sign in: the link leads to their account.
OF_ONES_ACCOUNT = (
    Message.FACTOR_ADDED, Message.FACTOR_REMOVED, Message.CODES_MADE, Message.FACTOR_RESET_ASKED,
    Message.FACTORS_REMOVED,
)  # fmt: skip


NOT_BY_EMAIL = (
    "We do not know this address as one of your agency's, so we do not say more here: your agency's system can read "
    "it, or call us and give the reference."
)


def write(message: OutboxMessage) -> Letter:
    """The e-mail for a message, and for those that it carries."""
    match Message(message.kind):
        case Message.ACKNOWLEDGEMENT:
            return _letter(
                f"We have your contact {message.contact}",
                "Thank you. The front door has what you told us and will decide what happens next within one working "
                f"day. Please keep the reference {message.contact}.",
                "If a child is in immediate danger, call 999. If you learn more, or hear nothing in time, call us.",
            )
        case Message.FEEDBACK:
            return _letter(f"What we decided about your contact {message.contact}", *_outcome(message))
        case Message.CASE_CLOSED:
            return _letter(
                f"The work that began with your contact {message.contact} has ended",
                *_ending(message),
                "If you are worried about the child again, please contact us again.",
            )
        case Message.SENDER_ANSWERED:
            return _letter(
                f"We have answered what you asked about your contact {message.contact}",
                "The answer is not in this e-mail: your agency's system can read it, or call us with the reference.",
                "If a child is in immediate danger, call 999. If you are worried again, please contact us again.",
            )
        case Message.CHECK_ASKED:
            return _letter(
                "A question about a child waits for your agency",
                "The front door asks your agency what it knows. Your system has the question, and takes the answer; "
                "that nothing is known is an answer, too.",
                "Please do not answer this e-mail: what is known of a child does not belong in e-mails.",
            )
        case Message.CHECK_LATE:
            return _letter(
                "Your agency has not answered a question about a child yet",
                "The time for the answer is over, and a decision about a child waits for it. Your system has the "
                "question, and takes the answer. If you need more time, or cannot find the family, ask back there.",
                "Please do not answer this e-mail: what is known of a child does not belong in e-mails.",
            )
        case Message.REMINDER:
            carried = message.carries.select_related("reminder__clock", "contact", "case")
            return _reminders([message, *carried])
        case Message.PASSWORD_LINK:
            return _to_set_a_password(message)
        case Message.ADDRESS_CHANGED:
            # No link: this address is no longer the account's.
            return _letter(
                "Your e-mail address at the locality front door was changed",
                "An administrator gave your account another e-mail address. What the front door sends you, also a link "
                "to set your password, goes there from now on.",
                "If nobody told you of this, call your administrator now, by a number that you know.",
            )
        case Message.RECHECK_DIFFERS | Message.INTEGRITY_BROKEN:
            return _found_at_night(message)
        case Message.HANDOFF_OFFERED if message.case is not None and message.case.rag == Rag.RED:
            return _letter(
                f"Red: a case is offered to your team: {message.case}",
                "It must be accepted or returned within hours, day or night. Its whole story is attached to it.",
                _link(message),
            )
        case kind:
            subject, says = TO_STAFF[kind]
            about = {name: getattr(message, name) for name in ("contact", "case", "rule_set", "restriction")}
            return _letter(subject.format(**about), says.format(**about), _link(message))


def _outcome(message: OutboxMessage) -> tuple[str, ...]:
    contact = message.contact
    assert contact is not None
    decision = contact.decision_in_effect
    if decision is None or not is_told_outcomes(contact):
        return (
            "Thank you. We looked into what you told us and decided what happens next. We must keep the rest private.",
            "If you are worried again, please contact us again.",
        )
    if not is_told_outcomes_by_email(contact):
        return (
            f"Thank you. We decided what happens next. {NOT_BY_EMAIL}",
            "If you are worried again, please contact us again.",
        )
    pathway = of_version(decision.recommendation.rule_set_id).rule_set.pathways[decision.pathway]
    return (
        f"We decided: {pathway.called.lower()}.",
        "If you disagree, please call us: we will talk it through, and you can ask for a manager.",
    )


def _ending(message: OutboxMessage) -> tuple[str, ...]:
    assert message.contact is not None, "it is about a contact"
    assert message.case is not None, "it is about a case"
    if not is_told_outcomes_by_email(message.contact):
        return (f"How it ended is not in this e-mail. {NOT_BY_EMAIL}",)
    return (f"It ended like this: {message.case.get_outcome_display().lower()}.",)


def _reminders(messages: list[OutboxMessage]) -> Letter:
    """The e-mail with one or more reminders to one address: the gravest first. A retry has the same text."""
    said = sorted(messages, key=lambda message: (-_gravity(message), message.pk))
    lines = [f"{_of(message)}\n{_link(message)}" for message in said]
    if len(lines) == 1:
        return _letter(_of(said[0]), lines[0])
    late = sum(_gravity(message) > 0 for message in said)
    subject = f"{len(said)} reminders" + (f", {late} of them late" if late else "")
    return _letter(subject, "These deadlines have passed or are near, the most serious first.", *lines)


def _of(message: OutboxMessage) -> str:
    assert message.reminder is not None
    what = title_of(message.reminder.clock.kind)
    return f"{message.reminder.get_step_display()}: {what}, {message.case or message.contact}"


def _gravity(message: OutboxMessage) -> int:
    assert message.reminder is not None
    return list(Step).index(Step(message.reminder.step))


def _to_set_a_password(message: OutboxMessage) -> Letter:
    """The token is computed here: no table has it. A retry has the same text."""
    link = message.password_link
    assert link is not None
    return _letter(
        "Set your password for the locality front door",
        f"{link.user.name}, set your password here:",
        address_of(link),
        f"The link works once, until {in_words(link.ends_at)}. Do not pass it on.",
        "If you do not work with the front door, or did not ask for a password, tell the council.",
    )


def address_of(link: PasswordLink) -> str:
    """Where somebody sets their password. It is a secret until then."""
    return f"{settings.BASE_URL}/accounts/password/set/{link.token}/"


def _found_at_night(message: OutboxMessage) -> Letter:
    if message.kind == Message.RECHECK_DIFFERS:
        return _letter(
            "Stored recommendations do not come out as they were stored",
            "Last night's re-check computed stored recommendations again from their facts and their version of the "
            "rules, and found some that differ. Until this is understood, do not publish new rules.",
            f"{settings.BASE_URL}/admin/casework/recheck/",
        )
    # The audit event that was written together with this message says what is broken.
    checked = AuditEvent.objects.filter(event=Event.INTEGRITY_CHECKED, at=message.created_at).latest("pk")
    broken: dict[str, int] = checked.detail["broken"]
    return _letter(
        "Something that must never be false is",
        "Last night's check of the database found what the database itself refuses:",
        "\n".join(f"{says}: broken {count} {'time' if count == 1 else 'times'}." for says, count in broken.items()),
        "Somebody changed the database behind the service's back, or switched a refusal off. Keep it as it is, take a "
        "copy, and find out who and how; manage.py check_integrity counts again.",
        f"{settings.BASE_URL}/admin/",
    )


def _link(message: OutboxMessage) -> str:
    if message.rule_set is not None:
        return f"{settings.BASE_URL}/admin/triage/rulesetversion/{message.rule_set_id}/"
    if message.restriction is not None:
        return f"{settings.BASE_URL}/restricted/{message.restriction}/"
    if message.kind == Message.WEBHOOK_ENDED:
        return f"{settings.BASE_URL}/admin/casework/webhookendpoint/"
    if message.kind == Message.COVER_NAMED:
        return f"{settings.BASE_URL}/duty/"
    if message.kind in OF_ONES_ACCOUNT:
        return f"{settings.BASE_URL}/account/"
    if message.kind == Message.RESTRICTED_CONTACT:
        return f"{settings.BASE_URL}/restricted/"
    if message.case is not None:
        return f"{settings.BASE_URL}/cases/{message.case}/"
    if message.contact is None:
        # A file on a draft.
        return f"{settings.BASE_URL}/contacts/drafts/"
    return f"{settings.BASE_URL}/contacts/{message.contact}/"


def _letter(subject: str, *paragraphs: str) -> Letter:
    return Letter(subject, "\n\n".join(paragraphs) + f"\n\n{settings.COUNCIL_NAME}, the front door\n")
