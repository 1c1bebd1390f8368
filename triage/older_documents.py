"""
Completes the first documents, which say less about their pathways.

They say only which team a pathway leads to. The service knew by the pathway's name what kind of work it is, whether the
family may refuse it and which clocks run on it. Such a document may be published and never changes, so these fields are
added when it is read. A document that has `work` on a pathway, or `clocks`, is complete.
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
    """The document with the missing fields. Any other document stays as it is."""
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
    """The clocks, limited to the document's own pathways. A clock whose pathways are all missing runs on none."""
    found: list[Json] = []
    for name, limit in CLOCKS.items():
        ((kind, pathways),) = limit.items()
        here = [pathway for pathway in pathways if pathway in names]
        if here or kind == "only_on":
            found.append({"id": name, kind: here})
    return found
