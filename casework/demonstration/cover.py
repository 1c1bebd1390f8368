"""The demonstration's rota, absences and telephone numbers. Everything has a fixed value: nothing is drawn."""

from datetime import datetime, time, timedelta

from casework.actions import absences, duties, shift_handovers
from casework.actions.duties import Entry
from casework.models import Absence, Case, DutyRole
from casework.statuses import CaseStatus
from localities import calendar
from localities.models import Membership, Role, Team, TeamKind, User
from localities.working_time import LONDON, begin_of_day, local_day


def create(now: datetime) -> None:
    """The rota of this week, with one gap; a lead practitioner who is away, and covered; and everybody's number."""
    _telephones()
    _rota(now)
    _absence(now)
    _handover(now)


def _telephones() -> None:
    """Numbers that Ofcom keeps free for stories: 01632 960000 to 960999."""
    for number, user in enumerate(User.objects.filter(telephone="").order_by("pk"), start=100):
        User.objects.filter(pk=user.pk).update(telephone=f"01632 960{number % 1000:03}")
    for number, team in enumerate(Team.objects.filter(telephone="").order_by("pk"), start=900):
        Team.objects.filter(pk=team.pk).update(telephone=f"01632 960{number % 1000:03}")


def _rota(now: datetime) -> None:
    today = local_day(now)
    monday = today - timedelta(days=today.weekday())
    day, night = _staff(TeamKind.FRONT_DOOR, now), _staff(TeamKind.EMERGENCY_DUTY, now)
    managers = [each for each in day if each.role == Role.FRONT_DOOR_MANAGER]
    workers = [each for each in day if each.role == Role.SOCIAL_WORKER]
    if not (managers and workers and night):
        return
    entries, week = [], [monday + timedelta(days=number) for number in range(7)]
    hours = {
        local_day(opens): (opens.astimezone(LONDON).time(), closes.astimezone(LONDON).time())
        for opens, closes in calendar.current().openings(
            begin_of_day(monday), until=begin_of_day(monday + duties.A_WEEK), local=True
        )
    }
    for number, on in enumerate(week):
        opens, closes = hours.get(on, (time(9), time(9)))
        if on in hours:
            entries.append(Entry(f"{number}-0", on, workers[0].user_id, DutyRole.SOCIAL_WORKER, opens, closes))
            entries.append(
                Entry(f"{number}-1", on, managers[number % len(managers)].user_id, DutyRole.MANAGER, opens, closes)
            )
        # Nobody is found yet for the night of Sunday.
        if number < 6:
            entries.append(
                Entry(f"{number}-2", on, night[number % len(night)].user_id, DutyRole.EMERGENCY, closes, time(9))
            )
    seen = duties.version_of(duties.of_week(monday))
    duties.set_week(monday=monday, entries=entries, seen=seen, by=managers[0].user, now=now)


def _absence(now: datetime) -> None:
    led = Case.objects.filter(status=CaseStatus.OPEN, lead_practitioner__isnull=False).order_by("pk")
    today = local_day(now)
    for case in led.select_related("lead_practitioner"):
        person = case.lead_practitioner
        assert person is not None
        cover = absences.who_can_cover([person], today).first()
        if cover is not None and not Absence.objects.on(today).exists():
            absences.record(
                person_id=person.pk, first_day=today, last_day=today + timedelta(days=3), covered_by_id=cover.pk,
                by=person, now=now,
            )  # fmt: skip
            return


def _handover(now: datetime) -> None:
    """The night has handed over this morning, and nobody has confirmed it yet."""
    night = _staff(TeamKind.EMERGENCY_DUTY, now)
    if night and night[0].team is not None:
        note = "A quiet night. The grandmother of the family in Example Road rings before ten: please take her call."
        shift_handovers.give(from_team_id=night[0].team.pk, note=note, by=night[0].user, now=now)


def _staff(kind: TeamKind, now: datetime) -> list[Membership]:
    current = Membership.objects.current(local_day(now)).filter(team__kind=kind)
    return list(current.select_related("user").order_by("pk"))
