"""What the state of things allows, whoever asks. A check raises a sentence that a person can read."""

from casework.errors import NotAllowedInStatus, TakenBySomeoneElse
from casework.models import Case, Contact, Handoff, MatchStatus, PersonMatch
from casework.statuses import CaseStatus, ContactStatus, HandoffStatus
from localities.codes import INDIVIDUAL_SOURCES
from localities.models import FRONT_DOOR_KINDS, Team


def check_waits_for_decision(contact: Contact) -> None:
    if contact.status == ContactStatus.SIGN_OFF:
        raise NotAllowedInStatus(
            f"A decision on {contact} waits for a second person. Nothing else is decided until then."
        )
    if contact.status != ContactStatus.RECEIVED:
        raise NotAllowedInStatus(f"{contact} is decided already.")


def check_was_in_view(contact: Contact, recommendation_id: int) -> None:
    if contact.recommendation_id != recommendation_id:
        raise TakenBySomeoneElse("The recommendation changed while you were reading. Look at it again, then go on.")


def check_was_taken_on(case: Case, holder: Team) -> None:
    if holder.kind in FRONT_DOOR_KINDS:
        raise NotAllowedInStatus(f"No team has taken {case} on. Offer it to one: the front door closes no case.")


def check_waits_for_sign_off(contact: Contact) -> None:
    if contact.status != ContactStatus.SIGN_OFF:
        raise NotAllowedInStatus(f"{contact} does not wait for a second person.")


def check_is_open(case: Case) -> None:
    if case.status != CaseStatus.OPEN:
        raise NotAllowedInStatus(f"{case} is closed.")


def check_is_on_offer(handoff: Handoff) -> None:
    if handoff.status != HandoffStatus.OFFERED:
        raise NotAllowedInStatus(f"This handoff is {handoff.get_status_display().lower()} already.")


def check_nothing_on_offer(case: Case) -> None:
    offered = case.handoffs.filter(status=HandoffStatus.OFFERED).select_related("to_team").first()
    if offered is not None:
        raise NotAllowedInStatus(f"{case} is on offer to {offered.to_team}. It must answer, or the offer be withdrawn.")


def check_match_is_open(match: PersonMatch) -> None:
    if match.status != MatchStatus.PROPOSED:
        raise NotAllowedInStatus("Somebody has looked at this likeness already.")


def check_not_acknowledged(contact: Contact) -> None:
    if contact.acknowledged_at is not None:
        raise NotAllowedInStatus(f"The referrer of {contact} was told already.")


def check_awaits_writing(contact: Contact) -> None:
    if not contact.received_by_phone:
        raise NotAllowedInStatus(f"{contact} did not come by telephone.")
    if contact.confirmed_in_writing_at is not None:
        raise NotAllowedInStatus(f"{contact} was confirmed in writing already.")


def check_awaits_feedback(contact: Contact) -> None:
    if contact.status != ContactStatus.DECIDED:
        raise NotAllowedInStatus(f"{contact} is not decided yet: there is nothing to tell the referrer.")
    if contact.feedback_given_at is not None:
        raise NotAllowedInStatus(f"The referrer of {contact} was told the outcome already.")


def hears_outcomes(contact: Contact) -> bool:
    """Whether the referrer is a professional, who hears the outcome. Others hear only that we looked into it."""
    return contact.source_code not in INDIVIDUAL_SOURCES
