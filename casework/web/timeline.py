"""What `timeline.html` shows of a household's chronology: the page and the kind of line that a reader asks for."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest

from casework.models.prepared import Call, Rows
from casework.reading.chronology import A_PAGE, KINDS, Chronology


def timeline(request: HttpRequest, chronology: Chronology, *along: Call) -> tuple[dict[str, Any], list[Rows]]:
    """
    :param along: what is read with the lines.
    :returns: the template's context, and the rows of what was read along.
    """
    kind = request.GET.get("kind", "")
    kind = kind if kind in KINDS else ""
    lines, found = chronology.lines(kind, *along)
    return {
        "lines": Paginator(lines, A_PAGE).get_page(request.GET.get("page")),
        "kind": kind,
        "kinds": KINDS,
        "query": f"kind={kind}" if kind else "",
    }, found
