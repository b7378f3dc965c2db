"""What the rows of a run add up to, and the code that it ends with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from runner.engine.events import BUCKETS, Bucket, Outstanding, RowResult, RunEnded, RunStarted
from runner.engine.stop import Stop

EXIT_REJECTED, EXIT_UNKNOWN, EXIT_STOPPED, EXIT_DATA = 4, 5, 8, 3
EXIT_FAULT = 1
"""Rows or lines were counted twice: a fault of the program, whatever else there is to say."""

EXIT_CHANGES = 20
"""What a dry run ends with, where that is asked for, when there is something to send."""


@dataclass
class Totals:
    """Rows and lines by bucket, as they are finished; `reached` are the rows that the run got to itself."""

    rows: Counter[Bucket] = field(default_factory=Counter)
    lines: Counter[Bucket] = field(default_factory=Counter)
    reached: Counter[Bucket] = field(default_factory=Counter)

    def add(self, result: RowResult, *, reached: bool = True) -> None:
        """Count one row."""
        self.rows[result.bucket] += 1
        self.lines[result.bucket] += len(result.lines)
        self.reached[result.bucket] += reached

    def ended(
        self, started: RunStarted, stop: Stop, *, seconds: float, outstanding: tuple[Outstanding, ...] = ()
    ) -> RunEnded:  # fmt: skip
        """The end of the run; rows and lines that were not counted are not started."""
        self.rows["not started"] += started.rows - sum(self.rows.values())
        self.lines["not started"] += started.lines - sum(self.lines.values())
        balanced = min((*self.rows.values(), *self.lines.values()), default=0) >= 0
        return RunEnded(
            started.run,
            {bucket: self.rows[bucket] for bucket in BUCKETS},
            {bucket: self.lines[bucket] for bucket in BUCKETS},
            self._exit_code(stop.exit_code, dry_run=started.dry_run, unknown=bool(outstanding))
            if balanced
            else EXIT_FAULT,
            seconds, stop.reason, stop.remedy, outstanding,
        )  # fmt: skip

    def _exit_code(self, stopped: int, *, dry_run: bool, unknown: bool) -> int:
        """The code a run ends with: a signal's own, then unknown, then why it stopped, then changed or rejected.

        A row that is unknown counts wherever it is in the input, and so does what earlier runs have left unknown that
        is not in it; a changed or rejected one where the run got to it: with `--only`, the rows that were asked for.
        """
        left = self.reached["changed"] or self.reached["rejected"]
        if stopped > 128 or stopped == 1:
            return stopped
        if dry_run:
            return stopped or (EXIT_DATA if left else 0)
        if self.rows["unknown"] or unknown:
            return EXIT_UNKNOWN
        return stopped or (EXIT_REJECTED if left else 0)
