"""
The doors as those outside find them: a partner's system with its token, and a page as whoever reads its HTML.

The doors look at the clock on the wall. Documents and stories for them are therefore dated from today, not from the
tests' Thursday.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import count, islice
from typing import Any, Protocol

import pytest
from django.conf import settings
from django.db.models import Model
from django.test import Client
from django.test.client import ClientHandler
from django.utils import timezone
from lxml import html

from casework.api.throttling import AgencyThrottle
from casework.models import AuditEvent, Case, Clock, Contact, Decision, Handoff, OutboxMessage, Person, Recommendation
from localities import calendar
from localities.models import Agency, AgencyClient
from localities.working_time import LONDON, local_day
from tests.stage.documents import CONTRACT, contact_document

Path = tuple[str | int, ...]

CONTACTS = "/api/v1/contacts"
TOKEN = "/o/token"
PROBLEM = "application/problem+json"
KEPT: tuple[type[Model], ...] = (
    Contact, Person, Recommendation, Decision, Case, Handoff, Clock, OutboxMessage, AuditEvent
)  # fmt: skip


def kept() -> dict[str, int]:
    """How many rows there are of everything that a contact leaves behind, to see that a failure left nothing."""
    return {model.__name__: model._default_manager.count() for model in KEPT}


def todays_document(**changes: Any) -> dict[str, Any]:
    """The contact of the contract, for a door that is opened today."""
    on = (local_day(timezone.now()) - timedelta(days=1)).isoformat()
    return contact_document(**({"agreement": {"service": "given", "given_by": "mother", "on": on}} | changes))


def having(path: Path, value: object) -> dict[str, Any]:
    """The contact of the contract with one value changed, or added."""
    document: Any = json.loads(json.dumps(CONTRACT))
    at = document
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return document  # type: ignore[no-any-return]  # what the contract holds


def everything(part: Any, path: Path = ()) -> Iterator[Path]:
    """Every place in a document, whatever stands there."""
    entries = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for step, value in entries:
        yield (*path, step)
        yield from everything(value, (*path, step))


def a_working_morning() -> datetime:
    """Ten in the morning, two working days back: what was promised then within a working day is late by now."""
    today, hours = local_day(timezone.now()), calendar.current()
    mornings = (datetime.combine(today - timedelta(days=n), time(10), tzinfo=LONDON) for n in count(1))
    return next(islice(filter(hours.is_open, mornings), 1, None))


# ---- a partner's system


_handlers: dict[bool, ClientHandler] = {}


def browser(*, enforce_csrf_checks: bool = False, raises: bool = False) -> Client:
    """A browser of its own, at a service whose middleware is loaded once; an error is a page, or it is raised."""
    client = Client(raise_request_exception=raises, enforce_csrf_checks=enforce_csrf_checks)
    client.handler = _handlers.setdefault(enforce_csrf_checks, client.handler)
    return client


def credentials(agency: Agency, name: str = "A system") -> tuple[str, str]:
    """The client id and the secret of a new system of this agency."""
    client = AgencyClient(
        agency=agency,
        name=name,
        client_type=AgencyClient.CLIENT_CONFIDENTIAL,
        authorization_grant_type=AgencyClient.GRANT_CLIENT_CREDENTIALS,
    )
    secret: str = client.client_secret
    client.save()
    return client.client_id, secret


def every_scope() -> str:
    """All that a partner's system may ask for."""
    scopes: Any = settings.OAUTH2_PROVIDER["SCOPES"]
    return " ".join(scopes)


@dataclass
class Partner:
    """A system of an agency, with a token that it asked for."""

    agency: Agency
    scope: str = ""
    http: Client = field(default_factory=browser)

    def __post_init__(self) -> None:
        self.client_id, self.client_secret = credentials(self.agency)
        asks = {"grant_type": "client_credentials", "client_id": self.client_id, "client_secret": self.client_secret}
        answer = self.http.post(TOKEN, asks | ({"scope": self.scope} if self.scope else {}))
        assert answer.status_code == 200, answer.content
        self.token: str = answer.json()["access_token"]

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def send(self, document: Any, *, key: str | None = None, media_type: str = "application/json") -> Any:
        """Send a contact: an object, or the body as bytes."""
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        headers = self.headers | ({"Idempotency-Key": key} if key is not None else {})
        return self.http.post(CONTACTS, body, content_type=media_type, headers=headers)

    def sent(self, **changes: Any) -> Contact:
        """A contact that was taken in."""
        answer = self.send(todays_document(**changes))
        assert answer.status_code == 201, answer.content
        return Contact.objects.get(reference=answer.json()["reference"])

    def read(self, reference: object) -> Any:
        return self.http.get(f"{CONTACTS}/{reference}", headers=self.headers)


def problem(answer: Any, status: int, name: str) -> dict[str, Any]:
    """The problem document of an answer, whose shape (RFC 9457) is looked at on the way."""
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == PROBLEM
    document: dict[str, Any] = answer.json()
    assert document["type"] == f"urn:front-door:problem:{name}"
    assert document["status"] == status
    assert document["title"]
    assert document["detail"].endswith((".", "!", "?"))
    return document


def limit_calls(monkeypatch: pytest.MonkeyPatch, rate: str) -> None:
    """Limits the calls of an agency, as a setting would. REST framework reads the setting once."""
    monkeypatch.setattr(AgencyThrottle, "THROTTLE_RATES", {"agency": rate, "batches": rate})


def pointers(document: dict[str, Any]) -> dict[str, str]:
    """What a problem document says about each field."""
    return {error["pointer"]: error["detail"] for error in document["errors"]}


# ---- a page


class Answer(Protocol):
    """What the test client gives."""

    @property
    def status_code(self) -> int: ...
    @property
    def content(self) -> bytes: ...
    @property
    def headers(self) -> Any: ...


@dataclass(frozen=True)
class Element:
    """An element of a page: its attributes, and what stands in it."""

    node: Any

    def __iter__(self) -> Iterator["Element"]:
        """This element and all below it, as they stand."""
        return (Element(node) for node in self.node.iter("*"))

    def __getitem__(self, name: str) -> str:
        return str(self.node.get(name, ""))

    @property
    def tag(self) -> str:
        return str(self.node.tag)

    @property
    def children(self) -> list["Element"]:
        """The elements right below."""
        return [Element(node) for node in self.node.iterchildren("*")]

    @property
    def attributes(self) -> dict[str, str]:
        return dict(self.node.attrib)

    @property
    def text(self) -> str:
        """What a person reads in it, on one line."""
        return " ".join(self.raw.split())

    @property
    def raw(self) -> str:
        """What stands in it, lines and all."""
        return str(self.node.text_content())

    def all(self, tag: str = "", **attributes: str) -> list["Element"]:
        """The elements below with this tag and these attributes; `class_` is one class among others."""
        class_ = attributes.pop("class_", "")
        return [
            element
            for element in map(Element, self.node.iter(tag or "*"))
            if (not class_ or class_ in element["class"].split())
            and all(element[name] == value for name, value in attributes.items())
        ]


class Page:
    """A page as whoever reads its HTML: its elements, its forms as a browser would send them, its error summary."""

    def __init__(self, answer: Answer) -> None:
        self.status = answer.status_code
        self.html = answer.content.decode()
        self.root = Element(html.document_fromstring(self.html or "<html></html>"))

    @property
    def text(self) -> str:
        return self.main.text

    @property
    def main(self) -> Element:
        """What the page is about, without its header and footer."""
        return next(iter(self.root.all("main")), self.root)

    @property
    def heading(self) -> str:
        return self.root.all("h1")[0].text

    @property
    def ids(self) -> list[str]:
        return [element["id"] for element in self.root if element["id"]]

    @property
    def summary(self) -> list[tuple[str, str]]:
        """The error summary: where each entry leads (without the #; empty if it is no link), and what it says."""
        entries = [item for box in self.root.all(class_="govuk-error-summary__list") for item in box.all("li")]
        return [(next((a["href"][1:] for a in item.all("a")), ""), item.text) for item in entries]

    def error_at(self, identity: str) -> str:
        """What stands at a field that is wrong."""
        found = self.root.all(id=f"{identity}_error")
        return found[0].text.removeprefix("Error:").strip() if found else ""

    @property
    def actions(self) -> set[str]:
        """Where the forms of the page lead, but for signing out."""
        return {form["action"] for form in self.main.all("form")}

    def names(self, action: str) -> set[str]:
        """The names of all fields and buttons of this form."""
        return {element["name"] for element in self._form(action) if element["name"]}

    def form(self, action: str) -> dict[str, Any]:
        """What a browser would send of this form as it stands; no button is pressed."""
        return self.sent_by(self._form(action))

    @staticmethod
    def sent_by(form: Element) -> dict[str, Any]:
        """What a browser would send of this form as it stands; no button is pressed."""
        sent: dict[str, list[str]] = {}
        for element in form:
            for value in _values(element):
                sent.setdefault(element["name"], []).append(value)
        return {name: values[0] if len(values) == 1 else values for name, values in sent.items()}

    def _form(self, action: str) -> Element:
        (form,) = [form for form in self.main.all("form") if form["action"] == action]
        return form


def _values(element: Element) -> list[str]:
    """What a browser sends of a field: lxml's own `form_values` sends no empty box, and "on" for an empty radio."""
    if not element["name"]:
        return []
    match element.tag:
        case "input" if element["type"] in ("radio", "checkbox"):
            return [element.attributes.get("value", "on")] if "checked" in element.attributes else []
        case "input":
            return [element["value"]]
        case "textarea":
            # A browser drops the line break that follows the tag, and sends the others as CR LF.
            return [element.raw.removeprefix("\n").replace("\n", "\r\n")]
        case "select":
            options = element.all("option")
            chosen = [option["value"] for option in options if "selected" in option.attributes]
            # A list of several choices, or one without any, may be sent without a choice.
            return chosen or [option["value"] for option in options[:1] if "multiple" not in element.attributes]
        case _:
            return []


def day_of(day: date, name: str) -> dict[str, str]:
    """A date as a form's three boxes."""
    return {f"{name}_day": str(day.day), f"{name}_month": str(day.month), f"{name}_year": str(day.year)}
