"""Findings about one input file: collected, capped, counted, each with its place in the text of a record."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from runner.problems import PROBLEMS_SHOWN, InvalidError, Problem

SHOWN_CHARACTERS = 60
"""Characters of a cell that a message repeats."""


NO_TABLE = "no-table"
"""The kind of a problem of a file that may be no table: nothing that it holds is shown."""


class Text(NamedTuple):
    """Text of a record, the line that it begins on, and the delimiter of its cells."""

    number: int
    text: str
    delimiter: str


class Findings:
    """Problems of an input. The first `most` are stored, the others only counted.

    `file` is the name of the current file in messages; `warnings` do not stop a run.
    """

    def __init__(self, file: str, *, most: int = PROBLEMS_SHOWN) -> None:
        self.file = file
        self.total = 0
        self._most = most
        self.warnings: list[Problem] = []
        self._stored: list[Problem] = []

    @property
    def full(self) -> bool:
        """True when further problems are only counted."""
        return len(self._stored) >= self._most

    def add(
        self,
        message: str,
        kind: str,
        *,
        remedy: str = "",
        line: int = 1,
        column: int = 1,
        excerpt: str = "",
        cell: int = -1,
    ) -> None:
        """Add a problem at a known line and column.

        `excerpt` is the text of that line, `cell` the place of the cell in its record.
        """
        self._keep(Problem(self.file, line, column, message, kind, remedy, 1, excerpt, cell=cell))

    def warn(self, message: str, kind: str, *, remedy: str = "", line: int = 1) -> None:
        """Add a warning about a line."""
        self.warnings.append(Problem(self.file, line, 1, message, kind, remedy, severity="warning"))

    def add_cell(
        self, record: Text, cell: int, *, message: str, kind: str, remedy: str = ""
    ) -> None:
        """Add a problem in a cell of a record.

        Cells count from 0, -1 is the last; a missing cell is at the end of the text.
        """
        if self.full:
            self.total += 1
            return
        start, end = _span(record, cell)
        line_start = record.text.rfind("\n", 0, start) + 1
        excerpt = record.text[line_start:].partition("\n")[0].rstrip("\r")
        line, column = record.number + record.text.count("\n", 0, start), start - line_start + 1
        if kind == NO_TABLE or self.total >= PROBLEMS_SHOWN:
            excerpt = ""
        length = max(1, min(end, line_start + len(excerpt)) - start)
        self._keep(
            Problem(self.file, line, column, message, kind, remedy, length, excerpt, cell=cell)
        )

    def since(self, total: int) -> Sequence[Problem]:
        """Return the problems that were stored after the first `total`."""
        return self._stored[total:]

    def all(self) -> Sequence[Problem]:
        """Return the problems that were stored."""
        return self._stored

    def error(self) -> InvalidError:
        """Return all problems as the exception that ends the reading."""
        return InvalidError(self._stored[:PROBLEMS_SHOWN], total=self.total)

    def _keep(self, problem: Problem) -> None:
        self.total += 1
        if not self.full:
            self._stored.append(problem)


def shown(text: str) -> str:
    """Return a cell for a message: quoted, and shortened where it is long."""
    return repr(text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 3] + "...")


def _span(record: Text, cell: int) -> tuple[int, int]:
    """Return the start and end of a cell in the text of its record."""
    text = record.text.rstrip("\r\n")
    starts = _starts(text, record.delimiter)
    if cell >= len(starts):
        return len(text), len(text)
    place = cell % len(starts)
    return starts[place], starts[place + 1] - 1 if place + 1 < len(starts) else len(text)


def _starts(text: str, delimiter: str) -> list[int]:
    """Return the offset of each cell, by the rules of the csv module.

    An unclosed quote extends the last cell to the end.
    """
    starts = [0]
    quoted = was_quoted = False
    for match in re.finditer(f'["{re.escape(delimiter)}]', text):
        offset, character = match.start(), match[0]
        # A quote opens a cell only at its start; a doubled one closes and opens it again.
        if character == '"' and (was_quoted or offset == starts[-1]):
            quoted, was_quoted = not quoted, True
        elif character == delimiter and not quoted:
            starts.append(offset + 1)
            was_quoted = False
    return starts
