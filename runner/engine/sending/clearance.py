"""The last question before the first byte of a request: may it leave at this very moment?

A connection is opened first, since that can take seconds. Then the intent of a write is committed, a place of the pace
used, and the first byte written, one directly after the other. A sender that is held up in between (its machine slept,
its process was stopped, its disk was slow) does not send: meanwhile a person may have settled the call as absent.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from runner.engine.limits import Pace
from runner.engine.stop import Stop

STOPPED = "the run was stopped before this was sent"

FIRST_BYTE_SECONDS = 5.0
"""Seconds after the commit of an intent in which the first byte of its request is written, or never."""

_SINCE_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""A clock that counts the time in which the machine is suspended; that of macOS has the other name."""

Clocks = Callable[[], tuple[float, float]]
"""Seconds on a clock that counts suspensions, and on the wall: a virtual machine that is paused has only the second."""


def read_clocks() -> tuple[float, float]:
    """Both clocks of this machine."""
    return time.clock_gettime(_SINCE_BOOT), time.time()


class Clearance:
    """One request's leave to go. `expired` says that it was not sent because it was held up, not because of the API."""

    def __init__(
        self, commit: Callable[[], None], *, pace: Pace | None, stop: Stop, clocks: Clocks = read_clocks
    ) -> None:  # fmt: skip
        self._commit, self._pace, self._stop, self._clocks = commit, pace, stop, clocks
        self.expired = False

    def __call__(self) -> str:
        """Commit the intent and use a place; returns why the request may not leave, empty where it may."""
        start = self._clocks()  # before the commit: it may be on the disk long before that is known
        self._commit()
        while self._pace is not None and (seconds := self._pace.use()) > 0:
            if self._elapsed(start) + seconds > FIRST_BYTE_SECONDS:
                return self._expire("its turn did not come")
            self._stop.wait(seconds)
            if self._stop.requested:
                return STOPPED
        if self._elapsed(start) > FIRST_BYTE_SECONDS:
            return self._expire("nothing of it was sent")
        return ""

    def _elapsed(self, start: tuple[float, float]) -> float:
        return max(now - then for now, then in zip(self._clocks(), start, strict=True))

    def _expire(self, what: str) -> str:
        self.expired = True
        return f"{what} within {FIRST_BYTE_SECONDS:.0f} s of its intent"
