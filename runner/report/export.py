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
from runner.engine.events import Event, RowFinished, RunEnded, RunStarted
from runner.problems import UsageError
from runner.report.cells import record
from runner.report.workbook import Book

NAME = "export.csv"


class Writer(Protocol):
    """Writes one format. Raises OSError."""

    def row(self, values: Sequence[Any]) -> None:
        """Add a row."""

    def end(self) -> None:
        """Write what is left to write."""


class Export:
    """Writes the rows of a run that are done to `path`, which is there once all of them are.

    `private`: for the owner alone. `written` is `path` once it is whole; a run that stopped leaves none. Raises
    UsageError for an ending that is none of the formats, and StoppedError when the file cannot be written.
    """

    def __init__(self, path: Path, outputs: Sequence[str], *, private: bool = False) -> None:
        self.path, self._outputs, self._private = path, tuple(outputs), private
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
            with stopping(self.path):
                self._writer.row([event.result.outputs.get(name) for name in self._outputs])
        elif isinstance(event, RunEnded) and not event.stopped:
            self._end()

    def close(self) -> None:
        """Leave no half of a file behind. Safe to call more than once."""
        if self._file is not None:
            self._file.discard()
        self._file = self._writer = None

    def _begin(self) -> None:
        with stopping(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = WholeFile(self.path, private=self._private)
            self._writer = self._format(self._file.file, self._outputs)

    def _end(self) -> None:
        if self._file is None or self._writer is None:
            return
        with stopping(self.path):
            self._writer.end()
            self._file.commit()
        self.written = self.path
        self._file = self._writer = None


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
