"""Version 1 stays: it recommends what it did when contacts were stored by it, to the letter but for changed words."""

import hashlib
import json
from random import Random
from typing import Any

from tests.stage.rule_documents import VERSION_1
from triage.recommendation import recommend
from triage.ruleset import RuleSet, load_file

# Of the 400 recommendations below, as JSON: computed by the code of the time when version 1 was the newest.
AS_THEY_WERE = "db9792145ad5a70889471e5df4ad884a7a65310635384fa8267836ad6dfef1a0"
FLAGS = [None, False, False, False, False, True]
# Words that a later release has changed: as they are now, and as they were.
CHANGED_WORDS = {
    "has been referred to a MARAC": "is before a MARAC",
    "has not been referred to a MARAC": "is not before a MARAC",
}


def contacts(codes: list[str]) -> list[dict[str, Any]]:
    """Facts as they were stored: every field that version 1 knew, and none that came later."""
    random = Random(20_261_129)  # nothing is secret

    def indicators() -> list[str]:
        # Rather the last of the catalogue than the first: those are of level 4, and answer for everything.
        start = random.choice([0, 55, 55, 94, 94, 94])
        return random.sample(codes[start:], random.choice([0, 0, 1, 1, 2, 3, 4]))

    def child(number: int) -> dict[str, Any]:
        flags = ("unborn", "disabled", "non_verbal", "previous_cp_plan", "previously_looked_after")
        return {
            "ref": f"c{number}", "age_years": random.choice([None, 0, 1, 7, 16, 17]),
            **{name: random.choice(FLAGS) for name in flags}, "indicators": indicators(),
        }  # fmt: skip

    return [
        {
            "received_on": "2026-11-21", "immediate_danger": random.choice([None, *[False] * 15, True]),
            "referrer_level": random.choice([None, 1, 2, 3, 3, 3, 3, 4]),
            "agreement": random.choice(["given", "not_sought", "refused", "withdrawn"]),
            "children": [child(number) for number in range(1, random.choice([1, 2, 2, 3, 4]))],
            "family": {
                "indicators": indicators(), "contacts_3_months": random.choice([1, 1, 2, 3]),
                "contacts_12_months": random.choice([1, 2, 4, 5]), "sibling_on_cp_plan": random.choice(FLAGS),
                "early_help_closed_without_progress_12_months": random.choice(FLAGS),
                "dash": random.choice([None, None, None, "standard", "medium", "high"]),
                "marac": random.choice(FLAGS), "open_work": random.choice([*[None] * 8, "early_help", "social_care"]),
                "closed_days_ago": random.choice([*[None] * 8, 0, 28, 29]),
                "in_area": random.choice([*[True] * 8, None, False]),
            },
        }
        for _ in range(400)
    ]  # fmt: skip


def digest(rules: RuleSet) -> tuple[str, set[str]]:
    """What all of them come to in one line, and the pathways that were met."""
    found = [recommend(rules, rules.facts(facts)).as_json() for facts in contacts(list(rules.catalogue.entries))]
    text = json.dumps(found, sort_keys=True, ensure_ascii=False)
    for now, before in CHANGED_WORDS.items():
        assert now in text
        text = text.replace(now, before)
    return hashlib.sha256(text.encode()).hexdigest(), {each["pathway"] for each in found}


def test_version_1_recommends_what_it_did_when_it_was_the_newest() -> None:
    found, pathways = digest(load_file(VERSION_1))
    assert found == AS_THEY_WERE
    assert len(pathways) == 8, "each that a rule can recommend"
