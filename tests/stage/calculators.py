"""Runs the commands that answer on standard output: in a process of their own, or in this one, which is faster."""

import io
import os
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from django.core.management import ManagementUtility

MANAGE = Path(__file__).parents[2] / "manage.py"

Done = subprocess.CompletedProcess[str]


def run_alone(*words: str, folder: Path, given: str | bytes = "", **environment: str) -> Done:
    """
    `manage.py` in a process of its own, in `folder`, with `given` on standard input and nothing in its environment
    but PATH and HOME (and what is asked for): no SECRET_KEY, no DATABASE_URL, no REDIS_URL.
    """
    done = subprocess.run(
        [sys.executable, str(MANAGE), *words],
        input=_bytes(given),
        capture_output=True,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **environment},
        timeout=60,
        check=False,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def run(*words: str, folder: Path, given: str | bytes = "") -> Done:
    """The same command line in this process, which has started Django already. A new process takes a second."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, chdir(folder), redirect_stdout(stdout), redirect_stderr(stderr):
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(_bytes(given)), encoding="utf-8"))
        try:
            ManagementUtility().fetch_command(words[0]).run_from_argv([str(MANAGE), *words])
            code = 0
        except SystemExit as stopped:
            code = int(stopped.code or 0)
    return subprocess.CompletedProcess(words, code, stdout.getvalue(), stderr.getvalue())


def refused(done: Done) -> list[str]:
    """The lines of a refusal: exit code 2, a line for each fault on standard error, nothing on standard output."""
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    return done.stderr.splitlines()


def _bytes(given: str | bytes) -> bytes:
    return given.encode() if isinstance(given, str) else given
