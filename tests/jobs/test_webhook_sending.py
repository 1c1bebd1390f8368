"""Sending to addresses that agencies gave, over real sockets: whoever answers, and whoever does not, or means harm."""

import socket
import time
from typing import Any

import pytest

from casework.jobs import webhook_sending
from casework.jobs.webhook_sending import NotDeliveredError, check_url, is_public, post
from tests.stage.receivers import receiver, says


def send(url: str, *, loopback: bool = True) -> int:
    return post(url, b'{"type": "contact.decided"}', {"webhook-id": "evt_1"}, loopback=loopback)


@pytest.fixture
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_sending, "LONGEST", 0.5)


class TestAnswers:
    def test_the_request_arrives_whole_and_the_status_comes_back(self) -> None:
        with receiver(says(b"HTTP/1.1 204 No Content\r\n\r\n")) as (url, requests):
            assert send(url) == 204
        head, _, body = requests[0].partition(b"\r\n\r\n")
        assert head.startswith(b"POST /hook?of=us HTTP/1.1\r\nHost: 127.0.0.1:")
        assert b"\r\nwebhook-id: evt_1" in head
        assert body == b'{"type": "contact.decided"}'

    def test_one_that_fails(self) -> None:
        with receiver(says(b"HTTP/1.1 500 Internal Server Error\r\n\r\n")) as (url, _):
            assert send(url) == 500

    def test_an_interim_answer_is_not_the_answer(self) -> None:
        with receiver(says(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 410 Gone\r\n\r\n")) as (url, _):
            assert send(url) == 410

    def test_nothing_of_a_body_is_read(self) -> None:
        def without_end(connection: socket.socket) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                connection.sendall(b"x" * 65_536)

        with receiver(without_end) as (url, _):
            assert send(url) == 200

    @pytest.mark.parametrize("answer", [b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 20\r\n", b"HTTP/1.1 abc\r\n", b"x" * 20_000])
    def test_what_is_no_answer(self, answer: bytes) -> None:
        with receiver(says(answer)) as (url, _), pytest.raises(NotDeliveredError):
            send(url)

    def test_nobody_is_there(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        with pytest.raises(NotDeliveredError, match="no connection"):
            send(f"http://127.0.0.1:{port}/")

    @pytest.mark.parametrize("to", ["http://169.254.169.254/latest/meta-data", "http://127.0.0.1:{port}/", "/admin/"])
    def test_a_redirect_is_followed_by_nobody(self, to: str) -> None:
        with receiver(says(b"HTTP/1.1 200 OK\r\n\r\n")) as (inside, seen):
            to = to.format(port=inside.split(":")[2].split("/")[0])
            with receiver(says(f"HTTP/1.1 307 Temporary Redirect\r\nLocation: {to}\r\n\r\n".encode())) as (url, asked):
                assert send(url) == 307
            assert (len(asked), seen) == (1, [])


@pytest.mark.usefixtures("in_a_hurry")
class TestSlowOnes:
    def test_one_that_hangs(self) -> None:
        with receiver(lambda _: time.sleep(3)) as (url, _):
            self._is_given_up(url)

    def test_one_that_drips(self) -> None:
        def drip(connection: socket.socket) -> None:
            for _ in range(30):
                connection.sendall(b"H")
                time.sleep(0.1)

        with receiver(drip) as (url, _):
            self._is_given_up(url)

    def test_interim_answers_without_end(self) -> None:
        def drip(connection: socket.socket) -> None:
            for _ in range(30):
                connection.sendall(b"HTTP/1.1 102 Processing\r\n\r\n")
                time.sleep(0.1)

        with receiver(drip) as (url, _):
            self._is_given_up(url)

    def test_one_that_answers_late_but_in_time(self) -> None:
        def late(connection: socket.socket) -> None:
            time.sleep(0.2)
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

        with receiver(late) as (url, _):
            assert send(url) == 200

    def _is_given_up(self, url: str) -> None:
        began = time.monotonic()
        with pytest.raises(NotDeliveredError, match="too slow"):
            send(url)
        assert time.monotonic() - began < 1.5


class TestWhereWeSend:
    @pytest.mark.parametrize(
        "address",
        [
            "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
            "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "192.0.2.1", "::1", "::", "fe80::1",
            "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254",
            "::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:7f00:1::", "2001:db8::1",
            "100::1", "fe80::1%eth0", "localhost", "",
        ],
    )  # fmt: skip
    def test_no_address_but_a_public_one(self, address: str) -> None:
        assert not is_public(address)

    @pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2a00:1450:4009:81f::200e", "2606:4700::1111"])
    def test_public_ones(self, address: str) -> None:
        assert is_public(address)

    @pytest.mark.parametrize(
        "host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "127.1", "169.254.169.254", "0"]
    )
    def test_in_production_no_name_or_number_leads_to_ourselves(self, host: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(0.2)
            with pytest.raises(NotDeliveredError, match="address refused"):
                send(f"https://{host}:{server.getsockname()[1]}/", loopback=False)
            with pytest.raises(TimeoutError):
                server.accept()

    def test_in_development_no_address_but_loopback_is_added(self) -> None:
        for host in ("169.254.169.254", "10.0.0.1"):
            with pytest.raises(NotDeliveredError, match="address refused"):
                send(f"http://{host}/")

    def test_a_name_is_resolved_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is another address the second time: whoever asks twice checks one and connects to the other."""
        answers = iter(["127.0.0.1", "169.254.169.254"])
        asked: list[Any] = []

        def resolve(host: Any, port: Any, *_: Any, **__: Any) -> list[Any]:
            asked.append(host)
            address = next(answers) if host == "rebinds.example" else host
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        with receiver(says(b"HTTP/1.1 200 OK\r\n\r\n")) as (url, requests):
            assert send(url.replace("127.0.0.1", "rebinds.example")) == 200
        assert asked.count("rebinds.example") == 1
        assert b"\r\nHost: rebinds.example:" in requests[0]

    def test_a_name_of_which_one_address_is_ours_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in ("8.8.8.8", "10.0.0.1")]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)
        with pytest.raises(NotDeliveredError, match="address refused"):
            send("https://both.example/", loopback=False)

    @pytest.mark.parametrize(
        "url",
        [
            "http://school.example/", "ftp://school.example/", "https://", "https://a:b@school.example/",
            "https://school.example/#x", "https://school.example/a b", "https://school.example/\r\nX: y",
            "https://school.example:x/", "https://schööl.example/",
        ],
    )  # fmt: skip
    def test_addresses_that_are_refused(self, url: str) -> None:
        with pytest.raises(ValueError, match=r"address|port"):
            check_url(url, loopback=False)

    def test_a_certificate_that_nobody_trusts(self) -> None:
        with (
            receiver(says(b"")) as (url, _),
            pytest.raises(NotDeliveredError, match=r"no trusted certificate|no conn|too"),
        ):
            send(url.replace("http:", "https:"))
