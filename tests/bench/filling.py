"""
A history of the size that is asked for, made by SQL: contacts of the last fifteen years about families as they are.

400,000 contacts and a million people in less than three minutes, on two cores that have nothing else to do.

Postcodes are those of the county. Names are made up and as unequally common as names are in Britain: one person in a
hundred has the commonest surname, and three in ten have one of the hundred commonest. A household has one to four
children and one to three adults. Seven contacts are about five households, and some households are known very well.
Children are 0 to 17 years old at the household's first contact. Every fifth contact opened a case, which is closed.
Whoever is on another contact has another record, which is certainly theirs; and many children may be somebody else's
record, which nobody looked at yet.

Contacts, recommendations, decisions and cases are copies of a real one: only what must differ does.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from casework.families.likeness.describing import describe
from casework.families.person_keys import keys_of, written
from casework.models import Contact, Person

# Ids and references of copies start here. What is written for real stays far below.
FIRST = 1_000_000

# How many people share a name of each rank falls like 1 / (rank + shift). The prime strews the ranks, so that common
# names are no more alike than others.
SURNAMES, SHIFT_OF_SURNAMES = 32_000, 12
FIRST_NAMES, SHIFT_OF_FIRST_NAMES = 3_200, 8

HOUSEHOLDS = f"""
CREATE TEMPORARY TABLE household AS
WITH numbered AS (
    SELECT postcode, row_number() OVER (ORDER BY postcode) - 1 AS number FROM localities_postcode
),
picked AS (
    SELECT now() - random() * INTERVAL '15 years' AS first_contact_at,
           (ARRAY[1,1,1,1,1,1,1,1,1,2,2,2,2,2,2,2,3,3,3,4])[1 + floor(random() * 20)] AS children,
           (ARRAY[1,1,1,1,1,1,1,2,2,2,2,2,2,2,2,2,2,2,2,3])[1 + floor(random() * 20)] AS adults,
           (floor({SHIFT_OF_SURNAMES} * power({SURNAMES / SHIFT_OF_SURNAMES + 1}, random()))::int
            - {SHIFT_OF_SURNAMES}) * 7919 %% {SURNAMES} AS surname,
           floor(random() * (SELECT count(*) FROM localities_postcode)) AS home
    FROM generate_series(1, greatest(1, %(contacts)s * 5 / 7))
)
SELECT row_number() OVER in_time AS n, first_contact_at, children, adults,
       sum(children + adults) OVER in_time - children - adults AS people_before,
       (ARRAY['Ash','Bar','Cal','Dun','El','Far','Green','Hol','Ive','Ken','Lang','Mar','Nor','Old','Pem','Rad','Shel',
              'Thorn','Wal','Win'])[1 + surname %% 20]
       || (ARRAY['ber','bur','chest','cot','den','der','field','gate','ham','hing','ing','lan','ley','low','mer','ning',
                 'sel','shaw','ter','wick'])[1 + surname / 20 %% 20]
       || (ARRAY['ton','ford','son','wood','man','well','worth','by','land','stone','ridge','more','house','bridge',
                 'combe','hurst','stead','thorpe','bourne','dale'])[1 + surname / 400 %% 20]
       || (ARRAY['','s','e','er','y'])[1 + surname / 8000] AS last_name,
       postcode, 1 + floor(random() * 60) || ' '
       || (ARRAY['Acacia','Beech','Chapel','Church','Elm','Green','High','Hill','Mill','North','Park','Queen','School',
                 'Station','Victoria','West'])[1 + number %% 16]
       || (ARRAY[' Street',' Road',' Lane',' Avenue',' Close',' Way'])[1 + number / 16 %% 6] AS address
FROM picked JOIN numbered ON number = home
WINDOW in_time AS (ORDER BY first_contact_at ROWS UNBOUNDED PRECEDING)
"""

# The first contact of each household, and more of some.
CONTACTS_TO_MAKE = """
CREATE TEMPORARY TABLE copies AS
WITH counted AS (SELECT count(*) AS households FROM household),
picked AS (
    SELECT CASE WHEN n <= households THEN n ELSE 1 + floor(households * power(random(), 1.3)) END AS household,
           n > households AS is_another, random() AS later
    FROM generate_series(1, %(contacts)s) n, counted
)
SELECT row_number() OVER in_time AS n, picked.*,
       sum(children + adults) OVER in_time - children - adults AS rows_before,
       -- A new household's records stand for its people; another contact makes more records of them, after all people.
       CASE WHEN is_another
            THEN (SELECT sum(children + adults) FROM household)
                 + sum(CASE WHEN is_another THEN children + adults ELSE 0 END) OVER in_time - children - adults
            ELSE people_before END AS records_before
FROM (
    SELECT household.*, first_contact_at + CASE WHEN is_another THEN later ELSE 0 END * (now() - first_contact_at)
           AS received_at, is_another
    FROM picked JOIN household ON household.n = picked.household
) picked (household, first_contact_at, children, adults, people_before, last_name, postcode, address, received_at,
          is_another)
WINDOW in_time AS (ORDER BY received_at ROWS UNBOUNDED PRECEDING)
"""

PEOPLE = f"""
INSERT INTO casework_person (id, reference, first_name, last_name, also_known_as, date_of_birth, sex, ethnicity,
                             nhs_number, postcode, address, telephone)
SELECT {FIRST} + people_before + place, 'PER-' || to_char(people_before + place, 'FM00000000'),
       (ARRAY['Al','Ben','Cas','Da','El','Fay','Geo','Han','Is','Jo','Kat','Li','Ma','No','Ol','Po','Ro','Sa','To',
              'Zar'])[1 + name %% 20]
       || (ARRAY['a','an','ara','ay','elle','en','eth','ey','i','ia','ie','iel','in','is','ith','o','on','or','us','y']
          )[1 + name / 20 %% 20]
       || (ARRAY['','bel','dra','lyn','mir','na','ron','ta'])[1 + name / 400],
       last_name, '{{}}', born, 'U', '',
       -- Numbers that are nobody's: their check digits are wrong, or right by chance.
       CASE WHEN place <= children AND has_number < 0.6 THEN to_char(9000000000 + people_before + place, 'FM0000000000')
       END,
       postcode, address,
       -- The telephone of each household, which every other adult left.
       CASE WHEN place > children AND has_number < 0.5 THEN '0' || 7400000000 + people_before * 7919 %% 599999999
            ELSE '' END
FROM (
    SELECT household.*, place, random() AS has_number,
           (floor({SHIFT_OF_FIRST_NAMES} * power({FIRST_NAMES / SHIFT_OF_FIRST_NAMES + 1}, random()))::int
            - {SHIFT_OF_FIRST_NAMES}) * 1009 %% {FIRST_NAMES} AS name,
           CASE WHEN place <= children THEN (first_contact_at - random() * INTERVAL '17 years')::date
                -- Of every third adult nobody said when they were born.
                WHEN random() < 0.67
                THEN (first_contact_at - INTERVAL '20 years' - random() * INTERVAL '25 years')::date
           END AS born
    FROM household, generate_series(1, children + adults) place
) somebody
"""

RECORDS = f"""
INSERT INTO casework_person (id, reference, first_name, last_name, also_known_as, date_of_birth, sex, ethnicity,
                             nhs_number, postcode, address, telephone, same_as_id)
SELECT {FIRST} + records_before + place, 'PER-' || to_char(records_before + place, 'FM00000000'), first_name,
       person.last_name, also_known_as, date_of_birth, sex, ethnicity, nhs_number, person.postcode, person.address,
       telephone, person.id
FROM copies, generate_series(1, children + adults) place, casework_person person
WHERE is_another AND person.id = {FIRST} + people_before + place
"""

RECOMMENDATIONS = f"""
INSERT INTO casework_recommendation (id, contact_id, rule_set_id, made_at, facts, result, pathway, rag, level, hold)
SELECT {FIRST} + n, {FIRST} + n, rule_set_id, received_at, facts, result, pathway, rag, level, hold
FROM copies, casework_recommendation WHERE contact_id = %(contact)s
"""

DECISIONS = f"""
INSERT INTO casework_decision (id, contact_id, recommendation_id, decided_by_id, decided_at, pathway, level, rag,
                               overrides, rationale, needs_sign_off, sign_off_reasons, chosen_team_reason)
SELECT {FIRST} + n, {FIRST} + n, {FIRST} + n, decided_by_id, received_at + INTERVAL '1 hour', pathway, level, rag,
       overrides, rationale, FALSE, '{{}}', ''
FROM copies, casework_decision WHERE contact_id = %(contact)s
"""

CONTACTS = f"""
INSERT INTO casework_contact (id, reference, channel, received_at, agency_id, digest, document, type, source_code,
    received_by_phone, referrer_email, family_indicators, dash, agreement, agreement_given_by, parents_told,
    parents_told_reason, sharing_basis, status, team_id, recommendation_id, rag, decision_in_effect_id, case_id,
    screened_family_indicators)
SELECT {FIRST} + n, 'CON-' || to_char(n, 'FM00000000'), channel, copies.received_at, agency_id, digest, document, type,
       source_code, FALSE, '', '{{}}', '', agreement, '', parents_told, '', '', 'decided', team_id, {FIRST} + n, rag,
       {FIRST} + n, CASE WHEN n %% 5 = 0 THEN {FIRST} + n END, '{{}}'
FROM copies, casework_contact WHERE id = %(contact)s
"""

CHILDREN = f"""
INSERT INTO casework_contactchild (id, contact_id, position, person_id, recorded_as_id, ref, first_name, last_name,
    also_known_as, sex, ethnicity, nhs_number, postcode, address_is_confidential, indicators, screened_indicators)
SELECT {FIRST} + rows_before + place, {FIRST} + n, place - 1, {FIRST} + people_before + place,
       {FIRST} + records_before + place, 'c' || place, '', last_name, '{{}}', 'U', '', '', postcode, FALSE, '{{}}',
       '{{}}'
FROM copies, generate_series(1, children) place
"""

ADULTS = f"""
INSERT INTO casework_contactadult (id, contact_id, position, person_id, recorded_as_id, relationship, same_address)
SELECT {FIRST} + rows_before + children + place, {FIRST} + n, place - 1, {FIRST} + people_before + children + place,
       {FIRST} + records_before + children + place, 'mother', TRUE
FROM copies, generate_series(1, adults) place
"""

# Everybody on another contact is certainly who they were; and of two children in three, one other is proposed.
MATCHES = f"""
INSERT INTO casework_personmatch (child_id, adult_id, record_id, person_id, score, weights, status, settled_at)
SELECT CASE WHEN place <= children THEN {FIRST} + rows_before + place END,
       CASE WHEN place > children THEN {FIRST} + rows_before + place END,
       {FIRST} + records_before + place, {FIRST} + people_before + place, 0.999999, 'weights/1', 'certain', received_at
FROM copies, generate_series(1, children + adults) place WHERE is_another
UNION ALL
SELECT {FIRST} + rows_before + place, NULL, {FIRST} + records_before + place,
       {FIRST} + 1 + floor(random() * people_before), 0.1 + 0.4 * random(), 'weights/1', 'proposed', NULL
FROM copies, generate_series(1, children) place WHERE random() < 0.67 AND people_before > 0
"""

CASES = f"""
INSERT INTO casework_case (id, reference, status, opened_at, received_at, pathway, rag, route_reason, closed_at,
                           outcome, closing_summary, closed_by_id, locality_id, opened_by_decision_id)
SELECT {FIRST} + n, 'CAS-' || to_char(n, 'FM00000000'), 'closed', copies.received_at + INTERVAL '1 hour',
       copies.received_at, pathway, rag, route_reason, copies.received_at + INTERVAL '90 days', 'needs_met',
       'They know where to turn.', %(closed_by)s, locality_id, {FIRST} + n
FROM copies, casework_case WHERE casework_case.id = %(case)s AND n %% 5 = 0
"""

CHILDREN_OF_CASES = f"""
INSERT INTO casework_casechild (case_id, person_id)
SELECT {FIRST} + n, {FIRST} + people_before + place FROM copies, generate_series(1, children) place WHERE n %% 5 = 0
"""

RESPONSIBILITIES = f"""
INSERT INTO casework_responsibility (period, case_id, team_id)
SELECT tstzrange(received_at + INTERVAL '1 hour', received_at + INTERVAL '90 days'), {FIRST} + n, team_id
FROM copies, casework_responsibility WHERE case_id = %(case)s AND n %% 5 = 0
"""

# One of each contact runs, and falls due at some time in the next months.
CLOCKS = f"""
INSERT INTO casework_clock (policy_id, kind, contact_id, started_at, warn_at, due_at, escalate_at, next_at, ended)
SELECT policy_id, 'feedback_to_referrer', {FIRST} + n, started_at, warn_at + later, due_at + later, escalate_at + later,
       warn_at + later, ''
FROM copies, casework_clock, LATERAL (SELECT INTERVAL '90 days' + n %% 12960 * INTERVAL '10 minutes' AS later) spread
WHERE contact_id = %(contact)s AND kind = 'next_step_decision'
"""

# What was said on the telephone about each contact, and of each case.
NOTES = f"""
INSERT INTO casework_note (contact_id, case_id, edition, kind, written_by_id, written_at, text, was_wrong, child_ids,
                           adult_ids, readers)
SELECT CASE WHEN of = 'contact' THEN {FIRST} + n END, CASE WHEN of = 'case' THEN {FIRST} + n END, 1, 'call',
       %(closed_by)s, received_at + INTERVAL '2 hours', 'They were at home.', '', '{{}}', '{{}}', 'record'
FROM copies, unnest(ARRAY['contact', 'case']) of WHERE of = 'contact' OR n %% 5 = 0
"""

# The indexes of a table but those of its constraints.
INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
WHERE indrelid = %s::regclass AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
"""
# Every reference of a table to another: the columns on both sides.
REFERENCES = """
SELECT conrelid::regclass::text, a.attname, confrelid::regclass::text, b.attname
FROM pg_constraint
JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = conkey[1]
JOIN pg_attribute b ON b.attrelid = confrelid AND b.attnum = confkey[1]
WHERE contype = 'f' AND conrelid::regclass::text LIKE 'casework%'
"""


def fill(contacts: int) -> None:
    """
    So many contacts, and two and a half times as many people, beside the one decided contact that they copy.

    References are checked once, in the end, in place of row by row; everything else is checked as it is written.
    """
    decided = Contact.objects.select_related("decision_in_effect").get(status="decided")
    assert decided.decision_in_effect is not None
    names = {
        "contacts": contacts, "contact": decided.pk, "case": decided.case_id,
        "closed_by": decided.decision_in_effect.decided_by_id,
    }  # fmt: skip
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("SET LOCAL work_mem = '256MB'")
        cursor.execute("SET LOCAL maintenance_work_mem = '256MB'")
        # The same history every time.
        cursor.execute("SELECT setseed(0.5)")
        cursor.execute(HOUSEHOLDS, names)
        cursor.execute(CONTACTS_TO_MAKE, names)
        cursor.execute("ANALYZE household, copies")
        for statement in (
            PEOPLE, RECORDS, RECOMMENDATIONS, DECISIONS, CASES, CHILDREN_OF_CASES, RESPONSIBILITIES, CONTACTS, CHILDREN,
            ADULTS, MATCHES, CLOCKS, NOTES,
        ):  # fmt: skip
            _insert(cursor, statement, names)
        cursor.execute("DROP TABLE household, copies")
        _check_references(cursor)
    # As a database of an earlier release gets them.
    import_module("casework.migrations.0016_person_keys").fill_keys()
    with connection.cursor() as cursor:
        _check_keys(cursor)
        cursor.execute("VACUUM ANALYZE")
        # Else the server writes all this down while something is measured.
        cursor.execute("CHECKPOINT")


def _insert(cursor: CursorWrapper, statement: str, names: Mapping[str, Any]) -> None:
    """Inserts into a table without its indexes, and builds them afterwards: both cores build one."""
    cursor.execute(INDEXES, [statement.split()[2]])
    indexes = cursor.fetchall()
    for name, _ in indexes:
        cursor.execute(f"DROP INDEX {name}")
    cursor.execute(statement, names)
    for _, definition in indexes:
        cursor.execute(definition)


def _check_references(cursor: CursorWrapper) -> None:
    cursor.execute(REFERENCES)
    for table, column, other, key in cursor.fetchall():
        cursor.execute(
            f"SELECT count(*) FROM {table} a WHERE {column} IS NOT NULL "
            f"AND NOT EXISTS (SELECT FROM {other} b WHERE b.{key} = a.{column})"
        )
        assert cursor.fetchone() == (0,), f"{table}.{column} names rows that {other} does not have"


def _check_keys(cursor: CursorWrapper) -> None:
    """A sample of those who were filled in have the keys that a contact about them would give them."""
    people = Person.objects.filter(pk__gt=FIRST, same_as__isnull=True).count()
    sample = range(FIRST + 1, FIRST + people + 1, max(1, people // 100))
    for person in Person.objects.filter(pk__in=sample):
        cursor.execute(
            "SELECT ARRAY(SELECT key FROM casework_personkey WHERE person_id = %s ORDER BY key) = "
            "ARRAY(SELECT hashtextextended(text, 0) AS key FROM unnest(%s::text[]) AS text ORDER BY key)",
            [person.pk, list(set(keys_of(describe(written(person)))))],
        )
        assert cursor.fetchone() == (True,), f"{person.reference} has other keys"
