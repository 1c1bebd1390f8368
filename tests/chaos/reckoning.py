"""
The final comparison: every answer that people and systems outside got, beside the database and the mail server.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, LiteralString

import psycopg
from psycopg.rows import dict_row

from tests.chaos.files import FileCount
from tests.chaos.ledger import Ledger
from tests.chaos.letters import Letter

# On a busy machine, this much time may pass between the mail server's answer and the mark in the database.
SEND_TO_MARK = timedelta(seconds=10)
STEPS = (("warning", "warn_at"), ("breach", "due_at"), ("escalation", "escalate_at"))


# The message whose letter carries a message: itself, or the one in `carried_by`.
CARRIER: LiteralString = "COALESCE(message.carried_by_id, message.id)"


@dataclass
class Fault:
    """
    A fault that was injected.

    :param down_at: when the killed process was gone.
    :param over_at: when it was started again.
    :param senders: how many processes may have died between sending and marking: each may send a letter twice.
    """

    name: str
    at: datetime
    down_at: datetime
    over_at: datetime
    senders: int = 0
    answered_after: float | None = None
    wrote_after: float | None = None


@dataclass
class Count:
    """The counts for the time from one fault to the next."""

    sent: int = 0
    answered: int = 0
    lost: int = 0
    doubled: int = 0
    decisions: int = 0
    decisions_lost: int = 0
    decisions_doubled: int = 0
    reminders: int = 0
    reminders_lost: int = 0
    letters: int = 0
    letters_lost: int = 0
    letters_same_key: int = 0
    letters_doubled: int = 0

    @property
    def is_broken(self) -> bool:
        return bool(
            self.lost + self.doubled + self.decisions_lost + self.decisions_doubled + self.reminders_lost
            + self.letters_lost + self.letters_doubled
        )  # fmt: skip


@dataclass
class Reckoning:
    """The counts for the start and for each fault, in order, and a sentence for each thing that is wrong."""

    counts: list[Count]
    findings: list[str] = field(default_factory=list)
    latest_reminder: timedelta = timedelta()
    files: FileCount = field(default_factory=FileCount)

    @property
    def is_broken(self) -> bool:
        return self.total.is_broken or self.files.is_broken

    @property
    def total(self) -> Count:
        names = vars(Count())
        return Count(**{name: sum(getattr(count, name) for count in self.counts) for name in names})


def key_on_letter(idempotency_key: str) -> str:
    """The Idempotency-Key header of a message's letter."""
    return hashlib.sha256(idempotency_key.encode()).hexdigest()[:32]


def reckon(database: str, ledger: Ledger, letters: Iterable[Letter], faults: list[Fault]) -> Reckoning:
    """Counts everything. No work may be unfinished."""
    found = Reckoning([Count() for _ in range(len(faults) + 1)])
    with psycopg.connect(database, row_factory=dict_row) as connection:
        accounts = _Accounts(connection, found, faults)
        accounts.contacts(ledger)
        accounts.parts_of_contacts()
        accounts.decisions(ledger)
        accounts.reminders()
        accounts.letters(list(letters))
    found.findings += ledger.unexpected_answers
    return found


def unfinished(database: str) -> tuple[int, int, int]:
    """
    The number of waiting messages, of clocks due in ten minutes (clocks that nobody moved are due later), and of files
    that wait to be checked or drawn smaller.
    """
    with psycopg.connect(database, row_factory=dict_row) as connection:
        (row,) = connection.execute(
            f"""SELECT (SELECT count(*) FROM casework_outboxmessage message
                        JOIN casework_outboxmessage carrier ON carrier.id = {CARRIER}
                        WHERE carrier.sent_at IS NULL AND carrier.parked_at IS NULL) AS messages,
                       (SELECT count(*) FROM casework_clock
                        WHERE stopped_at IS NULL AND next_at < now() + interval '10 minutes') AS clocks,
                       (SELECT count(*) FROM casework_file WHERE check_after IS NOT NULL
                        OR preview_after IS NOT NULL AND previews < 3) AS files"""
        ).fetchall()
    return row["messages"], row["clocks"], row["files"]


class _Accounts:
    def __init__(self, connection: psycopg.Connection[dict[str, Any]], found: Reckoning, faults: list[Fault]) -> None:
        self._connection = connection
        self._found = found
        self._faults = faults

    def contacts(self, ledger: Ledger) -> None:
        """Each answered contact is there once, under its key, with the reference of the answer; and no other is."""
        by_mark: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in self._rows(
            """SELECT contact.reference, contact.idempotency_key AS key, agency.code AS agency,
                      contact.document->>'agency_reference' AS mark
               FROM casework_contact contact JOIN localities_agency agency ON agency.id = contact.agency_id"""
        ):
            by_mark[row["mark"]].append(row)
        for contact in ledger.contacts:
            count = self._count_at(contact.first_sent_at)
            rows = by_mark.pop(contact.mark, [])
            references = sorted(contact.references)
            count.sent += 1
            count.answered += bool(references)
            if len(rows) > 1 or len(references) > 1:
                count.doubled += 1
                self._say(f"a contact of {contact.agency} is there {len(rows)} times, and was answered {references}")
            elif references and not rows:
                count.lost += 1
                self._say(f"{references[0]} was answered and is not there")
            elif references and (rows[0]["agency"], rows[0]["key"], rows[0]["reference"]) != (
                contact.agency, contact.key, references[0]
            ):  # fmt: skip
                count.lost += 1
                self._say(f"{references[0]} was answered, and in its place there is {rows[0]}")
            elif not references:
                self._say(f"a contact of {contact.agency} was never answered, {contact.tries} times asked")
        for rows in by_mark.values():
            for row in rows:
                self._count_at(None).doubled += 1
                self._say(f"nobody sent {row['reference']}")

    def parts_of_contacts(self) -> None:
        """A contact never comes without its recommendation, its clocks, its team and its acknowledgement."""
        for row in self._rows(
            """SELECT contact.reference, contact.received_at FROM casework_contact contact WHERE contact.team_id IS NULL
                   OR NOT EXISTS (SELECT FROM casework_recommendation WHERE id = contact.recommendation_id
                                  AND contact_id = contact.id)
                   OR (SELECT count(*) FROM casework_clock WHERE contact_id = contact.id
                       AND kind IN ('next_step_decision', 'acknowledge_referrer')) <> 2
                   OR NOT EXISTS (SELECT FROM casework_clock WHERE contact_id = contact.id
                                  AND kind LIKE 'final\\_decision\\_%')
                   OR (SELECT count(*) FROM casework_outboxmessage WHERE contact_id = contact.id
                       AND kind = 'acknowledgement') <> 1"""
        ):
            self._count_at(row["received_at"]).lost += 1
            self._say(f"{row['reference']} lacks a team, a recommendation, a clock or its acknowledgement")

    def decisions(self, ledger: Ledger) -> None:
        """Each decision that somebody saw is there once, with its case; each accepted case is with its team."""
        there = {
            row["reference"]: row
            for row in self._rows(
                """SELECT contact.reference, contact.status, "case".reference AS case, "case".opened_by_decision_id,
                          contact.decision_in_effect_id,
                          (SELECT count(*) FROM casework_decision WHERE contact_id = contact.id) AS decisions,
                          (SELECT count(*) FROM casework_outboxmessage WHERE contact_id = contact.id
                           AND kind = 'feedback') AS feedback,
                          (SELECT count(*) FROM casework_handoff WHERE case_id = "case".id) AS handoffs
                   FROM casework_contact contact LEFT JOIN casework_case "case" ON "case".id = contact.case_id"""
            )
        }
        for done in ledger.decisions:
            count = self._count_at(done.at)
            count.decisions += 1
            row = there.get(done.contact)
            if row is None or not row["decisions"] or row["case"] != done.case:
                count.decisions_lost += 1
                self._say(f"the decision on {done.contact}, with {done.case or 'no case'}, was seen; there is {row}")
            elif row["decision_in_effect_id"] is None or row["feedback"] != 1 or (done.case and not row["handoffs"]):
                count.decisions_lost += 1
                self._say(f"the decision on {done.contact} is only half there: {row}")
        for row in there.values():
            if row["decisions"] > 1 or row["handoffs"] > 1:
                self._count_at(None).decisions_doubled += 1
                self._say(f"{row['reference']} was decided on {row['decisions']} times, handed over {row['handoffs']}")
        responsible = {
            (row["case"], row["team"])
            for row in self._rows(
                """SELECT "case".reference AS case, team.code AS team FROM casework_responsibility responsibility
                   JOIN casework_case "case" ON "case".id = responsibility.case_id
                   JOIN localities_team team ON team.id = responsibility.team_id
                   JOIN casework_handoff handoff ON handoff.id = responsibility.handoff_id
                   WHERE upper_inf(responsibility.period) AND handoff.status = 'accepted'"""
            )
        }
        for done in ledger.acceptances:
            count = self._count_at(done.at)
            count.decisions += 1
            if (done.case, done.team) not in responsible:
                count.decisions_lost += 1
                self._say(f"{done.team} took {done.case} on, and does not have it")

    def reminders(self) -> None:
        """Every running clock has reminded once of each of its past steps, with a message."""
        made: Counter[tuple[int, str]] = Counter()
        for row in self._rows(
            """SELECT reminder.clock_id, reminder.step, reminder.created_at, clock.warn_at, clock.due_at,
                      clock.escalate_at,
                      (SELECT count(*) FROM casework_outboxmessage WHERE reminder_id = reminder.id) AS messages
               FROM casework_reminder reminder JOIN casework_clock clock ON clock.id = reminder.clock_id"""
        ):
            made[row["clock_id"], row["step"]] += 1
            due_at = row[dict(STEPS)[row["step"]]]
            count = self._count_at(due_at)
            count.reminders += 1
            self._found.latest_reminder = max(self._found.latest_reminder, row["created_at"] - due_at)
            if not row["messages"]:
                count.reminders_lost += 1
                self._say(f"nobody is written to about the {row['step']} of clock {row['clock_id']}")
        for (clock, step), times in made.items():
            if times > 1:
                self._count_at(None).reminders_lost += 1
                self._say(f"clock {clock} told of its {step} {times} times")
        for row in self._rows(
            "SELECT id, kind, warn_at, due_at, escalate_at, now() AS now FROM casework_clock WHERE stopped_at IS NULL"
        ):
            for step, moment in STEPS:
                if row[moment] <= row["now"] and not made[row["id"], step]:
                    self._count_at(row[moment]).reminders_lost += 1
                    self._say(f"nobody was told of the {step} of {row['kind']}, clock {row['id']}")

    def letters(self, letters: list[Letter]) -> None:
        """
        Every message that is marked as sent came out, and every letter belongs to a message. A letter comes twice only
        if a fault killed its sender between sending and marking, and then it is the same letter.
        """
        rows = self._rows(
            f"""SELECT id, kind, idempotency_key, created_at, sent_at, parked_at,
                       {CARRIER} AS carrier FROM casework_outboxmessage message"""
        )
        messages = {row["id"]: row for row in rows}
        of_key = {key_on_letter(row["idempotency_key"]): row for row in messages.values()}
        copies: dict[str, list[Letter]] = defaultdict(list)
        for letter in letters:
            copies[letter.key].append(letter)
        left = {id(fault): fault.senders for fault in self._faults}
        for key, same in copies.items():
            row = of_key.get(key)
            if row is None or row["carrier"] != row["id"]:
                self._count_at(same[0].at).letters_doubled += 1
                self._say(f"a letter came out that is no message of its own: {same[0].subject}")
                continue
            self._count_copies(sorted(same, key=lambda letter: letter.at), left)
        for row in messages.values():
            carrier = messages[row["carrier"]]
            count = self._count_at(row["created_at"])
            count.letters += row is carrier
            if carrier["sent_at"] is None or row["parked_at"] is not None:
                count.letters_lost += 1
                self._say(f"message {row['id']}, {row['kind']}, was never sent")
            elif key_on_letter(carrier["idempotency_key"]) not in copies:
                count.letters_lost += 1
                self._say(f"message {row['id']}, {row['kind']}, is marked as sent and never came out")

    def _count_copies(self, same: list[Letter], left: dict[int, int]) -> None:
        for letter, again in pairwise(same):
            why = next(
                (
                    fault
                    for fault in reversed(self._faults)
                    if left[id(fault)] and fault.at - SEND_TO_MARK <= letter.at <= fault.over_at + SEND_TO_MARK
                ),
                None,
            )
            if why is None or again.message_id != letter.message_id or again.to != letter.to:
                self._count_at(letter.at).letters_doubled += 1
                self._say(f"a letter came twice, at {letter.at:%H:%M:%S} and {again.at:%H:%M:%S}: {letter.subject}")
            else:
                left[id(why)] -= 1
                self._count_at(why.at).letters_same_key += 1

    def _count_at(self, at: datetime | None) -> Count:
        """The count for the fault before this moment. Without a moment, the last count."""
        if at is None:
            return self._found.counts[-1]
        return self._found.counts[sum(fault.at <= at for fault in self._faults)]

    def _say(self, finding: str) -> None:
        self._found.findings.append(finding)

    def _rows(self, sql: str) -> list[dict[str, Any]]:
        return self._connection.execute(sql).fetchall()
