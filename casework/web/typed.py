"""
What somebody typed into a form, to hand it back where it was not stored: the record may have gone out of their sight
while they wrote.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from django.forms import ChoiceField, Field, ModelChoiceField
from django.http import QueryDict

from casework.web.forms import ActionForm
from casework.web.rendering import DateParts, Textarea, TextInput

# A field of a form, or one of the three inputs of a date.
KEY = re.compile(r"^(?P<form>\w+)-(?P<name>\w+?)(?:_(?:day|month|year))?$")
TEXTS = (DateParts, Textarea, TextInput)
# The hidden field of a form that says what its texts were filled in with: see `filled_in`.
STOOD = "stood"


def own_words(data: QueryDict) -> list[tuple[str, str]]:
    """
    The texts and dates that somebody typed, each with the name of its field in words.

    What a form was filled in with is about the record, and not among them. Nothing of the record is read here: so
    nobody finds out what it says today by sending guesses.
    """
    texts, filled = _names_of_texts(), dict(_filled_in(data))
    found: dict[tuple[str, str], list[str]] = {}
    for key, values in data.lists():
        if (match := KEY.match(key)) and match["name"] in texts:
            found.setdefault((match["form"], match["name"]), []).extend(values)
    words = {field: " ".join(filter(None, map(str.strip, values))) for field, values in found.items()}
    return [
        (name.replace("_", " ").capitalize(), text)
        for (form, name), text in words.items()
        if text and _digest(text) != filled.get((form, name))
    ]


def chosen(data: QueryDict) -> list[tuple[str, str]]:
    """
    What somebody chose, each with the question in words. As for texts, nothing of the record is read: what is chosen
    from a list of records is not among them.
    """
    sent = {match["name"]: values for key, values in data.lists() if (match := KEY.match(key))}
    # The form that was sent: it has more of these fields than any other.
    form = max(_all(ActionForm), key=lambda each: len(sent.keys() & each.base_fields.keys()))
    found = []
    for name, values in sent.items():
        field = form.base_fields.get(name)
        if isinstance(field, ChoiceField) and not isinstance(field, ModelChoiceField):
            choices: Any = field.choices
            always = {str(code): str(says) for code, says in choices}
            answers = ", ".join(filter(None, (_in_words(str(value), always) for value in values)))
            found.append((str(field.label), answers))
    return [(label, answers) for label, answers in found if answers]


def _in_words(answer: str, always: Mapping[str, str]) -> str:
    """The answer as the form always says it, or its code in words; "" for none, and for the number of a record."""
    if not answer or (answer.isdigit() and answer not in always):
        return ""
    return always.get(answer, answer.replace("_", " ").capitalize())


def filled_in(fields: Mapping[str, Field], initial: Mapping[str, Any]) -> str:
    """What the texts of a form are filled in with, as the hidden field `STOOD` keeps it: names and digests."""
    found = []
    for name, value in initial.items():
        widget = fields[name].widget
        if isinstance(widget, TEXTS) and value:
            text = " ".join(filter(None, widget.decompress(value))) if isinstance(widget, DateParts) else value
            found.append(f"{name}={_digest(text)}")
    return " ".join(found)


def _filled_in(data: Mapping[str, str]) -> Iterator[tuple[tuple[str, str], str]]:
    for key in data:
        if key.endswith(f"-{STOOD}"):
            for each in data[key].split():
                name, _, digest = each.partition("=")
                yield (key.removesuffix(f"-{STOOD}"), name), digest


def _digest(text: object) -> str:
    """The text as a browser sends it back, with other line ends."""
    return hashlib.sha256(" ".join(str(text).split()).encode()).hexdigest()[:16]


@cache
def _names_of_texts() -> frozenset[str]:
    """The fields of all forms for what was seen and decided, into which somebody types."""
    return frozenset(
        name for form in _all(ActionForm) for name, field in form.base_fields.items() if isinstance(field.widget, TEXTS)
    )


def _all(form: type[ActionForm]) -> Iterator[type[ActionForm]]:
    yield form
    for each in form.__subclasses__():
        yield from _all(each)
