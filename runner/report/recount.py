"""What a run adds up to, counted again from the journal: the same account, and so the same words, as on the console.

A run that was stopped and resumed is counted as one. What only the console knew, such as the remedy of a stop, is not
there again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation

from runner.engine.events import Bucket, RowFinished, RunEnded
from runner.engine.finished import result_of
from runner.engine.totals import Totals
from runner.journal import RowRecord, RunRecord, SentCall
from runner.report.account import Account, Counted, Section
from runner.report.remake import by_bucket, started_of

_PROBES = ("once", "probes")
"""Reads that are no part of a row; the console does not count them either."""


class Recount:
    """Takes the rows of a run and its calls, in any order, rows first. `under_way` rows are in no bucket yet."""

    def __init__(
        self, run: RunRecord, rows: Iterable[RowRecord], *, whole: bool = True, under_way: int = 0
    ) -> None:
        self.run = run
        self.account = Account()
        self._under_way = under_way
        self._totals = Totals()
        self._results = [result_of(row) for row in rows]
        self._keys = {result.number: result.key for result in self._results}
        for result in self._results:
            self._totals.add(result)
        self._last = run.started_at
        started = started_of(run)
        self._started = started if whole else started._replace(lines=0, left_out=0)

    def add(self, sent: SentCall) -> None:
        """Count the requests of a call."""
        identity = sent.call.identity
        if (identity.per, identity.key) == _PROBES:
            return
        key = identity.key if identity.per == "row" else self._keys.get(sent.call.row, "")
        call, amount = sent.call, decimal(sent.call.amount)
        for each in sent.attempts:
            self._last = max(self._last, each.at)
            self.account.count(
                Counted(
                    key, identity.step, call.operation, call.effect, each.state, amount, each.reason
                )
            )

    @property
    def buckets(self) -> dict[Bucket, int]:
        """Rows by bucket."""
        return by_bucket(self._totals.rows, self.run.row_count - self._under_way)

    def summary(self) -> Iterator[Section]:
        """The sections of the summary, to be asked for once, when all calls were added."""
        self.account.begin(self._started)
        for result in self._results:
            self.account.add(RowFinished(result))
        return self.account.summary(self._ended())

    def _ended(self) -> RunEnded:
        lines = by_bucket(self._totals.lines, self.run.line_count)
        seconds = span(self.run.started_at, self.run.finished_at or self._last)
        return RunEnded(
            self.run.id, self.buckets, lines, self.run.exit_code or 0, seconds, self.run.reason
        )


def decimal(text: str) -> Decimal | None:
    """An amount of the journal; None where there is none."""
    try:
        return Decimal(text) if text else None
    except InvalidOperation:
        return None


def span(start: str, end: str) -> float:
    """Seconds between two times of the journal; 0 where one of them is missing."""
    try:
        return max(
            0.0, (dt.datetime.fromisoformat(end) - dt.datetime.fromisoformat(start)).total_seconds()
        )
    except ValueError:
        return 0.0
