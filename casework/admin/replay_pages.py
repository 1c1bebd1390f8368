"""The pages of a replay: its progress, its results contact by contact, and the same as a file."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from casework.access import permissions
from casework.access.permissions import allows
from casework.actions import replays
from casework.admin.rule_set_pages import open_version
from casework.models import Contact, Replay, ReplayedContact
from casework.reading.csv_lines import csv_lines
from localities.models import Locality, User
from localities.working_time import local_day
from triage.models import RuleSetVersion, Stage

A_PAGE = 50
# The lists of a replay: what they are called, and which contacts are in them.
LISTS: dict[str, tuple[str, dict[str, Any]]] = {
    "down": ("Stepped down", {"direction": "down"}),
    "people": ("People had overridden the old rules this way", {"agrees_with_people": True}),
    "up": ("Stepped up", {"direction": "up"}),
    "across": ("To or from others' work", {"direction": "across"}),
    "all": ("All that change", {}),
}


def show(request: HttpRequest, version_id: int, replay_id: int) -> HttpResponse:
    """Shows a replay: its progress, and its results when it is finished."""
    user, now, version = open_version(request, version_id)
    replay = _replay(version, replay_id)
    drafts = allows(permissions.check_can_draft_rules, user, local_day(now))
    context = {
        "version": version,
        "replay": replay,
        "now": now,
        "goes_on": not (replay.finished_at or replay.cancelled_at or replay.failed_at),
        "cancels": drafts,
        "reads": allows(permissions.check_can_read_replayed_contacts, user, local_day(now)),
        "edits": drafts and version.stage(now) in (Stage.DRAFT, Stage.PROVED),
    }
    result = replay.result
    if result is not None:
        titles = _titles(version)
        which = request.GET.get("list", "down")
        if which not in LISTS:
            raise Http404
        label, wanted = LISTS[which]
        rows = _changed(replay, user, now).filter(**wanted)
        context |= {
            "result": result,
            "titles": titles,
            "pathways": _matrix(result["pathways"], list(titles)),
            "rags": _matrix(result["rags"], ["red", "amber", "green", "blue"]),
            "demand": _demand(result["demand"]),
            "lists": [(key, says) for key, (says, _) in LISTS.items()],
            "which": which,
            "label": label,
            "page": Paginator(rows, A_PAGE).get_page(request.GET.get("page")),
        }
    return render(request, "rule_sets/replay.html", context)


def cancel(request: HttpRequest, version_id: int, replay_id: int) -> HttpResponse:
    """Cancels a replay that waits or runs."""
    user, now, version = open_version(request, version_id)
    replay = _replay(version, replay_id)
    if request.method == "POST":
        replays.cancel(replay_id=replay.pk, by=user, now=now)
        messages.success(request, "The replay is cancelled.")
    return redirect("admin:replay", version_id, replay_id)


COLUMNS = (
    "reference", "received", "before_pathway", "before_rag", "before_level", "before_hold", "before_team",
    "after_pathway", "after_rag", "after_level", "after_hold", "after_team", "decided_pathway", "decided_rag",
    "direction", "agrees_with_people",
)  # fmt: skip


def export(request: HttpRequest, version_id: int, replay_id: int) -> HttpResponse | StreamingHttpResponse:
    """Exports every contact that changes, as CSV, line by line: references and codes, no names."""
    user, now, version = open_version(request, version_id)
    replay = replays.export(replay_id=_replay(version, replay_id).pk, by=user, now=now)
    name = f"replay-{version.name}-{version.version}-{replay.pk}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    lines = csv_lines(_rows(replay, user, now))
    return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)


def _rows(replay: Replay, by: User, now: datetime) -> Iterator[Sequence[Any]]:
    yield COLUMNS
    for row in _changed(replay, by, now).iterator(chunk_size=2000):
        received = timezone.localtime(row.contact.received_at).isoformat(timespec="minutes")
        values = [getattr(row, name) for name in COLUMNS[2:-1]]
        yield [row.contact.reference, received, *values, "yes" if row.agrees_with_people else "no"]


# ---- what the pages are made of


def _replay(version: RuleSetVersion, replay_id: int) -> Replay:
    replay = version.replays.select_related("asked_by", "cancelled_by").filter(pk=replay_id).first()
    if replay is None:
        raise Http404
    return replay


def _changed(replay: Replay, by: User, now: datetime) -> QuerySet[ReplayedContact]:
    """The contacts that change and that are open to this user."""
    opens = Contact.objects.open_to(by, now).filter(pk=OuterRef("contact"))
    wanted = replay.changed.filter(Exists(opens)).select_related("contact").order_by("pk")
    return wanted.only(
        "contact__reference",
        "contact__received_at",
        *(name for name in COLUMNS if name not in ("reference", "received")),
    )


def _titles(version: RuleSetVersion) -> dict[str, str]:
    """The pathways of a version and of the one that it was copied from, in words, the gravest first."""
    documents = [version.document, version.based_on.document if version.based_on else {"pathways": []}]
    return {entry["id"]: entry["title"] for document in reversed(documents) for entry in document["pathways"]}


def _matrix(cells: list[dict[str, Any]], order: list[str]) -> dict[str, Any]:
    """Counts of changes as a matrix: one row for each value before, one column for each value after."""
    found = {(cell["from"], cell["to"]): cell["contacts"] for cell in cells}
    seen = {name for pair in found for name in pair}
    names = [name for name in order if name in seen] + sorted(seen - set(order))
    rows = [(before, [(after, found.get((before, after), 0)) for after in names]) for before in names]
    return {"names": names, "rows": rows}


def _demand(weeks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """For each locality its weeks, its totals, and how long its bars are (in percent of the longest)."""
    names = dict(Locality.objects.values_list("code", "name"))
    found: dict[str, dict[str, Any]] = {}
    for week in weeks:
        one = found.setdefault(
            week["locality"],
            {
                "name": names.get(week["locality"], "Where a person picks the team"),
                "before": 0, "after": 0, "decided": 0, "weeks": [],
            },
        )  # fmt: skip
        for which in ("before", "after", "decided"):
            one[which] += week[which]
        one["weeks"].append(week | {"week": date.fromisoformat(week["week"]), "change": week["after"] - week["before"]})
    longest = max((max(one["before"], one["after"]) for one in found.values()), default=0) or 1
    for one in found.values():
        one["change"] = one["after"] - one["before"]
        one["bars"] = {which: round(100 * one[which] / longest) for which in ("before", "after")}
    return sorted(found.values(), key=lambda one: str(one["name"]))
