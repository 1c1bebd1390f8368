"""Random facts of contacts, as Hypothesis draws them: every rule is met, and every limit."""

from collections.abc import Callable
from typing import Any

from tests.stage.choices import Choices, built
from tests.stage.oracle import AGREEMENTS, CATALOGUE

Facts = dict[str, Any]


def these(**wanted: str) -> list[str]:
    """The catalogue's codes whose columns hold the wanted values."""
    return [code for code, row in CATALOGUE.items() if wanted.items() <= row.items()]


HARD_STOPS = these(gate="hard_stop")
STRONG = these(gate="strong")
LEVEL_3 = these(level="3")
LEVEL_2 = these(level="2")
PARENTAL_RISK = ["L3-20", "L3-21", "L3-30", "L3-32"]
NAMED_ON_THE_PAGE = ["L4-28", "L4-50", *PARENTAL_RISK]
ALSO_REFERRED = [code for code, row in CATALOGUE.items() if row["also_refer_to"]]

# Each contact has one mood: what its indicators are drawn from. Without moods nearly every contact of any size would
# hold a hard stop, and the rules further down would never set the pathway.
MOODS = [
    [LEVEL_2],
    [LEVEL_2],
    [these(level="2", domain="parenting"), these(level="2", domain="parenting"), LEVEL_2],
    [LEVEL_3],
    [LEVEL_3, LEVEL_2],
    [LEVEL_3, LEVEL_2, PARENTAL_RISK],
    [LEVEL_3, LEVEL_2, PARENTAL_RISK],
    [LEVEL_3, LEVEL_2, STRONG],
    [LEVEL_3, LEVEL_2, STRONG, ALSO_REFERRED, NAMED_ON_THE_PAGE],
    [LEVEL_3, LEVEL_2, STRONG, HARD_STOPS],
]
# How often a true/false fact is something else than a plain no. A contact with many yeses is settled by the first
# rules, so most contacts are quiet.
ABSENT = "absent"
TRUE_OR_FALSE: list[list[Any]] = [
    [False],
    [False] * 37 + [True, None, ABSENT],
    [False] * 17 + [True, None, ABSENT],
    [False] * 7 + [True, None, ABSENT],
    [False] * 17 + [True] + [ABSENT] * 18,
    [True, False, None, ABSENT],
]


def said(facts: Facts) -> Facts:
    return {name: value for name, value in facts.items() if value != ABSENT}


def a_contact(choices: Choices) -> Facts:
    """Every field sometimes absent, null where the page allows null, numbers on and beside their limits."""
    mood = choices.of(MOODS)
    true_or_false = choices.of(TRUE_OR_FALSE)

    one_of: Callable[..., Any] = choices.one_of

    def yes_or_no() -> Any:
        return choices.of(true_or_false)

    def indicators() -> Any:
        size = one_of(ABSENT, 0, 1, 1, 2, 2, 3, 5)
        return size if size == ABSENT else list(dict.fromkeys(choices.of(choices.of(mood)) for _ in range(size)))

    def child(ref: str) -> Facts:
        return said(
            {
                "ref": one_of(ref, ref, ref, None, ABSENT),
                "age_years": one_of(0, 1, 1, 2, 7, 8, 9, 10, 15, 16, 17, 18, None, ABSENT),
                "unborn": yes_or_no(),
                "disabled": yes_or_no(),
                "non_verbal": yes_or_no(),
                "previous_cp_plan": yes_or_no(),
                "previously_looked_after": yes_or_no(),
                "indicators": indicators(),
            }
        )

    def family() -> Facts:
        return said(
            {
                "indicators": indicators(),
                "contacts_3_months": one_of(1, 1, 1, 1, 2, 2, 2, 3, 4, ABSENT),
                "contacts_12_months": one_of(1, 1, 2, 3, 4, 4, 4, 5, 6, ABSENT),
                "sibling_on_cp_plan": yes_or_no(),
                "early_help_closed_without_progress_12_months": yes_or_no(),
                "dash": one_of("standard", "medium", None, None, ABSENT, ABSENT, "high"),
                "marac": yes_or_no(),
                "open_work": one_of(*[None, None, ABSENT] * 5, "early_help", "social_care"),
                "closed_days_ago": one_of(*[29, 29, None, None, ABSENT] * 4, 30, 300, 0, 14, 28),
                "in_area": one_of(*[True, ABSENT] * 5, None, False),
            }
        )

    return said(
        {
            "received_on": one_of("2026-11-21", None, ABSENT),
            "immediate_danger": yes_or_no(),
            "referrer_level": one_of(1, 2, 3, 3, 3, 3, 3, None, None, ABSENT, ABSENT, 4),
            "agreement": one_of("given", "given", *AGREEMENTS, ABSENT),
            "screened": one_of(True, False, None, ABSENT),
            "children": [child(f"c{number}") for number in range(1, 1 + one_of(0, 1, 1, 1, 1, 2, 2, 3, 4))],
            "family": family(),
        }
        | one_of({}, {}, {}, {}, {}, {"children": ABSENT}, {"family": ABSENT})
    )


CONTACTS = built(a_contact, most=128)
