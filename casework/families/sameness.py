"""
Which records are of one person, and who may be: the one place that the rest of the service asks.

A record is a `Person` row. Everybody on a contact has one (`recorded_as`), and the oldest of those joined by matches
stands for the person (`person`, `same_as`).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from itertools import chain
from typing import TypeVar

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce

from casework.families.likeness.weights import in_use
from casework.models import Contact, Person, PersonMatch
from casework.models.prepared import Prepared, send
from casework.models.visibility import Condition
from casework.statuses import MatchStatus

Thing = TypeVar("Thing")
Pairs = frozenset[frozenset[int]]
# Of pairs of persons.
Scores = dict[tuple[int, int], float]

TOLD_APART = Prepared(
    "find_told_apart",
    """
WITH record AS (
    SELECT id, id AS person FROM casework_person WHERE id = ANY(%(people)s)
    UNION ALL SELECT id, same_as_id FROM casework_person WHERE same_as_id = ANY(%(people)s)
)
SELECT one.person, other.person FROM casework_personmatch match
JOIN record one ON one.id = match.record_id JOIN record other ON other.id = match.person_id
WHERE match.status = 'rejected'
UNION
SELECT one.person, other.person
FROM record one
JOIN casework_restriction ones ON ones.person_id = one.id AND ones.kind = 'adopted' AND ones.lifted_at IS NULL
JOIN record other ON other.person <> one.person
JOIN casework_restriction others ON others.person_id = other.id AND others.kind = 'adopted' AND others.lifted_at IS NULL
""",
)

# All records of persons. {0}: a query's name whose `id` are the records that stand for them. Unions, here and below,
# because PostgreSQL would read everybody, and every match, for two conditions joined by OR.
ALL_RECORDS = "SELECT id FROM {0} UNION SELECT id FROM casework_person WHERE same_as_id IN (SELECT id FROM {0})"
RECORDS_OF = f"""
WITH standing AS (SELECT COALESCE(same_as_id, id) AS id FROM casework_person WHERE id = ANY(%(people)s))
{ALL_RECORDS.format("standing")}
"""  # noqa: S608  # our own constants
FIND_RECORDS = Prepared("find_records", RECORDS_OF)
# {0}: the record.
IS_RECORD_OF = f"{{0}} = ANY(ARRAY({RECORDS_OF}))"
MATCHES_ON = Prepared(
    "find_matches_on",
    """
SELECT match.id FROM casework_personmatch match
JOIN casework_contactchild child ON child.id = match.child_id WHERE child.contact_id = %(contact)s
UNION ALL SELECT match.id FROM casework_personmatch match
JOIN casework_contactadult adult ON adult.id = match.adult_id WHERE adult.contact_id = %(contact)s
""",
)
PROPOSED_PAIRS = Prepared(
    "find_proposed_pairs",
    f"""
WITH representative AS (
    SELECT DISTINCT COALESCE(same_as_id, id) AS id FROM casework_person WHERE id = ANY(%(people)s)
), record AS (
    {ALL_RECORDS.format("representative")}
), match AS (
    SELECT record_id, person_id, score FROM casework_personmatch
    WHERE status = 'proposed' AND score >= %(at_least)s AND record_id IN (SELECT id FROM record)
    UNION SELECT record_id, person_id, score FROM casework_personmatch
    WHERE status = 'proposed' AND score >= %(at_least)s AND person_id IN (SELECT id FROM record)
), beside AS (
    SELECT record_id, person_id, score, true AS is_own FROM match
    UNION ALL SELECT record_id, person_id, score, false FROM casework_personmatch
    WHERE status = 'proposed' AND score >= %(at_least)s AND record_id IN (SELECT record_id FROM match)
)
SELECT COALESCE(one.same_as_id, one.id), COALESCE(other.same_as_id, other.id), beside.score, beside.is_own
FROM beside
JOIN casework_person one ON one.id = beside.record_id JOIN casework_person other ON other.id = beside.person_id
WHERE COALESCE(one.same_as_id, one.id) <> COALESCE(other.same_as_id, other.id)
""",  # noqa: S608  # our own constants
)


def representatives(people: Collection[int]) -> frozenset[int]:
    """The records that stand for these persons, who are given by any of their records."""
    records = Person.objects.filter(pk__in=people).order_by()
    return frozenset(records.values_list(Coalesce("same_as", "pk"), flat=True))


def ids_of_records(person: int) -> frozenset[int]:
    """All records of a person, who is given by any of them, as ids."""
    (found,) = send(FIND_RECORDS(people=[person]))
    return frozenset(pk for (pk,) in found)


def records_of(people: Collection[int]) -> QuerySet[Person]:
    """All records of these persons, who are given by any of their records."""
    return Person.objects.filter(Condition(IS_RECORD_OF, F("pk"), values=(("people", [*people]),))).order_by("pk")


def by_person(records: Iterable[Person]) -> Mapping[int, list[Person]]:
    """These records, by the one that stands for the person."""
    found: dict[int, list[Person]] = defaultdict(list)
    for record in records:
        found[record.same_as_id or record.pk].append(record)
    return found


def said(records: Iterable[Person], field: str) -> bool | None:
    """What somebody found out about a person: a yes in any of the records counts, else a no."""
    answers = {getattr(record, field) for record in records} - {None}
    return any(answers) if answers else None


def told_apart(people: Collection[int]) -> Pairs:
    """
    Which of these persons somebody has told apart; and two who are both restricted as adopted. The records of before
    and after an adoption are never linked (domain/front-door.md, "Adopted child").

    :param people: the ids of records that stand for persons.
    """
    (pairs,) = send(TOLD_APART(people=sorted(people)))
    return frozenset(map(frozenset, pairs))


def in_view(own: int | None, found: Iterable[tuple[int, Thing]], apart: Pairs) -> list[Thing]:
    """
    Those possible matches of one record that are worth asking about, the best first.

    Leaves out matches with the same person, and with somebody already told apart from the record or from a likelier
    match.

    :param own: the record that stands for the person, if it is stored.
    :param found: who it may be, and the match.
    """
    accepted = {own} if own is not None else set()
    view = []
    for person, match in found:
        if person not in accepted and not any(frozenset((person, other)) in apart for other in accepted):
            accepted.add(person)
            view.append(match)
    return view


def matches_on(contact: Contact) -> list[PersonMatch]:
    """
    The possible matches of everybody on a contact, the best first: those that wait for somebody, and the settled.

    Each has its `child` or `adult`, and `known`: the record that stands for the other person.
    """
    (found,) = send(MATCHES_ON(contact=contact.pk))
    # Mostly there are none, and to compose and to plan what is read of one takes longer than to ask.
    matches = PersonMatch.objects.filter(pk__in=[pk for (pk,) in found])
    return list(matches.select_related(*OF_A_MATCH, "settled_by")) if found else []


def open_matches(contact: Contact) -> list[PersonMatch]:
    """The possible matches of everybody on a contact that wait for somebody, the best first for each."""
    return waiting(matches_on(contact))


def matches_of(records: Collection[int]) -> list[PersonMatch]:
    """
    The possible matches of a person that wait for somebody, and those that are settled, whoever of the two was on the
    contact. See `matches_on`. Of two persons who may be the same by several of their records, the likeliest asks.

    :param records: the ids of all records of the person.
    """
    with_contacts = PersonMatch.objects.select_related("child__contact", "adult__contact").defer(
        "child__contact__document", "adult__contact__document"
    )
    own = with_contacts.filter(Q(record__in=records) | Q(person__in=records)).order_by()
    # As in `matches_on`. Their records are asked first: joined with a subquery, PostgreSQL read every match on record.
    theirs = list(own.values_list("record", flat=True))
    if not theirs:
        return []
    rows = with_contacts.filter(record__in=theirs, status=MatchStatus.PROPOSED)
    asked: dict[frozenset[int], PersonMatch] = {}
    for match in sorted(waiting(rows.select_related(*OF_A_MATCH)), key=lambda match: (-match.score, match.pk)):
        if not {match.record_id, match.person_id}.isdisjoint(records):
            asked.setdefault(frozenset((match.row.person_id, match.known.pk)), match)
    settled = own.exclude(status=MatchStatus.PROPOSED).select_related(*OF_A_MATCH, "settled_by")
    return [*asked.values(), *settled.order_by("pk")]


OF_A_MATCH = ("record", "child__person", "adult__person", "person__same_as")


def waiting(matches: Iterable[PersonMatch]) -> list[PersonMatch]:
    """
    Those that wait for somebody, and are worth asking about, the best first for each row.

    :param matches: all those of the rows that are proposed, the best first; and others.
    """
    worth = in_use().worth_proposing
    rows: dict[tuple[int | None, int | None], list[PersonMatch]] = defaultdict(list)
    for match in matches:
        if match.status == MatchStatus.PROPOSED and match.score >= worth and match.row.in_family:
            rows[match.child_id, match.adult_id].append(match)
    people = {each for matches in rows.values() for match in matches for each in (match.row.person_id, match.known.pk)}
    apart = told_apart(people) if people else frozenset()
    return list(
        chain.from_iterable(
            in_view(matches[0].row.person_id, ((match.known.pk, match) for match in matches), apart)
            for matches in rows.values()
        )
    )


def careful(matches: Iterable[PersonMatch]) -> list[PersonMatch]:
    """Those of these open matches that count as history until somebody rejects them."""
    return [match for match in matches if is_careful(match.score)]


def is_careful(score: float) -> bool:
    """Whether a likeness of this score makes the rules careful, until somebody says that the two are not one."""
    return score >= in_use().careful


def proposed_pairs(people: Collection[int]) -> Mapping[tuple[int, int], float]:
    """
    Pairs of people who may be the same and whom nobody has settled, with the score. A pair is the ids of the records
    that stand for the two, first of whoever was on the later contact; at least one of the two is among `people`.
    """
    found, _, _ = _proposed(people)
    return found


def likely_pairs(people: Collection[int]) -> frozenset[tuple[int, int]]:
    """
    The proposed pairs with a score that makes the rules careful, without whoever was told apart from somebody likelier
    (see `in_view`).
    """
    found, beside, apart = _proposed(people)
    others: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for (own, other), score in beside.items():
        others[own].append((-score, other))
    seen = {
        (own, other)
        for own in others
        for other in in_view(own, ((each, each) for _, each in sorted(others[own])), apart)
    }
    return frozenset(pair for pair, score in found.items() if is_careful(score) and pair in seen)


def _proposed(people: Collection[int]) -> tuple[Scores, Scores, Pairs]:
    """
    The proposed pairs (see `proposed_pairs`); these with all others of whoever was on the later contact; and who of all
    of them was told apart.
    """
    (rows,) = send(PROPOSED_PAIRS(people=sorted(people), at_least=in_use().worth_proposing))
    beside: Scores = {}
    for one, other, score, _ in rows:
        beside[one, other] = max(score, beside.get((one, other), 0.0))
    apart = told_apart(frozenset(chain.from_iterable(beside))) if beside else frozenset()
    beside = {pair: score for pair, score in beside.items() if frozenset(pair) not in apart}
    own = {(one, other) for one, other, _, is_own in rows if is_own}
    return {pair: score for pair, score in beside.items() if pair in own}, beside, apart


def likely_the_same(people: Collection[int]) -> frozenset[int]:
    """The persons whom one of these may be (see `likely_pairs`)."""
    return frozenset(chain.from_iterable(likely_pairs(people))) - representatives(people)
