"""What a run adds up to, counted again from the journal: the same account, and so the same words, as on the console.

A run that was stopped and resumed is counted as one. What only the console knew, such as the remedy of a stop, is not
there again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation

from runner.engine.events import (
    BUCKETS,
    Bucket,
    Outstanding,
    Reporter,
    RowFinished,
    RowResult,
    RunEnded,
    RunStarted,
)
from runner.engine.past.finished import result_of
from runner.engine.totals import Totals
from runner.journal import RowRecord, RunRecord, SentCall
from runner.report.summary import Account, Counted, Section
from runner.rows import Input


def replay(
    run: RunRecord, rows: Iterable[RowRecord], input_: Input | None, emit: Reporter
) -> RunEnded:
    """Emit the events of a run as the journal has it, with its `rows`; returns its end.

    `input_` is that of the run, None for a recipe without rows. A run without an end ends with its own exit code, if it
    has one, or with 8: it can be resumed.
    """
    emit(started_of(run)._replace(resumed=True))
    totals = Totals()
    for result in map(result_of, rows):
        if not result.lines and input_ is not None:
            result = _with_lines(result, input_)
        totals.add(result)
        emit(RowFinished(result))
    ended = RunEnded(
        run.id, by_bucket(totals.rows, run.row_count), by_bucket(totals.lines, run.line_count),
        8 if run.exit_code is None else run.exit_code, 0.0, run.reason,
    )  # fmt: skip
    emit(ended)
    return ended


def _with_lines(result: RowResult, input_: Input) -> RowResult:
    """A row that was cut short, of which the journal may not have the lines and the key."""
    row = next(row for row in input_.every_row() if row.number == result.number)
    return result._replace(key=row.key, lines=row.lines)


def by_bucket(counts: Mapping[Bucket, int] | Mapping[str, int], size: int) -> dict[Bucket, int]:
    """How many of the rows (or lines) of a run are in each bucket; those that the journal does not have, of `size`,
    were not started."""
    full = {bucket: counts.get(bucket, 0) for bucket in BUCKETS}
    full["not started"] += max(0, size - sum(full.values()))
    return full


def started_of(run: RunRecord) -> RunStarted:
    """The start of a run on record."""
    return RunStarted(
        run.id,
        run.recipe,
        run.target,
        run.row_count,
        run.line_count,
        dry_run=False,
        left_out=run.left_out,
    )


_PROBES = ("once", "probes")
"""Reads that are no part of a row; the console does not count them either."""


class Recount:
    """Takes the rows of a run and its calls, in any order, rows first. `under_way` rows are in no bucket yet.

    `outstanding` is what earlier runs have left unknown, beside these rows.
    """

    def __init__(
        self, run: RunRecord, rows: Iterable[RowRecord], *, whole: bool = True, under_way: int = 0,
        outstanding: tuple[Outstanding, ...] = (),
    ) -> None:  # fmt: skip
        self.run = run
        self.account = Account()
        self._under_way, self._outstanding = under_way, outstanding
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
            self.run.id, self.buckets, lines, self.run.exit_code or 0, seconds, self.run.reason,
            outstanding=self._outstanding,
        )  # fmt: skip


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
