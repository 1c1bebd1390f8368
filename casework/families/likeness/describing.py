"""What is known about a person, read so that it can be compared. What cannot be read is not known."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import chain
from typing import NamedTuple

from casework.families.likeness.births import Birth, read_birth
from casework.families.likeness.homes import Home, read_home
from casework.families.likeness.identifiers import Number, read_nhs_number, read_telephones, read_upn
from casework.families.likeness.names import Name, fold, read_name, read_surname

SEXES = {
    **dict.fromkeys(("m", "male", "boy", "man", "1"), "M"),
    **dict.fromkeys(("f", "female", "girl", "woman", "2"), "F"),
}


class Written(NamedTuple):
    """A person as somebody wrote it down: texts, each of which may be empty or nonsense."""

    first_name: str = ""
    last_name: str = ""
    other_names: str = ""
    date_of_birth: str = ""
    sex: str = ""
    nhs_number: str = ""
    upn: str = ""
    address: str = ""
    postcode: str = ""
    phone: str = ""


COLUMNS = Written._fields
READS_NUMBER: dict[str, Callable[[str], Number | None]] = {"nhs_number": read_nhs_number, "upn": read_upn}


class Recorded(NamedTuple):
    """
    A number that staff recorded of somebody, or that two children on one contact were given.

    `field`: `nhs_number`, `upn` or `telephone`. `says`: when, and how sure it is, in words. `is_doubted`: it may be
    somebody else's.
    """

    field: str
    text: str
    says: str
    is_doubted: bool

    @property
    def numbers(self) -> frozenset[str]:
        """The number as it is compared. A telephone may be several."""
        if self.field not in READS_NUMBER:
            return read_telephones(self.text)
        number = READS_NUMBER[self.field](self.text)
        return frozenset([number.text] if number else ())


@dataclass(frozen=True)
class Described:
    """
    A person as it is compared. None and "" say that nobody knows it. Each text is read when it is first needed.

    `other_homes` are further addresses, each with its postcode. `mother` is a baby's: her first name and her birth.
    `recorded` are further numbers.
    """

    written: Written
    other_homes: tuple[tuple[str, str], ...] = ()
    mother: tuple[str, str] = ("", "")
    recorded: tuple[Recorded, ...] = ()

    @cached_property
    def first(self) -> Name | None:
        return read_name(self.written.first_name)

    @cached_property
    def last(self) -> Name | None:
        name = read_name(self.written.last_name)
        if name is None and self.written.last_name and (self.first or not self.written.first_name):
            return read_surname(self.written.last_name, self.first)
        return name

    @cached_property
    def others(self) -> tuple[Name, ...]:
        others = self.written.other_names
        return tuple(name for part in fold_apart(others) if (name := read_name(part))) if others else ()

    @cached_property
    def birth(self) -> Birth | None:
        return read_birth(self.written.date_of_birth) if self.written.date_of_birth else None

    @cached_property
    def sex(self) -> str:
        return SEXES.get(fold(self.written.sex), "") if self.written.sex else ""

    @cached_property
    def nhs_numbers(self) -> tuple[Number, ...]:
        own = read_nhs_number(self.written.nhs_number) if self.written.nhs_number else None
        return self._with_recorded("nhs_number", own)

    @cached_property
    def upns(self) -> tuple[Number, ...]:
        return self._with_recorded("upn", read_upn(self.written.upn) if self.written.upn else None)

    def _with_recorded(self, name: str, own: Number | None) -> tuple[Number, ...]:
        if not self.recorded:
            return (own,) if own else ()
        recorded = [each for each in self.recorded if each.field == name]
        doubted = frozenset(chain.from_iterable(each.numbers for each in recorded if each.is_doubted))
        known = dict.fromkeys(filter(None, (own, *(READS_NUMBER[name](each.text) for each in recorded))))
        return tuple(replace(number, is_doubted=number.text in doubted) for number in known)

    def numbers(self, name: str) -> frozenset[str]:
        """All numbers in this field as they are compared."""
        if name == "telephone":
            return self.telephones
        return frozenset(number.text for number in (self.nhs_numbers if name == "nhs_number" else self.upns))

    def doubting(self, doubts: Iterable[Recorded]) -> "Described":
        """The person as they are compared where these numbers are doubted, whoever else has them."""
        theirs = tuple(each for each in doubts if not each.numbers.isdisjoint(self.numbers(each.field)))
        return replace(self, recorded=(*self.recorded, *theirs)) if theirs else self

    @cached_property
    def home(self) -> Home | None:
        return read_home(self.written.address, self.written.postcode)

    @cached_property
    def homes(self) -> tuple[Home, ...]:
        """Everywhere that the person lives or lived."""
        others = (read_home(*other) for other in self.other_homes)
        return tuple(home for home in (self.home, *others) if home)

    @cached_property
    def telephones(self) -> frozenset[str]:
        own = read_telephones(self.written.phone) if self.written.phone else frozenset()
        return own.union(*(each.numbers for each in self.recorded if each.field == "telephone"))

    @cached_property
    def mothers_name(self) -> Name | None:
        return read_name(self.mother[0]) if self.mother[0] else None

    @cached_property
    def mothers_birth(self) -> Birth | None:
        return read_birth(self.mother[1]) if self.mother[1] else None

    @cached_property
    def middle(self) -> tuple[Name, ...]:
        """Names besides the first of the first names and the surname: middle names, earlier names, known as."""
        return (*(self.first.singly[1:] if self.first else ()), *self.others)

    @cached_property
    def given(self) -> Name | None:
        """The first of the first names."""
        return self.first.singly[0] if self.first else None


# A contact's people are described when they are looked for and when their keys are kept, and the newest of their name
# are compared again and again.
@lru_cache(maxsize=20_000)
def describe(
    written: Written,
    other_homes: tuple[tuple[str, str], ...] = (),
    mother: tuple[str, str] = ("", ""),
    recorded: tuple[Recorded, ...] = (),
) -> Described:
    """Reads what somebody wrote about a person. Every text can be read."""
    return Described(written, other_homes, mother, recorded)


def fold_apart(text: str) -> list[str]:
    """The single names in a list of other names, at most eight."""
    return fold(text).split()[:8]
