"""What each button of a contact's page does, and what it refuses."""

from datetime import date, datetime, timedelta

import pytest
from django.utils import timezone

from casework.actions import corrections, receiving
from casework.families.likeness.weights import shipped as shipped_weights
from casework.models import Contact, Handoff, PersonMatch, UnfinishedForm
from casework.web.tags import how_old, span
from localities.models import Agency, Team, User
from localities.working_time import local_day
from tests.stage.documents import address, child, contact_document
from tests.stage.families import KIM, about, brothers
from tests.stage.pages import OVERSEERS, WHY, agreeing
from tests.stage.restricted import restrict
from tests.stage.staff import (
    ANOTHER_FAMILY,
    SignedIn,
    is_decided,
    is_done,
    is_refused,
    is_wrong,
    offered,
    path_of,
    views,
)
from tests.stage.story import Story, person
from tests.stage.web_client import Answer, Page, a_working_morning, day_of, kept

OPTIONAL = "History considered, and what it means (optional)"


class TestWhetherTheHistoryIsAskedFor:
    """The page and the action ask the same, and neither tells of a contact that the reader may not open."""

    @pytest.fixture
    def alone(self, db: None) -> Contact:
        """A contact about Kim, whose only earlier one is of 14 months ago, with Robin, and is not counted any more."""
        story = Story(a_working_morning() - timedelta(days=430))
        earlier = about(story, child(), child(**KIM), indicators=["L2-01"])
        story.decided(earlier, pathway="advice")
        story.later(days=430)
        return about(story, child(**KIM))

    def decides(self, contact: Contact) -> Answer:
        return SignedIn("amina").send(contact, "decide", **agreeing(contact) | {"decide-history": ""})

    def test_where_the_reader_may_open_it(self, alone: Contact) -> None:
        page = SignedIn("amina").open(alone, "decide/")
        assert "14 months" not in page.text
        assert "History considered, and what it means" in page.text
        assert OPTIONAL not in page.text
        assert Page(self.decides(alone)).error_at("id_decide-history").startswith("Enter in a sentence which history")

    def test_where_it_is_closed_to_the_reader(self, alone: Contact) -> None:
        earlier = Contact.objects.earliest("pk")
        restrict(Story(alone.received_at), earlier)
        assert OPTIONAL in SignedIn("amina").open(alone, "decide/").text
        is_decided(self.decides(alone), alone)

    def test_where_the_earlier_one_was_the_same_report(self, story: Story) -> None:
        document = contact_document(agreement={"service": "given"}, agency_reference=None)
        school = Agency.objects.get(code="example-primary-school")
        contacts = [
            receiving.receive(document=document, by=school, now=story.later(), idempotency_key=key).contact
            for key in ("first", "again")
        ]
        assert contacts[1].resend_of == contacts[0]
        amina = SignedIn("amina")
        assert OPTIONAL in amina.open(contacts[1], "decide/").text
        assert OPTIONAL in Page(amina.post(contacts[1], "decide")).text, "with faults as well"
        is_decided(self.decides(contacts[1]), contacts[1])


class TestTheHistoryOnThePageOfADecision:
    def test_another_contact_that_came_later_is_in_it(self, story: Story) -> None:
        """Two people report one bruise on one day: whoever decides on the first must read the second."""
        first = about(story, child(**KIM))
        story.later(hours=1)
        second = about(story, child(**KIM))
        page = SignedIn("amina").open(first, "decide/")
        (history,) = page.main.all("section", **{"aria-labelledby": "history-heading"})
        assert "No matching records found" not in history.text
        assert str(second) in history.text
        assert str(first) not in history.text

    def test_how_long_ago_it_arrived_is_said_also_where_it_was_typed_in_later(self, story: Story) -> None:
        arrived = story.now - timedelta(days=3)
        contact = receiving.receive(
            document=contact_document(), by=person("amina"), now=story.now, arrived_at=arrived
        ).contact
        assert f"received {span(arrived)} ago" in SignedIn("amina").open(contact, "decide/").text


@pytest.fixture
def decided(story: Story) -> Contact:
    """A contact that is decided."""
    contact = story.contact()
    story.decided(contact)
    return contact


ALREADY = "{} is decided already."


class TestDeciding:
    @pytest.fixture(scope="class")
    @classmethod
    def told(cls, told_for_a_class: None) -> int:
        return Story(a_working_morning()).contact().pk

    @pytest.fixture(scope="class")
    @classmethod
    def seen(cls, told: int) -> dict[str, Page]:
        """The page for a decision before anybody decides."""
        return views(f"{path_of(Contact.objects.get(pk=told))}decide/", ("amina", "maya", "oliver"))

    @pytest.fixture
    def contact(self, told: int, db: None) -> Contact:
        return Contact.objects.get(pk=told)

    def test_accepting_the_recommendation_opens_and_offers_the_case(
        self, contact: Contact, seen: dict[str, Page]
    ) -> None:
        answer = SignedIn("amina").send(contact, "decide", seen["amina"], **agreeing(contact))
        is_decided(answer, contact)
        contact.refresh_from_db()
        assert contact.status == "decided"
        decision = contact.decision_in_effect
        assert decision is not None
        assert (decision.pathway, decision.level, decision.rag, decision.overrides) == (
            "family_help",
            3,
            "green",
            False,
        )
        assert decision.decided_by.username == "amina"
        assert contact.case is not None
        assert contact.case.handoffs.get().to_team.code == "aylesbury"

    def test_overriding_waits_for_a_second_person_where_it_must(self, contact: Contact, seen: dict[str, Page]) -> None:
        answer = SignedIn("amina").send(
            contact,
            "decide",
            seen["amina"],
            **WHY | {"decide-pathway": "advice", "decide-level": "1", "decide-rag": "blue"},
        )
        is_decided(answer, contact)
        assert "proposed by Amina Hussain" in SignedIn("amina").open(contact, "decided/").text
        contact.refresh_from_db()
        assert (contact.status, contact.case) == ("sign_off", None)

    def test_nothing_is_filled_in(self, contact: Contact, seen: dict[str, Page]) -> None:
        """The form has no rationale and no recommended values in it. The recommendation is shown beside it."""
        page = seen["amina"]
        form = page.form(f"{path_of(contact)}decide/")
        assert form["decide-rationale"] == ""
        assert form.keys().isdisjoint({"decide-pathway", "decide-level", "decide-rag"})
        assert "The rules recommend: Family help, level 3 Green." in page.text
        assert "A level 3 need, and the family agrees to help." in page.text
        assert f"{path_of(contact)}decide/" in links(SignedIn("amina").open(contact)), "a button leads there"

    def test_without_one_nothing_is_decided(self, contact: Contact, seen: dict[str, Page]) -> None:
        before = kept()
        needed = "Enter why: a decision needs a rationale in your own words"
        sentence = "Enter in a sentence why: what you weighed, and what made the difference"
        for rationale, says in {"": needed, "   \n": needed, ".": sentence, "As the rules": sentence}.items():
            page = is_wrong(
                SignedIn("amina").send(
                    contact,
                    "decide",
                    seen["amina"],
                    **agreeing(contact) | {"decide-rationale": rationale, "decide-level": "2"},
                ),
                {"id_decide-rationale": says},
            )
            assert page.form(f"{path_of(contact)}decide/")["decide-level"] == "2", "what was chosen is not lost"
        assert {name: count for name, count in kept().items() if name != "AuditEvent"} == {
            name: count for name, count in before.items() if name != "AuditEvent"
        }

    def test_everything_that_is_missing_is_said_at_once(self, contact: Contact) -> None:
        assert contact.recommendation is not None
        answer = SignedIn("amina").post(contact, "decide", **{"decide-recommendation": contact.recommendation.pk})
        is_wrong(
            answer,
            {
                "id_decide-pathway": "Select what happens next",
                "id_decide-level": "Select the level of need, 1 to 4",
                "id_decide-rag": "Select the rating",
                "id_decide-rationale": "Enter why: a decision needs a rationale in your own words",
            },
        )

    def test_an_answer_that_was_not_offered_is_refused_at_its_field(
        self, contact: Contact, seen: dict[str, Page]
    ) -> None:
        fields = ("decide-pathway", "decide-level", "decide-rag", "decide-team")
        page = Page(
            SignedIn("amina").send(
                contact, "decide", seen["amina"], **agreeing(contact) | dict.fromkeys(fields, "made up")
            )
        )
        assert page.status == 422
        assert set(dict(page.summary)) >= {f"id_{field}" for field in fields}
        contact.refresh_from_db()
        assert contact.status == "received"

    def test_a_contact_officer_does_not_decide(self, contact: Contact, seen: dict[str, Page]) -> None:
        says = f"Only a social worker or a manager at the front door can decide on {contact}."
        assert (seen["oliver"].status, says in seen["oliver"].text) == (403, True)
        page = SignedIn("oliver").open(contact)
        assert says in page.text
        assert f"{path_of(contact)}decide/" not in links(page)
        as_seen = seen["amina"].form(f"{path_of(contact)}decide/")
        oliver = SignedIn("oliver")
        sent = as_seen | agreeing(contact) | {"typist": oliver.user.pk}
        is_refused(oliver.post(contact, "decide", **sent), 403, says)

    def test_what_was_not_in_view_is_not_decided_on(self, contact: Contact, seen: dict[str, Page]) -> None:
        """
        Somebody records the family's answer after the page was loaded, so the recommendation has changed. What was
        typed is still there, with what has changed, and can be sent again.
        """
        form = seen["amina"].form(f"{path_of(contact)}decide/")
        answered = {"agreement-service": "refused", "agreement-given_by": "mother"}
        SignedIn("oliver").send(contact, "agreement", **answered | day_of(a_day_ago(), "agreement-on"))
        typed = form | {name: str(value) for name, value in agreeing(contact).items()}
        page = Page(SignedIn("amina").post(contact, "decide", **typed))
        assert page.status == 409
        assert "The recommendation changed while you were reading. Look at it again, then go on." in page.text
        assert "Was: Family help, level 3 Green Now: Review by a social worker, level 3 Amber New: " in page.text
        again = page.form(f"{path_of(contact)}decide/")
        now_made = str(Contact.objects.get(pk=contact.pk).recommendation_id)
        assert again | {"csrfmiddlewaretoken": ""} == typed | {
            "decide-recommendation": now_made, "csrfmiddlewaretoken": "", "version": "1"
        }  # fmt: skip
        is_decided(SignedIn("amina").send(contact, "decide", page, **agreeing(contact)), contact)

    def test_nobody_decides_twice(self, contact: Contact, seen: dict[str, Page]) -> None:
        first, second = SignedIn("amina"), SignedIn("maya")
        form = seen["maya"].form(f"{path_of(contact)}decide/")
        is_decided(first.send(contact, "decide", seen["amina"], **agreeing(contact)), contact)
        answer = second.post(contact, "decide", **form | agreeing(contact))
        is_refused(answer, 409, ALREADY.format(contact))
        assert WHY["decide-rationale"] in Page(answer).text, "to copy it"
        assert f"{first.user} decided on " in Page(answer).text
        assert f"{path_of(contact)}decide/" not in links(second.open(contact))
        is_done(first.client.get(f"{path_of(contact)}decide/"), contact)


class TestCheckingTheAnswers:
    def test_nothing_is_kept_before_they_are_confirmed(self, contact: Contact) -> None:
        amina, address = SignedIn("amina"), f"{path_of(contact)}decide/"
        filled = amina.open(contact, "decide/").form(address) | agreeing(contact)
        before = kept()
        page = Page(amina.post(contact, "decide", **filled))
        assert (page.status, page.heading) == (200, "Check your decision: Robin Ashworth (7)")
        says = {row.all("dt")[0].text: row.all("dd")[0].text for row in page.root.all(class_="govuk-summary-list__row")}
        assert says["What happens next"] == "Family help"
        assert says["Why"] == WHY["decide-rationale"]
        assert says["Team"] == "Aylesbury team. HP20 1UA lies in Aylesbury (catchment HP20)."
        assert "Ben Carter, by email: that the case is offered to their team" in page.text
        assert kept() == before | {"AuditEvent": before["AuditEvent"] + 1}, "but for the trace of the view"

        # Whoever changes their mind finds everything as it was, and so does whoever goes back in their browser, which
        # keeps no page; only they, and only until it is decided.
        (change,) = [link["href"] for link in page.main.all("a") if link.text == "Change level of need"]
        assert change.endswith("#id_decide-level")
        back = amina.open(change)
        assert (back.status, back.summary) == (200, [])
        assert "What you typed is filled in. Nothing is recorded yet." in back.text
        assert {name: back.form(address)[name] for name in agreeing(contact)} == {
            name: str(value) for name, value in agreeing(contact).items()
        }
        assert SignedIn("maya").open(contact, "decide/").form(address)["decide-rationale"] == ""
        assert kept()["Decision"] == before["Decision"]
        is_decided(amina.post(contact, "decide", **page.form(address)), contact)
        assert not UnfinishedForm.objects.exists()

    def test_the_next_page_says_what_followed(self, story: Story, contact: Contact) -> None:
        another = story.contact(**ANOTHER_FAMILY)
        amina = SignedIn("amina")
        is_decided(amina.send(contact, "decide", **agreeing(contact)), contact)
        page = amina.open(contact, "decided/")
        case = Contact.objects.get(pk=contact.pk).case
        assert f"Case {case} is offered to Aylesbury team. Front door stays responsible until they accept." in page.text
        assert "Ben Carter, team lead: ben@front-door.example" in page.text
        assert "The referrer, by email: what was decided" in page.text
        assert "The referrer hears what was decided by" in page.text
        assert {path_of(another), path_of(case)} <= links(page)
        (child,) = another.children.all()
        assert f"Next contact: {child.called} ({how_old(child)})" in page.text

    def test_whoever_links_it_reads_which_team_has_it(self, story: Story) -> None:
        """Of two open cases they choose one, which they may not open, and learn how to reach those who may."""
        robins, _ = brothers(story)
        contact = about(story, child(), child(**KIM), agency_reference="both")
        amina = SignedIn("amina")
        page = amina.open(contact, "decide/")
        assert (
            f"Robin Ashworth: Family help, with Aylesbury team, since {day(robins.opened_at)} ({robins})" in page.text
        )
        is_wrong(
            amina.send(contact, "decide", page, **agreeing(contact)),
            {"id_decide-case": "Select which of the open cases this contact belongs to"},
        )
        is_decided(amina.send(contact, "decide", page, **agreeing(contact) | {"decide-case": robins.pk}), contact)
        page = amina.open(contact, "decided/")
        assert f"It belongs to case {robins}, which Aylesbury team has" in page.text
        assert "Ben Carter, team lead: ben@front-door.example" in page.text
        assert path_of(robins) not in links(page)
        assert f"it belongs to {robins}" in amina.open(contact).text


class TestWhoDecides:
    def test_a_family_that_nobody_asked_is_asked_first(self, story: Story) -> None:
        contact = story.contact(agreement={"service": "not_sought"})
        says = "The family has not answered yet. Record what it says to this service, then decide."
        is_wrong(SignedIn("amina").send(contact, "decide", **agreeing(contact)), {"id_decide-pathway": says})

    def test_where_the_route_cannot_tell_a_person_picks_the_team_and_says_why(self, story: Story) -> None:
        contact = story.contact(children=[child(address=None)])
        signed_in = SignedIn("amina")
        is_wrong(
            signed_in.send(contact, "decide", **agreeing(contact)),
            {
                "id_decide-team": "No child has a postcode. Pick the team, and say why.",
                "id_decide-team_reason": "Enter why you pick this team",
            },
        )
        chiltern = Team.objects.get(code="chiltern")
        picked = {"decide-team": chiltern.pk, "decide-team_reason": "The mother stays in Chesham."}
        is_decided(signed_in.send(contact, "decide", **agreeing(contact) | picked), contact)
        handoff = Handoff.objects.get(case__contacts=contact)
        assert (handoff.to_team, handoff.reason) == (chiltern, "Picked by a person: The mother stays in Chesham.")

    def test_after_a_hard_stop_only_a_manager_does(self, story: Story) -> None:
        contact = story.contact(children=[child(indicators=["L4-01"])])
        says = f"A manager decides on {contact}: a sign of significant harm was given."
        assert says in SignedIn("amina").open(contact).text
        as_seen = SignedIn("maya").open(contact, "decide/").form(f"{path_of(contact)}decide/")
        amina = SignedIn("amina")
        sent = as_seen | agreeing(contact) | {"typist": amina.user.pk}
        is_refused(amina.post(contact, "decide", **sent), 403, says)
        is_decided(SignedIn("maya").send(contact, "decide", **agreeing(contact)), contact)

    def test_nor_while_a_second_person_is_awaited(self, waiting: Contact) -> None:
        assert waiting.recommendation is not None
        sent = {"decide-recommendation": waiting.recommendation.pk, "decide-pathway": "advice", "decide-level": "1"}
        answer = SignedIn("maya").post(waiting, "decide", **sent | WHY | {"decide-rag": "blue"})
        is_refused(answer, 409, f"A decision on {waiting} waits for a second person.")


def day(moment: datetime) -> str:
    return f"{local_day(moment):%-d %B %Y}"


def links(page: Page) -> set[str]:
    return {link["href"] for link in page.main.all("a")}


def a_day_ago() -> date:
    return local_day(timezone.now()) - timedelta(days=1)


AGREES = {"sign_off-answer": "agree", "sign_off-rationale": "I have read it all."}


class TestTheSecondPerson:
    @pytest.fixture(scope="class")
    @classmethod
    def told(cls, told_for_a_class: None) -> int:
        """Amina decided, and a second person is awaited."""
        story = Story(a_working_morning())
        contact = story.contact()
        story.decided(contact, pathway="advice", level=1, rag="blue")
        assert contact.status == "sign_off"
        return contact.pk

    @pytest.fixture(scope="class")
    @classmethod
    def seen(cls, told: int) -> dict[str, Page]:
        names = ("amina", "oliver", "maya", "david", "sam", "ava", "iris")
        return views(f"{path_of(Contact.objects.get(pk=told))}sign-off/", names)

    @pytest.fixture
    def waiting(self, told: int, db: None) -> Contact:
        return Contact.objects.get(pk=told)

    def test_agrees_and_the_decision_takes_effect(self, waiting: Contact, seen: dict[str, Page]) -> None:
        is_decided(SignedIn("maya").send(waiting, "sign-off", seen["maya"], **AGREES), waiting)
        waiting.refresh_from_db()
        assert waiting.status == "decided"
        assert waiting.decision_in_effect is not None
        assert waiting.decision_in_effect.sign_off.by.username == "maya"

    def test_or_declines_and_it_is_decided_again(self, waiting: Contact, seen: dict[str, Page]) -> None:
        maya = SignedIn("maya")
        is_done(maya.send(waiting, "sign-off", seen["maya"], **AGREES | {"sign_off-answer": "decline"}), waiting)
        assert "You declined. It is with Amina Hussain again, with your reason." in maya.open(waiting).text
        waiting.refresh_from_db()
        assert (waiting.status, waiting.decision_in_effect) == ("received", None)
        amina = SignedIn("amina")
        assert f"{path_of(waiting)}decide/" in links(amina.open(waiting))
        assert "did not agree" in amina.open(waiting).text
        for action in ("", "decide/"):
            (banner,) = amina.open(waiting, action).main.all(class_="govuk-notification-banner")
            assert "Maya Brooks declined this decision" in banner.text
            assert AGREES["sign_off-rationale"] in banner.text
        form = amina.open(waiting, "decide/").form(f"{path_of(waiting)}decide/")
        assert form["decide-rationale"] == "The history and what the school saw point the same way."
        assert form.get("decide-pathway") is None
        assert form["decide-history"] == waiting.decisions.get().history
        assert "Declined by Maya Brooks, " in Page(amina.client.get("/?tab=returned")).text
        # What one person wrote is not put into the mouth of another.
        davids = SignedIn("david").open(waiting, "decide/").form(f"{path_of(waiting)}decide/")
        assert not davids["decide-rationale"]

    def test_reads_the_concern_and_is_asked_why_either_way(self, waiting: Contact, seen: dict[str, Page]) -> None:
        concern = waiting.document["concern"]
        for words in ("Presenting concern", concern["worries"], "Why do you agree or decline?"):
            assert words in seen["maya"].text, words

    def test_reads_what_was_corrected_beside_what_was_sent(self, waiting: Contact) -> None:
        dash = {"domestic_abuse": {"dash": "standard"}, "source": "referrer", "why": "The officer called back."}
        corrections.learn(contact_id=waiting.pk, document=dash, by=person("amina"), now=timezone.now())
        page = SignedIn("maya").open(waiting, "sign-off/")
        assert f"{waiting}, proposed by Amina Hussain" in page.text
        assert "Changed since it was sent" in page.text
        assert "DASH risk: Standard" in page.text

    def test_a_service_manager_may_be_the_second(self, waiting: Contact, seen: dict[str, Page]) -> None:
        is_decided(SignedIn("sam").send(waiting, "sign-off", seen["sam"], **AGREES), waiting)

    def test_says_which_and_why(self, waiting: Contact) -> None:
        answer = SignedIn("maya").post(waiting, "sign-off")
        is_wrong(answer, {
            "id_sign_off-answer": "Select whether you agree",
            "id_sign_off-rationale": "Enter why you agree or decline",
        })  # fmt: skip
        answer = SignedIn("maya").post(waiting, "sign-off", **{"sign_off-answer": "agree", "sign_off-rationale": " "})
        is_wrong(answer, {"id_sign_off-rationale": "Enter why you agree or decline"})
        for answered in ("agree", "decline"):
            for short in (".", "Agreed", "I read it"):
                sent = {"sign_off-answer": answered, "sign_off-rationale": short}
                page = Page(SignedIn("maya").post(waiting, "sign-off", **sent))
                says = f"Enter in a sentence why you {answered}"
                assert page.error_at("id_sign_off-rationale").startswith(says), short
                assert page.form(f"{path_of(waiting)}sign-off/")["sign_off-rationale"] == short
        waiting.refresh_from_db()
        assert waiting.status == "sign_off"

    def test_is_a_manager(self, waiting: Contact) -> None:
        says = "Only a front-door manager or a service manager can agree to this decision."
        for name in ("oliver", "erin", "ava", "iris"):
            is_refused(SignedIn(name).post(waiting, "sign-off", **AGREES), 403, says)

    def test_nobody_who_may_not_is_shown_the_form(self, waiting: Contact, seen: dict[str, Page]) -> None:
        assert offered(seen, waiting, "sign-off") == {"maya", "david", "sam"}
        assert {page.status for name, page in seen.items() if name not in ("maya", "david", "sam")} == {403}
        for name in ("maya", "oliver"):
            leads_there = f"{path_of(waiting)}sign-off/" in links(SignedIn(name).open(waiting))
            assert leads_there is (name == "maya")

    def test_reads_the_proposal_beside_the_recommendation(self, seen: dict[str, Page]) -> None:
        page = seen["maya"]
        rows = {
            box.all("h2")[0].text: [side.text for side in box.all("dd")] for box in page.root.all(class_="app-compare")
        }
        assert rows["What happens next Differs"] == ["Advice and information", "Family help"]
        assert rows["Level of need Differs"] == ["Level 1", "Level 3"]
        assert rows["Rating Differs"] == ["Blue", "Green"]
        assert "The history and what the school saw point the same way." in page.text


class TestWhoIsTheSecond:
    def test_is_another_person(self, story: Story) -> None:
        contact = story.contact()
        story.decided(contact, by="maya", pathway="advice", level=1, rag="blue")
        says = "You made this decision. Another person must agree to it."
        is_refused(SignedIn("maya").post(contact, "sign-off", **AGREES), 403, says)
        is_decided(SignedIn("david").send(contact, "sign-off", **AGREES), contact)

    def test_is_asked_only_where_one_is_needed(self, contact: Contact, decided: Contact) -> None:
        for other in (contact, decided):
            says = f"{other} does not wait for a second person."
            is_refused(SignedIn("maya").post(other, "sign-off", **AGREES), 409, says)


class TestFindingOutMore:
    @pytest.fixture(scope="class")
    @classmethod
    def told(cls, told_for_a_class: None) -> int:
        return Story(a_working_morning()).contact().pk

    @pytest.fixture
    def contact(self, told: int, db: None) -> Contact:
        return Contact.objects.get(pk=told)

    def test_whoever_was_asked_and_when_is_needed(self, contact: Contact) -> None:
        answer = SignedIn("amina").post(contact, "agreement", **{"agreement-service": "refused"})
        is_wrong(
            answer,
            {
                "id_agreement-given_by": "Enter who in the family gave the answer",
                "id_agreement-on": "Enter on which day they answered",
            },
        )

    def test_on_a_day_that_was(self, contact: Contact) -> None:
        days = {
            ("31", "2", "2026"): "Enter on which day they answered",
            ("1", "1", "2100"): "This day lies in the future.",
            ("1", "", "2026"): "Enter a day, a month and a year of four digits, as 21 11 2026",
        }
        answered = {"agreement-service": "given", "agreement-given_by": "mother"}
        for day, says in days.items():
            boxes = dict(zip(("agreement-on_day", "agreement-on_month", "agreement-on_year"), day, strict=True))
            is_wrong(SignedIn("amina").post(contact, "agreement", **answered | boxes), {"id_agreement-on": says})

    def test_what_the_records_say_is_kept_and_the_rules_are_asked_again(self, contact: Contact) -> None:
        one = contact.children.get()
        known = {"checks-sibling_on_cp_plan": "no", f"checks-plan_{one.pk}": "yes", f"checks-after_{one.pk}": "no"}
        is_done(SignedIn("oliver").send(contact, "checks", **known), contact)
        contact.refresh_from_db()
        one.person.refresh_from_db()
        assert contact.sibling_on_cp_plan is False
        assert (one.person.previous_cp_plan, one.person.previously_looked_after) == (True, False)
        assert contact.recommendation is not None
        assert contact.recommendation.pathway == "social_worker_review"

    def test_an_answer_that_was_not_offered_is_refused_at_its_field(self, contact: Contact) -> None:
        one = contact.children.get()
        page = Page(SignedIn("oliver").post(contact, "checks", **{f"checks-plan_{one.pk}": "perhaps"}))
        assert page.status == 422
        assert page.error_at(f"id_checks-plan_{one.pk}")


class TestALikeness:
    @pytest.fixture(scope="class")
    @classmethod
    def told(cls, told_for_a_class: None) -> tuple[Story, int]:
        story = Story(a_working_morning())
        story.contact()
        contact = story.contact(children=[child(nhs_number=None, first_name="Robyn")])
        return story, PersonMatch.objects.get(child__contact=contact).pk

    @pytest.fixture(scope="class")
    @classmethod
    def seen(cls, told: tuple[Story, int]) -> Page:
        """The contact's page before anybody has said who is who, for Oliver."""
        return SignedIn("oliver").open(PersonMatch.objects.get(pk=told[1]).row.contact)

    @pytest.fixture
    def story(self, told: tuple[Story, int], db: None) -> Story:
        """The story goes on."""
        return told[0].goes_on()

    @pytest.fixture
    def match(self, told: tuple[Story, int], db: None) -> PersonMatch:
        return PersonMatch.objects.select_related("child__contact").get(pk=told[1])

    @pytest.mark.parametrize(("same", "status"), [("yes", "confirmed"), ("no", "rejected")])
    def test_a_likeness_is_settled(self, match: PersonMatch, seen: Page, same: str, status: str) -> None:
        contact = match.row.contact
        is_done(SignedIn("oliver").send(contact, f"matches/{match.pk}", seen, same=same), contact)
        match.refresh_from_db()
        assert (match.status, match.settled_by) == (status, User.objects.get(username="oliver"))

    def test_the_page_says_whose_history_counts(self, story: Story, match: PersonMatch, seen: Page) -> None:
        assert match.score >= shipped_weights().careful
        page = seen
        assert "Until somebody says no, their history counts." in page.text
        elsewhere = address("SL7 1AA")
        children = [
            child(
                nhs_number=None,
                first_name=first,
                last_name=last,
                also_known_as=[],
                date_of_birth=born,
                address=elsewhere,
            )
            for first, last, born in (("Noor", "Haddad", "2018-08-21"), ("Jun", "Nakamura", "2012-11-30"))
        ]
        adult = {"first_name": "Ana", "last_name": "Núñez", "same_address": True}
        page = SignedIn("oliver").open(story.contact(children=children[:1], adults=[adult]))
        assert "No matching records found." in page.text
        weak = story.contact(children=children[1:], adults=[adult])
        (likeness,) = PersonMatch.objects.filter(adult__contact=weak)
        assert likeness.score < shipped_weights().careful
        page = SignedIn("oliver").open(weak)
        assert "Their history does not count until somebody says yes." in page.text
        assert "No records certainly match this household. Settle the possible matches above first." in page.text

    @pytest.mark.parametrize("same", ["yes", "no"])
    def test_what_was_said_is_undone_with_a_reason(self, match: PersonMatch, seen: Page, same: str) -> None:
        contact, signed_in, undo = match.row.contact, SignedIn("oliver"), f"matches/{match.pk}/undo"
        was = match.row.person_id
        signed_in.send(contact, f"matches/{match.pk}", seen, same=same)
        undoing = signed_in.open(contact)
        assert f"{path_of(contact)}{undo}/" in undoing.actions
        page = Page(signed_in.post(contact, undo, **{f"undo{match.pk}-reason": " "}))
        assert page.error_at(f"id_undo{match.pk}-reason")
        is_done(signed_in.send(contact, undo, undoing, **{f"undo{match.pk}-reason": "It was her cousin."}), contact)
        match.refresh_from_db()
        assert (match.status, match.settled_by) == ("proposed", None)
        assert contact.children.get().person_id == was
        assert match.status_changes.latest("pk").why == "It was her cousin."

    def test_by_an_answer_never_by_silence(self, match: PersonMatch) -> None:
        """Without an answer nobody has said that this is another child."""
        for sent in ({}, {"same": ""}, {"same": "perhaps"}):
            assert SignedIn("oliver").post(match.row.contact, f"matches/{match.pk}", **sent).status_code in (400, 422)
        match.refresh_from_db()
        assert match.status == "proposed"

    def test_once(self, match: PersonMatch, seen: Page) -> None:
        contact, signed_in = match.row.contact, SignedIn("oliver")
        signed_in.send(contact, f"matches/{match.pk}", seen, same="no")
        says = "Somebody has looked at this likeness already."
        is_refused(signed_in.post(contact, f"matches/{match.pk}", same="yes"), 409, says)

    def test_on_its_own_contact(self, match: PersonMatch, story: Story) -> None:
        other = story.contact(by="example-police", children=[child(nhs_number=None, last_name="Haddad")])
        assert SignedIn("oliver").post(other, f"matches/{match.pk}", same="yes").status_code == 404
        assert SignedIn("oliver").post(other, f"matches/{'9' * 30}", same="yes").status_code == 404

    def test_overseers_look_and_do_not_touch(self, match: PersonMatch) -> None:
        contact = match.row.contact
        for name in OVERSEERS:
            signed_in = SignedIn(name)
            for action in ("agreement", "checks", f"matches/{match.pk}", "acknowledge", "in-writing", "feedback"):
                answer = signed_in.post(contact, action, same="yes", **{"agreement-service": "not_sought"})
                is_refused(answer, 403, f"Only front-door staff can work on {contact}.")


class TestWhatIsFoundOut:
    def test_the_familys_answer_is_kept_and_the_rules_are_asked_again(self, story: Story) -> None:
        contact = story.contact(agreement={"service": "not_sought"})
        answered = {"agreement-service": "given", "agreement-given_by": "mother"} | day_of(a_day_ago(), "agreement-on")
        is_done(SignedIn("oliver").send(contact, "agreement", **answered), contact)
        contact.refresh_from_db()
        assert (contact.agreement, contact.agreement_given_by, contact.agreement_on) == ("given", "mother", a_day_ago())
        assert contact.recommendations.count() == 2

    @pytest.mark.parametrize("action", ["agreement", "checks"])
    def test_nothing_more_is_found_out_after_the_decision(
        self, waiting: Contact, decided: Contact, action: str
    ) -> None:
        answered = {"agreement-service": "not_sought"}
        says = "waits for a second person. Nothing else is decided until then."
        is_refused(SignedIn("oliver").post(waiting, action, **answered), 409, says)
        is_refused(SignedIn("oliver").post(decided, action, **answered), 409, ALREADY.format(decided))


class TestTellingTheReferrer:
    def test_that_we_have_it(self, story: Story) -> None:
        contact = story.contact()
        is_done(SignedIn("oliver").send(contact, "acknowledge"), contact)
        contact.refresh_from_db()
        assert contact.acknowledged_at is not None
        assert not contact.clocks.running().filter(kind="acknowledge_referrer").exists()
        assert f"{path_of(contact)}acknowledge/" not in SignedIn("oliver").open(contact).actions
        says = f"The referrer of {contact} was told already."
        is_refused(SignedIn("oliver").post(contact, "acknowledge"), 409, says)

    def test_that_they_confirmed_in_writing(self, story: Story) -> None:
        contact = story.contact(received_by_phone=True)
        is_done(SignedIn("oliver").send(contact, "in-writing"), contact)
        contact.refresh_from_db()
        assert contact.confirmed_in_writing_at is not None
        says = f"{contact} was confirmed in writing already."
        is_refused(SignedIn("oliver").post(contact, "in-writing"), 409, says)

    def test_which_only_a_telephone_contact_needs(self, contact: Contact) -> None:
        assert f"{path_of(contact)}in-writing/" not in SignedIn("oliver").open(contact).actions
        is_refused(SignedIn("oliver").post(contact, "in-writing"), 409, f"{contact} did not come by telephone.")

    def test_what_was_decided(self, decided: Contact) -> None:
        is_done(SignedIn("oliver").send(decided, "feedback"), decided)
        decided.refresh_from_db()
        assert decided.feedback_given_at is not None
        says = f"The referrer of {decided} was told the outcome already."
        is_refused(SignedIn("oliver").post(decided, "feedback"), 409, says)

    def test_which_nobody_can_before_it_is(self, contact: Contact) -> None:
        assert f"{path_of(contact)}feedback/" not in SignedIn("oliver").open(contact).actions
        says = f"{contact} is not decided yet: there is nothing to tell the referrer."
        is_refused(SignedIn("oliver").post(contact, "feedback"), 409, says)


def test_an_id_that_is_no_number_loses_nobody_the_page_of_a_decision(story: Story) -> None:
    contact, amina = story.contact(), SignedIn("amina")
    form = amina.open(contact, "decide/").form(f"{path_of(contact)}decide/")
    sent = form | {"decide-recommendation": "9" * 5_000, "decide-rationale": "The school sees him each day."}
    assert amina.post(contact, "decide", **sent).status_code == 422
    page = amina.open(path_of(contact) + "decide/")
    assert page.status == 200
    assert "The school sees him each day." in page.html
