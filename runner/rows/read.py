"""The first pass over a CSV or TSV file: all that is wrong with it is found before the first row is used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from io import BufferedReader
from pathlib import Path
from typing import Any

from runner.problems import InvalidError
from runner.recipe.model import Rows
from runner.rows.cells import CellError
from runner.rows.columns import Columns, match_columns
from runner.rows.findings import Findings
from runner.rows.group import Index, Keys, RowKeyError
from runner.rows.input import Input, changed
from runner.rows.lines import DELIMITERS, Lines, open_file, read_records, stamp, unreadable

MAX_LINES = 2_000_000
"""Records of one file; runner.rows.group says what they take in memory."""


def open_input(path: Path, rows: Rows, *, scope: Mapping[str, Any], name: str | None = None) -> Input:
    """Check the whole file at `path` against `rows`.

    `scope` is what the key sees beside `row`, `name` what messages call the file. Raises InvalidError with
    every problem found.
    """
    findings = Findings(name or str(path))
    if rows.key is None:
        findings.add("its rows have no key", "bad-key", remedy='say what makes a row this row: key: "{{ row.order }}"')
        raise findings.error()
    keys = Keys(rows.key, scope, group_by=rows.group_by)
    try:
        with open_file(path, findings) as file:
            delimiter = _delimiter(path, rows, findings)
            found = _FirstPass(file, rows, keys, Lines(file, delimiter, findings), findings).check(path)
    except OSError as error:
        raise unreadable(error, findings) from None
    if not keys.early:
        found.check_keys(findings)
    keys.close()
    return found


class _FirstPass:
    """One reading of the file that checks every cell and remembers where each record stands."""

    def __init__(self, file: BufferedReader, rows: Rows, keys: Keys, lines: Lines, findings: Findings) -> None:
        self._stamp = stamp(file)
        self._rows = rows
        self._keys = keys
        self._lines = lines
        self._findings = findings
        self._index = Index()

    def check(self, path: Path) -> Input:
        """The input. Raises InvalidError when anything is wrong with it."""
        lines, findings = self._lines, self._findings
        records = read_records(lines, findings)
        first = next(records, None)
        if first is None:
            raise self._empty("is empty", "it needs a header and a line for each record")
        header, header_bytes = tuple(name.strip() for name in first), lines.raw
        columns = match_columns(header, self._rows, lines.report)
        if findings.total:
            raise findings.error()
        self._read(records, columns)
        if not len(self._index):
            raise self._empty("has a header and no lines", "it needs a line for each record")
        if findings.total:
            raise findings.error()
        if lines.size != self._stamp[0]:
            raise changed(findings.file, 1)
        self._index.close()
        return Input(
            path=path,
            name=findings.file,
            digest=lines.digest(),
            header=header,
            _header_bytes=header_bytes,
            _delimiter=lines.delimiter,
            _columns=columns,
            _group_by=self._rows.group_by,
            _keys=self._keys,
            _index=self._index,
            _stamp=self._stamp,
        )

    def _read(self, records: Iterator[list[str]], columns: Columns) -> None:
        lines, index = self._lines, self._index
        for count, cells in enumerate(records, start=1):
            if count > MAX_LINES:
                lines.report(0, f"has more than {MAX_LINES:,} lines", "too-many-lines", "split the file")
                raise self._findings.error()
            if len(cells) != columns.width:
                self._report_ragged(len(cells), columns.width)
                continue
            try:
                values = columns.values(cells)
            except CellError:
                for at, message, remedy in columns.faults(cells):
                    lines.report(at, message, "bad-value", remedy)
                continue
            index.add(offset=lines.offset, length=lines.length, number=lines.number, checksum=lines.checksum)
            if self._begins_row(values, columns) and self._keys.early:
                self._check_key(values, columns)

    def _begins_row(self, values: Mapping[str, Any], columns: Columns) -> bool:
        group_by = self._rows.group_by
        if not group_by:
            return True
        if values[group_by] is None:
            message = f"{columns.labels[group_by]} is empty, and lines are grouped by it"
            self._lines.report(columns.place(group_by), message, "bad-value", "fill it in")
            return False
        return self._index.join(values[group_by])

    def _check_key(self, values: Mapping[str, Any], columns: Columns) -> None:
        try:
            self._keys.claim(self._keys.of(values, differing={}), self._lines.number)
        except RowKeyError as error:
            self._lines.report(columns.place_of(self._keys.columns), error.message, error.kind, error.remedy)

    def _report_ragged(self, count: int, width: int) -> None:
        lines = self._lines
        message = f"has {count} cell{'s' * (count != 1)} where the header has {width}"
        remedy = "put a cell that holds the delimiter in quotes"
        if count < width:
            remedy = "an empty cell has its delimiter too"
        if lines.last > lines.number:
            message += f", and runs on to line {lines.last}"
            remedy = "look for a quote that is not closed"
        lines.report(width, message, "ragged-line", remedy)

    def _empty(self, message: str, remedy: str) -> InvalidError:
        if not self._findings.total:
            self._findings.add(message, "empty-file", remedy=remedy)
        return self._findings.error()


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
        remedy = f"save it as {', '.join(DELIMITERS)}, or say what separates the cells with `delimiter` under `rows`"
        findings.add(f"{ending} not supported", "unsupported", remedy=remedy)
    raise findings.error()
