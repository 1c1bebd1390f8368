"""Who may do what. Each check raises a sentence for people."""

from collections.abc import Callable, Collection
from datetime import date
from typing import ParamSpec

from casework.models import (
    Case,
    Clock,
    Contact,
    ContactHandover,
    Decision,
    DisagreementStep,
    FactorReset,
    Handoff,
    Note,
    PasswordLink,
    RestrictedAccess,
    ShiftHandover,
)
from casework.statuses import ContactStatus
from errors import NotPermitted
from localities.models import FRONT_DOOR_KINDS, LEADING_ROLES, Role, Team, User
from localities.roles import roles_of

RULE_READERS = (
    Role.PRACTICE_LEAD, Role.SERVICE_MANAGER, Role.FRONT_DOOR_MANAGER, Role.AUDITOR, Role.ADMINISTRATOR,
)  # fmt: skip
DRAFTERS = (Role.PRACTICE_LEAD, Role.SERVICE_MANAGER, Role.FRONT_DOOR_MANAGER)
APPROVERS = (Role.PRACTICE_LEAD, Role.SERVICE_MANAGER)
RESTRICTERS = (Role.FRONT_DOOR_MANAGER, Role.SERVICE_MANAGER, Role.INFORMATION_GOVERNANCE)
# Their roles show them every contact and case, whichever team has it: an owner can always look.
RESTRICTION_OWNERS = (Role.SERVICE_MANAGER, Role.INFORMATION_GOVERNANCE)
OVERSIGHT = (*LEADING_ROLES, Role.SERVICE_MANAGER, Role.PRACTICE_LEAD)
SERVICE_LEADS = (Role.SERVICE_MANAGER,)
# Whoever answers for people or for accounts; at night there is a manager, and no administrator.
WHO_LET_IN = (Role.FRONT_DOOR_MANAGER, Role.TEAM_LEAD, Role.SERVICE_MANAGER, Role.ADMINISTRATOR)
DECIDERS = frozenset({Role.SOCIAL_WORKER, Role.FRONT_DOOR_MANAGER})


def check_can_enter_contacts(by: User, on: date) -> None:
    """Staff of the front door and of emergency duty may type contacts in."""
    if not roles_of(by, on).front_door_roles:
        raise NotPermitted("Only front-door staff can enter a contact.")


def check_can_take_over_drafts(by: User, on: date) -> None:
    """A front-door manager takes over what somebody else began to type in and did not finish."""
    if Role.FRONT_DOOR_MANAGER not in roles_of(by, on).front_door_roles:
        raise NotPermitted("Only a front-door manager can take over what somebody else typed.")


def check_can_let_in(by: User, on: date) -> None:
    """Managers, team leads and administrators let somebody in who has lost their second step of signing in."""
    if not roles_of(by, on).has(*WHO_LET_IN):
        raise NotPermitted("Only a manager, a team lead or an administrator can let somebody in.")


def check_can_agree_to_let_in(reset: FactorReset, by: User, on: date) -> None:
    """Two different people let somebody in, and nobody themself."""
    check_can_let_in(by, on)
    if by.pk == reset.person_id:
        raise NotPermitted("You cannot let yourself in. Two others must agree.")
    if by.pk == reset.asked_by_id:
        raise NotPermitted("You asked for this. Another person must agree.")


def check_can_work_on(contact: Contact, by: User, on: date) -> None:
    """Front-door staff may record agreement, checks and matches."""
    if not roles_of(by, on).front_door_roles:
        raise NotPermitted(f"Only front-door staff can work on {contact}.")


def check_can_answer_sender(contact: Contact, step: int | None, by: User, on: date) -> None:
    """
    Front-door staff answer what a sender asks. From the second step on, a disagreement is for those above them.

    :param step: of a disagreement; None for anything else.
    """
    who = roles_of(by, on)
    if step is None or step == DisagreementStep.WORKER:
        check_can_work_on(contact, by, on)
    elif step == DisagreementStep.MANAGER:
        if Role.FRONT_DOOR_MANAGER not in who.front_door_roles and not who.has(Role.SERVICE_MANAGER):
            raise NotPermitted("A front-door manager, or a service manager, answers this step of a disagreement.")
    elif not who.has(Role.SERVICE_MANAGER):
        raise NotPermitted("A service manager answers this step of a disagreement.")


def check_can_assign(contact: Contact, by: User, on: date) -> None:
    """Front-door staff take contacts on, and assign them to each other."""
    if not roles_of(by, on).front_door_roles:
        raise NotPermitted(f"Only front-door staff can assign {contact}.")


def check_can_record_people(by: User, on: date) -> None:
    """Front-door staff record what is said about a person."""
    if not roles_of(by, on).front_door_roles:
        raise NotPermitted("Only front-door staff can record what is said about a person.")


def check_can_protect(by: User, on: date) -> None:
    """Whoever works with the family may make an address confidential: the front door, and the teams."""
    if not roles_of(by, on).team_ids:
        raise NotPermitted("Only those who work with a family can make its address confidential.")


def check_can_lift_protection(by: User, on: date) -> None:
    """A front-door manager or a service manager lifts the protection of an address."""
    who = roles_of(by, on)
    if Role.FRONT_DOOR_MANAGER not in who.front_door_roles and not who.has(Role.SERVICE_MANAGER):
        raise NotPermitted(
            "Only a front-door manager or a service manager can say that a hidden address is safe to show."
        )


def check_can_correct(contact: Contact, team_id: int | None, by: User, on: date) -> None:
    """
    Front-door staff may add and correct facts; so may, once the case is open, the members of the responsible team, who
    meet the family.

    :param team_id: the responsible team of the open case, if there is one.
    """
    who = roles_of(by, on)
    if not who.front_door_roles and (team_id is None or team_id not in who.team_ids):
        raise NotPermitted(f"Only front-door staff, or the team responsible for the case, can correct {contact}.")


def check_can_add_files(record: Contact | Case, team_id: int | None, by: User, on: date) -> None:
    """
    Front-door staff may put files on a record; so may the members of the team that is responsible for the case.

    :param team_id: the team that is, or was last, responsible for the case, if there is one.
    """
    who = roles_of(by, on)
    if not who.front_door_roles and (team_id is None or team_id not in who.team_ids):
        raise NotPermitted(f"Only front-door staff, or the team responsible for the case, can put files on {record}.")


def check_can_open_files(is_hidden: bool, by: User, on: date) -> None:
    """
    Whoever may see a record may open its files. Where an address of the family is hidden, those who may show it alone:
    a file may have it in it.

    :param is_hidden: whether an address of the family is hidden.
    """
    if is_hidden and not allows(check_can_lift_protection, by, on):
        raise NotPermitted(
            "This family has a confidential address, and files may show it. Only a front-door manager or a service "
            "manager can open them: ask one for what you need to know."
        )


def check_can_remove_files(by: User, on: date) -> None:
    """Those who decide who may open a record may remove what was put on the wrong one."""
    if not roles_of(by, on).has(*RESTRICTERS):
        raise NotPermitted(
            "Only a front-door manager, a service manager or an information-governance officer can remove a file. Ask "
            "one if this is on the wrong record."
        )


def check_can_write_notes(record: Contact | Case, by: User, on: date) -> None:
    """Whoever works in a team, or leads practice, writes notes on what they may open. Others read them."""
    who = roles_of(by, on)
    if not who.team_ids and not who.has(Role.SERVICE_MANAGER, Role.PRACTICE_LEAD):
        raise NotPermitted(f"Only those who work with families can write a note on {record}.")


def check_can_write_oversight(by: User, on: date) -> None:
    """Management oversight is written by managers, team leads and practice leads."""
    if not roles_of(by, on).has(*OVERSIGHT):
        raise NotPermitted("Only a manager, a team lead or a practice lead can write management oversight.")


def check_can_correct_note(note: Note, team_id: int | None, by: User, on: date) -> None:
    """
    Whoever wrote a note may correct it; so may a front-door manager on a contact, whoever leads the team of its case,
    and the service manager.

    :param note: the first one, not a correction.
    :param team_id: the team that works on the case of the record, or did last, if there is one.
    """
    who = roles_of(by, on)
    if not (
        note.written_by_id == by.pk
        or (note.contact_id is not None and Role.FRONT_DOOR_MANAGER in who.front_door_roles)
        or (team_id is not None and who.has(*LEADING_ROLES, team_id=team_id))
        or who.has(Role.SERVICE_MANAGER)
    ):
        raise NotPermitted("Only who wrote a note, or a lead or manager, can correct it.")


def check_can_decide(contact: Contact, by: User, on: date, *, manager: bool) -> None:
    """
    A social worker makes the decision within one working day (KCSIE 2025 para 62), or a manager if the rules require
    one.

    :param manager: whether the rules require a manager.
    """
    roles = roles_of(by, on).front_door_roles
    if manager and Role.FRONT_DOOR_MANAGER not in roles:
        raise NotPermitted(f"A manager decides on {contact}: a sign of significant harm was given.")
    if not roles & DECIDERS:
        raise NotPermitted(f"Only a social worker or a manager at the front door can decide on {contact}.")


def check_can_sign_off(contact: Contact, decision: Decision | None, by: User, on: date) -> None:
    """
    A front-door manager or a service manager may sign off, but not the person who made the decision.

    :param decision: the last decision on this contact.
    """
    if contact.status == ContactStatus.SIGN_OFF and decision is not None and decision.decided_by_id == by.pk:
        raise NotPermitted("You made this decision. Another person must agree to it.")
    who = roles_of(by, on)
    if Role.FRONT_DOOR_MANAGER not in who.front_door_roles and not who.has(Role.SERVICE_MANAGER):
        raise NotPermitted("Only a front-door manager or a service manager can agree to this decision.")


def check_can_offer(case: Case, team_id: int, by: User, on: date) -> None:
    """
    Members of the responsible team may offer the case; also the service manager, because a team may have nobody left.
    """
    who = roles_of(by, on)
    if team_id not in who.team_ids and not who.has(Role.SERVICE_MANAGER):
        raise NotPermitted(f"Only the team responsible for {case} can offer it to another.")


def check_can_offer_again(case: Case, team_id: int, by: User, on: date) -> None:
    """From the third handoff on, only a lead of the responsible team or the service manager may offer the case."""
    who = roles_of(by, on)
    if not (who.has(*LEADING_ROLES, team_id=team_id) or who.has(Role.SERVICE_MANAGER)):
        raise NotPermitted(
            f"{case} changed hands twice already. Whoever leads your team offers it once more, and says why."
        )


def check_can_lower_red(case: Case, team_id: int, by: User, on: date) -> None:
    """Whoever leads the responsible team, or the service manager, offers to lower a red rating."""
    who = roles_of(by, on)
    if not (who.has(*LEADING_ROLES, team_id=team_id) or who.has(Role.SERVICE_MANAGER)):
        raise NotPermitted(f"{case} is red. Only whoever leads your team, or a service manager, can lower the rating.")


def check_can_agree_to_lower_red(handoff: Handoff, by: User) -> None:
    """Two people lower a red rating (domain/early-help-first.md): who offers the step down, and who accepts it."""
    if handoff.offered_by_id == by.pk:
        raise NotPermitted("You offered to lower the red rating. Another person must accept the case.")


def check_can_hand_over(contact: Contact, open_handover: ContactHandover | None, by: User, on: date) -> None:
    """
    Members of the contact's team may hand it over; also those of the team that handed it over last, until it is taken
    on.
    """
    teams = {contact.team_id} | ({open_handover.from_team_id} if open_handover else set())
    if teams.isdisjoint(roles_of(by, on).team_ids):
        raise NotPermitted(f"Only {contact.team} can hand {contact} over.")


def check_can_take_on(contact: Contact, by: User, on: date) -> None:
    """Members of the team to which the contact was passed may take it on."""
    if contact.team_id not in roles_of(by, on).team_ids:
        raise NotPermitted(f"Only {contact.team} can take {contact} on.")


def check_can_answer(handoff: Handoff, by: User, on: date) -> None:
    """Members of the receiving team may answer."""
    if handoff.to_team_id not in roles_of(by, on).team_ids:
        raise NotPermitted(f"Only {handoff.to_team} can answer this offer.")


def check_can_withdraw(handoff: Handoff, by: User, on: date) -> None:
    """Members of the team that offered may withdraw; also the service manager, who may have offered for them."""
    who = roles_of(by, on)
    if handoff.from_team_id not in who.team_ids and not who.has(Role.SERVICE_MANAGER):
        raise NotPermitted(f"Only {handoff.from_team} can withdraw this offer.")


def check_can_work_in(case: Case, team_id: int, by: User, on: date) -> None:
    """Members of the responsible team may work on the case."""
    if team_id not in roles_of(by, on).team_ids:
        raise NotPermitted(f"Only the team responsible for {case} can do this.")


def check_can_close(case: Case, team_id: int, by: User, on: date, *, without_contact: bool) -> None:
    """
    Members of the responsible team may close the case. Where nobody was in contact with the family, only whoever leads
    the team, or the service manager.
    """
    if not without_contact:
        check_can_work_in(case, team_id, by, on)
        return
    who = roles_of(by, on)
    if not (who.has(*LEADING_ROLES, team_id=team_id) or who.has(Role.SERVICE_MANAGER)):
        check_can_work_in(case, team_id, by, on)
        raise NotPermitted(f"Nobody was in contact with the family of {case}. Ask whoever leads the team to close it.")


def check_can_agree_to_close(case: Case, asked_by_id: int | None, by: User) -> None:
    """
    Two people close a case whose family nobody was in contact with: neither whoever asked nor whoever leads the work
    agrees to it.

    :param asked_by_id: who asks to close the case, if somebody does.
    """
    if by.pk == case.lead_practitioner_id:
        raise NotPermitted(
            f"You are the lead practitioner of {case}, and nobody was in contact with the family. Another person who "
            "leads the team, or a service manager, closes it."
        )
    if by.pk == asked_by_id:
        raise NotPermitted(f"You asked to close {case}. Another person must agree.")


def check_can_extend(clock: Clock, team_id: int, by: User, on: date) -> None:
    """The role to which a breach escalates may extend a clock, or the service manager: nobody extends their own."""
    who = roles_of(by, on)
    if not (who.has(Role(clock.policy.escalates_to), team_id=team_id) or who.has(Role.SERVICE_MANAGER)):
        role = Role(clock.policy.escalates_to).label.lower()
        says = f"Only a {role} of the team responsible for it, or a service manager, can give this more time."
        raise NotPermitted(says)


def check_can_see_unread(team_id: int, by: User, on: date) -> None:
    """
    A lead of the team or the service manager may see who has unread reminders. Colleagues may not see it of each other.
    """
    who = roles_of(by, on)
    if not (who.has(*LEADING_ROLES, team_id=team_id) or who.has(Role.SERVICE_MANAGER)):
        raise NotPermitted("Only whoever leads the team can see who has not looked at what is late.")


def check_can_manage_messages(by: User, on: date) -> None:
    """Administrators and service managers may retry and drop parked messages."""
    if not roles_of(by, on).has(Role.ADMINISTRATOR, Role.SERVICE_MANAGER):
        raise NotPermitted("Only an administrator or a service manager can see to messages that do not go out.")


def check_can_manage_people(by: User, on: date) -> None:
    """Administrators send people the link with which they set their password, and end passwords."""
    if not roles_of(by, on).has(Role.ADMINISTRATOR):
        raise NotPermitted("Only an administrator can see to other people's passwords.")


def check_can_manage_systems(by: User, on: date) -> None:
    """Administrators give partners' systems new secrets."""
    if not roles_of(by, on).has(Role.ADMINISTRATOR):
        raise NotPermitted("Only an administrator can see to the secrets of partners' systems.")


def check_is_own_link(link: PasswordLink, by: User) -> None:
    """A link to set a password is for one person."""
    if link.user_id != by.pk:
        raise NotPermitted("This link is for somebody else.")


def check_can_read_rules(by: User, on: date) -> None:
    """Those who work with the rules or are responsible for them may read the rule sets."""
    if not roles_of(by, on).has(*RULE_READERS):
        raise NotPermitted("Only those who lead or oversee practice can read the rule sets.")


def check_can_read_replayed_contacts(by: User, on: date) -> None:
    """A replay lists contacts, so only those who read contacts or are responsible for practice may see the list."""
    if not roles_of(by, on).has(*DRAFTERS, Role.AUDITOR):
        raise NotPermitted("Only those who answer for practice can read a replay contact by contact.")


def check_can_draft_rules(by: User, on: date) -> None:
    """Practice leads and managers may draft, replay and propose rules."""
    if not roles_of(by, on).has(*DRAFTERS):
        raise NotPermitted("Only a practice lead or a manager can change rules.")


def check_can_change_safety(names: Collection[str], by: User, on: date) -> None:
    """Only a service manager may change what safety depends on, scenarios included."""
    if names and not roles_of(by, on).has(Role.SERVICE_MANAGER):
        raise NotPermitted(f"Only a service manager can change what safety rests on: {', '.join(sorted(names))}.")


def check_can_approve_rules(proposed_by: int | None, by: User, on: date) -> None:
    """A practice lead or a service manager may approve rules, but not the person who proposed them."""
    if not roles_of(by, on).has(*APPROVERS):
        raise NotPermitted("Only a practice lead or a service manager can approve rules.")
    if proposed_by == by.pk:
        raise NotPermitted("You proposed this rule set. Another person must approve it.")


def check_can_read_sign_ins(by: User, on: date) -> None:
    """Information governance and auditors may read who signed in and out, who tried to, and what was refused."""
    if not roles_of(by, on).has(Role.INFORMATION_GOVERNANCE, Role.AUDITOR):
        raise NotPermitted("Only an information-governance officer or an auditor can read who signed in.")


def check_can_read_reports(by: User, on: date) -> None:
    """Those who are responsible for how the rules are used may read the reports."""
    who = roles_of(by, on)
    if Role.FRONT_DOOR_MANAGER not in who.front_door_roles and not who.has(
        Role.PRACTICE_LEAD, Role.SERVICE_MANAGER, Role.AUDITOR
    ):
        raise NotPermitted("Only a practice lead, a manager or an auditor can read the reports.")


def check_can_restrict(by: User, on: date) -> None:
    """Managers of the front door and the service and information governance decide who may open a record."""
    if not roles_of(by, on).has(*RESTRICTERS):
        raise NotPermitted(
            "Only a front-door manager, a service manager or an information-governance officer can decide who may open "
            "a record."
        )


def check_can_read_restrictions(by: User, on: date) -> None:
    """Those who may restrict records, and auditors, may read which are restricted, and who broke the glass."""
    if not roles_of(by, on).has(*RESTRICTERS, Role.AUDITOR):
        raise NotPermitted("Only those who may restrict records, and auditors, can read which are restricted.")


def check_can_review(access: RestrictedAccess, by: User, on: date) -> None:
    """The owner reviews a broken glass, or another who may own restrictions; nobody their own."""
    if access.user_id == by.pk:
        raise NotPermitted("You broke this glass. Another person must review it.")
    if access.restriction.owner_id != by.pk and not roles_of(by, on).has(*RESTRICTION_OWNERS):
        raise NotPermitted("Only the owner, a service manager or an information-governance officer can review this.")


def check_can_read_open_list(team: Team, by: User, on: date) -> None:
    """
    Whoever leads a team may print its open list; a front-door manager that of the front door and of emergency duty; a
    service manager all. On paper it leaves the service, so that nobody else may.
    """
    who = roles_of(by, on)
    is_of_front_door = team.kind in FRONT_DOOR_KINDS and Role.FRONT_DOOR_MANAGER in who.front_door_roles
    if not (is_of_front_door or who.has(*LEADING_ROLES, team_id=team.pk) or who.has(Role.SERVICE_MANAGER)):
        raise NotPermitted(f"Only whoever leads {team}, or a service manager, can open its list.")


def check_can_type_rota(by: User, on: date) -> None:
    """A front-door manager, by day or at emergency duty, or a service manager types the rota."""
    who = roles_of(by, on)
    if Role.FRONT_DOOR_MANAGER not in who.front_door_roles and not who.has(Role.SERVICE_MANAGER):
        raise NotPermitted("Only a front-door manager or a service manager can change the rota.")


def check_can_hand_over_shift(team: Team, by: User, on: date) -> None:
    """Whoever works in the team hands its shift over, and adds to the sheet."""
    if team.pk not in roles_of(by, on).team_ids:
        raise NotPermitted(f"Only {team} can hand its shift over.")


def check_can_confirm_shift(handover: ShiftHandover, by: User, on: date) -> None:
    """Whoever works in the coming shift's team confirms that they have read the sheet; not who gave it."""
    if handover.to_team_id not in roles_of(by, on).team_ids:
        raise NotPermitted(f"Only {handover.to_team} can confirm that it has read this.")
    if handover.given_by_id == by.pk:
        raise NotPermitted("You gave this sheet. Somebody else must confirm that they have read it.")


def check_can_read_shift_handovers(by: User, on: date) -> None:
    """The front door and emergency duty read the sheets of their shifts; so does the service manager."""
    who = roles_of(by, on)
    if not who.front_door_roles and not who.has(Role.SERVICE_MANAGER):
        raise NotPermitted("Only the front door, emergency duty and a service manager can read handover sheets.")


def check_can_record_absence(person: User, by: User, on: date) -> None:
    """People say when they are away themselves; so does whoever leads a team of theirs, and the service manager."""
    who = roles_of(by, on)
    leads = any(who.has(*LEADING_ROLES, team_id=team_id) for team_id in roles_of(person, on).team_ids)
    if person.pk != by.pk and not leads and not who.has(Role.SERVICE_MANAGER):
        raise NotPermitted(f"Only {person}, whoever leads their team or a service manager can say when they are away.")


def check_not_oneself(user_id: int | None, by: User) -> None:
    """Nobody lets themselves in: another person does, or they break the glass."""
    if user_id == by.pk:
        raise NotPermitted("You cannot name yourself. Ask another manager, or open the record with a reason.")


def works_in(user: User, team_id: int, on: date) -> bool:
    """Whether a user works in this team."""
    return team_id in roles_of(user, on).team_ids


Asked = ParamSpec("Asked")


def allows(check: Callable[Asked, None], *args: Asked.args, **kwargs: Asked.kwargs) -> bool:
    """Whether a check passes. A page offers only what its user may do."""
    try:
        check(*args, **kwargs)
    except NotPermitted:
        return False
    return True
