"""Every address of the API, with what belongs to another agency: the answer is as if there were none."""

import json
import re
from collections.abc import Iterator
from secrets import token_hex
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import URLPattern
from django.utils import timezone

from casework.api.urls import addresses
from casework.jobs.contact_batches import take_in
from casework.models import Contact, ContactBatch, PartnerCheck
from localities.models import Agency
from tests.stage.files import PDF
from tests.stage.story import Story
from tests.stage.web_client import Partner, every_scope, problem, todays_document

API = "/api/v1"
# What each address takes, so that nothing but the object itself can be wrong. An address that is not here fails.
SENT: dict[tuple[str, str], Any] = {
    ("api-contact", "GET"): None,
    ("api-information", "POST"): {"why": "The father is back at home."},
    ("api-files", "POST"): PDF,
    ("api-withdraw", "POST"): {"reason": "It is about another child."},
    ("api-chase", "POST"): {},
    ("api-escalate", "POST"): {"why": "Advice will not do."},
    ("api-batch", "GET"): None,
    ("api-check", "GET"): None,
    ("api-replies", "POST"): {"kind": "nothing_known"},
}
# They differ with each answer.
DIFFER = {"X-Correlation-ID", "X-Request-ID", "RateLimit"}
PARAMETER = re.compile(r"<\w+:\w+>")
CHECKS = ("api-check", "api-replies")
OF_ONE_OBJECT = [address for address in addresses if "<" in str(address.pattern)]


@pytest.fixture
def partner(school: Agency) -> Partner:
    """The school's system, which may do everything."""
    return Partner(school, scope=every_scope())


def methods_of(address: URLPattern) -> Iterator[str]:
    view: Any = getattr(address.callback, "view_class", None) or getattr(address.callback, "cls", None)
    yield from view.required_scopes


def ask(partner: Partner, address: URLPattern, method: str, which: object) -> Any:
    path = f"{API}/{PARAMETER.sub(str(which), str(address.pattern))}"
    sent = SENT[str(address.name), method]
    if isinstance(sent, bytes):
        body = {"file": SimpleUploadedFile("report.pdf", sent)}
        return partner.http.post(path, body, headers=partner.headers)
    return partner.http.generic(
        method, path, json.dumps(sent) if sent is not None else b"", "application/json", headers=partner.headers
    )


def batch_of(partner: Partner) -> ContactBatch:
    body = {"contacts": [{"idempotency_key": token_hex(), "contact": todays_document()}]}
    answer = partner.http.post(f"{API}/contact-batches", body, "application/json", headers=partner.headers)
    return ContactBatch.objects.get(key=answer.json()["id"])


def own(partner: Partner, address: URLPattern, story: Story) -> object:
    """An object of this kind that is the agency's own."""
    if address.name in CHECKS:
        return asked(story, partner.agency.code).key
    if address.name == "api-batch":
        return batch_of(partner)
    contact = partner.sent()
    if address.name == "api-escalate":
        story.decided(contact)
    return contact


def asked(story: Story, agency: str, *, in_system: bool = True) -> PartnerCheck:
    return story.asked(story.contact(), agency=agency, in_system=in_system)


def none_at(address: URLPattern) -> str:
    """What no object of this kind is called."""
    return "0" * 32 if "<slug:key>" in str(address.pattern) else "CON-AAAA-AAAA"


def others_at(address: URLPattern, story: Story) -> dict[str, object]:
    """The objects of this kind that are another agency's."""
    if address.name in CHECKS:
        Partner(Agency.objects.get(code="example-police"))
        closed = asked(story, "example-police")
        story.decided(closed.contact)
        return {"open": asked(story, "example-police").key, "closed": closed.key}
    if address.name == "api-batch":
        police = Partner(Agency.objects.get(code="example-police"))
        settled = batch_of(police)
        take_in(clock=timezone.now)
        return {"settled": settled, "waits": batch_of(police)}
    return {**of_the_police(story)}


def of_the_police(story: Story) -> dict[str, Contact]:
    """Contacts that the school did not send, of each kind that it may have to do with."""
    waits, about_which_it_is_asked = story.contact(by="example-police"), story.contact(by="example-police")
    story.asked(about_which_it_is_asked, agency="example-primary-school")
    decided = story.contact(by="example-police")
    story.decided(decided)
    return {"waits": waits, "asked about": about_which_it_is_asked, "decided": decided}


@pytest.mark.parametrize(
    ("address", "method"),
    [(address, method) for address in OF_ONE_OBJECT for method in methods_of(address)],
    ids=lambda value: value if isinstance(value, str) else str(value.name),
)
def test_what_is_another_agencys_looks_like_nothing(
    story: Story, partner: Partner, address: URLPattern, method: str
) -> None:
    none = ask(partner, address, method, none_at(address))
    problem(none, 404, "not-found")
    answer = ask(partner, address, method, own(partner, address, story))
    assert answer.status_code in {200, 201}, answer.content
    for what, other in others_at(address, story).items():
        answer = ask(partner, address, method, other)
        assert answer.content == none.content, what
        assert headers_of(answer) == headers_of(none), what


def headers_of(answer: Any) -> dict[str, str]:
    """All but those that differ with each answer."""
    return {name: value for name, value in answer.headers.items() if name not in DIFFER}


@pytest.mark.parametrize(
    "address",
    [address for address in addresses if address not in OF_ONE_OBJECT],
    ids=lambda address: str(address.name),
)
def test_no_list_names_what_is_another_agencys(story: Story, partner: Partner, address: URLPattern) -> None:
    mine, others = partner.sent(), of_the_police(story).values()
    answer = partner.http.get(f"{API}/{address.pattern}", headers=partner.headers)
    assert answer.status_code in {200, 405}
    said = answer.content.decode()
    assert [other.reference for other in others if other.reference in said] == []
    assert (mine.reference in said) == (address.name == "api-contacts")
