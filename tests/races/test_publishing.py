"""
Publishing while contacts arrive, on real connections. No contact falls between two versions, none is triaged by both,
and the later of two publishers gets a sentence.
"""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from casework.actions import receiving, rule_sets
from casework.models import AuditEvent, Contact, Event, Recommendation
from casework.record import integrity
from errors import NotAllowedInStatus
from localities.models import Agency
from tests.stage.documents import child, contact_document
from tests.stage.drafts import AHEAD, Drafts, latest
from tests.stage.racing import PATIENCE, TIMES, held_open, only_one_succeeds, race
from tests.stage.rule_documents import having
from tests.stage.story import Story, person
from triage import published_rules
from triage.models import RuleSetVersion

MOMENT = timedelta(microseconds=1)


def clock() -> datetime:
    """The time by the host's clock: these races run in real time."""
    return datetime.now(UTC)


@pytest.fixture
def drafts(committed: str) -> Iterator[Drafts]:
    """Drafts in a database of its own, from a day before now on. Afterwards no invariant is broken there."""
    yield Drafts(Story(clock() - timedelta(days=1)))
    assert {finding.sentence: finding.broken for finding in integrity.check() if finding.broken} == {}


def approve(draft: RuleSetVersion, by: str, starts_at: datetime | None = None, now: datetime | None = None) -> Any:
    return rule_sets.approve(
        version_id=draft.pk, edition=draft.edition, starts_at=starts_at, by=person(by), now=now or clock()
    )


def call_off(version: RuleSetVersion, by: str) -> RuleSetVersion:
    return rule_sets.call_off(version_id=version.pk, reason="No.", by=person(by), now=clock())


def received(number: int, now: Callable[[], datetime] = clock) -> Contact:
    """A contact about a family of its own, now. The agency is read first, so that `now` is right before the receipt."""
    letters = "".join(chr(ord("A") + int(digit)) for digit in f"{number:04}")
    entry = child(
        first_name=letters * 3, last_name=letters[::-1] * 3, nhs_number=None,
        date_of_birth=f"{2008 + number % 15}-{1 + number % 12:02}-{1 + number % 28:02}",
    )  # fmt: skip
    agreed = {"service": "given", "given_by": "mother", "on": "2026-01-05"}
    document = contact_document(children=[entry], adults=[], agreement=agreed)
    school = Agency.objects.get(code="example-primary-school")
    return receiving.receive(document=document, by=school, now=now()).contact


def history() -> list[RuleSetVersion]:
    """The published versions in order. There is no gap or overlap between them, and the last has no end."""
    versions = sorted(RuleSetVersion.objects.filter(live__isnull=False), key=lambda version: version.live.lower)
    for one, other in pairwise(versions):
        assert one.live.upper == other.live.lower
    assert versions[-1].live.upper is None
    return versions


def nobody_fell_between() -> int:
    """
    Each contact has one recommendation, by the one version that was live when it was received.

    :returns: the number of contacts, without the one that every replay needs.
    """
    versions = history()
    for contact in Contact.objects.all():
        (first,) = Recommendation.objects.filter(contact=contact)
        assert contact.recommendation_id == first.pk
        (live,) = [version for version in versions if contact.received_at in version.live]
        assert first.rule_set_id == live.pk
        assert first.result["ruleset"] == str(live)
    return Contact.objects.count() - 1


class TestApproving:
    def test_two_people_approve_the_same_draft(self, drafts: Drafts) -> None:
        for _ in range(TIMES):
            draft = drafts.proposed(by="david")
            only_one_succeeds(race(partial(approve, draft, "sam"), partial(approve, draft, "paula")))
            draft.refresh_from_db()
            assert latest() == draft
            assert draft.approved_by is not None
        assert AuditEvent.objects.filter(event=Event.RULE_SET_PUBLISHED).count() == TIMES
        assert len(history()) == 1 + TIMES

    def test_two_drafts_of_one_version(self, drafts: Drafts) -> None:
        """Nobody's change is lost: the second publisher is told to make it again on the new version."""
        for _ in range(TIMES):
            base = latest()
            pair = [drafts.proposed(drafts.copied(base, by="david"), by="david") for _ in range(2)]
            outcomes = race(*[partial(approve, draft, "sam") for draft in pair])
            only_one_succeeds(outcomes)
            (late,) = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
            assert isinstance(late, NotAllowedInStatus)
            assert f"{latest().called} goes on now, and not {base.called}" in str(late)
            assert latest() in pair
        assert len(history()) == 1 + TIMES

    def test_one_approves_while_another_changes_it(self, drafts: Drafts) -> None:
        """The live version is the edition that was proved."""
        for _ in range(TIMES):
            draft = drafts.proposed(by="david")
            document = having(draft.document, "rules", "hard_stop", title="Stop")

            def change(draft: RuleSetVersion = draft, document: Any = document) -> RuleSetVersion:
                return rule_sets.change(
                    version_id=draft.pk, edition=1, document=document, by=person("paula"), now=clock()
                )

            approved, changed = race(partial(approve, draft, "sam"), change)
            only_one_succeeds([approved, changed])
            draft.refresh_from_db()
            title = draft.document["rules"][0]["title"]
            assert (title, draft.published_at is None) == (
                ("Stop", True) if isinstance(approved, Exception) else ("Hard stop", False)
            )

    def test_one_calls_off_while_another_approves_what_would_follow(self, drafts: Drafts) -> None:
        for _ in range(TIMES):
            before = latest()
            waits = drafts.approved(drafts.proposed(by="david"), starts_at=AHEAD)
            follows = drafts.proposed(drafts.copied(waits, by="david"), by="david")
            called_off, approved = race(partial(call_off, waits, "sam"), partial(approve, follows, "paula"))
            assert not isinstance(called_off, Exception), repr(called_off)
            assert isinstance(approved, NotAllowedInStatus)
            assert latest() == before
            history()

    def test_two_people_copy_at_once(self, drafts: Drafts) -> None:
        live = latest()
        outcomes = race(
            *[lambda: rule_sets.copy(version_id=live.pk, by=person("paula"), now=clock()) for _ in range(4)]
        )
        assert sorted(draft.version for draft in outcomes) == [3, 4, 5, 6]


class TestWhileContactsArrive:
    PUBLISHES = 4
    EACH = 12

    def test_each_is_triaged_by_the_version_of_its_moment(self, drafts: Drafts) -> None:
        """Four people send, one after the other, while another publishes again and again."""
        ready = drafts.proposed(by="david")
        done = threading.Event()

        def publish() -> int:
            draft = ready
            for number in range(self.PUBLISHES):
                approve(draft, "sam")
                if number < self.PUBLISHES - 1:
                    drafts.story.now = clock()
                    draft = drafts.proposed(drafts.copied(by="david"), by="david")
            done.set()
            return self.PUBLISHES

        def send(who: int) -> int:
            sent = 0
            while sent < self.EACH or not done.is_set():
                received(1000 * who + sent)
                sent += 1
                assert sent < 1000
            return sent

        outcomes = race(publish, *[partial(send, who) for who in range(4)])
        assert all(isinstance(outcome, int) for outcome in outcomes), outcomes
        assert nobody_fell_between() == sum(outcomes[1:]) >= 40
        assert len(history()) == 1 + self.PUBLISHES
        by_version = {version: version.pk for version in history()}
        met = set(Recommendation.objects.values_list("rule_set_id", flat=True))
        assert len(met) >= 3, f"no race: of {len(by_version)} versions contacts met {len(met)}"

    def test_one_whose_clock_goes_ahead(self, drafts: Drafts) -> None:
        """A host's clock is two seconds ahead. "At once" is after every contact that it has received."""
        ready = drafts.proposed(by="david")
        taken_in = threading.Event()

        def ahead() -> datetime:
            return clock() + timedelta(seconds=2)

        def send() -> list[Contact]:
            first = received(0, ahead)
            taken_in.set()
            return [first, *(received(number, ahead) for number in range(1, 6))]

        def publish() -> RuleSetVersion:
            assert taken_in.wait(timeout=PATIENCE)
            version: RuleSetVersion = approve(ready, "sam")
            return version

        sent, published = race(send, publish)
        assert isinstance(published, RuleSetVersion), repr(published)
        assert published.live.lower > sent[0].received_at
        assert nobody_fell_between() == 6

    def test_a_start_that_lies_ahead_comes_while_contacts_arrive(self, drafts: Drafts) -> None:
        """No job runs at the start. The moment of a contact's receipt decides which version is live."""
        ready = drafts.proposed(by="david")
        start = clock() + timedelta(seconds=1)
        approve(ready, "sam", starts_at=start)

        def send(who: int) -> int:
            sent = 0
            while clock() < start + timedelta(seconds=0.3):
                received(1000 * who + sent)
                sent += 1
            return sent

        outcomes = race(*[partial(send, who) for who in range(3)])
        assert all(isinstance(outcome, int) for outcome in outcomes), outcomes
        assert nobody_fell_between() == sum(outcomes)
        assert Recommendation.objects.values("rule_set").distinct().count() == 2

    def test_a_publish_waits_for_a_contact_that_is_being_taken_in(self, drafts: Drafts) -> None:
        """The contact is received and not committed yet: the new version starts after it."""
        ready, old = drafts.proposed(by="david"), latest()

        def send() -> Contact:
            return received(0, lambda: clock() + timedelta(milliseconds=500))

        def publish() -> RuleSetVersion:
            version: RuleSetVersion = approve(ready, "sam")
            return version

        contact, published = held_open(send, publish)
        assert isinstance(published, RuleSetVersion), repr(published)
        assert published.live.lower == contact.received_at + MOMENT
        assert published_rules.live(contact.received_at).version_id == old.pk
        assert nobody_fell_between() == 1
