"""What holds for every task: what it takes, how long it may run, and that its schedule asks for something there is."""

import inspect
from datetime import timedelta
from pathlib import Path
from typing import Any

import celery.beat
import pytest
import yaml
from celery import Task
from celery.schedules import crontab
from django.conf import settings
from django.core.checks import run_checks

from casework import tasks
from config.celery import LONG_AGO, SWEEP, app

ROOT = Path(__file__).resolve().parents[2]

OURS = {name: task for name, task in app.tasks.items() if not name.startswith("celery.")}
SCHEDULE: dict[str, dict[str, Any]] = app.conf.beat_schedule


def test_every_task_of_the_product_is_here() -> None:
    assert {each.name for each in vars(tasks).values() if isinstance(each, Task)} == set(OURS)
    assert SWEEP in OURS


@pytest.mark.parametrize("name", sorted(OURS))
class TestEveryTask:
    def test_takes_numbers_of_rows_by_keyword_or_nothing(self, name: str) -> None:
        """So that old and new workers understand each other's tasks, and no name stands in the broker."""
        for parameter in inspect.signature(OURS[name].run).parameters.values():
            assert parameter.kind is parameter.KEYWORD_ONLY
            assert (parameter.name.endswith("_id"), parameter.annotation) == (True, int)

    def test_gives_nothing_back(self, name: str) -> None:
        assert OURS[name].ignore_result
        assert inspect.signature(OURS[name].run).return_annotation is None

    def test_is_given_back_only_when_its_process_died(self, name: str) -> None:
        task = OURS[name]
        assert (task.acks_late, task.reject_on_worker_lost) == (True, True)
        assert (task.acks_on_failure, task.acks_on_timeout) == (True, True)

    def test_is_asked_to_stop_then_killed_then_given_to_another(self, name: str) -> None:
        asks = OURS[name].soft_time_limit or app.conf.task_soft_time_limit
        kills = OURS[name].time_limit or app.conf.task_time_limit
        assert 0 < asks < kills < settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]


@pytest.mark.parametrize("name", sorted(SCHEDULE))
class TestEveryEntryOfTheSchedule:
    def test_asks_for_a_task_that_there_is_without_arguments(self, name: str) -> None:
        assert set(SCHEDULE[name]) <= {"task", "schedule", "last_run_at", "options"}
        assert SCHEDULE[name]["task"] in OURS

    def test_expires_before_its_next_one_but_one(self, name: str) -> None:
        entry = SCHEDULE[name]
        interval = timedelta(days=1) if isinstance(entry["schedule"], crontab) else entry["schedule"].run_every
        assert timedelta(0) < timedelta(seconds=entry["options"]["expires"]) <= interval


def test_every_task_is_on_the_schedule() -> None:
    assert {entry["task"] for entry in SCHEDULE.values()} == set(OURS)


def test_beat_begins_with_a_round_and_leaves_the_night_to_the_night() -> None:
    entries = celery.beat.Scheduler(app=app).schedule.values()
    due = {entry.task.rsplit(".")[-1] for entry in entries if entry.last_run_at == LONG_AGO and entry.is_due()[0]}
    assert due == {
        "drain_outbox", "sweep_clocks", "recompute_clocks", "renew_recommendations", "pass_to_day_team", "run_replays",
        "recheck_hidden_addresses", "release_contacts", "copy_open_list", "check_files", "draw_previews",
        "take_in_batches", "number_events", "send_webhooks",
    }  # fmt: skip


def test_integrity_is_checked_at_ten_to_three() -> None:
    at = SCHEDULE["check integrity"]["schedule"]
    assert (at.hour, at.minute) == ({2}, {50})


class TestTheSystemCheck:
    def faults(self) -> list[tuple[str | None, str]]:
        return [(fault.id, fault.msg) for fault in run_checks() if (fault.id or "").startswith("front_door.")]

    def test_all_is_well(self) -> None:
        assert self.faults() == []

    @pytest.mark.parametrize("limit", [600, 3600])
    def test_a_task_that_may_run_as_long_as_the_broker_waits(self, monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
        monkeypatch.setattr(tasks.run_replays, "time_limit", limit)
        says = f"run_replays may run for {limit} seconds, and the broker hands it out again after 600 seconds."
        assert self.faults() == [("front_door.E001", f"casework.tasks.{says}")]

    def test_the_general_limit_holds_for_those_without_their_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(app.conf, "broker_transport_options", {"visibility_timeout": 120})
        assert {says.split()[0] for _, says in self.faults()} == set(OURS)

    def test_a_task_that_may_run_for_ever(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(app.conf, "task_time_limit", None)
        assert len(self.faults()) == len([task for task in OURS.values() if not task.time_limit])

    def test_a_task_that_is_killed_unasked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tasks.run_replays, "soft_time_limit", 510)
        says = "casework.tasks.run_replays is killed after 510 seconds and is not asked to stop before."
        assert self.faults() == [("front_door.E002", says)]


def test_a_worker_is_given_the_time_that_an_ordinary_task_may_take() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    grace = int(compose["services"]["worker"]["stop_grace_period"].removesuffix("s"))
    assert grace > settings.CELERY_TASK_TIME_LIMIT
