"""After an upgrade, addresses are hidden as the rule of today says, also of families that nobody touches."""

from importlib import import_module
from io import StringIO

import pytest
from django.core.management import call_command

from casework.jobs import hidden_addresses
from casework.models import Contact, ContactChild, HidingToCheck, Person, StaleRecommendation
from casework.record import integrity
from tests.stage.documents import address, child
from tests.stage.families import KIM
from tests.stage.sql import run
from tests.stage.story import Story

HOME = address("HP20 1UA")


@pytest.fixture
def of_before(story: Story) -> list[bool]:
    """
    A child in hiding, whose brother waits alone at the same home; and a child whose address is nobody's secret. As a
    release left them that hid only what was marked, and by mistake what was not.

    :returns: what is hidden by the rule of today.
    """
    story.contact(by="example-police", children=[child(address=address("HP20 1UA", confidential=True)),
                                                 child(**KIM) | {"address": HOME}])  # fmt: skip
    story.contact(children=[child(**KIM) | {"address": HOME}])
    stranger = child(first_name="Ada", last_name="Okafor", also_known_as=[], nhs_number=None, address=HOME)
    story.contact(children=[stranger], adults=[])
    rule = hidden()
    assert rule == [True, True, True, False]
    run("UPDATE casework_contactchild SET address_is_confidential = (id = ANY(%s))", [pks()[0], pks()[3]])
    run("UPDATE casework_person SET postcode = 'HP20 1UA' WHERE id = (SELECT person_id FROM casework_contactchild "
        "WHERE id = %s)", pks()[2])  # fmt: skip
    return rule


def pks() -> list[int]:
    return list(ContactChild.objects.order_by("pk").values_list("pk", flat=True))


def hidden() -> list[bool]:
    return list(ContactChild.objects.order_by("pk").values_list("address_is_confidential", flat=True))


def test_every_family_is_brought_up_to_date_in_lots_and_once(
    story: Story, of_before: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = Contact.objects.order_by("pk")[1]
    assert hidden_addresses.recheck(now=story.later()) == 0
    monkeypatch.setattr(hidden_addresses, "A_LOT", 1)
    # As the migration notes them.
    run(import_module("casework.migrations.0037_hidden_as_long_as_the_mothers_may_be_one").NOTE_ALL)
    # Stopped after the first lot, it goes on with the second.
    assert hidden_addresses.recheck(now=story.later(), lots=1) == 1
    assert HidingToCheck.objects.count() == 1
    said = StringIO()
    call_command("recheck_hidden_addresses", stdout=said, stderr=said)
    assert (hidden(), HidingToCheck.objects.count()) == (of_before, 0)
    assert "around 1 people" in said.getvalue()
    # The brother's home is not kept where it would be compared, and the rules are asked again on what waits.
    assert not Person.objects.filter(pk=ContactChild.objects.get(pk=pks()[2]).person_id, postcode="HP20 1UA").exists()
    assert StaleRecommendation.objects.filter(contact=waits).exists()
    assert [finding for finding in integrity.check() if finding.broken] == []

    call_command("recheck_hidden_addresses", "--all", stdout=said, stderr=said)
    assert hidden() == of_before


def test_whoever_was_at_a_home_in_hiding_before_names_were_compared_in_any_spelling_is_looked_at_again(
    story: Story,
) -> None:
    story.contact(by="example-police", children=[child(address=address("HP20 1UA", confidential=True))])
    sister = child(first_name="Yara", last_name="Ash-Worth", also_known_as=[], nhs_number=None,
                   date_of_birth="2009-09-30", sex="F", address=address("HP20 1UA"))  # fmt: skip
    story.contact(children=[sister], adults=[])
    assert hidden() == [True, True]
    run("UPDATE casework_contactchild SET address_is_confidential = false WHERE id = %s", pks()[1])
    run(import_module("casework.migrations.0036_names_in_hiding").NOTE_NEIGHBOURS)
    assert hidden_addresses.recheck(now=story.later()) == 1
    assert hidden() == [True, True]
