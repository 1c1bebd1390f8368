"""References that people read to each other on the telephone: CON-7K4M-9QXT."""

import secrets

from django.urls import register_converter
from django.urls.converters import StringConverter

# Crockford's alphabet: no I, L, O or U, so that nothing is misread or rude.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_contact_reference() -> str:
    return _new("CON")


def new_case_reference() -> str:
    return _new("CAS")


def _new(prefix: str) -> str:
    """Random, so that a reference tells nobody how many contacts there were; the database keeps it unique."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(8))
    return f"{prefix}-{letters[:4]}-{letters[4:]}"


class ReferenceConverter(StringConverter):
    """What an address may hold as a reference. PostgreSQL cannot so much as look for a text with NUL in it."""

    regex = r"[^/\x00]+"


register_converter(ReferenceConverter, "reference")
