"""The lists of team leads and overseers: contacts, cases, handoffs, late clocks, decisions, reminders and the audit."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from casework.admin.rights import RoleAdmin, roles_of_user
from casework.deadlines.titles import title_of
from casework.models import (
    AuditEvent,
    Case,
    Clock,
    ClockPolicy,
    Contact,
    Decision,
    Handoff,
    Reminder,
    Responsibility,
)
from casework.models.visibility import is_open_clock, is_open_record
from casework.reading.front_door import WITH_TEAM_SINCE
from casework.statuses import ContactStatus
from casework.web.first_pages import FirstPages
from casework.web.signed_in import user_of
from casework.web.tags import as_words, duration, span
from localities.models import LEADING_ROLES, Role
from triage.models import RuleSetVersion
from triage.published_rules import of_version, title_of_pathway
from triage.said_as import version_said

OVERSEERS = (Role.SERVICE_MANAGER, Role.AUDITOR)


class WorkAdmin(RoleAdmin):
    """A list of a team's work. Nothing is edited here: each row links to the page where the work is done."""

    viewer_roles: ClassVar[tuple[Role, ...]] = (*LEADING_ROLES, *OVERSEERS)
    list_display_links = None
    show_full_result_count = False
    paginator = FirstPages
    list_per_page = 50

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """Redirects to the page of the contact or case, where viewing is audited."""
        return redirect(_page(self.looked_up(request, object_id)))

    def looked_up(self, request: HttpRequest, object_id: str) -> Any:
        """The row with this id, if the user may open the screen and the row is on their list."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        obj = self.get_object(request, object_id)
        if obj is None:
            raise Http404
        return obj

    @admin.display(description="Open")
    def open(self, obj: Any) -> SafeString | str:
        """A link to the page of the contact or case; its reference alone where it has left the reader's team since."""
        subject = _subject(obj)
        return format_html('<a href="{}">{}</a>', _page(obj), subject) if _leads_on(obj) else str(subject or "")

    def sees_everything(self, request: HttpRequest) -> bool:
        return roles_of_user(request).has(*OVERSEERS)

    def teams(self, request: HttpRequest) -> Iterable[int]:
        """The teams that the person leads."""
        return roles_of_user(request).led_teams


class DeadlineFilter(admin.SimpleListFilter):
    """Filters by what a clock asks for, in words."""

    title = "deadline"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        kinds = ClockPolicy.objects.order_by("kind").values_list("kind", flat=True).distinct()
        return [(kind, capfirst(title_of(kind))) for kind in kinds]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any, Any]) -> QuerySet[Any, Any]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


class PathwayFilter(admin.SimpleListFilter):
    """
    Filters by the pathways of all published rules. Django's own filter reads every row to learn which pathways it has.
    """

    title = "pathway"
    parameter_name = "pathway"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        published = RuleSetVersion.objects.filter(published_at__isnull=False).order_by("-pk")
        found: dict[str, str] = {}
        for version in published.values_list("pk", flat=True):
            for pathway in of_version(version).rule_set.pathways.values():
                found.setdefault(pathway.id, pathway.called)
        return list(found.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any, Any]) -> QuerySet[Any, Any]:
        return queryset.filter(pathway=self.value()) if self.value() else queryset


@admin.register(Contact)
class ContactAdmin(WorkAdmin):
    """Contacts, for the front door's managers and the overseers."""

    viewer_roles = (Role.FRONT_DOOR_MANAGER, *OVERSEERS)
    list_display = ("open", "rag", "status", "team", "agency", "since_receipt", "here")
    list_filter = ("status", "rag", "team", "agency")
    list_select_related = ("team", "agency")
    search_fields = ("reference__iexact",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Contact]:
        visible: QuerySet[Contact] = Contact.objects.visible_to(user_of(request), timezone.now())
        return visible.annotate(here_since=WITH_TEAM_SINCE).defer("document")

    @admin.display(description="Since receipt", ordering="-received_at")
    def since_receipt(self, contact: Contact) -> str:
        return span(contact.received_at)

    @admin.display(description="With this team")
    def here(self, contact: Contact) -> str:
        return "" if contact.status == ContactStatus.DECIDED else span(contact.here_since)  # type: ignore[attr-defined]  # annotated


@admin.register(Case)
class CaseAdmin(WorkAdmin):
    """Cases of the person's teams: those for which they are responsible, and those offered to them."""

    list_display = ("open", "rag", "status", "goes_to", "locality", "lead_practitioner", "since_contact", "with_team")
    list_filter = ("status", "rag", PathwayFilter, "locality")
    list_select_related = ("locality", "lead_practitioner")
    search_fields = ("reference__iexact",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Case]:
        visible: QuerySet[Case] = Case.objects.visible_to(user_of(request), timezone.now()).with_rule_set()
        current = Responsibility.objects.filter(case=OuterRef("pk"), period__endswith__isnull=True)
        return visible.annotate(responsible_since=Subquery(current.values("period__startswith")[:1]))

    @admin.display(description="Pathway", ordering="pathway")
    def goes_to(self, case: Case) -> str:
        return case.pathway_called

    @admin.display(description="Since contact", ordering="-received_at")
    def since_contact(self, case: Case) -> str:
        return span(case.received_at, case.closed_at)

    @admin.display(description="With this team")
    def with_team(self, case: Case) -> str:
        return span(case.responsible_since)  # type: ignore[attr-defined]  # annotated above


@admin.register(Handoff)
class HandoffAdmin(WorkAdmin):
    """Handoffs from and to the person's teams."""

    ordering = ("-offered_at",)
    list_display = (
        "open",
        "kind",
        "from_team",
        "to_team",
        "status",
        "ordinal",
        "is_bounce",
        "since_contact",
        "waited",
    )
    list_filter = ("status", "kind", "is_bounce", "from_team", "to_team")
    list_select_related = ("case", "from_team", "to_team")

    @admin.display(description="Since contact", ordering="-case__received_at")
    def since_contact(self, handoff: Handoff) -> str:
        return span(handoff.case.received_at, handoff.case.closed_at)

    @admin.display(description="On offer for")
    def waited(self, handoff: Handoff) -> str:
        return span(handoff.offered_at, handoff.answered_at)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Handoff]:
        user, now = user_of(request), timezone.now()
        opens = Case.objects.open_to(user, now).filter(pk=OuterRef("case_id"))
        handoffs: QuerySet[Handoff] = super().get_queryset(request).filter(Exists(opens))
        handoffs = handoffs.annotate(leads_on=Exists(Case.objects.visible_to(user, now).filter(pk=OuterRef("case_id"))))
        if self.sees_everything(request):
            return handoffs
        teams = self.teams(request)
        return handoffs.filter(Q(from_team__in=teams) | Q(to_team__in=teams))


class LateFilter(admin.SimpleListFilter):
    """Filters clocks by status; by default to late ones."""

    title = "how they stand"
    parameter_name = "stand"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("late", "Late"), ("running", "Running"), ("all", "All")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Clock]) -> QuerySet[Clock]:
        match self.value():
            case "all":
                return queryset
            case "running":
                return queryset.filter(stopped_at__isnull=True)
            case _:
                return queryset.filter(stopped_at__isnull=True, due_at__lte=timezone.now())

    def choices(self, changelist: Any) -> Any:
        # Django's own first choice would be "all", which is the last one here.
        yield from list(super().choices(changelist))[1:]


@admin.register(Clock)
class ClockAdmin(WorkAdmin):
    """The clocks of the person's teams; by default the late ones."""

    list_display = (
        "open",
        "promise",
        "late_by",
        "since_receipt",
        "since_start",
        "due_at",
        "paused_at",
        "stopped_at",
        "ended",
    )
    list_filter = (LateFilter, DeadlineFilter)
    list_select_related = ("contact", "case", "handoff__case", "partner_check__contact")
    ordering = ("due_at",)

    @admin.display(description="Deadline", ordering="kind")
    def promise(self, clock: Clock) -> str:
        return capfirst(title_of(clock.kind))

    @admin.display(description="Since receipt")
    def since_receipt(self, clock: Clock) -> str:
        return duration((clock.stopped_at or timezone.now()) - clock.received_at)

    @admin.display(description="Since it started")
    def since_start(self, clock: Clock) -> str:
        return duration((clock.stopped_at or timezone.now()) - clock.started_at)

    @admin.display(description="Late by")
    def late_by(self, clock: Clock) -> str:
        late = (clock.stopped_at or timezone.now()) - clock.due_at
        return duration(late) if late.total_seconds() > 0 else ""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Clock]:
        user, now = user_of(request), timezone.now()
        clocks: Any = super().get_queryset(request).filter(is_open_clock(user, now))
        of_a_case = Case.objects.visible_to(user, now).filter(
            pk=Coalesce(OuterRef("case_id"), OuterRef("handoff__case_id"))
        )
        of_a_contact = Contact.objects.visible_to(user, now).filter(
            pk=Coalesce(OuterRef("contact_id"), OuterRef("partner_check__contact_id"))
        )
        clocks = clocks.annotate(leads_on=Q(Exists(of_a_case)) | Q(Exists(of_a_contact)))
        found: QuerySet[Clock] = clocks if self.sees_everything(request) else clocks.of_teams(self.teams(request))
        return found


@admin.register(Decision)
class DecisionAdmin(WorkAdmin):
    """Decisions beside their recommendations."""

    viewer_roles = (Role.FRONT_DOOR_MANAGER, *OVERSEERS)
    ordering = ("-decided_at",)
    list_display = (
        "open",
        "recommended",
        "decided",
        "level",
        "rag",
        "overrides",
        "needs_sign_off",
        "decided_by",
        "decided_at",
    )
    list_filter = ("overrides", "needs_sign_off", PathwayFilter, "rag")
    list_select_related = ("contact", "recommendation", "decided_by")

    @admin.display(description="Recommended")
    def recommended(self, decision: Decision) -> str:
        recommendation = decision.recommendation
        title = title_of_pathway(recommendation.rule_set_id, recommendation.pathway)
        return f"{title}, {recommendation.get_rag_display().lower()}"

    @admin.display(description="Pathway", ordering="pathway")
    def decided(self, decision: Decision) -> str:
        return title_of_pathway(decision.recommendation.rule_set_id, decision.pathway)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Decision]:
        visible = Contact.objects.visible_to(user_of(request), timezone.now())
        decisions: QuerySet[Decision] = super().get_queryset(request)
        return decisions.filter(Exists(visible.filter(pk=OuterRef("contact_id"))))


@admin.register(Reminder)
class ReminderAdmin(WorkAdmin):
    """Reminders and their recipients."""

    viewer_roles = OVERSEERS
    list_display = ("open", "step", "user", "role", "team", "created_at")
    list_filter = ("step", "role", "team")
    list_select_related = (
        "clock__contact", "clock__case", "clock__handoff__case", "clock__partner_check__contact", "user", "team",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Reminder]:
        reminders: QuerySet[Reminder] = super().get_queryset(request)
        return reminders.filter(is_open_clock(user_of(request), timezone.now(), "clock__"))


@admin.register(AuditEvent)
class AuditEventAdmin(WorkAdmin):
    """
    The audit: who did what, and when. Viewing a record is an event, too.

    Events about a record that is closed to the reader are left out. Its restriction's own page says who opened it.
    """

    viewer_roles = (Role.AUDITOR, Role.INFORMATION_GOVERNANCE)
    list_display = ("at", "event", "actor", "by_user", "by_agency", "contact", "case", "says")
    list_filter = ("event", "actor")
    list_select_related = ("by_user", "by_agency", "contact", "case")
    search_fields = ("contact__reference__iexact", "case__reference__iexact", "by_user__username__iexact")
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEvent]:
        events: QuerySet[AuditEvent] = super().get_queryset(request)
        return events.filter(is_open_record(user_of(request), timezone.now()))

    @admin.display(description="Detail")
    def says(self, event: AuditEvent) -> str:
        return in_plain_words(event.detail)


def in_plain_words(detail: Any) -> str:
    """What an audit event holds, without the marks of JSON: "from family help; level 3; reasons none"."""
    match detail:
        case dict():
            return "; ".join(f"{as_words(name)}: {in_plain_words(value)}" for name, value in detail.items())
        case list():
            return ", ".join(map(in_plain_words, detail)) or "none"
        case bool():
            return "yes" if detail else "no"
        case None | "":
            return "none"
        case _:
            return version_said(as_words(detail))


def _subject(obj: Any) -> Contact | Case:
    """The contact or case that a row is about."""
    match obj:
        case Contact() | Case():
            return obj
        case Clock():
            return obj.about
        case Reminder(clock=clock):
            return _subject(clock)
        case Handoff(case=case):
            return case
        case Decision(contact=contact):
            return contact
        case _:
            return obj.case or obj.contact  # type: ignore[no-any-return]  # every other row has both


def _leads_on(obj: Any) -> bool:
    """Whether the reader may open the page of the row: not where the work has moved on to another team."""
    leads_on: bool = getattr(obj, "leads_on", True)
    return leads_on and _subject(obj) is not None


def _page(obj: Any) -> str:
    subject = _subject(obj)
    if subject is None:
        return reverse("admin:index")
    return reverse("contact" if isinstance(subject, Contact) else "case", args=[subject.reference])
