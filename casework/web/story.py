"""What `story.html` and `concern.html` show of a contact: what was sent, how it was read, and what is to be checked."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from django.db.models import QuerySet

from casework.actions.recommendations import is_graver
from casework.facts.information import settled_by
from casework.facts.typed import readable
from casework.families.recorded import ADULTS
from casework.models import Contact, ContactAdult, ContactChild, DetailToCheck, FactChange, Information
from casework.models.together import share_out
from casework.reading.cautions import Cautions
from casework.web.changes import Changes
from casework.web.contact_form import AdultPart, ChildPart, ContactPart
from casework.web.correction_form import hidden_facts
from triage.documents import quoted

LABELS = {
    ".".join((*top, path)): str(part.base_fields[name].label)
    for top, part in (((), ContactPart), (("children",), ChildPart), (("adults",), AdultPart))
    for name, path in part.PATHS.items()
}


class ShownDetail(NamedTuple):
    """
    A detail to check: whose it is (empty for the whole contact), its label, what was sent, and a sentence.

    `answered_by` is what was learned since, if that put it right.
    """

    whose: str
    label: str
    kind: str
    sent: str
    says: str
    answered_by: Information | None


def story_of(contact: Contact, cautions: Cautions) -> dict[str, Any]:
    """
    Each child and adult with the part of the document that no column holds, the details to check, and what was learned.

    :param contact: with `ADULTS`, and with what was learned and its changes, where many are shown.
    :param cautions: about everybody on it.
    """
    children, adults = list(contact.children.all()), list(contact.adults.all())
    everybody: list[ContactChild | ContactAdult] = [*children, *adults]
    told, changes = _told(contact, contact.information.all(), children, adults)
    given = told["given"]
    chosen = contact.all_family_indicators or any(child.all_indicators for child in children)
    screened = contact.screened_family_indicators or any(child.screened_indicators for child in children)
    return told | {
        "cautions": cautions,
        "recommendation": contact.recommendation,
        "children": [(child, given["children"][child.position]) for child in children],
        "adults": [(adult, given["adults"][adult.position]) for adult in adults],
        "hides": any(person.address_is_confidential for person in everybody),
        "details_to_check": [
            _shown(detail, contact, children, adults, changes) for detail in contact.details_to_check.all()
        ],
        "unread": changes.unread(),
        "graver": _graver(contact),
        "nothing_ticked": contact.screened_at is None and not chosen,
        "found_none": contact.screened_at is not None and not screened,
    }


class ToldParts:
    """
    What many contacts tell, for `story_of` and `told_of`: their children and adults, and what was learned with its
    changes. `queries` are read in one round trip with the contacts; then `share_out` gives each its own.
    """

    def __init__(self, **which: Any) -> None:
        """:param which: the contacts, as a condition on what is of them: `contact__case=case`."""
        self._children = ContactChild.objects.filter(**which).select_related("person").order_by("position")
        self._adults = ADULTS.filter(**which)
        self._information = Information.objects.filter(**which).select_related("by_user", "by_agency")
        self._changes = FactChange.objects.filter(**{f"information__{name}": value for name, value in which.items()})

    @property
    def queries(self) -> tuple[QuerySet[Any], ...]:
        return self._children, self._adults, self._information, self._changes

    def share_out(self, contacts: Iterable[Contact]) -> None:
        """:param contacts: all of those, or some; what is of others is left."""
        share_out(self._information, changes=self._changes)
        share_out(contacts, children=self._children, adults=self._adults, information=self._information)


def told_of(contact: Contact, information: Iterable[Information]) -> dict[str, Any]:
    """
    The concern with what was learned since, where a page shows no more of the contact.

    :param information: what was learned, with its changes.
    """
    return _told(contact, information, list(contact.children.all()), list(contact.adults.all()))[0]


def _told(
    contact: Contact,
    information: Iterable[Information],
    children: Sequence[ContactChild],
    adults: Sequence[ContactAdult],
) -> tuple[dict[str, Any], Changes]:
    """What `concern.html` shows, and the changes that it was read from."""
    learned = list(information)
    changes = Changes(contact, learned, children, adults)
    given = for_people(contact.document)
    changes.overlay(given)
    said = {"since_it_was_sent": changes.since_it_was_sent(), "information": learned}
    return {"contact": contact, "given": given} | said, changes


def for_people(part: Any) -> Any:
    """The document without the control characters that a page cannot show."""
    if isinstance(part, str):
        return readable(part)
    if isinstance(part, dict):
        return {name: for_people(value) for name, value in part.items()}
    return [for_people(value) for value in part] if isinstance(part, list) else part


def _shown(
    detail: DetailToCheck,
    contact: Contact,
    children: Sequence[ContactChild],
    adults: Sequence[ContactAdult],
    changes: Changes,
) -> ShownDetail:
    whose, hidden = "", False
    match detail.path:
        case ["children", int(position), str(field), *_]:
            child = children[position]
            whose = child.full_name or f"Child {position + 1}"
            hidden = field in hidden_facts(child)
        case ["adults", int(position), str(field), *_]:
            whose = adults[position].called
            hidden = field in hidden_facts(adults[position])
    label = LABELS.get(detail.field, str(detail.path[-1]).replace("_", " "))
    sent = "confidential" if hidden else _sent(contact.document, detail.path)
    settled = settled_by(detail.path, changes.latest_read)
    by = settled.information if settled is not None else None
    return ShownDetail(whose, label, detail.get_kind_display().lower(), sent, detail.says, by)


def _graver(contact: Contact) -> bool:
    """Whether the rules recommend something graver by what was learned than was decided."""
    decision, recommendation = contact.decision_in_effect, contact.recommendation
    if decision is None or recommendation is None or decision.recommendation_id == recommendation.pk:
        return False
    return is_graver(recommendation, decision)


def _sent(document: Any, path: Sequence[str | int]) -> str:
    """What was sent at a place, in quotation marks and in short; empty if nothing was."""
    part = document
    for step in path:
        part = part.get(step) if isinstance(part, dict) else part[step]
        if part is None:
            return ""
    return f"“{readable(part)[:200]}”" if isinstance(part, str) else quoted(part)
