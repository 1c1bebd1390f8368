"""Administrators' settings: people, teams, agencies, localities, catchments, working time, clock policies."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.text import capfirst
from django.views.decorators.http import require_http_methods

from casework.access import council_accounts, permissions
from casework.actions import calendar, partner_secrets, passwords, signing_in
from casework.admin.rights import RoleAdmin, SettingAdmin, roles_of_user
from casework.deadlines.titles import title_of
from casework.models import CalendarEdit, ClockPolicy, Contact, Event, Handoff, Responsibility, SecondFactorRule
from casework.record import audit
from casework.statuses import ContactStatus, HandoffStatus
from casework.web.recently import ask_again, recently, signed_in_recently
from casework.web.signed_in import user_of
from casework.web.tags import as_words
from localities.models import (
    Agency,
    AgencyClient,
    CalendarDay,
    Catchment,
    HubHours,
    Locality,
    Membership,
    OtherAuthority,
    Postcode,
    Role,
    Team,
    User,
)
from localities.postcodes import normalise
from localities.working_time import local_day


class RecentlyAdmin(SettingAdmin):
    """A setting that changes who may see what: who edits or deletes it must have signed in just now."""

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if self.has_change_permission(request) and not signed_in_recently(request):
            return ask_again(request)
        return super().changeform_view(request, *args, **kwargs)

    @method_decorator(recently)
    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return super().delete_view(request, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """What is sent to a list is done with the rows that are chosen there: they are deleted."""
        if request.method == "POST" and not signed_in_recently(request):
            return ask_again(request)
        return super().changelist_view(request, *args, **kwargs)


class UserForm(ModelForm):
    """A person. They set their password themselves, with a link."""

    class Meta:
        model = User
        fields = ("username", "name", "email", "telephone", "employee_id", "is_active")

    def save(self, commit: bool = True) -> User:
        if self.instance.pk is None:
            self.instance.set_unusable_password()
        saved: User = super().save(commit)
        return saved


class MembershipInline(admin.TabularInline):
    """The roles of a person. Nobody gives roles to themselves: another administrator does."""

    model = Membership
    extra = 0
    fields = ("role", "team", "most_cases", "starts_on", "ends_on")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def _edits(self, request: HttpRequest, obj: Any = None) -> bool:
        return roles_of_user(request).has(Role.ADMINISTRATOR) and obj != request.user

    has_add_permission = has_change_permission = has_delete_permission = _edits


@admin.register(User)
class UserAdmin(RecentlyAdmin):
    """People. They are never deleted, because records name them: deactivate them instead."""

    form = UserForm
    inlines = (MembershipInline,)
    list_display = ("name", "username", "email", "is_active")
    list_filter = ("is_active", "memberships__role", "memberships__team")
    viewer_fields = ("username", "name", "email", "telephone", "employee_id", "is_active")
    search_fields = ("name", "username", "email", "employee_id")
    ordering = ("name",)
    change_form_template = "people/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.password_view)
        return [path("<int:user_id>/password/", view, name="localities_user_password"), *super().get_urls()]

    def response_add(self, request: HttpRequest, obj: User, post_url_continue: str | None = None) -> HttpResponse:
        """After a new person comes the page that sends them their link."""
        answer = super().response_add(request, obj, post_url_continue)
        return redirect("admin:localities_user_password", obj.pk) if "_save" in request.POST else answer

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    @method_decorator(recently)
    def password_view(self, request: HttpRequest, user_id: int) -> HttpResponse:
        """The password of a person: to send the link with which they set it, or to end it."""
        by, now = user_of(request), timezone.now()
        permissions.check_can_manage_people(by, local_day(now))
        person = get_object_or_404(User, pk=user_id)
        if "send" in request.POST:
            passwords.send_link(user_id=person.pk, by=by, now=now)
            messages.success(request, "The link is on its way.")
            return redirect(request.path)
        if "end" in request.POST:
            passwords.end_password(user_id=person.pk, by=by, now=now)
            messages.success(request, "The password has ended, and with it all their sessions.")
            return redirect(request.path)
        links = person.password_links.select_related("made_by")[:10]
        context = {
            "person": person, "links": links, "now": now,
            "needs_none": council_accounts.uses_council_account_only(person),
        }  # fmt: skip
        return render(request, "people/password.html", context)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Saves a person. One whose e-mail address is another is told at the old one."""
        super().save_model(request, obj, form, change)
        if change and "email" in form.changed_data and form.initial["email"]:
            signing_in.tell_of_changed_address(
                person_id=obj.pk, old=form.initial["email"], by=user_of(request), now=timezone.now()
            )

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Records the role and the team in the audit: a change of roles changes who may see families' data."""
        super().save_formset(request, form, formset, change)
        changed = [membership for membership, _ in formset.changed_objects]
        for what, memberships in (
            ("added", formset.new_objects), ("changed", changed), ("removed", formset.deleted_objects)
        ):  # fmt: skip
            for membership in memberships:
                audit.record(
                    Event.SETTING_CHANGED, by=user_of(request), at=timezone.now(), setting=membership._meta.label,
                    key=membership.pk, what=what, user=membership.user_id, role=membership.role,
                    team=membership.team.code if membership.team else None,
                )  # fmt: skip


@admin.register(SecondFactorRule)
class SecondFactorRuleAdmin(RecentlyAdmin):
    """What each role needs beside a password. Whoever has a role and not what it needs sets it up at the next page."""

    list_display = ("role", "kind")
    fields = viewer_fields = ("role", "kind")
    readonly_fields = ("role",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class TeamForm(ModelForm):
    """A team. Its kind cannot change while it has work, because clocks and handoffs depend on it."""

    class Meta:
        model = Team
        fields = ("code", "name", "kind", "locality", "email", "telephone", "is_active")

    def clean_kind(self) -> str:
        kind: str = self.cleaned_data["kind"]
        team = self.instance
        if team.pk is None or "kind" not in self.changed_data:
            return kind
        cases = Responsibility.objects.filter(team=team, period__endswith__isnull=True).count()
        waits = Contact.objects.filter(team=team, status__in=(ContactStatus.RECEIVED, ContactStatus.SIGN_OFF)).count()
        offered = Handoff.objects.filter(to_team=team, status=HandoffStatus.OFFERED).count()
        if cases or waits or offered:
            raise forms.ValidationError(
                f"This team has work: it has {cases} open cases, {offered} are on offer to it, and {waits} contacts "
                "wait with it. Hand all of it on before you change what the team is for, or add another team."
            )
        return kind


@admin.register(Team)
class TeamAdmin(SettingAdmin):
    """Teams."""

    form = TeamForm
    list_display = ("name", "code", "kind", "locality", "is_active")
    list_filter = ("kind", "is_active")
    list_select_related = ("locality",)
    search_fields = ("name", "code")


@admin.register(Locality)
class LocalityAdmin(SettingAdmin):
    """Localities."""

    list_display = ("name", "code")


class CatchmentForm(ModelForm):
    """A catchment, with a label for each end of its period."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "period" in self.fields:
            for widget, label in zip(
                self.fields["period"].widget.widgets, ("From", "Until, without that day"), strict=True
            ):
                widget.attrs["aria-label"] = label


@admin.register(Catchment)
class CatchmentAdmin(SettingAdmin):
    """The locality of each postcode prefix, with a period. End a catchment instead of deleting it."""

    form = CatchmentForm
    list_display = viewer_fields = ("prefix", "locality", "since", "until")
    list_filter = ("locality",)
    list_select_related = ("locality",)
    search_fields = ("prefix",)

    @admin.display(description="From", ordering="period")
    def since(self, catchment: Catchment) -> str:
        return f"{catchment.period.lower:%-d %B %Y}" if catchment.period.lower else "The beginning"

    @admin.display(description="Until, without that day")
    def until(self, catchment: Catchment) -> str:
        return f"{catchment.period.upper:%-d %B %Y}" if catchment.period.upper else "Further notice"


class PostcodeForm(ModelForm):
    """A postcode as routing compares it, however it is typed."""

    class Meta:
        model = Postcode
        fields = ("postcode", "easting", "northing")

    def clean_postcode(self) -> str:
        try:
            return normalise(self.cleaned_data["postcode"])
        except ValueError as error:
            raise forms.ValidationError(f"This {error}") from None


@admin.register(Postcode)
class PostcodeAdmin(SettingAdmin):
    """The postcodes of the council's area. A new one that the list does not have yet can be added."""

    form = PostcodeForm
    list_display = ("postcode", "easting", "northing")
    search_fields = ("postcode__startswith",)
    show_full_result_count = False


@admin.register(OtherAuthority)
class OtherAuthorityAdmin(SettingAdmin):
    """The neighbouring councils."""


@admin.register(Agency)
class AgencyAdmin(SettingAdmin):
    """Partner agencies."""

    list_display = ("name", "code", "source_code", "is_active")
    list_filter = ("is_active", "source_code")
    search_fields = ("name", "code")


@admin.register(AgencyClient)
class AgencyClientAdmin(RecentlyAdmin):
    """
    A partner's system and its credentials. The page that answers its making shows the secret, and no other does: no
    cookie and no session holds it.
    """

    fields = ("agency", "name")
    # A library's model names a page of its own, which the service does not have.
    view_on_site = False
    list_display = ("name", "agency", "client_id")
    list_select_related = ("agency",)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.secrets_view)
        return [path("<int:client_id>/secret/", view, name="localities_client_secrets"), *super().get_urls()]

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    @method_decorator(recently)
    def secrets_view(self, request: HttpRequest, client_id: int) -> HttpResponse:
        """The secret of a partner's system: to make a new one, or to end the one before."""
        by, now = user_of(request), timezone.now()
        permissions.check_can_manage_systems(by, local_day(now))
        client = get_object_or_404(AgencyClient.objects.select_related("agency"), pk=client_id)
        if "renew" in request.POST:
            made, secret = partner_secrets.renew(client_id=client.pk, by=by, now=now)
            shown = {"made": made, "secret": secret, "until": made.former_until}
            return render(request, "admin/localities/client_secret.html", shown)
        if "end" in request.POST:
            partner_secrets.end_former(client_id=client.pk, by=by, now=now)
            messages.success(request, "The former secret has ended.")
            return redirect(request.path)
        days = partner_secrets.FORMER_WORKS_FOR.days
        shown = {"made": client, "works": client.has_former_secret(now), "days": days}
        return render(request, "admin/localities/client_secrets.html", shown)

    def save_model(self, request: HttpRequest, obj: AgencyClient, form: Any, change: bool) -> None:
        if not change:
            obj.client_type = AgencyClient.CLIENT_CONFIDENTIAL
            obj.authorization_grant_type = AgencyClient.GRANT_CLIENT_CREDENTIALS
            # What is stored is a hash.
            form.instance.new_secret = obj.client_secret
        super().save_model(request, obj, form, change)

    def response_add(
        self, request: HttpRequest, obj: AgencyClient, post_url_continue: str | None = None
    ) -> HttpResponse:
        shown = {"made": obj, "secret": getattr(obj, "new_secret", "")}
        return render(request, "admin/localities/client_secret.html", shown)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request)


@admin.register(HubHours)
class HubHoursAdmin(SettingAdmin):
    """The opening hours of the hub."""

    list_display = ("weekday", "opens", "closes")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request)


@admin.register(CalendarDay)
class CalendarDayAdmin(SettingAdmin):
    """Days that differ from the calendar of England. An edit moves the running clocks that cross the day."""

    list_display = ("date", "kind", "name")
    list_filter = ("kind",)
    # Each is taken away by itself, so that its clocks move.
    actions = None

    def save_model(self, request: HttpRequest, obj: CalendarDay, form: Any, change: bool) -> None:
        before = CalendarDay.objects.filter(pk=obj.pk).first() if change else None
        calendar.change_day(day=obj, before=before, by=user_of(request), now=timezone.now())
        messages.info(request, "The clocks that run over this day are computed again in a moment: see Calendar edits.")

    def delete_model(self, request: HttpRequest, obj: CalendarDay) -> None:
        calendar.remove_day(day=obj, by=user_of(request), now=timezone.now())
        messages.info(request, "The clocks that run over this day are computed again in a moment: see Calendar edits.")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request)


@admin.register(CalendarEdit)
class CalendarEditAdmin(RoleAdmin):
    """The results of edits of the calendar: the clocks that moved."""

    viewer_roles = (Role.ADMINISTRATOR, Role.SERVICE_MANAGER, Role.AUDITOR)
    list_display = ("__str__", "by", "at", "looked_at", "moved", "finished_at")
    list_select_related = ("by",)
    list_display_links = None

    @admin.display(description="Clocks moved")
    def moved(self, edit: CalendarEdit) -> int:
        return edit.moved  # type: ignore[attr-defined, no-any-return]  # annotated below

    def get_queryset(self, request: HttpRequest) -> QuerySet[CalendarEdit]:
        edits: QuerySet[CalendarEdit] = super().get_queryset(request)
        return edits.annotate(moved=Count("changes"))


@admin.register(ClockPolicy)
class ClockPolicyAdmin(SettingAdmin):
    """The deadlines, each from a day on. A policy that clocks started under cannot change: add a later one."""

    list_display = ("asks_for", "effective_from", "limit", "unit", "ends", "warn_at_share", "escalates_to", "basis")
    viewer_fields = (
        "asks_for", "subject", "starts", "effective_from", "limit", "unit", "ends", "warn_at_share", "escalates_to",
        "may_pause", "basis",
    )  # fmt: skip
    list_filter = ("subject",)
    search_fields = ("kind",)

    @admin.display(description="Starts when")
    def starts(self, policy: ClockPolicy) -> str:
        return capfirst(as_words(policy.starts_at))

    @admin.display(description="Deadline", ordering="kind")
    def asks_for(self, policy: ClockPolicy) -> str:
        return capfirst(title_of(policy.kind))

    def has_change_permission(self, request: HttpRequest, obj: ClockPolicy | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or not obj.clocks.exists())
