"""The words for facts, in sentences that a person reads on a contact's page."""

from collections.abc import Sequence

from triage.catalogue import Catalogue, IndicatorEntry
from triage.fact_fields import NO_CHILD
from triage.facts import Child, Facts

_FLAGS: dict[str, tuple[str, str]] = {
    "screened": (
        "somebody at the front door has chosen the indicators, or said that none applies",
        "nobody at the front door has chosen the indicators yet",
    ),
    "immediate_danger": ("a child is in immediate danger", "no child is in immediate danger"),
    "sibling_on_cp_plan": (
        "a brother or sister has a child protection plan",
        "no brother or sister has a child protection plan",
    ),
    "early_help_closed_without_progress_12_months": (
        "early help closed without progress in the last 12 months",
        "no early help closed without progress in the last 12 months",
    ),
    "marac": (
        "the domestic abuse has been referred to a MARAC",
        "the domestic abuse has not been referred to a MARAC",
    ),
    "in_area": ("the family lives in our area", "the family lives outside our area"),
    "date_of_birth_estimated": ("{child}'s date of birth is estimated", "{child}'s date of birth is known exactly"),
    "unborn": ("{child} is not born yet", "{child} is born"),
    "disabled": ("{child} is disabled", "{child} is not disabled"),
    "non_verbal": ("{child} is non-verbal", "{child} is not non-verbal"),
    "previous_cp_plan": ("{child} had a child protection plan before", "{child} never had a child protection plan"),
    "previously_looked_after": ("{child} was looked after before", "{child} was never looked after"),
}
_NUMBERS: dict[str, str] = {
    "referrer_level": "the referrer's level is {number}",
    "contacts_3_months": "the contacts in three months are {number}",
    "contacts_12_months": "the contacts in twelve months are {number}",
    "closed_days_ago": "the last piece of work closed {number} days ago",
    "age_years": "{child}'s age is {number}",
}
_WORDS: dict[str, str] = {"dash": "the DASH risk is {word}", "open_work": "{word} is open with the family"}
_AGREEMENT = {
    "given": "agreement is given",
    "not_sought": "agreement is not sought",
    "refused": "agreement is refused",
    "withdrawn": "agreement is withdrawn",
}


def child_name(number: int, child: Child) -> str:
    """How a child is called in a sentence: by its ref, which is never a name, or else by its place in the list."""
    return f"child {child.ref}" if child.ref else f"child {number + 1}"


def fact_sentence(name: str, value: object, child: str | None = None) -> str:
    """A fact with a value, in words: "agreement is withdrawn", "child c1 is disabled"."""
    if name == "agreement":
        return _AGREEMENT[str(value)]
    yes, no = _FLAGS[name]
    return (yes if value else no).format(child=child)


def number_is(name: str, number: int | str, child: str | None = None) -> str:
    """A number, or a range of them, in words: "the contacts in three months are 3", "… are 3 or more"."""
    return _NUMBERS[name].format(number=number, child=child)


def value_is(name: str, value: object, child: str | None = None) -> str:
    """Any known fact in words, whatever kind of fact it is."""
    if name in _WORDS:
        return _WORDS[name].format(word=str(value).replace("_", " "))
    return number_is(name, str(value), child) if name in _NUMBERS else fact_sentence(name, value, child)


def sentence(words: str) -> str:
    """Words as a sentence of their own."""
    return f"{words[0].upper()}{words[1:]}."


def indicator_taken_away(entry: IndicatorEntry, child: str | None) -> str:
    """In words: "L3-12 (Disruptive …) is taken away from child c1"."""
    return f"{entry.code} ({entry.says}) is taken away from {child or 'the family'}"


def missing_sentence(name: str, child: str | None) -> str:
    """A fact that nobody knows, as a sentence."""
    if name == "age_years":
        return f"Nobody has said how old {child} is. Until then {child} counts as under 1."
    yes, _ = _FLAGS[name]
    return f"Nobody has said whether {yes.format(child=child)}."


def reason_sentence(says: str, because: Sequence[str], catalogue: Catalogue, facts: Facts, number: int) -> str:
    """
    A rule's sentence, then the child whom it is about and the indicators that made it fire.

    The sentence says whose an indicator is if another child or the family has it, so that an indicator is shown with
    the child it belongs to.
    """
    shown = [_indicator(code, catalogue, facts, number) for code in because if code in catalogue.entries]
    if number == NO_CHILD:
        return f"{says} {'; '.join(shown)}." if shown else says
    name = child_name(number, facts.children[number])
    about = f"{name[0].upper()}{name[1:]}"
    return f"{says} {about}: {'; '.join(shown)}." if shown else f"{says} {about}."


def _indicator(code: str, catalogue: Catalogue, facts: Facts, number: int) -> str:
    wording = catalogue.entries[code].says
    if number == NO_CHILD or code in facts.children[number].indicators:
        return f"{wording} ({code})"
    holders = [child_name(other, child) for other, child in enumerate(facts.children) if code in child.indicators]
    if code in facts.family.indicators:
        holders.append("the family")
    return f"{wording} ({code}, {' and '.join(holders)})"
