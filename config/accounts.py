"""Sign-in: nobody can sign up for an account, and the forms look like the rest of the service."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.forms import ChangePasswordForm as AllauthChangePasswordForm
from allauth.account.forms import LoginForm
from django.http import HttpRequest

from casework.web.rendering import GovukRenderer, PasswordInput, TextInput


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

    default_renderer = GovukRenderer
    use_required_attribute = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            autocomplete = "current-password" if name == "oldpassword" else "new-password"
            field.widget = PasswordInput({"autocomplete": autocomplete})
