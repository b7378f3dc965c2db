"""Rows that the run itself has finished already: a resume takes them as they are, without a look at their calls."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from decimal import Decimal

from runner.engine.events import Bucket, RowResult
from runner.journal import History, RowRecord
from runner.rows import Row

PAGE = 1000
"""Rows that are read from the journal at a time."""

MOST_UNTOLD = 100_000
"""Finished rows that wait to be told of, some 600 bytes each."""

_DECODER = json.JSONDecoder(parse_float=Decimal)  # for our own text: no need of what guards an answer's


class Finished:
    """The finished rows of a run, asked for in the order of the input. What became of them is told when there is time.

    A row is not taken as it is when something of it is open, or was sent again by another run: whoever looks at its
    calls knows better.
    """

    def __init__(self, history: History, account: str, recipe: str, run: int) -> None:
        self._records = _pages(history, run)
        self._next = next(self._records, None)
        self._unsure: set[str] = set()
        if self._next is not None:  # a run that begins has finished nothing
            open_keys = {call.identity.key for call in history.open_calls(account, recipe)}
            self._unsure = open_keys | history.sent_again(account, recipe, besides=run)
        self._untold: deque[RowRecord] = deque()

    def has(self, row: Row) -> bool:
        """Whether a row is finished; it is told of later."""
        while self._next is not None and self._next.number < row.number:
            self._next = next(self._records, None)
        found = self._next
        if found is None or (found.number, found.key) != (row.number, row.key) or row.key in self._unsure:
            return False
        self._untold.append(found)
        return True

    @property
    def full(self) -> bool:
        """Whether so many wait to be told of that it has to be done now."""
        return len(self._untold) >= MOST_UNTOLD

    def tell(self) -> RowResult | None:
        """What became of the next of them; None when all are told of."""
        if not self._untold:
            return None
        found = self._untold.popleft()
        bucket: Bucket = "found" if found.bucket == "found" else "done"
        return RowResult(
            found.number, found.key, tuple(_DECODER.decode(found.lines)), bucket, found.reason,
            _DECODER.decode(found.outputs), money=Decimal(found.money), ids=found.ids, links=found.links,
        )  # fmt: skip


def _pages(history: History, run: int) -> Iterator[RowRecord]:
    """In pages, so that nobody holds the journal as it was for as long as the run takes."""
    last = 0
    while page := history.finished_rows(run, after=last, limit=PAGE):
        yield from page
        last = page[-1].number
