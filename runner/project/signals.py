"""Leaving early: signals, and an output that nobody reads any more, become a stop that finishes what is in flight."""

from __future__ import annotations

import io
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TextIO

from runner.engine.stop import Stop
from runner.project.streams import OutputError

_SHOW_CURSOR = b"\x1b[?25h"  # the live line of a terminal has hidden it


@contextmanager
def stopping_on_signals(stop: Stop) -> Iterator[None]:
    """The first SIGINT, SIGTERM or SIGHUP lets requests in flight finish; the second leaves at once.

    A thread reads the signals from a pipe: a handler runs in the middle of the main thread's work, which may be
    holding the very locks that stopping needs. A signal that is ignored (nohup) stays ignored.
    """
    ear, mouth = os.pipe()
    os.set_blocking(mouth, False)
    listener = threading.Thread(target=_listen, args=(ear, stop), name="signals", daemon=True)
    listener.start()
    woken = signal.set_wakeup_fd(mouth, warn_on_full_buffer=False)
    numbers = [
        n
        for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(n) != signal.SIG_IGN
    ]
    before = {number: signal.signal(number, _noted) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(woken)
        os.close(mouth)
        listener.join()
        os.close(ear)


def _noted(number: int, frame: FrameType | None) -> None:
    """Nothing: the pipe has the number already."""


def _listen(ear: int, stop: Stop) -> None:
    """Read the numbers of signals until the other end is closed."""
    asked = False
    while got := os.read(ear, 1):
        number = got[0]
        if asked:
            if os.isatty(2):
                os.write(2, _SHOW_CURSOR)
            os._exit(128 + number)
        asked = True
        name = signal.Signals(number).name
        stop.ask(f"stopped by {name}", exit_code=128 + number, remedy=f"go on with: {stop.resume}")
        with suppress(OSError):
            os.write(
                2, f"\n{name}: finishing what is in flight; once more leaves at once\n".encode()
            )


class Talk(io.TextIOBase):
    """A text stream that stops the run when it cannot be written, and drops what comes after that."""

    def __init__(self, out: TextIO, stop: Stop) -> None:
        self._out, self._stop, self._gone = out, stop, False

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._out.encoding

    def isatty(self) -> bool:
        return self._out.isatty()

    def fileno(self) -> int:
        return self._out.fileno()

    def write(self, text: str) -> int:
        self._try(lambda: self._out.write(text))
        return len(text)

    def flush(self) -> None:
        self._try(self._out.flush)

    def _try(self, action: Callable[[], object]) -> None:
        if self._gone:
            return
        try:
            action()
        except OutputError as error:
            self._gone = True
            remedy = f"go on with: {self._stop.resume}"
            self._stop.ask(error.message, exit_code=error.exit_code, remedy=remedy)
