"""One cell to one typed value: a function per column, compiled once, because it runs for every cell of a file."""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from runner.problems import nearest
from runner.recipe.model import Column
from runner.rows.findings import shown

Convert = Callable[[str], Any]
Check = Callable[[Any, str], None]

ISO_DATE = "%Y-%m-%d"
MAX_DIGITS = 4300
"""Digits of an integer: more cannot be written out again under Python's own limit."""

_INTEGER = re.compile(r"[-+]?[0-9]+").fullmatch
_DECIMAL = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?").fullmatch
_EXPONENT = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?[eE][-+]?[0-9]{1,2}").fullmatch
_COMMA_GROUPS = re.compile(r"[-+]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?").fullmatch
_POINT_GROUPS = re.compile(r"[-+]?[0-9]{1,3}(?:(?:\.[0-9]{3})+,[0-9]+|(?:\.[0-9]{3}){2,})").fullmatch
_COMMA_FRACTION = re.compile(r"[-+]?[0-9]+,[0-9]+").fullmatch
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class CellError(Exception):
    """What is wrong with a cell, as the end of a sentence that its column begins, and the remedy."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


def compile_cell(column: Column) -> Convert | None:
    """From the text of a cell to its value, None where it has none; raises CellError when it is wrong.

    The result is None for a plain text column, where the value is `cell or None`. Raises CellError at once
    when the column itself cannot be used (unknown type, bad pattern, bad date format, bad enum).
    """
    parse = _parser(column)
    checks = tuple(_checks(column, parse))
    is_text, required = column.type == "string", column.required
    null = frozenset(column.null if is_text else (marker.strip() for marker in column.null))
    if is_text and not checks and not required and null == {""}:
        return None

    def convert(cell: str) -> Any:
        text = cell if is_text else cell.strip()
        if text in null:
            if required:
                message = f"has no value: {shown(text)} stands for none" if text else "is empty"
                raise CellError(message, remedy="fill it in")
            return None
        value = parse(text)
        for check in checks:
            check(value, text)
        return value

    return convert


def _parser(column: Column) -> Convert:
    if column.type == "date":
        return _date_parser(column.format or ISO_DATE)
    parsers: dict[str, Convert] = {"string": str, "integer": _integer, "decimal": _decimal, "boolean": _boolean}
    if column.type not in parsers:
        remedy = nearest(column.type, [*parsers, "date"], noun="types")
        raise CellError(f"has the unknown type {column.type!r}", remedy=remedy)
    return parsers[column.type]


def _integer(text: str) -> int:
    if not _INTEGER(text):
        raise CellError(f"{shown(text)} is not an integer", remedy=_number_remedy(text, whole=True))
    if len(text) > MAX_DIGITS:
        raise CellError(f"{shown(text)} has more than {MAX_DIGITS:,} digits", remedy="an identifier is `type: string`")
    return int(text)


def _decimal(text: str) -> Decimal:
    if not _DECIMAL(text):
        raise CellError(f"{shown(text)} is not a decimal number", remedy=_number_remedy(text, whole=False))
    return Decimal(text)


def _boolean(text: str) -> bool:
    value = _BOOLEANS.get(text.lower())
    if value is None:
        raise CellError(f"{shown(text)} is not true or false", remedy="write true or false, yes or no, 1 or 0")
    return value


def _date_parser(form: str) -> Convert:
    example = datetime.date(2025, 12, 31)
    remedy = f"write it like {example.strftime(form)}"
    remedy += ", or give the column a `format`" if form == ISO_DATE else f" ({form})"

    def parse(text: str) -> datetime.date:
        try:
            if form != ISO_DATE:
                return datetime.datetime.strptime(text, form).date()  # noqa: DTZ007 - a date has no time zone
            if len(text) == 10 and text[4] == text[7] == "-":  # fromisoformat knows weeks and digits without a dash
                return datetime.date.fromisoformat(text)
        except (ValueError, re.error):
            pass
        raise CellError(f"{shown(text)} is not a date", remedy=remedy)

    try:
        complete = parse(example.strftime(form)) == example
    except CellError:
        complete = False
    if not complete:
        raise CellError(f"has the date format {form!r}, which tells no year, month and day", remedy="such as %m/%d/%Y")
    return parse


def _checks(column: Column, parse: Convert) -> list[Check]:
    checks = _length_checks(column) if column.type == "string" else []
    if column.type in {"integer", "decimal"}:
        checks += _range_checks(column)
    if column.enum:
        checks.append(_enum_check(column, parse))
    return checks


def _length_checks(column: Column) -> list[Check]:
    checks: list[Check] = []
    if (least := column.min_length) is not None:
        checks.append(_refuse(lambda text: len(text) < least, f"has fewer than {least} characters"))
    if (most := column.max_length) is not None:
        checks.append(_refuse(lambda text: len(text) > most, f"has more than {most} characters"))
    if column.pattern:
        try:
            search = re.compile(column.pattern).search
        except re.error as error:
            raise CellError(f"has a pattern that is no regular expression: {error}") from None
        checks.append(_refuse(lambda text: not search(text), f"does not match the pattern {column.pattern!r}"))
    return checks


def _range_checks(column: Column) -> list[Check]:
    checks: list[Check] = []
    if (least := column.minimum) is not None:
        checks.append(_refuse(lambda value: value < least, f"is below the minimum of {least}"))
    if (most := column.maximum) is not None:
        checks.append(_refuse(lambda value: value > most, f"is above the maximum of {most}"))
    return checks


def _enum_check(column: Column, parse: Convert) -> Check:
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


def _number_remedy(text: str, *, whole: bool) -> str:
    """What to write instead of something that people read as a number and that is not one."""
    plain = _plain_number(text)
    if plain and whole:
        plain = plain.partition(".")[0] if not plain.partition(".")[2].strip("0") else ""
    if not plain:
        return "write a whole number in digits, such as 12" if whole else "write digits and a point, such as 1234.50"
    if not whole and _COMMA_GROUPS(text) and text.count(",") == 1 and "." not in text:
        return f"write {plain}, or {text.replace(',', '.')} where the comma is a decimal comma"
    return f"write {plain}"


def _plain_number(text: str) -> str:
    """The number that a person most likely meant, in plain digits, or nothing."""
    text = text.replace("\N{MINUS SIGN}", "-")
    in_brackets = text.startswith("(") and text.endswith(")")
    text = "".join(c for c in text.strip("()") if not c.isspace() and c != "'" and unicodedata.category(c) != "Sc")
    if text.endswith("-"):
        text = "-" + text[:-1]
    text = re.sub(r"(?<![0-9])\.(?=[0-9])", "0.", text).removesuffix(".")
    if _COMMA_GROUPS(text):
        text = text.replace(",", "")
    elif _POINT_GROUPS(text) or _COMMA_FRACTION(text):
        text = text.replace(".", "").replace(",", ".")
    elif _EXPONENT(text):
        text = format(Decimal(text), "f")
    return ("-" if in_brackets else "") + text if _DECIMAL(text) else ""
