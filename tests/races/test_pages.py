"""
Races through the pages: while somebody reads, what they read passes to others, or is settled. Whoever is slower gets a
page with a sentence, never an error of the service.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from casework.actions import handoffs
from casework.models import Handoff
from localities.models import Membership
from localities.working_time import local_day
from tests.stage.racing import TIMES, interleaved, on_offer, race, received
from tests.stage.staff import SignedIn, is_refused
from tests.stage.story import Story, person
from tests.stage.web_client import Answer, Page

NO_LONGER_YOURS = "Nothing was saved: you no longer have access to this."
WHY = "The aunt lives elsewhere."
LOCKS_THE_CASE = 'FOR NO KEY UPDATE OF "casework_case"'
LOCKS_THE_CONTACT = 'FOR NO KEY UPDATE OF "casework_contact"'


def withdraws(handoff: Handoff) -> Callable[[], Answer]:
    signed_in = SignedIn("amina")
    return lambda: signed_in.post(handoff.case, "withdraw", **{"handoff": handoff.pk, "withdraw-reason": WHY})


def returns(handoff: Handoff) -> Callable[[], Answer]:
    signed_in = SignedIn("ben")
    return lambda: signed_in.post(handoff.case, "return", **{"handoff": handoff.pk, "return-reason": WHY})


def accepts(handoff: Handoff) -> Callable[[], Answer]:
    signed_in = SignedIn("ben")
    return lambda: signed_in.post(handoff.case, "accept", handoff=handoff.pk)


def has_a_sentence(answer: Answer) -> None:
    """The answer says "not found" or "not now", and nothing about the family."""
    page = Page(answer)
    assert (page.status, NO_LONGER_YOURS in page.text or "This handoff is" in page.text) in ((404, True), (409, True))
    assert "Child " not in page.html


class TestOneOffer:
    """Two people answer one offer at the same moment. One succeeds, and the other gets a sentence."""

    @pytest.mark.parametrize(
        ("first", "second"), [(withdraws, accepts), (returns, withdraws)], ids=["withdraw, accept", "return, withdraw"]
    )
    def test_at_the_same_moment(
        self, story: Story, first: Callable[[Handoff], Callable[[], Answer]],
        second: Callable[[Handoff], Callable[[], Answer]],
    ) -> None:  # fmt: skip
        for number in range(TIMES):
            handoff = on_offer(story, number)
            answers = race(first(handoff), second(handoff))
            done = [answer for answer in answers if answer.status_code == 302]
            assert len(done) == 1, [Page(answer).text for answer in answers]
            has_a_sentence(*(answer for answer in answers if answer not in done))

    def test_accepted_between_the_page_and_the_withdrawal(self, story: Story) -> None:
        """The view finds the case, and its action no longer sees it: it belongs to the other team."""
        handoff = on_offer(story, 0)
        withdrawn, accepted = interleaved(withdraws(handoff), accepts(handoff), before=LOCKS_THE_CASE)
        assert accepted.status_code == 302
        is_refused(withdrawn, 404, NO_LONGER_YOURS)
        assert WHY in Page(withdrawn).text, "what was typed is given back"

    def test_withdrawn_between_the_page_and_the_return(self, story: Story) -> None:
        handoff = on_offer(story, 0)
        returned, withdrawn = interleaved(returns(handoff), withdraws(handoff), before=LOCKS_THE_CASE)
        assert withdrawn.status_code == 302
        is_refused(returned, 404, NO_LONGER_YOURS)
        assert WHY in Page(returned).text, "what was typed is given back"


class TestOutOfScopeMeanwhile:
    """A form comes from a page that has gone out of scope. Nothing is stored, and a sentence says so."""

    @pytest.mark.parametrize("action", ["lead", "milestone", "authority", "close", "offer"])
    def test_a_case_that_passes_to_another_team(self, story: Story, action: str) -> None:
        """A case on offer cannot be closed: it is offered, too, after the view has looked at it."""
        case = story.accepted(received(story, 0))
        chiltern, ben = story.team("chiltern"), SignedIn("ben")
        then, later = story.later(), story.later()
        sent = {"milestone-kind": "first_family_contact", "close-summary": WHY, "offer-reason": WHY, "confirmed": "yes"}

        def passes_on() -> Handoff:
            offered = handoffs.offer(case_id=case.pk, to_team_id=chiltern.pk, reason=WHY, by=ben.user, now=then)
            return handoffs.accept(handoff_id=offered.pk, by=person("chris"), now=later)

        answer, accepted = interleaved(lambda: ben.post(case, action, **sent), passes_on, before=LOCKS_THE_CASE)
        assert isinstance(accepted, Handoff), repr(accepted)
        is_refused(answer, 404, NO_LONGER_YOURS)

    @pytest.mark.parametrize("action", ["decide", "agreement", "checks", "acknowledge", "hand-over", "partners"])
    def test_a_contact_of_somebody_who_leaves(self, story: Story, action: str) -> None:
        contact = received(story, 0)
        amina, yesterday = SignedIn("amina"), local_day(timezone.now()) - timedelta(days=1)
        answer, _ = interleaved(
            lambda: amina.post(contact, action, **{"decide-recommendation": contact.recommendation_id}),
            lambda: Membership.objects.filter(user=amina.user).update(ends_on=yesterday),
            before=LOCKS_THE_CONTACT,
        )
        is_refused(answer, 404, NO_LONGER_YOURS)
        contact.refresh_from_db()
        assert (contact.status, contact.acknowledged_at) == ("received", None)
