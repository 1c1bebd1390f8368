"""The worklist: what waits for the signed-in user, the most urgent first."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from casework.deadlines.recipients import unread_breaches
from casework.reading import restricted_work, worklists
from casework.reading.news import with_news
from casework.web.signed_in import user_of
from localities.models import Role
from localities.roles import roles_of
from localities.working_time import local_day

A_PAGE = 50
MOST_SHOWN = 20


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """Shows reminders, waiting contacts, offers to answer, and the cases of the user's teams."""
    user, now = user_of(request), timezone.now()
    who = roles_of(user, local_day(now))
    teams = worklists.teams_of(who)
    cases = None
    if teams:
        cases = Paginator(worklists.open_cases(user, teams, now), A_PAGE).get_page(request.GET.get("cases"))
        cases.object_list = with_news(cases, user, now)
    restricted = restricted_work.of(user, who, teams, now)
    context = {
        "now": now,
        "teams": teams,
        "overseen": worklists.overseen(who),
        "unread": unread_breaches(None, now) if who.has(Role.SERVICE_MANAGER) else [],
        "reminders": worklists.my_reminders(user, now)[:MOST_SHOWN],
        "offered": worklists.offered(user, teams, now)[:MOST_SHOWN] if teams else [],
        "cases": cases,
        "restricted": restricted.lines,
        "glass": restricted.glass,
    }
    if worklists.works_at_front_door(who):
        waiting = worklists.contacts_waiting(user, now)
        context["waiting"] = Paginator(waiting, A_PAGE).get_page(request.GET.get("contacts"))
    return render(request, "front_door/worklist.html", context)
