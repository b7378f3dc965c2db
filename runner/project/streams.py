"""Standard output and error: what cannot be written to them ends the command in words, and once."""

from __future__ import annotations

import io
import os
import select
import sys
from pathlib import Path
from typing import Any, TextIO

from runner.problems import StoppedError, printable

GONE = "nobody reads the output any more"


class OutputError(StoppedError):
    """Output cannot be written: its reader has gone, or there is no room for it."""


class _Raw(io.FileIO):
    """A standard stream below its buffer. It fails once; what is written after that is dropped.

    All of the data is written, to a pipe that does not block as well.
    """

    failure = ""
    """Why it could not be written; empty as long as it could."""

    def write(self, data: Any, /) -> int:
        left = memoryview(data).cast("B")
        size = left.nbytes
        try:
            while left and not self.failure:
                written: int | None = super().write(left)
                if written is None:  # a pipe that does not block, and is full
                    select.select([], [self], [])
                left = left[written or 0 :]
        except BrokenPipeError:
            self.failure = GONE
        except OSError as error:
            self.failure = f"the output cannot be written: {(error.strerror or str(error)).lower()}"
        else:
            return size
        raise OutputError(self.failure)


def open_streams() -> None:
    """Open standard streams that can be written, whatever the shell has closed and the terminal's characters are."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - open to the end
        elif isinstance(stream, io.TextIOWrapper):
            raw = _Raw(stream.fileno(), "w", closefd=False)
            buffer = raw if stream.write_through else io.BufferedWriter(raw)
            text = io.TextIOWrapper(
                buffer, encoding=stream.encoding, errors="backslashreplace",
                line_buffering=stream.line_buffering, write_through=stream.write_through,
            )  # fmt: skip
            setattr(sys, name, text)


def say(text: str, *, to_stderr: bool = False) -> None:
    """Print text for people, and see to it that it is not left waiting in a buffer."""
    print(text, file=sys.stderr if to_stderr else sys.stdout, flush=True)


def note(text: str) -> None:
    """Print a line for people on stderr; characters that a terminal would act on are made visible."""
    say(printable(text), to_stderr=True)


def is_live(stream: TextIO) -> bool:
    """Return whether somebody watches a stream on a terminal that can move its cursor."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def flush_streams() -> str:
    """Write what waits in the standard streams; returns why one of them could not be written, or nothing."""
    failures = []
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OutputError as error:
            failures.append(error.message)
        else:
            buffer = getattr(stream, "buffer", None)
            raw = getattr(buffer, "raw", buffer)
            failures.append(raw.failure if isinstance(raw, _Raw) else "")
    return next(filter(None, failures), "")
