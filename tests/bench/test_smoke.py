"""The bench runs, and writes what other people's scripts read. How fast things are is not asked here."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.bench.__main__ import FIGURES, ROOT


def test_every_figure_is_measured_and_written_down(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.bench", "--smoke"],
        cwd=ROOT, env=os.environ | {"DATA_DIR": str(tmp_path)},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    written = json.loads((tmp_path / "bench.json").read_text())
    assert set(written) == set(FIGURES)
    for name, figure in written.items():
        assert name in ran.stdout
        assert set(figure) == {"value", "goal", "unit", "better"}
        assert figure["value"] > 0
        assert figure["better"] in ("higher", "lower")
