"""An export: the outputs of each row, in the order of the rows, as CSV, JSON Lines or a workbook.

The ending of the file says which. CSV is for people and their spreadsheets, like the results: UTF-8 with a byte order
mark, text that a spreadsheet would take for a formula with an apostrophe before it. JSON Lines is for programs: an
object a row, numbers with all their digits, text untouched. A workbook has its text as text, whatever it looks like,
its header frozen and filtered, and numbers as numbers as far as a spreadsheet keeps all their digits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Protocol

from runner.catalogue import to_json
from runner.durable import WholeFile, stopping
from runner.engine.events import Event, RowFinished, RowResult, RunEnded, RunStarted
from runner.engine.exported import lines_of
from runner.problems import StoppedError, UsageError
from runner.recipe.model import Recipe
from runner.report.files.cells import record
from runner.report.files.groups import Groups
from runner.report.files.workbook import Book
from runner.report.text import plural

NAME = "export.csv"


class Writer(Protocol):
    """Writes one format. Raises OSError."""

    def row(self, values: Sequence[Any]) -> None:
        """Add a row."""

    def end(self) -> None:
        """Write what is left to write."""


class Export:
    """Writes the rows of a run of `recipe` that are done to `path`, which is there once all of them are.

    Lines that are taken together are written at the end, and not at all where a row of them is missing. `private`: for
    the owner alone. `written` is `path` once it is whole; a run that stopped leaves none. Raises UsageError for an
    ending that is none of the formats, and StoppedError when the file cannot be written.
    """

    def __init__(self, path: Path, recipe: Recipe, *, private: bool = False) -> None:
        self.path, self._recipe, self._private = path, recipe, private
        self._groups: Groups | None = None
        self._format = format_of(path)
        self._file: WholeFile | None = None
        self._writer: Writer | None = None
        self.written: Path | None = None

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self._begin()
        elif (
            isinstance(event, RowFinished)
            and event.result.bucket == "done"
            and self._writer is not None
        ):
            self._add(event.result)
        elif isinstance(event, RunEnded) and not event.stopped:
            self._end(event)

    def close(self) -> None:
        """Leave no half of a file behind. Safe to call more than once."""
        if self._file is not None:
            self._file.discard()
        self._file = self._writer = None

    def _begin(self) -> None:
        with stopping(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = WholeFile(self.path, private=self._private)
            export = self._recipe.export
            if export is not None and export.grouped:
                self._groups = Groups(export, tuple(self._recipe.outputs))
            self._writer = self._format(self._file.file, header_of(self._recipe))

    def _add(self, result: RowResult) -> None:
        """Take the lines of a row."""
        with stopping(self.path):
            for line in lines_of(self._recipe, result.outputs):
                if self._groups is not None:
                    self._groups.add(line)
                elif self._writer is not None:
                    self._writer.row(line)

    def _end(self, ended: RunEnded) -> None:
        if self._file is None or self._writer is None:
            return
        if self._groups is not None and (lost := _lost(ended)):
            self.close()
            raise StoppedError(
                f"{self.path} is not written: its totals would be without {lost}",
                remedy="correct what is said of them, or leave them out with where under rows",
                exit_code=ended.exit_code,
            )
        with stopping(self.path):
            for line in self._groups.lines() if self._groups is not None else ():
                self._writer.row(line)
            self._writer.end()
            self._file.commit()
        self.written = self.path
        self._file = self._writer = None


def header_of(recipe: Recipe) -> tuple[str, ...]:
    """The columns of the export of a recipe."""
    export = recipe.export
    if export is not None and export.grouped:
        return (*export.group_by, *export.totals)
    return tuple(recipe.outputs)


def _lost(ended: RunEnded) -> str:
    """Say how many rows are in no line; empty where all are that the run took."""
    lost = ended.buckets["rejected"]
    return plural(lost, "row that was rejected", "rows that were rejected") if lost else ""


class CsvWriter:
    """Comma-separated values under a header."""

    def __init__(self, file: IO[bytes], outputs: Sequence[str]) -> None:
        self._file = file
        self._file.write("\ufeff".encode() + record(outputs))

    def row(self, values: Sequence[Any]) -> None:
        self._file.write(record(values))

    def end(self) -> None:
        """Nothing is left to write."""


class JsonLinesWriter:
    """A JSON object on each line."""

    def __init__(self, file: IO[bytes], outputs: Sequence[str]) -> None:
        self._file, self._outputs = file, outputs

    def row(self, values: Sequence[Any]) -> None:
        self._file.write(to_json(dict(zip(self._outputs, values, strict=True))) + b"\n")

    def end(self) -> None:
        """Nothing is left to write."""


class WorkbookWriter:
    """A workbook with one sheet, written row by row."""

    def __init__(self, file: IO[bytes], outputs: Sequence[str]) -> None:
        self._book = Book(file)
        self._sheet = self._book.sheet("export", outputs)

    def row(self, values: Sequence[Any]) -> None:
        self._sheet.row(values)

    def end(self) -> None:
        self._sheet.end()
        self._book.end()


Format = type[CsvWriter] | type[JsonLinesWriter] | type[WorkbookWriter]
FORMATS: Mapping[str, Format] = {
    ".csv": CsvWriter,
    ".jsonl": JsonLinesWriter,
    ".xlsx": WorkbookWriter,
}


def format_of(path: Path) -> Format:
    """What writes the format that the ending of `path` says. Raises UsageError for an ending that says none."""
    found = FORMATS.get(path.suffix.lower())
    if found is None:
        raise UsageError(
            f"an export ending in {path.suffix!r} is not known",
            remedy=f"one of {', '.join(FORMATS)}",
        )
    return found
