from django.db import migrations

from casework.deadlines.policies import in_hub_hours
from localities import calendar

# A clock whose warning was said already goes on with its next step.
MOVE = """
UPDATE casework_clock
SET warn_at = %(warn_at)s, next_at = CASE WHEN next_at = warn_at THEN %(warn_at)s ELSE next_at END
WHERE id = %(id)s
"""


def warn_in_hub_hours(apps, schema_editor):
    """
    Clocks that count working days, and run, warn in hub hours. When each is due stays, and so do the reminders that
    were made. One that is paused is computed again when it goes on.
    """
    working_time = calendar.working_time(
        apps.get_model("localities", "HubHours").objects.all(),
        dict(apps.get_model("localities", "CalendarDay").objects.values_list("date", "kind")),
    )
    running = apps.get_model("casework", "Clock").objects.filter(
        stopped_at__isnull=True, policy__unit="working_day"
    ).select_related("policy").order_by("pk")
    moved = []
    for clock in running.iterator():
        local = clock.policy.basis.startswith("local")
        begins_at = clock.started_at
        if clock.policy.ends == "same_time":
            begins_at = working_time.counted_start(begins_at, local=local)
        warn_at = in_hub_hours(clock.warn_at, begins_at, working_time, local=local)
        if warn_at != clock.warn_at:
            moved.append({"id": clock.pk, "warn_at": warn_at})
    with schema_editor.connection.cursor() as cursor:
        cursor.executemany(MOVE, moved)


class Migration(migrations.Migration):

    dependencies = [
        ('casework', '0004_screening'),
        ('localities', '0002_practice_leads'),
    ]

    operations = [migrations.RunPython(warn_in_hub_hours, migrations.RunPython.noop)]
