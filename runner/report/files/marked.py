"""The input as a workbook for people: wrong cells red, with a note, and what is wrong with and became of each line.

Mended, it is input again.

A workbook keeps its look where openpyxl is installed; else, and for other files, the values of the cells are written.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, Any
from zipfile import ZipFile

from runner.durable import WholeFile, stopping
from runner.keys import canonical
from runner.problems import Problem, UsageError, printable
from runner.report.files.workbook import MOST_CHARACTERS, MOST_ROWS, open_book
from runner.rows import Input

PROBLEM, OUTCOME = "problem", "outcome"
_OWN = " (runner)"
"""What tells our columns from those of the same name that the sheet has."""

_AUTHOR = "runner"
"""The author of our notes."""

_RED, _DARK_RED = "FFC7CE", "9C0006"
_WRONG = {"bg_color": f"#{_RED}", "font_color": f"#{_DARK_RED}"}

MOST_NOTED = 2_000
"""Characters of a problem or of the note of a cell; the rest is cut."""

MOST_BYTES = 32 * 1024**2
"""Bytes of an unpacked workbook whose look is kept: openpyxl holds all of it in memory, many times as large."""


@dataclass
class Marks:
    """What is wrong with the lines of an input, and what became of them.

    `cells` are notes by line and place of the cell, `problems` texts by line, `outcomes` words by line.
    """

    input_: Input
    cells: dict[int, dict[int, list[str]]] = field(default_factory=lambda: defaultdict(dict))
    problems: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    outcomes: dict[int, str] = field(default_factory=dict)

    @cached_property
    def _records(self) -> Sequence[int]:
        return [*self.input_.records()]

    def add(self, problems: Iterable[Problem]) -> None:
        """Add problems of the input; those of no line of it are left out."""
        before = {part.name: part.before for part in self.input_.parts}
        for problem in problems:
            at = bisect_right(self._records, before.get(problem.file, 0) + problem.line) - 1
            if at < 0 or problem.severity == "note":
                continue
            line = self._records[at]
            said = f"{problem.message}; {problem.remedy}" if problem.remedy else problem.message
            self.problems[line].append(said)
            if problem.cell >= 0:
                self.cells[line].setdefault(problem.cell, []).append(said)

    def end(self, lines: Sequence[int], outcome: str, reason: str) -> None:
        """Say what became of a row: its reason stands on its first line, unless a cell says what is wrong."""
        self.outcomes.update(dict.fromkeys(lines, outcome))
        if reason and not any(line in self.problems for line in lines):
            self.problems[lines[0]].append(reason)

    def end_others(self, outcome: str) -> None:
        """Say what became of the lines of which nothing is said."""
        for line in self._records:
            self.outcomes.setdefault(line, outcome)

    def of(self, line: int) -> tuple[str, str]:
        """Return what stands in our two columns on a line."""
        return _cut("; ".join(self.problems.get(line, ()))), self.outcomes.get(line, "")


def write_marked(path: Path, marks: Marks) -> None:
    """Write the workbook. Raises UsageError where no workbook can hold the input, StoppedError for a full disk."""
    part = marks.input_.parts[0]
    if part.kind in ("json", "jsonl"):
        raise UsageError(
            f"--marked is for sheets, and {part.name} is JSON",
            remedy="leave --marked out: the problems name the lines",
        )
    with stopping(path), WholeFile(path, private=False) as file:
        try:
            keeps = marks.input_.sheet and len(marks.input_.parts) == 1
            if not (keeps and _keep_look(file, marks)):
                _write_values(file, marks)
        except _TooLargeError as error:
            raise UsageError(
                f"no workbook takes {error}",
                remedy="leave --marked out: the problems name the lines",
            ) from None


class _TooLargeError(Exception):
    """A cell or a sheet is larger than those of workbooks."""


def _keep_look(file: IO[bytes], marks: Marks) -> bool:
    """Mark the workbook that was read; False where openpyxl is not installed, or cannot take it."""
    try:
        from openpyxl import load_workbook
        from openpyxl.comments import Comment
        from openpyxl.styles import Font, PatternFill
    except ImportError:
        return False
    input_ = marks.input_
    source = input_.piped or input_.path
    with ZipFile(source) as archive:
        if sum(part.file_size for part in archive.infolist()) > MOST_BYTES:
            return False
    try:
        book = load_workbook(source)
    except Exception:  # noqa: BLE001 - on what it does not know it fails with anything
        return False
    sheet = book[input_.sheet]
    names = _columns(input_)
    for name, at in names.items():
        sheet.cell(input_.header_line, at + 1).value = name
    red, bold = PatternFill("solid", fgColor=_RED), Font(color=_DARK_RED)
    for line in input_.records():
        for at, text in zip(names.values(), marks.of(line), strict=True):
            cell = sheet.cell(line, at + 1)
            cell.value = text or None
            if text:
                cell.data_type = "s"  # what looks like a formula is none
        for cell in sheet[line]:
            if cell.comment is not None and cell.comment.author == _AUTHOR:  # mended since
                cell.comment, cell.fill = None, PatternFill()
        for at, notes in marks.cells.get(line, {}).items():
            cell = sheet.cell(*_shown_at(sheet, line, at + 1))
            cell.fill, cell.font = red, bold
            cell.comment = Comment(_cut("\n".join(notes)), _AUTHOR)
    book.save(file)
    return True


def _shown_at(sheet: Any, row: int, column: int) -> tuple[int, int]:
    """Return the place of a cell; of one within merged cells that of the first of them, which alone is shown."""
    for merged in sheet.merged_cells.ranges:
        if (row, column) in {*merged.cells}:
            return merged.min_row, merged.min_col
    return row, column


def _write_values(file: IO[bytes], marks: Marks) -> None:
    """Write the values of the cells to a workbook with one sheet."""
    input_ = marks.input_
    names = _columns(input_)
    with open_book(file) as book:
        sheet = book.sheet(input_.sheet or "sheet", ())
        lines = [*[0] * input_.header_line, *input_.records()]
        for row, (line, cells) in enumerate(zip(lines, input_.table(), strict=True)):
            if row >= MOST_ROWS:
                raise _TooLargeError(f"more than {MOST_ROWS:,} rows")
            notes = marks.cells.get(line, {})
            for at, cell in enumerate(cells):
                if isinstance(cell, str) and len(cell) > MOST_CHARACTERS:
                    raise _TooLargeError(f"a cell of more than {MOST_CHARACTERS:,} characters")
                if at in notes:
                    sheet.put_noted(row, at, cell, _cut("\n".join(notes[at])), **_WRONG)
                elif cell != "" and at not in names.values():
                    sheet.put_cell(row, at, cell)
            own = marks.of(line) if line else names if row == input_.header_line - 1 else ()
            for at, text in zip(names.values(), own, strict=False):
                if text:
                    sheet.put(row, at, text)


def _columns(input_: Input) -> dict[str, int]:
    """Return our two columns with their places: those that are there from an earlier marking, or behind all others."""
    header = list(map(canonical, input_.header))
    for ours in ((PROBLEM, OUTCOME), (PROBLEM + _OWN, OUTCOME + _OWN)):
        if tuple(header[-2:]) == ours and not any(map(input_.reads, ours)):
            return {name: len(header) - 2 + at for at, name in enumerate(ours)}
    taken = {PROBLEM, OUTCOME} & {*header}
    own = _OWN if taken else ""
    return {PROBLEM + own: len(header), OUTCOME + own: len(header) + 1}


def _cut(text: str) -> str:
    text = printable(text)
    return text if len(text) <= MOST_NOTED else text[: MOST_NOTED - 1] + "…"
