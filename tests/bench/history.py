"""
The work that is measured beside a history (`filling.py`): about families on record, and about new ones whose names many
others have.
"""

import itertools
import sys
import time
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from functools import cache, partial
from typing import Any, TypeVar

from django.db.models import Count, Max
from django.test import Client
from django.utils import timezone

from casework.actions import notes, receiving, shift_handovers
from casework.jobs import sweep
from casework.models import Case, Clock, Contact, ContactChild, NoteKind, NoteReaders, Person, ShiftHandover
from localities.models import Agency, Postcode, Team, User
from tests.bench.databases import create, reference, use
from tests.bench.filling import FIRST, fill
from tests.stage.documents import address, child, contact_document
from tests.stage.families import returned_to_aylesbury, with_team
from tests.stage.sql import asked
from tests.stage.story import Story

Use = Callable[[], None]
Row = TypeVar("Row", Contact, Person)

fresh_number = itertools.count(1000)

# The partner's own reference of the contact that is opened.
OPENED = "OPENED"
# That of the contact whose case is opened.
IN_WORK = "IN WORK"
# The team whose page is opened, and its tabs.
TEAM = "aylesbury"
TABS_OF_A_TEAM = ("offers", "to-allocate", "cases", "overdue", "workload")
# How many notes the case has that is opened.
NOTES = 40
# How often the family that is opened was heard of before: neither once, like most, nor as often as a few.
CONTACTS_BEFORE = 3


def databases(sizes: tuple[int, int]) -> tuple[Use, Use]:
    """Two databases with histories of these sizes; calling one makes it the database in use."""
    # Both are copies of one, with the same real contacts in it: nothing but the history differs.
    model = create("history", copy_of=reference())
    tell()
    small, large = (create(f"{model}_{size}", copy_of=model) for size in sizes)
    for size, name in zip(sizes, (small, large), strict=True):
        use(name)
        started = time.monotonic()
        fill(size)
        _work_of_team()
        sys.stdout.write(f"{size:,} contacts in {time.monotonic() - started:.0f} s … ")
        sys.stdout.flush()
        family = _written_again(_heard_of_before())
        Story(timezone.now()).offered(_receive(family, by="example-police", agency_reference=IN_WORK))
        _notes()
        _shift_handed_over()
        _receive(family, agency_reference=OPENED)
    return partial(use, small), partial(use, large)


def tell() -> None:
    """One decided contact, which the history copies, and twenty that wait."""
    story = Story(timezone.now() - timedelta(days=30))
    decided = story.contact(**_family(0))
    story.decided(decided)
    for number in range(1, 21):
        Story(timezone.now()).contact(**_family(number))


def _work_of_team() -> None:
    """
    A team is late with some of its work: two cases without a lead practitioner, one that another team returned, and two
    that are on offer to it.
    """
    story = Story(timezone.now() - timedelta(days=30))
    held = [with_team(story, _to_decide(story, number), TEAM, "ben") for number in range(21, 24)]
    returned_to_aylesbury(story, held[0])
    for number in range(24, 26):
        contact = _to_decide(story, number)
        story.decided(contact, chosen_team_id=story.team(TEAM).pk, chosen_team_reason="Their school is there.")


def _notes() -> None:
    """Much was written on the case that is opened."""
    case = Case.objects.get(contacts__agency_reference=IN_WORK)
    for number in range(NOTES):
        notes.write(
            case_id=case.pk, kind=NoteKind.CALL, text=f"Call {number}: they are at home, and will come on Monday.",
            happened_at=None, child_ids=[], adult_ids=[], readers=NoteReaders.RECORD,
            by=User.objects.get(username="amina"), now=timezone.now(),
        )  # fmt: skip


def _shift_handed_over() -> None:
    team = Team.objects.get(code="front-door")
    amina = User.objects.get(username="amina")
    shift_handovers.give(from_team_id=team.pk, note="Look at the first one first.", by=amina, now=timezone.now())


def _to_decide(story: Story, number: int) -> Contact:
    """A contact with a need of level 3, for which a team is picked."""
    family = _family(number)
    family["children"][0]["indicators"] = ["L3-12"]
    return story.contact(**family)


def _family(number: int) -> dict[str, Any]:
    """A child and its mother, at any postcode of the county."""
    young = Person(first_name="Ada", last_name=f"Waiting{number}", date_of_birth=_born(number))
    mother = Person(
        first_name=f"Mother{number}", last_name=f"Waiting{number}", date_of_birth=date(1980 + number % 15, 5, 11)
    )
    return _written(young, mother, "1 Example Road", _postcode(number))


def _heard_of_before() -> Contact:
    """A contact of the history about a child of whom there were `CONTACTS_BEFORE`."""
    among = ContactChild.objects.filter(person__gt=FIRST, person__lt=FIRST + 2000)
    often = among.values("person").annotate(contacts=Count("contact")).filter(contacts=CONTACTS_BEFORE)
    newest = ContactChild.objects.filter(person__in=often.order_by("person").values("person")[:1]).order_by("contact")
    row = newest.select_related("contact").last()
    assert row is not None, f"nobody was heard of {CONTACTS_BEFORE} times"
    return row.contact


def _written_again(contact: Contact) -> dict[str, Any]:
    """The family of a contact of the history, as another partner writes about it: without the number of the child."""
    children = [row.recorded_as for row in contact.children.select_related("recorded_as")]
    adults = [row.recorded_as for row in contact.adults.select_related("recorded_as")]
    return _written(children[0], adults[0], children[0].address, children[0].postcode)


def _named_like_others(number: int) -> dict[str, Any]:
    """A new family: each of its names is somebody's on record, and so as common as names are."""
    first, last, mothers = (_of_history(Person, number * 3 + which) for which in range(3))
    first.last_name = mothers.last_name = last.last_name
    first.date_of_birth = _born(number)
    return _written(first, mothers, f"{number % 90} Long Lane", _postcode(number))


def _of_history(model: type[Row], number: int) -> Row:
    """A row of the history, picked by number."""
    last = model.objects.aggregate(last=Max("pk"))["last"]
    return model.objects.filter(pk__gt=FIRST + number * 7919 % (last - FIRST)).order_by("pk")[0]


def _written(young: Person, adult: Person, line: str, postcode: str) -> dict[str, Any]:
    """The family as a partner writes about it."""
    entry = child(
        first_name=young.first_name, last_name=young.last_name, date_of_birth=str(young.date_of_birth), nhs_number=None,
        address=address(postcode) | {"lines": [line]}, indicators=["L2-01"],
    )  # fmt: skip
    mother = contact_document()["adults"][0] | {
        "first_name": adult.first_name, "last_name": adult.last_name,
        "date_of_birth": str(adult.date_of_birth) if adult.date_of_birth else None,
    }  # fmt: skip
    agreement = {"service": "given", "given_by": "mother"}
    return {"children": [entry], "adults": [mother], "family_indicators": [], "agreement": agreement}


def _born(number: int) -> date:
    return date(2010 + number % 10, 1 + number % 9, 10 + number % 15)


def _postcode(number: int) -> str:
    """A postcode of the county, picked by number."""
    postcodes = _postcodes()
    return postcodes[number * 7919 % len(postcodes)]


@cache
def _postcodes() -> list[str]:
    return list(Postcode.objects.order_by("postcode").values_list("postcode", flat=True))


# ---- the work


def on_record(number: int) -> dict[str, Any]:
    """A contact about a family on record, picked by number."""
    return contact_document(**_written_again(_of_history(Contact, number)))


def named_like_others(number: int) -> dict[str, Any]:
    """A contact about a new family."""
    return contact_document(**_named_like_others(number))


def receive_two() -> None:
    """One contact about a family on record, and one about a new family."""
    number = next(fresh_number)
    _receive(_written_again(_of_history(Contact, number)))
    _receive(_named_like_others(number))


def _receive(family: dict[str, Any], by: str = "example-primary-school", **known: Any) -> Contact:
    received = receiving.receive(
        document=contact_document(**family, **known), by=Agency.objects.get(code=by), now=timezone.now()
    )
    return received.contact


def open_worklist() -> None:
    _open("/")


def open_contact() -> None:
    _open(path_of_contact())


def path_of_contact() -> str:
    return f"/contacts/{_opened()}/"


def open_case() -> None:
    case = Case.objects.get(contacts__agency_reference=IN_WORK)
    _open(f"/cases/{case.reference}/", by="sam")


def open_person() -> None:
    child = _opened().children.select_related("person").get()
    _open(f"/people/{child.person.reference}/")


def open_chronology() -> None:
    """The chronology of the case that is opened."""
    case = Case.objects.get(contacts__agency_reference=IN_WORK)
    _open(f"/cases/{case.reference}/chronology/", by="sam")


def open_team() -> None:
    """Every tab of the page of a team."""
    for tab in TABS_OF_A_TEAM:
        _open(f"/teams/{TEAM}/?tab={tab}", by="ben")


def open_notes() -> None:
    """The case's notes and files, beside those of all others."""
    case = Case.objects.get(contacts__agency_reference=IN_WORK)
    _open(f"/cases/{case.reference}/notes/", by="sam")


def open_handover_sheet() -> None:
    """The sheet that was given last, and what the next would say now."""
    _open(f"/duty/handovers/{ShiftHandover.objects.latest('pk').pk}/")
    _open("/duty/handovers/give/front-door/")


def open_open_list() -> None:
    """The list of the team, for paper."""
    _open(f"/open-list/?team={TEAM}", by="sam")


def most_waits(pages: Iterable[tuple[str, str]]) -> int:
    """
    How often the page that waits most for the database does so: each is opened by the user beside it, who is signed in,
    and who has opened it before.
    """
    found = []
    for path, by in pages:
        client = signed_in(by)
        _get(client, path)
        with asked() as cost:
            _get(client, path)
        found.append(cost.round_trips)
    return max(found)


def waits_of_case() -> int:
    case = Case.objects.get(contacts__agency_reference=IN_WORK)
    return most_waits((f"/cases/{case.reference}/{tab}", "sam") for tab in ("", "chronology/"))


def waits_of_team() -> int:
    return most_waits((f"/teams/{TEAM}/?tab={tab}", "ben") for tab in TABS_OF_A_TEAM)


def open_list_of_contacts() -> None:
    _open("/admin/casework/contact/", by="sam")


def _opened() -> Contact:
    """A contact about a family that was heard of before."""
    return Contact.objects.get(agency__code="example-primary-school", agency_reference=OPENED)


def _open(path: str, by: str = "amina") -> None:
    _get(signed_in(by), path)


def signed_in(name: str) -> Client:
    client = Client()
    client.force_login(User.objects.get(username=name))
    return client


def _get(client: Client, path: str) -> None:
    answer = client.get(path, headers={"Host": "localhost"})
    assert answer.status_code == 200


def sweep_fifty() -> None:
    """The clocks are made due first; that costs the same beside any history."""
    now = timezone.now()
    some = Clock.objects.running().filter(next_at__gt=now).order_by("pk").values_list("pk", flat=True)[:50]
    Clock.objects.filter(pk__in=list(some)).update(next_at=now)
    sweep.sweep(now=now)
