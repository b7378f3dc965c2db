"""The lines that created.csv has already, so that making it whole need not tell of each call anew."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from operator import itemgetter
from typing import IO

from runner.journal import MadeCall
from runner.report.cells import escape_formula
from runner.report.text import moment

AHEAD = 2_000
"""Lines that are looked through for a call: it was told of when its row went on, not when it was sent."""

_named = itemgetter(0, 4, 6, 7)
"""The cells that name a call: time, key, step, item."""

_Name = tuple[str, ...]


class CreatedLines:
    """The lines of a file, `width` cells each, by the call that they tell of, asked for in about their order.

    A line that is torn, or has other cells, is no line. Without a file there are none.
    """

    def __init__(self, file: IO[bytes] | None, *, width: int) -> None:
        self._lines = _lines(file, width) if file is not None else iter(())
        self._ahead: dict[_Name, bytes] = {}

    def take(self, call: MadeCall) -> bytes | None:
        """The line of a call; None when it is not near."""
        name = (
            moment(call.sent_at),
            escape_formula(call.key),
            call.step,
            escape_formula(call.item),
        )
        while name not in self._ahead and len(self._ahead) < AHEAD:
            found = next(self._lines, None)
            if found is None:
                break
            self._ahead[found[0]] = found[1]
        return self._ahead.pop(name, None)


def _lines(file: IO[bytes], width: int) -> Iterator[tuple[_Name, bytes]]:
    for line in file:
        raw = line
        while b'"' in raw and raw.count(b'"') % 2 and (more := file.readline()):
            raw += more
        cells = _cells(raw) if raw.endswith(b"\n") else []
        if len(cells) == width:
            yield _named(cells), raw


def _cells(raw: bytes) -> list[str]:
    text = raw[:-1].decode("utf-8", "replace")
    if '"' not in text:
        return text.split(",")
    try:
        return next(csv.reader(io.StringIO(text, newline=""), strict=True), [])
    except csv.Error:  # a cell that is larger than the module takes
        return []
