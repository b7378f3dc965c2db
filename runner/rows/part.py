"""One file of an input, as the first pass left it: its records can be read again."""

from __future__ import annotations

import csv
import io
import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from runner.problems import InvalidError
from runner.rows.findings import Findings
from runner.rows.first_pass import Read
from runner.rows.formats.decode import digest_of
from runner.rows.formats.delimited import Delimited
from runner.rows.formats.lines import open_file, stamp, unreadable
from runner.rows.index import Place


@dataclass(frozen=True, kw_only=True)
class Part:
    """A checked file. `path` is `-` for what was piped in; `before` is what its lines are counted from.

    `digest` is the SHA-256 of its bytes in hexadecimal; `kept` what its records are read from, where that is not the
    file itself; `piped` holds what was piped in; `encoding` Python's name of what its text is in. `order` are the
    places of its columns in the order of the first file's, where that is another.
    """

    path: Path
    name: str
    kind: str
    digest: str
    read: Read = field(repr=False)
    before: int = 0
    order: tuple[int, ...] = ()
    encoding: str = "utf-8"
    kept: IO[bytes] | None = field(default=None, repr=False)
    piped: IO[bytes] | None = field(default=None, repr=False)
    stamp: tuple[int, int] = field(default=(0, 0), repr=False)

    @property
    def delimiter(self) -> str:
        """What separates the cells; empty where nothing does."""
        form = self.read.format
        return form.delimiter if isinstance(form, Delimited) else ""

    def arranged(self, cells: Sequence[Any]) -> list[Any]:
        """The cells of a record in the order of the first file's columns."""
        return [*(cells[at] for at in self.order), *cells[len(self.order) :]]

    def arranged_text(self, raw: bytes) -> bytes:
        """A record as it stands, or the same cells in the order of the first file's columns."""
        if not self.order:
            return raw
        cells = next(csv.reader([raw.decode()], delimiter=self.delimiter, strict=True))
        text = io.StringIO(newline="")  # written with CRLF, so that a lone CR is quoted too
        csv.writer(text, delimiter=self.delimiter, lineterminator="\r\n").writerow(
            self.arranged(cells)
        )
        return text.getvalue().removesuffix("\r\n").encode() + raw[len(raw.rstrip(b"\r\n")) :]

    def raw(self, places: Iterable[Place]) -> Iterator[bytes]:
        """The bytes of records, each compared with what the first pass saw. Raises InvalidError for another file."""
        if self.kept is not None:
            yield from self._from(self.kept, places)
            return
        try:
            with open_file(self.path, Findings(self.name)) as file:
                self._check_unchanged(file)
                yield from self._from(file, places)
        except OSError as error:
            raise unreadable(error, Findings(self.name)) from None

    def _from(self, file: IO[bytes], places: Iterable[Place]) -> Iterator[bytes]:
        position, handle = -1, file.fileno()
        for number, _, offset, length, checksum in places:
            if self.kept is not None:
                raw = os.pread(handle, length, offset)  # no position that another reader could move
            else:
                if position != offset:
                    file.seek(offset)
                raw = file.read(length)
                position = offset + len(raw)
            if zlib.crc32(raw) != checksum:
                raise changed(self.name, number - self.before)
            yield raw

    def _check_unchanged(self, file: IO[bytes]) -> None:
        if not unchanged(file, self.stamp, self.digest):
            raise changed(self.name, 1)


def unchanged(file: IO[bytes], before: tuple[int, int], digest: str) -> bool:
    """Whether an open file is what it was: one with another time of change still is when its bytes are the same."""
    found = stamp(file)
    if found == before:
        return True
    return found[0] == before[0] and digest_of(file) == digest


def changed(name: str, line: int) -> InvalidError:
    """What to raise for a file that is another than before, from `line` on."""
    findings = Findings(name)
    remedy = "start again with the file as it is now"
    findings.add("changed while it was being read", "changed", remedy=remedy, line=line)
    return findings.error()
