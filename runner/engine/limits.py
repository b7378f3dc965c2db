"""How fast an account is spoken to: a token bucket shared by all workers, slower after a 429, back in small steps.

A place is reserved before a connection is opened, so that workers take turns, and used directly before the first byte:
a place that was reserved before a stall is not there any more after it.

No library is used: those at hand give a fixed rate, while here the rate follows the API's answers and every wait has to
be told to the reporters and cut short by a stop.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable, Mapping
from decimal import Decimal

from runner.journal import History, Journal


def utc_now() -> dt.datetime:
    """The moment, in UTC."""
    return dt.datetime.now(dt.UTC)


class Hits:
    """Counts each request before it is sent. `limits` are requests a day by API; without one there is no limit."""

    def __init__(
        self, account: str, journal: Journal, history: History, *, limits: Mapping[str, int],
        now: Callable[[], dt.datetime] = utc_now,
    ) -> None:  # fmt: skip
        self._account, self._journal, self._history = account, journal, history
        self._limits, self._now = limits, now
        self._used: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()

    def take(self, api: str) -> tuple[str, str]:
        """Count one request. When the day has none left: nothing is counted, and why, and when it may go on."""
        with self._lock:
            now = self._now()
            day, limit = now.date().isoformat(), self._limits.get(api)
            used = self._used.get((api, day))
            if used is None:
                used = self._history.hits(self._account, api, day=day)
            if limit is not None and used >= limit:
                tomorrow = now.date() + dt.timedelta(days=1)
                reason = f"{used:,} requests to {api} today, and its {limit:,} a day are used up"
                return reason, f"go on after {tomorrow} 00:00 UTC"
            self._used[api, day] = used + 1
            self._journal.hit(self._account, api, day=day)
            return "", ""


RECOVERY_SECONDS = 20.0
_PRECISION = 1e-6
"""Seconds that are no wait."""

SLOWEST = 20.0
"""The pace never falls below the allowed rate divided by this."""


class Pace:
    """At most `rate` requests a second, `burst` at once."""

    def __init__(
        self, *, rate: Decimal, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._full = self._rate = float(rate)
        self._burst = max(1, burst)
        self._clock = clock
        self._lock = threading.Lock()
        self._next = self._free = self._held_until = self._clean_since = clock()

    @property
    def rate(self) -> float:
        """Requests a second at this moment."""
        return self._rate

    def reserve(self) -> float:
        """Reserve the next place; returns how many seconds it is away. It has to be used as well."""
        with self._lock:
            now = self._clock()
            self._recover(now)
            interval = 1 / self._rate
            self._next = max(self._next, now - (self._burst - 1) * interval)
            due = self._next
            self._next += interval
            return max(0.0, due - now)

    @property
    def held(self) -> bool:
        """Whether a 429 asks for silence at this moment: a place that was taken before it has lapsed."""
        with self._lock:
            return self._clock() < self._held_until

    def use(self) -> float:
        """Use a place at this very moment; or seconds until there may be one, and none was used.

        What counts is when places were used: whoever used one late has moved the next ones.
        """
        with self._lock:
            now = self._clock()
            interval = 1 / self._rate
            due = max(self._free, now - (self._burst - 1) * interval)
            seconds = max(due, self._held_until) - now
            if seconds > _PRECISION:
                return seconds
            self._free = due + interval
            return 0.0

    def slow_down(self, retry_after: float) -> None:
        """After a 429: half the rate, and no request before `retry_after` seconds are over."""
        with self._lock:
            now = self._clock()
            self._rate = max(self._full / SLOWEST, self._rate / 2)
            self._held_until = max(self._held_until, now + retry_after)
            self._next = max(self._next, self._held_until)
            self._clean_since = now

    def _recover(self, now: float) -> None:
        """A tenth of the full rate back for every clean stretch."""
        while self._rate < self._full and now - self._clean_since >= RECOVERY_SECONDS:
            self._rate = min(self._full, self._rate + self._full / 10)
            self._clean_since += RECOVERY_SECONDS
