"""Sheet read in chunks: python-calamine loads a complete sheet into memory, so it is given small workbooks.

Each has some unchanged rows of the sheet, with the styles of the workbook and the texts that these rows use. The values
of cells are left to the reader; only row numbers, and the numbers of texts, are parsed here.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from runner.keys import canonical
from runner.rows.findings import Findings
from runner.rows.formats.dialect import HEADER_WITHIN
from runner.rows.formats.xlsx.archive import (
    BOOK,
    MOST_ROW,
    MOST_TEXT,
    RELATIONS,
    STRINGS,
    STYLES,
    Extent,
    bomb,
    column_letters,
    column_number,
    damaged,
    faults_in,
    read_part,
)
from runner.rows.formats.xlsx.number_formats import number_formats
from runner.rows.formats.xlsx.shared_strings import Strings

CELLS_AT_ONCE = 200_000
"""Cells of the rectangle of a chunk: the reader allocates each of them, used or not."""

Merges = tuple[tuple[tuple[int, int], tuple[int, int]], ...]
"""First and last cell of each merged range, as row and column from 0."""

_RELATIONS = (
    b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
    b'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
    b'Target="xl/workbook.xml"/></Relationships>'
)
"""The part in which a reader looks up the place of the workbook in the archive."""

_DATA = re.compile(rb"<((?:\w++:)?)sheetData\s*+(/?)>")
_ROW = re.compile(rb"<(?:\w++:)?row(?=[\s/>])(?:(?>[^<>]*?\sr=)[\"']([0-9]{1,7})[\"'])?")
_SHARED = re.compile(
    rb"""(<(?:\w++:)?c(?=\s)(?=(?>[^<>]*?\st=)["']s["'])[^<>]*+(?<!/)>)"""
    rb"""(?:(<(?:\w++:)?v>)([0-9]++)<|((?:[^<]++|<(?!/?(?:\w++:)?c[\s>]))*+)(?=</(?:\w++:)?c>))"""
)
_VALUE = re.compile(rb"(<(?:\w++:)?v(?=[\s>])[^<>]*+(?<!/)>\s*+)([0-9]++)(?=\s*+<)")
_BAD_VALUE = re.compile(rb"<(?:\w++:)?v(?=[\s/>])[^<>]*+(?<!/)>(?!\s*+</)")
_MERGED = re.compile(
    rb"""<(?:\w++:)?mergeCell(?=\s)(?>[^<>]*?\sref=)["']([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})["']"""
)


@dataclass(frozen=True)
class SheetRow:
    """Row of a sheet: its number from 1, its cells, and their errors by column from 0, "" for a formula.

    `formats` are those of cells that belong to a column of text.
    """

    number: int
    cells: list[Any]
    faults: dict[int, str]
    formats: dict[int, str]


@dataclass
class Pieces:
    """Non-empty rows of the sheet `name` in the part `part`, read from the archive once.

    `text_headers` are the headers of columns of text; None where each column is one. `merges` are complete after the
    last row. Raises InvalidError where the part is no sheet.
    """

    archive: zipfile.ZipFile
    name: str
    part: str
    extent: Extent
    findings: Findings
    text_headers: frozenset[str] | None = None
    merges: Merges = ()
    _last: int = field(default=0, init=False)

    def __iter__(self) -> Iterator[SheetRow]:
        self._strings = Strings(self.archive, self.findings)
        self._styles = number_formats(self.archive, self.findings)
        self._texts: set[int] = set()
        present = set(self.archive.namelist())
        self._fixed = {"_rels/.rels": _RELATIONS} | {
            part: b"".join(read_part(self.archive, part, self.findings))
            for part in (BOOK, RELATIONS, STYLES)
            if part in present
        }
        for rows in self._row_texts():
            for chunk in self._split(rows):
                yield from self._read(chunk)

    def _row_texts(self) -> Iterator[bytes]:
        """Yield the XML of the sheet's rows, in chunks that end with a row; store the XML around them."""
        chunks, left = read_part(self.archive, self.part, self.findings), b""
        for chunk in chunks:
            left += chunk
            if (data := _DATA.search(left)) is not None or len(left) > MOST_TEXT:
                break
        else:
            data = _DATA.search(left)
        if data is None:
            raise damaged("there are no rows in its sheet", self.findings)
        self._head = left[: data.start()] + b"<%ssheetData>" % data[1]
        self._tail = b"</%ssheetData></%sworksheet>" % (data[1], data[1])
        left = left[data.end() :]
        row_end, data_end = b"</%srow>" % data[1], b"</%ssheetData" % data[1]
        ended = bool(data[2])
        while not ended:
            cut = left.find(data_end)
            ended = cut >= 0
            cut = cut if ended else left.rfind(row_end) + len(row_end)
            if cut >= len(row_end) or ended:
                yield left[:cut]
                left = left[cut:]
            elif len(left) > MOST_ROW:
                raise bomb(f"has a row of more than {len(left) // 1024**2} MiB", self.findings)
            if not ended:
                left += self._more(chunks)
        self.merges = tuple(self._merged(left, chunks))

    def _more(self, chunks: Iterator[bytes]) -> bytes:
        chunk = next(chunks, b"")
        if not chunk:
            raise damaged("its sheet ends in the middle of a row", self.findings)
        return chunk

    def _merged(
        self, left: bytes, chunks: Iterator[bytes]
    ) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
        """Yield the merged cells, from the XML after the rows."""
        while left:
            for match in _MERGED.finditer(left):
                first, last = (column_number(match[at].decode()) - 1 for at in (1, 3))
                yield (int(match[2]) - 1, first), (int(match[4]) - 1, last)
            end = left.rfind(b">") + 1
            if len(left) - end > MOST_TEXT:
                raise damaged("what follows its rows has no end", self.findings)
            more = next(chunks, b"")
            left = left[end:] + more if more else b""

    def _split(self, text: bytes) -> Iterator[bytes]:
        """Yield rows in chunks whose rectangle is not too large."""
        most = max(1, CELLS_AT_ONCE // max(1, self.extent.last_column))
        begin, first, number = 0, 0, 0
        for match in _ROW.finditer(text):
            number = int(match[1]) if match[1] else number + 1
            if not first:
                first = number
            elif number - first >= most:
                yield text[begin : match.start()]
                begin, first = match.start(), number
        yield text[begin:]

    def _read(self, text: bytes) -> Iterator[SheetRow]:
        """Yield the rows of a chunk."""
        row = _ROW.search(text)
        if row is None:
            return
        # Rows without a number follow the last one.
        counted = 0 if row[1] else self._last
        faults: dict[int, dict[int, str]] = {}
        for number, column, error in faults_in(text, self.findings):
            faults.setdefault(number, {})[column - 1] = error
        (top, left), rows = self._cells(text)
        numbered = {top + counted + at: cells for at, cells in enumerate(rows, start=1)}
        self._find_texts(numbered, left)
        formats = self._formats(text)
        for number in sorted({*numbered, *faults}):
            cells = [""] * left + numbered[number] if number in numbered else []
            yield SheetRow(number, cells, faults.get(number, {}), formats.get(number, {}))
            self._last = number

    def _find_texts(self, rows: Mapping[int, list[Any]], left: int) -> None:
        """Record the columns below a header of text, which is in one of the first rows."""
        for number in range(self._last + 1, HEADER_WITHIN + 1):
            for at, cell in enumerate(rows.get(number, ()), start=left):
                headers = self.text_headers
                is_text = isinstance(cell, str) and cell != ""
                if is_text and (headers is None or canonical(cell) in headers):
                    self._texts.add(at)

    def _formats(self, text: bytes) -> dict[int, dict[int, str]]:
        """Return the formats of the numbers in columns of text, by row from 1 and column from 0."""
        formats: dict[int, dict[int, str]] = {}
        if not self._styles or not self._texts:
            return formats
        letters = b"|".join(column_letters(at + 1).encode() for at in sorted(self._texts))
        styles = b"|".join(self._styles)
        cells = re.compile(
            rb"""<(?:\w++:)?c(?=\s)(?=(?>[^<>]*?\sr=)["'](%s)([0-9]{1,7})["'])(?>[^<>]*?\ss=)["'](%s)["']"""
            % (letters, styles)
        )
        for column, row, style in cells.findall(text):
            at = column_number(column.decode()) - 1
            formats.setdefault(int(row), {})[at] = self._styles[style]
        return formats

    def _renumbered(self, text: bytes) -> tuple[bytes, list[int]]:
        """Return a chunk whose cells number the texts that it uses from 0, and their numbers in the workbook."""
        used: dict[bytes, int] = {}

        def number(match: re.Match[bytes]) -> bytes:
            return b"%s%d" % (match[1], used.setdefault(match[2], len(used)))

        def renumbered(match: re.Match[bytes]) -> bytes:
            if match[3] is not None:
                return b"%s%s%d<" % (match[1], match[2], used.setdefault(match[3], len(used)))
            inner, count = _VALUE.subn(number, match[4])
            if not count and _BAD_VALUE.search(inner):
                raise damaged("a cell has a text without a number", self.findings)
            return match[1] + inner

        return _SHARED.sub(renumbered, text), list(map(int, used))

    def _cells(self, text: bytes) -> tuple[tuple[int, int], list[list[Any]]]:
        """Return the place of a chunk's first cell, row and column from 0, and the values from there on."""
        from python_calamine import CalamineError, CalamineWorkbook

        text, used = self._renumbered(text)
        book = io.BytesIO()
        # Stored without compression: it is read once, and at once.
        with zipfile.ZipFile(book, "w") as small:
            for name, content in self._fixed.items():
                small.writestr(name, content)
            small.writestr(STRINGS, self._strings.part(used))
            small.writestr(self.part, self._head + text + self._tail)
        book.seek(0)
        try:
            sheet = CalamineWorkbook.from_filelike(book).get_sheet_by_name(self.name)
            return (sheet.start or (0, 0)), sheet.to_python(skip_empty_area=True)
        except CalamineError as error:
            raise damaged(str(error), self.findings) from None
