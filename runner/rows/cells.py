"""Columns of an input: the header matched with the recipe's columns, and records converted to values."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import lru_cache
from typing import Any

from runner.patterns import PatternError, matcher
from runner.problems import nearest
from runner.recipe.columns import cased
from runner.recipe.dates import ISO_DATE, example_date, read_date
from runner.recipe.model import Column
from runner.rows.findings import shown
from runner.rows.numbers import PLAIN, compile_number, keys_of, number_remedy
from runner.template import to_text

Clean = Callable[[str], str]


def compile_cleaning(column: Column) -> Clean | None:
    """Return the function for `replace` and `case`; None where they do nothing."""
    steps: list[Clean] = [_replacing(old, new) for old, new in column.replace]
    if column.case:
        steps.append(lambda text: cased(text, column.case))
    if not steps:
        return None
    trimmed = column.trim or column.type != "string" or bool(column.split)

    def clean(text: str) -> str:
        # Trimmed again: a replacement may leave spaces at an end.
        for step in steps:
            text = step(text)
        return text.strip() if trimmed else text

    return clean


def _replacing(old: str, new: str) -> Clean:
    return lambda text: text.replace(old, new)


def map_key(column: Column, key: str, clean: Clean | None) -> str:
    """Return a key of `map` cleaned like the cells that it is compared with."""
    trimmed = column.trim or column.type != "string" or bool(column.split)
    text = key.strip() if trimmed else key
    return clean(text) if clean is not None else text


def cut(cell: Any, separator: str) -> list[Any]:
    """Return the items of a cell; a value that is no text is one item."""
    return [part.strip() for part in cell.split(separator)] if isinstance(cell, str) else [cell]


Convert = Callable[[Any], Any]
"""Function from a cell to its value. A cell is a text, or typed already by a workbook or JSON."""

Parse = Callable[[str], Any]
Check = Callable[[Any, str], None]

MAX_DIGITS = 4300
"""Digits of an integer: Python's own limit for writing one as text."""

DATES_CACHED = 4096
"""Texts of a column whose dates are cached: strptime is slow, and sheets repeat their days."""

TIME_REMEDY = "give the date alone; `time: drop` says that the column's times do not matter"
"""Remedy for a date with a time in a column of dates."""

_TIME = re.compile(
    r"(?<=[^\s:])[T\s]\s*[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:\s?[AaPp][Mm])?"
    r"(?:Z|\s?[-+][0-9]{2}:?[0-9]{2})?\Z"
)

MAPPED_SHOWN = 12
"""Values of a `map` that a message lists at most."""

_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_TYPED: dict[str, tuple[type, ...]] = {
    "integer": (int,),
    "decimal": (int, Decimal),
    "boolean": (bool,),
    "date": (datetime.date,),
    "string": (),
}
"""Python types that need no parsing for a column type."""
_PLAIN_TEXT = Column("", "", empty=("",))


class CellError(Exception):
    """Error in a cell, as the end of a sentence that its column begins, and the remedy."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


def compile_cell(column: Column) -> Convert | None:
    """Return the function from a cell to its value; it returns the default for an empty cell, and raises CellError.

    The result is None for a plain text column, where the value is `cell or None`. Raises CellError at once
    when the column itself cannot be used (unknown type, bad pattern, bad date format, bad enum).
    """
    one = _compile_one(column)
    if column.listed:
        return _compile_list(column, one)
    if is_plain(column) and not column.required and column.default is None:
        return None
    trimmed = column.trim or column.type != "string" or bool(column.split)
    empty = frozenset(marker.strip() if trimmed else marker for marker in column.empty)

    def convert(cell: Any) -> Any:
        text = _cell_text(cell)
        if trimmed:
            text = text.strip()
        if column.part is not None and text not in empty:
            cell = text = _part(text, column.split, *column.part)
        if text in empty or cell is None:
            return _none(column, text)
        value = one(cell, text)
        return _none(column, "") if value is None else value

    return convert


def _cell_text(cell: Any) -> str:
    if isinstance(cell, str):
        return cell
    return "" if cell is None else to_text(cell)


def is_plain(column: Column, *, checked: bool = False) -> bool:
    """Return whether each non-empty text is its own value, and none is wrong, or none that was `checked` before."""
    if checked:
        column = column._replace(min_length=None, max_length=None, pattern="", enum=())
    return (
        column._replace(name="", header="", others=(), default=None, required=False) == _PLAIN_TEXT
    )


def _none(column: Column, text: str) -> Any:
    """Return the value of an empty cell: the default. Raises CellError where the column is required."""
    if not column.required:
        return column.default
    raise CellError(
        f"has no value: {shown(text)} stands for none" if text else "is empty", remedy="fill it in"
    )


One = Callable[[Any, str], Any]
"""Function from a non-empty cell and its text to its value; None where cleaning leaves an empty text."""


def _as_text(cell: Any, text: str) -> Any:  # noqa: ARG001 - a plain text column
    return text


def _compile_one(column: Column) -> One:
    parse, clean = _parser(column), compile_cleaning(column)
    checks = tuple(_checks(column))
    mapped = None if column.map is None else _mapping(column, clean)
    if column.type == "string" and clean is mapped is None and not checks:
        return _as_text
    typed = _TYPED[column.type]

    def one(cell: Any, text: str) -> Any:
        if clean is not None and isinstance(cell, str):
            text = clean(text)
            if not text and "" in column.empty:
                return None
        if mapped is not None:
            value = mapped(text)
        elif isinstance(cell, str):
            value = parse(text)
        elif isinstance(cell, typed) and (typed == (bool,) or not isinstance(cell, bool)):
            value = _same(cell, column.type)
        else:
            value = parse(_plain(cell, text, column.type))
        for check in checks:
            check(value, text)
        return value

    return one


def _same(cell: Any, kind: str) -> Any:
    """Return a value that has its type already, without a time of day and as a Decimal where due."""
    if kind == "decimal":
        return Decimal(cell)
    return cell.date() if isinstance(cell, datetime.datetime) else cell


def _plain(cell: Any, text: str, kind: str) -> str:
    """Return the text of a cell. A workbook stores the integer 12 as 12.0."""
    integral = kind == "integer" and isinstance(cell, Decimal) and cell == cell.to_integral_value()
    return format(cell.to_integral_value(), "f") if integral else text


def _compile_list(column: Column, one: One) -> Convert:
    """Return the function from `S; M ;L` to a list of typed items. A list of JSON has its items already."""
    empty = frozenset(marker.strip() for marker in (*column.empty, ""))

    def convert(cell: Any) -> list[Any]:
        cells = list(cell) if isinstance(cell, list | tuple) else cut(cell, column.split)
        values = []
        for number, item in enumerate(cells, start=1):
            text = "" if item is None else to_text(item).strip()
            try:
                value = None if text in empty else one(item, text)
            except CellError as error:
                raise CellError(f"item {number}: {error.message}", remedy=error.remedy) from None
            values += [] if value is None else [value]
        if not values and column.required:
            raise CellError("is empty", remedy="fill it in")
        return values

    return convert


def _part(text: str, separator: str, number: int, of: int) -> str:
    """Return one of the parts of a compound cell."""
    parts = text.split(separator)
    if len(parts) != of:
        count = f"{len(parts)} part{'s' * (len(parts) != 1)}"
        raise CellError(
            f"{shown(text)} has {count} by {separator!r}, not {of}", remedy="write all of them"
        )
    return parts[number - 1].strip()


def _mapping(column: Column, clean: Callable[[str], str] | None) -> Parse:
    """Return the function from a value of the sheet to its value in `map`."""
    values = {map_key(column, key, clean): value for key, value in (column.map or {}).items()}
    names = list(column.map or ())

    def mapped(text: str) -> Any:
        if text not in values:
            remedy = nearest(text, names, noun="values")
            # Without a near name `nearest` lists them itself.
            if not remedy.startswith("known"):
                more = " and more" if len(names) > MAPPED_SHOWN else ""
                remedy += f" it has {', '.join(names[:MAPPED_SHOWN])}{more}"
            raise CellError(f"{shown(text)} is not in the `map` of the column", remedy=remedy)
        return values[text]

    return mapped


def _parser(column: Column) -> Parse:
    if column.type == "date":
        return _date_parser(column)
    if column.type in ("integer", "decimal"):
        return _number_parser(column)
    parsers: dict[str, Parse] = {"string": str, "boolean": _boolean}
    if column.type not in parsers:
        remedy = nearest(column.type, _TYPED, noun="types")
        raise CellError(f"has the unknown type {column.type!r}", remedy=remedy)
    return parsers[column.type]


def _number_parser(column: Column) -> Parse:
    integer = column.type == "integer"
    noun = "an integer" if integer else "a decimal number"
    read = compile_number(column.written, integer=integer)
    exact = integer and column.written == PLAIN

    def parse(text: str) -> Any:
        if integer and len(text) > MAX_DIGITS and text.lstrip("+-").isdecimal():
            message = f"{shown(text)} has more than {MAX_DIGITS:,} digits"
            raise CellError(message, remedy="an identifier is `type: string`")
        number = read(text)
        if number is None:
            style = ""
            if column.written != PLAIN:
                style = f", as the column writes them ({keys_of(column.written)})"
            remedy = number_remedy(text, column.written, integer=integer)
            raise CellError(f"{shown(text)} is not {noun}{style}", remedy=remedy)
        if exact:
            return int(text)
        return int(number) if integer else number

    return parse


def _boolean(text: str) -> bool:
    value = _BOOLEANS.get(text.lower())
    if value is None:
        raise CellError(
            f"{shown(text)} is not true or false", remedy="write true or false, yes or no, 1 or 0"
        )
    return value


def _date_parser(column: Column) -> Parse:
    forms = column.format or (ISO_DATE,)
    try:
        readers = [read_date(form, locale=column.locale) for form in forms]
    except ValueError as error:
        raise CellError(
            f"has a date format that cannot be used: {error}", remedy="such as %m/%d/%Y"
        ) from None
    examples = " or ".join(example_date(form, locale=column.locale) for form in forms)
    known = ", or give the column a `format`" if forms == (ISO_DATE,) else f" ({', '.join(forms)})"

    @lru_cache(maxsize=DATES_CACHED)
    def parse(text: str) -> datetime.date:
        if (time := _TIME.search(text)) and column.drop_time:
            text = text[: time.start()]
        # All formats are tried: a text that fits two of them must not be read by the first.
        days = sorted({day for read in readers if (day := read(text)) is not None})
        if len(days) > 1:
            several = " or ".join(day.isoformat() for day in days)
            raise CellError(
                f"{shown(text)} can be {several}",
                remedy="write the month as a word, or keep one `format`",
            )
        if not days:
            remedy = TIME_REMEDY if time else f"write it like {examples}{known}"
            raise CellError(f"{shown(text)} is not a date", remedy=remedy)
        return days[0]

    return parse


def _checks(column: Column) -> Iterator[Check]:
    if column.type == "string":
        yield from _length_checks(column)
    if column.type in {"integer", "decimal"}:
        yield from _range_checks(column)
    if column.enum:
        yield _enum_check(column)


def _length_checks(column: Column) -> list[Check]:
    checks: list[Check] = []
    if (least := column.min_length) is not None:
        checks.append(_refuse(lambda text: len(text) < least, f"has fewer than {least} characters"))
    if (most := column.max_length) is not None:
        checks.append(_refuse(lambda text: len(text) > most, f"has more than {most} characters"))
    if column.pattern:
        try:
            fits = matcher(column.pattern)
        except PatternError as error:
            wrong = f"{error} at position {error.position}"
            raise CellError(f"has a pattern that is no regular expression: {wrong}") from None
        checks.append(
            _refuse(lambda text: not fits(text), f"does not match the pattern {column.pattern!r}")
        )
    return checks


def _range_checks(column: Column) -> list[Check]:
    checks: list[Check] = []
    if (least := column.minimum) is not None:
        checks.append(_refuse(lambda value: value < least, f"is below the minimum of {least}"))
    if (most := column.maximum) is not None:
        checks.append(_refuse(lambda value: value > most, f"is above the maximum of {most}"))
    return checks


def _enum_check(column: Column) -> Check:
    # The allowed values are in the recipe, so they are written as in recipes and not as in the sheet.
    parse = _parser(column._replace(written=PLAIN))
    allowed = frozenset(map(parse, column.enum))

    def check(value: Any, text: str) -> None:
        if value not in allowed:
            remedy = nearest(text, column.enum, noun="values")
            raise CellError(f"{shown(text)} is not one of the values allowed", remedy=remedy)

    return check


def _refuse(wrong: Callable[[Any], bool], message: str) -> Check:
    def check(value: Any, text: str) -> None:
        if wrong(value):
            raise CellError(f"{shown(text)} {message}")

    return check
