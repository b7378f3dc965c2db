"""The first pass over an input: all that is wrong with it is found before the first row is used."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from runner.problems import LINES_A_FILE
from runner.recipe.model import Rows
from runner.rows.cells import CellError
from runner.rows.control_totals import Announced
from runner.rows.derived import Making
from runner.rows.findings import Findings
from runner.rows.first_pass import Indexing
from runner.rows.formats.decode import Spool, unpack
from runner.rows.formats.delimited import read_delimited
from runner.rows.formats.detect import DELIMITERS, kind_of
from runner.rows.formats.json_array import keep_objects
from runner.rows.formats.jsonl import read_json_lines
from runner.rows.formats.lines import open_file, stamp, unreadable
from runner.rows.group import Keys
from runner.rows.input import Input
from runner.rows.part import Part, changed, unchanged
from runner.template import EvaluationError


@dataclass(frozen=True)
class Piped:
    """What was piped in, in a file of its own, and what it is, where that was said."""

    file: Spool
    kind: str = ""


def open_input(
    path: Path, rows: Rows, *, scope: Mapping[str, Any], name: str | None = None, piped: Piped | None = None,
    more: Sequence[Path] = (),
) -> Input:  # fmt: skip
    """Check the whole file at `path` against `rows`, and `more` files that go on with it: all of them are one input.

    `scope` is what the key sees beside `row`, `name` what messages call the file. Without a key, rows are counted.
    Instead of a file, `path` may be `-` with what was `piped` in. Raises InvalidError with every problem found.
    """
    findings = Findings(name or str(path))
    keys = Keys(rows.key, scope, rows=rows) if rows.key is not None else None
    making, announced = _made(rows, scope, findings)
    indexing = Indexing(rows, keys, scope=scope, making=making, announced=announced)
    try:
        parts = [_read(path, rows, indexing, findings, piped)]
        for each in more:
            findings.file, indexing.part, indexing.before = (
                str(each),
                len(parts),
                len(parts) * LINES_A_FILE,
            )
            parts.append(_alike(parts[0], _read(each, rows, indexing, findings, None), findings))
        indexing.index.close()
    except OSError as error:
        raise unreadable(error, findings) from None
    findings.file = parts[0].name if not more else f"{parts[0].name} and {len(more)} more"
    if indexing.left_out and not len(indexing.index):
        message = (
            f"has no rows: `where` leaves out {'each of ' * (len(indexing.left_out) > 1)}its lines"
        )
        findings.add(message, "empty-file", remedy="look at the expression, or at the sheet")
    lines, count = len(indexing.index), indexing.index.row_count
    if not findings.total:
        announced.check(findings, lines=lines, rows=count)
    opened = Input(
        name=findings.file, digest=_digest(parts), parts=tuple(parts), warnings=tuple(findings.warnings),
        announced=announced.agreed(), left_out=indexing.left_out, _making=making,
        _rows=rows, _keys=keys, _index=indexing.index,
    )  # fmt: skip
    if findings.total and rows.group_by:
        raise findings.error()
    opened.check_keys(findings)
    if findings.total:
        raise findings.error()
    return opened


def _alike(first: Part, part: Part, findings: Findings) -> Part:
    """A file that is to go on with the first one: what is left to do of all of them has to fit under one header.

    Its columns may stand in another order. What is not as in the first file is noted.
    """
    remedy = f"give it the columns and the format of {first.name}, or run it by itself"
    if part.kind != first.kind or part.delimiter != first.delimiter:
        findings.add(f"is not in the format of {first.name}", "other-format", remedy=remedy)
    elif part.read.header != first.read.header:
        here, there = Counter(part.read.header), Counter(first.read.header)
        if here == there:
            return replace(part, order=_order(part.read.header, first.read.header))
        own, other = (", ".join(map(repr, each)) for each in (here - there, there - here))
        differs = " and ".join(
            filter(None, (own and f"{own} only here", other and f"{other} only there"))
        )
        findings.add(
            f"has not the columns of {first.name}: {differs}", "other-header", remedy=remedy
        )
    return part


def _order(header: Sequence[str], wanted: Sequence[str]) -> tuple[int, ...]:
    """Where the names of one header stand in another that has the same; several without a name follow each other."""
    places: dict[str, list[int]] = {}
    for at, name in enumerate(header):
        places.setdefault(name, []).append(at)
    return tuple(places[name].pop(0) for name in wanted)


def _digest(parts: Sequence[Part]) -> str:
    """The digest of a file, or what stands for the names and digests of several."""
    if len(parts) == 1:
        return parts[0].digest
    lines = (f"{part.digest}  {part.path.name}\n" for part in parts)
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def _made(rows: Rows, scope: Mapping[str, Any], findings: Findings) -> tuple[Making, Announced]:
    """What makes rows of records, and what was announced of them. Raises InvalidError."""
    try:
        return Making(rows, scope), Announced(rows, scope)
    except CellError as error:
        findings.add(f"a column {error.message}", "bad-column", remedy=error.remedy)
    except EvaluationError as error:
        findings.add(str(error), "announced", remedy="give it with -v, or leave it out")
    raise findings.error()


def _read(
    path: Path, rows: Rows, indexing: Indexing, findings: Findings, piped: Piped | None
) -> Part:
    """Check every record of one file."""
    with ExitStack() as opened:
        file = opened.enter_context(open_file(path, findings)) if piped is None else piped.file
        before = stamp(file)
        content = unpack(file, rows.encoding, findings)
        kind = kind_of(path, content, rows, findings, told=piped.kind if piped is not None else "")
        kept = content.file if content.own or piped is not None else None
        if kind == "xlsx":
            from runner.rows.formats.xlsx.workbook import (
                read_workbook,
            )  # imported on use, as its room for XML takes its time

            read, kept = read_workbook(content, rows, indexing, findings)
        elif kind == "json":
            kept = keep_objects(content.file, findings)
            read = read_json_lines(kept, rows, indexing, findings)
        elif kind == "jsonl":
            read = read_json_lines(content.file, rows, indexing, findings)
        else:
            read = read_delimited(content.file, DELIMITERS[kind], rows, indexing, findings)
        if (kept is None and read.size != before[0]) or not unchanged(file, before, content.digest):
            raise changed(findings.file, 1)
    return Part(
        path=path, name=findings.file, kind=kind, digest=content.digest, read=read, before=indexing.before,
        encoding=content.encoding, kept=kept, stamp=before, piped=piped.file if piped is not None else None,
    )  # fmt: skip
