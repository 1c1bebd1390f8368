"""The work that is measured beside a history (`filling.py`)."""

import itertools
from collections.abc import Callable
from datetime import timedelta
from functools import cache, partial
from typing import Any

from django.test import Client
from django.utils import timezone

from casework.actions import receiving
from casework.jobs import sweep
from casework.models import Clock, Contact
from localities.models import Agency, Postcode, User
from tests.bench.databases import create, reference, use
from tests.bench.filling import fill
from tests.stage.documents import address, child, contact_document
from tests.stage.story import Story

Use = Callable[[], None]

fresh_number = itertools.count(1000)


def databases(sizes: tuple[int, int]) -> tuple[Use, Use]:
    """Two databases with histories of these sizes; calling one makes it the database in use."""
    # Both are copies of one, with the same real contacts in it: nothing but the history differs.
    model = create("history", copy_of=reference())
    tell()
    small, large = (create(f"{model}_{size}", copy_of=model) for size in sizes)
    for size, name in zip(sizes, (small, large), strict=True):
        use(name)
        fill(size)
    return partial(use, small), partial(use, large)


def tell() -> None:
    """One decided contact, which the history copies, and twenty that wait."""
    story = Story(timezone.now() - timedelta(days=30))
    decided = story.contact(**_family(0))
    story.decided(decided)
    for number in range(1, 21):
        Story(timezone.now()).contact(**_family(number))


def _family(number: int) -> dict[str, Any]:
    """A child and its mother, at any postcode of the county."""
    postcodes = _postcodes()
    born = f"20{10 + number % 10}-0{1 + number % 9}-{10 + number % 15}"
    entry = child(
        last_name=f"Waiting{number}",
        date_of_birth=born,
        nhs_number=None,
        address=address(postcodes[number * 7919 % len(postcodes)]),
        indicators=["L2-01"],
    )
    mother = contact_document()["adults"][0] | {
        "first_name": f"Mother{number}", "last_name": f"Waiting{number}",
        "date_of_birth": f"19{80 + number % 15}-05-11",
    }  # fmt: skip
    agreement = {"service": "given", "given_by": "mother"}
    return {"children": [entry], "adults": [mother], "family_indicators": [], "agreement": agreement}


@cache
def _postcodes() -> list[str]:
    return list(Postcode.objects.order_by("postcode").values_list("postcode", flat=True))


# ---- the work


def receive_one() -> None:
    receiving.receive(
        document=contact_document(**_family(next(fresh_number))),
        by=Agency.objects.get(code="example-primary-school"),
        now=timezone.now(),
    )


def open_worklist() -> None:
    _open("/")


def open_contact() -> None:
    _open(f"/contacts/{_waiting()}/")


def open_person() -> None:
    child = _waiting().children.select_related("person").get()
    _open(f"/people/{child.person.reference}/")


def open_list_of_contacts() -> None:
    _open("/admin/casework/contact/", by="sam")


def _waiting() -> Contact:
    """The contact that has waited longest."""
    waiting = Contact.objects.exclude(status="decided").order_by("pk").first()
    assert waiting is not None
    return waiting


def _open(path: str, by: str = "amina") -> None:
    client = Client()
    client.force_login(User.objects.get(username=by))
    answer = client.get(path, headers={"Host": "localhost"})
    assert answer.status_code == 200


def sweep_fifty() -> None:
    """The clocks are made due first; that costs the same beside any history."""
    now = timezone.now()
    some = Clock.objects.running().filter(next_at__gt=now).order_by("pk").values_list("pk", flat=True)[:50]
    Clock.objects.filter(pk__in=list(some)).update(next_at=now)
    sweep.sweep(now=now)
