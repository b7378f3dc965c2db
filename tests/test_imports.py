"""The rooms of the house: imports run downwards only, and a third-party library is known in one room."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmark_scripts import load_script

import runner

ROOT = Path(runner.__file__).parent
LEVELS = (
    {"cli"},
    {"project"},
    {"report"},
    {"probe"},
    {"engine"},
    {"rows"},
    {"recipe", "sandbox", "transport"},
    {"catalogue", "config"},
    {"journal", "template", "source"},
    {"durable", "exact_json", "positions"},
    {"problems", "patterns", "named_files"},
    {"keys", "exact", "synonyms"},
)
LEVEL = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}
LIBRARIES = {
    "babel": {"recipe"},
    "click": {"cli"},
    "dotenv": {"config"},
    "filelock": {"journal", "sandbox"},
    "h11": {"transport"},
    "jinja2": {"template", "report"},
    "jsonpath": {"catalogue"},
    "jsonschema": {"catalogue", "recipe", "sandbox"},
    "jsonschema_rs": {"catalogue", "patterns", "recipe"},
    "platformdirs": {"journal"},
    "python_calamine": {"rows"},
    "re2": {"config", "template"},
    "requests": {"transport"},
    "rich": {"report"},
    "simplejson": {"catalogue", "sandbox"},
    "sqlite3": {"journal", "rows", "sandbox"},
    "waitress": {"sandbox"},
    "werkzeug": {"sandbox"},
    "xlsxwriter": {"report"},
    "openpyxl": {"report"},
    "yaml": {"source"},
}
LAZY = {
    "babel",
    "dotenv",
    "jsonschema",
    "jsonschema_rs",
    "platformdirs",
    "python_calamine",
    "re2",
    "rich",
    "openpyxl",
    "xlsxwriter",
}
"""Imported inside functions only: each takes longer to import than `runner --version` may take in all."""


class Import(NamedTuple):
    """One import statement: the room and file it stands in, its line, what it imports, whether at module level."""

    room: str
    file: str
    line: int
    module: str
    eager: bool

    @property
    def top(self) -> str:
        return self.module.split(".")[0]

    @property
    def of_ours(self) -> str | None:
        """The room that is imported, empty for the package itself; None for what is not ours."""
        return ".".join(self.module.split(".")[1:2]) if self.top == "runner" else None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.room} imports {self.module}"


def imports() -> list[Import]:
    return [found for path in sorted(ROOT.rglob("*.py")) for found in imports_of(path)]


def imports_of(path: Path) -> Iterator[Import]:
    parts = path.relative_to(ROOT).with_suffix("").parts
    room = "cli" if parts[0] == "__main__" else parts[0]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    eager = {id(node) for node in at_module_level(tree)}
    for node in ast.walk(tree):
        for module in modules(node, parts):
            file, line = str(path.relative_to(ROOT.parent)), getattr(node, "lineno", 0)
            yield Import(room, file, line, module, id(node) in eager)


def at_module_level(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run when the module is imported: nothing inside functions or `if TYPE_CHECKING`."""
    for node in ast.iter_child_nodes(tree):
        typing_only = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        if not typing_only and not isinstance(
            node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
        ):
            yield node
            yield from at_module_level(node)


def modules(node: ast.AST, parts: tuple[str, ...]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        above = ("runner", *parts)[: -node.level] if node.level else ()
        module = ".".join([*above, *filter(None, [node.module])])
        if module == "runner":
            names = (alias.name for alias in node.names)
            yield from ("runner" if name == "__version__" else f"runner.{name}" for name in names)
        else:
            yield module


def test_imports_run_downwards_only() -> None:
    wrong = [found for found in imports() if found.of_ours is not None and not downwards(found)]
    assert not wrong, listed(wrong)


def downwards(found: Import) -> bool:
    own = found.of_ours
    return own in ("", found.room) or (
        found.room in LEVEL and LEVEL.get(str(own), -1) > LEVEL[found.room]
    )


def test_a_library_is_known_in_one_room() -> None:
    foreign = [found for found in imports() if found.of_ours is None]
    wrong = [found for found in foreign if found.room not in LIBRARIES.get(found.top, {found.room})]
    assert not wrong, listed(wrong)
    unknown = [
        found
        for found in foreign
        if found.top not in LIBRARIES and found.top not in sys.stdlib_module_names
    ]
    assert not unknown, "no room in LIBRARIES:\n" + listed(unknown)


def test_slow_libraries_are_imported_when_they_are_needed() -> None:
    wrong = [found for found in imports() if found.top in LAZY and found.eager]
    assert not wrong, listed(wrong)


def test_every_room_has_its_level() -> None:
    rooms = {path.relative_to(ROOT).with_suffix("").parts[0] for path in ROOT.rglob("*.py")}
    assert rooms - {"__init__", "__main__"} <= set(LEVEL)


def listed(wrong: list[Import]) -> str:
    return "\n".join(map(str, wrong))


def test_every_module_that_the_architecture_names_is_there() -> None:
    text = (ROOT.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z_]+(?:/[a-z_]+)*\.py)`", text))
    assert len(named) > 20
    places = (ROOT, ROOT.parent)
    assert not [
        name for name in sorted(named) if not any((place / name).is_file() for place in places)
    ]


def test_no_module_imports_itself_through_others() -> None:
    """Imports inside of functions count as well; those for type checkers only do not."""
    readability = load_script("readability")
    every = readability.modules(ROOT)
    graph = {name: readability.imports(module, every) for name, module in every.items()}
    assert not [name for name in graph if name in readability.reached(graph, name)]
