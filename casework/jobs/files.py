"""
What the service does with files by itself: has them checked for viruses, draws pictures to look at, and removes content
that no row has.

A file is claimed before it is worked on: who dies over it leaves it for the next run, a while later. The wait grows.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models.functions import Left

from casework.files import previews, scanning, storing
from casework.files.scanning import ScannerAwayError
from casework.files.storing import StorageAwayError
from casework.messages import outbox
from casework.messages.outbox import message
from casework.models import ContactDraft, Event, File, Message
from casework.models.files import NEVER_CHECKED, FileKind
from casework.record import audit
from localities.models import Role

log = structlog.get_logger()

# After the first try, doubled by each further one.
WAIT, LONGEST_WAIT = timedelta(minutes=2), timedelta(minutes=15)
MOST_PREVIEWS = 3
# Files that one run sees to: it ends long before its time is up.
A_RUN = 10
# Content whose row may still be on its way.
YOUNG = timedelta(days=1)

Clock = Callable[[], datetime]


def check(*, clock: Clock) -> int:
    """
    Has the files that wait for it checked for viruses. While the scanner is away, they go on waiting.

    :returns: how many were checked.
    """
    if not scanning.is_there_one():
        return 0
    _queue_unchecked(clock())
    done = 0
    while done < A_RUN and (file := _claim_check(clock())) is not None:
        try:
            with storing.open_content(file.key) as content:
                found = scanning.scan(storing.pieces(content))
        except ScannerAwayError as away:
            log.warning("virus scanner away", says=str(away))
            break
        except StorageAwayError:
            # It has written why to the log.
            break
        except FileNotFoundError:
            # `check_integrity` counts it.
            log.exception("content of a file is missing", file=file.pk)
            continue
        _record(file.pk, found, clock())
        done += 1
    return done


def _queue_unchecked(now: datetime) -> None:
    """
    Has files checked, too, that came before there was a scanner: so few at a time that most can be opened while it is
    away.
    """
    waiting = File.objects.filter(check_after__isnull=False).count()
    if waiting < A_RUN:
        unchecked = File.objects.filter(NEVER_CHECKED)
        oldest = list(unchecked.order_by("pk").values_list("pk", flat=True)[: A_RUN - waiting])
        unchecked.filter(pk__in=oldest).update(check_after=now)


@transaction.atomic
def _claim_check(now: datetime) -> File | None:
    waiting = File.objects.filter(check_after__lte=now).order_by("check_after", "pk")
    file = waiting.select_for_update(skip_locked=True, no_key=True).first()
    if file is not None:
        file.check_after = now + _wait(file.checks)
        file.checks += 1
        file.save(update_fields=["check_after", "checks"])
    return file


@transaction.atomic
def _record(file_id: int, found: str, now: datetime) -> None:
    file = File.objects.locked().select_related("contact", "case", "by_user").filter(pk=file_id).first()
    # Deleted from its draft meanwhile, or checked by another worker.
    if file is None or file.checked_at is not None:
        return
    file.check_after, file.checked_at, file.found = None, now, found
    if found:
        file.preview_after, file.has_preview = None, False
    file.save(update_fields=["check_after", "checked_at", "found", "preview_after", "has_preview"])
    about = {"contact": file.contact, "case": file.case}
    event = Event.FILE_REFUSED if found else Event.FILE_CHECKED
    audit.record(event, by=audit.SYSTEM, at=now, file=file.key, **about)
    if found:
        key = f"file_refused:{file.pk}"
        told = outbox.messages_for_roles(
            Message.FILE_REFUSED, Role.INFORMATION_GOVERNANCE, key=key, at=now,
            exclude_users=file.by_user_id or 0, **about,
        )  # fmt: skip
        if file.by_user is not None:
            uploader = f"{key}:{file.by_user_id}"
            told.append(message(Message.FILE_REFUSED, to=file.by_user.email, key=uploader, at=now, **about))
        outbox.write(told)


def draw_previews(*, clock: Clock) -> int:
    """
    Draws smaller pictures to look at of the files that are safe.

    :returns: how many were drawn.
    """
    drawn = 0
    for _ in range(A_RUN):
        file = _claim_preview(clock())
        if file is None:
            break
        try:
            with storing.open_content(file.key) as content:
                picture = previews.draw(content, FileKind(file.kind))
            if picture is not None:
                storing.store_preview(file.key, picture)
        except FileNotFoundError:
            log.exception("content of a file is missing", file=file.pk)
            continue
        except StorageAwayError:
            # Not the picture's fault.
            File.objects.filter(pk=file.pk).update(previews=file.previews - 1)
            break
        drawn += picture is not None
        File.objects.filter(pk=file.pk, found="").update(preview_after=None, has_preview=picture is not None)
    return drawn


@transaction.atomic
def _claim_preview(now: datetime) -> File | None:
    # A picture over which a worker died three times is not tried again.
    waiting = File.objects.present().filter(
        preview_after__lte=now, check_after__isnull=True, previews__lt=MOST_PREVIEWS
    )
    file = waiting.order_by("preview_after", "pk").select_for_update(skip_locked=True, no_key=True).first()
    if file is not None:
        file.preview_after = now + _wait(file.previews)
        file.previews += 1
        file.save(update_fields=["preview_after", "previews"])
    return file


def _wait(tries: int) -> timedelta:
    return min(WAIT * (1 << min(tries, 10)), LONGEST_WAIT)


def tidy(*, now: datetime) -> int:
    """
    Deletes the files of drafts that are gone, and then content that has had no row for a day: its upload was refused or
    cut off.

    :returns: how many contents were deleted.
    """
    File.objects.exclude(draft="").exclude(draft__in=ContactDraft.objects.open().values("key")).delete()
    return sum(_tidy(folder, now) for folder in storing.FOLDERS) + storing.tidy_incoming(now - YOUNG)


def _tidy(folder: str, now: datetime) -> int:
    stored = storing.keys_in(folder)
    known = set(File.objects.filter(key__in=stored).values_list("key", flat=True)) if stored else set()
    deleted = 0
    for key in sorted(stored.keys() - known):
        if max(storing.stored_at(folder, name) for name in stored[key]) <= now - YOUNG:
            storing.delete(key)
            deleted += 1
    return deleted


def without_content() -> int:
    """How many files on records have no content in the storage."""
    missing = 0
    for folder in File.objects.order_by().values_list(Left("key", 2), flat=True).distinct():
        keys = set(File.objects.filter(key__startswith=folder).values_list("key", flat=True))
        missing += len(keys - storing.keys_in(folder).keys())
    return missing
