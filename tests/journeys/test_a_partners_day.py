"""
A partner's day, over real HTTP with a real worker: a batch at night is taken in by itself, what is not valid is named
at once, a question comes into the agency's own system and is answered there, and the sender chases and hears back.
"""

import re
from typing import Any

import requests
from django.utils import timezone

from casework.actions import partner_checks
from casework.models import Contact
from localities.models import AgencyClient
from tests.stage.documents import child, contact_document
from tests.stage.service import PATIENCE, Service, wait_until
from tests.stage.story import person

SCOPES = "contacts:write contacts:read checks:answer"


class System:
    """The partner's system."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.headers = {"Authorization": f"Bearer {service.token(SCOPES)}"}

    def get(self, path: str) -> Any:
        address = path if path.startswith("http") else f"{self.service.base_url}/api/v1{path}"
        answer = requests.get(address, headers=self.headers, timeout=PATIENCE)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: dict[str, Any], status: int = 201) -> Any:
        address = f"{self.service.base_url}/api/v1{path}"
        answer = requests.post(address, json=body, headers=self.headers, timeout=PATIENCE)
        assert answer.status_code == status, answer.text
        return answer.json()


def test_a_batch_is_taken_in_by_the_worker_a_question_is_answered_and_a_chase_is_heard(service: Service) -> None:
    system = System(service)
    sent = [
        {
            "idempotency_key": f"day/{number}",
            "contact": contact_document(children=[pupil], agency_reference=f"D{number}"),
        }
        for number in range(1, 4)
        for pupil in [child(last_name=f"Pupil{number}", date_of_birth=f"2018-0{number}-11", nhs_number=None)]
    ]
    broken = {"idempotency_key": "day/4", "contact": {"children": []}}
    answer = system.post("/contact-batches", {"contacts": [*sent, broken]}, status=202)
    assert (answer["waiting"], answer["refused"]) == (3, 1)
    wait_until(lambda: system.get(answer["url"])["waiting"] == 0, "the worker takes the batch in")
    results = system.get(answer["url"])["results"]
    assert [result["state"] for result in results] == ["taken_in", "taken_in", "taken_in", "refused"]
    reference = results[0]["contact"]["reference"]
    assert system.get(f"/contacts/{reference}")["status"] == "received"

    contact = Contact.objects.get(reference=results[1]["contact"]["reference"])
    agency = AgencyClient.objects.select_related("agency").get(client_id=service.client_id).agency
    partner_checks.ask(
        contact_id=contact.pk, agency_id=agency.pk, question="Was he at school this week?", in_system=True,
        by=person("amina"), now=timezone.now(),
    )  # fmt: skip
    (question,) = system.get("/partner-checks")["checks"]
    assert [child["last_name"] for child in question["children"]] == ["Pupil2"]
    assert system.get(f"/contacts/{contact}")["status"] == "waiting_for_your_information"
    system.post(f"/partner-checks/{question['id']}/replies", {"kind": "answer", "text": "On three days."})
    amina = service.person("amina")
    assert "On three days." in amina.open(f"/contacts/{contact}/")

    chased = system.post(f"/contacts/{reference}/chase", {"message": "Should the family expect a call?"})
    assert chased["due_at"]
    address = re.search(rf'action="(/contacts/{reference}/asked/\d+/answer/)"', amina.open(f"/contacts/{reference}/"))
    assert address
    number = re.findall(r"\d+", address[1])[-1]
    amina.send(address[1], {f"sender{number}-text": "We ring them today."}, form_on=f"/contacts/{reference}/")
    (request,) = system.get(f"/contacts/{reference}")["requests"]
    assert (request["state"], request["answer"]) == ("answered", "We ring them today.")
