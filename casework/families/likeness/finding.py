"""
Finds who is like somebody: candidates by keys in PostgreSQL, then the comparison of each.

Each key brings at most `MOST_OF_A_KEY` people, so that one look-up costs the same among a hundred thousand people and
among a million. A key that brings few counts for more than one that brings many.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from django.db import connection, transaction

from casework.families.likeness.comparing import (
    Commonness,
    Likeness,
    compare,
    has_one_of,
    levels,
)
from casework.families.likeness.describing import COLUMNS, Described, Written, describe
from casework.families.likeness.estimating import Pattern, Seen, counted, estimate
from casework.families.likeness.keys import asked, stored, what_counts
from casework.families.likeness.record_files import Record
from casework.families.likeness.weights import Weights

MOST_OF_A_KEY = 20
MOST_CANDIDATES = 20
MOST_PROPOSALS = 10
AT_ONCE = 200

# A key is stored as its hash: eight bytes, and no name that anybody could read. `-number`, so that a key that brings
# too many brings the newest, from the front of the index.
TABLES = """
CREATE TEMPORARY TABLE likeness_person (number integer PRIMARY KEY, id text NOT NULL, {columns}) ON COMMIT DROP;
CREATE TEMPORARY TABLE likeness_key (key bigint NOT NULL, number integer NOT NULL) ON COMMIT DROP
"""
INDEX = "CREATE INDEX likeness_key_by_key ON likeness_key (key, number DESC)"

# The people who share keys with each probe, the likeliest first: `probe`, `number` and `place`. An NHS number or a
# unique pupil number counts for more than all other keys together. The ORM cannot say "so many for each". Keys come as
# JSON, because the driver takes ten times as long over a list of texts.
RANKED = """
WITH shared AS (
    SELECT asked.probe::integer, found.number,
        CASE WHEN asked.key ~ '^(nhs|upn) ' THEN 10000.0 ELSE 1.0 END
        / count(*) OVER (PARTITION BY asked.probe, asked.key) AS weight
    FROM ROWS FROM (json_array_elements_text(%(probes)s), json_array_elements_text(%(keys)s)) AS asked(probe, key)
    CROSS JOIN LATERAL (
        SELECT {number} AS number FROM {keys} AS stored
        WHERE stored.key = hashtextextended(asked.key, 0)
        ORDER BY {number} DESC
        LIMIT {most_of_a_key}
    ) AS found
), ranked AS (
    SELECT probe, number, row_number() OVER (PARTITION BY probe ORDER BY sum(weight) DESC, number DESC) AS place
    FROM shared GROUP BY probe, number
)
"""
CANDIDATES = """
{ranked}
SELECT ranked.probe, person.id, {columns}
FROM ranked JOIN likeness_person AS person USING (number)
WHERE place <= %(most)s
ORDER BY probe, place
"""

Item = TypeVar("Item")


@dataclass(frozen=True)
class Proposal:
    """Somebody who may be the person that was asked for."""

    id: str
    likeness: Likeness


@dataclass
class Register:
    """People who can be looked up until the transaction ends: temporary tables, of which nothing stays."""

    weights: Weights
    people: int = 0
    _counts: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def commonness(self) -> Commonness:
        return Commonness(self.people, **self._counts)

    def add(self, records: Iterable[Record]) -> Iterator[int]:
        """Adds people, and yields how many there are after each lot. `ready` comes after the last."""
        for lot in lots(records, 5_000):
            described = [describe(record.written) for record in lot]
            numbers = range(self.people, self.people + len(lot))
            for person in described:
                for what, name in what_counts(person):
                    self._counts[what][name] += 1
            with connection.cursor() as cursor:
                with cursor.copy(f"COPY likeness_person (number, id, {', '.join(COLUMNS)}) FROM STDIN") as copy:
                    for number, record in zip(numbers, lot, strict=True):
                        copy.write_row((number, record.id, *record.written))
                pairs = [
                    (key, number) for number, person in zip(numbers, described, strict=True) for key in stored(person)
                ]
                cursor.execute(
                    "INSERT INTO likeness_key SELECT hashtextextended(key, 0), number "
                    "FROM unnest(%s::text[], %s::integer[]) AS of(key, number)",
                    [[key for key, _ in pairs], [number for _, number in pairs]],
                )
            self.people += len(lot)
            yield self.people

    def ready(self) -> None:
        """Builds the index: after all people, since that is faster than with each."""
        with connection.cursor() as cursor:
            cursor.execute(INDEX)
            cursor.execute("ANALYZE likeness_key")
            cursor.execute("ANALYZE likeness_person")

    def look_up(self, records: Iterable[Record]) -> Iterator[tuple[Record, list[Proposal]]]:
        """For each of these, those worth proposing, the best first, at most ten."""
        commonness = self.commonness()
        for lot in lots(records, AT_ONCE):
            described = [describe(record.written) for record in lot]
            found = self._candidates(described)
            for number, record in enumerate(lot):
                people = ((id_, describe(written)) for id_, written in found.get(number, ()))
                yield record, best(described[number], people, self.weights, commonness)

    def estimated(self, records: Sequence[Record]) -> Weights:
        """Weights estimated from these people, compared with those in the register who are not the same record."""
        sharing: Counter[Pattern] = Counter()
        at_random: Counter[Pattern] = Counter()
        for lot in lots(records, AT_ONCE):
            described = [describe(record.written) for record in lot]
            found = self._candidates(described)
            for number, record in enumerate(lot):
                others = (describe(written) for id_, written in found.get(number, ()) if id_ != record.id)
                sharing += counted(next(levels(described[number], other)) for other in others)
            # By the order of two lists that have nothing to do with each other.
            pairs = zip(described, reversed(described), strict=True)
            at_random += counted(next(levels(one, other)) for one, other in pairs if one is not other)
        return estimate(self.weights, Seen(sharing, at_random))

    def _candidates(self, described: Sequence[Described]) -> Mapping[int, list[tuple[str, Written]]]:
        pairs = [(number, key) for number, person in enumerate(described) for key in sorted(asked(person))]
        columns = ", ".join(f"person.{column}" for column in COLUMNS)
        ranked = RANKED.format(keys="likeness_key", number="number", most_of_a_key=MOST_OF_A_KEY)
        found: dict[int, list[tuple[str, Written]]] = {}
        with connection.cursor() as cursor:
            cursor.execute(
                CANDIDATES.format(ranked=ranked, columns=columns),
                {
                    "probes": json.dumps([number for number, _ in pairs]),
                    "keys": json.dumps([key for _, key in pairs]),
                    "most": MOST_CANDIDATES,
                },
            )
            for number, id_, *texts in cursor.fetchall():
                found.setdefault(number, []).append((id_, Written(*texts)))
        return found


@contextmanager
def register(weights: Weights) -> Iterator[Register]:
    """An empty register. Its tables go with the transaction, which is rolled back."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(TABLES.format(columns=", ".join(f"{column} text NOT NULL" for column in COLUMNS)))
        yield Register(weights)
        transaction.set_rollback(True)


def best(
    person: Described, people: Iterable[tuple[str, Described]], weights: Weights, commonness: Commonness
) -> list[Proposal]:
    """Those of these people that are worth proposing, the best first, at most ten."""
    found = [Proposal(id_, compare(person, other, weights, commonness)) for id_, other in people]
    found.sort(key=lambda proposal: (-proposal.likeness.score, -proposal.likeness.weight, proposal.id))
    if worth := [proposal for proposal in found if proposal.likeness.score >= weights.worth_proposing]:
        return likeliest(worth, lambda proposal: proposal.likeness)
    nearest = weights.nearest
    near = (
        each
        for each in found
        if has_one_of(each.likeness.exact, nearest.exactly) or has_one_of(each.likeness.agreeing, nearest.agreeing)
    )
    return list(islice(near, nearest.most))


def likeliest(found: Sequence[Item], likeness: Callable[[Item], Likeness]) -> list[Item]:
    """The first ten of these, the best first. Whoever has the same number is among them, however unlike."""
    kept = sorted(found, key=lambda each: not likeness(each).has_one_number)[:MOST_PROPOSALS]
    return [each for each in found if each in kept]


def lots(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """The items in lists of this size, the last perhaps shorter."""
    rest = iter(items)
    while lot := list(islice(rest, size)):
        yield lot
