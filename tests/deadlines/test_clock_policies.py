"""
How clocks count: the worked examples of the council's policy, and every edge of a day, a weekend, a year and both
changes of hour.
"""

import csv
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casework.deadlines.policies import Moments, Policy, due_after_pause, moments, parse, shipped, shipped_working_time
from localities.working_time import LONDON, Hours, WorkingTime, end_of_day, local_day, shipped_hours
from tests.stage.moments import day, local

HUB = shipped_working_time()

# The council's page of deadlines: domain/clocks.md of the specification, as a table.
with (Path(__file__).parents[1] / "stage" / "clocks.csv").open(encoding="utf-8", newline="") as _file:
    COUNCILS_PAGE = {row["kind"]: row for row in csv.DictReader(_file)}


def clock(kind: str, start: str | datetime, working_time: WorkingTime = HUB) -> Moments:
    return moments(shipped()[kind], local(start) if isinstance(start, str) else start, working_time)


def due(kind: str, start: str, working_time: WorkingTime = HUB) -> datetime:
    return clock(kind, start, working_time).due_at


# ---- the policies


@pytest.mark.parametrize("kind", COUNCILS_PAGE)
def test_each_policy_matches_the_councils_page(kind: str) -> None:
    row, policy = COUNCILS_PAGE[kind], shipped()[kind]
    assert policy.model_dump(exclude={"may_pause"}) == {
        **row,
        "limit": int(row["limit"]),
        "warn_at_share": float(row["warn_at_share"]),
    }


def test_policies_that_are_not_on_the_page_are_local() -> None:
    others = shipped().keys() - COUNCILS_PAGE.keys()
    assert others == {
        "contact_taken_on", "next_team_offered", "next_team_offered_red", "returned_case_settled",
        "returned_case_settled_red", "closing_asked", "sender_asked", "disagreement_worker",
        "disagreement_manager", "disagreement_service", "disagreement_partnership", "handoff_acceptance_step_up",
        "later_plan_review",
    }  # fmt: skip
    assert all(shipped()[kind].is_local for kind in others)


def test_only_the_final_decision_on_a_contact_that_is_not_red_may_be_paused() -> None:
    may_pause = {kind for kind, policy in shipped().items() if policy.may_pause}
    assert may_pause == {"final_decision_amber", "final_decision_green", "final_decision_blue"}


# ---- the worked examples

WORKED_EXAMPLES = [
    ("final_decision_red", "Fri 24 Dec 2027 16:50", "Fri 24 Dec 2027 20:50"),
    ("next_step_decision", "Thu 19 Nov 2026 10:12", "Fri 20 Nov 2026 10:12"),
    ("next_step_decision", "Fri 20 Nov 2026 17:40", "Tue 24 Nov 2026 09:00"),
    ("final_decision_green", "Wed 23 Dec 2026 11:00", "Wed 30 Dec 2026 11:00"),
    ("initial_conference", "Mon 23 Mar 2026 15:00", "end of Wed 15 Apr 2026"),
    ("handoff_acceptance_red", "Sun 25 Oct 2026 00:30 BST", "Sun 25 Oct 2026 01:30 GMT"),
]


@pytest.mark.parametrize(("kind", "start", "expected"), WORKED_EXAMPLES)
def test_worked_example(kind: str, start: str, expected: str) -> None:
    assert due(kind, start) == local(expected)


# ---- working days that end at the same time

ONE_WORKING_DAY = [
    # the hub's hours, Monday to Thursday
    ("Thu 19 Nov 2026 08:59:59", "Fri 20 Nov 2026 09:00"),
    ("Thu 19 Nov 2026 09:00:00", "Fri 20 Nov 2026 09:00"),
    ("Thu 19 Nov 2026 09:00:01", "Fri 20 Nov 2026 09:00:01"),
    ("Wed 18 Nov 2026 17:30:00", "Thu 19 Nov 2026 17:30"),
    ("Wed 18 Nov 2026 17:30:01", "Fri 20 Nov 2026 09:00"),
    # A due time after Friday's closing stays where it is: the same local time on the next working day.
    ("Thu 19 Nov 2026 17:20:00", "Fri 20 Nov 2026 17:20"),
    ("Thu 19 Nov 2026 17:30:01", "Mon 23 Nov 2026 09:00"),
    # Friday
    ("Fri 20 Nov 2026 17:00:00", "Mon 23 Nov 2026 17:00"),
    ("Fri 20 Nov 2026 17:00:01", "Tue 24 Nov 2026 09:00"),
    # the weekend
    ("Sat 21 Nov 2026 00:00:00", "Tue 24 Nov 2026 09:00"),
    ("Sun 22 Nov 2026 23:59:59", "Tue 24 Nov 2026 09:00"),
    ("Mon 23 Nov 2026 00:00:00", "Tue 24 Nov 2026 09:00"),
    # bank holidays
    ("Fri 28 Aug 2026 10:00", "Tue 1 Sep 2026 10:00"),
    ("Mon 31 Aug 2026 10:00", "Wed 2 Sep 2026 09:00"),
    # Good Friday and Easter Monday
    ("Thu 2 Apr 2026 10:00", "Tue 7 Apr 2026 10:00"),
    ("Thu 2 Apr 2026 17:31", "Wed 8 Apr 2026 09:00"),
    ("Fri 3 Apr 2026 10:00", "Wed 8 Apr 2026 09:00"),
    ("Mon 6 Apr 2026 10:00", "Wed 8 Apr 2026 09:00"),
    # Easter 2027 has the change of hour in it
    ("Thu 25 Mar 2027 10:00", "Tue 30 Mar 2027 10:00"),
    # Christmas to New Year 2026/27
    ("Wed 23 Dec 2026 17:30:01", "Tue 29 Dec 2026 09:00"),
    ("Thu 24 Dec 2026 10:00", "Tue 29 Dec 2026 10:00"),
    ("Thu 24 Dec 2026 17:30:01", "Wed 30 Dec 2026 09:00"),
    ("Fri 25 Dec 2026 10:00", "Wed 30 Dec 2026 09:00"),
    ("Mon 28 Dec 2026 10:00", "Wed 30 Dec 2026 09:00"),
    ("Thu 31 Dec 2026 10:00", "Mon 4 Jan 2027 10:00"),
    ("Fri 1 Jan 2027 10:00", "Tue 5 Jan 2027 09:00"),
    # … 2027/28: Christmas on a Saturday, three substitute days
    ("Fri 24 Dec 2027 16:50", "Wed 29 Dec 2027 16:50"),
    ("Fri 24 Dec 2027 17:00:01", "Thu 30 Dec 2027 09:00"),
    ("Mon 27 Dec 2027 10:00", "Thu 30 Dec 2027 09:00"),
    ("Tue 28 Dec 2027 10:00", "Thu 30 Dec 2027 09:00"),
    ("Fri 31 Dec 2027 10:00", "Tue 4 Jan 2028 10:00"),
    ("Mon 3 Jan 2028 10:00", "Wed 5 Jan 2028 09:00"),
    # … 2021/22: the same in an earlier year
    ("Fri 24 Dec 2021 10:00", "Wed 29 Dec 2021 10:00"),
    ("Fri 31 Dec 2021 10:00", "Tue 4 Jan 2022 10:00"),
    # … 2022/23: Christmas on a Sunday
    ("Fri 23 Dec 2022 10:00", "Wed 28 Dec 2022 10:00"),
    ("Fri 30 Dec 2022 10:00", "Tue 3 Jan 2023 10:00"),
    # over the weekends in which the hour changes: the same local time
    ("Fri 27 Mar 2026 10:00 GMT", "Mon 30 Mar 2026 10:00 BST"),
    ("Sun 29 Mar 2026 02:30 BST", "Tue 31 Mar 2026 09:00 BST"),
    ("Fri 23 Oct 2026 10:00 BST", "Mon 26 Oct 2026 10:00 GMT"),
    ("Sun 25 Oct 2026 01:30 BST", "Tue 27 Oct 2026 09:00 GMT"),
    ("Sun 25 Oct 2026 01:30 GMT", "Tue 27 Oct 2026 09:00 GMT"),
    # in summer
    ("Thu 2 Jul 2026 08:59:59", "Fri 3 Jul 2026 09:00"),
    ("Thu 2 Jul 2026 17:30:01", "Mon 6 Jul 2026 09:00"),
]


@pytest.mark.parametrize(("start", "expected"), ONE_WORKING_DAY)
def test_one_working_day(start: str, expected: str) -> None:
    assert due("next_step_decision", start) == local(expected)


SEVERAL_WORKING_DAYS = [
    ("final_decision_green", "Mon 16 Nov 2026 10:00", "Thu 19 Nov 2026 10:00"),
    ("final_decision_green", "Fri 20 Nov 2026 17:00:01", "Thu 26 Nov 2026 09:00"),
    ("final_decision_green", "Fri 24 Dec 2027 10:00", "Fri 31 Dec 2027 10:00"),
    ("final_decision_green", "Fri 24 Dec 2021 10:00", "Fri 31 Dec 2021 10:00"),
    ("final_decision_green", "Thu 26 Mar 2026 10:00", "Tue 31 Mar 2026 10:00"),
    ("final_decision_green", "Thu 22 Oct 2026 10:00", "Tue 27 Oct 2026 10:00"),
    ("handoff_acceptance", "Thu 2 Apr 2026 12:00", "Wed 8 Apr 2026 12:00"),
    ("first_family_contact", "Fri 18 Dec 2026 09:00", "Tue 29 Dec 2026 09:00"),
]


@pytest.mark.parametrize(("kind", "start", "expected"), SEVERAL_WORKING_DAYS)
def test_several_working_days(kind: str, start: str, expected: str) -> None:
    assert due(kind, start) == local(expected)


# ---- hours run day and night

HOURS = [
    ("final_decision_red", "Sat 21 Nov 2026 23:30", "Sun 22 Nov 2026 03:30"),
    ("final_decision_red", "Thu 24 Dec 2026 22:00", "Fri 25 Dec 2026 02:00"),
    ("partner_check_red", "Fri 20 Nov 2026 17:40", "Fri 20 Nov 2026 19:40"),
    ("written_confirmation", "Fri 20 Nov 2026 10:12:30", "Sun 22 Nov 2026 10:12:30"),
    ("strategy_discussion", "Fri 25 Dec 2026 08:00", "Sat 26 Dec 2026 08:00"),
    # the night the clocks go forward
    ("handoff_acceptance_red", "Sun 29 Mar 2026 00:30 GMT", "Sun 29 Mar 2026 03:30 BST"),
    ("handoff_acceptance_red", "Sat 28 Mar 2026 23:00 GMT", "Sun 29 Mar 2026 02:00 BST"),
    ("handoff_acceptance_red", "Sat 28 Mar 2026 22:59:59 GMT", "Sun 29 Mar 2026 00:59:59 GMT"),
    ("final_decision_red", "Sat 28 Mar 2026 23:00 GMT", "Sun 29 Mar 2026 04:00 BST"),
    ("strategy_discussion", "Sat 28 Mar 2026 12:00 GMT", "Sun 29 Mar 2026 13:00 BST"),
    ("written_confirmation", "Sat 28 Mar 2026 10:00 GMT", "Mon 30 Mar 2026 11:00 BST"),
    # the night the clocks go back
    ("handoff_acceptance_red", "Sun 25 Oct 2026 01:30 BST", "Sun 25 Oct 2026 02:30 GMT"),
    ("handoff_acceptance_red", "Sun 25 Oct 2026 01:30 GMT", "Sun 25 Oct 2026 03:30 GMT"),
    ("handoff_acceptance_red", "Sat 24 Oct 2026 23:30 BST", "Sun 25 Oct 2026 01:30 BST"),
    ("final_decision_red", "Sat 24 Oct 2026 23:00 BST", "Sun 25 Oct 2026 02:00 GMT"),
    ("strategy_discussion", "Sat 24 Oct 2026 12:00 BST", "Sun 25 Oct 2026 11:00 GMT"),
    ("written_confirmation", "Sat 24 Oct 2026 10:00 BST", "Mon 26 Oct 2026 09:00 GMT"),
]


@pytest.mark.parametrize(("kind", "start", "expected"), HOURS)
def test_hours_run_through_nights_weekends_holidays_and_both_changes_of_hour(
    kind: str, start: str, expected: str
) -> None:
    assert due(kind, start) == local(expected)
    assert due(kind, start) - local(start) == timedelta(hours=shipped()[kind].limit)


# ---- to the end of a day

END_OF_DAY = [
    # The start is the local date, whatever the hour; it is day 0.
    ("core_group", "Mon 16 Nov 2026 00:00:00", "end of Mon 30 Nov 2026"),
    ("core_group", "Mon 16 Nov 2026 17:30:01", "end of Mon 30 Nov 2026"),
    ("core_group", "Mon 16 Nov 2026 23:59:59", "end of Mon 30 Nov 2026"),
    ("core_group", "Tue 17 Nov 2026 00:00:00", "end of Tue 1 Dec 2026"),
    ("core_group", "Fri 20 Nov 2026 10:00", "end of Fri 4 Dec 2026"),
    ("core_group", "Sat 21 Nov 2026 10:00", "end of Fri 4 Dec 2026"),
    ("core_group", "Sun 22 Nov 2026 10:00", "end of Fri 4 Dec 2026"),
    # In summer the local date is a day on from UTC's for an hour each night.
    ("core_group", "Thu 2 Jul 2026 00:30 BST", "end of Thu 16 Jul 2026"),
    ("core_group", "Wed 1 Jul 2026 23:30 BST", "end of Wed 15 Jul 2026"),
    ("core_group", "Fri 25 Dec 2026 10:00", "end of Tue 12 Jan 2027"),
    ("initial_conference", "Fri 24 Dec 2027 10:00", "end of Wed 19 Jan 2028"),
    ("social_work_assessment", "Mon 23 Mar 2026 15:00", "end of Fri 29 May 2026"),
    ("family_help_assessment", "Mon 12 Oct 2026 10:00 BST", "end of Mon 26 Oct 2026"),
    ("family_help_plan", "Mon 9 Mar 2026 10:00 GMT", "end of Mon 30 Mar 2026"),
]


@pytest.mark.parametrize(("kind", "start", "expected"), END_OF_DAY)
def test_working_days_that_end_with_the_day(kind: str, start: str, expected: str) -> None:
    assert due(kind, start) == local(expected)


CALENDAR = [
    # weeks
    ("plan_review", "Wed 23 Dec 2026 11:00", "end of Wed 3 Feb 2027"),
    ("plan_review", "Sat 14 Feb 2026 11:00", "end of Sat 28 Mar 2026"),
    ("plan_review", "Sun 15 Feb 2026 23:30", "end of Sun 29 Mar 2026"),
    ("plan_review", "Sun 13 Sep 2026 10:00", "end of Sun 25 Oct 2026"),
    ("plan_review", "Fri 20 Nov 2026 22:00", "end of Fri 1 Jan 2027"),
    # months: the same day number, or the last day of a shorter month
    ("first_review_conference", "Thu 19 Nov 2026 10:00", "end of Fri 19 Feb 2027"),
    ("first_review_conference", "Mon 30 Nov 2026 10:00", "end of Sun 28 Feb 2027"),
    ("first_review_conference", "Tue 30 Nov 2027 10:00", "end of Tue 29 Feb 2028"),
    ("first_review_conference", "Mon 31 Aug 2026 10:00", "end of Mon 30 Nov 2026"),
    ("later_review_conference", "Mon 31 Aug 2026 10:00", "end of Sun 28 Feb 2027"),
    ("later_review_conference", "Tue 31 Aug 2027 10:00", "end of Tue 29 Feb 2028"),
    ("later_review_conference", "Tue 29 Feb 2028 10:00", "end of Tue 29 Aug 2028"),
    ("later_review_conference", "Tue 31 Mar 2026 10:00", "end of Wed 30 Sep 2026"),
    ("later_review_conference", "Thu 30 Apr 2026 10:00", "end of Fri 30 Oct 2026"),
    # A review may fall on a weekend or a holiday: these clocks count the calendar.
    ("later_review_conference", "Thu 25 Jun 2026 10:00", "end of Fri 25 Dec 2026"),
    ("first_review_conference", "Fri 31 Jul 2026 23:30", "end of Sat 31 Oct 2026"),
]


@pytest.mark.parametrize(("kind", "start", "expected"), CALENDAR)
def test_weeks_and_months_count_the_calendar(kind: str, start: str, expected: str) -> None:
    assert due(kind, start) == local(expected)


# ---- the council's own days

CLOSED_AT_CHRISTMAS = WorkingTime(
    hours=shipped_hours(),
    closures=frozenset(map(day, ("Tue 29 Dec 2026", "Wed 30 Dec 2026", "Thu 31 Dec 2026"))),
)

OVER_A_CLOSURE = [
    # kind, start, due without the closure, due with it
    ("final_decision_green", "Wed 23 Dec 2026 11:00", "Wed 30 Dec 2026 11:00", "Tue 5 Jan 2027 11:00"),
    ("final_decision_amber", "Tue 29 Dec 2026 10:00", "Wed 30 Dec 2026 10:00", "Tue 5 Jan 2027 09:00"),
    ("final_decision_amber", "Thu 24 Dec 2026 17:30:01", "Wed 30 Dec 2026 09:00", "Tue 5 Jan 2027 09:00"),
    ("family_help_assessment", "Thu 24 Dec 2026 10:00", "end of Tue 12 Jan 2027", "end of Fri 15 Jan 2027"),
    # statutory
    ("next_step_decision", "Thu 24 Dec 2026 10:00", "Tue 29 Dec 2026 10:00", "Tue 29 Dec 2026 10:00"),
    ("next_step_decision", "Tue 29 Dec 2026 10:00", "Wed 30 Dec 2026 10:00", "Wed 30 Dec 2026 10:00"),
    ("initial_conference", "Wed 23 Dec 2026 11:00", "end of Mon 18 Jan 2027", "end of Mon 18 Jan 2027"),
    # Neither: their basis does not begin with "local".
    ("feedback_to_referrer", "Thu 24 Dec 2026 10:00", "Tue 29 Dec 2026 10:00", "Tue 29 Dec 2026 10:00"),
    ("core_group", "Wed 23 Dec 2026 11:00", "end of Mon 11 Jan 2027", "end of Mon 11 Jan 2027"),
    # Hours run on, local or not; so do weeks.
    ("final_decision_red", "Tue 29 Dec 2026 10:00", "Tue 29 Dec 2026 14:00", "Tue 29 Dec 2026 14:00"),
    ("plan_review", "Wed 23 Dec 2026 11:00", "end of Wed 3 Feb 2027", "end of Wed 3 Feb 2027"),
]


@pytest.mark.parametrize(("kind", "start", "open_", "closed"), OVER_A_CLOSURE)
def test_a_closure_pauses_local_clocks_and_never_statutory_ones(kind: str, start: str, open_: str, closed: str) -> None:
    assert due(kind, start) == local(open_)
    assert due(kind, start, CLOSED_AT_CHRISTMAS) == local(closed)


@pytest.mark.parametrize("kind", [kind for kind, row in COUNCILS_PAGE.items() if row["unit"] == "working_day"])
def test_a_closure_pauses_a_working_day_clock_only_if_it_is_local(kind: str) -> None:
    is_local = COUNCILS_PAGE[kind]["basis"].startswith("local")
    start = "Thu 24 Dec 2026 11:00"
    assert (due(kind, start, CLOSED_AT_CHRISTMAS) > due(kind, start)) is is_local


def test_an_extra_bank_holiday_moves_statutory_clocks_too() -> None:
    calendar = WorkingTime(hours=shipped_hours(), bank_holidays=frozenset({day("Fri 19 Jun 2026")}))
    assert due("next_step_decision", "Thu 18 Jun 2026 10:00", calendar) == local("Mon 22 Jun 2026 10:00")
    assert due("next_step_decision", "Fri 19 Jun 2026 10:00", calendar) == local("Tue 23 Jun 2026 09:00")
    assert due("final_decision_amber", "Thu 18 Jun 2026 10:00", calendar) == local("Mon 22 Jun 2026 10:00")


def test_a_moved_bank_holiday_counts_on_its_new_day_only() -> None:
    moved = WorkingTime(
        hours=shipped_hours(),
        bank_holidays=frozenset({day("Fri 8 May 2026")}),
        working_days=frozenset({day("Mon 4 May 2026")}),
    )
    assert due("next_step_decision", "Fri 1 May 2026 10:00", moved) == local("Mon 4 May 2026 10:00")
    assert due("next_step_decision", "Mon 4 May 2026 10:00", moved) == local("Tue 5 May 2026 10:00")
    assert due("next_step_decision", "Thu 7 May 2026 10:00", moved) == local("Mon 11 May 2026 10:00")


# ---- the warning, and what is still late a working day on

WARNINGS = [
    # kind, start, warning
    ("final_decision_red", "Fri 24 Dec 2027 16:50", "Fri 24 Dec 2027 18:50"),
    ("partner_check_red", "Sat 21 Nov 2026 23:30", "Sun 22 Nov 2026 00:30"),
    ("handoff_acceptance_red", "Sun 25 Oct 2026 00:30 BST", "Sun 25 Oct 2026 01:30 BST"),
    ("written_confirmation", "Fri 20 Nov 2026 10:00", "Sat 21 Nov 2026 22:00"),
    # three quarters of the 24 hours to the same time tomorrow
    ("next_step_decision", "Thu 19 Nov 2026 16:12", "Fri 20 Nov 2026 10:12"),
    # of the 72 hours that three working days take
    ("final_decision_green", "Mon 16 Nov 2026 10:00", "Wed 18 Nov 2026 16:00"),
    # of the 96 hours from where the start counts, Monday at nine, not from Friday evening
    ("final_decision_green", "Fri 20 Nov 2026 17:40", "Wed 25 Nov 2026 15:00"),
    # Weeks and months count the calendar: here before opening, and in the evening.
    ("plan_review", "Sat 14 Feb 2026 11:00", "Wed 18 Mar 2026 08:44:59"),
    ("first_review_conference", "Wed 18 Nov 2026 10:00", "Tue 26 Jan 2027 20:29:59"),
]


@pytest.mark.parametrize(("kind", "start", "expected"), WARNINGS)
def test_the_warning_goes_out_when_its_share_of_the_time_has_passed(kind: str, start: str, expected: str) -> None:
    assert clock(kind, start).warn_at == local(expected)


# A clock that counts working days, whose warning would fall outside hub hours: an hour before the hub last closed.
WARNINGS_IN_HUB_HOURS = [
    # The example of the page: the share has passed on Tuesday at 03:00.
    ("next_step_decision", "Fri 27 Nov 2026 20:00", "Mon 30 Nov 2026 16:30"),
    ("next_step_decision", "Thu 19 Nov 2026 10:12", "Thu 19 Nov 2026 16:30"),
    ("family_help_assessment", "Mon 16 Nov 2026 10:00", "Thu 26 Nov 2026 16:30"),
    # opening: the share has passed a second before it, at it, and a second after
    ("next_step_decision", "Mon 16 Nov 2026 14:59:59", "Mon 16 Nov 2026 16:30"),
    ("next_step_decision", "Mon 16 Nov 2026 15:00:00", "Tue 17 Nov 2026 09:00"),
    ("next_step_decision", "Mon 16 Nov 2026 15:00:01", "Tue 17 Nov 2026 09:00:01"),
    # closing: the hub is open for the moment of closing
    ("final_decision_green", "Mon 16 Nov 2026 11:29:59", "Wed 18 Nov 2026 17:29:59"),
    ("final_decision_green", "Mon 16 Nov 2026 11:30:00", "Wed 18 Nov 2026 17:30"),
    ("final_decision_green", "Mon 16 Nov 2026 11:30:01", "Wed 18 Nov 2026 16:30"),
    # Friday closes earlier; the share has passed on Sunday
    ("final_decision_green", "Wed 18 Nov 2026 11:00", "Fri 20 Nov 2026 16:00"),
    ("handoff_acceptance", "Thu 19 Nov 2026 17:30", "Fri 20 Nov 2026 16:00"),
    # A clock that starts in the last hour before closing warns no earlier than it starts.
    ("next_step_decision", "Fri 20 Nov 2026 15:59:59", "Fri 20 Nov 2026 16:00"),
    ("next_step_decision", "Fri 20 Nov 2026 16:00:01", "Fri 20 Nov 2026 16:00:01"),
    ("next_step_decision", "Fri 20 Nov 2026 17:00:00", "Fri 20 Nov 2026 17:00"),
    # … and one that starts when the hub has closed, no earlier than it counts.
    ("next_step_decision", "Fri 20 Nov 2026 17:00:01", "Mon 23 Nov 2026 16:30"),
    # The share has passed on a bank holiday: Boxing Day's, Easter Monday, the spring one.
    ("final_decision_green", "Wed 23 Dec 2026 11:00", "Thu 24 Dec 2026 16:30"),
    ("next_step_decision", "Thu 2 Apr 2026 10:00", "Thu 2 Apr 2026 16:30"),
    ("handoff_acceptance", "Fri 22 May 2026 10:00", "Fri 22 May 2026 16:00"),
    # The hour changes on Sunday, when the share has passed; or it has passed on Monday before opening.
    ("next_step_decision", "Fri 23 Oct 2026 10:00 BST", "Fri 23 Oct 2026 16:00 BST"),
    ("final_decision_green", "Thu 22 Oct 2026 10:00 BST", "Fri 23 Oct 2026 16:00 BST"),
    ("next_step_decision", "Fri 23 Oct 2026 18:00 BST", "Mon 26 Oct 2026 16:30 GMT"),
    ("next_step_decision", "Fri 27 Mar 2026 10:00 GMT", "Fri 27 Mar 2026 16:00 GMT"),
    ("final_decision_green", "Thu 26 Mar 2026 10:00 GMT", "Fri 27 Mar 2026 16:00 GMT"),
    ("next_step_decision", "Fri 27 Mar 2026 18:00 GMT", "Mon 30 Mar 2026 16:30 BST"),
]


@pytest.mark.parametrize(("kind", "start", "expected"), WARNINGS_IN_HUB_HOURS)
def test_a_clock_that_counts_working_days_warns_while_somebody_can_act(kind: str, start: str, expected: str) -> None:
    assert clock(kind, start).warn_at == local(expected)


@pytest.mark.parametrize(
    ("kind", "start", "expected"),
    [
        # Local: the share has passed on New Year's Day, after three days on which the council was closed.
        ("final_decision_amber", "Thu 24 Dec 2026 10:00", "Thu 24 Dec 2026 16:30"),
        # … and on Saturday, before which it was closed since Christmas Eve.
        ("final_decision_green", "Wed 23 Dec 2026 11:00", "Thu 24 Dec 2026 16:30"),
        # Statutory: a closure is a day like any other.
        ("next_step_decision", "Tue 29 Dec 2026 10:00", "Tue 29 Dec 2026 16:30"),
        ("next_step_decision", "Tue 29 Dec 2026 15:00", "Wed 30 Dec 2026 09:00"),
    ],
)
def test_only_a_local_clock_warns_before_a_closure(kind: str, start: str, expected: str) -> None:
    assert clock(kind, start, CLOSED_AT_CHRISTMAS).warn_at == local(expected)


def test_a_clock_warns_before_an_extra_bank_holiday() -> None:
    """The clock runs from Thursday to Monday. Three quarters of the four days have passed on Sunday."""
    extra = WorkingTime(hours=shipped_hours(), bank_holidays=frozenset({day("Fri 19 Jun 2026")}))
    found = clock("next_step_decision", "Thu 18 Jun 2026 10:00", extra)
    assert (found.warn_at, found.due_at) == (local("Thu 18 Jun 2026 16:30"), local("Mon 22 Jun 2026 10:00"))


def test_a_clock_that_ends_with_the_day_warns_after_its_start() -> None:
    """It starts on Friday evening, and counts from then: half of the time to Monday's end has passed on Sunday."""
    policy = parse(
        "kind,subject,starts_at,limit,unit,ends,warn_at_share,escalates_to,basis\n"
        "call_back,contact,received,1,working_day,end_of_day,0.5,front_door_manager,local\n"
    )["call_back"]
    start = local("Fri 20 Nov 2026 20:00")
    assert moments(policy, start, HUB).warn_at == start


def test_the_warning_comes_at_the_start_if_the_hub_is_open_for_under_an_hour() -> None:
    short = WorkingTime(hours={weekday: Hours(time(9), time(9, 30)) for weekday in range(5)})
    assert clock("next_step_decision", "Fri 27 Nov 2026 20:00", short).warn_at == local("Mon 30 Nov 2026 09:00")


def test_the_share_of_a_clock_that_ends_with_the_day_counts_from_its_start() -> None:
    found = clock("first_review_conference", "Mon 23 Mar 2026 15:00")
    share = (found.warn_at - found.started_at) / (found.due_at - found.started_at)
    assert found.warn_at.microsecond == 0
    assert share == pytest.approx(0.75, abs=1e-6)


ESCALATIONS = [
    # kind, start, one working day after it was due
    ("next_step_decision", "Thu 19 Nov 2026 10:12", "Mon 23 Nov 2026 10:12"),
    # due on Friday at 17:20, when the hub has closed
    ("next_step_decision", "Thu 19 Nov 2026 17:20", "Tue 24 Nov 2026 09:00"),
    # due on Christmas Eve at night
    ("final_decision_red", "Fri 24 Dec 2027 16:50", "Thu 30 Dec 2027 09:00"),
    ("handoff_acceptance_red", "Sun 25 Oct 2026 00:30 BST", "Tue 27 Oct 2026 09:00"),
    # due at the end of Wednesday
    ("initial_conference", "Mon 23 Mar 2026 15:00", "Fri 17 Apr 2026 09:00"),
    ("later_review_conference", "Mon 31 Aug 2026 10:00", "Tue 2 Mar 2027 09:00"),
]


@pytest.mark.parametrize(("kind", "start", "expected"), ESCALATIONS)
def test_a_clock_escalates_one_working_day_after_it_was_due(kind: str, start: str, expected: str) -> None:
    assert clock(kind, start).escalate_at == local(expected)


# ---- due at another moment than the policy says


class TestDueAtAnotherMoment:
    """A pause or an extension gave the clock another due moment. The warning and the escalation follow from it."""

    def named(self, kind: str, start: str, due_at: str, working_time: WorkingTime = HUB) -> Moments:
        return moments(shipped()[kind], local(start), working_time, due_at=local(due_at))

    def test_the_warning_is_the_share_of_the_new_time(self) -> None:
        """A clock of three working days gets two more. It warns after three quarters of the seven days."""
        found = self.named("final_decision_green", "Thu 19 Nov 2026 10:00", "Thu 26 Nov 2026 10:00")
        assert (found.due_at, found.warn_at) == (local("Thu 26 Nov 2026 10:00"), local("Tue 24 Nov 2026 16:00"))
        assert found.escalate_at == local("Fri 27 Nov 2026 10:00")

    def test_the_share_counts_from_the_start_that_counts(self) -> None:
        """The contact is received on a Saturday, so the two days count from Monday's opening."""
        found = self.named("final_decision_amber", "Sat 21 Nov 2026 12:00", "Wed 25 Nov 2026 09:00")
        assert found.started_at == local("Sat 21 Nov 2026 12:00")
        assert found.warn_at == local("Tue 24 Nov 2026 16:30")  # the share has passed at 21:00

    @pytest.mark.parametrize(
        ("due_at", "expected"),
        [("Sat 21 Nov 2026 03:20:00", "Fri 20 Nov 2026 17:00"), ("Sat 21 Nov 2026 03:20:02", "Fri 20 Nov 2026 16:00")],
    )
    def test_the_warning_falls_in_hub_hours(self, due_at: str, expected: str) -> None:
        """The share passes at Friday's closing, or a second after it."""
        assert self.named("final_decision_green", "Thu 19 Nov 2026 10:00", due_at).warn_at == local(expected)

    def test_a_clock_escalates_one_working_day_after_the_new_due_time(self) -> None:
        over_christmas = self.named("final_decision_amber", "Wed 23 Dec 2026 11:00", "Thu 24 Dec 2026 17:00")
        assert over_christmas.escalate_at == local("Tue 29 Dec 2026 17:00")
        at_a_weekend = self.named("first_review_conference", "Thu 19 Nov 2026 10:00", "end of Sat 27 Feb 2027")
        assert at_a_weekend.escalate_at == local("Tue 2 Mar 2027 09:00")

    def test_the_due_time_is_stored_in_utc_whatever_time_zone_was_given(self) -> None:
        promised = datetime(2026, 7, 9, 10, 0, tzinfo=LONDON)
        found = moments(shipped()["final_decision_green"], local("Thu 2 Jul 2026 10:00"), HUB, due_at=promised)
        assert found.due_at.isoformat() == "2026-07-09T09:00:00+00:00"

    def test_a_clock_whose_start_counts_after_its_due_time_warns_when_due(self) -> None:
        """A person named Tuesday; then the council closed until Wednesday, and Friday evening counts from Thursday."""
        closed = WorkingTime(
            hours=shipped_hours(),
            closures=frozenset(map(day, ("Mon 23 Nov 2026", "Tue 24 Nov 2026", "Wed 25 Nov 2026"))),
        )
        found = self.named("final_decision_amber", "Fri 20 Nov 2026 18:00", "Tue 24 Nov 2026 09:00", closed)
        assert found.warn_at == found.due_at == local("Tue 24 Nov 2026 09:00")
        assert found.escalate_at == local("Wed 25 Nov 2026 09:00")


# ---- due later by the open hours of a pause

CLOSED_ON_FRIDAY = WorkingTime(hours=shipped_hours(), closures=frozenset({day("Fri 20 Nov 2026")}))
# No policy that is shipped may be paused and ends with a day; a council may have one.
ENDS_WITH_A_DAY = parse(
    "kind,subject,starts_at,limit,unit,ends,warn_at_share,escalates_to,may_pause,basis\n"
    "call_back,contact,received,3,working_day,end_of_day,0.75,front_door_manager,yes,local\n"
)["call_back"]

PAUSES = [
    # due, paused, goes on, due then
    ("Tue 24 Nov 2026 10:00", "Thu 19 Nov 2026 11:00", "Thu 19 Nov 2026 12:30", "Tue 24 Nov 2026 11:30"),
    # six and a half hours, and two: to Tuesday's closing, and an hour on Wednesday
    ("Tue 24 Nov 2026 10:00", "Thu 19 Nov 2026 11:00", "Fri 20 Nov 2026 11:00", "Wed 25 Nov 2026 10:00"),
    # the same pause with a weekend in it
    ("Tue 24 Nov 2026 10:00", "Fri 20 Nov 2026 16:00", "Mon 23 Nov 2026 10:00", "Tue 24 Nov 2026 12:00"),
    # outside hub hours nothing moves
    ("Tue 24 Nov 2026 10:00", "Thu 19 Nov 2026 17:30", "Fri 20 Nov 2026 09:00", "Tue 24 Nov 2026 10:00"),
    ("Tue 24 Nov 2026 10:00", "Fri 20 Nov 2026 17:00", "Mon 23 Nov 2026 09:00", "Tue 24 Nov 2026 10:00"),
    ("Wed 30 Dec 2026 11:00", "Thu 24 Dec 2026 17:30", "Tue 29 Dec 2026 09:00", "Wed 30 Dec 2026 11:00"),
    # the hub is open for the moment of closing, and the pause ends where the day does
    ("Tue 24 Nov 2026 10:00", "Thu 19 Nov 2026 10:00", "Thu 19 Nov 2026 17:30", "Tue 24 Nov 2026 17:30"),
    # due after Friday's closing, or while the hub is closed
    ("Fri 20 Nov 2026 17:20", "Thu 19 Nov 2026 11:00", "Thu 19 Nov 2026 12:00", "Mon 23 Nov 2026 10:00"),
    # over Christmas: Christmas Eve from noon, and Tuesday until noon
    ("Wed 30 Dec 2026 11:00", "Thu 24 Dec 2026 12:00", "Tue 29 Dec 2026 12:00", "Thu 31 Dec 2026 11:00"),
    # gone on after it would have been due: what was left is left
    ("Tue 24 Nov 2026 10:00", "Tue 24 Nov 2026 09:30", "Thu 26 Nov 2026 09:00", "Thu 26 Nov 2026 09:30"),
    # both nights on which the hour changes
    ("Tue 31 Mar 2026 10:00 BST", "Fri 27 Mar 2026 16:00 GMT", "Mon 30 Mar 2026 10:00 BST", "Tue 31 Mar 2026 12:00"),
    ("Tue 27 Oct 2026 10:00 GMT", "Fri 23 Oct 2026 16:00 BST", "Mon 26 Oct 2026 10:00 GMT", "Tue 27 Oct 2026 12:00"),
    ("Tue 27 Oct 2026 10:00 GMT", "Sat 24 Oct 2026 12:00 BST", "Sun 25 Oct 2026 12:00 GMT", "Tue 27 Oct 2026 10:00"),
    # the pause before the change of hour, the end after it
    ("Fri 27 Mar 2026 16:30", "Fri 27 Mar 2026 10:00", "Fri 27 Mar 2026 12:00 GMT", "Mon 30 Mar 2026 10:30 BST"),
]  # fmt: skip


@pytest.mark.parametrize(("due_at", "paused", "goes_on", "expected"), PAUSES)
def test_a_pause_moves_the_due_time_by_the_open_hours_it_lasted(
    due_at: str, paused: str, goes_on: str, expected: str
) -> None:
    policy = shipped()["final_decision_green"]
    assert due_after_pause(policy, local(due_at), local(paused), local(goes_on), HUB) == local(expected)


def test_a_closure_does_not_count_as_open_time_for_a_local_clock() -> None:
    """The pause lasts from Thursday to Monday noon. The council is closed on Friday, so it has 6.5 and 3 hours."""
    when = (local("Tue 24 Nov 2026 10:00"), local("Thu 19 Nov 2026 11:00"), local("Mon 23 Nov 2026 12:00"))
    is_local, is_not = shipped()["final_decision_green"], shipped()["feedback_to_referrer"]
    assert due_after_pause(is_local, *when, CLOSED_ON_FRIDAY) == local("Wed 25 Nov 2026 11:00")
    assert due_after_pause(is_local, *when, HUB) == local("Thu 26 Nov 2026 10:30")
    assert due_after_pause(is_not, *when, CLOSED_ON_FRIDAY) == local("Thu 26 Nov 2026 10:30")


@pytest.mark.parametrize(
    ("paused", "goes_on", "expected"),
    [
        ("Thu 19 Nov 2026 11:00", "Thu 19 Nov 2026 12:00", "end of Wed 25 Nov 2026"),
        ("Thu 19 Nov 2026 09:00", "Thu 19 Nov 2026 17:30", "end of Wed 25 Nov 2026"),
        ("Thu 19 Nov 2026 09:00", "Fri 20 Nov 2026 09:01", "end of Thu 26 Nov 2026"),
        ("Fri 20 Nov 2026 17:00", "Mon 23 Nov 2026 09:00", "end of Tue 24 Nov 2026"),
    ],
)
def test_a_clock_that_ends_with_a_day_ends_with_a_day_after_a_pause(paused: str, goes_on: str, expected: str) -> None:
    due_at = local("end of Tue 24 Nov 2026")
    assert due_after_pause(ENDS_WITH_A_DAY, due_at, local(paused), local(goes_on), HUB) == local(expected)


# ---- whatever the moment

MOMENTS = st.datetimes(datetime(2021, 1, 1), datetime(2029, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001  # the zone stands behind
COUNT_WORKING_DAYS = [policy for policy in shipped().values() if policy.unit == "working_day"]
PAUSABLE = [policy for policy in shipped().values() if policy.may_pause]
CALENDARS = st.sampled_from([HUB, CLOSED_AT_CHRISTMAS, CLOSED_ON_FRIDAY])
# Beside any moment at all, those around Christmas and around both nights on which the hour changes.
STARTS = st.one_of(
    MOMENTS,
    *(
        st.datetimes(first, first + timedelta(days=5), timezones=st.just(UTC))
        for first in (datetime(2026, 12, 22), datetime(2026, 3, 26), datetime(2026, 10, 22))  # noqa: DTZ001  # the zone follows
    ),
)


@settings(max_examples=60, derandomize=True, database=None)
@given(MOMENTS)
def test_a_clock_starts_then_warns_then_is_due_then_escalates(start: datetime) -> None:
    for kind in shipped():
        found = clock(kind, start)
        assert found.started_at == start
        assert start <= found.warn_at < found.due_at < found.escalate_at
        assert {each.tzinfo for each in vars(found).values()} == {UTC}


@settings(max_examples=60, derandomize=True, database=None)
@given(st.sampled_from(COUNT_WORKING_DAYS), CALENDARS, STARTS)
def test_a_warning_leaves_time_to_act(policy: Policy, calendar: WorkingTime, start: datetime) -> None:
    """The warning is in hub hours or at the clock's start, and at most one open hour before its share has passed."""
    found = moments(policy, start, calendar)
    # In UTC: over a change of the clocks, a sum in London's time would be an hour out.
    begin = start if policy.ends == "end_of_day" else calendar.counted_start(start, local=policy.is_local)
    begin = begin.astimezone(UTC)
    share = begin + timedelta(seconds=int((found.due_at - begin).total_seconds() * policy.warn_at_share))
    assert found.warn_at in (calendar.counted_start(found.warn_at, local=policy.is_local), begin)
    assert found.warn_at <= share
    assert calendar.open_time(found.warn_at, share, local=policy.is_local) <= timedelta(hours=1)


@settings(max_examples=60, derandomize=True, database=None)
@given(MOMENTS, st.timedeltas(timedelta(0), timedelta(days=4)))
def test_a_later_start_is_never_due_earlier(start: datetime, later: timedelta) -> None:
    for kind in shipped():
        assert clock(kind, start).due_at <= clock(kind, start + later).due_at


SPELLS = st.timedeltas(timedelta(0), timedelta(days=6))
whatever = settings(max_examples=80, derandomize=True, database=None)


@whatever
@given(st.sampled_from(PAUSABLE), CALENDARS, STARTS, SPELLS, SPELLS, SPELLS)
def test_two_pauses_in_a_row_count_as_one(
    policy: Policy, calendar: WorkingTime, start: datetime, before: timedelta, first: timedelta, second: timedelta
) -> None:
    due_at = moments(policy, start, calendar).due_at
    paused, middle, end = start + before, start + before + first, start + before + first + second
    once = due_after_pause(policy, due_at, paused, end, calendar)
    in_two = due_after_pause(policy, due_after_pause(policy, due_at, paused, middle, calendar), middle, end, calendar)
    assert once == in_two


@whatever
@given(st.sampled_from(PAUSABLE), CALENDARS, STARTS, SPELLS, SPELLS)
def test_after_a_pause_there_is_as_much_open_time_left_as_before(
    policy: Policy, calendar: WorkingTime, start: datetime, before: timedelta, spell: timedelta
) -> None:
    due_at = moments(policy, start, calendar).due_at
    # Only what is not late is paused.
    paused = min(start + before, due_at - timedelta(seconds=1))
    goes_on = paused + spell
    after = due_after_pause(policy, due_at, paused, goes_on, calendar)
    assert after >= due_at
    assert calendar.open_time(goes_on, after, local=True) == calendar.open_time(paused, due_at, local=True)


@whatever
@given(st.sampled_from(PAUSABLE), CALENDARS, STARTS, SPELLS)
def test_a_pause_while_the_hub_is_closed_moves_nothing(
    policy: Policy, calendar: WorkingTime, start: datetime, before: timedelta
) -> None:
    """The pause lasts from any closing to the next opening."""
    due_at = moments(policy, start, calendar).due_at
    closing = calendar.after_open_time(start + before, timedelta(microseconds=1), local=True).astimezone(LONDON)
    closing = closing.replace(hour=17, minute=0 if closing.weekday() == 4 else 30, second=0, microsecond=0)
    opening = calendar.counted_start(closing + timedelta(seconds=1), local=True)
    assert due_after_pause(policy, due_at, closing, opening, calendar) == due_at


@whatever
@given(CALENDARS, STARTS, SPELLS, SPELLS)
def test_a_clock_that_ends_with_a_day_ends_with_a_day_after_any_pause(
    calendar: WorkingTime, start: datetime, before: timedelta, spell: timedelta
) -> None:
    due_at = moments(ENDS_WITH_A_DAY, start, calendar).due_at
    paused, goes_on = start + before, start + before + spell
    after = due_after_pause(ENDS_WITH_A_DAY, due_at, paused, goes_on, calendar)
    assert after == end_of_day(local_day(after)).astimezone(UTC)
    assert after >= due_at
    # Of the open time that was left nothing is lost.
    left = calendar.open_time(paused, due_at, local=True)
    assert calendar.open_time(goes_on, after, local=True) >= left


@whatever
@given(st.sampled_from(list(shipped().values())), CALENDARS, STARTS, st.timedeltas(timedelta(0), timedelta(days=400)))
def test_the_order_stays_whatever_due_time_a_person_names(
    policy: Policy, calendar: WorkingTime, start: datetime, later: timedelta
) -> None:
    found = moments(policy, start, calendar, due_at=start + later)
    assert (found.started_at, found.due_at) == (start, start + later)
    assert found.warn_at <= found.due_at < found.escalate_at
