"""The evidence of a condition: the facts for which it is true."""

from collections.abc import Callable
from dataclasses import dataclass, field

from triage.bits import View
from triage.catalogue import Catalogue
from triage.fact_fields import NO_CHILD


@dataclass
class Evidence:
    """
    The facts for which a condition is true, by the person that they are about.

    `on_child` has the facts of a child for which a `some_child` is true. `by_person` has indicators by the child's
    number, or by NO_CHILD for the family. `of_all` has the facts about the whole contact.
    """

    on_child: dict[int, list[str]] = field(default_factory=dict)
    by_person: dict[int, list[str]] = field(default_factory=dict)
    of_all: list[str] = field(default_factory=list)

    def add(self, other: "Evidence") -> None:
        for mine, theirs in ((self.on_child, other.on_child), (self.by_person, other.by_person)):
            for child, facts in theirs.items():
                mine.setdefault(child, []).extend(facts)
        self.of_all += other.of_all

    def reasons(self) -> list[tuple[int, list[str]]]:
        """The evidence as reasons: (child's number or NO_CHILD, facts), each fact once, the children in order."""
        if self.on_child:
            indicators = [fact for _, facts in sorted(self.by_person.items()) for fact in facts]
            reasons = [(child, facts + indicators + self.of_all) for child, facts in sorted(self.on_child.items())]
        elif self.by_person:
            # The children in order, then the family.
            order = sorted(self.by_person, key=lambda child: (child == NO_CHILD, child))
            reasons = [(child, self.by_person[child] + self.of_all) for child in order]
        else:
            reasons = [(NO_CHILD, self.of_all)]
        return [(child, list(dict.fromkeys(facts))) for child, facts in reasons]


FindEvidence = Callable[[View, int], Evidence]
"""Returns the facts for which a true condition is true. The number is the child's, or NO_CHILD."""


def no_evidence(view: View, child: int) -> Evidence:
    """The evidence of a condition without evidence, such as `not`."""
    return Evidence()


def indicators_by_person(catalogue: Catalogue, view: View, mask: int) -> Evidence:
    """The indicators of a mask, by the child that has them, or by the family."""
    held = {**dict(enumerate(view.children)), NO_CHILD: view.family}
    return Evidence(by_person={who: catalogue.codes(bits & mask) for who, bits in held.items() if bits & mask})
