"""The history of a household for the rules: its earlier contacts, and its open and closed work."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dateutil.relativedelta import relativedelta

from casework.families.household import Household, is_ours
from casework.models import Case, Contact, Outcome
from casework.statuses import CaseStatus
from localities.working_time import begin_of_day, local_day
from triage.facts import OpenWork
from triage.rule_set_document import Work


@dataclass(frozen=True)
class History:
    """The facts about a household's history. The counts include this contact; a report sent again counts once."""

    contacts_3_months: int
    contacts_12_months: int
    early_help_closed_without_progress_12_months: bool
    open_work: OpenWork | None
    closed_days_ago: int | None


FIRST_CONTACT = History(
    contacts_3_months=1,
    contacts_12_months=1,
    early_help_closed_without_progress_12_months=False,
    open_work=None,
    closed_days_ago=None,
)


def history_of(contact: Contact, people: Household) -> History:
    """
    The household's history: the contacts before this one, and the present work.

    A contact gets its id while it has locked the keys of its people (`families/matching.py`), and
    everybody on record in its household. So the id says which of two contacts about one household came first, whatever
    the clocks of their hosts say, and the later always counts the earlier.
    """
    if not people.people:
        return FIRST_CONTACT
    day = local_day(contact.received_at)
    # A report that was sent again is one contact: the first.
    earlier = people.contacts().filter(pk__lt=contact.pk, resend_of__isnull=True)
    if contact.resend_of_id is not None:
        earlier = earlier.exclude(pk=contact.resend_of_id)
    year_back, quarter_back = day - relativedelta(months=12), day - relativedelta(months=3)
    in_the_year = earlier.filter(received_at__gte=begin_of_day(year_back))
    days = [local_day(received) for received in in_the_year.values_list("received_at", flat=True)]
    # The case that this contact itself opened is not earlier work.
    own = contact.decision_in_effect_id
    cases = [case for case in people.cases() if is_ours(case) and (own is None or case.opened_by_decision_id != own)]
    opened = [case for case in cases if case.status == CaseStatus.OPEN]
    closed = [local_day(case.closed_at) for case in cases if case.closed_at is not None]
    return History(
        contacts_3_months=1 + sum(1 for earlier_day in days if earlier_day >= quarter_back),
        contacts_12_months=1 + len(days),
        early_help_closed_without_progress_12_months=any(
            case.closed_at is not None
            and case.work is Work.EARLY_HELP
            and case.outcome in (Outcome.NO_PROGRESS, Outcome.DECLINED)
            and local_day(case.closed_at) >= year_back
            for case in cases
        ),
        open_work=_open_work(opened),
        closed_days_ago=max(0, (day - max(closed)).days) if closed else None,
    )


def has_history(facts: Mapping[str, Any]) -> bool:
    """
    Whether the rules counted earlier contacts or work of the household: whoever decides says what that means.

    :param facts: those of a recommendation.
    """
    family = facts["family"]
    counted = (family.get(name) for name in ("open_work", "closed_days_ago"))
    return family.get("contacts_12_months", 1) > 1 or any(fact is not None for fact in counted)


def _open_work(opened: Iterable[Case]) -> OpenWork | None:
    """
    Social care if any case is social care, else early help if there is any case, also one of neither kind: somebody
    works with the family, and the rules know these two words.
    """
    work = {case.work for case in opened}
    if Work.SOCIAL_CARE in work:
        return OpenWork.SOCIAL_CARE
    return OpenWork.EARLY_HELP if work else None
