"""What each deadline asks for, in words: on pages, in e-mails and in lists. No name of a child or family is in them."""

TITLES = {
    "acknowledge_referrer": "acknowledgement to the referrer",
    "next_step_decision": "next step decision",
    "final_decision_red": "final decision on a red contact",
    "final_decision_amber": "final decision on an amber contact",
    "final_decision_green": "final decision on a green contact",
    "final_decision_blue": "final decision on a blue contact",
    "written_confirmation": "written confirmation of a telephone contact",
    "agreement_sought": "the family's answer about agreement",
    "contact_taken_on": "contact taken on by the next team",
    "feedback_to_referrer": "outcome told to the referrer",
    "sender_asked": "answer to the referrer",
    "disagreement_worker": "answer to a disagreement, by whoever decided",
    "disagreement_manager": "answer to a disagreement, by a manager",
    "disagreement_service": "answer to a disagreement, by the service",
    "disagreement_partnership": "answer to a disagreement, by the partnership",
    "partner_check_red": "partner's answer about a red contact",
    "partner_check": "partner's answer",
    "handoff_acceptance_red": "acceptance of a red handoff",
    "handoff_acceptance_step_up": "acceptance of a step up",
    "handoff_acceptance": "handoff acceptance",
    "next_team_offered_red": "offer of a red case to the next team",
    "next_team_offered": "offer to the next team",
    "returned_case_settled_red": "next step for a red case that was returned",
    "returned_case_settled": "next step for a case that was returned",
    "closing_asked": "answer to a request to close the case",
    "lead_practitioner_named": "lead practitioner named",
    "first_family_contact": "first contact with the family",
    "family_help_assessment": "family help assessment",
    "family_help_plan": "family help plan",
    "plan_review": "first review of the plan",
    "later_plan_review": "next review of the plan",
    "social_work_assessment": "social work assessment",
    "strategy_discussion": "strategy discussion",
    "initial_conference": "initial child protection conference",
    "core_group": "first core group meeting",
    "first_review_conference": "first child protection review conference",
    "later_review_conference": "next child protection review conference",
}


def title_of(kind: str) -> str:
    """What a kind of clock asks for. A council's own kind is said by its name."""
    return TITLES.get(kind) or kind.replace("_", " ")
