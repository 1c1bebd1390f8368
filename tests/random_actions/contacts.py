"""What people do about contacts before the decision: at the front door and on emergency duty."""

from collections.abc import Callable
from typing import Any

from django.db.models import Count
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from casework.actions import (
    contact_handovers,
    corrections,
    learning,
    matches,
    notes,
    partner_checks,
    protecting,
    receiving,
    referrers,
    viewing,
)
from casework.jobs import opening
from casework.models import Contact, Note, NoteReaders, PartnerCheck, Person, PersonMatch
from localities import calendar
from localities.models import Agency, User
from localities.working_time import at, local_day
from tests.random_actions.ledger import CAST, DAY, NIGHT, ContactEntry, is_front_door, works_in, works_in_a_team
from tests.random_actions.stage import (
    AGENCIES,
    DAYS,
    FAMILIES,
    NEEDS,
    WHICH,
    WHO,
    WORDS,
    Stage,
    choose_person,
    fingerprint,
    not_blank,
    pick,
)
from tests.stage.story import person

CHANGES = [
    "danger", "home", "hidden", "birth", "indicators", "of the family", "another child", "not of the family",
    "of the family again", "telephone",
]  # fmt: skip
BIRTHS = ["2019-04-03", "4 March 2019", "21/8/2015", "last spring", "2025-11-01"]
HOMES = ["HP20 1UA", "HP20 1UA", "HP5 1AA", "SL7 1AA", "OX1 1AA", None]


class Contacts(Stage):
    """Contacts are received, viewed, checked with partners, and passed between night and day."""

    @rule(
        family=st.integers(0, len(FAMILIES) - 1), children=st.integers(0, 6), need=st.sampled_from(list(NEEDS)),
        asked=st.sampled_from(["given", "not_sought", "not_sought", "refused"]), home=st.sampled_from(HOMES),
        by=st.one_of(st.sampled_from(AGENCIES), st.sampled_from(["oliver", "amina", "erin", "ben", "sam"])),
        phone=st.booleans(), email=st.booleans(), level_4=st.sampled_from([False] * 5 + [True]),
    )  # fmt: skip
    def receive(
        self, family: int, children: int, need: str, asked: str, home: str | None, by: str, phone: bool, email: bool,
        level_4: bool,
    ) -> None:  # fmt: skip
        document = self.about(family, need, children=children, home=home, asked=asked) | {
            "received_by_phone": phone,
            "referrer_level": 4 if level_4 else 2,
            "referrer": {"name": "A teacher", "email": "dsl@school.example" if email else None},
        }
        self.received(document, by)

    def received(self, document: dict[str, Any], by: str = AGENCIES[0]) -> ContactEntry | None:
        """Receives a contact; None if `by` may not enter it."""
        key = f"key {len(self.ledger.documents)}"
        is_agency = by in AGENCIES
        actor: User | Agency = Agency.objects.get(code=by) if is_agency else person(by)
        now, is_open = self.now, calendar.current().is_open(self.now)
        received = self.attempt(
            is_agency or is_front_door(by), receiving.receive, document=document, by=actor, now=now, idempotency_key=key
        )
        if received is None:
            return None
        contact = received.contact
        self.ledger.documents.append((document, by, key))
        assert received.is_new
        assert contact.team.code == (NIGHT if contact.rag == "red" and not is_open else DAY)
        known = self.ledger.contacts[contact.pk] = ContactEntry(
            pk=contact.pk, reference=contact.reference, team=contact.team.code, received_at=now, by_agency=is_agency,
            has_email=bool(document["referrer"]["email"]), by_phone=document["received_by_phone"],
            acknowledged=is_agency and not document["referrer"]["email"], rag=contact.rag,
        )  # fmt: skip
        return known

    @precondition(lambda self: self.ledger.documents)
    @rule(which=WHICH, changed=st.sampled_from([False, False, True]))
    def receive_again(self, which: int, changed: bool) -> None:
        """The same key returns the same contact, or a sentence if the document is different."""
        document, by, key = pick(which, self.ledger.documents)
        actor: User | Agency = Agency.objects.get(code=by) if by in AGENCIES else person(by)
        document = document | {"received_by_phone": not document["received_by_phone"]} if changed else document
        before = fingerprint()
        again = self.attempt(
            not changed, receiving.receive, document=document, by=actor, now=self.now, idempotency_key=key
        )
        assert again is None or not again.is_new
        assert fingerprint() == before

    @precondition(lambda self: self.ledger.contacts)
    @rule(which=WHICH, who=WHO)
    def look_at_a_contact(self, which: int, who: int | str) -> None:
        contact = pick(which, self.ledger.waiting, list(self.ledger.contacts.values()))
        viewer = choose_person(who, filter(contact.is_seen_by, CAST))
        self.attempt(
            contact.is_seen_by(viewer),
            viewing.view_contact,
            reference=contact.reference,
            by=person(viewer),
            now=self.now,
        )

    @precondition(lambda self: self.ledger.contacts)
    @rule(
        which=WHICH, who=WHO, said=WORDS, tomorrow=st.sampled_from([False] * 5 + [True]),
        service=st.sampled_from(["given", "given", "refused", "withdrawn", "not_sought", "perhaps"]),
    )  # fmt: skip
    def record_agreement(self, which: int, who: int | str, said: str, tomorrow: bool, service: str) -> None:
        contact = pick(which, self.ledger.waiting, list(self.ledger.contacts.values()))
        by = choose_person(who, filter(is_front_door, CAST))
        bounces = service == "not_sought" or not_blank(said)
        may = is_front_door(by) and contact.status == "received" and service != "perhaps" and bounces and not tomorrow
        self.attempt(
            may, learning.record_agreement, contact_id=contact.pk, service=service, given_by=said,
            on=local_day(self.now) + tomorrow * DAYS, by=person(by), now=self.now,
        )  # fmt: skip

    @precondition(lambda self: self.ledger.contacts)
    @rule(which=WHICH, who=WHO, stale=st.sampled_from([False] * 4 + [True]), plan=st.sampled_from([None, False, True]))
    def record_own_records(self, which: int, who: int | str, stale: bool, plan: bool | None) -> None:
        contact = pick(which, self.ledger.waiting, list(self.ledger.contacts.values()))
        by = choose_person(who, filter(is_front_door, CAST))
        row = Contact.objects.get(pk=contact.pk)
        seen = row.recommendations.earliest("pk").pk if stale else row.recommendation_id
        may = is_front_door(by) and contact.status == "received" and seen == row.recommendation_id
        self.attempt(
            may, learning.record_own_records, contact_id=contact.pk, recommendation_id=seen, sibling_on_cp_plan=plan,
            children={entry.pk: (plan, None) for entry in row.children.all()}, by=person(by), now=self.now,
        )  # fmt: skip

    @precondition(lambda self: self.ledger.contacts)
    @rule(
        which=WHICH, who=WHO, stale=st.sampled_from([False] * 4 + [True]), need=st.sampled_from(list(NEEDS)),
        of_the_family=st.booleans(), none=st.sampled_from([None, None, None, True, False]),
    )  # fmt: skip
    def screen(
        self, which: int, who: int | str, stale: bool, need: str, of_the_family: bool, none: bool | None
    ) -> None:
        """Mostly said as it must be: indicators, or that none applies. `none` says it whatever was selected."""
        unscreened = [contact for contact in self.ledger.waiting if not contact.screened]
        contact = pick(which, unscreened, list(self.ledger.contacts.values()))
        by = choose_person(who, filter(is_front_door, CAST))
        row = Contact.objects.get(pk=contact.pk)
        seen = row.recommendations.earliest("pk").pk if stale else row.recommendation_id
        chosen = NEEDS[need]
        none = not chosen if none is None else none
        may = (
            is_front_door(by) and contact.status == "received" and seen == row.recommendation_id
            and bool(chosen) is not none
        )  # fmt: skip
        of_children = {} if of_the_family else {child.pk: chosen for child in row.children.all()}
        if self.attempt(
            may, learning.screen, contact_id=contact.pk, recommendation_id=seen, children=of_children,
            family=chosen if of_the_family else [], none_applies=none, by=person(by), now=self.now,
        ):  # fmt: skip
            contact.screened = True

    @precondition(lambda self: self.ledger.contacts)
    @rule(
        which=WHICH, who=WHO, why=WORDS, stale=st.sampled_from([False] * 4 + [True]), change=st.sampled_from(CHANGES),
        need=st.sampled_from(list(NEEDS)), home=st.sampled_from(HOMES), born=st.sampled_from(BIRTHS),
        child=st.integers(0, 2),
    )  # fmt: skip
    def correct(
        self, which: int, who: int | str, why: str, stale: bool, change: str, need: str, home: str | None, born: str,
        child: int,
    ) -> None:  # fmt: skip
        """A fact is corrected, somebody is added, or turns out not to be of the family."""
        contact = pick(which, list(self.ledger.contacts.values()))
        by = choose_person(who, filter(contact.is_corrected_by, CAST))
        children = list(Contact.objects.get(pk=contact.pk).children.all())
        ref = {"ref": children[child % len(children)].ref}
        sayings: dict[str, dict[str, Any]] = {
            "danger": {"immediate_danger": need == "harm"},
            "home": {"children": [ref | {"address": {"postcode": home}}]},
            "hidden": {"children": [ref | {"address": {"confidential": True}}]},
            "birth": {"children": [ref | {"date_of_birth": born}]},
            "indicators": {"children": [ref | {"indicators": NEEDS[need]}]},
            "of the family": {"family_indicators": NEEDS[need]},
            "another child": {"children": [{"first_name": "Ola", "date_of_birth": born}]},
            "not of the family": {"children": [ref | {"in_family": False}]},
            "of the family again": {"children": [ref | {"in_family": True}]},
            "telephone": {"referrer": {"phone": born}},
        }
        document = {"source": "family", "why": why} | sayings[change]
        seen = contact.learned - 1 if stale else contact.learned
        # Whether it changes anything, or leaves a child, the ledger cannot tell.
        may = None if (
            contact.is_corrected_by(by) and contact.takes_information and not_blank(why) and not stale
        ) else False  # fmt: skip
        before = Contact.objects.get(pk=contact.pk).recommendation_id
        done = self.attempt(
            may, corrections.learn, contact_id=contact.pk, document=document, by=person(by), now=self.now, seen=seen
        )
        if done is not None:
            contact.learned = done.information.pk
            asked_again = Contact.objects.get(pk=contact.pk).recommendation_id != before
            assert asked_again is (change != "telephone")
            contact.overtaken |= asked_again and contact.status == "sign_off"

    @precondition(lambda self: self.ledger.contacts)
    @rule(which=WHICH, who=WHO, same=st.booleans())
    def settle_a_match(self, which: int, who: int | str, same: bool) -> None:
        """Whether two may be one the ledger cannot tell: somebody may have told them apart, or both be on a contact."""
        found = list(PersonMatch.objects.select_related("child", "adult").order_by("pk"))
        if not found:
            return
        match = pick(which, [each for each in found if each.status == "proposed"], found)
        by = choose_person(who, filter(is_front_door, CAST))
        may = None if is_front_door(by) and match.status == "proposed" else False
        self.attempt(
            may, matches.settle, contact_id=match.row.contact_id, match_id=match.pk, same=same, by=person(by),
            reason="Two, says the school.", now=self.now,
        )  # fmt: skip

    @precondition(lambda self: self.ledger.contacts)
    @rule(which=WHICH, who=WHO, said=WORDS)
    def undo_a_match(self, which: int, who: int | str, said: str) -> None:
        found = list(PersonMatch.objects.select_related("child", "adult").order_by("pk"))
        if not found:
            return
        match = pick(which, [each for each in found if each.status != "proposed"], found)
        by = choose_person(who, filter(is_front_door, CAST))
        may = is_front_door(by) and match.status != "proposed" and not_blank(said)
        self.attempt(
            may, matches.undo, contact_id=match.row.contact_id, match_id=match.pk, reason=said, by=person(by),
            now=self.now,
        )  # fmt: skip

    @precondition(lambda self: self.ledger.contacts)
    @rule(which=WHICH, who=WHO, said=WORDS, hides=st.booleans())
    def protect_an_address(self, which: int, who: int | str, said: str, hides: bool) -> None:
        """Or lift that. Whom somebody sees, and whose address is hidden for another's sake, the ledger cannot tell."""
        found = list(Person.objects.order_by("pk"))
        someone = pick(which, [each for each in found if each.address_is_protected is not hides], found)
        by = choose_person(who, [each for each in CAST if is_front_door(each)])
        self.attempt(
            None if not_blank(said) else False, protecting.protect if hides else protecting.lift,
            person_id=someone.pk, reason=said, by=person(by), now=self.now,
        )  # fmt: skip

    @precondition(lambda self: self.ledger.contacts)
    @rule(which=WHICH, who=WHO, said=WORDS, readers=st.sampled_from(list(NoteReaders)))
    def write_a_note(self, which: int, who: int | str, said: str, readers: NoteReaders) -> None:
        contact = pick(which, list(self.ledger.contacts.values()))
        by = choose_person(who, filter(contact.is_noted_by, CAST))
        may = contact.is_noted_by(by) and not_blank(said) and (works_in_a_team(by) or readers == NoteReaders.RECORD)
        self.attempt(
            may, notes.write, contact_id=contact.pk, kind="call", text=said, happened_at=None, child_ids=[],
            adult_ids=[], readers=readers, by=person(by), now=self.now,
        )  # fmt: skip

    @precondition(lambda self: self.ledger.contacts)
    @rule(which=WHICH, who=WHO, said=WORDS, seen=st.integers(1, 3))
    def correct_a_note(self, which: int, who: int | str, said: str, seen: int) -> None:
        """Who may read and correct it is for tests/actions/test_notes.py."""
        found: list[Any] = list(Note.objects.firsts().annotate(editions=Count("corrections") + 1).order_by("pk"))
        if not found:
            return
        note = pick(which, found)
        contact = self.ledger.contacts[note.contact_id]
        by = choose_person(who, [note.written_by.username])
        could = contact.is_seen_by(by) and not_blank(said) and seen == note.editions
        self.attempt(
            None if could else False, notes.correct, contact_id=contact.pk, note_id=note.pk, seen_edition=seen,
            kind="call", text=said, was_wrong=said, happened_at=None, child_ids=[], adult_ids=[], by=person(by),
            now=self.now,
        )  # fmt: skip

    @precondition(lambda self: self.ledger.contacts)
    @rule(which=WHICH, who=WHO, how=st.sampled_from(["acknowledge", "feed back", "confirm"]))
    def tell_the_referrer(self, which: int, who: int | str, how: str) -> None:
        contact = pick(which, list(self.ledger.contacts.values()))
        by = choose_person(who, filter(is_front_door, CAST))
        may, action = is_front_door(by), referrers.acknowledge
        match how:
            case "acknowledge":
                may &= not contact.acknowledged
            case "feed back":
                may, action = may and contact.status == "decided" and not contact.fed_back, referrers.give_feedback
            case _:
                may, action = may and contact.by_phone and not contact.confirmed, referrers.confirm_in_writing
        if self.attempt(may, action, contact_id=contact.pk, by=person(by), now=self.now):
            contact.acknowledged |= how == "acknowledge"
            contact.fed_back |= how == "feed back"
            contact.confirmed |= how == "confirm"

    # ---- partners

    @precondition(lambda self: self.ledger.contacts)
    @rule(which=WHICH, who=WHO, agency=st.sampled_from([*AGENCIES, "nobody"]), question=WORDS)
    def ask_a_partner(self, which: int, who: int | str, agency: str, question: str) -> None:
        contact = pick(which, self.ledger.waiting, list(self.ledger.contacts.values()))
        by = choose_person(who, filter(is_front_door, CAST))
        asked = {name for name, _ in contact.asked.values()}
        may = (
            is_front_door(by)
            and contact.status == "received"
            and not_blank(question)
            and agency not in {"nobody", *asked}
        )
        found = Agency.objects.filter(code=agency).first()
        red = Contact.objects.get(pk=contact.pk).rag == "red"
        check = self.attempt(
            may, partner_checks.ask, contact_id=contact.pk, agency_id=found and found.pk, question=question,
            by=person(by), now=self.now,
        )  # fmt: skip
        if check:
            contact.asked[check.pk] = (agency, "partner_check_red" if red else "partner_check")
            self.ledger.questions[check.pk] = contact.pk

    @precondition(lambda self: self.ledger.questions)
    @rule(which=WHICH, who=WHO, answers=st.booleans(), said=WORDS)
    def hear_from_a_partner(self, which: int, who: int | str, answers: bool, said: str) -> None:
        asked = [pk for pk, contact in self.ledger.questions.items() if pk in self.ledger.contacts[contact].asked]
        pk = pick(which, asked, list(self.ledger.questions))
        contact = self.ledger.contacts[self.ledger.questions[pk]]
        by = choose_person(who, filter(is_front_door, CAST))
        action: Callable[..., PartnerCheck] = partner_checks.record_answer if answers else partner_checks.withdraw
        may = is_front_door(by) and pk in contact.asked and not_blank(said)
        if self.attempt(
            may, action, check_id=pk, **{"answer" if answers else "reason": said}, by=person(by), now=self.now
        ):
            del contact.asked[pk]

    # ---- between night and day

    @precondition(lambda self: self.ledger.contacts)
    @rule(which=WHICH, who=WHO, note=WORDS)
    def hand_contact_over(self, which: int, who: int | str, note: str) -> None:
        contact = pick(which, self.ledger.waiting, list(self.ledger.contacts.values()))
        by = choose_person(who, [each for each in CAST if works_in(each, contact.team)])
        may = works_in(by, contact.team) and contact.status == "received" and not contact.passed and not_blank(note)
        now = self.now
        if self.attempt(may, contact_handovers.hand_over, contact_id=contact.pk, note=note, by=person(by), now=now):
            contact.passes_to(DAY if contact.team == NIGHT else NIGHT, now)

    @precondition(lambda self: self.ledger.to_take_on)
    @rule(which=WHICH, who=WHO)
    def take_a_contact_on(self, which: int, who: int | str) -> None:
        contact = pick(which, self.ledger.to_take_on, list(self.ledger.contacts.values()))
        by = choose_person(who, [each for each in CAST if works_in(each, contact.team)])
        may = works_in(by, contact.team) and contact.passed
        if self.attempt(may, contact_handovers.take_on, contact_id=contact.pk, by=person(by), now=self.now):
            contact.passed = False

    def pass_to_the_day_team(self) -> None:
        working_time, now = calendar.current(), self.now
        expected: list[ContactEntry] = []
        if working_time.is_open(now):
            today = local_day(now)
            expected = self.ledger.at_night(at(today, working_time.hours[today.weekday()].opens))
        assert self.attempt(True, opening.pass_to_day_team, now=now) == len(expected)
        for contact in expected:
            contact.passes_to(DAY, now)
