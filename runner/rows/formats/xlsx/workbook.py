"""Workbooks: a sheet of an .xlsx file, read by python-calamine and stored as records that a run reads by position."""

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import IO, Any

from runner.problems import InvalidError, nearest
from runner.recipe.model import Rows
from runner.rows.cells import CellError
from runner.rows.columns import Columns, match_columns
from runner.rows.derived import read_columns
from runner.rows.findings import Findings
from runner.rows.first_pass import FirstPass, Indexing
from runner.rows.formats.decode import CHUNK, OLE, Content, Spool
from runner.rows.formats.dialect import HEADER_WITHIN, find_header
from runner.rows.formats.xlsx.archive import (
    BOOK,
    RELATIONS,
    column_letters,
    measure,
    open_archive,
    read_xml,
)
from runner.rows.formats.xlsx.cells import (
    FIRST_DAY,
    pack,
    text_headers,
    typed_columns,
    unpack_cells,
)
from runner.rows.formats.xlsx.chunks import Merges, Pieces, SheetRow

_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_STRICT_ID = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"


@dataclass(frozen=True)
class Workbook:
    """Records of a sheet under a header. `above` are the stored rows up to it."""

    columns: Columns
    sheet: str
    above: tuple[bytes, ...] = field(repr=False)
    merges: Merges = field(repr=False)

    def values(self, raw: Iterable[bytes]) -> Iterator[Mapping[str, Any]]:
        """Yield the typed values of records that passed the check."""
        return map(self.columns.values, map(unpack_cells, raw))

    def cells(self, raw: bytes) -> Sequence[Any]:
        """Return the cells of a record."""
        return unpack_cells(raw)

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
        """Report a problem of the first of these columns, in row `number` of the sheet."""
        # An address identifies the cell, so that no excerpt is needed.
        del raw
        self.report_cell(findings, number, self.columns.place_of(names), message, kind, remedy)

    def report_cell(
        self, findings: Findings, number: int, at: int, message: str, kind: str, remedy: str
    ) -> None:
        """Report a problem of a cell, with its address; `at` counts columns from 0."""
        place = number - 1, at
        for first, last in self.merges:
            if (
                first != place
                and first[0] <= place[0] <= last[0]
                and first[1] <= place[1] <= last[1]
            ):
                other = f"{column_letters(first[1] + 1)}{first[0] + 1}"
                remedy = f"it is merged with {other}: take the cells apart, fill in each"
        address = f"{self.sheet}!{column_letters(at + 1)}{number}"
        findings.add(
            f"{address}: {message}", kind, remedy=remedy, line=number, column=at + 1, cell=at
        )


@dataclass(frozen=True)
class _Sheet:
    """Sheet of a workbook, with its part of the archive."""

    name: str
    part: str
    hidden: bool


def read_workbook(
    content: Content, rows: Rows, indexing: Indexing, findings: Findings
) -> tuple[FirstPass, IO[bytes]]:
    """Check every row of a sheet, and store it. Raises InvalidError when it cannot be read."""
    before = findings.total
    spool, sheet, merges, first_day = spool_sheet(content, rows, findings)
    header_row = _header(spool, rows)
    if header_row is None:
        findings.add(
            f"the sheet {sheet!r} is empty",
            "empty-file",
            remedy="name another one with `sheet` under `rows`",
        )
        raise findings.error()
    above = list(islice(spool, header_row))
    names = [str(cell).strip() for cell in unpack_cells(above[-1])]
    # Cells beyond the header may make the sheet wider.
    while names and not names[-1]:
        names.pop()
    header = tuple(names)
    offset = sum(map(len, above))

    # Reporting on the header needs a workbook, whose columns follow from the header.
    form = Workbook(Columns(len(header), {}, ()), sheet, tuple(above), merges)
    columns = match_columns(header, rows, partial(form.report_cell, findings, header_row))
    form = Workbook(typed_columns(columns, rows, first_day), sheet, tuple(above), merges)
    if findings.total > before:
        raise findings.error()
    count = indexing.count
    _check_rows(spool, form, offset, header_row, indexing, findings)
    if indexing.count == count and not indexing.left_out and findings.total == before:
        findings.add(
            f"the sheet {sheet!r} has a header and no lines",
            "empty-file",
            remedy="name another with `sheet`",
        )
    layout = f"sheet {sheet!r}" + (f", header on line {header_row}" if header_row > 1 else "")
    return FirstPass(form, offset, header, layout=layout), spool


def _header(spool: IO[bytes], rows: Rows) -> int | None:
    """Return the row number of the header among the first rows; the file is at its beginning afterwards."""
    lines = islice(spool, rows.header or HEADER_WITHIN)
    cells = (
        (number, [str(cell) for cell in unpack_cells(line)])
        for number, line in enumerate(lines, start=1)
    )
    header = find_header((row for row in cells if row[0] >= rows.header), read_columns(rows))
    spool.seek(0)
    return header.line if header else None


def _check_rows(
    spool: IO[bytes],
    form: Workbook,
    offset: int,
    number: int,
    indexing: Indexing,
    findings: Findings,
) -> None:
    """Check the rows below the header, which is on line `number`."""
    for number, line in enumerate(spool, start=number + 1):  # noqa: B020 - counted on from the header
        cells = unpack_cells(line)
        if any(not isinstance(cell, str) or cell.strip() for cell in cells):
            wrong: Sequence[tuple[int, str, str]]
            try:
                values = form.columns.values(cells)
                wrong = form.columns.defects(cells)
            except CellError:
                wrong = form.columns.defects(cells) or [*form.columns.faults(cells)]
            place = offset, len(line), number, zlib.crc32(line)
            if wrong:
                if not indexing.leaves_out(number, usable := form.columns.usable(cells)):
                    told = findings.total
                    for at, message, remedy in wrong:
                        form.report_cell(findings, number, at, message, "bad-value", remedy)
                    indexing.add_wrong(place, usable, told=told)
            else:

                def report(
                    names: Sequence[str], message: str, kind: str, remedy: str, number: int = number
                ) -> None:
                    form.report_cell(
                        findings, number, form.columns.place_of(names), message, kind, remedy
                    )

                indexing.add(place, values, labels=form.columns.labels, report=report)
        offset += len(line)


def spool_sheet(
    content: Content, rows: Rows, findings: Findings
) -> tuple[IO[bytes], str, Merges, dt.date]:
    """Return the stored rows of the sheet, its name, its merged cells, and the day 0 of its dates.

    Raises InvalidError.
    """
    if content.head.startswith(OLE):
        raise _old(content, findings)
    archive = open_archive(content.file, findings)
    sheet = _choose(archive_sheets(archive, findings), rows.sheet, findings)
    extent = measure(archive, sheet.part, findings)
    texts = text_headers(rows)
    spool, pieces = Spool(), Pieces(archive, sheet.name, sheet.part, extent, findings, texts)
    spool.writelines(_packed(pieces, extent.last_column))
    spool.seek(0)
    return spool, sheet.name, pieces.merges, _first_day(archive, findings)


def _packed(rows: Iterable[SheetRow], width: int) -> Iterator[bytes]:
    """Yield stored rows, with empty ones in gaps.

    Each is as wide as `width` and as those before it.
    """
    last = 0
    for row in rows:
        for _ in range(last + 1, row.number):
            yield pack([""] * width)
        last, width = row.number, max(width, len(row.cells), *(at + 1 for at in row.faults))
        yield pack(row.cells + [""] * (width - len(row.cells)), row.faults, row.formats)


def _first_day(archive: Any, findings: Findings) -> dt.date:
    """Return the day 0 of the workbook's dates, which is in 1904 where the workbook declares it."""
    for element in read_xml(archive, BOOK, findings).iter():
        is_settings = element.tag.rpartition("}")[2] == "workbookPr"
        if is_settings and element.get("date1904") in ("1", "true"):
            return dt.date(1904, 1, 1)
    return FIRST_DAY


def archive_sheets(archive: Any, findings: Findings) -> list[_Sheet]:
    """Return the worksheets of a workbook, in its order."""
    targets = {
        element.get("Id"): element.get("Target", "")
        for element in read_xml(archive, RELATIONS, findings)
        if element.get("Id")
    }
    sheets = []
    for element in read_xml(archive, BOOK, findings).iter():
        if element.tag.rpartition("}")[2] == "sheet":
            # Strict workbooks have the attribute in another namespace.
            target = targets.get(element.get(_ID) or element.get(_STRICT_ID), "")
            part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            # Charts are sheets as well, in another folder.
            if "worksheet" in part:
                hidden = element.get("state", "visible") != "visible"
                sheets.append(_Sheet(element.get("name", ""), part, hidden))
    return sheets


def _choose(sheets: Sequence[_Sheet], choice: str | int, findings: Findings) -> _Sheet:
    """Return the sheet by its name or number; the first visible one where the recipe names none."""
    names = [sheet.name for sheet in sheets]
    if isinstance(choice, int) and 1 <= choice <= len(sheets):
        return sheets[choice - 1]
    if choice in names:
        return sheets[names.index(str(choice))]
    if not choice and sheets:
        return next((sheet for sheet in sheets if not sheet.hidden), sheets[0])
    message = f"there is no sheet {choice!r}" if choice else "has no sheets"
    findings.add(message, "missing-sheet", remedy=nearest(str(choice), names, noun="sheets"))
    raise findings.error()


def _old(content: Content, findings: Findings) -> InvalidError:
    """Return the error for a file in Microsoft's older container: an encrypted workbook, or one of Excel 97 to 2003."""
    left, encrypted = b"", False
    while chunk := content.file.read(CHUNK):
        encrypted = encrypted or _ENCRYPTED in left + chunk
        left = chunk[-len(_ENCRYPTED) :]
    message = "is a workbook of Excel 97 to 2003 (.xls)"
    remedy = "open it in a spreadsheet and save it as .xlsx"
    if encrypted:
        message = "is an encrypted workbook: it opens with a password only"
        remedy = "save it without a password"
    findings.add(message, "unsupported", remedy=remedy)
    return findings.error()
