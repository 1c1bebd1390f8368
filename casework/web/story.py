"""What `story.html` shows of a contact: what was sent, how it was read, and what somebody should check."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from casework.facts.typed import readable
from casework.models import Contact, ContactAdult, ContactChild, DetailToCheck
from casework.web.contact_form import AdultPart, ChildPart, ContactPart
from triage.documents import quoted

HIDDEN_WITH_AN_ADDRESS = ("address", "where_now", "school")
LABELS = {
    ".".join((*top, path)): str(part.base_fields[name].label)
    for top, part in (((), ContactPart), (("children",), ChildPart), (("adults",), AdultPart))
    for name, path in part.PATHS.items()
}


class ShownDetail(NamedTuple):
    """A detail to check: whose it is (empty for the whole contact), its label, what was sent, and a sentence."""

    whose: str
    label: str
    kind: str
    sent: str
    says: str


def story_of(contact: Contact) -> dict[str, Any]:
    """Each child and adult with the part of the document that no column holds, and the details to check."""
    children, adults = list(contact.children.all()), list(contact.adults.all())
    given = _for_people(contact.document)
    chosen = contact.all_family_indicators or any(child.all_indicators for child in children)
    screened = contact.screened_family_indicators or any(child.screened_indicators for child in children)
    hides = any(child.address_is_confidential for child in children)
    return {
        "contact": contact,
        "given": given,
        "recommendation": contact.recommendation,
        "children": [(child, given["children"][child.position]) for child in children],
        "adults": [(adult, given["adults"][adult.position]) for adult in adults],
        "hides": hides,
        "details_to_check": [
            _shown(detail, contact, children, adults, hides) for detail in contact.details_to_check.all()
        ],
        "nothing_ticked": contact.screened_at is None and not chosen,
        "found_none": contact.screened_at is not None and not screened,
    }


def _for_people(part: Any) -> Any:
    """The document without the control characters that a page cannot show."""
    if isinstance(part, str):
        return readable(part)
    if isinstance(part, dict):
        return {name: _for_people(value) for name, value in part.items()}
    return [_for_people(value) for value in part] if isinstance(part, list) else part


def _shown(
    detail: DetailToCheck,
    contact: Contact,
    children: Sequence[ContactChild],
    adults: Sequence[ContactAdult],
    hides: bool,
) -> ShownDetail:
    whose, hidden = "", False
    match detail.path:
        case ["children", int(number), str(field), *_]:
            child = children[number]
            whose = f"{child.first_name} {child.last_name}".strip() or f"Child {number + 1}"
            hidden = child.address_is_confidential and field in HIDDEN_WITH_AN_ADDRESS
        case ["adults", int(number), str(field), *_]:
            whose = adults[number].person.full_name
            hidden = hides and adults[number].same_address is not False and field == "phone"
    label = LABELS.get(detail.field, str(detail.path[-1]).replace("_", " "))
    sent = "confidential" if hidden else _sent(contact.document, detail.path)
    return ShownDetail(whose, label, detail.get_kind_display().lower(), sent, detail.says)


def _sent(document: Any, path: Sequence[str | int]) -> str:
    """What was sent at a place, in quotation marks and in short; empty if nothing was."""
    part = document
    for step in path:
        part = part.get(step) if isinstance(part, dict) else part[step]
        if part is None:
            return ""
    return f"“{readable(part)[:200]}”" if isinstance(part, str) else quoted(part)
