"""
Open work at the end of the demonstration, so that every tab of the worklist has something in it, and the rarer pages
can be seen: an unsettled match, a restricted record, a confidential address.
"""

from copy import deepcopy
from datetime import datetime
from typing import Any

from casework.actions import (
    contact_owners,
    decisions,
    handoffs,
    notes,
    partner_checks,
    receiving,
    restrictions,
    sender_requests,
)
from casework.demonstration import moves
from casework.demonstration.files import add_files
from casework.demonstration.front_door import HISTORY, FrontDoor
from casework.demonstration.systems import system_of
from casework.demonstration.timeline import Timeline
from casework.facts.history import has_history
from casework.models import (
    LEAD_OFFERS_FROM,
    Case,
    Contact,
    Handoff,
    NoteReaders,
    ReplyKind,
    RequestKind,
    Responsibility,
)
from casework.statuses import ContactStatus, HandoffStatus
from localities.models import Agency, Membership, Role, Team, TeamKind, User
from localities.working_time import local_day
from triage.ruleset import Hold

WHY_LESS = "The school sees the children each day, and the family has the help that it wants already."


class OpenWork:
    """Creates the open work of one moment. If too few contacts await a decision, some kinds are left out."""

    def __init__(self, timeline: Timeline, front_door: FrontDoor) -> None:
        self.timeline = timeline
        self.front_door = front_door

    def create(self, now: datetime) -> None:
        self._a_case_that_came_back(now)
        self._a_case_that_came_back_to_its_team(now)
        self._how_much_each_can_lead()
        moves.create(now)
        # Ending a contact of level 3 with advice needs two people. Contacts held for a manager are left out.
        waiting = Contact.objects.filter(status=ContactStatus.RECEIVED, recommendation__level__in=(2, 3))
        weighty = waiting.exclude(recommendation__hold=Hold.MANAGER).select_related("recommendation", "team")
        steps = (self._to_sign_off, self._declined, self._asked, self._owned, self._asked_in_its_system, self._chased)
        in_turn = list(weighty.order_by("-recommendation__level", "-received_at"))
        for step, contact in zip(steps, in_turn, strict=False):
            step(contact, now)
        self._a_mistake_in_a_name(now)
        self._a_confidential_address(now)
        add_files(now)
        # Last, because those who did the work above may no longer open the record.
        self._a_restricted_record(now)

    def _owned(self, contact: Contact, now: datetime) -> None:
        by = self.timeline.staff(contact.team, now, Role.SOCIAL_WORKER)
        contact_owners.assign(contact_id=contact.pk, to_id=by.pk, seen_owner_id=contact.owner_id, by=by, now=now)

    def _asked(self, contact: Contact, now: datetime) -> None:
        by = self.timeline.staff(contact.team, now, Role.SOCIAL_WORKER)
        self._noted(contact, by, now)
        partner_checks.ask(
            contact_id=contact.pk,
            agency_id=next(agency.pk for agency in self.timeline.agencies if agency.pk != contact.agency_id),
            question="Have you seen the children this week, and who brought them?",
            by=by,
            now=now,
        )

    def _asked_in_its_system(self, contact: Contact, now: datetime) -> None:
        """An agency reads the question in its own system, and asks back."""
        by = self.timeline.staff(contact.team, now, Role.SOCIAL_WORKER)
        agency = next(agency for agency in self.timeline.agencies if agency.pk != contact.agency_id)
        system_of(agency)
        check = partner_checks.ask(
            contact_id=contact.pk,
            agency_id=agency.pk,
            question="Have you been called to the home since September, and what did you find?",
            in_system=True,
            child_ids=[child.pk for child in contact.children.all()],
            by=by,
            now=now,
        )
        said: dict[str, Any] = {"key": check.key, "kind": ReplyKind.ASKS_BACK, "by": agency, "now": now}
        partner_checks.reply(text="Which surname does the mother use? We have two families at that address.", **said)

    def _chased(self, contact: Contact, now: datetime) -> None:
        """Its sender hears nothing; and the sender of a decided contact disagrees."""
        why = "We have heard nothing since we rang. Should the family expect somebody?"
        if contact.agency is not None:
            self._sender_asks(contact, RequestKind.CHASE, why, now)
        decided = Contact.objects.filter(
            status=ContactStatus.DECIDED, agency__isnull=False, decision_in_effect__pathway="advice"
        )
        disputed = decided.select_related("agency").order_by("-decision_in_effect").first()
        if disputed is not None:
            why = "He has told his teacher the same again, and his grandmother confirms it. Advice will not do."
            self._sender_asks(disputed, RequestKind.ESCALATE, why, now)

    @staticmethod
    def _sender_asks(contact: Contact, kind: RequestKind, why: str, now: datetime) -> None:
        assert contact.agency is not None, "an agency sent it"
        sender_requests.ask(reference=contact.reference, kind=kind, text=why, by=contact.agency, now=now)

    def _noted(self, contact: Contact, by: User, now: datetime) -> None:
        """A call, which is corrected after it, and what somebody said in confidence."""
        said: dict[str, Any] = {
            "contact_id": contact.pk, "kind": "call", "happened_at": now, "adult_ids": [], "by": by, "now": now,
            "child_ids": [child.pk for child in contact.children.all()],
        }  # fmt: skip
        call = notes.write(
            text="The mother rang back. She is at work until five, and would like a visit on Thursday.",
            readers=NoteReaders.RECORD, **said,
        )  # fmt: skip
        notes.correct(
            note_id=call.pk, seen_edition=call.edition, was_wrong="The day: I read my own writing wrong.",
            text="The mother rang back. She is at work until five, and would like a visit on Tuesday.", **said,
        )  # fmt: skip
        notes.write(
            text="The grandmother asks that nobody tells the family that she rang us.", readers=NoteReaders.TEAM, **said
        )

    def _to_sign_off(self, contact: Contact, now: datetime) -> None:
        by = self.timeline.staff(contact.team, now, Role.SOCIAL_WORKER)
        self.front_door.prepare(contact, by, now)
        contact = Contact.objects.select_related("recommendation").get(pk=contact.pk)
        assert contact.recommendation is not None
        decisions.decide(
            contact_id=contact.pk,
            recommendation_id=contact.recommendation.pk,
            pathway="advice",
            level=1,
            rag="blue",
            rationale=WHY_LESS,
            history=HISTORY if has_history(contact.recommendation.facts) else "",
            without_answers=[check.pk for check in partner_checks.unanswered(contact)],
            by=by,
            now=now,
        )

    def _declined(self, contact: Contact, now: datetime) -> None:
        self._to_sign_off(contact, now)
        contact.refresh_from_db()
        if contact.status == ContactStatus.SIGN_OFF:
            decided_by = contact.decisions.latest("pk").decided_by
            by = self.timeline.staff(contact.team, now, Role.FRONT_DOOR_MANAGER, but_not=decided_by)
            why = "Two contacts in three months: ask the health visitor first, then decide again."
            decisions.sign_off(contact_id=contact.pk, agreed=False, rationale=why, by=by, now=now)

    def _a_case_that_came_back(self, now: datetime) -> None:
        offered = Handoff.objects.filter(status=HandoffStatus.OFFERED).select_related("to_team").order_by("-pk").first()
        if offered is not None:
            by = self.timeline.staff(offered.to_team, now, Role.TEAM_LEAD)
            why = "The grandparents, with whom they stay, live in another locality."
            handoffs.return_to_sender(handoff_id=offered.pk, reason=why, by=by, now=now)

    def _a_case_that_came_back_to_its_team(self, now: datetime) -> None:
        """The newest case of a locality team that its lead practitioner may still offer."""
        held = Responsibility.objects.filter(
            period__endswith__isnull=True,
            team__kind=TeamKind.LOCALITY,
            case__lead_practitioner__isnull=False,
            case__lead_left_on=None,
        ).exclude(case__handoffs__status=HandoffStatus.OFFERED)
        for each in held.select_related("case__lead_practitioner", "team").order_by("-case__opened_at", "-pk"):
            by, others = each.case.lead_practitioner, Team.objects.filter(kind=TeamKind.LOCALITY, is_active=True)
            if by is None or handoffs.ordinal(each.case) >= LEAD_OFFERS_FROM:
                continue
            to_team = others.exclude(pk=each.team_id).order_by("pk")[0]
            offered = handoffs.offer(
                case_id=each.case_id, to_team_id=to_team.pk, reason="They are about to move there.",
                despite="They are about to move away from those who know them.", by=by, now=now,
            )  # fmt: skip
            answers = Membership.objects.current(local_day(now)).filter(team=to_team).order_by("pk")
            why = "They have not moved yet, and the school says that they may stay. Offer them again when they have."
            handoffs.return_to_sender(handoff_id=offered.pk, reason=why, by=answers[0].user, now=now)
            return

    def _how_much_each_can_lead(self) -> None:
        """Whoever leads a team leads fewer families."""
        here = Membership.objects.filter(team__kind=TeamKind.LOCALITY)
        for role, number in ((Role.TEAM_MEMBER, 8), (Role.TEAM_LEAD, 3)):
            here.filter(role=role).update(most_cases=number)

    def _a_mistake_in_a_name(self, now: datetime) -> None:
        """Another agency sends a contact about a known family, with a mistake in a name and in a date of birth."""
        if (known := self._known()) is not None:
            document = self._again(known)
            child = document["children"][0]
            child["first_name"], child["nhs_number"] = f"{child['first_name']}e", None
            child["date_of_birth"] = child["date_of_birth"] and f"{child['date_of_birth'][:-2]}28"
            self._receive(document, known.agency, now)

    def _a_confidential_address(self, now: datetime) -> None:
        document = self.timeline.families.contact(now, self.timeline.agencies[0].source_code)
        # A postcode that the documentation does not use: contacts that people type from it would match this household.
        address = {"lines": ["4 Elm Court"], "postcode": self.timeline.families.postcodes[-1], "confidential": True}
        for child in document["children"]:
            child["address"] = address
        father = {
            "first_name": "Sean", "last_name": "Ellery", "relationship": "father", "same_address": False,
            "address": {"lines": ["11 Sample Street"], "postcode": self.timeline.families.postcodes[-2]},
        }  # fmt: skip
        document["adults"].append(father)
        self._receive(document, None, now)

    def _a_restricted_record(self, now: datetime) -> None:
        """A child who is related to a colleague, and a second contact about her."""
        governance = self._first_with(Role.INFORMATION_GOVERNANCE, now)
        manager = self._first_with(Role.FRONT_DOOR_MANAGER, now)
        closed = Case.objects.filter(status="closed").order_by("pk").first()
        contact = None if closed is None else closed.contacts.order_by("pk").first()
        if contact is None or governance is None or manager is None:
            return
        restrictions.restrict(
            contact_id=contact.pk,
            person_id=contact.children.order_by("position")[0].person_id,
            kind="relative_of_staff",
            reason="Her aunt works at the front door.",
            owner_id=governance.pk,
            reader_ids=[manager.pk],
            without_readers=False,
            by=governance,
            now=now,
        )
        self._receive(self._again(contact), contact.agency, now)

    def _known(self) -> Contact | None:
        found = Contact.objects.filter(status=ContactStatus.DECIDED, children__date_of_birth__isnull=False)
        return found.order_by("-received_at").first()

    def _again(self, contact: Contact) -> dict[str, Any]:
        document: dict[str, Any] = deepcopy(contact.document)
        return document | {"agency_reference": f"DEMO-{contact.pk}-AGAIN"}

    def _receive(self, document: dict[str, Any], but_not: Agency | None, now: datetime) -> None:
        by = next(agency for agency in self.timeline.agencies if agency != but_not)
        receiving.receive(document=document | {"source_code": by.source_code}, by=by, now=now)

    def _first_with(self, role: Role, now: datetime) -> User | None:
        found = (
            Membership.objects.current(local_day(now)).filter(role=role).select_related("user").order_by("pk").first()
        )
        return found.user if found else None
