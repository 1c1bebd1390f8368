"""
Finds the people on record whom somebody looks for: those whom the reader may see, the likeliest first, with why.

What may be seen is asked when it is read (`Contact.objects.visible_to`). A person is compared by what the contacts say
that the reader may see. An address that is hidden finds nobody and is in no answer.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from operator import itemgetter
from typing import Any

from django.db import connection
from django.db.models import BooleanField, ExpressionWrapper, Model, Q, Value
from django.db.models.functions import Coalesce

from casework.access import restricted
from casework.access.restricted import Closed
from casework.families import sameness
from casework.families.kept_homes import with_a_home
from casework.families.likeness.births import Birth
from casework.families.likeness.comparing import Commonness, Likeness, compare
from casework.families.likeness.describing import Described, describe
from casework.families.likeness.finding import RANKED
from casework.families.likeness.homes import Home
from casework.families.likeness.weights import in_use
from casework.families.naming import Called, name_of, name_rows
from casework.families.person_keys import MOST_OTHER_NAMES, named, recorded_numbers, written
from casework.families.recorded import RecordedHome, living_hidden
from casework.families.typed_search import Query, Reading
from casework.models import Case, Contact, ContactAdult, ContactChild, DetailKind, Person, PersonDetail
from casework.models.person_details import Plain
from casework.references import CASE, CONTACT, PERSON, is_of
from casework.statuses import CaseStatus
from localities.models import OVERSEEING_ROLES, User
from localities.roles import roles_of
from localities.working_time import local_day

MOST_OF_A_KEY = 50
MOST_CANDIDATES = 60
MOST_SHOWN = 20
# In bits, as the weights: somebody who lives in the postal area that was typed comes before others.
OF_THE_AREA = 5.0
# What staff recorded is exactly what was typed.
OF_WHAT_STAFF_RECORDED = 100.0
RECORDED = "{}, as staff recorded it"
ANOTHER_NAME = "Another name: {}"
# A child is expected on the day that was typed, or about then: as much as a day of birth.
OF_THE_DAY = 12.0
EXPECTED_THEN, EXPECTED = "Expected on the same day", "Expected on {:%-d %B %Y}"
# In place of how a name differs of which only a part was typed.
BEGINS, ENDS = "{} begins so", "{} ends so"
ADDRESS_HAS = "Address has these words"
# A shorter part is that of too many names. With another name beside it, two letters are enough.
LEAST_TO_BEGIN, LEAST_TO_END = 3, 4
# Each of these says enough by itself.
ENOUGH = frozenset({"nhs_number", "upn", "telephone", "home"})

CANDIDATES = """
{ranked}
SELECT number FROM ranked WHERE place <= %(most)s
UNION
(SELECT person_id FROM casework_contactchild
WHERE expected_date_of_delivery BETWEEN %(expected_from)s AND %(expected_to)s AND date_of_birth IS NULL
AND (%(among)s::bigint[] IS NULL OR person_id = ANY(%(among)s::bigint[]))
ORDER BY abs(expected_date_of_delivery - %(expected)s::date), person_id DESC LIMIT %(most)s)
"""
# Whether all that was typed agrees, and the weight in bits.
_Order = tuple[bool, float]
EVERYBODY = "casework_personkey"
AMONG = "(SELECT key, person_id FROM casework_personkey WHERE person_id = ANY(%(among)s::bigint[]))"


# What makes fewer of many, and the kinds of what was typed that say as much.
NARROWS: Mapping[str, tuple[str, ...]] = {
    "a date of birth": ("a date of birth", "an expected date"),
    "a postcode": ("a postcode", "a postal area", "a town", "an address", "an address or postcode"),
    "a first name and a last name": ("a name",),
    "a telephone number": ("a telephone number",),
}


@dataclass(frozen=True)
class Hit:
    """
    Somebody whom the reader may see, as contacts describe them and staff recorded them.

    `name`: the one that they have everywhere. `born`: the record that best says when they were, or will be, born.
    `homes`: the address of the record that is most alike, and those that staff recorded.
    `why`: the reasons in words. `last`: the newest contact about them that the reader may open, and `case` the open
    case that it is part of, if the reader may open it. `beside`: the names of others on that contact. `hides`:
    whether an address is known that is not shown.
    """

    person: Person
    name: str
    born: Person
    homes: tuple[str, ...]
    why: tuple[str, ...]
    last: Contact
    case: Case | None
    beside: tuple[str, ...]
    hides: bool


@dataclass(frozen=True)
class Found:
    """
    Who and what was found.

    `more`: how many are not shown, at least. `closed` says that restricted records exist, and whom to ask.
    """

    query: Query
    contacts: tuple[Contact, ...] = ()
    cases: tuple[Case, ...] = ()
    people: tuple[Called, ...] = ()
    hits: tuple[Hit, ...] = ()
    more: int = 0
    closed: tuple[Closed, ...] = ()

    @property
    def number(self) -> int:
        return len(self.contacts) + len(self.cases) + len(self.people) + len(self.hits)

    @property
    def would_narrow(self) -> str:
        """What to add where too many were found, in words."""
        typed = set(self.query.kinds)
        wanted = [words for words, kinds in NARROWS.items() if typed.isdisjoint(kinds)]
        return " or ".join(wanted[:2])


def run_query(query: Query, user: User, now: datetime) -> Found:
    """Everything found that the reader may see."""
    found = _of_references(query, user, now) if query.references else Found(query)
    if not query.ways and not query.texts and not query.expected:
        return found
    scope = _scope(user, now)
    # Of a restricted record a search says that it exists, but not where the family lives: whoever is out of sight is
    # looked for as if nobody had typed a place.
    anywhere = query.without_places()
    candidates = set(_candidates(query, scope))
    others = candidates if anywhere == query else set(_candidates(anywhere, scope))
    recorded, homes = _recorded(query, candidates, scope)
    exactly = {person for person, _ in recorded}
    if not candidates | others | exactly:
        return found
    rows = _Rows(sorted(candidates | others | exactly), user, now, homes)
    out_of_sight = _ranked(anywhere, sorted((others | exactly) - rows.latest.keys()), rows, recorded)
    closed = found.closed + _closed([person for person, _, _ in out_of_sight], user, now)
    seen = _ranked(query, sorted((candidates | exactly) & rows.latest.keys()), rows, recorded)
    hits = _hits(seen[:MOST_SHOWN], rows, user, now)
    return replace(found, hits=hits, more=max(0, len(seen) - MOST_SHOWN), closed=tuple(dict.fromkeys(closed)))


def closed_under(reference: str, user: User, now: datetime) -> tuple[Closed, ...]:
    """
    Whom to ask about the record with this reference, if the reader's roles would show it and a restriction closes it.
    """
    return _of_references(Query(references=(reference,)), user, now).closed


def _of_references(query: Query, user: User, now: datetime) -> Found:
    contacts, closed_contacts = _open_and_closed(Contact.objects, CONTACT, query, user, now)
    cases, closed_cases = _open_and_closed(Case.objects, CASE, query, user, now)
    shut = [*closed_contacts, *closed_cases]
    closed = restricted.whom_to_ask(*shut, user=user, now=now) if shut else ()
    people, closed_people = _people_and_closed(query, user, now)
    return Found(query, tuple(contacts), tuple(cases), tuple(people), closed=closed + closed_people)


def _open_and_closed(records: Any, kind: str, query: Query, user: User, now: datetime) -> tuple[list[Any], list[Any]]:
    """The contacts, or the cases, with these references that the reader may see; and those that are closed to them."""
    references = [reference for reference in query.references if is_of(kind, reference)]
    if not references:
        return [], []
    found = list(records.visible_to(user, now).filter(reference__in=references).order_by("pk"))
    missing = {*references} - {record.reference for record in found}
    return found, list(records.in_scope_of(user, now).filter(reference__in=missing).order_by("pk")) if missing else []


def _people_and_closed(query: Query, user: User, now: datetime) -> tuple[list[Called], tuple[Closed, ...]]:
    """The people with these references whom the reader may see; and whom to ask about the others."""
    references = [reference for reference in query.references if is_of(PERSON, reference)]
    if not references:
        return [], ()
    meant = Person.objects.filter(reference__in=references).order_by().values_list("pk", flat=True)
    if not meant:
        return [], ()
    records = list(sameness.records_of(meant))
    found = {record.same_as_id or record.pk for record in records}
    rows = _Rows(found, user, now)
    unseen = found - set(rows.latest)
    scope = _scope(user, now) if unseen else None
    closed = _closed(sorted(unseen if scope is None else unseen & scope), user, now) if unseen else ()
    seen = [record for record in records if record.pk in rows.latest]
    return [Called(record.reference, rows.name(record.pk), None) for record in seen], closed


def _scope(user: User, now: datetime) -> set[int] | None:
    """The people whom the reader's roles would show, were none restricted; None for everybody."""
    who = roles_of(user, local_day(now))
    if who.front_door_roles or who.has(*OVERSEEING_ROLES):
        return None
    contacts = Contact.objects.in_scope_of(user, now).order_by().values("pk")
    children = ContactChild.objects.filter(contact__in=contacts).order_by().values_list("person")
    return {person for (person,) in children.union(_people(ContactAdult, contact__in=contacts))}


def _people(model: type[Model], **which: Any) -> Any:
    return model._default_manager.filter(**which).order_by().values_list("person")


def _candidates(query: Query, scope: Collection[int] | None) -> list[int]:
    """
    The ids of those who share keys with what was typed, and of children who are expected about the day. In SQL, because
    the ORM cannot say "so many for each".
    """
    pairs = [(number, key) for number, keys in enumerate(query.probes()) for key in sorted(keys)]
    expected_from, expected_to = query.expected.around if query.expected else (None, None)
    among = EVERYBODY if scope is None else AMONG
    ranked = RANKED.format(keys=among, number="person_id", most_of_a_key=MOST_OF_A_KEY)
    with connection.cursor() as cursor:
        cursor.execute(
            CANDIDATES.format(ranked=ranked),
            {
                "probes": json.dumps([number for number, _ in pairs]),
                "keys": json.dumps([key for _, key in pairs]),
                "most": MOST_CANDIDATES,
                "among": None if scope is None else sorted(scope),
                "expected": query.expected.first if query.expected else None,
                "expected_from": expected_from,
                "expected_to": expected_to,
            },
        )
        return [person for (person,) in cursor.fetchall()]


@dataclass
class _Rows:
    """
    What the reader may see of these people: their records, and their newest contacts. Whose address is `hidden` is not
    compared by it: so is that of whoever is out of sight.
    """

    people: Collection[int]
    user: User
    now: datetime
    homes: Mapping[int, list[RecordedHome]] = field(default_factory=dict)
    latest: dict[int, int] = field(default_factory=dict)
    records: dict[int, list[Person]] = field(default_factory=lambda: defaultdict(list))
    hidden: frozenset[int] = frozenset()
    names: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        visible = Contact.objects.visible_to(self.user, self.now).order_by().values("pk")
        seen = set()
        for model in (ContactChild, ContactAdult):
            rows = _people(model, person__in=self.people, contact__in=visible)
            for person, contact, record in rows.values_list("person", "contact", "recorded_as"):
                self.latest[person] = max(contact, self.latest.get(person, contact))
                seen.add(record)
        for record in sameness.records_of(self.people):
            person = record.same_as_id or record.pk
            if record.current_name:
                self.names[person] = record.current_name
            # Nothing is shown of people who are closed to the reader: the reader learns whom to ask.
            if record.pk in seen or person not in self.latest:
                self.records[person].append(record)
        self.hidden = living_hidden(self.people) | {*self.people}.difference(self.latest)

    def name(self, person: int, record: Person | None = None) -> str:
        """What the person is called: by this record first, if it gives a first name."""
        return name_of([record, *self.records[person]] if record else self.records[person], self.names.get(person, ""))

    def _says_of_name(self, record: Person) -> tuple[str, str]:
        """The reason to add where the name that agrees is not the one shown for the person."""
        shown = self.names.get(record.same_as_id or record.pk)
        own = record.described_name
        return ("name", ANOTHER_NAME.format(own)) if shown and own and shown.casefold() != own.casefold() else ("", "")

    def described(self, person: int) -> Iterator[tuple[Described, Person, str, str]]:
        """
        The person as each record describes them, the record, and what else the likeness says if a field agrees: by each
        other name, and at each home that staff recorded.
        """
        hides = person in self.hidden
        for record in self.records[person]:
            known, numbers = written(record), recorded_numbers(record)
            if hides:
                known = known._replace(address="", postcode="")
            yield describe(known, recorded=numbers), record, *self._says_of_name(record)
            for name in (*record.also_known_as, *record.other_names)[:MOST_OTHER_NAMES]:
                for way in named(known, name):
                    yield describe(way, recorded=numbers), record, "name", ANOTHER_NAME.format(name)
            for home in () if hides else self.homes.get(person, ()):
                way = known._replace(address=home.address, postcode=home.postcode)
                yield describe(way, recorded=numbers), record, "home", RECORDED.format(DetailKind.ADDRESS.label)


def _recorded(
    query: Query, candidates: Collection[int], scope: Collection[int] | None
) -> tuple[list[tuple[int, DetailKind]], Mapping[int, list[RecordedHome]]]:
    """
    The people for whom staff recorded exactly what was typed, and what that is: a number, a name, a telephone, an
    address. And the homes that staff recorded for the candidates.
    """
    details = PersonDetail.objects.filter(in_error_at__isnull=True).order_by()
    is_former = Q(ended_at__isnull=False) | Q(to_date__isnull=False)
    columns = (
        Coalesce("person__same_as", "person"), "kind", "value", "postcode",
        ExpressionWrapper(is_former, BooleanField()),
    )  # fmt: skip
    typed = details.alias(plain=Plain("value")).filter(plain__in=query.texts)[:MOST_CANDIDATES]
    theirs = details.filter(kind=DetailKind.ADDRESS, person__in=sameness.records_of(candidates).values("pk"))
    exactly, homes = list[tuple[int, DetailKind]](), defaultdict[int, list[RecordedHome]](list)
    rows = typed.values_list(Value(True), *columns).union(theirs.values_list(Value(False), *columns), all=True)
    for is_typed, person, kind, *home in rows:
        if not is_typed:
            homes[person].append(RecordedHome(*home))
        elif scope is None or person in scope:
            exactly.append((person, DetailKind(kind)))
    return exactly, homes


def _ranked(
    query: Query, candidates: Iterable[int], rows: _Rows, recorded: Sequence[tuple[int, DetailKind]]
) -> list[tuple[int, Person, tuple[str, ...]]]:
    """Those who are worth showing, the likeliest first: the person, the record that is most alike, and the reasons."""
    found = []
    readings = query.readings
    # A child who is expected has no date of birth to compare.
    unborn = [way._replace(person=describe(way.person.written._replace(date_of_birth=""))) for way in readings]
    for person in candidates:
        ways = list[tuple[_Order, Person, tuple[str, ...]]]()
        kinds = dict.fromkeys(kind for one, kind in recorded if one == person)
        if person in rows.hidden:
            kinds.pop(DetailKind.ADDRESS, None)
        if kinds and rows.records[person]:
            why = tuple(RECORDED.format(kind.label) for kind in kinds)
            ways.append(((True, OF_WHAT_STAFF_RECORDED), rows.records[person][0], why))
        for described, record, part, says in rows.described(person):
            day = _expected(query, record)
            for way in unborn if day else readings:
                if agreed := _agreed(way, described, query.area, day):
                    order, reasons, agreeing = agreed
                    is_by_it = any(part and part in name for name in agreeing)
                    ways.append((order, record, (*reasons, says) if is_by_it else reasons))
        if ways:
            order, record, why = max(ways, key=itemgetter(0))
            found.append((order, person, record, why))
    found.sort(key=lambda each: (each[0], each[1]), reverse=True)
    return [(person, record, reasons) for _, person, record, reasons in found]


def _expected(query: Query, record: Person) -> tuple[int, str] | None:
    """How many days from the expected one a child is expected who is not born, and that in words."""
    expected = record.expected_date_of_delivery
    if query.expected is None or expected is None or record.date_of_birth:
        return None
    apart = query.expected.apart(expected)
    if apart is None:
        return None
    is_the_day = query.expected.first == query.expected.last == expected
    return apart, EXPECTED_THEN if is_the_day else EXPECTED.format(expected)


def _agreed(
    reading: Reading, described: Described, area: str, day: tuple[int, str] | None
) -> tuple[_Order, tuple[str, ...], frozenset[str]] | None:
    """How much of what was typed agrees, why in words, and which fields; None if too little does."""
    way, exactly, town = reading
    lives = town.why(described.home) if town and described.home else ""
    if town and not lives:
        return None
    if day and way.first and not way.last and not described.first:
        # "Marsh, due 3 May" is not every child without a first name: it is read as a last name as well.
        return None
    likeness = compare(way, described, in_use(), Commonness())
    if exactly and exactly not in likeness.exact:
        return None
    parts = {name: says for name, says in _parts(way, described).items() if name not in likeness.agreeing}
    agreeing = likeness.agreeing | parts.keys()
    of_area = bool(area and described.home and described.home.area == area)
    agrees = len(agreeing) + of_area + bool(lives) + bool(day)
    compared = len(likeness.reasons) + bool(area) + bool(lives) + bool(day)
    if lives and len(agreeing) < len(likeness.reasons):
        # Nobody else of the town.
        return None
    if not likeness.agreeing & ENOUGH and 2 * agrees <= compared:
        return None
    reasons = tuple(_reasons(likeness, way, described, parts))
    where = filter(None, (f"Lives in {area}" if of_area else "", lives))
    reasons = (*reasons, *where)
    weight = likeness.weight + OF_THE_AREA * (of_area + bool(lives))
    if day:
        apart, says = day
        reasons, weight = (*reasons, says), weight + OF_THE_DAY - apart
    return (len(likeness.reasons) == len(agreeing), weight), reasons, agreeing


def _parts(way: Described, other: Described) -> Mapping[str, str]:
    """
    What was typed only in part, each with that in words: "thistle" of Thistlewood, "emeka" of Chukwuemeka, and "12
    Station" of 12 Station Road.
    """
    found = {}
    if way.home and other.home and _has_all_of(other.home, way.home):
        found["home"] = ADDRESS_HAS
    for which, says, typed, name in (
        ("first_name", "First name", way.first, other.first),
        ("last_name", "Last name", way.last, other.last),
    ):
        if typed and name:
            part, parts = typed.whole, (name.whole, *name.parts)
            least = LEAST_TO_BEGIN - bool(way.first and way.last)
            if len(part) >= least and any(each.startswith(part) for each in parts):
                found[which] = BEGINS.format(says)
            elif len(part) >= LEAST_TO_END and any(each.endswith(part) for each in parts):
                found[which] = ENDS.format(says)
    return found


def _has_all_of(home: Home, typed: Home) -> bool:
    """Whether an address has all words and numbers that were typed of it, of which one tells a street from others."""
    if typed.postcode or not typed.street:
        return False
    return set(typed.words) <= set(home.words) and set(typed.numbers) <= set(home.numbers)


def _reasons(likeness: Likeness, way: Described, other: Described, parts: Mapping[str, str]) -> Iterator[str]:
    levels = in_use().levels
    estimated = levels["date_of_birth"]["estimated"].says
    unlike = {level.says: says for name, says in parts.items() for level in levels[name].values()}
    for reason in likeness.reasons:
        if reason == estimated and way.birth and not way.birth.is_a_day and other.birth:
            yield f"Born in {_month_or_year(other.birth if way.birth.is_a_month else Birth(other.birth.year, 0, 0))}"
        else:
            yield unlike.get(reason, reason)


def _month_or_year(birth: Birth) -> str:
    return f"{birth.year}" if birth.is_a_year else f"{date(birth.year, birth.month, 1):%B %Y}"


def _closed(people: Sequence[int], user: User, now: datetime) -> tuple[Closed, ...]:
    """Whom to ask about people whom the reader's roles would show, and who are closed to them."""
    if not people:
        return ()
    closed = restricted.closed_among(people, user, now)
    others = [person for person in people if person not in closed]
    found = [*closed.values()]
    if others:
        # Not restricted themselves: everybody they are on a contact with is closed for somebody else's sake.
        contacts = Contact.objects.with_people(others)
        found += restricted.whom_to_ask(*contacts, user=user, now=now) if contacts else ()
    return tuple(dict.fromkeys(found))


def _hits(
    ranked: Sequence[tuple[int, Person, tuple[str, ...]]], rows: _Rows, user: User, now: datetime
) -> tuple[Hit, ...]:
    if not ranked:
        return ()
    people = Person.objects.in_bulk([person for person, _, _ in ranked])
    latest = {rows.latest[person] for person, _, _ in ranked}
    contacts = Contact.objects.visible_to(user, now).select_related("agency").in_bulk(latest)
    open_cases = Case.objects.visible_to(user, now).filter(status=CaseStatus.OPEN)
    cases = open_cases.in_bulk({contact.case_id for contact in contacts.values() if contact.case_id})
    beside = _beside(latest, user, now)
    hidden = rows.hidden.intersection(people)
    hides = with_a_home(hidden) if hidden else frozenset[int]()
    return tuple(
        Hit(
            person=people[person],
            name=rows.name(person, record),
            born=_born(record, rows.records[person]),
            homes=() if person in rows.hidden else _homes(record, rows.homes.get(person, ())),
            why=why,
            last=contacts[rows.latest[person]],
            case=cases.get(contacts[rows.latest[person]].case_id or 0),
            beside=_others(person, beside[rows.latest[person]]),
            hides=person in hides,
        )
        for person, record, why in ranked
        if rows.latest[person] in contacts
    )


def _born(record: Person, records: Iterable[Person]) -> Person:
    """The record that is most alike, unless another one knows the date of birth and this one does not."""
    born = (each for each in (record, *records) if each.date_of_birth)
    return next(born, record)


def _homes(record: Person, recorded: Iterable[RecordedHome]) -> tuple[str, ...]:
    own = ", ".join(filter(None, (record.address, record.postcode)))
    found = [own] if own else []
    for home in dict.fromkeys(recorded):
        text = ", ".join(filter(None, (home.address, home.postcode)))
        found.append(f"{text} ({'earlier, ' if home.is_former else ''}as staff recorded it)")
    return tuple(found)


def _others(person: int, family: Sequence[tuple[int, str]]) -> tuple[str, ...]:
    """The names of the others of a family; none for somebody who is not part of it."""
    if person not in {one for one, _ in family}:
        return ()
    return tuple(name for other, name in family if other != person)


def _beside(contacts: Collection[int], user: User, now: datetime) -> Mapping[int, list[tuple[int, str]]]:
    rows: list[ContactChild | ContactAdult] = []
    for model in (ContactChild, ContactAdult):
        family = model._default_manager.filter(contact__in=contacts, in_family=True)
        rows += family.select_related("person", "recorded_as").order_by("position")
    name_rows(rows, user, now)
    found: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for row in rows:
        found[row.contact_id].append((row.person_id, row.called))
    return found
