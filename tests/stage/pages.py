"""What several tests of the pages know: the addresses below a contact and a case, and how a form is filled in."""

from typing import Any

from casework.models import Contact
from tests.stage.staff import as_recommended

OVERSEERS = {"sam", "ava", "iris"}
ON_CONTACTS = (
    "decide", "sign-off", "agreement", "checks", "acknowledge", "in-writing", "feedback", "pause", "resume", "extend",
    "hand-over", "take-on", "assign",
)  # fmt: skip
# Below a contact, by a number of their own.
BELOW_CONTACTS = ("matches/1", "partners", "partners/1/answer", "partners/1/withdraw", "protect", "lift")
ON_CASES = ("offer", "answer", "withdraw", "lead", "milestone", "authority", "extend", "close")
WHY = {
    "decide-rationale": "The school knows the family well, and the family agrees.",
    "decide-history": "The earlier contacts say the same of his mornings.",
}


def agreeing(contact: Contact) -> dict[str, Any]:
    """The fields of the form for somebody who agrees with the recommendation and says why."""
    return as_recommended(contact) | WHY
