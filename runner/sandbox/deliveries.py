"""Append-only log of what reached the sandbox: `deliveries.jsonl`, one complete line per write(2)."""

from __future__ import annotations

import os
from pathlib import Path

DATABASE = "state.sqlite"
INSTANCE = "instance"


def instance_of(folder: Path) -> str | None:
    """Return the identity of the state in `folder`, or None without one. Opens no database and creates nothing."""
    try:
        (folder / DATABASE).stat()
        return (folder / INSTANCE).read_text(encoding="ascii").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


DELIVERIES = "deliveries.jsonl"

_BLOCK = 1024 * 1024


class Deliveries:
    """Log of one folder; `count` is the number of its lines. Not locked: its owner is."""

    def __init__(self, folder: Path) -> None:
        path = folder / DELIVERIES
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.count = self._complete_lines(path)

    def append(self, line: str) -> None:
        """Append one line, which is with the operating system on return. Raises OSError, and appends nothing then."""
        data = left = (line + "\n").encode("ascii")
        try:
            while left:
                left = left[os.write(self._file, left) :]
        except OSError:
            # A full disk takes a part of the line: it is cut off again.
            os.ftruncate(self._file, os.fstat(self._file).st_size - (len(data) - len(left)))
            raise
        self.count += 1

    def close(self) -> None:
        os.close(self._file)

    def _complete_lines(self, path: Path) -> int:
        """Count the lines, and remove an incomplete last one.

        A line that was cut short (by a full disk) belongs to a request that was never answered.
        """
        count = size = end = 0
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                count += block.count(b"\n")
                if b"\n" in block:
                    end = size + block.rindex(b"\n") + 1
                size += len(block)
        if end < size:
            os.ftruncate(self._file, end)
        return count
