"""The facts that rules can ask about: whose they are, which values they may have, and their paths."""

from triage.facts import Child, Dash, Family, OpenWork

NO_CHILD = -1

CHILD_FACTS = frozenset(Child.model_fields) - {"ref", "indicators"}
FAMILY_FACTS = frozenset(Family.model_fields) - {"indicators"}
CONTACT_FACTS = frozenset({"immediate_danger", "referrer_level", "screened"}) | FAMILY_FACTS
# The values of a fact, besides unknown: one of these words, a number in this range, or else true or false.
WORDS: dict[str, frozenset[str]] = {"dash": frozenset(Dash), "open_work": frozenset(OpenWork)}
NUMBERS: dict[str, tuple[int, float]] = {
    "referrer_level": (1, 4),
    "age_years": (0, 25),
    "contacts_3_months": (0, float("inf")),
    "contacts_12_months": (0, float("inf")),
    "closed_days_ago": (0, float("inf")),
}


def fact_path(name: str, child: int = NO_CHILD) -> str:
    """The path of a fact in the facts document: `children[0].age_years`, `family.marac`, `immediate_danger`."""
    if child != NO_CHILD and name in CHILD_FACTS:
        return f"children[{child}].{name}"
    return f"family.{name}" if name in FAMILY_FACTS else name
