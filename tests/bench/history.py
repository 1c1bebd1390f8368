"""A history of the size that is asked for, made by SQL, and the work that is measured beside it."""

import itertools
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import connection
from django.test import Client
from django.utils import timezone

from casework.actions import receiving
from casework.jobs import sweep
from casework.models import Clock, Contact
from localities.models import Agency, User
from tests.bench.databases import create, reference, use
from tests.stage.documents import address, child, contact_document
from tests.stage.story import Story

Use = Callable[[], None]

# Decided contacts of the last years, each about a child of its own, with its recommendation, decision and clock. They
# are copies of a real one: only what must differ does.
COPY = """
WITH copies AS (SELECT generate_series(1, %(count)s) AS n),
people AS (
    INSERT INTO casework_person (id, first_name, last_name, also_known_as, date_of_birth, sex, ethnicity, postcode)
    SELECT 1000000 + n, 'First' || n %% 997, 'Last' || n %% 4999, '{}', DATE '2008-01-01' + (n * 7919) %% 6000, 'U', '',
           'HP' || 5 + n %% 15 || ' ' || n %% 10 || 'AA'
    FROM copies
), recommendations AS (
    INSERT INTO casework_recommendation (id, contact_id, rule_set_id, made_at, facts, result, pathway, rag, level, hold)
    SELECT 1000000 + n, 1000000 + n, r.rule_set_id, r.made_at, r.facts, r.result, r.pathway, r.rag, r.level, r.hold
    FROM copies, casework_recommendation r WHERE r.contact_id = %(contact)s
), decisions AS (
    INSERT INTO casework_decision (id, contact_id, recommendation_id, decided_by_id, decided_at, pathway, level, rag,
        overrides, rationale, needs_sign_off, sign_off_reasons, chosen_team_reason)
    SELECT 1000000 + n, 1000000 + n, 1000000 + n, d.decided_by_id, d.decided_at, d.pathway, d.level, d.rag,
        d.overrides, d.rationale, FALSE, '{}', ''
    FROM copies, casework_decision d WHERE d.contact_id = %(contact)s
), children AS (
    INSERT INTO casework_contactchild (contact_id, position, person_id, ref, first_name, last_name, also_known_as, sex,
        ethnicity, nhs_number, postcode, address_is_confidential, indicators)
    SELECT 1000000 + n, 0, 1000000 + n, 'c1', '', '', '{}', 'U', '', '', '', FALSE, '{}' FROM copies
), clocks AS (
    INSERT INTO casework_clock (policy_id, kind, contact_id, started_at, warn_at, due_at, escalate_at, next_at, ended)
    SELECT k.policy_id, 'feedback_to_referrer', 1000000 + n, k.started_at, k.warn_at + INTERVAL '90 days',
        k.due_at + INTERVAL '90 days', k.escalate_at + INTERVAL '90 days', k.next_at + INTERVAL '90 days', ''
    FROM copies, casework_clock k WHERE k.contact_id = %(contact)s AND k.kind = 'next_step_decision'
)
SELECT count(*) FROM copies
"""
CONTACTS = """
INSERT INTO casework_contact (id, reference, channel, received_at, agency_id, digest, document, type, source_code,
    received_by_phone, referrer_email, family_indicators, dash, agreement, agreement_given_by, parents_told,
    parents_told_reason, sharing_basis, status, team_id, recommendation_id, rag, decision_in_effect_id)
SELECT 1000000 + n, 'CON-' || to_char(n, 'FM00000000'), c.channel, c.received_at - n * INTERVAL '1 hour', c.agency_id,
    c.digest, c.document, c.type, c.source_code, FALSE, '', '{}', '', c.agreement, '', c.parents_told, '', '',
    'decided', c.team_id, 1000000 + n, c.rag, 1000000 + n
FROM generate_series(1, %(count)s) AS n, casework_contact c WHERE c.id = %(contact)s
"""
fresh_number = itertools.count(1000)


def databases(sizes: tuple[int, int]) -> tuple[Use, Use]:
    """Two databases with histories of these sizes; calling one makes it the database in use."""
    # Both are copies of one, with the same real contacts in it: nothing but the history differs.
    model = create("history", copy_of=reference())
    _tell()
    small, large = (create(f"{model}_{size}", copy_of=model) for size in sizes)
    for size, name in zip(sizes, (small, large), strict=True):
        use(name)
        _fill(size)
    return partial(use, small), partial(use, large)


def _tell() -> None:
    """One decided contact, which the history copies, and twenty that wait."""
    story = Story(timezone.now() - timedelta(days=30))
    decided = story.contact(**_family(0))
    story.decided(decided)
    for number in range(1, 21):
        Story(timezone.now()).contact(**_family(number))


def _fill(size: int) -> None:
    decided = Contact.objects.get(status="decided")
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(COPY, {"count": size, "contact": decided.pk})
        cursor.execute(CONTACTS, {"count": size, "contact": decided.pk})
        cursor.execute("COMMIT")
        cursor.execute("VACUUM ANALYZE")


def _family(number: int) -> dict[str, Any]:
    born = f"20{10 + number % 10}-0{1 + number % 9}-{10 + number % 15}"
    entry = child(
        last_name=f"Waiting{number}",
        date_of_birth=born,
        nhs_number=None,
        address=address("HP20 1UA"),
        indicators=["L2-01"],
    )
    agreement = {"service": "given", "given_by": "mother"}
    return {"children": [entry], "adults": [], "family_indicators": [], "agreement": agreement}


# ---- the work


def receive_one() -> None:
    receiving.receive(
        document=contact_document(**_family(next(fresh_number))),
        by=Agency.objects.get(code="example-primary-school"),
        now=timezone.now(),
    )


def open_worklist() -> None:
    _open("/")


def open_contact() -> None:
    waiting = Contact.objects.exclude(status="decided").order_by("pk").first()
    assert waiting is not None
    _open(f"/contacts/{waiting}/")


def _open(path: str) -> None:
    client = Client()
    client.force_login(User.objects.get(username="amina"))
    answer = client.get(path, headers={"Host": "localhost"})
    assert answer.status_code == 200


def sweep_fifty() -> None:
    """The clocks are made due first; that costs the same beside any history."""
    now = timezone.now()
    some = Clock.objects.running().filter(next_at__gt=now).order_by("pk").values_list("pk", flat=True)[:50]
    Clock.objects.filter(pk__in=list(some)).update(next_at=now)
    sweep.sweep(now=now)
