"""
The open list: every open contact and case with its family, its owner, and what is due when. Printed, or as a file, it
carries the work on the day on which the service is down.

One statement reads the records of any number of teams, and two the families. The cost follows the open work.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import F, Q

from casework.deadlines.titles import title_of
from casework.families.confidentiality import HiddenHome, hidden_homes, hidden_homes_of_each
from casework.families.naming import name_rows
from casework.models import Contact, ContactChild, OpenListCopy
from casework.models.visibility import (
    CLOSED_PEOPLE,
    CLOSED_TO_SOMEBODY,
    IS_OPEN_CASE,
    IS_OPEN_CONTACT,
    closes_from,
    is_open_contact,
    is_open_to_everybody,
)
from casework.statuses import ContactStatus, HandoffStatus, PartnerCheckStatus
from localities.models import FRONT_DOOR_KINDS, Team, User
from localities.working_time import in_words, local_day
from triage.published_rules import title_of_pathway
from triage.ruleset import Hold, Rag

# A copy in the folder is made every quarter of an hour.
OPEN_LIST_IS_STALE = timedelta(minutes=45)
FRONT_DOOR = "Front door and emergency duty"
NOT_SHOWN = "Name not shown: it is like a confidential address"

# {contact} and {case}: whether the record is open to the reader. Each record comes once for each of its teams: with the
# team that is responsible for it, and with the one to which it is offered.
RECORDS = """
WITH record AS (
    SELECT contact.id AS contact_id, NULL::bigint AS case_id, contact.reference, contact.rag, contact.team_id,
           NULL::bigint AS offered_to_id, contact.owner_id AS who_id, contact.received_at AS since, '' AS pathway,
           recommendation.rule_set_id, {contact} AS is_open,
           CASE WHEN contact.status = %(sign_off)s THEN 'sign_off'
                WHEN EXISTS (SELECT FROM casework_partnercheck asked
                             WHERE asked.contact_id = contact.id AND asked.status = %(asked)s) THEN 'information'
                WHEN recommendation.hold = %(agreement)s THEN 'agreement'
                WHEN EXISTS (SELECT FROM casework_contacthandover handover
                             WHERE handover.contact_id = contact.id AND handover.taken_on_at IS NULL
                               AND handover.lapsed_at IS NULL) THEN 'to_take_on'
                ELSE 'to_decide' END AS waits
    FROM casework_contact contact
    LEFT JOIN casework_recommendation recommendation ON recommendation.id = contact.recommendation_id
    WHERE contact.status <> %(decided)s AND (%(teams)s::bigint[] IS NULL OR contact.team_id = ANY(%(teams)s))
  UNION ALL
    SELECT NULL, about.id, about.reference, about.rag, spell.team_id, handoff.to_team_id, about.lead_practitioner_id,
           lower(spell.period), about.pathway, recommendation.rule_set_id, {case},
           CASE WHEN handoff.id IS NOT NULL THEN 'offered' ELSE 'work' END
    FROM casework_case about
    JOIN casework_responsibility spell ON spell.case_id = about.id AND upper(spell.period) IS NULL
    JOIN casework_decision decision ON decision.id = about.opened_by_decision_id
    JOIN casework_recommendation recommendation ON recommendation.id = decision.recommendation_id
    LEFT JOIN casework_handoff handoff ON handoff.case_id = about.id AND handoff.status = %(offered)s
    WHERE about.status = 'open'
      AND (%(teams)s::bigint[] IS NULL OR spell.team_id = ANY(%(teams)s) OR handoff.to_team_id = ANY(%(teams)s))
)
SELECT record.contact_id, record.case_id, record.reference, record.rag, record.team_id, record.offered_to_id,
       record.since, record.pathway, record.rule_set_id, record.is_open, record.waits,
       who.name, who.telephone, who.is_active, absence.last_day, cover.name, cover.telephone, due.kind, due.due_at
FROM record
LEFT JOIN localities_user who ON who.id = record.who_id
LEFT JOIN casework_absence absence ON absence.person_id = who.id AND absence.withdrawn_at IS NULL
      AND absence.first_day <= %(today)s AND absence.last_day >= %(today)s
LEFT JOIN localities_user cover ON cover.id = absence.covered_by_id
LEFT JOIN LATERAL (
    SELECT clock.kind, clock.due_at FROM (
        SELECT kind, due_at, paused_at, stopped_at FROM casework_clock WHERE contact_id = record.contact_id
      UNION ALL
        SELECT asks.kind, asks.due_at, asks.paused_at, asks.stopped_at
        FROM casework_partnercheck partner_check JOIN casework_clock asks ON asks.partner_check_id = partner_check.id
        WHERE partner_check.contact_id = record.contact_id
      UNION ALL
        SELECT kind, due_at, paused_at, stopped_at FROM casework_clock WHERE case_id = record.case_id
      UNION ALL
        SELECT answer.kind, answer.due_at, answer.paused_at, answer.stopped_at
        FROM casework_handoff handoff JOIN casework_clock answer ON answer.handoff_id = handoff.id
        WHERE handoff.case_id = record.case_id AND handoff.status = %(offered)s
    ) clock WHERE clock.stopped_at IS NULL AND clock.paused_at IS NULL ORDER BY clock.due_at LIMIT 1
) due ON TRUE
ORDER BY COALESCE(array_position(%(ratings)s::text[], record.rag::text), 9), due.due_at NULLS LAST, record.since,
         record.reference
"""
WAITS = {
    "sign_off": "Awaiting sign-off",
    "information": "Waiting for information",
    "agreement": "Waiting for agreement",
    "to_take_on": "Not taken on yet",
    "to_decide": "Awaiting a decision",
}


class _Record(NamedTuple):
    contact_id: int | None
    case_id: int | None
    reference: str
    rag: str
    team_id: int
    offered_to_id: int | None
    since: datetime
    pathway: str
    rule_set_id: int | None
    is_open: bool
    waits: str
    who: str | None
    who_telephone: str | None
    who_is_here: bool | None
    away_until: Any
    cover: str | None
    cover_telephone: str | None
    due_kind: str | None
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Line:
    """
    An open contact or case as the list says it. Of one that is closed to the reader it says the reference, and what is
    due when.

    `who`: the owner of a contact, the lead practitioner of a case; `telephone`: theirs. `cover`: how long they are away
    and who covers for them.
    """

    reference: str
    kind: str
    due_at: datetime | None
    due: str
    is_open: bool = False
    family: str = ""
    rag: str = ""
    status: str = ""
    who: str = ""
    telephone: str = ""
    cover: str = ""


@dataclass(frozen=True, slots=True)
class OpenList:
    """The open list of a team, or of the front door with emergency duty. `code` is for addresses and names of files."""

    code: str
    name: str
    telephone: str
    lines: tuple[Line, ...]


def of_reader(user: User, teams: Iterable[Team], now: datetime) -> list[OpenList]:
    """The open lists of these teams, as far as this user may read them."""
    return _lists(list(teams), now, user)


def of_everybody(now: datetime) -> list[OpenList]:
    """
    The open lists of all teams, for paper that anybody in the team may read: what is closed to somebody, because it is
    restricted or they have a conflict of interest, has its reference only.
    """
    return _lists(list(Team.objects.select_related("locality")), now, None)


def newest_copy() -> OpenListCopy | None:
    """The newest copy in the folder."""
    return OpenListCopy.objects.order_by("-quarter").first()


def _lists(teams: list[Team], now: datetime, user: User | None) -> list[OpenList]:
    by_id = {team.pk: team for team in teams}
    records = _records(None if user is None else sorted(by_id), now, user)
    families = _families(records, now, user)
    of_each: dict[str, list[Line]] = defaultdict(list)
    names = dict(Team.objects.values_list("pk", "name")) if user is not None else {t.pk: t.name for t in teams}
    for record in records:
        line = _line(record, families.get((record.contact_id, record.case_id), ""), names)
        for code in {_code(by_id[pk]) for pk in (record.team_id, record.offered_to_id) if pk in by_id}:
            of_each[code].append(line)
    found: dict[str, OpenList] = {}
    for team in sorted(teams, key=lambda team: (team.kind not in FRONT_DOOR_KINDS, team.name)):
        code = _code(team)
        lines = tuple(of_each.get(code, ()))
        is_front_door = team.kind in FRONT_DOOR_KINDS
        if code in found:
            known = found[code]
            telephone = "; ".join(filter(None, (known.telephone, _telephone(team))))
            found[code] = OpenList(code, known.name, telephone, lines)
        elif team.is_active or lines:
            telephone = _telephone(team) if is_front_door else team.telephone
            found[code] = OpenList(code, FRONT_DOOR if is_front_door else team.name, telephone, lines)
    return list(found.values())


def _code(team: Team) -> str:
    """The list in which a team's work stands. The front door and emergency duty have one."""
    return "front-door" if team.kind in FRONT_DOOR_KINDS else team.code


def _telephone(team: Team) -> str:
    return f"{team.name} {team.telephone}" if team.telephone else ""


def _records(teams: list[int] | None, now: datetime, user: User | None) -> list[_Record]:
    def is_open(condition: str, record: str) -> str:
        if user is None:
            condition = condition.replace(CLOSED_PEOPLE, CLOSED_TO_SOMEBODY)
        return condition.format(record)

    statement = RECORDS.format(contact=is_open(IS_OPEN_CONTACT, "contact.id"), case=is_open(IS_OPEN_CASE, "about.id"))
    values = {
        "teams": teams,
        "now": now,
        "today": local_day(now),
        "user": None if user is None else user.pk,
        "careful": closes_from(),
        "decided": ContactStatus.DECIDED.value,
        "sign_off": ContactStatus.SIGN_OFF.value,
        "asked": PartnerCheckStatus.ASKED.value,
        "agreement": Hold.AGREEMENT.value,
        "offered": HandoffStatus.OFFERED.value,
        "ratings": [rag.value for rag in Rag],
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [_Record(*row) for row in cursor.fetchall()]


def _families(
    records: Collection[_Record], now: datetime, user: User | None
) -> Mapping[tuple[int | None, int | None], str]:
    """The names of the children of each record that is open, by the ids of the contact and the case."""
    contacts = [each.contact_id for each in records if each.is_open and each.contact_id]
    cases = [each.case_id for each in records if each.is_open and each.case_id]
    is_open = is_open_to_everybody(F("pk")) if user is None else is_open_contact(user, now, F("pk"))
    visible = Contact.objects.filter(Q(pk__in=contacts) | Q(case__in=cases)).filter(is_open)
    rows = list(
        ContactChild.objects.filter(contact__in=visible.order_by().values("pk"), in_family=True)
        .select_related("person", "contact").defer("contact__document").order_by("contact", "position")
    )  # fmt: skip
    if user is not None:
        name_rows(rows, user, now)
    hidden = _hidden(rows)
    of_contacts: dict[int, dict[int, str]] = defaultdict(dict)
    of_cases: dict[int, dict[int, str]] = defaultdict(dict)
    for row in rows:
        homes = hidden.get(row.contact_id, ())
        name = NOT_SHOWN if homes and _is_like(row.called, homes) else row.called
        of_contacts[row.contact_id][row.person_id] = name
        if row.contact.case_id is not None:
            of_cases[row.contact.case_id][row.person_id] = name
    named: list[tuple[tuple[int | None, int | None], dict[int, str]]]
    named = [((contact, None), of_contacts[contact]) for contact in contacts]
    named += [((None, case), of_cases[case]) for case in cases]
    return {key: ", ".join(names.values()) for key, names in named}


def _hidden(rows: Collection[ContactChild]) -> Mapping[int, list[HiddenHome]]:
    """The hidden addresses of those contacts on which a name is like a hidden address. Mostly there is none."""
    homes = hidden_homes({row.contact_id for row in rows}) if rows else []
    suspected = {row.contact_id for row in rows if _is_like(row.called, homes)} if homes else set()
    return hidden_homes_of_each(suspected) if suspected else {}


def _is_like(name: str, homes: Iterable[HiddenHome]) -> bool:
    """Whether a word or a number of a hidden address stands in a name: on paper nobody can take it out afterwards."""
    home = {word for each in homes for text in (*each.lines, *each.beside, each.postcode) for word in _words(text)}
    return not home.isdisjoint(_words(name))


def _words(text: str) -> set[str]:
    return {word for word in re.findall(r"\w+", text.casefold()) if len(word) > 2 or word.isdecimal()}


def _line(record: _Record, family: str, names: Mapping[int, str]) -> Line:
    kind = "Contact" if record.contact_id else "Case"
    due = title_of(record.due_kind).capitalize() if record.due_kind else ""
    line = Line(record.reference, kind, record.due_at, due)
    if not record.is_open:
        return line
    cover = ""
    if record.away_until is not None:
        covered = f"Covered by {record.cover} {record.cover_telephone or ''}".strip()
        cover = f"Away until {record.away_until:%-d %B}. {covered if record.cover else 'Nobody covers'}"
    who = (record.who or "") if record.who_is_here else f"{record.who}, who has left" if record.who else ""
    telephone = (record.who_telephone or "") if record.who_is_here else ""
    status = WAITS.get(record.waits) or _of_case(record, names)
    return replace(
        line, is_open=True, family=family, rag=record.rag, status=status, who=who, telephone=telephone, cover=cover
    )


def _of_case(record: _Record, names: Mapping[int, str]) -> str:
    pathway = title_of_pathway(record.rule_set_id, record.pathway)
    if record.offered_to_id is not None:
        return f"{pathway}. With {names[record.team_id]}, offered to {names[record.offered_to_id]}"
    return f"{pathway}. With {names[record.team_id]} since {in_words(record.since)}"
