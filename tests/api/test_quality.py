"""How good an agency's contacts are: the note on each, and the months beside the agency's kind."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from casework.models import Contact
from casework.reading.quality import FEWEST_CONTACTS, MONTHS, months_of
from localities.models import Agency
from localities.working_time import LONDON
from tests.stage.documents import child
from tests.stage.story import Story
from tests.stage.web_client import Partner, todays_document

QUALITY = "/api/v1/agency/quality"


def note(partner: Partner, contact: object) -> Any:
    return partner.read(contact).json()["quality"]


def quality(partner: Partner, **headers: str) -> Any:
    return partner.http.get(QUALITY, headers=partner.headers | headers)


def month(partner: Partner, story: Story) -> Any:
    """The month in which the story happens: a working morning of today may be one of last month."""
    (found,) = (each for each in quality(partner).json()["months"] if each["month"] == f"{story.now:%Y-%m}")
    return found


class TestTheNoteOnAContact:
    def test_it_says_what_was_left_out(self, partner: Partner) -> None:
        answer = partner.send(todays_document(agreement={}, support_already_tried=None)).json()
        said = note(partner, answer["reference"])
        assert said == answer["quality"]
        gaps = {each["gap"]: each["says"] for each in said["gaps"]}
        assert gaps["tried"] == "Next time, say what support was tried already."
        assert "agreement" in gaps
        assert "level" not in gaps
        assert (said["agreement_recorded"], said["level"]) == (False, None)

    def test_what_is_learned_later_does_not_change_it(self, partner: Partner) -> None:
        contact = partner.sent(children=[child(date_of_birth=None)])
        before = note(partner, contact)
        added = partner.http.post(
            f"/api/v1/contacts/{contact}/information",
            {"source": "referrer", "children": [{"ref": "c1", "date_of_birth": "2019-03-04"}]},
            content_type="application/json", headers=partner.headers,
        )  # fmt: skip
        assert added.status_code == 201, added.content
        assert note(partner, contact) == before

    @pytest.mark.parametrize(("yours", "says"), [(3, "at the level"), (2, "a higher level"), (4, "a lower level")])
    def test_the_level_is_compared_once_it_is_decided(
        self, story: Story, partner: Partner, yours: int, says: str
    ) -> None:
        contact = story.contact(referrer_level=yours)
        assert note(partner, contact)["level"] is None
        story.decided(contact, level=3)
        level = note(partner, contact)["level"]
        assert (level["yours"], level["decided"]) == (yours, 3)
        assert says in level["says"]

    def test_nobody_is_told_the_level_who_is_not_told_the_outcome(self, story: Story, partner: Partner) -> None:
        contact = story.contact(referrer_level=2, source_code="1B")
        story.decided(contact)
        assert note(partner, contact)["level"] is None

    def test_a_contact_of_before_says_that_it_is_not_known(self, story: Story, partner: Partner) -> None:
        contact = story.contact()
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
        Contact.objects.filter(pk=contact.pk).update(gaps=None)
        said = note(partner, contact)
        assert (said["gaps"], said["agreement_recorded"]) == (None, True)


class TestTheMonths:
    def test_shares_are_those_of_the_month_and_of_the_agency(
        self, story: Story, partner: Partner, school: Agency, police: Agency
    ) -> None:
        first = story.contact(referrer_level=3, concern={"worries": "w"})
        story.decided(first, level=3)
        story.contact(referrer_level=None, agreement={}, children=[child(nhs_number="12")])
        story.contact(by="example-police")
        found = month(partner, story)
        assert (found["contacts"], found["decided"], found["others"]) == (2, 1, None)
        assert found["yours"] == {
            "complete": 0, "read": 50, "agreement": 50, "level": 50,
            "decided_as_said": 100, "decided_higher": 0, "decided_lower": 0,
        }  # fmt: skip
        gaps = {gap["gap"]: gap["contacts"] for gap in quality(partner).json()["gaps"]}
        assert (gaps["working_well"], gaps["level"]) == (1, 1)
        assert "birth" not in gaps

    def test_there_are_twelve_months_and_this_one(self, story: Story, school: Agency) -> None:
        months = months_of(school, now=datetime(2027, 1, 1, 0, 30, tzinfo=LONDON))
        assert [f"{month.first_day:%Y-%m}" for month in months] == [
            "2027-01", *(f"2026-{number:02}" for number in range(12, 0, -1))
        ]  # fmt: skip
        assert len(months) == MONTHS

    def test_a_month_begins_at_midnight_in_england(self, story: Story, school: Agency) -> None:
        """An hour before the end of June in England it is still June, and so it is in UTC."""
        last, first = (datetime(2026, 6, 30, 23, 30, tzinfo=LONDON) + timedelta(hours=hours) for hours in (0, 1))
        story.contact(at=last)
        story.contact(at=first)
        july, june, *_ = months_of(school, now=first + timedelta(days=1))
        assert (june.contacts, july.contacts) == (1, 1)

    def test_a_report_that_is_sent_again_does_not_count(self, story: Story, school: Agency) -> None:
        story.contact(agency_reference="A")
        again = story.contact(agency_reference="A")
        assert again.resend_of is not None
        assert months_of(school, now=story.now)[0].contacts == 1

    def test_others_are_shown_where_they_are_enough(self, story: Story, partner: Partner, school: Agency) -> None:
        others = [
            Agency.objects.create(code=f"school-{number}", name=f"School {number}", source_code=school.source_code)
            for number in range(3)
        ]
        story.contact(agreement={})
        for number in range(FEWEST_CONTACTS - 1):
            story.contact(by=others[number % 3].code, referrer_level=None)
        assert month(partner, story)["others"] is None
        story.contact(by=others[0].code)
        shown = month(partner, story)["others"]
        assert (shown["level"], shown["agreement"], shown["decided_as_said"]) == (10, 100, None)

    def test_two_other_agencies_are_too_few(self, story: Story, partner: Partner, school: Agency) -> None:
        """One of the two could work out the other."""
        for number in range(2):
            other = Agency.objects.create(code=f"s-{number}", name=f"S {number}", source_code=school.source_code)
            for _ in range(FEWEST_CONTACTS):
                story.contact(by=other.code)
        assert month(partner, story)["others"] is None

    def test_whoever_has_it_already_is_told_nothing_new(self, story: Story, partner: Partner) -> None:
        tag = quality(partner).headers["ETag"]
        assert quality(partner, **{"If-None-Match": tag}).status_code == 304
        story.contact()
        assert quality(partner, **{"If-None-Match": tag}).status_code == 200

    def test_it_asks_the_database_four_times(self, story: Story, partner: Partner) -> None:
        """For the token with its system and the agency, and the two counts."""
        for _ in range(3):
            story.contact()
        with CaptureQueriesContext(connection) as asked:
            assert quality(partner).status_code == 200
        assert len(asked) == 4

    def test_a_token_that_may_only_send_reads_nothing(self, school: Agency) -> None:
        assert quality(Partner(school, scope="contacts:write")).status_code == 403
