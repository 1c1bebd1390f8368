"""Sign-in: nobody can sign up for an account, and the forms look like the rest of the service."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter, get_adapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.account.forms import ChangePasswordForm as AllauthChangePasswordForm
from allauth.account.forms import LoginForm
from allauth.core import context
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from casework.models import SignInKind
from casework.record import sign_ins
from casework.web import tries
from casework.web.rendering import GovukRenderer, PasswordInput, TextInput
from casework.web.submitting import errors_of
from config.passwords import BETTER
from localities.models import User
from localities.roles import cache_roles, roles_for_query
from localities.working_time import local_day


class StaffBackend(AuthenticationBackend):
    """Knows staff again at each request: the user with their roles of today, in one statement."""

    def get_user(self, user_id: int) -> User | None:
        today = local_day(timezone.now())
        try:
            user: Any = User.objects.annotate(own_roles=roles_for_query(user_id, today)).get(pk=user_id)
        except User.DoesNotExist:
            return None
        cache_roles(user, today, user.own_roles)
        return user if self.user_can_authenticate(user) else None


class StaffAccountAdapter(DefaultAccountAdapter):
    """
    Closes sign-up: administrators create the accounts. Counts tries in our own way, and records what happens at the
    door.
    """

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

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

    @property
    def summary(self) -> list[tuple[str, str]]:
        return errors_of(self)

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
        self.fields["password1"].help_text = f"12 characters or more. {BETTER}"
        self.fields["password2"].label = "New password, once more"

    def clean_oldpassword(self) -> str:
        """Counts, as signing in does: whoever finds a browser open must not guess the password here."""
        old: str = self.cleaned_data["oldpassword"]
        if not get_adapter(context.request).reauthenticate(self.user, old):
            raise get_adapter().validation_error("enter_current_password")
        return old
