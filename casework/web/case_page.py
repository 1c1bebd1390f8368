"""What every page of a case shows: whom it is about, in the identity bar, the tabs, and who the reader is to it."""

from collections.abc import Iterable
from datetime import datetime
from itertools import chain
from typing import Any, cast

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.text import get_text_list

from casework.access import permissions, restricted
from casework.actions import viewing
from casework.families.naming import name_rows
from casework.families.recorded import lives_hidden
from casework.models import (
    Case,
    Clock,
    ClosingRequest,
    Contact,
    ContactAdult,
    ContactChild,
    Person,
    Responsibility,
)
from casework.models.clocks import ClockQuerySet
from casework.models.indexes import is_among
from casework.models.prepared import Call, Rows
from casework.models.together import read_parts
from casework.statuses import CaseStatus, HandoffStatus
from casework.web.forms import ActionForm
from casework.web.hiding import without_hidden_addresses
from casework.web.signed_in import user_of
from casework.web.story import ToldParts, told_of
from casework.web.submitting import errors_of, status_of
from localities.models import FRONT_DOOR_KINDS, Membership, Role, Team
from localities.roles import roles_of
from localities.working_time import local_day

# The pages of a case, by their names in `urls.py`, in the order of the tabs.
TABS = {
    "case": "Overview",
    "case-chronology": "Chronology",
    "case-plan": "Plan and deadlines",
    "case-people": "People",
    "case-handoffs": "Handoffs",
    "case-notes": "Notes and files",
}
# On which tab a form stands that is sent to an address of its own; on the overview if it is not here.
FORMS_ON = {"case-milestone": "case-plan", "case-extend": "case-plan"}


class CasePage:
    """
    A case as its pages show it to one reader. To make it is to view the case, which is audited.

    :ivar contacts: those of the case that the reader may open, the newest first.
    :ivar running: the running clocks, with those of the open offer, the first due first.
    :ivar periods: who was responsible, in order.
    """

    def __init__(self, request: HttpRequest, reference: str, now: datetime) -> None:
        self.request, self.user, self.now = request, user_of(request), now
        self.case = viewing.view_case(reference=reference, by=self.user, now=now)
        self.who = roles_of(self.user, local_day(now))
        self.is_open = self.case.status == CaseStatus.OPEN

    def read(
        self, *others: QuerySet[Any, Any] | Call, of_contacts: Iterable[str] = (), **parts: QuerySet[Any, Any]
    ) -> None:
        """
        Reads what stands on every page of the case, and what else one of them shows, in one round trip.

        :param of_contacts: what else the page shows of each contact: the name of a relation.
        :param parts: by the name of the case's relation, what the page shows of it.
        """
        case = self.case
        contacts = Contact.objects.filter(case=case).open_to(self.user, self.now).order_by("-received_at")
        contacts = contacts.select_related("agency", *of_contacts)
        # Of all its contacts, in the same round trip: each that the reader may open gets its own, the rest is left.
        told = ToldParts(contact__case=case)
        running = clocks_of(case).running()
        read_parts(
            case, contacts, *told.queries, running, *others,
            children=case.children.all(),
            responsibilities=case.responsibilities.select_related("team"),
            **parts,
        )  # fmt: skip
        told.share_out(contacts)
        self.contacts, self.running = list(contacts), list(running)
        self.periods: list[Responsibility] = list(case.responsibilities.all())
        name_rows(
            chain.from_iterable((*each.children.all(), *each.adults.all()) for each in self.contacts),
            self.user, self.now,
        )  # fmt: skip

    @property
    def responsible(self) -> Team | None:
        """The team that is responsible, or was last."""
        return self.periods[-1].team if self.periods else None

    @property
    def is_responsible(self) -> bool:
        """Whether the reader works in the team that is responsible for the open case."""
        return self.is_open and self.responsible is not None and self.responsible.pk in self.who.team_ids

    @property
    def may_correct(self) -> bool:
        """Whether the reader may add and correct facts on the contacts of the open case."""
        return self.is_open and (self.is_responsible or bool(self.who.front_door_roles))

    def may_close(self, asked: ClosingRequest | None) -> bool:
        """
        Whether the reader may close the case, or ask for it. The front door closes none.

        :param asked: the open request to close it.
        """
        team = self.responsible
        is_theirs = team is not None and team.kind not in FRONT_DOOR_KINDS
        return is_theirs and (self.is_responsible or self.agrees_to_close(asked))

    @property
    def answers_closing(self) -> bool:
        """Whether the reader leads the team or the service, and so may keep a case open that somebody asks to close."""
        if not self.is_open or self.responsible is None:
            return False
        return permissions.allows(
            permissions.check_can_close, self.case, self.responsible.pk, self.user, local_day(self.now),
            without_contact=True,
        )  # fmt: skip

    def agrees_to_close(self, asked: ClosingRequest | None) -> bool:
        """Whether the reader may close the case also where nobody was in contact with the family."""
        if asked is None or not self.answers_closing:
            return False
        return permissions.allows(permissions.check_can_agree_to_close, self.case, asked.asked_by_id, self.user)

    def who_agrees_to_close(self, leads: Iterable[Membership], asked: ClosingRequest | None) -> str:
        """
        The names of those who may: whoever leads the team, or else the service managers.

        :param leads: `endings.who_may_close`.
        """
        asks = self.user.pk if asked is None else asked.asked_by_id
        found = [each for each in leads if each.user_id not in {asks, self.case.lead_practitioner_id}]
        here = [each for each in found if each.role != Role.SERVICE_MANAGER]
        return get_text_list(sorted({each.user.name for each in here or found}), "or")

    @property
    def family(self) -> list[tuple[Person, ContactChild | None]]:
        """The children of the case, each as one of its contacts names them; None where the reader may not see it."""
        named = {child.person_id: child for contact in self.contacts for child in contact.children.all()}
        return [(child, named.get(child.pk)) for child in sorted(self.case.children.all(), key=lambda each: each.pk)]

    def show(
        self,
        template: str,
        context: dict[str, Any],
        shown: Iterable[ActionForm] = (),
        *,
        told_of: Iterable[Contact] = (),
        hidden: Rows | None = None,
    ) -> HttpResponse:
        """
        The page, without the hidden addresses of the family.

        :param shown: the forms that had faults.
        :param told_of: contacts beside those of the case, whose words are on the page.
        :param hidden: what `ask_hidden` found of them and of those of the case, where it was asked already.
        """
        errors = errors_of(*shown)
        page = render(self.request, template, self._identity() | context | {"errors": errors}, status=status_of(errors))
        return without_hidden_addresses(page, [*self.contacts, *told_of], hidden)

    def _identity(self) -> dict[str, Any]:
        case = self.case
        name = self.request.resolver_match.url_name if self.request.resolver_match else ""
        this = name if name in TABS else FORMS_ON.get(str(name), "case")
        adults = [adult for contact in self.contacts for adult in contact.adults.all()]
        on_contacts: list[ContactChild | ContactAdult] = [
            *adults,
            *(child for contact in self.contacts for child in contact.children.all()),
        ]
        return {
            "now": self.now,
            "case": case,
            "tabs": [(reverse(name, args=[case.reference]), title, name == this) for name, title in TABS.items()],
            "this_tab": TABS.get(this, ""),
            "children": self.family,
            "restrictions": self._restrictions(),
            "is_restricted": cast("Any", case).is_restricted,
            "hides_a_home": any(row.address_is_confidential for row in on_contacts) or any(map(lives_hidden, adults)),
            "risk_to_staff": any(map(_says_risk_to_staff, self.contacts)),
            "responsible": self.responsible,
            "is_responsible": self.is_responsible,
            "next_deadline": next((clock for clock in self.running if clock.paused_at is None), None),
        }

    def _restrictions(self) -> list[Any]:
        """The restrictions of people in the case that the reader may know of, for the banner."""
        if not cast("Any", self.case).is_restricted:
            return []
        return list(restricted.shown_with(restricted.people_on(self.case), self.user, self.now))


def clocks_of(case: Case) -> ClockQuerySet:
    """The clocks of a case, with those of its open offer, the first due first."""
    # By the offer's id, found first: for a condition on its table, PostgreSQL would read every clock.
    on_offer = case.handoffs.filter(status=HandoffStatus.OFFERED).order_by().values("pk")
    clocks = Clock.objects.filter(Q(case=case) | Q(is_among(on_offer, "handoff"))).select_related("policy")
    return clocks.order_by("stopped_at", "due_at")


def _says_risk_to_staff(contact: Contact) -> bool:
    adults = told_of(contact, contact.information.all())["given"]["adults"]
    return any(adults[adult.position].get("risk_to_staff") for adult in contact.adults.all())
