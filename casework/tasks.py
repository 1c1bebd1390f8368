"""The Celery tasks. Each is safe to run twice, and at the same time as itself."""

from celery import shared_task
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone
from oauth2_provider.models import clear_expired

from casework.jobs import (
    agency_events,
    calendar_changes,
    contact_batches,
    delivery,
    files,
    hidden_addresses,
    integrity_checks,
    late_answers,
    lost_leads,
    lost_owners,
    open_lists,
    opening,
    rechecks,
    replaying,
    sign_ins,
    stale_recommendations,
    sweep,
    webhooks,
)
from casework.reading import open_list_files

# Half a million contacts take a minute or two. The broker's visibility timeout is ten minutes.
LONG_RUNNING = {"soft_time_limit": 480, "time_limit": 510}


@shared_task
def sweep_clocks() -> None:
    """Sends reminders for the clocks that are due, and tells agencies whose answers are."""
    sweep.sweep(now=timezone.now())
    late_answers.tell(now=timezone.now())


@shared_task
def forget_what_ran_out() -> None:
    """Deletes expired sessions, access tokens, what is kept of signing in for a time only, old batches and events."""
    SessionStore.clear_expired()
    clear_expired()
    sign_ins.forget(now=timezone.now())
    contact_batches.forget(now=timezone.now())
    agency_events.forget(now=timezone.now())


@shared_task
def take_in_batches() -> None:
    """Takes in the contacts that partners' systems sent in batches."""
    contact_batches.take_in(clock=timezone.now)


@shared_task
def number_events() -> None:
    """Numbers what changed for agencies, so that they may read it."""
    agency_events.number()


@shared_task
def send_webhooks() -> None:
    """Sends events to the agencies that take them."""
    webhooks.deliver(clock=timezone.now)


@shared_task
def drain_outbox() -> None:
    """Sends the messages in the outbox."""
    delivery.drain(clock=timezone.now)


@shared_task(**LONG_RUNNING)
def run_replays() -> None:
    """Runs the next replay that waits, if there is one."""
    replaying.run_next(clock=timezone.now)


@shared_task
def recompute_clocks() -> None:
    """Recomputes the clocks that run over a changed day of the calendar."""
    calendar_changes.recompute(clock=timezone.now)


@shared_task
def renew_recommendations() -> None:
    """Renews the recommendations on contacts for whose children a case has opened."""
    stale_recommendations.renew(now=timezone.now())


@shared_task
def recheck_hidden_addresses() -> None:
    """Finds out anew whose address is hidden, where an upgrade noted that it must be."""
    hidden_addresses.recheck(now=timezone.now())


@shared_task
def pass_to_day_team() -> None:
    """Passes the contacts that wait with emergency duty to the day team when the hub opens."""
    opening.pass_to_day_team(now=timezone.now())


@shared_task
def release_contacts() -> None:
    """Takes contacts from an owner who cannot see to them any more, and has leads named who left their team."""
    lost_owners.release(now=timezone.now())
    lost_leads.release(now=timezone.now())


@shared_task
def copy_open_list() -> None:
    """Copies the open list of each team to the folder, once in a quarter of an hour."""
    open_lists.make(files=open_list_files.files, now=timezone.now())


@shared_task
def recheck_recommendations() -> None:
    """Recomputes a sample of the stored recommendations."""
    rechecks.recheck(now=timezone.now())


@shared_task(**LONG_RUNNING)
def check_integrity() -> None:
    """Checks every invariant of the database."""
    integrity_checks.check(now=timezone.now())


@shared_task(**LONG_RUNNING)
def check_files() -> None:
    """Has files checked for viruses."""
    files.check(clock=timezone.now)


@shared_task
def draw_previews() -> None:
    """Draws smaller pictures of files, to look at."""
    files.draw_previews(clock=timezone.now)


@shared_task(**LONG_RUNNING)
def tidy_files() -> None:
    """Deletes content of files that no row has."""
    files.tidy(now=timezone.now())
