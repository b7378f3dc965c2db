"""CSV and TSV: first pass over such a file, and its records converted to values."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from runner.problems import InvalidError
from runner.recipe.model import Rows
from runner.rows.cells import CellError
from runner.rows.columns import Columns, match_columns
from runner.rows.findings import Findings, Text
from runner.rows.first_pass import FirstPass, Indexing
from runner.rows.formats.dialect import DELIMITER_NAMES, lay_out
from runner.rows.formats.lines import Lines, read_records
from runner.rows.leftovers import plain_cells


@dataclass(frozen=True)
class Delimited:
    """Records with delimited cells under a header."""

    columns: Columns
    delimiter: str

    def values(self, raw: Iterable[bytes]) -> Iterator[Mapping[str, Any]]:
        """Yield the typed values of records that passed the check."""
        # Each record is one item for the reader, with its line ends, so that it yields one record for it.
        cells = csv.reader(map(bytes.decode, raw), delimiter=self.delimiter, strict=True)
        return map(self.columns.values, map(plain_cells, cells))

    def cells(self, raw: bytes) -> Sequence[str]:
        """Return the cells of a record."""
        return next(csv.reader([raw.decode()], delimiter=self.delimiter, strict=True))

    def report(
        self,
        findings: Findings,
        *,
        number: int,
        raw: bytes,
        names: Sequence[str],
        message: str,
        kind: str,
        remedy: str,
    ) -> None:
        """Report a problem of the first of these columns, in the record that begins on line `number`."""
        record = Text(number, raw.decode(), self.delimiter)
        findings.add_cell(
            record, self.columns.place_of(names), message=message, kind=kind, remedy=remedy
        )


def read_delimited(
    file: IO[bytes], usual: str, rows: Rows, indexing: Indexing, findings: Findings
) -> FirstPass:
    """Check every cell of a text; `usual` is the delimiter of such files. Raises InvalidError."""
    before = findings.total
    delimiter, line = lay_out(file, rows, usual, findings)
    lines = Lines(file, delimiter, findings)
    above = lines.skip(line)
    # Empty lines above a header that was searched for are not repeated in a retry file.
    above = above if rows.header or above.strip() else b""
    records = read_records(lines, findings)
    first = next(records, None)
    if first is None:
        raise _empty(findings, "is empty", "it needs a header and a line for each record")
    header = tuple(name.strip() for name in first)
    header_bytes, count = above + lines.raw, indexing.count
    layout = [f"header on line {lines.number}"] if lines.number > 1 else []
    if delimiter not in (usual, rows.delimiter):
        layout.append(f"cells separated by {DELIMITER_NAMES[delimiter]}")
    columns = match_columns(header, rows, lines.report)
    if findings.total > before:
        raise findings.error()
    _check_records(records, lines, columns, indexing, findings)
    if indexing.count == count and not indexing.left_out:
        raise _empty(findings, "has a header and no lines", "it needs a line for each record")
    return FirstPass(
        Delimited(columns.checked(), delimiter), lines.size, header, header_bytes, ", ".join(layout)
    )


def _check_records(
    records: Iterator[list[str]],
    lines: Lines,
    columns: Columns,
    indexing: Indexing,
    findings: Findings,
) -> None:
    def report(names: Sequence[str], message: str, kind: str, remedy: str) -> None:
        lines.report(columns.place_of(names), message, kind, remedy)

    width, named, labels = columns.width, len(columns.header), columns.labels
    used, others = columns.split(indexing.uses)
    for record in records:
        # Empty cells beyond the header, or missing ones below nameless columns, do no harm.
        if len(record) != width and (len(record) < named or "".join(record[width:]).strip()):
            _report_ragged(lines, len(record), width)
            indexing.add_broken(lines.record())
            continue
        cells = plain_cells(record)
        wrong: Sequence[tuple[int, str, str]]
        try:
            values = used.values(cells)
            others.check(cells)
            wrong = columns.defects(cells)
        except CellError:
            wrong = columns.defects(cells) or [*columns.faults(cells)]
        if not wrong:
            indexing.add(lines.record(), values, labels=labels, report=report)
        elif not indexing.leaves_out(lines.number, usable := columns.usable(cells)):
            told = findings.total
            for at, message, remedy in wrong:
                lines.report(at, message, "bad-value", remedy)
            indexing.add_wrong(lines.record(), usable, told=told)


def _report_ragged(lines: Lines, count: int, width: int) -> None:
    message = f"has {count} cell{'' if count == 1 else 's'} where the header has {width}"
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
