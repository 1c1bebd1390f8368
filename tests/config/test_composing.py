"""Our backend composes the SQL that Django's own does, letter by letter."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.models import Count, F, Min, Q, QuerySet

from casework.models import Case, Clock, Contact, ContactAdult, Handoff, Person, PersonMatch, Reminder
from casework.reading import front_door, worklists
from config.postgresql.compiler import SQLCompiler
from localities.models import Team, User

NOW = datetime(2026, 11, 19, 10, tzinfo=UTC)

QUERIES: dict[str, Callable[[User], QuerySet[Any]]] = {
    "a table": lambda user: Team.objects.all(),
    "what waits": lambda user: front_door.awaiting(user, NOW),
    "who offers what": lambda user: worklists.offered(user, [1, 2], NOW)[:20],
    "the cases of a team": lambda user: worklists.open_cases(user, [1, 2], NOW)[50:100],
    "one table by several joins": lambda user: worklists.my_reminders(user, NOW),
    "a table joined with itself": lambda user: Contact.objects.select_related(
        "resend_of__agency", "agency", "case__opened_by_decision__contact"
    ).order_by("resend_of__received_at", "pk"),
    "a few columns": lambda user: PersonMatch.objects.select_related("child__contact", "adult__person").defer(
        "child__contact__document", "score"
    ),
    "only some": lambda user: Person.objects.only("reference", "same_as").select_related("same_as"),
    "values": lambda user: Contact.objects.order_by("agency__name").values("agency__name", "pk", who=F("team__name")),
    "a union": lambda user: (
        Person.objects.filter(same_as=1).union(Person.objects.filter(Q(pk=1) | Q(pk=2)), all=True).order_by("reference")
    ),
    "an order by what is selected": lambda user: (
        Contact.objects.annotate(soonest=Min("clocks__due_at"), who=F("agency__name"))
        .select_related("team")
        .order_by("who", F("soonest").desc(), "team__name", "-pk")
    ),
    "groups": lambda user: Handoff.objects.values("to_team__kind").annotate(many=Count("pk")).order_by("-many"),
    "whole rows in groups": lambda user: Case.objects.annotate(many=Count("contacts")).select_related("locality"),
    "none twice": lambda user: Clock.objects.order_by("contact_id", "-pk").distinct("contact_id"),
    "a query in a query": lambda user: ContactAdult.objects.filter(
        person__in=Person.objects.filter(same_as__in=Person.objects.filter(reference="PER-1")), contact__case=None
    ),
    "extra": lambda user: Reminder.objects.extra(select={"id": "step"}).order_by("id").reverse(),
}


@pytest.mark.parametrize("asked", QUERIES)
def test_as_django_does(asked: str, amina: User) -> None:
    """Also a second time, from what was kept."""

    def composed(by: Any) -> Any:
        return QUERIES[asked](amina).query.get_compiler(connection=by).as_sql()

    assert [composed(connection), composed(connection)] == [composed(DatabaseWrapper(connection.settings_dict))] * 2
    assert type(QUERIES[asked](amina).query.get_compiler("default")) is SQLCompiler


@pytest.mark.parametrize("asked", QUERIES)
def test_what_comes_is_read_as_django_reads_it(asked: str, amina: User) -> None:
    """Also a second time, when each column has been asked."""

    def read(by: Any) -> dict[int, list[str]]:
        composes = QUERIES[asked](amina).query.get_compiler(connection=by)
        composes.setup_query()
        reads = composes.get_converters([column for column, *_ in composes.select])
        return {place: [each.__qualname__ for each in reading] for place, (reading, _) in reads.items()}

    assert [read(connection), read(connection)] == [read(DatabaseWrapper(connection.settings_dict))] * 2


def test_a_document_is_read() -> None:
    """What comes is not left as it comes where something reads it: the test above compares no empty answers."""
    composes = Contact.objects.all().query.get_compiler("default")
    composes.setup_query()
    reads = composes.get_converters([column for column, *_ in composes.select])
    assert "document" in {column.target.name for _, column in reads.values()}
