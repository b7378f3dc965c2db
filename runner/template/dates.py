"""Filters of dates: from text and to text, days and months on, and the ends of a month."""

from __future__ import annotations

import calendar
import datetime as dt
import re

from runner.template.registry import (
    WRITTEN,
    Dated,
    Day,
    DayFormat,
    ReadFormat,
    Whole,
    filter_,
)
from runner.template.values import EvaluationError

DATE_FORMAT = re.compile(r"(?:[^%]|%%|%-?[YmdbBaAyjUWVGuw])*\Z")
"""A format that a day can be written by: it has no time."""
_READ_FORMAT = re.compile(r"(?:[^%]|%%|%[YmdbBaAyjHMSfIpzZ])+\Z")
_TIME = r"[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
_ISO = re.compile(rf"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})(?:{_TIME})?\Z")
_WRITTEN = "date: a format of %Y %m %d %b %B %a %A %y %j and text is needed"
LONGEST_FORMAT = 100


def check_format(pattern: str, where: str) -> None:
    """Raises EvaluationError for what no day can be written by."""
    if len(pattern) > LONGEST_FORMAT or not DATE_FORMAT.match(pattern):
        raise EvaluationError(_WRITTEN.replace("date:", f"{where}:", 1))


def check_read_format(pattern: str, where: str) -> None:
    """Raises EvaluationError for what no date is read by."""
    if len(pattern) > LONGEST_FORMAT or not _READ_FORMAT.match(pattern):
        raise EvaluationError(f"{where}: a format as in '%m/%d/%Y' is needed")


WRITTEN["DayFormat"] = check_format
WRITTEN["ReadFormat"] = check_read_format


def formatted(value: dt.date, pattern: str, where: str = "date") -> str:
    """A date as text."""
    check_format(pattern, where)
    return value.strftime(pattern)


@filter_("date", gives="string", doc="a date as text", usage="date('%m/%d/%Y')")
def date(value: Day, pattern: DayFormat) -> str:
    return formatted(value, pattern)


@filter_("to_date", gives="date", usage="to_date or to_date('%m/%d/%Y')",
         doc="the date that a text is: ISO, a time after it left out, or as the format says")  # fmt: skip
def to_date(value: Dated, pattern: ReadFormat = "") -> dt.date:
    if not isinstance(value, str):
        return value
    text = value.strip()
    if not pattern:
        found = _ISO.match(text)
        if found is None:
            message = f"to_date: {text[:40]!r} is no date as in 2026-03-31"
            raise EvaluationError(f"{message}; give it the format: to_date('%m/%d/%Y')")
        pattern, text = "%Y-%m-%d", found[1]
    else:
        check_read_format(pattern, "to_date")
    try:
        return dt.datetime.strptime(text[:200], pattern).date()  # noqa: DTZ007 - only the day is kept
    except ValueError:
        raise EvaluationError(f"to_date: {text[:40]!r} is no date as in {pattern!r}") from None


@filter_("days", gives="date", doc="the date so many days on", usage="days(7)")
def days(value: Day, count: Whole) -> dt.date:
    return _moved(value, count, "days")


@filter_("weeks", gives="date", doc="the date so many weeks on", usage="weeks(2)")
def weeks(value: Day, count: Whole) -> dt.date:
    return _moved(value, count * 7, "weeks")


@filter_("months", gives="date", usage="months(1)",
         doc="the same day so many months on; the last of a month that has no such day")  # fmt: skip
def months(value: Day, count: Whole) -> dt.date:
    return _month(value, count, "months")


@filter_("years", gives="date", doc="the same day so many years on", usage="years(1)")
def years(value: Day, count: Whole) -> dt.date:
    return _month(value, count * 12, "years")


@filter_(
    "workdays",
    gives="date",
    doc="the date so many days from Monday to Friday on",
    usage="workdays(10)",
)
def workdays(value: Day, count: Whole) -> dt.date:
    if not count:
        return value
    step = -1 if count < 0 else 1
    while value.weekday() > 4:  # from a weekend on, the first workday counts
        value = _moved(value, -step, "workdays")
    whole, left = divmod(abs(count), 5)
    found = _moved(value, step * whole * 7, "workdays")
    while left:
        found = _moved(found, step, "workdays")
        left -= found.weekday() <= 4
    return found


@filter_("month_start", gives="date", doc="the first day of the month")
def month_start(value: Day) -> dt.date:
    return value.replace(day=1)


@filter_("month_end", gives="date", doc="the last day of the month")
def month_end(value: Day) -> dt.date:
    return value.replace(day=calendar.monthrange(value.year, value.month)[1])


def _moved(value: dt.date, count: int, where: str) -> dt.date:
    try:
        return value + dt.timedelta(days=count)
    except OverflowError:
        raise EvaluationError(f"{where}: no such date") from None


def _month(value: dt.date, count: int, where: str) -> dt.date:
    year, month = divmod(value.year * 12 + value.month - 1 + count, 12)
    if not 1 <= year <= 9999:
        raise EvaluationError(f"{where}: no such date")
    return value.replace(
        year=year, month=month + 1, day=min(value.day, calendar.monthrange(year, month + 1)[1])
    )


PARTS = {"year": "year", "month": "month", "day": "day"}
"""The members of a date, which are whole numbers."""
