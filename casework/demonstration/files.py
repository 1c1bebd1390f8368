"""Files of the demonstration, made by code: a letter, a picture and a plan. Nobody real is in them."""

from datetime import datetime
from io import BytesIO

from django.core.files.base import ContentFile
from PIL import Image, ImageDraw

from casework.actions import files
from casework.files import storing
from casework.jobs.files import draw_previews
from casework.models import Case, Contact, Responsibility
from casework.statuses import ContactStatus
from localities.models import Membership, Team, TeamKind, User
from localities.working_time import local_day

A_PAGE = """%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>endobj
4 0 obj<</Length {length}>>stream
{drawn}
endstream endobj
5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj
trailer<</Root 1 0 R>>
%%EOF
"""


def add_files(now: datetime) -> None:
    """
    Puts a letter and a picture on each contact of level 3 or 4 that waits, and a plan on the case that each locality
    team has had longest.
    """
    waiting = Contact.objects.filter(status=ContactStatus.RECEIVED, recommendation__level__gte=3)
    for contact in waiting.select_related("team").order_by("pk"):
        by = _member(contact.team, now)
        for content, name, about in (
            (_page("A letter from the school, of the demonstration."), "letter.pdf", "What the school wrote"),
            (_picture(), "front door.png", "How the house looks"),
        ):
            if by is not None:
                stored = storing.take_in(ContentFile(content))
                files.add_to_contact(contact_id=contact.pk, stored=stored, name=name, about=about, by=by, now=now)
    for team in Team.objects.filter(kind=TeamKind.LOCALITY).order_by("code"):
        held = Responsibility.objects.filter(team=team, period__endswith__isnull=True).order_by("pk").first()
        by = _member(team, now)
        if held is not None and by is not None:
            stored = storing.take_in(ContentFile(_page("A plan, of the demonstration.")))
            case = Case.objects.get(pk=held.case_id)
            files.add_to_case(case_id=case.pk, stored=stored, name="plan.pdf", about="Draft plan", by=by, now=now)
    draw_previews(clock=lambda: now)


def _member(team: Team, now: datetime) -> User | None:
    """Always the same: a draw more would move all others."""
    found = Membership.objects.current(local_day(now)).filter(team=team).select_related("user").order_by("pk").first()
    return found.user if found else None


def _page(says: str) -> bytes:
    drawn = f"BT /F 14 Tf 60 760 Td ({says}) Tj ET"
    return A_PAGE.format(length=len(drawn), drawn=drawn).encode()


def _picture() -> bytes:
    drawn, written = Image.new("RGB", (640, 480), (176, 196, 222)), BytesIO()
    pen = ImageDraw.Draw(drawn)
    pen.polygon([(120, 220), (320, 90), (520, 220)], fill=(139, 69, 60))
    pen.rectangle((150, 220, 490, 430), fill=(222, 203, 170))
    pen.rectangle((290, 300, 350, 430), fill=(44, 45, 132))
    drawn.save(written, "PNG")
    return written.getvalue()
