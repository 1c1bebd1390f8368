"""Receiving a contact: all or nothing, once, with everything that must come of it."""

import json
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.utils import timezone

from casework.actions import learning, matches, receiving
from casework.deadlines import clocks
from casework.families import sameness
from casework.families.likeness.weights import shipped as shipped_weights
from casework.models import AuditEvent, Clock, Contact, Event, OutboxMessage, Person, PersonMatch, Recommendation
from errors import InvalidInput, KeyUsedForAnother, NotAllowedInStatus, NotPermitted, TakenBySomeoneElse
from localities.models import Agency, User
from localities.working_time import LONDON
from tests.stage import rule_documents
from tests.stage.documents import address, child, contact_document
from tests.stage.sql import change, run
from tests.stage.story import Story, person
from triage.recommendation import recommend
from triage.ruleset import parse, shipped

SATURDAY_NIGHT = datetime(2026, 11, 21, 23, 30, tzinfo=LONDON)


def test_a_contact_is_kept_as_it_was_sent(school: Agency, now: datetime) -> None:
    document = contact_document()
    contact = receiving.receive(document=document, by=school, now=now).contact
    contact.refresh_from_db()
    assert contact.document == document
    assert contact.reference.startswith("CON-")
    assert contact.received_at == now


def test_it_has_its_recommendation_with_facts_and_version(story: Story) -> None:
    contact = story.contact()
    recommendation = Recommendation.objects.get(contact=contact)
    assert contact.recommendation == recommendation
    assert (recommendation.pathway, recommendation.rag, recommendation.level) == ("family_help", "green", 3)
    assert recommendation.result["ruleset"] == "early-help-first/2" == str(recommendation.rule_set)
    assert recommendation.facts["children"][0]["age_years"] == 7
    assert recommendation.facts["family"]["in_area"] is True


def test_its_clocks_run_from_receipt(story: Story) -> None:
    contact = story.contact()
    running = {clock.kind: clock for clock in Clock.objects.running().filter(contact=contact)}
    assert set(running) == {"acknowledge_referrer", "next_step_decision", "final_decision_green"}
    assert all(clock.started_at == story.now for clock in running.values())


class TestTypedInLater:
    """An email of Friday, typed in on Monday: its deadlines count from Friday. What starts on Monday starts then."""

    FRIDAY, MONDAY = (datetime(2026, 11, day, 16, 40, tzinfo=LONDON) for day in (20, 23))

    def test_its_deadlines_start_when_it_arrived(self, db: None) -> None:
        document = contact_document(agreement={"service": "not_sought"}, received_by_phone=True)
        contact = receiving.receive(
            document=document, by=person("amina"), now=self.MONDAY, arrived_at=self.FRIDAY
        ).contact
        assert (contact.received_at, contact.arrived_at) == (self.MONDAY, self.FRIDAY)
        started = {clock.kind: clock.started_at for clock in contact.clocks.all()}
        assert started.pop("agreement_sought") == self.MONDAY
        assert set(started.values()) == {self.FRIDAY}
        assert "written_confirmation" in started
        event = AuditEvent.objects.get(event=Event.CONTACT_RECEIVED)
        assert (event.at, event.detail["arrived_at"]) == (self.MONDAY, self.FRIDAY.isoformat())
        contact.rag = "red"
        clocks.rerate(contact, at=self.MONDAY)
        again = contact.clocks.get(kind="final_decision_red")
        assert again.started_at == again.received_at == self.FRIDAY

    def test_a_case_counts_from_it_too(self, db: None) -> None:
        document = contact_document()
        contact = receiving.receive(
            document=document, by=person("amina"), now=self.MONDAY, arrived_at=self.FRIDAY
        ).contact
        story = Story(self.MONDAY)
        case = story.offered(contact).case
        assert case.received_at == self.FRIDAY
        assert {clock.started_at for clock in case.clocks.filter(policy__starts_at="received")} <= {self.FRIDAY}

    def test_never_in_the_future_and_at_most_a_week_back(self, db: None) -> None:
        def arrive(at: datetime) -> Contact:
            return receiving.receive(
                document=contact_document(), by=person("amina"), now=self.MONDAY, arrived_at=at
            ).contact

        second, week = timedelta(seconds=1), timedelta(days=7)
        for wrong in (self.MONDAY + second, self.MONDAY - week - second):
            with pytest.raises(InvalidInput) as caught:
                arrive(wrong)
            assert [fault.path for fault in caught.value.faults] == [("arrived_at",)]
        assert arrive(self.MONDAY).arrived_at is None
        assert arrive(self.MONDAY - week).arrived_at == self.MONDAY - week


def test_a_telephone_contact_must_be_confirmed_in_writing(story: Story) -> None:
    contact = story.contact(received_by_phone=True)
    assert contact.clocks.get(kind="written_confirmation").due_at == story.now + timedelta(hours=48)


def test_a_hold_for_agreement_starts_its_clock(story: Story) -> None:
    contact = story.contact(agreement={"service": "not_sought"})
    assert contact.recommendation is not None
    assert contact.recommendation.hold == "agreement"
    assert contact.clocks.running().filter(kind="agreement_sought").exists()


@pytest.mark.parametrize("said", [{"service": "not_known"}, {"given_by": "mother"}, {}])
def test_what_nobody_knows_of_agreement_is_neither_a_yes_nor_a_refusal(story: Story, said: dict[str, str]) -> None:
    """It stays as it was said, and to the rules it is not sought."""
    contact = story.contact(agreement=said)
    assert contact.agreement == said.get("service", "")
    assert contact.recommendation is not None
    assert contact.recommendation.facts["agreement"] == "not_sought"
    not_sought = story.contact(agreement={"service": "not_sought"}).recommendation
    assert not_sought is not None
    assert (contact.recommendation.pathway, contact.recommendation.hold) == (not_sought.pathway, not_sought.hold)
    assert contact.recommendation.hold == "agreement"
    assert contact.clocks.running().filter(kind="agreement_sought").exists()


def test_the_referrer_is_acknowledged_without_a_name(story: Story) -> None:
    contact = story.contact()
    message = OutboxMessage.objects.get(contact=contact)
    assert (message.kind, message.to) == ("acknowledgement", "dsl@school.example")


def test_a_partner_without_an_address_has_its_acknowledgement_in_the_answer(story: Story) -> None:
    contact = story.contact(referrer={"name": "Duty desk"})
    assert contact.acknowledged_at == story.now
    assert not contact.clocks.running().filter(kind="acknowledge_referrer").exists()


def test_everything_leaves_an_audit_event_without_a_name(story: Story, school: Agency) -> None:
    contact = story.contact()
    events = AuditEvent.objects.filter(contact=contact)
    assert [event.event for event in events] == [Event.RECOMMENDATION_MADE, Event.CONTACT_RECEIVED]
    assert all(event.by_agency == school for event in events)
    assert "Ashworth" not in json.dumps([event.detail for event in events])


def test_the_front_door_has_it(story: Story) -> None:
    assert story.contact().team.code == "front-door"


def test_a_red_contact_at_night_goes_to_emergency_duty(story: Story) -> None:
    contact = story.contact(at=SATURDAY_NIGHT, children=[child(indicators=["L4-01"])])
    assert (contact.rag, contact.team.code) == ("red", "emergency-duty")


@pytest.mark.parametrize(
    ("at", "whom"),
    [(SATURDAY_NIGHT, {"erin", "ezra"}), (None, {"amina", "oliver", "maya", "david"})],
)
def test_whoever_has_a_red_contact_hears_at_once_and_once(
    story: Story, at: datetime | None, whom: set[str], maya: User
) -> None:
    contact = story.contact(at=at, immediate_danger=True)
    messages = OutboxMessage.objects.filter(kind="red_contact", contact=contact)
    assert {message.to.split("@")[0] for message in messages} <= whom
    assert messages.exists()
    before = messages.count()
    learning.record_agreement(
        contact_id=contact.pk, service="not_sought", given_by="", on=None, by=maya, now=story.later(days=4)
    )
    assert messages.count() == before


def test_any_other_contact_at_night_waits_for_the_hub(story: Story) -> None:
    contact = story.contact(at=SATURDAY_NIGHT)
    assert contact.team.code == "front-door"
    assert contact.clocks.get(kind="next_step_decision").due_at == datetime(2026, 11, 24, 9, tzinfo=LONDON)


def test_a_red_contact_by_day_stays_with_the_front_door(story: Story) -> None:
    assert story.contact(children=[child(indicators=["L4-01"])]).team.code == "front-door"


class TestIdempotency:
    def test_the_same_key_and_document_is_one_contact(self, school: Agency, now: datetime) -> None:
        first = receiving.receive(document=contact_document(), by=school, now=now, idempotency_key="k")
        again = receiving.receive(
            document=contact_document(), by=school, now=now + timedelta(minutes=5), idempotency_key="k"
        )
        assert (first.is_new, again.is_new) == (True, False)
        assert first.contact == again.contact
        assert Contact.objects.count() == OutboxMessage.objects.count() == 1

    def test_the_same_key_with_another_document_is_refused(self, school: Agency, now: datetime) -> None:
        receiving.receive(document=contact_document(), by=school, now=now, idempotency_key="k")
        with pytest.raises(KeyUsedForAnother):
            receiving.receive(document=contact_document(referrer_level=2), by=school, now=now, idempotency_key="k")
        assert Contact.objects.count() == 1

    def test_two_agencies_may_use_one_key(self, school: Agency, police: Agency, now: datetime) -> None:
        receiving.receive(document=contact_document(), by=school, now=now, idempotency_key="k")
        assert receiving.receive(document=contact_document(), by=police, now=now, idempotency_key="k").is_new

    def test_without_a_key_every_contact_is_its_own(self, school: Agency, now: datetime) -> None:
        for _ in range(2):
            receiving.receive(document=contact_document(), by=school, now=now)
        assert Contact.objects.count() == 2


def test_a_document_with_faults_leaves_nothing_behind(school: Agency, now: datetime) -> None:
    with pytest.raises(InvalidInput):
        receiving.receive(document=contact_document(type="rumour"), by=school, now=now)
    assert not Contact.objects.exists()
    assert not AuditEvent.objects.exists()
    assert not OutboxMessage.objects.exists()


def test_a_failure_half_way_leaves_nothing_behind(
    school: Agency, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last step fails, as after a lost connection."""

    def fail(*args: object, **kwargs: object) -> None:
        raise OSError("the line went dead")

    monkeypatch.setattr("casework.messages.outbox.write", fail)
    with pytest.raises(OSError, match="went dead"):
        receiving.receive(document=contact_document(), by=school, now=now)
    assert not Contact.objects.exists()
    assert not Clock.objects.exists()


def test_only_front_door_staff_enter_contacts(ben: User, oliver: User, now: datetime) -> None:
    with pytest.raises(NotPermitted, match="front-door staff"):
        receiving.receive(document=contact_document(), by=ben, now=now)
    assert receiving.receive(document=contact_document(), by=oliver, now=now).contact.entered_by == oliver


class TestHistory:
    def test_the_third_contact_in_three_months_is_a_reason_to_look_again(self, story: Story) -> None:
        for _ in range(2):
            assert story.contact().rag == "green"
            story.later(days=20)
        third = story.contact()
        assert third.recommendation is not None
        assert third.recommendation.facts["family"]["contacts_3_months"] == 3
        assert (third.recommendation.pathway, third.rag) == ("social_worker_review", "amber")

    def test_a_sibling_of_another_name_at_the_same_home_belongs_to_the_household(self, story: Story) -> None:
        """The sibling is found through the mother, whose name, birth and address match."""
        mother = contact_document()["adults"][0] | {"date_of_birth": "1984-03-09"}
        story.contact(adults=[mother])
        story.later(days=3)
        other = child(ref="x", first_name="Noor", last_name="Haddad", nhs_number=None, date_of_birth="2022-01-05")
        contact = story.contact(children=[other], adults=[mother])
        assert contact.recommendation is not None
        assert contact.recommendation.facts["family"]["contacts_3_months"] == 2

    def test_a_stranger_does_not(self, story: Story) -> None:
        story.contact()
        story.later(days=3)
        stranger = child(
            first_name="Noor",
            last_name="Haddad",
            nhs_number=None,
            date_of_birth="2022-01-05",
            address=address("HP5 1AA"),
        )
        contact = story.contact(children=[stranger], adults=[])
        assert contact.recommendation is not None
        assert contact.recommendation.facts["family"]["contacts_3_months"] == 1

    def test_open_work_links(self, story: Story) -> None:
        story.accepted()
        story.later(days=3)
        contact = story.contact()
        assert contact.recommendation is not None
        assert contact.recommendation.facts["family"]["open_work"] == "early_help"
        assert contact.recommendation.pathway == "link_to_open_work"

    def test_early_help_that_ended_without_progress_is_remembered(self, story: Story) -> None:
        story.closed(outcome="no_progress")
        story.later(days=60)
        contact = story.contact()
        assert contact.recommendation is not None
        family = contact.recommendation.facts["family"]
        assert family["early_help_closed_without_progress_12_months"] is True
        assert family["closed_days_ago"] == 60
        assert contact.recommendation.pathway == "social_worker_review"


class TestWhoAChildIs:
    @pytest.mark.parametrize("born", ["2016-05-01", None], ids=["another birth", "the same birth"])
    @pytest.mark.parametrize("is_known", [False, True])
    def test_two_children_under_one_number_are_two_people_for_somebody_to_look_at(
        self, story: Story, born: str | None, is_known: bool
    ) -> None:
        """A copying slip keeps no contact out, and makes no two children one. The number identifies neither."""
        if is_known:
            story.contact()
        second = child(ref="c2", first_name="Alex", upn="H801200001001", **({"date_of_birth": born} if born else {}))
        contact = story.contact(children=[child(upn="h801200001001"), second])
        people = [entry.person for entry in contact.children.all()]
        assert len(set(people)) == 2
        assert [(person.nhs_number, person.upn) for person in people] == [(None, ""), (None, "")]
        assert [detail.path for detail in contact.details_to_check.all()] == [
            ["children", place, number] for place in (0, 1) for number in ("nhs_number", "upn")
        ]
        story.decided(contact)
        assert contact.case is not None
        assert set(contact.case.children.all()) == set(people)

    @pytest.mark.parametrize(
        ("other", "differs"),
        [({"first_name": "Rowan", "also_known_as": []}, "First names differ"), ({"sex": "M"}, "Sex differs")],
        ids=["name", "sex"],
    )
    def test_a_number_that_name_or_sex_contradicts_is_asked(
        self, story: Story, other: dict[str, Any], differs: str
    ) -> None:
        """A twin's number, for example. Nobody's record is joined to another's by a number alone."""
        known = story.contact(children=[child(sex="F")]).children.get().person
        entry = story.contact(children=[child(**({"sex": "F"} | other))]).children.get()
        assert entry.person != known
        assert entry.matches.get().person == known
        reasons = entry.matches.get().reasons
        assert {"Same NHS number", "Same date of birth", differs} <= set(reasons)

    @pytest.mark.parametrize("number", [{"nhs_number": "9990000018"}, {"upn": "H801200001001"}])
    def test_a_number_that_everything_contradicts_is_asked(self, story: Story, number: dict[str, str]) -> None:
        """And counts as nobody's history."""
        girl: dict[str, Any] = {"first_name": "Wilhelmina", "last_name": "Okonjo", "date_of_birth": "2015-03-02"}
        boy: dict[str, Any] = {"first_name": "Fergus", "last_name": "Abernathy", "date_of_birth": "2009-11-17"}
        alone: dict[str, Any] = {"nhs_number": None, "also_known_as": []} | number
        known = story.contact(children=[child(**alone | girl, sex="F")], adults=[]).children.get().person
        elsewhere = child(**alone | boy | {"address": address("HP5 1AA")}, sex="M")
        contact = story.contact(children=[elsewhere], adults=[])
        (match,) = sameness.open_matches(contact)
        assert (match.known, match.score) == (known, shipped_weights().worth_proposing)
        says = {"nhs_number": "Same NHS number", "upn": "Same unique pupil number"}
        assert {*map(says.get, number), "First names differ", "Dates of birth differ"} <= set(match.reasons)
        assert contact.recommendation is not None
        assert contact.recommendation.facts["family"]["contacts_3_months"] == 1

    def test_a_number_birth_and_both_names_are_certain(self, story: Story) -> None:
        """And the match is kept, so that it can be undone."""
        known = story.contact().children.get().person
        entry = story.contact(children=[child(first_name="ROBIN")]).children.get()
        assert entry.person == known
        assert entry.recorded_as != known
        assert (entry.matches.get().status, entry.matches.get().record) == ("certain", entry.recorded_as)

    @pytest.mark.parametrize("name", ["Rob", "Robyn", ""])
    def test_a_short_form_or_a_spelling_contradicts_nothing_and_is_asked(self, story: Story, name: str) -> None:
        """Until somebody says no it counts."""
        known = story.contact().children.get().person
        contact = story.contact(children=[child(first_name=name)])
        match = contact.children.get().matches.all()[0]
        assert (match.person, match.status) == (known, "proposed")
        assert match.score > 0.99
        assert contact.recommendation is not None
        assert contact.recommendation.facts["family"]["contacts_3_months"] == 2

    def test_two_children_cannot_both_be_the_same_person(self, story: Story, amina: User) -> None:
        story.contact()
        contact = story.contact(children=[child(nhs_number=None), child(ref="c2", nhs_number=None)])
        first, second = (entry.matches.get() for entry in contact.children.all())
        matches.settle(contact_id=contact.pk, match_id=first.pk, same=True, by=amina, now=story.later())
        with pytest.raises(NotAllowedInStatus, match="c1 on this contact is this person already"):
            matches.settle(contact_id=contact.pk, match_id=second.pk, same=True, by=amina, now=story.later())

    def test_what_the_records_say_outlives_a_match(self, story: Story, amina: User) -> None:
        """A confirmed match keeps what both records say."""
        story.contact()
        contact = story.contact(children=[child(nhs_number=None)])
        entry = contact.children.get()
        assert contact.recommendation_id is not None
        learning.record_own_records(
            contact_id=contact.pk, recommendation_id=contact.recommendation_id, sibling_on_cp_plan=None,
            children={entry.pk: (True, False)}, by=amina, now=story.later(),
        )  # fmt: skip
        match = entry.matches.get()
        matches.settle(contact_id=contact.pk, match_id=match.pk, same=True, by=amina, now=story.later())
        records = sameness.records_of([match.person_id])
        assert len(records) == 2
        assert sameness.said(records, "previous_cp_plan") is True
        assert sameness.said(records, "previously_looked_after") is False
        contact.refresh_from_db()
        assert contact.recommendation is not None
        assert contact.recommendation.facts["children"][0]["previous_cp_plan"] is True

    def test_until_somebody_says_no_the_records_of_a_likeness_count(self, story: Story, amina: User) -> None:
        story.contact()
        Person.objects.update(previous_cp_plan=True)
        contact = story.contact(children=[child(nhs_number=None)])
        assert contact.recommendation is not None
        assert contact.recommendation.facts["children"][0]["previous_cp_plan"] is True
        match = contact.children.get().matches.get()
        matches.settle(contact_id=contact.pk, match_id=match.pk, same=False, by=amina, now=story.later())
        contact.refresh_from_db()
        assert contact.recommendation.facts["children"][0]["previous_cp_plan"] is None

    def test_an_older_page_does_not_undo_what_was_found_out_since(self, story: Story, amina: User) -> None:
        contact = story.contact()
        entry, seen = contact.children.get(), contact.recommendation_id
        assert seen is not None

        def record(plan: bool | None) -> None:
            learning.record_own_records(
                contact_id=contact.pk, recommendation_id=seen, sibling_on_cp_plan=None,
                children={entry.pk: (plan, None)}, by=amina, now=story.later(),
            )  # fmt: skip

        record(True)
        with pytest.raises(TakenBySomeoneElse):
            record(None)
        entry.person.refresh_from_db()
        assert entry.person.previous_cp_plan is True


class TestAConfidentialAddress:
    def test_what_was_known_of_it_is_forgotten(self, story: Story) -> None:
        story.contact()
        contact = story.contact(children=[child(address=address("HP20 1UA", confidential=True))])
        assert contact.children.get().person.postcode == ""

    def test_nobody_lives_with_a_child_in_hiding_by_another_childs_address(self, story: Story) -> None:
        hidden = child(ref="c2", first_name="Alex", nhs_number=None, address=address("HP20 1UA", confidential=True))
        contact = story.contact(children=[child(), hidden])
        assert contact.adults.get().person.postcode == ""


@pytest.mark.parametrize(
    ("second", "in_area"),
    [
        (address("OX1 1AA"), False), (None, None), (address("HP20 1UA", confidential=True), None),
        (address("HP20 1UA"), True),
    ],
)  # fmt: skip
def test_the_family_lives_elsewhere_only_where_every_child_does(story: Story, second: Any, in_area: Any) -> None:
    elsewhere = child(nhs_number=None, address=address("OX1 1AA"))
    sibling = child(ref="c2", first_name="Alex", nhs_number=None, address=second)
    contact = story.contact(children=[elsewhere, sibling], adults=[])
    assert contact.recommendation is not None
    assert contact.recommendation.facts["family"]["in_area"] is in_area


class TestHowOldAChildIs:
    """Mental ill-health of a parent (L3-20): with a baby, a social worker looks before early help is offered."""

    def recommended(self, story: Story, **changes: Any) -> Recommendation:
        entry = {"ref": "c1", "first_name": "Robin", "indicators": ["L3-20"]} | changes
        contact = story.contact(children=[entry], family_indicators=[], adults=[])
        assert contact.recommendation is not None
        return contact.recommendation

    @pytest.mark.parametrize("age", [15, "15", "about 15"])
    def test_an_age_is_enough(self, story: Story, age: object) -> None:
        made = self.recommended(story, age_years=age)
        assert made.facts["children"][0]["age_years"] == 15
        assert made.pathway == "family_help"
        assert "children[0].age_years" not in [missing["fact"] for missing in made.result["missing"]]

    def test_a_baby_by_age_is_one(self, story: Story) -> None:
        assert self.recommended(story, age_years="6 months").pathway == "social_worker_review"

    def test_the_date_of_birth_counts_where_it_is_known(self, story: Story) -> None:
        made = self.recommended(story, age_years=15, date_of_birth="2026-10-01", date_of_birth_estimated=True)
        assert made.facts["children"][0]["age_years"] == 0
        on_contact = made.contact.children.get()
        assert (on_contact.date_of_birth_estimated, on_contact.age_years) == (True, 15)
        assert [detail.field for detail in made.contact.details_to_check.all()] == ["children.age_years"]

    @pytest.mark.parametrize("changes", [{}, {"date_of_birth": "31/2/2015"}, {"age_years": "a teenager"}], ids=str)
    def test_without_either_it_is_not_known_and_somebody_asks(self, story: Story, changes: dict[str, Any]) -> None:
        """The council's policy: a child of unknown age may be under 1 (the shipped rules: "unknown: fires")."""
        made = self.recommended(story, **changes)
        assert made.facts["children"][0]["age_years"] is None
        assert made.pathway == "social_worker_review"
        assert "children[0].age_years" in [missing["fact"] for missing in made.result["missing"]]

    def test_it_stays_when_the_rules_are_asked_again(self, story: Story) -> None:
        contact = self.recommended(story, age_years=15).contact
        story.screened(contact)
        assert contact.recommendation is not None
        assert contact.recommendation.facts["children"][0]["age_years"] == 15


class TestResends:
    """A report that is sent again is linked to the first and counts once. A follow-up counts."""

    def counted(self, contact: Contact) -> int:
        contact.refresh_from_db()
        assert contact.recommendation is not None
        counted: int = contact.recommendation.facts["family"]["contacts_3_months"]
        return counted

    def send(self, story: Story, by: Agency | User, **changes: Any) -> Contact:
        return receiving.receive(document=contact_document(**changes), by=by, now=story.now).contact

    def test_the_same_report_three_times_is_one_contact(self, story: Story, school: Agency) -> None:
        first = self.send(story, school)
        again = [self.send(story, school) for _ in range(3) if story.later()]
        assert [contact.resend_of for contact in (first, *again)] == [None, first, first, first]
        assert [self.counted(contact) for contact in (first, *again)] == [1, 1, 1, 1]
        assert again[-1].rag == first.rag == "green"
        follow_up = self.send(story, school, agency_reference="PPN-2", concern={"worries": "It happened again."})
        assert (follow_up.resend_of, self.counted(follow_up)) == (None, 2)

    @pytest.mark.parametrize(("hours", "is_resend"), [(23.99, True), (24, False)])
    def test_the_same_document_within_a_day(self, story: Story, school: Agency, hours: float, is_resend: bool) -> None:
        first = self.send(story, school, agency_reference=None)
        story.later(hours=hours)
        second = self.send(story, school, agency_reference=None)
        assert second.resend_of == (first if is_resend else None)
        assert self.counted(second) == (1 if is_resend else 2)

    @pytest.mark.parametrize(
        ("one", "other", "is_resend"),
        [("PPN-1", None, True), (None, "PPN-1", True), ("PPN-1", " ppn-1", True), ("PPN-1", "n/a", True),
         ("PPN-1", "PPN-2", False)],
    )  # fmt: skip
    def test_the_same_document_whatever_the_reference_says(
        self, story: Story, school: Agency, one: str | None, other: str | None, is_resend: bool
    ) -> None:
        """Two references that differ say that these are two reports, as of a second night in the same words."""
        first = self.send(story, school, agency_reference=one)
        story.later()
        second = self.send(story, school, agency_reference=other)
        assert second.resend_of == (first if is_resend else None)
        assert self.counted(second) == (1 if is_resend else 2)

    @pytest.mark.parametrize(("reference", "again"), [("PPN-1", None), (None, "PPN-1")])
    def test_a_follow_up_counts_whatever_the_reference_says(
        self, story: Story, school: Agency, reference: str | None, again: str | None
    ) -> None:
        self.send(story, school, agency_reference=reference)
        second = self.send(story, school, agency_reference=again, concern={"worries": "It happened again."})
        assert (second.resend_of, self.counted(second)) == (None, 2)

    @pytest.mark.parametrize(("days", "is_resend"), [(13.99, True), (14, False)])
    def test_the_same_story_under_the_same_reference(
        self, story: Story, school: Agency, days: float, is_resend: bool
    ) -> None:
        first = self.send(story, school)
        story.later(days=days)
        second = self.send(story, school, referrer={"name": "Another teacher"}, parents_told={"answer": "no"})
        assert second.resend_of == (first if is_resend else None)
        assert self.counted(second) == (1 if is_resend else 2)

    def test_a_child_who_is_known_by_number_may_be_spelt_otherwise(self, story: Story, school: Agency) -> None:
        first = self.send(story, school)
        assert self.send(story, school, children=[child(first_name="Robyn")]).resend_of == first

    def test_each_event_under_a_childs_own_number_counts(self, story: Story, school: Agency) -> None:
        """A school whose reference for every report is the number of the pupil."""
        sent = [{"worries": f"A bruise on {where}."} for where in ("the left arm", "the right arm", "the neck")]
        contacts = [self.send(story, school, agency_reference="P-118", concern=worries) for worries in sent]
        assert [(contact.resend_of, self.counted(contact)) for contact in contacts] == [
            (None, 1), (None, 2), (None, 3),
        ]  # fmt: skip
        assert [contact.rag for contact in contacts] == ["green", "green", "amber"]
        again = self.send(story, school, agency_reference="P-118", concern={"worries": "a  Bruize on the right arm"})
        assert (again.resend_of, self.counted(again)) == (contacts[1], 3)

    @pytest.mark.parametrize(
        "changes",
        [
            {"immediate_danger": True},
            {"family_indicators": ["L3-36", "L4-01"]},
            {"children": [child(indicators=["L3-12", "L4-01"])]},
            {"children": [child(where_now="Missing since Monday")]},
            {"children": [child(), child(ref="c2", first_name="Wren", date_of_birth="2021-01-02", nhs_number=None)]},
            {"adults": []},
            {"domestic_abuse": {"dash": "high"}},
        ],
    )  # fmt: skip
    def test_whatever_else_is_new_under_the_same_reference_counts(
        self, story: Story, school: Agency, changes: dict[str, Any]
    ) -> None:
        self.send(story, school)
        second = self.send(story, school, **changes)
        assert (second.resend_of, self.counted(second)) == (None, 2)

    def test_a_document_is_the_same_however_it_is_typed(self, story: Story, school: Agency) -> None:
        document = contact_document(agency_reference=None)
        worries = document["concern"]["worries"]
        first = self.send(story, school, **document)
        document["concern"] |= {"worries": f" {worries.upper()}\t\u200b\r\n", "childs_words": ""}
        again = self.send(story, school, **dict(reversed(document.items())))
        assert (again.resend_of, self.counted(again)) == (first, 1)

    def test_a_contact_of_an_earlier_release_is_recognised(self, school: Agency) -> None:
        document, now = contact_document(agency_reference=None), timezone.now()
        sent = receiving.receive(document=document, by=school, now=now).contact
        # As the migration finds the table: what was sent does not stay yet.
        run("SET CONSTRAINTS ALL IMMEDIATE")
        run("ALTER TABLE casework_contact DISABLE TRIGGER USER")
        change("casework_contact", sent.pk, said_digest="''")
        import_module("casework.migrations.0042_what_a_document_says").fill(apps, None)
        run("SET CONSTRAINTS ALL DEFERRED")
        again = receiving.receive(document=document, by=school, now=now + timedelta(hours=1)).contact
        assert again.resend_of == sent

    def test_a_reference_that_a_sender_uses_for_everybody_joins_nobody(self, story: Story, school: Agency) -> None:
        self.send(story, school, agency_reference="MASH")
        other = child(first_name="Noor", last_name="Haddad", nhs_number=None, address=address("HP5 1AA"))
        assert self.send(story, school, agency_reference="MASH", children=[other]).resend_of is None

    @pytest.mark.parametrize("reference", [None, "", "n/a", "unknown"])
    def test_no_reference_is_none(self, story: Story, school: Agency, reference: str | None) -> None:
        self.send(story, school, agency_reference=reference)
        second = self.send(story, school, agency_reference=reference, concern={"worries": "It happened again."})
        assert (second.resend_of, self.counted(second)) == (None, 2)

    def test_another_agencys_report_counts(self, story: Story, school: Agency, police: Agency) -> None:
        self.send(story, school)
        second = self.send(story, police)
        assert (second.resend_of, self.counted(second)) == (None, 2)

    def test_a_form_that_was_typed_twice(self, story: Story, oliver: User, school: Agency) -> None:
        sent = self.send(story, school)
        first = self.send(story, oliver)
        assert (first.resend_of, self.counted(first)) == (None, 2), "somebody rang too"
        assert self.send(story, oliver).resend_of == first
        assert sent.resends.count() == 0

    def test_it_counts_once_for_later_contacts_and_when_the_rules_are_asked_again(
        self, story: Story, school: Agency
    ) -> None:
        self.send(story, school)
        again = self.send(story, school)
        later = story.contact(agency_reference="PPN-3", concern={"worries": "It happened again."})
        assert self.counted(later) == 2
        story.screened(again)
        assert self.counted(again) == 1


class TestPlaceholders:
    @pytest.mark.parametrize("number", ["0000000000", "111 111 1111", "9999999999", "not known"])
    def test_a_number_that_nobody_has_joins_nobody(self, story: Story, number: str) -> None:
        first = story.contact(children=[child(nhs_number=number)])
        other = child(first_name="Noor", last_name="Haddad", nhs_number=number, address=address("HP5 1AA"))
        second = story.contact(children=[other], adults=[])
        assert [contact.children.get().nhs_number for contact in (first, second)] == ["", ""]
        assert first.children.get().person != second.children.get().person
        assert not PersonMatch.objects.exists()

    def test_a_number_with_a_wrong_check_digit_joins_nobody_and_is_asked(self, story: Story) -> None:
        first = story.contact(children=[child(nhs_number="9990000019")])
        other = child(first_name="Noor", last_name="Haddad", nhs_number="9990000019", address=address("HP5 1AA"))
        second = story.contact(children=[other], adults=[])
        assert first.children.get().person != second.children.get().person
        assert not PersonMatch.objects.exists()
        assert [detail.field for detail in second.details_to_check.all()] == ["children.nhs_number"]

    def test_a_mistyped_postcode_is_no_other_authoritys(self, story: Story) -> None:
        contact = story.contact(children=[child(address=address("HP2O 1UA"))])
        assert contact.recommendation is not None
        assert contact.recommendation.facts["family"]["in_area"] is True
        assert contact.children.get().postcode == "HP20 1UA"


def test_the_rules_may_ask_whether_a_date_of_birth_is_a_guess(story: Story) -> None:
    """A council's rule that asks it, and the shipped ones, which do not."""
    guessed, known, about = child(date_of_birth="2018-01-01", date_of_birth_estimated=True), child(), child(
        date_of_birth=None, age_years=9
    )  # fmt: skip
    contacts = [story.contact(children=[each]) for each in (guessed, known, about)]
    facts = [contact.recommendation.facts for contact in contacts if contact.recommendation]
    assert [fact["children"][0]["date_of_birth_estimated"] for fact in facts] == [True, False, None]

    asks = {"all": [{"some_child": {"fact": "date_of_birth_estimated", "is": True}}]}
    rule = "reason_to_look_again.young_child_parental_risk"
    rules = parse(rule_documents.having(rule_documents.whole(), "rules", rule, when=asks))
    fired = [recommend(rules, rules.facts(fact)).reasons for fact in facts]
    young = [[reason.because for reason in reasons if reason.rule == "young_child_parental_risk"] for reasons in fired]
    assert young == [[("children[0].date_of_birth_estimated",)], [], []]
    for fact in facts:
        # What was stored before this fact was known comes out as it was stored.
        of_child = {name: said for name, said in fact["children"][0].items() if name != "date_of_birth_estimated"}
        earlier = shipped().facts(fact | {"children": [of_child]})
        assert recommend(shipped(), shipped().facts(fact)) == recommend(shipped(), earlier)


def test_what_is_tried_again_when_the_database_refuses_it_are_constraints_of_the_database(db: None) -> None:
    there_are = run("SELECT conname FROM pg_constraint WHERE conname = ANY(%s)", list(receiving.RETRIED))
    assert {name for (name,) in there_are} == receiving.RETRIED
