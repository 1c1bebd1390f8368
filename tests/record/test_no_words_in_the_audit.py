"""
The audit holds codes, statuses and references, and never what somebody wrote: nobody can take it back.

The whole story is told, by people who type one word into every field that takes words. Every kind of event comes up,
so whoever adds one adds it here too.
"""

from collections.abc import Iterator
from datetime import date, time, timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import override_settings

from casework.access.reasons import TO_CHOOSE
from casework.actions import (
    absences,
    broken_glass,
    calendar,
    cases,
    clock_changes,
    closing,
    conflicts,
    contact_batches,
    contact_drafts,
    contact_handovers,
    corrections,
    decisions,
    duties,
    files,
    handoffs,
    learning,
    matches,
    notes,
    open_lists,
    parked_messages,
    partner_checks,
    passwords,
    people,
    protecting,
    receiving,
    referrers,
    reminders,
    replays,
    restrictions,
    rule_sets,
    searching,
    sender_requests,
    shift_handovers,
    signing_in,
    viewing,
)
from casework.actions.contact_batches import ToTakeIn
from casework.actions.contact_drafts import Task
from casework.families.typed_search import read_typed
from casework.jobs import calendar_changes, delivery, integrity_checks, lost_leads, rechecks, sweep
from casework.jobs import files as file_jobs
from casework.jobs.contact_batches import take_in
from casework.models import (
    AuditEvent,
    Case,
    Clock,
    Contact,
    Event,
    Handoff,
    OutboxMessage,
    PersonMatch,
    ReplyKind,
    RequestKind,
    RestrictedAccess,
)
from casework.record import audit
from casework.record.responsibilities import current
from localities.models import Agency, AgencyClient, CalendarDay, Membership, OtherAuthority, Team, User
from localities.working_time import local_day
from tests.stage.administrator import Administrator
from tests.stage.clamd import EICAR, clamd
from tests.stage.documents import address, nhs_number
from tests.stage.drafts import AHEAD, Drafts, latest
from tests.stage.files import PDF, stored
from tests.stage.mail import Sink, mail_server
from tests.stage.rule_documents import Json
from tests.stage.story import Story, person
from triage.models import RuleSetVersion

# No code, no name of a rule and no reference has it in it.
WORD = "Quagga"
TEXTS_OF_A_CLOSING = ("summary", "children_note", "adults_note", "family_says", "support")
SENTENCE = " ".join([WORD] * 6)


def typed_document(**changes: Any) -> Json:
    """A contact in which every field that takes words has the word."""
    entry = {
        "ref": WORD, "first_name": WORD, "last_name": WORD, "also_known_as": [WORD], "school": WORD,
        "date_of_birth": "2017-05-16", "where_now": WORD, "first_language": WORD, "indicators": ["L3-12"],
        "address": address("HP20 1UA") | {"lines": [WORD]},
    }  # fmt: skip
    adult = {"first_name": WORD, "last_name": WORD, "relationship": WORD, "phone": WORD, "same_address": True}
    return {
        "agency_reference": WORD, "type": "safeguarding_concern", "source_code": "2A", "received_by_phone": True,
        "referrer": {"name": WORD, "role": WORD, "organisation": WORD, "email": f"{WORD}@school.example", "phone": WORD,
                     "relationship": WORD},
        "children": [entry | changes.pop("child", {})], "adults": [adult],
        "concern": {"worries": WORD, "working_well": WORD, "wanted": WORD, "childs_words": WORD},
        "support_already_tried": WORD, "agreement": {"service": "given", "given_by": WORD},
        "parents_told": {"answer": "no", "reason": WORD},
    } | changes  # fmt: skip


class WholeStory:
    """The story, told by people who type the word. Each step takes some minutes."""

    def __init__(self, story: Story, sink: Sink) -> None:
        self.story, self.sink = story, sink

    def said(self, by: str = "amina") -> dict[str, Any]:
        return {"by": person(by), "now": self.story.later(minutes=10)}

    def contact(self, *name: str, **changes: Any) -> Contact:
        """About the child of that name, where one is given, of a family of its own."""
        if name:
            own = {"first_name": name[0], "last_name": name[1], "also_known_as": [], "school": WORD}
            changes = {"adults": []} | changes | {"child": own | changes.get("child", {})}
        agency = Agency.objects.get(code="example-primary-school")
        return receiving.receive(document=typed_document(**changes), by=agency, now=self.story.later()).contact

    def decided(self, contact: Contact, **changes: Any) -> None:
        contact.refresh_from_db()
        assert contact.recommendation is not None
        said: dict[str, Any] = {"pathway": contact.recommendation.pathway, "level": contact.recommendation.level,
                "rag": contact.recommendation.rag, "rationale": SENTENCE, "history": SENTENCE}  # fmt: skip
        decisions.decide(
            contact_id=contact.pk, recommendation_id=contact.recommendation.pk, **said | changes, **self.said()
        )

    def a_waiting_contact(self) -> None:
        contact = self.contact(agreement={"service": "not_sought"})
        viewing.view_contact(reference=contact.reference, **self.said())
        sender = contact.agency or self.fail()
        viewing.view_own_contact(reference=contact.reference, by=sender, now=self.story.now)
        viewing.list_own_contacts(narrowed=list, by=sender, now=self.story.now)
        sent = [ToTakeIn(WORD, typed_document()), ToTakeIn(WORD, {WORD: WORD})]
        batch = contact_batches.keep(contacts=sent, by=sender, now=self.story.now)
        take_in(clock=self.story.later)
        viewing.view_own_batch(key=batch.key, by=sender, now=self.story.now)
        clock = contact.clocks.get(kind="final_decision_green")
        clock_changes.pause(clock_id=clock.pk, reason=WORD, **self.said())
        clock_changes.resume(clock_id=clock.pk, reason=WORD, **self.said())
        clock_changes.extend(clock_id=clock.pk, to=clock.due_at + timedelta(days=9), reason=WORD, **self.said("maya"))
        learning.record_agreement(
            contact_id=contact.pk, service="given", given_by=WORD, on=self.story.now.date(), **self.said()
        )
        for code, answers in (("example-police", True), ("example-health-visiting", False)):
            agency = Agency.objects.get(code=code)
            check = partner_checks.ask(contact_id=contact.pk, agency_id=agency.pk, question=WORD, **self.said())
            if answers:
                partner_checks.record_answer(check_id=check.pk, answer=WORD, **self.said())
            else:
                partner_checks.withdraw(check_id=check.pk, reason=WORD, **self.said())
        self.asked_in_its_system(contact)
        chased = sender_requests.ask(
            reference=contact.reference, kind=RequestKind.CHASE, text=WORD, by=sender, now=self.story.later()
        )
        sender_requests.answer(request_id=chased.request.pk, text=WORD, **self.said())
        said: dict[str, Any] = {
            "contact_id": contact.pk, "kind": "call", "text": WORD, "happened_at": None, "child_ids": [],
            "adult_ids": [],
        }  # fmt: skip
        note = notes.write(**said, readers="team", **self.said())
        notes.correct(**said, note_id=note.pk, seen_edition=1, was_wrong=WORD, **self.said())
        contact_handovers.hand_over(contact_id=contact.pk, note=WORD, **self.said())
        contact_handovers.take_on(contact_id=contact.pk, **self.said("erin"))
        (child,) = contact.children.all()
        viewing.view_person(reference=child.person.reference, **self.said())
        name = people.Said("former_name", WORD, said_by=WORD)
        detail = people.add_detail(person_id=child.person_id, said=name, **self.said())
        people.end_detail(person_id=child.person_id, detail_id=detail.pk, reason=WORD, **self.said())
        people.say_in_error(person_id=child.person_id, detail_id=detail.pk, reason=WORD, **self.said())
        protecting.protect(person_id=child.person_id, reason=WORD, **self.said())
        protecting.lift(person_id=child.person_id, reason=WORD, **self.said("maya"))
        referrers.confirm_in_writing(contact_id=contact.pk, **self.said())
        referrers.acknowledge(contact_id=contact.pk, **self.said())
        contact.refresh_from_db()
        learning.record_own_records(
            contact_id=contact.pk, recommendation_id=contact.recommendation_id or 0, sibling_on_cp_plan=None,
            children={}, **self.said(),
        )  # fmt: skip
        contact.refresh_from_db()
        learning.screen(
            contact_id=contact.pk, recommendation_id=contact.recommendation_id or 0, children={}, family=["L3-36"],
            none_applies=False, **self.said(),
        )  # fmt: skip
        said = {"first_name": WORD, "school": WORD, "sex": WORD, "date_of_birth": "2017-05-17"}
        corrections.learn(
            contact_id=contact.pk, document={"source": "family", "said_by": WORD, "why": WORD,
            "children": [{"ref": WORD} | said, said], "adults": [{"first_name": WORD}]}, **self.said(),
        )  # fmt: skip
        self.decided(contact, pathway="advice", level=3)
        decisions.sign_off(contact_id=contact.pk, agreed=False, rationale=SENTENCE, **self.said("maya"))
        self.decided(contact, pathway="advice", level=3)
        decisions.sign_off(contact_id=contact.pk, agreed=True, rationale=SENTENCE, **self.said("maya"))
        referrers.give_feedback(contact_id=contact.pk, **self.said())
        for same in (True, False):
            like = self.contact(child={"also_known_as": [], "nhs_number": None})
            match = PersonMatch.objects.filter(child__contact=like, status="proposed").earliest("pk")
            matches.settle(contact_id=like.pk, match_id=match.pk, same=same, reason=WORD, **self.said())
            matches.undo(contact_id=like.pk, match_id=match.pk, reason=WORD, **self.said())

    def asked_in_its_system(self, contact: Contact) -> None:
        surgery = Agency.objects.get(code="example-surgery")
        AgencyClient.objects.create(agency=surgery, name=WORD)
        check = partner_checks.ask(
            contact_id=contact.pk, agency_id=surgery.pk, question=WORD, in_system=True, **self.said()
        )
        said: dict[str, Any] = {"key": check.key, "text": WORD, "by": surgery}
        partner_checks.reply(**said, kind=ReplyKind.ASKS_BACK, now=self.story.later())
        partner_checks.tell(check_id=check.pk, text=WORD, **self.said())
        viewing.list_own_checks(narrowed=list, by=surgery, now=self.story.later())
        partner_checks.reply(**said, kind=ReplyKind.ANSWER, now=self.story.later())

    @staticmethod
    def fail() -> Any:
        raise AssertionError("the contact came from an agency")

    def drafts(self) -> None:
        began: dict[str, Any] = {"by": person("amina"), "now": self.story.now - timedelta(hours=2)}
        for key in ("to delete", "to take over"):
            typed = {"contact-worries": [WORD]}
            contact_drafts.save(key=key, task=Task("concern", typed, typed), seen_version=0, **began)
        contact_drafts.delete(key="to delete", **self.said())
        contact_drafts.take_over(key="to take over", **self.said("maya"))

    def files(self) -> None:
        """One is clean, and one is not."""
        contact = self.contact("Kim", "Taipan")
        with clamd() as scanner, override_settings(CLAMAV_URL=scanner.url):
            for content in (PDF, PDF + EICAR):
                said: dict[str, Any] = {"name": WORD, "about": WORD}
                file = files.add_to_contact(contact_id=contact.pk, stored=stored(content), **said, **self.said())
            file_jobs.check(clock=lambda: self.story.now)
        clean = contact.files.earliest("pk")
        for key, action in ((file.key, files.view), (clean.key, files.download)):
            action(reference=contact.reference, key=key, **self.said())
        files.remove(reference=contact.reference, key=clean.key, reason=WORD, **self.said("iris"))
        typed = {"contact-worries": [WORD]}
        contact_drafts.save(key="files", task=Task("concern", typed, typed), seen_version=0, **self.said())
        on_draft = files.add_to_draft(key="files", stored=stored(), name=WORD, **self.said())
        files.remove_from_draft(key="files", file_key=on_draft.key, **self.said())

    def a_case(self) -> None:
        contact = self.contact("Lou", "Adder", child={"nhs_number": nhs_number(7)})
        chiltern, aylesbury = (Team.objects.get(code=code) for code in ("chiltern", "aylesbury"))
        self.decided(contact, chosen_team_id=chiltern.pk, chosen_team_reason=WORD)
        case = Case.objects.get(contacts=contact)
        viewing.view_case(reference=case.reference, **self.said())
        handoffs.withdraw(handoff_id=Handoff.objects.latest("pk").pk, reason=WORD, **self.said())
        for to, answers in ((chiltern, False), (aylesbury, True), (chiltern, True), (aylesbury, True)):
            by = {"front-door": "maya", "aylesbury": "ben", "chiltern": "chris"}
            offer = handoffs.offer(
                case_id=case.pk, to_team_id=to.pk, reason=WORD, lead_reason=WORD, despite=WORD,
                **self.said(by[current(case).team.code]),
            )  # fmt: skip
            if answers:
                handoffs.accept(handoff_id=offer.pk, **self.said(by[to.code]))
            else:
                handoffs.return_to_sender(handoff_id=offer.pk, reason=WORD, **self.said(by[to.code]))
        cases.name_lead(case_id=case.pk, lead_id=person("bea").pk, **self.said("ben"))
        Membership.objects.filter(user=person("bea")).update(ends_on=local_day(self.story.now) - timedelta(days=1))
        lost_leads.release(now=self.story.later())
        Membership.objects.filter(user=person("bea")).update(ends_on=None)
        at = self.story.now
        cases.record_milestone(case_id=case.pk, kind="first_family_contact", at=at, **self.said("ben"))
        more = self.contact("Lou", "Adder", child={"nhs_number": nhs_number(7)})
        self.decided(more)
        for children in ([{"first_name": WORD}], [{"ref": "c2", "in_family": False}]):
            corrections.learn(
                contact_id=more.pk, document={"source": "family", "why": WORD, "children": children}, **self.said()
            )
        texts: dict[str, Any] = dict.fromkeys(TEXTS_OF_A_CLOSING, " ".join(4 * [WORD]))
        ended = closing.HowItEnded(
            outcome="needs_met", children_seen=True, adults_seen=False, family_asked=True, **texts
        )
        closing.ask_lead(case_id=case.pk, ended=ended, **self.said("bea"))
        closing.decline(case_id=case.pk, reason=WORD, **self.said("ben"))
        closing.close(case_id=case.pk, ended=ended, **self.said("ben"))

    def elsewhere(self) -> None:
        """A family of another authority, whose name an administrator typed."""
        contact = self.contact("Jo", "Boa", child={"address": address("OX1 1AA")})
        self.decided(contact)
        handoff = Handoff.objects.get(case__contacts=contact)
        handoffs.accept(handoff_id=handoff.pk, **self.said("dan"))
        authority = OtherAuthority.objects.create(name=WORD)
        cases.name_other_authority(case_id=handoff.case_id, authority_id=authority.pk, **self.said("dan"))

    def restricted_records(self) -> None:
        contact, other = self.contact("Ren", "Mamba"), self.contact("Sky", "Asp")
        restriction = restrictions.restrict(
            contact_id=contact.pk, person_id=contact.children.get().person_id, kind="other", reason=WORD,
            owner_id=person("sam").pk, reader_ids=[], without_readers=True, **self.said("iris"),
        )  # fmt: skip
        on: dict[str, Any] = {"restriction_id": restriction.pk}
        access = restrictions.name_reader(**on, user_id=person("amina").pk, reason=WORD, **self.said("iris"))
        restrictions.remove_reader(access_id=access.pk, **self.said("iris"))
        broken_glass.break_glass(reference=contact.reference, reason=WORD, **self.said())
        glass = RestrictedAccess.objects.broken_glass().get()
        broken_glass.review(access_id=glass.pk, says=WORD, **self.said("sam"))
        restrictions.change_owner(**on, owner_id=person("iris").pk, **self.said("sam"))
        restrictions.lift(**on, reason=WORD, **self.said("iris"))
        conflict = conflicts.declare_in_contact(contact_id=other.pk, reason=WORD, **self.said())
        conflicts.end_conflict(conflict_id=conflict.pk, reason=WORD, **self.said("maya"))

    def reminders_and_messages(self) -> None:
        clock = self.contact("Max", "Cobra").clocks.get(kind="next_step_decision")
        sweep.sweep(now=clock.warn_at)
        self.story.now = clock.warn_at
        reminder = clock.reminders.get(step="warning")
        reminders.see(reminder_id=reminder.pk, **self.said())
        reminders.snooze(reminder_id=reminder.pk, until="hour", reason=WORD, **self.said())
        parked_messages.drop(message_id=self.parked().pk, reason=WORD, **self.said("sam"))
        parked_messages.retry(message_id=self.parked().pk, **self.said("sam"))
        delivery.drain(clock=lambda: self.story.later(days=1), connect=self.sink.connect)

    def parked(self) -> OutboxMessage:
        """A message that was refused on its last attempt."""
        message = OutboxMessage.objects.filter(sent_at=None, parked_at=None, carried_by=None).earliest("pk")
        OutboxMessage.objects.filter(pk=message.pk).update(
            attempts=delivery.MOST_ATTEMPTS - 1, not_before=message.created_at
        )
        self.sink.refuses[message.to] = f"550 {WORD}"
        delivery.drain(clock=lambda: self.story.now, connect=self.sink.connect)
        self.sink.refuses.clear()
        return message

    def the_rules(self) -> None:
        drafts = Drafts(self.story)
        draft = drafts.copied()
        changed = drafts.changed(draft, draft.document | {"title": WORD})
        drafts.proved(changed)
        replay = drafts.asked(changed)
        replays.cancel(replay_id=replay.pk, **self.said("paula"))
        replays.export(replay_id=changed.replays.filter(finished_at__isnull=False)[0].pk, **self.said("ava"))
        for starts_at in (None, AHEAD):
            fresh = RuleSetVersion.objects.get(pk=changed.pk)
            said: dict[str, Any] = {"version_id": fresh.pk, "edition": fresh.edition}
            rule_sets.propose(**said, proposal=WORD, **self.said("paula"))
            if starts_at is None:
                rule_sets.send_back(version_id=fresh.pk, reason=WORD, **self.said("sam"))
            else:
                rule_sets.approve(**said, starts_at=starts_at, **self.said("sam"))
        rule_sets.call_off(version_id=changed.pk, reason=WORD, **self.said("sam"))
        rule_sets.discard(version_id=drafts.copied(latest()).pk, **self.said("paula"))

    def searches(self) -> None:
        """By somebody who says why, and by somebody whose work it is."""
        for name, reason in (("ava", TO_CHOOSE[0]), ("amina", "")):
            searching.search(query=read_typed(f"{WORD} 2015-03-04 HP20 1UA"), reason=reason, **self.said(name))

    def signing_in(self) -> None:
        """Erin loses her second step twice: she is let in, and she is not."""
        erin = person("erin")
        for kind in ("totp", "webauthn"):
            Authenticator.objects.create(user=erin, type=kind, data={"name": WORD})
            signing_in.record_factor_added(kind=kind, **self.said("erin"))
            reset = signing_in.ask_to_let_in(person_id=erin.pk, reason=WORD, **self.said("maya"))
            answer = signing_in.agree_to_let_in if kind == "totp" else signing_in.decline_to_let_in
            answer(reset_id=reset.pk, **self.said("adele"))
        signing_in.record_codes_made(**self.said("erin"))
        signing_in.record_factor_removed(kind="webauthn", **self.said("erin"))
        signing_in.record_account_linked(**self.said("erin"))
        signing_in.end_other_sessions(but="", **self.said("erin"))
        signing_in.tell_of_changed_address(person_id=erin.pk, old=f"{WORD}@front-door.example", **self.said("adele"))
        signing_in.record_sign_ins_viewed(person=str(erin.pk), kind="failed", **self.said("iris"))

    def the_service(self) -> None:
        day = CalendarDay(date=date(2026, 11, 24), kind="closure", name=WORD)
        calendar.change_day(day=day, before=None, **self.said("adele"))
        calendar_changes.recompute(clock=lambda: self.story.now)
        rechecks.recheck(now=self.story.now)
        integrity_checks.check(now=self.story.now)
        adele = Administrator("adele")
        adele.change(Team.objects.get(code="chiltern"), name=WORD)
        adele.add(OtherAuthority, name=f"{WORD} County")

    def passwords(self) -> None:
        ben = person("ben")
        link = passwords.send_link(user_id=ben.pk, **self.said("adele"))
        passwords.set_own(link_id=link.pk, password=SENTENCE, **self.said("ben"))
        passwords.end_password(user_id=ben.pk, **self.said("adele"))
        passwords.ask_for_link(name=WORD, by=audit.SYSTEM, now=self.story.later())
        passwords.add_first_administrator(
            username=WORD, name=WORD, email=f"{WORD}@front-door.example", by=audit.SYSTEM, now=self.story.later()
        )

    def shifts(self) -> None:
        """Colleagues whose names are the word are on duty and away. A shift hands over, with a red contact."""
        User.objects.filter(username__in=("amina", "ben", "bea")).update(name=WORD)
        monday = date(2026, 11, 30)
        seen = duties.version_of(duties.of_week(monday))
        for since in (time(9), time(10)):
            entry = duties.Entry(WORD, monday, person("amina").pk, "social_worker", since, time(17, 30))
            week = duties.set_week(monday=monday, entries=[entry], seen=seen, **self.said("maya"))
            seen = duties.version_of(week)
        last_day = local_day(self.story.now) + timedelta(days=3)
        absence = absences.record(
            person_id=person("bea").pk, first_day=local_day(self.story.now), last_day=last_day, covered_by_id=None,
            **self.said("ben"),
        )  # fmt: skip
        absences.change(absence_id=absence.pk, last_day=last_day, covered_by_id=person("ben").pk, **self.said("bea"))
        absences.withdraw(absence_id=absence.pk, **self.said("bea"))
        self.contact(WORD, "Krait", child={"indicators": ["L4-01"]})
        front_door = Team.objects.get(code="front-door")
        sheet = shift_handovers.give(from_team_id=front_door.pk, note=WORD, **self.said())
        assert WORD in str(sheet.says)
        shift_handovers.add(handover_id=sheet.pk, text=WORD, **self.said())
        shift_handovers.confirm_read(handover_id=sheet.pk, **self.said("erin"))

    def open_lists(self) -> None:
        """Of all teams, one of which has the word for its name, and of that team as a file."""
        assert Team.objects.get(name=WORD).code == "chiltern"
        open_lists.open_lists(team_code="", as_file=False, **self.said("sam"))
        open_lists.open_lists(team_code="chiltern", as_file=True, **self.said("chris"))


@pytest.fixture
def whole_story(story: Story) -> Iterator[WholeStory]:
    with mail_server() as sink:
        yield WholeStory(story, sink)


def test_no_event_holds_what_somebody_typed(whole_story: WholeStory) -> None:
    whole_story.a_waiting_contact()
    whole_story.drafts()
    whole_story.files()
    whole_story.a_case()
    whole_story.elsewhere()
    whole_story.restricted_records()
    whole_story.reminders_and_messages()
    whole_story.searches()
    whole_story.the_rules()
    whole_story.signing_in()
    whole_story.the_service()
    whole_story.passwords()
    whole_story.shifts()
    whole_story.open_lists()
    events = list(AuditEvent.objects.order_by("pk"))
    assert {event.event for event in events} == set(Event), "an event that nobody tries here"
    assert [(event.event, event.detail) for event in events if WORD.lower() in str(event.detail).lower()] == []
    assert Clock.objects.running().exists()
