"""Cells of a workbook as they are kept, and as columns take them: text, or a number, a date, a truth value already."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from runner.recipe.model import Rows
from runner.rows.cells import CellError, Convert
from runner.rows.columns import Columns
from runner.rows.making import read_columns
from runner.template import to_text

DIGITS = 15
"""Digits that a spreadsheet keeps of a number: what is behind them is noise of binary fractions, or lost."""

_FIRST_DAY = dt.date(1899, 12, 30)
_MOST_DAYS = 2_958_465


@dataclass(frozen=True)
class Odd:
    """A cell whose value cannot be used, with what is wrong with it."""

    message: str
    remedy: str


def pack(cells: Sequence[Any], faults: Mapping[int, str]) -> bytes:
    """The cells of a row as a line that is kept; `faults` has the errors, by column from 0, empty for a formula."""
    if faults:
        cells = [_Fault(faults[at]) if at in faults else cell for at, cell in enumerate(cells)]
    return (
        json.dumps(cells, default=_packed, separators=(",", ":"), ensure_ascii=False).encode(
            "utf-8", "surrogatepass"
        )
        + b"\n"
    )


def unpack_cells(line: bytes) -> list[Any]:
    """The cells of a row as columns take them: str, int, Decimal, bool, date, datetime, and Odd."""
    cells: list[Any] = _READ.decode(line.decode("utf-8", "surrogatepass"))
    return cells


def original_cells(line: bytes) -> list[Any]:
    """The cells of a row as they stood in the sheet: str, int, float, bool, and those of datetime."""
    cells: list[Any] = _ORIGINAL.decode(line.decode("utf-8", "surrogatepass"))
    return cells


def typed_columns(columns: Columns, rows: Rows) -> Columns:
    """Columns that take cells of a workbook."""
    dates = {column.name for column in read_columns(rows) if column.type == "date"}
    plan = (
        column._replace(convert=_taking(column.convert, is_date=column.name in dates), plain=False)
        for column in columns.plan
    )
    return replace(columns, plan=tuple(plan))


def _taking(convert: Convert | None, *, is_date: bool) -> Convert:
    def take(cell: Any) -> Any:
        if isinstance(cell, Odd):
            raise CellError(cell.message, remedy=cell.remedy)
        if is_date and isinstance(cell, int | Decimal) and not isinstance(cell, bool):
            cell = _day(cell)
        return convert(cell) if convert is not None else to_text(cell) or None

    return take


def _day(number: int | Decimal) -> dt.date | str:
    """The day that a spreadsheet keeps as a number; the number itself, as text, where it is none."""
    if number != int(number) or not 61 <= number <= _MOST_DAYS:
        return to_text(number)
    return _FIRST_DAY + dt.timedelta(days=int(number))


class _Fault:
    """An error in a cell, or a formula without a value."""

    def __init__(self, text: str) -> None:
        self.text = text


def _packed(cell: Any) -> Any:
    if isinstance(cell, _Fault):
        return {"fault": cell.text}
    if isinstance(cell, dt.datetime | dt.date | dt.time):  # a datetime is a date as well
        kind = (
            "moment"
            if isinstance(cell, dt.datetime)
            else "date"
            if isinstance(cell, dt.date)
            else "time"
        )
        return {kind: cell.isoformat()}
    if isinstance(cell, dt.timedelta):
        return {"span": cell.total_seconds()}
    raise TypeError(type(cell))


def _typed(packed: dict[str, Any]) -> Any:
    ((kind, value),) = packed.items()
    if kind == "fault":
        if value:
            return Odd(
                f"holds the error {value}", "mend the formula, or write the value in its place"
            )
        return Odd(
            "is a formula that nobody has computed",
            "open the workbook in a spreadsheet and save it",
        )
    if kind == "span":
        return str(dt.timedelta(seconds=float(value)))
    return value if kind == "time" else _original(packed)


def _original(packed: dict[str, Any]) -> Any:
    ((kind, value),) = packed.items()
    if kind == "fault":
        return value
    read: dict[str, Callable[[Any], Any]] = {
        "moment": dt.datetime.fromisoformat, "date": dt.date.fromisoformat, "time": dt.time.fromisoformat,
        "span": lambda seconds: dt.timedelta(seconds=float(seconds)),
    }  # fmt: skip
    return read[kind](value)


def _number(text: str) -> Any:
    """A number with the digits that a spreadsheet keeps: 0.30000000000000004 is 0.3, and 12.0 is 12."""
    value = float(text)
    if not value.is_integer():
        return Decimal(format(Decimal(format(value, f".{DIGITS}g")), "f"))
    if abs(value) < 10**DIGITS:
        return int(value)
    kept = f"a spreadsheet keeps {DIGITS} digits of a number, and the others are lost"
    message = f"is the number {value:.{DIGITS}g}: {kept}"
    return Odd(message, "make the cells of the column text, and enter it again")


_READ = json.JSONDecoder(parse_float=_number, object_hook=_typed)
_ORIGINAL = json.JSONDecoder(object_hook=_original)
