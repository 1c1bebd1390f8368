"""Each file that was answered, beside its row, its content in the storage, and what the virus scanner said."""

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests.chaos.ledger import SentFile

PREVIEW = "-preview"


@dataclass
class FileCount:
    """
    :param unchecked: how many still wait to be checked or to be drawn smaller, or were checked wrongly.
    :param without_row: how many contents had no row before the clean-up.
    :param left: how many have none after it.
    """

    sent: int = 0
    answered: int = 0
    lost: int = 0
    doubled: int = 0
    unchecked: int = 0
    without_row: int = 0
    left: int = 0

    @property
    def is_broken(self) -> bool:
        return bool(self.lost + self.doubled + self.unchecked + self.left)

    def __str__(self) -> str:
        return (
            f"Files sent: {self.sent}, answered: {self.answered}, lost: {self.lost}, doubled: {self.doubled}, not "
            f"checked: {self.unchecked}; content without a row: {self.without_row}, after the clean-up: {self.left}."
        )


def keys_stored(content: Path) -> set[str]:
    """The keys of all content in the storage, and halves of uploads by their names."""
    return {each.name.removesuffix(PREVIEW) for each in content.rglob("*") if each.is_file()}


def without_row(database: str, content: Path) -> int:
    """How many contents, and halves of uploads, no row knows."""
    with psycopg.connect(database) as connection:
        known = {key for (key,) in connection.execute("SELECT key FROM casework_file").fetchall()}
    return len(keys_stored(content) - known)


def reckon_files(database: str, content: Path, sent: list[SentFile]) -> tuple[FileCount, list[str]]:
    """
    The count, but for `without_row`, and a sentence for each thing that is wrong. The clean-up is done by now.
    """
    count, findings = FileCount(sent=len(sent), left=without_row(database, content)), []
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with psycopg.connect(database, row_factory=dict_row) as connection:
        for row in connection.execute("SELECT * FROM casework_file"):
            if not _is_whole(content, row):
                count.lost += 1
                findings.append(f"file {row['key']} does not have the content that came")
            if row["idempotency_key"] is not None:
                rows[row["idempotency_key"]].append(row)
    if count.left:
        findings.append(f"{count.left} contents have no row after the clean-up")
    for file in sent:
        found = rows.pop(file.key, [])
        count.answered += bool(file.ids)
        if len(found) > 1 or len(file.ids) > 1:
            count.doubled += 1
            findings.append(f"a file on {file.contact} is there {len(found)} times, and was answered {file.ids}")
        elif not file.ids:
            findings.append(f"a file on {file.contact} was never answered, {file.tries} times asked")
        elif not found or {found[0]["key"]} != file.ids or found[0]["sha256"] != file.sha256:
            count.lost += 1
            findings.append(f"file {min(file.ids)} was answered, and in its place there is {found}")
        elif not _is_checked(content, found[0], file):
            count.unchecked += 1
            findings.append(f"file {found[0]['key']} waits, or was checked wrongly: {found[0]}")
    for key in rows:
        count.doubled += 1
        findings.append(f"nobody sent the file with {key}")
    return count, findings


def _is_whole(content: Path, row: dict[str, Any]) -> bool:
    stored = content / row["key"][:2] / row["key"]
    return stored.is_file() and bool(hashlib.sha256(stored.read_bytes()).hexdigest() == row["sha256"])


def _is_checked(content: Path, row: dict[str, Any], file: SentFile) -> bool:
    has_preview = (content / row["key"][:2] / (row["key"] + PREVIEW)).is_file()
    if row["checked_at"] is None or row["check_after"] is not None:
        return False
    says = (bool(row["found"]), bool(row["has_preview"]), has_preview)
    return says == (file.is_virus, file.is_picture, file.is_picture)
