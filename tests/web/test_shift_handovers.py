"""A shift hands over to the next: what the sheet says, who gives and reads it, and what stays of it."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from casework.actions import contact_handovers, handoffs, shift_handovers
from casework.models import AuditEvent, Contact, Duty, Event, ShiftHandover, UnfinishedForm
from casework.web.views import shift_handovers as shift_handovers_view
from errors import InvalidInput, NotAllowedInStatus, NotPermitted
from localities.models import Team
from localities.working_time import LONDON
from tests.stage.documents import address, child
from tests.stage.families import KIM
from tests.stage.restricted import restrict
from tests.stage.staff import SignedIn
from tests.stage.story import Story, person
from tests.stage.web_client import Page

GIVE, LIST = "/duty/handovers/give/front-door/", "/duty/handovers/"
DUE = {"aria-labelledby": "due-heading"}
RED: dict[str, Any] = {"children": [child(indicators=["L4-01"])]}


def front_door() -> Team:
    return Team.objects.get(code="front-door")


def emergency_duty() -> Team:
    return Team.objects.get(code="emergency-duty")


def given(by: str = "amina", note: str = "Ring the school at eight.", team: Team | None = None) -> ShiftHandover:
    return shift_handovers.give(from_team_id=(team or front_door()).pk, note=note, by=person(by), now=timezone.now())


def path_of(handover: ShiftHandover) -> str:
    return f"{LIST}{handover.pk}/"


class TestShifts:
    @pytest.mark.parametrize(("kind", "now", "began", "ends"), [
        # Thursday 19 November 2026: the hub is open from 9:00 to 17:30.
        ("front-door", (19, 17, 0), (19, 9, 0), (20, 9, 0)),
        ("front-door", (19, 18, 0), (19, 9, 0), (20, 9, 0)),
        ("emergency-duty", (20, 8, 50), (19, 17, 30), (20, 17, 0)),
        ("emergency-duty", (20, 9, 5), (19, 17, 30), (20, 17, 0)),
        # From Friday evening to Monday morning.
        ("front-door", (20, 16, 45), (20, 9, 0), (23, 9, 0)),
        ("emergency-duty", (22, 12, 0), (20, 17, 0), (23, 17, 30)),
    ])  # fmt: skip
    def test_follow_the_hubs_hours(
        self, db: None, kind: str, now: tuple[int, int, int], began: tuple[int, int, int], ends: tuple[int, int, int]
    ) -> None:
        def at(day: int, hour: int, minute: int) -> datetime:
            return datetime(2026, 11, day, hour, minute, tzinfo=LONDON)

        left, coming = shift_handovers.shifts(Team.objects.get(code=kind), at(*now))
        assert (left.starts, coming.ends) == (at(*began), at(*ends))


class TestTheSheet:
    def test_says_what_is_open_due_said_asked_and_who_is_next(self, story: Story) -> None:
        red = story.contact(**RED)
        green = story.contact(children=[child(**KIM)], adults=[])
        story.asked(red, question="Who lives there?")
        now = timezone.now()
        contact_handovers.hand_over(contact_id=green.pk, note="She calls back.", by=person("amina"), now=now)
        coming = shift_handovers.shifts(front_door(), now)[1]
        # Nobody has the whole of a weekend.
        starts_at = max(coming.starts, now)
        ends_at = min(coming.ends, starts_at + timedelta(hours=12))
        Duty.objects.create(person=person("erin"), role="emergency", starts_at=starts_at, ends_at=ends_at)
        says = shift_handovers.sheet(front_door(), person("amina"), timezone.now())
        assert [(line["about"], line["family"], line["rag"]) for line in says["grave"]] == [
            (str(red), "Robin Ashworth", "red")
        ]  # fmt: skip
        assert {line["about"] for line in says["due"]} >= {str(red)}
        assert [line["about"] for line in says["asked"]] == [str(red)]
        assert "She calls back." in [line["text"] for line in says["said"]]
        assert [line["who"] for line in says["next"]] == ["Erin Walsh"]
        text = SignedIn("amina").open(GIVE).text
        assert f"{timezone.localtime(now):%A %H:%M}, Amina Hussain. Passed to" in text, "a night has two days"
        for words in ("Robin Ashworth", "Who lives there?", "She calls back.", "Erin Walsh"):
            assert words in text

    def test_says_which_grave_cases_no_team_has_taken_on(self, story: Story) -> None:
        contact = story.contact()
        case = story.offered(contact, rag="amber").case
        handover = given()
        (line,) = handover.says["cases"]
        assert (line["about"], line["family"], line["rag"]) == (str(case), "Robin Ashworth", "amber")
        assert line["status"] == "Offered to Aylesbury team, not answered yet"
        text = SignedIn("erin").open(path_of(handover)).text
        assert f"Robin Ashworth, {case}: Amber {line['status']}" in text
        restrict(story, contact)
        text = SignedIn("erin").open(path_of(handover)).text
        assert f"{case}: restricted, or closed to you" in text
        assert "Robin Ashworth" not in text

    def test_names_the_family_of_each_line_for_whoever_may_know_it(self, story: Story) -> None:
        contact = story.contact(**RED)
        story.asked(contact, question="Who lives there?")
        handover = given()
        lines = {(part, line["about"]): line["family"] for part in ("due", "asked") for line in handover.says[part]}
        assert lines["due", str(contact)] == lines["asked", str(contact)] == "Robin Ashworth"
        page = SignedIn("erin").open(path_of(handover))
        (due,) = page.root.all("section", **DUE)
        assert f"Robin Ashworth, {contact}" in due.text
        assert {link.text for link in due.all("a", href=f"/contacts/{contact}/")} == {str(contact)}
        restrict(story, contact)
        text = SignedIn("erin").open(path_of(handover)).text
        assert f"{contact}: restricted, or closed to you" in text
        assert "Robin Ashworth" not in text

    def test_a_sheet_of_earlier_names_no_family_where_it_stored_none(self, story: Story) -> None:
        contact = story.contact(**RED)
        now = timezone.now()
        says = {"due": [{"about": str(contact), "contact": contact.pk, "what": "Decision", "at": now.isoformat()}]}
        handover = ShiftHandover.objects.create(
            from_team=front_door(), to_team=emergency_duty(), since=now, until=now + timedelta(hours=8), note="x",
            says=says, given_at=now, given_by=person("amina"),
        )  # fmt: skip
        (due,) = SignedIn("erin").open(path_of(handover)).root.all("section", **DUE)
        assert due.all("a", href=f"/contacts/{contact}/")[0].text == str(contact)

    def test_a_case_stands_on_it_until_a_team_has_taken_it_on(self, story: Story) -> None:
        def cases() -> list[tuple[str, str]]:
            says = shift_handovers.sheet(emergency_duty(), person("erin"), timezone.now())
            return [(line["about"], line["status"]) for line in says["cases"]]

        offer = story.offered(rag="amber")
        handoffs.return_to_sender(handoff_id=offer.pk, reason="Known in Chiltern.", by=person("ben"), now=story.later())
        assert cases() == [(str(offer.case), "Needs a team")]
        to = story.team("aylesbury").pk
        again = handoffs.offer(
            case_id=offer.case_id, to_team_id=to, reason="Ask again.", by=person("amina"), now=story.later()
        )
        handoffs.accept(handoff_id=again.pk, by=person("ben"), now=story.later())
        assert cases() == []

    def test_is_stored_as_it_was_handed_over(self, story: Story) -> None:
        red = story.contact(**RED)
        handover = given()
        story.decided(red, by="maya")
        story.now = timezone.now()
        page = SignedIn("erin").open(path_of(handover))
        assert "Robin Ashworth" in page.text
        assert "Ring the school at eight." in page.text

    def test_says_the_reference_only_of_what_is_closed_to_the_reader_today(self, story: Story) -> None:
        red = story.contact(**RED)
        handover = given()
        restrict(story, red, "maya")
        for name, sees in (("maya", True), ("erin", False), ("amina", False)):
            page = SignedIn(name).open(path_of(handover))
            assert (str(red) in page.text, "Ashworth" in page.text) == (True, sees), name

    def test_masks_an_address_that_was_made_confidential_since(self, story: Story) -> None:
        home = address("HP20 1UA") | {"lines": ["14 Larkspur Lane"]}
        red = story.contact(children=[child(indicators=["L4-01"], address=home)])
        handover = given(note="They are at 14 Larkspur Lane tonight.")
        assert "Larkspur" in SignedIn("erin").open(path_of(handover)).text
        story.contact(children=[child(address=home | {"confidential": True})], by="example-police")
        page = SignedIn("erin").open(path_of(handover))
        assert "Larkspur" not in page.html
        assert str(red) in page.text

    def test_the_contacts_that_it_may_tell_of_are_no_more_however_old_it_becomes(self, story: Story) -> None:
        told, month = story.now, timedelta(days=31)
        came = [story.contact(at=told + after * month) for after in (-1.1, -0.9, 0, 0.9, 1.1)]
        assert set(shift_handovers_view._about({}, told, told)) == set(came[1:4])
        named = {"red": [{"contact": came[0].pk}]}
        assert set(shift_handovers_view._about(named, told, told)) == set(came[:4])

    def test_a_case_that_it_names_is_masked_by_its_contacts_however_long_ago_they_came(self, story: Story) -> None:
        case = story.offered(rag="amber").case
        told = case.received_at + timedelta(days=40)
        named = {"cases": [{"about": str(case), "contact": None}]}
        assert list(shift_handovers_view._about(named, told, told)) == list(case.contacts.all())
        assert not shift_handovers_view._about({}, told, told)


class TestGivingAndReading:
    def test_it_is_given_read_and_added_to(self, story: Story) -> None:
        amina, erin = SignedIn("amina"), SignedIn("erin")
        answer = amina.client.post(GIVE, amina.open(GIVE).form(GIVE) | {"shift-note": "Nothing more."})
        handover = ShiftHandover.objects.get()
        assert (answer.status_code, answer.headers["Location"]) == (302, path_of(handover))
        assert f"Read the handover sheet of {handover.from_team}" in erin.open("/").text
        assert "I have read it" not in amina.open(path_of(handover)).text
        assert erin.client.post(f"{path_of(handover)}read/").status_code == 302
        assert "Read by Erin Walsh" in amina.open(path_of(handover)).text
        assert "Read the handover sheet" not in erin.open("/").text
        amina.client.post(f"{path_of(handover)}add/", {"shift-text": "The number was wrong: it ends in 4."})
        assert "Erin Walsh has read the sheet already: tell them." in amina.open(path_of(handover)).text
        text = erin.open(path_of(handover)).text
        assert "after Erin Walsh had read the sheet" in text
        assert "it ends in 4." in text
        assert [event.event for event in AuditEvent.objects.order_by("pk") if "shift" in event.event] == [
            "shift_handed_over", "shift_handover_read", "shift_handover_added_to"
        ]  # fmt: skip

    def test_an_addition_before_anybody_has_read_it_is_part_of_what_they_read(self, story: Story) -> None:
        amina, erin, handover = SignedIn("amina"), SignedIn("erin"), given()
        amina.client.post(f"{path_of(handover)}add/", {"shift-text": "The number was wrong: it ends in 4."})
        assert "already: tell them" not in amina.open(path_of(handover)).text
        erin.client.post(f"{path_of(handover)}read/")
        assert "had read the sheet" not in erin.open(path_of(handover)).text

    def test_what_is_typed_is_kept_until_it_is_given(self, db: None) -> None:
        amina = SignedIn("amina")
        form = amina.open(GIVE).form(GIVE)
        amina.client.post(GIVE, form | {"shift-note": "Half a sen", "keep": "stay"})
        assert UnfinishedForm.objects.get().typed["shift-note"] == ["Half a sen"]
        page = amina.open(GIVE)
        assert page.form(GIVE)["shift-note"] == "Half a sen"
        assert "Half a sen" not in SignedIn("oliver").open(GIVE).html
        amina.client.post(GIVE, page.form(GIVE) | {"shift-note": "Half a sentence, now whole."})
        assert not UnfinishedForm.objects.exists()
        assert ShiftHandover.objects.get().note == "Half a sentence, now whole."

    def test_what_is_typed_to_add_is_kept_until_it_is_added(self, db: None) -> None:
        handover = given()
        amina, add = SignedIn("amina"), f"{path_of(handover)}add/"
        typed = amina.open(path_of(handover)).form(add) | {"shift-text": "She rang"}
        assert amina.client.post(add, typed | {"keep": "script"}).json()["version"] == 1
        assert amina.client.get(add).headers["Location"] == path_of(handover)
        page = amina.open(path_of(handover))
        assert page.form(add)["shift-text"] == "She rang"
        assert "She rang" not in SignedIn("oliver").open(path_of(handover)).html
        amina.client.post(add, page.form(add) | {"shift-text": "She rang again."})
        assert not UnfinishedForm.objects.exists()
        assert handover.additions.get().text == "She rang again."

    def test_without_a_note_it_is_not_given(self, db: None) -> None:
        amina = SignedIn("amina")
        answer = amina.client.post(GIVE, amina.open(GIVE).form(GIVE))
        assert (answer.status_code, ShiftHandover.objects.count()) == (422, 0)
        assert "Enter what the next shift must know" in Page(answer).text

    def test_it_is_confirmed_once_by_somebody_of_the_coming_shift(self, db: None) -> None:
        handover = given()
        for name in ("amina", "oliver", "sam"):
            with pytest.raises(NotPermitted):
                shift_handovers.confirm_read(handover_id=handover.pk, by=person(name), now=timezone.now())
        shift_handovers.confirm_read(handover_id=handover.pk, by=person("erin"), now=timezone.now())
        with pytest.raises(NotAllowedInStatus, match="has confirmed already"):
            shift_handovers.confirm_read(handover_id=handover.pk, by=person("ezra"), now=timezone.now())

    def test_only_the_shift_itself_gives_and_adds(self, db: None) -> None:
        handover = given()
        for name in ("erin", "ben", "sam", "adele"):
            with pytest.raises(NotPermitted):
                given(by=name)
            with pytest.raises(NotPermitted):
                shift_handovers.add(handover_id=handover.pk, text="x", by=person(name), now=timezone.now())
        with pytest.raises(InvalidInput):
            shift_handovers.add(handover_id=handover.pk, text=" ", by=person("amina"), now=timezone.now())

    @pytest.mark.parametrize(("name", "reads"), [("amina", True), ("erin", True), ("sam", True), ("ben", False),
                                                 ("ava", False), ("adele", False)])  # fmt: skip
    def test_the_front_door_and_emergency_duty_read_them(self, db: None, name: str, reads: bool) -> None:
        handover = given()
        who = SignedIn(name)
        assert (who.client.get(LIST).status_code == 200) is reads
        assert (who.client.get(path_of(handover)).status_code == 200) is reads
        assert ("Handover sheets" in who.open("/duty/").text) is reads

    def test_the_audit_says_no_word_of_it(self, story: Story) -> None:
        story.contact(**RED)
        given(note="Robin Ashworth is at his aunt's.")
        event = AuditEvent.objects.get(event=Event.SHIFT_HANDED_OVER)
        assert set(event.detail) == {"handover", "from_team", "to_team"}
        assert Contact.objects.count() == 1
        assert timedelta(0) < timezone.now() - event.at < timedelta(minutes=1)
