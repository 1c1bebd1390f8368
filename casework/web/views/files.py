"""Files: those on a contact, on a case and on a draft; putting one there, looking at it, having it, removing it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from django.contrib import messages
from django.core.files import File as Content
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from casework.access import permissions
from casework.actions import contact_drafts, files
from casework.families.confidentiality import ask_hidden
from casework.families.naming import families_of
from casework.files import names, scanning, storing
from casework.files.storing import StorageAwayError, Stored
from casework.files.uploads import takes_files
from casework.models import Case, Contact, ContactDraft, File, FileKind
from casework.models.prepared import send
from casework.record import responsibilities
from casework.web.file_forms import AddFileForm, RemoveFileForm
from casework.web.hiding import without_hidden_addresses
from casework.web.recently import ask_again, signed_in_recently
from casework.web.signed_in import user_of, who_enters_contacts
from casework.web.submitting import errors_of, status_of, submit
from errors import Fault, InvalidInput, ServiceError
from localities.models import User
from localities.working_time import local_day

MEDIA_TYPES: dict[FileKind, str] = {
    FileKind.PDF: "application/pdf",
    FileKind.JPEG: "image/jpeg",
    FileKind.PNG: "image/png",
    FileKind.HEIC: "image/heic",
    FileKind.WEBP: "image/webp",
    FileKind.GIF: "image/gif",
    FileKind.TIFF: "image/tiff",
    FileKind.DOCX: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    FileKind.DOC: "application/msword",
    FileKind.ODT: "application/vnd.oasis.opendocument.text",
    FileKind.EML: "message/rfc822",
    FileKind.MSG: "application/vnd.ms-outlook",
}
# Whatever is in a file, it is no page of ours: it runs nothing, loads nothing and sends nothing.
NOTHING_RUNS = "default-src 'none'; sandbox"
IS_MISSING = "The content of this file is missing. Tell your administrator."


@takes_files
@require_http_methods(["GET", "HEAD", "POST"])
def listed(request: HttpRequest, reference: str) -> HttpResponse:
    """The files of a contact or a case, and the form to add one."""
    user, now = user_of(request), timezone.now()
    if request.method != "POST":
        return _list(request, reference, user, now)
    record, form = _fetch(reference, user, now), AddFileForm(request)

    def add(said: dict[str, Any]) -> File:
        permissions.check_can_add_files(record, responsibilities.team_id_of(record), user, local_day(now))
        given: dict[str, Any] = {"name": said["file"].name, "about": said["about"], "by": user, "now": now}

        def to_record(stored: Stored) -> File:
            if isinstance(record, Contact):
                return files.add_to_contact(contact_id=record.pk, stored=stored, **given)
            return files.add_to_case(case_id=record.pk, stored=stored, **given)

        return _take_in(to_record, said["file"])

    return submit(
        request, form, add, says=_added, then=_address(record, "files"),
        again=lambda: _list(request, reference, user, now, form),
    )  # fmt: skip


@require_safe
def show(request: HttpRequest, reference: str, key: str) -> HttpResponse:
    """What a file is, who put it there and whether it was checked, with a smaller picture of a picture."""
    user, now = user_of(request), timezone.now()
    day = local_day(now)
    file = files.view(reference=reference, key=key, by=user, now=now)
    record = _record_of(file)
    opens, removes = permissions.check_can_open_files, permissions.check_can_remove_files
    context = {
        "file": file,
        "says_another_kind": names.says_another_kind(file.name, FileKind(file.kind)),
        "opens": file.is_ready and permissions.allows(opens, False, user, day),
        "opens_hidden": file.is_ready and permissions.allows(opens, True, user, day),
        "has_picture": file.has_preview and not _asks_again(request, reference, key),
        "removes": file.removed_at is None and permissions.allows(removes, user, day),
        **_addresses(record, key),
    }
    return _page(request, "show", record, context)


def _asks_again(request: HttpRequest, reference: str, key: str) -> bool:
    """Whether few may see the content of a file, and this person did not sign in just now."""
    if signed_in_recently(request):
        return False
    return files.is_guarded(reference=reference, key=key, by=user_of(request), now=timezone.now())


def _recently_where_guarded(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """The content of a file; where few may see it, for somebody who signed in just now."""

    @wraps(view)
    def guarded(request: HttpRequest, reference: str, key: str) -> HttpResponseBase:
        return ask_again(request) if _asks_again(request, reference, key) else view(request, reference, key)

    return guarded


@require_safe
@_recently_where_guarded
def download(request: HttpRequest, reference: str, key: str) -> HttpResponseBase:
    """The file itself, always as a download."""
    file, is_hidden = files.download(reference=reference, key=key, by=user_of(request), now=timezone.now())
    kind = FileKind(file.kind)
    # A hidden address may be in the name, which stays on the computer, and in its list of downloads.
    name = f"{reference} file {file.pk}" if is_hidden else file.name
    return _sent(lambda: storing.open_content(file.key), MEDIA_TYPES[kind], file.size, names.downloaded_as(name, kind))


@require_safe
@_recently_where_guarded
def picture(request: HttpRequest, reference: str, key: str) -> HttpResponseBase:
    """The smaller picture, for the page of the file."""
    file, _ = files.download(reference=reference, key=key, as_picture=True, by=user_of(request), now=timezone.now())
    return _sent(lambda: storing.open_preview(file.key), "image/jpeg", None, "")


@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: HttpRequest, reference: str, key: str) -> HttpResponse:
    """Removes a file that does not belong here."""
    user, now = user_of(request), timezone.now()
    permissions.check_can_remove_files(user, local_day(now))
    record = _fetch(reference, user, now)
    file = get_object_or_404(record.files.all(), key=key)

    def page(form: RemoveFileForm) -> HttpResponse:
        files.view(reference=reference, key=key, by=user, now=now)
        errors = errors_of(form)
        context = {"file": file, "form": form, "errors": errors, **_addresses(record, key)}
        return _page(request, "remove", record, context, status=status_of(errors))

    if request.method != "POST":
        return page(RemoveFileForm())
    form = RemoveFileForm(request.POST)
    return submit(
        request, form,
        lambda said: files.remove(reference=reference, key=key, reason=said["reason"], by=user, now=now),
        says="The file is removed. Nobody can open it any more.", then=_address(record, "files"),
        again=lambda: page(form),
    )  # fmt: skip


# ---- on a draft


@takes_files
@require_http_methods(["GET", "HEAD", "POST"])
def of_draft(request: HttpRequest, key: str) -> HttpResponse:
    """The files of a draft of a contact, for its owner."""
    user, now = who_enters_contacts(request)
    draft = ContactDraft.objects.filter(key=key).first()
    if draft is not None and (draft.owner_id != user.pk or draft.deleted_at is not None):
        raise ContactDraft.DoesNotExist
    if draft is not None and draft.contact is not None:
        return redirect(_address(draft.contact, "files"))
    if request.method != "POST":
        return _draft_page(request, key)
    if "remove" in request.POST:
        files.remove_from_draft(key=key, file_key=request.POST["remove"], by=user, now=now)
        messages.success(request, "The file is deleted from the draft.")
        return redirect("contact-draft-files", key)
    form = AddFileForm(request)

    def add(said: dict[str, Any]) -> File:
        def to_draft(stored: Stored) -> File:
            begun = contact_drafts.begin(key=key, typed={}, by=user, now=now)
            return files.add_to_draft(
                key=begun.key, stored=stored, name=said["file"].name, about=said["about"], by=user, now=now
            )

        return _take_in(to_draft, said["file"])

    return submit(
        request, form, add, says=_added, then=lambda file: reverse("contact-draft-files", args=[file.draft]),
        again=lambda: _draft_page(request, key, form),
    )  # fmt: skip


# ---- the parts


def _fetch(reference: str, user: User, now: datetime) -> Contact | Case:
    """The contact or the case, for an action: it is not shown, so this is not audited."""
    if files.is_of_case(reference):
        return get_object_or_404(Case.objects.visible_to(user, now), reference=reference)
    return get_object_or_404(Contact.objects.visible_to(user, now), reference=reference)


def _record_of(file: File) -> Contact | Case:
    record = file.contact or file.case
    if record is None:
        raise Http404
    return record


def _take_in(add: Callable[[Stored], File], upload: Content[bytes]) -> File:
    """While files cannot be stored, the form says so and keeps what was typed."""
    try:
        return storing.take_in_and(add, upload)[0]
    except StorageAwayError as away:
        raise InvalidInput([Fault(("file",), str(away))]) from away


def _added(file: File) -> str:
    checked = " It is being checked for viruses; it can be opened then." if file.check_after is not None else ""
    return f"The file is added.{checked}"


def _address(record: Contact | Case, page: str, *more: str) -> str:
    kind = "case" if isinstance(record, Case) else "contact"
    return reverse(f"{kind}-{page}" if page else kind, args=[record.reference, *more])


def _addresses(record: Contact | Case, key: str) -> dict[str, str]:
    return {"back": _address(record, "files"), "at": _address(record, "file", key)}


def _list(
    request: HttpRequest, reference: str, user: User, now: datetime, form: AddFileForm | None = None
) -> HttpResponse:
    record, found = files.view_list(reference=reference, by=user, now=now)
    team_id = responsibilities.team_id_of(record)
    adds = permissions.allows(permissions.check_can_add_files, record, team_id, user, local_day(now))
    errors = errors_of(form) if form else []
    context = {
        "record": record,
        "files": found,
        "form": (form or AddFileForm()) if adds else None,
        "errors": errors,
        "are_checked": scanning.is_there_one(),
        "back": _address(record, "" if isinstance(record, Contact) else "notes"),
    }
    return _page(request, "list", record, context, status=status_of(errors))


def _draft_page(request: HttpRequest, key: str, form: AddFileForm | None = None) -> HttpResponse:
    errors = errors_of(form) if form else []
    context = {
        "key": key,
        "files": File.objects.filter(draft=key),
        "form": form or AddFileForm(),
        "errors": errors,
        "are_checked": scanning.is_there_one(),
    }
    return render(request, "front_door/files/draft.html", context, status=status_of(errors))


def _page(
    request: HttpRequest, name: str, record: Contact | Case, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    """A page about the files of a record, which says where an address is hidden, without that address."""
    contacts = [record] if isinstance(record, Contact) else list(record.contacts.only("pk"))
    (hidden,) = send(ask_hidden(contact.pk for contact in contacts))
    family = families_of([record], user_of(request), timezone.now())[record]
    context |= {"record": record, "family": family, "is_hidden": bool(hidden)}
    page = render(request, f"front_door/files/{name}.html", context, status=status)
    return without_hidden_addresses(page, contacts, hidden)


def _sent(opened: Callable[[], Content[Any]], media_type: str, size: int | None, name: str) -> FileResponse:
    """:param name: under which it is stored; empty for a picture that is looked at."""
    try:
        content = opened()
    except FileNotFoundError:
        raise ServiceError(IS_MISSING) from None
    response = FileResponse(content, as_attachment=bool(name), filename=name, content_type=media_type)
    # The same pieces in which everything else reads files.
    response.block_size = storing.CHUNK
    if size is not None:
        response["Content-Length"] = str(size)
    response["Content-Security-Policy"] = NOTHING_RUNS
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
