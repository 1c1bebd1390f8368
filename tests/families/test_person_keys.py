"""Everybody on record gets the same keys from the migration that fills the table as from the contact they came with."""

from importlib import import_module
from typing import Any

import pytest

from casework.models import Person
from tests.stage.documents import child
from tests.stage.sql import run
from tests.stage.story import Story

migration = import_module("casework.migrations.0016_person_keys")


def kept() -> set[tuple[Any, ...]]:
    return set(run("SELECT key, person_id FROM casework_personkey"))


def guarded() -> list[list[tuple[Any, ...]]]:
    """The constraints and indexes of the table."""
    return [sorted(run(migration.CONSTRAINTS)), sorted(run(migration.INDEXES))]


@pytest.mark.parametrize("batch", [1, 5_000])
def test_a_fill_gives_everybody_the_keys_they_have(story: Story, monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    # A later migration adds the keys of other names.
    same = child(also_known_as=[])
    story.contact(children=[same | {"upn": "H801200001001"}])
    story.contact(children=[same])
    story.contact(
        children=[same | {"first_name": "Zoë", "nhs_number": None, "date_of_birth": None, "age_years": 9}], adults=[]
    )
    assert Person.objects.filter(same_as__isnull=False).exists()
    keys, constraints = kept(), guarded()
    run("SET CONSTRAINTS ALL IMMEDIATE")
    run("INSERT INTO casework_personkey (key, person_id) SELECT 1, max(id) FROM casework_person")
    monkeypatch.setattr(migration, "BATCH", batch)
    migration.fill_keys()
    assert kept() == keys
    assert guarded() == constraints
