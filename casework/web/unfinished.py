"""
Unfinished forms: what somebody types into a form of a record's page is kept while they type, until it is recorded.

A form opts in with an entry in `PURPOSES`, and in its template: the tag `unfinished_form`; `data-draft` on the form;
inside it `front_door/unfinished/begin.html` and `end.html`; and on the page the script `draft.js`. The script saves, or
a button; whatever is sent is kept before it is recorded (`keeping.py`). A form that is filled in with what the record
says also has the hidden field `stood` (`typed.py`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.http import HttpRequest, QueryDict
from django.urls import resolve, reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from casework.actions import unfinished_forms
from casework.models import Case, Contact, UnfinishedForm
from casework.web.draft_form import is_key, new_key
from casework.web.forms import ActionForm
from casework.web.rendering import time_in_words
from casework.web.signed_in import user_of
from casework.web.typed import chosen, own_words

# The hidden inputs that every form of this kind has, and the buttons that keep it.
KEY, VERSION, PAGE, TYPIST, KEEP = "kept", "version", "page", "typist", "keep"
# What belongs to the sending of a form, and was not typed.
NOT_TYPED = frozenset({KEY, VERSION, PAGE, TYPIST, KEEP, "csrfmiddlewaretoken", "confirmed"})
# Where the request has the form that it sends, once that is kept.
KEPT = "kept_form"
# No reference of a record is longer, nor the address of a form.
MOST_OF_A_REFERENCE, MOST_OF_AN_ADDRESS = 20, 200
# The forms that are kept, by the name in `urls.py` of the address that each is sent to: what it is for, and whether it
# has a page of its own. A form that is missing here is shown and sent as others are, and nothing of it is kept.
PURPOSES = {
    "contact-decide": ("Decision", True),
    "contact-sign-off": ("Sign-off", True),
    "contact-agreement": ("The family's agreement", False),
    "contact-correct": ("Correction", True),
    "contact-correct-person": ("Correction", True),
    "contact-ask-partner": ("Request to a partner", False),
    "contact-partner-answer": ("Answer of a partner", False),
    "contact-answer-sender": ("Answer to a referrer", False),
    "contact-partner-tell": ("Answer to a partner", False),
    "contact-partner-withdraw": ("Withdrawal of a request to a partner", False),
    "contact-hand-over": ("Handover", False),
    "rota": ("Rota", True),
    "shift-handover": ("Handover sheet", True),
    "shift-handover-add": ("Addition to a handover sheet", False),
    "contact-match": ("Answer to a possible match", False),
    "contact-undo-match": ("Undoing a match", False),
    "contact-note-write": ("Note", True),
    "contact-note-correct": ("Correction of a note", True),
    "case-note-write": ("Note", True),
    "case-note-correct": ("Correction of a note", True),
    "case-offer": ("Offer to another team", True),
    "case-return": ("Return of the case", True),
    "case-withdraw": ("Withdrawal of the offer", True),
    "case-step-up": ("Step up", True),
    "case-step-down": ("Step down", True),
    "case-close": ("Closing of the case", True),
    "case-keep-open": ("Why the case stays open", True),
}


@dataclass(frozen=True)
class OpenForm:
    """
    A form as a page has it open.

    :param kept: what was typed into it before; None where nothing was.
    :param page: of this page, as somebody has it open.
    :param others: what they typed into the same form in other tabs.
    """

    kept: UnfinishedForm | None
    page: str
    others: "list[Unfinished]"

    @property
    def key(self) -> str:
        return self.kept.key if self.kept else self.page

    @property
    def version(self) -> int:
        return self.kept.version if self.kept else 0

    @property
    def saved(self) -> str:
        return saved(self.kept) if self.kept else ""


class Unfinished(NamedTuple):
    """
    A form that somebody has not recorded: what it is for, when it was saved, and what was typed, in words.

    :param opens_at: its page, with what was typed; empty if it stands on the page of its record.
    """

    form: UnfinishedForm
    purpose: str
    saved: str
    typed: list[tuple[str, str]]
    opens_at: str


def saved(form: UnfinishedForm) -> str:
    return f"Saved at {time_in_words(form.saved_at)}, not recorded yet."


def is_somebody_elses(request: HttpRequest) -> bool:
    """Whether somebody else has signed in in this browser since the form was opened."""
    return request.POST.get(TYPIST, str(user_of(request).pk)) != str(user_of(request).pk)


def keep(request: HttpRequest) -> UnfinishedForm | None:
    """
    Keeps the form that is sent. None if it is none of these, or if nothing is typed into it: what was kept of it before
    goes then.
    """
    match, user, key, now = request.resolver_match, user_of(request), request.POST.get(KEY, ""), timezone.now()
    if match is None or match.url_name not in PURPOSES or not is_key(key):
        return None
    record, address = record_in(match.kwargs), address_of(request)
    if len(record) > MOST_OF_A_REFERENCE or len(address) > MOST_OF_AN_ADDRESS:
        return None
    if not (chosen(request.POST) or own_words(request.POST) or _somebody_is_chosen(request.POST)):
        unfinished_forms.delete(key=key, by=user, now=now)
        return None
    version = request.POST.get(VERSION, "")
    return unfinished_forms.save(
        key=key,
        record=record,
        address=address,
        typed={name: [str(value) for value in request.POST.getlist(name)] for name in request.POST.keys() - NOT_TYPED},
        page=_page_of(request),
        seen_version=int(version) if version.isascii() and version.isdigit() and len(version) < 10 else 0,
        by=user,
        now=now,
    )


def record_in(address: Mapping[str, Any]) -> str:
    """
    What a form is about, by its address: the reference of a record, the number of a handover sheet, or the week of a
    rota.
    """
    return str(address.get("reference") or address.get("handover_id") or address.get("monday") or "")


def _somebody_is_chosen(data: QueryDict) -> bool:
    """On a line of the rota, of which nothing else is typed yet."""
    return any(value for name, value in data.items() if name.endswith("-person"))


def address_of(request: HttpRequest) -> str:
    """Where a form is sent to. A GET of it leads to the page on which the form stands."""
    match = request.resolver_match
    assert match is not None
    return reverse(match.view_name, kwargs=match.kwargs)


def _page_of(request: HttpRequest) -> str:
    """The open page that sends a form."""
    page = request.POST.get(PAGE, "")
    return page if is_key(page) else ""


def sent(request: HttpRequest) -> UnfinishedForm | None:
    """The form that this request sends, as it is kept."""
    found: UnfinishedForm | None = getattr(request, KEPT, None)
    return found


def kept_at(request: HttpRequest) -> UnfinishedForm | None:
    """The form that this request sends; for a GET, the last one that its user did not record at this address."""
    if request.method == "POST":
        return sent(request)
    return UnfinishedForm.objects.of(user_of(request)).filter(address=request.path).first()


def data_of(form: UnfinishedForm) -> QueryDict:
    """What was typed, as a browser sends it."""
    data = QueryDict(mutable=True)
    for name, values in form.typed.items():
        data.setlist(name, values)
    return data


def as_text(form: UnfinishedForm) -> str:
    """What was typed, in words, to be the text of a note."""
    typed = own_words(data_of(form))
    return typed[0][1] if len(typed) == 1 else "\n\n".join(f"{name}: {text}" for name, text in typed)


def note_begins_at(form: UnfinishedForm) -> str:
    """Where what was typed into a form becomes the text of a note; empty where it has none, or is a note."""
    match = resolve(form.address)
    name = match.url_name or ""
    of = name.split("-")[0]
    if "-note-" in name or of not in ("contact", "case") or not own_words(data_of(form)):
        return ""
    return reverse(f"{of}-note-begin", args=[match.kwargs["reference"]])


def opened(request: HttpRequest, record: Any, address: str, form: ActionForm | None = None) -> OpenForm:
    """
    The form at this address on the page of a record that was viewed.

    :param form: is filled in with what was typed before, unless it was sent just now.
    """
    return opened_among(_kept_on(record), request, address, form)


def opened_among(
    forms: Iterable[UnfinishedForm], request: HttpRequest, address: str, form: ActionForm | None = None
) -> OpenForm:
    """The form at this address: see `opened`. `forms`: what the user typed on the record, the last saved first."""
    kept = [each for each in forms if each.address == address]
    now_sent = sent(request)
    if now_sent is not None and now_sent.address == address:
        others = [each for each in kept if each.key != now_sent.key]
        return OpenForm(now_sent, _page_of(request), [_unfinished(each) for each in others])
    wanted = request.GET.get("form", "")
    this = next((each for each in kept if each.key == wanted), kept[0] if kept else None)
    if this is not None and form is not None and not form.is_bound:
        form.fill_in(data_of(this))
    return OpenForm(this, new_key(), [_unfinished(each) for each in kept if each is not this])


def unfinished_on(record: Contact | Case) -> list[Unfinished]:
    """What the user who views a record typed there and did not record, the last saved first."""
    return [_unfinished(each) for each in _kept_on(record)]


def _kept_on(record: Any) -> Iterator[UnfinishedForm]:
    found: list[Mapping[str, Any]] = getattr(record, "unfinished_forms", [])
    return (UnfinishedForm(**{**each, "saved_at": _moment(each["saved_at"])}) for each in found)


def _moment(text: str) -> datetime:
    at = parse_datetime(text)
    assert at is not None, "PostgreSQL writes moments in ISO 8601"
    return at


def _unfinished(form: UnfinishedForm) -> Unfinished:
    purpose, has_page = PURPOSES.get(resolve(form.address).url_name or "", ("Form", False))
    data = data_of(form)
    opens_at = f"{form.address}?form={form.key}" if has_page else ""
    return Unfinished(form, purpose, saved(form), [*chosen(data), *own_words(data)], opens_at)
