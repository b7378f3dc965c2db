"""Layout of a delimited text: its delimiter, and the line of its header.

csv.Sniffer guesses both from the text alone. The declared columns are better evidence: the delimiter is the one with
which the declared headers appear, and the header is the first record in which they all do.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import IO

from runner.problems import InvalidError
from runner.recipe.model import Column, Rows
from runner.rows.columns import as_header, present_headers
from runner.rows.derived import read_columns
from runner.rows.findings import Findings

DELIMITER_NAMES = {",": "a comma", ";": "';'", "\t": "a tab", "|": "'|'"}
"""Delimiters that are tried, with their names in messages."""

HEADER_WITHIN = 50
"""Records at the beginning of an input among which the header is searched."""

_HEAD_BYTES = 256 * 1024


@dataclass(frozen=True)
class Header:
    """Place of a header: its line from 1, the number of declared names in it, and of its cells."""

    line: int
    hits: int = 0
    width: int = 0


def find_header(
    records: Iterator[tuple[int, Sequence[str]]], columns: Sequence[Column]
) -> Header | None:
    """Return the first record with every declared header, or else with the most; the first where none is declared.

    Each record is its line and its cells. None where no record has a value.
    """
    best: Header | None = None
    for line, cells in records:
        names = {as_header(name) for name in cells}
        if not any(names):
            continue
        hits = sum(bool(present_headers(column, names)) for column in columns)
        if best is None or hits > best.hits:
            best = Header(line, hits, len(cells))
        if best.hits == len(columns):
            break
    return best


def lay_out(file: IO[bytes], rows: Rows, usual: str, findings: Findings) -> tuple[str, int]:
    """Return the delimiter, and the line of the header. The file is at its beginning before and afterwards.

    `usual` is the delimiter of the file's ending. Raises InvalidError where two others would do.
    """
    head = file.read(_HEAD_BYTES).decode("utf-8-sig", "replace")
    file.seek(0)
    columns = read_columns(rows)
    declared = _declared(rows.delimiter, findings)
    candidates = (
        [declared] if declared else [usual, *(sign for sign in DELIMITER_NAMES if sign != usual)]
    )
    preferred = candidates[0]
    headers = {sign: header for sign in candidates if (header := _header(head, sign, rows))}
    if preferred not in headers:
        return preferred, rows.header or 1
    if not columns:
        # Without declared headers the width is the only evidence.
        chosen = preferred
        if headers[preferred].width <= 1:
            chosen = max(headers, key=lambda sign: headers[sign].width)
        return chosen, headers[chosen].line
    complete = [sign for sign, header in headers.items() if header.hits == len(columns)]
    if len(complete) > 1 and preferred not in complete:
        message = f"the cells may be separated by {' or by '.join(DELIMITER_NAMES[sign] for sign in complete)}"
        remedy = "say which with `delimiter` under `rows`"
        findings.add(message, "ambiguous", remedy=remedy, line=headers[complete[0]].line)
        raise findings.error()
    chosen = preferred
    if preferred not in complete:
        chosen = max(headers, key=lambda sign: headers[sign].hits)
    return chosen, headers[chosen].line


def _declared(delimiter: str, findings: Findings) -> str:
    """Return the delimiter of the recipe, if any. Raises InvalidError for one that cannot separate cells."""
    if delimiter and (len(delimiter) > 1 or delimiter in '"\r\n\0 '):
        raise _bad_delimiter(delimiter, findings)
    return delimiter


def _bad_delimiter(delimiter: str, findings: Findings) -> InvalidError:
    message = f"the delimiter {delimiter!r} cannot separate cells"
    findings.add(message, "bad-delimiter", remedy="write one character, such as ; or \\t")
    return findings.error()


def _header(head: str, delimiter: str, rows: Rows) -> Header | None:
    """Return the header of a text with this delimiter."""
    records = _records(head, delimiter)
    if not rows.header:
        return find_header(islice(records, HEADER_WITHIN), read_columns(rows))
    declared = next(((line, cells) for line, cells in records if line >= rows.header), None)
    header = find_header(iter([declared] if declared else []), read_columns(rows))
    return Header(rows.header, header.hits, header.width) if header else None


def _records(head: str, delimiter: str) -> Iterator[tuple[int, Sequence[str]]]:
    """Yield the records at the beginning of a text, with their lines, up to the first that is no CSV."""
    reader = csv.reader((f"{text}\n" for text in head.split("\n")), delimiter=delimiter)
    line = 1
    try:
        for cells in reader:
            yield line, cells
            line = reader.line_num + 1
    except csv.Error:
        return
