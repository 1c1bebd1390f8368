"""For the script that warns before a session ends: when it does, and that somebody is still there."""

from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from casework.web.presence import ends_at, ends_at_the_latest, note
from casework.web.signed_in import user_of


@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest) -> JsonResponse:
    """
    Says for the page's script in how many seconds the session ends, and whether that can be put off. By POST somebody
    says that they are there.
    """
    user, now = user_of(request), timezone.now()
    if request.method == "POST":
        note(request, now)
    until = ends_at(request)
    return JsonResponse(
        {
            "ends_in": round((until - now).total_seconds()),
            "can_stay": until < ends_at_the_latest(request),
            "who": user.pk,
        }
    )
