"""The everyday words by which indicators are found."""

import pytest

from triage.everyday_words import everyday_words, shipped
from triage.reading import load_yaml
from triage.ruleset import SHIPPED, parse

ENTRIES = parse(load_yaml(SHIPPED.read_text(encoding="utf-8"))).catalogue.entries


@pytest.mark.parametrize(
    ("word", "best", "also"),
    [
        ("bruise", "L4-27", "L4-01"),
        ("smack", "L4-01", "L3-27"),
        ("hit", "L4-01", "L4-29"),
        ("drunk", "L4-33", "L3-21"),
        ("drugs", "L4-15", "L4-33"),
        ("sofa surfing", "L4-50", "L3-34"),
        ("nits", "L3-03", "L3-24"),
        ("not eating", "L4-12", "L3-10"),
        ("cutting", "L4-10b", "L3-10"),
        ("gang", "L3-39", "L4-22"),
        ("knife", "L4-22", "L3-39"),
    ],
)
def test_an_indicator_is_found_by_an_everyday_word_and_the_best_fit_comes_first(
    word: str, best: str, also: str
) -> None:
    ranks = {code: ranks[word] for code, entry in ENTRIES.items() if word in (ranks := everyday_words(entry.says))}
    assert min(ranks, key=ranks.__getitem__) == best
    assert also in ranks


def test_every_indicator_has_everyday_words() -> None:
    assert [code for code, entry in ENTRIES.items() if not everyday_words(entry.says)] == []


def test_every_meaning_is_wording_of_some_indicator() -> None:
    """So that a change of the threshold document's wording leaves no everyday word behind."""
    wordings = [entry.says.casefold() for entry in ENTRIES.values()]
    meanings = [part for entry in shipped().words for part in entry.means]
    assert [part for part in meanings if not any(part.casefold() in wording for wording in wordings)] == []


def test_an_indicator_of_a_council_of_its_own_is_found_too() -> None:
    assert everyday_words("Head hygiene needs treatment")["nits"] == 0
    assert everyday_words("Something else") == {}
