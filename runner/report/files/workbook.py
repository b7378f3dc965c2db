"""Workbooks for people, written row by row in constant memory: text as text, whatever it looks like, and exact numbers.

A number is written as one as long as a spreadsheet keeps all of its digits, else as text. Headers are frozen and
filtered, columns as wide as what stands in them.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from decimal import Decimal
from typing import IO, Any

from runner.durable import beside
from runner.report.files.cells import as_text
from runner.rows.formats.xlsx.cells import Formatted

_DAY, _MOMENT, _TIME, _SPAN = "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss", "hh:mm:ss", "[h]:mm:ss"


def write_sheet(file: IO[bytes], name: str, rows: Iterable[Sequence[Any]]) -> None:
    """Write a sheet of these cells: text, numbers, truth values, dates and times. Raises OSError."""
    book = Book(file)
    sheet = book.sheet(name, ())
    for row, cells in enumerate(rows):
        for at, cell in enumerate(cells):
            if cell != "":
                sheet.put_cell(row, at, cell)
    book.end()


def _form(cell: Any) -> str:
    """How a cell is shown: as the date or time that it is, or a number in its format."""
    if isinstance(cell, Formatted):
        return cell.code
    if isinstance(cell, dt.datetime):
        return _MOMENT
    if isinstance(cell, dt.date):
        return _DAY
    if isinstance(cell, dt.time):
        return _TIME
    return _SPAN if isinstance(cell, dt.timedelta) else ""


MOST_ROWS = 1_048_575
"""Rows of a worksheet beneath its header."""

MOST_CHARACTERS = 32_767
"""Characters of a cell of a workbook."""

DIGITS = 15
"""Digits that a spreadsheet keeps of a number."""

WIDEST = 60
"""Characters of the widest column that a workbook opens with."""

MONEY = "#,##0.00"

MARK = "written by recipe-runner"
"""What a workbook says of itself in its properties, so that it can be told from others."""


class Book:
    """A workbook that is written to `file`, and until then waits in a folder beside it. Raises OSError."""

    def __init__(self, file: IO[bytes]) -> None:
        import xlsxwriter

        self._waiting = beside(file.name) if hasattr(file, "name") else None
        if self._waiting is not None:
            self._waiting.mkdir(mode=0o700)
        folder = None if self._waiting is None else str(self._waiting)
        self._book = xlsxwriter.Workbook(file, {"constant_memory": True, "tmpdir": folder})
        self._book.set_properties({"comments": MARK})
        self._formats: dict[tuple[tuple[str, Any], ...], Any] = {}

    def sheet(self, name: str, header: Sequence[str], *, cut: bool = False) -> Sheet:
        """A sheet behind those that were added before. With `cut` a text that is too long is cut, else refused."""
        return Sheet(self._book.add_worksheet(name), header, self.style, cut=cut)

    def style(self, **properties: Any) -> Any:
        """A format, made once."""
        name = tuple(sorted(properties.items()))
        if name not in self._formats:
            self._formats[name] = self._book.add_format(properties)
        return self._formats[name]

    def end(self) -> None:
        """Write what is left to write."""
        from xlsxwriter.exceptions import XlsxFileError

        try:
            self._book.close()
        except XlsxFileError as error:
            cause = error.args[0] if error.args else error
            raise cause if isinstance(cause, OSError) else OSError(str(error)) from None
        finally:
            if self._waiting is not None:
                shutil.rmtree(self._waiting, ignore_errors=True)


class Sheet:
    """One sheet of a workbook, its columns named by `header`. Rows are added in their order."""

    def __init__(self, sheet: Any, header: Sequence[str], style: Any, *, cut: bool = False) -> None:
        self._sheet, self._header, self._style, self._cut = sheet, tuple(header), style, cut
        self._count = 0
        self._widths = [len(name) + 3 for name in header]  # room for the arrow of the filter
        for at, name in enumerate(header):
            self._sheet.write_string(0, at, name, style(bold=True))
        self._sheet.freeze_panes(1, 0)

    def put(self, row: int, at: int, value: Any, form: str = "", **style: Any) -> None:
        """Write a cell as it is, both places from 0; `form` is how a number is shown."""
        shown = self._form(style, form)
        if isinstance(value, str):
            self._sheet.write_string(row, at, value, self._form(style))
        elif isinstance(value, bool):
            self._sheet.write_boolean(row, at, value, self._form(style))
        elif isinstance(value, int | float):
            self._sheet.write_number(row, at, value, shown)
        else:
            self._sheet.write_datetime(row, at, value, shown)

    def put_cell(self, row: int, at: int, cell: Any, **style: Any) -> None:
        """Write a cell as it was read from a sheet, both places from 0."""
        value = cell.number if isinstance(cell, Formatted) else cell
        self.put(row, at, value, _form(cell), **style)

    def put_noted(self, row: int, at: int, cell: Any, note: str, **style: Any) -> None:
        """Write a cell, which may be empty, with a note."""
        if cell == "":
            self._sheet.write_blank(row, at, None, self._form(style))
        else:
            self.put_cell(row, at, cell, **style)
        self._sheet.write_comment(row, at, note, {"author": "runner", "x_scale": 2})

    def row(
        self, values: Sequence[Any], *, text: Collection[int] = (), style: Mapping[str, Any] | None = None,
        styles: Mapping[int, Mapping[str, Any]] | None = None,
    ) -> None:  # fmt: skip
        """Add a row; the values of the columns in `text` are text whatever they are.

        `style` is that of the row, `styles` that of single columns: properties of a format of XlsxWriter.
        """
        self._count += 1
        if self._count > MOST_ROWS:
            raise _too_large(f"more than {MOST_ROWS:,} rows")
        for at, value in enumerate(values):
            shown = as_text(value) if at in text and value is not None else value
            self._cell(at, shown, {**(style or {}), **(styles or {}).get(at, {})})

    def end(self, *, filtered: bool = True) -> None:
        """Widths and filter, once all rows are there."""
        for at, width in enumerate(self._widths):
            self._sheet.set_column(at, at, min(WIDEST, width))
        if filtered:
            self._sheet.autofilter(0, 0, self._count, max(0, len(self._header) - 1))

    def _cell(self, at: int, value: Any, style: Mapping[str, Any]) -> None:
        text = "" if value is None else as_text(value)
        self._widths[at] = max(self._widths[at], min(WIDEST, len(text)))
        if isinstance(value, bool):
            self._sheet.write_boolean(self._count, at, value, self._form(style))
        elif isinstance(value, int | Decimal) and _fits(value):
            number = float(value) if isinstance(value, Decimal) else value
            self._sheet.write_number(
                self._count, at, number, self._form(style, _number_format(value))
            )
        elif isinstance(value, dt.date) and value.year >= 1900:
            day = dt.datetime.combine(value, dt.time())
            self._sheet.write_datetime(self._count, at, day, self._form(style, "yyyy-mm-dd"))
        elif text:
            self._sheet.write_string(self._count, at, self._storable(at, text), self._form(style))

    def _form(self, style: Mapping[str, Any], number: str = "") -> Any:
        properties = {**style, **({"num_format": number} if number else {})}
        return self._style(**properties) if properties else None

    def _storable(self, at: int, text: str) -> str:
        text = text.encode("utf-8", "backslashreplace").decode()
        if len(text) <= MOST_CHARACTERS:
            return text
        if not self._cut:
            raise _too_large(
                f"a value of {self._header[at]!r} with more than {MOST_CHARACTERS:,} characters"
            )
        return text[: MOST_CHARACTERS - 1] + "…"


@contextmanager
def open_book(file: IO[bytes]) -> Iterator[Book]:
    """A workbook that is whole when nothing went wrong."""
    book = Book(file)
    try:
        yield book
    except BaseException:
        with suppress(OSError):  # it closes and removes what waits in temporary files
            book.end()
        raise
    book.end()


def _number_format(number: int | Decimal) -> str:
    """Money as money; any other number as it is."""
    return MONEY if isinstance(number, Decimal) and number.as_tuple().exponent == -2 else ""


def _fits(number: int | Decimal) -> bool:
    """Whether a spreadsheet keeps every digit of a number."""
    exact = Decimal(number)
    return exact.is_finite() and len(exact.as_tuple().digits) <= DIGITS and abs(exact) < 10**DIGITS


def _too_large(what: str) -> OSError:
    return OSError(f"no workbook takes {what}; .csv takes it")
