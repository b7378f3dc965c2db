"""Dates as sheets write them: strptime formats, and the names of months in other languages than English."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import cache

ISO_DATE = "%Y-%m-%d"

ReadDate = Callable[[str], dt.date | None]
"""The date that a text is in one format, None where it is none."""

_WORD = re.compile(r"([^\W\d_]+)\.?")
_MONTHS = re.compile(r"%[bB]")


def read_date(form: str, *, locale: str = "") -> ReadDate:
    """Read dates in a strptime format, with the names of months in the language of `locale`.

    Raises ValueError when the format tells no year, month and day, or there is no such locale.
    """
    read = _read_iso if form == ISO_DATE else _read(form, months_of(locale) if locale else {})
    for day in (dt.date(2024, month, 29) for month in range(1, 13)):
        if read(_written(day, form, locale)) != day:
            raise ValueError(f"{form!r} does not read a day, a month and a year")
    return read


def example_date(form: str, *, locale: str = "") -> str:
    """Return the last day of 2025 in a format."""
    return _written(dt.date(2025, 12, 31), form, locale)


@cache
def months_of(locale: str) -> Mapping[str, int]:
    """Return the months by their names, long and short, unchanged and normalized. Raises ValueError for no locale."""
    from babel import Locale, UnknownLocaleError  # takes longer to import than most commands take

    try:
        found = Locale.parse(locale.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        raise ValueError(f"there is no locale {locale!r}") from None
    shapes = [
        found.months[context][width] for context in ("format", "stand-alone") for width in _WIDTHS
    ]
    return {
        name: month
        for shape in shapes
        for month, text in shape.items()
        for name in (text, _folded(text))
    }


_WIDTHS = ("wide", "abbreviated")


def _written(day: dt.date, form: str, locale: str) -> str:
    if not locale or not _MONTHS.search(form):
        return day.strftime(form)
    name = next(name for name, month in months_of(locale).items() if month == day.month)
    return day.strftime(_MONTHS.sub(lambda _: name.replace("%", "%%"), form))


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold().rstrip(".")


def _read_iso(text: str) -> dt.date | None:
    if (
        len(text) != 10 or text[4] != "-" or text[7] != "-"
    ):  # fromisoformat knows weeks and digits without a dash
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def _read(form: str, months: Mapping[str, int]) -> ReadDate:
    # strptime knows only one width of a name by each sign, and sheets mix them: months are read by their numbers.
    numbered = _MONTHS.sub("%m", form) if months else form

    def number(found: re.Match[str]) -> str:
        month = months.get(_folded(found[1]))
        return found[0] if month is None else str(month)

    def read(text: str) -> dt.date | None:
        try:
            spelled = _WORD.sub(number, text) if months else text
            return dt.datetime.strptime(spelled, numbered).date()  # noqa: DTZ007 - a date has no time zone
        except (ValueError, re.error):
            return None

    return read
