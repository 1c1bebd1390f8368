"""Collects the facts for the rules from a contact and its household's history."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from casework.facts.contact_document import age_on
from casework.facts.history import History
from casework.families import sameness
from casework.models import Contact, ContactChild, Person
from localities.placing import Places
from localities.working_time import local_day
from triage.facts import Agreement
from triage.ruleset import Hold


def collect_facts(
    contact: Contact,
    children: Sequence[ContactChild],
    own: Mapping[int, Sequence[Person]],
    may_be: Mapping[int, Sequence[Person]],
    history: History,
    places: Places,
) -> dict[str, Any]:
    """
    The facts in the form that `RuleSet.facts` reads and that is stored with the recommendation.

    :param own: all our records of each child, by the child's position.
    :param may_be: all our records of those whom the child may be, where the likeness makes the rules careful.
    """
    day = local_day(contact.received_at)
    return {
        "received_on": day.isoformat(),
        "immediate_danger": contact.immediate_danger,
        "referrer_level": contact.referrer_level,
        "agreement": agreement_for_rules(contact.agreement),
        # Until somebody has screened the contact, the fact is unknown, not false.
        "screened": True if contact.screened_at else None,
        "children": [_child(child, own[child.position], may_be.get(child.position, ()), day) for child in children],
        "family": {
            "indicators": contact.all_family_indicators,
            "contacts_3_months": history.contacts_3_months,
            "contacts_12_months": history.contacts_12_months,
            "sibling_on_cp_plan": contact.sibling_on_cp_plan,
            "early_help_closed_without_progress_12_months": history.early_help_closed_without_progress_12_months,
            "dash": contact.dash or None,
            "marac": contact.marac,
            "open_work": history.open_work.value if history.open_work else None,
            "closed_days_ago": history.closed_days_ago,
            "in_area": in_area(children, places, day),
        },
    }


def agreement_for_rules(said: str) -> Agreement:
    """What nobody knows, or has said, is not sought: the rules neither count on a yes, nor take it for a refusal."""
    return Agreement(said) if said in set(Agreement) else Agreement.NOT_SOUGHT


def hold_of(by_the_rules: str | None, facts: Mapping[str, Any], *, has_unknown_indicators: bool) -> str:
    """Indicators that the rules do not know hold a contact until somebody has screened it, whatever the rules say."""
    if has_unknown_indicators and not facts.get("screened"):
        return Hold.SCREENING
    return by_the_rules or ""


def in_area(children: Iterable[ContactChild], places: Places, day: date) -> bool | None:
    """
    Whether the family lives in the area: yes if any child does, no if every child's address is another authority's.

    A confidential address (a refuge, for example) must not affect the routing, so it counts as not known. So does an
    address without a postcode, and a postcode that may be ours although it is not in our list.
    """
    postcodes = {"" if child.address_is_confidential else child.postcode for child in children}
    known = {places.place(postcode, day).in_area if postcode else None for postcode in postcodes}
    return True if True in known else None if None in known else False


def _child(child: ContactChild, own: Sequence[Person], may_be: Sequence[Person], day: date) -> dict[str, Any]:
    """The facts of a child. A yes in the records of a possible match counts until somebody rejects the match."""
    born = child.date_of_birth
    return {
        "ref": child.ref,
        # Without a date of birth, the age that somebody gave. Without either, the age is not known.
        "age_years": age_on(day, born) if born else child.age_years,
        "date_of_birth_estimated": child.date_of_birth_estimated if born else None,
        "unborn": child.expected_date_of_delivery is not None and born is None,
        "disabled": child.disabled,
        "non_verbal": child.non_verbal,
        **{
            field: sameness.said(may_be, field) or sameness.said(own, field)
            for field in ("previous_cp_plan", "previously_looked_after")
        },
        "indicators": child.all_indicators,
    }
