"""Who receives a reminder: what SQL says of the rule, and what the worklists say, is the same for everybody."""

from datetime import timedelta

from django.db import connection

from casework.deadlines.recipients import STAFF, is_for, reminders_of
from casework.jobs import sweep
from casework.models import Reminder
from localities.models import Membership, Role, User
from localities.working_time import local_day
from tests.stage.story import Story, person


def test_sql_and_the_worklists_agree_about_everybody(story: Story) -> None:
    """Reminders for a person, a team, a role in a team and a role in the service; people with and without a team."""
    case = story.accepted()
    case.lead_practitioner = person("bea")
    case.save(update_fields=["lead_practitioner"])
    story.contact()
    for days in range(0, 30, 3):
        sweep.sweep(now=story.now + timedelta(days=days))
    # A role in the whole service, and somebody who works in two teams.
    Membership.objects.create(user=person("carol"), role=Role.SERVICE_MANAGER)
    Membership.objects.create(user=person("bea"), role=Role.TEAM_LEAD, team=story.team("chiltern"))
    shapes = {
        (each.user_id is not None, each.role != "", each.team_id is not None) for each in Reminder.objects.iterator()
    }
    assert shapes == {(True, False, False), (False, False, True), (False, True, True), (False, True, False)}

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT staff.user_id, reminder.id FROM casework_reminder reminder "
            f"JOIN ({STAFF}) staff ON {is_for('reminder', 'staff')}",
            {"today": local_day(story.now)},
        )
        in_sql = set(cursor.fetchall())

    on_worklists = {
        (user.pk, pk)
        for user in User.objects.all()
        for pk in reminders_of(user, story.now).values_list("pk", flat=True)
    }
    assert in_sql == on_worklists
