"""The report of a run: the table, and the findings."""

from collections.abc import Iterable
from datetime import timedelta

from tests.chaos.reckoning import Count, Fault, Reckoning

COLUMNS = "{:34}{:>7}{:>10}{:>8}  {:>8}{:>10}{:>6}{:>9}  {:>9}{:>6}{:>9}  {:>7}{:>6}{:>10}{:>9}"
MOST_FINDINGS = 30


def report(found: Reckoning, faults: list[Fault], notes: Iterable[str]) -> str:
    """The report as text."""
    began = faults[0].at if faults else None
    total = found.total
    latest = found.latest_reminder.total_seconds()
    lines = [
        "",
        COLUMNS.format("", "", "answered", "wrote", "contacts", "", "", "", "decisions", "", "", "letters", "", "", ""),
        COLUMNS.format(
            "", "at", "after", "after", "sent", "answered", "lost", "doubled", "done", "lost", "doubled",
            "sent", "lost", "same key", "doubled",
        ),
        _row("before", None, None, found.counts[0]),
        *(
            _row(fault.name, fault, fault.at - began if began else None, count)
            for fault, count in zip(faults, found.counts[1:], strict=True)
        ),
        _row("total", None, None, total),
        "",
        f"Sent twice by a crash, same key: {total.letters_same_key} letters. Twice otherwise: {total.letters_doubled}.",
        f"Reminders made: {total.reminders}, lost: {total.reminders_lost}; the latest {latest:.0f} s after its moment.",
        str(found.files),
        *notes,
    ]  # fmt: skip
    if found.findings:
        lines += [f"\n{len(found.findings)} wrong:", *(f"  {finding}" for finding in found.findings[:MOST_FINDINGS])]
    else:
        lines.append("Nothing is lost, doubled or broken.")
    return "\n".join(lines)


def recovery_line(fault: Fault) -> str:
    """A line that says how long the recovery took."""
    return f"{fault.name}: answered after {_seconds(fault.answered_after)}, wrote after {_seconds(fault.wrote_after)}"


def _row(name: str, fault: Fault | None, at: timedelta | None, count: Count) -> str:
    return COLUMNS.format(
        name,
        f"{at.total_seconds():.0f} s" if at is not None else "",
        _seconds(fault.answered_after) if fault else "",
        _seconds(fault.wrote_after) if fault else "",
        count.sent, count.answered, count.lost, count.doubled,
        count.decisions, count.decisions_lost, count.decisions_doubled,
        count.letters, count.letters_lost, count.letters_same_key, count.letters_doubled,
    )  # fmt: skip


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"
