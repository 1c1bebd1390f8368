"""
What the first documents meant by their pathways.

They say only where a pathway leads. What kind of work it is, whether the family is free to refuse it and which clocks
run on it, the service knew by the pathway's name. Such a document may be published and never changes, so the meaning
that it had is added while it is read. A document that says `work` of one pathway, or has `clocks`, speaks for itself.
"""

from typing import Any

Json = dict[str, Any]

PATHWAYS: dict[str, Json] = {
    "strategy_discussion": {"work": "social_care", "gravest": True},
    "social_work_assessment": {"work": "social_care"},
    "social_worker_review": {"work": "social_care"},
    "family_help": {"work": "early_help", "voluntary": True},
    "early_help": {"work": "early_help", "voluntary": True},
    "other_authority": {"work": "other_authority"},
}
ANY_OTHER_THAT_LEADS_TO_A_TEAM: Json = {"work": "neither"}
CLOCKS: dict[str, dict[str, list[str]]] = {
    "family_help_assessment": {"only_on": ["family_help"]},
    "family_help_plan": {"only_on": ["family_help"]},
    "social_work_assessment": {"only_on": ["social_work_assessment", "strategy_discussion"]},
    "strategy_discussion": {"only_on": ["strategy_discussion"]},
    "lead_practitioner_named": {"not_on": ["other_authority"]},
    "first_family_contact": {"not_on": ["other_authority"]},
}


def with_its_meaning(data: object) -> object:
    """The document, with what it meant and did not say. Whatever is no such document stays as it is."""
    pathways = data.get("pathways") if isinstance(data, dict) else None
    if not isinstance(data, dict) or "clocks" in data or not isinstance(pathways, list):
        return data
    if any("work" in entry for entry in pathways if isinstance(entry, dict)):
        return data
    names = [entry.get("id") for entry in pathways if isinstance(entry, dict)]
    return {**data, "pathways": [_pathway(entry) for entry in pathways], "clocks": list(_clocks(names))}


def _pathway(entry: object) -> object:
    if not isinstance(entry, dict):
        return entry
    name = entry.get("id")
    known = PATHWAYS.get(name) if isinstance(name, str) else None
    return (known or (ANY_OTHER_THAT_LEADS_TO_A_TEAM if entry.get("team") is not None else {})) | entry


def _clocks(names: list[object]) -> list[Json]:
    """Without the pathways that the document does not have. A clock that was only theirs runs on none."""
    found: list[Json] = []
    for name, limit in CLOCKS.items():
        ((kind, pathways),) = limit.items()
        here = [pathway for pathway in pathways if pathway in names]
        if here or kind == "only_on":
            found.append({"id": name, kind: here})
    return found
