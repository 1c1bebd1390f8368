"""Where a postcode lies: inside the council's area or not, and in which locality."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from django.db.backends.postgresql.psycopg_any import DateRange

from localities.models import Catchment, Locality, Postcode
from localities.postcodes import prefixes


@dataclass(frozen=True)
class Place:
    """
    `locality` is None outside the area, and inside it where no catchment claims the postcode. `prefix` is that of the
    catchment that claims it; outside the area too, where a shared prefix, or a slip of the pen, looks like one of ours.
    """

    postcode: str
    in_area: bool
    locality: Locality | None
    prefix: str


class Catchments:
    """Every catchment there is, read once, for whoever places many postcodes."""

    def __init__(self) -> None:
        self._claims: dict[str, list[tuple[DateRange, str]]] = defaultdict(list)
        for prefix, period, code in Catchment.objects.values_list("prefix", "period", "locality__code"):
            self._claims[prefix].append((period, code))

    def locality(self, postcode: str, on: date) -> str:
        """The code of the locality that the longest prefix gives a postcode on a day; "" where none claims it."""
        for prefix in prefixes(postcode):
            for period, code in self._claims.get(prefix, ()):
                if on in period:
                    return code
        return ""


def place(postcode: str, on: date) -> Place:
    """
    The full postcode says whether it lies in the area; the longest catchment prefix on that day, in which locality.

    :param postcode: normalised, as "HP20 1UA".
    """
    claims = Catchment.objects.filter(prefix__in=prefixes(postcode), period__contains=on).select_related("locality")
    longest = max(claims, key=lambda claim: len(claim.prefix), default=None)
    if not Postcode.objects.filter(pk=postcode).exists():
        return Place(postcode, in_area=False, locality=None, prefix=longest.prefix if longest else "")
    if longest is None:
        return Place(postcode, in_area=True, locality=None, prefix="")
    return Place(postcode, in_area=True, locality=longest.locality, prefix=longest.prefix)
