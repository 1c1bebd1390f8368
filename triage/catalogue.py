"""The indicators of the Continuum of Need, with a bit for each."""

import re
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator

from triage.documents import Document, Text, fault, quoted


class Gate(StrEnum):
    """What an indicator means for early help: it excludes it, it asks for a social worker, or it allows it."""

    HARD_STOP = "hard_stop"
    STRONG = "strong"
    EARLY_HELP = "early_help"


def _code(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,9}", text):
        raise fault(f"{quoted(text)} is no code: letters, digits and -, at most ten of them.")
    return text


class IndicatorEntry(Document):
    """One line of the Continuum of Need."""

    code: Annotated[Text, AfterValidator(_code)]
    level: Literal[2, 3, 4]
    domain: Text
    area: Text
    gate: Gate
    also_refer_to: Text | None = None
    says: Text


class Catalogue:
    """The indicators. Each has a bit of its own, so that "any of these" and "how many of these" are one operation."""

    def __init__(self, entries: tuple[IndicatorEntry, ...]) -> None:
        self.entries = {entry.code: entry for entry in entries}
        self.bits = {entry.code: 1 << position for position, entry in enumerate(entries)}
        self.everything = (1 << len(entries)) - 1
        self._of_bit = {bit: code for code, bit in self.bits.items()}
        self._masks: dict[tuple[str, object], int] = {}
        self.domains = {domain: self.mask(domain=domain) for domain in {entry.domain for entry in entries}}

    def mask(self, **wanted: object) -> int:
        """The bits of all indicators with these values: `mask(level=3)`."""
        mask = self.everything
        for name, value in wanted.items():
            mask &= self._with(name, value)
        return mask

    def _with(self, name: str, value: object) -> int:
        """The bits of all indicators with this value of one field. Reading a rule set asks for the same ones often."""
        if (name, value) not in self._masks:
            codes = [code for code, entry in self.entries.items() if getattr(entry, name) == value]
            self._masks[name, value] = self.present(tuple(codes))
        return self._masks[name, value]

    def present(self, codes: tuple[str, ...]) -> int:
        """The bits of these codes."""
        mask = 0
        for code in codes:
            mask |= self.bits[code]
        return mask

    def codes(self, mask: int) -> list[str]:
        """The codes of these bits, in the order of the catalogue."""
        found = []
        while mask:
            lowest = mask & -mask
            found.append(self._of_bit[lowest])
            mask ^= lowest
        return found
