"""The demonstration is made by the real actions, so it holds nothing that they would refuse."""

from collections import Counter
from datetime import datetime, timedelta
from io import StringIO

from allauth.mfa.models import Authenticator
from django.core.management import call_command

from casework.actions.contact_owners import front_door_staff
from casework.demonstration.seeding import seed
from casework.models import (
    Absence,
    Case,
    Clock,
    ClockChange,
    ClosingRequest,
    Contact,
    ContactChild,
    ContactDraft,
    ContactHandover,
    Duty,
    FactorReset,
    File,
    Handoff,
    Note,
    PartnerCheck,
    PersonMatch,
    ReminderLook,
    Restriction,
    ShiftHandover,
    SignInEvent,
)
from casework.reading import front_door
from casework.record import integrity
from localities.models import Membership, User
from localities.working_time import local_day
from tests.stage.story import person

DRAWS = "a new draw of timeline.random moves all later ones: give the new field a fixed value (see Timeline)"


def test_people_wait_ask_pass_on_and_put_off(db: None, now: datetime) -> None:
    """Six weeks up to a Thursday morning, day and night, have every kind of step that clocks and teams allow."""
    seed(contacts=42, seed=16, until=now, progress=lambda says: None)
    assert Contact.objects.count() == 42 + 3
    assert {contact.status for contact in Contact.objects.all()} >= {"received", "decided"}, DRAWS
    assert {case.status for case in Case.objects.all()} == {"open", "closed"}, DRAWS
    assert {handoff.status for handoff in Handoff.objects.all()} >= {"offered", "accepted"}, DRAWS
    assert set(ClockChange.objects.values_list("kind", flat=True)) == {"paused", "resumed", "extended"}, DRAWS
    assert set(PartnerCheck.objects.values_list("status", flat=True)) == {"asked", "answered", "withdrawn"}, DRAWS
    passed = ContactHandover.objects.all()
    assert {handover.from_team.code for handover in passed} == {"emergency-duty", "front-door"}, DRAWS
    assert passed.filter(taken_on_by__isnull=False).exists(), DRAWS
    assert passed.filter(passed_by__isnull=True).exists(), "the service passes what the night left"
    looks = ReminderLook.objects.all()
    assert looks.filter(snoozed_until__isnull=True).exists(), DRAWS
    assert looks.filter(snoozed_until__isnull=False).exists(), DRAWS
    drafts = ContactDraft.objects.open()
    assert drafts.count() == 2
    assert drafts.left_by_others(person("maya"), now).count() == 1
    assert [finding for finding in integrity.check() if finding.broken] == []
    # At the end every tab of the worklist has something in it.
    found: Counter[str] = Counter()
    for user in front_door_staff(local_day(now)):
        found += Counter(
            {tab.code: number for tab, number in front_door.counts(user, [], front_door.Filter(), now).tabs.items()}
        )
    assert found.keys() == {tab.code for tab in front_door.TABS}, DRAWS
    notes = Note.objects.all()
    assert {note.kind for note in notes} == {"call", "visit"}, DRAWS
    assert notes.filter(edition=2).exists(), "a note is corrected"
    assert notes.filter(readers="team").exists(), "a note is for the team alone"
    assert PersonMatch.objects.filter(status="proposed").exists(), DRAWS
    assert Restriction.objects.in_force().exists(), DRAWS
    assert {file.kind for file in File.objects.filter(contact__isnull=False)} == {"pdf", "png"}, DRAWS
    assert File.objects.filter(has_preview=True).exists()
    assert File.objects.filter(case__isnull=False).exists(), DRAWS
    # Somebody is on duty now, somebody is away and covered for, and everybody can be called.
    assert Duty.objects.between(now, now + timedelta(hours=1)).count() == 2
    assert Absence.objects.on(local_day(now)).get().covered_by is not None
    assert ShiftHandover.objects.get().read_at is None
    assert not User.objects.filter(telephone="").exists()
    # Something happened at the door, somebody is to be let in, and all sign in with the password alone.
    assert {event.kind for event in SignInEvent.objects.all()} >= {"signed_in", "failed", "slowed", "refused"}
    assert FactorReset.objects.get().answered_at is None
    assert not Authenticator.objects.exists()
    assert ContactChild.objects.filter(address_is_confidential=True).exists(), DRAWS
    assert {handoff.status for handoff in Handoff.objects.all()} >= {"returned"}, DRAWS
    assert Clock.objects.running().filter(kind__startswith="returned_case").exists(), "one came back to its team"
    assert Membership.objects.filter(most_cases__isnull=False, team__code="aylesbury").count() == 2
    # The rarer moves of the teams.
    offered = Handoff.objects.filter(status="offered")
    assert {"step_up", "step_down"} <= set(offered.values_list("kind", flat=True)), DRAWS
    assert ClosingRequest.objects.get().answered_at is None
    left = Case.objects.get(lead_left_on__isnull=False)
    assert str(left.lead_practitioner) == "Jo Barker"
    assert left.clocks.running().filter(kind="lead_practitioner_named").exists()


def test_the_same_seed_tells_the_same_families(db: None) -> None:
    seen: set[int] = set()
    names = []
    for _ in range(2):
        call_command("seed_demo", contacts=5, seed=3, stdout=(says := StringIO()))
        assert "5 of 5 contacts" in says.getvalue()
        names.append([child.last_name for child in _children() if child.pk not in seen])
        seen |= {child.pk for child in _children()}
    assert names[0] == names[1]


def _children() -> list[ContactChild]:
    return list(ContactChild.objects.select_related("contact").order_by("contact", "position"))
