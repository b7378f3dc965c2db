"""Records of a delimited text file: its physical lines, decoded strictly, and the cells that they form."""

from __future__ import annotations

import csv
import os
import stat
import zlib
from collections.abc import Callable, Iterator
from io import BufferedReader
from pathlib import Path
from typing import IO

from runner.problems import InvalidError, nearest
from runner.rows.findings import Findings, Text
from runner.rows.formats.detect import ENDINGS

MAX_RECORD_BYTES = 4 * 1024 * 1024
"""Bytes of one record at most, so that a file without line ends cannot fill the memory."""

END_OF_FILE = b"\x1a"
"""The mark of DOS for the end of a text; some programs still write it."""

_SAVE_AS = "save it as CSV UTF-8"


class Lines:
    """Physical lines of a file as `texts`, one at a time, and the place of the record that they form.

    `begin` starts a record, whose first line is then `number`, from 1; `record` returns its place once the csv module
    has read all its lines. `last` is the line that was read last.
    """

    def __init__(self, file: IO[bytes], delimiter: str, findings: Findings) -> None:
        self.delimiter = delimiter
        self.number = self.last = self.offset = self.length = 0
        self.texts = self._texts(file.readline)
        self._findings = findings
        self._encoding = "utf-8-sig"
        self._raw: list[bytes] = []
        self._left_out = 0

    def _texts(self, readline: Callable[[int], bytes]) -> Iterator[str]:
        # One line ahead: the mark of DOS counts on the last line only.
        following = readline(MAX_RECORD_BYTES + 1)
        while raw := following:
            following = readline(MAX_RECORD_BYTES + 1)
            if not following and raw.rstrip(b"\r\n").endswith(END_OF_FILE):
                marked, raw = raw, raw.rstrip(b"\r\n").removesuffix(END_OF_FILE)
                self._left_out = len(marked) - len(raw)
                if not raw:
                    return
            self._raw.append(raw)
            self.length += len(raw)
            self.last += 1
            if 0 in raw or self.length > MAX_RECORD_BYTES or self.last == 1:
                self._check(raw)
            try:
                text = raw.decode(self._encoding)
            except UnicodeDecodeError as error:
                raise self._wrong_encoding(error) from None
            # A byte order mark is one at the beginning only.
            self._encoding = "utf-8"
            yield text

    def begin(self) -> None:
        """Begin a record at the next line."""
        self.number = self.last + 1
        self.offset += self.length
        self.length = 0
        self._raw.clear()

    def record(self) -> tuple[int, int, int, int]:
        """Return the record so far: its offset and length in bytes, its first line, and the CRC-32 of its bytes."""
        return self.offset, self.length, self.number, zlib.crc32(b"".join(self._raw))

    @property
    def raw(self) -> bytes:
        """The bytes of the record so far."""
        return b"".join(self._raw)

    @property
    def size(self) -> int:
        """The number of bytes read so far."""
        return self.offset + self.length + self._left_out

    def skip(self, line: int) -> bytes:
        """Skip the lines before `line`, and return them."""
        skipped = []
        while self.last < line - 1 and next(self.texts, None) is not None:
            skipped.append(self.raw)
            self.begin()
        return b"".join(skipped)

    def report(self, cell: int, message: str, kind: str, remedy: str) -> None:
        """Report a defect of a cell of the current record, counted from 0, -1 the last one."""
        text = self.raw.decode("utf-8-sig" if self.offset == 0 else "utf-8")
        record = Text(self.number, text, self.delimiter)
        self._findings.add_cell(record, cell, message=message, kind=kind, remedy=remedy)

    def _check(self, raw: bytes) -> None:
        if self.last == 1 and raw.startswith((b"\xff\xfe", b"\xfe\xff")):
            remedy = "leave out `encoding`, or write utf-16"
            raise self._refusal("is UTF-16 text, not UTF-8", "encoding", column=1, remedy=remedy)
        if b"\0" in raw:
            column = len(raw[: raw.index(b"\0")].decode(self._encoding, "replace")) + 1
            raise self._refusal(
                "has a NUL byte, which no text has", "encoding", column=column, remedy=_SAVE_AS
            )
        if self.length > MAX_RECORD_BYTES:
            message = f"the record that begins on line {self.number} is larger than {MAX_RECORD_BYTES // 1024**2} MiB"
            raise self._refusal(
                message, "too-long", column=1, remedy="look for a quote that is not closed"
            )

    def _wrong_encoding(self, error: UnicodeDecodeError) -> InvalidError:
        before = error.object[: error.start].decode(self._encoding)
        # The byte is shown as Windows would, so that people find the word in their sheet.
        excerpt = before + error.object[error.start :].decode("cp1252", "replace").rstrip("\r\n")
        message = f"is not UTF-8 text (byte 0x{error.object[error.start]:02x})"
        return self._refusal(
            message, "encoding", column=len(before) + 1, remedy=_SAVE_AS, excerpt=excerpt
        )

    def _refusal(
        self, message: str, kind: str, *, column: int, remedy: str, excerpt: str = ""
    ) -> InvalidError:
        self._findings.add(
            message, kind, remedy=remedy, line=self.last, column=column, excerpt=excerpt
        )
        return self._findings.error()


def read_records(lines: Lines, findings: Findings) -> Iterator[list[str]]:
    """Yield the cells of each record; `lines` has the place of the current one. Lines without a value are skipped.

    Invalid quotes are reported; where they leave the rest of the file in doubt, raises InvalidError.
    """
    reader = csv.reader(lines.texts, delimiter=lines.delimiter, strict=True)
    while True:
        lines.begin()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            message, kind, remedy = _explain(str(error), lines)
            lines.report(-1, message, kind, remedy)
            if lines.last > lines.number or kind == "line-ends":
                raise findings.error() from None
            continue
        if cells and (cells[0].strip() or "".join(cells).strip()):
            yield cells


def open_file(path: Path, findings: Findings) -> BufferedReader:
    """Return the regular file at `path`, for reading bytes. Raises InvalidError when it cannot be read."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISREG(mode):
            return path.open("rb")
        folder = stat.S_ISDIR(mode)
        reason = "it is a folder" if folder else "it is not a regular file, and it is read twice"
    except FileNotFoundError:
        raise unreadable("no such file", findings, remedy=_nearest_file(path)) from None
    except OSError as error:
        raise unreadable(error, findings) from None
    raise unreadable(
        reason, findings, remedy="name a file" if folder else "name a file, or pipe it in: --rows -"
    )


def _nearest_file(path: Path) -> str:
    """Return the name nearest to a missing file in its folder, as a remedy."""
    try:
        names = [
            entry.name for entry in path.parent.iterdir() if entry.name.lower().endswith(ENDINGS)
        ]
    except OSError:
        return f"there is no folder {path.parent} either"
    return nearest(path.name, names, noun="files") or f"there is none in {path.parent.absolute()}"


def unreadable(reason: str | OSError, findings: Findings, *, remedy: str = "") -> InvalidError:
    """Return the error for a file that cannot be read."""
    if isinstance(reason, OSError):
        reason = (reason.strerror or str(reason)).lower()
    findings.add(f"cannot be read: {reason}", "unreadable", remedy=remedy)
    return findings.error()


def stamp(file: IO[bytes]) -> tuple[int, int]:
    """Return the size in bytes and time of change in nanoseconds of an open file."""
    status = os.fstat(file.fileno())
    return status.st_size, status.st_mtime_ns


def _explain(error: str, lines: Lines) -> tuple[str, str, str]:
    """Return message, kind and remedy for the csv module's error about the current record."""
    # The csv module has no codes: its messages are the only distinction.
    if "field limit" in error:
        message = f"a cell is longer than {csv.field_size_limit():,} characters"
        several = lines.last > lines.number
        return message, "too-long", "look for a quote that is not closed" if several else ""
    if "unexpected end" in error:
        return "the quote that opens this cell is not closed", "unclosed-quote", 'close it with "'
    if "new-line" in error:
        message = "a carriage return stands alone in the middle of a line"
        return (
            message,
            "line-ends",
            "save the file with Windows or Unix line ends, or put the cell in quotes",
        )
    if lines.last > lines.number:
        message = f"the quote that opens this cell is closed on line {lines.last}, with more text behind it"
        return (
            message,
            "unclosed-quote",
            'close it where the cell ends; a quote inside a quoted cell is written ""',
        )
    message = "text stands behind the closing quote of this cell"
    return message, "stray-quote", 'a quote inside a quoted cell is written ""'
