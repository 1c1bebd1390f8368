"""What an information document changes in a contact, in its children and in its adults, fact by fact."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

from casework.facts.contact_document import NUMBERS, SHARED_NUMBER, Path, free_ref, own_refs, place_ref
from casework.facts.learned import (
    MOST_PEOPLE,
    Change,
    InformationReading,
    Row,
    Values,
    changes_of,
    confirmed_of,
    flat,
    read_information,
    says_nothing,
    today_of,
)
from casework.models import Contact, ContactAdult, ContactChild, FactChange, Person
from errors import Fault, InvalidInput

# The number of no child: they count from 1.
NOBODY = 0

Somebody = TypeVar("Somebody", ContactChild, ContactAdult)


@dataclass
class ChangedPart:
    """What changes in a contact, a child or an adult. `path` is its place in the information document."""

    row: Row
    path: Path
    changes: list[Change]
    is_new: bool = False

    @property
    def changed(self) -> set[str]:
        return {change.field for change in self.changes if change.changes}


@dataclass
class Plan:
    """What changes in a contact. Nothing is written yet; `children` and `adults` are all, with those who are new."""

    parts: list[ChangedPart]
    children: list[ContactChild]
    adults: list[ContactAdult]

    @property
    def changes(self) -> list[Change]:
        return [change for part in self.parts for change in part.changes]

    @property
    def new_children(self) -> list[ContactChild]:
        return [part.row for part in self.parts if part.is_new and isinstance(part.row, ContactChild)]

    @property
    def new_people(self) -> list[ContactChild | ContactAdult]:
        return [part.row for part in self.parts if part.is_new and not isinstance(part.row, Contact)]

    def changed(self, row: Row) -> set[str]:
        """The places of the facts that change in this row."""
        return next((part.changed for part in self.parts if part.row is row), set())

    def changes_of(self, row: Row) -> list[Change]:
        """The changes of the facts of this row."""
        return [change for part in self.parts if part.row is row for change in part.changes]


def read_and_plan(
    contact: Contact,
    document: Any,
    history: Sequence[FactChange],
    *,
    by_staff: bool,
    indicators: Collection[str],
    on: date,
) -> tuple[InformationReading, Plan]:
    """
    Reads an information document, and works out what it changes.

    :param history: the earlier changes of the contact's facts, in order.
    :param by_staff: whether staff say it. What an agency says only adds indicators, and never lifts confidentiality.
    :param on: the local day.
    :raises InvalidInput: with every fault, of the document by itself and of what it says about this contact.
    """

    def read(said: Any) -> InformationReading:
        return read_information(said, by_staff=by_staff, indicators=indicators, today=on)

    def plan(reading: InformationReading) -> Plan:
        planner = _Planner(contact, reading, history, by_staff, indicators, on)
        if faults := [*planner.faults, *_faults(planner.plan, reading, by_staff)]:
            raise InvalidInput(faults)
        return planner.plan

    try:
        reading = read(document)
    except InvalidInput as invalid:
        faults = list(invalid.faults)
        try:
            plan(read(_without(document, {_whole(fault.path) for fault in faults})))
        except InvalidInput as others:
            # A part that is empty only because its faults were left out is not a fault.
            above = {fault.path[:length] for fault in faults for length in range(len(fault.path) + 1)}
            faults += [fault for fault in others.faults if fault.path not in above]
        raise InvalidInput(faults) from None
    return reading, plan(reading)


def _whole(path: Path) -> Path:
    """The place of a fault, or of the whole entry, if the fault is in whom the entry is about."""
    return path[:-1] if path[-1:] in (("number",), ("ref",)) else path


def _without(part: Any, places: Collection[Path], path: Path = ()) -> Any:
    """A part of a document without what stands at these places. The others keep their places in a list."""
    if isinstance(part, dict):
        return {
            name: _without(value, places, (*path, name)) for name, value in part.items() if (*path, name) not in places
        }
    if not isinstance(part, list):
        return part
    nothing: Any = {} if path in (("children",), ("adults",)) else None
    return [
        nothing if (*path, place) in places else _without(value, places, (*path, place))
        for place, value in enumerate(part)
    ]


def facts_today(contact: Contact, row: Row, history: Sequence[FactChange]) -> Values:
    """The facts of the contact, or of somebody on it, as they are known today, without those that are not known."""
    sent: Mapping[str, Any] = contact.document
    if not isinstance(row, Contact):
        sent = _entry(sent, "children" if isinstance(row, ContactChild) else "adults", row.position)
    return today_of(row, sent, [change for change in history if is_of(change, row)])


def path_of(change: FactChange, children: Sequence[ContactChild], adults: Sequence[ContactAdult]) -> Path:
    """The place of a fact in the contact's document, without the numbers of lists: `children, 0, indicators`."""
    rest = tuple(change.field.split("."))
    for group, people, pk in (("children", children, change.child_id), ("adults", adults, change.adult_id)):
        if pk is not None:
            return (group, next(person.position for person in people if person.pk == pk), *rest)
    return rest


def settled_by(path: Sequence[str | int], changes: Mapping[Path, FactChange]) -> FactChange | None:
    """
    The change that put right a detail which could not be read.

    :param path: the detail's place in the contact's document.
    :param changes: the latest change of each fact that could be read, by its `path_of`.
    """
    steps = [step for place, step in enumerate(path) if place == 1 or isinstance(step, str)]
    return changes.get(tuple(steps))


def names_of(own: Mapping[int, str | None]) -> dict[str, list[int]]:
    """
    The numbers of the children whom each ref names: a ref of the sender's own, or c1, c2 and so on by their numbers. A
    ref of its own that is also the place of a child without one names both, the child with the ref first.

    :param own: the sender's own ref of each child, by the child's number.
    """
    names: dict[str, list[int]] = {}
    for number, ref in own.items():
        if ref is not None:
            # Of two children with one ref, the first has it.
            names.setdefault(ref, [number])
    with_own_ref = {number for numbers in names.values() for number in numbers}
    for number in own:
        named = names.setdefault(place_ref(number - 1), [number])
        if number not in named and number not in with_own_ref:
            named.append(number)
    return names


def _faults(plan: Plan, reading: InformationReading, by_staff: bool) -> Iterator[Fault]:
    if by_staff and not reading.entry.why.value:
        yield Fault(("why",), "Enter how you know, and what changed")
    if by_staff and "source" not in reading.document:
        yield Fault(("source",), "Select where this comes from")
    if not by_staff:
        yield from says_nothing(reading)
    if by_staff and not plan.changes:
        yield Fault((), "Nothing differs from what is recorded. Change something, or go back.")
    if not any(_stays(child, plan) for child in plan.children):
        yield Fault(("children",), "A contact is about at least one child of the family.")


def _stays(child: ContactChild, plan: Plan) -> bool:
    """Whether the child belongs to the family after this."""
    return child.in_family is not ("in_family" in plan.changed(child) and child.pk is not None)


@dataclass
class _Planner:
    contact: Contact
    reading: InformationReading
    history: Sequence[FactChange]
    by_staff: bool
    indicators: Collection[str]
    on: date
    faults: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        children = list(self.contact.children.select_related("person", "recorded_as"))
        adults = list(self.contact.adults.select_related("recorded_as"))
        self.plan = Plan([], children, adults)
        document = self.reading.document
        self._add(self.contact, document, ())
        for place, said, entry in self._entries("children"):
            child = self._child(("children", place), said.get("ref"), entry.number, self._known("children", children))
            if child is not None:
                self._add(child, said, ("children", place))
        for place, said, entry in self._entries("adults"):
            known = self._known("adults", adults)
            adult = self._person(("adults", place), "number", entry.number, known, self._new_adult)
            if adult is not None:
                self._add(adult, said, ("adults", place))
        self._keep_numbers_apart()

    def _names(self, known: Mapping[int, ContactChild]) -> dict[str, list[int]]:
        """
        The numbers of the children that each ref names. For an agency, only children and refs that it sent itself
        count.
        """
        if self.by_staff:
            return {child.ref: [number] for number, child in known.items()}
        sent = (_entry(self.contact.document, "children", child.position) for child in known.values())
        return names_of(dict(zip(known, own_refs(sent), strict=True)))

    def _child(
        self, path: Path, ref: str | None, number: int | None, known: Mapping[int, ContactChild]
    ) -> ContactChild | None:
        """The child under this number or ref, or a new one without either; None, with a fault, if there is none."""
        if ref is None:
            return self._person(path, "number", number, known, self._new_child)
        named = self._names(known).get(ref, [])
        if number is not None and number not in named:
            self.faults.append(Fault((*path, "number"), "is not the child with this ref. Send one of the two."))
            return None
        if number is None and len(named) > 1:
            says = f"names the children {' and '.join(map(str, named))}. Send the `number` of the one whom you mean."
            self.faults.append(Fault((*path, "ref"), says))
            return None
        if number is not None:
            return self._person(path, "number", number, known, self._new_child)
        return self._person(path, "ref", named[0] if named else NOBODY, known, self._new_child)

    def _known(self, group: str, rows: Sequence[Somebody]) -> dict[int, Somebody]:
        """
        The numbers of the people whom the sender knows to be on the contact: for an agency, those it sent, then or
        since.
        """
        sent = len(self.contact.document.get(group) or ())
        known = (
            row for row in rows if self.by_staff or row.pk is None or row.position < sent or self._added_by_agency(row)
        )
        return dict(enumerate(known, start=1))

    def _added_by_agency(self, row: Row) -> bool:
        return any(
            change.field == "in_family" and change.before is None and change.information.by_agency_id is not None
            for change in self.history
            if is_of(change, row)
        )

    def _entries(self, group: str) -> Iterator[tuple[int, dict[str, Any], Any]]:
        """The place of each child or adult of the information, what was said, and how it was read."""
        said = self.reading.document.get(group) or ()
        for place, (each, entry) in enumerate(zip(said, getattr(self.reading.entry, group), strict=True)):
            # An entry whose fields are all empty does not add anybody. The sender is told about empty fields.
            if each or self.by_staff:
                yield place, each, entry

    def _person(
        self, path: Path, name: str, number: int | None, known: Mapping[int, Somebody], new: Callable[[], Somebody]
    ) -> Somebody | None:
        """
        The child or adult with this number, or a new one without a number; None, with a fault, if there is none.

        :param name: the field that says the number, or a ref for it.
        """
        fault = ""
        if number is None:
            if len(known) < MOST_PEOPLE:
                return new()
            fault = f"is one too many: a contact has room for {MOST_PEOPLE} {path[0]}. Send a new contact."
        elif number not in known:
            path, fault = (*path, name), "is on no record of this contact. Leave it out to add somebody."
        elif any(part.row is known[number] for part in self.plan.parts):
            path, fault = (*path, name), "stands twice; say it all in one place."
        if number is None or fault:
            self.faults.append(Fault(path, fault))
            return None
        return known[number]

    def _new_child(self) -> ContactChild:
        children = self.plan.children
        ref = free_ref(len(children), {child.ref for child in children})
        child = ContactChild(contact=self.contact, position=len(children), ref=ref)
        child.person = child.recorded_as = Person()
        children.append(child)
        return child

    def _new_adult(self) -> ContactAdult:
        adults = self.plan.adults
        adult = ContactAdult(contact=self.contact, position=len(adults))
        adult.person = adult.recorded_as = Person()
        adults.append(adult)
        return adult

    def _add(self, row: Row, part: Mapping[str, Any], path: Path) -> None:
        said, today = flat(part), facts_today(self.contact, row, self.history)
        changes = changes_of(row, said, today, only_adds=not self.by_staff, indicators=self.indicators, on=self.on)
        is_new = row.pk is None
        if is_new and not changes:
            self.faults.append(Fault(path, "says nothing about this person."))
        if is_new:
            changes.insert(0, Change("in_family", None, True, None, None))
        changes += confirmed_of(row, part.get("confirmed") or (), today, said)
        changes = [self._permitted(row, change, path) for change in changes]
        self.plan.parts.append(
            ChangedPart(row, path, [each for each in changes if each.changes or each.check is not None], is_new)
        )

    def _permitted(self, row: Row, change: Change, path: Path) -> Change:
        """A confidential address stays: nobody lifts that here."""
        if change.field == "address.confidential" and change.before is True:
            if self.by_staff:
                says = "stays confidential. Only a named manager can lift that, with a reason."
                self.faults.append(Fault((*path, "address", "confidential"), says))
            return change._replace(after=True)
        return change

    def _keep_numbers_apart(self) -> None:
        """
        Nobody shares an NHS number or a unique pupil number. Where two children would, the new one is asked, and
        neither child gets it; but whoever has it is asked about.
        """
        for name in NUMBERS:
            said = {id(part.row): each.after for part in self.plan.parts for each in part.changes if each.field == name}
            times = Counter(said.get(id(child), getattr(child.recorded_as, name)) for child in self.plan.children)
            for part in self.plan.parts:
                part.changes = [
                    each._replace(after=each.before, check=SHARED_NUMBER, doubted=each.after)
                    if each.field == name and each.after and times[each.after] > 1
                    else each
                    for each in part.changes
                ]


def is_of(change: FactChange, row: Row) -> bool:
    """Whether a change is of a fact of the contact, or of this child or adult."""
    if isinstance(row, Contact):
        return change.child_id is None and change.adult_id is None
    of = change.child_id if isinstance(row, ContactChild) else change.adult_id
    return of is not None and of == row.pk


def _entry(document: Mapping[str, Any], group: str, position: int) -> dict[str, Any]:
    """A person's entry in the contact's document; empty for people added later."""
    people: list[dict[str, Any]] = document.get(group) or []
    return people[position] if position < len(people) else {}
