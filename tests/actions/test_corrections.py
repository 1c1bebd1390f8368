"""Corrections: what is learned about a contact after it came, and what follows from it at once."""

from importlib import import_module
from typing import Any

import pytest

from casework.actions import contact_handovers, corrections, decisions, handoffs
from casework.models import (
    AddressProtection,
    AuditEvent,
    Case,
    CaseChild,
    CheckKind,
    Contact,
    ContactChild,
    Event,
    FactChange,
    Information,
    Message,
    OutboxMessage,
    PersonMatch,
    Recommendation,
)
from casework.record import integrity
from errors import InvalidInput, KeyUsedForAnother, NotAllowedInStatus, NotPermitted, TakenBySomeoneElse
from localities.models import Agency
from tests.stage.documents import address, child, contact_document, nhs_number
from tests.stage.moments import local
from tests.stage.sql import run
from tests.stage.story import Story, person

SCHOOL = "example-primary-school"


def learn(story: Story, contact: Contact, by: str = "oliver", **said: Any) -> corrections.Learned:
    """Somebody learns this from the family; with an agency's code, the agency's system says it."""
    agency = Agency.objects.filter(code=by).first()
    document = ({} if agency else {"source": "family", "said_by": "mother", "why": "She called."}) | said
    keys = {name: document.pop(name) for name in ("seen", "idempotency_key") if name in document}
    return corrections.learn(
        contact_id=contact.pk, document=document, by=agency or person(by), now=story.later(minutes=10), **keys
    )


def of_robin(**said: Any) -> dict[str, Any]:
    """What is said about the child of the example contact."""
    return {"children": [{"ref": "c1"} | said]}


def latest(contact: Contact) -> Recommendation:
    return contact.recommendations.latest("pk")


def facts_of(contact: Contact) -> Any:
    return latest(contact).facts


def faults(refused: pytest.ExceptionInfo[InvalidInput]) -> dict[str, str]:
    return {fault.place: fault.message for fault in refused.value.faults}


def nothing_is_broken() -> bool:
    return not [finding for finding in integrity.check() if finding.broken]


def messages(kind: Message) -> set[str]:
    return set(OutboxMessage.objects.filter(kind=kind).values_list("to", flat=True))


@pytest.fixture
def contact(story: Story) -> Contact:
    """A contact about one child in Aylesbury, family help, green."""
    return story.contact()


class TestTheFacts:
    """Whatever the rules look at can be put right, and they are asked again."""

    @pytest.mark.parametrize(
        ("said", "fact", "value"),
        [
            ({"immediate_danger": True}, ("immediate_danger",), True),
            ({"referrer_level": 4}, ("referrer_level",), 4),
            ({"domestic_abuse": {"dash": "High"}}, ("family", "dash"), "high"),
            ({"domestic_abuse": {"marac": True}}, ("family", "marac"), True),
            ({"agreement": {"service": "withdrawn", "given_by": "mother"}}, ("agreement",), "withdrawn"),
            ({"agreement": {"service": "not_known"}}, ("agreement",), "not_sought"),
            ({"agreement": {"service": None}}, ("agreement",), "not_sought"),
            ({"sibling_on_cp_plan": True}, ("family", "sibling_on_cp_plan"), True),
            ({"family_indicators": ["L2-01"]}, ("family", "indicators"), ["L2-01"]),
            (of_robin(date_of_birth="3/4/2024"), ("children", 0, "age_years"), 2),
            (of_robin(date_of_birth=None, age_years="about 15"), ("children", 0, "age_years"), 15),
            (of_robin(date_of_birth=None, expected_date_of_delivery="1/2/2027"), ("children", 0, "unborn"), True),
            (of_robin(disabled=True), ("children", 0, "disabled"), True),
            (of_robin(non_verbal=True), ("children", 0, "non_verbal"), True),
            (of_robin(previous_cp_plan=True), ("children", 0, "previous_cp_plan"), True),
            (of_robin(previously_looked_after=False), ("children", 0, "previously_looked_after"), False),
            (of_robin(indicators=["l3-36"]), ("children", 0, "indicators"), ["L3-36"]),
            (of_robin(address=address("OX1 1AA")), ("family", "in_area"), False),
            (of_robin(address={"confidential": True}), ("family", "in_area"), None),
        ],
        ids=lambda value: str(value)[:40],
    )
    def test_reach_the_rules_at_once(
        self, story: Story, contact: Contact, said: dict[str, Any], fact: tuple[Any, ...], value: Any
    ) -> None:
        before = latest(contact)
        learn(story, contact, **said)
        found = facts_of(contact)
        for step in fact:
            found = found[step]
        assert found == value
        contact.refresh_from_db()
        assert contact.recommendation == latest(contact) != before
        assert nothing_is_broken()

    def test_are_kept_with_who_said_them_when_and_why(self, story: Story, contact: Contact) -> None:
        done = learn(story, contact, **of_robin(date_of_birth="3 April 2015", sex="girl"))
        information = Information.objects.get()
        assert done[:3] == (information, True, ())
        assert (information.contact, information.at, information.by_user) == (contact, story.now, person("oliver"))
        assert (information.source, information.said_by, information.why) == ("family", "mother", "She called.")
        robin = contact.children.get()
        assert [
            (change.child, change.field, change.before, change.after, change.said)
            for change in FactChange.objects.order_by("pk")
        ] == [
            (robin, "date_of_birth", "2019-03-04", "2015-04-03", "3 April 2015"),
            (robin, "sex", "M", "F", "girl"),
        ]
        assert (robin.date_of_birth.isoformat() if robin.date_of_birth else "", robin.sex) == ("2015-04-03", "F")

    def test_leave_what_was_sent_as_it_was(self, story: Story, contact: Contact) -> None:
        learn(story, contact, immediate_danger=True, family_indicators=[], **of_robin(indicators=[], first_name="Rob"))
        document = contact.document
        contact.refresh_from_db()
        robin = contact.children.get()
        assert contact.document == document
        assert (robin.indicators, robin.reported_indicators) == (["L3-12"], [])
        assert facts_of(contact)["children"][0]["indicators"] == []

    def test_that_say_the_same_change_nothing(self, story: Story, contact: Contact) -> None:
        learn(story, contact, immediate_danger=True, **of_robin(first_name="Robin", date_of_birth="4/3/2019"))
        assert list(FactChange.objects.values_list("field", flat=True)) == ["immediate_danger"]
        with pytest.raises(InvalidInput, match="Nothing differs"):
            learn(story, contact, immediate_danger=True)
        assert Information.objects.count() == 1

    def test_leave_an_event_without_a_word(self, story: Story, contact: Contact) -> None:
        learn(story, contact, immediate_danger=True, **of_robin(first_name="Quagga"))
        event = AuditEvent.objects.get(event=Event.INFORMATION_ADDED)
        assert (event.contact, event.by_user) == (contact, person("oliver"))
        assert event.detail == {"source": "family", "facts": ["first_name", "immediate_danger"], "added": 0}

    def test_that_nobody_needs_to_decide_anew_for_ask_no_rules(self, story: Story, contact: Contact) -> None:
        before = latest(contact)
        learn(story, contact, referrer={"phone": "01494 000000", "email": "head@school.example"})
        assert latest(contact) == before
        contact.refresh_from_db()
        assert contact.referrer_email == "head@school.example"
        assert FactChange.objects.get(field="referrer.phone").after == "01494 000000"

    def test_back_again_are_as_before(self, story: Story, contact: Contact) -> None:
        before = facts_of(contact)
        learn(story, contact, immediate_danger=True, **of_robin(date_of_birth="2015-04-03", indicators=["L4-01"]))
        learn(story, contact, immediate_danger=False, **of_robin(date_of_birth="2019-03-04", indicators=["L3-12"]))
        assert facts_of(contact) == before


class TestWhatCannotBeRead:
    def test_is_kept_and_asked_and_changes_nothing(self, story: Story, contact: Contact) -> None:
        done = learn(story, contact, **of_robin(date_of_birth="last spring", nhs_number="12", sex="boy"))
        unread = {change.field: change for change in FactChange.objects.exclude(kind="")}
        assert {name: (change.kind, change.said) for name, change in unread.items()} == {
            "date_of_birth": ("not_read", "last spring"), "nhs_number": ("not_read", "12"),
        }  # fmt: skip
        assert unread["date_of_birth"].before == unread["date_of_birth"].after == "2019-03-04"
        assert {detail.field for detail in done.to_check} == {"children.date_of_birth", "children.nhs_number"}
        assert contact.children.get().sex == "M"

    def test_indicators_that_the_rules_do_not_know_hold_it_and_take_nothing_away(
        self, story: Story, contact: Contact
    ) -> None:
        learn(story, contact, **of_robin(indicators=["L9-99"]))
        contact.refresh_from_db()
        assert (contact.has_unknown_indicators, latest(contact).hold) == (True, "screening")
        assert contact.children.get().reported_indicators == ["L3-12"]
        learn(story, contact, **of_robin(indicators=["L3-12", "L2-01"]))
        contact.refresh_from_db()
        assert (contact.has_unknown_indicators, latest(contact).hold) == (False, "")

    def test_a_detail_of_the_contact_that_is_put_right_holds_it_no_more(self, story: Story) -> None:
        contact = story.contact(children=[child(indicators=["L9-99"])], family_indicators=["CP-7"])
        learn(story, contact, **of_robin(indicators=["L3-12"]))
        contact.refresh_from_db()
        assert contact.has_unknown_indicators
        learn(story, contact, family_indicators=["L2-01"])
        contact.refresh_from_db()
        assert not contact.has_unknown_indicators

    @pytest.mark.parametrize(
        ("name", "own", "of_kim"),
        [("nhs_number", nhs_number(1), nhs_number(2)), ("upn", "H801200001001", "X801200001002")],
    )
    def test_the_number_of_another_child(self, story: Story, name: str, own: str, of_kim: str) -> None:
        """A child gets the number that is learned, on their record too, unless it is that of another child."""
        kim = {"ref": "c2", "first_name": "Kim", "date_of_birth": "2015-08-21", "nhs_number": None}
        contact = story.contact(children=[child(nhs_number=None), child(**kim | {name: of_kim})])
        learn(story, contact, **of_robin(**{name: own}))
        learn(story, contact, **of_robin(**{name: of_kim}))
        assert getattr(contact.children.get(ref="c1").recorded_as, name) == own
        assert "another child" in FactChange.objects.latest("pk").says


class TestPeople:
    def test_a_child_who_was_forgotten_is_added(self, story: Story, contact: Contact) -> None:
        learn(story, contact, children=[{"first_name": "Kim", "date_of_birth": "21/8/2025", "school": "Nursery"}])
        kim = contact.children.get(position=1)
        assert (kim.ref, kim.first_name, kim.person.first_name) == ("c2", "Kim", "Kim")
        assert [each["age_years"] for each in facts_of(contact)["children"]] == [7, 1]
        assert FactChange.objects.get(field="school").after == "Nursery"
        assert nothing_is_broken()

    def test_an_adult_is_added_and_corrected(self, story: Story, contact: Contact) -> None:
        learn(story, contact, adults=[{"first_name": "Sam", "relationship": "uncle", "same_address": True}])
        sam = contact.adults.latest("position")
        assert (sam.person.first_name, sam.relationship, sam.person.postcode) == ("Sam", "uncle", "HP20 1UA")
        learn(story, contact, adults=[{"number": sam.position + 1, "first_name": "Samuel", "same_address": False}])
        sam = contact.adults.latest("position")
        assert (sam.person.first_name, sam.person.postcode) == ("Samuel", "")

    def test_one_who_is_not_of_the_family_counts_no_more_and_stays(self, story: Story) -> None:
        kim = {"ref": "c2", "first_name": "Kim", "date_of_birth": "2025-08-21", "indicators": ["L4-01"]}
        contact = story.contact(children=[child(), child(**kim, nhs_number=None)])
        assert contact.rag == "red"
        learn(story, contact, children=[{"ref": "c2", "in_family": False}])
        contact.refresh_from_db()
        assert (contact.rag, contact.children.count(), len(facts_of(contact)["children"])) == ("green", 2, 1)
        learn(story, contact, children=[{"ref": "c2", "in_family": True}])
        assert len(facts_of(contact)["children"]) == 2

    def test_not_the_last_one(self, story: Story, contact: Contact) -> None:
        with pytest.raises(InvalidInput) as refused:
            learn(story, contact, **of_robin(in_family=False))
        assert faults(refused) == {"children": "A contact is about at least one child of the family."}

    def test_who_has_another_name_and_birth_is_looked_for_again(self, story: Story) -> None:
        noor = child(
            first_name="Noor", last_name="Haddad", date_of_birth="2012-05-16", nhs_number=None,
            address=address("HP5 1AA"), also_known_as=[],
        )  # fmt: skip
        first = story.contact(children=[noor], adults=[])
        wrong = noor | {"first_name": "Nora", "last_name": "Hall", "date_of_birth": "2016-02-03", "address": None}
        contact = story.contact(children=[wrong], adults=[])
        assert not PersonMatch.objects.exists()
        learn(story, contact, **of_robin(first_name="Noor", last_name="Haddad", date_of_birth="16/5/2012"))
        match = PersonMatch.objects.get()
        assert (match.row.contact, match.person) == (contact, first.children.get().person)
        assert facts_of(contact)["family"]["contacts_3_months"] == 2

    def test_an_adults_telephone_and_home_reach_the_record(self, story: Story) -> None:
        mother = {"first_name": "Sam", "last_name": "Ashworth", "same_address": True, "phone": "07700 900123"}
        contact = story.contact(children=[child(address=address("HP20 1UA"))], adults=[mother])
        moved = of_robin(address={"lines": ["2 New Way"], "postcode": "HP5 1AA"})
        learn(story, contact, adults=[{"number": 1, "phone": "07700 900999"}], **moved)
        record = contact.adults.get().recorded_as
        assert (record.telephone, record.address, record.postcode) == ("07700 900999", "2 New Way", "HP5 1AA")
        # By the new number she is found, whatever they call her.
        unnamed = {"first_name": "Samantha", "last_name": "Ash", "phone": "07700 900999"}
        other = story.contact(children=[child(first_name="Noor", nhs_number=None, address=None)], adults=[unnamed])
        assert PersonMatch.objects.filter(adult__contact=other, person=record).exists()
        learn(story, contact, adults=[{"number": 1, "phone": None, "same_address": False}])
        record.refresh_from_db()
        assert (record.telephone, record.address, record.postcode) == ("", "", "")

    @pytest.mark.parametrize("by", ["oliver", SCHOOL])
    def test_new_lines_of_an_address_may_bring_its_postcode(self, story: Story, by: str) -> None:
        contact = story.contact(children=[child(address=address("HP20 1UA"))], adults=[])
        learn(story, contact, by=by, **of_robin(address={"lines": ["2 New Way", "Chesham HP5 1AA"]}))
        robin = contact.children.get()
        assert (robin.postcode, robin.recorded_as.postcode) == ("HP5 1AA", "HP5 1AA")
        (change,) = FactChange.objects.filter(field="address.postcode")
        assert (change.before, change.after, change.says) == (
            "HP20 1UA", "HP5 1AA", "was empty; the one in the lines of the address is used.",
        )  # fmt: skip
        learn(story, contact, by=by, **of_robin(address={"lines": ["3 New Way", "HP5 1AA"]}))
        learn(story, contact, by=by, **of_robin(address={"lines": ["3, New Way", "HP5 1AA."]}))
        robin.refresh_from_db()
        assert robin.postcode == "HP5 1AA"
        assert FactChange.objects.filter(field="address.postcode").count() == 1
        assert not FactChange.objects.filter(kind=CheckKind.ASKED).exists()

    @pytest.mark.parametrize("by", ["oliver", SCHOOL])
    def test_new_lines_without_a_postcode_keep_the_old_one_and_it_is_asked_about(self, story: Story, by: str) -> None:
        contact = story.contact(children=[child(address={"lines": ["12 Mill Lane"], "postcode": "HP20 1UA"})])
        learn(story, contact, by=by, **of_robin(address={"lines": ["4 New Way"]}))
        assert contact.children.get().postcode == "HP20 1UA"
        change = FactChange.objects.get(field="address.lines")
        asked = "is new, and the postcode is the old one: is it still right?"
        assert (change.kind, change.says) == (CheckKind.ASKED, asked)
        for known in ({"lines": ["4, new way"]}, {"lines": ["5 New Way"], "postcode": "HP5 1AA"}):
            learn(story, contact, by=by, **of_robin(address=known))
        assert FactChange.objects.filter(kind=CheckKind.ASKED).count() == 1

    def test_a_confidential_address_is_hidden_at_once_and_stays_hidden(self, story: Story, contact: Contact) -> None:
        learn(story, contact, **of_robin(address={"confidential": True}))
        robin = contact.children.get()
        assert (robin.address_is_confidential, robin.person.postcode) == (True, "")
        with pytest.raises(InvalidInput) as refused:
            learn(story, contact, immediate_danger=True, **of_robin(address={"confidential": False}))
        assert list(faults(refused)) == ["children[0].address.confidential"]
        learn(story, contact, by=SCHOOL, **of_robin(address={"confidential": False, "postcode": "HP5 1AA"}))
        robin.refresh_from_db()
        assert (robin.address_is_confidential, robin.postcode) == (True, "HP5 1AA")
        assert nothing_is_broken()

    @pytest.mark.parametrize("by", ["oliver", SCHOOL])
    def test_a_confidential_address_is_hidden_on_the_earlier_contact_as_well(
        self, story: Story, contact: Contact, by: str
    ) -> None:
        again = story.contact()
        learn(story, again, by=by, **of_robin(address={"confidential": True}))
        assert all(child.address_is_confidential for child in ContactChild.objects.all())
        assert AddressProtection.objects.get().said_by == (person(by) if by == "oliver" else None)
        assert contact != again
        assert nothing_is_broken()

    def test_a_child_who_is_added_to_a_family_in_hiding_is_hidden_too(self, story: Story) -> None:
        contact = story.contact(children=[child(address=address("HP20 1UA", confidential=True))])
        learn(story, contact, children=[{"first_name": "Kim", "address": {"lines": ["1 Example Road"]}}])
        assert all(child.address_is_confidential for child in contact.children.all())
        assert nothing_is_broken()


class TestWhatFollows:
    def test_clocks_and_rating_follow(self, story: Story, contact: Contact) -> None:
        learn(story, contact, **of_robin(indicators=["L4-01"]))
        contact.refresh_from_db()
        running = set(contact.clocks.running().values_list("kind", flat=True))
        assert contact.rag == "red"
        assert {kind for kind in running if kind.startswith("final_decision")} == {"final_decision_red"}

    def test_a_new_hard_stop_is_told_at_once_each_time(self, story: Story, contact: Contact) -> None:
        alerts = OutboxMessage.objects.filter(kind=Message.RED_CONTACT)
        learn(story, contact, **of_robin(indicators=["L4-01"]))
        first = alerts.count()
        assert first
        learn(story, contact, **of_robin(disabled=True))
        assert alerts.count() == first, "nothing graver"
        learn(story, contact, immediate_danger=True)
        assert alerts.count() > first

    def test_out_of_hours_a_contact_that_becomes_red_passes_to_emergency_duty(self, story: Story) -> None:
        contact = story.contact()
        story.now = local("Fri 20 Nov 2026 22:00")
        learn(story, contact, by="erin", immediate_danger=True, **of_robin(indicators=["L4-01"]))
        contact.refresh_from_db()
        assert contact.team.code == "emergency-duty"
        assert contact.handovers.get().passed_by is None
        duty = story.team("emergency-duty")
        assert OutboxMessage.objects.filter(kind=Message.RED_CONTACT).exists()
        assert contact.clocks.running().filter(kind="contact_taken_on").exists()
        assert duty
        assert nothing_is_broken()

    def test_a_handover_that_nobody_took_on_lapses_then(self, story: Story) -> None:
        story.now = local("Fri 20 Nov 2026 16:00")
        contact = story.contact(immediate_danger=True, children=[child(indicators=["L4-01"])], at=story.now)
        contact_handovers.hand_over(contact_id=contact.pk, note="Call them.", by=person("amina"), now=story.now)
        contact_handovers.take_on(contact_id=contact.pk, by=person("erin"), now=story.later())
        contact_handovers.hand_over(contact_id=contact.pk, note="It is calm.", by=person("erin"), now=story.later())
        learn(story, contact, immediate_danger=False, **of_robin(indicators=["L2-01"]))
        story.now = local("Fri 20 Nov 2026 22:00")
        learn(story, contact, immediate_danger=True, **of_robin(indicators=["L4-01"]))
        contact.refresh_from_db()
        assert contact.team.code == "emergency-duty"
        assert [each.is_open for each in contact.handovers.all()] == [False, False, True]
        assert nothing_is_broken()

    def test_the_decision_in_view_is_overtaken(self, story: Story, contact: Contact) -> None:
        seen = latest(contact)
        learn(story, contact, **of_robin(address=address("HP5 1AA")))
        with pytest.raises(TakenBySomeoneElse, match="The recommendation changed"):
            decisions.decide(
                contact_id=contact.pk, recommendation_id=seen.pk, pathway=seen.pathway, level=seen.level,
                rag=seen.rag, rationale="Yes, as the rules say.", by=person("amina"), now=story.later(),
            )  # fmt: skip

    def test_the_route_follows_the_address(self, story: Story, contact: Contact) -> None:
        learn(story, contact, **of_robin(address=address("HP5 1AA")))
        handoff = story.offered(contact)
        assert handoff.to_team.code == "chiltern"

    def test_the_team_hears_only_what_others_add(self, story: Story, contact: Contact) -> None:
        learn(story, contact, immediate_danger=True)
        assert not messages(Message.INFORMATION_ADDED), "staff told themselves"


class TestADecisionThatWaitsForASecondPerson:
    @pytest.fixture
    def proposed(self, story: Story, contact: Contact) -> Contact:
        story.decided(contact, pathway="advice", level=3)
        assert contact.status == "sign_off"
        return contact

    def test_is_overtaken_and_decided_again(self, story: Story, proposed: Contact) -> None:
        learn(story, proposed, **of_robin(disabled=True))
        assert messages(Message.INFORMATION_ADDED)
        with pytest.raises(TakenBySomeoneElse, match="More is known"):
            story.signed_off(proposed)
        story.signed_off(proposed, agreed=False)
        assert proposed.status == "received"
        story.decided(proposed, pathway="advice", level=3)
        story.signed_off(proposed)
        assert proposed.status == "decided"
        assert nothing_is_broken()

    def test_is_not_overtaken_by_a_telephone_number(self, story: Story, proposed: Contact) -> None:
        learn(story, proposed, referrer={"phone": "01494 000000"})
        story.signed_off(proposed)
        assert proposed.status == "decided"

    def test_its_clocks_and_alerts_follow_all_the_same(self, story: Story, proposed: Contact) -> None:
        learn(story, proposed, **of_robin(indicators=["L4-01"]))
        proposed.refresh_from_db()
        assert (proposed.rag, proposed.status) == ("red", "sign_off")
        assert messages(Message.RED_CONTACT)
        assert nothing_is_broken()


class TestInWork:
    @pytest.fixture
    def case(self, story: Story, contact: Contact) -> Case:
        case = story.accepted(contact)
        contact.refresh_from_db()
        return case

    @pytest.mark.parametrize("name", ["oliver", "ben", "bea"])
    def test_the_front_door_and_the_team_correct(self, story: Story, contact: Contact, case: Case, name: str) -> None:
        learn(story, contact, by=name, **of_robin(disabled=True))
        contact.refresh_from_db()
        assert (facts_of(contact)["children"][0]["disabled"], contact.status, contact.rag) == (True, "decided", "green")
        assert facts_of(contact)["family"]["open_work"] is None, "its own case is not earlier work"
        assert nothing_is_broken()

    def test_the_team_hears_of_a_hard_stop_at_once(self, story: Story, contact: Contact, case: Case) -> None:
        learn(story, contact, **of_robin(indicators=["L4-01"]))
        told = OutboxMessage.objects.filter(kind=Message.GRAVER_THAN_DECIDED)
        assert {message.case for message in told} == {case}
        assert messages(Message.GRAVER_THAN_DECIDED) == {story.team("aylesbury").email} or told.count() > 1
        contact.refresh_from_db()
        assert (latest(contact).rag, contact.rag, contact.recommendation) == ("red", "green", latest(contact))

    def test_the_team_hears_of_what_is_not_graver_as_news(self, story: Story, contact: Contact, case: Case) -> None:
        learn(story, contact, **of_robin(sex="F"))
        assert messages(Message.INFORMATION_ADDED)
        assert not messages(Message.GRAVER_THAN_DECIDED)

    def test_so_does_the_team_that_is_offered_it(self, story: Story, contact: Contact, case: Case) -> None:
        to = story.team("chiltern")
        handoffs.offer(
            case_id=case.pk, to_team_id=to.pk, reason="They moved.", despite="They moved.", by=person("ben"),
            now=story.later(),
        )  # fmt: skip
        learn(story, contact, immediate_danger=True)
        keys = OutboxMessage.objects.filter(kind=Message.GRAVER_THAN_DECIDED).values_list("idempotency_key", flat=True)
        assert {key.split(":")[2] for key in keys} == {str(to.pk), str(story.team("aylesbury").pk)}

    def test_a_child_who_is_added_joins_the_case(self, story: Story, contact: Contact, case: Case) -> None:
        learn(story, contact, children=[{"first_name": "Kim", "date_of_birth": "2015-08-21"}])
        assert CaseChild.objects.filter(case=case).count() == 2
        assert nothing_is_broken()

    def test_who_is_not_of_the_family_leaves_the_case_and_comes_back(
        self, story: Story, contact: Contact, case: Case
    ) -> None:
        """Nobody leaves silently, and the next contact about the child is no news of this family's work."""
        told = {"first_name": "Kim", "last_name": "Ashworth", "date_of_birth": "2015-08-21"}
        learn(story, contact, children=[told | {"nhs_number": "9990000026"}])
        kim = contact.children.get(first_name="Kim")
        before = OutboxMessage.objects.filter(kind=Message.INFORMATION_ADDED, case=case).count()
        learn(story, contact, by="ben", children=[{"ref": kim.ref, "in_family": False}])
        assert set(case.children.all()) == {contact.children.get(ref="c1").person}
        event = AuditEvent.objects.get(event=Event.CASE_CHILD_LEFT)
        assert (event.case, event.contact, event.by_user) == (case, contact, person("ben"))
        assert event.detail == {"person": kim.person.reference}
        assert OutboxMessage.objects.filter(kind=Message.INFORMATION_ADDED, case=case).count() > before
        alone = story.contact(children=[child(ref="c1", **told, nhs_number="9990000026", also_known_as=[])], adults=[])
        assert alone.children.get().person == kim.person
        assert facts_of(alone)["family"]["open_work"] is None
        assert nothing_is_broken()
        learn(story, contact, by="ben", children=[{"ref": kim.ref, "in_family": True}])
        assert case.children.count() == 2
        assert nothing_is_broken()

    def test_an_upgrade_takes_off_whom_an_earlier_release_had_left(
        self, story: Story, contact: Contact, case: Case
    ) -> None:
        learn(story, contact, children=[{"first_name": "Kim", "date_of_birth": "2015-08-21"}])
        contact.children.filter(first_name="Kim").update(in_family=False)
        assert not nothing_is_broken()
        run(import_module("casework.migrations.0028_children_of_the_family").LEAVE)
        assert nothing_is_broken()
        assert case.children.count() == 1
        assert AuditEvent.objects.get(event=Event.CASE_CHILD_LEFT).case == case

    def test_whom_another_contact_of_the_case_names_stays(self, story: Story, contact: Contact, case: Case) -> None:
        kim = {"first_name": "Kim", "last_name": "Ashworth", "date_of_birth": "2015-08-21", "nhs_number": "9990000026"}
        learn(story, contact, children=[kim])
        again = story.contact(children=[child(), child(ref="c2", **kim)])
        story.decided(again, pathway="link_to_open_work")
        learn(story, again, children=[{"ref": "c2", "in_family": False}])
        assert case.children.count() == 2
        assert not AuditEvent.objects.filter(event=Event.CASE_CHILD_LEFT).exists()
        assert nothing_is_broken()

    def test_not_when_the_work_has_ended(self, story: Story, contact: Contact, case: Case) -> None:
        story.closed(case)
        for by in ("oliver", SCHOOL):
            with pytest.raises(NotAllowedInStatus, match="new contact"):
                learn(story, contact, by=by, immediate_danger=True)


class TestWhoMay:
    @pytest.mark.parametrize("name", ["oliver", "amina", "maya", "erin"])
    def test_whoever_works_at_the_front_door(self, story: Story, contact: Contact, name: str) -> None:
        assert learn(story, contact, by=name, immediate_danger=True).is_new

    @pytest.mark.parametrize("name", ["sam", "ava", "iris"])
    def test_overseers_do_not(self, story: Story, contact: Contact, name: str) -> None:
        with pytest.raises(NotPermitted):
            learn(story, contact, by=name, immediate_danger=True)

    @pytest.mark.parametrize("name", ["ben", "carol", "adele"])
    def test_nobody_else_sees_it(self, story: Story, contact: Contact, name: str) -> None:
        with pytest.raises(Contact.DoesNotExist):
            learn(story, contact, by=name, immediate_danger=True)

    def test_a_team_that_is_offered_the_case_sees_it_and_does_not_correct(self, story: Story, contact: Contact) -> None:
        story.offered(contact)
        with pytest.raises(NotPermitted):
            learn(story, contact, by="ben", immediate_danger=True)

    def test_not_from_a_page_that_was_overtaken(self, story: Story, contact: Contact) -> None:
        first = learn(story, contact, seen=0, immediate_danger=True)
        with pytest.raises(TakenBySomeoneElse, match="Somebody corrected"):
            learn(story, contact, seen=0, immediate_danger=None)
        assert learn(story, contact, seen=first.information.pk, immediate_danger=None).is_new


class TestWhatIsWrong:
    def test_everything_at_once_and_nothing_half_done(self, story: Story, contact: Contact) -> None:
        before = latest(contact)
        with pytest.raises(InvalidInput) as refused:
            corrections.learn(
                contact_id=contact.pk, by=person("oliver"), now=story.now,
                document={"immediate_danger": True, "children": [{"ref": "c7"}, {}], "adults": [{"number": 40}]},
            )  # fmt: skip
        assert set(faults(refused)) == {"why", "source", "children[0].ref", "children[1]", "adults[0].number"}
        assert (latest(contact), Information.objects.count()) == (before, 0)

    def test_what_a_developer_must_mend(self, story: Story, contact: Contact) -> None:
        with pytest.raises(InvalidInput) as refused:
            learn(story, contact, by=SCHOOL, immediate_danger="yes", colour="blue", source="rumour",
                  children=[{"ref": "c1", "in_family": False, "date_of_birth": 7}])  # fmt: skip
        assert set(faults(refused)) == {
            "immediate_danger", "colour", "source", "children[0].in_family", "children[0].date_of_birth"
        }  # fmt: skip


class TestAPartner:
    def test_adds_to_what_it_sent(self, story: Story, contact: Contact) -> None:
        done = learn(
            story, contact, by=SCHOOL, immediate_danger=True, why="He is back.", **of_robin(indicators=["L2-01"])
        )
        information = done.information
        assert (information.by_agency, information.by_user, information.source) == (contact.agency, None, "referrer")
        assert facts_of(contact)["children"][0]["indicators"] == ["L3-12", "L2-01"], "it takes nothing away"
        assert messages(Message.INFORMATION_ADDED)
        assert AuditEvent.objects.get(event=Event.INFORMATION_ADDED).by_agency == contact.agency

    def test_its_words_alone_are_news(self, story: Story, contact: Contact) -> None:
        before = latest(contact)
        learn(story, contact, by=SCHOOL, why="The mother has left.")
        assert latest(contact) != before
        assert messages(Message.INFORMATION_ADDED)

    def test_what_it_said_before_is_no_news(self, story: Story, contact: Contact) -> None:
        before = latest(contact)
        assert learn(story, contact, by=SCHOOL, **of_robin(first_name="Robin")).is_new
        assert (latest(contact), FactChange.objects.count()) == (before, 0)

    def test_the_same_key_is_stored_once(self, story: Story, contact: Contact) -> None:
        said: dict[str, Any] = {"by": SCHOOL, "idempotency_key": "k1", "immediate_danger": True}
        first = learn(story, contact, **said)
        again = learn(story, contact, **said)
        assert (again.information, again.is_new) == (first.information, False)
        other = story.contact(**contact_document())
        for changed, where in (({"immediate_danger": False}, contact), ({}, other)):
            with pytest.raises(KeyUsedForAnother):
                learn(story, where, **said | changed)
        assert Information.objects.count() == 1

    def test_not_to_what_another_sent(self, story: Story, contact: Contact) -> None:
        with pytest.raises(Contact.DoesNotExist):
            learn(story, contact, by="example-police", immediate_danger=True)
