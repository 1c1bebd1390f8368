"""Conditional reading: whoever has an answer already is told that nothing has changed, and has seen nothing new."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.utils.http import parse_etags
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework.request import Request
from rest_framework.response import Response

IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match", OpenApiTypes.STR, OpenApiParameter.HEADER, description="The ETag of the answer that you have."
)
NOTHING_NEW = OpenApiResponse(description="Nothing has changed since.")


class NothingNewError(Exception):
    """The caller has this answer already."""

    def __init__(self, tag: str) -> None:
        self.tag = tag

    @property
    def response(self) -> Response:
        return Response(status=304, headers={"ETag": self.tag})


def tag_of(answer: Mapping[str, Any]) -> str:
    """The ETag of an answer, which changes with anything in it."""
    return f'"{hashlib.sha256(json.dumps(answer, sort_keys=True).encode()).hexdigest()[:32]}"'


def check_is_news(request: Request, tag: str) -> None:
    """:raises NothingNewError: the caller has the answer with this ETag."""
    known = parse_etags(request.headers.get("If-None-Match", ""))
    if "*" in known or tag in {each.removeprefix("W/") for each in known}:
        raise NothingNewError(tag)


def answer_if_new(request: Request, answer: Mapping[str, Any], tag: str = "") -> Response:
    """
    This answer, or 304 where the caller has it.

    :param tag: its ETag, where that is known already.
    """
    tag = tag or tag_of(answer)
    try:
        check_is_news(request, tag)
    except NothingNewError as nothing_new:
        return nothing_new.response
    return Response(answer, headers={"ETag": tag})
