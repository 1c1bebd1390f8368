"""Lines for the person at the terminal."""

import os
import sys
from typing import IO


def say(text: str, to: IO[str] | None = None) -> None:
    """Prints a line at once. When nobody reads any more, it prints nothing and the program goes on."""
    stream = to or sys.stdout
    try:
        stream.write(text + "\n")
        stream.flush()
    except OSError:
        # The terminal is gone, or the program that read our output. There is still everything to stop.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
