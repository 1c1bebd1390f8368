"""Reference data are kept in memory by version: whoever changes them, and however, nobody works with what is past."""

from datetime import date

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from casework.deadlines import clocks
from localities import reference
from localities.models import CalendarDay, Catchment, HubHours, Locality, Postcode, ReferenceVersion, Team
from tests.stage.racing import race
from tests.stage.sql import run

DAY = date(2026, 11, 19)


def versions() -> dict[str, object]:
    return dict(ReferenceVersion.objects.values_list("table", "version"))


def changes() -> list[tuple[str, object]]:
    """A change of each table, each in a way of its own."""
    return [
        ("localities_team", lambda: Team.objects.filter(code="aylesbury").update(name="Aylesbury, renamed")),
        ("localities_locality", lambda: Locality.objects.create(code="new", name="New")),
        ("localities_catchment", lambda: run("UPDATE localities_catchment SET prefix = prefix")),
        ("localities_postcode", lambda: Postcode.objects.bulk_create([Postcode(postcode="ZZ1 1ZZ")])),
        ("localities_hubhours", lambda: HubHours.objects.filter(weekday=0).delete()),
        ("localities_calendarday", lambda: CalendarDay(date=DAY, kind="closure", name="A day").save()),
    ]  # fmt: skip


@pytest.mark.django_db
class TestVersions:
    def test_every_change_makes_another_and_of_no_other_table(self) -> None:
        for table, change in changes():
            before = versions()
            change()  # type: ignore[operator]  # each of them is a function
            after = versions()
            assert {name for name in after if after[name] != before[name]} == {table}

    def test_one_that_was_rolled_back_never_comes_again(self) -> None:
        met = {versions()["localities_team"]}
        for _ in range(3):
            with transaction.atomic():
                Team.objects.filter(code="aylesbury").update(name="Not for long")
                met.add(versions()["localities_team"])
                transaction.set_rollback(True)
        assert len(met) == 4


@pytest.mark.django_db
class TestWhatIsKept:
    def test_is_read_once(self) -> None:
        reference.current()
        with CaptureQueriesContext(connection) as queries:
            again = reference.current()
            assert again.places.place("HP20 1UA", DAY).in_area
            assert again.working_time.hours
            assert again.teams
        assert len(queries) == 1

    def test_is_what_this_transaction_changed_and_what_was_before_once_that_is_undone(self) -> None:
        team = next(team for team in reference.current().teams if team.code == "aylesbury")
        with transaction.atomic():
            Team.objects.filter(pk=team.pk).update(name="Not for long")
            assert reference.current().team(team.pk).name == "Not for long"
            transaction.set_rollback(True)
        assert reference.current().team(team.pk).name == team.name

    def test_knows_every_kind_of_change(self) -> None:
        for _, change in changes():
            change()  # type: ignore[operator]  # each of them is a function
        wycombe = Locality.objects.get(code="wycombe-and-marlow")
        Catchment.objects.filter(prefix="HP20").update(locality=wycombe)
        now = clocks.locked_reference()
        assert now.places.place("ZZ1 1ZZ", DAY).in_area
        assert now.places.place("HP20 1UA", DAY).locality == wycombe
        assert not now.working_time.is_working_day(DAY, local=True)
        assert 0 not in now.working_time.hours
        assert any(team.name == "Aylesbury, renamed" for team in now.teams)


def test_what_another_committed_is_known_at_once(committed: str) -> None:
    reference.current()
    assert race(lambda: Team.objects.filter(code="aylesbury").update(name="Renamed")) == [1]
    assert any(team.name == "Renamed" for team in reference.current().teams)
