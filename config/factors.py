"""
The second step of signing in: a code from an app or a passkey, and codes for the day neither is at hand.

Secrets are stored encrypted: whoever reads the database, or a copy of it, can make no code.
"""

import base64
import hashlib
from http import HTTPStatus
from typing import Any

from allauth.account.stages import LoginStageController
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.base.views import authenticate
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset, authenticator_used
from allauth.mfa.stages import AuthenticateStage
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.utils import decrypt, encrypt, is_mfa_enabled
from allauth.mfa.webauthn.forms import AddWebAuthnForm, EditWebAuthnForm
from allauth.mfa.webauthn.views import login_webauthn
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from casework.access.second_step import must_use_passkey
from casework.actions import signing_in
from casework.models import SignInKind
from casework.record import sign_ins
from casework.web import tries
from casework.web.rendering import Form, TextInput
from config.accounts import BEGAN_WITH
from localities.models import User
from localities.working_time import local_day

WRONG_CODE = "Enter the code that the app shows now, or a recovery code that you have not used"
WRONG_FIRST_CODE = "Enter the code that the app shows now"
PASSKEY_NEEDED = "Use your passkey: your role needs it, and a code does not sign you in"
# Of so many recovery codes that are left the pages warn.
FEW_CODES = 3
PASSKEY_FAILED = "The passkey could not be used. Try again, or use another way"


def _cipher() -> MultiFernet:
    """The first key encrypts; every key decrypts, so that a key can be replaced."""
    keys = settings.FACTORS_KEYS
    return MultiFernet([Fernet(base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest())) for key in keys])


class FactorsAdapter(DefaultMFAAdapter):
    """Encrypts the secrets, and says in plain words what is wrong."""

    error_messages = DefaultMFAAdapter.error_messages | {"incorrect_code": WRONG_CODE}

    def encrypt(self, text: str) -> str:
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _cipher().decrypt(encrypted_text.encode()).decode()

    def get_totp_issuer(self) -> str:
        return "Locality front door"

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        host: str = super().get_public_key_credential_rp_entity()["id"]
        return {"id": host, "name": "Locality front door"}

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:  # noqa: A002  # as allauth calls it
        return f"Passkey {Authenticator.objects.filter(user=user, type=type).count() + 1}"


class _GovukForm(Form):
    """In the look of the design system, with our words."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "code" in self.fields:
            code = self.fields["code"]
            code.label = "Code"
            code.widget = TextInput(width=10, autocomplete="one-time-code", inputmode="numeric", spellcheck="false")
            code.error_messages["required"] = "Enter the code"
        if "name" in self.fields:
            name = self.fields["name"]
            name.label = "Name"
            name.help_text = "So that you can tell it from others, like “Work laptop”."
            name.widget = TextInput(maxlength=60, autocomplete="off")
            name.error_messages["required"] = "Enter a name for the passkey"


class _OnceForm(_GovukForm):
    """
    Takes each code from the app once, also while Redis is away, which allauth asks about that; and counts wrong codes.
    Whoever must use a passkey, and has one, is not let in by a code.
    """

    user: User
    authenticator: Authenticator

    def clean_code(self) -> str:
        now, request = timezone.now(), context.request
        if must_use_passkey(self.user, local_day(now)):
            raise ValidationError(PASSKEY_NEEDED)
        tried = tries.begin_code(request, self.user, now=now)
        try:
            code: str = super().clean_code()  # type: ignore[misc]  # of allauth's form
            if self.authenticator.type == Authenticator.Type.TOTP and not _takes_once(self.authenticator, code):
                raise FactorsAdapter().validation_error("incorrect_code")
        except ValidationError:
            kind = SignInKind.FACTOR_SLOWED if tried.slows else SignInKind.FACTOR_FAILED
            sign_ins.record(kind, of=self.user, request=request, at=now)
            raise
        tried.give_back()
        return code


def _takes_once(used: Authenticator, code: str) -> bool:
    """Whether the moment for which the app showed this code is later than those of all codes before."""
    secret = decrypt(used.data["secret"])
    steps = [
        step for step in totp.yield_hotp_counters_from_time()
        if totp.compare_user_code(actual=code, expected=totp.format_hotp_value(totp.hotp_value(secret, step)))
    ]  # fmt: skip
    if not steps:
        return False
    data = used.data | {"last_step": max(steps)}
    is_later = Q(data__last_step__isnull=True) | Q(data__last_step__lt=max(steps))
    before = Authenticator.objects.filter(is_later, pk=used.pk)
    used.data = data
    return bool(before.update(data=data))


class CodeForm(_OnceForm, AuthenticateForm):
    """The code at signing in: from the app, or a recovery code."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # For the page: it offers what the person has, and what their role takes.
        self.kinds = set(Authenticator.objects.filter(user=self.user).values_list("type", flat=True))
        self.needs_passkey = must_use_passkey(self.user, local_day(timezone.now()))


class CodeAgainForm(_OnceForm, ReauthenticateForm):
    """The same, for somebody who is signed in."""


class AddAppForm(_GovukForm, ActivateTOTPForm):
    """The first code from an app. Until it is typed, the app's secret stands in the session: encrypted, too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        session, key = context.request.session, totp.SECRET_SESSION_KEY
        if key in session:
            try:
                session[key] = decrypt(session[key])
            except InvalidToken:
                # Of an earlier version, or of a key that is gone: the page shows a new one.
                del session[key]
        super().__init__(*args, **kwargs)
        session[key] = encrypt(self.secret)

    def clean_code(self) -> str:
        try:
            code: str = super().clean_code()
        except ValidationError as wrong:
            raise ValidationError(WRONG_FIRST_CODE) if wrong.code == "incorrect_code" else wrong from None
        return code


class AddPasskeyForm(_GovukForm, AddWebAuthnForm):
    """A new passkey: each can sign its person in without a password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.pop("passwordless")
        self.fields["credential"].error_messages["required"] = PASSKEY_FAILED


class NamePasskeyForm(_GovukForm, EditWebAuthnForm):
    """Another name for a passkey."""


@receiver(authenticator_added)
def _added(user: User, authenticator: Authenticator, request: HttpRequest, **_: Any) -> None:
    if authenticator.type == Authenticator.Type.TOTP:
        # The code that set up the app was seen, too: it signs nobody in.
        _takes_once(authenticator, request.POST["code"])
    signing_in.record_factor_added(kind=authenticator.type, by=user, now=timezone.now())


@receiver(authenticator_reset)
def _made_anew(user: User, **_: Any) -> None:
    signing_in.record_codes_made(by=user, now=timezone.now())


@receiver(authenticator_removed)
def _removed(user: User, authenticator: Authenticator, **_: Any) -> None:
    signing_in.record_factor_removed(kind=authenticator.type, by=user, now=timezone.now())


@receiver(authenticator_used)
def _used(authenticator: Authenticator, request: HttpRequest, **_: Any) -> None:
    """Says how many recovery codes are left when one was used."""
    if authenticator.type != Authenticator.Type.RECOVERY_CODES:
        return
    authenticator.refresh_from_db()
    left = len(authenticator.wrap().get_unused_codes())
    messages.warning(
        request,
        format_html(
            '{} <a class="govuk-notification-banner__link" href="{}">Make new recovery codes</a>',
            codes_left(left),
            reverse("mfa_generate_recovery_codes"),
        ),
    )


def codes_left(left: int) -> str:
    """What somebody who has just used a recovery code is told."""
    is_left = {0: "none is", 1: "1 is"}.get(left, f"{left} are")
    warns = " Make new ones now, or you may not get in the next time." if left <= FEW_CODES else ""
    return f"You used a recovery code: {is_left} left.{warns}"


@login_not_required
def passkey_login(request: HttpRequest) -> HttpResponseBase:
    """Signs in by a passkey alone. Each question to a browser is kept in a session, and so counted."""
    if request.method != "POST" and not tries.may_use_passkey(request, now=timezone.now()):
        return HttpResponse(status=HTTPStatus.TOO_MANY_REQUESTS)
    answer: HttpResponseBase = login_webauthn(request)
    return answer


@login_not_required
def second_step(request: HttpRequest) -> HttpResponseBase:
    """
    The second step of signing in. Whoever has no factor any more, another password or a closed account since the first
    step begins anew.
    """
    stage = LoginStageController.enter(request, AuthenticateStage.key)
    if stage is not None and not _goes_on(request, stage.login.user):
        begins_anew: HttpResponseBase = stage.abort()
        return begins_anew
    answer: HttpResponseBase = authenticate(request)
    return answer


def _goes_on(request: HttpRequest, user: User) -> bool:
    is_as_it_was = request.session.get(BEGAN_WITH) == user.get_session_auth_hash()
    return (
        user.is_active and is_as_it_was and is_mfa_enabled(user, [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN])
    )
