"""The command with a fault in it: `faulty.py POINT NTH ARGUMENTS...` kills itself at the nth pass of a point.

    before intent   nothing of the call is written yet      after intent    on the disk, not sent
    after send      answered, the outcome not recorded      after outcome   recorded, and not yet on the disk
    late journal    the broken mode: no intent is ever written, only outcomes; killed after the nth send

The harness has to find the broken mode out, or it proves nothing.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from runner.cli import main
from runner.journal import Journal
from runner.transport import Transport


def break_it(point: str, nth: int) -> None:
    """Put the fault in."""
    intend, record, send = Journal.intend, Journal.record, Transport.send
    die = _dying(nth)

    def faulty_intend(self: Journal, call: Any) -> None:
        if point == "before intent":
            die()
        if point != "late journal":
            intend(self, call)
        if point == "after intent":
            die()

    def faulty_record(self: Journal, call: Any, **more: Any) -> None:
        record(self, call, **more)
        if point == "after outcome":
            die()

    def faulty_send(self: Transport, prepared: Any, **more: Any) -> Any:
        exchange = send(self, prepared, **more)
        if point in ("after send", "late journal"):
            die()
        return exchange

    for owner, name, function in (
        (Journal, "intend", faulty_intend), (Journal, "record", faulty_record), (Transport, "send", faulty_send)
    ):  # fmt: skip
        setattr(owner, name, function)


def _dying(nth: int) -> Callable[[], None]:
    left = nth

    def die() -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    return die


if __name__ == "__main__":
    break_it(sys.argv[1], int(sys.argv[2]))
    del sys.argv[1:3]
    main()
