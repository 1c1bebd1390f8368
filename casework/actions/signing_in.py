"""Signing in: what one signs in with, ending one's sessions, and letting somebody in who has lost their second step."""

from datetime import date, datetime

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db import transaction
from django.db.models import QuerySet

from casework.access import conditions, permissions
from casework.messages import outbox
from casework.models import Event, FactorReset, Message
from casework.record import audit
from errors import Fault, InvalidInput
from localities import devices, sessions
from localities.models import User
from localities.sessions import EndedBy
from localities.working_time import local_day


@transaction.atomic
def record_factor_added(*, kind: str, by: User, now: datetime) -> None:
    """Records that somebody set up a second step, and tells them: it may be a stranger. Codes come with the first."""
    audit.record(Event.FACTOR_ADDED, by=by, at=now, user=by.pk, kind=kind)
    if kind != Authenticator.Type.RECOVERY_CODES:
        _tell_of_own(Message.FACTOR_ADDED, by, now)


@transaction.atomic
def record_codes_made(*, by: User, now: datetime) -> None:
    """Records that somebody made new recovery codes, with which the old ones end, and tells them."""
    audit.record(Event.FACTOR_ADDED, by=by, at=now, user=by.pk, kind=Authenticator.Type.RECOVERY_CODES)
    _tell_of_own(Message.CODES_MADE, by, now)


@transaction.atomic
def record_factor_removed(*, kind: str, by: User, now: datetime) -> None:
    """Records that somebody removed a second step of their own, and tells them. Codes go with the last."""
    audit.record(Event.FACTOR_REMOVED, by=by, at=now, user=by.pk, kind=kind)
    if kind != Authenticator.Type.RECOVERY_CODES:
        _tell_of_own(Message.FACTOR_REMOVED, by, now)


@transaction.atomic
def record_account_linked(*, by: User, now: datetime) -> None:
    """Records that somebody signed in with their council account for the first time."""
    audit.record(Event.ACCOUNT_LINKED, by=by, at=now, user=by.pk)


@transaction.atomic
def tell_of_changed_address(*, person_id: int, old: str, by: User, now: datetime) -> None:
    """
    Tells somebody at their old e-mail address that an administrator changed it: a link to set the password goes to the
    new one. That it was changed is in the audit as any other setting is.

    :raises NotPermitted: `by` does not manage people.
    """
    permissions.check_can_manage_people(by, local_day(now))
    outbox.add(Message.ADDRESS_CHANGED, to=old, key=f"address_changed:{person_id}:{now.timestamp()}", at=now)


def record_sign_ins_viewed(
    *, person: str = "", kind: str = "", first: date | None = None, last: date | None = None, by: User, now: datetime
) -> None:
    """
    Records that somebody read what happened at the door (`reading/sign_ins.py`): of whom, of what kind and which days.

    :raises NotPermitted: `by` may not read it.
    """
    permissions.check_can_read_sign_ins(by, local_day(now))
    asked = {"person": person, "kind": kind, "first": first, "last": last}
    audit.record(Event.SIGN_INS_VIEWED, by=by, at=now, **{name: str(value) for name, value in asked.items() if value})


@transaction.atomic
def end_session(*, session_id: int, by: User, now: datetime) -> None:
    """
    Ends one session of one's own.

    :raises UserSession.DoesNotExist: it has ended, or it is somebody else's.
    """
    sessions.end(UserSession.objects.get(pk=session_id, user=by), EndedBy.OWNER)
    devices.forget_all_of(by)
    audit.record(Event.SESSIONS_ENDED, by=by, at=now, user=by.pk, number=1)


@transaction.atomic
def end_other_sessions(*, but: str, by: User, now: datetime) -> int:
    """
    Ends all sessions of one's own but this one.

    :param but: the key of the session that goes on.
    :returns: how many ended.
    """
    others = list(UserSession.objects.filter(user=by).exclude(session_key=but))
    _end(others, EndedBy.OWNER)
    devices.forget_all_of(by)
    audit.record(Event.SESSIONS_ENDED, by=by, at=now, user=by.pk, number=len(others))
    return len(others)


@transaction.atomic
def ask_to_let_in(*, person_id: int | None, reason: str, by: User, now: datetime) -> FactorReset:
    """
    Asks to let somebody in who has lost their second step of signing in. Another person must agree. The person is told.

    :raises InvalidInput: with every fault.
    """
    permissions.check_can_let_in(by, local_day(now))
    person = User.objects.select_for_update(no_key=True).filter(pk=person_id or 0, is_active=True).first()
    faults = [] if reason.strip() else [Fault(("reason",), "Enter how you know that it is them, and what happened")]
    if person is None:
        faults.append(Fault(("person",), "Select whom you let in"))
    elif person.pk == by.pk:
        faults.append(Fault(("person",), "You cannot let yourself in. Ask two others"))
    elif not _factors(person).exists():
        faults.append(Fault(("person",), f"{person} has no second step: they sign in with their password"))
    elif FactorReset.objects.filter(person=person, answered_at=None).exists():
        faults.append(Fault(("person",), f"Somebody asked already to let {person} in: see below"))
    if faults or person is None:
        raise InvalidInput(faults)
    reset = FactorReset.objects.create(person=person, reason=reason.strip(), asked_by=by, asked_at=now)
    audit.record(Event.FACTOR_RESET_ASKED, by=by, at=now, user=person.pk, reset=reset.pk)
    _tell(Message.FACTOR_RESET_ASKED, reset, now)
    return reset


@transaction.atomic
def agree_to_let_in(*, reset_id: int, by: User, now: datetime) -> FactorReset:
    """
    Agrees as the second person: the second steps are removed, and every session of the person ends.

    :raises NotAllowedInStatus: it is answered, was asked more than a day ago, or by somebody who may not any more.
    """
    reset = _locked(reset_id)
    permissions.check_can_agree_to_let_in(reset, by, local_day(now))
    conditions.check_is_not_answered(reset)
    lets_in = permissions.allows(permissions.check_can_let_in, reset.asked_by, local_day(now))
    conditions.check_is_asked_now(reset, reset.asked_by.is_active and lets_in, now)
    _answer(reset, True, by, now)
    _factors(reset.person).delete()
    _end(list(UserSession.objects.filter(user=reset.person)), EndedBy.LET_IN)
    devices.forget_all_of(reset.person)
    audit.record(Event.FACTOR_RESET_AGREED, by=by, at=now, user=reset.person_id, reset=reset.pk)
    _tell(Message.FACTORS_REMOVED, reset, now)
    return reset


@transaction.atomic
def decline_to_let_in(*, reset_id: int, by: User, now: datetime) -> FactorReset:
    """Declines to let somebody in. So may whom it is about, who then still has the second step."""
    reset = _locked(reset_id)
    if by.pk != reset.person_id:
        permissions.check_can_let_in(by, local_day(now))
    conditions.check_is_not_answered(reset)
    _answer(reset, False, by, now)
    audit.record(Event.FACTOR_RESET_DECLINED, by=by, at=now, user=reset.person_id, reset=reset.pk)
    return reset


def _locked(reset_id: int) -> FactorReset:
    found = FactorReset.objects.select_related("person", "asked_by", "answered_by")
    return found.select_for_update(of=("self",), no_key=True).get(pk=reset_id)


def _answer(reset: FactorReset, agreed: bool, by: User, now: datetime) -> None:
    reset.answered_by, reset.answered_at, reset.agreed = by, now, agreed
    reset.save(update_fields=["answered_by", "answered_at", "agreed"])


def _factors(person: User) -> QuerySet[Authenticator]:
    held: QuerySet[Authenticator] = Authenticator.objects.filter(user=person)
    return held


def _end(ended: list[UserSession], by: EndedBy) -> None:
    for session in ended:
        sessions.end(session, by)


def _tell_of_own(kind: Message, person: User, now: datetime) -> None:
    """Tells somebody what was done in their name."""
    outbox.add(kind, to=person.email, key=f"{kind}:{person.pk}:{now.timestamp()}", at=now)


def _tell(kind: Message, reset: FactorReset, now: datetime) -> None:
    outbox.add(kind, to=reset.person.email, key=f"{kind}:{reset.pk}", at=now)
