"""Merging two records of one person, after somebody has confirmed the match."""

from casework.models import (
    ContactChild,
    Person,
    PersonMatch,
)


def merge_into(known: Person, *, child: ContactChild) -> None:
    """
    Replaces the record that was made for a child on a contact by the known person's. Deletes it, unless something else
    refers to it.

    The caller has locked both records.
    """
    made_for_child = child.person
    child.person = known
    child.save(update_fields=["person"])
    for field in ("previous_cp_plan", "previously_looked_after"):
        # A yes in either record counts, else a no.
        answers = {getattr(made_for_child, field), getattr(known, field)} - {None}
        setattr(known, field, any(answers) if answers else None)
    known.save(update_fields=["previous_cp_plan", "previously_looked_after"])
    is_needed = (
        made_for_child.contact_children.exists()
        or made_for_child.cases.exists()
        or PersonMatch.objects.filter(person=made_for_child).exists()
    )
    if not is_needed:
        made_for_child.delete()
        if known.nhs_number is None and made_for_child.nhs_number:
            known.nhs_number = made_for_child.nhs_number
            known.save(update_fields=["nhs_number"])
