"""Sign-in: nobody can sign up for an account, and the forms look like the rest of the service."""

import json
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter, get_adapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.account.forms import ChangePasswordForm as AllauthChangePasswordForm
from allauth.account.forms import LoginForm, ReauthenticateForm
from allauth.account.internal.stagekit import clear_login
from allauth.core import context
from django.contrib import messages
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from casework.access.council_accounts import has_council_account, uses_council_account_only
from casework.access.second_step import OWED, must_use_passkey
from casework.models import SignInKind
from casework.models.prepared import Prepared, send
from casework.record import sign_ins
from casework.web import tries
from casework.web.password_forms import HINT
from casework.web.recently import signed_in_recently
from casework.web.rendering import GovukRenderer, PasswordInput, TextInput
from config import single_sign_on
from localities.models import User
from localities.roles import ROLES_FOR_QUERY, cache_roles
from localities.working_time import local_day

WAYS = {
    "reauthenticate": "Use your password",
    "mfa_reauthenticate": "Use a code from an app, or a recovery code",
    "mfa_reauthenticate:webauthn": "Use a passkey",
}
PASSKEY = "mfa_reauthenticate:webauthn"
# In the session of whoever passed the first step: it no longer counts when the password is another.
BEGAN_WITH = "began_with"


# Each request asks it: the database takes seven times as long to plan it as to answer it.
COLUMNS = [field.attname for field in User._meta.concrete_fields]
ROLES = ROLES_FOR_QUERY % ("%(user)s", "%(today)s", "%(today)s")
OWES = OWED % ("%(user)s", "%(today)s", "%(today)s", "%(user)s")
KNOW_AGAIN = Prepared(
    "know_again",
    f"SELECT {', '.join(COLUMNS)}, {ROLES}, {OWES} FROM localities_user WHERE id = %(user)s",  # noqa: S608  # our own
)


class StaffBackend(AuthenticationBackend):
    """
    Knows staff again at each request: the user with their roles of today, and whether they owe a second step, in one
    statement.
    """

    def get_user(self, user_id: int) -> User | None:
        today = local_day(timezone.now())
        (found,) = send(KNOW_AGAIN(user=user_id, today=today))
        for *values, roles, owes_factor in found:
            user: Any = User.from_db(connection.alias, COLUMNS, values)
            user.owes_factor = owes_factor
            cache_roles(user, today, map(json.loads, roles))
            return user if self.user_can_authenticate(user) else None
        return None

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:
        user: User | None = super().authenticate(request, **credentials)
        return None if user is not None and uses_council_account_only(user) else user


class StaffAccountAdapter(DefaultAccountAdapter):
    """
    Closes sign-up: administrators create the accounts. Counts tries in our own way, and records what happens at the
    door. Whoever signed in just now is not asked again.
    """

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        return not signed_in_recently(self.request)

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        ways: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        for way in ways:
            way["description"] = WAYS[way["id"]]
        if not user.is_authenticated:
            return ways
        if must_use_passkey(user, local_day(timezone.now())):
            return [way for way in ways if way["id"] == PASSKEY]
        if uses_council_account_only(user):
            ways = [way for way in ways if way["id"] != "reauthenticate"]
        if has_council_account(user):
            ways.insert(
                0, {"id": "council", "description": "Use your council account", "url": reverse("council-again")}
            )
        return ways

    def pre_login(
        self, request: HttpRequest, user: User, *, signal_kwargs: dict[str, Any] | None, **about: Any
    ) -> HttpResponse | None:
        """
        Whoever passed the first step goes on to the second, unless a council account alone signs them in and they used
        a passkey. (A password is not taken then: `StaffBackend`.)
        """
        refused: HttpResponse | None = super().pre_login(request, user, signal_kwargs=signal_kwargs, **about)
        by_council = (signal_kwargs or {}).get("sociallogin")
        if refused is not None:
            return refused
        if by_council is None and uses_council_account_only(user):
            clear_login(request)
            sign_ins.record(SignInKind.REFUSED, of=user, request=request, at=timezone.now())
            messages.error(request, "Sign in with your council account.")
            return redirect("account_login")
        if by_council is not None:
            single_sign_on.note_when(request, by_council)
        request.session[BEGAN_WITH] = user.get_session_auth_hash()
        return None

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """
        Counts the try as a failed one before the password is looked at.

        :raises ValidationError: the next try must wait. It is the same for a user name that nobody has.
        """
        self.tried = tries.begin(request, str(credentials.get("username", "")), now=timezone.now())

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        user: User | None = super().authenticate(request, **credentials)
        if user is not None:
            self.tried.give_back()
        return user

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        kind = SignInKind.SLOWED if self.tried.slows else SignInKind.FAILED
        named = User.objects.filter(username__iexact=credentials.get("username", "")).first()
        sign_ins.record(kind, of=named, request=request, at=timezone.now())

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        sign_ins.record(SignInKind.ACCOUNT_CLOSED, of=user, request=request, at=timezone.now())
        response: HttpResponse = super().respond_user_inactive(request, user)
        return response

    def post_login(self, request: HttpRequest, user: User, **about: Any) -> HttpResponse:
        """Whoever has passed every step is in, and the device is known from now on."""
        response: HttpResponse = super().post_login(request, user, **about)
        now = timezone.now()
        is_known = tries.known_device(request, user.username, now=now) is not None
        sign_ins.record(SignInKind.SIGNED_IN, of=user, request=request, at=now, is_known_device=is_known)
        tries.remember_device(request, response, user, now=now)
        return response

    def logout(self, request: HttpRequest) -> None:
        if isinstance(request.user, User):
            sign_ins.record(SignInKind.SIGNED_OUT, of=request.user, request=request, at=timezone.now())
        super().logout(request)

    def set_password(self, user: User, password: str) -> None:
        """Every device is unknown to the person from now on, but for the one where they set it."""
        super().set_password(user, password)
        now = timezone.now()
        sign_ins.record(SignInKind.PASSWORD_CHANGED, of=user, request=context.request, at=now)
        tries.keep_device(context.request, user, now=now)


class SignInForm(LoginForm):
    """User name and password."""

    default_renderer = GovukRenderer
    use_required_attribute = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = "User name"
        self.fields["login"].widget = TextInput(autocomplete="username")
        self.fields["password"].widget = PasswordInput({"autocomplete": "current-password"})
        self.fields["password"].help_text = ""


class ChangePasswordForm(AllauthChangePasswordForm):
    """The old password, and the new one twice."""

    default_renderer = GovukRenderer
    use_required_attribute = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            autocomplete = "current-password" if name == "oldpassword" else "new-password"
            field.widget = PasswordInput({"autocomplete": autocomplete})
        self.fields["oldpassword"].label = "Current password"
        self.fields["oldpassword"].help_text = ""
        self.fields["password1"].label = "New password"
        self.fields["password1"].help_text = HINT
        self.fields["password2"].label = "New password, once more"

    def clean_oldpassword(self) -> str:
        """Counts, as signing in does: whoever finds a browser open must not guess the password here."""
        old: str = self.cleaned_data["oldpassword"]
        if not get_adapter(context.request).reauthenticate(self.user, old):
            raise get_adapter().validation_error("enter_current_password")
        return old


class PasswordAgainForm(ReauthenticateForm):
    """The password of somebody who is signed in."""

    default_renderer = GovukRenderer
    use_required_attribute = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].widget = PasswordInput({"autocomplete": "current-password"})
        self.fields["password"].help_text = ""
