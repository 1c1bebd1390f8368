"""In a table with columns that a trigger makes read-only, every other column is listed here as one that may change."""

import re
from collections.abc import Iterator

from django.apps import apps

# A new column of these tables belongs to a trigger, or here. Some of these columns may change only once: another
# trigger, or a constraint, says when.
MAY_CHANGE: dict[str, set[str]] = {
    "casework_contact": {
        # The current results of the rules, the routing and the work on it.
        "status", "team_id", "case_id", "rag", "recommendation_id", "acknowledged_at", "confirmed_in_writing_at",
        "feedback_given_at", "owner_id", "resend_of_id", "screened_at", "screened_by_id", "screened_family_indicators",
        # The current facts; the document holds what was sent, and `FactChange` each change.
        "agreement", "agreement_given_by", "agreement_on", "corrected_family_indicators", "dash",
        "has_unknown_indicators", "immediate_danger", "marac", "parents_told", "parents_told_reason", "referrer_email",
        "referrer_level", "sharing_basis", "sibling_on_cp_plan",
    },
    "casework_contactchild": {
        "person_id", "ref", "first_name", "last_name", "also_known_as", "date_of_birth", "date_of_birth_estimated",
        "age_years", "expected_date_of_delivery", "sex", "ethnicity", "disabled", "non_verbal", "nhs_number",
        "postcode", "address_is_confidential", "corrected_indicators", "screened_indicators", "in_family",
    },
    "casework_contactadult": {
        "person_id", "relationship", "same_address", "in_family", "postcode", "address_is_confidential",
    },
    "casework_personmatch": {"score", "reasons", "weights", "status", "settled_at", "settled_by_id"},
    "casework_partnercheck": {"status", "answer", "ended_at", "ended_by_id", "told_late_at"},
    "casework_senderrequest": {"ended_at", "answered_by_id", "answer"},
    "casework_contacthandover": {"taken_on_at", "taken_on_by_id", "lapsed_at"},
    "casework_handoff": {"status", "answered_at", "answered_by_id", "answer_reason"},
    "casework_responsibility": set(),
    "casework_clock": {
        "due_at", "warn_at", "escalate_at", "next_at", "paused_at", "stopped_at", "ended",
    },
    "casework_calendaredit": {"finished_at", "looked_at", "up_to"},
    "casework_restriction": {"owner_id", "lifted_at", "lifted_by_id", "lift_reason"},
    "casework_restrictedaccess": {"until", "ended_by_id", "reviewed_at", "reviewed_by_id", "review"},
    "casework_conflictofinterest": {"ended_at", "ended_by_id", "end_reason"},
    "casework_addressprotection": {"lifted_at", "lifted_by_id", "lifted_because"},
    "casework_shifthandover": {"read_at", "read_by_id"},
    "casework_absence": {"last_day", "covered_by_id", "withdrawn_at", "withdrawn_by_id"},
    "casework_passwordlink": {"used_at", "withdrawn_at"},
    # Deleted when their time is up.
    "casework_signinevent": {"address", "device"},
    "casework_persondetail": {"in_error_at", "in_error_by_id", "in_error_because"},
    "casework_closingrequest": {"answered_at", "answered_by_id", "stays_open_because"},
    "casework_factorreset": {"answered_at", "answered_by_id", "agreed"},
    "casework_file": {"check_after", "checks", "preview_after", "previews", "has_preview"},
    "triage_rulesetversion": {"live"},
}  # fmt: skip


def test_every_column_is_read_only_or_listed_as_one_that_may_change() -> None:
    columns, stays = {}, {}
    for model in apps.get_models():
        every = {str(field.column) for field in model._meta.concrete_fields if not field.primary_key}
        triggers = getattr(model._meta, "triggers", [])
        if compared := {column for trigger in triggers for column in _compared(str(trigger.func), every)}:
            columns[model._meta.db_table], stays[model._meta.db_table] = every, compared
    assert len(stays) > 10, "_compared() no longer reads the triggers: the way they compare OLD and NEW has changed"
    assert sorted(stays) == sorted(MAY_CHANGE), "MAY_CHANGE must list exactly the tables with read-only columns"
    for table in stays:
        may_change = columns[table] - stays[table]
        new = sorted(may_change - MAY_CHANGE[table])
        assert not new, f"{table}: add {new} to the table's trigger if they stay as written, else to MAY_CHANGE here"
        old = sorted(MAY_CHANGE[table] - may_change)
        assert not old, f"{table}: remove {old} from MAY_CHANGE: a trigger makes them read-only, or they are gone"


def _compared(function: str, every: set[str]) -> Iterator[str]:
    """The columns that the function of a trigger compares as they were and as they would be."""
    for comparison in re.finditer(r"\sIS\s+(?:NOT\s+)?DISTINCT\s+FROM\s", function):
        after = _last_operand(function[: comparison.start()].rstrip())
        if excepted := re.search(r"to_jsonb\(NEW\)\s*-\s*ARRAY\[(.*?)\]", after, re.DOTALL):
            yield from every - set(re.findall(r"'(\w+)'", excepted[1]))
        yield from every & set(re.findall(r"NEW\.(\w+)", after))
    for whole in re.finditer(r"to_jsonb\(NEW\) - '\{(.*?)\}'::text\[\]\s+<> to_jsonb\(OLD\)", function):
        yield from every - set(whole[1].split(","))


def _last_operand(expression: str) -> str:
    """A column, or what stands in brackets, at the end of an expression."""
    if not expression.endswith(")"):
        return expression.split()[-1].lstrip("(")
    depth = 0
    for place in range(len(expression) - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(expression[place], 0)
        if depth == 0:
            return expression[place:]
    raise AssertionError(f"brackets that do not match: {expression}")
