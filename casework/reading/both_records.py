"""
Both records of a possible match, field by field: what each says, whether they agree, and what that means.

The words and their weight are those of matching (`families/likeness`). An address that is hidden is neither shown nor
compared.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import chain, permutations, product

from casework.families import merging
from casework.families.likeness.comparing import COMMON, Agreement, in_fields
from casework.families.likeness.describing import Described
from casework.families.likeness.weights import Level, Means, in_use
from casework.families.person_keys import describe_record, doubts
from casework.families.sameness import is_careful, proposed_pairs
from casework.families.unborn import BY_THE_DAY, born_early
from casework.models import Contact, Person, PersonMatch
from casework.reading.people import Known, Said, known_of
from localities.models import User

# The fields of a likeness, under the headings of the page.
NAMES = ("first_name", "last_name", "order", "other_names")
NUMBERS = ("nhs_number", "upn")
# Evidence above this many bits is not a coincidence.
MUCH = 3.0
# As many records of each person are compared as matching compares.
MOST_RECORDS = 20


class Verdict(StrEnum):
    """Whether both records agree in a field."""

    AGREES = "Agrees"
    IN_PART = "Agrees in part"
    DIFFERS = "Differs"
    OPEN = "Decides nothing"
    NOT_COMPARED = "Not compared"


@dataclass(frozen=True)
class Field:
    """A field: what each record says, whether they agree, and why in sentences."""

    label: str
    one: list[Said]
    other: list[Said]
    verdict: Verdict
    says: list[str]


@dataclass(frozen=True)
class Side:
    """One of the two: the records of it that the reader may see, the oldest first, and what is known of it."""

    records: list[Person]
    known: Known

    @property
    def person(self) -> Person:
        return self.records[0]

    @property
    def last(self) -> Contact | None:
        return max(self.known.contacts, key=lambda contact: contact.received_at, default=None)


@dataclass(frozen=True)
class BothRecords:
    """
    Both records of a match. `counts`: whether the likeness counts as history meanwhile. `common`: which of the names
    that agree are common ones.
    """

    match: PersonMatch
    one: Side
    other: Side
    fields: list[Field]
    counts: bool
    common: list[str]

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.one, self.other


def both_records(match: PersonMatch, user: User, now: datetime) -> BothRecords:
    """Reads both records of a match, as far as the reader may see them."""
    sides = [
        _side(records, known_of(records[0], user, now, [record.pk for record in records]))
        for records in merging.sides_of(match)
    ]
    hides = any(side.known.hides for side in sides)
    one, other = sides
    found = _agreements(match, one.records, other.records)
    fields = list(_fields(match, one.known, other.known, found, hides=hides))
    common = [reason for reason in match.reasons if reason.endswith(COMMON)]
    return BothRecords(match, one, other, fields, is_careful(match.score), common)


def _side(records: Iterable[Person], known: Known) -> Side:
    return Side([record for record in records if record.pk in known.seen], known)


def _agreements(match: PersonMatch, ones: Collection[Person], others: Collection[Person]) -> Mapping[str, Agreement]:
    """
    How the fields agree: in the two records that were weighed, and what these lack, in the others of both persons.
    """
    described: dict[int, Described] = {}
    doubted = doubts([*ones, *others])

    def read(record: Person) -> Described:
        if record.pk not in described:
            described[record.pk] = describe_record(record).doubting(doubted)
        return described[record.pk]

    weights, found = in_use(), dict[str, Agreement]()
    pairs = product(list(ones)[-MOST_RECORDS:], list(others)[-MOST_RECORDS:])
    for one, other in chain([(match.record, match.person)], pairs):
        for name, agreement in in_fields(read(one), read(other), weights).items():
            found.setdefault(name, agreement)
    return found


def _fields(
    match: PersonMatch, one: Known, other: Known, found: Mapping[str, Agreement], *, hides: bool
) -> Iterator[Field]:
    def field(label: str, mine: list[Said], theirs: list[Said], *names: str) -> Field:
        compared = {name: found[name] for name in names if name in found}
        if compared:
            return Field(label, mine, theirs, _verdict(compared), [_says(each) for each in compared.values()])
        return Field(label, mine, theirs, Verdict.NOT_COMPARED, [_not_compared(mine, theirs)])

    yield field("Name", one.names, other.names, *NAMES)
    if match.weights == BY_THE_DAY:
        early = born_early(match.record, match.person)
        verdict = Verdict.IN_PART if early else Verdict.AGREES
        yield Field("Birth", one.births, other.births, verdict, [f"{early or match.reasons[0]}."])
    else:
        yield field("Birth", one.births, other.births, "date_of_birth")
    yield field("Sex", one.sexes, other.sexes, "sex")
    yield field("Number", one.numbers, other.numbers, *NUMBERS)
    if hides:
        says = ["An address of one of them is confidential."]
        yield Field("Home", one.homes, other.homes, Verdict.NOT_COMPARED, says)
    else:
        yield field("Home", one.homes, other.homes, "home")
    if one.hides_telephone or other.hides_telephone:
        says = ["A telephone of one of them is confidential."]
        yield Field("Telephone", one.telephones, other.telephones, Verdict.NOT_COMPARED, says)
    else:
        yield field("Telephone", one.telephones, other.telephones, "telephone")
    yield _with_whom(one, other, found)


def _with_whom(one: Known, other: Known, found: Mapping[str, Agreement]) -> Field:
    mine, theirs = ({each.pk: each.name for each in known.beside} for known in (one, other))
    both = [name for pk, name in mine.items() if pk in theirs]
    namesakes = sorted({*mine.values()} & {*theirs.values()} - {*both, Person().own_name})
    born = [{each.name: each.born for each in known.beside} for known in (one, other)]
    others = [name for name in namesakes if len({day[name] for day in born} - {None}) > 1]
    if mothers := found.get("mother"):
        verdict, says = Verdict.DIFFERS, _says(mothers)
    elif both:
        verdict, says = Verdict.AGREES, f"Beside both: {', '.join(both)}."
    elif namesakes:
        verdict = Verdict.IN_PART if others else Verdict.AGREES
        says = f"Beside both is somebody called {', '.join(namesakes)}."
        says += f" Their dates of birth differ: {', '.join(others)}." if others else ""
    elif may_be := sorted(_may_be_one(mine, theirs)):
        says = f"Nobody has said yet whether these are one person: {'; '.join(may_be)}."
        verdict = Verdict.IN_PART
    elif mine and theirs:
        verdict, says = Verdict.OPEN, "Nobody stands beside both."
    else:
        verdict, says = Verdict.NOT_COMPARED, _not_compared(mine, theirs)
    return Field("With whom", [], [], verdict, [says])


def _may_be_one(mine: Mapping[int, str], theirs: Mapping[int, str]) -> Iterator[str]:
    """The people on contacts with one record and with the other who may be the same, and whom nobody has settled."""
    if not (mine and theirs):
        return
    for pair in {frozenset(pair) for pair in proposed_pairs([*mine])}:
        for one, other in permutations(pair):
            if one in mine and other in theirs:
                yield f"{mine[one]} and {theirs[other]}"


def _verdict(compared: Mapping[str, Agreement]) -> Verdict:
    """The records agree if everything that both say is the same, in any spelling. Close values agree in part."""
    means = {each.level.means for each in compared.values()}
    if all(_is_same(name, each.level) for name, each in compared.items()):
        return Verdict.AGREES
    if not means.isdisjoint({Means.EXACTLY, Means.AGREES}):
        return Verdict.IN_PART
    # Two days that are not the same differ, whatever that says about the two people.
    return Verdict.DIFFERS if Means.CONTRADICTS in means or "date_of_birth" in compared else Verdict.OPEN


def _is_same(name: str, level: Level) -> bool:
    levels = in_use().levels[name]
    return level in {levels.get("same"), levels.get("variant")}


def _says(agreement: Agreement) -> str:
    """A sentence on a field, and whether brothers and sisters have it in common as well."""
    level, says = agreement
    if level.means in {Means.EXACTLY, Means.AGREES}:
        if level.bits.family >= MUCH:
            return f"{says}. This speaks for one person."
        if level.bits.strangers >= MUCH:
            return f"{says}. Families often share it."
        return f"{says}. Many people share it."
    if level.means is Means.CONTRADICTS:
        return f"{says}. This speaks against one person."
    return f"{says}."


def _not_compared(mine: Collection[object], theirs: Collection[object]) -> str:
    if mine and theirs:
        return "What the records say could not be compared."
    return "Only one of the records has it." if mine or theirs else "Neither record has it."
