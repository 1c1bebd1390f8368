"""
A model-based test. A state machine picks actions, legal and illegal, by anybody, as minutes and weeks pass. After each
of them the database is compared with the ledger (tests/random_actions/ledger.py).

A legal action succeeds. An illegal one ends with a sentence and changes nothing. Every open case has a responsible
team, no clock is lost, no reminder comes twice, and no e-mail goes out twice or out of order.

Every run takes the same paths. `MODEL_RUNS=200 pytest tests/random_actions` takes as many new paths each time; a
failure prints the shortest path to it.
"""

import logging
import os
import sys

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, run_state_machine_as_test

from tests.random_actions.stage import NEEDS
from tests.random_actions.time_passes import TimePasses
from tests.stage.mail import mail_server
from tests.stage.moments import local

RUNS = int(os.environ.get("MODEL_RUNS", "0"))
SETTINGS = settings(
    max_examples=RUNS or 6,
    stateful_step_count=60,
    derandomize=not RUNS,
    database=None,
    report_multiple_bugs=False,
    phases=[Phase.generate, Phase.shrink] if RUNS else [Phase.generate],
    suppress_health_check=list(HealthCheck),
)
MOMENTS = [
    "Thu 19 Nov 2026 10:00", "Fri 20 Nov 2026 16:50", "Sat 21 Nov 2026 23:30", "Sat 24 Oct 2026 23:30",
    "Sat 27 Mar 2027 23:30", "Wed 23 Dec 2026 11:00", "Thu 24 Dec 2026 16:50", "Wed 31 Mar 2027 17:20",
]  # fmt: skip


class FrontDoor(TimePasses):
    """The whole state machine."""

    @initialize(moment=st.sampled_from(MOMENTS), needs=st.lists(st.sampled_from(list(NEEDS)), min_size=2, max_size=4))
    def it_is(self, moment: str, needs: list[str]) -> None:
        """Some families are on record already: half of them wait, half are decided."""
        self.now = local(moment)
        for family, need in enumerate(needs):
            contact = self.received(self.about(family, need))
            if family % 2 and contact:
                self.decided(contact, 0)


def test_whatever_people_do(
    committed: str, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    # Refused messages are part of the test: their warnings are not shown.
    caplog.set_level(logging.ERROR, "casework.jobs.delivery")
    with mail_server() as sink:
        FrontDoor.sink = sink
        FrontDoor.actions.clear()
        run_state_machine_as_test(FrontDoor, settings=SETTINGS)
    if RUNS:
        with capsys.disabled():
            sys.stdout.write(f"\n{sum(FrontDoor.actions.values())} actions: {FrontDoor.actions}\n")
