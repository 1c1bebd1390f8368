"""
make setup: makes the virtual environment, the locked packages and the front-end assets. It keeps what is there.

Any Python from 3.11 runs it, before any package is installed. Each part writes its stamp last, so the next set-up
repeats an interrupted part. Only one set-up runs in a folder at a time, and its child processes die with it.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from config import assets
from config.local.processes import die_with_parent
from config.local.terminal import say

BASE_DIR = Path(__file__).resolve().parents[2]
VENV = BASE_DIR / ".venv"
PYTHON = VENV / "bin" / "python"
LOG = BASE_DIR / "setup.log"
LOCKED = BASE_DIR / "requirements-dev.txt"
ASSET_SOURCES = [BASE_DIR / name for name in ("package.json", "package-lock.json", "config/styles/front-door.scss")]
NETWORK = "Check the network, then run this again: nothing is half-done."


def main() -> int:
    """Returns 0 when everything is there; else 1, after a line that says what to do. `--anew` uses this Python."""
    # When root runs the service, the embedded servers have a user of their own who must read the packages.
    os.umask(0o022)
    try:
        with _locked():
            _make_venv(anew="--anew" in sys.argv)
            _install()
            _build()
    except KeyboardInterrupt:
        return 130
    except Failed as error:
        say(str(error))
        return 1
    return 0


class Failed(Exception):
    """Why the set-up stops, as a sentence that says what to do."""


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    """Waits until no other set-up works in this folder."""
    try:
        lock = LOG.open("a+")
    except OSError as error:
        raise Failed(f"The folder {BASE_DIR} cannot be written ({error.strerror}). Use a copy of your own.") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("Another set-up is at work in this folder. Waiting for it …")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make_venv(*, anew: bool) -> None:
    """Keeps a virtual environment that works in this folder; else, or when a Python was named, makes a new one."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    made_here = VENV / "made-here"
    if _venv_runs() and made_here.exists() and made_here.read_text().startswith(f"{VENV}\n{version if anew else ''}"):
        return
    say("Making the virtual environment …")
    shutil.rmtree(VENV, ignore_errors=True)
    if _run([sys.executable, "-m", "venv", str(VENV)]):
        raise Failed("This Python cannot make a virtual environment (see above). On Debian: install python3-venv.")
    made_here.write_text(f"{VENV}\n{version}\n")


def _venv_runs() -> bool:
    """Whether the virtual environment's Python starts. The Python that it was made from may be gone."""
    try:
        return subprocess.run([PYTHON, "-c", ""], check=False, capture_output=True).returncode == 0  # noqa: S603  # our own
    except OSError:
        return False


def _install() -> None:
    stamp = VENV / "installed"
    wanted = _digest([LOCKED])
    if stamp.exists() and stamp.read_text() == wanted:
        return
    say("Installing the locked packages (a minute or two the first time) …")
    stamp.unlink(missing_ok=True)
    # The lock file names every package, so pip looks for no others.
    options = ["--disable-pip-version-check", "--no-input", "--progress-bar=off", "--require-hashes", "--no-deps"]
    command = [str(PYTHON), "-u", "-m", "pip", "install", *options, "-r", str(LOCKED)]
    with subprocess.Popen(  # noqa: S603  # our own command
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        preexec_fn=die_with_parent(signal.SIGKILL),
    ) as pip:  # fmt: skip
        assert pip.stdout is not None
        lines = list(_with_progress(pip.stdout))
    LOG.write_text("".join(lines))
    if pip.returncode:
        errors = [line.strip() for line in lines if line.startswith("ERROR")]
        for line in errors[-3:] or lines[-3:]:
            say(line.strip())
        raise Failed(f"The packages could not be installed (all that pip said is in {LOG}). {NETWORK}")
    stamp.write_text(wanted)


def _with_progress(lines: Iterator[str]) -> Iterator[str]:
    """Passes pip's lines on and prints the progress: on one line at a terminal, every tenth package elsewhere."""
    total = len(re.findall("^[a-z0-9].*==", LOCKED.read_text(), re.MULTILINE))
    found = 0
    for line in lines:
        yield line
        if line.startswith("Ignoring "):  # not for this machine
            total -= 1
        elif re.match(r"Collecting |Processing |Requirement already satisfied: .*\(from -r ", line):
            found += 1
            _print_progress(f"  {found} of {total} packages", last=found >= total, tenth=found % 10 == 0)
        elif line.startswith("Installing collected packages"):
            say("  Unpacking them …")


def _print_progress(text: str, *, last: bool, tenth: bool) -> None:
    if sys.stdout.isatty():
        sys.stdout.write(f"\r{text}" + ("\n" if last else ""))
        sys.stdout.flush()
    elif last or tenth:
        say(text)


def _build() -> None:
    stamp = VENV / "built"
    wanted = _digest(ASSET_SOURCES)
    if assets.BUILD.exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    say("Fetching and building the front-end assets …")
    if _run([str(PYTHON), "-m", "config.assets"]):
        raise Failed(f"The front-end assets could not be made (see above). {NETWORK}")
    stamp.write_text(wanted)


def _run(command: list[str]) -> int:
    return subprocess.run(  # noqa: S603  # our own commands
        command, cwd=BASE_DIR, check=False, preexec_fn=die_with_parent(signal.SIGKILL)
    ).returncode


def _digest(files: list[Path]) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
