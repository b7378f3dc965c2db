"""The lines that created.csv has already: by the call that each is about, and those that are about none."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator, Sequence
from operator import attrgetter, itemgetter
from typing import IO, NamedTuple

from runner.report.text import moment
from runner.rows.leftovers import escape_formula

AHEAD = 2_000
"""Lines that are looked through for a call: it was told of when its row went on, not when it was sent."""

_LONGEST = 1_000
"""Physical lines that one record may take: a quote that is never closed must not swallow the file."""

_named = itemgetter(0, 4, 6, 7)
"""The cells that name a call: time, key, step, item."""

Name = tuple[str, ...]


FORMER_COLUMNS = 11
"""Columns of the files of earlier versions: the last one is missing, and items are counted from 0."""


class CreatedLine(NamedTuple):
    """A line: its number in the file, its bytes, and its cells, none where it is no record of such a file."""

    number: int
    raw: bytes
    cells: Sequence[str]


def name_of(*, sent_at: str, key: str, step: str, item: str) -> Name:
    """The name of a call as its line has it; `item` as the file counts it."""
    return (moment(sent_at), escape_formula(key), step, escape_formula(item))


class CreatedLines:
    """The lines of a file with these `columns`, by the call that they are about, asked for in about their order.

    Without a file there are none. `is_former`: the file was written by an earlier version, whose lines do not have the
    number of the call, and whose items are counted from 0.
    """

    def __init__(self, file: IO[bytes] | None, *, columns: Sequence[str]) -> None:
        self.is_former = False
        if file is not None:
            former = columns[:FORMER_COLUMNS]
            self.is_former = _text(file.readline()) == ",".join(former)
            file.seek(0)
            columns = former if self.is_former else columns
        self._lines = _records(file, columns) if file is not None else iter(())
        self._ahead: dict[Name, CreatedLine] = {}
        self._others: list[CreatedLine] = []

    def take(self, name: Name) -> CreatedLine | None:
        """The line of the call with this name; None when it is not near."""
        while name not in self._ahead and len(self._ahead) < AHEAD:
            found = next(self._lines, None)
            if found is None:
                break
            self._note(found)
        return self._ahead.pop(name, None)

    def left(self) -> list[CreatedLine]:
        """All that were not taken, in their order."""
        rest = [*self._others, *self._ahead.values(), *self._lines]
        return sorted(rest, key=attrgetter("number"))

    def _note(self, line: CreatedLine) -> None:
        name = tuple(_named(line.cells)) if line.cells else None
        if name is None or name in self._ahead:
            self._others.append(line)
        else:
            self._ahead[name] = line


def _records(file: IO[bytes], columns: Sequence[str]) -> Iterator[CreatedLine]:
    """The records of a file but for its header; what is no record is a line without cells, a blank one is nothing."""
    physical, number = _Lines(file), 0
    while raw := physical.next():
        number += 1
        if not raw.strip(b"\0\r\n\t "):  # a crash can leave zeros at the end of a file
            continue
        if number == 1 and _is_head(raw, columns):
            continue
        more, cells = _cells(raw, physical, width=len(columns))
        yield CreatedLine(number, raw + more, cells)
        number += more.count(b"\n")


class _Lines:
    """The physical lines of a file, which can be given back."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._back = file, deque[bytes]()

    def next(self) -> bytes:
        return self._back.popleft() if self._back else self._file.readline()

    def give_back(self, lines: Sequence[bytes]) -> None:
        self._back.extendleft(reversed(lines))


def _is_head(raw: bytes, columns: Sequence[str]) -> bool:
    """Whether a line is the header, or what a kill has left of it."""
    text, whole = _text(raw), ",".join(columns)
    return text == whole or (not raw.endswith(b"\n") and whole.startswith(text))


def _text(head: bytes) -> str:
    return head.decode("utf-8-sig", "replace").rstrip("\r\n")


def _cells(raw: bytes, following: _Lines, *, width: int) -> tuple[bytes, Sequence[str]]:
    """The further lines of a record that begins with `raw`, and its cells; neither where it is no record."""
    more: list[bytes] = []
    quotes = raw.count(b'"')
    while quotes % 2 and len(more) < _LONGEST and (line := following.next()):
        more.append(line)
        quotes += line.count(b'"')
    whole = raw + b"".join(more)
    cells = _parsed(whole) if whole.endswith(b"\n") else []
    if len(cells) == width:
        return b"".join(more), cells
    following.give_back(more)
    return b"", ()


def _parsed(raw: bytes) -> list[str]:
    text = raw.decode("utf-8", "replace").removesuffix("\n").removesuffix("\r")
    if '"' not in text:
        return text.split(",")
    try:
        return next(csv.reader(io.StringIO(text, newline=""), strict=True), [])
    except csv.Error:  # a cell that is larger than the module takes
        return []
