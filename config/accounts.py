"""Sign-in: nobody can sign up for an account, and the forms look like the rest of the service."""

import json
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter, get_adapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.account.forms import ChangePasswordForm as AllauthChangePasswordForm
from allauth.account.forms import LoginForm, ReauthenticateForm
from allauth.core import context
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from casework.access.council_accounts import has_council_account, uses_council_account_only
from casework.access.second_step import OWED
from casework.models import SignInKind
from casework.models.prepared import Prepared, send
from casework.record import sign_ins
from casework.web import tries
from casework.web.password_forms import HINT
from casework.web.recently import signed_in_recently
from casework.web.rendering import GovukRenderer, PasswordInput, TextInput
from localities.models import User
from localities.roles import ROLES_FOR_QUERY, cache_roles
from localities.working_time import local_day

WAYS = {
    "reauthenticate": "Use your password",
    "mfa_reauthenticate": "Use a code from an app, or a recovery code",
    "mfa_reauthenticate:webauthn": "Use a passkey",
}


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
        if user.is_authenticated and has_council_account(user):
            way = {"id": "council", "description": "Use your council account", "url": reverse("council-again")}
            ways = [way, *(each for each in ways if each["id"] != "reauthenticate" or not settings.OIDC_ONLY)]
        return ways

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
