"""Which decisions need a second person, and why. The rule set's document says so."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from triage.rule_set_document import TwoPersonDecision
from triage.ruleset import RuleSet


@dataclass(frozen=True)
class Proposal:
    """What a person wants to decide."""

    pathway: str
    level: int
    rag: str


def two_person_reasons(
    rules: RuleSet, facts: Mapping[str, Any], recommended: Mapping[str, Any], proposal: Proposal
) -> list[str]:
    """
    The sentences that say why a second person is needed; none if one person may decide.

    :param facts: the facts as stored.
    :param recommended: the recommendation as stored.
    """
    return [
        decision.says
        for decision in rules.document.two_person_decisions
        if _applies(decision, rules, facts, recommended, proposal)
    ]


def _applies(
    decision: TwoPersonDecision,
    rules: RuleSet,
    facts: Mapping[str, Any],
    recommended: Mapping[str, Any],
    proposal: Proposal,
) -> bool:
    decided, level = decision.decided, max(recommended["level"], proposal.level)
    contacts = facts.get("family", {}).get("contacts_3_months", 1)
    pathway = rules.pathways[proposal.pathway]
    return (
        recommended["rag"] in decision.recommended.rag
        and (
            decision.recommended.rule is None
            or any(reason["rule"] == decision.recommended.rule for reason in recommended["reasons"])
        )
        and (decided.voluntary is None or pathway.voluntary is decided.voluntary)
        and (decided.ends_here is None or (pathway.team is None) is decided.ends_here)
        and (not decided.pathway or proposal.pathway in decided.pathway)
        and proposal.pathway not in decided.not_pathway
        and proposal.rag in decided.rag
        and facts.get("agreement", "not_sought") in decision.agreement
        and (decision.level_at_least is None or level >= decision.level_at_least)
        and (decision.contacts_3_months_at_least is None or contacts >= decision.contacts_3_months_at_least)
        and not (decision.no_indicator and _has_indicator(facts))
    )


def _has_indicator(facts: Mapping[str, Any]) -> bool:
    return any(holder.get("indicators") for holder in (facts.get("family", {}), *facts.get("children", ())))
