"""The order of the demonstration's events, and the staff who act in them."""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from casework.demonstration.families import Families
from errors import ServiceError
from localities.models import Agency, Membership, Postcode, Role, Team, User
from localities.working_time import local_day


class NothingToSeed(ServiceError):
    """The reference data are missing."""


@dataclass(order=True)
class Event:
    """Something that happens at a moment. Events of the same moment happen in the order in which they were planned."""

    at: datetime
    order: int
    happen: Callable[[datetime], None] = field(compare=False)


class Timeline:
    """
    A queue of events, which happen in the order of their moments.

    The story is random but repeatable: every choice is a draw of `random`, which starts from the seed. One draw more or
    less moves all later ones, and with them what the tests count. Give a new field a fixed value.

    :param until: no event is planned after this moment.
    :raises NothingToSeed: the reference data are not loaded.
    """

    def __init__(self, random: Random, until: datetime) -> None:
        self.random = random
        self.until = until
        self._order = itertools.count()
        self._events: list[Event] = []
        postcodes = list(Postcode.objects.order_by("pk").values_list("pk", flat=True)[::97])
        self.agencies = list(Agency.objects.filter(is_active=True).order_by("pk"))
        if not postcodes or not self.agencies:
            raise NothingToSeed("There is nothing to seed with: run manage.py load_demonstration first.")
        # The families have a random generator of their own: they do not depend on what the database holds already.
        self.families = Families(Random(random.random()), postcodes)  # noqa: S311  # no secret

    def plan(self, at: datetime, happen: Callable[[datetime], None]) -> None:
        """Plans an event for a moment."""
        if at <= self.until:
            heapq.heappush(self._events, Event(at, next(self._order), happen))

    def plan_after(self, now: datetime, hours: tuple[float, float], happen: Callable[[datetime], None]) -> None:
        """Plans an event for a random moment, between these numbers of hours from now."""
        self.plan(now + timedelta(hours=self.random.uniform(*hours)), happen)

    def next(self) -> Event | None:
        """Takes the earliest event off the queue."""
        return heapq.heappop(self._events) if self._events else None

    def chance(self, share: float) -> bool:
        """True in this share of all cases."""
        return self.random.random() < share

    def staff(self, team: Team, now: datetime, *roles: Role, but_not: User | None = None) -> User:
        """
        A member of the team in one of these roles; if there is none, a service manager, as a small team would do.

        :raises NothingToSeed: there is neither.
        """
        memberships = Membership.objects.current(local_day(now)).select_related("user").order_by("pk")
        people = [each.user for each in memberships.filter(team=team, role__in=roles) if each.user != but_not]
        people = people or [each.user for each in memberships.filter(role=Role.SERVICE_MANAGER)]
        if not people:
            raise NothingToSeed(f"{team} has nobody in the roles that the demonstration needs.")
        return self.random.choice(people)
