"""Rows on record: those that a run has finished, whose calls a resume does not look at, and those it does not reach."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import cast

from runner.catalogue import Catalogue, parse_own_json, to_json
from runner.engine.events import Bucket, RowResult
from runner.engine.objects import Objects
from runner.engine.row_calls import Heirs, calls_of_row, keys_of
from runner.journal import CallRecord, History, RowRecord
from runner.journal.records import OPEN, SETTLED
from runner.rows import Row
from runner.template import Unknown

PAGE = 1000
"""Rows that are read from the journal at a time."""

CUT_SHORT = "the run ended before this row did"
SETTLED_SINCE = "what was unknown of it is settled; the next run continues from there"
"""Why a row is not started that was."""

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
        on_record=row.on_record,
    )  # fmt: skip


class OnRecord:
    """What the journal knows of the rows that a run does not reach: from runs before it, or from a part of itself."""

    def __init__(
        self,
        history: History,
        catalogue: Catalogue,
        *,
        account: str,
        recipe: str,
        run: int,
        heirs: Heirs,
    ) -> None:
        self._history, self._catalogue, self._heirs = history, catalogue, heirs
        self._account, self._recipe, self._run = account, recipe, run

    def of(self, row: Row) -> RowResult | None:
        """The row as it was left, with what was created or found for it; None where nothing is on record."""
        history, of_recipe = self._history, (self._account, self._recipe)
        keys = keys_of(row, self._heirs)
        last = history.last_row(*of_recipe, keys, until=self._run)
        record = calls_of_row(history, *of_recipe, row, heirs=self._heirs)
        writes = [
            call
            for call in sorted(record.calls.values(), key=lambda call: call.id)
            if call.effect != "read" and call.state in (*SETTLED, *OPEN)
        ]
        if last is None and not writes:
            return None
        left = next((call for call in writes if call.state in OPEN), None)
        cut_short = last is None or any(call.run > last.run for call in writes)
        found = RowResult(row.number, row.key, row.lines, "not started", CUT_SHORT)
        if last is not None and not cut_short:
            found = result_of(last)._replace(number=row.number, key=row.key, lines=row.lines)
            found = found._replace(earlier_run=last.run, reason=self._reason(last))
        else:
            found = self._with_calls(found, writes)
        found = found._replace(on_record=record.key if record.key != row.key else "")
        if left is not None:
            step, run = left.identity.step, left.run
            reason = f"{step}: its outcome in run {run} is not known: runner settle {run}"
            return found._replace(bucket="unknown", reason=reason)
        if found.bucket == "unknown":
            return found._replace(bucket="not started", reason=SETTLED_SINCE)
        return found

    def _reason(self, last: RowRecord) -> str:
        """Why the row is where it is, and in which run that was."""
        if last.run == self._run or not last.reached or last.reason.startswith("done in run "):
            return last.reason
        if last.bucket == "done" and not last.reason:
            return f"done in run {last.run}"
        return f"in run {last.run}: {last.reason}" if last.reason else f"in run {last.run}"

    def _with_calls(self, found: RowResult, writes: Sequence[CallRecord]) -> RowResult:
        """The row with what its calls have created or found, where no end of it is on record."""
        objects, money = Objects(), Decimal(0)
        for call in writes:
            if call.state in SETTLED and call.answer:
                with suppress(KeyError):  # an operation that the documents no longer have
                    operation = self._catalogue.operation(call.operation)
                    objects.add(call.identity.step, operation, parse_own_json(call.answer))
            if call.state == "done":
                money += Decimal(call.amount or 0)
        return found._replace(ids=objects.ids, links=objects.links, money=money)


def record_of(run: int, result: RowResult, *, reached: bool = True) -> RowRecord:
    """What the journal keeps of a row of a run; of one that was not `reached`, what was known of it."""
    outputs = to_json(
        {name: None if isinstance(v, Unknown) else v for name, v in result.outputs.items()}
    ).decode()
    lines = json.dumps(result.lines, separators=(",", ":"))
    return RowRecord(
        run, result.number, result.key, lines, result.bucket, result.reason, outputs, str(result.money), result.ids,
        result.links, int(reached), result.on_record,
    )  # fmt: skip
