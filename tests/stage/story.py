"""
A contact's story, told through the real actions. Each step takes an hour; each returns what it made.

    story.contact()               received by the school's system, family help, green
    story.decided(contact)        Amina accepts the recommendation
    story.accepted(contact)       … and Ben takes the case on for Aylesbury
"""

from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from casework.actions import closing, decisions, handoffs, learning, notes, partner_checks, receiving
from casework.actions.closing import HowItEnded
from casework.models import Case, Contact, Decision, Handoff, Note, PartnerCheck
from localities.models import Agency, Team, User
from tests.stage.documents import contact_document


def person(username: str) -> User:
    """The user, read again as each request does."""
    return User.objects.get(username=username)


class Story:
    def __init__(self, now: datetime) -> None:
        self.now = now
        self._sent = 0

    def goes_on(self) -> Self:
        """A copy to go on from here, for a test of a class for which this story is told once."""
        return copy(self)

    def later(self, **time: float) -> datetime:
        """Lets time pass: an hour by default."""
        self.now += timedelta(**time) if time else timedelta(hours=1)
        return self.now

    def contact(self, by: str = "example-primary-school", at: datetime | None = None, **changes: Any) -> Contact:
        """
        A contact from a partner's system; `changes` to the document of the contract. Each has a reference of its own:
        the same again would be a report that was sent again.
        """
        self._sent += 1
        if self._sent > 1:
            changes = {"agency_reference": f"PPN-{self._sent}"} | changes
        agency = Agency.objects.get(code=by)
        return receiving.receive(document=contact_document(**changes), by=agency, now=at or self.now).contact

    def decided(self, contact: Contact, by: str = "amina", **changes: Any) -> Decision:
        """Accepts the recommendation, whether or not partners have answered; `changes` override it."""
        contact.refresh_from_db()
        recommendation = contact.recommendation
        assert recommendation is not None
        said: dict[str, Any] = {
            "pathway": recommendation.pathway,
            "level": recommendation.level,
            "rag": recommendation.rag,
            "rationale": "The history and what the school saw point the same way.",
            "history": "The earlier contacts were about the same mornings.",
            "without_answers": [check.pk for check in partner_checks.unanswered(contact)],
        }
        decision = decisions.decide(
            contact_id=contact.pk,
            recommendation_id=recommendation.pk,
            by=person(by),
            now=self.later(),
            **(said | changes),
        )
        contact.refresh_from_db()
        return decision

    def screened(self, contact: Contact, by: str = "oliver", **changes: Any) -> Contact:
        """Somebody reads the contact and finds that no indicator applies; `changes` say which do."""
        contact.refresh_from_db()
        said: dict[str, Any] = {"children": {}, "family": [], "none_applies": not changes} | changes
        learning.screen(
            contact_id=contact.pk, recommendation_id=contact.recommendation_id or 0, by=person(by), now=self.later(),
            **said,
        )  # fmt: skip
        contact.refresh_from_db()
        return contact

    def ended(self, contact: Contact) -> Contact:
        """Nobody chose an indicator, and screening finds none: what the rules say then, with a second person."""
        if self.decided(self.screened(contact)).needs_sign_off:
            self.signed_off(contact)
        return contact

    def signed_off(self, contact: Contact, by: str = "maya", agreed: bool = True) -> Decision:
        decision = decisions.sign_off(
            contact_id=contact.pk,
            agreed=agreed,
            rationale="I have read it all.",
            by=person(by),
            now=self.later(),
        )
        contact.refresh_from_db()
        return decision

    def offered(self, contact: Contact | None = None, **changes: Any) -> Handoff:
        """A case on offer: decided, and offered in the same instant."""
        contact = contact or self.contact()
        self.decided(contact, **changes)
        return Handoff.objects.select_related("case", "to_team", "from_team").get(case__contacts=contact)

    def accepted(self, contact: Contact | None = None, by: str = "ben") -> Case:
        handoff = self.offered(contact)
        handoffs.accept(handoff_id=handoff.pk, by=person(by), now=self.later())
        return Case.objects.get(pk=handoff.case_id)

    def returned(
        self,
        contact: Contact | None = None,
        by: str = "ben",
        reason: str = "Known in Chiltern.",
        decided_by: str = "amina",
        **changes: Any,
    ) -> Case:
        """A case that came back: the team to which it was offered returned it. `changes` are those to the decision."""
        handoff = self.offered(contact, by=decided_by, **changes)
        handoffs.return_to_sender(handoff_id=handoff.pk, reason=reason, by=person(by), now=self.later())
        return handoff.case

    def asked(
        self,
        contact: Contact,
        agency: str = "example-police",
        by: str = "amina",
        at: datetime | None = None,
        question: str = "What do you know of them?",
        *,
        in_system: bool = False,
    ) -> PartnerCheck:
        """A question to a partner that nobody has answered yet; with `in_system` about every child of the contact."""
        return partner_checks.ask(
            contact_id=contact.pk, agency_id=Agency.objects.get(code=agency).pk, question=question,
            in_system=in_system, child_ids=[child.pk for child in contact.children.all()] if in_system else [],
            by=person(by), now=at or self.later(),
        )  # fmt: skip

    def answered(self, check: PartnerCheck, answer: str = "Nothing.", by: str = "amina") -> PartnerCheck:
        """What a partner said, written down."""
        return partner_checks.record_answer(check_id=check.pk, answer=answer, by=person(by), now=self.later())

    def closed(self, case: Case | None = None, by: str = "ben", outcome: str = "needs_met") -> Case:
        case = case or self.accepted()
        ended = how_it_ended(outcome=outcome)
        closing.close(case_id=case.pk, ended=ended, by=person(by), now=self.later())
        return Case.objects.get(pk=case.pk)

    def note(self, record: Contact | Case, by: str = "amina", **changes: Any) -> Note:
        """A note on a contact or a case: a telephone call, for everybody who may open the record."""
        said: dict[str, Any] = {
            "kind": "call", "text": "Mum rang. She is at work until five.", "happened_at": None, "child_ids": [],
            "adult_ids": [], "readers": "record",
        }  # fmt: skip
        return notes.write(**id_of(record), by=person(by), now=self.later(), **(said | changes))

    def corrected(self, note: Note, by: str = "amina", **changes: Any) -> Note:
        """A correction of a note, after its last one."""
        said: dict[str, Any] = {
            "note_id": note.first_id, "seen_edition": note.edition, "kind": note.kind, "happened_at": note.happened_at,
            "text": "Mum rang. She is at work until nine.", "was_wrong": "The hour: I misheard it.",
            "child_ids": note.child_ids, "adult_ids": note.adult_ids,
        }  # fmt: skip
        return notes.correct(
            contact_id=note.contact_id, case_id=note.case_id, by=person(by), now=self.later(), **(said | changes)
        )

    @staticmethod
    def team(code: str) -> Team:
        return Team.objects.get(code=code)


def how_it_ended(**changes: Any) -> HowItEnded:
    """What is said when a case closes: the family was seen and asked."""
    said: dict[str, Any] = {
        "outcome": "needs_met", "summary": "They know where to turn.", "children_seen": True,
        "children_note": "Both, at home, by Ben on Tuesday.", "adults_seen": True,
        "adults_note": "Their mother, at home, by Ben.", "family_asked": True,
        "family_says": "“Mornings are calm now.”", "support": "The school goes on with breakfast club.",
    }  # fmt: skip
    return HowItEnded(**said | changes)


def id_of(record: Contact | Case) -> dict[str, Any]:
    """The id of a contact or a case, as an action that takes either wants it."""
    return {"contact_id" if isinstance(record, Contact) else "case_id": record.pk}


@dataclass(frozen=True)
class SharedStory:
    """A story that is told once for a class, and the ids of what it is about."""

    story: Story
    about: tuple[int, ...]
