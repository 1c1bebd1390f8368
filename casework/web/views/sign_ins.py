"""What happened at the door, for information governance and auditors. Everybody else gets 404."""

from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from casework.access import permissions
from casework.actions import signing_in
from casework.reading import sign_ins
from casework.web.first_pages import MOST_LISTED, FirstPages
from casework.web.sign_in_form import SignInFilter
from casework.web.signed_in import user_of
from casework.web.submitting import errors_of, status_of
from localities.working_time import local_day

A_PAGE = 50


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """Lists the events, the latest first, narrowed by person, kind and days. The view is audited."""
    user, now = user_of(request), timezone.now()
    if not permissions.allows(permissions.check_can_read_sign_ins, user, local_day(now)):
        raise Http404
    form = SignInFilter(request.GET)
    narrowed = form.cleaned_data if form.is_valid() else {}
    pages = FirstPages(sign_ins.events(by=user, now=now, **narrowed), A_PAGE)
    signing_in.record_sign_ins_viewed(by=user, now=now, **narrowed)
    errors = errors_of(form)
    context = {
        "form": form,
        "errors": errors,
        "page": pages.get_page(request.GET.get("page")),
        "has_more": pages.has_more,
        "most_listed": MOST_LISTED,
        "is_narrowed": any(narrowed.values()),
        "query": urlencode([(name, value) for name, value in request.GET.items() if name != "page"]),
    }
    return render(request, "front_door/sign_ins.html", context, status=status_of(errors))
