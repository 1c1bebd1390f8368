"""
Possible matches between people, for somebody to confirm or reject. The service never merges records by itself.

Candidates come from indexes (NHS number, date of birth, postcode), so the cost does not grow with the years. Names are
compared in memory, because partners spell them differently.
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection
from rapidfuzz.fuzz import ratio, token_sort_ratio
from rapidfuzz.utils import default_process

from casework.models import ContactAdult, ContactChild, Person, PersonMatch
from localities.models import Agency, User

MOST_CANDIDATES = 200
# Muhammad and Mohammed are alike by 75 percent, Robin and Rowan by 60.
LIKE_FIRST_NAMES = 70

# The first key of advisory locks with two keys. The second is a hash of what two matching people must share.
MATCHING_LOCK = 7_003
LOCK_MATCHES = """
SELECT pg_advisory_xact_lock(%s, half)
FROM (SELECT DISTINCT hashtext(shared) AS half FROM unnest(%s::text[]) AS shared ORDER BY half) AS halves
"""

# If there are too many, those with the same NHS number come first, then the newest records. In SQL, because it runs for
# every contact, and the ORM takes longer to compose it than the database to answer it.
CANDIDATES = """
SELECT *
FROM casework_person
WHERE (nhs_number = ANY(%(numbers)s::varchar[]) OR date_of_birth = ANY(%(born)s::date[])
       OR postcode = ANY(%(homes)s::varchar[]))
  AND id <> ALL(%(themselves)s::bigint[])
ORDER BY nhs_number = ANY(%(numbers)s::varchar[]) DESC NULLS LAST, id DESC
LIMIT %(most)s
"""


@dataclass(frozen=True)
class PossibleMatch:
    """
    A possible match: its score in percent, and why. `certain`: NHS number and date of birth are the same, and neither
    first name nor sex says otherwise. A number is evidence, not proof: it may be copied from the next line.
    """

    person: Person
    score: int
    why: str
    certain: bool = False


def lock_possible_matches(people: Iterable[Person]) -> None:
    """
    Locks, until the transaction ends, everything by which somebody could match one of these people: NHS number, date of
    birth (day and month may be swapped) and postcode.

    So two contacts about one child that arrive at the same moment are received one after the other, and the later
    counts the earlier. The locks are taken in one order and before any lock on a row, so that two actions never
    deadlock. A contact that only shares a postcode waits some milliseconds.
    """
    if shared := {what for person in people for what in shared_keys(person)}:
        with connection.cursor() as cursor:
            cursor.execute(LOCK_MATCHES, [MATCHING_LOCK, sorted(shared)])


def shared_keys(person: Person) -> Iterable[str]:
    """What somebody must share with this person to match: at least one of these."""
    if person.nhs_number:
        yield f"number {person.nhs_number}"
    if born := person.date_of_birth:
        yield f"born {min(born, _swapped(born))}"
    if person.postcode:
        yield f"home {person.postcode}"


def candidates(people: Iterable[Person]) -> list[Person]:
    """Everybody who could match one of these people, without these people themselves."""
    people = list(people)
    days = {person.date_of_birth for person in people if person.date_of_birth}
    shared = {
        "numbers": sorted({person.nhs_number for person in people if person.nhs_number}),
        "born": sorted(days | {_swapped(day) for day in days}),
        "homes": sorted({person.postcode for person in people if person.postcode}),
    }
    if not any(shared.values()):
        return []
    themselves = [person.pk for person in people if person.pk is not None]
    most = MOST_CANDIDATES * len(people)
    return list(Person.objects.raw(CANDIDATES, {**shared, "themselves": themselves, "most": most}))


def compare(people: Iterable[Person], others: Iterable[Person], but_not: Container[Person] = ()) -> list[PossibleMatch]:
    """The possible matches of any of these people among the others, the best first."""
    found = (_compare(person, other) for other in others if other not in but_not for person in people)
    return sorted(filter(None, found), key=lambda match: (-match.score, match.person.pk or 0))


def _compare(person: Person, other: Person) -> PossibleMatch | None:
    born, theirs = person.date_of_birth, other.date_of_birth
    if person.nhs_number and other.nhs_number:
        if person.nhs_number != other.nhs_number:
            return None
        if (differs := _contradiction(person, other)) and born == theirs:
            return PossibleMatch(other, 90, f"The same NHS number and date of birth, but another {differs}")
        if born is None or theirs is None or born == theirs:
            return PossibleMatch(
                other, 100, "The same NHS number and date of birth", certain=born == theirs is not None
            )
        return PossibleMatch(other, 90, "The same NHS number, but another date of birth")
    same_home = bool(person.postcode) and person.postcode == other.postcode
    if born and born == theirs:
        name = _name_similarity(person, other)
        if name >= 80:
            return PossibleMatch(other, min(99, name), "The same date of birth and a like name")
        if same_home and name >= 55:
            return PossibleMatch(other, 60, "The same date of birth and postcode")
    elif born and theirs and born == _swapped(theirs):
        if (name := _name_similarity(person, other)) >= 90:
            return PossibleMatch(other, name - 10, "A like name; day and month of birth are swapped")
    elif (born is None or theirs is None) and same_home and (name := _name_similarity(person, other)) >= 85:
        return PossibleMatch(other, name - 10, "A like name at the same postcode")
    return None


def _contradiction(person: Person, other: Person) -> str | None:
    """What says that two records with one NHS number are two people: "first name" or "sex"; None if nothing does."""
    if {person.sex, other.sex} == {"M", "F"}:
        return "sex"
    mine, theirs = (
        {default_process(name.split(" ")[0]) for name in (each.first_name, *each.also_known_as) if name}
        for each in (person, other)
    )
    # A short form of a name (Rob for Robin) does not contradict it.
    alike = any(ratio(a, b) >= LIKE_FIRST_NAMES or a.startswith(b) or b.startswith(a) for a in mine for b in theirs)
    return None if alike or not mine or not theirs else "first name"


def _name_similarity(person: Person, other: Person) -> int:
    """The similarity of names in percent: of all names of each person, the best pair counts."""
    mine, theirs = _names(person), _names(other)
    return max(
        (round(token_sort_ratio(a, b, processor=default_process)) for a in mine for b in theirs),
        default=0,
    )


def _names(person: Person) -> list[str]:
    full = f"{person.first_name} {person.last_name}".strip()
    others = [alias if " " in alias else f"{alias} {person.last_name}" for alias in person.also_known_as]
    return [name for name in (full, *others) if name]


def _swapped(born: date) -> date:
    """The date with day and month swapped, a common mistake; the date itself if that is not a date."""
    try:
        return born.replace(month=born.day, day=born.month)
    except ValueError:
        return born


def match_again(row: ContactChild | ContactAdult, *, by: User | Agency, now: datetime) -> None:
    """
    Looks for the possible matches of somebody on a contact again, after what is known of them has changed.

    The row and its `recorded_as` are stored with the change, by this user or agency at this moment. The caller has
    locked the contact, and locks no record of a person before. New likenesses are proposed; those in view stay until
    somebody settles them.
    """
    if isinstance(row, ContactAdult):
        # An adult's possible matches are found when they are needed.
        return
    record = row.recorded_as
    lock_possible_matches([record])
    on_contact = ContactChild.objects.filter(contact=row.contact_id).values_list("person", flat=True)
    others = [person for person in candidates([record]) if person.pk not in {*on_contact, row.person_id}]
    PersonMatch.objects.bulk_create(
        (
            PersonMatch(child=row, person=match.person, score=match.score, why=match.why)
            for match in compare([record], others)
        ),
        ignore_conflicts=True,
    )
