#!/usr/bin/env python
"""Django's command line. `recommend` and `due` are calculators: they need no database and no settings."""

import os
import sys
from pathlib import Path

CALCULATORS = {"recommend", "due"}


def main() -> None:
    """Runs a command. Settings that are refused end it with their sentences, not with a traceback."""
    if sys.argv[1:] and sys.argv[1] in CALCULATORS:
        os.environ["FRONT_DOOR_MODE"] = "calculator"
    _find_the_running_service()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as refusal:
        sys.exit(str(refusal))


def _find_the_running_service() -> None:
    """
    Reads the settings that a running `make run` has written into its data folder.

    Only commands read them. A web server or a worker without settings must not start on the data of somebody's trial.
    """
    given = {"DATABASE_URL", "DATABASE_URL_FILE", "SECRET_KEY", "SECRET_KEY_FILE", "FRONT_DOOR_MODE"}
    if os.environ.keys() & given:
        return
    written = Path(os.environ.get("DATA_DIR") or Path(__file__).parent / "var").expanduser() / "service.env"
    if os.access(written, os.R_OK):
        from environ import Env

        Env.read_env(written)


if __name__ == "__main__":
    main()
