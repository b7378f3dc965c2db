"""Rows with wrong cells: what is known of them without the values that cannot be read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from runner.problems import Problem, said_line
from runner.rows.group import Row

MOST_WRONG = 10_000
"""Problems of cells that are kept; an input with more is refused as a whole."""

OF_CELLS = frozenset({"bad-value", "bad-key", "empty-key"})
"""Kinds of the problems of single rows."""

_SAID = 5
"""Problems of a row that its reason names."""


class WrongLine(NamedTuple):
    """Record with wrong cells: the key of its row, empty where it cannot be made, and the problems."""

    key: str
    problems: tuple[Problem, ...]


def wrong_row(number: int, lines: tuple[int, ...], wrong: Mapping[int, WrongLine]) -> Row:
    """Return a row, some of whose `lines` are among the wrong ones, with the reason why it is not sent."""
    found = [wrong[line] for line in lines if line in wrong]
    key = next((line.key for line in found if line.key), "")
    problems = [(line, each) for line in lines if line in wrong for each in wrong[line].problems]
    said = [f"{_place(line, lines)}{each.message}" for line, each in problems[:_SAID]]
    if len(problems) > _SAID:
        said.append(f"{len(problems) - _SAID} more")
    return Row(number, key, {}, lines, wrong="; ".join(said))


def problems_of(rows: Iterable[Row], wrong: Mapping[int, WrongLine]) -> list[Problem]:
    """Return the problems of these rows, in the order of their lines."""
    return [
        problem
        for row in rows
        for line in row.lines
        if line in wrong
        for problem in wrong[line].problems
    ]


def _place(line: int, lines: tuple[int, ...]) -> str:
    """Return the place of a problem within its row: a row of one line needs none."""
    return f"line {said_line(line)}: " if len(lines) > 1 else ""
