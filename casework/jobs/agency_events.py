"""
Numbers what changed for agencies, in the order in which they may read it, has it sent to those that take it, and
deletes what is old.

A number is given in a transaction of its own, after the change is committed and under one lock: whoever has read up to
a number misses nothing below it. A number that the change itself took would be skipped by whoever reads while an
earlier transaction is not committed yet.
"""

from datetime import datetime, timedelta

from django.db import connection, transaction

from casework.models import AgencyEvent

KEPT = timedelta(days=90)
A_RUN, A_PART = 20_000, 1_000
DELETED_AT_ONCE = 5_000
LOCK = "casework_agencyevent.number"


def number() -> int:
    """
    Numbers the events that are committed. While somebody else does so, it leaves it to them.

    :returns: how many.
    """
    done = 0
    while done < A_RUN and (some := _number_some()):
        done += some
    return done


@transaction.atomic
def _number_some() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [LOCK])
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(
            """
            WITH numbered AS (
                UPDATE public.casework_agencyevent SET number = next.number
                FROM (SELECT id, nextval('public.casework_agencyevent_number') AS number
                      FROM (SELECT id FROM public.casework_agencyevent
                            WHERE number IS NULL ORDER BY id LIMIT %s) waiting
                ) next
                WHERE casework_agencyevent.id = next.id
                RETURNING casework_agencyevent.id, agency_id, contact_id
            ), sent AS (
                INSERT INTO public.casework_webhookdelivery (endpoint_id, event_id, contact_id, queued_at, not_before)
                SELECT endpoint.id, numbered.id, numbered.contact_id, now(), now()
                FROM numbered
                JOIN public.casework_webhookendpoint endpoint
                    ON endpoint.agency_id = numbered.agency_id AND endpoint.is_active
            )
            SELECT count(*) FROM numbered
            """,
            [A_PART],
        )
        return int(cursor.fetchone()[0])


def forget(*, now: datetime) -> None:
    """Deletes the events whose time is up."""
    old = AgencyEvent.objects.filter(at__lt=now - KEPT).order_by("at")
    while some := list(old.values_list("pk", flat=True)[:DELETED_AT_ONCE]):
        AgencyEvent.objects.filter(pk__in=some).delete()
