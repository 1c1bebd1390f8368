"""
Passwords: links with which people set their own, and the end of a password.

Nobody sets another person's password. The user is the row that every action here locks.
"""

from datetime import datetime, timedelta

from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q

from casework.access import conditions, council_accounts, permissions
from casework.messages import outbox
from casework.models import Event, Message, PasswordLink
from casework.models.password_links import state_of
from casework.record import audit
from casework.record.audit import Actor
from errors import Fault, InvalidInput
from localities.models import Membership, Role, User
from localities.working_time import local_day

# How long a link works. An e-mail may wait over a weekend; whoever forgot a password is at the screen.
SENT_FOR = timedelta(days=4)
FORGOTTEN_FOR = timedelta(hours=2)
FIRST_FOR = timedelta(days=1)
# Whoever asks again within this time gets no second e-mail.
NOT_AGAIN_FOR = timedelta(minutes=5)


@transaction.atomic
def send_link(*, user_id: int, by: User, now: datetime) -> PasswordLink:
    """
    Sends somebody a link with which they set their password. The password that they have works until then.

    :raises NotPermitted: `by` is no administrator.
    :raises NotAllowedInStatus: the account is closed, or it is a council account, which needs no password.
    """
    user = _locked(user_id)
    permissions.check_can_manage_people(by, local_day(now))
    conditions.check_can_sign_in(user)
    council_accounts.check_may_have_password(user)
    link = _make(user, until=now + SENT_FOR, by=by, now=now, why="sent")
    _write_to(user, link, now)
    return link


@transaction.atomic
def ask_for_link(*, name: str, by: Actor, now: datetime) -> None:
    """
    Sends a link to whoever forgot the password and types in their user name or address. The person who asks has not
    signed in, and learns nothing: neither whether there is an account, nor whether an e-mail goes out.

    Whoever has no password gets none in this way: an administrator ended it, or they sign in by other means.
    """
    found = User.objects.filter(Q(username__iexact=name) | Q(email__iexact=name), is_active=True).order_by("pk")
    for user in found.select_for_update(no_key=True):
        lately = user.password_links.unused().filter(made_at__gt=now - NOT_AGAIN_FOR, messages__isnull=False)
        has_one = user.has_usable_password() and not council_accounts.uses_council_account_only(user)
        if has_one and not lately.exists():
            _write_to(user, _make(user, until=now + FORGOTTEN_FOR, by=by, now=now, why="forgotten"), now)


@transaction.atomic
def add_first_administrator(*, username: str, name: str, email: str, by: Actor, now: datetime) -> PasswordLink:
    """
    Adds the first administrator of a service, or makes another link for them if they have set no password yet.

    :raises NotAllowedInStatus: there is an administrator who has a password.
    :raises InvalidInput: the name or the address is none, or somebody else has the user name.
    """
    conditions.check_has_no_administrator(now)
    is_administrator = Q(memberships__role=Role.ADMINISTRATOR, is_active=True)
    known = User.objects.filter(is_administrator, username__iexact=username).first()
    user = _locked(known.pk) if known else _added_administrator(username, name, email, now)
    return _make(user, until=now + FIRST_FOR, by=by, now=now, why="first_administrator")


@transaction.atomic
def end_password(*, user_id: int, by: User, now: datetime) -> User:
    """
    Ends somebody's password and all their sessions at once, and the link that they may have.

    :raises NotPermitted: `by` is no administrator.
    :raises NotAllowedInStatus: they have no password.
    """
    user = _locked(user_id)
    permissions.check_can_manage_people(by, local_day(now))
    conditions.check_has_password(user)
    user.set_unusable_password()
    user.save(update_fields=["password"])
    user.password_links.unused().update(withdrawn_at=now)
    audit.record(Event.PASSWORD_ENDED, by=by, at=now, user=user.pk)
    return user


@transaction.atomic
def set_own(*, link_id: int, password: str, by: User, now: datetime) -> User:
    """
    Sets the password of the person whose link this is, and ends all their sessions. The link works no more.

    :raises NotPermitted: the link is for somebody else.
    :raises NotAllowedInStatus: the link was used or has ended, or they sign in with a council account alone.
    :raises InvalidInput: the password is too easy to guess.
    """
    user = _locked(by.pk)
    link = PasswordLink.objects.get(pk=link_id)
    permissions.check_is_own_link(link, by)
    conditions.check_can_sign_in(user)
    council_accounts.check_may_have_password(user)
    conditions.check_link_is_open(link, user, now)
    try:
        password_validation.validate_password(password, user)
    except ValidationError as error:
        raise InvalidInput(Fault(("password",), says) for says in error.messages) from None
    user.set_password(password)
    user.save(update_fields=["password"])
    link.used_at = now
    link.save(update_fields=["used_at"])
    audit.record(Event.PASSWORD_SET, by=by, at=now, user=user.pk, link=link.pk)
    return user


def _locked(user_id: int) -> User:
    return User.objects.select_for_update(no_key=True).get(pk=user_id)


def _make(user: User, *, until: datetime, by: Actor, now: datetime, why: str) -> PasswordLink:
    """Makes a link. Each earlier one ends."""
    user.password_links.unused().update(withdrawn_at=now)
    made_by = by if isinstance(by, User) else None
    link = PasswordLink.objects.create(user=user, made_for=state_of(user), made_by=made_by, made_at=now, ends_at=until)
    audit.record(Event.PASSWORD_LINK_MADE, by=by, at=now, user=user.pk, link=link.pk, why=why)
    return link


def _write_to(user: User, link: PasswordLink, now: datetime) -> None:
    outbox.add(Message.PASSWORD_LINK, to=user.email, key=f"password_link:{link.pk}", at=now, password_link=link)


def _added_administrator(username: str, name: str, email: str, now: datetime) -> User:
    user = User(username=username, name=name, email=email)
    user.set_unusable_password()
    try:
        user.full_clean()
    except ValidationError as error:
        raise InvalidInput(
            Fault((field,), says) for field, sentences in error.message_dict.items() for says in sentences
        ) from None
    user.save()
    membership = Membership.objects.create(user=user, role=Role.ADMINISTRATOR)
    audit.record(
        Event.SETTING_CHANGED, by=audit.SYSTEM, at=now, setting=membership._meta.label, key=membership.pk,
        what="added", user=user.pk, role=membership.role, team=None,
    )  # fmt: skip
    return user
