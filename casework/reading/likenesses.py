"""Why two records are alike, as far as it may be said, and what was said about that before."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from django.db.models import Q, QuerySet

from casework.families.finding import ANOTHER_NAME
from casework.families.likeness.weights import in_use
from casework.families.merging import IN_FORCE
from casework.families.sameness import OF_A_MATCH
from casework.models import Contact, ContactAdult, ContactChild, PersonMatch, StatusChange
from casework.models.indexes import is_among
from localities.models import User


def two_of_each(matches: Iterable[PersonMatch]) -> set[int]:
    """The two persons of each match, as the ids of the records that stand for them."""
    return {each for match in matches for each in (match.row.person_id, match.known.pk)}


def why_alike(matches: Iterable[PersonMatch], hidden: Collection[int]) -> Mapping[int, list[str]]:
    """
    The reasons of each match, by its id; and the names by which they were compared, where others are shown.

    Where an address of one of the two is hidden, nothing is said of their homes and telephones, also if they were
    compared before it was: that somebody lives at the same address tells where the other is.
    """
    leads_there = tuple(level.says for name in ("home", "telephone") for level in in_use().levels[name].values())
    return {
        match.pk: [
            *(
                reason
                for reason in match.reasons
                if not reason.startswith(leads_there) or two_of_each([match]).isdisjoint(hidden)
            ),
            *_compared_by(match),
        ]
        for match in matches
    }


def _compared_by(match: PersonMatch) -> Iterator[str]:
    for shown, record in ((match.name, match.record), (match.known_name, match.person)):
        if record.described_name and record.described_name.casefold() != shown.casefold():
            yield ANOTHER_NAME.format(record.described_name)


def by_family(matches: Sequence[PersonMatch], by: User, now: datetime) -> list[list[PersonMatch]]:
    """
    These matches, those with one other family together: the people on record stand together on a contact that `by` may
    open. The family with the best match comes first.
    """
    if len(matches) < 2:
        return [[match] for match in matches]
    visible = Contact.objects.visible_to(by, now).order_by().values("pk")
    people = {match.known.pk for match in matches}
    of_children, of_adults = (
        model._default_manager.filter(person__in=people, contact__in=visible)
        .order_by()
        .values_list("contact", "person")
        for model in (ContactChild, ContactAdult)
    )
    beside: dict[int, set[int]] = defaultdict(set)
    for contact, person in of_children.union(of_adults):
        beside[contact].add(person)
    families: list[list[PersonMatch]] = []
    for match in matches:
        near = {person for on_one in beside.values() if match.known.pk in on_one for person in on_one}
        near.add(match.known.pk)
        theirs = [family for family in families if any(other.known.pk in near for other in family)]
        joined = [*(other for family in theirs for other in family), match]
        place = families.index(theirs[0]) if theirs else len(families)
        families = [family for family in families if family not in theirs]
        families.insert(place, joined)
    return families


def joined_elsewhere(rows: Iterable[ContactChild | ContactAdult]) -> list[PersonMatch]:
    """The matches on other contacts by which these children and adults, and somebody there, are one person."""
    # Mostly nobody is: nothing is asked then.
    records = [row.recorded_as_id for row in rows if row.person.regrouped]
    if not records:
        return []
    joined = PersonMatch.objects.filter(status__in=IN_FORCE, person__in=records).order_by("pk")
    with_contacts = joined.select_related(*OF_A_MATCH, "settled_by", "child__contact", "adult__contact")
    return list(with_contacts.defer("child__contact__document", "adult__contact__document"))


def said_of(records: Collection[int]) -> QuerySet[StatusChange]:
    """What was said about the matches of these records, for `by_match`: the oldest first."""
    of_records = PersonMatch.objects.filter(Q(record__in=records) | Q(person__in=records)).order_by()
    changes = StatusChange.objects.filter(is_among(of_records.values("pk"), "match"))
    return changes.select_related("by").order_by("pk")


def by_match(changes: Iterable[StatusChange]) -> Mapping[int, list[StatusChange]]:
    """What was said about each match, and why it was undone, by the id of the match."""
    found: dict[int, list[StatusChange]] = defaultdict(list)
    for change in changes:
        assert change.match_id is not None
        found[change.match_id].append(change)
    return found
