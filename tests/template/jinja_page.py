"""The tables of docs/jinja.md as values, and expressions evaluated by Jinja and here."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import GeneratorType
from typing import Any, NamedTuple

import jinja2

from runner.template import compile_expression

PAGE = Path(__file__).parents[2] / "docs" / "jinja.md"
SCOPE: dict[str, Any] = {
    "ref": "A-1",
    "name": "ann LEE",
    "note": None,
    "qty": 3,
    "price": Decimal("12.50"),
    "day": dt.date(2026, 3, 31),
    "tags": ["b", "A", "c"],
    "lines": [{"sku": "X", "qty": 2, "size": "M"}, {"sku": "Y", "qty": 5, "size": "L"}],
    "sizes": {"M": 2, "L": 1},
}
"""The values that the examples of the page read."""


_HEADS = ("| of |", "| filter |", "| test |", "| method |", "| block |")


class Row(NamedTuple):
    """A row of a table: the section that it stands in, and its cells."""

    section: str
    cells: tuple[str, ...]


def rows() -> Iterator[Row]:
    """Every row of every table of the page."""
    section = ""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            section = line.strip("# ")
        elif line.startswith("| ") and not line.startswith(_HEADS):
            cells = re.split(r"(?<!\\)\|", line.strip().strip("|"))
            yield Row(section, tuple(cell.strip().strip("`").replace("\\|", "|") for cell in cells))


def here(expression: str) -> Any:
    """The value of an expression here."""
    return plain(compile_expression(expression).evaluate(SCOPE))


def in_jinja(expression: str) -> Any:
    """The value of an expression in Jinja."""
    environment = jinja2.Environment()
    compiled = environment.compile_expression(expression, undefined_to_none=False)
    return plain(compiled(**SCOPE))


def plain(value: Any) -> Any:
    """A value as lists, objects, texts and numbers, whatever Python calls it."""
    if isinstance(value, jinja2.Undefined):
        return "undefined"
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | GeneratorType | set) or hasattr(value, "__next__"):
        return [plain(each) for each in value]
    if type(value).__name__ in ("dict_keys", "dict_values", "dict_items", "range"):
        return [plain(each) for each in value]
    return str(value) if isinstance(value, str) else value


def shown(value: Any) -> str:
    """A value as the page shows it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{shown(k)}: {shown(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(shown, value)) + "]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return repr(value) if isinstance(value, str) else str(value)
