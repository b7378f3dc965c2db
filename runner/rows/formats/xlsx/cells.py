"""Cells of a workbook: their stored form, and their types for columns: text, number, date or boolean."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn

from runner.keys import canonical
from runner.recipe.model import Column, Rows
from runner.rows.cells import TIME_REMEDY, CellError, Convert
from runner.rows.columns import Columns, MatchedColumn
from runner.rows.derived import read_columns
from runner.rows.formats.xlsx.number_formats import as_shown
from runner.template import to_text

DIGITS = 15
"""Digits that a spreadsheet stores of a number: further ones are noise of binary fractions, or lost."""

_CONVERTED = (bool, dt.date, dt.time, dt.timedelta)
"""Types to which a spreadsheet converts a text that looks like one."""

_AS_TEXT = "format the cells as text and enter them again"
FIRST_DAY = dt.date(1899, 12, 30)
"""The day 0 of a workbook, for days from 1 March 1900 on: before that, spreadsheets count a 29 February 1900."""
_FIRST_NUMBER, _MOST_DAYS = 61, 2_957_003


@dataclass(frozen=True)
class UnusableCell:
    """Cell whose value cannot be used, with the message and the remedy."""

    message: str
    remedy: str


class Formatted(NamedTuple):
    """Number with the format in which the sheet shows it."""

    number: int | Decimal
    code: str

    def __str__(self) -> str:
        number = Decimal(str(self.number))
        return as_shown(number, self.code) or to_text(number)


def pack(
    cells: Sequence[Any],
    faults: Mapping[int, str] = MappingProxyType({}),
    formats: Mapping[int, str] = MappingProxyType({}),
) -> bytes:
    """Return the cells of a row as one stored line.

    `faults` are the errors in cells by their columns from 0, "" for a formula; `formats` those of numbers in columns of
    text.
    """
    if faults or formats:
        cells = list(cells)
        for at, code in formats.items():
            if at < len(cells) and type(cells[at]) in (int, float):
                cells[at] = {"number": [cells[at], code]}
        for at, text in faults.items():
            if at < len(cells):
                cells[at] = _Fault(text)
    text = json.dumps(cells, default=_packed, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass") + b"\n"


def unpack_cells(line: bytes) -> list[Any]:
    """Return the cells of a stored row for columns.

    They are str, int, Decimal, Formatted, bool, UnusableCell, and the types of datetime.
    """
    cells: list[Any] = _READ.decode(line.decode("utf-8", "surrogatepass"))
    return cells


def original_cells(line: bytes) -> list[Any]:
    """Return the cells of a stored row as in the sheet: str, int, float, Formatted, bool, and those of datetime."""
    cells: list[Any] = _ORIGINAL.decode(line.decode("utf-8", "surrogatepass"))
    return cells


def typed_columns(columns: Columns, rows: Rows, first_day: dt.date) -> Columns:
    """Return columns that take cells of a workbook, which counts days from `first_day` on."""
    known = {column.name: column for column in read_columns(rows)}
    plan = (
        column._replace(convert=_converter(column, known.get(column.name), first_day), plain=False)
        for column in columns.plan
    )
    return replace(columns, plan=tuple(plan))


def text_headers(rows: Rows) -> frozenset[str] | None:
    """Return the canonical headers of columns of text; None where the recipe declares no columns."""
    if not rows.columns:
        return None
    texts = (column for column in read_columns(rows) if column.type == "string")
    return frozenset(canonical(name) for column in texts for name in column.headers)


def _converter(matched: MatchedColumn, column: Column | None, first_day: dt.date) -> Convert:
    """Return the function from a workbook's cell to a value; an undeclared `column` (None) is text."""
    kind, convert = "string" if column is None else column.type, matched.convert
    is_mapped = column is not None and column.map is not None

    def take(cell: Any) -> Any:
        if isinstance(cell, UnusableCell):
            raise CellError(cell.message, remedy=cell.remedy)
        if isinstance(cell, Formatted):
            cell = _shown(cell) if kind == "string" else cell.number
        elif isinstance(cell, str):
            pass
        elif kind == "string":
            if isinstance(cell, _CONVERTED) and not (is_mapped and isinstance(cell, bool)):
                _refuse(cell)
        elif isinstance(cell, dt.time | dt.timedelta):
            cell = str(cell)
        elif kind == "date" and column is not None:
            cell = _day(cell, column, first_day)
        return convert(cell) if convert is not None else to_text(cell) or None

    return take


def _shown(cell: Formatted) -> str:
    """Return a number of a text column as the sheet shows it. Raises CellError where it is shown otherwise."""
    # An identifier in a text column is the text that people see: 00618, not 618.
    text = as_shown(cell.number, cell.code)
    if text is None:
        message = f"is the number {to_text(cell.number)}, which the sheet shows in another way (format {cell.code!r})"
        raise CellError(message, remedy=_AS_TEXT)
    return text


def _refuse(cell: Any) -> NoReturn:
    """Raise CellError for a cell of a text column that the spreadsheet has converted."""
    shown, noun, remedy = str(cell), "a time", _AS_TEXT
    if isinstance(cell, bool):
        shown, noun = shown.upper(), "a truth value"
        remedy += ", or give the column `type: boolean`"
    elif isinstance(cell, dt.date):
        noun = "a date"
        remedy += ", or give the column `type: date`"
    raise CellError(f"is {shown}: the spreadsheet has made {noun} of it", remedy=remedy)


def _day(cell: Any, column: Column, first_day: dt.date) -> Any:
    """Return the day of a date with a time, or of a number in a `serial` column. Raises CellError."""
    if isinstance(cell, dt.datetime):
        if cell.time() != dt.time() and not column.drop_time:
            raise CellError(f"is {cell}, a date with a time", remedy=TIME_REMEDY)
        return cell.date()
    if isinstance(cell, bool) or not isinstance(cell, int | Decimal):
        return cell
    if not column.serial:
        message = f"is the number {to_text(cell)}, and not formatted as a date"
        remedy = (
            "format the cells as dates; `serial: true` says that the column has days as numbers"
        )
        raise CellError(message, remedy=remedy)
    if cell != int(cell) or not _FIRST_NUMBER <= cell <= _MOST_DAYS:
        raise CellError(f"is the number {to_text(cell)}, which is no day", remedy="write the date")
    return first_day + dt.timedelta(days=int(cell))


class _Fault:
    """Error in a cell, or "" for a formula without a value."""

    def __init__(self, text: str) -> None:
        self.text = text


def _packed(cell: Any) -> Any:
    if isinstance(cell, _Fault):
        return {"fault": cell.text}
    if isinstance(cell, dt.datetime | dt.date | dt.time):
        # In this order: a datetime is a date as well.
        kinds = {"moment": dt.datetime, "date": dt.date, "time": dt.time}
        kind = next(kind for kind, known in kinds.items() if isinstance(cell, known))
        return {kind: cell.isoformat()}
    if isinstance(cell, dt.timedelta):
        return {"span": cell.total_seconds()}
    raise TypeError(type(cell))


def _typed(packed: dict[str, Any]) -> Any:
    ((kind, value),) = packed.items()
    if kind == "fault":
        if value:
            return UnusableCell(
                f"holds the error {value}", "mend the formula, or write the value in its place"
            )
        return UnusableCell(
            "is a formula that nobody has computed",
            "open the workbook in a spreadsheet and save it",
        )
    if kind == "number":
        return value[0] if isinstance(value[0], UnusableCell) else Formatted(*value)
    return _original(packed)


def _original(packed: dict[str, Any]) -> Any:
    ((kind, value),) = packed.items()
    if kind == "fault":
        return value
    if kind == "number":
        return Formatted(*value)
    read: dict[str, Callable[[Any], Any]] = {
        "moment": dt.datetime.fromisoformat,
        "date": dt.date.fromisoformat,
        "time": dt.time.fromisoformat,
        "span": lambda seconds: dt.timedelta(seconds=float(seconds)),
    }
    return read[kind](value)


def _number(text: str) -> Any:
    """Return a number with the digits that a spreadsheet stores.

    0.30000000000000004 is 0.3, and 12.0 is 12. A larger integer is an UnusableCell: its last digits are lost.
    """
    value = float(text)
    if not value.is_integer():
        return Decimal(format(Decimal(format(value, f".{DIGITS}g")), "f"))
    if abs(value) < 10**DIGITS:
        return int(value)
    reason = f"a spreadsheet keeps {DIGITS} digits of a number, and the others are lost"
    message = f"is the number {value:.{DIGITS}g}: {reason}"
    return UnusableCell(message, "make the cells of the column text, and enter it again")


_READ = json.JSONDecoder(parse_float=_number, object_hook=_typed)
_ORIGINAL = json.JSONDecoder(object_hook=_original)
