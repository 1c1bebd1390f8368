"""What the service's own loggers say."""

from typing import Any

import pytest


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """
    Each line, as its logger wrote it, since the last look.

    structlog's own `capture_logs` hears nothing of a logger that was used before it.
    """
    said = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    caplog.clear()
    return said
