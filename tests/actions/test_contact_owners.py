"""Whose a contact is: taken, given to a colleague, given back; and where it goes when it changes hands."""

from datetime import timedelta
from typing import Any

import pytest

from casework.actions import conflicts, contact_handovers, contact_owners, decisions
from casework.jobs import lost_owners
from casework.models import AuditEvent, Contact, Event, OutboxMessage
from errors import InvalidInput, NotAllowedInStatus, NotPermitted, TakenBySomeoneElse
from localities.models import Membership, User
from tests.stage.documents import child
from tests.stage.restricted import restrict
from tests.stage.story import Story, person


def assign(story: Story, contact: Contact, to: str | None, by: str = "amina", seen: str | None = None) -> Contact:
    pk: Any = {name: person(name).pk for name in (to, seen) if name}
    return contact_owners.assign(
        contact_id=contact.pk, to_id=pk.get(to), seen_owner_id=pk.get(seen), by=person(by), now=story.later()
    )


def owner_of(contact: Contact) -> User | None:
    return Contact.objects.get(pk=contact.pk).owner


def told(kind: str) -> list[str]:
    return list(OutboxMessage.objects.filter(kind=kind).values_list("to", flat=True))


class TestWhoOwnsIt:
    def test_nobody_until_somebody_takes_it(self, story: Story) -> None:
        contact = story.contact()
        assert owner_of(contact) is None
        assign(story, contact, "amina")
        event = AuditEvent.objects.get(event=Event.CONTACT_ASSIGNED)
        assert (owner_of(contact), event.by_user, event.detail) == (
            person("amina"), person("amina"), {"owner": person("amina").pk}
        )  # fmt: skip
        assert told("contact_assigned") == []

    def test_a_colleague_to_whom_it_is_assigned_hears_of_it(self, story: Story) -> None:
        contact = story.contact()
        assign(story, contact, "oliver")
        assert (owner_of(contact), told("contact_assigned")) == (person("oliver"), [person("oliver").email])
        assign(story, contact, None, by="maya", seen="oliver")
        assert owner_of(contact) is None

    def test_whoever_was_second_hears_who_has_it(self, story: Story) -> None:
        contact = story.contact()
        assign(story, contact, "amina")
        with pytest.raises(TakenBySomeoneElse, match=r"Amina .* has it now"):
            assign(story, contact, "oliver", by="oliver")
        assert owner_of(contact) == person("amina")
        # Pressed twice.
        assign(story, contact, "amina")
        assert AuditEvent.objects.filter(event=Event.CONTACT_ASSIGNED).count() == 1
        # It is meant where one knew whose it was.
        assign(story, contact, "oliver", by="oliver", seen="amina")
        assert owner_of(contact) == person("oliver")

    def test_is_only_somebody_at_the_front_door(self, story: Story) -> None:
        contact = story.contact()
        with pytest.raises(InvalidInput, match="Select somebody at the front door"):
            assign(story, contact, "ben")
        left = person("oliver")
        left.memberships.update(ends_on=(story.now - timedelta(days=1)).date())
        with pytest.raises(InvalidInput, match="Select somebody at the front door"):
            assign(story, contact, "oliver")
        with pytest.raises(NotPermitted, match="Only front-door staff"):
            assign(story, contact, "sam", by="sam")
        assert owner_of(contact) is None

    def test_and_only_somebody_who_may_open_it(self, story: Story) -> None:
        contact = story.contact()
        restrict(story, contact, "maya")
        with pytest.raises(InvalidInput, match="who can open this contact"):
            assign(story, contact, "oliver", by="maya")

    def test_stays_when_it_is_decided(self, story: Story) -> None:
        contact = assign(story, story.contact(), "amina")
        story.decided(contact, by="amina")
        with pytest.raises(NotAllowedInStatus, match="is decided already"):
            assign(story, contact, "oliver", seen="amina")
        assert owner_of(contact) == person("amina")


class TestBetweenTheShifts:
    def test_the_next_shift_has_it_when_somebody_takes_it_on(self, story: Story) -> None:
        contact = assign(story, story.contact(), "amina")
        contact_handovers.hand_over(contact_id=contact.pk, note="Ring her.", by=person("amina"), now=story.later())
        assert owner_of(contact) is None
        contact_handovers.take_on(contact_id=contact.pk, by=person("erin"), now=story.later())
        assert owner_of(contact) == person("erin")


class TestADeclinedDecision:
    def declined(self, story: Story) -> Contact:
        contact = story.contact()
        story.decided(contact, pathway="advice", level=1, rag="blue")
        decisions.sign_off(
            contact_id=contact.pk, agreed=False, rationale="Look at March again.", by=person("maya"), now=story.later()
        )
        return contact

    def test_returns_to_whoever_decided(self, story: Story) -> None:
        contact = self.declined(story)
        assert (owner_of(contact), told("sign_off_declined")) == (person("amina"), [person("amina").email])

    @pytest.mark.parametrize("moves", [False, True])
    def test_goes_to_the_managers_if_the_decider_has_left(self, story: Story, moves: bool) -> None:
        """Also where they are a social worker still, in a team that works with families."""
        contact = story.contact()
        story.decided(contact, pathway="advice", level=1, rag="blue")
        memberships = person("amina").memberships
        if moves:
            memberships.update(team=story.team("aylesbury"))
        else:
            memberships.update(ends_on=(story.now - timedelta(days=1)).date())
        decisions.sign_off(
            contact_id=contact.pk, agreed=False, rationale="Look at March again.", by=person("maya"), now=story.later()
        )
        assert owner_of(contact) is None
        assert person("maya").email in told("sign_off_declined")
        assert person("amina").email not in told("sign_off_declined")


def test_an_owner_who_sees_it_no_more_or_works_here_no_more_owns_it_no_more(story: Story) -> None:
    """Everybody else would think that somebody sees to it."""
    secret, niece, keeps = (
        story.contact(children=[child(first_name=name, last_name=name, nhs_number=None)], adults=[])
        for name in ("Perdita", "Ottoline", "Hamish")
    )
    for contact in (secret, niece, keeps):
        assign(story, contact, "amina")
    gone = story.contact()
    assign(story, gone, "oliver")
    restrict(story, secret, "maya")
    conflicts.declare_in_contact(contact_id=niece.pk, reason="My niece.", by=person("amina"), now=story.later())
    Membership.objects.filter(user=person("oliver")).delete()
    assert lost_owners.release(now=story.later()) == 3
    assert [owner_of(contact) for contact in (secret, niece, gone, keeps)] == [None, None, None, person("amina")]
    assert AuditEvent.objects.latest("pk").actor == "system"
    assert lost_owners.release(now=story.later()) == 0
