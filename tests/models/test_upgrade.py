"""
A database of an earlier release, dumped from its own demonstration, becomes one of this release: by the migrations and
by loading the reference data, as `make run` does both at every start.

The dump lacks postcodes (they are loaded), sessions and passwords. It holds 42 contacts in every state, a draft of the
rules that was proposed, sent back for a typed reason and discarded, another draft, and a paused clock.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from casework.jobs.rechecks import recheck
from casework.jobs.reference_data import load
from casework.models import AuditEvent, Case, Contact, Decision, FactChange, Information, Recommendation, RuleSetReason
from casework.record import integrity
from tests.conftest import THURSDAY
from tests.stage.databases import own_database
from tests.stage.documents import child
from tests.stage.drafts import Drafts
from tests.stage.earlier import restored
from tests.stage.sql import run
from tests.stage.story import Story
from triage.models import RuleSetVersion

# What an upgrade may add to, and never changes: what people wrote and what the rules said.
KEPT = {
    "casework_contact": "reference, document, received_at, digest, status, rag, case_id, recommendation_id",
    "casework_recommendation": "facts, result, pathway, rag, level, hold, rule_set_id, contact_id",
    "casework_decision": "pathway, level, rag, rationale, sign_off_reasons, decided_by_id, decided_at",
    "casework_handoff": "status, reason, answer_reason, kind, ordinal, offered_at, answered_at",
    "casework_responsibility": "case_id, team_id, period",
    "casework_clock": "kind, started_at, due_at, stopped_at, ended, paused_at",
    "casework_reminder": "clock_id, step, created_at, user_id, role, team_id",
    "casework_outboxmessage": 'kind, idempotency_key, "to", sent_at, parked_at',
    "casework_auditevent": "event, at, actor, by_user_id, contact_id, case_id, detail",
    "casework_person": "first_name, last_name, date_of_birth, nhs_number, postcode",
    "localities_membership": "user_id, team_id, role",
    "localities_team": "code, name, kind, email",
}

# Every column, constraint, index, trigger and function, without what a dump writes in another way: casts and brackets.
SCHEMA = r"""
SELECT regexp_replace(one, '::(text|character varying)(\[\])?|[()]', '', 'g') FROM (
SELECT format('%s.%s %s, %s, %s', attrelid::regclass, attname, format_type(atttypid, atttypmod),
              CASE WHEN attnotnull THEN 'not null' END, pg_get_expr(adbin, adrelid)) AS one
FROM pg_attribute
JOIN pg_class relation ON relation.oid = attrelid AND relkind = 'r' AND relnamespace = 'public'::regnamespace
LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE attnum > 0 AND NOT attisdropped
UNION ALL SELECT format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT pg_get_functiondef(function.oid) FROM pg_proc function
JOIN pg_language spoken ON spoken.oid = prolang AND lanname IN ('sql', 'plpgsql')
WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT 'version of ' || "table" FROM localities_referenceversion
) every ORDER BY 1
"""


def kept() -> dict[str, list[Any]]:
    return {table: run(f"SELECT id, {columns} FROM {table} ORDER BY id") for table, columns in KEPT.items()}


@dataclass(frozen=True)
class Upgrade:
    """A database that was upgraded, and what was kept in it before."""

    database: str
    before: dict[str, list[Any]]


@pytest.fixture(scope="module")
def _upgrade(django_db_setup: None, django_db_blocker: Any) -> Iterator[Upgrade]:
    """The database of the earlier release, upgraded once."""
    with django_db_blocker.unblock(), restored("2026-11-22.sql.xz") as name:
        before = kept()
        call_command("migrate", verbosity=0)
        load()
        # A database that somebody is connected to cannot be copied.
        connection.close()
        yield Upgrade(name, before)


@pytest.fixture
def upgrade(_upgrade: Upgrade, django_db_blocker: Any) -> Iterator[Upgrade]:
    """A copy of the upgraded database, in which each test may do what it likes."""
    with django_db_blocker.unblock(), own_database(like=_upgrade.database):
        yield _upgrade


def test_the_tables_are_those_of_a_new_database(upgrade: Upgrade) -> None:
    upgraded = run(SCHEMA)
    with own_database():
        new = run(SCHEMA)
    assert len(new) > 1000
    assert upgraded == new


def test_what_was_stored_means_what_it_meant(upgrade: Upgrade) -> None:
    after = kept()
    for table, rows in upgrade.before.items():
        assert after[table][: len(rows)] == rows, f"{table} was changed by the upgrade"
    assert [finding for finding in integrity.check() if finding.broken] == []
    assert (Contact.objects.count(), Decision.objects.count(), Case.objects.count()) == (42, 30, 19)
    checked = recheck(now=THURSDAY, sample=None)
    assert (checked.checked, checked.differing) == (Recommendation.objects.count(), [])


def test_who_recorded_what_stands_in_the_history_of_facts(upgrade: Upgrade) -> None:
    agreed = AuditEvent.objects.filter(event="agreement_recorded").order_by("pk")
    history = Information.objects.filter(kind="agreement").order_by("pk")
    assert list(history.values_list("contact", "at", "by_user")) == list(agreed.values_list("contact", "at", "by_user"))
    said = [(event.detail["before"], event.detail["after"]) for event in agreed]
    changes = FactChange.objects.filter(field="agreement.service").order_by("pk").values_list("before", "after")
    assert [(before or "not_sought", after or "not_sought") for before, after in changes] == [
        pair for pair in said if pair[0] != pair[1]
    ] != []  # fmt: skip


def test_the_live_rule_set_stays_live(upgrade: Upgrade) -> None:
    live = RuleSetVersion.objects.get(live__isnull=False)
    assert (live.name, live.version) == ("early-help-first", 1)


def test_the_newer_rules_come_as_a_draft_that_two_people_publish(upgrade: Upgrade) -> None:
    """The council's own drafts have used the next numbers. What came under the earlier rules keeps them."""
    (reason,) = RuleSetReason.objects.all()
    assert (reason.kind, reason.rule_set.version) == ("sent_back", 2)
    first = RuleSetVersion.objects.get(live__isnull=False)
    brought = RuleSetVersion.objects.get(shipped_as="early-help-first/2")
    assert (brought.based_on, brought.drafted_by) == (first, None)
    assert brought.version > 3

    drafts = Drafts(Story(Contact.objects.latest("received_at").received_at + timedelta(days=1)))
    unheld = drafts.story.contact(children=[child(indicators=[], nhs_number=None)], family_indicators=[], adults=[])
    before = list(Recommendation.objects.order_by("pk").values())
    published = drafts.published(brought)
    waits = drafts.story.contact(
        at=drafts.story.later(), family_indicators=[], adults=[],
        children=[child(first_name="Noor", last_name="Haddad", nhs_number=None, indicators=[])],
    )  # fmt: skip
    used = [(each.recommendation.rule_set, each.recommendation.hold) for each in (unheld, waits) if each.recommendation]
    assert used == [(first, ""), (published, "screening")]
    assert drafts.story.screened(unheld).recommendation.rule_set == first  # type: ignore[union-attr]  # it has one
    assert list(Recommendation.objects.order_by("pk").values())[: len(before)] == before
    assert recheck(now=THURSDAY, sample=None).differing == []
    assert [finding for finding in integrity.check() if finding.broken] == []


def test_a_second_start_changes_nothing(upgrade: Upgrade) -> None:
    before = kept(), RuleSetVersion.objects.count()
    call_command("migrate", verbosity=0)
    load()
    assert (kept(), RuleSetVersion.objects.count()) == before
