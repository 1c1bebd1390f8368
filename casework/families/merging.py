"""Merging two records of one person, after somebody has confirmed the match."""

from casework.models import ContactChild, Person


def merge_into(known: Person, *, child: ContactChild) -> None:
    """
    Joins the record that was made for a child on a contact to the known person's, which stands for both from now on.

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
    if made_for_child.pk > known.pk:
        made_for_child.same_as = known
        made_for_child.save(update_fields=["same_as"])
