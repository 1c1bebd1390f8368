"""
Whose records are closed to a reader, and what their roles are, as functions.

Every page asks both several times. PostgreSQL plans what is in a function once for a connection; as part of each
statement it took longer to plan than the statement to run. The rules are told in `models/visibility.py`.
"""

from django.db import migrations

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


class Migration(migrations.Migration):
    dependencies = [("casework", "0029_namesakes_in_hiding")]

    operations = [
        migrations.RunSQL(CLOSED_PEOPLE, "DROP FUNCTION public.closed_people(bigint, timestamptz)"),
        migrations.RunSQL(HAS_ROLE, "DROP FUNCTION public.has_role(bigint, date, text[], text[])"),
        migrations.RunSQL(TEAMS_OF, "DROP FUNCTION public.teams_of(bigint, date)"),
    ]
