"""The events of a run on record, for the files that are written of it again; nothing is sent.

A row is reported as the journal has it. One that has calls and no end was cut short: it is unknown when a write of it
may have been carried out, and not started otherwise, since the next run continues with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

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
from runner.journal import RowRecord, RunRecord
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
    row = next(row for row in input_ if row.number == result.number)
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
