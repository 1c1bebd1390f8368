"""What each button of a case's page does, and what it refuses; what a case's page tells."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from casework.models import Case, Handoff
from localities.models import OtherAuthority, Team, User
from localities.working_time import local_day
from tests.stage.documents import address, child
from tests.stage.pages import CLOSING, OVERSEERS, agreeing
from tests.stage.staff import (
    ANOTHER_FAMILY,
    SignedIn,
    is_done,
    is_refused,
    is_wrong,
    leads_to_its_page,
    path_of,
    views,
)
from tests.stage.story import Story
from tests.stage.web_client import Page, a_working_morning, day_of, kept

BY_A_SERVICE_MANAGER = {"offer", "extend"}
ANSWERS: dict[str, dict[str, str]] = {"accept": {}, "return": {"return-reason": "No room."}}
ONLY_WHO_HEARS_OF_IT = "Only a team lead of the team responsible for it, or a service manager, can give this more time."


@pytest.fixture
def closed(story: Story) -> Case:
    return story.closed()


class TestAnswering:
    @pytest.fixture(scope="class")
    @classmethod
    def told(cls, told_for_a_class: None) -> tuple[Story, int]:
        story = Story(a_working_morning())
        return story, story.offered().pk

    @pytest.fixture(scope="class")
    @classmethod
    def seen(cls, told: tuple[Story, int]) -> dict[str, Page]:
        """The case's page before anybody answers."""
        return views(Handoff.objects.get(pk=told[1]).case, ("ben", "bea", "amina", "sam"))

    @pytest.fixture
    def story(self, told: tuple[Story, int], db: None) -> Story:
        """The story goes on."""
        return told[0].goes_on()

    @pytest.fixture
    def offer(self, told: tuple[Story, int], db: None) -> Handoff:
        """A case on offer to Aylesbury."""
        return Handoff.objects.select_related("case").get(pk=told[1])

    def test_accepting_passes_the_case_on(self, offer: Handoff, seen: dict[str, Page]) -> None:
        is_done(SignedIn("bea").send(offer.case, "accept"), offer.case)
        offer.refresh_from_db()
        assert (offer.status, offer.answered_by) == ("accepted", User.objects.get(username="bea"))
        assert "Aylesbury team" in SignedIn("ben").open(offer.case).text

    def test_returning_needs_a_reason(self, offer: Handoff, seen: dict[str, Page]) -> None:
        answer = SignedIn("ben").send(offer.case, "return", **{"return-reason": " "})
        says = "Enter why the case goes back, so that the sender can do better"
        is_wrong(answer, {"id_return-reason": says})
        offer.refresh_from_db()
        assert offer.status == "offered"

    def test_only_whoever_is_asked_answers(self, offer: Handoff, seen: dict[str, Page]) -> None:
        for name in ("amina", "sam"):
            signed_in = SignedIn(name)
            for action, sent in ANSWERS.items():
                answer = signed_in.post(offer.case, action, handoff=offer.pk, **sent)
                is_refused(answer, 403, "Only Aylesbury team can answer this offer.")
                page = signed_in.client.get(f"{path_of(offer.case)}{action}/")
                is_refused(page, 403, "Only Aylesbury team can answer this offer.")
                assert f"{path_of(offer.case)}{action}/" not in seen[name].html

    def test_once(self, offer: Handoff, seen: dict[str, Page]) -> None:
        ben, bea = SignedIn("ben"), SignedIn("bea")
        ben.send(offer.case, "accept")
        for action, sent in ANSWERS.items():
            answer = bea.post(offer.case, action, handoff=offer.pk, **sent)
            is_refused(answer, 409, "This handoff is accepted already.")
            assert leads_to_its_page(path_of(offer.case), bea.client.get(f"{path_of(offer.case)}{action}/"))

    @pytest.mark.parametrize("numbers", [["", "0", "x", "-1", "9" * 30, "１"], ["9" * 5_000]], ids=["small", "huge"])
    def test_only_the_offer_that_was_in_view(self, offer: Handoff, numbers: list[str]) -> None:
        for number in numbers:
            assert SignedIn("ben").post(offer.case, "accept", handoff=number).status_code == 404
        offer.refresh_from_db()
        assert offer.status == "offered"

    def test_of_its_own_case(self, offer: Handoff, story: Story) -> None:
        other = story.offered(story.contact(**ANOTHER_FAMILY))
        assert SignedIn("ben").post(other.case, "accept", handoff=offer.pk).status_code == 404

    def test_withdrawing_needs_a_reason(self, offer: Handoff, seen: dict[str, Page]) -> None:
        says = "Enter why the offer is withdrawn"
        is_wrong(SignedIn("amina").send(offer.case, "withdraw"), {"id_withdraw-reason": says})
        answer = SignedIn("amina").send(offer.case, "withdraw", **{"withdraw-reason": "The wrong locality."})
        is_done(answer, offer.case)
        offer.refresh_from_db()
        assert (offer.status, offer.answer_reason) == ("withdrawn", "The wrong locality.")
        answer = SignedIn("amina").post(
            offer.case, "withdraw", handoff=offer.pk, **{"withdraw-reason": "The wrong locality."}
        )
        is_refused(answer, 409, "This handoff is withdrawn already.")

    def test_only_whoever_offered_withdraws(self, offer: Handoff) -> None:
        answer = SignedIn("ben").post(offer.case, "withdraw", handoff=offer.pk, **{"withdraw-reason": "No."})
        is_refused(answer, 403, "Only Front door can withdraw this offer.")


class TestTheWholeStoryTravels:
    def test_the_team_that_is_asked_reads_everything_on_the_cases_page(self, story: Story) -> None:
        mother = {"first_name": "Sam", "phone": "07700 900000", "risk_to_staff": True}
        referrer = {"name": "A neighbour", "keep_anonymous": True}
        contact = story.contact(adults=[mother], referrer=referrer)
        page = SignedIn("ben").open(story.offered(contact).case)
        for said in (
            "The family must not learn who told us.", "Risk to staff", "07700 900000", "12 Example Road",
            "At school until 15:15", "Handoff acceptance",
        ):  # fmt: skip
            assert said in page.text, said

    def test_the_decider_reads_where_it_went(self, story: Story) -> None:
        contact, signed_in = story.contact(), SignedIn("amina")
        signed_in.send(contact, "decide", **agreeing(contact))
        case = Case.objects.get()
        page = signed_in.open(contact, "decided/")
        assert page.heading == "Decision recorded"
        assert f"Case {case} is offered to Aylesbury team." in page.text


def done_at(case: Case, **changes: Any) -> dict[str, Any]:
    """The first contact with the family, a day after the contact was received."""
    when = day_of(local_day(case.received_at) + timedelta(days=1), "milestone-on")
    return {"milestone-kind": "first_family_contact", "milestone-time": "14:30"} | when | changes


def actions(case: Case) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every action, with valid input."""
    yield "offer", {"offer-to_team": Team.objects.get(code="chiltern").pk, "offer-reason": "They moved."}
    yield "lead", {"lead-lead": User.objects.get(username="bea").pk}
    yield "milestone", done_at(case)
    yield "authority", {"authority-authority": OtherAuthority.objects.all()[0].pk}
    # What a team promises starts when it takes the case on.
    for plan in case.clocks.filter(kind="family_help_plan"):
        later = day_of(local_day(plan.due_at) + timedelta(days=7), "extend-on")
        yield "extend", {"extend-clock": plan.pk, "extend-reason": "Their aunt is away until then."} | later
    yield "close", CLOSING | {"confirmed": "yes"}


class TestWorking:
    """Ben's team is responsible for the case."""

    @pytest.fixture(scope="class")
    @classmethod
    def told(cls, told_for_a_class: None) -> int:
        return Story(a_working_morning()).accepted().pk

    @pytest.fixture(scope="class")
    @classmethod
    def seen(cls, told: int) -> dict[str, Page]:
        """The case's page before anybody works on it."""
        return views(Case.objects.get(pk=told), ("ben", "bea", "sam"))

    @pytest.fixture
    def case(self, told: int, db: None) -> Case:
        return Case.objects.get(pk=told)

    def test_offering_it_to_another_team(self, case: Case, seen: dict[str, Page]) -> None:
        chiltern = Team.objects.get(code="chiltern")
        sent = {"offer-to_team": chiltern.pk, "offer-reason": "They moved to Chesham."}
        is_done(SignedIn("ben").send(case, "offer", **sent), case)
        handoff = case.handoffs.last()
        assert handoff is not None
        assert (handoff.to_team, handoff.status) == (chiltern, "offered")
        is_refused(SignedIn("ben").post(case, "offer", **sent), 409, f"{case} is on offer to Chiltern team.")
        assert f"{path_of(case)}offer/" not in SignedIn("ben").open(case).html

    def test_to_which_and_why(self, case: Case, seen: dict[str, Page]) -> None:
        is_wrong(
            SignedIn("ben").send(case, "offer"),
            {
                "id_offer-to_team": "Select a team that takes work",
                "id_offer-reason": "Enter why the case should go to this team",
            },
        )
        own = Team.objects.get(code="aylesbury")
        is_wrong(
            SignedIn("ben").send(case, "offer", **{"offer-to_team": own.pk, "offer-reason": "x"}),
            {"id_offer-to_team": "Select a team that takes work"},
        )

    def test_naming_the_lead_practitioner(self, case: Case, bea: User, seen: dict[str, Page]) -> None:
        is_done(SignedIn("ben").send(case, "lead", seen["ben"], **{"lead-lead": bea.pk}), case)
        case.refresh_from_db()
        assert case.lead_practitioner == bea

    def test_who_works_in_the_team(self, case: Case, carol: User, seen: dict[str, Page]) -> None:
        says = "Select somebody who works in the team responsible for the case"
        is_wrong(SignedIn("ben").send(case, "lead", seen["ben"], **{"lead-lead": ""}), {"id_lead-lead": says})
        page = Page(SignedIn("ben").send(case, "lead", seen["ben"], **{"lead-lead": carol.pk}))
        assert page.status == 422
        assert page.error_at("id_lead-lead")
        assert "Carol" not in page.html
        case.refresh_from_db()
        assert case.lead_practitioner is None

    def test_recording_what_was_done(self, case: Case, seen: dict[str, Page]) -> None:
        is_done(SignedIn("bea").send(case, "milestone", **done_at(case)), f"{path_of(case)}plan/")
        milestone = case.milestones.get()
        assert (milestone.kind, milestone.recorded_by.username) == ("first_family_contact", "bea")
        assert timezone.localtime(milestone.at).strftime("%H:%M") == "14:30"
        assert not case.clocks.running().filter(kind="first_family_contact").exists()

    def test_what_and_when(self, case: Case, seen: dict[str, Page]) -> None:
        is_wrong(
            SignedIn("ben").send(case, "milestone"),
            {"id_milestone-kind": "Select what was done", "id_milestone-on": "Enter when it was done"},
        )

    def test_between_the_familys_contact_and_now(self, case: Case, seen: dict[str, Page]) -> None:
        says = "It must lie between the family's contact and now."
        for day in (local_day(case.received_at) - timedelta(days=1), local_day(timezone.now()) + timedelta(days=1)):
            sent = done_at(case, **day_of(day, "milestone-on"))
            is_wrong(SignedIn("ben").send(case, "milestone", **sent), {"id_milestone-on": says})

    def test_at_a_time_that_can_be_read(self, case: Case, seen: dict[str, Page]) -> None:
        for time in ("25:00", "half past two", "14:30:30", "14h30"):
            answer = SignedIn("ben").send(case, "milestone", **done_at(case, **{"milestone-time": time}))
            page = Page(answer)
            assert page.status == 422
            assert page.form(f"{path_of(case)}milestone/")["milestone-time"] == time, "what was typed is not lost"
        assert not case.milestones.exists()

    def test_closing_with_an_outcome(self, case: Case, seen: dict[str, Page]) -> None:
        is_done(SignedIn("ben").send(case, "close", **CLOSING), case)
        case.refresh_from_db()
        assert (case.status, case.outcome, case.closing_summary) == ("closed", "needs_met", "They know where to turn.")
        page = SignedIn("ben").open(case)
        assert "They know where to turn." in page.text
        assert page.actions == SignedIn("ben").open(case, "plan/").actions == set()

    def test_with_every_answer(self, case: Case, seen: dict[str, Page]) -> None:
        answers = {
            "outcome": "Select how the work ended",
            "summary": "Enter in a sentence what was done, and what was achieved",
            "children_seen": "Select whether the children were seen",
            "children_note": "Enter when and by whom, or why they were not seen",
            "adults_seen": "Select whether the adults were seen",
            "adults_note": "Enter when and by whom, or why they were not seen",
            "family_asked": "Select whether the family was asked",
            "family_says": "Enter what the family says, or why it was not asked",
            "support": "Enter in a sentence what happens next, and who supports the family",
        }
        is_wrong(SignedIn("ben").send(case, "close"), {f"id_close-{name}": says for name, says in answers.items()})
        sent = CLOSING | {"close-outcome": "other_authority", "close-summary": "x"}
        says = {"outcome": "Name the other authority first.", "summary": answers["summary"]}
        is_wrong(SignedIn("ben").send(case, "close", **sent), {f"id_close-{name}": said for name, said in says.items()})

    def test_nobody_else_does_any_of_it(self, case: Case) -> None:
        before = kept()
        for signed_in in map(SignedIn, sorted(OVERSEERS)):
            for action, sent in actions(case):
                if signed_in.user.username == "sam" and action in BY_A_SERVICE_MANAGER:
                    continue
                says = ONLY_WHO_HEARS_OF_IT if action == "extend" else f"Only the team responsible for {case} can"
                is_refused(signed_in.post(case, action, **sent), 403, says)
        assert kept() == before

    def test_but_a_service_manager_offers_it_on_and_gives_more_time(self, case: Case, seen: dict[str, Page]) -> None:
        """A team may have nobody left, so the service manager can act for it."""
        sam, sent = SignedIn("sam"), dict(actions(case))
        assert seen["sam"].actions == set()
        assert sam.open(case, "plan/").actions == {f"{path_of(case)}extend/"}
        assert f"{path_of(case)}offer/" in seen["sam"].html
        is_done(sam.send(case, "extend", **sent["extend"]), f"{path_of(case)}plan/")
        is_done(sam.send(case, "offer", **sent["offer"]), case)
        page = sam.open(case)
        assert page.actions == set()
        assert "Withdraw the offer" in page.text
        assert f"{path_of(case)}offer/" not in page.html, "what is on offer is not offered again"
        is_done(sam.send(case, "withdraw", **{"withdraw-reason": "They stay."}), case)


class TestWhereNobodyWorks:
    def test_not_while_it_is_on_offer(self, offer: Handoff) -> None:
        answer = SignedIn("amina").post(offer.case, "close", **CLOSING)
        is_refused(
            answer, 409, f"{offer.case} is on offer to Aylesbury team. It must answer, or the offer be withdrawn."
        )

    def test_a_case_of_elsewhere_gets_its_authority(self, story: Story) -> None:
        handoff = story.offered(story.contact(children=[child(address=address("MK9 3EP"))]))
        dan = SignedIn("dan")
        assert handoff.to_team.code == "out-of-area"
        is_done(dan.send(handoff.case, "accept"), handoff.case)
        says = "Select the council that answers for this family"
        is_wrong(dan.send(handoff.case, "authority", **{"authority-authority": ""}), {"id_authority-authority": says})
        milton_keynes = OtherAuthority.objects.get(name__contains="Milton Keynes")
        is_done(dan.send(handoff.case, "authority", **{"authority-authority": milton_keynes.pk}), handoff.case)
        sent = CLOSING | {"close-outcome": "other_authority", "close-children_seen": "no", "close-adults_seen": "no"}
        is_done(dan.send(handoff.case, "close", **sent), handoff.case)

    def test_and_nobody_once_it_is_closed(self, closed: Case) -> None:
        for action, sent in actions(closed):
            is_refused(SignedIn("ben").post(closed, action, **sent), 409, f"{closed} is closed.")

    def test_whoever_is_only_asked_waits_until_it_is_theirs(self, offer: Handoff) -> None:
        of_the_sender = {"lead-lead": User.objects.get(username="amina").pk}
        for action, sent in actions(offer.case):
            answer = SignedIn("ben").post(offer.case, action, **sent | of_the_sender)
            is_refused(answer, 403, f"Only the team responsible for {offer.case} can")
