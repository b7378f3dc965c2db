"""Rejected rows that stop a run: as many as `--max-failures` allows, or the first rows, all for one reason."""

from __future__ import annotations

import threading
from typing import NamedTuple

from runner.engine.events import RowResult

ALIKE = 10
"""Rows at the beginning of a run that stop it when all of them are rejected by one step with one status."""


class Halt(NamedTuple):
    """Why a run stops, and what to do."""

    reason: str
    remedy: str


class Failures:
    """Counts the rows that a run rejects. `most` are the rejected rows that it is allowed, None where nobody says.

    Of rows for which this run made no call nothing follows: they were refused before, or done by an earlier run.
    """

    def __init__(self, most: int | None, *, run: int) -> None:
        self._most, self._run = most, run
        self._lock = threading.Lock()
        self._first: tuple[str, int] | None = None
        self._alike, self._differ = 0, most is not None

    def add(self, result: RowResult, *, rejected: int) -> Halt | None:
        """Count a row that is finished, the `rejected`th of those; say when it is one too many."""
        if self._most is not None:
            return self._too_many(rejected) if rejected >= self._most else None
        with self._lock:
            return self._all_alike(result)

    def of_outputs(self, result: RowResult) -> Halt | None:
        """Say that a strict run ends with a row that was sent, and whose outputs turned out not to be computable."""
        for fault in result.faults:
            reason = (
                f"{result.key or 'the row'}: {fault.text}, which a strict run does not go on after"
            )
            remedy = "correct the output, then run the file again; without --strict: "
            return Halt(reason, f"{remedy}runner resume {self._run}")
        return None

    def _too_many(self, rejected: int) -> Halt:
        rows = f"{rejected} row{'s' * (rejected != 1)}"
        return Halt(
            f"{rows} rejected, as many as --max-failures allows",
            f"see why, then go on with a larger number: runner resume {self._run} --max-failures N",
        )

    def _all_alike(self, result: RowResult) -> Halt | None:
        silent = result.bucket == "rejected" and result.refused_by is None
        if silent or result.earlier_run or result.bucket in ("changed", "not started"):
            return None
        if self._differ:
            return None
        if result.bucket != "rejected" or result.refused_by != (self._first or result.refused_by):
            self._differ = True
            return None
        self._first = result.refused_by
        self._alike += 1
        if self._alike < ALIKE or self._first is None:
            return None
        step, status = self._first
        return Halt(
            f"the first {ALIKE} rows were all rejected by step {step!r} with status {status}",
            "see why and fix it for all of them; to go on regardless: "
            f"runner resume {self._run} --max-failures N",
        )
