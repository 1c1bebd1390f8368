"""
Possible matches of adults as well, with a score from 0 to 1 and its reasons; and keys, by which people are found.

Until now a child who was recognised by number and birth, or confirmed, was joined without a match that could be
undone. Each gets one.
"""

import django.contrib.postgres.fields
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

NOW = "SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED"
MATCHES = f"""
UPDATE casework_personmatch SET score = score / 100.0, reasons = ARRAY[why]::varchar(200)[];
UPDATE casework_personmatch match SET record_id = child.recorded_as_id
FROM casework_contactchild child WHERE child.id = match.child_id;
-- Of two confirmed matches of one child only the last joined records. The other is asked again.
UPDATE casework_personmatch match SET status = 'proposed', settled_by_id = NULL, settled_at = NULL
FROM casework_contactchild child, casework_person person
WHERE child.id = match.child_id AND person.id = match.person_id AND match.status = 'confirmed'
  AND child.person_id <> COALESCE(person.same_as_id, person.id);
INSERT INTO casework_personmatch (child_id, record_id, person_id, score, reasons, status, settled_at)
SELECT child.id, child.recorded_as_id, child.person_id, 0.999,
       ARRAY['Joined by NHS number and date of birth, before scores were kept'], 'certain', contact.received_at
FROM casework_contactchild child JOIN casework_contact contact ON contact.id = child.contact_id
WHERE child.recorded_as_id <> child.person_id AND NOT EXISTS (
    SELECT FROM casework_personmatch match
    WHERE match.child_id = child.id AND match.person_id = child.person_id AND match.status = 'confirmed')
ON CONFLICT (child_id, person_id) DO UPDATE
SET status = 'certain', settled_by_id = NULL, settled_at = EXCLUDED.settled_at;
INSERT INTO casework_personmatch (adult_id, record_id, person_id, score, reasons, status, settled_at)
SELECT adult.id, adult.recorded_as_id, adult.person_id, 0.999, ARRAY['Joined before scores were kept'], 'certain',
       contact.received_at
FROM casework_contactadult adult JOIN casework_contact contact ON contact.id = adult.contact_id
WHERE adult.recorded_as_id <> adult.person_id;
INSERT INTO casework_statuschange (at, by_id, match_id, from_status, to_status, why)
SELECT settled_at, settled_by_id, id, 'proposed', status, '' FROM casework_personmatch
WHERE status IN ('confirmed', 'rejected');
{NOW}
"""
BACK = f"""
ALTER TABLE casework_personmatch DISABLE TRIGGER USER;
ALTER TABLE casework_statuschange DISABLE TRIGGER USER;
DELETE FROM casework_statuschange WHERE match_id IS NOT NULL;
DELETE FROM casework_personmatch WHERE child_id IS NULL OR status = 'certain';
UPDATE casework_personmatch SET why = left(array_to_string(reasons, ', '), 200), score = floor(score * 100);
{NOW};
ALTER TABLE casework_personmatch ENABLE TRIGGER USER;
ALTER TABLE casework_statuschange ENABLE TRIGGER USER
"""


class Migration(migrations.Migration):

    dependencies = [
        ('casework', '0014_restrictions'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='PersonKey',
            fields=[
                ('pk', models.CompositePrimaryKey('key', 'person_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('key', models.BigIntegerField()),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='casework.person')),
            ],
            options={
                'verbose_name_plural': 'person keys',
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='casechild',
            name='a_child_of_a_case_stays',
        ),
        migrations.RemoveConstraint(
            model_name='personmatch',
            name='a_settled_likeness_says_who_and_when',
        ),
        migrations.RemoveConstraint(
            model_name='statuschange',
            name='a_status_change_has_one_subject',
        ),
        migrations.RemoveIndex(
            model_name='person',
            name='person_by_date_of_birth',
        ),
        migrations.RemoveIndex(
            model_name='person',
            name='person_by_postcode',
        ),
        migrations.AddField(
            model_name='person',
            name='address',
            field=models.CharField(blank=True, db_default='', default='', max_length=300),
        ),
        migrations.AddField(
            model_name='person',
            name='born_about',
            field=models.PositiveSmallIntegerField(blank=True, help_text='Where only an age is known.', null=True, verbose_name='year of birth, by the age'),
        ),
        migrations.AddField(
            model_name='person',
            name='date_of_birth_estimated',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='person',
            name='regrouped',
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False, help_text='How often records were joined to this one, or separated.'),
        ),
        migrations.AddField(
            model_name='person',
            name='telephone',
            field=models.CharField(blank=True, db_default='', default='', max_length=100),
        ),
        migrations.AddField(
            model_name='person',
            name='upn',
            field=models.CharField(blank=True, db_default='', default='', max_length=13, verbose_name='unique pupil number'),
        ),
        migrations.AddField(
            model_name='personmatch',
            name='adult',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='matches', to='casework.contactadult'),
        ),
        migrations.AddField(
            model_name='personmatch',
            name='reasons',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=200), db_default=[], default=list, size=None),
        ),
        migrations.AddField(
            model_name='personmatch',
            name='weights',
            field=models.CharField(blank=True, db_default='', default='', max_length=50, verbose_name='version of the weights'),
        ),
        migrations.AddField(
            model_name='statuschange',
            name='match',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='status_changes', to='casework.personmatch'),
        ),
        migrations.AddField(
            model_name='personmatch',
            name='record',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='casework.person'),
        ),
        migrations.AlterField(
            model_name='auditevent',
            name='event',
            field=models.CharField(choices=[('contact_received', 'Contact received'), ('contact_viewed', 'Contact viewed'), ('recommendation_made', 'Recommendation made'), ('agreement_recorded', 'Agreement recorded'), ('contact_screened', 'Contact screened'), ('information_added', 'Facts added or corrected'), ('checks_recorded', 'What the records say recorded'), ('match_confirmed', 'The same person: confirmed'), ('match_rejected', 'The same person: rejected'), ('person_viewed', 'Person viewed'), ('person_detail_added', 'Something said about a person recorded'), ('person_detail_ended', 'Something said about a person: no longer so'), ('address_protected', 'Address made confidential'), ('address_protection_lifted', 'Confidential address: lifted'), ('match_undone', 'The same person: undone'), ('referrer_acknowledged', 'Referrer acknowledged'), ('confirmed_in_writing', 'Telephone contact confirmed in writing'), ('decision_made', 'Decision made'), ('sign_off_given', 'Second person agreed'), ('sign_off_declined', 'Second person declined'), ('contact_closed', 'Contact ended at the front door'), ('contact_linked', 'Contact linked to open work'), ('feedback_given', 'Referrer told the outcome'), ('case_opened', 'Case opened'), ('case_viewed', 'Case viewed'), ('handoff_offered', 'Handoff offered'), ('handoff_accepted', 'Handoff accepted'), ('handoff_returned', 'Handoff returned'), ('handoff_withdrawn', 'Handoff withdrawn'), ('lead_named', 'Lead practitioner named'), ('milestone_recorded', 'Milestone recorded'), ('other_authority_named', 'Other authority named'), ('case_closed', 'Case closed'), ('reminder_sent', 'Reminder made'), ('message_sent', 'Message sent'), ('message_parked', 'Message parked after too many failures'), ('message_retried', 'Parked message sent on its way again'), ('message_dropped', 'Parked message dropped'), ('partner_asked', 'Partner asked'), ('partner_answered', "Partner's answer recorded"), ('partner_check_withdrawn', 'Question to a partner withdrawn'), ('contact_handed_over', 'Contact passed between emergency duty and the day team'), ('contact_taken_on', 'Contact taken on by the next team'), ('case_bounced', 'Back with a team that held it lately'), ('clock_paused', 'Clock paused'), ('clock_resumed', 'Clock resumed'), ('clock_extended', 'Clock extended'), ('clocks_recomputed', 'Clocks computed again, as the calendar changed'), ('reminder_snoozed', 'Reminder put off'), ('integrity_checked', 'Every invariant counted'), ('setting_changed', 'Setting changed'), ('rule_set_drafted', 'Rule set copied to a draft'), ('rule_set_changed', 'Draft of a rule set changed'), ('rule_set_proposed', 'Rule set proposed for approval'), ('rule_set_sent_back', 'Proposal of a rule set sent back'), ('rule_set_published', 'Rule set approved and published'), ('rule_set_called_off', 'Rule set called off before it was live'), ('rule_set_discarded', 'Draft of a rule set discarded'), ('replay_asked_for', 'Replay asked for'), ('replay_cancelled', 'Replay cancelled'), ('replay_finished', 'Replay finished'), ('replay_exported', 'Replay exported'), ('record_restricted', 'Record restricted'), ('restriction_lifted', 'Restriction lifted'), ('restriction_passed_on', 'Restriction passed to another owner'), ('reader_named', 'Reader of a restricted record named'), ('reader_removed', 'Reader of a restricted record removed'), ('glass_broken', 'Restricted record opened by breaking the glass'), ('glass_reviewed', 'Breaking of the glass reviewed'), ('conflict_declared', 'Conflict of interest declared'), ('conflict_ended', 'Conflict of interest ended'), ('recommendations_rechecked', 'Stored recommendations computed again')], max_length=30),
        ),
        migrations.AlterField(
            model_name='statuschange',
            name='by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='personmatch',
            name='child',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='matches', to='casework.contactchild'),
        ),
        migrations.AlterField(
            model_name='personmatch',
            name='score',
            field=models.FloatField(help_text='How likely they are the same, from 0 to 1.'),
        ),
        migrations.AlterField(
            model_name='personmatch',
            name='status',
            field=models.CharField(choices=[('proposed', 'To be looked at'), ('certain', 'The same person, by what was sent'), ('confirmed', 'The same person'), ('rejected', 'Somebody else')], default='proposed', max_length=10),
        ),
        migrations.AlterField(
            model_name='personmatch',
            name='why',
            field=models.CharField(default='', max_length=200),
        ),
        migrations.RunSQL(MATCHES, BACK),
        migrations.RemoveConstraint(
            model_name='personmatch',
            name='a_likeness_is_proposed_once',
        ),
        migrations.RemoveField(
            model_name='personmatch',
            name='why',
        ),
        migrations.AlterField(
            model_name='personmatch',
            name='record',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='casework.person'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='casechild',
            trigger=pgtrigger.compiler.Trigger(name='a_child_of_a_case_stays', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF EXISTS (\n                    SELECT FROM public.casework_contactchild child\n                    JOIN public.casework_contact contact ON contact.id = child.contact_id\n                    WHERE contact.case_id = OLD.case_id AND child.person_id = OLD.person_id\n                ) THEN RAISE EXCEPTION 'A child with whom a case worked stays in it.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_child_of_a_case_stays'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='aef6dc3bcd44772bd38f98b00a1d2b055977251d', operation='DELETE', pgid='pgtrigger_a_child_of_a_case_stays_7259c', table='casework_casechild', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='personmatch',
            trigger=pgtrigger.compiler.Trigger(name='a_likeness_stays_between_the_same_two', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF (NEW.child_id, NEW.adult_id, NEW.record_id, NEW.person_id)\n                   IS DISTINCT FROM (OLD.child_id, OLD.adult_id, OLD.record_id, OLD.person_id) THEN RAISE EXCEPTION 'A likeness is between the same two records for ever.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_likeness_stays_between_the_same_two'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='36d46a75b2fc8914be06095887cd2193c846a4d2', operation='UPDATE', pgid='pgtrigger_a_likeness_stays_between_the_same_two_d1217', table='casework_personmatch', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='personmatch',
            constraint=models.UniqueConstraint(fields=('record', 'person'), name='a_likeness_is_proposed_once'),
        ),
        migrations.AddConstraint(
            model_name='personmatch',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('adult__isnull', True), ('child__isnull', False)), models.Q(('adult__isnull', False), ('child__isnull', True)), _connector='OR'), name='a_likeness_is_of_a_child_or_an_adult'),
        ),
        migrations.AddConstraint(
            model_name='personmatch',
            constraint=models.CheckConstraint(condition=models.Q(('record', models.F('person')), _negated=True), name='a_likeness_is_of_two_records'),
        ),
        migrations.AddConstraint(
            model_name='personmatch',
            constraint=models.CheckConstraint(condition=models.Q(('score__gte', 0), ('score__lte', 1)), name='a_likeness_is_from_0_to_1'),
        ),
        migrations.AddConstraint(
            model_name='personmatch',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('settled_at__isnull', True), ('settled_by__isnull', True), ('status', 'proposed')), models.Q(('settled_at__isnull', False), ('settled_by__isnull', True), ('status', 'certain')), models.Q(('settled_at__isnull', False), ('settled_by__isnull', False), ('status__in', ['confirmed', 'rejected'])), _connector='OR'), name='a_settled_likeness_says_who_and_when'),
        ),
        migrations.AddConstraint(
            model_name='statuschange',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('case__isnull', True), ('contact__isnull', False), ('handoff__isnull', True), ('match__isnull', True), ('partner_check__isnull', True)), models.Q(('case__isnull', False), ('contact__isnull', True), ('handoff__isnull', True), ('match__isnull', True), ('partner_check__isnull', True)), models.Q(('case__isnull', True), ('contact__isnull', True), ('handoff__isnull', False), ('match__isnull', True), ('partner_check__isnull', True)), models.Q(('case__isnull', True), ('contact__isnull', True), ('handoff__isnull', True), ('match__isnull', True), ('partner_check__isnull', False)), models.Q(('case__isnull', True), ('contact__isnull', True), ('handoff__isnull', True), ('match__isnull', False), ('partner_check__isnull', True)), _connector='OR'), name='a_status_change_has_one_subject'),
        ),
    ]
