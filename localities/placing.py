"""Whether a postcode is in the council's area, another authority's, or neither is known; and in which locality."""

import csv
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from django.db.backends.postgresql.psycopg_any import DateRange

from localities.models import Catchment, Locality
from localities.postcodes import is_geographic, prefixes

# Postcode districts that two councils share, each with the sectors in which people live. A council that shares others
# adds them: without its line, no sector of a shared district is taken for another authority's.
SECTORS = Path(__file__).parent / "data" / "sectors.csv"
# Postcode areas around here, each with the districts that there are. Another district of these is a slip.
DISTRICTS = SECTORS.with_name("districts.csv")


@cache
def sectors() -> frozenset[str]:
    """The sectors that there are in the districts of `SECTORS`, as "SL1 4"."""
    with SECTORS.open(encoding="utf-8", newline="") as file:
        return frozenset(f"{row['district']} {each}" for row in csv.DictReader(file) for each in row["sectors"].split())


@cache
def districts() -> dict[str, frozenset[str]]:
    """The districts that there are in the areas of `DISTRICTS`, by area: of "SL", "SL1" and others."""
    with DISTRICTS.open(encoding="utf-8", newline="") as file:
        rows = ((row["area"], row["districts"].split()) for row in csv.DictReader(file))
        return {area: frozenset(f"{area}{each}" for each in numbers) for area, numbers in rows}


@dataclass(frozen=True)
class Place:
    """
    The place of a postcode.

    `in_area` is None if it is not known; `doubt` then says why, in a sentence. `locality` is None unless the postcode
    is in the area and a catchment has it. `prefix` is the prefix of that catchment, if any: a postcode outside can have
    one, too.
    """

    postcode: str
    in_area: bool | None
    locality: Locality | None
    prefix: str
    doubt: str = ""


class OurPostcodes:
    """
    The postcodes of the area. The list is never complete: houses are built, and a postcode in nobody's list is no proof
    that another authority is responsible.

    Proof is a district or a sector with no postcode of ours. In a district that we share, it must be a sector that
    there is: a new one may be ours, and one that nobody knows is a slip. So is a district that there is not: HP28.
    """

    def __init__(self, postcodes: Iterable[str]) -> None:
        """:param postcodes: every known postcode of the area, normalised, also those that are no longer in use."""
        self._known = frozenset(postcodes)
        self._sectors = frozenset(postcode[:-2] for postcode in self._known)
        self._districts = frozenset(postcode[:-4] for postcode in self._known)

    def in_area(self, postcode: str) -> tuple[bool | None, str]:
        """Whether a postcode is ours; None and a sentence why, if that is not known."""
        if postcode in self._known:
            return True, ""
        if not is_geographic(postcode):
            return None, f"{postcode} is no place: it stands for no fixed abode, the forces, abroad or not known."
        sector, district = postcode[:-2], postcode[:-4]
        if sector in self._sectors:
            shared = sector
        elif district in self._districts and sector not in sectors():
            shared = district
        elif district in districts().get(prefixes(postcode)[-1], {district}):
            return False, ""
        else:
            return None, f"{postcode} may be mistyped: nobody lives in a postcode district {district}."
        return None, f"{postcode} is not in our list, although {shared} is ours too: it may be new, or mistyped."


class Catchments:
    """All catchments, read once, for a caller who places many postcodes."""

    def __init__(self) -> None:
        self._by_prefix: dict[str, list[tuple[DateRange, Locality]]] = defaultdict(list)
        for catchment in Catchment.objects.select_related("locality"):
            self._by_prefix[catchment.prefix].append((catchment.period, catchment.locality))

    def find(self, postcode: str, on: date) -> tuple[str, Locality] | None:
        """The longest prefix of a catchment that the postcode has on a day, and its locality."""
        for prefix in prefixes(postcode):
            for period, locality in self._by_prefix.get(prefix, ()):
                if on in period:
                    return prefix, locality
        return None

    def locality(self, postcode: str, on: date) -> str:
        """The code of the locality whose catchment has the postcode's longest prefix on a day; "" without one."""
        found = self.find(postcode, on)
        return found[1].code if found else ""


class Places:
    """All catchments and all postcodes of the area."""

    def __init__(self, catchments: Catchments, postcodes: OurPostcodes) -> None:
        self._catchments = catchments
        self._postcodes = postcodes

    def place(self, postcode: str, on: date) -> Place:
        """
        Finds the place of a postcode on a day.

        The full postcode says whether it is in the area. The longest prefix of a catchment says which locality it is
        in.

        :param postcode: normalised, as "HP20 1UA".
        """
        prefix, locality = self._catchments.find(postcode, on) or ("", None)
        in_area, doubt = self._postcodes.in_area(postcode)
        return Place(postcode, in_area, locality if in_area else None, prefix, doubt)
