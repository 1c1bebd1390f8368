"""
People who do not exist, with what makes matching hard where they do.

Few names for many people, flats and refuges, twins, brothers and sisters at one home, a telephone for a whole family,
copied and made-up numbers, and much that is not known.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate, islice, repeat
from pathlib import Path
from string import ascii_uppercase

from casework.families.likeness.describing import Written
from casework.families.likeness.record_files import Record
from triage.reading import load_yaml

NAMES = load_yaml((Path(__file__).parent / "population.yaml").read_text(encoding="utf-8"))
TODAY = date(2026, 11, 1)


@dataclass(frozen=True)
class Community:
    """What the families of one community are called: first names of boys and girls, and surnames."""

    share: float
    boys: list[str]
    girls: list[str]
    surnames: list[str]
    has_rare_surnames: bool

    @classmethod
    def all(cls) -> list["Community"]:
        return [
            cls(
                share=each["share"],
                boys=each["boys"].split(),
                girls=each["girls"].split(),
                surnames=each["surnames"].split(),
                has_rare_surnames=each.get("has_rare_surnames", False),
            )
            for each in NAMES["communities"]
        ]


@dataclass(frozen=True)
class Place:
    """A home, or a building with many: families of one refuge or hostel write the same address."""

    address: str
    postcode: str


class Population:
    """Families one after another, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._number = 0
        self._shared: list[Place] = []
        self._streets: list[tuple[str, str]] = []
        self._communities = Community.all()

    def people(self, count: int) -> list[Record]:
        """So many people, family by family."""
        return list(self.stream(count))

    def stream(self, count: int) -> Iterator[Record]:
        """So many people, one after another: a million need no memory."""
        return islice((record for _ in repeat(None) for record in self.family()), count)

    def family(self) -> list[Record]:
        """One or two adults and up to five children, at one home."""
        pick = self._random
        own = pick.choices(self._communities, [each.share for each in self._communities])[0]
        surname = self._surname(own)
        place, telephone = self._place(), self._telephone()
        adults = [self._adult(surname, "F", own.girls, place, telephone)] if pick.random() < 0.95 else []
        if not adults or pick.random() < 0.6:
            other = surname if pick.random() < 0.7 else self._surname(own)
            adults.append(self._adult(other, "M", own.boys, place, telephone))
        children = self._children(surname, own, place, telephone)
        return [*adults, *children]

    def sibling(self, of: Sequence[Record]) -> Record:
        """Another child of a family: one in five is a twin."""
        children = [record for record in of if record.written.date_of_birth > "2008" and record.written.sex]
        like = self._random.choice(children or list(of)).written
        sex = self._random.choice("MF")
        taken = {record.written.first_name for record in of}
        bears = (each for each in self._communities if like.first_name in {*each.boys, *each.girls})
        own = next(bears, self._communities[0])
        names = own.boys if sex == "M" else own.girls
        first = next(name for name in iter(lambda: self._first(names), "") if name not in taken)
        born = like.date_of_birth
        if not born or self._random.random() < 0.8:
            born = (TODAY - timedelta(days=self._random.randrange(700))).isoformat()
        return self._record(
            like._replace(
                first_name=first,
                other_names=self._middle(names),
                date_of_birth=born,
                sex=sex,
                nhs_number=self._nhs_number(),
                upn="",
            )
        )

    # ---- people

    def _children(self, surname: str, own: Community, place: Place, telephone: str) -> Iterator[Record]:
        pick = self._random
        taken: set[str] = set()
        earlier: Written | None = None
        for _ in range(pick.choices(range(6), (8, 32, 36, 15, 6, 3))[0]):
            sex = pick.choice("MF")
            names = own.boys if sex == "M" else own.girls
            first = self._first(names)
            while first in taken:
                first = self._first(names)
            taken.add(first)
            is_twin = earlier is not None and pick.random() < 0.03
            born = earlier.date_of_birth if earlier and is_twin else self._born(0, 17)
            number = self._nhs_number() if pick.random() < 0.85 else ""
            if earlier and pick.random() < 0.003:
                number = earlier.nhs_number
            child = Written(
                first_name=first,
                last_name=surname,
                other_names=self._middle(names),
                date_of_birth=born,
                sex=sex,
                nhs_number=number if pick.random() > 0.005 else pick.choice("0139") * 10,
                upn=self._upn() if pick.random() < 0.4 else "",
                address=place.address,
                postcode=place.postcode,
                phone=telephone,
            )
            earlier = child
            yield self._record(child)

    def _adult(self, surname: str, sex: str, names: Sequence[str], place: Place, telephone: str) -> Record:
        pick = self._random
        return self._record(
            Written(
                first_name=self._first(names) if pick.random() > 0.01 else "Unknown",
                last_name=surname,
                other_names=self._middle(names) if pick.random() < 0.3 else "",
                date_of_birth=self._born(19, 50) if pick.random() < 0.8 else "",
                sex=sex if pick.random() < 0.95 else "",
                nhs_number=self._nhs_number() if pick.random() < 0.3 else "",
                address=place.address,
                postcode=place.postcode,
                phone=telephone if pick.random() < 0.7 else self._telephone(),
            )
        )

    def _record(self, written: Written) -> Record:
        self._number += 1
        return Record(f"p{self._number}", written)

    def _born(self, youngest: int, oldest: int) -> str:
        days = self._random.randrange(youngest * 365, (oldest + 1) * 365)
        born = TODAY - timedelta(days=days)
        if self._random.random() < 0.01:
            born = born.replace(month=1, day=1)
        return born.isoformat()

    # ---- names and numbers

    def _first(self, names: Sequence[str]) -> str:
        return self._random.choices(names, cum_weights=_falling(len(names), 0.7))[0]

    def _middle(self, names: Sequence[str]) -> str:
        return self._first(names) if self._random.random() < 0.5 else ""

    def _surname(self, own: Community) -> str:
        pick = self._random
        if own.has_rare_surnames and pick.random() < 0.6:
            rare = NAMES["rare_surnames"]
            middle = pick.choice(["", "", "", "er", "ing", "en", "s"])
            name = pick.choice(rare["begin"].split()) + middle + pick.choice(rare["end"].split())
        else:
            name = pick.choices(own.surnames, cum_weights=_falling(len(own.surnames), 0.8))[0]
        return name if pick.random() > 0.03 else f"{name}-{pick.choice(own.surnames)}"

    def _nhs_number(self) -> str:
        while True:
            digits = [9, 9, 9, *(self._random.randrange(10) for _ in range(6))]
            check = 11 - sum(weight * digit for weight, digit in zip(range(10, 1, -1), digits, strict=True)) % 11
            if check != 10:
                return "".join(map(str, [*digits, check % 11]))

    def _upn(self) -> str:
        digits = [self._random.randrange(10) for _ in range(12)]
        check = sum(place * digit for place, digit in enumerate(digits, start=2)) % 23
        return "ABCDEFGHJKLMNPQRTUVWXYZ"[check] + "".join(map(str, digits))

    def _telephone(self) -> str:
        return f"07700{self._random.randrange(1_000_000):06}" if self._random.random() < 0.7 else ""

    # ---- homes

    def _place(self) -> Place:
        pick = self._random
        if pick.random() < 0.03:
            # A refuge, a hostel, a block of flats whose number nobody wrote: up to forty families at one address.
            if not self._shared or pick.random() < 0.02:
                self._shared.append(self._house())
            return pick.choice(self._shared)
        if pick.random() < 0.04:
            return Place("NFA", "")
        place = self._house()
        if pick.random() < 0.12:
            return Place("", place.postcode)
        return Place(f"Flat {pick.randrange(1, 30)}, {place.address}", place.postcode) if pick.random() < 0.2 else place

    def _house(self) -> Place:
        pick = self._random
        if not self._streets or pick.random() < 0.07:
            street = " ".join(pick.choice(NAMES["streets"][part].split()) for part in ("names", "kinds"))
            ends = "".join(pick.choices(ascii_uppercase, k=2))
            code = f"{pick.choice(('HP', 'SL', 'MK'))}{pick.randrange(1, 28)} {pick.randrange(1, 10)}{ends}"
            self._streets.append((street, code))
        street, code = pick.choice(self._streets)
        return Place(f"{pick.randrange(1, 60)} {street}", code)


def _falling(count: int, power: float) -> list[float]:
    return list(accumulate(1 / place**power for place in range(1, count + 1)))
