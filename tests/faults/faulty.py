"""The command with a fault in it: `faulty.py POINT NTH ARGUMENTS...` kills itself at the nth pass of a point.

    before intent   nothing of the call is written yet      after intent    on the disk, not sent
    in commit       written, and not committed              after commit    committed, before anybody is told
    head sent       headers without their body              half sent       half of the headers
    half read       the status is read, the body is not     after send      answered, the outcome not recorded
    after outcome   recorded, and not yet on the disk       after row       the same, with what became of the row
    before results  all is done, results.csv is not there   before end      it is there, the run's end is not recorded
    clock           kills nothing: the clock is NTH days off
    late journal    a broken mode: no intent is ever written, only outcomes; killed after the nth send, never for 0

The harness has to find the broken mode, and each of the variants of broken.py, or it proves nothing.
"""

from __future__ import annotations

import datetime as dt
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

from runner.cli import main
from runner.journal import Journal
from runner.report.files.results import Files
from runner.transport.client import Transport
from runner.transport.sockets import Connection, Deadline
from runner.transport.wire import Wire

Die = Callable[[], None]

WAYS: dict[str, tuple[Any, str, str]] = {
    "before intent": (Journal, "intend", "before"),
    "after intent": (Journal, "intend", "after"),
    "after send": (Transport, "send", "after"),
    "half read": (Wire, "_begin", "after"),
    "after outcome": (Journal, "record", "after"),
    "after row": (Journal, "row", "after"),
    "before results": (Files, "_finish", "before"),
    "before end": (Journal, "end", "before"),
}
"""Points that are before or after a function."""

POINTS = (*WAYS, "in commit", "after commit", "head sent", "half sent")


def break_it(point: str, nth: int) -> None:
    """Put the fault in."""
    die = _dying(nth)
    if point in WAYS:
        _die_around(*WAYS[point], die)
    elif point.endswith("commit"):
        _die_in_commits(die, after=point == "after commit")
    elif point.endswith("sent"):
        _die_in_the_middle(die, half=point == "half sent")
    elif point == "late journal":
        setattr(Journal, "intend", lambda self, call: None)  # noqa: B010 - mypy lets no method be replaced
        _die_around(Transport, "send", "after", die)
    elif point == "clock":
        _shift_clock(dt.timedelta(days=nth))
    else:
        raise ValueError(point)


def _die_around(owner: Any, name: str, where: str, die: Die) -> None:
    function = getattr(owner, name)

    def faulty(*args: Any, **kwargs: Any) -> Any:
        if where == "before":
            die()
        result = function(*args, **kwargs)
        if where == "after":
            die()
        return result

    setattr(owner, name, faulty)


class _Connection:
    """The journal's connection, which dies around its commits."""

    def __init__(self, connection: Any, die: Die, *, after: bool) -> None:
        self._connection, self._die, self._after = connection, die, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, sql: str, *values: Any) -> Any:
        if sql == "COMMIT" and not self._after:
            self._die()
        result = self._connection.execute(sql, *values)
        if sql == "COMMIT" and self._after:
            self._die()
        return result


def _die_in_commits(die: Die, *, after: bool) -> None:
    enter = Journal.__enter__

    def faulty(self: Journal) -> Journal:
        enter(self)
        self._connection = _Connection(self._connection, die, after=after)  # type: ignore[assignment]
        return self

    setattr(Journal, "__enter__", faulty)  # noqa: B010


def _die_in_the_middle(die: Die, *, half: bool) -> None:
    def faulty(
        self: Connection, data: bytes, deadline: Deadline, *, early: Callable[[bytes], None]
    ) -> None:
        post = data.startswith(b"POST ")
        head = data.index(b"\r\n\r\n") + 4
        part = data[: head // 2 if half else head] if post and last() else data
        write(self, part, deadline, early=early)
        if post:
            die()

    write = Connection.write
    last = die.last  # type: ignore[attr-defined]
    setattr(Connection, "write", faulty)  # noqa: B010


def _shift_clock(by: dt.timedelta) -> None:
    class Shifted(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Any:
            return _NOW(tz) + by

    setattr(dt, "datetime", Shifted)  # noqa: B010


_NOW = dt.datetime.now


def _dying(nth: int) -> Die:
    """Kills this process when it is called for the nth time; its `last` says whether that is the next."""
    passes: Iterator[int] = iter(range(nth - 1, -1, -1)) if nth else iter(())
    left = nth

    def die() -> None:
        nonlocal left
        left = next(passes, -1)
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    setattr(die, "last", lambda: left == 1)  # noqa: B010
    return die


if __name__ == "__main__":
    break_it(sys.argv[1], int(sys.argv[2]))
    del sys.argv[1:3]
    main()
