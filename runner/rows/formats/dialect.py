"""How a delimited text is laid out: what separates its cells, and on which line its header stands.

csv.Sniffer guesses both from the look of the text. What is declared is known better: the delimiter is the one that
makes the declared headers appear, and the header is the first record in which they all do.
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

SAID = {",": "a comma", ";": "';'", "\t": "a tab", "|": "'|'"}
"""Delimiters that are looked for, and what messages call them."""

HEADER_WITHIN = 50
"""Records at the beginning of an input among which the header is looked for."""

_HEAD_BYTES = 256 * 1024


@dataclass(frozen=True)
class Header:
    """Where a header stands: its line from 1, how many of the declared names it has, and how many cells."""

    line: int
    hits: int = 0
    width: int = 0


def find_header(
    records: Iterator[tuple[int, Sequence[str]]], columns: Sequence[Column]
) -> Header | None:
    """The first record with every declared header, or else with the most; without any declared, the first record.

    Each record is its line and its cells. None where no record has a value.
    """
    best: Header | None = None
    for line, cells in records:
        names = {as_header(name) for name in cells}
        if not any(names):
            continue
        found = Header(
            line, sum(bool(present_headers(column, names)) for column in columns), len(cells)
        )
        if best is None or found.hits > best.hits:
            best = found
        if best.hits == len(columns):
            break
    return best


def lay_out(file: IO[bytes], rows: Rows, usual: str, findings: Findings) -> tuple[str, int]:
    """The delimiter, and the line of the header. The file is at its beginning before and afterwards.

    `usual` is the delimiter that goes with the file's ending. Raises InvalidError where two would do.
    """
    head = file.read(_HEAD_BYTES).decode("utf-8-sig", "replace")
    file.seek(0)
    columns = read_columns(rows)
    told = _told(rows.delimiter, findings)
    candidates = [told] if told else [usual, *(sign for sign in SAID if sign != usual)]
    found = {sign: header for sign in candidates if (header := _header(head, sign, rows))}
    if candidates[0] not in found:
        return candidates[0], rows.header or 1
    if not columns:
        first = found[candidates[0]]
        widest = max(found, key=lambda sign: found[sign].width)
        return (candidates[0], first.line) if first.width > 1 else (widest, found[widest].line)
    complete = [sign for sign, header in found.items() if header.hits == len(columns)]
    if len(complete) > 1 and candidates[0] not in complete:
        message = f"the cells may be separated by {' or by '.join(SAID[sign] for sign in complete)}"
        remedy = "say which with `delimiter` under `rows`"
        findings.add(message, "ambiguous", remedy=remedy, line=found[complete[0]].line)
        raise findings.error()
    chosen = (
        candidates[0]
        if candidates[0] in complete
        else max(found, key=lambda sign: found[sign].hits)
    )
    return chosen, found[chosen].line


def _told(delimiter: str, findings: Findings) -> str:
    """The delimiter that the recipe says, if any. Raises InvalidError for one that cannot be one."""
    if delimiter and (len(delimiter) > 1 or delimiter in '"\r\n\0 '):
        raise _bad_delimiter(delimiter, findings)
    return delimiter


def _bad_delimiter(delimiter: str, findings: Findings) -> InvalidError:
    message = f"the delimiter {delimiter!r} cannot separate cells"
    findings.add(message, "bad-delimiter", remedy="write one character, such as ; or \\t")
    return findings.error()


def _header(head: str, delimiter: str, rows: Rows) -> Header | None:
    """The header of a text whose cells this delimiter separates."""
    records = _records(head, delimiter)
    if not rows.header:
        return find_header(islice(records, HEADER_WITHIN), read_columns(rows))
    told = next(((line, cells) for line, cells in records if line >= rows.header), None)
    found = find_header(iter([told] if told else []), read_columns(rows))
    return Header(rows.header, found.hits, found.width) if found else None


def _records(head: str, delimiter: str) -> Iterator[tuple[int, Sequence[str]]]:
    """The records at the beginning of a text, with their lines; what is no CSV ends them."""
    reader = csv.reader((f"{text}\n" for text in head.split("\n")), delimiter=delimiter)
    line = 1
    try:
        for cells in reader:
            yield line, cells
            line = reader.line_num + 1
    except csv.Error:
        return
