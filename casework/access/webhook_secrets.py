"""
The secrets with which webhooks are signed (Standard Webhooks, https://www.standardwebhooks.com).

We sign with them, so that a hash of them would not do. They are stored encrypted with the keys of the second steps,
which stand in the environment: whoever reads the database, or a copy of it, can sign nothing.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from secrets import token_bytes

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings

PREFIX = "whsec_"


def _cipher() -> MultiFernet:
    """The first key encrypts; every key decrypts. They are others than those of second steps, from the same source."""
    digests = (hashlib.sha256(f"webhooks: {key}".encode()).digest() for key in settings.FACTORS_KEYS)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])


def new_secret() -> str:
    """A secret as an agency is given it."""
    return PREFIX + base64.b64encode(token_bytes(32)).decode()


def sealed(secret: str) -> str:
    """A secret as it is stored."""
    return _cipher().encrypt(secret.encode()).decode()


def opened(stored: str) -> str:
    """A stored secret as the agency has it."""
    return _cipher().decrypt(stored.encode()).decode()


def signature(secrets: Iterable[str], *, message_id: str, timestamp: int, body: bytes) -> str:
    """The header webhook-signature: one signature for each secret, with a blank between."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    keys = (base64.b64decode(secret.removeprefix(PREFIX)) for secret in secrets)
    each = (base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in keys)
    return " ".join(f"v1,{one}" for one in each)
