"""When the calls of a run were made and how long they took: bins for the pictures of the page, waits, and latencies.

Times are milliseconds since the run began. Hours between a stop and a resume, in which nothing was sent, are cut out
of the axis: `breaks` says where, and how long they were.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Any

from runner.engine.events import BUCKETS

BINS = 96
"""Bars of a picture at most."""

BREAK = 600_000
"""Milliseconds without a call that are cut out of the axis."""

WAIT = 1000
"""Milliseconds without a call in flight that count as waiting."""

CLASSES = ("ok", "refused", "held back", "unknown")
_CLASS = {
    "done": 0,
    "found": 0,
    "rejected": 1,
    "throttled": 2,
    "denied": 1,
    "not sent": 2,
    "unknown": 3,
}


class Times:
    """Takes every request of a run: 17 bytes each stay in memory."""

    def __init__(self) -> None:
        self._starts, self._ends, self._classes = array("q"), array("q"), array("b")
        self._operations: dict[str, tuple[list[int], array[int]]] = {}

    def add(self, operation: str, state: str, *, start: int, took: int) -> None:
        """Count a request that began `start` and took `took` milliseconds."""
        kind = _CLASS.get(state, 3)
        self._starts.append(start)
        self._ends.append(start + took)
        self._classes.append(kind)
        counts, times = self._operations.setdefault(operation, ([0] * len(CLASSES), array("q")))
        counts[kind] += 1
        times.append(took)

    def operations(self) -> list[list[Any]]:
        """For each operation: its name, requests by class, and its median, 95th percentile and longest time."""
        found = []
        for name, (counts, times) in sorted(self._operations.items()):
            ordered = sorted(times)
            found.append(
                [name, *counts, percentile(ordered, 50), percentile(ordered, 95), ordered[-1]]
            )
        return found

    def picture(self, rows: Iterable[tuple[int, int]]) -> dict[str, Any] | None:
        """The bins; None when nothing was sent. `rows` are the ends of rows with the places of their buckets."""
        if not self._starts:
            return None
        order = sorted(range(len(self._starts)), key=self._starts.__getitem__)
        axis = _Axis(order, self._starts, self._ends)
        calls = [[0] * axis.bins for _ in CLASSES]
        took: list[list[int]] = [[] for _ in range(axis.bins)]
        for place in order:
            at = axis.bin(self._starts[place])
            calls[self._classes[place]][at] += 1
            took[at].append(self._ends[place] - self._starts[place])
        for times in took:
            times.sort()
        return {
            "start": axis.start, "width": axis.width, "bins": axis.bins, "calls": calls,
            "median": [percentile(times, 50) for times in took],
            "slow": [percentile(times, 95) for times in took],
            "rows": _finished(rows, axis),
            "waits": self._waits(axis),
            "breaks": [[axis.place(at), length] for at, length in axis.breaks],
        }  # fmt: skip

    def _waits(self, axis: _Axis) -> list[list[int]]:
        """From, how long, and whether the API had asked for it."""
        return [
            [axis.place(at), length, int(self._classes[last] == _CLASS["throttled"])]
            for at, length, last in axis.gaps
            if WAIT <= length < BREAK
        ]


class _Axis:
    """The time that is shown: from the first start to the last end, without the breaks."""

    def __init__(self, order: Sequence[int], starts: Sequence[int], ends: Sequence[int]) -> None:
        self.start = starts[order[0]]
        self.gaps: list[tuple[int, int, int]] = []
        until, last = ends[order[0]], order[0]
        for place in order:
            if starts[place] - until >= WAIT:
                self.gaps.append((until, starts[place] - until, last))
            if ends[place] >= until:
                until, last = ends[place], place
        self.breaks = [(at, length) for at, length, _ in self.gaps if length >= BREAK]
        self._at = [at for at, _ in self.breaks]
        self._cut = [0]
        for _, length in self.breaks:
            self._cut.append(self._cut[-1] + length)
        shown = max(1, self.place(until))
        self.bins = min(BINS, max(1, shown // 100))
        self.width = -(-shown // self.bins)

    def place(self, at: int) -> int:
        """A time on the axis."""
        passed = bisect_right(self._at, at - 1)
        return max(0, at - self.start - self._cut[passed])

    def bin(self, at: int) -> int:
        """The bar that a time is in."""
        return min(self.bins - 1, self.place(at) // self.width)


def _finished(rows: Iterable[tuple[int, int]], axis: _Axis) -> list[list[int]]:
    """How many rows of each bucket were finished by the end of each bin."""
    counts = [[0] * axis.bins for _ in BUCKETS]
    for end, bucket in rows:
        counts[bucket][axis.bin(end)] += 1
    for each in counts:
        for place in range(1, axis.bins):
            each[place] += each[place - 1]
    return counts


def percentile(ordered: Sequence[int], percent: int) -> int:
    """The nearest-rank percentile of ascending numbers; 0 of none."""
    return ordered[-(-len(ordered) * percent // 100) - 1] if ordered else 0
