"""The open list of the teams that somebody leads: a page to print, and a file for a spreadsheet."""

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from casework.actions import open_lists
from casework.reading import open_list, open_list_files
from casework.web.recently import recently
from casework.web.signed_in import user_of


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """Shows the open lists of the teams that the user leads, or of one of them."""
    user, now, code = user_of(request), timezone.now(), request.GET.get("team", "")
    teams = open_lists.open_lists(team_code=code, as_file=False, by=user, now=now)
    copy = open_list.newest_copy()
    context = {
        "lists": open_list.of_reader(user, teams, now),
        "now": now,
        "code": code,
        "copy": copy,
        "copy_is_stale": copy is None or now - copy.made_at > open_list.OPEN_LIST_IS_STALE,
    }
    return render(request, "front_door/open_list/show.html", context)


@require_safe
@recently
def table(request: HttpRequest) -> StreamingHttpResponse:
    """The same as a file for a spreadsheet."""
    user, now, code = user_of(request), timezone.now(), request.GET.get("team", "")
    teams = open_lists.open_lists(team_code=code, as_file=True, by=user, now=now)
    lists = open_list.of_reader(user, teams, now)
    headers = {"Content-Disposition": f'attachment; filename="open-list-{timezone.localtime(now):%Y-%m-%d-%H%M}.csv"'}
    lines = open_list_files.table(lists, now)
    return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)
