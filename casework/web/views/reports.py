"""
The pages of the reports on overrides, on equality, on what agencies send and on how partners answer.

They are for those who are responsible for how the rules are used. Everybody else gets 404.
"""

import csv
import re
from collections.abc import Callable
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from casework.access import permissions
from casework.reports import answers as answers_report
from casework.reports import equality as equality_report
from casework.reports import overrides as overrides_report
from casework.reports import quality as quality_report
from casework.reports.comparison import OverrideKind, comparison_of
from casework.reports.overrides import NO_LOCALITY, NONE, TYPED_IN, Figure, Row
from casework.reports.period import Period
from casework.reports.quality import Tally
from casework.web.charts import rates
from casework.web.recently import recently
from casework.web.report_form import PeriodForm
from casework.web.signed_in import user_of
from casework.web.story import LABELS
from casework.web.submitting import UNPROCESSABLE, errors_of
from localities.models import Agency, Locality, User
from localities.working_time import local_day

A_PAGE = 50
# What agencies send, on the page and in the file.
FIGURES = ("Contacts", "Could not be read", "Share", "Else to check", "Unknown indicator", "Sent again")
ANSWERS = ("Asked", "In its own system", "Answered", "Half of them within", "Longest", "Late", "Not waited for")
MOST_BARS = 36
CHART = "Overrides, in percent of what was decided, by month of receipt"
A_MONTH = re.compile("20[0-9]{2}-(0[1-9]|1[0-2])")
KINDS = {
    OverrideKind.UP: "Up",
    OverrideKind.DOWN: "Down",
    OverrideKind.ACROSS: "Across",
    OverrideKind.LEVEL_ONLY: "Level only",
}


def _reader(request: HttpRequest) -> tuple[User, date]:
    """
    The user who reads the report, and today.

    :raises Http404: the user may not read it.
    """
    user, today = user_of(request), local_day(timezone.now())
    if not permissions.allows(permissions.check_can_read_reports, user, today):
        raise Http404
    return user, today


def _page(request: HttpRequest, name: str, tells: Callable[[Period], dict[str, Any]]) -> HttpResponse:
    """The page of a report for the period that was chosen. `tells` says what it shows of the period."""
    _, today = _reader(request)
    form = PeriodForm(request.GET, today)
    period, template = form.period(), f"front_door/reports/{name}.html"
    if period is None:
        return render(request, template, {"form": form, "errors": errors_of(form)}, status=UNPROCESSABLE)
    context = {"form": form, "period": period, "days": f"?{urlencode(_days(period))}"}
    return render(request, template, context | tells(period))


@require_safe
def overrides(request: HttpRequest) -> HttpResponse:
    """Shows the override rate and direction by rule, agency, locality and month."""
    return _page(request, "overrides", _overrides)


def _overrides(period: Period) -> dict[str, Any]:
    report = overrides_report.report(period)
    # Short names: beside a bar there is little room.
    of_months = [(f"{date.fromisoformat(f'{row.key}-01'):%b %Y}", row.tally.rate) for row in report.months]
    return {
        "total": _line(period, "", Row("", "Everything", report.total)),
        "tables": [
            (heading, name, first, [_line(period, name, row) for row in rows])
            for heading, name, first, rows in (
                ("By rule", "rule", "Rule", report.rules),
                ("By agency", "agency", "Agency", report.agencies),
                ("By locality", "locality", "Locality", report.localities),
                ("By month", "month", "Month of receipt", report.months),
            )
        ],
        "chart": rates(CHART, of_months) if len(of_months) <= MOST_BARS else None,
        "kinds": KINDS.values(),
        "most_bars": MOST_BARS,
    }


@require_safe
def contacts(request: HttpRequest) -> HttpResponse:
    """Shows the contacts behind a figure. Only our own links lead here: a URL that means nothing is not found."""
    user, today = _reader(request)
    period = PeriodForm(request.GET, today).period()
    if period is None:
        raise Http404
    figure = _figure(request)
    pages = Paginator(overrides_report.contacts_behind(period, figure, by=user, now=timezone.now()), A_PAGE)
    page = pages.get_page(request.GET.get("page"))
    query = {name: value for name, value in request.GET.items() if name != "page"}
    compared = [(contact, comparison_of(contact)) for contact in page.object_list]
    titles = overrides_report.titles({each.rule_set_id for _, each in compared})
    context = {
        "period": period,
        "filters": _in_words(figure, titles),
        "page": page,
        "rows": [(contact, contact.decision_in_effect, KINDS[each.kind]) for contact, each in compared if each.kind],
        "query": urlencode(query),
        "back": urlencode(_days(period)),
    }
    return render(request, "front_door/reports/contacts.html", context)


@require_safe
def equality(request: HttpRequest) -> HttpResponse:
    """Shows children by age, sex, ethnicity and disability, with small numbers hidden."""
    return _page(request, "equality", lambda period: {"report": equality_report.report(period)})


@require_safe
def answers(request: HttpRequest) -> HttpResponse:
    """Shows how long partners take to answer, and who is late."""
    return _page(
        request, "answers",
        lambda period: {"agencies": answers_report.report(period, now=timezone.now()), "figures": ANSWERS},
    )  # fmt: skip


@require_safe
def quality(request: HttpRequest) -> HttpResponse:
    """Shows by agency, month and field what could not be read; of one agency, if the URL has its code."""
    return _page(request, "quality", lambda period: _quality(period, request.GET.get("agency", "")))


def _quality(period: Period, code: str) -> dict[str, Any]:
    report = quality_report.report(period)
    chosen = report.of(code) if code else report.everything
    if chosen is None:
        raise Http404
    return {
        "code": code,
        "chosen": chosen,
        "headings": FIGURES,
        "agencies": [(agency, urlencode(_days(period) | {"agency": agency.code})) for agency in report.agencies],
        "fields": [(LABELS.get(each.field, each.field), each) for each in chosen.fields],
        "kinds": [kind.label for kind in quality_report.WRONG],
    }


@require_safe
@recently
def quality_csv(request: HttpRequest) -> HttpResponse:
    """The figures of every agency and month, as a file for a spreadsheet."""
    _, today = _reader(request)
    period = PeriodForm(request.GET, today).period()
    if period is None:
        raise Http404
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="what-agencies-send-{period.first}-{period.last}.csv"'
    lines = csv.writer(answer)
    lines.writerow(("Agency", "Agency code", "Month of receipt", *FIGURES))
    for agency in quality_report.report(period).agencies:
        code = "" if agency.code == quality_report.NONE else agency.code
        for month, tally in agency.months.items():
            lines.writerow((agency.name, code, f"{month:%Y-%m}", *_figures(tally)))
    return answer


def _figures(tally: Tally) -> tuple[int | str, ...]:
    """The figures of the page, in its order."""
    share = "" if tally.rate is None else f"{tally.rate:.1f}%"
    return tally.contacts, tally.unreadable, share, tally.to_check, tally.unknown_indicators, tally.resends


def _days(period: Period) -> dict[str, str]:
    return {"first": period.first.isoformat(), "last": period.last.isoformat()}


def _line(period: Period, name: str, row: Row) -> dict[str, Any]:
    """A row of a table: its figures, and the queries that lead to the contacts behind each."""
    query = _days(period) | ({name: row.key} if name else {})
    figures = [
        (KINDS[kind].lower(), count, urlencode(query | {"direction": kind.value})) for kind, count in row.tally.figures
    ]
    return {"name": row.name, "tally": row.tally, "query": urlencode(query), "figures": figures}


def _figure(request: HttpRequest) -> Figure:
    """
    Reads from the URL which figure it is.

    :raises Http404: none of our links has these values.
    """
    rule, agency, locality, month, kind = (
        request.GET.get(name, "") for name in ("rule", "agency", "locality", "month", "direction")
    )
    wrong_kind, wrong_month = kind and kind not in set(OverrideKind), month and not A_MONTH.fullmatch(month)
    if wrong_kind or wrong_month or not f"{rule}{agency}{locality}".isprintable():
        raise Http404
    return Figure(
        rule=rule,
        agency=agency,
        locality=locality,
        month=date.fromisoformat(f"{month}-01") if month else None,
        kind=OverrideKind(kind) if kind else None,
    )


def _in_words(figure: Figure, titles: dict[str, str]) -> list[tuple[str, str]]:
    """
    The figure in words, for the top of the page.

    :raises Http404: there is no such agency or locality.
    """
    words = {
        "Rule": titles.get(figure.rule, figure.rule),
        "Agency": _name(Agency.objects, figure.agency, TYPED_IN),
        "Locality": _name(Locality.objects, figure.locality, NO_LOCALITY),
        "Month of receipt": f"{figure.month:%B %Y}" if figure.month else "",
        "Direction": KINDS[figure.kind] if figure.kind else "",
    }
    return [(label, value) for label, value in words.items() if value]


def _name(manager: Any, code: str, without: str) -> str:
    if code in ("", NONE):
        return without if code else ""
    found = manager.filter(code=code).first()
    if found is None:
        raise Http404
    return str(found)
