"""The forms to put a file on a record, and to remove one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest

from casework.actions.files import LONGEST_ABOUT
from casework.files.content import ALLOWED, EMPTY, SELECT, TOO_LARGE
from casework.files.storing import StorageAwayError
from casework.files.uploads import UPLOAD_IS_TOO_LARGE, check_was_kept
from casework.web.forms import ActionForm
from casework.web.rendering import FileInput, Textarea, TextInput


class AddFileForm(ActionForm):
    """A file, and what it is. The text stays when the file is refused; a browser gives no file back."""

    file = forms.FileField(
        label="File", required=False, widget=FileInput, help_text=f"It must be {ALLOWED}, and smaller than 20MB.",
        error_messages={"empty": EMPTY, "invalid": SELECT, "missing": SELECT},
    )  # fmt: skip
    about = forms.CharField(
        label="What is it?", required=False, widget=TextInput(),
        help_text=f"For example, the school's chronology. Up to {LONGEST_ABOUT} characters.",
    )  # fmt: skip

    def __init__(self, request: HttpRequest | None = None) -> None:
        if request is None:
            super().__init__()
            return
        self.request = request
        self.too_large = getattr(request, UPLOAD_IS_TOO_LARGE, False)
        super().__init__(request.POST, request.FILES)

    def clean_file(self) -> UploadedFile[bytes]:
        try:
            check_was_kept(self.request)
        except StorageAwayError as away:
            raise forms.ValidationError(str(away)) from away
        sent: Any = self.cleaned_data["file"]
        if sent is None:
            raise forms.ValidationError(TOO_LARGE if self.too_large else SELECT)
        assert isinstance(sent, UploadedFile)
        return sent


class RemoveFileForm(ActionForm):
    reason = forms.CharField(
        label="Why is it removed?", required=False, widget=Textarea,
        help_text="For example, it is about another family. Do not write what the file says.",
    )  # fmt: skip
