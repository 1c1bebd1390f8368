"""Corrections at the same moment as another, a decision, a second person, or a contact about the same child."""

from datetime import datetime
from functools import partial
from typing import Any

from casework.actions import corrections, decisions, receiving
from casework.jobs import stale_recommendations
from casework.models import Contact, FactChange, Information
from errors import TakenBySomeoneElse
from localities.models import Agency
from tests.stage.documents import address, contact_document
from tests.stage.racing import TIMES, by_number, family, interleaved, only_one_succeeds, race
from tests.stage.story import Story, person


def learns(contact: Contact, now: datetime, by: str = "oliver", *, seen: int | None = None, **said: Any) -> Any:
    """An action to run in a race."""
    document = {"source": "family", "why": "She called."} | said
    return partial(corrections.learn, contact_id=contact.pk, document=document, by=person(by), now=now, seen=seen)


def test_two_corrections_from_one_page_are_one(story: Story) -> None:
    for number in range(TIMES):
        contact, now = story.contact(**family(number)), story.later()
        outcomes = race(
            learns(contact, now, seen=0, immediate_danger=True),
            learns(contact, now, "amina", seen=0, referrer_level=4),
        )
        only_one_succeeds(outcomes)
        assert contact.information.count() == 1


def test_two_corrections_of_two_facts_are_both_kept(story: Story) -> None:
    """A partner and somebody at the front door, at one moment: the recommendation rests on both."""
    school = Agency.objects.get(code="example-primary-school")
    for number in range(TIMES):
        contact, now = story.contact(**family(number)), story.later()
        outcomes = race(
            learns(contact, now, immediate_danger=True),
            partial(corrections.learn, contact_id=contact.pk, document={"referrer_level": 4}, by=school, now=now),
        )
        assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)], outcomes
        contact.refresh_from_db()
        assert contact.recommendation is not None
        facts = contact.recommendation.facts
        assert (facts["immediate_danger"], facts["referrer_level"]) == (True, 4)
        assert contact.recommendation == contact.recommendations.latest("pk")


def test_an_address_becomes_confidential_beside_work_on_the_family(story: Story) -> None:
    """The sister stands on another contact with the brother alone; her record changes too, and was there before."""
    sister, brother, child = (entry for number in (1, 2, 3) for entry in by_number(number)["children"])
    home = address("HP20 1UA")
    together = story.contact(children=[sister | {"ref": "c2", "address": home}, brother | {"address": home}], adults=[])
    contact = story.contact(children=[brother | {"ref": "c2", "address": home}, child | {"address": home}], adults=[])
    moment = story.later()
    hides = {"number": 1, "address": {"confidential": True}}
    outcomes = interleaved(
        learns(contact, moment, children=[hides]),
        partial(stale_recommendations.renew_one, contact_id=together.pk, now=moment, only_if_noted=False),
        before='UPDATE "casework_contactchild"',
    )
    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)], outcomes
    assert together.children.get(position=0).address_is_confidential


def test_one_key_from_eight_sides_is_stored_once(story: Story) -> None:
    school, contact = Agency.objects.get(code="example-primary-school"), story.contact(**family(0))
    other, now = story.contact(**family(1)), story.later()

    def send(where: Contact) -> corrections.Learned:
        return corrections.learn(
            contact_id=where.pk, document={"why": "He is back."}, by=school, now=now, idempotency_key="k1"
        )

    outcomes = race(*[lambda: send(contact)] * 7, lambda: send(other))
    assert Information.objects.count() == 1
    assert sum(getattr(outcome, "is_new", False) for outcome in outcomes) == 1


def test_a_decision_beside_a_correction_weighs_it_or_is_overtaken(story: Story) -> None:
    for number in range(TIMES):
        contact, now = story.contact(**family(number)), story.later()
        seen = contact.recommendation
        assert seen is not None

        decide = partial(
            decisions.decide, contact_id=contact.pk, recommendation_id=seen.pk, pathway=seen.pathway, level=seen.level,
            rag=seen.rag, rationale="Yes, as the rules say.", by=person("amina"), now=now,
        )  # fmt: skip
        decided, learned = race(decide, learns(contact, now, children=[{"ref": "c1", "disabled": True}]))
        assert isinstance(learned, corrections.Learned), learned
        contact.refresh_from_db()
        if isinstance(decided, Exception):
            assert isinstance(decided, TakenBySomeoneElse), decided
            assert contact.status == "received"
        else:
            # The correction came to a contact in work.
            assert (contact.status, contact.recommendation_id == seen.pk) == ("decided", False)


def test_a_second_person_never_agrees_to_what_was_overtaken(story: Story) -> None:
    for number in range(TIMES):
        contact = story.contact(**family(number))
        story.decided(contact, pathway="advice", level=3)
        now = story.later()
        agreed, learned = race(
            partial(
                decisions.sign_off,
                contact_id=contact.pk,
                agreed=True,
                rationale="I have read it all.",
                by=person("maya"),
                now=now,
            ),
            learns(contact, now, immediate_danger=True),
        )
        contact.refresh_from_db()
        if isinstance(agreed, Exception):
            assert isinstance(agreed, TakenBySomeoneElse), agreed
            assert contact.status == "sign_off"
        else:
            # It ended at the front door, and the correction came too late for it.
            assert contact.status == "decided"
            assert isinstance(learned, Exception)
            assert "new contact" in str(learned)


def test_a_corrected_name_beside_a_new_contact_about_the_child(story: Story) -> None:
    """Whichever comes first, somebody is asked whether they are one child; and nothing waits for ever."""
    school = Agency.objects.get(code="example-primary-school")
    for number in range(TIMES):
        true = by_number(number)["children"][0]
        wrong = family(number, first_name="Else", last_name="Where", date_of_birth=f"2001-01-0{number + 1}")
        contact, now = story.contact(**wrong), story.later()
        said = {name: true[name] for name in ("first_name", "last_name", "date_of_birth", "nhs_number")}
        outcomes = race(
            learns(contact, now, children=[{"ref": "c1"} | said]),
            partial(receiving.receive, document=contact_document(children=[true], adults=[]), by=school, now=now),
        )
        assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)], outcomes
        new = outcomes[1].contact
        row, other = contact.children.get(), new.children.get()
        assert row.matches.exists() or other.matches.exists() or other.person_id == row.person_id
    assert FactChange.objects.exists()
