"""How numbers, times, lines and columns read in every report."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal

from runner.engine.events import RunStarted
from runner.journal import RunRecord
from runner.problems import LINES_A_FILE, said_line

RANGES_SHOWN = 6
"""Ranges of line numbers that are written out before the rest is only counted."""


_UTC = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]+)?\+00:00"
).fullmatch
"""A time as the journal writes it, hundreds of thousands of which are told of in a report."""


LIKE_SHOWN = 4
"""Rows of one shape that are named behind the first before they are only counted."""


def money(value: Decimal) -> str:
    """An amount with thousands separators, two decimals at least and none lost: 1,330,735.98."""
    whole, _, fraction = f"{value:,f}".partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"


def plural(count: int, noun: str, nouns: str = "") -> str:
    """A count with its noun: 1 row, 2,155 lines."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def input_size(event: RunStarted) -> str:
    """What the rows come from: 89 rows from 412 lines, 3 lines left out; as announced: 412 lines, amount 18,442.50."""
    size = f"{plural(event.rows, 'row')} from {event.search or plural(event.lines, 'line')}{_left_out(event.left_out)}"
    return size + (f"; as announced: {event.agreed}" if event.agreed else "")


def like_it(names: Sequence[str], count: int) -> str:
    """Rows of the shape of another: by name where there are few, so that what is unlike the rest is found."""
    return ", ".join(names) if count == len(names) else f"{plural(count, 'more row')} of this shape"


def run_size(run: RunRecord) -> str:
    """The same of a run on record."""
    lines = f" from {plural(run.line_count, 'line')}" if run.line_count else ""
    return plural(run.row_count, "row") + lines + _left_out(run.left_out)


def _left_out(lines: int) -> str:
    return f", {plural(lines, 'line')} left out" if lines else ""


def duration(seconds: float) -> str:
    """A span of time: 4.2 s, 0:22, 1:02:03."""
    if seconds < 10:
        return f"{max(0.0, seconds):.1f} s"
    return clock_time(seconds)


def clock_time(seconds: float) -> str:
    """A span of time in whole seconds: 0:07, 1:02:03."""
    minutes, rest = divmod(round(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def moment(text: str) -> str:
    """A time of the journal to the second. In UTC, so that the same journal reads the same everywhere."""
    if usual := _UTC(text):
        return f"{usual[1]} {usual[2]}Z"
    try:
        time = dt.datetime.fromisoformat(text).astimezone(dt.UTC)
    except ValueError:
        return text
    return f"{time.replace(tzinfo=None).isoformat(' ', 'seconds')}Z"


def line_numbers(lines: Sequence[int]) -> str:
    """Where rows stand in their file: line 61; lines 2-4, 9 of file 2. Empty for a row that comes from no file."""
    ranges = list(_ranges(line for line in lines if line))
    if not ranges:
        return ""
    shown = ", ".join(map(_range, ranges[:RANGES_SHOWN]))
    rest = sum(last - first + 1 for first, last in ranges[RANGES_SHOWN:])
    noun = "line" if len(ranges) == 1 and ranges[0][0] == ranges[0][1] else "lines"
    return f"{noun} {shown}" + (f" and {rest:,} more" if rest else "")


def columns(
    rows: Sequence[Sequence[str]], *, right: Collection[int] = (), gap: str = "  "
) -> list[str]:
    """Rows of cells as aligned lines, the columns in `right` to the right; no line ends in blanks.

    Not rich.table: that folds or cuts what is wider than a screen, and these lines are also read by machines.
    """
    widths = [max(map(cells, column)) for column in zip(*rows, strict=True)]
    return [
        gap.join(
            " " * (width - cells(cell)) + cell
            if place in right
            else cell + " " * (width - cells(cell))
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def cells(text: str) -> int:
    """How many cells of a terminal a text takes: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(bool(unicodedata.combining(character)) for character in text)


def pad(text: str, width: int) -> str:
    """A text filled up with blanks to `width` cells."""
    return text + " " * (width - cells(text))


def _ranges(numbers: Iterator[int]) -> Iterator[tuple[int, int]]:
    """Ascending numbers as runs without gaps."""
    first = last = 0
    for number in numbers:
        if first and number == last + 1:
            last = number
            continue
        if first:
            yield first, last
        first = last = number
    if first:
        yield first, last


def _range(ends: tuple[int, int]) -> str:
    """Lines without a gap: 9; 2-4 of file 2."""
    first, last = ends
    return said_line(first) if first == last else f"{first % LINES_A_FILE}-{said_line(last)}"


def exceptions(keys: Sequence[str]) -> str:
    """The rows that something does not hold for, to be put behind it; empty when it holds for all."""
    shown = ", ".join(keys[:3]) + (f" and {len(keys) - 3:,} more" if len(keys) > 3 else "")
    return f", but for {shown}" if keys else ""
