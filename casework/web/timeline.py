"""What `timeline.html` shows of a household's chronology: the page and the kind of line that a reader asks for."""

from typing import Any

from django.http import HttpRequest

from casework.reading.chronology import KINDS, Chronology


def timeline(request: HttpRequest, chronology: Chronology) -> dict[str, Any]:
    kind = request.GET.get("kind", "")
    kind = kind if kind in KINDS else ""
    return {
        "lines": chronology.page(kind, request.GET.get("page")),
        "kind": kind,
        "kinds": KINDS,
        "query": f"kind={kind}" if kind else "",
    }
