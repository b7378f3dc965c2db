"""One cell to one typed value: a function per column, compiled once, because it runs for every cell of a file."""

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
    """What `replace` and `case` make of a text; None where they do nothing."""
    steps: list[Clean] = [_replacing(old, new) for old, new in column.replace]
    if column.case:
        steps.append(lambda text: cased(text, column.case))
    if not steps:
        return None
    trimmed = column.trim or column.type != "string" or bool(column.split)

    def clean(text: str) -> str:
        for step in steps:
            text = step(text)
        return text.strip() if trimmed else text

    return clean


def _replacing(old: str, new: str) -> Clean:
    return lambda text: text.replace(old, new)


def map_key(column: Column, key: str, clean: Clean | None) -> str:
    """A key of `map` as cells are compared with it: cleaned like them."""
    trimmed = column.trim or column.type != "string" or bool(column.split)
    text = key.strip() if trimmed else key
    return clean(text) if clean is not None else text


def cut(cell: Any, separator: str) -> list[Any]:
    """The items of a cell; what is no text is one."""
    return [part.strip() for part in cell.split(separator)] if isinstance(cell, str) else [cell]


Convert = Callable[[Any], Any]
"""From a cell to its value: a text, or what a workbook or JSON has typed already (int, Decimal, bool, date, None)."""

Parse = Callable[[str], Any]
Check = Callable[[Any, str], None]

MAX_DIGITS = 4300
"""Digits of an integer: more cannot be written out again under Python's own limit."""

DATES_KEPT = 4096
"""Texts of a column that are not read as dates again: strptime is slow, and sheets repeat their days."""

TIME_REMEDY = "give the date alone; `time: drop` says that the column's times do not matter"
"""What to do about a date with a time in a column of dates."""

_TIME = re.compile(
    r"(?<=[^\s:])[T\s]\s*[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:\s?[AaPp][Mm])?"
    r"(?:Z|\s?[-+][0-9]{2}:?[0-9]{2})?\Z"
)

MAPPED_SHOWN = 12
"""Values of a `map` that a message lists."""

_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_TYPED: dict[str, tuple[type, ...]] = {
    "integer": (int,), "decimal": (int, Decimal), "boolean": (bool,), "date": (datetime.date,), "string": (),
}  # fmt: skip
"""What is of a type before it is read."""
_PLAIN_TEXT = Column("", "", empty=("",))


class CellError(Exception):
    """What is wrong with a cell, as the end of a sentence that its column begins, and the remedy."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


def compile_cell(column: Column) -> Convert | None:
    """From a cell to its value, None or the default where it has none; raises CellError when it is wrong.

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
        text = cell if isinstance(cell, str) else "" if cell is None else to_text(cell)
        if trimmed:
            text = text.strip()
        if column.part is not None and text not in empty:
            cell = text = _part(text, column.split, *column.part)
        if text in empty or cell is None:
            return _none(column, text)
        value = one(cell, text)
        return _none(column, "") if value is None else value

    return convert


def is_plain(column: Column, *, checked: bool = False) -> bool:
    """Whether each text but the empty one is its own value: none is wrong, or none of those that were `checked`."""
    if checked:
        column = column._replace(min_length=None, max_length=None, pattern="", enum=())
    return (
        column._replace(name="", header="", others=(), default=None, required=False) == _PLAIN_TEXT
    )


def _none(column: Column, text: str) -> Any:
    """The value of a cell that has none."""
    if not column.required:
        return column.default
    raise CellError(
        f"has no value: {shown(text)} stands for none" if text else "is empty", remedy="fill it in"
    )


One = Callable[[Any, str], Any]
"""From a cell that has a value, and its text, to that value; None where cleaning leaves nothing of it."""


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
    """A value that is of its type already."""
    if kind == "decimal":
        return Decimal(cell)
    return cell.date() if isinstance(cell, datetime.datetime) else cell


def _plain(cell: Any, text: str, kind: str) -> str:
    """The text of a cell; a whole number that a workbook keeps as 12.0 is one."""
    whole = kind == "integer" and isinstance(cell, Decimal) and cell == cell.to_integral_value()
    return format(cell.to_integral_value(), "f") if whole else text


def _compile_list(column: Column, one: One) -> Convert:
    """From `S; M ;L` to its items, each a value of the column's type. A list of JSON has its items already."""
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
    """One of the parts of a compound cell."""
    parts = text.split(separator)
    if len(parts) != of:
        count = f"{len(parts)} part{'s' * (len(parts) != 1)}"
        raise CellError(
            f"{shown(text)} has {count} by {separator!r}, not {of}", remedy="write all of them"
        )
    return parts[number - 1].strip()


def _mapping(column: Column, clean: Callable[[str], str] | None) -> Parse:
    """From a value of the sheet to the one that `map` gives for it."""
    values = {map_key(column, key, clean): value for key, value in (column.map or {}).items()}
    names = list(column.map or ())

    def mapped(text: str) -> Any:
        if text not in values:
            near, known = nearest(text, names, noun="values"), ", ".join(names[:MAPPED_SHOWN])
            listed = (
                ""
                if near.startswith("known")
                else f" it has {known}{' and more' * (len(names) > MAPPED_SHOWN)}"
            )
            raise CellError(
                f"{shown(text)} is not in the `map` of the column", remedy=f"{near}{listed}"
            )
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
    whole = column.type == "integer"
    what = "an integer" if whole else "a decimal number"
    read = compile_number(column.written, whole=whole)
    plain = int if whole and column.written == PLAIN else None

    def parse(text: str) -> Any:
        if whole and len(text) > MAX_DIGITS and text.lstrip("+-").isdecimal():
            message = f"{shown(text)} has more than {MAX_DIGITS:,} digits"
            raise CellError(message, remedy="an identifier is `type: string`")
        number = read(text)
        if number is None:
            said = (
                f", as the column writes them ({keys_of(column.written)})"
                if column.written != PLAIN
                else ""
            )
            remedy = number_remedy(text, column.written, whole=whole)
            raise CellError(f"{shown(text)} is not {what}{said}", remedy=remedy)
        return plain(text) if plain else int(number) if whole else number

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

    @lru_cache(maxsize=DATES_KEPT)
    def parse(text: str) -> datetime.date:
        if (time := _TIME.search(text)) and column.drop_time:
            text = text[: time.start()]
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
    # Numbers among the values allowed are written as recipes write them, whatever the sheet does.
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
