"""A team's page: its offers, its cases and its late clocks. For the team and the overseers."""

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from casework.access import permissions
from casework.deadlines.recipients import unread_breaches
from casework.reading import restricted_work, worklists
from casework.reading.news import with_news
from casework.web.family_names import family_names
from casework.web.signed_in import user_of
from localities.models import Membership, Team
from localities.roles import roles_of
from localities.working_time import local_day

A_PAGE = 50
MOST_SHOWN = 50


@require_safe
def show(request: HttpRequest, code: str) -> HttpResponse:
    """Shows the team's offers, cases and late clocks. Its leads and service managers also see unread reminders."""
    user, now = user_of(request), timezone.now()
    today = local_day(now)
    team = Team.objects.filter(code=code).select_related("locality").first()
    if team is None or not worklists.may_see_team(roles_of(user, today), team):
        raise Http404
    members = Membership.objects.current(today).filter(team=team).select_related("user")
    answers_for_it = permissions.allows(permissions.check_can_see_unread, team.pk, user, today)
    cases = Paginator(worklists.open_cases(user, [team], now), A_PAGE).get_page(request.GET.get("cases"))
    cases.object_list = with_news(cases, user, now)
    offered = list(worklists.offered(user, [team], now)[:MOST_SHOWN])
    late = list(worklists.late_clocks(user, [team], now)[:MOST_SHOWN])
    about = {*cases, *(handoff.case for handoff in offered), *(clock.about for clock in late)}
    context = {
        "now": now,
        "team": team,
        "offered": offered,
        "cases": cases,
        "families": family_names(about, user, now),
        "unread": unread_breaches([team], now) if answers_for_it else [],
        "late": late,
        "restricted": restricted_work.of_teams(user, [team], now),
        "members": members.order_by("user__name"),
    }
    return render(request, "front_door/team.html", context)
