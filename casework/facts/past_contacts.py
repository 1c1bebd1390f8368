"""Reads past contacts in batches for a replay: facts, recommendations and decisions."""

from collections.abc import Iterator, Set
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, Q, QuerySet

from casework.models import Contact, ContactChild
from localities.models import Postcode
from localities.placing import Catchments
from localities.working_time import begin_of_day, local_day
from triage.direction import PathwayRag
from triage.published_rules import of_version
from triage.replay import PastRecommendation
from triage.ruleset import RuleSet

A_PIECE = 2000


class PastContact(NamedTuple):
    """A contact's id, and what a replay needs of it."""

    contact_id: int
    recommendation: PastRecommendation


def count(first_day: date, last_day: date) -> int:
    """The number of contacts with a recommendation that were received on these days (local, both included)."""
    return _of_days(first_day, last_day).count()


def pieces(first_day: date, last_day: date) -> Iterator[list[PastContact]]:
    """
    The contacts of these days in batches, the oldest first. No more than a batch is in memory.

    Each batch has a query of its own that starts where the last one ended, so that the caller may take its time.
    """
    reader = _Reader()
    after: tuple[datetime, int] | None = None
    while True:
        query = _of_days(first_day, last_day)
        if after is not None:
            moment, number = after
            # The condition on received_at is redundant, and lets the index start where the last batch ended.
            query = query.filter(
                Q(received_at__gt=moment) | Q(received_at=moment, pk__gt=number), received_at__gte=moment
            )
        rows = list(query.order_by("received_at", "pk").values_list(*COLUMNS)[:A_PIECE])
        if not rows:
            return
        after = rows[-1][1], rows[-1][0]
        yield reader.read(rows)


def _of_days(first_day: date, last_day: date) -> QuerySet[Contact]:
    start = begin_of_day(first_day)
    end = begin_of_day(last_day + timedelta(days=1))
    children = ContactChild.objects.filter(contact=OuterRef("pk"))
    return Contact.objects.filter(received_at__gte=start, received_at__lt=end, recommendation__isnull=False).annotate(
        postcodes=ArraySubquery(children.exclude(postcode="").values("postcode").distinct()),
        hides=Exists(children.filter(address_is_confidential=True)),
    )


COLUMNS = (
    "pk", "received_at", "recommendation__facts", "recommendation__rule_set_id", "recommendation__pathway",
    "recommendation__rag", "recommendation__level", "decision_in_effect__pathway",
    "decision_in_effect__rag", "case__locality__code", "postcodes", "hides",
)  # fmt: skip


Row = tuple[Any, ...]


class _Reader:
    """Reads rows, and caches what they share: the versions and the catchments."""

    def __init__(self) -> None:
        self._catchments = Catchments()
        self._rules: dict[int, RuleSet] = {}

    def read(self, rows: list[Row]) -> list[PastContact]:
        """Reads a batch. One more query finds which of its postcodes are in the area."""
        named = {postcode for *_, locality, postcodes, _ in rows if locality is None for postcode in postcodes}
        ours = set(Postcode.objects.filter(pk__in=named).values_list("pk", flat=True))
        return [self._read(row, ours) for row in rows]

    def _read(self, row: Row, ours: Set[str]) -> PastContact:
        (
            contact_id, received_at, facts, version_id, pathway, rag, level,
            decided_pathway, decided_rag, locality, postcodes, hides,
        ) = row  # fmt: skip
        rules = self._rules.get(version_id)
        if rules is None:
            rules = self._rules[version_id] = of_version(version_id).rule_set
        pathways = rules.pathways
        # The additions to the pathway have no columns: they are recomputed from the same facts and version. So is the
        # hold, because indicators that the rules do not know hold a contact whatever the rules say.
        stored = rules.evaluate_stored(facts)
        day = local_day(received_at)
        recommendation = PastRecommendation(
            facts=facts,
            locality=locality or self._locality([] if hides else postcodes, day, ours),
            week=day - timedelta(days=day.weekday()),
            pathway=pathway,
            rag=rag,
            level=level,
            hold=stored.hold or "",
            also_refer_to=stored.also_refer_to,
            warnings=stored.warnings,
            kind=pathways[pathway].team,
            decided=PathwayRag(decided_pathway, decided_rag) if decided_pathway else None,
            decided_kind=pathways[decided_pathway].team if decided_pathway else None,
        )
        return PastContact(contact_id, recommendation)

    def _locality(self, postcodes: list[str], day: date, ours: Set[str]) -> str:
        """The family's locality; "" if it is not known, or if children live in two localities."""
        places = {self._catchments.locality(postcode, day) for postcode in postcodes if postcode in ours}
        return places.pop() if len(places) == 1 else ""
