"""What happened at the door: who signed in and out, who tried to, and what was refused."""

from datetime import date, datetime, timedelta

from django.db.models import QuerySet

from casework.access import permissions
from casework.models import SignInEvent
from localities.models import User
from localities.working_time import begin_of_day, local_day

# In place of a person: the user names that nobody has.
NOBODY = "nobody"


def events(
    *, by: User, now: datetime, person: str = "", kind: str = "", first: date | None = None, last: date | None = None
) -> QuerySet[SignInEvent]:
    """
    The events, the latest first.

    :param person: the id of a user, or `NOBODY`; empty: everybody.
    :param first: the first day, by the clocks of England; `last` is the last.
    :raises NotPermitted: `by` may not read them.
    """
    permissions.check_can_read_sign_ins(by, local_day(now))
    found = SignInEvent.objects.select_related("user").order_by("-at", "-id")
    if person:
        found = found.filter(user=None) if person == NOBODY else found.filter(user_id=int(person))
    if kind:
        found = found.filter(kind=kind)
    if first:
        found = found.filter(at__gte=begin_of_day(first))
    if last:
        found = found.filter(at__lt=begin_of_day(last + timedelta(days=1)))
    return found
