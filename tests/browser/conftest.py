"""A real Chromium. Where the machine has none, these tests are skipped, and say so; CI has one, and demands it."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connections
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright

from casework.models import Contact
from localities.models import User
from tests.stage.chromium import ARGUMENTS, chromium
from tests.stage.service import PASSWORD, PATIENCE, Service
from tests.stage.sessions import session_of_its_own
from tests.stage.staff import as_recommended

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
WCAG_2_2_AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
expect.set_options(timeout=PATIENCE * 1000)


@pytest.fixture(scope="package")
def browser(_running_service: Service) -> Iterator[Browser]:
    """Chromium. The service comes first: Playwright's event loop gives this thread other database connections."""
    path = chromium()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have a Chromium: .ci/run installs it.")
        pytest.skip("No Chromium on this machine: install it, or name it in CHROMIUM, to run the browser's tests.")
    # Playwright runs an event loop in this thread; our own queries beside it are as synchronous as ever.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        connections.close_all()
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


class SignedIn:
    """Somebody at a browser, signed in as one of the cast. Errors of the page's scripts and of the CSP are kept."""

    width: int

    def __init__(self, context: BrowserContext, service: Service) -> None:
        self.page: Page = context.new_page()
        self.base_url = service.base_url
        self.complaints: list[str] = []
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        # A test that leaves what no other can undo, such as a clock that it sets, says so.
        self.is_spent = False

    def _hear(self, message: Any) -> None:
        # A form that is sent with faults answers 422; the browser calls that an error, and it is none.
        if message.type == "error" and not any(f"status of {code}" in message.text for code in (404, 410, 422)):
            self.complaints.append(message.text)

    def go(self, path: str, *, wait_until: Any = "load") -> Page:
        self.page.goto(self.base_url + path, wait_until=wait_until)
        return self.page

    @contextmanager
    def next_page(self) -> Iterator[None]:
        """
        Wait for the whole page to which a link, a button or Enter leads: `with window.next_page(): link.click()`.

        For what comes next and does not wait by itself: `go`, a query, or a look for what the old page has, too.
        """
        self.page.wait_for_load_state()
        with self.page.expect_navigation():
            yield

    @contextmanager
    def late_scripts(self) -> Iterator[None]:
        """The scripts of the page that is opened here are on their way, and arrive at the end."""
        held: list[Route] = []
        self.page.route("**/*.js", lambda route: held.append(route))
        try:
            yield
            assert held, "no script was asked for"
        finally:
            # Those that are held go on.
            self.page.unroute("**/*.js")
        self.page.wait_for_load_state()

    def sign_in(self, username: str) -> Page:
        """Be signed in, without the form: its page and the check of a password take half a second each time."""
        session = session_of_its_own(User.objects.get(username=username))
        self.page.context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": self.base_url, "httpOnly": True}]
        )
        return self.go("/")

    def sign_in_by_the_form(self, username: str) -> Page:
        self.go("/")
        self.fill_in_the_sign_in(username)
        return self.page

    def fill_in_the_sign_in(self, username: str) -> None:
        """On the page for signing in."""
        self.page.get_by_label("User name").fill(username)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in", exact=True).click()

    def lose_the_session(self) -> None:
        """Be somebody whose session has ended. The browser keeps its other cookies."""
        self.page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)

    def leave(self) -> None:
        """
        Be somebody whom nobody knows, on a page that shows nothing. The pages keep nothing but cookies.

        The page is one of the same site: for any other, Chromium would start a new process.
        """
        self.page.goto(f"{self.base_url}/healthz")
        self.page.emulate_media(media="null")
        self.page.context.clear_cookies()
        self.complaints.clear()

    def accessibility(self) -> list[str]:
        """
        What axe finds on the page as it stands against WCAG 2.2 AA, landmarks of one name, and what stands in none: one
        line for each fault.
        """
        self.page.wait_for_load_state()
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.read_text())
        found: dict[str, Any] = self.page.evaluate(
            """tags => axe.run({
                runOnly: {type: "tag", values: tags},
                rules: {"landmark-unique": {enabled: true}, region: {enabled: true}},
                resultTypes: ["violations"],
            })""",
            WCAG_2_2_AA,
        )
        return [
            f"{violation['id']}: {node['html'][:120]}"
            for violation in found["violations"]
            for node in violation["nodes"]
        ]

    def faults(self) -> list[str]:
        """What is wrong with the page in this window, with everything open that is folded up."""
        self.page.wait_for_load_state()
        self.page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true })")
        return (["wider than its window"] if self.overflows() else []) + self.accessibility()

    def faults_at(self, *widths: int) -> list[str]:
        """What is wrong with the page in windows of these widths."""
        found: list[str] = []
        for width in widths:
            self.resize(width)
            found += [f"{fault} ({width} px)" for fault in self.faults()]
        self.resize(self.width)
        return found

    def resize(self, width: int) -> None:
        self.page.set_viewport_size({"width": width, "height": 900})

    def faults_of(self, pages: Iterable[str]) -> dict[str, list[str]]:
        """What is wrong with each page at 320 pixels, and whether a large screen is wide enough for it."""
        found: dict[str, list[str]] = {}
        for path in pages:
            self.resize(1200)
            self.go(path)
            is_too_wide = ["wider than 1200 px"] if self.overflows() else []
            is_too_wide += ["a table is cut off at 1200 px"] if self.cuts_off() else []
            self.resize(320)
            if faults := is_too_wide + self.faults():
                found[path] = faults
        return found

    def cuts_off(self) -> bool:
        """Whether a table is wider than its place, so that its last columns are seen only by who scrolls it."""
        wider: bool = self.page.evaluate(
            "Array.from(document.querySelectorAll('.app-scroll')).some(part => part.scrollWidth > part.clientWidth)"
        )
        return wider

    def overflows(self) -> bool:
        """Whether the page is wider than its window, so that a reader must scroll sideways."""
        self.page.wait_for_load_state()
        wider: bool = self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        return wider


@pytest.fixture(scope="package")
def _free_windows() -> dict[bool, list[SignedIn]]:
    """The windows that no test uses now, with JavaScript (True) and without: each has a process, and opening costs."""
    return {True: [], False: []}


@pytest.fixture
def visit(browser: Browser, service: Service, _free_windows: dict[bool, list[SignedIn]]) -> Iterator[Any]:
    """Open a browser window, in which nobody is signed in: `visit()`, `visit(width=320)`, `visit(javascript=False)`."""
    taken: list[tuple[bool, SignedIn]] = []

    def open_window(*, width: int = 1200, javascript: bool = True) -> SignedIn:
        if not _free_windows[javascript]:
            context = browser.new_context(java_script_enabled=javascript)
            context.set_default_timeout(PATIENCE * 1000)
            _free_windows[javascript].append(SignedIn(context, service))
        window = _free_windows[javascript].pop()
        taken.append((javascript, window))
        # A test of passkeys opens the service under another name.
        window.base_url = service.base_url
        window.width = width
        window.resize(width)
        return window

    yield open_window
    for javascript, window in taken:
        if window.is_spent:
            window.page.context.close()
        else:
            window.leave()
            _free_windows[javascript].append(window)


def is_saved(page: Page) -> None:
    """
    All that was typed is saved, and the page says so. It does not yet where it hears nothing: its scripts come first.
    """
    page.wait_for_load_state()
    expect(page.get_by_role("status").filter(has_text="Saved at")).to_be_visible()
    # It tries again every few seconds, and a server that was killed takes some to come back.
    expect(page.locator("[data-trouble]").filter(visible=True)).to_have_count(0)
    expect(page.locator("[data-saved]").filter(has_text="Saving…")).to_have_count(0)


def choose_as_recommended(page: Page, contact: Contact) -> None:
    """In the form for a decision, check what the rules recommend."""
    for name, value in as_recommended(contact).items():
        page.locator(f'input[name="{name}"][value="{value}"]').check()
