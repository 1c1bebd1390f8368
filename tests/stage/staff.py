"""People of the cast at the pages: they open them, fill in the forms that they find there, and read the answer."""

from collections.abc import Iterable
from typing import Any

from casework.models import AuditEvent, Case, Contact, Event
from localities.models import User
from tests.stage.documents import address, child
from tests.stage.sessions import sign_in
from tests.stage.web_client import Answer, Page, browser

# What is done on a page of its own, and what is shown again to be checked before it is done.
OWN_PAGES = (
    "decide",
    "sign-off",
    "offer",
    "accept",
    "return",
    "withdraw",
    "close",
    "keep-open",
    "step-up",
    "step-down",
)
# The pages of a case beside its overview.
TABS_OF_A_CASE = ("chronology", "plan", "people", "handoffs", "notes")
# The page of a case on which a form stands that is not on its overview.
TABS = {"milestone": "plan/", "extend": "plan/"}
LOOKS = (Event.CONTACT_VIEWED, Event.CASE_VIEWED)

# Nobody whom the family of the contract knows.
ANOTHER_FAMILY: dict[str, Any] = {
    "children": [
        child(first_name="Noor", last_name="Haddad", nhs_number=None, date_of_birth="2015-08-21",
              address=address("HP21 7AA")),
    ],
    "adults": [],
}  # fmt: skip


class SignedIn:
    """Somebody who is signed in."""

    def __init__(self, name: str) -> None:
        self.user = User.objects.get(username=name)
        self.client = browser()
        sign_in(self.client, self.user)

    def open(self, of: object, action: str = "") -> Page:
        return Page(self.client.get(path_of(of) + action))

    def post(self, of: object, action: str, **fields: Any) -> Answer:
        """Posts data to an address, whether or not a page offers it."""
        return self.client.post(f"{path_of(of)}{action}/", fields)

    def send(self, of: object, action: str, page: Page | None = None, /, **fields: Any) -> Answer:
        """
        Fills in a form of the page, and submits it.

        :param page: the page as this user opened it before, where nothing changed since.
        """
        page = page or self.open(of, f"{action}/" if action in OWN_PAGES else tab_of(of, action))
        action_of_form = f"{path_of(of)}{action}/"
        assert fields.keys() <= page.names(action_of_form), "the form on the page has no such field"
        answer = self.post(of, action, **page.form(action_of_form) | fields)
        if answer.status_code != 200:
            return answer
        # Nothing is done yet: the page asks to check the answers.
        return self.post(of, action, **Page(answer).form(action_of_form))


def path_of(of: object) -> str:
    match of:
        case Contact():
            return f"/contacts/{of}/"
        case Case():
            return f"/cases/{of}/"
        case _:
            return str(of)


def tab_of(of: object, action: str) -> str:
    """The page of a case on which the form for this action stands, below the case's own; empty for the overview."""
    return TABS.get(action, "") if isinstance(of, Case) else ""


def views(of: object, names: Iterable[str], tab: str = "") -> dict[str, Page]:
    """The page as each of these users finds it."""
    return {name: SignedIn(name).open(of, tab) for name in names}


def offered(pages: dict[str, Page], of: object, action: str) -> set[str]:
    """The users on whose page the form for this action stands."""
    return {name for name, page in pages.items() if f"{path_of(of)}{action}/" in page.actions}


def leads_to_its_page(path: str, answer: Answer) -> bool:
    """Whether a GET of an address for doing led to the page that has the form. It leads everybody there alike."""
    leads_to = answer.headers.get("Location", "/")
    return answer.status_code == 302 and leads_to != "/" and path.startswith(leads_to)


def as_recommended(contact: Contact) -> dict[str, Any]:
    """What somebody chooses in the form for a decision who agrees with the rules, all but the rationale."""
    recommended = Contact.objects.select_related("recommendation").get(pk=contact.pk).recommendation
    assert recommended is not None
    return {f"decide-{name}": getattr(recommended, name) for name in ("pathway", "level", "rag")}


def looks() -> list[tuple[str, str]]:
    """Who looked at what, in order."""
    events = AuditEvent.objects.filter(event__in=LOOKS).select_related("by_user", "contact", "case")
    return [(str(event.by_user and event.by_user.username), str(event.contact or event.case)) for event in events]


def is_done(answer: Answer, of: object) -> None:
    """It was done, and the page says so."""
    assert (answer.status_code, answer.headers.get("Location")) == (302, path_of(of)), Page(answer).summary


def is_decided(answer: Answer, contact: Contact) -> None:
    """The decision is recorded, or agreed to, and the next page says what followed."""
    is_done(answer, f"{path_of(contact)}decided/")


def is_wrong(answer: Answer, faults: dict[str, str]) -> Page:
    """The page again, with each fault at its field, and in a summary whose links lead there."""
    page = Page(answer)
    assert page.status == 422, page.text
    assert dict(page.summary) == faults
    assert set(faults) <= set(page.ids)
    for where, says in faults.items():
        assert page.error_at(where) == says
    return page


def is_refused(answer: Answer, status: int, says: str) -> None:
    """A page with a sentence that says why, and with nothing about the family."""
    page = Page(answer)
    assert page.status == status, page.text
    assert says in page.text
    assert "Ashworth" not in page.html
