"""
make check: lint, types, import rules, the drawn pages, missing migrations, Django's checks for deployment.

Every step runs, so one run shows every fault. No step needs a database or the network.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parents[2]
PYTHON = [sys.executable, "-W", "ignore"]
DEVELOPMENT = {
    "FRONT_DOOR_MODE": "development",
    "SECRET_KEY": "for-checks-only",
    "DATABASE_URL": "postgresql://nobody@localhost:1/none",
    "REDIS_URL": "redis://localhost:1/0",
}
# Production settings that start, for Django's own checks.
PRODUCTION = DEVELOPMENT | {
    "FRONT_DOOR_MODE": "production",
    "SECRET_KEY": "for-checks-only-and-long-enough-to-be-taken-for-a-real-one-0123456789",
    "REDIS_URL": "redis://:for-checks-only@localhost:1/0",
    "ALLOWED_HOSTS": "front-door.example",
    "BASE_URL": "https://front-door.example",
    "EMAIL_URL": "smtp+tls://user:password@mail.example:587",
    "DEFAULT_FROM_EMAIL": "front-door@front-door.example",
    "FILES_DIR": "/var/lib/front-door/files",
}
STEPS: list[tuple[str, list[str], dict[str, str]]] = [
    ("Lint", [*PYTHON, "-m", "ruff", "check", "--quiet", "."], {}),
    ("Format", [*PYTHON, "-m", "ruff", "format", "--check", "--quiet", "."], {}),
    ("Types", [*PYTHON, "-m", "mypy", "config", "casework", "localities", "triage", "errors", "tests"], DEVELOPMENT),
    ("Import rules", [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"], {}),
    ("Drawn pages", [*PYTHON, "docs/draw.py", "--check"], {}),
    ("Migrations", [*PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"], DEVELOPMENT),
    (
        "API description",
        [*PYTHON, "manage.py", "spectacular", "--validate", "--fail-on-warn", "--file", os.devnull],
        DEVELOPMENT,
    ),
    ("Deployment", [*PYTHON, "manage.py", "check", "--deploy", "--fail-level", "WARNING"], PRODUCTION),
]


def main() -> int:
    """Returns 0 when every step passes; 1 when one failed, after its output."""
    failed = []
    for name, command, environment in STEPS:
        started = time.monotonic()
        sys.stdout.write(f"{name} … ")
        sys.stdout.flush()
        result = subprocess.run(  # noqa: S603  # our own commands
            command, cwd=BASE_DIR, env={**os.environ, **environment}, capture_output=True, text=True, check=False
        )
        sys.stdout.write(f"{'ok' if result.returncode == 0 else 'FAILED'} ({time.monotonic() - started:.1f} s)\n")
        if result.returncode:
            failed.append(name)
            sys.stdout.write(result.stdout + result.stderr)
    sys.stdout.write(f"\nFailed: {', '.join(failed)}\n" if failed else "\nEverything holds.\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
