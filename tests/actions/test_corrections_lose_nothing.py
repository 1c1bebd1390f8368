"""Whatever is corrected, nothing is lost: what was sent, what was said, and the way back."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from casework.actions import corrections
from casework.facts.information import facts_today
from casework.facts.learned import Values, nested
from casework.models import Contact, FactChange, Information
from casework.record import integrity
from errors import InvalidInput
from localities.models import Agency
from tests.stage.documents import child
from tests.stage.integrity import broken
from tests.stage.story import Story, person

AS_PEOPLE_TYPE = ["", "not known", "Zoë\u00a0Ann", "31/2/2015", "3/4/2015", "HP2O 1UA"]
TYPED = st.one_of(st.none(), st.text(max_size=12), st.sampled_from(AS_PEOPLE_TYPE))
LINES = st.lists(st.text(max_size=8), max_size=2)
FLAG = st.sampled_from([None, True, False])
CODES = st.lists(st.sampled_from(["L3-12", "l2-01", "L4-01", "L9-99", "?"]), max_size=3)
CHILD = st.fixed_dictionaries({}, optional={
    "first_name": TYPED, "last_name": TYPED, "also_known_as": st.lists(st.text(max_size=8), max_size=3),
    "date_of_birth": TYPED, "date_of_birth_estimated": st.booleans(), "age_years": st.one_of(TYPED, st.integers(0, 99)),
    "expected_date_of_delivery": TYPED, "sex": TYPED, "ethnicity": TYPED, "disabled": FLAG, "non_verbal": FLAG,
    "nhs_number": TYPED, "upn": TYPED, "school": TYPED, "indicators": CODES,
    "address": st.fixed_dictionaries({}, optional={"postcode": TYPED, "lines": LINES}),
    "previous_cp_plan": FLAG, "previously_looked_after": FLAG,
})  # fmt: skip
SAID = st.fixed_dictionaries({}, optional={
    "immediate_danger": FLAG, "referrer_level": st.sampled_from([None, 1, 4]), "family_indicators": CODES,
    "domestic_abuse": st.fixed_dictionaries({}, optional={"dash": TYPED, "marac": FLAG}),
    "parents_told": st.fixed_dictionaries({}, optional={"answer": TYPED, "reason": TYPED}),
    "sharing_basis": TYPED, "sibling_on_cp_plan": FLAG,
    "referrer": st.fixed_dictionaries({}, optional={"phone": TYPED}),
    "one": CHILD, "two": CHILD,
})  # fmt: skip


@contextmanager
def rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def today(contact: Contact) -> dict[Any, Values]:
    """Every fact of the contact and of its children, by the child's ref (None: the contact itself)."""
    history = list(FactChange.objects.filter(information__contact=contact).order_by("pk"))
    fresh = Contact.objects.get(pk=contact.pk)
    children = {row.ref: facts_today(fresh, row, history) for row in fresh.children.select_related("person")}
    return {None: facts_today(fresh, fresh, history), **children}


def document_of(said: dict[str, Any]) -> dict[str, Any]:
    children = [{"ref": ref} | said[name] for name, ref in (("one", "c1"), ("two", "c2")) if name in said]
    said = {name: value for name, value in said.items() if name not in ("one", "two")}
    return {"source": "family", "why": "She called."} | said | ({"children": children} if children else {})


def the_way_back(before: dict[Any, Values], now: dict[Any, Values]) -> dict[str, Any]:
    """The document that says every fact that differs as it was."""

    def differs(of: Any) -> dict[str, Any]:
        places = sorted(before[of].keys() | now[of].keys())
        return nested({
            place: before[of].get(place) for place in places if before[of].get(place) != now[of].get(place)
        })  # fmt: skip

    back = {"source": "records", "why": "It was as it had been sent."} | differs(None)
    return back | {"children": [{"ref": ref} | differs(ref) for ref in before if ref is not None and differs(ref)]}


@pytest.mark.parametrize("steps", [1, 3])
def test_whatever_is_said(story: Story, steps: int) -> None:
    kim = {"ref": "c2", "first_name": "Kim", "date_of_birth": "2015-08-21", "nhs_number": None}
    contact = story.contact(children=[child(), child(**kim)])
    school = Agency.objects.get(code="example-primary-school")
    sent = [dict(contact.document), list(contact.family_indicators)]
    sent += [list(row.indicators) for row in contact.children.all()]

    @settings(
        max_examples=30, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.lists(SAID, min_size=steps, max_size=steps), st.booleans())
    def nothing_is_lost(saying: list[dict[str, Any]], by_agency: bool) -> None:
        with rolled_back():
            before, facts = today(contact), contact.recommendations.latest("pk").facts
            said = []
            for each in saying:
                document = document_of(each)
                if by_agency:
                    document.pop("sibling_on_cp_plan", None)
                    for entry in document.get("children", []):
                        entry.pop("previous_cp_plan", None)
                        entry.pop("previously_looked_after", None)
                try:
                    corrections.learn(
                        contact_id=contact.pk, document=document, by=school if by_agency else person("oliver"),
                        now=story.now,
                    )  # fmt: skip
                except InvalidInput as error:
                    refused.add(str(error))
                else:
                    said.append(document)
            fresh = Contact.objects.get(pk=contact.pk)
            assert [fresh.document, fresh.family_indicators, *(row.indicators for row in fresh.children.all())] == sent
            kept = list(Information.objects.order_by("pk").values_list("document", flat=True))
            assert kept == [without_nul(document) for document in said]
            back = the_way_back(before, today(contact))
            if len(back) > 3 or back["children"]:
                corrections.learn(contact_id=contact.pk, document=back, by=person("oliver"), now=story.now)
            assert today(contact) == before
            assert contact.recommendations.latest("pk").facts == facts
            assert broken() == {}

    refused: set[str] = set()
    nothing_is_lost()
    assert integrity.missing_refusals() == []
    assert refused <= {
        "Nothing differs from what is recorded. Change something, or go back.",
        "This says nothing. Say what is new or different, or tell us in words, in `why`.",
    }


def without_nul(part: Any) -> Any:
    """What PostgreSQL can store of it."""
    if isinstance(part, str):
        return "".join(each for each in part if each != "\x00" and not "\ud800" <= each <= "\udfff")
    if isinstance(part, dict):
        return {name: without_nul(value) for name, value in part.items()}
    return [without_nul(value) for value in part] if isinstance(part, list) else part
