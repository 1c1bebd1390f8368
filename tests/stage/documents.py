"""Contacts as partners send them."""

import json
from pathlib import Path
from typing import Any

CONTRACT = json.loads((Path(__file__).parent / "contact.json").read_text())


def contact_document(**changes: Any) -> dict[str, Any]:
    """The example contact (contact.json): a child in Aylesbury, a level 3 need, agreement given; with changes."""
    document: dict[str, Any] = json.loads(json.dumps(CONTRACT))
    # The tests' Thursday is the day before the contract's agreement.
    document["agreement"]["on"] = "2026-11-18"
    return document | changes


def child(**changes: Any) -> dict[str, Any]:
    """The child of the example contact, with changes."""
    entry: dict[str, Any] = json.loads(json.dumps(CONTRACT["children"][0]))
    return entry | changes


def address(postcode: str | None, *, confidential: bool = False) -> dict[str, Any]:
    return {"lines": ["1 Example Road"], "postcode": postcode, "confidential": confidential}


def nhs_number(serial: int) -> str:
    """An NHS number from the range for tests, with its check digit."""
    while True:
        digits = f"999{serial:06}"
        check = 11 - sum(int(digit) * (10 - place) for place, digit in enumerate(digits)) % 11
        if check != 10:
            return f"{digits}{check % 11}"
        serial += 1000
