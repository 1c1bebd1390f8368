"""
In every action the checks come in one order: permission, state, input.

Each action below is tried too late and with nothing typed in. Somebody who may not do it hears only that. Somebody who
may hears that it is too late, and not what is missing in the form.
"""

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any, NamedTuple

import pytest
from allauth.mfa.models import Authenticator

from casework.actions import (
    absences,
    broken_glass,
    cases,
    clock_changes,
    closing,
    conflicts,
    contact_drafts,
    contact_handovers,
    contact_owners,
    corrections,
    decisions,
    duties,
    files,
    handoffs,
    learning,
    matches,
    notes,
    parked_messages,
    partner_checks,
    partner_secrets,
    passwords,
    people,
    protecting,
    receiving,
    referrers,
    replays,
    restrictions,
    rule_sets,
    sender_requests,
    shift_handovers,
    signing_in,
)
from casework.actions.closing import HowItEnded
from casework.models import (
    Absence,
    Clock,
    ConflictOfInterest,
    Contact,
    ContactDraft,
    FactorReset,
    Handoff,
    OutboxMessage,
    PartnerCheck,
    Person,
    RequestKind,
    RestrictedAccess,
    Restriction,
    SenderRequest,
    ShiftHandover,
)
from errors import InvalidInput, NotAllowedInStatus, NotPermitted
from localities.models import Agency, AgencyClient, Team, User
from localities.working_time import local_day
from tests.stage.actions import public_actions
from tests.stage.documents import child
from tests.stage.drafts import Drafts, latest
from tests.stage.files import put
from tests.stage.restricted import restrict
from tests.stage.story import Story, person
from triage.models import RuleSetVersion

Action = Callable[..., object]


class Attempt(NamedTuple):
    """An action that comes too late. `may_not` names a user who sees the record but may not act on it."""

    may: str
    may_not: str
    prepared: Callable[[Story], Action]


def decided(story: Story) -> Contact:
    contact = story.contact()
    story.decided(contact)
    return contact


def ended(story: Story) -> Contact:
    """A contact whose case is closed."""
    return story.closed().contacts.get()


def answered_sender(story: Story) -> SenderRequest:
    """What a sender asked, and was answered."""
    contact = story.contact()
    said: dict[str, Any] = {"kind": RequestKind.CHASE, "text": "", "by": contact.agency, "now": story.later()}
    chased = sender_requests.ask(reference=contact.reference, **said).request
    return sender_requests.answer(request_id=chased.pk, text="So.", by=person("amina"), now=story.later())


def answered(story: Story) -> PartnerCheck:
    return story.answered(story.asked(story.contact()))


def handoff(story: Story) -> Handoff:
    """A handoff that was accepted."""
    return story.accepted().handoffs.get()


def stopped(story: Story) -> Clock:
    return decided(story).clocks.get(kind="final_decision_green")


def of_closed_case(story: Story) -> Clock:
    return story.closed().clocks.filter(handoff=None)[0]


def acknowledged(story: Story) -> Contact:
    return referrers.acknowledge(contact_id=story.contact().pk, by=person("amina"), now=story.later())


def in_the_open(story: Story) -> Person:
    return story.contact().children.get().person


def ended_detail(story: Story) -> Action:
    who, said = in_the_open(story), people.Said("former_name", "Robin Old", said_by="His aunt")
    by: dict[str, Any] = {"person_id": who.pk, "by": person("amina"), "now": story.later()}
    detail = people.add_detail(said=said, **by)
    people.end_detail(detail_id=detail.pk, reason="Misheard.", **by)
    return partial(people.end_detail, person_id=who.pk, detail_id=detail.pk, reason="")


def detail_in_error(story: Story) -> Action:
    who, said = in_the_open(story), people.Said("former_name", "Robin Old", said_by="His aunt")
    by: dict[str, Any] = {"person_id": who.pk, "by": person("amina"), "now": story.later()}
    detail = people.add_detail(said=said, **by)
    people.say_in_error(detail_id=detail.pk, reason="Misheard.", **by)
    return partial(people.say_in_error, person_id=who.pk, detail_id=detail.pk, reason="")


def in_hiding(story: Story) -> Person:
    person_ = in_the_open(story)
    protecting.protect(person_id=person_.pk, reason="The police say so.", by=person("amina"), now=story.later())
    return person_


def on_its_way(story: Story) -> OutboxMessage:
    story.contact()
    return OutboxMessage.objects.filter(carried_by=None)[0]


def corrected_note(story: Story) -> Action:
    """A note that somebody corrected since it was read."""
    note = story.note(story.contact())
    story.corrected(note)
    nothing: dict[str, Any] = {"kind": "", "text": "", "was_wrong": "", "happened_at": None}
    about: dict[str, Any] = {"child_ids": [], "adult_ids": [], "contact_id": note.contact_id}
    return partial(notes.correct, note_id=note.pk, seen_edition=1, **nothing, **about)


def draft(story: Story) -> RuleSetVersion:
    return Drafts(story).copied()


def closed(action: Action, **typed: Any) -> Attempt:
    return Attempt("ben", "ava", lambda story: partial(action, case_id=story.closed().pk, **typed))


def published(action: Action, **typed: Any) -> Attempt:
    return Attempt("sam", "oliver", lambda story: partial(action, version_id=latest().pk, **typed))


def of_decided(action: Action, **typed: Any) -> Attempt:
    return Attempt("amina", "sam", lambda story: partial(action, contact_id=decided(story).pk, **typed))


def of(may: str, may_not: str, action: Action, thing: Callable[[Story], Any], name: str, **typed: Any) -> Attempt:
    return Attempt(may, may_not, lambda story: partial(action, **{name: thing(story).pk}, **typed))


def lifted(story: Story) -> Restriction:
    restriction = restrict(story, story.contact(), "amina", "iris", by="maya")
    return restrictions.lift(restriction_id=restriction.pk, reason="So.", by=person("sam"), now=story.later())


def of_lifted(action: Action, **typed: Any) -> Attempt:
    return of("sam", "amina", action, lifted, "restriction_id", **typed)


def named(story: Story) -> RestrictedAccess:
    return lifted(story).access.all()[0]


def reviewed(story: Story) -> RestrictedAccess:
    restriction = restrict(story, story.contact())
    broken_glass.break_glass(reference=restriction.reference, reason="So.", by=person("erin"), now=story.later())
    return broken_glass.review(
        access_id=RestrictedAccess.objects.get().pk, says="So.", by=person("sam"), now=story.later()
    )


def conflict(story: Story) -> ConflictOfInterest:
    """A conflict of interest that has ended."""
    declared = conflicts.declare_in_contact(
        contact_id=story.contact().pk, reason="So.", by=person("oliver"), now=story.later()
    )
    return conflicts.end_conflict(conflict_id=declared.pk, reason="So.", by=person("maya"), now=story.later())


def together(*, match_id: int, **said: Any) -> None:
    matches.settle_together(match_ids=[match_id], **said)


def of_match(action: Action, *, settled: bool, **typed: Any) -> Attempt:
    """An action on a match that waits for somebody, or that somebody has settled."""

    def prepare(story: Story) -> Callable[..., Any]:
        story.contact()
        contact = story.contact(children=[child(nhs_number=None)], adults=[])
        found: dict[str, Any] = {"contact_id": contact.pk, "match_id": contact.children.get().matches.get().pk}
        if settled:
            matches.settle(**found, same=True, by=person("amina"), now=story.later())
        return partial(action, **found, **typed)

    return Attempt("amina", "sam", prepare)


def finished(story: Story, owner: User) -> str:
    """The key of a draft of this user that was deleted."""
    draft_: dict[str, Any] = {"owner": owner, "started_at": story.now, "saved_at": story.now, "deleted_at": story.now}
    return ContactDraft.objects.create(key=f"of {owner}", **draft_).key


def of_a_leaver() -> int:
    """The user whose account is closed."""
    User.objects.filter(username="ben").update(is_active=False)
    return person("ben").pk


def removed_file(story: Story) -> Action:
    file = put(story.contact(), story)
    reference = file.contact.reference if file.contact else ""
    on: dict[str, Any] = {"reference": reference, "key": file.key}
    files.remove(**on, reason="So.", by=person("iris"), now=story.later())
    return partial(files.remove, **on, reason="")


def withdrawn(story: Story) -> Absence:
    today = local_day(story.now)
    absence = absences.record(
        person_id=person("bea").pk, first_day=today, last_day=today, covered_by_id=None, by=person("bea"),
        now=story.later(),
    )  # fmt: skip
    return absences.withdraw(absence_id=absence.pk, by=person("bea"), now=story.later())


def sheet(story: Story) -> ShiftHandover:
    """What the front door gave to emergency duty."""
    front_door = Team.objects.get(code="front-door")
    return shift_handovers.give(from_team_id=front_door.pk, note="So.", by=person("amina"), now=story.later())


def read_sheet(story: Story) -> ShiftHandover:
    return shift_handovers.confirm_read(handover_id=sheet(story).pk, by=person("erin"), now=story.later())


def declined(story: Story) -> FactorReset:
    """Maya asked to let Erin in, and Adele declined."""
    erin = person("erin")
    Authenticator.objects.create(user=erin, type=Authenticator.Type.TOTP, data={})
    reset = signing_in.ask_to_let_in(person_id=erin.pk, reason="So.", by=person("maya"), now=story.later())
    return signing_in.decline_to_let_in(reset_id=reset.pk, by=person("adele"), now=story.later())


def nothing_on_the_rota(_: Story) -> Action:
    """A week that is sent twice is none that somebody else has changed, so that what was typed is read first."""
    monday = date(2026, 11, 30)
    nothing = duties.Entry("1", monday, None, "", None, None)
    return partial(duties.set_week, monday=monday, entries=[nothing], seen="")


EMPTY: dict[str, Any] = {"pathway": "", "level": 0, "rag": "", "rationale": ""}

ATTEMPTS = {
    "absences.change": of("ben", "carol", absences.change, withdrawn, "absence_id", last_day=None, covered_by_id=None),
    "absences.withdraw": of("ben", "carol", absences.withdraw, withdrawn, "absence_id"),
    "broken_glass.review": of("sam", "maya", broken_glass.review, reviewed, "access_id", says=""),
    "conflicts.end_conflict": of("maya", "amina", conflicts.end_conflict, conflict, "conflict_id", reason=""),
    "restrictions.lift": of_lifted(restrictions.lift, reason=""),
    "restrictions.name_reader": of_lifted(restrictions.name_reader, user_id=None, reason=""),
    "restrictions.change_owner": of_lifted(restrictions.change_owner, owner_id=None),
    "restrictions.remove_reader": of("sam", "amina", restrictions.remove_reader, named, "access_id"),
    "cases.name_lead": closed(cases.name_lead, lead_id=None),
    "cases.name_other_authority": closed(cases.name_other_authority, authority_id=None),
    "cases.record_milestone": closed(cases.record_milestone, kind="", at=None),
    "closing.ask_lead": closed(closing.ask_lead, ended=HowItEnded()),
    "closing.close": closed(closing.close, ended=HowItEnded(children_seen=True)),
    "closing.decline": Attempt(
        "ben", "ava", lambda story: partial(closing.decline, case_id=story.closed().pk, reason="")
    ),
    "clock_changes.extend": of("sam", "ava", clock_changes.extend, of_closed_case, "clock_id", to=None, reason=""),
    "clock_changes.pause": of("amina", "sam", clock_changes.pause, stopped, "clock_id", reason=""),
    "clock_changes.resume": of("amina", "sam", clock_changes.resume, stopped, "clock_id", reason=""),
    "contact_drafts.delete": Attempt(
        "amina", "ben", lambda story: lambda by, now: contact_drafts.delete(key=finished(story, by), by=by, now=now)
    ),
    "contact_handovers.hand_over": of_decided(contact_handovers.hand_over, note=""),
    "contact_handovers.take_on": of_decided(contact_handovers.take_on),
    "contact_owners.assign": of_decided(contact_owners.assign, to_id=0, seen_owner_id=None),
    "corrections.learn": of("oliver", "sam", corrections.learn, ended, "contact_id", document={}),
    "decisions.decide": of_decided(decisions.decide, recommendation_id=0, **EMPTY),
    "decisions.sign_off": of("maya", "oliver", decisions.sign_off, decided, "contact_id", agreed=True, rationale=""),
    "files.remove": Attempt("iris", "amina", removed_file),
    "handoffs.accept": of("ben", "ava", handoffs.accept, handoff, "handoff_id"),
    "handoffs.offer": Attempt(
        "sam", "ava", lambda story: partial(handoffs.offer, case_id=story.closed().pk, to_team_id=None, reason="")
    ),
    "handoffs.return_to_sender": of("ben", "ava", handoffs.return_to_sender, handoff, "handoff_id", reason=""),
    "handoffs.withdraw": of("sam", "ava", handoffs.withdraw, handoff, "handoff_id", reason=""),
    "learning.record_agreement": of_decided(learning.record_agreement, service="", given_by="", on=None),
    "learning.record_own_records": of_decided(
        learning.record_own_records, recommendation_id=0, sibling_on_cp_plan=None, children={}
    ),
    "learning.screen": of_decided(learning.screen, recommendation_id=0, children={}, family=[], none_applies=False),
    "matches.settle": of_match(matches.settle, settled=True, same=True),
    "matches.settle_together": of_match(together, settled=True, same=True),
    "matches.undo": of_match(matches.undo, settled=False, reason=""),
    "notes.correct": Attempt("amina", "oliver", corrected_note),
    "passwords.end_password": Attempt(
        "adele", "sam", lambda story: partial(passwords.end_password, user_id=person("ben").pk)
    ),
    "passwords.send_link": Attempt("adele", "sam", lambda story: partial(passwords.send_link, user_id=of_a_leaver())),
    "people.end_detail": Attempt("amina", "ava", ended_detail),
    "people.say_in_error": Attempt("amina", "ava", detail_in_error),
    "protecting.lift": of("maya", "amina", protecting.lift, in_the_open, "person_id", reason=""),
    "protecting.protect": of("amina", "ava", protecting.protect, in_hiding, "person_id", reason=""),
    "parked_messages.drop": of("adele", "ava", parked_messages.drop, on_its_way, "message_id", reason=""),
    "parked_messages.retry": of("adele", "ava", parked_messages.retry, on_its_way, "message_id"),
    "partner_checks.ask": of_decided(partner_checks.ask, agency_id=None, question=""),
    "partner_checks.record_answer": of("amina", "sam", partner_checks.record_answer, answered, "check_id", answer=""),
    "partner_checks.tell": of("amina", "sam", partner_checks.tell, answered, "check_id", text=""),
    "partner_secrets.end_former": of(
        "adele",
        "sam",
        partner_secrets.end_former,
        lambda _: AgencyClient.objects.get_or_create(agency=Agency.objects.get(code="example-police"), name="A system")[
            0
        ],
        "client_id",
    ),
    "sender_requests.answer": of("amina", "sam", sender_requests.answer, answered_sender, "request_id", text=""),
    "partner_checks.withdraw": of("amina", "sam", partner_checks.withdraw, answered, "check_id", reason=""),
    "referrers.acknowledge": of("amina", "sam", referrers.acknowledge, acknowledged, "contact_id"),
    "referrers.confirm_in_writing": of_decided(referrers.confirm_in_writing),
    "referrers.give_feedback": of("amina", "sam", referrers.give_feedback, lambda story: story.contact(), "contact_id"),
    "replays.ask_for": published(replays.ask_for, first_day=None, last_day=None),
    "replays.cancel": of(
        "paula", "oliver", replays.cancel, lambda story: Drafts(story).replayed(draft(story)), "replay_id"
    ),
    "replays.export": of(
        "paula", "adele", replays.export, lambda story: Drafts(story).asked(draft(story)), "replay_id"
    ),
    "rule_sets.approve": of("sam", "oliver", rule_sets.approve, draft, "version_id", edition=0, starts_at=None),
    "rule_sets.call_off": published(rule_sets.call_off, reason=""),
    "rule_sets.change": published(rule_sets.change, edition=0, document={}),
    "rule_sets.discard": published(rule_sets.discard),
    "rule_sets.propose": published(rule_sets.propose, edition=0, proposal=""),
    "rule_sets.send_back": of("sam", "oliver", rule_sets.send_back, draft, "version_id", reason=""),
    "shift_handovers.confirm_read": of("ezra", "sam", shift_handovers.confirm_read, read_sheet, "handover_id"),
    "signing_in.agree_to_let_in": of("ben", "amina", signing_in.agree_to_let_in, declined, "reset_id"),
    "signing_in.decline_to_let_in": of("ben", "amina", signing_in.decline_to_let_in, declined, "reset_id"),
}

# Actions that have no status to look at first. Each is tried with nothing typed in.
WITHOUT_A_STATUS = {
    "absences.record": Attempt("ben", "carol", lambda _: partial(
        absences.record, person_id=person("bea").pk, first_day=None, last_day=None, covered_by_id=None
    )),
    "duties.set_week": Attempt("maya", "amina", nothing_on_the_rota),
    "receiving.receive": Attempt("amina", "sam", lambda _: partial(receiving.receive, document={})),
    "shift_handovers.add": of("amina", "erin", shift_handovers.add, sheet, "handover_id", text=""),
    "shift_handovers.give": of(
        "amina", "erin", shift_handovers.give, lambda story: story.team("front-door"), "from_team_id", note=""
    ),
    "signing_in.ask_to_let_in": Attempt(
        "maya", "amina", lambda _: partial(signing_in.ask_to_let_in, person_id=None, reason="")
    ),
}  # fmt: skip

# Actions with fewer than two of the three checks, or whose order is tested elsewhere.
ELSEWHERE = {
    "broken_glass.break_glass", "restrictions.restrict",  # tests/actions/test_restrictions.py
    "conflicts.declare_in_case", "conflicts.declare_in_contact",  # whoever sees the record
    "calendar.change_day", "calendar.remove_day",  # the admin screen checks who edits settings
    # tests/web/test_contact_drafts.py, and test_look_first.py
    "contact_drafts.begin", "contact_drafts.save", "contact_drafts.submit", "contact_drafts.take_over",
    "open_lists.open_lists",  # at any time, and nothing is typed: tests/web/test_open_list.py
    # tests/actions/test_files.py: a record takes files in every status
    "files.add_to_case", "files.add_to_contact", "files.add_to_draft", "files.download", "files.remove_from_draft",
    "files.view", "files.view_list",
    "reminders.see", "reminders.snooze",  # tests/actions/test_reminders.py
    "searching.check", "searching.search",  # everybody, at any time: tests/web/test_search_pages.py
    "contact_batches.keep", "viewing.view_own_batch",  # at any time: tests/api/test_batches.py
    # partners' systems, of their own: tests/api/test_partner_checks.py, and test_sender_requests.py
    "partner_checks.reply", "viewing.list_own_checks", "sender_requests.ask",
    "partner_secrets.renew",  # at any time, and nothing is typed: tests/admin/test_admin.py
    "rule_sets.bring_shipped",  # no check: the service brings them in at set-up
    "rule_sets.copy",  # a version can be copied at any stage
    "threshold_checks.count",  # no check
    # everybody, of their own: tests/web/test_unfinished_forms.py, and test_note_pages.py
    "unfinished_forms.save", "unfinished_forms.turn_into", "unfinished_forms.delete",
    # nobody has signed in: tests/web/test_password_links.py
    "passwords.add_first_administrator", "passwords.ask_for_link", "passwords.set_own",
    # at any time: tests/admin/test_admin.py, and tests/web/test_sign_in_pages.py
    "signing_in.tell_of_changed_address", "signing_in.record_sign_ins_viewed",
    # everybody, of their own: tests/web/test_account_pages.py, and test_council_sign_in.py
    "signing_in.end_other_sessions", "signing_in.end_session", "signing_in.record_account_linked",
    "signing_in.record_codes_made", "signing_in.record_factor_added", "signing_in.record_factor_removed",
    "notes.write",  # at any time: tests/actions/test_notes.py
    "people.add_detail",  # at any time: tests/web/test_person_pages.py
    "viewing.view_match", "viewing.view_person",
    "viewing.view_for_decision",
    "viewing.view_case", "viewing.view_contact", "viewing.view_own_contact",  # in scope, or not found
    "viewing.list_own_events",  # at any time, and of their own: tests/api/test_events.py
    "viewing.list_own_contacts",  # at any time, and of their own: tests/api/test_reading.py
}  # fmt: skip


def test_every_action_is_here() -> None:
    assert {name for name, _ in public_actions()} == ATTEMPTS.keys() | WITHOUT_A_STATUS.keys() | ELSEWHERE
    assert ATTEMPTS.keys().isdisjoint(ELSEWHERE | WITHOUT_A_STATUS.keys())
    assert WITHOUT_A_STATUS.keys().isdisjoint(ELSEWHERE)


@pytest.mark.parametrize("name", ATTEMPTS)
def test_who_may_then_how_it_stands_then_what_was_typed(story: Story, name: str) -> None:
    attempt = ATTEMPTS[name]
    action = attempt.prepared(story)
    with pytest.raises(NotPermitted):
        action(by=person(attempt.may_not), now=story.later())
    with pytest.raises(NotAllowedInStatus):
        action(by=person(attempt.may), now=story.later())


@pytest.mark.parametrize("name", WITHOUT_A_STATUS)
def test_who_may_then_what_was_typed(story: Story, name: str) -> None:
    attempt = WITHOUT_A_STATUS[name]
    action = attempt.prepared(story)
    with pytest.raises(NotPermitted):
        action(by=person(attempt.may_not), now=story.later())
    with pytest.raises(InvalidInput):
        action(by=person(attempt.may), now=story.later())
