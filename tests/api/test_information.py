"""A partner adds information to a contact that it sent."""

import json
from datetime import date
from typing import Any

import pytest

from casework.actions import corrections
from casework.api import examples
from casework.facts.information import facts_today
from casework.facts.learned import (
    AdultInformation,
    ChildInformation,
    InformationDocument,
    Row,
    nested,
    places_of,
    read_information,
)
from casework.models import Contact, FactChange, Information
from localities.models import Agency
from tests.stage.documents import child
from tests.stage.story import Story, person
from tests.stage.web_client import CONTACTS, Partner, a_working_morning, kept, pointers, problem, todays_document
from triage.ruleset import shipped


@pytest.fixture
def contact(db: None) -> Contact:
    return Story(a_working_morning()).contact()


def add(partner: Partner, contact: Contact, said: Any, *, key: str | None = None) -> Any:
    headers = partner.headers | ({"Idempotency-Key": key} if key else {})
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    where = f"{CONTACTS}/{contact.reference}/information"
    return partner.http.post(where, body, content_type="application/json", headers=headers)


def test_it_is_taken_in(partner: Partner, contact: Contact) -> None:
    said = {"why": "He is back.", "immediate_danger": True, "children": [{"ref": "c1", "date_of_birth": "5/4/2015"}]}
    answer = add(partner, contact, said)
    assert answer.status_code == 201, answer.content
    assert answer.json().keys() == {"reference", "url", "received_at", "warnings", "warnings_left_out"}
    assert answer.json()["warnings"] == []
    assert answer.headers["Location"] == answer.json()["url"]
    contact.refresh_from_db()
    assert contact.immediate_danger is True
    assert str(contact.children.get().date_of_birth) == "2015-04-05"
    assert Information.objects.get().document == said


def test_the_example_is_read(partner: Partner, contact: Contact) -> None:
    reading = read_information(
        examples.INFORMATION, by_staff=False, indicators=shipped().catalogue.entries, today=date(2026, 11, 21)
    )
    assert reading.to_check == ()
    assert add(partner, contact, examples.INFORMATION).status_code == 201
    assert contact.children.count() == 2


def test_what_cannot_be_read_is_named_beside_201(partner: Partner, contact: Contact) -> None:
    answer = add(partner, contact, {"children": [{"ref": "c1", "nhs_number": "12", "sex": "Male", "upn": None}]})
    assert answer.status_code == 201
    (warning,) = answer.json()["warnings"]
    assert warning["pointer"] == "#/children/0/nhs_number"
    assert "could not be read: it is not an NHS number" in warning["detail"]
    assert FactChange.objects.get(field="nhs_number").kind == "not_read"


def test_the_contact_names_what_its_sender_has_not_put_right(partner: Partner) -> None:
    """At its place in the contact, and by the sender's own words: what others settle stays between them and us."""
    first = child(nhs_number="12", sex="X", indicators=["L9-99"], upn="none")
    contact = partner.sent(children=[first], referrer={"email": "dsl at school"}, domestic_abuse={"dash": "severe"})

    def warnings() -> dict[str, str]:
        return {warning["pointer"]: warning["detail"] for warning in partner.read(contact.reference).json()["warnings"]}

    sent = {"#/children/0/nhs_number", "#/children/0/sex", "#/children/0/indicators/0", "#/referrer/email"}
    assert warnings().keys() == sent | {"#/domestic_abuse/dash"}
    by_staff: dict[str, Any] = {
        "source": "partner", "why": "The hospital.", "children": [{"ref": "c1", "sex": "F"}, {"first_name": "Kim"}]
    }  # fmt: skip
    corrections.learn(contact_id=contact.pk, document=by_staff, by=person("oliver"), now=contact.received_at)
    assert warnings().keys() == sent | {"#/domestic_abuse/dash"}
    add(partner, contact, {
        "why": "a\u0000b", "referrer": {"email": "dsl@school.example"}, "domestic_abuse": {"dash": "not known"},
        "children": [{"first_name": "Jo", "upn": "A8"}, {"ref": "c1", "nhs_number": "13 ", "indicators": ["L3-12"]}],
    })  # fmt: skip
    still = {"#/children/0/nhs_number", "#/children/0/sex", "#/children/1/upn", "#/domestic_abuse/dash"}
    assert warnings().keys() == still
    # What an earlier version of the service took in, and this one cannot read, settles nothing.
    Information.objects.create(
        contact=contact, at=contact.received_at, by_agency=contact.agency, document={"sex": "F"}, source="referrer"
    )
    added = {"children": [{"number": 1, "sex": "F", "nhs_number": "9990000018"}, {"number": 2, "upn": "H801200001001"}]}
    add(partner, contact, added)
    assert warnings().keys() == {"#/domestic_abuse/dash"}


# Every field that people type, or choose in words; an indicator is added, and a ref or a number names somebody.
OF_CONTACT = [place for place in places_of(InformationDocument) if not place.endswith("indicators")]
OF_CHILD, OF_ADULT = (places_of(shape) for shape in (ChildInformation, AdultInformation))
YES_OR_NO_OR_A_NUMBER = {
    "immediate_danger", "referrer.keep_anonymous", "referrer_level", "domestic_abuse.marac", "date_of_birth_estimated",
    "interpreter_needed", "disabled", "non_verbal", "address.confidential", "same_address", "risk_to_staff",
}  # fmt: skip
LISTS = {"also_known_as", "address.lines", "indicators"}


@pytest.mark.parametrize("nothing", [None, "", " \t", "not known", "N/A"])
def test_what_says_nothing_takes_nothing_away(partner: Partner, contact: Contact, nothing: str | None) -> None:
    """One rule for every field: it is not refused, changes nothing, and is named, unless it is null, as if left out."""
    told = {
        "source": "partner", "why": "The hospital.", "domestic_abuse": {"dash": "high"}, "sharing_basis": "vital",
        "children": [{"ref": "c1", "also_known_as": ["Rob"], "upn": "A123456789012", "school": "Hill School"}],
    }  # fmt: skip
    corrections.learn(contact_id=contact.pk, document=told, by=person("oliver"), now=Story(a_working_morning()).later())
    before, changes = facts(contact), FactChange.objects.count()

    def said(places: list[str]) -> dict[str, Any]:
        fields = {place: nothing for place in places if nothing is None or place not in YES_OR_NO_OR_A_NUMBER | LISTS}
        empty: dict[str, Any] = {place: [] for place in places if place in LISTS}
        return nested(fields | empty)

    answer = add(partner, contact, said(OF_CONTACT) | {
        "source": nothing, "said_by": nothing, "why": nothing,
        "children": [{"ref": "c1"} | said(OF_CHILD), {"ref": nothing, "sex": "", **said(["first_name"])}],
        "adults": [{"number": 1} | said(OF_ADULT)],
    })  # fmt: skip
    assert answer.status_code == 201, answer.content
    assert (facts(contact), FactChange.objects.count()) == (before, changes)
    named = {warning["pointer"] for warning in answer.json()["warnings"]}
    assert all("says nothing" in warning["detail"] for warning in answer.json()["warnings"])
    lists = {f"#/children/0/{place}" for place in ("also_known_as", "address/lines", "indicators")}
    lists |= {"#/adults/0/address/lines"}
    if nothing is None:
        assert named == lists | {"#/children/1/sex"}
    else:
        places = [("", OF_CONTACT), ("children/0/", OF_CHILD), ("adults/0/", OF_ADULT)]
        assert named == lists | {"#/source", "#/said_by", "#/why", "#/children/1/first_name", "#/children/1/sex"} | {
            f"#/{part}{place.replace('.', '/')}"
            for part, fields in places
            for place in fields
            if place not in YES_OR_NO_OR_A_NUMBER | LISTS
        }


@pytest.mark.parametrize("filled_in", ["not_sought", "not_known", "unknown", ""])
def test_what_means_not_known_is_no_answer_and_is_not_said_to_be_unreadable(
    partner: Partner, contact: Contact, filled_in: str
) -> None:
    before = facts(contact)
    answer = add(partner, contact, {
        "agreement": {"service": filled_in}, "parents_told": {"answer": "not_known"},
        "children": [{"ref": "c1", "sex": "U"}, {"date_of_birth_estimated": False}], "adults": [{"number": 1}],
    })  # fmt: skip
    says = "says nothing new. What was known stays; to take it back, write it in `why`."
    assert [(warning["pointer"], warning["detail"].split(": ", 1)[1]) for warning in answer.json()["warnings"]] == [
        ("#/agreement/service", says), ("#/parents_told/answer", says), ("#/children/0/sex", says),
        ("#/children/1/date_of_birth_estimated", says),
    ]  # fmt: skip
    assert facts(contact) == before


def test_empty_words_are_named_without_the_advice_to_write_words(partner: Partner, contact: Contact) -> None:
    answer = add(partner, contact, {"why": ".", "said_by": ""})
    assert [warning["detail"] for warning in answer.json()["warnings"]] == [
        "said_by: says nothing.", "why: says nothing.",
    ]  # fmt: skip


def facts(contact: Contact) -> list[Any]:
    """Everything that is known of a contact today."""
    contact = Contact.objects.get(pk=contact.pk)
    history = list(FactChange.objects.filter(information__contact=contact).order_by("pk"))
    rows: list[Row] = [contact, *contact.children.order_by("pk"), *contact.adults.order_by("pk")]
    return [facts_today(contact, row, history) for row in rows]


def test_the_answer_never_tells_what_others_said(partner: Partner, contact: Contact) -> None:
    """The same words get the same answer, whatever we know from others."""
    said = {"children": [{"ref": "c1", "age_years": 3, "expected_date_of_delivery": "1/2/2027"}]}
    told = {"source": "partner", "why": "The hospital.", "children": [{"ref": "c1", "date_of_birth": "2015-04-05"}]}
    before = add(partner, contact, said).json()["warnings"]
    corrections.learn(
        contact_id=contact.pk, document=told, by=person("oliver"), now=Information.objects.get().at
    )  # fmt: skip
    assert add(partner, contact, said).json()["warnings"] == before


def test_every_fault_is_named_and_nothing_is_stored(partner: Partner, contact: Contact) -> None:
    before = kept()
    answer = add(partner, contact, {
        "colour": "blue", "immediate_danger": "yes", "source": "rumour", "sibling_on_cp_plan": True,
        "children": [{"ref": "c1", "in_family": False, "sex": 1}], "adults": [{"number": "one"}],
    })  # fmt: skip
    document = problem(answer, 400, "invalid")
    assert document["detail"] == "Nothing was taken in. Correct the errors and send it again."
    assert set(pointers(document)) == {
        "#/colour", "#/immediate_danger", "#/source", "#/sibling_on_cp_plan", "#/children/0/in_family",
        "#/children/0/sex", "#/adults/0/number",
    }  # fmt: skip
    mixed = {
        "source": "rumour", "colour": "blue", "family_indicators": [7],
        "children": [
            {"number": 77}, {"ref": "zed", "sex": 1}, {"colour": "blue"}, {"ref": "c1", "sex": "F"}, {"ref": "c1"},
        ],
        "adults": [{"number": 55}, "Robin", {"phone": 1}],
    }  # fmt: skip
    assert set(pointers(problem(add(partner, contact, mixed), 400, "invalid"))) == {
        "#/source", "#/colour", "#/family_indicators/0", "#/children/0/number", "#/children/1/ref", "#/children/1/sex",
        "#/children/2/colour", "#/children/4/ref", "#/adults/0/number", "#/adults/1", "#/adults/2/phone",
    }  # fmt: skip
    strangers = {"children": [{"ref": "c9", "sex": "F"}, {}], "adults": [{"number": 40}]}
    document = problem(add(partner, contact, strangers), 400, "invalid")
    assert set(pointers(document)) == {"#/children/0/ref", "#/children/1", "#/adults/0/number"}
    person_of_nulls = {"children": [nested(dict.fromkeys(OF_CHILD)) | {"ref": None}]}
    assert set(pointers(problem(add(partner, contact, person_of_nulls), 400, "invalid"))) == {"#/children/0"}
    only_nulls = nested(dict.fromkeys(OF_CONTACT)) | {"why": None, "source": "family", "children": None}
    nobody = {"children": [{"ref": "c1"}], "adults": [{"number": 1, "phone": None}]}
    empty: list[Any] = [{}, {"source": "family"}, only_nulls, [], b"null", {"children": [{"number": 1}]}, nobody]
    for nothing in empty:
        problem(add(partner, contact, nothing), 400, "invalid")
    assert kept() == before


def test_with_a_key_it_is_stored_once(partner: Partner, contact: Contact) -> None:
    said = {"why": "He is back."}
    first, again = (add(partner, contact, said, key="k1") for _ in range(2))
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert [answer.headers.get("Idempotency-Replayed") for answer in (first, again)] == [None, "true"]
    assert add(partner, contact, said | {"adults": None}, key='"k1"').json() == first.json()
    assert Information.objects.count() == 1
    problem(add(partner, contact, {"why": "He left."}, key="k1"), 422, "idempotency-key-reused")


def test_only_the_sender_finds_it(police: Agency, contact: Contact, partner: Partner) -> None:
    problem(add(Partner(police), contact, {"why": "So."}), 404, "not-found")
    answer = partner.http.post(f"{CONTACTS}/{contact.reference}/information", b"{}", content_type="application/json")
    problem(answer, 401, "not-authenticated")


def test_a_token_that_only_reads_does_not_add(school: Agency, contact: Contact) -> None:
    answer = add(Partner(school, scope="contacts:read"), contact, {"why": "So."})
    assert answer.status_code == 403


def test_what_protects_somebody_is_given_and_never_taken_away(partner: Partner) -> None:
    """A no that a system fills in says nothing, as null does: a person takes protection away."""
    hidden = child(address={"postcode": "HP20 1UA", "confidential": True})
    contact = partner.sent(referrer={"name": "Amina", "keep_anonymous": True}, children=[hidden])
    before = facts(contact)
    for no in (None, False):
        said = {"referrer": {"keep_anonymous": no}, "children": [{"ref": "c1", "address": {"confidential": no}}]}
        answer = add(partner, contact, said | {"why": "So."})
        assert answer.status_code == 201
        assert {warning["pointer"] for warning in answer.json()["warnings"]} == (
            set() if no is None else {"#/referrer/keep_anonymous", "#/children/0/address/confidential"}
        )
        assert facts(contact) == before
    by_staff: dict[str, Any] = {
        "source": "referrer",
        "why": "She rang.",
        "referrer": {"keep_anonymous": None, "role": "Aunt"},
    }
    corrections.learn(contact_id=contact.pk, document=by_staff, by=person("oliver"), now=contact.received_at)
    assert facts(contact)[0]["referrer.keep_anonymous"] is True


def test_also_while_we_work_with_the_family_and_not_after(partner: Partner) -> None:
    story = Story(a_working_morning())
    case = story.accepted()
    contact = case.contacts.get()
    assert add(partner, contact, {"immediate_danger": True}).status_code == 201
    story.closed(case)
    assert "new contact" in problem(add(partner, contact, {"why": "So."}), 409, "not-now")["detail"]


class TestWhomItIsAbout:
    @staticmethod
    def sent(partner: Partner, *children: dict[str, Any]) -> Contact:
        return partner.sent(children=[child(nhs_number=None, address=None) | each for each in children])

    def test_c1_is_the_first_child_whatever_refs_others_have(self, partner: Partner) -> None:
        contact = self.sent(
            partner, {"ref": "kid", "first_name": "Firstborn"}, {"ref": None, "first_name": "Secondborn"}
        )
        assert add(partner, contact, {"children": [{"ref": "c1", "where_now": "At school"}]}).status_code == 201
        assert (
            add(partner, contact, {"children": [{"ref": "kid", "sex": "M"}, {"ref": "c2", "sex": "F"}]}).status_code
            == 201
        )
        assert FactChange.objects.get(field="where_now").child == contact.children.get(first_name="Firstborn")
        assert dict(contact.children.values_list("first_name", "sex")) == {"Firstborn": "M", "Secondborn": "F"}

    @pytest.mark.parametrize("placeholder", [None, "Not known", "n/a", "\u200b"])
    def test_a_ref_that_is_also_the_place_of_a_child_without_one_names_nobody(
        self, partner: Partner, placeholder: str | None
    ) -> None:
        """It is said when the contact comes, and refused with the mend when it is used: the number names each."""
        children = [
            child(ref="c2", first_name="Firstborn", nhs_number=None), child(ref=placeholder, first_name="Secondborn"),
        ]  # fmt: skip
        answer = partner.send(todays_document(children=children)).json()
        (warning,) = answer["warnings"]
        assert warning["pointer"] == "#/children/0/ref"
        assert "is the place of child 2 too" in warning["detail"]
        contact = Contact.objects.get(reference=answer["reference"])
        refused = problem(add(partner, contact, {"children": [{"ref": "c2", "sex": "F"}]}), 400, "invalid")
        says = "children[0].ref: names the children 1 and 2. Send the `number` of the one whom you mean."
        assert pointers(refused) == {"#/children/0/ref": says}
        said = {"children": [{"number": 1, "ref": "c2", "sex": "F"}, {"number": 2, "sex": "U"}]}
        assert add(partner, contact, said | {"why": "So."}).status_code == 201
        assert add(partner, contact, {"children": [{"number": 2, "school": "Hers"}]}).status_code == 201
        assert contact.children.get(sex="F").first_name == "Firstborn"
        assert FactChange.objects.get(field="school").child == contact.children.get(first_name="Secondborn")

    def test_a_ref_of_the_senders_own_is_meant_where_each_child_has_one(self, partner: Partner) -> None:
        contact = self.sent(
            partner, {"ref": "c2", "first_name": "Firstborn"}, {"ref": "c1", "first_name": "Secondborn"}
        )
        assert add(partner, contact, {"children": [{"ref": "c2", "school": "Hers"}]}).status_code == 201
        assert FactChange.objects.get(field="school").child == contact.children.get(first_name="Firstborn")
        wrong = problem(add(partner, contact, {"children": [{"ref": "c2", "number": 2, "sex": "F"}]}), 400, "invalid")
        assert set(pointers(wrong)) == {"#/children/0/number"}

    def test_one_number_for_two_children_is_nobodys(self, partner: Partner) -> None:
        contact = self.sent(partner, {"ref": "a", "first_name": "Ann"}, {"ref": "b", "first_name": "Bob"})
        said = {"children": [{"ref": ref, "nhs_number": "9990000042"} for ref in "ab"]}
        answer = add(partner, contact, said)
        assert [warning["pointer"] for warning in answer.json()["warnings"]] == [
            "#/children/0/nhs_number", "#/children/1/nhs_number",
        ]  # fmt: skip
        assert set(contact.children.values_list("nhs_number", flat=True)) == {""}
        assert set(FactChange.objects.values_list("kind", "said")) == {("not_read", "9990000042")}

    def test_a_child_is_added_whatever_was_said_before(self, partner: Partner, contact: Contact) -> None:
        assert add(partner, contact, {"immediate_danger": True, "referrer_level": 3}).status_code == 201
        assert (
            add(partner, contact, {"children": [{"first_name": "Sam"}], "adults": [{"first_name": "Jo"}]}).status_code
            == 201
        )
        assert contact.children.count() == 2

    def test_too_many_are_told_what_to_do(self, partner: Partner, contact: Contact) -> None:
        add(partner, contact, {"immediate_danger": True})
        children = [{"first_name": f"Child {number}"} for number in range(20)]
        refused = pointers(problem(add(partner, contact, {"children": children}), 400, "invalid"))
        assert refused == {
            "#/children/19": "children[19]: is one too many: a contact has room for 20 children. Send a new contact."
        }

    def test_a_short_name_is_a_name(self, partner: Partner, contact: Contact) -> None:
        answer = add(partner, contact, {"children": [{"ref": "c1", "first_name": "n/a", "last_name": "Na"}]})
        assert [warning["pointer"] for warning in answer.json()["warnings"]] == ["#/children/0/first_name"]
        assert contact.children.values_list("first_name", "last_name").get() == ("Robin", "Na")

    def test_names_and_lines_that_are_left_out_are_named(self, partner: Partner, contact: Contact) -> None:
        names, lines = ([f"Name {number}" for number in range(most + 1)] for most in (20, 100))
        said = {"ref": "c1", "also_known_as": names, "address": {"lines": lines}}
        answer = add(partner, contact, {"children": [said]})
        left_out = ["#/children/0/also_known_as", "#/children/0/address/lines"]
        assert [warning["pointer"] for warning in answer.json()["warnings"]] == left_out
        no_more = {"ref": "c1", "also_known_as": [*names[:20], "", None], "address": {"lines": [*lines[:100], ""]}}
        assert add(partner, contact, {"children": [no_more]}).json()["warnings"] == []


def test_a_partner_learns_of_nobody_whom_others_told_us_of(partner: Partner, contact: Contact) -> None:
    """Refs, numbers and the room for more people count those whom the agency told us of, then or since."""
    says = "is on no record of this contact. Leave it out to add somebody."
    document = {
        "source": "partner", "said_by": "police", "why": "They found him there.",
        "children": [{"first_name": "Kim"}], "adults": [{"first_name": "Alex"}],
    }  # fmt: skip
    corrections.learn(contact_id=contact.pk, document=document, by=person("amina"), now=contact.received_at)
    kim = contact.children.get(first_name="Kim")
    adults = len(contact.document["adults"])
    unknown = {"children": [{"ref": "c2", "school": "Hers"}], "adults": [{"number": adults + 1, "first_name": "Al"}]}
    found = problem(add(partner, contact, unknown), 400, "invalid")
    assert pointers(found) == {
        "#/children/0/ref": f"children[0].ref: {says}", "#/adults/0/number": f"adults[0].number: {says}"
    }  # fmt: skip

    assert add(partner, contact, {"children": [{"first_name": "Jo"}]}).status_code == 201
    assert add(partner, contact, {"children": [{"ref": "c2", "last_name": "Marsh"}]}).status_code == 201
    assert contact.children.get(first_name="Jo").last_name == "Marsh"
    kim.refresh_from_db()
    assert kim.last_name == ""
    assert add(partner, contact, {"children": [{"first_name": f"N{n}"} for n in range(18)]}).status_code == 201
    full = problem(add(partner, contact, {"children": [{"first_name": "More"}]}), 400, "invalid")
    assert "one too many" in pointers(full)["#/children/0"]


def test_own_refs_take_no_room_and_are_known_again_at_any_length(partner: Partner) -> None:
    long = "urn:uuid:" + "1" * 60
    contact = partner.sent(children=[child(ref=long), *(child(ref=f"p{n}", nhs_number=None) for n in range(10))])
    said = {"children": [{"ref": long, "school": "Hers"}, *({"first_name": f"N{n}"} for n in range(9))]}
    assert add(partner, contact, said).status_code == 201
    assert contact.children.count() == 20
    changed = FactChange.objects.get(field="school", after="Hers")
    assert changed.child == contact.children.get(position=0)
