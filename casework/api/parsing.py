"""Reading bodies: JSON as a careful reader reads it, and nothing else."""

from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from triage.documents import InvalidDocument, load_json


class StrictJSONParser(BaseParser):
    """UTF-8 JSON: no NaN, no key twice in one object, nothing nested beyond reason."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            return load_json(stream.read())
        except InvalidDocument as invalid:
            raise ParseError(" ".join(str(fault) for fault in invalid.faults)) from None
