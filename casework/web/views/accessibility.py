"""The accessibility statement, which the law asks of a council's pages."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@login_not_required
@require_safe
def statement(request: HttpRequest) -> HttpResponse:
    return render(request, "front_door/accessibility.html", {"contact": settings.ACCESSIBILITY_EMAIL})
