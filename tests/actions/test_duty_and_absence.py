"""Who is on duty, who is away and who covers: what managers type, what is refused, and who is told meanwhile."""

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from casework.actions import absences, cases, contact_owners, decisions, duties, viewing
from casework.actions.duties import Entry
from casework.deadlines.recipients import reminders_of
from casework.jobs import sweep
from casework.models import Absence, AuditEvent, Case, Clock, Duty, Event, OutboxMessage, Reminder, ReminderLook
from casework.web.forms import AssignForm, LeadForm
from errors import InvalidInput, NotAllowedInStatus, NotPermitted, TakenBySomeoneElse
from localities.models import Membership, Role
from localities.working_time import LONDON, local_day
from tests.stage.restricted import restrict
from tests.stage.story import Story, person

MONDAY = date(2026, 11, 30)
DAY = (time(9), time(17, 30))
NIGHT = (time(17, 30), time(9))


def entry(
    who: str, day: int = 0, role: str = "social_worker", hours: tuple[time, time] = DAY, place: str = "1"
) -> Entry:
    return Entry(place, MONDAY + timedelta(days=day), person(who).pk, role, *hours)


def typed(*entries: Entry, story: Story, by: str = "maya", seen: str | None = None) -> list[Duty]:
    version = duties.version_of(duties.of_week(MONDAY)) if seen is None else seen
    return duties.set_week(monday=MONDAY, entries=entries, seen=version, by=person(by), now=story.later())


def away(story: Story, who: str, cover: str | None, by: str | None = None, days: int = 3, **changes: Any) -> Absence:
    today = local_day(story.now)
    said: dict[str, Any] = {
        "person_id": person(who).pk, "first_day": today, "last_day": today + timedelta(days=days),
        "covered_by_id": person(cover).pk if cover else None, "by": person(by or who), "now": story.now,
    }  # fmt: skip
    return absences.record(**said | changes)


def told(kind: str) -> list[str]:
    return list(OutboxMessage.objects.filter(kind=kind).order_by("pk").values_list("to", flat=True))


class TestTheRota:
    def test_a_night_ends_on_the_next_day(self, story: Story) -> None:
        day, night = typed(entry("amina"), entry("erin", role="emergency", hours=NIGHT), story=story)
        assert (day.person, day.ends_at - day.starts_at) == (person("amina"), timedelta(hours=8.5))
        assert night.starts_at == datetime(2026, 11, 30, 17, 30, tzinfo=LONDON)
        assert night.ends_at == datetime(2026, 12, 1, 9, tzinfo=LONDON)

    def test_a_week_becomes_what_was_typed_and_the_audit_says_what_changed(self, story: Story) -> None:
        typed(entry("amina"), entry("oliver", 1), story=story)
        typed(entry("amina"), entry("david", 1, role="manager"), story=story, by="sam")
        assert [each.person.username for each in duties.of_week(MONDAY)] == ["amina", "david"]
        event = AuditEvent.objects.filter(event=Event.ROTA_CHANGED).latest("pk")
        assert (event.by_user, event.detail["week"]) == (person("sam"), "2026-11-30")
        assert [each[:2] for each in event.detail["added"]] == [[person("david").pk, "manager"]]
        assert [each[:2] for each in event.detail["removed"]] == [[person("oliver").pk, "social_worker"]]

    def test_sent_twice_changes_nothing(self, story: Story) -> None:
        typed(entry("amina"), story=story)
        typed(entry("amina"), story=story, seen="as it was")
        assert AuditEvent.objects.filter(event=Event.ROTA_CHANGED).count() == 1

    def test_nobody_overwrites_what_another_manager_typed(self, story: Story) -> None:
        seen = duties.version_of(duties.of_week(MONDAY))
        typed(entry("amina"), story=story)
        with pytest.raises(TakenBySomeoneElse, match="Somebody else has changed the rota"):
            typed(entry("oliver"), story=story, by="david", seen=seen)
        assert [each.person.username for each in duties.of_week(MONDAY)] == ["amina"]

    def test_every_fault_is_said_where_it_is(self, story: Story) -> None:
        wrong = [
            Entry("1", MONDAY, None, "", None, None),
            entry("amina", place="2"),
            entry("amina", place="3", hours=(time(12), time(14))),
            entry("oliver", 7, place="4"),
        ]
        with pytest.raises(InvalidInput) as caught:
            typed(*wrong, story=story)
        assert [str(fault.path[0]) for fault in caught.value.faults] == [
            "1-person", "1-role", "1-since", "1-until", "3-person", "4-since"
        ]  # fmt: skip

    def test_nobody_is_on_duty_twice_by_the_rota_of_two_weeks(self, story: Story) -> None:
        typed(entry("erin", 6, role="emergency", hours=NIGHT), story=story)
        monday = MONDAY + timedelta(days=7)
        early = Entry("1", monday, person("erin").pk, "emergency", time(0), time(9))
        with pytest.raises(InvalidInput, match="by the rota of another week: 6 December"):
            duties.set_week(
                monday=monday, entries=[early], seen=duties.version_of([]), by=person("maya"), now=story.now
            )

    @pytest.mark.parametrize("name", ["amina", "ben", "ava", "adele"])
    def test_only_managers_type_it(self, story: Story, name: str) -> None:
        with pytest.raises(NotPermitted, match="Only a front-door manager or a service manager"):
            typed(entry("amina"), story=story, by=name)


class TestAnAbsence:
    def test_is_recorded_by_oneself_and_the_cover_hears_of_it(self, story: Story) -> None:
        absence = away(story, "ben", "bea")
        assert (absence.covered_by, told("cover_named")) == (person("bea"), [person("bea").email])
        event = AuditEvent.objects.get(event=Event.ABSENCE_RECORDED)
        assert (event.detail["person"], event.detail["covered_by"]) == (person("ben").pk, person("bea").pk)

    @pytest.mark.parametrize(("who", "by", "may"), [
        ("bea", "ben", True), ("bea", "sam", True), ("amina", "maya", True),
        ("ben", "bea", False), ("bea", "carol", False), ("amina", "oliver", False), ("bea", "adele", False),
    ])  # fmt: skip
    def test_or_by_who_leads_a_team_of_theirs(self, story: Story, who: str, by: str, may: bool) -> None:
        if may:
            assert away(story, who, None, by=by).recorded_by == person(by)
            return
        with pytest.raises(NotPermitted, match="can say when they are away"):
            away(story, who, None, by=by)

    def test_every_fault_is_said_where_it_is(self, story: Story) -> None:
        away(story, "bea", None)
        today = local_day(story.now)
        for field, says, changes in (
            ("first_day", "Enter the first day away", {"first_day": None}),
            ("last_day", "must be the first day or later", {"last_day": today - timedelta(days=1)}),
            (
                "last_day", "must be today or later",
                {"first_day": today - timedelta(days=9), "last_day": today - timedelta(days=8)},
            ),
            ("covered_by", "is away then, too", {}),
            ("covered_by", "Select a colleague of the same team", {"covered_by_id": person("carol").pk}),
            ("covered_by", "Select a colleague of the same team", {"covered_by_id": person("ben").pk}),
        ):  # fmt: skip
            with pytest.raises(InvalidInput, match=says) as caught:
                away(story, "ben", "bea", **changes)
            assert [fault.path for fault in caught.value.faults][:1] == [(field,)]
        with pytest.raises(InvalidInput, match=r"is away from .* already: change that absence"):
            away(story, "bea", None, days=9)

    def test_changes_and_is_withdrawn_once(self, story: Story) -> None:
        absence = away(story, "bea", None)
        day = absence.last_day + timedelta(days=2)
        absences.change(
            absence_id=absence.pk, last_day=day, covered_by_id=person("ben").pk, by=person("ben"), now=story.later()
        )
        absence.refresh_from_db()
        assert (absence.last_day, absence.covered_by) == (day, person("ben"))
        absences.withdraw(absence_id=absence.pk, by=person("bea"), now=story.later())
        assert not Absence.objects.on(day).exists()
        with pytest.raises(NotAllowedInStatus, match="was withdrawn"):
            absences.withdraw(absence_id=absence.pk, by=person("bea"), now=story.later())
        with pytest.raises(NotPermitted):
            absences.change(absence_id=absence.pk, last_day=day, covered_by_id=None, by=person("pat"), now=story.now)
        # The days are free again.
        away(story, "bea", None)


class TestWhileSomebodyIsAway:
    @pytest.fixture
    def led(self, story: Story) -> Clock:
        """The first deadline of a case that Bea leads."""
        case = story.accepted()
        cases.name_lead(case_id=case.pk, lead_id=person("bea").pk, by=person("ben"), now=story.later())
        return case.clocks.get(kind="first_family_contact")

    def warned(self, clock: Clock) -> tuple[str | None, list[str]]:
        sweep.sweep(now=clock.warn_at)
        reminder = Reminder.objects.select_related("user").get(clock=clock, step="warning")
        sent = OutboxMessage.objects.filter(reminder=reminder).order_by("to").values_list("to", flat=True)
        return reminder.user.username if reminder.user else None, [each.split("@")[0] for each in sent]

    def test_who_covers_is_told_too(self, story: Story, led: Clock) -> None:
        Membership.objects.create(user=person("will"), role=Role.TEAM_MEMBER, team=story.team("aylesbury"))
        away(story, "bea", "will", days=30)
        assert self.warned(led) == ("bea", ["bea", "will"])
        assert [each.clock for each in reminders_of(person("will"), led.warn_at)] == [led]

    def test_without_cover_the_leads_of_the_team_are(self, story: Story, led: Clock) -> None:
        away(story, "bea", None, days=30)
        assert self.warned(led) == (None, ["ben"])

    def test_so_they_are_if_who_covers_is_away_too(self, story: Story, led: Clock) -> None:
        Membership.objects.create(user=person("will"), role=Role.TEAM_MEMBER, team=story.team("aylesbury"))
        away(story, "bea", "will", days=30)
        away(story, "will", None, days=30)
        assert self.warned(led) == (None, ["ben"])

    def test_or_if_who_covers_may_not_open_the_case(self, story: Story, led: Clock) -> None:
        Membership.objects.create(user=person("will"), role=Role.TEAM_MEMBER, team=story.team("aylesbury"))
        away(story, "bea", "will", days=30)
        contact = Case.objects.get(clocks=led).contacts.get()
        restrict(story, contact, "bea", "ben")
        assert self.warned(led) == (None, ["ben"])
        assert not reminders_of(person("will"), led.warn_at).exists()

    def test_afterwards_they_are_not(self, story: Story, led: Clock) -> None:
        Membership.objects.create(user=person("will"), role=Role.TEAM_MEMBER, team=story.team("aylesbury"))
        absence = away(story, "bea", "will", days=30)
        absences.withdraw(absence_id=absence.pk, by=person("bea"), now=story.now)
        assert self.warned(led) == ("bea", ["bea"])
        assert not reminders_of(person("will"), led.warn_at).exists()

    def test_a_colleague_covers_only_where_both_work(self, story: Story, led: Clock) -> None:
        """Bea works in two teams; who covers works in the other one."""
        Membership.objects.create(user=person("bea"), role=Role.TEAM_MEMBER, team=story.team("chiltern"))
        away(story, "bea", "chris", days=30)
        assert self.warned(led) == (None, ["ben"])
        assert not reminders_of(person("chris"), led.warn_at).filter(clock=led).exists()

    def test_what_who_covers_opens_they_have_seen(self, story: Story, led: Clock) -> None:
        Membership.objects.create(user=person("will"), role=Role.TEAM_MEMBER, team=story.team("aylesbury"))
        away(story, "bea", "will", days=30)
        self.warned(led)
        viewing.view_case(reference=str(Case.objects.get(clocks=led)), by=person("will"), now=led.warn_at)
        assert [look.user.username for look in ReminderLook.objects.all()] == ["will"]

    def test_a_new_contact_of_theirs_is_told_to_who_covers(self, story: Story) -> None:
        away(story, "amina", "oliver")
        contact = story.contact(at=story.now)
        contact_owners.assign(
            contact_id=contact.pk, to_id=person("amina").pk, seen_owner_id=None, by=person("maya"), now=story.now
        )
        assert told("contact_assigned") == [person("amina").email, person("oliver").email]

    def test_a_declined_decision_is_told_to_who_covers(self, story: Story) -> None:
        contact = story.contact()
        story.decided(contact, pathway="advice", level=1, rag="blue")
        away(story, "amina", "oliver")
        decisions.sign_off(
            contact_id=contact.pk,
            agreed=False,
            rationale="Look at what March says again.",
            by=person("maya"),
            now=story.later(),
        )
        assert told("sign_off_declined") == [person("amina").email, person("oliver").email]

    def test_nobody_away_is_suggested_but_who_has_it(self, story: Story) -> None:
        away(story, "amina", None)
        away(story, "bea", None)
        contact = story.contact(at=story.now)

        def suggested() -> set[str]:
            return {user.username for user in AssignForm(contact, story.now).fields["to"].queryset}  # type: ignore[attr-defined]  # a field of models

        assert suggested() == {"oliver", "maya", "david", "erin", "ezra"}
        contact.owner = person("amina")
        assert "amina" in suggested()
        leads = LeadForm(story.team("aylesbury"), local_day(story.now)).fields["lead"]
        assert [user.username for user in leads.queryset] == ["ben"]  # type: ignore[attr-defined]  # as above


def test_two_managers_who_type_at_once_wait_for_each_other(story: Story) -> None:
    """The lock is asked for before anything is read."""

    with CaptureQueriesContext(connection) as asked:
        typed(entry("amina"), story=story, seen=duties.version_of([]))
    statements = [each["sql"] for each in asked.captured_queries]
    reads = next(place for place, sql in enumerate(statements) if "casework_duty" in sql)
    assert any("pg_advisory_xact_lock" in sql for sql in statements[:reads])
