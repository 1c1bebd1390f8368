"""
Whoever may be a restricted person is closed as that person is, until somebody says whether they are one.

The rule is told in `models/visibility.py`.
"""

from django.db import migrations, models

# PostgreSQL plans it once for a connection, whatever the number of people: a plan takes longer than an answer. And it
# looks first whether there is any open likeness: mostly there is none. The indexes have those of 0.5 and more.
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
# Beside the one of two parameters, which a server of the release before asks as long as both run.
CLOSED_PEOPLE = """
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


class Migration(migrations.Migration):
    dependencies = [("casework", "0043_numbers_that_staff_recorded")]

    operations = [
        migrations.RunSQL(MAY_BE, "DROP FUNCTION public.who_may_be(bigint[], double precision)"),
        migrations.RunSQL(CLOSED_PEOPLE, "DROP FUNCTION public.closed_people(bigint, timestamptz, double precision)"),
        *(
            migrations.AddIndex(
                model_name="personmatch",
                index=models.Index(
                    fields=[column],
                    name=f"open_likeness_of_{column}",
                    condition=models.Q(("score__gte", 0.5), ("status", "proposed")),
                ),
            )
            for column in ("record", "person")
        ),
    ]
