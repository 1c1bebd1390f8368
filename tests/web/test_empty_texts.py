"""A text of nothing but characters that nobody sees is empty in every form, as it is in the documents of partners."""

import re
from datetime import date

import pytest
from django.http import HttpRequest, HttpResponse

from casework.facts import typed
from casework.facts.contact_document import read_contact
from casework.facts.typed import Read
from casework.web.decision_form import SignOffForm
from casework.web.forms import PartnerWithdrawForm
from config.middleware import DirectionMiddleware
from errors import InvalidInput
from localities.models import User
from tests.stage.documents import child, contact_document
from tests.stage.sessions import sign_in
from tests.stage.story import Story
from tests.stage.web_client import browser

# Blanks, what has no width, fillers, the empty pattern of braille, and what only changes the character before it.
NOTHING = [
    "", " \n", "\u200b", "\u00a0\u200d", "\ufeff", "\u00ad", "\u3164", "\uffa0", "\u115f\u1160", "\u2800 \u2800",
    "\u034f", "\ufe0f", "\u180b", "\u2066\u2069", "\u202e\u202c", "\u206a", "\ufffa", "\U000e0041\U000e007f",
    "\U000e0100", "\U0001d173",
]  # fmt: skip


@pytest.mark.parametrize("nothing", NOTHING, ids=ascii)
def test_what_nobody_sees_is_no_reason(nothing: str) -> None:
    withdraw = PartnerWithdrawForm({"reason": nothing})
    assert withdraw.is_valid()
    assert withdraw.cleaned_data == {"reason": ""}, "the action says what is missing"
    assert "rationale" in SignOffForm({"answer": "agree", "rationale": nothing}).errors
    assert SignOffForm({"answer": "agree", "rationale": f"{nothing}So."}).is_valid()


@pytest.mark.parametrize("nothing", NOTHING, ids=ascii)
def test_nor_a_worry_or_a_name(nothing: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_contact(contact_document(concern={"worries": nothing}), indicators=(), today=date(2026, 11, 30))
    assert [fault.pointer for fault in refused.value.faults] == ["#/concern/worries"]
    assert re.search(f"[^{typed.BLANKS}]", nothing) is None, "the description of the API says the same"
    document = contact_document(children=[child(first_name=nothing, last_name=f"{nothing}Ash{nothing}")])
    (entry,) = read_contact(document, indicators=(), today=date(2026, 11, 30)).entry.children
    assert (entry.first_name, entry.last_name) == (Read(), Read("Ash"))


@pytest.mark.parametrize(
    "name", ["مريم", "דוד", "नेहा", "شاه\u200cنواز", "김민준", "O\u2019Neil", "Zoë", "葛\U000e0100城", "Kofi-Ò\u0323là"]
)
def test_names_of_every_script_stay_as_they_are(name: str) -> None:
    assert typed.in_one_line(name) == name
    assert typed.name(name, {}) == Read(name)


@pytest.mark.parametrize("born", ["0001-01-01", "1/1/0001", "1849-12-31", "9999-12-31", "1/1/1900"])
@pytest.mark.parametrize("who", ["children", "adults"])
def test_nobody_alive_is_born_then_and_somebody_is_asked(who: str, born: str) -> None:
    people = {"children": [child(date_of_birth=born)], "adults": [{"first_name": "Sam", "date_of_birth": born}]}
    reading = read_contact(
        contact_document(**{**people, **({"children": [child()]} if who == "adults" else {"adults": []})}),
        indicators=(), today=date(2026, 11, 30),
    )  # fmt: skip
    (person,) = getattr(reading.entry, who)
    assert person.date_of_birth.value is None
    assert (who, 0, "date_of_birth") in [each.path for each in reading.to_check]
    assert reading.document[who][0]["date_of_birth"] == born


def test_pages_and_tables_do_not_turn_the_direction_of_writing_around() -> None:
    sent = "Ash \u202efdp.exe\u202c \u2066x\u2069 \u05d3\u05d5\u05d3\u200f é"

    def page(kind: str) -> str:
        answer = DirectionMiddleware(lambda request: HttpResponse(sent, content_type=kind))(HttpRequest())
        return answer.content.decode()

    assert page("text/html; charset=utf-8") == page("text/csv") == "Ash fdp.exe x \u05d3\u05d5\u05d3\u200f é"
    assert page("application/json") == sent


def test_what_somebody_wrote_is_shown_in_the_direction_of_its_letters(story: Story) -> None:
    contact = story.contact(concern={"worries": "He said \u202enever\u202c \u2067again\u2069."})
    amina = browser()
    sign_in(amina, User.objects.get(username="amina"))
    shown = amina.get(f"/contacts/{contact.reference}/").content.decode()
    assert "He said never again." in shown
    assert "\u202e" in contact.document["concern"]["worries"], "the record keeps what was sent"
