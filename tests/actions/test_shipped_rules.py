"""
The rule set that comes with the product: live in a new service; in one that has rules, a draft for two people, once.
"""

from datetime import UTC, datetime

import pytest

from casework.actions import rule_sets
from casework.jobs.reference_data import load
from casework.models import AuditEvent, Event
from casework.record import audit, integrity
from errors import NotAllowedInStatus
from tests.stage.drafts import Drafts
from tests.stage.rule_documents import whole
from tests.stage.shipped import live_instead, nothing_live
from tests.stage.story import Story, person
from triage.models import RuleSetVersion, Stage
from triage.reading import read_document
from triage.rule_set_document import as_json
from triage.ruleset import shipped

NAME, VERSION = shipped().document.ruleset, shipped().document.version


def brought(story: Story) -> RuleSetVersion | None:
    return rule_sets.bring_shipped(by=audit.SYSTEM, now=story.now)


def versions() -> list[tuple[str, Stage]]:
    now = datetime.now(UTC)
    return [(str(version), version.stage(now)) for version in RuleSetVersion.objects.order_by("pk")]


def nothing_is_broken() -> bool:
    return {finding.sentence: finding.broken for finding in integrity.check() if finding.broken} == {}


class TestANewService:
    def test_starts_with_it_live_and_needs_no_other(self, story: Story) -> None:
        nothing_live()
        assert load()["rule set"] == 1
        assert versions() == [(f"{NAME}/{VERSION}", Stage.LIVE)]
        live = RuleSetVersion.objects.get()
        assert (live.drafted_by, live.approved_by, live.based_on, live.shipped_as) == (None, None, None, "")
        assert read_document(live.document) == shipped().document
        recommendation = story.contact().recommendation
        assert recommendation is not None
        assert recommendation.rule_set == live
        assert nothing_is_broken()

    def test_has_it_once(self, story: Story) -> None:
        before = versions()
        assert load()["rule set"] == 0
        assert versions() == before == [(f"{NAME}/{VERSION}", Stage.LIVE)]


class TestAServiceThatHasRules:
    """The service has a council's own rule set, with its own name."""

    @pytest.fixture
    def own(self, db: None) -> RuleSetVersion:
        return live_instead("our-own", 4)

    def test_keeps_them_live_and_gets_a_draft(self, story: Story, own: RuleSetVersion) -> None:
        assert load()["rule set"] == 1
        assert versions() == [("our-own/4", Stage.LIVE), (f"{NAME}/{VERSION}", Stage.DRAFT)]
        draft = RuleSetVersion.objects.latest("pk")
        assert (draft.based_on, draft.shipped_as, draft.drafted_by) == (own, f"{NAME}/{VERSION}", None)
        assert read_document(draft.document) == shipped().document
        event = AuditEvent.objects.get(event=Event.RULE_SET_DRAFTED)
        assert (event.actor, event.detail) == (
            "system", {"rule_set": str(draft), "based_on": "our-own/4", "copied_from": f"{NAME}/{VERSION}"},
        )  # fmt: skip
        assert nothing_is_broken()

    def test_once_though_somebody_changed_or_discarded_it(self, story: Story, own: RuleSetVersion) -> None:
        draft = brought(story)
        assert draft is not None
        changed = as_json(read_document(draft.document)) | {"title": "Ours"}
        rule_sets.change(version_id=draft.pk, edition=1, document=changed, by=person("paula"), now=story.later())
        assert brought(story) is None
        rule_sets.discard(version_id=draft.pk, by=person("paula"), now=story.later())
        assert brought(story) is None
        assert versions() == [("our-own/4", Stage.LIVE), (f"{NAME}/{VERSION}", Stage.DISCARDED)]

    def test_under_another_number_where_the_council_used_its_own(self, story: Story, drafts: Drafts) -> None:
        """The council's own draft has the number, so the shipped version gets the next one."""
        own = live_instead("our-own", 4)
        theirs = RuleSetVersion.objects.create(
            name=NAME, version=VERSION, document=whole(), based_on=own, drafted_by=person("paula"),
            drafted_at=story.now,
        )  # fmt: skip
        draft = brought(story)
        assert draft is not None
        assert (str(draft), draft.shipped_as) == (f"{NAME}/{VERSION + 1}", f"{NAME}/{VERSION}")
        assert draft.document["version"] == VERSION + 1
        assert str(drafts.copied(theirs)) == f"{NAME}/{VERSION + 2}"
        assert brought(story) is None

    def test_two_people_publish_it_and_nobody_alone(self, story: Story, drafts: Drafts, own: RuleSetVersion) -> None:
        earlier = story.contact()
        draft = brought(story)
        assert draft is not None
        proposed = drafts.proposed(draft)
        with pytest.raises(Exception, match="You proposed this rule set"):
            drafts.approved(proposed, by="paula")
        published = drafts.approved(proposed)
        later = story.contact(at=story.later())
        used = [contact.recommendation and str(contact.recommendation.rule_set) for contact in (earlier, later)]
        assert used == ["our-own/4", str(published)]
        assert nothing_is_broken()

    def test_what_the_council_has_beside_it_is_not_lost_in_silence(self, story: Story, drafts: Drafts) -> None:
        """Partners send the council's own indicator: the shipped rules would refuse it."""
        entry = whole()["indicators"][0] | {"code": "X1-01", "says": "Our own"}
        live_instead("our-own", 4, whole() | {"indicators": [*whole()["indicators"], entry]})
        draft = brought(story)
        assert draft is not None
        with pytest.raises(ValueError, match="X1-01 may not be taken away"):
            drafts.proposed(draft)

    def test_where_another_went_live_meanwhile_a_copy_takes_its_place(
        self, story: Story, drafts: Drafts, own: RuleSetVersion
    ) -> None:
        draft = brought(story)
        assert draft is not None
        proposed = drafts.proposed(draft)
        between = drafts.published(drafts.copied(own, by="sam"))
        with pytest.raises(NotAllowedInStatus, match="goes on now, and not Our own, version 4"):
            drafts.approved(proposed)
        copied = drafts.copied(RuleSetVersion.objects.get(pk=draft.pk), by="sam")
        assert copied.based_on == between
        assert drafts.published(copied).stage(story.now) == Stage.LIVE
