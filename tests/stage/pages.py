"""What several tests of the pages know: the addresses below a contact and a case, and how a form is filled in."""

import re
from typing import Any

from casework.models import Contact
from tests.stage.staff import as_recommended
from tests.stage.web_client import Page

OVERSEERS = {"sam", "ava", "iris"}
ON_CONTACTS = (
    "decide", "sign-off", "agreement", "checks", "acknowledge", "in-writing", "feedback", "pause", "resume", "extend",
    "hand-over", "take-on", "assign",
)  # fmt: skip
# Below a contact, by a number of their own.
BELOW_CONTACTS = ("matches/1", "partners", "partners/1/answer", "partners/1/withdraw", "protect", "lift")
ON_CASES = (
    "offer",
    "step-up",
    "step-down",
    "accept",
    "return",
    "withdraw",
    "lead",
    "milestone",
    "authority",
    "extend",
    "close",
    "keep-open",
)
# The answers of somebody who closes a case and has seen the family.
CLOSING = {
    "close-outcome": "needs_met", "close-summary": "They know where to turn.", "close-children_seen": "yes",
    "close-children_note": "Both, at home, on Tuesday.", "close-adults_seen": "yes",
    "close-adults_note": "Their mother, on the telephone.", "close-family_asked": "yes",
    "close-family_says": "“Mornings are calm.”", "close-support": "The school goes on with breakfast club.",
}  # fmt: skip
WHY = {
    "decide-rationale": "The school knows the family well, and the family agrees.",
    "decide-history": "The earlier contacts say the same of his mornings.",
}


def agreeing(contact: Contact) -> dict[str, Any]:
    """The fields of the form for somebody who agrees with the recommendation and says why."""
    return as_recommended(contact) | WHY


# What people typed, and documents that are shown as they are.
NOT_OURS = {"script", "style", "textarea", "pre", "code"}
CODE = re.compile(
    r"\b[a-z0-9]+(?:_[a-z0-9]+)+\b"  # social_worker_review
    r"|\b[a-z][a-z-]*/[0-9]+\b"  # early-help-first/2
    r"|\[[^\]]*\]|\{[^}]*\}"  # [2000-01-01, None)
    r"|^None$|\bNone[,)]|\b(?:True|False)\b"
)


def codes_on(page: Page) -> list[str]:
    """Internal codes that a page shows to people: names with underscores, versions with slashes, brackets, None."""
    found = []
    for element in page.root.all("body")[0]:
        above = [element.node, *element.node.iterancestors()]
        if not any(each.tag in NOT_OURS or "app-given" in each.get("class", "").split() for each in above):
            found += [match[0] for text in _texts(element.node) for match in CODE.finditer(text)]
    return found


def _texts(node: Any) -> list[str]:
    """The texts that stand right in an element."""
    texts = (node.text, *(child.tail for child in node))
    return [" ".join(text.split()) for text in texts if text]
