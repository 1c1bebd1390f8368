"""Two people agree at the same moment to let somebody in who has lost their second step, or one person does twice."""

from datetime import datetime
from functools import partial
from typing import Any

import pytest
from allauth.mfa.models import Authenticator

from casework.actions import signing_in
from casework.models import AuditEvent, Event, FactorReset, OutboxMessage
from errors import InvalidInput, NotPermitted
from localities.models import User
from tests.stage.racing import TIMES, only_one_succeeds, race
from tests.stage.story import Story, person

WHY = "Her telephone was stolen. I called her back on her desk number."


def asks(erin: User, by: str, now: datetime) -> Any:
    return partial(signing_in.ask_to_let_in, person_id=erin.pk, reason=WHY, by=person(by), now=now)


def agrees(reset: FactorReset, by: str, now: datetime) -> Any:
    return partial(signing_in.agree_to_let_in, reset_id=reset.pk, by=person(by), now=now)


def lost(story: Story) -> tuple[User, FactorReset]:
    """Erin, who has an app, and for whom Maya asked."""
    erin = person("erin")
    Authenticator.objects.create(user=erin, type=Authenticator.Type.TOTP, data={})
    return erin, asks(erin, "maya", story.later())()


def removed_once(reset: FactorReset) -> None:
    """Every second step is removed, by two different people, who are not the person; recorded and told once."""
    reset.refresh_from_db()
    assert reset.agreed
    assert len({reset.asked_by_id, reset.answered_by_id, reset.person_id}) == 3
    assert not Authenticator.objects.filter(user=reset.person).exists()
    agreed = AuditEvent.objects.get(event=Event.FACTOR_RESET_AGREED, detail__reset=reset.pk)
    assert agreed.by_user_id == reset.answered_by_id
    assert OutboxMessage.objects.filter(idempotency_key=f"factors_removed:{reset.pk}").count() == 1


@pytest.mark.parametrize("second", ["ben", "adele"])
def test_of_two_who_agree_at_once_one_does_and_so_of_one_who_agrees_twice(story: Story, second: str) -> None:
    for _ in range(TIMES):
        _, reset = lost(story)
        now = story.later()
        only_one_succeeds(race(agrees(reset, "ben", now), agrees(reset, second, now)))
        removed_once(reset)


def test_whoever_asked_does_not_agree_also_while_another_does(story: Story) -> None:
    for _ in range(TIMES):
        _, reset = lost(story)
        now = story.later()
        own, other = race(agrees(reset, "maya", now), agrees(reset, "ben", now))
        assert isinstance(own, NotPermitted)
        assert isinstance(other, FactorReset)
        removed_once(reset)


def test_of_two_who_ask_at_once_one_does_and_nothing_is_removed(story: Story) -> None:
    erin = person("erin")
    Authenticator.objects.create(user=erin, type=Authenticator.Type.TOTP, data={})
    for second in ("ben", "maya"):
        now = story.later()
        outcomes = race(asks(erin, "maya", now), asks(erin, second, now))
        (late,) = (outcome for outcome in outcomes if isinstance(outcome, Exception))
        assert isinstance(late, InvalidInput)
        (reset,) = (outcome for outcome in outcomes if isinstance(outcome, FactorReset))
        assert Authenticator.objects.filter(user=erin).exists()
        signing_in.decline_to_let_in(reset_id=reset.pk, by=person("adele"), now=story.later())


def test_of_agreeing_and_declining_at_once_one_counts(story: Story) -> None:
    for _ in range(TIMES):
        erin, reset = lost(story)
        now = story.later()
        declines = partial(signing_in.decline_to_let_in, reset_id=reset.pk, by=erin, now=now)
        only_one_succeeds(race(agrees(reset, "ben", now), declines))
        reset.refresh_from_db()
        assert Authenticator.objects.filter(user=erin).exists() == (not reset.agreed)
        Authenticator.objects.filter(user=erin).delete()
