"""
Reference data: teams, places, working time. They seldom change, so each process caches them by version.

`current()` reads the versions of all tables in one small statement, inside the caller's transaction, and reads only the
changed tables again. So nobody works with data that an earlier transaction has replaced, and a transaction sees its own
changes. Versions are random, so that a version that was rolled back never comes again.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from localities import calendar
from localities.models import Postcode, ReferenceVersion, Team, TeamKind
from localities.placing import Catchments, OurPostcodes, Places
from localities.working_time import WorkingTime

READ_VERSIONS = 'SELECT "table", version FROM localities_referenceversion'
# The cached versions of each table: the latest, and those of open transactions.
CACHED_VERSIONS = 4


class Reference:
    """
    The reference data at one moment. An action reads them once and passes them on.

    :param versions: the version of each table, by the table's name.
    """

    def __init__(self, versions: Mapping[str, UUID]) -> None:
        self.versions = versions
        self.teams: tuple[Team, ...] = _teams(versions["localities_team"], versions["localities_locality"])
        self.places = Places(
            _catchments(versions["localities_catchment"], versions["localities_locality"]),
            _postcodes(versions["localities_postcode"]),
        )
        self.working_time: WorkingTime = _working_time(
            versions["localities_calendarday"], versions["localities_hubhours"]
        )

    def team(self, team_id: int) -> Team:
        """:raises KeyError: there is no such team."""
        for team in self.teams:
            if team.pk == team_id:
                return team
        raise KeyError(team_id)

    def teams_of(self, *kinds: TeamKind) -> list[Team]:
        """The active teams of these kinds, in the order of their names."""
        return [team for team in self.teams if team.is_active and team.kind in kinds]

    def first_team_of(self, kind: TeamKind) -> Team | None:
        """The active team of this kind with the first code; None if there is none."""
        return min(self.teams_of(kind), key=lambda team: team.code, default=None)


def current() -> Reference:
    """The reference data as this transaction sees them now."""
    with connection.cursor() as cursor:
        cursor.execute(READ_VERSIONS)
        return from_rows(cursor.fetchall())


def reading_versions() -> QuerySet[ReferenceVersion, tuple[str, UUID]]:
    """The query whose rows `from_rows` takes, for a caller who reads them with others."""
    return ReferenceVersion.objects.values_list("table", "version")


def from_rows(rows: Iterable[tuple[str, UUID]]) -> Reference:
    """The reference data for the rows of `READ_VERSIONS`, for a caller who reads them in another statement."""
    return Reference(dict(rows))


@lru_cache(maxsize=CACHED_VERSIONS)
def _teams(*versions: UUID) -> tuple[Team, ...]:
    return tuple(Team.objects.select_related("locality"))


@lru_cache(maxsize=CACHED_VERSIONS)
def _catchments(*versions: UUID) -> Catchments:
    return Catchments()


@lru_cache(maxsize=CACHED_VERSIONS)
def _postcodes(version: UUID) -> OurPostcodes:
    """All postcodes of the area: about two megabytes for a county."""
    return OurPostcodes(Postcode.objects.order_by().values_list("pk", flat=True))


@lru_cache(maxsize=CACHED_VERSIONS)
def _working_time(*versions: UUID) -> WorkingTime:
    return calendar.current()


assert ReferenceVersion._meta.db_table in READ_VERSIONS
