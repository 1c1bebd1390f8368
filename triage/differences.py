"""What differs between two versions of a rule set, item by item, in the words of the page."""

from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from triage.prose import Chapter, Item, Line, chapters
from triage.rule_set_document import RuleSetDocument


class Kind(StrEnum):
    """What became of an item."""

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
        """Both texts in one: (removed, added or empty for what stays, the line), each where a reader looks for it."""
        found: list[tuple[str, Line]] = []
        for same, old_from, old_to, new_from, new_to in SequenceMatcher(a=self.before, b=self.after).get_opcodes():
            if same == "equal":
                found += [("", line) for line in self.after[new_from:new_to]]
            else:
                found += [("removed", line) for line in self.before[old_from:old_to]]
                found += [("added", line) for line in self.after[new_from:new_to]]
        return found


def differences(old: RuleSetDocument, new: RuleSetDocument) -> list[Difference]:
    """Everything that differs, chapter by chapter in the order of the page."""
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
    """The lines of an item, with its title where that is what changed."""
    title = (Line(0, f"Title: {item.title}"),) if other is not None and other.title != item.title else ()
    return (*title, *item.lines)


def _moved(chapter: str, old: Chapter, new: Chapter) -> list[Difference]:
    """The order matters: what stood after another and now stands before it, told by whom it follows."""
    stayed = {item.id for item in old.items} & {item.id for item in new.items}
    was = _followed(old, stayed)
    now = _followed(new, stayed)
    titles = {item.id: item.title for item in new.items}
    return [
        Difference(chapter, Kind.MOVED, titles[name], (_place(was[name], old),), (_place(now[name], new),))
        for name in now
        if was[name] != now[name]
    ]


def _followed(chapter: Chapter, among: set[str]) -> dict[str, str]:
    """Which item each of these stands after, by their ids: one that is only called otherwise has not moved."""
    names = [item.id for item in chapter.items if item.id in among]
    return dict(zip(names, ["", *names], strict=False))


def _place(after: str, chapter: Chapter) -> Line:
    titles = {item.id: item.title for item in chapter.items}
    return Line(0, f"It stands after “{titles[after]}”." if after else "It stands first.")
