"""
From each role's first page, every link opens and every form is answered: nobody is offered what they may not do.

Of the pages of contacts, cases and people a few are opened, since they offer different things; of other pages one of a
kind. Each button is pressed once wherever it leads to another action or says something else.
"""

from collections import Counter, deque
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.urls import resolve
from django.utils import timezone

from casework.actions import broken_glass, contact_drafts, partner_checks
from casework.actions.contact_drafts import Task
from localities.models import Agency, User
from tests.stage.documents import address, child
from tests.stage.families import KIM, about
from tests.stage.pages import codes_on
from tests.stage.restricted import restrict
from tests.stage.staff import ANOTHER_FAMILY, SignedIn
from tests.stage.story import Story, person
from tests.stage.web_client import Element, Page, a_working_morning, browser

# One of each role.
USERNAMES = ("amina", "oliver", "maya", "ben", "bea", "sam", "paula", "ava", "iris", "adele")
DIFFERENT = {
    "contacts/<reference:reference>/": 5,
    "cases/<reference:reference>/": 3,
    "people/<reference:reference>/": 3,
}
BUTTONS = {("button", ""), ("button", "submit"), ("input", "submit")}
# Done, asked again or refused with its reason; but never "not found", "not yours" or "not that way".
ANSWERED = {200, 302, 303, 409, 422}


@pytest.fixture(scope="module")
def told(told_for_a_module: None) -> None:
    story = Story(a_working_morning())
    waiting, likely = about(story, child(**KIM)), about(story, child(**KIM) | {"nhs_number": None})
    story.decided(story.contact(**ANOTHER_FAMILY), by="maya", pathway="family_help", level=3, rag="amber")
    unscreened = story.contact(
        children=[child(first_name="Ada", last_name="Archer", nhs_number=None, date_of_birth="2014-01-16",
                        address=address("HP20 1UA"), indicators=[])],
        adults=[], family_indicators=[], domestic_abuse={}, referrer_level=None,
    )  # fmt: skip
    police = Agency.objects.get(code="example-police")
    partner_checks.ask(
        contact_id=waiting.pk, agency_id=police.pk, question="What do you know?", by=person("amina"), now=story.now
    )
    story.offered(likely)
    story.accepted(about(story, child(first_name="Ola", last_name="Zielinska", date_of_birth="2011-05-09")))
    restrict(story, unscreened)
    typed = {"child-0-first_name": ["Half a na"]}
    for number, name in enumerate(("amina", "oliver", "maya", "erin")):
        task = Task("children", typed, shown=typed)
        contact_drafts.save(key=f"{number:032x}", task=task, seen_version=0, by=person(name), now=timezone.now())
    broken_glass.break_glass(reference=str(unscreened), reason="Hurt.", by=person("erin"), now=story.now)


@dataclass
class Walk:
    """A walk of one person through all that is in reach."""

    who: SignedIn
    kinds: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def through(self, start: str) -> None:
        to_open, seen = deque([(start, "")]), {start}
        while to_open:
            path, found_on = to_open.popleft()
            answer = self.who.client.get(path, follow=True)
            if answer.status_code != 200:
                self.wrong.append(f"{path}, a link on {found_on}, answers {answer.status_code}")
                continue
            if not answer.headers["Content-Type"].startswith("text/html"):
                continue
            page = Page(answer)
            self.wrong += [f"{path} shows {code}" for code in codes_on(page)]
            for link in page.root.all("a"):
                leads_to = _inside(path, link["href"])
                if leads_to and leads_to not in seen and self._is_new("GET", leads_to, DIFFERENT):
                    seen.add(leads_to)
                    to_open.append((leads_to, path))
            for form in page.root.all("form"):
                for button in form.all():
                    if (button.tag, button["type"]) in BUTTONS:
                        self._press(path, form, button)

    def _press(self, path: str, form: Element, button: Element) -> None:
        """Sends a form as it stands. What it does is taken back, so that the next finds what its page showed."""
        leads_to = _inside(path, button["formaction"] or form["action"] or path)
        assert leads_to, f"{path} sends a form to {form['action']}"
        fields = Page.sent_by(form) | ({button["name"]: button["value"]} if button["name"] else {})
        if not self._is_new(f"{form['method']} {sorted(fields)} {button['name']}={button['value']}", leads_to):
            return
        cookies = copy(self.who.client.cookies)
        with transaction.atomic():
            send: Any = self.who.client.post if form["method"].lower() == "post" else self.who.client.get
            answer = send(leads_to, fields)
            transaction.set_rollback(True)
        self.who.client.cookies = cookies
        if answer.headers.get("Content-Type", "").startswith("text/html") and answer.getvalue():
            self.wrong += [f"{leads_to} answers with {code}" for code in codes_on(Page(answer))]
        if answer.status_code not in ANSWERED:
            self.wrong.append(f"{path} sends a form to {leads_to}, which answers {answer.status_code}")

    def _is_new(self, how: str, leads_to: str, at_most: Mapping[str, int] = MappingProxyType({})) -> bool:
        route = resolve(urlsplit(leads_to).path).route
        self.kinds[f"{how} {route}"] += 1
        return self.kinds[f"{how} {route}"] <= at_most.get(route, 1)


def _inside(path: str, leads_to: str) -> str | None:
    """Where a link of the page at `path` leads, without a fragment; None if out of the service."""
    parts = urlsplit(urljoin(f"http://testserver{path}", leads_to))
    if (parts.scheme, parts.netloc) != ("http", "testserver") or parts.path.startswith("/static/"):
        return None
    return parts.path + (f"?{parts.query}" if parts.query else "")


@pytest.mark.parametrize("name", USERNAMES)
def test_every_link_opens_and_every_form_is_answered(told: None, db: None, name: str) -> None:
    # Whoever has no password yet cannot change it.
    User.objects.filter(username=name).update(password=make_password("p"))
    walk = Walk(SignedIn(name))
    walk.through("/")
    assert not walk.wrong, "\n".join(walk.wrong)
    assert len(walk.kinds) > 15, f"hardly anything was tried: {walk.kinds}"


def test_whoever_is_not_signed_in_reads_what_is_public(db: None) -> None:
    client = browser()
    statement = Page(client.get("/accounts/login/")).root.all("a", href="/accessibility/")
    assert [link.text for link in statement] == ["Accessibility statement"]
    assert Page(client.get("/accessibility/")).heading == "Accessibility statement for the locality front door"
