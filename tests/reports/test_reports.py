"""
What the service sees of itself: where people overrule the rules, and which way; whom it reaches; what agencies send;
who may see that.
"""

from datetime import date, datetime, timedelta
from hashlib import sha256
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from casework.actions import corrections, partner_checks, receiving
from casework.facts.contact_document import age_on
from casework.models import AuditEvent, Contact, ContactChild, Recommendation
from casework.reports import answers as answers_report
from casework.reports import equality, overrides
from casework.reports.cells import Mark
from casework.reports.comparison import Comparison, OverrideKind
from casework.reports.period import Period, last_twelve_months
from localities.codes import ETHNIC_GROUPS, ETHNICITIES
from localities.models import Membership, Role, Team, User
from localities.working_time import local_day
from tests.conftest import THURSDAY
from tests.stage.documents import address, child, contact_document
from tests.stage.moments import day, local
from tests.stage.sessions import sign_in
from tests.stage.story import Story, person
from tests.stage.web_client import Page, browser
from triage.direction import PathwayRag
from triage.models import RuleSetVersion
from triage.ruleset import shipped

READERS = {"maya", "david", "ezra", "sam", "paula", "ava"}
NOVEMBER = "first=2026-11-01&last=2026-11-30"
OVERRIDES, CONTACTS, EQUALITY = "/reports/overrides/", "/reports/overrides/contacts/", "/reports/equality/"
QUALITY, FIGURES = "/reports/quality/", "/reports/quality/figures.csv"
PAGES = (OVERRIDES, CONTACTS, EQUALITY, QUALITY, FIGURES)
MONTH = Period(date(2026, 11, 1), date(2026, 11, 30))

# What people decide instead of family help, level 3, green; and which way that is.
UP: dict[str, Any] = {"pathway": "social_work_assessment", "level": 4, "rag": "amber"}
DOWN = {"pathway": "early_help", "level": 2, "rag": "green"}
ACROSS = {"pathway": "other_authority", "level": 3, "rag": "green"}
LEVEL_ONLY = {"level": 2}
ADVICE: dict[str, Any] = {"pathway": "advice", "level": 1, "rag": "blue"}

_families = count(1)


def family(**changes: Any) -> dict[str, Any]:
    """A child from five to nine years old, of a family of its own."""
    number = next(_families)
    born = date(2017, 1, 1) + timedelta(days=11 * (number % 150))
    # No two names are alike, or somebody would first have to say that they are not the same child.
    letters = "".join(chr(ord("a") + int(digit, 16)) for digit in sha256(b"%d" % number).hexdigest())
    return child(
        first_name=letters[:10].capitalize(), last_name=letters[10:20].capitalize(), nhs_number=None,
        date_of_birth=born.isoformat(), address=address("HP20 1UA"),
    ) | changes  # fmt: skip


def received(
    story: Story, *, at: datetime | None = None, by: str = "example-primary-school", **changes: Any
) -> Contact:
    """A contact about a family of its own: family help, level 3, green."""
    document: dict[str, Any] = {"children": [family()], "adults": [], "family_indicators": []}
    agreed = {"agreement": {"service": "given", "given_by": "mother", "on": "2026-01-05"}}
    return story.contact(by=by, at=at, **(document | agreed | changes))


def decided(story: Story, how: dict[str, Any] | None = None, **changes: Any) -> Contact:
    """Receives a contact and decides on it, as recommended or otherwise."""
    contact = received(story, **changes)
    story.decided(contact, **(how or {}))
    return contact


def opened(path: str, query: str = NOVEMBER, by: str = "paula") -> Page:
    client = browser()
    sign_in(client, User.objects.get(username=by))
    return Page(client.get(f"{path}?{query}"))


def table(page: Page, name: str) -> dict[str, list[str]]:
    """The rows of a table by their first cell."""
    (section,) = page.main.all("section", **{"aria-labelledby": f"by-{name}"})
    rows = [row for body in section.all("tbody") for row in body.all("tr")]
    return {row.all("th")[0].text: [cell.text for cell in row.all("td")] for row in rows}


def listed(query: str, by: str = "paula") -> list[str]:
    """The references on the list behind a figure."""
    page = opened(CONTACTS, query, by)
    assert page.status == 200, page.text
    return [row.all("a")[0].text for body in page.main.all("tbody") for row in body.all("tr")]


# ---- who may see it


class TestWhoMaySee:
    def test_who_answers_for_the_rules_and_nobody_else(self, story: Story) -> None:
        decided(story, UP)
        names = set(User.objects.values_list("username", flat=True))
        for path in PAGES:
            answers = {name: opened(path, by=name).status for name in names}
            assert {name for name, status in answers.items() if status == 200} == READERS
            assert set(answers.values()) == {200, 404}

    def test_whoever_is_not_signed_in_signs_in_first(self, db: None) -> None:
        for path in PAGES:
            assert browser().get(path).headers["Location"] == f"/accounts/login/?next={path}"

    def test_the_header_leads_there(self, db: None) -> None:
        for user in User.objects.all():
            links = opened("/", "", by=user.username).root.all("a", href=OVERRIDES)
            assert bool(links) is (user.username in READERS), user.username

    def test_a_manager_of_another_team_is_not_one_of_the_front_door(self, carol: User) -> None:
        Membership.objects.create(user=carol, role=Role.FRONT_DOOR_MANAGER, team=Team.objects.get(code="chiltern"))
        assert opened(OVERRIDES, by="carol").status == 404

    def test_a_membership_that_ended_yesterday_opens_nothing(self, db: None) -> None:
        Membership.objects.filter(user__username="paula").update(ends_on=local_day(timezone.now()) - timedelta(days=1))
        assert {opened(path).status for path in PAGES} == {404}

    def test_to_look_at_figures_leaves_no_trace_and_to_open_a_contact_does(self, story: Story) -> None:
        contact = decided(story, UP)
        before = AuditEvent.objects.count()
        for path in PAGES:
            opened(path)
        assert AuditEvent.objects.count() == before
        opened(f"/contacts/{contact}/", "")
        assert AuditEvent.objects.filter(event="contact_viewed", contact=contact).count() == 1

    def test_no_page_names_a_child(self, story: Story) -> None:
        named = decided(story, UP).children.get()
        for path in PAGES:
            page = opened(path)
            assert page.status == 200
            assert named.first_name not in page.html
            assert named.last_name not in page.html


# ---- where people overrule the rules


class TestOverrides:
    def test_each_way_is_counted_as_what_it_is(self, story: Story) -> None:
        for how in (None, None, UP, UP, UP, DOWN, DOWN, ACROSS, LEVEL_ONLY):
            decided(story, how)
        page = opened(OVERRIDES)
        figures = ["9", "7", "77.8%", "3", "2", "1", "1"]
        assert table(page, "rule") == {"Level 3, agreement given": figures}
        assert table(page, "agency") == {"Example Primary School": figures}
        assert table(page, "month") == {"November 2026": figures}
        assert "9 contacts decided; 7 overridden, 77.8%." in page.text

    def test_what_waits_does_not_count(self, story: Story) -> None:
        received(story)
        contact = decided(story, ADVICE)
        assert contact.decisions.get().needs_sign_off
        assert "No contact that was received from" in opened(OVERRIDES).text
        assert listed(NOVEMBER) == []

    def test_a_decision_counts_once_when_a_second_person_has_agreed(self, story: Story) -> None:
        contact = decided(story, ADVICE)
        story.signed_off(contact, agreed=False)
        story.decided(contact, **ADVICE)
        story.signed_off(contact)
        assert contact.decisions.count() == 2
        assert table(opened(OVERRIDES), "month") == {"November 2026": ["1", "1", "100.0%", "0", "1", "0", "0"]}
        assert listed(NOVEMBER) == [str(contact)]

    def test_a_rule_counts_once_on_a_contact_however_often_it_fired(self, story: Story) -> None:
        two = [family(ref=f"c{n}", disabled=True) for n in (1, 2)]
        contact = decided(story, DOWN, children=two)
        fired = Recommendation.objects.values_list("rules", flat=True).get(contact=contact)
        assert fired.count("disabled_child") == 2
        assert table(opened(OVERRIDES), "rule")["A disabled or non-verbal child"][:2] == ["1", "1"]

    def test_all_that_fired_count_reasons_to_look_again_too(self, story: Story) -> None:
        decided(story, children=[family(disabled=True)], referrer_level=4, by="example-police")
        rows = table(opened(OVERRIDES), "rule")
        assert set(rows) >= {"Referrer says level 4", "A disabled or non-verbal child"}

    def test_the_most_overruled_stands_first_then_the_highest_rate(self, story: Story) -> None:
        for by, decisions in {
            "example-police": (UP, None, None),
            "example-surgery": (UP, UP, None),
            "example-hospital": (UP, None),
            "example-housing": (None, None, None, None),
        }.items():
            for how in decisions:
                decided(story, how, by=by)
        assert list(table(opened(OVERRIDES), "agency")) == [
            "Example Surgery", "Example Hospital emergency department", "Example Police", "Example Housing",
        ]  # fmt: skip

    def test_what_nobody_sent_was_typed_in_and_what_has_no_case_has_no_locality(
        self, story: Story, amina: User
    ) -> None:
        document = contact_document(children=[family(indicators=[])], adults=[], family_indicators=[])
        story.ended(receiving.receive(document=document, by=amina, now=story.now).contact)
        decided(story)
        page = opened(OVERRIDES)
        assert table(page, "agency").keys() == {"Typed in at the front door", "Example Primary School"}
        assert table(page, "locality").keys() == {"No locality", "Aylesbury"}

    def test_months_are_those_of_london(self, story: Story) -> None:
        """Two contacts: a second before midnight on 31 July, and at midnight, both in summer time."""
        story.now = local("Sat 1 Aug 2026 00:00")
        july = decided(story, UP, at=local("Fri 31 Jul 2026 23:59:59"))
        august = decided(story, DOWN, at=local("Sat 1 Aug 2026 00:00"))
        both = "first=2026-07-01&last=2026-08-31"
        rows = table(opened(OVERRIDES, both), "month")
        assert rows == {
            "July 2026": ["1", "1", "100.0%", "1", "0", "0", "0"],
            "August 2026": ["1", "1", "100.0%", "0", "1", "0", "0"],
        }
        assert listed(f"{both}&month=2026-07") == [str(july)]
        assert listed(f"{both}&month=2026-08") == [str(august)]

    def test_so_are_the_days_of_a_period(self, story: Story) -> None:
        story.now = local("Sat 1 Aug 2026 00:00")
        july = decided(story, UP, at=local("Fri 31 Jul 2026 23:59:59"))
        august = decided(story, UP, at=local("Sat 1 Aug 2026 00:00"))
        assert listed("first=2026-07-31&last=2026-07-31") == [str(july)]
        assert listed("first=2026-08-01&last=2026-08-01") == [str(august)]
        for one in ("first=2026-07-31&last=2026-07-31", "first=2026-08-01&last=2026-08-01"):
            assert table(opened(OVERRIDES, one), "agency")["Example Primary School"][0] == "1"
            assert table(opened(EQUALITY, one), "sex")["Male"][0] == "fewer than 5"

    def test_a_month_without_a_contact_is_seen_as_a_gap(self, story: Story) -> None:
        story.now = local("Tue 1 Sep 2026 10:00")
        decided(story)
        story.now = local("Thu 19 Nov 2026 10:00")
        decided(story)
        page = opened(OVERRIDES, "first=2026-08-01&last=2026-12-31")
        assert list(table(page, "month")) == ["September 2026", "October 2026", "November 2026"]
        assert table(page, "month")["October 2026"] == ["0", "0", "–", "0", "0", "0", "0"]
        assert "nothing decided" in page.text

    def test_each_version_of_the_rules_has_its_own_order(self, db: None) -> None:
        document = RuleSetVersion.objects.values_list("document", flat=True).get()
        reordered = RuleSetVersion.objects.create(
            name="another", version=1, published_at=timezone.now(),
            document=document | {"pathways": document["pathways"][::-1], "ruleset": "another"},
        )  # fmt: skip
        before, after = PathwayRag("family_help", "green"), PathwayRag("early_help", "green")
        first = RuleSetVersion.objects.get(name="early-help-first")
        assert Comparison(first.pk, before, after, True).kind is OverrideKind.DOWN
        assert Comparison(reordered.pk, before, after, True).kind is OverrideKind.UP

    def test_a_rule_is_called_as_the_newest_version_calls_it(self, db: None) -> None:
        document = RuleSetVersion.objects.values_list("document", flat=True).get()
        rules = [rule | {"title": rule["title"].upper()} for rule in document["rules"]]
        newer = RuleSetVersion.objects.create(
            name="another", version=1, published_at=timezone.now(), document=document | {"rules": rules}
        )
        older = RuleSetVersion.objects.get(name="early-help-first").pk
        assert overrides.titles([newer.pk, older])["hard_stop"] == "HARD STOP"
        assert overrides.titles([older])["many_needs"] == "Many needs"


class TestThePicture:
    def test_it_says_what_the_table_says(self, story: Story) -> None:
        for how in (UP, None, None):
            decided(story, how)
        page = opened(OVERRIDES)
        (picture,) = page.main.all("svg")
        assert picture["role"] == "img"
        assert set(picture["aria-labelledby"].split()) <= set(page.ids)
        assert [text.text for text in picture.all("text")] == ["Nov 2026", "33.3%"]
        assert picture.all("desc")[0].text.startswith("Highest: 33.3% in Nov 2026.")
        assert not any(element["style"] for element in page.root)

    def test_too_many_months_make_no_picture(self, story: Story) -> None:
        story.now = local("Mon 6 Nov 2023 10:00")
        decided(story, agreement={"service": "given", "given_by": "mother", "on": "2023-11-05"})
        story.now = local("Thu 19 Nov 2026 10:00")
        decided(story)
        page = opened(OVERRIDES, "first=2023-01-01&last=2026-12-31")
        assert page.main.all("svg") == []
        assert len(table(page, "month")) == 37
        assert opened(OVERRIDES, "first=2023-12-01&last=2026-12-31").main.all("svg")


# ---- the contacts behind a figure


@pytest.fixture(scope="class")
def page(told_for_a_class: None) -> Page:
    """A report with figures in every table."""
    story, amina = Story(THURSDAY), person("amina")
    for how in (None, UP, DOWN, DOWN, ACROSS, LEVEL_ONLY):
        decided(story, how)
    for how in (None, UP):
        decided(story, how, by="example-police", children=[family(disabled=True, address=address("HP11 1BB"))])
    document = contact_document(children=[family()], adults=[], family_indicators=[])
    story.decided(receiving.receive(document=document, by=amina, now=story.now).contact, **UP)
    story.signed_off(decided(story, ADVICE))
    return opened(OVERRIDES)


class TestFigures:
    def test_every_figure_leads_to_as_many_contacts(self, page: Page) -> None:
        links = [link for link in page.main.all("a") if link["href"].startswith(CONTACTS)]
        assert len(links) > 30
        for link in links:
            query = urlsplit(link["href"]).query
            shown = link.text.split()[0]
            assert len(listed(query)) == int(shown), link["href"]

    def test_and_every_figure_that_is_not_nought_does(self, page: Page) -> None:
        for section in page.main.all("section"):
            for cell in section.all("td"):
                position = section.all("td").index(cell) % 7
                if position not in (0, 2):
                    assert bool(cell.all("a")) is (cell.text != "0")

    def test_a_link_says_by_itself_where_it_leads(self, page: Page) -> None:
        """A screen reader lists links without their tables."""
        says = [link["aria-label"] or link.text for link in page.main.all("a") if link["href"].startswith(CONTACTS)]
        assert len(set(says)) == len(says)

    def test_it_says_which_figure_it_is(self, page: Page) -> None:
        shown = opened(
            CONTACTS, f"{NOVEMBER}&rule=level_3_agreed&agency=~&locality=aylesbury&month=2026-11&direction=up"
        )
        for said in (
            "1 November 2026 to 30 November 2026", "Level 3, agreement given", "Typed in at the front door",
            "Aylesbury", "November 2026", "Up",
        ):  # fmt: skip
            assert said in shown.text
        assert shown.main.all("td")


class TestContactsBehind:
    def test_it_shows_what_was_recommended_and_what_was_decided(self, story: Story) -> None:
        contact = decided(story, UP)
        page = opened(CONTACTS)
        (row,) = [row for body in page.main.all("tbody") for row in body.all("tr")]
        assert row.all("a")[0]["href"] == f"/contacts/{contact}/"
        assert [cell.text for cell in row.all("td")] == [
            "19 November 2026", "Example Primary School", "Green Family help, level 3",
            "Amber Social work assessment, level 4", "Up",
        ]  # fmt: skip

    def test_of_many_there_are_pages_that_keep_the_figure(self, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("casework.web.views.reports.A_PAGE", 2)
        found = [str(decided(story, UP)) for _ in range(3)]
        decided(story, DOWN)
        query = f"{NOVEMBER}&agency=example-primary-school&direction=up"
        page = opened(CONTACTS, query)
        assert listed(query) == found[:0:-1]
        (further,) = page.main.all("a", rel="next")
        asked = parse_qs(urlsplit(further["href"]).query)
        assert asked == parse_qs(query) | {"page": ["2"]}
        assert listed(urlsplit(further["href"]).query) == found[:1]

    @pytest.mark.parametrize(
        "query",
        [
            "direction=sideways", "month=2026-13", "month=11", "month=%00", "agency=none-such", "locality=none-such",
            "agency=%00", "rule=%00", "locality=%0a", "first=2026-02-30&last=2026-03-01", "first=x",
        ],
    )  # fmt: skip
    def test_an_address_that_says_nothing_is_not_found(self, db: None, query: str) -> None:
        assert opened(CONTACTS, query).status == 404

    def test_a_rule_that_never_fired_has_no_contacts(self, story: Story) -> None:
        decided(story, UP)
        page = opened(CONTACTS, f"{NOVEMBER}&rule=%22%27%5B")
        assert "No contacts found." in page.text

    def test_a_page_number_that_was_tampered_with_breaks_nothing(self, story: Story) -> None:
        decided(story, UP)
        for number in ("0", "-1", "2", "x", "9" * 30, ""):
            assert opened(CONTACTS, f"{NOVEMBER}&page={number}").status == 200


# ---- the period


class TestThePeriod:
    @pytest.mark.parametrize("path", [OVERRIDES, EQUALITY])
    def test_it_is_the_last_twelve_months_unless_told_otherwise(self, db: None, path: str) -> None:
        page = opened(path, "")
        today = local_day(timezone.now())
        usual = last_twelve_months(today)
        assert str(usual) in page.text
        form = page.form("")
        assert form["last_day"] == f"{today.day:02}"
        assert form["first_year"] == str(usual.first.year)

    @pytest.mark.parametrize(
        ("today", "first"),
        [
            ("Sun 22 Nov 2026", "Sun 23 Nov 2025"),
            ("Thu 29 Feb 2024", "Wed 1 Mar 2023"),
            ("Fri 28 Feb 2025", "Thu 29 Feb 2024"),
        ],
    )
    def test_twelve_months_are_twelve_months(self, today: str, first: str) -> None:
        assert last_twelve_months(day(today)) == Period(day(first), day(today))

    def test_it_can_be_typed_in(self, story: Story) -> None:
        decided(story, UP)
        page = opened(OVERRIDES, "first_day=19&first_month=11&first_year=2026&last_day=19&last_month=11&last_year=2026")
        assert table(page, "month")["November 2026"][0] == "1"
        page = opened(OVERRIDES, "first_day=20&first_month=11&first_year=2026&last_day=9&last_month=12&last_year=2026")
        assert "No contact that was received from" in page.text

    @pytest.mark.parametrize("path", [OVERRIDES, EQUALITY])
    @pytest.mark.parametrize(
        ("first", "last", "says"),
        [
            ("2026-02-30", "2026-03-01", {"id_first": "First day must be a real date."}),
            ("2026-11-02", "2026-11-01", {"id_last": "Last day must not be before the first day."}),
            (
                "", "yesterday",
                {
                    "id_first": "First day must have a day, a month and a year of four digits, as 21 11 2026.",
                    "id_last": "Last day must have a day, a month and a year of four digits, as 21 11 2026.",
                },
            ),
            (
                "0001-01-01", "9999-12-31",
                {
                    "id_first": "First day must lie in the years 2000 to 2099.",
                    "id_last": "Last day must lie in the years 2000 to 2099.",
                },
            ),
        ],
    )  # fmt: skip
    def test_a_day_that_is_none_is_said_at_its_place(
        self, db: None, path: str, first: str, last: str, says: dict[str, str]
    ) -> None:
        page = opened(path, f"first={first}&last={last}")
        assert page.status == 422
        assert dict(page.summary) == says
        assert {where: page.error_at(where) for where in says} == says
        assert set(says) <= set(page.ids)
        assert not page.main.all("table")

    def test_what_was_typed_stands_in_the_form_again(self, db: None) -> None:
        page = opened(OVERRIDES, "first_day=31&first_month=2&first_year=2026&last_day=1&last_month=3&last_year=2026")
        assert page.form("")["first_day"] == "31"
        assert page.form("")["last_month"] == "3"


# ---- whom it reaches


class TestEquality:
    def grown(self, story: Story, *numbers: tuple[int, dict[str, Any] | None, dict[str, Any]]) -> Page:
        """
        This number of children with these decisions and these facts: one child on a contact of its own, and the others
        on one contact.
        """
        for number, how, what in numbers:
            decided(story, how, children=[family(**what)])
            if number > 1:
                decided(story, how, children=[family(ref=f"c{n}", **what) for n in range(1, number)])
        return opened(EQUALITY)

    def test_children_are_counted_by_what_was_recommended_and_how_it_was_overruled(self, story: Story) -> None:
        page = self.grown(story, (5, UP, {"sex": "M"}), (6, None, {"sex": "F"}), (5, DOWN, {"sex": "F"}))
        assert table(page, "sex") == {
            "Male": ["5", "5 100.0%", "5 100.0%", "0", "0"],
            "Female": ["11", "11 100.0%", "0", "5 45.5%", "6 54.5%"],
            "Unknown": ["0", "0", "0", "0", "0"],
            "All": ["16", "16 100.0%", "5 31.3%", "5 31.3%", "6 37.5%"],
        }

    def test_small_numbers_and_what_would_give_them_away_are_hidden(self, story: Story) -> None:
        page = self.grown(
            story, (2, UP, {"sex": "F"}), (6, UP, {"sex": "M"}), (7, None, {"sex": "M"}), (8, None, {"sex": "F"})
        )
        rows = table(page, "sex")
        few, not_shown = Mark.FEW.value, Mark.NOT_SHOWN.value
        # Up: two girls of eight children; neither: eight of fifteen. One in each row and column is not enough.
        assert rows["Female"][2] == few
        assert rows["Male"][2] == not_shown
        assert {rows["Female"][4], rows["Male"][4]} == {not_shown}
        assert not any("%" in cell for row in rows.values() for cell in row if cell.startswith((few, not_shown)))
        assert "fewer than 5" in page.text

    def test_no_page_shows_a_small_number(self, story: Story) -> None:
        page = self.grown(story, (1, UP, {"sex": "F", "ethnicity": "APKN"}), (1, None, {"sex": "M", "disabled": True}))
        assert page.status == 200
        shown = {
            cell
            for name in ("age", "sex", "ethnicity", "disability")
            for row in table(page, name).values()
            for cell in row
        }
        assert shown <= {"0", Mark.FEW.value, Mark.NOT_SHOWN.value}

    def test_a_difference_is_a_question_and_small_numbers_are_explained(self, story: Story) -> None:
        page = self.grown(story, (1, None, {}))
        for said in (
            "A difference between groups is a question, not a finding", "Numbers are of children",
            "so that nobody can be recognised", "A child who is on two of them counts twice",
        ):  # fmt: skip
            assert said in page.text

    def test_every_child_of_a_contact_counts_and_one_that_waits_does_not(self, story: Story) -> None:
        received(story)
        decided(story, children=[family(ref=f"c{n}", sex="F") for n in range(6)])
        rows = table(opened(EQUALITY), "sex")
        assert rows["Female"][0] == "6"
        assert rows["Male"][0] == "0"

    def test_age_is_that_on_the_day_of_receipt(self, story: Story) -> None:
        """The age on a birthday, on the day before and on the day after; also for somebody born on 29 February."""
        on = local_day(story.now)
        births = [
            *(on.replace(year=on.year - age) + timedelta(days) for age in (1, 5, 10, 16, 18) for days in (-1, 0, 1)),
            on, date(2024, 2, 29),
        ]  # fmt: skip
        children = [family(ref=f"c{n}", date_of_birth=born.isoformat()) for n, born in enumerate(births)]
        received(story, children=children)
        ages = dict(ContactChild.objects.annotate(age=equality.AGE).values_list("date_of_birth", "age"))
        assert ages == {born: age_on(on, born) for born in births}

    def test_an_age_that_was_said_counts_where_no_birth_is_known(self, story: Story) -> None:
        expected = (local_day(story.now) + timedelta(60)).isoformat()
        children = [
            family(ref="said", date_of_birth=None, age_years="about 15"),
            family(ref="born", date_of_birth="2019-03-04", age_years=8),
            family(ref="unborn", date_of_birth=None, age_years=0, expected_date_of_delivery=expected),
        ]
        received(story, children=children)
        ages = dict(ContactChild.objects.annotate(age=equality.AGE).values_list("ref", "age"))
        assert ages == {"said": 15, "born": 7, "unborn": None}

    @pytest.mark.parametrize(
        ("on", "born", "age"),
        [
            # A birthday on 29 February is kept on 1 March; and a birthday begins at midnight in London.
            ("Fri 28 Feb 2025 23:59:59", "2024-02-29", 0), ("Sat 1 Mar 2025 00:00", "2024-02-29", 1),
            ("Fri 31 Jul 2026 23:59:59", "2025-08-01", 0), ("Sat 1 Aug 2026 00:00", "2025-08-01", 1),
        ],
    )  # fmt: skip
    def test_a_birthday_begins_at_midnight_in_london(self, story: Story, on: str, born: str, age: int) -> None:
        received(story, at=local(on), children=[family(date_of_birth=born)], agreement={"service": "not_sought"})
        assert ContactChild.objects.annotate(age=equality.AGE).values_list("age", flat=True).get() == age

    @pytest.mark.parametrize(
        ("age", "is_expected", "band"),
        [
            (None, True, "Unborn"), (None, False, "Not known"), (0, False, "Under 1"), (1, False, "1 to 4"),
            (4, False, "1 to 4"), (5, False, "5 to 9"), (9, False, "5 to 9"), (10, False, "10 to 15"),
            (15, False, "10 to 15"), (16, False, "16 to 17"), (17, False, "16 to 17"), (18, False, "18 and over"),
        ],
    )  # fmt: skip
    def test_every_age_has_its_band(self, age: int | None, is_expected: bool, band: str) -> None:
        assert equality.age_band(age, is_expected) == band
        assert band in equality.DIMENSIONS[0].groups

    def test_every_child_has_a_place_in_every_table(self, story: Story) -> None:
        """A child about whom nothing is known counts as well. Otherwise the tables would not add up."""
        expected = (local_day(story.now) + timedelta(days=60)).isoformat()
        unborn = {"date_of_birth": None, "expected_date_of_delivery": expected}
        whoever: list[dict[str, Any]] = [
            unborn,
            {"date_of_birth": None},
            *({"ethnicity": code} for code in [*ETHNICITIES, None]),
        ]
        whoever += [{"sex": "U", "disabled": None}, {"sex": "F", "disabled": True}, {"sex": "M", "disabled": False}]
        for chunk in (whoever[:13], whoever[13:]):
            decided(story, children=[family(ref=f"c{n}", indicators=["L2-01"], **what) for n, what in enumerate(chunk)])
        assert str(len(whoever)) in table(opened(EQUALITY), "sex")["All"][0]

    def test_every_ethnicity_has_its_group(self) -> None:
        assert set(ETHNIC_GROUPS) == set(ETHNICITIES)
        assert equality.ethnic_group("") == equality.ethnic_group("NOBT") == "Not stated"

    def test_without_a_contact_it_says_so(self, db: None) -> None:
        assert "No contact that was received on these days is decided." in opened(EQUALITY).text

    def test_pathways_stand_in_the_order_of_the_rules(self, story: Story) -> None:
        decided(story, children=[family(indicators=["L2-01"])], family_indicators=[])
        decided(story)
        report = equality.report(MONTH)
        known = [pathway.title for pathway in shipped().pathways.values()]
        assert [known.index(title) for title in report.pathways] == sorted(map(known.index, report.pathways))
        assert len(report.pathways) == 2


# ---- what it costs


def test_a_decision_between_two_counts_is_counted_by_all_of_them(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """The report's four queries see one moment. Otherwise the tables would not add up."""
    decided(story)
    count_one, counted = equality._counts, []

    def somebody_decides(dimension: Any, period: Period) -> Any:
        found = count_one(dimension, period)
        counted.append(dimension)
        if len(counted) == 2:
            decided(story)
        return found

    monkeypatch.setattr(equality, "_counts", somebody_decides)
    assert equality.report(MONTH)
    assert len(counted) == 8


@pytest.fixture(scope="class")
def many_once(told_for_a_class: None) -> Story:
    story = Story(THURSDAY)
    for how in (UP, DOWN, ACROSS, LEVEL_ONLY, None):
        decided(story, how, by="example-police")
        decided(story, how, children=[family(ref=f"c{n}") for n in range(3)])
    return story


class TestWhatItCosts:
    @pytest.fixture
    def many(self, db: None, many_once: Story) -> Story:
        return many_once.goes_on()

    @pytest.mark.parametrize(
        ("path", "budget"),
        [
            # The session, the reader with their roles; then one query for each table.
            (OVERRIDES, 6), (EQUALITY, 6),
            # … and how many there are, and those of the page.
            (CONTACTS, 4),
        ],
    )  # fmt: skip
    def test_a_page_costs_exactly_so_many_queries(
        self, many: Story, django_assert_num_queries: DjangoAssertNumQueries, path: str, budget: int
    ) -> None:
        opened(path)  # rule sets are read once in each process
        client = browser()
        sign_in(client, User.objects.get(username="paula"))
        with django_assert_num_queries(budget):
            assert client.get(f"{path}?{NOVEMBER}").status_code == 200
        decided(many, UP)
        with django_assert_num_queries(budget):
            assert client.get(f"{path}?{NOVEMBER}").status_code == 200

    def test_a_figure_with_everything_asked_costs_three_more(
        self, many: Story, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        """Three more queries read the agency's name, the locality's name and the pairs of pathways."""
        client = browser()
        sign_in(client, User.objects.get(username="paula"))
        query = f"{NOVEMBER}&rule=level_3_agreed&agency=example-police&locality=aylesbury&month=2026-11&direction=up"
        with django_assert_num_queries(7):
            page = Page(client.get(f"{CONTACTS}?{query}"))
        assert len(page.main.all("tbody")[0].all("tr")) == 1


# ---- what agencies send


class TestQuality:
    def test_by_agency_month_and_field(self, story: Story) -> None:
        """The school sends a sex and two numbers that nobody can read, once an unknown indicator, and once the same."""
        wrong = [family(nhs_number="12", upn="x"), family(ref="c2", nhs_number="13", sex="X")]
        first = received(story, children=wrong)
        story.contact(children=wrong, adults=[], family_indicators=[], agency_reference=first.agency_reference)
        received(story, by="example-police", children=[family(address=address("HP2O 1UA"), indicators=["L9-99"])])
        story.later(days=20)
        last = received(story)

        page = opened(QUALITY, "first=2026-11-01&last=2026-12-31")
        by_agency, by_field, by_month = (rows(page, heading) for heading in ("by-agency", "by-field", "by-month"))
        assert by_agency == {
            "Example Primary School": ["3", "2", "66.7%", "0", "0", "1"],
            "Example Police": ["1", "1", "100.0%", "1", "1", "0"],
        }
        assert by_month == {
            "November 2026": ["3", "3", "100.0%", "1", "1", "1"], "December 2026": ["1", "0", "0.0%", "0", "0", "0"],
        }  # fmt: skip
        # Two numbers of one contact are one contact.
        assert by_field["NHS number"] == ["2", "0", "0"]
        assert by_field["Postcode"] == ["0", "1", "0"]

        of_police = opened(QUALITY, f"{NOVEMBER}&agency=example-police")
        assert rows(of_police, "by-month") == {"November 2026": ["1", "1", "100.0%", "1", "1", "0"]}
        assert "NHS number" not in rows(of_police, "by-field")
        assert opened(QUALITY, f"{NOVEMBER}&agency=nobody").status == 404

        # What the school adds later counts with the contact, once for each field.
        for contact in (first, last):
            document = {"children": [{"ref": contact.children.get(position=0).ref, "nhs_number": "14"}]}
            assert contact.agency is not None
            corrections.learn(contact_id=contact.pk, document=document, by=contact.agency, now=story.later())
        page = opened(QUALITY, "first=2026-11-01&last=2026-12-31")
        assert rows(page, "by-agency")["Example Primary School"] == ["3", "3", "100.0%", "0", "0", "1"]
        assert rows(page, "by-month")["December 2026"] == ["1", "1", "100.0%", "0", "0", "0"]
        assert rows(page, "by-field")["NHS number"] == ["3", "0", "0"]

    def test_as_a_file(self, story: Story) -> None:
        named = received(story, children=[family(nhs_number="12")]).children.get()
        receiving.receive(document=contact_document(children=[family()]), by=person("amina"), now=story.later())
        client = browser()
        sign_in(client, User.objects.get(username="paula"))
        answer = client.get(FIGURES, {"first": "2026-11-01", "last": "2026-11-30"})
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        header, *lines = answer.content.decode().splitlines()
        page = Page(client.get(QUALITY, {"first": "2026-11-01", "last": "2026-11-30"}))
        headings = [cell.text for cell in page.main.all("section")[0].all("thead")[0].all("th")]
        assert header.split(",") == [headings[0], "Agency code", "Month of receipt", *headings[1:]]
        assert lines == [
            "Example Primary School,example-primary-school,2026-11,1,1,100.0%,0,0,0",
            "Typed in at the front door,,2026-11,1,0,0.0%,0,0,0",
        ]
        assert named.first_name not in answer.content.decode()
        assert client.get(FIGURES, {"first": "x"}).status_code == 404

    def test_nothing_was_received(self, db: None) -> None:
        assert "No contact was received on these days." in opened(QUALITY).text


def rows(page: Page, heading: str) -> dict[str, list[str]]:
    """The rows of the table under this heading."""
    (part,) = [part for part in page.main.all("section") if part["aria-labelledby"] == heading]
    found = [row for row in part.all("tr") if row.all("td")]
    return {row.all("th")[0].text: [cell.text for cell in row.all("td")] for row in found}


class TestHowPartnersAnswer:
    def test_it_counts_by_agency_what_was_answered_what_is_late_and_what_was_not_waited_for(self, story: Story) -> None:
        began = story.now
        for number in range(3):
            contact = story.contact(children=[child(first_name=f"Child{number}", nhs_number=None)])
            check = story.asked(contact, at=began)
            if number:
                partner_checks.record_answer(
                    check_id=check.pk, answer="Nothing.", by=person("amina"), now=began + timedelta(hours=number)
                )
        story.asked(contact, "example-surgery", at=began)
        withdrawn = story.asked(contact, "example-health-visiting", at=began)
        partner_checks.withdraw(check_id=withdrawn.pk, reason="Known.", by=person("amina"), now=story.later())
        on = local_day(began)
        soon = answers_report.report(Period(on, on), now=began + timedelta(hours=1))
        assert {each.agency: (each.asked, each.answered, each.late, each.not_waited_for) for each in soon} == {
            "Example Police": (3, 2, 0, 0), "Example Surgery": (1, 0, 0, 0), "Example Health Visiting": (1, 0, 0, 1),
        }  # fmt: skip
        late = answers_report.report(Period(on, on), now=began + timedelta(days=10))
        assert [(each.agency, each.late) for each in late][:2] == [("Example Police", 1), ("Example Surgery", 1)]
        police = late[0]
        assert (police.median, police.longest) == (timedelta(hours=1.5), timedelta(hours=2))
        assert (late[1].median, late[1].in_system) == (None, 0)
        assert answers_report.report(Period(on + timedelta(days=1), on + timedelta(days=1)), now=began) == []
