"""One checked file of an input, whose records can be read again."""

from __future__ import annotations

import csv
import io
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from runner.problems import InvalidError
from runner.rows.findings import Findings
from runner.rows.first_pass import FirstPass
from runner.rows.formats.decode import Spool, digest_of
from runner.rows.formats.delimited import Delimited
from runner.rows.formats.lines import open_file, stamp, unreadable
from runner.rows.index import Place


@dataclass(frozen=True, kw_only=True)
class Part:
    """Checked file. `path` is `-` for piped input; `before` is the number that its lines are counted from.

    `digest` is the SHA-256 of its bytes in hexadecimal; `spool` the file with its records, where that is another one;
    `piped` holds piped input; `encoding` is Python's name of its text's encoding. `order` are the places of its columns
    in the order of the first file's, where that differs.
    """

    path: Path
    name: str
    kind: str
    digest: str
    read: FirstPass = field(repr=False)
    before: int = 0
    order: tuple[int, ...] = ()
    encoding: str = "utf-8"
    spool: IO[bytes] | None = field(default=None, repr=False)
    piped: Spool | None = field(default=None, repr=False)
    stamp: tuple[int, int] = field(default=(0, 0), repr=False)

    @property
    def delimiter(self) -> str:
        """The delimiter of the cells; empty where the format has none."""
        form = self.read.format
        return form.delimiter if isinstance(form, Delimited) else ""

    def cells(self, raw: bytes) -> Mapping[str, Any]:
        """Return the unchanged cells of a record by their headers, or the fields of an object."""
        found = self.read.format.cells(raw)
        if isinstance(found, Mapping):
            return found
        return dict(zip(self.read.header, found, strict=False))

    def arranged(self, cells: Sequence[Any]) -> list[Any]:
        """Return the cells of a record in the order of the first file's columns."""
        return [*(cells[at] for at in self.order), *cells[len(self.order) :]]

    def arranged_text(self, raw: bytes) -> bytes:
        """Return a record unchanged, or its cells in the order of the first file's columns."""
        if not self.order:
            return raw
        cells = next(csv.reader([raw.decode()], delimiter=self.delimiter, strict=True))
        # Written with CRLF, so that a lone CR is quoted too.
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=self.delimiter, lineterminator="\r\n").writerow(
            self.arranged(cells)
        )
        return text.getvalue().removesuffix("\r\n").encode() + raw[len(raw.rstrip(b"\r\n")) :]

    def raw(self, places: Iterable[Place]) -> Iterator[bytes]:
        """Yield the bytes of records, each compared with its checksum. Raises InvalidError for a changed file."""
        if self.spool is not None:
            yield from self._from(self.spool, places)
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
            if self.spool is not None:
                # Read without a position, which another reader could move.
                raw = os.pread(handle, length, offset)
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
    """Return whether an open file has the same bytes; only with another time of change are they read."""
    now = stamp(file)
    if now == before:
        return True
    return now[0] == before[0] and digest_of(file) == digest


def changed(name: str, line: int) -> InvalidError:
    """Return the error for a file that differs from before, from `line` on."""
    findings = Findings(name)
    remedy = "start again with the file as it is now"
    findings.add("changed while it was being read", "changed", remedy=remedy, line=line)
    return findings.error()
