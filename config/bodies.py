"""What the service answers where it does not read a body: at every address alike, and before any view."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.http import parse_header_parameters

from casework.web import errors
from config.refusals import REFUSED, Refusal

# Names of what we read: ASCII is UTF-8 as well.
UTF_8 = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
PACKED = (
    "The body is packed ({coding}), and packed bodies are not read here. Send it as it is, without Content-Encoding."
)
OTHER_CHARSET = "The body is not UTF-8: its Content-Type says so. Send it as UTF-8, and leave the charset out."
SAYS = {
    408: "It took too long until the body had come, and nothing of it was read. Send it again.",
    413: "The body is larger than any that is read here. A file may have 20 MB, and everything else 1 MB.",
    503: "Too many large bodies are coming in at this moment, and this one was not read. Send it again in a minute.",
}


class BodiesMiddleware:
    """Refuses what the web server has not read to its end, and what is packed or in other letters than UTF-8."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        refusal = request.META.get(REFUSED) or _unreadable(request)
        if refusal is None:
            return self.get_response(request)
        answer = errors.not_read(request, refusal.status, refusal.says or SAYS[refusal.status])
        if refusal.status == 415:
            # RFC 9110, section 12.5.3: which codings would have been read.
            answer["Accept-Encoding"] = "identity"
        if refusal.status == 503:
            answer["Retry-After"] = "60"
        return answer


def _unreadable(request: HttpRequest) -> Refusal | None:
    if request.META.get("CONTENT_LENGTH", "") in {"", "0"}:
        return None
    coding = request.headers.get("Content-Encoding", "").strip().lower()
    if coding not in {"", "identity"}:
        named = coding if coding.isascii() and coding.isalnum() and len(coding) <= 20 else "Content-Encoding"
        return Refusal(415, PACKED.format(coding=named))
    charset = parse_header_parameters(request.META.get("CONTENT_TYPE", ""))[1].get("charset", "utf-8")
    return None if charset.strip().lower() in UTF_8 else Refusal(415, OTHER_CHARSET)
