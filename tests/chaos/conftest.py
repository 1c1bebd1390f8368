"""make chaos as a person starts it, in a small size."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.chaos.stage import ROOT
from tests.stage.service import run_while_it_speaks

COMMAND = [sys.executable, "-W", "ignore", "-m", "tests.chaos", "--smoke"]
# A machine that has other things to do is given time; a test that passes does not take it. Before chaos itself gives
# up, it waits three times two minutes without a word.
PATIENCE = 400.0


class Place:
    """An empty folder for temporary files, and make chaos in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=ROOT, env=os.environ | {"TMPDIR": str(self.folder)},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def run(self, *arguments: str) -> str:
        """What it says, when it found nothing wrong."""
        code, said = run_while_it_speaks(
            [*COMMAND, *arguments], silence=PATIENCE, cwd=ROOT, env=os.environ | {"TMPDIR": str(self.folder)}
        )
        assert code == 0, said
        return said

    @property
    def left_behind(self) -> list[str]:
        """Folders, and processes that work in them."""
        here = str(self.folder)
        processes = [
            " ".join(process.info["cmdline"])
            for process in psutil.process_iter(["cmdline", "cwd"])
            if here in " ".join(process.info["cmdline"] or []) or here in (process.info["cwd"] or "")
        ]
        return [str(path) for path in self.folder.iterdir()] + processes


@pytest.fixture
def place() -> Iterator[Place]:
    folder = Path(tempfile.mkdtemp(prefix="front-door-"))
    # The embedded servers' own user passes through where root runs the tests.
    folder.chmod(0o711)
    yield Place(folder)
    shutil.rmtree(folder, ignore_errors=True)
