"""Examples of what partners' systems send and are answered, for the description of the API."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

CONTACT: dict[str, Any] = {
    "agency_reference": "PPN-2026-118822",
    "type": "safeguarding_concern",
    "source_code": "2A",
    "referrer": {"name": "Amina Yusuf", "role": "Designated safeguarding lead", "email": "dsl@school.example"},
    "referrer_level": 3,
    "children": [
        {
            "first_name": "Robin",
            "last_name": "Ashworth",
            "date_of_birth": "2019-03-04",
            "address": {"lines": ["12 Example Road", "Aylesbury"], "postcode": "HP20 1UA"},
            "where_now": "At school until 15:15",
            "indicators": ["L3-12"],
        }
    ],
    "concern": {"worries": "What has happened, when, and the effect on the child, in the referrer's words."},
    "agreement": {"service": "given", "given_by": "mother", "on": "2026-11-20"},
    "parents_told": {"answer": "yes"},
    "sharing_basis": "public_task",
}

INFORMATION: dict[str, Any] = {
    "source": "family",
    "said_by": "mother",
    "why": "She came to school this morning. The father is back at home.",
    "immediate_danger": False,
    "children": [
        {"ref": "c1", "date_of_birth": "2019-04-03"},
        {"first_name": "Kim", "last_name": "Ashworth", "age_years": 1},
    ],
}

FACTS: dict[str, Any] = {
    "agreement": "not_sought",
    "children": [{"ref": "c1", "age_years": 7, "indicators": ["L2-26"]}],
}

_OF_A_CONTACT: dict[str, Any] = {
    "reference": "CON-7K4M-9QXT",
    "url": "https://front-door.example/api/v1/contacts/CON-7K4M-9QXT",
    "agency_reference": "PPN-2026-118822",
    "received_at": "2026-11-20T15:40:00+00:00",
}
_GAPS = [
    {"gap": "parents_phone", "says": "Next time, say a telephone number of a parent or carer."},
    {"gap": "childs_words", "says": "Next time, say what the child says, in the child's words."},
]
_WARNINGS: dict[str, Any] = {
    "warnings": [
        {
            "pointer": "#/children/0/nhs_number",
            "detail": "children[0].nhs_number: is no NHS number: its last digit does not fit the others.",
        }
    ],
    "warnings_left_out": 0,
}
FILE = {
    "id": "a1b2c3d4e5f60718293a4b5c6d7e8f90",
    "name": "report.pdf",
    "kind": "pdf",
    "size": 48213,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "received_at": "2026-11-20T15:42:00+00:00",
    "state": "being_checked",
}
RECEIVED = _OF_A_CONTACT | {
    "status": "received",
    "decided_at": None,
    "outcome": None,
    "files": [],
    "quality": {"gaps": _GAPS, "agreement_recorded": True, "level": None},
    **_WARNINGS,
}
_IN_A_LIST = _OF_A_CONTACT | {
    "status": "decided",
    "decided_at": "2026-11-23T10:05:00+00:00",
    "outcome": {"pathway": "family_help", "says": "Family help"},
    "acknowledged_at": "2026-11-20T15:41:00+00:00",
    "acknowledgement_due_at": None,
    "next_step_due_at": None,
    "feedback_due_at": "2026-11-24T10:05:00+00:00",
    "feedback_given_at": None,
}
WITHDRAWAL = {"reason": "It is about a child of the same name at another school. We have sent the right one."}
_ASKED: dict[str, Any] = {
    "reference": "CON-7K4M-9QXT",
    "url": "https://front-door.example/api/v1/contacts/CON-7K4M-9QXT",
    "step": None,
    "at": "2026-11-20T16:10:00+00:00",
    "due_at": "2026-11-23T16:10:00+00:00",
}
WITHDRAWAL_ASKED = _ASKED | {"kind": "withdraw"}
CHASE = {"message": "We have heard nothing since Friday. Should the family expect a call?"}
CHASED = _ASKED | {"kind": "chase"}
DISAGREEMENT = {"why": "He has told his teacher again, and the grandmother confirms it. Advice will not do."}
DISAGREED = _ASKED | {"kind": "escalate", "step": 1}
STATUS = _IN_A_LIST | {
    "requests": [
        {
            "kind": "chase",
            "step": None,
            "at": "2026-11-21T09:00:00+00:00",
            "text": "We have heard nothing since Friday.",
            "due_at": "2026-11-23T17:30:00+00:00",
            "state": "answered",
            "ended_at": "2026-11-21T11:20:00+00:00",
            "answer": "We are talking with the family today, and write to you this evening.",
        }
    ],
    "files": [FILE | {"state": "ready"}],
    "quality": {
        "gaps": _GAPS,
        "agreement_recorded": True,
        "level": {"yours": 3, "decided": 3, "says": "It was decided at the level that you said."},
    },
    "warnings": [],
    "warnings_left_out": 0,
}
LIST = {
    "contacts": [_IN_A_LIST],
    "next": "https://front-door.example/api/v1/contacts?cursor=cD0yMDI2LTExLTIw&limit=1",
}
ADDED = {
    "reference": "CON-7K4M-9QXT",
    "url": "https://front-door.example/api/v1/contacts/CON-7K4M-9QXT",
    "received_at": "2026-11-21T09:10:00+00:00",
    "warnings": [],
    "warnings_left_out": 0,
}
SENT_BATCH: dict[str, Any] = {
    "contacts": [
        {"idempotency_key": "2026-11-20/118822", "contact": CONTACT},
        {"idempotency_key": "2026-11-20/118823", "contact": CONTACT | {"agency_reference": "PPN-2026-118823"}},
    ]
}
_REFUSED = {
    "idempotency_key": "2026-11-20/118823",
    "state": "refused",
    "replayed": False,
    "contact": None,
    "problem": {
        "type": "urn:front-door:problem:invalid",
        "title": "Bad Request",
        "status": 400,
        "detail": "The contact was not taken in. Correct the errors and send it again.",
        "errors": [{"pointer": "#/type", "detail": "type: must be given."}],
        "errors_left_out": 0,
    },
}
_WAITING = {"idempotency_key": "2026-11-20/118822", "state": "waiting", "replayed": False} | dict.fromkeys(
    ("contact", "problem")
)
BATCH: dict[str, Any] = {
    "id": "0f8a4c1d9b7e4f2a8c6d5e3b1a907f42",
    "url": "https://front-door.example/api/v1/contact-batches/0f8a4c1d9b7e4f2a8c6d5e3b1a907f42",
    "received_at": "2026-11-20T15:40:00+00:00",
    "waiting": 1,
    "taken_in": 0,
    "refused": 1,
    "results": [_WAITING, _REFUSED],
}
SETTLED_BATCH = BATCH | {
    "waiting": 0,
    "taken_in": 1,
    "results": [_WAITING | {"state": "taken_in", "contact": RECEIVED}, _REFUSED],
}
SENT_REPLY = {
    "kind": "answer",
    "text": "Robin came to the practice on 3 November with a bruise on the upper arm. We have seen no parent since.",
}
REPLIED = {
    "url": "https://front-door.example/api/v1/partner-checks/5d1f0c8a7b6e4d3c9a2b1f0e8d7c6b5a",
    "at": "2026-11-20T17:05:00+00:00",
    **SENT_REPLY,
}
CHECK: dict[str, Any] = {
    "id": "5d1f0c8a7b6e4d3c9a2b1f0e8d7c6b5a",
    "url": "https://front-door.example/api/v1/partner-checks/5d1f0c8a7b6e4d3c9a2b1f0e8d7c6b5a",
    "status": "open",
    "asked_at": "2026-11-20T16:10:00+00:00",
    "due_at": "2026-11-23T16:10:00+00:00",
    "is_late": False,
    "question": "Has the child been seen with injuries since September?",
    "children": [
        {
            "first_name": "Robin",
            "last_name": "Ashworth",
            "also_known_as": [],
            "date_of_birth": "2019-03-04",
            "age_years": None,
            "expected_date_of_delivery": None,
        }
    ],
    "replies": [
        {"at": "2026-11-20T16:30:00+00:00", "kind": "asks_back", "text": "Which surname does the mother use?"},
        {"at": "2026-11-20T16:50:00+00:00", "kind": "told", "text": "Ashworth, formerly Lee."},
    ],
}
EVENTS = {
    "events": [
        {
            "id": 20417, "type": "contact.being_looked_at", "reference": "CON-7K4M-9QXT",
            "url": "https://front-door.example/api/v1/contacts/CON-7K4M-9QXT", "at": "2026-11-20T14:05:00+00:00",
        },
    ],
    "has_more": False,
    "next": "https://front-door.example/api/v1/events?after=20417",
}  # fmt: skip
CHECKS = {"checks": [CHECK], "next": None}
_SHARES = {
    "complete": 42, "read": 92, "agreement": 75, "level": 83,
    "decided_as_said": 67, "decided_higher": 11, "decided_lower": 22,
}  # fmt: skip
QUALITY = {
    "agency": "Example Primary School",
    "months": [
        {"month": "2026-11", "contacts": 12, "decided": 9, "yours": _SHARES, "others": _SHARES | {"complete": 37}}
    ],
    "gaps": [_GAPS[1] | {"contacts": 5}, _GAPS[0] | {"contacts": 3}],
}
CHECKED: dict[str, Any] = {
    "ruleset": "early-help-first/2",
    "level": 2,
    "pathway": "early_help",
    "says": "Early help",
    "rag": "green",
    "hold": "agreement",
    "lead": "lead_professional",
    "also_refer_to": [],
    "warnings": [],
    "reasons": [
        {
            "rule": "level_2_agreement_not_sought",
            "because": ["L2-26"],
            "child": "c1",
            "says": "A level 2 need. Nobody has asked the family yet whether it wants help.",
        }
    ],
    "missing": [
        {
            "fact": "family.marac",
            "says": "Nobody has said whether the domestic abuse has been referred to a MARAC.",
        }
    ],
    "would_change": [{"if": "agreement is given", "pathway": "early_help", "rag": "green", "hold": None}],
    "titles": [{"id": "social_worker_review", "title": "Review by a social worker"}],
    "try_first": ["Talk with the family, and ask whether it agrees to help."],
    "note": "This is advice by rules on what you sent and nothing else, not a decision.",
}


def sent(name: str, value: dict[str, Any]) -> OpenApiExample:
    """What a system sends."""
    return OpenApiExample(name, value, request_only=True)


def answered(name: str, value: dict[str, Any], status: int = 200) -> OpenApiExample:
    """What it is answered."""
    return OpenApiExample(name, value, response_only=True, status_codes=[str(status)])
