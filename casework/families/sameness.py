"""
Which records are of one person, and who may be: the one place that the rest of the service asks.

A record is a `Person` row. Everybody on a contact has one (`recorded_as`), and the oldest of those joined by matches
stands for the person (`person`, `same_as`).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from itertools import chain
from typing import Any, TypeVar

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from casework.families.likeness.names import nearest_last, read_name
from casework.families.likeness.weights import in_use
from casework.models import Contact, Person, PersonMatch, Restriction, RestrictionKind
from casework.models.prepared import Call, Prepared, Rows, send
from casework.models.restrictions import REPRESENTATIVE
from casework.models.together import read_together
from casework.models.visibility import Condition
from casework.statuses import MatchStatus

Thing = TypeVar("Thing")
Pairs = frozenset[frozenset[int]]
# Of pairs of persons.
Scores = dict[tuple[int, int], float]

# How near two last names are that may be one, spelt in two ways.
ONE_LAST_NAME = frozenset({"same", "variant", "longer", "sounds", "letter"})

# Of a match: whether one of the two persons is restricted as adopted.
ONE_IS_ADOPTED = Exists(
    Restriction.objects.in_force().annotate(stands=REPRESENTATIVE).filter(
        Q(stands=Coalesce(OuterRef("record__same_as"), OuterRef("record")))
        | Q(stands=Coalesce(OuterRef("person__same_as"), OuterRef("person"))),
        kind=RestrictionKind.ADOPTED,
    )
)  # fmt: skip

# Who was told apart, and the two records of an adopted child. And, with what tells two identities apart, the records of
# whoever is restricted as adopted beside all others.
TOLD_APART = Prepared(
    "find_told_apart",
    """
WITH record AS (
    SELECT id, id AS person, last_name, nhs_number FROM casework_person WHERE id = ANY(%(people)s)
    UNION ALL SELECT id, same_as_id, last_name, nhs_number FROM casework_person WHERE same_as_id = ANY(%(people)s)
), adopted AS (
    SELECT DISTINCT record.person FROM record JOIN casework_restriction restriction ON restriction.person_id = record.id
    WHERE restriction.kind = 'adopted' AND restriction.lifted_at IS NULL
)
SELECT one.person, other.person, NULL::text, NULL::text, NULL::text, NULL::text FROM casework_personmatch match
JOIN record one ON one.id = match.record_id JOIN record other ON other.id = match.person_id
WHERE match.status = 'rejected'
UNION
SELECT one.person, other.person, NULL, NULL, NULL, NULL
FROM adopted one JOIN adopted other ON other.person <> one.person
UNION
SELECT one.person, other.person, one.last_name, one.nhs_number, other.last_name, other.nhs_number
FROM adopted JOIN record one ON one.person = adopted.person JOIN record other ON other.person <> one.person
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


def ask_records(person: int) -> Call:
    """The statement that finds the ids of all records of a person, who is given by any of them."""
    return FIND_RECORDS(people=[person])


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
    return _apart(people)[0]


def two_identities(people: Collection[int]) -> Pairs:
    """
    Pairs of these persons of whom one is restricted as adopted, and the other has another last name or another NHS
    number in every record. If they are one child, they are its records of before and after the adoption: nobody can say
    that they are one, and the history of one is not that of the other.

    :param people: the ids of records that stand for persons.
    """
    return _apart(people)[1]


def _apart(people: Collection[int]) -> tuple[Pairs, Pairs]:
    (rows,) = send(TOLD_APART(people=sorted(people)))
    apart, either = set[frozenset[int]](), defaultdict[frozenset[int], bool](bool)
    for one, other, last_name, *described in rows:
        pair = frozenset((one, other))
        if last_name is None:
            apart.add(pair)
        else:
            either[pair] |= may_be_one_identity(last_name, *described)
    return frozenset(apart), frozenset(pair for pair, may_be_one in either.items() if not may_be_one)


def may_be_one_identity(last_name: str, nhs_number: str | None, other_name: str, other_number: str | None) -> bool:
    """Whether two records may be of one child before an adoption, or after it: both change the name and the number."""
    if nhs_number and other_number and nhs_number != other_number:
        return False
    one, other = read_name(last_name), read_name(other_name)
    return not one or not other or nearest_last(one, other) in ONE_LAST_NAME


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


def ask_matches(contact: Contact) -> Call:
    """The statement whose rows `matches_on` reads, for a caller who sends it with others."""
    return MATCHES_ON(contact=contact.pk)


def matches_on(contact: Contact, rows: Rows | None = None) -> list[PersonMatch]:
    """
    The possible matches of everybody on a contact, the best first: those that wait for somebody, and the settled.

    Each has its `child` or `adult`, and `known`: the record that stands for the other person.

    :param rows: what `ask_matches` found, where it was asked already.
    """
    if rows is None:
        (rows,) = send(ask_matches(contact))
    # Mostly there are none, and to compose and to plan what is read of one takes longer than to ask.
    matches = PersonMatch.objects.filter(pk__in=[pk for (pk,) in rows])
    return list(matches.select_related(*OF_A_MATCH, "settled_by")) if rows else []


def open_matches(contact: Contact, rows: Rows | None = None) -> list[PersonMatch]:
    """
    The possible matches of everybody on a contact that wait for somebody, the best first for each.

    :param rows: see `matches_on`.
    """
    return waiting(matches_on(contact, rows))


def matches_of(records: Collection[int], *along: QuerySet[Any, Any]) -> list[PersonMatch]:
    """
    The possible matches of a person that wait for somebody, and those that are settled, whoever of the two was on the
    contact. See `matches_on`. Of two persons who may be the same by several of their records, the likeliest asks.

    :param records: the ids of all records of the person.
    :param along: what is read with it.
    """
    with_contacts = PersonMatch.objects.select_related("child__contact", "adult__contact").defer(
        "child__contact__document", "adult__contact__document"
    )
    own = with_contacts.filter(Q(record__in=records) | Q(person__in=records)).order_by()
    # Their records are asked first: joined with a subquery, PostgreSQL read every match on record.
    found = own.values_list("record", flat=True)
    read_together(found, *along)
    if not (theirs := list(found)):
        return []
    rows = with_contacts.filter(record__in=theirs, status=MatchStatus.PROPOSED)
    rows = rows.select_related(*OF_A_MATCH)
    settled = own.exclude(status=MatchStatus.PROPOSED).select_related(*OF_A_MATCH, "settled_by").order_by("pk")
    read_together(rows, settled)
    asked: dict[frozenset[int], PersonMatch] = {}
    for match in sorted(waiting(rows), key=lambda match: (-match.score, match.pk)):
        if not {match.record_id, match.person_id}.isdisjoint(records):
            asked.setdefault(frozenset((match.row.person_id, match.known.pk)), match)
    return [*asked.values(), *settled]


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
    apart, identities = _apart(people) if people else (frozenset(), frozenset())
    for match in chain.from_iterable(rows.values()):
        match.is_of_two_identities = frozenset((match.row.person_id, match.known.pk)) in identities
    return list(
        chain.from_iterable(
            in_view(matches[0].row.person_id, ((match.known.pk, match) for match in matches), apart)
            for matches in rows.values()
        )
    )


def careful(matches: Iterable[PersonMatch]) -> list[PersonMatch]:
    """Those of these matches in view (see `waiting`) that count as history until somebody rejects them."""
    return [match for match in matches if is_careful(match.score) and not match.is_of_two_identities]


def is_careful(score: float) -> bool:
    """Whether a likeness of this score makes the rules careful, until somebody says that the two are not one."""
    return score >= in_use().careful


def proposed_pairs(people: Collection[int]) -> Mapping[tuple[int, int], float]:
    """
    Pairs of people who may be the same and whom nobody has settled, with the score. A pair is the ids of the records
    that stand for the two, first of whoever was on the later contact; at least one of the two is among `people`.
    """
    return _proposed(people)[0]


def likely_pairs(people: Collection[int], rows: Rows | None = None) -> frozenset[tuple[int, int]]:
    """
    The proposed pairs with a score that makes the rules careful, without whoever was told apart from somebody likelier
    (see `in_view`), and without the two identities of an adopted child.
    """
    found, beside, apart, identities = _proposed(people, rows)
    others: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for (own, other), score in beside.items():
        others[own].append((-score, other))
    seen = {
        (own, other)
        for own in others
        for other in in_view(own, ((each, each) for _, each in sorted(others[own])), apart)
    }
    return frozenset(
        pair
        for pair, score in found.items()
        if is_careful(score) and pair in seen and frozenset(pair) not in identities
    )


def ask_proposed(people: Collection[int]) -> Call:
    """The statement whose rows `likely_the_same` reads, for a caller who sends it with others."""
    return PROPOSED_PAIRS(people=sorted(people), at_least=in_use().worth_proposing)


def _proposed(people: Collection[int], rows: Rows | None = None) -> tuple[Scores, Scores, Pairs, Pairs]:
    """
    The proposed pairs (see `proposed_pairs`); these with all others of whoever was on the later contact; who of all of
    them was told apart; and the pairs of `two_identities`.
    """
    if rows is None:
        (rows,) = send(ask_proposed(people))
    beside: Scores = {}
    for one, other, score, _ in rows:
        beside[one, other] = max(score, beside.get((one, other), 0.0))
    apart, identities = _apart(frozenset(chain.from_iterable(beside))) if beside else (frozenset(), frozenset())
    beside = {pair: score for pair, score in beside.items() if frozenset(pair) not in apart}
    own = {(one, other) for one, other, _, is_own in rows if is_own}
    return {pair: score for pair, score in beside.items() if pair in own}, beside, apart, identities


def likely_the_same(people: Collection[int], rows: Rows | None = None) -> frozenset[int]:
    """
    The persons whom one of these may be, so likely that the rules are careful.

    :param people: the ids of records that stand for persons.
    :param rows: what `ask_proposed` found of them, where it was asked already.
    """
    return frozenset(chain.from_iterable(likely_pairs(people, rows))).difference(people)
