"""Open runs: the rows of each run that are left to do, according to the journal."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from runner.journal.history import History
from runner.journal.records import CallRecord, RowRecord, RunRecord

SETTLED_AS = ": settled as "
"""Part of the reason of a row whose call was settled by a person, and that was not continued since."""


class Left(NamedTuple):
    """What is left of a run: rows that are not started, that are unknown, and that were unknown and are settled.

    `covered_by` is a later run that has gone through the same rows, and has what is left of them; 0 for none, and where
    a row that is unknown is no longer in the sheet.
    """

    run: RunRecord
    not_started: int
    unknown: int
    settled: int
    covered_by: int = 0

    @property
    def stopped(self) -> bool:
        """Return true if the run ended before it had processed all of its rows."""
        return self.run.state in ("stopped", "killed")

    @property
    def is_open(self) -> bool:
        """Return true if resuming the run would do something."""
        left = self.stopped or self.not_started or self.unknown or self.settled
        return bool(left) and not self.covered_by


def what_is_left(history: History) -> list[Left]:
    """Return the rest of each run that is not active, oldest first."""
    calls = history.all_open_calls()
    found: list[Left] = []
    complete: list[RunRecord] = []
    for run in reversed(history.runs()):
        if run.state == "running":
            continue
        left, unknown = _left(history, run, calls)
        covering = next(
            (
                later.id
                for later in complete
                if _covers(later, run) and all(history.has_row(later.id, key) for key in unknown)
            ),
            0,
        )
        if not left.stopped and not left.not_started:
            complete.append(run)
        found.append(left._replace(covered_by=covering))
    return found[::-1]


def open_runs(history: History) -> list[Left]:
    """Return the runs that can be resumed, oldest first."""
    return [left for left in what_is_left(history) if left.is_open]


def still_unknown(rows: Sequence[RowRecord], calls: Collection[CallRecord]) -> Iterator[RowRecord]:
    """Yield those of the unknown rows of a recipe whose outcome is unknown by now: `calls` are its open ones.

    What rows share has a key of its own: a row that waits for it has the name of its step in its reason.
    """
    keys = {call.identity.key for call in calls if call.identity.per == "row"}
    shared = tuple(f"{call.identity.step}: " for call in calls if call.identity.per == "once")
    return (
        row for row in rows
        if not keys.isdisjoint((row.key, row.on_record)) or row.reason.startswith(shared)
    )  # fmt: skip


def _left(history: History, run: RunRecord, calls: Sequence[CallRecord]) -> tuple[Left, list[str]]:
    """Return the rest of a run, and the keys of the rows that are still unknown."""
    counts = history.buckets(run.id)
    rows = history.rows_in(run.id, "unknown")
    own = [call for call in calls if call.identity[:2] == (run.account, run.recipe)]
    unknown = [row.key for row in still_unknown(rows, own)]
    waiting = []
    if counts.get("not started"):
        waiting = [row for row in history.rows(run.id) if row.bucket == "not started"]
    settled = sum(SETTLED_AS in row.reason for row in waiting)
    only = set(json.loads(run.only))
    recorded = sum(not only or row.key in only for row in waiting) - settled
    unrecorded = 0 if only else max(0, run.row_count - sum(counts.values()))
    left = Left(run, recorded + unrecorded, len(unknown), len(rows) - len(unknown) + settled)
    return left, unknown


def _covers(later: RunRecord, run: RunRecord) -> bool:
    """Return true if a later run processed all of its rows, and these include the rows of an earlier one."""
    same = (later.account, later.recipe, later.only) == (run.account, run.recipe, "[]")
    if not run.input_file:
        return same and (later.input_file, later.vars) == ("", run.vars)
    files = later.input_digest == run.input_digest or later.input_file == run.input_file
    return same and files
