"""Workbook as a zip archive: its size is checked before anything is unpacked, and unreadable cells are located.

python-calamine reads the values of cells fast, but an error such as #N/A, and a formula without a computed value,
become empty cells in it. Both are located here, in the XML of the sheet, and so is the extent of the sheet: the
reader allocates every cell of the used rectangle, so that two cells far apart are a bomb.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO
from xml.etree import ElementTree

from runner.problems import InvalidError
from runner.rows.findings import Findings

MOST_PARTS = 10_000
"""Files in the archive at most."""

MOST_BYTES = 4 * 1024**3
"""Unpacked bytes of all files together at most."""

MOST_RATIO, RATIO_FROM = 250, 32 * 1024**2
"""Highest ratio of unpacked to packed size, and the unpacked bytes from which on it is checked."""

MOST_CELLS = 30_000_000
"""Cells of the used rectangle of a sheet at most."""

BOOK, RELATIONS, STRINGS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/sharedStrings.xml"
STYLES = "xl/styles.xml"

MOST_ROW = 64 * 1024**2
"""Bytes of the XML of a row at most."""

MOST_TEXT = 4 * 1024**2
"""Bytes at most of the XML of a text, of the head before the rows, and of a tag behind them."""

_CHUNK = 1024**2
_MOST_BOOK = 8 * 1024**2
_OTHERS = {"content.xml": "an OpenDocument file", "xl/workbook.bin": "a binary workbook (.xlsb)"}
# A tag ends at the next < at the latest, and no pattern backtracks: a sheet whose tags do not close takes linear
# time as well.
_CELL_TAG = rb"""<(?:\w++:)?c(?=\s)"""
_FORMULA_TAG = rb"""\s*+<(?:\w++:)?f(?=[\s/>])[^<>]*+>(?:(?<=/>)|[^<]*+</(?:\w++:)?f>)"""
_FAULT = re.compile(
    _CELL_TAG + rb"""(?=(?>[^<>]*?\st=)["']e["'])([^<>]*+)>(?>""" + _FORMULA_TAG + rb""")?+\s*+"""
    rb"""<(?:\w++:)?v>([^<]*+)<"""
)
_FORMULA = re.compile(
    _CELL_TAG + rb"""([^<>]*+)(?<!/)>""" + _FORMULA_TAG + rb"""\s*+(?!<(?:\w++:)?v>[^<])"""
)
_CELL = re.compile(_CELL_TAG + rb"""(?>[^<>]*?\sr=)["']([A-Z]{1,3})([0-9]{1,7})["']""")
_TEXT = re.compile(rb"""\bt=["']str["']""").search


@dataclass(frozen=True)
class Extent:
    """Extent of a sheet: the rows and columns of its used rectangle, and its last column, from 1."""

    rows: int
    columns: int
    last_column: int


Fault = tuple[int, int, str]
"""Row and column, from 1, of a cell without a usable value, and its error, "" for a formula."""


def open_archive(file: IO[bytes], findings: Findings) -> zipfile.ZipFile:
    """Return the archive of a workbook, after checking its unpacked size. Raises InvalidError."""
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise _refusal(
            f"is a damaged workbook: {str(error).lower()}", "damaged", "copy it again", findings
        ) from None
    parts = archive.infolist()
    names = {part.filename for part in parts}
    if BOOK not in names:
        unknown = "an archive without a workbook in it"
        kind = next((kind for name, kind in _OTHERS.items() if name in names), unknown)
        message = f"is {kind}, not an .xlsx workbook"
        raise _refusal(message, "unsupported", "save the sheet as .xlsx or CSV", findings)
    wrong = ""
    if len(parts) > MOST_PARTS or len(names) < len(parts):
        wrong = f"has {len(parts):,} files in it, or one of them twice"
    elif sum(part.file_size for part in parts) > MOST_BYTES:
        wrong = f"unpacks to more than {MOST_BYTES // 1024**3} GiB"
    for part in parts:
        if part.file_size > RATIO_FROM and part.file_size > MOST_RATIO * part.compress_size:
            wrong = f"unpacks to {part.file_size // part.compress_size:,} times its size"
    if wrong:
        raise bomb(wrong, findings)
    return archive


def bomb(wrong: str, findings: Findings) -> InvalidError:
    """Return the error for a workbook that is too large to read."""
    return _refusal(wrong, "too-large", "split the sheet, or save it as CSV", findings)


def read_xml(archive: zipfile.ZipFile, name: str, findings: Findings) -> ElementTree.Element:
    """Return the root element of a small part of a workbook. Raises InvalidError for an invalid one."""
    content = b"".join(read_part(archive, name, findings, most=_MOST_BOOK))
    # Nested entities can expand to gigabytes.
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise damaged(f"{name} defines entities", findings)
    try:
        return ElementTree.fromstring(content)  # noqa: S314 - it is small, and has no entities
    except ElementTree.ParseError as error:
        raise damaged(f"{name}: {error}", findings) from None


def read_part(
    archive: zipfile.ZipFile, name: str, findings: Findings, *, most: int = MOST_BYTES
) -> Iterator[bytes]:
    """Yield the bytes of a part, in chunks. Raises InvalidError when it differs from the archive's directory."""
    size = 0
    try:
        with archive.open(name) as part:
            while chunk := part.read(_CHUNK):
                size += len(chunk)
                if size > most:
                    raise bomb(f"has a part {name} of more than {most // 1024**2} MiB", findings)
                yield chunk
    except KeyError:
        raise damaged(f"there is no {name} in it", findings) from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise damaged(str(error), findings) from None


def measure(archive: zipfile.ZipFile, name: str, findings: Findings) -> Extent:
    """Return the extent of a sheet. Raises InvalidError for one with too many cells."""
    columns: set[bytes] = set()
    rows: set[int] = set()
    for chunk in _row_chunks(read_part(archive, name, findings), findings):
        # Reduced to sets of texts first: converting every address would take most of the time.
        cells = _CELL.findall(chunk)
        columns.update({letters for letters, _ in cells})
        numbers = {digits for _, digits in cells}
        if numbers:
            rows |= {int(digits) for digits in numbers}
            rows = {min(rows), max(rows)}
    if not rows:
        return Extent(0, 0, 0)
    places = {column_number(letters.decode()) for letters in columns}
    extent = Extent(max(rows) - min(rows) + 1, max(places) - min(places) + 1, max(places))
    if extent.rows * extent.columns > MOST_CELLS:
        size = f"{extent.rows:,} rows and {extent.columns:,} columns"
        raise bomb(f"has a sheet of {size}: more than {MOST_CELLS:,} cells", findings)
    return extent


def faults_in(rows: bytes, findings: Findings) -> set[Fault]:
    """Return the cells of some rows that hold an error, or a formula without a value."""
    faults = set()
    # Searching for the literal first is many times as fast as the patterns.
    if b'"e"' in rows or b"'e'" in rows:
        for match in _FAULT.finditer(rows):
            faults.add((*_address(match[1], findings), match[2].decode(errors="replace")))
    if b"<f" in rows or b":f" in rows:
        cells = (match[1] for match in _FORMULA.finditer(rows))
        # A formula with the type "str" and no value has computed an empty text.
        faults |= {(*_address(cell, findings), "") for cell in cells if not _TEXT(cell)}
    return faults


def _address(attributes: bytes, findings: Findings) -> tuple[int, int]:
    match = re.search(rb"""\br=["']([A-Z]{1,3})([0-9]{1,7})["']""", attributes)
    if match is None:
        raise damaged("a cell has no address", findings)
    return int(match[2]), column_number(match[1].decode())


def _row_chunks(chunks: Iterator[bytes], findings: Findings) -> Iterator[bytes]:
    """Yield the XML of a sheet in chunks that end with a row."""
    left = b""
    for chunk in chunks:
        left += chunk
        end = left.rfind(b"row>") + 4
        if end > 4:
            yield left[:end]
            left = left[end:]
        elif len(left) > MOST_ROW:
            raise bomb(f"has a row of more than {len(left) // 1024**2} MiB", findings)
    yield left


def column_number(letters: str) -> int:
    """Return the number of a column from 1: C is 3."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def column_letters(number: int) -> str:
    """Return the letters of a column: 3 is C."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def damaged(reason: str, findings: Findings) -> InvalidError:
    """Return the error for a workbook that no spreadsheet writes."""
    remedy = "open it in a spreadsheet and save it again"
    return _refusal(f"is a damaged workbook: {reason}", "damaged", remedy, findings)


def _refusal(message: str, kind: str, remedy: str, findings: Findings) -> InvalidError:
    findings.add(message, kind, remedy=remedy)
    return findings.error()
