"""
Reminders on the pages: what is new, what a person put off, and who has not looked at what is late. On every list of
work stand both times: since receipt, and since it came into these hands or was promised.
"""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from casework.actions import clock_changes, contact_handovers, referrers, reminders
from casework.families.naming import families_of
from casework.jobs import sweep
from casework.models import AuditEvent, Case, Clock, Contact, Event, Reminder, ReminderLook
from casework.web.tags import duration
from tests.stage.documents import address, child
from tests.stage.restricted import restrict
from tests.stage.staff import ANOTHER_FAMILY, SignedIn, is_refused, is_wrong, path_of
from tests.stage.story import Story, person
from tests.stage.web_client import Element, Page, a_working_morning

REMINDERS = "/reminders/"
LATER = "The school rings at three."
PATTERN = re.compile(r"Since receipt: (.+?)\. Since it started: (.+?)\.")


def ten_days_ago() -> Story:
    """The story starts ten days ago, so clocks in days are late and have escalated."""
    return Story(a_working_morning() - timedelta(days=10))


@pytest.fixture
def story(db: None) -> Story:
    return ten_days_ago()


@pytest.fixture(scope="class")
def told_waits(told_for_a_class: None) -> int:
    contact = ten_days_ago().contact(agreement={"service": "not_sought"})
    sweep.sweep(now=timezone.now())
    return contact.pk


@pytest.fixture(scope="class")
def told_accepted(told_for_a_class: None) -> int:
    story = ten_days_ago()
    case = story.accepted(agreed(story, agency_reference="PPN 2"))
    sweep.sweep(now=timezone.now())
    return case.pk


@pytest.fixture
def waits(told_waits: int, db: None) -> Contact:
    """A contact without a decision, of which all reminders were sent."""
    return Contact.objects.get(pk=told_waits)


@pytest.fixture
def accepted(told_accepted: int, db: None) -> Case:
    """A case for which Aylesbury has done nothing yet, of which all reminders were sent."""
    return Case.objects.get(pk=told_accepted)


def agreed(story: Story, **changes: Any) -> Contact:
    """A contact whose family agreed to help, the day before."""
    given = {"service": "given", "given_by": "mother", "on": f"{story.now - timedelta(days=1):%Y-%m-%d}"}
    return story.contact(agreement=given, **changes)


def mine(page: Page) -> dict[int, Element]:
    """The reminders on a user's list, by their ids."""
    found = {}
    for box in page.main.all("div", class_="govuk-inset-text"):
        (number,) = {form["action"].split("/")[2] for form in box.all("form")}
        found[int(number)] = box
    return found


def is_new(box: Element) -> bool:
    return [tag.text for tag in box.all(class_="govuk-tag")] == ["New"]


def reminder(of: Contact | Case, kind: str, step: str = "breach") -> Reminder:
    return Reminder.objects.get(clock__in=of.clocks.filter(kind=kind), step=step)


def boxes(name: str) -> dict[int, Element]:
    return mine(SignedIn(name).open(REMINDERS))


class TestTheList:
    def test_what_is_late_is_new_until_it_was_seen(self, waits: Contact) -> None:
        found = boxes("maya")
        late = reminder(waits, "next_step_decision")
        assert late.pk in found
        assert all(map(is_new, found.values()))
        assert found[late.pk].text.startswith(f"Late: next step decision, {waits} Robin Ashworth New")
        assert [link["href"] for link in found[late.pk].all("a")] == [path_of(waits)]

    def test_whoever_opens_what_it_is_about_has_seen_it(self, waits: Contact) -> None:
        SignedIn("maya").open(waits)
        assert not any(map(is_new, boxes("maya").values()))
        assert all(map(is_new, boxes("david").values())), "nobody sees for another"
        assert boxes("maya").keys() == boxes("david").keys(), "it stays until the promise is kept"

    def test_or_says_so(self, waits: Contact) -> None:
        maya, one = SignedIn("maya"), reminder(waits, "next_step_decision")
        for _ in range(2):
            answer = maya.post(REMINDERS, f"{one.pk}/seen")
            assert (answer.status_code, answer.headers["Location"]) == (302, REMINDERS)
        found = mine(maya.open(REMINDERS))
        assert [number for number, box in found.items() if not is_new(box)] == [one.pk]
        assert f"{REMINDERS}{one.pk}/seen/" not in maya.open(REMINDERS).actions
        assert ReminderLook.objects.count() == 1

    def test_it_goes_away_when_the_promise_is_kept(self, waits: Contact) -> None:
        one = reminder(waits, "acknowledge_referrer")
        assert one.pk in boxes("maya")
        referrers.acknowledge(contact_id=waits.pk, by=person("oliver"), now=timezone.now())
        assert one.pk not in boxes("maya")

    def test_whoever_has_none_reads_that(self, waits: Contact) -> None:
        for name in ("ben", "carol", "adele", "ava"):
            page = SignedIn(name).open(REMINDERS)
            assert (page.status, mine(page)) == (200, {})
            assert "Nothing is due soon or overdue." in page.text

    def test_the_worklist_leads_there(self, waits: Contact) -> None:
        page = SignedIn("maya").open("/")
        (section,) = [part for part in page.main.all("section") if part["aria-labelledby"] == "reminders-heading"]
        assert [link.text for link in section.all("a", href=REMINDERS)] == ["All reminders"]
        assert section.text.count("New") == len(mine(SignedIn("maya").open(REMINDERS)))


class TestTheListOfATeam:
    def test_a_case_too(self, accepted: Case) -> None:
        assert all(map(is_new, boxes("ben").values()))
        SignedIn("ben").open(accepted.contacts.get())
        assert all(map(is_new, boxes("ben").values())), "what we were told is not what was promised"
        SignedIn("ben").open(accepted)
        assert not any(map(is_new, boxes("ben").values()))

    def test_a_promise_that_has_more_time_is_not_called_late(self, accepted: Case) -> None:
        clock = accepted.clocks.get(kind="first_family_contact")
        clock_changes.extend(
            clock_id=clock.pk, to=timezone.now() + timedelta(days=5), reason="They are away.", by=person("ben"),
            now=timezone.now(),
        )  # fmt: skip
        one = clock.reminders.get(step="breach")
        assert boxes("ben")[one.pk].text.startswith(f"Has more time: first contact with the family, {accepted}")

    def test_each_has_both_its_times(self, accepted: Case) -> None:
        found = boxes("ben")
        assert found
        for number, box in found.items():
            clock = Reminder.objects.get(pk=number).clock
            assert (times := PATTERN.search(box.text)), box.text
            assert times[1] in since(clock.received_at)
            assert times[2] in since(clock.started_at)


class TestTheListsOfBoth:
    def test_it_says_how_the_promise_stands_now(self, waits: Contact, accepted: Case) -> None:
        """Amina had a warning. The clock is late now, and the list says so."""
        one = reminder(waits, "next_step_decision", "warning")
        assert boxes("amina")[one.pk].text.startswith(f"Late: next step decision, {waits}")
        one = reminder(waits, "next_step_decision", "escalation")
        says = f"Still late a working day on: next step decision, {waits}"
        assert boxes("sam")[one.pk].text.startswith(says)

    def test_the_family_is_named_for_those_who_may_see_it(self, waits: Contact, accepted: Case) -> None:
        for name, about in (("amina", waits), ("maya", waits), ("ben", accepted), ("sam", accepted)):
            texts = [box.text for box in boxes(name).values() if str(about) in box.text]
            assert texts, name
            assert all(f"{about} Robin Ashworth" in text for text in texts), name

    def test_a_restricted_family_is_not_named(self, waits: Contact) -> None:
        reminders = list(Reminder.objects.filter(clock__contact=waits).select_related("clock__contact"))

        def named() -> set[str]:
            families = families_of([each.clock.about for each in reminders], person("maya"), timezone.now())
            return {child.called for family in families.values() for child in family}

        assert named() == {"Robin Ashworth"}
        restrict(ten_days_ago(), waits)
        assert named() == set()
        assert not re.search("Robin|Ashworth", SignedIn("maya").open(REMINDERS).html)


class TestBeforeItIsDue:
    def test_what_is_soon_due_says_when(self, db: None) -> None:
        now = timezone.now()
        case = Story(a_working_morning() - timedelta(days=1)).accepted()
        clock = case.clocks.get(kind="family_help_plan")
        Clock.objects.filter(pk=clock.pk).update(warn_at=now, next_at=now)
        sweep.sweep(now=now)
        text = boxes("ben")[clock.reminders.get().pk].text
        due = timezone.localtime(clock.due_at)
        assert text.startswith(f"Soon due: family help plan, {case} Robin Ashworth New Due in ")
        assert f", {due:%-d %B %Y, %H:%M}." in text


class TestPuttingOff:
    @pytest.fixture
    def one(self, waits: Contact) -> Reminder:
        return reminder(waits, "next_step_decision")

    def put_off(self, one: Reminder, by: str = "maya", until: str = "half_day", reason: str = LATER) -> Any:
        sent = {f"snooze{one.pk}-until": until, f"snooze{one.pk}-reason": reason}
        return SignedIn(by).post(REMINDERS, f"{one.pk}/snooze", **sent)

    def test_it_leaves_ones_own_list_and_says_until_when(self, one: Reminder) -> None:
        answer = self.put_off(one)
        assert (answer.status_code, answer.headers["Location"]) == (302, REMINDERS)
        until = timezone.localtime(ReminderLook.objects.get(snoozed_until__isnull=False).snoozed_until)
        page = SignedIn("maya").open(REMINDERS)
        assert one.pk not in mine(page)
        (line,) = [item.text for item in page.main.all("li") if "next step decision" in item.text]
        assert line.startswith(f"Late: next step decision, {one.clock.contact} until {until:%-d %B %Y, %H:%M}: {LATER}")
        assert (times := PATTERN.search(line))
        assert times[1] in since(one.clock.received_at)
        assert one.pk in boxes("david"), "everybody else has it still"
        assert [event.by_user for event in AuditEvent.objects.filter(event=Event.REMINDER_SNOOZED)] == [person("maya")]

    def test_it_says_so_at_once(self, one: Reminder) -> None:
        maya = SignedIn("maya")
        sent = {f"snooze{one.pk}-until": "hour", f"snooze{one.pk}-reason": LATER}
        maya.post(REMINDERS, f"{one.pk}/snooze", **sent)
        until = timezone.localtime(ReminderLook.objects.get(snoozed_until__isnull=False).snoozed_until)
        says = f"It is off your list until {until:%A %-d %B, %H:%M}. Its clock runs on."
        assert says in maya.open(REMINDERS).text

    def test_its_clock_runs_on(self, one: Reminder) -> None:
        before = Clock.objects.values().get(pk=one.clock_id)
        self.put_off(one, until="next_working_day")
        assert Clock.objects.values().get(pk=one.clock_id) == before

    def test_when_the_time_is_over_it_is_back(self, one: Reminder) -> None:
        reminders.snooze(
            reminder_id=one.pk, until="hour", reason=LATER, by=person("maya"),
            now=timezone.now() - timedelta(minutes=61),
        )  # fmt: skip
        assert not is_new(boxes("maya")[one.pk])

    def test_until_when_and_why(self, one: Reminder) -> None:
        says = {
            f"id_snooze{one.pk}-until": "Select until when",
            f"id_snooze{one.pk}-reason": "Enter why it can wait until then",
        }
        is_wrong(self.put_off(one, until="", reason=" \n"), says)
        page = is_wrong(self.put_off(one, until=""), {f"id_snooze{one.pk}-until": "Select until when"})
        path = f"{REMINDERS}{one.pk}/snooze/"
        assert page.form(path)[f"snooze{one.pk}-reason"] == LATER, "what was typed is not lost"
        others = [number for number in mine(page) if number != one.pk]
        assert others
        assert all(page.form(f"{REMINDERS}{other}/snooze/")[f"snooze{other}-reason"] == "" for other in others)
        page = Page(self.put_off(one, until="for ever"))
        assert (page.status, bool(page.error_at(f"id_snooze{one.pk}-until"))) == (422, True)
        assert not ReminderLook.objects.filter(snoozed_until__isnull=False).exists()

    def test_what_is_kept_already_is_not_put_off(self, waits: Contact) -> None:
        one = reminder(waits, "acknowledge_referrer")
        referrers.acknowledge(contact_id=waits.pk, by=person("oliver"), now=timezone.now())
        says = "This deadline is met already: there is nothing to put off."
        is_refused(self.put_off(one), 409, says)

    @pytest.mark.parametrize("name", ["amina", "ben", "carol", "sam", "ava", "adele"])
    def test_somebody_elses_is_not_found(self, one: Reminder, name: str) -> None:
        """The reminder is for the front-door managers."""
        signed_in = SignedIn(name)
        for number in (one.pk, 0, "9" * 30):
            sent = {f"snooze{number}-until": "hour", f"snooze{number}-reason": "x"}
            for action in ("seen", "snooze"):
                assert signed_in.post(REMINDERS, f"{number}/{action}", **sent).status_code == 404
        assert not ReminderLook.objects.exists()

    def test_an_address_for_doing_is_not_for_looking(self, one: Reminder) -> None:
        maya = SignedIn("maya")
        for action in ("seen", "snooze"):
            path = f"{REMINDERS}{one.pk}/{action}/"
            answer = maya.client.get(path)
            assert (answer.status_code, answer.headers["Location"]) == (302, REMINDERS)
            assert maya.client.put(path).status_code == 405
        assert maya.client.post(REMINDERS).status_code == 405
        assert not ReminderLook.objects.exists()


class TestPages:
    @pytest.fixture(scope="class")
    @classmethod
    def many(cls, told_for_a_class: None) -> list[int]:
        """More reminders than a page shows, in the order of the list."""
        story = ten_days_ago()
        for number in range(10):
            one = child(
                first_name=f"Child {number}", last_name="Of many", nhs_number=None,
                date_of_birth=f"20{10 + number}-01-1{number}", address=address("HP21 7AA"),
            )  # fmt: skip
            agreed(story, children=[one], adults=[])
        sweep.sweep(now=timezone.now())
        page = SignedIn("maya").open(REMINDERS)
        rest = SignedIn("maya").open(f"{REMINDERS}?page=2")
        assert "Page 1 of 2" in page.text
        return [*mine(page), *mine(rest)]

    def test_they_follow_each_other(self, many: list[int], db: None) -> None:
        assert len(many) == len(set(many)) > 25
        due = [Reminder.objects.get(pk=number).clock.due_at for number in many]
        assert due == sorted(due)

    def test_whoever_sees_to_one_stays_on_its_page(self, many: list[int], db: None) -> None:
        maya, last = SignedIn("maya"), many[-1]
        second = f"{REMINDERS}?page=2"
        actions = maya.open(second).actions
        for action in ("seen", "snooze"):
            assert f"{REMINDERS}{last}/{action}/?page=2" in actions
        answer = maya.client.post(f"{REMINDERS}{last}/seen/?page=2")
        assert (answer.status_code, answer.headers["Location"]) == (302, second)
        answer = maya.client.post(f"{REMINDERS}{last}/snooze/?page=2", {f"snooze{last}-reason": LATER})
        page = is_wrong(answer, {f"id_snooze{last}-until": "Select until when"})
        assert page.form(f"{REMINDERS}{last}/snooze/?page=2")[f"snooze{last}-reason"] == LATER

    def test_a_number_that_was_tampered_with_breaks_nothing(self, many: list[int], db: None) -> None:
        maya = SignedIn("maya")
        for number in ("0", "-1", "99", "x", "9" * 30, ""):
            assert maya.open(f"{REMINDERS}?page={number}").status == 200
            answer = maya.client.post(f"{REMINDERS}{many[0]}/seen/?page={number}")
            assert answer.headers["Location"].startswith(REMINDERS)


# ---- who has not looked


NOT_LOOKED_AT = "Overdue, unread"


def shown(name: str, path: str) -> dict[str, list[str]]:
    """The people in the table, with what each row says."""
    page = SignedIn(name).open(path)
    assert page.status == 200
    found = [part for part in page.main.all("section") if part["aria-labelledby"] == "unread-heading"]
    rows = [row for section in found for row in section.all("tr") if row.all("td")]
    return {row.all("th")[0].text: [cell.text for cell in row.all("td")] for row in rows}


class TestWhoHasNotLooked:
    def test_a_manager_the_front_door(self, waits: Contact) -> None:
        assert shown("maya", "/teams/front-door/?tab=overdue").keys() == {"Maya Brooks", "David Osei"}

    def test_whoever_opens_it_is_off_the_list(self, waits: Contact) -> None:
        SignedIn("david").open(waits)
        assert shown("maya", "/teams/front-door/?tab=overdue").keys() == {"Maya Brooks"}
        SignedIn("maya").open(waits)
        assert shown("maya", "/teams/front-door/?tab=overdue") == {}
        assert NOT_LOOKED_AT not in SignedIn("maya").open("/teams/front-door/?tab=overdue").text


class TestWhoOfATeamHasNotLooked:
    def test_a_lead_sees_their_team(self, accepted: Case) -> None:
        count = Reminder.objects.filter(role="team_lead", step="breach").count()
        expected = {"Ben Carter": [str(count), "less than a minute ago"]}
        assert shown("ben", "/teams/aylesbury/?tab=overdue") == expected
        assert count > 0

    def test_so_is_everybody_when_the_promise_is_kept(self, accepted: Case) -> None:
        Clock.objects.running().filter(case=accepted).update(stopped_at=timezone.now(), ended="done", next_at=None)
        assert shown("ben", "/teams/aylesbury/?tab=overdue") == {}


class TestWhoSeesThatNobodyLooked:
    def test_a_service_manager_sees_everybody_on_their_worklist(self, waits: Contact, accepted: Case) -> None:
        found = shown("sam", "/")
        assert found.keys() == {"Maya Brooks", "David Osei", "Ben Carter", "Sam Adeyemi"}
        assert found["Ben Carter"][0] == "Aylesbury team"
        assert found["Maya Brooks"][0] == "Front door"
        assert found["Sam Adeyemi"][0] == "The whole service"

    def test_and_nobody_else_anybody(self, waits: Contact, accepted: Case) -> None:
        for name in ("amina", "oliver", "maya", "david", "ben", "bea", "carol", "ava", "iris", "adele", "paula"):
            assert NOT_LOOKED_AT not in SignedIn(name).open("/").text, name
        for name, code in [("bea", "aylesbury"), ("ava", "aylesbury"), ("amina", "front-door"), ("ava", "front-door"),
                           ("carol", "wycombe-and-marlow")]:  # fmt: skip
            assert shown(name, f"/teams/{code}/?tab=overdue") == {}, name


class TestAWarning:
    def test_a_warning_that_nobody_read_is_no_breach(self, db: None) -> None:
        now = timezone.now()
        case = Story(a_working_morning()).accepted()
        clock = case.clocks.get(kind="family_help_plan")
        Clock.objects.exclude(pk=clock.pk).filter(case=case).update(stopped_at=now, ended="done", next_at=None)
        Clock.objects.filter(pk=clock.pk).update(warn_at=now, next_at=now)
        sweep.sweep(now=now)
        assert boxes("ben").keys() == {clock.reminders.get().pk}
        assert shown("ben", "/teams/aylesbury/?tab=overdue") == {}


# ---- both times, on every list


def since(moment: datetime) -> set[str]:
    """How long ago that is, in words, now or a minute earlier."""
    now = timezone.now()
    return {duration(now - moment), duration(now - moment - timedelta(minutes=1))}


def cells_of(name: str, path: str, heading: str, of: object) -> dict[str, str]:
    """The row about this contact or case, by column."""
    page = SignedIn(name).open(path)
    (section,) = [part for part in page.main.all("section") if part["aria-labelledby"] == heading]
    columns = [cell.text for cell in section.all("thead")[0].all("th")]
    row = next(row for row in section.all("tbody")[0].all("tr") if str(of) in row.text)
    cells = [cell for cell in row if cell.tag in ("th", "td")]
    # On a narrow screen each row is a card, in which every value has a label.
    labels = [label.text for cell in cells for label in cell.all(class_="app-cards__label")]
    assert labels == columns[1:]
    values = [(cell.all(class_="app-cards__value") or [cell])[0].text for cell in cells]
    return dict(zip(columns, values, strict=True))


def shows(cells: dict[str, str], whole: str, here: str, received: datetime, began: datetime) -> None:
    assert cells[whole] in since(received)
    assert cells[here] in since(began)


class TestBothTimes:
    """A row about a family shows how long the family has waited, and how long it has waited with this team."""

    def test_contacts_that_wait(self, story: Story) -> None:
        contact = agreed(story)
        assert any(f"Received {time} ago" in self.row("amina", contact) for time in since(contact.received_at))

    def test_of_one_that_the_other_shift_passed(self, story: Story) -> None:
        contact, passed_at = agreed(story), story.later(days=3)
        contact_handovers.hand_over(contact_id=contact.pk, note="Ring first.", by=person("amina"), now=passed_at)
        row = self.row("erin", contact)
        assert any(f"Received {time} ago, with Emergency duty" in row for time in since(contact.received_at))
        assert any(f"for {time}" in row for time in since(passed_at))

    def row(self, name: str, contact: Contact) -> str:
        (row,) = [row for row in SignedIn(name).open("/").main.all("tr") if row["id"] == str(contact)]
        return row.text

    def test_offers(self, story: Story) -> None:
        contact = agreed(story)
        story.later(days=2)
        handoff = story.offered(contact)
        cells = cells_of("ben", "/", "offered-heading", handoff.case)
        shows(cells, "Since contact", "Since offer", contact.received_at, handoff.offered_at)
        (card,) = SignedIn("ben").open("/teams/aylesbury/").main.all(id=str(handoff.case))
        assert any(f"Front door, {time} ago" in card.text for time in since(handoff.offered_at))
        assert any(f", {time} ago" in card.text for time in since(contact.received_at))

    def test_cases(self, story: Story) -> None:
        contact = agreed(story)
        story.later(days=2)
        case = story.accepted(contact)
        for path in ("/", "/teams/aylesbury/?tab=cases"):
            cells = cells_of("ben", path, "cases-heading", case)
            shows(cells, "Since contact", "With this team", contact.received_at, story.now)

    def test_a_partner_that_does_not_answer(self, story: Story) -> None:
        """The question's clock starts when it is asked. The family has waited since the contact was received."""
        contact = agreed(story)
        check = story.asked(contact, at=story.later(days=1))
        contact.clocks.running().update(stopped_at=timezone.now(), ended="done", next_at=None)
        cells = cells_of("maya", "/teams/front-door/?tab=overdue", "overdue-heading", contact)
        assert cells["What is asked"] == "Partner's answer"
        started = check.clocks.get().started_at
        shows(cells, "Since receipt", "Since it started", contact.received_at, started)


class TestBothTimesOfACase:
    """A row about a case that is late does as well."""

    def test_reminders(self, accepted: Case) -> None:
        cells = cells_of("ben", "/", "reminders-heading", accepted)
        kind = cells["Deadline"].removesuffix(" New").lower().replace(" ", "_")
        started = accepted.clocks.running().get(kind=kind).started_at
        shows(cells, "Since receipt", "Since it started", accepted.received_at, started)

    @pytest.mark.parametrize("name", ["ben", "sam", "ava"])
    def test_what_is_late_in_a_team(self, accepted: Case, name: str) -> None:
        cells = cells_of(name, "/teams/aylesbury/?tab=overdue", "overdue-heading", accepted)
        kind = cells["What is asked"].lower().replace(" ", "_")
        started = accepted.clocks.running().get(kind=kind).started_at
        shows(cells, "Since receipt", "Since it started", accepted.received_at, started)

    def test_the_case_itself(self, accepted: Case) -> None:
        (row,) = [
            row for row in SignedIn("ben").open(accepted).main.all(class_="govuk-summary-list__row")
            if row.all("dt")[0].text == "Time since contact"
        ]  # fmt: skip
        assert row.all("dd")[0].text.split(" (")[0] in since(accepted.received_at)


def test_another_familys_reminders_are_not_in_view(story: Story) -> None:
    """Carol and Pat are in other teams. Neither sees reminders about this family."""
    story.accepted(agreed(story))
    agreed(story, **ANOTHER_FAMILY)
    sweep.sweep(now=timezone.now())
    for name in ("carol", "pat"):
        assert boxes(name) == {}
