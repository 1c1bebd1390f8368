"""Receiving a contact."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain
from typing import Any, NamedTuple

from dateutil.relativedelta import relativedelta
from django.db import IntegrityError, transaction
from django.db.models import Model

from casework.access import conditions, permissions
from casework.actions.recommendations import audit_entry, recommendation_for, red_alerts
from casework.deadlines import clocks
from casework.facts.completeness import gaps_in
from casework.facts.contact_document import (
    NUMBERS,
    AdultEntry,
    ChildEntry,
    ContactDocument,
    ContactReading,
    ToCheck,
    as_meant,
    digest_of,
    free_ref,
    is_the_same,
    read_contact,
)
from casework.facts.resends import SAME_DOCUMENT, SAME_REFERENCE, Earlier, digest_of_what_is_said, repeated
from casework.facts.typed import Read
from casework.families import confidentiality, person_keys, sameness, unborn
from casework.families.household import Household, household_of_people, lock_household
from casework.families.kept_homes import Lines, keep_homes
from casework.families.matching import Recognised, proposal, recognise
from casework.families.mothers import keep_mothers
from casework.messages import outbox
from casework.models import (
    AddressProtection,
    Channel,
    Clock,
    Contact,
    ContactAdult,
    ContactChild,
    ContactType,
    DetailToCheck,
    Event,
    Message,
    OutboxMessage,
    ParentsTold,
    Person,
    PersonMatch,
    Recommendation,
)
from casework.models.inserting import insert_all
from casework.models.prepared import Call, Prepared, as_json, send
from casework.models.visibility import CLOSED_BY, closes_from
from casework.record import audit
from errors import KeyUsedForAnother, ServiceError
from localities.models import Agency, Team, TeamKind, User
from localities.reference import Reference, current, from_rows
from localities.working_time import local_day
from triage import published_rules
from triage.published_rules import Rules
from triage.ruleset import Hold, Rag

# Another transaction stored the same key or the same child first, or by rare chance the same reference.
RETRIED = frozenset({
    "an_agency_uses_an_idempotency_key_once",
    "a_form_is_sent_in_once",
    "casework_contact_reference_key",
    "casework_person_reference_4446badb_uniq",
})  # fmt: skip


class Received(NamedTuple):
    """
    A contact, and whether this call stored it, not an earlier one with the same idempotency key. `to_check` are the
    details of it that could not be read.
    """

    contact: Contact
    is_new: bool
    to_check: Sequence[DetailToCheck]


def receive(
    *,
    document: dict[str, Any],
    by: User | Agency,
    now: datetime,
    idempotency_key: str | None = None,
    arrived_at: datetime | None = None,
) -> Received:
    """
    Receives a contact: stores it as it was sent, makes the recommendation, starts the clocks, gives it to a team and
    acknowledges it, in one transaction.

    A contact that was answered is never lost, and with the same idempotency key it is never stored twice.

    What people typed and nobody can read never turns a contact away: it stands in `DetailToCheck`.

    :param document: a contact as described in `docs/contact.md`.
    :param arrived_at: when it arrived, where staff type it in later, or it waited in a batch: its deadlines start then.
        None for now.
    :raises InvalidInput: with every fault of the document; or it arrived in the future, or too long ago.
    :raises KeyUsedForAnother: the key was used before for another document.
    :raises NotPermitted: `by` is a user who does not work at the front door.
    """
    if isinstance(by, User):
        permissions.check_can_enter_contacts(by, local_day(now))
        conditions.check_arrival(arrived_at, now)
    digest, will_hide = digest_of(as_meant(document)), False
    for _ in range(4):
        try:
            return _receive(document, digest, by, now, idempotency_key, arrived_at, will_hide)
        except _RecordsMerged:
            continue
        except _MayHideOthers:
            will_hide = True
        except IntegrityError as error:
            if _constraint(error) not in RETRIED:
                raise
    raise ServiceError("The contact could not be stored beside others that came at the same moment. Send it again.")


@transaction.atomic
def _receive(
    document: dict[str, Any],
    digest: str,
    by: User | Agency,
    now: datetime,
    key: str | None,
    arrived_at: datetime | None,
    will_hide: bool,
) -> Received:
    """
    Computes everything first, then writes each table once, all in one round trip. The messages to staff follow, which
    depend on what is stored then. Where somebody around is hidden, the people are stored before the rules are asked.
    """
    rules, earlier = _rules_and_earlier(by, key, now)
    if earlier is not None:
        return _received_before(*earlier, document)
    reading = read_contact(document, indicators=rules.rule_set.catalogue.entries, today=local_day(now))
    if isinstance(by, Agency) and not by.may_send_as(reading.entry.source_code):
        reading = reading.counted_as(by.source_code)
    entry = reading.entry
    contact = Contact(
        channel=Channel.API if isinstance(by, Agency) else Channel.WEB,
        received_at=now,
        arrived_at=arrived_at if arrived_at != now else None,
        agency=by if isinstance(by, Agency) else None,
        entered_by=by if isinstance(by, User) else None,
        idempotency_key=key,
        digest=digest,
        said_digest=digest_of_what_is_said(reading.document),
        document=reading.document,
        has_unknown_indicators=reading.has_unknown_indicators,
        gaps=gaps_in(entry),
        **_columns(entry),
    )
    children, adults = _children(contact, entry), _adults(contact, entry)
    lines = _lines(entry)
    keep_homes(children, adults, lines)
    keep_mothers(children, adults)
    rows: list[ContactChild | ContactAdult] = [*children, *adults]
    said_confidential = [row for row in rows if row.address_is_confidential]
    will_hide |= bool(said_confidential)
    people = _find_people(children, adults, will_hide=will_hide)
    numbered = _number(contact, people)
    # That somebody is hidden is known only under the locks. Whom that may hide too is then locked from the start.
    if not will_hide and people.matched and (numbered.somebody_is_hidden or numbered.a_neighbour_is_hidden):
        raise _MayHideOthers
    reference, contact.resend_of_id = numbered.reference, numbered.resend_of
    if numbered.somebody_is_hidden:
        confidentiality.hide_all(children, adults, lines)
    by_the_day = list(_unborn_or_born_lately(people, children, adults, local_day(now)))
    records = [row.recorded_as for row in people.rows]
    of_people: list[Iterable[Model]] = [
        [contact],
        children,
        adults,
        [*people.matches(now), *by_the_day],
        (AddressProtection(person=row.recorded_as, since=now, contact=contact) for row in said_confidential),
    ]
    keys = person_keys.keeping(records)
    hides = will_hide or numbered.somebody_is_hidden or numbered.a_neighbour_is_hidden
    if hides:
        # Whose address is hidden is found out from stored rows, and the rules look at what is shown.
        contact.team = _front_door(reference)
        insert_all(records, *of_people, beside=[keys])
        confidentiality.settle_new(people.rows, now=now)
    recommendation = recommendation_for(
        contact, children, people.own, people.may_be, people.household, rules=rules, places=reference.places, now=now
    )
    recommendation.pk = numbered.recommendation
    contact.recommendation, contact.rag = recommendation, recommendation.rag
    contact.team = _team(recommendation, now, reference)
    started = _clocks(contact, recommendation, now, reference)
    details = _details_to_check(contact, reading)

    arrived: dict[str, Any] = {"arrived_at": contact.arrived_at.isoformat()} if contact.arrived_at else {}
    follows: list[Iterable[Model]] = [
        details,
        started,
        [
            audit_entry(recommendation, by=by),
            *(
                audit.entry(Event.ADDRESS_PROTECTED, by=by, at=now, contact=contact, person=row.recorded_as.reference)
                for row in said_confidential
            ),
            audit.entry(
                Event.CONTACT_RECEIVED, by=by, at=now, contact=contact,
                channel=contact.channel, source_code=contact.source_code, team=contact.team.code,
                **arrived,
            ),
        ],
    ]  # fmt: skip
    acknowledgement = outbox.writing(_acknowledgement(contact, now))
    if hides:
        insert_all([recommendation], *follows, beside=[_recommended(contact), *acknowledgement])
    else:
        insert_all(records, [recommendation], *of_people, *follows, beside=[keys, *acknowledgement])
    # The recipients are read from the stored rows.
    may_be_closed = numbered.somebody_is_restricted or any(sameness.is_careful(match.score) for match in by_the_day)
    alerts = outbox.messages_of_restricted({row.person.pk for row in people.rows}, at=now) if may_be_closed else ()
    outbox.write([*red_alerts(contact, now), *alerts])
    return Received(contact, is_new=True, to_check=details)


class SoFar(NamedTuple):
    """What the rules would say of a contact that is not received yet, its children, and the details to check."""

    recommendation: Recommendation
    children: Sequence[ContactChild]
    to_check: Sequence[ToCheck]


def recommended_so_far(*, document: Mapping[str, Any], rules: Rules, now: datetime) -> SoFar:
    """
    What the rules would say of a contact that is still being typed in. Nothing is stored, and nobody is looked for: our
    records of the family count from when it is received.

    :param document: as far as it is typed; what is still missing is not known.
    :raises InvalidInput: what is typed cannot be a contact.
    """
    least: dict[str, Any] = {"type": ContactType.SAFEGUARDING_CONCERN, "source_code": "10", "children": [{}]}
    # "No" is an answer.
    typed = {name: value for name, value in document.items() if value is False or value}
    typed["concern"] = {"worries": "To be typed."}
    reading = read_contact(least | typed, indicators=rules.rule_set.catalogue.entries, today=local_day(now))
    contact = Contact(
        received_at=now, has_unknown_indicators=reading.has_unknown_indicators, **_columns(reading.entry)
    )  # fmt: skip
    children = _children(contact, reading.entry)
    own = {child.position: [child.recorded_as] for child in children}
    alone = household_of_people(known=[], may_be=[])
    made = recommendation_for(contact, children, own, {}, alone, rules=rules, places=current().places, now=now)
    return SoFar(made, children, reading.to_check)


# ---- the parts of receiving


LOCK_RULES, READ_RULES = (
    Prepared("share_rules", published_rules.LOCK_LIVE),
    Prepared("read_live_rules", published_rules.READ_LIVE),
)
EARLIER = "SELECT id, digest FROM casework_contact WHERE {sender} = %(sender)s AND idempotency_key = %(key)s"
EARLIER_OF_AGENCY = Prepared("find_earlier_of_agency", EARLIER.format(sender="agency_id"))
EARLIER_OF_USER = Prepared("find_earlier_of_user", EARLIER.format(sender="entered_by_id"))


def _rules_and_earlier(by: User | Agency, key: str | None, now: datetime) -> tuple[Rules, tuple[int, str] | None]:
    """
    The live rules, locked, and the id and the digest of the contact that this sender sent with the same key, in one
    round trip.
    """
    statement = EARLIER_OF_AGENCY if isinstance(by, Agency) else EARLIER_OF_USER
    earlier = [statement(sender=by.pk, key=key)] if key is not None else []
    _, live, *found = send(LOCK_RULES(), READ_RULES(at=now), *earlier)
    return published_rules.of_rows(live), next(chain.from_iterable(found), None)


def _received_before(contact_id: int, digest: str, document: dict[str, Any]) -> Received:
    contact = Contact.objects.get(pk=contact_id)
    if not is_the_same(document, digest):
        raise KeyUsedForAnother(
            "This idempotency key came before with another document. Use a new key for a new contact.",
            earlier=contact.reference,
        )
    return Received(contact, is_new=False, to_check=[*contact.details_to_check.all()])


def _columns(entry: ContactDocument) -> dict[str, Any]:
    return {
        "agency_reference": entry.agency_reference.value or "",
        "type": entry.type,
        "source_code": entry.source_code,
        "received_by_phone": entry.received_by_phone,
        "immediate_danger": entry.immediate_danger,
        "referrer_level": entry.referrer_level,
        "referrer_email": entry.referrer.email.value or "",
        "family_indicators": _codes(entry.family_indicators),
        "dash": entry.domestic_abuse.dash.value or "",
        "marac": entry.domestic_abuse.marac,
        "agreement": entry.agreement.service or "",
        "agreement_given_by": entry.agreement.given_by.value or "",
        "agreement_on": entry.agreement.on.value,
        "parents_told": entry.parents_told.answer.value or ParentsTold.NOT_KNOWN,
        "parents_told_reason": entry.parents_told.reason.value or "",
        "sharing_basis": entry.sharing_basis.value or "",
    }


def _details_to_check(contact: Contact, reading: ContactReading) -> list[DetailToCheck]:
    return [
        DetailToCheck(
            contact=contact, agency=contact.agency, field=detail.field, path=list(detail.path),
            kind=detail.check.kind, says=detail.check.says,
        )
        for detail in reading.to_check
    ]  # fmt: skip


def _codes(indicators: Iterable[Read[str]]) -> list[str]:
    """The indicators that the rules know, each once."""
    return list(dict.fromkeys(indicator.value for indicator in indicators if indicator.value))


def _with_refs(children: tuple[ChildEntry, ...]) -> Iterator[tuple[str, ChildEntry]]:
    """Each child with its ref: the partner's own where no child before has it, or one by its place (`free_ref`)."""
    given = {child.ref.value for child in children if child.ref.value}
    used: set[str] = set()
    for position, child in enumerate(children):
        own = child.ref.value
        ref = free_ref(position, given | used) if own is None or own in used else own
        used.add(ref)
        yield ref, child


def _children(contact: Contact, entry: ContactDocument) -> list[ContactChild]:
    """Makes the children as the referrer described them, each with a new `Person`. Nothing is stored yet."""
    children = []
    today = local_day(contact.received_at)
    for position, (ref, child) in enumerate(_with_refs(entry.children)):
        confidential = bool(child.address and child.address.confidential)
        described = {
            "first_name": child.first_name.value or "",
            "last_name": child.last_name.value or "",
            "also_known_as": [name.value for name in child.also_known_as if name.value],
            "date_of_birth": child.date_of_birth.value,
            "date_of_birth_estimated": child.date_of_birth_estimated,
            "expected_date_of_delivery": child.expected_date_of_delivery.value,
            "sex": child.sex.value or "U",
            "ethnicity": child.ethnicity.value or "",
        }
        age = None if child.unborn else child.age_years.value
        record = Person(
            **described,
            born_about=None if age is None or child.date_of_birth.value else _year_of_birth(today, age),
            nhs_number=child.nhs_number.value,
            upn=child.upn.value or "",
            shared_numbers=[[name, doubted] for name in NUMBERS if (doubted := getattr(child, name).doubted)],
        )
        children.append(
            ContactChild(
                contact=contact,
                position=position,
                person=record,
                recorded_as=record,
                ref=ref,
                **described,
                age_years=age,
                disabled=child.disabled,
                non_verbal=child.non_verbal,
                nhs_number=child.nhs_number.value or "",
                postcode=(child.address.postcode.value or "") if child.address else "",
                address_is_confidential=confidential,
                indicators=_codes(child.indicators),
            )
        )
    return children


def _year_of_birth(today: date, age: int) -> int:
    """The year in which somebody of this age was most likely born."""
    return (today - relativedelta(years=age, months=6)).year


def _lines(entry: ContactDocument) -> Lines:
    def of(people: Iterable[ChildEntry | AdultEntry]) -> dict[int, list[str]]:
        return {
            position: [line.value for line in somebody.address.lines if line.value] if somebody.address else []
            for position, somebody in enumerate(people)
        }

    return Lines(of(entry.children), of(entry.adults))


def _adults(contact: Contact, entry: ContactDocument) -> list[ContactAdult]:
    """Makes the adults as the referrer described them, each with a new `Person`. Nothing is stored yet."""
    adults = []
    for position, adult in enumerate(entry.adults):
        record = Person(
            first_name=adult.first_name.value or "",
            last_name=adult.last_name.value or "",
            date_of_birth=adult.date_of_birth.value,
            telephone=(adult.phone.value or "")[:100],
        )
        adults.append(
            ContactAdult(
                contact=contact,
                position=position,
                person=record,
                recorded_as=record,
                relationship=adult.relationship.value or "",
                same_address=adult.same_address,
                postcode=(adult.address.postcode.value or "") if adult.address else "",
                address_is_confidential=bool(adult.address and adult.address.confidential),
            )
        )
    return adults


class _RecordsMerged(Exception):
    """Somebody has joined or separated records of these people in the meantime."""


class _MayHideOthers(Exception):
    """Somebody around these people is hidden: everybody whose address that may hide must be locked first."""


@dataclass(frozen=True)
class _People:
    """
    The people of a contact: whom they are and may be, what our records say of each child and of whom it may be (by the
    child's position), the household, and everybody on record whom those on the contact are, or may be.
    """

    children: list[ContactChild]
    adults: list[ContactAdult]
    recognised: Recognised
    own: Mapping[int, list[Person]]
    may_be: Mapping[int, list[Person]]
    household: Household
    on_record: frozenset[int]
    matched: frozenset[int]

    @property
    def rows(self) -> list[ContactChild | ContactAdult]:
        return [*self.children, *self.adults]

    @property
    def of_children(self) -> list[int]:
        """The people whom the children are, or are likely to be."""
        places = range(len(self.own))
        joined = [match.person.pk for place, match in self.recognised.joined.items() if place in places]
        return joined + [match.person.pk for place in places for match in self.recognised.careful[place]]

    def matches(self, now: datetime) -> Iterator[PersonMatch]:
        for place, row in enumerate(self.rows):
            if (joined := self.recognised.joined.get(place)) is not None:
                yield proposal(row, joined, at=now)
            for match in self.recognised.found[place]:
                yield proposal(row, match, at=None)


def _find_people(children: list[ContactChild], adults: list[ContactAdult], *, will_hide: bool) -> _People:
    """
    Matches the people of a contact with those on record, and locks the records of the household. Certain matches are
    joined.

    Two contacts of one household wait for each other. They share a key, or else a record: each locks what the other has
    recognised. The locks on keys come first, then the records in the order of their ids, so that two actions never
    deadlock.

    :raises _RecordsMerged: records were joined or separated in the meantime; start again.
    """
    rows: list[ContactChild | ContactAdult] = [*children, *adults]
    recognised = recognise(rows)
    on_record = _lock(recognised, will_hide=will_hide)
    own = {child.position: [child.recorded_as] for child in children}
    for place, match in recognised.joined.items():
        row = rows[place]
        row.person = row.recorded_as.same_as = match.person
        if isinstance(row, ContactChild):
            own[row.position] += on_record[match.person.pk]
    careful = [match.person.pk for matches in recognised.careful.values() for match in matches]
    return _People(
        children=children,
        adults=adults,
        recognised=recognised,
        own=own,
        may_be={
            place: [record for match in matches for record in on_record[match.person.pk]]
            for place, matches in recognised.careful.items()
            if place < len(children)
        },
        household=household_of_people(known=[match.person.pk for match in recognised.joined.values()], may_be=careful),
        on_record=frozenset(
            match.person.pk
            for match in chain(recognised.joined.values(), chain.from_iterable(recognised.found.values()))
            if match.joins or sameness.is_careful(match.likeness.score)
        ),
        matched=frozenset(
            match.person.pk for match in chain(recognised, chain.from_iterable(recognised.found.values()))
        ),
    )


def _lock(recognised: Recognised, *, will_hide: bool) -> Mapping[int, list[Person]]:
    """
    Locks everybody on record who is, or may be, in the household; and where an address may be hidden, all whose
    addresses that may hide. Returns their records as they are now, by the record that stands for each person.
    """
    seen = {match.person.pk: match.person for match in recognised}
    if not seen:
        return {}
    records = confidentiality.lock_around(seen, will_hide=True) if will_hide else lock_household(seen)
    now = {record.pk: record for record in records}
    for pk, person in seen.items():
        if now[pk].same_as_id is not None or now[pk].regrouped != person.regrouped:
            raise _RecordsMerged
    return sameness.by_person(records)


def _unborn_or_born_lately(
    people: _People, children: Sequence[ContactChild], adults: Sequence[ContactAdult], today: date
) -> Iterator[PersonMatch]:
    """The matches of those who were not born when we first heard of them, or are not born yet."""
    themselves = {child.person_id for child in children}
    for place, child in enumerate(children):
        if unborn.is_born_lately_or_expected(child, today):
            proposed = {match.person.pk for match in people.recognised.found[place]}
            yield from unborn.may_be_one(child, adults, but_not=themselves | proposed)


# The ids; and what this contact may repeat: the contacts of the same sender with the same document and not with another
# reference, or with the same reference. How many ids there are to be comes from a query, so that PostgreSQL plans this
# once, whatever the numbers.
NUMBER_AND_EARLIER = Prepared(
    "number_and_earlier",
    """
SELECT nextval(pg_get_serial_sequence('casework_contact', 'id')),
       nextval(pg_get_serial_sequence('casework_recommendation', 'id')),
       ARRAY(SELECT nextval(of_people) FROM generate_series(1, (SELECT %(number)s::int + %(adults)s::int))),
       ARRAY(SELECT nextval(of_children) FROM generate_series(1, (SELECT %(number)s::int))),
       ARRAY(SELECT nextval(of_adults) FROM generate_series(1, (SELECT %(adults)s::int))), (
    SELECT json_agg(json_build_array(
        COALESCE(earlier.resend_of_id, earlier.id), earlier.said_digest, has.the_children,
        CASE WHEN has.the_children THEN earlier.document END
    ))
    FROM casework_contact earlier
    CROSS JOIN LATERAL (
        SELECT count(*) = %(number)s::int AND bool_and(
            child.person_id = ANY(%(people)s::bigint[])
            OR child.first_name || child.last_name <> '' AND EXISTS (
                SELECT FROM json_to_recordset(%(children)s) AS described (first_name text, last_name text, born date)
                WHERE lower(described.first_name) = lower(child.first_name)
                  AND lower(described.last_name) = lower(child.last_name)
                  AND described.born IS NOT DISTINCT FROM child.date_of_birth))
        FROM casework_contactchild child WHERE child.contact_id = earlier.id
    ) AS has (the_children)
    WHERE earlier.id = ANY(ARRAY(
        SELECT id FROM casework_contact
        WHERE said_digest = %(said_digest)s AND agency_id IS NOT DISTINCT FROM %(agency)s
          AND received_at > %(a_day_back)s
          -- Whoever has two references for two reports in the same words says that they are two.
          AND ('' IN (agency_reference, %(own_reference)s) OR lower(agency_reference) = lower(%(own_reference)s))
        UNION ALL
        SELECT id FROM casework_contact
        WHERE agency_id = %(agency)s AND agency_reference = %(own_reference)s
          AND agency_reference <> '' AND received_at > %(two_weeks_back)s
    ))
)
FROM pg_get_serial_sequence('casework_person', 'id') AS of_people,
     pg_get_serial_sequence('casework_contactchild', 'id') AS of_children,
     pg_get_serial_sequence('casework_contactadult', 'id') AS of_adults
""",
)
SOMEBODY_IS_HIDDEN = Prepared("is_somebody_hidden", f"SELECT {confidentiality.SOMEBODY_IS_HIDDEN}")
A_NEIGHBOUR_IS_HIDDEN = Prepared("is_a_neighbour_hidden", f"SELECT {confidentiality.A_NEIGHBOUR_IS_HIDDEN}")
SOMEBODY_IS_RESTRICTED = Prepared(
    "is_somebody_restricted",
    f"""
SELECT EXISTS (
    SELECT FROM casework_restriction restriction JOIN casework_person person ON person.id = restriction.person_id
    WHERE restriction.lifted_at IS NULL
      AND COALESCE(person.same_as_id, person.id) IN (SELECT closing_id FROM {CLOSED_BY.format("%(on_record)s")})
)
""",  # noqa: S608  # our own constants
)


class _Numbered(NamedTuple):
    """What is known when a contact has its number, and what comes with it in one round trip."""

    recommendation: int
    resend_of: int | None
    reference: Reference
    a_neighbour_is_hidden: bool = False
    somebody_is_hidden: bool = False
    somebody_is_restricted: bool = False


def _number(contact: Contact, people: _People) -> _Numbered:
    """
    Gives the contact and everybody on it their ids. Returns the id of its recommendation, that of the contact that it
    repeats, whether somebody whom its people are or may be is restricted, whether an address around them is hidden,
    whether one at a postcode of theirs is, and the reference data with the calendar locked.

    The ids are taken while the household is locked, so that of two contacts about it the later has the higher id.
    """
    children, adults = people.children, people.adults
    questions = {"a_neighbour_is_hidden": A_NEIGHBOUR_IS_HIDDEN(postcodes=[row.postcode for row in people.rows])}
    # Somebody with no match has no household on record.
    if people.matched:
        questions["somebody_is_hidden"] = SOMEBODY_IS_HIDDEN(matched=[*people.matched])
    if people.on_record:
        questions["somebody_is_restricted"] = SOMEBODY_IS_RESTRICTED(
            on_record=[*people.on_record], careful=closes_from()
        )
    (numbered,), *answers, _, versions = send(
        NUMBER_AND_EARLIER(
            said_digest=contact.said_digest,
            agency=contact.agency_id,
            own_reference=contact.agency_reference,
            a_day_back=contact.received_at - SAME_DOCUMENT,
            two_weeks_back=contact.received_at - SAME_REFERENCE,
            children=as_json(
                [
                    {"first_name": child.first_name, "last_name": child.last_name, "born": child.date_of_birth}
                    for child in children
                ]
            ),
            number=len(children),
            adults=len(adults),
            people=people.of_children,
        ),
        *questions.values(),
        clocks.LOCK(),
        clocks.READ(),
    )
    contact.pk, of_recommendation, of_records, of_children, of_adults, earlier = numbered
    resend_of = repeated(contact.document, contact.said_digest, [Earlier(*each) for each in earlier or ()])
    for row, record_id, row_id in zip(people.rows, of_records, [*of_children, *of_adults], strict=True):
        row.pk, row.recorded_as.pk = row_id, record_id
        # Not through the attributes: Django would drop the related objects.
        vars(row).update(contact_id=contact.pk, recorded_as_id=record_id, person_id=row.person.pk)
    answered = {name: answer for name, [(answer,)] in zip(questions, answers, strict=True)}
    return _Numbered(of_recommendation, resend_of, from_rows(versions), **answered)


def _team(recommendation: Recommendation, now: datetime, reference: Reference) -> Team:
    """The team for a contact: the front door, or emergency duty for a red contact while the hub is closed."""
    if recommendation.rag == Rag.RED and not reference.working_time.is_open(now):
        on_duty = reference.first_team_of(TeamKind.EMERGENCY_DUTY)
        if on_duty is not None:
            return on_duty
    return _front_door(reference)


def _front_door(reference: Reference) -> Team:
    team = reference.first_team_of(TeamKind.FRONT_DOOR)
    if team is None:
        raise ServiceError("No front door team takes work. An administrator must add one.")
    return team


RECOMMENDED = Prepared(
    "receive_recommended",
    """
UPDATE casework_contact
SET recommendation_id = %(recommendation)s::bigint, rag = %(rag)s::text, team_id = %(team)s::bigint,
    acknowledged_at = %(acknowledged_at)s::timestamptz
WHERE id = %(contact)s::bigint
""",
)


def _recommended(contact: Contact) -> Call:
    """The statement that gives a stored contact what follows from its first recommendation."""
    return RECOMMENDED(
        contact=contact.pk, recommendation=contact.recommendation_id, rag=contact.rag, team=contact.team_id,
        acknowledged_at=contact.acknowledged_at,
    )  # fmt: skip


def _clocks(contact: Contact, recommendation: Recommendation, now: datetime, reference: Reference) -> list[Clock]:
    events = [(clocks.RECEIVED, contact.counts_from)]
    if contact.received_by_phone:
        events.append((clocks.RECEIVED_BY_PHONE, contact.counts_from))
    if recommendation.hold == Hold.AGREEMENT:
        events.append((clocks.HOLD_AGREEMENT_PLACED, now))
    started = {
        clock.kind: clock
        for event, at in reversed(events)
        for clock in clocks.started_by(event, contact, at=at, reference=reference)
    }
    if not contact.referrer_email and contact.channel == Channel.API:
        # The partner's system gets the reference in our answer, and there is no e-mail address.
        contact.acknowledged_at = now
        if (clock := started.get("acknowledge_referrer")) is not None:
            clocks.stop_unsaved(clock, at=now)
    return list(started.values())


def _acknowledgement(contact: Contact, now: datetime) -> list[OutboxMessage]:
    if not contact.referrer_email:
        return []
    key = f"acknowledgement:{contact}"
    return [outbox.message(Message.ACKNOWLEDGEMENT, to=contact.referrer_email, key=key, at=now, contact=contact)]


def _constraint(error: IntegrityError) -> str | None:
    diagnostics = getattr(error.__cause__, "diag", None)
    return getattr(diagnostics, "constraint_name", None)
