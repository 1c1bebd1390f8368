"""Files that people put on contacts and cases."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import pgtrigger
from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import Q
from django.db.models.functions import JSONObject

from casework.models.cases import Case
from casework.models.contacts import Contact
from casework.models.indexes import where_set
from casework.models.refusals import NOT_BLANK, never_emptied, refuse_if
from casework.models.telling import TELL_OF_A_FILE
from localities.models import Agency, User

MEGABYTE = 1024 * 1024
LARGEST = 20 * MEGABYTE
MOST_ON_A_RECORD = 50
# A name that no system takes for a path: no separators, no control characters.
NO_PATH = r"^[^/\\[:cntrl:]]+$"


class FileKind(models.TextChoices):
    """What a file is, by its content."""

    PDF = "pdf", "PDF"
    JPEG = "jpeg", "Picture (JPEG)"
    PNG = "png", "Picture (PNG)"
    HEIC = "heic", "Picture (HEIC)"
    WEBP = "webp", "Picture (WebP)"
    GIF = "gif", "Picture (GIF)"
    TIFF = "tiff", "Picture (TIFF)"
    DOCX = "docx", "Word document (DOCX)"
    DOC = "doc", "Word document (DOC)"
    ODT = "odt", "Document (ODT)"
    EML = "eml", "Email (EML)"
    MSG = "msg", "Email (MSG)"


# Of these the worker makes a smaller picture to look at. HEIC is only downloaded.
PICTURES = (FileKind.JPEG, FileKind.PNG, FileKind.WEBP, FileKind.GIF, FileKind.TIFF)
KNOWN_KIND = Q(kind__in=FileKind.values)
# Present, and neither checked for viruses nor waiting for it.
NEVER_CHECKED = Q(check_after__isnull=True, checked_at__isnull=True, removed_at__isnull=True)


class FileState(models.TextChoices):
    """Whether a file may be opened."""

    BEING_CHECKED = "being_checked", "Being checked for viruses"
    READY = "ready", "Ready"
    REFUSED = "refused", "Refused: it may contain a virus"
    REMOVED = "removed", "Removed"


def new_key() -> str:
    """It says nothing, and cannot be guessed."""
    return secrets.token_hex(16)


class FileQuerySet(models.QuerySet["File"]):
    def present(self) -> FileQuerySet:
        """Those that nobody has removed."""
        return self.filter(removed_at__isnull=True)

    def on(self, reference: str) -> FileQuerySet:
        """Those on this contact or case."""
        return self.filter(Q(contact__reference=reference) | Q(case__reference=reference))

    def of_case(self, case: Case) -> FileQuerySet:
        """Those on a case and on its contacts."""
        return self.filter(Q(case=case) | Q(contact__case=case))

    def listed(self) -> FileQuerySet:
        """With what a list says of each, the newest first."""
        return self.select_related("contact", "case", "by_user", "by_agency").order_by("-pk")

    def locked(self) -> FileQuerySet:
        return self.select_for_update(of=("self",), no_key=True)


class File(models.Model):
    """
    A file on a contact or a case, or on a draft until that becomes a contact. The content is in the storage, under the
    key: what people called the file is here alone.

    Nobody opens it before the virus scanner has answered, where there is one (`check_after`), nor after it found
    something (`found`), nor once it is removed.
    """

    key = models.CharField(max_length=32, unique=True, default=new_key, editable=False)
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, null=True, related_name="files", db_index=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, null=True, related_name="files", db_index=False)
    draft = models.CharField(
        "key of the draft", max_length=32, blank=True, help_text="Until the draft is a contact, or is deleted."
    )
    name = models.CharField(max_length=150, help_text="What the sender called it.")
    about = models.CharField(max_length=200, blank=True, help_text="What it is, in the words of whoever put it here.")
    kind = models.CharField(max_length=10, choices=FileKind)
    size = models.PositiveIntegerField(help_text="In bytes.")
    sha256 = models.CharField("SHA-256 of the content", max_length=64)
    at = models.DateTimeField()
    by_user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    by_agency = models.ForeignKey(Agency, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    idempotency_key = models.CharField(max_length=255, null=True)  # noqa: DJ001  # unique where given
    check_after = models.DateTimeField(null=True, help_text="When the virus scanner is asked next.")
    checks = models.PositiveSmallIntegerField(default=0, help_text="How often the virus scanner was asked.")
    checked_at = models.DateTimeField(null=True, help_text="When the virus scanner answered.")
    found = models.CharField(max_length=200, blank=True, help_text="What the virus scanner found.")
    preview_after = models.DateTimeField(null=True, help_text="When a picture to look at is made next.")
    previews = models.PositiveSmallIntegerField(default=0, help_text="How often that was tried.")
    has_preview = models.BooleanField(default=False)
    removed_at = models.DateTimeField(null=True)
    removed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    removed_because = models.TextField(blank=True)

    objects = FileQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(contact__isnull=False, case__isnull=True, draft="")
                | Q(contact__isnull=True, case__isnull=False, draft="")
                | (Q(contact__isnull=True, case__isnull=True) & ~Q(draft="")),
                name="a_file_is_on_one_record",
            ),
            models.CheckConstraint(condition=KNOWN_KIND, name="a_file_is_of_a_known_kind"),
            models.CheckConstraint(condition=Q(size__gte=1, size__lte=LARGEST), name="a_file_has_at_most_20_megabytes"),
            models.CheckConstraint(condition=Q(name__regex=NO_PATH), name="the_name_of_a_file_is_no_path"),
            models.CheckConstraint(
                condition=Q(by_user__isnull=False, by_agency__isnull=True)
                | Q(by_user__isnull=True, by_agency__isnull=False),
                name="a_file_says_who_put_it_there",
            ),
            models.CheckConstraint(
                condition=Q(checked_at__isnull=True, found="") | Q(checked_at__isnull=False, check_after__isnull=True),
                name="a_file_is_checked_once",
            ),
            models.CheckConstraint(
                condition=Q(has_preview=False) | Q(kind__in=[*PICTURES], preview_after__isnull=True, found=""),
                name="only_a_picture_that_is_safe_is_looked_at",
            ),
            models.CheckConstraint(
                condition=Q(removed_at__isnull=True, removed_by__isnull=True, removed_because="")
                | Q(removed_at__isnull=False, removed_by__isnull=False, removed_because__regex=NOT_BLANK),
                name="a_removed_file_says_who_and_why",
            ),
            models.UniqueConstraint(fields=["by_agency", "idempotency_key"], name="a_file_is_received_once"),
        ]
        indexes: ClassVar = [
            *where_set("file", "contact", "case", "by_user", "removed_by"),
            models.Index(fields=["draft"], name="file_by_draft", condition=~Q(draft="")),
            models.Index(fields=["check_after"], name="file_to_check", condition=Q(check_after__isnull=False)),
            # Those that came before there was a virus scanner.
            models.Index(fields=["id"], name="file_unchecked", condition=NEVER_CHECKED),
            models.Index(fields=["preview_after"], name="file_to_preview", condition=Q(preview_after__isnull=False)),
        ]
        triggers: ClassVar = [
            TELL_OF_A_FILE,
            refuse_if(
                "(NEW.key, NEW.name, NEW.about, NEW.kind, NEW.size, NEW.sha256, NEW.at, NEW.by_user_id, "
                "NEW.by_agency_id, NEW.idempotency_key) IS DISTINCT FROM "
                "(OLD.key, OLD.name, OLD.about, OLD.kind, OLD.size, OLD.sha256, OLD.at, OLD.by_user_id, "
                "OLD.by_agency_id, OLD.idempotency_key) "
                "OR (OLD.draft = '' AND (NEW.contact_id, NEW.case_id, NEW.draft) "
                "IS DISTINCT FROM (OLD.contact_id, OLD.case_id, OLD.draft))",
                on=pgtrigger.Update,
                name="a_file_stays_as_it_came_and_where_it_is",
                message="A file stays as it came, and on its record.",
            ),
            refuse_if(
                "(OLD.checked_at IS NOT NULL "
                "AND (NEW.checked_at, NEW.found) IS DISTINCT FROM (OLD.checked_at, OLD.found)) "
                "OR (OLD.removed_at IS NOT NULL AND (NEW.removed_at, NEW.removed_by_id, NEW.removed_because) "
                "IS DISTINCT FROM (OLD.removed_at, OLD.removed_by_id, OLD.removed_because))",
                on=pgtrigger.Update,
                name="a_file_is_checked_and_removed_once",
                message="What the virus scanner said stays, and a removed file stays removed.",
            ),
            refuse_if(
                "OLD.draft = ''",
                on=pgtrigger.Delete,
                name="a_file_of_a_record_is_never_deleted",
                message="A file on a record is removed with a reason, never deleted.",
            ),
            never_emptied("files_are_never_emptied", "Files are never deleted."),
        ]

    def __str__(self) -> str:
        return f"file {self.pk}"

    @property
    def state(self) -> FileState:
        if self.removed_at is not None:
            return FileState.REMOVED
        if self.found:
            return FileState.REFUSED
        return FileState.BEING_CHECKED if self.check_after is not None else FileState.READY

    @property
    def state_when_added(self) -> FileState:
        """One that came before there was a virus scanner is taken for one that waited for it, once it is checked."""
        is_checked = self.check_after is not None or self.checked_at is not None
        return FileState.BEING_CHECKED if is_checked else FileState.READY

    @property
    def is_ready(self) -> bool:
        return self.state == FileState.READY

    @property
    def is_unchecked(self) -> bool:
        """Whether the virus scanner was never asked for it: see `NEVER_CHECKED`."""
        return self.check_after is None and self.checked_at is None and self.removed_at is None


def files_on(**record: Any) -> ArraySubquery:
    """
    For an annotation of contacts or drafts: their files that nobody has removed, for `listed_files`. They are read
    along with the record, by whoever may see that, and cost no statement of their own.

    :param record: the column of the file, and what of the record it is: `contact=OuterRef("pk")`.
    """
    names = ("pk", "key", "name", "kind", "size", "check_after", "checked_at", "found")
    present = File.objects.present().filter(**record).order_by("pk")
    return ArraySubquery(present.values(file=JSONObject(**{name: name for name in names})))


def listed_files(rows: Iterable[Mapping[str, Any]]) -> list[File]:
    """The files of an annotation by `files_on`, with what a list shows of them."""
    return [File(**row) for row in rows]
