"""
The tables as the migrations up to 0050 leave them, made at once. For an empty database; a database that has some of
those goes on with them, one by one (docs/adr/0032-an-empty-database.md).
"""

import casework.models.person_details
import casework.references
import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import pgtrigger.compiler
from django.conf import settings
from django.db import migrations, models
from django.db.migrations.operations.base import Operation

CLOSED_PEOPLE = """
CREATE FUNCTION public.closed_people(reader bigint, moment timestamptz) RETURNS bigint[]
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN ARRAY(
        SELECT COALESCE(person.same_as_id, person.id)
        FROM public.casework_restriction restriction
        JOIN public.casework_person person ON person.id = restriction.person_id
        WHERE restriction.lifted_at IS NULL AND restriction.owner_id <> reader AND NOT EXISTS (
            SELECT FROM public.casework_restrictedaccess access
            WHERE access.restriction_id = restriction.id AND access.user_id = reader
              AND (access.until IS NULL OR access.until > moment))
        UNION ALL
        SELECT COALESCE(person.same_as_id, person.id)
        FROM public.casework_conflictofinterest conflict
        JOIN public.casework_conflictperson among ON among.conflict_id = conflict.id
        JOIN public.casework_person person ON person.id = among.person_id
        WHERE conflict.user_id = reader AND conflict.ended_at IS NULL);
END $$
"""
HAS_ROLE = """
CREATE FUNCTION public.has_role(reader bigint, today date, roles text[], team_kinds text[]) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM public.localities_membership membership
        JOIN public.localities_user member ON member.id = membership.user_id AND member.is_active
        LEFT JOIN public.localities_team team ON team.id = membership.team_id
        WHERE membership.user_id = reader AND membership.role = ANY(roles)
          AND (team_kinds IS NULL OR team.kind = ANY(team_kinds))
          AND (membership.starts_on IS NULL OR membership.starts_on <= today)
          AND (membership.ends_on IS NULL OR membership.ends_on >= today));
END $$
"""
TEAMS_OF = """
CREATE FUNCTION public.teams_of(reader bigint, today date) RETURNS bigint[]
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN ARRAY(
        SELECT membership.team_id FROM public.localities_membership membership
        JOIN public.localities_user member ON member.id = membership.user_id AND member.is_active
        WHERE membership.user_id = reader AND membership.team_id IS NOT NULL
          AND (membership.starts_on IS NULL OR membership.starts_on <= today)
          AND (membership.ends_on IS NULL OR membership.ends_on >= today));
END $$
"""
# Why they are as they are stands in 0044.
MAY_BE = """
CREATE FUNCTION public.who_may_be(people bigint[], careful double precision)
RETURNS TABLE (person_id bigint, may_be_id bigint)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 20 SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    records bigint[];
    alike bigint[];
BEGIN
    RETURN QUERY SELECT one.id, one.id FROM unnest(people) AS one (id);
    records := people || ARRAY(SELECT joined.id FROM public.casework_person joined WHERE joined.same_as_id = ANY(people));
    alike := ARRAY(
        SELECT proposed.id FROM public.casework_personmatch proposed
        WHERE proposed.record_id = ANY(records)
          AND proposed.status = 'proposed' AND proposed.score >= 0.5 AND proposed.score >= careful
        UNION
        SELECT proposed.id FROM public.casework_personmatch proposed
        WHERE proposed.person_id = ANY(records)
          AND proposed.status = 'proposed' AND proposed.score >= 0.5 AND proposed.score >= careful);
    IF alike = '{}' THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH found AS (
        SELECT COALESCE(one.same_as_id, one.id) AS one, COALESCE(other.same_as_id, other.id) AS other
        FROM public.casework_personmatch proposed
        JOIN public.casework_person one ON one.id = proposed.record_id
        JOIN public.casework_person other ON other.id = proposed.person_id
        LEFT JOIN public.casework_contactchild child ON child.id = proposed.child_id
        LEFT JOIN public.casework_contactadult adult ON adult.id = proposed.adult_id
        -- Of whoever does not belong to the family of the contact, nobody is asked.
        WHERE proposed.id = ANY(alike) AND COALESCE(child.in_family, adult.in_family)
    ), pair AS (
        SELECT one AS mine, other AS theirs FROM found WHERE one <> other AND one = ANY(people)
        UNION
        SELECT other, one FROM found WHERE one <> other AND other = ANY(people)
    ), record AS (
        SELECT person.id, person.id AS stands FROM public.casework_person person
        WHERE person.id IN (SELECT mine FROM pair UNION SELECT theirs FROM pair)
        UNION ALL
        SELECT joined.id, joined.same_as_id FROM public.casework_person joined
        WHERE joined.same_as_id IN (SELECT mine FROM pair UNION SELECT theirs FROM pair)
    ), apart AS (
        SELECT one.stands AS one, other.stands AS other
        FROM record one
        JOIN public.casework_personmatch rejected ON rejected.record_id = one.id AND rejected.status = 'rejected'
        JOIN record other ON other.id = rejected.person_id
    ), adopted AS (
        SELECT record.stands FROM record
        JOIN public.casework_restriction restriction ON restriction.person_id = record.id
        WHERE restriction.kind = 'adopted' AND restriction.lifted_at IS NULL
    )
    SELECT pair.mine, pair.theirs FROM pair
    -- Nor of two who were told apart, by any of their records.
    WHERE (pair.mine, pair.theirs) NOT IN (SELECT one, other FROM apart UNION ALL SELECT other, one FROM apart)
      -- Nor of the two records of an adopted child.
      AND NOT (pair.mine IN (SELECT stands FROM adopted) AND pair.theirs IN (SELECT stands FROM adopted));
END $$
"""
CLOSED_PEOPLE_AND_THOSE_LIKE_THEM = """
CREATE FUNCTION public.closed_people(reader bigint, moment timestamptz, careful double precision) RETURNS bigint[]
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    closed bigint[];
BEGIN
    closed := ARRAY(
        SELECT COALESCE(person.same_as_id, person.id)
        FROM public.casework_restriction restriction
        JOIN public.casework_person person ON person.id = restriction.person_id
        WHERE restriction.lifted_at IS NULL AND restriction.owner_id <> reader AND NOT EXISTS (
            SELECT FROM public.casework_restrictedaccess access
            WHERE access.restriction_id = restriction.id AND access.user_id = reader
              AND (access.until IS NULL OR access.until > moment))
        UNION
        SELECT COALESCE(person.same_as_id, person.id)
        FROM public.casework_conflictofinterest conflict
        JOIN public.casework_conflictperson among ON among.conflict_id = conflict.id
        JOIN public.casework_person person ON person.id = among.person_id
        WHERE conflict.user_id = reader AND conflict.ended_at IS NULL);
    -- Mostly nobody is closed to the reader.
    IF closed = '{}' THEN
        RETURN closed;
    END IF;
    RETURN ARRAY(SELECT DISTINCT who.may_be_id FROM public.who_may_be(closed, careful) AS who);
END $$
"""


class CreateModels(Operation):
    """
    Makes several tables, with the triggers in the options of their models.

    After each `CreateModel` and each `AddTrigger`, Django would make the classes of nearly all models anew. Here it makes
    them once, when it knows all of them. A foreign key may lead to a table that comes later: Django adds the constraint
    in the end.
    """

    def __init__(self, models):
        self.models = models

    def state_forwards(self, app_label, state):
        state.__dict__.pop('apps', None)
        for model in self.models:
            model.state_forwards(app_label, state)

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        for model in self.models:
            model.database_forwards(app_label, schema_editor, from_state, to_state)
            for trigger in model.options.get('triggers', []):
                schema_editor.execute(trigger.install_sql, params=None)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        for model in reversed(self.models):
            model.database_backwards(app_label, schema_editor, from_state, to_state)


class Migration(migrations.Migration):

    replaces = [
        ('casework', '0001_initial'),
        ('casework', '0002_replays_and_rechecks'),
        ('casework', '0003_time_and_responsibility'),
        ('casework', '0004_screening'),
        ('casework', '0005_warnings_in_hub_hours'),
        ('casework', '0006_stale_recommendations'),
        ('casework', '0007_details_to_check'),
        ('casework', '0008_resends'),
        ('casework', '0009_each_child_one_person'),
        ('casework', '0010_records'),
        ('casework', '0011_protected_addresses'),
        ('casework', '0012_learned'),
        ('casework', '0013_what_is_said_of_people'),
        ('casework', '0014_restrictions'),
        ('casework', '0015_likeness'),
        ('casework', '0016_person_keys'),
        ('casework', '0017_where_facts_are_hidden'),
        ('casework', '0018_lifted_restrictions'),
        ('casework', '0019_unborn_children'),
        ('casework', '0020_searches'),
        ('casework', '0021_search_of_details'),
        ('casework', '0022_hiding_to_check'),
        ('casework', '0023_history_of_every_fact'),
        ('casework', '0024_households'),
        ('casework', '0025_other_names'),
        ('casework', '0026_found_by_other_names'),
        ('casework', '0027_confirmed_details'),
        ('casework', '0028_children_of_the_family'),
        ('casework', '0029_namesakes_in_hiding'),
        ('casework', '0030_rights_as_functions'),
        ('casework', '0031_details_in_error'),
        ('casework', '0032_found_by_what_ended'),
        ('casework', '0033_what_else_stays'),
        ('casework', '0034_keys_of_people_on_record'),
        ('casework', '0035_babies_who_were_expected'),
        ('casework', '0036_names_in_hiding'),
        ('casework', '0037_hidden_as_long_as_the_mothers_may_be_one'),
        ('casework', '0038_names_of_today'),
        ('casework', '0039_mothers_of_babies'),
        ('casework', '0040_one_index_for_a_beginning'),
        ('casework', '0041_names_without_vowels'),
        ('casework', '0042_what_a_document_says'),
        ('casework', '0043_numbers_that_staff_recorded'),
        ('casework', '0044_closed_by_likeness'),
        ('casework', '0045_contact_owner'),
        ('casework', '0046_words_of_deadlines'),
        ('casework', '0047_contact_drafts'),
        ('casework', '0048_names_with_their_vowels'),
        ('casework', '0049_deciding'),
        ('casework', '0050_arrived_at'),
    ]

    initial = True

    dependencies = [
        # On an empty database the package's own migrations come first: each of its hundred changes of a label takes
        # longer the more models there are.
        ('oauth2_provider', '0021_translatable_field_labels'),
        ('localities', '0004_one_index_for_a_beginning'),
        ('triage', '0003_shipped_as'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        CreateModels([
            migrations.CreateModel(
                name='Person',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('first_name', models.CharField(blank=True, max_length=100)),
                    ('last_name', models.CharField(blank=True, max_length=100)),
                    ('also_known_as', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=100), blank=True, default=list, size=None)),
                    ('date_of_birth', models.DateField(blank=True, null=True)),
                    ('expected_date_of_delivery', models.DateField(blank=True, null=True)),
                    ('sex', models.CharField(choices=[('M', 'Male'), ('F', 'Female'), ('U', 'Unknown')], default='U', max_length=1)),
                    ('ethnicity', models.CharField(blank=True, choices=[('WBRI', 'White British'), ('WIRI', 'White Irish'), ('WIRT', 'Traveller of Irish heritage'), ('WOTH', 'Any other White background'), ('WROM', 'Gypsy or Roma'), ('MWBC', 'White and Black Caribbean'), ('MWBA', 'White and Black African'), ('MWAS', 'White and Asian'), ('MOTH', 'Any other mixed background'), ('AIND', 'Indian'), ('APKN', 'Pakistani'), ('ABAN', 'Bangladeshi'), ('AOTH', 'Any other Asian background'), ('BCRB', 'Caribbean'), ('BAFR', 'African'), ('BOTH', 'Any other Black background'), ('CHNE', 'Chinese'), ('OOTH', 'Any other ethnic group'), ('REFU', 'Refused'), ('NOBT', 'Not yet obtained')], max_length=4)),
                    ('nhs_number', models.CharField(blank=True, max_length=10, null=True, verbose_name='NHS number')),
                    ('postcode', models.CharField(blank=True, max_length=8)),
                    ('previous_cp_plan', models.BooleanField(blank=True, null=True, verbose_name='had a child protection plan before')),
                    ('previously_looked_after', models.BooleanField(blank=True, null=True, verbose_name='was looked after before')),
                    ('same_as', models.ForeignKey(db_index=False, editable=False, help_text='The oldest record of the same person, if that is another.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='casework.person')),
                    ('address_is_protected', models.BooleanField(db_default=False, default=False, editable=False, help_text='Whether an AddressProtection is in force.')),
                    ('reference', models.CharField(default=casework.references.new_person_reference, editable=False, max_length=13, unique=True)),
                    ('address', models.CharField(blank=True, db_default='', default='', max_length=300)),
                    ('born_about', models.PositiveSmallIntegerField(blank=True, help_text='Where only an age is known.', null=True, verbose_name='year of birth, by the age')),
                    ('date_of_birth_estimated', models.BooleanField(db_default=False, default=False)),
                    ('regrouped', models.PositiveIntegerField(db_default=0, default=0, editable=False, help_text='How often records were joined to this one, or separated.')),
                    ('telephone', models.CharField(blank=True, db_default='', default='', max_length=100)),
                    ('upn', models.CharField(blank=True, db_default='', default='', max_length=13, verbose_name='unique pupil number')),
                    ('other_names', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=300), blank=True, db_default=[], default=list, help_text='By which it is found as well: names that were corrected, and those that staff recorded.', size=None)),
                    ('current_name', models.CharField(blank=True, db_default='', default='', help_text="With the record that stands for the person: the name that staff recorded as today's.", max_length=300)),
                    ('other_homes', django.contrib.postgres.fields.ArrayField(base_field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=300), size=2), blank=True, db_default=[], default=list, help_text='The addresses, each with its postcode, that staff recorded and that are not hidden.', size=None)),
                    ('mother_born', models.DateField(blank=True, null=True, verbose_name="mother's date of birth")),
                    ('mother_first_name', models.CharField(blank=True, db_default='', default='', help_text='Of a baby: the mother whom the contact names. Two babies of one day are told apart by her.', max_length=100)),
                    ('other_numbers', django.contrib.postgres.fields.ArrayField(base_field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=300), size=4), blank=True, db_default=[], default=list, help_text='What staff recorded: nhs_number, upn or telephone; the number; its status, or ended; the day.', size=None)),
                ],
                options={
                    'verbose_name_plural': 'people',
                    'indexes': [models.Index(condition=models.Q(('same_as__isnull', False)), fields=['same_as'], name='person_of_same_as')],
                    'constraints': [models.CheckConstraint(condition=models.Q(('same_as__isnull', True), ('same_as__lt', models.F('id')), _connector='OR'), name='the_oldest_record_stands_for_a_person')],
                    'triggers': [pgtrigger.compiler.Trigger(name='a_person_stays_as_long_as_keys_lead_there', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF EXISTS (SELECT FROM public.casework_personkey WHERE person_id = OLD.id) THEN RAISE EXCEPTION 'A person by whose keys others are found cannot be deleted.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_person_stays_as_long_as_keys_lead_there'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='a13ffc826a8869176ded8f62bd744311007dd29d', operation='DELETE', pgid='pgtrigger_a_person_stays_as_long_as_keys_lead_there_9a86e', table='casework_person', when='BEFORE'))],
                },
            ),
            migrations.CreateModel(
                name='ClockPolicy',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.SlugField(db_index=False)),
                    ('effective_from', models.DateField(verbose_name='holds from')),
                    ('subject', models.CharField(choices=[('contact', 'Contact'), ('partner_request', 'Request to a partner'), ('handoff', 'Handoff'), ('case', 'Case')], max_length=20)),
                    ('starts_at', models.CharField(max_length=50, verbose_name='starts when')),
                    ('limit', models.PositiveSmallIntegerField()),
                    ('unit', models.CharField(choices=[('hour', 'Hours, day and night'), ('working_day', 'Working days'), ('week', 'Weeks'), ('month', 'Months')], max_length=20)),
                    ('ends', models.CharField(choices=[('same_time', 'At the same time of day'), ('end_of_day', 'At the end of the day')], max_length=20)),
                    ('warn_at_share', models.FloatField(verbose_name='warns after this share of the time')),
                    ('escalates_to', models.CharField(choices=[('front_door_manager', 'Front-door manager'), ('team_lead', 'Team lead'), ('service_manager', 'Service manager')], max_length=30)),
                    ('basis', models.TextField(help_text='Where the promise comes from. One that begins with "local" is the council\'s own.')),
                    ('may_pause', models.BooleanField(default=False, help_text="While a family's agreement is sought, on a contact that is not red.", verbose_name='may be paused')),
                ],
                options={
                    'verbose_name_plural': 'clock policies',
                    'ordering': ['kind', '-effective_from'],
                    'constraints': [models.UniqueConstraint(fields=('kind', 'effective_from'), name='a_clock_has_one_policy_from_a_day'), models.CheckConstraint(condition=models.Q(('limit__gte', 1), ('limit__lte', 10000)), name='a_clock_runs_for_at_least_one_unit'), models.CheckConstraint(condition=models.Q(('warn_at_share__gt', 0), ('warn_at_share__lt', 1)), name='a_clock_warns_between_its_start_and_its_end', violation_error_message='The share must lie between 0 and 1, as 0.75.'), models.CheckConstraint(condition=models.Q(('ends', 'end_of_day'), ('unit', 'hour'), _negated=True), name='hours_end_at_a_time', violation_error_message='Hours run day and night and end at a time of day.'), models.CheckConstraint(condition=models.Q(('may_pause', False), models.Q(('basis__startswith', 'local'), ('subject', 'contact'), models.Q(('unit', 'hour'), _negated=True)), _connector='OR'), name='only_local_promises_about_contacts_pause', violation_error_message='Only a local deadline about a contact can be paused, and none in hours.')],
                    'triggers': [pgtrigger.compiler.Trigger(name='a_policy_that_clocks_started_under_stays', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF EXISTS (SELECT FROM public.casework_clock WHERE policy_id = OLD.id) THEN RAISE EXCEPTION 'Clocks started under this policy: add one with a later day instead.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_policy_that_clocks_started_under_stays'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='e4783f6801dd628c20c1650ba973df197127f510', operation='UPDATE OR DELETE', pgid='pgtrigger_a_policy_that_clocks_started_under_stays_d07de', table='casework_clockpolicy', when='BEFORE')), pgtrigger.compiler.Trigger(name='a_change_makes_a_new_version', sql=pgtrigger.compiler.UpsertTriggerSql(func='\n            INSERT INTO public.localities_referenceversion ("table", version) VALUES (TG_TABLE_NAME, gen_random_uuid())\n            ON CONFLICT ("table") DO UPDATE SET version = excluded.version;\n            RETURN NULL;\n        ', hash='08d0371a2b71bfc2ba27aced03cf60ff02b49e97', level='STATEMENT', operation='INSERT OR UPDATE OR DELETE OR TRUNCATE', pgid='pgtrigger_a_change_makes_a_new_version_895f2', table='casework_clockpolicy', when='AFTER'))],
                },
            ),
            migrations.CreateModel(
                name='Recheck',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('at', models.DateTimeField()),
                    ('checked', models.PositiveIntegerField()),
                    ('differing', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), default=list, help_text='Recommendations that did not.', size=None)),
                ],
                options={
                    'ordering': ['-id'],
                    'triggers': [pgtrigger.compiler.Trigger(name='a_recheck_never_changes', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'What a re-check found is kept as it is.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_recheck_never_changes';", hash='af2a7119c8be0b9ff78573dc08ef3ddd73e664b0', operation='UPDATE OR DELETE', pgid='pgtrigger_a_recheck_never_changes_c2a10', table='casework_recheck', when='BEFORE')), pgtrigger.compiler.Trigger(name='a_recheck_never_changes_all', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'What a re-check found is kept as it is.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_recheck_never_changes_all';", hash='ce164086cbfe622c80bd91d759363bd9198351cf', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_a_recheck_never_changes_all_06ae5', table='casework_recheck', when='BEFORE'))],
                },
            ),
            migrations.CreateModel(
                name='Replay',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('edition', models.PositiveIntegerField(help_text='Of the rule set, when somebody asked for it.')),
                    ('first_day', models.DateField()),
                    ('last_day', models.DateField()),
                    ('asked_at', models.DateTimeField()),
                    ('started_at', models.DateTimeField(null=True)),
                    ('leased_until', models.DateTimeField(null=True)),
                    ('attempts', models.PositiveSmallIntegerField(default=0)),
                    ('contacts', models.PositiveIntegerField(help_text='How many there are in the period.', null=True)),
                    ('done', models.PositiveIntegerField(default=0)),
                    ('finished_at', models.DateTimeField(null=True)),
                    ('cancelled_at', models.DateTimeField(null=True)),
                    ('failed_at', models.DateTimeField(null=True)),
                    ('failure', models.TextField(blank=True)),
                    ('result', models.JSONField(null=True)),
                    ('asked_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('cancelled_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('rule_set', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='replays', to='triage.rulesetversion')),
                ],
                options={
                    'ordering': ['-id'],
                    'constraints': [models.CheckConstraint(condition=models.Q(('last_day__gte', models.F('first_day'))), name='a_replay_ends_after_it_begins'), models.CheckConstraint(condition=models.Q(models.Q(('finished_at__isnull', True), ('result__isnull', True)), models.Q(('cancelled_at__isnull', True), ('failed_at__isnull', True), ('finished_at__isnull', False), ('result__isnull', False)), _connector='OR'), name='a_finished_replay_and_no_other_has_a_result'), models.CheckConstraint(condition=models.Q(models.Q(('cancelled_at__isnull', True), ('cancelled_by__isnull', True)), models.Q(('cancelled_at__isnull', False), ('cancelled_by__isnull', False)), _connector='OR'), name='a_cancelled_replay_says_who'), models.CheckConstraint(condition=models.Q(models.Q(('failed_at__isnull', True), ('failure', '')), models.Q(('failed_at__isnull', False), models.Q(('failure', ''), _negated=True)), _connector='OR'), name='a_failed_replay_says_why'), models.UniqueConstraint(condition=models.Q(('finished_at__isnull', False), ('cancelled_at__isnull', False), ('failed_at__isnull', False), _connector='OR', _negated=True), fields=('rule_set',), name='a_rule_set_is_replayed_once_at_a_time')],
                    'triggers': [pgtrigger.compiler.Trigger(name='the_result_of_a_replay_is_kept', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF TG_OP = 'DELETE' OR OLD.finished_at IS NOT NULL OR OLD.cancelled_at IS NOT NULL THEN RAISE EXCEPTION 'The result of a replay is kept as it is.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'the_result_of_a_replay_is_kept'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='569da7b56701bd39b96f48e0a872237f75934c02', operation='UPDATE OR DELETE', pgid='pgtrigger_the_result_of_a_replay_is_kept_e76fe', table='casework_replay', when='BEFORE')), pgtrigger.compiler.Trigger(name='replays_are_never_emptied', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'Replays are kept.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'replays_are_never_emptied';", hash='88b54332dbccd7309c72415a5e421d6cfffeba4d', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_replays_are_never_emptied_60840', table='casework_replay', when='BEFORE'))],
                },
            ),
            migrations.CreateModel(
                name='ThresholdChecks',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('day', models.DateField()),
                    ('count', models.PositiveIntegerField()),
                    ('agency', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='localities.agency')),
                ],
                options={
                    'verbose_name': 'threshold checks',
                    'verbose_name_plural': 'threshold checks',
                    'ordering': ['-day'],
                    'constraints': [models.UniqueConstraint(fields=('agency', 'day'), name='checks_of_an_agency_are_counted_by_day')],
                },
            ),
            migrations.CreateModel(
                name='CalendarEdit',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('date', models.DateField()),
                    ('before', models.CharField(blank=True, choices=[('bank_holiday', 'Bank holiday: no clock counts it as a working day'), ('working_day', 'Working day after all: a bank holiday that was moved away'), ('closure', 'The council is closed: local clocks pause, statutory ones run on')], max_length=20)),
                    ('after', models.CharField(blank=True, choices=[('bank_holiday', 'Bank holiday: no clock counts it as a working day'), ('working_day', 'Working day after all: a bank holiday that was moved away'), ('closure', 'The council is closed: local clocks pause, statutory ones run on')], max_length=20)),
                    ('at', models.DateTimeField()),
                    ('looked_at', models.PositiveIntegerField(default=0, verbose_name='clocks looked at')),
                    ('up_to', models.BigIntegerField(default=0, verbose_name='clocks looked at up to this number')),
                    ('finished_at', models.DateTimeField(null=True)),
                    ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'ordering': ['-id'],
                    'indexes': [models.Index(condition=models.Q(('finished_at__isnull', True)), fields=['id'], name='calendar_edit_unfinished')],
                    'constraints': [models.CheckConstraint(condition=models.Q(('before', models.F('after')), _negated=True), name='an_edit_of_the_calendar_changes_a_day')],
                    'triggers': [pgtrigger.compiler.Trigger(name='an_edit_of_the_calendar_stays', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF TG_OP = 'DELETE' OR OLD.finished_at IS NOT NULL\n                   OR (NEW.date, NEW.before, NEW.after, NEW.at, NEW.by_id)\n                      IS DISTINCT FROM (OLD.date, OLD.before, OLD.after, OLD.at, OLD.by_id) THEN RAISE EXCEPTION 'What was changed in the calendar stays written down.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'an_edit_of_the_calendar_stays'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='31a12b9572f2e332c1a9d48155e795011b0d8784', operation='UPDATE OR DELETE', pgid='pgtrigger_an_edit_of_the_calendar_stays_1945f', table='casework_calendaredit', when='BEFORE')), pgtrigger.compiler.Trigger(name='edits_of_the_calendar_are_never_emptied', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'Edits of the calendar are never deleted.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'edits_of_the_calendar_are_never_emptied';", hash='e02c82bed29e8d4f76b58bf57e2178d4f503590e', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_edits_of_the_calendar_are_never_emptied_e89c6', table='casework_calendaredit', when='BEFORE'))],
                },
            ),
            migrations.CreateModel(
                name='RuleSetReason',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(choices=[('sent_back', 'Sent back'), ('called_off', 'Called off')], max_length=10)),
                    ('at', models.DateTimeField()),
                    ('reason', models.TextField()),
                    ('by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('rule_set', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reasons', to='triage.rulesetversion')),
                ],
                options={
                    'ordering': ['id'],
                    'constraints': [models.CheckConstraint(condition=models.Q(('reason__regex', '\\S')), name='a_rule_set_comes_back_for_a_reason')],
                    'triggers': [pgtrigger.compiler.Trigger(name='why_a_rule_set_came_back_stays', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'Why a rule set was sent back or called off stays as it was written.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'why_a_rule_set_came_back_stays';", hash='dbcbc8e89c4df79b6b479d5bfb1c87972c11693d', operation='UPDATE OR DELETE', pgid='pgtrigger_why_a_rule_set_came_back_stays_5b360', table='casework_rulesetreason', when='BEFORE')), pgtrigger.compiler.Trigger(name='why_a_rule_set_came_back_stays_all', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'Why a rule set was sent back or called off stays as it was written.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'why_a_rule_set_came_back_stays_all';", hash='c66e8977110a03f73b7c35afe9da789ec2d33afe', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_why_a_rule_set_came_back_stays_all_25603', table='casework_rulesetreason', when='BEFORE'))],
                },
            ),
            migrations.CreateModel(
                name='PersonDetail',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(choices=[('current_name', 'Current name'), ('former_name', 'Former name'), ('also_known_as', 'Also known as'), ('address', 'Address'), ('nhs_number', 'NHS number'), ('upn', 'Unique pupil number'), ('police', 'Police reference'), ('school', 'School reference'), ('own', 'Our own reference in another system'), ('telephone', 'Telephone'), ('email', 'Email'), ('relationship', 'Relationship'), ('death', 'Died'), ('estimated_birth', 'Estimated date of birth')], max_length=20)),
                    ('value', models.CharField(blank=True, max_length=300)),
                    ('postcode', models.CharField(blank=True, max_length=8)),
                    ('qualifier', models.CharField(blank=True, max_length=100)),
                    ('from_date', models.DateField(null=True)),
                    ('to_date', models.DateField(null=True)),
                    ('said_by', models.CharField(max_length=200)),
                    ('recorded_at', models.DateTimeField()),
                    ('ended_at', models.DateTimeField(null=True)),
                    ('ended_because', models.TextField(blank=True)),
                    ('ended_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('other', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='casework.person')),
                    ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='details', to='casework.person')),
                    ('recorded_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('in_error_at', models.DateTimeField(null=True)),
                    ('in_error_because', models.TextField(blank=True, db_default='', default='')),
                    ('in_error_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'ordering': ['kind', '-id'],
                    'constraints': [models.CheckConstraint(condition=models.Q(('value__regex', '\\S'), ('postcode__regex', '\\S'), models.Q(('from_date__isnull', False), ('kind__in', ['death', 'estimated_birth'])), models.Q(('kind', 'relationship'), ('other__isnull', False), ('qualifier__regex', '\\S')), _connector='OR'), name='a_detail_of_a_person_says_something'), models.CheckConstraint(condition=models.Q(('said_by__regex', '\\S')), name='a_detail_of_a_person_says_who_said_so'), models.CheckConstraint(condition=models.Q(('from_date__isnull', True), ('to_date__isnull', True), ('to_date__gte', models.F('from_date')), _connector='OR'), name='a_detail_of_a_person_ends_after_it_begins'), models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', True), ('ended_because', ''), ('ended_by__isnull', True)), models.Q(('ended_at__gte', models.F('recorded_at')), ('ended_at__isnull', False), ('ended_because__regex', '\\S'), ('ended_by__isnull', False)), _connector='OR'), name='a_detail_that_ended_says_who_when_and_why'), models.CheckConstraint(condition=models.Q(models.Q(('in_error_at__isnull', True), ('in_error_because', ''), ('in_error_by__isnull', True)), models.Q(('in_error_at__gte', models.F('recorded_at')), ('in_error_at__isnull', False), ('in_error_because__regex', '\\S'), ('in_error_by__isnull', False)), _connector='OR'), name='a_detail_in_error_says_who_when_and_why')],
                    'indexes': [models.Index(condition=models.Q(('other__isnull', False)), fields=['other'], name='detail_of_person_of_other'), models.Index(casework.models.person_details.Plain('value'), condition=models.Q(('in_error_at__isnull', True)), name='detail_of_person_by_value')],
                    'triggers': [pgtrigger.compiler.Trigger(name='details_of_people_are_never_emptied', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'What was said about people stays on record.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'details_of_people_are_never_emptied';", hash='94f3b0be0c46d255c202965c13b345e51c91d756', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_details_of_people_are_never_emptied_c075b', table='casework_persondetail', when='BEFORE')), pgtrigger.compiler.Trigger(name='a_detail_of_a_person_ends_once', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF TG_OP = 'DELETE' OR OLD.in_error_at IS NOT NULL\n                   OR (OLD.ended_at IS NOT NULL OR NEW.ended_at IS NULL)\n                   AND (to_jsonb(NEW) - ARRAY['in_error_at', 'in_error_by_id', 'in_error_because'])\n                       IS DISTINCT FROM (to_jsonb(OLD) - ARRAY['in_error_at', 'in_error_by_id', 'in_error_because'])\n                   OR OLD.to_date IS NOT NULL AND NEW.to_date IS DISTINCT FROM OLD.to_date\n                   OR (to_jsonb(NEW) - ARRAY['ended_at', 'ended_by_id', 'ended_because', 'to_date',\n                                             'in_error_at', 'in_error_by_id', 'in_error_because'])\n                      IS DISTINCT FROM\n                      (to_jsonb(OLD) - ARRAY['ended_at', 'ended_by_id', 'ended_because', 'to_date',\n                                             'in_error_at', 'in_error_by_id', 'in_error_because']) THEN RAISE EXCEPTION 'What was said about a person ends once, is in error once, and stays on record.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_detail_of_a_person_ends_once'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='1c008cd11af38a9dc09c69b749e1ff72290cbf31', operation='UPDATE OR DELETE', pgid='pgtrigger_a_detail_of_a_person_ends_once_7f461', table='casework_persondetail', when='BEFORE'))],
                },
            ),
            migrations.CreateModel(
                name='Restriction',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('reference', models.CharField(default=casework.references.new_restriction_reference, editable=False, max_length=13, unique=True)),
                    ('kind', models.CharField(choices=[('relative_of_staff', 'Relative of a member of staff'), ('adopted', 'Adopted child'), ('high_profile', 'High profile'), ('police_protection', 'Police protection'), ('other', 'Another reason')], max_length=20)),
                    ('reason', models.TextField()),
                    ('restricted_at', models.DateTimeField()),
                    ('lifted_at', models.DateTimeField(null=True)),
                    ('lift_reason', models.TextField(blank=True)),
                    ('lifted_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('owner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('person', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='casework.person')),
                    ('restricted_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'ordering': ['-id'],
                    'constraints': [models.UniqueConstraint(condition=models.Q(('lifted_at__isnull', True)), fields=('person',), name='a_record_is_restricted_once_at_a_time'), models.CheckConstraint(condition=models.Q(('kind__in', ['relative_of_staff', 'adopted', 'high_profile', 'police_protection', 'other'])), name='a_restriction_is_of_a_known_kind'), models.CheckConstraint(condition=models.Q(('reason__regex', '\\S')), name='a_restriction_has_a_reason'), models.CheckConstraint(condition=models.Q(models.Q(('lift_reason', ''), ('lifted_at__isnull', True), ('lifted_by__isnull', True)), models.Q(('lift_reason__regex', '\\S'), ('lifted_at__gte', models.F('restricted_at')), ('lifted_at__isnull', False), ('lifted_by__isnull', False)), _connector='OR'), name='a_lifted_restriction_says_who_when_and_why')],
                    'triggers': [pgtrigger.compiler.Trigger(name='a_restriction_stays', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'A restriction is lifted, never deleted.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_restriction_stays';", hash='8124c0e1e83f1d3b31e7c284e54d0edc775d8552', operation='DELETE', pgid='pgtrigger_a_restriction_stays_973c3', table='casework_restriction', when='BEFORE')), pgtrigger.compiler.Trigger(name='a_restriction_stays_all', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'A restriction is lifted, never deleted.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_restriction_stays_all';", hash='eaee360a8d7b349521a2bf3fb783df451da78885', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_a_restriction_stays_all_b14ee', table='casework_restriction', when='BEFORE')), pgtrigger.compiler.Trigger(name='a_restriction_is_lifted_once', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF OLD.lifted_at IS NOT NULL OR (\n                       NEW.reference, NEW.person_id, NEW.kind, NEW.reason, NEW.restricted_at, NEW.restricted_by_id\n                   ) IS DISTINCT FROM (\n                       OLD.reference, OLD.person_id, OLD.kind, OLD.reason, OLD.restricted_at, OLD.restricted_by_id\n                   ) THEN RAISE EXCEPTION 'A restriction stays as it was made, and is lifted once.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_restriction_is_lifted_once'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='1f282c27249efd5ade9dad2dbc68847fd421d944', operation='UPDATE', pgid='pgtrigger_a_restriction_is_lifted_once_3591e', table='casework_restriction', when='BEFORE'))],
                },
            ),
            migrations.CreateModel(
                name='PersonKey',
                fields=[
                    ('pk', models.CompositePrimaryKey('key', 'person_id', blank=True, editable=False, primary_key=True, serialize=False)),
                    ('key', models.BigIntegerField()),
                    ('person', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='casework.person')),
                ],
                options={
                    'verbose_name_plural': 'person keys',
                    'triggers': [pgtrigger.compiler.Trigger(name='a_key_is_of_a_person_on_record', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF EXISTS (SELECT FROM (SELECT DISTINCT person_id FROM added) those\n                   WHERE NOT EXISTS (SELECT FROM public.casework_person WHERE id = those.person_id)) THEN RAISE EXCEPTION 'There is no such person.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_key_is_of_a_person_on_record'; END IF; RETURN NULL;", hash='c273678013919608828523cbc103acaf5a506290', level='STATEMENT', operation='INSERT', pgid='pgtrigger_a_key_is_of_a_person_on_record_b74fc', referencing='REFERENCING NEW TABLE AS added ', table='casework_personkey', when='AFTER')), pgtrigger.compiler.Trigger(name='a_key_stays_as_it_is', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'A key is kept or taken away. It never changes.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_key_stays_as_it_is';", hash='8f2e63d1aedfb4ebfa8b6391d01e250fc643b1ae', operation='UPDATE', pgid='pgtrigger_a_key_stays_as_it_is_2bf1b', table='casework_personkey', when='BEFORE'))],
                },
            ),
            migrations.CreateModel(
                name='HidingToCheck',
                fields=[
                    ('person', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='+', serialize=False, to='casework.person')),
                ],
                options={
                    'verbose_name_plural': 'hiding to check',
                    'ordering': ['person'],
                },
            ),
            migrations.CreateModel(
                name='Contact',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('reference', models.CharField(default=casework.references.new_contact_reference, editable=False, max_length=13, unique=True)),
                    ('channel', models.CharField(choices=[('api', "A partner's system"), ('web', 'Typed at the front door')], max_length=3)),
                    ('received_at', models.DateTimeField()),
                    ('idempotency_key', models.CharField(max_length=255, null=True)),
                    ('digest', models.CharField(max_length=64, verbose_name='SHA-256 of the document')),
                    ('document', models.JSONField()),
                    ('type', models.CharField(choices=[('safeguarding_concern', 'A safeguarding concern'), ('request_for_help', 'A request for early help or family help'), ('notification', 'A notification or information'), ('request_for_information', 'A request for information')], max_length=30)),
                    ('source_code', models.CharField(choices=[('1A', 'Family member, relative or carer'), ('1B', 'Acquaintance, including neighbours and child minders'), ('1C', 'Self'), ('1D', 'Other individual, including strangers'), ('2A', 'Schools'), ('2B', 'Education services'), ('3A', 'General practitioner (GP)'), ('3B', 'Health visitor'), ('3C', 'School nurse'), ('3D', 'Other primary health services'), ('3E', 'Accident and emergency department'), ('3F', 'Other health services, for example a hospice'), ('4', 'Housing: local authority or housing association'), ('5A', "Local authority: social care, for example adults' social care"), ('5B', 'Local authority: other internal department'), ('5C', 'Local authority: another council'), ('5D', 'Local authority: early help'), ('6', 'Police'), ('7', 'Other legal agency: courts, probation, immigration, CAFCASS, prison'), ('8', "Other, including children's centres, independent providers and the voluntary sector"), ('9', 'Anonymous'), ('10', 'Unknown')], max_length=2)),
                    ('received_by_phone', models.BooleanField()),
                    ('immediate_danger', models.BooleanField(null=True)),
                    ('referrer_level', models.PositiveSmallIntegerField(null=True)),
                    ('referrer_email', models.EmailField(blank=True, max_length=254)),
                    ('family_indicators', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=10), default=list, size=None)),
                    ('dash', models.CharField(blank=True, choices=[('standard', 'Standard'), ('medium', 'Medium'), ('high', 'High')], max_length=10)),
                    ('marac', models.BooleanField(null=True)),
                    ('sibling_on_cp_plan', models.BooleanField(null=True)),
                    ('agreement', models.CharField(choices=[('given', 'Given'), ('not_sought', 'Not sought'), ('refused', 'Refused'), ('withdrawn', 'Withdrawn')], max_length=10, verbose_name='agreement to a voluntary service')),
                    ('agreement_given_by', models.CharField(blank=True, max_length=100)),
                    ('agreement_on', models.DateField(null=True)),
                    ('parents_told', models.CharField(choices=[('yes', 'Yes'), ('no', 'No'), ('unsafe', 'No: it would not be safe'), ('not_known', 'Not known')], max_length=10)),
                    ('parents_told_reason', models.TextField(blank=True)),
                    ('sharing_basis', models.CharField(blank=True, choices=[('public_task', 'Public task'), ('legal_obligation', 'Legal obligation'), ('vital_interests', 'Vital interests'), ('consent', 'Consent'), ('other', 'Another basis')], max_length=20)),
                    ('status', models.CharField(choices=[('received', 'Waiting for a decision'), ('sign_off', 'Waiting for a second person'), ('decided', 'Decided')], default='received', max_length=10)),
                    ('rag', models.CharField(blank=True, choices=[('red', 'Red'), ('amber', 'Amber'), ('green', 'Green'), ('blue', 'Blue')], max_length=5)),
                    ('acknowledged_at', models.DateTimeField(null=True)),
                    ('confirmed_in_writing_at', models.DateTimeField(null=True)),
                    ('feedback_given_at', models.DateTimeField(null=True)),
                    ('agency', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='contacts', to='localities.agency')),
                    ('entered_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('team', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='contacts', to='localities.team')),
                    ('screened_at', models.DateTimeField(null=True)),
                    ('screened_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('screened_family_indicators', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=10), db_default=[], default=list, size=None)),
                    ('has_unknown_indicators', models.BooleanField(db_default=False, default=False, verbose_name='the referrer chose indicators that the rules do not know')),
                    ('agency_reference', models.CharField(blank=True, db_default='', default='', max_length=100, verbose_name="the sender's own reference")),
                    ('resend_of', models.ForeignKey(db_index=False, help_text='The contact that this one repeats. It does not count as another.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='resends', to='casework.contact')),
                    ('corrected_family_indicators', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=10), help_text='What the referrer says today; null if as it was sent.', null=True, size=None)),
                    ('case', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='contacts', to='casework.case')),
                    ('decision_in_effect', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='casework.decision')),
                    ('recommendation', models.OneToOneField(help_text='The latest.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='casework.recommendation')),
                    ('said_digest', models.CharField(db_default='', default='', max_length=64, verbose_name='SHA-256 of what the document says, however it is typed')),
                    ('owner', models.ForeignKey(db_index=False, help_text='Who at the front door sees to it. Deciding is open to others too.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('arrived_at', models.DateTimeField(help_text='When it arrived at the front door, where it was typed in later. Its deadlines start then.', null=True)),
                ],
                options={
                    'ordering': ['-received_at', '-id'],
                    'indexes': [models.Index(condition=models.Q(('status', 'decided'), _negated=True), fields=['team', 'received_at'], name='contact_waiting'), models.Index(fields=['received_at'], name='contact_by_receipt'), models.Index(condition=models.Q(('agency_reference', ''), _negated=True), fields=['agency', 'agency_reference'], name='contact_by_own_reference'), models.Index(condition=models.Q(('resend_of__isnull', False)), fields=['resend_of'], name='contact_by_resend'), models.Index(fields=['said_digest'], name='contact_by_said_digest')],
                    'constraints': [models.UniqueConstraint(fields=('agency', 'idempotency_key'), name='an_agency_uses_an_idempotency_key_once'), models.UniqueConstraint(fields=('entered_by', 'idempotency_key'), name='a_form_is_sent_in_once'), models.CheckConstraint(condition=models.Q(models.Q(('agency__isnull', False), ('channel', 'api')), models.Q(('channel', 'web'), ('entered_by__isnull', False)), _connector='OR'), name='a_contact_says_who_brought_it_in'), models.CheckConstraint(condition=models.Q(('status__in', ['received', 'sign_off', 'decided'])), name='a_contact_has_a_known_status'), models.CheckConstraint(condition=models.Q(models.Q(('screened_at__isnull', True), ('screened_by__isnull', True), ('screened_family_indicators', [])), models.Q(('screened_at__isnull', False), ('screened_by__isnull', False)), _connector='OR'), name='a_screened_contact_says_who_and_when'), models.CheckConstraint(condition=models.Q(('resend_of__isnull', True), ('resend_of__lt', models.F('id')), _connector='OR'), name='a_resend_repeats_an_earlier_contact'), models.CheckConstraint(condition=models.Q(models.Q(('decision_in_effect__isnull', False), ('status', 'decided')), models.Q(models.Q(('status', 'decided'), _negated=True), ('decision_in_effect__isnull', True)), _connector='OR'), name='a_decided_contact_and_no_other_has_a_decision_in_effect'), models.CheckConstraint(condition=models.Q(('arrived_at__isnull', True), models.Q(('arrived_at__lt', models.F('received_at')), ('channel', 'web')), _connector='OR'), name='what_is_typed_in_later_arrived_before')],
                    'triggers': [pgtrigger.compiler.Trigger(name='a_decision_in_effect_stays', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF OLD.decision_in_effect_id IS NOT NULL\n                   AND NEW.decision_in_effect_id IS DISTINCT FROM OLD.decision_in_effect_id THEN RAISE EXCEPTION 'A decision that took effect stays.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_decision_in_effect_stays'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='b6a87912414d135dd4012100f97bea258d0dd335', operation='UPDATE', pgid='pgtrigger_a_decision_in_effect_stays_4f774', table='casework_contact', when='BEFORE')), pgtrigger.compiler.Trigger(name='a_recommendation_is_about_its_own_contact', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF NEW.recommendation_id IS NOT NULL AND NOT EXISTS (\n                       SELECT FROM public.casework_recommendation\n                       WHERE id = NEW.recommendation_id AND contact_id = NEW.id\n                   ) THEN RAISE EXCEPTION 'The recommendation is about another contact.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_recommendation_is_about_its_own_contact'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='7c6820ce6b0b2a3be76d72bc3a9cefa34296cb12', operation='INSERT OR UPDATE', pgid='pgtrigger_a_recommendation_is_about_its_own_contact_6e247', table='casework_contact', when='BEFORE')), pgtrigger.compiler.Trigger(name='contacts_are_never_emptied', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'Contacts are never deleted.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'contacts_are_never_emptied';", hash='e376333cef8ca0c73838329e67041c41cbac3e4d', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_contacts_are_never_emptied_86a77', table='casework_contact', when='BEFORE')), pgtrigger.compiler.Trigger(name='a_screened_contact_stays_screened', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF OLD.screened_at IS NOT NULL AND NEW.screened_at IS NULL THEN RAISE EXCEPTION 'A contact that somebody screened stays screened. Screen it again instead.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_screened_contact_stays_screened'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='97f160cbeba555401cf5093691eb34e80412b7ec', operation='UPDATE', pgid='pgtrigger_a_screened_contact_stays_screened_86041', table='casework_contact', when='BEFORE')), pgtrigger.compiler.Trigger(name='a_decision_is_about_its_own_contact', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (NEW.decision_in_effect_id IS NOT NULL)', func="IF NOT EXISTS (\n                       SELECT FROM public.casework_decision WHERE id = NEW.decision_in_effect_id AND contact_id = NEW.id\n                   ) THEN RAISE EXCEPTION 'The decision is about another contact.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_decision_is_about_its_own_contact'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='54314a37c24dd20ab7b78d22981075995d82dc22', operation='INSERT OR UPDATE', pgid='pgtrigger_a_decision_is_about_its_own_contact_eefce', table='casework_contact', when='BEFORE')), pgtrigger.compiler.Trigger(name='a_decision_needs_its_sign_off_to_take_effect', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (NEW.decision_in_effect_id IS NOT NULL)', func="IF EXISTS (\n        SELECT FROM public.casework_decision\n        WHERE id = NEW.decision_in_effect_id AND needs_sign_off AND NOT EXISTS (\n            SELECT FROM public.casework_signoff WHERE decision_id = NEW.decision_in_effect_id AND agreed\n        )\n    ) THEN RAISE EXCEPTION 'This decision takes effect only when a second person agrees.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_decision_needs_its_sign_off_to_take_effect'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='b236756b80ff81d44fc375bbfeb87368f9f64978', operation='INSERT OR UPDATE', pgid='pgtrigger_a_decision_needs_its_sign_off_to_take_effect_0eb51', table='casework_contact', when='BEFORE')), pgtrigger.compiler.Trigger(name='what_was_sent_stays_as_it_was_sent', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF TG_OP = 'DELETE' OR (\n                       NEW.reference, NEW.document, NEW.received_at, NEW.agency_id, NEW.entered_by_id, NEW.channel,\n                       NEW.idempotency_key, NEW.digest, NEW.family_indicators, NEW.type, NEW.source_code,\n                       NEW.received_by_phone, NEW.agency_reference, NEW.said_digest, NEW.arrived_at\n                   ) IS DISTINCT FROM (\n                       OLD.reference, OLD.document, OLD.received_at, OLD.agency_id, OLD.entered_by_id, OLD.channel,\n                       OLD.idempotency_key, OLD.digest, OLD.family_indicators, OLD.type, OLD.source_code,\n                       OLD.received_by_phone, OLD.agency_reference, OLD.said_digest, OLD.arrived_at\n                   ) THEN RAISE EXCEPTION 'What was sent stays as it was sent, and a contact is never deleted.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'what_was_sent_stays_as_it_was_sent'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='c8b3230cd4e8782ad36c833951d1417d8c5f261a', operation='UPDATE OR DELETE', pgid='pgtrigger_what_was_sent_stays_as_it_was_sent_9d374', table='casework_contact', when='BEFORE'))],
                },
            ),
            migrations.CreateModel(
                name='ContactAdult',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('position', models.PositiveSmallIntegerField()),
                    ('relationship', models.CharField(blank=True, max_length=100)),
                    ('same_address', models.BooleanField(null=True)),
                    ('contact', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='adults', to='casework.contact')),
                    ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='contact_adults', to='casework.person')),
                    ('recorded_as', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='casework.person')),
                    ('in_family', models.BooleanField(db_default=True, default=True, verbose_name='belongs to this family')),
                ],
                options={
                    'ordering': ['position'],
                    'constraints': [models.UniqueConstraint(fields=('contact', 'position'), name='adults_of_a_contact_have_their_places')],
                    'triggers': [pgtrigger.compiler.Trigger(name='an_adult_of_a_contact_stays', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'An adult on a contact stays on it.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'an_adult_of_a_contact_stays';", hash='e9cc0a513580cb8f7f5ec76a6e0b7751321b2a24', operation='DELETE', pgid='pgtrigger_an_adult_of_a_contact_stays_eb85f', table='casework_contactadult', when='BEFORE')), pgtrigger.compiler.Trigger(name='an_adult_of_a_contact_stays_all', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'An adult on a contact stays on it.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'an_adult_of_a_contact_stays_all';", hash='af6ecc86fa23254e8a305450784d7e3e701b01fd', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_an_adult_of_a_contact_stays_all_a5970', table='casework_contactadult', when='BEFORE')), pgtrigger.compiler.Trigger(name='an_adults_own_record_stays', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF (NEW.contact_id, NEW.position, NEW.recorded_as_id)\n           IS DISTINCT FROM (OLD.contact_id, OLD.position, OLD.recorded_as_id) THEN RAISE EXCEPTION 'Somebody on a contact keeps their place on it, and the record that was made for them.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'an_adults_own_record_stays'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='d5d07736df7d3e8f7507711410c4d86f9a754da8', operation='UPDATE', pgid='pgtrigger_an_adults_own_record_stays_32dbd', table='casework_contactadult', when='BEFORE'))],
                },
            ),
            migrations.CreateModel(
                name='ContactChild',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('position', models.PositiveSmallIntegerField()),
                    ('ref', models.CharField(max_length=50)),
                    ('first_name', models.CharField(blank=True, max_length=100)),
                    ('last_name', models.CharField(blank=True, max_length=100)),
                    ('also_known_as', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=100), default=list, size=None)),
                    ('date_of_birth', models.DateField(null=True)),
                    ('expected_date_of_delivery', models.DateField(null=True)),
                    ('sex', models.CharField(choices=[('M', 'Male'), ('F', 'Female'), ('U', 'Unknown')], default='U', max_length=1)),
                    ('ethnicity', models.CharField(blank=True, choices=[('WBRI', 'White British'), ('WIRI', 'White Irish'), ('WIRT', 'Traveller of Irish heritage'), ('WOTH', 'Any other White background'), ('WROM', 'Gypsy or Roma'), ('MWBC', 'White and Black Caribbean'), ('MWBA', 'White and Black African'), ('MWAS', 'White and Asian'), ('MOTH', 'Any other mixed background'), ('AIND', 'Indian'), ('APKN', 'Pakistani'), ('ABAN', 'Bangladeshi'), ('AOTH', 'Any other Asian background'), ('BCRB', 'Caribbean'), ('BAFR', 'African'), ('BOTH', 'Any other Black background'), ('CHNE', 'Chinese'), ('OOTH', 'Any other ethnic group'), ('REFU', 'Refused'), ('NOBT', 'Not yet obtained')], max_length=4)),
                    ('disabled', models.BooleanField(null=True)),
                    ('non_verbal', models.BooleanField(null=True)),
                    ('nhs_number', models.CharField(blank=True, max_length=10, verbose_name='NHS number')),
                    ('postcode', models.CharField(blank=True, max_length=8)),
                    ('address_is_confidential', models.BooleanField(default=False, help_text='Today, whoever said so. `families/confidentiality.py` keeps it up to date.')),
                    ('indicators', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=10), default=list, size=None)),
                    ('contact', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='children', to='casework.contact')),
                    ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='contact_children', to='casework.person')),
                    ('screened_indicators', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=10), db_default=[], default=list, size=None)),
                    ('age_years', models.PositiveSmallIntegerField(null=True, verbose_name='age in years when the contact came')),
                    ('date_of_birth_estimated', models.BooleanField(db_default=False, default=False)),
                    ('recorded_as', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='casework.person')),
                    ('corrected_indicators', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=10), help_text='What the referrer says today; null if as it was sent.', null=True, size=None)),
                    ('in_family', models.BooleanField(db_default=True, default=True, verbose_name='belongs to this family')),
                ],
                options={
                    'verbose_name_plural': 'contact children',
                    'ordering': ['position'],
                    'indexes': [models.Index(condition=models.Q(('date_of_birth__isnull', True), ('expected_date_of_delivery__isnull', False)), fields=['expected_date_of_delivery'], name='child_unborn'), models.Index(condition=models.Q(('address_is_confidential', True)), fields=['postcode'], name='child_in_hiding')],
                    'constraints': [models.UniqueConstraint(fields=('contact', 'position'), name='children_of_a_contact_have_their_places'), models.UniqueConstraint(fields=('contact', 'person'), name='a_person_is_one_child_of_a_contact')],
                    'triggers': [pgtrigger.compiler.Trigger(name='a_child_of_a_contact_stays', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'A child on a contact stays on it.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_child_of_a_contact_stays';", hash='f9f6152ca925da005070d1f722a1c0040fbd3512', operation='DELETE', pgid='pgtrigger_a_child_of_a_contact_stays_802b6', table='casework_contactchild', when='BEFORE')), pgtrigger.compiler.Trigger(name='a_child_of_a_contact_stays_all', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'A child on a contact stays on it.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_child_of_a_contact_stays_all';", hash='7b4dd6fa6773f230208a43c64a279d1887f6c1fc', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_a_child_of_a_contact_stays_all_29615', table='casework_contactchild', when='BEFORE')), pgtrigger.compiler.Trigger(name='what_a_referrer_chose_for_a_child_stays', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF NEW.indicators IS DISTINCT FROM OLD.indicators THEN RAISE EXCEPTION 'What the referrer chose for a child stays. Screening stands beside it.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'what_a_referrer_chose_for_a_child_stays'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='fa01933a0e67e0d6a2045de4cd3571ece7171dd9', operation='UPDATE', pgid='pgtrigger_what_a_referrer_chose_for_a_child_stays_28da9', table='casework_contactchild', when='BEFORE')), pgtrigger.compiler.Trigger(name='a_childs_own_record_stays', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF (NEW.contact_id, NEW.position, NEW.recorded_as_id)\n           IS DISTINCT FROM (OLD.contact_id, OLD.position, OLD.recorded_as_id) THEN RAISE EXCEPTION 'Somebody on a contact keeps their place on it, and the record that was made for them.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_childs_own_record_stays'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='e7092da357b24d99c52fd6184c6e8a2fa5b65ac6', operation='UPDATE', pgid='pgtrigger_a_childs_own_record_stays_b1fe3', table='casework_contactchild', when='BEFORE'))],
                },
            ),
            migrations.CreateModel(
                name='PersonMatch',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('score', models.FloatField(help_text='How likely they are the same, from 0 to 1.')),
                    ('status', models.CharField(choices=[('proposed', 'To be looked at'), ('certain', 'The same person, by what was sent'), ('confirmed', 'The same person'), ('rejected', 'Somebody else')], default='proposed', max_length=10)),
                    ('settled_at', models.DateTimeField(null=True)),
                    ('child', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='matches', to='casework.contactchild')),
                    ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='casework.person')),
                    ('settled_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('adult', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='matches', to='casework.contactadult')),
                    ('reasons', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=200), db_default=[], default=list, size=None)),
                    ('weights', models.CharField(blank=True, db_default='', default='', max_length=50, verbose_name='version of the weights')),
                    ('record', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='casework.person')),
                ],
                options={
                    'verbose_name_plural': 'person matches',
                    'ordering': ['-score', 'id'],
                    'constraints': [models.UniqueConstraint(fields=('record', 'person'), name='a_likeness_is_proposed_once'), models.CheckConstraint(condition=models.Q(models.Q(('adult__isnull', True), ('child__isnull', False)), models.Q(('adult__isnull', False), ('child__isnull', True)), _connector='OR'), name='a_likeness_is_of_a_child_or_an_adult'), models.CheckConstraint(condition=models.Q(('record', models.F('person')), _negated=True), name='a_likeness_is_of_two_records'), models.CheckConstraint(condition=models.Q(('score__gte', 0), ('score__lte', 1)), name='a_likeness_is_from_0_to_1'), models.CheckConstraint(condition=models.Q(models.Q(('settled_at__isnull', True), ('settled_by__isnull', True), ('status', 'proposed')), models.Q(('settled_at__isnull', False), ('settled_by__isnull', True), ('status', 'certain')), models.Q(('settled_at__isnull', False), ('settled_by__isnull', False), ('status__in', ['confirmed', 'rejected'])), _connector='OR'), name='a_settled_likeness_says_who_and_when')],
                    'triggers': [pgtrigger.compiler.Trigger(name='a_likeness_stays', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'A likeness is settled, never taken away.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_likeness_stays';", hash='db06cf27eeffc4739e3666de1e02d6d3e94abfa6', operation='DELETE', pgid='pgtrigger_a_likeness_stays_f68bf', table='casework_personmatch', when='BEFORE')), pgtrigger.compiler.Trigger(name='a_likeness_stays_all', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'A likeness is settled, never taken away.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_likeness_stays_all';", hash='eacda7afab701a8b59988f928b762abe2fb131f5', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_a_likeness_stays_all_947df', table='casework_personmatch', when='BEFORE')), pgtrigger.compiler.Trigger(name='a_likeness_stays_between_the_same_two', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF (NEW.child_id, NEW.adult_id, NEW.record_id, NEW.person_id)\n                   IS DISTINCT FROM (OLD.child_id, OLD.adult_id, OLD.record_id, OLD.person_id) THEN RAISE EXCEPTION 'A likeness is between the same two records for ever.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_likeness_stays_between_the_same_two'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='36d46a75b2fc8914be06095887cd2193c846a4d2', operation='UPDATE', pgid='pgtrigger_a_likeness_stays_between_the_same_two_d1217', table='casework_personmatch', when='BEFORE'))],
                    'indexes': [models.Index(condition=models.Q(('score__gte', 0.5), ('status', 'proposed')), fields=['record'], name='open_likeness_of_record'), models.Index(condition=models.Q(('score__gte', 0.5), ('status', 'proposed')), fields=['person'], name='open_likeness_of_person')],
                },
            ),
            migrations.CreateModel(
                name='Recommendation',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('made_at', models.DateTimeField()),
                    ('facts', models.JSONField()),
                    ('result', models.JSONField()),
                    ('pathway', models.CharField(max_length=50)),
                    ('rag', models.CharField(choices=[('red', 'Red'), ('amber', 'Amber'), ('green', 'Green'), ('blue', 'Blue')], max_length=5)),
                    ('level', models.PositiveSmallIntegerField()),
                    ('hold', models.CharField(blank=True, max_length=20)),
                    ('contact', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='recommendations', to='casework.contact')),
                    ('rule_set', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='triage.rulesetversion')),
                    ('rules', models.GeneratedField(db_persist=True, expression=models.Func(models.F('result'), models.Value('$.reasons[*].rule'), function='jsonb_path_query_array'), output_field=models.JSONField())),
                ],
                options={
                    'ordering': ['id'],
                    'triggers': [pgtrigger.compiler.Trigger(name='a_recommendation_never_changes', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'A recommendation never changes.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_recommendation_never_changes';", hash='7bc39255e67673c257ce13bd247c77b58bfc286e', operation='UPDATE OR DELETE', pgid='pgtrigger_a_recommendation_never_changes_242fc', table='casework_recommendation', when='BEFORE')), pgtrigger.compiler.Trigger(name='a_recommendation_never_changes_all', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'A recommendation never changes.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_recommendation_never_changes_all';", hash='f5546351491ea3267b1d0697340895c92b39a441', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_a_recommendation_never_changes_all_fc1af', table='casework_recommendation', when='BEFORE'))],
                },
            ),
            migrations.CreateModel(
                name='Decision',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('decided_at', models.DateTimeField()),
                    ('pathway', models.CharField(max_length=50)),
                    ('level', models.PositiveSmallIntegerField()),
                    ('rag', models.CharField(choices=[('red', 'Red'), ('amber', 'Amber'), ('green', 'Green'), ('blue', 'Blue')], max_length=5)),
                    ('overrides', models.BooleanField(help_text='It differs from the recommendation.')),
                    ('rationale', models.TextField()),
                    ('needs_sign_off', models.BooleanField()),
                    ('sign_off_reasons', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None)),
                    ('chosen_team_reason', models.TextField(blank=True)),
                    ('chosen_team', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='localities.team')),
                    ('contact', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='decisions', to='casework.contact')),
                    ('decided_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('recommendation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='decisions', to='casework.recommendation')),
                    ('answers_follow', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), db_default=[], default=list, help_text='The questions to partners whose answers are passed on after the decision; all others end with it.', size=None)),
                    ('chosen_case', models.ForeignKey(db_index=False, help_text='Of several open cases of the family, the one that the contact belongs to.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='casework.case')),
                    ('history', models.TextField(blank=True, db_default='', default='')),
                ],
                options={
                    'ordering': ['id'],
                    'constraints': [models.CheckConstraint(condition=models.Q(('rationale__regex', '\\S')), name='a_decision_has_a_rationale'), models.CheckConstraint(condition=models.Q(('level__gte', 1), ('level__lte', 4)), name='a_decision_is_at_level_1_2_3_or_4'), models.CheckConstraint(condition=models.Q(('chosen_team__isnull', True), ('chosen_team_reason__regex', '\\S'), _connector='OR'), name='a_team_is_chosen_for_a_reason')],
                    'triggers': [pgtrigger.compiler.Trigger(name='a_decision_never_changes', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'A decision never changes: decide again.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_decision_never_changes';", hash='fab36f348c9598669f721452ee48fe3e7bb6642d', operation='UPDATE OR DELETE', pgid='pgtrigger_a_decision_never_changes_54e51', table='casework_decision', when='BEFORE')), pgtrigger.compiler.Trigger(name='a_decision_never_changes_all', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'A decision never changes: decide again.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_decision_never_changes_all';", hash='4ab7d0a0ed8eab38871fa11727e5aa07aa2c24fb', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_a_decision_never_changes_all_efe45', table='casework_decision', when='BEFORE')), pgtrigger.compiler.Trigger(name='what_waits_for_screening_is_not_decided', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF EXISTS (\n                       SELECT FROM public.casework_recommendation r\n                       JOIN public.casework_contact c ON c.id = r.contact_id\n                       WHERE r.id = NEW.recommendation_id AND r.hold = 'screening' AND c.screened_at IS NULL\n                   ) THEN RAISE EXCEPTION 'Nothing is decided on this contact until somebody has screened it.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'what_waits_for_screening_is_not_decided'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='ed7c7b4fe525f2691b5b7961506a5ac20b602c99', operation='INSERT', pgid='pgtrigger_what_waits_for_screening_is_not_decided_12728', table='casework_decision', when='BEFORE'))],
                    'indexes': [models.Index(fields=['decided_at'], name='decision_by_moment')],
                },
            ),
            migrations.CreateModel(
                name='SignOff',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('at', models.DateTimeField()),
                    ('agreed', models.BooleanField()),
                    ('rationale', models.TextField()),
                    ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('decision', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='sign_off', to='casework.decision')),
                ],
                options={
                    'constraints': [models.CheckConstraint(condition=models.Q(('rationale__regex', '\\S')), name='a_sign_off_has_a_rationale')],
                    'triggers': [pgtrigger.compiler.Trigger(name='a_sign_off_never_changes', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'A sign-off never changes.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_sign_off_never_changes';", hash='61ff6da0f89d28accdada886ea09262ae45365a2', operation='UPDATE OR DELETE', pgid='pgtrigger_a_sign_off_never_changes_06e26', table='casework_signoff', when='BEFORE')), pgtrigger.compiler.Trigger(name='a_sign_off_never_changes_all', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'A sign-off never changes.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_sign_off_never_changes_all';", hash='3c7520ff5afc7370120a922e9967083943673366', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_a_sign_off_never_changes_all_23cbd', table='casework_signoff', when='BEFORE')), pgtrigger.compiler.Trigger(name='the_second_person_is_another_person', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF EXISTS (\n                       SELECT FROM public.casework_decision WHERE id = NEW.decision_id AND decided_by_id = NEW.by_id\n                   ) THEN RAISE EXCEPTION 'The second person must be another person.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'the_second_person_is_another_person'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='b6cf6f1077d25f1dd7f04e3847575126af24567e', operation='INSERT', pgid='pgtrigger_the_second_person_is_another_person_380bb', table='casework_signoff', when='BEFORE')), pgtrigger.compiler.Trigger(name='what_was_overtaken_is_not_agreed_to', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF NEW.agreed AND EXISTS (\n                       SELECT FROM public.casework_decision d JOIN public.casework_contact c ON c.id = d.contact_id\n                       WHERE d.id = NEW.decision_id AND d.recommendation_id IS DISTINCT FROM c.recommendation_id\n                   ) THEN RAISE EXCEPTION 'More is known since this was decided: it is decided again.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'what_was_overtaken_is_not_agreed_to'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='ad911a17b43fc2c3cd8bf4893968bb426df5e7c4', operation='INSERT', pgid='pgtrigger_what_was_overtaken_is_not_agreed_to_141fc', table='casework_signoff', when='BEFORE'))],
                    'indexes': [models.Index(fields=['at'], name='sign_off_by_moment')],
                },
            ),
            migrations.CreateModel(
                name='ReplayedContact',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('before_pathway', models.CharField(max_length=50)),
                    ('before_rag', models.CharField(choices=[('red', 'Red'), ('amber', 'Amber'), ('green', 'Green'), ('blue', 'Blue')], max_length=5)),
                    ('before_level', models.PositiveSmallIntegerField()),
                    ('before_hold', models.CharField(blank=True, max_length=20)),
                    ('before_team', models.CharField(blank=True, max_length=50)),
                    ('after_pathway', models.CharField(max_length=50)),
                    ('after_rag', models.CharField(choices=[('red', 'Red'), ('amber', 'Amber'), ('green', 'Green'), ('blue', 'Blue')], max_length=5)),
                    ('after_level', models.PositiveSmallIntegerField()),
                    ('after_hold', models.CharField(blank=True, max_length=20)),
                    ('after_team', models.CharField(blank=True, max_length=50)),
                    ('decided_pathway', models.CharField(blank=True, max_length=50)),
                    ('decided_rag', models.CharField(blank=True, choices=[('red', 'Red'), ('amber', 'Amber'), ('green', 'Green'), ('blue', 'Blue')], max_length=5)),
                    ('direction', models.CharField(blank=True, choices=[('up', 'up'), ('down', 'down'), ('across', 'across')], max_length=10)),
                    ('agrees_with_people', models.BooleanField()),
                    ('contact', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='casework.contact')),
                    ('replay', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='changed', to='casework.replay')),
                ],
                options={
                    'ordering': ['id'],
                    'indexes': [models.Index(fields=['replay', 'direction', 'id'], name='replayed_by_direction'), models.Index(condition=models.Q(('agrees_with_people', True)), fields=['replay', 'id'], name='replayed_with_people')],
                    'constraints': [models.UniqueConstraint(fields=('replay', 'contact'), name='a_replay_lists_a_contact_once')],
                    'triggers': [pgtrigger.compiler.Trigger(name='what_a_finished_replay_found_stays', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF EXISTS (\n                       SELECT FROM public.casework_replay\n                       WHERE id IN (OLD.replay_id, NEW.replay_id) AND finished_at IS NOT NULL\n                   ) THEN RAISE EXCEPTION 'What a finished replay found is kept as it is.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'what_a_finished_replay_found_stays'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='9ea697dd8ac5bdb04d617fbda91d54dad02acf55', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_what_a_finished_replay_found_stays_b24e5', table='casework_replayedcontact', when='BEFORE')), pgtrigger.compiler.Trigger(name='what_replays_found_is_never_emptied', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'What replays found is kept.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'what_replays_found_is_never_emptied';", hash='1f8d4fe5ac755348d6ad11a2802ce732ce2b5075', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_what_replays_found_is_never_emptied_71c0a', table='casework_replayedcontact', when='BEFORE'))],
                },
            ),
            migrations.CreateModel(
                name='ContactHandover',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('note', models.TextField(blank=True)),
                    ('passed_at', models.DateTimeField()),
                    ('taken_on_at', models.DateTimeField(null=True)),
                    ('lapsed_at', models.DateTimeField(null=True)),
                    ('contact', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='handovers', to='casework.contact')),
                    ('from_team', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='localities.team')),
                    ('passed_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('taken_on_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('to_team', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='contacts_handed_over', to='localities.team')),
                ],
                options={
                    'ordering': ['id'],
                    'constraints': [models.UniqueConstraint(condition=models.Q(('lapsed_at__isnull', True), ('taken_on_at__isnull', True)), fields=('contact',), name='a_contact_is_handed_over_once_at_a_time'), models.CheckConstraint(condition=models.Q(('taken_on_at__isnull', True), ('lapsed_at__isnull', True), _connector='OR'), name='a_contact_is_taken_on_or_its_handover_lapses'), models.CheckConstraint(condition=models.Q(('from_team', models.F('to_team')), _negated=True), name='a_contact_is_handed_over_to_another_team'), models.CheckConstraint(condition=models.Q(models.Q(('note', ''), ('passed_by__isnull', True)), models.Q(('note__regex', '\\S'), ('passed_by__isnull', False)), _connector='OR'), name='who_hands_a_contact_over_leaves_a_note'), models.CheckConstraint(condition=models.Q(models.Q(('taken_on_at__isnull', True), ('taken_on_by__isnull', True)), models.Q(('taken_on_at__gte', models.F('passed_at')), ('taken_on_at__isnull', False), ('taken_on_by__isnull', False)), _connector='OR'), name='who_takes_a_contact_on_has_a_name')],
                    'triggers': [pgtrigger.compiler.Trigger(name='a_contact_is_taken_on_once', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF TG_OP = 'DELETE' OR OLD.taken_on_at IS NOT NULL OR OLD.lapsed_at IS NOT NULL\n                   OR (NEW.contact_id, NEW.from_team_id, NEW.to_team_id, NEW.note, NEW.passed_at, NEW.passed_by_id)\n                      IS DISTINCT FROM\n                      (OLD.contact_id, OLD.from_team_id, OLD.to_team_id, OLD.note, OLD.passed_at, OLD.passed_by_id) THEN RAISE EXCEPTION 'A contact that was handed over is taken on once, and the handover stays as it was.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_contact_is_taken_on_once'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='112ebdff95285b0932d1d1b0559288223527ed76', operation='UPDATE OR DELETE', pgid='pgtrigger_a_contact_is_taken_on_once_a6a5e', table='casework_contacthandover', when='BEFORE')), pgtrigger.compiler.Trigger(name='handovers_of_contacts_are_never_emptied', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'Handovers are never deleted.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'handovers_of_contacts_are_never_emptied';", hash='2e604679db9b932adf2e9ffeda029cbafd7a6a8c', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_handovers_of_contacts_are_never_emptied_bb7fd', table='casework_contacthandover', when='BEFORE'))],
                },
            ),
            migrations.CreateModel(
                name='PartnerCheck',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('question', models.TextField()),
                    ('asked_at', models.DateTimeField()),
                    ('status', models.CharField(choices=[('asked', 'Asked'), ('answered', 'Answered'), ('withdrawn', 'Withdrawn')], default='asked', max_length=10)),
                    ('ended_at', models.DateTimeField(null=True)),
                    ('answer', models.TextField(blank=True)),
                    ('agency', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='partner_checks', to='localities.agency')),
                    ('asked_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('contact', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='partner_checks', to='casework.contact')),
                    ('ended_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'ordering': ['id'],
                    'constraints': [models.UniqueConstraint(condition=models.Q(('status', 'asked')), fields=('contact', 'agency'), name='a_partner_is_asked_once_at_a_time'), models.CheckConstraint(condition=models.Q(('question__regex', '\\S')), name='a_partner_check_asks_something'), models.CheckConstraint(condition=models.Q(models.Q(('answer', ''), ('ended_at__isnull', True), ('ended_by__isnull', True), ('status', 'asked')), models.Q(('answer__regex', '\\S'), ('ended_at__isnull', False), ('ended_by__isnull', False), ('status', 'answered')), models.Q(('answer', ''), ('ended_at__isnull', False), ('ended_by__isnull', False), ('status', 'withdrawn')), _connector='OR'), name='a_partner_check_that_ended_says_how_when_and_by_whom'), models.CheckConstraint(condition=models.Q(('ended_at__isnull', True), ('ended_at__gte', models.F('asked_at')), _connector='OR'), name='a_partner_check_ends_after_it_is_asked')],
                    'triggers': [pgtrigger.compiler.Trigger(name='a_partner_check_ends_once', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF TG_OP = 'DELETE' OR OLD.status <> 'asked'\n                   OR (NEW.contact_id, NEW.agency_id, NEW.question, NEW.asked_at, NEW.asked_by_id)\n                      IS DISTINCT FROM (OLD.contact_id, OLD.agency_id, OLD.question, OLD.asked_at, OLD.asked_by_id) THEN RAISE EXCEPTION 'A question to a partner ends once, and stays as it was asked.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_partner_check_ends_once'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='a68d2542de28e3955c851e8238272256c446126e', operation='UPDATE OR DELETE', pgid='pgtrigger_a_partner_check_ends_once_55230', table='casework_partnercheck', when='BEFORE')), pgtrigger.compiler.Trigger(name='partner_checks_are_never_emptied', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'Questions to partners are never deleted.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'partner_checks_are_never_emptied';", hash='8fb4095c0cc30aa9404fcfe514d3238c2d473d2c', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_partner_checks_are_never_emptied_66a5d', table='casework_partnercheck', when='BEFORE'))],
                },
            ),
            migrations.CreateModel(
                name='StaleRecommendation',
                fields=[
                    ('contact', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='+', serialize=False, to='casework.contact')),
                    ('since', models.DateTimeField()),
                ],
                options={
                    'ordering': ['since'],
                },
            ),
            migrations.CreateModel(
                name='DetailToCheck',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('field', models.CharField(help_text='For figures: the path without numbers.', max_length=60)),
                    ('path', models.JSONField(help_text='The steps from the top of the document.')),
                    ('kind', models.CharField(choices=[('not_read', 'Could not be read'), ('corrected', 'Read with a correction'), ('asked', 'To be asked'), ('confirmed', 'Confirmed as it was read')], max_length=10)),
                    ('says', models.CharField(max_length=200)),
                    ('agency', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='localities.agency')),
                    ('contact', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='details_to_check', to='casework.contact')),
                ],
                options={
                    'verbose_name_plural': 'details to check',
                    'ordering': ['id'],
                    'indexes': [models.Index(fields=['agency', 'field'], name='detail_by_agency')],
                    'triggers': [pgtrigger.compiler.Trigger(name='a_detail_to_check_stays', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'What could not be read stays on record.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_detail_to_check_stays';", hash='3b6b471f6f2fa4827a4169778b52f2a3a8d25a28', operation='UPDATE OR DELETE', pgid='pgtrigger_a_detail_to_check_stays_f62f6', table='casework_detailtocheck', when='BEFORE')), pgtrigger.compiler.Trigger(name='a_detail_to_check_stays_all', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'What could not be read stays on record.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_detail_to_check_stays_all';", hash='eadb9294a5ea5bf91b20333e6d0b746dd8a19373', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_a_detail_to_check_stays_all_20ff0', table='casework_detailtocheck', when='BEFORE'))],
                },
            ),
            migrations.CreateModel(
                name='AddressProtection',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('since', models.DateTimeField()),
                    ('reason', models.TextField(blank=True)),
                    ('lifted_at', models.DateTimeField(null=True)),
                    ('lifted_because', models.TextField(blank=True)),
                    ('contact', models.ForeignKey(help_text='That said so.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='address_protections', to='casework.contact')),
                    ('lifted_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='address_protections', to='casework.person')),
                    ('said_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'ordering': ['id'],
                    'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('contact__isnull', False), ('reason', ''), ('said_by__isnull', True)), models.Q(('contact__isnull', True), ('reason__regex', '\\S'), ('said_by__isnull', False)), _connector='OR'), name='a_protected_address_says_who_said_so'), models.CheckConstraint(condition=models.Q(models.Q(('lifted_at__isnull', True), ('lifted_because', ''), ('lifted_by__isnull', True)), models.Q(('lifted_at__gte', models.F('since')), ('lifted_at__isnull', False), ('lifted_because__regex', '\\S'), ('lifted_by__isnull', False)), _connector='OR'), name='a_protection_that_was_lifted_says_who_when_and_why'), models.UniqueConstraint(condition=models.Q(('lifted_at__isnull', True)), fields=('person', 'contact'), name='a_contact_protects_a_persons_address_once')],
                    'triggers': [pgtrigger.compiler.Trigger(name='a_protection_is_lifted_once', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF TG_OP = 'DELETE' OR OLD.lifted_at IS NOT NULL\n                   OR (NEW.person_id, NEW.since, NEW.contact_id, NEW.said_by_id, NEW.reason)\n                      IS DISTINCT FROM (OLD.person_id, OLD.since, OLD.contact_id, OLD.said_by_id, OLD.reason) THEN RAISE EXCEPTION 'The protection of an address is lifted once, and stays on record.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_protection_is_lifted_once'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='98aa7603554507ac25d437d25ae139486ea68875', operation='UPDATE OR DELETE', pgid='pgtrigger_a_protection_is_lifted_once_f748b', table='casework_addressprotection', when='BEFORE')), pgtrigger.compiler.Trigger(name='protections_of_addresses_are_never_emptied', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'Protections of addresses stay on record.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'protections_of_addresses_are_never_emptied';", hash='09d2d927e9a90f9b5dab961f64ad36bdad843ef0', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_protections_of_addresses_are_never_emptied_e21f7', table='casework_addressprotection', when='BEFORE'))],
                },
            ),
            migrations.CreateModel(
                name='Information',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('at', models.DateTimeField()),
                    ('source', models.CharField(choices=[('referrer', 'The referrer'), ('partner', 'A partner agency'), ('family', 'The family'), ('records', 'Our records'), ('seen', 'Seen by the person who recorded it')], max_length=10)),
                    ('said_by', models.CharField(blank=True, max_length=100)),
                    ('why', models.TextField(blank=True)),
                    ('document', models.JSONField()),
                    ('idempotency_key', models.CharField(max_length=255, null=True)),
                    ('digest', models.CharField(max_length=64, verbose_name='SHA-256 of the document')),
                    ('by_agency', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='localities.agency')),
                    ('by_user', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('contact', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='information', to='casework.contact')),
                    ('kind', models.CharField(choices=[('facts', 'Facts added or corrected'), ('agreement', 'Agreement to a service'), ('screening', 'Screening'), ('own_records', 'What our records say')], db_default='facts', default='facts', max_length=15)),
                ],
                options={
                    'verbose_name_plural': 'information',
                    'ordering': ['id'],
                    'constraints': [models.UniqueConstraint(fields=('by_agency', 'idempotency_key'), name='information_uses_an_idempotency_key_once'), models.CheckConstraint(condition=models.Q(models.Q(('by_agency__isnull', True), ('by_user__isnull', False)), models.Q(('by_agency__isnull', False), ('by_user__isnull', True)), _connector='OR'), name='information_says_who_recorded_it'), models.CheckConstraint(condition=models.Q(('source__in', ['referrer', 'partner', 'family', 'records', 'seen'])), name='information_has_a_known_source'), models.CheckConstraint(condition=models.Q(('by_user__isnull', True), ('why__regex', '\\S'), models.Q(('kind', 'facts'), _negated=True), _connector='OR'), name='who_changes_a_fact_says_why')],
                    'triggers': [pgtrigger.compiler.Trigger(name='information_never_changes', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'What was learned stays as it was recorded.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'information_never_changes';", hash='014359796dce547cd94704abed8904089f191026', operation='UPDATE OR DELETE', pgid='pgtrigger_information_never_changes_e710c', table='casework_information', when='BEFORE')), pgtrigger.compiler.Trigger(name='information_never_changes_all', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'What was learned stays as it was recorded.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'information_never_changes_all';", hash='6e2847882baf81f4925761fa9512d6039928d7da', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_information_never_changes_all_ce09e', table='casework_information', when='BEFORE'))],
                },
            ),
            migrations.CreateModel(
                name='FactChange',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('field', models.CharField(max_length=60)),
                    ('before', models.JSONField(null=True)),
                    ('after', models.JSONField(null=True)),
                    ('said', models.JSONField(null=True)),
                    ('kind', models.CharField(blank=True, choices=[('not_read', 'Could not be read'), ('corrected', 'Read with a correction'), ('asked', 'To be asked'), ('confirmed', 'Confirmed as it was read')], max_length=10)),
                    ('says', models.CharField(blank=True, max_length=200)),
                    ('adult', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='casework.contactadult')),
                    ('child', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='casework.contactchild')),
                    ('information', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='changes', to='casework.information')),
                ],
                options={
                    'ordering': ['id'],
                    'indexes': [models.Index(condition=models.Q(('child__isnull', False)), fields=['child'], name='fact_of_child')],
                    'constraints': [models.CheckConstraint(condition=models.Q(('child__isnull', True), ('adult__isnull', True), _connector='OR'), name='a_fact_is_about_one_person'), models.CheckConstraint(condition=models.Q(models.Q(('kind', ''), _negated=True), models.Q(('after__isnull', False), ('before__isnull', True)), models.Q(('after__isnull', True), ('before__isnull', False)), models.Q(('after__isnull', False), ('before__isnull', False), models.Q(('before', models.F('after')), _negated=True)), _connector='OR'), name='a_change_changes_something')],
                    'triggers': [pgtrigger.compiler.Trigger(name='a_change_of_a_fact_stays', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'A change of a fact stays: correct it again.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_change_of_a_fact_stays';", hash='b0218c56bcf163ad3514db8801f28dbf9375cc07', operation='UPDATE OR DELETE', pgid='pgtrigger_a_change_of_a_fact_stays_56f2b', table='casework_factchange', when='BEFORE')), pgtrigger.compiler.Trigger(name='a_change_of_a_fact_stays_all', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'A change of a fact stays: correct it again.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_change_of_a_fact_stays_all';", hash='d6fb843c5f5554644e3c150b5eccf6528a7e6252', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_a_change_of_a_fact_stays_all_33fd9', table='casework_factchange', when='BEFORE'))],
                },
            ),
            migrations.CreateModel(
                name='Case',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('reference', models.CharField(default=casework.references.new_case_reference, editable=False, max_length=13, unique=True)),
                    ('status', models.CharField(choices=[('open', 'Open'), ('closed', 'Closed')], default='open', max_length=10)),
                    ('opened_at', models.DateTimeField()),
                    ('received_at', models.DateTimeField(help_text='When the contact that opened it arrived.')),
                    ('pathway', models.CharField(max_length=50)),
                    ('rag', models.CharField(choices=[('red', 'Red'), ('amber', 'Amber'), ('green', 'Green'), ('blue', 'Blue')], max_length=5)),
                    ('route_reason', models.TextField()),
                    ('closed_at', models.DateTimeField(null=True)),
                    ('outcome', models.CharField(blank=True, choices=[('needs_met', "The family's needs are met"), ('universal_services', 'Universal services carry on'), ('no_progress', 'Ended without progress'), ('declined', 'The family ended its agreement'), ('moved_away', 'The family moved away'), ('other_authority', 'Passed to another authority')], max_length=20)),
                    ('closing_summary', models.TextField(blank=True)),
                    ('closed_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('lead_practitioner', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='led_cases', to=settings.AUTH_USER_MODEL)),
                    ('locality', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='cases', to='localities.locality')),
                    ('other_authority', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='cases', to='localities.otherauthority')),
                    ('runner_up', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='localities.team')),
                    ('opened_by_decision', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='opened_case', to='casework.decision')),
                    ('children', models.ManyToManyField(related_name='cases', through='casework.CaseChild', to='casework.person')),
                ],
                options={
                    'ordering': ['-opened_at', '-id'],
                    'indexes': [models.Index(condition=models.Q(('status', 'open')), fields=['opened_at'], name='case_open')],
                    'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('closed_at__isnull', True), ('closed_by__isnull', True), ('outcome', ''), ('status', 'open')), models.Q(('closed_at__isnull', False), ('closed_by__isnull', False), ('status', 'closed'), models.Q(('outcome', ''), _negated=True)), _connector='OR'), name='a_closed_case_says_who_when_and_with_what_outcome'), models.CheckConstraint(condition=models.Q(('closed_at__isnull', True), ('closed_at__gte', models.F('opened_at')), _connector='OR'), name='a_case_closes_after_it_opens')],
                    'triggers': [pgtrigger.compiler.Trigger(name='an_open_case_has_one_responsible_team', sql=pgtrigger.compiler.UpsertTriggerSql(constraint='CONSTRAINT', declare='DECLARE subject public.casework_case%ROWTYPE; holders INTEGER; held TSTZMULTIRANGE;', func="\n        SELECT * INTO subject FROM public.casework_case WHERE id = NEW.id;\n        SELECT count(*) FILTER (WHERE upper_inf(period)), range_agg(period) INTO holders, held\n        FROM public.casework_responsibility WHERE case_id = NEW.id;\n        IF subject.status = 'open' AND holders <> 1 THEN\n            RAISE EXCEPTION 'An open case has exactly one responsible team.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'an_open_case_has_one_responsible_team';\n        END IF;\n        IF subject.status = 'closed' AND holders <> 0 THEN\n            RAISE EXCEPTION 'A closed case has no responsible team any more.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_closed_case_has_no_responsible_team';\n        END IF;\n        IF held IS DISTINCT FROM tstzmultirange(tstzrange(subject.opened_at, subject.closed_at)) THEN\n            RAISE EXCEPTION 'From its opening to its closing a team holds a case.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_case_is_always_in_somebodys_hands';\n        END IF;\n        RETURN NULL;\n    ", hash='64db5e96d21144b3043724927ec8aec904f49e07', operation='INSERT OR UPDATE', pgid='pgtrigger_an_open_case_has_one_responsible_team_fc59b', table='casework_case', timing='DEFERRABLE INITIALLY DEFERRED', when='AFTER')), pgtrigger.compiler.Trigger(name='a_case_opens_by_a_decision_in_effect', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF EXISTS (\n        SELECT FROM public.casework_decision\n        WHERE id = NEW.opened_by_decision_id AND needs_sign_off AND NOT EXISTS (\n            SELECT FROM public.casework_signoff WHERE decision_id = NEW.opened_by_decision_id AND agreed\n        )\n    ) THEN RAISE EXCEPTION 'The decision that opens this case still waits for a second person.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_case_opens_by_a_decision_in_effect'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='dec78d7ad6c7f76f531f08da0462854619f0cce5', operation='INSERT OR UPDATE', pgid='pgtrigger_a_case_opens_by_a_decision_in_effect_20ef3', table='casework_case', when='BEFORE')), pgtrigger.compiler.Trigger(name='a_closed_case_stays_closed', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF TG_OP = 'DELETE' OR OLD.status = 'closed' THEN RAISE EXCEPTION 'A closed case stays as it is, and no case is deleted.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_closed_case_stays_closed'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='586aa51162af9648afd473253710849a1adae9a2', operation='UPDATE OR DELETE', pgid='pgtrigger_a_closed_case_stays_closed_cda16', table='casework_case', when='BEFORE')), pgtrigger.compiler.Trigger(name='cases_are_never_emptied', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'Cases are never deleted.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'cases_are_never_emptied';", hash='0ab2cce5840841bf812ed6486d4ed01745dfae39', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_cases_are_never_emptied_759a9', table='casework_case', when='BEFORE'))],
                },
            ),
            migrations.CreateModel(
                name='Handoff',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('status', models.CharField(choices=[('offered', 'Offered'), ('accepted', 'Accepted'), ('returned', 'Returned'), ('withdrawn', 'Withdrawn')], default='offered', max_length=10)),
                    ('reason', models.TextField()),
                    ('offered_at', models.DateTimeField()),
                    ('answered_at', models.DateTimeField(null=True)),
                    ('answer_reason', models.TextField(blank=True)),
                    ('answered_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('case', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='handoffs', to='casework.case')),
                    ('from_team', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='localities.team')),
                    ('offered_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('to_team', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='handoffs_offered', to='localities.team')),
                    ('despite', models.TextField(blank=True, help_text='Why it does not go to those who know the family.')),
                    ('is_bounce', models.BooleanField(default=False)),
                    ('kind', models.CharField(choices=[('allocation', 'From the front door to a team'), ('transfer', 'Transfer'), ('step_up', 'Step up'), ('step_down', 'Step down'), ('out_of_hours', 'From emergency duty to the day team'), ('other_authority', 'To another authority')], max_length=20)),
                    ('lead_reason', models.TextField(blank=True, help_text='Why the family changes hands once more: the lead says so.')),
                    ('ordinal', models.PositiveSmallIntegerField()),
                ],
                options={
                    'ordering': ['id'],
                    'indexes': [models.Index(condition=models.Q(('status', 'offered')), fields=['to_team'], name='handoff_open')],
                    'constraints': [models.UniqueConstraint(condition=models.Q(('status', 'offered')), fields=('case',), name='a_case_has_one_open_handoff'), models.CheckConstraint(condition=models.Q(('status__in', ['offered', 'accepted', 'returned', 'withdrawn'])), name='a_handoff_has_a_known_status'), models.CheckConstraint(condition=models.Q(('from_team', models.F('to_team')), _negated=True), name='a_handoff_goes_to_another_team'), models.CheckConstraint(condition=models.Q(('reason__regex', '\\S')), name='a_handoff_has_a_reason'), models.CheckConstraint(condition=models.Q(models.Q(('answered_at__isnull', True), ('answered_by__isnull', True), ('status', 'offered')), models.Q(models.Q(('status', 'offered'), _negated=True), ('answered_at__isnull', False), ('answered_by__isnull', False)), _connector='OR'), name='an_answered_handoff_says_who_and_when'), models.CheckConstraint(condition=models.Q(models.Q(('status__in', ['returned', 'withdrawn']), _negated=True), ('answer_reason__regex', '\\S'), _connector='OR'), name='a_handoff_is_returned_or_withdrawn_for_a_reason'), models.CheckConstraint(condition=models.Q(('answered_at__isnull', True), ('answered_at__gte', models.F('offered_at')), _connector='OR'), name='a_handoff_is_answered_after_it_is_offered'), models.CheckConstraint(condition=models.Q(('kind__in', ['allocation', 'transfer', 'step_up', 'step_down', 'out_of_hours', 'other_authority'])), name='a_handoff_is_of_a_known_kind'), models.CheckConstraint(condition=models.Q(('ordinal__lt', 3), ('lead_reason__regex', '\\S'), _connector='OR'), name='a_third_handoff_has_a_leads_reason')],
                    'triggers': [pgtrigger.compiler.Trigger(name='an_accepted_handoff_passes_responsibility', sql=pgtrigger.compiler.UpsertTriggerSql(constraint='CONSTRAINT', func="\n        IF NEW.status = 'accepted' AND NOT EXISTS (\n            SELECT FROM public.casework_responsibility\n            WHERE handoff_id = NEW.id AND team_id = NEW.to_team_id AND lower(period) = NEW.answered_at\n        ) THEN\n            RAISE EXCEPTION 'Who accepts a case is responsible from then on.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'an_accepted_handoff_passes_responsibility';\n        END IF;\n        RETURN NULL;\n    ", hash='70d1d75a892534991d7b2a065fcc37df0dac3221', operation='INSERT OR UPDATE', pgid='pgtrigger_an_accepted_handoff_passes_responsibility_c7a64', table='casework_handoff', timing='DEFERRABLE INITIALLY DEFERRED', when='AFTER')), pgtrigger.compiler.Trigger(name='handoffs_are_never_emptied', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'Handoffs are never deleted.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'handoffs_are_never_emptied';", hash='e5eed1b24af6b19be5c2002e713580e8af430c74', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_handoffs_are_never_emptied_f2878', table='casework_handoff', when='BEFORE')), pgtrigger.compiler.Trigger(name='a_handoff_is_answered_once', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF TG_OP = 'DELETE' OR OLD.status <> 'offered'\n                   OR (NEW.case_id, NEW.from_team_id, NEW.to_team_id, NEW.kind, NEW.ordinal, NEW.is_bounce,\n                       NEW.reason, NEW.lead_reason, NEW.despite, NEW.offered_at, NEW.offered_by_id)\n                      IS DISTINCT FROM\n                      (OLD.case_id, OLD.from_team_id, OLD.to_team_id, OLD.kind, OLD.ordinal, OLD.is_bounce,\n                       OLD.reason, OLD.lead_reason, OLD.despite, OLD.offered_at, OLD.offered_by_id) THEN RAISE EXCEPTION 'A handoff is answered once, and stays as it was offered.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_handoff_is_answered_once'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='18f67e1b72176b77f8412c09de2897cd5415f1c1', operation='UPDATE OR DELETE', pgid='pgtrigger_a_handoff_is_answered_once_0c3f2', table='casework_handoff', when='BEFORE'))],
                },
            ),
            migrations.CreateModel(
                name='Milestone',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(choices=[('first_family_contact', 'First contact with the family'), ('family_help_assessment', 'Family help assessment finished'), ('plan_agreed', 'Plan agreed with the family'), ('plan_reviewed', 'Plan reviewed'), ('social_work_assessment', 'Social work assessment finished'), ('strategy_discussion_held', 'Strategy discussion held'), ('initial_conference_held', 'Initial child protection conference held'), ('core_group_held', 'Core group met'), ('review_conference_held', 'Review conference held')], max_length=30)),
                    ('at', models.DateTimeField()),
                    ('recorded_at', models.DateTimeField()),
                    ('case', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='milestones', to='casework.case')),
                    ('recorded_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'ordering': ['at', 'id'],
                    'constraints': [models.CheckConstraint(condition=models.Q(('recorded_at__gte', models.F('at'))), name='a_milestone_is_recorded_after_it_happened')],
                },
            ),
            migrations.CreateModel(
                name='Responsibility',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('period', django.contrib.postgres.fields.ranges.DateTimeRangeField()),
                    ('case', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='responsibilities', to='casework.case')),
                    ('handoff', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='casework.handoff')),
                    ('team', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='responsibilities', to='localities.team')),
                ],
                options={
                    'verbose_name_plural': 'responsibilities',
                    'ordering': ['id'],
                    'indexes': [models.Index(condition=models.Q(('period__endswith__isnull', True)), fields=['team'], name='responsibility_now')],
                    'constraints': [django.contrib.postgres.constraints.ExclusionConstraint(expressions=[('case', '='), ('period', '&&')], name='a_case_has_one_responsible_team_at_an_instant'), models.CheckConstraint(condition=models.Q(('period__isempty', False), ('period__startswith__isnull', False)), name='a_responsibility_starts_at_a_moment_and_lasts')],
                    'triggers': [pgtrigger.compiler.Trigger(name='an_open_case_is_never_let_go', sql=pgtrigger.compiler.UpsertTriggerSql(constraint='CONSTRAINT', declare='DECLARE subject public.casework_case%ROWTYPE; holders INTEGER; held TSTZMULTIRANGE;', func="\n        SELECT * INTO subject FROM public.casework_case WHERE id = COALESCE(NEW.case_id, OLD.case_id);\n        SELECT count(*) FILTER (WHERE upper_inf(period)), range_agg(period) INTO holders, held\n        FROM public.casework_responsibility WHERE case_id = COALESCE(NEW.case_id, OLD.case_id);\n        IF subject.status = 'open' AND holders <> 1 THEN\n            RAISE EXCEPTION 'An open case has exactly one responsible team.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'an_open_case_has_one_responsible_team';\n        END IF;\n        IF subject.status = 'closed' AND holders <> 0 THEN\n            RAISE EXCEPTION 'A closed case has no responsible team any more.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_closed_case_has_no_responsible_team';\n        END IF;\n        IF held IS DISTINCT FROM tstzmultirange(tstzrange(subject.opened_at, subject.closed_at)) THEN\n            RAISE EXCEPTION 'From its opening to its closing a team holds a case.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_case_is_always_in_somebodys_hands';\n        END IF;\n        RETURN NULL;\n    ", hash='5df060846ae22b5519afe1b9e1b3b7f92f8c0360', operation='INSERT OR UPDATE OR DELETE', pgid='pgtrigger_an_open_case_is_never_let_go_3f2cb', table='casework_responsibility', timing='DEFERRABLE INITIALLY DEFERRED', when='AFTER')), pgtrigger.compiler.Trigger(name='responsibilities_are_never_emptied', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'Responsibilities are never deleted.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'responsibilities_are_never_emptied';", hash='3ebff400eba0cf8b485db6b0c75c120f524f7612', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_responsibilities_are_never_emptied_90e0a', table='casework_responsibility', when='BEFORE')), pgtrigger.compiler.Trigger(name='a_past_responsibility_stays', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF TG_OP = 'DELETE' OR NOT upper_inf(OLD.period)\n                   OR (NEW.case_id, NEW.team_id, NEW.handoff_id, lower(NEW.period))\n                      IS DISTINCT FROM (OLD.case_id, OLD.team_id, OLD.handoff_id, lower(OLD.period)) THEN RAISE EXCEPTION 'Who was responsible when stays as it was.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_past_responsibility_stays'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='466af905561a5919db8c3499854799d6e732bd15', operation='UPDATE OR DELETE', pgid='pgtrigger_a_past_responsibility_stays_89bbc', table='casework_responsibility', when='BEFORE'))],
                },
            ),
            migrations.CreateModel(
                name='StatusChange',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('at', models.DateTimeField()),
                    ('from_status', models.CharField(max_length=10)),
                    ('to_status', models.CharField(max_length=10)),
                    ('why', models.TextField(blank=True)),
                    ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('case', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='status_changes', to='casework.case')),
                    ('contact', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='status_changes', to='casework.contact')),
                    ('handoff', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='status_changes', to='casework.handoff')),
                    ('partner_check', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='status_changes', to='casework.partnercheck')),
                    ('match', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='status_changes', to='casework.personmatch')),
                ],
                options={
                    'ordering': ['id'],
                    'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('case__isnull', True), ('contact__isnull', False), ('handoff__isnull', True), ('match__isnull', True), ('partner_check__isnull', True)), models.Q(('case__isnull', False), ('contact__isnull', True), ('handoff__isnull', True), ('match__isnull', True), ('partner_check__isnull', True)), models.Q(('case__isnull', True), ('contact__isnull', True), ('handoff__isnull', False), ('match__isnull', True), ('partner_check__isnull', True)), models.Q(('case__isnull', True), ('contact__isnull', True), ('handoff__isnull', True), ('match__isnull', True), ('partner_check__isnull', False)), models.Q(('case__isnull', True), ('contact__isnull', True), ('handoff__isnull', True), ('match__isnull', False), ('partner_check__isnull', True)), _connector='OR'), name='a_status_change_has_one_subject')],
                    'triggers': [pgtrigger.compiler.Trigger(name='a_status_change_never_changes', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'A status change never changes.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_status_change_never_changes';", hash='41d20a4301fd5b5797418cb2b2ad8d0937cfcff7', operation='UPDATE OR DELETE', pgid='pgtrigger_a_status_change_never_changes_4915e', table='casework_statuschange', when='BEFORE')), pgtrigger.compiler.Trigger(name='a_status_change_never_changes_all', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'A status change never changes.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_status_change_never_changes_all';", hash='ad400c994a3897603f6f9c0bea83037fb23fa4e7', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_a_status_change_never_changes_all_3a3e7', table='casework_statuschange', when='BEFORE'))],
                },
            ),
            migrations.CreateModel(
                name='AuditEvent',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('at', models.DateTimeField()),
                    ('event', models.CharField(choices=[('contact_received', 'Contact received'), ('contact_viewed', 'Contact viewed'), ('recommendation_made', 'Recommendation made'), ('agreement_recorded', 'Agreement recorded'), ('contact_screened', 'Contact screened'), ('information_added', 'Facts added or corrected'), ('checks_recorded', 'What the records say recorded'), ('match_confirmed', 'The same person: confirmed'), ('match_rejected', 'The same person: rejected'), ('person_viewed', 'Person viewed'), ('searched', 'Records searched'), ('person_detail_added', 'Something said about a person recorded'), ('person_detail_ended', 'Something said about a person: no longer so'), ('person_detail_in_error', 'Something said about a person: recorded in error'), ('address_protected', 'Address made confidential'), ('address_protection_lifted', 'Confidential address: lifted'), ('match_undone', 'The same person: undone'), ('referrer_acknowledged', 'Referrer acknowledged'), ('confirmed_in_writing', 'Telephone contact confirmed in writing'), ('decision_made', 'Decision made'), ('sign_off_given', 'Second person agreed'), ('sign_off_declined', 'Second person declined'), ('contact_closed', 'Contact ended at the front door'), ('contact_linked', 'Contact linked to open work'), ('feedback_given', 'Referrer told the outcome'), ('case_opened', 'Case opened'), ('case_child_left', 'Child is not of the family: no longer in the case'), ('case_viewed', 'Case viewed'), ('handoff_offered', 'Handoff offered'), ('handoff_accepted', 'Handoff accepted'), ('handoff_returned', 'Handoff returned'), ('handoff_withdrawn', 'Handoff withdrawn'), ('lead_named', 'Lead practitioner named'), ('milestone_recorded', 'Milestone recorded'), ('other_authority_named', 'Other authority named'), ('case_closed', 'Case closed'), ('reminder_sent', 'Reminder made'), ('message_sent', 'Message sent'), ('message_parked', 'Message parked after too many failures'), ('message_retried', 'Parked message sent on its way again'), ('message_dropped', 'Parked message dropped'), ('partner_asked', 'Partner asked'), ('partner_answered', "Partner's answer recorded"), ('partner_check_withdrawn', 'Question to a partner withdrawn'), ('contact_handed_over', 'Contact passed between emergency duty and the day team'), ('draft_deleted', 'Draft of a contact deleted'), ('draft_taken_over', 'Draft of a contact taken over'), ('contact_assigned', 'Contact assigned'), ('contact_taken_on', 'Contact taken on by the next team'), ('case_bounced', 'Back with a team that held it lately'), ('clock_paused', 'Clock paused'), ('clock_resumed', 'Clock resumed'), ('clock_extended', 'Clock extended'), ('clocks_recomputed', 'Clocks computed again, as the calendar changed'), ('reminder_snoozed', 'Reminder put off'), ('integrity_checked', 'Every invariant counted'), ('setting_changed', 'Setting changed'), ('rule_set_drafted', 'Rule set copied to a draft'), ('rule_set_changed', 'Draft of a rule set changed'), ('rule_set_proposed', 'Rule set proposed for approval'), ('rule_set_sent_back', 'Proposal of a rule set sent back'), ('rule_set_published', 'Rule set approved and published'), ('rule_set_called_off', 'Rule set called off before it was live'), ('rule_set_discarded', 'Draft of a rule set discarded'), ('replay_asked_for', 'Replay asked for'), ('replay_cancelled', 'Replay cancelled'), ('replay_finished', 'Replay finished'), ('replay_exported', 'Replay exported'), ('record_restricted', 'Record restricted'), ('restriction_lifted', 'Restriction lifted'), ('restriction_passed_on', 'Restriction passed to another owner'), ('reader_named', 'Reader of a restricted record named'), ('reader_removed', 'Reader of a restricted record removed'), ('glass_broken', 'Restricted record opened by breaking the glass'), ('glass_reviewed', 'Breaking of the glass reviewed'), ('conflict_declared', 'Conflict of interest declared'), ('conflict_ended', 'Conflict of interest ended'), ('recommendations_rechecked', 'Stored recommendations computed again')], max_length=30)),
                    ('actor', models.CharField(choices=[('user', 'A person'), ('agency', "A partner's system"), ('system', 'The service')], max_length=10)),
                    ('detail', models.JSONField(default=dict)),
                    ('by_agency', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='localities.agency')),
                    ('by_user', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('case', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='casework.case')),
                    ('contact', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='casework.contact')),
                    ('handoff', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='casework.handoff')),
                ],
                options={
                    'ordering': ['id'],
                    'indexes': [models.Index(condition=models.Q(('by_user__isnull', False)), fields=['by_user'], name='event_of_by_user'), models.Index(condition=models.Q(('by_agency__isnull', False)), fields=['by_agency'], name='event_of_by_agency'), models.Index(condition=models.Q(('contact__isnull', False)), fields=['contact'], name='event_of_contact'), models.Index(condition=models.Q(('case__isnull', False)), fields=['case'], name='event_of_case'), models.Index(condition=models.Q(('handoff__isnull', False)), fields=['handoff'], name='event_of_handoff')],
                    'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('actor', 'user'), ('by_agency__isnull', True), ('by_user__isnull', False)), models.Q(('actor', 'agency'), ('by_agency__isnull', False), ('by_user__isnull', True)), models.Q(('actor', 'system'), ('by_agency__isnull', True), ('by_user__isnull', True)), _connector='OR'), name='an_audit_event_says_who')],
                    'triggers': [pgtrigger.compiler.Trigger(name='an_audit_event_never_changes', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'An audit event never changes.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'an_audit_event_never_changes';", hash='6560f92c064a705958c374ac9674235cef2aac2c', operation='UPDATE OR DELETE', pgid='pgtrigger_an_audit_event_never_changes_3f75f', table='casework_auditevent', when='BEFORE')), pgtrigger.compiler.Trigger(name='an_audit_event_never_changes_all', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'An audit event never changes.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'an_audit_event_never_changes_all';", hash='b7da03a1f17d3a937a371e3f1ec097a90aeadce8', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_an_audit_event_never_changes_all_d397c', table='casework_auditevent', when='BEFORE'))],
                },
            ),
            migrations.CreateModel(
                name='CaseChild',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('case', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to='casework.case')),
                    ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='casework.person')),
                ],
                options={
                    'verbose_name_plural': 'case children',
                    'constraints': [models.UniqueConstraint(fields=('case', 'person'), name='a_child_is_in_a_case_once')],
                    'triggers': [pgtrigger.compiler.Trigger(name='a_child_of_a_case_stays_all', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'A child with whom a case worked stays in it.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_child_of_a_case_stays_all';", hash='0912594764008199f366d8a57f182a63728bb917', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_a_child_of_a_case_stays_all_56f94', table='casework_casechild', when='BEFORE')), pgtrigger.compiler.Trigger(name='a_child_of_a_case_stays', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF EXISTS (\n                    SELECT FROM public.casework_contactchild child\n                    JOIN public.casework_contact contact ON contact.id = child.contact_id\n                    WHERE contact.case_id = OLD.case_id AND child.person_id = OLD.person_id AND child.in_family\n                ) THEN RAISE EXCEPTION 'A child with whom a case worked stays in it.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_child_of_a_case_stays'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='f77bceb56c377affe7c547ad4cf679752cb4105b', operation='DELETE', pgid='pgtrigger_a_child_of_a_case_stays_7259c', table='casework_casechild', when='BEFORE'))],
                },
            ),
            migrations.CreateModel(
                name='Clock',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(max_length=50)),
                    ('started_at', models.DateTimeField()),
                    ('warn_at', models.DateTimeField()),
                    ('due_at', models.DateTimeField()),
                    ('escalate_at', models.DateTimeField()),
                    ('next_at', models.DateTimeField(null=True)),
                    ('stopped_at', models.DateTimeField(null=True)),
                    ('ended', models.CharField(blank=True, choices=[('done', 'Done'), ('replaced', 'Replaced by another clock'), ('overtaken', 'No longer needed')], max_length=10)),
                    ('case', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='clocks', to='casework.case')),
                    ('policy', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='clocks', to='casework.clockpolicy')),
                    ('contact', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='clocks', to='casework.contact')),
                    ('handoff', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='clocks', to='casework.handoff')),
                    ('paused_at', models.DateTimeField(null=True)),
                    ('partner_check', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='clocks', to='casework.partnercheck')),
                ],
                options={
                    'ordering': ['due_at', 'id'],
                    'indexes': [models.Index(condition=models.Q(('next_at__isnull', False), ('stopped_at__isnull', True)), fields=['next_at'], name='clock_to_sweep'), models.Index(condition=models.Q(('stopped_at__isnull', True)), fields=['due_at'], name='clock_running'), models.Index(condition=models.Q(('contact__isnull', False)), fields=['contact'], name='clock_of_contact'), models.Index(condition=models.Q(('case__isnull', False)), fields=['case'], name='clock_of_case'), models.Index(condition=models.Q(('handoff__isnull', False)), fields=['handoff'], name='clock_of_handoff'), models.Index(condition=models.Q(('partner_check__isnull', False)), fields=['partner_check'], name='clock_of_partner_check')],
                    'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('ended', ''), ('stopped_at__isnull', True)), models.Q(('stopped_at__isnull', False), models.Q(('ended', ''), _negated=True)), _connector='OR'), name='a_stopped_clock_says_when_and_why'), models.CheckConstraint(condition=models.Q(('stopped_at__isnull', True), ('stopped_at__gte', models.F('started_at')), _connector='OR'), name='a_clock_stops_after_it_starts'), models.CheckConstraint(condition=models.Q(('due_at__lte', models.F('escalate_at')), ('warn_at__lte', models.F('due_at'))), name='a_clock_warns_then_is_due_then_escalates'), models.CheckConstraint(condition=models.Q(models.Q(('case__isnull', True), ('contact__isnull', False), ('handoff__isnull', True), ('partner_check__isnull', True)), models.Q(('case__isnull', False), ('contact__isnull', True), ('handoff__isnull', True), ('partner_check__isnull', True)), models.Q(('case__isnull', True), ('contact__isnull', True), ('handoff__isnull', False), ('partner_check__isnull', True)), models.Q(('case__isnull', True), ('contact__isnull', True), ('handoff__isnull', True), ('partner_check__isnull', False)), _connector='OR'), name='a_clock_has_one_subject'), models.CheckConstraint(condition=models.Q(('paused_at__isnull', True), models.Q(('next_at__isnull', True), ('stopped_at__isnull', True)), _connector='OR'), name='nobody_looks_at_a_paused_clock'), models.UniqueConstraint(condition=models.Q(('contact__isnull', False), ('stopped_at__isnull', True)), fields=('contact', 'kind'), name='a_contact_has_one_running_clock_of_a_kind'), models.UniqueConstraint(condition=models.Q(('case__isnull', False), ('stopped_at__isnull', True)), fields=('case', 'kind'), name='a_case_has_one_running_clock_of_a_kind'), models.UniqueConstraint(condition=models.Q(('handoff__isnull', False), ('stopped_at__isnull', True)), fields=('handoff', 'kind'), name='a_handoff_has_one_running_clock_of_a_kind'), models.UniqueConstraint(condition=models.Q(('partner_check__isnull', False), ('stopped_at__isnull', True)), fields=('partner_check', 'kind'), name='a_partner_check_has_one_running_clock_of_a_kind')],
                    'triggers': [pgtrigger.compiler.Trigger(name='a_clock_never_restarts', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF TG_OP = 'DELETE' OR OLD.stopped_at IS NOT NULL OR\n                   (NEW.started_at, NEW.policy_id, NEW.kind, NEW.contact_id, NEW.case_id, NEW.handoff_id,\n                    NEW.partner_check_id)\n                   IS DISTINCT FROM\n                   (OLD.started_at, OLD.policy_id, OLD.kind, OLD.contact_id, OLD.case_id, OLD.handoff_id,\n                    OLD.partner_check_id) THEN RAISE EXCEPTION 'A clock never restarts, and a stopped one stays stopped.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_clock_never_restarts'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='5cec9870f69a12dda0333079bc3e08f047b2d660', operation='UPDATE OR DELETE', pgid='pgtrigger_a_clock_never_restarts_6d4a0', table='casework_clock', when='BEFORE'))],
                },
            ),
            migrations.CreateModel(
                name='Reminder',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('step', models.CharField(choices=[('warning', 'Soon due'), ('breach', 'Late'), ('escalation', 'Still late a working day on')], max_length=10)),
                    ('created_at', models.DateTimeField()),
                    ('role', models.CharField(blank=True, choices=[('contact_officer', 'Contact officer'), ('social_worker', 'Social worker'), ('front_door_manager', 'Front-door manager'), ('team_member', 'Team member'), ('team_lead', 'Team lead'), ('service_manager', 'Service manager'), ('practice_lead', 'Practice lead'), ('auditor', 'Auditor'), ('information_governance', 'Information-governance officer'), ('administrator', 'Administrator')], max_length=30)),
                    ('clock', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='reminders', to='casework.clock')),
                    ('team', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reminders', to='localities.team')),
                    ('user', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reminders', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'ordering': ['-created_at', '-id'],
                    'indexes': [models.Index(condition=models.Q(('user__isnull', False)), fields=['user'], name='reminder_of_user'), models.Index(condition=models.Q(('team__isnull', False)), fields=['team'], name='reminder_of_team')],
                    'constraints': [models.UniqueConstraint(fields=('clock', 'step'), name='a_clock_reminds_of_a_step_once'), models.CheckConstraint(condition=models.Q(models.Q(('role', ''), ('team__isnull', True), ('user__isnull', False)), models.Q(('user__isnull', True), models.Q(models.Q(('role', ''), _negated=True), ('team__isnull', False), _connector='OR')), _connector='OR'), name='a_reminder_goes_to_a_person_a_role_or_a_team')],
                    'triggers': [pgtrigger.compiler.Trigger(name='a_reminder_never_changes', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'A reminder never changes.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_reminder_never_changes';", hash='9ebdf65a86ed7c3181862bdfcb8de3d5a71e9db4', operation='UPDATE OR DELETE', pgid='pgtrigger_a_reminder_never_changes_3223e', table='casework_reminder', when='BEFORE')), pgtrigger.compiler.Trigger(name='a_reminder_never_changes_all', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'A reminder never changes.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_reminder_never_changes_all';", hash='03770d9018b7f1142b014f88ce0214b8e43d082b', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_a_reminder_never_changes_all_94eb4', table='casework_reminder', when='BEFORE'))],
                },
            ),
            migrations.CreateModel(
                name='OutboxMessage',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(choices=[('acknowledgement', 'We have your contact'), ('red_contact', 'A red contact waits'), ('feedback', 'What we decided'), ('case_closed', 'The work has ended'), ('handoff_offered', 'A case is offered to your team'), ('handoff_returned', 'A case came back'), ('case_bounced', 'A case is back with a team that held it lately'), ('contact_handed_over', 'A contact passed to your team'), ('contact_linked', 'New information about a case of your team'), ('information_added', 'More is known about a contact'), ('graver_than_decided', 'What is known now is graver than what was decided'), ('contact_assigned', 'A contact is assigned to you'), ('partner_answered', 'A partner answered after the decision'), ('sign_off_wanted', 'A decision is awaiting sign-off'), ('sign_off_declined', 'Your decision was declined'), ('reminder', 'A deadline is near, or has passed'), ('restricted_contact', 'A restricted contact waits'), ('restriction_changed', 'A restriction of yours has changed'), ('glass_broken', 'Somebody opened a restricted record'), ('rule_set_proposed', 'A rule set waits for approval'), ('rule_set_sent_back', 'A proposal came back'), ('integrity_broken', 'Something that must never be false is'), ('recheck_differs', 'A stored recommendation does not come out as it was stored')], max_length=20)),
                    ('idempotency_key', models.CharField(max_length=100)),
                    ('to', models.EmailField(max_length=254)),
                    ('created_at', models.DateTimeField()),
                    ('not_before', models.DateTimeField()),
                    ('leased_until', models.DateTimeField(null=True)),
                    ('attempts', models.PositiveSmallIntegerField(default=0)),
                    ('last_error', models.TextField(blank=True)),
                    ('sent_at', models.DateTimeField(null=True)),
                    ('parked_at', models.DateTimeField(null=True)),
                    ('case', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='casework.case')),
                    ('contact', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='casework.contact')),
                    ('reminder', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='casework.reminder')),
                    ('rule_set', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='triage.rulesetversion')),
                    ('carried_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='carries', to='casework.outboxmessage')),
                    ('drop_reason', models.TextField(blank=True)),
                    ('dropped_at', models.DateTimeField(null=True)),
                    ('dropped_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('restriction', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='casework.restriction')),
                ],
                options={
                    'ordering': ['id'],
                    'indexes': [models.Index(condition=models.Q(('parked_at__isnull', True), ('sent_at__isnull', True)), fields=['not_before', 'id'], name='outbox_to_send'), models.Index(condition=models.Q(('dropped_at__isnull', True), ('parked_at__isnull', False)), fields=['parked_at'], name='outbox_parked'), models.Index(condition=models.Q(('parked_at__isnull', True), ('sent_at__isnull', True)), fields=['to', 'id'], name='outbox_waiting_for'), models.Index(condition=models.Q(('reminder__isnull', False)), fields=['to', 'created_at'], name='outbox_reminded'), models.Index(condition=models.Q(('contact__isnull', False)), fields=['contact'], name='message_of_contact'), models.Index(condition=models.Q(('case__isnull', False)), fields=['case'], name='message_of_case'), models.Index(condition=models.Q(('rule_set__isnull', False)), fields=['rule_set'], name='message_of_rule_set'), models.Index(condition=models.Q(('carried_by__isnull', False)), fields=['carried_by'], name='message_of_carried_by'), models.Index(condition=models.Q(('dropped_by__isnull', False)), fields=['dropped_by'], name='message_of_dropped_by'), models.Index(condition=models.Q(('restriction__isnull', False)), fields=['restriction'], name='message_of_restriction')],
                    'constraints': [models.CheckConstraint(condition=models.Q(('sent_at__isnull', True), ('parked_at__isnull', True), _connector='OR'), name='a_sent_message_is_not_parked'), models.CheckConstraint(condition=models.Q(('not_before__gte', models.F('created_at'))), name='a_message_goes_out_after_it_is_written'), models.UniqueConstraint(fields=('idempotency_key',), name='a_message_is_written_once'), models.CheckConstraint(condition=models.Q(models.Q(('drop_reason', ''), ('dropped_at__isnull', True), ('dropped_by__isnull', True)), models.Q(('drop_reason__regex', '\\S'), ('dropped_at__isnull', False), ('dropped_by__isnull', False), ('parked_at__isnull', False)), _connector='OR'), name='a_dropped_message_was_parked_and_says_who_and_why')],
                    'triggers': [pgtrigger.compiler.Trigger(name='a_sent_message_is_never_sent_again', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF TG_OP = 'DELETE' OR OLD.sent_at IS NOT NULL THEN RAISE EXCEPTION 'A message that was sent stays as it is, and none is deleted.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_sent_message_is_never_sent_again'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='5c473c87a67e22fe29840b6c24b33e63dc84e9d9', operation='UPDATE OR DELETE', pgid='pgtrigger_a_sent_message_is_never_sent_again_4e3dd', table='casework_outboxmessage', when='BEFORE')), pgtrigger.compiler.Trigger(name='messages_are_never_emptied', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'Messages are never deleted.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'messages_are_never_emptied';", hash='8815e6bbda2217a28dd72f882617fc1bdae8caff', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_messages_are_never_emptied_c81c3', table='casework_outboxmessage', when='BEFORE')), pgtrigger.compiler.Trigger(name='a_dropped_message_stays_dropped', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF OLD.dropped_at IS NOT NULL THEN RAISE EXCEPTION 'A message that somebody dropped stays dropped.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_dropped_message_stays_dropped'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='21049999aeeeec9dd780237994844cdbaa1f04ee', operation='UPDATE', pgid='pgtrigger_a_dropped_message_stays_dropped_e690c', table='casework_outboxmessage', when='BEFORE'))],
                },
            ),
            migrations.CreateModel(
                name='ClockChange',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(choices=[('paused', 'Paused'), ('resumed', 'Resumed'), ('extended', 'Extended'), ('recomputed', 'Computed again, as the calendar changed')], max_length=10)),
                    ('at', models.DateTimeField()),
                    ('reason', models.TextField()),
                    ('due_before', models.DateTimeField()),
                    ('due_after', models.DateTimeField()),
                    ('by', models.ForeignKey(help_text='Null: the service.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('clock', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='changes', to='casework.clock')),
                    ('edit', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='changes', to='casework.calendaredit')),
                ],
                options={
                    'ordering': ['id'],
                    'constraints': [models.CheckConstraint(condition=models.Q(('reason__regex', '\\S')), name='a_clock_changes_for_a_reason'), models.CheckConstraint(condition=models.Q(models.Q(('edit__isnull', False), ('kind', 'recomputed')), models.Q(models.Q(('kind', 'recomputed'), _negated=True), ('edit__isnull', True)), _connector='OR'), name='a_clock_is_computed_again_for_an_edit_of_the_calendar'), models.CheckConstraint(condition=models.Q(models.Q(('kind', 'extended'), _negated=True), ('due_after__gt', models.F('due_before')), _connector='OR'), name='an_extended_clock_is_due_later')],
                    'triggers': [pgtrigger.compiler.Trigger(name='a_clocks_change_stays', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'What was done to a clock stays written down.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_clocks_change_stays';", hash='6e9ab16d379f7a22bfbc08bd894f4bf85d44e285', operation='UPDATE OR DELETE', pgid='pgtrigger_a_clocks_change_stays_85bce', table='casework_clockchange', when='BEFORE')), pgtrigger.compiler.Trigger(name='a_clocks_change_stays_all', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'What was done to a clock stays written down.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_clocks_change_stays_all';", hash='8e730c0928138c6b1cc16f07b708ebe2ce320015', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_a_clocks_change_stays_all_9a304', table='casework_clockchange', when='BEFORE'))],
                },
            ),
            migrations.CreateModel(
                name='ReminderLook',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('at', models.DateTimeField()),
                    ('snoozed_until', models.DateTimeField(null=True)),
                    ('reason', models.TextField(blank=True)),
                    ('reminder', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='looks', to='casework.reminder')),
                    ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reminder_looks', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'ordering': ['id'],
                    'constraints': [models.UniqueConstraint(condition=models.Q(('snoozed_until__isnull', True)), fields=('reminder', 'user'), name='somebody_sees_a_reminder_for_the_first_time_once'), models.CheckConstraint(condition=models.Q(models.Q(('reason', ''), ('snoozed_until__isnull', True)), models.Q(('reason__regex', '\\S'), ('snoozed_until__gt', models.F('at')), ('snoozed_until__isnull', False)), _connector='OR'), name='a_reminder_is_snoozed_for_a_reason_until_later')],
                    'triggers': [pgtrigger.compiler.Trigger(name='a_look_at_a_reminder_stays', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'Who saw a reminder when stays written down.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_look_at_a_reminder_stays';", hash='b0a8e0004de2fe45cf6983b86026dae2ed51b3f0', operation='UPDATE OR DELETE', pgid='pgtrigger_a_look_at_a_reminder_stays_39940', table='casework_reminderlook', when='BEFORE')), pgtrigger.compiler.Trigger(name='a_look_at_a_reminder_stays_all', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'Who saw a reminder when stays written down.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_look_at_a_reminder_stays_all';", hash='2132c6ed2b8ab5b4c1eac5aeda26269502a20f6c', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_a_look_at_a_reminder_stays_all_2dc60', table='casework_reminderlook', when='BEFORE'))],
                },
            ),
            migrations.CreateModel(
                name='ConflictOfInterest',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('reason', models.TextField()),
                    ('declared_at', models.DateTimeField()),
                    ('ended_at', models.DateTimeField(null=True)),
                    ('end_reason', models.TextField(blank=True)),
                    ('case', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='casework.case')),
                    ('contact', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='casework.contact')),
                    ('declared_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('ended_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'verbose_name_plural': 'conflicts of interest',
                    'ordering': ['-id'],
                    'indexes': [models.Index(condition=models.Q(('ended_at__isnull', True)), fields=['user'], name='conflict_of_interest_in_force'), models.Index(condition=models.Q(('contact__isnull', False)), fields=['contact'], name='conflict_of_contact'), models.Index(condition=models.Q(('case__isnull', False)), fields=['case'], name='conflict_of_case')],
                    'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('case__isnull', True), ('contact__isnull', False)), models.Q(('case__isnull', False), ('contact__isnull', True)), _connector='OR'), name='a_conflict_of_interest_is_in_a_contact_or_a_case'), models.CheckConstraint(condition=models.Q(('reason__regex', '\\S')), name='a_conflict_of_interest_has_a_reason'), models.CheckConstraint(condition=models.Q(models.Q(('end_reason', ''), ('ended_at__isnull', True), ('ended_by__isnull', True)), models.Q(('end_reason__regex', '\\S'), ('ended_at__gte', models.F('declared_at')), ('ended_at__isnull', False), ('ended_by__isnull', False), models.Q(('ended_by', models.F('user')), _negated=True)), _connector='OR'), name='another_person_ends_a_conflict_of_interest')],
                    'triggers': [pgtrigger.compiler.Trigger(name='a_conflict_of_interest_stays', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'A conflict of interest is ended, never deleted.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_conflict_of_interest_stays';", hash='9bf32bc5f8e06f941d65cdcfa1a47217af608518', operation='DELETE', pgid='pgtrigger_a_conflict_of_interest_stays_9f17f', table='casework_conflictofinterest', when='BEFORE')), pgtrigger.compiler.Trigger(name='a_conflict_of_interest_stays_all', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'A conflict of interest is ended, never deleted.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_conflict_of_interest_stays_all';", hash='f1ba1e3519c998448642545641111b1d3a813927', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_a_conflict_of_interest_stays_all_dade1', table='casework_conflictofinterest', when='BEFORE')), pgtrigger.compiler.Trigger(name='a_conflict_of_interest_ends_once', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF OLD.ended_at IS NOT NULL\n                   OR (NEW.user_id, NEW.contact_id, NEW.case_id, NEW.reason, NEW.declared_at, NEW.declared_by_id)\n                      IS DISTINCT FROM\n                      (OLD.user_id, OLD.contact_id, OLD.case_id, OLD.reason, OLD.declared_at, OLD.declared_by_id) THEN RAISE EXCEPTION 'A conflict of interest stays as it was declared, and ends once.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_conflict_of_interest_ends_once'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='040b48ef5670d9410e2de5f5c9d033d5a537be47', operation='UPDATE', pgid='pgtrigger_a_conflict_of_interest_ends_once_9efd0', table='casework_conflictofinterest', when='BEFORE'))],
                },
            ),
            migrations.CreateModel(
                name='ConflictPerson',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('conflict', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='people', to='casework.conflictofinterest')),
                    ('person', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='casework.person')),
                ],
                options={
                    'verbose_name_plural': 'conflict people',
                    'constraints': [models.UniqueConstraint(fields=('conflict', 'person'), name='a_person_is_in_a_conflict_once')],
                    'triggers': [pgtrigger.compiler.Trigger(name='a_person_in_a_conflict_stays', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'Who is in a conflict of interest stays.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_person_in_a_conflict_stays';", hash='cb4c95f523d47ddce931eabc372ab401557a24a5', operation='DELETE', pgid='pgtrigger_a_person_in_a_conflict_stays_47646', table='casework_conflictperson', when='BEFORE')), pgtrigger.compiler.Trigger(name='a_person_in_a_conflict_stays_all', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'Who is in a conflict of interest stays.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_person_in_a_conflict_stays_all';", hash='8ee6032eb1f33552d4c3a78da3632dc375d6b8c8', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_a_person_in_a_conflict_stays_all_0eff7', table='casework_conflictperson', when='BEFORE'))],
                },
            ),
            migrations.CreateModel(
                name='RestrictedAccess',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('reason', models.TextField()),
                    ('since', models.DateTimeField()),
                    ('until', models.DateTimeField(null=True)),
                    ('reviewed_at', models.DateTimeField(null=True)),
                    ('review', models.TextField(blank=True)),
                    ('case', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='casework.case')),
                    ('contact', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='casework.contact')),
                    ('ended_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('given_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('reviewed_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('restriction', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='access', to='casework.restriction')),
                ],
                options={
                    'verbose_name_plural': 'restricted access',
                    'ordering': ['id'],
                    'indexes': [models.Index(fields=['restriction', 'user'], name='restricted_access_of_user'), models.Index(condition=models.Q(('given_by__isnull', True), ('reviewed_at__isnull', True)), fields=['since'], name='broken_glass_to_review')],
                    'constraints': [models.UniqueConstraint(condition=models.Q(('given_by__isnull', False), ('until__isnull', True)), fields=('restriction', 'user'), name='somebody_is_named_once_at_a_time'), models.CheckConstraint(condition=models.Q(('reason__regex', '\\S')), name='who_opens_a_restricted_record_says_why'), models.CheckConstraint(condition=models.Q(('given_by', models.F('user')), _negated=True), name='nobody_names_themselves'), models.CheckConstraint(condition=models.Q(('until__isnull', True), ('until__gte', models.F('since')), _connector='OR'), name='access_ends_after_it_begins'), models.CheckConstraint(condition=models.Q(('given_by__isnull', False), ('until__isnull', False), _connector='OR'), name='a_broken_glass_has_an_end'), models.CheckConstraint(condition=models.Q(models.Q(('review', ''), ('reviewed_at__isnull', True), ('reviewed_by__isnull', True)), models.Q(('given_by__isnull', True), ('review__regex', '\\S'), ('reviewed_at__isnull', False), ('reviewed_by__isnull', False), models.Q(('reviewed_by', models.F('user')), _negated=True)), _connector='OR'), name='another_person_reviews_a_broken_glass')],
                    'triggers': [pgtrigger.compiler.Trigger(name='who_could_open_a_restricted_record_stays', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'Who could open a restricted record stays.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'who_could_open_a_restricted_record_stays';", hash='1370f0eb4c8ddba5a2f0bb8af76ab9efbd4c9409', operation='DELETE', pgid='pgtrigger_who_could_open_a_restricted_record_stays_29391', table='casework_restrictedaccess', when='BEFORE')), pgtrigger.compiler.Trigger(name='who_could_open_a_restricted_record_stays_all', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'Who could open a restricted record stays.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'who_could_open_a_restricted_record_stays_all';", hash='4866fa23519c972e7978ea5f7ce38f832ab15aa2', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_who_could_open_a_restricted_record_stays_all_22961', table='casework_restrictedaccess', when='BEFORE')), pgtrigger.compiler.Trigger(name='access_is_never_prolonged', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF OLD.reviewed_at IS NOT NULL OR NEW.until > OLD.until OR (OLD.until IS NOT NULL AND NEW.until IS NULL)\n                   OR (NEW.restriction_id, NEW.user_id, NEW.given_by_id, NEW.reason, NEW.since, NEW.contact_id,\n                       NEW.case_id)\n                      IS DISTINCT FROM (OLD.restriction_id, OLD.user_id, OLD.given_by_id, OLD.reason, OLD.since,\n                       OLD.contact_id, OLD.case_id) THEN RAISE EXCEPTION 'Access to a restricted record ends, and is never prolonged. A review stays as it is.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'access_is_never_prolonged'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='e6d09b71615a2f31b635d770449d166c352f3b5e', operation='UPDATE', pgid='pgtrigger_access_is_never_prolonged_a6c18', table='casework_restrictedaccess', when='BEFORE')), pgtrigger.compiler.Trigger(name='nobody_is_let_in_where_a_restriction_was_lifted', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF EXISTS (\n                    SELECT FROM public.casework_restriction WHERE id = NEW.restriction_id AND lifted_at IS NOT NULL\n                ) THEN RAISE EXCEPTION 'This restriction was lifted: everybody may open the record.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'nobody_is_let_in_where_a_restriction_was_lifted'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='d470fe97b79973cff255a8af82aa421c573dcec6', operation='INSERT', pgid='pgtrigger_nobody_is_let_in_where_a_restriction_was_lifted_0e691', table='casework_restrictedaccess', when='BEFORE'))],
                },
            ),
            migrations.CreateModel(
                name='ContactDraft',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('key', models.CharField(help_text='Of the form. It is the idempotency key of the contact, too.', max_length=32, unique=True)),
                    ('typed', models.JSONField(default=dict, help_text='The values of each input, by its name, as they were typed.')),
                    ('version', models.PositiveIntegerField(default=1, help_text='How often it was saved.')),
                    ('page', models.CharField(blank=True, max_length=32, verbose_name='the open page that saved it last')),
                    ('started_at', models.DateTimeField()),
                    ('saved_at', models.DateTimeField()),
                    ('deleted_at', models.DateTimeField(null=True)),
                    ('contact', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='casework.contact')),
                    ('owner', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('split_from', models.ForeignKey(db_index=False, help_text='The draft that somebody else, or another tab, had changed in the meantime.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='casework.contactdraft')),
                ],
                options={
                    'ordering': ['-saved_at', '-id'],
                    'indexes': [models.Index(condition=models.Q(('contact__isnull', True), ('deleted_at__isnull', True)), fields=['owner', 'saved_at'], name='draft_by_owner'), models.Index(condition=models.Q(('contact__isnull', True), ('deleted_at__isnull', True)), fields=['started_at'], name='draft_by_start')],
                    'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('contact__isnull', True), ('deleted_at__isnull', True)), models.Q(('contact__isnull', False), ('deleted_at__isnull', True), ('typed', {})), models.Q(('contact__isnull', True), ('deleted_at__isnull', False), ('typed', {})), _connector='OR'), name='a_draft_that_is_finished_holds_nothing_typed')],
                    'triggers': [pgtrigger.compiler.Trigger(name='a_draft_is_finished_once', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF OLD.contact_id IS NOT NULL OR OLD.deleted_at IS NOT NULL OR OLD.key <> NEW.key THEN RAISE EXCEPTION 'A draft is submitted or deleted once, and keeps its key.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_draft_is_finished_once'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='64dd7443b647f7347ae3ec4a03006676fd3bb22f', operation='UPDATE', pgid='pgtrigger_a_draft_is_finished_once_e96c6', table='casework_contactdraft', when='BEFORE'))],
                },
            ),
        ]),
        # As databases have it that went from migration to migration: `actions/receiving.py` knows it by this name.
        migrations.RunSQL(
            "ALTER TABLE casework_person"
            " RENAME CONSTRAINT casework_person_reference_key TO casework_person_reference_4446badb_uniq",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(
            """
            INSERT INTO localities_referenceversion ("table", version)
            VALUES ('casework_clockpolicy', gen_random_uuid())
            """,
            """DELETE FROM localities_referenceversion WHERE "table" = 'casework_clockpolicy'""",
        ),
        migrations.RunSQL(CLOSED_PEOPLE, "DROP FUNCTION public.closed_people(bigint, timestamptz)"),
        migrations.RunSQL(HAS_ROLE, "DROP FUNCTION public.has_role(bigint, date, text[], text[])"),
        migrations.RunSQL(TEAMS_OF, "DROP FUNCTION public.teams_of(bigint, date)"),
        migrations.RunSQL(MAY_BE, "DROP FUNCTION public.who_may_be(bigint[], double precision)"),
        migrations.RunSQL(
            CLOSED_PEOPLE_AND_THOSE_LIKE_THEM,
            "DROP FUNCTION public.closed_people(bigint, timestamptz, double precision)",
        ),
    ]
