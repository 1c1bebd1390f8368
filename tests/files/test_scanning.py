"""What the service asks a virus scanner, and what it makes of each answer."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from casework.files.scanning import ScannerAwayError, is_there_one, scan
from tests.stage.clamd import EICAR, Scanner, clamd
from tests.stage.files import PDF


@pytest.fixture
def scanner(settings: Settings) -> Iterator[Scanner]:
    with clamd() as scanner:
        settings.CLAMAV_URL = scanner.url
        yield scanner


def test_a_clean_file_is_clean_and_goes_over_in_its_pieces(scanner: Scanner) -> None:
    assert scan([PDF[:10], PDF[10:]]) == ""
    assert scanner.pieces == [10, len(PDF) - 10]


def test_a_virus_is_named_also_where_it_is_in_two_pieces(scanner: Scanner) -> None:
    assert scan([PDF + EICAR[:20], EICAR[20:]]) == "Eicar-Test-Signature"


def test_a_scanner_on_a_socket_of_this_machine_is_asked(settings: Settings, tmp_path: Path) -> None:
    with clamd(socket_file=tmp_path / "c") as scanner:
        settings.CLAMAV_URL = scanner.url
        assert scan([EICAR]) == "Eicar-Test-Signature"


@pytest.mark.parametrize("says", [b"INSTREAM size limit exceeded. ERROR\0", b"\0", b"stream: perhaps\0"])
def test_an_answer_that_is_neither_yes_nor_no_is_none(scanner: Scanner, says: bytes) -> None:
    scanner.says = says
    with pytest.raises(ScannerAwayError, match="could not check"):
        scan([PDF])


def test_nobody_there_is_said(settings: Settings, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        for url in (f"tcp://127.0.0.1:{taken.getsockname()[1]}", f"unix://{tmp_path}/none"):
            settings.CLAMAV_URL = url
            with pytest.raises(ScannerAwayError, match="does not answer"):
                scan([PDF])


def test_without_an_address_there_is_no_scanner(settings: Settings) -> None:
    settings.CLAMAV_URL = ""
    assert not is_there_one()
