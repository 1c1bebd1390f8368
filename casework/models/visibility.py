"""
Who may see which contacts, cases and clocks: as conditions in SQL.

Every page asks several of them, and the ORM takes ten times as long to compose one as the database to answer it.
"""

# ruff: noqa: S608  # every part is a constant of this module

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db.models import BigIntegerField, BooleanField, F, Func, QuerySet, Value
from django.db.models.functions import Coalesce

from localities.models import FRONT_DOOR_KINDS, FRONT_DOOR_ROLES, OVERSEEING_ROLES, User
from localities.working_time import local_day
from triage.reading import load_yaml

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models.expressions import Combinable
    from django.db.models.sql.compiler import SQLCompiler

# As `families/likeness/weights.py`, which is in a room above this one, has it.
SHIPPED_WEIGHTS = Path(__file__).parents[1] / "families" / "likeness" / "data" / "weights-3.yaml"

# {0}, {1} and so on are columns of the query; %(user)s is the reader, %(now)s and %(today)s the time.

# {0}: the restriction. {1}: its owner. {2}: when it was lifted. {3}: the user.
KEEPS_OUT = """({2} IS NULL AND {1} <> {3} AND NOT EXISTS (
    SELECT FROM casework_restrictedaccess access
    WHERE access.restriction_id = {0} AND access.user_id = {3} AND (access.until IS NULL OR access.until > %(now)s)))"""

# The people whose records are closed to the user: those restricted, whose restriction keeps the user out; those in whom
# the user has a conflict of interest; and whoever these close (`CLOSES`). They are few: PostgreSQL finds them once for
# a statement. A function, as the next ones, because it is planned once for a connection
# (`migrations/0060_children_of_closed_parents.py`).
CLOSED_PEOPLE = "(SELECT public.closed_people(%(user)s, %(now)s, %(careful)s))::bigint[]"

# Whoever is closed closes also who may be the same person: there is a possible match with a score that makes the
# rules careful (`closes_from`), and nobody has confirmed or rejected it. And a parent closes a child, and who may be
# that child: a contact of the family says that they are parent and child, or staff recorded it
# (`migrations/0065_whose_mother.py`).
# Pairs of people, by the records that stand for them. {0}: people, as an array. `CLOSES`: each of these (`person_id`)
# with themselves and with whom they close, if they are closed (`closed_id`). `CLOSED_BY`: each with themselves and with
# those who close them, if those are closed (`closing_id`).
CLOSES = "public.closes({0}::bigint[], %(careful)s)"
CLOSED_BY = "public.closed_by({0}::bigint[], %(careful)s)"
# The least that `careful` can be: two indexes have open matches from here on. See also `families/likeness/weights.py`.
CLOSES_AT_LEAST = 0.5

# The same for paper that anybody in a team may read: the people whom a restriction closes to somebody, or in whom
# somebody has a conflict of interest, and whoever these close.
CLOSED_TO_SOMEBODY = """ARRAY(SELECT closed_id FROM {})""".format(
    CLOSES.format("""ARRAY(
        SELECT COALESCE(person.same_as_id, person.id)
        FROM casework_restriction restriction JOIN casework_person person ON person.id = restriction.person_id
        WHERE restriction.lifted_at IS NULL
      UNION
        SELECT COALESCE(person.same_as_id, person.id)
        FROM casework_conflictofinterest conflict
        JOIN casework_conflictperson among ON among.conflict_id = conflict.id
        JOIN casework_person person ON person.id = among.person_id
        WHERE conflict.ended_at IS NULL)""")
)

# "IS FALSE" lets PostgreSQL choose by how many rows are asked about: it looks the people of few contacts up, and for
# many it finds all contacts of these people once. A join would read everybody on every contact.
# {0}: the contact.
IS_OPEN_CONTACT = f"""(
    (EXISTS (SELECT FROM casework_contactchild child
             WHERE child.contact_id = {{0}} AND child.person_id = ANY({CLOSED_PEOPLE}))) IS FALSE
    AND (EXISTS (SELECT FROM casework_contactadult adult
                 WHERE adult.contact_id = {{0}} AND adult.person_id = ANY({CLOSED_PEOPLE}))) IS FALSE)"""

# {0}: the case.
IS_OPEN_CASE = f"""(
    (EXISTS (SELECT FROM casework_casechild child
             WHERE child.case_id = {{0}} AND child.person_id = ANY({CLOSED_PEOPLE}))) IS FALSE
    AND (EXISTS (SELECT FROM casework_contactadult adult JOIN casework_contact about ON about.id = adult.contact_id
                 WHERE about.case_id = {{0}} AND adult.person_id = ANY({CLOSED_PEOPLE}))) IS FALSE)"""

# By the memberships of today, of somebody who is active.
TEAMS = "(SELECT public.teams_of(%(user)s, %(today)s))::bigint[]"
OVERSEES = "(SELECT public.has_role(%(user)s, %(today)s, %(overseeing)s, NULL))"
SEES_ALL_CONTACTS = (
    f"({OVERSEES} OR (SELECT public.has_role(%(user)s, %(today)s, %(front_door)s, %(front_door_kinds)s)))"
)

# {0}: the case. {1}: when it closed. An open case has no end; the team that closed a case still sees its outcome.
IS_CASE_OF_TEAMS = f"""(
    EXISTS (SELECT FROM casework_responsibility spell
            WHERE spell.case_id = {{0}} AND (upper(spell.period) IS NULL OR upper(spell.period) = {{1}})
              AND spell.team_id = ANY({TEAMS}))
    OR EXISTS (SELECT FROM casework_handoff handoff
               WHERE handoff.case_id = {{0}} AND handoff.status = 'offered' AND handoff.to_team_id = ANY({TEAMS})))"""

# {0}: the case of a contact.
IS_CONTACT_OF_TEAMS = f"""EXISTS (SELECT FROM casework_case of_teams
    WHERE of_teams.id = {{0}} AND {IS_CASE_OF_TEAMS.format("of_teams.id", "of_teams.closed_at")})"""

# {0}: who may read the note. {1}: who wrote it. {2}: the team that may. A contact goes to and fro between the front
# door and emergency duty, so each reads what the other wrote.
READS_NOTE = f"""({{0}} = 'record' OR {{1}} = %(user)s OR {OVERSEES} OR {{2}} = ANY({TEAMS})
    OR (SELECT public.has_role(%(user)s, %(today)s, %(front_door)s, %(front_door_kinds)s))
       AND {{2}} IN (SELECT team.id FROM localities_team team WHERE team.kind = ANY(%(front_door_kinds)s)))"""


class Condition(Func):
    """
    A condition in SQL.

    :param sql: with {0}, {1} and so on for the columns, and %(name)s for the values.
    :param columns: columns of the query, or expressions of them.
    """

    output_field = BooleanField()

    def __init__(self, sql: str, *columns: Combinable, values: tuple[tuple[str, Any], ...]) -> None:
        super().__init__(*columns)
        self.sql, self.values = sql, dict(values)

    def as_sql(  # type: ignore[override]  # of Func's options for its template there are none here
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        columns = [compiler.compile(column) for column in self.source_expressions]
        says: list[str] = []
        params: list[Any] = []
        for text, column, name in _pieces(self.sql):
            says.append(text)
            if column:
                says.append(columns[int(column)][0])
                params += columns[int(column)][1]
            elif name:
                says.append("%s")
                params.append(self.values[name])
        return "".join(says), tuple(params)


@cache
def _pieces(sql: str) -> list[tuple[str, str, str]]:
    """The SQL in pieces: text, and what follows it: the number of a column, or the name of a value, or nothing."""
    return re.findall(r"(.*?)(?:\{(\d)\}|%\((\w+)\)s|$)", " ".join(sql.split()))


def _values(user: User, now: datetime) -> tuple[tuple[str, Any], ...]:
    return (
        ("user", user.pk),
        ("now", now),
        ("careful", closes_from()),
        ("today", local_day(now)),
        ("overseeing", [role.value for role in OVERSEEING_ROLES]),
        ("front_door", [role.value for role in FRONT_DOOR_ROLES]),
        ("front_door_kinds", [kind.value for kind in FRONT_DOOR_KINDS]),
    )


def closes_from() -> float:
    """
    The score from which an open match closes the record of whoever may be restricted: the one that makes the rules
    careful, `careful` beside the weights.
    """
    return _careful(settings.MATCHING_WEIGHTS or str(SHIPPED_WEIGHTS))


@cache
def _careful(path: str) -> float:
    # The weights were checked when the service started.
    careful: float = load_yaml(Path(path).read_text(encoding="utf-8"))["careful"]
    return careful


def closes_one_of(column: Combinable, people: QuerySet[Any, Any] | Iterable[int]) -> Condition:
    """
    The condition that a person, if closed, closes one of these: see `CLOSED_BY`.

    :param column: the record that stands for the person.
    :param people: the ids of records that stand for people, or a query for them.
    """
    return _among(column, f"SELECT closing_id FROM {CLOSED_BY.format('{1}')}", people)


def is_closed_by(column: Combinable, people: QuerySet[Any, Any] | Iterable[int]) -> Condition:
    """The condition that one of these people, who are closed, closes a person: see `CLOSES` and `closes_one_of`."""
    return _among(column, f"SELECT closed_id FROM {CLOSES.format('{1}')}", people)


def _among(column: Combinable, found: str, people: QuerySet[Any, Any] | Iterable[int]) -> Condition:
    these = ArraySubquery(people) if isinstance(people, QuerySet) else Value([*people], ArrayField(BigIntegerField()))
    return Condition(f"{{0}} IN ({found})", column, these, values=(("careful", closes_from()),))


def keeps_out(user: Combinable, now: datetime) -> Condition:
    """The condition that a restriction keeps a user out. :param user: the user's id, as an expression."""
    return Condition(KEEPS_OUT, F("pk"), F("owner"), F("lifted_at"), user, values=(("now", now),))


def sees_contact(user: User, now: datetime) -> Condition:
    """
    The condition that a user's roles show them a contact, were none restricted.

    Front-door staff and those who oversee practice see all. A team sees the contacts of the cases that it may see.
    """
    return Condition(f"({SEES_ALL_CONTACTS} OR {IS_CONTACT_OF_TEAMS})", F("case"), values=_values(user, now))


def sees_case(user: User, now: datetime) -> Condition:
    """
    The condition that a user's roles show them a case, were none restricted.

    Those who oversee practice see all. A team sees the cases that it is responsible for or that it is offered, and the
    closed cases that it was responsible for last.
    """
    return Condition(f"({OVERSEES} OR {IS_CASE_OF_TEAMS})", F("pk"), F("closed_at"), values=_values(user, now))


def reads_note(user: User, now: datetime) -> Condition:
    """
    The condition that a user may read a note of a record that they may open: everybody may, or those of the writer's
    team, who wrote it, and those who oversee practice.
    """
    return Condition(READS_NOTE, F("readers"), F("written_by"), F("team"), values=_values(user, now))


def is_open_contact(user: User, now: datetime, contact: Combinable) -> Condition:
    """
    The condition that a contact is not closed to a user, by a child or an adult on it: see `CLOSED_PEOPLE`.

    :param contact: the contact's id.
    """
    return Condition(IS_OPEN_CONTACT, contact, values=_values(user, now))


def is_open_to_everybody(contact: Combinable) -> Condition:
    """The condition that a contact is closed to nobody: see `CLOSED_TO_SOMEBODY`."""
    return Condition(
        IS_OPEN_CONTACT.replace(CLOSED_PEOPLE, CLOSED_TO_SOMEBODY), contact, values=(("careful", closes_from()),)
    )


def is_open_case(user: User, now: datetime, case: Combinable) -> Condition:
    """The condition that a case is not closed to a user, by a child in it or by an adult on one of its contacts."""
    return Condition(IS_OPEN_CASE, case, values=_values(user, now))


def is_open_record(
    user: User, now: datetime, contact: Combinable | None = None, case: Combinable | None = None
) -> Condition:
    """
    The condition that neither the contact nor the case of a row is closed to a user.

    :param contact: the id of the contact; None for the column `contact`.
    :param case: the id of the case; None for the column `case`.
    """
    sql = f"({IS_OPEN_CONTACT} AND {IS_OPEN_CASE.replace('{0}', '{1}')})"
    return Condition(sql, contact or F("contact"), case or F("case"), values=_values(user, now))


def is_open_clock(user: User, now: datetime, clock: str = "") -> Condition:
    """
    The condition that a clock's contact or case is not closed to a user.

    :param clock: the path from the row to its clock, as "clock__".
    """
    contact = Coalesce(F(f"{clock}contact"), F(f"{clock}partner_check__contact"))
    case = Coalesce(F(f"{clock}case"), F(f"{clock}handoff__case"))
    return is_open_record(user, now, contact, case)
