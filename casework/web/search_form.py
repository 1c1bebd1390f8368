"""The search box, and what somebody typed, kept in the session for as long as they may go back to it."""

import secrets
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django import forms
from django.http import HttpRequest

from casework.access.reasons import TO_CHOOSE
from casework.families.typed_search import MOST_TYPED
from casework.web.forms import ActionForm
from casework.web.rendering import Radios, TextInput

SEARCHES, LOOKS = "searches", "looks"
MOST_KEPT = 10
KEPT_FOR = timedelta(hours=1)


class SearchForm(ActionForm):
    """One box. Those who see everybody and work with nobody say why they search."""

    text = forms.CharField(
        label="What do you know?",
        required=False,
        max_length=MOST_TYPED,
        widget=TextInput(autocomplete="off", spellcheck="false"),
        help_text="A reference, a name or how it begins, a date of birth or an expected date, an NHS number or unique "
        "pupil number, a postcode, an address or a telephone number; or several, as in “zoe nunez 2015”.",
        error_messages={"max_length": f"Enter {MOST_TYPED} characters or fewer."},
    )
    reason = forms.ChoiceField(
        label="Why do you search?",
        required=False,
        widget=Radios,
        choices=[(reason.value, reason.label) for reason in TO_CHOOSE],
        help_text="It is kept with the record of this search.",
    )

    def __init__(self, *args: Any, says_why: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not says_why:
            del self.fields["reason"]


class Typed(NamedTuple):
    """What somebody typed, and why they search."""

    text: str
    reason: str


def keep(request: HttpRequest, typed: Typed, now: datetime, under: str = SEARCHES) -> str:
    """
    Keeps what was typed in the session, so that it stands in no address. Returns the token that leads to it.

    :param under: `SEARCHES` or `LOOKS`.
    """
    token = secrets.token_urlsafe(12)
    kept = {**request.session.get(under, {}), token: [now.isoformat(), *typed]}
    request.session[under] = dict(list(kept.items())[-MOST_KEPT:])
    return token


def kept(request: HttpRequest, token: str, now: datetime, under: str = SEARCHES) -> Typed | None:
    """What was typed; None where it is no longer kept, or somebody else typed it."""
    found = request.session.get(under, {}).get(token)
    if found is None or now - datetime.fromisoformat(found[0]) > KEPT_FOR:
        return None
    return Typed(*found[1:])
