"""What every page costs."""

from datetime import timedelta
from typing import Any

from django.db.models import F
from django.utils import timezone

from casework.actions import clock_changes
from casework.jobs import sweep
from casework.models import Case, Clock, Contact, Reminder
from localities.models import Agency, Postcode, Team, User
from tests.stage.documents import address, child
from tests.stage.families import KIM, about, brothers
from tests.stage.files import put
from tests.stage.racing import FIRST_NAMES, LAST_NAMES
from tests.stage.sql import Asked, asked, within
from tests.stage.staff import (
    SignedIn,
    path_of,
)
from tests.stage.story import Story, person

# How often a page waits for the database, however much work there is, and how many statements that are. Of a worklist,
# what depends on nobody but who asks goes in one text: their teams, who is on duty and away, sheets to read, reminders
# and offers.
BUDGETS = {
    "the worklist of the front door": ("amina", "/", 10, 14),
    "the worklist of the front door, narrowed": ("amina", "/?rating=green&level=3", 10, 14),
    "the worklist of who leads the front door": ("maya", "/", 10, 15),
    # The children's postcodes are read, and whether the reference data have changed.
    "the worklist of the front door, narrowed to a locality": ("amina", "/?locality=aylesbury", 12, 16),
    # With the names of the families, whether a hidden address is in one, and what came back; so on a team's page.
    "the worklist of a team": ("ben", "/", 10, 14),
    "the worklist of an overseer": ("sam", "/", 5, 7),
    # With what the families are called, what was told of them, and what must be known before somebody rings them; and
    # for whoever leads the team, who is away without cover, as beside the workload.
    "a team's offers": ("ben", "/teams/aylesbury/", 10, 15),
    "a team's cases to allocate": ("ben", "/teams/aylesbury/?tab=to-allocate", 10, 10),
    "a team's cases": ("ben", "/teams/aylesbury/?tab=cases", 9, 9),
    "what is overdue in a team": ("ben", "/teams/aylesbury/?tab=overdue", 9, 9),
    "a team's workload": ("ben", "/teams/aylesbury/?tab=workload", 8, 8),
    "a team's page, for an overseer": ("sam", "/teams/aylesbury/", 10, 15),
    # With the names of the families, and whether a hidden address is in one.
    "who is on duty and away": ("maya", "/duty/", 4, 4),
    "the rota of a week": ("maya", "/duty/rota/2026-11-30/", 8, 8),
    "the open list": ("sam", "/open-list/", 10, 10),
    # With what one signs in with, one's sessions, and who asked to let one in.
    "one's account": ("maya", "/account/", 5, 5),
    "letting somebody in": ("maya", "/account/let-in/", 5, 5),
    "one's second step": ("maya", "/accounts/second-step/", 4, 4),
    "reminders": ("ben", "/reminders/", 7, 7),
    "a new contact": ("amina", "/contacts/new/", 5, 5),
    "the tasks of a new contact": ("amina", f"/contacts/new/{'0' * 32}/", 5, 5),
    "a task of a new contact": ("amina", f"/contacts/new/{'0' * 32}/children/", 5, 5),
    "the answers of a new contact": ("amina", f"/contacts/new/{'0' * 32}/check/", 5, 5),
    "drafts of contacts": ("maya", "/contacts/drafts/", 4, 4),
    "what happened at the door": ("iris", "/sign-ins/", 5, 5),
    "what happened at the door, narrowed": ("iris", "/sign-ins/?kind=failed&person=nobody&first=2026-01-01", 5, 5),
    "the report of overrides": ("paula", "/reports/overrides/", 6, 6),
    "the contacts behind a figure": ("paula", "/reports/overrides/contacts/", 3, 3),
    "the report on equality": ("paula", "/reports/equality/", 6, 6),
    "the report on what agencies send": ("paula", "/reports/quality/", 5, 5),
    "the admin's contacts": ("sam", "/admin/casework/contact/", 6, 6),
    "the admin's cases": ("ben", "/admin/casework/case/", 6, 6),
    "the admin's handoffs": ("ben", "/admin/casework/handoff/", 6, 6),
    "the admin's clocks": ("ben", "/admin/casework/clock/?stand=all", 5, 5),
    "the admin's decisions": ("sam", "/admin/casework/decision/", 5, 5),
    "the admin's reminders": ("sam", "/admin/casework/reminder/", 5, 5),
    "the admin's messages": ("sam", "/admin/casework/outboxmessage/", 4, 4),
    "the admin's calendar edits": ("adele", "/admin/casework/calendaredit/", 5, 5),
    "the admin's audit": ("ava", "/admin/casework/auditevent/", 4, 4),
    "the admin's people": ("adele", "/admin/localities/user/", 6, 6),
    "the admin's teams": ("adele", "/admin/localities/team/", 5, 5),
    "the admin's catchments": ("adele", "/admin/localities/catchment/", 6, 6),
    "the admin's policies": ("adele", "/admin/casework/clockpolicy/", 5, 5),
}


# At their dearest. A contact that waits, for whoever decides on it: a clock is paused, partners are asked. A case, for
# whoever leads the team responsible for it: another team works with a brother. Each with a reminder that is seen now.
# A pair is how often the page waits for the database, which is at most twelve times, and how many statements that are.
# Each asks once for the hidden addresses that people's words may have in them, once for what was learned since, and
# once for who died and what is not safe to use; a contact's, once for those to whom it may be assigned, and for
# the notes and their corrections.
OF_A_CONTACT, OF_A_CASE = (11, 36), (9, 21)
MOST_WAITS = 12


class TestWhatAPageCosts:
    def families(self, story: Story, *, up_to: int) -> None:
        """This number of cases with Aylesbury, of cases on offer to it, and of contacts that wait."""
        homes = list(Postcode.objects.filter(postcode__startswith="HP20").values_list("postcode", flat=True)[:100])
        for number in range(Case.objects.count() // 2, up_to):
            for step, tell in enumerate((story.accepted, story.offered, None)):
                # No two of them look alike.
                one = child(
                    first_name=FIRST_NAMES[(number + 3 * step) % 10],
                    last_name=f"{LAST_NAMES[(3 * number + step) % 10]}{number}", also_known_as=[], nhs_number=None,
                    date_of_birth=f"20{10 + 3 * step - number % 2}-{1 + (number + 5 * step) % 12:02}"
                    f"-{3 + (7 * number + 11 * step) % 25:02}",
                    address=address(homes[number * 3 + step]),
                )  # fmt: skip
                contact = story.contact(children=[one], adults=[])
                if tell is not None:
                    tell(contact)
        # Whatever hour it is, something is overdue.
        late = Clock.objects.running().filter(kind="first_family_contact")
        late.update(warn_at=F("started_at"), due_at=F("started_at"))

    def is_within(self, cost: Asked, waits: int, statements: int) -> bool:
        return within(cost.round_trips, waits) and within(cost.statements, statements)

    def cost(self, name: str, path: str) -> int:
        return self.asked(name, path).statements

    def asked(self, name: str, path: str) -> Asked:
        signed_in = SignedIn(name)
        with asked() as cost:
            answer = signed_in.client.get(path)
        assert answer.status_code == 200, path
        return cost

    def test_the_cost_of_a_list_does_not_follow_its_length(self, story: Story) -> None:
        self.families(story, up_to=3)
        sweep.sweep(now=timezone.now() + timedelta(days=60))
        few = {what: self.asked(name, path) for what, (name, path, *_) in BUDGETS.items()}
        self.families(story, up_to=10)
        sweep.sweep(now=timezone.now() + timedelta(days=60))
        assert Reminder.objects.count() > 50
        many = {what: self.asked(name, path) for what, (name, path, *_) in BUDGETS.items()}
        assert many == few
        assert max(cost.round_trips for cost in many.values()) <= MOST_WAITS
        assert {what: cost for what, cost in many.items() if not self.is_within(cost, *BUDGETS[what][2:])} == {}

    def cost_of_contact(self, story: Story, **changes: Any) -> int:
        contact = story.contact(**changes)
        return self.cost("amina", path_of(contact))

    def household(self, number: int) -> list[dict[str, Any]]:
        """This number of siblings in one home."""
        return [
            child(ref=f"c{n}", first_name=f"Child {n}", nhs_number=None, date_of_birth=f"20{10 + n}-01-01")
            for n in range(number)
        ]

    def test_the_cost_of_a_contact_does_not_follow_its_children(self, story: Story) -> None:
        one = self.cost_of_contact(story, children=self.household(1), adults=[])
        story.later(days=1)
        six = self.cost_of_contact(
            story, adults=[], children=[entry | {"last_name": "Haddad"} for entry in self.household(6)]
        )
        # The second contact has a likeness and a chronology to show, whatever its size, and asks once whether the homes
        # of those who are alike may be named, and once who of them belong together.
        assert six <= one + 6

    def test_nor_its_adults(self, story: Story) -> None:
        adults = [{"first_name": f"Adult {n}", "last_name": "Haddad", "same_address": True} for n in range(6)]
        story.contact(adults=adults[:1])
        # Each of the others has a match and a chronology to show.
        one = self.cost_of_contact(story, adults=adults[:1])
        six = self.cost_of_contact(story, adults=adults)
        # Which of several likenesses are of one family is asked once.
        assert six == one + 1

    def test_a_contact_and_a_case_keep_to_their_budgets(self, story: Story) -> None:
        waiting = story.contact(by="example-police", children=self.household(1))
        case = story.accepted()
        contact = case.contacts.get()
        dearest, tied = self.dearest_contact(), brothers(story)[0]
        sweep.sweep(now=timezone.now() + timedelta(days=60))
        # How often the page waits for the database, and how many statements that are.
        pages: list[tuple[str, object, int, int]] = [
            ("amina", waiting, 10, 35), ("amina", contact, 12, 38), ("ben", contact, 6, 25),
            ("ava", contact, 12, 38), ("amina", dearest, *OF_A_CONTACT), ("ben", case, *OF_A_CASE),
            ("ava", case, 8, 20), ("sam", case, 8, 20), ("ben", tied, *OF_A_CASE),
        ]  # fmt: skip
        # The tabs of a case beside its overview.
        pages += [
            ("ben", f"{path_of(case)}{tab}/", waits, statements)
            for tab, waits, statements in (
                ("chronology", 9, 19), ("plan", 7, 18), ("people", 9, 17), ("handoffs", 7, 16), ("notes", 7, 18),
            )
        ]  # fmt: skip
        to_sign_off = story.contact(
            children=[child(indicators=["L4-01"], first_name="Ivo", nhs_number=None)], adults=[]
        )
        story.decided(to_sign_off, by="maya", pathway="family_help", level=3, rag="amber")
        pages += [
            ("amina", f"{path_of(dearest)}decide/", 12, 25), ("amina", f"{path_of(waiting)}decide/", 9, 22),
            ("david", f"{path_of(to_sign_off)}sign-off/", 12, 22), ("amina", f"{path_of(contact)}decided/", 12, 22),
        ]  # fmt: skip
        note, file = story.note(contact), put(contact, story)
        pages += [
            ("amina", f"{path_of(contact)}notes/new/", 6, 12), ("ben", f"{path_of(case)}notes/new/", 10, 11),
            ("amina", f"{path_of(contact)}notes/{note.pk}/correct/", 9, 15),
            ("amina", f"{path_of(contact)}files/", 8, 8), ("ben", f"{path_of(case)}files/", 10, 10),
            ("amina", f"{path_of(contact)}files/{file.key}/", 7, 7),
        ]  # fmt: skip
        assert max(waits for *_, waits, _ in pages) <= MOST_WAITS
        others = []
        for name, of, waits, statements in pages:
            signed_in = SignedIn(name)
            with asked() as cost:
                assert signed_in.open(of).status == 200
            if not self.is_within(cost, waits, statements):
                others.append((name, str(of), (waits, statements), cost))
        assert not others, "\n".join(map(str, others))

    def dearest_contact(self) -> Contact:
        """The contact whose page costs most: it waits for agreement and for two partners."""
        now = timezone.now()
        story = Story(now - timedelta(hours=1))
        contact = about(story, child(**KIM), agreement={"service": "not_sought"})
        clock = contact.clocks.get(kind="final_decision_green")
        clock_changes.pause(clock_id=clock.pk, reason="Amina rings the mother.", by=person("amina"), now=now)
        for agency in Agency.objects.all()[:2]:
            story.asked(contact, agency.code, at=now)
        return contact

    def test_the_cost_of_a_case_does_not_follow_its_story(self, story: Story) -> None:
        case = story.accepted()
        few = self.cost("ben", path_of(case))
        for _ in range(5):
            story.later(minutes=5)
            new = story.contact()
            story.decided(new)
            assert new.case == case
            handoff_back_and_forth(story, case)
        assert self.cost("ben", path_of(case)) == few


def handoff_back_and_forth(story: Story, case: Case) -> None:
    """A handoff to another team that was withdrawn adds two lines to the story."""
    from casework.actions import handoffs

    ben = User.objects.get(username="ben")
    chiltern = Team.objects.get(code="chiltern")
    handoff = handoffs.offer(
        case_id=case.pk, to_team_id=chiltern.pk, reason="They may move.", by=ben, now=story.later(minutes=5)
    )
    handoffs.withdraw(handoff_id=handoff.pk, reason="They stay.", by=ben, now=story.later(minutes=5))
