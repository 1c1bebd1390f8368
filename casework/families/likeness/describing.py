"""What is known about a person, read so that it can be compared. What cannot be read is not known."""

from dataclasses import dataclass, fields
from functools import cached_property

from casework.families.likeness.births import Birth, read_birth
from casework.families.likeness.homes import Home, read_home
from casework.families.likeness.identifiers import Number, read_nhs_number, read_telephones, read_upn
from casework.families.likeness.names import Name, fold, read_name

SEXES = {
    **dict.fromkeys(("m", "male", "boy", "man", "1"), "M"),
    **dict.fromkeys(("f", "female", "girl", "woman", "2"), "F"),
}


@dataclass(frozen=True)
class Written:
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


COLUMNS = tuple(field.name for field in fields(Written))


@dataclass(frozen=True)
class Described:
    """A person as it is compared. None and "" say that nobody knows it."""

    first: Name | None
    last: Name | None
    others: tuple[Name, ...]
    birth: Birth | None
    sex: str
    nhs_number: Number | None
    upn: Number | None
    home: Home | None
    telephones: frozenset[str]

    @cached_property
    def middle(self) -> tuple[Name, ...]:
        """Names besides the first of the first names and the surname: middle names, earlier names, known as."""
        return (*(Name((part,)) for part in (self.first.parts[1:] if self.first else ())), *self.others)

    @cached_property
    def given(self) -> Name | None:
        """The first of the first names."""
        return Name(self.first.parts[:1]) if self.first else None


def describe(written: Written) -> Described:
    """Reads what somebody wrote about a person. Every text can be read."""
    others = (read_name(part) for part in fold_apart(written.other_names))
    return Described(
        first=read_name(written.first_name),
        last=read_name(written.last_name),
        others=tuple(name for name in others if name),
        birth=read_birth(written.date_of_birth) if written.date_of_birth else None,
        sex=SEXES.get(fold(written.sex), "") if written.sex else "",
        nhs_number=read_nhs_number(written.nhs_number) if written.nhs_number else None,
        upn=read_upn(written.upn) if written.upn else None,
        home=read_home(written.address, written.postcode),
        telephones=read_telephones(written.phone) if written.phone else frozenset(),
    )


def fold_apart(text: str) -> list[str]:
    """The single names in a list of other names, at most eight."""
    return fold(text).split()[:8]
