"""
Guesses at the same moment, on real connections: no more of them are looked at than of guesses one after the other,
and none waits for another for ever.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import OperationalError
from django.utils import timezone

from localities import limits
from localities.models import Tries, User
from tests.stage.racing import TIMES, held_open, race
from tests.stage.web_client import Page, browser

AT_ONCE = 12
SIGN_IN = "/accounts/login/"
WRONG = "The username and/or password you specified are not correct."


@pytest.fixture
def now(committed: str) -> datetime:
    return timezone.now()


def tries(budgets: dict[str, limits.Budget], now: datetime) -> Callable[[], limits.Charge | datetime]:
    return lambda: limits.charge(budgets, now=now)


def test_of_many_tries_at_once_no_more_are_taken_than_the_budget_has(now: datetime) -> None:
    for number in range(TIMES):
        budgets = {limits.key("account", number): limits.ACCOUNT}
        outcomes = race(*[tries(budgets, now)] * AT_ONCE)
        assert not [each for each in outcomes if isinstance(each, Exception)]
        assert sum(isinstance(each, limits.Charge) for each in outcomes) == limits.ACCOUNT.free
        assert Tries.objects.get(key=limits.key("account", number)).failed == limits.ACCOUNT.free


def test_one_waits_for_the_other_even_for_the_first_row(now: datetime) -> None:
    budgets = {limits.key("account", "ben"): limits.Budget(1, *[timedelta(minutes=1)] * 3)}
    first, second = held_open(tries(budgets, now), tries(budgets, now))
    assert isinstance(first, limits.Charge)
    assert second == now + timedelta(minutes=1)


def test_tries_that_share_counts_in_any_order_never_block_each_other(now: datetime) -> None:
    """Each account from each network, and everybody's count: what is given back is locked in the same order."""
    roomy = limits.Budget(1000, *[timedelta(minutes=1)] * 3)

    def one(number: int) -> Callable[[], None]:
        keys = [limits.key("account", number % 3), limits.key("network", number % 2), limits.key("everybody", "")]

        def run() -> None:
            for turn in range(10):
                charged = limits.charge(dict.fromkeys(keys[:: -1 if turn % 2 else 1], roomy), now=now)
                assert isinstance(charged, limits.Charge)
                charged.give_back()

        return run

    outcomes = race(*[one(number) for number in range(8)])
    assert not [each for each in outcomes if isinstance(each, OperationalError | ValidationError | Exception)]
    assert {row.failed for row in Tries.objects.all()} == {0}


def test_of_many_passwords_at_once_five_are_looked_at(
    committed: str, ben: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    ben.set_password("correct horse battery staple")
    ben.save()
    looked_at: list[str] = []
    checks = User.check_password

    def noting(user: User, password: str) -> bool:
        looked_at.append(password)
        return checks(user, password)

    monkeypatch.setattr(User, "check_password", noting)

    def guess(number: int) -> Callable[[], str]:
        client = browser()
        sent = {"login": "ben", "password": f"guess {number}"}
        return lambda: Page(client.post(SIGN_IN, sent, REMOTE_ADDR=f"192.0.2.{number}")).summary[0][1]

    outcomes = race(*[guess(number) for number in range(AT_ONCE)])
    assert outcomes.count(WRONG) == limits.ACCOUNT.free
    assert len(looked_at) == limits.ACCOUNT.free
    assert {said for said in outcomes if said != WRONG} == {"There were too many wrong tries. Try again in a minute."}
