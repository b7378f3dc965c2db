"""Times and latencies of the calls of a run: bins for the charts of the page, waits, and percentiles.

Times are milliseconds since the run began. Long pauses without a call, as between a stop and a resume, are cut out of
the axis: `breaks` has their places and lengths.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Any

from runner.engine.events import BUCKETS

BINS = 96
"""Maximum number of bars of a chart."""

BREAK = 600_000
"""Milliseconds without a call from which on a pause is cut out of the axis."""

WAIT = 1000
"""Milliseconds without a call in flight from which on a pause counts as waiting."""

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
    """Times of every request of a run, in 17 bytes of memory each."""

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
        """Return for each operation: name, requests by class, median, 95th percentile, longest time."""
        operations = []
        for name, (counts, times) in sorted(self._operations.items()):
            ordered = sorted(times)
            percentiles = percentile(ordered, 50), percentile(ordered, 95)
            operations.append([name, *counts, *percentiles, ordered[-1]])
        return operations

    def picture(self, rows: Iterable[tuple[int, int]]) -> dict[str, Any] | None:
        """Return the data of the charts; None if nothing was sent.

        `rows` are the ends of rows, with the indexes of their buckets.
        """
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
            "start": axis.start,
            "width": axis.width,
            "bins": axis.bins,
            "calls": calls,
            "median": [percentile(times, 50) for times in took],
            "slow": [percentile(times, 95) for times in took],
            "rows": _finished(rows, axis),
            "waits": self._waits(axis),
            "breaks": [[axis.place(at), length] for at, length in axis.breaks],
        }

    def _waits(self, axis: _Axis) -> list[list[int]]:
        """Return start and length of each wait, and 1 if the API had throttled the call before it."""
        return [
            [axis.place(at), length, int(self._classes[last] == _CLASS["throttled"])]
            for at, length, last in axis.gaps
            if WAIT <= length < BREAK
        ]


class _Axis:
    """Time axis of the charts: from the first start to the last end, without the breaks."""

    def __init__(self, order: Sequence[int], starts: Sequence[int], ends: Sequence[int]) -> None:
        self.start = starts[order[0]]
        self.gaps: list[tuple[int, int, int]] = []
        # Calls overlap: a gap begins at the latest end so far, not at the end of the previous call.
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
        length = max(1, self.place(until))
        self.bins = min(BINS, max(1, length // 100))
        # Rounded up, so that the last time is still in the last bin.
        self.width = -(-length // self.bins)

    def place(self, at: int) -> int:
        """Return the place of a time on the axis, in milliseconds."""
        passed = bisect_right(self._at, at - 1)
        return max(0, at - self.start - self._cut[passed])

    def bin(self, at: int) -> int:
        """Return the index of the bar of a time."""
        return min(self.bins - 1, self.place(at) // self.width)


def _finished(rows: Iterable[tuple[int, int]], axis: _Axis) -> list[list[int]]:
    """Return for each bucket the number of rows finished by the end of each bin."""
    counts = [[0] * axis.bins for _ in BUCKETS]
    for end, bucket in rows:
        counts[bucket][axis.bin(end)] += 1
    for each in counts:
        for place in range(1, axis.bins):
            each[place] += each[place - 1]
    return counts


def percentile(ordered: Sequence[int], percent: int) -> int:
    """Return the nearest-rank percentile of ascending numbers; 0 if there are none."""
    return ordered[-(-len(ordered) * percent // 100) - 1] if ordered else 0
