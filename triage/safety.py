"""
The safety-relevant parts of a rule set. Only a service manager may change them, whoever drafts the rest.

They are: safety scenarios; where rating and level come from; what each pathway is, and which clocks run on it; the
decisions that need two people; after which rules a manager decides; which indicators are hard stops or strong, and what
they say; warnings.
"""

from collections.abc import Mapping
from typing import Any

from triage.catalogue import Gate
from triage.rule_set_document import RuleSetDocument
from triage.scenarios import protected

# What a pathway is: how it is counted, asked for and decided.
MEANING = ("team", "work", "voluntary", "gravest", "decision_only")
Resting = Mapping[str, Any]


def safety(document: RuleSetDocument) -> Resting:
    """Each safety-relevant part, by a name for people, as it is stored."""
    return {
        **protected(document),
        "where rating and level come from": document.rating_and_level,
        **{f"pathway {entry.id}": [getattr(entry, name) for name in MEANING] for entry in document.pathways},
        **{f"clock {entry.id}": entry for entry in document.clocks},
        **{f"two people for {entry.id}": entry for entry in document.two_person_decisions},
        **{f"who decides after {rule.id}": rule.decided_by for rule in document.rules if rule.decided_by},
        **{
            f"indicator {entry.code}": (entry.level, entry.gate, entry.says)
            for entry in document.indicators
            if entry.gate in (Gate.HARD_STOP, Gate.STRONG)
        },
        **{f"warning {entry.id}": entry for entry in document.warnings},
    }


def changed(before: RuleSetDocument, after: RuleSetDocument, base: RuleSetDocument) -> set[str]:
    """
    The safety-relevant parts that differ between two documents. A part that is again as in `base`, from which the draft
    was copied, is no change, so that a mistake can be undone. A new hard stop or strong indicator is no change either:
    it makes the rules more careful. Nor is an added or removed pathway: the others keep their meaning.
    """
    old, new, first = safety(before), safety(after), safety(base)
    return {
        name
        for name in old.keys() | new.keys()
        if old.get(name) != new.get(name)
        and new.get(name) != first.get(name)
        and not (name.startswith("indicator ") and name not in old)
        and not (name.startswith("pathway ") and (name not in old or name not in new))
    }
