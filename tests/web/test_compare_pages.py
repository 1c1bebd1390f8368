"""Both records of a possible match side by side: for whoever says whether they are one child, or one adult."""

from datetime import date, timedelta

import pytest

from casework.actions import corrections, protecting
from casework.models import AuditEvent, Contact, PersonMatch
from tests.stage.documents import child
from tests.stage.restricted import restrict
from tests.stage.sql import asked, within
from tests.stage.staff import SignedIn, is_done, is_wrong
from tests.stage.story import Story, person
from tests.stage.web_client import Page

OF_BOTH_RECORDS = 26
SAM = {"first_name": "Sam", "last_name": "Ashworth", "relationship": "mother", "same_address": True}


@pytest.fixture
def match(story: Story) -> PersonMatch:
    """The police write of Robin with another surname and no number; his mother is on both contacts."""
    story.contact(adults=[SAM])
    story.later(days=1)
    other = child(last_name="Bell", nhs_number=None, also_known_as=[])
    contact = story.contact(by="example-police", children=[other], adults=[SAM])
    return PersonMatch.objects.get(child__contact=contact)


def path(match: PersonMatch) -> str:
    return f"/contacts/{match.row.contact}/matches/{match.pk}/compare/"


def verdicts(page: Page) -> dict[str, str]:
    """What the page says of each field."""
    found = {}
    for part in page.main.all("section", class_="app-compare"):
        (heading,) = part.all("h2")
        verdict = "".join(tag.text for tag in heading.all("strong"))
        found[heading.text.removesuffix(verdict).strip()] = verdict
    return found


def test_whoever_settles_a_likeness_sees_both_records(story: Story, match: PersonMatch) -> None:
    amina, contact = SignedIn("amina"), match.row.contact
    for of in (match.record, match.person):
        assert amina.open(f"/people/{of.reference}/").main.all("a", href=f"{path(match)}?from={of.reference}"), of
    assert amina.open(contact).main.all("a", href=path(match))
    page = amina.open(path(match))
    assert verdicts(page) == {
        "Name": "Agrees in part", "Birth": "Agrees", "Sex": "Agrees", "Number": "Not compared", "Home": "Agrees",
        "Telephone": "Not compared", "With whom": "Agrees", "Last contact": "",
    }  # fmt: skip
    for said in (
        f"{match.percent}% alike", "Last names differ. This speaks against one person.",
        "Same address. Families often share it.", "Only one of the records has it.",
        "Beside both is somebody called Sam Ashworth.", "Robin Bell", "999 000 0018", "Example Police",
    ):  # fmt: skip
        assert said in page.text, said
    events = AuditEvent.objects.order_by("-pk").values_list("event", flat=True)[:2]
    assert list(events) == ["person_viewed", "contact_viewed"]

    is_done(amina.post(contact, f"matches/{match.pk}", same="yes"), contact)
    page = amina.open(path(match))
    assert "said that they are the same child" in page.text
    # Joined, each record is still shown with what was its own.
    assert verdicts(page)["Name"] == "Agrees in part"
    undo = f"{path(match).removesuffix('compare/')}undo/"
    assert undo in page.actions
    wrong = is_wrong(
        amina.client.post(undo, page.form(undo)), {f"id_undo{match.pk}-reason": "Enter why this is undone"}
    )
    assert "Same child?" in wrong.heading
    is_done(amina.client.post(undo, page.form(undo) | {f"undo{match.pk}-reason": "Cousins."}), contact)
    assert "Not the same child" in amina.open(path(match)).text
    for where in (path(match), f"/people/{match.record.reference}/"):
        assert "Amina Hussain: undone. Cousins." in amina.open(where).text, where


def test_back_leads_to_where_one_came_from_and_nowhere_else(match: PersonMatch) -> None:
    amina, theirs = SignedIn("amina"), f"/people/{match.person.reference}/"
    contacts = f"/contacts/{match.row.contact}/"
    for said, back in (
        (match.person.reference, theirs), ("", contacts), ("PER-0000-0000", contacts), ("//else.example", contacts),
    ):  # fmt: skip
        page = amina.open(f"{path(match)}?from={said}")
        assert [link["href"] for link in page.root.all("a", class_="govuk-back-link")] == [back], said


def test_a_pair_is_asked_about_once_whoever_is_corrected(story: Story, match: PersonMatch) -> None:
    corrections.learn(
        contact_id=Contact.objects.get(children__recorded_as=match.person).pk, by=person("amina"), now=story.later(),
        document={"source": "family", "why": "Misspelt.", "children": [{"ref": "c1", "last_name": "Bell"}]},
    )  # fmt: skip
    before = match.score
    assert PersonMatch.objects.get(child__isnull=False).score > before


def test_a_hidden_address_is_neither_shown_nor_compared(story: Story, match: PersonMatch) -> None:
    protecting.protect(person_id=match.person_id, reason="He fled.", by=person("amina"), now=story.later())
    contact = SignedIn("amina").open(match.row.contact)
    assert f"{match.percent}% alike" in contact.text
    assert "Same address" not in contact.text
    page = SignedIn("amina").open(path(match))
    assert "Example Road" not in page.html
    assert "HP20" not in page.html
    assert verdicts(page)["Home"] == "Not compared"
    assert "Same address" not in page.text
    assert "lived together" not in page.text


def test_two_mothers_of_one_name_who_were_born_on_other_days_agree_in_part(story: Story) -> None:
    story.contact(adults=[SAM | {"date_of_birth": "1990-02-03"}])
    other = child(last_name="Bell", nhs_number=None, also_known_as=[])
    contact = story.contact(children=[other], adults=[SAM | {"date_of_birth": "1985-11-30"}])
    page = SignedIn("amina").open(path(PersonMatch.objects.get(child__contact=contact)))
    assert verdicts(page)["With whom"] == "Agrees in part"
    assert "Their dates of birth differ: Sam Ashworth." in page.text


def test_only_who_may_open_both_records_compares_them(story: Story, match: PersonMatch) -> None:
    case = story.accepted(match.row.contact)
    assert SignedIn("ben").open(case).status == 200
    assert SignedIn("ava").open(path(match)).status == 200
    assert "Not the same child" not in SignedIn("ava").open(path(match)).text
    story.later()
    restrict(story, Contact.objects.get(children__recorded_as=match.person))
    for name in ("ben", "carol", "amina"):
        signed_in = SignedIn(name)
        assert signed_in.open(path(match)).status == 404, name
        assert path(match) not in signed_in.open(f"/people/{match.record.reference}/").html


def test_its_cost_does_not_follow_the_story(story: Story, match: PersonMatch) -> None:
    for _ in range(3):
        story.later(minutes=1)
        story.contact(adults=[SAM])
    amina = SignedIn("amina")
    with asked() as cost:
        assert amina.open(path(match)).status == 200
    assert within(cost.statements, OF_BOTH_RECORDS), cost


@pytest.mark.parametrize(
    ("weeks", "verdict", "says"),
    [(1, "Agrees", "Expected about that day."), (11, "Agrees in part", "Born 11 weeks before the expected day.")],
)
def test_a_baby_who_was_born_long_before_the_day_agrees_in_part(
    story: Story, weeks: int, verdict: str, says: str
) -> None:
    """Their mothers, of whom nobody has said yet whether they are one, are not nobody."""
    born = date(2026, 10, 1)
    expected = child(first_name="", last_name="", also_known_as=[], nhs_number=None, date_of_birth=None,
                     expected_date_of_delivery=f"{born + timedelta(weeks=weeks):%Y-%m-%d}")  # fmt: skip
    mother = SAM | {"date_of_birth": "1990-02-03"}
    story.contact(children=[expected], adults=[mother])
    baby = child(first_name="Amal", also_known_as=[], nhs_number=None, date_of_birth=f"{born:%Y-%m-%d}")
    contact = story.contact(children=[baby], adults=[mother | {"first_name": "Samantha"}])
    page = SignedIn("amina").open(path(PersonMatch.objects.get(child__contact=contact)))
    assert verdicts(page)["Birth"] == verdict
    assert says in page.text
    assert verdicts(page)["With whom"] == "Agrees in part"
    assert "Nobody has said yet whether these are one person: Sam" in page.text


def test_dates_of_birth_a_year_apart_agree_in_part(story: Story) -> None:
    story.contact(adults=[SAM])
    contact = story.contact(children=[child(date_of_birth="2020-03-04", nhs_number=None)], adults=[SAM])
    found = verdicts(SignedIn("amina").open(path(PersonMatch.objects.get(child__contact=contact))))
    assert (found["Name"], found["Birth"]) == ("Agrees", "Agrees in part")


def test_days_of_one_month_differ_and_the_page_says_in_what(story: Story) -> None:
    story.contact(children=[child(date_of_birth="2009-11-04", nhs_number=None)], adults=[SAM])
    contact = story.contact(children=[child(date_of_birth="2009-11-28", nhs_number=None)], adults=[SAM])
    page = SignedIn("amina").open(path(PersonMatch.objects.get(child__contact=contact)))
    assert verdicts(page)["Birth"] == "Differs"
    assert "Day differs (28 and 4); same month and year." in page.text


def test_no_answer_looks_likelier_than_another(match: PersonMatch) -> None:
    buttons = SignedIn("amina").open(path(match)).main.all("button", name="same")
    assert [button["value"] for button in buttons] == ["yes", "no", "unsure"]
    assert {"govuk-button--secondary" in button["class"].split() for button in buttons} == {True}


class TestAFamilyThatResemblesAnother:
    """Two brothers and their mother, of whom the police write with slips: three possible matches, and one question."""

    @pytest.fixture
    def contact(self, story: Story) -> Contact:
        brother = child(ref="c2", first_name="Toby", nhs_number=None, date_of_birth="2019-05-06", also_known_as=[])
        robin = child(also_known_as=[], nhs_number=None)
        story.contact(children=[robin, brother], adults=[SAM])
        story.later(days=1)
        return story.contact(
            by="example-police", adults=[SAM],
            children=[robin | {"last_name": "Bell"}, brother | {"last_name": "Bell"}],
        )  # fmt: skip

    def matches(self, contact: Contact) -> list[PersonMatch]:
        return list(PersonMatch.objects.of_contact(contact).order_by("pk"))

    def test_is_one_group_and_settled_one_by_one(self, contact: Contact) -> None:
        amina, (one, two, _) = SignedIn("amina"), self.matches(contact)
        assert amina.open(contact).text.count("One family on record, 3 possible matches") == 1
        is_done(amina.post(contact, f"matches/{one.pk}", same="yes"), contact)
        is_done(amina.post(contact, f"matches/{two.pk}", same="no"), contact)
        assert [match.status for match in self.matches(contact)] == ["confirmed", "rejected", "proposed"]
        assert "One family on record" not in amina.open(contact).text

    @pytest.mark.parametrize(("answer", "status"), [("yes", "confirmed"), ("no", "rejected")])
    def test_or_together_where_one_answer_fits(self, contact: Contact, answer: str, status: str) -> None:
        amina, address = SignedIn("amina"), f"/contacts/{contact}/matches/"
        asked_of = {"match": [str(match.pk) for match in self.matches(contact)]}
        assert amina.open(contact).main.all("form", action=address)
        is_done(amina.client.post(address, asked_of | {"same": answer}), contact)
        settled = self.matches(contact)
        assert [(match.status, match.settled_by) for match in settled] == [(status, person("amina"))] * 3
        assert AuditEvent.objects.filter(event=f"match_{status}", by_user=person("amina")).count() == 3
        assert contact.recommendations.count() == 2, "the rules are asked again once"

    def test_never_without_an_answer(self, contact: Contact) -> None:
        asked_of = [str(match.pk) for match in self.matches(contact)]
        for sent in ({"match": asked_of}, {"match": asked_of, "same": "unsure"}, {"same": "yes"},
                     {"match": ["9" * 30], "same": "yes"}):  # fmt: skip
            assert SignedIn("amina").client.post(f"/contacts/{contact}/matches/", sent).status_code == 400
        assert {match.status for match in self.matches(contact)} == {"proposed"}

    def test_all_answers_are_kept_or_none(self, story: Story, contact: Contact) -> None:
        """One of them would show an address that is hidden: why is asked of that one."""
        amina = SignedIn("amina")
        *others, last = self.matches(contact)
        protecting.protect(person_id=last.known.pk, reason="She fled.", by=person("amina"), now=story.later())
        sent = {"match": [str(match.pk) for match in (*others, last)], "same": "no"}
        answer = amina.client.post(f"/contacts/{contact}/matches/", sent)
        is_wrong(answer, {f"id_apart{last.pk}-reason": "Enter why they are not the same, and how you know"})
        assert {match.status for match in self.matches(contact)} == {"proposed"}

    def test_nobody_is_two_people_at_once(self, story: Story) -> None:
        """A child like two who stand on one contact: that they are all the same is not offered."""
        ann = child(ref="c1", first_name="Ann", last_name="Gale", nhs_number=None, also_known_as=[])
        story.contact(children=[ann, ann | {"ref": "c2", "first_name": "Anna"}], adults=[])
        story.later(days=1)
        later = story.contact(by="example-police", children=[ann | {"first_name": "Anne"}], adults=[])
        assert len(self.matches(later)) == 2
        (form,) = SignedIn("amina").open(later).main.all("form", action=f"/contacts/{later}/matches/")
        assert [button["value"] for button in form.all("button")] == ["no"]

    def test_another_family_is_a_group_of_its_own(self, story: Story, contact: Contact) -> None:
        other = child(first_name="Robin", last_name="Bel", also_known_as=[], nhs_number=None)
        story.contact(children=[other | {"address": {"lines": ["9 Far Lane"], "postcode": "SL7 1AA"}}], adults=[])
        story.later(days=1)
        third = story.contact(
            by="example-police", children=[child(last_name="Bell", also_known_as=[], nhs_number=None)]
        )
        page = SignedIn("amina").open(third)
        groups = [part for part in page.main.all("div", class_="govuk-inset-text") if "alike" in part.text]
        known = [sum(match.known_name in part.text for match in self.matches(third)) for part in groups]
        assert len(groups) > 1
        assert all(known)


def test_nobody_is_sure_yet(match: PersonMatch) -> None:
    amina, contact = SignedIn("amina"), match.row.contact
    for where in (contact, path(match)):
        page = amina.open(where)
        for says in ("Same child", "Not the same child", "Not sure yet"):
            assert any(button.text.strip().startswith(says) for button in page.main.all("button")), (where, says)
    is_done(amina.post(contact, f"matches/{match.pk}", same="unsure"), contact)
    banner = amina.open(contact).root.all(class_="govuk-notification-banner__title")
    assert [title.text for title in banner] == ["Important"], "nothing was recorded, so it is no success"
    match.refresh_from_db()
    assert match.status == "proposed"
