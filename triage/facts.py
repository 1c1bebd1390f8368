"""
The facts of a contact: everything that the rules look at.

Source: the council's early-help-first policy. An absent field means null, except that agreement is then `not_sought`,
`in_area` true, a count of contacts 1, and a list empty. Null is "not known".
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, StrictBool, StrictInt, ValidationInfo

from errors import Fault, InvalidInput
from triage.documents import Document, IsoDate, Text, one_of, read


class Agreement(StrEnum):
    """The family's agreement to a voluntary service. Not the basis for sharing, nor whether parents were told."""

    GIVEN = "given"
    NOT_SOUGHT = "not_sought"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Dash(StrEnum):
    """The risk in a DASH assessment of domestic abuse."""

    STANDARD = "standard"
    MEDIUM = "medium"
    HIGH = "high"


class OpenWork(StrEnum):
    """The service's open work with the family."""

    EARLY_HELP = "early_help"
    SOCIAL_CARE = "social_care"


def _of_this_rule_set(code: str, info: ValidationInfo) -> str:
    name = (info.context or {}).get("ruleset", "this rule set")
    return one_of("indicators", f"an indicator of {name}")(code, info)


Indicator = Annotated[Text, AfterValidator(_of_this_rule_set)]
Flag = StrictBool | None
Count = Annotated[StrictInt, Field(ge=0)]


class Child(Document):
    """
    One child, also an unborn one. `age_years` is in whole years; null is unknown, and may be under 1.

    `date_of_birth_estimated`: the age follows from a date of birth that somebody has guessed. Null if no date is known.
    """

    ref: Text | None = None
    age_years: Annotated[StrictInt, Field(ge=0, le=25)] | None = None
    date_of_birth_estimated: Flag = None
    unborn: Flag = None
    disabled: Flag = None
    non_verbal: Flag = None
    previous_cp_plan: Flag = None
    previously_looked_after: Flag = None
    indicators: tuple[Indicator, ...] = ()


class Family(Document):
    """
    The household. `contacts_*` count this contact too, in calendar months back from the day of receipt;
    `closed_days_ago` is the days since the last piece of work closed, null if there was none.
    """

    indicators: tuple[Indicator, ...] = ()
    contacts_3_months: Count = 1
    contacts_12_months: Count = 1
    sibling_on_cp_plan: Flag = None
    early_help_closed_without_progress_12_months: Flag = None
    dash: Dash | None = None
    marac: Flag = None
    open_work: OpenWork | None = None
    closed_days_ago: Count | None = None
    in_area: Flag = True


class Facts(Document):
    """
    Everything that the rules may ask about one contact.

    `screened`: a named person at the front door has read the contact and said which indicators apply, or that none
    does. A referrer cannot say it.
    """

    received_on: IsoDate | None = None
    immediate_danger: Flag = None
    referrer_level: Annotated[StrictInt, Field(ge=1, le=4)] | None = None
    agreement: Agreement = Agreement.NOT_SOUGHT
    screened: Flag = None
    children: tuple[Child, ...] = ()
    family: Family = Family()


def read_facts(data: object, *, ruleset: str, indicators: Collection[str]) -> Facts:
    """
    Reads facts from the result of `json.loads`.

    :param ruleset: the rule set's name for the sentences of faults, such as `early-help-first/1`.
    :param indicators: the indicator codes that the rule set knows.
    :raises InvalidInput: with every fault.
    """
    shared = list(_shared_refs(data))
    try:
        facts = read(Facts, data, known={"ruleset": ruleset, "indicators": indicators})
    except InvalidInput as invalid:
        raise InvalidInput([*invalid.faults, *shared]) from None
    if shared:
        raise InvalidInput(shared)
    return facts


def _shared_refs(data: object) -> Iterator[Fault]:
    """Checks the data as they were sent, so that this fault is named together with the children's own."""
    children = data.get("children") if isinstance(data, Mapping) else None
    refs = [child.get("ref") for child in children if isinstance(child, Mapping)] if isinstance(children, list) else []
    counts = Counter(ref.strip() for ref in refs if isinstance(ref, str))
    if twice := sorted(ref for ref, count in counts.items() if count > 1):
        says = f"Two children share the ref {', '.join(twice)}; give each child a ref of its own."
        yield Fault(("children",), says)
