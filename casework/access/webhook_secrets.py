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
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from casework.models import SignsWith

PREFIX, OF_A_PAIR, PUBLIC = "whsec_", "whsk_", "whpk_"


def _cipher() -> MultiFernet:
    """The first key encrypts; every key decrypts. They are others than those of second steps, from the same source."""
    digests = (hashlib.sha256(f"webhooks: {key}".encode()).digest() for key in settings.FACTORS_KEYS)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])


def new_secret(signs_with: SignsWith = SignsWith.SECRET) -> str:
    """A secret as an agency is given it; or that of a key pair, which nobody is given."""
    prefix = PREFIX if signs_with == SignsWith.SECRET else OF_A_PAIR
    return prefix + base64.b64encode(token_bytes(32)).decode()


def given(secret: str) -> str:
    """What the agency is given to check with: the secret itself, or the public key of the pair."""
    if not secret.startswith(OF_A_PAIR):
        return secret
    return PUBLIC + base64.b64encode(_private(secret).public_key().public_bytes_raw()).decode()


def _private(secret: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(base64.b64decode(secret.removeprefix(OF_A_PAIR)))


def sealed(secret: str) -> str:
    """A secret as it is stored."""
    return _cipher().encrypt(secret.encode()).decode()


def opened(stored: str) -> str:
    """A stored secret as the agency has it."""
    return _cipher().decrypt(stored.encode()).decode()


def signature(secrets: Iterable[str], *, message_id: str, timestamp: int, body: bytes) -> str:
    """The header webhook-signature: one signature for each secret, with a blank between."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return " ".join(_signature(secret, signed) for secret in secrets)


def _signature(secret: str, signed: bytes) -> str:
    if secret.startswith(OF_A_PAIR):
        return "v1a," + base64.b64encode(_private(secret).sign(signed)).decode()
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
