"""What holds for everything of a kind: every status has an owner, every action its shape, every view its scope."""

import inspect
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from rest_framework.views import APIView

from casework import actions, jobs, messages
from casework.admin import rights
from casework.api.authentication import IsAgencyWithScope
from casework.api.urls import addresses
from casework.models import Event
from casework.statuses import LIFECYCLES
from localities.models import Agency, User
from tests.stage.actions import modules_of, public_actions


@pytest.mark.parametrize(("name", "action"), list(public_actions()), ids=[name for name, _ in public_actions()])
def test_every_action_says_who_and_when_by_keyword(name: str, action: Callable[..., Any]) -> None:
    parameters = inspect.signature(action).parameters
    hints = get_type_hints(inspect.unwrap(action))
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in parameters.values())
    assert hints["now"] is datetime
    assert {User, Agency} & {hints["by"], *get_args(hints["by"])}
    assert action.__doc__


def test_there_are_actions() -> None:
    assert len(list(public_actions())) > 25


@pytest.mark.parametrize("lifecycle", LIFECYCLES, ids=[lifecycle.name for lifecycle in LIFECYCLES])
def test_every_status_has_an_owner_and_can_be_reached(lifecycle: Any) -> None:
    statuses: set[Any] = set(type(lifecycle.start).__members__.values())
    assert set(lifecycle.owners) == statuses
    reached = {lifecycle.start} | {end for _, end in lifecycle.moves}
    assert reached == statuses


def test_every_event_is_written_somewhere() -> None:
    """Some action or job writes each event."""
    writers = [*modules_of(actions), *modules_of(jobs), *modules_of(messages), rights]
    sources = "".join(inspect.getsource(module) for module in writers)
    assert [event.name for event in Event if f"Event.{event.name}" not in sources] == []


def api_views() -> Iterator[type[APIView]]:
    for address in addresses:
        view: Any = getattr(address.callback, "cls", None)
        if view is not None and view.permission_classes == [IsAgencyWithScope]:
            yield view


@pytest.mark.parametrize("view", list(api_views()))
def test_every_api_view_wants_a_scope_for_each_method(view: type[APIView]) -> None:
    methods = {name.upper() for name in ("get", "post", "put", "patch", "delete") if hasattr(view, name)}
    assert set(view.required_scopes) == methods  # type: ignore[attr-defined]  # of django-oauth-toolkit's views
    assert methods


def test_every_file_in_the_table_of_subjects_exists() -> None:
    root = Path(__file__).parents[1]
    folders = [
        "casework/actions", "casework/web", "casework/web/views", "casework/web/templates/front_door", "tests",
    ]  # fmt: skip
    _, table = (root / "docs" / "testing.md").read_text(encoding="utf-8").split("## The parts of each subject")
    rows = [line.strip("|").split("|")[1:] for line in table.split("##")[0].splitlines() if "`" in line]
    assert len(rows) > 5
    named = [f"{folder}/{name}" for row in rows for folder, cell in zip(folders, row, strict=True)
             for name in re.findall(r"`(.+?)`", cell)]  # fmt: skip
    missing = [name for name in named if not any((root / f"{name}{end}").exists() for end in ("", ".py", ".html"))]
    assert not missing, f"docs/testing.md names files that are not there: {missing}"


def test_the_map_fails_on_a_module_that_no_room_holds(tmp_path: Path) -> None:
    """Also on one that imports nothing: no arrow leads to it."""
    root = Path(__file__).parents[1]
    for name in ("config", "casework", "localities", "triage", "errors", "docs"):
        shutil.copytree(root / name, tmp_path / name, ignore=shutil.ignore_patterns("static", "__pycache__"))
    shutil.copy(root / "pyproject.toml", tmp_path)
    (tmp_path / "casework" / "strayroom").mkdir()
    (tmp_path / "casework" / "strayroom" / "__init__.py").touch()
    drawn = subprocess.run(
        [sys.executable, "docs/draw.py", "--check"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert drawn.returncode == 1
    assert "casework.strayroom is in no room of the house." in drawn.stderr


def test_no_test_imports_from_another() -> None:
    """What tests share is in `tests/stage`."""
    modules = Path(__file__).parent.rglob("*.py")
    found = {
        str(each) for each in modules if re.search(r"^(from|import) tests\..*\btest_", each.read_text(), re.MULTILINE)
    }
    assert found == set()
