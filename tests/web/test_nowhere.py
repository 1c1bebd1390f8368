"""
A confidential address is nowhere: not on a page, in an answer of the API, on an admin screen, in a message, an export,
a log line or the audit, whoever looks, whatever order contacts came in and however the address was typed.

Each story is drawn by chance: contacts of several agencies about a child in hiding and his brother, certainly or
likely the same, before and after somebody made the address confidential; sent again, confirmed, rejected, decided. Then
everybody opens everything.
"""

import json
import logging
import random
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.contrib import admin
from django.db.models import QuerySet
from django.test import Client
from django.urls import URLPattern, reverse
from django.utils import timezone

from casework.access.reasons import TO_CHOOSE
from casework.actions import corrections, matches, partner_checks, people, protecting, shift_handovers
from casework.messages import wording
from casework.models import (
    AuditEvent,
    Case,
    Contact,
    OutboxMessage,
    Person,
    PersonDetail,
    PersonMatch,
    Recommendation,
    ShiftHandover,
)
from casework.reading import open_list_files
from casework.statuses import ContactStatus
from casework.web.draft_form import new_key
from casework.web.urls import urlpatterns
from localities.models import Agency, Postcode
from tests.stage.documents import child
from tests.stage.families import KIM
from tests.stage.files import put
from tests.stage.staff import SignedIn, leads_to_its_page
from tests.stage.story import Story, person
from tests.stage.web_client import Partner, a_working_morning, todays_document

# What the house and the street are called, and how that is written short; or not at all, after a number.
HOUSES = {"House": ("Hse.", "Ho", ""), "Court": ("Ct", "Crt", ""), "Cottages": ("Cotts", "")}
STREETS = {
    "Lane": ("Ln", "La", ""), "Parade": ("Pde", ""), "Crescent": ("Cres", "Cr", ""), "Gardens": ("Grdns", ""),
    "Terrace": ("Ter", ""), "Point": ("Pt", ""), "Hill": ("Hl", ""), "Grove": ("Gr", "Close"), "Boulevard": ("Bvd", ""),
}  # fmt: skip
USERNAMES = ("amina", "maya", "oliver", "erin", "ben", "sam", "ava", "iris", "carol", "pat", "paula", "adele")
SEEDS = range(4)
ASCII_SIGNS = {code: None for code in range(128) if not chr(code).isalnum()}
AGENCIES = ("example-primary-school", "example-police", "example-health-visiting")


class Typist:
    """Types the address as people do: never the same way."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.house, self.street = (chance.choice(list(kinds)) for kinds in (HOUSES, STREETS))
        self.lines = [f"Flat 2, Rosewood {self.house}", f"14 Larkspur {self.street}", "Wendover"]
        self.postcode = chance.choice(
            list(Postcode.objects.filter(pk__startswith="HP22 ").values_list("pk", flat=True))
        )

    def spelt_postcode(self) -> str:
        outward, inward = self.postcode.split()
        between = self.chance.choice([" ", "", "  ", "-", "\N{NO-BREAK SPACE}", "\N{ZERO WIDTH SPACE}", " . "])
        typed = f"{outward}{between}{inward}"
        if self.chance.random() < 0.3:
            typed = typed.replace("0", "O").replace("5", "S")
        return self.chance.choice([typed, typed.lower(), typed.title(), f" {typed} "])

    def spelt_line(self, line: str) -> str:
        if self.chance.random() < 0.4:
            line = line.replace("Flat", "Apt")
            for kinds, kind in ((HOUSES, self.house), (STREETS, self.street)):
                line = line.replace(f" {kind}", f" {self.chance.choice(kinds[kind])}".rstrip())
        line = line.replace(" ", self.chance.choice([" ", "  ", "\N{NO-BREAK SPACE}", ", "]))
        return self.chance.choice([line, line.lower(), line.upper()])

    def address(self, **more: Any) -> dict[str, Any]:
        return {"lines": [self.spelt_line(line) for line in self.lines], "postcode": self.spelt_postcode()} | more

    def words(self) -> str:
        house, street = map(self.spelt_line, self.lines[:2])
        return f"They live at {house}, {street} ({self.spelt_postcode()}), since May."

    def leaks(self, text: str) -> list[str]:
        """What of the address a text says, read as somebody would who looks for it."""
        plain = re.sub(r"&#?\w+;", " ", text).translate(ASCII_SIGNS)
        # Most pages have no other signs. Taking ASCII's away first is nine times as fast.
        plain = (plain if plain.isascii() else re.sub(r"[\W_]+", "", plain)).upper()
        typed = "".join(f"[{pair}]" for pair in (
            {"0": "0O", "5": "5S", "1": "1I"}.get(each, each) for each in self.postcode.replace(" ", "")
        ))  # fmt: skip
        return [what for what in ("LARKSPUR", "ROSEWOOD", typed) if re.search(what, plain)]


class FamilyStory:
    """A family's story, drawn step by step."""

    def __init__(self, story: Story, chance: random.Random) -> None:
        self.story, self.chance, self.typist = story, chance, Typist(chance)
        self.known = child(address=self.typist.address())
        self.sent: list[dict[str, Any]] = []

    def sends(self, *children: dict[str, Any], **changes: Any) -> None:
        mother = {"first_name": "Sam", "last_name": "Ashworth", "phone": "07700 900123", "same_address": True}
        document: dict[str, Any] = {
            "children": list(children),
            "adults": self.chance.choice([[], [mother]]),
            "concern": {"worries": self.typist.words(), "childs_words": self.typist.words()},
            "support_already_tried": self.typist.words(),
        } | changes  # fmt: skip
        self.sent.append(document)
        self.story.later(minutes=7)
        self.story.contact(by=self.chance.choice(AGENCIES), **document)

    def robin(self, **changes: Any) -> dict[str, Any]:
        likely: dict[str, Any] = self.chance.choice([{}, {"nhs_number": None, "also_known_as": []}])
        return child(address=self.typist.address()) | likely | {"where_now": self.typist.words()} | changes

    def unmarked(self) -> None:
        self.sends(self.robin())

    def marked(self) -> None:
        self.sends(child(address=self.typist.address(confidential=True)))

    def with_brother(self) -> None:
        self.sends(self.robin(), child(**KIM) | {"address": self.typist.address()})

    def brother_alone(self) -> None:
        # Only a brother who was on a contact with him is his brother for us.
        if self.sent and any(len(document["children"]) > 1 for document in self.sent):
            self.sends(child(**KIM) | {"address": self.typist.address()})

    def sent_again(self) -> None:
        if self.sent:
            self.story.contact(**self.chance.choice(self.sent))

    def settled(self) -> None:
        waiting = PersonMatch.objects.filter(status="proposed", child__contact__status=ContactStatus.RECEIVED)
        # Robin is one child in this story, whoever sends him: somebody who says otherwise shows the address rightly.
        robins = waiting.filter(person__first_name="Robin", child__first_name="Robin")
        # Two who are one through others already need nobody's word.
        for match in [each for each in robins if each.row.person_id != each.known.pk][:1]:
            matches.settle(
                contact_id=match.row.contact_id, match_id=match.pk, same=True, by=person("amina"),
                now=self.story.later(minutes=5),
            )  # fmt: skip

    def corrected(self) -> None:
        """Somebody says where a child lives, or has another telephone number, and why."""
        contact = Contact.objects.filter(status=ContactStatus.RECEIVED).order_by("?").first()
        row = contact.children.order_by("?").first() if contact else None
        if contact is None or row is None:
            return
        homes: list[dict[str, Any]] = [
            {"address": self.typist.address()},
            {"where_now": self.typist.words()},
            {"disabled": True},
        ]
        document = {"source": "family", "why": self.typist.words(), "children": [
            {"ref": row.ref, "school": self.typist.words()} | self.chance.choice(homes)
        ]}  # fmt: skip
        corrections.learn(contact_id=contact.pk, document=document, by=person("amina"), now=self.story.later(minutes=5))

    def filed(self) -> None:
        """A file is called after where they live."""
        contact = Contact.objects.order_by("?").first()
        if contact is not None:
            put(contact, self.story, by="maya", name=f"{self.typist.words()}.pdf", about=self.typist.words())

    def asked(self) -> None:
        contact = Contact.objects.filter(status=ContactStatus.RECEIVED).first()
        asked = {check.agency_id for check in contact.partner_checks.all()} if contact else set()
        agency = Agency.objects.exclude(pk__in=asked).first()
        if contact is None or agency is None:
            return
        check = partner_checks.ask(
            contact_id=contact.pk, agency_id=agency.pk, question=self.typist.words(), by=person("amina"),
            now=self.story.later(minutes=5),
        )  # fmt: skip
        partner_checks.record_answer(
            check_id=check.pk, answer=self.typist.words(), by=person("amina"), now=self.story.later(minutes=5)
        )

    def decided(self) -> None:
        contact = Contact.objects.filter(status=ContactStatus.RECEIVED).order_by("?").first()
        if contact is not None and contact.recommendation is not None and contact.recommendation.hold == "":
            team = self.story.team("aylesbury")
            self.story.decided(
                contact, pathway="family_help", level=3, rag="green", rationale=self.typist.words(),
                chosen_team_id=None if contact.case_id else team.pk, chosen_team_reason=self.typist.words(),
            )  # fmt: skip

    def noted(self) -> None:
        """Staff write down what was said, of a contact or a case, and correct it."""
        records: list[Contact | Case] = [*Contact.objects.order_by("?")[:1], *Case.objects.order_by("?")[:1]]
        for record in records:
            by = "sam" if isinstance(record, Case) else "amina"
            self.story.corrected(
                self.story.note(record, by=by, text=self.typist.words()), by=by, text=self.typist.words(),
                was_wrong=self.typist.words(),
            )  # fmt: skip

    def recorded(self) -> None:
        """Staff write down where he lives."""
        who = self.who_hides().order_by("pk").first()
        if who is not None:
            lives = self.typist.address()
            said = people.Said(
                kind="address", value=", ".join(lives["lines"]), postcode=lives["postcode"], said_by=self.typist.words()
            )
            people.add_detail(person_id=who.pk, said=said, by=person("amina"), now=self.story.later(minutes=5))

    def who_hides(self) -> QuerySet[Person]:
        return Person.objects.filter(contact_children__first_name="Robin")

    def steps(self) -> list[Callable[[], None]]:
        return [
            self.unmarked, self.unmarked, self.with_brother, self.brother_alone, self.sent_again, self.settled,
            self.asked, self.recorded, self.corrected, self.corrected, self.filed,
        ]  # fmt: skip

    def hidden(self) -> None:
        """Somebody makes the address confidential: a partner, or a member of staff."""
        hides = self.who_hides().distinct().order_by("pk")
        if (who := hides.filter(address_is_protected=False).first()) and self.chance.random() < 0.4:
            protecting.protect(
                person_id=who.pk, reason=self.typist.words(), by=person("amina"), now=self.story.later(minutes=5)
            )
        else:
            self.marked()


class FatherStory(FamilyStory):
    """The same story of a father who hides, and lives elsewhere: what is typed is his own address, and not Robin's."""

    HOME: ClassVar[dict[str, Any]] = {"lines": ["4 Other Street"], "postcode": "SL7 1AA"}
    FATHER: ClassVar[dict[str, Any]] = {
        "first_name": "Lee", "last_name": "Ashworth", "date_of_birth": "1984-05-06", "relationship": "father",
        "phone": "07700 900999",
    }  # fmt: skip

    def sends(self, *children: dict[str, Any], **changes: Any) -> None:
        at_home = [each | {"address": self.HOME, "where_now": "At home"} for each in children]
        super().sends(*at_home, **({"adults": [self.father()]} | changes))

    def father(self, **more: Any) -> dict[str, Any]:
        likely: dict[str, Any] = self.chance.choice([{}, {"first_name": "Leigh", "date_of_birth": None}])
        elsewhere: dict[str, Any] = self.chance.choice([{"same_address": False}, {}])
        return self.FATHER | likely | elsewhere | {"address": self.typist.address(**more)}

    def marked(self) -> None:
        self.sends(child(), adults=[self.FATHER | {"address": self.typist.address(confidential=True)}])

    def brother_alone(self) -> None:
        if self.sent:
            self.sends(child(**KIM))

    def corrected(self) -> None:
        contact = Contact.objects.filter(status=ContactStatus.RECEIVED, adults__isnull=False).order_by("?").first()
        if contact is None:
            return
        said: dict[str, Any] = self.chance.choice([{"address": self.typist.address()}, {"phone": "07700 900998"}])
        document = {"source": "family", "why": self.typist.words(), "adults": [{"number": 1} | said]}
        corrections.learn(contact_id=contact.pk, document=document, by=person("amina"), now=self.story.later(minutes=5))

    def who_hides(self) -> QuerySet[Person]:
        return Person.objects.filter(contact_adults__recorded_as__first_name="Lee")


OPENED = (
    "contact", "contact-screening", "contact-correct", "contact-correct-person", "contact-history", "contact-compare",
    "contact-note-correct", "case-note-correct", "case", "case-chronology", "case-plan", "case-people",
    "case-handoffs", "case-notes", "person",
    "case-close", "contact-files", "contact-file", "contact-file-download", "contact-file-remove", "case-files",
)  # fmt: skip


def parts_of(of: Any, name: str, text: str) -> list[Any] | None:
    """Of the addresses of a record's files, notes and matches: those that it has. None for all other addresses."""
    if of is not None and "/files/<" in text:
        return [file.key for file in of.files.all()]
    if of is not None and name.endswith("-note-correct"):
        return [note.pk for note in of.notes.firsts()]
    return [match.pk for match in PersonMatch.objects.of_contact(of)] if name == "contact-compare" else None


def pages() -> Iterator[str]:
    """Every address; those that are opened to be read, for every contact and case."""
    contacts, cases, everybody = (list(model.objects.all()) for model in (Contact, Case, Person))
    for pattern in urlpatterns:
        assert isinstance(pattern, URLPattern)
        text = str(pattern.pattern)
        belongs: dict[str, list[Any]] = {"cases": cases, "people": everybody, "contacts": contacts}
        whose = belongs.get(text.split("/")[0], [None])
        for of in whose if pattern.name in OPENED else whose[:1]:
            given = {
                "reference": of.reference if of else "RES-0000-0000", "code": "aylesbury", "kind": "address",
                "match_id": 1, "check_id": 1, "reminder_id": 1, "detail_id": 1,
                "key": new_key(), "name": "children", "monday": "2026-11-30",
                "handover_id": ShiftHandover.objects.values_list("pk", flat=True).first() or 1,
            }  # fmt: skip
            if (several := parts_of(of, str(pattern.name), text)) is not None:
                yield from (reverse(str(pattern.name), args=[of.reference, each]) for each in several)
                continue
            if of is not None and "<slug:group>" in text:
                given |= {"group": "child" if "<int:pk>" in text else "family", "pk": of.children.all()[0].pk}
            if pattern.name == "contact-correct-person":
                for adult in of.adults.all():
                    yield reverse("contact-correct-person", args=[of.reference, "adult", adult.pk])
            yield reverse(
                str(pattern.name), kwargs={name: given.get(name, 1) for name in re.findall(r"<\w+:(\w+)>", text)}
            )
    for model in admin.site._registry:
        place = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{place}_changelist")
        if (row := model._default_manager.first()) is not None and model is not Postcode:
            yield reverse(f"{place}_change", args=[row.pk])


WHO = {"first_name": "Robin", "last_name": "Ashworth"}
SEARCHES = ("Robin Ashworth", "robbie ashworth 4/3/2019", "999 000 0018", "Sam Ashworth 07700 900123", "Kim Ashworth")
LOOKS: tuple[dict[str, str], ...] = (WHO, {"nhs_number": "9990000018"}, {"phone": "07700 900123"})


def posted(client: Client, typist: Typist, chance: random.Random) -> Iterator[tuple[str, str]]:
    """What a search and a look first answer: by who somebody is, and by where they live, which finds nobody."""

    def answered(path: str, **typed: str) -> str:
        answer = client.post(path, typed, follow=True)
        assert answer.status_code < 500, (path, typed)
        return answer.content.decode()

    text, look = chance.choice(SEARCHES), chance.choice(LOOKS)
    yield f"a search for {text}", answered("/search/", text=text, reason=TO_CHOOSE[0])
    for path in ("/contacts/new/look/", "/contacts/new/likely/"):
        yield f"{path} for {look}", answered(path, **look)
    home = typist.address()
    lines = ", ".join(home["lines"])
    recorded = PersonDetail.objects.filter(kind="address").values_list("value", flat=True)
    for answer in (
        *(answered("/search/", text=value, reason=TO_CHOOSE[0]) for value in recorded[:1]),
        answered("/search/", text=f"{lines} {home['postcode']}"[:200], reason=TO_CHOOSE[0]),
        answered("/contacts/new/likely/", address_lines=lines, postcode=home["postcode"]),
    ):
        assert "Ashworth" not in answer, f"found by {home}"


def everything(
    usernames: Sequence[str], caplog: pytest.LogCaptureFixture, told: FamilyStory
) -> Iterator[tuple[str, str]]:
    """All that these users and the agencies can read, and all messages, logs and audit events: where, and what."""
    seen, for_doing = 0, set()
    for name in usernames:
        client = SignedIn(name).client
        for where, what in posted(client, told.typist, told.chance):
            yield f"{name} by {where}", what
        for path in pages():
            if path.startswith("/admin/localities/postcode/") or path in for_doing:
                continue
            answer = client.get(path)
            if leads_to_its_page(path, answer):
                for_doing.add(path)
            assert answer.status_code < 500, path
            seen += answer.status_code == 200
            yield f"{name} at {path}", f"{answer.headers} {answer.getvalue().decode()}"
    assert seen > 20
    for code in AGENCIES:
        partner = Partner(Agency.objects.get(code=code))
        for contact in Contact.objects.all():
            yield f"{code} reads {contact}", partner.read(contact).content.decode()
    for message in OutboxMessage.objects.filter(carried_by=None):
        letter = wording.write(message)
        yield f"message {message.kind}", f"{letter.subject} {letter.text} {message.to}"
    for event in AuditEvent.objects.all():
        yield f"audit {event.event}", json.dumps(event.detail)
    for made in Recommendation.objects.all():
        yield "recommendation", json.dumps([made.facts, made.result])
    for record in Person.objects.all():
        yield f"the record of {record}", record.postcode
    for file, pieces, _ in open_list_files.files(timezone.now()):
        yield f"the folder has {file}", "".join(pieces)
    yield "the log", caplog.text


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", [FamilyStory, FatherStory])
def test_a_confidential_address_is_nowhere(
    db: None, kind: type[FamilyStory], seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    chance = random.Random(seed)  # no secret
    told = kind(Story(a_working_morning() + timedelta(minutes=seed)), chance)
    with caplog.at_level(logging.DEBUG):
        for step in chance.choices(told.steps(), k=4):
            step()
        if chance.random() < 0.5:
            told.decided()
        told.noted()
        shift_handovers.give(
            from_team_id=told.story.team("front-door").pk, note=told.typist.words(), by=person("amina"),
            now=told.story.later(minutes=5),
        )  # fmt: skip
        told.hidden()
        for step in chance.choices(told.steps(), k=4):
            step()
        told.noted()
        # Each role comes in one of the stories at least.
        readers = USERNAMES[seed :: len(SEEDS)]
        found = [
            (where, leaks) for where, what in everything(readers, caplog, told) if (leaks := told.typist.leaks(what))
        ]
    assert found == []


def test_a_fathers_is_there_before_anybody_hides_it(db: None) -> None:
    told = FatherStory(Story(a_working_morning()), random.Random(1))  # no secret
    told.unmarked()
    contact, client = Contact.objects.get(), SignedIn("amina").client
    father = contact.adults.get()
    lives = told.typist.address()
    for path in (f"/contacts/{contact}/", f"/contacts/{contact}/correct/adult/{father.pk}/"):
        assert len(told.typist.leaks(client.get(path).content.decode())) == 3, path
    assert told.typist.leaks(client.get(f"/people/{father.person.reference}/").content.decode())
    typed = {"postcode": lives["postcode"], "address_lines": ", ".join(lives["lines"])}
    assert "Ashworth" in client.post("/contacts/new/likely/", typed).content.decode()


def test_it_is_there_before_anybody_hides_it(db: None) -> None:
    """What looks for the address finds it, where it may be seen."""
    told = FamilyStory(Story(a_working_morning()), random.Random(1))  # no secret
    told.unmarked()
    contact = Contact.objects.get()
    client = SignedIn("amina").client
    assert len(told.typist.leaks(client.get(f"/contacts/{contact}/").content.decode())) == 3
    for text in SEARCHES[:3]:
        assert told.typist.leaks(client.post("/search/", {"text": text}, follow=True).content.decode()), text
    lives = told.typist.address()
    for typed in (*LOOKS[:2], {"postcode": lives["postcode"], "address_lines": ", ".join(lives["lines"])}):
        assert "Ashworth" in client.post("/contacts/new/likely/", typed).content.decode(), typed


BESIDE = ("reference", "url", "received_at", "agency_reference")


def test_a_sender_hears_the_same_whether_or_not_another_protects_it(db: None) -> None:
    """Beside the reference, the link and the moments, nothing of the answer differs."""
    story = Story(timezone.now() - timedelta(days=2))
    partner, answers = Partner(Agency.objects.get(code="example-primary-school")), []
    for agency in ("example-health-visiting", "example-police"):
        hides = agency == "example-police"
        home = {"lines": ["3 Some Road"], "postcode": "HP20 1UA", "confidential": hides}
        story.contact(by=agency, children=[child(address=home)])
        answer = partner.send(todays_document(agency_reference=agency)).json()
        answers.append({name: value for name, value in answer.items() if name not in BESIDE})
        read = partner.read(answer["reference"]).json()
        assert {name: read[name] for name in answers[-1]} == answers[-1]
    assert answers[0] == answers[1]
