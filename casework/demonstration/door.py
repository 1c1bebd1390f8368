"""What happened at the demonstration's door. Everything has a fixed value: nothing is drawn."""

from datetime import datetime, timedelta

from allauth.mfa.models import Authenticator

from casework.actions import signing_in
from casework.models import FactorReset, SignInEvent, SignInKind
from localities.models import Membership, Role, User
from localities.working_time import local_day

# Addresses that are kept for examples.
COUNCIL, ELSEWHERE = "192.0.2.17", "203.0.113.80"
DESK, TELEPHONE = "Edge on Windows", "Safari on iPhone"


def create(now: datetime) -> None:
    """A day at the door, with somebody who guesses; and somebody who lost her second step, for whom a manager asked."""
    worker, manager = _first(Role.SOCIAL_WORKER, now), _first(Role.FRONT_DOOR_MANAGER, now)
    if worker is None or manager is None:
        return
    _events(worker, manager, now)
    # A demonstration can be added to.
    if not FactorReset.objects.filter(person=worker, answered_at=None).exists():
        _lost(worker, manager, now)


def _events(worker: User, manager: User, now: datetime) -> None:
    told = (
        (540, SignInKind.SIGNED_IN, manager, COUNCIL, DESK, True, ""),
        (525, SignInKind.FAILED, worker, COUNCIL, DESK, True, ""),
        (524, SignInKind.SIGNED_IN, worker, COUNCIL, DESK, True, ""),
        (470, SignInKind.TIMED_OUT, worker, COUNCIL, DESK, False, ""),
        (431, SignInKind.FAILED, None, ELSEWHERE, "", False, ""),
        (430, SignInKind.FAILED, manager, ELSEWHERE, "", False, ""),
        (429, SignInKind.SLOWED, manager, ELSEWHERE, "", False, ""),
        (300, SignInKind.SIGNED_IN, worker, COUNCIL, TELEPHONE, False, ""),
        (290, SignInKind.REFUSED, worker, COUNCIL, TELEPHONE, False, "let-in"),
        (60, SignInKind.SIGNED_OUT, manager, COUNCIL, DESK, False, ""),
    )
    for minutes, kind, user, address, device, is_known, page in told:
        SignInEvent.objects.create(
            at=now - timedelta(minutes=minutes), kind=kind, user=user, address=address, device=device,
            is_known_device=is_known, page=page,
        )  # fmt: skip


def _lost(worker: User, manager: User, now: datetime) -> None:
    """
    She found her telephone since, and removed the app herself: so everybody here signs in with the password alone. What
    the manager asked for still waits for somebody to agree or decline.
    """
    app = Authenticator.objects.create(user=worker, type=Authenticator.Type.TOTP, data={})
    signing_in.ask_to_let_in(
        person_id=worker.pk, reason="She left her telephone on the bus. I called her back on her desk number.",
        by=manager, now=now,
    )  # fmt: skip
    app.delete()
    signing_in.record_factor_removed(kind=Authenticator.Type.TOTP, by=worker, now=now)


def _first(role: Role, now: datetime) -> User | None:
    current = Membership.objects.current(local_day(now)).filter(role=role).select_related("user").order_by("pk").first()
    return current.user if current is not None else None
