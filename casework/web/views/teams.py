"""A team's page, in tabs: its offers, who leads each case, its cases, what is overdue, and who has how much."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from casework.access import permissions
from casework.actions import cases
from casework.deadlines.recipients import unread_breaches
from casework.models import Absence, Case
from casework.models.together import read_together
from casework.reading import cover, restricted_work, team_work, worklists
from casework.reading.news import with_news
from casework.reading.team_work import Counts, Load, Tab
from casework.web.family_names import family_names
from casework.web.forms import AllocateForm
from casework.web.offer_cards import cards_of_team
from casework.web.signed_in import user_of
from casework.web.submitting import errors_of, status_of, submit
from localities.models import Team, User
from localities.roles import roles_of
from localities.working_time import local_day

A_PAGE = 50


@dataclass(frozen=True)
class Asked:
    """What somebody asks for: a part of a team's page."""

    request: HttpRequest
    user: User
    team: Team
    now: datetime

    @property
    def leads(self) -> bool:
        """Whether the user leads the team or manages the service: they are shown what nobody has seen to."""
        return permissions.allows(permissions.check_can_see_unread, self.team.pk, self.user, local_day(self.now))

    def page_of(self, rows: QuerySet[Any], name: str, count: int) -> Any:
        """
        A page of these rows.

        :param name: of the page's number in the address.
        :param count: how many rows there are.
        """
        pages = Paginator(rows, A_PAGE)
        pages.count = count
        return pages.get_page(self.request.GET.get(name))


@require_safe
def show(request: HttpRequest, code: str) -> HttpResponse:
    """Shows one tab of a team's page, with how much there is in each. For the team and the overseers."""
    return _page(_asked(request, code), request.GET.get("tab", ""))


@require_http_methods(["GET", "HEAD", "POST"])
def allocate(request: HttpRequest, code: str, reference: str) -> HttpResponse:
    """By POST, names the lead practitioner of one of the team's cases. A GET leads to the cases to allocate."""
    asked = _asked(request, code)
    back = f"{reverse('team', args=[code])}?tab={team_work.TO_ALLOCATE.code}"
    if request.method != "POST":
        return redirect(back)
    case = get_object_or_404(Case.objects.visible_to(asked.user, asked.now), reference=reference)
    form = AllocateForm(case, team_work.loads(asked.team, asked.now), request.POST)

    def named(done: Case) -> str:
        return f"{done.lead_practitioner} is the lead practitioner of {done}."

    return submit(
        request, form,
        lambda said: cases.name_lead(
            case_id=case.pk, lead_id=int(said["lead"]) if said["lead"] else None, by=asked.user, now=asked.now
        ),
        says=named, then=back, again=lambda: _page(asked, team_work.TO_ALLOCATE.code, form),
    )  # fmt: skip


def _asked(request: HttpRequest, code: str) -> Asked:
    user, now = user_of(request), timezone.now()
    team = Team.objects.filter(code=code).select_related("locality").first()
    if team is None or not worklists.may_see_team(roles_of(user, local_day(now)), team):
        raise Http404
    return Asked(request, user, team, now)


def _page(asked: Asked, code: str, *forms: AllocateForm) -> HttpResponse:
    """
    The page with the tab of this code, or the first.

    :param forms: those that had faults.
    """
    team, user, now = asked.team, asked.user, asked.now
    counts = team_work.counts(user, team, now)
    numbers = counts.tabs
    chosen = next((tab for tab in numbers if tab.code == code), team_work.OFFERS)
    others = (tab for tab in numbers if tab not in (chosen, team_work.WORKLOAD))
    errors = errors_of(*forms)
    context = {
        "now": now,
        "team": team,
        "tabs": [(tab, number, tab == chosen) for tab, number in numbers.items()],
        "tab": chosen,
        "elsewhere": next((tab for tab in others if numbers[tab]), None),
        "works_here": team.pk in roles_of(user, local_day(now)).team_ids,
        "restricted": restricted_work.of_teams(user, [team], now),
        "members": worklists.members_of(team, now) if team_work.WORKLOAD not in numbers else [],
        "errors": errors,
    } | PARTS[chosen](asked, counts, forms)
    return render(asked.request, "front_door/teams/show.html", context, status=status_of(errors))


def _offers(asked: Asked, counts: Counts, forms: Any) -> dict[str, Any]:
    user, team, now = asked.user, asked.team, asked.now
    uncovered = _uncovered(asked)
    offers = asked.page_of(worklists.offered(user, [team], now), "offers", counts.offered)
    returned = asked.page_of(team_work.returned(user, [team], now), "returned", counts.returned)
    read_together(offers.object_list, returned.object_list, uncovered)
    offers.object_list, returned.object_list = cards_of_team(offers.object_list, returned.object_list, user, now)
    return {"offers": offers, "returned": returned, "uncovered": uncovered}


def _to_allocate(asked: Asked, counts: Counts, forms: tuple[AllocateForm, ...]) -> dict[str, Any]:
    found = asked.page_of(
        team_work.to_allocate(asked.user, asked.team, asked.now), "cases", counts.tabs[team_work.TO_ALLOCATE]
    )
    loads = team_work.loads(asked.team, asked.now)
    shown = {form.case.pk: form for form in forms}
    families = family_names(list(found), asked.user, asked.now)
    found.object_list = [(case, shown.get(case.pk) or AllocateForm(case, loads)) for case in found]
    return {"cases": found, "families": families}


def _cases(asked: Asked, counts: Counts, forms: Any) -> dict[str, Any]:
    found = asked.page_of(
        worklists.open_cases(asked.user, [asked.team], asked.now), "cases", counts.tabs[team_work.CASES]
    )
    found.object_list = with_news(found, asked.user, asked.now)
    return {"cases": found, "families": family_names(list(found), asked.user, asked.now)}


def _overdue(asked: Asked, counts: Counts, forms: Any) -> dict[str, Any]:
    user, team, now = asked.user, asked.team, asked.now
    late = asked.page_of(team_work.overdue(user, team, now), "late", counts.tabs[team_work.OVERDUE])
    return {
        "late": late,
        "families": family_names({clock.about for clock in late}, user, now),
        "unread": unread_breaches([team], now) if asked.leads else [],
    }


def _workload(asked: Asked, counts: Counts, forms: Any) -> dict[str, Any]:
    loads: list[Load] = team_work.loads(asked.team, asked.now)
    # The longest bar is as wide as there is room.
    widest = max((max(load.cases, load.most or 0) for load in loads), default=0) or 1
    bars = [(load, 100 * load.cases / widest, 100 * (load.most or 0) / widest) for load in loads]
    return {"bars": bars, "uncovered": _uncovered(asked)}


def _uncovered(asked: Asked) -> QuerySet[Absence]:
    """Who is away without cover: for whoever leads the team, beside its offers and who has how much."""
    return cover.without_cover([asked.team.pk] if asked.leads else [], asked.now)


PARTS: dict[Tab, Callable[[Asked, Counts, Any], dict[str, Any]]] = {
    team_work.OFFERS: _offers,
    team_work.TO_ALLOCATE: _to_allocate,
    team_work.CASES: _cases,
    team_work.OVERDUE: _overdue,
    team_work.WORKLOAD: _workload,
}
