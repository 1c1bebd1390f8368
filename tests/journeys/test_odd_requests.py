"""Requests that were bent at random, with a seed: none is answered 500, and none leaves somebody waiting."""

import json
import os
from random import Random

import pytest
import requests

from tests.stage.service import Service
from tests.stage.wire import AT_ONCE, FORM, JSON, a_contact, chunks, connect, head, listen

# More of them by hand: ODD_REQUESTS=5000.
HOW_MANY, SEED = int(os.environ.get("ODD_REQUESTS", "250")), int(os.environ.get("ODD_SEED", "48"))
PATHS = [
    "/api/v1/contacts",
    "/api/v1/contacts/CON-7K4M-9QXT/information",
    "/api/v1/contacts/CON-7K4M-9QXT/files",
    "/api/v1/threshold-check",
    "/api/v1/schema",
    "/o/token",
    "/o/revoke",
    "/accounts/login/",
    "/healthz",
    "/contacts/",
    "/%00",
    "/%ff%fe",
    "//",
    "*",
    "http://localhost/healthz",
    "/?a=%",
    "/api/v1/contacts?status=%00",
    "/" + "a/" * 900,
]
METHODS = [
    "POST",
    "POST",
    "POST",
    "GET",
    "HEAD",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "get",
    "BREW",
]
KINDS = [
    JSON,
    FORM,
    "Content-Type: multipart/form-data; boundary=x",
    "Content-Type: multipart/form-data",
    "Content-Type: multipart/form-data; boundary=" + "x" * 300,
    "Content-Type: \xff",
    "Content-Type: text/plain",
    "Content-Type: application/json; charset=utf-8; charset=utf-16",
    "Content-Type: application/json;;;=",
    "X: y",
]
HEADERS = [
    "Authorization: Bearer \xff",
    "Authorization: Basic !!!",
    "Authorization: Basic Og==",
    "Authorization:",
    "Cookie: sessionid=\xff; csrftoken=",
    "Cookie: " + "a=b;" * 500,
    "Host: localhost",
    "Host: evil.example",
    "Host:",
    "Idempotency-Key: \xff\x01",
    "Accept: application/xml",
    "Accept: */*;q=x",
    "Expect: 100-continue",
    "Expect: x",
    "Content-Encoding: gzip",
    "X-Forwarded-For: \xff, 1",
    "X-Forwarded-Proto: https",
    "Range: bytes=0-x",
    'If-None-Match: "',
    "If-Modified-Since: never",
    "Connection: keep-alive, close, x",
    "Connection: upgrade",
    "Upgrade: h2c",
    "Accept-Language: " + "q" * 5000,
    "Accept-Encoding: gzip;q=x",
    "Content-Length: 3",
    "Transfer-Encoding: chunked",
    "X-Request-ID: \x7f",
    "Referer: http://[",
    "Origin: null",
    "Sec-Fetch-Site: x",
]
BODIES = [
    b"",
    b"{}",
    b"[]",
    b"null",
    b'"\\ud800"',
    b"\xff\xfe{\x00}\x00",
    b"grant_type=client_credentials&client_id=%00",
    b"grant_type=client_credentials&client_id=\xff&client_secret=%ff",
    b"login=%00&password=%00",
    b"a" * 5000,
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="\x00.pdf"\r\n\r\n%PDF\r\n--x--\r\n',
    b"--x\r\n",
    b'--x\r\nContent-Disposition: form-data; name="file"\r\nContent-Transfer-Encoding: base64\r\n\r\n!!\r\n--x--\r\n',
    b"&" * 3000,
    b'{"a":1e999}',
    b'{"type":' * 200,
]


def bent(of: Random, token: str) -> bytes:
    """A request, well framed or not."""
    body = of.choice([*BODIES, a_contact(), json.dumps({"why": "\u0000\u202e"}).encode()])
    headers = [of.choice(KINDS), *of.sample(HEADERS, of.randrange(4))]
    if of.random() < 0.6:
        headers.append(f"Authorization: Bearer {token}")
    if of.random() < 0.4:
        headers.append("Transfer-Encoding: chunked")
        body = chunks(*(body[place : place + 700] for place in range(0, len(body), 700)))
    elif of.random() < 0.9:
        headers.append(f"Content-Length: {len(body)}")
    request = bytearray(head(of.choice(METHODS), of.choice(PATHS), *headers, "Connection: close") + body)
    for _ in range(of.choice([0, 0, 0, 1, 3])):
        place = of.randrange(len(request))
        match of.randrange(3):
            case 0:
                request[place] = of.randrange(256)
            case 1:
                del request[place : place + of.randrange(1, 9)]
            case _:
                request[place:place] = of.choice([b"\r\n", b"\n", b"\x00", b" ", b"\r\n\r\n", b"0\r\n\r\n", b":"])
    return bytes(request)


def test_none_is_an_error_of_ours_and_none_hangs(service: Service) -> None:
    of, token, seen = Random(SEED), service.token(), set()
    for number in range(HOW_MANY):
        request = bent(of, token)
        with connect(service.base_url) as connection:
            connection.sendall(request)
            # What is still missing does not come.
            connection.shutdown(1)
            said = listen(connection)
        assert said.status < 500 or said.status in {501, 503}, f"{number}: {request[:600]!r} {said.all[:600]!r}"
        seen.add(said.status)
        assert said.answers <= 2, f"{number}: {request[:600]!r}"
    assert {200, 302, 400, 401, 403, 404, 405, 415} <= seen, f"only these came: {seen}"
    assert requests.get(f"{service.base_url}/healthz", timeout=AT_ONCE).status_code == 200


@pytest.mark.parametrize("end", [b"\r\n\r\n", b""])
def test_heads_of_noise(service: Service, end: bytes) -> None:
    of = Random(SEED)
    for _ in range(HOW_MANY // 5):
        noise = of.randbytes(of.randrange(1, 3000))
        with connect(service.base_url) as connection:
            connection.sendall(noise + end)
            connection.shutdown(1)
            assert listen(connection).status in {0, 400, 501}
