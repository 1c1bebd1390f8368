"""Restricted records on the stage: restricted by Iris for Sam, who owns them."""

from typing import Any

from casework.actions import restrictions
from casework.models import Contact, Restriction
from tests.stage.story import Story, person


def restrict(story: Story, contact: Contact, *readers: str, by: str = "iris", **changes: Any) -> Restriction:
    """Restricts the record of the contact's first child. Sam owns the restriction."""
    said: dict[str, Any] = {
        "person_id": contact.children.get(position=0).person_id,
        "kind": "police_protection",
        "reason": "The police moved them in March.",
        "owner_id": person("sam").pk,
        "reader_ids": [person(name).pk for name in readers],
        "without_readers": True,
    }
    return restrictions.restrict(contact_id=contact.pk, by=person(by), now=story.now, **(said | changes))


def restrict_both(story: Story, before: Contact, after: Contact, reader: str, kind: str = "adopted") -> Restriction:
    """
    Restricts the records of before and after an adoption to a reader. Maya is named on the first: so she may open the
    second, which may be about the same child.
    """
    restrict(story, before, reader, "maya", kind="adopted")
    return restrict(story, after, reader, kind=kind, by="maya")


def sees(name: str, contact: Contact, story: Story) -> bool:
    return Contact.objects.visible_to(person(name), story.now).filter(pk=contact.pk).exists()
