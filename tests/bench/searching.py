"""Search among few people and among many, beside a bare trigram query of the same name."""

import random
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from django.db import connection
from django.utils import timezone

from casework.families.finding import run_query
from casework.families.typed_search import read_typed
from casework.models import Person
from localities.models import User
from tests.bench.databases import create, reference, use
from tests.bench.filling import fill
from tests.bench.history import tell
from tests.bench.pairs import median_ratio

TRIGRAMS = "CREATE INDEX ON casework_person USING gin ((first_name || ' ' || last_name) gin_trgm_ops)"
BARE = """
SELECT id FROM casework_person WHERE (first_name || ' ' || last_name) %% %(name)s
ORDER BY similarity(first_name || ' ' || last_name, %(name)s) DESC LIMIT 20
"""


@dataclass(frozen=True)
class Searches:
    """
    The seconds of a search at the median, among few and among many, and of a bare trigram query among many. The ratios
    are medians of those of the same name.
    """

    people: tuple[int, int]
    few: float
    many: float
    trigram: float
    over_few: float
    over_trigram: float


def searches(contacts: tuple[int, int], names: int, rounds: int) -> Searches:
    """
    Front-door staff search for the same names beside two histories, in turn. Each counts with the best of the rounds.

    A search is all that the page asks of the database and computes: who it is, and what the reader may see of them.
    """
    places = []
    people = []
    for size in contacts:
        place = create(f"searched_{size}", copy_of=reference())
        use(place)
        tell()
        fill(size)
        with connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            cursor.execute(TRIGRAMS)
            cursor.execute("ANALYZE casework_person")
        places.append(place)
        people.append(Person.objects.count())
    use(places[0])
    # People of the small history: their names are in the large one too, as common as they are.
    known = list(
        Person.objects.exclude(first_name="")
        .exclude(last_name="")
        .order_by("pk")
        .values_list("first_name", "last_name")
    )
    asked = [f"{first} {last}" for first, last in random.Random(7).sample(known, min(names, len(known)))]
    few: list[float] = []
    many: list[float] = []
    bare: list[float] = []
    for name in asked:
        for place, into in zip(places, (few, many), strict=True):
            use(place)
            reader, now = User.objects.get(username="amina"), timezone.now()
            into.append(min(_seconds(partial(run_query, read_typed(name), reader, now)) for _ in range(rounds)))
        bare.append(min(_seconds(partial(_trigrams, name)) for _ in range(rounds)))
    found = Searches(
        people=(people[0], people[1]), few=statistics.median(few), many=statistics.median(many),
        trigram=statistics.median(bare), over_few=median_ratio(many, few), over_trigram=median_ratio(many, bare),
    )  # fmt: skip
    sys.stdout.write(
        f"\n  a search among {people[0]:,} people {found.few * 1000:.1f} ms, among {people[1]:,} "
        f"{found.many * 1000:.1f} ms; a trigram query of the name there {found.trigram * 1000:.1f} ms\n"
    )
    return found


def _trigrams(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(BARE, {"name": name})
        cursor.fetchall()


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
