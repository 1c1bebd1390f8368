"""A draft that somebody has open: how far each task is, what is missing, and what the rules would say so far."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.urls import reverse
from django.utils.dateparse import parse_datetime

from casework.actions.receiving import recommended_so_far
from casework.models import ContactChild, ContactDraft, Recommendation
from casework.web.draft_form import TASKS, ContactForm, Problem, Section
from casework.web.rendering import time_in_words
from errors import InvalidInput
from triage.published_rules import Rules, live
from triage.ruleset import Hold, Rag

NOT_STARTED, IN_PROGRESS, DONE = "Not started", "In progress", "Done"
# Facts that nobody types in here: staff say them later, or our records do.
NOT_ASKED = frozenset({
    "screened", "sibling_on_cp_plan", "previous_cp_plan", "previously_looked_after",
    "early_help_closed_without_progress_12_months", "closed_days_ago", "open_work",
})  # fmt: skip
# Where the document's own sentence is for those who read it later, not for whoever still types.
ENTER = {
    "referrer.email": "Enter an email address in the correct format, like name@example.com",
    "parents_told.reason": "Enter why the parents were not told",
}


class Line(NamedTuple):
    """What somebody may still enter or correct, and where."""

    address: str
    says: str


class SoFar(NamedTuple):
    """
    `recommendation` is None where the rules can say nothing yet. `children` are as `naming` takes them. `unknown` are
    the facts of which nobody has said anything, and that would matter. `is_unsafe_to_ask` as of a contact.
    """

    recommendation: Recommendation | None
    children: list[tuple[ContactChild, None]]
    unknown: list[dict[str, str]]
    needed: list[Line]
    to_check: list[Line]
    is_unsafe_to_ask: bool


class TaskLine(NamedTuple):
    """A line of the task list."""

    section: Section
    address: str
    status: str
    saved_at: str


class OpenDraft:
    """
    A draft that somebody has open, with its whole form.

    :param draft: None where nothing was saved yet.
    :param typed: what is shown where that is not what the draft holds.
    """

    def __init__(
        self, key: str, draft: ContactDraft | None, now: datetime, typed: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        rules = live(now)
        self.key, self.draft = key, draft
        self.form = ContactForm(rules.rule_set, typed if typed is not None else draft.typed if draft else {})
        self.problems = self.form.problems(now)
        self.so_far = _so_far(self.form, self.problems, rules, key, now)

    def version_of(self, section: Section | None) -> int:
        """How often the page was saved; for all pages together, the draft."""
        if section is not None:
            return int(self._saved(section).get("version", 0))
        return self.draft.version if self.draft else 0

    def saved_at(self, section: Section) -> str:
        """When the page was saved last; empty if it never was."""
        at = parse_datetime(self._saved(section).get("saved_at", ""))
        if at is None:
            return ""
        return time_in_words(at)

    def lines(self) -> list[TaskLine]:
        return [
            TaskLine(section, address_of_task(self.key, section), self._status(section), self.saved_at(section))
            for section in TASKS
        ]

    def _status(self, section: Section) -> str:
        saved = self._saved(section)
        if saved.get("is_done") and not any(problem.section == section for problem in self.problems):
            return DONE
        return IN_PROGRESS if saved or self.form.is_begun(section) else NOT_STARTED

    def _saved(self, section: Section) -> dict[str, Any]:
        found: dict[str, Any] = self.draft.tasks.get(section.slug, {}) if self.draft else {}
        return found


def address_of_task(key: str, section: Section) -> str:
    return reverse("contact-task", args=[key, section.slug])


def address_of_problem(key: str, problem: Problem) -> str:
    """The field of a problem, on its page, which shows its faults then."""
    return f"{address_of_task(key, problem.section)}?check#{problem.field}"


def _so_far(form: ContactForm, problems: list[Problem], rules: Rules, key: str, now: datetime) -> SoFar:
    """
    What the rules would say of what is typed so far.

    :param form: whose problems are these.
    """
    needed = [Line(address_of_problem(key, problem), problem.says) for problem in problems]
    try:
        recommendation, children, details = recommended_so_far(document=form.document(), rules=rules, now=now)
    except InvalidInput:
        # Each fault is among what is needed.
        return SoFar(None, [], [], needed, [], form.is_unsafe_to_ask)
    to_check = []
    for detail in details:
        if (found := form.field_at(detail.path)) is not None:
            section, field, label = found
            says = ENTER.get(detail.field, f"{label}: it {detail.check.says}")
            to_check.append(Line(f"{address_of_task(key, section)}#{field}", says))
    # Without an indicator the rules say level 1 until somebody has screened it: nobody is to take that for an answer.
    says_nothing = recommendation.hold == Hold.SCREENING and recommendation.rag != Rag.RED
    unknown = [fact for fact in recommendation.result["missing"] if fact["fact"].rpartition(".")[2] not in NOT_ASKED]
    named = [(child, None) for child in children]
    return SoFar(None if says_nothing else recommendation, named, unknown, needed, to_check, form.is_unsafe_to_ask)
