"""The outbox: messages that were sent, wait or are parked. A parked one can be retried or dropped for a reason."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import F, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from casework.access import permissions
from casework.actions import parked_messages
from casework.admin.work import OVERSEERS, WorkAdmin
from casework.models import Case, Contact, OutboxMessage
from casework.models.visibility import is_open_record
from casework.web.forms import ActionForm, reason_field
from casework.web.signed_in import user_of
from casework.web.submitting import errors_of, status_of, submit
from localities.models import Role
from localities.working_time import local_day
from triage.models import RuleSetVersion


class DropForm(ActionForm):
    """Drop a parked message."""

    reason = reason_field(
        "Why need it not go out?", "Who was told in which other way, or what was wrong with the address."
    )


class MessageStatusFilter(admin.SimpleListFilter):
    """Filters messages by status."""

    title = "how they stand"
    parameter_name = "stand"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("parked", "Parked"), ("waiting", "Waiting"), ("sent", "Sent"), ("dropped", "Dropped")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[OutboxMessage]) -> QuerySet[OutboxMessage]:
        stands = {
            "parked": Q(parked_at__isnull=False, dropped_at__isnull=True),
            "waiting": Q(sent_at__isnull=True, parked_at__isnull=True),
            "sent": Q(sent_at__isnull=False),
            "dropped": Q(dropped_at__isnull=False),
        }
        return queryset.filter(stands.get(self.value() or "", Q()))


@admin.register(OutboxMessage)
class OutboxMessageAdmin(WorkAdmin):
    """Messages that were sent, wait, or are parked after too many failures."""

    viewer_roles = (Role.ADMINISTRATOR, *OVERSEERS)
    list_display = ("message", "about", "attempts", "last_error", "not_before", "sent_at", "parked_at")
    list_display_links = ("message",)  # type: ignore[assignment]  # here the row has a page of its own
    list_filter = (MessageStatusFilter, "kind")
    list_select_related = ("contact", "case", "rule_set")
    ordering = (F("dropped_at").desc(nulls_first=True), F("parked_at").desc(nulls_last=True), "-id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[OutboxMessage]:
        messages: QuerySet[OutboxMessage] = super().get_queryset(request)
        messages = messages.filter(is_open_record(user_of(request), timezone.now()))
        return messages.defer("contact__document", "rule_set__document")

    @admin.display(description="Message")
    def message(self, message: OutboxMessage) -> str:
        return message.get_kind_display()

    @admin.display(description="About")
    def about(self, message: OutboxMessage) -> Contact | Case | RuleSetVersion | None:
        return message.contact or message.case or message.rule_set

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """Shows a message, and the actions on a parked one."""
        message: OutboxMessage = self.looked_up(request, object_id)
        user, now = user_of(request), timezone.now()
        if request.method == "POST":
            permissions.check_can_manage_messages(user, local_day(now))
            if message.carried_by_id is not None:
                raise Http404  # Another message's e-mail carries it, and that message has the buttons.
        if request.method == "POST" and "retry" in request.POST:
            parked_messages.retry(message_id=message.pk, by=user, now=now)
            messages.success(request, "The message is on its way again, from the first try on.")
            return redirect(request.path)
        if request.method == "POST" and "drop" in request.POST:
            form = DropForm(request.POST, prefix="drop")
            return submit(
                request, form,
                lambda said: parked_messages.drop(message_id=message.pk, reason=said["reason"], by=user, now=now),
                says="The message is dropped, and your reason is kept.", then=request.path,
                again=lambda: self._page(request, message, form),
            )  # fmt: skip
        return self._page(request, message, DropForm(prefix="drop"))

    def _page(self, request: HttpRequest, message: OutboxMessage, form: DropForm) -> HttpResponse:
        today, errors = local_day(timezone.now()), errors_of(form)
        sees_to_it = permissions.allows(permissions.check_can_manage_messages, user_of(request), today)
        context = {
            "message": message,
            # An administrator need not know who gets messages about a family. The domain of the address is enough.
            "domain": message.to.rpartition("@")[2],
            "carried": message.carries.count(),
            "form": form if sees_to_it and message.parked_at and not message.dropped_at else None,
            "errors": errors,
        }
        return render(request, "messages/show.html", context, status=status_of(errors))
