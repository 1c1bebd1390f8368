"""The tasks of a new contact: how far each is, what the rules would say so far, and what a page costs."""

from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from casework.models import AuditEvent, Contact, ContactDraft, Recommendation
from casework.web.draft_form import SECTIONS, TASKS, new_key
from localities.models import User
from tests.stage.documents import child
from tests.stage.families import KIM, about
from tests.stage.restricted import restrict
from tests.stage.sql import asked
from tests.stage.staff import SignedIn
from tests.stage.story import Story
from tests.stage.typist import START, Typist
from tests.stage.web_client import Page, a_working_morning

pytestmark = pytest.mark.django_db

LEAST: dict[str, Any] = {
    "type": "safeguarding_concern", "source_code": "2A", "worries": "He comes to school hungry.",
    "child_0_first_name": "Robin",
}  # fmt: skip


@pytest.fixture
def typist(client: Client, oliver: User) -> Typist:
    client.force_login(oliver)
    return Typist(client)


def status_of(typist: Typist) -> dict[str, str]:
    page = Page(typist.client.get(f"{START}{typist.key}/"))
    return {section.slug: page.root.all(id=f"{section.slug}-status")[0].text for section in TASKS}


def level_of(typist: Typist, page: str = "") -> str:
    """What stands under "Level so far"."""
    shown = Page(typist.client.get(f"{START}{typist.key}/{page}"))
    (part,) = shown.main.all("section", **{"aria-labelledby": "so-far-heading"})
    return part.text


class TestAgreement:
    @pytest.mark.parametrize(
        ("typed", "shown"), [("not_known", "Not known"), ("", "Not answered"), ("not_sought", "Not sought")]
    )
    def test_what_is_said_is_kept_and_no_answer_stays_none(self, typist: Typist, typed: str, shown: str) -> None:
        contact = typist.type(**LEAST, **({"agreement": typed} if typed else {})).contact()
        assert contact.agreement == typed
        rows = [row.text for row in SignedIn("amina").open(contact).main.all("div")]
        assert f"Agreement to a service{shown}" in rows

    def test_parents_whom_it_is_not_safe_to_tell_are_not_to_be_asked(self, typist: Typist) -> None:
        says = "Do not ask them for it before a social worker has said how"
        typist.type(**LEAST, parents_told="unsafe", parents_told_reason="He watches the phone.").save()
        assert says in level_of(typist, "agreement/")
        contact = typist.contact()
        amina = SignedIn("amina")
        assert says in amina.open(contact).text
        assert "Not safe to tell the parents" in amina.open("/").text
        asked = amina.open(contact, "decide/").text
        assert "do not ask them for agreement before a social worker has said how" in asked
        assert "Nobody has said whether the family agrees" not in asked

    def test_where_the_family_has_answered_nobody_is_warned(self, typist: Typist) -> None:
        answered = {"agreement": "given", "agreement_given_by": "mother", "agreement_on": date(2026, 1, 4)}
        typist.type(**LEAST, **answered, parents_told="unsafe", parents_told_reason="He watches the phone.").save()
        assert "Do not ask them" not in level_of(typist, "agreement/")


class TestHowFarATaskIs:
    def test_not_started_in_progress_and_done(self, typist: Typist) -> None:
        assert set(status_of(typist).values()) == {"Not started"}
        typist.type(worries="Half a sent").press("concern", save="stay")
        assert status_of(typist)["concern"] == "In progress"
        typist.press("concern")
        assert status_of(typist)["concern"] == "Done"
        # Nobody knows of an adult: that is an answer.
        typist.press("household")
        assert status_of(typist)["household"] == "Done"

    def test_never_done_while_something_that_is_needed_is_missing(self, typist: Typist) -> None:
        typist.type(source_code="2A").press("referrer")
        assert status_of(typist)["referrer"] == "In progress"
        typist.type(type="notification").press("referrer")
        assert status_of(typist)["referrer"] == "Done"
        typist.type(worries="He comes hungry.").press("concern")
        typist.type(worries="").press("concern", save="stay")
        assert status_of(typist)["concern"] == "In progress"

    def test_each_leads_on_to_the_next_and_the_last_to_the_answers(self, typist: Typist) -> None:
        for section, after in zip(TASKS, (*(each.slug for each in TASKS[1:]), "check"), strict=True):
            answer = typist.press(section.slug)
            assert answer.headers["Location"] == f"{START}{typist.key}/{after}/"
        typist.type(immediate_danger="no")
        assert typist.press("danger").headers["Location"].endswith("/check/")
        typist.type(immediate_danger="yes")
        assert typist.press("danger").headers["Location"].endswith("/call-999/")

    def test_no_other_page_is_there(self, typist: Typist) -> None:
        for path in ("nothing/", "check/save/", "nothing/save/"):
            for answer in (typist.client.get(f"{START}{typist.key}/{path}"),
                           typist.client.post(f"{START}{typist.key}/{path}")):  # fmt: skip
                assert answer.status_code in (404, 405)


def test_every_field_is_on_one_page() -> None:
    from casework.web.contact_form import AdultPart, ChildPart, ContactPart

    for shape, kind in ((ContactPart, "contact"), (ChildPart, "children"), (AdultPart, "adults")):
        placed = [name for section in SECTIONS.values() for name in getattr(section, kind)]
        assert sorted(placed) == sorted(shape.base_fields)


def test_a_draft_from_before_there_were_tasks_opens_and_is_submitted(client: Client, oliver: User) -> None:
    """As the form of one page saved it: every input, most of them empty."""
    now, key = timezone.now(), new_key()
    typed = {
        "children": ["0", "2"], "adults": ["0"], "contact-type": ["safeguarding_concern"],
        "contact-source_code": ["2A"], "contact-worries": ["He comes hungry."], "contact-immediate_danger": [""],
        "contact-agreement": ["not_sought"], "contact-parents_told": ["not_known"], "contact-referrer_level": [""],
        "contact-received_by_phone": ["on"], "contact-arrived_time": [""], "child-0-first_name": ["Robin"],
        "child-0-indicators": ["L3-12"], "child-2-first_name": ["Alex"], "child-2-same_address": ["on"],
        "adult-0-first_name": ["Sam"],
    }  # fmt: skip
    ContactDraft.objects.create(key=key, owner=oliver, typed=typed, version=7, started_at=now, saved_at=now)
    client.force_login(oliver)
    typist = Typist(client, key=key)
    assert set(status_of(typist).values()) == {"In progress"}
    assert typist.fields["children"] == ["0", "2"]
    assert (typist.fields["contact-worries"], typist.fields["adult-0-first_name"]) == ("He comes hungry.", "Sam")
    contact = typist.type(working_well="He likes school.").contact()
    assert contact.received_by_phone
    assert [entry["first_name"] for entry in contact.document["children"]] == ["Robin", "Alex"]
    assert contact.document["concern"] == {"worries": "He comes hungry.", "working_well": "He likes school."}
    assert contact.document["children"][0]["indicators"] == ["L3-12"]


class TestLevelSoFar:
    def test_there_is_none_before_an_indicator_is_chosen(self, typist: Typist) -> None:
        """The rules say level 1 until somebody has screened it: nobody is to take that for an answer."""
        for page in ("", "check/", "concern/"):
            assert level_of(typist, page).startswith("Level so far No level yet No indicators selected.")
        typist.type(**LEAST).save()
        assert "Level 1" not in level_of(typist)

    def test_it_is_what_the_rules_say_of_the_contact_that_is_received(self, typist: Typist) -> None:
        typist.type(**LEAST, child_0_indicators=["L3-12"], agreement="given", child_0_postcode="HP20 1UA").save()
        said = level_of(typist)
        contact = typist.contact()
        made = contact.recommendation
        assert made is not None
        assert (made.level, made.rag) == (3, "green")
        assert said.startswith("Level so far Level 3 Green Family help")
        assert "A person decides." in said
        assert all(reason["says"].replace("Child c1", "Robin") in said for reason in made.result["reasons"])

    def test_only_what_can_be_answered_here_is_named_as_not_known(self, typist: Typist) -> None:
        typist.type(**LEAST, child_0_indicators=["L3-12"]).save()
        said = level_of(typist)
        assert "Nobody has said whether a child is in immediate danger." in said
        assert "protection plan" not in said
        assert "looked after before" not in said

    def test_immediate_danger_is_red_at_once(self, typist: Typist) -> None:
        typist.type(immediate_danger="yes").press("danger")
        assert "Red" in level_of(typist)

    @pytest.mark.parametrize(
        ("name", "unknown", "says"),
        [
            ("immediate_danger", "not_known", "Nobody has said whether a child is in immediate danger."),
            ("marac", "", "Nobody has said whether the domestic abuse has been referred to a MARAC."),
            ("child_0_disabled", "", "Nobody has said whether Robin is disabled."),
            ("child_0_non_verbal", "", "Nobody has said whether Robin is non-verbal."),
        ],
    )
    def test_no_is_an_answer(self, typist: Typist, name: str, unknown: str, says: str) -> None:
        typist.type(**LEAST, child_0_indicators=["L3-12"], **{name: unknown}).save()
        assert says in level_of(typist)
        typist.type(**{name: "no"}).save()
        assert says not in level_of(typist)

    def test_nobody_is_looked_for_and_nothing_is_stored(self, typist: Typist) -> None:
        """Else it would show that the family is known, or that a record is restricted."""
        story = Story(a_working_morning())
        kim = child(**KIM)
        story.accepted(about(story, kim))
        before = (Recommendation.objects.count(), Contact.objects.count(), AuditEvent.objects.count())
        typist.type(
            **LEAST | {"child_0_first_name": kim["first_name"]}, child_0_last_name=kim["last_name"],
            child_0_nhs_number=kim["nhs_number"] or "9990000018", child_0_indicators=["L3-12"],
        ).save()  # fmt: skip
        known = level_of(typist)
        stranger = Typist(typist.client).type(**LEAST, child_0_indicators=["L3-12"])
        stranger.save()
        assert known.replace(f"{kim['first_name']} {kim['last_name']}", "Robin") == level_of(stranger)
        assert (Recommendation.objects.count(), Contact.objects.count(), AuditEvent.objects.count()) == before

    def test_what_is_needed_and_what_cannot_be_read_leads_to_its_field(self, typist: Typist) -> None:
        typist.type(**LEAST | {"source_code": ""}, referrer_email="school", child_0_nhs_number="9990000019").save()
        needed = {"Select who the contact is from": f"{START}{typist.key}/referrer/?check#id_contact-source_code"}
        assert "Needed before you submit Select who the contact is from" in level_of(typist)
        typist.type(source_code="2A").save()
        page = Page(typist.client.get(f"{START}{typist.key}/"))
        lines = {link.text: link["href"] for link in page.main.all("a")}
        assert not needed.keys() & lines.keys()
        assert lines["Enter an email address in the correct format, like name@example.com"] == (
            f"{START}{typist.key}/referrer/#id_contact-referrer_email"
        )
        (wrong,) = [href for says, href in lines.items() if says.startswith("NHS number: it is not an NHS number")]
        assert wrong == f"{START}{typist.key}/children/#id_child-0-nhs_number"
        # It refuses nothing.
        assert typist.contact().details_to_check.count() == 2

    def test_it_comes_with_every_save(self, typist: Typist) -> None:
        sent = typist.own["indicators"] | {"child-0-indicators": ["L3-12"]}
        said = typist.client.post(f"{typist.at('indicators')}save/", sent).json()
        assert "Level 3" in said["so_far"]
        assert said["address"] == typist.at("indicators")


def test_one_about_somebody_restricted_is_in_and_is_not_shown(typist: Typist) -> None:
    story = Story(a_working_morning())
    restrict(story, story.contact())
    robin = child()
    typist.type(**LEAST | {"child_0_first_name": robin["first_name"]}, child_0_last_name=robin["last_name"])
    typist.type(
        child_0_date_of_birth=date.fromisoformat(robin["date_of_birth"]), child_0_nhs_number=robin["nhs_number"]
    )
    typist.type(referrer_email="school")
    answer = typist.submit()
    assert answer.headers["Location"] == "/"
    said = Page(typist.client.get("/")).text
    contact = Contact.objects.latest("pk")
    assert f"Its reference is {contact}. It is about somebody whose record is restricted: " in said
    assert "could not be read" not in said


def test_no_page_of_a_draft_costs_more_than_twelve_statements(typist: Typist) -> None:
    """Whatever is on it: three children, two adults, indicators, and nothing left that is needed."""
    typist.type(
        **LEAST, child_0_indicators=["L3-12", "L2-01"], family_indicators=["L3-30"], child_0_postcode="HP20 1UA"
    )
    for _ in range(2):
        typist.press("children", add="children")
    typist.press("household", add="adults")
    typist.type(child_1_first_name="Alex", child_2_first_name="Kim", adult_1_first_name="Jo").save()
    client, base, costs = typist.client, f"{START}{typist.key}/", {}
    for page in ("", "call-999/", "check/", *(f"{name}/" for name in SECTIONS)):
        with asked() as cost:
            assert client.get(f"{base}{page}").status_code == 200
        costs[page] = cost.statements
    for name in SECTIONS:
        for address in (typist.at(name), f"{typist.at(name)}save/"):
            with asked() as cost:
                client.post(address, typist.on(name) | typist.own[name] | {"page": "another"})
            costs[address] = cost.statements
    assert {page: cost for page, cost in costs.items() if cost > 12} == {}
    assert SignedIn("amina").client.get(base).status_code == 404
