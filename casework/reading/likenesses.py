"""Why two records are alike, as far as it may be said, and what was said about that before."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from casework.families.likeness.weights import shipped
from casework.families.recorded import living_hidden
from casework.models import PersonMatch, StatusChange


def why_alike(matches: Iterable[PersonMatch]) -> Mapping[int, list[str]]:
    """
    The reasons of each match, by its id. Where an address of one of the two is hidden, nothing is said of their homes,
    also if they were compared before it was: that somebody lives at the same address tells where the other is.
    """
    matches = list(matches)
    people = {each for match in matches for each in (match.row.person_id, match.known.pk)}
    hidden = living_hidden(people) if people else frozenset()
    of_homes = {level.says for level in shipped().levels["home"].values()}
    return {
        match.pk: [
            reason
            for reason in match.reasons
            if reason not in of_homes or hidden.isdisjoint({match.row.person_id, match.known.pk})
        ]
        for match in matches
    }


def said_before(matches: Iterable[PersonMatch]) -> Mapping[int, list[StatusChange]]:
    """What was said about each match, and why it was undone: the oldest first, by the id of the match."""
    found: dict[int, list[StatusChange]] = defaultdict(list)
    changes = StatusChange.objects.filter(match__in=list(matches)).select_related("by").order_by("pk")
    for change in changes:
        assert change.match_id is not None
        found[change.match_id].append(change)
    return found
