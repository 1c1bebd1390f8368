"""Whether a postcode is in the council's area, and in which locality."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from django.db.backends.postgresql.psycopg_any import DateRange

from localities.models import Catchment, Locality, Postcode
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
        self._by_prefix: dict[str, list[tuple[DateRange, str]]] = defaultdict(list)
        for prefix, period, code in Catchment.objects.values_list("prefix", "period", "locality__code"):
            self._by_prefix[prefix].append((period, code))

    def locality(self, postcode: str, on: date) -> str:
        """The code of the locality whose catchment has the postcode's longest prefix on a day; "" without one."""
        for prefix in prefixes(postcode):
            for period, code in self._by_prefix.get(prefix, ()):
                if on in period:
                    return code
        return ""


def place(postcode: str, on: date) -> Place:
    """
    Finds the place of a postcode on a day.

    The full postcode says whether it is in the area. The longest prefix of a catchment says which locality it is in.

    :param postcode: normalised, as "HP20 1UA".
    """
    catchments = Catchment.objects.filter(prefix__in=prefixes(postcode), period__contains=on).select_related("locality")
    longest = max(catchments, key=lambda catchment: len(catchment.prefix), default=None)
    if not Postcode.objects.filter(pk=postcode).exists():
        return Place(postcode, in_area=False, locality=None, prefix=longest.prefix if longest else "")
    if longest is None:
        return Place(postcode, in_area=True, locality=None, prefix="")
    return Place(postcode, in_area=True, locality=longest.locality, prefix=longest.prefix)
