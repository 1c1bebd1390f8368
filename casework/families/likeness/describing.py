"""What is known about a person, read so that it can be compared. What cannot be read is not known."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

from casework.families.likeness.births import Birth, read_birth
from casework.families.likeness.homes import Home, read_home
from casework.families.likeness.identifiers import Number, read_nhs_number, read_telephones, read_upn
from casework.families.likeness.names import Name, fold, read_name

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


@dataclass(frozen=True)
class Described:
    """
    A person as it is compared. None and "" say that nobody knows it. Each text is read when it is first needed.

    `other_homes` are further addresses, each with its postcode. `mother` is a baby's: her first name and her birth.
    """

    written: Written
    other_homes: tuple[tuple[str, str], ...] = ()
    mother: tuple[str, str] = ("", "")

    @cached_property
    def first(self) -> Name | None:
        return read_name(self.written.first_name)

    @cached_property
    def last(self) -> Name | None:
        return read_name(self.written.last_name)

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
    def nhs_number(self) -> Number | None:
        return read_nhs_number(self.written.nhs_number) if self.written.nhs_number else None

    @cached_property
    def upn(self) -> Number | None:
        return read_upn(self.written.upn) if self.written.upn else None

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
        return read_telephones(self.written.phone) if self.written.phone else frozenset()

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
    written: Written, other_homes: tuple[tuple[str, str], ...] = (), mother: tuple[str, str] = ("", "")
) -> Described:
    """Reads what somebody wrote about a person. Every text can be read."""
    return Described(written, other_homes, mother)


def fold_apart(text: str) -> list[str]:
    """The single names in a list of other names, at most eight."""
    return fold(text).split()[:8]
