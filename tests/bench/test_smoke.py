"""The bench runs, and writes what other people's scripts read. How fast things are is not asked here."""

import json
import os
import sys
from pathlib import Path

from tests.bench.__main__ import FIGURES, ROOT
from tests.stage.service import run_while_it_speaks


def test_every_figure_is_measured_and_written_down(tmp_path: Path) -> None:
    code, said = run_while_it_speaks(
        [sys.executable, "-u", "-W", "ignore", "-m", "tests.bench", "--smoke"],
        silence=120, cwd=ROOT, env=os.environ | {"DATA_DIR": str(tmp_path)},
    )  # fmt: skip
    assert code == 0, said
    written = json.loads((tmp_path / "bench.json").read_text())
    assert set(written) == set(FIGURES)
    for name, figure in written.items():
        assert name in said
        assert set(figure) == {"value", "goal", "unit", "better"}
        # No false certainty, or no proposal, is a figure too.
        assert figure["value"] > 0 or name.startswith(("match_false", "match_proposals"))
        assert figure["better"] in ("higher", "lower")
