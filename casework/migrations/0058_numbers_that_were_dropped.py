"""
A number that two children of one contact were given was thrown away for both, until 0051. It is read again from what
was sent and learned, and kept with each as 0051 keeps such a number: evidence for both, and proof for neither.

What somebody said since stays: nothing is kept of a child whose number was corrected, or where the number was given to
one of the children.
"""

from typing import Any

from django.db import connection, migrations

from casework.facts import typed
from casework.migrations._keys import keep_keys, people_on_record

# As a contact, and a correction, said that two children had one number.
DROPPED = """
WITH dropped AS (
    SELECT child.id AS child_id, child.contact_id, split_part(detail.field, '.', 2) AS field, 0 AS since,
           contact.document #> ARRAY(SELECT jsonb_array_elements_text(detail.path)) AS sent
    FROM casework_detailtocheck detail JOIN casework_contact contact ON contact.id = detail.contact_id
    JOIN casework_contactchild child ON child.contact_id = contact.id AND child.position = (detail.path ->> 1)::int
    WHERE detail.field IN ('children.nhs_number', 'children.upn') AND detail.says = %(says)s
    UNION ALL
    SELECT fact.child_id, child.contact_id, fact.field, fact.id, fact.said
    FROM casework_factchange fact JOIN casework_contactchild child ON child.id = fact.child_id
    WHERE fact.field IN ('nhs_number', 'upn') AND fact.says = %(says)s
)
SELECT dropped.contact_id, child.recorded_as_id, dropped.field, dropped.sent #>> '{}'
FROM dropped JOIN casework_contactchild child ON child.id = dropped.child_id
WHERE NOT EXISTS (
    SELECT FROM casework_factchange fact
    WHERE fact.child_id = dropped.child_id AND fact.field = dropped.field AND fact.id > dropped.since
      AND fact.before IS DISTINCT FROM fact.after)
ORDER BY dropped.contact_id, child.position
"""
# The numbers that are known to be of one of the children of these contacts.
KNOWN = """
SELECT child.contact_id, known.field, known.number
FROM casework_contactchild child JOIN casework_person own ON own.id = child.recorded_as_id
CROSS JOIN LATERAL (
    VALUES ('nhs_number', own.nhs_number), ('upn', own.upn)
    UNION ALL SELECT detail.kind, detail.value
    FROM casework_person record JOIN casework_persondetail detail ON detail.person_id = record.id
    WHERE COALESCE(record.same_as_id, record.id) = child.person_id AND detail.in_error_at IS NULL
) known (field, number)
WHERE child.contact_id = ANY(%s)
"""
READ = {"nhs_number": typed.nhs_number, "upn": typed.upn}


def fill(apps: Any, schema_editor: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(DROPPED, {"says": "is the number of another child too; one of the two is wrong."})
        dropped = cursor.fetchall()
        cursor.execute(KNOWN, [[contact for contact, *_ in dropped]])
        known = set(cursor.fetchall())
    people = apps.get_model("casework", "Person").objects
    records = {record.pk: record for record in people_on_record(people, {record for _, record, *_ in dropped})}
    changed = {}
    for contact, record_id, field, sent in dropped:
        record, shared = records[record_id], [field, READ[field](sent or "", {}).value]
        if shared[1] and (contact, *shared) not in known and shared not in record.shared_numbers:
            record.shared_numbers = [*record.shared_numbers, shared]
            changed[record_id] = record
    people.bulk_update(changed.values(), ["shared_numbers"])
    keep_keys(changed.values())


class Migration(migrations.Migration):
    dependencies = [("casework", "0054_names_in_common_at_a_hidden_home")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop, elidable=True)]
