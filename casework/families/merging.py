"""Two records of one person become one."""

from casework.models import (
    ContactChild,
    Person,
    PersonMatch,
)


def merge_into(known: Person, *, child: ContactChild) -> None:
    """
    A child on a contact is a person whom we knew. The record that was made for the child goes, unless something else
    needs it. Both records are locked.
    """
    made_for_child = child.person
    child.person = known
    child.save(update_fields=["person"])
    for field in ("previous_cp_plan", "previously_looked_after"):
        # What our records say of either is known of the one person: a yes, else a no.
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
