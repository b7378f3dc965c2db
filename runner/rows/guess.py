"""How the cells of a column may be written, by all of its cells: only where there is one way to read each of them."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date
from decimal import Decimal

from runner.recipe.dates import read_date
from runner.recipe.model import Numbers
from runner.rows.numbers import MARKS, MINUS, compile_number, money_of

MOST_DIGITS = 15
"""Digits beyond which a number is rather an identifier."""

FORMATS = ("%Y-%m-%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%m/%d/%y", "%d.%m.%y", "%d-%b-%Y", "%d-%b-%y", "%d %B %Y")
"""Ways in which sheets write dates."""

_PADDED = re.compile(r"(?<![0-9.,' ])0[0-9]")


def written_of(cells: Collection[str]) -> tuple[str, Numbers] | None:
    """The type of numbers, and the one way in which all of these cells can be numbers; None without one."""
    texts = [cell.strip() for cell in cells]
    if not texts or any(sum(map(str.isdecimal, text)) > MOST_DIGITS or _PADDED.search(text) for text in texts):
        return None
    currency = tuple(dict.fromkeys(sign for text in texts for sign in money_of(text)))
    percent = all(text.endswith("%") for text in texts)
    accounting = any(text[-1:] in "-)" or MINUS in text for text in texts)
    found: dict[tuple[Decimal, ...], Numbers] = {}
    for mark, thousands in sorted(MARKS, key=lambda marks: (len(marks[1]), marks[0] != ".")):
        written = Numbers(mark, thousands, currency, percent=percent, accounting=accounting)
        read = compile_number(written, whole=False)
        numbers = [number for text in texts if (number := read(text)) is not None]
        if len(numbers) == len(texts):
            found.setdefault(tuple(numbers), written)
    if len(found) != 1 or Numbers() in found.values():  # what is plain, and no number by its digits, is an identifier
        return None
    (numbers_found, way), = found.items()
    whole = not percent and all(number == number.to_integral_value() for number in numbers_found) and not currency
    return ("integer" if whole and way.decimal_mark not in "".join(texts) else "decimal"), way


def formats_of(cells: Collection[str]) -> tuple[str, ...]:
    """The formats that these dates are in; none where one of them is no date, or could be two."""
    readers = {form: read_date(form) for form in FORMATS}
    used: dict[str, None] = {}
    for cell in cells:
        days: dict[str, date] = {form: day for form, read in readers.items() if (day := read(cell.strip())) is not None}
        if len(set(days.values())) != 1:
            return ()
        used |= dict.fromkeys(list(days)[:1])
    return tuple(form for form in FORMATS if form in used)
