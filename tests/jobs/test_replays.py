"""
Replays: what a draft would have said about past contacts. Asked for by a person, run by the worker, kept for ever.

What is counted is compared with a count of this file's own, made contact by contact in the plainest way.
"""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from casework.actions import replays, rule_sets
from casework.facts import past_contacts
from casework.jobs import replaying
from casework.models import AuditEvent, Contact, Event, Replay
from errors import InvalidInput, NotAllowedInStatus
from localities.models import User
from localities.working_time import LONDON
from tests.conftest import THURSDAY
from tests.stage.documents import address, child
from tests.stage.drafts import Drafts, latest, stricter, with_stored_document
from tests.stage.moments import day, local
from tests.stage.racing import FIRST_NAMES, LAST_NAMES, race
from tests.stage.rule_documents import having
from tests.stage.sql import change, copy, delete
from tests.stage.story import Story, person
from triage import replay as calculator
from triage.models import RuleSetVersion
from triage.recommendation import recommend
from triage.ruleset import parse
from triage.scenarios import run

Json = dict[str, Any]


class Killed(BaseException):
    """The worker is gone in the middle of its work, as by SIGKILL: nothing in it tidies up."""


# ---- a small town's contacts, each of another kind


AGREED = {"service": "given", "given_by": "mother", "on": "2026-01-05"}
NOT_ASKED = {"service": "not_sought"}
EARLY_HELP: Json = {"pathway": "early_help", "rag": "green", "level": 2}


def family(
    number: int, *codes: str, at: str = "HP20 1UA", hidden: bool = False, nhs: str | None = None, **facts: Any
) -> Json:
    """What a contact says about a family of its own; nothing links it to another. It lives in Aylesbury."""
    entry = child(
        first_name=FIRST_NAMES[number % 10], last_name=LAST_NAMES[(number + number // 10) % 10], nhs_number=nhs,
        date_of_birth=date(2010 + number % 8, 5, 20).isoformat(), address=address(at, confidential=hidden),
        indicators=list(codes),
    )  # fmt: skip
    return {"children": [entry], "adults": [], "family_indicators": [], "agreement": AGREED, **facts}


def in_two_places(number: int) -> Json:
    """Children of one family, one in Aylesbury and one in Wycombe."""
    here, there = family(number, "L3-12"), family(number + 20, at="HP11 1BB")
    here["children"].append(there["children"][0] | {"ref": "c2"})
    return here


def town(story: Story) -> list[Contact]:
    """
    Three weeks of contacts; people decided about some of them. In local time, the first on a Sunday before midnight
    and the second on the Monday after it.
    """
    received: list[Contact] = []

    def comes(when: str, **what: Any) -> Contact:
        story.now = local(when)
        received.append(story.contact(**what))
        return received[-1]

    comes("Sun 01 Nov 2026 23:59:59", **family(1, "L3-12"))
    story.decided(comes("Mon 02 Nov 2026 00:00", **family(2, "L3-12", nhs="9990000018")))
    overruled = comes("Tue 03 Nov 2026 10:00", **family(3, "L3-12", at="HP11 1BB"))
    story.decided(overruled, **EARLY_HELP)
    comes("Wed 04 Nov 2026 10:00", **family(4, "L3-12", agreement=NOT_ASKED))
    comes("Wed 04 Nov 2026 11:00", **family(5, "L2-26", agreement=NOT_ASKED))
    story.decided(comes("Thu 05 Nov 2026 10:00", **family(6, "L4-10b", at="HP6 5AA")))
    waits = comes("Fri 06 Nov 2026 10:00", **family(7, "L3-12"))
    story.decided(waits, pathway="advice", level=3, rag="blue")
    comes("Mon 09 Nov 2026 10:00", **family(8, "L3-12", hidden=True))
    comes("Mon 09 Nov 2026 11:00", **in_two_places(9))
    comes("Tue 10 Nov 2026 10:00", **family(10, "L3-12", at="NR1 1AA"))
    comes("Tue 10 Nov 2026 11:00", **family(11))
    story.decided(comes("Wed 11 Nov 2026 10:00", **family(2, "L3-12", nhs="9990000018")))
    comes("Wed 11 Nov 2026 11:00", **family(13, "L4-01"))
    comes("Thu 12 Nov 2026 10:00", **family(14, "L2-26", at="HP11 1BB"))
    comes("Sun 15 Nov 2026 10:00", **family(15, "L4-38", "L3-12"))
    story.now = THURSDAY
    return received


def other_rules(document: Json) -> Json:
    """A draft that differs in everything that people act on: pathway, rating, level, hold, team."""
    for name, then in {
        "level_3_agreed": {"pathway": "early_help", "rag": "blue", "level": 2},
        "level_3_agreement_not_sought": {"pathway": "family_help", "rag": "green", "level": 3},
        "level_2_agreement_not_sought": {"pathway": "early_help", "rag": "green", "level": 1, "hold": "agreement"},
        "strong_level_4": {"pathway": "strategy_discussion", "rag": "red", "level": 4},
        "level_2_agreed": {"pathway": "family_help", "rag": "green", "level": 2},
        "needs_met": {"pathway": "advice", "rag": "green", "level": 1},
    }.items():
        document = having(document, "rules", name, then=then)
    indicators = [entry for entry in document["indicators"] if entry["code"] != "L4-38"]
    scenarios = [each for each in document["scenarios"] if "L4-38" not in str(each)]
    return document | {"indicators": indicators, "scenarios": scenarios}


WHOLE: Json = {"first_day": date(2026, 11, 1), "last_day": date(2026, 11, 15)}


def with_other_rules(drafts: Drafts) -> RuleSetVersion:
    draft = drafts.copied(by="sam")
    return with_stored_document(draft, other_rules(draft.document))


def whole_town(drafts: Drafts) -> Replay:
    """A replay of the town's contacts by other rules."""
    return drafts.replayed(with_other_rules(drafts), **WHOLE)


# ---- the plainest way to count


GRAVITY = [
    "strategy_discussion",
    "social_work_assessment",
    "social_worker_review",
    "family_help",
    "early_help",
    "advice",
]
RATINGS = ["red", "amber", "green", "blue"]
TEAM = {
    "strategy_discussion": "child_protection", "social_work_assessment": "*", "social_worker_review": "*",
    "family_help": "*", "early_help": "*", "link_to_open_work": "same_team", "other_authority": "out_of_area",
    "advice": "",
}  # fmt: skip


def went(before: tuple[str, str], after: tuple[str, str]) -> str:
    """Which way it goes from a pathway and a rating to others; written again, on purpose."""
    if before == after:
        return ""
    places = [GRAVITY.index(pathway) if pathway in GRAVITY else None for pathway in (before[0], after[0])]
    lower = places[0] is not None and places[1] is not None and places[1] > places[0]
    higher = places[0] is not None and places[1] is not None and places[1] < places[0]
    if lower or RATINGS.index(after[1]) > RATINGS.index(before[1]):
        return "down"
    return "up" if higher or RATINGS.index(after[1]) < RATINGS.index(before[1]) else "across"


def where(contact: Contact) -> str:
    """The locality of a contact: that of its case, else of the children's addresses, else nobody's."""
    if contact.case is not None:
        return contact.case.locality.code if contact.case.locality else "?"
    codes = {"HP20": "aylesbury", "HP11": "wycombe-and-marlow", "HP6 ": "chiltern"}
    if contact.children.filter(address_is_confidential=True).exists():
        return "?"
    found = {codes.get(each.postcode[:4].strip().ljust(4), "?") for each in contact.children.all()}
    return found.pop() if len(found) == 1 else "?"


def by_hand(replay: Replay) -> Json:
    """What a replay should have found, contact by contact."""
    rules = parse(replay.rule_set.document)
    known = set(rules.catalogue.entries)
    counts: Counter[str] = Counter()
    pathways: Counter[tuple[str, str]] = Counter()
    rags: Counter[tuple[str, str]] = Counter()
    demand: Counter[tuple[str, str, str]] = Counter()
    unknown: Counter[str] = Counter()
    changed = {}
    for contact in Contact.objects.order_by("received_at"):
        on = contact.received_at.astimezone(LONDON).date()
        if not replay.first_day <= on <= replay.last_day:
            continue
        assert contact.recommendation is not None
        then = contact.recommendation.result
        facts = contact.recommendation.facts
        for part in (*facts["children"], facts["family"]):
            unknown.update(code for code in part["indicators"] if code not in known)
            part["indicators"] = [code for code in part["indicators"] if code in known]
        now = recommend(rules, rules.facts(facts)).as_json()
        home, monday = where(contact), (on - timedelta(days=on.weekday())).isoformat()
        decided = contact.decision_in_effect
        rows = []
        for said in (then, now):
            team = TEAM[said["pathway"]].replace("*", home)
            added = (tuple(said["also_refer_to"]), tuple(said["warnings"]))
            rows.append((said["pathway"], said["rag"], said["level"], said["hold"] or "", team, *added))
        before, after = rows
        counts["contacts"] += 1
        pathways[before[0], after[0]] += 1
        rags[before[1], after[1]] += 1
        for which, pathway in (("before", before[0]), ("after", after[0]), ("decided", decided and decided.pathway)):
            if pathway and TEAM[pathway] == "*":
                demand[home, monday, which] += 1
        if decided:
            counts["decided"] += 1
            counts["decided_as_before"] += (decided.pathway, decided.rag) == before[:2]
            counts["decided_as_after"] += (decided.pathway, decided.rag) == after[:2]
        if before == after:
            continue
        counts["changed"] += 1
        for place, name in enumerate(("pathway", "rag", "level", "hold", "team", "also_refer_to", "warnings")):
            counts[name] += before[place] != after[place]
        turned = went(before[:2], after[:2])
        # What protects may be lost although pathway and rating stay: that is a step down, too.
        loses = after[2] < before[2] or (before[3] and not after[3])
        way = "down" if set(before[6]) - set(after[6]) or (loses and turned != "up") else turned
        counts[way] += 1 if way else 0
        people = (decided.pathway, decided.rag) if decided else before[:2]
        agrees = bool(way) and people != before[:2] and (people == after[:2] or went(before[:2], people) == turned)
        counts["agrees_with_people"] += agrees
        changed[contact.pk] = (before[:5], after[:5], way, agrees, people if decided else ("", ""))
    return {
        "counts": {name: count for name, count in counts.items() if count},
        "pathways": dict(pathways), "rags": dict(rags), "demand": dict(demand), "unknown": dict(unknown),
        "changed": changed,
    }  # fmt: skip


def as_found(replay: Replay) -> Json:
    """What a replay found, in the same shape."""
    result = replay.result
    assert result is not None
    return {
        "counts": {name: count for name, count in result["counts"].items() if count},
        "pathways": {(row["from"], row["to"]): row["contacts"] for row in result["pathways"]},
        "rags": {(row["from"], row["to"]): row["contacts"] for row in result["rags"]},
        "demand": {
            (row["locality"], row["week"], which): row[which]
            for row in result["demand"]
            for which in ("before", "after", "decided")
            if row[which]
        },
        "unknown": result["unknown_indicators"],
        "changed": {
            row.contact_id: (
                (row.before_pathway, row.before_rag, row.before_level, row.before_hold, row.before_team),
                (row.after_pathway, row.after_rag, row.after_level, row.after_hold, row.after_team),
                row.direction, row.agrees_with_people, (row.decided_pathway, row.decided_rag),
            )
            for row in replay.changed.all()
        },
    }  # fmt: skip


@pytest.fixture(scope="class")
def told_town(told_for_a_class: None) -> Story:
    story = Story(THURSDAY)
    town(story)
    return story


@pytest.fixture(scope="class")
def asked_once(told_town: Story) -> int:
    """A replay of the town's contacts by other rules, which waits for the worker."""
    drafts = Drafts(told_town)
    return drafts.asked(with_other_rules(drafts), **WHOLE).pk


class Town:
    """The town's contacts come once for the class. Each test's story goes on from there."""

    @pytest.fixture
    def story(self, db: None, told_town: Story) -> Story:
        return told_town.goes_on()


class TestAsking:
    def test_it_waits_for_the_worker(self, drafts: Drafts, paula: User) -> None:
        draft = drafts.copied()
        replay = drafts.asked(draft, first_day=date(2026, 11, 1), last_day=date(2026, 11, 19))
        assert (replay.rule_set, replay.edition, replay.asked_by, replay.asked_at) == (
            draft,
            1,
            paula,
            drafts.story.now,
        )
        assert (replay.started_at, replay.contacts, replay.done, replay.result) == (None, None, 0, None)
        event = AuditEvent.objects.get(event=Event.REPLAY_ASKED_FOR)
        assert event.by_user == paula
        assert event.detail == {
            "rule_set": "early-help-first/3", "replay": replay.pk, "first_day": "2026-11-01", "last_day": "2026-11-19",
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("first", "last", "wrong"),
        [
            (None, None, ["first_day", "last_day"]),
            (date(2026, 11, 2), date(2026, 11, 1), ["last_day"]),
            (date(2026, 11, 1), date(2026, 11, 20), ["last_day"]),
            (date(2000, 1, 1), date(2026, 11, 1), ["first_day"]),
            (date(2026, 11, 21), date(2026, 11, 20), ["last_day", "last_day"]),
        ],
    )
    def test_days_that_make_no_period(
        self, drafts: Drafts, first: date | None, last: date | None, wrong: list[str]
    ) -> None:
        draft = drafts.copied()
        with pytest.raises(InvalidInput) as invalid:
            drafts.asked(draft, first_day=first, last_day=last)
        assert [fault.place for fault in invalid.value.faults] == wrong
        assert not Replay.objects.exists()

    @pytest.mark.parametrize("days", [{"first_day": date(2026, 11, 19)}, {"first_day": date(2006, 11, 20)}])
    def test_one_day_or_twenty_years(self, drafts: Drafts, days: Json) -> None:
        assert drafts.asked(drafts.copied(), last_day=date(2026, 11, 19), **days).pk

    def test_one_at_a_time_of_a_rule_set(self, drafts: Drafts) -> None:
        draft = drafts.copied()
        waits = drafts.asked(draft)
        with pytest.raises(NotAllowedInStatus, match="A replay of Early help first, version 3 goes on already"):
            drafts.asked(draft, by="maya")
        drafts.asked(drafts.copied())
        replays.cancel(replay_id=waits.pk, by=person("maya"), now=drafts.story.later())
        drafts.asked(draft)

    def test_only_of_a_draft(self, drafts: Drafts) -> None:
        with pytest.raises(NotAllowedInStatus, match="Early help first, version 2 is published"):
            drafts.asked(latest())


class TestThePeriod:
    """The period runs from local midnight to local midnight, in summer and in winter time."""

    @pytest.mark.parametrize(
        ("written", "inside"),
        [
            # Greenwich time
            ("Mon 02 Nov 2026 23:59:59", False),
            ("Tue 03 Nov 2026 00:00:00", True),
            ("Wed 04 Nov 2026 23:59:59", True),
            ("Thu 05 Nov 2026 00:00:00", False),
        ],
    )
    def test_in_winter(self, drafts: Drafts, written: str, inside: bool) -> None:
        assert self.found(drafts, written, day("Tue 03 Nov 2026"), day("Wed 04 Nov 2026")) == inside

    @pytest.mark.parametrize(
        ("written", "inside"),
        [
            # Summer time: the local day begins at 23:00 of the day before, by Greenwich
            ("Mon 13 Jul 2026 23:59:59", False),
            ("Tue 14 Jul 2026 00:00:00", True),
            ("Tue 14 Jul 2026 00:59:59", True),
            ("Wed 15 Jul 2026 23:59:59", True),
            ("Thu 16 Jul 2026 00:00:00", False),
            ("Thu 16 Jul 2026 00:59:59", False),
        ],
    )
    def test_in_summer(self, drafts: Drafts, written: str, inside: bool) -> None:
        assert self.found(drafts, written, day("Tue 14 Jul 2026"), day("Wed 15 Jul 2026")) == inside

    @pytest.mark.parametrize(
        ("written", "inside"),
        [
            ("Sat 24 Oct 2026 23:59:59", False),
            ("Sun 25 Oct 2026 00:00:00", True),
            ("Sun 25 Oct 2026 01:30 BST", True),
            ("Sun 25 Oct 2026 01:30 GMT", True),
            ("Sun 25 Oct 2026 23:59:59", True),
            ("Mon 26 Oct 2026 00:00:00", False),
        ],
    )
    def test_on_the_day_of_twenty_five_hours(self, drafts: Drafts, written: str, inside: bool) -> None:
        assert self.found(drafts, written, day("Sun 25 Oct 2026"), day("Sun 25 Oct 2026")) == inside

    @staticmethod
    def found(drafts: Drafts, written: str, first: date, last: date) -> bool:
        moment = local(written)
        if written.endswith(":59"):
            # The very last there is.
            moment += timedelta(microseconds=999_999)
        drafts.story.contact(at=moment, **family(1, "L3-12"))
        (contacts,) = {past_contacts.count(first, last), sum(len(piece) for piece in past_contacts.pieces(first, last))}
        return contacts == 1


class TestWhatItFinds(Town):
    def test_it_counts_as_somebody_would_by_hand(self, drafts: Drafts) -> None:
        replay = whole_town(drafts)
        found, expected = as_found(replay), by_hand(replay)
        for part, counted in expected.items():
            assert found[part] == counted, part
        # The town has something of everything.
        assert {
            "contacts", "decided", "decided_as_before", "decided_as_after", "changed", "pathway", "rag", "level",
            "hold", "team", "up", "down", "agrees_with_people",
        } <= set(found["counts"])  # fmt: skip
        assert {home for home, _, _ in found["demand"]} == {"aylesbury", "wycombe-and-marlow", "chiltern", "?"}
        assert {monday for _, monday, _ in found["demand"]} == {"2026-10-26", "2026-11-02", "2026-11-09"}

    def test_in_pieces_as_at_once(self, drafts: Drafts, monkeypatch: pytest.MonkeyPatch) -> None:
        """Two contacts that were received in the same microsecond are in two batches."""
        monkeypatch.setattr(past_contacts, "A_PIECE", 3)
        moment = local("Mon 09 Nov 2026 10:00")
        for number in range(40, 45):
            drafts.story.contact(at=moment, **family(number, "L3-12"))
        replay = whole_town(drafts)
        assert as_found(replay) == by_hand(replay)
        assert replay.contacts == replay.done == 20

    def test_its_progress_is_on_the_row(self, drafts: Drafts, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(past_contacts, "A_PIECE", 4)
        replay = drafts.asked(drafts.copied(), first_day=date(2026, 11, 1))
        seen: list[tuple[int | None, int]] = []

        def clock() -> datetime:
            now = Replay.objects.get(pk=replay.pk)
            seen.append((now.contacts, now.done))
            return drafts.story.later(seconds=1)

        replaying.run_next(clock=clock)
        assert seen == [(None, 0), (15, 0), (15, 4), (15, 8), (15, 12), (15, 15)]
        kept = Replay.objects.get(pk=replay.pk)
        assert (kept.done, kept.leased_until, kept.finished_at) == (15, None, drafts.story.now)
        event = AuditEvent.objects.get(event=Event.REPLAY_FINISHED)
        assert (event.actor, event.detail["contacts"], event.detail["changed"]) == ("system", 15, 0)

    def test_the_same_rules_change_nothing(self, drafts: Drafts) -> None:
        """Not even for those whom the service has come to know better since: the facts are those of that day."""
        replay = drafts.replayed(drafts.copied(), first_day=date(2026, 11, 1))
        assert replay.result is not None
        assert replay.result["counts"] == {"contacts": 15, "decided": 4, "decided_as_before": 3, "decided_as_after": 3}
        assert all(row["from"] == row["to"] for row in (*replay.result["pathways"], *replay.result["rags"]))
        assert not replay.changed.exists()


class TestWhatItCounts:
    def test_no_contact_at_all(self, drafts: Drafts) -> None:
        replay = drafts.replayed(drafts.copied())
        assert (replay.contacts, replay.done) == (0, 0)
        assert replay.result == {"counts": {}, "pathways": [], "rags": [], "demand": [], "unknown_indicators": {}}

    def test_a_decision_that_waits_for_a_second_person_is_none_yet(self, drafts: Drafts) -> None:
        contact = drafts.story.contact()
        drafts.story.decided(contact, pathway="advice", level=3, rag="blue")
        assert self.counted(drafts)["counts"].get("decided", 0) == 0
        drafts.story.signed_off(contact)
        assert self.counted(drafts)["counts"]["decided"] == 1

    def test_the_locality_is_that_of_the_case_that_a_person_gave_it(self, drafts: Drafts) -> None:
        """The address is confidential, so Amina chose Chiltern, with a reason."""
        contact = drafts.story.contact(**family(1, "L3-12", hidden=True))
        assert {row["locality"] for row in self.counted(drafts)["demand"]} == {"?"}
        chiltern = drafts.story.team("chiltern").pk
        drafts.story.decided(contact, chosen_team_id=chiltern, chosen_team_reason="Near the refuge.")
        assert {row["locality"] for row in self.counted(drafts)["demand"]} == {"chiltern"}

    def test_children_in_two_localities_are_nobodys_yet(self, drafts: Drafts) -> None:
        drafts.story.contact(**in_two_places(1))
        assert {row["locality"] for row in self.counted(drafts)["demand"]} == {"?"}

    def test_a_postcode_outside_our_area_is_nobodys_though_it_looks_like_one_of_ours(self, drafts: Drafts) -> None:
        """The postcode HP20 0QX does not exist."""
        drafts.story.contact(**family(1, "L3-12", at="HP20 0QX"), received_by_phone=False)
        draft = drafts.copied()
        then = {"pathway": "family_help", "rag": "green", "level": 3}
        draft = drafts.changed(draft, having(draft.document, "rules", "outside_our_area", then=then))
        replay = drafts.replayed(draft)
        assert replay.result is not None
        assert [(row["locality"], row["after"]) for row in replay.result["demand"]] == [("?", 1)]

    def test_an_indicator_that_the_draft_lacks_counts_as_absent(self, drafts: Drafts) -> None:
        drafts.story.contact(**family(1, "L4-38"))
        drafts.story.contact(**family(2, "L4-38", "L4-01"))
        replay = drafts.replayed(with_other_rules(drafts))
        assert replay.result is not None
        assert replay.result["unknown_indicators"] == {"L4-38": 2}
        assert {(row["from"], row["to"]): row["contacts"] for row in replay.result["pathways"]} == {
            ("strategy_discussion", "advice"): 1, ("strategy_discussion", "strategy_discussion"): 1,
        }  # fmt: skip
        assert [row.direction for row in replay.changed.all()] == ["down"]

    @staticmethod
    def counted(drafts: Drafts) -> Json:
        replay = drafts.replayed(drafts.copied())
        assert replay.result is not None
        result: Json = replay.result
        return result


def clock_that(story: Story, does: Callable[[], object], at_call: int) -> Callable[[], datetime]:
    """The time, an second later each time it is asked; something happens at one of these times."""
    calls = iter(range(1, 1000))

    def clock() -> datetime:
        if next(calls) == at_call:
            does()
        return story.later(seconds=1)

    return clock


def killed() -> None:
    raise Killed


class TestWhatComesBetween(Town):
    """The batches have four contacts. The time is read at the claim, after each of four batches, and at the end."""

    @pytest.fixture(autouse=True)
    def _pieces(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(past_contacts, "A_PIECE", 4)

    @pytest.fixture
    def asked(self, db: None, asked_once: int) -> Replay:
        return Replay.objects.get(pk=asked_once)

    @pytest.mark.parametrize("at_call", [2, 3, 5, 6])
    def test_somebody_cancels(self, drafts: Drafts, asked: Replay, paula: User, at_call: int) -> None:
        """The worker stops and its rows are deleted. Another replay may be asked for."""

        def cancel() -> None:
            replays.cancel(replay_id=asked.pk, by=paula, now=drafts.story.now)

        replaying.run_next(clock=clock_that(drafts.story, cancel, at_call))
        asked.refresh_from_db()
        assert asked.cancelled_by == paula
        assert (asked.finished_at, asked.failed_at, asked.result) == (None, None, None)
        assert not asked.changed.exists()
        assert not AuditEvent.objects.filter(event=Event.REPLAY_FINISHED).exists()
        with pytest.raises(NotAllowedInStatus, match="has ended already"):
            cancel()
        again = drafts.replayed(asked.rule_set, first_day=asked.first_day, last_day=asked.last_day)
        assert as_found(again) == by_hand(again)

    def test_somebody_cancels_before_it_begins(self, drafts: Drafts, asked: Replay, paula: User) -> None:
        replays.cancel(replay_id=asked.pk, by=paula, now=drafts.story.now)
        assert replaying.run_next(clock=drafts.story.later) is None

    @pytest.mark.parametrize("at_call", [2, 4, 6])
    def test_the_worker_dies_and_another_begins_anew(self, drafts: Drafts, asked: Replay, at_call: int) -> None:
        with pytest.raises(Killed):
            replaying.run_next(clock=clock_that(drafts.story, killed, at_call))
        asked.refresh_from_db()
        leased_until = asked.leased_until
        assert leased_until is not None
        assert replaying.run_next(clock=lambda: leased_until - timedelta(microseconds=1)) is None
        assert replaying.run_next(clock=lambda: leased_until) == asked
        asked.refresh_from_db()
        assert asked.finished_at == leased_until
        assert asked.done == asked.contacts == 15
        assert as_found(asked) == by_hand(asked)

    def test_the_worker_dies_over_it_each_time(self, drafts: Drafts, asked: Replay) -> None:
        """The replay kills each worker that runs it, so it fails after some attempts. Its rows are deleted."""
        self.the_worker_dies(drafts, times=replaying.MOST_ATTEMPTS)
        assert asked.changed.exists()
        assert replaying.run_next(clock=drafts.story.later) is None
        asked.refresh_from_db()
        assert asked.failure == (
            "The worker died 3 times over it. Ask for a shorter period, or tell your administrator."
        )
        assert (asked.attempts, asked.failed_at, asked.finished_at) == (3, drafts.story.now, None)
        assert not asked.changed.exists()
        assert replaying.run_next(clock=drafts.story.later) is None
        again = drafts.replayed(asked.rule_set, first_day=asked.first_day, last_day=asked.last_day)
        assert as_found(again) == by_hand(again)

    def test_it_may_come_to_its_end_at_the_last_attempt(self, drafts: Drafts, asked: Replay) -> None:
        self.the_worker_dies(drafts, times=replaying.MOST_ATTEMPTS - 1)
        assert replaying.run_next(clock=drafts.story.later) == asked
        asked.refresh_from_db()
        assert (asked.attempts, asked.failed_at, asked.finished_at) == (3, None, drafts.story.now)
        assert as_found(asked) == by_hand(asked)

    def test_a_lease_is_renewed_by_every_piece(self, drafts: Drafts, asked: Replay) -> None:
        """Each batch takes a minute and renews the lease, so no other worker starts the replay."""

        moments: list[datetime] = []

        def clock() -> datetime:
            now = drafts.story.later(minutes=1)
            if moments:
                assert replaying.run_next(clock=lambda: now) is None
            moments.append(now)
            return now

        replaying.run_next(clock=clock)
        asked.refresh_from_db()
        assert len(moments) == 6
        assert (asked.started_at, asked.finished_at) == (moments[0], moments[-1])
        assert as_found(asked) == by_hand(asked)

    @pytest.mark.parametrize("at_call", [2, 3, 6])
    def test_a_worker_that_was_slow_adds_nothing_to_what_another_began_anew(
        self, drafts: Drafts, asked: Replay, at_call: int
    ) -> None:
        """A worker sleeps for an hour between two batches, and another finishes the replay."""

        def another() -> None:
            later = drafts.story.later()
            assert replaying.run_next(clock=lambda: later) == asked

        replaying.run_next(clock=clock_that(drafts.story, another, at_call))
        asked.refresh_from_db()
        assert as_found(asked) == by_hand(asked)
        assert asked.done == 15
        assert AuditEvent.objects.filter(event=Event.REPLAY_FINISHED).count() == 1

    def test_a_slow_worker_stops_where_another_is_in_the_middle(self, drafts: Drafts, asked: Replay) -> None:
        def another() -> None:
            drafts.story.later()
            with pytest.raises(Killed):
                replaying.run_next(clock=clock_that(drafts.story, killed, at_call=4))

        replaying.run_next(clock=clock_that(drafts.story, another, at_call=4))
        asked.refresh_from_db()
        assert (asked.finished_at, asked.done) == (None, 8)
        assert asked.changed.values("contact").distinct().count() == asked.changed.count()

    def test_the_draft_changed_before_it_began(self, drafts: Drafts, asked: Replay) -> None:
        draft = asked.rule_set
        with_stored_document(draft, stricter(draft.document))
        assert replaying.run_next(clock=drafts.story.later) is None
        asked.refresh_from_db()
        assert asked.failure == "The rule set changed before the replay began. Ask for another."
        assert (asked.failed_at, asked.result) == (drafts.story.now, None)
        draft.refresh_from_db()
        assert drafts.replayed(draft, first_day=asked.first_day).edition == 3

    def test_the_draft_changed_after_the_worker_died(self, drafts: Drafts, asked: Replay) -> None:
        """Another worker cannot start again, and the first one's rows are deleted."""
        with pytest.raises(Killed):
            replaying.run_next(clock=clock_that(drafts.story, killed, at_call=4))
        assert asked.changed.exists()
        with_stored_document(asked.rule_set, stricter(asked.rule_set.document))
        assert replaying.run_next(clock=drafts.story.later) is None
        asked.refresh_from_db()
        assert asked.failed_at is not None
        assert not asked.changed.exists()

    def test_one_that_came_to_nothing_does_not_stop_the_next(self, drafts: Drafts, asked: Replay) -> None:
        draft = asked.rule_set
        other = drafts.asked(drafts.copied())
        with_stored_document(draft, stricter(draft.document))
        replaying.run_next(clock=drafts.story.later)
        assert replaying.run_next(clock=drafts.story.later) == other

    def test_the_draft_changes_while_it_runs(self, drafts: Drafts, asked: Replay) -> None:
        """The result belongs to the edition at the start, and does not prove the new one."""
        document = asked.rule_set.document

        def change_it() -> None:
            with_stored_document(asked.rule_set, stricter(document))

        replaying.run_next(clock=clock_that(drafts.story, change_it, at_call=3))
        asked.refresh_from_db()
        asked.rule_set.document = document
        assert asked.edition == 2
        assert as_found(asked) == by_hand(asked)
        asked.rule_set.refresh_from_db()
        draft = asked.rule_set
        rules = parse(draft.document)
        wanting = rule_sets.not_proved(draft, rules.document, run(rules))
        assert "It was not replayed over past contacts as it stands now." in wanting

    def test_a_contact_that_comes_while_it_runs_is_not_todays(self, drafts: Drafts, asked: Replay) -> None:
        """The new contact is outside the period. It is not counted, and does not disturb the replay."""

        def comes() -> None:
            drafts.story.contact(**family(60, "L3-12"))

        replaying.run_next(clock=clock_that(drafts.story, comes, at_call=3))
        asked.refresh_from_db()
        assert asked.done == asked.contacts == 15

    @pytest.mark.parametrize("after", [0, 6])
    def test_a_failure_leaves_a_sentence_and_another_may_be_asked_for(
        self, drafts: Drafts, asked: Replay, monkeypatch: pytest.MonkeyPatch, after: int
    ) -> None:
        add, calls = calculator.Replay.add, iter(range(1000))

        def fails(self: calculator.Replay, seen: calculator.PastRecommendation) -> Any:
            if next(calls) >= after:
                raise ValueError("HP20 1UA")
            return add(self, seen)

        with monkeypatch.context() as broken:
            broken.setattr(calculator.Replay, "add", fails)
            with pytest.raises(ValueError, match="HP20"):
                replaying.run_next(clock=drafts.story.later)
        asked.refresh_from_db()
        assert asked.failure == "It stopped with an error (ValueError). The administrators' log has more."
        assert (asked.failed_at, asked.finished_at, asked.leased_until) == (drafts.story.now, None, None)
        assert not asked.changed.exists()
        assert replaying.run_next(clock=drafts.story.later) is None
        again = drafts.replayed(asked.rule_set, first_day=asked.first_day, last_day=asked.last_day)
        assert as_found(again) == by_hand(again)

    @staticmethod
    def the_worker_dies(drafts: Drafts, *, times: int) -> None:
        """In the middle, so often; each time its lease runs out."""
        for _ in range(times):
            with pytest.raises(Killed):
                replaying.run_next(clock=clock_that(drafts.story, killed, at_call=4))
            drafts.story.later()


class TestTheQueue(Town):
    def test_the_one_that_waited_longest_is_first(self, drafts: Drafts) -> None:
        asked = [drafts.asked(drafts.copied()) for _ in range(3)]
        ran = [replaying.run_next(clock=drafts.story.later) for _ in range(4)]
        assert ran == [*asked, None]

    def test_one_runs_at_a_time(self, drafts: Drafts, monkeypatch: pytest.MonkeyPatch) -> None:
        """While one replay runs in batches, the other does not start, because the worker must also send reminders."""
        monkeypatch.setattr(past_contacts, "A_PIECE", 4)
        first, second = (drafts.asked(drafts.copied(), first_day=date(2026, 11, 1)) for _ in range(2))
        seen: list[int] = []

        def clock() -> datetime:
            now = drafts.story.later(seconds=1)
            if Replay.objects.filter(pk=first.pk, started_at__isnull=False).exists():
                assert replaying.run_next(clock=lambda: now) is None
                seen.append(Replay.objects.get(pk=first.pk).done)
            return now

        assert replaying.run_next(clock=clock) == first
        assert seen == [0, 4, 8, 12, 15]
        second.refresh_from_db()
        assert (second.attempts, second.started_at) == (0, None)
        assert replaying.run_next(clock=drafts.story.later) == second

    def test_nor_is_the_other_begun_while_the_first_may_still_run(self, drafts: Drafts) -> None:
        """The worker dies, which shows when its lease ends. Then the first replay starts again, and the other waits."""
        drafts.story.contact()
        first, _ = (drafts.asked(drafts.copied()) for _ in range(2))
        with pytest.raises(Killed):
            replaying.run_next(clock=clock_that(drafts.story, killed, at_call=2))
        first.refresh_from_db()
        leased_until = first.leased_until
        assert leased_until is not None
        assert replaying.run_next(clock=lambda: leased_until - timedelta(microseconds=1)) is None
        assert replaying.run_next(clock=lambda: leased_until) == first

    def test_a_piece_takes_the_same_few_queries_however_large_it_is(
        self, drafts: Drafts, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its contacts, where their postcodes lie, its progress, what it found; and a savepoint around the last two."""
        draft = with_other_rules(drafts)

        def queries(size: int) -> int:
            monkeypatch.setattr(past_contacts, "A_PIECE", size)
            drafts.asked(draft, **WHOLE)
            with CaptureQueriesContext(connection) as captured:
                replaying.run_next(clock=lambda: drafts.story.now)
            return len([query for query in captured if "SAVEPOINT" not in query["sql"]])

        once, three_times = queries(15), queries(5)
        assert three_times - once <= 2 * 4
        # The claim, the end, the rule set's own version; no more.
        assert once <= 14


class TestWorkersAtOnce:
    def test_four_workers_at_once_begin_one(self, committed: str) -> None:
        """Whoever begins one stays in the middle of it until each of the others has begun one or found none."""
        story = Story(THURSDAY)
        drafts = Drafts(story)
        story.contact()
        first, *_ = [drafts.asked(drafts.copied()) for _ in range(4)]
        everybody = threading.Barrier(4)

        def worker() -> Replay | None:
            def clock() -> datetime:
                if next(calls) == 1:
                    everybody.wait(timeout=10)
                return story.now

            calls = iter(range(1000))
            ran = replaying.run_next(clock=clock)
            if ran is None:
                everybody.wait(timeout=10)
            return ran

        ran = race(*[worker] * 4)
        assert [each for each in ran if each is not None] == [first]

    def test_two_workers_at_once_run_two_replays_or_one(self, committed: str) -> None:
        story = Story(THURSDAY)
        drafts = Drafts(story)
        town(story)
        asked = [drafts.asked(drafts.copied(), first_day=date(2026, 11, 1)) for _ in range(2)]

        def worker(_: int) -> list[Replay | None]:
            try:
                return [replaying.run_next(clock=lambda: story.now) for _ in range(2)]
            finally:
                connections.close_all()

        with ThreadPoolExecutor(4) as pool:
            ran = [each for found in pool.map(worker, range(4)) for each in found if each is not None]
        assert sorted(each.pk for each in ran) == [each.pk for each in asked]
        assert AuditEvent.objects.filter(event=Event.REPLAY_FINISHED).count() == 2


class TestWhatStays(Town):
    def test_nothing_of_a_result_changes(self, drafts: Drafts) -> None:
        replay = whole_town(drafts)
        row = replay.changed.all()[0].pk
        attempts: list[Callable[[], object]] = [
            lambda: change("casework_replay", replay.pk, result="'{}'"),
            lambda: change("casework_replay", replay.pk, finished_at="NULL", result="NULL"),
            lambda: delete("casework_replay", replay.pk),
            lambda: change("casework_replayedcontact", row, direction="'up'"),
            lambda: delete("casework_replayedcontact", row),
            lambda: copy("casework_replayedcontact", row),
        ]
        for attempt in attempts:
            with pytest.raises(IntegrityError), transaction.atomic():
                attempt()
        with pytest.raises(NotAllowedInStatus, match="has ended already"):
            replays.cancel(replay_id=replay.pk, by=person("paula"), now=drafts.story.later())

    def test_who_takes_it_out_of_the_service_is_written_down(self, drafts: Drafts, ava: User) -> None:
        replay = whole_town(drafts)
        assert replays.export(replay_id=replay.pk, by=ava, now=drafts.story.later()) == replay
        event = AuditEvent.objects.get(event=Event.REPLAY_EXPORTED)
        assert (event.by_user, event.detail) == (ava, {"rule_set": "early-help-first/3", "replay": replay.pk})

    def test_only_what_is_finished_is_taken_out(self, drafts: Drafts, ava: User) -> None:
        replay = drafts.asked(drafts.copied())
        with pytest.raises(NotAllowedInStatus, match="Only a finished replay can be exported"):
            replays.export(replay_id=replay.pk, by=ava, now=drafts.story.later())
