"""
Whoever is on record is found by the numbers that staff recorded, by a unique pupil number or a telephone that was
learned, by the names of 0032, and by a name in Arabic, Hebrew, Indian or Korean letters as those are read now; and has
the name and the homes of today that staff recorded.

In batches, each a transaction of its own. A run that was broken off can be run again.
"""

from collections import defaultdict
from typing import Any

import django.contrib.postgres.fields
from django.db import connection, migrations, models, transaction

from casework.migrations._keys import keep_keys, people_on_record
from localities.working_time import local_day

BATCH = 5_000
# What was learned before it was kept with the record.
LEARNED = """
UPDATE casework_person record SET {column} = learned.number
FROM (
    SELECT DISTINCT ON (one.recorded_as_id) one.recorded_as_id, left(COALESCE(fact.after #>> '{{}}', ''), %s) AS number
    FROM casework_factchange fact JOIN casework_contact{whose} one ON one.id = fact.{whose}_id
    WHERE fact.field = %s AND fact.before IS DISTINCT FROM fact.after
    ORDER BY one.recorded_as_id, fact.id DESC
) learned
WHERE record.id = learned.recorded_as_id AND record.{column} <> learned.number
"""
# Of whom nothing of this is known, the keys are as they were. With all records of the same persons.
CONCERNED = """
WITH concerned AS (
SELECT id FROM casework_person
WHERE id BETWEEN %(first)s AND %(last)s AND (
    also_known_as <> '{}' OR other_names <> '{}' OR first_name || last_name ~ '[\u0590-\u08ff\u0900-\u0dff\uac00-\ud7a3]')
UNION SELECT person_id FROM casework_persondetail WHERE person_id BETWEEN %(first)s AND %(last)s
UNION SELECT child.recorded_as_id FROM casework_factchange fact JOIN casework_contactchild child ON child.id = fact.child_id
WHERE child.recorded_as_id BETWEEN %(first)s AND %(last)s
UNION SELECT adult.recorded_as_id FROM casework_factchange fact JOIN casework_contactadult adult ON adult.id = fact.adult_id
WHERE adult.recorded_as_id BETWEEN %(first)s AND %(last)s
), standing AS (SELECT COALESCE(same_as_id, id) AS id FROM casework_person WHERE id IN (SELECT id FROM concerned))
SELECT id FROM standing UNION SELECT id FROM casework_person WHERE same_as_id IN (SELECT id FROM standing)
"""
# Those of these people who live at a hidden address: themselves hidden, or an adult who may live with such a child.
HIDDEN = """
SELECT id FROM casework_person WHERE id = ANY(%(people)s) AND address_is_protected
UNION SELECT person_id FROM casework_contactchild WHERE person_id = ANY(%(people)s) AND address_is_confidential
UNION SELECT adult.person_id FROM casework_contactadult adult JOIN casework_contactchild child USING (contact_id)
WHERE adult.person_id = ANY(%(people)s) AND child.address_is_confidential AND adult.same_address IS DISTINCT FROM false
"""


def fill(apps: Any, schema_editor: Any) -> None:
    people = apps.get_model("casework", "Person").objects
    with connection.cursor() as cursor:
        cursor.execute(LEARNED.format(whose="child", column="upn"), [13, "upn"])
        cursor.execute(LEARNED.format(whose="adult", column="telephone"), [100, "phone"])
        cursor.execute("SELECT min(id), max(id) FROM casework_person")
        first, last = cursor.fetchone()
        for start in range(first or 0, (last or -1) + 1, BATCH):
            with transaction.atomic():
                cursor.execute(CONCERNED, {"first": start, "last": start + BATCH - 1})
                records = people_on_record(people, [record for (record,) in cursor.fetchall()])
                keep_recorded(apps, records)
                keep_keys(records)


def keep_recorded(apps: Any, records: list[Any]) -> None:
    """As `families/recorded.py` did when this was released: today's may ask for columns that come later."""
    person_of = {record.pk: record.same_as_id or record.pk for record in records}
    kinds = ("address", "current_name", "nhs_number", "upn", "telephone")
    details = apps.get_model("casework", "PersonDetail").objects
    homes = defaultdict(list)
    names = {}
    numbers = defaultdict(list)
    for detail in details.filter(person__in=person_of, kind__in=kinds, in_error_at=None).order_by("pk"):
        if detail.kind == "address":
            homes[detail.person_id].append([detail.value, detail.postcode])
        elif detail.kind != "current_name":
            numbers[person_of[detail.person_id]].append(detail)
        elif not _has_ended(detail):
            names[person_of[detail.person_id]] = detail.value
    with connection.cursor() as cursor:
        cursor.execute(HIDDEN, {"people": [person_of[record] for record in homes]})
        hidden = {person for (person,) in cursor.fetchall()}
    changed = []
    for record in records:
        person = person_of[record.pk]
        before = record.other_homes, record.other_numbers, record.current_name
        record.other_homes = [] if person in hidden else homes[record.pk]
        record.other_numbers = _numbers(record.pk, numbers[person])
        record.current_name = names.get(person, "") if record.pk == person else ""
        if (record.other_homes, record.other_numbers, record.current_name) != before:
            changed.append(record)
    people = apps.get_model("casework", "Person").objects
    people.bulk_update(changed, ["other_homes", "other_numbers", "current_name"])


def _numbers(record: int, of_person: list[Any]) -> list[list[str]]:
    last = {}
    for detail in sorted(of_person, key=lambda detail: (not _has_ended(detail), detail.pk)):
        last[detail.kind, detail.value] = detail
    own = dict.fromkeys((detail.kind, detail.value) for detail in of_person if detail.person_id == record)
    return [[*each, _status(last[each]), local_day(last[each].recorded_at).isoformat()] for each in own]


def _status(detail: Any) -> str:
    if detail.kind == "telephone":
        return ""
    return "ended" if _has_ended(detail) else detail.qualifier


def _has_ended(detail: Any) -> bool:
    return detail.ended_at is not None or detail.to_date is not None


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("casework", "0042_what_a_document_says")]

    operations = [
        migrations.AddField(
            model_name="person",
            name="other_numbers",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=django.contrib.postgres.fields.ArrayField(
                    base_field=models.CharField(max_length=300), size=4
                ),
                blank=True,
                db_default=[],
                default=list,
                help_text="What staff recorded: nhs_number, upn or telephone; the number; its status, or ended; the day.",
                size=None,
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
