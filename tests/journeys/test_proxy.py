"""
The proxy of compose.yaml, with the very configuration, in front of the running service. Where the machine has no nginx,
what needs it is skipped, and says so.
"""

import os
import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from config.local.processes import start_child
from tests.stage.service import PATIENCE, Service, free_port, wait_until
from tests.stage.wire import AT_ONCE, JSON, a_contact, connect, head, many

ROOT = Path(__file__).parents[2]
PROXY: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["proxy"]
CONFIGURATION = (ROOT / "docs" / "nginx.conf").read_text()


@pytest.fixture(scope="module")
def proxy(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Its https and its http address."""
    nginx, openssl = (
        shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"),
        shutil.which("openssl"),
    )
    if nginx is None or openssl is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have nginx: .ci/run installs it.")
        pytest.skip("No nginx and openssl on this machine: install them to run the tests of the proxy.")
    place = tmp_path_factory.mktemp("proxy")
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", "tls_key",
         "-out", "tls_certificate"],
        cwd=place, check=True, capture_output=True,
    )  # fmt: skip
    secure, plain = free_port(), free_port()
    # In its container it is nobody from the start; a root of this machine would hand its folders to somebody else.
    changed = ("user root;\n" if os.geteuid() == 0 else "") + CONFIGURATION
    for ours, here in (
        ("/run/secrets/", f"{place}/"), ("web:8000", service.base_url.removeprefix("http://")),
        ("8443", f"127.0.0.1:{secure}"), ("8080", f"127.0.0.1:{plain}"), ("/tmp/", f"{place}/"),
    ):  # fmt: skip
        assert ours in changed
        changed = changed.replace(ours, here)
    (place / "nginx.conf").write_text(changed)
    child = start_child("nginx", [nginx, "-p", str(place), "-c", str(place / "nginx.conf"), "-g", "daemon off;"])
    try:

        def answers() -> bool:
            try:
                connect(f"http://127.0.0.1:{plain}").close()
            except ConnectionRefusedError:
                return False
            return True

        wait_until(answers, "the proxy answers")
        yield f"https://localhost:{secure}", f"http://localhost:{plain}"
    finally:
        child.stop()


@pytest.fixture
def client(proxy: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> requests.Session:
    session = requests.Session()
    # The environment may name other certificates.
    session.trust_env = False
    session.verify = str(next(tmp_path_factory.getbasetemp().glob("proxy*")) / "tls_certificate")
    return session


def test_contacts_in_chunks_and_pages_come_through(
    service: Service, proxy: tuple[str, str], client: requests.Session
) -> None:
    headers = {"Authorization": f"Bearer {service.token()}", "Content-Type": "application/json"}
    for body in (a_contact(), iter([a_contact()])):
        assert client.post(f"{proxy[0]}/api/v1/contacts", body, headers=headers, timeout=PATIENCE).status_code == 201
    page = client.get(f"{proxy[0]}/accounts/login/", timeout=PATIENCE)
    assert (page.status_code, "Sign in" in page.text) == (200, True)


def test_a_body_that_is_too_large_is_refused(proxy: tuple[str, str], client: requests.Session) -> None:
    answer = client.post(f"{proxy[0]}/api/v1/contacts", b" " * 1_100_000, timeout=PATIENCE)
    assert (answer.status_code, answer.headers["Content-Type"]) == (413, "application/problem+json")


def test_in_the_clear_pages_lead_on_and_nothing_is_sent(proxy: tuple[str, str]) -> None:
    answer = requests.get(f"{proxy[1]}/contacts/", timeout=PATIENCE, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (301, "https://localhost/contacts/")
    assert requests.post(f"{proxy[1]}/api/v1/contacts", a_contact(), timeout=PATIENCE).status_code == 403


def test_half_sent_requests_do_not_reach_the_service(
    service: Service, proxy: tuple[str, str], client: requests.Session
) -> None:
    tls = ssl.create_default_context(cafile=str(client.verify))
    half = head("POST", "/api/v1/contacts", JSON, "Content-Length: 5000") + b"{"
    with many(proxy[0], [b""] * 80) as connections:
        secured = [tls.wrap_socket(connection, server_hostname="localhost") for connection in connections]
        for connection in secured:
            connection.sendall(half)
        assert client.get(f"{proxy[0]}/healthz", timeout=AT_ONCE).status_code == 200
        for connection in secured:
            connection.close()


def test_what_a_client_says_of_itself_is_replaced() -> None:
    said = dict(re.findall(r"proxy_set_header (\S+) (\S+);", CONFIGURATION))
    assert said["X-Forwarded-For"] == "$remote_addr"
    assert said["X-Forwarded-Proto"] == "https"
    assert {said[name] for name in ("Forwarded", "X-Forwarded-Host", "X-Forwarded-Port", "X-Real-IP")} == {'""'}


def test_compose_starts_it_with_this_configuration() -> None:
    assert PROXY["volumes"] == ["./docs/nginx.conf:/etc/nginx/nginx.conf:ro"]
    assert PROXY["secrets"] == ["tls_certificate", "tls_key"]
    assert PROXY["ports"] == ["443:8443", "80:8080"]
