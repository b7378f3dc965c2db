"""The talk of a run: a live line on a terminal and plain lines elsewhere, rows that need attention, the summary.

import-orders -> sandbox   run 4   830 rows from 2,155 lines
  612/830 rows   3,870 calls   9.8/s (pace 10/s)   2 rejected   1 unknown   0:22 left
rejected     10502 (lines 642-644): job: 422 country is over the max length of 2 characters
...
UNKNOWN      1 row (3 lines), 1,210.00: may have been carried out; not sent again by itself
               10431 (lines 450-452)  deposit  1,210.00: connection lost before an answer
             look it up, then record what you find: runner settle 4
rejected     2 rows (5 lines): fix them and run the file again
               2 x job: 422 country is over the max length of 2 characters: 10502, 10611
done         827 rows (2,147 lines)
lines        2,155 read = 2,147 done + 0 found + 0 changed + 5 rejected + 3 unknown + 0 not started
posted       1,319,402.11 by 827 create_sales_order_payment
calls        4,992 in 8:31 (9.8/s)
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TextIO

from runner.engine.events import (
    CallFinished,
    Checking,
    Event,
    Noticed,
    RowFinished,
    RowResult,
    RowsRead,
    RunEnded,
    RunStarted,
    Waiting,
)
from runner.problems import printable
from runner.report.summary import Account, row_place
from runner.report.text import cells, clock_time, exceptions, input_size, plural

if TYPE_CHECKING:
    from rich.console import Console as Terminal
    from rich.console import RenderableType
    from rich.live import Live

INTERVAL = 5.0
"""Seconds between two progress lines where there is no terminal."""

CHECK_INTERVAL = 10.0
"""The same while rows are checked before the first request."""

WINDOW = 30
"""Seconds that the speed and the time left are taken from."""

ROWS_SHOWN = 20
"""Changed, rejected and unknown rows that get a line while the run goes on."""

BAR = 20
"""Cells of the bar of progress."""

NARROW = 72
"""Cells of a terminal below which the bar has a line of its own."""

_NO_TROUBLE = ("done", "found", "posted", "calls", "lines")
_STYLES = {
    "UNKNOWN": "bold red",
    "changed": "magenta",
    "rejected": "yellow",
    "done": "green",
    "stopped": "bold",
    "CHECK": "bold red",
}


class Console:
    """Writes a run to `out` as it happens, with a live line where that is a `terminal`.

    `colour` is for an `out` that is none. `verbose` has a line for each call; `quiet` says in the end, and only
    then, what needs a person. `clock` counts seconds. `close` ends the live line, whatever happened.
    """

    def __init__(
        self, out: TextIO, *, terminal: bool, colour: bool = False, quiet: bool = False, verbose: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._out, self._clock, self._is_live = out, clock, terminal and not quiet
        self._quiet, self._verbose = quiet, verbose
        self._terminal = _open_terminal(out) if terminal or colour else None
        self._live: Live | None = None
        self._account = Account()
        self._started: RunStarted | None = None
        self._samples: deque[tuple[float, int, int]] = deque(maxlen=WINDOW)
        self._written_at = clock()
        self._waiting: tuple[str, float] = ("", 0.0)
        self._rows_shown = 0
        self._read: RowsRead | None = None
        self._checking: Checking | None = None
        self._noticed: set[str] = set()

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self._begin(event)
        elif isinstance(event, RunEnded):
            self._end(event)
        else:
            self._account.add(event)
            if isinstance(event, CallFinished):
                self._call(event)
            elif isinstance(event, RowFinished):
                self._row(event.result)
            elif isinstance(event, Waiting):
                self._waiting = event.reason, self._clock() + event.seconds
            elif isinstance(event, Noticed):
                self._notice(event.text)
            elif isinstance(event, RowsRead):
                self._read = event
            if isinstance(event, Checking):
                self._check(event)
            else:
                self._checking = None
                self._progress()

    def close(self) -> None:
        """Take the live line away. Safe to call at any time, and more than once."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _begin(self, event: RunStarted) -> None:
        self._started = event
        self._account.begin(event)
        size = input_size(event) if event.lines or event.search else ""
        head = (
            f"{event.recipe} -> {event.target}",
            f"run {event.run}",
            "goes on" if event.resumed else "",
            size,
        )
        self._say("   ".join(filter(None, head)))
        if event.previous:
            self._say(f"  run.previous: {event.previous}")
        if event.writes_before:
            but = exceptions(event.again)
            self._say(
                f"  {plural(event.writes_before, 'call')} finished before; none is sent again{but}"
            )
        self._written_at = self._clock()
        self._samples.append((self._written_at, 0, 0))
        if self._terminal is not None and self._is_live:
            self._live = _start_live(self._terminal, self._picture)

    def _call(self, call: CallFinished) -> None:
        if not self._verbose:
            return
        label = "read" if call.operation.effect == "read" and call.state == "done" else call.state
        item = f"[{call.item}]" if call.item else ""
        parts = [
            call.key, call.step + item, f"{call.operation.method} {call.path}", str(call.status or ""),
            f"{call.seconds * 1000:,.0f} ms", f"try {call.attempt}" if call.attempt > 1 else "",
            f"id {call.made}" if call.made else "", call.reason,
        ]  # fmt: skip
        self._say(f"  {label:<11}" + "  ".join(filter(None, parts)))

    def _row(self, result: RowResult) -> None:
        if result.bucket not in ("changed", "rejected", "unknown"):
            return
        self._rows_shown += 1
        if self._rows_shown <= ROWS_SHOWN:
            label = "UNKNOWN" if result.bucket == "unknown" else result.bucket
            self._say(
                f"{label:<11}  {row_place(result.key, result.lines)}: {result.reason}",
                style=_STYLES[label],
            )
        elif self._rows_shown == ROWS_SHOWN + 1:
            self._say(
                "             more of them are only counted here; the results file has them all"
            )

    def _notice(self, text: str) -> None:
        """Each of them once, and no more of them than of rows."""
        if text not in self._noticed and len(self._noticed) < ROWS_SHOWN:
            self._noticed.add(text)
            self._say(f"note         {text}")

    def _check(self, event: Checking) -> None:
        """Rows are gone through before the first request."""
        now, begins = self._clock(), self._checking is None or self._checking.what != event.what
        self._checking = event
        if not self._is_live and (begins or now - self._written_at >= CHECK_INTERVAL):
            self._written_at = now
            self._say(self._status(now))

    def _progress(self) -> None:
        now = self._clock()
        if not self._samples or now - self._samples[-1][0] >= 1:
            self._samples.append((now, self._account.rows, self._account.calls))
        if not self._is_live and now - self._written_at >= INTERVAL:
            self._written_at = now
            self._say(self._status(now))

    def _status(self, now: float) -> str:
        return "   ".join(self._parts(now))

    def _parts(self, now: float) -> list[str]:
        """What the line of progress says, with speed and time left from the last half minute."""
        account, started = self._account, self._started
        if started is None and self._read is not None:
            return [f"  {plural(self._read.rows, 'row')} read from {self._read.operation}"]
        if self._checking is not None:
            what, rows, total = self._checking
            return [f"  {rows:,}/{total:,} rows {what}", "nothing is sent yet"]
        total, pace = (started.rows, started.pace) if started is not None else (0, "")
        then, rows, calls = self._samples[0] if self._samples else (now, 0, 0)
        passed = now - then
        parts = [f"  {account.rows:,}/{total:,} rows", plural(account.calls, "call")]
        if passed >= 1:
            parts.append(
                f"{(account.calls - calls) / passed:.1f}/s" + (f" (pace {pace})" if pace else "")
            )
        parts += [
            f"{count:,} {name}"
            for name in ("changed", "rejected", "unknown")
            if (count := account.buckets[name])
        ]
        if passed >= 1 and rows < account.rows < total:
            parts.append(
                f"{clock_time((total - account.rows) * passed / (account.rows - rows))} left"
            )
        reason, until = self._waiting
        if until > now:
            parts.append(f"waits {clock_time(until - now)}: {reason}")
        return parts

    def _picture(self) -> RenderableType:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        assert self._terminal is not None  # noqa: S101 - there is no picture without one
        grid, width = Table.grid(), self._terminal.width
        total = self._started.rows if self._started is not None else 0
        beside = BAR if width >= NARROW else 0
        lines = "\n".join(_folded(self._parts(self._clock()), width - beside - 1))
        status = Text(lines, no_wrap=True, overflow="ellipsis")
        checked = self._checking
        bar = ProgressBar(
            total=max(1, total),
            completed=checked.rows if checked else self._account.rows,
            width=min(BAR, width - 1),
        )
        if beside:
            grid.add_row(bar, status)
        else:
            grid.add_row(bar)
            grid.add_row(status)
        return grid

    def _end(self, event: RunEnded) -> None:
        self.close()
        if self._quiet and not event.exit_code:
            return
        if not self._is_live and self._account.rows:
            self._say(self._status(self._clock()))
        self._say("")
        self._quiet, quiet = False, self._quiet
        for label, lines in self._account.summary(event):
            if quiet and label in _NO_TROUBLE:
                continue
            for number, line in enumerate(lines):
                head = label if number == 0 else ""
                self._say(
                    f"{head:<11}  {line}", style=_STYLES.get(label, "") if number == 0 else ""
                )

    def _say(self, text: str, *, style: str = "") -> None:
        if self._quiet:
            return
        text = printable(text)
        if self._terminal is None:
            self._out.write(f"{text}\n")
            self._out.flush()
        else:
            self._terminal.print(
                text,
                style=style or None,
                markup=False,
                highlight=False,
                emoji=False,
                soft_wrap=True,
            )


def _open_terminal(out: TextIO) -> Terminal:
    from rich.console import Console as Terminal

    return Terminal(file=out, force_terminal=True)


def _folded(parts: Sequence[str], width: int) -> list[str]:
    """The parts on as many lines as they need in so many cells."""
    lines: list[str] = []
    for part in map(printable, parts):
        if lines and cells(f"{lines[-1]}   {part}") <= width:
            lines[-1] += f"   {part}"
        else:
            lines.append(part if not lines else f"  {part}")
    return lines


def _start_live(terminal: Terminal, picture: Callable[[], RenderableType]) -> Live:
    from rich.live import Live

    live = Live(
        console=terminal, get_renderable=picture, transient=True, refresh_per_second=4,
        redirect_stdout=False, redirect_stderr=False,
    )  # fmt: skip
    live.start()
    return live
