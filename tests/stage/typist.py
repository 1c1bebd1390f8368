"""Somebody at the front door who types a new contact in, over the pages of its draft."""

import re
import uuid
from collections.abc import Mapping
from datetime import date
from typing import Any

from django.test import Client

from casework.models import Contact, ContactDraft
from casework.web.draft_form import SECTIONS
from tests.stage.web_client import Answer, Page, day_of

START = "/contacts/new/"
# Hidden inputs that each page has anew: its token, and what it saw and is.
OF_THE_PAGE = {"csrfmiddlewaretoken", "version", "page"}
# The fields of the whole form, by the page on which they stand.
PAGE_OF = {
    (kind, name): section.slug
    for section in SECTIONS.values()
    for kind, names in (("contact", section.contact), ("child", section.children), ("adult", section.adults))
    for name in names
} | {(section.group, ""): section.slug for section in SECTIONS.values() if section.group}


def page_of(name: str) -> str:
    """The page on which an input stands, by its name."""
    kind, _, rest = name.partition("-")
    field = re.sub(r"^\d+-", "", rest)
    return PAGE_OF.get((kind, field)) or PAGE_OF[kind, re.sub("_(day|month|year)$", "", field)]


class Typist:
    """
    A user who has the pages of one draft open, types into them and presses their buttons.

    :param opened: the pages, if this user opened them empty before.
    :param key: of a draft that was begun before.
    """

    def __init__(self, client: Client, opened: Mapping[str, Page] | None = None, *, key: str = "") -> None:
        self.client, self.key = client, key or uuid.uuid4().hex
        self.pages: dict[str, Page] = {}
        # What is in the inputs; what each page said of itself; and what was in its inputs when it was saved last.
        self.fields: dict[str, Any] = {}
        self.own: dict[str, dict[str, Any]] = {}
        self.saved: dict[str, dict[str, Any]] = {}
        for name in SECTIONS:
            self._take(name, opened[name] if opened else Page(client.get(self.at(name))))

    def at(self, name: str) -> str:
        return f"{START}{self.key}/{name}/"

    def _take(self, name: str, page: Page) -> None:
        (form,) = [form for form in page.main.all("form") if form["action"].startswith(START)]
        sent = page.form(form["action"])
        self.page = self.pages[name] = page
        self.own[name] = {field: sent.pop(field) for field in {*OF_THE_PAGE, "typist"} & {*sent}}
        self.fields = {field: value for field, value in self.fields.items() if page_of(field) != name} | sent
        self.saved[name] = sent

    def type(self, **fields: Any) -> "Typist":
        """Type into fields, named as on the page with _ for -; the first child's and adult's are 0."""
        for name, value in fields.items():
            part, number, rest = [*name.split("_", 2), "", ""][:3]
            at = f"{part}-{number}-{rest}" if number.isdigit() else f"contact-{name}"
            if isinstance(value, date):
                self.fields |= day_of(value, at)
            else:
                self.fields[at] = value
        return self

    def on(self, name: str) -> dict[str, Any]:
        """What is typed on this page."""
        return {field: value for field, value in self.fields.items() if page_of(field) == name}

    def press(self, name: str, **button: Any) -> Answer:
        """
        Press a button of a page: without a name, that to save and continue. Where a page comes back, it is the one in
        hand from then on.

        :param button: its name and value; or another value for an input.
        """
        answer = self.client.post(self.at(name), self.on(name) | self.own[name] | button)
        location = answer.headers.get("Location", "")
        if location.startswith(START) and f"/{name}/" in location:
            self.key = location.split("/")[3]
            answer = self.client.get(location)
        if answer.status_code == 200:
            self._take(name, Page(answer))
        elif answer.status_code == 302:
            self.own[name] |= {"version": str(int(self.own[name]["version"]) + 1)}
            self.saved[name] = self.on(name)
        return answer

    def save(self) -> "Typist":
        """Save every page into which something was typed."""
        for name in SECTIONS:
            if self.on(name) != self.saved[name]:
                self.press(name)
        return self

    def submit(self, **changes: str) -> Answer:
        """Save every page, check the answers and submit. Where they come back, `page` has what is missing."""
        self.save()
        version = ContactDraft.objects.filter(key=self.key).values_list("version", flat=True).first()
        sent = {"version": str(version or 0), "typist": self.own["concern"]["typist"]}
        answer = self.client.post(f"{START}{self.key}/check/", sent | changes)
        if answer.headers.get("Location", "").startswith(f"{START}{self.key}/check/"):
            answer = self.client.get(answer.headers["Location"])
            self.page = Page(answer)
        return answer

    @property
    def faults(self) -> dict[str, str]:
        """What the page in hand says is wrong, by the ids of the fields."""
        return {where.rpartition("#")[2]: says for where, says in self.page.summary}

    def contact(self) -> Contact:
        """The contact that was stored."""
        answer = self.submit()
        assert answer.status_code == 302, self.page.summary
        return Contact.objects.get(reference=answer.headers["Location"].split("/")[2])

    def open(self, name: str, query: str = "") -> Page:
        """A page as it is now."""
        self._take(name, Page(self.client.get(f"{self.at(name)}{query}")))
        return self.page
