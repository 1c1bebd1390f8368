"""References of contacts, cases and people, which people can read out on the telephone: CON-7K4M-9QXT."""

import secrets

from django.urls import register_converter
from django.urls.converters import StringConverter

# Crockford's alphabet: without I, L, O and U, no reference is misread or rude.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_contact_reference() -> str:
    return _new("CON")


def new_case_reference() -> str:
    return _new("CAS")


def new_person_reference() -> str:
    return _new("PER")


def _new(prefix: str) -> str:
    """A random reference: it does not show how many contacts there are. The database keeps it unique."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(8))
    return f"{prefix}-{letters[:4]}-{letters[4:]}"


class ReferenceConverter(StringConverter):
    """A reference in a URL. It refuses NUL, because PostgreSQL raises an error for a text with NUL in a query."""

    regex = r"[^/\x00]+"


register_converter(ReferenceConverter, "reference")
