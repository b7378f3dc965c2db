"""Every recipe that ships or is documented passes check-jsonschema, which knows the published schema and nothing of us.

check-jsonschema reads YAML with a parser of its own: a key that only our reader understands fails here.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli.command import TIMEOUT, TREE
from test_readme import PAGES, blocks

SCHEMA = TREE / "schemas" / "recipe.schema.json"
BARE_NULL = "null-as-a-key.yaml"
"""The golden recipe with the former spelling, which no other parser reads."""
FOLDERS = ("recipes", "tests/golden/ok", "tests/golden/warn", "tests/sheets", "tests/northwind")


def check(paths: list[Path]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(SCHEMA)]
    return subprocess.run(
        [*command, *map(str, paths)], capture_output=True, text=True, timeout=TIMEOUT
    )


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_recipe_of_a_folder(folder: str) -> None:
    paths = [path for path in sorted((TREE / folder).glob("*.yaml")) if path.name != BARE_NULL]
    assert paths
    checked = check(paths)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def documented() -> Iterator[tuple[str, str]]:
    """The recipes of the pages, and their parts about columns in a recipe around them."""
    for page in PAGES:
        for block in blocks(page):
            name = f"{page.stem}-{block.line}.yaml"
            if block.kind == "yaml" and block.text.startswith("recipe:"):
                yield name, block.text
            elif block.kind == "yaml" and block.text.startswith("columns:"):
                rows = re.sub("^", "  ", block.text, flags=re.MULTILINE)
                yield name, f"recipe: 1\nname: part\noutputs: {{a: b}}\nrows:\n{rows}"


def test_every_recipe_of_the_pages(tmp_path: Path) -> None:
    for name, text in documented():
        (tmp_path / name).write_text(text, encoding="utf-8")
    paths = sorted(tmp_path.iterdir())
    assert any(path.name.startswith("README") for path in paths)
    assert sum("columns" in path.read_text("utf-8") for path in paths) > 3
    checked = check(paths)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_columns_that_the_readme_teaches(tmp_path: Path) -> None:
    """The table's one-line columns, each in a recipe."""
    rows = re.findall(r"^\| .* \| `(\w+: \{.*\})`", PAGES[0].read_text("utf-8"), re.MULTILINE)
    columns = [row for row in rows if "from:" in row]
    assert len(columns) > 5
    path = tmp_path / "taught.yaml"
    text = "".join(f"    c{number}_{column}\n" for number, column in enumerate(columns))
    path.write_text(
        f"recipe: 1\nname: taught\noutputs: {{a: b}}\nrows:\n  columns:\n{text}", encoding="utf-8"
    )
    checked = check([path])
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_key_that_other_parsers_read_as_null_is_seen() -> None:
    assert check([TREE / "tests" / "golden" / "warn" / BARE_NULL]).returncode == 1
