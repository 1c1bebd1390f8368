"""The demonstration's life: made by the real actions, so that it can hold nothing that they would refuse."""

from io import StringIO

import pytest
from django.core.management import call_command

from casework import integrity
from casework.models import Case, Contact, ContactChild, Handoff


@pytest.mark.parametrize("seed", [1, 7])
def test_a_seeded_life_is_whole(db: None, seed: int) -> None:
    told = StringIO()
    call_command("seed_demo", contacts=60, seed=seed, stdout=told)
    assert "60 of 60 contacts" in told.getvalue()
    assert Contact.objects.count() == 60
    assert {contact.status for contact in Contact.objects.all()} >= {"received", "decided"}
    assert {case.status for case in Case.objects.all()} == {"open", "closed"}
    assert {handoff.status for handoff in Handoff.objects.all()} >= {"offered", "accepted"}
    assert [finding for finding in integrity.check() if finding.broken] == []


def test_the_same_seed_tells_the_same_families(db: None) -> None:
    seen: set[int] = set()
    told = []
    for _ in range(2):
        call_command("seed_demo", contacts=5, seed=3, stdout=StringIO())
        told.append([child.last_name for child in _children() if child.pk not in seen])
        seen |= {child.pk for child in _children()}
    assert told[0] == told[1]


def _children() -> list[ContactChild]:
    return list(ContactChild.objects.select_related("contact").order_by("contact", "position"))
