"""
`make pictures`: pictures of the pages, as a phone and a desktop show them, of a demonstration that is made for it.

They are in `var/pictures`, with a page on which all of them stand side by side. Nothing is compared: people look.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, Page, sync_playwright

from tests.stage.chromium import ARGUMENTS, chromium

ROOT = Path(__file__).resolve().parents[2]
WIDTHS = (1280, 320)
# A new demonstration, on a busy machine.
READY_TIMEOUT = 300


class Taken(NamedTuple):
    """A picture to take: of which page, as whom, and how the page is reached from the worklist of that person."""

    name: str
    who: str
    reach: Callable[[Page], None]


def at(path: str) -> Callable[[Page], None]:
    def reach(page: Page) -> None:
        page.goto(_base(page) + path)

    return reach


def first(start: str, *prefixes: str, below: str = "") -> Callable[[Page], None]:
    """The page behind the first link to such an address, from link to link."""

    def reach(page: Page) -> None:
        page.goto(_base(page) + start)
        for prefix in prefixes:
            links = page.locator(f'main a[href*="{prefix}"]').all()
            hrefs = [str(link.get_attribute("href")) for link in links]
            wanted = [href for href in hrefs if not href.startswith((f"{prefix}new", f"{prefix}drafts"))]
            if not wanted:
                raise NothingThere(f"No link to {prefix} on {page.url}.")
            page.goto(_base(page) + wanted[0])
        if below:
            page.goto(page.url + below)

    return reach


def searched(text: str) -> Callable[[Page], None]:
    def reach(page: Page) -> None:
        page.goto(_base(page) + "/search/")
        page.get_by_role("searchbox").first.fill(text)
        with page.expect_navigation():
            page.get_by_role("searchbox").first.press("Enter")

    return reach


def pressed(reach_form: Callable[[Page], None], button: str) -> Callable[[Page], None]:
    """A form that is sent with nothing in it. What was typed for another picture is cleared."""

    def reach(page: Page) -> None:
        reach_form(page)
        clear = page.get_by_role("button", name="Clear it").first
        if clear.is_visible():
            with page.expect_navigation():
                clear.click()
        # The form's script saves it first, and sends it then.
        with page.expect_navigation():
            page.get_by_role("button", name=button).click()

    return reach


def filled_in(page: Page) -> None:
    """A decision that is not what the rules recommend, before it is recorded."""
    first("/?tab=to-triage", "/contacts/", below="decide/")(page)
    for choice in ("Advice and information", "Level 1", "Blue"):
        page.get_by_label(choice, exact=True).check()
    page.get_by_label("History considered").fill("The earlier contacts were about the same mornings.")
    page.get_by_label("Why?").fill("The school sees the children each day, and the family has the help that it wants.")
    with page.expect_navigation():
        page.get_by_role("button", name="Check your answers").click()


def correction(page: Page) -> None:
    """A note that is corrected, of the first contact that has one."""
    page.goto(_base(page) + "/?tab=information")
    links = page.locator('main a[href^="/contacts/CON-"]').all()
    for path in [str(link.get_attribute("href")) for link in links]:
        page.goto(_base(page) + path)
        corrects = page.locator('main a[href*="/notes/"][href$="/correct/"]')
        if corrects.count():
            page.goto(_base(page) + str(corrects.first.get_attribute("href")))
            return
    raise NothingThere("No note to correct.")


def closing_to_check(page: Page) -> None:
    """The closing of a case, before it is confirmed."""
    first("/teams/aylesbury/?tab=cases", "/cases/", below="close/")(page)
    page.get_by_label("Universal services carry on").check()
    for question in ("Were the children seen", "Were the adults seen", "Was the family asked"):
        page.get_by_role("group", name=question).get_by_label("Yes").check()
    for text in page.locator("main textarea").all():
        text.fill("I saw all of them at home on 27 November, and the mornings go well.")
    with page.expect_navigation():
        page.get_by_role("button", name="Check your answers").click()


def asked_to_close(below: str) -> Callable[[Page], None]:
    """A case that somebody asks to close, as its team's list says."""

    def reach(page: Page) -> None:
        for team in ("aylesbury", "wycombe-and-marlow", "north-vale", "west-vale", "chiltern", "south-bucks"):
            page.goto(f"{_base(page)}/teams/{team}/?tab=cases")
            row = page.locator("main tr").filter(has_text="Closing requested").first
            if row.count():
                page.goto(_base(page) + str(row.locator("a[href^='/cases/']").first.get_attribute("href")) + below)
                return
        raise NothingThere("Nobody asks to close a case.")

    return reach


def step_down(page: Page) -> None:
    """Of the first case of the social workers that is not on offer."""
    page.goto(_base(page) + "/teams/child-protection/?tab=cases")
    links = page.locator('main a[href^="/cases/"]').all()
    for path in [str(link.get_attribute("href")) for link in links]:
        page.goto(f"{_base(page)}{path}step-down/")
        if page.url.endswith("step-down/"):
            return
    raise NothingThere("No case to step down.")


class NothingThere(Exception):
    """The demonstration has nothing of this kind."""


TASKS = ("danger", "referrer", "children", "household", "concern", "indicators", "agreement")
TEAM_TABS = ("offers", "to-allocate", "cases", "overdue", "workload")
TABS = ("to-triage", "information", "agreement", "sign-off", "returned", "mine", "decided")
PICTURES = (
    *(Taken(f"worklist-{tab}", "maya", at(f"/?tab={tab}")) for tab in TABS),
    Taken("worklist-filtered", "maya", at("/?tab=to-triage&level=4&owner=nobody")),
    Taken("worklist-of-a-team", "ben", at("/")),
    Taken("worklist-of-an-overseer", "sam", at("/")),
    *(Taken(f"team-{tab}", "ben", at(f"/teams/aylesbury/?tab={tab}")) for tab in TEAM_TABS),
    *(
        Taken(f"offer-to-{action}", "ben", first("/teams/aylesbury/", "/cases/", f"/{action}/"))
        for action in ("accept", "return")
    ),
    Taken(
        "offer-to-return-with-faults",
        "ben",
        pressed(first("/teams/aylesbury/", "/cases/", "/return/"), "Return the case"),
    ),
    Taken("reminders", "amina", at("/reminders/")),
    Taken("sign-ins", "iris", at("/sign-ins/")),
    Taken("contact-waiting", "amina", first("/?tab=to-triage", "/contacts/")),
    Taken("contact-decided", "sam", first("/teams/aylesbury/?tab=cases", "/cases/", "/contacts/")),
    Taken("contact-to-sign-off", "maya", first("/?tab=sign-off", "/contacts/")),
    Taken("decide", "maya", first("/?tab=to-triage", "/contacts/", below="decide/")),
    Taken(
        "decide-with-faults",
        "maya",
        pressed(first("/?tab=to-triage", "/contacts/", below="decide/"), "Check your answers"),
    ),
    Taken("decided", "sam", first("/teams/aylesbury/?tab=cases", "/cases/", "/contacts/", below="decided/")),
    Taken("sign-off", "maya", first("/?tab=sign-off", "/contacts/", below="sign-off/")),
    Taken("check-decision", "maya", filled_in),
    Taken("screening", "amina", first("/?tab=to-triage", "/contacts/", below="screening/")),
    Taken("compare", "amina", first("/?tab=to-triage", "/contacts/", "/compare/")),
    *(
        Taken(f"correct-{part}", "amina", first("/?tab=to-triage", "/contacts/", f"/correct/{part}/"))
        for part in ("contact", "child", "new-adult")
    ),
    Taken("restriction", "iris", first("/restricted/", "/restricted/")),
    Taken("referrers-ask", "amina", at("/?tab=referrers")),
    Taken("contact-chased", "amina", first("/?tab=referrers", "/contacts/")),
    Taken("report-answers", "paula", at("/reports/answers/")),
    Taken("contact-with-notes", "maya", first("/?tab=information", "/contacts/")),
    Taken("note-new", "amina", first("/?tab=to-triage", "/contacts/", below="notes/new/")),
    Taken(
        "note-new-with-faults",
        "amina",
        pressed(first("/?tab=to-triage", "/contacts/", below="notes/new/"), "Save note"),
    ),
    Taken("note-correct", "maya", correction),
    Taken("contact-history-of-facts", "amina", first("/?tab=to-triage", "/contacts/", below="history/")),
    Taken("case", "ben", first("/", "/cases/")),
    Taken("case-step-up", "ben", first("/teams/aylesbury/?tab=cases", "/cases/", below="step-up/")),
    Taken("step-up-to-accept", "pat", first("/", "/accept/")),
    Taken("case-step-down", "pat", step_down),
    Taken("case-close", "ben", first("/teams/aylesbury/?tab=cases", "/cases/", below="close/")),
    Taken(
        "case-close-with-faults",
        "ben",
        pressed(first("/teams/aylesbury/?tab=cases", "/cases/", below="close/"), "Check your answers"),
    ),
    Taken("case-close-to-check", "ben", closing_to_check),
    Taken("case-asked-to-close", "sam", asked_to_close("")),
    Taken("case-to-agree-to-close", "sam", asked_to_close("close/")),
    Taken("case-keep-open", "sam", asked_to_close("keep-open/")),
    *(
        Taken(f"case-{tab}", "ben", first("/teams/aylesbury/?tab=cases", "/cases/", below=f"{tab}/"))
        for tab in ("chronology", "plan", "people", "handoffs", "notes")
    ),
    Taken("files", "maya", first("/?tab=to-triage&level=4", "/contacts/", below="files/")),
    Taken("file", "maya", first("/?tab=to-triage&level=4", "/contacts/", "/files/")),
    Taken("file-to-remove", "maya", first("/?tab=to-triage&level=4", "/contacts/", "/files/", "/remove/")),
    Taken("draft-files", "oliver", first("/contacts/drafts/", "/contacts/new/", below="files/")),
    Taken("person", "amina", first("/?tab=to-triage", "/contacts/", "/people/")),
    Taken("look-first", "oliver", at("/contacts/new/look/")),
    Taken("new-contact", "oliver", at("/contacts/new/")),
    Taken("new-contact-unanswered", "oliver", pressed(at("/contacts/new/"), "Continue")),
    Taken("drafts", "maya", at("/contacts/drafts/")),
    Taken("draft", "oliver", first("/contacts/drafts/", "/contacts/new/")),
    Taken("draft-call-999", "oliver", first("/contacts/drafts/", "/contacts/new/", below="call-999/")),
    *(
        Taken(f"draft-{name}", "oliver", first("/contacts/drafts/", "/contacts/new/", below=f"{name}/"))
        for name in (*TASKS, "check")
    ),
    *(Taken(f"draft-empty-{name}", "oliver", at(f"/contacts/new/{'0' * 32}/{name}/?check")) for name in TASKS),
    Taken("draft-empty", "oliver", at(f"/contacts/new/{'0' * 32}/")),
    Taken("draft-incomplete", "oliver", pressed(at(f"/contacts/new/{'0' * 32}/check/"), "Submit contact")),
    Taken("draft-to-delete", "oliver", first("/contacts/drafts/", "/delete/")),
    Taken("search", "amina", at("/search/")),
    Taken("search-found", "amina", searched("alder")),
    Taken("duty", "maya", at("/duty/")),
    Taken("rota", "maya", first("/duty/", "/duty/rota/")),
    Taken("handover-sheets", "maya", at("/duty/handovers/")),
    Taken("handover-sheet", "erin", first("/duty/handovers/", "/duty/handovers/")),
    Taken("handover-to-give", "maya", at("/duty/handovers/give/front-door/")),
    Taken("absence", "ben", at("/duty/absences/new/")),
    Taken("open-list", "maya", at("/open-list/")),
    Taken("open-list-of-a-team", "ben", at("/open-list/")),
    Taken("restricted", "iris", at("/restricted/")),
    Taken("report-of-overrides", "paula", at("/reports/overrides/")),
    Taken("report-on-equality", "paula", at("/reports/equality/")),
    Taken("report-on-quality", "paula", at("/reports/quality/")),
    Taken("not-found", "amina", at("/contacts/CON-AAAA-AAAA/")),
    Taken("accessibility-statement", "amina", at("/accessibility/")),
    Taken("account", "maya", at("/account/")),
    Taken("let-in", "maya", at("/account/let-in/")),
    Taken("second-step", "maya", at("/accounts/second-step/")),
    Taken("second-step-app", "maya", at("/accounts/second-step/app/")),
    Taken("second-step-passkey", "maya", at("/accounts/second-step/passkeys/add/")),
    Taken("sign-in-again", "maya", at("/accounts/again/")),
    Taken("password-forgotten", "amina", at("/accounts/password/reset/")),
    Taken("password-link-ended", "amina", at("/accounts/password/set/")),
    Taken("admin", "sam", at("/admin/")),
    Taken("admin-contacts", "sam", at("/admin/casework/contact/")),
    Taken("rule-sets", "paula", at("/admin/triage/rulesetversion/")),
)


def main() -> int:
    arguments = argparse.ArgumentParser(prog="make pictures")
    arguments.add_argument("--only", metavar="NAME", choices=sorted(taken.name for taken in PICTURES))
    only = arguments.parse_args().only
    path = chromium()
    if path is None:
        sys.exit("There is no Chromium on this machine: install it, or name it in CHROMIUM.")
    folder = ROOT / "var" / "pictures"
    if not only:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [taken for taken in PICTURES if only in (None, taken.name)]
    missing = 0
    with _demonstration() as (base, passwords), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        for width in WIDTHS:
            pages = _Pages(browser, base, passwords, width)
            for number, taken in enumerate(wanted, start=1):
                try:
                    page = pages.of(taken.who)
                    taken.reach(page)
                    page.screenshot(path=folder / f"{taken.name}-{width}.png", full_page=True)
                    said = _too_wide(page, width)
                except NothingThere as nothing:
                    said, missing = f": {nothing}", missing + 1
                _say(f"  {number} of {len(wanted)} at {width}: {taken.name}{said}")
        browser.close()
    if not only:
        (folder / "index.html").write_text(_side_by_side(folder), encoding="utf-8")
    _say(f"The pictures are in {folder.relative_to(ROOT)}: open index.html.")
    return 1 if missing else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class _Pages:
    """A window for each person, signed in once."""

    def __init__(self, browser: Browser, base: str, passwords: dict[str, str], width: int) -> None:
        self._browser, self._base, self._passwords, self._width = browser, base, passwords, width
        self._open: dict[str, Page] = {}

    def of(self, who: str) -> Page:
        if who not in self._open:
            page = self._browser.new_context(viewport={"width": self._width, "height": 800}).new_page()
            page.goto(f"{self._base}/accounts/login/")
            page.locator("[name=login]").fill(who)
            page.locator("[name=password]").fill(self._passwords[who])
            with page.expect_navigation():
                page.locator("main button").first.click()
            self._open[who] = page
        return self._open[who]


def _base(page: Page) -> str:
    return "/".join(page.url.split("/")[:3])


def _too_wide(page: Page, width: int) -> str:
    is_wide: int = page.evaluate("document.documentElement.scrollWidth")
    return f": {is_wide} px wide" if is_wide > width else ""


def _side_by_side(folder: Path) -> str:
    """A page with all pictures. It is opened from the disk, and has no address."""
    shown = []
    for taken in PICTURES:
        shown.append(f"<h2>{taken.name}</h2><div>")
        for width in WIDTHS:
            picture = f"{taken.name}-{width}.png"
            if (folder / picture).exists():
                shown.append(f'<img src="{picture}" alt="{taken.name} at {width}" width="{width * 2 // 5}">')
        shown.append("</div>")
    style = "body{font-family:sans-serif} img{vertical-align:top;margin:0 1em 1em 0;border:1px solid #999}"
    return f"<!DOCTYPE html><meta charset=utf-8><title>Pictures</title><style>{style}</style>{''.join(shown)}"


@contextmanager
def _demonstration() -> Iterator[tuple[str, dict[str, str]]]:
    """The service with a demonstration of its own, as `make run` starts it. Its address, and everybody's password."""
    folder = Path(tempfile.mkdtemp(prefix="front-door-pictures-"))
    folder.chmod(0o711)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = {"DATA_DIR": str(folder / "data"), "PORT": str(port)}
    variables = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")} | own
    command = [sys.executable, "-m", "config.local.run"]
    with (folder / "output").open("w") as output:
        service = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=output,
            stderr=output,
            env=variables,
        )
        try:
            _say("Making a demonstration …")
            _wait_for(folder / "output", service)
            made = json.loads((folder / "data" / "demo.json").read_text(encoding="utf-8"))
            yield made["base_url"], {user["username"]: user["password"] for user in made["users"]}
        finally:
            service.terminate()
            service.wait(timeout=60)
            shutil.rmtree(folder, ignore_errors=True)


def _wait_for(output: Path, service: "subprocess.Popen[bytes]") -> None:
    ends_at = time.monotonic() + READY_TIMEOUT
    while "Ready:" not in output.read_text(encoding="utf-8", errors="replace"):
        if service.poll() is not None or time.monotonic() > ends_at:
            sys.exit(f"The service did not start:\n{output.read_text(encoding='utf-8', errors='replace')[-2000:]}")
        time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main())
