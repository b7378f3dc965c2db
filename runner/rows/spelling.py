"""Cells that are meant to be one name and are written in more than one way: `Check` and `check `."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import repeat
from typing import Any

from runner.problems import Problem
from runner.rows.findings import shown
from runner.rows.group import Row
from runner.rows.input import Input

MAX_NAMES = 10_000
"""Different names of one column that are remembered."""


def spelled_otherwise(input_: Input, columns: Collection[str]) -> Iterator[Problem]:
    """A warning for the first cell of each spelling that differs from an earlier one in case or blanks only."""
    first: dict[tuple[str, str], tuple[str, int]] = {}
    told: set[tuple[str, str]] = set()
    for row in input_ if columns else ():
        for number, values in _lines(row, grouped=input_.grouped):
            for column in columns:
                cell = values.get(column)
                if not isinstance(cell, str) or (column, cell) in told or len(first) >= MAX_NAMES:
                    continue
                known, line = first.setdefault((column, " ".join(cell.casefold().split())), (cell, number))
                if known != cell:
                    told.add((column, cell))
                    message = f"{shown(cell)} is {shown(known)} on line {line}: names are found as they are written"
                    yield input_.warning(number, column, message=message, kind="spelling", remedy="write both the same")


def _lines(row: Row, *, grouped: bool) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The lines of a row with their values."""
    lines = row.values["lines"] if grouped else [row.values]
    # Lines that were made of columns have no lines of their own in the file: the row's first stands for them.
    yield from zip(row.lines if len(lines) == len(row.lines) else repeat(row.lines[0]), lines, strict=False)
