"""Error messages as the Design System writes them: "Select …" for choices, "Enter …" for text, and no full stop."""

import ast
from collections.abc import Iterator
from pathlib import Path

import casework

ROOT = Path(casework.__file__).parent
# What a developer of a partner's system reads, in a problem document.
FOR_DEVELOPERS = {"api"}


def messages() -> Iterator[tuple[str, str]]:
    """Each text of a fault that tells the reader what to do, with its file."""
    for path in ROOT.rglob("*.py"):
        if {"migrations", *FOR_DEVELOPERS} & set(path.relative_to(ROOT).parts):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                if name in ("Fault", "ValidationError", "add_error"):
                    texts = (each.value for each in node.args if isinstance(each, ast.Constant))
                    yield from ((path.name, text) for text in texts if isinstance(text, str))


def test_they_say_select_or_enter() -> None:
    assert [each for each in messages() if each[1].split(" ")[0] in ("Choose", "Say", "Write", "Give", "Type")] == []


def test_one_sentence_that_says_what_to_do_has_no_full_stop() -> None:
    asking = [each for each in messages() if each[1].startswith(("Select ", "Enter ")) and ". " not in each[1]]
    assert len(asking) > 40
    assert [each for each in asking if each[1].endswith(".")] == []
