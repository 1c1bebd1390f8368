"""Which days count, when the hub is open, and where a start really begins: both sides of every edge."""

from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casework.deadlines.policies import shipped_working_time
from localities.working_time import LONDON, Hours, WorkingTime, as_utc, end_of_day, local_day, shipped_hours
from tests.stage.moments import day, local

# gov.uk's list for England and Wales, codes.json key england_bank_holidays_2022_2027. Two of them came once only: the
# Platinum Jubilee's Friday and the state funeral of 2022; 8 May 2023 was the coronation's.
BANK_HOLIDAYS_2022_TO_2027 = """
    2022-01-03 2022-04-15 2022-04-18 2022-05-02 2022-06-02 2022-06-03 2022-08-29 2022-09-19 2022-12-26 2022-12-27
    2023-01-02 2023-04-07 2023-04-10 2023-05-01 2023-05-08 2023-05-29 2023-08-28 2023-12-25 2023-12-26
    2024-01-01 2024-03-29 2024-04-01 2024-05-06 2024-05-27 2024-08-26 2024-12-25 2024-12-26
    2025-01-01 2025-04-18 2025-04-21 2025-05-05 2025-05-26 2025-08-25 2025-12-25 2025-12-26
    2026-01-01 2026-04-03 2026-04-06 2026-05-04 2026-05-25 2026-08-31 2026-12-25 2026-12-28
    2027-01-01 2027-03-26 2027-03-29 2027-05-03 2027-05-31 2027-08-30 2027-12-27 2027-12-28
"""


def buckinghamshire(
    *, bank_holidays: tuple[str, ...] = (), working_days: tuple[str, ...] = (), closures: tuple[str, ...] = ()
) -> WorkingTime:
    """The hub's hours, with days that an administrator has entered."""
    return WorkingTime(
        hours=shipped_hours(),
        bank_holidays=frozenset(map(day, bank_holidays)),
        working_days=frozenset(map(day, working_days)),
        closures=frozenset(map(day, closures)),
    )


HUB = shipped_working_time()


def is_working_day(written: str, *, local: bool = False, calendar: WorkingTime = HUB) -> bool:
    return calendar.is_working_day(day(written), local=local)


# ---- working days


def test_the_working_days_of_six_years_are_monday_to_friday_less_the_bank_holidays_of_england() -> None:
    listed = {date.fromisoformat(each) for each in BANK_HOLIDAYS_2022_TO_2027.split()}
    assert len(listed) == 51
    first, last = date(2022, 1, 1), date(2027, 12, 31)
    for each in (first + timedelta(days=number) for number in range((last - first).days + 1)):
        assert HUB.is_working_day(each, local=False) == (each.weekday() < 5 and each not in listed), each


@pytest.mark.parametrize(
    "not_in_england",
    [
        "Fri 2 Jan 2026",  # Scotland
        "Tue 17 Mar 2026",  # Northern Ireland, St Patrick
        "Mon 13 Jul 2026",  # Northern Ireland, the Boyne
        "Mon 3 Aug 2026",  # Scotland
        "Mon 30 Nov 2026",  # Scotland, St Andrew
    ],
)
def test_a_bank_holiday_of_scotland_or_northern_ireland_is_a_working_day(not_in_england: str) -> None:
    assert is_working_day(not_in_england)


COUNTING = [
    # from, working days, to
    ("Mon 16 Nov 2026", 1, "Tue 17 Nov 2026"),
    ("Fri 20 Nov 2026", 1, "Mon 23 Nov 2026"),
    ("Sat 21 Nov 2026", 1, "Mon 23 Nov 2026"),
    ("Sun 22 Nov 2026", 1, "Mon 23 Nov 2026"),
    ("Mon 16 Nov 2026", 5, "Mon 23 Nov 2026"),
    ("Mon 16 Nov 2026", 0, "Mon 16 Nov 2026"),
    # Good Friday and Easter Monday
    ("Thu 2 Apr 2026", 1, "Tue 7 Apr 2026"),
    ("Thu 25 Mar 2027", 1, "Tue 30 Mar 2027"),
    ("Thu 25 Mar 2027", 3, "Thu 1 Apr 2027"),
    # May and August
    ("Fri 1 May 2026", 1, "Tue 5 May 2026"),
    ("Fri 22 May 2026", 1, "Tue 26 May 2026"),
    ("Fri 28 Aug 2026", 1, "Tue 1 Sep 2026"),
    # Christmas to New Year: as it falls, and with substitute days
    ("Thu 24 Dec 2026", 1, "Tue 29 Dec 2026"),
    ("Wed 23 Dec 2026", 4, "Thu 31 Dec 2026"),
    ("Wed 23 Dec 2026", 5, "Mon 4 Jan 2027"),
    ("Thu 31 Dec 2026", 1, "Mon 4 Jan 2027"),
    ("Fri 24 Dec 2027", 1, "Wed 29 Dec 2027"),
    ("Fri 31 Dec 2027", 1, "Tue 4 Jan 2028"),
    ("Fri 24 Dec 2021", 1, "Wed 29 Dec 2021"),
    ("Fri 31 Dec 2021", 1, "Tue 4 Jan 2022"),
    ("Fri 23 Dec 2022", 1, "Wed 28 Dec 2022"),
    ("Fri 30 Dec 2022", 1, "Tue 3 Jan 2023"),
    ("Wed 24 Dec 2025", 1, "Mon 29 Dec 2025"),
    # days that came once
    ("Wed 1 Jun 2022", 1, "Mon 6 Jun 2022"),
    ("Fri 16 Sep 2022", 1, "Tue 20 Sep 2022"),
    ("Fri 5 May 2023", 1, "Tue 9 May 2023"),
]


@pytest.mark.parametrize(("start", "count", "end"), COUNTING)
def test_working_days_are_counted_over_weekends_and_bank_holidays(start: str, count: int, end: str) -> None:
    assert HUB.add_working_days(day(start), count, local=False) == day(end)


class TestDaysThatAnAdministratorEnters:
    def test_an_extra_bank_holiday_is_nobodys_working_day(self) -> None:
        calendar = buckinghamshire(bank_holidays=("Fri 19 Jun 2026",))
        for of_ours in (True, False):
            assert not is_working_day("Fri 19 Jun 2026", local=of_ours, calendar=calendar)
            assert calendar.add_working_days(day("Thu 18 Jun 2026"), 1, local=of_ours) == day("Mon 22 Jun 2026")
        assert is_working_day("Fri 19 Jun 2026")

    def test_a_moved_bank_holiday_leaves_a_working_day_behind(self) -> None:
        """As in 2020, when early May's went to the Friday of VE Day."""
        moved = buckinghamshire(bank_holidays=("Fri 8 May 2026",), working_days=("Mon 4 May 2026",))
        assert moved.add_working_days(day("Fri 1 May 2026"), 1, local=False) == day("Mon 4 May 2026")
        assert moved.add_working_days(day("Thu 7 May 2026"), 1, local=False) == day("Mon 11 May 2026")

    def test_a_weekend_never_becomes_a_working_day(self) -> None:
        assert not is_working_day("Sat 2 May 2026", calendar=buckinghamshire(working_days=("Sat 2 May 2026",)))

    def test_a_closure_pauses_what_is_local_and_nothing_statutory(self) -> None:
        calendar = buckinghamshire(closures=("Tue 29 Dec 2026", "Wed 30 Dec 2026", "Thu 31 Dec 2026"))
        assert calendar.add_working_days(day("Thu 24 Dec 2026"), 1, local=True) == day("Mon 4 Jan 2027")
        assert calendar.add_working_days(day("Thu 24 Dec 2026"), 1, local=False) == day("Tue 29 Dec 2026")


# ---- hub hours


def test_the_hub_is_open_monday_to_thursday_9_to_half_past_5_and_friday_9_to_5() -> None:
    long_day, friday = Hours(time(9), time(17, 30)), Hours(time(9), time(17))
    assert shipped_hours() == {0: long_day, 1: long_day, 2: long_day, 3: long_day, 4: friday}


OPEN_OR_NOT = [
    ("Mon 16 Nov 2026 08:59:59", False),
    ("Mon 16 Nov 2026 09:00:00", True),
    ("Mon 16 Nov 2026 17:30:00", True),
    ("Mon 16 Nov 2026 17:30:01", False),
    ("Thu 19 Nov 2026 17:30:00", True),
    ("Fri 20 Nov 2026 17:00:00", True),
    ("Fri 20 Nov 2026 17:00:01", False),
    ("Fri 20 Nov 2026 17:30:00", False),
    ("Sat 21 Nov 2026 12:00", False),
    ("Sun 22 Nov 2026 12:00", False),
    ("Fri 25 Dec 2026 12:00", False),
    ("Fri 3 Apr 2026 12:00", False),
    ("Thu 19 Nov 2026 00:00", False),
    # Summer time: nine o'clock here is eight in UTC.
    ("Thu 2 Jul 2026 08:59:59", False),
    ("Thu 2 Jul 2026 09:00:00", True),
    ("Thu 2 Jul 2026 17:30:00", True),
    ("Thu 2 Jul 2026 17:30:01", False),
]


@pytest.mark.parametrize(("moment", "is_open"), OPEN_OR_NOT)
def test_when_the_hub_is_open(moment: str, is_open: bool) -> None:
    assert HUB.is_open(local(moment)) is is_open


def test_the_hub_is_closed_on_the_councils_closure_days() -> None:
    calendar = buckinghamshire(closures=("Tue 29 Dec 2026",), bank_holidays=("Wed 30 Dec 2026",))
    assert not calendar.is_open(local("Tue 29 Dec 2026 12:00"))
    assert not calendar.is_open(local("Wed 30 Dec 2026 12:00"))
    assert calendar.is_open(local("Thu 31 Dec 2026 12:00"))


def test_the_hub_is_open_by_its_own_clock_whatever_clock_the_moment_is_told_by() -> None:
    new_york = timezone(timedelta(hours=-4))
    assert HUB.is_open(datetime(2026, 7, 2, 4, 0, tzinfo=new_york))
    assert not HUB.is_open(datetime(2026, 7, 2, 3, 59, 59, tzinfo=new_york))


STARTS = [
    # start, where it counts from
    ("Thu 19 Nov 2026 08:59:59", "Thu 19 Nov 2026 09:00"),
    ("Thu 19 Nov 2026 09:00:00", "Thu 19 Nov 2026 09:00"),
    ("Thu 19 Nov 2026 09:00:01", "Thu 19 Nov 2026 09:00:01"),
    ("Thu 19 Nov 2026 17:29:59", "Thu 19 Nov 2026 17:29:59"),
    ("Thu 19 Nov 2026 17:30:00", "Thu 19 Nov 2026 17:30"),
    ("Thu 19 Nov 2026 17:30:01", "Fri 20 Nov 2026 09:00"),
    ("Thu 19 Nov 2026 23:59:59", "Fri 20 Nov 2026 09:00"),
    ("Fri 20 Nov 2026 00:00:00", "Fri 20 Nov 2026 09:00"),
    ("Fri 20 Nov 2026 17:00:00", "Fri 20 Nov 2026 17:00"),
    ("Fri 20 Nov 2026 17:00:01", "Mon 23 Nov 2026 09:00"),
    ("Sat 21 Nov 2026 10:00", "Mon 23 Nov 2026 09:00"),
    ("Sun 22 Nov 2026 23:59:59", "Mon 23 Nov 2026 09:00"),
    ("Mon 23 Nov 2026 00:00:00", "Mon 23 Nov 2026 09:00"),
    # bank holidays
    ("Mon 31 Aug 2026 10:00", "Tue 1 Sep 2026 09:00"),
    ("Thu 2 Apr 2026 17:30:01", "Tue 7 Apr 2026 09:00"),
    ("Fri 3 Apr 2026 10:00", "Tue 7 Apr 2026 09:00"),
    ("Thu 24 Dec 2026 17:30:00", "Thu 24 Dec 2026 17:30"),
    ("Thu 24 Dec 2026 17:30:01", "Tue 29 Dec 2026 09:00"),
    ("Fri 24 Dec 2027 17:00:01", "Wed 29 Dec 2027 09:00"),
    ("Fri 31 Dec 2027 17:00:01", "Tue 4 Jan 2028 09:00"),
    # both clock-change nights: the opening is at nine by the clock on the wall
    ("Sun 29 Mar 2026 00:59:59 GMT", "Mon 30 Mar 2026 09:00 BST"),
    ("Sun 29 Mar 2026 02:00:00 BST", "Mon 30 Mar 2026 09:00 BST"),
    ("Sun 25 Oct 2026 01:30:00 BST", "Mon 26 Oct 2026 09:00"),
    ("Sun 25 Oct 2026 01:30:00 GMT", "Mon 26 Oct 2026 09:00"),
]


@pytest.mark.parametrize(("start", "counts_from"), STARTS)
def test_a_start_while_the_hub_is_closed_counts_from_its_next_opening(start: str, counts_from: str) -> None:
    assert HUB.counted_start(local(start), local=False).astimezone(UTC) == local(counts_from)


def test_a_start_on_a_closure_day_waits_only_where_the_clock_is_local() -> None:
    calendar = buckinghamshire(closures=("Tue 29 Dec 2026",))
    start = local("Tue 29 Dec 2026 10:00")
    assert calendar.counted_start(start, local=True).astimezone(UTC) == local("Wed 30 Dec 2026 09:00")
    assert calendar.counted_start(start, local=False).astimezone(UTC) == start


def test_another_council_has_its_own_hours() -> None:
    """The hours are Rotherham's: half an hour earlier, and until half past four on Fridays."""
    rotherham = WorkingTime(
        hours=dict.fromkeys(range(4), Hours(time(8, 30), time(17))) | {4: Hours(time(8, 30), time(16, 30))}
    )
    counted = rotherham.counted_start(local("Fri 20 Nov 2026 16:30:01"), local=False)
    assert counted.astimezone(UTC) == local("Mon 23 Nov 2026 08:30")
    assert rotherham.is_open(local("Mon 23 Nov 2026 08:30"))
    assert not rotherham.is_open(local("Mon 23 Nov 2026 17:00:01"))


def test_a_hub_that_is_closed_on_wednesdays_counts_from_thursday() -> None:
    hours = {number: Hours(time(9), time(17)) for number in (0, 1, 3, 4)}
    closed_on_wednesdays = WorkingTime(hours=hours)
    counted = closed_on_wednesdays.counted_start(local("Wed 18 Nov 2026 10:00"), local=False)
    assert counted.astimezone(UTC) == local("Thu 19 Nov 2026 09:00")
    assert not closed_on_wednesdays.is_open(local("Wed 18 Nov 2026 10:00"))
    # Wednesday stays a working day: the hub's hours are not the calendar.
    assert closed_on_wednesdays.is_working_day(day("Wed 18 Nov 2026"), local=True)


def test_a_council_without_hours_begins_its_working_days_at_nine() -> None:
    counted = WorkingTime(hours={}).counted_start(local("Fri 20 Nov 2026 10:00"), local=False)
    assert counted.astimezone(UTC) == local("Mon 23 Nov 2026 09:00")


# ---- how long the hub is open

OPEN_TIME = [
    # from, to, for how long the hub is open: hours, minutes, seconds
    ("Thu 19 Nov 2026 10:00", "Thu 19 Nov 2026 12:30", (2, 30, 0)),
    ("Thu 19 Nov 2026 10:00", "Thu 19 Nov 2026 10:00", (0, 0, 0)),
    ("Thu 19 Nov 2026 17:29:59", "Thu 19 Nov 2026 17:30:01", (0, 0, 1)),
    ("Thu 19 Nov 2026 08:59:59", "Thu 19 Nov 2026 09:00:01", (0, 0, 1)),
    # a night, a weekend
    ("Thu 19 Nov 2026 17:00", "Fri 20 Nov 2026 10:00", (1, 30, 0)),
    ("Thu 19 Nov 2026 17:30", "Fri 20 Nov 2026 09:00", (0, 0, 0)),
    ("Fri 20 Nov 2026 16:00", "Mon 23 Nov 2026 10:00", (2, 0, 0)),
    ("Fri 20 Nov 2026 17:00", "Mon 23 Nov 2026 09:00", (0, 0, 0)),
    ("Sat 21 Nov 2026 00:00", "Sun 22 Nov 2026 23:59:59", (0, 0, 0)),
    # a week: four long days and a Friday
    ("Mon 16 Nov 2026 00:00", "Mon 23 Nov 2026 00:00", (42, 0, 0)),
    # Christmas: Wednesday from eleven, Christmas Eve, Tuesday, Wednesday until eleven
    ("Wed 23 Dec 2026 11:00", "Wed 30 Dec 2026 11:00", (25, 30, 0)),
    ("Fri 25 Dec 2026 09:00", "Mon 28 Dec 2026 17:30", (0, 0, 0)),
    # the weekends in which the hour changes: the clock on the wall opens the hub
    ("Fri 27 Mar 2026 16:00 GMT", "Mon 30 Mar 2026 10:00 BST", (2, 0, 0)),
    ("Fri 23 Oct 2026 16:00 BST", "Mon 26 Oct 2026 10:00 GMT", (2, 0, 0)),
    ("Sun 25 Oct 2026 01:30 BST", "Sun 25 Oct 2026 01:30 GMT", (0, 0, 0)),
    # backwards is no time at all
    ("Fri 20 Nov 2026 10:00", "Thu 19 Nov 2026 10:00", (0, 0, 0)),
    ("Thu 19 Nov 2026 12:00", "Thu 19 Nov 2026 10:00", (0, 0, 0)),
]


@pytest.mark.parametrize(("start", "end", "for_so_long"), OPEN_TIME)
def test_how_long_the_hub_is_open(start: str, end: str, for_so_long: tuple[int, int, int]) -> None:
    hours, minutes, seconds = for_so_long
    expected = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    assert HUB.open_time(local(start), local(end), local=True) == expected


AFTER_OPEN_TIME = [
    # from, hours of open time, until
    ("Thu 19 Nov 2026 10:00", 2.5, "Thu 19 Nov 2026 12:30"),
    # The moment of closing is still open.
    ("Thu 19 Nov 2026 10:00", 7.5, "Thu 19 Nov 2026 17:30"),
    ("Thu 19 Nov 2026 17:30", 1, "Fri 20 Nov 2026 10:00"),
    ("Thu 19 Nov 2026 17:00", 1.5, "Fri 20 Nov 2026 10:00"),
    ("Fri 20 Nov 2026 16:00", 2, "Mon 23 Nov 2026 10:00"),
    # after Friday's closing, on a Saturday, before opening
    ("Fri 20 Nov 2026 17:20", 1, "Mon 23 Nov 2026 10:00"),
    ("Sat 21 Nov 2026 12:00", 1, "Mon 23 Nov 2026 10:00"),
    ("Mon 23 Nov 2026 03:00", 1, "Mon 23 Nov 2026 10:00"),
    ("Mon 16 Nov 2026 09:00", 42, "Fri 20 Nov 2026 17:00"),
    ("Wed 23 Dec 2026 11:00", 25.5, "Wed 30 Dec 2026 11:00"),
    ("Thu 24 Dec 2026 17:30", 0.5, "Tue 29 Dec 2026 09:30"),
    ("Fri 27 Mar 2026 16:00 GMT", 2, "Mon 30 Mar 2026 10:00 BST"),
    ("Fri 23 Oct 2026 16:00 BST", 2, "Mon 26 Oct 2026 10:00 GMT"),
    ("Sun 25 Oct 2026 01:30 BST", 1, "Mon 26 Oct 2026 10:00 GMT"),
    # No time at all moves nothing, wherever it lies.
    ("Thu 19 Nov 2026 10:00", 0, "Thu 19 Nov 2026 10:00"),
    ("Sat 21 Nov 2026 12:00", 0, "Sat 21 Nov 2026 12:00"),
]


@pytest.mark.parametrize(("start", "hours", "end"), AFTER_OPEN_TIME)
def test_the_moment_by_which_the_hub_has_been_open_for_so_long(start: str, hours: float, end: str) -> None:
    assert HUB.after_open_time(local(start), timedelta(hours=hours), local=True) == local(end)


def test_a_closure_day_is_no_open_time_for_what_is_local_and_for_nothing_else() -> None:
    calendar = buckinghamshire(closures=("Fri 20 Nov 2026",))
    thursday, monday = local("Thu 19 Nov 2026 17:00"), local("Mon 23 Nov 2026 10:00")
    assert calendar.open_time(thursday, monday, local=True) == timedelta(hours=1.5)
    assert calendar.open_time(thursday, monday, local=False) == timedelta(hours=9.5)
    assert calendar.after_open_time(thursday, timedelta(hours=1.5), local=True) == monday
    assert calendar.after_open_time(thursday, timedelta(hours=9.5), local=False) == monday


def test_an_extra_bank_holiday_is_no_open_time_at_all() -> None:
    calendar = buckinghamshire(bank_holidays=("Fri 20 Nov 2026",), working_days=("Mon 28 Dec 2026",))
    for of_ours in (True, False):
        friday = (local("Fri 20 Nov 2026 00:00"), local("Sat 21 Nov 2026 00:00"))
        assert calendar.open_time(*friday, local=of_ours) == timedelta(0)
        # and one that was moved away is a Monday like any other
        monday = (local("Mon 28 Dec 2026 00:00"), local("Tue 29 Dec 2026 00:00"))
        assert calendar.open_time(*monday, local=of_ours) == timedelta(hours=8.5)


def test_another_councils_open_time() -> None:
    hours = {number: Hours(time(9), time(17)) for number in (0, 1, 3, 4)}
    closed_on_wednesdays = WorkingTime(hours=hours)
    tuesday, thursday = local("Tue 17 Nov 2026 16:00"), local("Thu 19 Nov 2026 10:00")
    assert closed_on_wednesdays.open_time(tuesday, thursday, local=True) == timedelta(hours=2)
    assert closed_on_wednesdays.after_open_time(tuesday, timedelta(hours=2), local=True) == thursday
    # Without hours it is nine to five.
    none_entered = WorkingTime(hours={})
    assert none_entered.open_time(tuesday, thursday, local=True) == timedelta(hours=10)
    assert none_entered.after_open_time(tuesday, timedelta(hours=10), local=True) == thursday


# ---- local time and UTC


@pytest.mark.parametrize(
    ("written", "in_utc"),
    [
        ("Thu 19 Nov 2026", "2026-11-19T23:59:59+00:00"),
        ("Thu 2 Jul 2026", "2026-07-02T22:59:59+00:00"),
        ("Sun 29 Mar 2026", "2026-03-29T22:59:59+00:00"),
        ("Sun 25 Oct 2026", "2026-10-25T23:59:59+00:00"),
    ],
)
def test_a_day_ends_with_its_last_local_second(written: str, in_utc: str) -> None:
    assert end_of_day(day(written)).astimezone(UTC).isoformat() == in_utc


@pytest.mark.parametrize(
    ("naive", "in_utc"),
    [
        ("2026-11-19T10:00", "2026-11-19T10:00:00+00:00"),
        ("2026-07-02T10:00", "2026-07-02T09:00:00+00:00"),
        # The hour that comes twice is the first; the hour that never comes is an hour later.
        ("2026-10-25T01:30", "2026-10-25T00:30:00+00:00"),
        ("2026-03-29T01:30", "2026-03-29T01:30:00+00:00"),
    ],
)
def test_a_moment_without_an_offset_is_local(naive: str, in_utc: str) -> None:
    assert as_utc(datetime.fromisoformat(naive)).isoformat() == in_utc


def test_a_moment_with_an_offset_keeps_its_instant() -> None:
    assert as_utc(datetime.fromisoformat("2026-07-02T10:00+05:00")).isoformat() == "2026-07-02T05:00:00+00:00"


def test_the_local_day_turns_at_local_midnight() -> None:
    assert local_day(datetime(2026, 7, 1, 22, 59, 59, tzinfo=UTC)) == date(2026, 7, 1)
    assert local_day(datetime(2026, 7, 1, 23, 0, 0, tzinfo=UTC)) == date(2026, 7, 2)
    assert local_day(datetime(2026, 7, 2, 0, 30, tzinfo=LONDON)) == date(2026, 7, 2)


# ---- whatever the moment

CALENDARS = {
    "as shipped": HUB,
    "with days of its own": buckinghamshire(
        bank_holidays=("Fri 19 Jun 2026", "Fri 8 May 2026"),
        working_days=("Mon 4 May 2026", "Fri 25 Dec 2026"),
        closures=("Tue 29 Dec 2026", "Wed 30 Dec 2026", "Thu 31 Dec 2026", "Fri 23 Oct 2026", "Mon 30 Mar 2026"),
    ),
}
calendars = st.sampled_from(list(CALENDARS.values()))
# In whichever zone they are told: the answer is the same.
moments = st.datetimes(
    datetime(2026, 1, 1),  # noqa: DTZ001  # the zone follows
    datetime(2027, 1, 31),  # noqa: DTZ001  # as above
    timezones=st.sampled_from([UTC, LONDON]),
)
while_ = st.timedeltas(timedelta(0), timedelta(days=12))
whatever = settings(max_examples=80, derandomize=True, database=None)


@whatever
@given(calendars, moments, while_, st.booleans())
def test_after_its_open_time_the_hub_has_been_open_for_just_so_long(
    calendar: WorkingTime, start: datetime, open_time: timedelta, of_ours: bool
) -> None:
    end = calendar.after_open_time(start, open_time, local=of_ours)
    assert end >= start
    assert calendar.open_time(start, end, local=of_ours) == open_time
    # And no sooner: a moment before, it was open for less.
    if open_time:
        moment = min(timedelta(milliseconds=1), open_time)
        assert calendar.open_time(start, end - moment, local=of_ours) < open_time


@whatever
@given(calendars, moments, while_, while_, st.booleans())
def test_open_time_adds_up(
    calendar: WorkingTime, start: datetime, first: timedelta, second: timedelta, of_ours: bool
) -> None:
    start = start.astimezone(UTC)
    middle, end = start + first, start + first + second
    whole = calendar.open_time(start, end, local=of_ours)
    parts = [calendar.open_time(start, middle, local=of_ours), calendar.open_time(middle, end, local=of_ours)]
    assert whole == sum(parts, timedelta())
    assert timedelta(0) <= whole <= end - start
    assert calendar.open_time(start, end, local=True) <= calendar.open_time(start, end, local=False)


@whatever
@given(moments, while_)
def test_open_time_is_counted_where_the_hub_is_open(start: datetime, open_time: timedelta) -> None:
    """Beside no time at all, it ends while the hub is open, by the hub's own word."""
    if open_time:
        for calendar in CALENDARS.values():
            assert calendar.is_open(calendar.after_open_time(start, open_time, local=True))
