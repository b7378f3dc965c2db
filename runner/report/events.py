"""A run as JSON for programs, an object on each line, as it happens; schemas/events.schema.json describes them.

    {"version":1,"at":"2026-03-01T14:02:11.120+00:00","event":"run_started","run":4,"recipe":"import-orders",...}
    {"version":1,"at":"...","event":"call","key":"PO-1042","step":"job","state":"done","status":201,"id":"31987",...}
    {"version":1,"at":"...","event":"row","key":"PO-1042","bucket":"done",...}
    {"version":1,"at":"...","event":"run_ended","exit_code":0,...}
    {"version":1,"at":"...","event":"files","files":{"results":"/orders/runs/4/results.csv"}}

Amounts are text, so that no reader rounds them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO

from runner.catalogue import to_json
from runner.engine.events import (
    CallFinished,
    Checking,
    Event,
    Noticed,
    RowFinished,
    RowsRead,
    RunEnded,
    RunStarted,
    Waiting,
)
from runner.problems import in_json
from runner.report.files.cells import storable

VERSION = 1


class Events:
    """Writes the events of a run to `out`, each at once. `now` says what time it is."""

    def __init__(
        self, out: TextIO, *, now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)
    ) -> None:
        self._out, self._now = out, now

    def __call__(self, event: Event) -> None:
        if not isinstance(event, Checking):  # progress is for people
            name, values = _TOLD[type(event)](event)
            self._write(name, values)

    def files(self, written: Mapping[str, Path]) -> None:
        """Where the files of the run are, by what they are."""
        self._write(
            "files", {"files": {name: str(path.absolute()) for name, path in written.items()}}
        )

    def _write(self, name: str, values: Mapping[str, Any]) -> None:
        at = self._now().isoformat(timespec="milliseconds")
        text = to_json({"version": VERSION, "at": at, "event": name, **values}).decode()
        self._out.write(f"{in_json(text)}\n")
        self._out.flush()


def _started(event: RunStarted) -> tuple[str, dict[str, Any]]:
    return "run_started", {
        "run": event.run, "recipe": event.recipe, "target": event.target, "rows": event.rows, "lines": event.lines,
        "left_out": event.left_out, "resumed": event.resumed, "done_before": event.writes_before, "pace": event.pace,
        "search": event.search, "again": [*map(storable, event.again)], "previous": event.previous,
    }  # fmt: skip


def _call(event: CallFinished) -> tuple[str, dict[str, Any]]:
    operation = event.operation
    return "call", {
        "row": event.row, "key": storable(event.key), "step": event.step,
        "item": storable(event.item),
        "operation": operation.full_name, "effect": operation.effect, "method": operation.method,
        "path": storable(event.path), "attempt": event.attempt, "state": event.state, "status": event.status,
        "seconds": _seconds(event.seconds), "amount": None if event.amount is None else f"{event.amount:f}",
        "id": storable(event.made), "reason": storable(event.reason),
    }  # fmt: skip


def _row(event: RowFinished) -> tuple[str, dict[str, Any]]:
    result = event.result
    return "row", {
        "row": result.number, "key": storable(result.key), "lines": list(result.lines), "bucket": result.bucket,
        "reason": storable(result.reason), "amount": f"{result.money:f}",
        "outputs": {name: storable(value) for name, value in result.outputs.items()},
    }  # fmt: skip


def _ended(event: RunEnded) -> tuple[str, dict[str, Any]]:
    return "run_ended", {
        "run": event.run, "exit_code": event.exit_code, "rows": dict(event.buckets), "lines": dict(event.line_buckets),
        "seconds": _seconds(event.seconds), "stopped": storable(event.stopped), "remedy": storable(event.remedy),
        "outstanding": [
            {"run": each.run, "step": storable(each.step), "key": storable(each.key), "amount": f"{each.amount:f}"}
            for each in event.outstanding
        ],
    }  # fmt: skip


def _seconds(seconds: float) -> Decimal:
    return Decimal(f"{seconds:.3f}")


_TOLD: Mapping[type[Event], Callable[[Any], tuple[str, dict[str, Any]]]] = {
    RunStarted: _started,
    CallFinished: _call,
    RowFinished: _row,
    RunEnded: _ended,
    Waiting: lambda event: (
        "waiting",
        {"reason": storable(event.reason), "seconds": _seconds(event.seconds)},
    ),
    Noticed: lambda event: ("note", {"text": storable(event.text)}),
    RowsRead: lambda event: ("rows_read", {"operation": event.operation, "count": event.rows}),
}
