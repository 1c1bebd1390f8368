"""Two workers on two hosts share one broker and one database; one of them dies, and nothing is lost."""

import re

from tests.chaos.conftest import Place


def test_one_of_two_hosts_dies_and_the_other_goes_on(place: Place) -> None:
    said = place.run("--only", "two-hosts")
    shared = re.search(
        r"^Two hosts \([\w ]+\): host-one ran (\d+) tasks, sent (\d+) letters; "
        r"host-two ran (\d+) tasks, sent (\d+) letters\.$",
        said,
        re.MULTILINE,
    )
    assert shared, said
    assert all(int(number) > 0 for number in shared.groups()), "both did some of the work"
    assert re.search(r"^one of two workers killed +0 s +[\d.]+ s +[\d.]+ s ", said, re.MULTILINE), said
    assert said.endswith("Nothing is lost, doubled or broken.\n")
    assert place.left_over == []
