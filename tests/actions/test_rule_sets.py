"""
Rule sets: copied, changed, proved, proposed, approved by a second person, and live from a moment on without a gap.

Paula leads practice, Maya manages the front door and may draft, Sam manages the service.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from casework.actions import learning, replays, rule_sets
from casework.jobs import replaying
from casework.models import AuditEvent, Event, Message, OutboxMessage, Replay
from casework.record import integrity
from errors import InvalidInput, NotAllowedInStatus, NotPermitted, TakenBySomeoneElse
from localities.models import Membership, User
from tests.conftest import THURSDAY
from tests.stage.documents import child
from tests.stage.drafts import AHEAD, Drafts, latest, stricter
from tests.stage.rule_documents import having
from tests.stage.story import SharedStory, Story, person
from triage import published_rules
from triage.drafting import with_scenario, without_scenario
from triage.models import RuleSetVersion, Stage
from triage.reading import read_document
from triage.rule_set_document import as_json
from triage.ruleset import shipped

MOMENT = timedelta(microseconds=1)
HOUR = timedelta(hours=1)


def events() -> list[tuple[str, str]]:
    """The audit events about rule sets, with their actors."""
    found = AuditEvent.objects.filter(event__startswith="rule_set").select_related("by_user")
    return [(event.event, event.by_user.username if event.by_user else "") for event in found]


def said(event: Event) -> dict[str, Any]:
    """The detail of the last event of a kind."""
    detail: dict[str, Any] = AuditEvent.objects.filter(event=event).latest("pk").detail
    return detail


def recipients(kind: Message) -> list[str]:
    """Who gets a message of this kind."""
    return [
        to.partition("@")[0]
        for to in OutboxMessage.objects.filter(kind=kind).order_by("pk").values_list("to", flat=True)
    ]


def places(invalid: pytest.ExceptionInfo[InvalidInput]) -> list[str]:
    return [fault.place for fault in invalid.value.faults]


def says(invalid: pytest.ExceptionInfo[InvalidInput]) -> str:
    return " ".join(str(fault) for fault in invalid.value.faults)


def nothing_is_broken() -> bool:
    return {finding.sentence: finding.broken for finding in integrity.check() if finding.broken} == {}


def unsafe(document: dict[str, Any]) -> dict[str, Any]:
    """A hard stop that ends in early help."""
    return having(document, "rules", "hard_stop", then={"pathway": "early_help", "rag": "green", "level": 2})


def renamed(document: dict[str, Any], name: str, other: str) -> dict[str, Any]:
    """The document with another name wherever this one stands."""
    changed: dict[str, Any] = json.loads(json.dumps(document).replace(json.dumps(name), json.dumps(other)))
    return changed


def without_pathway(document: dict[str, Any], name: str, *, instead: str) -> dict[str, Any]:
    """The document without a pathway; whatever led there leads to another."""
    pathways = [entry for entry in document["pathways"] if entry["id"] != name]
    return renamed(document, name, instead) | {"pathways": pathways}


@pytest.fixture(scope="class")
def shared(told_for_a_class: None, request: pytest.FixtureRequest) -> SharedStory:
    story = Story(THURSDAY)
    return SharedStory(story, (request.cls.tell(Drafts(story)).pk,))


class FromADraft:
    """Each test starts from the draft that `tell` makes. It is made once for the class."""

    @staticmethod
    def tell(drafts: Drafts) -> RuleSetVersion:
        return drafts.copied()

    @pytest.fixture
    def story(self, db: None, shared: SharedStory) -> Story:
        return shared.story.goes_on()

    @pytest.fixture
    def draft(self, db: None, shared: SharedStory) -> Iterator[RuleSetVersion]:
        yield RuleSetVersion.objects.get(pk=shared.about[0])
        # A published version is cached by its id. Each test may publish this one with another document.
        published_rules._compiled.cache_clear()


class TestCopying:
    def test_a_copy_is_a_draft_of_what_it_was_copied_from(self, drafts: Drafts, paula: User) -> None:
        source = latest()
        draft = drafts.copied()
        assert (draft.name, draft.version, draft.edition, draft.based_on) == (source.name, 3, 1, source)
        assert (draft.drafted_by, draft.drafted_at) == (paula, drafts.story.now)
        assert (draft.live, draft.published_at, draft.proposed_at, draft.safety_changed_by) == (None, None, None, None)
        before, after = read_document(source.document), read_document(draft.document)
        assert after == before.model_copy(update={"version": 3})
        assert said(Event.RULE_SET_DRAFTED) == {
            "rule_set": "early-help-first/3",
            "based_on": "early-help-first/2",
            "copied_from": "early-help-first/2",
        }

    def test_each_has_the_next_number_and_none_comes_twice(self, drafts: Drafts) -> None:
        first, second = drafts.copied(), drafts.copied()
        rule_sets.discard(version_id=second.pk, by=person("paula"), now=drafts.story.later())
        third = drafts.copied(first)
        assert [draft.version for draft in (first, second, third)] == [3, 4, 5]
        assert third.based_on == latest(), "the version whose place it would take"
        assert third.document["version"] == 5

    @pytest.mark.parametrize("starts_at", [None, AHEAD])
    def test_an_older_version_comes_as_it_was_and_takes_the_place_of_what_goes_on(
        self, drafts: Drafts, starts_at: datetime | None
    ) -> None:
        """The copy replaces the version that is live until further notice, not the copied version."""
        old, newer = latest(), drafts.copied()
        newer = drafts.published(drafts.changed(newer, stricter(newer.document)), starts_at=starts_at)
        draft = drafts.copied(old)
        assert (draft.version, draft.based_on) == (4, newer)
        assert read_document(draft.document) == read_document(old.document).model_copy(update={"version": 4})
        assert said(Event.RULE_SET_DRAFTED) == {
            "rule_set": "early-help-first/4",
            "based_on": "early-help-first/3",
            "copied_from": "early-help-first/2",
        }

    def test_one_without_safety_scenarios_gets_the_shipped_ones(self, drafts: Drafts) -> None:
        """The first published versions had no safety scenarios."""
        draft = drafts.copied(self.published_before(scenarios=[]))
        assert read_document(draft.document).scenarios == shipped().document.scenarios

    def test_its_own_scenarios_stay(self, drafts: Drafts) -> None:
        own = [{"id": "ours", "title": "Ours", "facts": {}, "expect": {"pathway": "advice"}}]
        draft = drafts.copied(self.published_before(scenarios=own))
        scenarios = read_document(draft.document).scenarios
        assert scenarios[0].id == "ours"
        assert scenarios[1:] == shipped().document.scenarios

    def test_one_whose_safety_scenarios_lost_their_protection_gets_them_back(self, drafts: Drafts) -> None:
        """Each scenario is there once."""
        scenarios = [{**each, "protected": False} for each in as_json(shipped().document)["scenarios"]]
        draft = drafts.copied(self.published_before(scenarios=scenarios))
        assert read_document(draft.document).scenarios == shipped().document.scenarios

    def test_what_does_not_fit_another_councils_rules_is_left_out(self, drafts: Drafts) -> None:
        """A scenario of an indicator that they do not have. The draft can be read, and worked on."""
        document = as_json(shipped().document)
        document["indicators"] = [entry for entry in document["indicators"] if entry["code"] != "L4-38"]
        draft = drafts.copied(self.published_before(**document | {"scenarios": []}), by="sam")
        names = [scenario.id for scenario in read_document(draft.document).scenarios]
        assert "nobody_to_care" not in names
        assert len(names) == len(shipped().document.scenarios) - 1

    @staticmethod
    def published_before(**changes: Any) -> RuleSetVersion:
        document = as_json(shipped().document) | {"ruleset": "a-councils-own"} | changes
        return RuleSetVersion.objects.create(
            name="a-councils-own", version=1, document=document, published_at=THURSDAY - timedelta(days=365)
        )


class TestChanging(FromADraft):
    def test_a_change_is_a_new_edition(self, drafts: Drafts, draft: RuleSetVersion) -> None:
        changed = drafts.changed(draft, stricter(draft.document))
        assert changed.edition == 2
        kept = RuleSetVersion.objects.get(pk=draft.pk)
        assert (kept.edition, kept.document) == (2, stricter(draft.document))
        assert events()[-1] == ("rule_set_changed", "paula")
        assert said(Event.RULE_SET_CHANGED) == {"rule_set": "early-help-first/3", "edition": 2, "safety": []}

    def test_what_came_since_is_not_undone(self, drafts: Drafts, draft: RuleSetVersion) -> None:
        seen = draft
        drafts.changed(RuleSetVersion.objects.get(pk=seen.pk), stricter(seen.document))
        with pytest.raises(TakenBySomeoneElse, match="Early help first, version 3 while you were reading"):
            drafts.changed(seen, seen.document, by="maya")
        kept = RuleSetVersion.objects.get(pk=seen.pk)
        assert (kept.edition, kept.document) == (2, stricter(seen.document))

    def test_every_fault_is_named_and_nothing_is_kept(self, drafts: Drafts, draft: RuleSetVersion) -> None:
        document = having(draft.document, "rules", "level_3_agreed", when={"fact": "shoe_size", "is": 38})
        document = having(document, "indicators", "L4-01", also_refer_to="police")
        document = having(document, "scenarios", "injury", expect={})
        with pytest.raises(InvalidInput) as invalid:
            drafts.changed(draft, document)
        assert sorted(places(invalid)) == [
            "indicators.L4-01.also_refer_to", "rules.level_3_agreed.when.fact", "scenarios.injury.expect",
        ]  # fmt: skip
        kept = RuleSetVersion.objects.get(pk=draft.pk)
        assert (kept.edition, kept.document) == (1, draft.document)
        assert events() == [("rule_set_drafted", "paula")]

    @pytest.mark.parametrize("by", ["paula", "sam"])
    def test_no_indicator_is_taken_away(self, drafts: Drafts, draft: RuleSetVersion, by: str) -> None:
        """A service manager may not remove an indicator either, even if no rule uses it."""
        indicators = [entry for entry in draft.document["indicators"] if entry["code"] not in ("L4-07", "L3-03")]
        with pytest.raises(InvalidInput) as invalid:
            drafts.changed(draft, draft.document | {"indicators": indicators}, by=by)
        says = "may not be taken away: partners send it, and it would be refused."
        assert [str(fault) for fault in invalid.value.faults] == [
            f"indicators.L3-03: {says}", f"indicators.L4-07: {says}",
        ]  # fmt: skip
        self.nothing_was_kept(draft)

    @pytest.mark.parametrize("by", ["paula", "sam"])
    @pytest.mark.parametrize(
        ("name", "change"),
        [
            ("link_to_open_work", lambda document: without_pathway(document, "link_to_open_work", instead="advice")),
            ("family_help", lambda document: renamed(document, "family_help", "help_for_families")),
        ],
        ids=["taken away", "renamed"],
    )
    def test_no_pathway_is_taken_away_or_renamed(
        self, drafts: Drafts, draft: RuleSetVersion, by: str, name: str, change: Any
    ) -> None:
        """The document no longer uses the pathway, but clocks and cases do."""
        with pytest.raises(InvalidInput) as invalid:
            drafts.changed(draft, change(draft.document), by=by)
        assert [str(fault) for fault in invalid.value.faults] == [
            f"pathways.{name}: may not be taken away or renamed: clocks and cases know it. Change its title."
        ]
        self.nothing_was_kept(draft)

    def test_a_pathway_may_have_another_title(self, drafts: Drafts, draft: RuleSetVersion) -> None:
        changed = drafts.changed(draft, having(draft.document, "pathways", "family_help", title="Help for families"))
        assert changed.edition == 2

    def test_what_the_draft_itself_brought_may_be_taken_away_again(self, drafts: Drafts, draft: RuleSetVersion) -> None:
        """A name that only the draft has is not used anywhere yet."""
        before = draft.document
        indicator = before["indicators"][-1] | {"code": "L2-99"}
        pathway = before["pathways"][-1] | {"id": "youth_work", "title": "Youth work"}
        brings = {"indicators": [*before["indicators"], indicator], "pathways": [*before["pathways"], pathway]}
        draft = drafts.changed(draft, before | brings)
        assert drafts.changed(draft, before).document == before

    @pytest.mark.parametrize("other", [{"version": 4}, {"version": 2}, {"ruleset": "another"}])
    def test_its_name_and_number_stay(self, drafts: Drafts, draft: RuleSetVersion, other: dict[str, Any]) -> None:
        with pytest.raises(InvalidInput, match="stay early-help-first and 3") as invalid:
            drafts.changed(draft, draft.document | other)
        assert places(invalid) == ["version"]

    def test_to_expect_nothing_is_not_to_ask(self, drafts: Drafts, draft: RuleSetVersion) -> None:
        """`hold: null` expects no hold; without it, a hold would do. That is a change."""
        expect = {"pathway": "early_help", "rag": "green"}
        draft = drafts.changed(draft, having(draft.document, "scenarios", "second_contact", expect=expect))
        document = having(draft.document, "scenarios", "second_contact", expect=expect | {"hold": None})
        seen = draft.edition
        assert drafts.changed(draft, document).edition == seen + 1
        kept = RuleSetVersion.objects.get(pk=draft.pk).document
        assert next(each for each in kept["scenarios"] if each["id"] == "second_contact")["expect"]["hold"] is None

    def test_what_is_published_or_discarded_does_not_change(self, drafts: Drafts, draft: RuleSetVersion) -> None:
        live = latest()
        with pytest.raises(NotAllowedInStatus, match="Early help first, version 2 is published, and never changes"):
            drafts.changed(live, live.document)
        rule_sets.discard(version_id=draft.pk, by=person("paula"), now=drafts.story.later())
        with pytest.raises(NotAllowedInStatus, match="Early help first, version 3 was discarded"):
            drafts.changed(draft, stricter(draft.document))

    @staticmethod
    def nothing_was_kept(draft: RuleSetVersion) -> None:
        kept = RuleSetVersion.objects.get(pk=draft.pk)
        assert (kept.edition, kept.document) == (1, draft.document)
        assert events() == [("rule_set_drafted", "paula")]


class TestChangingAProposal(FromADraft):
    @staticmethod
    def tell(drafts: Drafts) -> RuleSetVersion:
        return drafts.proposed()

    def test_the_same_document_again_is_no_change(self, drafts: Drafts, draft: RuleSetVersion) -> None:
        again = drafts.changed(draft, as_json(read_document(draft.document)))
        assert again.edition == 1
        assert again.proposed_at is not None
        assert not AuditEvent.objects.filter(event=Event.RULE_SET_CHANGED).exists()

    def test_a_proposal_that_changes_is_a_plain_draft_again(
        self, drafts: Drafts, draft: RuleSetVersion, now: datetime
    ) -> None:
        assert draft.stage(now) == Stage.PROVED
        changed = drafts.changed(draft, stricter(draft.document), by="maya")
        assert (changed.proposed_by, changed.proposed_at, changed.proposal) == (None, None, "")
        assert changed.stage(now) == Stage.DRAFT
        with pytest.raises(NotAllowedInStatus, match="Nobody has proposed Early help first, version 3, or it"):
            drafts.approved(changed)


def _new(protected: bool) -> dict[str, Any]:
    facts = {"agreement": "given"}
    expect = {"pathway": "advice"}
    return {"id": "new_one", "title": "A new one", "protected": protected, "facts": facts, "expect": expect}


SAFETY: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "its title": lambda document: having(document, "scenarios", "injury", title="An injury"),
    "its facts": lambda document: having(document, "scenarios", "injury", facts={"immediate_danger": True}),
    "less expected": lambda document: having(
        document, "scenarios", "injury", expect={"pathway": "strategy_discussion"}
    ),
    "taken away": lambda document: without_scenario(document, "injury"),
    "no longer protected": lambda document: having(document, "scenarios", "injury", protected=None),
    "under another name": lambda document: having(document, "scenarios", "injury", id="harm"),
    "a new one": lambda document: with_scenario(document, _new(protected=True), instead_of=None),
    "one that is protected now": lambda document: having(document, "scenarios", "needs_met", protected=True),
}


class TestSafetyScenarios(FromADraft):
    """Every version must pass its safety scenarios. Only a service manager may change them."""

    @pytest.mark.parametrize("what", SAFETY)
    @pytest.mark.parametrize("by", ["paula", "maya"])
    def test_others_may_not_change_them(self, drafts: Drafts, draft: RuleSetVersion, what: str, by: str) -> None:
        with pytest.raises(NotPermitted, match=r"Only a service manager can change what safety rests on: \w+"):
            drafts.changed(draft, SAFETY[what](draft.document), by=by)
        kept = RuleSetVersion.objects.get(pk=draft.pk)
        assert (kept.edition, kept.document, kept.safety_changed_by) == (1, draft.document, None)

    @pytest.mark.parametrize("what", SAFETY)
    def test_a_service_manager_may_and_it_is_written_down(
        self, drafts: Drafts, draft: RuleSetVersion, sam: User, what: str
    ) -> None:
        changed = drafts.changed(draft, SAFETY[what](draft.document), by="sam")
        assert (changed.edition, changed.safety_changed_by) == (2, sam)
        names = {"a new one": ["new_one"], "under another name": ["harm", "injury"]}
        names |= {"one that is protected now": ["needs_met"]}
        assert said(Event.RULE_SET_CHANGED)["safety"] == names.get(what, ["injury"])

    @pytest.mark.parametrize(
        "change",
        [
            lambda document: having(document, "scenarios", "needs_met", title="Nothing above universal services"),
            lambda document: without_scenario(document, "needs_met"),
            lambda document: with_scenario(document, _new(protected=False), instead_of=None),
            lambda document: document | {"scenarios": document["scenarios"][::-1]},
        ],
    )
    def test_anybody_who_drafts_may_change_the_others(self, drafts: Drafts, draft: RuleSetVersion, change: Any) -> None:
        changed = drafts.changed(draft, change(draft.document))
        assert (changed.edition, changed.safety_changed_by) == (2, None)

    def test_a_fault_is_named_before_a_right_is_missed(self, drafts: Drafts, draft: RuleSetVersion) -> None:
        with pytest.raises(InvalidInput):
            drafts.changed(draft, having(draft.document, "scenarios", "injury", expect={}))


def more_careful(drafts: Drafts) -> RuleSetVersion:
    """A version after the first, which stays as it was: one more strong indicator is live."""
    first, draft = latest(), drafts.copied()
    drafts.published(drafts.changed(draft, having(draft.document, "indicators", "L3-03", gate="strong")))
    return first


def one_scenario_more(drafts: Drafts) -> RuleSetVersion:
    """A version after the first, which stays as it was: one more safety scenario must pass."""
    first, draft = latest(), drafts.copied()
    document = with_scenario(draft.document, _new(protected=True), instead_of=None)
    drafts.published(drafts.changed(draft, document, by="sam"))
    return first


def weakened(drafts: Drafts) -> RuleSetVersion:
    """A draft in which a service manager made a hard stop less of one."""
    draft = drafts.copied()
    return drafts.changed(draft, having(draft.document, "indicators", "L4-01", gate="strong"), by="sam")


WEAKER: dict[str, tuple[Callable[[Drafts], RuleSetVersion], str]] = {
    "a version before an indicator was strong": (more_careful, "indicator L3-03"),
    "a version before there was a safety scenario": (one_scenario_more, "new_one"),
    "a draft that a service manager weakened": (weakened, "indicator L4-01"),
}


class TestCopyingWhatIsLessSafe:
    """A copy of a less safe version needs a service manager as well."""

    @pytest.mark.parametrize("what", WEAKER)
    def test_others_may_not_and_a_service_manager_may_which_is_written_down(
        self, drafts: Drafts, sam: User, what: str
    ) -> None:
        weaker, name = WEAKER[what]
        source = weaker(drafts)
        before = RuleSetVersion.objects.count(), events()
        for by in ("paula", "maya"):
            with pytest.raises(NotPermitted) as refused:
                drafts.copied(source, by=by)
            assert str(refused.value) == f"Only a service manager can change what safety rests on: {name}."
            assert (RuleSetVersion.objects.count(), events()) == before
        assert drafts.copied(source, by="sam").safety_changed_by == sam


class TestProposing(FromADraft):
    @staticmethod
    def tell(drafts: Drafts) -> RuleSetVersion:
        return drafts.proved()

    def test_a_proved_draft_waits_for_a_second_person(self, drafts: Drafts, draft: RuleSetVersion, paula: User) -> None:
        self.propose(drafts, draft, proposal="Families come back too often.")
        draft.refresh_from_db()
        assert (draft.proposed_by, draft.proposed_at) == (paula, drafts.story.now)
        assert draft.proposal == "Families come back too often."
        assert events() == [("rule_set_drafted", "paula"), ("rule_set_proposed", "paula")]
        assert said(Event.RULE_SET_PROPOSED) == {"rule_set": "early-help-first/3", "edition": 1}

    @pytest.mark.parametrize(("by", "hear"), [("paula", ["sam"]), ("sam", ["paula"]), ("maya", ["paula", "sam"])])
    def test_those_hear_who_may_approve_and_did_not_propose(
        self, drafts: Drafts, draft: RuleSetVersion, by: str, hear: list[str]
    ) -> None:
        self.propose(drafts, draft, by=by)
        assert sorted(recipients(Message.RULE_SET_PROPOSED)) == hear
        assert OutboxMessage.objects.filter(rule_set=draft).count() == len(hear)

    def test_everything_that_is_wanting_is_said_at_once(self, drafts: Drafts, draft: RuleSetVersion) -> None:
        draft = drafts.changed(draft, unsafe(draft.document))
        with pytest.raises(InvalidInput) as invalid:
            self.propose(drafts, draft, proposal=" \n")
        assert len(invalid.value.faults) == 3
        assert "scenarios do not pass: " in says(invalid)
        assert "It was not replayed over past contacts as it stands now." in says(invalid)
        assert "Enter what the change is for" in says(invalid)
        assert "proposal" in places(invalid)

    def test_its_scenarios_must_pass(self, drafts: Drafts, draft: RuleSetVersion) -> None:
        draft = drafts.proved(drafts.changed(draft, unsafe(draft.document)))
        with pytest.raises(InvalidInput) as invalid:
            self.propose(drafts, draft)
        (fault,) = invalid.value.faults
        titles = {scenario.id: scenario.title for scenario in shipped().document.scenarios}
        for name in ("injury", "danger_now", "hard_stop_and_refused"):
            assert titles[name] in fault.message
        assert titles["marac"] not in fault.message
        assert fault.message.split(" ")[2] == str(len(titles))

    def test_it_must_carry_a_safety_scenario(self, drafts: Drafts, draft: RuleSetVersion) -> None:
        scenarios = [{**each, "protected": False} for each in draft.document["scenarios"]]
        draft = drafts.proved(drafts.changed(draft, draft.document | {"scenarios": scenarios}, by="sam"))
        with pytest.raises(InvalidInput) as invalid:
            self.propose(drafts, draft)
        assert says(invalid) == "It carries no safety scenario."

    def test_it_must_have_been_replayed_as_it_stands(self, drafts: Drafts, draft: RuleSetVersion) -> None:
        draft = drafts.changed(draft, stricter(draft.document))
        with pytest.raises(InvalidInput) as invalid:
            self.propose(drafts, draft)
        assert says(invalid) == "It was not replayed over past contacts as it stands now."
        drafts.replayed(draft)
        self.propose(drafts, draft)

    def test_a_replay_over_no_contact_proves_nothing(self, drafts: Drafts) -> None:
        """It was finished, but the only contact came on a day that it left out."""
        draft = drafts.copied()
        yesterday = date(2026, 11, 18)
        replay = drafts.replayed(draft, first_day=yesterday, last_day=yesterday)
        assert (replay.finished_at, replay.contacts) == (drafts.story.now, 0)
        with pytest.raises(InvalidInput) as invalid:
            self.propose(drafts, draft)
        assert says(invalid) == "It was not replayed over past contacts as it stands now."
        assert drafts.replayed(draft).contacts == 1
        self.propose(drafts, draft)

    def test_a_replay_of_another_draft_does_not_do(self, drafts: Drafts) -> None:
        with pytest.raises(InvalidInput, match="It was not replayed"):
            self.propose(drafts, drafts.copied())

    def test_nor_does_one_that_waits_was_cancelled_or_failed(
        self, drafts: Drafts, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        draft = drafts.copied()
        waits = drafts.asked(draft)
        with pytest.raises(InvalidInput, match="It was not replayed"):
            self.propose(drafts, draft)
        replays.cancel(replay_id=waits.pk, by=person("paula"), now=drafts.story.now)
        with pytest.raises(InvalidInput, match="It was not replayed"):
            self.propose(drafts, draft)
        monkeypatch.setattr(replaying, "rule_set_of", lambda version: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            drafts.replayed(draft)
        assert Replay.objects.filter(failed_at__isnull=False).exists()
        with pytest.raises(InvalidInput, match="It was not replayed"):
            self.propose(drafts, draft)

    def test_it_is_proposed_once(self, drafts: Drafts, draft: RuleSetVersion) -> None:
        self.propose(drafts, draft)
        with pytest.raises(NotAllowedInStatus, match="Early help first, version 3 is proposed already"):
            self.propose(drafts, draft, by="maya")

    def test_an_edition_that_nobody_read_is_not_proposed(self, drafts: Drafts, draft: RuleSetVersion) -> None:
        seen = draft
        drafts.proved(drafts.changed(RuleSetVersion.objects.get(pk=seen.pk), stricter(seen.document)))
        with pytest.raises(TakenBySomeoneElse):
            self.propose(drafts, seen)

    @staticmethod
    def propose(drafts: Drafts, draft: RuleSetVersion, by: str = "paula", proposal: str = "Because.") -> None:
        rule_sets.propose(
            version_id=draft.pk, edition=draft.edition, proposal=proposal, by=person(by), now=drafts.story.later()
        )


class TestSendingBack(FromADraft):
    @staticmethod
    def tell(drafts: Drafts) -> RuleSetVersion:
        return drafts.proposed()

    def test_it_is_a_draft_again_and_the_proposer_hears(
        self, drafts: Drafts, draft: RuleSetVersion, now: datetime
    ) -> None:
        draft = self.send_back(drafts, draft, by="sam")
        assert (draft.proposed_by, draft.proposed_at) == (None, None)
        assert draft.stage(now) == Stage.DRAFT
        assert recipients(Message.RULE_SET_SENT_BACK) == ["paula"]
        assert events()[-1] == ("rule_set_sent_back", "sam")
        assert said(Event.RULE_SET_SENT_BACK) == {"rule_set": "early-help-first/3"}
        (why,) = draft.reasons.all()
        assert (why.kind, why.reason, why.by.username, why.at) == ("sent_back", "Too soon.", "sam", drafts.story.now)

    def test_the_proposer_may_take_it_back_and_nobody_is_told(self, drafts: Drafts, draft: RuleSetVersion) -> None:
        for by, proposed in (("paula", draft), ("maya", drafts.proposed(by="maya"))):
            assert self.send_back(drafts, proposed, by=by).proposed_at is None
            assert recipients(Message.RULE_SET_SENT_BACK) == []
            assert events()[-1] == ("rule_set_sent_back", by)

    def test_it_may_be_proposed_again_as_it_stands(self, drafts: Drafts, draft: RuleSetVersion) -> None:
        draft = self.send_back(drafts, draft, by="sam")
        TestProposing.propose(drafts, draft)
        drafts.approved(RuleSetVersion.objects.get(pk=draft.pk))
        assert sorted(recipients(Message.RULE_SET_PROPOSED)) == ["sam", "sam"]

    def test_not_without_a_reason(self, drafts: Drafts, draft: RuleSetVersion) -> None:
        with pytest.raises(InvalidInput) as invalid:
            self.send_back(drafts, draft, by="sam", reason=" ")
        assert places(invalid) == ["reason"]
        assert RuleSetVersion.objects.get(pk=draft.pk).proposed_at is not None

    def test_only_what_is_proposed(self, drafts: Drafts, draft: RuleSetVersion) -> None:
        with pytest.raises(NotAllowedInStatus, match="Nobody has proposed Early help first, version 4"):
            self.send_back(drafts, drafts.copied(), by="sam")
        published = drafts.approved(draft)
        with pytest.raises(NotAllowedInStatus, match="is published"):
            self.send_back(drafts, published, by="sam")

    @staticmethod
    def send_back(drafts: Drafts, draft: RuleSetVersion, by: str, reason: str = "Too soon.") -> RuleSetVersion:
        return rule_sets.send_back(version_id=draft.pk, reason=reason, by=person(by), now=drafts.story.later())


class TestApproving(FromADraft):
    @staticmethod
    def tell(drafts: Drafts) -> RuleSetVersion:
        return drafts.proposed()

    def test_the_proposer_is_not_the_second_person(self, drafts: Drafts, draft: RuleSetVersion) -> None:
        for by, proposed in (("paula", draft), ("sam", drafts.proposed(by="sam"))):
            with pytest.raises(NotPermitted, match="You proposed this rule set"):
                drafts.approved(proposed, by=by)
            kept = RuleSetVersion.objects.get(pk=proposed.pk)
            assert (kept.published_at, kept.live, latest().version) == (None, None, 2)

    def test_at_once(self, drafts: Drafts, draft: RuleSetVersion, sam: User) -> None:
        before = latest()
        published = drafts.approved(draft)
        now = drafts.story.now
        assert (published.approved_by, published.published_at) == (sam, now)
        assert (published.live.lower, published.live.upper) == (now, None)
        before.refresh_from_db()
        assert before.live.upper == now
        assert events()[-1] == ("rule_set_published", "sam")
        assert said(Event.RULE_SET_PUBLISHED) == {
            "rule_set": "early-help-first/3", "follows": "early-help-first/2", "starts_at": now.isoformat(),
        }  # fmt: skip
        assert nothing_is_broken()

    @pytest.mark.parametrize("starts_at", [None, THURSDAY + 72 * HOUR])
    def test_a_contact_is_triaged_by_the_version_that_is_live_at_its_moment(
        self, drafts: Drafts, draft: RuleSetVersion, starts_at: datetime | None
    ) -> None:
        """A microsecond before the moment, at it and after it. The moment itself belongs to the new version."""
        old = latest()
        new = drafts.approved(draft, starts_at=starts_at)
        start = new.live.lower
        assert start == (starts_at or drafts.story.now)
        for at, version in ((start - MOMENT, old), (start, new), (start + MOMENT, new)):
            assert published_rules.live(at).version_id == version.pk
            contact = drafts.story.contact(at=at)
            assert contact.recommendation is not None
            assert contact.recommendation.rule_set == version
            assert contact.recommendation.result["ruleset"] == str(version)
        assert nothing_is_broken()

    def test_at_once_is_after_the_last_contact_whatever_the_clocks_say(
        self, drafts: Drafts, draft: RuleSetVersion
    ) -> None:
        """The host that took the contact in is an hour ahead of the one at which Sam sits."""
        old = latest()
        contact = drafts.story.contact(at=drafts.story.now + 3 * HOUR)
        new = drafts.approved(draft)
        assert new.live.lower == contact.received_at + MOMENT
        assert published_rules.live(contact.received_at).version_id == old.pk
        assert nothing_is_broken()

    @pytest.mark.parametrize(("ahead", "starts"), [(-HOUR, False), (-MOMENT, False), (0 * HOUR, False), (MOMENT, True)])
    def test_a_start_lies_ahead(self, drafts: Drafts, draft: RuleSetVersion, ahead: timedelta, starts: bool) -> None:
        starts_at = drafts.story.now + HOUR + ahead
        if starts:
            assert drafts.approved(draft, starts_at=starts_at).live.lower == starts_at
            return
        with pytest.raises(InvalidInput, match="Enter a moment that lies ahead") as invalid:
            drafts.approved(draft, starts_at=starts_at)
        assert places(invalid) == ["starts_at"]
        assert latest().version == 2

    def test_a_start_lies_after_every_contact_that_came(self, drafts: Drafts, draft: RuleSetVersion) -> None:
        contact = drafts.story.contact(at=drafts.story.now + 3 * HOUR)
        with pytest.raises(InvalidInput, match="Enter a moment that lies ahead"):
            drafts.approved(draft, starts_at=contact.received_at)

    def test_nobodys_change_is_lost(self, drafts: Drafts, draft: RuleSetVersion) -> None:
        """Two drafts copy one version. When one is live, the other must be copied again."""
        first, second = draft, drafts.proposed()
        drafts.approved(first)
        with pytest.raises(NotAllowedInStatus) as refused:
            drafts.approved(second)
        assert str(refused.value).startswith(
            "Early help first, version 3 goes on now, and not Early help first, version 2, for which this"
        )
        assert latest() == first
        assert nothing_is_broken()

    def test_an_older_version_is_brought_back(self, drafts: Drafts, draft: RuleSetVersion) -> None:
        """By a draft of its own: what was published stays as it was, and when it was live."""
        old = latest()
        newer = drafts.published(drafts.changed(draft, stricter(draft.document)))
        back = drafts.published(drafts.copied(old))
        old.refresh_from_db()
        newer.refresh_from_db()
        assert (old.live.upper, newer.live.upper, back.live.upper) == (newer.live.lower, back.live.lower, None)
        contact = drafts.story.contact()
        assert contact.recommendation is not None
        assert contact.recommendation.rule_set == back
        live = published_rules.live(contact.received_at).rule_set.document
        assert live == read_document(old.document).model_copy(update={"version": 4})
        assert nothing_is_broken()

    def test_an_older_version_does_not_take_names_away_that_came_since(
        self, drafts: Drafts, draft: RuleSetVersion
    ) -> None:
        """Partners send the code and cases stand on the pathway: a copy from before them cannot go live."""
        old = latest()
        document = draft.document
        indicator = document["indicators"][-1] | {"code": "L2-99"}
        pathway = document["pathways"][-1] | {"id": "youth_work", "title": "Youth work"}
        document = document | {
            "indicators": [*document["indicators"], indicator], "pathways": [*document["pathways"], pathway]
        }  # fmt: skip
        drafts.published(drafts.changed(draft, document))
        with pytest.raises(InvalidInput) as refused:
            drafts.proposed(drafts.copied(old))
        assert [fault.message for fault in refused.value.faults] == [
            "indicators L2-99 may not be taken away: partners send it, and it would be refused.",
            "pathways youth_work may not be taken away or renamed: clocks and cases know it. Change its title.",
        ]

    def test_one_that_waits_for_its_start_takes_the_place_too(self, drafts: Drafts, draft: RuleSetVersion) -> None:
        second = drafts.proposed()
        drafts.approved(draft, starts_at=AHEAD)
        with pytest.raises(NotAllowedInStatus, match="Early help first, version 3 goes on now, and not"):
            drafts.approved(second)

    def test_what_follows_one_that_waits_must_wait(self, drafts: Drafts, draft: RuleSetVersion) -> None:
        first = drafts.approved(draft, starts_at=AHEAD)
        follows = drafts.proposed(drafts.copied(first))
        with pytest.raises(NotAllowedInStatus, match="Early help first, version 3 goes live later"):
            drafts.approved(follows)
        drafts.story.now = AHEAD - HOUR
        # At the very moment at which the other starts, which was live for that moment then.
        assert drafts.approved(follows).live.lower == AHEAD + MOMENT
        assert nothing_is_broken()

    def test_an_edition_that_nobody_read_is_not_approved(self, drafts: Drafts, draft: RuleSetVersion) -> None:
        seen = draft
        changed = drafts.changed(RuleSetVersion.objects.get(pk=seen.pk), stricter(seen.document))
        drafts.proposed(changed)
        with pytest.raises(TakenBySomeoneElse):
            drafts.approved(seen)

    def test_what_is_no_longer_proved_is_not_approved(
        self, drafts: Drafts, draft: RuleSetVersion, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A release in between may have changed how a scenario comes out."""
        monkeypatch.setattr(rule_sets, "not_proved", lambda *asked: ["1 of 48 scenarios do not pass: Injury."])
        with pytest.raises(NotAllowedInStatus, match="1 of 48 scenarios do not pass"):
            drafts.approved(draft)

    def test_only_what_is_proposed(self, drafts: Drafts, draft: RuleSetVersion) -> None:
        with pytest.raises(NotAllowedInStatus, match="Nobody has proposed Early help first, version 4"):
            drafts.approved(drafts.proved())
        published = drafts.approved(draft)
        with pytest.raises(NotAllowedInStatus, match="Early help first, version 3 is published"):
            drafts.approved(published)


class TestAfterPublishing:
    def test_a_contact_keeps_the_version_that_it_was_triaged_by(self, drafts: Drafts, oliver: User) -> None:
        """What is learned later is asked of the old rules; who comes after the publish meets the new ones."""
        old, draft = latest(), drafts.copied()
        then = {"pathway": "advice", "rag": "green", "level": 3}
        waits = drafts.story.contact(agreement={"service": "not_sought"})
        document = having(draft.document, "rules", "level_3_agreed", then=then)
        expect = {"pathway": "advice"}
        for name in ("level_3_agreed", "accumulation_agreed", "baby_without_parental_risk"):
            document = having(document, "scenarios", name, expect=expect)
        new = drafts.published(drafts.changed(draft, document))
        learning.record_agreement(
            contact_id=waits.pk, service="given", given_by="mother", on=date(2026, 11, 19), by=oliver,
            now=drafts.story.later(),
        )  # fmt: skip
        waits.refresh_from_db()
        assert waits.recommendation is not None
        assert (waits.recommendation.rule_set, waits.recommendation.pathway) == (old, "family_help")
        assert [each.rule_set for each in waits.recommendations.all()] == [old, old]
        stranger = child(first_name="Noor", last_name="Haddad", nhs_number=None, date_of_birth="2012-05-16")
        comes = drafts.story.contact(children=[stranger], adults=[])
        assert comes.recommendation is not None
        assert (comes.recommendation.rule_set, comes.recommendation.pathway) == (new, "advice")
        assert nothing_is_broken()


class TestCallingOff(FromADraft):
    @staticmethod
    def tell(drafts: Drafts) -> RuleSetVersion:
        return drafts.published(starts_at=AHEAD)

    def test_the_one_before_goes_on(self, drafts: Drafts, draft: RuleSetVersion) -> None:
        old, new = RuleSetVersion.objects.get(live__endswith=AHEAD), draft
        called_off = self.call_off(drafts, new)
        assert called_off.live is None
        old.refresh_from_db()
        assert old.live.upper is None
        for at in (AHEAD - MOMENT, AHEAD, AHEAD + MOMENT):
            assert published_rules.live(at).version_id == old.pk
        assert events()[-1] == ("rule_set_called_off", "sam")
        assert said(Event.RULE_SET_CALLED_OFF) == {"rule_set": "early-help-first/3"}
        (why,) = new.reasons.all()
        assert (why.kind, why.reason, why.by.username, why.at) == ("called_off", "Not yet.", "sam", drafts.story.now)
        assert nothing_is_broken()

    @pytest.mark.parametrize("by", ["paula", "sam"])
    def test_who_proposed_or_approved_it_may(self, drafts: Drafts, draft: RuleSetVersion, by: str) -> None:
        """One person is enough to keep the version that is live."""
        assert self.call_off(drafts, draft, by=by).live is None

    @pytest.mark.parametrize(("at", "may"), [(AHEAD - MOMENT, True), (AHEAD, False), (AHEAD + MOMENT, False)])
    def test_until_it_is_live(self, drafts: Drafts, draft: RuleSetVersion, at: datetime, may: bool) -> None:
        if may:
            self.call_off(drafts, draft, now=at)
            return
        with pytest.raises(NotAllowedInStatus, match="Early help first, version 3 does not wait for its start"):
            self.call_off(drafts, draft, now=at)
        assert latest() == draft

    def test_not_once_a_contact_was_triaged_by_it(self, drafts: Drafts, draft: RuleSetVersion) -> None:
        """The host that took it in is a second ahead, and has no other version to show for it."""
        baby = child(date_of_birth="2099-05-16", nhs_number=None)
        contact = drafts.story.contact(at=AHEAD, children=[baby], adults=[])
        assert contact.recommendation is not None
        assert contact.recommendation.rule_set == draft
        with pytest.raises(NotAllowedInStatus, match="does not wait for its start"):
            self.call_off(drafts, draft, now=AHEAD - HOUR)
        assert nothing_is_broken()

    def test_not_a_draft_and_not_twice(self, drafts: Drafts, draft: RuleSetVersion) -> None:
        with pytest.raises(NotAllowedInStatus):
            self.call_off(drafts, drafts.copied())
        self.call_off(drafts, draft)
        with pytest.raises(NotAllowedInStatus):
            self.call_off(drafts, draft)

    def test_not_without_a_reason(self, drafts: Drafts, draft: RuleSetVersion) -> None:
        with pytest.raises(InvalidInput) as invalid:
            self.call_off(drafts, draft, reason="")
        assert places(invalid) == ["reason"]
        assert latest() == draft

    def test_another_may_follow_then(self, drafts: Drafts, draft: RuleSetVersion) -> None:
        self.call_off(drafts, draft)
        again = drafts.published()
        assert (again.version, again.live.upper, latest()) == (4, None, again)
        assert nothing_is_broken()

    @staticmethod
    def call_off(
        drafts: Drafts, version: RuleSetVersion, by: str = "sam", reason: str = "Not yet.", now: datetime | None = None
    ) -> RuleSetVersion:
        now = now or drafts.story.later()
        return rule_sets.call_off(version_id=version.pk, reason=reason, by=person(by), now=now)


class TestDiscarding(FromADraft):
    @staticmethod
    def tell(drafts: Drafts) -> RuleSetVersion:
        return drafts.proposed()

    def test_it_stays_and_nobody_works_on_it(self, drafts: Drafts, draft: RuleSetVersion) -> None:
        discarded = rule_sets.discard(version_id=draft.pk, by=person("maya"), now=drafts.story.later())
        assert discarded.discarded_at == drafts.story.now
        assert (discarded.proposed_by, discarded.proposed_at) == (None, None)
        assert events()[-1] == ("rule_set_discarded", "maya")
        assert Replay.objects.filter(rule_set=draft).exists()
        for attempt in (
            lambda: drafts.changed(discarded, stricter(draft.document)),
            lambda: drafts.asked(discarded),
            lambda: TestProposing.propose(drafts, discarded),
            lambda: drafts.approved(discarded),
            lambda: rule_sets.discard(version_id=draft.pk, by=person("paula"), now=drafts.story.later()),
        ):
            with pytest.raises(NotAllowedInStatus, match="Early help first, version 3 was discarded"):
                attempt()

    def test_what_is_published_is_not_discarded(self, drafts: Drafts) -> None:
        with pytest.raises(NotAllowedInStatus, match="is published"):
            rule_sets.discard(version_id=latest().pk, by=person("paula"), now=drafts.story.later())


class TestStages:
    """Moments are stored; the word for each of them is derived."""

    def test_the_words_of_a_whole_life(self, drafts: Drafts) -> None:
        old = latest()
        draft = drafts.copied()
        assert draft.stage(drafts.story.now) == Stage.DRAFT
        draft = drafts.proposed(draft)
        assert draft.stage(drafts.story.now) == Stage.PROVED
        draft = drafts.approved(draft, starts_at=AHEAD)
        assert draft.stage(drafts.story.now) == Stage.SCHEDULED
        old.refresh_from_db()
        stages = [(version.stage(AHEAD - MOMENT), version.stage(AHEAD)) for version in (old, draft)]
        assert stages == [(Stage.LIVE, Stage.RETIRED), (Stage.SCHEDULED, Stage.LIVE)]
        drafts.story.now = AHEAD
        drafts.story.contact(children=[child(date_of_birth="2095-03-04", nhs_number=None)], adults=[])
        follows = drafts.published(drafts.copied(draft))
        draft.refresh_from_db()
        end = follows.live.lower
        assert (draft.stage(end - MOMENT), draft.stage(end)) == (Stage.LIVE, Stage.RETIRED)
        assert (follows.stage(end - MOMENT), follows.stage(end)) == (Stage.SCHEDULED, Stage.LIVE)

    def test_the_words_of_those_that_came_to_nothing(self, drafts: Drafts) -> None:
        called_off = TestCallingOff.call_off(drafts, drafts.published(starts_at=AHEAD))
        discarded = rule_sets.discard(version_id=drafts.copied().pk, by=person("sam"), now=drafts.story.later())
        for at in (drafts.story.now, AHEAD + HOUR):
            assert called_off.stage(at) == Stage.CALLED_OFF
            assert discarded.stage(at) == Stage.DISCARDED


# ---- who may


EVERYBODY = (
    "amina", "oliver", "maya", "ezra", "erin", "ben", "bea", "carol", "pat", "dan", "sam", "paula", "ava", "iris",
    "adele",
)  # fmt: skip
DRAFT = {"paula", "sam", "maya", "ezra"}
APPROVE = {"paula", "sam"}
READ = DRAFT | {"ava", "adele"}


@dataclass(frozen=True)
class Davids:
    """What David has done before, by ids: a draft, a replay of it that waits, a proved and a proposed draft."""

    story: Story
    draft: int
    waits: int
    proved: int
    done: int
    proposed: int


@pytest.fixture(scope="class")
def davids(told_for_a_class: None) -> Davids:
    drafts = Drafts(Story(THURSDAY))
    proved = drafts.proved(by="david")
    proposed = drafts.proposed(by="david")
    draft = drafts.copied(by="david")
    waits = drafts.asked(draft, by="david")
    done = Replay.objects.get(rule_set=proved)
    return Davids(drafts.story, draft.pk, waits.pk, proved.pk, done.pk, proposed.pk)


def _attempts(davids: Davids, what: str) -> Callable[[User], Any]:
    """Every action on rule sets, ready to be tried. David has done the steps before it."""
    story, live = davids.story.goes_on(), latest()
    now, day = story.now + 24 * HOUR, date(2026, 11, 19)
    match what:
        case "copy":
            return lambda by: rule_sets.copy(version_id=live.pk, by=by, now=now)
        case "change":
            document = stricter(live.document | {"version": 5})
            return lambda by: rule_sets.change(version_id=davids.draft, edition=1, document=document, by=by, now=now)
        case "propose":
            return lambda by: rule_sets.propose(version_id=davids.proved, edition=1, proposal="So.", by=by, now=now)
        case "discard":
            return lambda by: rule_sets.discard(version_id=davids.draft, by=by, now=now)
        case "send back":
            return lambda by: rule_sets.send_back(version_id=davids.proposed, reason="So.", by=by, now=now)
        case "approve":
            return lambda by: rule_sets.approve(version_id=davids.proposed, edition=1, starts_at=None, by=by, now=now)
        case "call off":
            Drafts(story).approved(RuleSetVersion.objects.get(pk=davids.proposed), starts_at=AHEAD)
            return lambda by: rule_sets.call_off(version_id=davids.proposed, reason="So.", by=by, now=now)
        case "ask for a replay":
            return lambda by: replays.ask_for(version_id=davids.proved, first_day=day, last_day=day, by=by, now=now)
        case "cancel a replay":
            return lambda by: replays.cancel(replay_id=davids.waits, by=by, now=now)
        case _:
            return lambda by: replays.export(replay_id=davids.done, by=by, now=now)


MAY = {
    "copy": DRAFT,
    "change": DRAFT,
    "propose": DRAFT,
    "discard": DRAFT,
    "send back": APPROVE,
    "approve": APPROVE,
    "call off": APPROVE,
    "ask for a replay": DRAFT,
    "cancel a replay": DRAFT,
    "export a replay": READ - {"adele"},
}


def _state() -> list[Any]:
    """Everything that any of these could have changed."""
    return [
        list(RuleSetVersion.objects.order_by("pk").values()),
        list(Replay.objects.order_by("pk").values()),
        AuditEvent.objects.count(),
        OutboxMessage.objects.count(),
    ]


class TestWhoMay:
    @pytest.mark.parametrize("what", MAY)
    def test_nobody_else(self, davids: Davids, what: str) -> None:
        attempt, before = _attempts(davids, what), _state()
        for name in EVERYBODY:
            if name not in MAY[what]:
                with pytest.raises(NotPermitted, match=r"^Only .*\.$"):
                    attempt(person(name))
        assert _state() == before

    @pytest.mark.parametrize("what", MAY)
    def test_these(self, davids: Davids, what: str) -> None:
        attempt, before = _attempts(davids, what), _state()
        for name in sorted(MAY[what]):
            with transaction.atomic():
                attempt(person(name))
                assert _state() != before
                transaction.set_rollback(True)

    @pytest.mark.parametrize("what", MAY)
    def test_not_those_who_no_longer_do(self, davids: Davids, what: str) -> None:
        """A role that ended yesterday gives no permission."""
        attempt = _attempts(davids, what)
        yesterday = date(2026, 11, 18)
        Membership.objects.filter(user__username__in=MAY[what]).update(ends_on=yesterday)
        for name in MAY[what]:
            with pytest.raises(NotPermitted):
                attempt(person(name))
