"""
How much a web process's memory grows while a file of 20 MB is stored and served: by the page, with a session, and by
the API, with a token. The web server is started as `make run` starts it; psutil asks its processes while it works.
"""

import http.client
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from hashlib import sha256
from typing import NamedTuple

import psutil
import requests
from django.conf import settings
from django.test import Client
from django.utils import timezone

from tests.bench.databases import create, reference
from tests.bench.intake import client_of_bench, server, token_of

EVERY = 0.002
MEGABYTE = 1024 * 1024
# What loads modules, fills caches and makes threads is not the file's.
WARM_UP = 8


class Grown(NamedTuple):
    """Megabytes that the memory of a web process grew at most, for each of the ways."""

    page: float
    api: float
    download: float


def measure() -> Grown:
    """A file of 20 MB each way, after small ones to warm up."""
    from casework.models import Contact, File
    from casework.models.files import LARGEST
    from localities.models import User
    from tests.stage.documents import contact_document
    from tests.stage.files import PDF

    name = create("filing", copy_of=reference())
    client = client_of_bench()
    signed_in = Client()
    signed_in.force_login(User.objects.get(username="amina"))
    cookies = {settings.SESSION_COOKIE_NAME: signed_in.cookies[settings.SESSION_COOKIE_NAME].value}
    with server(name, log_level="WARNING") as (port, process), requests.Session() as session:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
            token = token_of(connection, client)
        base, headers = f"http://127.0.0.1:{port}", {"Authorization": f"Bearer {token}"}
        session.cookies.update(cookies)
        answer = session.post(f"{base}/api/v1/contacts", json=contact_document(), headers=headers, timeout=60)
        reference_ = answer.json()["reference"]
        page = f"{base}/contacts/{reference_}/files/"

        def by_page(content: bytes) -> None:
            token = session.get(page, timeout=60).text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
            sent = session.post(
                page, {"csrfmiddlewaretoken": token}, files={"file": ("a.pdf", content)},
                headers={"Referer": page}, allow_redirects=False, timeout=60,
            )  # fmt: skip
            assert sent.status_code == 302, sent.text[:500]

        def by_api(content: bytes) -> None:
            path = f"{base}/api/v1/contacts/{reference_}/files"
            sent = requests.post(path, files={"file": ("a.pdf", content)}, headers=headers, timeout=60)
            assert sent.status_code == 201, sent.text[:500]

        def download(content: bytes) -> None:
            file = File.objects.get(contact=contact, by_user__isnull=False, sha256=sha256(content).hexdigest())
            got = session.get(f"{page}{file.key}/download/", timeout=60)
            assert got.content == content

        contact = Contact.objects.get(reference=reference_)
        began = timezone.now().isoformat().encode()
        for number in range(WARM_UP):
            small = PDF + began + str(number).encode()
            for way in (by_page, by_api, download):
                way(small)
        large = (PDF + began).ljust(LARGEST, b"%")
        return Grown(*(_growth(process, partial(way, large)) for way in (by_page, by_api, download)))


def _growth(process: psutil.Process, work: Callable[[], None]) -> float:
    """The most by which the memory of one of the server's processes grows meanwhile, in megabytes."""
    workers = process.children(recursive=True)
    assert workers, "the web server has no processes"
    before = {worker: worker.memory_info().rss for worker in workers}
    with _watched(workers) as peaks:
        work()
    return max(peaks[worker] - before[worker] for worker in workers) / MEGABYTE


@contextmanager
def _watched(workers: list[psutil.Process]) -> Iterator[dict[psutil.Process, int]]:
    peaks, done = dict.fromkeys(workers, 0), threading.Event()

    def watch() -> None:
        while not done.is_set():
            for worker in workers:
                peaks[worker] = max(peaks[worker], worker.memory_info().rss)
            time.sleep(EVERY)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peaks
    finally:
        done.set()
        thread.join()


def say(found: Grown) -> None:
    for way, grown in found._asdict().items():
        sys.stdout.write(f"  {way:10}{grown:>6.1f} MB\n")
