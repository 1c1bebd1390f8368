"""
The chronology of a household: contacts, decisions, cases, handoffs and partners' answers, the newest first, each with
what it led to, and only what the reader may see.

Histories that are listed and not read together are what inspections find (domain/front-door.md, "History/chronology
not used").
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, F, OuterRef, QuerySet, Value
from django.db.models.fields import CharField

from casework.families.household import Household
from casework.models import Case, Contact, Decision, Handoff, PartnerCheck
from casework.statuses import PartnerCheckStatus
from localities.models import User

KINDS = {
    "contacts": "Contacts",
    "decisions": "Decisions",
    "cases": "Cases",
    "handoffs": "Handoffs",
    "answers": "Answers of partners",
}


@dataclass(frozen=True)
class Line:
    """One line: when, of which kind, the row that it is about, and whether the reader may open its case."""

    at: datetime
    kind: str
    of: Any
    case_opens: bool


class Chronology:
    """
    The lines of a household for one reader: counted and read by a paginator, a page at a time.

    A case is linked for readers who may open it. Readers who may see all its contacts see its lines, as on the
    contacts' pages.
    """

    def __init__(
        self, people: Household, user: User, now: datetime, kind: str = "", not_of_family: Collection[int] = ()
    ) -> None:
        """
        :param not_of_family: contacts on which the person stands whose page it is, and does not count. They are listed,
            and nothing that they led to.
        """
        visible = Contact.objects.visible_to(user, now).order_by()
        theirs = people.contacts().order_by().values("pk")
        self._contacts = list(visible.filter(pk__in=theirs).values_list("pk", flat=True))
        self._not_of_family = not_of_family
        cases = Case.objects.filter(casechild__person__in=people.people).annotate(
            may_open=Exists(Case.objects.visible_to(user, now).filter(pk=OuterRef("pk")))
        )
        found = dict(cases.order_by().values_list("pk", "may_open").distinct())
        self._opens = {pk for pk, may_open in found.items() if may_open}
        self._cases = [*self._opens, *_in_view([pk for pk in found if pk not in self._opens], visible)]
        self._rows = self._union(kind)

    def count(self) -> int:
        return self._rows.count()

    def __len__(self) -> int:
        return self.count()

    def __getitem__(self, part: slice) -> list[Line]:
        return self._lines(list(self._rows.order_by("-at", "-line", "-pk")[part]))

    def _union(self, kind: str) -> QuerySet[Any, Any]:
        """One statement that the database pages: the moment, the kind, the id, and whether it ends a case."""
        parts: dict[str, list[tuple[QuerySet[Any, Any], str, str]]] = {
            "contacts": [(
                Contact.objects.filter(pk__in={*self._contacts, *self._not_of_family}), "received_at", "contacts",
            )],
            "decisions": [(Decision.objects.filter(contact__in=self._contacts), "decided_at", "decisions")],
            "cases": [
                (Case.objects.filter(pk__in=self._cases), "opened_at", "cases"),
                (Case.objects.filter(pk__in=self._cases, closed_at__isnull=False), "closed_at", "ends"),
            ],
            "handoffs": [(Handoff.objects.filter(case__in=self._cases), "offered_at", "handoffs")],
            "answers": [(
                PartnerCheck.objects.filter(contact__in=self._contacts, status=PartnerCheckStatus.ANSWERED),
                "ended_at", "answers",
            )],
        }  # fmt: skip
        chosen = [part for name, each in parts.items() if kind in ("", name) for part in each]
        first, *others = (
            rows.order_by().annotate(at=F(moment), line=Value(name, CharField())).values_list("at", "line", "pk")
            for rows, moment, name in chosen
        )
        rows: QuerySet[Any, Any] = first.union(*others, all=True) if others else first
        return rows

    def _lines(self, rows: Collection[tuple[datetime, str, int]]) -> list[Line]:
        ids: dict[str, set[int]] = defaultdict(set)
        for _, kind, pk in rows:
            ids[_table(kind)].add(pk)
        found = {kind: {row.pk: row for row in self._read(kind).filter(pk__in=pks)} for kind, pks in ids.items()}
        lines = []
        for at, kind, pk in rows:
            row = found[_table(kind)][pk]
            lines.append(Line(at, kind, row, case_opens=_case_of(row) in self._opens))
        return lines

    def _read(self, kind: str) -> QuerySet[Any, Any]:
        reads: dict[str, QuerySet[Any, Any]] = {
            "contacts": Contact.objects.select_related(
                "agency", "decision_in_effect", "recommendation", "resend_of", "case"
            ).defer("document"),
            "decisions": Decision.objects.select_related("contact__case", "recommendation", "decided_by", "sign_off"),
            "cases": Case.objects.select_related("locality", "closed_by"),
            "handoffs": Handoff.objects.select_related("case", "from_team", "to_team", "answered_by"),
            "answers": PartnerCheck.objects.select_related("contact", "agency"),
        }
        return reads[kind].order_by()


def _in_view(cases: Collection[int], visible: QuerySet[Contact]) -> set[int]:
    """Those of these cases of which the reader may see every contact."""
    if not cases:
        return set()
    of_cases = dict(Contact.objects.filter(case__in=cases).order_by().values_list("pk", "case"))
    seen = set(visible.filter(case__in=cases).values_list("pk", flat=True))
    return {case for case in of_cases.values() if case} - {case for pk, case in of_cases.items() if pk not in seen}


def _table(kind: str) -> str:
    """A case has two kinds of line: it opened, and it ended."""
    return "cases" if kind == "ends" else kind


def _case_of(row: Contact | Case | Decision | Handoff | PartnerCheck) -> int | None:
    match row:
        case Case():
            return row.pk
        case Contact() | Handoff():
            return row.case_id
        case _:
            return row.contact.case_id
