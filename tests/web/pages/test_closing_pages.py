"""The pages of closing a case: who is offered them, the check of the answers, and what is kept of what was typed."""

import pytest

from casework.models import Case, ClosingRequest, Handoff
from tests.stage.pages import CLOSING
from tests.stage.sql import asked, within
from tests.stage.staff import SignedIn, is_done, is_refused, is_wrong, path_of
from tests.stage.story import Story
from tests.stage.web_client import Page

NOBODY_SEEN = CLOSING | {
    "close-children_seen": "no", "close-children_note": "Nobody opened, on four visits.", "close-adults_seen": "no",
    "close-adults_note": "Nobody answers the telephone.", "close-family_asked": "no",
    "close-family_says": "Nobody could be asked.", "close-outcome": "moved_away",
}  # fmt: skip
NEVER = "Nobody has recorded contact with this family."


def test_the_answers_are_checked_before_the_case_closes(case: Case) -> None:
    ben = SignedIn("ben")
    page = Page(ben.post(case, "close", **ben.open(case, "close/").form(f"{path_of(case)}close/") | CLOSING))
    assert (page.status, page.main.all("h1")[0].text.startswith(f"Case {case}")) == (200, True)
    for says in ("Nothing is recorded yet.", "The family's needs are met", "“Mornings are calm.”", "Yes"):
        assert says in page.text, says
    case.refresh_from_db()
    assert case.status == "open"
    is_done(ben.post(case, "close", **page.form(f"{path_of(case)}close/")), case)
    text = ben.open(case).text
    for says in ("How it ended", "Children seenBoth, at home, on Tuesday.", "What the family says“Mornings are calm.”"):
        assert says in text, says


@pytest.mark.parametrize("name", ["amina", "maya"])
def test_at_the_front_door_nobody_is_offered_what_must_fail(offer: Handoff, name: str) -> None:
    SignedIn("amina").send(offer.case, "withdraw", **{"withdraw-reason": "The wrong team."})
    signed_in = SignedIn(name)
    assert "Close the case" not in signed_in.open(offer.case).text
    answer = signed_in.client.get(f"{path_of(offer.case)}close/")
    assert (answer.status_code, answer.headers["Location"]) == (302, path_of(offer.case))


def test_what_was_typed_before_the_case_was_offered_is_not_lost(case: Case, story: Story) -> None:
    ben = SignedIn("ben")
    form = ben.open(case, "close/").form(f"{path_of(case)}close/")
    ben.send(case, "offer", **{"offer-to_team": story.team("chiltern").pk, "offer-reason": "They moved."})
    is_refused(ben.post(case, "close", **form | CLOSING), 409, f"{case} is on offer to Chiltern team.")
    assert "They know where to turn." in ben.open(case).text


def test_a_practitioner_reads_before_they_type_that_the_lead_closes_and_asks_them(case: Case) -> None:
    bea = SignedIn("bea")
    page = bea.open(case, "close/")
    assert NEVER in page.text
    assert "close-lead_reason" not in page.names(f"{path_of(case)}close/")
    page = Page(bea.post(case, "close", **page.form(f"{path_of(case)}close/") | NOBODY_SEEN))
    assert "Ask to close the case" in page.heading
    assert "Ben Carter can agree to it." in page.text
    is_done(bea.post(case, "close", **page.form(f"{path_of(case)}close/")), case)
    assert ClosingRequest.objects.get().asked_by == bea.user
    assert "Bea Thornton asks to close this case" in bea.open(case).text
    case.refresh_from_db()
    assert case.status == "open"


class TestTheLeadIsAsked:
    @pytest.fixture
    def wanted(self, case: Case) -> Case:
        """A case that Bea asks to close."""
        is_done(SignedIn("bea").send(case, "close", **NOBODY_SEEN), case)
        return case

    def test_the_lead_finds_the_words_in_the_form_and_closes_with_a_reason(self, wanted: Case) -> None:
        ben = SignedIn("ben")
        assert "Bea Thornton asks to close this case" in ben.open(wanted).text
        form = ben.open(wanted, "close/").form(f"{path_of(wanted)}close/")
        assert (form["close-children_note"], form["close-children_seen"]) == ("Nobody opened, on four visits.", "no")
        says = "Enter in a sentence why the case closes although nobody was in contact with the family"
        is_wrong(ben.send(wanted, "close"), {"id_close-lead_reason": says})
        is_done(ben.send(wanted, "close", **{"close-lead_reason": "They live abroad with their aunt."}), wanted)
        assert "Why it closed without contactThey live abroad with their aunt." in ben.open(wanted).text

    def test_the_lists_say_that_it_is_asked_for_until_it_is_answered(self, wanted: Case) -> None:
        ben, lists, says = SignedIn("ben"), ("/", "/teams/aylesbury/?tab=cases"), "Closing requested"
        assert all(says in ben.open(path).text for path in lists)
        ben.send(wanted, "keep-open", **{"keep_open-reason": "Go to the school first."})
        assert not any(says in ben.open(path).text for path in lists)

    def test_or_keeps_it_open_and_says_what_to_do(self, wanted: Case) -> None:
        ben = SignedIn("ben")
        assert "Nobody opened, on four visits." in ben.open(wanted, "keep-open/").text
        says = "Enter why the case stays open, and what should be done"
        is_wrong(ben.send(wanted, "keep-open"), {"id_keep_open-reason": says})
        is_done(ben.send(wanted, "keep-open", **{"keep_open-reason": "Go to the school first."}), wanted)
        page = SignedIn("bea").open(wanted)
        assert "Go to the school first." in page.text
        (details,) = (each for each in page.root.all("details") if "What Bea Thornton wrote" in each.text)
        assert "Nobody opened, on four visits." in details.text, "it need not be typed again"

    def test_a_practitioner_cannot(self, wanted: Case) -> None:
        answer = SignedIn("bea").post(wanted, "keep-open", **{"keep_open-reason": "No."})
        is_refused(answer, 403, "Ask whoever leads the team")


def test_a_lead_who_is_the_lead_practitioner_asks_and_reads_who_can_agree(case: Case) -> None:
    ben, sam = SignedIn("ben"), SignedIn("sam")
    ben.send(case, "lead", **{"lead-lead": ben.user.pk})
    page = ben.open(case, "close/")
    assert "two people close the case" in page.text
    assert "Sam Adeyemi can agree to it." in page.text
    assert "close-lead_reason" not in page.names(f"{path_of(case)}close/")
    assert sam.client.get(f"{path_of(case)}close/").status_code == 302, "nobody asks yet"
    is_done(ben.send(case, "close", **NOBODY_SEEN), case)
    page = ben.open(case)
    assert "You cannot agree to it yourself, because you ask for it." in page.text
    assert "close-lead_reason" not in ben.open(case, "close/").names(f"{path_of(case)}close/")
    refused = ben.post(case, "close", **NOBODY_SEEN, confirmed="yes", **{"close-lead_reason": "They live abroad now."})
    is_refused(refused, 409, "is asked already")
    case.refresh_from_db()
    assert case.status == "open"
    is_done(sam.send(case, "close", **{"close-lead_reason": "They live abroad with their aunt."}), case)


def test_where_the_family_was_met_nothing_more_is_asked(case: Case) -> None:
    ben = SignedIn("ben")
    case.milestones.create(kind="plan_agreed", at=case.opened_at, recorded_by=ben.user, recorded_at=case.opened_at)
    page = ben.open(case, "close/")
    assert NEVER not in page.text
    assert "close-lead_reason" not in page.names(f"{path_of(case)}close/")


def test_the_pages_keep_to_their_budgets(case: Case) -> None:
    signed_in = SignedIn("ben")
    signed_in.open(case)
    with asked() as cost:
        assert signed_in.open(case, "close/").status == 200
    assert within(cost.round_trips, 11), cost
