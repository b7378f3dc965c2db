"""CSV and TSV: the first pass over such a file, and its records as values."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any

from runner.problems import InvalidError
from runner.recipe.model import Rows
from runner.rows.cells import CellError
from runner.rows.columns import Columns, match_columns
from runner.rows.findings import Findings, Text
from runner.rows.indexing import Indexing, Read
from runner.rows.lines import DELIMITERS, ENDINGS, Lines, read_records


@dataclass(frozen=True)
class Delimited:
    """Records whose cells a delimiter separates, under a header."""

    columns: Columns
    delimiter: str

    def values(self, raw: Iterable[bytes]) -> Iterator[Mapping[str, Any]]:
        """The typed values of records that were found to be in order."""
        # A record is one item for the reader, line ends and all, so that the two stay in step.
        cells = csv.reader((text.decode() for text in raw), delimiter=self.delimiter, strict=True)
        return map(self.columns.values, cells)

    def report(
        self, findings: Findings, *, number: int, raw: bytes, names: Sequence[str], message: str, kind: str, remedy: str
    ) -> None:  # fmt: skip
        """A problem of the first of these columns, in the record that begins on line `number`."""
        record = Text(number, raw.decode(), self.delimiter)
        findings.add_cell(record, self.columns.place_of(names), message=message, kind=kind, remedy=remedy)


def read_delimited(path: Path, file: BufferedReader, rows: Rows, indexing: Indexing, findings: Findings) -> Read:
    """Check every cell of a file. Raises InvalidError when it is no such file, or too broken to go on."""
    lines = Lines(file, _delimiter(path, rows, findings), findings)
    records = read_records(lines, findings)
    first = next(records, None)
    if first is None:
        raise _empty(findings, "is empty", "it needs a header and a line for each record")
    header, header_bytes = tuple(name.strip() for name in first), lines.raw
    columns = match_columns(header, rows, lines.report)
    if findings.total:
        raise findings.error()
    _check_records(records, lines, columns, indexing)
    if not len(indexing.index) and not indexing.left_out:
        raise _empty(findings, "has a header and no lines", "it needs a line for each record")
    return Read(Delimited(columns, lines.delimiter), lines.size, lines.digest(), header, header_bytes)


def _check_records(records: Iterator[list[str]], lines: Lines, columns: Columns, indexing: Indexing) -> None:
    def report(names: Sequence[str], message: str, kind: str, remedy: str) -> None:
        lines.report(columns.place_of(names), message, kind, remedy)

    for cells in records:
        if len(cells) != columns.width:
            indexing.count(lines.number)
            _report_ragged(lines, len(cells), columns.width)
            continue
        try:
            values = columns.values(cells)
        except CellError:
            if indexing.leaves_out(lines.number, columns.usable(cells)):
                continue
            indexing.count(lines.number)
            for at, message, remedy in columns.faults(cells):
                lines.report(at, message, "bad-value", remedy)
            continue
        record = lines.offset, lines.length, lines.number, lines.checksum
        indexing.add(record, values, labels=columns.labels, report=report)


def _report_ragged(lines: Lines, count: int, width: int) -> None:
    message = f"has {count} cell{'s' * (count != 1)} where the header has {width}"
    remedy = "put a cell that holds the delimiter in quotes"
    if count < width:
        remedy = "an empty cell has its delimiter too"
    if lines.last > lines.number:
        message += f", and runs on to line {lines.last}"
        remedy = "look for a quote that is not closed"
    lines.report(width, message, "ragged-line", remedy)


def _empty(findings: Findings, message: str, remedy: str) -> InvalidError:
    if not findings.total:
        findings.add(message, "empty-file", remedy=remedy)
    return findings.error()


def _delimiter(path: Path, rows: Rows, findings: Findings) -> str:
    """What separates the cells: as the recipe says, or by the ending of the file."""
    if len(rows.delimiter) == 1 and rows.delimiter not in '"\r\n\0 ':
        return rows.delimiter
    if rows.delimiter:
        message = f"the delimiter {rows.delimiter!r} cannot separate cells"
        findings.add(message, "bad-delimiter", remedy="write one character, such as ; or \\t")
    elif found := DELIMITERS.get(path.suffix.lower()):
        return found
    else:
        ending = f"files ending in {path.suffix} are" if path.suffix else "a file without an ending is"
        remedy = f"save it as {', '.join(ENDINGS)}, or say what separates the cells with `delimiter` under `rows`"
        findings.add(f"{ending} not supported", "unsupported", remedy=remedy)
    raise findings.error()
