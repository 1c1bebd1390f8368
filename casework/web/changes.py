"""What pages show of the facts that were learned after a contact came: each change in words, with who said it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from django import forms
from django.utils.dateformat import format as format_date

from casework.facts.information import path_of, settled_by
from casework.facts.learned import OF_ADULT, OF_CHILD, OF_CONTACT
from casework.models import CheckKind, Contact, ContactAdult, ContactChild, FactChange, Information, InformationKind
from casework.web.contact_form import Indicators, Part, Path, TypedDateField, in_words
from casework.web.correction_form import AdultFacts, ChildFacts, ContactFacts, hidden_facts
from triage.published_rules import of_version

NOT_KNOWN = "not known"
CONFIDENTIAL = "confidential"
# What somebody selected while they screened: it is not what was sent, and stands on the contact by itself.
SCREENED = {
    "screened_indicators": "Selected at screening",
    "screened_family_indicators": "Selected at screening, for the family as a whole",
}
ASKED = (CheckKind.CORRECTED, CheckKind.ASKED)
HEADS: Mapping[str, type[Part]] = {"children": ChildFacts, "adults": AdultFacts}


class ShownChange(NamedTuple):
    """
    A change in words. `whose` is empty for the contact itself; `before` and `after` are what was known then and since.

    `said` is what was typed where it could not be read, and `says` is then a sentence on it.
    """

    whose: str
    label: str
    before: str
    after: str
    said: str
    says: str
    information: Information


class Changes:
    """
    The changes of a contact's facts, the oldest first.

    :param information: everything that was learned of the contact, with `changes`.
    :param adults: see `ADULTS`.
    """

    def __init__(
        self,
        contact: Contact,
        information: Iterable[Information],
        children: Sequence[ContactChild],
        adults: Sequence[ContactAdult],
    ) -> None:
        self._children, self._adults, self._information = children, adults, list(information)
        rules = of_version(contact.recommendation.rule_set_id).rule_set if contact.recommendation else None
        self._indicators = {code: entry.says for code, entry in rules.catalogue.entries.items()} if rules else {}
        self.of_facts: list[tuple[Path, FactChange, Information]] = [
            (path_of(change, children, adults), change, each)
            for each in self._information
            for change in each.changes.all()
        ]

    @property
    def latest_read(self) -> dict[Path, FactChange]:
        """The latest change of each fact that could be read, by its place in the contact's document."""
        return {path: change for path, change, _ in self.of_facts if change.kind != CheckKind.NOT_READ}

    def shown(self, which: Iterable[tuple[Path, FactChange, Information]] | None = None) -> list[ShownChange]:
        """Every change in words; `which` picks some."""
        return [self._shown(*each) for each in (self.of_facts if which is None else which)]

    def history(self, child: ContactChild | None = None) -> list[ShownChange]:
        """
        Every change in words, the newest first, and a line for what was recorded without changing a fact.

        :param child: only the changes of this child's facts.
        """
        rows: list[ShownChange] = []
        for information in reversed(self._information):
            changes = [each for each in self.of_facts if each[2] == information]
            if child is not None:
                changes = [each for each in changes if each[1].child_id == child.pk]
            elif not changes:
                rows.append(_without_a_fact(information))
            rows += self.shown(changes)
        return rows

    def since_it_was_sent(self) -> list[ShownChange]:
        """For each fact that is not as it was sent: what it was then, what it is today, and who said so last."""
        first: dict[Path, FactChange] = {}
        last: dict[Path, tuple[Path, FactChange, Information]] = {}
        for path, change, information in self.of_facts:
            if change.changed and path[-1] not in SCREENED:
                first.setdefault(path, change)
                last[path] = (path, change, information)
        return [
            self._shown(*each, before=first[path].before)
            for path, each in last.items()
            if first[path].before != each[1].after
        ]

    def unread(self) -> list[ShownChange]:
        """What was said last of a fact and could not be read, or was read with a correction."""
        last = {path: (path, change, information) for path, change, information in self.of_facts}
        return self.shown(each for each in last.values() if each[1].kind not in ("", CheckKind.CONFIRMED))

    def to_confirm(self, contact: Contact, row: Contact | ContactChild | ContactAdult) -> dict[str, str]:
        """
        The facts of a part that were read with a correction, or raise a question, and that nobody has settled: by
        their places, with a sentence on each.
        """
        settled, found = self.latest_read, {}
        for detail in contact.details_to_check.exclude(kind=CheckKind.NOT_READ):
            if settled_by(detail.path, settled) is None:
                found[_steps(detail.path)] = detail.says
        last = {path: change for path, change, _ in self.of_facts}
        found |= {path: change.says for path, change in last.items() if change.kind in ASKED}
        above: Path = ()
        if isinstance(row, (ContactChild, ContactAdult)):
            above = ("children" if isinstance(row, ContactChild) else "adults", row.position)
        return {
            ".".join(map(str, path[len(above) :])): says
            for path, says in found.items()
            if path[: len(above)] == above and (above or path[0] not in HEADS)
        }

    def overlay(self, given: dict[str, Any]) -> None:
        """Writes the facts that have no column into the document as pages show it, also of those added later."""
        for group, people in (("children", self._children), ("adults", self._adults)):
            entries = given.setdefault(group, [])
            entries += [{} for _ in range(len(people) - len(entries))]
        for path, change, _ in self.of_facts:
            if not change.changed or _has_column(path):
                continue
            at: Any = given
            for step in path[:-1]:
                if not isinstance(step, int) and at.get(step) is None:
                    at[step] = {}
                at = at[step]
            at[path[-1]] = change.after

    def _shown(self, path: Path, change: FactChange, information: Information, **said: Any) -> ShownChange:
        head, field = self._head(path), ".".join(str(step) for step in path if isinstance(step, str))
        place = field.split(".", 1)[1] if path[0] in HEADS else field
        hidden = self._is_hidden(change, place)

        def words(value: Any) -> str:
            return CONFIDENTIAL if hidden and value is not None else self._words(head, place, value)

        before = words(said.get("before", change.before))
        after = words(change.after)
        if place == "in_family":
            before, after = ("", "added") if change.after is True else (before, after)
        if change.kind == CheckKind.CONFIRMED:
            after = f"{after}, {change.get_kind_display().lower()}"
        is_asked = change.kind not in ("", CheckKind.CONFIRMED)
        typed = "" if not is_asked else CONFIDENTIAL if hidden else str(change.said)[:200]
        says = f"{change.get_kind_display().lower()}: it {change.says}" if is_asked else ""
        return ShownChange(self._whose(change), _label(head, place), before, after, typed, says, information)

    def _head(self, path: Path) -> type[Part]:
        return HEADS.get(str(path[0]), ContactFacts)

    def _is_hidden(self, change: FactChange, place: str) -> bool:
        child = next((child for child in self._children if child.pk == change.child_id), None)
        adult = next((adult for adult in self._adults if adult.pk == change.adult_id), None)
        row = child or adult
        return row is not None and place.split(".")[0] in hidden_facts(row)

    def _whose(self, change: FactChange) -> str:
        for child in self._children:
            if child.pk == change.child_id:
                return child.full_name or f"Child {child.position + 1}"
        return next((adult.called for adult in self._adults if adult.pk == change.adult_id), "")

    def _words(self, head: type[Part], place: str, value: Any) -> str:
        name = next((name for name, path in head.PATHS.items() if path == place), "")
        field = head.base_fields.get(name)
        if name == "in_family":
            return "no" if value is False else "yes"
        if value is None or value == []:
            return "none" if place in SCREENED else "not answered" if place == "agreement.service" else NOT_KNOWN
        if isinstance(value, bool):
            says = in_words(field, "yes" if value else "no")
            return f"{says[:1].lower()}{says[1:]}"
        if isinstance(field, Indicators) or place in SCREENED:
            return "; ".join(self._indicators.get(code, code) for code in value)
        if isinstance(value, list):
            return ", ".join(map(str, value))
        if isinstance(field, TypedDateField):
            return format_date(date.fromisoformat(value), "j F Y")
        if isinstance(field, forms.ChoiceField):
            return str(dict(field.choices).get(str(value), value)) if not callable(field.choices) else str(value)
        return str(value)


def _steps(path: Sequence[str | int]) -> Path:
    """The place of a fact without the numbers of lists."""
    return tuple(step for place, step in enumerate(path) if place == 1 or isinstance(step, str))


def _without_a_fact(information: Information) -> ShownChange:
    if information.kind == InformationKind.FACTS:
        return ShownChange("", "In words", "", "", "", "", information)
    found_none = information.kind == InformationKind.SCREENING and not any(
        information.document.get("children", {}).values()
    )
    after = "no indicator applies" if found_none and not information.document.get("family") else "as before"
    return ShownChange("", information.get_kind_display(), "", after, "", "", information)


def _label(head: type[Part], place: str) -> str:
    if place in SCREENED:
        return SCREENED[place]
    name = next((name for name, path in head.PATHS.items() if path == place), "")
    return str(head.base_fields[name].label) if name else place.replace("_", " ")


def _has_column(path: Path) -> bool:
    columns = {"children": OF_CHILD, "adults": OF_ADULT}.get(str(path[0]), OF_CONTACT)
    steps = path[2:] if path[0] in HEADS else path
    return ".".join(map(str, steps)) in columns
