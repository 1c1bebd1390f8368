"""
The pages of a rule set: read as prose and tables, changed in forms, proved, proposed, approved.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from casework import permissions
from casework.actions import looking, replays, rule_sets
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
from casework.models import Contact
from casework.permissions import allows
from casework.web.signed_in import user_of
from localities.models import User
from localities.working_time import local_day
from triage import drafting
from triage.differences import differences
from triage.documents import Fault, InvalidDocument
from triage.models import RuleSetVersion, Stage
from triage.prose import chapters
from triage.ruleset import parse
from triage.scenarios import run, scenario_facts

UNPROCESSABLE = 422
A_YEAR = timedelta(days=365)


def show(request: HttpRequest, version_id: int, status: int = 200, **bound: Any) -> HttpResponse:
    """A version: where it stands, what it needs, its scenarios, its replays, and the rules in plain English."""
    user, now, version = open_version(request, version_id)
    rules = parse(version.document)
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
        "replays": version.replays.select_related("asked_by")[:20],
        "changes": len(differences(parse(based_on.document).document, rules.document)) if based_on else 0,
        "edits": drafts and stage in (Stage.DRAFT, Stage.PROVED),
        "copies": drafts,
        "errors": [],
    }
    if drafts and stage == Stage.DRAFT:
        context["wanting"] = rule_sets.not_proved(version, rules)
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
    for form in bound.values():
        context["errors"] += _errors(form)
    return render(request, "rule_sets/show.html", context, status=status)


def differ(request: HttpRequest, version_id: int) -> HttpResponse:
    """What differs from another version of the same name, rule by rule: from the one that it was copied from."""
    _, now, version = open_version(request, version_id)
    others = RuleSetVersion.objects.filter(name=version.name).exclude(pk=version.pk).defer("document")
    asked = request.GET.get("from", "")
    chosen = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 10 else version.based_on_id
    other = RuleSetVersion.objects.filter(name=version.name, pk=chosen or 0).exclude(pk=version.pk).first()
    if asked and other is None:
        raise Http404
    found = differences(parse(other.document).document, parse(version.document).document) if other else []
    context = {"version": version, "other": other, "others": others, "differences": found, "now": now}
    return render(request, "rule_sets/differences.html", context)


def download(request: HttpRequest, version_id: int) -> HttpResponse:
    """The document as a file."""
    _, _, version = open_version(request, version_id)
    text = drafting.as_yaml(parse(version.document).document)
    name = f"{version.name}-{version.version}.yaml"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text, content_type="application/yaml; charset=utf-8", headers=headers)


# ---- drafting


def copy(request: HttpRequest, version_id: int) -> HttpResponse:
    """Copy a version to a new draft."""
    user, now, version = open_version(request, version_id)
    if request.method != "POST":
        return redirect("admin:rule-set", version_id)
    draft = rule_sets.copy(version_id=version.pk, by=user, now=now)
    messages.success(request, f"{draft} is a draft, copied from {version}.")
    return redirect("admin:rule-set", draft.pk)


def document(request: HttpRequest, version_id: int) -> HttpResponse:
    """The whole document of a draft as YAML."""
    user, _, version = open_draft(request, version_id)
    text = drafting.as_yaml(parse(version.document).document)
    form = WholeDocumentForm(request.POST or None, initial={"edition": version.edition, "text": text})
    return _edit(
        request, version, form, lambda: drafting.from_yaml(form.cleaned_data["text"]), user,
        title="The whole document", template="rule_sets/form.html",
    )  # fmt: skip


def entry(request: HttpRequest, version_id: int, part: str, name: str) -> HttpResponse:
    """One entry of a draft: an indicator's gate, an aggravator's number, what something says."""
    user, _, version = open_draft(request, version_id)
    rules = parse(version.document)
    if part not in (*drafting.NAMED_BY, "defined") or part == "scenarios":
        raise Http404
    try:
        form = EntryForm(rules.document, part, name, request.POST or None, initial={"edition": version.edition})
    except KeyError:
        raise Http404 from None
    chapter = next(chapter for chapter in chapters(rules.document) if chapter.id == part)
    item = next(item for item in chapter.items if item.id == name)
    return _edit(
        request, version, form, form.changed_document, user, title=item.title, item=item,
        template="rule_sets/form.html",
    )  # fmt: skip


def scenario(request: HttpRequest, version_id: int, name: str | None = None) -> HttpResponse:
    """A scenario of a draft, a new one or one that is there."""
    user, now, version = open_draft(request, version_id)
    try:
        rules = parse(version.document)
        facts = _facts_of(request.GET.get("contact", ""), user, now) if name is None else None
        form = ScenarioForm(rules, name, facts, request.POST or None, initial={"edition": version.edition})
    except KeyError:
        raise Http404 from None
    is_protected = bool(form.initial.get("protected"))
    may_remove = not is_protected or allows(permissions.check_can_change_safety, [name or ""], user, local_day(now))
    return _edit(
        request, version, form, form.changed_document, user,
        title=form.initial.get("title", "A new scenario"), name=name, template="rule_sets/form.html",
        may_remove=name and may_remove,
    )  # fmt: skip


def remove_scenario(request: HttpRequest, version_id: int, name: str) -> HttpResponse:
    """Take a scenario away from a draft."""
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
    """Put a draft away."""
    user, now, version = open_version(request, version_id)
    if request.method == "POST":
        rule_sets.discard(version_id=version.pk, by=user, now=now)
        messages.success(request, f"{version} is put away.")
    return redirect("admin:rule-set", version_id)


# ---- proving, proposing, approving


def propose(request: HttpRequest, version_id: int) -> HttpResponse:
    """Ask a second person to approve a draft."""
    user, now, version = open_version(request, version_id)
    if request.method != "POST":
        return redirect("admin:rule-set", version_id)
    form = ProposeForm(request.POST)
    if form.is_valid():
        said = form.cleaned_data
        try:
            rule_sets.propose(
                version_id=version.pk, edition=said["edition"], proposal=said["proposal"], by=user, now=now
            )
        except InvalidDocument as invalid:
            form.take(invalid)
        else:
            messages.success(request, "It is proposed. Those who may approve it are told.")
            return redirect("admin:rule-set", version_id)
    return show(request, version_id, UNPROCESSABLE, propose=form)


def send_back(request: HttpRequest, version_id: int) -> HttpResponse:
    """Send a proposal back, or take one's own back."""
    user, now, version = open_version(request, version_id)
    if request.method != "POST":
        return redirect("admin:rule-set", version_id)
    form = ReasonForm(request.POST, prefix="send_back")
    if form.is_valid():
        try:
            rule_sets.send_back(version_id=version.pk, reason=form.cleaned_data["reason"], by=user, now=now)
        except InvalidDocument as invalid:
            form.take(invalid)
        else:
            messages.success(request, "It is a draft again.")
            return redirect("admin:rule-set", version_id)
    return show(request, version_id, UNPROCESSABLE, send_back=form)


def approve(request: HttpRequest, version_id: int) -> HttpResponse:
    """Approve a proposal, as the second person."""
    user, now, version = open_version(request, version_id)
    if request.method != "POST":
        return redirect("admin:rule-set", version_id)
    form = ApproveForm(request.POST, prefix="approve")
    if form.is_valid():
        try:
            published = rule_sets.approve(
                version_id=version.pk, edition=form.cleaned_data["edition"], starts_at=form.starts_at(), by=user,
                now=now,
            )  # fmt: skip
        except InvalidDocument as invalid:
            form.take(invalid)
        else:
            begins = timezone.localtime(published.live.lower)
            messages.success(request, f"{version} is published. It is live from {begins:%d %B %Y, %H:%M}.")
            return redirect("admin:rule-set", version_id)
    return show(request, version_id, UNPROCESSABLE, approve=form)


def call_off(request: HttpRequest, version_id: int) -> HttpResponse:
    """Call off a published version before it is live."""
    user, now, version = open_version(request, version_id)
    if request.method != "POST":
        return redirect("admin:rule-set", version_id)
    form = ReasonForm(request.POST, prefix="call_off")
    if form.is_valid():
        try:
            rule_sets.call_off(version_id=version.pk, reason=form.cleaned_data["reason"], by=user, now=now)
        except InvalidDocument as invalid:
            form.take(invalid)
        else:
            messages.success(request, f"{version} is called off. The version before it goes on.")
            return redirect("admin:rule-set", version_id)
    return show(request, version_id, UNPROCESSABLE, call_off=form)


def ask_for_replay(request: HttpRequest, version_id: int) -> HttpResponse:
    """Ask for a replay; the worker takes it within seconds."""
    user, now, version = open_version(request, version_id)
    if request.method != "POST":
        return redirect("admin:rule-set", version_id)
    form = ReplayForm(request.POST, prefix="replay")
    if form.is_valid():
        try:
            replay = replays.ask_for(
                version_id=version.pk,
                first_day=_day(form.cleaned_data["first_day"], "first_day"),
                last_day=_day(form.cleaned_data["last_day"], "last_day"),
                by=user,
                now=now,
            )
        except InvalidDocument as invalid:
            form.take(invalid)
        else:
            return redirect("admin:replay", version_id, replay.pk)
    return show(request, version_id, UNPROCESSABLE, replay=form)


# ---- what the pages are made of


def open_version(request: HttpRequest, version_id: int) -> tuple[User, datetime, RuleSetVersion]:
    """Who asks, when, and the version; not found for those who may not read rules."""
    user, now = user_of(request), timezone.now()
    people = ("based_on", "drafted_by", "safety_changed_by", "proposed_by", "approved_by")
    version = RuleSetVersion.objects.select_related(*people).filter(pk=version_id).first()
    if version is None or not allows(permissions.check_can_read_rules, user, local_day(now)):
        raise Http404
    return user, now, version


def open_draft(request: HttpRequest, version_id: int) -> tuple[User, datetime, RuleSetVersion]:
    user, now, version = open_version(request, version_id)
    permissions.check_can_draft_rules(user, local_day(now))
    return user, now, version


def _edit(
    request: HttpRequest,
    version: RuleSetVersion,
    form: DocumentForm,
    changed: Callable[[], drafting.Json],
    user: User,
    *,
    template: str,
    **context: Any,
) -> HttpResponse:
    """Show a form over a draft, or put what was typed in its place."""
    status = 200
    if request.method == "POST":
        if form.is_valid():
            try:
                kept = rule_sets.change(
                    version_id=version.pk, edition=form.cleaned_data["edition"], document=changed(), by=user,
                    now=timezone.now(),
                )  # fmt: skip
            except InvalidDocument as invalid:
                form.take(invalid)
            else:
                messages.success(request, _how_it_went(kept, version))
                return redirect("admin:rule-set", version.pk)
        status = UNPROCESSABLE
    context |= {"version": version, "form": form, "errors": _errors(form)}
    return render(request, template, context, status=status)


def _facts_of(reference: str, user: User, now: datetime) -> drafting.Json | None:
    """What the rules were told of a contact that the reader may see, to make a scenario of."""
    if not reference:
        return None
    try:
        contact = looking.at_contact(reference=reference, by=user, now=now)
    except Contact.DoesNotExist:
        raise Http404 from None
    assert contact.recommendation is not None
    return scenario_facts(contact.recommendation.facts)


def _how_it_went(kept: RuleSetVersion, before: RuleSetVersion) -> str:
    """The scenarios are asked again at once, and the answer stands in the same sentence."""
    if kept.edition == before.edition:
        return "Nothing changed."
    outcomes = run(parse(kept.document))
    failing = [outcome for outcome in outcomes if not outcome.passes]
    if failing:
        return f"The change is kept. {len(failing)} of {len(outcomes)} scenarios fail now: look at them below."
    return f"The change is kept. All {len(outcomes)} scenarios pass."


def _errors(form: Any) -> list[tuple[str | None, str]]:
    """The faults of a form for the summary at the top: (the field to go to, the sentence)."""
    if not getattr(form, "is_bound", False):
        return []
    return [
        (form[name].id_for_label or form[name].auto_id if name in form.fields else None, says)
        for name, errors in form.errors.items()
        for says in errors
    ]


def _day(text: str | None, field: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InvalidDocument([Fault((field,), "This is not a real day.")]) from None
