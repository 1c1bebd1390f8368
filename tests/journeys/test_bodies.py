"""Bodies as programs and proxies send them, over a socket to the running service: chunked, packed, large, ambiguous."""

import gzip
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from django.conf import settings

from casework.models import Contact
from tests.stage.documents import contact_document
from tests.stage.files import PDF
from tests.stage.service import PASSWORD, PATIENCE, Service
from tests.stage.wire import CHUNKED, FORM, JSON, a_contact, chunks, connect, head, listen, say

API = "/api/v1/contacts"


def in_chunks(body: bytes) -> Iterator[bytes]:
    """In parts of many sizes; `requests` sends what it cannot count in chunks."""
    yield body[:1]
    for place in range(1, len(body), 331):
        yield body[place : place + 331]


@pytest.fixture
def token(service: Service) -> str:
    return service.token("contacts:write contacts:read threshold:check")


@pytest.fixture
def sent(service: Service, token: str) -> Callable[..., requests.Response]:
    """Posts a body to an address of the API."""

    def post(path: str, body: Any, kind: str = "application/json", **headers: str) -> requests.Response:
        said = {"Authorization": f"Bearer {token}", "Content-Type": kind, **headers}
        return requests.post(service.base_url + path, data=body, headers=said, timeout=PATIENCE)

    return post


class TestChunked:
    """What .NET and many proxies send: no length, and the body in chunks. It is read as any other."""

    def test_a_contact_and_what_is_added_to_it(self, sent: Callable[..., requests.Response]) -> None:
        body = a_contact(support_already_tried="Breakfast club, as a chunk says it.")
        answer = sent(API, in_chunks(body))
        assert answer.status_code == 201, answer.text
        contact = Contact.objects.get(reference=answer.json()["reference"])
        assert contact.document["support_already_tried"] == "Breakfast club, as a chunk says it."
        more = json.dumps({"why": "He was late again."}).encode()
        answer = sent(f"{API}/{contact.reference}/information", in_chunks(more))
        assert answer.status_code == 201, answer.text
        assert contact.information.filter(document__why="He was late again.").exists()

    def test_a_file(self, sent: Callable[..., requests.Response]) -> None:
        reference = sent(API, a_contact()).json()["reference"]
        letter = PDF + b"%" * 1_500_000
        body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="letter.pdf"\r\n\r\n' + letter
        answer = sent(f"{API}/{reference}/files", in_chunks(body + b"\r\n--x--\r\n"), "multipart/form-data; boundary=x")
        assert (answer.status_code, answer.json()["size"]) == (201, len(letter))

    def test_a_threshold_check(self, sent: Callable[..., requests.Response]) -> None:
        facts = {"children": [{"age_years": 7, "indicators": ["L3-12"]}]}
        whole, in_parts = (sent("/api/v1/threshold-check", body) for body in (
            json.dumps(facts).encode(), in_chunks(json.dumps(facts).encode())
        ))  # fmt: skip
        assert whole.status_code == 200, whole.text
        assert in_parts.json() == whole.json()

    def test_a_token(self, service: Service) -> None:
        said = f"grant_type=client_credentials&client_id={service.client_id}&client_secret={service.client_secret}"
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = requests.post(
            f"{service.base_url}/o/token", in_chunks(said.encode()), headers=headers, timeout=PATIENCE
        )
        assert answer.status_code == 200, answer.text

    def test_a_form_of_a_page(self, service: Service) -> None:
        session = requests.Session()
        page = session.get(f"{service.base_url}/accounts/login/", timeout=PATIENCE).text
        (csrf,) = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[:1]
        said = f"csrfmiddlewaretoken={csrf}&login=ben&password={PASSWORD}"
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Referer": f"{service.base_url}/accounts/login/",
        }
        answer = session.post(
            f"{service.base_url}/accounts/login/", in_chunks(said.encode()), headers=headers, timeout=PATIENCE,
            allow_redirects=False,
        )  # fmt: skip
        assert (answer.status_code, settings.SESSION_COOKIE_NAME in session.cookies) == (302, True)

    def test_with_extensions_and_a_trailer(self, service: Service, token: str) -> None:
        body = a_contact()
        start = head(
            "POST", API, JSON, f"Authorization: Bearer {token}", "Transfer-Encoding: chunked", "Connection: close"
        )
        sent = b'%X;name="a b"\r\n%s\r\n0\r\nX-Sum: 1\r\n\r\n' % (len(body), body)
        assert say(service.base_url, start, sent).status == 201

    @pytest.mark.parametrize("body", [
        b"5\r\n{\"a\":1}\r\n0\r\n\r\n", b"g\r\nx\r\n0\r\n\r\n", b"-1\r\nx\r\n0\r\n\r\n", b"0x5\r\nabcde\r\n0\r\n\r\n",
        b"5 \r\nabcde\r\n0\r\n\r\n", b"5;" + b"a" * 5000, b"0\r\n" + b"X: y\r\n" * 2000,
        b"5;a\rb\r\nabcde\r\n0\r\n\r\n",
    ])  # fmt: skip
    def test_chunks_that_are_none_are_refused(self, service: Service, token: str, body: bytes) -> None:
        start = head("POST", API, JSON, f"Authorization: Bearer {token}", CHUNKED)
        before = Contact.objects.count()
        said = say(service.base_url, start, body)
        assert (said.status, said.answers) == (400, 1)
        assert b"application/problem+json" in said.all
        assert Contact.objects.count() == before

    def test_half_of_one_is_no_contact(self, service: Service, token: str) -> None:
        before = Contact.objects.count()
        with connect(service.base_url) as connection:
            start = head("POST", API, JSON, f"Authorization: Bearer {token}", CHUNKED)
            connection.sendall(start + chunks(a_contact()).removesuffix(b"0\r\n\r\n"))
        assert requests.get(f"{service.base_url}/healthz", timeout=PATIENCE).status_code == 200
        assert Contact.objects.count() == before


class TestSize:
    """Whoever sends too much is told while they still send."""

    def test_of_a_body_whose_length_is_said(self, service: Service) -> None:
        for path in (API, "/o/token", "/accounts/login/"):
            for more in ((), ("Expect: 100-continue",)):
                said = say(service.base_url, head("POST", path, JSON, "Content-Length: 1048577", *more))
                assert (said.status, said.answers) == (413, 1), path

    def test_of_chunks(self, service: Service) -> None:
        with connect(service.base_url) as connection:
            connection.sendall(head("POST", API, JSON, CHUNKED))
            for _ in range(20):
                connection.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")
            said = listen(connection)
        document = json.loads(said.all.partition(b"\r\n\r\n")[2])
        assert (said.status, document["type"]) == (413, "urn:front-door:problem:too-large")

    def test_of_a_file(self, service: Service) -> None:
        kind = "Content-Type: multipart/form-data; boundary=x"
        said = say(service.base_url, head("POST", f"{API}/CON-7K4M-9QXT/files", kind, "Content-Length: 200000000"))
        assert said.status == 413

    def test_a_browser_that_still_sends_gets_the_page(self, service: Service) -> None:
        with connect(service.base_url) as connection:
            connection.sendall(head("POST", "/accounts/login/", FORM, "Content-Length: 30000000"))
            for _ in range(200):
                connection.sendall(b"x" * 50000)
            said = listen(connection)
        assert (said.status, b"This is too large" in said.all) == (413, True)

    def test_what_is_just_not_too_large_is_read(self, sent: Callable[..., requests.Response]) -> None:
        body = a_contact()
        assert sent(API, body + b" " * (1024 * 1024 - len(body))).status_code == 201


GET = head("GET", "/healthz")


class TestFraming:
    """What two servers could read as two different requests is refused, and nothing after it is read."""

    @pytest.mark.parametrize("headers", [
        ("Transfer-Encoding: chunked", "Content-Length: 5"), ("Content-Length: 5", CHUNKED),
        ("Transfer-Encoding: gzip, chunked",), ("Transfer-Encoding: chunked, chunked",),
        ("Transfer-Encoding: chunked", CHUNKED), ("Transfer-Encoding: identity",),
        ("Transfer-Encoding: xchunked",), ("Transfer-Encoding: \x0bchunked",), ("Transfer-Encoding:",),
        ("Transfer-Encoding : chunked",), ("Transfer-Encoding: chunked, identity",), ("Transfer-Encoding: chunked,",),
        ("Transfer-Encoding:\r\n chunked",), ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: 5", "Content-Length: 5"), ("Content-Length: +5",), ("Content-Length: 5, 5",),
        ("Content-Length: -1",), ("Content-Length: 0x5",), ("Content-Length: 5 5",), ("Content-Length: " + "9" * 5000,),
        ("Content-Length:",), ("X: a\r\n folded", "Content-Length: 5"), ("X: a\nTransfer-Encoding: chunked",),
        ("X: a\rContent-Length: 5",), (" X: a",), ("X",),
    ])  # fmt: skip
    def test_is_refused_when_it_is_odd(self, service: Service, headers: tuple[str, ...]) -> None:
        said = say(service.base_url, head("POST", "/o/token", FORM, *headers), b"0\r\n\r\n", GET)
        assert (said.status in {400, 501}, said.answers) == (True, 1), said.all

    @pytest.mark.parametrize("first", [
        b"GET /healthz HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", b"GET /healthz\r\n\r\n",
        b"GET /healthz HTTP/2.0\r\nHost: localhost\r\n\r\n", b"GET  /healthz HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 70000 + b"\r\n\r\n",
        b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ])  # fmt: skip
    def test_a_head_that_is_none_is_refused(self, service: Service, first: bytes) -> None:
        said = say(service.base_url, first, GET)
        assert (said.status in {400, 431}, said.answers) == (True, 1), said.all

    def test_requests_on_one_connection_are_answered_in_turn(self, service: Service) -> None:
        last = head("GET", "/healthz", "Connection: close")
        said = say(service.base_url, GET + head("POST", "/o/token", FORM, CHUNKED) + chunks(b"a=b") + last)
        assert re.findall(rb"HTTP/1.1 (\d+)", said.all) == [b"200", b"400", b"200"]

    def test_a_header_that_only_looks_like_one_of_a_proxy_is_dropped(self, service: Service) -> None:
        said = say(service.base_url, head("POST", "/o/token", FORM, "Transfer_Encoding: chunked", "Connection: close"))
        assert said.status == 400


class TestKind:
    """A body that is packed, or in other letters than UTF-8, is refused for what it is."""

    @pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "zstd", "GZIP", "gzip, identity", "\u00a3"])
    @pytest.mark.parametrize(
        "path", [API, f"{API}/CON-7K4M-9QXT/files", "/api/v1/threshold-check", "/o/token", "/accounts/login/"]
    )
    def test_packed(self, service: Service, path: str, coding: str) -> None:
        headers = {"Content-Encoding": coding.encode("latin-1"), "Content-Type": b"application/json"}
        answer = requests.post(service.base_url + path, gzip.compress(a_contact()), headers=headers, timeout=PATIENCE)
        assert (answer.status_code, answer.headers["Accept-Encoding"]) == (415, "identity")
        if not path.startswith("/accounts"):
            assert "Send it as it is" in answer.json()["detail"]

    @pytest.mark.parametrize("charset", ["utf-16", "iso-8859-1", '"latin1"', "utf-7", "nonsense"])
    @pytest.mark.parametrize(
        "kind", ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
    )
    def test_in_another_charset(self, sent: Callable[..., requests.Response], kind: str, charset: str) -> None:
        answer = sent(API, a_contact(), f"{kind}; charset={charset}")
        assert (answer.status_code, "UTF-8" in answer.json()["detail"]) == (415, True)

    @pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf-8"', "utf8", "us-ascii"])
    def test_in_our_charset(self, sent: Callable[..., requests.Response], charset: str) -> None:
        assert sent(API, a_contact(), f"application/json; charset={charset}").status_code == 201

    def test_with_the_mark_that_microsofts_tools_put_before_it(self, sent: Callable[..., requests.Response]) -> None:
        assert sent(API, b"\xef\xbb\xbf" + a_contact()).status_code == 201

    @pytest.mark.parametrize("coding", ["utf-16", "utf-16-le", "utf-32-be", "latin-1"])
    def test_in_other_letters_that_nothing_announces(self, sent: Callable[..., requests.Response], coding: str) -> None:
        body = json.dumps(contact_document(support_already_tried="Zoë's café"), ensure_ascii=False).encode(coding)
        answer = sent(API, body)
        assert (answer.status_code, answer.json()["detail"]) == (400, "This is not JSON: the text is not UTF-8.")
