"""The files of a run made anew from its journal and its input, as after a kill; nothing is sent.

What became of a row is what the journal says. A row that has calls and no end was cut short: it is unknown when a write
of it may have been carried out, and not started otherwise, since the next run goes on with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from runner.catalogue import Catalogue
from runner.engine.events import (
    BUCKETS,
    Bucket,
    Reporter,
    RowFinished,
    RowResult,
    RunEnded,
    RunStarted,
)
from runner.engine.finished import CUT_SHORT, OnRecord, result_of
from runner.engine.row_calls import shared_former_keys
from runner.engine.totals import Totals
from runner.journal import History, RunRecord
from runner.rows import Input


def replay(
    run: RunRecord,
    history: History,
    input_: Input | None,
    tell: Reporter,
    *,
    catalogue: Catalogue,
) -> RunEnded:
    """Tell a reporter of a run what the journal has of it; returns its end as it was told.

    `input_` is that of the run, None for a recipe without rows. A run without an end ends with its own exit code, if it
    has one, or with 8: it can be resumed.
    """
    tell(started_of(run)._replace(resumed=True))
    totals = Totals()
    for result in _results(run, history, input_, catalogue):
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


def _results(
    run: RunRecord, history: History, input_: Input | None, catalogue: Catalogue
) -> Iterator[RowResult]:
    """The rows that the run has ended, then those that it was cut short in or did not reach, as they are known."""
    ended = bytearray(run.row_count + 1)
    for row in history.rows(run.id):
        ended[row.number] = 1
        yield result_of(row)
    cut_short = dict(history.cut_short(run.id))
    if input_ is None:
        for number, unknown in cut_short.items():
            yield RowResult(number, "", (), "unknown" if unknown else "not started", CUT_SHORT)
        return
    on_record = OnRecord(
        history, catalogue, account=run.account, recipe=run.recipe, run=run.id,
        heirs=dict.fromkeys(shared_former_keys(input_), ""),
    )  # fmt: skip
    for each in input_ if sum(ended) < input_.row_count else ():
        if ended[each.number]:
            continue
        known = on_record.of(each)
        if known is None and each.number in cut_short:
            known = RowResult(each.number, each.key, each.lines, "not started", CUT_SHORT)
        if known is not None:
            yield known
