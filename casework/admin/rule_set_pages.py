"""The pages of a rule set: to read it as prose and tables, change it in forms, and prove, propose and approve it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from casework.access import permissions
from casework.access.permissions import allows
from casework.actions import replays, rule_sets, viewing
from casework.admin.rule_set_forms import (
    ApproveForm,
    DocumentForm,
    EntryForm,
    ProposeForm,
    ReasonForm,
    ReplayForm,
    ScenarioForm,
    WholeDocumentForm,
)
from casework.web.forms import ActionForm
from casework.web.signed_in import user_of
from casework.web.submitting import Done, errors_of, status_of, submit
from localities.models import User
from localities.working_time import local_day
from triage import drafting
from triage.differences import differences
from triage.models import RuleSetVersion, Stage
from triage.prose import chapters
from triage.published_rules import of_version, rule_set_of
from triage.rule_set_document import RuleSetDocument
from triage.scenarios import run, scenario_facts

A_YEAR = timedelta(days=365)


def show(request: HttpRequest, version_id: int, **bound: ActionForm) -> HttpResponse:
    """Shows a version: its status, its next steps, its scenarios, its replays, and the rules in plain English."""
    user, now, version = open_version(request, version_id)
    rules = rule_set_of(version)
    stage = version.stage(now)
    today = local_day(now)
    drafts = allows(permissions.check_can_draft_rules, user, today)
    approves = allows(permissions.check_can_approve_rules, version.proposed_by_id, user, today)
    outcomes = run(rules)
    based_on = version.based_on
    context: dict[str, Any] = {
        "now": now,
        "version": version,
        "stage": stage,
        "rules": rules,
        "chapters": [chapter for chapter in chapters(rules.document) if chapter.id not in ("indicators", "scenarios")],
        "outcomes": outcomes,
        "failing": [outcome for outcome in outcomes if not outcome.passes],
        "safety": sum(outcome.scenario.protected for outcome in outcomes),
        "reasons": version.reasons.select_related("by"),
        "replays": version.replays.select_related("asked_by")[:20],
        "changes": len(differences(_published(based_on), rules.document)) if based_on else 0,
        "edits": drafts and stage in (Stage.DRAFT, Stage.PROVED),
        "copies": drafts,
        "errors": errors_of(*bound.values()),
    }
    if drafts and stage == Stage.DRAFT:
        context["wanting"] = rule_sets.not_proved(version, rules.document, outcomes)
        context["propose"] = ProposeForm(initial={"edition": version.edition})
    if drafts and stage in (Stage.DRAFT, Stage.PROVED):
        context["replay"] = ReplayForm(
            initial={"first_day": (today - A_YEAR).isoformat(), "last_day": today.isoformat()}, prefix="replay"
        )
    if stage == Stage.PROVED and (approves or version.proposed_by_id == user.pk):
        context["send_back"] = ReasonForm(prefix="send_back")
    if stage == Stage.PROVED and approves:
        context["approve"] = ApproveForm(initial={"edition": version.edition}, prefix="approve")
    if stage == Stage.SCHEDULED and allows(permissions.check_can_approve_rules, None, user, today):
        context["call_off"] = ReasonForm(prefix="call_off")
    context |= bound
    return render(request, "rule_sets/show.html", context, status=status_of(context["errors"]))


def differ(request: HttpRequest, version_id: int) -> HttpResponse:
    """Shows the differences from another version, rule by rule: its base, or another version of its name."""
    _, now, version = open_version(request, version_id)
    others = RuleSetVersion.objects.filter(Q(name=version.name) | Q(pk=version.based_on_id)).exclude(pk=version.pk)
    asked = request.GET.get("from", "")
    chosen = number(asked) if asked else version.based_on_id
    other = others.filter(pk=chosen or 0).first()
    if asked and other is None:
        raise Http404
    found = differences(rule_set_of(other).document, rule_set_of(version).document) if other else []
    context = {"version": version, "other": other, "others": others.defer("document"), "differences": found, "now": now}
    return render(request, "rule_sets/differences.html", context)


def download(request: HttpRequest, version_id: int) -> HttpResponse:
    """Downloads the document."""
    _, _, version = open_version(request, version_id)
    text = drafting.as_yaml(rule_set_of(version).document)
    name = f"{version.name}-{version.version}.yaml"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text, content_type="application/yaml; charset=utf-8", headers=headers)


# ---- drafting


def copy(request: HttpRequest, version_id: int) -> HttpResponse:
    """Copies a version to a new draft."""
    user, now, version = open_version(request, version_id)
    if request.method != "POST":
        return redirect("admin:rule-set", version_id)
    draft = rule_sets.copy(version_id=version.pk, by=user, now=now)
    messages.success(request, f"{draft.called} is a draft, copied from {version.called}.")
    return redirect("admin:rule-set", draft.pk)


def document(request: HttpRequest, version_id: int) -> HttpResponse:
    """Edits the whole document of a draft as YAML."""
    user, _, version = open_draft(request, version_id)
    text = drafting.as_yaml(rule_set_of(version).document)
    form = WholeDocumentForm(request.POST or None, initial={"edition": version.edition, "text": text})
    return _edit(
        request, version, form, lambda: drafting.from_yaml(form.cleaned_data["text"]), user,
        title="The whole document",
    )  # fmt: skip


def entry(request: HttpRequest, version_id: int, part: str, name: str) -> HttpResponse:
    """Edits one entry of a draft: an indicator's gate, an aggravator's number, a text."""
    user, _, version = open_draft(request, version_id)
    rules = rule_set_of(version)
    if part not in (*drafting.NAMED_BY, "defined", "document") or part == "scenarios":
        raise Http404
    try:
        form = EntryForm(rules.document, part, name, request.POST or None, initial={"edition": version.edition})
    except KeyError:
        raise Http404 from None
    chapter = next(chapter for chapter in chapters(rules.document) if chapter.id == part)
    item = next(item for item in chapter.items if item.id == name)
    return _edit(
        request, version, form, form.changed_document, user, title=item.title, item=item,
    )  # fmt: skip


def scenario(request: HttpRequest, version_id: int, name: str | None = None) -> HttpResponse:
    """Edits a scenario of a draft, or adds one."""
    user, now, version = open_draft(request, version_id)
    try:
        rules = rule_set_of(version)
        facts = _facts_of(request.GET.get("contact", ""), user, now) if name is None else None
        form = ScenarioForm(rules, name, facts, request.POST or None, initial={"edition": version.edition})
    except KeyError:
        raise Http404 from None
    is_protected = bool(form.initial.get("protected"))
    may_remove = not is_protected or allows(permissions.check_can_change_safety, [name or ""], user, local_day(now))
    return _edit(
        request, version, form, form.changed_document, user,
        title=form.initial.get("title", "A new scenario"), name=name,
        may_remove=name and may_remove,
    )  # fmt: skip


def remove_scenario(request: HttpRequest, version_id: int, name: str) -> HttpResponse:
    """Removes a scenario from a draft."""
    user, now, version = open_draft(request, version_id)
    if request.method == "POST":
        form = DocumentForm(request.POST)
        if not form.is_valid():
            raise Http404
        try:
            changed = drafting.without_scenario(version.document, name)
        except KeyError:
            raise Http404 from None
        rule_sets.change(
            version_id=version.pk, edition=form.cleaned_data["edition"], document=changed, by=user, now=now
        )
        messages.success(request, "The scenario is taken away.")
    return redirect("admin:rule-set", version_id)


def discard(request: HttpRequest, version_id: int) -> HttpResponse:
    """Discards a draft."""
    user, now, version = open_version(request, version_id)
    if request.method == "POST":
        rule_sets.discard(version_id=version.pk, by=user, now=now)
        messages.success(request, f"{version.called} is put away.")
    return redirect("admin:rule-set", version_id)


# ---- proving, proposing, approving


def propose(request: HttpRequest, version_id: int) -> HttpResponse:
    """Asks a second person to approve a draft."""
    return _submit_on_page(
        request, version_id, "propose", ProposeForm(request.POST),
        lambda said, by, now: rule_sets.propose(
            version_id=version_id, edition=said["edition"], proposal=said["proposal"], by=by, now=now
        ),
        says="It is proposed. Those who may approve it are told.",
    )  # fmt: skip


def send_back(request: HttpRequest, version_id: int) -> HttpResponse:
    """Sends a proposal back, or withdraws one's own."""
    return _submit_on_page(
        request, version_id, "send_back", ReasonForm(request.POST, prefix="send_back"),
        lambda said, by, now: rule_sets.send_back(version_id=version_id, reason=said["reason"], by=by, now=now),
        says="It is a draft again.",
    )  # fmt: skip


def approve(request: HttpRequest, version_id: int) -> HttpResponse:
    """Approves a proposal, as the second person."""
    form = ApproveForm(request.POST, prefix="approve")

    def says(version: RuleSetVersion) -> str:
        return (
            f"{version.called} is published. It is live from {timezone.localtime(version.live.lower):%d %B %Y, %H:%M}."
        )

    return _submit_on_page(
        request, version_id, "approve", form,
        lambda said, by, now: rule_sets.approve(
            version_id=version_id, edition=said["edition"], starts_at=form.starts_at(), by=by, now=now
        ),
        says=says,
    )  # fmt: skip


def call_off(request: HttpRequest, version_id: int) -> HttpResponse:
    """Calls off a published version before it is live."""
    return _submit_on_page(
        request, version_id, "call_off", ReasonForm(request.POST, prefix="call_off"),
        lambda said, by, now: rule_sets.call_off(version_id=version_id, reason=said["reason"], by=by, now=now),
        says=lambda version: f"{version.called} is called off. The version before it goes on.",
    )  # fmt: skip


def ask_for_replay(request: HttpRequest, version_id: int) -> HttpResponse:
    """Asks for a replay; the worker starts it within seconds."""
    form = ReplayForm(request.POST, prefix="replay")
    return _submit_on_page(
        request, version_id, "replay", form,
        lambda said, by, now: replays.ask_for(
            version_id=version_id, first_day=form.day("first_day"), last_day=form.day("last_day"), by=by, now=now
        ),
        says="", then=lambda replay: reverse("admin:replay", args=[version_id, replay.pk]),
    )  # fmt: skip


# ---- what the pages are made of


def open_version(request: HttpRequest, version_id: int) -> tuple[User, datetime, RuleSetVersion]:
    """The user, the time, and the version. Not found for users who may not read rules."""
    user, now = user_of(request), timezone.now()
    people = ("based_on", "drafted_by", "safety_changed_by", "proposed_by", "approved_by")
    version = RuleSetVersion.objects.select_related(*people).filter(pk=version_id).first()
    if version is None or not allows(permissions.check_can_read_rules, user, local_day(now)):
        raise Http404
    return user, now, version


def number(text: str) -> int | None:
    """A number in a URL, if it can be an id."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _published(version: RuleSetVersion) -> RuleSetDocument:
    """The document of a published version, which never changes; each process reads it once."""
    return of_version(version.pk).rule_set.document


def open_draft(request: HttpRequest, version_id: int) -> tuple[User, datetime, RuleSetVersion]:
    user, now, version = open_version(request, version_id)
    permissions.check_can_draft_rules(user, local_day(now))
    return user, now, version


def _submit_on_page(
    request: HttpRequest,
    version_id: int,
    name: str,
    form: ActionForm,
    action: Callable[[dict[str, Any], User, datetime], Done],
    *,
    says: str | Callable[[Done], str],
    then: Callable[[Done], str] | None = None,
) -> HttpResponse:
    """
    Submits a form of a version's page, by POST.

    :param name: the form's name on the page.
    :param then: makes the path of the next page; None for this one.
    """
    user, now, _ = open_version(request, version_id)
    here = reverse("admin:rule-set", args=[version_id])
    if request.method != "POST":
        return redirect(here)
    return submit(
        request, form, lambda said: action(said, user, now), says=says, then=then or here,
        again=lambda: show(request, version_id, **{name: form}),
    )  # fmt: skip


def _edit(
    request: HttpRequest,
    version: RuleSetVersion,
    form: DocumentForm,
    changed: Callable[[], drafting.Json],
    user: User,
    **context: Any,
) -> HttpResponse:
    """Shows a form over a draft, or saves it."""

    def page() -> HttpResponse:
        errors = errors_of(form)
        shown = context | {"version": version, "form": form, "errors": errors}
        return render(request, "rule_sets/form.html", shown, status=status_of(errors))

    if request.method != "POST":
        return page()
    return submit(
        request, form,
        lambda said: rule_sets.change(
            version_id=version.pk, edition=said["edition"], document=changed(), by=user, now=timezone.now()
        ),
        says=lambda kept: _how_it_went(kept, version), then=reverse("admin:rule-set", args=[version.pk]), again=page,
    )  # fmt: skip


def _facts_of(reference: str, user: User, now: datetime) -> drafting.Json | None:
    """The facts of a contact that the user may see, for a new scenario."""
    if not reference:
        return None
    contact = viewing.view_contact(reference=reference, by=user, now=now)
    assert contact.recommendation is not None
    return scenario_facts(contact.recommendation.facts)


def _how_it_went(kept: RuleSetVersion, before: RuleSetVersion) -> str:
    """A sentence with the result of the scenarios, which are checked again at once."""
    if kept.edition == before.edition:
        return "Nothing changed."
    outcomes = run(rule_set_of(kept))
    failing = [outcome for outcome in outcomes if not outcome.passes]
    if failing:
        return f"The change is kept. {len(failing)} of {len(outcomes)} scenarios fail now: look at them below."
    return f"The change is kept. All {len(outcomes)} scenarios pass."
