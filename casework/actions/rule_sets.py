"""
Rule sets: copied to a draft, changed, proved, approved by a second person, and published from a moment on.

Only these actions change which version is live. A version starts at once or at a later moment, and the one before it
ends in the same instant: no contact falls between two versions, and none is triaged by both.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Max, Q

from casework.access import conditions, permissions
from casework.messages import outbox
from casework.models import Contact, Event, Message, Replay, RuleSetReason, RuleSetReasonKind
from casework.record import audit
from casework.record.audit import Actor
from errors import Fault, InvalidInput, NotAllowedInStatus
from localities.loading import FIRST_DAY
from localities.models import User
from localities.working_time import begin_of_day, local_day
from triage import drafting
from triage.models import RuleSetVersion
from triage.published_rules import lock_live_version, of_version, rule_set_of
from triage.reading import read_document
from triage.rule_set_document import RuleSetDocument, as_json
from triage.ruleset import shipped
from triage.safety import changed
from triage.said_as import version_said
from triage.scenarios import Outcome, protected, run


@transaction.atomic
def copy(*, version_id: int, by: User, now: datetime) -> RuleSetVersion:
    """
    Copies a version to a new draft, with the next number. Whichever version it copies, the draft would replace the
    version that is live until further notice.

    :raises NotPermitted: `by` does not draft rules; or the copied version differs in what safety depends on, and `by`
        is not a service manager.
    """
    source = RuleSetVersion.objects.get(pk=version_id)
    # A copy at the same moment waits here, and takes the next number.
    base = _goes_on()
    permissions.check_can_draft_rules(by, local_day(now))
    taken = RuleSetVersion.objects.filter(name=source.name).aggregate(Max("version"))["version__max"]
    document = drafting.copied(read_document(source.document), version=taken + 1, safety=shipped().document)
    before, after = of_version(base.pk).rule_set.document, read_document(document)
    # The first versions had no scenarios. Those that a copy gets here are nobody's change.
    given = protected(after) if not protected(before) else {}
    safety = changed(before, after, before) - given.keys()
    permissions.check_can_change_safety(safety, by, local_day(now))
    draft = RuleSetVersion.objects.create(
        name=source.name, version=taken + 1, document=document, based_on=base, drafted_by=by, drafted_at=now,
        safety_changed_by=by if safety else None,
    )  # fmt: skip
    audit.record(
        Event.RULE_SET_DRAFTED, by=by, at=now, rule_set=str(draft), based_on=str(base), copied_from=str(source)
    )
    return draft


@transaction.atomic
def bring_shipped(*, by: Actor, now: datetime) -> RuleSetVersion | None:
    """
    Adds the rule set that comes with the product, once.

    In a new service it is live at once, from before the first contact. In a service with rules it becomes a draft that
    two people may prove, propose and approve, or discard.

    :returns: the new version; None if it was added before.
    """
    rules = shipped()
    came = RuleSetVersion.objects.filter(
        Q(shipped_as=rules.name)
        | Q(name=rules.document.ruleset, version=rules.document.version, drafted_by__isnull=True)
    )
    if came.exists():
        return None
    lock_live_version()
    if came.exists():
        # Another process has added it at the same moment.
        return None
    if not RuleSetVersion.objects.filter(published_at__isnull=False).exists():
        since = begin_of_day(FIRST_DAY)
        return RuleSetVersion.objects.create(
            name=rules.document.ruleset, version=rules.document.version, document=as_json(rules.document),
            published_at=since, live=DateTimeTZRange(since, None),
        )  # fmt: skip
    # A copy at the same moment waits here, and takes the next number.
    base = _goes_on()
    taken = RuleSetVersion.objects.filter(name=rules.document.ruleset).aggregate(Max("version"))["version__max"] or 0
    version = max(rules.document.version, taken + 1)
    draft = RuleSetVersion.objects.create(
        name=rules.document.ruleset, version=version, document=as_json(rules.document) | {"version": version},
        shipped_as=rules.name, based_on=base,
    )  # fmt: skip
    audit.record(Event.RULE_SET_DRAFTED, by=by, at=now, rule_set=str(draft), based_on=str(base), copied_from=rules.name)
    return draft


@transaction.atomic
def change(*, version_id: int, edition: int, document: dict[str, Any], by: User, now: datetime) -> RuleSetVersion:
    """
    Replaces a draft's document. A proposed draft becomes a plain draft again.

    :param edition: the edition on the user's page: an old page must not undo newer changes.
    :raises InvalidInput: with every fault of the document.
    :raises NotPermitted: `by` does not draft rules, or changes what safety depends on and is not a service manager.
    :raises TakenBySomeoneElse: the draft has changed since the page was loaded.
    """
    draft = _load(version_id, by, now)
    conditions.check_edition_unchanged(draft, edition)
    before, after = read_document(draft.document), read_document(document)
    if (after.ruleset, after.version) != (draft.name, draft.version):
        says = f"The rule set and its version stay {draft.name} and {draft.version}: copy it to a new draft instead."
        raise InvalidInput([Fault(("version",), says)])
    if after == before and as_json(after) == as_json(before):
        return draft
    base = of_version(draft.based_on_id).rule_set.document if draft.based_on_id else before
    if gone := list(_gone(base, after)):
        raise InvalidInput(gone)
    safety = changed(before, after, base)
    permissions.check_can_change_safety(safety, by, local_day(now))
    draft.document = as_json(after)
    draft.edition += 1
    draft.proposed_by = draft.proposed_at = None
    draft.proposal = ""
    if safety:
        draft.safety_changed_by = by
    draft.save()
    audit.record(
        Event.RULE_SET_CHANGED, by=by, at=now, rule_set=str(draft), edition=draft.edition, safety=sorted(safety)
    )
    return draft


@transaction.atomic
def propose(*, version_id: int, edition: int, proposal: str, by: User, now: datetime) -> RuleSetVersion:
    """
    Proposes a proved draft: its scenarios pass, and this edition was replayed. A second person must approve it.

    :param proposal: what the change is for, in the proposer's words.
    :raises InvalidInput: with everything that is not proved yet.
    :raises NotPermitted: `by` does not draft rules.
    """
    draft = _load(version_id, by, now)
    conditions.check_edition_unchanged(draft, edition)
    if draft.proposed_at is not None:
        raise NotAllowedInStatus(f"{draft.called} is proposed already.")
    rules = rule_set_of(draft)
    faults = [Fault((), says) for says in not_proved(draft, rules.document, run(rules))]
    if not proposal.strip():
        faults.append(Fault(("proposal",), "Enter what the change is for"))
    if faults:
        raise InvalidInput(faults)
    draft.proposed_by, draft.proposed_at, draft.proposal = by, now, proposal.strip()
    draft.save(update_fields=["proposed_by", "proposed_at", "proposal"])
    audit.record(Event.RULE_SET_PROPOSED, by=by, at=now, rule_set=str(draft), edition=draft.edition)
    outbox.add_for_roles(
        Message.RULE_SET_PROPOSED, *permissions.APPROVERS,
        key=f"rule_set_proposed:{draft.pk}:{draft.edition}:{now.isoformat()}", at=now, rule_set=draft,
        exclude_users=by.pk,
    )  # fmt: skip
    return draft


@transaction.atomic
def send_back(*, version_id: int, reason: str, by: User, now: datetime) -> RuleSetVersion:
    """
    Sends a proposal back: it is a draft again, and the proposer gets a message. The proposer may do this, too.

    :raises InvalidInput: the reason is missing.
    :raises NotPermitted: `by` neither approves rules nor proposed this draft.
    """
    draft = _locked(version_id)
    if draft.proposed_by_id != by.pk:
        permissions.check_can_approve_rules(draft.proposed_by_id, by, local_day(now))
    conditions.check_is_proposed(draft)
    if not reason.strip():
        raise InvalidInput([Fault(("reason",), "Enter why")])
    proposer, draft.proposed_by, draft.proposed_at = draft.proposed_by, None, None
    draft.save(update_fields=["proposed_by", "proposed_at"])
    RuleSetReason.objects.create(rule_set=draft, kind=RuleSetReasonKind.SENT_BACK, by=by, at=now, reason=reason.strip())
    audit.record(Event.RULE_SET_SENT_BACK, by=by, at=now, rule_set=str(draft))
    if proposer is not None and proposer != by:
        outbox.add(
            Message.RULE_SET_SENT_BACK, to=proposer.email, key=f"rule_set_sent_back:{draft.pk}:{now.isoformat()}",
            at=now, rule_set=draft,
        )  # fmt: skip
    return draft


@transaction.atomic
def approve(*, version_id: int, edition: int, starts_at: datetime | None, by: User, now: datetime) -> RuleSetVersion:
    """
    Approves a proposal as the second person. It is published, and live at once or from a later moment on.

    :param starts_at: when it starts; None for at once.
    :raises InvalidInput: the start is not in the future.
    :raises NotPermitted: `by` does not approve rules, or proposed this draft.
    :raises NotAllowedInStatus: this edition is not proposed, or another version has been published in between.
    """
    lock_live_version()
    draft = _locked(version_id)
    permissions.check_can_approve_rules(draft.proposed_by_id, by, local_day(now))
    conditions.check_is_proposed(draft)
    conditions.check_edition_unchanged(draft, edition)
    rules = rule_set_of(draft)
    if unproved := not_proved(draft, rules.document, run(rules)):
        raise NotAllowedInStatus(" ".join(unproved))
    ends = _goes_on()
    if ends.pk != draft.based_on_id:
        raise NotAllowedInStatus(
            f"{ends.called} goes on now, and not {version_said(str(draft.based_on))}, for which this draft was made. "
            f"Copy {ends.called}, and bring your changes there, so that nobody's change is lost."
        )
    if ends.live.lower > now:
        raise NotAllowedInStatus(f"{ends.called} goes live later. Call it off first, or wait until it is live.")
    # After the last received contact, whatever the clocks of the hosts say: that contact has its version. And after the
    # first moment of the version before, which must be live for at least that moment.
    at_once = max(now, max(_latest_contact() or ends.live.lower, ends.live.lower) + timedelta(microseconds=1))
    if starts_at is not None and starts_at <= at_once:
        raise InvalidInput([Fault(("starts_at",), "Enter a moment that lies ahead, or let it start at once")])
    start = starts_at or at_once
    ends.live = DateTimeTZRange(ends.live.lower, start)
    ends.save(update_fields=["live"])
    draft.approved_by, draft.published_at, draft.live = by, now, DateTimeTZRange(start, None)
    draft.save(update_fields=["approved_by", "published_at", "live"])
    audit.record(
        Event.RULE_SET_PUBLISHED, by=by, at=now, rule_set=str(draft), follows=str(ends), starts_at=start.isoformat()
    )
    return draft


@transaction.atomic
def call_off(*, version_id: int, reason: str, by: User, now: datetime) -> RuleSetVersion:
    """
    Calls off a published version before it is live. The version before it stays live.

    :raises InvalidInput: the reason is missing.
    :raises NotPermitted: `by` does not approve rules.
    :raises NotAllowedInStatus: it is live already.
    """
    lock_live_version()
    version = _locked(version_id)
    permissions.check_can_approve_rules(None, by, local_day(now))
    # A host whose clock is ahead may have received a contact by this version already.
    conditions.check_is_not_live_yet(version, max(now, _latest_contact() or now))
    if not reason.strip():
        raise InvalidInput([Fault(("reason",), "Enter why")])
    before = RuleSetVersion.objects.select_for_update().get(live__endswith=version.live.lower)
    version.live = None
    version.save(update_fields=["live"])
    before.live = DateTimeTZRange(before.live.lower, None)
    before.save(update_fields=["live"])
    RuleSetReason.objects.create(
        rule_set=version, kind=RuleSetReasonKind.CALLED_OFF, by=by, at=now, reason=reason.strip()
    )
    audit.record(Event.RULE_SET_CALLED_OFF, by=by, at=now, rule_set=str(version))
    return version


@transaction.atomic
def discard(*, version_id: int, by: User, now: datetime) -> RuleSetVersion:
    """
    Discards a draft. It is kept with its replays, and can no longer be changed.

    :raises NotPermitted: `by` does not draft rules.
    """
    draft = _load(version_id, by, now)
    draft.discarded_at = now
    draft.proposed_by = draft.proposed_at = None
    draft.save(update_fields=["discarded_at", "proposed_by", "proposed_at"])
    audit.record(Event.RULE_SET_DISCARDED, by=by, at=now, rule_set=str(draft))
    return draft


def not_proved(draft: RuleSetVersion, document: RuleSetDocument, outcomes: list[Outcome]) -> list[str]:
    """
    What a draft still needs before somebody may propose it, as sentences.

    :param document: the draft's, read; `outcomes` are the results of its scenarios.
    """
    wanting = []
    failing = [outcome.scenario.title for outcome in outcomes if not outcome.passes]
    if failing:
        wanting.append(f"{len(failing)} of {len(outcomes)} scenarios do not pass: {'; '.join(failing)}.")
    if not any(outcome.scenario.protected for outcome in outcomes):
        wanting.append("It carries no safety scenario.")
    if draft.based_on_id is not None:
        # A copy of an older version may lack newer indicators and pathways.
        base = of_version(draft.based_on_id).rule_set.document
        wanting += [f"{' '.join(map(str, fault.path))} {fault.message}" for fault in _gone(base, document)]
    replayed = Replay.objects.filter(rule_set=draft, edition=draft.edition, finished_at__isnull=False)
    if not replayed.filter(contacts__gt=0).exists():
        wanting.append("It was not replayed over past contacts as it stands now.")
    return wanting


def _load(version_id: int, by: User, now: datetime) -> RuleSetVersion:
    """Loads and locks the draft. `by` must draft rules."""
    draft = _locked(version_id)
    permissions.check_can_draft_rules(by, local_day(now))
    conditions.check_is_a_draft(draft)
    return draft


def _latest_contact() -> datetime | None:
    latest: datetime | None = Contact.objects.aggregate(Max("received_at"))["received_at__max"]
    return latest


def _locked(version_id: int) -> RuleSetVersion:
    return RuleSetVersion.objects.select_for_update(of=("self",)).select_related("proposed_by").get(pk=version_id)


def _goes_on() -> RuleSetVersion:
    """Loads and locks the version that is live, or will be, until further notice."""
    return RuleSetVersion.objects.select_for_update().get(live__endswith__isnull=True, live__isnull=False)


def _gone(base: RuleSetDocument, after: RuleSetDocument) -> Iterator[Fault]:
    """
    Names that a new document must keep: partners send the codes, and clocks, cases and their history use the pathways.
    """
    codes = {entry.code for entry in base.indicators} - {entry.code for entry in after.indicators}
    for code in sorted(codes):
        yield Fault(("indicators", code), "may not be taken away: partners send it, and it would be refused.")
    pathways = {entry.id for entry in base.pathways} - {entry.id for entry in after.pathways}
    for name in sorted(pathways):
        yield Fault(("pathways", name), "may not be taken away or renamed: clocks and cases know it. Change its title.")
