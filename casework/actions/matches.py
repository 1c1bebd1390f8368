"""Says whether two records are of one person, and undoes what was said. Each time the rules recommend again."""

from collections.abc import Collection
from datetime import datetime
from itertools import chain

from django.db import transaction

from casework.access import conditions, permissions, restricted
from casework.access.loading import locked_contact
from casework.actions.recommendations import recommend_again
from casework.families import merging, sameness
from casework.families.confidentiality import bring_up_to_date, lock_around
from casework.families.household import note_touched
from casework.messages import outbox
from casework.models import Contact, Event, Person, PersonMatch
from casework.record import audit
from casework.record.transitions import move
from casework.statuses import ContactStatus, MatchStatus
from errors import Fault, InvalidInput
from localities.models import User
from localities.working_time import local_day


class ShowsAnAddress(InvalidInput):
    """
    An answer would show a hidden address, and no reason was given. `match_id`: which. `contacts`: the contacts whose
    address would be shown, as far as the user may open them.
    """

    def __init__(self, match_id: int, contacts: Collection[Contact]) -> None:
        super().__init__([Fault(("reason",), "Enter why they are not the same, and how you know")])
        self.match_id, self.contacts = match_id, contacts


@transaction.atomic
def settle(*, contact_id: int, match_id: int, same: bool, reason: str = "", by: User, now: datetime) -> Contact:
    """
    Confirms or rejects a possible match of somebody on a contact. Both are remembered, and both can be undone.

    Confirming joins the records: contacts and cases of both are about one person from now on. Rejecting may show an
    address that was hidden because they may be one.

    :param reason: why they are two; needed where this shows an address that is hidden now.
    :raises ShowsAnAddress: the reason is missing. Nothing is stored.
    :raises NotAllowedInStatus: the match is settled already; or, to confirm it, the two were told apart before, or are
        two children on one contact.
    """
    contact, records = _load(contact_id, [match_id], by, now)
    _follow(contact, _settle(match_id, same, reason.strip(), contact, records, by, now), by, now)
    return contact


@transaction.atomic
def settle_together(*, contact_id: int, match_ids: Collection[int], same: bool, by: User, now: datetime) -> None:
    """
    Gives several possible matches of a contact the same answer: all of them, or none. See `settle`. The rules recommend
    again once, after the last.

    :raises ShowsAnAddress: one of them needs a reason, which is given for that match by itself.
    """
    contact, records = _load(contact_id, match_ids, by, now)
    # One by one: an answer may join the people of the next.
    touched = [_settle(match_id, same, "", contact, records, by, now) for match_id in dict.fromkeys(match_ids)]
    _follow(contact, frozenset(chain.from_iterable(touched)), by, now)


@transaction.atomic
def undo(*, contact_id: int, match_id: int, reason: str, by: User, now: datetime) -> Contact:
    """
    Undoes what was said about a match, or what the service was certain of. It is to be looked at again.

    Records that were joined by it are two people again, each with the contacts, cases and numbers that were theirs.

    :raises InvalidInput: the reason is missing.
    :raises NotAllowedInStatus: nobody has said anything yet.
    """
    contact, records = _load(contact_id, [match_id], by, now)
    match = _read(match_id, by, now)
    conditions.check_match_is_settled(match)
    if not reason.strip():
        raise InvalidInput([Fault(("reason",), "Enter why this is undone")])
    move(match, to=MatchStatus.PROPOSED, by=by, at=now, why=reason.strip(), settled_by=None, settled_at=None)
    touched, _ = _regroup(match, contact, records, now)
    audit.record(Event.MATCH_UNDONE, by=by, at=now, contact=contact, match=match.pk, score=match.score)
    _follow(contact, touched, by, now)
    return contact


def _load(contact_id: int, match_ids: Collection[int], by: User, now: datetime) -> tuple[Contact, list[Person]]:
    """
    Loads and locks the contact, and all records of everybody in these matches, with those around: see `lock_around`.
    """
    contact = locked_contact(by, now, pk=contact_id)
    permissions.check_can_work_on(contact, by, local_day(now))
    found = PersonMatch.objects.of_contact(contact).in_bulk(match_ids)
    if found.keys() != {*match_ids}:
        raise PersonMatch.DoesNotExist("There is no such possible match on this contact.")
    pairs = ((match.record_id, match.person_id) for match in found.values())
    return contact, lock_around({*chain.from_iterable(pairs)})


def _read(match_id: int, by: User, now: datetime) -> PersonMatch:
    """Reads a match after the lock: somebody may have settled it while we waited."""
    match = PersonMatch.objects.select_related("child", "adult", "person__same_as").get(pk=match_id)
    restricted.check_match_is_open(match, by, now)
    return match


def _settle(
    match_id: int, same: bool, reason: str, contact: Contact, records: Collection[Person], by: User, now: datetime
) -> frozenset[int]:
    """Returns whose contacts, matches or addresses changed, as ids of records that stand for persons."""
    match = _read(match_id, by, now)
    conditions.check_match_is_open(match)
    people = {match.row.person_id, match.known.pk}
    if same:
        conditions.check_not_told_apart([pair for pair in sameness.told_apart(people) if len(pair) > 1])
        conditions.check_not_two_identities(sameness.two_identities(people))
        conditions.check_stay_children_of_their_own(match)
    to, event = (MatchStatus.CONFIRMED, Event.MATCH_CONFIRMED) if same else (MatchStatus.REJECTED, Event.MATCH_REJECTED)
    move(match, to=to, by=by, at=now, why="" if same else reason, settled_by=by, settled_at=now)
    touched, shown = _regroup(match, contact, records, now)
    if shown and not same and not reason:
        raise ShowsAnAddress(match_id, list(Contact.objects.visible_to(by, now).filter(pk__in=shown).order_by("pk")))
    audit.record(event, by=by, at=now, contact=contact, match=match.pk, score=match.score)
    return touched


def _regroup(
    match: PersonMatch, contact: Contact, records: Collection[Person], now: datetime
) -> tuple[frozenset[int], frozenset[int]]:
    """
    Joins or separates the records, and hides and shows addresses. Returns whom this touches, and the ids of the
    contacts of which something is shown now that was hidden.
    """
    touched = merging.regroup(records) | sameness.representatives([match.record_id, match.person_id])
    return touched, bring_up_to_date(touched, now=now, but_not=contact.pk)


def _follow(contact: Contact, touched: Collection[int], by: User, now: datetime) -> None:
    note_touched(touched, but_not=contact.pk, now=now)
    outbox.write(outbox.messages_of_restricted(touched, at=now))
    if contact.status == ContactStatus.RECEIVED:
        recommend_again(contact, by, now)
