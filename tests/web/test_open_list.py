"""The open list: who may open it, what it says, what it keeps to itself, and that no cell of it is a formula."""

import csv
import io
from datetime import timedelta

import pytest
from django.utils import timezone

from casework.actions import absences, cases, conflicts, contact_owners
from casework.models import AuditEvent, Event, OpenListCopy
from casework.reading import open_list
from casework.reading.open_list import Line
from casework.reading.open_list_files import BYTE_ORDER_MARK, as_text
from localities.working_time import local_day
from tests.stage.documents import address, child
from tests.stage.families import KIM, about
from tests.stage.restricted import restrict
from tests.stage.sql import asked
from tests.stage.staff import ANOTHER_FAMILY, SignedIn
from tests.stage.story import Story, person
from tests.stage.web_client import Page

PAGE, TABLE = "/open-list/", "/open-list/open-list.csv"


def table_of(name: str, query: str = "") -> list[dict[str, str]]:
    answer = SignedIn(name).client.get(TABLE + query)
    text = answer.getvalue().decode()
    assert text.startswith(BYTE_ORDER_MARK)
    return list(csv.DictReader(io.StringIO(text.removeprefix(BYTE_ORDER_MARK))))


def opened(name: str, query: str = "") -> Page:
    return Page(SignedIn(name).client.get(PAGE + query))


def lines_of(code: str) -> dict[str, Line]:
    lists = {each.code: each for each in open_list.of_everybody(timezone.now())}
    return {line.reference: line for line in lists[code].lines}


class TestWhoMayOpenIt:
    @pytest.mark.parametrize(("name", "lists"), [
        ("maya", ["Front door and emergency duty"]),
        ("ezra", ["Front door and emergency duty"]),
        ("ben", ["Aylesbury team"]),
        ("pat", ["Child protection team"]),
    ])  # fmt: skip
    def test_a_team_its_own(self, db: None, name: str, lists: list[str]) -> None:
        page = opened(name)
        assert [section.text for section in page.root.all("h2") if section.text in {*lists, "Wycombe"}] == lists
        event = AuditEvent.objects.get(event=Event.OPEN_LIST_OPENED)
        assert event.by_user == person(name)

    def test_the_service_manager_all_or_one(self, db: None) -> None:
        assert len(open_list.of_everybody(timezone.now())) > 8
        assert "Aylesbury team" in opened("sam").text
        one = opened("sam", "?team=chiltern")
        assert "Aylesbury team" not in one.text
        assert AuditEvent.objects.filter(event=Event.OPEN_LIST_OPENED).latest("pk").detail == {"teams": ["chiltern"]}

    @pytest.mark.parametrize("name", ["amina", "bea", "erin", "paula", "ava", "iris", "adele"])
    def test_nobody_else(self, db: None, name: str) -> None:
        for path in (PAGE, TABLE):
            assert SignedIn(name).client.get(path).status_code == 403
        assert PAGE not in SignedIn(name).open("/duty/").html

    def test_nor_that_of_another_team(self, db: None) -> None:
        assert SignedIn("ben").client.get(f"{TABLE}?team=chiltern").status_code == 403
        assert not AuditEvent.objects.filter(event=Event.OPEN_LIST_EXPORTED).exists()

    def test_the_audit_says_who_took_it_as_a_file(self, db: None) -> None:
        table_of("ben")
        event = AuditEvent.objects.get(event=Event.OPEN_LIST_EXPORTED)
        assert (event.by_user, event.detail) == (person("ben"), {"teams": ["aylesbury"]})


class TestWhatItSays:
    def test_a_contact_with_its_owner_and_what_is_due(self, story: Story) -> None:
        amina = person("amina")
        amina.telephone = "01632 960101"
        amina.save(update_fields=["telephone"])
        contact = story.contact()
        contact_owners.assign(contact_id=contact.pk, to_id=amina.pk, seen_owner_id=None, by=amina, now=story.later())
        (row,) = table_of("maya")
        assert (row["Reference"], row["Contact or case"], row["Family"]) == (str(contact), "Contact", "Robin Ashworth")
        assert (row["Rating"], row["Status"]) == ("Green", "Awaiting a decision")
        assert (row["Owner or lead practitioner"], row["Telephone"]) == ("Amina Hussain", "01632 960101")
        first = contact.clocks.running().order_by("due_at")[0]
        assert row["Next due"] == f"{timezone.localtime(first.due_at):%d/%m/%Y %H:%M}"
        assert row["What is due"]
        text = opened("maya").text
        assert "Valid at" in text
        assert "Robin Ashworth" in text

    def test_a_case_with_its_lead_who_is_away(self, story: Story) -> None:
        case = story.accepted()
        cases.name_lead(case_id=case.pk, lead_id=person("bea").pk, by=person("ben"), now=story.later())
        today = local_day(timezone.now())
        absences.record(
            person_id=person("bea").pk, first_day=today, last_day=today + timedelta(days=2),
            covered_by_id=person("ben").pk, by=person("ben"), now=timezone.now(),
        )  # fmt: skip
        (row,) = table_of("ben")
        assert (row["Reference"], row["Contact or case"], row["Family"]) == (str(case), "Case", "Robin Ashworth")
        assert row["Owner or lead practitioner"] == "Bea Thornton"
        assert row["Away and covered by"].startswith("Away until ")
        assert row["Away and covered by"].endswith("Covered by Ben Carter")
        assert row["Status"].startswith("Family help. With Aylesbury team since ")

    def test_a_lead_who_has_left(self, story: Story) -> None:
        case = story.accepted()
        cases.name_lead(case_id=case.pk, lead_id=person("bea").pk, by=person("ben"), now=story.later())
        person("bea").__class__.objects.filter(username="bea").update(is_active=False)
        assert table_of("ben")[0]["Owner or lead practitioner"] == "Bea Thornton, who has left"

    def test_an_offer_stands_with_both_teams(self, story: Story) -> None:
        case = story.offered().case
        for name in ("maya", "ben"):
            (row,) = table_of(name)
            assert (row["Reference"], row["Status"].endswith("offered to Aylesbury team")) == (str(case), True)
            assert row["What is due"] == "Handoff acceptance"

    def test_what_is_decided_or_closed_is_not_in_it(self, story: Story) -> None:
        story.closed()
        assert table_of("sam") == []

    def test_the_gravest_first_and_of_those_the_first_due(self, story: Story) -> None:
        later = story.contact(at=story.now + timedelta(days=2))
        red = story.contact(children=[child(**KIM, indicators=["L4-01"])], adults=[])
        first = story.contact(**ANOTHER_FAMILY)
        found = [row["Reference"] for row in table_of("maya")]
        assert (found[0], found[1:]) == (str(red), [str(first), str(later)])

    def test_it_costs_the_same_for_any_number_of_records_and_teams(self, story: Story) -> None:
        story.contact()

        def cost() -> int:
            with asked() as found:
                open_list.of_everybody(timezone.now())
            return found.statements

        open_list.of_everybody(timezone.now())
        before = cost()
        story.accepted(story.contact(**ANOTHER_FAMILY))
        for number in range(5):
            about(story, child(first_name=f"C{number}", last_name="Okoro", date_of_birth=f"201{number}-03-04"))
        assert (before, cost()) == (4, 4)


class TestWhatItKeepsToItself:
    def test_a_restricted_record_has_its_reference_only(self, story: Story) -> None:
        contact = story.contact()
        restrict(story, contact, "maya")
        for name, sees in (("maya", True), ("david", False), ("ezra", False)):
            (row,) = table_of(name)
            assert (row["Reference"], row["Family"] == "Robin Ashworth") == (str(contact), sees), name
            assert ("Ashworth" in opened(name).text) is sees
        for text in (row["Rating"], row["Owner or lead practitioner"], row["Family"]):
            assert text == ""

    def test_in_the_folder_also_for_those_who_are_named(self, story: Story) -> None:
        contact = story.contact()
        restrict(story, contact, "maya")
        line = lines_of("front-door")[str(contact)]
        assert (line.is_open, line.family, line.who, line.rag, line.status) == (False, "", "", "", "")

    def test_and_where_a_colleague_has_a_conflict_of_interest(self, story: Story) -> None:
        case = story.accepted()
        assert lines_of("aylesbury")[str(case)].is_open
        conflicts.declare_in_case(case_id=case.pk, reason="My cousin.", by=person("bea"), now=story.later())
        assert not lines_of("aylesbury")[str(case)].is_open
        assert table_of("ben")[0]["Family"] == "Robin Ashworth"

    def test_a_name_that_is_like_a_hidden_address_is_not_shown(self, story: Story) -> None:
        """Somebody typed the address where the name belongs."""
        home = address("HP20 1UA", confidential=True) | {"lines": ["14 Larkspur Lane"]}
        contact = story.contact(children=[child(last_name="Ashworth, 14 Larkspur Lane", address=home)], adults=[])
        other = about(story, child(**KIM) | {"nhs_number": None, "address": None})
        assert lines_of("front-door")[str(contact)].family == open_list.NOT_SHOWN
        families = {row["Reference"]: row["Family"] for row in table_of("maya")}
        assert families[str(contact)] == open_list.NOT_SHOWN
        assert "Kim" in lines_of("front-door")[str(other)].family


@pytest.mark.parametrize(("cell", "safe"), [
    ("=HYPERLINK(\"http://x\")", False), ("+44 1632 960101", False), ("-1", False), ("@SUM(A1)", False),
    ("\t=1", False), (" =1", False), ("\r=1", False), ("\uff1d1", False), ("|calc", False), ("%0", False),
    ("Robin =1", True), ("", True), ("01632 960101", True),
])  # fmt: skip
def test_no_cell_is_a_formula(cell: str, safe: bool) -> None:
    assert as_text(cell) == (cell if safe else f"'{cell}")


def test_a_name_that_begins_like_a_formula_is_text_in_the_file(story: Story) -> None:
    story.contact(children=[child(first_name="=cmd|' /C calc'!A0", nhs_number=None)], adults=[])
    (row,) = table_of("maya")
    assert row["Family"].startswith("'=cmd|")


class TestTheCopies:
    @pytest.mark.parametrize(("ago", "says"), [
        (None, "No copy has been made in the folder yet."),
        (60, "The newest copy in the folder is of "),
        (10, "The newest copy in the folder was made at "),
    ])  # fmt: skip
    def test_the_page_says_how_old_the_newest_is(self, db: None, ago: int | None, says: str) -> None:
        if ago is not None:
            at = timezone.now() - timedelta(minutes=ago)
            OpenListCopy.objects.create(quarter=at, made_at=at, records=1)
        page = opened("maya")
        assert says in page.text
        assert ("Tell whoever looks after the service" in page.text) is (ago != 10)
