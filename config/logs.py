"""
Logs: what happened, when, to which reference. Never a name, an address or what somebody wrote.

An exception is logged by its class and the places in the code that it came through, not by its words: a database's
words quote the row.
"""

import logging
import logging.config
import sys
import time
import traceback
import uuid
from collections.abc import Callable
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse
from structlog.typing import EventDict, WrappedLogger

_QUIET = {
    "celery.app.trace": "WARNING",
    "celery.beat": "WARNING",
    "celery.worker.strategy": "WARNING",
    "django.server": "WARNING",
    # It quotes what Notify said, which may quote an address; what failed is logged by whoever sends.
    "notifications_python_client": "ERROR",
    "oauthlib": "WARNING",
}


def configure(options: dict[str, Any]) -> None:
    """
    Set up logging; Django calls it.

    :param options: `level`; `json` (one JSON object a line, for a log collector; else lines for a developer, who has
        no real family's data and sees an exception's words too).
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        *([_exception_without_words] if options["json"] else []),
    ]
    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer()
    if not options["json"]:
        plain = structlog.dev.plain_traceback
        renderer = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=plain)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": shared,
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    }
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"plain": formatter},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
            "root": {"level": options["level"], "handlers": ["stderr"]},
            "filters": {"route": {"()": RouteInsteadOfPath}, "task": {"()": TaskWithoutWords}},
            "loggers": {name: {"level": level} for name, level in _QUIET.items()}
            | {name: {"filters": ["route"]} for name in ("django.request", "django.security.csrf")}
            | ({"celery.app.trace": {"level": "WARNING", "filters": ["task"]}} if options["json"] else {}),
        }
    )


def _exception_without_words(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    exc_info = event.pop("exc_info", None)
    if exc_info is True:
        exc_info = sys.exc_info()
    if isinstance(exc_info, BaseException):
        exc_info = (type(exc_info), exc_info, exc_info.__traceback__)
    if isinstance(exc_info, tuple) and exc_info[0] is not None:
        event["error"] = exc_info[0].__name__
        frames = traceback.extract_tb(exc_info[2])
        event["through"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-12:]]
    return event


def _route(request: HttpRequest) -> str | None:
    """The route, not the path: a path that somebody made up may hold anything."""
    return request.resolver_match.route if request.resolver_match else None


class RouteInsteadOfPath(logging.Filter):
    """Django's own lines about a request give its path; ours give the route that it took."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        if isinstance(request, HttpRequest) and isinstance(record.args, tuple):
            route = _route(request) or "no route"
            record.args = tuple(route if arg == request.path else arg for arg in record.args)
        return True


class TaskWithoutWords(logging.Filter):
    """Celery's line about a task that failed quotes the exception; ours names the task, and the exception's class."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.args if isinstance(record.args, dict) else {}
        record.msg, record.args = "task failed: %s", (str(said.get("name", "unknown")),)
        return True


class RequestLogMiddleware:
    """One line for each request: how it went and how long it took, under an id that the answer carries too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.log = structlog.get_logger("front_door.requests")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = uuid.uuid4().hex
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            started = time.monotonic()
            response = self.get_response(request)
            response["X-Request-ID"] = request_id
            self.log.info(
                "request",
                method=request.method,
                route=_route(request),
                status=response.status_code,
                milliseconds=round((time.monotonic() - started) * 1000),
            )
        return response
