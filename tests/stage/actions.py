"""Every action there is."""

import inspect
import pkgutil
from collections.abc import Callable, Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

from casework import actions

# Functions without an underscore that are no actions of their own: other actions call them. With their module, where an
# action elsewhere has the same name.
PARTS = {
    "add_children", "audit_entry", "check_answers", "check_can_decide", "contact_owners.give", "end",
    "front_door_staff", "hard_stops", "is_graver", "lapse", "lock_people", "not_proved",
    "open_offer", "ordinal",
    "other_team", "own_team", "pass_on", "pass_to_emergency_duty", "people_of", "people_of_record", "preview",
    "recommend_again", "recommend_in_work", "recommendation_for", "recommended_so_far", "red_alerts",
    "seeing_about", "partner_checks.told", "sender_requests.overtake", "unanswered",
    "is_guarded", "is_of_case", "lacks_contact",
    "wait_for_a_team", "who_can_see_to", "withdraw_unanswered", "would_bounce",
    "faults_of_words", "missing", "sheet", "shifts",
    "can_be_on_duty", "later_by_days", "of_week", "readable", "to_suggest", "version_of", "who_can_cover",
}  # fmt: skip


def modules_of(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        yield import_module(found.name)


def public_actions() -> Iterator[tuple[str, Callable[..., Any]]]:
    for module in modules_of(actions):
        for verb, function in inspect.getmembers(module, inspect.isfunction):
            name = f"{module.__name__.rpartition('.')[2]}.{verb}"
            is_public = function.__module__ == module.__name__ and not verb.startswith("_")
            if is_public and PARTS.isdisjoint({verb, name}):
                yield name, function
