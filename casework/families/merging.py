"""Two records of one person become one."""

from casework.models import (
    ContactChild,
    Person,
    PersonMatch,
)


def take_to_be(child: ContactChild, person: Person) -> None:
    """A child on a contact is a person whom we knew. The record that was made for the child goes if nobody needs it."""
    made_for_child = child.person
    child.person = person
    child.save(update_fields=["person"])
    for record in ("previous_cp_plan", "previously_looked_after"):
        # What our records say of either is known of the one person: a yes, else a no.
        said = {getattr(made_for_child, record), getattr(person, record)} - {None}
        setattr(person, record, any(said) if said else None)
    person.save(update_fields=["previous_cp_plan", "previously_looked_after"])
    needed = (
        made_for_child.contact_children.exists()
        or made_for_child.cases.exists()
        or PersonMatch.objects.filter(person=made_for_child).exists()
    )
    if not needed:
        made_for_child.delete()
        if person.nhs_number is None and made_for_child.nhs_number:
            person.nhs_number = made_for_child.nhs_number
            person.save(update_fields=["nhs_number"])
