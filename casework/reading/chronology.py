"""
The chronology of a household: contacts, decisions, cases, handoffs and partners' answers, the newest first, each with
what it led to, and only what the reader may see.

Histories that are listed and not read together are what inspections find (domain/front-door.md, "History/chronology
not used").
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.fields import CharField, DateTimeField
from django.db.models.functions import Cast, Coalesce, JSONObject, Left

from casework.families.household import Household
from casework.models import (
    Case,
    Contact,
    Decision,
    Handoff,
    HandoffKind,
    Note,
    NoteKind,
    Outcome,
    PartnerCheck,
    Responsibility,
)
from casework.models.prepared import Call, Rows
from casework.models.together import read_together
from casework.statuses import CaseStatus, HandoffStatus, PartnerCheckStatus
from localities.codes import SOURCE_CODES
from localities.models import User
from triage.published_rules import title_of_pathway

KINDS = {
    "contacts": "Contacts",
    "decisions": "Decisions",
    "cases": "Cases",
    "handoffs": "Handoffs",
    "answers": "Partner answers",
    "notes": "Notes",
}
A_PAGE = 30
# So much of a note is read, for its beginning: what is cut off may be half of a hidden address.
MOST_OF_A_NOTE = 2000


@dataclass(frozen=True)
class Line:
    """
    One line: when, of which kind, what it says, and whether the reader may open its case.

    `until`: when a case closed, or opened, or a handoff was answered. `of`: by names that the template has, in words.
    """

    at: datetime
    until: datetime | None
    kind: str
    pk: int
    of: Mapping[str, Any]
    case_opens: bool


class Chronology:
    """
    The lines of a household for one reader, in three statements, of which two go together.

    A case is linked for readers who may open it. Readers who may see all its contacts see its lines, as on the
    contacts' pages. `contacts`: those that it tells of, whose words are on the page; with their ids alone.
    `open_with`: the teams that work with one of `children` now, each with the lead practitioner's name, as on the
    worklist.
    """

    def __init__(
        self,
        people: Household,
        user: User,
        now: datetime,
        *,
        but_not: int | None = None,
        not_of_family: Collection[int] = (),
        children: Collection[int] = (),
    ) -> None:
        """
        :param but_not: the contact whose page it is: the page tells of it already.
        :param not_of_family: contacts on which the person stands whose page it is, and does not count. They are listed,
            and nothing that they led to.
        :param children: the ids of the people of whom `open_with` tells.
        """
        visible = Contact.objects.visible_to(user, now).order_by()
        theirs = people.contacts().order_by().values("pk")
        if but_not is not None:
            theirs = theirs.exclude(pk=but_not)
        contacts = visible.filter(pk__in=theirs).only("pk")
        self._not_of_family, self._user, self._now = not_of_family, user, now
        cases = Case.objects.filter(casechild__person__in=people.people).annotate(
            may_open=Exists(Case.objects.visible_to(user, now).filter(pk=OuterRef("pk"))),
            hides_a_contact=Exists(
                Contact.objects.filter(case=OuterRef("pk")).exclude(Exists(visible.filter(pk=OuterRef("pk"))))
            ),
            works_with=Exists(
                Case.objects.open_to(user, now).filter(
                    pk=OuterRef("pk"), status=CaseStatus.OPEN, casechild__person__in=children
                )
            ),
            team=Subquery(
                Responsibility.objects.filter(case=OuterRef("pk"), period__endswith__isnull=True).values("team__name")[
                    :1
                ]
            ),
        )
        columns = ("pk", "may_open", "hides_a_contact", "works_with", "team", "lead_practitioner__name")
        found: Any = cases.order_by("pk").values_list(*columns).distinct()
        read_together(contacts, found)
        self.contacts = list(contacts)
        self.open_with = [(team, lead or "") for *_, works_with, team, lead in found if works_with]
        self._opens = {pk for pk, may_open, *_ in found if may_open}
        self._cases = [pk for pk, may_open, hides_a_contact, *_ in found if may_open or not hides_a_contact]

    def lines(self, kind: str = "", *along: Call) -> tuple[list[Line], list[Rows]]:
        """
        Its lines, and the rows of what was read along with them.

        :param kind: one of `KINDS`; empty for all.
        """
        parts = [part for name, each in self._parts().items() if kind in ("", name) for part in each]
        first, *others = (
            rows.order_by()
            .annotate(at=F(at), until=F(until) if until else NEVER, line=Value(name, CharField()), says=says)
            .values_list("at", "until", "line", "pk", "says")
            for name, rows, at, until, says in parts
        )
        rows: QuerySet[Any, Any] = first.union(*others, all=True) if others else first
        rows = rows.order_by("-at", "-line", "-pk")
        found = read_together(rows, *along)
        return [self._line(*row) for row in rows], found

    def _parts(self) -> dict[str, list["Part"]]:
        contacts = Contact.objects.filter(pk__in={*(contact.pk for contact in self.contacts), *self._not_of_family})
        decisions = Decision.objects.filter(contact__in=self.contacts)
        cases = Case.objects.filter(pk__in=self._cases)
        handoffs = Handoff.objects.filter(case__in=self._cases)
        answers = PartnerCheck.objects.filter(contact__in=self.contacts, status=PartnerCheckStatus.ANSWERED)
        of_case = JSONObject(
            reference="reference", rag="opened_by_decision__rag", pathway="pathway", locality="locality__name",
            outcome="outcome", closing_summary="closing_summary", case_id="pk",
            rules="opened_by_decision__recommendation__rule_set",
        )  # fmt: skip
        return {
            "contacts": [("contacts", contacts, "received_at", "", JSONObject(
                reference="reference", rag="rag", agency="agency__name", source="source_code",
                resend_of="resend_of__reference", pathway="decision_in_effect__pathway",
                case="case__reference", case_id="case", rules="recommendation__rule_set",
            ))],
            "decisions": [("decisions", decisions, "decided_at", "", JSONObject(
                contact="contact__reference", pathway="pathway", level="level", rag="rag", overrides="overrides",
                by="decided_by__name", in_effect="contact__decision_in_effect", agreed="sign_off__agreed",
                case="contact__case__reference", case_id="contact__case", rules="recommendation__rule_set",
            ))],
            "cases": [
                ("cases", cases, "opened_at", "closed_at", of_case),
                ("ends", cases.filter(closed_at__isnull=False), "closed_at", "opened_at", of_case),
            ],
            "handoffs": [("handoffs", handoffs, "offered_at", "answered_at", JSONObject(
                handoff="kind", from_team="from_team__name", to_team="to_team__name", status="status",
                case="case__reference", case_id="case", rag="rag", rag_before="rag_before",
            ))],
            "notes": [("notes", self._notes(), "happened", "", JSONObject(
                contact="contact__reference", case="case__reference", note=Coalesce("corrects", "pk"), of_kind="kind",
                by=Coalesce("corrects__written_by__name", "written_by__name"), edition="edition",
                begins=Left("text", MOST_OF_A_NOTE), case_id=Coalesce("case", "contact__case"),
            ))],
            "answers": [("answers", answers, "ended_at", "", JSONObject(
                contact="contact__reference", agency="agency__name", answer="answer", case_id="contact__case",
            ))],
        }  # fmt: skip

    def _notes(self) -> QuerySet[Note]:
        """The notes of the contacts and of the cases that the reader may open, each as it stands now."""
        later = Note.objects.filter(
            corrects=Coalesce(OuterRef("corrects"), OuterRef("pk")), edition__gt=OuterRef("edition")
        )  # fmt: skip
        return (
            Note.objects.readable_by(self._user, self._now)
            .filter(Q(contact__in=self.contacts) | Q(case__in=self._opens))
            .exclude(Exists(later))
            .annotate(happened=Coalesce("happened_at", "corrects__written_at", "written_at"))
        )

    def _line(self, at: datetime, until: datetime | None, kind: str, pk: int, says: dict[str, Any]) -> Line:
        return Line(at, until, kind, pk, {**says, **_in_words(kind, pk, says)}, says["case_id"] in self._opens)


Part = tuple[str, QuerySet[Any, Any], str, str, JSONObject]
NEVER = Cast(Value(None), DateTimeField())


def _in_words(kind: str, pk: int, says: Mapping[str, Any]) -> dict[str, Any]:
    """What stands on the page in place of codes."""
    words: dict[str, Any] = {}
    if says.get("pathway"):
        words["pathway"] = title_of_pathway(says["rules"], says["pathway"])
    match kind:
        case "contacts":
            # As in the middle of a sentence: "It led to family help".
            title = words.get("pathway", "")
            words |= {"led_to": title[:1].lower() + title[1:], "agency": says["agency"] or SOURCE_CODES[says["source"]]}
        case "decisions":
            words["in_effect"] = says["in_effect"] == pk
        case "cases" | "ends" if says["outcome"]:
            words["outcome"] = Outcome(says["outcome"]).label
        case "notes":
            words["of_kind"] = NoteKind(says["of_kind"]).label
        case "handoffs":
            words |= {"handoff": HandoffKind(says["handoff"]).label, "status": HandoffStatus(says["status"]).label}
            # A step down that nobody accepted changed nothing.
            holds = says["handoff"] == HandoffKind.STEP_UP or says["status"] == HandoffStatus.ACCEPTED
            words["rated"] = says["rag"] if holds and says["rag"] != says["rag_before"] else ""
    return words
