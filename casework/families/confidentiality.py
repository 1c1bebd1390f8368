"""
Whose address is hidden, on every contact: confidential once is confidential everywhere, until somebody lifts it.

`address_is_confidential` says it for each child of each contact, and for each adult with an address of their own there,
so that pages, routing, facts and replays look at one flag. `bring_up_to_date` sets it, after whatever may change it: a
protection, a lift, a contact, a correction, a match.

Hidden is the address of a child

1. whose address is protected, on whatever contact, also one that was sent unmarked;
2. who may be such a child, until somebody says that they are two;
3. who stands on a contact with an adult whose address is protected, or who may be such an adult, unless that adult
   lives elsewhere;
4. who stood on a contact with one of these, or has an adult in common with one, or an adult who may be one of theirs,
   until somebody says that the adults are two, if the address is the same, or is not known; or if it came after the
   protection began, and was not known before: the family may have gone there together;
5. who is a possible match of such a child, or stands on a contact with a possible match of one of their adults, however
   low the score, if the address is the same, until somebody says that the children are two. A hidden address is not
   compared, so the score of somebody in hiding stays low;
6. who has a name in common with a child of 1 to 3, in any spelling, short, or with a slip, and comes to the very same
   address: without a named adult who lives there, or with one who has a name in common with that family as well, until
   somebody says of one of them that they are two.

An adult's own address is hidden by 1, 2, 5 and 6 like a child's, and it hides those of others as a child's does. By 4
it is hidden if it may be the home of somebody in hiding beside the adult. And it is hidden where the adult may live
with a child whose address is hidden, whatever contact says so: the family may have gone there together. An adult who is
said to live elsewhere, or whose own home is surely another than the child's, does not live there.

What somebody lifted stays shown for 2 to 6, for the addresses that were known then: but not where somebody lives whose
own address is protected. Showing the one would show the other.

Source: domain/front-door.md, "refuge/confidential address must not drive or reveal routing".
See docs/adr/0026-confidential-once.md.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import chain, product
from typing import Any, NamedTuple

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Coalesce, JSONObject

from casework.families import merging
from casework.families.kept_homes import (
    CORRECTED_LINES,
    CORRECTED_LINES_OF_ADULT,
    Lines,
    Row,
    address_of,
    keep_again,
    keep_homes,
    lines_of,
)
from casework.families.likeness.homes import Home, are_one_home, nearest_home, read_home
from casework.families.likeness.names import Name, nearest_first, read_name
from casework.families.sameness import is_careful, proposed_pairs, records_of, told_apart
from casework.models import (
    AddressProtection,
    ContactAdult,
    ContactChild,
    DetailKind,
    Person,
    PersonDetail,
)
from casework.models.prepared import Call, Prepared, Rows, send

# How two descriptions agree that may be of one home: in doubt an address is hidden. Whether one that was shown is shown
# again is asked more strictly (`are_one_home`): a neighbour's home is another.
MAY_BE_ONE_HOME = frozenset({"same", "street", "postcode", "neighbours", "part"})
MAY_BE_ONE_NAME = frozenset({"same", "variant", "short", "sounds", "letter"})
# Of each adult on the contact of a child: who it is, what they are called, and where they live.
ADULTS_BESIDE = ContactAdult.objects.filter(contact=OuterRef("contact")).values(
    adult=JSONObject(
        pk="pk", person="person", position="position", same_address="same_address", postcode="postcode",
        hidden="address_is_confidential", corrected=Subquery(CORRECTED_LINES_OF_ADULT),
        first="recorded_as__first_name", last="recorded_as__last_name",
    )
)  # fmt: skip
MOST_OF_A_HIDDEN_HOME = 1_000
# How far a protection reaches: from an adult to whoever may be that adult, to the children there, to those beside them.
REACH = 3

# The children and adults of the contacts of these people, and of the other contacts of these adults; and who may be one
# of these people. Everybody is given by the record that stands for them.
FAMILY = """
mine AS (
    SELECT contact_id FROM casework_contactchild WHERE person_id IN (SELECT id FROM people)
    UNION SELECT contact_id FROM casework_contactadult WHERE person_id IN (SELECT id FROM people)),
adults AS (SELECT DISTINCT person_id FROM casework_contactadult WHERE contact_id IN (SELECT contact_id FROM mine)),
theirs AS (
    SELECT contact_id FROM mine
    UNION SELECT contact_id FROM casework_contactadult WHERE person_id IN (SELECT person_id FROM adults)),
records AS (
    SELECT id FROM people
    UNION SELECT record.id FROM people JOIN casework_person record ON record.same_as_id = people.id),
likely AS (
    SELECT match.record_id AS one, match.person_id AS other
    FROM records JOIN casework_personmatch match ON match.record_id = records.id AND match.status = 'proposed'
    UNION
    SELECT match.record_id, match.person_id
    FROM records JOIN casework_personmatch match ON match.person_id = records.id AND match.status = 'proposed'),
family AS (
    SELECT id FROM people
    UNION SELECT person_id FROM casework_contactchild WHERE contact_id IN (SELECT contact_id FROM theirs)
    UNION SELECT person_id FROM adults
    UNION SELECT COALESCE(record.same_as_id, record.id)
    FROM likely JOIN casework_person record ON record.id IN (one, other))
"""
# And whoever is hidden at a postcode of theirs: a namesake is found by that alone. {which}: of which of their rows the
# postcodes are.
AND_NEIGHBOURS = """
homes AS (
    SELECT postcode FROM casework_contactchild
    WHERE person_id IN (SELECT id FROM people) AND postcode <> ''{which}
    UNION SELECT postcode FROM casework_contactadult
    WHERE person_id IN (SELECT id FROM people) AND postcode <> ''{which}),
around AS (
    SELECT id FROM family
    UNION SELECT hidden.person_id FROM homes JOIN casework_contactchild hidden
      ON hidden.address_is_confidential AND hidden.postcode = homes.postcode
    UNION SELECT hidden.person_id FROM homes JOIN casework_contactadult hidden
      ON hidden.address_is_confidential AND hidden.postcode = homes.postcode)
"""
AROUND = f"{FAMILY}, {AND_NEIGHBOURS.format(which='')}"
THESE_PEOPLE = """
WITH people AS (
    SELECT DISTINCT COALESCE(same_as_id, id) AS id FROM casework_person WHERE id = ANY(%(people)s::bigint[]))"""
# The people around these; and whose address is protected by any of their records.
FIND_AROUND = Prepared("find_around", f"{THESE_PEOPLE}, {AROUND} SELECT id FROM around")  # noqa: S608  # our own text
# Whether the address of a person is protected, or one of theirs hidden. {record}: a record of the person, which says
# whether it is protected. {person}: the id of the one that stands for them.
IS_HIDDEN = """{record}.address_is_protected OR EXISTS (
    SELECT FROM casework_contactchild child WHERE child.person_id = {person} AND child.address_is_confidential)
OR EXISTS (
    SELECT FROM casework_contactadult adult WHERE adult.person_id = {person} AND adult.address_is_confidential)"""
# Whether an address of these people, or of anybody around them, is protected or hidden: what is hidden already says of
# whoever is further away. In SQL, as part of a statement that runs for every contact.
HIDDEN_AROUND = f"""{AROUND}
SELECT FROM around JOIN casework_person person ON person.id = around.id
WHERE {IS_HIDDEN.format(record="person", person="person.id")}
"""
SOMEBODY_IS_HIDDEN = f"""EXISTS (
WITH people AS (SELECT unnest(%(matched)s::bigint[]) AS id), {HIDDEN_AROUND})
"""
IS_HIDDEN_AROUND = Prepared("is_hidden_around", f"SELECT EXISTS ({THESE_PEOPLE}, {HIDDEN_AROUND})")
# Whether somebody is hidden at one of these postcodes.
A_NEIGHBOUR_IS_HIDDEN = """EXISTS (
SELECT FROM casework_contactchild hidden
WHERE hidden.address_is_confidential AND hidden.postcode <> '' AND hidden.postcode = ANY(%(postcodes)s::text[]))
OR EXISTS (
SELECT FROM casework_contactadult hidden
WHERE hidden.address_is_confidential AND hidden.postcode <> '' AND hidden.postcode = ANY(%(postcodes)s::text[]))
"""
UPDATE_FLAGS = Prepared(
    "update_protected",
    f"""{THESE_PEOPLE},
records AS (
    SELECT id, id AS stands_for FROM people
    UNION SELECT record.id, people.id FROM people JOIN casework_person record ON record.same_as_id = people.id),
protected AS (
    SELECT DISTINCT stands_for FROM records JOIN casework_addressprotection protection
    ON protection.person_id = records.id WHERE protection.lifted_at IS NULL)
UPDATE casework_person record SET address_is_protected = NOT record.address_is_protected
FROM records WHERE record.id = records.id
AND record.address_is_protected <> (stands_for IN (SELECT stands_for FROM protected))
""",  # noqa: S608  # our own text
)
NOTE_STALE = Prepared(
    "note_stale",
    """
INSERT INTO casework_stalerecommendation (contact_id, since)
SELECT id, %(now)s::timestamptz FROM casework_contact
WHERE id = ANY(%(contacts)s::bigint[]) AND status <> 'decided'
ORDER BY id
ON CONFLICT DO NOTHING
""",
)
# The hidden addresses of the families of some contacts, with the schools and where the children are, which lead there:
# those that were sent, and those that staff recorded. Not a school that is an agency: pages say who sent what. Hidden
# neighbours count as family only beside somebody who is hidden there as well: a stranger's own address is read on his
# pages, and does not say that somebody hides in his street.
HIDDEN = Prepared(
    "find_hidden_addresses",
    f"""
WITH these AS MATERIALIZED (SELECT unnest(%(contacts)s::bigint[]) AS contact_id),
people AS (
    SELECT person_id AS id FROM casework_contactchild WHERE contact_id = ANY(ARRAY(SELECT contact_id FROM these))
    UNION SELECT person_id FROM casework_contactadult WHERE contact_id = ANY(ARRAY(SELECT contact_id FROM these))),
{FAMILY}, {AND_NEIGHBOURS.format(which=" AND address_is_confidential")}
SELECT sent.child -> 'address', child.postcode, jsonb_build_array(
    CASE WHEN NOT EXISTS (SELECT FROM localities_agency WHERE lower(name) = lower(sent.child ->> 'school'))
    THEN sent.child -> 'school' END,
    sent.child -> 'where_now')
FROM casework_contactchild child JOIN casework_contact contact ON contact.id = child.contact_id
CROSS JOIN LATERAL (SELECT contact.document -> 'children' -> child.position::int AS child) sent
WHERE child.address_is_confidential AND child.person_id IN (SELECT id FROM around)
UNION ALL
SELECT jsonb_build_object(split_part(fact.field, '.', 2), known.value), '', jsonb_build_array(
    CASE WHEN fact.field IN ('school', 'where_now') THEN known.value END)
FROM casework_contactchild child JOIN casework_factchange fact ON fact.child_id = child.id
CROSS JOIN LATERAL (VALUES (fact.before), (fact.after), (fact.said)) known (value)
WHERE child.address_is_confidential AND child.person_id IN (SELECT id FROM around)
AND fact.field IN ('address.lines', 'address.postcode', 'school', 'where_now') AND known.value IS NOT NULL
UNION ALL
SELECT contact.document -> 'adults' -> adult.position::int -> 'address', adult.postcode, '[]'
FROM casework_contactadult adult JOIN casework_contact contact ON contact.id = adult.contact_id
WHERE adult.address_is_confidential AND adult.person_id IN (SELECT id FROM around)
UNION ALL
SELECT jsonb_build_object(split_part(fact.field, '.', 2), known.value), '', '[]'
FROM casework_contactadult adult JOIN casework_factchange fact ON fact.adult_id = adult.id
CROSS JOIN LATERAL (VALUES (fact.before), (fact.after), (fact.said)) known (value)
WHERE adult.address_is_confidential AND adult.person_id IN (SELECT id FROM around)
AND fact.field IN ('address.lines', 'address.postcode') AND known.value IS NOT NULL
UNION ALL
SELECT jsonb_build_object('lines', jsonb_build_array(detail.value), 'postcode', detail.postcode), detail.postcode, '[]'
FROM around
JOIN casework_person record ON record.id = around.id OR record.same_as_id = around.id
JOIN casework_persondetail detail ON detail.person_id = record.id AND detail.kind = 'address'
WHERE {IS_HIDDEN.format(record="record", person="around.id")}
OR EXISTS (
    SELECT FROM casework_contactadult adult JOIN casework_contactchild child ON child.contact_id = adult.contact_id
    WHERE adult.person_id = around.id AND adult.same_address IS DISTINCT FROM FALSE AND child.address_is_confidential)
""",  # noqa: S608  # our own text
)


def bring_up_to_date(people: Collection[int], *, now: datetime, but_not: int | None = None) -> frozenset[int]:
    """
    Hides and shows the addresses of these people, and of everybody around them, on all contacts.

    What is hidden is not kept with the person either, where it would be compared and shown. The worker asks the rules
    again on the contacts that wait.

    :param people: the ids of those whose protections, matches or contacts have changed: any of their records. They are
        locked.
    :param but_not: the id of a contact on which the caller asks the rules again.
    :returns: the ids of the contacts of which something is shown now that was hidden.
    """
    changed, recorded = _bring_up_to_date(people, now, but_not)
    return _shown_again([entry for entry in changed if entry.hidden], recorded)


def lock_around(people: Collection[int], *, will_hide: bool = False) -> list[Person]:
    """
    Locks all records of these people until the transaction ends, before what may call for `bring_up_to_date`: where an
    address around them is hidden, with everybody whose records that may change. At once and in the order of their ids,
    so that two actions never deadlock.

    :param people: any of their records.
    :param will_hide: whether one of these addresses is about to be hidden.
    :returns: the records, those of these people among them.
    """
    ((is_hidden,),), around = send(IS_HIDDEN_AROUND(people=[*people]), FIND_AROUND(people=[*people]))
    return merging.lock_records({*people, *(_further(people, around)[1] if is_hidden or will_hide else ())})


def settle_new(rows: Collection[Row], *, now: datetime) -> None:
    """
    Hides and shows the addresses of a contact that was stored just now, and of everybody around, as `bring_up_to_date`
    does. The children and adults then say whose is hidden, and the rules are asked about them for the first time.
    """
    people, contacts = {row.person_id for row in rows}, {row.contact_id for row in rows}
    changed, _ = _bring_up_to_date(people, now, *contacts)
    is_hidden = {(entry.of, entry.pk): not entry.hidden for entry in changed}
    for row in rows:
        row.address_is_confidential = is_hidden.get((type(row), row.pk), row.address_is_confidential)


def _bring_up_to_date(
    people: Collection[int], now: datetime, but_not: int | None
) -> tuple[list["_Entry"], frozenset[int]]:
    """Returns those who are hidden now and were not, or were hidden; and the people whose home staff recorded."""
    affected, beyond = _reach(people)
    family = _Family(beyond)
    theirs = (entry for entry in family.entries if entry.person in affected)
    changed = [entry for entry in theirs if family.is_hidden(entry) != entry.hidden]
    for of, hides in product((ContactChild, ContactAdult), (True, False)):
        ids = [entry.pk for entry in changed if entry.of is of and entry.hidden != hides]
        if ids:
            of._default_manager.filter(pk__in=ids).update(address_is_confidential=hides)
    contacts = {entry.contact for entry in changed}
    keep_again(contacts)
    recorded = _with_recorded_homes(affected)
    merging.keep_keys_again(recorded)
    if waiting := contacts - {but_not}:
        send(NOTE_STALE(contacts=[*waiting], now=now))
    return changed, recorded


def _shown_again(entries: Collection["_Entry"], recorded: Collection[int]) -> frozenset[int]:
    """
    The contacts of these people whose address is hidden no more, if one is known, or a telephone that leads there.

    :param recorded: the people whose home staff recorded.
    """
    shown = {entry.contact for entry in entries if entry.home is not None or entry.person in recorded}
    others = {entry.contact for entry in entries} - shown
    adults = ContactAdult.objects.filter(contact__in=others).exclude(recorded_as__telephone="")
    return frozenset(shown | set(adults.values_list("contact", flat=True) if others else ()))


def hide_all(children: Collection[ContactChild], adults: Collection[ContactAdult], lines: Lines) -> None:
    """
    Hides every address of a contact that arrives and is not stored yet, because somebody's around it is hidden.
    `settle_new` then shows those that need not be hidden.
    """
    for child in children:
        child.address_is_confidential = True
    for adult in adults:
        adult.address_is_confidential |= bool(adult.postcode or lines.of(adult))
    keep_homes(children, adults, lines)


def _with_recorded_homes(people: Collection[int]) -> frozenset[int]:
    """Those of these people whose home staff recorded: by that they are found while it is not hidden."""
    recorded = PersonDetail.objects.filter(person__in=records_of(people), kind=DetailKind.ADDRESS)
    return frozenset(recorded.order_by().values_list(Coalesce("person__same_as", "person"), flat=True))


class HiddenHome(NamedTuple):
    """
    A hidden address: its lines and its postcode as they were sent, and the postcode as it was read. `beside`: the
    school, and where the child is now.
    """

    lines: list[str]
    postcode: str
    postcode_read: str
    beside: list[str]


def hidden_homes(contacts: Iterable[int], rows: Rows | None = None) -> list[HiddenHome]:
    """
    The hidden addresses of the families of these contacts. What people wrote of them may have these in it.

    :param rows: what `ask_hidden` found, where it was asked already.
    """
    if rows is None:
        (rows,) = send(ask_hidden(contacts))
    return _homes(rows)


def ask_hidden(contacts: Iterable[int]) -> Call:
    """The statement whose rows `hidden_homes` reads, for a caller who sends it with others."""
    return HIDDEN(contacts=sorted(contacts))


def hidden_homes_of_each(contacts: Collection[int]) -> Mapping[int, list[HiddenHome]]:
    """The hidden addresses of the family of each of these contacts: see `hidden_homes`."""
    each = sorted(set(contacts))
    found = send(*(HIDDEN(contacts=[contact]) for contact in each)) if each else []
    return {contact: _homes(rows) for contact, rows in zip(each, found, strict=True)}


def _homes(found: Iterable[tuple[Any, ...]]) -> list[HiddenHome]:
    rows = [(json.loads(sent or "null") or {}, postcode, json.loads(beside)) for sent, postcode, beside in found]
    return [
        HiddenHome(
            list(_beginning(lines_of(sent))),
            str(sent.get("postcode") or ""),
            postcode,
            list(_beginning(str(text) for text in beside if text)),
        )
        for sent, postcode, beside in rows
    ]


def _beginning(texts: Iterable[str]) -> Iterator[str]:
    """
    These texts, up to so many characters. No address is longer; and a page is searched for each word of it, which takes
    seconds where a sender puts a book in its place.
    """
    left = MOST_OF_A_HIDDEN_HOME
    for text in texts:
        if left <= 0:
            return
        yield text[:left]
        left -= len(text)


def _reach(people: Collection[int]) -> tuple[frozenset[int], frozenset[int]]:
    """
    Marks whose address is protected among these people. Returns everybody whom that may reach, and these with the
    people around them.
    """
    _, around = send(UPDATE_FLAGS(people=[*people]), FIND_AROUND(people=[*people]))
    return _further(people, around)


def _further(people: Iterable[int], around: Iterable[tuple[int]]) -> tuple[frozenset[int], frozenset[int]]:
    """Returns whom a protection of one of these may reach, and these with the people around them."""
    before, found = frozenset(people), frozenset(person for (person,) in around)
    for _ in range(REACH):
        # Whoever has nobody new around has nobody further away.
        if found == before:
            break
        before = found
        (around,) = send(FIND_AROUND(people=[*before]))
        found = frozenset(person for (person,) in around)
    return before, found


@dataclass(frozen=True, eq=False)
class _Entry:
    """A child on a contact, or an adult with an address of their own there."""

    of: type[Row]
    pk: int
    contact: int
    person: int
    received_at: datetime
    hidden: bool
    home: Home | None
    names: frozenset[Name]


class _Adult(NamedTuple):
    """An adult on a contact. `home` is their own."""

    contact: int
    person: int
    same_address: bool | None
    home: Home | None
    names: frozenset[Name]

    def may_live_with(self, child: _Entry) -> bool:
        """Whether they may live at the address of a child on the same contact."""
        if self.same_address is None and self.home is not None and child.home is not None:
            return _may_be_one(self.home, child.home)
        return self.same_address is not False


class _Family:
    """Everything that says whose address is hidden among these people."""

    def __init__(self, people: Collection[int]) -> None:
        rows = list(_children(people))
        self.entries = [_entry(row) for row in rows]
        self._adults: list[_Adult] = []
        for row in {row["contact"]: row for row in rows}.values():
            for adult in row["adults"]:
                entry = _entry_of_adult(row, adult)
                same_address, home = adult["same_address"], entry.home if entry else None
                names = _in_parts_of((adult["first"], adult["last"]))
                self._adults.append(_Adult(row["contact"], adult["person"], same_address, home, names))
                if entry is not None:
                    self.entries.append(entry)
        self._of_person: dict[int, list[_Entry]] = defaultdict(list)
        self._on_contact: dict[int, list[_Entry]] = defaultdict(list)
        for entry in self.entries:
            self._of_person[entry.person].append(entry)
            self._on_contact[entry.contact].append(entry)
        everybody = {*people, *(adult.person for adult in self._adults)}
        scores = proposed_pairs(everybody)
        likely = [pair for pair, score in scores.items() if is_careful(score)]
        everybody.update(chain.from_iterable(likely))
        self._since: dict[int, datetime] = {}
        self._lifted: dict[int, datetime] = {}
        self._said_by: set[int] = set()
        protections = AddressProtection.objects.filter(person__in=records_of(everybody))
        for person, contact, since, lifted in protections.values_list(
            Coalesce("person__same_as", "person"), "contact", "since", "lifted_at"
        ):
            if lifted is not None:
                self._lifted[person] = max(lifted, self._lifted.get(person, lifted))
                continue
            self._since[person] = min(since, self._since.get(person, since))
            if contact is not None:
                self._said_by.add(contact)
        self._may_be = _both_ways(likely)
        self._is_proposed = _both_ways(scores)

    def is_hidden(self, entry: _Entry) -> bool:
        return (
            self._is_protected(entry)
            or self._is_beside(entry)
            or self._is_at_home_of_possible_match(entry)
            or self._is_at_home_of_a_namesake(entry)
        )

    @cached_property
    def _surely(self) -> dict[_Entry, datetime]:
        """The entries of rules 1 and 3 that certainly are of, or with, somebody protected: see `_protected`."""
        sure = ((entry, self._moments(self._at_home(entry))) for entry in self.entries)
        return {entry: min(moments) for entry, moments in sure if moments}

    @cached_property
    def _protected(self) -> dict[_Entry, datetime]:
        """The entries of rules 1 to 3, and since when they are protected."""
        found = dict(self._surely)
        for entry in self.entries:
            if entry not in found and not self._is_lifted(entry):
                may_be = chain.from_iterable(self._may_be[person] for person in self._at_home(entry))
                if moments := self._moments(may_be):
                    found[entry] = min(moments)
        return found

    def _adults_at_home(self, entry: _Entry) -> list[_Adult]:
        """The adults who may live with a child. Who lives with an adult elsewhere, a contact does not say."""
        beside = self._adults if entry.of is ContactChild else ()
        return [adult for adult in beside if adult.contact == entry.contact and adult.may_live_with(entry)]

    def _at_home(self, entry: _Entry) -> list[int]:
        return [entry.person, *(adult.person for adult in self._adults_at_home(entry))]

    def _named_at_home(self, entry: _Entry) -> list[frozenset[Name]]:
        """The names of each adult who may live there, as far as they have one."""
        if entry.of is ContactAdult:
            return [entry.names]
        return [adult.names for adult in self._adults_at_home(entry) if adult.names]

    def _moments(self, people: Iterable[int]) -> list[datetime]:
        """The moments since which the protected people among these are protected."""
        return [self._since[person] for person in people if person in self._since]

    def _is_protected(self, entry: _Entry) -> bool:
        return entry in self._protected

    def _is_beside(self, entry: _Entry) -> bool:
        """Rule 4."""
        hidden = [other for other in self._beside(entry.person) if other in self._protected]
        at_home = (other for other in (*hidden, *self._of_person[entry.person]) if _may_be_one(entry.home, other.home))
        if any(other in self._surely for other in at_home):
            return True
        if self._is_lifted(entry):
            return False
        if any(_may_be_one(entry.home, other.home) for other in hidden):
            return True
        if entry.of is ContactAdult:
            return self._may_live_with_somebody_hidden(entry)
        return self._may_have_gone_with(entry, [other for other in hidden if other.of is ContactChild])

    def _may_live_with_somebody_hidden(self, entry: _Entry) -> bool:
        """Whether an adult, or who may be that adult, may live with a child whose address is hidden, by any contact."""
        may_be = {entry.person, *self._may_be[entry.person]}
        own = (adult for adult in self._adults if adult.person in may_be)
        return any(
            child.of is ContactChild and adult.may_live_with(child) and self.is_hidden(child)
            for adult in own
            for child in self._on_contact[adult.contact]
        )

    def _may_have_gone_with(self, entry: _Entry, hidden: Collection[_Entry]) -> bool:
        """Whether a child may have gone together with one of these children in hiding beside it."""
        if not hidden:
            return False
        together = any(other.contact == entry.contact for other in hidden)
        if entry.home is None:
            return together
        if together and all(other.home is None for other in hidden):
            return True
        since = min(self._protected[other] for other in hidden)
        # A sender that marks one child's address and not another's on the same contact says where each of them lives.
        if entry.received_at < since or entry.contact in self._said_by:
            return False
        return not any(
            are_one_home(entry.home, before.home)
            for before in self._of_person[entry.person]
            if before.home is not None and (before.received_at < since or before.contact in self._said_by)
        )

    def _is_at_home_of_possible_match(self, entry: _Entry) -> bool:
        """Rule 5."""
        if entry.home is None or self._is_lifted(entry):
            return False
        adults = {adult.person for adult in self._adults if adult.contact == entry.contact}
        others = set(chain.from_iterable(self._is_proposed[person] for person in {entry.person, *adults}))
        contacts = {adult.contact for adult in self._adults if adult.person in others}
        theirs = chain(
            chain.from_iterable(self._of_person[person] for person in others),
            chain.from_iterable(self._on_contact[contact] for contact in contacts),
        )
        found = {other.person for other in theirs if other in self._protected and _may_be_one(entry.home, other.home)}
        apart = told_apart({entry.person, *found}) if found else ()
        return any(frozenset((entry.person, person)) not in apart for person in found)

    def _is_at_home_of_a_namesake(self, entry: _Entry) -> bool:
        """Rule 6."""
        if entry.home is None or not entry.names or self._is_lifted(entry):
            return False
        namesakes = [
            other
            for other in self.entries
            if other in self._protected
            and other.home is not None
            and are_one_home(entry.home, other.home)
            and _may_be_one_name(entry.names, other.names)
        ]
        named = self._named_at_home(entry)
        if not namesakes or not named:
            return bool(namesakes)
        theirs = [other for other in namesakes if self._has_a_name_of(named, other)]
        # Somebody who has looked at the two families, and said that they are two, is believed.
        apart = told_apart({each for one in (entry, *theirs) for each in self._at_home(one)}) if theirs else ()
        return any(
            not any(frozenset(pair) in apart for pair in product(self._at_home(entry), self._at_home(other)))
            for other in theirs
        )

    def _has_a_name_of(self, named: Iterable[Collection[Name]], other: _Entry) -> bool:
        """Whether one of some adults, by their names, has a name in common with somebody here or an adult there."""
        theirs = other.names.union(*self._named_at_home(other))
        return any(_may_be_one_name(names, theirs) for names in named)

    def _beside(self, person: int) -> Iterator[_Entry]:
        """
        All entries of those who were on a contact with this person, or have an adult in common, or one who may be.
        """
        contacts = {entry.contact for entry in self._of_person[person]}
        adults = {adult.person for adult in self._adults if adult.contact in contacts}
        adults.update(*(self._may_be[adult] for adult in adults))
        contacts |= {adult.contact for adult in self._adults if adult.person in adults}
        people = {entry.person for contact in contacts for entry in self._on_contact[contact]} - {person}
        for other in people:
            yield from self._of_person[other]

    def _is_lifted(self, entry: _Entry) -> bool:
        """Whether somebody said that this address is safe to show: then, or of the same home on an earlier contact."""
        lifted = self._lifted.get(entry.person)
        if lifted is None:
            return False
        return entry.received_at <= lifted or any(
            are_one_home(entry.home, known.home)
            for known in self._of_person[entry.person]
            if known.received_at <= lifted and known.home is not None and entry.home is not None
        )


def _both_ways(pairs: Iterable[tuple[int, int]]) -> Mapping[int, set[int]]:
    """For each of these people, those with whom they make a pair."""
    found: dict[int, set[int]] = defaultdict(set)
    for one, other in pairs:
        found[one].add(other)
        found[other].add(one)
    return found


def _children(people: Collection[int]) -> Iterable[Mapping[str, Any]]:
    rows = ContactChild.objects.filter(person__in=people).order_by("pk")
    return rows.values(
        "pk", "contact", "person", "position", "postcode", "first_name", "last_name", "also_known_as",
        "address_is_confidential", "contact__received_at", "contact__document__children", "contact__document__adults",
        corrected=Subquery(CORRECTED_LINES), adults=ArraySubquery(ADULTS_BESIDE),
    )  # fmt: skip


def _entry(row: Mapping[str, Any]) -> _Entry:
    sent = address_of(row["contact__document__children"], row["position"], row["corrected"])
    names = (row["first_name"], row["last_name"], *row["also_known_as"])
    return _Entry(
        of=ContactChild,
        pk=row["pk"],
        contact=row["contact"],
        person=row["person"],
        received_at=row["contact__received_at"],
        hidden=row["address_is_confidential"],
        names=_in_parts_of(names),
        home=read_home(" ".join(lines_of(sent)), row["postcode"] or str(sent.get("postcode") or "")),
    )


def _entry_of_adult(row: Mapping[str, Any], adult: Mapping[str, Any]) -> _Entry | None:
    """An adult on the contact of a child, by the row of the child; None without an address of their own."""
    sent = address_of(row["contact__document__adults"] or (), adult["position"], adult["corrected"])
    lines, postcode = lines_of(sent), adult["postcode"] or str(sent.get("postcode") or "")
    if not (lines or postcode or adult["hidden"]):
        return None
    return _Entry(
        of=ContactAdult,
        pk=adult["pk"],
        contact=row["contact"],
        person=adult["person"],
        received_at=row["contact__received_at"],
        hidden=adult["hidden"],
        names=_in_parts_of((adult["first"], adult["last"])),
        home=read_home(" ".join(lines), postcode),
    )


def _in_parts(text: str) -> tuple[Name, ...]:
    """A name as a whole, and each of its parts."""
    name = read_name(text)
    return () if name is None else (Name((name.whole,)), *name.singly)


def _in_parts_of(names: Iterable[str]) -> frozenset[Name]:
    return frozenset(chain.from_iterable(map(_in_parts, names)))


def _may_be_one_name(names: Iterable[Name], others: Collection[Name]) -> bool:
    return any(nearest_first(one, other) in MAY_BE_ONE_NAME for one in names for other in others)


def _may_be_one(home: Home | None, other: Home | None) -> bool:
    return home is not None and other is not None and nearest_home(home, other) in MAY_BE_ONE_HOME
