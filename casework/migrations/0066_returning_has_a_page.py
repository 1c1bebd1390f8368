"""Returning an offered case has a page of its own. What people typed and did not record is found there."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("casework", "0065_whose_mother")]
    operations: ClassVar = [
        migrations.RunSQL(
            """
            UPDATE casework_unfinishedform
            SET address = regexp_replace(address, '/answer/$', '/return/'),
                typed = (typed - 'answer-reason')
                        || jsonb_build_object('return-reason', COALESCE(typed->'answer-reason', '[""]'))
            WHERE address ~ '^/cases/[^/]+/answer/$'
            """,
            migrations.RunSQL.noop,
        )
    ]
