"""Runs the two commands that need no database and no settings, in a process of their own."""

import os
import subprocess
import sys
from pathlib import Path

MANAGE = Path(__file__).parents[2] / "manage.py"


def run(*words: str, folder: Path, given: str | bytes = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """
    `manage.py` in a process of its own, in `folder`, with `given` on standard input and nothing in its environment
    but PATH and HOME (and what is asked for): no SECRET_KEY, no DATABASE_URL, no REDIS_URL.
    """
    done = subprocess.run(
        [sys.executable, str(MANAGE), *words],
        input=given.encode() if isinstance(given, str) else given,
        capture_output=True,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **environment},
        timeout=60,
        check=False,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def refused(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines of a refusal: exit code 2, a line for each fault on standard error, nothing on standard output."""
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    return done.stderr.splitlines()
