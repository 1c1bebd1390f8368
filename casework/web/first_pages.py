"""Pages of a list whose cost does not follow its length."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property

# Nobody pages further: filters and the search lead to a row. To count all rows, PostgreSQL would have to look at each,
# whether it is closed to the reader.
MOST_LISTED = 5_000


class FirstPages(Paginator):  # type: ignore[type-arg]  # the class itself takes no types
    """The pages of the first rows of a list. `has_more` says whether there are others."""

    @cached_property
    def count(self) -> int:
        return min(self._counted, MOST_LISTED)

    @property
    def has_more(self) -> bool:
        return self._counted > MOST_LISTED

    @cached_property
    def _counted(self) -> int:
        rows: QuerySet[Any, Any] = self.object_list  # type: ignore[assignment]  # a list's rows are a queryset
        return rows.order_by().values("pk")[: MOST_LISTED + 1].count()
