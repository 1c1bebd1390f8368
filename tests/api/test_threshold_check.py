"""The threshold check: what a partner is told about an unnamed family; no data is stored or disclosed."""

import json
import logging
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from casework.actions import threshold_checks
from casework.api import examples, threshold_check
from casework.models import ThresholdChecks
from localities.models import Agency, User
from localities.working_time import local_day
from tests.stage.racing import race
from tests.stage.sql import change, run
from tests.stage.story import Story
from tests.stage.web_client import PROBLEM, Partner, a_working_morning, limit_calls, pointers, problem, todays_document
from triage import published_rules
from triage.models import RuleSetVersion
from triage.recommendation import recommend
from triage.ruleset import shipped

CHECK = "/api/v1/threshold-check"
DOCS = Path(__file__).parents[2] / "docs" / "threshold-check.md"
OWN = {"says", "titles", "try_first", "note"}
ADVICE = (
    "This is advice by rules on what you sent and nothing else, not a decision: if you are worried about a child, "
    "contact us whatever it says, and if a child is in danger now, ring 999."
)

# One family for each pathway, from the rule set's own scenarios. Partners cannot set `screened`. The family for advice
# is not from a scenario: those are on hold, for a manager or for screening.
FAMILIES: dict[str, dict[str, Any]] = {"advice": {"referrer_level": 1}}
for scenario in shipped().document.scenarios:
    where = scenario.expect.pathway or ""
    FAMILIES.setdefault(where, scenario.facts.model_dump(mode="json", exclude_unset=True, exclude={"screened"}))

# The token with its system, the agency, the version that is live, and the count.
BUDGET = 4


def facts_of(indicators: list[str], **changes: Any) -> dict[str, Any]:
    """A child of seven with these indicators."""
    return {"children": [{"ref": "c1", "age_years": 7, "indicators": indicators}]} | changes


def check(partner: Partner, facts: Any, media_type: str = "application/json") -> Any:
    """Sends facts: an object, or the body as bytes."""
    body = facts if isinstance(facts, bytes) else json.dumps(facts).encode()
    return partner.http.post(CHECK, body, content_type=media_type, headers=partner.headers)


def result(partner: Partner, facts: Any) -> dict[str, Any]:
    """The result that the partner gets."""
    answer = check(partner, facts)
    assert answer.status_code == 200, answer.content
    said: dict[str, Any] = answer.json()
    return said


def counted() -> dict[tuple[str, date], int]:
    """The stored counts of threshold checks."""
    return {(checks.agency.code, checks.day): checks.count for checks in ThresholdChecks.objects.all()}


def everything_kept() -> dict[str, tuple[int, ...]]:
    """Of every table of the database: its rows, and how many this transaction has added, changed and removed."""
    touched = run("SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_xact_user_tables")
    assert len(touched) > 40
    return {table: (*run(f'SELECT count(*) FROM "{table}"')[0], *changes) for table, *changes in touched}


class TestAuthentication:
    """The checks come in this order: 401, 403, 405, 415, 413, 400."""

    @pytest.mark.parametrize("authorization", ["", "Bearer made-up", "Basic eDp5"])
    def test_no_token_or_a_false_one_is_refused(self, client: Client, db: None, authorization: str) -> None:
        headers = {"Authorization": authorization} if authorization else {}
        answer = client.post(CHECK, FAMILIES["advice"], content_type="application/json", headers=headers)
        problem(answer, 401, "not-authenticated")
        assert counted() == {}

    def test_a_signed_in_person_without_a_token_is_refused(self, client: Client, amina: User) -> None:
        client.force_login(amina)
        answer = client.post(CHECK, FAMILIES["advice"], content_type="application/json")
        problem(answer, 401, "not-authenticated")

    @pytest.mark.parametrize("scope", ["contacts:write", "contacts:read", "contacts:write contacts:read"])
    def test_a_token_for_another_scope_is_refused(self, school: Agency, scope: str) -> None:
        problem(check(Partner(school, scope=scope), FAMILIES["advice"]), 403, "permission-denied")
        assert counted() == {}

    def test_a_token_for_threshold_checks_opens_nothing_else(self, school: Agency) -> None:
        checker = Partner(school, scope="threshold:check")
        assert check(checker, FAMILIES["advice"]).status_code == 200
        problem(checker.send(todays_document()), 403, "permission-denied")
        problem(checker.read("CON-AAAA-AAAA"), 403, "permission-denied")

    def test_a_token_without_a_scope_is_accepted(self, partner: Partner) -> None:
        """Systems that were set up before this existed need no change."""
        assert partner.scope == ""
        assert check(partner, FAMILIES["advice"]).status_code == 200

    def test_an_inactive_agency_is_refused(self, partner: Partner) -> None:
        partner.agency.is_active = False
        partner.agency.save()
        problem(check(partner, FAMILIES["advice"]), 403, "permission-denied")
        assert counted() == {}

    @pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
    def test_only_post_is_allowed(self, partner: Partner, method: str) -> None:
        """With GET the facts would stand in an address, and addresses in logs."""
        answer = partner.http.generic(method, CHECK, b"{}", "application/json", headers=partner.headers)
        assert answer.status_code == 405
        assert "POST" in answer.headers["Allow"]
        if method != "HEAD":
            problem(answer, 405, "method-not-allowed")

    @pytest.mark.parametrize("media_type", ["", "text/plain", "application/x-www-form-urlencoded"])
    def test_only_json_is_accepted(self, partner: Partner, media_type: str) -> None:
        problem(check(partner, FAMILIES["advice"], media_type), 415, "unsupported-media-type")

    def test_too_large_a_body_is_refused_before_parsing(self, partner: Partner) -> None:
        answer = check(partner, b" " * 1024 * 1024 + b"{}")
        assert answer.status_code in (400, 413)
        assert answer.headers["Content-Type"] == PROBLEM


class TestValidation:
    @pytest.fixture(autouse=True)
    def _is_not_counted(self, partner: Partner) -> Iterator[None]:
        yield
        assert counted() == {}

    @pytest.mark.parametrize(
        ("body", "says"),
        [
            (b"{", "This is not JSON"),
            (b'{"referrer_level": NaN}', "NaN is not a JSON number."),
            (b'{"agreement": "given", "agreement": "refused"}', "agreement: stands twice in one object"),
            (b'{"children": ' + b"[" * 100_000, "it is nested too deeply."),
            (b'{"children": ' + b"[" * 500 + b"]" * 500 + b"}", "it is nested too deeply."),
        ],
        ids=["cut short", "NaN", "a key twice", "too deep", "deep"],
    )
    def test_a_body_that_is_not_valid_json_is_refused(self, partner: Partner, body: bytes, says: str) -> None:
        assert says in problem(check(partner, body), 400, "parse-error")["detail"]

    @pytest.mark.parametrize("body", [b"", b"null", b"[]", b'"facts"', b"[{}]"])
    def test_json_that_is_not_an_object_is_refused(self, partner: Partner, body: bytes) -> None:
        """Also an empty body: facts that were lost on the way must not be answered with "needs are met"."""
        refused = problem(check(partner, body), 400, "invalid")
        assert pointers(refused) == {"#": "The facts are one JSON object."}

    def test_every_error_is_named_in_one_answer(self, partner: Partner) -> None:
        facts = {
            "agreement": "maybe",
            "children": [
                {"ref": "Robin Ashworth", "age_years": -1, "indicators": ["L2-26", "L9-99"]},
                {"ref": "x" * 21, "first_name": "Robin", "last_name": None},
            ],
            "family": {"dash": "extreme", "contacts_3_months": "two", "ref": None},
            "colour": "blue",
            "in_area": None,
        }
        refused = problem(check(partner, facts), 400, "invalid")
        says = pointers(refused)
        assert set(says) == {
            "#/agreement", "#/children/0/ref", "#/children/0/age_years", "#/children/0/indicators/1",
            "#/children/1/ref", "#/children/1/first_name", "#/children/1/last_name", "#/family/dash",
            "#/family/contacts_3_months", "#/family/ref", "#/colour", "#/in_area",
        }  # fmt: skip
        assert says["#/children/0/indicators/1"].endswith("is not an indicator of early-help-first/2.")
        assert refused["detail"] == "Nothing was checked. Correct the errors and send it again."

    def test_two_children_with_one_ref_are_refused(self, partner: Partner) -> None:
        refused = problem(check(partner, {"children": [{"ref": "c1"}, {"ref": "c1"}]}), 400, "invalid")
        assert set(pointers(refused)) == {"#/children"}

    @pytest.mark.parametrize(
        "ref", ["Robin Ashworth", "robin.ashworth", "Zoë", "c 1", " c1", "c1\n", "", "x" * 21, "a@b", "1/2", "\x00"]
    )
    def test_a_ref_that_could_be_a_name_is_refused(self, partner: Partner, ref: str) -> None:
        refused = problem(check(partner, {"children": [{"ref": ref}]}), 400, "invalid")
        assert any("No names are wanted here." in error["detail"] for error in refused["errors"])
        assert {error["pointer"] for error in refused["errors"]} == {"#/children/0/ref"}

    @pytest.mark.parametrize("screened", [True, False, None, "yes"])
    def test_partners_cannot_set_screened(self, partner: Partner, screened: Any) -> None:
        refused = problem(check(partner, {"screened": screened, "agreement": "maybe"}), 400, "invalid")
        assert [error["pointer"] for error in refused["errors"]] == ["#/agreement", "#/screened"]
        says = "screened: is not a field that is known here; correct its name or remove it."
        assert pointers(refused)["#/screened"] == says
        assert set(pointers(problem(check(partner, {"screened": screened}), 400, "invalid"))) == {"#/screened"}

    def test_too_many_children_or_indicators_are_refused(self, partner: Partner) -> None:
        """A body may be a mebibyte, and the rules are evaluated again for every fact."""
        refused = problem(check(partner, {"children": [{}] * 21}), 400, "invalid")
        assert pointers(refused) == {"#/children": "children: has more than 20 of them."}
        many = {"children": [{}, {"indicators": ["L2-26"] * 201}], "family": {"indicators": ["L9-99"] * 201}}
        assert set(pointers(problem(check(partner, many), 400, "invalid"))) == {
            "#/children/1/indicators", "#/family/indicators",
        }  # fmt: skip


class TestTheAnswer:
    @pytest.mark.parametrize("pathway", FAMILIES)
    def test_the_answer_is_what_the_rules_recommend(self, partner: Partner, pathway: str) -> None:
        live = published_rules.live(timezone.now()).rule_set
        facts = FAMILIES[pathway]
        said = result(partner, facts)
        expected = recommend(live, live.facts(facts)).as_json()
        assert {name: said[name] for name in expected} == expected
        assert set(said) == set(expected) | OWN
        assert said["pathway"] == pathway
        assert said["says"] == live.pathways[pathway].called
        assert said["try_first"] == list(live.pathways[pathway].try_first)
        assert said["try_first"]
        assert said["note"] == ADVICE

    def test_the_families_cover_every_pathway(self) -> None:
        recommended = {rule.then.pathway for rule in shipped().document.rules}
        assert set(FAMILIES) == recommended
        assert len(recommended) == 8

    def test_the_answer_must_not_be_cached(self, partner: Partner) -> None:
        answer = check(partner, FAMILIES["advice"])
        assert (answer.headers["Content-Type"], answer.headers["Cache-Control"]) == ("application/json", "no-store")

    def test_null_means_the_same_as_leaving_the_field_out(self, partner: Partner) -> None:
        every_null = {"agreement": None, "children": None, "family": None, "referrer_level": None, "received_on": None}
        assert result(partner, every_null) == result(partner, {})
        asked = facts_of(["L2-26"], agreement="given")
        nulls = {"disabled": None, "age_years": None, "non_verbal": None}
        with_nulls = {"children": [nulls | asked["children"][0]], "family": {"indicators": None, "marac": None}}
        assert result(partner, asked | with_nulls) == result(partner, asked)

    def test_a_hold_for_agreement(self, partner: Partner) -> None:
        said = result(partner, facts_of(["L2-26"]))
        assert (said["level"], said["pathway"], said["rag"], said["hold"]) == (2, "early_help", "green", "agreement")
        assert said["try_first"][0] == "Talk with the family, and ask whether it agrees to help."
        assert threshold_check.ASK_FIRST not in said["try_first"], "it is said already"

    def test_a_hold_for_a_manager(self, partner: Partner) -> None:
        said = result(partner, facts_of(["L2-26"], agreement="refused"))
        assert (said["pathway"], said["hold"]) == ("advice", "manager")
        assert said["try_first"] == list(threshold_check.MANAGER_FIRST), "the need is not met: nobody has looked yet"

    @pytest.mark.parametrize("facts", [{}, {"children": [{"ref": "c1", "age_years": 7}]}, {"referrer_level": 2}])
    def test_no_indicator_is_not_the_same_as_no_need(self, partner: Partner, facts: dict[str, Any]) -> None:
        said = result(partner, facts)
        assert (said["pathway"], said["hold"]) == ("advice", "screening")
        assert said["try_first"] == list(threshold_check.SCREEN_FIRST)
        needs_met = result(partner, {"referrer_level": 1})
        assert needs_met["hold"] is None
        assert needs_met["try_first"][0].startswith("Universal services meet this need.")

    def test_danger_now(self, partner: Partner) -> None:
        said = result(partner, {"immediate_danger": True})
        assert (said["level"], said["rag"], said["hold"]) == (4, "red", None)
        assert said["try_first"][0] == "If a child is in danger now, ring 999. Do not wait for us."

    def test_everything_that_is_named_has_a_title(self, partner: Partner) -> None:
        said = result(partner, facts_of(["L4-05", "L4-28"]))
        assert (said["also_refer_to"], said["warnings"]) == (["lado"], ["do_not_inform_parents"])
        titles = {entry["id"]: entry["title"] for entry in said["titles"]}
        assert titles["lado"] == "Designated officer for allegations (LADO)"
        assert titles["do_not_inform_parents"] == "Do not inform the parents"
        assert all(set(entry) == {"id", "title"} for entry in said["titles"])

    @pytest.mark.parametrize("pathway", FAMILIES)
    def test_everything_that_would_change_it_has_a_title(self, partner: Partner, pathway: str) -> None:
        said = result(partner, FAMILIES[pathway])
        named = {change["pathway"] for change in said["would_change"]}
        assert {entry["id"] for entry in said["titles"]} == named | set(said["also_refer_to"] + said["warnings"])

    def test_nothing_that_stands_where_it_should_not_breaks_it(self, partner: Partner) -> None:
        for wrong in (None, 1, "x", [], [1], {}, {"x": 1}, True, -1, 10**400, "\ud800"):
            for facts in (
                {"children": wrong}, {"children": [wrong]}, {"children": [{"ref": wrong}]}, {"family": wrong},
                {"children": [{"indicators": wrong}]}, {"family": {"indicators": wrong}}, {"received_on": wrong},
                {"family": {"closed_days_ago": wrong}}, {"x": wrong},
            ):  # fmt: skip
                assert check(partner, facts).status_code in (200, 400), facts

    def test_the_largest_family_is_answered_fast(self, partner: Partner) -> None:
        codes = list(shipped().catalogue.entries)
        children = [{"ref": f"c{number}", "indicators": codes} for number in range(20)]
        started = timezone.now()
        assert result(partner, {"children": children})["pathway"] == "strategy_discussion"
        assert (timezone.now() - started).total_seconds() < 2


class TestTheLiveVersion:
    @pytest.fixture(autouse=True)
    def _nothing_compiled_stays(self) -> Iterator[None]:
        """Another test's database may give the same number to another version."""
        published_rules._compiled.cache_clear()
        yield
        published_rules._compiled.cache_clear()

    def publish(self, **early_help: Any) -> None:
        """Another version goes live, in which early help is described otherwise."""
        first = RuleSetVersion.objects.get()
        document = json.loads(json.dumps(first.document)) | {"version": 3}
        (pathway,) = [pathway for pathway in document["pathways"] if pathway["id"] == "early_help"]
        pathway.update(early_help)
        now = timezone.now()
        change("triage_rulesetversion", first.pk, live=f"tstzrange(lower(live), '{now.isoformat()}')")
        RuleSetVersion.objects.create(name=first.name, version=3, document=document, published_at=now, live=(now, None))

    def test_a_new_version_answers_from_its_first_moment(self, partner: Partner) -> None:
        before = result(partner, facts_of(["L2-26"], agreement="given"))
        self.publish(title="Help that is early", try_first=["Ring the family centre."])
        after = result(partner, facts_of(["L2-26"], agreement="given"))
        assert (before["ruleset"], before["says"]) == ("early-help-first/2", "Early help")
        assert (after["ruleset"], after["says"]) == ("early-help-first/3", "Help that is early")
        assert after["try_first"] == ["Ring the family centre."]

    def test_agreement_comes_first_where_its_document_does_not_say_so(self, partner: Partner) -> None:
        self.publish(try_first=["Ring the family centre."])
        asked = result(partner, facts_of(["L2-26"], agreement="given"))
        not_asked = result(partner, facts_of(["L2-26"], agreement="not_sought"))
        assert asked["try_first"] == ["Ring the family centre."]
        assert not_asked["hold"] == "agreement"
        assert not_asked["try_first"] == [
            "Ask the family first whether it agrees to help.", "Ring the family centre.",
        ]  # fmt: skip

    def test_its_indicators_are_those_that_are_known(self, partner: Partner) -> None:
        self.publish()
        refused = problem(check(partner, facts_of(["L9-99"])), 400, "invalid")
        assert "is not an indicator of early-help-first/3." in pointers(refused)["#/children/0/indicators/0"]

    def test_where_none_is_live_it_says_so(self, partner: Partner) -> None:
        version = RuleSetVersion.objects.get()
        change("triage_rulesetversion", version.pk, live="tstzrange(lower(live), now())")
        problem(check(partner, FAMILIES["advice"]), 503, "unavailable")
        assert counted() == {}


class TestWhatIsStored:
    def test_a_count_for_each_agency_and_day_and_nothing_else(self, partner: Partner, police: Agency) -> None:
        other = Partner(police)
        before = everything_kept()
        for pathway in ("advice", "strategy_discussion", "early_help"):
            result(partner, FAMILIES[pathway])
        result(other, FAMILIES["family_help"])
        problem(check(partner, {"colour": "blue"}), 400, "invalid")
        after = everything_kept()
        assert {table for table in after if after[table] != before[table]} == {"casework_thresholdchecks"}
        today = local_day(timezone.now())
        assert counted() == {("example-primary-school", today): 3, ("example-police", today): 1}

    def test_the_count_has_no_room_for_anything_else(self) -> None:
        columns = {field.name for field in ThresholdChecks._meta.get_fields()}
        assert columns == {"id", "agency", "day", "count"}

    @pytest.mark.parametrize(
        ("moment", "day"),
        [
            (datetime(2026, 7, 1, 22, 59, 59, tzinfo=UTC), date(2026, 7, 1)),
            (datetime(2026, 7, 1, 23, 0, tzinfo=UTC), date(2026, 7, 2)),
            (datetime(2026, 12, 1, 23, 59, 59, tzinfo=UTC), date(2026, 12, 1)),
            (datetime(2026, 12, 2, 0, 0, tzinfo=UTC), date(2026, 12, 2)),
        ],
    )
    def test_a_day_ends_at_midnight_in_england(self, school: Agency, moment: datetime, day: date) -> None:
        threshold_checks.count(by=school, now=moment)
        assert counted() == {("example-primary-school", day): 1}

    def test_no_log_shows_the_facts(
        self, partner: Partner, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Answered, refused and broken; at the level at which everything is logged."""
        caplog.set_level(logging.DEBUG)
        facts = facts_of(["L4-28"]) | {"received_on": "2019-03-04"}
        facts["children"][0]["ref"] = "Zebedee"
        assert result(partner, facts)["pathway"] == "strategy_discussion"
        problem(check(partner, facts | {"Robin Ashworth": "Zebedee"}), 400, "invalid")
        problem(check(partner, b'{"Robin Ashworth": 1, "Robin Ashworth": 2}'), 400, "parse-error")

        def broken(**_: Any) -> None:
            raise RuntimeError("The disk is full.")

        monkeypatch.setattr(threshold_checks, "count", broken)
        problem(check(partner, facts), 500, "error")
        assert len(re.findall("api/v1/threshold-check", caplog.text)) >= 4
        assert "The disk is full." in caplog.text, "this is where it would stand"
        for secret in ("Zebedee", "Ashworth", "Robin", "L4-28", "2019-03-04", "strategy_discussion", "do_not_inform"):
            assert secret not in caplog.text


class TestSimultaneousChecks:
    def test_simultaneous_checks_are_all_counted(self, committed: str) -> None:
        """With or without a row for the day."""
        school = Agency.objects.get(code="example-primary-school")
        for day in range(1, 6):
            now = datetime(2026, 11, day, 10, tzinfo=UTC)
            for _ in range(2):
                outcomes = race(*[lambda now=now: threshold_checks.count(by=school, now=now)] * 8)
                assert outcomes == [None] * 8
        assert counted() == {("example-primary-school", date(2026, 11, day)): 16 for day in range(1, 6)}

    def test_through_the_api(self, committed: str) -> None:
        school, police = (Agency.objects.get(code=f"example-{code}") for code in ("primary-school", "police"))
        systems = [Partner(school), Partner(school), Partner(police)]
        for _ in range(3):
            asked = [lambda system=system: check(system, FAMILIES["advice"]).status_code for system in systems]
            assert race(*asked) == [200, 200, 200]
        assert sorted(counted().values()) == [3, 6]


class TestWhatAPartnerMayLearn:
    """A partner learns nothing: the answer depends only on what was sent and on the live version."""

    def test_the_answer_is_the_same_whether_or_not_the_family_is_known(self, partner: Partner, police: Agency) -> None:
        """The school's own contact and another agency's, a case, a strategy discussion: the answer does not change."""
        facts = facts_of(["L3-12"], agreement="given")
        before = check(partner, facts).content
        story = Story(a_working_morning())
        story.accepted(story.contact(by="example-police"))
        story.decided(story.contact(), pathway="strategy_discussion", level=4, rag="red")
        partner.sent()
        assert check(partner, facts).content == before
        assert check(Partner(police), facts).content == before
        assert json.loads(before)["pathway"] == "family_help"

    def test_no_record_of_a_family_is_read(self, partner: Partner) -> None:
        with CaptureQueriesContext(connection) as queries:
            result(partner, FAMILIES["social_worker_review"])
        asked = " ".join(query["sql"] for query in queries)
        tables = {table for pair in re.findall(r'(?:FROM|JOIN) "(\w+)"|INTO (\w+)', asked) for table in pair if table}
        token = {"oauth2_provider_accesstoken", "localities_agencyclient", "localities_agency", "localities_user"}
        assert tables == token | {"triage_rulesetversion", "casework_thresholdchecks"}

    def test_every_family_costs_the_same_queries(
        self, partner: Partner, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        result(partner, FAMILIES["advice"])  # the version that is live is read and compiled once
        for pathway in FAMILIES:
            with django_assert_num_queries(BUDGET):
                result(partner, FAMILIES[pathway])


class TestThrottling:
    @pytest.fixture(autouse=True)
    def _two_a_minute(self, monkeypatch: pytest.MonkeyPatch) -> None:
        limit_calls(monkeypatch, "2/min")

    def test_a_throttled_check_says_when_to_try_again(self, partner: Partner) -> None:
        for _ in range(2):
            result(partner, FAMILIES["advice"])
        answer = check(Partner(partner.agency), FAMILIES["advice"])
        problem(answer, 429, "throttled")
        assert 1 <= int(answer.headers["Retry-After"]) <= 61
        assert list(counted().values()) == [2]

    def test_a_contact_is_accepted_while_checks_are_throttled(self, partner: Partner) -> None:
        """A partner's form that checks on every keystroke must not block the final contact."""
        for _ in range(3):
            check(partner, FAMILIES["advice"])
        partner.sent()


class TestTheDocumentation:
    def test_the_example_is_the_real_answer(self, partner: Partner) -> None:
        """Three of its lists are shortened, and it says so."""
        asked, answered = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", DOCS.read_text(), re.DOTALL))
        assert asked == examples.FACTS
        said = result(partner, asked)
        assert set(answered) == set(said)
        for name, shown in answered.items():
            if name in ("missing", "would_change", "titles"):
                assert [entry for entry in said[name] if entry in shown] == shown != [], name
            else:
                assert said[name] == shown, name
