"""The parser of request bodies: strict JSON, and nothing else."""

from collections.abc import Sequence
from typing import IO, Any

from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

from errors import Fault, InvalidInput
from triage.documents import load_json

# A contact is text: the longest that the limits of its fields allow is smaller.
LARGEST = 1024 * 1024
# Fields and entries of lists. A contact about twenty children and twenty adults has two thousand.
MOST = 5000


class TooLarge(APIException):
    """The body is larger than any contact needs. It is not read to its end."""

    status_code = 413
    default_code = "too_large"
    default_detail = f"The body is larger than {LARGEST:,} bytes. Shorten the texts; documents do not travel this way."


class FileTooLarge(TooLarge):
    """The file is larger than any may be."""

    default_detail = "The file is larger than 20 MB, and was not kept. Send a smaller one."


class NotADocument(ParseError):
    """The body is not JSON, or not JSON that can be read."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = faults
        super().__init__(" ".join(map(str, faults[:10])))


class StrictJSONParser(BaseParser):
    """UTF-8 JSON without NaN, without the same key twice in an object, and not nested too deeply."""

    media_type = "application/json"
    most = MOST

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        body = stream.read(LARGEST + 1)
        if len(body) > LARGEST:
            raise TooLarge
        try:
            return load_json(body, most=self.most)
        except InvalidInput as invalid:
            raise NotADocument(invalid.faults) from None


class BatchParser(StrictJSONParser):
    """The same for a hundred contacts in one body."""

    most = 10 * MOST
