"""Facts in a line, and the shipped rules' answer: what the tables of this folder are written in."""

from typing import Any

from triage.recommendation import recommend
from triage.ruleset import shipped

Facts = dict[str, Any]

CHILD_FACTS = {
    "age_years", "date_of_birth_estimated", "unborn", "disabled", "non_verbal", "previous_cp_plan",
    "previously_looked_after",
}  # fmt: skip
FAMILY_FACTS = {
    "contacts_3_months",
    "contacts_12_months",
    "sibling_on_cp_plan",
    "early_help_closed_without_progress_12_months",
    "dash",
    "marac",
    "open_work",
    "closed_days_ago",
    "in_area",
}
NO_TO_EVERY_QUESTION = {
    "immediate_danger": False,
    "sibling_on_cp_plan": False,
    "early_help_closed_without_progress_12_months": False,
    "marac": False,
    "unborn": False,
    "disabled": False,
    "non_verbal": False,
    "previous_cp_plan": False,
    "previously_looked_after": False,
}


def child(ref: str | None, *indicators: str, **facts: Any) -> Facts:
    """A child of seven, unless told otherwise."""
    return {"ref": ref, "age_years": 7, **facts, "indicators": list(indicators)}


def contact(
    *on_the_child: str, on_the_family: tuple[str, ...] = (), children: list[Facts] | None = None, **facts: Any
) -> Facts:
    """
    Facts, screened and with agreement given, about one child "c1" of seven who has these indicators; or about
    `children`.

    Every other fact stands where it belongs by its name: `contact("L3-12", disabled=True, marac=True)`.
    """
    of_the_child = {name: facts.pop(name) for name in CHILD_FACTS & facts.keys()}
    of_the_family = {name: facts.pop(name) for name in FAMILY_FACTS & facts.keys()}
    return {
        "agreement": "given",
        "screened": True,
        **facts,
        "children": children if children is not None else [child("c1", *on_the_child, **of_the_child)],
        "family": {"indicators": list(on_the_family), **of_the_family},
    }


def answer(facts: Facts) -> Facts:
    """The recommendation of the shipped rules, as it is stored, printed and sent."""
    rules = shipped()
    return recommend(rules, rules.facts(facts)).as_json()


def pathway(facts: Facts) -> str:
    return str(answer(facts)["pathway"])


def fired(facts: Facts) -> list[str]:
    """The rules that fired, in their order, each once."""
    return list(dict.fromkeys(reason["rule"] for reason in answer(facts)["reasons"]))
