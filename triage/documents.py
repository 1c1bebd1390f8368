"""
Reads documents that others wrote, and names every fault at once, each with its place and a sentence.

Facts, rule sets, clock policies and contacts are all read here, so that a wrong field is named in the same words
everywhere.
"""

import difflib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StrictStr,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, ErrorDetails, PydanticCustomError, core_schema

from errors import Fault, InvalidInput

Shape = TypeVar("Shape")
TAG = re.compile(r"\([a-z_]+\)")
# No document that is read here needs a tenth of it, and no reader breaks at it.
MOST_DEEP = 100
TOO_DEEP = "This is not a document that can be read: it is nested too deeply."
UNKNOWN_FIELD = "is not a field that is known here; correct its name or remove it."


class Document(BaseModel):
    """A frozen part of a document. An unknown field is a fault: it is never silently dropped."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


def fault(message: str) -> PydanticCustomError:
    """The error for a validator to raise. `message` is a whole sentence for people."""
    return PydanticCustomError("fault", message)


def read(shape: type[Shape], data: object, *, known: Mapping[str, Any] | None = None) -> Shape:
    """
    Reads `data` (from `json.loads`) as `shape`.

    :param known: values for validators, such as the codes of a rule set.
    :raises InvalidInput: with every fault.
    """
    try:
        return _adapter(shape).validate_python(data, context=known)
    except ValidationError as error:
        raise InvalidInput(_faults(error)) from None


def _adapter(shape: type[Shape]) -> TypeAdapter[Shape]:
    """Each shape's own. There are a few, and one takes longer to make than the facts of a contact to read."""
    if shape not in _ADAPTERS:
        _ADAPTERS[shape] = TypeAdapter(shape)
    return _ADAPTERS[shape]


_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}


def load_json(text: str | bytes, *, most: int | None = None) -> Any:
    """
    Parses JSON strictly: in UTF-8 (a mark before it does no harm), without NaN, without the same key twice in an
    object, and at most `MOST_DEEP` levels deep.

    :param most: how many fields and entries of lists it may have in all.
    :raises InvalidInput: with the line and the column of the fault, or with the place of every key that stands twice.
    """
    try:
        # Python would also read bytes as UTF-16 and UTF-32.
        text = text if isinstance(text, str) else text.decode("utf-8-sig")
        document = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        # Some of Python's sentences end in "at" already.
        says = f"This is not JSON: {error.msg.removesuffix(' at')} at line {error.lineno}, column {error.colno}."
    except UnicodeDecodeError:
        says = "This is not JSON: the text is not UTF-8."
    except InvalidInput:
        raise
    except RecursionError:
        says = TOO_DEEP
    except ValueError:
        says = "This is not a document that can be read: a number in it is too long."
    else:
        if most is not None and _has_more(document, most):
            says = f"This is not a document that can be read: it has more than {most:,} fields and entries of lists."
            raise InvalidInput([Fault((), says)])
        if faults := list(_faults_of_form(document)):
            raise InvalidInput(faults)
        return document
    raise InvalidInput([Fault((), says)])


class _Pairs(list[tuple[str, Any]]):
    """An object in which a key stands twice."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | _Pairs:
    seen = dict(pairs)
    return seen if len(seen) == len(pairs) else _Pairs(pairs)


def _has_more(document: Any, most: int) -> bool:
    """Whether it has more fields and entries than that. It is not looked at any further then."""
    waiting, seen = [document], 0
    while waiting and seen <= most:
        part = waiting.pop()
        if isinstance(part, _Pairs):
            part = [value for _, value in part]
        if isinstance(part, (dict, list)):
            seen += len(part)
            waiting += part.values() if isinstance(part, dict) else part
    return seen > most


def _faults_of_form(document: Any) -> Iterator[Fault]:
    """The keys that stand twice, and whether the document is nested too deeply: whoever reads it may call itself."""
    level: list[tuple[tuple[str | int, ...], Any]] = [((), document)] if isinstance(document, (dict, list)) else []
    for _ in range(MOST_DEEP):
        below = []
        for path, part in level:
            pairs: Any = part.items() if isinstance(part, dict) else part
            if isinstance(part, _Pairs):
                for key, times in Counter(key for key, _ in part).items():
                    if times > 1:
                        yield Fault((*path, key), "stands twice in one object; keep one of the two.")
            elif isinstance(part, list):
                pairs = enumerate(part)
            below += [((*path, step), each) for step, each in pairs if isinstance(each, (dict, list))]
        level = below
    if level:
        yield Fault((), TOO_DEEP)


def _no_constant(name: str) -> None:
    raise InvalidInput([Fault((), f"This is not JSON: {name} is not a JSON number.")])


# ---- the types that every document uses


def _real_text(text: str) -> str:
    if text.isprintable():
        return text
    # PostgreSQL cannot store NUL, and nothing can encode a lone surrogate: both would raise an error later.
    if re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", text):
        raise fault("holds a control character; remove it.")
    if re.search(r"[\ud800-\udfff]", text):
        raise fault("holds half of a character (a lone surrogate); send the text as UTF-8.")
    return text


def _iso_date(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise fault(f"{value} is not a real date.") from None
    if isinstance(value, date):
        return value
    raise fault("must be a date written as 2026-11-21.")


def _not_empty(value: object) -> object:
    # Checks the value as it was sent: pydantic's own count would leave out items that have faults.
    if isinstance(value, (list, tuple)) and not value:
        raise fault("needs at least one of them.")
    return value


def _no_bool(value: object) -> object:
    # For Python, True is 1. For the sender, true is no number.
    if isinstance(value, bool):
        raise fault(f"must be a whole number, not {quoted(value)}.")
    return value


def whole(value: Any) -> Any:
    """A number without a fraction as a whole number, as JSON Schema has it; anything else as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class _NotEmpty:
    """A list that may not be empty, for validation and in the JSON Schema."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(_not_empty, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(core), "minItems": 1}


NOT_EMPTY = _NotEmpty()
NO_BOOL = BeforeValidator(_no_bool)


def one_or_many(value: object) -> str:
    """A discriminator for a field that is one value or a list, so that faults name only the kind that was sent."""
    return "(many)" if isinstance(value, (list, tuple)) else "(one)"


Text = Annotated[StrictStr, AfterValidator(_real_text)]
IsoDate = Annotated[date, BeforeValidator(_iso_date)]


def one_of(name: str, kind: str) -> Callable[[str, ValidationInfo], str]:
    """Makes a validator: the value must be in `known[name]`; `kind` is what the sentence calls it."""

    def check(value: str, info: ValidationInfo) -> str:
        choices = (info.context or {}).get(name, ())
        if value not in choices:
            near = difflib.get_close_matches(value[:100], choices, n=1, cutoff=0.75)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise fault(f"{quoted(value)} is not {kind}.{hint}")
        return value

    return check


# ---- pydantic's errors as sentences


def quoted(value: object) -> str:
    """The value that was sent, short enough for a sentence."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        text = "something that holds itself"
    # A lone surrogate cannot be encoded.
    text = text.encode(errors="replace").decode()
    return text if len(text) <= 60 else text[:57] + "…"


def _faults(error: ValidationError) -> list[Fault]:
    return [Fault(_path(details), _sentence(details)) for details in error.errors(include_url=False)]


def _path(details: ErrorDetails) -> tuple[str | int, ...]:
    # A step in brackets, such as "(any)", is the tag of a union and not part of what was sent, unless it is the name of
    # an unknown field.
    steps = list(details["loc"])
    unknown = [steps.pop()] if details["type"] == "extra_forbidden" else []
    return (*(step for step in steps if not (isinstance(step, str) and TAG.fullmatch(step))), *unknown)


_SAYS = {
    "missing": "is missing.",
    "extra_forbidden": UNKNOWN_FIELD,
    "literal_error": "{sent} is not one of {expected}.",
    "enum": "{sent} is not one of {expected}.",
    "bool_type": "must be true or false, not {sent}.",
    "int_type": "must be a whole number, not {sent}.",
    "int_parsing": "must be a whole number, not {sent}.",
    "int_from_float": "must be a whole number, not {sent}.",
    "float_type": "must be a number, not {sent}.",
    "float_parsing": "must be a number, not {sent}.",
    "string_type": "must be text, not {sent}.",
    "string_pattern_mismatch": "{sent} has not the right form.",
    "list_type": "must be a list, not {sent}.",
    "tuple_type": "must be a list, not {sent}.",
    "dict_type": "must be an object, not {sent}.",
    "model_type": "must be an object, not {sent}.",
    "greater_than": "must be more than {gt}, not {sent}.",
    "greater_than_equal": "must be {ge} or more, not {sent}.",
    "less_than": "must be less than {lt}, not {sent}.",
    "less_than_equal": "must be {le} or less, not {sent}.",
    "string_too_short": "may not be empty.",
    "string_unicode": "holds half of a character (a lone surrogate); send the text as UTF-8.",
    "too_short": "may not be empty.",
    "string_too_long": "is longer than {max_length:,} characters.",
    "too_long": "has more than {max_length} of them.",
}


def _sentence(details: ErrorDetails) -> str:
    if details["type"] == "fault":
        return details["msg"]
    # For a text whose characters are checked first, pydantic reports too_long, as for a list.
    is_long_text = details["type"] == "too_long" and isinstance(details["input"], str)
    says = _SAYS.get("string_too_long" if is_long_text else details["type"])
    if says is None:
        return details["msg"].rstrip(".") + "."
    context = dict(details.get("ctx") or {})
    context["sent"] = quoted(details["input"]) if "{sent}" in says else ""
    context["expected"] = str(context.get("expected", "")).replace("'", "")
    return says.format(**context)
