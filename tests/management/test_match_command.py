"""`manage.py match` as a council calls it, on its own records in two CSV files."""

import csv
import json
import subprocess
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from casework.families.likeness.describing import COLUMNS, Written
from casework.families.likeness.finding import MOST_PROPOSALS, register
from casework.families.likeness.record_files import Record, parse, read_files
from casework.families.likeness.weights import shipped
from casework.management.commands import match as match_command
from errors import InvalidInput
from tests.bench.population import Population
from tests.stage.calculators import refused, run_alone
from tests.stage.service import database_url

Row = dict[str, str]
ADA = {
    "id": "1",
    "first_name": "Ada",
    "last_name": "Ashworth",
    "date_of_birth": "2014-05-07",
    "nhs_number": "9990000018",
}


def written(rows: list[Row], path: Path) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = StringIO()
    writer = csv.DictWriter(text, names)
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")
    return str(path)


def match(people: list[Row] | str, probes: list[Row] | str, folder: Path) -> subprocess.CompletedProcess[str]:
    files = [
        written(rows, folder / f"{name}.csv") if isinstance(rows, list) else rows
        for name, rows in (("people", people), ("probes", probes))
    ]
    return run_alone(
        *("match", "--people", files[0], "--probes", files[1]),
        folder=folder,
        FRONT_DOOR_MODE="development",
        SECRET_KEY="for-this-test-only",
        DATABASE_URL=database_url(connection.settings_dict["NAME"]),
        REDIS_URL="redis://localhost:1/0",
        PYTHONWARNINGS="ignore",
    )


def answers(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.django_db
def test_a_line_of_json_for_each_probe_and_nothing_stays(tmp_path: Path) -> None:
    people = [
        ADA | {"postcode": "HP20 1UA", "sex": "F"},
        ADA | {"id": "2", "first_name": "Zebedee", "sex": "M", "nhs_number": "1111111111", "postcode": "HP20 1UA"},
        {"id": "ż3", "first_name": "Олена", "last_name": "Шевченко", "date_of_birth": "31/12/2012"},
    ]
    probes = [
        ADA | {"id": "a", "first_name": "ADA", "last_name": "Ashworth", "nhs_number": "999 000 0018"},
        {"id": "b", "first_name": "Olena", "last_name": "Shevchenko", "date_of_birth": "2012-12-31"},
        {
            "id": "c",
            "first_name": "\x0bXanthippe",
            "last_name": "\u200b",
            "date_of_birth": "soon",
            "sex": "?",
            "nhs_number": "12",
        },
        {"id": "d"},
    ]
    done = match(people, probes, tmp_path)
    found = answers(done)
    assert [each["probe"] for each in found] == ["a", "b", "c", "d"]
    best = found[0]["candidates"][0]
    assert set(best) == {"id", "score", "certain", "reasons"}
    assert (best["id"], best["certain"]) == ("1", True)
    assert 0.999 < best["score"] < 1
    assert best["reasons"] == ["Same first name", "Same last name", "Same date of birth", "Same NHS number"]
    assert found[1]["candidates"][0]["id"] == "ż3"
    assert found[1]["candidates"][0]["certain"] is False
    assert [each["candidates"] for each in found[2:]] == [[], []]
    assert "4 of 4 probes answered" in done.stderr
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relname LIKE 'likeness%'")
        assert cursor.fetchone() == (0,)


@pytest.mark.django_db
def test_whoever_stops_it_has_the_answers_so_far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both = written([ADA, ADA | {"id": "2"}], tmp_path / "both.csv")
    line = match_command._line

    def stopped(probe: str, proposals: list[Any]) -> str:
        if probe == "2":
            raise KeyboardInterrupt
        return line(probe, proposals)

    monkeypatch.setattr(match_command, "_line", stopped)
    printed, progress = StringIO(), StringIO()
    with pytest.raises(SystemExit) as stops:
        call_command("match", people=Path(both), probes=Path(both), stdout=printed, stderr=progress)
    assert stops.value.code == 130
    assert [json.loads(each)["probe"] for each in printed.getvalue().splitlines()] == ["1"]
    assert "Stopped." in progress.getvalue()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relname LIKE 'likeness%'")
        assert cursor.fetchone() == (0,)


@pytest.mark.django_db
def test_files_that_cannot_be_used_are_refused_with_every_fault(tmp_path: Path) -> None:
    twice = written([{"id": "7", "dob": "x"}, {"id": "7"}, {"id": "", "dob": "y"}], tmp_path / "twice.csv")
    lines = refused(match(str(tmp_path / "missing.csv"), twice, tmp_path))
    assert lines[0] == f"{tmp_path}/missing.csv: No such file or directory."
    assert lines[1].startswith(f"{twice}: There is nothing to compare. The columns are id and any of first_name")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "column id: is missing from the header line."),
        ("first_name\nAda\n", "column id: is missing from the header line."),
        ("id,colour\n1,red\n", f"There is nothing to compare. The columns are id and any of {', '.join(COLUMNS)}."),
        ("id,sex,sex\n1,M,M\n", "column sex: stands twice in the header line."),
        (
            "id,sex,firstname\n1,M,Ada\n",
            "column firstname: is not a column that is known here. Did you mean first_name?",
        ),
        ("id,sex\n1,M\n1,F\n", 'id: "1" stands on 2 lines; each person needs an id of their own.'),
        ("id,sex\n,M\n", "line 2.id: is missing."),
    ],
)
def test_what_a_file_may_not_be(text: str, says: str) -> None:
    with pytest.raises(InvalidInput) as wrong:
        parse(text)
    assert says in [str(fault) for fault in wrong.value.faults]


def test_what_a_file_may_be() -> None:
    """Names of columns as people write them, columns too many or too few, empty lines, and cells that say nothing."""
    file = parse('Last Name,ID,Favourite colour,First-name\n\n"O\'Brien, Ada",9,red\nNunez,10,blue,Zoë,more\n')
    assert file.ignored == ("favourite_colour",)
    assert file.records == (
        Record("9", Written(last_name="O'Brien, Ada")),
        Record("10", Written(last_name="Nunez", first_name="Zoë")),
    )


@pytest.mark.parametrize(
    ("separator", "first_line"), [(";", ""), (";", "sep=;\n"), ("\t", ""), ("|", "SEP=|\r\n"), (",", "sep=,\r\n")]
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_how_spreadsheets_write_a_file(tmp_path: Path, separator: str, first_line: str, encoding: str) -> None:
    path = tmp_path / "people.csv"
    lines = (["id", "Last name", "Postcode"], ["9", "Núñez", "HP20 1UA"])
    path.write_bytes((first_line + "\r\n".join(map(separator.join, lines))).encode(encoding))
    (file,) = read_files(path)
    assert file.records == (Record("9", Written(last_name="Núñez", postcode="HP20 1UA")),)


@pytest.mark.parametrize(
    ("cell", "born"),
    [("41766", "2014-05-07"), ("41766.0", "2014-05-07"), ("29221", "1980-01-01"), ("2014", "2014"), ("5.5", "5.5")],
)
def test_a_day_as_a_spreadsheet_counts_it(cell: str, born: str) -> None:
    (record,) = parse(f"id,date_of_birth,phone\n1,{cell},41766\n").records
    assert record.written == Written(date_of_birth=born, phone="41766")


@pytest.mark.django_db
def test_at_most_ten_and_the_best_first() -> None:
    """Thirty records of one child; on one of them the sex is written. And a stranger, who has the child's number."""
    ada = Written(first_name="Ada", last_name="Ashworth", date_of_birth="2014-05-07", sex="F", postcode="HP20 1UA")
    without = ada._replace(sex="")
    stranger = Written(first_name="Fergus", last_name="Quill", date_of_birth="2009-11-17", nhs_number="9990000018")
    people = [*(Record(f"{number}", without) for number in range(29)), Record("with sex", ada)]
    people.insert(0, Record("stranger", stranger))
    ((_, proposals),) = looked_up(people, [Record("ada", ada._replace(nhs_number="9990000018"))])
    assert len(proposals) == MOST_PROPOSALS
    assert (proposals[0].id, proposals[-1].id) == ("with sex", "stranger")
    scores = [proposal.likeness.score for proposal in proposals]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.django_db
def test_a_common_name_does_not_hide_the_one_who_is_looked_for() -> None:
    """A thousand people share both names, and hundreds of them the year of birth."""
    same = {"first_name": "Mohammed", "last_name": "Khan"}
    people = []
    for n in range(1_000):
        born = f"{2010 + n % 3}-{1 + n % 12:02}-{1 + n % 28:02}"
        people.append(Record(str(n), Written(**same, date_of_birth=born, postcode=f"SL{n % 20} {n % 9}AA")))
    first = people[0].written
    asked = first._replace(first_name="Muhammad", last_name="Kahn", postcode="")
    ((_, proposals),) = looked_up(people, [Record("asked", asked)])
    assert any(proposal.id == "0" for proposal in proposals)


@pytest.mark.django_db
def test_people_are_found_again_among_others() -> None:
    """A copy of a person is that person; someone who is new is nobody."""
    population = Population(5)
    people = population.people(400)
    again = [Record(f"again {each.id}", each.written) for each in people if each.written.date_of_birth]
    for record, proposals in looked_up(people, again):
        assert f"again {proposals[0].id}" == record.id
    new = population.people(100)
    certain = [each for _, proposals in looked_up(people, new) for each in proposals if each.likeness.certain]
    assert certain == []


def looked_up(people: list[Record], asked: list[Record]) -> list[tuple[Record, Any]]:
    with register(shipped()) as found:
        assert list(found.add(people))[-1] == len(people)
        found.ready()
        return list(found.look_up(asked))
