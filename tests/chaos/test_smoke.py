"""
make chaos runs, finds nothing lost or doubled, and leaves nothing behind; two workers on two hosts share one broker and
one database, and one of them dies.
"""

import re
import signal

from tests.chaos.conftest import PATIENCE, Place


def test_nothing_is_lost_or_doubled_whatever_is_killed(place: Place) -> None:
    said = place.run()
    rows = {
        name: [int(number) for number in re.findall(r"(?<= )\d+(?= |$)", figures)]
        for name, figures in re.findall(r"^(before|total|[\w ,]+ killed[\w ,]*?) {2}(.*)$", said, re.MULTILINE)
    }
    assert list(rows) == [
        "before", "workers killed, file with scanner", "web server killed, file stored", "PostgreSQL killed",
        "worker killed, letter not taken", "one of two workers killed", "total",
    ]  # fmt: skip
    sent, answered, lost, doubled, done, done_lost, done_doubled, letters, letters_lost, same_key, otherwise = rows[
        "total"
    ]
    assert sent == answered > 20
    assert done > 5
    assert letters > 100
    assert (lost, doubled, done_lost, done_doubled, letters_lost, otherwise) == (0, 0, 0, 0, 0, 0)
    assert same_key >= 1, "a letter that was taken when its sender was killed comes again"
    shared = re.search(
        r"^Two hosts \([\w ]+\): host-one ran (\d+) tasks, sent (\d+) letters; "
        r"host-two ran (\d+) tasks, sent (\d+) letters\.$",
        said,
        re.MULTILINE,
    )
    assert shared, said
    assert all(int(number) > 0 for number in shared.groups()), "both did some of the work"
    assert re.search(r"Reminders made: [1-9]\d*, lost: 0;", said)
    files = re.search(
        r"^Files sent: (\d+), answered: (\d+), lost: (\d+), doubled: (\d+), not checked: (\d+); "
        r"content without a row: (\d+), after the clean-up: (\d+)\.$",
        said,
        re.MULTILINE,
    )
    assert files, said
    put, taken, *missing, before, left = map(int, files.groups())
    assert put == taken > 5
    assert (missing, left) == ([0, 0, 0], 0)
    assert before >= 1, "the web server was killed between a file's content and its row"
    assert said.endswith("Nothing is lost, doubled or broken.\n")
    assert place.left_behind == []


def test_who_stops_it_finds_nothing_left_over(place: Place) -> None:
    with place.start() as process:
        assert process.stdout is not None
        while "starting web server" not in (line := process.stdout.readline()):
            assert line, "it ended"
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
    assert place.left_behind == []
