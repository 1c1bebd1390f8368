"""Invented families, and contacts about them as partners would write them. The same seed makes the same families."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from localities.working_time import local_day

SURNAMES = (
    "Ashworth", "Barnwell", "Chaudhry", "Dunmore", "Ellwood", "Farooq", "Gatley", "Hargreave", "Iqbal", "Jessop",
    "Kowalska", "Lockyer", "Mensah", "Norbury", "Okafor", "Penrose", "Quilter", "Rashford", "Sewell", "Tremain",
    "Underhay", "Varley", "Whitcombe", "Yardley", "Zaman", "Alder", "Birch", "Cormack", "Devlin", "Estrada",
)  # fmt: skip
FIRST_NAMES = (
    "Robin", "Ayesha", "Callum", "Daisy", "Elliot", "Freya", "Gabriel", "Hana", "Isaac", "Jasmine", "Kai", "Leila",
    "Mason", "Nadine", "Oscar", "Poppy", "Quinn", "Rosa", "Samir", "Tilly", "Umar", "Violet", "Wren", "Yusuf", "Zara",
)  # fmt: skip
ETHNICITIES = ("WBRI", "WBRI", "WBRI", "APKN", "AIND", "WOTH", "MWBC", "BAFR", "NOBT")

# The kinds of contact: the relative frequency, the worries, and the number of indicators, agreement and so on.
KINDS: tuple[tuple[int, str, dict[str, Any]], ...] = (
    (14, "A notification after a call-out; nothing that universal services cannot meet.", {}),
    (14, "Often late and without lunch; friendships are hard for the child.", {"level_2": 2, "agreement": "given"}),
    (10, "Money worries since the job was lost; the children are tired.", {"level_2": 2}),
    (4, "The parents say they want nobody in the house.", {"level_2": 1, "agreement": "refused"}),
    (18, "Outbursts in class most days, and arguments at home.", {"level_3": 1, "agreement": "given"}),
    (10, "Appointments are missed again and again.", {"level_3": 2}),
    (4, "Home is chaotic; the family has said no to help.", {"level_3": 2, "agreement": "refused"}),
    (6, "Much at once, for a long time.", {"level_3": 5, "agreement": "given"}),
    (7, "The child hurts herself and will not say why.", {"strong": 1}),
    (6, "The child said something today that must be heard tonight.", {"hard_stop": 1}),
    (3, "We have tried everything; this is beyond us.", {"level_3": 1, "referrer_level": 4}),
    (4, "Police were called to the home again.", {"level_3": 1, "dash": "high"}),
)
HARD_STOPS = ("L4-01", "L4-03", "L4-26", "L4-30")
STRONG = ("L4-10b", "L4-13", "L4-45", "L4-50")
LEVEL_3 = ("L3-01", "L3-02", "L3-09", "L3-12", "L3-18", "L3-21", "L3-23", "L3-30", "L3-34", "L3-36")
LEVEL_2 = ("L2-01", "L2-06", "L2-07", "L2-12", "L2-16", "L2-18", "L2-22", "L2-26")


@dataclass
class Family:
    """A family. Its children keep their names, dates of birth and address from contact to contact."""

    surname: str
    children: list[dict[str, Any]]
    address: dict[str, Any] | None
    contacts: int = field(default=0)


class Families:
    """Makes families and contacts about them."""

    def __init__(self, random: Random, postcodes: list[str]) -> None:
        self.random = random
        self.postcodes = postcodes
        self.known: list[Family] = []

    def contact(self, at: datetime, source_code: str) -> dict[str, Any]:
        """A contact document. One time in four it is about a family that has had a contact before."""
        today = local_day(at)
        family = self.random.choice(self.known) if self.known and self.random.random() < 0.25 else self._family(today)
        family.contacts += 1
        weights = [weight for weight, _, _ in KINDS]
        _, worries, kind = self.random.choices(KINDS, weights)[0]
        agreement = kind.get("agreement", "not_sought")
        parents_told = agreement != "not_sought" or self.random.random() < 0.5
        return {
            "agency_reference": f"DEMO-{self.random.randrange(10**6):06}",
            "type": "safeguarding_concern" if kind else "notification",
            "source_code": source_code,
            "received_by_phone": self.random.random() < 0.15,
            "immediate_danger": False,
            "referrer": {
                "name": f"{self.random.choice(FIRST_NAMES)} {self.random.choice(SURNAMES)}",
                "role": "Safeguarding lead",
                "organisation": "Example Partnership",
                "email": f"safeguarding{self.random.randrange(100)}@partner.example",
                "relationship": "Professional",
            },
            "referrer_level": kind.get("referrer_level", self.random.choice([None, 2, 3])),
            "children": [
                {**child, "address": family.address, "indicators": self._indicators(kind) if first else []}
                for first, child in zip([True] + [False] * 10, family.children, strict=False)
            ],
            "adults": [
                {"first_name": self.random.choice(FIRST_NAMES), "last_name": family.surname, "relationship": "mother",
                 "parental_responsibility": "yes", "same_address": True}
            ],
            "family_indicators": [],
            "domestic_abuse": {"dash": kind.get("dash"), "marac": False},
            "concern": {"worries": worries, "working_well": "Grandparents live near and help.", "wanted": "Some rest."},
            "support_already_tried": "Meetings with the family since the summer.",
            "agreement": {
                "service": agreement,
                "given_by": "mother" if agreement != "not_sought" else None,
                "on": today.isoformat() if agreement != "not_sought" else None,
            },
            "parents_told": (
                {"answer": "yes"} if parents_told else {"answer": "no", "reason": "They could not be reached."}
            ),
            "sharing_basis": "public_task",
        }  # fmt: skip

    def _family(self, today: date) -> Family:
        surname = self.random.choice(SURNAMES)
        family = Family(
            surname, [self._child(surname, today) for _ in range(self.random.choice([1, 1, 2, 2, 3]))], None
        )
        chance = self.random.random()
        if chance < 0.9:
            family.address = {
                "lines": [f"{self.random.randrange(1, 90)} Example Road"],
                "postcode": self.random.choice(self.postcodes),
                "confidential": chance < 0.03,
            }
        elif chance < 0.96:
            family.address = {"lines": ["2 Sample Street"], "postcode": self.random.choice(["OX1 1AA", "MK9 3XS"])}
        self.known.append(family)
        return family

    def _child(self, surname: str, today: date) -> dict[str, Any]:
        first_name = self.random.choice(FIRST_NAMES)
        if self.random.random() < 0.03:
            expected = today + timedelta(days=self.random.randrange(20, 150))
            return {"last_name": surname, "expected_date_of_delivery": expected.isoformat()}
        born = today - timedelta(days=self.random.randrange(60, 17 * 365))
        return {
            "first_name": first_name,
            "last_name": surname,
            "date_of_birth": born.isoformat(),
            "sex": self.random.choice("MF"),
            "ethnicity": self.random.choice(ETHNICITIES),
            "disabled": self.random.random() < 0.08,
            "non_verbal": False,
            "where_now": "At school until 15:15" if (today - born).days > 5 * 365 else "At home",
        }

    def _indicators(self, kind: dict[str, Any]) -> list[str]:
        pools = (("hard_stop", HARD_STOPS), ("strong", STRONG), ("level_3", LEVEL_3), ("level_2", LEVEL_2))
        return [code for name, pool in pools for code in self.random.sample(pool, kind.get(name, 0))]
