"""
The constant work: partners' systems send contacts, people decide on them and accept cases, and clocks fall due. A
client that gets no answer retries.
"""

import hashlib
import itertools
import random
import re
import threading
import uuid
from collections import deque
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from queue import Empty, Queue
from typing import Any

import psycopg
import requests
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.chaos.ledger import Done, Ledger, SentContact, SentFile
from tests.stage.clamd import EICAR
from tests.stage.documents import address, child, contact_document
from tests.stage.service import Person, Refused

TIMEOUT = 10.0
FIRST_NAMES = ("Robin", "Ayesha", "Callum", "Daisy", "Elliot", "Freya", "Gabriel", "Hana", "Isaac", "Jasmine")
# The kinds of child: the indicators, and the frequency in ten.
KINDS: tuple[tuple[list[str], int], ...] = ((["L3-12"], 7), ([], 2), (["L3-01", "L4-01"], 1))
DECIDERS = ("amina", "maya")
MANAGER = "maya"
ACCEPTS = {"aylesbury": "ben", "child-protection": "pat"}
CASE = re.compile(r"CAS-\w{4}-\w{4}")

Wait = Callable[[float], bool]


class Stream:
    """All clients of the service, each in a thread of its own."""

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
        :param pace: the seconds between two contacts of a partner.
        :param step: the time from a clock's warning to its breach, and from there to its escalation.
        """
        self._stop = threading.Event()
        self._stop_retrying = threading.Event()
        to_decide: dict[str, Queue[str]] = {name: Queue() for name in DECIDERS}
        to_accept: Queue[str] = Queue()
        self._systems = (base_url, clients, ledger, itertools.count())
        workers: list[Callable[[], None]] = [
            Partner(self.system(agency), to_decide[DECIDERS[0]], pace).work for agency in clients
        ]
        workers += [Decider(self, base_url, name, ledger, to_decide, to_accept).work for name in DECIDERS]
        workers.append(Receivers(self, base_url, ledger, to_accept).work)
        workers.append(MovedClocks(self, database, step).work)
        self._threads = [threading.Thread(target=work, name=str(work.__self__), daemon=True) for work in workers]  # type: ignore[attr-defined]  # each is a bound method

    def system(self, agency: str) -> "System":
        """An agency's system, for one thread."""
        base_url, clients, ledger, days = self._systems
        return System(self, base_url, agency, clients[agency], ledger, days)

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, patience: float) -> list[str]:
        """Lets every client finish what it is doing. Returns those that never got an answer."""
        self._stop.set()
        ends_at = datetime.now(UTC) + timedelta(seconds=patience)
        for thread in self._threads:
            thread.join(max(0.0, (ends_at - datetime.now(UTC)).total_seconds()))
        waiting = [thread.name for thread in self._threads if thread.is_alive()]
        self._stop_retrying.set()
        return waiting

    def abandon(self) -> None:
        """Stops at once, without waiting."""
        self._stop.set()
        self._stop_retrying.set()

    @property
    def runs(self) -> bool:
        return not self._stop.is_set()

    @property
    def retries(self) -> bool:
        return not self._stop_retrying.is_set()

    def pause(self, seconds: float) -> None:
        self._stop.wait(seconds)

    def wait_before_retry(self) -> None:
        """Waits half a second, more or less."""
        self._stop_retrying.wait(random.uniform(0.3, 0.7))


class System:
    """An agency's system: it sends each contact and each file with a key of its own, and retries with the same key."""

    def __init__(
        self,
        stream: Stream,
        base_url: str,
        agency: str,
        client: tuple[str, str],
        ledger: Ledger,
        days: "itertools.count[int]",
    ) -> None:
        self.stream = stream
        self.agency = agency
        self._base_url = base_url
        self._client = client
        self._ledger = ledger
        self._days = days
        self._session = requests.Session()
        self._token = ""

    def __str__(self) -> str:
        return f"the system of {self.agency}"

    def make_contact(self) -> tuple[SentContact, dict[str, Any]]:
        """A contact that is not sent yet, and its document."""
        mark = uuid.uuid4().hex
        contact = SentContact(self.agency, f"key-{uuid.uuid4()}", mark, datetime.now(UTC))
        self._ledger.contacts.append(contact)
        return contact, self._document(mark)

    def send(self, contact: SentContact, document: dict[str, Any]) -> bool:
        """Sends a contact until it is answered. Returns whether it was."""

        def answered(reference: str, asked_at: datetime) -> None:
            contact.was_answered(reference, asked_at=asked_at, at=datetime.now(UTC))

        def tried() -> None:
            contact.tries += 1

        return self._post("contacts", contact.key, {"json": document}, "reference", tried, answered)

    def make_file(self, contact: SentContact, name: str, content: bytes, *, is_virus: bool = False) -> SentFile:
        """A file that is not sent yet."""
        file = SentFile(
            self.agency, min(contact.references), f"file-{uuid.uuid4()}", hashlib.sha256(content).hexdigest(),
            is_virus, name.endswith(".png"),
        )  # fmt: skip
        self._ledger.files.append(file)
        return file

    def put(self, file: SentFile, name: str, content: bytes) -> bool:
        """Puts a file on its contact until that is answered. Returns whether it was."""

        def answered(key: str, _: datetime) -> None:
            file.ids.add(key)

        def tried() -> None:
            file.tries += 1

        body = {"files": {"file": (name, content)}}
        return self._post(f"contacts/{file.contact}/files", file.key, body, "id", tried, answered)

    def _post(
        self,
        address: str,
        key: str,
        body: dict[str, Any],
        names_it: str,
        tried: Callable[[], None],
        answered: Callable[[str, datetime], None],
    ) -> bool:
        if not self._token:
            self._get_token()
        while self.stream.retries:
            tried()
            asked_at = datetime.now(UTC)
            try:
                answer = self._session.post(
                    f"{self._base_url}/api/v1/{address}",
                    **body,
                    headers={"Authorization": f"Bearer {self._token}", "Idempotency-Key": key},
                    timeout=TIMEOUT,
                )
                if answer.status_code == 201:
                    answered(answer.json()[names_it], asked_at)
                    return True
            except requests.RequestException:
                self.stream.wait_before_retry()
                continue
            if answer.status_code < 500:
                self._ledger.unexpected_answers.append(f"{self}: {answer.status_code} {answer.text[:300]}")
                if answer.status_code != 401:
                    return False
                self._get_token()
            self.stream.wait_before_retry()
        return False

    def _get_token(self) -> None:
        while self.stream.retries:
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
            self.stream.wait_before_retry()

    def _document(self, mark: str) -> dict[str, Any]:
        """A contact about a family that is not on record: each child has another date of birth."""
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
            # Without an indicator, screening finds a small need. The family wants no help: a manager gives advice.
            agreement={"service": "given" if indicators else "refused", "given_by": "mother", "on": today},
        )


class Partner:
    """Uses an agency's system: sends contacts, puts files on some, and sends some of both again."""

    def __init__(self, system: System, to_decide: "Queue[str]", pace: float) -> None:
        self._system = system
        self._stream = system.stream
        self._to_decide = to_decide
        self._pace = pace
        self._earlier: deque[tuple[SentContact, dict[str, Any]]] = deque(maxlen=20)

    def __str__(self) -> str:
        return str(self._system)

    def work(self) -> None:
        while self._stream.runs:
            contact, document = self._system.make_contact()
            if self._system.send(contact, document):
                # Before anybody closes it: it takes none then.
                if random.random() < 0.5:
                    self._put_file(contact)
                # Two in three are decided on; the clocks of the third run on.
                if random.random() < 0.67:
                    self._to_decide.put(min(contact.references))
                self._earlier.append((contact, document))
            if self._earlier and random.random() < 0.25:
                self._system.send(*random.choice(self._earlier))
            self._stream.pause(random.uniform(0.5, 1.5) * self._pace)

    def _put_file(self, contact: SentContact) -> None:
        is_virus = random.random() < 0.15
        name, content = ("report.pdf", pdf(is_virus)) if is_virus or random.random() < 0.5 else ("photo.png", photo())
        file = self._system.make_file(contact, name, content, is_virus=is_virus)
        for _ in range(random.choice((1, 1, 1, 2))):
            self._system.put(file, name, content)


def pdf(is_virus: bool = False) -> bytes:
    """A PDF as no other."""
    return b"%PDF-1.4 " + random.randbytes(random.randint(10, 200_000)) + (EICAR if is_virus else b"")


def photo(width: int = 640, height: int = 480) -> bytes:
    """A picture as no other, of one colour."""
    drawn, written = Image.new("RGB", (width, height), (*random.randbytes(3),)), BytesIO()
    note = PngInfo()
    note.add_text("Comment", uuid.uuid4().hex)
    drawn.save(written, "PNG", pnginfo=note)
    return written.getvalue()


class Staff:
    """People at their browsers. After an error they open the page again and see whether it is done."""

    def __init__(self, stream: Stream, base_url: str, ledger: Ledger) -> None:
        self._stream = stream
        self._base_url = base_url
        self._ledger = ledger

    def _open(self, who: Person, path: str) -> str | None:
        """The page, as soon as the service answers; None if there is no such page, or the run ends."""
        while self._stream.retries:
            try:
                return who.open(path)
            except requests.RequestException:
                pass
            except Refused as refused:
                if refused.status < 500:
                    self._ledger.unexpected_answers.append(str(refused))
                    return None
            self._stream.wait_before_retry()
        return None

    def _send(self, who: Person, path: str, said: dict[str, Any], form_on: str, page: str) -> str | None:
        """The page after the form on this page; None if sending it failed."""
        try:
            return who.send(path, said, form_on=form_on, page=page)
        except requests.RequestException:
            pass
        except Refused as refused:
            # 409: it is done already, as the page will show.
            if refused.status < 500 and refused.status != 409:
                self._ledger.unexpected_answers.append(str(refused))
        self._stream.wait_before_retry()
        return None


class Decider(Staff):
    """Accepts the recommendations. If a manager must decide, the manager gets the contact."""

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
        who = Person(self._base_url, self._username)
        while self._stream.runs:
            try:
                reference = self._to_decide[self._username].get(timeout=0.5)
            except Empty:
                continue
            self._decide(who, reference)

    def _decide(self, who: Person, reference: str) -> None:
        path = f"/contacts/{reference}/"
        failed = False
        while (page := self._open(who, path)) is not None:
            if _is_decided(page):
                # Found done after an error.
                self._ledger.found_done += failed
                self._note(reference, page)
                return
            if screening := re.search(r'name="screening-recommendation" value="(\d+)"', page):
                self._screen(who, path, page, screening[1])
                continue
            form = self._open(who, path + "decide/") if f'href="{path}decide/"' in page else ""
            if form is None:
                return
            recommendation = re.search(r'name="decide-recommendation" value="(\d+)"', form)
            if recommendation is None and self._username != MANAGER and "manager decides" in page:
                self._to_decide[MANAGER].put(reference)
                return
            if recommendation is None:
                self._ledger.unexpected_answers.append(f"{self} can neither decide on {reference} nor see a decision")
                return
            said: dict[str, Any] = {
                "decide-recommendation": recommendation[1],
                **_recommended(form),
                "decide-history": "The earlier contacts say the same of the mornings.",
                "decide-rationale": "What the school saw, and what the history says, point the same way.",
                "confirmed": "yes",
            }
            after = self._send(who, path + "decide/", said, path, page)
            if after is not None and _is_decided(after):
                self._note(reference, after)
                return
            if after is not None:
                self._ledger.unexpected_answers.append(f"{reference} was decided on, and its page does not show it")
                return
            failed = True

    def _screen(self, who: Person, path: str, page: str, recommendation: str) -> None:
        """Nobody chose an indicator, and nothing can be decided before somebody has."""
        child = re.search(r'name="(screening-child_\d+)"', page)
        assert child, "the form has no child"
        said = {"screening-recommendation": recommendation, child[1]: "L2-01"}
        self._send(who, path + "screening/", said, path, page)

    def _note(self, reference: str, page: str) -> None:
        case = CASE.search(page)
        self._ledger.decisions.append(Done(datetime.now(UTC), reference, case[0] if case else None))
        # Three in four offers are answered; the clock of the fourth runs on.
        if case and random.random() < 0.75:
            self._to_accept.put(case[0])


class Receivers(Staff):
    """Team leads, who accept the cases that are offered to their teams."""

    def __init__(self, stream: Stream, base_url: str, ledger: Ledger, to_accept: "Queue[str]") -> None:
        super().__init__(stream, base_url, ledger)
        self._to_accept = to_accept

    def __str__(self) -> str:
        return "those who take cases on"

    def work(self) -> None:
        team_leads = {team: Person(self._base_url, username) for team, username in ACCEPTS.items()}
        while self._stream.runs:
            try:
                case = self._to_accept.get(timeout=0.5)
            except Empty:
                continue
            for team, who in team_leads.items():
                if self._accept(who, case, team):
                    break

    def _accept(self, who: Person, case: str, team: str) -> bool:
        """Whether the case was offered to this team and accepted."""
        path = f"/cases/{case}/"
        failed = False
        accept = f"{path}accept/"
        while (page := self._open_if_visible(who, path)) is not None:
            if accept not in page:
                self._ledger.found_done += failed
                self._ledger.acceptances.append(Done(datetime.now(UTC), "", case, team))
                return True
            form = self._open_if_visible(who, accept)
            handoff = re.search(r'name="handoff" value="(\d+)"', form or "")
            if form is None or handoff is None:
                continue
            after = self._send(who, accept, {"handoff": handoff[1]}, accept, form)
            if after is not None:
                self._ledger.acceptances.append(Done(datetime.now(UTC), "", case, team))
                return True
            failed = True
        return False

    def _open_if_visible(self, who: Person, path: str) -> str | None:
        """The page of a case; None if this team may not see it."""
        while self._stream.retries:
            try:
                return who.open(path)
            except requests.RequestException:
                pass
            except Refused as refused:
                if refused.status == 404:
                    return None
                if refused.status < 500:
                    self._ledger.unexpected_answers.append(str(refused))
                    return None
            self._stream.wait_before_retry()
        return None


class MovedClocks:
    """
    Moves some running clocks into the next seconds by SQL, because nobody can wait days for them to fall due.
    Everything else about them stays.
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
        while self._stream.runs:
            self._stream.pause(2)
            try:
                with psycopg.connect(self._database, connect_timeout=5) as connection:
                    connection.execute(self.MOVE, {"step": self._step})
            except psycopg.Error:
                self._stream.wait_before_retry()


def _is_decided(page: str) -> bool:
    """Whether this is the page of a contact on which somebody decided, or the one that says what followed."""
    return 'id="decisions-heading"' in page or 'id="went-heading"' in page


def _recommended(page: str) -> dict[str, str]:
    """The fields of somebody who decides as the rules recommend on the page."""
    says = re.search(r'The rules recommend: ([^<]+), level (\d) <strong class="govuk-tag app-rag--(\w+)"', page)
    assert says is not None, "the form for a decision has the recommendation beside it"
    title, level, rag = says.groups()
    buttons = re.findall(r'name="decide-pathway" value="(\w+)"[^>]*>\s*<label[^>]*>([^<]+)</label>', page)
    (pathway,) = (value for value, label in buttons if label == title)
    return {"decide-pathway": pathway, "decide-level": level, "decide-rag": rag}
