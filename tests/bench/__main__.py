"""
make bench: the figures that the product promises, measured on servers of its own, as ratios within one run.

Cost must follow the work at hand, never the size of the table: each figure does the same work beside a small history
and beside one a hundred times as large, in turn. What else the machine does meanwhile meets both of a pair, so that
figures are medians of what the pairs say. Beside other people's rule engines, all
get the same rules and contacts and must give the same answers. Beside the usual way, both do the same work in turn.
Prints a table and writes `DATA_DIR/bench.json`.
`--only NAME` measures one figure; `--smoke` a small version that says nothing but that it runs.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.pairs import median_ratio

if TYPE_CHECKING:
    from tests.bench.intake import Refused
    from tests.bench.matching import FalseJoins, Found, LookUps
    from tests.bench.replaying import Measured
    from tests.bench.searching import Searches
    from tests.bench.weighing import Weight

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Sizes:
    """How much of everything there is, and how many rounds: fewer where a round is long."""

    rounds: int
    history: tuple[int, int]
    contacts: int
    years: tuple[int, int]
    running: tuple[int, int]
    due: int
    due_at_once: int
    messages: int
    intake: int
    probes: tuple[int, int]
    people: tuple[int, int]
    looked_through: tuple[int, int]
    searched: tuple[int, int]


FULL = Sizes(
    rounds=15, history=(4_000, 400_000), contacts=10_000, years=(27_000, 270_000), running=(10_000, 1_000_000),
    due=1_000, due_at_once=10_000, messages=200, intake=300, probes=(5_000, 1_000),
    people=(100_000, 1_000), looked_through=(100_000, 1_000_000), searched=(40_000, 400_000),
)  # fmt: skip
SMOKE = Sizes(
    rounds=1, history=(50, 100), contacts=200, years=(50, 100), running=(60, 120), due=10, due_at_once=20, messages=10,
    intake=4, probes=(20, 5), people=(200, 8),
    looked_through=(50, 100), searched=(50, 100),
)  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """A figure, its goal, and which side of it is good."""

    value: float
    goal: float
    unit: str
    better: str

    @property
    def is_met(self) -> bool:
        return self.value <= self.goal if self.better == "lower" else self.value >= self.goal


class Stage:
    """
    Two databases with the same work at hand beside a small and a large history, and rule engines with the same
    contacts: each made when first asked for.
    """

    def __init__(self, sizes: Sizes) -> None:
        self.rounds = sizes.rounds
        self.sent = sizes.intake
        self._sizes = sizes
        self._replays: tuple[Measured, Measured] | None = None
        self._uses: tuple[Callable[[], None], Callable[[], None]] | None = None
        self._rates: dict[str, float] = {}
        self._febrl: Found | None = None
        self._false_joins: FalseJoins | None = None
        self._look_ups: LookUps | None = None
        self._searches: Searches | None = None

    def growth(self, work: Callable[[], None]) -> Figure:
        """How much longer the work takes beside the large history: both in turn, the median of the pairs' ratios."""
        pairs = []
        for _ in range(self.rounds + 1):
            seconds = []
            for use in self.beside():
                use()
                seconds.append(_seconds(work))
            pairs.append(seconds)
        # The first pair warms up.
        small, large = zip(*pairs[1:], strict=True)
        sys.stdout.write(f"{statistics.median(small) * 1000:.0f} and {statistics.median(large) * 1000:.0f} ms … ")
        return Figure(median_ratio(large, small), 1.3, "times, for a hundred times the history", "lower")

    def beside(self) -> tuple[Callable[[], None], Callable[[], None]]:
        """Two databases, one with a small history and one with a large: calling one makes it the one in use."""
        from tests.bench.history import databases

        if self._uses is None:
            self._uses = databases(self._sizes.history)
        return self._uses

    def waits(self, count: Callable[[], int]) -> Figure:
        """How often pages wait for the database beside the large history."""
        _, use_large = self.beside()
        use_large()
        return Figure(count(), 12, "waits for the database", "lower")

    def weight(self, path: Callable[[], str]) -> "Weight":
        """What a browser with an empty cache loads for a page."""
        from tests.bench.weighing import weigh

        _, use_large = self.beside()
        use_large()
        found = weigh(path())
        sys.stdout.write("\n")
        for number, (address, size) in enumerate(found.parts.items()):
            sys.stdout.write(f"  {size / 1000:>8.1f} kB  {address if number else 'the page'}\n")
        return found

    def replays(self) -> "tuple[Measured, Measured]":
        """A replay over a council's year, and over ten."""
        from tests.bench.replaying import measure

        if self._replays is None:
            self._replays = measure(self._sizes.years)
            sys.stdout.write("\n")
            for found in self._replays:
                sys.stdout.write(
                    f"  {found.contacts:>8,} contacts, {found.changed:,} change: {found.seconds:.2f} s of processor "
                    f"time, {found.peak:.0f} MiB at the peak\n"
                )
        return self._replays

    def sweeps_beside_running(self) -> float:
        """How many times as long a sweep of the same clocks takes beside many that run, as beside few."""
        from tests.bench.sweeping import beside

        found, times = beside(self._sizes.running, self._sizes.due, self.rounds)
        sys.stdout.write("\n")
        for running, seconds in found.items():
            sys.stdout.write(f"  {running:>9,} clocks running, {self._sizes.due:,} due: {seconds:.3f} s\n")
        return times

    def sweeps_against_usual(self) -> float:
        """How many times as long the usual way's sweep of many due clocks takes as ours."""
        from tests.bench.sweeping import against

        ours, usual, times = against(self._sizes.due_at_once, self.rounds)
        sys.stdout.write("\n")
        for name, found in (("ours", ours), ("the usual way", usual)):
            sys.stdout.write(
                f"  {name:14}{found.seconds:.2f} s for {found.reminders:,} reminders, {found.messages:,} messages and "
                f"{found.events:,} events\n"
            )
        return times

    def drains(self) -> float:
        """How many times as many messages two workers send as one, with a mail server that takes its time."""
        from tests.bench.sending import TAKES, measure

        found = measure(self._sizes.messages, self.rounds)
        sys.stdout.write("\n")
        for takes, (one, two, _) in found.items():
            server = f"a mail server that takes {takes * 1000:.0f} ms" if takes else "one that answers at once"
            sys.stdout.write(f"  {server:34}{one:>6.1f} messages per second with one worker, {two:.1f} with two\n")
        return found[TAKES].times

    def refusals(self) -> "Refused":
        """How long a refusal takes: of another agency's contact, and of none."""
        from tests.bench.intake import refusals

        refused = refusals(self._sizes.intake)
        sys.stdout.write(f"{1000 * refused.of_another:.2f} and {1000 * refused.of_none:.2f} ms … ")
        return refused

    def intake(self) -> tuple[float, float]:
        """The seconds that a contact takes on its whole way in, and a row on the bare way."""
        from tests.bench.intake import measure, parts

        whole, bare = measure(self._sizes.intake)
        sys.stdout.write(f"\n  a contact {whole * 1000:.1f} ms, a bare insert {bare * 1000:.1f} ms\n")
        sys.stdout.write("  receiving in its parts, milliseconds of processor time and of waiting for the database:\n")
        for part in parts(self._sizes.intake):
            sys.stdout.write(f"  {part.name:58}{part.processor * 1000:>6.2f}{part.waiting * 1000:>7.2f}\n")
        return whole, bare

    def febrl(self) -> "Found":
        """How often the right person of FEBRL 4 is found by index, said beside a comparison with everybody."""
        from tests.bench.matching import say_febrl

        if self._febrl is None:
            self._febrl = say_febrl(*self._sizes.probes)
        return self._febrl

    def false_joins(self) -> "FalseJoins":
        """What is proposed among people who are all different."""
        from tests.bench.matching import false_joins

        if self._false_joins is None:
            found = self._false_joins = false_joins(*self._sizes.people)
            sys.stdout.write(
                f"\n  among {self._sizes.people[0]:,} different people: {found.certain} certain, "
                f"{found.median:g} proposals for a contact at the median, {found.in_hundred:g} at the 99th percentile, "
                f"{found.most_for_a_person} at most for a person\n"
            )
        return self._false_joins

    def look_ups(self) -> "LookUps":
        """How long a look-up takes among few people and among many, beside a bare trigram query."""
        from tests.bench.matching import look_ups

        if self._look_ups is None:
            few, many = self._sizes.looked_through
            found = self._look_ups = look_ups((few, many), probes=10 * self.rounds, rounds=min(3, self.rounds))
            sys.stdout.write(
                f"\n  a look-up among {few:,} people {found.few * 1000:.1f} ms, among {many:,} "
                f"{found.many * 1000:.1f} ms; "
                f"a trigram query of the name there {found.trigram * 1000:.1f} ms\n"
            )
        return self._look_ups

    def searches(self) -> "Searches":
        """How long a search takes beside a small and a large history, beside a bare trigram query."""
        from tests.bench.searching import searches

        if self._searches is None:
            self._searches = searches(self._sizes.searched, names=10 * self.rounds, rounds=min(3, self.rounds))
        return self._searches

    def rates(self) -> dict[str, float]:
        """Recommendations per second, by who gives them; stops the bench where two of them differ."""
        from tests.bench.race import Disagreement, race

        if not self._rates:
            try:
                self._rates = race(self._sizes.contacts, self.rounds)
            except Disagreement as disagreement:
                sys.exit(f"\n{disagreement}")
            sys.stdout.write("\n")
            for name, rate in self._rates.items():
                sys.stdout.write(f"  {name:28}{rate:>12,.0f}  recommendations per second\n")
        return self._rates


def main() -> int:
    """0 when the figures were measured, whether or not a goal is met: a goal is for people to look at."""
    arguments = argparse.ArgumentParser(prog="make bench")
    arguments.add_argument("--only", metavar="NAME", nargs="+", choices=sorted(FIGURES))
    arguments.add_argument("--smoke", action="store_true")
    asked = arguments.parse_args()
    names = asked.only or list(FIGURES)
    stage = Stage(SMOKE if asked.smoke else FULL)
    data_dir = Path(os.environ.get("DATA_DIR") or ROOT / "var")
    with _servers():
        found: dict[str, Figure] = {}
        for name in names:
            sys.stdout.write(f"{name} … ")
            sys.stdout.flush()
            started = time.monotonic()
            found[name] = FIGURES[name](stage)
            sys.stdout.write(f"{time.monotonic() - started:.0f} s\n")
    sys.stdout.write(f"\n{'figure':32}{'goal':>12}{'value':>10}  unit\n")
    for name, figure in found.items():
        goal = f"{'<=' if figure.better == 'lower' else '>='} {figure.goal:g}"
        mark = "" if figure.is_met else "  NOT MET"
        sys.stdout.write(f"{name:32}{goal:>12}{figure.value:>10.2f}  {figure.unit}{mark}\n")
    data_dir.mkdir(parents=True, exist_ok=True)
    (data_dir / "bench.json").write_text(json.dumps({name: asdict(figure) for name, figure in found.items()}, indent=2))
    return 0


# ---- the figures


def receive_beside_history(stage: Stage) -> Figure:
    """
    Receiving a contact about a family on record and one about a new family, beside a small and a large history:
    matching, history and clocks must not grow with it.
    """
    from tests.bench.history import receive_two

    return stage.growth(receive_two)


def intake_over_bare_insert(stage: Stage) -> Figure:
    """
    Contacts over rows in the same time: the whole POST of a contact, with its token, against a bare view that
    authenticates the same way and inserts one row, served as `make run` serves.
    """
    whole, bare = stage.intake()
    return Figure(bare / whole, 0.5, "contacts in the time of a bare insert", "higher")


def api_intake_beside_history(stage: Stage) -> Figure:
    """
    Contacts by the API, about families on record and new ones, beside a small and a large history. Beside it stands
    what they take while a sweep, a replay and pages of staff go on.
    """
    from tests.bench.arriving import measure, say

    found = measure(stage.beside(), stage.sent)
    say(found)
    return Figure(median_ratio(found.large, found.small), 1.3, "times, for a hundred times the history", "lower")


def batch_seconds(stage: Stage) -> Figure:
    """What a worker takes over a batch of a hundred contacts."""
    from tests.bench.arriving import batch

    return Figure(batch(min(3, stage.rounds)), 3, "seconds of a worker, for a hundred contacts", "lower")


def refusal_of_another_over_none(stage: Stage) -> Figure:
    """How long an agency waits to hear that another's contact is none, over the same about one that there is not."""
    refused = stage.refusals()
    ratio = refused.of_another / refused.of_none
    return Figure(max(ratio, 1 / ratio), 1.1, "times, the longer over the shorter", "lower")


def file_memory(stage: Stage) -> Figure:
    """What a file of 20 MB adds to the memory of a web process, while it is stored and while it is served."""
    from tests.bench.filing import measure, say

    found = measure()
    sys.stdout.write("\n")
    say(found)
    return Figure(max(found), 64, "MB more in a web process, for a file of 20 MB", "lower")


def worklist_beside_history(stage: Stage) -> Figure:
    """The front door's worklist, with the same twenty contacts waiting, beside a small and a large history."""
    from tests.bench.history import open_worklist

    return stage.growth(open_worklist)


def contact_page_beside_history(stage: Stage) -> Figure:
    """The page of a contact about a family that was heard of before, beside a small and a large history."""
    from tests.bench.history import open_contact

    return stage.growth(open_contact)


def case_page_beside_history(stage: Stage) -> Figure:
    """The page of a case that works with that family."""
    from tests.bench.history import open_case

    return stage.growth(open_case)


def case_pages_waits(stage: Stage) -> Figure:
    """How often its page, or its chronology, waits for the database beside the large history."""
    from tests.bench.history import waits_of_case

    return stage.waits(waits_of_case)


def chronology_beside_history(stage: Stage) -> Figure:
    """The chronology of the household of that case."""
    from tests.bench.history import open_chronology

    return stage.growth(open_chronology)


def team_pages_beside_history(stage: Stage) -> Figure:
    """The five tabs of a team's page, with the same offers and cases, one of which was returned."""
    from tests.bench.history import open_team

    return stage.growth(open_team)


def notes_beside_history(stage: Stage) -> Figure:
    """The page of that case with forty notes, beside the notes of all other cases and contacts."""
    from tests.bench.history import open_notes

    return stage.growth(open_notes)


def handover_sheet_beside_history(stage: Stage) -> Figure:
    """The sheet that one shift handed to the next, and what the coming one would say."""
    from tests.bench.history import open_handover_sheet

    return stage.growth(open_handover_sheet)


def open_list_beside_history(stage: Stage) -> Figure:
    """A team's open list, for paper."""
    from tests.bench.history import open_open_list

    return stage.growth(open_open_list)


def team_pages_waits(stage: Stage) -> Figure:
    """How often the tab that waits most for the database does so, beside the large history."""
    from tests.bench.history import waits_of_team

    return stage.waits(waits_of_team)


def person_page_beside_history(stage: Stage) -> Figure:
    """The page of a child on that contact, with the chronology of the household."""
    from tests.bench.history import open_person

    return stage.growth(open_person)


def worklist_kilobytes(stage: Stage) -> Figure:
    """What travels to a browser with an empty cache for the worklist with twenty contacts: packed, without headers."""
    return Figure(stage.weight(lambda: "/").kilobytes, 100, "kB with a cold cache", "lower")


def worklist_requests(stage: Stage) -> Figure:
    """How many requests that is."""
    return Figure(stage.weight(lambda: "/").requests, 10, "requests with a cold cache", "lower")


def contact_page_kilobytes(stage: Stage) -> Figure:
    """What travels for the page of a contact about a family that was heard of before."""
    from tests.bench.history import path_of_contact

    return Figure(stage.weight(path_of_contact).kilobytes, 100, "kB with a cold cache", "lower")


def contact_page_requests(stage: Stage) -> Figure:
    """How many requests that is."""
    from tests.bench.history import path_of_contact

    return Figure(stage.weight(path_of_contact).requests, 10, "requests with a cold cache", "lower")


def admin_list_beside_history(stage: Stage) -> Figure:
    """The service manager's list of all contacts."""
    from tests.bench.history import open_list_of_contacts

    return stage.growth(open_list_of_contacts)


def sweep_beside_running(stage: Stage) -> Figure:
    """A sweep with the same fifty clocks due, beside few and many that run."""
    from tests.bench.history import sweep_fifty

    return stage.growth(sweep_fifty)


def sweep_of_a_million(stage: Stage) -> Figure:
    """A sweep with 1,000 clocks due beside a million that run, over the same beside ten thousand."""
    return Figure(stage.sweeps_beside_running(), 1.5, "times, for a hundred times the running clocks", "lower")


def sweep_over_orm(stage: Stage) -> Figure:
    """
    Our sweep of 10,000 due clocks against a loop over them in Django's ORM that saves each and creates its reminder.

    Ours writes more: every message in the outbox and every audit event, in which the loop has no part.
    """
    return Figure(stage.sweeps_against_usual(), 10, "times as fast", "higher")


def outbox_two_workers(stage: Stage) -> Figure:
    """Messages per second that two workers send, over those of one; a mail server takes 20 ms over a message."""
    return Figure(stage.drains(), 1.7, "times as many messages", "higher")


def explanation_over_answer(stage: Stage) -> Figure:
    """A recommendation with all its reasons, missing facts and single changes, over the bare answer."""
    from tests.stage.documents import contact_document
    from triage.recommendation import recommend
    from triage.ruleset import shipped

    rules = shipped()
    child = contact_document()["children"][0]
    facts = rules.facts(
        {"agreement": "given", "children": [{"age_years": 7, "indicators": child["indicators"]}], "family": {}}
    )
    bare, full = [], []
    for _ in range(stage.rounds):
        bare.append(_seconds(lambda: [rules.evaluate(facts) for _ in range(2000)]) / 2000)
        full.append(_seconds(lambda: [recommend(rules, facts) for _ in range(50)]) / 50)
    return Figure(statistics.median(full) / statistics.median(bare), 60, "answers' worth", "lower")


def bare_over_fastest_engine(stage: Stage) -> Figure:
    """Our answers over those of the fastest other rule engine, all from the same facts, parsed and valid before."""
    rates = stage.rates()
    return Figure(rates["triage"] / _fastest(rates), 20, "times as many recommendations", "higher")


def explained_over_fastest_engine(stage: Stage) -> Figure:
    """
    Our recommendations with all that explains them, ready to be stored, over the bare answers of the fastest other.

    The others and our bare answers start from parsed JSON that is valid; this one from the same, read as `Facts`.
    """
    rates = stage.rates()
    return Figure(rates["triage, explained"] / _fastest(rates), 1, "times as many recommendations", "higher")


def bare_over_zen_expression(stage: Stage) -> Figure:
    """
    Our answers over those of all rules as one compiled ZEN expression.

    Not a rule engine's decision (no table, no graph, nothing says which rule it was): the least that ZEN can do.
    """
    rates = stage.rates()
    return Figure(rates["triage"] / rates["zen-engine, expression"], 1, "times as many recommendations", "higher")


def replay_of_a_year(stage: Stage) -> Figure:
    """A replay of 27,000 contacts, facts read from PostgreSQL: the worker's processor time."""
    return Figure(stage.replays()[0].seconds, 3, "seconds of processor time", "lower")


def replay_memory(stage: Stage) -> Figure:
    """The peak of the worker's memory over 270,000 contacts beside that over 27,000: contacts are streamed."""
    year, ten_years = stage.replays()
    return Figure(ten_years.peak / year.peak, 1.05, "times, for ten times the contacts", "lower")


def match_febrl_first(stage: Stage) -> Figure:
    """FEBRL 4: probes whose right person comes first. `say_febrl` prints the comparison with everybody beside it."""
    return Figure(stage.febrl().first, 99.7, "percent of the probes", "higher")


def match_febrl_in_five(stage: Stage) -> Figure:
    """FEBRL 4: probes whose right person is among the first five."""
    return Figure(stage.febrl().in_five, 99.9, "percent of the probes", "higher")


def match_false_certainty(stage: Stage) -> Figure:
    """Pairs of different people among 100,000 that would be taken for one without asking anybody."""
    return Figure(stage.false_joins().certain, 0, "pairs of different people", "lower")


def match_proposals_median(stage: Stage) -> Figure:
    """Possible matches that somebody looks at for a contact whose people are new among 100,000."""
    return Figure(stage.false_joins().median, 3, "proposals for a new contact", "lower")


def match_proposals_p99(stage: Stage) -> Figure:
    """The same at the 99th percentile."""
    return Figure(stage.false_joins().in_hundred, 10, "proposals for a new contact", "lower")


def match_look_up_beside_people(stage: Stage) -> Figure:
    """A look-up among a million people over one among 100,000."""
    return Figure(stage.look_ups().many / stage.look_ups().few, 1.5, "times, for ten times the people", "lower")


def match_look_up_over_trigram(stage: Stage) -> Figure:
    """A look-up among a million people over a bare indexed trigram query of the same name."""
    return Figure(stage.look_ups().many / stage.look_ups().trigram, 5, "times a trigram query", "lower")


def search_beside_people(stage: Stage) -> Figure:
    """A search for a name among a million people over one among 100,000."""
    return Figure(stage.searches().over_few, 1.5, "times, for ten times the people", "lower")


def search_over_trigram(stage: Stage) -> Figure:
    """A search for a name among a million people over a bare indexed trigram query of the same name."""
    return Figure(stage.searches().over_trigram, 5, "times a trigram query", "lower")


def _fastest(rates: dict[str, float]) -> float:
    from tests.bench.engines import ENGINES

    return max(rates[name] for name in ENGINES)


FIGURES: dict[str, Callable[[Stage], Figure]] = {
    "intake_over_bare_insert": intake_over_bare_insert,
    "api_intake_beside_history": api_intake_beside_history,
    "batch_seconds": batch_seconds,
    "refusal_of_another_over_none": refusal_of_another_over_none,
    "file_memory": file_memory,
    "receive_beside_history": receive_beside_history,
    "worklist_beside_history": worklist_beside_history,
    "contact_page_beside_history": contact_page_beside_history,
    "case_page_beside_history": case_page_beside_history,
    "case_pages_waits": case_pages_waits,
    "chronology_beside_history": chronology_beside_history,
    "team_pages_beside_history": team_pages_beside_history,
    "team_pages_waits": team_pages_waits,
    "notes_beside_history": notes_beside_history,
    "handover_sheet_beside_history": handover_sheet_beside_history,
    "open_list_beside_history": open_list_beside_history,
    "person_page_beside_history": person_page_beside_history,
    "worklist_kilobytes": worklist_kilobytes,
    "worklist_requests": worklist_requests,
    "contact_page_kilobytes": contact_page_kilobytes,
    "contact_page_requests": contact_page_requests,
    "admin_list_beside_history": admin_list_beside_history,
    "sweep_beside_running": sweep_beside_running,
    "sweep_of_a_million": sweep_of_a_million,
    "sweep_over_orm": sweep_over_orm,
    "outbox_two_workers": outbox_two_workers,
    "explanation_over_answer": explanation_over_answer,
    "bare_over_fastest_engine": bare_over_fastest_engine,
    "explained_over_fastest_engine": explained_over_fastest_engine,
    "bare_over_zen_expression": bare_over_zen_expression,
    "replay_of_a_year": replay_of_a_year,
    "replay_memory": replay_memory,
    "match_febrl_first": match_febrl_first,
    "match_febrl_in_five": match_febrl_in_five,
    "match_false_certainty": match_false_certainty,
    "match_proposals_median": match_proposals_median,
    "match_proposals_p99": match_proposals_p99,
    "match_look_up_beside_people": match_look_up_beside_people,
    "match_look_up_over_trigram": match_look_up_over_trigram,
    "search_beside_people": search_beside_people,
    "search_over_trigram": search_over_trigram,
}


# ---- measuring


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


@contextmanager
def _servers() -> Iterator[None]:
    """PostgreSQL and Valkey of our own, and Django on them."""
    from config.local import embedded
    from config.local.folders import make_folders
    from tests.stage import kept

    folder = Path(tempfile.mkdtemp(prefix="front-door-bench-"))
    folder.chmod(0o711)
    folders = make_folders(folder)
    kept.copy_into(folders, _say)
    children = [embedded.start_postgres(folders, durable=False), embedded.start_valkey(folders)]
    os.environ |= {
        "FRONT_DOOR_MODE": "development",
        "SECRET_KEY": "for-the-bench-only",
        "DATABASE_URL": embedded.database_url(folders),
        "REDIS_URL": embedded.redis_url(folders),
        "FILES_DIR": str(folder / "files"),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "LOG_LEVEL": "ERROR",
    }
    try:
        import django

        django.setup()
        yield
    finally:
        from django.db import connections

        connections.close_all()
        for child in reversed(children):
            child.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
