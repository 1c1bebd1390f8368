"""Restricting records, naming who may open them, breaking the glass, and conflicts of interest."""

from datetime import timedelta
from typing import Any, ClassVar, cast

import pytest

from casework.actions import broken_glass, conflicts, corrections, matches, people, restrictions, viewing
from casework.deadlines.recipients import unread_breaches
from casework.families import sameness
from casework.families.likeness.weights import shipped
from casework.jobs import sweep
from casework.models import (
    AuditEvent,
    Case,
    Clock,
    Contact,
    Event,
    Message,
    OutboxMessage,
    PersonMatch,
    Reminder,
    RestrictedAccess,
    Restriction,
)
from casework.reading import restricted_work
from casework.record.responsibilities import responsible_team
from errors import InvalidInput, NotAllowedInStatus, NotPermitted
from localities.models import Agency, Membership, Team
from localities.roles import roles_of
from tests.stage.documents import child, nhs_number
from tests.stage.restricted import restrict, sees
from tests.stage.story import Story, person

EVERYBODY = ("amina", "oliver", "maya", "erin", "sam", "paula", "ava", "iris")


def who_sees(contact: Contact, story: Story) -> set[str]:
    return {name for name in EVERYBODY if sees(name, contact, story)}


def faults(invalid: InvalidInput) -> dict[str, str]:
    return {str(fault.path[0]): fault.message for fault in invalid.faults}


def addresses(kind: Message) -> set[str]:
    return set(OutboxMessage.objects.filter(kind=kind).values_list("to", flat=True))


def only(clock: Clock) -> None:
    """No other clock is swept."""
    Clock.objects.exclude(pk=clock.pk).update(next_at=None)


def stranger() -> dict[str, Any]:
    """A child who is like nobody."""
    return child(nhs_number=None, first_name="Noor", last_name="Bell", also_known_as=[], date_of_birth="2011-07-08")


def email(*names: str) -> set[str]:
    return {person(name).email for name in names}


class TestRestricting:
    def test_only_the_owner_and_the_named_see_it_then(self, story: Story) -> None:
        contact = story.contact()
        assert who_sees(contact, story) == set(EVERYBODY)
        restrict(story, contact, "amina")
        assert who_sees(contact, story) == {"sam", "amina"}

    def test_every_contact_and_case_of_the_person_is_closed(self, story: Story) -> None:
        case = story.accepted()
        later = story.contact()
        restrict(story, later)
        assert later.children.get().person == case.children.get()
        assert not Contact.objects.visible_to(person("amina"), story.now).exists()
        assert not Case.objects.visible_to(person("ben"), story.now).exists()
        assert Case.objects.visible_to(person("sam"), story.now).get() == case

    def test_an_adult_too(self, story: Story) -> None:
        case = story.accepted()
        contact = case.contacts.get()
        restrict(story, contact, person_id=contact.adults.get().person_id)
        assert who_sees(contact, story) == {"sam"}
        assert not Case.objects.visible_to(person("ben"), story.now).exists()

    def test_naming_shows_nobody_more_than_their_role_does(self, story: Story) -> None:
        case = story.accepted()
        restrict(story, case.contacts.get(), "ben", "carol")
        assert Case.objects.visible_to(person("ben"), story.now).exists()
        assert not Case.objects.visible_to(person("carol"), story.now).exists()

    @pytest.mark.parametrize("name", ["amina", "oliver", "paula", "ava"])
    def test_not_by_everybody(self, story: Story, name: str) -> None:
        contact = story.contact()
        with pytest.raises(NotPermitted):
            restrict(story, contact, by=name)
        assert not Restriction.objects.exists()

    def test_every_fault_at_once(self, story: Story) -> None:
        contact = story.contact()
        with pytest.raises(InvalidInput) as caught:
            restrict(
                story, contact, person_id=None, kind="secret", reason=" ", owner_id=person("amina").pk,
                reader_ids=[0], by="maya",
            )  # fmt: skip
        assert set(faults(caught.value)) == {"person", "kind", "reason", "owner", "readers"}

    def test_once_at_a_time_and_nobody_lets_themselves_in(self, story: Story) -> None:
        contact = story.contact()
        with pytest.raises(InvalidInput) as caught:
            restrict(story, contact, "maya", by="maya")
        assert set(faults(caught.value)) == {"readers"}
        restrict(story, contact, "maya")
        with pytest.raises(InvalidInput) as caught:
            restrict(story, contact, by="maya")
        assert set(faults(caught.value)) == {"person"}

    def test_the_owner_is_told(self, story: Story) -> None:
        restriction = restrict(story, story.contact())
        message = OutboxMessage.objects.get(kind=Message.RESTRICTION_CHANGED)
        assert (message.to, message.restriction) == (person("sam").email, restriction)


class TestNamingAndLifting:
    def test_naming_and_taking_off(self, story: Story) -> None:
        contact = story.contact()
        restriction = restrict(story, contact)
        access = restrictions.name_reader(
            restriction_id=restriction.pk, user_id=person("erin").pk, reason="She is on duty.", by=person("maya"),
            now=story.now,
        )  # fmt: skip
        assert who_sees(contact, story) == {"sam", "erin"}
        restrictions.remove_reader(access_id=access.pk, by=person("maya"), now=story.later())
        assert who_sees(contact, story) == {"sam"}
        with pytest.raises(NotAllowedInStatus):
            restrictions.remove_reader(access_id=access.pk, by=person("maya"), now=story.later())

    def test_nobody_names_themselves_or_makes_themselves_the_owner(self, story: Story) -> None:
        restriction = restrict(story, story.contact())
        with pytest.raises(NotPermitted):
            restrictions.name_reader(
                restriction_id=restriction.pk, user_id=person("maya").pk, reason="I", by=person("maya"), now=story.now
            )
        with pytest.raises(NotPermitted):
            restrictions.change_owner(
                restriction_id=restriction.pk, owner_id=person("iris").pk, by=person("iris"), now=story.now
            )

    def test_the_next_owner_sees_it_and_the_one_before_does_not(self, story: Story) -> None:
        contact = story.contact()
        restriction = restrict(story, contact)
        restrictions.change_owner(
            restriction_id=restriction.pk, owner_id=person("iris").pk, by=person("sam"), now=story.later()
        )
        assert who_sees(contact, story) == {"iris"}
        assert person("iris").email in addresses(Message.RESTRICTION_CHANGED)

    def test_lifting_shows_it_to_everybody_again(self, story: Story) -> None:
        contact = story.contact()
        restriction = restrict(story, contact)
        restrictions.lift(restriction_id=restriction.pk, reason="They moved.", by=person("sam"), now=story.later())
        assert who_sees(contact, story) == set(EVERYBODY)
        with pytest.raises(NotAllowedInStatus):
            restrictions.lift(restriction_id=restriction.pk, reason="Again.", by=person("sam"), now=story.later())

    def test_who_may_not_open_it_cannot_lift_it(self, story: Story) -> None:
        restriction = restrict(story, story.contact())
        for name in ("iris", "maya", "amina"):
            with pytest.raises(NotPermitted):
                restrictions.lift(restriction_id=restriction.pk, reason="So.", by=person(name), now=story.now)


class TestBreakingTheGlass:
    def breaks(self, story: Story, record: object, name: str = "erin", reason: str = "A child may be hurt.") -> Any:
        return broken_glass.break_glass(reference=str(record), reason=reason, by=person(name), now=story.now)

    def test_it_opens_the_record_for_four_hours(self, story: Story) -> None:
        contact = story.contact()
        restrict(story, contact)
        self.breaks(story, f" {str(contact).lower().replace('-', ' ')}")
        assert sees("erin", contact, story)
        story.later(hours=3, minutes=59, seconds=59)
        assert sees("erin", contact, story)
        story.later(seconds=1)
        assert not sees("erin", contact, story)

    def test_owner_and_information_governance_are_told_at_once_and_no_name_is_said(self, story: Story) -> None:
        contact = story.contact()
        restriction = restrict(story, contact)
        self.breaks(story, contact)
        assert addresses(Message.GLASS_BROKEN) == email("sam", "iris")
        event = AuditEvent.objects.get(event=Event.GLASS_BROKEN)
        assert (event.by_user, event.detail["record"]) == (person("erin"), str(contact))
        assert event.detail["restriction"] == str(restriction)

    def test_it_needs_a_reason_and_a_restricted_record(self, story: Story) -> None:
        contact, other = story.contact(), story.contact(children=[stranger()], adults=[])
        restrict(story, contact)
        for record, reason, wrong in (
            (contact, " ", {"reason"}),
            (other, "So.", {"reference"}),
            ("x", "", {"reason", "reference"}),
        ):
            with pytest.raises(InvalidInput) as caught:
                self.breaks(story, record, reason=reason)
            assert set(faults(caught.value)) == wrong
        assert not RestrictedAccess.objects.exists()

    def test_not_for_those_whose_roles_would_not_show_it(self, story: Story) -> None:
        case = story.accepted()
        restriction = restrict(story, case.contacts.get())
        for record in (case, case.contacts.get(), restriction):
            with pytest.raises(InvalidInput):
                self.breaks(story, record, "carol")
        self.breaks(story, case, "ben")
        assert Case.objects.visible_to(person("ben"), story.now).get() == case

    def test_another_person_reviews_it_once(self, story: Story) -> None:
        contact = story.contact()
        restrict(story, contact)
        self.breaks(story, contact, "iris")
        (access,) = RestrictedAccess.objects.all()
        for name in ("iris", "maya"):
            with pytest.raises(NotPermitted):
                broken_glass.review(access_id=access.pk, says="Well.", by=person(name), now=story.now)
        with pytest.raises(InvalidInput):
            broken_glass.review(access_id=access.pk, says=" ", by=person("sam"), now=story.now)
        broken_glass.review(access_id=access.pk, says="It was right.", by=person("sam"), now=story.later())
        with pytest.raises(NotAllowedInStatus):
            broken_glass.review(access_id=access.pk, says="Again.", by=person("sam"), now=story.later())


class TestRecordsThatAreJoined:
    @pytest.mark.parametrize("restricted_first", [True, False], ids=["the older", "the newer"])
    def test_a_restriction_holds_for_all_until_somebody_says_that_they_are_two(
        self, story: Story, restricted_first: bool
    ) -> None:
        older = story.contact()
        newer = story.contact(children=[child(nhs_number=None)])
        match = PersonMatch.objects.get(child__contact=newer, status="proposed")
        closed, other = (older, newer) if restricted_first else (newer, older)
        restrict(story, closed, "maya")
        told = OutboxMessage.objects.filter(kind=Message.RESTRICTED_CONTACT)
        assert {message.contact for message in told.all()} == {other}
        said: dict[str, Any] = {"contact_id": newer.pk, "match_id": match.pk, "by": person("maya")}
        assert (who_sees(closed, story), who_sees(other, story)) == ({"sam", "maya"}, {"sam", "maya"})
        matches.settle(same=True, now=story.later(), **said)
        assert (who_sees(closed, story), who_sees(other, story)) == ({"sam", "maya"}, {"sam", "maya"})
        # It is asked again.
        matches.undo(reason="I took another.", now=story.later(), **said)
        assert (who_sees(closed, story), who_sees(other, story)) == ({"sam", "maya"}, {"sam", "maya"})
        assert {message.contact for message in told.all()} == {closed, other}
        assert addresses(Message.RESTRICTED_CONTACT) == email("sam", "maya", "david", "ezra")
        matches.settle(same=False, now=story.later(), **said)
        assert (who_sees(closed, story), who_sees(other, story)) == ({"sam", "maya"}, {*EVERYBODY})

    def test_so_does_a_conflict_of_interest(self, story: Story) -> None:
        older = story.contact()
        newer = story.contact(children=[child(nhs_number=None)], adults=[])
        match = PersonMatch.objects.get(child__contact=newer, status="proposed")
        matches.settle(contact_id=newer.pk, match_id=match.pk, same=True, by=person("maya"), now=story.later())
        conflicts.declare_in_contact(contact_id=newer.pk, reason="Mine.", by=person("amina"), now=story.now)
        assert (sees("amina", older, story), sees("amina", newer, story)) == (False, False)
        said: dict[str, Any] = {"contact_id": newer.pk, "match_id": match.pk, "by": person("maya")}
        matches.undo(reason="They are two.", now=story.later(), **said)
        assert (sees("amina", older, story), sees("amina", newer, story)) == (False, False)
        matches.settle(same=False, now=story.later(), **said)
        assert (sees("amina", older, story), sees("amina", newer, story)) == (True, False)


class TestWhoeverMayBeARestrictedPerson:
    """What is about somebody alike is closed as if the two were one, until somebody says whether they are."""

    def alike(self, story: Story, **changes: Any) -> Contact:
        """The name is spelt a little differently, and the number is not known."""
        return story.contact(
            by="example-police",
            children=[child(nhs_number=None, first_name="Robyn", also_known_as=[])], adults=[], **changes
        )  # fmt: skip

    def test_a_new_contact(self, story: Story) -> None:
        """It is open to the named, to the owner and to who breaks the glass. Its sender goes on to see it."""
        restriction = restrict(story, story.contact(), "amina")
        contact = self.alike(story)
        (match,) = sameness.open_matches(contact)
        assert match.score >= shipped().careful
        assert who_sees(contact, story) == {"sam", "amina"}
        assert addresses(Message.RESTRICTED_CONTACT) == email("sam", "maya", "david", "ezra")
        said: dict[str, Any] = {"contact_id": contact.pk, "match_id": match.pk}
        for same in (True, False):
            with pytest.raises(Contact.DoesNotExist):
                matches.settle(same=same, by=person("oliver"), now=story.now, **said)
        broken_glass.break_glass(reference=str(contact), reason="So.", by=person("erin"), now=story.now)
        assert who_sees(contact, story) == {"sam", "amina", "erin"}
        police = Agency.objects.get(code="example-police")
        assert viewing.view_own_contact(reference=str(contact), by=police, now=story.now) == contact
        matches.settle(same=False, by=person("amina"), now=story.later(), **said)
        assert who_sees(contact, story) == {*EVERYBODY}
        matches.undo(reason="I took another.", by=person("amina"), now=story.later(), **said)
        assert who_sees(contact, story) == {"sam", "amina", "erin"}
        restrictions.lift(restriction_id=restriction.pk, reason="So.", by=person("sam"), now=story.later())
        assert who_sees(contact, story) == {*EVERYBODY}

    def test_what_was_there_before_and_a_case_on_it(self, story: Story) -> None:
        case = story.accepted()
        contact = self.alike(story)
        (match,) = sameness.open_matches(contact)
        assert who_sees(case.contacts.get(), story) == {*EVERYBODY}
        restrict(story, contact, "maya")
        assert who_sees(case.contacts.get(), story) == {"sam", "maya"}
        ben = person("ben")
        assert not Case.objects.visible_to(ben, story.now).exists()
        assert not Clock.objects.open_to(ben, story.now).filter(case=case).exists()
        assert [line.reference for line in restricted_work.of_teams(ben, [responsible_team(case)], story.now)] == [
            str(case)
        ]
        assert cast("Any", Case.objects.with_restricted().get()).is_restricted
        matches.settle(contact_id=contact.pk, match_id=match.pk, same=False, by=person("maya"), now=story.later())
        assert Case.objects.visible_to(ben, story.now).get() == case
        assert not cast("Any", Case.objects.with_restricted().get()).is_restricted

    def test_not_by_a_match_with_somebody_who_was_told_apart(self, story: Story) -> None:
        """By other records of the two: nobody is asked again."""
        robin = story.contact().children.get()
        restrict(story, robin.contact, "amina")
        first, second = self.alike(story), self.alike(story)
        said: dict[str, Any] = {"by": person("amina"), "now": story.later()}
        (of_first,) = sameness.open_matches(first)
        matches.settle(contact_id=first.pk, match_id=of_first.pk, same=False, **said)
        assert (who_sees(first, story), who_sees(second, story)) == ({*EVERYBODY}, {"sam", "amina"})
        of_second = PersonMatch.objects.get(child__contact=second, person=first.children.get().recorded_as)
        matches.settle(contact_id=second.pk, match_id=of_second.pk, same=True, **said)
        assert PersonMatch.objects.get(child__contact=second, person=robin.recorded_as).status == "proposed"
        assert sameness.open_matches(second) == []
        assert who_sees(second, story) == {*EVERYBODY}

    def test_not_by_a_weak_likeness(self, story: Story) -> None:
        """A name and a home, or no more than `careful` beside the weights."""
        restrict(story, story.contact())
        contact = self.alike(story)
        (match,) = sameness.open_matches(contact)
        for score, is_open in ((shipped().careful, False), (shipped().careful - 0.000_001, True)):
            PersonMatch.objects.filter(pk=match.pk).update(score=score)
            assert sees("oliver", contact, story) == is_open

    def test_a_conflict_of_interest_in_somebody_alike(self, story: Story) -> None:
        conflicts.declare_in_contact(contact_id=story.contact().pk, reason="Mine.", by=person("amina"), now=story.now)
        contact = self.alike(story)
        (match,) = sameness.open_matches(contact)
        assert who_sees(contact, story) == {*EVERYBODY} - {"amina"}
        matches.settle(contact_id=contact.pk, match_id=match.pk, same=False, by=person("oliver"), now=story.later())
        assert who_sees(contact, story) == {*EVERYBODY}

    def test_what_waits_and_may_be_whom_a_new_contact_is_about(self, story: Story) -> None:
        """The new one is certainly about the restricted child. By what it says of the child, so may the other be."""
        restrict(story, story.contact(children=[child(address=None, also_known_as=[])], adults=[]))
        home = {"lines": ["9 Mill Lane"], "postcode": "HP19 8DB"}
        rob = child(nhs_number=None, first_name="Rob", date_of_birth="2019-03-14", also_known_as=[], address=home)
        waiting = story.contact(by="example-police", children=[rob], adults=[])
        assert who_sees(waiting, story) == {*EVERYBODY}
        story.contact(children=[child(also_known_as=["Rob"], address=home)], adults=[])
        assert who_sees(waiting, story) == {"sam"}
        assert OutboxMessage.objects.filter(kind=Message.RESTRICTED_CONTACT, contact=waiting).count() == 4

    def test_nothing_waits_unseen(self, story: Story) -> None:
        """A deadline reaches the owner; nobody has it unread who may not open it; no mailbox gets it."""
        restrict(story, story.contact())
        Team.objects.filter(pk=story.team("front-door").pk).update(email="door@council.example")
        contact = self.alike(story, immediate_danger=True)
        assert addresses(Message.RED_CONTACT) == email("sam")
        clock = contact.clocks.get(kind="final_decision_red")
        only(clock)
        sweep.sweep(now=clock.warn_at)
        assert addresses(Message.REMINDER) == email("sam")
        assert unread_breaches(None, clock.due_at) == []
        lines = restricted_work.of(person("amina"), roles_of(person("amina"), clock.due_at.date()), [], story.now).lines
        assert [(line.reference, line.owner, line.is_open) for line in lines if line.reference == str(contact)] == [
            (str(contact), str(person("sam")), False)
        ]

    def test_a_contact_that_a_recorded_name_makes_alike(self, story: Story) -> None:
        restrict(story, story.contact(), "maya")
        as_bell = child(nhs_number=None, first_name="Noor", last_name="Bell", also_known_as=[])
        contact = story.contact(by="example-police", children=[as_bell], adults=[])
        assert who_sees(contact, story) == {*EVERYBODY}
        former = people.Said("former_name", value="Robin Ashworth", said_by="His aunt")
        people.add_detail(
            person_id=contact.children.get().person_id, said=former, by=person("amina"), now=story.later()
        )
        assert who_sees(contact, story) == {"sam", "maya"}
        assert addresses(Message.RESTRICTED_CONTACT) == email("sam", "maya", "david", "ezra")

    def test_a_contact_that_a_correction_makes_alike(self, story: Story) -> None:
        """Until the child turns out not to be of this family: then nobody is asked."""
        restrict(story, story.contact(), "amina")
        contact = story.contact(by="example-police", children=[stranger()], adults=[])
        assert who_sees(contact, story) == {*EVERYBODY}
        said: dict[str, Any] = {"contact_id": contact.pk, "by": person("amina")}
        what: dict[str, Any] = {"source": "referrer", "said_by": "PC Lee", "why": "It was misheard."}
        as_robin = {"first_name": "Robyn", "last_name": "Ashworth", "date_of_birth": "2019-03-04"}
        corrections.learn(document=what | {"children": [{"ref": "c1"} | as_robin]}, now=story.later(), **said)
        assert who_sees(contact, story) == {"sam", "amina"}
        told = OutboxMessage.objects.filter(kind=Message.RESTRICTED_CONTACT, contact=contact)
        assert set(told.values_list("to", flat=True)) == email("sam", "maya", "david", "ezra")
        brother = {"first_name": "Kim", "last_name": "Bell", "date_of_birth": "2009-02-02", "sex": "M"}
        not_robin = {"ref": "c1", "in_family": False}
        corrections.learn(document=what | {"children": [not_robin, brother]}, now=story.later(), **said)
        assert sameness.open_matches(contact) == []
        assert who_sees(contact, story) == {*EVERYBODY}


class TestAChildOfARestrictedParent:
    """What is about a child of somebody restricted is closed with the parent, also where nobody names the parent."""

    MOTHER: ClassVar[dict[str, Any]] = {
        "first_name": "Sherry", "last_name": "Bell", "relationship": "mother", "date_of_birth": "1988-04-30"
    }  # fmt: skip

    def family(self, story: Story, relationship: str = "mother") -> Contact:
        return story.contact(children=[stranger()], adults=[self.MOTHER | {"relationship": relationship}])

    def alone(self, story: Story, **changes: Any) -> Contact:
        entry = stranger() | {"nhs_number": nhs_number(7)} | changes
        return story.contact(by="example-police", children=[entry], adults=[])

    def restricted(self, story: Story, contact: Contact, *readers: str) -> Restriction:
        return restrict(story, contact, *readers, person_id=contact.adults.get().person_id, kind="relative_of_staff")

    def same(self, story: Story, contact: Contact, by: str) -> None:
        (match,) = sameness.open_matches(contact)
        matches.settle(contact_id=contact.pk, match_id=match.pk, same=True, by=person(by), now=story.later())

    def test_who_comes_alone(self, story: Story) -> None:
        """Before, or after; and somebody is told. Whoever may be the child is closed as well."""
        family = self.family(story)
        before = self.alone(story)
        self.same(story, before, "amina")
        assert who_sees(before, story) == {*EVERYBODY}
        restriction = self.restricted(story, family, "maya")
        after, alike = self.alone(story), self.alone(story, first_name="Nour", nhs_number=None)
        assert before.children.get().person_id == after.children.get().person_id
        for contact in (family, before, after, alike):
            assert who_sees(contact, story) == {"sam", "maya"}
        for contact in (before, after, alike):
            told = OutboxMessage.objects.filter(kind=Message.RESTRICTED_CONTACT, contact=contact)
            assert set(told.values_list("to", flat=True)) == email("sam", "maya", "david", "ezra"), contact
        lines = restricted_work.of(person("amina"), roles_of(person("amina"), story.now.date()), [], story.now).lines
        assert {str(contact) for contact in (family, before, after, alike)} == {line.reference for line in lines}
        broken_glass.break_glass(reference=str(after), reason="So.", by=person("erin"), now=story.now)
        assert who_sees(before, story) == {"sam", "maya", "erin"}
        restrictions.lift(restriction_id=restriction.pk, reason="So.", by=person("sam"), now=story.later())
        assert who_sees(after, story) == who_sees(alike, story) == {*EVERYBODY}

    def test_a_case_on_the_child(self, story: Story) -> None:
        family = self.family(story)
        contact = self.alone(story)
        self.same(story, contact, "amina")
        story.decided(contact, chosen_team_id=story.team("aylesbury").pk, chosen_team_reason="So.")
        case = Case.objects.get()
        self.restricted(story, family, "maya")
        assert not Case.objects.visible_to(person("ben"), story.now).exists()
        assert cast("Any", Case.objects.with_restricted().get()).is_restricted
        lines = restricted_work.of_teams(person("ben"), [story.team("aylesbury")], story.now)
        assert [(line.reference, line.is_open) for line in lines] == [(str(case), False)]

    @pytest.mark.parametrize(
        ("relationship", "closes"),
        [("Mum", True), ("birth mother", True), ("Step-father", True), ("Parent / carer", True),
         ("legal guardian", True), ("grandmother", False), ("mother's partner", False), ("godfather", False),
         ("Mother-in-law", False), ("aunt", False), ("", False),
         ("Child's mother", True), ("Robin’s mum", True), ("parents", True), ("Mama", True), ("mum’s lodger", False),
         ("stepdad's mother", False), ("the parents' lodger, as a mother to them", False)],
    )  # fmt: skip
    def test_who_is_a_parent(self, story: Story, relationship: str, closes: bool) -> None:
        family = self.family(story, relationship)
        contact = self.alone(story)
        self.same(story, contact, "amina")
        self.restricted(story, family)
        assert sees("oliver", contact, story) is not closes

    def test_a_restricted_child_closes_no_parent(self, story: Story) -> None:
        restrict(story, self.family(story))
        cousin = child(
            nhs_number=None, first_name="Uma", last_name="Dale", also_known_as=[], date_of_birth="2013-03-03"
        )
        contact = story.contact(by="example-police", children=[cousin], adults=[self.MOTHER | {"relationship": "aunt"}])
        (match,) = sameness.open_matches(contact)
        assert match.adult is not None
        assert match.score >= shipped().careful
        assert who_sees(contact, story) == {*EVERYBODY}

    def test_a_conflict_of_interest_in_the_parent(self, story: Story) -> None:
        family = self.family(story)
        contact = self.alone(story)
        self.same(story, contact, "amina")
        other = story.contact(children=[child(nhs_number=None)], adults=[self.MOTHER | {"relationship": "aunt"}])
        self.same(story, other, "amina")
        conflicts.declare_in_contact(contact_id=other.pk, reason="My friend.", by=person("oliver"), now=story.later())
        assert family.adults.get().person_id == other.adults.get().person_id
        assert who_sees(contact, story) == who_sees(family, story) == {*EVERYBODY} - {"oliver"}

    @pytest.mark.parametrize("side", ["mother", "daughter"])
    def test_as_staff_recorded_it(self, story: Story, side: str) -> None:
        """With either of the two, until it has ended."""
        contact = self.alone(story)
        mother = story.contact(children=[child()], adults=[self.MOTHER | {"relationship": "neighbour"}]).adults.get()
        self.restricted(story, mother.contact, "maya")
        assert who_sees(contact, story) == {*EVERYBODY}
        noor = contact.children.get().person
        of, other = (noor, mother.person) if side == "mother" else (mother.person, noor)
        said = people.Said("relationship", qualifier=side.title(), other=other.reference, said_by="The school")
        detail = people.add_detail(person_id=of.pk, said=said, by=person("maya"), now=story.later())
        assert who_sees(contact, story) == {"sam", "maya"}
        assert contact.pk in OutboxMessage.objects.filter(kind=Message.RESTRICTED_CONTACT).values_list(
            "contact", flat=True
        )
        people.say_in_error(person_id=of.pk, detail_id=detail.pk, reason="So.", by=person("maya"), now=story.later())
        assert who_sees(contact, story) == {*EVERYBODY}

    def test_whom_a_correction_makes_a_parent(self, story: Story) -> None:
        """Until the parent turns out not to be of the family."""
        family = self.family(story, "neighbour")
        contact = self.alone(story)
        self.same(story, contact, "amina")
        self.restricted(story, family, "maya")
        assert who_sees(contact, story) == {*EVERYBODY}

        def learn(**adult: Any) -> None:
            document = {"source": "referrer", "why": "It was misheard.", "adults": [{"number": 1} | adult]}
            corrections.learn(contact_id=family.pk, document=document, by=person("maya"), now=story.later())

        learn(relationship="mother")
        assert who_sees(contact, story) == {"sam", "maya"}
        assert OutboxMessage.objects.filter(kind=Message.RESTRICTED_CONTACT, contact=contact).exists()
        learn(in_family=False)
        assert who_sees(contact, story) == {*EVERYBODY}


class TestConflictsOfInterest:
    def test_who_declares_one_sees_no_record_of_these_people(self, story: Story) -> None:
        contact = story.contact()
        conflict = conflicts.declare_in_contact(
            contact_id=contact.pk, reason="My niece.", by=person("amina"), now=story.now
        )
        later = story.contact()
        assert not sees("amina", contact, story)
        assert not sees("amina", later, story)
        assert sees("oliver", contact, story)
        with pytest.raises(NotPermitted):
            conflicts.end_conflict(conflict_id=conflict.pk, reason="So.", by=person("oliver"), now=story.later())
        conflicts.end_conflict(conflict_id=conflict.pk, reason="Another family.", by=person("maya"), now=story.later())
        assert sees("amina", contact, story)

    def test_in_a_case(self, story: Story) -> None:
        case = story.accepted()
        conflicts.declare_in_case(case_id=case.pk, reason="My neighbour.", by=person("ben"), now=story.now)
        assert not Case.objects.visible_to(person("ben"), story.now).exists()
        assert Case.objects.visible_to(person("bea"), story.now).exists()

    def test_neither_glass_nor_name_nor_ownership_opens_it(self, story: Story) -> None:
        contact = story.contact()
        restriction = restrict(story, contact, "maya", "amina")
        for name in ("maya", "sam"):
            conflicts.declare_in_contact(contact_id=contact.pk, reason="Mine.", by=person(name), now=story.now)
        assert who_sees(contact, story) == {"amina"}
        for record in (contact, restriction):
            with pytest.raises(InvalidInput):
                broken_glass.break_glass(reference=str(record), reason="So.", by=person("sam"), now=story.now)
        with pytest.raises(Restriction.DoesNotExist):
            restrictions.lift(restriction_id=restriction.pk, reason="So.", by=person("sam"), now=story.now)

    def test_a_manager_declares_a_colleagues(self, story: Story) -> None:
        """She may not declare another's who may not say who opens a record, and names somebody who works here."""
        contact, case = story.contact(children=[child(first_name="Noor", nhs_number=None)]), story.accepted()
        amina, ben, maya = person("amina"), person("ben"), person("maya")
        said: dict[str, Any] = {"reason": "Her niece.", "now": story.now}
        with pytest.raises(NotPermitted):
            conflicts.declare_in_contact(contact_id=contact.pk, user_id=amina.pk, by=person("oliver"), **said)
        Membership.objects.filter(user=person("oliver")).delete()
        for nobody in (0, person("oliver").pk):
            with pytest.raises(InvalidInput, match="works here"):
                conflicts.declare_in_contact(contact_id=contact.pk, user_id=nobody, by=maya, **said)
        conflict = conflicts.declare_in_contact(contact_id=contact.pk, user_id=amina.pk, by=maya, **said)
        with pytest.raises(InvalidInput, match="conflict of interest is declared already"):
            conflicts.declare_in_contact(contact_id=contact.pk, user_id=amina.pk, by=maya, **said)
        conflicts.declare_in_case(case_id=case.pk, user_id=ben.pk, by=person("sam"), **said)
        assert (sees("amina", contact, story), sees("maya", contact, story)) == (False, True)
        assert not Case.objects.visible_to(ben, story.now).exists()
        event = AuditEvent.objects.get(event="conflict_declared", contact=contact)
        assert (event.by_user, event.detail) == (maya, {"conflict": conflict.pk, "user": amina.pk})
        with pytest.raises(NotPermitted):
            conflicts.end_conflict(conflict_id=conflict.pk, reason="So.", by=amina, now=story.later())
        conflicts.end_conflict(conflict_id=conflict.pk, reason="Another family.", by=maya, now=story.later())
        assert sees("amina", contact, story)

    def test_nobody_ends_their_own(self, story: Story) -> None:
        contact = story.contact()
        conflict = conflicts.declare_in_contact(contact_id=contact.pk, reason="Mine.", by=person("maya"), now=story.now)
        with pytest.raises(NotPermitted):
            conflicts.end_conflict(conflict_id=conflict.pk, reason="So.", by=person("maya"), now=story.now)


class TestWhatArrivesAndIsDue:
    def test_a_new_contact_about_a_restricted_child_is_closed_and_somebody_is_told(self, story: Story) -> None:
        restrict(story, story.contact())
        story.later(days=1)
        contact = story.contact()
        assert who_sees(contact, story) == {"sam"}
        told = OutboxMessage.objects.filter(kind=Message.RESTRICTED_CONTACT, contact=contact)
        assert set(told.values_list("to", flat=True)) == email("sam", "maya", "david", "ezra")

    def test_in_place_of_an_owner_who_left_the_service_managers_are_told(self, story: Story) -> None:
        restrict(story, story.contact(), owner_id=person("iris").pk, by="maya")
        Membership.objects.filter(user=person("iris")).delete()
        story.contact()
        assert addresses(Message.RESTRICTED_CONTACT) == email("sam", "maya", "david", "ezra")

    def test_a_team_is_not_told_of_what_it_may_not_open(self, story: Story) -> None:
        contact = story.contact()
        restrict(story, contact, "amina", "ben")
        Team.objects.filter(code="aylesbury").update(email="aylesbury@council.example")
        story.decided(contact)
        assert addresses(Message.HANDOFF_OFFERED) == email("ben")

    def test_if_nobody_in_a_team_may_open_it_the_owner_is_told(self, story: Story) -> None:
        contact = story.contact()
        restrict(story, contact, "amina")
        story.decided(contact)
        assert addresses(Message.HANDOFF_OFFERED) == email("sam")

    @pytest.mark.parametrize(
        ("readers", "recipients"), [((), {"sam"}), (("amina",), {"amina"}), (("amina", "maya"), {"amina", "maya"})]
    )
    def test_a_reminder_goes_to_those_who_may_open_it_else_to_the_owner(
        self, story: Story, readers: tuple[str, ...], recipients: set[str]
    ) -> None:
        contact = story.contact()
        restrict(story, contact, *readers)
        Team.objects.filter(pk=contact.team_id).update(email="door@council.example")
        clock = contact.clocks.get(kind="final_decision_green")
        only(clock)
        sweep.sweep(now=clock.warn_at)
        assert addresses(Message.REMINDER) == email(*recipients)
        if not readers:
            assert Reminder.objects.get().user == person("sam")

    def test_a_breach_reaches_the_owner_if_no_manager_may_open_it(self, story: Story) -> None:
        contact = story.contact()
        restrict(story, contact, "amina")
        clock = contact.clocks.get(kind="final_decision_green")
        only(clock)
        sweep.sweep(now=clock.warn_at)
        sweep.sweep(now=clock.due_at)
        sweep.sweep(now=clock.due_at + timedelta(days=30))
        breach = Reminder.objects.get(step="breach")
        assert breach.user == person("sam")

    def test_who_has_a_conflict_is_not_reminded(self, story: Story) -> None:
        contact = story.contact()
        clock = contact.clocks.get(kind="final_decision_green")
        only(clock)
        conflicts.declare_in_contact(contact_id=contact.pk, reason="Mine.", by=person("amina"), now=story.now)
        sweep.sweep(now=clock.warn_at)
        told = addresses(Message.REMINDER)
        assert person("amina").email not in told
        assert person("oliver").email in told

    def test_nobody_has_unread_what_they_may_not_open(self, story: Story) -> None:
        contact = story.contact()
        clock = contact.clocks.get(kind="final_decision_green")
        only(clock)
        sweep.sweep(now=clock.due_at)
        assert {unread.person for unread in unread_breaches(None, clock.due_at)} == {
            person(name).name for name in ("maya", "david")
        }
        restrict(story, contact, "david")
        assert {unread.person for unread in unread_breaches(None, clock.due_at)} == {person("david").name}
