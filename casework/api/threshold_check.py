"""
Threshold checks: what the rules recommend for a family without a name, and what to try first.

The answer depends only on what was sent and on the live rule set: neither this module nor the view reads any record
about a person. So a partner learns nothing from it that it did not send
(`docs/adr/0008-what-partners-may-learn.md`).
"""

import re
from collections.abc import Iterator
from typing import Any

from errors import Fault, InvalidInput
from triage.documents import UNKNOWN_FIELD, Document, whole
from triage.facts import Child, Facts, Family
from triage.recommendation import Recommendation, recommend
from triage.rule_set_document import Hold, Pathway
from triage.ruleset import RuleSet

# As many as a contact may have: whatever is allowed here can be answered in a moment.
MOST_CHILDREN, MOST_INDICATORS = 20, 200
SHORT_CODE = "[A-Za-z0-9_-]{1,20}"
# Screening is what somebody at the front door does. A partner cannot say that it was done.
SCREENED = "screened"

NO_NAMES = (
    "must be a short code of your own, such as c1: letters, digits, - and _, at most 20 of them, no spaces. "
    "No names are wanted here."
)
ASK_FIRST = "Ask the family first whether it agrees to help."
# Nobody knows yet which pathway it is: its own sentences would say that the need is met.
SCREEN_FIRST = (
    "Choose the indicators that apply, and check again: without them the rules cannot tell what the family needs.",
    "If none of them says what worries you, send the contact. Somebody at the front door reads it first.",
)
# The pathway's own sentences would say that the need is met, and a manager has not looked yet.
MANAGER_FIRST = (
    "Send the contact: a manager at the front door looks at it before anything is closed.",
    "Stay in touch with the family, and check again if something changes.",
)
NOTE = (
    "This is advice by rules on what you sent and nothing else, not a decision: if you are worried about a child, "
    "contact us whatever it says, and if a child is in danger now, ring 999."
)


def read_facts(data: dict[str, Any], rules: RuleSet) -> Facts:
    """
    Reads the facts of a family without a name.

    :raises InvalidInput: with every fault; for lists that are too long, only that they are.
    """
    if too_long := list(_too_long(data)):
        raise InvalidInput(too_long)
    ours = [*_refs_that_could_be_names(data), *([Fault((SCREENED,), UNKNOWN_FIELD)] if SCREENED in data else [])]
    try:
        facts = rules.facts(_as_json_means({name: value for name, value in data.items() if name != SCREENED}))
    except InvalidInput as invalid:
        raise InvalidInput([*invalid.faults, *ours]) from None
    if ours:
        raise InvalidInput(ours)
    return facts


def answer(rules: RuleSet, facts: Facts) -> dict[str, Any]:
    """The recommendation for these facts, with titles for people and what to try first."""
    recommendation = recommend(rules, facts)
    pathway = rules.pathways[recommendation.pathway]
    return recommendation.as_json() | {
        "says": pathway.called,
        "titles": _titles(rules, recommendation),
        "try_first": _try_first(pathway, recommendation.hold),
        "note": NOTE,
    }


def _try_first(pathway: Pathway, hold: str | None) -> list[str]:
    """
    The practice lead's sentences from the rule set, after a sentence on agreement if they do not speak of it. If no
    indicator was chosen, or a manager must look first, they do not apply yet.
    """
    if hold == Hold.SCREENING:
        return list(SCREEN_FIRST)
    if hold == Hold.MANAGER:
        return list(MANAGER_FIRST)
    speaks_of_agreement = any("agree" in says.casefold() for says in pathway.try_first)
    ask_first = [ASK_FIRST] if hold == Hold.AGREEMENT and not speaks_of_agreement else []
    return [*ask_first, *pathway.try_first]


def _titles(rules: RuleSet, recommendation: Recommendation) -> list[dict[str, str]]:
    """The titles of the services, warnings and pathways in a recommendation."""
    document = rules.document
    others = {change.pathway for change in recommendation.would_change}
    titles = [(entry.id, entry.title) for entry in document.also_refer_to if entry.id in recommendation.also_refer_to]
    titles += [(entry.id, entry.title) for entry in document.warnings if entry.id in recommendation.warnings]
    titles += [(entry.id, entry.called) for entry in document.pathways if entry.id in others]
    return [{"id": name, "title": title} for name, title in titles]


def _too_long(data: dict[str, Any]) -> Iterator[Fault]:
    """The faults of lists that are too long. They are found before parsing: 1 MiB has room for 300,000 children."""
    children = data.get("children")
    if isinstance(children, list) and len(children) > MOST_CHILDREN:
        yield Fault(("children",), f"has more than {MOST_CHILDREN} of them.")
        children = []
    for path, part in (*_children(children), (("family",), data.get("family"))):
        indicators = part.get("indicators") if isinstance(part, dict) else None
        if isinstance(indicators, list) and len(indicators) > MOST_INDICATORS:
            yield Fault((*path, "indicators"), f"has more than {MOST_INDICATORS} of them.")


def _refs_that_could_be_names(data: dict[str, Any]) -> Iterator[Fault]:
    for path, child in _children(data.get("children")):
        ref = child.get("ref")
        if isinstance(ref, str) and not re.fullmatch(SHORT_CODE, ref):
            yield Fault((*path, "ref"), NO_NAMES)


def _as_json_means(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts without known fields that are null, as those that are left out are not known; and 3.0 as 3."""
    read: dict[str, Any] = _fields(facts, Facts)
    if isinstance(children := read.get("children"), list):
        read["children"] = [_fields(child, Child) for child in children]
    return read | {"family": _fields(read["family"], Family)} if "family" in read else read


def _fields(part: Any, shape: type[Document]) -> Any:
    if not isinstance(part, dict):
        return part
    known = shape.model_fields
    return {name: whole(value) for name, value in part.items() if value is not None or name not in known}


def _children(children: object) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """The children as they were sent, and where each stands; the reader names whatever is none."""
    for position, child in enumerate(children if isinstance(children, list) else []):
        if isinstance(child, dict):
            yield ("children", position), child
