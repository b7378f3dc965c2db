"""An export: the outputs of each row, in the order of the rows, as CSV, JSON Lines or a workbook.

The ending of the file says which. CSV is for people and their spreadsheets, like the results: UTF-8 with a byte order
mark, text that a spreadsheet would take for a formula with an apostrophe before it. JSON Lines is for programs: an
object a row, numbers with all their digits, text untouched. A workbook has its text as text, whatever it looks like,
its header frozen and filtered, and numbers as numbers as far as a spreadsheet keeps all their digits.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, Protocol

from runner.catalogue import to_json
from runner.durable import WholeFile, stopping
from runner.engine.events import Event, RowFinished, RunEnded, RunStarted
from runner.problems import UsageError
from runner.report.files import as_text, record

NAME = "export.csv"

MOST_ROWS = 1_048_575
"""Rows of a worksheet beneath its header."""

MOST_CHARACTERS = 32_767
"""Characters of a cell of a workbook."""

DIGITS = 15
"""Digits that a spreadsheet keeps of a number."""

WIDEST = 60
"""Characters of the widest column that a workbook opens with."""


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
        self._format = FORMATS.get(path.suffix.lower())
        if self._format is None:
            known = ", ".join(FORMATS)
            raise UsageError(f"an export ending in {path.suffix!r} is not known", remedy=f"one of {known}")
        self._file: WholeFile | None = None
        self._writer: Writer | None = None
        self.written: Path | None = None

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self._begin()
        elif isinstance(event, RowFinished) and event.result.bucket == "done" and self._writer is not None:
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
        assert self._format is not None  # noqa: S101 - checked when it was made
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
        import xlsxwriter

        self._book = xlsxwriter.Workbook(file, {"constant_memory": True})
        self._sheet = self._book.add_worksheet("export")
        self._day = self._book.add_format({"num_format": "yyyy-mm-dd"})
        self._outputs, self._count = outputs, 0
        self._widths = [len(name) + 3 for name in outputs]  # room for the arrow of the filter
        for at, name in enumerate(outputs):
            self._sheet.write_string(0, at, name, self._book.add_format({"bold": True}))
        self._sheet.freeze_panes(1, 0)

    def row(self, values: Sequence[Any]) -> None:
        self._count += 1
        if self._count > MOST_ROWS:
            raise _too_large(f"more than {MOST_ROWS:,} rows")
        for at, value in enumerate(values):
            self._cell(at, value)

    def end(self) -> None:
        for at, width in enumerate(self._widths):
            self._sheet.set_column(at, at, min(WIDEST, width))
        self._sheet.autofilter(0, 0, self._count, max(0, len(self._outputs) - 1))
        self._book.close()

    def _cell(self, at: int, value: Any) -> None:
        text = "" if value is None else as_text(value)
        self._widths[at] = max(self._widths[at], min(WIDEST, len(text)))
        if isinstance(value, bool):
            self._sheet.write_boolean(self._count, at, value)
        elif isinstance(value, int | Decimal) and _fits(value):
            self._sheet.write_number(self._count, at, float(value) if isinstance(value, Decimal) else value)
        elif isinstance(value, dt.date) and value.year >= 1900:
            self._sheet.write_datetime(self._count, at, dt.datetime.combine(value, dt.time()), self._day)
        elif len(text) > MOST_CHARACTERS:
            raise _too_large(f"a value of {self._outputs[at]!r} with more than {MOST_CHARACTERS:,} characters")
        elif text:
            self._sheet.write_string(self._count, at, text.encode("utf-8", "backslashreplace").decode())


def _fits(number: int | Decimal) -> bool:
    """Whether a spreadsheet keeps every digit of a number."""
    return len(Decimal(number).as_tuple().digits) <= DIGITS and abs(number) < 10**DIGITS


def _too_large(what: str) -> OSError:
    return OSError(f"no workbook takes {what}; export to .csv or .jsonl")


FORMATS: Mapping[str, type[CsvWriter] | type[JsonLinesWriter] | type[WorkbookWriter]] = {
    ".csv": CsvWriter,
    ".jsonl": JsonLinesWriter,
    ".xlsx": WorkbookWriter,
}
