"""The shipped rule set, broken: with other values, or nothing, where a path leads; and faults that a schema sees."""

from typing import Any

from tests.stage.rule_documents import Json, whole

GONE = object()


def broken(changes: dict[str, object]) -> Json:
    """The shipped document, with other values (or nothing, GONE) where these paths lead: `rules.hard_stop.then.rag`."""
    document = whole()
    if not any(path.startswith("scenarios") for path in changes):
        # What a break does to the scenarios is asked for by itself.
        del document["scenarios"]
    for path, value in changes.items():
        *steps, last = path.split(".")
        at: Any = document
        for step in steps:
            at = _entry(at, step)
        if value is GONE:
            del at[last]
        elif isinstance(at, list):
            at[at.index(_entry(at, last))] = value
        else:
            at[last] = value
    return document


def _entry(at: Any, name: str) -> Any:
    if isinstance(at, list):
        return next(entry for entry in at if name in (entry.get("id"), entry.get("code")))
    return at[name]


NOT_KNOWN = "is not a field that is known here; correct its name or remove it."
NO_CONDITION = (
    "is not a condition; a condition is one of all, any, not, indicator, different, fact, some_child, fired, defined."
)
A_REASON = "rules.reason_to_look_again.aggravators"

FAULTS_OF_SHAPE: list[tuple[str, object, str]] = [
    # where, what stands there, what is said of it
    ("title", GONE, "is missing."),
    ("colour", "red", NOT_KNOWN),
    ("ruleset", "Early Help", '"Early Help" has not the right form.'),
    ("version", 0, "must be 1 or more, not 0."),
    ("version", True, "must be a whole number, not true."),
    ("version", 2.0, "must be a whole number, not 2.0."),
    ("rules", [], "needs at least one of them."),
    ("rules", {}, "must be a list, not {}."),
    ("pathways", [], "needs at least one of them."),
    ("indicators", [], "needs at least one of them."),
    ("indicators.L4-01.gate", "soft", '"soft" is not one of hard_stop, strong or early_help.'),
    ("indicators.L4-01.level", 1, "1 is not one of 2, 3 or 4."),
    ("pathways.advice.team", "them", '"them" is not one of locality, child_protection, out_of_area or same_team.'),
    ("rules.level_3_agreed.then", GONE, "is missing."),
    ("rules.level_3_agreed.says", GONE, "is missing."),
    ("rules.level_3_agreed.wen", {}, NOT_KNOWN),
    ("rules.level_3_agreed.agreement", "given", 'must be a list, not "given".'),
    ("rules.level_3_agreed.then.hold", "police", '"police" is not one of agreement, manager or screening.'),
    (f"{A_REASON}.many_needs.alone", "yes", 'must be true or false, not "yes".'),
    (f"{A_REASON}.many_needs.when", GONE, "is missing."),
    ("rules.hard_stop.when", {"colour": "red"}, NO_CONDITION),
    ("rules.hard_stop.when", [{"fact": "marac", "is": True}], NO_CONDITION),
    ("warnings.do_not_inform_parents.title", GONE, "is missing."),
]

MARAC = {"fact": "marac", "is": True}
DEEP_INSIDE: list[tuple[str, object, str]] = [
    # where, what stands there, and where in it the fault lies
    ("rules.level_3_agreed.then.rag", "purple", ""),
    ("rules.level_3_agreed.then.rag", [], ""),
    ("rules.level_3_agreed.then.level", 5, ""),
    ("rules.level_3_agreed.then.level", True, ""),
    ("rules.level_3_agreed.then.level", [], ""),
    ("rules.hard_stop.when", {"any": []}, ".any"),
    ("rules.hard_stop.when", {"all": [MARAC], "any": []}, ".any"),
    ("rules.hard_stop.when", {"any": [MARAC, {"fct": "marac"}]}, ".any[1]"),
    ("rules.hard_stop.when", {"not": {"some_child": {"all": [{"fct": 1}]}}}, ".not.some_child.all[0]"),
    ("rules.hard_stop.when", {"indicator": {"codes": []}}, ".indicator.codes"),
    ("rules.hard_stop.when", {"indicator": {"level": 5}}, ".indicator.level"),
    ("rules.hard_stop.when", {"indicator": {"where": "street"}}, ".indicator.where"),
    ("rules.hard_stop.when", {"different": {"level": 2, "at_least": 0}}, ".different.at_least"),
    ("rules.hard_stop.when", {**MARAC, "unknown": "fire"}, ".unknown"),
    (f"{A_REASON}.many_needs.when", {"any": [MARAC, {}]}, ".any[1]"),
]
