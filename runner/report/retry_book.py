"""The retry file of a workbook: the same sheet, with the rows down to its header, and the cells as they stood."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import IO, Any

from runner.report.workbook import Book
from runner.rows.typed import Formatted

_DAY, _MOMENT, _TIME, _SPAN = "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss", "hh:mm:ss", "[h]:mm:ss"


def write_sheet(file: IO[bytes], name: str, rows: Iterable[Sequence[Any]]) -> None:
    """Write a sheet of these cells: text, numbers, truth values, dates and times. Raises OSError."""
    book = Book(file)
    sheet = book.sheet(name, ())
    for row, cells in enumerate(rows):
        for at, cell in enumerate(cells):
            if cell != "":
                value = cell.number if isinstance(cell, Formatted) else cell
                sheet.put(row, at, value, _form(cell))
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
