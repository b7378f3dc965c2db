"""When a request may be sent again, and after how long. One layer, capped in attempts, in time and over the run."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

from runner.catalogue import Operation
from runner.engine.sending.outcome import Outcome

TRIES = 3
THROTTLED_TRIES = 8
UNASKED_PAUSE = 5.0
"""Seconds to pause after a 429 that does not say how long."""


def may_repeat(operation: Operation, outcome: Outcome, *, attempt: int, tries: int) -> bool:
    """Whether attempt number `attempt` (from 1) may be followed by another.

    An update that may have landed is read back where that can be done, and repeated only where it cannot.
    """
    if outcome.state == "throttled":
        return attempt < THROTTLED_TRIES
    harmless = operation.effect == "read" or (operation.repeatable and operation.read_back is None)
    if outcome.state == "not sent" or (
        outcome.state == "unknown" and harmless and not _final(outcome)
    ):
        return attempt < tries
    return False


def _final(outcome: Outcome) -> bool:
    """A complete answer that another try would only repeat: a 2xx that cannot be read, a redirect."""
    return outcome.whole and 200 <= outcome.status < 400


class Budget:
    """Repeats over a whole run: a tenth of its requests, and ten."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests = self._repeats = 0

    def count(self) -> None:
        """A request was sent."""
        with self._lock:
            self._requests += 1

    def take(self) -> bool:
        """Use up one repeat, if one is left."""
        with self._lock:
            if self._repeats >= 10 + self._requests // 10:
                return False
            self._repeats += 1
            return True


def backoff(attempt: int, *, draw: Callable[[], float] = random.random) -> float:
    """Seconds before the attempt after number `attempt`: full jitter below min(20, 0.5 * 2^attempt)."""
    return min(20.0, 0.5 * 2.0**attempt) * draw()
