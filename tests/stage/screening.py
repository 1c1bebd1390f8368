"""A rule set that holds a contact until somebody has screened it, for a service whose live rules do not."""

from typing import Any

from tests.stage.rule_documents import Json, having

NOT_SCREENED: dict[str, Any] = {
    "id": "not_screened",
    "title": "Not screened yet",
    "says": "Nobody at the front door has said which indicators apply.",
    "otherwise": True,
    "then": {"pathway": "advice", "rag": "green", "level": 1, "hold": "screening"},
}


def holding(document: Json) -> Json:
    """Needs are met only where somebody has screened the contact; what nobody has screened is held."""
    *before, needs_met = document["rules"]
    screened = {name: value for name, value in needs_met.items() if name != "otherwise"}
    screened["when"] = {"fact": "screened", "is": True}
    facts = {"screened": True, "agreement": "given", "children": [{"ref": "c1", "age_years": 7}]}
    return having(document | {"rules": [*before, screened, NOT_SCREENED]}, "scenarios", "needs_met", facts=facts)
