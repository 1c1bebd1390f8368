"""
Contacts have a digest of what their document says, by which a report that is sent again is recognised.

Those of the last two weeks get theirs: an older one is not repeated any more.
"""


from typing import Any

import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import connection, migrations, models
from django.utils import timezone

from casework.facts.resends import SAME_REFERENCE, digest_of_what_is_said


def fill(apps: Any, schema_editor: Any) -> None:
    contacts = apps.get_model("casework", "Contact").objects
    lately = contacts.filter(received_at__gte=timezone.now() - SAME_REFERENCE)
    for contact in lately.only("document").iterator(1_000):
        contacts.filter(pk=contact.pk).update(said_digest=digest_of_what_is_said(contact.document))
    with connection.cursor() as cursor:
        # What is checked at the end of a transaction is checked now: the index and the trigger come after it.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


class Migration(migrations.Migration):

    dependencies = [
        ('casework', '0041_names_without_vowels'),
        ('localities', '0004_one_index_for_a_beginning'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='contact',
            name='what_was_sent_stays_as_it_was_sent',
        ),
        migrations.RemoveIndex(
            model_name='contact',
            name='contact_by_digest',
        ),
        migrations.AddField(
            model_name='contact',
            name='said_digest',
            field=models.CharField(db_default='', default='', max_length=64, verbose_name='SHA-256 of what the document says, however it is typed'),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name='contact',
            index=models.Index(fields=['said_digest'], name='contact_by_said_digest'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='contact',
            trigger=pgtrigger.compiler.Trigger(name='what_was_sent_stays_as_it_was_sent', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF TG_OP = 'DELETE' OR (\n                       NEW.reference, NEW.document, NEW.received_at, NEW.agency_id, NEW.entered_by_id, NEW.channel,\n                       NEW.idempotency_key, NEW.digest, NEW.family_indicators, NEW.type, NEW.source_code,\n                       NEW.received_by_phone, NEW.agency_reference, NEW.said_digest\n                   ) IS DISTINCT FROM (\n                       OLD.reference, OLD.document, OLD.received_at, OLD.agency_id, OLD.entered_by_id, OLD.channel,\n                       OLD.idempotency_key, OLD.digest, OLD.family_indicators, OLD.type, OLD.source_code,\n                       OLD.received_by_phone, OLD.agency_reference, OLD.said_digest\n                   ) THEN RAISE EXCEPTION 'What was sent stays as it was sent, and a contact is never deleted.' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'what_was_sent_stays_as_it_was_sent'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;", hash='835108459259a792bc14ce3a1cf53ead2e9ab5b2', operation='UPDATE OR DELETE', pgid='pgtrigger_what_was_sent_stays_as_it_was_sent_9d374', table='casework_contact', when='BEFORE')),
        ),
    ]
