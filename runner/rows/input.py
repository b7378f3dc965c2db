"""An input file that was found to be in order: its rows, typed and grouped, read again each time they are used."""

from __future__ import annotations

import hashlib
import zlib
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from io import BufferedReader
from pathlib import Path
from typing import Any

from runner.problems import InvalidError, Problem
from runner.rows.findings import Findings
from runner.rows.group import Index, Keys, Line, Row, RowKeyError, merge
from runner.rows.indexing import Format
from runner.rows.lines import open_file, stamp, unreadable
from runner.rows.making import Making


@dataclass(frozen=True, kw_only=True)
class Input:
    """A checked file. Iterating and `raw_lines` read it anew, and raise InvalidError when it is another by now.

    `digest` is the SHA-256 of its bytes in hexadecimal; `header` has its names without blanks around them, none where
    each record names its own. `left_out` are the lines that `where` left out, `agreed` the totals that were announced.
    """

    path: Path
    name: str
    digest: str
    header: tuple[str, ...]
    _header_bytes: bytes = field(repr=False)
    agreed: str = ""
    left_out: array[int] = field(default_factory=lambda: array("Q"), repr=False)
    _making: Making = field(repr=False)
    _format: Format = field(repr=False)
    _group_by: str = field(repr=False)
    _keys: Keys | None = field(repr=False)
    _index: Index = field(repr=False)
    _stamp: tuple[int, int] = field(repr=False)

    @property
    def row_count(self) -> int:
        """How many rows there are."""
        return self._index.row_count

    @property
    def line_count(self) -> int:
        """How many records there are, without the header."""
        return len(self._index)

    @property
    def grouped(self) -> bool:
        """Whether a row may have several lines."""
        return bool(self._group_by)

    def __iter__(self) -> Iterator[Row]:
        for number, lines in enumerate(self._groups(), start=1):
            values, differing = self._merged(lines) if self._group_by else (lines[0].values, {})
            key = self._keys.of(values, differing=differing) if self._keys is not None else str(number)
            yield Row(number, key, values, tuple(line.number for line in lines), differing)

    def header_bytes(self) -> bytes:
        """The header as it stands in the file, with a byte order mark where there is one, and its line end."""
        return self._header_bytes

    def raw_lines(self, numbers: Collection[int]) -> Iterator[tuple[int, bytes]]:
        """The records that begin on these lines, as they stand, with their line ends, in file order.

        Raises ValueError for a line on which none begins.
        """
        records = self._index.find(numbers)
        return zip((self._index.numbers[record] for record in records), self._raw(records), strict=True)

    def records(self) -> Iterator[int]:
        """The first line of each record, in file order, without the header."""
        return iter(self._index.numbers)

    def check_keys(self, findings: Findings) -> None:
        """Check keys that need all the lines of a group. Raises InvalidError with every problem found."""
        assert self._keys is not None  # noqa: S101 - without keys there is nothing to check
        for lines in self._groups():
            number = lines[0].number
            values, differing = self._merged(lines)
            try:
                self._keys.claim(self._keys.of(values, differing=differing), number)
            except RowKeyError as error:
                raw = next(raw for _, raw in self.raw_lines([number]))
                self._format.report(
                    findings, number=number, raw=raw, names=self._keys.columns, message=error.message,
                    kind=error.kind, remedy=error.remedy,
                )  # fmt: skip
        if findings.total:
            raise findings.error()

    def warning(self, number: int, column: str, *, message: str, kind: str, remedy: str = "") -> Problem:
        """A warning about the cell of a column on line `number`."""
        findings = Findings(self.name)
        raw = next(raw for _, raw in self.raw_lines([number]))
        self._format.report(
            findings, number=number, raw=raw, names=[column], message=message, kind=kind, remedy=remedy
        )
        return replace(findings.error().problems[0], severity="warning")

    def _groups(self) -> Iterator[list[Line]]:
        """The typed lines of each row."""
        raw = self._raw(record for members in self._index.rows() for record in members)
        values = iter(self._format.values(raw))
        for members in self._index.rows():
            yield [Line(self._index.numbers[record], self._made(next(values))) for record in members]

    def _merged(self, lines: Sequence[Line]) -> tuple[dict[str, Any], dict[str, tuple[int, int]]]:
        return merge(lines, unpivoted=self._making.unpivoted)

    def _made(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """The whole values of a record that was taken when the file was checked."""
        made = self._making.of(values)
        assert made is not None  # noqa: S101 - the same bytes and the same variables
        return made

    def _raw(self, records: Iterable[int]) -> Iterator[bytes]:
        """The bytes of records, each compared with what the first pass saw."""
        index = self._index
        position = -1
        try:
            with open_file(self.path, Findings(self.name)) as file:
                self._check_unchanged(file)
                for record in records:
                    if position != index.offsets[record]:
                        file.seek(index.offsets[record])
                    raw = file.read(index.lengths[record])
                    position = index.offsets[record] + len(raw)
                    if zlib.crc32(raw) != index.checksums[record]:
                        raise changed(self.name, index.numbers[record])
                    yield raw
        except OSError as error:
            raise unreadable(error, Findings(self.name)) from None

    def _check_unchanged(self, file: BufferedReader) -> None:
        """A file with another time of change is still the same when its bytes are."""
        found = stamp(file)
        if found[0] != self._stamp[0] or (
            found != self._stamp and hashlib.file_digest(file, "sha256").hexdigest() != self.digest
        ):
            raise changed(self.name, 1)


def changed(name: str, line: int) -> InvalidError:
    """What to raise for a file that is another than before, from `line` on."""
    findings = Findings(name)
    remedy = "start again with the file as it is now"
    findings.add("changed while it was being read", "changed", remedy=remedy, line=line)
    return findings.error()
