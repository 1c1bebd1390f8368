"""
What pages, e-mails and answers say where an earlier version of the shipped rules says it in other words.

A published version stays as it is stored, with the recommendations that it made: a new version for the sake of a word
would need two people to publish it in every council, and would leave all earlier contacts in the old words. So a title
or sentence that is exactly the shipped one is said in the words of today. It means the same. A council's own words
stay, and the pages of the rule sets themselves show each document as it is.
"""

import re

TITLES = {
    "Link to open work": "Send to allocated worker",
    "Before a MARAC": "Referred to MARAC",
}
SENTENCES = {
    "The domestic abuse is assessed as high risk, or is before a MARAC.": (
        "The domestic abuse is assessed as high risk, or has been referred to a MARAC."
    ),
}


def title_said(title: str) -> str:
    """The title of a pathway, a rule or a scenario."""
    return TITLES.get(title, title)


def version_said(name: str) -> str:
    """A version in words: `early-help-first/2` as "Early help first, version 2"."""
    match = re.fullmatch(r"([a-z][a-z0-9-]*)/([0-9]+)", name)
    return f"{match[1].replace('-', ' ').capitalize()}, version {match[2]}" if match else name


def sentence_said(says: str) -> str:
    """What a rule says, which may go on with the child and the indicators that made it fire."""
    for stored, today in SENTENCES.items():
        if says.startswith(stored):
            return today + says[len(stored) :]
    return says
