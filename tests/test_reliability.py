"""docs/reliability.md, docs/security.md: each row of their tables names tests, and each test that is named is there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

TREE = Path(__file__).parent.parent
TEXT = (TREE / "docs" / "reliability.md").read_text(encoding="utf-8")
SECURITY = (TREE / "docs" / "security.md").read_text(encoding="utf-8")
TABLES = {"What is promised": 22, "Outcomes": 11, "Faults": 30, "Threats": 14}
"""Sections whose rows have to name tests, and the least number of their rows."""


def rows(section: str) -> list[str]:
    """The rows of the table in a section, without its header."""
    (content,) = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    return [line for line in content.splitlines() if line.startswith("|")][2:]


def named(text: str) -> Iterator[tuple[str, str]]:
    """The files and names of the tests that a text names."""
    return ((found[1], found[2]) for found in re.finditer(r"`(tests/[\w/.-]+\.py)::(\w+)`", text))


@cache
def names_in(file: str) -> frozenset[str]:
    """The names of the tests in a file."""
    tree = ast.parse((TREE / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("section", TABLES)
def test_every_row_names_its_tests(section: str) -> None:
    found = rows(section)
    assert len(found) >= TABLES[section]
    assert [row for row in found if not list(named(row))] == []


def test_every_test_that_is_named_is_there() -> None:
    assert [f"{file}::{name}" for file, name in named(TEXT) if name not in names_in(file)] == []
    assert TEXT.count("::test_") == len(list(named(TEXT)))


def test_every_threat_names_its_tests() -> None:
    rows = [
        line
        for line in SECURITY.partition("## Secrets")[2].partition("\n## ")[0].splitlines()
        if line.startswith("| ") and "defence" not in line
    ]
    assert len(rows) >= 5
    assert [row for row in rows if not list(named(row))] == []
    assert [f"{file}::{name}" for file, name in named(SECURITY) if name not in names_in(file)] == []


def test_every_promise_has_its_row() -> None:
    numbers = [int(row.split("|")[1].strip()[1:]) for row in rows("What is promised")]
    assert numbers == sorted(set(numbers))
    assert {*range(1, 24)} <= {*numbers}


def test_the_figures_have_their_day_their_seed_and_their_command() -> None:
    figures = TEXT.partition("## The long harness")[2]
    assert re.search(r"make torture", figures)
    assert re.search(r"20\d\d-\d\d-\d\d", figures)
    assert re.search(r"seeds? [\d, ]+", figures)
    (line,) = re.findall(r"^    at any moment  .*$", figures, re.MULTILINE)
    counts = {
        name: int(count.replace(",", "")) for name, count in re.findall(r"(\w+) ([\d,]+)", line)
    }
    assert counts["kills"] >= 2000
    assert counts["duplicates"] == counts["lost"] == 0
