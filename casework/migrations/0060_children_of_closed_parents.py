"""
A child is closed with a parent: where the parent is restricted, or the reader has a conflict of interest in the parent.

The rule is told in `models/visibility.py`.
"""

from django.db import migrations

# Who is whose parent, by any of their records: as a contact of the family says, or as staff recorded it with either of
# the two. What a parent is called stands as people wrote it: "Birth mother", "mum", "Step-father"; but not "mother's
# partner", "godmother" or "mother-in-law".
PARENTS = r"""
CREATE VIEW public.casework_parents AS
WITH words AS (
    SELECT '(^|[^[:alpha:]])((step|foster|adoptive|birth)[ -]?)?' AS before, '([^[:alpha:]]|$)' AS after,
           '[''’]s[^[:alpha:]]|in.law|god|grand|partner|friend' AS somebody_else
)
SELECT adult.person_id AS parent_id, child.person_id AS child_id
FROM words, public.casework_contactadult adult
JOIN public.casework_contactchild child ON child.contact_id = adult.contact_id AND child.in_family
WHERE adult.in_family AND adult.relationship !~* somebody_else
  AND adult.relationship ~* (before || '(mother|mum|mummy|mom|mam|father|dad|daddy|parent|guardian)' || after)
UNION ALL
SELECT said.other_id, said.person_id FROM words, public.casework_persondetail said
WHERE said.kind = 'relationship' AND said.in_error_at IS NULL AND said.ended_at IS NULL AND said.other_id IS NOT NULL
  AND said.qualifier !~* somebody_else
  AND said.qualifier ~* (before || '(mother|mum|mummy|mom|mam|father|dad|daddy|parent|guardian)' || after)
UNION ALL
SELECT said.person_id, said.other_id FROM words, public.casework_persondetail said
WHERE said.kind = 'relationship' AND said.in_error_at IS NULL AND said.ended_at IS NULL AND said.other_id IS NOT NULL
  AND said.qualifier !~* somebody_else
  AND said.qualifier ~* (before || '(child|son|daughter|baby)' || after)
"""
# As `who_may_be` of 0044: PostgreSQL plans each once for a connection.
FUNCTION = """
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 20 SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
"""
CLOSES = f"""
CREATE FUNCTION public.closes(people bigint[], careful double precision)
RETURNS TABLE (person_id bigint, closed_id bigint) {FUNCTION}
DECLARE
    records bigint[];
BEGIN
    records := people || ARRAY(SELECT joined.id FROM public.casework_person joined WHERE joined.same_as_id = ANY(people));
    RETURN QUERY
    WITH own AS (
        SELECT one.id AS person_id, one.id AS theirs FROM unnest(people) AS one (id)
        UNION
        SELECT COALESCE(parent.same_as_id, parent.id), COALESCE(child.same_as_id, child.id)
        FROM public.casework_parents family
        JOIN public.casework_person parent ON parent.id = family.parent_id
        JOIN public.casework_person child ON child.id = family.child_id
        WHERE family.parent_id = ANY(records)
    )
    SELECT own.person_id, alike.may_be_id
    FROM public.who_may_be(ARRAY(SELECT DISTINCT theirs FROM own), careful) alike
    JOIN own ON own.theirs = alike.person_id;
END $$
"""
CLOSED_BY = f"""
CREATE FUNCTION public.closed_by(people bigint[], careful double precision)
RETURNS TABLE (person_id bigint, closing_id bigint) {FUNCTION}
DECLARE
    own bigint[];
    alike bigint[];
    records bigint[];
BEGIN
    SELECT array_agg(one.person_id), array_agg(one.may_be_id) INTO own, alike
    FROM public.who_may_be(people, careful) AS one;
    records := alike || ARRAY(SELECT joined.id FROM public.casework_person joined WHERE joined.same_as_id = ANY(alike));
    RETURN QUERY
    WITH found AS (
        SELECT one.person_id, one.may_be_id FROM unnest(own, alike) AS one (person_id, may_be_id)
    )
    SELECT person_id, may_be_id FROM found
    UNION
    SELECT found.person_id, COALESCE(parent.same_as_id, parent.id)
    FROM public.casework_parents family
    JOIN public.casework_person parent ON parent.id = family.parent_id
    JOIN public.casework_person child ON child.id = family.child_id
    JOIN found ON found.may_be_id = COALESCE(child.same_as_id, child.id)
    WHERE family.child_id = ANY(records);
END $$
"""
# As of 0044, with the children.
CLOSED_PEOPLE = """
CREATE OR REPLACE FUNCTION public.closed_people(reader bigint, moment timestamptz, careful double precision)
RETURNS bigint[] LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
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
    IF cardinality(closed) = 0 THEN
        RETURN closed;
    END IF;
    RETURN ARRAY({found});
END $$
"""
CLOSED = "SELECT DISTINCT one.closed_id FROM public.closes(closed, careful) AS one"
MAY_BE = "SELECT DISTINCT who.may_be_id FROM public.who_may_be(closed, careful) AS who"


class Migration(migrations.Migration):
    dependencies = [("casework", "0059_agreement_that_nobody_knows")]

    operations = [
        migrations.RunSQL(PARENTS, "DROP VIEW public.casework_parents"),
        migrations.RunSQL(CLOSES, "DROP FUNCTION public.closes(bigint[], double precision)"),
        migrations.RunSQL(CLOSED_BY, "DROP FUNCTION public.closed_by(bigint[], double precision)"),
        migrations.RunSQL(CLOSED_PEOPLE.format(found=CLOSED), CLOSED_PEOPLE.format(found=MAY_BE)),
    ]
