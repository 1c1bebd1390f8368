"""Sign-in: nobody can sign up for an account, and the forms look like the rest of the service."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.account.forms import ChangePasswordForm as AllauthChangePasswordForm
from allauth.account.forms import LoginForm
from django.http import HttpRequest
from django.utils import timezone

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
    """Closes sign-up: administrators create the accounts."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


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
