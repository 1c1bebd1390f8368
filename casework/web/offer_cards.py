"""
An offer as a card: what a team must know of a family before it takes the case on or returns it. It is told by the
contact that opened the case, as it is known today. And a case that came back, as a card.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

from django.db.models import QuerySet

from casework.families.naming import families_of, name_rows
from casework.models import Case, Contact, ContactAdult, ContactChild, Handoff
from casework.models.together import read_together
from casework.reading import team_work, worklists
from casework.reading.cautions import Cautions, cautions_in, recorded_of
from casework.statuses import HandoffStatus
from casework.web.hiding import HiddenWords, hidden_where_said
from casework.web.story import ToldParts, told_of
from localities.models import User


class OfferCard(NamedTuple):
    """
    An offer as a team reads it.

    :param children: the children of the case that the reader may see.
    :param contact: the one that opened the case; None where the reader may not see it.
    :param given: what the contact says today.
    :param hidden: what finds the family's hidden addresses in what people wrote; None if there are none, or if the page
        is masked as a whole.
    :param used: how much of the time to answer has gone, in per cent; None if no deadline runs.
    """

    handoff: Handoff
    children: Sequence[ContactChild]
    contact: Contact | None
    given: Mapping[str, Any]
    cautions: Cautions
    hidden: HiddenWords | None
    used: int | None

    @property
    def case(self) -> Case:
        return self.handoff.case

    @property
    def contacts(self) -> set[Contact]:
        """The contacts from which the card shows something."""
        return {child.contact for child in self.children} | ({self.contact} if self.contact else set())

    @property
    def said(self) -> str:
        """What people wrote that the card shows."""
        given, handoff, contact = self.given, self.handoff, self.contact
        concern = given.get("concern") or {}
        words = [
            *(child.called for child in self.children), concern.get("worries"), concern.get("childs_words"),
            given.get("support_already_tried"), handoff.reason, handoff.despite, handoff.lead_reason,
            handoff.family_told,
        ]  # fmt: skip
        if contact is not None:
            words += [*(adult.called for adult in contact.adults.all()), contact.agreement_given_by]
        return " ".join(filter(None, words))

    @property
    def is_risk_to_staff(self) -> bool:
        return any(adult.get("risk_to_staff") for adult in self.given.get("adults", ()))

    @property
    def hides_a_home(self) -> bool:
        people: list[ContactChild | ContactAdult] = [*self.children]
        if self.contact is not None:
            people += [*self.contact.children.all(), *self.contact.adults.all()]
        return any(person.address_is_confidential for person in people)

    @property
    def died(self) -> list[ContactChild]:
        """Those of the children who have died."""
        return [child for child in self.children if child.person_id in self.cautions.died]

    @property
    def not_safe(self) -> list[tuple[str, str]]:
        """Who must not be reached in which way: "Sam Ashworth", "telephone"."""
        people = {each.person_id: each.called for each in self.contact.adults.all()} if self.contact else {}
        people |= {child.person_id: child.called for child in self.children}
        return [
            (people[person], ", ".join(kinds).lower())
            for person, kinds in self.cautions.not_safe.items()
            if person in people
        ]


class ReturnedCard(NamedTuple):
    """
    A case that no team took on, for the team that must say what happens next.

    :param handoff: its last offer; None if that was not returned.
    :param hidden: see `OfferCard`.
    """

    case: Case
    handoff: Handoff | None
    children: Sequence[ContactChild]
    hidden: HiddenWords | None

    @property
    def contacts(self) -> set[Contact]:
        """The contacts from which the card shows something."""
        return {child.contact for child in self.children}

    @property
    def said(self) -> str:
        """What people wrote that the card shows."""
        words = [child.called for child in self.children]
        return " ".join(words if self.handoff is None else [*words, self.handoff.answer_reason])


def cards_of(handoffs: Collection[Handoff], user: User, now: datetime) -> list[OfferCard]:
    """
    The cards of these offers, for a page that is masked as a whole.

    :param handoffs: with their cases, both teams and who offered them, and with `due_at` (`worklists.offered`).
    """
    return _read(handoffs, (), user, now)[0]


def returned_cards(cases: Collection[Case], user: User, now: datetime) -> list[ReturnedCard]:
    """The cards of these cases that came back to a team."""
    return cards_of_team((), cases, user, now)[1]


def cards_of_team(
    handoffs: Collection[Handoff], cases: Collection[Case], user: User, now: datetime
) -> tuple[list[OfferCard], list[ReturnedCard]]:
    """
    The cards of these offers, and of these cases that came back, in the same few statements however many there are. In
    a list each is masked by the hidden addresses of its own family.
    """
    offers, returns = _read(handoffs, cases, user, now)
    cards: list[OfferCard | ReturnedCard] = [*offers, *returns]
    hidden = hidden_where_said({contact.pk: card.said for card in cards for contact in card.contacts})
    return (
        [card._replace(hidden=_of_all(card.contacts, hidden)) for card in offers],
        [card._replace(hidden=_of_all(card.contacts, hidden)) for card in returns],
    )


def _read(
    handoffs: Collection[Handoff], cases: Collection[Case], user: User, now: datetime
) -> tuple[list[OfferCard], list[ReturnedCard]]:
    if not handoffs and not cases:
        return [], []
    families = families_of([*(handoff.case for handoff in handoffs), *cases], user, now)
    last = team_work.last_offers(cases)
    contacts = _opened_by([handoff.case for handoff in handoffs], last, user, now)
    given = {key: told_of(contact, contact.information.all())["given"] for key, contact in contacts.items()}
    children = {child.person_id for handoff in handoffs for child in families[handoff.case]}
    cautions = cautions_in(recorded_of(contacts.values(), children) if handoffs else ())
    returns = {each.case_id: each for each in last if each.status == HandoffStatus.RETURNED}
    offers = [
        OfferCard(
            handoff=handoff,
            children=families[handoff.case],
            contact=contacts.get(handoff.case.opened_by_decision_id),
            given=given.get(handoff.case.opened_by_decision_id, {}),
            cautions=cautions,
            hidden=None,
            used=worklists.used(handoff.offered_at, cast("Any", handoff).due_at, now),
        )
        for handoff in handoffs
    ]
    return offers, [ReturnedCard(case, returns.get(case.pk), families[case], None) for case in cases]


def _opened_by(cases: Iterable[Case], last: QuerySet[Handoff], user: User, now: datetime) -> dict[int, Contact]:
    """
    The contact that opened each of these cases, for those that the user may see; by the id of its decision.

    :param last: is read along with them.
    """
    decisions = [case.opened_by_decision_id for case in cases]
    contacts = Contact.objects.visible_to(user, now).filter(decision_in_effect__in=decisions)
    contacts = contacts.select_related("recommendation", "agency")
    of_them = Contact.objects.filter(decision_in_effect__in=decisions).order_by().values("pk")
    told = ToldParts(contact__in=of_them)
    read_together(contacts, *told.queries, last)
    told.share_out(contacts)
    rows: list[ContactChild | ContactAdult] = []
    for contact in contacts:
        rows += [*contact.children.all(), *contact.adults.all()]
    name_rows(rows, user, now)
    return {contact.decision_in_effect_id: contact for contact in contacts if contact.decision_in_effect_id}


def _of_all(contacts: Iterable[Contact], hidden: Mapping[int, HiddenWords]) -> HiddenWords | None:
    patterns = tuple(pattern for contact in contacts if contact.pk in hidden for pattern in hidden[contact.pk].patterns)
    return HiddenWords(patterns) if patterns else None
