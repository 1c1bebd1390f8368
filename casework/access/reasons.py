"""Why somebody searches."""

from datetime import date

from django.db import models

from localities.models import OVERSEEING_ROLES, User
from localities.roles import roles_of


class SearchReason(models.TextChoices):
    """The reasons for a search. The first two follow from the user's role."""

    FRONT_DOOR = "front_door", "Work at the front door"
    OWN_CASE = "own_case", "A case of my team"
    ASKED = "asked", "Somebody asked me about this family"
    SUPERVISION = "supervision", "Supervision, audit or quality"
    COMPLAINT = "complaint", "A complaint, or a request for information"
    RESTRICTION = "restriction", "Looking after restricted records"


TO_CHOOSE = (SearchReason.ASKED, SearchReason.SUPERVISION, SearchReason.COMPLAINT, SearchReason.RESTRICTION)


def own_reason(by: User, on: date) -> SearchReason | None:
    """
    The reason that follows from the user's role; None if they must choose one.

    Searching is the work of front-door staff, and a team finds only the people of its own cases. Users who see
    everybody in another role must give a reason.
    """
    who = roles_of(by, on)
    if who.front_door_roles:
        return SearchReason.FRONT_DOOR
    return SearchReason.OWN_CASE if who.team_ids and not who.has(*OVERSEEING_ROLES) else None
