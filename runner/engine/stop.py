"""Stopping before the end: who asked first, why, and waits that end when somebody does."""

from __future__ import annotations

import threading


class Stop:
    """A stop that anybody may ask for; the first reason counts."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.RLock()  # a signal may ask while its thread is asking
        self.reason = ""
        self.remedy = ""
        self.exit_code = 0
        self.run = 0
        """The number of the run that it stops; 0 for a dry run, and before there is one."""

    @property
    def resume(self) -> str:
        """The command that continues the run."""
        return f"runner resume {self.run}" if self.run else "run the same again"

    @property
    def requested(self) -> bool:
        """Whether nothing more is to be sent."""
        return self._event.is_set()

    def ask(self, reason: str, *, exit_code: int, remedy: str = "") -> None:
        """Send nothing more; finish what is in flight."""
        with self._lock:
            if not self._event.is_set():
                self.reason, self.remedy, self.exit_code = reason, remedy, exit_code
                self._event.set()

    def wait(self, seconds: float) -> None:
        """Wait, but no longer than until a stop."""
        self._event.wait(seconds)
