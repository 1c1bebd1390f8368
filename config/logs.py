"""
Logs: what happened, when, to which reference. Never a name, an address or what somebody wrote.

An exception is logged by its class and its stack, never by its message: a database's message quotes the row.
"""

import logging
import logging.config
import sys
import time
import traceback
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse
from django_structlog import middlewares
from structlog.typing import EventDict, WrappedLogger

_STARTED = "front_door.started"
_QUIET = {
    "celery.app.trace": "WARNING",
    "celery.beat": "WARNING",
    "celery.worker.strategy": "WARNING",
    "django.server": "WARNING",
    # It quotes Notify's answer, which may quote an address. The sender logs what failed.
    "notifications_python_client": "ERROR",
    "oauthlib": "WARNING",
    # It has a line for each request that waits for a thread.
    "waitress.queue": "ERROR",
}


def configure(options: dict[str, Any]) -> None:
    """
    Sets up logging. Django calls it (LOGGING_CONFIG).

    :param options: `level`; `json` (True: one JSON object a line, for a log collector; False: lines for a developer,
        who has no real family's data and sees the exceptions' messages too).
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        *([_exception_without_message] if options["json"] else []),
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
            "filters": {
                "route": {"()": RouteInsteadOfPath},
                "server": {"()": ServerWithoutPath},
                "task": {"()": TaskWithoutMessage},
            },
            "loggers": {name: {"level": level} for name, level in _QUIET.items()}
            | {name: {"filters": ["route"]} for name in ("django.request", "django.security.csrf")}
            | {"waitress": {"level": "WARNING", "filters": ["server"]}}
            | ({"celery.app.trace": {"level": "WARNING", "filters": ["task"]}} if options["json"] else {}),
        }
    )


def _exception_without_message(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
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
    """The URL pattern that matched, not the path: somebody may type a name into a path."""
    return request.resolver_match.route if request.resolver_match else None


class RouteInsteadOfPath(logging.Filter):
    """Replaces the path in Django's own lines about a request by its URL pattern."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        if isinstance(request, HttpRequest) and isinstance(record.args, tuple):
            route = _route(request) or "no route"
            record.args = tuple(route if arg == request.path else arg for arg in record.args)
        return True


class ServerWithoutPath(logging.Filter):
    """Removes the path from the web server's line about an answer that broke off: it stands in the message."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = str(record.msg).partition(" while serving ")[0]
        return True


class TaskWithoutMessage(logging.Filter):
    """Removes the exception's message from Celery's line about a failed task: the task's name stays."""

    def filter(self, record: logging.LogRecord) -> bool:
        args = record.args if isinstance(record.args, dict) else {}
        record.msg, record.args = "task failed: %s", (str(args.get("name", "unknown")),)
        return True


class RequestMiddleware(middlewares.RequestMiddleware):
    """
    One line for each request: how it went and how long it took, under an id that the answer carries too.

    It names the route, where the library's own would quote the path and what was asked for in it.
    """

    def prepare(self, request: HttpRequest) -> None:
        request.META[_STARTED] = time.monotonic()
        super().prepare(request)

    def handle_response(self, request: HttpRequest, response: HttpResponse) -> None:
        response["X-Request-ID"] = structlog.contextvars.get_contextvars()["request_id"]
        milliseconds = round((time.monotonic() - request.META[_STARTED]) * 1000)
        structlog.contextvars.bind_contextvars(
            route=_route(request), status=response.status_code, milliseconds=milliseconds
        )
        super().handle_response(request, response)

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        return f"{request.method} {_route(request) or 'no route'}"
