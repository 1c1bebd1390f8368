"""
Copies the open list to a folder every quarter of an hour, for the day on which the service is down.

Each copy is a folder of its own, which gets its name when all its files are there: whoever copies it finds all or
nothing. Only the service's own user can read it. Copies older than `CONTINUITY_KEPT_HOURS` are removed; the newest
stays, however old.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from django.conf import settings
from django.db import connection, transaction

from casework.models import OpenListCopy

log = structlog.get_logger()

QUARTER = timedelta(minutes=15)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The key of the advisory lock on the copies: see `actions/duties.py` for the others.
COPIES = 7_004
NAME = re.compile(r"[0-9]{8}T[0-9]{4}Z")
UNFINISHED = "unfinished-"
# What is in the files: the name of each, its text in pieces, and the number of its records.
Files = Callable[[datetime], Iterable[tuple[str, Iterator[str], int]]]


def make(*, files: Files, now: datetime) -> bool:
    """
    Makes the copy of this quarter of an hour, unless there is one. Safe to run twice, and at the same time as itself:
    one makes it, and the others have nothing to do. One that failed is made by the next run, a minute later.

    :returns: whether this run made it.
    """
    quarter = now - (now - EPOCH) % QUARTER
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [COPIES])
            (is_ours,) = cursor.fetchone()
        if not is_ours or OpenListCopy.objects.filter(quarter__gte=quarter).exists():
            return False
        records = _write(Path(settings.CONTINUITY_FOLDER), quarter, files(now))
        OpenListCopy.objects.create(quarter=quarter, made_at=now, records=records)
    remove_old(now=now)
    return True


def remove_old(*, now: datetime) -> None:
    """Removes the copies that are older than they are kept, but the newest."""
    oldest = now - timedelta(hours=settings.CONTINUITY_KEPT_HOURS)
    newest = OpenListCopy.objects.order_by("-quarter").values_list("quarter", flat=True).first()
    if newest is not None:
        OpenListCopy.objects.filter(quarter__lt=min(oldest, newest)).delete()
    folder = Path(settings.CONTINUITY_FOLDER)
    kept = sorted(each.name for each in folder.iterdir() if NAME.fullmatch(each.name))
    for name in kept[:-1]:
        if name < _name(oldest):
            _remove(folder / name)
    for each in folder.glob(f"{UNFINISHED}*"):
        # Of a worker that was killed while it wrote.
        if datetime.fromtimestamp(each.stat().st_mtime, UTC) < now - timedelta(hours=1):
            _remove(each)


def _remove(copy: Path) -> None:
    """One that cannot be removed stops no other: it is logged, and tried again a quarter of an hour later."""
    try:
        shutil.rmtree(copy)
    except OSError:
        log.exception("copy of the open list not removed", copy=copy.name)


def _write(folder: Path, quarter: datetime, files: Iterable[tuple[str, Iterator[str], int]]) -> int:
    """Writes the files to a new folder, and then gives it its name. Returns how many records they have."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=folder))
    records = 0
    try:
        for name, pieces, number in files:
            descriptor = os.open(unfinished / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
                file.writelines(pieces)
                # It is for the day on which the power may go, too: a name without its content would be no copy.
                file.flush()
                os.fsync(descriptor)
            records += number
        finished = folder / _name(quarter)
        if finished.exists():
            # A worker that was killed before it could say that it had made this copy.
            shutil.rmtree(finished)
        unfinished.rename(finished)
    except BaseException:
        # Also when the worker is told to stop: half a copy has names of children in it.
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return records


def _name(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%MZ}"
