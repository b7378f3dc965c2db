"""The problems of one input file: collected, capped, counted, each with its place in the text of a record."""

from __future__ import annotations

import re
from typing import NamedTuple

from runner.problems import PROBLEMS_SHOWN, InvalidError, Problem

SHOWN_CHARACTERS = 60
"""Characters of a cell that a message repeats."""


NO_TABLE = "no-table"
"""The kind of a problem of a file that may be no table: nothing that it holds is shown."""


class Text(NamedTuple):
    """The text of a record, the line it begins on, and what separates its cells."""

    number: int
    text: str
    delimiter: str


class Findings:
    """What is wrong with an input. The first `PROBLEMS_SHOWN` are kept, the others only counted.

    `file` is what messages call the file in hand; `warnings` are what is worth knowing and stops nothing.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.total = 0
        self.warnings: list[Problem] = []
        self._kept: list[Problem] = []

    @property
    def full(self) -> bool:
        """Whether problems are only counted from now on."""
        return len(self._kept) >= PROBLEMS_SHOWN

    def add(
        self,
        message: str,
        kind: str,
        *,
        remedy: str = "",
        line: int = 1,
        column: int = 1,
        excerpt: str = "",
    ) -> None:
        """A problem at a known line and column; `excerpt` is the text of that line."""
        self._keep(Problem(self.file, line, column, message, kind, remedy, 1, excerpt))

    def warn(self, message: str, kind: str, *, remedy: str = "", line: int = 1) -> None:
        """What is worth knowing about a line."""
        self.warnings.append(Problem(self.file, line, 1, message, kind, remedy, severity="warning"))

    def add_cell(
        self, record: Text, cell: int, *, message: str, kind: str, remedy: str = ""
    ) -> None:
        """A problem in a cell of a record: from 0, -1 the last one, the end of the text where there is no such cell."""
        if self.full:
            self.total += 1
            return
        start, end = _span(record, cell)
        line_start = record.text.rfind("\n", 0, start) + 1
        excerpt = record.text[line_start:].partition("\n")[0].rstrip("\r")
        line, column = record.number + record.text.count("\n", 0, start), start - line_start + 1
        if kind == NO_TABLE:
            excerpt = ""
        length = max(1, min(end, line_start + len(excerpt)) - start)
        self._keep(Problem(self.file, line, column, message, kind, remedy, length, excerpt))

    def error(self) -> InvalidError:
        """All that was found, as the exception that ends the reading."""
        return InvalidError(self._kept, total=self.total)

    def _keep(self, problem: Problem) -> None:
        self.total += 1
        if len(self._kept) < PROBLEMS_SHOWN:
            self._kept.append(problem)


def shown(text: str) -> str:
    """A cell as a message repeats it: quoted, and cut where it is long."""
    return repr(text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 3] + "...")


def _span(record: Text, cell: int) -> tuple[int, int]:
    """Where a cell begins and ends in the text of its record."""
    text = record.text.rstrip("\r\n")
    starts = _starts(text, record.delimiter)
    if cell >= len(starts):
        return len(text), len(text)
    place = cell % len(starts)
    return starts[place], starts[place + 1] - 1 if place + 1 < len(starts) else len(text)


def _starts(text: str, delimiter: str) -> list[int]:
    """The offset of each cell, by the rules of the csv module; an unclosed quote makes the last cell run to the end."""
    starts = [0]
    quoted = was_quoted = False
    for found in re.finditer(f'["{re.escape(delimiter)}]', text):
        offset, character = found.start(), found[0]
        if character == '"' and (was_quoted or offset == starts[-1]):
            quoted, was_quoted = not quoted, True
        elif character == delimiter and not quoted:
            starts.append(offset + 1)
            was_quoted = False
    return starts
