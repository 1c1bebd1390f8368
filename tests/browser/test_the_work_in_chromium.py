"""
The work with a family in a real browser: its agreement is sought and a clock stands still, partners are asked, it is
decided, taken on and passed on; reminders are seen and put off; a message that does not go out is seen to.
"""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from casework import outbox
from casework.actions import handoffs, partner_checks, reminders
from casework.models import Case, Contact, Message, OutboxMessage
from localities.models import Agency, User
from localities.working_time import local_day
from tests.service import Service
from tests.story import Story

MESSAGES = "/admin/casework/outboxmessage/"
OFFERS = "Offer the case to another team"


def person(username: str) -> User:
    return User.objects.get(username=username)


def about(story: Story, number: int, *names: str, asked: bool = True, indicators: list[str] | None = None) -> Contact:
    """A contact about these children of one family, unlike every other."""
    day = local_day(story.now) - timedelta(days=1)
    given = {"service": "given", "given_by": "mother", "on": day.isoformat()}
    children = [
        {
            "ref": f"c{place}",
            "first_name": name,
            "last_name": f"Family{number}",
            "date_of_birth": f"20{8 + 2 * place + number % 2:02}-0{number}-1{place}",
            "address": {"lines": [f"{number} Example Road"], "postcode": "HP20 1UA"},
            "indicators": ["L3-12"] if indicators is None else indicators,
        }
        for place, name in enumerate(names, start=1)
    ]
    agreement = given if asked else {"service": "not_sought"}
    return story.contact(children=children, adults=[], family_indicators=[], agreement=agreement)


def passed(story: Story, case: Case, to: str, by: str, accepts: str, **why: str) -> None:
    """Offered to another team, which takes it on."""
    handoff = handoffs.offer(
        case_id=case.pk, to_team_id=story.team(to).pk, reason="They moved.", by=person(by), now=story.later(), **why
    )
    handoffs.accept(handoff_id=handoff.pk, by=person(accepts), now=story.later())


def parked(contact: Contact) -> OutboxMessage:
    """A message that no mail server took. Whole in one transaction: the worker, which runs, never has it."""
    now, key = timezone.now(), f"browser:{contact}"
    with transaction.atomic():
        outbox.add(Message.FEEDBACK, to="dsl@school.example", key=key, at=now, contact=contact)
        message = OutboxMessage.objects.get(idempotency_key=key)
        message.attempts, message.last_error, message.parked_at = 30, "SMTPRecipientsRefused", now
        message.save()
    return message


@pytest.fixture(scope="module")
def told(service: Service) -> dict[str, str]:
    """Work that lay for more than a week, so that much of it is late whatever day it is; reminders went out."""
    story = Story(timezone.now() - timedelta(days=9))
    to_and_fro = story.accepted(about(story, 1, "Ada"))
    passed(story, to_and_fro, "chiltern", by="ben", accepts="chris")
    passed(story, to_and_fro, "aylesbury", by="chris", accepts="ben", lead_reason="They moved back to their aunt's.")
    held = story.accepted(about(story, 2, "Bo"))
    late = about(story, 3, "Cleo", asked=False)
    partner_checks.ask(
        contact_id=late.pk, agency_id=Agency.objects.get(code="example-police").pk,
        question="Have you been called to the home since September?", by=person("amina"), now=story.later(),
    )  # fmt: skip
    story.offered(about(story, 4, "Dee"))
    reminders.sweep(now=timezone.now())
    return {
        "contact": f"/contacts/{late}/",
        "case": f"/cases/{held}/",
        "to_and_fro": f"/cases/{to_and_fro}/",
        "message": f"{MESSAGES}{parked(late).pk}/change/",
    }
