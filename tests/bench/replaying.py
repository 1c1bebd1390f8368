"""
A replay over a council's year, and over ten: its processor time and its peak of memory.

Each runs in a process of its own (`python -m tests.bench.replaying`), like the worker's, so that the system reports the
process's peak.
"""

import json
import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from django.db import connection
from django.utils import timezone

from tests.bench.databases import create, reference, use

DIFFERENT = 2_000
LONGEST = 600

# Copies of one real contact, each with its own facts from the table `sample`, two hours apart, decided as recommended.
CONTACTS = """
INSERT INTO casework_contact (id, reference, channel, received_at, agency_id, digest, document, type, source_code,
    received_by_phone, referrer_email, family_indicators, dash, agreement, agreement_given_by, parents_told,
    parents_told_reason, sharing_basis, status, team_id, recommendation_id, rag, decision_in_effect_id)
SELECT 1000000 + n, 'CON-' || to_char(n, 'FM00000000'), c.channel, now() - n * INTERVAL '20 minutes', c.agency_id,
    c.digest, '{}', c.type, c.source_code, FALSE, '', '{}', '', c.agreement, '', c.parents_told, '', '',
    'decided', c.team_id, 1000000 + n, t.rag, 1000000 + n
FROM generate_series(1, %(count)s) AS n JOIN sample t ON t.number = n %% %(different)s, casework_contact c
WHERE c.id = %(contact)s
"""
RECOMMENDATIONS = """
INSERT INTO casework_recommendation (id, contact_id, rule_set_id, made_at, facts, result, pathway, rag, level, hold)
SELECT 1000000 + n, 1000000 + n, r.rule_set_id, r.made_at, t.facts, '{}', t.pathway, t.rag, t.level, t.hold
FROM generate_series(1, %(count)s) AS n JOIN sample t ON t.number = n %% %(different)s, casework_recommendation r
WHERE r.contact_id = %(contact)s
"""
DECISIONS = """
INSERT INTO casework_decision (id, contact_id, recommendation_id, decided_by_id, decided_at, pathway, level, rag,
    overrides, rationale, needs_sign_off, sign_off_reasons, chosen_team_reason)
SELECT 1000000 + n, 1000000 + n, 1000000 + n, d.decided_by_id, d.decided_at, t.pathway, t.level, t.rag,
    FALSE, d.rationale, FALSE, '{}', ''
FROM generate_series(1, %(count)s) AS n JOIN sample t ON t.number = n %% %(different)s, casework_decision d
WHERE d.contact_id = %(contact)s
"""
CHILDREN = """
INSERT INTO casework_contactchild (contact_id, position, person_id, recorded_as_id, ref, first_name, last_name,
    also_known_as, sex, ethnicity, nhs_number, postcode, address_is_confidential, indicators)
SELECT 1000000 + n, 0, p.person_id, p.person_id, 'c1', '', '', '{}', 'U', '', '', z.postcode, FALSE, '{}'
FROM generate_series(1, %(count)s) AS n
JOIN (SELECT postcode, row_number() OVER (ORDER BY postcode) - 1 AS z FROM localities_postcode) z ON z.z = n %% 20000,
    (SELECT person_id FROM casework_contactchild WHERE contact_id = %(contact)s LIMIT 1) p
"""


class Measured(NamedTuple):
    """The replay's processor seconds, the process's peak of memory in MiB, and the numbers of contacts and changes."""

    seconds: float
    peak: float
    contacts: int
    changed: int


def measure(sizes: tuple[int, int]) -> tuple[Measured, Measured]:
    """Runs replays of these sizes, each in a database and a process of its own."""
    model = create("replay", copy_of=reference())
    _make_template()
    found = []
    for size in sizes:
        name = create(f"{model}_{size}", copy_of=model)
        _fill(size)
        connection.close()
        found.append(_measured(name))
    return found[0], found[1]


def _make_template() -> None:
    """Makes a decided contact to copy and a draft to replay."""
    from casework.actions import rule_sets
    from localities.models import User
    from tests.stage.story import Story
    from triage.drafting import with_entry
    from triage.models import RuleSetVersion

    story = Story(timezone.now() - timedelta(days=1))
    story.decided(story.contact())
    paula = User.objects.get(username="paula")
    now = timezone.now()
    draft = rule_sets.copy(version_id=RuleSetVersion.objects.get().pk, by=paula, now=now)
    # A typical change by a practice lead: two common indicators become strong.
    document = draft.document
    for place, entry in enumerate(document["indicators"]):
        if entry["code"] in ("L3-12", "L3-30"):
            document = with_entry(document, ("indicators", place), {"gate": "strong"})
    rule_sets.change(version_id=draft.pk, edition=1, document=document, by=paula, now=now)


def _fill(size: int) -> None:
    from casework.models import Contact
    from tests.bench.race import random_contacts
    from triage.ruleset import shipped

    decided = Contact.objects.get(status="decided")
    rules = shipped()
    different = min(DIFFERENT, size)
    sample = [
        (number, json.dumps(facts), result.pathway, result.rag, result.level, result.hold or "")
        for number, facts in enumerate(random_contacts(rules, different))
        for result in [rules.evaluate_stored(facts)]
    ]
    with connection.cursor() as cursor:
        # The original has passed all checks, so the copies skip them.
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            "CREATE TEMPORARY TABLE sample (number int, facts jsonb, pathway text, rag text, level int, hold text)"
        )
        cursor.executemany("INSERT INTO sample VALUES (%s, %s, %s, %s, %s, %s)", sample)
        for statement in (CONTACTS, RECOMMENDATIONS, DECISIONS, CHILDREN):
            cursor.execute(statement, {"count": size, "contact": decided.pk, "different": different})
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("VACUUM ANALYZE")


def _measured(database: str) -> Measured:
    ran = subprocess.run(  # ourselves
        [sys.executable, "-W", "ignore", "-m", "tests.bench.replaying", database],
        capture_output=True, text=True, timeout=LONGEST, check=True,
    )  # fmt: skip
    return Measured(**json.loads(ran.stdout))


def main(database: str) -> None:
    """Runs the replay in this database and prints the measurement as JSON."""
    import django

    django.setup()
    use(database)
    from casework.actions import replays
    from casework.jobs import replaying
    from casework.models import Contact
    from localities.models import User
    from localities.working_time import local_day
    from triage.models import RuleSetVersion

    now = timezone.now()
    first = Contact.objects.earliest("received_at").received_at
    replays.ask_for(
        version_id=RuleSetVersion.objects.get(version=3).pk, first_day=local_day(first), last_day=local_day(now),
        by=User.objects.get(username="paula"), now=now,
    )  # fmt: skip
    started = time.process_time()
    replay = replaying.run_next(clock=timezone.now)
    taken = time.process_time() - started
    assert replay is not None
    replay.refresh_from_db()
    assert replay.result is not None
    counts = replay.result["counts"]
    # Not getrusage: its peak outlives the exec, and would be that of whoever started us.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    found = Measured(taken, peak, counts["contacts"], counts["changed"])
    sys.stdout.write(json.dumps(found._asdict()))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    main(sys.argv[1])
