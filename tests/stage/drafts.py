"""
The story of the rules, told through the real actions: Paula copies, changes, replays and proposes, Sam approves.

    drafts.copied()        a draft of the version that goes on until further notice
    drafts.proved()        … replayed over the day of the story
    drafts.proposed()      … proposed by Paula
    drafts.published()     … approved by Sam: live at once, or from `starts_at` on
"""

from datetime import date, datetime, timedelta
from typing import Any

from casework.actions import replays, rule_sets
from casework.jobs import replaying
from casework.models import Contact, Replay
from localities.working_time import LONDON, local_day
from tests.stage.rule_documents import Json, having
from tests.stage.story import Story, person
from triage.models import RuleSetVersion

# A start that lies ahead, whatever the clock on the database's wall says.
AHEAD = datetime(2100, 1, 4, 9, 0, tzinfo=LONDON)


def latest() -> RuleSetVersion:
    """The version that is live, or will be, until further notice."""
    return RuleSetVersion.objects.get(live__isnull=False, live__endswith__isnull=True)


def stricter(document: Json) -> Json:
    """The fourth contact in a year is enough to look again. Every scenario of the shipped rules still passes."""
    when = {"fact": "contacts_12_months", "at_least": 4}
    return having(document, "rules", "reason_to_look_again.five_in_a_year", when=when)


def with_stored_document(draft: RuleSetVersion, document: Json) -> RuleSetVersion:
    """A draft with this document, stored without the checks of `rule_sets.change`."""
    RuleSetVersion.objects.filter(pk=draft.pk).update(document=document, edition=draft.edition + 1)
    draft.refresh_from_db()
    return draft


class Drafts:
    """Each step takes an hour of the story, and returns the draft as it stands."""

    def __init__(self, story: Story) -> None:
        self.story = story

    def copied(self, source: RuleSetVersion | None = None, by: str = "paula") -> RuleSetVersion:
        source = source or latest()
        return rule_sets.copy(version_id=source.pk, by=person(by), now=self.story.later())

    def changed(self, draft: RuleSetVersion, document: Json, by: str = "paula") -> RuleSetVersion:
        return rule_sets.change(
            version_id=draft.pk, edition=draft.edition, document=document, by=person(by), now=self.story.later()
        )

    def asked(self, draft: RuleSetVersion, by: str = "paula", **days: Any) -> Replay:
        """A replay over the days of the story, or over others."""
        today = local_day(self.story.now)
        days = {"first_day": today, "last_day": today} | days
        return replays.ask_for(version_id=draft.pk, by=person(by), now=self.story.later(minutes=1), **days)

    def replayed(self, draft: RuleSetVersion, by: str = "paula", **days: Any) -> Replay:
        replay = self.asked(draft, by, **days)
        replaying.run_next(clock=lambda: self.story.now)
        return Replay.objects.get(pk=replay.pk)

    def proved(self, draft: RuleSetVersion | None = None, by: str = "paula") -> RuleSetVersion:
        draft = draft or self.copied(by=by)
        if not Contact.objects.exists():
            # A replay over nothing proves nothing.
            self.story.contact()
        # Over all that the story has told, however much time has passed since.
        today = local_day(self.story.now)
        first_day = max(min(today, date(2026, 1, 1)), today - timedelta(days=5_000))
        assert self.replayed(draft, by, first_day=first_day).finished_at is not None
        return draft

    def proposed(self, draft: RuleSetVersion | None = None, by: str = "paula") -> RuleSetVersion:
        draft = self.proved(draft, by)
        return rule_sets.propose(
            version_id=draft.pk, edition=draft.edition, proposal="Families come back too often.", by=person(by),
            now=self.story.later(),
        )  # fmt: skip

    def approved(self, draft: RuleSetVersion, by: str = "sam", starts_at: datetime | None = None) -> RuleSetVersion:
        return rule_sets.approve(
            version_id=draft.pk, edition=draft.edition, starts_at=starts_at, by=person(by), now=self.story.later()
        )

    def published(self, draft: RuleSetVersion | None = None, starts_at: datetime | None = None) -> RuleSetVersion:
        return self.approved(self.proposed(draft), starts_at=starts_at)
