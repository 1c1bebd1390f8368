"""Queries that travel together: each has its own rows, as if it were alone, and the process waits once."""

from typing import Any

import pytest

from casework.models import Contact, ContactChild, FactChange
from casework.models.together import read_parts, read_together
from localities.models import Agency, Team
from tests.stage.documents import child
from tests.stage.families import KIM
from tests.stage.sql import asked
from tests.stage.story import Story
from tests.stage.web_client import a_working_morning


@pytest.fixture
def contact(db: None) -> Contact:
    return Story(a_working_morning()).contact(children=[child(), child(**KIM)])


def test_each_has_its_rows(contact: Contact) -> None:
    teams = Team.objects.select_related("locality").order_by("name")
    codes = Agency.objects.order_by("code").values_list("code", flat=True)
    nobody = Contact.objects.filter(pk__in=[])
    contacts = Contact.objects.prefetch_related("children").filter(pk=contact.pk)
    expected: tuple[list[Any], ...] = list(teams.all()), list(codes.all()), [], list(contacts.all())
    with asked() as cost:
        read_together(teams, codes, nobody, contacts)
    # What is prefetched is asked for when its rows are known.
    assert (cost.round_trips, cost.statements) == (2, 4)
    with asked() as cost:
        assert (list(teams), list(codes), list(nobody), list(contacts)) == expected
        assert [team.locality for team in teams] == [team.locality for team in expected[0]]
        assert len(contacts[0].children.all()) == 2
    assert cost.round_trips == 0


def test_a_query_that_is_made_of_one_asks_for_itself(contact: Contact) -> None:
    teams = Team.objects.order_by("name")
    read_together(teams)
    with asked() as cost:
        assert teams.filter(code="aylesbury").get() in teams
        assert len(teams.all()) == len(teams)
    assert cost.statements == 2


def test_the_parts_of_a_record_are_its_own_from_then_on(contact: Contact) -> None:
    changes = FactChange.objects.order_by("pk")
    with asked() as cost:
        read_parts(contact, changes, children=contact.children.select_related("person").order_by("-position"))
        first, second = contact.children.all()
        assert (first.position, second.position) == (1, 0)
        assert first.person.reference
        assert first.contact is contact
        assert list(changes) == []
    assert (cost.round_trips, cost.statements) == (1, 2)
    assert ContactChild.objects.count() == 2


def test_nothing_is_asked_where_there_can_be_no_row(db: None) -> None:
    nobody = Contact.objects.none()
    with asked() as cost:
        read_together(nobody, Contact.objects.filter(pk__in=[]))
        assert list(nobody) == []
    assert cost.round_trips == 0
