"""The tabs of a case beside its overview: chronology, plan and deadlines, people, handoffs, notes and files."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from casework.access import permissions
from casework.families.confidentiality import ask_hidden
from casework.families.household import household_of
from casework.files.scanning import is_there_one
from casework.models import ContactAdult, ContactChild, File
from casework.models.together import read_together
from casework.reading.cautions import cautions_in, recorded_of
from casework.reading.chronology import Chronology
from casework.reading.notes import NotesOf
from casework.reading.responsibility import responsibility_history
from casework.web.case_page import CasePage
from casework.web.notes_section import notes_context
from casework.web.story import story_of
from casework.web.timeline import timeline
from localities.working_time import local_day


@require_safe
def chronology(request: HttpRequest, reference: str) -> HttpResponse:
    """Shows the chronology of the household."""
    now = timezone.now()
    page = CasePage(request, reference, now)
    page.read()
    story = Chronology(household_of(page.case), page.user, now)
    told_of = [*page.contacts, *story.contacts]
    lines, hidden = timeline(request, story, ask_hidden(contact.pk for contact in told_of))
    return page.show("front_door/cases/chronology.html", lines, told_of=story.contacts, hidden=hidden)


@require_safe
def people(request: HttpRequest, reference: str) -> HttpResponse:
    """Shows each child and adult as the newest contact tells of them, and who told us."""
    page = CasePage(request, reference, timezone.now())
    page.read(of_contacts=("recommendation",))
    recorded = recorded_of(page.contacts, and_of={child.pk for child in page.case.children.all()})
    read_together(recorded)
    cautions = cautions_in(recorded)
    stories = [story_of(contact, cautions) for contact in page.contacts]
    seen: set[int] = set()

    def is_first(row: ContactChild | ContactAdult) -> bool:
        known = row.person_id in seen
        seen.add(row.person_id)
        return not known

    context = {
        "cautions": cautions,
        "stories": [
            story
            | {
                "children": [(row, facts) for row, facts in story["children"] if is_first(row)],
                "adults": [(row, facts) for row, facts in story["adults"] if is_first(row)],
            }
            for story in stories
        ],
        "may_correct": page.may_correct,
    }
    return page.show("front_door/cases/people.html", context)


@require_safe
def handoffs(request: HttpRequest, reference: str) -> HttpResponse:
    """Shows which team had the case how long, and every offer."""
    now = timezone.now()
    page = CasePage(request, reference, now)
    page.read(handoffs=page.case.handoffs.select_related("from_team", "to_team", "offered_by", "answered_by"))
    offers = list(page.case.handoffs.all())
    history = responsibility_history(page.case, offers, page.periods, now)
    return page.show("front_door/cases/handoffs.html", {"handoffs": offers, "history": history})


@require_safe
def notes(request: HttpRequest, reference: str) -> HttpResponse:
    """Shows the notes and files of the case."""
    page = CasePage(request, reference, timezone.now())
    found = NotesOf(page.case, page.user, page.now, request.GET.get("notes", ""))
    files = File.objects.of_case(page.case).listed()
    page.read(*found.queries, files)
    opened = {contact.pk for contact in page.contacts}
    context = {
        "files": [file for file in files if file.contact_id is None or file.contact_id in opened],
        "are_checked": is_there_one(),
        "adds_files": page.responsible is not None
        and permissions.allows(
            permissions.check_can_add_files, page.case, page.responsible.pk, page.user, local_day(page.now)
        ),
    }
    of_notes = notes_context(found, page.case, page.contacts, page.responsible, page.user, page.now)
    return page.show("front_door/cases/notes.html", context | of_notes)
