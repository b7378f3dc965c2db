"""How many requests a day an account may make of an API: counted in the journal, over all runs of the UTC day."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Mapping

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
