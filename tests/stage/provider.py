"""A provider of council accounts (OpenID Connect) that the tests start: a real one, in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import requests
from django.test import Client

from tests.stage.service import free_port, wait_until

PEOPLE: tuple[dict[str, Any], ...] = (
    {"sub": "ben-at-the-council", "email": "ben@front-door.example", "email_verified": True, "employee_id": "E-1001"},
    {"sub": "two-steps-there", "email": "ben@front-door.example", "email_verified": True,
     "amr": ["pwd", "mfa"], "acr": "http://schemas.openid.net/pape/policies/2007/06/multi-factor"},
    {"sub": "nobody-vouches", "email": "ben@front-door.example", "email_verified": False},
    {"sub": "a-stranger", "email": "eve@front-door.example", "email_verified": True, "employee_id": "E-9"},
    {"sub": "by-number", "email": "other@front-door.example", "employee_id": "E-2002"},
)  # fmt: skip


@contextmanager
def provider() -> Iterator[str]:
    """Its address."""
    port = free_port()
    known = [argument for each in PEOPLE for argument in ("--user-claims", json.dumps(each))]
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port), *known],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    address = f"http://localhost:{port}"
    try:
        wait_until(lambda: _answers(address), "the provider of council accounts answers")
        yield address
    finally:
        process.terminate()
        process.wait()


def _answers(address: str) -> bool:
    try:
        return requests.get(f"{address}/.well-known/openid-configuration", timeout=5).ok
    except requests.ConnectionError:
        return False


def goes_there(client: Client, path: str, sub: str) -> Any:
    """Presses the button at this address, signs in at the provider or cancels (`sub` is empty), and comes back."""
    leads_there = client.post(path)
    assert leads_there.status_code == 302, leads_there.content
    form = {"sub": sub} if sub else {"action": "deny"}
    back = requests.post(leads_there.headers["Location"], form, allow_redirects=False, timeout=10)
    assert back.status_code == 302, back.text
    parts = urlsplit(back.headers["Location"])
    return client.get(f"{parts.path}?{parts.query}")
