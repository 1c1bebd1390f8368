"""What holds for every address: who may do what by which method, the trace of a look, headers, forgery."""

import re
import uuid
from collections.abc import Iterator

import pytest

from casework.models import AuditEvent, Case, Contact
from casework.web.draft_form import SECTIONS
from casework.web.urls import urlpatterns
from localities.models import Agency, User
from tests.stage.pages import BELOW_CONTACTS, ON_CASES, ON_CONTACTS
from tests.stage.staff import (
    ANOTHER_FAMILY,
    LOOKS,
    TABS_OF_A_CASE,
    SignedIn,
    looks,
    path_of,
    tab_of,
    views,
)
from tests.stage.story import Story
from tests.stage.web_client import Answer, Page, Partner, a_working_morning, browser, kept

# A draft of which nothing is saved yet: the pages that only show, then those that take something.
DRAFT = f"/contacts/new/{'0' * 32}/"
PAGES_OF_A_DRAFT = ("", "call-999/", "check/", *(f"{name}/" for name in SECTIONS))
FILE_PAGES = ("files", "file", "file-download", "file-picture", "file-remove")
REPORTS = ("/reports/overrides/", "/reports/overrides/contacts/", "/reports/equality/",
           "/reports/quality/", "/reports/quality/figures.csv", "/reports/answers/")  # fmt: skip


def _posts(contact: Contact, case: Case) -> Iterator[str]:
    for action in (*ON_CONTACTS, *BELOW_CONTACTS):
        yield f"{path_of(contact)}{action}/"
    for action in ON_CASES:
        yield f"{path_of(case)}{action}/"


def test_every_address_is_tried_here() -> None:
    """A new action needs a test here."""
    named = {str(pattern.name) for pattern in urlpatterns}
    tried = {f"contact-{action}" for action in ON_CONTACTS} | {f"case-{action}" for action in ON_CASES}
    below = {
        "contact-match", "contact-undo-match", "contact-ask-partner", "contact-partner-answer",
        "contact-partner-tell", "contact-answer-sender", "contact-partner-withdraw", "contact-protect", "contact-lift",
        # tests/web/test_compare_pages.py
        "contact-matches",
        # tests/web/test_correction_pages.py
        "contact-correct", "contact-correct-person", "contact-history",
    }  # fmt: skip
    # tests/web/test_person_pages.py has these.
    below |= {"person", "person-add", "person-end", "person-in-error", "person-protect", "person-lift"}
    # tests/web/test_contact_drafts.py has these.
    below |= {"contact-drafts", "contact-draft-delete", "contact-draft-take-over"}
    below |= {"contact-tasks", "contact-task", "contact-save", "contact-check", "contact-call-999"}
    # tests/web/test_open_list.py has these.
    below |= {"open-list", "open-list-table"}
    # tests/web/test_duty_pages.py has these.
    # tests/web/test_shift_handovers.py has these.
    below |= {"shift-handovers", "shift-handover", "shift-handover-sheet", "shift-handover-read", "shift-handover-add"}
    below |= {"duty", "rota", "absence", "absence-new", "absence-withdraw"}
    # tests/web/test_presence.py and test_sign_in_pages.py have these.
    below |= {"presence", "sign-ins"}
    # tests/web/test_compare_pages.py has this.
    below |= {"contact-compare"}
    # tests/web/test_note_pages.py
    below |= {f"{of}-note-{action}" for of in ("contact", "case") for action in ("write", "begin", "correct")}
    # tests/web/pages/test_case_tabs.py
    below |= {"case", *(f"case-{tab}" for tab in TABS_OF_A_CASE)}
    # tests/web/test_search_pages.py and test_look_first.py have these.
    below |= {"search", "contact-look", "contact-likely"}
    # tests/web/test_file_pages.py has these.
    below |= {f"contact-{page}" for page in FILE_PAGES} | {f"case-{page}" for page in FILE_PAGES}
    below |= {"contact-draft-files"}
    of_reminders = {"reminders", "reminder-seen", "reminder-snooze"}
    # In test_restricted_pages.py.
    of_restrictions = {
        "restrictions", "restriction", "break-glass", "review-glass", "name-reader", "remove-reader",
        "pass-restriction-on", "lift-restriction", "contact-restrict", "contact-conflict", "case-conflict",
        "end-conflict",
    }  # fmt: skip
    # In test_account_pages.py.
    of_accounts = {
        "account", "account-end-session", "account-end-other-sessions", "let-in", "let-in-agree", "let-in-decline",
    }  # fmt: skip
    assert named == tried | below | of_reminders | of_restrictions | of_accounts | {
        "accessibility", "worklist", "contact", "contact-decided", "contact-new", "contact-screening",
        "team", "report-overrides", "report-contacts", "report-equality", "report-quality",
        "report-quality-csv", "report-answers",
        # tests/web/test_team_pages.py has this.
        "team-allocate",
    }  # fmt: skip


def test_an_address_for_doing_is_not_for_looking(case: Case) -> None:
    signed_in = SignedIn("ben")
    contact = case.contacts.get()
    for path in _posts(contact, case):
        # Who signs in anew after a form was open too long comes back by GET.
        answer = signed_in.client.get(path)
        if path == f"{path_of(case)}step-down/":
            # His team cannot take this step, and hears so.
            assert answer.status_code == 409
        # Whoever may offer or close the case finds the page with the form.
        elif path not in {f"{path_of(case)}{action}/" for action in ("offer", "step-up", "close")}:
            action = path.removeprefix(path_of(case)).removesuffix("/")
            shows = path_of(contact) if "/contacts/" in path else path_of(case) + tab_of(case, action)
            assert (answer.status_code, answer.headers["Location"]) == (302, shows)
        assert signed_in.client.put(path).status_code == 405


def test_nor_an_address_for_looking_for_doing(case: Case) -> None:
    tabs = [f"{path_of(case)}{tab}/" for tab in TABS_OF_A_CASE]
    for path in (path_of(case), *tabs, path_of(case.contacts.get()), "/", "/teams/aylesbury/", "/reminders/", *REPORTS):
        assert SignedIn("ben").client.post(path).status_code == 405


class TestTraces:
    def test_each_look_leaves_one(self, story: Story) -> None:
        case = story.accepted()
        contact = case.contacts.get()
        for name, of in (("ben", case), ("amina", contact), ("ben", case), ("ava", case), ("iris", contact)):
            SignedIn(name).open(of)
        assert looks() == [
            ("ben", str(case)), ("amina", str(contact)), ("ben", str(case)), ("ava", str(case)), ("iris", str(contact)),
        ]  # fmt: skip

    def test_a_look_that_found_nothing_leaves_none(self, story: Story) -> None:
        case = story.accepted()
        for name, of in (("carol", case), ("carol", case.contacts.get()), ("amina", case), ("adele", case)):
            assert SignedIn(name).open(of).status == 404
        assert looks() == []

    def test_whatever_shows_a_family_leaves_one(self, story: Story) -> None:
        """A form with faults shows the whole page again, so this is a view of the record as well."""
        waiting, offer = story.contact(), story.offered(story.contact(**ANOTHER_FAMILY))
        for name in ("iris", "ava", "oliver", "ben"):
            signed_in = SignedIn(name)
            for path in _posts(waiting, offer.case):
                before = AuditEvent.objects.filter(event__in=LOOKS).count()
                answer = signed_in.client.post(path, {"handoff": offer.pk, "checks-sibling_on_cp_plan": "?"})
                shown = re.search("Ashworth|Haddad", answer.content.decode()) is not None
                after = AuditEvent.objects.filter(event__in=LOOKS).count()
                assert after - before == int(shown), (name, path)

    def test_no_trace_holds_a_name(self, story: Story) -> None:
        case = story.closed()
        SignedIn("ben").open(case)
        SignedIn("amina").open(case.contacts.get())
        for event in AuditEvent.objects.all():
            assert not re.search("Robin|Ashworth|Yusuf|They know where", str(event.detail))


def test_the_auditor_and_information_governance_see_no_buttons(story: Story) -> None:
    """Both see the pages and cannot act."""

    def buttons(of: object) -> list[set[str]]:
        return [page.actions for page in views(of, ("ava", "iris")).values()]

    contact = story.contact(received_by_phone=True)
    assert buttons(contact) == [set(), set()]
    story.decided(contact, pathway="advice", level=1, rag="blue")
    assert buttons(contact) == [set(), set()]
    handoff = story.offered(story.contact(**ANOTHER_FAMILY))
    for of in (handoff.case, handoff.case.contacts.get()):
        assert buttons(of) == [set(), set()]


class TestHeaders:
    @pytest.fixture(scope="class")
    @classmethod
    def answers(cls, told_for_a_class: None) -> dict[str, Answer]:
        """An answer of every kind."""
        case, client = Story(a_working_morning()).accepted(), browser()
        ben, amina = SignedIn("ben"), SignedIn("amina")
        partner = Partner(Agency.objects.get(code="example-primary-school"))
        return {
            "sign-in": client.get("/accounts/login/"),
            "to sign-in": client.get("/"),
            "worklist": ben.client.get("/"),
            "contact": amina.client.get(path_of(case.contacts.get())),
            "case": ben.client.get(path_of(case)),
            "team": ben.client.get("/teams/aylesbury/"),
            "reminders": ben.client.get("/reminders/"),
            "new contact": amina.client.get("/contacts/new/"),
            **{f"new contact: {name}": amina.client.get(f"{DRAFT}{name}") for name in PAGES_OF_A_DRAFT},
            "overrides": SignedIn("paula").client.get("/reports/overrides/"),
            "overruled": SignedIn("paula").client.get("/reports/overrides/contacts/"),
            "equality": SignedIn("paula").client.get("/reports/equality/"),
            "answers": SignedIn("paula").client.get("/reports/answers/"),
            "wrong days": SignedIn("paula").client.get("/reports/overrides/?first=x"),
            "faults": ben.client.post(f"{path_of(case)}close/"),
            "not allowed": ben.client.get("/contacts/new/"),
            "not found": ben.client.get("/cases/CAS-AAAA-AAAA/"),
            "no such page": client.get("/none/such/"),
            "wrong method": ben.client.get(f"{path_of(case)}close/"),
            "admin": ben.client.get("/admin/"),
            "API": partner.read("CON-AAAA-AAAA"),
            "token": client.post("/o/token"),
            "docs": client.get("/api/v1/docs"),
            "health": client.get("/healthz"),
        }

    def test_no_answer_is_kept_framed_sniffed_or_told_elsewhere(self, answers: dict[str, Answer]) -> None:
        for what, answer in answers.items():
            headers = answer.headers
            assert headers["Cache-Control"] == "no-store", what
            assert headers["X-Frame-Options"] == "DENY", what
            assert headers["X-Content-Type-Options"] == "nosniff", what
            assert headers["Referrer-Policy"] == "same-origin", what
            assert headers["Cross-Origin-Opener-Policy"] == "same-origin", what
            assert uuid.UUID(headers["X-Request-ID"]).version == 4, what

    def test_only_our_own_scripts_and_styles_run(self, answers: dict[str, Answer]) -> None:
        for what, answer in answers.items():
            policy = {
                name: sources for name, *sources in map(str.split, answer.headers["Content-Security-Policy"].split(";"))
            }
            assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == ["'none'"], what
            assert policy["script-src"] == policy["style-src"] == policy["form-action"] == ["'self'"], what
            assert not any("unsafe" in source for sources in policy.values() for source in sources), what

    def test_no_page_needs_more(self, answers: dict[str, Answer]) -> None:
        """The browser would not run a script or style that is part of the page."""
        for what, answer in answers.items():
            if not answer.headers["Content-Type"].startswith("text/html"):
                continue
            for element in Page(answer).root:
                assert element.tag != "style", what
                assert element.tag != "script" or element["src"] or "application/" in element["type"], what
                assert not any(name == "style" or name.startswith("on") for name in element.attributes), what

    def test_every_id_stands_once(self, answers: dict[str, Answer]) -> None:
        shown = ["sign-in", "worklist", "contact", "case", "team", "new contact", "faults"]
        shown += [f"new contact: {name}" for name in PAGES_OF_A_DRAFT]
        for what in (*shown, "overrides", "overruled", "equality", "wrong days"):
            ids = Page(answers[what]).ids
            assert len(ids) == len(set(ids)), what


class TestForgery:
    """Another site's page cannot send our forms."""

    def test_no_form_is_taken_without_its_token(self, story: Story, amina: User, ben: User) -> None:
        offer = story.offered()
        case, contact = offer.case, offer.case.contacts.get()
        client = browser(enforce_csrf_checks=True)
        before = kept()
        for user, paths in (
            (amina, ["/contacts/new/", *(f"{DRAFT}{name}" for name in PAGES_OF_A_DRAFT[2:])]),
            (ben, [*_posts(contact, case), "/accounts/password/change/"]),
        ):
            client.force_login(user)
            for path in [*paths, "/accounts/logout/"]:
                answer = client.post(path, {"handoff": offer.pk})
                assert (answer.status_code, Page(answer).heading) == (403, "The form was not sent"), path
        assert kept() == before
        assert client.get("/").status_code == 200, "still signed in"

    def test_nor_the_sign_in(self, db: None) -> None:
        client = browser(enforce_csrf_checks=True)
        assert client.post("/accounts/login/", {"login": "ben", "password": "x"}).status_code == 403

    def test_with_it_the_form_is_taken(self, story: Story, ben: User) -> None:
        offer = story.offered()
        client = browser(enforce_csrf_checks=True)
        client.force_login(ben)
        accepts = f"{path_of(offer.case)}accept/"
        assert client.post(accepts, Page(client.get(accepts)).form(accepts)).status_code == 302

    def test_a_partners_token_is_enough_for_the_api(self, school: Agency) -> None:
        partner = Partner(school, http=browser(enforce_csrf_checks=True))
        assert partner.read("CON-AAAA-AAAA").status_code == 404
