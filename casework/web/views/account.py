"""One's own account: sessions and how one signs in; and letting others in who have lost their second step."""

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from casework.access import permissions
from casework.actions import signing_in
from casework.models import FactorReset
from casework.record.sign_ins import device_in_words, device_of
from casework.web import tries
from casework.web.forms import ActionForm, choice_of, id_of, reason_field
from casework.web.recently import recently
from casework.web.signed_in import by_post, user_of
from casework.web.submitting import errors_of, status_of, submit
from localities.models import User
from localities.working_time import local_day

MOST_ANSWERED = 20
UNKNOWN = "Another device"


class LetInForm(ActionForm):
    """Whom to let in, and why."""

    person = choice_of("Who has lost their second step?", User.objects.none(), else_says="Select somebody on the list")
    reason = reason_field(
        "What happened, and how do you know that it is them?",
        "For example: her telephone was stolen; I know her voice, and called her back on her desk number.",
    )

    def __init__(self, by: User, *args: object) -> None:
        super().__init__(*args)
        held = Authenticator.objects.values("user")
        people = User.objects.filter(is_active=True, pk__in=held).exclude(pk=by.pk).order_by("name")
        self.fields["person"].queryset = people  # type: ignore[attr-defined]  # of `choice_of`


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """Shows how one signs in, where one is signed in, and who asked to let one in."""
    user = user_of(request)
    goes_on = Exists(Session.objects.filter(session_key=OuterRef("session_key")))
    sessions = [
        (each, device_in_words(each.user_agent) or UNKNOWN, each.session_key == request.session.session_key)
        for each in UserSession.objects.filter(goes_on, user=user).order_by("-created_at")
    ]
    context = {
        "sessions": sessions,
        "device": None if any(is_this for *_, is_this in sessions) else device_of(request) or UNKNOWN,
        "kinds": set(Authenticator.objects.filter(user=user).values_list("type", flat=True)),
        "asked": FactorReset.objects.filter(person=user, answered_at=None).select_related("asked_by").first(),
        "lets_in": permissions.allows(permissions.check_can_let_in, user, local_day(timezone.now())),
    }
    return render(request, "front_door/account/show.html", context)


@by_post(or_show="account")
def end_session(request: HttpRequest, session_id: int) -> HttpResponse:
    """Ends one session."""
    try:
        signing_in.end_session(session_id=session_id, by=user_of(request), now=timezone.now())
    except UserSession.DoesNotExist:
        messages.info(request, "That session has ended already.")
    else:
        _keep_this_device(request)
        messages.success(request, "The session has ended.")
    return redirect("account")


@by_post(or_show="account")
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    """Ends all sessions but this one."""
    but = request.session.session_key or ""
    signing_in.end_other_sessions(but=but, by=user_of(request), now=timezone.now())
    _keep_this_device(request)
    messages.success(request, "You are signed out everywhere else.")
    return redirect("account")


def _keep_this_device(request: HttpRequest) -> None:
    """The person is here: of the devices where they signed in, this one stays known."""
    tries.keep_device(request, user_of(request), now=timezone.now())


@require_http_methods(["GET", "HEAD", "POST"])
@recently
def let_in(request: HttpRequest) -> HttpResponse:
    """Asks to let somebody in, and shows what waits for a second person."""
    user, now = user_of(request), timezone.now()
    permissions.check_can_let_in(user, local_day(now))
    form = LetInForm(user, request.POST) if request.method == "POST" else LetInForm(user)
    if request.method != "POST":
        return _let_in(request, form)
    return submit(
        request, form,
        lambda said: signing_in.ask_to_let_in(
            person_id=id_of(said["person"]), reason=said["reason"], by=user, now=now
        ),
        says=lambda reset: f"{reset.person} can sign in as soon as another person agrees. Tell somebody to do so now.",
        then=reverse("let-in"), again=lambda: _let_in(request, form),
    )  # fmt: skip


@by_post(or_show="let-in")
@recently
def agree(request: HttpRequest, reset_id: int) -> HttpResponse:
    """Agrees as the second person."""
    try:
        reset = signing_in.agree_to_let_in(reset_id=reset_id, by=user_of(request), now=timezone.now())
    except FactorReset.DoesNotExist:
        raise Http404 from None
    messages.success(request, f"{reset.person} can sign in with the password, and sets up a second step anew.")
    return redirect("let-in")


@by_post(or_show="account")
def decline(request: HttpRequest, reset_id: int) -> HttpResponse:
    """Declines to let somebody in."""
    user, now = user_of(request), timezone.now()
    try:
        reset = signing_in.decline_to_let_in(reset_id=reset_id, by=user, now=now)
    except FactorReset.DoesNotExist:
        raise Http404 from None
    messages.success(request, "Declined. The second step stays as it is.")
    return redirect("account" if reset.person_id == user.pk else "let-in")


def _let_in(request: HttpRequest, form: LetInForm) -> HttpResponse:
    user = user_of(request)
    resets = FactorReset.objects.select_related("person", "asked_by", "answered_by")
    errors = errors_of(form)
    context = {
        "form": form,
        "errors": errors,
        "waits": [
            (each, user.pk not in (each.person_id, each.asked_by_id)) for each in resets.filter(answered_at=None)
        ],
        "answered": resets.filter(answered_at__isnull=False)[:MOST_ANSWERED],
    }
    return render(request, "front_door/account/let_in.html", context, status=status_of(errors))
