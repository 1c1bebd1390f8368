"""References of contacts, cases, people and restrictions, which people can read out on the telephone: CON-7K4M-9QXT."""

import secrets

from django.urls import register_converter
from django.urls.converters import StringConverter

# Crockford's alphabet: without I, L, O and U, no reference is misread or rude.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

# What a reference begins with says what it is of.
CONTACT = "CON"
CASE = "CAS"
PERSON = "PER"
RESTRICTION = "RES"


def new_contact_reference() -> str:
    return _new(CONTACT)


def new_case_reference() -> str:
    return _new(CASE)


def new_person_reference() -> str:
    return _new(PERSON)


def new_restriction_reference() -> str:
    return _new(RESTRICTION)


def _new(prefix: str) -> str:
    """A random reference: it does not show how many contacts there are. The database keeps it unique."""
    # Each of the alphabet's 32 letters is as likely as the next.
    letters = "".join(ALPHABET[byte % 32] for byte in secrets.token_bytes(8))
    return f"{prefix}-{letters[:4]}-{letters[4:]}"


def is_of(kind: str, reference: str) -> bool:
    """Whether a reference is of a contact (`CONTACT`), a case, a person or a restriction, by what it begins with."""
    return reference.startswith(f"{kind}-")


def as_reference(typed: str) -> str:
    """
    A reference as it was meant: in capitals, with its hyphens, and with the letters that are not in the alphabet read
    as the digits that they look like. A text that is no reference comes back without blanks, in capitals.
    """
    plain = "".join(letter for letter in typed.upper() if letter.isalnum())
    kind, letters = plain[:3], plain[3:].translate(str.maketrans("OILU", "011V"))
    if len(plain) == 11 and set(letters) <= set(ALPHABET):
        return f"{kind}-{letters[:4]}-{letters[4:]}"
    return plain


class ReferenceConverter(StringConverter):
    """
    A reference in a URL, in capitals or not. It refuses NUL, because PostgreSQL raises an error for a text with NUL in
    a query.
    """

    regex = r"[^/\x00]+"

    def to_python(self, value: str) -> str:
        return value.upper()


register_converter(ReferenceConverter, "reference")
