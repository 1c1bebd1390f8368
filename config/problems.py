"""The format of every API error: a problem document (RFC 9457) that names every wrong field at once."""

from collections.abc import Sequence
from typing import Any

import structlog
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied, RequestDataTooBig
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from casework.api.lists import problem_document
from errors import Fault, InvalidInput, KeyUsedForAnother, NotAllowedInStatus, NotPermitted, ServiceError

log = structlog.get_logger()

TOO_MANY = (
    "Your agency has made more calls than it may in this time. Nothing was taken in. Send it again in as many seconds "
    "as Retry-After says. If it cannot wait, ring the front door; if a child is in danger now, ring 999."
)


def as_problem(error: Exception, context: dict[str, Any]) -> Response:
    """
    Makes the problem document for an error. Django REST framework calls it (EXCEPTION_HANDLER).

    `type` is a stable name. When the body is wrong, `errors` is a list of `pointer` (a JSON Pointer) and `detail`.
    """
    set_rollback()
    faults: Sequence[Fault] = ()
    match error:
        case InvalidInput():
            # Each view that takes a body says what becomes of one that is not valid.
            says = getattr(context["view"], "not_valid", "Correct the errors and send it again.")
            status, name, detail = 400, "invalid", says
            faults = error.faults
        case KeyUsedForAnother():
            status, name, detail = 422, "idempotency-key-reused", str(error)
        case NotPermitted():
            status, name, detail = 403, "not-permitted", str(error)
        case NotAllowedInStatus():
            status, name, detail = 409, "not-now", str(error)
        case ServiceError():
            status, name, detail = 503, "unavailable", str(error)
        case Http404() | ObjectDoesNotExist():
            status, name, detail = 404, "not-found", "There is nothing here that this agency may see."
        case RequestDataTooBig():
            status, name = 413, "too-large"
            detail = "The body is larger than any that is read here. A file may have 20 MB."
        case PermissionDenied():
            status, name, detail = 403, "not-permitted", "This is not allowed."
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            status, name, detail = 401, "not-authenticated", "Send a bearer token from /o/token that has not run out."
        case exceptions.UnsupportedMediaType():
            taken = " or ".join(parser.media_type for parser in context["view"].parser_classes)
            status, name = 415, "unsupported-media-type"
            detail = f"Send the body as {taken}, and say so in Content-Type."
        case exceptions.Throttled():
            status, name, detail = 429, "throttled", TOO_MANY
        case exceptions.APIException():
            status, name, detail = error.status_code, str(error.default_code).replace("_", "-"), _sentence(error)
            # What is wrong with the form of a body has its places, too.
            faults = getattr(error, "faults", ())
        case _:
            log.error("API error", exc_info=error)
            status, name, detail = (
                500,
                "error",
                "Something went wrong here, and nothing was stored. Send it again later.",
            )
    return problem(status, name, detail, faults, _headers(error))


def problem(
    status: int, name: str, detail: str, faults: Sequence[Fault] = (), headers: dict[str, str] | None = None
) -> Response:
    """A response with a problem document."""
    document = problem_document(status, name, detail, faults)
    return Response(document, status=status, headers=headers, content_type="application/problem+json")


def _headers(error: Exception) -> dict[str, str]:
    headers = {}
    if challenge := getattr(error, "auth_header", ""):
        headers["WWW-Authenticate"] = challenge
    if isinstance(error, exceptions.Throttled):
        headers["Retry-After"] = str(int(getattr(error, "wait", None) or 60) + 1)
    return headers


def _sentence(error: exceptions.APIException) -> str:
    detail = error.detail
    text = str(detail) if isinstance(detail, str) else "The request cannot be understood."
    return text if text.endswith((".", "!", "?")) else f"{text}."
