"""
Who on record somebody on a contact may be.

Candidates are found by keys (`likeness/keys.py`), in an index whose cost does not grow with the years; then each of a
person's records is compared. What is certain joins two records, and can be undone; everything else is proposed, for
somebody to confirm or reject.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from operator import itemgetter
from typing import Any

from django.db.models import Q

from casework.families import merging, sameness
from casework.families.household import note_touched
from casework.families.likeness.comparing import COMMON, Commonness, Likeness, compare, compare_worth_proposing
from casework.families.likeness.describing import Described
from casework.families.likeness.finding import MOST_CANDIDATES, MOST_OF_A_KEY, RANKED, likeliest
from casework.families.likeness.keys import asked, what_counts
from casework.families.likeness.weights import Weights, in_use
from casework.families.person_keys import Stored, counting, describe_record, doubts, other_ways
from casework.families.unborn import BY_THE_DAY
from casework.models import ContactAdult, ContactChild, Person, PersonMatch
from casework.models.prepared import Call, Prepared, as_json, send
from casework.record.transitions import move
from casework.statuses import MatchStatus
from localities.models import Agency, User

Row = ContactChild | ContactAdult
PROPOSED, CERTAIN = MatchStatus.PROPOSED, MatchStatus.CERTAIN

# At most so many records of one person are compared: the oldest, and the newest of the others.
MOST_RECORDS = 20
# How common a name is, is counted among so many of the newest records.
COUNTED_AMONG = 10_000

# Advisory locks with two keys: the first is for all of matching (7003) or for a key of a person (7004), whose hash is
# the second. PostgreSQL has room for some thousands of locks: a contact about very many people locks out all others in
# place of taking so many.
MOST_LOCKS = 400
LOCK_SOME = Prepared("share_matching", "SELECT pg_advisory_xact_lock_shared(7003, 0)")
LOCK_KEYS = Prepared(
    "lock_keys",
    """
SELECT pg_advisory_xact_lock(7004, half)
FROM (SELECT DISTINCT hashtext(key) AS half FROM json_array_elements_text(%(keys)s) AS key ORDER BY half) AS halves
""",
)
LOCK_ALL = Prepared("lock_matching", "SELECT pg_advisory_xact_lock(7003, 0)")

# Forces the index for candidates: PostgreSQL plans once for a connection, and a plan from when there were few people
# would read them all.
BY_THE_INDEX = Prepared("look_by_the_index", "SELECT set_config('enable_seqscan', 'off', true)")
AS_IT_LIKES = Prepared("look_as_it_likes", "SELECT set_config('enable_seqscan', 'on', true)")

# In SQL, because it runs for every contact, and the ORM takes longer to compose it than the database to answer it.
CANDIDATES = Prepared(
    "find_candidates",
    f"""
{RANKED.format(keys="casework_personkey", number="person_id", most_of_a_key=MOST_OF_A_KEY)}
SELECT ranked.probe, ranked.number, ranked.number = ANY(ARRAY(
    SELECT COALESCE(person.same_as_id, person.id)
    FROM casework_restriction restriction JOIN casework_person person ON person.id = restriction.person_id
    WHERE restriction.kind = 'adopted' AND restriction.lifted_at IS NULL
)), {", ".join(f"record.{column}" for column in Stored._fields)}
FROM ranked CROSS JOIN LATERAL (
    (SELECT * FROM casework_person WHERE id = ranked.number)
    UNION ALL
    (SELECT * FROM casework_person WHERE same_as_id = ranked.number ORDER BY id DESC LIMIT {MOST_RECORDS})
) AS record
WHERE place <= {MOST_CANDIDATES} AND ranked.number <> ALL(%(but_not)s::bigint[])
ORDER BY ranked.probe, place, record.id
""",  # noqa: S608  # our own text
)
COUNTS = Prepared(
    "count_names",
    f"""
SELECT counted.key, of_it.people, GREATEST(0, LEAST({COUNTED_AMONG}, (
    SELECT reltuples FROM pg_class WHERE oid = 'casework_person'::regclass)))
FROM json_array_elements_text(%(counted)s) AS counted(key)
CROSS JOIN LATERAL (
    SELECT count(*) AS people FROM casework_personkey stored
    WHERE stored.key = hashtextextended(counted.key, 0)
      AND stored.person_id > (SELECT max(id) FROM casework_person) - {COUNTED_AMONG}
) AS of_it
""",  # noqa: S608  # our own text
)


@dataclass(frozen=True)
class PossibleMatch:
    """
    A possible match with a person on record: the record that stands for them, and the one that is most alike.
    `is_adopted`: they are restricted as an adopted child.
    """

    person: Person
    record: Person
    likeness: Likeness
    is_adopted: bool

    @property
    def joins(self) -> bool:
        """Whether the service joins the records by itself."""
        return self.likeness.joins


@dataclass(frozen=True)
class Recognised:
    """
    Who the people on a contact are and may be, by their places among the rows that were asked for.

    `joined` are certainly the same. `found` are all others worth proposing; `careful` those of them that count as
    history until somebody rejects them.
    """

    joined: Mapping[int, PossibleMatch]
    found: Mapping[int, Sequence[PossibleMatch]]
    careful: Mapping[int, Sequence[PossibleMatch]]

    def __iter__(self) -> Iterator[PossibleMatch]:
        """Everybody who counts."""
        yield from self.joined.values()
        for matches in self.careful.values():
            yield from matches


def recognise(rows: Sequence[Row]) -> Recognised:
    """
    Looks for the people on a new contact among those on record, and locks their keys until the transaction ends.

    So two contacts about one child that arrive at the same moment are received one after the other, and the later
    finds the earlier. Nobody is found who shares no key. The locks are taken in one order and before any lock on a row,
    so that two actions never deadlock.

    :param rows: children before adults, each with a new record that is not stored yet.
    """
    described = [describe_record(row.recorded_as) for row in rows]
    found = _look(described)
    joined: dict[int, PossibleMatch] = {}
    for place, row in enumerate(rows):
        # Each child on a contact is a person of their own.
        taken = {match.person.pk for match in joined.values()} if isinstance(row, ContactChild) else set()
        certain = (match for match in found[place] if match.joins and match.person.pk not in taken)
        if (match := next(certain, None)) is not None:
            joined[place] = match
    others_joined = {
        place: {match.person.pk for other, match in joined.items() if other != place} for place in range(len(rows))
    }
    others = {
        place: [
            match
            for match in matches
            if match is not joined.get(place)
            # Whoever has the number of somebody who is another child here is asked about: one of the two is wrong.
            and not (
                isinstance(rows[place], ContactChild)
                and match.person.pk in others_joined[place]
                and not match.likeness.has_one_number
            )
        ]
        for place, matches in found.items()
    }
    return Recognised(joined, others, _careful(rows, joined, others))


def _careful(
    rows: Sequence[Row], joined: Mapping[int, PossibleMatch], found: Mapping[int, Sequence[PossibleMatch]]
) -> dict[int, Sequence[PossibleMatch]]:
    """
    Those that count as history, without whoever was told apart from somebody likelier, and without the other identity
    of an adopted child.
    """
    found = {
        place: [
            match
            for match in matches
            if sameness.is_careful(match.likeness.score) and not _is_of_two_identities(rows[place].recorded_as, match)
        ]
        for place, matches in found.items()
    }
    several = {place: matches for place, matches in found.items() if len(matches) + (place in joined) > 1 and matches}
    people = {match.person.pk for matches in several.values() for match in matches}
    people |= {joined[place].person.pk for place in several if place in joined}
    apart = sameness.told_apart(people) if people else frozenset()
    careful: dict[int, Sequence[PossibleMatch]] = {}
    for place, matches in found.items():
        own = joined[place].person.pk if place in joined else None
        careful[place] = sameness.in_view(own, ((match.person.pk, match) for match in matches), apart)
    return careful


def _is_of_two_identities(record: Person, match: PossibleMatch) -> bool:
    """See `sameness.two_identities`. Nobody on a new contact is restricted yet."""
    return match.is_adopted and not any(
        sameness.may_be_one_identity(record.last_name, record.nhs_number, other.last_name, other.nhs_number)
        for other in (match.record, match.person)
    )


def look(records: Sequence[Person]) -> list[PossibleMatch]:
    """The people whom one of these records may be. Locks the keys of the records until the transaction ends."""
    found = _look([describe_record(record) for record in records])
    return [match for matches in found.values() for match in matches]


def match_again(row: Row, *, by: User | Agency, now: datetime) -> frozenset[int]:
    """
    Looks for somebody on a contact among those on record again, after what is known of them has changed.

    The row and its `recorded_as` are stored with the change, by this user or agency at this moment. The caller has
    locked the contact, and no record of a person without the locks on these keys before. What is found is proposed; an
    open match gets its new score, and is not asked about twice; a match that is no longer certain becomes proposed.

    :returns: whose matches may have changed, as ids of records that stand for persons.
    """
    record = row.recorded_as
    described = describe_record(record)
    beside = _beside(row)
    found = _look([described], but_not=[row.person_id], but_not_as=beside)[0]
    records = merging.lock_records([record.pk])
    _weigh_again(record, described.doubting(doubts(records)), by, now)
    touched = merging.regroup(records)
    merging.keep_keys_again(touched)
    row.refresh_from_db(fields=["person"])
    _propose(row, found, beside)
    touched |= {row.person_id}
    note_touched(touched, but_not=row.contact_id, now=now)
    return touched


def _weigh_again(record: Person, described: Described, by: User | Agency, now: datetime) -> None:
    """Gives every open match of this record today's score. A match that is no longer certain becomes proposed."""
    weights = in_use()
    of_it = PersonMatch.objects.filter(Q(record=record) | Q(person=record), status__in=[PROPOSED, CERTAIN])
    # Too little is known of an unborn child to weigh.
    of_it = of_it.exclude(weights=BY_THE_DAY)
    for match in of_it.select_related("record", "person").order_by("pk"):
        other = match.person if match.record_id == record.pk else match.record
        likeness = compare(described, describe_record(other), weights, Commonness())
        if match.status == CERTAIN and not likeness.certain:
            mover = by if isinstance(by, User) else None
            move(match, to=PROPOSED, by=mover, at=now, why="What is known of them has changed.", settled_at=None)
        if match.status == PROPOSED:
            _store_likeness(match, likeness)


def weigh_open_matches(records: Collection[Person], *, by: User, now: datetime) -> frozenset[int]:
    """
    Gives the open matches of a person the score that they have today, after staff recorded a name, a home or a number,
    or took one out. What the service joined by a number that is doubted now becomes proposed. What somebody confirmed
    stays.

    :param records: all records of the person, locked.
    :returns: whose matches have changed, as ids of records that stand for persons.
    """
    ids, doubted = [record.pk for record in records], doubts(records)
    changed: set[int] = set()
    is_separated = False
    theirs = PersonMatch.objects.filter(Q(record__in=ids) | Q(person__in=ids), status__in=[PROPOSED, CERTAIN])
    for match in theirs.exclude(weights=BY_THE_DAY).select_related("record", "person").order_by("pk"):
        one, other = (describe_record(record).doubting(doubted) for record in (match.record, match.person))
        likeness = compare(one, other, in_use(), Commonness())
        if match.status == CERTAIN and (likeness.joins or not likeness.has_one_number):
            continue
        if match.status == CERTAIN:
            why = "Staff recorded that it is not sure whose number it is."
            move(match, to=PROPOSED, by=by, at=now, why=why, settled_at=None)
            is_separated = True
        if list(likeness.reasons) != [reason.removesuffix(COMMON) for reason in match.reasons]:
            _store_likeness(match, likeness)
            changed |= {match.record_id, match.person_id}
    touched = merging.regroup(records) if is_separated else frozenset()
    return touched | sameness.representatives(changed) if changed else touched


def match_recorded(record: Person) -> frozenset[int]:
    """
    Proposes whom a person may be by the other names, the homes and the numbers that staff recorded.

    The caller has locked the keys of what was recorded (`lock_keys`), and then the person.

    :returns: of whom somebody is asked now, as ids of records that stand for persons.
    """
    of_it = {"recorded_as": record, "in_family": True}
    row = ContactChild.objects.filter(**of_it).first() or ContactAdult.objects.filter(**of_it).first()
    if row is None:
        return frozenset()
    described, weights = describe_record(record), in_use()
    found: dict[int, PossibleMatch] = {}
    beside = _beside(row)
    by_each_way = _look([*other_ways(record)], but_not=[row.person_id], but_not_as=beside)
    for match in chain.from_iterable(by_each_way.values()):
        likeness = compare(described, describe_record(match.record), weights, Commonness())
        if likeness.score >= weights.worth_proposing:
            found[match.person.pk] = replace(match, likeness=likeness)
    proposed = _propose(row, found.values(), beside)
    return sameness.representatives({record.pk, *(match.person_id for match in proposed)}) if proposed else frozenset()


def lock_keys(record: Person) -> None:
    """
    Locks the keys by which a record is found by other names, homes and numbers, until the transaction ends. The caller
    locks no record before.
    """
    keys = sorted({key for way in other_ways(record) for key in asked(way)})
    if keys:
        send(*_locks(keys))


def _beside(row: Row) -> Mapping[int, int]:
    """The records of the other children on a child's contact, each with whom it is of: none of them is this child."""
    if isinstance(row, ContactAdult):
        return {}
    others = ContactChild.objects.filter(contact=row.contact_id).exclude(pk=row.pk)
    return dict(others.values_list("recorded_as", "person"))


def _propose(row: Row, found: Iterable[PossibleMatch], beside: Mapping[int, int]) -> list[PersonMatch]:
    """Proposes whom somebody on a contact may be, where nobody asks about the two already."""
    record = row.recorded_as
    of_it = PersonMatch.objects.filter(Q(record=record) | Q(person=record)).values_list("record", "person")
    known = {one if other == record.pk else other for one, other in of_it}
    asked_about: dict[int, float] = defaultdict(float)
    for pair, score in sameness.proposed_pairs([row.person_id]).items():
        for person in pair:
            asked_about[person] = max(asked_about[person], score)
    return PersonMatch.objects.bulk_create(
        proposal(row, match, at=None)
        for match in found
        if match.record.pk not in known
        and match.person.pk != row.person_id
        and (match.person.pk not in beside.values() or match.likeness.has_one_number)
        and asked_about[match.person.pk] < match.likeness.score
    )


def _store_likeness(match: PersonMatch, likeness: Likeness) -> None:
    match.score, match.reasons, match.weights = likeness.score, list(likeness.reasons), str(in_use())
    match.save(update_fields=["score", "reasons", "weights"])


def proposal(row: Row, match: PossibleMatch, *, at: datetime | None) -> PersonMatch:
    """Makes the match of somebody on a contact, which is not stored yet; a certain one at the moment `at`."""
    return PersonMatch(
        child=row if isinstance(row, ContactChild) else None,
        adult=row if isinstance(row, ContactAdult) else None,
        record=row.recorded_as,
        person=match.record,
        score=match.likeness.score,
        reasons=list(match.likeness.reasons),
        weights=str(in_use()),
        status=PROPOSED if at is None else CERTAIN,
        settled_at=at,
    )


# ---- looking


def _look(
    described: Sequence[Described], but_not: Collection[int] = (), but_not_as: Collection[int] = ()
) -> dict[int, list[PossibleMatch]]:
    """
    Whom each of these may be, worth proposing, the best first. Their keys are locked before.

    :param but_not: people who are not among them, and in `but_not_as` records by which nobody is.
    """
    pairs = [(place, key) for place, person in enumerate(described) for key in sorted(asked(person))]
    counted = {counting(*what): what for person in described for what in what_counts(person)}
    found: dict[int, list[PossibleMatch]] = {place: [] for place in range(len(described))}
    if not pairs:
        return found
    keys = as_json([key for _, key in pairs])
    locks = _locks([key for _, key in pairs])
    # One round trip. Each statement sees what was stored before it began, and so the later ones all that was stored
    # before the locks were there.
    *_, rows, counts, _ = send(
        *locks,
        BY_THE_INDEX(),
        CANDIDATES(
            keys=keys,
            probes=as_json([place for place, _ in pairs]),
            but_not=list(but_not),
        ),
        COUNTS(counted=as_json(list(counted))),
        AS_IT_LIKES(),
    )
    candidates, commonness = _by_person(rows), _commonness(counted, counts)
    adopted = frozenset(person for _, person, is_adopted, *_ in rows if is_adopted)
    weights = in_use()
    for place, others in candidates.items():
        # A number that is doubted of one of them is doubted of all who have it.
        person = described[place].doubting(doubts(chain.from_iterable(others.values())))
        found[place] = _worth_proposing(person, others.values(), but_not_as, weights, commonness, adopted)
    return found


def _locks(keys: Sequence[str]) -> list[Call]:
    if len(set(keys)) > MOST_LOCKS:
        return [LOCK_ALL()]
    return [LOCK_SOME(), LOCK_KEYS(keys=as_json(keys))]


def _by_person(rows: Iterable[tuple[Any, ...]]) -> dict[int, dict[int, list[Stored]]]:
    """The candidates for each place: their records, the oldest first, by the one that stands for them."""
    found: dict[int, dict[int, list[Stored]]] = defaultdict(lambda: defaultdict(list))
    for place, person, _, *values in rows:
        found[place][person].append(Stored._make(values))
    return found


def _commonness(counted: Mapping[str, tuple[str, str]], rows: Iterable[tuple[Any, ...]]) -> Commonness:
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    among = 0
    for key, people, of in rows:
        what, name = counted[key]
        counts[what][name], among = people, int(of)
    return Commonness(among, **counts)


def _worth_proposing(
    person: Described,
    candidates: Iterable[Sequence[Stored]],
    but_not_as: Collection[int],
    weights: Weights,
    commonness: Commonness,
    adopted: Collection[int],
) -> list[PossibleMatch]:
    found = []
    for records in candidates:
        likenesses = (
            (likeness, record)
            for record in records
            if record.id not in but_not_as
            and (likeness := compare_worth_proposing(person, describe_record(record), weights, commonness))
        )
        best = max(likenesses, key=lambda each: (each[0].score, each[0].weight), default=None)
        if best is not None:
            found.append((*best, records[0]))
    found.sort(key=lambda each: (-each[0].score, -each[0].weight, each[2].id))
    return [
        PossibleMatch(stands_for.as_person(), record.as_person(), likeness, stands_for.id in adopted)
        for likeness, record, stands_for in likeliest(found, itemgetter(0))
    ]
