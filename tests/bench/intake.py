"""
The whole way of a contact in, over the bare way of a row in.

Both are sent to one web server, started as `make run` starts it, by one client on one connection: POST
/api/v1/contacts with a token, a key and the document of the contract, each about a family of its own; and a bare DRF
view that authenticates the same way, reads the same document and inserts one row. In turn, so that whatever the machine
does it does to both.
"""

import http.client
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from statistics import median
from typing import Any, NamedTuple

from tests.bench.databases import create, reference

# Once both of the server's processes are warm.
WARM_UP = 40


class Taken(NamedTuple):
    """Seconds from the request to the answer: of the whole way, and of the bare one."""

    whole: float
    bare: float


def measure(times: int) -> Taken:
    """The medians of so many contacts and rows, sent in turn after at most as many to warm up."""
    from localities.models import Agency, AgencyClient

    name = create("intake", copy_of=reference())
    secret = "for-the-bench-only"
    client = AgencyClient.objects.create(
        agency=Agency.objects.get(code="example-primary-school"), name="Bench", client_secret=secret,
        client_type=AgencyClient.CLIENT_CONFIDENTIAL, authorization_grant_type=AgencyClient.GRANT_CLIENT_CREDENTIALS,
    )  # fmt: skip
    whole, bare = [], []
    # The server stops at once when no connection is open.
    with _server(name) as port, closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        token = _token(connection, client.client_id, secret)
        warm_up = min(WARM_UP, times)
        for number in range(warm_up + times):
            body = json.dumps(_document(number)).encode()
            taken = _post(connection, "/api/v1/contacts", body, token, key=f"key {number}")
            bare_taken = _post(connection, "/bare", body, token)
            if number >= warm_up:
                whole.append(taken)
                bare.append(bare_taken)
    return Taken(median(whole), median(bare))


def _document(number: int) -> dict[str, Any]:
    from tests.stage.documents import address, child, contact_document

    born = f"20{10 + number % 12}-{1 + number % 12:02}-{1 + number // 12 % 28:02}"
    name = {"first_name": f"Robin{number}", "last_name": f"Ash{number * 7919 % 10007}"}
    home = f"HP{1 + number % 97} {number % 10}{chr(65 + number % 26)}{chr(65 + number // 26 % 26)}"
    entry = child(**name, also_known_as=[], date_of_birth=born, nhs_number=None, address=address(home))
    adult = {"first_name": "Sam", "last_name": name["last_name"], "relationship": "mother", "same_address": True}
    return contact_document(children=[entry], adults=[adult])


def _post(connection: http.client.HTTPConnection, path: str, body: bytes, token: str, key: str = "") -> float:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    if key:
        headers["Idempotency-Key"] = key
    started = time.perf_counter()
    connection.request("POST", path, body, headers)
    answer = connection.getresponse()
    said = answer.read()
    taken = time.perf_counter() - started
    assert answer.status == 201, said
    return taken


def _token(connection: http.client.HTTPConnection, client_id: str, secret: str) -> str:
    said = f"grant_type=client_credentials&client_id={client_id}&client_secret={secret}"
    connection.request("POST", "/o/token", said, {"Content-Type": "application/x-www-form-urlencoded"})
    answer: dict[str, str] = json.loads(connection.getresponse().read())
    return answer["access_token"]


@contextmanager
def _server(database: str) -> Iterator[int]:
    """The web server of `make run` on this database. Its port."""
    from config.local.processes import start_child
    from config.local.run import commands

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    url = os.environ["DATABASE_URL"]
    base, _, query = url.partition("?")
    environment = os.environ | {
        "DATABASE_URL": f"{base.rpartition('/')[0]}/{database}" + (f"?{query}" if query else ""),
        "DJANGO_SETTINGS_MODULE": "tests.bench.bare_settings",
        "BASE_URL": f"http://127.0.0.1:{port}",
        "LOG_LEVEL": "INFO",
        "PYTHONWARNINGS": "ignore",
    }
    server = start_child("the web server", commands(port)["the web server"], environment=environment)
    try:
        _wait_for(port, timedelta(seconds=60))
        yield port
    finally:
        server.stop()


def _wait_for(port: int, at_most: timedelta) -> None:
    ends_at = time.monotonic() + at_most.total_seconds()
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > ends_at:
                sys.exit("The web server did not start.")
            time.sleep(0.1)
        else:
            return
