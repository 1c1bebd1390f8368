"""The forms with which people set their own passwords."""

from typing import Any

from django import forms

from casework.web.forms import ActionForm
from casework.web.rendering import PasswordInput, TextInput

NEW = {"autocomplete": "new-password"}
HINT = "12 characters or more. Use three or more words that do not belong together."


class ForgottenForm(ActionForm):
    """Who forgot their password."""

    name = forms.CharField(
        label="User name or work email address", max_length=254,
        widget=TextInput(autocomplete="username", spellcheck="false", autocapitalize="none"),
        error_messages={"required": "Enter your user name or your work email address"},
    )  # fmt: skip


class SetPasswordForm(ActionForm):
    """A new password, twice."""

    password = forms.CharField(
        label="New password", strip=False, max_length=1000, widget=PasswordInput(NEW), help_text=HINT,
        error_messages={"required": "Enter a new password"},
    )  # fmt: skip
    again = forms.CharField(
        label="New password again", strip=False, max_length=1000, widget=PasswordInput(NEW),
        error_messages={"required": "Enter the new password again"},
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or self.cleaned_data
        if "password" in said and "again" in said and said["password"] != said["again"]:
            self.add_error("again", "Enter the same password twice")
        return said
