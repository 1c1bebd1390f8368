"""Whoever sends or reads slowly holds a connection to the web server, and nothing that others wait for."""

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import cycle, islice

import psutil
import pytest
import requests

from config.local.processes import Child, start_child
from config.local.run import commands
from tests.stage.service import Service, free_port, wait_until
from tests.stage.wire import AT_ONCE, FORM, JSON, Said, a_contact, connect, head, listen, many, say

MANY = 80
GET = head("GET", "/healthz")
LARGE_ANSWER = head("GET", "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js")
HALF = {
    "bodies": [
        head("POST", "/api/v1/contacts", JSON, "Content-Length: 5000") + b'{"type"',
        head("POST", "/o/token", FORM, "Content-Length: 500") + b"grant_type=",
        head("POST", "/accounts/login/", FORM, "Content-Length: 500") + b"login=",
        head("POST", "/contacts/CON-7K4M-9QXT/files/", "Content-Type: multipart/form-data; boundary=x",
             "Content-Length: 900000") + b"--x\r\n",
        head("POST", "/api/v1/contacts", JSON, "Transfer-Encoding: chunked") + b'1000\r\n{"type"',
        head("PUT", "/api/v1/contacts", JSON, "Expect: 100-continue", "Content-Length: 5000"),
    ],
    "heads": [b"", b"G", b"POST /api/v1/contacts HTTP/1.1\r\nHost: local", b"\r\n"],
    "connections after an answer": [GET],
    "readers of large answers": [LARGE_ANSWER],
}  # fmt: skip


def answers_at_once(base_url: str) -> bool:
    return requests.get(f"{base_url}/healthz", timeout=AT_ONCE).status_code == 200


def content(said: Said) -> int:
    """How many bytes came after the head of an answer."""
    return len(said.all.partition(b"\r\n\r\n")[2])


@pytest.mark.parametrize("what", HALF)
def test_staff_and_partners_go_on_while_eighty_of_them_hang(service: Service, what: str) -> None:
    token = service.token()
    with many(service.base_url, islice(cycle(HALF[what]), MANY), room=4096 if "large" in what else 0):
        assert answers_at_once(service.base_url)
        amina = service.person("amina")
        assert "Worklist" in amina.open("/")
        answer = requests.post(
            f"{service.base_url}/api/v1/contacts", a_contact(), timeout=AT_ONCE,
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )  # fmt: skip
        assert answer.status_code == 201
        reference = answer.json()["reference"]
        assert reference in amina.open(f"/contacts/{reference}/")


def test_what_they_asked_for_still_comes(service: Service) -> None:
    """Somebody with a slow line, and an answer of a megabyte and a half."""
    with connect(service.base_url, room=4096, timeout=30) as connection:
        connection.sendall(head("GET", LARGE_ANSWER.split()[1].decode(), "Connection: close"))
        time.sleep(1)
        assert content(listen(connection)) > 1_500_000


# ---- a web server with less patience and less room

HASTY = """
import sys
from config import web_server
for name, value in {values}.items():
    assert hasattr(web_server, name), name
    setattr(web_server, name, value)
from gunicorn.app.wsgiapp import run
sys.exit(run())
"""


@pytest.fixture
def another(service: Service) -> Iterator[Callable[..., tuple[str, Child]]]:
    """Starts another web server on the service's database; its address and its process. Values replace the module's."""
    with ExitStack() as stops:

        def start(*more: str, **values: float) -> tuple[str, Child]:
            port = free_port()
            _, _, _, *arguments = commands(port, processes=1)["the web server"]
            command = [sys.executable, "-c", HASTY.format(values=values), *arguments, *more]
            child = start_child("another web server", command, environment=service.environment)
            stops.callback(child.stop)
            base_url = f"http://127.0.0.1:{port}"

            def answers() -> bool:
                try:
                    return answers_at_once(base_url)
                except requests.ConnectionError:
                    return False

            wait_until(answers, "the other web server answers")
            return base_url, child

        yield start


def test_time_runs_out_for_heads_bodies_answers_and_connections(another: Callable[..., tuple[str, Child]]) -> None:
    hasty, _ = another(HEAD_WITHIN=1, WITHIN=1, IDLE_FOR=1, AT_LEAST_A_SECOND=10_000_000)
    began = time.monotonic()
    with ExitStack() as opened:
        said_nothing, half_a_head, half_a_body, drips, answered, does_not_read = (
            opened.enter_context(connect(hasty, room=4096)) for _ in range(6)
        )
        half_a_head.sendall(b"GET /healthz HTTP/1.1\r\n")
        for connection in (half_a_body, drips):
            connection.sendall(head("POST", "/api/v1/contacts", JSON, "Content-Length: 5000"))
        answered.sendall(GET)
        does_not_read.sendall(LARGE_ANSWER)
        while time.monotonic() < began + 1.5:
            drips.sendall(b" ")
            time.sleep(0.2)
        for connection in (half_a_body, drips):
            said = listen(connection)
            assert said.status == 408
            assert b"urn:front-door:problem:too-slow" in said.all
        assert listen(said_nothing).all == listen(half_a_head).all == b""
        assert listen(answered).answers == 1
        time.sleep(2)
        assert content(listen(does_not_read)) < 1_500_000
    assert time.monotonic() < began + 15


def test_a_body_that_keeps_coming_has_time(another: Callable[..., tuple[str, Child]]) -> None:
    hasty, _ = another(WITHIN=1, AT_LEAST_A_SECOND=1000)
    form = b"grant_type=" + b"a" * 6000
    with connect(hasty) as connection:
        connection.sendall(head("POST", "/o/token", FORM, f"Content-Length: {len(form)}", "Connection: close"))
        for place in range(0, len(form), 1000):
            connection.sendall(form[place : place + 1000])
            time.sleep(0.5)
        assert listen(connection).status == 400


def test_when_all_connections_are_taken_whoever_did_nothing_for_longest_goes(
    another: Callable[..., tuple[str, Child]],
) -> None:
    small, _ = another(MOST_CONNECTIONS=20)
    with many(small, [HALF["bodies"][0]] * 60) as connections:
        assert answers_at_once(small)
        assert listen(connections[0]).all == b""
        connections[-1].settimeout(0.5)
        with pytest.raises(TimeoutError):
            connections[-1].recv(1)


def test_bodies_together_have_a_limit_and_small_ones_come_in_all_the_same(
    another: Callable[..., tuple[str, Child]], service: Service
) -> None:
    small, _ = another(MOST_HELD=1_000_000)
    half = head("POST", "/api/v1/contacts", JSON, "Content-Length: 1000000") + b" " * 450_000
    with many(small, [half] * 2):
        time.sleep(0.5)
        said = say(small, half)
        assert said.status == 503
        assert b"Retry-After: 60" in said.all
        headers = {"Authorization": f"Bearer {service.token()}", "Content-Type": "application/json"}
        assert (
            requests.post(f"{small}/api/v1/contacts", a_contact(), headers=headers, timeout=AT_ONCE).status_code == 201
        )
    wait_until(
        lambda: requests.post(f"{small}/o/token", b"a" * 900_000, timeout=AT_ONCE).status_code == 400,
        "there is room again",
    )


def test_a_stop_answers_what_has_come_and_what_is_coming(another: Callable[..., tuple[str, Child]]) -> None:
    base_url, child = another()
    form = b"grant_type=none"
    with connect(base_url) as coming, connect(base_url) as idle, connect(base_url) as next_one:
        coming.sendall(head("POST", "/o/token", FORM, f"Content-Length: {len(form)}") + form[:5])
        for connection in (idle, next_one):
            connection.sendall(GET)
            heard = b""
            while not heard.endswith(b"}"):
                heard += connection.recv(65536)
        child.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        next_one.sendall(GET)
        assert b"Connection: close" in listen(next_one).all
        assert listen(idle).all == b""
        coming.sendall(form[5:])
        said = listen(coming)
        assert (said.status, b"Connection: close" in said.all) == (400, True)
    assert child.process.wait(20) == 0


def test_a_stop_does_not_wait_for_slow_senders_for_ever(another: Callable[..., tuple[str, Child]]) -> None:
    base_url, child = another("--graceful-timeout=1")
    with many(base_url, HALF["bodies"]):
        child.process.send_signal(signal.SIGTERM)
        assert child.process.wait(20) == 0


def test_a_process_is_replaced_after_its_requests_and_nobody_notices(
    another: Callable[..., tuple[str, Child]],
) -> None:
    base_url, child = another("--max-requests=20")
    (first,) = psutil.Process(child.process.pid).children()
    for _ in range(60):
        assert requests.get(f"{base_url}/healthz", timeout=10).status_code == 200
    assert not first.is_running() or first.status() == psutil.STATUS_ZOMBIE
