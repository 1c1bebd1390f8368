"""Chromium, where the machine has one, and how it is started."""

import os
import shutil

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    # JavaScript is compiled and cleared up without threads beside: for pages that live for a moment these take longer.
    "--js-flags=--single-threaded",
]


def chromium() -> str | None:
    """The path of Chromium; None if there is none."""
    # The first has no window to draw, and needs a third less processor time.
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    return os.environ.get("CHROMIUM") or next((path for name in names if (path := shutil.which(name))), None)
