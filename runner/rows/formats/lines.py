"""Bytes to records: the physical lines of a delimited text file, decoded strictly, and the cells they make up."""

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
"""Bytes of one record, so that a file without line ends cannot fill the memory."""

END_OF_FILE = b"\x1a"
"""The mark that DOS put at the end of a text; programs that copy it write it still."""

_SAVE_AS = "save it as CSV UTF-8"


class Lines:
    """The physical lines of a file as `texts`, one at a time, and the place of the record that they make up.

    `begin` starts a record, whose first line is then `number`, from 1; `record` tells its bytes once the csv module
    has drawn all its lines. `last` is the line drawn last.
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
        behind = readline(MAX_RECORD_BYTES + 1)
        while raw := behind:
            behind = readline(MAX_RECORD_BYTES + 1)
            if not behind and raw.rstrip(b"\r\n").endswith(END_OF_FILE):
                whole, raw = raw, raw.rstrip(b"\r\n").removesuffix(END_OF_FILE)
                self._left_out = len(whole) - len(raw)
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
            self._encoding = "utf-8"
            yield text

    def begin(self) -> None:
        """The next line begins a record."""
        self.number = self.last + 1
        self.offset += self.length
        self.length = 0
        self._raw.clear()

    def record(self) -> tuple[int, int, int, int]:
        """The record so far: its offset and length in bytes, its first line, and the CRC-32 of its bytes."""
        return self.offset, self.length, self.number, zlib.crc32(b"".join(self._raw))

    @property
    def raw(self) -> bytes:
        """The bytes of the record so far."""
        return b"".join(self._raw)

    @property
    def size(self) -> int:
        """Bytes read up to now."""
        return self.offset + self.length + self._left_out

    def skip(self, line: int) -> bytes:
        """Leave out what stands before `line`, and give it back."""
        skipped = []
        while self.last < line - 1 and next(self.texts, None) is not None:
            skipped.append(self.raw)
            self.begin()
        return b"".join(skipped)

    def report(self, cell: int, message: str, kind: str, remedy: str) -> None:
        """Something is wrong with a cell of the record in hand, counted from 0, -1 the last one."""
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
        # The byte is shown as what Windows most likely meant by it, so that people find the word in their sheet.
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
    """The cells of each record; `lines` tells the place of the one in hand. Lines without any value are no records.

    Quotes that do not fit are reported; where that leaves the rest of the file in doubt, raises InvalidError.
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
    """The regular file at `path`, for reading bytes. Raises InvalidError when it is not there, or not readable."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISREG(mode):
            return path.open("rb")
        folder = stat.S_ISDIR(mode)
        reason = "it is a folder" if folder else "it is not a regular file, and it is read twice"
    except FileNotFoundError:
        raise unreadable("no such file", findings, remedy=_beside(path)) from None
    except OSError as error:
        raise unreadable(error, findings) from None
    raise unreadable(
        reason, findings, remedy="name a file" if folder else "name a file, or pipe it in: --rows -"
    )


def _beside(path: Path) -> str:
    """The nearest of the files that could have been meant."""
    try:
        names = [
            entry.name for entry in path.parent.iterdir() if entry.name.lower().endswith(ENDINGS)
        ]
    except OSError:
        return f"there is no folder {path.parent} either"
    return nearest(path.name, names, noun="files") or f"there is none in {path.parent.absolute()}"


def unreadable(reason: str | OSError, findings: Findings, *, remedy: str = "") -> InvalidError:
    """What to raise for a file that cannot be read."""
    if isinstance(reason, OSError):
        reason = (reason.strerror or str(reason)).lower()
    findings.add(f"cannot be read: {reason}", "unreadable", remedy=remedy)
    return findings.error()


def stamp(file: IO[bytes]) -> tuple[int, int]:
    """Size in bytes and time of change in nanoseconds of an open file."""
    status = os.fstat(file.fileno())
    return status.st_size, status.st_mtime_ns


def _explain(error: str, lines: Lines) -> tuple[str, str, str]:
    """Message, kind and remedy for what the csv module found wrong with the record in hand."""
    if "field limit" in error:
        message = f"a cell is longer than {csv.field_size_limit():,} characters"
        return (
            message,
            "too-long",
            "look for a quote that is not closed" if lines.last > lines.number else "",
        )
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
