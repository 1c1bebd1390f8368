"""What staff record about a person: names, addresses, numbers, how to reach them, relationships; and what ends."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from casework.access import conditions, permissions
from casework.access.loading import locked_person, people_visible_to
from casework.facts.typed import emails_in
from casework.families.confidentiality import bring_up_to_date, lock_around
from casework.families.describing import NAMES, find_by_recorded
from casework.families.household import note_touched
from casework.families.likeness.identifiers import read_nhs_number, read_telephones, read_upn
from casework.families.matching import lock_keys, match_recorded, weigh_open_matches
from casework.families.merging import lock_records
from casework.families.recorded import NUMBERS
from casework.families.sameness import records_of, representatives
from casework.messages import outbox
from casework.models import DetailKind, Event, NumberStatus, Person, PersonDetail, SafeToUse
from casework.record import audit
from errors import Fault, InvalidInput
from localities import postcodes
from localities.models import User
from localities.working_time import local_day

WITHOUT_VALUE = (DetailKind.DEATH, DetailKind.ESTIMATED_BIRTH, DetailKind.RELATIONSHIP)
# A search finds the others by exactly what they say.
FOUND_BY = (*NAMES, DetailKind.ADDRESS, *NUMBERS)
QUALIFIED: dict[DetailKind, type[NumberStatus | SafeToUse]] = {
    DetailKind.NHS_NUMBER: NumberStatus, DetailKind.TELEPHONE: SafeToUse, DetailKind.EMAIL: SafeToUse,
}  # fmt: skip


@dataclass(frozen=True)
class Said:
    """
    What somebody said about a person. `other` is the reference of the other person of a relationship; `from_date` is
    the day of a death or of an estimated birth.
    """

    kind: str
    value: str = ""
    postcode: str = ""
    qualifier: str = ""
    other: str = ""
    from_date: date | None = None
    to_date: date | None = None
    said_by: str = ""


@transaction.atomic
def add_detail(*, person_id: int, said: Said, by: User, now: datetime) -> PersonDetail:
    """
    Records what somebody said about a person.

    :raises Person.DoesNotExist: there is no such person, or none that `by` may see.
    :raises InvalidInput: with every fault.
    """
    if said.kind in FOUND_BY:
        _lock_keys(person_id, said, by, now)
        lock_around([person_id])
    person = locked_person(by, now, pk=person_id)
    permissions.check_can_record_people(by, local_day(now))
    other = people_visible_to(by, now).filter(reference=said.other.strip().upper()).first() if said.other else None
    faults = list(_faults(said, person, other, local_day(now)))
    if faults:
        raise InvalidInput(faults)
    detail = PersonDetail.objects.create(
        person=person, kind=said.kind, value=_written(said), postcode=_postcode(said), qualifier=said.qualifier.strip(),
        other=other, from_date=said.from_date, to_date=said.to_date, said_by=said.said_by.strip(), recorded_at=now,
        recorded_by=by,
    )  # fmt: skip
    if said.kind in FOUND_BY:
        _find_and_compare(person, by, now, looks=True)
    if other is not None:
        # A child is closed with a restricted parent.
        outbox.write(outbox.messages_of_restricted(representatives([person.pk, other.pk]), at=now))
    audit.record(Event.PERSON_DETAIL_ADDED, by=by, at=now, person=person.reference, kind=said.kind)
    return detail


@transaction.atomic
def end_detail(
    *, person_id: int, detail_id: int, reason: str, by: User, now: datetime, until: date | None = None
) -> PersonDetail:
    """
    Ends a detail of a person that no longer applies. The person is still found by a former name, home or number.

    :param until: the last day on which it was so, if that is known.
    :raises Person.DoesNotExist: there is no such person, or none that `by` may see.
    :raises PersonDetail.DoesNotExist: it was said about somebody else.
    :raises InvalidInput: with every fault.
    """
    person, detail = _load(person_id, detail_id, by, now)
    conditions.check_detail_has_not_ended(detail)
    faults = list(_faults_of_end(detail.from_date, until, local_day(now)))
    if until is not None and detail.to_date not in (None, until):
        faults.append(Fault(("to_date",), f"The page says already until when: {detail.to_date:%-d %B %Y}."))
    if not reason.strip():
        faults.append(Fault(("reason",), "Enter why it is no longer so"))
    if faults:
        raise InvalidInput(faults)
    detail.ended_at, detail.ended_by, detail.ended_because = now, by, reason.strip()
    detail.to_date = detail.to_date or until
    detail.save(update_fields=["ended_at", "ended_by", "ended_because", "to_date"])
    if detail.kind in FOUND_BY:
        _find_and_compare(detail.person, by, now)
    audit.record(Event.PERSON_DETAIL_ENDED, by=by, at=now, person=person.reference, kind=detail.kind)
    return detail


@transaction.atomic
def say_in_error(*, person_id: int, detail_id: int, reason: str, by: User, now: datetime) -> PersonDetail:
    """
    Says that something was recorded in error: it was never so. It stays on record, and nobody is found or compared by
    it. A protection of an address stays in force, and what was recorded as a hidden address stays hidden.

    :raises Person.DoesNotExist: there is no such person, or none that `by` may see.
    :raises PersonDetail.DoesNotExist: it was said about somebody else.
    :raises InvalidInput: the reason is missing.
    """
    person, detail = _load(person_id, detail_id, by, now)
    conditions.check_detail_is_not_in_error(detail)
    if not reason.strip():
        raise InvalidInput([Fault(("reason",), "Enter what was wrong")])
    detail.in_error_at, detail.in_error_by, detail.in_error_because = now, by, reason.strip()
    detail.save(update_fields=["in_error_at", "in_error_by", "in_error_because"])
    if detail.kind in FOUND_BY:
        _find_and_compare(detail.person, by, now, in_error=detail.value)
    audit.record(Event.PERSON_DETAIL_IN_ERROR, by=by, at=now, person=person.reference, kind=detail.kind)
    return detail


def _load(person_id: int, detail_id: int, by: User, now: datetime) -> tuple[Person, PersonDetail]:
    """Loads and locks the person, with those around, and what was said about them."""
    lock_around([person_id])
    person = locked_person(by, now, pk=person_id)
    permissions.check_can_record_people(by, local_day(now))
    return person, PersonDetail.objects.get(pk=detail_id, person__in=records_of([person.pk]))


def _lock_keys(person_id: int, said: Said, by: User, now: datetime) -> None:
    """
    Locks the keys that the person will be found by. It does so before it locks the person, in the order of receiving.
    """
    person = people_visible_to(by, now).filter(pk=person_id).first()
    if person is None:
        return
    if said.kind == DetailKind.ADDRESS:
        person.other_homes = [*person.other_homes, [said.value, said.postcode]]
    elif said.kind in NUMBERS:
        number = [said.kind, said.value, said.qualifier, local_day(now).isoformat()]
        person.other_numbers = [*person.other_numbers, number]
    else:
        person.other_names = [*person.other_names, said.value]
    lock_keys(person)


def _find_and_compare(record: Person, by: User, now: datetime, *, looks: bool = False, in_error: str = "") -> None:
    """
    Renews the keys and the possible matches of a person after a name, a home or a number was recorded. The rules look
    at possible matches.

    :param looks: whether to search for other people with the new detail. Its keys are locked.
    """
    find_by_recorded(record, in_error=in_error)
    touched = weigh_open_matches(lock_records([record.pk]), by=by, now=now)
    if looks:
        record.refresh_from_db(fields=["other_names", "other_homes", "other_numbers"])
        touched |= match_recorded(record)
    if touched:
        bring_up_to_date(touched, now=now)
        note_touched(touched, now=now)
        outbox.write(outbox.messages_of_restricted(touched, at=now))


def _faults(said: Said, person: Person, other: Person | None, today: date) -> Iterator[Fault]:
    kind, value = said.kind, said.value.strip()
    if kind not in set(DetailKind):
        yield Fault(("kind",), "Select what it is")
    if kind not in WITHOUT_VALUE and not value and not (kind == DetailKind.ADDRESS and said.postcode.strip()):
        yield Fault(("value",), "Enter what was said")
    elif fault := _misspelt(kind, value):
        yield Fault(("value",), fault)
    if said.postcode.strip() and not _is_postcode(said.postcode):
        yield Fault(("postcode",), "Enter a full postcode, like HP20 1UA")
    if kind in QUALIFIED and said.qualifier not in set(QUALIFIED[DetailKind(kind)]):
        number = kind == DetailKind.NHS_NUMBER
        yield Fault(("qualifier",), "Select how sure the number is" if number else "Select whether it is safe to use")
    if kind == DetailKind.RELATIONSHIP:
        yield from _faults_of_relationship(said, person, other)
    yield from _faults_of_period(said, today)
    if not said.said_by.strip():
        yield Fault(("said_by",), "Enter who said so")


def _faults_of_relationship(said: Said, person: Person, other: Person | None) -> Iterator[Fault]:
    if not said.qualifier.strip():
        yield Fault(("qualifier",), "Enter what the other person is to this one, for example mother")
    if other is None or other.pk == person.pk:
        yield Fault(("other",), "Enter the reference of the other person, like PER-7K4M-9QXT")


def _faults_of_period(said: Said, today: date) -> Iterator[Fault]:
    if said.kind in (DetailKind.DEATH, DetailKind.ESTIMATED_BIRTH):
        if said.from_date is None:
            yield Fault(("from_date",), "Enter the day")
        elif said.from_date > today:
            yield Fault(("from_date",), "This day lies in the future.")
    elif said.kind in NAMES and said.from_date and said.from_date > today:
        yield Fault(("from_date",), "This day lies in the future.")
    yield from _faults_of_end(said.from_date, said.to_date, today)


def _faults_of_end(since: date | None, until: date | None, today: date) -> Iterator[Fault]:
    if until and until > today:
        yield Fault(("to_date",), "This day lies in the future. Leave it empty while it is still so.")
    if since and until and until < since:
        yield Fault(("to_date",), "It must not end before it begins.")


def _is_postcode(text: str) -> bool:
    try:
        postcodes.read(text)
    except ValueError:
        return False
    return True


def _misspelt(kind: str, value: str) -> str:
    """What is wrong with a number or an email address, in a sentence; empty if nothing is."""
    if not value:
        return ""
    match kind:
        case DetailKind.NHS_NUMBER if not ((number := read_nhs_number(value)) and number.is_valid):
            return "Enter an NHS number of ten digits with its check digit, like 999 000 0018"
        case DetailKind.UPN if not ((number := read_upn(value)) and number.is_valid):
            return "Enter a unique pupil number with its check letter: a letter and twelve digits"
        case DetailKind.TELEPHONE if not read_telephones(value):
            return "Enter a telephone number, like 01296 000000"
        case DetailKind.EMAIL if len(emails_in(value)) > 1:
            return "Enter one email address. Record the other one on its own."
        case DetailKind.EMAIL:
            try:
                validate_email(value)
            except ValidationError:
                return "Enter an email address in the correct format, like name@example.com"
    return ""


def _written(said: Said) -> str:
    value = said.value.strip()
    if said.kind == DetailKind.NHS_NUMBER and (number := read_nhs_number(value)):
        return number.text
    if said.kind == DetailKind.UPN and (number := read_upn(value)):
        return number.text
    return "" if said.kind in WITHOUT_VALUE else value


def _postcode(said: Said) -> str:
    return postcodes.read(said.postcode)[0] if said.kind == DetailKind.ADDRESS and said.postcode.strip() else ""
