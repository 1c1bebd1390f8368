"""
Everybody on a contact has a record of their own, and one record stands for a person.

Until now a child who was recognised had no record of its own: the contact pointed to the known one. Each such child
gets one, as it was described, so that the two can be told apart again.
"""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

# The first row about somebody keeps the record. A child whose record is that of an adult, or of somebody whom it was
# proposed to be, was joined to it.
OWN_RECORDS = """
UPDATE casework_contactadult SET recorded_as_id = person_id;
CREATE TEMPORARY TABLE joined ON COMMIT DROP AS
SELECT child.id AS child, child.person_id AS known, nextval(pg_get_serial_sequence('casework_person', 'id')) AS own
FROM (SELECT id, person_id, row_number() OVER (PARTITION BY person_id ORDER BY id) AS place
      FROM casework_contactchild) child
WHERE place > 1
   OR EXISTS (SELECT FROM casework_contactadult adult WHERE adult.person_id = child.person_id)
   OR EXISTS (SELECT FROM casework_personmatch match WHERE match.child_id = child.id
              AND match.person_id = child.person_id);
INSERT INTO casework_person (id, first_name, last_name, also_known_as, date_of_birth, expected_date_of_delivery, sex,
                             ethnicity, nhs_number, postcode, same_as_id)
SELECT own, first_name, last_name, also_known_as, date_of_birth, expected_date_of_delivery, sex, ethnicity,
       NULLIF(nhs_number, ''), CASE WHEN address_is_confidential THEN '' ELSE postcode END, known
FROM joined JOIN casework_contactchild child ON child.id = joined.child;
UPDATE casework_contactchild child SET recorded_as_id = COALESCE(
    (SELECT own FROM joined WHERE joined.child = child.id), child.person_id);
SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED
"""
# A number may belong to one record only, before.
ONE_NUMBER_EACH = """
UPDATE casework_person SET nhs_number = NULL WHERE id IN (
    SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY nhs_number ORDER BY id) AS place FROM casework_person
                    WHERE nhs_number IS NOT NULL) numbered WHERE place > 1);
SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED
"""


class Migration(migrations.Migration):

    dependencies = [
        ('casework', '0009_each_child_one_person'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='person',
            name='an_nhs_number_belongs_to_one_person',
        ),
        migrations.RunSQL(migrations.RunSQL.noop, ONE_NUMBER_EACH),
        migrations.AddField(
            model_name='person',
            name='same_as',
            field=models.ForeignKey(db_index=False, editable=False, help_text='The oldest record of the same person, if that is another.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='casework.person'),
        ),
        migrations.AddField(
            model_name='contactadult',
            name='recorded_as',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='casework.person'),
        ),
        migrations.AddField(
            model_name='contactchild',
            name='recorded_as',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='casework.person'),
        ),
        migrations.RunSQL(OWN_RECORDS, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name='contactadult',
            name='recorded_as',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='casework.person'),
        ),
        migrations.AlterField(
            model_name='contactchild',
            name='recorded_as',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='casework.person'),
        ),
        migrations.AddIndex(
            model_name='person',
            index=models.Index(condition=models.Q(('same_as__isnull', False)), fields=['same_as'], name='person_of_same_as'),
        ),
        migrations.AddConstraint(
            model_name='person',
            constraint=models.CheckConstraint(condition=models.Q(('same_as__isnull', True), ('same_as__lt', models.F('id')), _connector='OR'), name='the_oldest_record_stands_for_a_person'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='contactadult',
            trigger=pgtrigger.compiler.Trigger(name='an_adults_own_record_stays', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF NEW.recorded_as_id IS DISTINCT FROM OLD.recorded_as_id THEN RAISE EXCEPTION 'The record that was made for somebody on a contact stays.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'an_adults_own_record_stays'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='600ff74a71d40457752b7a79bc3ea96ccd757b4e', operation='UPDATE', pgid='pgtrigger_an_adults_own_record_stays_32dbd', table='casework_contactadult', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='contactchild',
            trigger=pgtrigger.compiler.Trigger(name='a_childs_own_record_stays', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF NEW.recorded_as_id IS DISTINCT FROM OLD.recorded_as_id THEN RAISE EXCEPTION 'The record that was made for somebody on a contact stays.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_childs_own_record_stays'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='568da9fa6c00cbee747d264666ec3c51d1553642', operation='UPDATE', pgid='pgtrigger_a_childs_own_record_stays_b1fe3', table='casework_contactchild', when='BEFORE')),
        ),
    ]
