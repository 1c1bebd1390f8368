"""What comes again under the same Idempotency-Key (draft-ietf-httpapi-idempotency-key-header) is answered as before."""

import re

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from errors import Fault, InvalidInput

LONGEST_KEY = 255
A_KEY = f"must be at most {LONGEST_KEY} printable characters."
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="Yours, up to 255 characters, in quotation marks or without. We know it for at least 30 days.",
)
REPLAYED = "Idempotency-Replayed"
IS_REPLAYED = OpenApiParameter(
    REPLAYED,
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    response=[201],
    description="`true` where this came before: the answer is that of the first time.",
)


def idempotency_key(request: Request) -> str | None:
    """
    The key of a call, if it has one.

    :raises InvalidInput: it is too long, or has characters that nobody sees.
    """
    key = request.headers.get("Idempotency-Key", "").strip()
    # The draft of the IETF writes it as a string of a structured field (RFC 9651).
    if quoted := re.fullmatch(r'"((?:[^"\\]|\\["\\])*)"', key):
        key = re.sub(r"\\(.)", r"\1", quoted[1])
    if not is_a_key(key):
        raise InvalidInput([Fault((), f"Idempotency-Key: {A_KEY}")])
    return key or None


def is_a_key(key: str) -> bool:
    """Whether it is not too long, and people can see each character."""
    return len(key) <= LONGEST_KEY and key.isprintable()


def replayed(is_new: bool) -> dict[str, str]:
    """The header that says that an answer is that of the first time."""
    return {} if is_new else {REPLAYED: "true"}
