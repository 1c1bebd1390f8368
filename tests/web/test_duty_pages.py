"""Who is on duty, the rota of a week, who is away, and what the other pages say of it."""

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from casework.actions import absences, cases, contact_owners, duties
from casework.models import Absence, Duty, UnfinishedForm
from casework.reading import cover
from casework.reading.cover import Gap
from casework.web.rendering import read_time
from localities.models import Membership, Role
from localities.working_time import LONDON, at, local_day
from tests.stage.staff import SignedIn
from tests.stage.story import Story, person
from tests.stage.web_client import Page

MONDAY = date(2026, 11, 30)
ROTA = "/duty/rota/2026-11-30/"


def typed(who: SignedIn, path: str = ROTA, **fields: Any) -> Any:
    form = Page(who.client.get(path)).form(ROTA)
    return who.client.post(ROTA, form | {name.replace("_", "-"): value for name, value in fields.items()})


def line(
    place: str, who: str, role: str = "social_worker", since: str = "9:00", until: str = "17.30"
) -> dict[str, Any]:
    return {f"{place}-person": person(who).pk, f"{place}-role": role, f"{place}-since": since, f"{place}-until": until}


def on_duty(who: str, starts: datetime, hours: float, role: str = "social_worker") -> Duty:
    return Duty.objects.create(person=person(who), role=role, starts_at=starts, ends_at=starts + timedelta(hours=hours))


def away(who: str, cover: str | None, days: int = 3) -> Absence:
    today = local_day(timezone.now())
    return absences.record(
        person_id=person(who).pk, first_day=today, last_day=today + timedelta(days=days),
        covered_by_id=person(cover).pk if cover else None, by=person("sam"), now=timezone.now(),
    )  # fmt: skip


class TestTheRota:
    def test_a_week_is_typed_at_once(self, db: None) -> None:
        maya = SignedIn("maya")
        fields = line("mon0", "amina") | line("mon1", "erin", "emergency", "1730", "9:00") | line("fri0", "oliver")
        answer = typed(maya, **fields)
        assert (answer.status_code, answer.headers["Location"]) == (302, ROTA)
        found = [(each.person.username, each.ends_at - each.starts_at) for each in duties.of_week(MONDAY)]
        assert found == [
            ("amina", timedelta(hours=8.5)),
            ("erin", timedelta(hours=15.5)),
            ("oliver", timedelta(hours=8.5)),
        ]
        # And changed: one is taken off.
        typed(maya, **{"fri0-person": "", "fri0-since": "", "fri0-until": ""})
        assert [each.person.username for each in duties.of_week(MONDAY)] == ["amina", "erin"]

    def test_faults_stand_at_their_fields_and_nothing_typed_is_lost(self, db: None) -> None:
        answer = typed(SignedIn("maya"), **line("mon0", "amina", until="") | line("tue0", "erin", since="25:00"))
        page = Page(answer)
        assert answer.status_code == 422
        says = "Enter a time of day in hours and minutes, as 14:30, Tuesday 1 December"
        assert page.error_at("id_tue0-since") == says
        assert says in dict(page.summary).values()
        assert "Copy last week" not in page.text, "it would lose what is typed"
        assert page.error_at("id_mon0-until") == "Enter when the duty ends, Monday 30 November", "all at once"
        assert page.form(ROTA)["mon0-person"] == str(person("amina").pk)
        assert not Duty.objects.exists()

    def test_last_week_is_copied_and_saved_only_when_somebody_saves_it(self, db: None) -> None:
        on_duty("amina", at(MONDAY - timedelta(days=6), time(9)), 8)
        maya = SignedIn("maya")
        assert "Copy last week" in Page(maya.client.get(ROTA)).text
        copied = Page(maya.client.get(f"{ROTA}?copy=last"))
        assert not duties.of_week(MONDAY).exists()
        assert copied.form(ROTA)["tue0-person"] == str(person("amina").pk)
        maya.client.post(ROTA, copied.form(ROTA))
        (duty,) = duties.of_week(MONDAY)
        assert duty.starts_at == at(MONDAY + timedelta(days=1), time(9))
        assert "Copy last week" not in Page(maya.client.get(ROTA)).text

    def test_a_copy_keeps_the_local_time_over_a_change_of_clocks(self) -> None:
        before = at(date(2026, 10, 23), time(9))
        assert duties.later_by_days(before, 7) == datetime(2026, 10, 30, 9, tzinfo=LONDON)

    def test_what_somebody_else_changed_is_not_overwritten(self, db: None) -> None:
        maya, david = SignedIn("maya"), SignedIn("david")
        form = Page(maya.client.get(ROTA)).form(ROTA)
        typed(david, **line("mon0", "amina"))
        answer = maya.client.post(ROTA, form | {k: str(v) for k, v in line("mon0", "oliver").items()})
        assert answer.status_code == 409
        assert "Somebody else has changed the rota" in Page(answer).text

    def test_what_is_typed_is_kept_until_it_is_saved_or_cleared(self, db: None) -> None:
        """Also a person alone, and a line more than the page has at first."""
        maya = SignedIn("maya")
        form = Page(maya.client.get(ROTA)).form(ROTA)
        lines = {"mon0-person": str(person("amina").pk), **line("tue4", "erin", "emergency", "half five", "9am")}
        answer = maya.client.post(ROTA, form | lines | {"keep": "script"})
        assert "not recorded yet" in answer.json()["line"]
        for path in (ROTA, f"{ROTA}?copy=last"):
            page = Page(maya.client.get(path))
            assert page.form(ROTA).items() >= {name: str(value) for name, value in lines.items()}.items()
            assert "copied from last week" not in page.text
        assert not Duty.objects.exists()
        assert Page(SignedIn("david").client.get(ROTA)).form(ROTA)["mon0-person"] == ""
        maya.client.post(ROTA, page.form(ROTA) | {"keep": "clear"})
        page = Page(maya.client.get(ROTA))
        assert (page.form(ROTA)["mon0-person"], "tue4-person" in page.form(ROTA)) == ("", False)

    def test_what_is_saved_is_no_longer_kept(self, db: None) -> None:
        maya = SignedIn("maya")
        form = Page(maya.client.get(ROTA)).form(ROTA)
        maya.client.post(ROTA, form | line("mon0", "amina") | {"keep": "script"})
        assert UnfinishedForm.objects.count() == 1
        assert typed(maya, **line("mon0", "amina")).status_code == 302
        assert not UnfinishedForm.objects.exists()

    def test_what_is_kept_overwrites_nothing_that_was_saved_since(self, db: None) -> None:
        maya = SignedIn("maya")
        form = Page(maya.client.get(ROTA)).form(ROTA)
        maya.client.post(ROTA, form | line("mon0", "oliver") | {"keep": "script"})
        typed(SignedIn("david"), **line("mon0", "amina"))
        answer = maya.client.post(ROTA, Page(maya.client.get(ROTA)).form(ROTA))
        assert "Somebody else has changed the rota" in Page(answer).text
        assert [each.person.username for each in duties.of_week(MONDAY)] == ["amina"]

    @pytest.mark.parametrize(("name", "may"), [("maya", True), ("ezra", True), ("sam", True), ("amina", False),
                                               ("ben", False), ("adele", False)])  # fmt: skip
    def test_everybody_reads_it_and_managers_type_it(self, db: None, name: str, may: bool) -> None:
        who = SignedIn(name)
        page = Page(who.client.get(ROTA))
        assert (page.status, ROTA in page.actions) == (200, may)
        assert (who.client.post(ROTA, {"seen": duties.version_of([])}).status_code == 403) is not may

    @pytest.mark.parametrize("week", ["2026-12-01", "2026-13-01", "next", "0001-01-01"])
    def test_a_week_begins_on_a_monday(self, db: None, week: str) -> None:
        assert SignedIn("maya").client.get(f"/duty/rota/{week}/").status_code == 404


class TestTimes:
    """As people type them, in this form and in others."""

    @pytest.mark.parametrize(
        ("written", "time_of_day"),
        [
            ("9am", "09:00"), ("9 AM", "09:00"), ("09", "09:00"), ("9:00", "09:00"), ("17.30", "17:30"),
            ("17", "17:00"), ("0", "00:00"), ("half five pm", "17:30"), ("Half past five in the afternoon", "17:30"),
            ("quarter to nine am", "08:45"), ("quarter past 9 in the evening", "21:15"),
            ("12am", "00:00"), ("12.30pm", "12:30"), ("quarter to one pm", "12:45"),
            ("nine o'clock in the morning", "09:00"), ("midnight", "00:00"), ("midday", "12:00"), (" ", ""),
        ],
    )  # fmt: skip
    def test_are_read(self, written: str, time_of_day: str) -> None:
        assert read_time(written) == time_of_day

    @pytest.mark.parametrize(
        ("written", "shown"),
        [("9", "9am or 9pm"), ("half five", "5:30am or 5:30pm"), ("quarter to one", "12:45am or 12:45pm"),
         ("12", "12am or 12pm"), ("five o'clock", "5am or 5pm")],
    )  # fmt: skip
    def test_that_may_be_two_are_asked_about(self, written: str, shown: str) -> None:
        with pytest.raises(ValidationError, match=f"Say whether it is {shown}"):
            read_time(written)

    @pytest.mark.parametrize(
        "written",
        ["24", "25:00", "13pm", "0am", "9:60", "half 9.30", "half 17", "ten past nine", "9 o", "soon", "900am1"],
    )
    def test_that_are_none_are_refused(self, written: str) -> None:
        with pytest.raises(ValidationError, match="Enter a time of day in hours and minutes, as 14:30"):
            read_time(written)


class TestGaps:
    def rota(self, *, but_not: str = "") -> list[Duty]:
        found = []
        for day in range(-1, 7):
            on = MONDAY + timedelta(days=day)
            working = on.weekday() < 5
            if working:
                closes = time(17) if on.weekday() == 4 else time(17, 30)
                found += [("amina", "social_worker", at(on, time(9)), at(on, closes))]
                found += [("maya", "manager", at(on, time(9)), at(on, closes))]
            night = at(on, (time(17) if on.weekday() == 4 else time(17, 30)) if working else time(9))
            found += [("erin", "emergency", night, at(on + timedelta(days=1), time(9)))]
        people = {name: person(name) for name in ("amina", "maya", "erin")}
        return [
            Duty(person=people[who], role=role, starts_at=starts, ends_at=ends)
            for who, role, starts, ends in found if role != but_not
        ]  # fmt: skip

    def test_a_full_week_has_none(self, db: None) -> None:
        assert cover.gaps(MONDAY, self.rota()) == []

    def test_hub_hours_without_a_manager(self, db: None) -> None:
        found = cover.gaps(MONDAY, self.rota(but_not="manager"))
        assert [gap.role for gap in found] == ["Duty manager"] * 5
        assert (found[4].starts, found[4].ends) == (at(date(2026, 12, 4), time(9)), at(date(2026, 12, 4), time(17)))

    def test_a_night_that_begins_an_hour_late(self, db: None) -> None:
        rota = self.rota()
        for duty in rota:
            if duty.role == "emergency" and local_day(duty.starts_at) == MONDAY:
                duty.starts_at += timedelta(hours=1)
        assert cover.gaps(MONDAY, rota) == [
            Gap("Emergency duty", at(MONDAY, time(17, 30)), at(MONDAY, time(18, 30)))
        ]  # fmt: skip

    def test_the_page_warns_and_saves_all_the_same(self, db: None) -> None:
        maya = SignedIn("maya")
        assert typed(maya, **line("mon0", "amina")).status_code == 302
        assert "Nobody is on duty at" in Page(maya.client.get(ROTA)).text


class TestAbsences:
    def form(self, who: SignedIn, path: str = "/duty/absences/new/") -> dict[str, Any]:
        return Page(who.client.get(path)).form("")

    def test_ones_own_is_recorded_changed_and_withdrawn(self, db: None) -> None:
        bea, today = SignedIn("bea"), local_day(timezone.now())
        days = {"first_day_day": today.day, "first_day_month": today.month, "first_day_year": today.year}
        days |= {f"last_{name.removeprefix('first_')}": value for name, value in days.items()}
        answer = bea.client.post("/duty/absences/new/", self.form(bea) | days | {"covered_by": person("ben").pk})
        assert answer.status_code == 302
        absence = Absence.objects.get()
        assert (absence.person, absence.covered_by, absence.last_day) == (person("bea"), person("ben"), today)
        path = f"/duty/absences/{absence.pk}/"
        assert "Bea Thornton" in Page(bea.client.get("/duty/")).text
        bea.client.post(path, self.form(bea, path) | {"covered_by": ""})
        absence.refresh_from_db()
        assert absence.covered_by is None
        assert bea.client.post(f"{path}withdraw/").status_code == 302
        assert not Absence.objects.standing().exists()

    def test_faults_stand_at_their_fields(self, db: None) -> None:
        bea = SignedIn("bea")
        answer = bea.client.post("/duty/absences/new/", self.form(bea))
        assert answer.status_code == 422
        for says in ("Enter the first day away", "Enter the last day away"):
            assert says in Page(answer).text

    @pytest.mark.parametrize(("name", "for_whom"), [
        ("bea", {"bea"}), ("ben", {"ben", "bea"}), ("adele", {"adele"}), ("pat", {"pat", "petra"}),
    ])  # fmt: skip
    def test_for_oneself_and_the_team_that_one_leads(self, db: None, name: str, for_whom: set[str]) -> None:
        page = Page(SignedIn(name).client.get("/duty/absences/new/"))
        (select,) = page.root.all("select", name="person")
        assert {option["value"] for option in select.all("option")} - {""} == {str(person(who).pk) for who in for_whom}

    @pytest.mark.parametrize(("name", "who_covers"), [
        ("bea", {"ben"}), ("ben", {"ben", "bea"}), ("pat", {"pat", "petra"}),
        ("maya", {"amina", "oliver", "maya", "david"}),
    ])  # fmt: skip
    def test_colleagues_of_a_team_are_offered_to_cover(self, db: None, name: str, who_covers: set[str]) -> None:
        page = Page(SignedIn(name).client.get("/duty/absences/new/"))
        (select,) = page.root.all("select", name="covered_by")
        offered = {option["value"] for option in select.all("option")} - {""}
        assert offered == {str(person(who).pk) for who in who_covers}

    def test_nobody_changes_that_of_another_team(self, db: None) -> None:
        absence = away("bea", "ben")
        for name in ("carol", "amina", "adele"):
            who = SignedIn(name)
            assert f"/duty/absences/{absence.pk}/" not in Page(who.client.get("/duty/")).html
            for path in (f"/duty/absences/{absence.pk}/", f"/duty/absences/{absence.pk}/withdraw/"):
                assert who.client.post(path, {}).status_code == 403, (name, path)
        assert Absence.objects.standing().exists()


class TestWhereItIsSaid:
    def test_the_worklist_says_who_is_on_duty_today(self, story: Story) -> None:
        maya = person("maya")
        maya.telephone = "01632 960102"
        maya.save(update_fields=["telephone"])
        on_duty("maya", timezone.now() - timedelta(hours=1), 2, "manager")
        for name in ("amina", "ben", "sam"):
            text = SignedIn(name).open("/").text
            assert "On duty today: Maya Brooks (duty manager, until " in text
            assert "01632 960102" in text

    def test_it_says_so_where_the_rota_names_nobody(self, db: None) -> None:
        on_duty("maya", timezone.now() - timedelta(hours=9), 8, "manager")
        assert "the rota names nobody" in SignedIn("amina").open("/").text

    def test_a_contact_says_that_its_owner_is_away(self, story: Story) -> None:
        contact = story.contact()
        contact_owners.assign(
            contact_id=contact.pk, to_id=person("amina").pk, seen_owner_id=None, by=person("amina"), now=story.later()
        )
        absence = away("amina", "oliver")
        says = f"Amina Hussain (away until {absence.last_day:%-d %B}, covered by Oliver Grant)"
        for path in (contact, "/"):
            assert says in SignedIn("maya").open(path).text

    def test_a_case_says_that_its_lead_is_away(self, story: Story) -> None:
        case = story.accepted()
        cases.name_lead(case_id=case.pk, lead_id=person("bea").pk, by=person("ben"), now=story.later())
        absence = away("bea", None)
        says = f"Bea Thornton (away until {absence.last_day:%-d %B}, nobody covers)"
        for path in (case, "/"):
            assert says in SignedIn("ben").open(path).text

    def test_whoever_leads_finds_work_that_nobody_covers(self, story: Story) -> None:
        case = story.accepted()
        cases.name_lead(case_id=case.pk, lead_id=person("bea").pk, by=person("ben"), now=story.later())
        absence = away("bea", None)
        says = "Away without cover: Bea Thornton"
        team = ("/teams/aylesbury/", "/teams/aylesbury/?tab=workload")
        for path in ("/", *team):
            assert says in SignedIn("ben").open(path).text, path
            assert says not in SignedIn("bea").open(path).text, path
        for name in ("carol", "sam"):
            assert says not in SignedIn(name).open("/").text
        absences.change(
            absence_id=absence.pk, last_day=absence.last_day, covered_by_id=person("ben").pk, by=person("ben"),
            now=timezone.now(),
        )  # fmt: skip
        for path in ("/", *team):
            assert says not in SignedIn("ben").open(path).text, path

    def test_also_where_who_covers_is_away(self, story: Story) -> None:
        Membership.objects.create(user=person("will"), role=Role.TEAM_MEMBER, team=story.team("aylesbury"))
        case = story.accepted()
        cases.name_lead(case_id=case.pk, lead_id=person("bea").pk, by=person("ben"), now=story.later())
        away("bea", "will")
        away("will", None)
        assert "Away without cover: Bea Thornton" in SignedIn("ben").open("/").text


@pytest.mark.parametrize("path", [f"/contacts/new/{'0' * 32}/call-999/", "/restricted/open/"])
def test_where_somebody_must_be_asked_at_once_it_says_who_is_on_duty(db: None, path: str) -> None:
    on_duty("maya", timezone.now(), 1, "manager")
    assert "On duty today: Maya" in SignedIn("amina").open(path).text
