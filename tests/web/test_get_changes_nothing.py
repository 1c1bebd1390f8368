"""A GET changes nothing: the GET of any page writes to the audit and marks reminders as seen, no more."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib import admin
from django.urls import URLPattern, reverse
from django.utils import timezone

from casework.families.household import lock_household, note_touched
from casework.jobs import stale_recommendations, sweep
from casework.models import AuditEvent, Contact, Note, Reminder, StaleRecommendation
from casework.web.urls import urlpatterns
from localities.models import Agency
from tests.stage.documents import child
from tests.stage.families import KIM, about
from tests.stage.sql import run, written
from tests.stage.staff import SignedIn, leads_to_its_page, path_of
from tests.stage.story import Story
from tests.stage.web_client import Page, Partner, a_working_morning

# A page that is refused leaves an event at the door.
TRACES = {"casework_auditevent", "casework_reminderlook", "casework_signinevent"}
USERNAMES = ("amina", "maya", "ben", "sam", "ava", "paula", "adele")


@pytest.fixture(scope="module")
def told(told_for_a_module: None) -> int:
    story = Story(a_working_morning())
    opens, waits = about(story, child(**KIM)), about(story, child(**KIM))
    case = story.accepted(opens)
    story.note(waits)
    story.note(case, by="ben")
    sweep.sweep(now=timezone.now() + timedelta(days=60))
    assert StaleRecommendation.objects.filter(contact=waits).exists()
    assert Reminder.objects.filter(clock__contact=waits).exists()
    return waits.pk


@pytest.fixture
def stale(told: int, db: None) -> Contact:
    """A contact with a late clock. A case of its child has opened, and its recommendation is not renewed yet."""
    return Contact.objects.get(pk=told)


def addresses(contact: Contact) -> Iterator[str]:
    case = Contact.objects.exclude(case=None).get().case
    for pattern in urlpatterns:
        assert isinstance(pattern, URLPattern)
        belongs = {"cases": str(case), "people": contact.children.get().person.reference}
        reference = belongs.get(str(pattern.pattern).split("/")[0], str(contact))
        given = {
            "reference": reference, "kind": "upn", "key": "0" * 32, "name": "children",
            "code": "aylesbury", "match_id": 1, "check_id": 1, "detail_id": 1, "access_id": 1, "conflict_id": 1,
            "absence_id": 1, "handover_id": 1, "monday": "2026-11-30",
            "reset_id": 1, "session_id": 1, "request_id": 1,
            "note_id": Note.objects.get(case__isnull=reference != str(case)).pk,
            "reminder_id": Reminder.objects.latest("pk").pk,
            "pk": contact.children.latest("pk").pk,
            "group": "child" if "<int:pk>" in str(pattern.pattern) else "family",
        }  # fmt: skip
        names = re.findall(r"<\w+:(\w+)>", str(pattern.pattern))
        yield reverse(str(pattern.name), kwargs={name: given[name] for name in names})
    for model in admin.site._registry:
        place = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{place}_changelist")
        if (row := model._default_manager.first()) is not None:
            yield reverse(f"{place}_change", args=[row.pk])
    yield from ("/admin/", "/healthz")


def test_a_get_of_any_page_writes_nothing_but_its_trace(stale: Contact) -> None:
    before = (stale.recommendation_id, stale.recommendations.count(), stale.clocks.count())
    seen, answered = 0, set()
    paths = list(addresses(stale))
    for name in USERNAMES:
        signed_in = SignedIn(name)
        for path in list(paths):
            with written() as looked:
                answer = signed_in.client.get(path)
            if leads_to_its_page(path, answer):
                paths.remove(path)
            answered.add(answer.status_code)
            seen += answer.status_code == 200
            assert looked.tables <= TRACES, (name, path)
            assert looked.locks == [], (name, path)
    assert seen > 100, f"hardly a page was seen: {answered}"
    stale.refresh_from_db()
    assert (stale.recommendation_id, stale.recommendations.count(), stale.clocks.count()) == before
    assert StaleRecommendation.objects.filter(contact=stale).exists()


def test_nor_does_a_partners_get(stale: Contact) -> None:
    partner = Partner(Agency.objects.get(contacts=stale))
    with written() as looked:
        answer = partner.http.get(f"/api/v1/contacts/{stale}", headers=partner.headers)
    assert answer.status_code == 200
    assert looked.tables == {"casework_auditevent"}


def test_every_write_is_seen_whatever_its_form(stale: Contact) -> None:
    """By the ORM, by a statement that is prepared, and by one that begins with a word that only reads."""
    people = {stale.children.get().person_id}
    with written() as looked:
        note_touched(people, now=timezone.now())
    assert looked.tables == {"casework_stalerecommendation"}
    with written() as looked:
        run("WITH same AS (UPDATE localities_agency SET code = code RETURNING id) SELECT id FROM same")
        run("DO 'BEGIN EXECUTE ''UP'' || ''DATE localities_team SET code = code''; END'")
        stale.save(update_fields=["rag"])
    # A trigger gives the teams a new version.
    assert looked.tables == {"localities_agency", "localities_team", "localities_referenceversion", "casework_contact"}
    with written() as looked:
        assert Contact.objects.locked().get(pk=stale.pk)
        lock_household(people)
    assert (looked.tables, len(looked.locks)) == (set(), 2)


class TestWhoWaitsWithAStaleRecommendation:
    def test_has_the_new_one_on_the_worklist_before_anybody_looks(self, stale: Contact) -> None:
        asked = stale.recommendations.count()
        assert stale_recommendations.renew(now=timezone.now()) == 1
        assert not AuditEvent.objects.filter(contact=stale, event="contact_viewed").exists()
        assert str(stale) in Page(SignedIn("amina").client.get("/")).text
        stale.refresh_from_db()
        assert stale.recommendations.count() == asked + 1
        assert stale.recommendation is not None
        assert stale.recommendation.facts["family"]["open_work"] == "early_help"
        assert stale_recommendations.renew(now=timezone.now()) == 0

    def test_is_asked_about_when_somebody_decides_and_no_worker_runs(self, stale: Contact) -> None:
        amina = SignedIn("amina")
        form = amina.open(stale, "decide/").form(f"{path_of(stale)}decide/")
        answer = amina.post(stale, "decide", **form | {"decide-rationale": "So it is."})
        assert answer.status_code == 409
        refusal = Page(answer)
        assert "was opened for this family in the meantime" in refusal.text
        assert path_of(stale) in {link["href"] for link in refusal.root.all("a")}, "back to the contact as it is now"
        assert refusal.form(f"{path_of(stale)}decide/")["decide-rationale"] == "So it is.", "nothing typed is lost"
        stale.refresh_from_db()
        assert stale.recommendation is not None
        assert stale.recommendation.facts["family"]["open_work"] == "early_help"
        assert not StaleRecommendation.objects.exists()
