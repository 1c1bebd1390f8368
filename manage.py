#!/usr/bin/env python
"""Django's command line. `recommend` and `due` are calculators: they need no database and no configuration."""

import os
import sys

CALCULATORS = {"recommend", "due"}


def main() -> None:
    """Run a command; a configuration that is refused ends in its sentences, not in a traceback."""
    if sys.argv[1:] and sys.argv[1] in CALCULATORS:
        os.environ["FRONT_DOOR_MODE"] = "calculator"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as refusal:
        sys.exit(str(refusal))


if __name__ == "__main__":
    main()
