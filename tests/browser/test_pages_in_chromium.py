"""The front-door pages in a real browser: by keyboard, without JavaScript, at 320 px, against WCAG 2.2 AA."""

import re
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from casework.actions import broken_glass, closing, handoffs, partner_checks, sender_requests
from casework.models import Case, Contact, ReplyKind, RequestKind
from casework.web.draft_form import SECTIONS
from localities.models import Agency, AgencyClient
from tests.browser.conftest import choose_as_recommended
from tests.stage.restricted import restrict
from tests.stage.service import Service
from tests.stage.staff import TABS_OF_A_CASE
from tests.stage.story import Story, how_it_ended, person

TEAM = [f"/teams/aylesbury/?tab={tab}" for tab in ("offers", "to-allocate", "cases", "overdue", "workload")]


@pytest.fixture(scope="module")
def pages_of_story(service: Service) -> dict[str, str]:
    """A contact that waits, one that waits for a second person, a case on offer and a case that is worked on."""
    story = Story(timezone.now())
    family = iter(range(1, 10))

    def another(**changes: Any) -> Contact:
        number = next(family)
        child = {
            "ref": "c1",
            "first_name": FIRST_NAMES[number],
            "last_name": f"Family{number}",
            "date_of_birth": f"{2008 + number}-0{number}-{10 + 2 * number}",
            "address": {"lines": [f"{number * 17} {FIRST_NAMES[-number]} Road"], "postcode": "HP20 1UA"},
            "indicators": changes.pop("indicators", ["L3-12"]),
        }
        return story.contact(children=[child], adults=[], family_indicators=[], **changes)

    waiting = another()
    second_person = another(indicators=["L4-01"])
    story.decided(second_person, by="maya", pathway="family_help", level=3, rag="amber")
    offered = story.offered(another())
    worked_on = story.accepted(another())
    story.decided(another(), pathway="social_work_assessment", level=4, rag="amber")
    social = story.offered(another(indicators=["L4-01"]), by="maya")
    handoffs.accept(handoff_id=social.pk, by=person("pat"), now=story.later())
    asked = story.accepted(another())
    closing.ask_lead(case_id=asked.pk, ended=how_it_ended(), by=person("bea"), now=story.later())
    unscreened = another(indicators=[])
    # An agency reads a question about this one in its own system and asks back, and its sender wants it withdrawn.
    police = Agency.objects.get(code="example-police")
    AgencyClient.objects.create(agency=police, name="A system")
    check = story.asked(unscreened, in_system=True)
    said: dict[str, Any] = {"by": police, "now": story.later()}
    partner_checks.reply(key=check.key or "", kind=ReplyKind.ASKS_BACK, text="Which surname?", **said)
    said = {"kind": RequestKind.WITHDRAW, "text": "It is another child.", "by": unscreened.agency, "now": story.later()}
    sender_requests.ask(reference=unscreened.reference, **said)
    # Nobody else's test looks at this family.
    closed = another()
    restriction = restrict(story, closed)
    broken_glass.break_glass(reference=str(closed), reason="Hurt.", by=person("erin"), now=story.now)
    return {
        "restriction": f"/restricted/{restriction}/",
        "restrict": f"/contacts/{waiting}/restrict/",
        "conflict": f"/contacts/{waiting}/conflict/",
        "contact": f"/contacts/{waiting}/",
        "unscreened": f"/contacts/{unscreened}/",
        "screening": f"/contacts/{unscreened}/screening/",
        "second_person": f"/contacts/{second_person}/",
        "decide": f"/contacts/{waiting}/decide/",
        "sign-off": f"/contacts/{second_person}/sign-off/",
        "decided": f"/contacts/{second_person}/decided/",
        "offered": f"/cases/{offered.case}/",
        "accept": f"/cases/{offered.case}/accept/",
        "return": f"/cases/{offered.case}/return/",
        "case": f"/cases/{worked_on}/",
        "case-offer": f"/cases/{worked_on}/offer/",
        "case-step-up": f"/cases/{worked_on}/step-up/",
        "case-step-down": f"/cases/{social.case}/step-down/",
        "case-close": f"/cases/{worked_on}/close/",
        "case-asked": f"/cases/{asked}/",
        "case-close-asked": f"/cases/{asked}/close/",
        "case-keep-open": f"/cases/{asked}/keep-open/",
        **{f"case-{tab}": f"/cases/{worked_on}/{tab}/" for tab in TABS_OF_A_CASE},
        "person": f"/people/{worked_on.children.get().reference}/",
        "address": f"/people/{waiting.children.get().person.reference}/add/address/",
        "relationship": f"/people/{waiting.children.get().person.reference}/add/relationship/",
    }


# Nobody of one family is taken for somebody of another.
FIRST_NAMES = ("", "Robin", "Ottilie", "Kwame", "Brigid", "Tariq", "Magnus", "Yasmin", "Edith", "Sol")


def go_on(page: Page, to: str) -> None:
    page.get_by_role("button", name="Save and continue", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(to)


def fill_in(page: Page, first_name: str, born_in: int) -> None:
    """From the first task to the answers."""
    page.get_by_label("A safeguarding concern").check()
    page.get_by_label("Who is it from?").select_option("2A")
    go_on(page, "Children")
    child = page.get_by_role("region", name="Child 1")
    child.get_by_label("First name").fill(first_name)
    child.get_by_label("Last name").fill("Typed")
    born = child.get_by_role("group", name="Date of birth")
    born.get_by_label("Day").fill("4")
    born.get_by_label("Month").fill("3")
    born.get_by_label("Year").fill(str(born_in))
    child.get_by_label("Postcode", exact=True).fill("hp201ua")
    go_on(page, "Adults and household")
    go_on(page, "Presenting concern")
    page.get_by_label("What are they worried about?").fill("Outbursts in class most days.")
    go_on(page, "Indicators")
    child = page.get_by_role("region", name=f"{first_name} Typed")
    child.get_by_text("Level 3: the child's development").click()
    child.get_by_label("Disruptive/challenging at school").check()
    go_on(page, "Agreement and sharing")
    page.get_by_role("group", name="Does the family agree").get_by_label("Given").check()
    go_on(page, "Check answers")


def start(page: Page) -> None:
    """From the link in the header to the task list, and to its first task."""
    page.get_by_role("link", name="New contact").click()
    page.get_by_role("group", name="Is a child in immediate danger?").get_by_label("No", exact=True).check()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Look first: is the family known?")
    page.get_by_role("button", name="Continue without looking").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("New contact")
    page.get_by_role("link", name="Referrer and how it arrived").click()


def test_whoever_goes_back_and_sends_a_contact_in_again_sends_the_same(visit: Any) -> None:
    """Whoever goes back and types more is told to open a form of its own for it."""
    window = visit(width=320)
    page = window.sign_in("amina")
    start(page)
    fill_in(page, "Tamsin", 2016)
    answers = page.url
    page.get_by_role("button", name="Submit contact").click()
    heading = page.get_by_role("heading", level=1)
    expect(page.get_by_text("Contact submitted.")).to_be_visible()
    reference = re.findall("CON-[A-Z0-9-]+", page.url)[0]
    for _ in range(2):
        page.go_back()
        expect(heading).to_contain_text("Check answers")
        expect(page.get_by_text(f"This form was submitted as {reference}.")).to_be_visible()
        page.go_forward()
    window.go(answers.removeprefix(window.base_url).replace("check", "concern"))
    page.get_by_label("What are they worried about?").fill("Outbursts, and marks on the arm.")
    expect(page.get_by_role("alert")).to_contain_text(f"This form is in already, as {reference}.")
    page.get_by_role("button", name="Save and continue", exact=True).click()
    expect(page.get_by_role("alert").filter(has_text="There is a problem")).to_contain_text(reference)
    expect(page.get_by_label("What are they worried about?")).to_have_value("Outbursts, and marks on the arm.")
    assert Contact.objects.filter(children__person__first_name="Tamsin").count() == 1
    window.complaints.clear()


@pytest.mark.parametrize("javascript", [True, False])
def test_a_contact_is_typed_in_decided_and_taken_on(visit: Any, javascript: bool) -> None:
    window = visit(javascript=javascript)
    page = window.sign_in_by_the_form("amina")
    start(page)
    # The folded parts open without JavaScript too: they are the browser's own.
    # Two families, or the second would be linked to the work with the first.
    fill_in(page, *(("Jo", 2017) if javascript else ("Imogen", 2011)))
    level = page.get_by_role("region", name="Level so far")
    expect(level).to_contain_text("Level 3")
    expect(level).to_contain_text("A person decides.")
    page.get_by_role("button", name="Submit contact").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("CON-")
    expect(page.get_by_role("region", name="Recommendation")).to_contain_text("Family help")
    reference = re.search(r"CON-\w{4}-\w{4}", page.url)
    assert reference

    page.get_by_role("button", name="Record decision").click()
    choose_as_recommended(page, Contact.objects.get(reference=reference[0]))
    page.get_by_label("Why?", exact=True).fill("What the school saw and the history point the same way.")
    page.get_by_role("button", name="Check your answers").click()
    page.get_by_role("button", name="Confirm decision").click()
    expect(page.get_by_role("heading", name="Decision recorded")).to_be_visible()
    case = Case.objects.get(contacts__reference=reference[0])

    receiver = visit(javascript=javascript)
    page = receiver.sign_in("ben")
    page.get_by_role("link", name=str(case)).first.click()
    page.get_by_role("button", name="Accept the case").click()
    expect(page.get_by_role("heading", name="What your team takes on")).to_be_visible()
    page.get_by_role("button", name="Accept the case").click()
    expect(page.get_by_text("Your team has the case now. Name its lead practitioner.")).to_be_visible()
    page.get_by_label("Lead practitioner").select_option(label="Bea Thornton")
    page.get_by_role("button", name="Name the lead practitioner").click()
    expect(page.get_by_text("The lead practitioner is named.")).to_be_visible()
    assert window.complaints + receiver.complaints == []


@pytest.mark.parametrize(("javascript", "width"), [(True, 1200), (False, 320)])
def test_a_contact_is_screened_and_then_decided(visit: Any, javascript: bool, width: int) -> None:
    story, number = Story(timezone.now()), 1 + javascript
    family = ("Archer", "Zielinska")[javascript]
    children = [
        {"ref": name, "first_name": name, "last_name": family,
         "date_of_birth": f"201{year + javascript}-0{number}-{9 + 7 * number}",
         "address": {"lines": [f"{31 * number} {family} Road"], "postcode": "HP20 1UA"}}
        for year, name in ((5, "Ada"), (8, "Bo"))
    ]  # fmt: skip
    contact = story.contact(children=children, adults=[], family_indicators=[])
    window = visit(javascript=javascript, width=width)
    page = window.sign_in("amina")
    expect(page.get_by_role("row", name=str(contact))).to_contain_text("To be screened: no indicators selected")
    window.go(f"/contacts/{contact}/")
    expect(page.get_by_role("button", name="Record decision")).to_have_count(0)

    # To send it as it stands says nothing; the fault leads to its box.
    page.get_by_role("button", name="Save the indicators").click()
    page.get_by_role("link", name="Select the indicators that apply, or say that none of them does").click()
    expect(page.get_by_label("None of these applies to anybody")).to_be_focused()
    child = page.get_by_role("group", name=f"Bo {family}")
    child.get_by_text("Level 3: the child's development").click()
    child.get_by_label("Disruptive/challenging at school").check()
    page.get_by_role("button", name="Save the indicators").click()
    expect(page.get_by_text("Saved. The recommendation has been updated.")).to_be_visible()
    expect(page.get_by_role("region", name="Recommendation")).to_contain_text("Family help")

    page.get_by_role("button", name="Record decision").click()
    choose_as_recommended(page, contact)
    page.get_by_label("Why?", exact=True).fill("What the school saw is a level 3 need.")
    page.get_by_role("button", name="Check your answers").click()
    page.get_by_role("button", name="Confirm decision").click()
    expect(page.get_by_role("heading", name="Decision recorded")).to_be_visible()
    assert window.complaints == []


def test_every_fault_is_said_at_once_and_leads_to_its_field(visit: Any) -> None:
    window = visit()
    page = window.sign_in("amina")
    start(page)
    page.get_by_role("link", name="Back to the task list").click()
    page.get_by_role("link", name="Children", exact=True).click()
    page.get_by_role("region", name="Child 1").get_by_label("First name").fill("Kept")
    page.get_by_role("region", name="Child 1").get_by_label("NHS number").fill("9990000019")
    go_on(page, "Adults and household")
    page.get_by_role("link", name="Back to the task list").click()
    expect(page.get_by_role("listitem").filter(has_text="Children")).to_contain_text("Done")
    page.get_by_role("link", name="Check answers and submit").click()
    page.get_by_role("button", name="Submit contact").click()
    summary = page.get_by_role("alert").filter(has_text="There is a problem")
    # A mistyped number is no fault: it is kept, and checked later.
    expect(summary.get_by_role("link")).to_have_count(3)
    expect(page.get_by_role("region", name="Level so far")).to_contain_text("NHS number: it is not an NHS number")
    assert page.title().startswith("Error: ")
    assert window.faults_at(320, 1280) == []
    summary.get_by_role("link", name="Enter what they are worried about").click()
    expect(page.get_by_label("What are they worried about?")).to_be_focused()
    assert page.title().startswith("Error: ")
    assert window.faults_at(320, 1280) == []
    page.get_by_role("link", name="Back to the task list").click()
    page.get_by_role("link", name="Children", exact=True).click()
    expect(page.get_by_role("region", name="Child 1").get_by_label("First name")).to_have_value("Kept")
    expect(page.get_by_role("region", name="Child 1").get_by_label("NHS number")).to_have_value("9990000019")


BEHIND_THE_BAR = """() => {
    const here = document.activeElement, bar = document.querySelector(".app-identity__line--stays").closest("main");
    const stays = Array.from(bar.querySelectorAll(".app-identity, .app-identity__line--stays"));
    if (here === document.body || !bar.contains(here) || stays.some(each => each.contains(here))) return "";
    const under = Math.max(...stays.map(each => each.getBoundingClientRect().bottom));
    return here.getBoundingClientRect().top < under - 1 && window.scrollY > 200 ? here.outerHTML.slice(0, 90) : "";
}"""


@pytest.mark.parametrize("width", [320, 1200])
def test_the_bar_of_a_case_and_its_tabs_are_used_by_keyboard(
    visit: Any, pages_of_story: dict[str, str], width: int
) -> None:
    window = visit(width=width)
    window.sign_in("ben")
    page = window.go(pages_of_story["case"])
    for title in ("Chronology", "Plan and deadlines", "People", "Handoffs", "Notes and files", "Overview"):
        link = page.get_by_role("navigation", name="Pages of this case").get_by_role("link", name=title)
        link.focus()
        link.press("Enter")
        expect(page.locator("[aria-current=page]")).to_have_text(title)
        page.get_by_role("link", name="Accessibility statement").focus()
        expect(page.get_by_role("group", name="This case in short").locator("strong").first).to_be_in_viewport()
    hidden = set()
    for _ in range(40):
        page.keyboard.press("Shift+Tab")
        hidden.add(page.evaluate(BEHIND_THE_BAR))
    assert hidden == {""}
    assert window.complaints == []


@pytest.mark.parametrize("width", [320, 1200])
def test_the_bar_of_a_contact_stays_in_view_and_hides_nothing(
    visit: Any, pages_of_story: dict[str, str], width: int
) -> None:
    window = visit(width=width)
    window.sign_in("amina")
    page = window.go(pages_of_story["contact"])
    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true })")
    page.get_by_role("link", name="Accessibility statement").focus()
    expect(page.get_by_role("button", name="Record decision")).to_be_in_viewport()
    hidden = set()
    for _ in range(60):
        page.keyboard.press("Shift+Tab")
        hidden.add(page.evaluate(BEHIND_THE_BAR))
    assert hidden == {""}
    assert window.faults_at(width) == []


def test_a_contact_is_decided_by_keyboard_alone(visit: Any, pages_of_story: dict[str, str]) -> None:
    window = visit()
    window.sign_in("amina")
    page = window.go("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to main content")).to_be_focused()
    page = window.go(pages_of_story["contact"])
    page.get_by_role("button", name="Record decision").focus()
    page.keyboard.press("Space")
    page.get_by_label("Why?", exact=True).focus()
    page.keyboard.type("Weighed with the history.")
    for _ in range(2):
        page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Check your answers")).to_be_focused()
    page.keyboard.press("Enter")
    # What is missing is said at once, in the order of the page, and nothing that was typed is lost.
    summary = page.get_by_role("alert")
    expect(summary.get_by_role("link").first).to_have_text("Select what happens next")
    expect(page.get_by_label("Why?", exact=True)).to_have_value("Weighed with the history.")
    assert window.faults_at(320, 1280) == []


# Two people, so that neither finds what the other typed.
@pytest.mark.parametrize(("name", "javascript", "width"), [("ben", True, 1280), ("bea", False, 320)])
def test_a_case_is_returned_by_keyboard_from_the_teams_page(
    visit: Any, pages_of_story: dict[str, str], name: str, javascript: bool, width: int
) -> None:
    window = visit(javascript=javascript, width=width)
    window.sign_in(name)
    page = window.go(TEAM[0])
    reference = pages_of_story["offered"].split("/")[2]
    link = page.get_by_role("link", name=f"Return {reference}")
    link.focus()
    link.press("Enter")
    expect(page.get_by_role("heading", name="What follows")).to_be_visible()
    page.get_by_role("button", name="Return the case").focus()
    page.keyboard.press("Enter")
    summary = page.get_by_role("alert").get_by_role("link")
    expect(summary).to_have_text("Enter why the case goes back, so that the sender can do better")
    if javascript:
        assert window.faults_at(320, 1280) == []
    summary.focus()
    page.keyboard.press("Enter")
    reason = page.get_by_label("Why do you return it?")
    expect(reason).to_be_focused()
    page.keyboard.type("They live with their aunt in Chesham.")
    expect(reason).to_have_value("They live with their aunt in Chesham.")
    assert window.complaints == []


@pytest.mark.parametrize(
    ("who", "pages"),
    [
        (
            None,
            [
                "/accounts/login/",
                "/accessibility/",
                "/accounts/password/reset/",
                "/accounts/password/reset/sent/",
                "/accounts/password/set/",
            ],
        ),
        (
            "amina",
            [
                "/",
                "/contacts/new/",
                "/contacts/new/look/",
                *(f"/contacts/new/{'0' * 32}/{name}" for name in ("", "call-999/", "check/")),
                *(f"/contacts/new/{'0' * 32}/{name}/?check" for name in SECTIONS),
                "contact",
                "decide",
                "unscreened",
                "screening",
                "/?tab=referrers",
                "/no/such/page/",
                "/accounts/password/change/",
            ],
        ),
        ("david", ["sign-off"]),
        (
            "maya",
            [
                "second_person",
                "decided",
                "/",
                "/restricted/",
                "/restricted/open/",
                "restriction",
                "restrict",
                "conflict",
            ],
        ),
        ("amina", ["person", "address", "relationship"]),
        ("ben", ["/", "offered", "accept", "return", "case", "person", *TEAM]),
        ("ben", ["case-offer", "case-step-up", "case-asked", "case-close-asked", "case-keep-open"]),
        ("pat", ["case-step-down", "/account/let-in/"]),
        ("ben", ["case-close", *(f"case-{tab}" for tab in TABS_OF_A_CASE)]),
        ("sam", ["/"]),
        ("maya", ["/duty/", "/duty/rota/2026-11-30/", "/duty/absences/new/", "/open-list/"]),
        ("ben", ["/duty/", "/duty/rota/2026-11-30/", "/open-list/"]),
        ("iris", ["/sign-ins/", "/sign-ins/?kind=signed_in", "/sign-ins/?first_day=31&first_month=2&first_year=2026"]),
        (
            "paula",
            [
                "/reports/overrides/",
                "/reports/overrides/?first_day=31&first_month=2&first_year=2026",
                "/reports/overrides/contacts/?direction=up",
                "/reports/equality/",
                "/reports/quality/?agency=example-primary-school",
                "/reports/answers/",
            ],
        ),
    ],
)
def test_every_page_meets_wcag_2_2_aa(
    visit: Any, pages_of_story: dict[str, str], who: str | None, pages: list[str]
) -> None:
    window = visit()
    if who:
        window.sign_in(who)
    assert window.faults_of(pages_of_story.get(where, where) for where in pages) == {}
    assert window.complaints == []
