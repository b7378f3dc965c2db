"""Calls of the page: requests and answers in compressed chunks. A chunk is read when one of its rows is unfolded.

A chunk is a JSON object of columns, sorted by step: similar values are adjacent, and compress well.
Rows that need a person come first. When the room is used up, the calls of the other rows are left out and counted.
"""

from __future__ import annotations

import json
import zlib
from base64 import b64encode
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from runner.journal import SentCall
from runner.problems import printable
from runner.report.replay import decimal
from runner.report.text import money

LONGEST = 20_000
"""Maximum length of a request or an answer, in characters; the rest is cut."""

ROWS_IN_CHUNK = 500
MOST_CALLS = 20_000
"""Maximum number of calls in a chunk: a row may have thousands."""

MOST_REQUESTS = 20
"""Requests of a call that are listed, the last ones: a search may go through hundreds of pages."""

STEPPED = ("row", "id", "at")
"""Columns that a chunk stores as differences of successive values, which are shorter."""


def packed(value: Any) -> bytes:
    """Return a value as JSON, compressed and in base64, which cannot end an HTML element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return b64encode(zlib.compress(text.encode("utf-8", "backslashreplace"), 9))


def cut(text: str, longest: int = LONGEST) -> str:
    """Return a printable text, cut with a note if it is longer than `longest`."""
    if len(text) > longest:
        return f"{printable(text[:longest])} … cut here: {len(text):,} characters in all"
    return printable(text)


def call_data(sent: SentCall, since: Callable[[str], int]) -> dict[str, Any]:
    """Return a call as data of the page. `since` returns the milliseconds since the start of the run."""
    call, identity = sent.call, sent.call.identity
    amount = decimal(call.amount)
    reason = call.reason
    if not reason and call.state == "intent":
        reason = "no outcome was recorded"
    return {
        "id": call.id,
        "step": printable(identity.step),
        "item": printable(call.shown_item),
        "again": identity.generation,
        "once": identity.key[:200] if identity.per == "once" else "",
        "op": printable(call.operation),
        "state": "unknown" if call.is_open else call.state,
        "status": call.status,
        "method": call.method,
        "url": cut(call.url),
        "amount": money(amount) if amount is not None else "",
        "why": cut(reason),
        "run": call.run,
        "sent": cut(call.body),
        "got": cut(call.answer),
        "at": since(sent.attempts[0].at if sent.attempts else call.sent_at),
        "ms": milliseconds(sum(each.seconds for each in sent.attempts)),
        "count": len(sent.requests),
        "tried": len(sent.attempts),
        "tries": _tries(sent, since),
    }


def _tries(sent: SentCall, since: Callable[[str], int]) -> list[list[Any]]:
    """Return time, duration, state, status and reason of the attempts; none for a single one."""
    if len(sent.attempts) <= 1:
        return []
    return [
        [since(each.at), milliseconds(each.seconds), each.state, each.status, cut(each.reason)]
        for each in sent.attempts[-MOST_REQUESTS:]
    ]


def milliseconds(seconds: float) -> int:
    """Return a duration of the journal in milliseconds; 0 if it is negative (the clock was set back)."""
    return max(0, round(seconds * 1000))


@dataclass
class _Chunks:
    """Chunks of one group of rows, up to about `room` bytes."""

    room: int
    done: list[tuple[list[int], bytes]] = field(default_factory=list)
    left_out: set[int] = field(default_factory=set)
    _open: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    _rows: set[int] = field(default_factory=set)
    used: int = 0

    def add(self, row: int, call: Callable[[], dict[str, Any]]) -> None:
        if self.used >= self.room:
            self.left_out.add(row)
            return
        if row not in self._rows and (
            len(self._rows) >= ROWS_IN_CHUNK or len(self._open) >= MOST_CALLS
        ):
            self.close()
        self._rows.add(row)
        self._open.append((row, call()))

    def close(self) -> None:
        """Pack the open calls into a chunk."""
        if not self._open:
            return
        self._open.sort(key=lambda each: (each[1]["step"], each[0]))
        columns: dict[str, list[Any]] = defaultdict(list)
        for row, call in self._open:
            columns["row"].append(row)
            for name, value in call.items():
                columns[name].append(value)
        for name in STEPPED:
            columns[name] = [after - before for before, after in pairwise([0, *columns[name]])]
        content = packed(columns)
        self.used += len(content)
        self.done.append((sorted(self._rows), content))
        self._open, self._rows = [], set()


class Chunks:
    """All chunks of a page, in at most `room` bytes. The rows in `first` precede the others."""

    def __init__(self, first: set[int], *, room: int) -> None:
        self._first = first
        self._needy, self._rest = _Chunks(room), _Chunks(room)

    def add(self, row: int, call: Callable[[], dict[str, Any]]) -> None:
        """Add a call of a row."""
        (self._needy if row in self._first else self._rest).add(row, call)

    def close(self, room: int) -> tuple[list[tuple[list[int], bytes]], int]:
        """Return the chunks that fit into `room` bytes, with their rows, and the number of rows left out."""
        self._needy.close()
        self._rest.close()
        left_out = self._needy.left_out | self._rest.left_out
        chunks: list[tuple[list[int], bytes]] = []
        used = 0
        for rows, content in (*self._needy.done, *self._rest.done):
            if used + len(content) <= room:
                chunks.append((rows, content))
                used += len(content)
            else:
                left_out.update(rows)
        return chunks, len(left_out)
