"""What `timeline.html` shows of a household's chronology: the page and the kind of line that a reader asks for."""

from dataclasses import replace
from html import unescape
from textwrap import shorten
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest

from casework.models.prepared import Call, Rows
from casework.reading.chronology import A_PAGE, KINDS, Chronology, Line
from casework.web.hiding import HiddenWords, hidden_words_of, masked_text

# Of a note, so many characters: the rest stands on the page of its record.
BEGINNING = 200


def timeline(request: HttpRequest, chronology: Chronology, asking_hidden: Call) -> tuple[dict[str, Any], Rows]:
    """
    :param asking_hidden: what `ask_hidden` asks of the contacts whose words are on the page; it is read with the lines.
    :returns: the template's context, and the rows of what was hidden.
    """
    kind = request.GET.get("kind", "")
    kind = kind if kind in KINDS else ""
    lines, (hidden,) = chronology.lines(kind, asking_hidden)
    page = Paginator(lines, A_PAGE).get_page(request.GET.get("page"))
    if any(line.kind == "notes" for line in page):
        words = hidden_words_of(hidden)
        page.object_list = [_with_beginning(line, words) if line.kind == "notes" else line for line in page]
    return {
        "lines": page,
        "kind": kind,
        "kinds": KINDS,
        "query": f"kind={kind}" if kind else "",
    }, hidden


def _with_beginning(line: Line, hidden: HiddenWords | None) -> Line:
    """
    A note's line with the beginning of its text, which is masked first: half of a hidden address would not be found.
    """
    text = line.of["begins"]
    masked = unescape(masked_text(hidden, text)) if hidden is not None else text
    return replace(line, of={**line.of, "begins": shorten(masked, BEGINNING, placeholder=" …")})
