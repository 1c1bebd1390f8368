"""How the partner API describes itself, and whether it is as it says."""

import json
import re
from collections.abc import Callable
from datetime import date
from itertools import product
from typing import Any

import pytest
import schemathesis
from django.test import Client
from drf_spectacular.validation import validate_schema
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from jsonschema_rs import Draft202012Validator, meta
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from casework.api import examples, threshold_check
from casework.api.urls import addresses as addresses_of_the_api
from casework.facts.contact_document import read_contact
from casework.facts.learned import InformationDocument, read_information, says_nothing
from errors import InvalidInput
from localities.codes import SOURCE_CODES
from localities.models import Agency
from tests.stage.documents import CONTRACT
from tests.stage.web_client import (
    CONTACTS,
    PROBLEM,
    Answer,
    Page,
    Partner,
    Path,
    browser,
    everything,
    having,
    todays_document,
)
from triage.ruleset import shipped

SCHEMA, DOCS, CHECK = "/api/v1/schema", "/api/v1/docs", "/api/v1/threshold-check"
QUALITY = "/api/v1/agency/quality"
BATCHES = "/api/v1/contact-batches"
PARTNER_CHECKS = "/api/v1/partner-checks"
INFORMATION = CONTACTS + "/{reference}/information"
OPERATIONS = {
    ("post", CONTACTS): "contacts:write",
    ("get", CONTACTS): "contacts:read",
    ("get", CONTACTS + "/{reference}"): "contacts:read",
    ("post", CONTACTS + "/{reference}/information"): "contacts:write",
    ("post", CONTACTS + "/{reference}/files"): "contacts:write",
    ("post", CONTACTS + "/{reference}/withdraw"): "contacts:write",
    ("post", CONTACTS + "/{reference}/chase"): "contacts:write",
    ("post", CONTACTS + "/{reference}/escalate"): "contacts:write",
    ("post", BATCHES): "contacts:write",
    ("get", BATCHES + "/{key}"): "contacts:write",
    ("get", PARTNER_CHECKS): "checks:answer",
    ("get", PARTNER_CHECKS + "/{key}"): "checks:answer",
    ("post", PARTNER_CHECKS + "/{key}/replies"): "checks:answer",
    ("post", CHECK): "threshold:check",
    ("get", QUALITY): "contacts:read",
}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """The description, as anybody may read it. It takes a quarter of a second to make, and no test changes it."""
    answer = browser().get(SCHEMA, headers={"Accept": "application/json"})
    assert answer.status_code == 200
    described: dict[str, Any] = answer.json()
    return described


def operation(schema: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    described: dict[str, Any] = schema["paths"][path][method]
    return described


def shape(schema: dict[str, Any], name: str) -> dict[str, Any]:
    described: dict[str, Any] = schema["components"]["schemas"][name]
    return described


def contact_shape(schema: dict[str, Any], path: str = CONTACTS) -> dict[str, Any]:
    """The shape of what is sent."""
    sent = operation(schema, "post", path)["requestBody"]["content"]["application/json"]["schema"]
    return shape(schema, sent["$ref"].rsplit("/", 1)[1])


def validator(schema: dict[str, Any], of: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator({"$ref": "#/it", "it": of, "components": schema["components"]})


class TestTheDescription:
    def test_it_is_valid_openapi_3_1(self, schema: dict[str, Any]) -> None:
        assert schema["openapi"].startswith("3.1.")
        validate_schema(schema)  # type: ignore[no-untyped-call]  # it comes without types
        for described in schema["components"]["schemas"].values():
            assert meta.is_valid(described | {"$schema": "https://json-schema.org/draft/2020-12/schema"})

    def test_every_address_of_the_api_is_in_it(self, schema: dict[str, Any]) -> None:
        addresses = {str(entry.pattern) for entry in addresses_of_the_api} - {"schema", "docs"}
        described = {"/api/v1/" + re.sub(r"<\w+:(.*?)>", r"{\1}", address) for address in addresses}
        assert described | {"/api/v1"} == set(schema["paths"])
        assert {path for _, path in OPERATIONS} <= set(schema["paths"])

    @pytest.mark.parametrize(("method", "path"), OPERATIONS)
    def test_it_says_how_to_come_in(self, schema: dict[str, Any], method: str, path: str) -> None:
        """OAuth 2, client credentials, the token's address, and the scope that each call needs."""
        schemes = schema["components"].get("securitySchemes", {})
        flows = [scheme["flows"]["clientCredentials"] for scheme in schemes.values() if scheme["type"] == "oauth2"]
        assert [flow["tokenUrl"] for flow in flows] == ["/o/token"]
        assert set(flows[0]["scopes"]) == set(OPERATIONS.values())
        (needs,) = operation(schema, method, path)["security"]
        assert list(needs.values()) == [[OPERATIONS[method, path]]]

    def test_it_is_made_without_complaints(self, client: Client, capfd: pytest.CaptureFixture[str]) -> None:
        client.get(SCHEMA)
        assert "Warning" not in capfd.readouterr().err

    def test_only_what_nobody_can_do_without_is_needed(self, schema: dict[str, Any]) -> None:
        needed = {"ContactDocument": {"type", "source_code", "children", "concern"}, "Concern": {"worries"}}
        parts = [part for part in schema["components"]["schemas"].values() if part.get("additionalProperties") is False]
        # Of a contact, of what is added to one, and of a threshold check.
        assert len(parts) == 9 + 4 + 3
        for part in parts:
            assert set(part.get("required", [])) == needed.get(part["title"], set())
            # A system that is generated from this must not say what its user left out.
            assert not any("default" in described for described in part["properties"].values())

    def test_it_has_the_limits_of_the_reader(self, schema: dict[str, Any]) -> None:
        children = contact_shape(schema)["properties"]["children"]
        assert (children.get("minItems"), children.get("maxItems")) == (1, 20)
        assert "maxLength" not in children, "that is for text"
        worries = shape(schema, "Concern")["properties"]["worries"]
        assert (worries.get("minLength"), worries.get("maxLength")) == (1, None), "nobody says too much"

    def test_it_allows_what_the_reader_takes_and_no_more(self, schema: dict[str, Any]) -> None:
        """Null is a field that is left out, 3.0 is 3, and no default is the inside of our reader."""
        sent, added = (validator(schema, contact_shape(schema, path)) for path in (CONTACTS, INFORMATION))
        for name in contact_shape(schema)["properties"].keys() - {"type", "source_code", "children", "concern"}:
            assert sent.is_valid(CONTRACT | {name: None}), name
        assert not sent.is_valid(CONTRACT | {"source_code": "9Z"})
        assert not sent.is_valid(having(("concern", "worries"), " "))
        assert sent.is_valid(CONTRACT | {"referrer_level": 3.0})
        assert not sent.is_valid(CONTRACT | {"referrer_level": 5})
        assert added.is_valid({"why": "So.", "source": "", "agreement": {"service": " "}})
        assert added.is_valid({"children": [{"number": 1}, {"number": 2, "sex": "F"}]})
        nobody: list[dict[str, Any]] = [
            {},
            {"immediate_danger": None},
            {"children": [{}]},
            {"adults": [{"phone": None}]},
            {"children": [{"number": 1}], "adults": [{"number": 1, "phone": None}]},
        ]
        for refused in (*nobody, {"source": "family"}, {"source": "rumour", "why": "So."}):
            assert not added.is_valid(refused), refused
        assert '"check"' not in json.dumps(schema["components"]["schemas"])

    def test_it_says_what_each_source_code_means(self, schema: dict[str, Any]) -> None:
        says = contact_shape(schema)["properties"]["source_code"]["description"]
        assert [f"{code}: {source}" in says for code, source in SOURCE_CODES.items()] == [True] * len(SOURCE_CODES)

    def test_what_people_type_is_any_text(self, schema: dict[str, Any]) -> None:
        sent = validator(schema, contact_shape(schema))
        for path, value in [
            (("children", 0, "sex"), "Male"), (("children", 0, "date_of_birth"), "3/4/2015"),
            (("children", 0, "age_years"), 15), (("children", 0, "age_years"), 7.5),
            (("children", 0, "age_years"), "about 15"),
            (("children", 0, "nhs_number"), ""), (("children", 0, "address", "postcode"), "NFA"),
            (("children", 0, "indicators"), ["L9-99"]), (("referrer", "email"), "none"),
        ]:  # fmt: skip
            assert sent.is_valid(having(path, value)), path
        assert not sent.is_valid(having(("children", 0, "nhs_number"), 9990000018))
        assert not sent.is_valid(having(("children", 0, "age_years"), True))

    def test_a_field_that_is_not_known_is_not_allowed(self, schema: dict[str, Any]) -> None:
        assert validator(schema, contact_shape(schema)).is_valid(CONTRACT)
        assert not validator(schema, contact_shape(schema)).is_valid(CONTRACT | {"colour": "blue"})

    def test_its_example_is_a_contact(self, schema: dict[str, Any]) -> None:
        assert validator(schema, contact_shape(schema)).is_valid(examples.CONTACT)
        read_contact(examples.CONTACT, indicators=shipped().catalogue.entries, today=date(2026, 11, 21))
        shown = operation(schema, "post", CONTACTS)["requestBody"]["content"]["application/json"]["examples"]
        assert [example["value"] for example in shown.values()] == [examples.CONTACT]

    def test_the_facts_of_a_threshold_check_have_no_room_for_a_name_or_for_screening(
        self, schema: dict[str, Any]
    ) -> None:
        facts = validator(schema, contact_shape(schema, CHECK))
        assert facts.is_valid(examples.FACTS)
        assert facts.is_valid({"children": [{"ref": None}, {"ref": "x" * 20}], "family": {"dash": "high"}})
        assert not facts.is_valid({"children": [{"ref": "Robin Ashworth"}]})
        assert not facts.is_valid({"children": [{"first_name": "Robin"}]})
        assert not facts.is_valid({"screened": True})
        assert not facts.is_valid({"children": [{}] * 21})
        assert not facts.is_valid({"family": {"indicators": ["L2-26"] * 201}})
        shown = operation(schema, "post", CHECK)["requestBody"]["content"]["application/json"]["examples"]
        assert [example["value"] for example in shown.values()] == [examples.FACTS]

    @pytest.mark.parametrize(("method", "path"), OPERATIONS)
    def test_every_answer_has_an_example_that_is_one(self, schema: dict[str, Any], method: str, path: str) -> None:
        (answer,) = (
            content
            for code, said in operation(schema, method, path)["responses"].items()
            if code in {"200", "201", "202"}
            for content in said["content"].values()
        )
        (shown,) = answer["examples"].values()
        assert validator(schema, answer["schema"]).is_valid(shown["value"]), shown
        names = shape(schema, answer["schema"]["$ref"].rsplit("/", 1)[1])["properties"]
        assert set(shown["value"]) == set(names), "it leaves out nothing"

    @pytest.mark.parametrize(("method", "path"), OPERATIONS)
    def test_every_refusal_is_a_problem_document(self, schema: dict[str, Any], method: str, path: str) -> None:
        answers = operation(schema, method, path)["responses"]
        refusals = {code: answer for code, answer in answers.items() if int(code) >= 400}
        expected = {"401", "403", "405", "406", "429", "500"} | ({"400", "415"} if method == "post" else set())
        expected |= {"404"} if "{" in path else {"400"} if path != QUALITY else set()
        assert expected <= set(refusals)
        has_a_key = (path.startswith(CONTACTS + "/") or path == CONTACTS or "replies" in path) and method == "post"
        assert ("422" in refusals) == has_a_key, "nothing else has a key that could come twice"
        for code, answer in refusals.items():
            assert set(answer["content"]) == {PROBLEM}, code
            assert answer["content"][PROBLEM]["schema"] == {"$ref": "#/components/schemas/Problem"}


class TestTheAnswers:
    """Every answer has the shape that the description gives it."""

    def matches(self, schema: dict[str, Any], method: str, path: str, answer: Answer, status: int) -> None:
        assert answer.status_code == status
        (described,) = operation(schema, method, path)["responses"][str(status)]["content"].values()
        validator(schema, described["schema"]).validate(json.loads(answer.content))

    def test_to_a_contact(self, schema: dict[str, Any], partner: Partner) -> None:
        self.matches(schema, "post", CONTACTS, partner.send(examples.CONTACT), 201)
        self.matches(schema, "post", CONTACTS, partner.send(todays_document(), key="k"), 201)
        self.matches(schema, "post", CONTACTS, partner.send(todays_document(type="rumour")), 400)
        self.matches(schema, "post", CONTACTS, partner.send(b"{"), 400)
        self.matches(schema, "post", CONTACTS, partner.send(todays_document(referrer_level=1), key="k"), 422)
        partner.token = "made-up"
        self.matches(schema, "post", CONTACTS, partner.send(todays_document()), 401)

    def test_to_a_question(self, schema: dict[str, Any], partner: Partner) -> None:
        path = CONTACTS + "/{reference}"
        self.matches(schema, "get", path, partner.read(partner.sent()), 200)
        self.matches(schema, "get", CONTACTS, partner.http.get(CONTACTS, headers=partner.headers), 200)
        self.matches(schema, "get", CONTACTS, partner.http.get(f"{CONTACTS}?limit=x", headers=partner.headers), 400)
        self.matches(schema, "get", path, partner.read("CON-AAAA-AAAA"), 404)
        partner.token = "made-up"
        self.matches(schema, "get", path, partner.read("CON-AAAA-AAAA"), 401)

    def test_to_a_threshold_check(self, schema: dict[str, Any], partner: Partner) -> None:
        def check(facts: Any) -> Any:
            return partner.http.post(CHECK, facts, content_type="application/json", headers=partner.headers)

        for scenario in shipped().document.scenarios:
            facts = scenario.facts.model_dump(mode="json", exclude_unset=True, exclude={"screened"})
            self.matches(schema, "post", CHECK, check(facts), 200)
        self.matches(schema, "post", CHECK, check(examples.FACTS), 200)
        self.matches(schema, "post", CHECK, check({"colour": "blue"}), 400)
        self.matches(schema, "post", CHECK, check(b"{"), 400)
        partner.token = "made-up"
        self.matches(schema, "post", CHECK, check({}), 401)


class TestTheDocs:
    @pytest.fixture
    def page(self, client: Client) -> Page:
        """The page, for somebody who is not signed in."""
        return Page(client.get(DOCS))

    def test_anybody_may_read_them(self, page: Page) -> None:
        assert page.status == 200

    def test_they_have_no_script_or_style_of_their_own(self, page: Page) -> None:
        """The content security policy would not run it."""
        for element in page.root:
            assert element.tag != "style"
            assert element.tag != "script" or (element["src"] and not element.raw.strip())
            assert not any(name == "style" or name.startswith("on") for name in element.attributes)

    def test_everything_that_they_load_is_ours_and_there(self, page: Page, client: Client, db: None) -> None:
        loaded = [element["src"] for element in page.root.all("script")]
        loaded += [element["href"] for element in page.root.all("link")]
        assert len(loaded) == 4
        for address in loaded:
            assert re.match(r"/[^/]", address), "from here, not from somebody's network"
            answer = client.get(address)
            assert answer.status_code == 200, address
            assert re.search("javascript|css", answer.headers["Content-Type"])
            answer.close()

    def test_the_policy_lets_them_load_and_nothing_else(self, client: Client) -> None:
        policy = client.get(DOCS).headers["Content-Security-Policy"]
        directives = {name: set(sources) for name, *sources in (part.split() for part in policy.split(";"))}
        assert directives["default-src"] == {"'none'"}
        for name in ("script-src", "style-src", "connect-src"):
            assert directives[name] == {"'self'"}

    def test_without_javascript_they_lead_to_the_description(self, page: Page) -> None:
        assert SCHEMA in [link["href"] for link in page.root.all("noscript")[0].all("a")]


# ---- the description and the readers


INFORMATION_SENT: dict[str, Any] = {
    name: CONTRACT[name] for name in InformationDocument.model_fields if name in CONTRACT
} | {"source": "family", "said_by": "mother", "why": "He is back."}
FACTS_SENT: dict[str, Any] = {
    "received_on": "2026-11-21", "immediate_danger": False, "referrer_level": 3, "agreement": "given",
    "children": [{
        "ref": "c1", "age_years": 7, "date_of_birth_estimated": False, "unborn": False, "disabled": False,
        "non_verbal": False, "previous_cp_plan": None, "previously_looked_after": None, "indicators": ["L2-26"],
    }],
    "family": {
        "indicators": ["L2-26"], "contacts_3_months": 1, "contacts_12_months": 1, "sibling_on_cp_plan": None,
        "early_help_closed_without_progress_12_months": None, "dash": "high", "marac": False,
        "open_work": "early_help", "closed_days_ago": 3, "in_area": True,
    },
}  # fmt: skip


def reads_contact(document: Any) -> None:
    read_contact(document, indicators=shipped().catalogue.entries, today=date(2026, 11, 21))


def reads_information(document: Any) -> None:
    reading = read_information(
        document, by_staff=False, indicators=shipped().catalogue.entries, today=date(2026, 11, 21)
    )
    if faults := list(says_nothing(reading)):
        raise InvalidInput(faults)


def reads_facts(document: Any) -> None:
    threshold_check.read_facts(document, shipped())


def faults_of(reads: Callable[[Any], None], document: Any) -> list[str]:
    try:
        reads(document)
    except InvalidInput as invalid:
        return [str(fault) for fault in invalid.faults]
    return []


LEFT_OUT = object()
# What a careless or a generated client sends, and what tells two readings of a rule apart.
VALUES: list[Any] = [
    LEFT_OUT, None, True, False, 0, 1, 3, 3.0, 3.5, -1, 40, 10**30, [], {}, [None], [{}], [3.0], ["x"], [{"x": 1}],
    [{}] * 21, ["L2-26"] * 201, "", " ", "\u200b", "\u200d\u200d\u200d", "\x0b", "not known", "N/A", "x", "3", "given",
    " given", "2A", " 2A ", "2026-11-21", " 2026-11-21", "2026-02-30", "L2-26",
]  # fmt: skip


def put(document: Any, path: Path, value: Any) -> Any:
    """The document with this value at a place, or without the place."""
    changed = at = json.loads(json.dumps(document))
    *above, last = path
    for step in above:
        at = at[step]
    if value is LEFT_OUT:
        del at[last]
    else:
        at[last] = value
    return changed


def alone(document: Any, path: Path) -> Any:
    """The document with nothing but this place."""
    step, *below = path
    inner = alone(document[step], tuple(below)) if below else document[step]
    return [inner] if isinstance(document, list) else {step: inner}


@pytest.mark.parametrize(
    ("path", "document", "reads"),
    [
        (CONTACTS, CONTRACT, reads_contact),
        (INFORMATION, INFORMATION_SENT, reads_information),
        (CHECK, FACTS_SENT, reads_facts),
    ],
    ids=["contact", "information", "threshold check"],
)
def test_the_reader_takes_what_the_description_allows_and_nothing_else(
    schema: dict[str, Any], path: str, document: dict[str, Any], reads: Callable[[Any], None]
) -> None:
    """Each of these values in each place: among all the others, and, of information, as all that is said."""
    described = Draft202012Validator(
        {"$ref": "#/it", "it": contact_shape(schema, path), "components": schema["components"]}, validate_formats=True
    )
    for place, value in product(everything(document), VALUES):
        sent = [put(document, place, value)]
        if reads is reads_information and isinstance(place[-1], str):
            sent.append(put(alone(document, place), place, value))
        for each in sent:
            faults = faults_of(reads, each)
            if reads is reads_facts and any("is not an indicator" in fault for fault in faults):
                # The description cannot know the codes of the rules that are live.
                continue
            assert described.is_valid(each) is not bool(faults), (place, value, faults)


# ---- whatever is sent

WHATEVER = hypothesis_settings(
    max_examples=40,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def test_whatever_the_description_allows_or_forbids_is_answered_as_described(committed: str) -> None:
    """No server error, no status and no shape that is not described; with a real token, on a database that commits."""
    from config.wsgi import application

    partner = Partner(Agency.objects.get(code="example-primary-school"))
    described = schemathesis.openapi.from_wsgi(SCHEMA, app=application)
    checks = [not_a_server_error, status_code_conformance, response_schema_conformance]
    statuses: set[int] = set()
    for found in described.get_all_operations():
        one: Any = found.ok()  # type: ignore[union-attr]  # it is no error
        cases = st.one_of(
            one.as_strategy(generation_mode=GenerationMode.POSITIVE),
            one.as_strategy(generation_mode=GenerationMode.NEGATIVE),
        )

        @given(case=cases)
        @WHATEVER
        def ask(case: Any) -> None:
            # Schemathesis unpacks nothing that comes packed.
            answer = case.call(headers=partner.headers | {"Accept-Encoding": "identity"})
            statuses.add(answer.status_code)
            case.validate_response(answer, checks=checks, headers=partner.headers)

        ask()
    assert {400, 404} <= statuses, "it came as far as the contact"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda some: st.lists(some, max_size=3) | st.dictionaries(st.text(max_size=5), some, max_size=3),
    max_leaves=6,
)
PLACES: list[Path] = list(everything(CONTRACT))


def test_whatever_stands_anywhere_in_a_contact_it_is_taken_in_or_refused_with_reasons(partner: Partner) -> None:
    taken_in: set[bool] = set()

    @given(st.sampled_from(PLACES), JSON)
    @hypothesis_settings(WHATEVER, max_examples=60)
    def send(path: Path, value: object) -> None:
        document = having(path, value)
        if path[0] != "agreement":
            document["agreement"] = todays_document()["agreement"]
        answer = partner.send(document)
        assert answer.status_code in (201, 400), answer.content
        taken_in.add(answer.status_code == 201)
        assert answer.status_code == 201 or answer.json()["errors"]

    send()
    assert taken_in == {True, False}
