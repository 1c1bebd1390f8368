"""`manage.py due` as other people's scripts call it."""

from pathlib import Path

from tests.stage.calculators import refused, run, run_alone

# KIND FROM, due, warn: the worked examples of the council's policy, and what only this command shows.
ASKED = [
    ("final_decision_red 2027-12-24T16:50", "2027-12-24T20:50:00+00:00", "2027-12-24T18:50:00+00:00"),
    ("next_step_decision 2026-11-19T10:12", "2026-11-20T10:12:00+00:00", "2026-11-19T16:30:00+00:00"),
    ("next_step_decision 2026-11-20T17:40", "2026-11-24T09:00:00+00:00", "2026-11-23T16:30:00+00:00"),
    ("next_step_decision 2026-11-27T20:00", "2026-12-01T09:00:00+00:00", "2026-11-30T16:30:00+00:00"),
    ("final_decision_green 2026-12-23T11:00", "2026-12-30T11:00:00+00:00", "2026-12-24T16:30:00+00:00"),
    # The end of a day is its last second; in summer, with summer's offset.
    ("initial_conference 2026-03-23T15:00", "2026-04-15T23:59:59+01:00", "2026-04-09T16:30:00+01:00"),
    # Both readings of an hour that comes twice have their own offset. What is typed without one is the first.
    ("handoff_acceptance_red 2026-10-25T00:30", "2026-10-25T01:30:00+00:00", "2026-10-25T01:30:00+01:00"),
    ("handoff_acceptance_red 2026-10-25T01:30", "2026-10-25T02:30:00+00:00", "2026-10-25T01:30:00+00:00"),
    ("handoff_acceptance_red 2026-10-25T01:30+00:00", "2026-10-25T03:30:00+00:00", "2026-10-25T02:30:00+00:00"),
    ("handoff_acceptance_red 2026-03-29T00:30", "2026-03-29T03:30:00+01:00", "2026-03-29T02:30:00+01:00"),
    # A moment with seconds, and one told by another clock.
    ("next_step_decision 2026-07-02T16:30:01+00:00", "2026-07-06T09:00:00+01:00", "2026-07-03T16:00:00+01:00"),
    ("partner_check_red 2026-07-02T10:00:30Z", "2026-07-02T13:00:30+01:00", "2026-07-02T12:00:30+01:00"),
]

BAD_LINES = """\
next_step_decision 2026-11-19T10:12
next_step 2026-11-19T10:12
next_step_decision yesterday
bogus 2026-13-01T10:00

next_step_decision
next_step_decision 2026-11-19 10:12
"""

POLICIES = """\
kind,subject,starts_at,limit,unit,ends,warn_at_share,escalates_to,basis
next_step_decision,contact,received,2,working_day,same_time,0.5,front_door_manager,tried
call_back,contact,received,30,hour,same_time,0.5,team_lead,local
"""


def test_one_clock_prints_its_two_lines(tmp_path: Path) -> None:
    done = run_alone("due", "initial_conference", "--from", "2026-03-23T15:00", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "due 2026-04-15T23:59:59+01:00\nwarn 2026-04-09T16:30:00+01:00\n"


def test_many_clocks_on_standard_input_print_a_line_each(tmp_path: Path) -> None:
    """Empty lines between them are no clocks."""
    done = run_alone("due", "-", folder=tmp_path, given="\n\n".join(asked for asked, _, _ in ASKED) + "\n\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [f"due {due} warn {warn}" for _, due, warn in ASKED]


def test_every_bad_line_is_named_and_nothing_is_printed(tmp_path: Path) -> None:
    lines = refused(run("due", "-", folder=tmp_path, given=BAD_LINES))
    assert [line.partition(": ")[0] for line in lines] == [
        "line 2.KIND",
        "line 3.--from",
        "line 4.KIND",
        "line 4.--from",
        "line 6",
        "line 7",
    ]
    assert '"next_step" is not a clock; the clocks are acknowledge_referrer, next_step_decision' in lines[0]
    assert lines[1] == 'line 3.--from: "yesterday" is not a moment; write it as 2026-12-23T11:00.'


def test_a_clock_without_a_start_is_refused(tmp_path: Path) -> None:
    lines = refused(run("due", "bogus", folder=tmp_path))
    assert [line.partition(": ")[0] for line in lines] == ["KIND", "--from"]


def test_lines_that_are_not_utf_8_are_refused_with_a_sentence(tmp_path: Path) -> None:
    """Where the locale says UTF-8 and means it, as en_GB.UTF-8 does."""
    given = b"next_step_decision 2026-11-19T10:12\n\xff\xfe\n"
    assert refused(run_alone("due", "-", folder=tmp_path, given=given, PYTHONIOENCODING="utf-8:strict"))


def test_a_moment_at_the_end_of_the_calendar_is_refused_with_a_sentence(tmp_path: Path) -> None:
    """Not with a traceback: there is no working day after the last one."""
    lines = refused(run("due", "next_step_decision", "--from", "9999-12-31T10:00", folder=tmp_path))
    assert [line.partition(": ")[0] for line in lines] == ["--from"]


def test_other_policies_may_be_tried(tmp_path: Path) -> None:
    (tmp_path / "policies.csv").write_text(POLICIES, encoding="utf-8")
    given = "next_step_decision 2026-11-19T10:12\ncall_back 2026-11-19T10:12\n"
    done = run("due", "-", "--policies", "policies.csv", folder=tmp_path, given=given)
    assert done.stdout.splitlines() == [
        "due 2026-11-23T10:12:00+00:00 warn 2026-11-20T16:00:00+00:00",
        "due 2026-11-20T16:12:00+00:00 warn 2026-11-20T01:12:00+00:00",
    ]


def test_broken_policies_are_refused_with_every_fault(tmp_path: Path) -> None:
    broken = POLICIES.replace("received,2,", "received,0,").replace("team_lead", "nobody")
    (tmp_path / "policies.csv").write_text(broken, encoding="utf-8")
    words = ("call_back", "--from", "2026-11-19T10:12", "--policies", "policies.csv")
    lines = refused(run("due", *words, folder=tmp_path))
    assert [line.partition(": ")[0] for line in lines] == ["line 2.limit", "line 3.escalates_to"]
