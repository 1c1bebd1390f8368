"""
Re-checks: every stored recommendation is computed again, from its facts and by its own version, to the same result.

One that somebody slipped in past the actions is found, told to those who must know, and kept.
"""

import json
from datetime import datetime
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction

from casework.jobs import rechecks
from casework.models import AuditEvent, Contact, Event, Message, OutboxMessage, Recheck, Recommendation
from tests.conftest import THURSDAY
from tests.stage.documents import child
from tests.stage.drafts import Drafts
from tests.stage.rule_documents import having
from tests.stage.sql import change, copy, delete, run
from tests.stage.story import Story

Json = dict[str, Any]


def tampered(contact: Contact, **but: str) -> int:
    """A recommendation beside the contact's own, that no rules made. The table takes new rows, as it must."""
    assert contact.recommendation_id is not None
    return copy("casework_recommendation", contact.recommendation_id, **but)


def as_sql(value: object) -> str:
    return "'" + json.dumps(value).replace("'", "''") + "'::jsonb"


def result_of(contact: Contact) -> Json:
    """The stored result, to be changed."""
    assert contact.recommendation is not None
    return json.loads(json.dumps(contact.recommendation.result))  # type: ignore[no-any-return]  # as it was stored


@pytest.fixture(scope="class")
def told(told_for_a_class: None) -> list[int]:
    """Contacts whose recommendations have reasons, gaps and changes of every kind."""
    story = Story(THURSDAY)
    contacts = [
        story.contact(),
        story.contact(children=[child(indicators=["L4-01"])]),
        story.contact(agreement={"service": "not_sought"}),
        story.contact(children=[child(indicators=[], date_of_birth=None)], family_indicators=["L3-30"]),
        story.contact(children=[child(indicators=["L2-26"])], domestic_abuse={"dash": "high", "marac": None}),
    ]
    return [contact.pk for contact in contacts]


@pytest.fixture
def several(db: None, told: list[int]) -> list[Contact]:
    return [Contact.objects.select_related("recommendation").get(pk=contact) for contact in told]


class TestRecheckingSeveral:
    def test_all_come_out(self, several: list[Contact], now: datetime) -> None:
        found = rechecks.recheck(now=now, sample=None)
        assert (found.checked, found.differing, found.at) == (5, [], now)
        event = AuditEvent.objects.get(event=Event.RECOMMENDATIONS_RECHECKED)
        assert (event.actor, event.detail) == ("system", {"checked": 5, "differing": 0})
        assert not OutboxMessage.objects.filter(kind=Message.RECHECK_DIFFERS).exists()

    @pytest.mark.parametrize("shape", ["'{}'", "'[]'", "'3'", """'{"reasons": null}'""", "result - 'missing'"])
    @pytest.mark.parametrize("column", ["result", "facts"])
    def test_what_has_not_even_the_shape_stops_nothing(
        self, several: list[Contact], now: datetime, column: str, shape: str
    ) -> None:
        """The recommendations after it are checked as well."""
        wrong = tampered(several[0], **{column: shape})
        later = tampered(several[1], level="1")
        found = rechecks.recheck(now=now, sample=None)
        assert (found.checked, found.differing) == (7, [wrong, later])

    def test_better_words_are_no_difference(self, several: list[Contact], now: datetime) -> None:
        """A later release may change the wording."""
        for contact in several:
            result = result_of(contact)
            for part, field in (("reasons", "says"), ("missing", "says"), ("would_change", "if")):
                for entry in result[part]:
                    entry[field] = "In other words."
            tampered(contact, result=as_sql(result))
        assert all(result_of(contact)["reasons"] for contact in several)
        assert any(result_of(contact)["missing"] for contact in several)
        assert rechecks.recheck(now=now, sample=None).differing == []


class TestRechecking:
    def test_those_that_came_later_about_a_contact_too(self, story: Story, now: datetime) -> None:
        contact = story.contact()
        story.decided(contact)
        story.contact()
        assert rechecks.recheck(now=now, sample=None).checked == Recommendation.objects.count() == 2

    def test_nothing_to_check(self, db: None, now: datetime) -> None:
        for sample in (None, 1000):
            found = rechecks.recheck(now=now, sample=sample)
            assert (found.checked, found.differing) == (0, [])

    @pytest.mark.parametrize(
        "change_it",
        [
            {"pathway": "advice"},
            {"rag": "blue"},
            {"level": 1},
            {"hold": "manager"},
            {"lead": None},
            {"ruleset": "early-help-first/3"},
            {"also_refer_to": ["lado"]},
            {"warnings": ["do_not_inform_parents"]},
            {"reasons": []},
            {"missing": []},
            {"would_change": []},
            {"another": "field"},
        ],
    )
    def test_a_result_that_no_rules_gave_is_found(self, story: Story, now: datetime, change_it: Json) -> None:
        contact = story.contact()
        wrong = tampered(contact, result=as_sql(result_of(contact) | change_it))
        found = rechecks.recheck(now=now, sample=None)
        assert (found.checked, found.differing) == (2, [wrong])

    @pytest.mark.parametrize("field", ["rule", "because", "child"])
    def test_so_is_a_reason_that_was_none(self, story: Story, now: datetime, field: str) -> None:
        contact = story.contact()
        result = result_of(contact)
        result["reasons"][0][field] = ["L3-13"] if field == "because" else "another"
        assert rechecks.recheck(now=now, sample=None).differing == []
        wrong = tampered(contact, result=as_sql(result))
        assert rechecks.recheck(now=now, sample=None).differing == [wrong]

    @pytest.mark.parametrize(
        "column", [{"pathway": "'advice'"}, {"rag": "'red'"}, {"level": "4"}, {"hold": "'manager'"}]
    )
    def test_so_is_a_column_that_says_something_else_than_the_result(
        self, story: Story, now: datetime, column: dict[str, str]
    ) -> None:
        """The columns are checked as well, because lists, reports and replays read them."""
        wrong = tampered(story.contact(), **column)
        assert rechecks.recheck(now=now, sample=None).differing == [wrong]

    def test_so_are_facts_that_were_others(self, story: Story, now: datetime) -> None:
        contact = story.contact()
        assert contact.recommendation is not None
        facts = contact.recommendation.facts
        other = [facts | {"agreement": "refused"}, facts | {"children": []}, facts | {"shoe_size": 38}]
        wrong = [tampered(contact, facts=as_sql(each)) for each in other]
        assert rechecks.recheck(now=now, sample=None).differing == wrong

    def test_each_is_computed_by_its_own_version(self, drafts: Drafts, now: datetime) -> None:
        """The live version is another one now, and would recommend something else."""
        before = drafts.story.contact()
        draft = drafts.copied()
        document = draft.document
        then = {"pathway": "social_worker_review", "rag": "amber", "level": 3}
        for rule in ("level_3_agreed", "level_3_agreement_not_sought"):
            document = having(document, "rules", rule, then=then)
        expect = {"pathway": "social_worker_review"}
        names = ("level_3_agreed", "level_3_not_asked", "accumulation_agreed", "baby_without_parental_risk")
        for name in names:
            document = having(document, "scenarios", name, expect=expect)
        handed_on = {"pathway": "other_authority", "rag": "amber"}
        document = having(document, "scenarios", "outside_our_area_accumulation", expect=handed_on)
        drafts.published(drafts.changed(draft, document, by="sam"))
        after = drafts.story.contact()
        assert before.recommendation is not None
        assert after.recommendation is not None
        assert (before.recommendation.pathway, after.recommendation.pathway) == ("family_help", "social_worker_review")
        found = rechecks.recheck(now=now, sample=None)
        assert (found.checked, found.differing) == (2, [])


class TestASample:
    @pytest.mark.parametrize(("sample", "checked"), [(0, 0), (1, 1), (3, 3), (5, 5), (1000, 5)])
    def test_so_many_by_lot(self, several: list[Contact], now: datetime, sample: int, checked: int) -> None:
        assert rechecks.recheck(now=now, sample=sample).checked == checked

    def test_each_has_its_turn_some_night(self, several: list[Contact], now: datetime) -> None:
        """A random sample of one finds the wrong recommendation within some nights. Each night misses five of six."""
        wrong = tampered(several[0], level="1")
        nights = 0
        while not rechecks.recheck(now=now, sample=1).differing:
            nights += 1
            assert nights < 300, "one in six, and never drawn"
        assert Recheck.objects.all()[0].differing == [wrong]


class TestALargeSample:
    """Alone with its story: the pieces are of ids that follow on each other."""

    def test_a_large_one_is_read_in_pieces(
        self, several: list[Contact], now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rechecks, "A_PIECE", 2)
        wrong = tampered(several[4], level="1")
        for sample in (None, 1000):
            done: list[int] = []
            found = rechecks.recheck(now=now, sample=sample, progress=done.append)
            assert (found.checked, found.differing, done) == (6, [wrong], [2, 4, 6])


class TestWhatFollows:
    def test_those_who_must_know_are_told(self, story: Story, now: datetime) -> None:
        tampered(story.contact(), level="1")
        found = rechecks.recheck(now=now, sample=None)
        messages = OutboxMessage.objects.filter(kind=Message.RECHECK_DIFFERS)
        recipients = ["adele@front-door.example", "sam@front-door.example"]
        assert sorted(messages.values_list("to", flat=True)) == recipients
        assert all(message.idempotency_key.startswith(f"recheck_differs:{found.pk}:") for message in messages)
        event = AuditEvent.objects.get(event=Event.RECOMMENDATIONS_RECHECKED)
        assert event.detail == {"checked": 2, "differing": 1}

    def test_each_night_that_finds_one_says_so(self, story: Story) -> None:
        tampered(story.contact(), level="1")
        for _ in range(2):
            rechecks.recheck(now=story.later(days=1), sample=None)
        assert OutboxMessage.objects.filter(kind=Message.RECHECK_DIFFERS).count() == 4

    def test_what_was_found_is_kept(self, story: Story, now: datetime) -> None:
        found = rechecks.recheck(now=now, sample=None)
        for attempt in (
            lambda: change("casework_recheck", found.pk, differing="'{}'"),
            lambda: delete("casework_recheck", found.pk),
            lambda: run("TRUNCATE casework_recheck"),
        ):
            with pytest.raises(IntegrityError), transaction.atomic():
                attempt()


class TestTheCommand:
    def test_nothing_differs(self, several: list[Contact]) -> None:
        assert self.run() == (0, "5 computed again, 0 differ from what was stored.\n")

    def test_something_does(self, several: list[Contact]) -> None:
        wrong = [tampered(contact, level="1") for contact in several[:2]]
        code, said = self.run()
        assert code == 1
        assert said == (f"7 computed again, 2 differ from what was stored.\nRecommendations: {wrong[0]}, {wrong[1]}\n")
        assert Recheck.objects.get().differing == wrong

    def test_a_sample(self, several: list[Contact]) -> None:
        assert self.run("--sample", "2") == (0, "2 computed again, 0 differ from what was stored.\n")

    @staticmethod
    def run(*words: str) -> tuple[int, str]:
        says, code = StringIO(), 0
        try:
            call_command("recheck_recommendations", *words, stdout=says, stderr=StringIO())
        except SystemExit as done:
            code = int(str(done.code))
        return code, says.getvalue()
