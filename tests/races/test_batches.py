"""Batches that several workers take in at the same moment, on real connections."""

from datetime import datetime

from casework.actions import contact_batches as batches
from casework.actions.contact_batches import ToTakeIn
from casework.jobs import contact_batches
from casework.models import BatchEntry, Contact
from localities.models import Agency
from tests.stage.documents import contact_document
from tests.stage.racing import race
from tests.stage.story import Story

FORTY = 40
AGENCIES = ("example-primary-school", "example-police")


def keep(by: str, now: datetime, numbers: range) -> None:
    sent = [ToTakeIn(f"{by}/{number}", contact_document(agency_reference=f"{by} {number}")) for number in numbers]
    batches.keep(contacts=sent, by=Agency.objects.get(code=by), now=now)


def test_forty_about_one_child_are_each_taken_in_once_and_each_counts_those_before_it(story: Story) -> None:
    for agency in AGENCIES:
        keep(agency, story.now, range(FORTY // 2))
    done = race(*[lambda: contact_batches.take_in(clock=lambda: story.now)] * 2)
    assert sum(done) == FORTY
    assert min(done) > 1, "both took part"
    contacts = Contact.objects.select_related("recommendation").order_by("pk")
    counted = [each.recommendation.facts["family"]["contacts_3_months"] for each in contacts if each.recommendation]
    assert counted == list(range(1, FORTY + 1))
    assert not BatchEntry.objects.filter(take_after__isnull=False).exists()


def test_a_batch_that_is_sent_twice_at_one_moment_is_taken_in_once(story: Story) -> None:
    for _ in range(2):
        keep(AGENCIES[0], story.now, range(10))
    assert sum(race(*[lambda: contact_batches.take_in(clock=lambda: story.now)] * 2)) == 20
    assert Contact.objects.count() == 10
    assert BatchEntry.objects.filter(contact__isnull=False).count() == 20
