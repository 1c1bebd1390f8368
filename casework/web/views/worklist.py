"""The worklist: what needs the signed-in user now, and whose it is, the most urgent first."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from casework.deadlines.recipients import unread_breaches
from casework.models import Case, Contact
from casework.models.together import read_together
from casework.reading import cover, front_door, restricted_work, team_work, worklists
from casework.reading.news import with_news
from casework.reading.shift_handovers import to_read
from casework.web.family_names import family_names
from casework.web.hiding import hidden_where_said
from casework.web.offer_cards import returned_cards
from casework.web.signed_in import user_of
from casework.web.worklist_form import WorklistFilter
from localities.models import FRONT_DOOR_KINDS, Role, Team, User
from localities.roles import roles_of
from localities.working_time import local_day

A_PAGE = 50
MOST_SHOWN = 20


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """
    Shows the front door's contacts in tabs, and the cases of teams that work with families; reminders, and offers to
    answer.
    """
    user, now = user_of(request), timezone.now()
    who = roles_of(user, local_day(now))
    is_front_door = worklists.works_at_front_door(who)
    works_in, oversees = worklists.teams_of(who), worklists.overseen(who)
    on_duty, uncovered = cover.on_duty_today(now), cover.without_cover(who.led_teams, now)
    handovers = to_read(who.team_ids if is_front_door else (), now)
    reminders = worklists.my_reminders(user, now)[:MOST_SHOWN]
    offered = worklists.offered(user, who.team_ids, now)[:MOST_SHOWN]
    read_together(works_in, oversees, on_duty, uncovered, handovers, reminders, offered)
    teams = list(works_in)
    with_families = [team for team in teams if team.kind not in FRONT_DOOR_KINDS]
    restricted = restricted_work.of(user, who, teams, now)
    context: dict[str, Any] = {
        "now": now,
        "on_duty": on_duty,
        "uncovered": uncovered,
        "handovers": handovers,
        "teams": teams,
        "with_families": with_families,
        "overseen": oversees,
        "unread": unread_breaches(None, now) if who.has(Role.SERVICE_MANAGER) else [],
        "reminders": reminders,
        "offered": offered,
        "restricted": restricted.lines,
        "glass": restricted.glass,
    }
    if with_families:
        came_back = list(team_work.returned(user, with_families, now)[:MOST_SHOWN])
        context["came_back"] = returned_cards(came_back, user, now)
        context["cases"] = _cases(request, worklists.open_cases(user, with_families, now), user, now)
    if is_front_door:
        context |= _front_door(request, user, [team for team in teams if team.kind in FRONT_DOOR_KINDS], now)
    context["families"] = _families(context, user, now)
    return render(request, "front_door/worklist.html", context)


def _families(shown: dict[str, Any], user: User, now: datetime) -> Mapping[Contact | Case, str]:
    """
    The names of the families whose cases are shown, and for a team those of its reminders. The front door's reminders
    are mostly of contacts that stand above them, with their names.
    """
    about: set[Contact | Case] = {handoff.case for handoff in shown["offered"]}
    about.update(shown.get("cases", ()), shown.get("returned", ()))
    if shown["with_families"]:
        about.update(reminder.clock.about for reminder in shown["reminders"])
    return family_names(about, user, now)


def _cases(request: HttpRequest, cases: Any, user: User, now: datetime) -> Any:
    page = Paginator(cases, A_PAGE).get_page(request.GET.get("cases"))
    page.object_list = with_news(page, user, now)
    return page


def _front_door(request: HttpRequest, user: User, teams: list[Team], now: datetime) -> dict[str, Any]:
    """The tabs with their counts, and what the chosen one holds; if that is nothing, the first with work in it."""
    ids = [team.pk for team in teams]
    narrowing = WorklistFilter(request.GET, now)
    by = front_door.filter_of(narrowing.chosen(), user, now)
    counts, overdue, drafts = front_door.counts(user, ids, by, now)
    first = next((tab for tab in front_door.TABS if counts[tab]), front_door.TO_TRIAGE)
    chosen = next((tab for tab in front_door.TABS if tab.code == request.GET.get("tab")), front_door.TO_TRIAGE)
    contacts = front_door.narrowed(front_door.of_tab(chosen, user, now), by)
    shown = contacts.select_related("agency", "recommendation", "owner", "team", "decision_in_effect__decided_by")
    # The document is long, and the list says nothing of it.
    page = Paginator(shown.defer("document"), A_PAGE)
    if by or chosen != front_door.RETURNED:
        page.count = counts[chosen]
    waiting: Any = page.get_page(request.GET.get("contacts"))
    rows = front_door.rows(waiting.object_list, user, now)
    names = {row.contact.pk: ", ".join(child.called for child in row.children) for row in rows}
    hidden = hidden_where_said(names)
    waiting.object_list = [(row, hidden.get(row.contact.pk)) for row in rows]
    kept = request.GET.copy()
    for name in ("tab", "contacts", "cases"):
        kept.pop(name, None)
    context = {
        "tabs": [(tab, counts[tab], overdue[tab], tab == chosen) for tab in front_door.TABS],
        "tab": chosen,
        "elsewhere": first if counts[first] and first != chosen else None,
        "narrowing": narrowing,
        "narrowed": bool(by),
        "kept": kept.urlencode(),
        "page_query": "&".join(filter(None, (f"tab={chosen.code}", kept.urlencode()))),
        "waiting": waiting,
        "me": user,
        "drafts": drafts,
    }
    if chosen == front_door.RETURNED and not by:
        returned = _cases(request, front_door.returned_cases(user, ids, now), user, now)
        for card in returned_cards(returned.object_list, user, now):
            cast("Any", card.case).came_back = card
        context["returned"] = returned
    return context
