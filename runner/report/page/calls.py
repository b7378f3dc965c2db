"""The calls of the page: requests and answers in deflated chunks, each opened only when one of its rows is unfolded.

A chunk is a JSON object of columns, sorted by step so that what is alike stands together: that is what makes it small.
Rows that need a person come first; when the room is used up, the calls of the rest are left out, and it is told.
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
"""Characters of a request or an answer that are kept."""

ROWS_IN_CHUNK = 500
MOST_CALLS = 20_000
"""Calls in a chunk at most: a row may have thousands."""

MOST_REQUESTS = 20
"""Requests of a call that are told apart: a search may go through hundreds of pages."""

STEPPED = ("row", "id", "at")
"""Columns of which a chunk holds the differences."""


def packed(value: Any) -> bytes:
    """A JSON value, deflated, in base64: nothing in it can end the element it stands in."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "backslashreplace"
    )
    return b64encode(zlib.compress(text, 9))


def cut(text: str, longest: int = LONGEST) -> str:
    """A text that is safe to show, cut with a note where it is very long."""
    if len(text) > longest:
        return f"{printable(text[:longest])} … cut here: {len(text):,} characters in all"
    return printable(text)


def drawn(sent: SentCall, since: Callable[[str], int]) -> dict[str, Any]:
    """A call as the page has it. `since` gives the milliseconds from the start of the run."""
    call, identity = sent.call, sent.call.identity
    state = "unknown" if call.is_open else call.state
    amount = decimal(call.amount)
    return {
        "id": call.id, "step": printable(identity.step), "item": printable(call.shown_item),
        "again": identity.generation, "once": identity.key[:200] if identity.per == "once" else "",
        "op": printable(call.operation), "state": state, "status": call.status, "method": call.method,
        "url": cut(call.url), "amount": money(amount) if amount is not None else "",
        "why": cut(call.reason or ("no outcome was recorded" if call.state == "intent" else "")), "run": call.run,
        "sent": cut(call.body), "got": cut(call.answer),
        "at": since(sent.attempts[0].at if sent.attempts else call.sent_at),
        "ms": milliseconds(sum(each.seconds for each in sent.attempts)),
        "count": len(sent.requests), "tried": len(sent.attempts),
        "tries": [
            [since(each.at), milliseconds(each.seconds), each.state, each.status, cut(each.reason)]
            for each in sent.attempts[-MOST_REQUESTS:]
        ] if len(sent.attempts) > 1 else [],
    }  # fmt: skip


def milliseconds(seconds: float) -> int:
    """A time of the journal as the page has it."""
    return max(0, round(seconds * 1000))


@dataclass
class _Chunks:
    """Chunks of rows, until `room` bytes are used up."""

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
        """Pack what is open."""
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
    """All chunks of a page, in `room` bytes at most: first those of the rows in `first`."""

    def __init__(self, first: set[int], *, room: int) -> None:
        self._first = first
        self._needy, self._rest = _Chunks(room), _Chunks(room)

    def add(self, row: int, call: Callable[[], dict[str, Any]]) -> None:
        """Take a call of a row."""
        (self._needy if row in self._first else self._rest).add(row, call)

    def close(self, room: int) -> tuple[list[tuple[list[int], bytes]], int]:
        """The chunks with their rows that fit into `room` bytes, and how many rows were left out."""
        self._needy.close()
        self._rest.close()
        left_out = self._needy.left_out | self._rest.left_out
        kept: list[tuple[list[int], bytes]] = []
        used = 0
        for rows, content in (*self._needy.done, *self._rest.done):
            if used + len(content) <= room:
                kept.append((rows, content))
                used += len(content)
            else:
                left_out.update(rows)
        return kept, len(left_out)
