"""What pages say where the shipped rules say it in other words. The document and its recommendations stay as stored."""

import pytest

from triage.ruleset import SHIPPED, shipped
from triage.said_as import SENTENCES, TITLES, sentence_said, title_said, version_said


def test_what_is_said_otherwise_stands_in_the_shipped_rules_as_it_is_stored() -> None:
    """Else it would be said for nothing, and the old words would be back on the pages."""
    document = SHIPPED.read_text(encoding="utf-8")
    assert [words for words in (*TITLES, *SENTENCES) if words not in document] == []


def test_a_pathway_is_called_in_the_words_of_today_and_keeps_its_title() -> None:
    pathway = shipped().pathways["link_to_open_work"]
    assert (pathway.title, pathway.called) == ("Link to open work", "Send to allocated worker")
    assert shipped().pathways["family_help"].called == shipped().pathways["family_help"].title


def test_a_council_s_own_words_stay() -> None:
    assert title_said("Link to open work in Exampleshire") == "Link to open work in Exampleshire"
    assert sentence_said("The abuse is before a MARAC.") == "The abuse is before a MARAC."


def test_a_sentence_goes_on_with_what_made_it_fire() -> None:
    says = "The domestic abuse is assessed as high risk, or is before a MARAC. Child c1: Crying (L3-09)."
    assert sentence_said(says).endswith("or has been referred to a MARAC. Child c1: Crying (L3-09).")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("early-help-first/2", "Early help first, version 2"),
        ("likeness/3", "Likeness, version 3"),
        ("10/12", "10/12"),
        ("nothing", "nothing"),
    ],
)
def test_a_version_is_said_in_words(name: str, says: str) -> None:
    assert version_said(name) == says
