"""What the status of a record allows, whoever asks. Each check raises a sentence for people."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from django.db.models import Count

from casework.models import (
    Absence,
    Case,
    Clock,
    ClockPolicy,
    ConflictOfInterest,
    Contact,
    ContactAdult,
    ContactChild,
    ContactDraft,
    ContactHandover,
    DisagreementStep,
    FactorReset,
    File,
    FileState,
    Handoff,
    Note,
    OutboxMessage,
    PartnerCheck,
    PasswordLink,
    Person,
    PersonDetail,
    PersonMatch,
    Replay,
    RequestKind,
    RequestState,
    RestrictedAccess,
    Restriction,
    SenderRequest,
    ShiftHandover,
)
from casework.models.files import MOST_ON_A_RECORD
from casework.statuses import CaseStatus, ContactStatus, HandoffStatus, MatchStatus, PartnerCheckStatus
from errors import Fault, InvalidInput, NotAllowedInStatus, TakenBySomeoneElse
from localities.codes import INDIVIDUAL_SOURCES
from localities.models import FRONT_DOOR_KINDS, Membership, Role, Team, User
from localities.working_time import in_words, local_day
from triage.models import RuleSetVersion
from triage.ruleset import Hold, Rag

# What arrived longer ago is typed in as of today: its deadlines would all have passed.
LONGEST_AGO = timedelta(days=7)
# The second person agrees within so long.
LET_IN_WITHIN = timedelta(days=1)


def check_is_not_answered(reset: FactorReset) -> None:
    if reset.answered_at is not None:
        says = "agreed to" if reset.agreed else "declined"
        raise NotAllowedInStatus(f"{reset.answered_by} {says} this on {in_words(reset.answered_at)}.")


def check_is_asked_now(reset: FactorReset, is_from_who_may: bool, now: datetime) -> None:
    """
    Both know now that it is the person: nobody agrees to what was asked long ago, or by somebody who may not any more.

    :param is_from_who_may: whether the person who asked may let somebody in today.
    """
    if now - reset.asked_at > LET_IN_WITHIN:
        raise NotAllowedInStatus("This was asked more than a day ago. Decline it, and ask anew.")
    if not is_from_who_may:
        raise NotAllowedInStatus(f"{reset.asked_by}, who asked, may not let anybody in now. Decline it, and ask anew.")


def check_waits_for_decision(contact: Contact) -> None:
    if contact.status == ContactStatus.SIGN_OFF:
        says = f"A decision on {contact} waits for a second person. Nothing else is decided until then."
        raise NotAllowedInStatus(_and_who_decided(says, contact))
    check_is_not_decided(contact)


def check_is_not_decided(contact: Contact) -> None:
    if contact.status == ContactStatus.DECIDED:
        raise NotAllowedInStatus(_and_who_decided(f"{contact} is decided already.", contact))


def _and_who_decided(says: str, contact: Contact) -> str:
    """A sentence, and who decided last on the contact, and when; and who answered as the second person."""
    decision = contact.decisions.select_related("decided_by", "sign_off__by").order_by("pk").last()
    if decision is None:
        return says
    says += f" {decision.decided_by} decided on {in_words(decision.decided_at)}."
    answer = getattr(decision, "sign_off", None)
    if answer is None:
        return says
    return f"{says} {answer.by} {'agreed' if answer.agreed else 'declined'} on {in_words(answer.at)}."


def check_arrival(arrived_at: datetime | None, now: datetime) -> None:
    """:raises InvalidInput: a contact cannot have arrived then."""
    if arrived_at is not None and arrived_at > now:
        raise InvalidInput([Fault(("arrived_at",), "The moment when it arrived cannot be in the future.")])
    if arrived_at is not None and arrived_at < now - LONGEST_AGO:
        raise InvalidInput([
            Fault(
                ("arrived_at",),
                f"Enter a day in the last {LONGEST_AGO.days} days. If it arrived before that, leave this empty and say "
                "so in the concern.",
            )
        ])  # fmt: skip


def check_is_draft(draft: ContactDraft) -> None:
    if draft.contact is not None:
        raise NotAllowedInStatus(f"This draft is submitted already, as {draft.contact}.")
    if draft.deleted_at is not None:
        raise NotAllowedInStatus("This draft was deleted.")


def check_owner_unchanged(contact: Contact, seen_owner_id: int | None) -> None:
    if contact.owner_id != seen_owner_id:
        now_with = f"{contact.owner} has it now" if contact.owner else "nobody has it now"
        raise TakenBySomeoneElse(f"Somebody assigned {contact} while you were reading: {now_with}.")


def check_takes_information(contact: Contact, case: Case | None) -> None:
    """:param case: the case that the contact opened or joined."""
    if contact.status == ContactStatus.DECIDED and (case is None or case.status != CaseStatus.OPEN):
        raise NotAllowedInStatus(
            f"{contact} is decided and nobody works on it now. Tell the front door what you know in a new contact."
        )


def check_nothing_learned_since(latest_id: int, seen: int) -> None:
    """Both are ids of `Information`, or 0 for none."""
    if latest_id != seen:
        raise TakenBySomeoneElse("Somebody corrected the facts while you were reading. Look at them again, then go on.")


def check_note_unchanged(last: Note, seen_edition: int) -> None:
    """:param last: the note, or its last correction."""
    if last.edition != seen_edition:
        raise TakenBySomeoneElse(
            f"{last.written_by} corrected this note on {in_words(last.written_at)}, while you were writing. Read that, "
            "then correct it if it is still wrong."
        )


def check_recommendation_unchanged(contact: Contact, recommendation_id: int) -> None:
    if contact.recommendation_id != recommendation_id:
        raise TakenBySomeoneElse("The recommendation changed while you were reading. Look at it again, then go on.")


def check_is_not_protected(person: Person) -> None:
    if person.address_is_protected:
        raise NotAllowedInStatus("This address is confidential already.")


def check_detail_has_not_ended(detail: PersonDetail) -> None:
    check_detail_is_not_in_error(detail)
    if detail.ended_at is not None:
        raise NotAllowedInStatus("Somebody has said already that this is no longer so.")


def check_detail_is_not_in_error(detail: PersonDetail) -> None:
    if detail.in_error_at is not None:
        raise NotAllowedInStatus("Somebody has said already that this was recorded in error.")


def check_is_hidden(person: Person) -> None:
    is_hidden = person.address_is_protected or any(
        of.objects.filter(person=person, address_is_confidential=True).exists() for of in (ContactChild, ContactAdult)
    )
    if not is_hidden:
        raise NotAllowedInStatus("Nothing of this address is hidden.")


def waits_for_screening(contact: Contact) -> bool:
    """Whether the rules hold the contact until somebody at the front door has screened it."""
    recommendation = contact.recommendation
    return contact.screened_at is None and recommendation is not None and recommendation.hold == Hold.SCREENING


def check_is_screened(contact: Contact) -> None:
    if waits_for_screening(contact):
        raise NotAllowedInStatus(
            f"Nobody has screened {contact} yet. Select the indicators that apply, or say that none does; then decide."
        )


def check_team_has_accepted(case: Case, responsible: Team) -> None:
    if responsible.kind in FRONT_DOOR_KINDS:
        raise NotAllowedInStatus(f"No team has taken {case} on. Offer it to one: the front door closes no case.")


def check_closing_is_asked(case: Case, request: int | None) -> None:
    """:param request: the id of an open request to close the case."""
    if request is None:
        raise NotAllowedInStatus(
            f"Nobody was in contact with the family of {case}, and nobody asks now to close it. Two people close such "
            "a case: one asks, and another who leads the team agrees."
        )


def check_waits_for_sign_off(contact: Contact) -> None:
    if contact.status != ContactStatus.SIGN_OFF:
        raise NotAllowedInStatus(_and_who_decided(f"{contact} does not wait for a second person.", contact))


def check_is_open(case: Case) -> None:
    if case.status != CaseStatus.OPEN:
        raise NotAllowedInStatus(f"{case} is closed.")


def check_is_on_offer(handoff: Handoff) -> None:
    if handoff.status != HandoffStatus.OFFERED:
        raise NotAllowedInStatus(f"This handoff is {handoff.get_status_display().lower()} already.")


def check_nothing_on_offer(case: Case) -> None:
    offered = case.handoffs.filter(status=HandoffStatus.OFFERED).select_related("to_team").first()
    check_not_offered_to(case, offered.to_team.name if offered else None)


def check_not_offered_to(case: Case, team: str | None) -> None:
    """:param team: the name of the team that the case is on offer to, if any."""
    if team is not None:
        raise NotAllowedInStatus(f"{case} is on offer to {team}. It must answer, or the offer be withdrawn.")


def check_may_pause(clock: Clock) -> None:
    if not clock.policy.may_pause:
        raise NotAllowedInStatus("This deadline cannot be paused.")


def check_can_pause(clock: Clock, contact: Contact, *, is_sought: bool, now: datetime) -> None:
    """:param is_sought: whether the clock runs in which the family's agreement is sought."""
    check_may_pause(clock)
    if clock.stopped_at is not None:
        raise NotAllowedInStatus("This clock has stopped.")
    if clock.paused_at is not None:
        raise NotAllowedInStatus("This clock is paused already.")
    if contact.rag == Rag.RED:
        raise NotAllowedInStatus(f"{contact} is red: its clocks run day and night.")
    if not is_sought:
        raise NotAllowedInStatus("A clock is paused only while the family's agreement is sought.")
    if clock.due_at <= now:
        raise NotAllowedInStatus("This deadline has passed already: pausing would hide it.")


def check_is_paused(clock: Clock) -> None:
    if clock.paused_at is None:
        raise NotAllowedInStatus("This clock is not paused.")


def check_can_extend(clock: Clock) -> None:
    if clock.stopped_at is not None:
        raise NotAllowedInStatus("This clock has stopped.")
    if clock.paused_at is not None:
        raise NotAllowedInStatus("This clock is paused. Let it go on first.")
    if clock.policy.unit == ClockPolicy.Unit.HOUR:
        raise NotAllowedInStatus("A deadline in hours is not extended: act, or say in the record why it is late.")
    if clock.handoff_id is not None or clock.partner_check_id is not None:
        raise NotAllowedInStatus("An answer that somebody owes is not extended: it is given, or chased.")


def check_waits_to_be_taken_on(contact: Contact) -> None:
    if not contact.handovers.open().exists():
        raise NotAllowedInStatus(f"{contact} was taken on already.")


def check_nothing_handed_over(contact: Contact, open_handover: ContactHandover | None) -> None:
    if open_handover is not None:
        raise NotAllowedInStatus(f"{contact} was passed to {contact.team}, and nobody has taken it on yet.")


def check_is_asked(check: PartnerCheck) -> None:
    if check.status != PartnerCheckStatus.ASKED:
        raise NotAllowedInStatus(f"This request is {check.get_status_display().lower()} already.")


def check_sender_can_ask(contact: Contact, kind: RequestKind, before: Iterable[SenderRequest], now: datetime) -> None:
    """
    :param before: what its sender asked of this kind before.
    """
    is_decided = contact.status == ContactStatus.DECIDED
    if kind == RequestKind.WITHDRAW and is_decided:
        raise NotAllowedInStatus("It is decided already. If you know more, add information; if you disagree, escalate.")
    if kind == RequestKind.CHASE and is_decided and contact.feedback_given_at is not None:
        says = f"You were told on {in_words(contact.feedback_given_at)} what was decided. If you disagree, escalate."
        raise NotAllowedInStatus(says)
    for each in before:
        if each.ended_at is None:
            says = f"You asked this on {in_words(each.at)}, and hear from us by {in_words(each.due_at)}."
            raise NotAllowedInStatus(says)
        if kind == RequestKind.CHASE and local_day(each.at) == local_day(now):
            raise NotAllowedInStatus(
                f"You asked this today already, on {in_words(each.at)}. Ring us if it cannot wait."
            )


def next_step_of_disagreement(contact: Contact, before: Sequence[SenderRequest], now: datetime) -> DisagreementStep:
    """
    The step that a disagreement takes now: the first, or the one after a step that is answered, or late.

    :param before: its steps so far, in order.
    """
    if contact.status != ContactStatus.DECIDED:
        raise NotAllowedInStatus("Nothing is decided yet. Add what you know, or ask what became of it.")
    if not before:
        return DisagreementStep.WORKER
    last = before[-1]
    if last.ended_at is None and now < last.due_at:
        says = f"You disagreed on {in_words(last.at)}, and hear from us by {in_words(last.due_at)}."
        raise NotAllowedInStatus(says)
    if last.step == DisagreementStep.PARTNERSHIP:
        raise NotAllowedInStatus("The partnership has it, or has answered: there is no further step. Please ring us.")
    return DisagreementStep((last.step or 0) + 1)


def check_awaits_answer(request: SenderRequest) -> None:
    if request.state != RequestState.OPEN:
        raise NotAllowedInStatus(f"This is {request.state.label.lower()} already.")


def check_is_read_in_system(check: PartnerCheck) -> None:
    if check.key is None:
        raise NotAllowedInStatus("This partner was asked by telephone or e-mail. Answer it in the same way.")


def check_is_parked(message: OutboxMessage) -> None:
    if message.dropped_at is not None:
        raise NotAllowedInStatus("This message was dropped.")
    if message.parked_at is None:
        raise NotAllowedInStatus("This message is not parked: it was sent, or is on its way.")


def check_can_sign_in(user: User) -> None:
    if not user.is_active:
        raise NotAllowedInStatus(f"{user}’s account is closed. Open it first.")


def check_has_password(user: User) -> None:
    if not user.has_usable_password():
        raise NotAllowedInStatus(f"{user} has no password.")


def check_link_is_open(link: PasswordLink, user: User, now: datetime) -> None:
    if link.used_at is not None or link.withdrawn_at is not None or link.ends_at <= now or not link.is_still_for(user):
        raise NotAllowedInStatus("This link no longer works. Ask for another one.")


def check_has_no_administrator(now: datetime) -> None:
    """The first administrator is made once. Whoever has the role and no password yet is not in charge of anything."""
    administrators = Membership.objects.current(local_day(now)).filter(role=Role.ADMINISTRATOR).select_related("user")
    for membership in administrators:
        if membership.user.has_usable_password():
            raise NotAllowedInStatus(
                f"There is an administrator already: {membership.user.username}. Ask them to add others, under Admin, "
                "Users."
            )


def check_match_is_open(match: PersonMatch) -> None:
    if match.status != MatchStatus.PROPOSED:
        says = "Somebody has looked at this likeness already."
        if match.settled_by is not None and match.settled_at is not None:
            says += f" {match.settled_by} did, on {in_words(match.settled_at)}."
        raise NotAllowedInStatus(says)
    if match.row.person_id == match.known.pk:
        raise NotAllowedInStatus("They are one person already, through another match.")


def check_match_is_settled(match: PersonMatch) -> None:
    if match.status == MatchStatus.PROPOSED:
        raise NotAllowedInStatus("There is nothing to undo: nobody has said yet whether they are the same.")


def check_not_told_apart(pairs: Collection[Collection[int]]) -> None:
    if pairs:
        raise NotAllowedInStatus("Somebody has said that these are two people. Undo that first.")


def check_not_two_identities(pairs: Collection[Collection[int]]) -> None:
    if pairs:
        raise NotAllowedInStatus(
            "One of the two is restricted as an adopted child, and the other has another last name or NHS number. The "
            "records of before and after an adoption are never joined: restrict the other as adopted, too. If this is "
            "the same child under today's name, correct the name or the number first."
        )


def check_stay_children_of_their_own(match: PersonMatch) -> None:
    """Each child on a contact is a person of their own: two of them cannot be one."""
    people = {match.row.person_id, match.known.pk}
    if match.child is not None and (other := match.child.contact.children.filter(person=match.known).first()):
        raise NotAllowedInStatus(f"{other.ref} on this contact is this person already, and each child is one person.")
    on_contacts = ContactChild.objects.filter(person__in=people).order_by().values("contact")
    if on_contacts.annotate(children=Count("pk")).filter(children__gt=1).exists():
        raise NotAllowedInStatus("Both are children on one contact, and each child there is a person of their own.")


def check_is_in_force(restriction: Restriction) -> None:
    if restriction.lifted_at is not None:
        raise NotAllowedInStatus(f"Restriction {restriction} was lifted already.")


def check_can_still_read(access: RestrictedAccess) -> None:
    if access.until is not None:
        raise NotAllowedInStatus("This person was taken off already.")


def check_has_not_ended(conflict: ConflictOfInterest) -> None:
    if conflict.ended_at is not None:
        raise NotAllowedInStatus("This conflict of interest has ended already.")


def check_is_not_withdrawn(absence: Absence) -> None:
    if absence.withdrawn_at is not None:
        raise NotAllowedInStatus("This absence was withdrawn.")


def check_is_not_read(handover: ShiftHandover) -> None:
    if handover.read_at is not None:
        raise NotAllowedInStatus("Somebody has confirmed already that they have read this sheet.")


def check_waits_for_review(access: RestrictedAccess) -> None:
    if access.reviewed_at is not None:
        raise NotAllowedInStatus("Somebody has reviewed this already.")


def check_not_acknowledged(contact: Contact) -> None:
    if contact.acknowledged_at is not None:
        raise NotAllowedInStatus(f"The referrer of {contact} was told already.")


def check_awaits_written_confirmation(contact: Contact) -> None:
    if not contact.received_by_phone:
        raise NotAllowedInStatus(f"{contact} did not come by telephone.")
    if contact.confirmed_in_writing_at is not None:
        raise NotAllowedInStatus(f"{contact} was confirmed in writing already.")


def check_awaits_feedback(contact: Contact) -> None:
    if contact.status != ContactStatus.DECIDED:
        raise NotAllowedInStatus(f"{contact} is not decided yet: there is nothing to tell the referrer.")
    if contact.feedback_given_at is not None:
        raise NotAllowedInStatus(f"The referrer of {contact} was told the outcome already.")


def is_told_outcomes(contact: Contact) -> bool:
    """
    Whether the referrer is a professional, who is told the outcome. Others are told only that we have looked into it.
    """
    return contact.source_code not in INDIVIDUAL_SOURCES


def is_told_outcomes_by_email(contact: Contact) -> bool:
    """
    Whether an e-mail to the referrer may say what was decided. The address stands in what a partner's system sent:
    anybody's may, so it must be at a domain that we know to be the agency's.
    """
    is_known = contact.agency is None or contact.agency.has_address(contact.referrer_email)
    return is_told_outcomes(contact) and is_known


def check_is_a_draft(draft: RuleSetVersion) -> None:
    if draft.published_at is not None:
        raise NotAllowedInStatus(f"{draft.called} is published, and never changes. Copy it to a draft.")
    if draft.discarded_at is not None:
        raise NotAllowedInStatus(f"{draft.called} was discarded. Copy the live version to a new draft.")


def check_edition_unchanged(draft: RuleSetVersion, edition: int) -> None:
    if draft.edition != edition:
        raise TakenBySomeoneElse(
            f"Somebody changed {draft.called} while you were reading. Look at it again, then go on."
        )


def check_is_proposed(draft: RuleSetVersion) -> None:
    check_is_a_draft(draft)
    if draft.proposed_at is None:
        raise NotAllowedInStatus(f"Nobody has proposed {draft.called}, or it changed since.")


def check_is_not_live_yet(version: RuleSetVersion, now: datetime) -> None:
    if version.live is None or version.live.lower <= now:
        raise NotAllowedInStatus(f"{version.called} does not wait for its start: there is nothing to call off.")


def check_is_running(replay: Replay) -> None:
    if replay.finished_at or replay.cancelled_at or replay.failed_at:
        raise NotAllowedInStatus("This replay has ended already.")


def check_takes_files(count: int) -> None:
    """:param count: how many files are on the record already."""
    if count >= MOST_ON_A_RECORD:
        says = f"There are {MOST_ON_A_RECORD} files on this record already, and no record holds more"
        raise InvalidInput([Fault(("file",), says)])


def check_is_present(file: File) -> None:
    if file.removed_at is not None:
        raise NotAllowedInStatus("This file is removed already.")


def check_is_ready(file: File) -> None:
    """A file is opened when the virus scanner has answered, and found nothing."""
    match file.state:
        case FileState.BEING_CHECKED:
            raise NotAllowedInStatus("This file is being checked for viruses. Try again in a few minutes.")
        case FileState.REFUSED:
            raise NotAllowedInStatus("This file may contain a virus. Nobody can open it.")
        case FileState.REMOVED:
            raise NotAllowedInStatus("This file was removed. Nobody can open it.")
