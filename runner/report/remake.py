"""The files of a run made anew from its journal and its input, as after a kill; nothing is sent.

What became of a row is what the journal says. A row that has calls and no end was cut short: it is unknown when a write
of it may have been carried out, and not started otherwise, since the next run goes on with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from runner.engine.events import (
    BUCKETS,
    Bucket,
    Reporter,
    RowFinished,
    RowResult,
    RunEnded,
    RunStarted,
)
from runner.engine.finished import result_of
from runner.engine.totals import Totals
from runner.journal import History, RunRecord
from runner.rows import Input, Row

CUT_SHORT = "the run ended before this row did"


def replay(run: RunRecord, history: History, input_: Input | None, tell: Reporter) -> RunEnded:
    """Tell a reporter of a run what the journal has of it; returns its end as it was told.

    `input_` is that of the run, None for a recipe without rows. A run without an end ends with its own exit code, if it
    has one, or with 8: it can be resumed.
    """
    tell(started_of(run)._replace(resumed=True))
    totals = Totals()
    for result in _results(run, history, input_):
        totals.add(result)
        tell(RowFinished(result))
    ended = RunEnded(
        run.id, by_bucket(totals.rows, run.row_count), by_bucket(totals.lines, run.line_count),
        8 if run.exit_code is None else run.exit_code, 0.0, run.reason,
    )  # fmt: skip
    tell(ended)
    return ended


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


def _results(run: RunRecord, history: History, input_: Input | None) -> Iterator[RowResult]:
    """The rows that the run has ended, then those that it was cut short in or that wait for what was sent before."""
    open_calls = history.open_calls(run.account, run.recipe)
    waiting = {call.identity.key for call in open_calls if call.identity.per == "row"}
    for row in history.rows(run.id):
        waiting.discard(row.key)
        yield result_of(row)
    cut_short = dict(history.cut_short(run.id))
    if input_ is None:
        for number, unknown in cut_short.items():
            yield RowResult(number, "", (), "unknown" if unknown else "not started", CUT_SHORT)
        return
    for each in input_ if cut_short or waiting else ():
        if each.number in cut_short or each.key in waiting:
            yield _cut_short(each, unknown=cut_short.get(each.number, False) or each.key in waiting)


def _cut_short(row: Row, *, unknown: bool) -> RowResult:
    return RowResult(
        row.number, row.key, row.lines, "unknown" if unknown else "not started", CUT_SHORT
    )
