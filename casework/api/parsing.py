"""The parser of request bodies: strict JSON, and nothing else."""

from typing import IO, Any

from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

from errors import InvalidInput
from triage.documents import load_json

# A contact is text: the longest that the limits of its fields allow is smaller.
LARGEST = 1024 * 1024


class TooLarge(APIException):
    """The body is larger than any contact needs. It is not read to its end."""

    status_code = 413
    default_code = "too_large"
    default_detail = f"The body is larger than {LARGEST:,} bytes. Shorten the texts; documents do not travel this way."


class StrictJSONParser(BaseParser):
    """UTF-8 JSON without NaN, without the same key twice in an object, and without excessive nesting."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        body = stream.read(LARGEST + 1)
        if len(body) > LARGEST:
            raise TooLarge
        try:
            return load_json(body)
        except InvalidInput as invalid:
            raise ParseError(" ".join(str(fault) for fault in invalid.faults)) from None
