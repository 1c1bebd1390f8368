"""Error pages: what they say when something broke that nobody did wrong."""

from typing import Any, NoReturn

import pytest
from django.contrib.sessions.models import Session
from django.db import DatabaseError, OperationalError
from pytest_django import Settings

from casework.web import errors
from tests.stage.staff import SignedIn, is_refused


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [(OperationalError, 503, errors.MAY_BE_SAVED), (DatabaseError, 400, errors.NOT_UNDERSTOOD)],
)
def test_a_database_that_is_lost_at_the_end_of_a_request_is_no_fault_of_the_request(
    db: None, monkeypatch: pytest.MonkeyPatch, settings: Settings, error: type[Exception], status: int, says: str
) -> None:
    """The session is written last; Django takes every error there for somebody who signed out meanwhile."""
    settings.SESSION_SAVE_EVERY_REQUEST = True
    client = SignedIn("amina").client

    def lost(*_: Any, **__: Any) -> NoReturn:
        raise error("server closed the connection unexpectedly")

    monkeypatch.setattr(Session, "save", lost)
    is_refused(client.get("/"), status, says)
