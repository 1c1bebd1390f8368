"""
The work that never stops: partners' systems send contacts, people decide on them and take cases on, and promises fall
due. All of them do what honest clients do when they hear nothing: they ask again.
"""

import itertools
import random
import re
import threading
import uuid
from collections import deque
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from queue import Empty, Queue
from typing import Any

import psycopg
import requests

from tests.chaos.ledger import Done, Ledger, SentContact
from tests.stage.documents import address, child, contact_document
from tests.stage.service import Person, Refused

TIMEOUT = 10.0
FIRST_NAMES = ("Robin", "Ayesha", "Callum", "Daisy", "Elliot", "Freya", "Gabriel", "Hana", "Isaac", "Jasmine")
# What the children are like: the indicators, and how many of ten.
KINDS: tuple[tuple[list[str], int], ...] = ((["L3-12"], 7), ([], 2), (["L3-01", "L4-01"], 1))
DECIDERS = ("amina", "maya")
MANAGER = "maya"
ACCEPTS = {"aylesbury": "ben", "child-protection": "pat"}
CASE = re.compile(r"CAS-\w{4}-\w{4}")

Wait = Callable[[float], bool]


class Stream:
    """Everybody who works with the service from outside, each in a thread of their own."""

    def __init__(
        self,
        base_url: str,
        clients: dict[str, tuple[str, str]],
        database: str,
        ledger: Ledger,
        *,
        pace: float,
        step: timedelta,
    ) -> None:
        """
        :param clients: the id and the secret of each agency's client.
        :param pace: seconds between one partner's contacts.
        :param step: from a promise's warning to its breach, and from there to its escalation.
        """
        self._ends = threading.Event()
        self._gives_up = threading.Event()
        to_decide: dict[str, Queue[str]] = {name: Queue() for name in DECIDERS}
        to_accept: Queue[str] = Queue()
        days = itertools.count()
        works: list[Callable[[], None]] = [
            Partner(self, base_url, agency, client, ledger, to_decide[DECIDERS[0]], days, pace).work
            for agency, client in clients.items()
        ]
        works += [Decider(self, base_url, name, ledger, to_decide, to_accept).work for name in DECIDERS]
        works.append(Receivers(self, base_url, ledger, to_accept).work)
        works.append(Promises(self, database, step).work)
        self._threads = [threading.Thread(target=work, name=str(work.__self__), daemon=True) for work in works]  # type: ignore[attr-defined]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, patience: float) -> list[str]:
        """Have everybody finish what they are at. Who never got an answer."""
        self._ends.set()
        ends_at = datetime.now(UTC) + timedelta(seconds=patience)
        for thread in self._threads:
            thread.join(max(0.0, (ends_at - datetime.now(UTC)).total_seconds()))
        waiting = [thread.name for thread in self._threads if thread.is_alive()]
        self._gives_up.set()
        return waiting

    def abandon(self) -> None:
        """Let go of everything at once."""
        self._ends.set()
        self._gives_up.set()

    @property
    def goes_on(self) -> bool:
        return not self._ends.is_set()

    @property
    def asks_again(self) -> bool:
        return not self._gives_up.is_set()

    def pause(self, seconds: float) -> None:
        self._ends.wait(seconds)

    def breathe(self) -> None:
        """Before asking again."""
        self._gives_up.wait(random.uniform(0.3, 0.7))


class Partner:
    """An agency's system: a key for each contact, and the same contact with the same key until it is answered."""

    def __init__(
        self,
        stream: Stream,
        base_url: str,
        agency: str,
        client: tuple[str, str],
        ledger: Ledger,
        to_decide: "Queue[str]",
        days: "itertools.count[int]",
        pace: float,
    ) -> None:
        self._stream = stream
        self._base_url = base_url
        self._agency = agency
        self._client = client
        self._ledger = ledger
        self._to_decide = to_decide
        self._days = days
        self._pace = pace
        self._session = requests.Session()
        self._token = ""
        self._earlier: deque[tuple[SentContact, dict[str, Any]]] = deque(maxlen=20)

    def __str__(self) -> str:
        return f"the system of {self._agency}"

    def work(self) -> None:
        self._get_token()
        while self._stream.goes_on:
            mark = uuid.uuid4().hex
            contact = SentContact(self._agency, f"key-{uuid.uuid4()}", mark, datetime.now(UTC))
            document = self._document(mark)
            self._ledger.contacts.append(contact)
            if self._send(contact, document):
                # Of three that come in, two are decided on; the promises of the third stay open.
                if random.random() < 0.67:
                    self._to_decide.put(min(contact.references))
                self._earlier.append((contact, document))
            if self._earlier and random.random() < 0.25:
                self._send(*random.choice(self._earlier))
            self._stream.pause(random.uniform(0.5, 1.5) * self._pace)

    def _send(self, contact: SentContact, document: dict[str, Any]) -> bool:
        """Send it until it is answered. True once it is."""
        while self._stream.asks_again:
            contact.tries += 1
            asked_at = datetime.now(UTC)
            try:
                answer = self._session.post(
                    f"{self._base_url}/api/v1/contacts",
                    json=document,
                    headers={"Authorization": f"Bearer {self._token}", "Idempotency-Key": contact.key},
                    timeout=TIMEOUT,
                )
                if answer.status_code == 201:
                    contact.was_answered(answer.json()["reference"], asked_at=asked_at, at=datetime.now(UTC))
                    return True
            except requests.RequestException:
                self._stream.breathe()
                continue
            if answer.status_code < 500:
                self._ledger.surprises.append(f"{self}: {answer.status_code} {answer.text[:300]}")
                if answer.status_code != 401:
                    return False
                self._get_token()
            self._stream.breathe()
        return False

    def _get_token(self) -> None:
        while self._stream.asks_again:
            try:
                answer = self._session.post(
                    f"{self._base_url}/o/token",
                    data={"grant_type": "client_credentials"},
                    auth=self._client,
                    timeout=TIMEOUT,
                )
                if answer.status_code == 200:
                    self._token = answer.json()["access_token"]
                    return
            except requests.RequestException:
                pass
            self._stream.breathe()

    def _document(self, mark: str) -> dict[str, Any]:
        """About a family of which nobody has heard: another day of birth for each."""
        (indicators,) = random.choices([kind for kind, _ in KINDS], [often for _, often in KINDS])
        born = date(2010, 1, 1) + timedelta(days=next(self._days) % 5000)
        today = datetime.now(UTC).date().isoformat()
        return contact_document(
            agency_reference=mark,
            children=[
                child(
                    first_name=random.choice(FIRST_NAMES),
                    last_name="".join(random.choices("abcdefghiklmnoprstuvw", k=9)).capitalize(),
                    also_known_as=[],
                    date_of_birth=born.isoformat(),
                    nhs_number=None,
                    address=address("HP20 1UA"),
                    indicators=indicators,
                )
            ],
            adults=[],
            family_indicators=[],
            agreement={"service": "given", "given_by": "mother", "on": today},
        )


class Staff:
    """People at their browsers. After an error they look again, and find it done or not done."""

    def __init__(self, stream: Stream, base_url: str, ledger: Ledger) -> None:
        self._stream = stream
        self._base_url = base_url
        self._ledger = ledger

    def _sign_in(self, username: str) -> Person | None:
        while self._stream.asks_again:
            try:
                return Person(self._base_url, username)
            except (requests.RequestException, Refused):
                self._stream.breathe()
        return None

    def _look(self, who: Person, path: str) -> str | None:
        """The page, as soon as it can be had. None: it is not there, or nobody answers any more."""
        while self._stream.asks_again:
            try:
                return who.open(path)
            except requests.RequestException:
                pass
            except Refused as refused:
                if refused.status < 500:
                    self._ledger.surprises.append(str(refused))
                    return None
            self._stream.breathe()
        return None

    def _send(self, who: Person, path: str, said: dict[str, Any], form_on: str) -> str | None:
        """Where the form led; None where it failed, so that they look again."""
        try:
            return who.send(path, said, form_on=form_on)
        except requests.RequestException:
            pass
        except Refused as refused:
            # 409: it is done already, which looking again will show.
            if refused.status < 500 and refused.status != 409:
                self._ledger.surprises.append(str(refused))
        except AssertionError:
            # The form has gone from the page: somebody sent it, perhaps ourselves.
            pass
        self._stream.breathe()
        return None


class Decider(Staff):
    """Decides on the contacts that come in, as the rules recommend; where a manager decides, the manager gets it."""

    def __init__(
        self,
        stream: Stream,
        base_url: str,
        username: str,
        ledger: Ledger,
        to_decide: "dict[str, Queue[str]]",
        to_accept: "Queue[str]",
    ) -> None:
        super().__init__(stream, base_url, ledger)
        self._username = username
        self._to_decide = to_decide
        self._to_accept = to_accept

    def __str__(self) -> str:
        return self._username

    def work(self) -> None:
        who = self._sign_in(self._username)
        while who is not None and self._stream.goes_on:
            try:
                reference = self._to_decide[self._username].get(timeout=0.5)
            except Empty:
                continue
            self._decide(who, reference)

    def _decide(self, who: Person, reference: str) -> None:
        path = f"/contacts/{reference}/"
        failed = False
        while (page := self._look(who, path)) is not None:
            if _is_decided(page):
                # Found done after an error.
                self._ledger.seen_again += failed
                self._note(reference, page)
                return
            recommendation = re.search(r'name="decide-recommendation" value="(\d+)"', page)
            if recommendation is None and self._username != MANAGER and "manager decides" in page:
                self._to_decide[MANAGER].put(reference)
                return
            if recommendation is None:
                self._ledger.surprises.append(f"{self} can neither decide on {reference} nor see a decision")
                return
            said: dict[str, Any] = {
                "decide-recommendation": recommendation[1],
                **{f"decide-{name}": _chosen(page, f"decide-{name}") for name in ("pathway", "level", "rag")},
                "decide-rationale": "What the school saw, and what the history says, point the same way.",
            }
            after = self._send(who, path + "decide/", said, path)
            if after is not None and _is_decided(after):
                self._note(reference, after)
                return
            if after is not None:
                self._ledger.surprises.append(f"{reference} was decided on, and its page does not show it")
                return
            failed = True

    def _note(self, reference: str, page: str) -> None:
        case = CASE.search(page)
        self._ledger.decisions.append(Done(datetime.now(UTC), reference, case[0] if case else None))
        # Of four offers, three are answered; the promise of the fourth stays open.
        if case and random.random() < 0.75:
            self._to_accept.put(case[0])


class Receivers(Staff):
    """Those who lead the teams take on what is offered to them."""

    def __init__(self, stream: Stream, base_url: str, ledger: Ledger, to_accept: "Queue[str]") -> None:
        super().__init__(stream, base_url, ledger)
        self._to_accept = to_accept

    def __str__(self) -> str:
        return "those who take cases on"

    def work(self) -> None:
        team_leads = {team: self._sign_in(username) for team, username in ACCEPTS.items()}
        while self._stream.goes_on:
            try:
                case = self._to_accept.get(timeout=0.5)
            except Empty:
                continue
            for team, who in team_leads.items():
                if who is not None and self._accept(who, case, team):
                    break

    def _accept(self, who: Person, case: str, team: str) -> bool:
        """True when it was theirs to take, and they took it."""
        path = f"/cases/{case}/"
        failed = False
        while (page := self._look_if_ours(who, path)) is not None:
            handoff = re.search(r'name="handoff" value="(\d+)"', page)
            if handoff is None:
                self._ledger.seen_again += failed
                self._ledger.acceptances.append(Done(datetime.now(UTC), "", case, team))
                return True
            after = self._send(who, path + "answer/", {"handoff": handoff[1], "answer": "accept"}, path)
            if after is not None:
                self._ledger.acceptances.append(Done(datetime.now(UTC), "", case, team))
                return True
            failed = True
        return False

    def _look_if_ours(self, who: Person, path: str) -> str | None:
        """The page of a case that this team may see; None for another team's, which is not found."""
        while self._stream.asks_again:
            try:
                return who.open(path)
            except requests.RequestException:
                pass
            except Refused as refused:
                if refused.status == 404:
                    return None
                if refused.status < 500:
                    self._ledger.surprises.append(str(refused))
                    return None
            self._stream.breathe()
        return None


class Promises:
    """
    Nobody can wait days for a promise to fall due: the moments of some running clocks are moved into the next seconds,
    as plain facts, by SQL. Everything else about them stays.
    """

    MOVE = """
        UPDATE casework_clock clock SET warn_at = soon.at, next_at = soon.at,
               due_at = soon.at + %(step)s, escalate_at = soon.at + 2 * %(step)s
        FROM (SELECT id, now() + random() * %(step)s AS at FROM casework_clock
              WHERE stopped_at IS NULL AND next_at = warn_at AND warn_at > now() + interval '10 minutes'
              ORDER BY random() LIMIT 3 FOR UPDATE SKIP LOCKED) soon
        WHERE clock.id = soon.id AND clock.stopped_at IS NULL"""

    def __init__(self, stream: Stream, database: str, step: timedelta) -> None:
        self._stream = stream
        self._database = database
        self._step = step

    def __str__(self) -> str:
        return "time"

    def work(self) -> None:
        while self._stream.goes_on:
            self._stream.pause(2)
            try:
                with psycopg.connect(self._database, connect_timeout=5) as connection:
                    connection.execute(self.MOVE, {"step": self._step})
            except psycopg.Error:
                self._stream.breathe()


def _is_decided(page: str) -> bool:
    return 'id="decisions-heading"' in page


def _chosen(page: str, name: str) -> str:
    """What is chosen already among a page's radio buttons of this name."""
    for button in re.findall(rf'<input[^>]*name="{name}"[^>]*>', page):
        if "checked" in button and (value := re.search(r'value="([^"]*)"', button)):
            return value[1]
    return ""
