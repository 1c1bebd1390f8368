"""
What the service sees of itself: where people overrule the rules, and whom it reaches.

For those who answer for how the rules are used; for everybody else there is no such page.
"""

import re
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from casework.access import permissions
from casework.reports import equality as equality_report
from casework.reports import overrides as overrides_report
from casework.reports.comparison import Way, pair_of
from casework.reports.overrides import NO_LOCALITY, NONE, TYPED_IN, Behind, Row
from casework.reports.period import Period
from casework.web.bars import rates
from casework.web.report_form import PeriodForm
from casework.web.signed_in import user_of
from casework.web.views.contacts import errors_of
from localities.models import Agency, Locality, User
from localities.working_time import local_day

A_PAGE = 50
MOST_BARS = 36
UNPROCESSABLE = 422
CHART = "Overruled, in percent of what was decided, by month of receipt"
A_MONTH = re.compile("20[0-9]{2}-(0[1-9]|1[0-2])")
WAYS = {Way.UP: "Up", Way.DOWN: "Down", Way.ACROSS: "Across", Way.LEVEL_ONLY: "Level only"}


def _reader(request: HttpRequest) -> tuple[User, date]:
    """
    Who reads, and on which day.

    :raises Http404: somebody who may not.
    """
    user, today = user_of(request), local_day(timezone.now())
    if not permissions.allows(permissions.check_can_read_reports, user, today):
        raise Http404
    return user, today


@require_safe
def overrides(request: HttpRequest) -> HttpResponse:
    """Override rate and direction by rule, agency, locality and month."""
    _, today = _reader(request)
    form = PeriodForm(request.GET, today)
    period = form.period()
    if period is None:
        return _faults(request, "overrides", form)
    report = overrides_report.report(period)
    # Short names: beside a bar there is little room.
    of_months = [(f"{date.fromisoformat(f'{row.key}-01'):%b %Y}", row.tally.rate) for row in report.months]
    chart = rates(CHART, of_months) if len(of_months) <= MOST_BARS else None
    context = {
        "form": form,
        "period": period,
        "days": f"?{urlencode(_days(period))}",
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
        "chart": chart,
        "ways": WAYS.values(),
        "most_bars": MOST_BARS,
    }
    return render(request, "front_door/reports/overrides.html", context)


@require_safe
def contacts(request: HttpRequest) -> HttpResponse:
    """The contacts behind a figure. Its addresses come from our own links: one that says nothing is not found."""
    user, today = _reader(request)
    period = PeriodForm(request.GET, today).period()
    if period is None:
        raise Http404
    behind = _behind(request)
    found = Paginator(overrides_report.overruled(period, behind, by=user, on=today), A_PAGE)
    page = found.get_page(request.GET.get("page"))
    asked = {name: value for name, value in request.GET.items() if name != "page"}
    pairs = [(contact, pair_of(contact)) for contact in page.object_list]
    titles = overrides_report.titles({pair.rule_set_id for _, pair in pairs})
    context = {
        "period": period,
        "said": _said(behind, titles),
        "page": page,
        "rows": [(contact, contact.decision_in_effect, WAYS[pair.way]) for contact, pair in pairs if pair.way],
        "query": urlencode(asked),
        "back": urlencode(_days(period)),
    }
    return render(request, "front_door/reports/contacts.html", context)


@require_safe
def equality(request: HttpRequest) -> HttpResponse:
    """Children by age, sex, ethnicity and disability, with small numbers hidden."""
    _, today = _reader(request)
    form = PeriodForm(request.GET, today)
    period = form.period()
    if period is None:
        return _faults(request, "equality", form)
    context = {
        "form": form,
        "period": period,
        "days": f"?{urlencode(_days(period))}",
        "report": equality_report.report(period),
    }
    return render(request, "front_door/reports/equality.html", context)


def _faults(request: HttpRequest, page: str, form: PeriodForm) -> HttpResponse:
    context = {"form": form, "errors": errors_of(form)}
    return render(request, f"front_door/reports/{page}.html", context, status=UNPROCESSABLE)


def _days(period: Period) -> dict[str, str]:
    return {"first": period.first.isoformat(), "last": period.last.isoformat()}


def _line(period: Period, name: str, row: Row) -> dict[str, Any]:
    """A row of a table: its figures, and where the contacts behind each are."""
    asked = _days(period) | ({name: row.key} if name else {})
    figures = [
        (WAYS[way].lower(), count, urlencode(asked | {"direction": way.value})) for way, count in row.tally.figures
    ]
    return {"name": row.name, "tally": row.tally, "query": urlencode(asked), "figures": figures}


def _behind(request: HttpRequest) -> Behind:
    """
    Which figure it is.

    :raises Http404: it cannot be one of ours.
    """
    rule, agency, locality, month, way = (
        request.GET.get(name, "") for name in ("rule", "agency", "locality", "month", "direction")
    )
    wrong_way, wrong_month = way and way not in set(Way), month and not A_MONTH.fullmatch(month)
    if wrong_way or wrong_month or not f"{rule}{agency}{locality}".isprintable():
        raise Http404
    return Behind(
        rule=rule,
        agency=agency,
        locality=locality,
        month=date.fromisoformat(f"{month}-01") if month else None,
        way=Way(way) if way else None,
    )


def _said(behind: Behind, titles: dict[str, str]) -> list[tuple[str, str]]:
    """
    The same in words, for the head of the page.

    :raises Http404: there is no such agency or locality.
    """
    said = {
        "Rule": titles.get(behind.rule, behind.rule),
        "Agency": _name(Agency.objects, behind.agency, TYPED_IN),
        "Locality": _name(Locality.objects, behind.locality, NO_LOCALITY),
        "Month of receipt": f"{behind.month:%B %Y}" if behind.month else "",
        "Direction": WAYS[behind.way] if behind.way else "",
    }
    return [(what, value) for what, value in said.items() if value]


def _name(named: Any, code: str, nobody: str) -> str:
    if code in ("", NONE):
        return nobody if code else ""
    found = named.filter(code=code).first()
    if found is None:
        raise Http404
    return str(found)
