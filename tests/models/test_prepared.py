"""Statements that run for every contact are planned once for a connection, and several go in one round trip."""

import pytest
from django.db import DataError, connection, transaction
from django.test.utils import CaptureQueriesContext

from casework.models.prepared import Prepared, send
from tests.stage.sql import run

PREPARED = "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'a_test_%'"


@pytest.mark.django_db
def test_they_go_together_and_stay_prepared() -> None:
    halved = Prepared("a_test_halves", "SELECT 10 / %(by)s::int, %(by)s::text || %(what)s::text")
    listed = Prepared("a_test_lists", "SELECT json_array_elements_text(%(all)s)")
    with CaptureQueriesContext(connection) as queries:
        assert send(halved(by=5, what=" % of 'it'"), listed(all='["a", "b"]'), halved(by=2, what="")) == [
            [(2, "5 % of 'it'")],
            [("a",), ("b",)],
            [(5, "2")],
        ]
    assert len(queries) == 1
    with pytest.raises(DataError, match="division by zero"), transaction.atomic():
        send(halved(by=0, what=""))
    assert send(halved(by=1, what="")) == [[(10, "1")]]
    assert run(PREPARED) == [(2,)]
