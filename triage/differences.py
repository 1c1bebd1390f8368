"""The differences between two versions of a rule set, item by item, in the words of the rules' page."""

from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from triage.prose import Chapter, Item, Line, chapters
from triage.rule_set_document import RuleSetDocument


class Kind(StrEnum):
    """The kinds of difference."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MOVED = "moved"


@dataclass(frozen=True)
class Difference:
    """One item that differs. `before` is empty for what was added, `after` for what was removed."""

    chapter: str
    kind: Kind
    title: str
    before: tuple[Line, ...]
    after: tuple[Line, ...]

    @property
    def lines(self) -> list[tuple[str, Line]]:
        """Both texts merged: each line with "removed", "added", or "" if it is in both."""
        merged: list[tuple[str, Line]] = []
        for tag, old_from, old_to, new_from, new_to in SequenceMatcher(a=self.before, b=self.after).get_opcodes():
            if tag == "equal":
                merged += [("", line) for line in self.after[new_from:new_to]]
            else:
                merged += [("removed", line) for line in self.before[old_from:old_to]]
                merged += [("added", line) for line in self.after[new_from:new_to]]
        return merged


def differences(old: RuleSetDocument, new: RuleSetDocument) -> list[Difference]:
    """All differences, chapter by chapter in the order of the page."""
    return [
        difference
        for before, after in zip(chapters(old), chapters(new), strict=True)
        for difference in _of_chapter(before, after)
    ]


def _of_chapter(old: Chapter, new: Chapter) -> list[Difference]:
    before = {item.id: item for item in old.items}
    after = {item.id: item for item in new.items}
    found = []
    for item in new.items:
        earlier = before.get(item.id)
        if earlier is None:
            found.append(Difference(new.title, Kind.ADDED, item.title, (), _lines(item)))
        elif (earlier.title, earlier.lines) != (item.title, item.lines):
            found.append(Difference(new.title, Kind.CHANGED, item.title, _lines(earlier, item), _lines(item, earlier)))
    found += [
        Difference(old.title, Kind.REMOVED, item.title, _lines(item), ()) for item in old.items if item.id not in after
    ]
    if new.ordered:
        found += _moved(new.title, old, new)
    return found


def _lines(item: Item, other: Item | None = None) -> tuple[Line, ...]:
    """The lines of an item, after its title if the title changed."""
    title = (Line(0, f"Title: {item.title}"),) if other is not None and other.title != item.title else ()
    return (*title, *item.lines)


def _moved(chapter: str, old: Chapter, new: Chapter) -> list[Difference]:
    """The items that follow another item than before. In an ordered chapter the order has a meaning."""
    kept = {item.id for item in old.items} & {item.id for item in new.items}
    before = _predecessors(old, kept)
    after = _predecessors(new, kept)
    titles = {item.id: item.title for item in new.items}
    return [
        Difference(chapter, Kind.MOVED, titles[name], (_place(before[name], old),), (_place(after[name], new),))
        for name in after
        if before[name] != after[name]
    ]


def _predecessors(chapter: Chapter, among: set[str]) -> dict[str, str]:
    """The item before each of these, by id ("" for the first): an item that only has a new title has not moved."""
    names = [item.id for item in chapter.items if item.id in among]
    return dict(zip(names, ["", *names], strict=False))


def _place(after: str, chapter: Chapter) -> Line:
    titles = {item.id: item.title for item in chapter.items}
    return Line(0, f"It stands after “{titles[after]}”." if after else "It stands first.")
