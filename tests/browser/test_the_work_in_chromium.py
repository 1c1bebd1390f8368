"""
The work with a family in a real browser: its agreement is sought and a clock stands still, partners are asked, it is
decided, taken on and passed on; reminders are seen and put off; a message that does not go out is seen to.
"""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from playwright.sync_api import Locator, expect

from casework.jobs import sweep
from casework.messages import outbox
from casework.models import Case, Contact, Message, OutboxMessage
from localities.working_time import local_day
from tests.browser.conftest import SignedIn, choose_as_recommended
from tests.stage.documents import child, nhs_number
from tests.stage.families import passed, with_team
from tests.stage.service import Service, wait_until
from tests.stage.story import Story

MESSAGES = "/admin/casework/outboxmessage/"
OFFERS = "Offer the case to another team"


def about(
    story: Story, number: int, *names: str, asked: bool = True, indicators: list[str] | None = None, place: int = 1
) -> Contact:
    """A contact about these children of one family, unlike every other. `place` is the first one's among them."""
    day = local_day(story.now) - timedelta(days=1)
    given = {"service": "given", "given_by": "mother", "on": day.isoformat()}
    children = [
        {
            "ref": f"c{place}",
            "first_name": name,
            "last_name": f"Family{number}",
            "nhs_number": nhs_number(10 * number + place),
            "date_of_birth": f"20{8 + 2 * place + number % 2:02}-0{number}-1{place}",
            "address": {"lines": [f"{number} Example Road"], "postcode": "HP20 1UA"},
            "indicators": ["L3-12"] if indicators is None else indicators,
        }
        for place, name in enumerate(names, start=place)
    ]
    agreement = given if asked else {"service": "not_sought"}
    return story.contact(children=children, adults=[], family_indicators=[], agreement=agreement)


def parked(contact: Contact, key: object = "") -> OutboxMessage:
    """A message that no mail server took. Whole in one transaction: the worker, which runs, never has it."""
    now, unique = timezone.now(), f"browser:{contact}:{key}"
    with transaction.atomic():
        outbox.add(Message.FEEDBACK, to="dsl@school.example", key=unique, at=now, contact=contact)
        message = OutboxMessage.objects.get(idempotency_key=unique)
        message.attempts, message.last_error, message.parked_at = 30, "SMTPRecipientsRefused", now
        message.save()
    return message


@pytest.fixture(scope="module")
def pages_of_story(service: Service) -> dict[str, str]:
    """Work that lay for more than a week, so that much of it is late whatever day it is; reminders went out."""
    story = Story(timezone.now() - timedelta(days=9))
    to_and_fro = story.accepted(about(story, 1, "Ada"))
    passed(story, to_and_fro, "chiltern", by="ben", accepts="chris")
    passed(story, to_and_fro, "aylesbury", by="chris", accepts="ben", lead_reason="They moved back to their aunt's.")
    accepted = story.accepted(about(story, 2, "Bo"))
    late = about(story, 3, "Cleo", asked=False)
    story.asked(late, question="Have you been called to the home since September?")
    story.offered(about(story, 4, "Dee"))
    sweep.sweep(now=timezone.now())
    return {
        "contact": f"/contacts/{late}/",
        "case": f"/cases/{accepted}/",
        "to_and_fro": f"/cases/{to_and_fro}/",
        "message": f"{MESSAGES}{parked(late).pk}/change/",
    }


def unfolded(window: SignedIn, says: str) -> Locator:
    """
    A part that is folded up, opened as a person opens it; without JavaScript too, since the browser does it. It is
    looked at in a wide and in a narrow window.
    """
    part = window.page.locator("details").filter(has=window.page.get_by_text(says, exact=True))
    if part.get_attribute("open") is None:
        part.locator("summary").click()
    for width in (1200, 320, window.width):
        window.resize(width)
        expect(part.get_by_role("button").last).to_be_visible()
        assert not window.overflows(), f"{says} ({width} px)"
    return part


@pytest.mark.parametrize(("javascript", "width"), [(True, 320), (False, 1200)])
def test_a_family_is_asked_and_its_case_finds_its_way(
    visit: Any, pages_of_story: dict[str, str], javascript: bool, width: int
) -> None:
    """Each form is seen in a wide and in a narrow window, and sent from one of them."""
    story, number = Story(timezone.now() - timedelta(hours=6)), 5 + javascript
    # Brother and sister once came together; today it is about Ed alone, and nobody has asked the family.
    story.ended(about(story, number, "Ed", "Flo", indicators=[]))
    story = Story(timezone.now() - timedelta(minutes=10))
    contact = about(story, number, "Ed", asked=False)
    window = visit(javascript=javascript, width=width)
    page = window.sign_in("amina")
    window.go(f"/contacts/{contact}/")
    if javascript:
        assert window.faults_at(1200, 320) == []
        window.go(f"/contacts/{contact}/")

    # While the family is asked, the final decision stands still.
    part = unfolded(window, "Pause a deadline while you ask the family")
    part.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
    page.get_by_role("link", name="Enter why the deadline is paused").click()
    if javascript:
        expect(page.get_by_label("Why is the deadline paused?")).to_be_focused()
    part = page.locator("details[open]").filter(has=page.get_by_role("button", name="Pause"))
    part.get_by_label("Which deadline?").select_option(label="Final decision on a green contact")
    part.get_by_label("Why is the deadline paused?").fill("I ring the mother at noon.")
    part.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Deadline paused.")).to_be_visible()
    clocks = page.get_by_role("region", name="Deadlines")
    expect(clocks.get_by_text(re.compile("Paused for"))).to_be_visible()

    # A partner is asked, and what it says is kept.
    part = unfolded(window, "Ask a partner")
    part.get_by_label("Which partner?").select_option(label="Example Police")
    part.get_by_label("What do you ask, and why?").fill("Have you been called to the home since September?")
    with window.next_page():
        part.get_by_role("button", name="Ask partner").click()
    part = unfolded(window, "Record the answer of Example Police")
    part.get_by_label("What did they say?").fill("They know nothing of the family.")
    part.get_by_role("button", name="Save answer").click()
    expect(page.get_by_text("They know nothing of the family.")).to_be_visible()

    # The family answers, and the clock goes on by itself.
    part = unfolded(window, "Record the family's agreement to a voluntary service")
    part.get_by_label("Given").check()
    part.get_by_label("Who answered?").fill("mother")
    today = local_day(timezone.now())
    for box, value in (("Day", today.day), ("Month", today.month), ("Year", today.year)):
        part.get_by_label(box, exact=True).fill(str(value))
    part.get_by_role("button", name="Save answer").click()
    expect(page.get_by_text("Final decision on a green contact: resumed")).to_be_visible()
    expect(page.get_by_text(re.compile("Paused for"))).to_have_count(0)

    page.get_by_role("button", name="Record decision").click()
    choose_as_recommended(page, contact)
    page.get_by_label("Why?", exact=True).fill("The mother wants help, and nobody knows of more.")
    # The family was here before: what that means is asked.
    page.get_by_role("button", name="Check your answers").click()
    page.get_by_role("link", name="Enter in a sentence which history you considered").click()
    page.get_by_label("History considered, and what it means").fill(
        "One contact, which needed nothing.\nThey were two."
    )
    page.get_by_role("button", name="Check your answers").click()
    expect(page.get_by_role("heading", name="Check your decision")).to_be_visible()
    if javascript:
        assert window.faults_at(1280, 320) == []
    # Nothing is lost when somebody changes their mind.
    page.get_by_role("link", name="Change history considered").click()
    box = page.get_by_label("History considered, and what it means")
    expect(box).to_have_value("One contact, which needed nothing.\nThey were two.")
    page.get_by_role("button", name="Check your answers").click()
    expect(page.get_by_role("heading", name="Check your decision")).to_be_visible()
    assert not contact.decisions.exists(), "nothing is recorded yet"
    page.go_back()
    page.reload()
    expect(page.get_by_label("Why?", exact=True)).to_have_value("The mother wants help, and nobody knows of more.")
    page.get_by_role("button", name="Check your answers").click()
    page.get_by_role("button", name="Confirm decision").click()
    expect(page.get_by_role("heading", name="Decision recorded")).to_be_visible()
    if javascript:
        assert window.faults_at(1280, 320) == []
    case = Case.objects.get(contacts=contact)

    receiver = visit(javascript=javascript, width=width)
    page = receiver.sign_in("ben")
    page.get_by_role("link", name=str(case)).first.click()
    page.get_by_role("button", name="Accept the case").click()
    expect(page.get_by_role("heading", name="What your team takes on")).to_be_visible()
    page.get_by_role("button", name="Accept the case").click()
    expect(page.get_by_text("Your team has the case now. Name its lead practitioner.")).to_be_visible()

    # In the meantime Chiltern takes his sister on: it is said before he is offered elsewhere.
    earlier = Story(timezone.now() - timedelta(hours=3))
    sister = with_team(earlier, about(earlier, number, "Flo", place=2), "chiltern", "chris")
    receiver.go(f"/cases/{case}/")
    if javascript:
        assert receiver.faults_at(1200, 320) == []
        receiver.go(f"/cases/{case}/")
    with receiver.next_page():
        page.get_by_role("button", name=OFFERS).click()
    if javascript:
        assert receiver.faults_at(1200, 320) == []
    part = page.locator("main")
    expect(part).to_contain_text("Chiltern team works with a brother or sister, or with the same child.")
    expect(part).to_contain_text("Front door had this case in the last 30 days.")
    part.get_by_label("To which team?").select_option(label="South Bucks team")
    part.get_by_label("Why?", exact=True).fill("They moved to Burnham.")
    part.get_by_role("button", name="Offer case").click()
    expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
    expect(part.get_by_label("Why?", exact=True)).to_have_value("They moved to Burnham.")
    part.get_by_label("If it does not go to those who know the family: why not?").fill("They live apart now.")
    part.get_by_role("button", name="Offer case").click()
    expect(page.get_by_text("Case offered.")).to_be_visible()
    expect(page.get_by_role("heading", name="On offer to South Bucks team")).to_be_visible()
    assert str(sister) not in page.content(), "who offers it may not see the other case"
    if javascript:
        assert receiver.faults_at(1200, 320) == []
    assert window.complaints + receiver.complaints == []


@pytest.mark.parametrize("javascript", [True, False])
def test_reminders_are_seen_and_put_off(visit: Any, pages_of_story: dict[str, str], javascript: bool) -> None:
    # Two managers, so that neither finds what the other has done.
    window = visit(javascript=javascript, width=320)
    page = window.sign_in("maya" if javascript else "david")
    page.get_by_role("link", name="All reminders").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your reminders")
    boxes = page.locator(".govuk-inset-text")
    assert boxes.count() > 1
    # The worker may make other reminders meanwhile: this one is known by where its form leads.
    snooze = boxes.first.locator("form[action*='/snooze/']").get_attribute("action")
    assert snooze is not None
    box = boxes.filter(has=page.locator(f"form[action='{snooze}']"))
    expect(box.get_by_text("New", exact=True)).to_be_visible()
    box.get_by_role("button", name=re.compile("^Mark as seen")).click()
    expect(box.get_by_text("New", exact=True)).to_have_count(0)
    box.locator("summary").click()
    box.get_by_role("button", name="Remind me later").click()
    expect(page.get_by_role("link", name="Select until when")).to_be_visible()
    expect(box.get_by_role("button", name="Remind me later")).to_be_visible()
    box.get_by_label("Four hours").check()
    box.get_by_label("Why can it wait until then?").fill("The school rings at three.")
    box.get_by_role("button", name="Remind me later").click()
    expect(page.get_by_text("Its clock runs on.")).to_be_visible()
    expect(box).to_have_count(0)
    expect(page.get_by_text("The school rings at three.")).to_be_visible()
    assert not window.overflows()
    if javascript:
        assert window.faults() == []
    assert window.complaints == []


@pytest.mark.parametrize("javascript", [True, False])
def test_a_message_that_does_not_go_out_is_given_up_for_a_reason(
    visit: Any, pages_of_story: dict[str, str], javascript: bool
) -> None:
    message = parked(Contact.objects.get(reference=pages_of_story["contact"].split("/")[2]), javascript)
    window = visit(javascript=javascript, width=320)
    window.sign_in("adele")
    page = window.go(f"{MESSAGES}?stand=parked")
    page.locator(f"a[href^='{MESSAGES}{message.pk}/']").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("What we decided")
    expect(page.get_by_text("school.example", exact=True)).to_be_visible()
    assert "dsl@" not in page.content()
    page.get_by_role("button", name="Drop it").click()
    expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
    assert not window.overflows()
    page.get_by_label("Why need it not go out?").fill("The school was told by telephone.")
    page.get_by_role("button", name="Drop it").click()
    expect(page.get_by_text("The message is dropped, and your reason is kept.")).to_be_visible()
    expect(page.get_by_role("button", name="Drop it")).to_have_count(0)
    if javascript:
        assert window.faults() == []
    assert window.complaints == []


def test_or_is_sent_again_and_arrives(visit: Any, service: Service, pages_of_story: dict[str, str]) -> None:
    window = visit()
    window.sign_in("sam")
    page = window.go(pages_of_story["message"])
    before = len(service.mailbox.messages)
    page.get_by_role("button", name="Send it on its way again").click()
    expect(page.get_by_text("The message is on its way again, from the first try on.")).to_be_visible()
    sent = OutboxMessage.objects.filter(pk=int(pages_of_story["message"].split("/")[-3]), sent_at__isnull=False)
    wait_until(sent.exists, "the message is sent")
    assert len(service.mailbox.messages) > before


@pytest.mark.parametrize(
    ("who", "pages"),
    [
        ("amina", ["/", "contact"]),
        ("maya", ["contact", "/admin/casework/clock/"]),
        ("ben", ["case", "to_and_fro", "/teams/aylesbury/", "/reminders/"]),
        ("sam", ["/", "to_and_fro", "/reminders/", "message", MESSAGES]),
        ("adele", ["/admin/casework/calendaredit/"]),
    ],
)
def test_every_page_of_the_work_meets_wcag_2_2_aa(
    visit: Any, pages_of_story: dict[str, str], who: str, pages: list[str]
) -> None:
    window = visit()
    window.sign_in(who)
    assert window.faults_of(pages_of_story.get(where, where) for where in pages) == {}
    assert window.complaints == []


def test_a_rationale_survives_the_end_of_the_session(visit: Any, service: Service) -> None:
    """Without JavaScript: it is there after signing in again, goes on to the answers, and nothing is typed twice."""
    kit = child(first_name="Kit", last_name="Ravenscroft", nhs_number=None, date_of_birth="2013-10-29")
    contact = Story(timezone.now()).contact(children=[kit], adults=[])
    window = visit(javascript=False)
    window.sign_in("amina")
    page = window.go(f"/contacts/{contact}/decide/")
    page.get_by_label("Family help").check()
    page.get_by_label("Level 3").check()
    page.get_by_label("Green").check()
    page.get_by_label("Why?").fill("The school and the family see it alike, and help is wanted.")
    window.lose_the_session()
    with window.next_page():
        page.get_by_role("button", name="Check your answers").click()
    window.fill_in_the_sign_in("amina")
    expect(page.get_by_role("heading", level=1)).to_have_text("You were signed out before this was sent")
    expect(page.get_by_role("main")).to_contain_text("The school and the family see it alike")
    assert window.overflows() is False
    page.get_by_role("button", name="Send it now").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Check your decision")
    page.get_by_role("button", name="Confirm decision").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Decision recorded")
