"""
make setup: the virtual environment, the locked packages and the front-end assets; what is there already is kept.

Any Python from 3.11 runs this, before there is any package. Each part writes its stamp last, so that a set-up that was
cut short is done again; one at a time works in a folder, and what it starts dies with it.
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
from config.local.embedded import die_with_parent

BASE_DIR = Path(__file__).resolve().parents[2]
VENV = BASE_DIR / ".venv"
PYTHON = VENV / "bin" / "python"
LOG = BASE_DIR / "setup.log"
LOCKED = BASE_DIR / "requirements-dev.txt"
ASKED_FOR = [BASE_DIR / name for name in ("package.json", "package-lock.json", "config/styles/front-door.scss")]
NETWORK = "Check the network, then run this again: nothing is half-done."


def main() -> int:
    """0 when all is there; else 1, after a line that says what to do. `--anew`: with the Python that runs this."""
    # Beside root the embedded servers have a user of their own, which runs its programs from here.
    os.umask(0o022)
    try:
        with _alone():
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


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@contextlib.contextmanager
def _alone() -> Iterator[None]:
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
    """Keep the virtual environment that works here; make another where none does, or where one Python was named."""
    mine = f"{sys.version_info.major}.{sys.version_info.minor}"
    made_here = VENV / "made-here"
    if _runs() and made_here.exists() and made_here.read_text().startswith(f"{VENV}\n{mine if anew else ''}"):
        return
    say("Making the virtual environment …")
    shutil.rmtree(VENV, ignore_errors=True)
    if _run([sys.executable, "-m", "venv", str(VENV)]):
        raise Failed("This Python cannot make a virtual environment (see above). On Debian: install python3-venv.")
    made_here.write_text(f"{VENV}\n{mine}\n")


def _runs() -> bool:
    """Whether the virtual environment's Python is there and starts: its own home may be gone."""
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
    # All that is needed is locked, and nothing else is to be sought.
    options = ["--disable-pip-version-check", "--no-input", "--progress-bar=off", "--require-hashes", "--no-deps"]
    command = [str(PYTHON), "-u", "-m", "pip", "install", *options, "-r", str(LOCKED)]
    with subprocess.Popen(  # noqa: S603  # our own command
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        preexec_fn=die_with_parent(signal.SIGKILL),
    ) as pip:  # fmt: skip
        assert pip.stdout is not None
        said = list(_counted(pip.stdout))
    LOG.write_text("".join(said))
    if pip.returncode:
        errors = [line.strip() for line in said if line.startswith("ERROR")]
        for line in errors[-3:] or said[-3:]:
            say(line.strip())
        raise Failed(f"The packages could not be installed (all that pip said is in {LOG}). {NETWORK}")
    stamp.write_text(wanted)


def _counted(lines: Iterator[str]) -> Iterator[str]:
    """Pass on what pip says, and say how far it is: on one line at a terminal, every tenth package elsewhere."""
    total = len(re.findall("^[a-z0-9].*==", LOCKED.read_text(), re.MULTILINE))
    found = 0
    for line in lines:
        yield line
        if line.startswith("Ignoring "):  # not for this machine
            total -= 1
        elif re.match(r"Collecting |Processing |Requirement already satisfied: .*\(from -r ", line):
            found += 1
            _count(f"  {found} of {total} packages", last=found >= total, tenth=found % 10 == 0)
        elif line.startswith("Installing collected packages"):
            say("  Unpacking them …")


def _count(text: str, *, last: bool, tenth: bool) -> None:
    if sys.stdout.isatty():
        sys.stdout.write(f"\r{text}" + ("\n" if last else ""))
        sys.stdout.flush()
    elif last or tenth:
        say(text)


def _build() -> None:
    stamp = VENV / "built"
    wanted = _digest(ASKED_FOR)
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
