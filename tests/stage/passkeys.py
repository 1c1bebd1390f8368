"""A device that keeps one passkey, without a browser: what `passkeys.js` would send."""

import hashlib
import json
import os
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import Aaguid, AttestationObject, AttestedCredentialData, AuthenticatorData

from tests.stage.web_client import Page

ADD, LOGIN, CODE = (
    "/accounts/second-step/passkeys/add/",
    "/accounts/login/passkey/",
    "/accounts/login/second-step/",
)
PRESENT_AND_VERIFIED = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.UV


class Passkey:
    """One person's passkey for this service."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._id = os.urandom(32)
        self._owner = ""

    def add(self, client: Client, name: str = "Key") -> Page:
        """Sets it up for whoever is signed in there."""
        options = options_on(Page(client.get(ADD)))["creation_options"]["publicKey"]
        self._owner = options["user"]["id"]
        public = ES256.from_cryptography_key(self._key.public_key())  # type: ignore[no-untyped-call]  # fido2's own
        credential = AttestedCredentialData.create(Aaguid.NONE, self._id, public)
        flags = PRESENT_AND_VERIFIED | AuthenticatorData.FLAG.AT
        data = AuthenticatorData.create(_hash(options["rp"]["id"].encode()), flags, 1, bytes(credential))
        attestation = AttestationObject.create("none", data, {})
        said = {
            "attestationObject": websafe_encode(bytes(attestation)),
            "clientDataJSON": websafe_encode(_client_data("webauthn.create", options["challenge"])),
        }
        answer = client.post(ADD, {"name": name, "credential": self._sent(said)}, follow=True)
        return Page(answer)

    def signs_in(self, client: Client) -> Any:
        """Signs in by itself."""
        return client.post(LOGIN, {"credential": self.answer(asked(client))})

    def answer(self, options: dict[str, Any]) -> str:
        """What a browser sends when it is asked for it."""
        told = options["publicKey"]
        client_data = _client_data("webauthn.get", told["challenge"])
        data = bytes(AuthenticatorData.create(_hash(told["rpId"].encode()), PRESENT_AND_VERIFIED, 2))
        signature = self._key.sign(data + _hash(client_data), ec.ECDSA(hashes.SHA256()))
        said = {
            "authenticatorData": websafe_encode(data),
            "clientDataJSON": websafe_encode(client_data),
            "signature": websafe_encode(signature),
            "userHandle": websafe_encode(websafe_decode(self._owner)),
        }
        return self._sent(said)

    def _sent(self, said: dict[str, str]) -> str:
        own = websafe_encode(self._id)
        return json.dumps(
            {"id": own, "rawId": own, "type": "public-key", "clientExtensionResults": {}, "response": said}
        )


def asked(client: Client) -> dict[str, Any]:
    """What the sign-in page asks a browser for a passkey."""
    answer = client.get(LOGIN, headers={"Accept": "application/json"})
    options: dict[str, Any] = answer.json()["request_options"]
    return options


def options_on(page: Page) -> dict[str, Any]:
    """What the page asks the browser."""
    (script,) = page.root.all("script", id="passkey-options")
    options: dict[str, Any] = json.loads(script.raw)
    return options


def _client_data(kind: str, challenge: str) -> bytes:
    return json.dumps({"type": kind, "challenge": challenge, "origin": "http://testserver"}).encode()


def _hash(what: bytes) -> bytes:
    return hashlib.sha256(what).digest()
