"""Guesses of how the cells of a column are written, by all of its cells, and only where one reading fits them all."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import date
from decimal import Decimal

from runner.recipe.dates import read_date
from runner.recipe.model import Numbers
from runner.rows.numbers import MARKS, MINUS, compile_number, money_of

MOST_DIGITS = 15
"""Digits beyond which a number is treated as an identifier."""

NAMED = ("%d-%b-%Y", "%d-%b-%y", "%d %B %Y", "%d. %B %Y", "%B %d, %Y")
FORMATS = ("%Y-%m-%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%m/%d/%y", "%d.%m.%y", *NAMED)
"""Formats of dates in sheets, including those with the names of months."""

LOCALES = ("de", "fr", "es", "it", "nl", "pt", "pl", "sv", "da", "nb", "fi", "cs")
"""Languages whose months are tried where English ones do not fit."""

_NAMES_MONTH = re.compile(r"\s*[0-9]{1,2}[.\s-]+[^\W\d_]{3,}\.?[\s-]+[0-9]{2,4}\s*").fullmatch

_PADDED = re.compile(r"(?<![0-9.,' ])0[0-9]")


def written_of(cells: Collection[str], *, mark: str = "") -> tuple[str, Numbers] | None:
    """Return the type of numbers, and the one form in which all of these cells are numbers; None without one.

    `mark` is the decimal mark, if known.
    """
    texts = [cell.strip() for cell in cells]
    if not texts or any(
        sum(map(str.isdecimal, text)) > MOST_DIGITS or _PADDED.search(text) for text in texts
    ):
        return None
    currency = tuple(dict.fromkeys(sign for text in texts for sign in money_of(text)))
    percent = all(text.endswith("%") for text in texts)
    accounting = any(text[-1:] in "-)" or MINUS in text for text in texts)
    readings: dict[tuple[Decimal, ...], Numbers] = {}
    ways = [marks for marks in MARKS if not mark or marks[0] == mark]
    for point, thousands in sorted(ways, key=lambda marks: (len(marks[1]), marks[0] != ".")):
        written = Numbers(point, thousands, currency, percent=percent, accounting=accounting)
        read = compile_number(written, integer=False)
        numbers = [number for text in texts if (number := read(text)) is not None]
        if len(numbers) == len(texts):
            readings.setdefault(tuple(numbers), written)
    # Plain digits that were not recognized as a number before are an identifier.
    if len(readings) != 1 or Numbers() in readings.values():
        return None
    ((values, way),) = readings.items()
    integer = (
        not percent
        and all(number == number.to_integral_value() for number in values)
        and not currency
    )
    return ("integer" if integer and way.decimal_mark not in "".join(texts) else "decimal"), way


def mark_of(columns: Iterable[Collection[str]]) -> str:
    """Return the decimal mark that some of these columns require and none contradicts; empty without one."""
    marks: set[str] = set()
    for cells in columns:
        ways = [
            point
            for point in ".,"
            if written_of(cells, mark=point) is not None or _are_plain(cells, point)
        ]
        if len(ways) == 1 and any(ways[0] in cell for cell in cells):
            marks.add(ways[0])
    return marks.pop() if len(marks) == 1 else ""


def _are_plain(cells: Collection[str], point: str) -> bool:
    read = compile_number(Numbers(point), integer=False)
    return all(read(cell.strip()) is not None for cell in cells)


def dates_of(cells: Collection[str]) -> tuple[tuple[str, ...], str]:
    """Return the formats of these dates, and the language of their months where it is not English.

    The formats are () where one of the cells is no date, or could be two.
    """
    if formats := formats_of(cells):
        return formats, ""
    if not all(map(_NAMES_MONTH, cells)):
        return (), ""
    by_locale = ((formats_of(cells, locale=locale), locale) for locale in LOCALES)
    return next((fitting for fitting in by_locale if fitting[0]), ((), ""))


def formats_of(cells: Collection[str], *, locale: str = "") -> tuple[str, ...]:
    """Return the formats of these dates; none where one of the cells is no date, or could be two."""
    readers = {form: read_date(form, locale=locale) for form in (NAMED if locale else FORMATS)}
    used: dict[str, None] = {}
    for cell in cells:
        days: dict[str, date] = {
            form: day for form, read in readers.items() if (day := read(cell.strip())) is not None
        }
        if len(set(days.values())) != 1:
            return ()
        used |= dict.fromkeys(list(days)[:1])
    return tuple(form for form in readers if form in used)
