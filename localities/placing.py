"""Whether a postcode is in the council's area, and in which locality."""

from collections import defaultdict
from collections.abc import Container
from dataclasses import dataclass
from datetime import date

from django.db.backends.postgresql.psycopg_any import DateRange

from localities.models import Catchment, Locality
from localities.postcodes import prefixes


@dataclass(frozen=True)
class Place:
    """
    The place of a postcode.

    `locality` is None outside the area, and inside it when no catchment has the postcode. `prefix` is the prefix of the
    catchment that has it. An outside postcode can have one too: a neighbour shares the prefix, or it is misspelt.
    """

    postcode: str
    in_area: bool
    locality: Locality | None
    prefix: str


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

    def __init__(self, catchments: Catchments, postcodes: Container[str]) -> None:
        """:param postcodes: every full postcode of the area."""
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
        in_area = postcode in self._postcodes
        return Place(postcode, in_area=in_area, locality=locality if in_area else None, prefix=prefix)
