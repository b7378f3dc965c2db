"""Rows that a run has finished, whose calls a resume does not look at."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import cast

from runner.catalogue import parse_own_json, to_json
from runner.engine.events import Bucket, RowResult
from runner.journal import History, RowRecord
from runner.template import Unknown

PAGE = 1000
"""Rows that are read from the journal at a time."""

_LAST = 2**62


class Finished:
    """The finished rows of a run, asked for in the order of the input. What became of them is told when there is time.

    A row is not taken as it is when something of it is open, or was sent again by another run: whoever looks at its
    calls knows better. Nor is one that is made of other lines than it was.
    """

    def __init__(self, history: History, account: str, recipe: str, run: int) -> None:
        self._history, self._run = history, run
        self._records = _pages(history, run)
        self._next = next(self._records, None)
        self._unsure: set[str] = set()
        if self._next is not None:  # a run that begins has finished nothing
            open_keys = {call.identity.key for call in history.open_calls(account, recipe)}
            self._unsure = open_keys | history.sent_again(account, recipe, besides=run)
        self._untold: deque[range] = deque()
        self._page: Iterator[RowRecord] = iter(())

    def has(self, number: int, lines: Sequence[int]) -> bool:
        """Whether the row of this number, made of these lines, is finished; it is told of later."""
        while self._next is not None and self._next[0] < number:
            self._next = next(self._records, None)
        if self._next is None or self._next[0] != number:
            return False
        _, key, recorded = self._next
        if key in self._unsure or recorded != f"[{','.join(map(str, lines))}]":
            return False
        if self._untold and self._untold[-1].stop == number:
            self._untold[-1] = range(self._untold[-1].start, number + 1)
        else:
            self._untold.append(range(number, number + 1))
        return True

    def tell(self) -> RowResult | None:
        """What became of the next of them; None when all are told of."""
        found = next(self._page, None)
        while found is None and self._untold:
            numbers = self._untold.popleft()
            page = self._history.finished_rows(self._run, numbers=numbers, limit=PAGE)
            if page and page[-1].number + 1 < numbers.stop:
                self._untold.appendleft(range(page[-1].number + 1, numbers.stop))
            self._page = iter(page)
            found = next(self._page, None)
        return result_of(found) if found is not None else None


def _pages(history: History, run: int) -> Iterator[tuple[int, str, str]]:
    """In pages, so that nobody holds the journal as it was for as long as the run takes."""
    first = 0
    while page := history.finished_in_short(run, numbers=range(first, _LAST), limit=PAGE):
        yield from page
        first = page[-1][0] + 1


def result_of(row: RowRecord) -> RowResult:
    """What became of a row, as the journal has it."""
    return RowResult(
        row.number, row.key, tuple(json.loads(row.lines)), cast("Bucket", row.bucket), row.reason,
        parse_own_json(row.outputs), money=Decimal(row.money or 0), ids=row.ids, links=row.links,
        unsettled=Decimal(row.unsettled or 0), on_record=row.on_record,
    )  # fmt: skip


def record_of(run: int, result: RowResult, *, reached: bool = True) -> RowRecord:
    """What the journal keeps of a row of a run; of one that was not `reached`, what was known of it."""
    outputs = to_json(
        {name: None if isinstance(v, Unknown) else v for name, v in result.outputs.items()}
    ).decode()
    lines = json.dumps(result.lines, separators=(",", ":"))
    return RowRecord(
        run, result.number, result.key, lines, result.bucket, result.reason, outputs, str(result.money), result.ids,
        result.links, int(reached), result.on_record, str(result.unsettled),
    )  # fmt: skip
