"""
A person is at most one child of a contact.

One NHS number and one date of birth used to make two children of a contact one person, and the case that opened held
only the first. Each further child gets a record of its own, as the referrer described it, without the number, and
stands on the case.
"""

from typing import Any

from django.db import migrations, models
from django.db.models import F, Window
from django.db.models.functions import RowNumber

DESCRIBED = (
    "first_name", "last_name", "also_known_as", "date_of_birth", "expected_date_of_delivery", "sex", "ethnicity",
)  # fmt: skip


def separate(apps: Any, schema_editor: Any) -> None:
    place = Window(RowNumber(), partition_by=[F("contact"), F("person")], order_by="position")
    children = apps.get_model("casework", "ContactChild").objects.annotate(place=place).filter(place__gt=1)
    for child in children.select_related("contact"):
        described = {name: getattr(child, name) for name in DESCRIBED}
        postcode = "" if child.address_is_confidential else child.postcode
        child.person = apps.get_model("casework", "Person").objects.create(**described, postcode=postcode)
        child.save(update_fields=["person"])
        if child.contact.case_id is not None:
            on_case = apps.get_model("casework", "CaseChild").objects
            on_case.create(case_id=child.contact.case_id, person=child.person)


class Migration(migrations.Migration):
    dependencies = [("casework", "0008_resends")]

    operations = [
        migrations.RunPython(separate, migrations.RunPython.noop),
        # A constraint cannot be added while the rows that were just written have triggers waiting.
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED", migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="contactchild",
            constraint=models.UniqueConstraint(fields=("contact", "person"), name="a_person_is_one_child_of_a_contact"),
        ),
    ]
