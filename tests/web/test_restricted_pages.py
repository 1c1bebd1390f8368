"""The pages of restricted records; and a crawler: no page shows a restricted record to somebody who may not open it."""

import random
import re
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from casework.actions import broken_glass, conflicts, matches, people, protecting, receiving, restrictions
from casework.families.likeness.weights import shipped
from casework.jobs import sweep
from casework.models import Case, Contact, Person, PersonMatch, RestrictedAccess, Restriction
from localities.models import User
from tests.stage.documents import child, nhs_number
from tests.stage.restricted import restrict
from tests.stage.staff import TABS_OF_A_CASE, SignedIn, path_of
from tests.stage.story import Story, person
from tests.stage.web_client import Page, todays_document

NAMES = (
    "amina", "oliver", "maya", "erin", "ben", "bea", "carol", "pat", "sam", "paula", "ava", "iris", "adele",
)  # fmt: skip
LISTS = (
    "/", "/reminders/", "/teams/aylesbury/", "/restricted/", "/restricted/open/", "/contacts/new/", "/open-list/",
    "/reports/overrides/", "/reports/overrides/contacts/", "/reports/equality/", "/reports/quality/",
    "/reports/quality/figures.csv", "/admin/",
    *(f"/admin/casework/{name}/" for name in (
        "contact", "case", "handoff", "clock/?stand=all", "decision", "reminder", "auditevent", "outboxmessage",
    )),
)  # fmt: skip


@pytest.fixture
def story(db: None) -> Story:
    """The doors look at the clock on the wall."""
    return Story(timezone.now())


def noor(**changes: Any) -> dict[str, Any]:
    """A child whose name stands nowhere else."""
    described = {"first_name": "Noorzahra", "last_name": "Quillfeather", "date_of_birth": "2015-08-21"}
    return child(**({"nhs_number": None} | described | changes))


class TestThePages:
    def test_a_record_is_restricted_from_its_contact(self, story: Story) -> None:
        contact = story.contact()
        maya = SignedIn("maya")
        page = maya.open(contact, "restrict/")
        form = page.form("") | {
            "restrict-person": str(contact.children.get().person_id), "restrict-kind": "adopted",
            "restrict-reason": "Adopted in 2019.", "restrict-owner": str(person("sam").pk),
            "restrict-readers": [str(person("amina").pk)],
        }  # fmt: skip
        answer = maya.post(contact, "restrict", **form)
        restriction = Restriction.objects.get()
        assert answer.headers["Location"] == f"/restricted/{restriction}/"
        shown = maya.open(f"/restricted/{restriction}/")
        assert "Ashworth" not in shown.html
        assert "Adopted in 2019" not in shown.html
        assert maya.open(contact).status == 404
        assert "Ashworth" in SignedIn("sam").open(f"/restricted/{restriction}/").html
        assert "Restricted: adopted child" in SignedIn("amina").open(contact).text

    def test_whoever_leaves_nobody_who_can_open_it_is_asked_once(self, story: Story) -> None:
        """Naming somebody whose role does not show it is as naming nobody. A yes to one owner is none to another."""
        contact, iris, asks = story.contact(), SignedIn("iris"), "id_restrict-without_readers"
        form: dict[str, Any] = {
            "restrict-person": str(contact.children.get().person_id), "restrict-kind": "other",
            "restrict-reason": "So.", "restrict-owner": str(person("sam").pk),
        }  # fmt: skip
        assert asks not in iris.open(contact, "restrict/").ids
        for readers in ([], [str(person("carol").pk)], [str(person("sam").pk)]):
            page = Page(iris.post(contact, "restrict", **form, **{"restrict-readers": readers}))
            assert dict(page.summary) == {asks: "Name who else may open it, or say that nobody else does."}
            assert f"Nobody but {person('sam')} will be able to open these contacts and cases" in page.text
            assert f"nor you. What comes about this person reaches {person('sam')} alone." in page.text
        said = page.form("") | {"restrict-without_readers": str(person("sam").pk), "restrict-readers": []}
        iris_owns = Page(iris.post(contact, "restrict", **said | {"restrict-owner": str(iris.user.pk)}))
        assert "Nobody but you will be able to open" in iris_owns.text
        assert not Restriction.objects.exists()
        assert iris.post(contact, "restrict", **said).status_code == 302
        assert Restriction.objects.get().owner == person("sam")

    def test_each_fault_stands_at_its_field(self, story: Story) -> None:
        answer = SignedIn("maya").post(story.contact(), "restrict")
        page = Page(answer)
        assert page.status == 422
        assert {where for where, _ in page.summary} == {
            "id_restrict-person",
            "id_restrict-kind",
            "id_restrict-reason",
            "id_restrict-owner",
        }

    def test_naming_passing_on_and_lifting(self, story: Story) -> None:
        contact = story.contact()
        restriction = restrict(story, contact)
        at, sam = f"/restricted/{restriction}/", SignedIn("sam")
        sam.send(at, "readers", **{"reader-user": str(person("erin").pk), "reader-reason": "On duty."})
        assert SignedIn("erin").open(contact).status == 200
        (access,) = RestrictedAccess.objects.all()
        sam.post(at, f"readers/{access.pk}/remove")
        assert SignedIn("erin").open(contact).status == 404
        assert Page(sam.post(at, "readers", **{"reader-user": "", "reader-reason": ""})).status == 422
        sam.send(at, "lift", **{"lift-reason": "The order ended."})
        assert SignedIn("erin").open(contact).status == 200
        assert "The order ended." in sam.open(at).text

    def test_whoever_may_not_lift_it_and_whoever_is_late_read_why(self, story: Story) -> None:
        at = f"/restricted/{restrict(story, story.contact(), 'amina')}/"
        answers = [SignedIn(name).post(at, "lift", **{"lift-reason": "So it is."}) for name in ("maya", "sam", "sam")]
        assert [answer.status_code for answer in answers] == [403, 302, 409]
        assert "was lifted already." in Page(answers[2]).text

    def test_passing_on(self, story: Story) -> None:
        restriction = restrict(story, story.contact())
        at, sam = f"/restricted/{restriction}/", SignedIn("sam")
        sam.send(at, "pass-on", **{"owner-owner": str(person("iris").pk)})
        assert Restriction.objects.get().owner == person("iris")

    def test_breaking_the_glass_and_its_review(self, story: Story) -> None:
        contact = story.contact()
        restrict(story, contact)
        erin = SignedIn("erin")
        assert str(contact) in erin.open("/").text
        assert Page(erin.client.get(f"/restricted/open/?reference={contact}")).form("")["glass-reference"] == str(
            contact
        )
        typed = str(contact).lower().replace("-", " ")
        answer = erin.post("/restricted/", "open", **{"glass-reference": typed, "glass-reason": "Hurt tonight."})
        assert answer.headers["Location"] == path_of(contact)
        opened = erin.open(contact).text
        assert f"You can read {contact}, and what else" in opened
        assert "You can read it until" in opened
        (access,) = RestrictedAccess.objects.all()
        iris = SignedIn("iris")
        # The owner and information governance have it on their worklists: first to review, then as long as it is open.
        for name in ("sam", "iris"):
            assert "1 to review. One is open now." in SignedIn(name).open("/").text
        for name in ("erin", "maya", "adele", "amina"):
            assert "opened with a reason" not in SignedIn(name).open("/").text
        broken_glass.break_glass(reference=str(contact), reason="So.", by=iris.user, now=story.now)
        assert "1 to review. One is open now." in iris.open("/").text
        assert "2 to review. 2 are open now." in SignedIn("sam").open("/").text
        RestrictedAccess.objects.filter(user=iris.user).update(until=story.now)
        assert "2 to review. One is open now." in SignedIn("sam").open("/").text
        assert "Hurt tonight." in iris.open("/restricted/").text
        iris.send("/restricted/", f"review/{access.pk}", **{f"review{access.pk}-says": "Right."})
        assert "None to review. One is open now." in iris.open("/").text
        own = RestrictedAccess.objects.get(user=iris.user)
        SignedIn("sam").send("/restricted/", f"review/{own.pk}", **{f"review{own.pk}-says": "Right, too."})
        restrictions.change_owner(
            restriction_id=access.restriction_id, owner_id=iris.user.pk, by=person("maya"), now=story.now
        )
        assert "opened with a reason" not in SignedIn("sam").open("/").text
        assert "Nothing is to be reviewed" in iris.open("/restricted/").text
        assert "Right." in iris.open(f"/restricted/{access.restriction}/").text

    def test_the_glass_ends_while_a_page_is_open(self, story: Story) -> None:
        contact = story.contact()
        restrict(story, contact)
        amina = SignedIn("amina")
        broken_glass.break_glass(reference=str(contact), reason="So.", by=amina.user, now=story.now)
        form = amina.open(contact).form(f"{path_of(contact)}agreement/")
        RestrictedAccess.objects.update(until=story.now)
        answer = Page(amina.post(contact, "agreement", **form))
        assert answer.status == 404
        assert "you do not have access to it" in answer.text

    def test_who_follows_a_reference_is_told_whom_to_ask(self, story: Story) -> None:
        """As a search does: the contact's, the case's and the person's. A team that it is not of finds nothing."""
        case = story.accepted()
        contact = case.contacts.get()
        child_of = contact.children.get().person
        restriction = restrict(story, contact)
        for name, opens in (("amina", (contact, f"/people/{child_of.reference}/")), ("ben", (case,))):
            for record in opens:
                page = SignedIn(name).open(record)
                assert page.status == 404
                assert f"Ask {person('sam')}" in page.text
                assert f"/restricted/open/?reference={restriction}" in {link["href"] for link in page.main.all("a")}
                assert "Ashworth" not in page.html
        for record in (contact, case):
            assert "restricted" not in SignedIn("carol").open(record).text

    def test_a_conflict_of_interest(self, story: Story) -> None:
        case = story.accepted()
        contact = case.contacts.get()
        for name, record in (("amina", contact), ("ben", case)):
            signed_in = SignedIn(name)
            assert Page(signed_in.post(record, "conflict")).status == 422
            answer = signed_in.post(record, "conflict", **{"conflict-reason": "My cousin."})
            assert answer.headers["Location"] == "/"
            assert signed_in.open(record).status == 404
        maya = SignedIn("maya")
        page = maya.open("/restricted/")
        assert page.text.count("My cousin.") == 2
        for action in page.actions:
            name = action.split("/")[-3]
            maya.client.post(action, {f"conflict{name}-reason": "Another family."})
        assert SignedIn("amina").open(contact).status == 200
        # Maya declares Amina's for her, goes on seeing the record, and the list says who declared it.
        amina = SignedIn("amina")
        assert "conflict-user" not in amina.client.get(f"{path_of(contact)}conflict/").content.decode()
        said = {"conflict-user": str(amina.user.pk), "conflict-reason": "Her cousin, too."}
        assert maya.post(contact, "conflict", **said).headers["Location"] == path_of(contact)
        assert (amina.open(contact).status, maya.open(contact).status) == (404, 200)
        assert f"by {maya.user}: Her cousin, too." in maya.open("/restricted/").text

    def test_who_may_not_read_the_list_does_not_find_it(self, story: Story) -> None:
        restriction = restrict(story, story.contact())
        for name in ("amina", "ben", "paula", "adele"):
            for address in ("/restricted/", f"/restricted/{restriction}/"):
                assert SignedIn(name).open(address).status == 404


class TestNobodyIsMisled:
    def test_a_contact_that_closes_to_whoever_typed_it(self, story: Story, amina: User) -> None:
        """They are told that it is in, and who sees to it."""
        restrict(story, story.contact())
        received = receiving.receive(document=todays_document(), by=amina, now=timezone.now()).contact
        page = SignedIn("amina").open("/")
        assert f"{received}, a restricted contact" in page.text
        assert f"Ask {person('sam')}" in page.text
        assert "Ashworth" not in page.html

    def test_a_possible_match_says_that_a_restricted_record_exists(self, story: Story) -> None:
        restrict(story, story.contact())
        contact = story.contact(children=[child(nhs_number=None, first_name="Robyn", date_of_birth=None)])
        match = PersonMatch.objects.get(child__contact=contact, status="proposed")
        assert match.score < shipped().careful
        page = SignedIn("amina").open(contact)
        assert "A restricted record may be about" in page.text
        assert f"Ask {person('sam')}" in page.text
        assert "Robin" not in page.html
        assert f"{path_of(contact)}matches/{match.pk}/" not in page.actions
        assert "A restricted record exists in this household" in page.text
        assert SignedIn("amina").post(contact, f"matches/{match.pk}", same="yes").status_code == 404
        broken_glass.break_glass(
            reference=str(Restriction.objects.get()), reason="So.", by=person("amina"), now=timezone.now()
        )
        assert "Robin" in SignedIn("amina").open(contact).html

    def test_a_contact_that_a_possible_match_closes(self, story: Story) -> None:
        """
        It is found by its reference, with whom to ask, and nothing of it anywhere else. Who is named is told why it is
        closed, and opens it for everybody by saying that it is another child.
        """
        restrict(story, story.contact(), "oliver")
        robyn, sister = (
            child(nhs_number=None, first_name="Robyn", also_known_as=[]),
            noor(ref="c2", nhs_number=nhs_number(7), address=None),
        )
        contact = story.contact(children=[robyn, sister], adults=[])
        match = PersonMatch.objects.get(child__contact=contact, child__first_name="Robyn")
        amina, oliver = SignedIn("amina"), SignedIn("oliver")
        of_sister = amina.open(story.contact(children=[sister], adults=[]))
        assert f"A restricted record exists in this household. Ask {person('sam')}" in of_sister.text
        page = amina.open("/")
        assert f"{contact}, a restricted contact" in page.text
        assert f"Ask {person('sam')}" in page.text
        assert path_of(contact) not in page.html
        assert amina.open(contact).status == 404
        assert amina.post(contact, f"matches/{match.pk}", same="no").status_code == 404
        search = {"text": "Robyn Ashworth 4 March 2019", "reason": "So."}
        for signed_in, is_found in ((amina, False), (oliver, True)):
            found = Page(signed_in.client.post("/search/", search, follow=True))
            assert ("A restricted record" in found.text, path_of(contact) in found.html) == (not is_found, is_found)
        page = oliver.open(contact)
        assert "nobody has said yet whether they are one" in page.text
        assert f"{path_of(contact)}matches/{match.pk}/" in page.actions
        oliver.post(contact, f"matches/{match.pk}", same="no")
        assert "Restricted" not in oliver.open(contact).text
        assert "Robyn" in amina.open(contact).html

    def test_nothing_leads_from_one_identity_of_an_adopted_child_to_the_other(self, story: Story) -> None:
        """Not even that a restricted record may be about the child. Who may open both cannot join them."""
        restrict(story, story.contact(), "oliver", kind="adopted")
        contact = story.contact(children=[child(nhs_number=None, last_name="Quillfeather")], adults=[])
        match = PersonMatch.objects.get(child__contact=contact)
        PersonMatch.objects.filter(pk=match.pk).update(score=0.7)
        page = SignedIn("amina").open(contact)
        assert page.status == 200
        assert "restricted record" not in page.text
        oliver = SignedIn("oliver")
        for address in (path_of(contact), f"{path_of(contact)}matches/{match.pk}/compare/"):
            page = oliver.open(address)
            assert "Records of before and after an adoption are never joined" in page.text
            assert 'name="same" value="no"' in page.html
            assert 'name="same" value="yes"' not in page.html

    def test_so_does_a_match_with_a_record_that_somebody_else_on_its_contact_closes(self, story: Story) -> None:
        """Whatever was said about the two."""
        sister = noor(first_name="Zaynab", date_of_birth="2009-02-02", nhs_number=nhs_number(1))
        story.contact(children=[noor(first_name="Noorzahra"), sister], adults=[])
        contact = story.contact(children=[noor(first_name="Noor")], adults=[])
        match = PersonMatch.objects.get(child__contact=contact, person__first_name="Noorzahra")
        conflicts.declare_in_contact(
            contact_id=story.contact(children=[sister], adults=[]).pk, reason="My niece.", by=person("amina"),
            now=story.now,
        )  # fmt: skip
        amina, compare = SignedIn("amina"), f"{path_of(contact)}matches/{match.pk}/compare/"
        page = amina.open(contact)
        assert "A restricted record may be about Noor Quillfeather. Ask a front-door manager" in page.text
        assert "Noorzahra" not in page.html
        for same in (None, False, True):
            if same is not None:
                said: dict[str, Any] = {"contact_id": contact.pk, "match_id": match.pk, "by": person("maya")}
                if same:
                    matches.undo(reason="I took another.", now=story.later(), **said)
                matches.settle(same=same, now=story.later(), **said)
            assert f"matches/{match.pk}/" not in amina.open(contact).html
            assert f"matches/{match.pk}/" not in amina.open(f"/people/{contact.children.get().person.reference}/").html
            assert amina.client.get(compare).status_code == 404
            assert compare in SignedIn("maya").open(contact).html
        # A match with the open one of the two, which are joined now, says nothing of the other.
        third = story.contact(children=[noor(first_name="Noor", date_of_birth="2015-08-12")], adults=[])
        match = PersonMatch.objects.get(child__contact=third, person=contact.children.get().recorded_as)
        compare = f"{path_of(third)}matches/{match.pk}/compare/"
        assert "Noorzahra" not in amina.client.get(compare).content.decode()
        assert "Noorzahra" in SignedIn("maya").client.get(compare).content.decode()

    def test_a_team_is_told_that_it_holds_a_restricted_case(self, story: Story) -> None:
        case = story.accepted()
        restrict(story, case.contacts.get())
        for address in ("/", "/teams/aylesbury/"):
            page = SignedIn("ben").open(address)
            assert f"{case}, a restricted case" in page.text
            assert path_of(case) not in page.html

    def test_who_may_open_a_case_is_warned(self, story: Story) -> None:
        case = story.accepted()
        assert "Restricted" not in SignedIn("ben").open(case).text
        restrict(story, case.contacts.get(), "ben", person_id=case.contacts.get().adults.get().person_id)
        assert "Restricted: police protection" in SignedIn("ben").open(case).text

    def test_the_owner_sees_what_waits(self, story: Story) -> None:
        contact = story.contact()
        restrict(story, contact)
        assert path_of(contact) in SignedIn("sam").open("/").html


class TestNobodyIsNamedByAClosedRecord:
    """The oldest record stands for a person, and may be of a contact that closes for somebody else's sake."""

    CLOSED = re.compile("Noorzahra|Shirinbanu|Amalthea|2015-08-20|20 August 2015")

    @pytest.fixture
    def family(self, story: Story) -> Contact:
        """
        A contact whose people are on a closed one as well, by other names: the one before it, and for the unborn child
        the one after it.
        """
        mother = {"first_name": "Shirinbanu", "last_name": "Quillfeather", "relationship": "mother",
                  "date_of_birth": "1988-04-30"}  # fmt: skip
        sister = noor(ref="c9", first_name="Zaynab", date_of_birth="2009-02-02", nhs_number=nhs_number(1))
        due = (story.now.date() + timedelta(days=4)).isoformat()
        closing = [story.contact(children=[noor(date_of_birth="2015-08-20"), sister], adults=[mother])]
        unborn = {"ref": "c2", "expected_date_of_delivery": due, "indicators": ["L3-20"]}
        contact = story.contact(
            children=[noor(first_name="Noor", ref="c1"), unborn], adults=[mother | {"first_name": "Sherry"}]
        )
        closing.append(story.contact(children=[
            noor(first_name="Amalthea", ref="c1", date_of_birth=story.now.date().isoformat(), nhs_number=None), sister,
        ], adults=[mother | {"first_name": "Sherry"}]))  # fmt: skip
        for row, other in (
            (contact.children.get(ref="c1"), closing[0].children.get(ref="c1")),
            (contact.adults.get(), closing[0].adults.get()),
            (closing[1].children.get(ref="c1"), contact.children.get(ref="c2")),
        ):
            match = PersonMatch.objects.get(record=row.recorded_as, person=other.recorded_as)
            matches.settle(
                contact_id=row.contact.pk, match_id=match.pk, same=True, by=person("maya"), now=story.later()
            )
        assert [closing[0].children.get(ref="c1").person_id, closing[1].children.get(ref="c1").person_id] == [
            each.person_id for each in contact.children.all()
        ]
        assert closing[0].adults.get().person_id == contact.adults.get().person_id
        restrict(story, closing[0], "erin", person_id=closing[0].children.get(ref="c9").person_id)
        return contact

    def test_on_a_contact_a_person_a_case_and_a_search(self, story: Story, family: Contact) -> None:
        noor_and_unborn, mother = list(family.children.all()), family.adults.get()
        reference = noor_and_unborn[0].person.reference
        relationship = people.Said("relationship", qualifier="mother", other=mother.person.reference, said_by="She")
        stranger = story.contact(children=[noor(first_name="Ada", last_name="Bell", date_of_birth="2013-03-03")])
        said: dict[str, Any] = {"by": person("maya"), "now": story.later()}
        people.add_detail(person_id=stranger.children.get().person_id, said=relationship, **said)
        protecting.protect(person_id=noor_and_unborn[0].person_id, reason="He looks for them.", **said)
        on, maya = path_of(family), SignedIn("maya")
        addresses = [
            on, f"{on}history/", f"{on}screening/", f"{on}restrict/", f"{on}correct/child/{noor_and_unborn[0].pk}/",
            f"{on}correct/adult/{mother.pk}/", f"{on}correct/child/{noor_and_unborn[1].pk}/",
            *(f"/people/{each}/" for each in (reference, noor_and_unborn[1].person.reference, mother.person.reference)),
            f"/people/{reference}/add/relationship/", f"/people/{stranger.children.get().person.reference}/",
        ]  # fmt: skip
        for address in addresses:
            page = maya.open(address)
            assert page.status == 200, address
            assert not (leak := self.CLOSED.search(page.html)), (address, leak)
        assert "Noor Quillfeather" in maya.open(on).text
        assert "Unborn child" in maya.open(on).text
        for text in ("Noor Quillfeather", "Quillfeather", f"{reference}, Sherry"):
            found = Page(maya.client.post("/search/", {"text": text, "reason": "So."}, follow=True))
            assert not (leak := self.CLOSED.search(found.html)), (text, leak)
            assert "Noor Quillfeather" in found.text or "Sherry Quillfeather" in found.text
        # Whoever may open the others calls the unborn child as the baby that it turned out to be.
        assert "Amalthea Quillfeather" in SignedIn("erin").open(on).text

    def test_in_a_case(self, story: Story, family: Contact) -> None:
        story.decided(family, chosen_team_id=story.team("aylesbury").pk, chosen_team_reason="So.")
        family.refresh_from_db()
        assert family.case is not None
        page = SignedIn("maya").open(family.case)
        assert page.status == 200
        assert "Children: Noor Quillfeather, born 21 August 2015; Unborn child" in page.text
        assert not self.CLOSED.search(page.html)


class TestNoPageShowsARestrictedRecord:
    """Whatever the mix of roles, restrictions, names, broken glass in time and out, and conflicts of interest."""

    @pytest.mark.parametrize("seed", range(4))
    def test_to_somebody_who_may_not_open_it(self, story: Story, seed: int) -> None:
        dice = random.Random(seed)
        told = self.tell(story, dice)
        sweep.sweep(now=timezone.now())
        for name in dice.sample(NAMES, 6):
            signed_in = SignedIn(name)
            now = timezone.now()
            contacts = set(Contact.objects.visible_to(signed_in.user, now))
            cases = set(Case.objects.visible_to(signed_in.user, now))
            shut_contacts = [contact for contact in Contact.objects.all() if contact not in contacts]
            shut_cases = [case for case in Case.objects.all() if case not in cases]
            for record in (*shut_contacts, *shut_cases):
                assert signed_in.client.get(path_of(record)).status_code == 404
            for record in shut_cases:
                assert {signed_in.open(record, f"{tab}/").status for tab in TABS_OF_A_CASE} == {404}
            # A team's lead sees the handoffs of a case that has passed to another team: it is not closed to them.
            closed_contacts = Contact.objects.exclude(pk__in=Contact.objects.open_to(signed_in.user, now))
            closed_cases = Case.objects.exclude(pk__in=Case.objects.open_to(signed_in.user, now))
            marks = [re.escape(path_of(record)) for record in (*closed_contacts, *closed_cases)]
            # The restricted child's name, if every contact with it is shut; and that of the one who may be this child.
            marks += [names for contact, names in told if contact not in contacts]
            pages = [*LISTS, *(path_of(record) for record in (*contacts, *cases))]
            pages += [f"{path_of(case)}{tab}/" for case in cases for tab in TABS_OF_A_CASE]
            pages += [reverse("restriction", args=[each.reference]) for each in Restriction.objects.all()]
            pages += [reverse("person", args=[each.reference]) for each in Person.objects.all()]
            pages += [f"/admin/casework/contact/?q={contact}" for contact in shut_contacts]
            shut = re.compile("|".join(marks) or "(?!)")
            for address in pages:
                answer = signed_in.client.get(address)
                assert answer.status_code in (200, 302, 403, 404), address
                assert not (leak := shut.search(answer.content.decode())), (name, address, leak)

    def tell(self, story: Story, dice: random.Random) -> list[tuple[Contact, str]]:
        """
        A restricted child with a waiting contact or a case, one that may be the same child, a child who comes alone,
        whose mother is restricted, and an open family.

        :returns: the contacts of the three children, each with the names that stand nowhere else.
        """
        story.accepted()
        told = story.contact(children=[noor()], adults=[])
        if dice.random() < 0.5:
            story.decided(told, chosen_team_id=story.team("aylesbury").pk, chosen_team_reason="So.")
        readers = dice.sample(["amina", "maya", "ben", "bea", "ava"], 2)
        restriction = restrict(story, told, *readers)
        alike = story.contact(children=[noor(first_name="Nora", last_name="Quillfether")], adults=[])
        assert PersonMatch.objects.get(child__contact=alike).score >= shipped().careful
        now = timezone.now()
        for name in dice.sample(["erin", "oliver", "paula", "iris"], 2):
            broken_glass.break_glass(reference=str(told), reason="So.", by=person(name), now=now)
        ended = RestrictedAccess.objects.broken_glass()[0]
        if dice.random() < 0.5:
            ended.until = ended.since
            ended.save(update_fields=["until"])
        if dice.random() < 0.5:
            conflicts.declare_in_contact(contact_id=told.pk, reason="Mine.", by=restriction.owner, now=now)
        if dice.random() < 0.3:
            restrictions.change_owner(
                restriction_id=restriction.pk, owner_id=person("iris").pk, by=person("maya"), now=now
            )
        daughter = {"first_name": "Thessaly", "last_name": "Wrenfield", "nhs_number": nhs_number(3)}
        mother = {"first_name": "Ottoline", "last_name": "Wrenfield", "relationship": "Mum"}
        family = story.contact(children=[noor(**daughter)], adults=[mother])
        restrict(story, family, *readers, person_id=family.adults.get().person_id, kind="relative_of_staff")
        alone = story.contact(children=[noor(**daughter)], adults=[])
        return [
            (told, "Noorzahra|Quillfeather"), (alike, "Nora |Quillfether"), (alone, "Thessaly|Wrenfield|Ottoline"),
        ]  # fmt: skip
