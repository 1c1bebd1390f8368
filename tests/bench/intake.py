"""
The whole way of a contact in, over the bare way of a row in.

Both are sent to one web server, started as `make run` starts it, by one client on one connection: POST
/api/v1/contacts with a token, a key and the document of the contract, each about a family of its own, with the names,
births and homes that families have (`population.py`); and a bare DRF view that authenticates the same way, reads the
same document and inserts one row. In turn, so that whatever the machine does it does to both.
"""

import http.client
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import timedelta
from itertools import count, islice
from statistics import median
from types import MappingProxyType
from typing import Any, NamedTuple

import psutil
from django.utils import timezone

from tests.bench.databases import create, reference

# Once both of the server's processes are warm.
WARM_UP = 40
SECRET = "for-the-bench-only"


class Taken(NamedTuple):
    """Seconds from the request to the answer: of the whole way, and of the bare one."""

    whole: float
    bare: float


def measure(times: int) -> Taken:
    """The medians of so many contacts and rows, sent in turn after at most as many to warm up."""
    name = create("intake", copy_of=reference())
    client_id = client_of_bench()
    whole, bare = [], []
    # The server stops at once when no connection is open.
    with server(name) as (port, _), closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        token = token_of(connection, client_id)
        warm_up = min(WARM_UP, times)
        for number, document in enumerate(islice(documents(), warm_up + times)):
            body = json.dumps(document).encode()
            answer = post(connection, "/api/v1/contacts", body, token, key=f"key {number}")
            bare_answer = post(connection, "/bare", body, token)
            if number >= warm_up:
                whole.append(answer.taken)
                bare.append(bare_answer.taken)
    return Taken(median(whole), median(bare))


class Refused(NamedTuple):
    """Seconds until an agency is told that there is no such contact: one of another agency, and none at all."""

    of_another: float
    of_none: float


def refusals(times: int) -> Refused:
    """The medians of so many answers to the police about a contact that the school sent, and about none, in turn."""
    name = create("isolation", copy_of=reference())
    school, police = client_of_bench(), client_of_bench("example-police")
    of_another: list[float] = []
    of_none: list[float] = []
    with server(name) as (port, _), closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        body = json.dumps(next(documents())).encode()
        sent = json.loads(post(connection, "/api/v1/contacts", body, token_of(connection, school)).said)
        token = token_of(connection, police)
        for number in range(WARM_UP + times):
            for asked, taken in ((sent["reference"], of_another), ("CON-AAAA-AAAA", of_none)):
                answer = _ask(connection, "GET", f"/api/v1/contacts/{asked}", token)
                assert answer.status == 404, answer.said
                if number >= WARM_UP:
                    taken.append(answer.taken)
    return Refused(median(of_another), median(of_none))


# The parts of `casework.actions.receiving.receive`, by the functions that it calls. None of them calls another.
PARTS = {
    "_rules_and_earlier": "the live rules, and an earlier contact with the same key",
    "read_contact": "reading the document",
    "_find_people": "finding people on record, and their households",
    "_number": "numbers, resends, what is hidden, reference data",
    "recommendation_for": "the facts and the rules",
    "_clocks": "clocks",
    "insert_all": "storing",
}


class Part(NamedTuple):
    """Seconds of a part for one contact: of this process, and of waiting for the database."""

    name: str
    processor: float
    waiting: float


def parts(times: int) -> list[Part]:
    """What receiving takes in its parts, the largest first: the means of so many contacts, in this process."""
    from casework.actions import receiving
    from localities.models import Agency

    agency = Agency.objects.get(code="example-primary-school")
    taken = dict.fromkeys((*PARTS, "receive"), (0.0, 0.0))

    def timed(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def do(*given: Any, **named: Any) -> Any:
            wall, processor = time.perf_counter(), time.process_time()
            done = work(*given, **named)
            wall, processor = time.perf_counter() - wall, time.process_time() - processor
            taken[name] = taken[name][0] + processor, taken[name][1] + wall - processor
            return done

        return do

    originals = {name: getattr(receiving, name) for name in PARTS}
    families = islice(documents(), WARM_UP + 2 * times, WARM_UP + 3 * times)
    try:
        for name, work in originals.items():
            setattr(receiving, name, timed(name, work))
        receive = timed("receive", receiving.receive)
        for document in families:
            receive(document=document, by=agency, now=timezone.now())
    finally:
        for name, work in originals.items():
            setattr(receiving, name, work)
    whole = taken.pop("receive")
    rest = (each - sum(part) for each, part in zip(whole, zip(*taken.values(), strict=True), strict=True))
    found = [Part(PARTS[name], *(each / times for each in seconds)) for name, seconds in taken.items()]
    found.append(Part("all else, and the end of the transaction", *(each / times for each in rest)))
    return sorted(found, key=lambda part: -part.processor - part.waiting)


def documents() -> Iterator[dict[str, Any]]:
    """The document of the contract about one family after another: a child and an adult, and all that is known."""
    from tests.bench.population import Population
    from tests.stage.documents import child, contact_document

    population = Population(seed=9)
    for number in count():
        family = [record.written for record in population.family()]
        # Of some adults nobody knows when they were born.
        children = [person for person in family if person.date_of_birth > "2008"]
        adults = [person for person in family if person not in children]
        if children and adults:
            young, adult = children[0], adults[0]
            entry = child(
                first_name=young.first_name,
                last_name=young.last_name,
                also_known_as=young.other_names.split(),
                date_of_birth=young.date_of_birth,
                sex=young.sex,
                nhs_number=young.nhs_number,
                upn=young.upn,
                address={"lines": [young.address], "postcode": young.postcode, "confidential": False},
            )
            beside = {
                "first_name": adult.first_name,
                "last_name": adult.last_name,
                "date_of_birth": adult.date_of_birth,
                "phone": adult.phone,
                "relationship": "mother",
                "same_address": True,
            }
            yield contact_document(agency_reference=f"PPN-2026-{number}", children=[entry], adults=[beside])


class Answer(NamedTuple):
    """An answer of the API, and the seconds that it took."""

    status: int
    said: bytes
    taken: float


def post(connection: http.client.HTTPConnection, path: str, body: bytes, token: str, key: str = "") -> Answer:
    answer = _ask(connection, "POST", path, token, body, {"Idempotency-Key": key} if key else {})
    assert answer.status == 201, answer.said
    return answer


def _ask(
    connection: http.client.HTTPConnection, method: str, path: str, token: str, body: bytes = b"",
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Answer:  # fmt: skip
    said = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **headers}
    started = time.perf_counter()
    connection.request(method, path, body, said)
    answer = connection.getresponse()
    content = answer.read()
    return Answer(answer.status, content, time.perf_counter() - started)


def client_of_bench(agency: str = "example-primary-school") -> str:
    """The id of a client of an agency, whose secret is `SECRET`."""
    from localities.models import Agency, AgencyClient

    client: AgencyClient = AgencyClient.objects.create(
        agency=Agency.objects.get(code=agency), name="Bench", client_secret=SECRET,
        client_type=AgencyClient.CLIENT_CONFIDENTIAL, authorization_grant_type=AgencyClient.GRANT_CLIENT_CREDENTIALS,
    )  # fmt: skip
    return str(client.client_id)


def token_of(connection: http.client.HTTPConnection, client_id: str) -> str:
    said = f"grant_type=client_credentials&client_id={client_id}&client_secret={SECRET}"
    connection.request("POST", "/o/token", said, {"Content-Type": "application/x-www-form-urlencoded"})
    answer: dict[str, str] = json.loads(connection.getresponse().read())
    return answer["access_token"]


@contextmanager
def server(database: str, *, log_level: str = "INFO") -> Iterator[tuple[int, psutil.Process]]:
    """The web server of `make run` on this database. Its port, and its process."""
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
        "LOG_LEVEL": log_level,
        "PYTHONWARNINGS": "ignore",
    }
    started = start_child("the web server", commands(port)["the web server"], environment=environment)
    try:
        _wait_for(port, timedelta(seconds=60))
        yield port, psutil.Process(started.process.pid)
    finally:
        started.stop()


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
