"""
Clocks on the pages of contacts and cases: who finds a form to pause one, to let it go on and to give it more time;
what is said where something is wrong; and what stays in view afterwards.
"""

from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from casework.actions import clock_changes
from casework.models import AuditEvent, Case, Clock, Contact, Event
from localities.working_time import end_of_day, local_day
from tests.stage.documents import address, child
from tests.stage.families import KIM, about
from tests.stage.staff import SignedIn, is_done, is_refused, is_wrong, offered, path_of, views
from tests.stage.story import Story, person
from tests.stage.web_client import Page, a_working_morning, day_of, kept

WHO_SEES_THE_CONTACT = ("amina", "oliver", "maya", "erin", "sam", "ava", "iris")
WHO_SEES_THE_CASE = ("ben", "bea", "sam", "ava")
NOT_ASKED: dict[str, Any] = {"agreement": {"service": "not_sought"}}
RINGS = "Amina rings the mother."
AWAY = "Their aunt is away; the school sees the child every day."
NOOR = child(first_name="Noor", last_name="Haddad", nhs_number=None, address=address("HP21 7AA"))


def an_hour_ago() -> Story:
    """The story starts an hour ago, so clocks in days are not late."""
    return Story(timezone.now() - timedelta(hours=1))


@pytest.fixture(scope="class")
def told_asked(told_for_a_class: None) -> tuple[Story, int]:
    story = an_hour_ago()
    return story, story.contact(**NOT_ASKED).pk


@pytest.fixture(scope="class")
def told_case(told_for_a_class: None) -> int:
    return Story(a_working_morning()).accepted().pk


@pytest.fixture
def asked(told_asked: tuple[Story, int], db: None) -> Contact:
    """A contact that waits for the family's agreement."""
    return Contact.objects.get(pk=told_asked[1])


@pytest.fixture
def held(asked: Contact) -> Clock:
    """The clock of its final decision, which can be paused."""
    return clock_of(asked, "final_decision_green")


@pytest.fixture
def case(told_case: int, db: None) -> Case:
    """A case that Aylesbury has been responsible for since a working morning."""
    return Case.objects.get(pk=told_case)


def pause(clock: Clock) -> None:
    clock_changes.pause(clock_id=clock.pk, reason=RINGS, by=person("amina"), now=timezone.now())


def clock_of(of: Contact | Case, kind: str) -> Clock:
    return of.clocks.running().get(kind=kind)


def again(clock: Clock) -> Clock:
    return Clock.objects.get(pk=clock.pk)


def choices(page: Page, action: str) -> set[str]:
    """The clocks that a form lists."""
    (select,) = page.root.all("select", name=f"{action}-clock")
    return {option.text for option in select.all("option")} - {"Choose"}


def until(clock: Clock, days: int = 7) -> date:
    return local_day(clock.due_at) + timedelta(days=days)


def did(event: Event) -> list[str]:
    """The users who did this, in order."""
    return [str(each.by_user and each.by_user.username) for each in AuditEvent.objects.filter(event=event)]


def pausing(clock: Clock, **changes: Any) -> dict[str, Any]:
    return {"pause-clock": clock.pk, "pause-reason": RINGS} | changes


class TestPausing:
    @pytest.fixture(scope="class")
    @classmethod
    def seen(cls, told_asked: tuple[Story, int]) -> dict[str, Page]:
        """The contact's page before anything is paused."""
        return views(Contact.objects.get(pk=told_asked[1]), WHO_SEES_THE_CONTACT)

    def test_it_stands_still_and_says_so(self, asked: Contact, held: Clock, seen: dict[str, Page]) -> None:
        oliver = SignedIn("oliver")
        is_done(oliver.send(asked, "pause", seen["oliver"], **pausing(held)), asked)
        assert again(held).paused_at is not None
        assert did(Event.CLOCK_PAUSED) == ["oliver"]
        page = oliver.open(asked)
        assert "Deadline paused. It resumes when you record the family’s answer." in page.text
        assert "Paused for less than a minute" in page.text
        assert "Final decision on a green contact: paused" in page.text
        assert f"by Oliver Grant. {RINGS}" in page.text
        assert f"{path_of(asked)}pause/" not in page.actions, "nothing else can be paused"
        assert f"{path_of(asked)}resume/" in page.actions

    def test_what_can_be_is_offered_to_whoever_works_on_it(self, asked: Contact, seen: dict[str, Page]) -> None:
        assert offered(seen, asked, "pause") == {"amina", "oliver", "maya", "erin"}
        assert choices(seen["amina"], "pause") == {"Final decision on a green contact"}

    def test_everything_that_is_missing_is_said_at_once(
        self, asked: Contact, held: Clock, seen: dict[str, Page]
    ) -> None:
        says = {"id_pause-clock": "Select a deadline", "id_pause-reason": "Enter why the deadline is paused"}
        before = kept()["Clock"]
        is_wrong(SignedIn("amina").send(asked, "pause", seen["amina"]), says)
        is_wrong(SignedIn("amina").send(asked, "pause", seen["amina"], **{"pause-reason": "  \n "}), says)
        assert (again(held).paused_at, kept()["Clock"]) == (None, before)

    def test_what_was_typed_is_not_lost(self, asked: Contact, held: Clock, seen: dict[str, Page]) -> None:
        amina, path = SignedIn("amina"), f"{path_of(asked)}pause/"
        page = is_wrong(
            amina.send(asked, "pause", seen["amina"], **{"pause-reason": RINGS}),
            {"id_pause-clock": "Select a deadline"},
        )
        assert page.form(path)["pause-reason"] == RINGS
        says = {"id_pause-reason": "Enter why the deadline is paused"}
        page = is_wrong(amina.send(asked, "pause", seen["amina"], **{"pause-clock": held.pk}), says)
        assert page.form(path)["pause-clock"] == str(held.pk)
        assert choices(page, "pause") == {"Final decision on a green contact"}, "and no more than before"
        folded = [part for part in page.root.all("details") if part.all("form", action=path)]
        assert ["open" in part.attributes for part in folded] == [True], "what is wrong is not folded away"

    def test_a_clock_of_another_contact_cannot_be_chosen(
        self, asked: Contact, told_asked: tuple[Story, int], seen: dict[str, Page]
    ) -> None:
        other = clock_of(about(told_asked[0].goes_on(), NOOR, **NOT_ASKED), "final_decision_green")
        for number in (other.pk, "9" * 30, "x", "-1"):
            answer = SignedIn("amina").send(
                asked, "pause", seen["amina"], **{"pause-clock": number, "pause-reason": RINGS}
            )
            is_wrong(answer, {"id_pause-clock": "Select a deadline of this page"})
        assert again(other).paused_at is None

    def test_whoever_was_slower_reads_that_it_is_done(self, asked: Contact, held: Clock, seen: dict[str, Page]) -> None:
        slower = SignedIn("maya")
        form = seen["maya"].form(f"{path_of(asked)}pause/") | pausing(held)
        is_done(SignedIn("amina").send(asked, "pause", seen["amina"], **pausing(held)), asked)
        is_refused(slower.post(asked, "pause", **form), 409, "This clock is paused already.")
        assert held.changes.count() == 1

    def test_overseers_look_and_do_not_touch(self, asked: Contact, held: Clock) -> None:
        for name in ("sam", "ava", "iris"):
            answer = SignedIn(name).post(asked, "pause", **pausing(held))
            is_refused(answer, 403, f"Only front-door staff can work on {asked}.")
        assert again(held).paused_at is None


class TestNothingToPause:
    def test_to_nobody_where_the_family_is_not_asked(self, db: None) -> None:
        contact = an_hour_ago().contact()
        assert offered(views(contact, WHO_SEES_THE_CONTACT), contact, "pause") == set()
        sent = pausing(clock_of(contact, "final_decision_green"))
        says = "A clock is paused only while the family's agreement is sought."
        is_refused(SignedIn("amina").post(contact, "pause", **sent), 409, says)

    def test_nor_where_it_is_late(self, db: None) -> None:
        contact = Story(timezone.now() - timedelta(days=9)).contact(**NOT_ASKED)
        assert offered(views(contact, WHO_SEES_THE_CONTACT), contact, "pause") == set()
        sent = pausing(clock_of(contact, "final_decision_green"))
        is_refused(SignedIn("amina").post(contact, "pause", **sent), 409, "This deadline has passed already: pausing")


class TestGoingOn:
    @pytest.fixture(scope="class")
    @classmethod
    def seen(cls, told_asked: tuple[Story, int]) -> dict[str, Page]:
        """The contact's page when its clock is paused."""
        contact = Contact.objects.get(pk=told_asked[1])
        pause(clock_of(contact, "final_decision_green"))
        return views(contact, WHO_SEES_THE_CONTACT)

    @pytest.fixture
    def paused(self, seen: dict[str, Page], held: Clock) -> Clock:
        return held

    def test_with_the_familys_answer_it_goes_on_by_itself(
        self, asked: Contact, paused: Clock, seen: dict[str, Page]
    ) -> None:
        amina, today = SignedIn("amina"), local_day(timezone.now())
        answered = {"agreement-service": "given", "agreement-given_by": "mother"} | day_of(today, "agreement-on")
        is_done(amina.send(asked, "agreement", seen["amina"], **answered), asked)
        assert again(paused).paused_at is None
        page = amina.open(asked)
        assert "Final decision on a green contact: resumed" in page.text
        assert page.actions.isdisjoint({f"{path_of(asked)}pause/", f"{path_of(asked)}resume/"})

    def test_or_when_a_person_says_so(self, asked: Contact, paused: Clock, seen: dict[str, Page]) -> None:
        assert offered(seen, asked, "resume") == {"amina", "oliver", "maya", "erin"}
        assert choices(seen["amina"], "resume") == {"Final decision on a green contact"}
        sent = {"resume-clock": paused.pk, "resume-reason": "She does not answer."}
        is_done(SignedIn("oliver").send(asked, "resume", seen["oliver"], **sent), asked)
        assert again(paused).paused_at is None
        assert did(Event.CLOCK_RESUMED) == ["oliver"]
        assert "She does not answer." in SignedIn("amina").open(asked).text

    def test_for_a_reason(self, asked: Contact, paused: Clock, seen: dict[str, Page]) -> None:
        says = {"id_resume-clock": "Select a deadline", "id_resume-reason": "Enter why the deadline is resumed"}
        is_wrong(SignedIn("oliver").send(asked, "resume", seen["oliver"]), says)
        del says["id_resume-clock"]
        page = is_wrong(SignedIn("oliver").send(asked, "resume", seen["oliver"], **{"resume-clock": paused.pk}), says)
        assert page.form(f"{path_of(asked)}resume/")["resume-clock"] == str(paused.pk)
        assert again(paused).paused_at is not None

    def test_once(self, asked: Contact, paused: Clock, seen: dict[str, Page]) -> None:
        sent = {"resume-clock": paused.pk, "resume-reason": "She does not answer."}
        is_done(SignedIn("oliver").send(asked, "resume", seen["oliver"], **sent), asked)
        is_refused(SignedIn("amina").post(asked, "resume", **sent), 409, "This clock is not paused.")

    def test_overseers_look_and_do_not_touch(self, asked: Contact, paused: Clock) -> None:
        for name in ("sam", "ava", "iris"):
            answer = SignedIn(name).post(asked, "resume", **{"resume-clock": paused.pk, "resume-reason": "x"})
            is_refused(answer, 403, f"Only front-door staff can work on {asked}.")


def extending(clock: Clock, **changes: Any) -> dict[str, Any]:
    day = day_of(until(clock), "extend-on")
    return {"extend-clock": clock.pk, "extend-time": "14:30", "extend-reason": AWAY} | day | changes


class TestMoreTime:
    @pytest.fixture(scope="class")
    @classmethod
    def seen(cls, told_case: int) -> dict[str, Page]:
        """The plan and deadlines before anybody gives more time."""
        return views(Case.objects.get(pk=told_case), ("ben", "bea"), "plan/")

    def test_it_is_due_when_a_person_said_and_the_first_moment_stays_in_view(
        self, case: Case, seen: dict[str, Page]
    ) -> None:
        plan, ben = clock_of(case, "family_help_plan"), SignedIn("ben")
        is_done(ben.send(case, "extend", seen["ben"], **extending(plan)), f"{path_of(case)}plan/")
        moved = timezone.localtime(again(plan).due_at)
        assert (moved.date(), f"{moved:%H:%M}") == (until(plan), "14:30")
        page = ben.open(case, "plan/")
        assert "Deadline extended. The page still shows when it was due first." in page.text
        first, then = (f"{timezone.localtime(at):%-d %B %Y, %H:%M}" for at in (plan.due_at, moved))
        assert f"due {then} and no longer {first}. {AWAY}" in page.text
        assert did(Event.CLOCK_EXTENDED) == ["ben"]

    def test_a_day_alone_is_until_its_end(self, case: Case, seen: dict[str, Page]) -> None:
        plan = clock_of(case, "family_help_plan")
        is_done(
            SignedIn("ben").send(case, "extend", seen["ben"], **extending(plan, **{"extend-time": ""})),
            f"{path_of(case)}plan/",
        )
        assert again(plan).due_at == end_of_day(until(plan))

    def test_nor_what_was_kept_in_the_meantime(self, case: Case, seen: dict[str, Page]) -> None:
        first, ben = clock_of(case, "first_family_contact"), SignedIn("ben")
        form = seen["ben"].form(f"{path_of(case)}extend/") | extending(first)
        when = day_of(local_day(case.received_at), "milestone-on") | {"milestone-time": "23:00"}
        is_done(
            SignedIn("bea").send(case, "milestone", seen["bea"], **{"milestone-kind": "first_family_contact"} | when),
            f"{path_of(case)}plan/",
        )
        page = is_wrong(ben.post(case, "extend", **form), {"id_extend-clock": "Select a deadline of this page"})
        assert page.form(f"{path_of(case)}extend/")["extend-reason"] == AWAY

    def test_everything_that_is_missing_is_said_at_once(self, case: Case, seen: dict[str, Page]) -> None:
        says = {
            "id_extend-clock": "Select a deadline",
            "id_extend-on": "Enter until when",
            "id_extend-reason": "Enter why more time is needed, and how the children are safe until then",
        }
        is_wrong(SignedIn("ben").send(case, "extend", seen["ben"]), says)

    @pytest.mark.parametrize(
        ("typed", "where", "says"),
        [
            ({"extend-on_day": "31", "extend-on_month": "2"}, "on", "Enter until when"),
            ({"extend-on_year": "26"}, "on", "Enter a day, a month and a year of four digits, as 21 11 2026"),
            ({"extend-time": "half past two"}, "time", "Say whether it is 2:30am or 2:30pm"),
            ({"extend-time": "24:00"}, "time", "Enter a time of day in hours and minutes, as 14:30"),
        ],
    )
    def test_a_moment_that_cannot_be_read(
        self, case: Case, typed: dict[str, str], where: str, says: str, seen: dict[str, Page]
    ) -> None:
        plan = clock_of(case, "family_help_plan")
        page = is_wrong(
            SignedIn("ben").send(case, "extend", seen["ben"], **extending(plan, **typed)),
            {f"id_extend-{where}": says},
        )
        form = page.form(f"{path_of(case)}extend/")
        assert {name: form[name] for name in typed} == typed, "what was typed is not lost"
        assert (form["extend-clock"], form["extend-reason"]) == (str(plan.pk), AWAY)
        assert again(plan).due_at == plan.due_at

    @pytest.mark.parametrize("days", [-1, 0, 93])
    def test_a_moment_that_is_none(self, case: Case, days: int, seen: dict[str, Page]) -> None:
        """The moment is before the clock is due, on the day on which it is due, or more than three months away."""
        plan = clock_of(case, "family_help_plan")
        sent = extending(plan, **day_of(until(plan, days), "extend-on"))
        says = "Enter a moment after it is due and after now, at most three months later"
        is_wrong(SignedIn("ben").send(case, "extend", seen["ben"], **sent), {"id_extend-on": says})
        assert not plan.changes.exists()

    def test_a_closed_case_promises_nothing_any_more(self, case: Case, seen: dict[str, Page]) -> None:
        plan, ben = clock_of(case, "family_help_plan"), SignedIn("ben")
        form = seen["ben"].form(f"{path_of(case)}extend/") | extending(plan)
        Story(timezone.now()).closed(case)
        is_refused(ben.post(case, "extend", **form), 409, f"{case} is closed.")


class TestWhoGivesMoreTimeAndWhere:
    def test_whoever_hears_first_when_it_is_broken_gives_it(self, asked: Contact, case: Case) -> None:
        """At the front door a manager extends a clock, in a team its lead; everywhere a service manager."""
        of_asked, of_case = views(asked, WHO_SEES_THE_CONTACT), views(case, WHO_SEES_THE_CASE, "plan/")
        assert offered(of_asked, asked, "extend") == {"maya", "sam"}
        assert offered(of_case, case, "extend") == {"ben", "sam"}
        promise, plan = clock_of(asked, "next_step_decision"), clock_of(case, "family_help_plan")
        says = "Only a {} of the team responsible for it, or a service manager, can give this more time."
        for name in ("amina", "ava"):
            answer = SignedIn(name).post(asked, "extend", **extending(promise))
            is_refused(answer, 403, says.format("front-door manager"))
        is_refused(SignedIn("bea").post(case, "extend", **extending(plan)), 403, says.format("team lead"))
        is_done(SignedIn("maya").send(asked, "extend", of_asked["maya"], **extending(promise)), asked)
        is_done(SignedIn("sam").send(case, "extend", of_case["sam"], **extending(plan)), f"{path_of(case)}plan/")

    def test_what_counts_in_hours_is_not_among_the_promises(self, db: None) -> None:
        red = about(an_hour_ago(), child(**KIM), indicators=["L4-01"])
        assert red.rag == "red"
        offered = choices(SignedIn("sam").open(red), "extend")
        assert "Next step decision" in offered
        assert "Final decision on a red contact" not in offered
        says = "A deadline in hours is not extended: act, or say in the record why it is late."
        is_refused(SignedIn("sam").post(red, "extend", **extending(clock_of(red, "final_decision_red"))), 409, says)

    def test_nor_what_stands_still(self, asked: Contact, held: Clock) -> None:
        pause(held)
        maya = SignedIn("maya")
        assert "Final decision on a green contact" not in choices(maya.open(asked), "extend")
        answer = maya.post(asked, "extend", **extending(held))
        is_refused(answer, 409, "This clock is paused. Let it go on first.")


def test_whoever_must_not_see_the_family_changes_no_clock(asked: Contact, held: Clock) -> None:
    for name in ("carol", "adele", "ben"):
        for action in ("pause", "resume", "extend"):
            sent = {f"{action}-clock": held.pk, f"{action}-reason": "x"} | day_of(until(held), f"{action}-on")
            assert SignedIn(name).post(asked, action, **sent).status_code == 404
    assert not held.changes.exists()


def test_nor_of_a_case(case: Case) -> None:
    plan = clock_of(case, "family_help_plan")
    sent = {"extend-clock": plan.pk, "extend-reason": "x"} | day_of(until(plan), "extend-on")
    for name in ("carol", "adele", "amina"):
        assert SignedIn(name).post(case, "extend", **sent).status_code == 404
    assert not plan.changes.exists()
