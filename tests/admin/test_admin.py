"""The admin screens: who opens which, what a team lead sees there, what administrators edit, and what stays."""

import base64
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.admin import site
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from casework.actions import handoffs
from casework.admin import work
from casework.jobs import calendar_changes, delivery, sweep
from casework.messages import wording
from casework.models import (
    AuditEvent,
    CalendarEdit,
    Case,
    Clock,
    ClockPolicy,
    Contact,
    Decision,
    Event,
    Handoff,
    OutboxMessage,
    Reminder,
    WebhookEndpoint,
)
from casework.web import first_pages
from casework.web.tags import duration
from localities.models import (
    Agency,
    AgencyClient,
    CalendarDay,
    Catchment,
    HubHours,
    Locality,
    Membership,
    OtherAuthority,
    Postcode,
    Team,
    User,
)
from localities.working_time import local_day
from tests.stage.administrator import Administrator, list_of
from tests.stage.documents import address, child
from tests.stage.mail import mail_server
from tests.stage.outbox import drain
from tests.stage.story import Story
from tests.stage.web_client import CONTACTS, TOKEN, Page, a_working_morning, todays_document
from triage.models import RuleSetVersion

SETTINGS = {
    "user", "team", "locality", "catchment", "postcode", "otherauthority", "agency", "agencyclient", "hubhours",
    "webhookendpoint", "webhookdelivery",
    "calendarday", "clockpolicy", "rulesetversion", "secondfactorrule",
}  # fmt: skip
WORK = {"contact", "case", "handoff", "clock", "decision", "reminder", "outboxmessage", "auditevent"}
KEPT = {"recheck", "thresholdchecks"}
EDITS = {"calendaredit"}
EVERY_SCREEN = SETTINGS | WORK | KEPT | EDITS
OPENS: dict[str, set[str]] = {
    "paula": {"rulesetversion"} | KEPT,
    "ben": {"case", "handoff", "clock"},
    "pat": {"case", "handoff", "clock"},
    "maya": {"contact", "case", "handoff", "clock", "decision", "rulesetversion"},
    "sam": (SETTINGS | WORK | KEPT | EDITS) - {"auditevent"},
    "ava": SETTINGS | WORK | KEPT | EDITS,
    "iris": {"auditevent"},
    "adele": SETTINGS | KEPT | EDITS | {"outboxmessage"},
}
SINCE_2026 = {"period_0": "2026-01-01", "period_1": ""}


@pytest.fixture
def story(db: None) -> Story:
    """Stories that end before today: the screens look at the clock on the wall."""
    return Story(a_working_morning())


@pytest.fixture
def adele(db: None) -> Administrator:
    """The administrator."""
    return Administrator("adele")


def faults(page: Page) -> list[str]:
    """What a screen says is wrong."""
    return [item.text for errors in page.root.all("ul", class_="errorlist") for item in errors.all("li")]


def saved(page: Page) -> None:
    assert not faults(page), faults(page)
    assert page.root.all("li", class_="success"), page.text


def edits() -> list[dict[str, Any]]:
    """What the audit says of edits, in order."""
    return [event.detail for event in AuditEvent.objects.filter(event=Event.SETTING_CHANGED).order_by("id")]


# ---- who opens what


class TestWhoOpensWhat:
    def test_every_screen_is_in_the_table(self) -> None:
        assert {model._meta.model_name for model in site._registry} == EVERY_SCREEN

    @pytest.mark.parametrize("name", OPENS)
    def test_by_role(self, db: None, name: str) -> None:
        who = Administrator(name)
        opened = {screen for screen in EVERY_SCREEN if who.open(list_of(screen)).status == 200}
        assert opened == OPENS[name]
        index = who.open("/admin/")
        assert index.status == 200
        listed = {link["href"].split("/")[3] for link in index.root.all("a") if link["href"].count("/") == 4}
        assert listed == OPENS[name], "the index offers what opens, and nothing else"

    def test_whoever_neither_leads_nor_oversees_opens_nothing(self, db: None) -> None:
        for name in ("amina", "oliver", "erin", "bea"):
            who = Administrator(name)
            for path in ("/admin/", list_of(Case), list_of(User), list_of(AuditEvent)):
                page = Page(who.client.get(path, follow=True))
                assert page.status == 403, (name, path)
                assert "You do not have access to do this." in page.text
            assert "/admin/" not in who.open("/").html

    def test_whoever_is_not_signed_in_signs_in_where_everybody_does(self, client: Client, db: None) -> None:
        """The admin has no sign-in page of its own, so the limit on attempts applies."""
        for path in ("/admin/", "/admin/login/", list_of(Case)):
            answer = client.get(path, follow=True)
            assert (answer.status_code, Page(answer).heading) == (200, "Sign in")
            assert answer.redirect_chain[-1][0].startswith("/accounts/login/?next=/admin/")

    @pytest.mark.parametrize("name", ["", "amina"])
    def test_no_password_can_be_tried_at_the_admins_own_address(self, client: Client, ben: User, name: str) -> None:
        ben.set_password("correct horse battery staple")
        ben.save()
        if name:
            client.force_login(User.objects.get(username=name))
        answers = [
            client.post("/admin/login/", {"username": "ben", "password": password}).status_code
            for password in ("correct horse battery staple", "guessed")
        ]
        assert answers[0] == answers[1] != 200
        assert client.session.get("_auth_user_id") != str(ben.pk)

    def test_a_lead_whose_time_has_ended_opens_nothing(self, ben: User) -> None:
        who = Administrator("ben")
        assert who.open("/admin/").status == 200
        ben.memberships.update(ends_on=local_day(timezone.now()) - timedelta(days=1))
        assert who.client.get(list_of(Case), follow=True).status_code == 403


@pytest.fixture(scope="class")
def in_work(told_for_a_class: None) -> None:
    """There is a row on every screen: a case in work, with reminders of what is late."""
    Story(a_working_morning()).accepted()
    sweep.sweep(now=timezone.now())


@pytest.mark.usefixtures("in_work")
class TestRowsOnTheScreens:
    @pytest.mark.parametrize("name", ["ben", "ava"])
    def test_nobody_but_administrators_edits_anything(self, name: str) -> None:
        who, before = Administrator(name), AuditEvent.objects.count()
        for model in site._registry:
            add, row = f"{list_of(model)}add/", model._default_manager.first()
            assert who.client.post(add, {}).status_code == 403, add
            if row is None:
                continue
            change = f"{list_of(model)}{row.pk}/change/"
            assert who.client.post(change, {"name": "x"}).status_code in (302, 403, 404), change
            assert who.client.post(f"{list_of(model)}{row.pk}/delete/", {"post": "yes"}).status_code in (302, 403, 404)
            row.refresh_from_db()
        assert AuditEvent.objects.count() == before
        assert Case.objects.count() == 1

    @pytest.mark.parametrize("name", ["ben", "maya", "paula", "iris"])
    def test_a_rows_own_address_is_for_whoever_may_open_its_screen(self, name: str) -> None:
        """Whoever knows a number learns neither a reference nor to whom we write."""
        who = Administrator(name)
        for screen in WORK - OPENS[name]:
            (model,) = [model for model in site._registry if model._meta.model_name == screen]
            row = model._default_manager.first()
            assert row is not None, screen
            for answer in (who.client.get(path := f"{list_of(screen)}{row.pk}/change/"), who.client.post(path)):
                assert (answer.status_code, "Location" in answer.headers) == (403, False), path
                assert "CON-" not in answer.content.decode()

    def test_nothing_is_deleted_where_something_hangs_on_it(self, adele: Administrator) -> None:
        client = AgencyClient.objects.create(
            agency=Agency.objects.all()[0], client_type="confidential", authorization_grant_type="client-credentials"
        )
        CalendarDay.objects.create(date="2027-01-01", kind="closure", name="A day of our own")
        may_go = {AgencyClient, HubHours, CalendarDay}
        for model in site._registry:
            row = model._default_manager.first()
            if row is None or model in may_go:
                continue
            path = f"{list_of(model)}{row.pk}/"
            for answer in (adele.client.get(f"{path}delete/"), adele.client.post(f"{path}delete/", {"post": "yes"})):
                assert answer.status_code in (302, 403), path
            action = {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"}
            adele.client.post(list_of(model), action)
            assert model._default_manager.filter(pk=row.pk).exists(), path
        assert AgencyClient.objects.get() == client


# ---- what leads see


@dataclass(frozen=True)
class Recorded:
    """A story, and the ids of its cases and its contact."""

    story: Story
    ours: int
    theirs: int
    waits: int


@pytest.fixture(scope="class")
def recorded(told_for_a_class: None) -> Recorded:
    """Cases of Aylesbury and of Wycombe and Marlow, and a contact that waits at the front door."""
    story = Story(a_working_morning())
    ours = story.accepted()
    theirs = story.offered(story.contact(children=[elsewhere("Noor", "HP11 1AA")], adults=[])).case
    waits = story.contact(children=[elsewhere("Alex", "HP5 1AA")], adults=[])
    return Recorded(story, ours.pk, theirs.pk, waits.pk)


class TestWhatALeadSees:
    @pytest.fixture
    def story(self, db: None, recorded: Recorded) -> Story:
        return recorded.story.goes_on()

    @pytest.fixture
    def records(self, db: None, recorded: Recorded) -> dict[str, Any]:
        return {
            "ours": Case.objects.get(pk=recorded.ours),
            "theirs": Case.objects.get(pk=recorded.theirs),
            "waits": Contact.objects.get(pk=recorded.waits),
        }

    def test_the_cases_and_handoffs_of_their_own_teams_only(self, records: dict[str, Any]) -> None:
        for name, sees in {"ben": {str(records["ours"])}, "carol": {str(records["theirs"])}, "pat": set()}.items():
            who = Administrator(name)
            assert who.references(Case) == sees
            assert who.references(Handoff) == sees
            assert who.references(Clock, "?stand=all") == sees

    def test_the_front_doors_manager_what_the_front_door_holds(self, records: dict[str, Any]) -> None:
        maya = Administrator("maya")
        assert maya.references(Case) == {str(records["theirs"])}, "until it is accepted"
        contacts = {str(contact) for contact in Contact.objects.all()}
        assert maya.references(Contact) == contacts
        assert maya.references(Decision) == {str(decision.contact) for decision in Decision.objects.all()}
        decision = Decision.objects.get(contact__case=records["ours"])
        assert str(decision.contact) in maya.references(Decision, f"?pathway={decision.pathway}")
        assert maya.references(Decision, "?pathway=no_further_action") == set()

    def test_overseers_everything(self, records: dict[str, Any]) -> None:
        for name in ("sam", "ava"):
            assert Administrator(name).references(Case) == {str(records["ours"]), str(records["theirs"])}

    def test_late_clocks_unless_asked_otherwise(self, records: dict[str, Any]) -> None:
        case = records["ours"]
        ben = Administrator("ben")
        late = Clock.objects.running().filter(case=case, due_at__lte=timezone.now())
        assert len(ben.rows(Clock)) == late.count()
        running = Clock.objects.running().filter(case=case)
        assert len(ben.rows(Clock, "?stand=running")) == running.count() > 0
        of_the_offer = Clock.objects.filter(handoff__case=case)
        assert len(ben.rows(Clock, "?stand=all")) == case.clocks.count() + of_the_offer.count() > running.count()

    def test_a_late_one_says_by_how_much(self, records: dict[str, Any]) -> None:
        """The contact waits since a working morning days ago: its promises of that day are late."""
        rows = Administrator("maya").rows(Clock)
        late = [row.text for row in rows if str(records["waits"]) in row.text]
        assert late
        assert all(re.search(r"\d+ (day|hour|minute)s?", text) for text in late)

    def test_a_row_leads_to_the_page_where_a_look_leaves_its_trace(self, records: dict[str, Any]) -> None:
        ben, case = Administrator("ben"), records["ours"]
        (row,) = ben.rows(Case)
        assert [link["href"] for link in row.all("a")] == [f"/cases/{case}/"]
        answer = ben.client.get(f"{list_of(Case)}{case.pk}/change/")
        assert (answer.status_code, answer.headers["Location"]) == (302, f"/cases/{case}/")
        assert not AuditEvent.objects.filter(event=Event.CASE_VIEWED).exists()
        ben.client.get(f"{list_of(Case)}{case.pk}/change/", follow=True)
        assert AuditEvent.objects.filter(event=Event.CASE_VIEWED, by_user=ben.user, case=case).count() == 1

    @pytest.mark.parametrize("model", [Handoff, Clock])
    def test_a_row_whose_case_has_moved_on_leads_nowhere(
        self, story: Story, records: dict[str, Any], model: type[Model]
    ) -> None:
        """Carol's team gave it back, so its page is no longer theirs; the offer stays on their list."""
        theirs, carol = records["theirs"], Administrator("carol")
        assert carol.references(model, "?stand=all" if model is Clock else "") == {str(theirs)}
        handoffs.return_to_sender(
            handoff_id=theirs.handoffs.get().pk, reason="Known in Chiltern.", by=carol.user, now=story.later()
        )
        rows = carol.rows(model, "?stand=all" if model is Clock else "")
        assert {str(theirs) in row.text for row in rows} == {True}
        assert [link for row in rows for link in row.all("a")] == []

    def test_what_is_not_theirs_is_not_found_by_its_number(self, records: dict[str, Any]) -> None:
        carol, ours = Administrator("carol"), records["ours"]
        numbers = [ours, ours.handoffs.get(), ours.clocks.all()[0]]
        for row in numbers:
            for page in ("change", "history", "delete"):
                answer = carol.client.get(f"{list_of(type(row))}{row.pk}/{page}/", follow=True)
                assert answer.status_code in (403, 404) or "/admin/" in answer.redirect_chain[-1][0]
                assert str(ours) not in answer.content.decode(), (row, page)

    def test_a_long_list_is_counted_to_its_limit(
        self, records: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert "3 contacts" in Administrator("sam").open(list_of(Contact)).text
        monkeypatch.setattr(first_pages, "MOST_LISTED", 2)
        monkeypatch.setattr(work.WorkAdmin, "list_per_page", 1)
        page = Administrator("sam").open(list_of(Contact))
        assert "The first 2 contacts. There are more: filter the list." in page.text
        assert "3 contacts" not in page.text

    def test_no_list_names_a_child(self, records: dict[str, Any]) -> None:
        sweep.sweep(now=timezone.now())
        assert Reminder.objects.exists()
        who = Administrator("ava")
        for screen in WORK:
            html = who.open(list_of(screen) + ("?stand=all" if screen == "clock" else "")).html
            assert not re.search("Robin|Ashworth|Noor|Alex", html), screen

    def test_a_clock_says_since_when_the_family_waits_and_since_when_it_runs(self, story: Story) -> None:
        contact = story.contact()
        check = story.asked(contact, at=story.later(hours=3))
        (row,) = [row for row in Administrator("maya").rows(Clock, "?stand=all") if "Partner's answer" in row.text]
        cells = {cell["class"].split()[0]: cell.text for cell in row.all("td")}
        for column, moment in (("since_receipt", contact.received_at), ("since_start", check.clocks.get().started_at)):
            waited = timezone.now() - moment
            assert cells[f"field-{column}"] in {duration(waited), duration(waited - timedelta(minutes=1))}

    def test_a_search_finds_a_reference_and_no_name(self, records: dict[str, Any]) -> None:
        sam, case = Administrator("sam"), records["ours"]
        assert sam.references(Case, f"?q={str(case).lower()}") == {str(case)}
        for text in ("Ashworth", "Robin", "'; --"):
            assert sam.references(Case, f"?q={text}") == set()

    def test_a_query_that_was_tampered_with_breaks_nothing(self, story: Story) -> None:
        story.contact()
        sam = Administrator("sam")
        for query in ("?o=9.9", "?p=99999999", "?p=x", "?status=none", "?e=1", "?stand=none", "?q=%00"):
            assert Page(sam.client.get(list_of(Clock) + query, follow=True)).status == 200, query


def elsewhere(name: str, postcode: str) -> dict[str, Any]:
    """A child of another family, at another home."""
    return child(
        first_name=name, last_name=f"Of {postcode}", nhs_number=None,
        date_of_birth="2014-06-23" if name == "Noor" else "2017-09-27", address=address(postcode),
    )  # fmt: skip


# ---- what administrators edit


class TestSettings:
    def test_a_locality_and_its_team(self, adele: Administrator) -> None:
        saved(adele.add(Locality, code="north-bucks", name="North Bucks"))
        locality = Locality.objects.get(code="north-bucks")
        team = {"code": "north-bucks", "name": "North Bucks team", "kind": "locality", "locality": locality.pk}
        assert faults(adele.add(Team, **team | {"locality": ""})) == [
            "A locality team needs its locality, and no other kind of team has one."
        ]
        saved(adele.add(Team, **team))
        assert faults(adele.add(Team, **team | {"code": "second", "name": "Second"})) == [
            "This locality already has a team that takes work."
        ]
        assert Team.objects.get(code="north-bucks").is_active

    def test_a_teams_code_is_an_address(self, adele: Administrator) -> None:
        for code in ("North Bucks", "north_bucks", "-north", ""):
            page = adele.add(Team, code=code, name="North", kind="child_protection")
            assert len(faults(page)) == 1, code
        assert not Team.objects.filter(name="North").exists()

    def test_people_and_teams_have_telephone_numbers(self, adele: Administrator, ben: User, story: Story) -> None:
        team = story.team("aylesbury")
        for row in (ben, team):
            assert faults(adele.change(row, telephone="ask at the desk")) == [
                "Enter a telephone number, like 01632 960 100 or 01632 960 100 ext 12."
            ]
            for number in ("01632 960100", "+44 (0)1632 960100 ext. 12", ""):
                saved(adele.change(row, telephone=number))
                row.refresh_from_db()
                assert row.telephone == number

    def test_what_a_team_is_for_stays_while_it_has_work(self, adele: Administrator, story: Story) -> None:
        team, other = story.team("aylesbury"), {"kind": "child_protection", "locality": ""}
        handoff = story.offered()
        case, waiting = handoff.case, story.contact()
        says = "This team has work: it has {} open cases, {} are on offer to it, and {} contacts wait with it. "
        says += "Hand all of it on before you change what the team is for, or add another team."
        assert faults(adele.change(team, **other)) == [says.format(0, 1, 0)]
        assert faults(adele.change(story.team("front-door"), kind="out_of_area")) == [says.format(1, 0, 1)]
        handoffs.accept(handoff_id=handoff.pk, by=User.objects.get(username="ben"), now=story.later())
        assert faults(adele.change(team, **other)) == [says.format(1, 0, 0)]
        saved(adele.change(team, name="Aylesbury families"))
        assert (waiting.team.kind, story.team("aylesbury").kind) == ("front_door", "locality")
        story.closed(case)
        saved(adele.change(team, **other))

    def test_a_catchment_that_takes_over_on_a_day(self, adele: Administrator) -> None:
        ends = Catchment.objects.get(prefix="HP19")
        saved(adele.change(ends, period_1="2027-04-01"))
        chiltern = Locality.objects.get(code="chiltern")
        saved(adele.add(Catchment, locality=chiltern.pk, prefix="HP19", period_0="2027-04-01", period_1=""))
        assert Catchment.objects.filter(prefix="HP19").count() == 2

    def test_two_catchments_never_claim_one_prefix_on_one_day(self, adele: Administrator) -> None:
        chiltern = Locality.objects.get(code="chiltern")
        page = adele.add(Catchment, locality=chiltern.pk, prefix="HP19", **SINCE_2026)
        assert faults(page) == ["Another catchment already has this prefix on some of these days."]
        assert Catchment.objects.filter(prefix="HP19").count() == 1

    def test_a_prefix_is_the_beginning_of_a_postcode(self, adele: Administrator) -> None:
        chiltern = Locality.objects.get(code="chiltern")
        for prefix in ("hp19", "HP19 8A", "19", "HP19  8", "HP1999", "HPX", ""):
            assert faults(adele.add(Catchment, locality=chiltern.pk, prefix=prefix, **SINCE_2026)), prefix

    def test_a_catchment_lasts_at_least_a_day(self, adele: Administrator) -> None:
        chiltern = Locality.objects.get(code="chiltern")
        for last in ("2026-01-01", "2025-01-01"):
            page = adele.add(Catchment, locality=chiltern.pk, prefix="ZZ1", period_0="2026-01-01", period_1=last)
            assert faults(page), last
        assert not Catchment.objects.filter(prefix="ZZ1").exists()

    def test_a_new_postcode_is_one(self, adele: Administrator) -> None:
        """A typed postcode is stored in the form that routing compares: HP20 1ZZ."""
        saved(adele.add(Postcode, postcode="HP20 1ZZ", easting="", northing=""))
        assert Postcode.objects.filter(pk="HP20 1ZZ").exists()
        page = adele.add(Postcode, postcode="nowhere", easting="", northing="")
        assert faults(page)
        adele.add(Postcode, postcode="hp19 9zz", easting="", northing="")
        added = Postcode.objects.exclude(postcode__regex=r"^[A-Z]{1,2}[0-9][0-9A-Z]? [0-9][A-Z]{2}$")
        assert list(added) == []

    def test_an_agency(self, adele: Administrator) -> None:
        saved(adele.add(Agency, code="example-nursery", name="Example Nursery", source_code="2B"))
        assert Agency.objects.get(code="example-nursery").is_active
        page = adele.add(Agency, code="example-nursery", name="Another", source_code="99")
        assert len(faults(page)) == 2

    def test_a_day_of_the_calendar(self, adele: Administrator) -> None:
        saved(adele.add(CalendarDay, date="2027-01-29", kind="closure", name="Systems day"))
        day = CalendarDay.objects.get()
        assert faults(adele.add(CalendarDay, date="2027-01-29", kind="closure", name="Again"))
        page = Page(adele.client.post(f"{list_of(CalendarDay)}{day.pk}/delete/", {"post": "yes"}, follow=True))
        saved(page)
        assert not CalendarDay.objects.exists()
        assert [edit["what"] for edit in edits()] == ["added", "removed"]

    def test_each_day_is_taken_away_by_itself_so_that_its_clocks_move(self, adele: Administrator) -> None:
        saved(adele.add(CalendarDay, date="2027-01-29", kind="closure", name="Systems day"))
        day = CalendarDay.objects.get()
        adele.client.post(
            list_of(CalendarDay), {"action": "delete_selected", "_selected_action": day.pk, "post": "yes"}
        )
        assert CalendarDay.objects.get() == day
        assert "delete_selected" not in adele.open(list_of(CalendarDay)).html

    def test_when_the_hub_is_open(self, adele: Administrator) -> None:
        monday = HubHours.objects.get(weekday=0)
        assert faults(adele.change(monday, opens="17:00", closes="09:00")) == [
            "The hub must close later than it opens."
        ]
        saved(adele.change(monday, opens="08:30", closes="17:00"))

    def test_another_authority(self, adele: Administrator) -> None:
        saved(adele.add(OtherAuthority, name="Somewhere Council"))

    def test_a_promise_under_which_nothing_started_may_be_changed(self, adele: Administrator) -> None:
        policy = ClockPolicy.objects.all()[0]
        saved(adele.change(policy, limit="2"))
        policy.refresh_from_db()
        assert policy.limit == 2
        assert faults(adele.change(policy, warn_at_share="1.5")) == ["The share must lie between 0 and 1, as 0.75."]

    def test_one_under_which_clocks_started_is_only_read(self, adele: Administrator, story: Story) -> None:
        story.contact()
        policy = ClockPolicy.objects.get(kind="next_step_decision")
        path = f"{list_of(ClockPolicy)}{policy.pk}/change/"
        page = adele.open(path)
        assert page.status == 200
        assert not page.root.all("input", name="_save")
        assert adele.client.post(path, {"limit": "99"}).status_code == 403
        policy.refresh_from_db()
        assert policy.limit != 99

    def test_a_later_one_takes_its_place(self, adele: Administrator, story: Story) -> None:
        old = story.contact().clocks.get(kind="next_step_decision").policy
        fields = {name: getattr(old, name) for name in ("kind", "subject", "starts_at", "unit", "ends", "escalates_to")}
        page = adele.add(
            ClockPolicy, **fields, limit="2", warn_at_share="0.5", basis="local: tried out", effective_from="2020-01-01"
        )
        saved(page)
        later = story.contact(children=[elsewhere("Noor", "HP11 1AA")], adults=[])
        assert later.clocks.get(kind="next_step_decision").policy.limit == 2

    def test_a_rule_set_leads_to_its_own_page_and_is_never_edited_here(self, adele: Administrator) -> None:
        version = RuleSetVersion.objects.get()
        path = f"{list_of(RuleSetVersion)}{version.pk}/change/"
        for answer in (adele.client.get(path), adele.client.post(path, {"version": "9"})):
            assert (answer.status_code, answer.headers["Location"]) == (302, f"{list_of(RuleSetVersion)}{version.pk}/")
        assert adele.client.get(f"{list_of(RuleSetVersion)}add/").status_code == 403
        version.refresh_from_db()
        assert version.version == 2


class TestTheCalendarMovesClocks:
    """Clocks in working days skip the days on which the council is closed."""

    @pytest.fixture
    def clock(self, db: None) -> Clock:
        """A clock with a policy of the council's own, which runs over the next days."""
        contact = Story(timezone.now()).contact()
        return contact.clocks.get(kind="final_decision_green")

    @pytest.fixture
    def closed_on(self, clock: Clock) -> date:
        """The working day on which it is due."""
        return local_day(clock.due_at)

    def close(self, adele: Administrator, on: date, **fields: Any) -> Page:
        return adele.add(CalendarDay, **{"date": f"{on}", "kind": "closure", "name": "Systems day"} | fields)

    def listed(self, adele: Administrator) -> list[dict[str, str]]:
        """What the screen of the edits says of each, by column."""
        cells = [row.all("th") + row.all("td") for row in adele.rows(CalendarEdit)]
        return [{cell["class"].split()[0].removeprefix("field-"): cell.text for cell in row} for row in cells]

    def test_a_new_day_is_an_edit_that_says_who_and_what(self, adele: Administrator, closed_on: date) -> None:
        page = self.close(adele, closed_on)
        saved(page)
        assert "The clocks that run over this day are computed again in a moment: see Calendar edits." in page.root.text
        edit = CalendarEdit.objects.get()
        assert (edit.date, edit.before, edit.after, edit.by) == (closed_on, "", "closure", adele.user)
        assert [(each["setting"], each["what"]) for each in edits()] == [("localities.CalendarDay", "added")]

    def test_its_screen_shows_how_far_it_is(self, adele: Administrator, clock: Clock, closed_on: date) -> None:
        self.close(adele, closed_on)
        (waits,) = self.listed(adele)
        assert waits["__str__"] == f"{closed_on:%-d %B %Y}: as usual to closure"
        assert (waits["by"], waits["looked_at"], waits["moved"], waits["finished_at"]) == (
            "Adele Foster",
            "0",
            "0",
            "-",
        )
        running = Clock.objects.running().count()
        calendar_changes.recompute(clock=timezone.now)
        (done,) = self.listed(adele)
        looked_at, moved = int(done["looked_at"]), int(done["moved"])
        assert 1 <= moved <= looked_at <= running
        assert done["finished_at"] != "-"
        assert Clock.objects.get(pk=clock.pk).due_at > clock.due_at
        (event,) = AuditEvent.objects.filter(event=Event.CLOCKS_RECOMPUTED)
        assert (event.by_user, event.detail["moved"]) == (adele.user, moved)

    def test_what_is_taken_away_moves_them_back(self, adele: Administrator, clock: Clock, closed_on: date) -> None:
        self.close(adele, closed_on)
        calendar_changes.recompute(clock=timezone.now)
        day = CalendarDay.objects.get()
        saved(Page(adele.client.post(f"{list_of(CalendarDay)}{day.pk}/delete/", {"post": "yes"}, follow=True)))
        calendar_changes.recompute(clock=timezone.now)
        assert Clock.objects.get(pk=clock.pk).due_at == clock.due_at
        assert [each["__str__"].split(": ")[1] for each in self.listed(adele)] == [
            "closure to as usual", "as usual to closure",
        ]  # fmt: skip

    def test_a_day_that_moves_is_two_edits(self, adele: Administrator, closed_on: date) -> None:
        self.close(adele, closed_on)
        saved(adele.change(CalendarDay.objects.get(), date=f"{closed_on + timedelta(days=1)}"))
        edits = list(CalendarEdit.objects.order_by("pk").values_list("date", "before", "after"))
        after = closed_on + timedelta(days=1)
        assert edits == [(closed_on, "", "closure"), (closed_on, "closure", ""), (after, "", "closure")]

    def test_another_name_moves_nothing(self, adele: Administrator, closed_on: date) -> None:
        self.close(adele, closed_on)
        saved(adele.change(CalendarDay.objects.get(), name="Training day"))
        assert CalendarEdit.objects.count() == 1
        assert CalendarDay.objects.get().name == "Training day"

    def test_nobody_but_an_administrator_closes_the_council(self, closed_on: date) -> None:
        for name in ("sam", "ava"):
            answer = Administrator(name).client.post(
                f"{list_of(CalendarDay)}add/", {"date": f"{closed_on}", "kind": "closure", "name": "A day off"}
            )
            assert answer.status_code == 403
        assert not CalendarEdit.objects.exists()

    def test_an_edit_is_only_looked_at(self, adele: Administrator, closed_on: date) -> None:
        self.close(adele, closed_on)
        path = f"{list_of(CalendarEdit)}{CalendarEdit.objects.get().pk}/"
        assert adele.client.post(f"{path}change/", {"looked_at": "9"}).status_code == 403
        assert adele.client.post(f"{path}delete/", {"post": "yes"}).status_code == 403
        assert adele.client.get(f"{list_of(CalendarEdit)}add/").status_code == 403


@pytest.fixture(scope="class")
def parked_once(told_for_a_class: None) -> int:
    """The acknowledgement to a school whose address is refused, after every try."""
    Story(a_working_morning()).contact()
    message = OutboxMessage.objects.get(to="dsl@school.example")
    with mail_server() as sink:
        sink.refuses["dsl@school.example"] = "550 nobody here"
        for _ in range(delivery.MOST_ATTEMPTS):
            message.refresh_from_db()
            drain(message.not_before, sink.connect)
    message.refresh_from_db()
    assert message.parked_at is not None
    return message.pk


class TestMessages:
    """One that no mail server takes waits for a person, who sends it again or gives it up and says why."""

    GIVE_UP = "Or give it up"
    WHY = "The school was told by telephone."

    @pytest.fixture
    def parked(self, db: None, parked_once: int) -> OutboxMessage:
        return OutboxMessage.objects.get(pk=parked_once)

    def path(self, message: OutboxMessage) -> str:
        return f"{list_of(OutboxMessage)}{message.pk}/change/"

    def drop(self, who: Administrator, message: OutboxMessage, reason: str = WHY) -> Any:
        return who.client.post(self.path(message), {"drop": "yes", "drop-reason": reason})

    def retry(self, who: Administrator, message: OutboxMessage) -> Any:
        return who.client.post(self.path(message), {"retry": "yes"})

    def did(self, event: Event) -> list[tuple[str, str]]:
        events = AuditEvent.objects.filter(event=event).select_related("by_user", "contact")
        return [(str(each.by_user and each.by_user.username), str(each.contact)) for each in events]

    def test_the_list_shows_parked_ones_first_and_leads_to_their_page(self, parked: OutboxMessage) -> None:
        story = Story(timezone.now())
        story.contact(children=[elsewhere("Noor", "HP11 1AA")], adults=[])
        adele = Administrator("adele")
        rows = adele.rows(OutboxMessage)
        assert [link["href"].split("?")[0] for link in rows[0].all("a")] == [self.path(parked)]
        assert str(parked.contact) in rows[0].text
        assert len(adele.rows(OutboxMessage, "?stand=parked")) == 1
        assert len(rows) > 1

    @pytest.mark.parametrize("name", ["adele", "sam", "ava"])
    def test_nobody_learns_more_of_the_address_than_where_it_is(self, parked: OutboxMessage, name: str) -> None:
        who = Administrator(name)
        page = who.open(self.path(parked))
        assert "To somebody at school.example" in re.sub(r"(at)(school)", r"\1 \2", page.text)
        assert str(parked.contact) in page.text
        for html in (page.html, who.open(list_of(OutboxMessage)).html):
            assert "dsl@" not in html
            assert not re.search("Robin|Ashworth|nobody here", html), "nor a name, nor what the mail server said"
        assert "SMTPRecipientsRefused" in page.text

    def test_moments_stand_as_on_every_page(self, parked: OutboxMessage) -> None:
        at = timezone.localtime(parked.parked_at)
        page = Administrator("adele").open(self.path(parked))
        assert f"{at:%-d %B %Y, %H:%M}" in page.text
        assert "+00:00" not in page.html

    @pytest.mark.parametrize("name", ["adele", "sam"])
    def test_it_is_sent_on_its_way_again(self, parked: OutboxMessage, name: str) -> None:
        who = Administrator(name)
        answer = self.retry(who, parked)
        assert (answer.status_code, answer.headers["Location"]) == (302, self.path(parked))
        parked.refresh_from_db()
        assert (parked.parked_at, parked.attempts) == (None, 0)
        assert self.did(Event.MESSAGE_RETRIED) == [(name, str(parked.contact))]
        page = who.open(self.path(parked))
        assert "The message is on its way again, from the first try on." in page.text
        assert self.GIVE_UP not in page.text
        with mail_server() as sink:
            delivery.drain(clock=timezone.now, connect=sink.connect)
            assert len(sink.to("dsl@school.example")) == 1
        assert "Sent" in who.open(self.path(parked)).text

    def test_or_given_up_for_a_reason(self, parked: OutboxMessage, adele: Administrator) -> None:
        for reason in ("", " \n"):
            page = Page(self.drop(adele, parked, reason))
            says = "Enter why it need not go out, or who was told in which other way"
            assert (page.status, page.summary) == (422, [("id_drop-reason", says)])
            assert page.error_at("id_drop-reason") == says
        assert self.drop(adele, parked).status_code == 302
        parked.refresh_from_db()
        assert (parked.drop_reason, parked.dropped_by) == (self.WHY, adele.user)
        assert self.did(Event.MESSAGE_DROPPED) == [("adele", str(parked.contact))]
        page = adele.open(self.path(parked))
        assert self.WHY in page.text
        assert "Adele Foster" in page.text
        assert page.actions == set()
        with mail_server() as sink:
            delivery.drain(clock=timezone.now, connect=sink.connect)
            assert sink.letters == []

    def test_an_auditor_looks_and_does_not_touch(self, parked: OutboxMessage) -> None:
        ava = Administrator("ava")
        assert ava.open(self.path(parked)).actions == set()
        for answer in (self.retry(ava, parked), self.drop(ava, parked), ava.client.post(self.path(parked))):
            assert answer.status_code == 403
        parked.refresh_from_db()
        assert (parked.parked_at is not None, parked.dropped_at) == (True, None)

    @pytest.mark.parametrize("name", ["ben", "maya", "iris", "paula"])
    def test_nobody_else_opens_it(self, parked: OutboxMessage, name: str) -> None:
        who = Administrator(name)
        for answer in (who.client.get(self.path(parked)), self.retry(who, parked), self.drop(who, parked)):
            assert answer.status_code == 403
            assert "school.example" not in answer.content.decode()

    def test_whoever_was_slower_reads_that_it_is_done(self, parked: OutboxMessage, adele: Administrator) -> None:
        sam = Administrator("sam")
        self.drop(adele, parked)
        for answer in (self.retry(sam, parked), self.drop(sam, parked)):
            page = Page(answer)
            assert (page.status, "This message was dropped." in page.text) == (409, True)

    def test_one_that_is_on_its_way_has_no_buttons(self, story: Story, adele: Administrator) -> None:
        contact = story.contact(agency_reference="PPN-2")
        message = OutboxMessage.objects.get(to="dsl@school.example", contact=contact)
        page = adele.open(self.path(message))
        assert (page.status, page.actions) == (200, set())
        assert "Next try not before" in page.text
        assert self.retry(adele, message).status_code == 409

    def test_one_that_goes_with_anothers_letter_leads_there(self, parked: OutboxMessage, adele: Administrator) -> None:
        other = OutboxMessage.objects.exclude(pk=parked.pk).order_by("pk").first() or OutboxMessage.objects.create(
            kind="reminder", idempotency_key="another", to=parked.to, created_at=parked.created_at,
            not_before=parked.not_before,
        )  # fmt: skip
        OutboxMessage.objects.filter(pk=other.pk).update(carried_by=parked, parked_at=parked.parked_at)
        page = adele.open(self.path(other))
        assert page.actions == set()
        assert [link["href"] for link in page.main.all("a")] == [self.path(parked)]
        for answer in (self.retry(adele, other), self.drop(adele, other)):
            assert answer.status_code == 404
        assert "Its letter carries so many other reminders" in adele.open(self.path(parked)).text

    def test_a_number_that_nobody_gave_is_not_found(self, db: None, adele: Administrator) -> None:
        for number in ("0", "9" * 30, "x"):
            answer = adele.client.get(f"{list_of(OutboxMessage)}{number}/change/")
            assert answer.status_code == 404, number


class TestPeople:
    NEW = {"username": "nina", "name": "Nina Patel", "email": "nina@front-door.example", "is_active": "on"}  # noqa: RUF012  # a form
    PASSWORD = "a long enough password"

    def role(self, role: str, team: str = "", number: int = 0, **dates: str) -> dict[str, Any]:
        """A row of a person's roles."""
        at = f"memberships__{number}__"
        chosen = Team.objects.get(code=team).pk if team else ""
        row = {f"{at}role": role, f"{at}team": chosen, f"{at}starts_on": "", f"{at}ends_on": ""}
        return row | {f"{at}{name}": day for name, day in dates.items()} | {"memberships__TOTAL_FORMS": number + 1}

    def test_somebody_new_has_a_role(self, adele: Administrator) -> None:
        fields = self.NEW | self.role("team_member", "aylesbury")
        assert adele.add(User, **fields).heading == "Password"
        nina = User.objects.get(username="nina")
        assert [str(membership) for membership in nina.memberships.all()] == ["Nina Patel: Team member, Aylesbury team"]

    def test_without_a_password_nobody_signs_in(self, adele: Administrator) -> None:
        adele.add(User, **self.NEW)
        assert not User.objects.get(username="nina").has_usable_password()

    def test_nobody_sets_the_password_of_somebody_else(self, adele: Administrator, ben: User) -> None:
        """tests/web/test_password_links.py has the link with which they set it themselves."""
        path = f"{list_of(User)}{ben.pk}/change/"
        form = adele.open(path).form("")
        adele.client.post(path, form | {"new_password": self.PASSWORD, "password": self.PASSWORD})
        ben.refresh_from_db()
        assert not ben.has_usable_password()

    def test_names_differ_by_more_than_case(self, adele: Administrator) -> None:
        for name in ("Ben", "ben"):
            assert faults(adele.add(User, **self.NEW | {"username": name}))
        assert User.objects.filter(username__iexact="ben").count() == 1

    def test_a_password_is_never_shown(self, adele: Administrator, ben: User) -> None:
        ben.set_password(self.PASSWORD)
        ben.save()
        html = adele.open(f"{list_of(User)}{ben.pk}/change/").html
        assert ben.password not in html
        assert "pbkdf2" not in html

    def test_an_edit_keeps_the_password(self, adele: Administrator, ben: User) -> None:
        ben.set_password(self.PASSWORD)
        ben.save()
        saved(adele.change(ben, name="Ben A. Carter"))
        ben.refresh_from_db()
        assert ben.check_password(self.PASSWORD)

    def test_a_changed_address_is_told_at_the_old_one_without_a_link(self, adele: Administrator, ben: User) -> None:
        old = ben.email
        saved(adele.change(ben, name="Ben A. Carter"))
        assert not OutboxMessage.objects.filter(kind="address_changed").exists()
        saved(adele.change(ben, email="ben.carter@front-door.example"))
        message = OutboxMessage.objects.get(kind="address_changed")
        assert message.to == old
        letter = wording.write(message)
        assert "call your administrator" in letter.text
        assert "http" not in letter.text
        assert "ben.carter" not in letter.text
        changed = AuditEvent.objects.filter(event=Event.SETTING_CHANGED, detail__key=ben.pk).latest("pk")
        assert changed.detail["fields"] == ["Work e-mail address"]

    def test_whoever_has_no_address_yet_is_told_nowhere(self, adele: Administrator, ben: User) -> None:
        User.objects.filter(pk=ben.pk).update(email="")
        saved(adele.change(ben, email="ben.carter@front-door.example"))
        assert not OutboxMessage.objects.filter(kind="address_changed").exists()

    def test_whoever_leaves_loses_the_sign_in_at_once(self, adele: Administrator, ben: User) -> None:
        there = Administrator("ben")
        assert there.open("/").heading == "Your worklist"
        form = adele.open(f"{list_of(User)}{ben.pk}/change/").form("")
        del form["is_active"]
        adele.client.post(f"{list_of(User)}{ben.pk}/change/", form)
        assert there.client.get("/").status_code == 302

    def test_a_role_in_a_team_needs_the_team(self, adele: Administrator) -> None:
        says = "A role in a team needs the team; a role in the whole service has none."
        assert faults(adele.add(User, **self.NEW | self.role("team_lead"))) == [says]
        assert faults(adele.add(User, **self.NEW | self.role("auditor", "aylesbury"))) == [says]

    def test_a_role_ends_after_it_starts(self, adele: Administrator) -> None:
        role = self.role("team_lead", "aylesbury", starts_on="2026-02-01", ends_on="2026-01-31")
        page = adele.add(User, **self.NEW | role)
        assert faults(page) == ["The last day is before the first."]

    def test_a_role_that_ends_today_holds_today(self, adele: Administrator, ben: User) -> None:
        today = local_day(timezone.now())
        saved(adele.change(ben, memberships__0__ends_on=today.isoformat()))
        assert Administrator("ben").open("/teams/aylesbury/").status == 200
        saved(adele.change(ben, memberships__0__ends_on=(today - timedelta(days=1)).isoformat()))
        assert Administrator("ben").open("/teams/aylesbury/").status == 404


class TestPartnersSystems:
    def test_its_page_has_no_link_to_one_that_does_not_exist(self, adele: Administrator, school: Agency) -> None:
        adele.add(AgencyClient, agency=school.pk, name="The school's system")
        page = adele.open(f"{list_of(AgencyClient)}{AgencyClient.objects.get().pk}/change/")
        assert page.status == 200
        assert [link["href"] for link in page.root.all("a") if link["href"].startswith("/admin/r/")] == []

    def secret_in(self, page: Page) -> tuple[str, str]:
        assert "Copy the secret now. It is never shown again." in page.text
        return page.main.all(id="client-id")[0].text, page.main.all(id="client-secret")[0].text

    def test_the_secret_is_shown_once_and_works(self, adele: Administrator, client: Client, school: Agency) -> None:
        page = adele.add(AgencyClient, agency=school.pk, name="The school's system")
        client_id, secret = self.secret_in(page)
        made = AgencyClient.objects.get()
        for path in (list_of(AgencyClient), f"{list_of(AgencyClient)}{made.pk}/change/", "/admin/"):
            assert secret not in adele.open(path).html
        assert {*adele.client.cookies} == {settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME}
        assert secret not in str(adele.client.cookies)
        assert secret not in str(adele.client.session.items()), "nor does it wait on the server"
        assert made.client_secret != secret, "what is kept is a hash"
        asks = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        token = client.post(TOKEN, asks).json()["access_token"]
        sent = client.post(
            CONTACTS, todays_document(), content_type="application/json", headers={"Authorization": f"Bearer {token}"}
        )
        assert sent.status_code == 201
        assert Contact.objects.get().agency == school

    def test_it_can_do_nothing_but_ask_for_tokens(self, adele: Administrator, school: Agency) -> None:
        adele.add(
            AgencyClient, agency=school.pk, name="S", authorization_grant_type="password", skip_authorization="on"
        )
        made = AgencyClient.objects.get()
        assert (made.authorization_grant_type, made.client_type) == ("client-credentials", "confidential")
        assert made.skip_authorization is False

    def test_changing_its_name_keeps_its_secret(self, adele: Administrator, client: Client, school: Agency) -> None:
        client_id, secret = self.secret_in(adele.add(AgencyClient, agency=school.pk, name="S"))
        page = adele.change(AgencyClient.objects.get(), name="Another name")
        saved(page)
        assert "secret now" not in page.html
        asks = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        assert client.post(TOKEN, asks).status_code == 200

    def test_a_new_secret_is_shown_once_and_the_former_one_works_for_a_week(
        self, adele: Administrator, client: Client, school: Agency
    ) -> None:
        client_id, first = self.secret_in(adele.add(AgencyClient, agency=school.pk, name="S"))
        made = AgencyClient.objects.get()
        secrets = f"{list_of(AgencyClient)}{made.pk}/secret/"
        assert secrets in adele.open(f"{list_of(AgencyClient)}{made.pk}/change/").html
        assert "No former secret works." in adele.open(secrets).text
        renewed = Page(adele.client.post(secrets, {"renew": ""}))
        assert "The former secret works until" in renewed.text
        _, second = self.secret_in(renewed)
        assert second != first
        assert second not in adele.open(secrets).html
        assert second not in str(adele.client.session.items())

        def answered(secret: str, *, by_header: bool = False) -> int:
            asks = {"grant_type": "client_credentials"}
            if by_header:
                said = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
                return int(client.post(TOKEN, asks, headers={"Authorization": f"Basic {said}"}).status_code)
            return int(client.post(TOKEN, asks | {"client_id": client_id, "client_secret": secret}).status_code)

        for by_header in (False, True):
            assert [answered(each, by_header=by_header) for each in (first, second, "guessed")] == [200, 200, 401]
        made.refresh_from_db()
        assert {first, second}.isdisjoint({made.client_secret, made.former_secret}), "what is kept are hashes"
        third = self.secret_in(Page(adele.client.post(secrets, {"renew": ""})))[1]
        assert [answered(each) for each in (first, second, third)] == [401, 200, 200]
        AgencyClient.objects.update(former_until=timezone.now())
        assert [answered(each) for each in (second, third)] == [401, 200]
        assert edits()[-1]["fields"] == ["client_secret"]

    def test_a_former_secret_can_be_ended_at_once(self, adele: Administrator, client: Client, school: Agency) -> None:
        client_id, first = self.secret_in(adele.add(AgencyClient, agency=school.pk, name="S"))
        secrets = f"{list_of(AgencyClient)}{AgencyClient.objects.get().pk}/secret/"
        adele.client.post(secrets, {"renew": ""})
        assert "End the former secret now" in adele.open(secrets).text
        page = Page(adele.client.post(secrets, {"end": ""}, follow=True))
        assert "No former secret works." in page.text
        asks = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": first}
        assert client.post(TOKEN, asks).status_code == 401
        assert edits()[-1]["fields"] == ["former_secret"]
        assert adele.client.post(secrets, {"end": ""}).status_code == 409

    def test_nobody_but_an_administrator_sees_to_secrets(self, adele: Administrator, school: Agency) -> None:
        adele.add(AgencyClient, agency=school.pk, name="S")
        made = AgencyClient.objects.get()
        before = made.client_secret
        for name in ("sam", "ava", "maya"):
            answer = Administrator(name).client.post(f"{list_of(AgencyClient)}{made.pk}/secret/", {"renew": ""})
            assert answer.status_code in {302, 403, 404}, name
        made.refresh_from_db()
        assert made.client_secret == before

    def test_taking_it_away_ends_its_tokens(self, adele: Administrator, client: Client, school: Agency) -> None:
        client_id, secret = self.secret_in(adele.add(AgencyClient, agency=school.pk, name="S"))
        asks = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        token = client.post(TOKEN, asks).json()["access_token"]
        made = AgencyClient.objects.get()
        saved(Page(adele.client.post(f"{list_of(AgencyClient)}{made.pk}/delete/", {"post": "yes"}, follow=True)))
        answer = client.get(f"{CONTACTS}/CON-AAAA-AAAA", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401
        assert client.post(TOKEN, asks).status_code == 401
        assert edits()[-1]["what"] == "removed"


class TestEditsLeaveATrace:
    def test_that_says_what_and_who_and_no_value(self, adele: Administrator, ben: User) -> None:
        saved(adele.change(ben, name="Benjamin Carter", email="benjamin@front-door.example"))
        (edit,) = edits()
        assert edit["setting"] == "localities.User"
        assert edit["key"] == ben.pk
        assert edit["what"] == "changed"
        assert set(edit["fields"]) == {"Full name", "Work e-mail address"}
        assert not re.search("Benjamin|benjamin", str(edit))
        event = AuditEvent.objects.get(event=Event.SETTING_CHANGED)
        assert event.by_user == adele.user

    def test_a_role_that_is_given_or_taken_is_named(self, adele: Administrator, ben: User) -> None:
        """Roles say who may see families' data, so their edits are audited by name."""
        saved(adele.change(ben, **TestPeople().role("team_member", "chiltern", number=1)))
        saved(adele.change(ben, memberships__1__DELETE="on"))
        assert Membership.objects.filter(user=ben).count() == 1
        roles = [edit for edit in edits() if edit["setting"] == "localities.Membership"]
        recorded = [(edit["what"], edit["user"], edit["role"], edit["team"]) for edit in roles]
        assert recorded == [
            ("added", ben.pk, "team_member", "chiltern"), ("removed", ben.pk, "team_member", "chiltern")
        ]  # fmt: skip

    def test_nobody_gives_a_role_to_themselves(self, adele: Administrator) -> None:
        """An administrator has no need to see a family; another would have to want it too."""
        adele.change(adele.user, **TestPeople().role("service_manager", number=1))
        assert [membership.role for membership in adele.user.memberships.all()] == ["administrator"]

    def test_every_screen_that_edits_leaves_one(self, adele: Administrator, school: Agency) -> None:
        forms: dict[type[Model], dict[str, Any]] = {
            User: TestPeople.NEW,
            Team: {"code": "second-desk", "name": "Second desk", "kind": "child_protection"},
            Locality: {"code": "north-bucks", "name": "North Bucks"},
            Catchment: {"locality": Locality.objects.all()[0].pk, "prefix": "ZZ1", **SINCE_2026},
            Postcode: {"postcode": "HP20 1ZZ"},
            OtherAuthority: {"name": "Somewhere Council"},
            Agency: {"code": "example-nursery", "name": "Example Nursery", "source_code": "2B"},
            AgencyClient: {"agency": school.pk, "name": "S"},
            WebhookEndpoint: {"agency": school.pk, "url": "https://school.example/hook", "is_active": "on"},
            CalendarDay: {"date": "2027-01-29", "kind": "closure", "name": "Systems day"},
            ClockPolicy: {
                "kind": "tried_out", "effective_from": "2027-01-01", "subject": "contact", "starts_at": "received",
                "limit": "1", "unit": "hour", "ends": "same_time", "warn_at_share": "0.5",
                "escalates_to": "front_door_manager", "basis": "local",
            },
        }  # fmt: skip
        HubHours.objects.filter(weekday=4).delete()
        forms[HubHours] = {"weekday": "4", "opens": "09:00", "closes": "17:00"}
        # What roles need is only changed: tests/web/test_account_pages.py.
        assert {model._meta.model_name for model in forms} == SETTINGS - {
            "rulesetversion",
            "secondfactorrule",
            "webhookdelivery",
        }
        for number, (model, fields) in enumerate(forms.items(), start=1):
            page = adele.add(model, **fields)
            # Three lead on: to a secret, or to the link of a person.
            leads_to = {
                AgencyClient: "Secret of S", User: "Password", WebhookEndpoint: "Secret of a webhook"
            }.get(model)  # fmt: skip
            assert leads_to is None or page.heading == leads_to
            if leads_to is None:
                saved(page)
            assert len(edits()) == number
            assert (edits()[-1]["setting"], edits()[-1]["what"]) == (model._meta.label, "added")

    def test_an_edit_with_a_fault_leaves_none(self, adele: Administrator) -> None:
        assert faults(adele.add(Team, code="", name=""))
        assert edits() == []

    def test_a_look_at_a_setting_leaves_none(self, adele: Administrator, ben: User) -> None:
        adele.open(f"{list_of(User)}{ben.pk}/change/")
        assert edits() == []


class TestWhatAListCosts:
    # Statements that a list of settings may send to the database, at most; lists of work are in the pages' table.
    BUDGET = 10

    def test_no_list_of_settings_follows_its_length(self, adele: Administrator) -> None:
        costs = {}
        for screen in sorted(SETTINGS):
            with CaptureQueriesContext(connection) as queries:
                assert adele.open(list_of(screen)).status == 200
            costs[screen] = len(queries)
        assert {screen: cost for screen, cost in costs.items() if cost > self.BUDGET} == {}
        for number in range(30):
            agency = Agency.objects.create(code=f"agency-{number}", name=f"Agency {number}", source_code="8")
            AgencyClient.objects.create(
                agency=agency, name="S", client_type="confidential", authorization_grant_type="client-credentials"
            )
            user = User.objects.create(username=f"user-{number}", name=f"User {number}", email="u@front-door.example")
            Membership.objects.create(user=user, role="auditor")
        for screen in ("agency", "agencyclient", "user"):
            with CaptureQueriesContext(connection) as queries:
                adele.open(list_of(screen))
            assert len(queries) <= costs[screen] + 1, screen

    def test_a_list_of_messages_names_no_address_of_a_referrer(self, story: Story) -> None:
        story.contact()
        assert OutboxMessage.objects.exists()
        assert "dsl@school.example" not in Administrator("adele").open(list_of(OutboxMessage)).html
