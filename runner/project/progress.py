"""Progress on stderr of what takes long before a run is on record: live on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from runner.project.streams import is_live

Each = TypeVar("Each")

AFTER = 1.0
"""Seconds after which progress is reported."""

EVERY, LIVE_EVERY = 10.0, 0.25
"""Seconds between two lines, and between two states of a live one."""


def watched(
    rows: Iterable[Each], what: str, *, total: int, quiet: bool = False,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Each]:  # fmt: skip
    """The rows, of which there are `total`; how many are `what` by now is reported from the first second on."""
    live = is_live(sys.stderr)
    due, shown = clock() + AFTER, False
    try:
        for count, row in enumerate(rows):
            if not quiet and (now := clock()) >= due:
                due, shown = now + (LIVE_EVERY if live else EVERY), True
                text = f"  {count:,}/{total:,} rows {what}"
                sys.stderr.write(f"\r\x1b[2K{text}" if live else f"{text}\n")
                sys.stderr.flush()
            yield row
    finally:
        if live and shown:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
