"""The rule sets' screens as those who lead practice use them: read, change, prove, replay, propose, approve."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin import site
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from casework.jobs import replaying
from casework.jobs.rechecks import recheck
from casework.jobs.reference_data import load
from casework.models import AuditEvent, Contact, Event, Replay
from localities.models import User
from localities.working_time import LONDON, local_day
from tests.stage.documents import child
from tests.stage.drafts import Drafts
from tests.stage.rule_documents import having
from tests.stage.sessions import sign_in
from tests.stage.shipped import live_instead
from tests.stage.story import Story
from tests.stage.web_client import Page, a_working_morning, browser, day_of
from triage import published_rules
from triage.models import RuleSetVersion, Stage
from triage.published_rules import live
from triage.rule_set_document import as_json
from triage.ruleset import parse, shipped
from triage.said_as import version_said

LIST = "/admin/triage/rulesetversion/"


@pytest.fixture
def story(db: None) -> Story:
    return Story(a_working_morning())


@pytest.fixture
def first(db: None) -> RuleSetVersion:
    return RuleSetVersion.objects.get()


class Person:
    """A user at the rule sets' screens."""

    def __init__(self, name: str) -> None:
        self.user = User.objects.get(username=name)
        self.http = browser()
        sign_in(self.http, self.user)

    def open(self, version: RuleSetVersion, tail: str = "") -> Page:
        return Page(self.http.get(f"{LIST}{version.pk}/{tail}"))

    def send(self, version: RuleSetVersion, tail: str, *, on: str | Page | None = None, **fields: Any) -> Page:
        """Change fields of the form on a page (it is opened first where only its address is given), and send it."""
        return Page(self._post(version, tail, on, fields, follow=True))

    def keep(self, version: RuleSetVersion, tail: str, *, on: str | Page | None = None, **fields: Any) -> None:
        """The same for a form that is taken. Nobody reads the page after it, which is a long one."""
        assert self._post(version, tail, on, fields).status_code == 302

    def _post(
        self, version: RuleSetVersion, tail: str, on: str | Page | None, fields: dict[str, Any], *, follow: bool = False
    ) -> Any:
        address = f"{LIST}{version.pk}/{tail}"
        page = on if isinstance(on, Page) else self.open(version, tail if on is None else on)
        form = page.form(address if address in page.actions else "")
        changed = {name.replace("__", "-"): value for name, value in fields.items()}
        return self.http.post(address, form | changed, follow=follow)

    def press(self, version: RuleSetVersion, tail: str, **fields: Any) -> Page:
        return Page(self.http.post(f"{LIST}{version.pk}/{tail}", fields, follow=True))


@pytest.fixture
def paula(db: None) -> Person:
    """The practice lead."""
    return Person("paula")


@pytest.fixture
def sam(db: None) -> Person:
    """The service manager."""
    return Person("sam")


@pytest.fixture(scope="class")
def draft_once(told_for_a_class: None) -> int:
    return Drafts(Story(a_working_morning())).copied().pk


@pytest.fixture
def draft(db: None, draft_once: int) -> Iterator[RuleSetVersion]:
    """Paula's copy of the live version, as it is after copying it."""
    yield RuleSetVersion.objects.get(pk=draft_once)
    # A published version is cached by its id. Each test may publish this one with another document.
    published_rules._compiled.cache_clear()


FIVE_IN_A_YEAR = "entry/rules/reason_to_look_again.five_in_a_year/"


def the_number(page: Page) -> str:
    """The name of the one number on an entry's form."""
    (name,) = [field["name"] for field in page.main.all("input") if field["name"].startswith("number/")]
    return name


def said(page: Page) -> str:
    return " ".join(box.text for box in page.main.all(class_="govuk-notification-banner__heading"))


def replayed(by: Person, version: RuleSetVersion) -> Replay:
    """A replay of the last year, run to its end."""
    by.keep(version, "replays/", on="")
    replay = replaying.run_next(clock=timezone.now)
    assert replay is not None
    replay.refresh_from_db()
    assert replay.finished_at
    return replay


class TestWhoMayWhat:
    READ = ("", "differences/", "document.yaml")
    EDIT = ("document/", "entry/indicators/L3-12/", FIVE_IN_A_YEAR, "scenarios/new/", "scenarios/injury/")

    @pytest.mark.parametrize(
        ("name", "reads", "edits"),
        [
            ("paula", 200, 200), ("sam", 200, 200), ("maya", 200, 200), ("ava", 200, 403), ("adele", 200, 403),
            ("ben", 404, 404), ("iris", 404, 404), ("amina", 403, 403),
        ],
    )  # fmt: skip
    def test_by_role(self, draft: RuleSetVersion, name: str, reads: int, edits: int) -> None:
        who = Person(name)
        for pages, status in ((self.READ, reads), (self.EDIT, edits)):
            found = {page: who.http.get(f"{LIST}{draft.pk}/{page}", follow=True).status_code for page in pages}
            assert found == dict.fromkeys(pages, status)

    @pytest.mark.parametrize("name", ["ava", "adele"])
    def test_who_only_reads_is_offered_nothing_and_can_do_nothing(self, draft: RuleSetVersion, name: str) -> None:
        who, before = Person(name), RuleSetVersion.objects.count()
        assert who.open(draft).actions == set()
        for tail in ("copy/", "discard/", "propose/", "replays/", "document/", "scenarios/injury/remove/"):
            fields = {"edition": 1, "replay-first_day_day": 1, "proposal": "x", "text": "x"}
            assert who.press(draft, tail, **fields).status in (403, 422), tail
        draft.refresh_from_db()
        assert (draft.stage(timezone.now()), RuleSetVersion.objects.count()) == (Stage.DRAFT, before)

    def test_every_address_of_the_screens_is_behind_the_admins_door(self, draft: RuleSetVersion) -> None:
        every = site._registry[RuleSetVersion].get_urls()
        addresses = [pattern for pattern in every if "version_id" in str(pattern.pattern)]
        assert len(addresses) == 18
        for pattern in addresses:
            tail = str(pattern.pattern).replace("<int:version_id>/", "").replace("<int:replay_id>", "1")
            tail = tail.replace("<str:part>/<str:name>", "rules/hard_stop").replace("<str:name>", "injury")
            answer = browser().get(f"{LIST}{draft.pk}/{tail}")
            assert (answer.status_code, "/accounts/login/" in answer.headers.get("Location", "")) == (302, True), tail

    def test_what_is_not_there_is_not_found(self, paula: Person, draft: RuleSetVersion) -> None:
        for tail in (
            "entry/rules/no_such_rule/", "entry/nonsense/hard_stop/", "entry/scenarios/injury/", "scenarios/none/",
            "replays/77/", "replays/77/contacts.csv", "differences/?from=99", "scenarios/new/?contact=CON-AAAA-AAAA",
        ):  # fmt: skip
            assert paula.open(draft, tail).status == 404, tail
        assert Page(paula.http.get(f"{LIST}99/")).status == 404
        assert Page(paula.http.get(f"{LIST}99/change/", follow=True)).status == 404


class TestReading:
    def test_the_list_leads_to_a_page_that_says_every_rule_in_words(self, paula: Person, first: RuleSetVersion) -> None:
        assert "Published, live now" in Page(paula.http.get(LIST)).text
        page = Page(paula.http.get(f"{LIST}{first.pk}/change/", follow=True))
        assert page.heading == "Early help first, version 2 Published, live now"
        for words in (
            "Holds when the contacts in three months are 3 or more.",
            "for at least one child any of these holds:",
            "If a child is in danger now, ring 999.",
            "Disruptive/challenging at school, home or neighbourhood",
            "all 58 pass",
        ):
            assert words in page.text

    def test_a_published_version_offers_a_copy_and_no_change(self, paula: Person, first: RuleSetVersion) -> None:
        assert paula.open(first).actions == {f"{LIST}{first.pk}/copy/"}
        page = paula.send(first, "document/", text=paula.open(first, "document.yaml").html)
        assert (page.status, "is published, and never changes" in page.text) == (409, True)

    def test_the_document_comes_as_a_file_that_reads_back(self, paula: Person, first: RuleSetVersion) -> None:
        from triage.drafting import from_yaml

        assert from_yaml(paula.open(first, "document.yaml").html) == as_json(shipped().document)


class TestDrafting:
    def test_a_number_is_changed_in_a_form_and_the_scenarios_answer_at_once(
        self, paula: Person, draft: RuleSetVersion
    ) -> None:
        form = paula.open(draft, FIVE_IN_A_YEAR)
        page = paula.send(draft, FIVE_IN_A_YEAR, on=form, **{the_number(form): "4"})
        assert said(page) == "The change is kept. All 58 scenarios pass."
        page = paula.send(draft, FIVE_IN_A_YEAR, **{the_number(form): "6"})
        assert said(page) == "The change is kept. 1 of 58 scenarios fail now: look at them below."
        assert "The pathway is advice, not social_worker_review." in page.text
        draft.refresh_from_db()
        assert draft.edition == 3
        assert parse(draft.document).cuts("contacts_12_months") == (6,)

    def test_a_gate_is_changed_in_a_form(self, paula: Person, sam: Person, draft: RuleSetVersion) -> None:
        page = paula.send(draft, "entry/indicators/L4-01/", gate="early_help")
        assert (page.status, "what safety rests on: indicator L4-01." in page.text) == (403, True)
        page = sam.send(draft, "entry/indicators/L4-01/", gate="early_help")
        assert "An injury that was done to a child" in page.text
        assert "scenarios fail now" in said(page)
        draft.refresh_from_db()
        assert parse(draft.document).catalogue.entries["L4-01"].gate == "early_help"

    def test_what_a_partner_reads_first_is_changed_line_by_line(self, paula: Person, draft: RuleSetVersion) -> None:
        paula.keep(draft, "entry/pathways/advice/", try_first="Ask the school first.\n\n  Then ask again. ")
        draft.refresh_from_db()
        assert parse(draft.document).pathways["advice"].try_first == ("Ask the school first.", "Then ask again.")

    def test_what_a_pathway_is_is_changed_in_a_form(self, paula: Person, sam: Person, draft: RuleSetVersion) -> None:
        """How it is counted, asked for and decided: a service manager answers for it."""
        changes = {"work": "social_care", "voluntary": "", "gravest": "on"}
        page = paula.send(draft, "entry/pathways/family_help/", **changes)
        assert (page.status, "what safety rests on: pathway family_help." in page.text) == (403, True)
        form = sam.open(draft, "entry/pathways/family_help/").form("")
        assert form["work"] == "early_help"
        assert form.pop("voluntary")
        assert "gravest" not in form
        sam.http.post(f"{LIST}{draft.pk}/entry/pathways/family_help/", form | {"work": "social_care", "gravest": "on"})
        draft.refresh_from_db()
        pathway = parse(draft.document).pathways["family_help"]
        assert (pathway.work, pathway.voluntary, pathway.gravest) == ("social_care", False, True)
        page = sam.open(draft, "")
        assert "While it is open, the family has social care." in page.text
        assert "Family help is decided at level 4" not in page.text

    @pytest.mark.parametrize(
        ("clock", "field", "says"),
        [
            ("family_help_plan", "only_on", "Only Family help and Early help have it."),
            ("first_family_contact", "not_on", "Every pathway has it but Family help and Early help."),
        ],
    )
    def test_which_pathways_have_a_deadline_is_changed_in_a_form(
        self, sam: Person, draft: RuleSetVersion, clock: str, field: str, says: str
    ) -> None:
        tail = f"entry/clocks/{clock}/"
        sam.http.post(
            f"{LIST}{draft.pk}/{tail}", {**sam.open(draft, tail).form(""), field: ["family_help", "early_help"]}
        )
        draft.refresh_from_db()
        rules = parse(draft.document)
        assert rules.starts_clock(clock, "early_help") is (field == "only_on")
        assert rules.starts_clock(clock, "social_work_assessment") is (field == "not_on")
        assert says in sam.open(draft, "").text

    def test_a_reason_stops_counting_alone(self, paula: Person, draft: RuleSetVersion) -> None:
        form = paula.open(draft, FIVE_IN_A_YEAR).form("")
        assert form.pop("alone")
        paula.http.post(f"{LIST}{draft.pk}/{FIVE_IN_A_YEAR}", form)
        draft.refresh_from_db()
        rule = next(rule for rule in parse(draft.document).document.rules if rule.aggravators)
        assert [each.alone for each in rule.aggravators if each.id == "five_in_a_year"] == [False]

    @pytest.mark.parametrize(
        ("tail", "fields", "says"),
        [
            (FIVE_IN_A_YEAR, {"title": ""}, "This field is required."),
            (FIVE_IN_A_YEAR, {"number": "many"}, "Enter a whole number."),
            ("entry/indicators/L3-12/", {"gate": "ajar"}, "Select a valid choice."),
            ("entry/defined/level_3_by_accumulation/", {"number": "0"}, "must be 1 or more, not 0."),
        ],
    )
    def test_what_is_wrong_is_said_and_nothing_is_kept(
        self, paula: Person, draft: RuleSetVersion, tail: str, fields: dict[str, str], says: str
    ) -> None:
        page = paula.open(draft, tail)
        if "number" in fields:
            name = next(each["name"] for each in page.main.all("input") if each["name"].startswith("number/"))
            fields = {name: fields["number"]}
        answer = paula.send(draft, tail, on=page, **fields)
        assert answer.status == 422
        assert any(says in sentence for _, sentence in answer.summary), answer.summary
        draft.refresh_from_db()
        assert draft.edition == 1

    def test_every_fault_of_a_typed_document_is_named_and_the_text_stays(
        self, paula: Person, draft: RuleSetVersion
    ) -> None:
        text = paula.open(draft, "document.yaml").html
        broken = text.replace("rag: red", "rag: purple", 1).replace(
            "code: L4-01\n  level: 4\n", "code: L4-01\n  level: 9\n"
        )
        page = paula.send(draft, "document/", text=broken)
        assert page.status == 422
        places = [says.partition(": ")[0] for _, says in page.summary]
        assert places == ["rules.hard_stop.then.rag", "indicators.L4-01.level"]
        assert page.form("")["text"].replace("\r\n", "\n").strip() == broken.strip()
        draft.refresh_from_db()
        assert draft.edition == 1

    def test_an_older_page_undoes_nothing(self, paula: Person, sam: Person, draft: RuleSetVersion) -> None:
        older = paula.open(draft, "entry/indicators/L3-12/").form("")
        sam.keep(draft, "entry/indicators/L3-13/", gate="strong")
        page = Page(paula.http.post(f"{LIST}{draft.pk}/entry/indicators/L3-12/", older | {"gate": "strong"}))
        assert page.status == 409
        assert "Somebody changed Early help first, version 3 while you were reading." in page.text

    def test_what_is_typed_is_shown_as_text(self, paula: Person, draft: RuleSetVersion) -> None:
        paula.keep(draft, "entry/rules/hard_stop/", title="<script>alert(1)</script>")
        for page in (paula.open(draft), paula.open(draft, "differences/")):
            assert "<script>alert(1)" not in page.html
            assert "<script>alert(1)</script>" in page.text

    def test_a_draft_is_put_away(self, paula: Person, draft: RuleSetVersion) -> None:
        page = paula.press(draft, "discard/")
        assert page.heading == "Early help first, version 3 Discarded"
        assert page.actions == {f"{LIST}{draft.pk}/copy/"}


class TestScenarios:
    def test_a_new_one_of_its_own_words(self, paula: Person, draft: RuleSetVersion) -> None:
        page = paula.send(draft, "scenarios/new/", title="A child of four who is often ill", pathway="advice")
        assert said(page) == "The change is kept. All 59 scenarios pass."
        page = paula.send(draft, "scenarios/new/", title="A child of four who is often ill", pathway="family_help")
        assert said(page) == "The change is kept. 1 of 60 scenarios fail now: look at them below."
        draft.refresh_from_db()
        names = [scenario.id for scenario in parse(draft.document).document.scenarios[-2:]]
        assert names == ["a_child_of_four_who_is_often_ill", "a_child_of_four_who_is_often_ill_2"]

    def test_one_of_a_past_contact_calls_its_children_c1_and_c2(
        self, paula: Person, story: Story, draft: RuleSetVersion
    ) -> None:
        contact = story.contact(children=[child(ref="robin-ashworth", indicators=["L3-12"])], adults=[])
        page = paula.open(draft, f"scenarios/new/?contact={contact}")
        form = page.form("")
        assert "ref: c1" in form["facts"]
        assert "robin" not in page.html.lower()
        event = AuditEvent.objects.get(event=Event.CONTACT_VIEWED)
        assert (event.by_user, event.contact) == (paula.user, contact)
        assert (form["pathway"], form["level"], form["hold"]) == ("family_help", "3", "none")

    def test_faults_in_its_facts_are_named(self, paula: Person, draft: RuleSetVersion) -> None:
        page = paula.send(draft, "scenarios/new/", title="Wrong", facts="children: [{ages: 7, indicators: [L9-01]}]")
        assert page.status == 422
        at = "scenarios.wrong.facts.children[0]"
        assert [says for _, says in page.summary] == [
            f'{at}.indicators[0]: "L9-01" is not an indicator of this rule set. Did you mean L4-01?',
            "scenarios.wrong.facts.children[0].ages: is not a field that is known here; correct its name or remove it.",
        ]
        page = paula.send(draft, "scenarios/new/", on=page, title="Wrong", facts="children: [")
        assert page.status == 422
        assert page.summary[0][1].startswith("facts: This is not YAML")

    def test_a_safety_scenario_is_a_service_managers(self, paula: Person, sam: Person, draft: RuleSetVersion) -> None:
        page = paula.send(draft, "scenarios/injury/", pathway="advice")
        assert (page.status, "Only a service manager can change what safety rests on: injury." in page.text) == (
            403,
            True,
        )
        assert f"{LIST}{draft.pk}/scenarios/injury/remove/" not in paula.open(draft, "scenarios/injury/").actions
        assert paula.press(draft, "scenarios/injury/remove/", edition=1).status == 403
        assert paula.send(draft, "scenarios/needs_met/", protected="on").status == 403
        draft.refresh_from_db()
        assert draft.edition == 1
        page = sam.send(draft, "scenarios/injury/", title="An injury")
        assert said(page) == "The change is kept. All 58 scenarios pass."
        page = sam.press(draft, "scenarios/injury/remove/", edition=2)
        assert "The scenario is taken away." in said(page)
        assert "Safety scenarios changed by" in page.text
        assert "48" in page.text

    def test_what_the_form_does_not_ask_about_stays(self, sam: Person, draft: RuleSetVersion) -> None:
        sam.keep(draft, "scenarios/induced_illness/", title="Induced illness")
        draft.refresh_from_db()
        scenario = next(each for each in parse(draft.document).document.scenarios if each.id == "induced_illness")
        assert scenario.expect.warnings == ("do_not_inform_parents",)
        assert scenario.expect.model_fields_set == {"pathway", "rag", "warnings"}


class TestDifferences:
    def test_rule_by_rule_before_and_now(self, paula: Person, draft: RuleSetVersion) -> None:
        assert "Nothing differs." in paula.open(draft, "differences/").text
        form = paula.open(draft, FIVE_IN_A_YEAR)
        paula.keep(draft, FIVE_IN_A_YEAR, on=form, **{the_number(form): "4"})
        page = paula.open(draft, "differences/")
        (before,), (now,) = page.main.all("del"), page.main.all("ins")
        assert before.text == "Before: Holds when the contacts in twelve months are 5 or more."
        assert now.text == "Now: Holds when the contacts in twelve months are 4 or more."
        assert "What differs from Early help first, version 2: 1" in paula.open(draft).text


class TestTheWholeWay:
    def test_from_a_copy_to_the_next_contact(
        self, paula: Person, sam: Person, story: Story, first: RuleSetVersion
    ) -> None:
        story.decided(story.contact())
        wanting = paula.press(first, "copy/")
        assert wanting.heading == "Early help first, version 3 Draft"
        draft = RuleSetVersion.objects.get(version=3)
        assert "It was not replayed over past contacts as it stands now." in wanting.text
        assert f"{LIST}{draft.pk}/propose/" not in wanting.actions
        form = paula.open(draft, FIVE_IN_A_YEAR)
        paula.keep(draft, FIVE_IN_A_YEAR, on=form, **{the_number(form): "4"})
        replayed(paula, draft)
        page = paula.send(draft, "propose/", on="")
        assert ("id_proposal", "Enter what the change is for") in page.summary
        page = paula.send(draft, "propose/", on=page, proposal="Families come back too often.")
        assert page.heading == "Early help first, version 3 Proved, waits for approval"
        assert f"{LIST}{draft.pk}/approve/" not in page.actions, "not by who proposed it"
        page = sam.send(draft, "approve/", on="")
        assert page.summary == [("id_approve-begins", "Select when it begins")]
        page = sam.send(draft, "approve/", on=page, approve__begins="now")
        assert page.heading == "Early help first, version 3 Published, live now"
        fresh = story.contact(at=timezone.now())
        assert fresh.recommendation is not None
        assert fresh.recommendation.rule_set == draft
        assert live(timezone.now()).version_id == draft.pk

    def test_what_a_new_release_brings(self, paula: Person, sam: Person, story: Story) -> None:
        """A council's own rules are live; two people read what differs, prove it and publish it."""
        own = live_instead("our-own", 4)
        earlier = story.contact()
        load()
        brought = RuleSetVersion.objects.get(shipped_as=shipped().name)
        page = paula.open(brought)
        called = version_said(shipped().name)
        assert page.heading == f"{called} Draft"
        assert f"FollowsOur own, version 4Drafted byIt came with the service, {called}" in page.text
        differs = paula.open(brought, "differences/")
        assert differs.heading == f"{called} beside Our own, version 4"
        replayed(paula, brought)
        paula.keep(brought, "propose/", on="", proposal="The release of November.")
        page = sam.send(brought, "approve/", on="", approve__begins="now")
        assert page.heading == f"{called} Published, live now"
        later = story.contact(at=timezone.now())
        used = [contact.recommendation and contact.recommendation.rule_set for contact in (earlier, later)]
        assert used == [own, brought]
        assert recheck(now=timezone.now(), sample=None).differing == []


@pytest.fixture(scope="class")
def proposed_once(told_for_a_class: None) -> int:
    return Drafts(Story(a_working_morning())).proposed().pk


class TestAProposal:
    @pytest.fixture
    def proposed(self, db: None, proposed_once: int) -> RuleSetVersion:
        """Paula's proved draft, which waits for approval."""
        return RuleSetVersion.objects.get(pk=proposed_once)

    def test_who_would_end_the_proposal_reads_it_first(self, sam: Person, proposed: RuleSetVersion) -> None:
        says = "Paula Whitfield proposed this draft."
        assert f"{says} A change withdraws the proposal" in sam.open(proposed, FIVE_IN_A_YEAR).text
        page = sam.open(proposed)
        assert f"{says} Discarding it ends the proposal." in page.text
        page = sam.send(proposed, "send-back/", on=page, send_back__reason="Not yet.")
        assert says not in sam.open(proposed, FIVE_IN_A_YEAR).text
        assert page.heading == "Early help first, version 3 Draft"
        assert says not in page.text

    def test_it_begins_at_a_moment_ahead_and_is_called_off(
        self, paula: Person, sam: Person, proposed: RuleSetVersion
    ) -> None:
        monday = local_day(timezone.now()) + timedelta(days=3)
        ahead = {"approve-begins": "later", "approve-time": "08:00"} | day_of(monday, "approve-day")
        page = sam.send(proposed, "approve/", on="", **ahead)
        assert page.heading == "Early help first, version 3 Published, not live yet"
        proposed.refresh_from_db()
        assert proposed.live.lower == datetime.combine(monday, datetime.min.time().replace(hour=8), tzinfo=LONDON)
        assert live(timezone.now()).rule_set.name == "early-help-first/2"
        page = sam.send(proposed, "call-off/", on=page)
        assert page.summary == [("id_call_off-reason", "Enter why")]
        page = sam.send(proposed, "call-off/", on=page, call_off__reason="Too soon.")
        assert page.heading == "Early help first, version 3 Called off before it was live"
        assert re.search("Called offSam Adeyemi, [^,]*, [^,]*, Too soon.", page.text)

    @pytest.mark.parametrize(
        ("day", "at", "says"),
        [
            ("", "", "Enter on which day and at what time it begins"),
            ("31 2 2027", "08:00", "This is not a real day."),
            ("1 2 2027", "25:00", "Enter a valid time."),
            ("1 1 2020", "08:00", "Enter a moment that lies ahead, or let it start at once"),
        ],
    )
    def test_a_start_that_is_none(self, sam: Person, proposed: RuleSetVersion, day: str, at: str, says: str) -> None:
        parts = dict(zip(("day", "month", "year"), day.split(), strict=False))
        fields = {f"approve-day_{part}": value for part, value in parts.items()}
        fields |= {"approve-begins": "later", "approve-time": at}
        page = sam.send(proposed, "approve/", on="", **fields)
        assert page.status == 422
        assert says in [sentence for _, sentence in page.summary]
        proposed.refresh_from_db()
        assert proposed.published_at is None

    def test_it_is_sent_back_with_a_reason(self, paula: Person, sam: Person, proposed: RuleSetVersion) -> None:
        page = sam.send(proposed, "send-back/", on="")
        assert page.summary == [("id_send_back-reason", "Enter why")]
        page = sam.send(proposed, "send-back/", on=page, send_back__reason="Read the stepped-down ones first.")
        assert page.heading == "Early help first, version 3 Draft"
        assert re.search("Sent backSam Adeyemi, [^,]*, [^,]*, Read the stepped-down ones first.", page.text)

    def test_addresses_that_do_something_lead_back_whoever_only_opens_them(
        self, sam: Person, proposed: RuleSetVersion
    ) -> None:
        before = AuditEvent.objects.count()
        for tail in ("copy/", "propose/", "send-back/", "approve/", "call-off/", "discard/", "replays/"):
            answer = sam.http.get(f"{LIST}{proposed.pk}/{tail}")
            assert (answer.status_code, answer.headers["Location"]) == (302, f"{LIST}{proposed.pk}/")
        assert AuditEvent.objects.count() == before


def told_of(story: Story, first_name: str, indicator: str) -> Contact:
    """A contact about a child of a family of their own."""
    born = f"201{len(first_name)}-0{len(first_name)}-1{first_name.count('o')}"
    about = child(
        nhs_number=None, first_name=first_name, last_name=f"Of{first_name}", date_of_birth=born, indicators=[indicator]
    )
    return story.contact(children=[about], adults=[], family_indicators=[])


def listed(page: Page) -> set[str]:
    """The contacts that a page leads to."""
    return {link.text for link in page.main.all("a") if link["href"].startswith("/contacts/")}


@dataclass(frozen=True)
class Found:
    """A replay by a stricter draft, by ids, and the references of the contacts that stepped up in it."""

    draft: int
    replay: int
    stepped_up: list[str]


@pytest.fixture(scope="class")
def found(told_for_a_class: None) -> Found:
    """
    Two contacts of level 3, one of them decided as a review against the rules, and one of level 2. In the draft L3-12
    asks for a social worker.
    """
    story = Story(a_working_morning())
    one = told_of(story, "Robin", "L3-12")
    story.decided(one, pathway="social_worker_review", rag="amber", level=3)
    contacts = [one, told_of(story, "Noor", "L3-12"), told_of(story, "Alex", "L2-01")]
    drafts = Drafts(story)
    draft = drafts.copied()
    draft = drafts.changed(draft, having(draft.document, "indicators", "L3-12", gate="strong"))
    replay = drafts.replayed(draft)
    assert replay.finished_at
    return Found(draft.pk, replay.pk, [str(contact) for contact in contacts[:2]])


class TestReplayPages:
    @pytest.fixture
    def stricter(self, db: None, found: Found) -> RuleSetVersion:
        return RuleSetVersion.objects.get(pk=found.draft)

    @pytest.fixture
    def replay(self, db: None, found: Found) -> Replay:
        return Replay.objects.get(pk=found.replay)

    def test_what_it_found(self, paula: Person, stricter: RuleSetVersion, replay: Replay, found: Found) -> None:
        page = paula.open(stricter, f"replays/{replay.pk}/?list=up")
        assert "2 of 3 contacts would have been led elsewhere." in page.text
        assert listed(page) == {*found.stepped_up}
        assert "Stepped up: 2" in page.text
        people = paula.open(stricter, f"replays/{replay.pk}/?list=people")
        assert listed(people) == {found.stepped_up[0]}
        down = paula.open(stricter, f"replays/{replay.pk}/")
        assert "Stepped down: 0" in down.text
        assert paula.open(stricter, f"replays/{replay.pk}/?list=none").status == 404
        for name in ("Robin", "Noor", "Khan", "Alex"):
            assert name not in page.html

    def test_as_a_file_with_nobodys_name_and_a_trace(
        self, paula: Person, stricter: RuleSetVersion, replay: Replay, found: Found
    ) -> None:
        answer = paula.http.get(f"{LIST}{stricter.pk}/replays/{replay.pk}/contacts.csv")
        text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]  # it is streamed
        rows = list(csv.DictReader(io.StringIO(text)))
        assert [row["reference"] for row in rows] == found.stepped_up
        assert [(row["before_pathway"], row["after_pathway"], row["direction"]) for row in rows] == [
            ("family_help", "social_work_assessment", "up")
        ] * 2
        assert [row["agrees_with_people"] for row in rows] == ["yes", "no"]
        event = AuditEvent.objects.get(event=Event.REPLAY_EXPORTED)
        assert (event.by_user, event.detail["replay"]) == (paula.user, replay.pk)

    def test_who_runs_the_machine_reads_the_figures_and_not_the_contacts(
        self, paula: Person, stricter: RuleSetVersion, replay: Replay
    ) -> None:
        adele = Person("adele")
        page = adele.open(stricter, f"replays/{replay.pk}/?list=all")
        assert "2 of 3 contacts would have been led elsewhere." in page.text
        assert not listed(page)
        assert adele.http.get(f"{LIST}{stricter.pk}/replays/{replay.pk}/contacts.csv").status_code == 403

    def test_a_draft_that_changed_since_says_so(self, paula: Person, stricter: RuleSetVersion, replay: Replay) -> None:
        paula.keep(stricter, "entry/indicators/L3-13/", gate="strong")
        assert "The draft has changed since" in paula.open(stricter, f"replays/{replay.pk}/").text
        assert "An earlier one" in paula.open(stricter).text


class TestAskingForAReplay:
    def test_it_waits_runs_and_is_cancelled(self, paula: Person, draft: RuleSetVersion) -> None:
        page = paula.send(draft, "replays/", on="")
        assert "It waits for the worker" in page.text
        replay = Replay.objects.get()
        page = paula.press(draft, f"replays/{replay.pk}/cancel/")
        assert "Paula Whitfield cancelled it" in page.text
        assert paula.press(draft, f"replays/{replay.pk}/cancel/").status == 409
        assert paula.http.get(f"{LIST}{draft.pk}/replays/{replay.pk}/contacts.csv").status_code == 409
        Replay.objects.create(
            rule_set=draft, edition=1, first_day="2026-01-01", last_day="2026-02-01", asked_by=paula.user,
            asked_at=timezone.now(), started_at=timezone.now(), contacts=200, done=50,
        )  # fmt: skip
        page = paula.open(draft, f"replays/{replay.pk + 1}/")
        assert "50 of 200 contacts are done." in page.text
        (bar,) = page.main.all("progress")
        assert (bar["max"], bar["value"]) == ("200", "50")

    def test_days_that_are_wrong(self, paula: Person, draft: RuleSetVersion) -> None:
        tomorrow, form = local_day(timezone.now()) + timedelta(days=1), paula.open(draft)
        for fields, says in (
            (day_of(tomorrow, "replay-last_day"), "This day lies in the future."),
            (day_of(tomorrow - timedelta(days=3000), "replay-last_day"), "The last day is before the first."),
            ({"replay-first_day_day": "31", "replay-first_day_month": "2"}, "This is not a real day."),
            ({"replay-first_day_day": "x"}, "Enter a day, a month and a year of four digits, as 21 11 2026"),
        ):
            page = paula.send(draft, "replays/", on=form, **fields)
            assert (page.status, [sentence for _, sentence in page.summary]) == (422, [says])
        assert not Replay.objects.exists()


class TestBudgets:
    """The number of queries of a page does not grow with the data."""

    def cost(self, who: Person, version: RuleSetVersion, tail: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert who.open(version, tail).status == 200
        return len(queries)

    def test_by_page(self, paula: Person, story: Story, draft: RuleSetVersion) -> None:
        paula.keep(draft, "entry/indicators/L3-12/", gate="strong")
        story.contact(children=[child(indicators=["L3-12"])], adults=[])
        replay = replayed(paula, draft)
        budgets = {
            "": 7, FIVE_IN_A_YEAR: 5, "scenarios/injury/": 5, "document/": 5, "differences/": 6,
            f"replays/{replay.pk}/?list=all": 9,
        }  # fmt: skip
        few = {tail: self.cost(paula, draft, tail) for tail in budgets}
        for number in range(3):
            told_of(story, f"Other{number}", "L3-12")
        replayed(paula, draft)
        many = {tail: self.cost(paula, draft, tail) for tail in budgets}
        assert many == few
        assert {tail: cost for tail, cost in many.items() if cost > budgets[tail]} == {}
