"""
Draws the pages of docs/ that follow from the code: the house from the imports, the lifecycles from their tables, the
indicators and the rules in plain English from the shipped rule set, and the JSON Schema of a rule set document.

`python docs/draw.py` writes them. With --check it compares them with the code, as `make check` does.
"""

import ast
import json
import os
import sys
import tomllib
from pathlib import Path

import grimp

DOCS = Path(__file__).parent
ROOTS = ("config", "casework", "localities", "triage", "errors")
# The rooms through which people and systems reach the service. The picture draws them as one box.
ENTRY_POINTS = ("web", "api", "admin", "tasks", "management", "demonstration")
# The modules of `casework` that are no rooms: Django's own.
NO_ROOMS = ("apps", "migrations")
HOUSE = """# The house

Contracts in `pyproject.toml` say what may import what, and `lint-imports` checks them. `config` imports `casework`;
`casework` imports `triage` and `localities`; those two import neither each other nor anything above. Everything may
import `errors`. A room of `casework` imports only rooms below it, and model modules have no circular imports.
Actions and everything below them import neither Celery nor Django REST framework nor forms.

| room | what it holds |
|---|---|
{rooms}

A file is named after its main subject. Models of a contact or a case that have no file of their own are beside it:
partner checks are in `models/contacts.py`, handoffs in `models/cases.py`. Migrations are in `casework/migrations`,
one folder for all rooms: `make migrations ARGS="--name why"` writes them, and needs no database. Templates are in
`casework/web/templates/front_door`, a folder for each page's subject.

[testing.md](testing.md) has a table of the action, form, view, template and tests of each subject.

## A new field of a form about a record

1. **The model**, and `models/__init__.py` if it has choices of its own. Add the column to the trigger that makes
   columns read-only, or to the list of what may change in `tests/models/test_what_stays.py`.
2. **The database.** A field with choices gets a check constraint of the known values. Every new constraint or trigger
   needs a test in `tests/models/test_refusals.py`, with the similar valid changes that are accepted.
3. **The migration.** If the table may have rows already, the new column is either null or has both `default` and
   `db_default` (for text `default="", db_default=""`): during an upgrade the old release goes on writing rows without
   the column, while the new one starts. Decide what old rows should hold. If the default is wrong for them, the
   migration fills them in before it adds a constraint, and `tests/models/test_upgrade.py` shows it.
4. **The action** takes it, checks it and writes it.
5. **The form, the view and the template**, which all name each field. A form whose text is kept while it is typed
   says how in `casework/web/unfinished.py`.
6. **`casework/demonstration`.** Every draw of `timeline.random` moves all later ones; give new fields a fixed value.

## A new field of a contact

What a partner sends and what staff type is one document ([ADR 1](adr/0001-one-reader-for-every-document.md)), stored
as it came in `Contact.document`. A field needs a column only if the database looks for it or the rules read it: then
the steps above hold, too.

1. **The document**: `facts/contact_document.py`. The documents that add information (`facts/learned.py`) have it then
   as well. The API describes itself; [contact.md](contact.md) has two tables of the fields.
2. **What a change of it does**: the sets in `facts/learned.py`. `COLUMNS` has what has a column, `IDENTITY` what the
   record of a person holds for matching, `WEIGHS_NOTHING` what asks for no new decision. What goes to the record is
   written in `actions/receiving.py`, and again in `actions/corrections.py`.
3. **The form**: `ContactPart`, `ChildPart` or `AdultPart` in `web/contact_form.py`, with its `PATHS`; the forms for
   corrections have it then as well. Its section in `web/draft_form.py`, and that section's template in
   `templates/front_door/contacts/new`.
4. **The page of the contact**: `templates/front_door/contacts/story.html`. If the field leads to an address, it is
   hidden with it: `hidden_facts` in `web/correction_form.py`. The page of a person: `reading/people.py`.
5. **The tests**: a value in `tests/stage/contact.json` and in `everything` of `tests/web/test_contact_form.py`; values
   that are accepted, doubted and refused in `tests/facts/test_contact_document.py`.

## Which room imports which

Drawn from the imports in the code (`python docs/draw.py`); `make check` compares. An arrow means "imports". The box
"entry points" is the rooms of `casework` through which people and systems reach the service: {entry_points}.

```mermaid
flowchart TD
{arrows}
```
"""
INDICATORS = """# The indicators

The codes that a contact may have, for each child and for the family as a whole, by the rule set {name}.
Drawn from it (`python docs/draw.py`); `make check` compares.

| code | level | domain | what it says |
|---|---|---|---|
{lines}
"""
RULES = """# The rules in plain English

The rule set {name}, "{title}". Drawn from its document (`python docs/draw.py`); `make check` compares. The screens
show every version in the same words, made from its own document.
{chapters}"""
LIFECYCLES = """# The lifecycles

Drawn from `casework/statuses.py` (`python docs/draw.py`); `make check` compares.
{parts}"""


def house() -> str:
    """
    The map: which room imports which.

    :raises SystemExit: a module of `casework` is in no room.
    """
    graph = grimp.build_graph(*ROOTS, cache_dir=None)
    # Of every module, also of one that imports nothing and that nothing imports.
    boxes = {module: _box(module) for module in sorted(graph.modules)}
    arrows = set()
    for importer, start in boxes.items():
        for imported in graph.find_modules_directly_imported_by(importer):
            end = boxes[imported]
            if start and end and start != end:
                arrows.add((start, end))
    names = sorted({room for arrow in arrows for room in arrow})
    lines = [f'    {_key(name)}["{name}"]' for name in names]
    lines += [f"    {_key(start)} --> {_key(end)}" for start, end in sorted(arrows)]
    entry_points = ", ".join(f"`{name}`" for name in ENTRY_POINTS)
    return HOUSE.format(arrows="\n".join(lines), rooms="\n".join(_room_lines()), entry_points=entry_points)


def room_of(module: str) -> str | None:
    """
    The room of a module: `casework.actions` for `casework.actions.cases`. None for Django's own modules.

    :raises SystemExit: the module is in no room.
    """
    root, *below = module.split(".")
    if root != "casework":
        return root
    if not below or below[0] in NO_ROOMS:
        return None
    if below[0] not in _rooms():
        sys.exit(f"{module} is in no room of the house. Move it into one, or add a room to the contract.")
    return f"casework.{below[0]}"


def _rooms() -> list[str]:
    """The rooms of `casework` in the order of the contract in `pyproject.toml`, from the top down."""
    contracts = tomllib.loads((DOCS.parent / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract.get("containers") == ["casework"])
    return [room.strip() for layer in layers for room in layer.split("|")]


def _box(module: str) -> str | None:
    """The box of the picture that a module is drawn in: its room, or the one box of the entry points."""
    room = room_of(module)
    return "entry points" if room in {f"casework.{name}" for name in ENTRY_POINTS} else room


def _room_lines() -> list[str]:
    rooms = [*ROOTS[:2], *(f"casework/{name}" for name in _rooms()), *ROOTS[2:]]
    return [f"| `{room.replace('/', '.')}` | {_description(DOCS.parent / room)} |" for room in rooms]


def _description(room: Path) -> str:
    """The first paragraph of the room's docstring."""
    source = room / "__init__.py" if room.is_dir() else room.with_suffix(".py")
    text = ast.get_docstring(ast.parse(source.read_text()))
    if not text:
        sys.exit(f"{source.relative_to(DOCS.parent)} has no docstring. Say in one what the room holds.")
    return " ".join(text.split("\n\n")[0].split())


def _key(name: str) -> str:
    return name.replace(".", "_").replace(" ", "_")


def lifecycles() -> str:
    """A picture and a table of owners for each lifecycle."""
    # The statuses are Django choices, which need Django's settings.
    os.environ["FRONT_DOOR_MODE"] = "calculator"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from casework.statuses import LIFECYCLES as TABLES

    parts = []
    for table in TABLES:
        picture = [f"    [*] --> {table.start.value}"]
        picture += [f"    {start.value} --> {end.value}: {verb}" for (start, end), verb in table.moves.items()]
        owners = [f"| {status.label} | {owner} |" for status, owner in table.owners.items()]
        parts.append(
            f"\n## {table.name.capitalize()}\n\n```mermaid\nstateDiagram-v2\n"
            + "\n".join(picture)
            + "\n```\n\n| status | who is responsible for the next step |\n|---|---|\n"
            + "\n".join(owners)
            + "\n"
        )
    return LIFECYCLES.format(parts="".join(parts))


def indicators() -> str:
    """The codes that partners send, with their texts."""
    from triage.ruleset import shipped

    rules = shipped()
    lines = [
        f"| {entry.code} | {entry.level} | {entry.domain.replace('_', ' ')} | {entry.says} |"
        for entry in rules.catalogue.entries.values()
    ]
    return INDICATORS.format(name=rules.name, lines="\n".join(lines))


def rules() -> str:
    """The shipped rule set in plain English, without its indicators, which have a page of their own."""
    from triage.prose import chapters
    from triage.ruleset import shipped

    text = ""
    for chapter in chapters(shipped().document):
        if chapter.id == "indicators":
            continue
        text += f"\n## {chapter.title}\n"
        for item in chapter.items:
            text += f"\n### {item.title}\n"
            text += "".join(f"{'  ' * line.depth}- {line.text}\n" for line in item.lines)
    return RULES.format(name=shipped().name, title=shipped().document.title, chapters=text)


def schema() -> str:
    """The JSON Schema of a rule set document."""
    from triage.rule_set_document import json_schema

    return json.dumps(json_schema(), indent=2) + "\n"


def main() -> int:
    sys.path.insert(0, str(DOCS.parent))
    pages = {
        "house.md": house(),
        "lifecycles.md": lifecycles(),
        "indicators.md": indicators(),
        "rules.md": rules(),
        "rule-set.schema.json": schema(),
    }
    if "--check" not in sys.argv:
        for name, text in pages.items():
            (DOCS / name).write_text(text)
        return 0
    old = [name for name, text in pages.items() if not (DOCS / name).exists() or (DOCS / name).read_text() != text]
    for name in old:
        sys.stderr.write(f"docs/{name} is out of date. Draw it again: .venv/bin/python docs/draw.py\n")
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main())
